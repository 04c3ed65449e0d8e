/* Inside numeric: the working form of a value while it is computed with.
 *
 * A qn_wide is sign × Σ limb[i] × 1e9^(low + i).  Limbs are aligned at the decimal point, least
 * significant first, so addition needs no scaling, printing no division, and the limbs of a value do not
 * depend on its display scale.  The limbs are borrowed: from a value, from a qn_wide_room on the stack,
 * or from the arena of a qn_wide_ctx.
 *
 * Arithmetic is sticky: after a refused allocation ctx->failed is set and results are zero; the caller
 * asks once, in qn_wide_finish. */
#ifndef QN_TYPE_NUMERIC_INT_H
#define QN_TYPE_NUMERIC_INT_H

#include "type/numeric.h"

#define QN_LIMB_BASE 1000000000u
#define QN_LIMB_DIGITS 9

/* Limits of PostgreSQL's format. */
#define QN_NUMERIC_MAX_DSCALE 16383      /* stored display scale */
#define QN_NUMERIC_MAX_WEIGHT4 32767     /* of the leading base-10000 group: 131,072 digits */
#define QN_NUMERIC_MAX_CHOSEN_SCALE 1000 /* largest scale a function chooses by itself */
#define QN_NUMERIC_MIN_SIG_DIGITS 16     /* significant digits an inexact result has at least */
#define QN_NUMERIC_MAX_RESULT_SCALE 2000

/* The low byte of a value: a scale up to 250, or one of these. */
#define QN_NUMERIC_SMALL_SCALE 250
#define QN_NUMERIC_TAG_LONG 251
#define QN_NUMERIC_TAG_NAN 252
#define QN_NUMERIC_TAG_INF 253
#define QN_NUMERIC_TAG_NEG_INF 254

typedef struct qn_wide {
    uint32_t *limb; /* count of them, each below 1e9; first and last not zero once normal */
    uint32_t  count;
    int32_t   low;
    int32_t   dscale;
    bool      negative;
} qn_wide;

/* A small value has at most 36 digits, spread over at most 5 aligned limbs. */
typedef struct qn_wide_room {
    uint32_t limb[6];
} qn_wide_room;

typedef struct qn_wide_ctx {
    qn_arena *arena;
    bool      failed;
} qn_wide_ctx;

/* What a long value points to; sign and display scale are in the value itself. */
typedef struct qn_numeric_long {
    int32_t  low;
    uint32_t count;
    uint32_t limb[];
} qn_numeric_long;

extern const uint32_t qn_pow10_u32[10];
qn_u128               qn_pow10_u128(int exponent); /* 0..38 */
int                   qn_digits_u128(qn_u128 v);   /* decimal digits, 0 for 0 */

static inline int qn_numeric_tag(qn_numeric v) { return (int)(v.lo & 0xff); }
static inline qn_numeric qn_numeric_special(int tag) { return (qn_numeric){(uint64_t)tag, 0}; }
static inline bool qn_numeric_is_special(qn_numeric v) { return qn_numeric_tag(v) >= QN_NUMERIC_TAG_NAN; }
static inline const qn_numeric_long *qn_numeric_long_of(qn_numeric v)
{
    return (const qn_numeric_long *)(uintptr_t)v.hi;
}
static inline bool qn_numeric_long_negative(qn_numeric v) { return v.lo >> 8 & 1; }
static inline qn_u128 qn_magnitude(qn_i128 v) { return v < 0 ? 0 - (qn_u128)v : (qn_u128)v; }
static inline qn_numeric qn_numeric_infinity(int sign)
{
    return qn_numeric_special(sign > 0 ? QN_NUMERIC_TAG_INF : QN_NUMERIC_TAG_NEG_INF);
}
static inline int qn_floor_div(int a, int b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/* View of a finite value; limbs in room for a small one. */
qn_wide qn_wide_view(qn_numeric v, qn_wide_room *room);
/* Round to nothing: the exact value, checked against the format's limits (22003), canonical, in arena. */
qn_status qn_wide_finish(const qn_wide_ctx *ctx, const qn_wide *w, qn_arena *arena, qn_numeric *out,
                         qn_error *err);
/* ±c / 10^scale, scale >= 0. */
qn_status qn_numeric_from_u128(qn_u128 c, bool negative, int scale, qn_arena *arena, qn_numeric *out,
                               qn_error *err);
qn_status qn_numeric_overflow(qn_error *err);
qn_status qn_numeric_division_by_zero(qn_error *err);

void    qn_wide_normalize(qn_wide *w);
qn_wide qn_wide_small(qn_wide_ctx *ctx, uint64_t v);
int     qn_wide_compare(const qn_wide *a, const qn_wide *b);
int     qn_wide_compare_abs(const qn_wide *a, const qn_wide *b);
qn_wide qn_wide_add(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b);
qn_wide qn_wide_sub(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b);
qn_wide qn_wide_mul(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b);
qn_wide qn_wide_mul_u32(qn_wide_ctx *ctx, const qn_wide *a, uint32_t factor); /* factor below 2^32 */
/* a / b truncated to a multiple of 1e9^low; b is not zero. */
qn_wide qn_wide_div(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, int32_t low);
qn_wide qn_wide_div_u32(qn_wide_ctx *ctx, const qn_wide *a, uint32_t divisor, int32_t low);
/* a - trunc(a / b) × b */
qn_wide qn_wide_mod(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b);
/* Square root of a >= 0, truncated to a multiple of 1e9^low. */
qn_wide qn_wide_sqrt(qn_wide_ctx *ctx, const qn_wide *a, int32_t low);
/* Half away from zero, or towards zero; a negative scale rounds before the point.  The display scale
 * becomes max(scale, 0). */
qn_wide qn_wide_round(qn_wide_ctx *ctx, const qn_wide *a, int scale);
qn_wide qn_wide_trunc(qn_wide_ctx *ctx, const qn_wide *a, int scale);
/* Drop all but the `keep` most significant limbs. */
void qn_wide_trim(qn_wide *w, uint32_t keep);

/* Decimal exponent of the leading and of the last non-zero digit; 0 for zero. */
int      qn_wide_exponent(const qn_wide *w);
int      qn_wide_last_exponent(const qn_wide *w);
/* PostgreSQL works in groups of four digits, and its choices of scale depend on them. */
uint32_t qn_wide_group4(const qn_wide *w, int weight4);
static inline int qn_wide_weight4(const qn_wide *w) { return qn_floor_div(qn_wide_exponent(w), 4); }
/* An integer value's parity, and whether it is one. */
bool   qn_wide_is_integer(const qn_wide *w);
bool   qn_wide_is_odd(const qn_wide *w);
bool   qn_wide_to_i64(const qn_wide *w, int64_t *out); /* of an integer; false: does not fit */
/* "123e-4" with enough digits for strtod to round correctly; no decimal point, so no locale. */
void   qn_wide_text(const qn_wide *w, char text[64]);
double qn_wide_to_f64(const qn_wide *w); /* ±HUGE_VAL on overflow */
/* Smallest number of limbs after the point that holds `scale` digits. */
static inline int32_t qn_limbs_for_scale(int scale) { return scale <= 0 ? 0 : (scale + 8) / 9; }

#endif
