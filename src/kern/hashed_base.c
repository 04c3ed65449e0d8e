/* Looking values up in a hashed bitmap on any machine.  This is the specification of the other levels. */
#include "kern/hashed.h"

#define QN_HASHED_TABLE qn_hashed_kernels_base
#define QN_HASHED_ISA   QN_ISA_BASE
#define GROUP           8u

static inline uint64_t one(const uint64_t *set, unsigned size, uint64_t value);

static inline uint32_t group_bits(const uint64_t *values, const uint64_t *set, unsigned size)
{
    uint32_t bits = 0;
    for (unsigned k = 0; k < GROUP; k++)
        bits |= (uint32_t)one(set, size, values[k]) << k;
    return bits;
}

#include "kern/hashed_body.h"
