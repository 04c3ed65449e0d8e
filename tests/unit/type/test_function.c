/* The function tables fit together, and the families of numeric, boolean and system do what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/function.h"
#include "type/numeric.h"

/* ---- the tables ---------------------------------------------------------------------------- */

static void functions_are_complete(void **state)
{
    (void)state;
    assert_true(qn_function_count() > 200);
    assert_null(qn_function_by_id((uint32_t)qn_function_count()));
    for (uint32_t id = 0; id < qn_function_count(); id++) {
        const qn_function *f = qn_function_by_id(id);
        assert_non_null(f->name);
        assert_true(f->argc <= QN_FN_MAX_ARGS);
        if (!f->fn && !f->op)
            fail_msg("%s has neither function nor opcode", f->name);
        if (f->flags & QN_FN_HIDDEN ? f->doc && !strchr(f->doc, '|') : !f->doc || !strchr(f->doc, '|'))
            fail_msg("%s: doc is not \"chapter|meaning\"", f->name);
        if (f->op && !(f->op >= 0x20 && f->op <= 0x4f))
            fail_msg("%s: opcode %x is not a stack form", f->name, f->op);
        for (int i = 0; i < f->argc; i++)
            assert_true(f->args[i] < QN_TYPE_COUNT);
        for (int i = 0; i < f->argc; i++) {
            if (f->args[i] == QN_TYPE_UNKNOWN && !(f->flags & QN_FN_ANY))
                fail_msg("%s takes any type without saying so", f->name);
        }
        /* Found again by name and types, and only once: otherwise a call would be ambiguous. */
        if (qn_function_exact(f->name, f->argc, f->args) != (int)id)
            fail_msg("%s is there twice with the same arguments", f->name);
    }
}

static void names_are_found(void **state)
{
    const uint16_t *ids;
    size_t          count, total = 0;
    (void)state;
    for (uint32_t id = 0; id < qn_function_count(); id++) {
        bool seen = false;
        qn_function_named(qn_function_by_id(id)->name, &ids, &count);
        for (size_t i = 0; i < count; i++)
            seen |= ids[i] == id;
        assert_true(seen);
    }
    qn_function_named("no_such_function", &ids, &count);
    assert_int_equal(count, 0);
    qn_function_named("abs", &ids, &count);
    assert_true(count >= 6);
    uint8_t real = QN_TYPE_REAL, text = QN_TYPE_TEXT;
    int     id = qn_function_exact("abs", 1, &real);
    assert_true(id >= 0);
    assert_int_equal(qn_function_by_id((uint32_t)id)->result, QN_TYPE_REAL);
    assert_int_equal(qn_function_exact("abs", 1, &text), -1);
    for (size_t i = 0; i < qn_operator_count(); i++) {
        qn_operator_named(qn_operator_at(i)->name, &ids, &count);
        total += count > 0;
    }
    assert_int_equal(total, qn_operator_count());
}

static void operators_have_functions(void **state)
{
    static const char *const comparisons[] = {"=", "<>", "<", "<=", ">", ">="};
    (void)state;
    for (size_t i = 0; i < qn_operator_count(); i++) {
        const qn_operator *o = qn_operator_at(i);
        bool               prefix = o->left == QN_TYPE_UNKNOWN;
        uint8_t            args[2] = {o->left, o->right};
        int                id = qn_function_exact(o->function, prefix ? 1 : 2, prefix ? &o->right : args);
        if (id < 0) /* anything || text: UNKNOWN means any type here */
            id = qn_function_exact(o->function, 2, args);
        if (id < 0)
            fail_msg("%s %s %s: no function %s", qn_type_name(o->left), o->name, qn_type_name(o->right),
                     o->function);
        for (size_t c = 0; c < 6; c++) {
            if (strcmp(o->name, comparisons[c]) != 0)
                continue;
            assert_int_equal(qn_function_by_id((uint32_t)id)->result, QN_TYPE_BOOLEAN);
            /* = < and their kin come in sets, or sorting and grouping would miss one. */
            const uint16_t *indexes;
            size_t          count, same = 0;
            for (size_t d = 0; d < 6; d++) {
                qn_operator_named(comparisons[d], &indexes, &count);
                for (size_t k = 0; k < count; k++)
                    same += qn_operator_at(indexes[k])->left == o->left &&
                            qn_operator_at(indexes[k])->right == o->right;
            }
            if (same != 6)
                fail_msg("%s and %s: %zu of 6 comparisons", qn_type_name(o->left), qn_type_name(o->right), same);
        }
    }
}

static void casts_have_functions(void **state)
{
    (void)state;
    for (size_t i = 0; i < qn_cast_count(); i++) {
        const qn_cast *c = qn_cast_at(i);
        assert_ptr_equal(qn_cast_find(c->from, c->to), c); /* once only */
        if (!c->function) { /* binary coercible: the same representation */
            assert_int_equal(qn_type_bank(c->from), qn_type_bank(c->to));
            continue;
        }
        uint8_t length_cast[] = {c->from, QN_TYPE_INTEGER, QN_TYPE_BOOLEAN}; /* value, typmod, explicit */
        int     id = qn_function_exact(c->function, c->from == c->to ? 3 : 1, length_cast);
        if (id < 0)
            fail_msg("%s to %s: no function %s", qn_type_name(c->from), qn_type_name(c->to), c->function);
        assert_int_equal(qn_type_bank(qn_function_by_id((uint32_t)id)->result), qn_type_bank(c->to));
    }
    assert_null(qn_cast_find(QN_TYPE_BOOLEAN, QN_TYPE_BIGINT));
    assert_int_equal(qn_cast_find(QN_TYPE_INTEGER, QN_TYPE_NUMERIC)->context, QN_CAST_IMPLICIT);
    assert_int_equal(qn_cast_find(QN_TYPE_NUMERIC, QN_TYPE_INTEGER)->context, QN_CAST_ASSIGNMENT);
    assert_int_equal(qn_cast_find(QN_TYPE_BOOLEAN, QN_TYPE_INTEGER)->context, QN_CAST_EXPLICIT);
}

static void aggregate_results(void **state)
{
    static const struct {
        const char *name;
        uint8_t     arg, result;
    } cases[] = {
        {"sum", QN_TYPE_SMALLINT, QN_TYPE_BIGINT},   {"sum", QN_TYPE_INTEGER, QN_TYPE_BIGINT},
        {"sum", QN_TYPE_BIGINT, QN_TYPE_NUMERIC},    {"sum", QN_TYPE_REAL, QN_TYPE_REAL},
        {"avg", QN_TYPE_INTEGER, QN_TYPE_NUMERIC},   {"avg", QN_TYPE_REAL, QN_TYPE_DOUBLE},
        {"avg", QN_TYPE_INTERVAL, QN_TYPE_INTERVAL}, {"min", QN_TYPE_DATE, QN_TYPE_DATE},
        {"max", QN_TYPE_TEXT, QN_TYPE_TEXT},         {"stddev", QN_TYPE_BIGINT, QN_TYPE_NUMERIC},
        {"variance", QN_TYPE_REAL, QN_TYPE_DOUBLE},  {"every", QN_TYPE_BOOLEAN, QN_TYPE_BOOLEAN},
        {"bit_xor", QN_TYPE_SMALLINT, QN_TYPE_SMALLINT},
        {"string_agg", QN_TYPE_TEXT, QN_TYPE_TEXT},  {"regr_count", QN_TYPE_DOUBLE, QN_TYPE_BIGINT},
    };
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        bool found = false;
        for (uint32_t id = 0; id < qn_aggregate_count(); id++) {
            const qn_aggregate *a = qn_aggregate_by_id(id);
            if (strcmp(a->name, cases[c].name) == 0 && a->args[0] == cases[c].arg) {
                assert_int_equal(a->result, cases[c].result);
                found = true;
            }
        }
        assert_true(found);
    }
    assert_null(qn_aggregate_by_id((uint32_t)qn_aggregate_count()));
}

/* ---- calls --------------------------------------------------------------------------------- */

typedef struct fixture {
    qn_mem    mem;
    qn_arena  arena;
    qn_buf    text;
    qn_random rnd;
    qn_error  err;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    qn_mem_init(&f.mem, NULL, 0);
    qn_arena_init(&f.arena, &f.mem);
    qn_buf_init(&f.text, &f.mem);
    qn_random_seed(&f.rnd, 1);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    qn_buf_deinit(&f->text);
    qn_arena_deinit(&f->arena);
    return f->mem.used_bytes != 0;
}

/* Call a function with arguments in text form ("null" is NULL); the result, or the error, as text. */
static const char *called(fixture *f, const char *name, int argc, const uint8_t *types, const char *const *texts)
{
    qn_datum args[8], result = {0};
    bool     nulls[8], null = false;
    uint8_t  any = QN_TYPE_UNKNOWN;
    int      id = qn_function_exact(name, argc, types);
    if (id < 0)
        id = qn_function_exact(name, 1, &any); /* any number of any type */
    assert_true(id >= 0);
    const qn_function *fn = qn_function_by_id((uint32_t)id);
    for (int i = 0; i < argc; i++) {
        nulls[i] = strcmp(texts[i], "null") == 0;
        if (!nulls[i])
            assert_int_equal(qn_value_parse((qn_type){types[i], -1}, texts[i], strlen(texts[i]), NULL, &f->arena,
                                            &args[i], NULL), QN_OK);
    }
    memset(&f->err, 0, sizeof f->err);
    qn_call call = {.arena = &f->arena, .random = &f->rnd, .argc = argc, .arg_types = types, .err = &f->err};
    qn_buf_clear(&f->text);
    if (fn->fn(&call, args, nulls, &result, &null) != QN_OK)
        qn_buf_printf(&f->text, "%s %s", f->err.sqlstate, f->err.message);
    else if (null)
        qn_buf_puts(&f->text, "null");
    else
        qn_value_print((qn_type){fn->result, -1}, &result, NULL, &f->text);
    return f->text.bytes ? f->text.data : "";
}

static void single_calls(void **state)
{
    enum { B = QN_TYPE_BOOLEAN, I2 = QN_TYPE_SMALLINT, I4 = QN_TYPE_INTEGER, I8 = QN_TYPE_BIGINT,
           F4 = QN_TYPE_REAL, F8 = QN_TYPE_DOUBLE, N = QN_TYPE_NUMERIC, S = QN_TYPE_TEXT };
    static const struct {
        const char *name;
        int         argc;
        uint8_t     types[4];
        const char *texts[4];
        const char *expected;
    } cases[] = {
        {"boollt", 2, {B, B}, {"f", "t"}, "t"},
        {"boolge", 2, {B, B}, {"f", "t"}, "f"},
        {"text", 1, {B}, {"t"}, "true"},
        {"int4", 1, {B}, {"t"}, "1"},
        {"bool", 1, {I4}, {"-7"}, "t"},
        {"numeric_add", 2, {N, N}, {"1.5", "2.25"}, "3.75"},
        {"numeric_eq", 2, {N, N}, {"1.0", "1.00"}, "t"},
        {"numeric_lt", 2, {N, N}, {"NaN", "Infinity"}, "f"},
        {"numeric_div", 2, {N, N}, {"1", "0"}, "22012 division by zero"},
        {"div", 2, {N, N}, {"-7", "2"}, "-3"},
        {"sign", 1, {N}, {"-8.4"}, "-1"},
        {"sign", 1, {N}, {"NaN"}, "NaN"},
        {"scale", 1, {N}, {"8.4100"}, "4"},
        {"scale", 1, {N}, {"Infinity"}, "null"},
        {"min_scale", 1, {N}, {"8.4100"}, "2"},
        {"trim_scale", 1, {N}, {"8.4100"}, "8.41"},
        {"log", 1, {N}, {"1000"}, "3.0000000000000000"},
        {"round", 2, {N, I4}, {"42.4382", "2"}, "42.44"},
        {"trunc", 2, {N, I4}, {"-42.4382", "-1"}, "-40"},
        {"factorial", 1, {I8}, {"5"}, "120"},
        {"width_bucket", 4, {N, N, N, I4}, {"5.35", "0.024", "10.06", "5"}, "3"},
        {"width_bucket", 4, {N, N, N, I4}, {"1", "0", "0", "5"}, "2201G lower bound cannot equal upper bound"},
        {"int2", 1, {N}, {"32767.4"}, "32767"},
        {"int2", 1, {N}, {"32767.5"}, "22003 smallint out of range"},
        {"int4", 1, {N}, {"-0.5"}, "-1"},
        {"int8", 1, {N}, {"Infinity"}, "0A000 cannot convert infinity to bigint"},
        {"numeric", 1, {I2}, {"-5"}, "-5"},
        {"numeric", 1, {F4}, {"0.1"}, "0.1"},
        {"numeric", 1, {F8}, {"NaN"}, "NaN"},
        {"float8", 1, {N}, {"0.3"}, "0.3"},
        {"float8", 1, {N}, {"Infinity"}, "Infinity"},
        {"float4", 1, {N}, {"1e40"},
         "22003 \"10000000000000000000000000000000000000000\" is out of range for type real"},
        {"pg_typeof", 1, {I8}, {"1"}, "bigint"},
        {"pg_typeof", 1, {S}, {"null"}, "text"},
        {"num_nulls", 3, {I8, S, S}, {"1", "null", "null"}, "2"},
        {"num_nonnulls", 3, {I8, S, S}, {"1", "null", "null"}, "1"},
        {"pg_size_pretty", 1, {I8}, {"10239"}, "10239 bytes"},
        {"pg_size_pretty", 1, {I8}, {"10240"}, "10 kB"},
        {"pg_size_pretty", 1, {I8}, {"-9223372036854775808"}, "-8192 PB"},
        {"pg_size_pretty", 1, {I8}, {"10485247"}, "10239 kB"},
        {"pg_size_pretty", 1, {I8}, {"10485248"}, "10 MB"},
        {"pg_size_pretty", 1, {N}, {"10239.5"}, "10239.5 bytes"},
        {"pg_size_pretty", 1, {N}, {"10485247.9"}, "10239 kB"},
        {"pg_size_pretty", 1, {N}, {"-1e30"}, "-888178419700125 PB"},
        {"setseed", 1, {F8}, {"2"}, "22023 setseed parameter 2 is out of allowed range [-1,1]"},
        {"setseed", 1, {F8}, {"NaN"}, "22023 setseed parameter NaN is out of allowed range [-1,1]"},
        {"setseed", 1, {F8}, {"0.5"}, ""},
        {"current_schema", 0, {0}, {NULL}, "public"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = called(f, cases[i].name, cases[i].argc, cases[i].types, cases[i].texts);
        if (strcmp(got, cases[i].expected) != 0)
            fail_msg("%s(%s, …): %s, expected %s", cases[i].name, cases[i].argc ? cases[i].texts[0] : "", got,
                     cases[i].expected);
        qn_arena_reset(&f->arena);
    }
}

static void random_repeats_after_setseed(void **state)
{
    static const uint8_t     types[] = {QN_TYPE_DOUBLE};
    static const char *const seed[] = {"0.25"};
    fixture *f = *state;
    double   first[3];
    for (int round = 0; round < 2; round++) {
        called(f, "setseed", 1, types, seed);
        for (int i = 0; i < 3; i++) {
            double v = strtod(called(f, "random", 0, NULL, NULL), NULL);
            assert_true(v >= 0 && v < 1);
            if (round == 0)
                first[i] = v;
            assert_true(first[i] == v);
        }
    }
    assert_true(first[0] != first[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_complete),   cmocka_unit_test(names_are_found),
        cmocka_unit_test(operators_have_functions), cmocka_unit_test(casts_have_functions),
        cmocka_unit_test(aggregate_results),        cmocka_unit_test(single_calls),
        cmocka_unit_test(random_repeats_after_setseed),
    };
    return cmocka_run_group_tests_name("function", tests, set_up, tear_down);
}
