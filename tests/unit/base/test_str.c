/* Strings, buffers and UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"

static void strings_order_bytewise(void **state)
{
    (void)state;
    static const char *const ascending[] = {"", "a", "ab", "abcdefghijkl", "abcdefghijklm", "abcdefghijklz",
                                            "abd", "b", "\xc3\xa9"};
    size_t n = sizeof ascending / sizeof *ascending;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            qn_str a = qn_str_lit(ascending[i]), b = qn_str_lit(ascending[j]);
            int    c = qn_str_compare(&a, &b);
            assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
            assert_int_equal(qn_str_equal(&a, &b), i == j);
        }
    }
    /* Two inline strings are equal exactly when their 16 bytes are. */
    qn_str x = qn_str_of("abcXXX", 3), y = qn_str_of("abcYYY", 3);
    assert_memory_equal(&x, &y, sizeof x);
}

static void a_copied_string_owns_its_bytes(void **state)
{
    (void)state;
    qn_mem   mem;
    qn_arena arena;
    qn_str   copy;
    char     text[] = "longer than twelve bytes";
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    qn_str s = qn_str_lit(text);
    assert_true(qn_str_copy(&arena, &s, &copy));
    assert_ptr_not_equal(copy.data, s.data);
    assert_true(qn_str_equal(&copy, &s));
    atomic_store(&mem.limit_bytes, 1);
    qn_arena fresh;
    qn_arena_init(&fresh, &mem);
    assert_false(qn_str_copy(&fresh, &s, &copy));
    qn_arena_deinit(&fresh);
    qn_arena_deinit(&arena);
}

static void a_buffer_fails_once_and_says_so(void **state)
{
    (void)state;
    qn_mem mem;
    qn_buf buf;
    qn_mem_init(&mem, NULL, 300);
    qn_buf_init(&buf, &mem);
    assert_string_equal(buf.data, ""); /* readable before anything is written */
    qn_buf_puts(&buf, "abc");
    qn_buf_putc(&buf, 'd');
    qn_buf_printf(&buf, "%03d", 5);
    assert_string_equal(buf.data, "abcd005");
    for (int i = 0; i < 100; i++)
        qn_buf_printf(&buf, "%d,", i);
    assert_false(qn_buf_ok(&buf));
    assert_int_equal(strlen(buf.data), buf.bytes); /* whole pieces, still terminated */
    qn_buf_clear(&buf);
    assert_true(qn_buf_ok(&buf));
    qn_buf_add(&buf, "x\0y", 3);
    assert_int_equal(buf.bytes, 3);
    assert_memory_equal(buf.data, "x\0y", 4);
    qn_buf_deinit(&buf);
    assert_int_equal(mem.used_bytes, 0);
}

static void json_is_escaped(void **state)
{
    (void)state;
    qn_mem mem;
    qn_buf buf;
    qn_mem_init(&mem, NULL, 0);
    qn_buf_init(&buf, &mem);
    static const char text[] = "a\"b\\c\n\x01\xc3\xa9\xff" "d";
    qn_buf_json(&buf, text, sizeof text - 1);
    assert_string_equal(buf.data, "\"a\\\"b\\\\c\\n\\u0001\xc3\xa9\\ufffd" "d\"");
    qn_buf_deinit(&buf);
}

/* Every code point survives, and every sequence that is not one is refused where it begins. */
static void utf8_accepts_exactly_the_characters(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp < 0x110400; cp++) {
        char     text[4];
        uint32_t back = 0;
        int      n    = qn_utf8_encode(cp, text);
        bool     real = cp < 0x110000 && !(cp >= 0xD800 && cp < 0xE000);
        if ((n != 0) != real)
            fail_msg("U+%04X", (unsigned)cp);
        if (!real)
            continue;
        if (qn_utf8_decode(text, (size_t)n, &back) != n || back != cp || qn_utf8_valid(text, (size_t)n) != (size_t)n ||
            qn_utf8_count(text, (size_t)n) != 1)
            fail_msg("U+%04X", (unsigned)cp);
        if (n > 1 && qn_utf8_decode(text, (size_t)n - 1, &back) != 0)
            fail_msg("U+%04X cut short", (unsigned)cp);
    }
    /* Of all three-byte sequences exactly the encodable ones are valid. */
    uint32_t valid = 0;
    for (uint32_t x = 0; x < 1u << 24; x += 1) {
        char text[3] = {(char)(x >> 16), (char)(x >> 8), (char)x};
        if ((unsigned char)text[0] < 0xE0 || (unsigned char)text[0] > 0xEF) {
            x |= 0xFFFF; /* two-byte leads and others: below */
            continue;
        }
        valid += qn_utf8_valid(text, 3) == 3;
    }
    assert_int_equal(valid, 0x10000 - 0x800 - 0x800);
    static const struct {
        const char *text;
        size_t      bad;
    } cases[] = {
        {"\x80", 0},         {"\xc0\x80", 0},         {"\xc1\xbf", 0},         {"\xe0\x9f\xbf", 0},
        {"\xed\xa0\x80", 0}, {"\xf0\x8f\xbf\xbf", 0}, {"\xf4\x90\x80\x80", 0}, {"\xf5\x80\x80\x80", 0},
        {"ab\xc3", 2},       {"ab\xc3(", 2},          {"\xc3\xa9\xff", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(qn_utf8_valid(cases[i].text, strlen(cases[i].text)), cases[i].bad);
}

/* The fast path looks at 16 bytes at a time: a bad byte is found at every place of every length. */
static void a_bad_byte_is_found_wherever_it_stands(void **state)
{
    (void)state;
    char text[80];
    for (size_t bytes = 0; bytes < sizeof text; bytes++) {
        memset(text, 'a', sizeof text);
        assert_int_equal(qn_utf8_valid(text, bytes), bytes);
        for (size_t at = 0; at < bytes; at++) {
            text[at] = (char)0xff;
            assert_int_equal(qn_utf8_valid(text, bytes), at);
            text[at] = 'a';
        }
    }
}

static void characters_are_found_by_number(void **state)
{
    (void)state;
    char   text[200];
    size_t bytes = 0, starts[120], chars = 0;
    for (int i = 0; i < 50; i++) { /* a mixture of lengths 1 to 4 */
        static const uint32_t cps[] = {'x', 0xe9, 0x20ac, 0x1f600};
        starts[chars++]             = bytes;
        bytes += (size_t)qn_utf8_encode(cps[(i * i) % 4], text + bytes);
    }
    assert_int_equal(qn_utf8_count(text, bytes), chars);
    for (size_t i = 0; i < chars; i++)
        assert_int_equal(qn_utf8_offset(text, bytes, i), starts[i]);
    assert_int_equal(qn_utf8_offset(text, bytes, chars), bytes);
    assert_int_equal(qn_utf8_offset(text, bytes, chars + 9), bytes);
}

static void names_compare_without_case_in_ascii_only(void **state)
{
    (void)state;
    assert_true(qn_streq_ci("SELECT", "select"));
    assert_false(qn_streq_ci("select", "selec"));
    assert_false(qn_streq_ci("", "x"));
    assert_false(qn_streq_ci("\xc3\xa9", "\xc3\x89"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_order_bytewise),
        cmocka_unit_test(a_copied_string_owns_its_bytes),
        cmocka_unit_test(a_buffer_fails_once_and_says_so),
        cmocka_unit_test(json_is_escaped),
        cmocka_unit_test(utf8_accepts_exactly_the_characters),
        cmocka_unit_test(a_bad_byte_is_found_wherever_it_stands),
        cmocka_unit_test(characters_are_found_by_number),
        cmocka_unit_test(names_compare_without_case_in_ascii_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
