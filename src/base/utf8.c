/* Is this UTF-8?  Asked of every byte that is loaded and once of every chunk that is read, so it has to cost next to nothing.
 *
 * With AVX2: Keiser and Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte" (2021).
 * Every error shows in two neighbouring bytes, except a missing or surplus third or fourth byte.
 * Three lookups by nibble (high and low nibble of the first byte, high nibble of the second) give
 * sets of errors that are still possible; their intersection must be empty.  Elsewhere: eight ASCII
 * bytes at a time, else decode.
 *
 * NUL is refused as well: PostgreSQL has no text with it.  The exact place of an error is found by
 * the slow way, from a boundary before the block that failed. */
#include "base/str.h"

#include <stdbool.h>
#include <string.h>
#include "base/cpu.h"

static size_t utf8_scalar(const char *s, size_t bytes)
{
    size_t      good = qn_utf8_valid(s, bytes);
    const char *nul = good ? memchr(s, 0, good) : NULL; /* s may be NULL when there is nothing */
    return nul ? (size_t)(nul - s) : good;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

enum {                          /* errors that a pair of bytes may show */
       TOO_SHORT = 1 << 0,      /* lead followed by no continuation */
       TOO_LONG = 1 << 1,       /* ASCII followed by a continuation */
       OVERLONG_3 = 1 << 2,     /* E0 80..9F */
       TOO_LARGE = 1 << 3,      /* F4 90.. and above */
       SURROGATE = 1 << 4,      /* ED A0..BF */
       OVERLONG_2 = 1 << 5,     /* C0, C1 */
       TOO_LARGE_1000 = 1 << 6, /* F5.. 80..8F; shared with OVERLONG_4: F0 80..8F */
       OVERLONG_4 = 1 << 6,
       TWO_CONTS = 1 << 7, /* two continuations: fine only behind a 3- or 4-byte lead */
       CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS
};

#define TWICE(...) __VA_ARGS__, __VA_ARGS__

AVX2 static inline __m256i before(__m256i now, __m256i last, const int n)
{
    /* The bytes that stand n places earlier. */
    __m256i across = _mm256_permute2x128_si256(last, now, 0x21);
    switch (n) {
    case 1:
        return _mm256_alignr_epi8(now, across, 15);
    case 2:
        return _mm256_alignr_epi8(now, across, 14);
    default:
        return _mm256_alignr_epi8(now, across, 13);
    }
}

AVX2 static inline __m256i block_errors(__m256i now, __m256i last)
{
    const __m256i first_high = _mm256_setr_epi8(
        TWICE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
              (char)TWO_CONTS, (char)TWO_CONTS, (char)TWO_CONTS, (char)TWO_CONTS,
              TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
              TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4));
    const __m256i first_low = _mm256_setr_epi8(TWICE(
        (char)(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4), (char)(CARRY | OVERLONG_2),
        (char)CARRY, (char)CARRY, (char)(CARRY | TOO_LARGE),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000), (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000), (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000), (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000), (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000), (char)(CARRY | TOO_LARGE | TOO_LARGE_1000)));
    const __m256i second_high = _mm256_setr_epi8(TWICE(
        TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4),
        (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE),
        (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE),
        (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT,
        TOO_SHORT, TOO_SHORT));
    const __m256i low4 = _mm256_set1_epi8(0x0F);

    __m256i p1 = before(now, last, 1);
    __m256i a = _mm256_shuffle_epi8(first_high, _mm256_and_si256(_mm256_srli_epi16(p1, 4), low4));
    __m256i b = _mm256_shuffle_epi8(first_low, _mm256_and_si256(p1, low4));
    __m256i c = _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(now, 4), low4));
    __m256i pairs = _mm256_and_si256(_mm256_and_si256(a, b), c);
    /* A third byte two behind E0.., a fourth three behind F0..: exactly there must be two
     * continuations. */
    __m256i third = _mm256_subs_epu8(before(now, last, 2), _mm256_set1_epi8((char)(0xE0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(before(now, last, 3), _mm256_set1_epi8((char)(0xF0 - 0x80)));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(must, pairs);
}

AVX2 static size_t utf8_avx2(const char *s, size_t bytes)
{
    __m256i last = _mm256_setzero_si256();
    size_t  i = 0;
    bool    open = false; /* the last block was not ASCII: a sequence may reach into the next */

    for (; bytes - i >= 32; i += 32) {
        __m256i now = _mm256_loadu_si256((const __m256i *)(const void *)(s + i));
        __m256i bad = _mm256_cmpeq_epi8(now, _mm256_setzero_si256());
        bool    ascii = _mm256_movemask_epi8(now) == 0;
        if (!ascii || open)
            bad = _mm256_or_si256(bad, block_errors(now, last));
        if (!_mm256_testz_si256(bad, bad))
            break;
        last = now;
        open = !ascii;
    }
    /* The rest, or the block that failed: start before a sequence that reaches into it. */
    size_t back = i < 4 ? i : 4;
    for (size_t k = 1; k <= back; k++) {
        if (((unsigned char)s[i - k] & 0xC0) != 0x80) {
            i -= k;
            break;
        }
    }
    return i + utf8_scalar(s + i, bytes - i);
}
#endif

size_t qn_utf8_text(const char *s, size_t bytes)
{
#if defined(__x86_64__)
    if (bytes >= 64 && qn_isa_detect() >= QN_ISA_AVX2)
        return utf8_avx2(s, bytes);
#endif
    return utf8_scalar(s, bytes);
}
