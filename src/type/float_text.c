/* Text of floating-point numbers.
 *
 * Printing gives the shortest digits that read back as the same value, the closest ones among them,
 * never digits exactly between two values (a reader that rounds ties differently would get another
 * value).  Most numbers people store are short decimals: c / 10^k with c below 10^15 is found by
 * one multiplication and one correctly rounded division per k.  The rest asks the C library for 15,
 * 16 and 17 digits and reads them back, which is slow (microseconds) and right by construction.
 *
 * Reading hands digits and an exponent, without a decimal point, to strtod: then no locale matters.
 * Short ones need no strtod: both operands of one division or multiplication are exact (Clinger,
 * "How to Read Floating Point Numbers Accurately", 1990). */
#include "type/float_text.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/assert.h"
#include "type/type.h"

static const double pow10_f64[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* ---- printing ------------------------------------------------------------------------------ */

typedef struct decimal { /* digits × 10^exponent */
    uint64_t digits;
    int      exponent;
} decimal;

typedef struct format { /* what differs between the two types */
    bool single;
    int  digits;       /* always safe to print: DBL_DIG */
    int  max_digits;   /* always enough */
    int  mantissa;     /* bits */
    int  min_exponent; /* of the last bit of the smallest numbers */
} format;

static const format format_f64 = {false, DBL_DIG, 17, DBL_MANT_DIG, DBL_MIN_EXP - DBL_MANT_DIG};
static const format format_f32 = {true, FLT_DIG, 9, FLT_MANT_DIG, FLT_MIN_EXP - FLT_MANT_DIG};

static size_t digits_text(uint64_t v, char text[20])
{
    char   reverse[20];
    size_t n = 0;
    do {
        reverse[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (size_t i = 0; i < n; i++)
        text[i] = reverse[n - 1 - i];
    return n;
}

/* As %g writes: fixed notation for decimal exponents -4 .. limit - 1, else d.ddde+XX. */
static size_t decimal_text(bool negative, decimal d, int limit, char *text)
{
    char  digits[20];
    char *p = text;
    while (d.digits && d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    size_t n = digits_text(d.digits, digits);
    int    lead = d.digits ? d.exponent + (int)n - 1 : 0; /* exponent of the first digit */
    if (negative)
        *p++ = '-';
    if (lead < -4 || lead >= limit) {
        *p++ = digits[0];
        if (n > 1) {
            *p++ = '.';
            memcpy(p, digits + 1, n - 1);
            p += n - 1;
        }
        return (size_t)(p - text) +
               (size_t)snprintf(p, 8, "e%c%02d", lead < 0 ? '-' : '+', lead < 0 ? -lead : lead);
    }
    if (lead < 0) {
        *p++ = '0';
        *p++ = '.';
        for (int i = -1; i > lead; i--)
            *p++ = '0';
        memcpy(p, digits, n);
        return (size_t)(p + n - text);
    }
    for (int i = 0; i <= lead; i++)
        *p++ = i < (int)n ? digits[i] : '0';
    if ((int)n > lead + 1) {
        *p++ = '.';
        memcpy(p, digits + lead + 1, n - (size_t)lead - 1);
        p += n - (size_t)lead - 1;
    }
    return (size_t)(p - text);
}

/* The nearest decimal of `count` digits. */
static decimal nearest(double v, int count)
{
    char    text[40];
    decimal d = {0, 0};
    int     n = snprintf(text, sizeof text, "%.*e", count - 1, v), i = 0;
    for (; i < n && text[i] != 'e'; i++) {
        if (text[i] >= '0' && text[i] <= '9')
            d.digits = d.digits * 10 + (uint64_t)(text[i] - '0');
    }
    d.exponent = (int)strtol(text + i + 1, NULL, 10) - (count - 1);
    return d;
}

/* Whether d = m × 2^e exactly. */
static bool equals_binary(decimal d, uint64_t m, int e)
{
    qn_u128 x = d.digits, y = m;
    int     q = d.exponent;
    if (q > 27 || q < -27 || d.digits == 0) /* 5^27 exceeds what can divide either side */
        return false;
    for (int i = 0; i < q; i++)
        x *= 5;
    for (int i = 0; i > q; i--)
        y *= 5;
    /* x × 2^q = y × 2^e: compare odd parts and powers of two. */
    while (!(x & 1)) {
        x >>= 1;
        q++;
    }
    while (!(y & 1)) {
        y >>= 1;
        e++;
    }
    return x == y && q == e;
}

/* Whether d reads back as v > 0, and is not exactly half way to a neighbour. */
static bool reads_back(decimal d, double v, const format *f)
{
    char text[32];
    int  exponent;
    snprintf(text, sizeof text, "%llue%d", (unsigned long long)d.digits, d.exponent);
    if (f->single ? strtof(text, NULL) != (float)v : strtod(text, NULL) != v)
        return false;
    uint64_t m = (uint64_t)ldexp(frexp(v, &exponent), f->mantissa);
    exponent -= f->mantissa;
    if (exponent < f->min_exponent) { /* subnormal: fewer bits */
        m >>= f->min_exponent - exponent;
        exponent = f->min_exponent;
    }
    bool lowest = m == (uint64_t)1 << (f->mantissa - 1) && exponent > f->min_exponent;
    if (equals_binary(d, 2 * m + 1, exponent - 1))
        return false;
    return lowest ? !equals_binary(d, 4 * m - 1, exponent - 2)
                  : !equals_binary(d, 2 * m - 1, exponent - 1);
}

static decimal shortest_slow(double v, const format *f)
{
    double  smallest_normal = f->single ? (double)FLT_MIN : DBL_MIN;
    int     exponent;
    bool    power_of_two = frexp(v, &exponent) == 0.5;
    decimal d = {0, 0};
    /* Up to f->digits digits survive a round trip for normal numbers, so if that many read back,
     * they are the shortest once trailing zeros are dropped. */
    for (int n = v < smallest_normal ? 1 : f->digits; n <= f->max_digits; n++) {
        d = nearest(v, n);
        if (reads_back(d, v, f))
            return d;
        /* Below a power of two values lie closer: the decimal above may fit where the nearest does
         * not. */
        d.digits++;
        if (power_of_two && reads_back(d, v, f))
            return d;
    }
    return nearest(v, f->max_digits);
}

static decimal shortest(double v, const format *f)
{
    /* For float one division in double decides correctly only while 10^k times a midpoint's 25 bits
     * stays within the 53 bits. */
    int    max_k = f->single ? 8 : 18;
    double limit = f->single ? 1e6 : 1e15;
    if (v >= limit || v < 1e-5)
        return shortest_slow(v, f);
    for (int k = 0; k <= max_k; k++) {
        double c = rint(v * pow10_f64[k]);
        if (c >= limit)
            break;
        double back = c / pow10_f64[k];
        if (f->single ? (float)back == (float)v : back == v)
            return (decimal){(uint64_t)c, -k};
    }
    return shortest_slow(v, f);
}

static size_t float_text(double v, const format *f, int extra, char text[QN_FLOAT_TEXT_BYTES])
{
    const char *word = isnan(v) ? "NaN" : isinf(v) ? (v > 0 ? "Infinity" : "-Infinity") : NULL;
    if (word) {
        memcpy(text, word, strlen(word));
        return strlen(word);
    }
    bool   negative = signbit(v);
    double size = fabs(v);
    if (size == 0)
        return decimal_text(negative, (decimal){0, 0}, f->digits, text);
    if (extra > 0)
        return decimal_text(negative, shortest(size, f), f->digits, text);
    int count = f->digits + extra < 1 ? 1 : f->digits + extra;
    return decimal_text(negative, nearest(size, count), count, text);
}

size_t qn_f64_text(double v, int extra_float_digits, char text[QN_FLOAT_TEXT_BYTES])
{
    return float_text(v, &format_f64, extra_float_digits, text);
}

size_t qn_f32_text(float v, int extra_float_digits, char text[QN_FLOAT_TEXT_BYTES])
{
    return float_text((double)v, &format_f32, extra_float_digits, text);
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static qn_status invalid(const char *text, size_t bytes, const format *f, qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_INVALID_TEXT_REPRESENTATION,
                   "invalid input syntax for type %s: \"%.*s\"",
                   f->single ? "real" : "double precision", (int)(bytes < 900 ? bytes : 900), text);
}

/* As glibc's strtod, which PostgreSQL asks: any sign, and nan(anything). */
static bool special_nan(const char *p, size_t n)
{
    size_t i = n && (*p == '+' || *p == '-');

    if (n - i < 3 || strncasecmp(p + i, "nan", 3) != 0)
        return false;
    i += 3;
    if (i == n)
        return true;
    if (p[i++] != '(' || p[n - 1] != ')')
        return false;
    while (i < n - 1 && (isalnum((unsigned char)p[i]) || p[i] == '_'))
        i++;
    return i == n - 1;
}

static bool special(const char *p, size_t n, double *out)
{
    static const struct {
        const char *word;
        double      value;
    } words[] = {{"Infinity", INFINITY},
                 {"+Infinity", INFINITY},
                 {"-Infinity", -INFINITY},
                 {"inf", INFINITY},
                 {"+inf", INFINITY},
                 {"-inf", -INFINITY}};
    for (size_t i = 0; i < QN_COUNTOF(words); i++) {
        if (n == strlen(words[i].word) && strncasecmp(p, words[i].word, n) == 0) {
            *out = words[i].value;
            return true;
        }
    }
    if (special_nan(p, n)) {
        *out = NAN;
        return true;
    }
    return false;
}

/* Digits beyond what decides the rounding: exact halfway points of doubles have up to 767 digits.
 */
#define MAX_DIGITS 800

typedef struct scanned {
    char     text[MAX_DIGITS + 32]; /* "-ddd…e±x" for strtod */
    uint64_t digits;                /* exact while count <= 19 */
    int      count;                 /* significant digits */
    int64_t  exponent;
    bool     negative;
} scanned;

/* [sign] digits [. digits] [e [sign] digits], all of it. */
static bool scan(const char *p, const char *end, scanned *s)
{
    bool any = false, point = false;
    int  n = 0;
    s->digits = 0;
    s->count = 0;
    s->exponent = 0;
    s->negative = false;
    if (p < end && (*p == '+' || *p == '-'))
        s->negative = *p++ == '-';
    if (s->negative)
        s->text[n++] = '-';
    for (; p < end; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(*p))
            break;
        any = true;
        s->exponent -= point;
        if (s->count == 0 && *p == '0')
            continue;
        if (s->count < MAX_DIGITS) {
            s->text[n++] = *p;
        } else {
            s->exponent++;
            if (*p != '0')
                s->text[n - 1] = s->text[n - 1] == '0' ? '1' : s->text[n - 1]; /* sticky */
        }
        if (s->count < 19)
            s->digits = s->digits * 10 + (uint64_t)(*p - '0');
        s->count++;
    }
    if (!any)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        bool    minus = false;
        int64_t x = 0;
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            minus = *p++ == '-';
        if (p == end || !is_digit(*p))
            return false;
        for (; p < end && is_digit(*p); p++)
            x = x < 100000000 ? x * 10 + (*p - '0') : x;
        s->exponent += minus ? -x : x;
    }
    if (s->count == 0) {
        s->text[n++] = '0';
        s->exponent = 0;
    }
    snprintf(s->text + n, 24, "e%lld", (long long)s->exponent);
    return p == end;
}

/* C99 hexadecimal floats pass through strtod in PostgreSQL, so they do here. */
static bool scan_hex(const char *p, const char *end, scanned *s)
{
    size_t      n = (size_t)(end - p);
    const char *q = p + (p < end && (*p == '+' || *p == '-'));
    if (end - q < 3 || q[0] != '0' || (q[1] != 'x' && q[1] != 'X') || n >= sizeof s->text ||
        memchr(p, '.', n) || memchr(p, 0, n))
        return false;
    memcpy(s->text, p, n);
    s->text[n] = 0;
    s->count = 20; /* no short cut */
    char *stop;
    strtod(s->text, &stop);
    return *stop == 0;
}

static qn_status float_parse(const char *text, size_t bytes, const format *f, double *out,
                             qn_error *err)
{
    const char *p = text, *end = text + bytes;
    scanned     s;
    while (p < end && is_space(*p))
        p++;
    while (end > p && is_space(end[-1]))
        end--;
    if (!scan(p, end, &s) && !scan_hex(p, end, &s)) {
        if (special(p, (size_t)(end - p), out))
            return QN_OK;
        return invalid(text, bytes, f, err);
    }
    if (s.count <= (f->single ? 7 : 15) && s.exponent >= (f->single ? -10 : -22) &&
        s.exponent <= (f->single ? 10 : 22) &&
        s.digits <= (f->single ? 1u << 24 : (uint64_t)1 << 53)) {
        double v;
        if (f->single) {
            float m = (float)s.digits,
                  unit = (float)pow10_f64[s.exponent < 0 ? -s.exponent : s.exponent];
            float r = s.exponent < 0 ? m / unit : m * unit;
            v = (double)r;
        } else {
            double m = (double)s.digits,
                   unit = pow10_f64[s.exponent < 0 ? -s.exponent : s.exponent];
            v = s.exponent < 0 ? m / unit : m * unit;
        }
        *out = s.negative ? -v : v;
        return QN_OK;
    }
    double v = f->single ? (double)strtof(s.text, NULL) : strtod(s.text, NULL);
    if (isinf(v) || (v == 0 && s.count > 0 && strpbrk(s.text, "123456789abcdefABCDEF") != NULL))
        return qn_fail(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE,
                       "\"%.*s\" is out of range for type %s", (int)(end - p < 900 ? end - p : 900),
                       p, f->single ? "real" : "double precision");
    *out = v;
    return QN_OK;
}

qn_status qn_f64_parse(const char *text, size_t bytes, double *out, qn_error *err)
{
    return float_parse(text, bytes, &format_f64, out, err);
}

qn_status qn_f32_parse(const char *text, size_t bytes, float *out, qn_error *err)
{
    double    v;
    qn_status st = float_parse(text, bytes, &format_f32, &v, err);
    if (st == QN_OK)
        *out = (float)v;
    return st;
}
