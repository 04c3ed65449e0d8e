/* The scanner: where statements end, and that the bound on nesting is never below the real depth.
 */
#include "sql_test.h"
#include "sql/sql_int.h"

#include <stdio.h>

static size_t end_of(const char *sql, bool *blank)
{
    return qn_sql_statement_end(sql, strlen(sql), blank);
}

/* A semicolon inside a string, a name, a dollar quote or a comment is not an end. */
static void semicolons_inside_tokens(void **state)
{
    static const char *const texts[] = {
        "SELECT ';';",   "SELECT 'it''s;';",   "SELECT E'\\';';",  "SELECT \";\";",
        "SELECT $$;$$;", "SELECT $a$;$$;$a$;", "SELECT 1 -- ;\n;", "SELECT 1 /* ; /* ; */ ; */;",
        "SELECT U&';';", "SELECT $1;",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char two[100];
        bool blank;
        snprintf(two, sizeof two, "%s SELECT 2;", texts[i]);
        assert_int_equal(end_of(two, &blank), strlen(texts[i]));
        assert_false(blank);
    }
}

/* Only blanks and comments: no statement.  Without a semicolon the end is the end of the text. */
static void blank_statements(void **state)
{
    bool blank;

    (void)state;
    assert_int_equal(end_of("  /* x */ -- y", &blank), 14);
    assert_true(blank);
    assert_int_equal(end_of(" ;x", &blank), 2);
    assert_true(blank);
    assert_int_equal(end_of("SELECT 1", &blank), 8);
    assert_false(blank);
    assert_int_equal(end_of("", &blank), 0);
    assert_true(blank);
}

/* Parentheses of CREATE RULE and the body of BEGIN ATOMIC hold semicolons of their own. */
static void semicolons_inside_bodies(void **state)
{
    const char *rule = "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);";
    const char *body =
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;";
    bool blank;

    (void)state;
    assert_int_equal(end_of(rule, &blank), strlen(rule));
    assert_int_equal(end_of(body, &blank), strlen(body));
}

/* Unterminated tokens reach to the end and are left for the grammar to complain about. */
static void unterminated_tokens(void **state)
{
    static const char *const texts[] = {"SELECT 'a;", "SELECT \"a;", "SELECT $$a;", "SELECT /* a;",
                                        "SELECT E'a\\"};
    bool                     blank;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(end_of(texts[i], &blank), strlen(texts[i]));
    }
}

static uint32_t depth_of(const char *sql)
{
    qn_mem   mem;
    qn_arena arena;
    uint32_t tokens = 0, depth = 0;

    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    assert_int_equal(qn_sql_measure(sql, strlen(sql), 1000, &arena, &tokens, &depth, NULL), QN_OK);
    qn_arena_deinit(&arena);
    qn_mem_deinit(&mem);
    return depth;
}

/* Operators in a chain and parentheses count; the items of lists, AND and OR lie side by side. */
static void depth_is_bounded_from_above(void **state)
{
    (void)state;
    assert_true(depth_of("SELECT 1+1+1+1") >= 3);
    assert_true(depth_of("SELECT ((((1))))") >= 4);
    assert_true(depth_of("SELECT (1+1+1)+1+1+1") >=
                5); /* the chain continues through the parentheses */
    assert_true(depth_of("SELECT CASE WHEN a THEN t.end ELSE CASE WHEN b THEN 1 END END") >= 2);
    assert_true(depth_of("SELECT 1,1 UNION SELECT 1,1 UNION SELECT 1,1") >= 2);
    assert_true(depth_of("SELECT 1 FROM a JOIN b ON x AND y JOIN c ON x AND y JOIN d ON z") >= 3);
    assert_true(depth_of("SELECT 1,2,3,4,5,6,7,8,9,10") <= 2);
    assert_true(depth_of("SELECT a AND b AND c AND d AND e AND f") <= 3);
    assert_true(depth_of("SELECT a = 1 OR a = 2 OR a = 3 OR a = 4") <= 4);
}

/* A statement of more tokens than allowed is refused before anything else is done with it. */
static void too_many_tokens(void **state)
{
    fixture f;

    (void)state;
    fixture_open(&f);
    f.context.max_tokens = 4;
    expect_error(&f, "SELECT 1, 2, 3", "54001", ", 3", "statement has more than 4 tokens");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(semicolons_inside_tokens),    cmocka_unit_test(blank_statements),
        cmocka_unit_test(semicolons_inside_bodies),    cmocka_unit_test(unterminated_tokens),
        cmocka_unit_test(depth_is_bounded_from_above), cmocka_unit_test(too_many_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
