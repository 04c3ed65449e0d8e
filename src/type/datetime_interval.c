/* Intervals: text forms and the type modifier.
 *
 * The traditional form is read from its end to its start: a unit word gives the meaning of the number
 * before it, and a number without one is seconds at the end and the next larger unit elsewhere
 * ("3 4:05:06", "1-2").  What does not read as that is tried as ISO 8601 ("P1Y2M3DT4H5M6S").
 * Sums are kept in four fields, each with overflow checks; fractions cascade to smaller units. */
#include "type/datetime_int.h"

#include <math.h>
#include <stdlib.h>
#include "base/assert.h"

typedef struct builder {
    int64_t micros;
    int32_t days, months, years;
} builder;

#define M(kind) (1u << (kind))
#define MASK_DATE (M(QN_DT_YEAR) | M(QN_DT_MONTH) | M(QN_DT_DAY))
#define MASK_SECONDS (M(QN_DT_SECOND) | M(QN_DT_MILLISECOND) | M(QN_DT_MICROSECOND))
#define MASK_TIME (M(QN_DT_HOUR) | M(QN_DT_MINUTE) | MASK_SECONDS)
#define FULL_RANGE 0x7fff

/* ---- sums ----------------------------------------------------------------------------------- */

static bool add_fraction_micros(builder *b, double fraction, int64_t scale)
{
    if (fraction == 0)
        return true;
    fraction *= (double)scale;
    if (!(fraction >= -9.2e18 && fraction <= 9.2e18))
        return false;
    int64_t micros = (int64_t)fraction;
    fraction -= (double)micros;
    micros += (fraction > 0.5) - (fraction < -0.5);
    return !__builtin_add_overflow(b->micros, micros, &b->micros);
}
static bool add_fraction_days(builder *b, double fraction, int scale)
{
    if (fraction == 0)
        return true;
    fraction *= scale;
    int days = (int)fraction; /* |fraction| < 1, scale <= 30 */
    if (__builtin_add_overflow(b->days, days, &b->days))
        return false;
    return add_fraction_micros(b, fraction - days, QN_USECS_PER_DAY);
}
static bool add_fraction_years(builder *b, double fraction, int scale)
{
    int months = (int)rint(fraction * scale * 12);
    return !__builtin_add_overflow(b->months, months, &b->months);
}
static bool add_micros(builder *b, int64_t v, double fraction, int64_t scale)
{
    int64_t micros;
    return !__builtin_mul_overflow(v, scale, &micros) &&
           !__builtin_add_overflow(b->micros, micros, &b->micros) && add_fraction_micros(b, fraction, scale);
}
static bool add_i32(int32_t *to, int64_t v, int32_t scale)
{
    int32_t part;
    return v >= INT32_MIN && v <= INT32_MAX && !__builtin_mul_overflow((int32_t)v, scale, &part) &&
           !__builtin_add_overflow(*to, part, to);
}

/* Add v + fraction of a unit; *mask says which fields that fills.  False on overflow or a bad unit. */
static dt_result add_unit(builder *b, int unit, int64_t v, double fraction, uint32_t *mask)
{
    bool good;
    *mask = unit < 32 ? M(unit) : 0;
    switch (unit) {
    case QN_DT_MICROSECOND:
        good = add_micros(b, v, fraction, 1);
        break;
    case QN_DT_MILLISECOND:
        good = add_micros(b, v, fraction, 1000);
        break;
    case QN_DT_SECOND:
        good = add_micros(b, v, fraction, QN_USECS_PER_SEC);
        if (fraction != 0)
            *mask = MASK_SECONDS;
        break;
    case QN_DT_MINUTE:
        good = add_micros(b, v, fraction, QN_USECS_PER_MIN);
        break;
    case QN_DT_HOUR:
        good = add_micros(b, v, fraction, QN_USECS_PER_HOUR);
        break;
    case QN_DT_DAY:
        good = add_i32(&b->days, v, 1) && add_fraction_micros(b, fraction, QN_USECS_PER_DAY);
        break;
    case QN_DT_WEEK:
        good = add_i32(&b->days, v, 7) && add_fraction_days(b, fraction, 7);
        break;
    case QN_DT_MONTH:
        good = add_i32(&b->months, v, 1) && add_fraction_days(b, fraction, 30);
        break;
    case QN_DT_YEAR:
    case QN_DT_DECADE:
    case QN_DT_CENTURY:
    case QN_DT_MILLENNIUM: {
        int scale = unit == QN_DT_YEAR ? 1 : unit == QN_DT_DECADE ? 10 : unit == QN_DT_CENTURY ? 100 : 1000;
        good = add_i32(&b->years, v, scale) && add_fraction_years(b, fraction, scale);
        break;
    }
    default:
        return DT_BAD;
    }
    return good ? DT_GOOD : DT_OVERFLOW;
}

/* ---- the traditional form -------------------------------------------------------------------- */

static dt_result add_clock(builder *b, const char *s, bool negative, int range, uint32_t *mask)
{
    int64_t   hour, micros;
    int       minute, second, fraction;
    dt_result r = dt_time(s, range == (M(QN_DT_MINUTE) | M(QN_DT_SECOND)), &hour, &minute, &second, &fraction);
    *mask = MASK_TIME;
    if (r != DT_GOOD)
        return r;
    if (__builtin_mul_overflow(hour, QN_USECS_PER_HOUR, &micros) ||
        __builtin_add_overflow(micros, minute * QN_USECS_PER_MIN + second * QN_USECS_PER_SEC + fraction, &micros))
        return DT_OVERFLOW;
    b->micros = negative ? -micros : micros; /* later fields (to the left) add to it */
    return DT_GOOD;
}

/* The unit of a number at the very end, from the type's field range. */
static int last_unit(int range)
{
    switch (range) {
    case M(QN_DT_YEAR): return QN_DT_YEAR;
    case M(QN_DT_MONTH):
    case M(QN_DT_YEAR) | M(QN_DT_MONTH): return QN_DT_MONTH;
    case M(QN_DT_DAY): return QN_DT_DAY;
    case M(QN_DT_HOUR):
    case M(QN_DT_DAY) | M(QN_DT_HOUR): return QN_DT_HOUR;
    case M(QN_DT_MINUTE):
    case M(QN_DT_HOUR) | M(QN_DT_MINUTE):
    case M(QN_DT_DAY) | M(QN_DT_HOUR) | M(QN_DT_MINUTE): return QN_DT_MINUTE;
    default: return QN_DT_SECOND;
    }
}

static dt_result decode_traditional(builder *b, const dt_fields *f, int range, qn_datum *special, bool *done)
{
    uint32_t seen = 0, mask;
    int      unit = -1;
    bool     ago = false;
    for (int i = f->count - 1; i >= 0; i--) {
        const char *s = f->field[i].text;
        dt_result   r = DT_GOOD;
        mask = 0;
        switch (f->field[i].kind) {
        case DT_TIME:
            r = add_clock(b, s, false, range, &mask);
            unit = QN_DT_DAY;
            break;
        case DT_SIGNED:
            if (strchr(s, ':')) {
                builder save = *b;
                r = add_clock(b, s + 1, *s == '-', range, &mask);
                unit = QN_DT_DAY;
                if (r == DT_GOOD)
                    break;
                *b = save;
                r = DT_GOOD;
            }
            /* a signed number or years-months */
            /* fall through */
        case DT_DATE:
        case DT_NUMBER: {
            char  *stop;
            double fraction = 0;
            if (unit < 0)
                unit = last_unit(range);
            errno = 0;
            int64_t v = strtoll(s, &stop, 10);
            if (errno == ERANGE)
                return DT_OVERFLOW;
            if (*stop == '-') {
                const char *end;
                int         months;
                if (!dt_int(stop + 1, &end, &months) || months < 0 || months >= 12)
                    return DT_OVERFLOW;
                if (*end)
                    return DT_BAD;
                unit = QN_DT_MONTH;
                if (__builtin_mul_overflow(v, INT64_C(12), &v) ||
                    __builtin_add_overflow(v, *s == '-' ? -months : months, &v))
                    return DT_OVERFLOW;
            } else if (*stop == '.') {
                if (!dt_fraction(stop, &fraction))
                    return DT_BAD;
                if (*s == '-')
                    fraction = -fraction;
            } else if (*stop) {
                return DT_BAD;
            }
            r = add_unit(b, unit, v, fraction, &mask);
            if (unit == QN_DT_HOUR)
                unit = QN_DT_DAY; /* for a number before it */
            break;
        }
        default: {
            const qn_dt_word *word = qn_dt_unit_word(s);
            if (!word)
                word = qn_dt_value_word(s);
            if (!word)
                return DT_BAD;
            if (word->kind == QN_DT_IGNORE)
                continue;
            if (word->kind == QN_DT_UNITS) {
                unit = word->value;
            } else if (word->kind == QN_DT_AGO) {
                ago = true;
                unit = word->value;
            } else if (word->kind == QN_DT_RESERVED) {
                mask = MASK_DATE | MASK_TIME;
                special->i32 = word->value;
                *done = true;
            } else {
                return DT_BAD;
            }
            break;
        }
        }
        if (r != DT_GOOD)
            return r;
        if (mask & seen)
            return DT_BAD;
        seen |= mask;
    }
    if (!seen)
        return DT_BAD;
    if (ago) {
        if (b->micros == INT64_MIN || b->days == INT32_MIN || b->months == INT32_MIN || b->years == INT32_MIN)
            return DT_OVERFLOW;
        b->micros = -b->micros;
        b->days = -b->days;
        b->months = -b->months;
        b->years = -b->years;
    }
    return DT_GOOD;
}

/* ---- ISO 8601 --------------------------------------------------------------------------------- */

/* A number with a fraction; *v is the integer part, fraction has its sign. */
static dt_result iso_number(const char *s, const char **end, int64_t *v, double *fraction)
{
    char *stop;
    if (!(dt_digit(*s) || *s == '-' || *s == '.'))
        return DT_BAD;
    errno = 0;
    double value = strtod(s, &stop);
    if (stop == s || errno)
        return DT_BAD;
    *end = stop;
    if (isnan(value) || value < -1e15 || value > 1e15)
        return DT_OVERFLOW;
    *v = value >= 0 ? (int64_t)floor(value) : -(int64_t)floor(-value);
    *fraction = value - (double)*v;
    return DT_GOOD;
}
/* Digits of the integer part, the sign not counted. */
static int iso_width(const char *s)
{
    return (int)strspn(s + (*s == '-'), "0123456789");
}

static dt_result decode_iso(builder *b, const char *s)
{
    bool in_date = true, have_field = false;
    if (strlen(s) < 2 || s[0] != 'P')
        return DT_BAD;
    s++;
    while (*s) {
        int64_t     v;
        double      fraction;
        uint32_t    mask;
        dt_result   r;
        const char *field = s;
        if (*s == 'T') {
            in_date = false;
            have_field = false;
            s++;
            continue;
        }
        if ((r = iso_number(s, &s, &v, &fraction)) != DT_GOOD)
            return r;
        char mark = *s ? *s++ : '\0'; /* a designator, '-' or ':' of the alternative format, or the end */
        int  unit = -1;
        if (in_date) {
            switch (mark) {
            case 'Y': unit = QN_DT_YEAR; break;
            case 'M': unit = QN_DT_MONTH; break;
            case 'W': unit = QN_DT_WEEK; break;
            case 'D': unit = QN_DT_DAY; break;
            case 'T':
            case '\0':
                if (iso_width(field) == 8 && !have_field) { /* yyyymmdd */
                    if (!add_i32(&b->years, v / 10000, 1) || !add_i32(&b->months, v / 100 % 100, 1) ||
                        !add_i32(&b->days, v % 100, 1) || !add_fraction_micros(b, fraction, QN_USECS_PER_DAY))
                        return DT_OVERFLOW;
                    if (mark == '\0')
                        return DT_GOOD;
                    in_date = false;
                    continue;
                }
                /* fall through */
            case '-': /* yyyy-mm-dd, or its beginning */
                if (have_field)
                    return DT_BAD;
                if (!add_i32(&b->years, v, 1) || !add_fraction_years(b, fraction, 1))
                    return DT_OVERFLOW;
                if (mark == '\0')
                    return DT_GOOD;
                if (mark == 'T') {
                    in_date = false;
                    continue;
                }
                if ((r = iso_number(s, &s, &v, &fraction)) != DT_GOOD)
                    return r;
                if (!add_i32(&b->months, v, 1) || !add_fraction_days(b, fraction, 30))
                    return DT_OVERFLOW;
                if (*s == '\0')
                    return DT_GOOD;
                if (*s == 'T') {
                    in_date = false;
                    s++;
                    continue;
                }
                if (*s != '-')
                    return DT_BAD;
                s++;
                if ((r = iso_number(s, &s, &v, &fraction)) != DT_GOOD)
                    return r;
                if (!add_i32(&b->days, v, 1) || !add_fraction_micros(b, fraction, QN_USECS_PER_DAY))
                    return DT_OVERFLOW;
                if (*s == '\0')
                    return DT_GOOD;
                if (*s == 'T') {
                    in_date = false;
                    s++;
                    continue;
                }
                return DT_BAD;
            default:
                return DT_BAD;
            }
        } else {
            switch (mark) {
            case 'H': unit = QN_DT_HOUR; break;
            case 'M': unit = QN_DT_MINUTE; break;
            case 'S': unit = QN_DT_SECOND; break;
            case '\0':
                if (iso_width(field) == 6 && !have_field) { /* hhmmss */
                    if (!add_micros(b, v / 10000, 0, QN_USECS_PER_HOUR) ||
                        !add_micros(b, v / 100 % 100, 0, QN_USECS_PER_MIN) ||
                        !add_micros(b, v % 100, 0, QN_USECS_PER_SEC) || !add_fraction_micros(b, fraction, 1))
                        return DT_OVERFLOW;
                    return DT_GOOD;
                }
                /* fall through */
            case ':': /* hh:mm:ss, or its beginning */
                if (have_field)
                    return DT_BAD;
                if (!add_micros(b, v, fraction, QN_USECS_PER_HOUR))
                    return DT_OVERFLOW;
                if (mark == '\0')
                    return DT_GOOD;
                if ((r = iso_number(s, &s, &v, &fraction)) != DT_GOOD)
                    return r;
                if (!add_micros(b, v, fraction, QN_USECS_PER_MIN))
                    return DT_OVERFLOW;
                if (*s == '\0')
                    return DT_GOOD;
                if (*s != ':')
                    return DT_BAD;
                s++;
                if ((r = iso_number(s, &s, &v, &fraction)) != DT_GOOD)
                    return r;
                if (!add_micros(b, v, fraction, QN_USECS_PER_SEC))
                    return DT_OVERFLOW;
                return *s ? DT_BAD : DT_GOOD;
            default:
                return DT_BAD;
            }
        }
        if ((r = add_unit(b, unit, v, fraction, &mask)) != DT_GOOD)
            return r;
        have_field = true;
    }
    return DT_GOOD;
}

/* ---- entry ---------------------------------------------------------------------------------- */

qn_status dt_interval_parse(qn_type type, const char *text, size_t bytes, qn_datum *out, qn_error *err)
{
    builder   b = {0};
    dt_fields fields;
    qn_datum  special = {0};
    bool      done = false;
    int       range = type.typmod >= 0 ? (type.typmod >> 16) & FULL_RANGE : FULL_RANGE;
    dt_result r = DT_BAD;
    if (dt_split(text, bytes, &fields))
        r = decode_traditional(&b, &fields, range, &special, &done);
    if (r == DT_BAD && bytes <= DT_TEXT_LIMIT) {
        char copy[DT_TEXT_LIMIT + 1];
        memcpy(copy, text, bytes);
        copy[bytes] = '\0';
        b = (builder){0};
        if (strlen(copy) == bytes)
            r = decode_iso(&b, copy);
        done = false;
    }
    if (r == DT_OVERFLOW)
        r = DT_INTERVAL_OVERFLOW;
    if (r != DT_GOOD || done) /* 'infinity' and the like are no intervals before PostgreSQL 17 */
        return dt_fail(r != DT_GOOD ? r : DT_BAD, QN_TYPE_INTERVAL, text, bytes, err);
    int64_t months = (int64_t)b.years * 12 + b.months;
    if (months > INT32_MAX || months < INT32_MIN)
        return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "interval out of range");
    out->interval = (qn_interval){b.micros, b.days, (int32_t)months};
    return qn_datetime_apply_typmod(type, out, err);
}

/* ---- type modifiers --------------------------------------------------------------------------- */

static const int64_t precision_step[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};

/* Round half away from zero; false when the rounded value leaves 64 bits. */
static bool round_micros(int64_t *v, int precision)
{
    if (precision < 0 || precision >= 6)
        return true;
    int64_t step = precision_step[precision], half = step / 2, sum;
    if (__builtin_add_overflow(*v, *v >= 0 ? half : -half, &sum))
        return false;
    *v = sum - sum % step;
    return true;
}

/* Keep the fields of the range: larger ones fold into months, smaller ones are cut off. */
static bool apply_range(qn_interval *v, int range)
{
    const int Y = M(QN_DT_YEAR), MO = M(QN_DT_MONTH), D = M(QN_DT_DAY), H = M(QN_DT_HOUR),
              MI = M(QN_DT_MINUTE), S = M(QN_DT_SECOND);
    if (range == FULL_RANGE)
        return true;
    if (range == Y || range == MO || range == (Y | MO)) {
        if (range == Y)
            v->months = v->months / 12 * 12;
        v->days = 0;
        v->micros = 0;
    } else if (range == D) {
        v->micros = 0;
    } else if (range == H || range == (D | H)) {
        v->micros = v->micros / QN_USECS_PER_HOUR * QN_USECS_PER_HOUR;
    } else if (range == MI || range == (H | MI) || range == (D | H | MI)) {
        v->micros = v->micros / QN_USECS_PER_MIN * QN_USECS_PER_MIN;
    } else if (range != S && range != (MI | S) && range != (H | MI | S) && range != (D | H | MI | S)) {
        return false;
    }
    return true;
}

qn_status qn_datetime_apply_typmod(qn_type type, qn_datum *value, qn_error *err)
{
    if (type.typmod < 0)
        return QN_OK;
    int precision = type.typmod & 0xffff;
    switch (type.id) {
    case QN_TYPE_TIME:
        round_micros(&value->i64, precision); /* cannot overflow */
        return QN_OK;
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
        if (qn_timestamp_finite(value->i64) && !round_micros(&value->i64, precision))
            return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "timestamp out of range");
        return QN_OK;
    case QN_TYPE_INTERVAL:
        if (!apply_range(&value->interval, (type.typmod >> 16) & FULL_RANGE))
            return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "unrecognized interval typmod: %d", type.typmod);
        if (!round_micros(&value->interval.micros, precision))
            return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "interval out of range");
        return QN_OK;
    default:
        return QN_OK;
    }
}
