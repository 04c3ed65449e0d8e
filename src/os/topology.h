/* The machine as the scheduler sees it: memory nodes and the processors near each.
 *
 * Entries are ordered by node, then so that the first hardware thread of every core comes before the
 * second ones: the first n entries of a node are the best places for n workers. */
#ifndef QN_OS_TOPOLOGY_H
#define QN_OS_TOPOLOGY_H

#include "base/alloc.h"

typedef struct qn_cpu {
    uint32_t node;    /* 0..node_count - 1 */
    uint32_t core;    /* hardware threads of one core share it */
    int32_t  os_index;/* what the system calls it; -1 in a synthetic topology */
} qn_cpu;

typedef struct qn_topology {
    uint32_t node_count;
    uint32_t core_count;
    uint32_t cpu_count;
    qn_cpu  *cpus;
    bool     synthetic;
    uint64_t cache_bytes;  /* last-level cache a core shares; 0 when unknown */
    uint64_t memory_bytes; /* of the machine, or of the container when that has less */
} qn_topology;

/* The processors this process may run on.  Where the system tells nothing, one node with as many cores
 * as there are processors online. */
qn_status qn_topology_detect(qn_mem *mem, qn_topology *topology, qn_error *err);
/* nodes x cores_per_node, for tests of placement on any machine; threads are never pinned. */
qn_status qn_topology_synthetic(qn_mem *mem, uint32_t nodes, uint32_t cores_per_node,
                                qn_topology *topology, qn_error *err);
void      qn_topology_deinit(qn_mem *mem, qn_topology *topology);

/* Keep the calling thread on cpus[index].  False when the system refuses or the topology is synthetic;
 * nothing depends on it but speed. */
bool qn_topology_pin(const qn_topology *topology, uint32_t index);

#endif
