/* The program cache: which texts share a program, which only look alike, and what a hit hands over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/assert.h"
#include "code/cache.h"
#include "sql/bound.h"

static const qn_column columns[] = {
    {.name = "a", .type = {QN_TYPE_INTEGER, -1}}, {.name = "b", .type = {QN_TYPE_TEXT, -1}},
    {.name = "c", .type = {QN_TYPE_BIGINT, -1}},  {.name = "d", .type = {QN_TYPE_DATE, -1}},
    {.name = "e", .type = {QN_TYPE_DOUBLE, -1}},  {.name = "ts", .type = {QN_TYPE_TIMESTAMP, -1}},
};
static const qn_table tables[] = {{.id = 1, .name = "t", .column_count = 6, .columns = columns}};

typedef struct owner { /* what api/ keeps: everything of one statement in one arena */
    int               refs;
    qn_arena          arena;
    qn_program       *program;
    size_t            consumed;
} owner;

typedef struct fixture {
    qn_mem           mem;
    qn_env           env;
    qn_snapshot      snapshot;
    qn_text_settings settings;
    qn_bind_context  context;
    qn_code_cache   *cache;
    qn_code_key      key;
    qn_arena         arena;
    qn_code_hit      hit;
    qn_error         err;
} fixture;

static void owner_ref(void *p) { ((owner *)p)->refs++; }
static void owner_unref(void *p)
{
    owner *o = p;
    if (--o->refs)
        return;
    qn_arena_deinit(&o->arena);
    free(o);
}

static fixture *fixture_new(uint32_t entries)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    qn_mem_init(&f->mem, NULL, 0);
    f->env.mem = &f->mem;
    f->env.clock = qn_clock_system();
    f->snapshot.table_count = 1;
    f->snapshot.tables = tables;
    f->settings.extra_float_digits = 1;
    f->context = (qn_bind_context){.env = &f->env, .snapshot = &f->snapshot, .settings = &f->settings};
    qn_arena_init(&f->arena, &f->mem);
    qn_code_cache_limits limits = {entries, 1u << 24};
    assert_int_equal(qn_code_cache_new(&f->mem, &limits, owner_ref, owner_unref, &f->cache, &f->err), QN_OK);
    return f;
}

static void fixture_free(fixture *f)
{
    if (f->hit.owner)
        owner_unref(f->hit.owner);
    qn_code_cache_free(f->cache);
    qn_arena_deinit(&f->arena);
    qn_mem_deinit(&f->mem); /* everything was given back */
    free(f);
}

static owner *compile(fixture *f, const char *sql)
{
    const qn_plan_settings settings = {.optimise = true, .threads = 1};
    qn_bound              *bound = NULL;
    qn_plan               *plan = NULL;
    owner                 *o = calloc(1, sizeof *o);
    assert_non_null(o);
    o->refs = 1;
    qn_arena_init(&o->arena, &f->mem);
    qn_error_clear(&f->err);
    if (qn_sql_bind(&f->context, sql, strlen(sql), &o->arena, &bound, &o->consumed, &f->err) != QN_OK ||
        qn_plan_select(bound, bound->select, &settings, &o->arena, &plan, &f->err) != QN_OK ||
        qn_code_generate(plan, &o->arena, &o->program, &f->err) != QN_OK)
        fail_msg("%s\n%s", sql, f->err.message);
    return o;
}

static bool keep(fixture *f, const char *sql)
{
    owner *o = compile(f, sql);
    bool   stored;
    assert_int_equal(qn_code_cache_insert(f->cache, &f->key, sql, strlen(sql), o->program, o, 1000, &stored, &f->err), QN_OK);
    owner_unref(o);
    return stored;
}

static bool finds(fixture *f, const char *sql)
{
    if (f->hit.owner)
        owner_unref(f->hit.owner);
    assert_int_equal(qn_code_cache_lookup(f->cache, &f->key, sql, strlen(sql), &f->settings, &f->arena, &f->hit, &f->err), QN_OK);
    return f->hit.owner != NULL;
}

/* ---- who shares ---------------------------------------------------------------------------------------- */

static void texts_of_one_meaning_share(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"SELECT a FROM t WHERE a > 5", "select  A\n from t -- all\n where/* here */a>7;"},
        {"SELECT a FROM t WHERE b = 'x'", "SELECT a FROM t WHERE b = 'it''s'"},
        {"SELECT a FROM t WHERE c = 5", "SELECT a FROM t WHERE c = 6"},
        {"SELECT a FROM t LIMIT 10", "SELECT a FROM t LIMIT 20"},
        {"SELECT a FROM t WHERE a IN (1, 2, 3)", "SELECT a FROM t WHERE a IN (4, 5, 6)"},
        {"SELECT a FROM t WHERE d = '2020-01-01'", "SELECT a FROM t WHERE d = '2021-12-31'"},
        {"SELECT a FROM t WHERE a + 1 > 0 AND a + 1 < 9", "SELECT a FROM t WHERE a + 2 > 0 AND a + 2 < 9"},
        {"SELECT a FROM t WHERE b LIKE '%a%'", "SELECT a FROM t WHERE b LIKE '%google%'"},
        {"VALUES (1, 'a'), (1, 'b')", "VALUES (2, 'c'), (3, 'c')"},
    };
    for (size_t i = 0; i < QN_COUNTOF(pairs); i++) {
        fixture *f = fixture_new(16);
        assert_true(keep(f, pairs[i][0]));
        if (!finds(f, pairs[i][0]) || !finds(f, pairs[i][1]))
            fail_msg("do not share:\n%s\n%s", pairs[i][0], pairs[i][1]);
        assert_int_equal(f->hit.consumed, strlen(pairs[i][1]));
        fixture_free(f);
    }
}

/* Each pair looks alike and means something else (or only one of the two is valid). */
static void lookalikes_never_share(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"SELECT a, c FROM t", "SELECT c, a FROM t"},
        {"SELECT a FROM t WHERE a - c > 0", "SELECT a FROM t WHERE c - a > 0"},
        {"SELECT power(a, c) FROM t", "SELECT power(c, a) FROM t"},
        {"SELECT a FROM t WHERE a IN (1, 2)", "SELECT a FROM t WHERE a IN (1, 2, 3)"},
        {"SELECT a, c FROM t ORDER BY 1", "SELECT a, c FROM t ORDER BY 2"},
        {"SELECT a, c FROM t GROUP BY 1, 2", "SELECT a, c FROM t GROUP BY 2, 1"},
        {"SELECT a::varchar(5) FROM t", "SELECT a::varchar(6) FROM t"},
        {"SELECT a::numeric(5,2) FROM t", "SELECT a::numeric(5,1) FROM t"},
        {"SELECT a FROM t LIMIT 10", "SELECT a FROM t OFFSET 10"},
        {"SELECT a FROM t WHERE d < DATE '2020-01-01'", "SELECT a FROM t WHERE d < '2020-01-01'"},
        {"SELECT 'a'", "SELECT E'a'"},
        {"SELECT 'a\\n'", "SELECT E'a\\n'"},
        {"SELECT 'a'", "SELECT U&'a'"},
        {"SELECT U&'\\0061'", "SELECT U&'\\0062'"},
        {"SELECT $$a$$", "SELECT $$b$$"},
        {"SELECT 'a'\n'b'", "SELECT 'a' 'b'"},
        {"SELECT 'a'\n'b'", "SELECT 'a'\n'c'"},
        {"SELECT a AS \"A\" FROM t", "SELECT a AS A FROM t"},
        {"SELECT a FROM t", "SELECT \"a \" FROM t"},
        {"SELECT a FROM t WHERE a = 5", "SELECT a FROM t WHERE a = 5000000000"},
        {"SELECT a FROM t WHERE a = 5", "SELECT a FROM t WHERE a = 5.0"},
        {"SELECT a FROM t WHERE a = 5", "SELECT a FROM t WHERE a = '5'"},
        {"SELECT a FROM t WHERE a = 5", "SELECT a FROM t WHERE a = -5"},
        {"SELECT a FROM t WHERE a = -5", "SELECT a FROM t WHERE a = -6"},
        {"SELECT a FROM t WHERE a = 1 OR a = 2", "SELECT a FROM t WHERE a = 1 OR a = 1"},
        {"SELECT a + 1 FROM t GROUP BY a + 1", "SELECT a + 1 FROM t GROUP BY a + 2"},
        {"SELECT a FROM t WHERE a = 1 ORDER BY 1", "SELECT a FROM t WHERE a = 2 ORDER BY 2"},
        {"SELECT a + 1 FROM t GROUP BY a + 1", "SELECT a + 2 FROM t GROUP BY a + 2"}, /* one of the two was merged away */
        {"SELECT sum(a + 1), sum(a + 01) FROM t", "SELECT sum(a + 7), sum(a + 01) FROM t"},
        {"SELECT a FROM t WHERE b = 'x' AND b <> E'x'", "SELECT a FROM t WHERE b = 'y' AND b <> E'x'"},
        {"SELECT a + '-5' FROM t WHERE a + -5 > 0", "SELECT a + '-6' FROM t WHERE a + -5 > 0"},
        {"SELECT a FROM t WHERE a > 5", "SELECT a FROM t WHERE a >= 5"},
        {"SELECT a FROM t WHERE b = 'x'", "SELECT a FROM t WHERE b = NULL"},
        {"SELECT a FROM t WHERE d = '2020-01-01'", "SELECT a FROM t WHERE d = 'no date'"},
        {"SELECT true", "SELECT false"},
        {"SELECT interval '1' day", "SELECT interval '1' hour"},
        {"SELECT extract(year FROM d) FROM t", "SELECT extract(month FROM d) FROM t"},
        {"SELECT count(*) FROM t", "SELECT count(a) FROM t"},
        {"SELECT count(a) FROM t", "SELECT count(DISTINCT a) FROM t"},
        {"SELECT a FROM t", "SELECT a FROM t; SELECT a FROM"},
    };
    for (size_t i = 0; i < QN_COUNTOF(pairs); i++) {
        fixture *f = fixture_new(16);
        bool     last = i + 1 == QN_COUNTOF(pairs); /* the statement ends at its semicolon: these two do share */
        keep(f, pairs[i][0]);
        if (finds(f, pairs[i][1]) != last)
            fail_msg("share:\n%s\n%s", pairs[i][0], pairs[i][1]);
        fixture_free(f);
    }
}

static void settings_schema_and_parameters_are_part_of_the_key(void **state)
{
    (void)state;
    static const qn_type ints[] = {{QN_TYPE_INTEGER, -1}}, texts[] = {{QN_TYPE_TEXT, -1}};
    const char          *sql = "SELECT a FROM t WHERE a > 5";
    fixture             *f = fixture_new(16);
    assert_true(keep(f, sql));
    f->key.schema_version = 1;
    assert_false(finds(f, sql));
    f->key.schema_version = 0;
    f->key.settings_hash = 1;
    assert_false(finds(f, sql));
    f->key.settings_hash = 0;
    assert_true(finds(f, sql));
    f->key.param_count = 1;
    f->key.param_types = ints;
    assert_false(finds(f, sql));
    assert_true(keep(f, sql));
    assert_true(finds(f, sql));
    f->key.param_types = texts;
    assert_false(finds(f, sql));
    fixture_free(f);
}

/* ---- what a hit hands over -------------------------------------------------------------------------------- */

static const qn_datum *constant_of(const fixture *f, qn_sql_type type)
{
    for (uint32_t k = 0; k < f->hit.program->constant_count; k++)
        if (f->hit.program->constant_info[k].type.id == type && f->hit.program->constant_info[k].location >= 0)
            return &f->hit.program->constants[k];
    fail_msg("no such constant");
    return NULL;
}

static void literals_are_read_as_the_constants_type(void **state)
{
    (void)state;
    fixture *f = fixture_new(16);
    assert_true(keep(f, "SELECT a FROM t WHERE c IN (5, 6) AND b = 'x' AND d = '2000-01-02'"));
    assert_true(finds(f, "SELECT a FROM t WHERE c IN (77, 6) AND b = 'it''s a long text' AND d = '2000-01-11'"));
    assert_int_equal(constant_of(f, QN_TYPE_BIGINT)->i64, 77); /* an integer token, a bigint constant */
    assert_int_equal(constant_of(f, QN_TYPE_DATE)->i32, 10);
    qn_str expected = qn_str_lit("it's a long text");
    assert_true(qn_str_equal(&constant_of(f, QN_TYPE_TEXT)->str, &expected));
    const owner *o = f->hit.owner; /* the shared program is as it was */
    assert_ptr_not_equal(o->program, f->hit.program);
    assert_ptr_not_equal(o->program->constants, f->hit.program->constants);
    fixture_free(f);
}

/* 'today' is another day every day: as a constant it is read again, folded away it is not kept. */
static void words_for_the_time_are_never_frozen(void **state)
{
    (void)state;
    fixture *f = fixture_new(16);
    assert_true(keep(f, "SELECT a FROM t WHERE d = 'today'"));
    f->settings.now_micros = 86400000000ll * 5;
    assert_true(finds(f, "SELECT a FROM t WHERE d = 'today'"));
    assert_int_equal(constant_of(f, QN_TYPE_DATE)->i32, 5);
    assert_false(keep(f, "SELECT a FROM t WHERE ts > date 'today' AND b = E'x'"));
    fixture_free(f);
}

static void places_are_those_of_the_current_text(void **state)
{
    (void)state;
    fixture    *f = fixture_new(16);
    const char *old = "SELECT a / 5 FROM t WHERE c > 1", *now = "SELECT   a   /   500 FROM t WHERE c > 12";
    assert_true(keep(f, old));
    assert_true(finds(f, now));
    const char *words[] = {"SELECT", "/", "5", "FROM", "c ", ">", "1"};
    for (size_t i = 0; i < QN_COUNTOF(words); i++)
        assert_int_equal(qn_code_hit_locate(&f->hit, (int32_t)(strstr(old, words[i]) - old)), strstr(now, words[i]) - now);
    assert_int_equal(qn_code_hit_locate(&f->hit, -1), -1);
    assert_in_range(qn_code_hit_locate(&f->hit, 100000), 0, strlen(now));
    fixture_free(f);
}

/* ---- limits ------------------------------------------------------------------------------------------------ */

static void the_least_recently_used_leaves(void **state)
{
    (void)state;
    fixture *f = fixture_new(2);
    keep(f, "SELECT a FROM t");
    keep(f, "SELECT b FROM t");
    assert_true(finds(f, "SELECT a FROM t")); /* now b is the older one */
    keep(f, "SELECT c FROM t");
    assert_false(finds(f, "SELECT b FROM t"));
    assert_true(finds(f, "SELECT a FROM t"));
    assert_true(finds(f, "SELECT c FROM t"));
    qn_code_cache_stats stats;
    qn_code_cache_read_stats(f->cache, &stats);
    assert_int_equal(stats.entries, 2);
    assert_int_equal(stats.evictions, 1);
    assert_int_equal(stats.hits, 3);
    fixture_free(f);
}

static void a_hit_outlives_its_entry(void **state)
{
    (void)state;
    fixture *f = fixture_new(2);
    keep(f, "SELECT a FROM t WHERE a = 1");
    assert_true(finds(f, "SELECT a FROM t WHERE a = 2"));
    qn_code_cache_clear(f->cache);
    assert_int_equal(((owner *)f->hit.owner)->refs, 1);
    assert_int_equal(constant_of(f, QN_TYPE_INTEGER)->i32, 2);
    fixture_free(f);
}

static void a_newer_program_replaces_the_older(void **state)
{
    (void)state;
    fixture            *f = fixture_new(16);
    qn_code_cache_stats stats;
    keep(f, "SELECT a FROM t WHERE a = 1");
    keep(f, "SELECT a FROM t WHERE a = 2");
    qn_code_cache_read_stats(f->cache, &stats);
    assert_int_equal(stats.entries, 1);
    keep(f, "SELECT a FROM t WHERE a = 1 OR a = 2");
    keep(f, "SELECT a FROM t WHERE a = 1 OR a = 1"); /* another pattern of equal literals: both stay */
    assert_true(finds(f, "SELECT a FROM t WHERE a = 3 OR a = 4"));
    assert_true(finds(f, "SELECT a FROM t WHERE a = 3 OR a = 3"));
    fixture_free(f);
}

static void what_cannot_be_cut_is_not_kept(void **state)
{
    (void)state;
    static const char *const texts[] = {"", ";", "SELECT 'a", "SELECT \"a", "SELECT /* /* */", "SELECT $x$ a $y$", "CREATE TABLE x (a int)",
                                        "EXPLAIN SELECT 1", "SELECT E'\\'", "-- nothing"};
    fixture *f = fixture_new(16);
    for (size_t i = 0; i < QN_COUNTOF(texts); i++)
        assert_false(finds(f, texts[i]));
    fixture_free(f);
}

static void memory_failures_are_reported(void **state)
{
    (void)state;
    const char *sql = "SELECT a + 1, a + 1 FROM t WHERE b = 'x' AND d = '2020-01-01' ORDER BY 1 LIMIT 3";
    for (uint64_t n = 1;; n++) {
        fixture *f = fixture_new(16);
        owner   *o = compile(f, sql);
        bool     stored = false;
        f->mem.requests = 0;
        f->mem.fail_at = n;
        qn_status st = qn_code_cache_insert(f->cache, &f->key, sql, strlen(sql), o->program, o, 1000, &stored, &f->err);
        assert_true(st == QN_OK || st == QN_NOMEM);
        if (st == QN_OK) {
            st = qn_code_cache_lookup(f->cache, &f->key, sql, strlen(sql), &f->settings, &f->arena, &f->hit, &f->err);
            assert_true(st == QN_OK || st == QN_NOMEM);
        }
        bool end = f->mem.requests < n;
        owner_unref(o);
        fixture_free(f);
        if (end)
            return;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_one_meaning_share),
        cmocka_unit_test(lookalikes_never_share),
        cmocka_unit_test(settings_schema_and_parameters_are_part_of_the_key),
        cmocka_unit_test(literals_are_read_as_the_constants_type),
        cmocka_unit_test(words_for_the_time_are_never_frozen),
        cmocka_unit_test(places_are_those_of_the_current_text),
        cmocka_unit_test(the_least_recently_used_leaves),
        cmocka_unit_test(a_hit_outlives_its_entry),
        cmocka_unit_test(a_newer_program_replaces_the_older),
        cmocka_unit_test(what_cannot_be_cut_is_not_kept),
        cmocka_unit_test(memory_failures_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
