/* Statements that spill, in a world whose files fail: every class of call on temporary files, at many points.
 *
 * Whatever fails, the statement says so by its class (58030, 53100; damage is XX001, never a wrong answer), gives back what
 * it took, leaves no file behind, and the next statement is answered as ever.  The same when it is interrupted. */
#include "world.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS "70000"
#define TIGHT "SET quern.memory_limit = '7MB'"

static const char *const queries[] = {
    "SELECT count(*), sum(c), min(s), max(m) FROM (SELECT s, count(*) AS c, max(d) AS m FROM t GROUP BY s) x",
    "SELECT count(*), max(l) FROM (SELECT k, string_agg(s, ',') AS l, sum(e) AS e FROM t GROUP BY k) x",
    "SELECT k, count(DISTINCT s) FROM (SELECT k % 3 AS k, s || k AS s FROM t) x GROUP BY k ORDER BY k",
    "SELECT k, s, d FROM t ORDER BY s DESC, d, k OFFSET 69000",
    "SELECT DISTINCT ON (k) k, s FROM t ORDER BY k, s OFFSET 16000",
    "SELECT s, d, k FROM t OFFSET 69000",
};
enum { QUERIES = sizeof queries / sizeof *queries };

static const char setup[] =
    "CREATE TABLE t(k int, s text, d numeric, e float8);"
    "INSERT INTO t SELECT (g * 31) % 17000, 'a text that is long enough to lie outside ' || (g * 7919) % 50000,"
    " g * 1000000000000000000000000000000.5, CASE WHEN g % 2 = 0 THEN 1e300 ELSE 1e-300 END FROM generate_series(1, " ROWS ") g";

static void must_work(world *w, const char *sql, qn_buf *out)
{
    qn_error err = {0};
    if (world_answer(w, sql, out, &err) != QN_OK)
        bug("%s: %s %s", sql, err.sqlstate, err.message);
}

static bool note_name(void *arg, const char *name)
{
    bug("%s: the temporary file %s is left", (const char *)arg, name);
    return true;
}

static void open_tight(world *w, int threads)
{
    qn_error err = {0};
    qn_buf   out;
    world_init(w, threads);
    qn_buf_init(&out, &w->vfs_memory);
    if (world_open(w, &err) != QN_OK)
        bug("opening: %s", err.message);
    must_work(w, setup, &out);
    must_work(w, TIGHT, &out);
    qn_buf_deinit(&out);
}

static void check_after(world *w, uint32_t q, const qn_buf *good)
{
    qn_buf   out;
    qn_error why = {0};
    qn_buf_init(&out, &w->vfs_memory);
    must_work(w, queries[q], &out);
    if (out.bytes != good->bytes || memcmp(out.data, good->data, out.bytes) != 0)
        bug("%s: the answer after a failure is another", queries[q]);
    (void)w->base->list(w->base, DB_PATH "/tmp", note_name, (void *)(uintptr_t)queries[q], &why);
    qn_buf_deinit(&out);
}

static bool says(const qn_error *err, const char *const *states)
{
    for (; *states; states++)
        if (strcmp(err->sqlstate, *states) == 0)
            return true;
    return false;
}

typedef struct plan {
    const char        *name;
    int                op;
    qn_fault_effect    effect;
    const char *const *states;
} plan;
static const char *const io[] = {"58030", NULL}, *const full[] = {"53100", NULL}, *const damage[] = {"XX001", NULL};
static const plan        plans[] = {
    {"making the folder", QN_VFS_MKDIR, QN_FAULT_EIO, io},   {"making the file", QN_VFS_OPEN, QN_FAULT_EIO, io},
    {"removing its name", QN_VFS_UNLINK, QN_FAULT_EIO, io},  {"writing", QN_VFS_WRITE, QN_FAULT_EIO, io},
    {"a full disk", QN_VFS_WRITE, QN_FAULT_ENOSPC, full},    {"a torn write", QN_VFS_WRITE, QN_FAULT_TORN, damage},
    {"reading", QN_VFS_READ, QN_FAULT_EIO, io},              {"a short read", QN_VFS_READ, QN_FAULT_SHORT, damage},
    {"another bit read", QN_VFS_READ, QN_FAULT_BIT_FLIP, damage},
};

static void run_plan(const plan *p, const qn_buf *good, int threads)
{
    world    w;
    qn_buf   out;
    uint64_t failures = 0;
    char     name[96];
    open_tight(&w, threads);
    qn_buf_init(&out, &w.vfs_memory);
    for (uint32_t q = 0; q < QUERIES; q++) {
        for (uint64_t n = 1; n < 100000; n += 1 + n * 2) {
            qn_error err = {0};
            qn_vfs_fault_plan(w.fault, (qn_fault_plan){.op = p->op, .nth = n, .effect = p->effect, .seed = n});
            qn_status st = world_answer(&w, queries[q], &out, &err);
            bool      hit = qn_vfs_fault_hit(w.fault);
            qn_vfs_fault_plan(w.fault, (qn_fault_plan){.op = -1});
            if (!hit)
                break;
            failures += st != QN_OK;
            if (st != QN_OK && !says(&err, p->states))
                bug("%s: %s, call %" PRIu64 ": %s %s", queries[q], p->name, n, err.sqlstate, err.message);
            /* a torn write may lie in what LIMIT or OFFSET never read */
            if (st == QN_OK && (out.bytes != good[q].bytes || memcmp(out.data, good[q].data, out.bytes) != 0))
                bug("%s: %s, call %" PRIu64 ": a wrong answer", queries[q], p->name, n);
        }
        check_after(&w, q, &good[q]);
    }
    if (failures < QUERIES)
        bug("%s: only %" PRIu64 " statements failed: they do not spill", p->name, failures);
    qn_buf_deinit(&out);
    world_deinit(&w);
    snprintf(name, sizeof name, "spill: %s, %d thread%s", p->name, threads, threads > 1 ? "s" : "");
    verdict(name, failures);
}

/* ---- interruption ------------------------------------------------------------------------------- */

typedef struct watcher {
    world          *w;
    uint64_t        writes; /* interrupt when so many were made */
    _Atomic bool    stop;
} watcher;

static void *watch(void *arg)
{
    watcher *me = arg;
    while (!atomic_load(&me->stop)) {
        if (qn_vfs_fault_calls(me->w->fault, QN_VFS_WRITE) >= me->writes) {
            qn_interrupt(me->w->conn);
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
    return NULL;
}

static void run_interrupted(const qn_buf *good)
{
    static const char *const canceled[] = {"57014", NULL};
    world    w;
    qn_buf   out;
    uint64_t failures = 0;
    open_tight(&w, 2);
    qn_buf_init(&out, &w.vfs_memory);
    for (uint32_t q = 0; q < QUERIES; q++) {
        for (uint64_t writes = 1; writes < 40; writes += 12) {
            qn_error  err = {0};
            watcher   me = {.w = &w, .writes = writes};
            pthread_t thread;
            qn_vfs_fault_plan(w.fault, (qn_fault_plan){.op = -1});
            if (pthread_create(&thread, NULL, watch, &me) != 0)
                continue;
            qn_status st = world_answer(&w, queries[q], &out, &err);
            atomic_store(&me.stop, true);
            pthread_join(thread, NULL);
            failures += st != QN_OK;
            if (st != QN_OK && !says(&err, canceled))
                bug("%s: interrupted: %s %s", queries[q], err.sqlstate, err.message);
        }
        check_after(&w, q, &good[q]);
    }
    if (!failures)
        bug("nothing was interrupted");
    qn_buf_deinit(&out);
    world_deinit(&w);
    verdict("spill: interrupted", failures);
}

/* ---- limits --------------------------------------------------------------------------------------- */

static void run_limited(void)
{
    static const char *const states[] = {"53400", NULL};
    world    w;
    qn_buf   out;
    qn_error err = {0};
    open_tight(&w, 1);
    qn_buf_init(&out, &w.vfs_memory);
    must_work(&w, "SET quern.temp_limit = '1MB'", &out);
    if (world_answer(&w, queries[3], &out, &err) == QN_OK || !says(&err, states))
        bug("quern.temp_limit: %s %s", err.sqlstate, err.message);
    must_work(&w, "RESET quern.temp_limit", &out);
    must_work(&w, queries[3], &out);
    qn_buf_deinit(&out);
    world_deinit(&w);
    verdict("spill: quern.temp_limit", 1);
}

int main(void)
{
    world  w;
    qn_buf good[QUERIES];
    qn_mem mem;
    qn_mem_init(&mem, NULL, 0);
    open_tight(&w, 1);
    for (uint32_t q = 0; q < QUERIES; q++) {
        qn_buf tight;
        qn_buf_init(&good[q], &mem);
        qn_buf_init(&tight, &mem);
        must_work(&w, TIGHT, &tight);
        must_work(&w, queries[q], &tight);
        must_work(&w, "SET quern.memory_limit = '4GB'", &good[q]);
        must_work(&w, queries[q], &good[q]);
        if (tight.bytes != good[q].bytes || memcmp(tight.data, good[q].data, tight.bytes) != 0)
            bug("%s: the answer depends on the memory limit", queries[q]);
        qn_buf_deinit(&tight);
    }
    world_deinit(&w);
    verdict("spill: answers as with memory enough", QUERIES);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        run_plan(&plans[i], good, 1 + (int)(i % 2));
    run_interrupted(good);
    run_limited();
    for (uint32_t q = 0; q < QUERIES; q++)
        qn_buf_deinit(&good[q]);
    return exit_status();
}
