/* Kernels over a bitmap that is addressed by hash: which of many 64-bit values may be in a set?
 *
 * The set is 2^size bits, of which each member's is 1.  A value whose bit is 0 is no member; one whose bit is 1 is, or
 * shares the bit with one (a filter of one hash after Bloom, 1970).  Hashing is multiplicative (Knuth, "The Art of
 * Computer Programming" volume 3, section 6.4): neighbours spread evenly, and one multiplication is all it costs.
 *
 * Contract: as in kern.h; every level gives identical results. */
#ifndef QN_KERN_HASHED_H
#define QN_KERN_HASHED_H

#include "kern/kern.h"

#define QN_HASHED_SIZE_MIN 6u /* one word */
#define QN_HASHED_SIZE_MAX 32u

/* Which of the 2^size bits is the value's. */
static inline uint64_t qn_hashed_bit(uint64_t value, unsigned size)
{
    return value * 0x9e3779b97f4a7c15ull >> (64 - size);
}
static inline void qn_hashed_add(uint64_t *set, unsigned size, uint64_t value)
{
    uint64_t bit = qn_hashed_bit(value, size);
    set[bit / 64] |= (uint64_t)1 << (bit & 63);
}

typedef struct qn_hashed_kernels {
    qn_isa isa;
    /* Bit i of out: the bit of values[i] is 1 in the set of 2^size bits.  size QN_HASHED_SIZE_MIN .. _MAX. */
    void (*select)(const uint64_t *values, size_t count, const uint64_t *set, unsigned size, uint64_t *out);
} qn_hashed_kernels;

/* Of the level in force (qn_kernels_get), and of one level: NULL when this build or machine does not have it. */
const qn_hashed_kernels *qn_hashed_kernels_get(void);
const qn_hashed_kernels *qn_hashed_kernels_of(qn_isa isa);

#endif
