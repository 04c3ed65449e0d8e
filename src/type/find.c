/* Substring search: the inner loop of LIKE '%…%', strpos, replace and literal regular expressions.
 *
 * Needles of two bytes and more go through a vector loop (find_body.h) wherever the text offers one full
 * vector of positions; shorter texts and single bytes take plain loops.  The case-insensitive form folds
 * ASCII letters only, as PostgreSQL does in the C collation. */
#include "type/find.h"

#include <stdint.h>
#include <string.h>

bool qn_equal_icase(const char *s, const char *needle, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        if (qn_ascii_lower(s[i]) != needle[i]) {
            return false;
        }
    }
    return true;
}

static size_t find_plain(bool icase, const char *s, size_t n, const char *needle, size_t m)
{
    if (!icase) {
        for (size_t at = 0; at + m <= n; at++) {
            const char *p = memchr(s + at, needle[0], n - m + 1 - at);
            if (!p) {
                return QN_NOT_FOUND;
            }
            at = (size_t)(p - s);
            if (memcmp(p, needle, m) == 0) {
                return at;
            }
        }
        return QN_NOT_FOUND;
    }
    for (size_t at = 0; at + m <= n; at++) {
        if (qn_ascii_lower(s[at]) == needle[0] && qn_equal_icase(s + at, needle, m)) {
            return at;
        }
    }
    return QN_NOT_FOUND;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDTH          16u
#define VECTOR         __m128i
#define SET1(c)        _mm_set1_epi8(c)
#define LOAD(p)        _mm_loadu_si128((const __m128i *)(const void *)(p))
#define MATCH(a, b, x) _mm_or_si128(_mm_cmpeq_epi8(a, x), _mm_cmpeq_epi8(b, x))
#define AND(a, b)      _mm_and_si128(a, b)
#define MASK(v)        ((uint32_t)_mm_movemask_epi8(v))
#define TARGET
#define BODY_FN find_sse2
#include "type/find_body.h"
#undef WIDTH
#undef VECTOR
#undef SET1
#undef LOAD
#undef MATCH
#undef AND
#undef MASK
#undef TARGET
#undef BODY_FN

#define WIDTH          32u
#define VECTOR         __m256i
#define SET1(c)        _mm256_set1_epi8(c)
#define LOAD(p)        _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define MATCH(a, b, x) _mm256_or_si256(_mm256_cmpeq_epi8(a, x), _mm256_cmpeq_epi8(b, x))
#define AND(a, b)      _mm256_and_si256(a, b)
#define MASK(v)        ((uint32_t)_mm256_movemask_epi8(v))
#define TARGET         __attribute__((target("avx2")))
#define BODY_FN        find_avx2
#include "type/find_body.h"
#undef WIDTH
#undef VECTOR
#undef SET1
#undef LOAD
#undef MATCH
#undef AND
#undef MASK
#undef TARGET
#undef BODY_FN

static size_t find_vector(qn_isa isa, bool icase, const char *s, size_t n, const char *needle,
                          size_t m)
{
    size_t positions = n - m + 1;

    if (isa >= QN_ISA_AVX2 && positions >= 32) {
        return find_avx2(icase, s, n, needle, m);
    }
    if (positions >= 16) {
        return find_sse2(icase, s, n, needle, m);
    }
    return find_plain(icase, s, n, needle, m);
}
#else
static size_t find_vector(qn_isa isa, bool icase, const char *s, size_t n, const char *needle,
                          size_t m)
{
    (void)isa;
    return find_plain(icase, s, n, needle, m);
}
#endif

static size_t find(qn_isa isa, bool icase, const char *s, size_t n, const char *needle, size_t m)
{
    if (m == 0) {
        return 0;
    }
    if (m > n) {
        return QN_NOT_FOUND;
    }
    if (m == 1) {
        return find_plain(icase, s, n, needle, m);
    }
    return find_vector(isa, icase, s, n, needle, m);
}

static qn_isa isa_now(void)
{
#if defined(__x86_64__)
    /* The compiler keeps the processor's features in a table: this is one load and a test. */
    return __builtin_cpu_supports("avx2") ? QN_ISA_AVX2 : QN_ISA_BASE;
#else
    return QN_ISA_BASE;
#endif
}

size_t qn_find(const char *s, size_t n, const char *needle, size_t m)
{
    return find(isa_now(), false, s, n, needle, m);
}

size_t qn_find_icase(const char *s, size_t n, const char *needle, size_t m)
{
    return find(isa_now(), true, s, n, needle, m);
}

size_t qn_find_isa(qn_isa isa, bool icase, const char *s, size_t n, const char *needle, size_t m)
{
    if (isa > qn_isa_detect()) {
        return QN_NOT_FOUND - 1;
    }
    return find(isa, icase, s, n, needle, m);
}
