/* Merging sorted lists of distinct values with AVX2: four values a step.  Empty on machines that have no such level.
 *
 * AVX2 compares 64-bit lanes as signed only, so in registers every value has its top bit turned. */
#if defined(__AVX2__)
#include <immintrin.h>
#include "kern/merge_int.h"

#define QN_MERGE_TABLE qn_merge_kernels_avx2
#define QN_MERGE_ISA   QN_ISA_AVX2
#define QN_MERGE_ALL
#define WIDTH          4u

typedef __m256i vec;

static inline vec turn(vec v)
{
    return _mm256_xor_si256(v, _mm256_set1_epi64x(INT64_MIN));
}
static inline vec v_splat(uint64_t x)
{
    return turn(_mm256_set1_epi64x((long long)x));
}
static inline vec v_load(const uint64_t *p)
{
    return turn(_mm256_loadu_si256((const __m256i *)p));
}
static inline vec first_lanes(size_t n)
{
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n), _mm256_setr_epi64x(0, 1, 2, 3));
}
static inline vec v_load_part(const uint64_t *p, size_t n)
{
    vec lanes = first_lanes(n), fill = _mm256_set1_epi64x(-1);
    return turn(_mm256_blendv_epi8(fill, _mm256_maskload_epi64((const long long *)p, lanes), lanes));
}
static inline void v_store(uint64_t *p, vec v)
{
    _mm256_storeu_si256((__m256i *)p, turn(v));
}
static inline void v_store_part(uint64_t *p, vec v, size_t n)
{
    _mm256_maskstore_epi64((long long *)p, first_lanes(n), turn(v));
}
static inline vec v_reverse(vec v)
{
    return _mm256_permute4x64_epi64(v, 0x1b);
}
static inline void order(vec *l, vec *h)
{
    __m256d x = _mm256_castsi256_pd(*l), y = _mm256_castsi256_pd(*h);
    __m256d above = _mm256_castsi256_pd(_mm256_cmpgt_epi64(*l, *h));
    *l = _mm256_castpd_si256(_mm256_blendv_pd(x, y, above));
    *h = _mm256_castpd_si256(_mm256_blendv_pd(y, x, above));
}
/* As in merge_avx512.c: both halves in the same two registers. */
static inline vec v_network(vec fresh, vec held, vec *low)
{
    vec l = fresh, h = held, x, y;
    order(&l, &h);
    x = _mm256_permute2x128_si256(l, h, 0x20);
    y = _mm256_permute2x128_si256(l, h, 0x31);
    order(&x, &y); /* l0 l1 h0 h1, l2 l3 h2 h3 */
    l = _mm256_unpacklo_epi64(x, y);
    h = _mm256_unpackhi_epi64(x, y);
    order(&l, &h); /* l0 l2 h0 h2, l1 l3 h1 h3 */
    *low = _mm256_permute2x128_si256(_mm256_unpacklo_epi64(l, h), _mm256_unpackhi_epi64(l, h), 0x20);
    return _mm256_permute2x128_si256(_mm256_unpackhi_epi64(h, l), _mm256_unpacklo_epi64(h, l), 0x31);
}
static inline unsigned v_fresh(vec v, vec before)
{
    vec middle = _mm256_permute2x128_si256(before, v, 0x21); /* the last two of before, the first two of v */
    vec same = _mm256_cmpeq_epi64(v, _mm256_alignr_epi8(v, middle, 8));
    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(same)) ^ 0xfu;
}
/* Words of the lanes whose bits are 1; the lanes beyond them repeat lane 0. */
static inline vec v_compress(vec v, unsigned bits)
{
#define LANES(a, b, c, d) {2 * a, 2 * a + 1, 2 * b, 2 * b + 1, 2 * c, 2 * c + 1, 2 * d, 2 * d + 1}
    static const uint8_t words[16][8] = {
        LANES(0, 0, 0, 0), LANES(0, 0, 0, 0), LANES(1, 0, 0, 0), LANES(0, 1, 0, 0),
        LANES(2, 0, 0, 0), LANES(0, 2, 0, 0), LANES(1, 2, 0, 0), LANES(0, 1, 2, 0),
        LANES(3, 0, 0, 0), LANES(0, 3, 0, 0), LANES(1, 3, 0, 0), LANES(0, 1, 3, 0),
        LANES(2, 3, 0, 0), LANES(0, 2, 3, 0), LANES(1, 2, 3, 0), LANES(0, 1, 2, 3)};
#undef LANES
    __m128i row = _mm_loadl_epi64((const __m128i *)words[bits]);
    return _mm256_permutevar8x32_epi32(v, _mm256_cvtepu8_epi32(row));
}

#include "kern/merge_lanes.h"
#include "kern/merge_body.h"
#else
typedef int qn_merge_avx2_is_empty;
#endif
