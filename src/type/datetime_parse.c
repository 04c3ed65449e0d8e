/* Text to dates, times and timestamps.
 *
 * Two phases.  The splitter cuts the text into fields by their look alone: number, date (digits with
 * separators, or a word glued to some), time (a colon), signed number, word.  The decoder walks the
 * fields, gives each a meaning from what is already known (a bit mask of fields seen), and refuses a
 * meaning that was given before.  Both follow PostgreSQL's observable rules, since people rely on odd
 * corners of them ("20010203T040506", "J2451187", "allballs").
 *
 * Invariants
 *   - Every field's text is NUL-terminated inside fields->text, lower case where it starts with a letter.
 *   - Numbers are read with range checks; nothing from outside reaches an unchecked conversion.
 *
 * Intervals have a decoder of their own in datetime_interval.c that shares the splitter. */
#include "type/datetime_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/assert.h"

/* ---- splitting ------------------------------------------------------------------------------ */

static void field_put(dt_fields *f, char c)
{
    if (f->used < sizeof f->text - 1)
        f->text[f->used++] = c;
    else
        f->overflow = true;
}

/* Cut `text` into fields; false when some byte fits nowhere. */
bool dt_split(const char *text, size_t bytes, dt_fields *f)
{
    char        copy[DT_TEXT_LIMIT + 1];
    const char *p = copy;
    memset(f, 0, sizeof *f);
    if (bytes > DT_TEXT_LIMIT || memchr(text, '\0', bytes))
        return false;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';

    while (*p) {
        if (dt_space(*p)) {
            p++;
            continue;
        }
        if (f->count >= DT_FIELDS)
            return false;
        size_t   start = f->used;
        dt_field field = {DT_STRING, f->text + start};
        if (dt_digit(*p)) {
            while (dt_digit(*p))
                field_put(f, *p++);
            if (*p == ':') {
                field.kind = DT_TIME;
                while (dt_digit(*p) || *p == ':' || *p == '.')
                    field_put(f, *p++);
            } else if (*p == '-' || *p == '/' || *p == '.') {
                char mark = *p;
                field_put(f, *p++);
                if (dt_digit(*p)) {
                    field.kind = mark == '.' ? DT_NUMBER : DT_DATE;
                    while (dt_digit(*p))
                        field_put(f, *p++);
                    if (*p == mark) { /* three fields need the same mark twice */
                        field.kind = DT_DATE;
                        while (dt_digit(*p) || *p == mark)
                            field_put(f, *p++);
                    }
                } else {
                    field.kind = DT_DATE;
                    while (dt_alnum(*p) || *p == mark)
                        field_put(f, dt_lower(*p++));
                }
            } else {
                field.kind = DT_NUMBER;
            }
        } else if (*p == '.') {
            field.kind = DT_NUMBER;
            do
                field_put(f, *p++);
            while (dt_digit(*p));
        } else if (dt_alpha(*p)) {
            bool glued = false;
            while (dt_alpha(*p))
                field_put(f, dt_lower(*p++));
            if (*p == '-' || *p == '/' || *p == '.') {
                glued = true;
            } else if (*p == '+' || dt_digit(*p)) {
                f->text[f->used] = '\0';
                glued = !qn_dt_value_word(field.text);
            }
            if (glued) {
                field.kind = DT_DATE;
                do
                    field_put(f, dt_lower(*p++));
                while (*p == '+' || *p == '-' || *p == '/' || *p == '_' || *p == '.' || *p == ':' ||
                       dt_alnum(*p));
            }
        } else if (*p == '+' || *p == '-') {
            field_put(f, *p++);
            while (dt_space(*p))
                p++;
            if (dt_digit(*p)) {
                field.kind = DT_SIGNED;
                while (dt_digit(*p) || *p == ':' || *p == '.' || *p == '-')
                    field_put(f, *p++);
            } else if (dt_alpha(*p)) {
                field.kind = DT_SPECIAL;
                while (dt_alpha(*p))
                    field_put(f, dt_lower(*p++));
            } else {
                return false;
            }
        } else if (*p > ' ' && *p < 127) {
            p++; /* other punctuation separates */
            continue;
        } else {
            return false;
        }
        field_put(f, '\0');
        f->field[f->count++] = field;
        if (f->overflow)
            return false;
    }
    return true;
}

/* ---- numbers ------------------------------------------------------------------------------- */

/* As strtol, in the range of int: false when out of it.  *end is where the digits stop. */
bool dt_int(const char *s, const char **end, int *out)
{
    char *stop;
    errno = 0;
    long v = strtol(s, &stop, 10);
    *end = stop;
    *out = (int)v;
    return errno != ERANGE && v >= INT32_MIN && v <= INT32_MAX;
}

/* ".123" to a fraction; false when something else is there. */
bool dt_fraction(const char *s, double *out)
{
    *out = 0;
    if (s[0] != '.')
        return false;
    if (s[1] == '\0')
        return true;
    if (strspn(s + 1, "0123456789") != strlen(s + 1))
        return false;
    *out = strtod(s, NULL);
    return true;
}
static bool fraction_micros(const char *s, int *micros)
{
    double v;
    if (!dt_fraction(s, &v))
        return false;
    *micros = (int)rint(v * 1000000);
    return true;
}

/* hh:mm, hh:mm:ss, hh:mm:ss.f, mm:ss.f.  `minutes_seconds`: two fields are mm:ss. */
dt_result dt_time(const char *s, bool minutes_seconds, int64_t *hour, int *minute, int *second, int *micros)
{
    char       *stop;
    const char *p;
    *second = *micros = 0;
    errno = 0;
    *hour = strtoll(s, &stop, 10);
    if (errno == ERANGE)
        return DT_OVERFLOW;
    if (*stop != ':')
        return DT_BAD;
    if (!dt_int(stop + 1, &p, minute))
        return DT_OVERFLOW;
    if (*p == '\0' || *p == '.') {
        if (*p == '.' && !fraction_micros(p, micros))
            return DT_BAD;
        if (*p == '.' || minutes_seconds) {
            if (*hour > INT32_MAX || *hour < INT32_MIN)
                return DT_OVERFLOW;
            *second = *minute;
            *minute = (int)*hour;
            *hour = 0;
        }
    } else if (*p == ':') {
        if (!dt_int(p + 1, &p, second))
            return DT_OVERFLOW;
        if (*p == '.') {
            if (!fraction_micros(p, micros))
                return DT_BAD;
        } else if (*p) {
            return DT_BAD;
        }
    } else {
        return DT_BAD;
    }
    if (*hour < 0 || *minute < 0 || *minute > 59 || *second < 0 || *second > 60 || *micros < 0 ||
        *micros > 1000000)
        return DT_OVERFLOW;
    return DT_GOOD;
}

/* ---- decoding ------------------------------------------------------------------------------- */

#define M(kind) (1u << (kind))
#define MASK_DATE (M(QN_DT_YEAR) | M(QN_DT_MONTH) | M(QN_DT_DAY))
#define MASK_SECONDS (M(QN_DT_SECOND) | M(QN_DT_MILLISECOND) | M(QN_DT_MICROSECOND))
#define MASK_TIME (M(QN_DT_HOUR) | M(QN_DT_MINUTE) | MASK_SECONDS)

typedef enum zone_source { ZONE_SESSION, ZONE_OFFSET, ZONE_NAMED, ZONE_ABBREVIATION } zone_source;

typedef struct decoder {
    const qn_text_settings *set;
    qn_error               *err;
    qn_status               status;   /* when a zone is unknown or memory short */
    qn_civil                c;
    int                     day_of_year;
    bool                    two_digits, text_month, julian, bc;
    int                     half;     /* 0: 24 hours, 'a', 'p' */
    qn_dt_kind              special;  /* EPOCH, LATE, EARLY; 0: an ordinary value */
    bool                    now;      /* c holds the current moment in the session's zone */
    zone_source             source;
    int32_t                 offset;   /* seconds east of Greenwich */
    const qn_timezone      *zone;
    const char             *abbreviation;
} decoder;

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t now_local(const qn_text_settings *set)
{
    int64_t now = set ? set->now_micros : 0, seconds = floor_div(now, QN_USECS_PER_SEC);
    return now + qn_timezone_at(set ? set->zone : NULL, seconds + QN_EPOCH_UNIX).offset * QN_USECS_PER_SEC;
}

/* +hh, +hhmm, +hh:mm, +hh:mm:ss */
static dt_result decode_offset(const char *s, int32_t *offset)
{
    const char *p;
    int         hour, minute = 0, second = 0;
    if (*s != '+' && *s != '-')
        return DT_BAD;
    if (!dt_int(s + 1, &p, &hour))
        return DT_ZONE_OVERFLOW;
    if (*p == ':') {
        if (!dt_int(p + 1, &p, &minute))
            return DT_ZONE_OVERFLOW;
        if (*p == ':' && !dt_int(p + 1, &p, &second))
            return DT_ZONE_OVERFLOW;
    } else if (*p == '\0' && strlen(s) > 3) {
        minute = hour % 100;
        hour /= 100;
    }
    if (hour < 0 || hour > 15 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return DT_ZONE_OVERFLOW;
    *offset = (hour * 3600 + minute * 60 + second) * (*s == '-' ? -1 : 1);
    return *p ? DT_BAD : DT_GOOD;
}

static void set_julian(decoder *d, int64_t julian)
{
    int month, day;
    qn_civil_from_days(julian - QN_EPOCH_JULIAN, &d->c.year, &month, &day);
    d->c.month = month;
    d->c.day = day;
    d->julian = true;
}

static int digits_value(const char *s, size_t n)
{
    int v = 0;
    for (size_t i = 0; i < n; i++)
        v = v < 100000000 ? v * 10 + (s[i] - '0') : v;
    return v;
}

/* Digits run together: yymmdd, yyyymmdd, hhmmss, hhmm, each with an optional fraction of seconds. */
static dt_result decode_run(decoder *d, const char *s, uint32_t seen, uint32_t *mask)
{
    size_t      n = strspn(s, "0123456789");
    const char *point = strchr(s, '.');
    *mask = 0;
    if (point) {
        double f = strtod(point, NULL);
        d->c.micros = (int)rint(f * 1000000);
        n = (size_t)(point - s);
    } else if ((seen & MASK_DATE) != MASK_DATE && n >= 6) {
        if (strlen(s) != n)
            return DT_BAD;
        *mask = MASK_DATE;
        d->c.day = digits_value(s + n - 2, 2);
        d->c.month = digits_value(s + n - 4, 2);
        d->c.year = digits_value(s, n - 4);
        d->two_digits = d->two_digits || n == 6;
        return DT_GOOD;
    }
    if ((seen & MASK_TIME) != MASK_TIME && (n == 6 || n == 4) && (point || strlen(s) == n)) {
        *mask = MASK_TIME;
        d->c.hour = digits_value(s, 2);
        d->c.minute = digits_value(s + 2, 2);
        d->c.second = n == 6 ? digits_value(s + 4, 2) : 0;
        return DT_GOOD;
    }
    return DT_BAD;
}

/* One number, by what is known so far.  Without other signs the order is month, day, year; a first
 * number of three or more digits is the year. */
static dt_result decode_number(decoder *d, const char *s, bool text_month, uint32_t seen, uint32_t *mask)
{
    const char *p;
    size_t      n = strlen(s);
    int         v;
    *mask = 0;
    if (!dt_int(s, &p, &v))
        return DT_OVERFLOW;
    if (p == s)
        return DT_BAD;
    if (*p == '.') {
        if (p - s > 2)
            return decode_run(d, s, seen | MASK_DATE, mask);
        if (!fraction_micros(p, &d->c.micros))
            return DT_BAD;
    } else if (*p) {
        return DT_BAD;
    }
    if (n == 3 && (seen & MASK_DATE) == M(QN_DT_YEAR) && v >= 1 && v <= 366) {
        *mask = M(QN_DT_DOY) | M(QN_DT_MONTH) | M(QN_DT_DAY);
        d->day_of_year = v;
        return DT_GOOD;
    }
    switch (seen & MASK_DATE) {
    case 0:
        *mask = n >= 3 ? M(QN_DT_YEAR) : M(QN_DT_MONTH);
        break;
    case M(QN_DT_YEAR):
    case M(QN_DT_DAY):
        *mask = M(QN_DT_MONTH);
        break;
    case M(QN_DT_MONTH):
        *mask = text_month && n >= 3 ? M(QN_DT_YEAR) : M(QN_DT_DAY);
        break;
    case M(QN_DT_YEAR) | M(QN_DT_MONTH):
        if (text_month && n >= 3 && d->two_digits) { /* the first number was the day after all */
            d->c.day = (int)d->c.year;
            d->c.year = v;
            d->two_digits = false;
            *mask = M(QN_DT_DAY);
            return DT_GOOD;
        }
        *mask = M(QN_DT_DAY);
        break;
    case M(QN_DT_MONTH) | M(QN_DT_DAY):
        *mask = M(QN_DT_YEAR);
        break;
    case MASK_DATE:
        return decode_run(d, s, seen, mask);
    default:
        return DT_BAD;
    }
    if (*mask == M(QN_DT_YEAR)) {
        d->c.year = v;
        d->two_digits = n <= 2;
    } else if (*mask == M(QN_DT_MONTH)) {
        d->c.month = v;
    } else {
        d->c.day = v;
    }
    return DT_GOOD;
}

/* A date field: numbers and perhaps a month's name between separators. */
static dt_result decode_date(decoder *d, const char *s, uint32_t seen, uint32_t *mask)
{
    char     parts[DT_FIELDS][DT_TEXT_LIMIT + 1];
    int      count = 0;
    bool     text_month = false;
    uint32_t m;
    *mask = 0;
    while (*s && count < DT_FIELDS) {
        size_t n = 0;
        while (*s && !dt_alnum(*s))
            s++;
        if (!*s)
            return DT_BAD;
        bool digits = dt_digit(*s);
        while (digits ? dt_digit(*s) : dt_alpha(*s))
            parts[count][n++] = *s++;
        parts[count++][n] = '\0';
        if (*s)
            s++; /* one separator goes with the part before it, whatever it is */
    }
    for (int i = 0; i < count; i++) {
        if (!dt_alpha(parts[i][0]))
            continue;
        const qn_dt_word *word = qn_dt_value_word(parts[i]);
        if (word && word->kind == QN_DT_IGNORE)
            continue;
        if (!word || word->kind != QN_DT_MONTH || (seen & M(QN_DT_MONTH)))
            return DT_BAD;
        d->c.month = word->value;
        text_month = true;
        seen |= M(QN_DT_MONTH);
        *mask |= M(QN_DT_MONTH);
        parts[i][0] = '\0';
    }
    for (int i = 0; i < count; i++) {
        if (!parts[i][0])
            continue;
        dt_result r = decode_number(d, parts[i], text_month, seen, &m);
        if (r != DT_GOOD)
            return r;
        if (seen & m)
            return DT_BAD;
        seen |= m;
        *mask |= m;
    }
    return (seen & ~(M(QN_DT_DOY) | M(QN_DT_TZ))) == MASK_DATE ? DT_GOOD : DT_BAD;
}

static dt_result validate_date(decoder *d, uint32_t seen)
{
    if (seen & M(QN_DT_YEAR)) {
        if (d->julian) {
            /* exact already */
        } else if (d->bc) {
            if (d->c.year <= 0)
                return DT_OVERFLOW;
            d->c.year = 1 - d->c.year;
        } else if (d->two_digits) {
            if (d->c.year < 0)
                return DT_OVERFLOW;
            d->c.year += d->c.year < 70 ? 2000 : d->c.year < 100 ? 1900 : 0;
        } else if (d->c.year <= 0) {
            return DT_OVERFLOW;
        }
    }
    if (seen & M(QN_DT_DOY))
        qn_civil_from_days(qn_days_from_civil(d->c.year, 1, 1) + d->day_of_year - 1, &d->c.year,
                           &d->c.month, &d->c.day);
    if ((seen & M(QN_DT_MONTH)) && (d->c.month < 1 || d->c.month > 12))
        return DT_ORDER;
    if ((seen & M(QN_DT_DAY)) && (d->c.day < 1 || d->c.day > 31))
        return DT_ORDER;
    if ((seen & MASK_DATE) == MASK_DATE && d->c.day > qn_days_in_month(d->c.year, d->c.month))
        return DT_OVERFLOW;
    return DT_GOOD;
}

static bool time_overflows(const qn_civil *c)
{
    return c->hour < 0 || c->hour > 24 || c->minute < 0 || c->minute > 59 || c->second < 0 ||
           c->second > 60 || c->micros < 0 || c->micros > 1000000 ||
           (((int64_t)c->hour * 60 + c->minute) * 60 + c->second) * QN_USECS_PER_SEC + c->micros > QN_USECS_PER_DAY;
}

/* Look a zone up by name; DT_FAILED with the error recorded when there is none and `must`. */
static dt_result decode_zone_name(decoder *d, const char *name, bool must)
{
    d->status = qn_timezone_find(NULL, name, strlen(name), &d->zone, d->err);
    if (d->status != QN_OK)
        return DT_FAILED;
    if (d->zone) {
        d->source = ZONE_NAMED;
        return DT_GOOD;
    }
    if (!must)
        return DT_BAD;
    d->status = qn_fail(d->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, "time zone \"%s\" not recognized", name);
    return DT_FAILED;
}

/* hhmmss-zz: a run of digits with a zone behind it. */
static dt_result decode_run_with_zone(decoder *d, const char *s, uint32_t seen, uint32_t *mask)
{
    char        run[DT_TEXT_LIMIT + 1];
    const char *dash = strchr(s, '-');
    if (!dash)
        return DT_BAD;
    dt_result r = decode_offset(dash, &d->offset);
    if (r != DT_GOOD)
        return r;
    d->source = ZONE_OFFSET;
    memcpy(run, s, (size_t)(dash - s));
    run[dash - s] = '\0';
    r = decode_run(d, run, seen, mask);
    *mask |= M(QN_DT_TZ);
    return r;
}

static dt_result decode_time(decoder *d, const char *s, uint32_t *mask)
{
    int64_t   hour;
    dt_result r = dt_time(s, false, &hour, &d->c.minute, &d->c.second, &d->c.micros);
    *mask = MASK_TIME;
    if (r != DT_GOOD)
        return r;
    if (hour > INT32_MAX)
        return DT_OVERFLOW;
    d->c.hour = (int)hour;
    return DT_GOOD;
}

/* Words about zones that dates and times alone share; false when the word is none of them. */
static bool decode_zone_word(decoder *d, const char *text, uint32_t *mask, const qn_dt_word *word,
                             const qn_abbreviation *abbreviation)
{
    if (abbreviation) {
        *mask = M(QN_DT_TZ);
        d->source = abbreviation->zone ? ZONE_ABBREVIATION : ZONE_OFFSET;
        d->offset = abbreviation->offset;
        if (abbreviation->zone) {
            *mask |= M(QN_DT_DYNTZ);
            d->abbreviation = text;
        } else if (abbreviation->dst) {
            *mask |= M(QN_DT_DTZ);
        }
        return true;
    }
    if (word && word->kind == QN_DT_DTZMOD) { /* "MET DST" */
        *mask = M(QN_DT_DTZMOD) | M(QN_DT_DTZ);
        d->offset += word->value;
        return true;
    }
    return false;
}

/* An abbreviation whose meaning changed over time, at the wall clock reading of the value. */
static dt_result resolve_abbreviation(decoder *d, int64_t local_seconds)
{
    const qn_abbreviation *a = qn_abbreviation_find(d->abbreviation);
    char                   upper[16];
    bool                   dst;
    const qn_timezone     *zone = NULL;
    if (QN_NEVER(!a || !a->zone))
        return DT_BAD;
    d->status = qn_timezone_find(NULL, a->zone, strlen(a->zone), &zone, d->err);
    if (d->status != QN_OK)
        return DT_FAILED;
    if (!zone) {
        d->status = qn_fail(d->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                            "time zone \"%s\" not recognized", a->zone);
        return DT_FAILED;
    }
    d->offset = qn_timezone_at_local(zone, local_seconds).offset;
    snprintf(upper, sizeof upper, "%s", d->abbreviation);
    for (char *p = upper; *p; p++)
        *p = dt_upper(*p);
    qn_timezone_abbreviation(zone, upper, local_seconds - d->offset, &d->offset, &dst);
    return DT_GOOD;
}

static int64_t civil_seconds(const qn_civil *c)
{
    return qn_days_from_civil(c->year, c->month, c->day) * 86400 + (int64_t)c->hour * 3600 +
           (int64_t)c->minute * 60 + c->second + QN_EPOCH_UNIX;
}

static dt_result apply_half(decoder *d)
{
    if (d->half && d->c.hour > 12)
        return DT_OVERFLOW;
    if (d->half == 'a' && d->c.hour == 12)
        d->c.hour = 0;
    else if (d->half == 'p' && d->c.hour != 12)
        d->c.hour += 12;
    return DT_GOOD;
}

/* "j" or "julian" came before: a day number, perhaps with a fraction of the day. */
static dt_result decode_julian(decoder *d, const char *s, uint32_t *mask)
{
    const char *p;
    int         v;
    if (!dt_int(s, &p, &v))
        return DT_OVERFLOW;
    if (*p != '.' && *p)
        return DT_BAD;
    if (v < 0)
        return DT_OVERFLOW;
    *mask = MASK_DATE;
    set_julian(d, v);
    if (*p == '.') {
        double f;
        if (!dt_fraction(p, &f))
            return DT_BAD;
        int64_t t = (int64_t)(f * (double)QN_USECS_PER_DAY);
        d->c.hour = (int)(t / QN_USECS_PER_HOUR);
        d->c.minute = (int)(t / QN_USECS_PER_MIN % 60);
        d->c.second = (int)(t / QN_USECS_PER_SEC % 60);
        d->c.micros = (int)(t % QN_USECS_PER_SEC);
        *mask |= MASK_TIME;
    }
    return DT_GOOD;
}

/* A number whose unit a word before it gave: "y2001m02d04". */
static dt_result decode_labelled(decoder *d, int label, const char *s, uint32_t seen, uint32_t *mask)
{
    const char *p;
    int         v;
    if (label == QN_DT_JULIAN)
        return decode_julian(d, s, mask);
    if (label == QN_DT_ISOTIME) {
        dt_result r = decode_run(d, s, seen | MASK_DATE, mask);
        return r == DT_GOOD && *mask != MASK_TIME ? DT_BAD : r;
    }
    if (!dt_int(s, &p, &v))
        return DT_OVERFLOW;
    if (*p && (*p != '.' || label != QN_DT_SECOND))
        return DT_BAD;
    if (label == QN_DT_MONTH && (seen & M(QN_DT_MONTH)) && (seen & M(QN_DT_HOUR)))
        label = QN_DT_MINUTE;
    *mask = label < 32 ? M(label) : 0;
    if (v > 100000000) /* far outside of anything; keeps later sums small */
        return DT_OVERFLOW;
    switch (label) {
    case QN_DT_YEAR: d->c.year = v; break;
    case QN_DT_MONTH: d->c.month = v; break;
    case QN_DT_DAY: d->c.day = v; break;
    case QN_DT_HOUR: d->c.hour = v; break;
    case QN_DT_MINUTE: d->c.minute = v; break;
    case QN_DT_SECOND:
        d->c.second = v;
        if (*p) {
            *mask = MASK_SECONDS;
            return fraction_micros(p, &d->c.micros) ? DT_GOOD : DT_BAD;
        }
        break;
    default: return DT_BAD;
    }
    return DT_GOOD;
}

static dt_result decode_datetime(decoder *d, const dt_fields *f)
{
    uint32_t seen = 0, mask;
    int      label = -1; /* what a word before said about the next field: a qn_dt_kind */

    for (int i = 0; i < f->count; i++) {
        const char *s = f->field[i].text;
        dt_result   r = DT_GOOD;
        mask = 0;
        switch (f->field[i].kind) {
        case DT_DATE:
            if (label == QN_DT_JULIAN) { /* a Julian day with a zone glued to it */
                const char *p;
                int         v;
                if (!dt_int(s, &p, &v) || v < 0)
                    return DT_OVERFLOW;
                set_julian(d, v);
                r = decode_offset(p, &d->offset);
                d->source = ZONE_OFFSET;
                mask = MASK_DATE | MASK_TIME | M(QN_DT_TZ);
                label = -1;
            } else if (label >= 0 ||
                       (seen & (M(QN_DT_MONTH) | M(QN_DT_DAY))) == (M(QN_DT_MONTH) | M(QN_DT_DAY))) {
                if (dt_digit(*s) || label >= 0) {
                    if ((label >= 0 && label != QN_DT_ISOTIME) || (seen & MASK_TIME) == MASK_TIME)
                        return DT_BAD;
                    label = -1;
                    r = decode_run_with_zone(d, s, seen, &mask);
                } else {
                    r = decode_zone_name(d, s, true);
                    mask = M(QN_DT_TZ);
                }
            } else {
                r = decode_date(d, s, seen, &mask);
            }
            break;
        case DT_TIME:
            if (label >= 0 && label != QN_DT_ISOTIME)
                return DT_BAD;
            label = -1;
            r = decode_time(d, s, &mask);
            if (r == DT_GOOD && time_overflows(&d->c))
                r = DT_OVERFLOW;
            break;
        case DT_SIGNED:
            r = decode_offset(s, &d->offset);
            d->source = ZONE_OFFSET;
            mask = M(QN_DT_TZ);
            break;
        case DT_NUMBER: {
            const char *point = strchr(s, '.');
            size_t      n = strlen(s);
            if (label >= 0) {
                r = decode_labelled(d, label, s, seen, &mask);
                d->special = 0;
                label = -1;
            } else if (point && !(seen & MASK_DATE)) {
                r = decode_date(d, s, seen, &mask);
            } else if ((point && point - s > 2) ||
                       (n >= 6 && (!(seen & MASK_DATE) || !(seen & MASK_TIME)))) {
                r = decode_run(d, s, seen, &mask);
            } else {
                r = decode_number(d, s, d->text_month, seen, &mask);
            }
            break;
        }
        default: {
            const qn_abbreviation *abbreviation = qn_abbreviation_find(s);
            const qn_dt_word      *word = abbreviation ? NULL : qn_dt_value_word(s);
            if (word && word->kind == QN_DT_IGNORE)
                continue;
            if (decode_zone_word(d, s, &mask, word, abbreviation))
                break;
            if (!word) {
                r = decode_zone_name(d, s, false);
                mask = M(QN_DT_TZ);
                break;
            }
            mask = M(word->kind);
            switch (word->kind) {
            case QN_DT_RESERVED: {
                int64_t today = floor_div(now_local(d->set), QN_USECS_PER_DAY);
                int     special = 0;
                mask = MASK_DATE;
                switch (word->value) {
                case QN_DT_NOW:
                    mask = MASK_DATE | MASK_TIME | M(QN_DT_TZ);
                    qn_civil_from_timestamp(now_local(d->set), &d->c);
                    d->now = true;
                    d->julian = true;
                    break;
                case QN_DT_YESTERDAY:
                case QN_DT_TODAY:
                case QN_DT_TOMORROW:
                    today += (word->value == QN_DT_TOMORROW) - (word->value == QN_DT_YESTERDAY);
                    set_julian(d, today + QN_EPOCH_JULIAN);
                    break;
                case QN_DT_ZULU:
                    mask = MASK_TIME | M(QN_DT_TZ);
                    d->c.hour = d->c.minute = d->c.second = 0;
                    d->source = ZONE_OFFSET;
                    d->offset = 0;
                    break;
                default: /* epoch and the infinities stand above whatever else is there */
                    mask = M(QN_DT_RESERVED);
                    special = word->value;
                    break;
                }
                d->special = (qn_dt_kind)special;
                break;
            }
            case QN_DT_MONTH:
                /* a number taken for the month turns out to be the day */
                if ((seen & M(QN_DT_MONTH)) && !d->text_month && !(seen & M(QN_DT_DAY)) &&
                    d->c.month >= 1 && d->c.month <= 31) {
                    d->c.day = d->c.month;
                    mask = M(QN_DT_DAY);
                }
                d->text_month = true;
                d->c.month = word->value;
                break;
            case QN_DT_AMPM:
                d->half = word->value;
                break;
            case QN_DT_ADBC:
                d->bc = word->value;
                break;
            case QN_DT_DOW:
                break;
            case QN_DT_UNITS:
                mask = 0;
                label = word->value;
                break;
            case QN_DT_ISOTIME:
                mask = 0;
                if ((seen & MASK_DATE) != MASK_DATE || i + 1 >= f->count ||
                    f->field[i + 1].kind > DT_TIME)
                    return DT_BAD;
                label = QN_DT_ISOTIME;
                break;
            default:
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
    dt_result r = validate_date(d, seen);
    if (r == DT_GOOD)
        r = apply_half(d);
    if (r != DT_GOOD || d->special)
        return r;
    if ((seen & MASK_DATE) != MASK_DATE)
        return DT_BAD;
    if ((seen & M(QN_DT_DTZMOD)) && d->source != ZONE_OFFSET)
        return DT_BAD;
    if (d->source == ZONE_NAMED)
        d->offset = qn_timezone_at_local(d->zone, civil_seconds(&d->c)).offset;
    else if (d->source == ZONE_ABBREVIATION)
        return resolve_abbreviation(d, civil_seconds(&d->c));
    else if (d->source == ZONE_SESSION && !d->now)
        d->offset = qn_timezone_at_local(d->set ? d->set->zone : NULL, civil_seconds(&d->c)).offset;
    else if (d->now)
        d->offset = (int32_t)((now_local(d->set) - (d->set ? d->set->now_micros : 0)) / QN_USECS_PER_SEC);
    return DT_GOOD;
}

/* A time of day.  A date before it is read and dropped (its zone may need it); so is a zone. */
static dt_result decode_time_only(decoder *d, const dt_fields *f)
{
    uint32_t seen = 0, mask;
    int      label = -1;
    int      kinds[DT_FIELDS];

    for (int i = 0; i < f->count; i++)
        kinds[i] = f->field[i].kind;
    for (int i = 0; i < f->count; i++) {
        const char *s = f->field[i].text;
        dt_result   r = DT_GOOD;
        bool        date_first = i == 0 && f->count >= 2 && (kinds[f->count - 1] == DT_DATE || kinds[1] == DT_TIME);
        mask = 0;
        switch (kinds[i]) {
        case DT_DATE:
            if (date_first) {
                r = decode_date(d, s, seen, &mask);
            } else if (dt_digit(*s)) {
                if ((seen & MASK_TIME) == MASK_TIME)
                    return DT_BAD;
                r = decode_run_with_zone(d, s, seen | MASK_DATE, &mask);
                kinds[i] = DT_TIME;
            } else {
                r = decode_zone_name(d, s, true);
                kinds[i] = DT_SIGNED;
                mask = M(QN_DT_TZ);
            }
            break;
        case DT_TIME:
            if (label >= 0 && label != QN_DT_ISOTIME)
                return DT_BAD;
            label = -1;
            r = decode_time(d, s, &mask);
            break;
        case DT_SIGNED:
            r = decode_offset(s, &d->offset);
            d->source = ZONE_OFFSET;
            mask = M(QN_DT_TZ);
            break;
        case DT_NUMBER: {
            const char *point = strchr(s, '.');
            if (label >= 0) {
                r = decode_labelled(d, label, s, seen, &mask);
                label = -1;
            } else if (point) {
                if (i == 0 && f->count >= 2 && kinds[f->count - 1] == DT_DATE)
                    r = decode_date(d, s, seen, &mask);
                else if (point - s > 2)
                    r = decode_run(d, s, seen | MASK_DATE, &mask);
                else
                    return DT_BAD;
            } else if (strlen(s) > 4) {
                r = decode_run(d, s, seen | MASK_DATE, &mask);
            } else {
                r = decode_number(d, s, false, seen | MASK_DATE, &mask);
            }
            break;
        }
        default: {
            const qn_abbreviation *abbreviation = qn_abbreviation_find(s);
            const qn_dt_word      *word = abbreviation ? NULL : qn_dt_value_word(s);
            if (word && word->kind == QN_DT_IGNORE)
                continue;
            if (decode_zone_word(d, s, &mask, word, abbreviation))
                break;
            if (!word) {
                r = decode_zone_name(d, s, false);
                mask = M(QN_DT_TZ);
                break;
            }
            mask = M(word->kind);
            if (word->kind == QN_DT_RESERVED && word->value == QN_DT_NOW) {
                mask = MASK_TIME;
                qn_civil_from_timestamp(now_local(d->set), &d->c);
            } else if (word->kind == QN_DT_RESERVED && word->value == QN_DT_ZULU) {
                mask = MASK_TIME | M(QN_DT_TZ);
                d->c.hour = d->c.minute = d->c.second = 0;
            } else if (word->kind == QN_DT_AMPM) {
                d->half = word->value;
            } else if (word->kind == QN_DT_ADBC) {
                d->bc = word->value;
            } else if (word->kind == QN_DT_UNITS) {
                mask = 0;
                label = word->value;
            } else if (word->kind == QN_DT_ISOTIME) {
                mask = 0;
                if (i + 1 >= f->count || kinds[i + 1] > DT_TIME)
                    return DT_BAD;
                label = QN_DT_ISOTIME;
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
    dt_result r = validate_date(d, seen);
    if (r == DT_GOOD)
        r = apply_half(d);
    if (r != DT_GOOD)
        return r;
    if (time_overflows(&d->c))
        return DT_OVERFLOW;
    if ((seen & MASK_TIME) != MASK_TIME)
        return DT_BAD;
    /* A zone whose offset depends on the date needs one. */
    if (d->source == ZONE_NAMED || d->source == ZONE_ABBREVIATION) {
        int32_t offset;
        if (seen & M(QN_DT_DTZMOD))
            return DT_BAD;
        if (d->source == ZONE_NAMED && !qn_timezone_fixed(d->zone, &offset) && (seen & MASK_DATE) != MASK_DATE)
            return DT_BAD;
    } else if (d->source == ZONE_SESSION && (seen & M(QN_DT_DTZMOD))) {
        return DT_BAD;
    }
    return DT_GOOD;
}

/* ---- entry ---------------------------------------------------------------------------------- */

qn_status dt_fail(dt_result result, qn_sql_type type, const char *text, size_t bytes, qn_error *err)
{
    int n = bytes > 900 ? 900 : (int)bytes;
    switch (result) {
    case DT_OVERFLOW:
        return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "date/time field value out of range: \"%.*s\"", n, text);
    case DT_ORDER: {
        qn_status st = qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW,
                               "date/time field value out of range: \"%.*s\"", n, text);
        qn_error_hint(err, "Perhaps you need a different \"datestyle\" setting.");
        return st;
    }
    case DT_INTERVAL_OVERFLOW:
        return qn_fail(err, QN_SQLSTATE_INTERVAL_FIELD_OVERFLOW,
                       "interval field value out of range: \"%.*s\"", n, text);
    case DT_ZONE_OVERFLOW:
        return qn_fail(err, QN_SQLSTATE_INVALID_TIME_ZONE, "time zone displacement out of range: \"%.*s\"", n, text);
    default:
        return qn_fail(err, QN_SQLSTATE_INVALID_DATETIME, "invalid input syntax for type %s: \"%.*s\"",
                       type == QN_TYPE_DATE          ? "date"
                       : type == QN_TYPE_TIME        ? "time"
                       : type == QN_TYPE_TIMESTAMP   ? "timestamp"
                       : type == QN_TYPE_TIMESTAMPTZ ? "timestamp with time zone"
                                                     : "interval",
                       n, text);
    }
}

static qn_status range_error(const char *what, const char *text, size_t bytes, qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "%s out of range: \"%.*s\"", what,
                   bytes > 900 ? 900 : (int)bytes, text);
}

qn_status qn_datetime_parse(qn_type type, const char *text, size_t bytes, const qn_text_settings *set,
                            qn_datum *out, qn_error *err)
{
    dt_fields fields;
    decoder   d = {.set = set, .err = err};
    dt_result r;

    out->words[0] = out->words[1] = 0;
    if (type.id == QN_TYPE_INTERVAL)
        return dt_interval_parse(type, text, bytes, out, err);
    if (type.id == QN_TYPE_DATE && qn_date_parse_fast(text, bytes, &out->i32))
        return QN_OK;
    if (type.id == QN_TYPE_TIMESTAMP && type.typmod < 0 && qn_timestamp_parse_fast(text, bytes, &out->i64))
        return QN_OK;
    if (!dt_split(text, bytes, &fields))
        return dt_fail(DT_BAD, type.id, text, bytes, err);
    r = type.id == QN_TYPE_TIME ? decode_time_only(&d, &fields) : decode_datetime(&d, &fields);
    if (r == DT_FAILED)
        return d.status;
    if (r != DT_GOOD)
        return dt_fail(r, type.id, text, bytes, err);

    const qn_civil *c = &d.c;
    if (type.id == QN_TYPE_TIME) {
        out->i64 = c->hour * QN_USECS_PER_HOUR + c->minute * QN_USECS_PER_MIN + c->second * QN_USECS_PER_SEC +
                   c->micros;
        return qn_datetime_apply_typmod(type, out, err);
    }
    if (type.id == QN_TYPE_DATE) {
        if (d.special == QN_DT_LATE || d.special == QN_DT_EARLY) {
            out->i32 = d.special == QN_DT_LATE ? QN_DATE_INFINITY : QN_DATE_NEG_INFINITY;
            return QN_OK;
        }
        int64_t days = d.special ? -QN_EPOCH_UNIX / 86400 : qn_days_from_civil(c->year, c->month, c->day);
        if (!qn_date_in_range(days))
            return range_error("date", text, bytes, err);
        out->i32 = (int32_t)days;
        return QN_OK;
    }
    if (d.special == QN_DT_LATE || d.special == QN_DT_EARLY) {
        out->i64 = d.special == QN_DT_LATE ? QN_TIMESTAMP_INFINITY : QN_TIMESTAMP_NEG_INFINITY;
        return QN_OK;
    }
    if (d.special) {
        out->i64 = -QN_EPOCH_UNIX * QN_USECS_PER_SEC;
        return QN_OK;
    }
    /* The wall clock reading may lie just outside the range that the instant is in. */
    qn_i128 t = (qn_i128)qn_days_from_civil(c->year, c->month, c->day) * QN_USECS_PER_DAY +
                c->hour * QN_USECS_PER_HOUR + c->minute * QN_USECS_PER_MIN + c->second * QN_USECS_PER_SEC + c->micros;
    if (type.id == QN_TYPE_TIMESTAMPTZ)
        t -= d.offset * QN_USECS_PER_SEC;
    if (t < QN_TIMESTAMP_MIN || t >= QN_TIMESTAMP_END)
        return range_error("timestamp", text, bytes, err);
    out->i64 = (int64_t)t;
    return qn_datetime_apply_typmod(type, out, err);
}

/* ---- the fast path --------------------------------------------------------------------------- */

/* Value of n digits, or -1. */
static inline int fast_digits(const char *s, int n)
{
    int v = 0, bad = 0;
    for (int i = 0; i < n; i++) {
        unsigned digit = (unsigned char)s[i] - (unsigned)'0';
        bad |= digit > 9;
        v = v * 10 + (int)digit;
    }
    return bad ? -1 : v;
}

bool qn_date_parse_fast(const char *s, size_t n, int32_t *out)
{
    if (n != 10 || s[4] != '-' || s[7] != '-')
        return false;
    int year = fast_digits(s, 4), month = fast_digits(s + 5, 2), day = fast_digits(s + 8, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    if (day > 28 && day > qn_days_in_month(year, month))
        return false;
    /* Days before each month of a year that begins in March; years 1…9999 fit 32 bits. */
    uint32_t y = (uint32_t)year + 4800 - (month <= 2), m = (uint32_t)(month + 9) % 12;
    *out = (int32_t)(y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + (uint32_t)day) - 2483590;
    return true;
}

bool qn_timestamp_parse_fast(const char *s, size_t n, int64_t *out)
{
    int32_t days;
    int     micros = 0;
    if (n < 19 || n == 20 || n > 26 || (s[10] != ' ' && s[10] != 'T') || s[13] != ':' || s[16] != ':' ||
        !qn_date_parse_fast(s, 10, &days))
        return false;
    int hour = fast_digits(s + 11, 2), minute = fast_digits(s + 14, 2), second = fast_digits(s + 17, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    if (n > 20) {
        if (s[19] != '.')
            return false;
        micros = fast_digits(s + 20, (int)n - 20);
        if (micros < 0)
            return false;
        for (size_t i = n; i < 26; i++)
            micros *= 10;
    }
    *out = days * QN_USECS_PER_DAY + hour * QN_USECS_PER_HOUR + minute * QN_USECS_PER_MIN +
           second * QN_USECS_PER_SEC + micros;
    return true;
}
