/* Queries: names, types, casts, grouping, ordering.  Expected types, names and messages are
 * PostgreSQL 15's. */
#include "sql_test.h"

static int setup(void **state)
{
    static fixture f;

    fixture_open(&f);
    *state = &f;
    return 0;
}
static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

/* Constants get a type by their size; a minus sign belongs to the number. */
static void constants_by_size(void **state)
{
    expect_targets(*state, "SELECT 1, 5000000000, 1.5, -9223372036854775808, 'x', NULL, true",
                   "?column? integer: 1; ?column? bigint: 5000000000; ?column? numeric: 1.5; "
                   "?column? bigint: -9223372036854775808; ?column? text: 'x'; ?column? text: "
                   "NULL; ?column? boolean: true");
}

/* Implicit casts are explicit calls in the bound tree; an unknown literal takes the other side's
 * type. */
static void operators_and_casts(void **state)
{
    expect_targets(
        *state, "SELECT a + h, a || b, e = 'x', j > '2020-01-01', f * 1.5 FROM t",
        "?column? bigint: a + h; ?column? text: a || b; ?column? boolean: e::text = 'x'; "
        "?column? boolean: j > '2020-01-01'::date; ?column? double precision: f * 1.5::double "
        "precision");
    expect_targets(
        *state,
        "SELECT b::varchar(3), c::int, '5'::numeric(5,2), interval '1' day, int4('7') FROM t",
        "b character varying(3): b::character varying::character varying(3); c integer: "
        "c::integer; "
        "numeric numeric(5,2): 5::numeric(5,2); interval interval day: '1 day'::interval day; "
        "int4 integer: 7");
}

/* Forms that SQL spells with words become calls, CASE, AND and OR. */
static void special_forms(void **state)
{
    expect_targets(
        *state,
        "SELECT a BETWEEN 1 AND 2, NULLIF(a, 1), a IS DISTINCT FROM 3, (a, b) < (1, 'x') FROM t",
        "?column? boolean: (a >= 1) AND (a <= 2); "
        "nullif integer: CASE WHEN a = 1 THEN NULL ELSE a END; ?column? boolean: a IS DISTINCT "
        "FROM 3; "
        "?column? boolean: CASE WHEN a = 1 THEN b < 'x' ELSE a < 1 END");
    expect_targets(*state,
                   "SELECT COALESCE(a, 1.5), CASE a WHEN 1 THEN 'x' END, GREATEST(a, h) FROM t",
                   "coalesce numeric: COALESCE(a::numeric, 1.5); case text: CASE WHEN a = 1 THEN "
                   "'x' ELSE NULL END; "
                   "greatest bigint: GREATEST(a::bigint, h)");
}

/* A list of constants is one IN of the common type; anything else is OR of comparisons. */
static void in_lists(void **state)
{
    const qn_expr *where;

    where = bound_of(*state, "SELECT 1 FROM t WHERE h IN (1, 2, 3)")->select->where;
    assert_int_equal(where->kind, QN_EXPR_IN);
    assert_int_equal(where->argc, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(where->args[i]->type.id, QN_TYPE_BIGINT);
    }
    assert_int_equal(where->args[1]->kind, QN_EXPR_CONST);
    assert_int_equal(where->args[3]->value.i64, 3);
    /* The column stays bare where all constants fit its type; otherwise it is cast once. */
    where = bound_of(*state, "SELECT 1 FROM t WHERE i IN (-1, 6)")->select->where;
    assert_int_equal(where->args[0]->kind, QN_EXPR_COLUMN);
    assert_int_equal(where->args[1]->type.id, QN_TYPE_SMALLINT);
    assert_int_equal(where->args[1]->value.i16, -1);
    where = bound_of(*state, "SELECT 1 FROM t WHERE i IN (-1, 70000)")->select->where;
    assert_int_equal(where->kind, QN_EXPR_IN);
    assert_int_equal(where->args[0]->type.id, QN_TYPE_INTEGER);
    assert_int_equal(where->args[0]->kind, QN_EXPR_CALL);
    where = bound_of(*state, "SELECT 1 FROM t WHERE a NOT IN (1, 2)")->select->where;
    assert_int_equal(where->kind, QN_EXPR_NOT);
    assert_int_equal(bound_of(*state, "SELECT 1 FROM t WHERE a IN (1, h)")->select->where->kind,
                     QN_EXPR_OR);
    assert_int_equal(bound_of(*state, "SELECT 1 FROM t WHERE a IN (1)")->select->where->kind,
                     QN_EXPR_CALL);
    assert_int_equal(
        bound_of(*state, "SELECT 1 FROM t WHERE a = ANY (ARRAY[1, 2])")->select->where->kind,
        QN_EXPR_IN);
}

/* A literal that is one token may be patched by the program cache; a folded or joined one may not.
 */
static void literals_know_their_token(void **state)
{
    const qn_select *s =
        bound_of(*state, "SELECT 12, -12, 'ab', E'a', 'a'\n'b', date '2020-01-01'")->select;
    static const bool expected[] = {true, false, true, false, false, true};

    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(s->targets[i].expr->kind, QN_EXPR_CONST);
        assert_int_equal(s->targets[i].expr->literal, expected[i]);
    }
    assert_int_equal(s->targets[0].expr->location, 7);
    assert_int_equal(s->targets[5].expr->location, 42);
}

/* Above GROUP BY there are keys and aggregates only; equal ones are one. */
static void grouping(void **state)
{
    const qn_select *s =
        bound_of(*state, "SELECT a + 1, count(*), sum(h), sum(h) + 1 FROM t GROUP BY a + 1 "
                         "HAVING count(*) > 2 ORDER BY count(*) DESC")
            ->select;

    assert_true(s->aggregated);
    assert_int_equal(s->key_count, 1);
    assert_int_equal(s->agg_count, 2);
    assert_int_equal(s->targets[0].expr->kind, QN_EXPR_KEY);
    assert_int_equal(s->targets[1].expr->kind, QN_EXPR_AGG);
    assert_int_equal(s->target_count, 4); /* the sort key is target 2 */
    assert_int_equal(s->sort[0].target, 1);
    assert_true(s->sort[0].descending && s->sort[0].nulls_first);
    s = bound_of(*state, "SELECT a AS b, count(*) FROM t GROUP BY b, a")->select;
    assert_int_equal(s->key_count, 2); /* b is the input column, not the alias */
    s = bound_of(*state, "SELECT a AS z, count(*) FROM t GROUP BY z, 1, a")->select;
    assert_int_equal(s->key_count, 1);
}

static void grouping_errors(void **state)
{
    expect_error(
        *state, "SELECT a, b FROM t GROUP BY a", "42803", "b FROM",
        "column \"t.b\" must appear in the GROUP BY clause or be used in an aggregate function");
    expect_error(
        *state, "SELECT a FROM t x HAVING true", "42803", "a FROM",
        "column \"x.a\" must appear in the GROUP BY clause or be used in an aggregate function");
    expect_error(*state, "SELECT sum(max(a)) FROM t", "42803", "max",
                 "aggregate function calls cannot be nested");
    expect_error(*state, "SELECT a FROM t WHERE count(*) > 1", "42803", "count",
                 "aggregate functions are not allowed in WHERE");
    expect_error(*state, "SELECT count(*) FROM t GROUP BY 1", "42803", "count",
                 "aggregate functions are not allowed in GROUP BY");
    expect_error(*state, "SELECT a FROM t GROUP BY ROLLUP (a)", "0A000", "ROLLUP",
                 "ROLLUP is not supported");
}

/* ORDER BY takes an output name before an input column; what is no target becomes a hidden one. */
static void ordering(void **state)
{
    const qn_select *s = bound_of(*state, "SELECT b AS a FROM t ORDER BY a, h NULLS FIRST")->select;

    assert_int_equal(s->sort[0].target, 0);
    assert_int_equal(s->visible_count, 1);
    assert_int_equal(s->target_count, 2);
    assert_true(s->targets[1].hidden && s->sort[1].nulls_first && !s->sort[1].descending);
    s = bound_of(*state, "SELECT DISTINCT ON (a, g) a, b FROM t ORDER BY g, a, h")->select;
    assert_int_equal(s->distinct_on, 2);
    assert_int_equal(s->sort_count, 3);
    s = bound_of(*state, "SELECT DISTINCT ON (a) a FROM t")->select;
    assert_int_equal(s->sort_count, 1);
}

static void ordering_errors(void **state)
{
    expect_error(*state, "SELECT a FROM t ORDER BY 2", "42P10", "2",
                 "ORDER BY position 2 is not in select list");
    expect_error(*state, "SELECT a FROM t ORDER BY 'x'", "42601", "'x'",
                 "non-integer constant in ORDER BY");
}

/* Two outputs of one name that differ: the position is that of the name in ORDER BY. */
static void ambiguous_sort_name(void **state)
{
    fixture  *f = *state;
    qn_bound *bound;

    assert_int_equal(bind_text(f, "SELECT a AS x, b AS x FROM t ORDER BY x", &bound), QN_ERROR);
    assert_string_equal(f->err.sqlstate, "42702");
    assert_int_equal(f->err.position, 39);
}

static void distinct_errors(void **state)
{
    expect_error(*state, "SELECT DISTINCT a FROM t ORDER BY h", "42P10", "h",
                 "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
    expect_error(*state, "SELECT DISTINCT ON (a) b FROM t ORDER BY h", "42P10", "a)",
                 "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
}

static void limits(void **state)
{
    const qn_select *s = bound_of(*state, "SELECT a FROM t LIMIT ALL OFFSET 5")->select;

    assert_null(s->limit);
    assert_int_equal(s->offset->type.id, QN_TYPE_BIGINT);
    assert_int_equal(s->offset_location, 33);
    expect_error(*state, "SELECT a FROM t LIMIT a + h", "42P10", "a + h",
                 "argument of LIMIT must not contain variables");
    expect_error(*state, "SELECT b FROM t LIMIT true", "42804", "true",
                 "argument of LIMIT must be type bigint, not type boolean");
}

static void from_items(void **state)
{
    const qn_select *s;

    expect_targets(*state, "SELECT * FROM (VALUES (1, 'a'), (2.5, NULL)) v(p, q)",
                   "p numeric: p; q text: q");
    expect_targets(*state, "WITH x(k) AS (SELECT a + 1 FROM t) SELECT k, x.k * 2 FROM x",
                   "k integer: k; ?column? integer: k * 2");
    expect_targets(*state, "SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS g",
                   "g integer: g; ordinality bigint: ordinality");
    expect_targets(*state, "SELECT * FROM upper('x')", "upper text: upper");
    s = bound_of(*state, "SELECT generate_series(1, 3) * 2")->select;
    assert_int_equal(s->from->kind, QN_REL_FUNCTION);
    assert_int_equal(s->from->table_function, QN_TF_SERIES_INT);
    assert_int_equal(s->from->argc, 3);
    s = bound_of(*state, "SELECT column_name FROM quern_inspect('t')")->select;
    assert_int_equal(s->from->table_function, QN_TF_INSPECT);
    assert_int_equal(
        bound_of(*state, "SELECT * FROM information_schema.columns")->select->from->table_function,
        QN_TF_COLUMNS);
    assert_int_equal(bound_of(*state, "SELECT * FROM pg_settings")->select->from->table_function,
                     QN_TF_SETTINGS);
}

static void name_errors(void **state)
{
    fixture *f = *state;

    expect_error(f, "SELECT nope FROM t", "42703", "nope", "column \"nope\" does not exist");
    expect_error(f, "SELECT t.nope FROM t", "42703", "t.nope", "column t.nope does not exist");
    expect_error(f, "SELECT z.a FROM t", "42P01", "z.a",
                 "missing FROM-clause entry for table \"z\"");
    expect_error(f, "SELECT t.a FROM t y", "42P01", "t.a",
                 "invalid reference to FROM-clause entry for table \"t\"");
    assert_string_equal(f->err.hint, "Perhaps you meant to reference the table alias \"y\".");
    expect_error(f, "SELECT a FROM nope", "42P01", "nope", "relation \"nope\" does not exist");
    expect_error(f, "SELECT q FROM (SELECT a AS q, h AS q FROM t) s", "42702", "q FROM",
                 "column reference \"q\" is ambiguous");
    expect_error(f, "SELECT *", "42601", "*", "SELECT * with no tables specified is not valid");
}

/* Hints name a column at a small edit distance. */
static void close_names(void **state)
{
    fixture  *f = *state;
    qn_bound *bound;

    assert_int_equal(bind_text(f, "SELECT colum_name FROM information_schema.columns", &bound),
                     QN_ERROR);
    assert_string_equal(f->err.hint,
                        "Perhaps you meant to reference the column \"columns.column_name\".");
}

static void type_errors(void **state)
{
    fixture *f = *state;

    expect_error(f, "SELECT b + 1 FROM t", "42883", "+", "operator does not exist: text + integer");
    expect_error(f, "SELECT '1' + '2'", "42725", "+", "operator is not unique: unknown + unknown");
    expect_error(f, "SELECT lower(a) FROM t", "42883", "lower",
                 "function lower(integer) does not exist");
    expect_error(f, "SELECT a = 'x' FROM t", "22P02", "'x'",
                 "invalid input syntax for type integer: \"x\"");
    expect_error(f, "SELECT a FROM t WHERE b", "42804", "b",
                 "argument of WHERE must be type boolean, not type text");
    expect_error(f, "SELECT COALESCE(a, b) FROM t", "42804", "b)",
                 "COALESCE types integer and text cannot be matched");
    expect_error(f, "SELECT a::date FROM t", "42846", "::", "cannot cast type integer to date");
    expect_error(f, "SELECT 1::time with time zone", "0A000", "time",
                 "type time with time zone is not supported");
    expect_error(f, "SELECT 1::nope", "42704", "nope", "type \"nope\" does not exist");
}

/* Parameters take the type of where they stand; all must have one in the end. */
static void parameters(void **state)
{
    const qn_bound *b = bound_of(*state, "SELECT a FROM t WHERE b = $2 AND a IN ($1, $3) LIMIT $4");

    assert_int_equal(b->param_count, 4);
    assert_int_equal(b->param_types[0].id, QN_TYPE_INTEGER);
    assert_int_equal(b->param_types[1].id, QN_TYPE_TEXT);
    assert_int_equal(b->param_types[2].id, QN_TYPE_INTEGER);
    assert_int_equal(b->param_types[3].id, QN_TYPE_BIGINT);
    expect_error(*state, "SELECT $2::int", "42P18", NULL,
                 "could not determine data type of parameter $1");
}

static void syntax_errors(void **state)
{
    expect_error(*state, "SELEC 1", "42601", "SELEC", "syntax error at or near \"SELEC\"");
    expect_error(*state, "SELECT 'abc", "42601", "'abc",
                 "unterminated quoted string at or near \"'abc\"");
    expect_error(*state, "SELECT 'ä' 1 FROM", "42601", "1 FROM", "syntax error at or near \"1\"");
    expect_error(*state, "SELECT '\xff'", "22021", "\xff",
                 "invalid byte sequence for encoding \"UTF8\": 0xff");
}

/* What quern lacks is named, never ignored. */
static void unsupported(void **state)
{
    expect_error(*state, "SELECT 1 FROM t, u", "0A000", "u",
                 "a join (several items in FROM) is not supported");
    expect_error(*state, "SELECT 1 FROM t JOIN u ON true", "0A000", "t JOIN",
                 "a join is not supported");
    expect_error(*state, "SELECT (SELECT 1)", "0A000", "(",
                 "a subquery in an expression is not supported");
    expect_error(*state, "SELECT 1 UNION SELECT 2", "0A000", "2", "UNION is not supported");
    expect_error(*state, "SELECT sum(a) OVER () FROM t", "0A000", "sum",
                 "a window function (OVER) is not supported");
    expect_error(*state, "WITH RECURSIVE x AS (SELECT 1) SELECT * FROM x", "0A000", "WITH",
                 "WITH RECURSIVE is not supported");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(constants_by_size),
        T(operators_and_casts),
        T(special_forms),
        T(in_lists),
        T(literals_know_their_token),
        T(grouping),
        T(grouping_errors),
        T(ordering),
        T(ordering_errors),
        T(ambiguous_sort_name),
        T(distinct_errors),
        T(limits),
        T(from_items),
        T(name_errors),
        T(close_names),
        T(type_errors),
        T(parameters),
        T(syntax_errors),
        T(unsupported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
