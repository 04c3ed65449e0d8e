/* Simple expressions run in regex_direct.c: they must give what PCRE2 gives for the same translated expression, match
 * and groups alike; and which expressions are simple is not to shrink unnoticed. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/hash.h"
#include "type/regex_are.h"
#include "type/regex_direct.h"

typedef struct both {
    qn_mem            mem;
    qn_are            are;
    qn_direct        *direct;
    pcre2_code       *code;
    pcre2_match_data *data;
} both;

/* False: PostgreSQL would refuse the expression. */
static bool both_open(both *b, const char *re, unsigned flags)
{
    int    code;
    size_t offset;
    memset(b, 0, sizeof *b);
    qn_mem_init(&b->mem, NULL, 0);
    if (qn_are_translate(re, strlen(re), flags, &b->mem, &b->are, NULL) != QN_OK)
        return false;
    const char *p = b->are.pattern.bytes ? b->are.pattern.data : "";
    bool        dotall = !(b->are.flags & QN_ARE_NLSTOP), multiline = b->are.flags & QN_ARE_NLANCHOR;
    assert_int_equal(qn_direct_compile(p, b->are.pattern.bytes, dotall, multiline, &b->mem, &b->direct, NULL), QN_OK);
    b->code = pcre2_compile((PCRE2_SPTR)p, b->are.pattern.bytes,
                            PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX | (dotall ? PCRE2_DOTALL : 0) |
                                (multiline ? PCRE2_MULTILINE : 0),
                            &code, &offset, NULL);
    if (!b->code)
        return false;
    b->data = pcre2_match_data_create(QN_DIRECT_GROUPS, NULL);
    assert_non_null(b->data);
    return true;
}

static void both_close(both *b)
{
    pcre2_match_data_free(b->data);
    pcre2_code_free(b->code);
    qn_direct_free(b->direct, &b->mem);
    qn_are_deinit(&b->are);
    qn_mem_deinit(&b->mem);
}

static void agree(const both *b, const char *re, const char *text, size_t start)
{
    qn_span          spans[QN_DIRECT_GROUPS];
    size_t           n = strlen(text);
    qn_direct_result direct = qn_direct_find(b->direct, text, n, start, spans);
    int              rc = pcre2_match(b->code, (PCRE2_SPTR)text, n, start, 0, b->data, NULL);
    if (direct == QN_DIRECT_GAVE_UP)
        return;
    if ((direct == QN_DIRECT_MATCH) != (rc >= 0))
        fail_msg("'%s' on '%s' from %zu: %d, PCRE2 %d", re, text, start, direct, rc);
    const size_t *pairs = pcre2_get_ovector_pointer(b->data);
    for (int i = 0; rc >= 0 && i < QN_DIRECT_GROUPS; i++) {
        size_t begin = i < (rc ? rc : QN_DIRECT_GROUPS) ? pairs[2 * i] : SIZE_MAX, end = begin == SIZE_MAX ? begin : pairs[2 * i + 1];
        if (spans[i].begin != begin || spans[i].end != end)
            fail_msg("'%s' on '%s' from %zu, group %d: %zd-%zd, PCRE2 %zd-%zd", re, text, start, i, (ptrdiff_t)spans[i].begin,
                     (ptrdiff_t)spans[i].end, (ptrdiff_t)begin, (ptrdiff_t)end);
    }
}

static uint64_t seed;
static uint32_t pick(uint32_t n)
{
    seed = qn_mix64(seed + 0x9e3779b97f4a7c15u);
    return (uint32_t)(seed >> 33) % n;
}

static void random_re(char *out, size_t room, int depth)
{
    static const char *const atoms[] = {"a", "b", "ab", "abc", ".", "[ab]", "[^a]", "[^/]", "\\d", "\\w", "\\S", "é", "[[:alpha:]]",
                                        "x", "/", "//", "[^bé]", "[a-c-]", "\\.", "1", "https", "www", "://", "[[:^", "[^\\n]"};
    static const char *const quantifiers[] = {"", "", "", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,3}?", "{2,}"};
    size_t at = 0;
    out[0] = 0;
    for (uint32_t i = pick(4) + 1; i > 0 && at + 64 < room; i--) {
        uint32_t kind = pick(12);
        if (depth && kind < 3) {
            char inner[128];
            random_re(inner, sizeof inner, depth - 1);
            at += (size_t)snprintf(out + at, room - at, "%s%s)%s", pick(2) ? "(" : "(?:", inner, pick(2) ? "?" : quantifiers[pick(11)]);
        } else if (kind == 3) {
            at += (size_t)snprintf(out + at, room - at, "%s", pick(3) ? "|" : pick(2) ? "^" : "$");
        } else {
            at += (size_t)snprintf(out + at, room - at, "%s%s", atoms[pick(sizeof atoms / sizeof *atoms)],
                                   quantifiers[pick(sizeof quantifiers / sizeof *quantifiers)]);
        }
        if (at >= room)
            at = room - 1;
    }
}

static void random_text(char *out, size_t room)
{
    static const char *const pieces[] = {"a", "b", "c", "ab", "é", "/", "//", "1", "\n", "x", ".", "https", "://", "www.", "-", "A", "€"};
    size_t at = 0;
    out[0] = 0;
    for (uint32_t i = pick(9); i > 0 && at + 8 < room; i--)
        at += (size_t)snprintf(out + at, room - at, "%s", pieces[pick(sizeof pieces / sizeof *pieces)]);
}

static void simple_expressions_match_as_pcre2_does(void **state)
{
    uint32_t simple = 0, tried = 0;
    (void)state;
    for (seed = 1; tried < 6000; tried++) {
        char     re[400], text[160];
        both     b;
        unsigned flags = pick(6) == 0 ? QN_ARE_ICASE : pick(6) == 0 ? QN_ARE_NLSTOP : 0;
        random_re(re, sizeof re, 2);
        if (both_open(&b, re, flags) && b.direct) {
            simple++;
            for (int i = 0; i < 12; i++) {
                size_t start = 0;
                random_text(text, sizeof text);
                agree(&b, re, text, 0);
                if (strlen(text))
                    start = pick((uint32_t)strlen(text) + 1);
                while (((unsigned char)text[start] & 0xc0) == 0x80)
                    start++;
                agree(&b, re, text, start);
            }
        }
        both_close(&b);
    }
    assert_true(simple > tried / 4); /* or the comparison means nothing */
}

static void these_are_simple(void **state)
{
    static const struct {
        const char *re;
        bool        simple;
    } cases[] = {
        {"^https?://(?:www\\.)?([^/]+)/.*$", true}, {"(a|b)*c", false}, {"a(b|c)d", true}, {"^(\\d+)-(\\d+)$", true},
        {"(?i)google", true}, {"[а-я]+", false}, {"é+", false}, {"aé", true}, {"(a)\\1", false}, {"(?=a)b", false},
        {"\\ma", false}, {"a{2,3}?b", true}, {"(ab){2}", false}, {"(?w)^a", false}, {"\\Aa\\Z", true}, {"[[:alpha:]_]\\w*", true},
        {"((((a))))", true}, {"a|b|c|d", true}, {"(?:)", true}, {"x{0}y", true}, {"(x){0}y", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        both b;
        assert_true(both_open(&b, cases[i].re, 0));
        if ((b.direct != NULL) != cases[i].simple)
            fail_msg("%s: %s", cases[i].re, b.direct ? "simple" : "not simple");
        if (b.direct) {
            agree(&b, cases[i].re, "http://www.example.org/a/b?c=d", 0);
            agree(&b, cases[i].re, "https://www./", 0);
            agree(&b, cases[i].re, "yxabcacd 12-34 Google", 0);
            agree(&b, cases[i].re, "", 0);
        }
        both_close(&b);
    }
}

/* Whatever text is compiled, not only what the translation writes: it must be refused or compile, never run wild. */
static void odd_input_is_refused(void **state)
{
    static const char *const odd[] = {"(", ")", "(a", "a)", "[", "[a", "[^", "[a-", "[[:", "[[:alpha", "[[:alpha:]", "a{", "a{1", "a{1,",
                                      "a{1,2", "{1,2}", "\\", "\\x", "\\x{", "\\x{zz}", "\\x{ffffffffffffffff}", "(?", "(?:", "a|", "|",
                                      "a{999999999,}", "(a){1,1}", "(?:a|){0,1}", "\xc3", "\xc3\xa9{2,2}"};
    qn_mem mem;
    (void)state;
    qn_mem_init(&mem, NULL, 0);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        qn_direct *d;
        qn_span    spans[QN_DIRECT_GROUPS];
        assert_int_equal(qn_direct_compile(odd[i], strlen(odd[i]), true, false, &mem, &d, NULL), QN_OK);
        if (d)
            qn_direct_find(d, "a{1,2}", 6, 0, spans);
        qn_direct_free(d, &mem);
    }
    /* longer than a program may be */
    char long_re[2000];
    for (size_t i = 0; i + 1 < sizeof long_re; i++)
        long_re[i] = "a.(b)|"[i % 6];
    long_re[sizeof long_re - 1] = 0;
    qn_direct *d;
    assert_int_equal(qn_direct_compile(long_re, strlen(long_re), true, false, &mem, &d, NULL), QN_OK);
    assert_null(d);
    qn_mem_deinit(&mem);
}

/* Many ways to fail: given up, not run for ever. */
static void steps_are_bounded(void **state)
{
    both    b;
    char    text[3000];
    qn_span spans[QN_DIRECT_GROUPS];
    (void)state;
    memset(text, 'a', sizeof text);
    assert_true(both_open(&b, "a*a*a*a*a*b", 0));
    assert_non_null(b.direct);
    assert_int_equal(qn_direct_find(b.direct, text, sizeof text, 0, spans), QN_DIRECT_GAVE_UP);
    both_close(&b);
    qn_mem mem, none;
    qn_mem_init(&mem, NULL, 0);
    qn_mem_init(&none, &mem, 1);
    qn_direct *d;
    assert_int_equal(qn_direct_compile("a", 1, true, false, &none, &d, NULL), QN_NOMEM);
    assert_null(d);
    qn_mem_deinit(&none);
    qn_mem_deinit(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simple_expressions_match_as_pcre2_does),
        cmocka_unit_test(these_are_simple),
        cmocka_unit_test(odd_input_is_refused),
        cmocka_unit_test(steps_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
