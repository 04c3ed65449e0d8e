/* What is learned of a pattern holds for every text that matches it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/hash.h"
#include "type/find.h"
#include "type/like.h"
#include "type/pattern.h"
#include "type/regex_are.h"
#include "type/regex_direct.h"

static uint64_t seed;
static uint32_t pick(uint32_t n)
{
    seed = qn_mix64(seed + 0x9e3779b97f4a7c15u);
    return (uint32_t)(seed >> 33) % n;
}

static void join(char *out, size_t room, const char *const *pieces, uint32_t count, uint32_t n)
{
    size_t at = 0;
    out[0] = 0;
    for (; n > 0 && at + 12 < room; n--)
        at += (size_t)snprintf(out + at, room - at, "%s", pieces[pick(count)]);
}

/* Does the text have all that a match must have? */
static bool holds(const qn_pattern_facts *f, const qn_str *text)
{
    const char *s = qn_str_data(text);
    if (text->bytes < f->prefix.bytes || (f->prefix.bytes && memcmp(s, qn_str_data(&f->prefix), f->prefix.bytes)))
        return false;
    if (f->exact && text->bytes != f->prefix.bytes)
        return false;
    for (size_t i = 0; i < f->literal_count; i++) {
        const qn_str *l = &f->literals[i];
        if ((f->icase ? qn_find_icase(s, text->bytes, qn_str_data(l), l->bytes)
                      : qn_find(s, text->bytes, qn_str_data(l), l->bytes)) == QN_NOT_FOUND)
            return false;
    }
    return true;
}

static void what_is_learned_holds(void **state)
{
    static const char *const like_pieces[] = {"%", "_", "abc", "AbC", "a", "é", "\\%", "bcd", "xyz"};
    static const char *const regex_pieces[] = {"^", "abc", "(abc)", "(?:abc)?", "(abc|bcd)", "x*", ".", ".*", "[ab]", "bcd", "$", "é",
                                               "(?:a(?:bcd|)|xyz)", "(?:abc|)?", "xyz+", "((abc)(bcd))"};
    static const char *const text_pieces[] = {"abc", "ABC", "a", "b", "bcd", "xyz", "é", "%", "x"};
    qn_mem   mem;
    qn_arena arena;
    uint32_t matched = 0, useful = 0;
    (void)state;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (seed = 5; matched < 6000;) {
        char             pattern[100], text[100];
        int              kind = (int)pick(QN_PATTERN_KINDS);
        bool             regex = kind & QN_PATTERN_REGEX, icase = kind & QN_PATTERN_ICASE;
        qn_pattern_facts f;
        qn_like         *like = NULL;
        qn_are           are = {.groups = 0};
        qn_direct       *direct = NULL;
        qn_span          spans[QN_DIRECT_GROUPS];
        qn_arena_reset(&arena);
        if (regex)
            join(pattern, sizeof pattern, regex_pieces, sizeof regex_pieces / sizeof *regex_pieces, 1 + pick(5));
        else
            join(pattern, sizeof pattern, like_pieces, sizeof like_pieces / sizeof *like_pieces, 1 + pick(5));
        qn_str p = qn_str_of(pattern, strlen(pattern));
        assert_int_equal(qn_pattern_learn(kind, &p, &arena, &f, NULL), QN_OK);
        if (regex) {
            if (qn_are_translate(pattern, strlen(pattern), icase ? QN_ARE_ICASE : 0, &mem, &are, NULL) == QN_OK)
                assert_int_equal(qn_direct_compile(are.pattern.bytes ? are.pattern.data : "", are.pattern.bytes, true, false, &mem,
                                                   &direct, NULL), QN_OK);
        } else {
            assert_int_equal(qn_like_compile(pattern, strlen(pattern), '\\', true, icase, &arena, &like, NULL), QN_OK);
        }
        useful += f.known && (f.literal_count || f.prefix.bytes);
        for (int i = 0; i < 60; i++) {
            join(text, sizeof text, text_pieces, sizeof text_pieces / sizeof *text_pieces, pick(7));
            size_t n = strlen(text);
            qn_str t = qn_str_of(text, n);
            bool   match = regex ? direct && qn_direct_find(direct, text, n, 0, spans) == QN_DIRECT_MATCH : qn_like_match(like, text, n);
            matched += match;
            if (match && !holds(&f, &t))
                fail_msg("kind %d '%s' matches '%s'", kind, pattern, text);
            if (f.known && f.only && !match && n >= f.prefix.bytes && !memcmp(text, qn_str_data(&f.prefix), f.prefix.bytes))
                fail_msg("kind %d '%s' does not match '%s'", kind, pattern, text);
        }
        qn_direct_free(direct, &mem);
        qn_are_deinit(&are);
    }
    assert_true(useful > 50);
    qn_arena_deinit(&arena);
    qn_mem_deinit(&mem);
}

static void these_are_learned(void **state)
{
    static const struct {
        int         kind;
        const char *pattern, *prefix;
        bool        only, exact;
        const char *first, *last; /* literals */
    } cases[] = {
        {0, "abc%", "abc", true, false, "abc", "abc"},
        {0, "abc", "abc", false, true, "abc", "abc"},
        {0, "%google%maps%", "", false, false, "google", "maps"},
        {QN_PATTERN_ICASE, "%GooGle%", "", false, false, "google", "google"},
        {QN_PATTERN_REGEX, "^https?://(?:www\\.)?([^/]+)/.*$", "http", false, false, "http", "://"},
        {QN_PATTERN_REGEX, "(foo|bar)baz", "", false, false, "baz", "baz"},
        {QN_PATTERN_REGEX, "^(foo)?bar", "", false, false, "bar", "bar"},
        {QN_PATTERN_REGEX, "needle", "", false, false, "needle", "needle"},
        {QN_PATTERN_REGEX | QN_PATTERN_ICASE, "Needle", "", false, false, "needle", "needle"},
        {QN_PATTERN_REGEX, "(", NULL, false, false, NULL, NULL},
        {QN_PATTERN_REGEX, "(?<=a)b", NULL, false, false, NULL, NULL},
    };
    qn_mem   mem;
    qn_arena arena;
    (void)state;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_pattern_facts f;
        qn_str           p = qn_str_lit(cases[i].pattern);
        assert_int_equal(qn_pattern_learn(cases[i].kind, &p, &arena, &f, NULL), QN_OK);
        assert_int_equal(f.known, cases[i].prefix != NULL);
        if (!f.known)
            continue;
        qn_str prefix = qn_str_lit(cases[i].prefix), first = qn_str_lit(cases[i].first), last = qn_str_lit(cases[i].last);
        if (!qn_str_equal(&f.prefix, &prefix) || f.only != cases[i].only || f.exact != cases[i].exact || !f.literal_count ||
            !qn_str_equal(&f.literals[0], &first) || !qn_str_equal(&f.literals[f.literal_count - 1], &last))
            fail_msg("%s", cases[i].pattern);
    }
    assert_int_equal(qn_pattern_kind("texticnlike"), QN_PATTERN_ICASE | QN_PATTERN_NOT);
    assert_int_equal(qn_pattern_kind("length"), -1);
    qn_arena_deinit(&arena);
    qn_mem_deinit(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_learned_holds),
        cmocka_unit_test(these_are_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
