/* How programs use the C API, rightly and nearly rightly: order of release, values bound, interruptions, schemas
 * that change under prepared statements. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include "quern.h"

#define TEST(name) static void name(void **state)

typedef struct world {
    qn_database   *db;
    qn_connection *conn;
    qn_error       err;
} world;

static void open_world(world *w)
{
    memset(w, 0, sizeof *w);
    assert_int_equal(qn_open(NULL, &(qn_options){.threads = 2}, &w->db, &w->err), QN_OK);
    assert_int_equal(qn_connect(w->db, &w->conn, &w->err), QN_OK);
}

static void close_world(world *w)
{
    qn_disconnect(w->conn);
    qn_close(w->db);
}

static void run(world *w, const char *sql)
{
    qn_result *r;
    qn_status  st = qn_query(w->conn, sql, &r, &w->err);
    if (st != QN_OK)
        print_error("%s: %s\n", sql, w->err.message);
    assert_int_equal(st, QN_OK);
    qn_result_free(r);
}

static void fails(world *w, const char *sql, const char *sqlstate)
{
    qn_result *r = NULL;
    assert_int_not_equal(qn_query(w->conn, sql, &r, &w->err), QN_OK);
    assert_string_equal(w->err.sqlstate, sqlstate);
    assert_null(r);
}

/* The text of the first value of a result, which is freed. */
static const char *take_text(qn_result *r)
{
    static char     text[200];
    const qn_chunk *chunk = NULL;
    const char     *s = NULL;
    assert_int_equal(qn_result_next(r, &chunk, NULL), QN_OK);
    if (chunk)
        s = qn_chunk_text(chunk, 0, 0, NULL);
    snprintf(text, sizeof text, "%s", !chunk ? "(no rows)" : s ? s : "(null)");
    qn_result_free(r);
    return text;
}

static const char *run_text(qn_statement *s)
{
    qn_result *r;
    qn_error   err = {0};
    if (qn_run(s, &r, &err) != QN_OK) {
        static char text[64];
        snprintf(text, sizeof text, "%s", err.sqlstate);
        return text;
    }
    return take_text(r);
}

static const char *text_of(world *w, const char *sql)
{
    qn_result *r;
    assert_int_equal(qn_query(w->conn, sql, &r, &w->err), QN_OK);
    return take_text(r);
}

static qn_statement *prepare(world *w, const char *sql)
{
    qn_statement *s = NULL;
    assert_int_equal(qn_prepare(w->conn, sql, SIZE_MAX, NULL, &s, &w->err), QN_OK);
    assert_non_null(s);
    return s;
}

/* A statement and a result live on when what made them is gone; the order of release is free. */
TEST(release_in_any_order)
{
    (void)state;
    world      w;
    qn_result *r;
    open_world(&w);
    run(&w, "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'a text that is too long to be inline')");
    qn_statement *s = prepare(&w, "SELECT b FROM t");
    qn_statement *unused = prepare(&w, "SELECT $1 + 1");
    assert_int_equal(qn_run(s, &r, &w.err), QN_OK);
    qn_finalize(s);
    run(&w, "DROP TABLE t"); /* the result keeps its snapshot */
    qn_disconnect(w.conn);
    qn_finalize(unused); /* after its connection */
    assert_string_equal(take_text(r), "a text that is too long to be inline");
    qn_close(w.db);
}

/* Every function that takes a qn_error takes NULL, also where errors are recovered from inside. */
TEST(null_errors)
{
    (void)state;
    world         w;
    qn_result    *r;
    qn_statement *s;
    open_world(&w);
    run(&w, "CREATE TABLE t AS SELECT g AS a FROM generate_series(0, 5000) g");
    assert_int_equal(qn_query(w.conn, "SELECT 1 / 0", &r, NULL), QN_ERROR);
    assert_null(r);
    assert_int_equal(qn_query(w.conn, "SELECT nope", &r, NULL), QN_ERROR);
    assert_int_equal(qn_prepare(w.conn, "SELEC", SIZE_MAX, NULL, &s, NULL), QN_ERROR);
    assert_int_equal(qn_query(w.conn, "SELECT sum(10 / a) FROM t", &r, NULL), QN_ERROR);
    assert_int_equal(qn_query(w.conn, "SELECT a FROM t WHERE a > 0 AND 10 / a > 4 OR a = 7 LIMIT 9", &r, NULL), QN_OK);
    assert_int_equal(qn_result_rows(r), 3);
    assert_string_equal(take_text(r), "1");
    assert_int_equal(qn_query(w.conn, "", &r, NULL), QN_OK);
    assert_int_equal(qn_result_columns(r), 0);
    qn_result_free(r);
    assert_int_equal(qn_prepare(w.conn, " ; -- nothing\n", SIZE_MAX, NULL, &s, NULL), QN_OK);
    assert_null(s);
    close_world(&w);
}

TEST(doubles_are_bound_exactly)
{
    (void)state;
    world w;
    open_world(&w);
    qn_statement *s = prepare(&w, "SELECT $1::float8");
    struct {
        double      value;
        const char *text;
    } cases[] = {{0.1, "0.1"}, {-0.0, "-0"}, {1e300, "1e+300"}, {5e-324, "5e-324"}, {NAN, "NaN"}, {-NAN, "NaN"},
                 {INFINITY, "Infinity"}, {-INFINITY, "-Infinity"}, {0.1 + 0.2, "0.30000000000000004"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(qn_bind_double(s, 1, cases[i].value), QN_OK);
        assert_string_equal(run_text(s), cases[i].text);
    }
    qn_finalize(s);
    s = prepare(&w, "SELECT $1::numeric");
    assert_int_equal(qn_bind_double(s, 1, 0.1), QN_OK);
    assert_string_equal(run_text(s), "0.1");
    qn_finalize(s);
    close_world(&w);
}

TEST(values_stay_until_bound_anew)
{
    (void)state;
    world w;
    char  text[300];
    open_world(&w);
    qn_statement *s = prepare(&w, "SELECT coalesce($1::text, 'none') || $2::int");
    assert_int_equal(qn_statement_parameters(s), 2);
    assert_int_equal(qn_bind_null(s, 0), QN_MISUSE);
    assert_int_equal(qn_bind_null(s, 3), QN_MISUSE);
    assert_string_equal(run_text(s), "(null)");
    assert_int_equal(qn_bind_int64(s, 2, 7), QN_OK);
    assert_string_equal(run_text(s), "none7");
    for (int n = 0; n < 290; n += 17) { /* longer and longer: the room grows */
        memset(text, 'x', (size_t)n);
        assert_int_equal(qn_bind_text(s, 1, text, (size_t)n), QN_OK);
        assert_int_equal(strlen(run_text(s)), n < 198 ? n + 1 : 199);
    }
    assert_int_equal(qn_bind_text(s, 1, "abc\0def", 3), QN_OK);
    assert_string_equal(run_text(s), "abc7");
    assert_int_equal(qn_bind_text(s, 2, "x", 1), QN_OK);
    assert_string_equal(run_text(s), "22P02");
    assert_int_equal(qn_bind_bool(s, 2, true), QN_OK);
    assert_string_equal(run_text(s), "22P02"); /* t is no integer */
    assert_int_equal(qn_bind_int64(s, 2, INT64_MAX), QN_OK);
    assert_string_equal(run_text(s), "22003");
    assert_int_equal(qn_bind_null(s, 1), QN_OK);
    assert_int_equal(qn_bind_int64(s, 2, -1), QN_OK);
    assert_string_equal(run_text(s), "none-1");
    qn_finalize(s);
    close_world(&w);
}

static void interrupt(void *arg, const char *severity, const qn_error *notice)
{
    (void)severity, (void)notice;
    qn_interrupt(arg);
}

/* Ctrl-C while a short statement of a script runs must not be forgotten by the next one. */
TEST(an_interruption_ends_the_text)
{
    (void)state;
    world      w;
    qn_result *r;
    open_world(&w);
    qn_set_notice(w.conn, interrupt, w.conn);
    assert_int_equal(qn_query(w.conn, "DROP TABLE IF EXISTS nope; CREATE TABLE t (a int); SELECT 1", &r, &w.err), QN_INTERRUPTED);
    assert_string_equal(w.err.sqlstate, "57014");
    qn_set_notice(w.conn, NULL, NULL);
    fails(&w, "SELECT * FROM t", "42P01");
    assert_string_equal(text_of(&w, "SELECT 2"), "2"); /* the next text begins afresh */
    close_world(&w);
}

static bool stop_loading(void *arg, double fraction, const char *phase)
{
    (void)fraction, (void)phase;
    return !*(bool *)arg;
}

TEST(progress_may_stop_a_statement)
{
    (void)state;
    world w;
    bool  stop = true;
    open_world(&w);
    run(&w, "CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 1500000) g");
    qn_set_progress(w.conn, stop_loading, &stop);
    qn_result *r = NULL;
    qn_status  st = qn_query(w.conn, "SELECT count(DISTINCT md5(a::text)) FROM t", &r, &w.err);
    assert_true(st == QN_OK || st == QN_INTERRUPTED); /* a fast machine is never asked */
    qn_result_free(r);
    qn_set_progress(w.conn, NULL, NULL);
    assert_string_equal(text_of(&w, "SELECT count(*) FROM t"), "1500000");
    close_world(&w);
}

/* Prepared statements follow the schema: they are compiled again, and fail as a fresh statement would. */
TEST(schemas_change_under_prepared_statements)
{
    (void)state;
    world          w;
    qn_connection *other;
    open_world(&w);
    assert_int_equal(qn_connect(w.db, &other, &w.err), QN_OK);
    run(&w, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)");
    qn_statement *s = prepare(&w, "SELECT sum(a) FROM t WHERE a <> $1");
    assert_int_equal(qn_bind_int64(s, 1, 2), QN_OK);
    assert_string_equal(run_text(s), "1");
    world second = {.db = w.db, .conn = other};
    run(&second, "DROP TABLE t");
    assert_string_equal(run_text(s), "42P01");
    run(&second, "CREATE TABLE t (z text, a int); INSERT INTO t VALUES ('x', 40), ('y', 2)");
    assert_string_equal(run_text(s), "40");
    run(&second, "DROP TABLE t; CREATE TABLE t (a text)");
    assert_string_equal(run_text(s), "42883"); /* sum(text) */
    run(&second, "DROP TABLE t; CREATE TABLE t (a numeric); INSERT INTO t VALUES (1.5)");
    assert_string_equal(run_text(s), "1.5");
    assert_string_equal(run_text(s), "1.5");
    qn_finalize(s);
    s = prepare(&w, "INSERT INTO t SELECT a + 1 FROM t");
    run(&second, "CREATE TABLE u (a int)");
    qn_result *r;
    for (int i = 0; i < 3; i++) { /* reads the rows that were there before it */
        assert_int_equal(qn_run(s, &r, &w.err), QN_OK);
        qn_result_free(r);
    }
    assert_string_equal(text_of(&w, "SELECT count(*) FROM t"), "8");
    qn_finalize(s);
    qn_disconnect(other);
    close_world(&w);
}

/* Statements of a script are found one by one: what follows is not read before its turn. */
TEST(a_script_runs_to_its_first_error)
{
    (void)state;
    world w;
    open_world(&w);
    fails(&w, "CREATE TABLE t (a int); INSERT INTO t VALUES (1);; SELECT 'é', nope FROM t; DROP TABLE t", "42703");
    assert_int_equal(w.err.position, 64);
    assert_string_equal(text_of(&w, "SELECT count(*) FROM t; -- done"), "1");
    qn_statement *s;
    const char   *tail, *sql = ";; SELECT 1 ; SELECT 2";
    assert_int_equal(qn_prepare(w.conn, sql, SIZE_MAX, &tail, &s, &w.err), QN_OK);
    assert_string_equal(run_text(s), "1");
    assert_string_equal(tail, " SELECT 2");
    qn_finalize(s);
    assert_int_equal(qn_prepare(w.conn, "SELECT 12345", 9, &tail, &s, &w.err), QN_OK); /* not NUL-terminated there */
    assert_string_equal(run_text(s), "12");
    qn_finalize(s);
    close_world(&w);
}

static void *explain_deep(void *arg)
{
    static const char *const stages[] = {"", "(STAGE logical)", "(STAGE bytecode)", "(FORMAT json)"};
    static char              sql[2 * 9000 + 100];
    world                   *w = arg;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        size_t n = (size_t)snprintf(sql, sizeof sql, "EXPLAIN %s SELECT a", stages[i]);
        for (int k = 0; k < 9000; k++)
            n += (size_t)snprintf(sql + n, sizeof sql - n, "+a");
        snprintf(sql + n, sizeof sql - n, " FROM t");
        run(w, sql);
        run(w, strstr(sql, "SELECT"));
    }
    return NULL;
}

/* A caller's stack may be small; what nests deeply has one of its own. */
TEST(deep_statements_on_a_small_stack)
{
    (void)state;
    world          w;
    pthread_t      thread;
    pthread_attr_t attributes;
    open_world(&w);
    run(&w, "CREATE TABLE t AS SELECT 1 AS a");
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 512 * 1024);
    assert_int_equal(pthread_create(&thread, &attributes, explain_deep, &w), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(release_in_any_order),
        cmocka_unit_test(null_errors),
        cmocka_unit_test(doubles_are_bound_exactly),
        cmocka_unit_test(values_stay_until_bound_anew),
        cmocka_unit_test(an_interruption_ends_the_text),
        cmocka_unit_test(progress_may_stop_a_statement),
        cmocka_unit_test(schemas_change_under_prepared_statements),
        cmocka_unit_test(a_script_runs_to_its_first_error),
        cmocka_unit_test(deep_statements_on_a_small_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
