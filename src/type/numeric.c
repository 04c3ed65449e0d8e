/* numeric: the value, its small form, reading and printing.
 *
 * Nearly every value is small: a 120-bit coefficient and a scale in one word, for which the four
 * operations and comparison are a few integer instructions.  Whatever does not fit goes through the
 * limbs of numeric_wide.c and comes back through qn_wide_finish, which makes the canonical form
 * again.
 *
 *   word, low byte first:  scale 0..250 | coefficient, 120 bits, two's complement
 *   long:                  251 | sign (1 byte) | display scale (4 bytes) | .. ; pointer to low,
 * count, limbs NaN, Infinity, -Infinity: 252, 253, 254
 *
 * Keeping sign and scale of a long value beside the pointer lets negation share the limbs.
 *
 * Not here: functions that choose a result scale of their own except division (numeric_math.c). */
#include "type/numeric.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

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

static const qn_numeric_long *long_of(qn_numeric v)
{
    return (const qn_numeric_long *)(uintptr_t)v.hi;
}

static bool long_negative(qn_numeric v)
{
    return v.lo >> 8 & 1;
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
        return long_of(v)->count == 0 ? 0 : long_negative(v) ? -1 : 1;
    qn_numeric_is_infinite(v, &sign);
    return sign; /* NaN: 0 */
}

static qn_u128 magnitude(qn_i128 v)
{
    return v < 0 ? 0 - (qn_u128)v : (qn_u128)v;
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
        return view_u128(magnitude(c), qn_numeric_scale(v), c < 0, room);
    }
    QN_ASSERT(qn_numeric_tag(v) == QN_NUMERIC_TAG_LONG);
    const qn_numeric_long *l = long_of(v);
    /* Limbs of a value are never written through a view: operations allocate their results. */
    return (qn_wide){.limb = (uint32_t *)(uintptr_t)l->limb,
                     .count = l->count,
                     .low = l->low,
                     .dscale = qn_numeric_scale(v),
                     .negative = long_negative(v)};
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
        const qn_numeric_long *l = long_of(v);
        void *copy = qn_arena_dup(arena, l, sizeof *l + l->count * sizeof *l->limb);
        out->hi = (uint64_t)(uintptr_t)copy;
        return copy != NULL;
    }
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
    qn_u128 u = magnitude(x), v = magnitude(y);
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

static qn_status from_u128(qn_u128 c, bool negative, int scale, qn_arena *arena, qn_numeric *out,
                           qn_error *err)
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
    return from_u128(magnitude(v), v < 0, scale, arena, out, err);
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
        return from_u128(c, v < 0, -exponent, arena, out, err);
    if (exponent + digits <= 35)
        return from_u128(c * qn_pow10_u128(exponent), v < 0, 0, arena, out, err);
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
        qn_u128 u = magnitude(c);
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
        if (magnitude(c) <= (qn_u128)1 << 53 && scale <= 22)
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

/* ---- text ---------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static qn_status invalid_text(const char *s, size_t bytes, qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_INVALID_TEXT_REPRESENTATION,
                   "invalid input syntax for type numeric: \"%.*s\"",
                   (int)(bytes < 900 ? bytes : 900), s);
}

typedef struct numeric_text { /* what a scan of the text finds */
    const char *digits;       /* first digit or point */
    const char *digits_end;
    size_t      count; /* digits, the point not counted */
    int64_t     scale; /* of the last digit: digits after the point minus the exponent */
    bool        negative;
    int         tag; /* of a special value, or 0 */
} numeric_text;

static bool scan_special(const char **p, const char *end, numeric_text *t)
{
    static const struct {
        const char *word;
        int         tag;
    } words[] = {{"NaN", QN_NUMERIC_TAG_NAN},       {"Infinity", QN_NUMERIC_TAG_INF},
                 {"+Infinity", QN_NUMERIC_TAG_INF}, {"-Infinity", QN_NUMERIC_TAG_NEG_INF},
                 {"inf", QN_NUMERIC_TAG_INF},       {"+inf", QN_NUMERIC_TAG_INF},
                 {"-inf", QN_NUMERIC_TAG_NEG_INF}};
    for (size_t i = 0; i < QN_COUNTOF(words); i++) {
        size_t n = strlen(words[i].word);
        if ((size_t)(end - *p) >= n && strncasecmp(*p, words[i].word, n) == 0) {
            *p += n;
            t->tag = words[i].tag;
            return true;
        }
    }
    return false;
}

/* Grammar: spaces [sign] digits [. digits] [e [sign] digits] spaces.  false: not a number;
 * *overflow: the exponent is beyond any value. */
static bool scan(const char *s, size_t bytes, numeric_text *t, bool *overflow)
{
    const char *p = s, *end = s + bytes;
    bool        point = false;
    memset(t, 0, sizeof *t);
    *overflow = false;
    while (p < end && is_space(*p))
        p++;
    if (!scan_special(&p, end, t)) {
        if (p < end && (*p == '+' || *p == '-'))
            t->negative = *p++ == '-';
        t->digits = p;
        for (; p < end; p++) {
            if (*p >= '0' && *p <= '9') {
                t->count++;
                t->scale += point;
            } else if (*p == '.' && !point) {
                point = true;
            } else {
                break;
            }
        }
        t->digits_end = p;
        if (t->count == 0)
            return false;
        if (p < end && (*p == 'e' || *p == 'E')) {
            bool    minus = false;
            int64_t exponent = 0;
            p++;
            if (p < end && (*p == '+' || *p == '-'))
                minus = *p++ == '-';
            if (p == end || *p < '0' || *p > '9')
                return false;
            for (; p < end && *p >= '0' && *p <= '9'; p++)
                exponent = exponent < INT_MAX ? exponent * 10 + (*p - '0') : exponent;
            *overflow = exponent >= INT_MAX / 2;
            t->scale -= minus ? -exponent : exponent;
        }
    }
    while (p < end && is_space(*p))
        p++;
    return p == end;
}

/* Digits to aligned limbs.  Leading zeros are skipped first, so that their places need no memory.
 */
static qn_status wide_of_text(numeric_text *t, qn_wide_ctx *ctx, qn_wide *w, qn_error *err)
{
    const char *p = t->digits;
    size_t      count = t->count;
    *w = (qn_wide){.negative = t->negative, .dscale = 0};
    for (; p < t->digits_end && (*p == '0' || *p == '.'); p++)
        count -= *p == '0';
    int64_t exponent = (int64_t)count - 1 - t->scale; /* of the first digit */
    if (count > 1u << 30)
        return qn_numeric_overflow(err);
    w->dscale = t->scale > 0 ? (int32_t)t->scale : 0;
    if (count == 0 ||
        exponent < -100000) { /* as good as zero: rounded to a typmod's scale, or refused */
        w->negative = false;
        return QN_OK;
    }
    if (exponent >= (QN_NUMERIC_MAX_WEIGHT4 + 1) * 4)
        return qn_numeric_overflow(err);
    int top = qn_floor_div((int)exponent, QN_LIMB_DIGITS);
    int low = qn_floor_div((int)-t->scale, QN_LIMB_DIGITS);
    w->low = low;
    w->count = (uint32_t)(top - low + 1);
    w->limb = qn_arena_array(ctx->arena, uint32_t, w->count);
    if (!w->limb)
        return qn_nomem(err);
    int at = top, place = (int)exponent - top * QN_LIMB_DIGITS;
    for (; p < t->digits_end; p++) {
        if (*p == '.')
            continue;
        w->limb[at - low] += (uint32_t)(*p - '0') * qn_pow10_u32[place];
        if (place-- == 0) {
            at--;
            place = QN_LIMB_DIGITS - 1;
        }
    }
    qn_wide_normalize(w);
    return QN_OK;
}

static qn_status apply_typmod_wide(qn_wide_ctx *ctx, qn_wide *w, int32_t typmod, qn_error *err);

qn_status qn_numeric_parse(const char *s, size_t bytes, int32_t typmod, qn_arena *arena,
                           qn_numeric *out, qn_error *err)
{
    numeric_text t;
    bool         overflow;
    if (!scan(s, bytes, &t, &overflow))
        return invalid_text(s, bytes, err);
    if (t.tag)
        return qn_numeric_apply_typmod(qn_numeric_special(t.tag), typmod, arena, out, err);
    if (overflow || (typmod < 4 && t.scale > QN_NUMERIC_MAX_DSCALE))
        return qn_numeric_overflow(err);
    if (t.count <= 36 && t.scale >= 0 && t.scale <= QN_NUMERIC_SMALL_SCALE) {
        uint64_t   part[2] = {0, 0}; /* 18 digits each */
        size_t     first = t.count > 18 ? t.count - 18 : 0, n = 0;
        qn_numeric v;
        for (const char *p = t.digits; p < t.digits_end; p++) {
            if (*p != '.') {
                uint64_t *half = &part[n++ >= first];
                *half = *half * 10 + (uint64_t)(*p - '0');
            }
        }
        qn_u128   c = (qn_u128)part[0] * qn_pow10_u128(18) + part[1];
        qn_status st = from_u128(c, t.negative, (int)t.scale, arena, &v, err);
        if (st != QN_OK)
            return st;
        if (typmod < 0) {
            *out = v;
            return QN_OK;
        }
        return qn_numeric_apply_typmod(v, typmod, arena, out, err);
    }
    qn_status   st = QN_OK;
    qn_arena    scratch;
    qn_wide_ctx ctx = {.arena = &scratch};
    qn_wide     w;
    qn_arena_init(&scratch, arena->mem);
    QN_TRY(wide_of_text(&t, &ctx, &w, err));
    QN_TRY(apply_typmod_wide(&ctx, &w, typmod, err));
    QN_TRY(qn_wide_finish(&ctx, &w, arena, out, err));
done:
    qn_arena_deinit(&scratch);
    return st;
}

/* Decimal digits of v, right-aligned to end; returns the first. */
static char *digits_before(char *end, qn_u128 v)
{
    while (v >> 64) {
        uint64_t rest = (uint64_t)(v % qn_pow10_u128(18));
        v /= qn_pow10_u128(18);
        for (int i = 0; i < 18; i++) {
            *--end = (char)('0' + rest % 10);
            rest /= 10;
        }
    }
    uint64_t u = (uint64_t)v;
    do {
        *--end = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    return end;
}

static void print_small(qn_numeric v, qn_buf *buf)
{
    char    text[QN_NUMERIC_SMALL_SCALE + 8]; /* sign, digits or zeros, point */
    qn_i128 c = qn_numeric_coefficient(v);
    int     scale = qn_numeric_scale(v);
    char   *end = text + sizeof text, *first = digits_before(end, magnitude(c));
    while (end - first <= scale) /* at least one digit before the point */
        *--first = '0';
    if (scale) {
        memmove(first - 1, first, (size_t)(end - first - scale));
        first--;
        end[-scale - 1] = '.';
    }
    if (c < 0)
        *--first = '-';
    qn_buf_add(buf, first, (size_t)(end - first));
}

static void print_wide(const qn_wide *w, qn_buf *buf)
{
    int top = w->count ? w->low + (int32_t)w->count - 1 : 0;
    if (w->negative)
        qn_buf_putc(buf, '-');
    if (top < 0)
        top = 0;
    for (int at = top; at >= 0; at--) {
        bool     inside = w->count && at >= w->low && at < w->low + (int32_t)w->count;
        uint32_t limb = inside ? w->limb[at - w->low] : 0;
        qn_buf_printf(buf, at == top ? "%u" : "%09u", limb);
    }
    if (w->dscale == 0)
        return;
    qn_buf_putc(buf, '.');
    for (int left = w->dscale, at = -1; left > 0; left -= QN_LIMB_DIGITS, at--) {
        char     text[16];
        bool     inside = w->count && at >= w->low && at < w->low + (int32_t)w->count;
        uint32_t limb = inside ? w->limb[at - w->low] : 0;
        snprintf(text, sizeof text, "%09u", limb);
        qn_buf_add(buf, text, (size_t)(left < QN_LIMB_DIGITS ? left : QN_LIMB_DIGITS));
    }
}

void qn_numeric_print(qn_numeric v, qn_buf *buf)
{
    switch (qn_numeric_tag(v)) {
    case QN_NUMERIC_TAG_LONG: {
        qn_wide_room room;
        qn_wide      w = qn_wide_view(v, &room);
        print_wide(&w, buf);
        break;
    }
    case QN_NUMERIC_TAG_NAN:
        qn_buf_puts(buf, "NaN");
        break;
    case QN_NUMERIC_TAG_INF:
        qn_buf_puts(buf, "Infinity");
        break;
    case QN_NUMERIC_TAG_NEG_INF:
        qn_buf_puts(buf, "-Infinity");
        break;
    default:
        print_small(v, buf);
    }
}

/* ---- numeric(p, s) ------------------------------------------------------------------------- */

void qn_numeric_typmod_split(int32_t typmod, int *precision, int *scale)
{
    *precision = (typmod - 4) >> 16 & 0xffff;
    *scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024; /* eleven bits, signed */
}

static qn_status field_overflow(int precision, int scale, qn_error *err)
{
    int       whole = precision - scale;
    qn_status st = qn_fail(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "numeric field overflow");
    if (whole)
        qn_error_detail(
            err,
            "A field with precision %d, scale %d must round to an absolute value less than "
            "10^%d.",
            precision, scale, whole);
    else
        qn_error_detail(
            err, "A field with precision %d, scale %d must round to an absolute value less than 1.",
            precision, scale);
    return st;
}

static qn_status apply_typmod_wide(qn_wide_ctx *ctx, qn_wide *w, int32_t typmod, qn_error *err)
{
    int precision, scale;
    if (typmod < 4)
        return QN_OK;
    qn_numeric_typmod_split(typmod, &precision, &scale);
    *w = qn_wide_round(ctx, w, scale);
    if (w->count && qn_wide_exponent(w) + 1 > precision - scale)
        return field_overflow(precision, scale, err);
    return QN_OK;
}

qn_status qn_numeric_apply_typmod(qn_numeric v, int32_t typmod, qn_arena *arena, qn_numeric *out,
                                  qn_error *err)
{
    int precision, scale;
    *out = v;
    if (typmod < 4 || qn_numeric_is_nan(v))
        return QN_OK;
    qn_numeric_typmod_split(typmod, &precision, &scale);
    if (qn_numeric_is_infinite(v, NULL)) {
        qn_status st = qn_fail(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "numeric field overflow");
        qn_error_detail(err, "A field with precision %d, scale %d cannot hold an infinite value.",
                        precision, scale);
        return st;
    }
    /* The common case: it has the scale already. */
    if (qn_numeric_is_small(v) && qn_numeric_scale(v) == scale) {
        if (qn_digits_u128(magnitude(qn_numeric_coefficient(v))) > precision)
            return field_overflow(precision, scale, err);
        return QN_OK;
    }
    qn_status st = qn_numeric_round(v, scale, arena, out, err);
    if (st != QN_OK)
        return st;
    qn_wide_room room;
    qn_wide      w = qn_wide_view(*out, &room);
    if (w.count && qn_wide_exponent(&w) + 1 > precision - scale)
        return field_overflow(precision, scale, err);
    return QN_OK;
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
    if (shift > 36 || bits_of(magnitude(*v)) + bits_of(qn_pow10_u128(shift)) > 119)
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
            bits_of(magnitude(x)) + bits_of(magnitude(y)) <= 119) {
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
    qn_u128  n = magnitude(x), d = magnitude(y);
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
        if (long_of(v)->count)
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
            qn_u128 unit = qn_pow10_u128(-shift), u = magnitude(c), q = u / unit,
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

/* ---- packed form --------------------------------------------------------------------------- */

/* One byte of tag or scale; then the coefficient, little-endian, as few bytes as keep its sign; or
 * of a long value sign (1), display scale (2), low (4) and the limbs (4 each). */
#define LONG_HEAD 8u

static size_t coefficient_bytes(qn_i128 c)
{
    size_t n = 0;
    while (n < 15 && c != (n == 0 ? 0 : (qn_i128)((qn_u128)c << (128 - 8 * n)) >> (128 - 8 * n)))
        n++;
    return n;
}

size_t qn_numeric_packed_bytes(qn_numeric v)
{
    if (qn_numeric_is_small(v))
        return 1 + coefficient_bytes(qn_numeric_coefficient(v));
    return qn_numeric_tag(v) == QN_NUMERIC_TAG_LONG ? LONG_HEAD + 4 * (size_t)long_of(v)->count : 1;
}

size_t qn_numeric_pack(qn_numeric v, void *out)
{
    uint8_t *p = out;
    size_t   bytes = qn_numeric_packed_bytes(v);
    *p++ = (uint8_t)qn_numeric_tag(v);
    if (qn_numeric_is_small(v)) {
        qn_u128 c = (qn_u128)qn_numeric_coefficient(v);
        for (size_t i = 1; i < bytes; i++, c >>= 8)
            *p++ = (uint8_t)c;
    } else if (qn_numeric_tag(v) == QN_NUMERIC_TAG_LONG) {
        const qn_numeric_long *l = long_of(v);
        uint16_t               scale = (uint16_t)qn_numeric_scale(v);
        *p++ = long_negative(v);
        memcpy(p, &scale, 2);
        memcpy(p + 2, &l->low, 4);
        if (l->count)
            memcpy(p + 6, l->limb, 4 * (size_t)l->count);
    }
    return bytes;
}

static qn_status unpack_long(const uint8_t *p, size_t bytes, qn_arena *arena, qn_numeric *out,
                             qn_error *err)
{
    uint16_t scale;
    qn_wide  w = {.count = (uint32_t)((bytes - LONG_HEAD) / 4), .negative = p[1] != 0};
    memcpy(&scale, p + 2, 2);
    memcpy(&w.low, p + 4, 4);
    w.dscale = scale;
    if ((bytes - LONG_HEAD) % 4 || p[1] > 1 || w.count > 1u << 15 || w.low < -4096 ||
        w.low > 1 << 15)
        return qn_corrupt(err, "numeric value has an impossible header");
    if (w.count == 0 && (w.negative || w.low))
        return qn_corrupt(err, "numeric zero has a sign or a weight");
    w.limb = qn_arena_array(arena, uint32_t, w.count + 1);
    if (!w.limb)
        return qn_nomem(err);
    if (w.count)
        memcpy(w.limb, p + LONG_HEAD, 4 * (size_t)w.count);
    for (uint32_t i = 0; i < w.count; i++) {
        if (w.limb[i] >= QN_LIMB_BASE)
            return qn_corrupt(err, "numeric limb is not below 10^9");
    }
    if (w.count && (w.limb[0] == 0 || w.limb[w.count - 1] == 0))
        return qn_corrupt(err, "numeric value has a zero limb at an end");
    if (w.dscale > QN_NUMERIC_MAX_DSCALE || qn_wide_weight4(&w) > QN_NUMERIC_MAX_WEIGHT4 ||
        (w.count && qn_wide_last_exponent(&w) < -w.dscale))
        return qn_corrupt(err, "numeric value is beyond its scale or the format");
    qn_status st = qn_wide_finish(NULL, &w, arena, out, err);
    if (st == QN_OK && qn_numeric_is_small(*out))
        return qn_corrupt(err, "numeric value is not in its canonical form");
    return st;
}

qn_status qn_numeric_unpack(const void *data, size_t bytes, qn_arena *arena, qn_numeric *out,
                            qn_error *err)
{
    const uint8_t *p = data;
    if (bytes == 0)
        return qn_corrupt(err, "numeric value is empty");
    if (p[0] == QN_NUMERIC_TAG_LONG && bytes >= LONG_HEAD)
        return unpack_long(p, bytes, arena, out, err);
    if (p[0] > QN_NUMERIC_TAG_LONG && p[0] <= QN_NUMERIC_TAG_NEG_INF && bytes == 1) {
        *out = qn_numeric_special(p[0]);
        return QN_OK;
    }
    if (p[0] > QN_NUMERIC_SMALL_SCALE || bytes > 16)
        return qn_corrupt(err, "numeric value has an unknown form");
    qn_u128 u = 0;
    for (size_t i = bytes; i-- > 1;)
        u = u << 8 | p[i];
    qn_i128 c = bytes == 1 ? 0 : (qn_i128)(u << (128 - 8 * (bytes - 1))) >> (128 - 8 * (bytes - 1));
    if (coefficient_bytes(c) != bytes - 1 || c < -QN_NUMERIC_SMALL_MAX)
        return qn_corrupt(err, "numeric value is not in its canonical form");
    *out = qn_numeric_small(c, p[0]);
    return QN_OK;
}
