/* The morsel scheduler, on machines that are made up: where workers sit, that every morsel runs once, who is woken,
 * which of several errors counts, how a job is stopped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/thread.h"
#include "vm/sched.h"

enum { NODES = 2, CORES = 8, MANY = 5000 };

typedef struct world {
    qn_mem      mem;
    qn_env      env;
    uint64_t    now_ns;
    qn_topology topology;
    qn_sched   *sched;
} world;

static void open_world(world *w, int workers)
{
    memset(w, 0, sizeof *w);
    qn_mem_init(&w->mem, NULL, 0);
    w->env.mem = &w->mem;
    w->env.clock = qn_clock_manual(&w->now_ns);
    assert_int_equal(qn_topology_synthetic(&w->mem, NODES, CORES, &w->topology, NULL), QN_OK);
    assert_int_equal(qn_sched_new(&w->env, &w->topology, workers, &w->sched, NULL), QN_OK);
}

static void close_world(world *w)
{
    qn_sched_free(w->sched);
    qn_topology_deinit(&w->mem, &w->topology);
    assert_int_equal(w->mem.used_bytes, 0);
    qn_mem_deinit(&w->mem);
}

/* ---- placement --------------------------------------------------------------------------------- */

static void workers_fill_the_nodes_in_order(void **state)
{
    (void)state;
    world w;
    int   node, core, on_node[NODES] = {0};
    open_world(&w, 0); /* 0: one per core */
    assert_int_equal(qn_sched_workers(w.sched), NODES * CORES);
    for (int i = 0; i < NODES * CORES; i++) {
        qn_sched_placement(w.sched, i, &node, &core);
        assert_in_range(node, 0, NODES - 1);
        on_node[node]++;
    }
    assert_int_equal(on_node[0], CORES);
    assert_int_equal(on_node[1], CORES);
    qn_sched_placement(w.sched, 0, &node, &core);
    assert_int_equal(node, 0); /* the caller's */
    close_world(&w);
    open_world(&w, NODES * CORES + 3); /* more workers than cores sit where the first ones do */
    qn_sched_placement(w.sched, NODES * CORES, &node, &core);
    assert_int_equal(node, 0);
    close_world(&w);
}

/* ---- every morsel, once ------------------------------------------------------------------------ */

typedef struct counts {
    _Atomic int runs[MANY];
    _Atomic int by_worker[64];
    pthread_t   caller;
    _Atomic int strangers; /* morsels run by another thread than the caller */
} counts;

static qn_status count_run(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    counts *c = arg;
    (void)err;
    atomic_fetch_add(&c->runs[morsel], 1);
    atomic_fetch_add(&c->by_worker[worker], 1);
    if (!pthread_equal(pthread_self(), c->caller))
        atomic_fetch_add(&c->strangers, 1);
    return QN_OK;
}

static void every_morsel_runs_exactly_once(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 2, 15, 16, 17, 100, MANY};
    static const int      limits[] = {1, 2, 7, 16, 1000};
    world                 w;
    open_world(&w, 16);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < sizeof limits / sizeof *limits; j++) {
            counts *c = calloc(1, sizeof *c);
            c->caller = pthread_self();
            qn_job job = {.count = sizes[i], .max_workers = limits[j], .run = count_run, .arg = c};
            assert_int_equal(qn_sched_run(w.sched, &job, NULL), QN_OK);
            int total = 0, taking_part = 0;
            for (uint64_t m = 0; m < MANY; m++)
                assert_int_equal(c->runs[m], m < sizes[i]);
            for (int k = 0; k < 64; k++) {
                total += c->by_worker[k];
                taking_part += c->by_worker[k] > 0;
                assert_true(k < limits[j] || !c->by_worker[k]); /* numbers index what the job has per worker */
            }
            assert_int_equal(total, sizes[i]);
            assert_true(taking_part <= limits[j]); /* never more than asked for */
            free(c);
        }
    close_world(&w);
}

static void a_job_of_one_worker_wakes_nobody(void **state)
{
    (void)state;
    world   w;
    counts *c = calloc(1, sizeof *c);
    open_world(&w, 16);
    c->caller = pthread_self();
    qn_job job = {.count = MANY, .max_workers = 1, .run = count_run, .arg = c};
    assert_int_equal(qn_sched_run(w.sched, &job, NULL), QN_OK);
    assert_int_equal(c->by_worker[0], MANY);
    assert_int_equal(c->strangers, 0);
    /* nor does a job of one morsel, however many may take part */
    job = (qn_job){.count = 1, .max_workers = 16, .run = count_run, .arg = c};
    assert_int_equal(qn_sched_run(w.sched, &job, NULL), QN_OK);
    assert_int_equal(c->strangers, 0);
    job.count = 0;
    assert_int_equal(qn_sched_run(w.sched, &job, NULL), QN_OK);
    free(c);
    close_world(&w);
}

/* ---- stealing ---------------------------------------------------------------------------------- */

typedef struct meeting {
    qn_latch latch;
    qn_cond  changed;
    uint64_t done, count;
    int      arrived, expected;
} meeting;

/* Whoever comes second stays in its first morsel until all others are done. */
static qn_status linger(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    meeting *m = arg;
    (void)morsel, (void)err;
    qn_latch_take(&m->latch);
    while (worker != 0 && m->done + 1 < m->count)
        qn_cond_wait(&m->changed, &m->latch);
    m->done++;
    qn_cond_broadcast(&m->changed);
    qn_latch_drop(&m->latch);
    return QN_OK;
}

static void morsels_of_a_slow_worker_are_stolen(void **state)
{
    (void)state;
    world   w;
    meeting m = {.count = 400};
    open_world(&w, 16);
    qn_latch_init(&m.latch);
    qn_cond_init(&m.changed);
    /* Half of the morsels are dealt to the other node; the job ends only if the caller takes those too. */
    qn_job job = {.count = m.count, .max_workers = 2, .run = linger, .arg = &m};
    assert_int_equal(qn_sched_run(w.sched, &job, NULL), QN_OK);
    assert_int_equal(m.done, m.count);
    qn_cond_deinit(&m.changed);
    qn_latch_deinit(&m.latch);
    close_world(&w);
}

/* Morsel 0 ends only when every worker has come. */
static qn_status wait_for_all(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    meeting *m = arg;
    (void)worker, (void)morsel, (void)err;
    qn_latch_take(&m->latch);
    m->arrived++;
    qn_cond_broadcast(&m->changed);
    while (m->arrived < m->expected)
        qn_cond_wait(&m->changed, &m->latch);
    qn_latch_drop(&m->latch);
    return QN_OK;
}

static void all_workers_take_part(void **state)
{
    (void)state;
    world   w;
    meeting m = {.expected = 16};
    open_world(&w, 16);
    qn_latch_init(&m.latch);
    qn_cond_init(&m.changed);
    qn_job job = {.count = 16, .max_workers = 16, .run = wait_for_all, .arg = &m};
    assert_int_equal(qn_sched_run(w.sched, &job, NULL), QN_OK);
    assert_int_equal(m.arrived, 16);
    qn_cond_deinit(&m.changed);
    qn_latch_deinit(&m.latch);
    close_world(&w);
}

/* ---- errors ------------------------------------------------------------------------------------ */

static qn_status fail_some(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    count_run(arg, worker, morsel, err);
    if (morsel % 100 == 37)
        return qn_fail(err, QN_SQLSTATE_DIVISION_BY_ZERO, "morsel %d", (int)morsel);
    return QN_OK;
}

static void the_first_error_by_morsel_counts(void **state)
{
    (void)state;
    world w;
    open_world(&w, 16);
    for (int round = 0; round < 50; round++) {
        counts  *c = calloc(1, sizeof *c);
        qn_error err = {.status = QN_OK};
        qn_job   job = {.count = 1000, .max_workers = 1 + round % 16, .run = fail_some, .arg = c};
        c->caller = pthread_self();
        assert_int_equal(qn_sched_run(w.sched, &job, &err), QN_ERROR);
        assert_string_equal(err.message, "morsel 37"); /* and not whichever failed first on the clock */
        for (int m = 0; m <= 37; m++)
            assert_int_equal(c->runs[m], 1); /* what comes before it has run: it might have failed too */
        free(c);
    }
    /* The next job starts clean. */
    counts *c = calloc(1, sizeof *c);
    qn_job  job = {.count = 1000, .max_workers = 16, .run = count_run, .arg = c};
    assert_int_equal(qn_sched_run(w.sched, &job, NULL), QN_OK);
    free(c);
    close_world(&w);
}

static qn_status out_of_memory(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    count_run(arg, worker, morsel, err);
    return morsel == 3 ? qn_nomem(err) : QN_OK;
}

static void running_out_of_memory_stops_everything(void **state)
{
    (void)state;
    world    w;
    counts  *c = calloc(1, sizeof *c);
    qn_error err = {.status = QN_OK};
    open_world(&w, 4);
    qn_job job = {.count = MANY, .max_workers = 1, .run = out_of_memory, .arg = c};
    assert_int_equal(qn_sched_run(w.sched, &job, &err), QN_NOMEM);
    assert_string_equal(err.sqlstate, "53200");
    assert_int_equal(c->runs[4], 0);
    free(c);
    close_world(&w);
}

/* ---- stopping ---------------------------------------------------------------------------------- */

typedef struct stopper {
    counts       *counts;
    _Atomic bool  cancel;
    uint64_t      at;
    uint64_t     *now_ns;
    int           reports, stop_after;
    double        last;
    bool          grows, from_caller;
} stopper;

static qn_status cancel_at(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    stopper *s = arg;
    count_run(s->counts, worker, morsel, err);
    if (morsel == s->at)
        atomic_store(&s->cancel, true);
    return QN_OK;
}

static void cancellation_is_seen_between_morsels(void **state)
{
    (void)state;
    world    w;
    stopper  s = {.counts = calloc(1, sizeof(counts)), .at = 10};
    qn_error err = {.status = QN_OK};
    open_world(&w, 4);
    qn_job job = {.count = MANY, .max_workers = 1, .run = cancel_at, .arg = &s, .cancel = &s.cancel};
    assert_int_equal(qn_sched_run(w.sched, &job, &err), QN_INTERRUPTED);
    assert_string_equal(err.sqlstate, "57014");
    assert_int_equal(s.counts->runs[10], 1);
    assert_int_equal(s.counts->runs[11], 0);
    job.max_workers = 4; /* cancelled before it begins */
    memset(s.counts, 0, sizeof *s.counts);
    qn_error_clear(&err);
    assert_int_equal(qn_sched_run(w.sched, &job, &err), QN_INTERRUPTED);
    for (int m = 0; m < MANY; m++)
        assert_int_equal(s.counts->runs[m], 0);
    free(s.counts);
    close_world(&w);
}

static qn_status take_time(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    stopper *s = arg;
    *s->now_ns += 60000000; /* 60 ms; one worker, so nobody else looks at the clock */
    return count_run(s->counts, worker, morsel, err);
}

static bool report(void *arg, double fraction)
{
    stopper *s = arg;
    s->grows = s->grows && fraction > s->last && fraction <= 1;
    s->from_caller = s->from_caller && pthread_equal(pthread_self(), s->counts->caller);
    s->last = fraction;
    return ++s->reports != s->stop_after;
}

static void progress_comes_from_the_caller_ten_times_a_second(void **state)
{
    (void)state;
    world   w;
    stopper s = {.counts = calloc(1, sizeof(counts)), .grows = true, .from_caller = true};
    open_world(&w, 4);
    s.now_ns = &w.now_ns;
    s.counts->caller = pthread_self();
    qn_job job = {.count = 100, .max_workers = 1, .run = take_time, .arg = &s, .progress = report, .progress_arg = &s};
    assert_int_equal(qn_sched_run(w.sched, &job, NULL), QN_OK);
    assert_true(s.grows && s.from_caller);
    assert_int_equal(s.reports, 50); /* 6 s of work, a report at the first morsel end beyond each 100 ms */
    /* false stops the job */
    qn_error err = {.status = QN_OK};
    s.reports = 0, s.stop_after = 3, s.last = 0;
    memset(s.counts->runs, 0, sizeof s.counts->runs);
    assert_int_equal(qn_sched_run(w.sched, &job, &err), QN_INTERRUPTED);
    assert_string_equal(err.sqlstate, "57014");
    assert_int_equal(s.reports, 3);
    assert_int_equal(s.counts->runs[99], 0);
    free(s.counts);
    close_world(&w);
}

/* ---- several callers --------------------------------------------------------------------------- */

typedef struct caller {
    qn_sched    *sched;
    _Atomic int *inside; /* [2]: how many workers are inside a job of each caller */
    int          me;
    bool         mixed;
    qn_thread    thread;
} caller;

static qn_status alone(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    caller *c = arg;
    (void)worker, (void)morsel, (void)err;
    atomic_fetch_add(&c->inside[c->me], 1);
    if (atomic_load(&c->inside[1 - c->me]))
        c->mixed = true;
    atomic_fetch_sub(&c->inside[c->me], 1);
    return QN_OK;
}

static void call_often(void *arg)
{
    caller *c = arg;
    for (int i = 0; i < 200; i++) {
        qn_job job = {.count = 50, .max_workers = 1, .run = alone, .arg = c};
        assert_int_equal(qn_sched_run(c->sched, &job, NULL), QN_OK);
    }
}

static void two_callers_take_turns(void **state)
{
    (void)state;
    world       w;
    _Atomic int inside[2] = {0, 0};
    caller      callers[2];
    open_world(&w, 4);
    for (int i = 0; i < 2; i++) {
        callers[i] = (caller){.sched = w.sched, .inside = inside, .me = i};
        assert_int_equal(qn_thread_start(&callers[i].thread, 0, call_often, &callers[i], NULL), QN_OK);
    }
    for (int i = 0; i < 2; i++) {
        qn_thread_join(callers[i].thread);
        assert_false(callers[i].mixed);
    }
    close_world(&w);
}

/* ---- memory ------------------------------------------------------------------------------------ */

static void refused_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    qn_mem      mem;
    qn_topology topology;
    qn_env      env = {.mem = &mem, .clock = qn_clock_system()};
    qn_mem_init(&mem, NULL, 0);
    assert_int_equal(qn_topology_synthetic(&mem, NODES, CORES, &topology, NULL), QN_OK);
    uint64_t  before = mem.used_bytes;
    qn_sched *sched = NULL;
    qn_status st = QN_NOMEM;
    for (int n = 1; st != QN_OK; n++) {
        qn_error err = {.status = QN_OK};
        assert_true(n < 100);
        atomic_store(&mem.fail_at, atomic_load(&mem.requests) + (uint64_t)n);
        st = qn_sched_new(&env, &topology, 4, &sched, &err);
        atomic_store(&mem.fail_at, 0);
        if (st != QN_OK) {
            assert_int_equal(st, QN_NOMEM);
            assert_null(sched);
            assert_int_equal(mem.used_bytes, before);
        }
    }
    qn_sched_free(sched);
    qn_sched_free(NULL);
    qn_topology_deinit(&mem, &topology);
    assert_int_equal(mem.used_bytes, 0);
    qn_mem_deinit(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_fill_the_nodes_in_order),
        cmocka_unit_test(every_morsel_runs_exactly_once),
        cmocka_unit_test(a_job_of_one_worker_wakes_nobody),
        cmocka_unit_test(morsels_of_a_slow_worker_are_stolen),
        cmocka_unit_test(all_workers_take_part),
        cmocka_unit_test(the_first_error_by_morsel_counts),
        cmocka_unit_test(running_out_of_memory_stops_everything),
        cmocka_unit_test(cancellation_is_seen_between_morsels),
        cmocka_unit_test(progress_comes_from_the_caller_ten_times_a_second),
        cmocka_unit_test(two_callers_take_turns),
        cmocka_unit_test(refused_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
