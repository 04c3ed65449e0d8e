/* Statements other than SELECT: tables, INSERT, COPY, EXPLAIN, SET, PREPARE. */
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

/* A default is kept as the text that was written, without what follows it. */
static void create_table_defaults(void **state)
{
    const qn_bound *b =
        bound_of(*state, "CREATE TABLE n (p int NOT NULL DEFAULT (1 + 2) , q text DEFAULT 'a,b)' "
                         "/* c */ NOT NULL, r numeric(5,2) DEFAULT 1.5 -- last\n)");

    assert_int_equal(b->kind, QN_STMT_CREATE_TABLE);
    assert_string_equal(b->name, "n");
    assert_int_equal(b->column_count, 3);
    assert_string_equal(b->columns[0].default_sql, "(1 + 2)");
    assert_string_equal(b->columns[1].default_sql, "'a,b)'");
    assert_string_equal(b->columns[2].default_sql, "1.5");
    assert_true(b->columns[0].not_null && b->columns[1].not_null && !b->columns[2].not_null);
    assert_int_equal(b->columns[2].type.typmod, ((5 << 16) | 2) + 4);
}

static void create_table_errors(void **state)
{
    expect_error(*state, "CREATE TABLE t (a int)", "42P07", NULL, "relation \"t\" already exists");
    expect_error(*state, "CREATE TABLE n (a int, a text)", "42701", NULL,
                 "column \"a\" specified more than once");
    expect_error(*state, "CREATE TABLE n (a int DEFAULT b)", "0A000", "b)",
                 "cannot use column reference in DEFAULT expression");
    expect_error(*state, "CREATE TABLE n (a int DEFAULT now())", "42804", NULL,
                 "column \"a\" is of type integer but default expression is of type timestamp with "
                 "time zone");
    expect_error(*state, "CREATE TABLE n (a int PRIMARY KEY)", "0A000", "PRIMARY",
                 "PRIMARY KEY is not supported");
    expect_error(*state, "CREATE TEMP TABLE n (a int)", "0A000", "n (",
                 "a temporary table is not supported");
    expect_error(*state, "CREATE TABLE n (a serial)", "0A000", "serial", "serial is not supported");
    assert_true(bound_of(*state, "CREATE TABLE IF NOT EXISTS t (a int)")->exists);
}

static void create_table_as(void **state)
{
    const qn_bound *b =
        bound_of(*state, "CREATE TABLE n (p) AS SELECT a, NULL AS q FROM t WITH NO DATA");

    assert_int_equal(b->kind, QN_STMT_CREATE_TABLE_AS);
    assert_false(b->with_data);
    assert_string_equal(b->columns[0].name, "p");
    assert_string_equal(b->columns[1].name, "q");
    assert_int_equal(b->columns[1].type.id, QN_TYPE_TEXT);
    assert_int_equal(bound_of(*state, "SELECT a INTO n FROM t")->kind, QN_STMT_CREATE_TABLE_AS);
}

static void drop_table(void **state)
{
    const qn_bound *b = bound_of(*state, "DROP TABLE IF EXISTS u, nope, t, u CASCADE");

    assert_int_equal(b->table_count, 2);
    assert_string_equal(b->tables[0]->name, "u");
    assert_int_equal(b->missing_count, 1);
    assert_string_equal(b->missing_tables[0], "nope");
    expect_error(*state, "DROP TABLE nope", "42P01", NULL, "table \"nope\" does not exist");
    expect_error(*state, "DROP VIEW t", "0A000", NULL, "DROP VIEW is not supported");
}

/* Literals of VALUES are read as the column's type; a missing column takes its default. */
static void insert_values(void **state)
{
    const qn_bound *b =
        bound_of(*state, "INSERT INTO t (h, b, c) VALUES ('5', 'x', DEFAULT), (6, 7, 8.125)");
    const qn_relation *v = b->select->from;

    assert_int_equal(v->row_count, 2);
    assert_int_equal(v->values[0]->kind, QN_EXPR_CONST);
    assert_int_equal(v->values[0]->value.i64, 5);
    assert_int_equal(v->values[2]->type.id, QN_TYPE_NUMERIC); /* the default of c */
    assert_int_equal(v->values[2]->location, -1);
    assert_int_equal(v->values[5]->kind, QN_EXPR_LENGTH_CAST);
    assert_false(v->values[5]->explicit_);
    assert_int_equal(b->assignments[7]->index, 0);
    assert_int_equal(b->assignments[1]->index, 1);
    assert_true(b->assignments[0]->null && b->assignments[0]->kind == QN_EXPR_CONST);
}

static void insert_select(void **state)
{
    const qn_bound *b = bound_of(*state, "INSERT INTO t (j, a) SELECT '2020-01-01', h FROM t");

    assert_int_equal(b->select->targets[0].expr->type.id, QN_TYPE_DATE);
    assert_int_equal(b->assignments[9]->kind, QN_EXPR_COLUMN);
    assert_int_equal(b->assignments[0]->kind, QN_EXPR_CALL); /* bigint to integer, by assignment */
    b = bound_of(*state, "INSERT INTO t DEFAULT VALUES");
    assert_int_equal(b->select->target_count, 0);
    assert_int_equal(b->assignments[2]->type.id, QN_TYPE_NUMERIC);
}

static void insert_errors(void **state)
{
    expect_error(*state, "INSERT INTO u VALUES (1, 'x', 3)", "42601", "3)",
                 "INSERT has more expressions than target columns");
    expect_error(*state, "INSERT INTO u (a, x) VALUES (1)", "42601", "x)",
                 "INSERT has more target columns than expressions");
    expect_error(*state, "INSERT INTO u (a, a) VALUES (1, 2)", "42701", "a) V",
                 "column \"a\" specified more than once");
    expect_error(*state, "INSERT INTO u (q) VALUES (1)", "42703", "q",
                 "column \"q\" of relation \"u\" does not exist");
    expect_error(*state, "INSERT INTO u (a) VALUES (true)", "42804", "true",
                 "column \"a\" is of type integer but expression is of type boolean");
    expect_error(*state, "INSERT INTO u VALUES (1) RETURNING a", "0A000", "a",
                 "RETURNING is not supported");
    expect_error(*state, "INSERT INTO u VALUES (1, 2), (3)", "42601", "3)",
                 "VALUES lists must all be the same length");
}

static void copy(void **state)
{
    const qn_bound *b =
        bound_of(*state, "COPY t (b, a) FROM '/f.csv' (FORMAT csv, HEADER match, FORCE_NULL (b))");

    assert_int_equal(b->kind, QN_STMT_COPY_FROM);
    assert_int_equal(b->copy_columns[0], 1);
    assert_int_equal(b->copy.delimiter, ',');
    assert_string_equal(b->copy.null_text, "");
    assert_true(b->copy.header && b->copy.header_match && b->copy.force_null[1] &&
                !b->copy.force_null[0]);
    assert_string_equal(b->copy.path, "/f.csv");
    assert_non_null(b->defaults[2]);
    b = bound_of(*state, "COPY t TO STDOUT WITH DELIMITER '|' CSV QUOTE '''' FORCE QUOTE a");
    assert_int_equal(b->copy.delimiter, '|');
    assert_int_equal(b->copy.escape, '\'');
    assert_int_equal(b->select->visible_count, 10);
    assert_null(b->copy.path);
    b = bound_of(*state, "COPY u FROM STDIN");
    assert_int_equal(b->copy.format, QN_COPY_TEXT);
    assert_string_equal(b->copy.null_text, "\\N");
    expect_error(*state, "COPY u FROM STDIN (QUOTE 'x')", "0A000", NULL,
                 "COPY quote available only in CSV mode");
    expect_error(*state, "COPY u TO STDOUT (DELIMITER 'a')", "22023", NULL,
                 "COPY delimiter cannot be \"a\"");
    expect_error(*state, "COPY u FROM PROGRAM 'x'", "0A000", NULL,
                 "COPY … PROGRAM is not supported");
    expect_error(*state, "COPY u FROM STDIN (nope)", "42601", "nope",
                 "option \"nope\" not recognized");
}

static void explain(void **state)
{
    const qn_bound *b =
        bound_of(*state, "EXPLAIN (STAGE bytecode, COSTS off, FORMAT json) SELECT a FROM t");

    assert_int_equal(b->stage, QN_STAGE_BYTECODE);
    assert_true(b->format_json && !b->costs && !b->analyze);
    assert_int_equal(b->inner->kind, QN_STMT_SELECT);
    b = bound_of(*state, "EXPLAIN (STAGE parse) SELECT nope + 1 FROM nowhere");
    assert_string_equal(
        b->parse_text,
        "SelectStmt limit_option=LIMIT_OPTION_DEFAULT op=SETOP_NONE\n"
        "  target_list: ResTarget location=29\n"
        "    val: AExpr kind=AEXPR_OP location=34\n"
        "      name: String sval=\"+\"\n"
        "      lexpr: ColumnRef location=29\n"
        "        fields: String sval=\"nope\"\n"
        "      rexpr: AConst location=36\n"
        "        ival: Integer ival=1\n"
        "  from_clause: RangeVar relname=\"nowhere\" inh=true relpersistence=\"p\" location=43\n");
    expect_error(*state, "EXPLAIN (nope) SELECT 1", "42601", "nope",
                 "unrecognized EXPLAIN option \"nope\"");
}

static void settings(void **state)
{
    const qn_bound *b = bound_of(*state, "SET quern.threads = 4");

    assert_string_equal(b->name, "quern.threads");
    assert_string_equal(b->value, "4");
    b = bound_of(*state, "SET TIME ZONE 'UTC'");
    assert_string_equal(b->name, "timezone");
    assert_true(bound_of(*state, "RESET ALL")->value_default);
    assert_string_equal(bound_of(*state, "SHOW ALL")->name, "all");
    expect_error(*state, "SET LOCAL x = 1", "0A000", NULL, "SET LOCAL is not supported");
}

static bool two_params(void *arg, const char *name, uint32_t *count, const qn_type **types)
{
    static const qn_type known[] = {{QN_TYPE_INTEGER, -1}, {QN_TYPE_TEXT, -1}};

    (void)arg;
    *count = 2;
    *types = known;
    return strcmp(name, "p") == 0;
}

static void prepare_execute(void **state)
{
    fixture        *f = *state;
    const qn_bound *b = bound_of(
        f, "PREPARE p (int) AS /* x */ SELECT a FROM t WHERE a = $1 AND b = $2 ; SELECT 1");

    assert_string_equal(b->statement_sql, "SELECT a FROM t WHERE a = $1 AND b = $2");
    assert_int_equal(b->param_count, 2);
    assert_int_equal(b->param_types[1].id, QN_TYPE_TEXT);
    f->context.prepared = two_params;
    b = bound_of(f, "EXECUTE p ('5', 'x')");
    assert_int_equal(b->argument_count, 2);
    assert_int_equal(b->arguments[0]->value.i32, 5);
    expect_error(f, "EXECUTE p (1)", "42601", NULL,
                 "wrong number of parameters for prepared statement \"p\"");
    assert_string_equal(f->err.detail, "Expected 2 parameters but got 1.");
    expect_error(f, "EXECUTE q", "26000", NULL, "prepared statement \"q\" does not exist");
    assert_null(bound_of(f, "DEALLOCATE ALL")->name);
}

static void refused_statements(void **state)
{
    expect_error(*state, "UPDATE t SET a = 1", "0A000", NULL, "UPDATE is not supported");
    expect_error(*state, "DELETE FROM t", "0A000", NULL, "DELETE is not supported");
    expect_error(*state, "TRUNCATE t", "0A000", NULL, "TRUNCATE is not supported");
    expect_error(*state, "BEGIN", "0A000", NULL, "BEGIN is not supported");
    expect_error(*state, "CREATE INDEX ON t (a)", "0A000", NULL, "CREATE INDEX is not supported");
    expect_error(*state, "ALTER POLICY p ON t TO x", "0A000", NULL,
                 "AlterPolicyStmt is not supported");
}

/* Only the first statement is bound; the caller goes on behind its semicolon. */
static void one_at_a_time(void **state)
{
    fixture  *f = *state;
    qn_bound *bound;

    bound_of(f, " ; SELECT 1; SELEC 2");
    assert_int_equal(f->consumed, 12);
    assert_int_equal(bind_text(f, " -- nothing\n ;", &bound), QN_OK);
    assert_null(bound);
    assert_int_equal(f->consumed, 14);
}

/* A stored default binds on its own, with the cast to its column. */
static void stored_expressions(void **state)
{
    fixture *f = *state;
    qn_expr *e = NULL;

    assert_int_equal(
        qn_sql_bind_expr(&f->context, "1 + 2 -- x", QN_TYPE(BIGINT), &f->arena, &e, &f->err),
        QN_OK);
    assert_int_equal(e->type.id, QN_TYPE_BIGINT);
    assert_int_equal(e->location, -1);
    assert_int_equal(
        qn_sql_bind_expr(&f->context, "1) , (2", QN_TYPE(BIGINT), &f->arena, &e, &f->err),
        QN_ERROR);
    assert_null(e);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(create_table_defaults),
        T(create_table_errors),
        T(create_table_as),
        T(drop_table),
        T(insert_values),
        T(insert_select),
        T(insert_errors),
        T(copy),
        T(explain),
        T(settings),
        T(prepare_execute),
        T(refused_statements),
        T(one_at_a_time),
        T(stored_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
