/* Every allocation of every statement fails, one after another, once and from there on.
 *
 * For each step of the script, in order: fail its n-th request for memory, n = 1, 2, … until the step gets
 * through.  A failing step must say 53200, take nothing, leave the tables as they were and the session able to
 * go on; a step that gets by without the memory must answer as it always does.
 *
 * Caches grow the first time they meet a statement: memory counts as leaked when the same failure takes it
 * again. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void check_failure(const char *sql, uint64_t n, qn_status st, const qn_error *err)
{
    if (st != QN_NOMEM || strcmp(err->sqlstate, "53200") != 0)
        bug("%s: allocation %" PRIu64 " failed, but the error is %s %s", sql, n, err->sqlstate, err->message);
}

static bool same(const qn_buf *a, const qn_buf *b)
{
    return a->bytes == b->bytes && (a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0);
}

static void plan(world *w, uint64_t n, bool persist)
{
    atomic_store(&w->memory.fail_persist, persist);
    atomic_store(&w->memory.requests, 0);
    atomic_store(&w->memory.fail_at, n);
}

/* One step until it succeeds; how many rounds that took. */
static uint64_t fail_step(world *w, uint32_t i, const lesson *lessons, bool persist, uint64_t stride)
{
    const char   *sql = script[i].sql;
    const qn_buf *old = &lessons[i ? i - 1 : script_count].state;
    qn_buf        answer, state;
    uint64_t      rounds = 0, again = 0;
    qn_buf_init(&answer, &w->vfs_memory);
    qn_buf_init(&state, &w->vfs_memory);
    /* A first phase that differs from step to step, so that strides meet other points each time. */
    for (uint64_t n = 1 + i % stride;; n += again == n ? 0 : stride) {
        qn_error err = {0};
        uint64_t before = atomic_load(&w->memory.used_bytes);
        plan(w, n, persist);
        qn_status st = world_answer(w, sql, &answer, &err);
        bool      reached = atomic_load(&w->memory.requests) >= n;
        plan(w, 0, false);
        rounds++;
        if (st == QN_OK) {
            if (!same(&answer, &lessons[i].answer))
                bug("%s: allocation %" PRIu64 " failed, the answer is wrong:\n%.300s", sql, n, answer.data ? answer.data : "");
            /* A change or a new setting cannot be repeated; a read can. */
            if (!reached || script[i].kind != STEP_READ)
                break;
            again = 0; /* with two threads the same count need not be the same place */
            continue;
        }
        check_failure(sql, n, st, &err);
        if (!reached) {
            bug("%s: fails without a failing allocation: %s", sql, err.message);
            break;
        }
        uint64_t after = atomic_load(&w->memory.used_bytes);
        if (after > before && again == n)
            bug("%s: allocation %" PRIu64 " failed, %" PRIu64 " bytes leaked", sql, n, after - before);
        again = after > before && again != n ? n : 0;
        if (script[i].kind == STEP_CHANGE) {
            world_state(w, sql, &state);
            if (!same(&state, old))
                bug("%s: allocation %" PRIu64 " failed, the tables are now:\n%.300s", sql, n, state.data ? state.data : "");
            if (same(&state, &lessons[i].state))
                break; /* done, whatever it said */
        }
    }
    qn_buf_deinit(&answer);
    qn_buf_deinit(&state);
    return rounds;
}

/* Opening: whatever fails, the next attempt succeeds. */
static uint64_t fail_open(const image *files, bool persist, uint64_t stride)
{
    uint64_t rounds = 0;
    for (uint64_t n = 1;; n += stride) {
        world    w;
        qn_error err = {0};
        world_init(&w, 2);
        image_restore(&w, files);
        plan(&w, n, persist);
        qn_status st = world_open(&w, &err);
        plan(&w, 0, false);
        rounds++;
        if (st == QN_OK) {
            world_deinit(&w);
            return rounds;
        }
        check_failure("open", n, st, &err);
        memset(&err, 0, sizeof err);
        if (world_open(&w, &err) != QN_OK)
            bug("open: allocation %" PRIu64 " failed, and then: %s", n, err.message);
        world_deinit(&w);
    }
}

static void run(const lesson *lessons, int threads, bool persist, uint64_t stride)
{
    world    w;
    qn_error err = {0};
    char     name[80];
    uint64_t rounds = 0;
    world_init(&w, threads);
    script_files(&w);
    if (world_open(&w, &err) != QN_OK)
        bug("open: %s", err.message);
    for (uint32_t i = 0; w.db && i < script_count; i++)
        rounds += fail_step(&w, i, lessons, persist, stride);
    world_deinit(&w);
    snprintf(name, sizeof name, "memory: every statement, %s, %d thread%s", persist ? "from there on" : "once", threads,
             threads > 1 ? "s" : "");
    verdict(name, rounds);
}

int main(int argc, char **argv)
{
    uint64_t stride = stride_of(argc, argv);
    lesson  *lessons = learn();
    image    nothing = {0};
    uint32_t full = 4; /* before this step the directory holds a table with rows */
    verdict("memory: the script without faults", script_count);
    verdict("memory: creating a database", fail_open(&nothing, false, 1) + fail_open(&nothing, true, 1));
    verdict("memory: opening a database",
            fail_open(&lessons[full].before, false, 1) + fail_open(&lessons[full].before, true, 1));
    run(lessons, 1, false, stride);
    run(lessons, 1, true, stride);
    run(lessons, 2, false, stride * 3);
    forget(lessons);
    return exit_status();
}
