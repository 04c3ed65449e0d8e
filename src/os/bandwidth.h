/* How fast this machine reads memory: the limit that a scan is measured against. */
#ifndef QN_OS_BANDWIDTH_H
#define QN_OS_BANDWIDTH_H

#include "base/env.h"
#include "os/topology.h"

/* Bytes per nanosecond (GB/s) that `threads` pinned threads read together from memory that no cache holds; each
 * reads its own part, forwards, as scans do.  The best of a few rounds, in less than a second.  Takes up
 * to a quarter of a gigabyte of env's memory for as long as it runs (more on machines with larger caches); 53200
 * when there is none. */
qn_status qn_bandwidth_read(qn_env *env, const qn_topology *topology, uint32_t threads, double *bytes_per_ns,
                            qn_error *err);

#endif
