/* numeric functions beyond the four operations: roots, exponentials, logarithms, powers, divisors.
 *
 * An inexact result has at least 16 significant digits, no fewer digits after the point than the
 * operands, and at most 1000; the display scale follows from an estimate of the result's weight.
 * The estimates are PostgreSQL's, base-10000 groups included, since users see the scale.  The
 * digits are computed with guard digits and rounded once:
 *
 *   exp  x / 2^n into the Taylor series, then n squarings
 *   ln   square roots until close to 1, then 2 artanh((x-1)/(x+1))
 *   pow  repeated squaring for integer exponents, else exp(y ln x)
 *
 * (Both reductions: Brent, "Fast Multiple-Precision Evaluation of Elementary Functions", 1976.)
 * While these run, numbers are kept to a number of leading limbs ("keep"), like floating point. */
#include <limits.h>
#include <math.h>

#include "base/assert.h"
#include "type/numeric_int.h"

#define GUARD_DIGITS 12
#define LOG10_E      0.434294481903252
#define LN_10        2.302585092994046
#define LOG10_2      0.301029995663981

static int max_int(int a, int b)
{
    return a > b ? a : b;
}
static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* A chosen scale: at least those of the operands, within [0, 1000]. */
static int chosen_scale(int scale, int a, int b)
{
    return min_int(max_int(max_int(scale, 0), max_int(a, b)), QN_NUMERIC_MAX_CHOSEN_SCALE);
}

/* Limbs that hold `digits` significant digits and the guard. */
static uint32_t limbs_to_keep(int digits)
{
    return (uint32_t)(max_int(digits, 0) + GUARD_DIGITS) / QN_LIMB_DIGITS + 2;
}

/* ---- the working functions ----------------------------------------------------------------- */

/* e^x to `scale` digits after the point.  false: overflow. */
static bool exp_wide(qn_wide_ctx *ctx, const qn_wide *x, int scale, qn_wide *out)
{
    double v = qn_wide_to_f64(x);
    *out = (qn_wide){.dscale = scale};
    if (fabs(v) >= QN_NUMERIC_MAX_RESULT_SCALE * 3)
        return v < 0;
    int digits = max_int(1 + (int)(v * LOG10_E) + scale, 0);
    /* Halve until below 2^-8; more for long results, where a squaring is cheaper than series terms.
     */
    int halvings = 8 + digits / 100;
    if (fabs(v) >= 1)
        halvings += ilogb(v) + 1;
    uint32_t keep = limbs_to_keep(digits + (int)(halvings * LOG10_2) + 1);
    qn_wide  r = *x, one = qn_wide_small(ctx, 1);
    qn_wide_trim(&r, keep + 2);
    r.dscale = 0; /* of no meaning until the end; sums must not run away in the products */
    for (int left = halvings; left > 0; left -= 29)
        r = qn_wide_div_u32(ctx, &r, 1u << min_int(left, 29),
                            r.low + (int32_t)r.count - (int32_t)keep - 4);
    qn_wide sum = one, term = one;
    for (uint32_t i = 1; r.count && !ctx->failed; i++) {
        term = qn_wide_mul(ctx, &term, &r);
        qn_wide_trim(&term, keep);
        term = qn_wide_div_u32(ctx, &term, i, term.low + (int32_t)term.count - (int32_t)keep - 1);
        if (term.count == 0 || term.low + (int32_t)term.count < -(int32_t)keep)
            break;
        sum = qn_wide_add(ctx, &sum, &term);
        qn_wide_trim(&sum, keep);
    }
    for (int i = 0; i < halvings; i++) {
        sum = qn_wide_mul(ctx, &sum, &sum);
        qn_wide_trim(&sum, keep);
    }
    *out = qn_wide_round(ctx, &sum, scale);
    return true;
}

/* ln x of x > 0 to `scale` digits after the point, which is about `digits` significant digits. */
static qn_wide ln_wide(qn_wide_ctx *ctx, const qn_wide *x, int scale, int digits)
{
    static const double close_to_one = 0.02;
    qn_wide             one = qn_wide_small(ctx, 1), r = *x;
    uint32_t            keep = limbs_to_keep(digits) + 3;
    uint32_t            doublings = 1;
    while (fabs(qn_wide_to_f64(&r) - 1) > close_to_one && !ctx->failed) {
        /* A double holds no more than 1e308, so far values are always "not close". */
        int32_t top = r.low + (int32_t)r.count - 1;
        r = qn_wide_sqrt(ctx, &r, qn_floor_div(top, 2) - (int32_t)keep);
        doublings++;
    }
    qn_wide below = qn_wide_sub(ctx, &r, &one), above = qn_wide_add(ctx, &r, &one);
    if (below.count == 0 || ctx->failed)
        return (qn_wide){.dscale = scale};
    qn_wide z =
        qn_wide_div(ctx, &below, &above, below.low + (int32_t)below.count - (int32_t)keep - 1);
    qn_wide_trim(&z, keep);
    z.dscale = 0;
    qn_wide square = qn_wide_mul(ctx, &z, &z), sum = z, power = z;
    qn_wide_trim(&square, keep);
    int32_t end = z.low + (int32_t)z.count - (int32_t)keep - 1;
    for (uint32_t i = 3; !ctx->failed; i += 2) {
        power = qn_wide_mul(ctx, &power, &square);
        qn_wide_trim(&power, keep);
        qn_wide term = qn_wide_div_u32(ctx, &power, i, power.low - 1);
        if (term.count == 0 || term.low + (int32_t)term.count < end)
            break;
        sum = qn_wide_add(ctx, &sum, &term);
        qn_wide_trim(&sum, keep + 1);
    }
    for (; doublings > 0; doublings -= min_int((int)doublings, 29))
        sum = qn_wide_mul_u32(ctx, &sum, 1u << min_int((int)doublings, 29));
    return qn_wide_round(ctx, &sum, scale);
}

/* PostgreSQL's estimate of the decimal weight of ln x. */
static int ln_weight(qn_wide_ctx *ctx, const qn_wide *x)
{
    if (x->count == 0 || x->negative)
        return 0;
    double v = qn_wide_to_f64(x);
    int    weight4 = qn_wide_weight4(x);
    if (v > 0.89 && v < 1.11) {
        uint32_t tenths = v < 1 ? 900000000u : 100000000u;
        uint32_t room[2] = {tenths, 1};
        qn_wide  bound = {.limb = room, .low = -1, .count = v < 1 ? 1 : 2};
        int      c = qn_wide_compare(x, &bound);
        if (v < 1 ? c >= 0 : c <= 0) { /* 0.9 to 1.1: ln x is about x - 1 */
            qn_wide one = qn_wide_small(ctx, 1), d = qn_wide_sub(ctx, x, &one);
            if (d.count == 0)
                return 0;
            d.negative = false;
            int w = qn_wide_weight4(&d);
            return w * 4 + (int)log10(qn_wide_group4(&d, w));
        }
    }
    double digits = qn_wide_group4(x, weight4);
    int    weight = weight4 * 4;
    if (qn_floor_div(qn_wide_last_exponent(x), 4) < weight4) {
        digits = digits * 10000 + qn_wide_group4(x, weight4 - 1);
        weight -= 4;
    }
    return (int)log10(fabs(log(digits) + weight * LN_10));
}

/* ---- one-operand functions ----------------------------------------------------------------- */

typedef qn_status (*math_body)(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, qn_wide *out,
                               qn_error *err);

/* Run body on finite operands with memory of its own, and bring the result home. */
static qn_status compute(math_body body, qn_numeric a, qn_numeric b, qn_arena *arena,
                         qn_numeric *out, qn_error *err)
{
    qn_status    st = QN_OK;
    qn_wide_room room_a, room_b;
    qn_arena     scratch;
    qn_wide_ctx  ctx = {.arena = &scratch};
    qn_wide      x = qn_wide_view(a, &room_a), y = qn_wide_view(b, &room_b), r = {0};
    qn_arena_init(&scratch, arena->mem);
    st = body(&ctx, &x, &y, &r, err);
    if (ctx.failed)
        st = qn_nomem(err);
    if (st == QN_OK)
        st = qn_wide_finish(&ctx, &r, arena, out, err);
    qn_arena_deinit(&scratch);
    return st;
}

static qn_numeric one_numeric(void)
{
    return qn_numeric_small(1, 0);
}
static qn_numeric zero_numeric(void)
{
    return qn_numeric_small(0, 0);
}
static qn_numeric nan_numeric(void)
{
    return qn_numeric_special(QN_NUMERIC_TAG_NAN);
}

static qn_status towards(qn_numeric v, int direction, qn_arena *arena, qn_numeric *out,
                         qn_error *err)
{
    qn_status st = qn_numeric_trunc(v, 0, arena, out, err);
    if (st == QN_OK && qn_numeric_sign(v) == direction && qn_numeric_compare(*out, v) != 0)
        st = qn_numeric_add(*out, qn_numeric_small(direction, 0), arena, out, err);
    return st;
}

qn_status qn_numeric_ceil(qn_numeric v, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    return towards(v, 1, arena, out, err);
}

qn_status qn_numeric_floor(qn_numeric v, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    return towards(v, -1, arena, out, err);
}

static qn_status sqrt_body(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, qn_wide *out,
                           qn_error *err)
{
    (void)b, (void)err;
    int weight4 = a->count ? qn_wide_weight4(a) : 0;
    int scale = chosen_scale(QN_NUMERIC_MIN_SIG_DIGITS - ((weight4 + 1) * 4 / 2 - 1), a->dscale, 0);
    /* Truncated one digit further than asked for: rounding it is rounding the root. */
    qn_wide r = qn_wide_sqrt(ctx, a, -qn_limbs_for_scale(scale + 1));
    *out = qn_wide_round(ctx, &r, scale);
    return QN_OK;
}

qn_status qn_numeric_sqrt(qn_numeric v, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    if (qn_numeric_sign(v) < 0)
        return qn_fail(err, QN_SQLSTATE_INVALID_ARGUMENT_FOR_POWER,
                       "cannot take square root of a negative number");
    if (qn_numeric_is_special(v)) {
        *out = v;
        return QN_OK;
    }
    return compute(sqrt_body, v, v, arena, out, err);
}

static qn_status sqrt_to_body(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, qn_wide *out,
                              qn_error *err)
{
    int64_t scale = 0;
    (void)err;
    QN_CHECK(qn_wide_to_i64(b, &scale));
    qn_wide r = qn_wide_sqrt(ctx, a, -qn_limbs_for_scale((int)scale + 1));
    *out = qn_wide_round(ctx, &r, (int)scale);
    return QN_OK;
}

qn_status qn_numeric_sqrt_to(qn_numeric v, int scale, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    QN_ASSERT(qn_numeric_sign(v) >= 0 && !qn_numeric_is_special(v));
    return compute(sqrt_to_body, v, qn_numeric_small(scale, 0), arena, out, err);
}

static qn_status exp_body(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, qn_wide *out,
                          qn_error *err)
{
    (void)b;
    double weight = qn_wide_to_f64(a) * LOG10_E;
    weight = fmin(fmax(weight, -QN_NUMERIC_MAX_RESULT_SCALE), QN_NUMERIC_MAX_RESULT_SCALE);
    int scale = chosen_scale(QN_NUMERIC_MIN_SIG_DIGITS - (int)weight, a->dscale, 0);
    return exp_wide(ctx, a, scale, out) ? QN_OK : qn_numeric_overflow(err);
}

qn_status qn_numeric_exp(qn_numeric v, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    int sign;
    if (qn_numeric_is_special(v)) {
        *out = qn_numeric_is_infinite(v, &sign) && sign < 0 ? zero_numeric() : v;
        return QN_OK;
    }
    return compute(exp_body, v, v, arena, out, err);
}

/* 2201E unless v > 0; NaN passes. */
static qn_status check_logarithm(qn_numeric v, qn_error *err)
{
    int sign = qn_numeric_sign(v);
    if (sign < 0)
        return qn_fail(err, QN_SQLSTATE_INVALID_ARGUMENT_FOR_LOG,
                       "cannot take logarithm of a negative number");
    if (sign == 0 && !qn_numeric_is_nan(v))
        return qn_fail(err, QN_SQLSTATE_INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of zero");
    return QN_OK;
}

static qn_status ln_body(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, qn_wide *out,
                         qn_error *err)
{
    (void)b, (void)err;
    int weight = ln_weight(ctx, a);
    int scale = chosen_scale(QN_NUMERIC_MIN_SIG_DIGITS - weight, a->dscale, 0);
    *out = ln_wide(ctx, a, scale, scale + weight + 1);
    return QN_OK;
}

qn_status qn_numeric_ln(qn_numeric v, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    qn_status st = check_logarithm(v, err);
    if (st != QN_OK)
        return st;
    if (qn_numeric_is_special(v)) {
        *out = v;
        return QN_OK;
    }
    return compute(ln_body, v, v, arena, out, err);
}

static qn_status log_body(qn_wide_ctx *ctx, const qn_wide *base, const qn_wide *v, qn_wide *out,
                          qn_error *err)
{
    int     wb = ln_weight(ctx, base), wv = ln_weight(ctx, v);
    int     weight = wv - wb;
    int     scale = chosen_scale(QN_NUMERIC_MIN_SIG_DIGITS - weight, base->dscale, v->dscale);
    int     digits = scale + weight + 8; /* significant, for both logarithms */
    qn_wide ln_base = ln_wide(ctx, base, max_int(digits - wb, 0), digits + 1);
    qn_wide ln_v = ln_wide(ctx, v, max_int(digits - wv, 0), digits + 1);
    if (ctx->failed)
        return qn_nomem(err);
    if (ln_base.count == 0)
        return qn_numeric_division_by_zero(err);
    qn_wide q = qn_wide_div(ctx, &ln_v, &ln_base, -qn_limbs_for_scale(scale + 1));
    *out = qn_wide_round(ctx, &q, scale);
    return QN_OK;
}

qn_status qn_numeric_log(qn_numeric base, qn_numeric v, qn_arena *arena, qn_numeric *out,
                         qn_error *err)
{
    int sign_base = qn_numeric_sign(base), sign_v = qn_numeric_sign(v);
    if (qn_numeric_is_nan(base) || qn_numeric_is_nan(v)) {
        *out = nan_numeric();
        return QN_OK;
    }
    /* Among specials a negative operand is reported before a zero one. */
    bool      special = qn_numeric_is_special(base) || qn_numeric_is_special(v);
    qn_status st = check_logarithm(special && sign_base == 0 && sign_v < 0 ? v : base, err);
    if (st == QN_OK)
        st = check_logarithm(v, err);
    if (st != QN_OK || !special)
        return st != QN_OK ? st : compute(log_body, base, v, arena, out, err);
    if (!qn_numeric_is_special(base))
        *out = qn_numeric_infinity(1);
    else
        *out = qn_numeric_is_special(v) ? nan_numeric() : zero_numeric();
    return QN_OK;
}

/* ---- powers -------------------------------------------------------------------------------- */

/* base^exponent for an exponent of 32 bits.  Here PostgreSQL 15 does not adapt the scale to the
 * result's weight: it is the base's, at least 16. */
static qn_status power_integer(qn_wide_ctx *ctx, const qn_wide *base, int exponent, qn_wide *out,
                               qn_error *err)
{
    int scale = chosen_scale(QN_NUMERIC_MIN_SIG_DIGITS, base->dscale, 0);
    *out = (qn_wide){.dscale = scale};
    if (exponent == 0) {
        *out = qn_wide_small(ctx, 1);
        out->dscale = scale;
        return QN_OK;
    }
    if (base->count == 0)
        return exponent < 0 ? qn_numeric_division_by_zero(err) : QN_OK;
    /* The weight of the result, from up to four leading groups of four digits. */
    int at = qn_wide_weight4(base), left = 3, last = qn_floor_div(qn_wide_last_exponent(base), 4);
    double lead = qn_wide_group4(base, at);
    while (at > last && left-- > 0)
        lead = lead * 10000 + qn_wide_group4(base, --at);
    double weight = exponent * (log10(lead) + at * 4);
    if (exponent > 2 || exponent < -1) {
        if (weight > (QN_NUMERIC_MAX_WEIGHT4 + 1) * 4)
            return qn_numeric_overflow(err);
        if (weight + 1 < -scale)
            return QN_OK; /* zero at this scale */
    }
    /* Small exponents are exact until the final rounding; otherwise enough digits for it are kept.
     */
    bool     exact = exponent >= -1 && exponent <= 2;
    int      digits = exact ? 0 : 1 + scale + (int)weight + (int)log(fabs((double)exponent)) + 8;
    uint32_t keep = exact ? UINT32_MAX : limbs_to_keep(digits);
    uint32_t bits = exponent < 0 ? 0u - (uint32_t)exponent : (uint32_t)exponent;
    qn_wide  square = *base, r = qn_wide_small(ctx, 1), one = r;
    for (; bits && !ctx->failed; bits >>= 1) {
        qn_wide_trim(&square, keep);
        square.dscale = r.dscale =
            0; /* of no meaning until the end; their sums must not run away */
        if (bits & 1) {
            r = qn_wide_mul(ctx, &r, &square);
            qn_wide_trim(&r, keep);
        }
        if (bits > 1)
            square = qn_wide_mul(ctx, &square, &square);
        if ((bits > 1 && qn_wide_weight4(&square) > QN_NUMERIC_MAX_WEIGHT4) ||
            qn_wide_weight4(&r) > QN_NUMERIC_MAX_WEIGHT4)
            return exponent > 0 ? qn_numeric_overflow(err) : QN_OK;
    }
    if (ctx->failed)
        return qn_nomem(err);
    if (exponent < 0)
        r = qn_wide_div(ctx, &one, &r, -qn_limbs_for_scale(scale + 1));
    *out = qn_wide_round(ctx, &r, scale);
    return QN_OK;
}

static qn_status power_body(qn_wide_ctx *ctx, const qn_wide *base, const qn_wide *exponent,
                            qn_wide *out, qn_error *err)
{
    int64_t n;
    bool    integer = qn_wide_is_integer(exponent);
    if (integer && qn_wide_to_i64(exponent, &n) && n >= INT32_MIN && n <= INT32_MAX)
        return power_integer(ctx, base, (int)n, out, err);
    if (base->count == 0) {
        *out = (qn_wide){.dscale = QN_NUMERIC_MIN_SIG_DIGITS};
        return QN_OK;
    }
    bool    negative = base->negative && qn_wide_is_odd(exponent);
    qn_wide b = *base;
    b.negative = false;
    int ln_w = ln_weight(ctx, &b);
    /* A first look with 8 digits tells the weight of the result. */
    int     scale = max_int(8 - ln_w, 0);
    qn_wide ln_b = ln_wide(ctx, &b, scale, scale + ln_w + 1);
    qn_wide product = qn_wide_mul(ctx, &ln_b, exponent);
    product = qn_wide_round(ctx, &product, scale);
    double weight = qn_wide_to_f64(&product);
    if (fabs(weight) > QN_NUMERIC_MAX_RESULT_SCALE * 3.01) {
        *out = (qn_wide){.dscale = QN_NUMERIC_MAX_CHOSEN_SCALE};
        return weight > 0 ? qn_numeric_overflow(err) : QN_OK;
    }
    weight *= LOG10_E;
    int result_scale =
        chosen_scale(QN_NUMERIC_MIN_SIG_DIGITS - (int)weight, b.dscale, exponent->dscale);
    scale = max_int(result_scale + (int)weight - ln_w + 8, 0);
    ln_b = ln_wide(ctx, &b, scale, scale + ln_w + 1);
    product = qn_wide_mul(ctx, &ln_b, exponent);
    product = qn_wide_round(ctx, &product, scale);
    if (!exp_wide(ctx, &product, result_scale, out))
        return qn_numeric_overflow(err);
    out->negative = negative && out->count;
    return QN_OK;
}

/* NaN and infinite operands, by the rules of POSIX pow(). */
static qn_numeric power_special(qn_numeric base, qn_numeric exponent, bool odd)
{
    qn_numeric one = one_numeric();
    int        sign_base = qn_numeric_sign(base), sign = qn_numeric_sign(exponent);
    bool       exponent_zero = !qn_numeric_is_special(exponent) && sign == 0;
    bool       base_one = !qn_numeric_is_special(base) && qn_numeric_compare(base, one) == 0;
    if (exponent_zero || base_one)
        return one;
    if (qn_numeric_is_nan(base) || qn_numeric_is_nan(exponent))
        return nan_numeric();
    if (sign_base == 0)
        return zero_numeric(); /* the exponent is Infinity: -Infinity was refused */
    if (qn_numeric_is_special(exponent)) {
        qn_numeric size = qn_numeric_abs(base, NULL);
        int        c = qn_numeric_compare(size, one);
        if (c == 0)
            return one;
        return (c > 0) == (sign > 0) ? qn_numeric_infinity(1) : zero_numeric();
    }
    if (sign < 0)
        return zero_numeric();
    return qn_numeric_infinity(sign_base < 0 && odd ? -1 : 1);
}

qn_status qn_numeric_power(qn_numeric base, qn_numeric exponent, qn_arena *arena, qn_numeric *out,
                           qn_error *err)
{
    bool nan = qn_numeric_is_nan(base) || qn_numeric_is_nan(exponent);
    int  sign_base = qn_numeric_sign(base), sign = qn_numeric_sign(exponent);
    bool integer = true, odd = false;
    if (!qn_numeric_is_special(exponent)) {
        qn_wide_room room;
        qn_wide      y = qn_wide_view(exponent, &room);
        integer = qn_wide_is_integer(&y);
        odd = qn_wide_is_odd(&y);
    }
    if (!nan && sign_base == 0 && sign < 0)
        return qn_fail(err, QN_SQLSTATE_INVALID_ARGUMENT_FOR_POWER,
                       "zero raised to a negative power is undefined");
    if (!nan && sign_base < 0 && !integer)
        return qn_fail(err, QN_SQLSTATE_INVALID_ARGUMENT_FOR_POWER,
                       "a negative number raised to a non-integer power yields a complex result");
    if (nan || qn_numeric_is_special(base) || qn_numeric_is_special(exponent)) {
        *out = power_special(base, exponent, odd);
        return QN_OK;
    }
    return compute(power_body, base, exponent, arena, out, err);
}

/* ---- divisors, products, buckets ----------------------------------------------------------- */

/* Euclid's algorithm; decimals are whole multiples of their last place, so it works on them as
 * well. */
static qn_wide gcd_wide(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b)
{
    qn_wide x = *a, y = *b;
    int     scale = max_int(a->dscale, b->dscale);
    while (y.count && !ctx->failed) {
        qn_wide r = qn_wide_mod(ctx, &x, &y);
        x = y;
        y = r;
    }
    x.negative = false;
    x.dscale = scale;
    return x;
}

static qn_status gcd_body(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, qn_wide *out,
                          qn_error *err)
{
    (void)err;
    *out = gcd_wide(ctx, a, b);
    return QN_OK;
}

static qn_status lcm_body(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, qn_wide *out,
                          qn_error *err)
{
    int scale = max_int(a->dscale, b->dscale);
    *out = (qn_wide){.dscale = scale};
    if (a->count == 0 || b->count == 0)
        return QN_OK;
    qn_wide g = gcd_wide(ctx, a, b);
    if (ctx->failed)
        return qn_nomem(err);
    qn_wide q = qn_wide_div(ctx, a, &g, 0);
    *out = qn_wide_mul(ctx, &q, b);
    out->negative = false;
    out->dscale = scale;
    return QN_OK;
}

qn_status qn_numeric_gcd(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out,
                         qn_error *err)
{
    if (qn_numeric_is_special(a) || qn_numeric_is_special(b)) {
        *out = nan_numeric();
        return QN_OK;
    }
    return compute(gcd_body, a, b, arena, out, err);
}

qn_status qn_numeric_lcm(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out,
                         qn_error *err)
{
    if (qn_numeric_is_special(a) || qn_numeric_is_special(b)) {
        *out = nan_numeric();
        return QN_OK;
    }
    return compute(lcm_body, a, b, arena, out, err);
}

static qn_status factorial_body(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, qn_wide *out,
                                qn_error *err)
{
    int64_t  n = 0;
    uint32_t factor = 1;
    (void)b, (void)err;
    qn_wide_to_i64(a, &n);
    *out = qn_wide_small(ctx, 1);
    for (uint32_t i = 2; i <= (uint32_t)n && !ctx->failed; i++) {
        if ((uint64_t)factor * i >
            UINT32_MAX) { /* as many factors as one pass over the limbs takes */
            *out = qn_wide_mul_u32(ctx, out, factor);
            factor = 1;
        }
        factor *= i;
    }
    *out = qn_wide_mul_u32(ctx, out, factor);
    return QN_OK;
}

qn_status qn_numeric_factorial(int64_t n, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    if (n < 0)
        return qn_fail(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE,
                       "factorial of a negative number is undefined");
    if (n > 32177) /* the largest with no more than 131,072 digits */
        return qn_numeric_overflow(err);
    qn_numeric v = qn_numeric_small(n, 0);
    return compute(factorial_body, v, v, arena, out, err);
}

/* trunc(count × (v - lo) / (hi - lo)) + 1 for lo <= v < hi.  The quotient is the rounded one of
 * `/`, so a value just below hi may land in bucket count + 1, as it does in PostgreSQL 15. */
static qn_status inner_bucket(qn_numeric v, qn_numeric lo, qn_numeric hi, int32_t count,
                              qn_arena *arena, int32_t *out, qn_error *err)
{
    qn_status  st = QN_OK;
    qn_numeric part, whole, n;
    int64_t    bucket;
    QN_TRY(qn_numeric_sub(v, lo, arena, &part, err));
    QN_TRY(qn_numeric_sub(hi, lo, arena, &whole, err));
    QN_TRY(qn_numeric_mul(part, qn_numeric_small(count, 0), arena, &part, err));
    QN_TRY(qn_numeric_div(part, whole, arena, &n, err));
    QN_TRY(qn_numeric_trunc(n, 0, arena, &n, err));
    QN_TRY(qn_numeric_to_integer(n, 0, INT32_MAX - 1, "integer", &bucket, err));
    *out = (int32_t)bucket + 1;
done:
    return st;
}

qn_status qn_numeric_width_bucket(qn_numeric v, qn_numeric lo, qn_numeric hi, int32_t count,
                                  qn_arena *arena, int32_t *out, qn_error *err)
{
    const qn_sqlstate state = QN_SQLSTATE_INVALID_ARGUMENT_FOR_WIDTH_BUCKET;
    if (count <= 0)
        return qn_fail(err, state, "count must be greater than zero");
    if (qn_numeric_is_nan(v) || qn_numeric_is_nan(lo) || qn_numeric_is_nan(hi))
        return qn_fail(err, state, "operand, lower bound, and upper bound cannot be NaN");
    if (qn_numeric_is_special(lo) || qn_numeric_is_special(hi))
        return qn_fail(err, state, "lower and upper bounds must be finite");
    int order = qn_numeric_compare(lo, hi);
    if (order == 0)
        return qn_fail(err, state, "lower bound cannot equal upper bound");
    int from_lo = qn_numeric_compare(v, lo) * -order, from_hi = qn_numeric_compare(v, hi) * -order;
    if (from_lo < 0) {
        *out = 0;
        return QN_OK;
    }
    if (from_hi >= 0) {
        if (count == INT32_MAX)
            return qn_fail(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "integer out of range");
        *out = count + 1;
        return QN_OK;
    }
    return inner_bucket(v, lo, hi, count, arena, out, err);
}
