/* Vector vocabulary of AVX2; vec_base.h says what each word means.
 *
 * Unpacking: eight values of width w <= 25 are w bytes.  The lower four start at bit 0, the upper
 * four at bit 4w; each half is loaded as 16 bytes, a byte shuffle brings the four bytes around each
 * value into its lane, a variable shift and a mask finish.  (After Willhalm et al., "SIMD-Scan",
 * 2009.) */
#ifndef QN_KERN_VEC_H
#define QN_KERN_VEC_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define QN_VEC_TABLE qn_kernels_avx2
#define QN_VEC_ISA   QN_ISA_AVX2
#define LANES        8u
#define QN_VEC_WIDTH 25u
#define SMALL_WORDS  8u
#define TABLE_WIDTH  5u
#define NARROW_WIDTH 9u /* shift 7 + 9 bits fit a 16-bit lane */

typedef __m256i vu32;
typedef struct vctl {
    __m256i  shuffle, shift, mask;
    uint32_t upper;
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
    int     w = (int)width, odd = 4 * w & 7; /* bits before value 4 in its first byte */
    __m256i bit = _mm256_setr_epi32(0, w, 2 * w, 3 * w, odd, odd + w, odd + 2 * w, odd + 3 * w);
    __m256i byte = _mm256_mullo_epi32(_mm256_srli_epi32(bit, 3), _mm256_set1_epi32(0x01010101));
    c.shuffle = _mm256_add_epi32(byte, _mm256_set1_epi32(0x03020100));
    c.shift = _mm256_and_si256(bit, _mm256_set1_epi32(7));
    c.mask = _mm256_set1_epi32((int)((1u << width) - 1));
    c.upper = 4 * width >> 3;
    return c;
}
static inline vu32 v_window(const vctl *c, const uint8_t *p)
{
    __m128i lo = _mm_loadu_si128((const __m128i *)p);
    __m128i hi = _mm_loadu_si128((const __m128i *)(p + c->upper));
    return _mm256_shuffle_epi8(_mm256_set_m128i(hi, lo), c->shuffle);
}
static inline vu32 v_unpack(const vctl *c, const uint8_t *p)
{
    return _mm256_and_si256(_mm256_srlv_epi32(v_window(c, p), c->shift), c->mask);
}
static inline vu32 v_shift(const vctl *c)
{
    return c->shift;
}
static inline vu32 v_shl(vu32 a, vu32 b)
{
    return _mm256_sllv_epi32(a, b);
}
static inline vu32 v_and(vu32 a, vu32 b)
{
    return _mm256_and_si256(a, b);
}
static inline vu32 v_splat(uint32_t x)
{
    return _mm256_set1_epi32((int)x);
}
static inline vu32 v_load(const uint32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}
static inline void v_store(uint32_t *p, vu32 a)
{
    _mm256_storeu_si256((__m256i *)p, a);
}
static inline void v_store_part(uint32_t *p, vu32 a, size_t n)
{
    __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_maskstore_epi32((int *)p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane), a);
}
static inline vu32 v_add(vu32 a, vu32 b)
{
    return _mm256_add_epi32(a, b);
}
static inline vu32 v_sub(vu32 a, vu32 b)
{
    return _mm256_sub_epi32(a, b);
}
static inline vu32 v_min(vu32 a, vu32 b)
{
    return _mm256_min_epu32(a, b);
}
static inline vu32 v_max(vu32 a, vu32 b)
{
    return _mm256_max_epu32(a, b);
}
static inline vu32 v_gather(const uint32_t *t, vu32 a)
{
    return _mm256_i32gather_epi32((const int *)t, a, 4);
}
static inline vu32 v_bit(vu32 a)
{
    return _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_and_si256(a, _mm256_set1_epi32(31)));
}
static inline vu32 v_shr5(vu32 a)
{
    return _mm256_srli_epi32(a, 5);
}
static inline uint32_t v_le_mask(vu32 a, vu32 b)
{
    __m256i le = _mm256_cmpeq_epi32(_mm256_min_epu32(a, b), a);
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(le));
}
static inline uint32_t v_eq_mask(vu32 a, vu32 b)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)));
}
static inline uint32_t v_test_mask(vu32 a, vu32 b)
{
    __m256i zero = _mm256_cmpeq_epi32(_mm256_and_si256(a, b), _mm256_setzero_si256());
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(zero)) ^ 0xffu;
}
static inline vu32 v_small(vu32 t, vu32 i)
{
    return _mm256_permutevar8x32_epi32(t, i);
}

typedef struct vtab {
    __m256i t[4];
} vtab;
static inline vtab v_tab(const uint32_t *t)
{
    return (vtab){{v_load(t), v_load(t + 8), v_load(t + 16), v_load(t + 24)}};
}
static inline __m256i choose(__m256i a, __m256i b, __m256i i,
                             int bit) /* b where the bit of i is 1 */
{
    __m256 sign = _mm256_castsi256_ps(_mm256_slli_epi32(i, 31 - bit));
    return _mm256_castps_si256(
        _mm256_blendv_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), sign));
}
static inline vu32 v_tab_at(const vtab *t, unsigned width, vu32 i)
{
    __m256i a = _mm256_permutevar8x32_epi32(t->t[0], i);
    if (width <= 3)
        return a;
    a = choose(a, _mm256_permutevar8x32_epi32(t->t[1], i), i, 3);
    if (width <= 4)
        return a;
    __m256i b = choose(_mm256_permutevar8x32_epi32(t->t[2], i),
                       _mm256_permutevar8x32_epi32(t->t[3], i), i, 3);
    return choose(a, b, i, 4);
}

/* Eight values of 16-bit lanes are w bytes, so each 16-byte half is loaded where its eight begin
 * and one shuffle serves all.  There is no shift by lane: a multiplication moves every value up to
 * bit 7, and there it stays. */
typedef struct vnctl {
    __m256i shuffle, up, mask, lo, span;
} vnctl;
static inline vnctl vn_ctl(unsigned width, uint32_t lo, uint32_t span)
{
    vnctl    c;
    uint16_t shuffle[16], up[16];
    for (unsigned i = 0; i < 16; i++) {
        unsigned bit = (i & 7) * width;
        shuffle[i] = (uint16_t)((bit >> 3) * 0x0101 + 0x0100);
        up[i] = (uint16_t)(128 >> (bit & 7));
    }
    c.shuffle = _mm256_loadu_si256((const __m256i *)shuffle);
    c.up = _mm256_loadu_si256((const __m256i *)up);
    c.mask = _mm256_set1_epi16((short)(((1u << width) - 1) << 7));
    c.lo = _mm256_set1_epi16((short)(lo << 7));
    c.span = _mm256_set1_epi16((short)(span << 7));
    return c;
}
static inline __m256i vn_in_range(const vnctl *c, const uint8_t *p, const uint8_t *q)
{
    __m256i x =
        _mm256_set_m128i(_mm_loadu_si128((const __m128i *)q), _mm_loadu_si128((const __m128i *)p));
    x = _mm256_mullo_epi16(_mm256_shuffle_epi8(x, c->shuffle), c->up);
    x = _mm256_sub_epi16(_mm256_and_si256(x, c->mask), c->lo);
    return _mm256_cmpeq_epi16(_mm256_min_epu16(x, c->span), x);
}
static inline uint32_t vn_range_mask(const vnctl *c, const uint8_t *p, unsigned width)
{
    /* Packing goes by halves: values 0-7 and 16-23 with values 8-15 and 24-31. */
    __m256i a = vn_in_range(c, p, p + 2 * width), b = vn_in_range(c, p + width, p + 3 * width);
    return (uint32_t)_mm256_movemask_epi8(_mm256_packs_epi16(a, b));
}

/* Two values per 16-byte half: relative to its first byte a pair begins at an even bit <= 6, so
 * even width 57 ends inside the 16 bytes and each value inside eight. */
static inline __m256i v4_unpack(const uint8_t *p, unsigned bit, unsigned width, __m256i mask)
{
    unsigned b0 = bit, b1 = bit + 2 * width;
    unsigned r0 = b0 & 7, r1 = b1 & 7;
    __m128i  lo = _mm_loadu_si128((const __m128i *)(p + (b0 >> 3)));
    __m128i  hi = _mm_loadu_si128((const __m128i *)(p + (b1 >> 3)));
    __m256i  at = _mm256_setr_epi64x((long long)r0, (long long)(r0 + width), (long long)r1,
                                     (long long)(r1 + width));
    __m256i  byte = _mm256_srli_epi64(at, 3);
    byte = _mm256_or_si256(byte, _mm256_slli_epi64(byte, 8));
    byte = _mm256_or_si256(byte, _mm256_slli_epi64(byte, 16));
    byte = _mm256_or_si256(byte, _mm256_slli_epi64(byte, 32));
    __m256i x = _mm256_shuffle_epi8(_mm256_set_m128i(hi, lo),
                                    _mm256_add_epi8(byte, _mm256_set1_epi64x(0x0706050403020100)));
    return _mm256_and_si256(_mm256_srlv_epi64(x, _mm256_and_si256(at, _mm256_set1_epi64x(7))),
                            mask);
}
#define WIDE_WIDTH 57u
static inline void v8_unpack(const uint8_t *p, unsigned width, uint64_t base, uint64_t *out)
{
    __m256i mask = _mm256_set1_epi64x((long long)(((uint64_t)1 << width) - 1));
    __m256i add = _mm256_set1_epi64x((long long)base);
    __m256i a = v4_unpack(p, 0, width, mask), b = v4_unpack(p, 4 * width, width, mask);
    _mm256_storeu_si256((__m256i *)out, _mm256_add_epi64(a, add));
    _mm256_storeu_si256((__m256i *)(out + 4), _mm256_add_epi64(b, add));
}
static inline vu32 v_sum(vu32 a, vu32 *carry)
{
    const __m256i three = _mm256_set1_epi32(3), seven = _mm256_set1_epi32(7);
    a = _mm256_add_epi32(a, _mm256_slli_si256(a, 4)); /* within each half */
    a = _mm256_add_epi32(a, _mm256_slli_si256(a, 8));
    __m256i lower = _mm256_permutevar8x32_epi32(a, three);
    a = _mm256_add_epi32(a, _mm256_blend_epi32(_mm256_setzero_si256(), lower, 0xf0));
    __m256i out = _mm256_add_epi32(a, *carry);
    /* From the sum without the carry, so that only this addition waits for the step before. */
    *carry = _mm256_add_epi32(*carry, _mm256_permutevar8x32_epi32(a, seven));
    return out;
}
typedef __m256i   v64;
static inline v64 v64_splat(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}
static inline void v8_sum(uint64_t *p, v64 *carry)
{
    for (unsigned i = 0; i < 8; i += 4) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(p + i));
        a = _mm256_add_epi64(a, _mm256_slli_si256(a, 8));
        __m256i lower = _mm256_permute4x64_epi64(a, 0x55);
        a = _mm256_add_epi64(a, _mm256_blend_epi32(_mm256_setzero_si256(), lower, 0xf0));
        _mm256_storeu_si256((__m256i *)(p + i), _mm256_add_epi64(a, *carry));
        *carry = _mm256_add_epi64(*carry, _mm256_permute4x64_epi64(a, 0xff));
    }
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
