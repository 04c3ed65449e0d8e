/* Power fails at every call of the file system.
 *
 * The changes of the script run one after another; at the n-th call, n = 1, 2, …, the machine stops, and the
 * memory vfs makes up, from a seed, what the disk holds afterwards: unsynced writes, names and removals kept or
 * lost, the last write torn.  The database is opened again, half the time with another crash in the middle of
 * that.  What it then holds must be the state after some number of the changes: all that were acknowledged, and
 * at most the one that was under way. */
#include "../fault/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same(const qn_buf *a, const qn_buf *b)
{
    return a->bytes == b->bytes && (a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0);
}

static uint32_t changes(uint32_t steps[]) /* numbers of the steps that change tables */
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < script_count; i++) {
        if (script[i].kind == STEP_CHANGE)
            steps[n++] = i;
    }
    return n;
}

static void plan_crash(world *w, uint64_t n)
{
    qn_vfs_fault_plan(w->fault, (qn_fault_plan){.op = -1, .nth = n, .effect = QN_FAULT_CRASH});
}

/* Run until the crash; how many changes were acknowledged.  *finished: the crash never came. */
static uint32_t run_to_crash(world *w, const uint32_t *steps, uint32_t count, bool *finished)
{
    qn_error err = {0};
    qn_buf   answer;
    uint32_t done = 0;
    qn_buf_init(&answer, &w->vfs_memory);
    if (world_open(w, &err) == QN_OK) {
        while (done < count && world_answer(w, script[steps[done]].sql, &answer, &err) == QN_OK)
            done++;
    }
    *finished = !qn_vfs_fault_hit(w->fault);
    if (*finished && done < count)
        bug("%s: %s", script[steps[done]].sql, err.message);
    world_close(w);
    qn_buf_deinit(&answer);
    return done;
}

/* One crash, one disk.  False: the script was over before call n. */
static bool crash_at(uint64_t n, uint64_t seed, const lesson *lessons, const uint32_t *steps, uint32_t count)
{
    world    w;
    qn_error err = {0};
    qn_buf   state;
    bool     finished;
    world_init(&w, 1);
    script_files(&w);
    qn_buf_init(&state, &w.vfs_memory);
    plan_crash(&w, n);
    uint32_t done = run_to_crash(&w, steps, count, &finished);
    qn_vfs_memory_crash(w.base, seed);
    if (seed % 2) { /* and again while it recovers */
        plan_crash(&w, 1 + seed / 2 % 40);
        (void)!world_open(&w, &err);
        world_close(&w);
        qn_vfs_memory_crash(w.base, seed * 31);
        memset(&err, 0, sizeof err);
    }
    plan_crash(&w, 0);
    if (world_open(&w, &err) != QN_OK) {
        bug("call %" PRIu64 ", seed %" PRIu64 ": opening again: %s", n, seed, err.message);
    } else {
        bool fits = false;
        world_state(&w, "after the crash", &state);
        for (uint32_t k = done; k <= done + 1 && k <= count; k++)
            fits = fits || same(&state, &lessons[k ? steps[k - 1] : script_count].state);
        if (!fits)
            bug("call %" PRIu64 ", seed %" PRIu64 ": %u changes were acknowledged, the tables are now:\n%.300s", n, seed,
                done, state.data ? state.data : "");
        /* The database goes on: a change of its own succeeds. */
        if (world_answer(&w, "CREATE TABLE afterwards AS SELECT 1 AS a", &state, &err) != QN_OK)
            bug("call %" PRIu64 ", seed %" PRIu64 ": the next change: %s", n, seed, err.message);
    }
    qn_buf_deinit(&state);
    world_deinit(&w);
    return !finished;
}

int main(int argc, char **argv)
{
    uint64_t  stride = stride_of(argc, argv), disks = argc > 2 ? strtoull(argv[2], NULL, 10) : 4, rounds = 0;
    lesson   *lessons = learn();
    uint32_t *steps = calloc(script_count, sizeof *steps), count = changes(steps);
    bool      going = true;
    verdict("crash: the script without faults", script_count);
    for (uint64_t n = 1; going; n += stride) {
        for (uint64_t d = 0; d < disks && going; d++, rounds++)
            going = crash_at(n, n * 1000 + d, lessons, steps, count);
    }
    verdict("crash: power fails at every call", rounds);
    free(steps);
    forget(lessons);
    return exit_status();
}
