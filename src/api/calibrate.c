/* quern_calibrate(): measure this machine with the engine itself.
 *
 * Statements run on one worker, which is the calling thread, over a table of made rows in memory, each in the mode whose
 * constant it is for; HAVING drops all groups, so that the pipeline that makes them has all the cost.  The processor
 * time over rows or distinct values is the constant, so it stays true when kernels change.  Not elapsed time: other
 * work on the machine would make it many times longer.  The best of a few runs counts.
 *
 * A constant without an experiment, or whose mode was not taken, keeps its default in proportion: it is scaled as the
 * measured ones are on the whole. */
#include "api/api_int.h"

#include <math.h>
#include <stdio.h>
#include <time.h>
#include "api/api_test.h"
#include "base/assert.h"
#include "os/bandwidth.h"
#include "os/topology.h"
#include "type/datetime.h"

#define ROWS "1048576"
#define RUNS 5
#define NO_REST (-1)

typedef enum units { UNITS_ROWS, UNITS_ENTRIES } units; /* entries: distinct values of `many`, summed over blocks */

static const struct experiment {
    int         constant;
    const char *mode; /* NULL: whatever mode; else it must have been this one */
    const char *sql;
    units       units;
    int         rest; /* a constant measured before that every row costs too, or NO_REST */
} experiments[] = {
    {QN_COST_value_ns, "value_list", "SELECT many, count(*) FROM t GROUP BY many HAVING count(*) < 0", UNITS_ENTRIES, NO_REST},
    {QN_COST_threshold_value_ns, "threshold", "SELECT head, count(*) FROM t GROUP BY head ORDER BY count(*) DESC LIMIT 10", UNITS_ENTRIES, NO_REST},
    {QN_COST_merge_value_ns, NULL, "SELECT count(DISTINCT many) FROM t", UNITS_ENTRIES, NO_REST},
    {QN_COST_code_row_ns, "code_array", "SELECT few, count(*), sum(wide) FROM t GROUP BY few HAVING count(*) < 0", UNITS_ROWS, NO_REST},
    {QN_COST_code_group_ns, "code_array", "SELECT many, count(*), sum(wide) FROM t GROUP BY many HAVING count(*) < 0", UNITS_ENTRIES, QN_COST_code_row_ns},
    {QN_COST_partition_row_ns, "partition", "SELECT many, few, count(*), sum(wide) FROM t GROUP BY many, few HAVING count(*) < 0", UNITS_ROWS, NO_REST},
    {QN_COST_hash_row_ns, "hash", "SELECT many, few, count(*), sum(wide) FROM t GROUP BY many, few HAVING count(*) < 0", UNITS_ROWS, NO_REST},
};

/* Rows in no order: a multiplicative hash of the row's number.  few has 100 values, many 200,000, wide 16 bits;
 * head has ten values in a quarter of the rows and about as many others as many. */
static const char make_table[] =
    "CREATE TABLE t AS SELECT (h / 42949673)::integer AS few, (h / 21475)::integer AS many, (h % 65521)::integer AS wide,"
    " (CASE WHEN h % 4 = 0 THEN h / 4 % 10 ELSE 1000 + h / 21475 END)::integer AS head"
    " FROM (SELECT i * 2654435761 % 4294967296 AS h FROM generate_series(1, " ROWS "::bigint) AS g(i)) AS s";

typedef struct laboratory {
    qn_connection *caller;
    qn_database   *db;
    qn_connection *conn;
    double         rows, entries;
} laboratory;

static qn_status query(laboratory *l, const char *sql, qn_result **result, qn_error *err)
{
    if (atomic_load(&l->caller->cancel))
        return qn_fail(err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request");
    return qn_query(l->conn, sql, result, err);
}

static qn_status number_of(laboratory *l, const char *sql, double *out, qn_error *err)
{
    qn_result      *r = NULL;
    const qn_chunk *chunk = NULL;
    qn_column_view  view;
    qn_status       st = query(l, sql, &r, err);
    QN_TRY(st);
    QN_TRY(qn_result_next(r, &chunk, err));
    QN_TRY(qn_chunk_column(chunk, 0, &view));
    *out = (double)*(const int64_t *)view.data;
done:
    qn_result_free(r);
    return st;
}

static qn_status laboratory_open(qn_connection *caller, laboratory *l, qn_error *err)
{
    qn_database *db = caller->db;
    qn_world     world = {.vfs = db->env.vfs, .file_vfs = db->file_vfs, .clock = db->env.clock, .memory = &db->mem};
    qn_options   options = {.threads = 1};
    qn_result   *r = NULL;
    qn_status    st = QN_OK;
    *l = (laboratory){.caller = caller};
    QN_TRY(qn_open_in(&world, NULL, &options, &l->db, err));
    QN_TRY(qn_connect(l->db, &l->conn, err));
    QN_TRY(query(l, make_table, &r, err));
    QN_TRY(number_of(l, "SELECT count(*) FROM t", &l->rows, err));
    QN_TRY(number_of(l, "SELECT sum(\"distinct\")::bigint FROM quern_inspect('t') WHERE column_name = 'many'", &l->entries, err));
done:
    qn_result_free(r);
    return st;
}

static void laboratory_close(laboratory *l)
{
    qn_disconnect(l->conn);
    qn_close(l->db);
}

static double thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The best time of the statement; *taken: in the mode wanted. */
static qn_status best_time(laboratory *l, const struct experiment *e, double *ns, bool *taken, qn_error *err)
{
    qn_status st = setting_set(l->conn, "quern.group_mode", e->mode ? e->mode : "auto", err);
    *ns = INFINITY;
    *taken = true;
    for (int run = 0; run < RUNS && st == QN_OK; run++) {
        qn_result *r = NULL;
        double     begin = thread_ns();
        st = query(l, e->sql, &r, err);
        if (st == QN_OK) {
            *ns = fmin(*ns, thread_ns() - begin);
            const char *mode = qn_exec_mode_of(r->exec, 0);
            *taken = *taken && (!e->mode || (mode && !strcmp(mode, e->mode)));
        }
        qn_result_free(r);
    }
    return st;
}

static qn_status measure_costs(laboratory *l, qn_calibration *c, qn_error *err)
{
    double logs = 0;
    int    known = 0;
    for (size_t i = 0; i < QN_COUNTOF(experiments); i++) {
        const struct experiment *e = &experiments[i];
        double                   ns;
        bool                     taken;
        qn_status                st = best_time(l, e, &ns, &taken, err);
        if (st != QN_OK)
            return st;
        if (e->rest != NO_REST)
            ns -= l->rows * *qn_cost_get(&c->costs, e->rest);
        ns /= e->units == UNITS_ROWS ? l->rows : l->entries;
        if (!taken || !(ns > 0.001) || (e->rest != NO_REST && !c->known[e->rest]))
            continue;
        *qn_cost_at(&c->costs, e->constant) = ns;
        c->known[e->constant] = true;
        logs += log(ns / *qn_cost_get(&qn_cost_defaults, e->constant));
        known++;
    }
    for (int i = 0; i < QN_COST_COUNT && known; i++)
        if (!c->known[i])
            *qn_cost_at(&c->costs, i) *= exp(logs / known);
    return QN_OK;
}

static qn_status measure_bandwidth(qn_database *db, qn_calibration *c, qn_error *err)
{
    qn_status   st = QN_OK;
    qn_topology topology = {0};
    c->threads = qn_sched_workers(db->sched);
    QN_TRY(qn_topology_detect(&db->mem, &topology, err));
    QN_TRY(qn_bandwidth_read(&db->env, &topology, 1, &c->bandwidth_one, err));
    QN_TRY(qn_bandwidth_read(&db->env, &topology, (uint32_t)c->threads, &c->bandwidth_all, err));
    c->bandwidth_all = fmax(c->bandwidth_all, c->bandwidth_one); /* several read no less than one, whatever a busy machine says */
done:
    qn_topology_deinit(&db->mem, &topology);
    return st;
}

/* Keep it in the directory; the connection at hand uses it at once, others from when they connect. */
static qn_status keep(qn_connection *conn, const qn_calibration *c, qn_error *err)
{
    qn_database       *db = conn->db;
    qn_change         *change = NULL;
    const qn_snapshot *snapshot;
    qn_buf             text;
    qn_status          st = QN_OK;
    qn_buf_init(&text, &db->mem);
    calibration_encode(c, &text);
    if (!qn_buf_ok(&text)) {
        st = qn_nomem(err);
        goto done;
    }
    QN_TRY(qn_change_begin(db->store, &change, &snapshot, err));
    QN_TRY(qn_change_write_side(change, QN_CALIBRATION_NAME, text.data, text.bytes, err));
    qn_latch_take(&db->latch);
    db->calibration = *c;
    qn_latch_drop(&db->latch);
    conn->calibration = *c;
    qn_code_cache_clear(db->cache); /* programs were planned with other costs */
done:
    qn_change_abort(change);
    qn_buf_deinit(&text);
    return st;
}

qn_status calibrate(qn_connection *conn, qn_error *err)
{
    qn_status      st = QN_OK;
    laboratory     l = {0};
    qn_calibration c;
    int64_t        year;
    int            month, day;
    qn_change         *change;
    const qn_snapshot *snapshot;

    /* Say before the work that a read-only database keeps nothing. */
    QN_TRY(qn_change_begin(conn->db->store, &change, &snapshot, err));
    qn_change_abort(change);
    calibration_init(&c);
    qn_civil_from_days(conn->session.text.now_micros / (INT64_C(86400) * 1000000), &year, &month, &day);
    snprintf(c.date, sizeof c.date, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100, (unsigned)day % 100);
    QN_TRY(measure_bandwidth(conn->db, &c, err));
    QN_TRY(laboratory_open(conn, &l, err));
    QN_TRY(measure_costs(&l, &c, err));
    c.measured = true;
    QN_TRY(keep(conn, &c, err));
done:
    laboratory_close(&l);
    return st;
}
