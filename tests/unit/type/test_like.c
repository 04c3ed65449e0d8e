/* LIKE patterns against a matcher that is too simple to be wrong, what the planner may learn from a pattern,
 * and substring search by every instruction set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/env.h"
#include "type/find.h"
#include "type/like.h"

static qn_mem   mem;
static qn_arena arena;

static int setup(void **state)
{
    (void)state;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    qn_arena_deinit(&arena);
    qn_mem_deinit(&mem);
    return 0;
}

static qn_like *compiled(const char *pattern, bool icase)
{
    qn_like *like;

    assert_int_equal(
        qn_like_compile(pattern, strlen(pattern), '\\', true, icase, &arena, &like, NULL), QN_OK);
    return like;
}

/* The definition, by recursion. */
static bool matches_plainly(const char *p, const char *s, bool icase)
{
    if (*p == 0) {
        return *s == 0;
    }
    if (*p == '%') {
        return matches_plainly(p + 1, s, icase) || (*s && matches_plainly(p, s + 1, icase));
    }
    if (*s == 0) {
        return false;
    }
    if (*p == '_') {
        s++;
        while (((unsigned char)*s & 0xc0) == 0x80) {
            s++;
        }
        return matches_plainly(p + 1, s, icase);
    }
    if (*p == '\\') {
        p++;
    }
    if (icase ? qn_ascii_lower(*p) != qn_ascii_lower(*s) : *p != *s) {
        return false;
    }
    return matches_plainly(p + 1, s + 1, icase);
}

static void random_text(qn_random *random, const char *const *pieces, size_t count, size_t longest,
                        char *out)
{
    size_t n = (size_t)qn_random_below(random, longest + 1);

    *out = 0;
    for (size_t i = 0; i < n; i++) {
        strcat(out, pieces[qn_random_below(random, count)]);
    }
}

static void agrees_with_the_definition(void **state)
{
    static const char *const pieces[] = {"a",        "b", "A", "ab",
                                         "\xc3\xa9", "%", "_", "aaaaaaaaaaaaaaaa"};
    static const char *const wild[] = {"a",        "b",  "B",   "%",   "%",  "_",
                                       "\xc3\xa9", "ab", "\\%", "\\_", "\\a"};
    qn_random                random;
    char                     text[512], pattern[256];

    (void)state;
    qn_random_seed(&random, 4711);
    for (int i = 0; i < 100000; i++) {
        bool     icase = i % 2;
        qn_like *like;

        random_text(&random, pieces, 8, 10, text);
        random_text(&random, wild, 11, 7, pattern);
        like = compiled(pattern, icase);
        if (qn_like_match(like, text, strlen(text)) != matches_plainly(pattern, text, icase)) {
            fail_msg("'%s' %s '%s'", text, icase ? "ILIKE" : "LIKE", pattern);
        }
        qn_arena_reset(&arena);
    }
}

static void the_escape_character(void **state)
{
    qn_like *like;
    qn_error err = {0};

    (void)state;
    /* Another escape: '#%' is a percent sign, a backslash is itself. */
    assert_int_equal(qn_like_compile("a#%\\", 4, '#', true, false, &arena, &like, &err), QN_OK);
    assert_true(qn_like_match(like, "a%\\", 3));
    /* An escape of more than one byte, escaping itself. */
    assert_int_equal(
        qn_like_compile("\xc3\xa9\xc3\xa9%", 5, 0xe9, true, false, &arena, &like, &err), QN_OK);
    assert_true(qn_like_match(like, "\xc3\xa9x", 3));
    assert_false(qn_like_match(like, "x", 1));
    /* No escape: a backslash at the end is a literal. */
    assert_int_equal(qn_like_compile("a\\", 2, 0, false, false, &arena, &like, &err), QN_OK);
    assert_true(qn_like_match(like, "a\\", 2));
}

/* A pattern that ends with the escape is an error only for a text that matches up to it and goes on. */
static void an_escape_at_the_end(void **state)
{
    static const struct {
        const char *text, *pattern;
        bool        error;
    } cases[] = {
        {"a", "a\\", false},     {"ab", "a\\", true},     {"b", "a\\", false},
        {"", "\\", false},       {"a", "\\", true},       {"", "%\\", false},
        {"a", "%\\", true},      {"a", "_\\", false},     {"ab", "_\\", true},
        {"a", "%_\\", true},     {"a", "%__\\", false},   {"axb", "a%b\\", false},
        {"axby", "a%b\\", true}, {"axbyb", "a%b\\", true}, {"ab", "a%b%\\", false},
        {"abc", "a%b%\\", true}, {"cab", "%a\\\\\\", false}, {"a\\b", "a\\\\\\", true},
        {"a\\", "a\\\\\\", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_like *like = compiled(cases[i].pattern, false);
        size_t   bytes = strlen(cases[i].text);

        assert_false(qn_like_match(like, cases[i].text, bytes));
        if (qn_like_ends_in_escape(like, cases[i].text, bytes) != cases[i].error) {
            fail_msg("'%s' LIKE '%s'", cases[i].text, cases[i].pattern);
        }
    }
}

static void what_the_planner_learns(void **state)
{
    static const struct {
        const char *pattern;
        bool        icase;
        const char *exact; /* NULL: none */
        const char *prefix;
        bool        only;
        const char *longest; /* NULL: none */
        size_t      literals, min_bytes;
        bool        all;
    } cases[] = {
        {"", false, "", "", false, NULL, 0, 0, false},
        {"abc", false, "abc", "abc", false, "abc", 1, 3, false},
        {"a\\%c", false, "a%c", "a%c", false, "a%c", 1, 3, false},
        {"abc%", false, NULL, "abc", true, "abc", 1, 3, false},
        {"abc_", false, NULL, "abc", false, "abc", 1, 4, false},
        {"abc%%", false, NULL, "abc", false, "abc", 1, 3, false},
        {"%google%", false, NULL, "", false, "google", 1, 6, false},
        {"%a%long one%b_c", false, NULL, "", false, "long one", 4, 12, false},
        {"%", false, NULL, "", true, NULL, 0, 0, true},
        {"%%", false, NULL, "", false, NULL, 0, 0, true},
        {"%_%", false, NULL, "", false, NULL, 0, 1, false},
        /* ILIKE: only bytes without case are certain. */
        {"123", true, "123", "123", false, "123", 1, 3, false},
        {"12ab34%", true, NULL, "12", false, "12", 2, 6, false},
        {"1%", true, NULL, "1", true, "1", 1, 1, false},
        {"%Google.com%", true, NULL, "", false, ".", 1, 10, false},
        {"abc", true, NULL, "", false, NULL, 0, 3, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qn_like      *like = compiled(cases[i].pattern, cases[i].icase);
        const char   *text = NULL;
        const qn_str *runs;
        size_t        bytes = 0;
        bool          only;

        assert_int_equal(qn_like_exact(like, &text, &bytes), cases[i].exact != NULL);
        if (cases[i].exact) {
            assert_int_equal(bytes, strlen(cases[i].exact));
            assert_memory_equal(text, cases[i].exact, bytes);
        }
        bytes = qn_like_prefix(like, &text, &only);
        assert_int_equal(bytes, strlen(cases[i].prefix));
        assert_memory_equal(text, cases[i].prefix, bytes);
        assert_int_equal(only, cases[i].only);
        assert_int_equal(qn_like_longest_literal(like, &text, &bytes), cases[i].longest != NULL);
        if (cases[i].longest) {
            assert_int_equal(bytes, strlen(cases[i].longest));
            assert_memory_equal(text, cases[i].longest, bytes);
        }
        assert_int_equal(qn_like_literals(like, &runs), cases[i].literals);
        assert_int_equal(qn_like_min_bytes(like), cases[i].min_bytes);
        assert_int_equal(qn_like_matches_all(like), cases[i].all);
    }
}

/* Texts are heap blocks of exactly their length, so that a sanitizer sees a vector that reads too far. */
static void every_instruction_set_finds_the_same(void **state)
{
    qn_random random;

    (void)state;
    qn_random_seed(&random, 42);
    for (int i = 0; i < 60000; i++) {
        size_t n = (size_t)qn_random_below(&random, i % 3 ? 40 : 200),
               m = (size_t)qn_random_below(&random, 6);
        bool   icase = i % 2;
        char  *s = malloc(n ? n : 1), needle[8];
        size_t expected = QN_NOT_FOUND;

        assert_non_null(s);
        for (size_t b = 0; b < n; b++) {
            s[b] = "abAB"[qn_random_below(&random, 4)];
        }
        for (size_t b = 0; b < m; b++) {
            needle[b] = "ab"[qn_random_below(&random, 2)];
        }
        for (size_t at = 0; expected == QN_NOT_FOUND && at + m <= n; at++) {
            if (icase ? qn_equal_icase(s + at, needle, m) : memcmp(s + at, needle, m) == 0) {
                expected = at;
            }
        }
        for (int isa = QN_ISA_BASE; isa < QN_ISA_COUNT; isa++) {
            size_t at = qn_find_isa((qn_isa)isa, icase, s, n, needle, m);
            assert_true(at == expected || at == QN_NOT_FOUND - 1);
        }
        assert_true((icase ? qn_find_icase(s, n, needle, m) : qn_find(s, n, needle, m)) ==
                    expected);
        free(s);
    }
}

static void failing_allocations_leave_nothing(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        qn_mem    own;
        qn_arena  a;
        qn_like  *like;
        qn_error  err = {0};
        qn_status st;

        qn_mem_init(&own, NULL, 0);
        atomic_store(&own.fail_at, n);
        qn_arena_init(&a, &own);
        st = qn_like_compile("%some%pattern%", 14, '\\', true, false, &a, &like, &err);
        assert_true(st == QN_OK || st == QN_NOMEM);
        assert_true((like != NULL) == (st == QN_OK));
        qn_arena_deinit(&a);
        qn_mem_deinit(&own);
        if (st == QN_OK) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(agrees_with_the_definition, setup, teardown),
        cmocka_unit_test_setup_teardown(the_escape_character, setup, teardown),
        cmocka_unit_test_setup_teardown(an_escape_at_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_planner_learns, setup, teardown),
        cmocka_unit_test(every_instruction_set_finds_the_same),
        cmocka_unit_test(failing_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
