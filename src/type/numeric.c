/* numeric: the value, its small form, comparison, conversion and the four operations.
 *
 * Nearly every value is small: a 120-bit coefficient and a scale in one word, for which the four
 * operations and comparison are a few integer instructions.  Whatever does not fit goes through the
 * limbs of numeric_wide.c and comes back through qn_wide_finish, which makes the canonical form
 * again.  The word, low byte first:
 *
 *   scale 0..250 | coefficient, 120 bits, two's complement
 *   251 | sign, 1 byte | display scale, 2 bytes | 0 | pointer to low, count and limbs, 8 bytes
 *   252, 253, 254: NaN, Infinity, -Infinity
 *
 * Keeping sign and scale of a long value beside the pointer lets negation share the limbs.
 *
 * Not here: text and bytes (numeric_text.c); functions that choose a result scale of their own,
 * except division (numeric_math.c). */
#include "type/numeric.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "type/numeric_int.h"

/* ---- the value ----------------------------------------------------------------------------- */

bool qn_numeric_is_small(qn_numeric v)
{
    return qn_numeric_tag(v) <= QN_NUMERIC_SMALL_SCALE;
}

qn_i128 qn_numeric_coefficient(qn_numeric v)
{
    return (qn_i128)((qn_u128)v.hi << 64 | v.lo) >> 8;
}

int qn_numeric_scale(qn_numeric v)
{
    int tag = qn_numeric_tag(v);
    return tag <= QN_NUMERIC_SMALL_SCALE ? tag
           : tag == QN_NUMERIC_TAG_LONG  ? (int)(v.lo >> 16 & 0xffff)
                                         : 0;
}

bool qn_numeric_is_nan(qn_numeric v)
{
    return qn_numeric_tag(v) == QN_NUMERIC_TAG_NAN;
}

bool qn_numeric_is_infinite(qn_numeric v, int *sign)
{
    int  tag = qn_numeric_tag(v);
    bool infinite = tag == QN_NUMERIC_TAG_INF || tag == QN_NUMERIC_TAG_NEG_INF;
    if (infinite && sign)
        *sign = tag == QN_NUMERIC_TAG_INF ? 1 : -1;
    return infinite;
}

qn_numeric qn_numeric_small(qn_i128 coefficient, int scale)
{
    qn_u128 w = (qn_u128)coefficient << 8 | (qn_u128)(unsigned)scale;
    QN_ASSERT(scale >= 0 && scale <= QN_NUMERIC_SMALL_SCALE);
    QN_ASSERT(coefficient <= QN_NUMERIC_SMALL_MAX && coefficient >= -QN_NUMERIC_SMALL_MAX);
    return (qn_numeric){(uint64_t)w, (uint64_t)(w >> 64)};
}

int qn_numeric_sign(qn_numeric v)
{
    int sign = 0;
    if (qn_numeric_is_small(v)) {
        qn_i128 c = qn_numeric_coefficient(v);
        return (c > 0) - (c < 0);
    }
    if (qn_numeric_tag(v) == QN_NUMERIC_TAG_LONG)
        return qn_numeric_long_of(v)->count == 0 ? 0 : qn_numeric_long_negative(v) ? -1 : 1;
    qn_numeric_is_infinite(v, &sign);
    return sign; /* NaN: 0 */
}

/* |coefficient| / 10^scale on aligned limbs. */
static qn_wide view_u128(qn_u128 c, int scale, bool negative, qn_wide_room *room)
{
    int      groups = qn_limbs_for_scale(scale);
    uint32_t shift = qn_pow10_u32[groups * QN_LIMB_DIGITS - scale];
    qn_wide  w = {.limb = room->limb, .low = -groups, .dscale = scale, .negative = negative};
    uint64_t carry = 0;
    while (c || carry) {
        uint32_t part;
        if (c >> 64) {
            part = (uint32_t)(c % QN_LIMB_BASE);
            c /= QN_LIMB_BASE;
        } else {
            part = (uint32_t)((uint64_t)c % QN_LIMB_BASE);
            c = (uint64_t)c / QN_LIMB_BASE;
        }
        uint64_t t = (uint64_t)part * shift + carry;
        carry = t / QN_LIMB_BASE;
        QN_ASSERT(w.count < QN_COUNTOF(room->limb));
        room->limb[w.count++] = (uint32_t)(t - carry * QN_LIMB_BASE);
    }
    qn_wide_normalize(&w);
    return w;
}

qn_wide qn_wide_view(qn_numeric v, qn_wide_room *room)
{
    if (qn_numeric_is_small(v)) {
        qn_i128 c = qn_numeric_coefficient(v);
        return view_u128(qn_magnitude(c), qn_numeric_scale(v), c < 0, room);
    }
    QN_ASSERT(qn_numeric_tag(v) == QN_NUMERIC_TAG_LONG);
    const qn_numeric_long *l = qn_numeric_long_of(v);
    /* Limbs of a value are never written through a view: operations allocate their results. */
    return (qn_wide){.limb = (uint32_t *)(uintptr_t)l->limb,
                     .count = l->count,
                     .low = l->low,
                     .dscale = qn_numeric_scale(v),
                     .negative = qn_numeric_long_negative(v)};
}

qn_status qn_numeric_overflow(qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "value overflows numeric format");
}

/* The coefficient of w at its display scale, when it fits the small form. */
static bool small_coefficient(const qn_wide *w, qn_u128 *out)
{
    qn_u128 c = 0;
    if (w->dscale > QN_NUMERIC_SMALL_SCALE || qn_wide_exponent(w) + 1 + w->dscale > 36)
        return false;
    for (uint32_t i = w->count; i-- > 0;) {
        int room =
            w->dscale + (w->low + (int32_t)i) * QN_LIMB_DIGITS; /* digits to the right, kept */
        if (room >= 0) /* below 10^36: see the exponent above */
            c += (qn_u128)w->limb[i] * qn_pow10_u128(room);
        else
            c += w->limb[i] / qn_pow10_u32[-room];
    }
    *out = c;
    return c <= (qn_u128)QN_NUMERIC_SMALL_MAX;
}

qn_status qn_wide_finish(const qn_wide_ctx *ctx, const qn_wide *w, qn_arena *arena, qn_numeric *out,
                         qn_error *err)
{
    qn_u128 c;
    if (ctx && ctx->failed)
        return qn_nomem(err);
    if (w->dscale > QN_NUMERIC_MAX_DSCALE || qn_wide_weight4(w) > QN_NUMERIC_MAX_WEIGHT4)
        return qn_numeric_overflow(err);
    if (small_coefficient(w, &c)) {
        *out = qn_numeric_small(w->negative ? -(qn_i128)c : (qn_i128)c, w->dscale);
        return QN_OK;
    }
    qn_numeric_long *l = qn_arena_alloc(arena, sizeof *l + w->count * sizeof *w->limb);
    if (!l)
        return qn_nomem(err);
    l->low = w->low;
    l->count = w->count;
    if (w->count)
        memcpy(l->limb, w->limb, w->count * sizeof *w->limb);
    out->lo = QN_NUMERIC_TAG_LONG | (uint64_t)w->negative << 8 | (uint64_t)w->dscale << 16;
    out->hi = (uint64_t)(uintptr_t)l;
    return QN_OK;
}

bool qn_numeric_copy(qn_numeric v, qn_arena *arena, qn_numeric *out)
{
    *out = v;
    if (qn_numeric_tag(v) == QN_NUMERIC_TAG_LONG) {
        const qn_numeric_long *l = qn_numeric_long_of(v);
        void *copy = qn_arena_dup(arena, l, sizeof *l + l->count * sizeof *l->limb);
        out->hi = (uint64_t)(uintptr_t)copy;
        return copy != NULL;
    }
    return true;
}

bool qn_numeric_overwrite(qn_numeric v, qn_numeric *slot)
{
    if (qn_numeric_tag(v) == QN_NUMERIC_TAG_LONG) {
        const qn_numeric_long *from = qn_numeric_long_of(v);
        if (qn_numeric_tag(*slot) != QN_NUMERIC_TAG_LONG || qn_numeric_long_of(*slot)->count < from->count)
            return false;
        memmove((void *)(uintptr_t)slot->hi, from, sizeof *from + from->count * sizeof *from->limb);
        v.hi = slot->hi;
    }
    *slot = v;
    return true;
}

/* ---- comparison and identity --------------------------------------------------------------- */

static int compare_small(qn_numeric a, qn_numeric b)
{
    qn_i128 x = qn_numeric_coefficient(a), y = qn_numeric_coefficient(b);
    int     sx = qn_numeric_scale(a), sy = qn_numeric_scale(b);
    if (sx == sy)
        return (x > y) - (x < y);
    int sign_x = (x > 0) - (x < 0), sign_y = (y > 0) - (y < 0);
    if (sign_x != sign_y || sign_x == 0)
        return (sign_x > sign_y) - (sign_x < sign_y);
    qn_u128 u = qn_magnitude(x), v = qn_magnitude(y);
    /* Bring the shorter scale up; a product beyond 128 bits is the larger one. */
    int     shift = sx < sy ? sy - sx : sx - sy;
    qn_u128 less = sx < sy ? u : v, more = sx < sy ? v : u;
    int     c;
    if (shift > 38 || less > ~(qn_u128)0 / qn_pow10_u128(shift))
        c = 1;
    else
        c = (less * qn_pow10_u128(shift) > more) - (less * qn_pow10_u128(shift) < more);
    return (sx < sy ? c : -c) * sign_x;
}

int qn_numeric_compare(qn_numeric a, qn_numeric b)
{
    if (qn_numeric_is_small(a) && qn_numeric_is_small(b))
        return compare_small(a, b);
    if (qn_numeric_is_special(a) || qn_numeric_is_special(b)) {
        /* -Infinity < finite < Infinity < NaN */
        static const int8_t rank[] = {[0] = 2, [1] = 1, [2] = -1};
        int x = qn_numeric_is_special(a) ? rank[qn_numeric_tag(a) - QN_NUMERIC_TAG_NAN] : 0;
        int y = qn_numeric_is_special(b) ? rank[qn_numeric_tag(b) - QN_NUMERIC_TAG_NAN] : 0;
        return (x > y) - (x < y);
    }
    qn_wide_room room_a, room_b;
    qn_wide      x = qn_wide_view(a, &room_a), y = qn_wide_view(b, &room_b);
    return qn_wide_compare(&x, &y);
}

int qn_numeric_compare_stored(qn_numeric a, qn_numeric b)
{
    int c = qn_numeric_compare(a, b);
    return c ? c
             : (qn_numeric_scale(a) > qn_numeric_scale(b)) -
                   (qn_numeric_scale(a) < qn_numeric_scale(b));
}

static qn_numeric small_trimmed(qn_numeric v)
{
    qn_i128 c = qn_numeric_coefficient(v);
    int     scale = qn_numeric_scale(v);
    if (c == 0)
        return qn_numeric_small(0, 0);
    while (scale > 0 && (int64_t)c == c && (int64_t)c % 10 == 0) {
        c = (int64_t)c / 10;
        scale--;
    }
    while (scale > 0 && c % 10 == 0) {
        c /= 10;
        scale--;
    }
    return qn_numeric_small(c, scale);
}

/* The value with its shortest scale is small, or it is not: either way one form stands for the
 * value. */
void qn_numeric_identity(qn_numeric v, uint64_t identity[2])
{
    if (qn_numeric_tag(v) == QN_NUMERIC_TAG_LONG) {
        qn_wide_room room;
        qn_wide      w = qn_wide_view(v, &room);
        qn_u128      c;
        int          last = qn_wide_last_exponent(&w);
        w.dscale = last < 0 ? -last : 0;
        if (!small_coefficient(&w, &c)) {
            qn_hash128 h = qn_blake3_128(w.limb, w.count * sizeof *w.limb);
            identity[0] = h.lo ^ qn_mix64((uint64_t)(uint32_t)w.low << 1 | (w.negative ? 1 : 0));
            identity[1] = h.hi;
            return;
        }
        v = qn_numeric_small(w.negative ? -(qn_i128)c : (qn_i128)c, w.dscale);
    } else if (qn_numeric_is_small(v)) {
        v = small_trimmed(v);
    }
    identity[0] = v.lo;
    identity[1] = v.hi;
}

/* ---- conversion ---------------------------------------------------------------------------- */

qn_status qn_numeric_from_i64(int64_t v, qn_numeric *out)
{
    *out = qn_numeric_small(v, 0);
    return QN_OK;
}

qn_status qn_numeric_from_u128(qn_u128 c, bool negative, int scale, qn_arena *arena,
                               qn_numeric *out, qn_error *err)
{
    if (c <= (qn_u128)QN_NUMERIC_SMALL_MAX && scale <= QN_NUMERIC_SMALL_SCALE) {
        *out = qn_numeric_small(negative ? -(qn_i128)c : (qn_i128)c, scale);
        return QN_OK;
    }
    qn_wide_room room;
    qn_wide      w = view_u128(c, scale, negative, &room);
    return qn_wide_finish(NULL, &w, arena, out, err);
}

qn_status qn_numeric_from_i128(qn_i128 v, int scale, qn_arena *arena, qn_numeric *out,
                               qn_error *err)
{
    return qn_numeric_from_u128(qn_magnitude(v), v < 0, scale, arena, out, err);
}

static qn_status from_float(double v, int digits, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    char text[40];
    if (isnan(v)) {
        *out = qn_numeric_special(QN_NUMERIC_TAG_NAN);
        return QN_OK;
    }
    if (isinf(v)) {
        *out = qn_numeric_special(v > 0 ? QN_NUMERIC_TAG_INF : QN_NUMERIC_TAG_NEG_INF);
        return QN_OK;
    }
    /* d.ddde±x with the point left out (a locale may write it otherwise), trailing zeros dropped as
     * %g does: their places are not part of the value's scale. */
    int      n = snprintf(text, sizeof text, "%.*e", digits - 1, fabs(v));
    uint64_t c = 0;
    int      i = 0, seen = 0;
    for (; i < n && text[i] != 'e'; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            c = c * 10 + (uint64_t)(text[i] - '0');
            seen++;
        }
    }
    int exponent = (int)strtol(text + i + 1, NULL, 10) - (seen - 1);
    while (c && c % 10 == 0) {
        c /= 10;
        exponent++;
    }
    if (c == 0)
        exponent = 0;
    if (exponent <= 0)
        return qn_numeric_from_u128(c, v < 0, -exponent, arena, out, err);
    if (exponent + digits <= 35)
        return qn_numeric_from_u128(c * qn_pow10_u128(exponent), v < 0, 0, arena, out, err);
    qn_wide_room room;
    int          groups = exponent / QN_LIMB_DIGITS;
    qn_wide w = view_u128((qn_u128)c * qn_pow10_u32[exponent % QN_LIMB_DIGITS], 0, v < 0, &room);
    w.low += groups;
    return qn_wide_finish(NULL, &w, arena, out, err);
}

qn_status qn_numeric_from_f64(double v, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    return from_float(v, 15, arena, out, err);
}

qn_status qn_numeric_from_f32(float v, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    return from_float(v, 6, arena, out, err);
}

qn_status qn_numeric_to_integer(qn_numeric v, int64_t lo, int64_t hi, const char *type,
                                int64_t *out, qn_error *err)
{
    if (qn_numeric_is_special(v))
        return qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "cannot convert %s to %s",
                       qn_numeric_is_nan(v) ? "NaN" : "infinity", type);
    bool fits;
    if (qn_numeric_is_small(v)) {
        qn_i128 c = qn_numeric_coefficient(v);
        qn_u128 u = qn_magnitude(c);
        int     scale = qn_numeric_scale(v);
        if (scale > 38) {
            u = 0; /* below 10^36 / 10^39 */
        } else if (scale) {
            qn_u128 unit = qn_pow10_u128(scale), rest = u % unit;
            u = u / unit + (rest >= unit - rest);
        }
        fits = u <= (qn_u128)INT64_MAX + (c < 0);
        *out = (int64_t)(c < 0 ? 0 - (uint64_t)u : (uint64_t)u);
    } else {
        /* Limbs of weights 2..0 decide, and the digit after the point: no memory needed. */
        qn_wide_room room;
        qn_wide      w = qn_wide_view(v, &room), whole = w;
        while (whole.count && whole.low < 0) {
            whole.limb++;
            whole.count--;
            whole.low++;
        }
        fits = qn_wide_to_i64(&whole, out);
        if (fits && w.low < 0 && w.low + (int32_t)w.count - 1 >= -1 &&
            w.limb[-1 - w.low] >= QN_LIMB_BASE / 2) {
            fits = w.negative ? *out != INT64_MIN : *out != INT64_MAX;
            *out += fits ? (w.negative ? -1 : 1) : 0;
        }
    }
    if (!fits || *out < lo || *out > hi)
        return qn_fail(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "%s out of range", type);
    return QN_OK;
}

qn_status qn_numeric_to_i64(qn_numeric v, int64_t *out, qn_error *err)
{
    return qn_numeric_to_integer(v, INT64_MIN, INT64_MAX, "bigint", out, err);
}

static const double pow10_f64[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

double qn_numeric_to_f64(qn_numeric v)
{
    if (qn_numeric_is_small(v)) {
        qn_i128 c = qn_numeric_coefficient(v);
        int     scale = qn_numeric_scale(v);
        /* Both operands exact: one correctly rounded division (Clinger 1990). */
        if (qn_magnitude(c) <= (qn_u128)1 << 53 && scale <= 22)
            return (double)(int64_t)c / pow10_f64[scale];
    } else if (qn_numeric_tag(v) != QN_NUMERIC_TAG_LONG) {
        return qn_numeric_is_nan(v)                      ? (double)NAN
               : qn_numeric_tag(v) == QN_NUMERIC_TAG_INF ? HUGE_VAL
                                                         : -HUGE_VAL;
    }
    qn_wide_room room;
    qn_wide      w = qn_wide_view(v, &room);
    return qn_wide_to_f64(&w);
}

float qn_numeric_to_f32(qn_numeric v)
{
    char         text[64];
    qn_wide_room room;
    if (qn_numeric_is_special(v))
        return (float)qn_numeric_to_f64(v);
    /* Not through double: rounding twice can go the wrong way. */
    qn_wide w = qn_wide_view(v, &room);
    qn_wide_text(&w, text);
    return strtof(text, NULL);
}

/* ---- arithmetic ---------------------------------------------------------------------------- */

static int bits_of(qn_u128 v)
{
    return (uint64_t)(v >> 64) ? 128 - __builtin_clzll((uint64_t)(v >> 64))
           : (uint64_t)v       ? 64 - __builtin_clzll((uint64_t)v)
                               : 0;
}

/* v × 10^shift while that surely stays within the small form (a bit short of it may be refused). */
static bool scale_up(qn_i128 *v, int shift)
{
    if (shift == 0)
        return true;
    if (shift > 36 || bits_of(qn_magnitude(*v)) + bits_of(qn_pow10_u128(shift)) > 119)
        return *v == 0;
    *v *= (qn_i128)qn_pow10_u128(shift);
    return true;
}

typedef qn_wide (*wide_op)(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b);

static qn_status by_limbs(wide_op op, qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out,
                          qn_error *err)
{
    qn_wide_room room_a, room_b;
    qn_arena     scratch;
    qn_wide_ctx  ctx = {.arena = &scratch};
    qn_wide      x = qn_wide_view(a, &room_a), y = qn_wide_view(b, &room_b);
    qn_arena_init(&scratch, arena->mem);
    qn_wide r = op(&ctx, &x, &y);
    if (r.dscale > QN_NUMERIC_MAX_DSCALE)
        r = qn_wide_round(&ctx, &r, QN_NUMERIC_MAX_DSCALE);
    qn_status st = qn_wide_finish(&ctx, &r, arena, out, err);
    qn_arena_deinit(&scratch);
    return st;
}

/* Sum of specials, or of a special and a finite value. */
static qn_numeric add_special(qn_numeric a, qn_numeric b)
{
    if (qn_numeric_is_nan(a) || qn_numeric_is_nan(b))
        return qn_numeric_special(QN_NUMERIC_TAG_NAN);
    if (!qn_numeric_is_special(a))
        return b;
    if (!qn_numeric_is_special(b) || qn_numeric_tag(a) == qn_numeric_tag(b))
        return a;
    return qn_numeric_special(QN_NUMERIC_TAG_NAN); /* ∞ - ∞ */
}

qn_status qn_numeric_add(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out,
                         qn_error *err)
{
    if (qn_numeric_is_small(a) && qn_numeric_is_small(b)) {
        qn_i128 x = qn_numeric_coefficient(a), y = qn_numeric_coefficient(b);
        int     sx = qn_numeric_scale(a), sy = qn_numeric_scale(b);
        if (sx < sy ? scale_up(&x, sy - sx) : scale_up(&y, sx - sy)) {
            x += y;
            if (x <= QN_NUMERIC_SMALL_MAX && x >= -QN_NUMERIC_SMALL_MAX) {
                *out = qn_numeric_small(x, sx > sy ? sx : sy);
                return QN_OK;
            }
        }
    } else if (qn_numeric_is_special(a) || qn_numeric_is_special(b)) {
        *out = add_special(a, b);
        return QN_OK;
    }
    return by_limbs(qn_wide_add, a, b, arena, out, err);
}

qn_status qn_numeric_sub(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out,
                         qn_error *err)
{
    return qn_numeric_add(a, qn_numeric_neg(b, arena), arena, out, err);
}

qn_status qn_numeric_mul(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out,
                         qn_error *err)
{
    if (qn_numeric_is_small(a) && qn_numeric_is_small(b)) {
        qn_i128 x = qn_numeric_coefficient(a), y = qn_numeric_coefficient(b);
        int     scale = qn_numeric_scale(a) + qn_numeric_scale(b);
        if (scale <= QN_NUMERIC_SMALL_SCALE &&
            bits_of(qn_magnitude(x)) + bits_of(qn_magnitude(y)) <= 119) {
            *out = qn_numeric_small(x * y, scale);
            return QN_OK;
        }
    } else if (qn_numeric_is_special(a) || qn_numeric_is_special(b)) {
        int sign = qn_numeric_sign(a) * qn_numeric_sign(b); /* NaN and 0 × ∞ give 0 */
        *out = sign ? qn_numeric_infinity(sign) : qn_numeric_special(QN_NUMERIC_TAG_NAN);
        return QN_OK;
    }
    return by_limbs(qn_wide_mul, a, b, arena, out, err);
}

/* Weight and value of the leading base-10000 group of c / 10^scale. */
static int leading_group(qn_u128 c, int scale, uint32_t *group)
{
    *group = 0;
    if (c == 0)
        return 0;
    int weight = qn_floor_div(qn_digits_u128(c) - 1 - scale, 4);
    int cut = weight * 4 + scale; /* digits of c to the right of the group */
    *group = (uint32_t)(cut >= 0 ? c / qn_pow10_u128(cut) : c * qn_pow10_u128(-cut));
    return weight;
}

/* PostgreSQL's rule: at least 16 significant digits and either operand's scale.  The quotient's
 * weight is estimated from the leading base-10000 groups, so the rule is exact only with the same
 * groups. */
static int division_scale(int weight_a, uint32_t group_a, int weight_b, uint32_t group_b,
                          int scale_a, int scale_b)
{
    int weight = weight_a - weight_b - (group_a <= group_b);
    int scale = QN_NUMERIC_MIN_SIG_DIGITS - weight * 4;
    scale = scale > scale_a ? scale : scale_a;
    scale = scale > scale_b ? scale : scale_b;
    scale = scale > 0 ? scale : 0;
    return scale < QN_NUMERIC_MAX_CHOSEN_SCALE ? scale : QN_NUMERIC_MAX_CHOSEN_SCALE;
}

static bool divide_small(qn_numeric a, qn_numeric b, qn_numeric *out)
{
    qn_i128  x = qn_numeric_coefficient(a), y = qn_numeric_coefficient(b);
    qn_u128  n = qn_magnitude(x), d = qn_magnitude(y);
    int      sx = qn_numeric_scale(a), sy = qn_numeric_scale(b);
    uint32_t gx, gy;
    int      wx = leading_group(n, sx, &gx), wy = leading_group(d, sy, &gy);
    int      scale = division_scale(wx, gx, wy, gy, sx, sy);
    int      shift = scale + sy - sx; /* never negative: scale >= sx */
    if (scale > QN_NUMERIC_SMALL_SCALE || shift > 38)
        return false;
    if (bits_of(n) + bits_of(qn_pow10_u128(shift)) > 127)
        return false;
    n *= qn_pow10_u128(shift);
    qn_u128 q, rest;
    if (!(n >> 64) && !(d >> 64)) {
        q = (uint64_t)n / (uint64_t)d;
        rest = (uint64_t)n % (uint64_t)d;
    } else {
        q = n / d;
        rest = n - q * d;
    }
    q += rest >= d - rest;
    if (q > (qn_u128)QN_NUMERIC_SMALL_MAX)
        return false;
    *out = qn_numeric_small((x < 0) != (y < 0) ? -(qn_i128)q : (qn_i128)q, scale);
    return true;
}

static qn_wide wide_divide(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b)
{
    int wa = a->count ? qn_wide_weight4(a) : 0, wb = qn_wide_weight4(b);
    int scale = division_scale(wa, a->count ? qn_wide_group4(a, wa) : 0, wb, qn_wide_group4(b, wb),
                               a->dscale, b->dscale);
    /* One digit beyond the scale decides the rounding. */
    qn_wide q = qn_wide_div(ctx, a, b, -qn_limbs_for_scale(scale + 1));
    return qn_wide_round(ctx, &q, scale);
}

qn_status qn_numeric_division_by_zero(qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_DIVISION_BY_ZERO, "division by zero");
}

/* a / b with a special operand; div(a, b) gives the same. */
static qn_status divide_special(qn_numeric a, qn_numeric b, qn_numeric *out, qn_error *err)
{
    *out = qn_numeric_special(QN_NUMERIC_TAG_NAN);
    if (qn_numeric_is_nan(a) || qn_numeric_is_nan(b))
        return QN_OK;
    if (!qn_numeric_is_special(a)) { /* finite / ∞ */
        *out = qn_numeric_small(0, 0);
        return QN_OK;
    }
    if (qn_numeric_is_special(b)) /* ∞ / ∞ */
        return QN_OK;
    if (qn_numeric_sign(b) == 0)
        return qn_numeric_division_by_zero(err);
    *out = qn_numeric_infinity(qn_numeric_sign(a) * qn_numeric_sign(b));
    return QN_OK;
}

qn_status qn_numeric_div(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out,
                         qn_error *err)
{
    if (qn_numeric_is_special(a) || qn_numeric_is_special(b))
        return divide_special(a, b, out, err);
    if (qn_numeric_sign(b) == 0)
        return qn_numeric_division_by_zero(err);
    if (qn_numeric_is_small(a) && qn_numeric_is_small(b) && divide_small(a, b, out))
        return QN_OK;
    return by_limbs(wide_divide, a, b, arena, out, err);
}

static qn_wide wide_div_trunc(qn_wide_ctx *ctx, const qn_wide *a, const qn_wide *b)
{
    qn_wide q = qn_wide_div(ctx, a, b, 0);
    q.dscale = 0;
    return q;
}

qn_status qn_numeric_div_trunc(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out,
                               qn_error *err)
{
    if (qn_numeric_is_special(a) || qn_numeric_is_special(b))
        return divide_special(a, b, out, err);
    if (qn_numeric_sign(b) == 0)
        return qn_numeric_division_by_zero(err);
    return by_limbs(wide_div_trunc, a, b, arena, out, err);
}

qn_status qn_numeric_mod(qn_numeric a, qn_numeric b, qn_arena *arena, qn_numeric *out,
                         qn_error *err)
{
    if (qn_numeric_is_nan(a) || qn_numeric_is_nan(b)) {
        *out = qn_numeric_special(QN_NUMERIC_TAG_NAN);
        return QN_OK;
    }
    if (qn_numeric_sign(b) == 0)
        return qn_numeric_division_by_zero(err);
    if (qn_numeric_is_special(a)) {
        *out = qn_numeric_special(QN_NUMERIC_TAG_NAN);
        return QN_OK;
    }
    if (qn_numeric_is_special(b)) {
        *out = a;
        return QN_OK;
    }
    if (qn_numeric_is_small(a) && qn_numeric_is_small(b)) {
        qn_i128 x = qn_numeric_coefficient(a), y = qn_numeric_coefficient(b);
        int     sx = qn_numeric_scale(a), sy = qn_numeric_scale(b);
        if (sx < sy ? scale_up(&x, sy - sx) : scale_up(&y, sx - sy)) {
            *out = qn_numeric_small(x % y, sx > sy ? sx : sy);
            return QN_OK;
        }
    }
    return by_limbs(qn_wide_mod, a, b, arena, out, err);
}

qn_numeric qn_numeric_neg(qn_numeric v, qn_arena *arena)
{
    (void)arena;
    if (qn_numeric_is_small(v))
        return qn_numeric_small(-qn_numeric_coefficient(v), qn_numeric_scale(v));
    switch (qn_numeric_tag(v)) {
    case QN_NUMERIC_TAG_LONG:
        if (qn_numeric_long_of(v)->count)
            v.lo ^= 1u << 8;
        return v;
    case QN_NUMERIC_TAG_INF:
        return qn_numeric_infinity(-1);
    case QN_NUMERIC_TAG_NEG_INF:
        return qn_numeric_infinity(1);
    default:
        return v;
    }
}

qn_numeric qn_numeric_abs(qn_numeric v, qn_arena *arena)
{
    return qn_numeric_sign(v) < 0 ? qn_numeric_neg(v, arena) : v;
}

static qn_status cut(qn_numeric v, int scale, bool round, qn_arena *arena, qn_numeric *out,
                     qn_error *err)
{
    *out = v;
    if (qn_numeric_is_special(v))
        return QN_OK;
    /* Further out nothing changes: every digit is cut, or none. */
    const int least = -(QN_NUMERIC_MAX_WEIGHT4 + 1) * 4 - 1;
    scale = scale < least ? least : scale > QN_NUMERIC_MAX_DSCALE ? QN_NUMERIC_MAX_DSCALE : scale;
    if (qn_numeric_is_small(v) && scale >= 0 && scale <= QN_NUMERIC_SMALL_SCALE) {
        qn_i128 c = qn_numeric_coefficient(v);
        int     shift = scale - qn_numeric_scale(v);
        if (shift >= 0) {
            if (scale_up(&c, shift)) {
                *out = qn_numeric_small(c, scale);
                return QN_OK;
            }
        } else if (shift >= -36) {
            qn_u128 unit = qn_pow10_u128(-shift), u = qn_magnitude(c), q = u / unit,
                    rest = u - q * unit;
            q += round && rest >= unit - rest;
            *out = qn_numeric_small(c < 0 ? -(qn_i128)q : (qn_i128)q, scale);
            return QN_OK;
        }
    }
    qn_wide_room room;
    qn_arena     scratch;
    qn_wide_ctx  ctx = {.arena = &scratch};
    qn_wide      w = qn_wide_view(v, &room);
    qn_arena_init(&scratch, arena->mem);
    qn_wide   r = round ? qn_wide_round(&ctx, &w, scale) : qn_wide_trunc(&ctx, &w, scale);
    qn_status st = qn_wide_finish(&ctx, &r, arena, out, err);
    qn_arena_deinit(&scratch);
    return st;
}

qn_status qn_numeric_round(qn_numeric v, int scale, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    return cut(v, scale, true, arena, out, err);
}

qn_status qn_numeric_trunc(qn_numeric v, int scale, qn_arena *arena, qn_numeric *out, qn_error *err)
{
    return cut(v, scale, false, arena, out, err);
}

int qn_numeric_min_scale(qn_numeric v)
{
    qn_wide_room room;
    if (qn_numeric_is_special(v))
        return 0;
    qn_wide w = qn_wide_view(v, &room);
    int     last = qn_wide_last_exponent(&w);
    return last < 0 ? -last : 0;
}
