/* Exact sums of doubles, rounded once at the end.
 *
 * No answer may depend on how rows are divided among workers, and floating-point addition does: so sums
 * are kept exactly and only the final value is rounded (to nearest, ties to even).  An accumulator is 32
 * bytes: a 128-bit integer times a power of two that follows the data.  Values whose exponents lie too
 * far apart for it move to a fixed-point number as wide as all doubles and their products (after Kulisch,
 * "Computer Arithmetic and Validity", 2008, and Neal, "Fast Exact Summation Using Small and Large
 * Superaccumulators", 2015), taken from a qn_mem.
 *
 * Infinities and NaN follow float8pl: NaN wins, infinities of both signs make NaN.  A sum of nothing but
 * -0 is -0.  An accumulator belongs to one thread at a time; merging is by value. */
#ifndef QN_TYPE_EXACT_H
#define QN_TYPE_EXACT_H

#include "base/alloc.h"
#include "type/type.h"

typedef struct qn_exact_wide qn_exact_wide;
typedef struct qn_exact {
    qn_i128        sum;      /* times 2^exponent; unused once wide is there */
    qn_exact_wide *wide;
    int32_t        exponent;
    uint8_t        flags;
} qn_exact;
_Static_assert(sizeof(qn_exact) == 32, "accumulators lie in arrays");

/* All zero bytes are a valid empty accumulator as well. */
void qn_exact_init(qn_exact *e);
void qn_exact_deinit(qn_exact *e, qn_mem *mem);

/* Each adds exactly; false when memory is refused, and then the sum is unchanged. */
bool qn_exact_add(qn_exact *e, qn_mem *mem, double x);
bool qn_exact_add_times(qn_exact *e, qn_mem *mem, double x, uint64_t times);
bool qn_exact_add_product(qn_exact *e, qn_mem *mem, double x, double y);
bool qn_exact_add_product_times(qn_exact *e, qn_mem *mem, double x, double y, uint64_t times);
bool qn_exact_merge(qn_exact *e, qn_mem *mem, const qn_exact *from);

/* What an accumulator holds outside its 32 bytes, for moving it through a file: nothing (0), or that many bytes.
 * Unpacking is by the 32 bytes as they were; false when memory is refused (the accumulator is then empty). */
size_t qn_exact_packed_bytes(const qn_exact *e);
void   qn_exact_pack(const qn_exact *e, void *out);
bool   qn_exact_unpack(qn_exact *e, qn_mem *mem, const void *data);

/* The sum as the nearest double (float).  *overflow: finite values whose sum is not; the caller raises
 * 22003 as PostgreSQL does. */
double qn_exact_round(const qn_exact *e, bool *overflow);
float  qn_exact_round_f32(const qn_exact *e, bool *overflow);
/* sum / count, rounded once; count > 0. */
double qn_exact_mean(const qn_exact *e, uint64_t count, bool *overflow);
/* (count * xy - x * y) / divisor, rounded once: with xy the sum of products, the divisor `count` gives the
 * central moment (regr_sxy), count² the population covariance, count (count - 1) the sample covariance.
 * With xy = sum of squares and x = y it is never negative.  NaN when any sum is not finite. */
double qn_exact_moment(const qn_exact *xy, const qn_exact *x, const qn_exact *y, uint64_t count, qn_u128 divisor,
                       bool *overflow);

#endif
