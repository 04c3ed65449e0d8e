/* Looking values up in a hashed bitmap with AVX2, eight at once.  Empty on machines that have no such level.
 *
 * There is no 64-bit multiplication, but only the upper half of the product is looked at. */
#if defined(__AVX2__)
#include <immintrin.h>
#include "kern/hashed.h"

#define QN_HASHED_TABLE qn_hashed_kernels_avx2
#define QN_HASHED_ISA   QN_ISA_AVX2
#define GROUP           8u

/* The upper 32 bits of the lower 64 of four products, where they belong: in the odd 32-bit lanes. */
static inline __m256i products(const uint64_t *values)
{
    const __m256i factor = _mm256_set1_epi64x((long long)0x9e3779b97f4a7c15ull);
    const __m256i turned = _mm256_shuffle_epi32(factor, 0xb1);
    __m256i       v = _mm256_loadu_si256((const __m256i *)values);
    __m256i       cross = _mm256_mullo_epi32(v, turned); /* low * high, high * low */
    cross = _mm256_add_epi32(cross, _mm256_slli_epi64(cross, 32));
    return _mm256_add_epi32(_mm256_mul_epu32(v, factor), cross);
}

static inline uint32_t group_bits(const uint64_t *values, const uint64_t *set, unsigned size)
{
    __m256 a = _mm256_castsi256_ps(products(values)), b = _mm256_castsi256_ps(products(values + 4));
    /* The odd lanes of both; 128-bit halves are dealt with separately and put in order afterwards. */
    __m256i h = _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd)), 0xd8);
    h = _mm256_srl_epi32(h, _mm_cvtsi32_si128((int)(32 - size)));
    __m256i words = _mm256_i32gather_epi32((const int *)set, _mm256_srli_epi32(h, 5), 4);
    /* The bit moves to the sign, which is what can be collected. */
    __m256i up = _mm256_sllv_epi32(words, _mm256_andnot_si256(h, _mm256_set1_epi32(31)));
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(up));
}

#include "kern/hashed_body.h"
#else
typedef int qn_hashed_avx2_is_empty;
#endif
