/* What plans look like: pull-up, conjuncts, dropped keys, and which source a grouping reads.
 * The tables are those of tests/unit/sql/sql_test.h: t(a integer, b text not null, c numeric, d timestamp,
 * e varchar, f double precision, …) and u(a integer, x text), empty. */
#include "../sql/sql_test.h"

#include "plan/plan.h"

/* The plan of a query that must bind. */
static const qn_plan *plan_as(fixture *f, const char *sql, qn_group_mode mode, bool optimise)
{
    qn_bound        *bound = NULL;
    qn_plan         *plan = NULL;
    qn_plan_settings settings = {.group_mode = mode, .optimise = optimise, .threads = 2};
    assert_int_equal(bind_text(f, sql, &bound), QN_OK);
    assert_int_equal(qn_plan_select(bound, bound->select, &settings, &f->arena, &plan, &f->err), QN_OK);
    return plan;
}

static const qn_plan *plan_of(fixture *f, const char *sql) { return plan_as(f, sql, QN_GROUP_AUTO, true); }

/* The aggregation of the first pipeline. */
static const qn_aggregation *groups_of(const qn_plan *p)
{
    assert_true(p->pipelines[0].to_groups);
    return p->pipelines[0].aggregation;
}

static void a_scan_is_one_pipeline(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    const qn_plan *p = plan_of(&f, "SELECT a, b FROM t WHERE a > 1 AND b = 'x' AND (e = 'y' OR a = 2)");
    assert_int_equal(p->pipeline_count, 1);
    assert_int_equal(p->pipelines[0].source.kind, QN_SOURCE_TABLE);
    assert_int_equal(p->pipelines[0].filter_count, 3); /* conjuncts apart, so that each may become a set of codes */
    assert_false(p->pipelines[0].to_groups);
    p = plan_of(&f, "SELECT 1");
    assert_int_equal(p->pipelines[0].source.kind, QN_SOURCE_ROW);
    fixture_close(&f);
}

static void a_grouping_is_two_pipelines(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    const qn_plan *p = plan_of(&f, "SELECT a, e, count(*) FROM t GROUP BY a, e");
    assert_int_equal(p->pipeline_count, 2);
    assert_int_equal(groups_of(p)->key_count, 2);
    assert_int_equal(p->pipelines[1].source.kind, QN_SOURCE_GROUPS);
    assert_int_equal(p->pipelines[1].source.input, 0);
    fixture_close(&f);
}

static void simple_subqueries_dissolve(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    const qn_plan *p = plan_of(&f, "SELECT x FROM (SELECT a + 1 AS x, e FROM t WHERE a > 0) s WHERE e = 'k'");
    assert_int_equal(p->pipeline_count, 1);
    assert_int_equal(p->pipelines[0].source.kind, QN_SOURCE_TABLE);
    assert_int_equal(p->pipelines[0].filter_count, 2); /* both filters, on the table */
    /* What counts, cuts or sorts rows stays: its rows are not the table's. */
    static const char *const kept[] = {
        "SELECT x FROM (SELECT a AS x FROM t LIMIT 3) s WHERE x > 0",
        "SELECT x FROM (SELECT DISTINCT a AS x FROM t) s",
        "SELECT x FROM (SELECT count(*) AS x FROM t) s",
        "SELECT x FROM (SELECT random() AS x FROM t) s WHERE x < 0.5 AND x > 0.1", /* one x per row, not two */
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        p = plan_of(&f, kept[i]);
        assert_true(p->pipeline_count > 1);
    }
    /* and without the optimizer nothing moves */
    p = plan_as(&f, "SELECT x FROM (SELECT a + 1 AS x FROM t) s", QN_GROUP_AUTO, false);
    assert_int_equal(p->pipeline_count, 2);
    fixture_close(&f);
}

static void keys_that_follow_from_others_are_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        uint32_t    keys;
    } cases[] = {
        {"SELECT a, a + 1, a - 2, count(*) FROM t GROUP BY 1, 2, 3", 1},
        {"SELECT a, e, a::text || e, count(*) FROM t GROUP BY 1, 2, 3", 2},
        {"SELECT a, 7, count(*) FROM t GROUP BY a, 2", 1},
        {"SELECT 7, count(*) FROM t GROUP BY 1", 1},          /* no rows, no group: one key must stay */
        {"SELECT a + 1, count(*) FROM t GROUP BY 1", 1},
        {"SELECT a + 1, a + 2, count(*) FROM t GROUP BY 1, 2", 2}, /* a itself is no key */
        {"SELECT a, random() + a, count(*) FROM t GROUP BY 1, 2", 2},
        {"SELECT c, c::text, count(*) FROM t GROUP BY 1, 2", 2}, /* 1.0 and 1.00 are one c and two texts */
        {"SELECT f, -f, count(*) FROM t GROUP BY 1, 2", 2},
    };
    fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const qn_plan *p = plan_of(&f, cases[i].sql);
        if (groups_of(p)->key_count != cases[i].keys)
            fail_msg("%s: %u keys, expected %u", cases[i].sql, groups_of(p)->key_count, cases[i].keys);
    }
    const qn_plan *p = plan_as(&f, cases[0].sql, QN_GROUP_AUTO, false);
    assert_int_equal(groups_of(p)->key_count, 3);
    fixture_close(&f);
}

/* One walk over a column's distinct values replaces the scan where nothing else is asked for. */
static void values_are_walked_instead_of_rows(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        bool        values;
    } cases[] = {
        {"SELECT count(*), min(a), sum(a) FROM t", true},
        {"SELECT count(*) FROM t", true},
        {"SELECT min(a), max(b), count(e) FROM t", true},     /* a walk for each column */
        {"SELECT sum(a + 1), avg(a) FROM t", true},
        {"SELECT a, count(*) FROM t WHERE a > 3 GROUP BY a", true},
        {"SELECT count(DISTINCT b) FROM t", true},
        {"SELECT b, count(*) FROM t WHERE b LIKE '%x%' GROUP BY b", true},
        {"SELECT count(*) FROM t WHERE a > 3 AND e = 'x'", false}, /* two columns */
        {"SELECT e, count(*) FROM t WHERE a > 3 GROUP BY e", false},
        {"SELECT e, sum(a) FROM t GROUP BY e", false},
        {"SELECT sum(a + i) FROM t", false},
        {"SELECT a, count(*) FROM t GROUP BY a LIMIT 3", false},   /* which groups: those of the first rows */
        {"SELECT c, count(*) FROM t GROUP BY c", false},           /* shows its first row's form */
        {"SELECT max(c) FROM t", false},                           /* its last row's */
        {"SELECT extract(minute FROM d), count(*) FROM t GROUP BY 1", true}, /* numeric, but of one form per value */
        {"SELECT date_part('epoch', d), count(*) FROM t GROUP BY 1", true},
        {"SELECT max(extract(epoch FROM d)), min(a::numeric) FROM t", true},
        {"SELECT extract(epoch FROM d) + 1, count(d) FROM t GROUP BY 1", false},
        {"SELECT date_part(b, now()), count(*) FROM t GROUP BY 1", false}, /* 1 minute, 1.0 seconds */
        {"SELECT string_agg(b, ',') FROM t", false},               /* in row order */
        {"SELECT sum(a) FROM t WHERE random() < 0.5", false},
        {"SELECT count(*) FROM t WHERE random() < a", false},
        {"SELECT corr(f, a) FROM t", false},
    };
    fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* The cost of reading rows of an empty table is nothing: force what the rules allow. */
        const qn_plan *p = plan_as(&f, cases[i].sql, QN_GROUP_DICTIONARY, true);
        bool           values = p->pipelines[0].source.kind == QN_SOURCE_VALUES;
        if (values != cases[i].values)
            fail_msg("%s: %s", cases[i].sql, values ? "walks values" : "reads rows");
        /* rows and hash in every mode when the optimizer is off */
        p = plan_as(&f, cases[i].sql, QN_GROUP_AUTO, false);
        assert_int_equal(p->pipelines[0].source.kind, QN_SOURCE_TABLE);
        assert_int_equal(groups_of(p)->mode, QN_GROUP_HASH);
    }
    fixture_close(&f);
}

static void forced_modes_are_kept_where_they_apply(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    for (int m = QN_GROUP_CODE_ARRAY; m <= QN_GROUP_HASH; m++) {
        const qn_plan *p = plan_as(&f, "SELECT e, sum(a) FROM t GROUP BY e", (qn_group_mode)m, true);
        assert_int_equal(groups_of(p)->mode, m);
    }
    const qn_plan *p = plan_as(&f, "SELECT count(*), min(a) FROM t", QN_GROUP_HASH, true);
    assert_int_equal(p->pipelines[0].source.kind, QN_SOURCE_TABLE);
    assert_string_equal(qn_group_mode_name(QN_GROUP_VALUE_LIST), "value_list");
    assert_string_equal(qn_group_mode_name((qn_group_mode)99), "?");
    fixture_close(&f);
}

static void first_rows_are_noted_only_where_they_matter(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    assert_false(groups_of(plan_of(&f, "SELECT e, count(*) FROM t GROUP BY e"))->first_row);
    assert_false(groups_of(plan_of(&f, "SELECT e, count(*) FROM t GROUP BY e ORDER BY 2 LIMIT 3"))->first_row);
    assert_true(groups_of(plan_of(&f, "SELECT e, count(*) FROM t GROUP BY e LIMIT 3"))->first_row);
    assert_true(groups_of(plan_of(&f, "SELECT e, count(*) FROM t GROUP BY e OFFSET 3"))->first_row);
    assert_true(groups_of(plan_of(&f, "SELECT c, count(*) FROM t GROUP BY c"))->first_row); /* numeric: 1.0 and 1.00 */
    fixture_close(&f);
}

/* Any allocation may be refused; the planner gives up without a trace. */
static void refused_memory(void **state)
{
    (void)state;
    static const char sql[] = "SELECT a, a + 1, count(DISTINCT e), n FROM (SELECT a, e, a * 2 AS n FROM t WHERE a > 1) s "
                              "WHERE n > 4 AND e = 'x' GROUP BY 1, 2, 4 ORDER BY 3 LIMIT 5";
    qn_plan_settings  settings = {.optimise = true, .threads = 2};
    fixture           f;
    qn_status         st = QN_NOMEM;
    fixture_open(&f);
    for (int n = 1; st != QN_OK; n++) {
        qn_bound *bound = NULL;
        qn_plan  *plan = NULL;
        assert_true(n < 10000);
        assert_int_equal(bind_text(&f, sql, &bound), QN_OK);
        qn_arena arena; /* fresh, so that the n-th request reaches the account */
        qn_arena_init(&arena, &f.mem);
        atomic_store(&f.mem.fail_at, atomic_load(&f.mem.requests) + (uint64_t)n);
        st = qn_plan_select(bound, bound->select, &settings, &arena, &plan, &f.err);
        atomic_store(&f.mem.fail_at, 0);
        assert_true(st == QN_OK || st == QN_NOMEM);
        qn_arena_deinit(&arena);
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_is_one_pipeline),
        cmocka_unit_test(a_grouping_is_two_pipelines),
        cmocka_unit_test(simple_subqueries_dissolve),
        cmocka_unit_test(keys_that_follow_from_others_are_dropped),
        cmocka_unit_test(values_are_walked_instead_of_rows),
        cmocka_unit_test(forced_modes_are_kept_where_they_apply),
        cmocka_unit_test(first_rows_are_noted_only_where_they_matter),
        cmocka_unit_test(refused_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
