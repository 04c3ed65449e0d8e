/* Arithmetic on dates, timestamps and intervals.
 *
 * An interval has three parts that do not convert into each other: months, days, micros.  Adding one to
 * a timestamp adds the months first (the day is clamped to the new month's end), then the days, then the
 * time; with a time zone the first two move the wall clock and the last the instant.
 * Every result is range-checked; intermediate ones too, as PostgreSQL does. */
#include "type/datetime.h"

#include <math.h>
#include "base/assert.h"

static qn_status interval_range(qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "interval out of range");
}
static qn_status timestamp_range(qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "timestamp out of range");
}

/* ---- intervals ------------------------------------------------------------------------------- */

qn_i128 qn_interval_linear(const qn_interval *v)
{
    return v->micros + ((qn_i128)v->months * 30 + v->days) * QN_USECS_PER_DAY;
}
int qn_interval_compare(const qn_interval *a, const qn_interval *b)
{
    qn_i128 x = qn_interval_linear(a), y = qn_interval_linear(b);
    return (x > y) - (x < y);
}

qn_status qn_interval_add(const qn_interval *a, const qn_interval *b, qn_interval *out, qn_error *err)
{
    qn_interval r;
    if (__builtin_add_overflow(a->months, b->months, &r.months) ||
        __builtin_add_overflow(a->days, b->days, &r.days) ||
        __builtin_add_overflow(a->micros, b->micros, &r.micros))
        return interval_range(err);
    *out = r;
    return QN_OK;
}
qn_status qn_interval_sub(const qn_interval *a, const qn_interval *b, qn_interval *out, qn_error *err)
{
    qn_interval r;
    if (__builtin_sub_overflow(a->months, b->months, &r.months) ||
        __builtin_sub_overflow(a->days, b->days, &r.days) ||
        __builtin_sub_overflow(a->micros, b->micros, &r.micros))
        return interval_range(err);
    *out = r;
    return QN_OK;
}
qn_status qn_interval_neg(const qn_interval *a, qn_interval *out, qn_error *err)
{
    static const qn_interval zero;
    return qn_interval_sub(&zero, a, out, err);
}

static bool fits_i32(double v) { return v >= -2147483648.0 && v < 2147483648.0; }
static bool fits_i64(double v) { return v >= -9223372036854775808.0 && v < 9223372036854775808.0; }
/* Drop what lies below a microsecond, so that binary fractions do not leak into the next unit. */
static double to_micros(double v) { return rint(v * 1000000.0) / 1000000.0; }

/* The parts of a scaled interval as doubles: fractions of months cascade to days, of days to time. */
static qn_status scaled(double months, double days, double micros, qn_interval *out, qn_error *err)
{
    if (!fits_i32(months) || !fits_i32(days))
        return interval_range(err);
    qn_interval r = {0, (int32_t)days, (int32_t)months};
    double      month_days = to_micros((months - r.months) * 30);
    double      seconds = to_micros((days - r.days + month_days - (int)month_days) * 86400);
    int32_t     more = 0;
    if (fabs(seconds) >= 86400) {
        more = (int32_t)(seconds / 86400);
        seconds -= more * 86400.0;
    }
    if (__builtin_add_overflow(r.days, more, &r.days) ||
        __builtin_add_overflow(r.days, (int32_t)month_days, &r.days))
        return interval_range(err);
    double time = rint(micros + seconds * 1000000);
    if (!fits_i64(time))
        return interval_range(err);
    r.micros = (int64_t)time;
    *out = r;
    return QN_OK;
}
qn_status qn_interval_mul(const qn_interval *a, double factor, qn_interval *out, qn_error *err)
{
    return scaled(a->months * factor, a->days * factor, (double)a->micros * factor, out, err);
}
qn_status qn_interval_div(const qn_interval *a, double factor, qn_interval *out, qn_error *err)
{
    if (factor == 0)
        return qn_fail(err, QN_SQLSTATE_DIVISION_BY_ZERO, "division by zero");
    return scaled(a->months / factor, a->days / factor, (double)a->micros / factor, out, err);
}

static void align_day_time(qn_interval *v)
{
    if (v->days > 0 && v->micros < 0) {
        v->micros += QN_USECS_PER_DAY;
        v->days--;
    } else if (v->days < 0 && v->micros > 0) {
        v->micros -= QN_USECS_PER_DAY;
        v->days++;
    }
}
qn_status qn_interval_justify_hours(const qn_interval *a, qn_interval *out, qn_error *err)
{
    qn_interval r = *a;
    int64_t     whole = r.micros / QN_USECS_PER_DAY;
    r.micros -= whole * QN_USECS_PER_DAY;
    if (__builtin_add_overflow(r.days, (int32_t)whole, &r.days)) /* |whole| < 1.1e8 */
        return interval_range(err);
    align_day_time(&r);
    *out = r;
    return QN_OK;
}
static bool days_to_months(qn_interval *v)
{
    int32_t whole = v->days / 30;
    v->days -= whole * 30;
    return !__builtin_add_overflow(v->months, whole, &v->months);
}
qn_status qn_interval_justify_days(const qn_interval *a, qn_interval *out, qn_error *err)
{
    qn_interval r = *a;
    if (!days_to_months(&r))
        return interval_range(err);
    if (r.months > 0 && r.days < 0) {
        r.days += 30;
        r.months--;
    } else if (r.months < 0 && r.days > 0) {
        r.days -= 30;
        r.months++;
    }
    *out = r;
    return QN_OK;
}
qn_status qn_interval_justify(const qn_interval *a, qn_interval *out, qn_error *err)
{
    qn_interval r = *a;
    /* Days first where days and time pull the same way: then the sum below cannot overflow. */
    if ((r.days > 0 && r.micros > 0) || (r.days < 0 && r.micros < 0)) {
        if (!days_to_months(&r))
            return interval_range(err);
    }
    int64_t whole = r.micros / QN_USECS_PER_DAY;
    r.micros -= whole * QN_USECS_PER_DAY;
    r.days += (int32_t)whole;
    if (!days_to_months(&r))
        return interval_range(err);
    if (r.months > 0 && (r.days < 0 || (r.days == 0 && r.micros < 0))) {
        r.days += 30;
        r.months--;
    } else if (r.months < 0 && (r.days > 0 || (r.days == 0 && r.micros > 0))) {
        r.days -= 30;
        r.months++;
    }
    align_day_time(&r);
    *out = r;
    return QN_OK;
}

/* ---- timestamps ------------------------------------------------------------------------------- */

static bool add_months(int64_t *t, int32_t months)
{
    qn_civil c;
    qn_civil_from_timestamp(*t, &c);
    int64_t month = c.month - 1 + (int64_t)months, years = month / 12 - (month % 12 < 0);
    c.year += years;
    c.month = (int)(month - years * 12) + 1;
    int last = qn_days_in_month(c.year, c.month);
    if (c.day > last)
        c.day = last;
    return qn_timestamp_from_civil(&c, t);
}
static bool add_days(int64_t *t, int32_t days)
{
    qn_i128 r = *t + (qn_i128)days * QN_USECS_PER_DAY;
    if (r < QN_TIMESTAMP_MIN || r >= QN_TIMESTAMP_END)
        return false;
    *t = (int64_t)r;
    return true;
}
static bool add_time(int64_t *t, int64_t micros)
{
    int64_t r;
    if (__builtin_add_overflow(*t, micros, &r) || !qn_timestamp_in_range(r))
        return false;
    *t = r;
    return true;
}

qn_status qn_timestamp_add(int64_t t, const qn_interval *v, int64_t *out, qn_error *err)
{
    if (qn_timestamp_finite(t) && ((v->months && !add_months(&t, v->months)) ||
                                   (v->days && !add_days(&t, v->days)) || !add_time(&t, v->micros)))
        return timestamp_range(err);
    *out = t;
    return QN_OK;
}

qn_status qn_timestamptz_add(int64_t t, const qn_interval *v, const qn_timezone *zone, int64_t *out,
                             qn_error *err)
{
    qn_zone_moment moment;
    int64_t        local;
    if (!qn_timestamp_finite(t)) {
        *out = t;
        return QN_OK;
    }
    if (v->months) {
        qn_timestamp_to_local(t, zone, &local, &moment);
        if (!add_months(&local, v->months) || !qn_timestamp_from_local(local, zone, &t))
            return timestamp_range(err);
    }
    if (v->days) {
        qn_timestamp_to_local(t, zone, &local, &moment);
        if (!add_days(&local, v->days) || !qn_timestamp_from_local(local, zone, &t))
            return timestamp_range(err);
    }
    if (!add_time(&t, v->micros))
        return timestamp_range(err);
    *out = t;
    return QN_OK;
}

qn_status qn_timestamp_diff(int64_t a, int64_t b, qn_interval *out, qn_error *err)
{
    qn_interval v = {0, 0, 0};
    if (!qn_timestamp_finite(a) || !qn_timestamp_finite(b))
        return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "cannot subtract infinite timestamps");
    if (__builtin_sub_overflow(a, b, &v.micros))
        return interval_range(err);
    return qn_interval_justify_hours(&v, out, err);
}

qn_status qn_timestamp_age(int64_t a, int64_t b, qn_interval *out, qn_error *err)
{
    qn_civil x, y;
    /* Infinity counts as the instant that represents it, minus infinity is refused: PostgreSQL's way. */
    if (a < QN_TIMESTAMP_MIN || b < QN_TIMESTAMP_MIN)
        return timestamp_range(err);
    bool flip = a < b;
    qn_civil_from_timestamp(flip ? b : a, &x);
    qn_civil_from_timestamp(flip ? a : b, &y);
    int64_t micros = ((x.hour - y.hour) * 3600 + (x.minute - y.minute) * 60 + (x.second - y.second)) * QN_USECS_PER_SEC +
                     x.micros - y.micros;
    int     days = x.day - y.day;
    int64_t months = (x.year - y.year) * 12 + x.month - y.month;
    if (micros < 0) {
        micros += QN_USECS_PER_DAY;
        days--;
    }
    /* Borrow the length of the month that the first argument's counterpart counts from. */
    while (days < 0) {
        days += qn_days_in_month(y.year, y.month);
        months--;
    }
    *out = flip ? (qn_interval){-micros, -days, (int32_t)-months} : (qn_interval){micros, days, (int32_t)months};
    return QN_OK;
}

/* ---- conversions ------------------------------------------------------------------------------ */

#define LAST_TIMESTAMP_DATE ((int32_t)(QN_TIMESTAMP_END / QN_USECS_PER_DAY) - 1)

qn_status qn_date_to_timestamp(int32_t d, int64_t *out, qn_error *err)
{
    if (!qn_date_finite(d)) {
        *out = d > 0 ? QN_TIMESTAMP_INFINITY : QN_TIMESTAMP_NEG_INFINITY;
        return QN_OK;
    }
    if (d > LAST_TIMESTAMP_DATE)
        return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "date out of range for timestamp");
    *out = d * QN_USECS_PER_DAY;
    return QN_OK;
}
qn_status qn_date_to_timestamptz(int32_t d, const qn_timezone *zone, int64_t *out, qn_error *err)
{
    qn_status st = qn_date_to_timestamp(d, out, err);
    if (st == QN_OK && qn_date_finite(d) && !qn_timestamp_from_local(*out, zone, out))
        return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "date out of range for timestamp");
    return st;
}
qn_status qn_timestamp_to_timestamptz(int64_t t, const qn_timezone *zone, int64_t *out, qn_error *err)
{
    *out = t;
    if (qn_timestamp_finite(t) && !qn_timestamp_from_local(t, zone, out))
        return timestamp_range(err);
    return QN_OK;
}
qn_status qn_timestamptz_to_timestamp(int64_t t, const qn_timezone *zone, int64_t *out, qn_error *err)
{
    qn_zone_moment moment;
    *out = t;
    if (qn_timestamp_finite(t) && !qn_timestamp_to_local(t, zone, out, &moment))
        return timestamp_range(err);
    return QN_OK;
}
qn_status qn_timestamp_to_date(int64_t t, int32_t *out, qn_error *err)
{
    (void)err;
    if (!qn_timestamp_finite(t))
        *out = t > 0 ? QN_DATE_INFINITY : QN_DATE_NEG_INFINITY;
    else
        *out = (int32_t)(t / QN_USECS_PER_DAY - (t % QN_USECS_PER_DAY < 0));
    return QN_OK;
}

/* ---- comparisons ------------------------------------------------------------------------------ */

static int compare_i64(int64_t a, int64_t b) { return (a > b) - (a < b); }
/* A value that lies outside the range of timestamps on one side, against a timestamp. */
static int compare_beyond(bool above, int64_t t)
{
    if (above)
        return t == QN_TIMESTAMP_INFINITY ? -1 : 1;
    return t == QN_TIMESTAMP_NEG_INFINITY ? 1 : -1;
}

int qn_date_compare_timestamp(int32_t d, int64_t t)
{
    int64_t at = 0;
    if (qn_date_to_timestamp(d, &at, NULL) != QN_OK)
        return compare_beyond(true, t);
    return compare_i64(at, t);
}
int qn_timestamp_compare_timestamptz(int64_t a, int64_t b, const qn_timezone *zone)
{
    int64_t at = a;
    if (qn_timestamp_finite(a) && !qn_timestamp_from_local(a, zone, &at))
        return compare_beyond(at > 0, b);
    return compare_i64(at, b);
}
int qn_date_compare_timestamptz(int32_t d, int64_t t, const qn_timezone *zone)
{
    int64_t at = 0;
    if (qn_date_to_timestamp(d, &at, NULL) != QN_OK)
        return compare_beyond(true, t);
    return qn_timestamp_compare_timestamptz(at, t, zone);
}
