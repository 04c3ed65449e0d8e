/* quern.h as a program uses it: this file includes nothing else of quern.  Statements, parameters, typed columns,
 * errors and their places, interruption, callbacks, several connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "quern.h"

typedef struct world {
    qn_database   *db;
    qn_connection *conn;
    qn_error       err;
} world;

static int open_world(void **state)
{
    world     *w = calloc(1, sizeof *w);
    qn_options options = {.threads = 2};
    assert_int_equal(qn_open(NULL, &options, &w->db, &w->err), QN_OK);
    assert_int_equal(qn_connect(w->db, &w->conn, &w->err), QN_OK);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    world *w = *state;
    qn_disconnect(w->conn);
    qn_close(w->db);
    free(w);
    return 0;
}

/* Run what must work. */
static qn_result *run(qn_connection *conn, const char *sql)
{
    qn_result *r = NULL;
    qn_error   err = {.status = QN_OK};
    qn_status  st = qn_query(conn, sql, &r, &err);
    if (st != QN_OK)
        fail_msg("%s: %s %s", sql, err.sqlstate, err.message);
    return r;
}

static void do_(qn_connection *conn, const char *sql) { qn_result_free(run(conn, sql)); }

/* The one value of a result, as text; "NULL" for NULL. */
static void assert_answer(qn_connection *conn, const char *sql, const char *expected)
{
    qn_result      *r = run(conn, sql);
    const qn_chunk *chunk = NULL;
    size_t          bytes = 0;
    assert_int_equal(qn_result_rows(r), 1);
    assert_int_equal(qn_result_next(r, &chunk, NULL), QN_OK);
    assert_non_null(chunk);
    const char *text = qn_chunk_text(chunk, 0, 0, &bytes);
    assert_string_equal(text ? text : "NULL", expected);
    qn_result_free(r);
}

static void assert_fails(qn_connection *conn, const char *sql, const char *sqlstate, int position)
{
    qn_result *r = NULL;
    qn_error   err = {.status = QN_OK};
    assert_int_equal(qn_query(conn, sql, &r, &err), QN_ERROR);
    assert_null(r);
    assert_string_equal(err.sqlstate, sqlstate);
    if (err.position != position)
        fail_msg("%s: position %d, expected %d (%s)", sql, err.position, position, err.message);
}

/* ---- results ----------------------------------------------------------------------------------- */

static void results_describe_themselves(void **state)
{
    world     *w = *state;
    qn_result *r = run(w->conn, "SELECT 1 AS one, 'x'::varchar(3) AS \"Two Words\", 1.50::numeric(10,2) AS n, true AS b");
    assert_string_equal(qn_result_command(r), "SELECT 1");
    assert_int_equal(qn_result_columns(r), 4);
    assert_string_equal(qn_result_column_name(r, 1), "Two Words");
    assert_int_equal(qn_result_column_type(r, 0), QN_TYPE_INTEGER);
    assert_int_equal(qn_result_column_type(r, 3), QN_TYPE_BOOLEAN);
    assert_string_equal(qn_result_column_type_name(r, 2), "numeric(10,2)");
    qn_result_free(r);
    r = run(w->conn, "CREATE TABLE t(a int)");
    assert_string_equal(qn_result_command(r), "CREATE TABLE");
    assert_int_equal(qn_result_columns(r), 0);
    qn_result_free(r);
    r = run(w->conn, "INSERT INTO t VALUES (1), (2), (3)");
    assert_string_equal(qn_result_command(r), "INSERT 0 3");
    qn_result_free(r);
    r = run(w->conn, "SELECT * FROM t WHERE a > 5"); /* no rows, but columns */
    const qn_chunk *chunk = NULL;
    assert_string_equal(qn_result_command(r), "SELECT 0");
    assert_int_equal(qn_result_columns(r), 1);
    assert_int_equal(qn_result_next(r, &chunk, NULL), QN_OK);
    assert_null(chunk);
    qn_result_free(r);
    qn_result_free(NULL);
}

static void columns_are_typed_arrays(void **state)
{
    world     *w = *state;
    qn_result *r = run(w->conn,
                       "SELECT x::smallint, x::int, x::bigint, x::real, x::double precision, x > 1, 'text ' || x, "
                       "date '2000-01-02' + x, timestamp '2000-01-01 00:00:01', interval '1 mon 2 days 00:00:03', x::numeric, "
                       "CASE WHEN x <> 2 THEN x END FROM (VALUES (1), (2), (3)) v(x)");
    const qn_chunk *chunk = NULL;
    qn_column_view  v;
    assert_int_equal(qn_result_next(r, &chunk, NULL), QN_OK);
    assert_int_equal(qn_chunk_rows(chunk), 3);
    assert_int_equal(qn_chunk_column(chunk, 0, &v), QN_OK);
    assert_int_equal(v.type, QN_TYPE_SMALLINT);
    assert_int_equal(((const int16_t *)v.data)[2], 3);
    assert_int_equal(qn_chunk_column(chunk, 1, &v), QN_OK);
    assert_int_equal(((const int32_t *)v.data)[2], 3);
    assert_int_equal(qn_chunk_column(chunk, 2, &v), QN_OK);
    assert_int_equal(((const int64_t *)v.data)[2], 3);
    assert_int_equal(qn_chunk_column(chunk, 3, &v), QN_OK);
    assert_true(((const float *)v.data)[2] == 3.0f);
    assert_int_equal(qn_chunk_column(chunk, 4, &v), QN_OK);
    assert_true(((const double *)v.data)[2] == 3.0);
    assert_int_equal(qn_chunk_column(chunk, 5, &v), QN_OK);
    assert_int_equal(((const uint8_t *)v.data)[0], 0);
    assert_int_equal(((const uint8_t *)v.data)[1], 1);
    assert_int_equal(qn_chunk_column(chunk, 6, &v), QN_OK);
    const qn_text *t = v.data;
    assert_int_equal(t[0].bytes, 6);
    assert_memory_equal(t[0].data, "text 1", 6);
    assert_int_equal(qn_chunk_column(chunk, 7, &v), QN_OK);
    assert_int_equal(((const int32_t *)v.data)[0], 2); /* days since 2000-01-01 */
    assert_int_equal(qn_chunk_column(chunk, 8, &v), QN_OK);
    assert_int_equal(((const int64_t *)v.data)[0], 1000000);
    assert_int_equal(qn_chunk_column(chunk, 9, &v), QN_OK);
    const qn_interval *i = v.data;
    assert_int_equal(i[0].months, 1);
    assert_int_equal(i[0].days, 2);
    assert_int_equal(i[0].micros, 3000000);
    assert_int_equal(qn_chunk_column(chunk, 10, &v), QN_OK);
    assert_null(v.data); /* numeric has no C type: as text */
    assert_string_equal(qn_chunk_text(chunk, 10, 1, NULL), "2");
    assert_int_equal(qn_chunk_column(chunk, 11, &v), QN_OK);
    assert_non_null(v.nulls);
    assert_int_equal(v.nulls[0] & 7, 2);
    assert_true(qn_chunk_is_null(chunk, 11, 1));
    assert_false(qn_chunk_is_null(chunk, 11, 2));
    assert_null(qn_chunk_text(chunk, 11, 1, NULL));
    assert_int_equal(qn_chunk_column(chunk, 12, &v), QN_MISUSE);
    assert_int_equal(qn_result_next(r, &chunk, NULL), QN_OK);
    assert_null(chunk);
    qn_result_free(r);
}

static void large_results_come_in_chunks(void **state)
{
    world          *w = *state;
    qn_result      *r = run(w->conn, "SELECT g FROM generate_series(1, 10000) g");
    const qn_chunk *chunk;
    int64_t         expected = 1;
    int             chunks = 0;
    assert_int_equal(qn_result_rows(r), 10000);
    while (qn_result_next(r, &chunk, NULL) == QN_OK && chunk) {
        qn_column_view v;
        assert_int_equal(qn_chunk_column(chunk, 0, &v), QN_OK);
        for (uint32_t i = 0; i < qn_chunk_rows(chunk); i++)
            assert_int_equal(((const int32_t *)v.data)[i], expected++);
        chunks++;
    }
    assert_int_equal(expected, 10001);
    assert_true(chunks > 1);
    qn_result_free(r);
}

static void results_outlive_what_made_them(void **state)
{
    world     *w = *state;
    do_(w->conn, "CREATE TABLE t(s text)");
    do_(w->conn, "INSERT INTO t VALUES ('a long text that is not kept inline'), ('b')");
    qn_result *r = run(w->conn, "SELECT s FROM t ORDER BY s");
    do_(w->conn, "DROP TABLE t"); /* the result holds its snapshot */
    const qn_chunk *chunk = NULL;
    assert_int_equal(qn_result_next(r, &chunk, NULL), QN_OK);
    assert_string_equal(qn_chunk_text(chunk, 0, 0, NULL), "a long text that is not kept inline");
    qn_result_free(r);
}

/* ---- statements -------------------------------------------------------------------------------- */

static void prepared_statements_run_again(void **state)
{
    world        *w = *state;
    qn_statement *s = NULL;
    qn_result    *r = NULL;
    do_(w->conn, "CREATE TABLE p(a int, b text, d double precision, t boolean)");
    assert_int_equal(qn_prepare(w->conn, "INSERT INTO p VALUES ($1, $2, $3, $4)", SIZE_MAX, NULL, &s, &w->err), QN_OK);
    assert_int_equal(qn_statement_parameters(s), 4);
    assert_int_equal(qn_statement_parameter_type(s, 1), QN_TYPE_INTEGER);
    assert_int_equal(qn_statement_parameter_type(s, 3), QN_TYPE_DOUBLE);
    for (int i = 0; i < 5; i++) {
        char text[20];
        snprintf(text, sizeof text, "row %d", i);
        assert_int_equal(qn_bind_int64(s, 1, i), QN_OK);
        assert_int_equal(qn_bind_text(s, 2, text, strlen(text)), QN_OK); /* copied: text goes away */
        memset(text, 'x', sizeof text);
        assert_int_equal(qn_bind_double(s, 3, i / 2.0), QN_OK);
        assert_int_equal(i == 3 ? qn_bind_null(s, 4) : qn_bind_bool(s, 4, i % 2), QN_OK);
        assert_int_equal(qn_run(s, &r, &w->err), QN_OK);
        assert_string_equal(qn_result_command(r), "INSERT 0 1");
        qn_result_free(r);
    }
    assert_int_equal(qn_bind_int64(s, 0, 1), QN_MISUSE);
    assert_int_equal(qn_bind_int64(s, 5, 1), QN_MISUSE);
    qn_finalize(s);
    assert_answer(w->conn, "SELECT string_agg(b || ':' || d || ':' || coalesce(t::text, '?'), ' ') FROM p",
                  "row 0:0:false row 1:0.5:true row 2:1:false row 3:1.5:? row 4:2:false");
    /* A text bound to another type is parsed when the statement runs. */
    assert_int_equal(qn_prepare(w->conn, "SELECT $1::date + $2::int", SIZE_MAX, NULL, &s, &w->err), QN_OK);
    assert_int_equal(qn_bind_text(s, 1, "2000-02-28", 10), QN_OK);
    assert_int_equal(qn_bind_text(s, 2, "2", 1), QN_OK);
    assert_int_equal(qn_run(s, &r, &w->err), QN_OK);
    const qn_chunk *chunk = NULL;
    assert_int_equal(qn_result_next(r, &chunk, NULL), QN_OK);
    assert_string_equal(qn_chunk_text(chunk, 0, 0, NULL), "2000-03-01");
    qn_result_free(r);
    assert_int_equal(qn_bind_text(s, 2, "two", 3), QN_OK);
    assert_int_equal(qn_run(s, &r, &w->err), QN_ERROR);
    assert_string_equal(w->err.sqlstate, "22P02");
    memset(&w->err, 0, sizeof w->err);
    assert_int_equal(qn_bind_int64(s, 2, 1LL << 40), QN_OK); /* does not fit an integer */
    assert_int_equal(qn_run(s, &r, &w->err), QN_ERROR);
    assert_string_equal(w->err.sqlstate, "22003");
    qn_finalize(s);
    qn_finalize(NULL);
}

static void statements_follow_the_schema(void **state)
{
    world          *w = *state;
    qn_statement   *s = NULL;
    qn_result      *r = NULL;
    const qn_chunk *chunk = NULL;
    do_(w->conn, "CREATE TABLE t(a int)");
    do_(w->conn, "INSERT INTO t VALUES (1)");
    assert_int_equal(qn_prepare(w->conn, "SELECT sum(a) FROM t", SIZE_MAX, NULL, &s, &w->err), QN_OK);
    assert_int_equal(qn_run(s, &r, &w->err), QN_OK);
    qn_result_free(r);
    do_(w->conn, "INSERT INTO t VALUES (41)"); /* another snapshot */
    assert_int_equal(qn_run(s, &r, &w->err), QN_OK);
    assert_int_equal(qn_result_next(r, &chunk, NULL), QN_OK);
    assert_string_equal(qn_chunk_text(chunk, 0, 0, NULL), "42");
    qn_result_free(r);
    do_(w->conn, "DROP TABLE t");
    assert_int_equal(qn_run(s, &r, &w->err), QN_ERROR);
    assert_string_equal(w->err.sqlstate, "42P01");
    qn_finalize(s);
}

static void a_script_is_walked_by_its_tail(void **state)
{
    world        *w = *state;
    const char   *at = "SELECT 1; -- first\n ; SELECT 'a;b'; /* done */ ";
    qn_statement *s = NULL;
    int           n = 0;
    while (*at) {
        const char *tail = NULL;
        assert_int_equal(qn_prepare(w->conn, at, SIZE_MAX, &tail, &s, &w->err), QN_OK);
        assert_true(tail > at);
        n += s != NULL;
        qn_finalize(s);
        at = tail;
    }
    assert_int_equal(n, 2);
    /* Statements before a failing one stay done, and the place counts from the beginning of the text. */
    assert_fails(w->conn, "CREATE TABLE kept(a int); SELECT nope", "42703", 34);
    assert_answer(w->conn, "SELECT count(*) FROM kept", "0");
}

/* ---- errors ------------------------------------------------------------------------------------ */

static void places_count_characters(void **state)
{
    world *w = *state;
    assert_fails(w->conn, "SELECT nope", "42703", 8);
    assert_fails(w->conn, "SELECT 'äöü日本', nope", "42703", 17); /* not bytes */
    assert_fails(w->conn, "SELECT 'ä' FROM FROM", "42601", 17);
    assert_fails(w->conn, "SELECT 1 +", "42601", 11); /* behind the end */
    assert_fails(w->conn, "SELECT * FROM missing", "42P01", 15);
}

static void errors_carry_detail_and_hint(void **state)
{
    world     *w = *state;
    qn_result *r = NULL;
    do_(w->conn, "CREATE TABLE t(a int NOT NULL)");
    assert_int_equal(qn_query(w->conn, "INSERT INTO t VALUES (NULL)", &r, &w->err), QN_ERROR);
    assert_string_equal(w->err.sqlstate, "23502");
    assert_non_null(strstr(w->err.message, "column \"a\" of relation \"t\""));
    memset(&w->err, 0, sizeof w->err);
    assert_int_equal(qn_query(w->conn, "SELECT nofunction(1)", &r, &w->err), QN_ERROR);
    assert_string_equal(w->err.sqlstate, "42883");
    assert_true(strlen(w->err.hint) > 0);
    assert_int_equal(qn_query(w->conn, "SELECT nofunction(1)", &r, NULL), QN_ERROR); /* err may be NULL */
    assert_answer(w->conn, "SELECT 1", "1"); /* and the connection goes on */
}

/* ---- interruption and progress ----------------------------------------------------------------- */

static const char LONG[] = "SELECT count(*) FROM generate_series(1, 9000000000) g WHERE g % 3 = 1";

static void *interrupt_soon(void *conn)
{
    struct timespec pause = {0, 50000000};
    nanosleep(&pause, NULL);
    qn_interrupt(conn);
    return NULL;
}

static void another_thread_interrupts(void **state)
{
    world     *w = *state;
    qn_result *r = NULL;
    pthread_t  thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, w->conn), 0);
    assert_int_equal(qn_query(w->conn, LONG, &r, &w->err), QN_INTERRUPTED);
    pthread_join(thread, NULL);
    assert_string_equal(w->err.sqlstate, "57014");
    assert_answer(w->conn, "SELECT 1", "1"); /* the next statement is not interrupted */
}

typedef struct report {
    int  calls;
    bool go_on;
    pthread_t thread;
} report;

static bool note_progress(void *arg, double fraction, const char *phase)
{
    report *p = arg;
    p->calls++;
    assert_true(fraction <= 1);
    assert_non_null(phase);
    assert_true(pthread_equal(pthread_self(), p->thread));
    return p->go_on;
}

static void progress_may_stop_a_statement(void **state)
{
    world     *w = *state;
    qn_result *r = NULL;
    report     p = {.go_on = false, .thread = pthread_self()};
    /* Many blocks: progress is told between morsels. */
    do_(w->conn, "CREATE TABLE t(a int)");
    for (int i = 0; i < 40; i++)
        do_(w->conn, "INSERT INTO t SELECT g FROM generate_series(1, 3000) g");
    qn_set_progress(w->conn, note_progress, &p);
    qn_status st = QN_OK;
    for (int i = 0; i < 1000 && st == QN_OK && !p.calls; i++) {
        r = NULL;
        st = qn_query(w->conn, "SELECT count(*) FROM t WHERE length(repeat(a::text, 20000)) > 3 AND random() < 2", &r, &w->err);
        qn_result_free(r);
    }
    assert_true(p.calls > 0);
    assert_int_equal(st, QN_INTERRUPTED);
    qn_set_progress(w->conn, NULL, NULL);
    assert_answer(w->conn, "SELECT count(*) FROM t", "120000");
}

/* A compressed file is one morsel: progress is told inside of it, and both ways to stop are seen there. */
static void progress_within_a_file(void **state)
{
    world     *w = *state;
    qn_result *r = NULL;
    report     p = {.go_on = true, .thread = pthread_self()};
    char       folder[] = "/tmp/quern-api-XXXXXX", path[64], sql[256];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/f.csv.gz", folder);
    snprintf(sql, sizeof sql, "COPY (SELECT g AS a, 'x' AS b FROM generate_series(1, 20000) g) TO '%s' (FORMAT csv, HEADER)", path);
    do_(w->conn, sql);
    snprintf(sql, sizeof sql, "SELECT sum(a) FROM read_csv('%s')", path);
    qn_set_progress(w->conn, note_progress, &p);
    assert_answer(w->conn, sql, "200010000");
    assert_true(p.calls > 0);
    p.go_on = false;
    assert_int_equal(qn_query(w->conn, sql, &r, &w->err), QN_INTERRUPTED);
    assert_string_equal(w->err.sqlstate, "57014");
    qn_set_progress(w->conn, NULL, NULL);
    assert_answer(w->conn, sql, "200010000");
    remove(path);
    remove(folder);
}

/* ---- notices and COPY -------------------------------------------------------------------------- */

static void note_notice(void *arg, const char *severity, const qn_error *notice)
{
    snprintf(arg, 200, "%s: %.150s", severity, notice->message);
}

static void notices_are_called_back(void **state)
{
    world *w = *state;
    char   text[200] = "";
    do_(w->conn, "DROP TABLE IF EXISTS nothing"); /* nobody listens */
    qn_set_notice(w->conn, note_notice, text);
    do_(w->conn, "DROP TABLE IF EXISTS nothing");
    assert_string_equal(text, "NOTICE: table \"nothing\" does not exist, skipping");
}

typedef struct pipe_ends {
    const char *in;
    size_t      step;
    char        out[200];
    size_t      out_bytes;
    bool        broken;
} pipe_ends;

static ptrdiff_t give(void *arg, void *buffer, size_t bytes)
{
    pipe_ends *p = arg;
    size_t     n = strlen(p->in);
    if (p->broken)
        return -1;
    n = n < p->step ? n : p->step;
    n = n < bytes ? n : bytes;
    memcpy(buffer, p->in, n);
    p->in += n;
    return (ptrdiff_t)n;
}

static bool take(void *arg, const void *data, size_t bytes)
{
    pipe_ends *p = arg;
    if (p->broken || p->out_bytes + bytes >= sizeof p->out)
        return false;
    memcpy(p->out + p->out_bytes, data, bytes);
    p->out_bytes += bytes;
    return true;
}

static void copy_goes_through_callbacks(void **state)
{
    world     *w = *state;
    qn_result *r = NULL;
    do_(w->conn, "CREATE TABLE t(a int, b text)");
    assert_fails(w->conn, "COPY t FROM STDIN", "0A000", 0); /* nobody reads */
    for (size_t step = 1; step <= 32; step *= 2) { /* cut anywhere, inside a character too */
        pipe_ends p = {.in = "1\tä\n2\t\\N\n3\tthree\n", .step = step};
        qn_set_copy(w->conn, give, take, &p);
        r = run(w->conn, "COPY t FROM STDIN");
        assert_string_equal(qn_result_command(r), "COPY 3");
        qn_result_free(r);
        r = run(w->conn, "COPY (SELECT b, a FROM t ORDER BY a LIMIT 2) TO STDOUT (FORMAT csv)");
        qn_result_free(r);
        assert_true(p.out_bytes > 0);
    }
    pipe_ends p = {.in = "1\tx\n2\n", .step = 100};
    qn_set_copy(w->conn, give, take, &p);
    assert_int_equal(qn_query(w->conn, "COPY t FROM STDIN", &r, &w->err), QN_ERROR);
    assert_string_equal(w->err.sqlstate, "22P04");
    assert_answer(w->conn, "SELECT count(*) FROM t", "18"); /* a failed load leaves nothing behind */
    p.broken = true;
    assert_int_not_equal(qn_query(w->conn, "COPY t FROM STDIN", &r, NULL), QN_OK);
    assert_int_not_equal(qn_query(w->conn, "COPY t TO STDOUT", &r, NULL), QN_OK);
    assert_answer(w->conn, "SELECT count(*) FROM t", "18");
}

/* ---- connections ------------------------------------------------------------------------------- */

/* A limit below what is used already would refuse every statement from then on, also the one that lifts it. */
static void a_memory_limit_leaves_room_to_lift_it(void **state)
{
    world *w = *state;
    do_(w->conn, "CREATE TABLE t AS SELECT 'some text ' || i AS s, i FROM generate_series(1, 200000) AS g(i)");
    for (int i = 0; i < 40; i++) { /* at the least limit that is taken, too little is said and nothing is lost */
        char      sql[64];
        qn_error  err = {.status = QN_OK};
        qn_result *r = NULL;
        snprintf(sql, sizeof sql, "SET quern.memory_limit = '%dMB'", i);
        if (i && qn_query(w->conn, sql, &r, &err) != QN_OK) {
            assert_string_equal(err.sqlstate, "22023");
            assert_non_null(strstr(err.hint, "bytes at the moment"));
            continue;
        }
        qn_result_free(r);
        if (qn_query(w->conn, "SELECT s, count(*) FROM t GROUP BY s", &r, &err) != QN_OK)
            assert_string_equal(err.sqlstate, "53200");
        else
            qn_result_free(r);
        do_(w->conn, "SET quern.memory_limit = '0'");
        assert_answer(w->conn, "SELECT count(*) FROM t", "200000");
    }
}

static void connections_share_data_not_settings(void **state)
{
    world         *w = *state;
    qn_connection *other = NULL;
    assert_int_equal(qn_connect(w->db, &other, &w->err), QN_OK);
    do_(w->conn, "CREATE TABLE shared(a int)");
    do_(other, "INSERT INTO shared VALUES (7)");
    assert_answer(w->conn, "SELECT a FROM shared", "7");
    do_(w->conn, "SET timezone = 'Asia/Tokyo'");
    assert_answer(w->conn, "SELECT timestamptz '2000-01-01 00:00:00+00'", "2000-01-01 09:00:00+09");
    assert_answer(other, "SELECT timestamptz '2000-01-01 00:00:00+00'", "2000-01-01 00:00:00+00");
    qn_disconnect(other);
    qn_disconnect(NULL);
}

typedef struct reader {
    qn_database *db;
    bool         good;
    pthread_t    thread;
} reader;

static void *read_often(void *arg)
{
    reader        *me = arg;
    qn_connection *conn = NULL;
    int64_t        last = 0;
    me->good = qn_connect(me->db, &conn, NULL) == QN_OK;
    for (int i = 0; i < 100 && me->good; i++) {
        qn_result      *r = NULL;
        const qn_chunk *chunk = NULL;
        qn_column_view  v;
        me->good = qn_query(conn, "SELECT count(*), sum(a) FROM grown", &r, NULL) == QN_OK &&
                   qn_result_next(r, &chunk, NULL) == QN_OK && chunk && qn_chunk_column(chunk, 0, &v) == QN_OK;
        if (me->good) {
            int64_t n = *(const int64_t *)v.data; /* whole inserts, and never fewer than before */
            me->good = n % 1000 == 0 && n >= last;
            last = n;
        }
        qn_result_free(r);
    }
    qn_disconnect(conn);
    return NULL;
}

static void readers_see_whole_statements(void **state)
{
    world *w = *state;
    reader readers[3];
    do_(w->conn, "CREATE TABLE grown(a int)");
    for (int i = 0; i < 3; i++) {
        readers[i] = (reader){.db = w->db};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_often, &readers[i]), 0);
    }
    for (int i = 0; i < 30; i++)
        do_(w->conn, "INSERT INTO grown SELECT g FROM generate_series(1, 1000) g");
    for (int i = 0; i < 3; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_true(readers[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
        TEST(results_describe_themselves),
        TEST(columns_are_typed_arrays),
        TEST(large_results_come_in_chunks),
        TEST(results_outlive_what_made_them),
        TEST(prepared_statements_run_again),
        TEST(statements_follow_the_schema),
        TEST(a_script_is_walked_by_its_tail),
        TEST(places_count_characters),
        TEST(errors_carry_detail_and_hint),
        TEST(another_thread_interrupts),
        TEST(progress_may_stop_a_statement),
        TEST(progress_within_a_file),
        TEST(notices_are_called_back),
        TEST(copy_goes_through_callbacks),
        TEST(a_memory_limit_leaves_room_to_lift_it),
        TEST(connections_share_data_not_settings),
        TEST(readers_see_whole_statements),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
