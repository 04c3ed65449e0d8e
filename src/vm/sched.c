/* The morsel scheduler: see sched.h.
 *
 * Workers 1 … n-1 are threads that sleep between jobs; worker 0 is whoever calls qn_sched_run.  A job deals its
 * morsels to one queue per memory node, as contiguous ranges in proportion to the node's workers; taking a morsel is
 * one fetch-and-add on the queue's cursor.  A worker empties its node's queue, then the others' in turn.
 *
 * Shared state of a job: `failed` is the lowest morsel that failed so far (written by workers with a compare-and-swap,
 * read before each morsel; relaxed is enough, the error text itself is under the latch).  Morsels beyond it are
 * dropped, those before it still run, so the error reported is the same for any number of workers. */
#include "vm/sched.h"

#include "base/assert.h"
#include "base/thread.h"

#define IDLE_NS ((uint64_t)10 * 1000 * 1000 * 1000)
#define IDLE_KEEP_BYTES ((uint64_t)64 << 20) /* of memory that waits for the next execution */

typedef struct queue { /* one per node; a cache line each */
    _Atomic uint64_t next;
    uint64_t         end;
    char             pad[48];
} queue;

typedef struct worker {
    struct qn_sched *sched;
    int              number;
    uint32_t         cpu, node;
    qn_thread        thread;
    bool             started;
} worker;

struct qn_sched {
    qn_env      *env;
    qn_topology  topology;
    bool         owns_topology;
    int          count;
    worker      *workers;
    queue       *queues;

    qn_latch latch; /* the fields below */
    qn_cond  work, idle, turn;
    bool     stopping, busy;
    uint64_t generation;  /* grows with each job */
    int      joinable;    /* workers still allowed to join the job at hand */
    int      wanted;      /* that it has in all, the caller's included */
    int      active;      /* workers inside it */

    const qn_job    *job;
    _Atomic uint64_t failed;   /* lowest failing morsel */
    _Atomic uint64_t done;
    _Atomic bool     stop;     /* cancelled, out of memory: drop everything */
    qn_error         error;
    uint64_t         error_morsel;
};

/* ---- running morsels ----------------------------------------------------------------------------- */

static void record_failure(qn_sched *s, uint64_t morsel, qn_status st, const qn_error *err)
{
    uint64_t lowest = atomic_load_explicit(&s->failed, memory_order_relaxed);
    while (morsel < lowest && !atomic_compare_exchange_weak_explicit(&s->failed, &lowest, morsel, memory_order_relaxed,
                                                                     memory_order_relaxed)) {
    }
    if (st != QN_ERROR) /* no later or earlier morsel can do better */
        atomic_store_explicit(&s->stop, true, memory_order_relaxed);
    qn_latch_take(&s->latch);
    if (s->error.status == QN_OK || morsel < s->error_morsel) {
        s->error = *err;
        if (s->error.status == QN_OK)
            s->error.status = st;
        s->error_morsel = morsel;
    }
    qn_latch_drop(&s->latch);
}

static bool take(qn_sched *s, uint32_t home, uint64_t *morsel)
{
    for (uint32_t i = 0; i < s->topology.node_count; i++) {
        queue *q = &s->queues[(home + i) % s->topology.node_count];
        if (atomic_load_explicit(&q->next, memory_order_relaxed) >= q->end)
            continue;
        uint64_t m = atomic_fetch_add_explicit(&q->next, 1, memory_order_relaxed);
        if (m < q->end) {
            *morsel = m;
            return true;
        }
    }
    return false;
}

static bool cancelled(const qn_job *job)
{
    return job->cancel && atomic_load_explicit(job->cancel, memory_order_relaxed);
}

static void work_on(qn_sched *s, int number, uint32_t node)
{
    const qn_job *job = s->job;
    uint64_t      morsel, last_progress = 0;
    while (!atomic_load_explicit(&s->stop, memory_order_relaxed) && take(s, node, &morsel)) {
        qn_error err = {.status = QN_OK};
        if (morsel > atomic_load_explicit(&s->failed, memory_order_relaxed))
            continue;
        qn_status st = cancelled(job) ? qn_fail(&err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request")
                                      : job->run(job->arg, number, morsel, &err);
        if (st != QN_OK)
            record_failure(s, morsel, st, &err);
        uint64_t done = atomic_fetch_add_explicit(&s->done, 1, memory_order_relaxed) + 1;
        if (number == 0 && job->progress) {
            uint64_t now = s->env->clock.monotonic_ns(s->env->clock.self);
            if (now - last_progress > 100000000u) {
                last_progress = now;
                if (!job->progress(job->progress_arg, (double)done / (double)job->count)) {
                    qn_error stop = {.status = QN_OK};
                    st = qn_fail(&stop, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request");
                    record_failure(s, morsel, st, &stop);
                }
            }
        }
    }
}

static void worker_main(void *arg)
{
    worker   *w = arg;
    qn_sched *s = w->sched;
    uint64_t  seen = 0;
    qn_topology_pin(&s->topology, w->cpu);
    qn_latch_take(&s->latch);
    for (;;) {
        bool trim = w->number == 1; /* once after each spell of work, when nothing follows for a while */
        while (!s->stopping && (s->generation == seen || s->joinable == 0)) {
            if (!trim) {
                qn_cond_wait(&s->work, &s->latch);
            } else if (!qn_cond_wait_for(&s->work, &s->latch, IDLE_NS)) {
                trim = false;
                qn_latch_drop(&s->latch);
                qn_mem_trim(IDLE_KEEP_BYTES);
                qn_latch_take(&s->latch);
            }
        }
        if (s->stopping)
            break;
        seen = s->generation;
        /* Jobs have state per number, so of two workers the second is 1, whoever woke first. */
        int number = s->wanted == s->count ? w->number : s->wanted - s->joinable;
        s->joinable--;
        s->active++;
        qn_latch_drop(&s->latch);
        work_on(s, number, w->node);
        qn_latch_take(&s->latch);
        if (--s->active == 0)
            qn_cond_signal(&s->idle);
    }
    qn_latch_drop(&s->latch);
}

/* ---- jobs ---------------------------------------------------------------------------------------- */

static void deal(qn_sched *s, uint64_t count)
{
    uint64_t begin = 0;
    int      seen = 0;
    for (uint32_t n = 0; n < s->topology.node_count; n++) {
        for (int w = 0; w < s->count; w++)
            seen += s->workers[w].node == n;
        uint64_t end = n + 1 == s->topology.node_count ? count : count * (uint64_t)seen / (uint64_t)s->count;
        atomic_store_explicit(&s->queues[n].next, begin, memory_order_relaxed);
        s->queues[n].end = end;
        begin = end;
    }
}

qn_status qn_sched_run(qn_sched *s, const qn_job *job, qn_error *err)
{
    int workers = job->max_workers < 1 ? 1 : job->max_workers < s->count ? job->max_workers : s->count;
    if (!job->count)
        return QN_OK;
    if ((uint64_t)workers > job->count)
        workers = (int)job->count;
    qn_latch_take(&s->latch);
    while (s->busy)
        qn_cond_wait(&s->turn, &s->latch);
    s->busy = true;
    s->job = job;
    qn_error_clear(&s->error);
    atomic_store_explicit(&s->failed, UINT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&s->done, 0, memory_order_relaxed);
    atomic_store_explicit(&s->stop, false, memory_order_relaxed);
    deal(s, job->count);
    s->generation++;
    s->wanted = workers;
    s->joinable = workers - 1;
    if (s->joinable == 1)
        qn_cond_signal(&s->work);
    else if (s->joinable > 1)
        qn_cond_broadcast(&s->work);
    qn_latch_drop(&s->latch);

    work_on(s, 0, s->workers[0].node);

    qn_latch_take(&s->latch);
    s->joinable = 0; /* whoever has not woken yet is not needed any more */
    while (s->active)
        qn_cond_wait(&s->idle, &s->latch);
    qn_status st = s->error.status;
    if (st != QN_OK && err && err->status == QN_OK)
        *err = s->error;
    s->job = NULL;
    s->busy = false;
    qn_cond_signal(&s->turn);
    qn_latch_drop(&s->latch);
    return st;
}

/* ---- life ---------------------------------------------------------------------------------------- */

qn_status qn_sched_new(qn_env *env, const qn_topology *topology, int workers, qn_sched **out, qn_error *err)
{
    qn_status st = QN_OK;
    qn_sched *s;
    *out = NULL;
    QN_ALLOC(err, s = qn_alloc0(env->mem, sizeof *s));
    s->env = env;
    qn_latch_init(&s->latch);
    qn_cond_init(&s->work);
    qn_cond_init(&s->idle);
    qn_cond_init(&s->turn);
    if (topology) {
        s->topology = *topology;
    } else {
        QN_TRY(qn_topology_detect(env->mem, &s->topology, err));
        s->owns_topology = true;
    }
    s->count = workers > 0 ? workers : (int)s->topology.core_count;
    QN_ALLOC(err, s->workers = qn_alloc0(env->mem, qn_mul((size_t)s->count, sizeof *s->workers)));
    QN_ALLOC(err, s->queues = qn_alloc0(env->mem, qn_mul(s->topology.node_count, sizeof *s->queues)));
    for (int w = 0; w < s->count; w++) {
        uint32_t cpu = (uint32_t)w % s->topology.cpu_count;
        s->workers[w] = (worker){.sched = s, .number = w, .cpu = cpu, .node = s->topology.cpus[cpu].node};
    }
    for (int w = 1; w < s->count; w++) {
        QN_TRY(qn_thread_start(&s->workers[w].thread, 0, worker_main, &s->workers[w], err));
        s->workers[w].started = true;
    }
    *out = s;
done:
    if (st != QN_OK)
        qn_sched_free(s);
    return st;
}

void qn_sched_free(qn_sched *s)
{
    if (!s)
        return;
    qn_latch_take(&s->latch);
    s->stopping = true;
    qn_cond_broadcast(&s->work);
    qn_latch_drop(&s->latch);
    for (int w = 1; s->workers && w < s->count; w++)
        if (s->workers[w].started)
            qn_thread_join(s->workers[w].thread);
    if (s->queues)
        qn_free(s->env->mem, s->queues, qn_mul(s->topology.node_count, sizeof *s->queues));
    if (s->workers)
        qn_free(s->env->mem, s->workers, qn_mul((size_t)s->count, sizeof *s->workers));
    if (s->owns_topology)
        qn_topology_deinit(s->env->mem, &s->topology);
    qn_cond_deinit(&s->work);
    qn_cond_deinit(&s->idle);
    qn_cond_deinit(&s->turn);
    qn_latch_deinit(&s->latch);
    qn_free(s->env->mem, s, sizeof *s);
}

int qn_sched_workers(const qn_sched *s) { return s->count; }

uint64_t qn_sched_default_memory(const qn_sched *s) { return s->topology.memory_bytes / 10 * 8; }

void qn_sched_placement(const qn_sched *s, int number, int *node, int *core)
{
    QN_ASSERT(number >= 0 && number < s->count);
    *node = (int)s->workers[number].node;
    *core = (int)s->topology.cpus[s->workers[number].cpu].core;
}
