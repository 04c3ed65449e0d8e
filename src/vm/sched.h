/* The morsel scheduler: one pool of pinned workers per database.
 *
 * A job is `count` morsels and a function.  Morsels are dealt to per-node queues as contiguous ranges; a worker
 * takes from its node's queue first, then steals from others.  The coordinator is passive: shared counters that
 * the workers advance; the calling thread works as worker 0, so a job of one worker wakes nobody.
 *
 * Cancellation, memory limit and progress are looked at between morsels.  The first error (by morsel number, not
 * by time) is the job's error, whatever the number of workers. */
#ifndef QN_VM_SCHED_H
#define QN_VM_SCHED_H

#include "base/env.h"
#include "os/topology.h"

typedef struct qn_sched qn_sched;

/* workers 0: one per core of the topology; topology NULL: the machine's. */
qn_status qn_sched_new(qn_env *env, const qn_topology *topology, int workers, qn_sched **sched, qn_error *err);
void      qn_sched_free(qn_sched *sched);
int       qn_sched_workers(const qn_sched *sched);
/* 80 % of the machine's (or container's) memory: the default limit. */
uint64_t  qn_sched_default_memory(const qn_sched *sched);
/* Which node and core a worker sits on, for tests and EXPLAIN. */
void      qn_sched_placement(const qn_sched *sched, int worker, int *node, int *core);

typedef struct qn_job {
    uint64_t count; /* morsels */
    int      max_workers; /* at most this many take part, numbered from 0; 1 for work under about a millisecond */
    qn_status (*run)(void *arg, int worker, uint64_t morsel, qn_error *err);
    void    *arg;
    _Atomic bool *cancel; /* or NULL: looked at between morsels, QN_INTERRUPTED when set */
    bool (*progress)(void *arg, double fraction); /* called from the calling thread, or NULL; false: cancel */
    void    *progress_arg;
} qn_job;

/* Run to the end or to the first error.  Called from one thread at a time per scheduler user; several callers
 * take turns. */
qn_status qn_sched_run(qn_sched *sched, const qn_job *job, qn_error *err);

#endif
