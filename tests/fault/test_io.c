/* Every call of the file system fails, one after another: EIO, a full disk, half a write; once and from there
 * on.
 *
 * For each step of the script: fail its n-th call, n = 1, 2, … until the step gets through.  A failing step says
 * which class of failure it met, gives back what it took and leaves the process able to go on; afterwards the
 * directory, opened again in a good world, holds the state before the step or the one after it, and the state
 * after it when the step said that it succeeded.  An answer given is the right one. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct way { /* a way to fail */
    const char     *name;
    qn_fault_effect effect;
    bool            persist;
} way;

static const way ways[] = {
    {"EIO once", QN_FAULT_EIO, false},
    {"EIO from there on", QN_FAULT_EIO, true},
    {"disk full once", QN_FAULT_ENOSPC, false},
    {"disk full from there on", QN_FAULT_ENOSPC, true},
    {"short once", QN_FAULT_SHORT, false},
};

static bool same(const qn_buf *a, const qn_buf *b)
{
    return a->bytes == b->bytes && (a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0);
}

static void no_fault(world *w)
{
    qn_vfs_fault_plan(w->fault, (qn_fault_plan){.op = -1});
}

/* A short read is what a file that ends early gives: the loader and the manifest may say what they miss. */
static void check_failure(const char *sql, const way *how, uint64_t n, const qn_error *err)
{
    static const char *const io[] = {"58030", "53100"};
    for (size_t i = 0; i < sizeof io / sizeof *io; i++) {
        if (strcmp(err->sqlstate, io[i]) == 0)
            return;
    }
    if (how->effect == QN_FAULT_SHORT && err->sqlstate[0])
        return;
    bug("%s: call %" PRIu64 ", %s: the error is %s %s", sql, n, how->name, err->sqlstate, err->message);
}

/* The directory after a failure, seen by a process that starts now. */
static void check_directory(world *w, uint32_t i, const way *how, uint64_t n, bool succeeded, const lesson *lessons)
{
    const char   *sql = script[i].sql;
    const qn_buf *old = &lessons[i ? i - 1 : script_count].state, *new = &lessons[i].state;
    qn_error      err = {0};
    qn_buf        state;
    image         left;
    uint64_t      blocks = 0;
    qn_buf_init(&state, &w->vfs_memory);
    if (world_open(w, &err) != QN_OK) {
        bug("%s: call %" PRIu64 ", %s: opening again: %s", sql, n, how->name, err.message);
        goto done;
    }
    world_state(w, sql, &state);
    if (!same(&state, new) && (succeeded || !same(&state, old)))
        bug("%s: call %" PRIu64 ", %s: said %s, the tables are now:\n%.300s", sql, n, how->name,
            succeeded ? "yes" : "no", state.data ? state.data : "");
    /* What a failed statement left behind is gone once a writer has opened the database. */
    image_save(w, &left);
    for (size_t f = 0; f < left.count; f++) {
        blocks += strstr(left.files[f].path, ".qnb") != NULL;
        if (strstr(left.files[f].path, ".tmp"))
            bug("%s: call %" PRIu64 ", %s: %s is left", sql, n, how->name, left.files[f].path);
    }
    image_free(&left);
    uint64_t known = 0;
    qn_buf   text;
    qn_buf_init(&text, &w->vfs_memory);
    for (char *at = state.data; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
        char name[64], question[160];
        if (sscanf(at, "%63[^|]|", name) != 1 || strchr(name, ' ') || !strchr(at, '|') || strchr(at, '|') > strchr(at, '\n'))
            continue;
        snprintf(question, sizeof question, "SELECT count(DISTINCT block) FROM quern_inspect('%s')", name);
        if (world_answer(w, question, &text, &err) != QN_OK)
            bug("%s: %s", question, err.message);
        else
            known += strtoull(text.data, NULL, 10);
    }
    qn_buf_deinit(&text);
    if (known != blocks)
        bug("%s: call %" PRIu64 ", %s: %" PRIu64 " block files, %" PRIu64 " blocks", sql, n, how->name, blocks, known);
done:
    world_close(w);
    qn_buf_deinit(&state);
}

/* Open the database and run the step while call n fails; a step of a session that reads blocks touches the
 * files at open only, so opening is part of every step. */
static bool fail_once(world *w, uint32_t i, const way *how, uint64_t n, const lesson *lessons)
{
    const char *sql = script[i].sql;
    qn_error    err = {0};
    qn_buf      answer, state;
    bool        succeeded;
    qn_buf_init(&answer, &w->vfs_memory);
    qn_buf_init(&state, &w->vfs_memory);
    qn_vfs_fault_plan(w->fault, (qn_fault_plan){.op = -1, .nth = n, .persist = how->persist, .effect = how->effect, .seed = n});
    qn_status st = world_open(w, &err);
    bool      opened = st == QN_OK;
    if (opened)
        st = world_answer(w, sql, &answer, &err);
    succeeded = st == QN_OK;
    bool hit = qn_vfs_fault_hit(w->fault);
    no_fault(w);
    if (succeeded && !same(&answer, &lessons[i].answer))
        bug("%s: call %" PRIu64 ", %s: the answer is wrong:\n%.300s", sql, n, how->name, answer.data ? answer.data : "");
    if (!succeeded) {
        check_failure(opened ? sql : "open", how, n, &err);
        if (!hit)
            bug("%s: fails without a fault: %s", sql, err.message);
    }
    if (opened) /* reads go on in the same process, whatever became of the disk */
        world_state(w, sql, &state);
    if (opened && !succeeded && !same(&state, &lessons[i ? i - 1 : script_count].state) && !same(&state, &lessons[i].state))
        bug("%s: call %" PRIu64 ", %s: the process sees\n%.300s", sql, n, how->name, state.data ? state.data : "");
    world_close(w);
    if (script[i].kind == STEP_CHANGE)
        check_directory(w, i, how, n, succeeded, lessons);
    qn_buf_deinit(&answer);
    qn_buf_deinit(&state);
    return hit;
}

/* Also what a COPY TO could not remove, because that failed as well. */
static void remove_outputs(world *w)
{
    static const char *const names[] = {"out.tsv", "out.csv", "out.tsv.tmp0", "out.csv.tmp0"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)!w->base->unlink(w->base, names[i], NULL);
}

static void run(bool posix, const way *how, const lesson *lessons, uint64_t stride)
{
    world        w;
    char         name[96];
    uint64_t     rounds = 0;
    const image *before = &lessons[0].before;
    posix ? world_init_posix(&w, 1) : world_init(&w, 1);
    script_files(&w);
    for (uint32_t i = 0; i < script_count; i++) {
        if (script[i].kind == STEP_CHANGE)
            before = &lessons[i].before;
        else if (strncmp(script[i].sql, "COPY", 4) != 0)
            continue; /* a session's settings are gone with it, and other reads call no file */
        for (uint64_t n = 1 + i % stride;; n += stride) {
            rounds++;
            remove_outputs(&w);
            image_restore(&w, before);
            if (!fail_once(&w, i, how, n, lessons))
                break;
        }
        /* Reads after a change see its result: the next image is of the directory after it. */
        for (uint32_t k = i + 1; k < script_count && script[i].kind == STEP_CHANGE; k++) {
            if (script[k].kind == STEP_CHANGE) {
                before = &lessons[k].before;
                break;
            }
        }
    }
    image_restore(&w, &(image){0});
    remove_outputs(&w);
    world_deinit(&w);
    snprintf(name, sizeof name, "files: every call, %s%s", how->name, posix ? ", real files" : "");
    verdict(name, rounds);
}

int main(int argc, char **argv)
{
    uint64_t stride = stride_of(argc, argv);
    lesson  *lessons = learn();
    char     folder[] = "/tmp/quern-fault-XXXXXX";
    verdict("files: the script without faults", script_count);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        run(false, &ways[i], lessons, stride);
    if (mkdtemp(folder) && chdir(folder) == 0) {
        run(true, &ways[0], lessons, stride * 7);
        run(true, &ways[3], lessons, stride * 7);
        (void)!unlink("in.tsv");
        (void)!unlink("in.csv");
        (void)!unlink("in.parquet");
        if (chdir("/") != 0 || rmdir(folder) != 0)
            bug("%s is not empty", folder);
        verdict("files: nothing is left", 1);
    }
    forget(lessons);
    return exit_status();
}
