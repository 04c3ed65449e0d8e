/* The fast validation agrees with the plain one on every byte pattern that matters, at every
 * offset. */
#include "load_fixture.h"

static size_t plain(const char *s, size_t n)
{
    size_t      good = qn_utf8_valid(s, n);
    const char *nul = memchr(s, 0, good);
    return nul ? (size_t)(nul - s) : good;
}

static void test_sequences_at_every_offset(void **state)
{
    (void)state;
    /* First and last of every length, and one beyond: overlong, surrogate, too large, cut, surplus.
     */
    static const char *const cases[] = {"\x7f",
                                        "\x80",
                                        "\xbf",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xc2",
                                        "\xc2\x41",
                                        "\xc2\xc2\x80",
                                        "\xe0\x80\x80",
                                        "\xe0\x9f\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xed\xbf\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xe1\x80",
                                        "\xe1",
                                        "\xe1\x80\x41",
                                        "\xe1\x41\x80",
                                        "\xf0\x80\x80\x80",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xf8\x88\x80\x80\x80",
                                        "\xff",
                                        "\xfe",
                                        "\xf1\x80\x80",
                                        "\xf1\x80",
                                        "\xf1",
                                        "\xf1\x80\x80\x80\x80",
                                        "\xd0\x96\xd0\x96",
                                        "\xe1\x80\x80\x80"};
    char                     text[256];
    for (size_t c = 0; c < QN_COUNTOF(cases); c++) {
        for (size_t fill = 0; fill < 2; fill++) {
            for (size_t at = 0; at < 140; at++) {
                for (size_t i = 0; i + 1 < sizeof text; i += 2)
                    memcpy(text + i, fill ? "\xd0\x96" : "ab", 2);
                if (fill && at % 2)
                    text[at - 1] = 'x';
                size_t n = strlen(cases[c]);
                memcpy(text + at, cases[c], n);
                if (fill && (at + n) % 2)
                    text[at + n] = 'x';
                for (size_t bytes = at; bytes <= 160; bytes++)
                    assert_int_equal(qn_load_utf8(text, bytes), plain(text, bytes));
            }
        }
    }
}

static void test_random_damage(void **state)
{
    (void)state;
    qn_random r;
    char      text[512];
    qn_random_seed(&r, 42);
    for (int round = 0; round < 20000; round++) {
        size_t n = 0;
        while (n < 300) {
            static const uint32_t top[] = {0x7f, 0x7ff, 0xd7ff, 0x10ffff};
            uint32_t cp = 1 + (uint32_t)qn_random_below(&r, top[qn_random_below(&r, 4)]);
            n += (size_t)qn_utf8_encode(cp >= 0xd800 && cp < 0xe000 ? 'x' : cp, text + n);
        }
        if (round % 3)
            text[qn_random_below(&r, n)] = (char)qn_random_below(&r, 256);
        size_t from = qn_random_below(&r, 40);
        assert_int_equal(qn_load_utf8(text + from, n - from), plain(text + from, n - from));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sequences_at_every_offset),
                                       cmocka_unit_test(test_random_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
