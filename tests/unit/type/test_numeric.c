/* numeric against PostgreSQL 15, and the properties its forms must have whatever the value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "numeric_cases.h"
#include "type/numeric.h"

typedef struct fixture {
    qn_mem    mem;
    qn_arena  arena;
    qn_buf    text;
    qn_random rnd;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    qn_mem_init(&f.mem, NULL, 0);
    qn_arena_init(&f.arena, &f.mem);
    qn_buf_init(&f.text, &f.mem);
    qn_random_seed(&f.rnd, 20150105);
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

static qn_numeric value(fixture *f, const char *text)
{
    qn_numeric v = {0, 0};
    qn_error   err = {0};
    if (qn_numeric_parse(text, strlen(text), -1, &f->arena, &v, &err) != QN_OK)
        fail_msg("%s: %s", text, err.message);
    return v;
}

static const char *shown(fixture *f, qn_numeric v)
{
    qn_buf_clear(&f->text);
    qn_numeric_print(v, &f->text);
    return f->text.data;
}

/* ---- PostgreSQL's answers ------------------------------------------------------------------ */

typedef qn_status (*binary)(qn_numeric, qn_numeric, qn_arena *, qn_numeric *, qn_error *);
typedef qn_status (*unary)(qn_numeric, qn_arena *, qn_numeric *, qn_error *);
static const struct {
    const char *name;
    binary      two;
    unary       one;
} operations[] = {
    {"add", qn_numeric_add, NULL},     {"sub", qn_numeric_sub, NULL},
    {"mul", qn_numeric_mul, NULL},     {"div", qn_numeric_div, NULL},
    {"mod", qn_numeric_mod, NULL},     {"div_trunc", qn_numeric_div_trunc, NULL},
    {"gcd", qn_numeric_gcd, NULL},     {"lcm", qn_numeric_lcm, NULL},
    {"log", qn_numeric_log, NULL},     {"power", qn_numeric_power, NULL},
    {"sqrt", NULL, qn_numeric_sqrt},   {"exp", NULL, qn_numeric_exp},
    {"ln", NULL, qn_numeric_ln},       {"ceil", NULL, qn_numeric_ceil},
    {"floor", NULL, qn_numeric_floor},
};

/* The rest: results of other types, or operands that are not numeric. */
static qn_status other(fixture *f, const char *op, qn_numeric a, const char *b, qn_numeric *r,
                       qn_error *err)
{
    int32_t bucket = 0;
    int64_t n = strtoll(b, NULL, 10);
    if (strcmp(op, "round") == 0)
        return qn_numeric_round(a, (int)n, &f->arena, r, err);
    if (strcmp(op, "trunc") == 0)
        return qn_numeric_trunc(a, (int)n, &f->arena, r, err);
    if (strcmp(op, "typmod") == 0)
        return qn_numeric_apply_typmod(a, (int32_t)n, &f->arena, r, err);
    if (strcmp(op, "id") == 0) {
        *r = a;
        return QN_OK;
    }
    if (strcmp(op, "cmp") == 0)
        return qn_numeric_from_i64(qn_numeric_compare(a, value(f, b)), r);
    if (strcmp(op, "minscale") == 0)
        return qn_numeric_from_i64(qn_numeric_min_scale(a), r);
    if (strcmp(op, "wb") == 0) {
        qn_status st =
            qn_numeric_width_bucket(a, value(f, b), value(f, "10"), 7, &f->arena, &bucket, err);
        return st != QN_OK ? st : qn_numeric_from_i64(bucket, r);
    }
    if (strcmp(op, "f8") == 0)
        return qn_numeric_from_f64(qn_numeric_to_f64(a), &f->arena, r, err);
    qn_status st = qn_numeric_to_i64(a, &n, err);
    if (st == QN_OK && strcmp(op, "fac") == 0)
        return qn_numeric_factorial(n, &f->arena, r, err);
    assert_true(strcmp(op, "fac") == 0 || strcmp(op, "int8") == 0);
    return st != QN_OK ? st : qn_numeric_from_i64(n, r);
}

static void check_case(fixture *f, const char *op, const char *a, const char *b,
                       const char *expected)
{
    qn_error   err = {0};
    qn_numeric x, y, r = {0, 0};
    char       failure[1100];
    qn_status  st = qn_numeric_parse(a, strlen(a), -1, &f->arena, &x, &err);
    if (st == QN_OK)
        st = qn_numeric_parse(b, strlen(b), -1, &f->arena, &y, &err);
    if (st == QN_OK) {
        size_t i = 0;
        while (i < sizeof operations / sizeof *operations && strcmp(operations[i].name, op) != 0)
            i++;
        if (i == sizeof operations / sizeof *operations)
            st = other(f, op, x, b, &r, &err);
        else if (operations[i].two)
            st = operations[i].two(x, y, &f->arena, &r, &err);
        else
            st = operations[i].one(x, &f->arena, &r, &err);
    }
    snprintf(failure, sizeof failure, "ERR %s %s", err.sqlstate, err.message);
    const char *got = st == QN_OK ? shown(f, r) : failure;
    if (strncmp(expected, "ok ", 3) == 0) /* to double precision and back */
        expected += 3;
    if (strcmp(got, expected) != 0)
        fail_msg("%s(%s, %s): %s, PostgreSQL has %s", op, a, b, got, expected);
    qn_arena_reset(&f->arena);
}

static void agrees_with_postgresql(void **state)
{
    static const struct {
        const char *op, *a, *b, *expected;
    } cases[] = {
#define X(op, a, b, expected) {op, a, b, expected},
        QN_NUMERIC_CASES(X)
#undef X
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(*state, cases[i].op, cases[i].a, cases[i].b, cases[i].expected);
}

/* Rules of PostgreSQL that random operands rarely meet. */
static void special_rules(void **state)
{
    static const char *const cases[][4] = {
        {"div", "1", "3", "0.33333333333333333333"}, /* 16 significant digits, in groups of four */
        {"div", "10", "3", "3.3333333333333333"},
        {"div", "5", "5", "1.00000000000000000000"},
        {"div", "100000000000000000001", "2", "50000000000000000001"}, /* a tie */
        {"div", "100", "0.5", "200.0000000000000000"},
        {"add", "Infinity", "-Infinity", "NaN"},
        {"mul", "Infinity", "0", "NaN"},
        {"div", "Infinity", "0", "ERR 22012 division by zero"},
        {"div", "1", "Infinity", "0"},
        {"mod", "5.5", "Infinity", "5.5"},
        {"power", "NaN", "0", "1"},
        {"power", "1", "NaN", "1"},
        {"power", "0", "-1", "ERR 2201F zero raised to a negative power is undefined"},
        {"power", "-8", "0.5",
         "ERR 2201F a negative number raised to a non-integer power yields a complex result"},
        {"power", "-Infinity", "3", "-Infinity"},
        {"power", "2", "100", "1267650600228229401496703205376.0000000000000000"},
        {"sqrt", "-1", "0", "ERR 2201F cannot take square root of a negative number"},
        {"sqrt", "2", "0", "1.414213562373095"},
        {"ln", "0", "0", "ERR 2201E cannot take logarithm of zero"},
        {"log", "-10", "5", "ERR 2201E cannot take logarithm of a negative number"},
        {"log", "1", "5", "ERR 22012 division by zero"},
        {"exp", "10000", "0", "ERR 22003 value overflows numeric format"},
        {"exp", "-Infinity", "0", "0"},
        {"fac", "25", "0", "15511210043330985984000000"},
        {"fac", "-1", "0", "ERR 22003 factorial of a negative number is undefined"},
        {"int8", "NaN", "0", "ERR 0A000 cannot convert NaN to bigint"},
        {"int8", "9223372036854775807.5", "0", "ERR 22003 bigint out of range"},
        {"int8", "-9223372036854775808.4", "0", "-9223372036854775808"},
        {"round", "-2.5", "0", "-3"},
        {"round", "1250", "-2", "1300"},
        {"round", "1.5", "3", "1.500"},
        {"mul", "1e131000", "1e72", "ERR 22003 value overflows numeric format"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(*state, cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
}

static void text_in(void **state)
{
    static const char *const good[][2] = {
        {" 12.50 ", "12.50"},   {"+.5", "0.5"},  {"5.", "5"},          {"1e3", "1000"},
        {"-1.5e-3", "-0.0015"}, {"-0.0", "0.0"}, {"nAn", "NaN"},       {"-inf", "-Infinity"},
        {"1E+2", "100"},        {"007", "7"},    {"0e100000000", "0"},
    };
    static const char *const bad[] = {"",  " ",   "abc",  "1 2",  "1e", "e5",
                                      ".", "--1", "+nan", "1..2", "0x1"};
    fixture                 *f = *state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_string_equal(shown(f, value(f, good[i][0])), good[i][1]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        qn_error   err = {0};
        qn_numeric v;
        assert_int_equal(qn_numeric_parse(bad[i], strlen(bad[i]), -1, &f->arena, &v, &err),
                         QN_ERROR);
        assert_string_equal(err.sqlstate, "22P02");
    }
}

static int32_t typmod(int precision, int scale)
{
    return ((precision << 16) | (scale & 0x7ff)) + 4;
}

static void typmods(void **state)
{
    static const struct {
        const char *text;
        int         precision, scale;
        const char *expected; /* or the detail of 22003 */
    } cases[] = {
        {"12.345", 5, 2, "12.35"},
        {"1234", 2, -2, "1200"},
        {"0.000123", 3, 5, "0.00012"},
        {"1e-30000", 5, 2, "0.00"},
        {"999.995", 5, 2,
         "A field with precision 5, scale 2 must round to an absolute value less than 10^3."},
        {"1", 3, 3,
         "A field with precision 3, scale 3 must round to an absolute value less than 1."},
        {"Infinity", 3, 1, "A field with precision 3, scale 1 cannot hold an infinite value."},
        {"NaN", 3, 1, "NaN"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_error   err = {0};
        qn_numeric v;
        qn_status  st =
            qn_numeric_parse(cases[i].text, strlen(cases[i].text),
                             typmod(cases[i].precision, cases[i].scale), &f->arena, &v, &err);
        assert_string_equal(st == QN_OK ? shown(f, v) : err.detail, cases[i].expected);
        if (st != QN_OK)
            assert_string_equal(err.message, "numeric field overflow");
    }
}

/* ---- properties ---------------------------------------------------------------------------- */

static qn_numeric random_value(fixture *f)
{
    char     text[400];
    size_t   n = 0, digits = 1 + qn_random_below(&f->rnd, qn_random_below(&f->rnd, 4) ? 30 : 300);
    uint64_t zero_runs = qn_random_below(&f->rnd, 2);
    if (qn_random_below(&f->rnd, 2))
        text[n++] = '-';
    for (size_t point = qn_random_below(&f->rnd, digits + 1), i = 0; i < digits; i++) {
        if (i == point)
            text[n++] = '.';
        bool zero = zero_runs && qn_random_below(&f->rnd, 4);
        text[n++] = zero ? '0' : (char)('0' + qn_random_below(&f->rnd, 10));
    }
    text[n] = 0;
    return value(f, text);
}

static void algebra_holds(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 3000; i++) {
        qn_numeric a = random_value(f), b = random_value(f), sum, back, product, quotient, rest;
        assert_int_equal(qn_numeric_add(a, b, &f->arena, &sum, NULL), QN_OK);
        assert_int_equal(qn_numeric_sub(sum, b, &f->arena, &back, NULL), QN_OK);
        assert_int_equal(qn_numeric_compare(back, a), 0);
        if (qn_numeric_sign(b) == 0)
            continue;
        /* a = div(a, b) × b + mod(a, b), |mod| < |b|, sign of a: the division is exact. */
        assert_int_equal(qn_numeric_div_trunc(a, b, &f->arena, &quotient, NULL), QN_OK);
        assert_int_equal(qn_numeric_mod(a, b, &f->arena, &rest, NULL), QN_OK);
        assert_int_equal(qn_numeric_mul(quotient, b, &f->arena, &product, NULL), QN_OK);
        assert_int_equal(qn_numeric_add(product, rest, &f->arena, &back, NULL), QN_OK);
        assert_int_equal(qn_numeric_compare(back, a), 0);
        assert_true(
            qn_numeric_compare(qn_numeric_abs(rest, &f->arena), qn_numeric_abs(b, &f->arena)) < 0);
        assert_true(qn_numeric_sign(rest) * qn_numeric_sign(a) >= 0);
        qn_arena_reset(&f->arena);
    }
}

/* Text, the packed form and a copy bring back the same stored form; small iff it fits. */
static void forms_are_canonical(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 3000; i++) {
        uint8_t    packed[1200];
        qn_numeric v = random_value(f), back, copy;
        size_t     bytes = qn_numeric_pack(v, packed);
        assert_true(bytes == qn_numeric_packed_bytes(v) && bytes <= sizeof packed);
        assert_int_equal(qn_numeric_unpack(packed, bytes, &f->arena, &back, NULL), QN_OK);
        assert_int_equal(qn_numeric_compare_stored(v, back), 0);
        assert_true(qn_numeric_copy(v, &f->arena, &copy));
        assert_int_equal(qn_numeric_compare_stored(v, copy), 0);
        back = value(f, shown(f, v));
        assert_int_equal(qn_numeric_compare_stored(v, back), 0);
        assert_int_equal(qn_numeric_is_small(v), qn_numeric_is_small(back));
        if (qn_numeric_is_small(v))
            assert_memory_equal(&v, &back, sizeof v);
        qn_arena_reset(&f->arena);
    }
}

static void identity_follows_equality(void **state)
{
    static const char *const equal[][2] = {
        {"1", "1.000"}, {"0", "0.00"}, {"-2.50", "-2.5"}, {"100", "1e2"}, {"NaN", "NaN"},
    };
    fixture *f = *state;
    uint64_t x[2], y[2];
    for (size_t i = 0; i < sizeof equal / sizeof *equal; i++) {
        qn_numeric_identity(value(f, equal[i][0]), x);
        qn_numeric_identity(value(f, equal[i][1]), y);
        assert_memory_equal(x, y, sizeof x);
    }
    for (int i = 0; i < 3000; i++) {
        qn_numeric a = random_value(f), b = a, other_value = random_value(f);
        /* More digits after the point may turn a small value long: the identity must not notice. */
        assert_int_equal(qn_numeric_round(a,
                                          qn_numeric_scale(a) + (int)qn_random_below(&f->rnd, 400),
                                          &f->arena, &b, NULL),
                         QN_OK);
        qn_numeric_identity(a, x);
        qn_numeric_identity(b, y);
        assert_memory_equal(x, y, sizeof x);
        qn_numeric_identity(other_value, y);
        assert_int_equal(memcmp(x, y, sizeof x) == 0, qn_numeric_compare(a, other_value) == 0);
        qn_arena_reset(&f->arena);
    }
}

static void edges_of_the_small_form(void **state)
{
    fixture   *f = *state;
    qn_numeric v, one = qn_numeric_small(1, 0);
    assert_int_equal(qn_numeric_from_i128(QN_NUMERIC_SMALL_MAX, 0, &f->arena, &v, NULL), QN_OK);
    assert_true(qn_numeric_is_small(v));
    assert_int_equal(qn_numeric_add(v, one, &f->arena, &v, NULL), QN_OK);
    assert_false(qn_numeric_is_small(v));
    assert_string_equal(shown(f, v), "664613997892457936451903530140172288");
    assert_int_equal(qn_numeric_sub(v, one, &f->arena, &v, NULL), QN_OK);
    assert_true(qn_numeric_is_small(v)); /* back in range, back in form */
    assert_true(qn_numeric_is_small(value(f, "1e-250")));
    assert_false(qn_numeric_is_small(value(f, "1e-251")));
    v = qn_numeric_neg(value(f, "1e-251"), &f->arena);
    assert_int_equal(qn_numeric_sign(v), -1);
    assert_int_equal(qn_numeric_scale(v), 251);
    assert_int_equal(qn_numeric_compare(v, qn_numeric_small(0, 0)), -1);
}

/* Bytes from a file: whatever they are, the answer is a canonical value or QN_CORRUPT. */
static void unpack_refuses_damage(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 20000; i++) {
        uint8_t    packed[1200], again[1200];
        qn_numeric v = random_value(f), back;
        qn_error   err = {0};
        size_t     bytes = qn_numeric_pack(v, packed);
        size_t     keep = qn_random_below(&f->rnd, 4) ? bytes : qn_random_below(&f->rnd, bytes + 1);
        packed[qn_random_below(&f->rnd, bytes)] ^= (uint8_t)(1u << qn_random_below(&f->rnd, 8));
        qn_status st = qn_numeric_unpack(packed, keep, &f->arena, &back, &err);
        if (st == QN_OK) {
            assert_int_equal(qn_numeric_pack(back, again), keep);
            assert_memory_equal(packed, again, keep);
            shown(f, back);
        } else {
            assert_int_equal(st, QN_CORRUPT);
        }
        qn_arena_reset(&f->arena);
    }
}

static void floats(void **state)
{
    fixture *f = *state;
    assert_true(qn_numeric_to_f64(value(f, "0.1")) == 0.1);
    assert_true(qn_numeric_to_f64(value(f, "1e400")) == HUGE_VAL);
    assert_true(isnan(qn_numeric_to_f64(value(f, "NaN"))));
    /* Halfway between two floats once rounded to double: only a direct conversion is right. */
    assert_true(qn_numeric_to_f32(value(f, "1.00000005960464477540")) ==
                1.00000011920928955078125f);
    qn_numeric v;
    assert_int_equal(qn_numeric_from_f64(0.1 + 0.2, &f->arena, &v, NULL), QN_OK);
    assert_string_equal(shown(f, v), "0.3"); /* 15 digits */
    assert_int_equal(qn_numeric_from_f64(1e300, &f->arena, &v, NULL), QN_OK);
    assert_int_equal(strlen(shown(f, v)), 301);
    assert_int_equal(qn_numeric_from_f32(16777217.0f, &f->arena, &v, NULL), QN_OK);
    assert_string_equal(shown(f, v), "16777200"); /* 6 digits */
}

/* ---- faults -------------------------------------------------------------------------------- */

/* Fail the n-th allocation for n = 1, 2, … until the operation succeeds: QN_NOMEM and no leak. */
static void allocations_may_fail(void **state)
{
    static const char *const cases[][3] = {
        {"mul", "123456789012345678901234567890.5", "98765432109876543210987654321"},
        {"div", "1e300", "7.7e-30"},
        {"power", "1.0000000001", "12345.678"},
        {"log", "2.5", "1e90"},
        {"sqrt", "2e77", "0"},
        {"exp", "77.7", "0"},
        {"lcm", "123456789012345678901234567890123456789012", "98765432109876543210987654321"},
    };
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        qn_status st = QN_NOMEM;
        for (uint64_t n = 1; st != QN_OK; n++) {
            qn_mem     mem;
            qn_arena   arena;
            qn_numeric a, b, r;
            qn_error   err = {0};
            assert_true(n < 1000);
            qn_mem_init(&mem, NULL, 0);
            mem.fail_at = n;
            mem.fail_persist = n & 1;
            qn_arena_init(&arena, &mem);
            st = qn_numeric_parse(cases[c][1], strlen(cases[c][1]), -1, &arena, &a, &err);
            if (st == QN_OK)
                st = qn_numeric_parse(cases[c][2], strlen(cases[c][2]), -1, &arena, &b, &err);
            for (size_t i = 0; st == QN_OK && i < sizeof operations / sizeof *operations; i++) {
                if (strcmp(operations[i].name, cases[c][0]) == 0)
                    st = operations[i].two ? operations[i].two(a, b, &arena, &r, &err)
                                           : operations[i].one(a, &arena, &r, &err);
            }
            assert_true(st == QN_OK || st == QN_NOMEM);
            qn_arena_deinit(&arena);
            assert_int_equal(mem.used_bytes, 0);
            qn_mem_deinit(&mem);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_postgresql),
        cmocka_unit_test(special_rules),
        cmocka_unit_test(text_in),
        cmocka_unit_test(typmods),
        cmocka_unit_test(algebra_holds),
        cmocka_unit_test(forms_are_canonical),
        cmocka_unit_test(identity_follows_equality),
        cmocka_unit_test(edges_of_the_small_form),
        cmocka_unit_test(unpack_refuses_damage),
        cmocka_unit_test(floats),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests_name("numeric", tests, set_up, tear_down);
}
