/* Statements that are too deep, too long, damaged, or bound while memory runs out: an answer or an
 * error, never a crash and never a leak.  The random test prints its seed; QN_TEST_SEED sets it. */
#include "sql_test.h"
#include "base/thread.h"

#include <stdio.h>
#include <stdlib.h>

static char *repeated(const char *head, const char *before, const char *middle, const char *behind,
                      const char *tail, size_t n)
{
    size_t bytes =
        strlen(head) + strlen(middle) + strlen(tail) + n * (strlen(before) + strlen(behind)) + 1;
    char *s = malloc(bytes), *p = s;

    assert_non_null(s);
    p = stpcpy(p, head);
    for (size_t i = 0; i < n; i++) {
        p = stpcpy(p, before);
    }
    p = stpcpy(p, middle);
    for (size_t i = 0; i < n; i++) {
        p = stpcpy(p, behind);
    }
    stpcpy(p, tail);
    return s;
}

/* The SQLSTATE, or "" when it binds. */
static const char *state_of(fixture *f, char *sql)
{
    qn_bound *bound = NULL;
    qn_status st = bind_text(f, sql, &bound);

    free(sql);
    return st == QN_OK ? "" : f->err.sqlstate;
}

/* Chains within the limit bind on the big stack; AND lists of any length are flat. */
static void deep_statements_bind(void **state)
{
    fixture f;

    (void)state;
    fixture_open(&f);
    assert_string_equal(state_of(&f, repeated("SELECT ", "", "1", "+1", "", 5000)), "");
    assert_string_equal(state_of(&f, repeated("SELECT ", "(", "1", ")", "", 3000)), "");
    assert_string_equal(
        state_of(&f, repeated("SELECT a FROM t WHERE ", "", "g", " AND g", "", 100000)), "");
    assert_string_equal(
        state_of(&f, repeated("SELECT a FROM t WHERE a IN (", "", "1", ",1", ")", 100000)), "");
    assert_string_equal(
        state_of(&f, repeated("SELECT ", "CASE WHEN true THEN ", "1", " END", "", 1000)), "");
    assert_string_equal(
        state_of(&f, repeated("SELECT * FROM ", "(SELECT * FROM ", "t", ") x", "", 1000)), "");
    fixture_close(&f);
}

static void deeper_ones_are_refused(void **state)
{
    fixture f;

    (void)state;
    fixture_open(&f);
    assert_string_equal(state_of(&f, repeated("SELECT ", "", "1", "+1", "", 100000)), "54001");
    assert_string_equal(state_of(&f, repeated("SELECT ", "(", "1", ")", "", 10000)), "54001");
    assert_string_equal(state_of(&f, repeated("SELECT ", "abs(", "1", ")", "", 9000)),
                        "54001"); /* the grammar's limit */
    assert_string_equal(state_of(&f, repeated("SELECT ", "NOT ", "true", "", "", 100000)), "54001");
    assert_string_equal(state_of(&f, repeated("SELECT ", "- ", "a", "", "", 100000)), "54001");
    assert_string_equal(state_of(&f, repeated("SELECT ", "", "1", "::int", "", 100000)), "54001");
    assert_string_equal(
        state_of(&f, repeated("SELECT 1", "", "", " UNION SELECT 1, 2", "", 100000)), "54001");
    assert_string_equal(state_of(&f, repeated("SELECT ", "((((", "", "", "", 100000)), "54001");
    fixture_close(&f);
}

/* NULLIF uses its first operand twice: forty inside one another would be 2^40 nodes for whoever
 * walks them. */
static void shared_operands_do_not_explode(void **state)
{
    fixture f;

    (void)state;
    fixture_open(&f);
    assert_string_equal(state_of(&f, repeated("SELECT ", "NULLIF(", "1", ", 2)", "", 10)), "");
    assert_string_equal(state_of(&f, repeated("SELECT ", "NULLIF(", "1", ", 2)", "", 40)), "54001");
    assert_string_equal(state_of(&f, repeated("SELECT a FROM t GROUP BY a HAVING ", "(", "true",
                                              " BETWEEN SYMMETRIC false AND true)", "", 40)),
                        "54001");
    fixture_close(&f);
}

static const char *const statements[] = {
    "SELECT a + 1, b || 'x', count(*) FILTER (WHERE g), sum(h) FROM t WHERE a IN (1, 2, 3) AND b "
    "LIKE 'a%' "
    "GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 3 DESC, a + 1 LIMIT 5",
    "WITH x(k) AS (SELECT DISTINCT ON (a) a FROM t ORDER BY a, h) SELECT k, CASE WHEN k > 1 THEN "
    "'p' ELSE 'q' END "
    "FROM x",
    "SELECT * FROM (VALUES (1, 'a'), (2.5, NULL)) v(p, q) WHERE (p, q) <> (1, 'b') OR p BETWEEN "
    "SYMMETRIC 1 AND 2",
    "INSERT INTO t (a, b, c) VALUES ('1', 2, DEFAULT), (3, 'x', 1.5)",
    "INSERT INTO t (b, j) SELECT 'x', '2020-01-01' FROM generate_series(1, 3) g WHERE g IS "
    "DISTINCT FROM 2",
    "CREATE TABLE n (p int NOT NULL DEFAULT 1 + 2, q varchar(10) DEFAULT 'x', r timestamp)",
    "CREATE TABLE n AS SELECT a, extract(year FROM d) AS y FROM t",
    "COPY t (a, b) FROM '/x' (FORMAT csv, HEADER, FORCE_NULL (a), NULL 'n')",
    "EXPLAIN (STAGE parse) SELECT a FROM t",
    "EXPLAIN ANALYZE SELECT NULLIF(a, 1), COALESCE(a, h), -9223372036854775808, interval '1' day "
    "FROM t",
    "PREPARE p (int) AS SELECT a FROM t WHERE a = $1 AND b = $2",
    "DROP TABLE IF EXISTS t, nope",
    "SET x TO 'a', 'b'",
    "SELECT coluna FROM t",
};

/* Fail the n-th request for n = 1, 2, … until the binding succeeds or fails for its own reason. */
static void memory_runs_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        for (uint64_t n = 1;; n++) {
            fixture   f;
            qn_bound *bound = NULL;
            fixture_open(&f);
            atomic_store(&f.mem.fail_at, n);
            qn_status st = bind_text(&f, statements[i], &bound);
            bool      reached = atomic_load(&f.mem.requests) >= n;
            if (reached) {
                assert_int_equal(st, QN_NOMEM);
                assert_string_equal(f.err.sqlstate, "53200");
            }
            fixture_close(&f); /* checks that everything was given back */
            if (!reached) {
                break;
            }
        }
    }
}

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* Cut, swap and repeat pieces of good statements.  Whatever comes out must bind or fail politely.
 */
static void mutate(char *out, size_t max, uint64_t *seed)
{
    static const char *const pieces[] = {
        "(",
        ")",
        ",",
        "'",
        "\"",
        ";",
        "$1",
        "$2",
        "NULL",
        "1",
        "*",
        "t",
        "a",
        "::int",
        "::numeric(3,9)",
        " AND ",
        " NOT ",
        "DEFAULT",
        " IN (",
        "ARRAY[",
        "[1]",
        "count(*)",
        "sum(",
        "OVER ()",
        "GROUP BY",
        "ORDER BY 1",
        "LIMIT",
        " CASE WHEN ",
        " END ",
        "generate_series(1,2)",
        "interval '1' ",
        "/*",
        "--",
        "$$",
        "U&'\\",
        "E'\\",
        "\xc3",
        " UNION ",
        "ROW(",
        "DISTINCT ",
        "VALUES (1)",
        "a.b.c.d",
        "1e999",
        "99999999999999999999",
        "''",
        "t.*",
    };
    size_t n;

    snprintf(out, max, "%s", statements[next(seed) % (sizeof statements / sizeof statements[0])]);
    n = strlen(out);
    for (uint64_t k = next(seed) % 6; k > 0; k--) {
        size_t      at = next(seed) % (n + 1), cut = next(seed) % 12;
        const char *piece = pieces[next(seed) % (sizeof pieces / sizeof pieces[0])];
        if (next(seed) % 3 == 0) { /* a piece of another statement */
            const char *other = statements[next(seed) % (sizeof statements / sizeof statements[0])];
            piece = other + next(seed) % strlen(other);
        }
        size_t behind = at + cut < n ? at + cut : n,
               bytes = strlen(piece) < 40 ? strlen(piece) : 40;
        if (at + bytes + (n - behind) + 1 > max) {
            break;
        }
        memmove(out + at + bytes, out + behind, n - behind + 1);
        memcpy(out + at, piece, bytes);
        n = strlen(out);
    }
}

static void damaged_statements(void **state)
{
    const char *set = getenv("QN_TEST_SEED"), *rounds = getenv("QN_TEST_ROUNDS");
    uint64_t    seed = set ? strtoull(set, NULL, 10) : 20240611;
    uint64_t    count = rounds ? strtoull(rounds, NULL, 10) : 3000;
    char        sql[2048];

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (uint64_t i = 0; i < count; i++) {
        fixture   f;
        qn_bound *bound = NULL;
        fixture_open(&f);
        mutate(sql, sizeof sql, &seed);
        qn_status st = bind_text(&f, sql, &bound);
        if (st != QN_OK) {
            assert_int_equal(strlen(f.err.sqlstate), 5);
            assert_true(f.err.message[0] != 0);
            assert_string_not_equal(f.err.sqlstate, "XX000");
            assert_true(f.err.position <= (int)strlen(sql) + 1);
        } else if (bound && bound->select) { /* what was bound can be printed */
            qn_buf buf;
            qn_buf_init(&buf, &f.mem);
            for (uint32_t t = 0; t < bound->select->target_count; t++) {
                qn_expr_print(bound->select->targets[t].expr, bound->select, &buf);
            }
            assert_true(qn_buf_ok(&buf));
            qn_buf_deinit(&buf);
        }
        fixture_close(&f);
    }
}

/* Nothing is shared between bindings: four threads at once see what one sees. */
static void bind_many(void *arg)
{
    fixture f;

    fixture_open(&f);
    for (int i = 0; i < 200; i++) {
        qn_bound *bound = NULL;
        qn_status st = bind_text(&f, statements[(size_t)i % 4], &bound);
        *(bool *)arg = *(bool *)arg && st == QN_OK && bound;
        st = bind_text(&f, "SELECT nope FROM t", &bound);
        *(bool *)arg = *(bool *)arg && st == QN_ERROR && strcmp(f.err.sqlstate, "42703") == 0;
    }
    fixture_close(&f);
}

static void many_threads(void **state)
{
    qn_thread threads[4];
    bool      good[4] = {true, true, true, true};
    qn_error  err = {0};

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(qn_thread_start(&threads[i], 0, bind_many, &good[i], &err), QN_OK);
    }
    for (int i = 0; i < 4; i++) {
        qn_thread_join(threads[i]);
        assert_true(good[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deep_statements_bind),
        cmocka_unit_test(deeper_ones_are_refused),
        cmocka_unit_test(shared_operands_do_not_explode),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(damaged_statements),
        cmocka_unit_test(many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
