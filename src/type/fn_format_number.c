/* Numbers by picture: to_char of integers, floats and numeric; to_number.
 *
 * A number is first made text with exactly the decimals the picture has; a writer then goes through the
 * picture and places digits, signs and separators.  Its rules are PostgreSQL's, position by position:
 * `at` counts digit positions of the picture, `blanks` is how many of them the number leaves empty on the
 * left, and the sign goes where the first digit does unless the picture says otherwise. */
#include "type/fn_format_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/assert.h"
#include "type/numeric.h"

enum { K_COMMA, K_POINT, K_0, K_9, K_B, K_C, K_D, K_E, K_FM, K_G, K_L, K_MI, K_PL, K_PR, K_RN, K_SG, K_SP, K_S, K_TH, K_V };
#define BOTH(upper, lower, id) {upper, id, false, 0}, {lower, id, false, 0}
const format_keyword format_number_keywords[] = {
    {",", K_COMMA, false, 0}, {".", K_POINT, false, 0}, {"0", K_0, false, 0}, {"9", K_9, false, 0},
    BOTH("B", "b", K_B), BOTH("C", "c", K_C), BOTH("D", "d", K_D), BOTH("EEEE", "eeee", K_E), BOTH("FM", "fm", K_FM),
    BOTH("G", "g", K_G), BOTH("L", "l", K_L), BOTH("MI", "mi", K_MI), BOTH("PL", "pl", K_PL), BOTH("PR", "pr", K_PR),
    BOTH("RN", "rn", K_RN), BOTH("SG", "sg", K_SG), BOTH("SP", "sp", K_SP), BOTH("S", "s", K_S), BOTH("TH", "th", K_TH),
    BOTH("V", "v", K_V), {NULL, 0, false, 0},
};

/* What a picture as a whole asks for. */
typedef struct plan {
    bool decimal, fill, sign_locale, bracket, minus, plus, roman, multi, zero, blank, sci;
    char sign_at;      /* 'b' before the number, 'a' after it, 0 none */
    int  sign_before;  /* digit positions before S */
    int  pre, post;    /* digit positions before and after the point */
    int  shift;        /* positions after V */
    int  zero_start, zero_end;
} plan;

static qn_status picture_error(qn_call *call, const char *text)
{
    return qn_fail(call->err, QN_SQLSTATE_SYNTAX_ERROR, "%s", text);
}

static qn_status make_plan(qn_call *call, const format_picture *picture, plan *p)
{
    *p = (plan){0};
    for (uint32_t i = 0; i < picture->count; i++) {
        if (picture->nodes[i].kind != NODE_KEY)
            continue;
        int id = picture->nodes[i].key->id;
        if (p->sci && id != K_E)
            return picture_error(call, "\"EEEE\" must be the last pattern used");
        switch (id) {
        case K_9:
            if (p->bracket)
                return picture_error(call, "\"9\" must be ahead of \"PR\"");
            if (p->multi)
                p->shift++;
            else if (p->decimal)
                p->post++;
            else
                p->pre++;
            break;
        case K_0:
            if (p->bracket)
                return picture_error(call, "\"0\" must be ahead of \"PR\"");
            if (!p->zero && !p->decimal) {
                p->zero = true;
                p->zero_start = p->pre + 1;
            }
            if (p->decimal)
                p->post++;
            else
                p->pre++;
            p->zero_end = p->pre + p->post;
            break;
        case K_B:
            if (!p->pre && !p->post && !p->zero)
                p->blank = true;
            break;
        case K_D:
        case K_POINT:
            if (p->decimal)
                return picture_error(call, "multiple decimal points");
            if (p->multi)
                return picture_error(call, "cannot use \"V\" and decimal point together");
            p->decimal = true;
            break;
        case K_FM:
            p->fill = true;
            break;
        case K_S:
            if (p->sign_locale)
                return picture_error(call, "cannot use \"S\" twice");
            if (p->plus || p->minus || p->bracket)
                return picture_error(call, "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
            p->sign_locale = true;
            p->sign_at = p->decimal ? 'a' : 'b';
            p->sign_before = p->pre;
            break;
        case K_MI:
        case K_PL:
        case K_SG:
            if (p->sign_locale)
                return picture_error(call, id == K_MI   ? "cannot use \"S\" and \"MI\" together"
                                           : id == K_PL ? "cannot use \"S\" and \"PL\" together"
                                                        : "cannot use \"S\" and \"SG\" together");
            p->minus = p->minus || id != K_PL;
            p->plus = p->plus || id != K_MI;
            break;
        case K_PR:
            if (p->sign_locale || p->plus || p->minus)
                return picture_error(call, "cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
            p->bracket = true;
            break;
        case K_RN:
            p->roman = true;
            break;
        case K_V:
            if (p->decimal)
                return picture_error(call, "cannot use \"V\" and decimal point together");
            p->multi = true;
            break;
        case K_E:
            if (p->sci)
                return picture_error(call, "cannot use \"EEEE\" twice");
            if (p->blank || p->fill || p->sign_locale || p->bracket || p->minus || p->plus || p->roman || p->multi) {
                qn_status st = picture_error(call, "\"EEEE\" is incompatible with other formats");
                qn_error_detail(call->err,
                                "\"EEEE\" may only be used together with digit and decimal point patterns.");
                return st;
            }
            p->sci = true;
            break;
        default:
            break;
        }
    }
    return QN_OK;
}

/* ---- output ------------------------------------------------------------------------------------- */

typedef struct writer {
    qn_buf     *out;
    plan        p;
    const char *number, *next;  /* digits without sign; the next one to place */
    const char *last_relevant;  /* the last decimal worth showing, or the point; NULL: show all */
    char        sign;
    bool        sign_done, started, ended; /* ended: the picture asked for digits beyond the number */
    int         blanks, at, count;
} writer;

static bool leading_zero(const writer *w)
{
    return !w->p.zero && w->next == w->number && *w->number == '0' && w->p.post != 0;
}

static void put_digit(writer *w, int id)
{
    const plan *p = &w->p;
    qn_buf     *out = w->out;
    bool        point_only = w->last_relevant && *w->last_relevant == '.';
    w->started = false;
    if (!w->sign_done && (w->at >= w->blanks || (p->zero && p->zero_start == w->at)) &&
        (!leading_zero(w) || point_only)) {
        if (p->sign_locale) {
            if (p->sign_at == 'b') {
                qn_buf_putc(out, w->sign);
                w->sign_done = true;
            }
        } else if (p->bracket) {
            qn_buf_putc(out, w->sign == '+' ? ' ' : '<');
            w->sign_done = true;
        } else if (w->sign == '+') {
            if (!p->fill)
                qn_buf_putc(out, ' ');
            w->sign_done = true;
        } else if (w->sign == '-') {
            qn_buf_putc(out, '-');
            w->sign_done = true;
        }
    }
    if (w->at < w->blanks && (p->zero_start > w->at || !p->zero)) {
        if (!p->fill)
            qn_buf_putc(out, ' ');
    } else if (p->zero && w->at < w->blanks && p->zero_start <= w->at) {
        qn_buf_putc(out, '0');
        w->started = true;
    } else {
        if (*w->next == '.') {
            if (!point_only || p->fill) /* FM9.9 of 1 shows "1." */
                qn_buf_putc(out, '.');
        } else if (w->last_relevant && w->next > w->last_relevant && id != K_0) {
            /* a trailing zero that FM drops */
        } else if (leading_zero(w)) { /* 9.9 of 0.1 shows " .1" */
            if (!p->fill)
                qn_buf_putc(out, ' ');
            else if (point_only)
                qn_buf_putc(out, '0');
        } else {
            if (*w->next)
                qn_buf_putc(out, *w->next);
            else
                w->ended = true;
            w->started = true;
        }
        if (w->ended)
            return;
        if (*w->next)
            w->next++;
    }
    int end = w->count + (w->blanks ? 1 : 0) + (p->decimal ? 1 : 0);
    if (w->last_relevant && w->last_relevant == w->next)
        end = w->at;
    if (w->at + 1 == end) {
        if (w->sign_done && p->bracket)
            qn_buf_putc(out, w->sign == '+' ? ' ' : '>');
        else if (p->sign_locale && p->sign_at == 'a')
            qn_buf_putc(out, w->sign);
    }
    w->at++;
}

static void put_roman(qn_buf *out, const char *number, bool lower, bool fill)
{
    size_t n = strlen(number);
    for (size_t i = n; !fill && i < 15; i++)
        qn_buf_putc(out, ' ');
    for (; *number; number++)
        qn_buf_putc(out, lower && *number >= 'A' && *number <= 'Z' ? (char)(*number + 32) : *number);
}

/* Place `number` (no sign) by the picture.  `blanks`: empty digit positions before it. */
static qn_status write_number(qn_call *call, const format_picture *picture, const plan *source, const char *number,
                              char sign, int blanks, qn_datum *result)
{
    qn_buf out;
    writer w = {.out = &out, .p = *source, .number = number, .next = number, .sign = sign, .blanks = blanks};
    plan  *p = &w.p;
    qn_buf_init(&out, call->arena->mem);
    if (p->zero_start)
        p->zero_start--;
    if (p->sci) {
        qn_buf_puts(&out, number);
        return format_result(call, &out, result);
    }
    if (p->roman) {
        *p = (plan){.fill = source->fill, .roman = true};
        w.blanks = 0;
        w.sign = '\0';
    }
    if (p->plus || p->minus) {
        w.sign_done = !(p->plus && !p->minus);
    } else {
        if (w.sign != '-' && p->fill)
            p->bracket = false;
        w.sign_done = w.sign == '+' && p->fill && !p->sign_locale;
        if (p->sign_at == 'b' && p->pre == p->sign_before)
            p->sign_at = 'a';
    }
    w.count = p->post + p->pre - 1;
    if (p->fill && p->decimal) {
        const char *point = strchr(number, '.');
        w.last_relevant = point;
        for (const char *q = point; q && *q; q++)
            w.last_relevant = *q != '0' ? q : w.last_relevant;
        if (point && p->zero_end > w.blanks) { /* keep what a 0 of the picture asks for */
            int last = (int)strlen(number) - 1;
            if (last > p->zero_end - w.blanks)
                last = p->zero_end - w.blanks;
            if (w.last_relevant < number + last)
                w.last_relevant = number + last;
        }
    }
    if (!w.sign_done && w.blanks == 0)
        w.count++;

    /* "9." of 5 runs out of number at the point; PostgreSQL shows nothing of the picture after that. */
    qn_status st = QN_OK;
    for (uint32_t i = 0; i < picture->count && !w.ended && st == QN_OK; i++) {
        const format_node *n = &picture->nodes[i];
        if (n->kind != NODE_KEY) {
            qn_buf_add(&out, n->text, n->bytes);
            continue;
        }
        bool lower = n->key->name[0] >= 'a';
        switch (n->key->id) {
        case K_9: case K_0: case K_POINT: case K_D:
            if (!p->roman)
                put_digit(&w, n->key->id);
            break;
        case K_COMMA:
        case K_G:
            if (w.started)
                qn_buf_putc(&out, ',');
            else if (!p->fill)
                qn_buf_putc(&out, ' ');
            break;
        case K_L: /* the C locale has no currency symbol */
            qn_buf_putc(&out, ' ');
            break;
        case K_RN:
            put_roman(&out, number, lower, p->fill);
            break;
        case K_TH:
            if (p->roman || *number == '#' || w.sign == '-' || p->decimal)
                break;
            if (!*number || !format_digit(number[strlen(number) - 1]))
                st = qn_fail(call->err, QN_SQLSTATE_INVALID_TEXT_REPRESENTATION, "\"%s\" is not a number", number);
            else
                qn_buf_puts(&out, format_ordinal(number, strlen(number), !lower));
            break;
        case K_MI:
            if (w.sign == '-')
                qn_buf_putc(&out, '-');
            else if (!p->fill)
                qn_buf_putc(&out, ' ');
            break;
        case K_PL:
            if (w.sign == '+')
                qn_buf_putc(&out, '+');
            else if (!p->fill)
                qn_buf_putc(&out, ' ');
            break;
        case K_SG:
            if (w.sign)
                qn_buf_putc(&out, w.sign);
            else
                w.ended = true;
            break;
        default:
            break;
        }
    }
    if (st != QN_OK) {
        qn_buf_deinit(&out);
        return st;
    }
    return format_result(call, &out, result);
}

/* Digits (perhaps with a sign) that already have the right decimals: measure, then write. */
static qn_status write_text(qn_call *call, const format_picture *picture, const plan *p, const char *text,
                            qn_datum *result)
{
    char  sign = *text == '-' ? '-' : '+';
    char *overflow;
    text += *text == '-';
    int pre = (int)strcspn(text, ".");
    if (pre <= p->pre)
        return write_number(call, picture, p, text, sign, p->pre - pre, result);
    overflow = qn_arena_alloc(call->arena, (size_t)p->pre + (size_t)p->post + 2);
    if (!overflow)
        return qn_nomem(call->err);
    memset(overflow, '#', (size_t)p->pre + (size_t)p->post + 1);
    overflow[p->pre] = '.';
    overflow[p->pre + p->post + 1] = '\0';
    return write_number(call, picture, p, overflow, sign, 0, result);
}

static qn_status write_roman(qn_call *call, const format_picture *picture, const plan *p, int64_t v, qn_datum *result)
{
    static const struct {
        int         value;
        const char *text;
    } steps[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
                 {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"}};
    char   text[16] = "###############";
    size_t n = 0;
    if (v >= 1 && v <= 3999) {
        for (size_t i = 0; i < QN_COUNTOF(steps); i++) {
            for (; v >= steps[i].value; v -= steps[i].value)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s", steps[i].text);
        }
    }
    return write_number(call, picture, p, text, '+', 0, result);
}

/* What EEEE shows where there is no number. */
static qn_status write_sci_hashes(qn_call *call, const format_picture *picture, const plan *p, qn_datum *result)
{
    size_t n = (size_t)p->pre + (size_t)p->post + 6;
    char  *text = qn_arena_alloc(call->arena, n + 1);
    if (!text)
        return qn_nomem(call->err);
    memset(text, '#', n);
    text[n] = '\0';
    text[0] = ' ';
    text[p->pre + 1] = '.';
    return write_number(call, picture, p, text, '+', 0, result);
}

static qn_status begin(qn_call *call, const qn_str *format, const format_picture **picture, plan *p, bool *null)
{
    *null = false;
    qn_status st = format_picture_get(call, format, false, picture);
    return st == QN_OK ? make_plan(call, *picture, p) : st;
}

static char *zero_padded(qn_call *call, const char *digits, int decimals)
{
    size_t n = strlen(digits);
    char  *text = qn_arena_alloc(call->arena, n + (size_t)decimals + 2);
    if (!text)
        return NULL;
    memcpy(text, digits, n + 1);
    if (decimals) {
        text[n] = '.';
        memset(text + n + 1, '0', (size_t)decimals);
        text[n + 1 + (size_t)decimals] = '\0';
    }
    return text;
}

FORMAT_FN(format_int4)
{
    (void)nulls;
    const format_picture *picture;
    plan                  p;
    char                  digits[64];
    int64_t               v = args[0].i32;
    qn_status             st = begin(call, &args[1].str, &picture, &p, null);
    if (st != QN_OK || *null)
        return st;
    if (p.roman)
        return write_roman(call, picture, &p, v, result);
    if (p.sci) {
        char text[512];
        snprintf(text, sizeof text, "%+.*e", p.post > 400 ? 400 : p.post, (double)v);
        if (text[0] == '+')
            text[0] = ' ';
        return write_number(call, picture, &p, text, '+', 0, result);
    }
    for (int i = 0; i < p.shift; i++) {
        v *= 10;
        if (v != (int32_t)v)
            return qn_fail(call->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "integer out of range");
    }
    p.pre += p.shift;
    snprintf(digits, sizeof digits, "%lld", (long long)v);
    const char *text = zero_padded(call, digits, p.post);
    return text ? write_text(call, picture, &p, text, result) : qn_nomem(call->err);
}

/* Scientific form of a decimal text, rounded half away from zero to `decimals`.  A carry out of the first
 * digit leaves "10.00e+00", as in PostgreSQL. */
static char *decimal_to_sci(qn_call *call, const char *text, int decimals)
{
    bool        negative = *text == '-', carry = false;
    const char *s = text + negative, *point = strchr(s, '.');
    size_t      n = strlen(s), whole = point ? (size_t)(point - s) : n, count = 0;
    char       *digits = qn_arena_alloc(call->arena, n + (size_t)decimals + 2);
    char       *out = qn_arena_alloc(call->arena, n + (size_t)decimals + 32);
    if (!digits || !out)
        return NULL;
    size_t first = strspn(s, "0.");
    int    exponent = !s[first] ? 0 : first < whole ? (int)(whole - first) - 1 : -(int)(first - whole);
    for (const char *q = s + first; *q; q++) {
        if (*q != '.')
            digits[count++] = *q;
    }
    while (count < (size_t)decimals + 2)
        digits[count++] = '0';
    if (digits[decimals + 1] >= '5') {
        int i = decimals;
        while (i >= 0 && digits[i] == '9')
            digits[i--] = '0';
        if (i >= 0)
            digits[i]++;
        else
            carry = true;
    }
    size_t length = (size_t)sprintf(out, "%s%s%c", negative ? "-" : " ", carry ? "1" : "", digits[0]);
    if (decimals)
        length += (size_t)sprintf(out + length, ".%.*s", decimals, digits + 1);
    sprintf(out + length, "e%+03d", exponent);
    return out;
}

/* A numeric that is finite, or not. */
static qn_status write_numeric(qn_call *call, const format_picture *picture, plan *p, qn_numeric v, qn_datum *result)
{
    qn_status  st = QN_OK;
    qn_buf     buf;
    int        sign;
    qn_numeric power;
    int64_t    roman;
    bool       finite = !qn_numeric_is_nan(v) && !qn_numeric_is_infinite(v, &sign);
    qn_buf_init(&buf, call->arena->mem);
    if (p->roman && !finite)
        return qn_fail(call->err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "cannot convert %s to integer",
                       qn_numeric_is_nan(v) ? "NaN" : "infinity");
    if (p->roman) {
        QN_TRY(qn_numeric_round(v, 0, call->arena, &v, call->err));
        if (qn_numeric_to_i64(v, &roman, NULL) != QN_OK || roman != (int32_t)roman)
            return qn_fail(call->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "integer out of range");
        return write_roman(call, picture, p, roman, result);
    }
    if (p->sci && !finite)
        return write_sci_hashes(call, picture, p, result);
    if (p->multi) {
        QN_TRY(qn_numeric_from_i64(1, &power));
        for (int i = 0; i < p->shift; i++) {
            qn_numeric ten = qn_numeric_small(10, 0);
            QN_TRY(qn_numeric_mul(power, ten, call->arena, &power, call->err));
        }
        QN_TRY(qn_numeric_mul(v, power, call->arena, &v, call->err));
        p->pre += p->shift;
    }
    if (!p->sci)
        QN_TRY(qn_numeric_round(v, p->post, call->arena, &v, call->err));
    qn_numeric_print(v, &buf);
    if (!qn_buf_ok(&buf)) {
        st = qn_nomem(call->err);
    } else if (p->sci) {
        const char *text = decimal_to_sci(call, buf.data, p->post);
        st = text ? write_number(call, picture, p, text, '+', 0, result) : qn_nomem(call->err);
    } else {
        st = write_text(call, picture, p, buf.data, result);
    }
done:
    qn_buf_deinit(&buf);
    return st;
}

FORMAT_FN(format_numeric)
{
    (void)nulls;
    const format_picture *picture;
    plan                  p;
    qn_status             st = begin(call, &args[1].str, &picture, &p, null);
    if (st != QN_OK || *null)
        return st;
    return write_numeric(call, picture, &p, args[0].num, result);
}

FORMAT_FN(format_int8)
{
    (void)nulls;
    const format_picture *picture;
    plan                  p;
    char                  digits[64];
    int64_t               v = args[0].i64;
    qn_numeric            number;
    qn_status             st = begin(call, &args[1].str, &picture, &p, null);
    if (st != QN_OK || *null)
        return st;
    if (p.roman) {
        if (v != (int32_t)v)
            return qn_fail(call->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "integer out of range");
        return write_roman(call, picture, &p, v, result);
    }
    if (p.sci) {
        st = qn_numeric_from_i64(v, &number);
        return st == QN_OK ? write_numeric(call, picture, &p, number, result) : st;
    }
    for (int i = 0; i < p.shift; i++) {
        if (__builtin_mul_overflow(v, INT64_C(10), &v))
            return qn_fail(call->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "bigint out of range");
    }
    p.pre += p.shift;
    snprintf(digits, sizeof digits, "%lld", (long long)v);
    const char *text = zero_padded(call, digits, p.post);
    return text ? write_text(call, picture, &p, text, result) : qn_nomem(call->err);
}

/* Floats show at most `digits` digits (15 of a double, 6 of a real) before and after the point. */
static qn_status write_float(qn_call *call, const format_picture *picture, plan *p, double v, int digits,
                             qn_datum *result)
{
    char text[1024]; /* 309 digits before the point at most, 15 after it */
    if (p->roman) {
        double r = rint(v);
        return write_roman(call, picture, p, r >= 1 && r <= 3999 ? (int64_t)r : 0, result);
    }
    if (p->sci) {
        if (isnan(v) || isinf(v))
            return write_sci_hashes(call, picture, p, result);
        snprintf(text, sizeof text, "%+.*e", p->post > 900 ? 900 : p->post, v);
        if (text[0] == '+')
            text[0] = ' ';
        return write_number(call, picture, p, text, '+', 0, result);
    }
    if (p->multi) {
        v = digits == 6 ? (double)((float)v * (float)pow(10, p->shift)) : v * pow(10, p->shift);
        p->pre += p->shift;
    }
    const char *odd = isnan(v) ? "NaN" : isinf(v) ? &"-Infinity"[v > 0] : NULL;
    int         whole = snprintf(text, sizeof text, "%.0f", fabs(v));
    if (odd)
        whole = (int)strlen(odd) - (*odd == '-');
    if (whole >= digits)
        p->post = 0;
    else if (whole + p->post > digits)
        p->post = digits - whole;
    if (odd)
        return write_text(call, picture, p, odd, result);
    snprintf(text, sizeof text, "%.*f", p->post, v);
    return write_text(call, picture, p, text, result);
}
FORMAT_FN(format_float8)
{
    (void)nulls;
    const format_picture *picture;
    plan                  p;
    qn_status             st = begin(call, &args[1].str, &picture, &p, null);
    if (st != QN_OK || *null)
        return st;
    return write_float(call, picture, &p, args[0].f64, 15, result);
}
FORMAT_FN(format_float4)
{
    (void)nulls;
    const format_picture *picture;
    plan                  p;
    qn_status             st = begin(call, &args[1].str, &picture, &p, null);
    if (st != QN_OK || *null)
        return st;
    return write_float(call, picture, &p, (double)args[0].f32, 6, result);
}

/* ---- to_number ------------------------------------------------------------------------------------ */

typedef struct scanner {
    const char *s, *end;
    plan        p;
    char       *number; /* [0] is the sign or a blank */
    size_t      bytes;
    int         before, after; /* digits read on either side of the point */
    bool        point;
} scanner;

static void skip_text(scanner *r, int count)
{
    /* Characters that belong to a number are never skipped. */
    while (count-- > 0 && r->s < r->end && !strchr("0123456789.,+-", *r->s)) {
        do
            r->s++;
        while (r->s < r->end && ((unsigned char)*r->s & 0xc0) == 0x80);
    }
}

/* One digit position or point of the picture.  The sign may stand before the first digit or behind the last. */
static void scan_digit(scanner *r, int id)
{
    bool read = false, none = r->before + r->after == 0;
    if (r->s < r->end && *r->s == ' ')
        r->s++;
    if (r->s >= r->end)
        return;
    if (r->number[0] == ' ' && (id == K_0 || id == K_9) && none) {
        bool locale_before = r->p.sign_locale && r->p.sign_at == 'b';
        if (*r->s == '-' || (!locale_before && r->p.bracket && *r->s == '<')) {
            r->number[0] = '-';
            r->s++;
        } else if (*r->s == '+') {
            r->number[0] = '+';
            r->s++;
        }
    }
    if (r->s >= r->end)
        return;
    if (format_digit(*r->s)) {
        if (r->point && r->after == r->p.post)
            return;
        r->number[r->bytes++] = *r->s;
        if (r->point)
            r->after++;
        else
            r->before++;
        read = true;
    } else if (r->p.decimal && !r->point && *r->s == '.') {
        r->number[r->bytes++] = '.';
        r->point = read = true;
    }
    if (r->number[0] == ' ' && r->before + r->after > 0) {
        if (r->p.sign_locale && read && r->s + 1 < r->end && !format_digit(r->s[1])) {
            if (r->s[1] == '-' || r->s[1] == '+') {
                r->number[0] = r->s[1];
                r->s++;
            }
        } else if (!read && !r->p.sign_locale && (r->p.plus || r->p.minus)) {
            if (*r->s == '-' || *r->s == '+')
                r->number[0] = *r->s;
        }
    }
}

FORMAT_FN(format_to_number)
{
    (void)nulls;
    const format_picture *picture;
    scanner               r = {.s = qn_str_data(&args[0].str)};
    qn_status             st = begin(call, &args[1].str, &picture, &r.p, null);
    if (st != QN_OK || *null)
        return st;
    *null = args[1].str.bytes == 0;
    if (*null)
        return QN_OK;
    r.end = r.s + args[0].str.bytes;
    r.number = qn_arena_alloc(call->arena, (size_t)args[0].str.bytes + picture->count + 4);
    if (!r.number)
        return qn_nomem(call->err);
    r.number[0] = ' ';
    r.bytes = 1;
    if (r.p.sci)
        return qn_fail(call->err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "\"EEEE\" not supported for input");
    if (r.p.roman)
        return qn_fail(call->err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "\"RN\" not supported for input");

    for (uint32_t i = 0; i < picture->count && r.s < r.end; i++) {
        const format_node *n = &picture->nodes[i];
        if (n->kind != NODE_KEY) {
            do
                r.s++;
            while (r.s < r.end && ((unsigned char)*r.s & 0xc0) == 0x80);
            continue;
        }
        switch (n->key->id) {
        case K_9: case K_0: case K_POINT: case K_D:
            scan_digit(&r, n->key->id);
            break;
        case K_COMMA:
        case K_G:
            if (r.p.fill || *r.s != ',')
                continue;
            break;
        case K_L:
            skip_text(&r, 1);
            continue;
        case K_TH:
            if (!r.p.decimal)
                skip_text(&r, 2);
            continue;
        case K_MI:
        case K_PL:
        case K_SG:
            if ((*r.s == '-' && n->key->id != K_PL) || (*r.s == '+' && n->key->id != K_MI)) {
                r.number[0] = *r.s;
            } else {
                skip_text(&r, 1);
                continue;
            }
            break;
        default:
            continue;
        }
        r.s++;
    }
    if (r.number[r.bytes - 1] == '.')
        r.bytes--;
    int     precision = r.p.pre + r.p.shift + r.after;
    int32_t typmod = ((precision << 16) | r.after) + 4;
    st = qn_numeric_parse(r.number, r.bytes, precision >= 1 && precision <= 1000 ? typmod : -1, call->arena,
                          &result->num, call->err);
    if (st == QN_OK && precision == 0 && qn_numeric_compare(result->num, qn_numeric_small(0, 0)) != 0)
        return qn_fail(call->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "numeric field overflow");
    if (st == QN_OK && r.p.multi) { /* V: the digits are 10^shift times the value; power() shows 16 decimals */
        char       text[32];
        qn_numeric scale;
        int        zeros = r.p.shift < 16 ? 16 - r.p.shift : 0;
        int        n = snprintf(text, sizeof text, "1%.*se-%d", zeros, "0000000000000000", r.p.shift + zeros);
        st = qn_numeric_parse(text, (size_t)n, -1, call->arena, &scale, call->err);
        if (st == QN_OK)
            st = qn_numeric_mul(result->num, scale, call->arena, &result->num, call->err);
    }
    return st;
}
