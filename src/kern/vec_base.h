/* Vector vocabulary of the base level: plain C on groups of eight, for any machine.
 *
 * This is the specification of the other two vocabularies.
 *
 *   LANES, vu32            a vector of LANES 32-bit integers
 *   vctl, v_ctl(w)         what unpacking at width w needs
 *   v_unpack(ctl, p)       LANES values of width w <= QN_VEC_WIDTH from the LANES * w / 8 bytes at p
 *   v_splat v_load v_store v_and v_add v_sub v_min v_max v_gather
 *   v_store_part(p, a, n)  the first n < LANES lanes
 *   v_le_mask(a, b)        bit per lane: a <= b, unsigned
 *   v_test_mask(a, b)      bit per lane: (a & b) != 0
 *   v_bit(a)               1 << (a & 31) per lane
 *   v_shr5(a)              a >> 5
 *   v_sum(a, carry)        sums of the lanes up to each, plus carry, whose lanes all become the last sum
 *   v_window(ctl, p)       like v_unpack, but each value still v_shift(ctl) bits up and between other bits
 *   v_shl(a, b)            a << b per lane
 *   v_eq_mask(a, b)        bit per lane: a == b
 *   v_small(t, i)          t[i] from a table held in registers (SMALL_WORDS words; 0: not offered)
 *   vtab, v_tab(t)         a table of 2^TABLE_WIDTH words in registers (0: not offered)
 *   v_tab_at(tab, w, i)    its entries i, below 2^w
 *   NARROW_WIDTH           vn_ctl, vn_range_mask: 32 values of at most that width compared at once
 *   deposit64(v, m)        the low bits of v at the 1 bits of m
 *   v8_unpack(p, w, out)   eight 64-bit values of width w <= WIDE_WIDTH
 *   v8_sum(p, carry)       v_sum of eight 64-bit values where they lie
 *   v8_runs(t, ranks, out) eight times t[rank], a rank of 0 to 7 in each byte, lowest first
 */
#ifndef QN_KERN_VEC_H
#define QN_KERN_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define QN_VEC_TABLE qn_kernels_base
#define QN_VEC_ISA   QN_ISA_BASE
#define LANES        8u
#define QN_VEC_WIDTH 32u
#define SMALL_WORDS  0u
#define TABLE_WIDTH  0u

typedef struct vu32 {
    uint32_t v[LANES];
} vu32;
typedef struct vctl {
    uint32_t width, mask;
} vctl;

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

static inline vctl v_ctl(unsigned width)
{
    return (vctl){width, width >= 32 ? UINT32_MAX : (1u << width) - 1};
}
#define EACH(expression)                                                                           \
    vu32 r;                                                                                        \
    for (unsigned i = 0; i < LANES; i++)                                                           \
        r.v[i] = (expression);                                                                     \
    return r
static inline vu32 v_unpack(const vctl *c, const uint8_t *p)
{
    EACH((uint32_t)(load64(p + (i * c->width >> 3)) >> (i * c->width & 7)) & c->mask);
}
static inline vu32 v_window(const vctl *c, const uint8_t *p)
{
    return v_unpack(c, p); /* nothing would be saved */
}
static inline vu32 v_shift(const vctl *c)
{
    (void)c;
    EACH(0);
}
static inline vu32 v_shl(vu32 a, vu32 b)
{
    EACH(a.v[i] << b.v[i]);
}
static inline vu32 v_and(vu32 a, vu32 b)
{
    EACH(a.v[i] & b.v[i]);
}
static inline vu32 v_splat(uint32_t x)
{
    EACH(x);
}
static inline vu32 v_load(const uint32_t *p)
{
    EACH(p[i]);
}
static inline void v_store(uint32_t *p, vu32 a)
{
    memcpy(p, a.v, sizeof a.v);
}
static inline void v_store_part(uint32_t *p, vu32 a, size_t n)
{
    memcpy(p, a.v, n * 4);
}
static inline vu32 v_add(vu32 a, vu32 b)
{
    EACH(a.v[i] + b.v[i]);
}
static inline vu32 v_sub(vu32 a, vu32 b)
{
    EACH(a.v[i] - b.v[i]);
}
static inline vu32 v_min(vu32 a, vu32 b)
{
    EACH(a.v[i] < b.v[i] ? a.v[i] : b.v[i]);
}
static inline vu32 v_max(vu32 a, vu32 b)
{
    EACH(a.v[i] > b.v[i] ? a.v[i] : b.v[i]);
}
static inline vu32 v_gather(const uint32_t *t, vu32 a)
{
    EACH(t[a.v[i]]);
}
static inline vu32 v_bit(vu32 a)
{
    EACH(1u << (a.v[i] & 31));
}
static inline vu32 v_shr5(vu32 a)
{
    EACH(a.v[i] >> 5);
}
static inline uint32_t v_le_mask(vu32 a, vu32 b)
{
    uint32_t m = 0;
    for (unsigned i = 0; i < LANES; i++)
        m |= (uint32_t)(a.v[i] <= b.v[i]) << i;
    return m;
}
static inline uint32_t v_eq_mask(vu32 a, vu32 b)
{
    uint32_t m = 0;
    for (unsigned i = 0; i < LANES; i++)
        m |= (uint32_t)(a.v[i] == b.v[i]) << i;
    return m;
}
static inline uint32_t v_test_mask(vu32 a, vu32 b)
{
    uint32_t m = 0;
    for (unsigned i = 0; i < LANES; i++)
        m |= (uint32_t)((a.v[i] & b.v[i]) != 0) << i;
    return m;
}
#define WIDE_WIDTH 57u
static inline void v8_unpack(const uint8_t *p, unsigned width, uint64_t base, uint64_t *out)
{
    uint64_t mask = ((uint64_t)1 << width) - 1;
    for (unsigned i = 0; i < 8; i++)
        out[i] = base + ((load64(p + (i * width >> 3)) >> (i * width & 7)) & mask);
}
static inline uint64_t deposit64(uint64_t v, uint64_t m)
{
    uint64_t out = 0;
    for (; m; m &= m - 1, v >>= 1)
        out |= (m & -m) & -(v & 1);
    return out;
}
#undef EACH
static inline vu32 v_sum(vu32 a, vu32 *carry)
{
    uint32_t sum = carry->v[0];
    for (unsigned i = 0; i < LANES; i++)
        a.v[i] = sum += a.v[i];
    *carry = v_splat(sum);
    return a;
}
typedef uint64_t v64;
static inline v64 v64_splat(uint64_t x)
{
    return x;
}
static inline void v8_sum(uint64_t *p, v64 *carry)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = *carry += p[i];
}
static inline void v8_runs(const uint32_t *t, uint64_t ranks, uint32_t *out)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = t[ranks >> 8 * i & 7];
}

#endif
