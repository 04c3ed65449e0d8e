/* Looking values up in a hashed bitmap, included by hashed_base.c, hashed_avx2.c and hashed_avx512.c after each has
 * said what it does best:
 *   GROUP                         how many values it looks up at once, 8 or 16
 *   group_bits(values, set, size) a bit for each of them */
extern const qn_hashed_kernels QN_HASHED_TABLE; /* hashed.c chooses among them */

static inline uint64_t one(const uint64_t *set, unsigned size, uint64_t value)
{
    uint64_t bit = qn_hashed_bit(value, size);
    return set[bit / 64] >> (bit & 63) & 1;
}

static void select_hashed(const uint64_t *values, size_t count, const uint64_t *set, unsigned size, uint64_t *out)
{
    size_t i = 0;
    for (; i + 64 <= count; i += 64) {
        uint64_t word = 0;
        for (unsigned k = 0; k < 64; k += GROUP)
            word |= (uint64_t)group_bits(values + i + k, set, size) << k;
        out[i / 64] = word;
    }
    if (i < count) {
        uint64_t word = 0;
        unsigned k = 0, rest = (unsigned)(count - i);
        for (; k + GROUP <= rest; k += GROUP)
            word |= (uint64_t)group_bits(values + i + k, set, size) << k;
        for (; k < rest; k++)
            word |= one(set, size, values[i + k]) << k;
        out[i / 64] = word;
    }
}

const qn_hashed_kernels QN_HASHED_TABLE = {.isa = QN_HASHED_ISA, .select = select_hashed};
