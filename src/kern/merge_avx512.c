/* Merging sorted lists of distinct values with AVX-512: eight values a step.  Empty on machines that have no such
 * level. */
#if defined(__AVX512VBMI__)
#include <immintrin.h>
#include "kern/merge_int.h"

#define QN_MERGE_TABLE qn_merge_kernels_avx512
#define QN_MERGE_ISA   QN_ISA_AVX512
#define QN_MERGE_ALL
#define WIDTH          8u

typedef __m512i vec;

static inline vec v_splat(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}
static inline vec v_load(const uint64_t *p)
{
    return _mm512_loadu_si512(p);
}
static inline vec v_load_part(const uint64_t *p, size_t n)
{
    return _mm512_mask_loadu_epi64(_mm512_set1_epi64(-1), (__mmask8)((1u << n) - 1), p);
}
static inline void v_store(uint64_t *p, vec v)
{
    _mm512_storeu_si512(p, v);
}
static inline void v_store_part(uint64_t *p, vec v, size_t n)
{
    _mm512_mask_storeu_epi64(p, (__mmask8)((1u << n) - 1), v);
}
static inline vec v_reverse(vec v)
{
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0), v);
}

/* Both halves go through the stages together: before each, values that meet are brought to the same lane of two
 * registers, so no lane computes a minimum that is thrown away.  The comments show one register's lanes, l being of
 * the lower half and h of the upper. */
static inline vec v_network(vec fresh, vec held, vec *low)
{
    vec l = _mm512_min_epu64(fresh, held), h = _mm512_max_epu64(fresh, held);
    vec x = _mm512_shuffle_i64x2(l, h, 0x44), y = _mm512_shuffle_i64x2(l, h, 0xee);
    l = _mm512_min_epu64(x, y); /* l0 l1 l2 l3 h0 h1 h2 h3 */
    h = _mm512_max_epu64(x, y); /* l4 l5 l6 l7 h4 h5 h6 h7 */
    x = _mm512_shuffle_i64x2(l, h, 0x88);
    y = _mm512_shuffle_i64x2(l, h, 0xdd);
    l = _mm512_min_epu64(x, y); /* l0 l1 h0 h1 l4 l5 h4 h5 */
    h = _mm512_max_epu64(x, y); /* l2 l3 h2 h3 l6 l7 h6 h7 */
    x = _mm512_unpacklo_epi64(l, h);
    y = _mm512_unpackhi_epi64(l, h);
    l = _mm512_min_epu64(x, y); /* l0 l2 h0 h2 l4 l6 h4 h6 */
    h = _mm512_max_epu64(x, y); /* l1 l3 h1 h3 l5 l7 h5 h7 */
    *low = _mm512_permutex2var_epi64(l, _mm512_setr_epi64(0, 8, 1, 9, 4, 12, 5, 13), h);
    return _mm512_permutex2var_epi64(l, _mm512_setr_epi64(15, 7, 14, 6, 11, 3, 10, 2), h);
}
static inline unsigned v_fresh(vec v, vec before)
{
    return _mm512_cmpneq_epu64_mask(v, _mm512_alignr_epi64(v, before, 7));
}
/* In a register: compressing straight to memory is slow on some processors. */
static inline vec v_compress(vec v, unsigned bits)
{
    return _mm512_maskz_compress_epi64((__mmask8)bits, v);
}

#include "kern/merge_lanes.h"
#include "kern/merge_body.h"
#else
typedef int qn_merge_avx512_is_empty;
#endif
