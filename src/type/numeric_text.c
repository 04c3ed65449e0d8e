/* numeric outside memory: text, the modifier numeric(p, s), and a packed form for files.
 *
 * Reading goes straight to the small form while digits and scale fit it, else to aligned limbs.
 * A modifier is applied before the format's limits, so '1e-30000' is a fine numeric(5,2).
 *
 * Bytes from a file are checked in full: limbs in range, canonical form, within the format. */
#include <limits.h>
#include <stdio.h>
#include <strings.h>

#include "base/assert.h"
#include "type/numeric_int.h"

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
        qn_status st = qn_numeric_from_u128(c, t.negative, (int)t.scale, arena, &v, err);
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
    char   *end = text + sizeof text, *first = digits_before(end, qn_magnitude(c));
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
        if (qn_digits_u128(qn_magnitude(qn_numeric_coefficient(v))) > precision)
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
    return qn_numeric_tag(v) == QN_NUMERIC_TAG_LONG
               ? LONG_HEAD + 4 * (size_t)qn_numeric_long_of(v)->count
               : 1;
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
        const qn_numeric_long *l = qn_numeric_long_of(v);
        uint16_t               scale = (uint16_t)qn_numeric_scale(v);
        *p++ = qn_numeric_long_negative(v);
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
