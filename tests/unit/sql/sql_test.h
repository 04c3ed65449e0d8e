/* A small catalog and short ways to bind a text, shared by the tests of sql/.
 *
 *   t(a integer, b text not null, c numeric(10,2) default 1 + 2, d timestamp, e varchar(5), f
 * double precision, g boolean, h bigint, i smallint, j date) u(a integer, x text)
 *
 * Each binding has memory of its own, which must be back when the fixture is closed. */
#ifndef QN_TESTS_SQL_TEST_H
#define QN_TESTS_SQL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sql/bound.h"

static const qn_column test_t_columns[] = {
    {"a", {QN_TYPE_INTEGER, -1}, false, NULL},
    {"b", {QN_TYPE_TEXT, -1}, true, NULL},
    {"c", {QN_TYPE_NUMERIC, ((10 << 16) | 2) + 4}, false, "1 + 2 -- three"},
    {"d", {QN_TYPE_TIMESTAMP, -1}, false, NULL},
    {"e", {QN_TYPE_VARCHAR, 5 + 4}, false, NULL},
    {"f", {QN_TYPE_DOUBLE, -1}, false, NULL},
    {"g", {QN_TYPE_BOOLEAN, -1}, false, NULL},
    {"h", {QN_TYPE_BIGINT, -1}, false, NULL},
    {"i", {QN_TYPE_SMALLINT, -1}, false, NULL},
    {"j", {QN_TYPE_DATE, -1}, false, NULL},
};
static const qn_column test_u_columns[] = {
    {"a", {QN_TYPE_INTEGER, -1}, false, NULL},
    {"x", {QN_TYPE_TEXT, -1}, false, NULL},
};
static const qn_table test_tables[] = {
    {.id = 1, .name = "t", .column_count = 10, .columns = test_t_columns},
    {.id = 2, .name = "u", .column_count = 2, .columns = test_u_columns},
};

typedef struct fixture {
    qn_mem           mem;
    qn_env           env;
    qn_snapshot      snapshot;
    qn_text_settings settings;
    qn_bind_context  context;
    qn_arena         arena;
    qn_error         err;
    size_t           consumed;
} fixture;

static void fixture_open(fixture *f)
{
    memset(f, 0, sizeof *f);
    qn_mem_init(&f->mem, NULL, 0);
    f->env.mem = &f->mem;
    f->env.clock = qn_clock_system();
    f->snapshot.table_count = 2;
    f->snapshot.tables = test_tables;
    f->settings.extra_float_digits = 1;
    f->context =
        (qn_bind_context){.env = &f->env, .snapshot = &f->snapshot, .settings = &f->settings};
    qn_arena_init(&f->arena, &f->mem);
}

static void fixture_close(fixture *f)
{
    qn_arena_deinit(&f->arena);
    qn_mem_deinit(&f->mem);
}

static inline qn_status bind_text(fixture *f, const char *sql, qn_bound **bound)
{
    qn_error_clear(&f->err);
    qn_arena_reset(&f->arena);
    return qn_sql_bind(&f->context, sql, strlen(sql), &f->arena, bound, &f->consumed, &f->err);
}

/* A statement that must bind. */
static inline qn_bound *bound_of(fixture *f, const char *sql)
{
    qn_bound *bound = NULL;

    if (bind_text(f, sql, &bound) != QN_OK) {
        fail_msg("%s\n%s: %s", sql, f->err.sqlstate, f->err.message);
    }
    assert_non_null(bound);
    return bound;
}

/* The visible targets as "name type: expression; …" must be `expected`. */
static inline void expect_targets(fixture *f, const char *sql, const char *expected)
{
    const qn_select *s = bound_of(f, sql)->select;
    qn_buf           buf;
    char             type[80];

    qn_buf_init(&buf, &f->mem);
    for (uint32_t i = 0; i < s->target_count; i++) {
        qn_buf_printf(&buf, "%s%s%s %s: ", i ? "; " : "", s->targets[i].hidden ? "~" : "",
                      s->targets[i].name,
                      qn_type_format(s->targets[i].expr->type, type, sizeof type));
        qn_expr_print(s->targets[i].expr, s, &buf);
    }
    const char *text = qn_arena_strdup(&f->arena, buf.data ? buf.data : "");
    qn_buf_deinit(&buf);
    assert_string_equal(text, expected);
}

/* The statement must fail with this SQLSTATE, at this place (the byte where `at` begins in the
 * text, NULL for no position) and with this message. */
static inline void expect_error(fixture *f, const char *sql, const char *state, const char *at,
                                const char *message)
{
    qn_bound   *bound = NULL;
    const char *found = at ? strstr(sql, at) : NULL;

    if (bind_text(f, sql, &bound) == QN_OK) {
        fail_msg("%s: bound", sql);
    }
    assert_null(bound);
    assert_string_equal(f->err.message, message);
    assert_string_equal(f->err.sqlstate, state);
    assert_int_equal(f->err.position, found ? (int)(found - sql) + 1 : 0);
}

#endif
