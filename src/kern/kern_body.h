/* The kernels, written once over the vocabulary of vec_*.h and included by kern_base.c, kern_avx2.c
 * and kern_avx512.c, each compiled with its own flags.
 *
 * Packed loops go LANES values at a time, those that make bitmaps in words of 64 results.  A last
 * group that is not full is computed whole and stored in part: a load at its beginning reads less
 * than QN_KERN_SLACK past the packed bytes. */
#include "base/assert.h"
#include "kern/kern.h"

#define XXH_INLINE_ALL /* compiled here, with this level's flags */
#include <xxhash.h>

extern const qn_kernels QN_VEC_TABLE; /* kern.c chooses among them */

/* One value of any width up to 64 from a bit stream, which may reach into a ninth byte. */
static inline uint64_t scalar_at(const uint8_t *p, size_t i, unsigned width)
{
    size_t         bit = i * width;
    unsigned       shift = bit & 7;
    const uint8_t *at = p + (bit >> 3);
    uint64_t       x = load64(at) >> shift | load64(at + 1) << (8 - shift);
    return width >= 64 ? x : x & (((uint64_t)1 << width) - 1);
}

static void unpack32(const void *packed, unsigned width, uint32_t base, uint32_t *out, size_t count)
{
    const uint8_t *p = packed;
    size_t         i = 0;
    if (width == 0) {
        vu32 v = v_splat(base);
        for (; i + LANES <= count; i += LANES)
            v_store(out + i, v);
        for (; i < count; i++)
            out[i] = base;
        return;
    }
    if (width <= QN_VEC_WIDTH) {
        vctl c = v_ctl(width);
        vu32 add = v_splat(base);
        for (; i + LANES <= count; i += LANES, p += LANES * width / 8)
            v_store(out + i, v_add(v_unpack(&c, p), add));
        if (i < count)
            v_store_part(out + i, v_add(v_unpack(&c, p), add), count - i);
        return;
    }
    for (size_t k = 0; i < count; i++, k++)
        out[i] = base + (uint32_t)scalar_at(p, k, width);
}

static void unpack64(const void *packed, unsigned width, uint64_t base, uint64_t *out, size_t count)
{
    const uint8_t *p = packed;
    size_t         i = 0;
    if (width == 0) {
        for (; i < count; i++)
            out[i] = base;
        return;
    }
    if (width == 64) {
        for (; i < count; i++)
            out[i] = base + load64(p + i * 8);
        return;
    }
    if (width <= WIDE_WIDTH)
        for (; i + 8 <= count; i += 8, p += width)
            v8_unpack(p, width, base, out + i);
    for (size_t k = 0; i < count; i++, k++)
        out[i] = base + scalar_at(p, k, width);
}

static void sum32(uint32_t *values, uint32_t start, size_t count)
{
    vu32   carry = v_splat(start);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v_store(values + i, v_sum(v_load(values + i), &carry));
    if (i)
        start = values[i - 1];
    for (; i < count; i++)
        values[i] = start += values[i];
}

static void sum64(uint64_t *values, uint64_t start, size_t count)
{
    v64    carry = v64_splat(start);
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        v8_sum(values + i, &carry);
    if (i)
        start = values[i - 1];
    for (; i < count; i++)
        values[i] = start += values[i];
}

/* How many of the bits 1..i are 1, in byte i: the bits spread to bytes, then all sums by one
 * multiplication. */
static inline uint64_t ranks_of(uint64_t bits)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t       spread = ((bits & 0xfe) * ones & 0x8040201008040201) + 0x7f7f7f7f7f7f7f7f;
    return (spread >> 7 & ones) * ones;
}

static void expand_runs(const uint64_t *starts, const uint32_t *values, uint32_t *out, size_t count)
{
    size_t   i = 0, at = 0; /* the value of the row before */
    uint64_t bits = count ? starts[0] & ~(uint64_t)1 : 0;
    for (; i + 8 <= count; i += 8) {
        at += bits & 1;
        v8_runs(values + at, ranks_of(bits), out + i);
        at += (size_t)__builtin_popcountll(bits & 0xfe);
        bits = (i + 8) % 64 || i + 8 >= count ? bits >> 8 : starts[i / 64 + 1];
    }
    for (; i < count; i++, bits >>= 1) {
        at += bits & 1;
        out[i] = values[at];
    }
}

static uint32_t max_packed(const void *packed, unsigned width, size_t count)
{
    const uint8_t *p = packed;
    uint32_t       best = 0;
    size_t         i = 0;
    if (width == 0)
        return 0;
    if (width <= QN_VEC_WIDTH && count >= LANES) {
        vctl     c = v_ctl(width);
        vu32     m = v_splat(0);
        uint32_t lane[LANES];
        for (; i + LANES <= count; i += LANES, p += LANES * width / 8)
            m = v_max(m, v_unpack(&c, p));
        v_store(lane, m);
        for (unsigned k = 0; k < LANES; k++)
            best = lane[k] > best ? lane[k] : best;
    }
    for (size_t k = 0; i < count; i++, k++) {
        uint32_t v = (uint32_t)scalar_at(p, k, width);
        best = v > best ? v : best;
    }
    return best;
}

/* Set bits first..count-1 of a bitmap to `one`, and the bits after them in the last word to zero.
 */
static void fill_bits(uint64_t *out, size_t count, bool one)
{
    memset(out, one ? 0xff : 0, (count + 63) / 64 * 8);
    if (one && count % 64)
        out[count / 64] = ((uint64_t)1 << count % 64) - 1;
}

static inline uint64_t first_bits(uint64_t m, unsigned n) /* n < 64 */
{
    return m & (((uint64_t)1 << n) - 1);
}

/* Bitmap of a condition over LANES packed values at p, which gives their mask. */
#define MASK_LOOP(condition)                                                                       \
    for (size_t i = 0; i < count; i += 64) {                                                       \
        unsigned n = count - i < 64 ? (unsigned)(count - i) : 64;                                  \
        uint64_t m = 0;                                                                            \
        if (QN_LIKELY(n == 64))                                                                    \
            for (unsigned g = 0; g < 64; g += LANES, p += LANES * width / 8)                       \
                m |= (uint64_t)(condition) << g;                                                   \
        else                                                                                       \
            for (unsigned g = 0; g < n; g += LANES, p += LANES * width / 8)                        \
                m |= (uint64_t)(condition) << g;                                                   \
        out[i / 64] = n == 64 ? m : first_bits(m, n);                                              \
    }

static void select_range(const void *packed, unsigned width, uint32_t lo, uint32_t hi,
                         uint64_t *out, size_t count)
{
    const uint8_t *p = packed;
    if (width == 0) {
        fill_bits(out, count, lo == 0);
        return;
    }
    if (width < 32 && lo >> width) { /* beyond what the width can hold */
        fill_bits(out, count, false);
        return;
    }
    if (width < 32 && hi >> width)
        hi = (1u << width) - 1;
#ifdef NARROW_WIDTH
    if (width <= NARROW_WIDTH) {
        vnctl    c = vn_ctl(width, lo, hi - lo);
        size_t   word = 0, full = count / 64;
        unsigned rest = count % 64;
        for (; word < full; word++, p += 8 * width) {
            /* Two stores rather than a shift and an or: gcc 12 under its undefined-behaviour
             * sanitizer joins the two masks wrongly. */
            uint32_t half[2] = {vn_range_mask(&c, p, width),
                                vn_range_mask(&c, p + 4 * width, width)};
            memcpy(out + word, half, 8);
        }
        if (rest) {
            uint64_t m = vn_range_mask(&c, p, width);
            if (rest > 32)
                m |= (uint64_t)vn_range_mask(&c, p + 4 * width, width) << 32;
            out[word] = first_bits(m, rest);
        }
        return;
    }
#endif
    if (width <= QN_VEC_WIDTH) {
        /* In place: the constants are shifted, not the values. */
        vctl c = v_ctl(width);
        vu32 shift = v_shift(&c), mask = v_shl(v_splat((1u << (width & 31)) - 1), shift),
             l = v_shl(v_splat(lo), shift), span = v_shl(v_splat(hi - lo), shift);
        if (width == 32)
            mask = v_splat(UINT32_MAX);
        if (lo == hi)
            MASK_LOOP(v_eq_mask(v_and(v_window(&c, p), mask), l))
        else
            MASK_LOOP(v_le_mask(v_sub(v_and(v_window(&c, p), mask), l), span))
        return;
    }
    for (size_t i = 0, word = 0; i < count; word++) { /* wider than vectors take */
        uint64_t m = 0;
        for (unsigned b = 0; b < 64 && i < count; b++, i++)
            m |= (uint64_t)((uint32_t)scalar_at(p, i, width) - lo <= hi - lo) << b;
        out[word] = m;
    }
}

static inline bool set_has(const uint64_t *set, uint32_t i)
{
    return set[i >> 6] >> (i & 63) & 1;
}

#if SMALL_WORDS
static inline uint32_t small_mask(vu32 t, vu32 v)
{
    return v_test_mask(v_small(t, v_shr5(v)), v_bit(v));
}

/* The set restricted to base.. fits a register: look its words up there instead of in memory. */
static void select_small(const uint8_t *p, unsigned width, uint32_t base, const uint64_t *set,
                         uint32_t set_bits, uint64_t *out, size_t count)
{
    uint32_t table[SMALL_WORDS];
    vctl     c = v_ctl(width);
    for (unsigned w = 0; w < SMALL_WORDS; w++) {
        table[w] = 0;
        for (unsigned b = 0; b < 32 && w * 32 + b < 1u << width; b++) {
            uint64_t at = (uint64_t)base + w * 32 + b;
            if (at < set_bits && set_has(set, (uint32_t)at))
                table[w] |= 1u << b;
        }
    }
    vu32 t = v_load(table);
    MASK_LOOP(small_mask(t, v_unpack(&c, p)))
}
#endif

static inline uint32_t set_mask(const uint32_t *set, vu32 v)
{
    return v_test_mask(v_gather(set, v_shr5(v)), v_bit(v));
}

static void select_set(const void *packed, unsigned width, uint32_t base, const uint64_t *set,
                       uint32_t set_bits, uint64_t *out, size_t count)
{
    const uint8_t *p = packed;
    if (width == 0) {
        fill_bits(out, count, set_has(set, base));
        return;
    }
#if SMALL_WORDS
    if (1ull << width <= SMALL_WORDS * 32) {
        select_small(p, width, base, set, set_bits, out, count);
        return;
    }
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (width <= QN_VEC_WIDTH) {
        const uint32_t *set32 = (const uint32_t *)(const void *)set;
        vctl            c = v_ctl(width);
        vu32            add = v_splat(base);
        vu32 last = v_splat(set_bits - 1); /* for lanes beyond the end, which may hold anything */
        MASK_LOOP(set_mask(set32, v_min(v_add(v_unpack(&c, p), add), last)))
        return;
    }
#endif
    (void)set_bits;
    for (size_t i = 0, word = 0; i < count; word++) {
        uint64_t m = 0;
        for (unsigned b = 0; b < 64 && i < count; b++, i++)
            m |= (uint64_t)set_has(set, base + (uint32_t)scalar_at(p, i, width)) << b;
        out[word] = m;
    }
}

static void range32(const uint32_t *values, uint32_t lo, uint32_t hi, uint64_t *out, size_t count)
{
    size_t i = 0, word = 0;
    vu32   l = v_splat(lo), span = v_splat(hi - lo);
    for (; i + 64 <= count; i += 64, word++) {
        uint64_t m = 0;
        for (unsigned g = 0; g < 64; g += LANES)
            m |= (uint64_t)v_le_mask(v_sub(v_load(values + i + g), l), span) << g;
        out[word] = m;
    }
    if (i < count) {
        uint64_t m = 0;
        for (unsigned b = 0; i < count; b++, i++)
            m |= (uint64_t)(values[i] - lo <= hi - lo) << b;
        out[word] = m;
    }
}

#if TABLE_WIDTH
static inline void lookup_small(const uint8_t *p, unsigned width, const vtab *t, uint32_t *out,
                                size_t count, unsigned table_width)
{
    vctl   c = v_ctl(width);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES, p += LANES * width / 8)
        v_store(out + i, v_tab_at(t, table_width, v_unpack(&c, p)));
    if (i < count)
        v_store_part(out + i, v_tab_at(t, table_width, v_unpack(&c, p)), count - i);
}
#endif

static void lookup_packed(const void *packed, unsigned width, const uint32_t *table, uint32_t *out,
                          size_t count)
{
    const uint8_t *p = packed;
    size_t         i = 0;
#if TABLE_WIDTH
    if (width <= TABLE_WIDTH) { /* a loop for each number of registers that hold the table */
        uint32_t copy[1u << TABLE_WIDTH] = {0};
        memcpy(copy, table, (size_t)4 << width);
        vtab t = v_tab(copy);
        if (width <= TABLE_WIDTH - 2)
            lookup_small(p, width, &t, out, count, TABLE_WIDTH - 2);
        else if (width == TABLE_WIDTH - 1)
            lookup_small(p, width, &t, out, count, TABLE_WIDTH - 1);
        else
            lookup_small(p, width, &t, out, count, TABLE_WIDTH);
        return;
    }
#endif
    vctl c = v_ctl(width);
    for (; i + LANES <= count; i += LANES, p += LANES * width / 8)
        v_store(out + i, v_gather(table, v_unpack(&c, p)));
    for (size_t k = 0; i < count; i++, k++)
        out[i] = table[scalar_at(p, k, width)];
}

static void shape32(const uint32_t *values, size_t count, uint32_t *lo, uint32_t *hi,
                    uint32_t *runs)
{
    uint32_t l = values[0], h = values[0], r = 1;
    size_t   i = 1;
    if (count > LANES) {
        uint32_t lane[LANES];
        vu32     vl = v_splat(l), vh = vl;
        for (; i + LANES <= count; i += LANES) {
            vu32 a = v_load(values + i), b = v_load(values + i - 1);
            vl = v_min(vl, a);
            vh = v_max(vh, a);
            /* Neighbours are equal when neither is below the other. */
            r += LANES - (uint32_t)__builtin_popcount(v_le_mask(a, b) & v_le_mask(b, a));
        }
        v_store(lane, vl);
        for (unsigned k = 0; k < LANES; k++)
            l = lane[k] < l ? lane[k] : l;
        v_store(lane, vh);
        for (unsigned k = 0; k < LANES; k++)
            h = lane[k] > h ? lane[k] : h;
    }
    for (; i < count; i++) {
        l = values[i] < l ? values[i] : l;
        h = values[i] > h ? values[i] : h;
        r += values[i] != values[i - 1];
    }
    *lo = l;
    *hi = h;
    *runs = r;
}

static void bounds64(const uint64_t *values, size_t count, uint64_t *lo, uint64_t *hi)
{
    uint64_t l = values[0], h = values[0];
    for (size_t i = 1; i < count; i++) { /* the compiler vectorises this one by itself */
        l = values[i] < l ? values[i] : l;
        h = values[i] > h ? values[i] : h;
    }
    *lo = l;
    *hi = h;
}

static size_t bits_to_rows(const uint64_t *bits, size_t words, uint32_t base, uint32_t *out)
{
    size_t n = 0;
    for (size_t w = 0; w < words; w++) {
        uint32_t at = base + (uint32_t)(w * 64);
        if (bits[w] == UINT64_MAX) {
            for (uint32_t b = 0; b < 64; b++)
                out[n + b] = at + b;
            n += 64;
            continue;
        }
        for (uint64_t m = bits[w]; m; m &= m - 1)
            out[n++] = at + (uint32_t)__builtin_ctzll(m);
    }
    return n;
}

static size_t count_bits(const uint64_t *bits, size_t words)
{
    size_t n = 0;
    for (size_t w = 0; w < words; w++)
        n += (size_t)__builtin_popcountll(bits[w]);
    return n;
}

static size_t and_bits(uint64_t *bits, const uint64_t *mask, size_t words)
{
    size_t n = 0;
    for (size_t w = 0; w < words; w++) {
        bits[w] &= mask[w];
        n += (size_t)__builtin_popcountll(bits[w]);
    }
    return n;
}

static void xor_bits(uint64_t *bits, size_t words)
{
    uint64_t carry = 0;
    for (size_t w = 0; w < words; w++) /* each word by itself: the compiler takes several at once */
        for (unsigned shift = 1; shift < 64; shift *= 2)
            bits[w] ^= bits[w] << shift;
    for (size_t w = 0; w < words; w++) {
        bits[w] ^= carry;
        carry = -(bits[w] >> 63);
    }
}

static void deposit_bits(const uint64_t *places, const uint64_t *values, size_t words,
                         uint64_t *out)
{
    size_t at = 0;
    for (size_t w = 0; w < words; w++) {
        uint64_t v = values[at / 64] >> (at & 63);
        if (at & 63)
            v |= values[at / 64 + 1] << (64 - (at & 63));
        out[w] = deposit64(v, places[w]);
        at += (size_t)__builtin_popcountll(places[w]);
    }
}

static uint64_t checksum64(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

const qn_kernels QN_VEC_TABLE = {
    .isa = QN_VEC_ISA,
    .unpack32 = unpack32,
    .unpack64 = unpack64,
    .sum32 = sum32,
    .sum64 = sum64,
    .expand_runs = expand_runs,
    .max_packed = max_packed,
    .select_range = select_range,
    .select_set = select_set,
    .range32 = range32,
    .lookup_packed = lookup_packed,
    .shape32 = shape32,
    .bounds64 = bounds64,
    .bits_to_rows = bits_to_rows,
    .count_bits = count_bits,
    .and_bits = and_bits,
    .xor_bits = xor_bits,
    .deposit_bits = deposit_bits,
    .checksum64 = checksum64,
};
