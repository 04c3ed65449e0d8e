/* numeric: exact decimals of any length PostgreSQL allows (131,072 digits before the point, 16,383 after).
 *
 * A value is 16 bytes.  Small form (nearly always): a signed 120-bit coefficient and a display scale of
 * 0..250 in one 128-bit word, value = coefficient / 10^scale.  Long form: a tag and a pointer to limbs in an
 * arena.  NaN, Infinity and -Infinity are tags.  The form is canonical: a value whose coefficient fits is
 * always small, so equal small values of equal scale are equal words.
 *
 * Arithmetic gives PostgreSQL's results, display scale included (select_div_scale and friends). */
#ifndef QN_TYPE_NUMERIC_H
#define QN_TYPE_NUMERIC_H

#include "type/type.h"

#define QN_NUMERIC_SMALL_MAX ((((qn_i128)1) << 119) - 1) /* largest coefficient of the small form */

bool       qn_numeric_is_small(qn_numeric v);
qn_i128    qn_numeric_coefficient(qn_numeric v); /* small form only */
int        qn_numeric_scale(qn_numeric v);       /* display scale of any finite form */
bool       qn_numeric_is_nan(qn_numeric v);
bool       qn_numeric_is_infinite(qn_numeric v, int *sign);
qn_numeric qn_numeric_small(qn_i128 coefficient, int scale); /* caller knows that it fits */
/* The same of a 64-bit coefficient, which always fits; in line, for loops over many values. */
static inline qn_numeric qn_numeric_of_i64(int64_t coefficient, int scale)
{
    return (qn_numeric){(uint64_t)coefficient << 8 | (uint64_t)scale, (uint64_t)(coefficient >> 56)};
}

qn_status qn_numeric_from_i64(int64_t v, qn_numeric *out);
qn_status qn_numeric_from_i128(qn_i128 v, int scale, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_from_f64(double v, qn_arena *arena, qn_numeric *out, qn_error *err); /* 15 digits, as PostgreSQL */
qn_status qn_numeric_from_f32(float v, qn_arena *arena, qn_numeric *out, qn_error *err);  /* 6 digits */
qn_status qn_numeric_to_i64(qn_numeric v, int64_t *out, qn_error *err); /* rounds half away from zero; 22003 */
double    qn_numeric_to_f64(qn_numeric v);

qn_status qn_numeric_parse(const char *s, size_t bytes, int32_t typmod, qn_arena *arena, qn_numeric *out,
                           qn_error *err);
void      qn_numeric_print(qn_numeric v, qn_buf *buf);
qn_status qn_numeric_apply_typmod(qn_numeric v, int32_t typmod, qn_arena *arena, qn_numeric *out, qn_error *err);

int       qn_numeric_compare(qn_numeric a, qn_numeric b); /* NaN greatest and equal to itself */
void      qn_numeric_identity(qn_numeric v, uint64_t identity[2]); /* equal iff SQL-equal */
qn_status qn_numeric_add(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_sub(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_mul(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_div(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_mod(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_numeric qn_numeric_neg(qn_numeric v, qn_arena *arena);
qn_numeric qn_numeric_abs(qn_numeric v, qn_arena *arena);
qn_status qn_numeric_round(qn_numeric v, int scale, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_trunc(qn_numeric v, int scale, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_trunc(qn_numeric v, int scale, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_sqrt(qn_numeric v, qn_arena *arena, qn_numeric *out, qn_error *err);
/* The root of a finite v >= 0 rounded once, to `scale` digits. */
qn_status qn_numeric_sqrt_to(qn_numeric v, int scale, qn_arena *arena, qn_numeric *out, qn_error *err);
int        qn_numeric_sign(qn_numeric v); /* -1, 0, 1; NaN: 0 */
int        qn_numeric_compare_stored(qn_numeric a, qn_numeric b); /* by value, then by display scale */
float      qn_numeric_to_f32(qn_numeric v);
/* To an integer of [lo, hi]; `type` names it in 0A000 (NaN, infinity) and 22003. */
qn_status  qn_numeric_to_integer(qn_numeric v, int64_t lo, int64_t hi, const char *type, int64_t *out,
                                 qn_error *err);
void       qn_numeric_typmod_split(int32_t typmod, int *precision, int *scale);
int        qn_numeric_min_scale(qn_numeric v); /* fewest digits after the point that keep the value */

/* numeric_math.c.  Inexact results have the display scale PostgreSQL chooses for them. */
qn_status qn_numeric_ceil(qn_numeric v, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_floor(qn_numeric v, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_div_trunc(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out,
                               qn_error *err); /* div(a, b) */
qn_status qn_numeric_exp(qn_numeric v, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_ln(qn_numeric v, qn_arena *arena, qn_numeric *out, qn_error *err); /* 2201E */
qn_status qn_numeric_log(qn_numeric base, qn_numeric v, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_power(qn_numeric base, qn_numeric exponent, qn_arena *arena, qn_numeric *out,
                           qn_error *err); /* 2201F */
qn_status qn_numeric_gcd(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_lcm(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_factorial(int64_t n, qn_arena *arena, qn_numeric *out, qn_error *err);
qn_status qn_numeric_width_bucket(qn_numeric v, qn_numeric lo, qn_numeric hi, int32_t count,
                                  qn_arena *arena, int32_t *out, qn_error *err); /* 2201G */
/* Copy so that a long form lives in arena; false when memory is refused. */
bool      qn_numeric_copy(qn_numeric v, qn_arena *arena, qn_numeric *out);
/* Put v into a slot whose own memory, if any, came from an arena and is nobody else's; false when it does not fit there. */
bool      qn_numeric_overwrite(qn_numeric v, qn_numeric *slot);
/* A byte form that needs no arena, for blocks: at most qn_numeric_packed_bytes(v). */
size_t    qn_numeric_packed_bytes(qn_numeric v);
size_t    qn_numeric_pack(qn_numeric v, void *out);
qn_status qn_numeric_unpack(const void *data, size_t bytes, qn_arena *arena, qn_numeric *out, qn_error *err);

#endif
