/* Bit streams and patched arrays: the two integer codings everything else is made of.
 *
 * A patched array (after Zukowski et al., "Super-Scalar RAM-CPU Cache Compression", 2006) packs a
 * group of values at a width that suits most of them; the high parts of the few larger ones follow.
 */
#ifndef QN_STORE_BLOCK_PACK_H
#define QN_STORE_BLOCK_PACK_H

#include <string.h>
#include "base/alloc.h"
#include "kern/kern.h"
#include "store/block/format.h"

/* A growing byte buffer with sticky failure: write on, ask `failed` once.  Its memory is kept for
 * reuse. */
typedef struct qn_out {
    qn_mem  *mem;
    uint8_t *data;
    size_t   bytes, capacity;
    bool     failed;
} qn_out;

/* Room for `bytes` more (and QN_KERN_SLACK beyond); NULL after a failure.  Does not advance. */
uint8_t *qn_out_reserve(qn_out *out, size_t bytes);
void     qn_out_add(qn_out *out, const void *data, size_t bytes);
void     qn_out_pad8(qn_out *out, size_t since); /* zeros until (bytes - since) % 8 == 0 */

static inline unsigned qn_bits64(uint64_t x)
{
    return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}
static inline unsigned qn_bits32(uint32_t x)
{
    return x ? 32 - (unsigned)__builtin_clz(x) : 0;
}
static inline size_t qn_packed_bytes(size_t count, unsigned width)
{
    return (count * width + 7) / 8;
}

static inline uint16_t qn_get16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}
static inline uint32_t qn_get32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
static inline uint64_t qn_get64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}
/* One value of a stream; reads at most nine bytes from the one it begins in. */
static inline uint64_t qn_packed_at(const uint8_t *p, size_t i, unsigned width)
{
    size_t   bit = i * width;
    unsigned shift = bit & 7;
    if (width == 0)
        return 0;
    uint64_t x = qn_get64(p + (bit >> 3)) >> shift;
    if (shift + width > 64)
        x |= (uint64_t)p[(bit >> 3) + 8] << (64 - shift);
    return width >= 64 ? x : x & (((uint64_t)1 << width) - 1);
}

/* Write values[i] - base at `width`; returns the bytes used and may scribble on the 8 after them.
 */
size_t qn_pack32(uint8_t *out, const uint32_t *values, size_t count, uint32_t base, unsigned width);
size_t qn_pack64(uint8_t *out, const uint64_t *values, size_t count, uint64_t base, unsigned width);

/* Patched array of u32 in groups of QN_FMT_GROUP: append to out. */
void qn_patched_write(qn_out *out, const uint32_t *values, size_t count);
/* Bytes of a well-formed patched array of `count` values at p, 0 when it does not fit `bytes` or is
 * damaged.  Everything qn_patched_read relies on is checked here. */
size_t qn_patched_check(const uint8_t *p, size_t bytes, size_t count);
/* Values first..first+count-1 of a checked array of `total` in `bytes`, `add` added to each.  A
 * group that is no longer as it was checked, because a page was lost under the mapping, reads as
 * zeros: the caller finds out afterwards (qn_block_readable), but nothing outside the arrays is
 * touched. */
void qn_patched_read(const qn_kernels *k, const uint8_t *p, size_t bytes, size_t total,
                     size_t first, size_t count, uint32_t add, uint32_t *out);

/* Sorted distinct images in units of QN_UNIT_ROWS: append to out. */
void qn_sorted_write(qn_out *out, const uint64_t *values, size_t count, uint64_t *scratch);
/* Is this a well-formed section of `count` values? */
bool qn_sorted_check(const uint8_t *p, size_t bytes, size_t count);
/* All values of one unit of a checked section, `add` added to each, as far as its low 64 or 32
 * bits; returns how many (out has room for them).  Zeros for a unit whose offset was lost with its
 * page. */
size_t   qn_sorted_unit(const qn_kernels *k, const uint8_t *p, size_t total, size_t unit,
                        uint64_t add, uint64_t *out);
size_t   qn_sorted_unit32(const qn_kernels *k, const uint8_t *p, size_t total, size_t unit,
                          uint32_t *out);
uint64_t qn_sorted_first(const uint8_t *p, size_t unit); /* the first value of a unit */

#endif
