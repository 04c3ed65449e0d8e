/* Functions, operators and casts of date, time, timestamp, timestamptz and interval.
 *
 * Thin wrappers over datetime.h.  Where a result depends on the session's time zone the function is
 * STABLE, as in PostgreSQL; the zone comes from call->set.  "Now" is the transaction's start, except for
 * clock_timestamp().
 *
 * Not here: to_char and its relatives (fn_format.c). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/assert.h"
#include "catalog/function.h"
#include "type/datetime.h"
#include "type/numeric.h"

#define ARGS qn_call *call, const qn_datum *args, const bool *nulls, qn_datum *result, bool *null
#define UNUSED ((void)call, (void)args, (void)nulls, (void)null)
#define FN(name) static qn_status name(ARGS)

enum { OP_EQ = 0x30, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

static const qn_timezone *zone_of(const qn_call *call) { return call->set ? call->set->zone : NULL; }
static int64_t now_of(const qn_call *call) { return call->set ? call->set->now_micros : 0; }

static qn_status overflow(qn_call *call, const char *message)
{
    return qn_fail(call->err, QN_SQLSTATE_DATETIME_OVERFLOW, "%s", message);
}

/* ---- comparisons ----------------------------------------------------------------------------- */

#define I64_COMPARE(a, b) (((a) > (b)) - ((a) < (b)))
/* X(prefix, separator and suffix, type a, type b, flags, volatility, three-way comparison, opcodes) */
#define COMPARISONS(X)                                                                             \
    X(date, , DATE, DATE, QN_IMMUTABLE, I64_COMPARE(args[0].i32, args[1].i32), 1)                  \
    X(time, , TIME, TIME, QN_IMMUTABLE, I64_COMPARE(args[0].i64, args[1].i64), 1)                  \
    X(timestamp, , TIMESTAMP, TIMESTAMP, QN_IMMUTABLE, I64_COMPARE(args[0].i64, args[1].i64), 1)   \
    X(timestamptz, , TIMESTAMPTZ, TIMESTAMPTZ, QN_IMMUTABLE, I64_COMPARE(args[0].i64, args[1].i64), 1) \
    X(interval, , INTERVAL, INTERVAL, QN_IMMUTABLE,                                                \
      qn_interval_compare(&args[0].interval, &args[1].interval), 1)                                \
    X(date, _timestamp, DATE, TIMESTAMP, QN_IMMUTABLE,                                             \
      qn_date_compare_timestamp(args[0].i32, args[1].i64), 0)                                      \
    X(timestamp, _date, TIMESTAMP, DATE, QN_IMMUTABLE,                                             \
      -qn_date_compare_timestamp(args[1].i32, args[0].i64), 0)                                     \
    X(date, _timestamptz, DATE, TIMESTAMPTZ, QN_STABLE,                                            \
      qn_date_compare_timestamptz(args[0].i32, args[1].i64, zone_of(call)), 0)                     \
    X(timestamptz, _date, TIMESTAMPTZ, DATE, QN_STABLE,                                            \
      -qn_date_compare_timestamptz(args[1].i32, args[0].i64, zone_of(call)), 0)                    \
    X(timestamp, _timestamptz, TIMESTAMP, TIMESTAMPTZ, QN_STABLE,                                  \
      qn_timestamp_compare_timestamptz(args[0].i64, args[1].i64, zone_of(call)), 0)                \
    X(timestamptz, _timestamp, TIMESTAMPTZ, TIMESTAMP, QN_STABLE,                                  \
      -qn_timestamp_compare_timestamptz(args[1].i64, args[0].i64, zone_of(call)), 0)

#define ONE_COMPARISON(name, order, op)                                                            \
    FN(name)                                                                                       \
    {                                                                                              \
        UNUSED;                                                                                    \
        bool v = (order)op 0;                                                                      \
        result->b = v;                                                                             \
        return QN_OK;                                                                              \
    }
#define X(p, s, ta, tb, vol, order, has_op)                                                        \
    ONE_COMPARISON(p##_eq##s, order, ==)                                                           \
    ONE_COMPARISON(p##_ne##s, order, !=)                                                           \
    ONE_COMPARISON(p##_lt##s, order, <)                                                            \
    ONE_COMPARISON(p##_le##s, order, <=)                                                           \
    ONE_COMPARISON(p##_gt##s, order, >)                                                            \
    ONE_COMPARISON(p##_ge##s, order, >=)
COMPARISONS(X)
#undef X

/* ---- arithmetic ------------------------------------------------------------------------------- */

static qn_status date_shift(qn_call *call, int32_t d, int64_t days, qn_datum *result)
{
    if (qn_date_finite(d) && !qn_date_in_range(d + days))
        return overflow(call, "date out of range");
    result->i32 = qn_date_finite(d) ? (int32_t)(d + days) : d;
    return QN_OK;
}
FN(date_pli) { UNUSED; return date_shift(call, args[0].i32, args[1].i32, result); }
FN(date_mii) { UNUSED; return date_shift(call, args[0].i32, -(int64_t)args[1].i32, result); }
FN(integer_pl_date) { UNUSED; return date_shift(call, args[1].i32, args[0].i32, result); }
FN(date_mi)
{
    UNUSED;
    if (!qn_date_finite(args[0].i32) || !qn_date_finite(args[1].i32))
        return overflow(call, "cannot subtract infinite dates");
    result->i32 = args[0].i32 - args[1].i32; /* the range of dates is under 2^31 days wide */
    return QN_OK;
}

static qn_status timestamp_plus(qn_call *call, int64_t t, const qn_interval *v, bool minus, qn_datum *result)
{
    qn_interval n = *v;
    if (minus) {
        qn_status st = qn_interval_neg(v, &n, call->err);
        if (st != QN_OK)
            return st;
    }
    return qn_timestamp_add(t, &n, &result->i64, call->err);
}
static qn_status timestamptz_plus(qn_call *call, int64_t t, const qn_interval *v, bool minus, qn_datum *result)
{
    qn_interval n = *v;
    if (minus) {
        qn_status st = qn_interval_neg(v, &n, call->err);
        if (st != QN_OK)
            return st;
    }
    return qn_timestamptz_add(t, &n, zone_of(call), &result->i64, call->err);
}
static qn_status date_plus(qn_call *call, int32_t d, const qn_interval *v, bool minus, qn_datum *result)
{
    int64_t   t = 0;
    qn_status st = qn_date_to_timestamp(d, &t, call->err);
    return st == QN_OK ? timestamp_plus(call, t, v, minus, result) : st;
}
FN(date_pl_interval) { UNUSED; return date_plus(call, args[0].i32, &args[1].interval, false, result); }
FN(date_mi_interval) { UNUSED; return date_plus(call, args[0].i32, &args[1].interval, true, result); }
FN(interval_pl_date) { UNUSED; return date_plus(call, args[1].i32, &args[0].interval, false, result); }
FN(timestamp_pl_interval) { UNUSED; return timestamp_plus(call, args[0].i64, &args[1].interval, false, result); }
FN(timestamp_mi_interval) { UNUSED; return timestamp_plus(call, args[0].i64, &args[1].interval, true, result); }
FN(interval_pl_timestamp) { UNUSED; return timestamp_plus(call, args[1].i64, &args[0].interval, false, result); }
FN(timestamptz_pl_interval) { UNUSED; return timestamptz_plus(call, args[0].i64, &args[1].interval, false, result); }
FN(timestamptz_mi_interval) { UNUSED; return timestamptz_plus(call, args[0].i64, &args[1].interval, true, result); }
FN(interval_pl_timestamptz) { UNUSED; return timestamptz_plus(call, args[1].i64, &args[0].interval, false, result); }
FN(timestamp_mi) { UNUSED; return qn_timestamp_diff(args[0].i64, args[1].i64, &result->interval, call->err); }

static qn_status date_and_time(qn_call *call, int32_t d, int64_t time, qn_datum *result)
{
    int64_t   t = 0;
    qn_status st = qn_date_to_timestamp(d, &t, call->err);
    if (st != QN_OK)
        return st;
    if (qn_timestamp_finite(t)) {
        t += time;
        if (!qn_timestamp_in_range(t))
            return overflow(call, "timestamp out of range");
    }
    result->i64 = t;
    return QN_OK;
}
FN(datetime_pl) { UNUSED; return date_and_time(call, args[0].i32, args[1].i64, result); }
FN(timedate_pl) { UNUSED; return date_and_time(call, args[1].i32, args[0].i64, result); }
FN(timestamptz_from_date_time)
{
    UNUSED;
    qn_datum  t = {.i64 = 0};
    qn_status st = date_and_time(call, args[0].i32, args[1].i64, &t);
    return st == QN_OK ? qn_timestamp_to_timestamptz(t.i64, zone_of(call), &result->i64, call->err) : st;
}

/* Times of day go round the clock. */
static int64_t wrap_time(qn_i128 t)
{
    int64_t r = (int64_t)(t % QN_USECS_PER_DAY);
    return r < 0 ? r + QN_USECS_PER_DAY : r;
}
FN(time_pl_interval) { UNUSED; result->i64 = wrap_time((qn_i128)args[0].i64 + args[1].interval.micros); return QN_OK; }
FN(time_mi_interval) { UNUSED; result->i64 = wrap_time((qn_i128)args[0].i64 - args[1].interval.micros); return QN_OK; }
FN(interval_pl_time) { UNUSED; result->i64 = wrap_time((qn_i128)args[1].i64 + args[0].interval.micros); return QN_OK; }
FN(time_mi_time)
{
    UNUSED;
    result->interval = (qn_interval){args[0].i64 - args[1].i64, 0, 0};
    return QN_OK;
}

FN(interval_um) { UNUSED; return qn_interval_neg(&args[0].interval, &result->interval, call->err); }
FN(interval_pl) { UNUSED; return qn_interval_add(&args[0].interval, &args[1].interval, &result->interval, call->err); }
FN(interval_mi) { UNUSED; return qn_interval_sub(&args[0].interval, &args[1].interval, &result->interval, call->err); }
FN(interval_mul) { UNUSED; return qn_interval_mul(&args[0].interval, args[1].f64, &result->interval, call->err); }
FN(mul_d_interval) { UNUSED; return qn_interval_mul(&args[1].interval, args[0].f64, &result->interval, call->err); }
FN(interval_div) { UNUSED; return qn_interval_div(&args[0].interval, args[1].f64, &result->interval, call->err); }
FN(justify_hours) { UNUSED; return qn_interval_justify_hours(&args[0].interval, &result->interval, call->err); }
FN(justify_days) { UNUSED; return qn_interval_justify_days(&args[0].interval, &result->interval, call->err); }
FN(justify_interval) { UNUSED; return qn_interval_justify(&args[0].interval, &result->interval, call->err); }

/* ---- conversions ------------------------------------------------------------------------------ */

FN(date_to_ts) { UNUSED; return qn_date_to_timestamp(args[0].i32, &result->i64, call->err); }
FN(date_to_tz) { UNUSED; return qn_date_to_timestamptz(args[0].i32, zone_of(call), &result->i64, call->err); }
FN(ts_to_date) { UNUSED; return qn_timestamp_to_date(args[0].i64, &result->i32, call->err); }
FN(ts_to_tz) { UNUSED; return qn_timestamp_to_timestamptz(args[0].i64, zone_of(call), &result->i64, call->err); }
FN(tz_to_ts) { UNUSED; return qn_timestamptz_to_timestamp(args[0].i64, zone_of(call), &result->i64, call->err); }
FN(tz_to_date)
{
    UNUSED;
    qn_zone_moment moment;
    int64_t        local = args[0].i64;
    if (qn_timestamp_finite(local))
        qn_timestamp_to_local(args[0].i64, zone_of(call), &local, &moment);
    return qn_timestamp_to_date(local, &result->i32, call->err);
}
FN(ts_to_time)
{
    UNUSED;
    *null = !qn_timestamp_finite(args[0].i64);
    if (!*null)
        result->i64 = wrap_time(args[0].i64);
    return QN_OK;
}
FN(tz_to_time)
{
    UNUSED;
    qn_zone_moment moment;
    int64_t        local;
    *null = !qn_timestamp_finite(args[0].i64);
    if (*null)
        return QN_OK;
    qn_timestamp_to_local(args[0].i64, zone_of(call), &local, &moment);
    result->i64 = wrap_time(local);
    return QN_OK;
}
FN(interval_to_time) { UNUSED; result->i64 = wrap_time(args[0].interval.micros); return QN_OK; }
FN(time_to_interval) { UNUSED; result->interval = (qn_interval){args[0].i64, 0, 0}; return QN_OK; }

/* ---- AT TIME ZONE ------------------------------------------------------------------------------ */

/* The zone of a constant argument is looked up once per call site. */
static qn_status named_zone(qn_call *call, const qn_str *name, int64_t micros, bool local,
                            const qn_timezone **zone, bool *fixed, int32_t *offset)
{
    struct cached {
        qn_str             name;
        const qn_timezone *zone;
    } *cached = call->cache ? *call->cache : NULL;
    *fixed = false;
    *offset = 0;
    if (cached && qn_str_equal(&cached->name, name)) {
        *zone = cached->zone;
        return QN_OK;
    }
    qn_status st = qn_zone_argument(name, micros, local, zone, fixed, offset, call->err);
    if (st == QN_OK && !*fixed && call->cache && !cached && call->cache_arena) {
        cached = qn_arena_new(call->cache_arena, struct cached);
        if (!cached || !qn_str_copy(call->cache_arena, name, &cached->name))
            return qn_nomem(call->err);
        cached->zone = *zone;
        *call->cache = cached;
    }
    return st;
}
FN(zone_timestamp)
{
    UNUSED;
    const qn_timezone *zone;
    bool               fixed;
    int32_t            offset;
    int64_t            t = args[1].i64;
    result->i64 = t;
    if (!qn_timestamp_finite(t))
        return QN_OK;
    qn_status st = named_zone(call, &args[0].str, t, true, &zone, &fixed, &offset);
    if (st != QN_OK)
        return st;
    if (!fixed)
        return qn_timestamp_to_timestamptz(t, zone, &result->i64, call->err);
    result->i64 = t - offset * QN_USECS_PER_SEC;
    return qn_timestamp_in_range(result->i64) ? QN_OK : overflow(call, "timestamp out of range");
}
FN(zone_timestamptz)
{
    UNUSED;
    const qn_timezone *zone;
    bool               fixed;
    int32_t            offset;
    int64_t            t = args[1].i64;
    result->i64 = t;
    if (!qn_timestamp_finite(t))
        return QN_OK;
    qn_status st = named_zone(call, &args[0].str, t, false, &zone, &fixed, &offset);
    if (st != QN_OK)
        return st;
    if (!fixed)
        return qn_timestamptz_to_timestamp(t, zone, &result->i64, call->err);
    result->i64 = t + offset * QN_USECS_PER_SEC;
    return qn_timestamp_in_range(result->i64) ? QN_OK : overflow(call, "timestamp out of range");
}
static qn_status interval_zone(qn_call *call, const qn_interval *zone, int64_t t, int sign, qn_datum *result)
{
    result->i64 = t;
    if (!qn_timestamp_finite(t))
        return QN_OK;
    if (zone->months || zone->days) {
        qn_datum  v = {.interval = *zone};
        qn_buf    text;
        qn_buf_init(&text, call->arena->mem);
        qn_datetime_print(QN_TYPE(INTERVAL), &v, NULL, &text);
        qn_status st = qn_buf_ok(&text)
                           ? qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                                     "interval time zone \"%s\" must not include months or days", text.data)
                           : qn_nomem(call->err);
        qn_buf_deinit(&text);
        return st;
    }
    qn_i128 r = (qn_i128)t + sign * (qn_i128)(zone->micros / QN_USECS_PER_SEC) * QN_USECS_PER_SEC;
    if (r < QN_TIMESTAMP_MIN || r >= QN_TIMESTAMP_END)
        return overflow(call, "timestamp out of range");
    result->i64 = (int64_t)r;
    return QN_OK;
}
FN(izone_timestamp) { UNUSED; return interval_zone(call, &args[0].interval, args[1].i64, -1, result); }
FN(izone_timestamptz) { UNUSED; return interval_zone(call, &args[0].interval, args[1].i64, 1, result); }

/* ---- fields ----------------------------------------------------------------------------------- */

#define EXTRACT(suffix, type)                                                                      \
    FN(extract_##suffix)                                                                           \
    {                                                                                              \
        UNUSED;                                                                                    \
        return qn_datetime_extract(QN_TYPE_##type, &args[0].str, &args[1], zone_of(call), call->arena, \
                                   &result->num, null, call->err);                                 \
    }
#define PART(suffix, type)                                                                         \
    FN(part_##suffix)                                                                              \
    {                                                                                              \
        UNUSED;                                                                                    \
        return qn_datetime_part(QN_TYPE_##type, &args[0].str, &args[1], zone_of(call), &result->f64, null, \
                                call->err);                                                        \
    }
EXTRACT(date, DATE)
EXTRACT(time, TIME)
EXTRACT(timestamp, TIMESTAMP)
EXTRACT(timestamptz, TIMESTAMPTZ)
EXTRACT(interval, INTERVAL)
PART(time, TIME)
PART(timestamp, TIMESTAMP)
PART(timestamptz, TIMESTAMPTZ)
PART(interval, INTERVAL)
/* Over many lanes, when the unit is a constant. */
#define FIELD_LANES(suffix, type)                                                                  \
    static qn_status extract_##suffix##_lanes(qn_call *call, const qn_lanes *l, bool *done)        \
    {                                                                                              \
        return field_lanes(call, l, QN_TYPE_##type, true, done);                                   \
    }
#define PART_LANES(suffix, type)                                                                   \
    static qn_status part_##suffix##_lanes(qn_call *call, const qn_lanes *l, bool *done)           \
    {                                                                                              \
        return field_lanes(call, l, QN_TYPE_##type, false, done);                                  \
    }
static qn_status field_lanes(qn_call *call, const qn_lanes *l, qn_sql_type type, bool exact, bool *done)
{
    *done = l->constant[0];
    return *done ? qn_datetime_field_lanes(type, l->args[0], l->args[1], l->constant[1], l->lanes, l->count,
                                           zone_of(call), call->arena, exact ? l->result : NULL,
                                           exact ? NULL : l->result, l->nulls, call->err)
                 : QN_OK;
}
FIELD_LANES(date, DATE)
FIELD_LANES(time, TIME)
FIELD_LANES(timestamp, TIMESTAMP)
FIELD_LANES(timestamptz, TIMESTAMPTZ)
FIELD_LANES(interval, INTERVAL)
PART_LANES(time, TIME)
PART_LANES(timestamp, TIMESTAMP)
PART_LANES(timestamptz, TIMESTAMPTZ)
PART_LANES(interval, INTERVAL)
/* date_part of a date is that of the timestamp: hours are 0, not an error. */
FN(part_date)
{
    UNUSED;
    qn_datum  t;
    qn_status st = qn_date_to_timestamp(args[1].i32, &t.i64, call->err);
    return st == QN_OK ? qn_datetime_part(QN_TYPE_TIMESTAMP, &args[0].str, &t, NULL, &result->f64, null, call->err)
                       : st;
}

FN(trunc_timestamp) { UNUSED; return qn_timestamp_trunc(&args[0].str, args[1].i64, &result->i64, call->err); }
FN(trunc_timestamptz)
{
    UNUSED;
    return qn_timestamptz_trunc(&args[0].str, args[1].i64, zone_of(call), &result->i64, call->err);
}
static qn_status trunc_lanes(qn_call *call, const qn_lanes *l, bool zoned, bool *done)
{
    *done = l->constant[0] && !l->constant[1];
    return *done ? qn_timestamp_trunc_lanes(l->args[0], l->args[1], l->lanes, l->count, zoned,
                                            zoned ? zone_of(call) : NULL, l->result, call->err)
                 : QN_OK;
}
static qn_status trunc_timestamp_lanes(qn_call *call, const qn_lanes *l, bool *done)
{
    return trunc_lanes(call, l, false, done);
}
static qn_status trunc_timestamptz_lanes(qn_call *call, const qn_lanes *l, bool *done)
{
    return trunc_lanes(call, l, true, done);
}
FN(trunc_interval) { UNUSED; return qn_interval_trunc(&args[0].str, &args[1].interval, &result->interval, call->err); }
static const qn_abbreviation *abbreviation_of(const qn_str *name)
{
    char lower[16] = {0};
    if (name->bytes >= sizeof lower)
        return NULL;
    for (uint32_t i = 0; i < name->bytes; i++) {
        char c = qn_str_data(name)[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    return qn_abbreviation_find(lower);
}
FN(trunc_timestamptz_zone)
{
    UNUSED;
    const qn_timezone *zone;
    bool               fixed;
    int32_t            offset;
    int64_t            t = args[1].i64;
    result->i64 = t;
    if (!qn_timestamp_finite(t))
        return QN_OK;
    qn_status st = named_zone(call, &args[2].str, t, false, &zone, &fixed, &offset);
    if (st != QN_OK)
        return st;
    if (!fixed)
        return qn_timestamptz_trunc(&args[0].str, t, zone, &result->i64, call->err);
    /* An abbreviation: its zone when the meaning changed over time, else the offset as a POSIX rule. */
    char                   name[32];
    const qn_abbreviation *a = abbreviation_of(&args[2].str);
    if (a && a->zone)
        snprintf(name, sizeof name, "%s", a->zone);
    else
        snprintf(name, sizeof name, "<>%c%02d:%02d:%02d", offset < 0 ? '+' : '-', abs(offset) / 3600,
                 abs(offset) / 60 % 60, abs(offset) % 60);
    st = qn_timezone_find(NULL, name, strlen(name), &zone, call->err);
    return st == QN_OK ? qn_timestamptz_trunc(&args[0].str, t, zone, &result->i64, call->err) : st;
}

static qn_status bin(qn_call *call, const qn_interval *stride, int64_t t, int64_t origin, qn_datum *result)
{
    int64_t step, diff, rest, r;
    result->i64 = t;
    if (!qn_timestamp_finite(t))
        return QN_OK;
    if (!qn_timestamp_finite(origin))
        return overflow(call, "origin out of range");
    if (stride->months)
        return qn_fail(call->err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED,
                       "timestamps cannot be binned into intervals containing months or years");
    if (__builtin_mul_overflow((int64_t)stride->days, QN_USECS_PER_DAY, &step) ||
        __builtin_add_overflow(step, stride->micros, &step) ||
        __builtin_sub_overflow(t, origin, &diff))
        return overflow(call, "interval out of range");
    if (step <= 0)
        return overflow(call, "stride must be greater than zero");
    rest = diff % step;
    if (rest < 0)
        rest += step;
    if (__builtin_sub_overflow(t, rest, &r) || !qn_timestamp_in_range(r))
        return overflow(call, "timestamp out of range");
    result->i64 = r;
    return QN_OK;
}
FN(date_bin) { UNUSED; return bin(call, &args[0].interval, args[1].i64, args[2].i64, result); }

FN(age2) { UNUSED; return qn_timestamp_age(args[0].i64, args[1].i64, &result->interval, call->err); }
static int64_t to_local(const qn_call *call, int64_t t)
{
    qn_zone_moment moment;
    int64_t        local = t;
    if (qn_timestamp_finite(t))
        qn_timestamp_to_local(t, zone_of(call), &local, &moment);
    return local;
}
FN(age2_tz)
{
    UNUSED;
    return qn_timestamp_age(to_local(call, args[0].i64), to_local(call, args[1].i64), &result->interval, call->err);
}
static int64_t today_local(const qn_call *call)
{
    int64_t t = to_local(call, now_of(call));
    return t - wrap_time(t);
}
FN(age1) { UNUSED; return qn_timestamp_age(today_local(call), args[0].i64, &result->interval, call->err); }
FN(age1_tz)
{
    UNUSED;
    return qn_timestamp_age(today_local(call), to_local(call, args[0].i64), &result->interval, call->err);
}

FN(finite_date) { UNUSED; result->b = qn_date_finite(args[0].i32); return QN_OK; }
FN(finite_timestamp) { UNUSED; result->b = qn_timestamp_finite(args[0].i64); return QN_OK; }
FN(finite_interval) { UNUSED; result->b = true; return QN_OK; }

/* ---- now ---------------------------------------------------------------------------------------- */

FN(now) { UNUSED; result->i64 = now_of(call); return QN_OK; }
FN(clock_now)
{
    UNUSED;
    const qn_clock *clock = call->env ? &call->env->clock : NULL;
    result->i64 = clock && clock->wall_micros
                      ? clock->wall_micros(clock->self) - QN_EPOCH_UNIX * QN_USECS_PER_SEC
                      : now_of(call);
    return QN_OK;
}
FN(local_now) { UNUSED; result->i64 = to_local(call, now_of(call)); return QN_OK; }
FN(local_now_time) { UNUSED; result->i64 = wrap_time(to_local(call, now_of(call))); return QN_OK; }
FN(current_date) { UNUSED; return qn_timestamp_to_date(to_local(call, now_of(call)), &result->i32, call->err); }

/* ---- making ------------------------------------------------------------------------------------- */

/* The message names the year `shown`. */
static qn_status civil_date(qn_call *call, int32_t year, int32_t shown, int32_t month, int32_t day, int64_t *days)
{
    int64_t y = year < 0 ? year + INT64_C(1) : year; /* -1 is 1 BC */
    if (year == 0 || month < 1 || month > 12 || day < 1 || day > qn_days_in_month(y, month))
        return qn_fail(call->err, QN_SQLSTATE_DATETIME_OVERFLOW, "date field value out of range: %d-%02d-%02d",
                       shown, month, day);
    *days = qn_days_from_civil(y, month, day);
    return QN_OK;
}
static qn_status clock_time(qn_call *call, int32_t hour, int32_t minute, double second, int64_t *micros)
{
    bool good = hour >= 0 && hour <= 24 && minute >= 0 && minute <= 59 && second >= 0;
    if (good) {
        double us = rint(second * 1000000.0);
        good = us <= 60000000.0;
        *micros = good ? hour * QN_USECS_PER_HOUR + minute * QN_USECS_PER_MIN + (int64_t)us : 0;
        good = good && *micros <= QN_USECS_PER_DAY;
    }
    if (!good && (isnan(second) || isinf(second)))
        return qn_fail(call->err, QN_SQLSTATE_DATETIME_OVERFLOW, "time field value out of range: %d:%02d:%s",
                       hour, minute, isnan(second) ? "NaN" : second > 0 ? "Infinity" : "-Infinity");
    if (!good)
        return qn_fail(call->err, QN_SQLSTATE_DATETIME_OVERFLOW, "time field value out of range: %d:%02d:%02g",
                       hour, minute, second);
    return QN_OK;
}
FN(make_date)
{
    UNUSED;
    int64_t   days = 0;
    int32_t   year = args[0].i32, shown = year < 0 ? year + 1 : year;
    qn_status st = civil_date(call, year, shown, args[1].i32, args[2].i32, &days);
    if (st == QN_OK && !qn_date_in_range(days))
        return qn_fail(call->err, QN_SQLSTATE_DATETIME_OVERFLOW, "date out of range: %d-%02d-%02d", shown,
                       args[1].i32, args[2].i32);
    result->i32 = (int32_t)days;
    return st;
}
FN(make_time) { UNUSED; return clock_time(call, args[0].i32, args[1].i32, args[2].f64, &result->i64); }
static qn_status make_local(qn_call *call, const qn_datum *args, int64_t *t)
{
    int64_t   days = 0, micros = 0;
    qn_status st = civil_date(call, args[0].i32, args[0].i32, args[1].i32, args[2].i32, &days);
    if (st == QN_OK)
        st = clock_time(call, args[3].i32, args[4].i32, args[5].f64, &micros);
    if (st != QN_OK)
        return st;
    qn_i128 r = (qn_i128)days * QN_USECS_PER_DAY + micros;
    if (r < QN_TIMESTAMP_MIN || r >= QN_TIMESTAMP_END)
        return qn_fail(call->err, QN_SQLSTATE_DATETIME_OVERFLOW,
                       "timestamp out of range: %d-%02d-%02d %d:%02d:%02g", args[0].i32, args[1].i32,
                       args[2].i32, args[3].i32, args[4].i32, args[5].f64);
    *t = (int64_t)r;
    return QN_OK;
}
FN(make_timestamp) { UNUSED; return make_local(call, args, &result->i64); }
FN(make_timestamptz)
{
    UNUSED;
    int64_t   t = 0;
    qn_status st = make_local(call, args, &t);
    return st == QN_OK ? qn_timestamp_to_timestamptz(t, zone_of(call), &result->i64, call->err) : st;
}
/* The zone may also be an offset with a sign, "+3" and "-04:30" as in text. */
FN(make_timestamptz_zone)
{
    UNUSED;
    int64_t     t = 0;
    const char *zone = qn_str_data(&args[6].str);
    uint32_t    n = args[6].str.bytes;
    qn_status   st = make_local(call, args, &t);
    if (st != QN_OK)
        return st;
    if (n && (zone[0] == '+' || zone[0] == '-' || (zone[0] >= '0' && zone[0] <= '9'))) {
        if (zone[0] >= '0' && zone[0] <= '9') {
            st = qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                         "invalid input syntax for type numeric time zone: \"%.*s\"", (int)(n > 900 ? 900 : n), zone);
            qn_error_hint(call->err, "Numeric time zones must have \"-\" or \"+\" as first character.");
            return st;
        }
        char     text[64];
        qn_datum offset;
        int      bytes = snprintf(text, sizeof text, "2000-01-01 00:00:00%.*s", (int)(n > 32 ? 32 : n), zone);
        if (qn_datetime_parse(QN_TYPE(TIMESTAMPTZ), text, (size_t)bytes, NULL, &offset, NULL) != QN_OK)
            return qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, "numeric time zone \"%.*s\" out of range",
                           (int)(n > 900 ? 900 : n), zone);
        t += offset.i64;
        if (!qn_timestamp_in_range(t))
            return overflow(call, "timestamp out of range");
        result->i64 = t;
        return QN_OK;
    }
    qn_datum pair[2] = {args[6], {.i64 = t}};
    return zone_timestamp(call, pair, nulls, result, null);
}
/* years, months, weeks, days, hours, mins int, secs double; missing ones are 0. */
static qn_status build_interval(qn_call *call, const qn_datum *args, int argc, qn_datum *result)
{
    int64_t v[6] = {0};
    double  seconds = argc > 6 ? rint(args[6].f64 * 1000000.0) : 0;
    for (int i = 0; i < argc && i < 6; i++)
        v[i] = args[i].i32;
    int64_t months = v[0] * 12 + v[1], days = v[2] * 7 + v[3];
    qn_i128 micros = (qn_i128)v[4] * QN_USECS_PER_HOUR + (qn_i128)v[5] * QN_USECS_PER_MIN;
    bool    good = months == (int32_t)months && days == (int32_t)days && fabs(seconds) < 9e18;
    if (good) {
        micros += (int64_t)seconds;
        good = micros == (int64_t)micros;
    }
    if (!good)
        return overflow(call, "interval out of range");
    result->interval = (qn_interval){(int64_t)micros, (int32_t)days, (int32_t)months};
    return QN_OK;
}
#define MAKE_INTERVAL(n) FN(make_interval##n) { UNUSED; return build_interval(call, args, n, result); }
MAKE_INTERVAL(0)
MAKE_INTERVAL(1)
MAKE_INTERVAL(2)
MAKE_INTERVAL(3)
MAKE_INTERVAL(4)
MAKE_INTERVAL(5)
MAKE_INTERVAL(6)
MAKE_INTERVAL(7)

FN(timestamp_of_unix)
{
    UNUSED;
    double s = args[0].f64;
    if (isnan(s))
        return overflow(call, "timestamp cannot be NaN");
    if (isinf(s)) {
        result->i64 = s > 0 ? QN_TIMESTAMP_INFINITY : QN_TIMESTAMP_NEG_INFINITY;
        return QN_OK;
    }
    double us = rint((s - (double)QN_EPOCH_UNIX) * 1000000.0);
    if (!(s >= -210866803200.0 && us >= (double)QN_TIMESTAMP_MIN && us < (double)QN_TIMESTAMP_END))
        return qn_fail(call->err, QN_SQLSTATE_DATETIME_OVERFLOW, "timestamp out of range: \"%g\"", s);
    result->i64 = (int64_t)us;
    return QN_OK;
}

/* ---- OVERLAPS ------------------------------------------------------------------------------------ */

/* Two periods given by their ends.  A NULL end is unknown: the answer may still be certain.  A period
 * whose ends are equal is that one instant. */
static void overlaps(int64_t as, bool as_null, int64_t ae, bool ae_null, int64_t bs, bool bs_null, int64_t be,
                     bool be_null, qn_datum *result, bool *null)
{
    *null = true;
    result->b = false;
    if ((as_null && ae_null) || (bs_null && be_null))
        return;
    if (as_null || (!ae_null && as > ae)) {
        int64_t t = as;
        bool    t_null = as_null;
        as = ae;
        ae = t;
        ae_null = t_null;
    }
    if (bs_null || (!be_null && bs > be)) {
        int64_t t = bs;
        bool    t_null = bs_null;
        bs = be;
        be = t;
        be_null = t_null;
    }
    /* Now both starts are known; the later start decides against the other's end. */
    if (as == bs) {
        if (ae_null || be_null)
            return;
        *null = false;
        result->b = true;
        return;
    }
    bool    a_later = as > bs;
    int64_t start = a_later ? as : bs, end = a_later ? be : ae;
    bool    end_null = a_later ? be_null : ae_null, own_null = a_later ? ae_null : be_null;
    if (end_null)
        return;
    result->b = start < end;
    *null = !result->b && own_null;
}
/* Second and fourth argument are ends, or lengths to be added to the starts. */
static qn_status overlaps_of(qn_call *call, qn_sql_type type, const qn_datum *args, const bool *nulls,
                             bool a_length, bool b_length, qn_datum *result, bool *null)
{
    int64_t end[2] = {0};
    bool    end_null[2];
    for (int i = 0; i < 2; i++) {
        bool length = i ? b_length : a_length;
        end_null[i] = nulls[i * 2 + 1] || (length && nulls[i * 2]);
        if (end_null[i])
            continue;
        if (!length) {
            end[i] = args[i * 2 + 1].i64;
            continue;
        }
        const qn_interval *v = &args[i * 2 + 1].interval;
        qn_status          st = QN_OK;
        if (type == QN_TYPE_TIME)
            end[i] = wrap_time((qn_i128)args[i * 2].i64 + v->micros);
        else if (type == QN_TYPE_TIMESTAMP)
            st = qn_timestamp_add(args[i * 2].i64, v, &end[i], call->err);
        else
            st = qn_timestamptz_add(args[i * 2].i64, v, zone_of(call), &end[i], call->err);
        if (st != QN_OK)
            return st;
    }
    overlaps(args[0].i64, nulls[0], end[0], end_null[0], args[2].i64, nulls[2], end[1], end_null[1], result, null);
    return QN_OK;
}
#define OVERLAPS(type)                                                                             \
    FN(overlaps_##type##_ee) { return overlaps_of(call, QN_TYPE_##type, args, nulls, false, false, result, null); } \
    FN(overlaps_##type##_li) { return overlaps_of(call, QN_TYPE_##type, args, nulls, true, false, result, null); }  \
    FN(overlaps_##type##_il) { return overlaps_of(call, QN_TYPE_##type, args, nulls, false, true, result, null); }  \
    FN(overlaps_##type##_ll) { return overlaps_of(call, QN_TYPE_##type, args, nulls, true, true, result, null); }
OVERLAPS(TIME)
OVERLAPS(TIMESTAMP)
OVERLAPS(TIMESTAMPTZ)

/* ---- tables -------------------------------------------------------------------------------------- */

#define T(id) QN_TYPE_##id
#define S QN_FN_STRICT
#define SF (QN_FN_STRICT | QN_FN_CANFAIL)
#define H (QN_FN_STRICT | QN_FN_HIDDEN)
#define HF (H | QN_FN_CANFAIL)
#define IMM QN_IMMUTABLE
#define STB QN_STABLE

#define NAME2(a, b) #a #b
#define NAME(a, b) NAME2(a, b)
#define COMPARISON_ROWS(p, s, ta, tb, vol, order, has_op)                                          \
    {NAME(p##_eq, s), T(BOOLEAN), 2, {T(ta), T(tb)}, H, vol, has_op * OP_EQ, p##_eq##s, NULL},     \
    {NAME(p##_ne, s), T(BOOLEAN), 2, {T(ta), T(tb)}, H, vol, has_op * OP_NE, p##_ne##s, NULL},     \
    {NAME(p##_lt, s), T(BOOLEAN), 2, {T(ta), T(tb)}, H, vol, has_op * OP_LT, p##_lt##s, NULL},     \
    {NAME(p##_le, s), T(BOOLEAN), 2, {T(ta), T(tb)}, H, vol, has_op * OP_LE, p##_le##s, NULL},     \
    {NAME(p##_gt, s), T(BOOLEAN), 2, {T(ta), T(tb)}, H, vol, has_op * OP_GT, p##_gt##s, NULL},     \
    {NAME(p##_ge, s), T(BOOLEAN), 2, {T(ta), T(tb)}, H, vol, has_op * OP_GE, p##_ge##s, NULL},
#define OP2(name, ta, tb, tr, flags, vol) {#name, T(tr), 2, {T(ta), T(tb)}, flags, vol, 0, name, NULL}
#define CONVERT(sql, from, to, flags, vol, fn)                                                     \
    {sql, T(to), 1, {T(from)}, flags, vol, 0, fn, "date and time|conversion from another type"}
#define EXTRACT_ROW(ta, vol, fn)                                                                   \
    {"extract", T(NUMERIC), 2, {T(TEXT), T(ta)}, SF | QN_FN_ONE_FORM, vol, 0, fn, "date and time|field of a value, exact"}
#define PART_ROW(ta, vol, fn)                                                                      \
    {"date_part", T(DOUBLE), 2, {T(TEXT), T(ta)}, SF | QN_FN_ONE_FORM, vol, 0, fn, "date and time|field of a value"}
#define TRUNC_DOC "date and time|value cut to a unit"
#define ZONE_DOC "date and time|AT TIME ZONE: wall clock to instant and back"
#define BIN_DOC "date and time|start of the stride that a timestamp falls in"
#define AGE_DOC "date and time|symbolic difference in years, months and days"
#define MAKE_DOC "date and time|value from its fields"
#define OVERLAPS_ROWS(type, vol)                                                                   \
    {"overlaps", T(BOOLEAN), 4, {T(type), T(type), T(type), T(type)}, QN_FN_CANFAIL, vol, 0,       \
     overlaps_##type##_ee, "date and time|whether two periods share an instant"},                  \
    {"overlaps", T(BOOLEAN), 4, {T(type), T(INTERVAL), T(type), T(type)}, QN_FN_CANFAIL, vol, 0,   \
     overlaps_##type##_li, "date and time|whether two periods share an instant"},                  \
    {"overlaps", T(BOOLEAN), 4, {T(type), T(type), T(type), T(INTERVAL)}, QN_FN_CANFAIL, vol, 0,   \
     overlaps_##type##_il, "date and time|whether two periods share an instant"},                  \
    {"overlaps", T(BOOLEAN), 4, {T(type), T(INTERVAL), T(type), T(INTERVAL)}, QN_FN_CANFAIL, vol, 0, \
     overlaps_##type##_ll, "date and time|whether two periods share an instant"}
#define INT6 T(INTEGER), T(INTEGER), T(INTEGER), T(INTEGER), T(INTEGER), T(INTEGER)
#define MAKE_INTERVAL_ROW(n)                                                                       \
    {"make_interval", T(INTERVAL), n, {INT6, T(DOUBLE)}, SF, IMM, 0, make_interval##n, MAKE_DOC}

static const qn_function functions[] = {
    COMPARISONS(COMPARISON_ROWS)
    OP2(date_pli, DATE, INTEGER, DATE, HF, IMM), OP2(date_mii, DATE, INTEGER, DATE, HF, IMM),
    OP2(integer_pl_date, INTEGER, DATE, DATE, HF, IMM), OP2(date_mi, DATE, DATE, INTEGER, HF, IMM),
    OP2(date_pl_interval, DATE, INTERVAL, TIMESTAMP, HF, IMM),
    OP2(date_mi_interval, DATE, INTERVAL, TIMESTAMP, HF, IMM),
    OP2(interval_pl_date, INTERVAL, DATE, TIMESTAMP, HF, IMM),
    OP2(datetime_pl, DATE, TIME, TIMESTAMP, HF, IMM), OP2(timedate_pl, TIME, DATE, TIMESTAMP, HF, IMM),
    OP2(time_pl_interval, TIME, INTERVAL, TIME, H, IMM), OP2(time_mi_interval, TIME, INTERVAL, TIME, H, IMM),
    OP2(interval_pl_time, INTERVAL, TIME, TIME, H, IMM), OP2(time_mi_time, TIME, TIME, INTERVAL, H, IMM),
    OP2(timestamp_pl_interval, TIMESTAMP, INTERVAL, TIMESTAMP, HF, IMM),
    OP2(timestamp_mi_interval, TIMESTAMP, INTERVAL, TIMESTAMP, HF, IMM),
    OP2(interval_pl_timestamp, INTERVAL, TIMESTAMP, TIMESTAMP, HF, IMM),
    OP2(timestamp_mi, TIMESTAMP, TIMESTAMP, INTERVAL, HF, IMM),
    OP2(timestamptz_pl_interval, TIMESTAMPTZ, INTERVAL, TIMESTAMPTZ, HF, STB),
    OP2(timestamptz_mi_interval, TIMESTAMPTZ, INTERVAL, TIMESTAMPTZ, HF, STB),
    OP2(interval_pl_timestamptz, INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ, HF, STB),
    {"timestamptz_mi", T(INTERVAL), 2, {T(TIMESTAMPTZ), T(TIMESTAMPTZ)}, HF, IMM, 0, timestamp_mi, NULL},
    {"interval_um", T(INTERVAL), 1, {T(INTERVAL)}, HF, IMM, 0, interval_um, NULL},
    OP2(interval_pl, INTERVAL, INTERVAL, INTERVAL, HF, IMM), OP2(interval_mi, INTERVAL, INTERVAL, INTERVAL, HF, IMM),
    OP2(interval_mul, INTERVAL, DOUBLE, INTERVAL, HF, IMM), OP2(mul_d_interval, DOUBLE, INTERVAL, INTERVAL, HF, IMM),
    OP2(interval_div, INTERVAL, DOUBLE, INTERVAL, HF, IMM),

    CONVERT("timestamp", DATE, TIMESTAMP, SF, IMM, date_to_ts),
    CONVERT("timestamptz", DATE, TIMESTAMPTZ, SF, STB, date_to_tz),
    CONVERT("date", TIMESTAMP, DATE, S, IMM, ts_to_date),
    CONVERT("date", TIMESTAMPTZ, DATE, S, STB, tz_to_date),
    CONVERT("time", TIMESTAMP, TIME, S, IMM, ts_to_time),
    CONVERT("time", TIMESTAMPTZ, TIME, S, STB, tz_to_time),
    CONVERT("time", INTERVAL, TIME, S, IMM, interval_to_time),
    CONVERT("interval", TIME, INTERVAL, S, IMM, time_to_interval),
    CONVERT("timestamptz", TIMESTAMP, TIMESTAMPTZ, SF, STB, ts_to_tz),
    CONVERT("timestamp", TIMESTAMPTZ, TIMESTAMP, SF, STB, tz_to_ts),
    {"timestamp", T(TIMESTAMP), 2, {T(DATE), T(TIME)}, SF, IMM, 0, datetime_pl, MAKE_DOC},
    {"timestamptz", T(TIMESTAMPTZ), 2, {T(DATE), T(TIME)}, SF, STB, 0, timestamptz_from_date_time, MAKE_DOC},

    EXTRACT_ROW(DATE, IMM, extract_date), EXTRACT_ROW(TIME, IMM, extract_time),
    EXTRACT_ROW(TIMESTAMP, IMM, extract_timestamp), EXTRACT_ROW(TIMESTAMPTZ, STB, extract_timestamptz),
    EXTRACT_ROW(INTERVAL, IMM, extract_interval),
    PART_ROW(DATE, IMM, part_date), PART_ROW(TIME, IMM, part_time), PART_ROW(TIMESTAMP, IMM, part_timestamp),
    PART_ROW(TIMESTAMPTZ, STB, part_timestamptz), PART_ROW(INTERVAL, IMM, part_interval),
    {"date_trunc", T(TIMESTAMP), 2, {T(TEXT), T(TIMESTAMP)}, SF, IMM, 0, trunc_timestamp, TRUNC_DOC},
    {"date_trunc", T(TIMESTAMPTZ), 2, {T(TEXT), T(TIMESTAMPTZ)}, SF, STB, 0, trunc_timestamptz, TRUNC_DOC},
    {"date_trunc", T(TIMESTAMPTZ), 3, {T(TEXT), T(TIMESTAMPTZ), T(TEXT)}, SF, STB, 0, trunc_timestamptz_zone,
     TRUNC_DOC},
    {"date_trunc", T(INTERVAL), 2, {T(TEXT), T(INTERVAL)}, SF, IMM, 0, trunc_interval, TRUNC_DOC},
    {"date_bin", T(TIMESTAMP), 3, {T(INTERVAL), T(TIMESTAMP), T(TIMESTAMP)}, SF, IMM, 0, date_bin, BIN_DOC},
    {"date_bin", T(TIMESTAMPTZ), 3, {T(INTERVAL), T(TIMESTAMPTZ), T(TIMESTAMPTZ)}, SF, IMM, 0, date_bin, BIN_DOC},
    {"age", T(INTERVAL), 2, {T(TIMESTAMP), T(TIMESTAMP)}, SF, IMM, 0, age2, AGE_DOC},
    {"age", T(INTERVAL), 2, {T(TIMESTAMPTZ), T(TIMESTAMPTZ)}, SF, STB, 0, age2_tz, AGE_DOC},
    {"age", T(INTERVAL), 1, {T(TIMESTAMP)}, SF, STB, 0, age1, AGE_DOC},
    {"age", T(INTERVAL), 1, {T(TIMESTAMPTZ)}, SF, STB, 0, age1_tz, AGE_DOC},
    {"isfinite", T(BOOLEAN), 1, {T(DATE)}, S, IMM, 0, finite_date, "date and time|not infinite"},
    {"isfinite", T(BOOLEAN), 1, {T(TIMESTAMP)}, S, IMM, 0, finite_timestamp, "date and time|not infinite"},
    {"isfinite", T(BOOLEAN), 1, {T(TIMESTAMPTZ)}, S, IMM, 0, finite_timestamp, "date and time|not infinite"},
    {"isfinite", T(BOOLEAN), 1, {T(INTERVAL)}, S, IMM, 0, finite_interval, "date and time|not infinite"},
    {"justify_hours", T(INTERVAL), 1, {T(INTERVAL)}, SF, IMM, 0, justify_hours, "date and time|24 hours become a day"},
    {"justify_days", T(INTERVAL), 1, {T(INTERVAL)}, SF, IMM, 0, justify_days, "date and time|30 days become a month"},
    {"justify_interval", T(INTERVAL), 1, {T(INTERVAL)}, SF, IMM, 0, justify_interval,
     "date and time|hours and days carried, signs aligned"},
    {"timezone", T(TIMESTAMPTZ), 2, {T(TEXT), T(TIMESTAMP)}, SF, IMM, 0, zone_timestamp, ZONE_DOC},
    {"timezone", T(TIMESTAMP), 2, {T(TEXT), T(TIMESTAMPTZ)}, SF, IMM, 0, zone_timestamptz, ZONE_DOC},
    {"timezone", T(TIMESTAMPTZ), 2, {T(INTERVAL), T(TIMESTAMP)}, SF, IMM, 0, izone_timestamp, ZONE_DOC},
    {"timezone", T(TIMESTAMP), 2, {T(INTERVAL), T(TIMESTAMPTZ)}, SF, IMM, 0, izone_timestamptz, ZONE_DOC},
    {"now", T(TIMESTAMPTZ), 0, {0}, S, STB, 0, now, "date and time|start of the transaction"},
    {"transaction_timestamp", T(TIMESTAMPTZ), 0, {0}, S, STB, 0, now, "date and time|start of the transaction"},
    {"statement_timestamp", T(TIMESTAMPTZ), 0, {0}, S, STB, 0, now, "date and time|start of the statement"},
    {"clock_timestamp", T(TIMESTAMPTZ), 0, {0}, S, QN_VOLATILE, 0, clock_now, "date and time|this very moment"},
    {"current_date", T(DATE), 0, {0}, S, STB, 0, current_date, "date and time|today"},
    {"localtimestamp", T(TIMESTAMP), 0, {0}, S, STB, 0, local_now, "date and time|now, without time zone"},
    {"localtime", T(TIME), 0, {0}, S, STB, 0, local_now_time, "date and time|time of day, without time zone"},
    {"make_date", T(DATE), 3, {T(INTEGER), T(INTEGER), T(INTEGER)}, SF, IMM, 0, make_date, MAKE_DOC},
    {"make_time", T(TIME), 3, {T(INTEGER), T(INTEGER), T(DOUBLE)}, SF, IMM, 0, make_time, MAKE_DOC},
    {"make_timestamp", T(TIMESTAMP), 6,
     {T(INTEGER), T(INTEGER), T(INTEGER), T(INTEGER), T(INTEGER), T(DOUBLE)}, SF, IMM, 0, make_timestamp, MAKE_DOC},
    {"make_timestamptz", T(TIMESTAMPTZ), 6,
     {T(INTEGER), T(INTEGER), T(INTEGER), T(INTEGER), T(INTEGER), T(DOUBLE)}, SF, STB, 0, make_timestamptz, MAKE_DOC},
    {"make_timestamptz", T(TIMESTAMPTZ), 7,
     {T(INTEGER), T(INTEGER), T(INTEGER), T(INTEGER), T(INTEGER), T(DOUBLE), T(TEXT)}, SF, STB, 0,
     make_timestamptz_zone, MAKE_DOC},
    {"make_interval", T(INTERVAL), 0, {0}, S, IMM, 0, make_interval0, MAKE_DOC},
    MAKE_INTERVAL_ROW(1), MAKE_INTERVAL_ROW(2), MAKE_INTERVAL_ROW(3), MAKE_INTERVAL_ROW(4), MAKE_INTERVAL_ROW(5),
    MAKE_INTERVAL_ROW(6), MAKE_INTERVAL_ROW(7),
    {"to_timestamp", T(TIMESTAMPTZ), 1, {T(DOUBLE)}, SF, IMM, 0, timestamp_of_unix,
     "date and time|from seconds since 1970"},
    OVERLAPS_ROWS(TIME, IMM), OVERLAPS_ROWS(TIMESTAMP, IMM), OVERLAPS_ROWS(TIMESTAMPTZ, STB),
};

#define COMPARISON_OPERATORS(p, s, ta, tb, vol, order, has_op)                                     \
    {"=", T(ta), T(tb), NAME(p##_eq, s)}, {"<>", T(ta), T(tb), NAME(p##_ne, s)},                   \
    {"<", T(ta), T(tb), NAME(p##_lt, s)}, {"<=", T(ta), T(tb), NAME(p##_le, s)},                   \
    {">", T(ta), T(tb), NAME(p##_gt, s)}, {">=", T(ta), T(tb), NAME(p##_ge, s)},

static const qn_operator operators[] = {
    COMPARISONS(COMPARISON_OPERATORS)
    {"+", T(DATE), T(INTEGER), "date_pli"}, {"-", T(DATE), T(INTEGER), "date_mii"},
    {"+", T(INTEGER), T(DATE), "integer_pl_date"}, {"-", T(DATE), T(DATE), "date_mi"},
    {"+", T(DATE), T(INTERVAL), "date_pl_interval"}, {"-", T(DATE), T(INTERVAL), "date_mi_interval"},
    {"+", T(INTERVAL), T(DATE), "interval_pl_date"}, {"+", T(DATE), T(TIME), "datetime_pl"},
    {"+", T(TIME), T(DATE), "timedate_pl"}, {"+", T(TIME), T(INTERVAL), "time_pl_interval"},
    {"-", T(TIME), T(INTERVAL), "time_mi_interval"}, {"+", T(INTERVAL), T(TIME), "interval_pl_time"},
    {"-", T(TIME), T(TIME), "time_mi_time"}, {"+", T(TIMESTAMP), T(INTERVAL), "timestamp_pl_interval"},
    {"-", T(TIMESTAMP), T(INTERVAL), "timestamp_mi_interval"},
    {"+", T(INTERVAL), T(TIMESTAMP), "interval_pl_timestamp"}, {"-", T(TIMESTAMP), T(TIMESTAMP), "timestamp_mi"},
    {"+", T(TIMESTAMPTZ), T(INTERVAL), "timestamptz_pl_interval"},
    {"-", T(TIMESTAMPTZ), T(INTERVAL), "timestamptz_mi_interval"},
    {"+", T(INTERVAL), T(TIMESTAMPTZ), "interval_pl_timestamptz"},
    {"-", T(TIMESTAMPTZ), T(TIMESTAMPTZ), "timestamptz_mi"}, {"-", T(UNKNOWN), T(INTERVAL), "interval_um"},
    {"+", T(INTERVAL), T(INTERVAL), "interval_pl"}, {"-", T(INTERVAL), T(INTERVAL), "interval_mi"},
    {"*", T(INTERVAL), T(DOUBLE), "interval_mul"}, {"*", T(DOUBLE), T(INTERVAL), "mul_d_interval"},
    {"/", T(INTERVAL), T(DOUBLE), "interval_div"},
};

#define I QN_CAST_IMPLICIT
#define A QN_CAST_ASSIGNMENT
static const qn_cast casts[] = {
    {T(DATE), T(TIMESTAMP), I, "timestamp"},   {T(DATE), T(TIMESTAMPTZ), I, "timestamptz"},
    {T(TIME), T(INTERVAL), I, "interval"},     {T(TIMESTAMP), T(DATE), A, "date"},
    {T(TIMESTAMP), T(TIME), A, "time"},        {T(TIMESTAMP), T(TIMESTAMPTZ), I, "timestamptz"},
    {T(TIMESTAMPTZ), T(DATE), A, "date"},      {T(TIMESTAMPTZ), T(TIME), A, "time"},
    {T(TIMESTAMPTZ), T(TIMESTAMP), A, "timestamp"}, {T(INTERVAL), T(TIME), A, "time"},
};

static const qn_lanes_form lanes_forms[] = {
    {extract_date, extract_date_lanes},           {extract_time, extract_time_lanes},
    {extract_timestamp, extract_timestamp_lanes}, {extract_timestamptz, extract_timestamptz_lanes},
    {extract_interval, extract_interval_lanes},   {part_time, part_time_lanes},
    {part_timestamp, part_timestamp_lanes},       {part_timestamptz, part_timestamptz_lanes},
    {part_interval, part_interval_lanes},         {trunc_timestamp, trunc_timestamp_lanes},
    {trunc_timestamptz, trunc_timestamptz_lanes},
};

const qn_function_list qn_fn_datetime = {.functions = functions, .count = QN_COUNTOF(functions),
                                         .lanes = lanes_forms, .lanes_count = QN_COUNTOF(lanes_forms)};
const qn_operator_list qn_op_datetime = {operators, QN_COUNTOF(operators)};
const qn_cast_list     qn_cast_datetime = {casts, QN_COUNTOF(casts)};
