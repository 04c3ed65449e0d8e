/* Values of every type: text in and out as PostgreSQL 15 has it, order, identity, names of types.
 */
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
#include "type/float_text.h"
#include "type/numeric.h"
#include "type/type.h"

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
    qn_random_seed(&f.rnd, 19970129);
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

#define TYPE(name) QN_TYPE(name)
#define VARCHAR(n) ((qn_type){QN_TYPE_VARCHAR, (n) + 4})
#define CHAR(n)    ((qn_type){QN_TYPE_CHAR, (n) + 4})

static qn_datum parsed(fixture *f, qn_type type, const char *text)
{
    qn_datum v;
    qn_error err = {0};
    if (qn_value_parse(type, text, strlen(text), NULL, &f->arena, &v, &err) != QN_OK)
        fail_msg("%s '%s': %s", qn_type_name(type.id), text, err.message);
    return v;
}

static const char *printed(fixture *f, qn_type type, qn_datum v)
{
    qn_buf_clear(&f->text);
    qn_value_print(type, &v, NULL, &f->text);
    return f->text.bytes ? f->text.data : "";
}

/* ---- text ---------------------------------------------------------------------------------- */

static void text_round_trip(void **state)
{
    const struct {
        qn_type     type;
        const char *in, *out;
    } cases[] = {
        {TYPE(BOOLEAN), " Ye ", "t"},
        {TYPE(BOOLEAN), "OF", "f"},
        {TYPE(BOOLEAN), "tRu", "t"},
        {TYPE(BOOLEAN), "0", "f"},
        {TYPE(BOOLEAN), "on", "t"},
        {TYPE(SMALLINT), "-32768", "-32768"},
        {TYPE(INTEGER), " +5\t", "5"},
        {TYPE(INTEGER), "-2147483648", "-2147483648"},
        {TYPE(BIGINT), "9223372036854775807", "9223372036854775807"},
        {TYPE(BIGINT), "-9223372036854775808", "-9223372036854775808"},
        {TYPE(REAL), "1e6", "1e+06"},
        {TYPE(REAL), "0.1", "0.1"},
        {TYPE(REAL), "16777217", "1.6777216e+07"},
        {TYPE(DOUBLE), "1e20", "1e+20"},
        {TYPE(DOUBLE), "100000", "100000"},
        {TYPE(DOUBLE), "123456789012345.6", "123456789012345.6"},
        {TYPE(DOUBLE), "0.00001", "1e-05"},
        {TYPE(DOUBLE), "0.0001", "0.0001"},
        {TYPE(DOUBLE), "-0", "-0"},
        {TYPE(DOUBLE), " iNf ", "Infinity"},
        {TYPE(DOUBLE), "-infinity", "-Infinity"},
        {TYPE(DOUBLE), "nan", "NaN"},
        {TYPE(DOUBLE), "5e-324", "5e-324"},
        {TYPE(DOUBLE), "0x1A", "26"},
        {TYPE(NUMERIC), "1.50", "1.50"},
        {TYPE(TEXT), "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {TYPE(TEXT), "", ""},
        {VARCHAR(3), "abc   ", "abc"},
        {VARCHAR(3), "\xc3\xa4\xc3\xb6\xc3\xbc",
         "\xc3\xa4\xc3\xb6\xc3\xbc"}, /* characters, not bytes */
        {CHAR(3), "x", "x  "},
        {CHAR(20), "x", "x                   "},
        {CHAR(2), "ab   ", "ab"},
        {TYPE(DATE), "2013-07-15", "2013-07-15"},
        {TYPE(TIMESTAMP), "2013-07-15 10:47:34", "2013-07-15 10:47:34"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_datum v = parsed(f, cases[i].type, cases[i].in);
        assert_string_equal(printed(f, cases[i].type, v), cases[i].out);
    }
}

static void text_refused(void **state)
{
    const struct {
        qn_type     type;
        const char *in, *sqlstate, *message;
    } cases[] = {
        {TYPE(BOOLEAN), "o", "22P02", "invalid input syntax for type boolean: \"o\""},
        {TYPE(BOOLEAN), "truex", "22P02", "invalid input syntax for type boolean: \"truex\""},
        {TYPE(INTEGER), "abc", "22P02", "invalid input syntax for type integer: \"abc\""},
        {TYPE(INTEGER), "", "22P02", "invalid input syntax for type integer: \"\""},
        {TYPE(INTEGER), "- 5", "22P02", "invalid input syntax for type integer: \"- 5\""},
        {TYPE(SMALLINT), " 12x", "22P02", "invalid input syntax for type smallint: \" 12x\""},
        {TYPE(SMALLINT), "32768", "22003", "value \"32768\" is out of range for type smallint"},
        {TYPE(INTEGER), "99999999999", "22003",
         "value \"99999999999\" is out of range for type integer"},
        {TYPE(BIGINT), "9223372036854775808", "22003",
         "value \"9223372036854775808\" is out of range for type bigint"},
        {TYPE(REAL), "1e39", "22003", "\"1e39\" is out of range for type real"},
        {TYPE(DOUBLE), " 1e-400 ", "22003", "\"1e-400\" is out of range for type double precision"},
        {TYPE(DOUBLE), "1.5.2", "22P02",
         "invalid input syntax for type double precision: \"1.5.2\""},
        {TYPE(NUMERIC), "x", "22P02", "invalid input syntax for type numeric: \"x\""},
        {VARCHAR(3), "abcd", "22001", "value too long for type character varying(3)"},
        {CHAR(3), "abcd", "22001", "value too long for type character(3)"},
        {TYPE(TEXT), "a\xff", "22021", "invalid byte sequence for encoding \"UTF8\": 0xff"},
        {TYPE(TEXT), "\xe4\xb8 x", "22021",
         "invalid byte sequence for encoding \"UTF8\": 0xe4 0xb8 0x20"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_datum v;
        qn_error err = {0};
        assert_int_equal(qn_value_parse(cases[i].type, cases[i].in, strlen(cases[i].in), NULL,
                                        &f->arena, &v, &err),
                         QN_ERROR);
        assert_string_equal(err.sqlstate, cases[i].sqlstate);
        assert_string_equal(err.message, cases[i].message);
    }
    qn_datum v;
    qn_error err = {0};
    assert_int_equal(qn_value_parse(TYPE(TEXT), "a\0b", 3, NULL, &f->arena, &v, &err), QN_ERROR);
    assert_string_equal(err.message, "invalid byte sequence for encoding \"UTF8\": 0x00");
}

/* Whatever the bits, the text reads back as the same number, and no shorter text does. */
static void floats_print_shortest(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = qn_random_next(&f->rnd);
        double   v, back;
        float    s, s_back;
        char     text[QN_FLOAT_TEXT_BYTES + 1], shorter[40];
        if (i % 4 == 0) /* few digits: the quick way */
            v = (double)(int64_t)(bits % 100000000) / 100;
        else
            memcpy(&v, &bits, sizeof v);
        if (isnan(v))
            continue;
        size_t n = qn_f64_text(v, 1, text);
        assert_true(n <= QN_FLOAT_TEXT_BYTES);
        assert_int_equal(qn_f64_parse(text, n, &back, NULL), QN_OK);
        assert_memory_equal(&v, &back, sizeof v);
        int digits = 0;
        for (size_t k = 0; k < n && text[k] != 'e'; k++)
            digits += text[k] >= '0' && text[k] <= '9' && (digits || text[k] != '0');
        /* Between 2^53 and 1e30 the shorter one may lie exactly between two doubles: not taken. */
        bool ties = fabs(v) > 9e15 && fabs(v) < 1e30;
        if (digits > 1 && isfinite(v) && !ties && memchr(text, 'e', n)) {
            snprintf(shorter, sizeof shorter, "%.*e", digits - 2, v);
            assert_true(strtod(shorter, NULL) != v);
        }
        uint32_t low = (uint32_t)bits;
        memcpy(&s, &low, sizeof s);
        if (isnan(s))
            continue;
        n = qn_f32_text(s, 1, text);
        assert_int_equal(qn_f32_parse(text, n, &s_back, NULL), QN_OK);
        assert_memory_equal(&s, &s_back, sizeof s);
    }
}

static void float_digits_setting(void **state)
{
    const struct {
        double      v;
        int         extra;
        const char *text;
    } cases[] = {
        {0.1 + 0.2, 1, "0.30000000000000004"}, {0.1 + 0.2, 0, "0.3"},
        {1234567.891, -12, "1.23e+06"},        {9007199254740993.0, 1, "9.007199254740992e+15"},
        {1e23, 1, "9.999999999999999e+22"}, /* 1e23 lies exactly between two doubles */
    };
    char text[QN_FLOAT_TEXT_BYTES + 1];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text[qn_f64_text(cases[i].v, cases[i].extra, text)] = 0;
        assert_string_equal(text, cases[i].text);
    }
}

/* ---- order and identity -------------------------------------------------------------------- */

/* Each list ascends; neighbours marked '=' are equal in SQL but stored differently. */
static void order_and_identity(void **state)
{
    const struct {
        qn_type     type;
        const char *values[10];
    } lists[] = {
        {TYPE(BOOLEAN), {"f", "t"}},
        {TYPE(INTEGER), {"-5", "0", "7"}},
        {TYPE(DOUBLE), {"-Infinity", "-1", "-0", "=0", "1e-300", "Infinity", "NaN"}},
        {TYPE(REAL), {"-1", "-0", "=0", "Infinity", "NaN"}},
        {TYPE(NUMERIC),
         {"-Infinity", "-1.0", "=-1.00", "0", "1", "=1.0", "1e300", "Infinity", "NaN"}},
        {TYPE(TEXT), {"", "a", "a ", "ab", "abcdefghijklmn", "abcdefghijklmo", "b", "\xc3\xa4"}},
        {CHAR(8), {"", "a", "ab", "b"}},
        {TYPE(INTERVAL), {"-1 day", "0", "30 days", "=1 mon", "31 days"}},
        {TYPE(DATE), {"-infinity", "1999-12-31", "2000-01-01", "infinity"}},
    };
    fixture *f = *state;
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        qn_sql_type id = lists[l].type.id;
        qn_datum    v[10];
        int         rank[10], n = 0;
        for (; n < 10 && lists[l].values[n]; n++) {
            const char *text = lists[l].values[n];
            rank[n] = n == 0 ? 0 : rank[n - 1] + (*text != '=');
            v[n] = parsed(f, lists[l].type, text + (*text == '='));
        }
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                uint64_t x[2], y[2];
                int      c = qn_value_compare(id, &v[i], &v[j]),
                    s = qn_value_compare_stored(id, &v[i], &v[j]);
                assert_int_equal((c > 0) - (c < 0), (rank[i] > rank[j]) - (rank[i] < rank[j]));
                assert_int_equal((s > 0) - (s < 0), (i > j) - (i < j));
                assert_int_equal(qn_value_equal(id, &v[i], &v[j]), c == 0);
                qn_value_identity(id, &v[i], x);
                qn_value_identity(id, &v[j], y);
                assert_int_equal(memcmp(x, y, sizeof x) == 0, c == 0);
            }
        }
    }
    /* char(n) of different lengths: padding does not count. */
    qn_datum a = parsed(f, CHAR(5), "ab"), b = parsed(f, CHAR(9), "ab");
    assert_true(qn_value_equal(QN_TYPE_CHAR, &a, &b));
    assert_true(qn_value_compare_stored(QN_TYPE_CHAR, &a, &b) < 0);
}

static void copies_live_on(void **state)
{
    fixture *f = *state;
    qn_arena other;
    qn_datum text, number, text_copy, number_copy;
    qn_arena_init(&other, &f->mem);
    assert_int_equal(
        qn_value_parse(TYPE(TEXT), "longer than twelve bytes", 24, NULL, &other, &text, NULL),
        QN_OK);
    assert_int_equal(qn_value_parse(TYPE(NUMERIC), "1e100", 5, NULL, &other, &number, NULL), QN_OK);
    assert_true(qn_value_copy(QN_BANK_STR, &text, &f->arena, &text_copy));
    assert_true(qn_value_copy(QN_BANK_NUM, &number, &f->arena, &number_copy));
    qn_arena_deinit(&other); /* under a sanitizer, a shared byte would be noticed now */
    assert_string_equal(printed(f, TYPE(TEXT), text_copy), "longer than twelve bytes");
    assert_int_equal(strlen(printed(f, TYPE(NUMERIC), number_copy)), 101);
}

static void memory_may_be_refused(void **state)
{
    const struct {
        qn_type     type;
        const char *text;
    } cases[] = {
        {TYPE(TEXT), "longer than twelve bytes"}, {CHAR(30), "x"}, {TYPE(NUMERIC), "1e100"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_mem   mem;
        qn_arena arena;
        qn_datum v;
        qn_error err = {0};
        qn_mem_init(&mem, NULL, 0);
        mem.fail_at = 1;
        mem.fail_persist = true;
        qn_arena_init(&arena, &mem);
        assert_int_equal(qn_value_parse(cases[i].type, cases[i].text, strlen(cases[i].text), NULL,
                                        &arena, &v, &err),
                         QN_NOMEM);
        assert_string_equal(err.sqlstate, "53200");
        qn_arena_deinit(&arena);
        qn_mem_deinit(&mem);
    }
}

/* ---- types --------------------------------------------------------------------------------- */

static void type_names(void **state)
{
    const struct {
        qn_type     type;
        const char *text;
    } cases[] = {
        {TYPE(BIGINT), "bigint"},
        {TYPE(NUMERIC), "numeric"},
        {{QN_TYPE_NUMERIC, ((10 << 16) | 2) + 4}, "numeric(10,2)"},
        {{QN_TYPE_NUMERIC, ((3 << 16) | (-2 & 0x7ff)) + 4}, "numeric(3,-2)"},
        {VARCHAR(255), "character varying(255)"},
        {TYPE(CHAR), "bpchar"},
        {CHAR(3), "character(3)"},
        {{QN_TYPE_TIMESTAMPTZ, 3}, "timestamp(3) with time zone"},
        {{QN_TYPE_TIME, 0}, "time(0) without time zone"},
        {{QN_TYPE_INTERVAL, ((1 << 10 | 1 << 11 | 1 << 12) << 16) | 3},
         "interval hour to second(3)"},
        {{QN_TYPE_INTERVAL, (1 << 3) << 16 | 0xffff}, "interval day"},
    };
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(qn_type_format(cases[i].type, text, sizeof text), cases[i].text);
    for (int id = 0; id < QN_TYPE_COUNT; id++) {
        qn_sql_type found;
        assert_true(qn_type_lookup(qn_type_name((qn_sql_type)id), &found));
        assert_int_equal(found, id);
        assert_true(qn_bank_bytes(qn_type_bank((qn_sql_type)id)) > 0);
    }
    qn_sql_type found;
    bool        preferred;
    assert_true(qn_type_lookup("int8", &found) && found == QN_TYPE_BIGINT);
    assert_true(qn_type_lookup("timestamptz", &found) && found == QN_TYPE_TIMESTAMPTZ);
    assert_false(qn_type_lookup("money", &found));
    assert_int_equal(qn_type_category(QN_TYPE_DOUBLE, &preferred), 'N');
    assert_true(preferred);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_round_trip),       cmocka_unit_test(text_refused),
        cmocka_unit_test(floats_print_shortest), cmocka_unit_test(float_digits_setting),
        cmocka_unit_test(order_and_identity),    cmocka_unit_test(copies_live_on),
        cmocka_unit_test(memory_may_be_refused), cmocka_unit_test(type_names),
    };
    return cmocka_run_group_tests_name("value", tests, set_up, tear_down);
}
