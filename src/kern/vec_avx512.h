/* Vector vocabulary of AVX-512 (F, BW, DQ, VL, VBMI); vec_base.h says what each word means.
 *
 * Unpacking: sixteen values of width w <= 25 are 2w <= 50 bytes, so one 64-byte load holds them all
 * and one byte permutation brings the four bytes around each value into its lane.  Narrow widths
 * also come as 32 lanes of 16 bits (NARROW), which halves the work of a comparison. */
#ifndef QN_KERN_VEC_H
#define QN_KERN_VEC_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define QN_VEC_TABLE qn_kernels_avx512
#define QN_VEC_ISA   QN_ISA_AVX512
#define LANES        16u
#define QN_VEC_WIDTH 25u
#define SMALL_WORDS  16u
#define TABLE_WIDTH  6u
#define NARROW_WIDTH 9u /* shift 7 + 9 bits fit a 16-bit lane */

typedef __m512i vu32;
typedef struct vctl {
    __m512i permute, shift, mask;
} vctl;

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

static inline vctl v_ctl(unsigned width)
{
    vctl    c;
    __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i bit = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)width));
    __m512i byte = _mm512_mullo_epi32(_mm512_srli_epi32(bit, 3), _mm512_set1_epi32(0x01010101));
    c.permute = _mm512_add_epi32(byte, _mm512_set1_epi32(0x03020100));
    c.shift = _mm512_and_si512(bit, _mm512_set1_epi32(7));
    c.mask = _mm512_set1_epi32((int)((1u << width) - 1));
    return c;
}
static inline vu32 v_window(const vctl *c, const uint8_t *p)
{
    return _mm512_permutexvar_epi8(c->permute, _mm512_loadu_si512(p));
}
static inline vu32 v_unpack(const vctl *c, const uint8_t *p)
{
    return _mm512_and_si512(_mm512_srlv_epi32(v_window(c, p), c->shift), c->mask);
}
static inline vu32 v_shift(const vctl *c)
{
    return c->shift;
}
static inline vu32 v_shl(vu32 a, vu32 b)
{
    return _mm512_sllv_epi32(a, b);
}
static inline vu32 v_and(vu32 a, vu32 b)
{
    return _mm512_and_si512(a, b);
}
static inline vu32 v_splat(uint32_t x)
{
    return _mm512_set1_epi32((int)x);
}
static inline vu32 v_load(const uint32_t *p)
{
    return _mm512_loadu_si512(p);
}
static inline void v_store(uint32_t *p, vu32 a)
{
    _mm512_storeu_si512(p, a);
}
static inline void v_store_part(uint32_t *p, vu32 a, size_t n)
{
    _mm512_mask_storeu_epi32(p, (__mmask16)((1u << n) - 1), a);
}
static inline vu32 v_add(vu32 a, vu32 b)
{
    return _mm512_add_epi32(a, b);
}
static inline vu32 v_sub(vu32 a, vu32 b)
{
    return _mm512_sub_epi32(a, b);
}
static inline vu32 v_min(vu32 a, vu32 b)
{
    return _mm512_min_epu32(a, b);
}
static inline vu32 v_max(vu32 a, vu32 b)
{
    return _mm512_max_epu32(a, b);
}
static inline vu32 v_gather(const uint32_t *t, vu32 a)
{
    return _mm512_i32gather_epi32(a, t, 4);
}
static inline vu32 v_bit(vu32 a)
{
    return _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(a, _mm512_set1_epi32(31)));
}
static inline vu32 v_shr5(vu32 a)
{
    return _mm512_srli_epi32(a, 5);
}
static inline uint32_t v_le_mask(vu32 a, vu32 b)
{
    return _mm512_cmple_epu32_mask(a, b);
}
static inline uint32_t v_eq_mask(vu32 a, vu32 b)
{
    return _mm512_cmpeq_epi32_mask(a, b);
}
static inline uint32_t v_test_mask(vu32 a, vu32 b)
{
    return _mm512_test_epi32_mask(a, b);
}
static inline vu32 v_small(vu32 t, vu32 i)
{
    return _mm512_permutexvar_epi32(i, t);
}

typedef struct vtab {
    __m512i t[4];
} vtab;
static inline vtab v_tab(const uint32_t *t)
{
    return (vtab){{v_load(t), v_load(t + 16), v_load(t + 32), v_load(t + 48)}};
}
static inline vu32 v_tab_at(const vtab *t, unsigned width, vu32 i)
{
    if (width <= 4)
        return _mm512_permutexvar_epi32(i, t->t[0]);
    __m512i a = _mm512_permutex2var_epi32(t->t[0], i, t->t[1]);
    if (width <= 5)
        return a;
    __m512i b = _mm512_permutex2var_epi32(t->t[2], i, t->t[3]);
    return _mm512_mask_mov_epi32(a, _mm512_test_epi32_mask(i, _mm512_set1_epi32(32)), b);
}

/* Values stay at their shifts: what they are compared with is shifted instead, once. */
typedef struct vnctl {
    __m512i permute, mask, lo, span;
} vnctl;
static inline vnctl vn_ctl(unsigned width, uint32_t lo, uint32_t span)
{
    vnctl    c;
    uint16_t lane[32];
    for (unsigned i = 0; i < 32; i++)
        lane[i] = (uint16_t)(i * width);
    __m512i bit = _mm512_loadu_si512(lane), shift = _mm512_and_si512(bit, _mm512_set1_epi16(7));
    __m512i byte = _mm512_mullo_epi16(_mm512_srli_epi16(bit, 3), _mm512_set1_epi16(0x0101));
    c.permute = _mm512_add_epi16(byte, _mm512_set1_epi16(0x0100));
    c.mask = _mm512_sllv_epi16(_mm512_set1_epi16((short)((1u << width) - 1)), shift);
    c.lo = _mm512_sllv_epi16(_mm512_set1_epi16((short)lo), shift);
    c.span = _mm512_sllv_epi16(_mm512_set1_epi16((short)span), shift);
    return c;
}
static inline uint32_t vn_range_mask(const vnctl *c, const uint8_t *p, unsigned width)
{
    (void)width;
    __m512i x = _mm512_permutexvar_epi8(c->permute, _mm512_loadu_si512(p));
    x = _mm512_sub_epi16(_mm512_and_si512(x, c->mask), c->lo);
    return _mm512_cmple_epu16_mask(x, c->span);
}

#define WIDE_WIDTH 64u
/* A value of more than 57 bits may reach into a ninth byte. */
static inline void v8_unpack(const uint8_t *p, unsigned width, uint64_t base, uint64_t *out)
{
    __m512i lane = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    __m512i bit = _mm512_mullo_epi64(lane, _mm512_set1_epi64((long long)width));
    __m512i shift = _mm512_and_si512(bit, _mm512_set1_epi64(7));
    __m512i byte = _mm512_shuffle_epi8(
        _mm512_srli_epi64(bit, 3), _mm512_set_epi64(0x0808080808080808, 0, 0x0808080808080808, 0,
                                                    0x0808080808080808, 0, 0x0808080808080808, 0));
    __m512i permute = _mm512_add_epi8(byte, _mm512_set1_epi64(0x0706050403020100));
    __m512i source = _mm512_loadu_si512(p), x = _mm512_permutexvar_epi8(permute, source);
    x = _mm512_srlv_epi64(x, shift);
    if (width > 57) { /* the same bytes, one further on */
        __m512i next = _mm512_add_epi8(permute, _mm512_set1_epi8(1));
        next = _mm512_permutexvar_epi8(next, source);
        x = _mm512_or_si512(x,
                            _mm512_sllv_epi64(next, _mm512_sub_epi64(_mm512_set1_epi64(8), shift)));
    }
    x = _mm512_and_si512(x, _mm512_set1_epi64((long long)(UINT64_MAX >> (64 - width))));
    _mm512_storeu_si512(out, _mm512_add_epi64(x, _mm512_set1_epi64((long long)base)));
}
static inline vu32 v_sum(vu32 a, vu32 *carry)
{
    const __m512i zero = _mm512_setzero_si512();
    a = _mm512_add_epi32(a, _mm512_alignr_epi32(a, zero, 15));
    a = _mm512_add_epi32(a, _mm512_alignr_epi32(a, zero, 14));
    a = _mm512_add_epi32(a, _mm512_alignr_epi32(a, zero, 12));
    a = _mm512_add_epi32(a, _mm512_alignr_epi32(a, zero, 8));
    __m512i out = _mm512_add_epi32(a, *carry);
    /* From the sum without the carry, so that only this addition waits for the step before. */
    *carry = _mm512_add_epi32(*carry, _mm512_permutexvar_epi32(_mm512_set1_epi32(15), a));
    return out;
}
typedef __m512i   v64;
static inline v64 v64_splat(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}
static inline void v8_sum(uint64_t *p, v64 *carry)
{
    const __m512i zero = _mm512_setzero_si512();
    __m512i       a = _mm512_loadu_si512(p);
    a = _mm512_add_epi64(a, _mm512_alignr_epi64(a, zero, 7));
    a = _mm512_add_epi64(a, _mm512_alignr_epi64(a, zero, 6));
    a = _mm512_add_epi64(a, _mm512_alignr_epi64(a, zero, 4));
    _mm512_storeu_si512(p, _mm512_add_epi64(a, *carry));
    *carry = _mm512_add_epi64(*carry, _mm512_permutexvar_epi64(_mm512_set1_epi64(7), a));
}
static inline void v8_runs(const uint32_t *t, uint64_t ranks, uint32_t *out)
{
    __m256i i = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)ranks));
    __m256i a = _mm256_loadu_si256((const __m256i *)t);
    _mm256_storeu_si256((__m256i *)out, _mm256_permutevar8x32_epi32(a, i));
}
static inline uint64_t deposit64(uint64_t v, uint64_t m)
{
    return _pdep_u64(v, m);
}

#endif
