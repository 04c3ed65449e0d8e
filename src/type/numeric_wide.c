/* Limb arithmetic of numeric's working form (see numeric_int.h).
 *
 * Schoolbook algorithms throughout: the longest value PostgreSQL allows has 16,384 limbs, and
 * values beyond a dozen limbs are rare.  Division is Knuth's algorithm D ("The Art of Computer
 * Programming", volume 2, 4.3.1); square root is Newton's iteration on integers, started from the
 * root of the upper half of the limbs.
 *
 * Invariant: every result is normal (no zero limb at either end, zero is not negative).
 *
 * Not here: scales of results, special values, errors. */
#include "type/numeric_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

const uint32_t qn_pow10_u32[10] = {1,      10,      100,      1000,      10000,
                                   100000, 1000000, 10000000, 100000000, 1000000000};

static const uint64_t pow10_u64[20] = {1u,
                                       10u,
                                       100u,
                                       1000u,
                                       10000u,
                                       100000u,
                                       1000000u,
                                       10000000u,
                                       100000000u,
                                       1000000000u,
                                       10000000000u,
                                       100000000000u,
                                       1000000000000u,
                                       10000000000000u,
                                       100000000000000u,
                                       1000000000000000u,
                                       10000000000000000u,
                                       100000000000000000u,
                                       1000000000000000000u,
                                       10000000000000000000u};

qn_u128 qn_pow10_u128(int exponent)
{
    QN_ASSERT(exponent >= 0 && exponent <= 38);
    return exponent < 20 ? (qn_u128)pow10_u64[exponent]
                         : (qn_u128)pow10_u64[19] * pow10_u64[exponent - 19];
}

int qn_digits_u128(qn_u128 v)
{
    if (v == 0)
        return 0;
    int bits = (uint64_t)(v >> 64) ? 128 - __builtin_clzll((uint64_t)(v >> 64))
                                   : 64 - __builtin_clzll((uint64_t)v);
    int digits = bits * 1233 >> 12; /* log10(2) from below: right or one too few */
    return v >= qn_pow10_u128(digits) ? digits + 1 : digits;
}

static int digits_u32(uint32_t v)
{
    int n = 0;
    while (n < 10 && v >= qn_pow10_u32[n])
        n++;
    return n;
}

/* ---- construction -------------------------------------------------------------------------- */

static const qn_wide wide_zero = {0};

/* Room for count limbs, cleared; NULL sets failed. */
static uint32_t *limbs_new(qn_wide_ctx *ctx, size_t count)
{
    uint32_t *limb = ctx->failed ? NULL : qn_arena_array(ctx->arena, uint32_t, count ? count : 1);
    if (!limb)
        ctx->failed = true;
    return limb;
}

void qn_wide_normalize(qn_wide *w)
{
    while (w->count && w->limb[w->count - 1] == 0)
        w->count--;
    while (w->count && w->limb[0] == 0) {
        w->limb++;
        w->low++;
        w->count--;
    }
    if (w->count == 0) {
        w->low = 0;
        w->negative = false;
    }
}

void qn_wide_trim(qn_wide *w, uint32_t keep)
{
    if (w->count > keep) {
        uint32_t drop = w->count - keep;
        w->limb += drop;
        w->low += (int32_t)drop;
        w->count = keep;
        qn_wide_normalize(w);
    }
}

qn_wide qn_wide_small(qn_wide_ctx *ctx, uint64_t v)
{
    qn_wide w = wide_zero;
    w.limb = limbs_new(ctx, 3);
    if (!w.limb)
        return wide_zero;
    while (v) {
        w.limb[w.count++] = (uint32_t)(v % QN_LIMB_BASE);
        v /= QN_LIMB_BASE;
    }
    qn_wide_normalize(&w);
    return w;
}

/* ---- looking ------------------------------------------------------------------------------- */

static int32_t weight_of(const qn_wide *w)
{
    return w->low + (int32_t)w->count - 1;
}

/* The limb of weight `at`, zero outside. */
static uint32_t limb_at(const qn_wide *w, int32_t at)
{
    return at < w->low || at > weight_of(w) ? 0 : w->limb[at - w->low];
}

int qn_wide_exponent(const qn_wide *w)
{
    if (w->count == 0)
        return 0;
    return weight_of(w) * QN_LIMB_DIGITS + digits_u32(w->limb[w->count - 1]) - 1;
}

int qn_wide_last_exponent(const qn_wide *w)
{
    if (w->count == 0)
        return 0;
    int      zeros = 0;
    uint32_t v = w->limb[0];
    while (v % 10 == 0) {
        v /= 10;
        zeros++;
    }
    return w->low * QN_LIMB_DIGITS + zeros;
}

static uint32_t digit_at(const qn_wide *w, int exponent)
{
    int at = qn_floor_div(exponent, QN_LIMB_DIGITS);
    return limb_at(w, at) / qn_pow10_u32[exponent - at * QN_LIMB_DIGITS] % 10;
}

uint32_t qn_wide_group4(const qn_wide *w, int weight4)
{
    uint32_t v = 0;
    for (int i = 3; i >= 0; i--)
        v = v * 10 + digit_at(w, weight4 * 4 + i);
    return v;
}

bool qn_wide_is_integer(const qn_wide *w)
{
    return w->count == 0 || w->low >= 0;
}

bool qn_wide_is_odd(const qn_wide *w)
{
    return limb_at(w, 0) & 1;
}

bool qn_wide_to_i64(const qn_wide *w, int64_t *out)
{
    qn_u128 v = 0;
    if (w->count && weight_of(w) > 2)
        return false;
    for (int32_t at = 2; at >= 0; at--)
        v = v * QN_LIMB_BASE + limb_at(w, at);
    if (v > (qn_u128)INT64_MAX + (w->negative ? 1 : 0))
        return false;
    *out = (int64_t)(w->negative ? 0 - (uint64_t)v : (uint64_t)v);
    return true;
}

void qn_wide_text(const qn_wide *w, char text[64])
{
    /* 28 to 36 leading digits decide all but an exact tie; a sticky last digit keeps ties honest.
     */
    uint32_t take = w->count < 4 ? w->count : 4;
    int      n = snprintf(text, 64, "%s0", w->negative ? "-" : "");
    int      exponent = 0;
    for (uint32_t i = 0; i < take; i++)
        n += snprintf(text + n, 64 - (size_t)n, i ? "%09u" : "%u", w->limb[w->count - 1 - i]);
    if (w->count)
        exponent = (weight_of(w) - (int32_t)take + 1) * QN_LIMB_DIGITS;
    if (w->count > take) {
        text[n++] = '1';
        exponent--;
    }
    snprintf(text + n, 64 - (size_t)n, "e%d", exponent);
}

double qn_wide_to_f64(const qn_wide *w)
{
    char text[64];
    qn_wide_text(w, text);
    return strtod(text, NULL);
}

int qn_wide_compare_abs(const qn_wide *a, const qn_wide *b)
{
    if (a->count == 0 || b->count == 0)
        return (a->count != 0) - (b->count != 0);
    int32_t top = weight_of(a);
    if (top != weight_of(b))
        return top > weight_of(b) ? 1 : -1;
    int32_t low = a->low < b->low ? a->low : b->low;
    for (int32_t at = top; at >= low; at--) {
        uint32_t x = limb_at(a, at), y = limb_at(b, at);
        if (x != y)
            return x > y ? 1 : -1;
    }
    return 0;
}

int qn_wide_compare(const qn_wide *a, const qn_wide *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    int c = qn_wide_compare_abs(a, b);
    return a->negative ? -c : c;
}

/* ---- addition ------------------------------------------------------------------------------ */

static qn_wide copy_of(qn_wide_ctx *ctx, const qn_wide *a)
{
    qn_wide r = *a;
    r.limb = limbs_new(ctx, a->count);
    if (!r.limb)
        return wide_zero;
    if (a->count)
        memcpy(r.limb, a->limb, a->count * sizeof *a->limb);
    return r;
}

/* |a| + |b|, or |a| - |b| where |a| >= |b|. */
static qn_wide add_abs(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, bool subtract)
{
    if (b->count == 0)
        return copy_of(ctx, a);
    if (a->count == 0)
        return copy_of(ctx, b);
    int32_t low = a->low < b->low ? a->low : b->low;
    int32_t top = weight_of(a) > weight_of(b) ? weight_of(a) : weight_of(b);
    qn_wide r = {.low = low, .count = (uint32_t)(top - low + 2)};
    r.limb = limbs_new(ctx, r.count);
    if (!r.limb)
        return wide_zero;
    memcpy(r.limb + (a->low - low), a->limb, a->count * sizeof *a->limb);
    uint32_t carry = 0;
    for (uint32_t i = (uint32_t)(b->low - low), j = 0; i < r.count && (j < b->count || carry);
         i++, j++) {
        uint32_t y = (j < b->count ? b->limb[j] : 0) + carry;
        if (subtract) {
            carry = r.limb[i] < y;
            r.limb[i] = r.limb[i] + (carry ? QN_LIMB_BASE : 0) - y;
        } else {
            uint32_t s = r.limb[i] + y; /* below 2e9 + 1: fits */
            carry = s >= QN_LIMB_BASE;
            r.limb[i] = carry ? s - QN_LIMB_BASE : s;
        }
    }
    return r;
}

static qn_wide add_signed(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, bool b_negative)
{
    qn_wide r;
    if (a->negative == b_negative) {
        r = add_abs(ctx, a, b, false);
        r.negative = a->negative;
    } else if (qn_wide_compare_abs(a, b) >= 0) {
        r = add_abs(ctx, a, b, true);
        r.negative = a->negative;
    } else {
        r = add_abs(ctx, b, a, true);
        r.negative = b_negative;
    }
    r.dscale = a->dscale > b->dscale ? a->dscale : b->dscale;
    qn_wide_normalize(&r);
    return r;
}

qn_wide qn_wide_add(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b)
{
    return add_signed(ctx, a, b, b->negative);
}

qn_wide qn_wide_sub(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b)
{
    return add_signed(ctx, a, b, b->count && !b->negative);
}

/* ---- multiplication ------------------------------------------------------------------------ */

qn_wide qn_wide_mul(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b)
{
    qn_wide r = {.low = a->low + b->low,
                 .count = a->count + b->count,
                 .dscale = a->dscale + b->dscale,
                 .negative = a->negative != b->negative};
    if (a->count == 0 || b->count == 0)
        return (qn_wide){.dscale = r.dscale};
    r.limb = limbs_new(ctx, r.count);
    if (!r.limb)
        return wide_zero;
    for (uint32_t i = 0; i < a->count; i++) {
        uint64_t x = a->limb[i], carry = 0;
        for (uint32_t j = 0; j < b->count; j++) {
            uint64_t t = x * b->limb[j] + r.limb[i + j] + carry;
            carry = t / QN_LIMB_BASE;
            r.limb[i + j] = (uint32_t)(t - carry * QN_LIMB_BASE);
        }
        r.limb[i + b->count] = (uint32_t)carry;
    }
    qn_wide_normalize(&r);
    return r;
}

qn_wide qn_wide_mul_u32(qn_wide_ctx *ctx, const qn_wide *a, uint32_t factor)
{
    qn_wide r = *a;
    r.count = a->count + 2;
    r.limb = limbs_new(ctx, r.count);
    if (!r.limb)
        return wide_zero;
    uint64_t carry = 0;
    for (uint32_t i = 0; i < r.count; i++) {
        uint64_t t = (i < a->count ? (uint64_t)a->limb[i] * factor : 0) + carry;
        carry = t / QN_LIMB_BASE;
        r.limb[i] = (uint32_t)(t - carry * QN_LIMB_BASE);
    }
    qn_wide_normalize(&r);
    return r;
}

/* ---- division ------------------------------------------------------------------------------ */

/* The integer part of a × 1e9^-low as `count` limbs, with one spare on top for division. */
static uint32_t *shifted(qn_wide_ctx *ctx, const qn_wide *a, int32_t low, uint32_t count)
{
    uint32_t *n = limbs_new(ctx, (size_t)count + 1);
    if (n) {
        for (uint32_t i = 0; i < count; i++)
            n[i] = limb_at(a, low + (int32_t)i);
    }
    return n;
}

qn_wide qn_wide_div_u32(qn_wide_ctx *ctx, const qn_wide *a, uint32_t divisor, int32_t low)
{
    if (a->count == 0 || weight_of(a) < low)
        return (qn_wide){.dscale = a->dscale};
    qn_wide r = {.low = low,
                 .count = (uint32_t)(weight_of(a) - low + 1),
                 .dscale = a->dscale,
                 .negative = a->negative};
    r.limb = shifted(ctx, a, low, r.count);
    if (!r.limb)
        return wide_zero;
    uint64_t rest = 0;
    for (uint32_t i = r.count; i-- > 0;) {
        uint64_t t = rest * QN_LIMB_BASE + r.limb[i];
        r.limb[i] = (uint32_t)(t / divisor);
        rest = t % divisor;
    }
    qn_wide_normalize(&r);
    return r;
}

static void scale_limbs(uint32_t *limb, uint32_t count, uint32_t factor)
{
    uint64_t carry = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t t = (uint64_t)limb[i] * factor + carry;
        carry = t / QN_LIMB_BASE;
        limb[i] = (uint32_t)(t - carry * QN_LIMB_BASE);
    }
    QN_ASSERT(carry == 0);
}

/* q[0..n_count - d_count] = n / d.  n has a spare limb at n[n_count] and is destroyed; d (at least
 * two limbs, the top one not zero) is scaled in place.  Algorithm D: with the top limb of d at
 * least half the base, the estimate from three limbs by two is at most one too large. */
static void divide_limbs(uint32_t *q, uint32_t *n, uint32_t n_count, uint32_t *d, uint32_t d_count)
{
    uint32_t factor = QN_LIMB_BASE / (d[d_count - 1] + 1);
    scale_limbs(n, n_count + 1, factor);
    scale_limbs(d, d_count, factor);
    uint64_t d1 = d[d_count - 1], d2 = d[d_count - 2];
    for (uint32_t at = n_count - d_count + 1; at-- > 0;) {
        uint32_t *part = n + at;
        uint64_t  head = (uint64_t)part[d_count] * QN_LIMB_BASE + part[d_count - 1];
        uint64_t  guess = head / d1, rest = head % d1;
        while (guess >= QN_LIMB_BASE || guess * d2 > rest * QN_LIMB_BASE + part[d_count - 2]) {
            guess--;
            rest += d1;
            if (rest >= QN_LIMB_BASE)
                break;
        }
        uint64_t carry = 0;
        uint32_t borrow = 0;
        for (uint32_t i = 0; i < d_count; i++) {
            uint64_t t = guess * d[i] + carry;
            carry = t / QN_LIMB_BASE;
            uint32_t y = (uint32_t)(t - carry * QN_LIMB_BASE) + borrow;
            borrow = part[i] < y;
            part[i] = part[i] + (borrow ? QN_LIMB_BASE : 0) - y;
        }
        uint32_t y = (uint32_t)carry + borrow;
        if (part[d_count] < y) { /* one too large: add the divisor back */
            uint32_t over = 0;
            guess--;
            for (uint32_t i = 0; i < d_count; i++) {
                uint32_t s = part[i] + d[i] + over;
                over = s >= QN_LIMB_BASE;
                part[i] = over ? s - QN_LIMB_BASE : s;
            }
        }
        part[d_count] = 0;
        q[at] = (uint32_t)guess;
    }
}

qn_wide qn_wide_div(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b, int32_t low)
{
    qn_wide r = {.low = low,
                 .dscale = a->dscale > b->dscale ? a->dscale : b->dscale,
                 .negative = a->negative != b->negative};
    if (b->count == 0 || a->count == 0) { /* a zero divisor only after a failure */
        QN_ASSERT(b->count || ctx->failed);
        return (qn_wide){.dscale = r.dscale};
    }
    /* a × 1e9^-(low + b->low) by the limbs of b as an integer. */
    int32_t n_low = low + b->low;
    int64_t n_count = (int64_t)weight_of(a) - n_low + 1;
    if (n_count < (int64_t)b->count)
        return (qn_wide){.dscale = r.dscale};
    uint32_t *n = shifted(ctx, a, n_low, (uint32_t)n_count);
    uint32_t *d = limbs_new(ctx, b->count);
    r.count = (uint32_t)n_count - b->count + 1;
    r.limb = limbs_new(ctx, r.count);
    if (!n || !d || !r.limb)
        return wide_zero;
    if (b->count == 1) {
        uint64_t rest = 0;
        for (uint32_t i = r.count; i-- > 0;) {
            uint64_t t = rest * QN_LIMB_BASE + n[i];
            r.limb[i] = (uint32_t)(t / b->limb[0]);
            rest = t % b->limb[0];
        }
    } else {
        memcpy(d, b->limb, b->count * sizeof *d);
        divide_limbs(r.limb, n, (uint32_t)n_count, d, b->count);
    }
    qn_wide_normalize(&r);
    return r;
}

qn_wide qn_wide_mod(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b)
{
    qn_wide q = qn_wide_div(ctx, a, b, 0);
    qn_wide p = qn_wide_mul(ctx, &q, b);
    qn_wide r = qn_wide_sub(ctx, a, &p);
    r.dscale = a->dscale > b->dscale ? a->dscale : b->dscale;
    return r;
}

/* ---- square root --------------------------------------------------------------------------- */

static uint64_t sqrt_u128(qn_u128 v)
{
    uint64_t x = (uint64_t)sqrt((double)v);
    /* The estimate is off by a few units in its last place; Newton settles it. */
    x += x >> 50;
    x += 2;
    for (;;) {
        uint64_t y = (uint64_t)(((qn_u128)x + v / x) / 2);
        if (y >= x)
            return x;
        x = y;
    }
}

/* floor(sqrt(a)) of an integer.  The root of the upper limbs, plus one, is a close estimate from
 * above, from which Newton's iteration descends to the floor and stops. */
static qn_wide sqrt_integer(qn_wide_ctx *ctx, const qn_wide *a)
{
    if (a->count == 0 || ctx->failed)
        return wide_zero;
    int32_t top = weight_of(a);
    if (top < 4) {
        qn_u128 v = 0;
        for (int32_t at = top; at >= 0; at--)
            v = v * QN_LIMB_BASE + limb_at(a, at);
        return qn_wide_small(ctx, v ? sqrt_u128(v) : 0);
    }
    int32_t half = (top + 1) / 4;
    qn_wide upper = *a, one = qn_wide_small(ctx, 1);
    upper.low -= 2 * half;
    while (upper.count && upper.low < 0) {
        upper.limb++;
        upper.count--;
        upper.low++;
    }
    qn_wide_normalize(&upper);
    qn_wide root = sqrt_integer(ctx, &upper);
    qn_wide x = qn_wide_add(ctx, &root, &one);
    x.low += half;
    while (!ctx->failed) {
        qn_wide q = qn_wide_div(ctx, a, &x, 0);
        qn_wide s = qn_wide_add(ctx, &q, &x);
        qn_wide y = qn_wide_div_u32(ctx, &s, 2, 0);
        if (qn_wide_compare_abs(&y, &x) >= 0)
            return x;
        x = y;
    }
    return wide_zero;
}

qn_wide qn_wide_sqrt(qn_wide_ctx *ctx, const qn_wide *a, int32_t low)
{
    qn_wide n = *a;
    n.negative = false;
    n.low -= 2 * low;
    while (n.count && n.low < 0) { /* digits below the root's last place change nothing */
        n.limb++;
        n.count--;
        n.low++;
    }
    qn_wide_normalize(&n);
    qn_wide r = sqrt_integer(ctx, &n);
    if (r.count)
        r.low += low;
    r.dscale = a->dscale;
    return r;
}

/* ---- rounding ------------------------------------------------------------------------------ */

static qn_wide cut(qn_wide_ctx *ctx, const qn_wide *a, int scale, bool round)
{
    qn_wide r = *a;
    r.dscale = scale > 0 ? scale : 0;
    if (a->count == 0 || qn_wide_last_exponent(a) >= -scale)
        return r;                                      /* nothing to cut: the limbs are shared */
    int32_t at = qn_floor_div(-scale, QN_LIMB_DIGITS); /* the limb that holds the last digit kept */
    if (at > weight_of(a) + 1)
        return (qn_wide){.dscale = r.dscale};
    bool up = round && digit_at(a, -scale - 1) >= 5;
    r.low = at;
    r.count = (uint32_t)(weight_of(a) > at ? weight_of(a) - at + 2 : 2);
    r.limb = limbs_new(ctx, r.count);
    if (!r.limb)
        return wide_zero;
    for (uint32_t i = 0; i < r.count; i++)
        r.limb[i] = limb_at(a, at + (int32_t)i);
    uint32_t unit = qn_pow10_u32[-scale - at * QN_LIMB_DIGITS];
    r.limb[0] -= r.limb[0] % unit;
    uint32_t carry = up ? unit : 0;
    for (uint32_t i = 0; i < r.count && carry; i++) {
        uint32_t s = r.limb[i] + carry;
        carry = s >= QN_LIMB_BASE;
        r.limb[i] = carry ? s - QN_LIMB_BASE : s;
    }
    qn_wide_normalize(&r);
    return r;
}

qn_wide qn_wide_round(qn_wide_ctx *ctx, const qn_wide *a, int scale)
{
    return cut(ctx, a, scale, true);
}
qn_wide qn_wide_trunc(qn_wide_ctx *ctx, const qn_wide *a, int scale)
{
    return cut(ctx, a, scale, false);
}
