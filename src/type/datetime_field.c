/* Fields of dates and times: date_trunc, extract, date_part.
 *
 * Extraction finds a field once, as an exact scaled integer; extract() gives it as numeric with the
 * unit's scale (seconds 6, milliseconds 3, else 0), date_part() as a double computed the way PostgreSQL
 * computes it, which is not always the nearest double to the numeric. */
#include "type/datetime_int.h"

#include <math.h>
#include "base/assert.h"
#include "type/numeric.h"

static qn_status unit_error(qn_sql_type type, const qn_str *unit, bool known, qn_error *err)
{
    char   lower[64];
    size_t n = unit->bytes < sizeof lower - 1 ? unit->bytes : sizeof lower - 1;
    for (size_t i = 0; i < n; i++)
        lower[i] = dt_lower(qn_str_data(unit)[i]);
    lower[n] = '\0';
    const char *name = type == QN_TYPE_DATE          ? "date"
                       : type == QN_TYPE_TIME        ? "time without time zone"
                       : type == QN_TYPE_TIMESTAMP   ? "timestamp without time zone"
                       : type == QN_TYPE_TIMESTAMPTZ ? "timestamp with time zone"
                                                     : "interval";
    if (known)
        return qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "unit \"%s\" not supported for type %s", lower, name);
    return qn_fail(err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, "unit \"%s\" not recognized for type %s", lower, name);
}

/* ---- date_trunc ------------------------------------------------------------------------------- */

/* Years of centuries and millennia begin at …01; there is no year zero between 1 BC and 1. */
static int64_t era_start(int64_t year, int64_t length)
{
    if (year > 0)
        return (year + length - 1) / length * length - (length - 1);
    return -((length - 1 - (year - 1)) / length) * length + 1;
}

/* Only words of intervals are units here: not "julian" or "isoyear". */
static const qn_dt_word *unit_word(const qn_str *unit)
{
    const qn_dt_word *word = qn_dt_unit(qn_str_data(unit), unit->bytes);
    return word && qn_dt_unit_word(word->text) == word ? word : NULL;
}

/* Truncate wall clock fields; *of_day: the unit is a day or longer. */
static qn_status trunc_civil(qn_sql_type type, const qn_str *unit, qn_civil *c, bool *of_day, qn_error *err)
{
    const qn_dt_word *word = unit_word(unit);
    *of_day = false;
    if (!word || word->kind != QN_DT_UNITS)
        return unit_error(type, unit, false, err);
    switch (word->value) {
    case QN_DT_MICROSECOND:
        return QN_OK;
    case QN_DT_MILLISECOND:
        c->micros -= c->micros % 1000;
        return QN_OK;
    case QN_DT_SECOND:
        c->micros = 0;
        return QN_OK;
    case QN_DT_MINUTE:
        c->second = c->micros = 0;
        return QN_OK;
    case QN_DT_HOUR:
        c->minute = c->second = c->micros = 0;
        return QN_OK;
    case QN_DT_DAY:
        break;
    case QN_DT_WEEK: {
        int64_t days = qn_days_from_civil(c->year, c->month, c->day);
        qn_civil_from_days(days - (qn_day_of_week(days) + 6) % 7, &c->year, &c->month, &c->day);
        break;
    }
    case QN_DT_MONTH:
        c->day = 1;
        break;
    case QN_DT_QUARTER:
        c->day = 1;
        c->month -= (c->month - 1) % 3;
        break;
    case QN_DT_YEAR:
    case QN_DT_DECADE:
    case QN_DT_CENTURY:
    case QN_DT_MILLENNIUM:
        c->day = c->month = 1;
        if (word->value == QN_DT_DECADE)
            c->year = c->year > 0 ? c->year / 10 * 10 : -((8 - (c->year - 1)) / 10) * 10;
        else if (word->value != QN_DT_YEAR)
            c->year = era_start(c->year, word->value == QN_DT_CENTURY ? 100 : 1000);
        break;
    default:
        return unit_error(type, unit, true, err);
    }
    c->hour = c->minute = c->second = c->micros = 0;
    *of_day = true;
    return QN_OK;
}

qn_status qn_timestamp_trunc(const qn_str *unit, int64_t t, int64_t *out, qn_error *err)
{
    qn_civil c;
    bool     of_day;
    *out = t;
    if (!qn_timestamp_finite(t))
        return QN_OK;
    qn_civil_from_timestamp(t, &c);
    qn_status st = trunc_civil(QN_TYPE_TIMESTAMP, unit, &c, &of_day, err);
    if (st == QN_OK && !qn_timestamp_from_civil(&c, out))
        return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "timestamp out of range");
    return st;
}

qn_status qn_timestamptz_trunc(const qn_str *unit, int64_t t, const qn_timezone *zone, int64_t *out,
                               qn_error *err)
{
    qn_civil       c;
    qn_zone_moment moment;
    int64_t        local;
    bool           of_day;
    *out = t;
    if (!qn_timestamp_finite(t))
        return QN_OK;
    qn_timestamp_to_local(t, zone, &local, &moment);
    qn_civil_from_timestamp(local, &c);
    qn_status st = trunc_civil(QN_TYPE_TIMESTAMPTZ, unit, &c, &of_day, err);
    if (st != QN_OK)
        return st;
    /* Within a day the offset stays, or an hour repeated in autumn would jump.  The wall clock reading may
     * lie outside the range that the instant is in. */
    int64_t seconds = qn_days_from_civil(c.year, c.month, c.day) * 86400 + c.hour * 3600 + c.minute * 60 + c.second;
    if (of_day)
        moment = qn_timezone_at_local(zone, seconds + QN_EPOCH_UNIX);
    qn_i128 r = (qn_i128)(seconds - moment.offset) * QN_USECS_PER_SEC + c.micros;
    if (r < QN_TIMESTAMP_MIN || r >= QN_TIMESTAMP_END)
        return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "timestamp out of range");
    *out = (int64_t)r;
    return QN_OK;
}

qn_status qn_interval_trunc(const qn_str *unit, const qn_interval *v, qn_interval *out, qn_error *err)
{
    const qn_dt_word *word = unit_word(unit);
    qn_interval       r = *v;
    if (!word || word->kind != QN_DT_UNITS)
        return unit_error(QN_TYPE_INTERVAL, unit, false, err);
    int     months = 0; /* the unit in months, or else in micros */
    int64_t micros = 0;
    switch (word->value) {
    case QN_DT_MILLENNIUM: months = 12000; break;
    case QN_DT_CENTURY: months = 1200; break;
    case QN_DT_DECADE: months = 120; break;
    case QN_DT_YEAR: months = 12; break;
    case QN_DT_QUARTER: months = 3; break;
    case QN_DT_MONTH: months = 1; break;
    case QN_DT_DAY: r.micros = 0; break;
    case QN_DT_HOUR: micros = QN_USECS_PER_HOUR; break;
    case QN_DT_MINUTE: micros = QN_USECS_PER_MIN; break;
    case QN_DT_SECOND: micros = QN_USECS_PER_SEC; break;
    case QN_DT_MILLISECOND: micros = 1000; break;
    case QN_DT_MICROSECOND: micros = 1; break;
    default: {
        qn_status st = unit_error(QN_TYPE_INTERVAL, unit, true, err);
        if (word->value == QN_DT_WEEK)
            qn_error_detail(err, "Months usually have fractional weeks.");
        return st;
    }
    }
    if (months) {
        r.months -= r.months % months;
        r.days = 0;
        r.micros = 0;
    } else if (micros) {
        r.micros -= r.micros % micros;
    }
    *out = r;
    return QN_OK;
}

/* ---- extract ----------------------------------------------------------------------------------- */

typedef struct part {
    enum { PART_EXACT, PART_JULIAN, PART_INFINITE, PART_NULL } kind;
    qn_i128 value; /* EXACT: scaled by 10^scale; JULIAN: the day; INFINITE: the sign */
    int     scale;
    int64_t micros; /* JULIAN: of the day */
    double  approximate; /* what date_part says */
} part;

static part exact(qn_i128 v, int scale, double approximate)
{
    return (part){.kind = PART_EXACT, .value = v, .scale = scale, .approximate = approximate};
}
static part whole(int64_t v) { return exact(v, 0, (double)v); }

/* Units of the second: false when the unit is none of them. */
static bool seconds_part(int unit, int64_t second, int micros, part *out)
{
    int64_t v = second * QN_USECS_PER_SEC + micros;
    switch (unit) {
    case QN_DT_MICROSECOND:
        *out = whole(v);
        return true;
    case QN_DT_MILLISECOND:
        *out = exact(v, 3, (double)second * 1000.0 + micros / 1000.0);
        return true;
    case QN_DT_SECOND:
        *out = exact(v, 6, (double)second + micros / 1000000.0);
        return true;
    default:
        return false;
    }
}

/* Units of the date: false when the unit is none of them. */
static bool date_part(int unit, int64_t days, part *out)
{
    int64_t year, iso_year;
    int     month, day;
    switch (unit) {
    case QN_DT_WEEK: *out = whole(qn_iso_week(days, &iso_year)); return true;
    case QN_DT_ISOYEAR:
        (void)qn_iso_week(days, &iso_year);
        *out = whole(iso_year > 0 ? iso_year : iso_year - 1);
        return true;
    case QN_DT_DOW: *out = whole(qn_day_of_week(days)); return true;
    case QN_DT_ISODOW: *out = whole(qn_day_of_week(days) ? qn_day_of_week(days) : 7); return true;
    case QN_DT_DOY: *out = whole(qn_day_of_year(days)); return true;
    default: break;
    }
    qn_civil_from_days(days, &year, &month, &day);
    switch (unit) {
    case QN_DT_DAY: *out = whole(day); return true;
    case QN_DT_MONTH: *out = whole(month); return true;
    case QN_DT_QUARTER: *out = whole((month - 1) / 3 + 1); return true;
    case QN_DT_YEAR: *out = whole(year > 0 ? year : year - 1); return true;
    case QN_DT_DECADE: *out = whole(year >= 0 ? year / 10 : -((8 - (year - 1)) / 10)); return true;
    case QN_DT_CENTURY: *out = whole(year > 0 ? (year + 99) / 100 : -((99 - (year - 1)) / 100)); return true;
    case QN_DT_MILLENNIUM: *out = whole(year > 0 ? (year + 999) / 1000 : -((999 - (year - 1)) / 1000)); return true;
    default: return false;
    }
}

/* A field of infinity: one that grows without limit is infinite, one that goes round is NULL. */
static bool infinite_part(int unit, int sign, bool date_only, part *out)
{
    switch (unit) {
    case QN_DT_MICROSECOND: case QN_DT_MILLISECOND: case QN_DT_SECOND: case QN_DT_MINUTE: case QN_DT_HOUR:
    case QN_DT_TZ: case QN_DT_TZ_MINUTE: case QN_DT_TZ_HOUR:
        if (date_only)
            return false;
        out->kind = PART_NULL;
        return true;
    case QN_DT_DAY: case QN_DT_MONTH: case QN_DT_QUARTER: case QN_DT_WEEK: case QN_DT_DOW: case QN_DT_ISODOW:
    case QN_DT_DOY:
        out->kind = PART_NULL;
        return true;
    case QN_DT_YEAR: case QN_DT_DECADE: case QN_DT_CENTURY: case QN_DT_MILLENNIUM: case QN_DT_JULIAN:
    case QN_DT_ISOYEAR: case QN_DT_EPOCH:
        *out = (part){.kind = PART_INFINITE, .value = sign, .approximate = sign * INFINITY};
        return true;
    default:
        return false;
    }
}

static bool timestamp_part(int unit, bool with_zone, int64_t t, const qn_timezone *zone, part *out)
{
    qn_zone_moment moment = {0};
    int64_t        local = t;
    qn_civil       c;
    if (!qn_timestamp_finite(t))
        return infinite_part(unit, t > 0 ? 1 : -1, false, out);
    if (unit == QN_DT_EPOCH) {
        qn_i128 v = (qn_i128)t + QN_EPOCH_UNIX * QN_USECS_PER_SEC;
        *out = exact(v, 6, (double)v / 1000000.0);
        return true;
    }
    if (with_zone)
        qn_timestamp_to_local(t, zone, &local, &moment);
    qn_civil_from_timestamp(local, &c);
    if (seconds_part(unit, c.second, c.micros, out))
        return true;
    int64_t days = qn_days_from_civil(c.year, c.month, c.day);
    switch (unit) {
    case QN_DT_MINUTE: *out = whole(c.minute); return true;
    case QN_DT_HOUR: *out = whole(c.hour); return true;
    case QN_DT_JULIAN: {
        int64_t second = (c.hour * 60 + c.minute) * 60 + c.second, day = days + QN_EPOCH_JULIAN;
        *out = (part){.kind = PART_JULIAN, .value = day, .micros = second * QN_USECS_PER_SEC + c.micros,
                      .approximate = (double)day + ((double)second + c.micros / 1000000.0) / 86400};
        return true;
    }
    case QN_DT_TZ: *out = whole(moment.offset); return with_zone;
    case QN_DT_TZ_MINUTE: *out = whole(moment.offset / 60 % 60); return with_zone;
    case QN_DT_TZ_HOUR: *out = whole(moment.offset / 3600); return with_zone;
    default: return date_part(unit, days, out);
    }
}

static bool interval_part(int unit, const qn_interval *v, part *out)
{
    int64_t second = v->micros / QN_USECS_PER_SEC % 60;
    int     micros = (int)(v->micros % QN_USECS_PER_SEC), years = v->months / 12, months = v->months % 12;
    if (unit == QN_DT_EPOCH) { /* years of 365.25 days */
        qn_i128 quarters = (qn_i128)1461 * years + 120 * (qn_i128)months + 4 * (qn_i128)v->days;
        *out = exact(quarters * 21600 * QN_USECS_PER_SEC + v->micros, 6,
                     (double)v->micros / 1000000.0 + 365.25 * 86400 * years + 30.0 * 86400 * months +
                         86400.0 * v->days);
        return true;
    }
    if (seconds_part(unit, second, micros, out))
        return true;
    switch (unit) {
    case QN_DT_MINUTE: *out = whole(v->micros / QN_USECS_PER_MIN % 60); return true;
    case QN_DT_HOUR: *out = whole(v->micros / QN_USECS_PER_HOUR); return true;
    case QN_DT_DAY: *out = whole(v->days); return true;
    case QN_DT_MONTH: *out = whole(months); return true;
    case QN_DT_QUARTER: *out = whole(months / 3 + 1); return true;
    case QN_DT_YEAR: *out = whole(years); return true;
    case QN_DT_DECADE: *out = whole(years / 10); return true;
    case QN_DT_CENTURY: *out = whole(years / 100); return true;
    case QN_DT_MILLENNIUM: *out = whole(years / 1000); return true;
    default: return false;
    }
}

static bool time_part(int unit, int64_t t, part *out)
{
    switch (unit) {
    case QN_DT_MINUTE: *out = whole(t / QN_USECS_PER_MIN % 60); return true;
    case QN_DT_HOUR: *out = whole(t / QN_USECS_PER_HOUR); return true;
    case QN_DT_EPOCH: *out = exact(t, 6, (double)t / 1000000.0); return true;
    default: return seconds_part(unit, t / QN_USECS_PER_SEC % 60, (int)(t % QN_USECS_PER_SEC), out);
    }
}

/* The unit a word names, whether or not values of the type have such a field. */
static qn_status find_unit(qn_sql_type type, const qn_str *unit, int *out, qn_error *err)
{
    const qn_dt_word *word = qn_dt_unit(qn_str_data(unit), unit->bytes);
    bool              timed = type == QN_TYPE_TIME || type == QN_TYPE_INTERVAL;
    if (word && timed && word->kind == QN_DT_RESERVED && word->value != QN_DT_EPOCH)
        word = NULL;
    if (!word || (word->kind != QN_DT_UNITS && word->kind != QN_DT_RESERVED))
        return unit_error(type, unit, false, err);
    *out = word->value;
    return QN_OK;
}

/* False when values of the type have no such field. */
static bool part_of(qn_sql_type type, int unit, const qn_datum *value, const qn_timezone *zone, part *out)
{
    switch (type) {
    case QN_TYPE_DATE:
        if (!qn_date_finite(value->i32))
            return infinite_part(unit, value->i32 > 0 ? 1 : -1, true, out);
        if (unit == QN_DT_EPOCH)
            *out = whole(value->i32 * INT64_C(86400) + QN_EPOCH_UNIX);
        else if (unit == QN_DT_JULIAN)
            *out = whole(value->i32 + (int64_t)QN_EPOCH_JULIAN);
        else
            return date_part(unit, value->i32, out);
        return true;
    case QN_TYPE_TIME:
        return time_part(unit, value->i64, out);
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
        return timestamp_part(unit, type == QN_TYPE_TIMESTAMPTZ, value->i64, zone, out);
    default:
        return interval_part(unit, &value->interval, out);
    }
}

static qn_status find_part(qn_sql_type type, const qn_str *unit, const qn_datum *value,
                           const qn_timezone *zone, part *out, qn_error *err)
{
    int       u;
    qn_status st = find_unit(type, unit, &u, err);
    if (st != QN_OK)
        return st;
    return part_of(type, u, value, zone, out) ? QN_OK : unit_error(type, unit, true, err);
}

static qn_status part_numeric(const part *p, qn_arena *arena, qn_numeric *out, bool *null, qn_error *err)
{
    qn_status  st = QN_OK;
    qn_numeric day, micros, per_day, fraction;
    *null = false;
    switch (p->kind) {
    case PART_NULL:
        *null = true;
        break;
    case PART_INFINITE:
        QN_TRY(qn_numeric_parse(p->value > 0 ? "Infinity" : "-Infinity", p->value > 0 ? 8 : 9, -1, arena, out, err));
        break;
    case PART_EXACT:
        QN_TRY(qn_numeric_from_i128(p->value, p->scale, arena, out, err));
        break;
    case PART_JULIAN:
        QN_TRY(qn_numeric_from_i64((int64_t)p->value, &day));
        QN_TRY(qn_numeric_from_i64(p->micros, &micros));
        QN_TRY(qn_numeric_from_i64(QN_USECS_PER_DAY, &per_day));
        QN_TRY(qn_numeric_div(micros, per_day, arena, &fraction, err));
        QN_TRY(qn_numeric_add(day, fraction, arena, out, err));
        break;
    }
done:
    return st;
}

qn_status qn_datetime_extract(qn_sql_type type, const qn_str *unit, const qn_datum *value,
                              const qn_timezone *zone, qn_arena *arena, qn_numeric *out, bool *null,
                              qn_error *err)
{
    part      p;
    qn_status st = find_part(type, unit, value, zone, &p, err);
    *null = false;
    return st == QN_OK ? part_numeric(&p, arena, out, null, err) : st;
}

qn_status qn_datetime_part(qn_sql_type type, const qn_str *unit, const qn_datum *value,
                           const qn_timezone *zone, double *out, bool *null, qn_error *err)
{
    part      p;
    qn_status st = find_part(type, unit, value, zone, &p, err);
    *null = false;
    if (st != QN_OK)
        return st;
    if (p.kind == PART_NULL)
        *null = true;
    else
        *out = p.approximate;
    return QN_OK;
}

/* ---- many lanes --------------------------------------------------------------------------------
 *
 * Timestamps of a fixed offset from UTC, which is nearly all of them: fields of the time of day are remainders by a
 * constant, fields of the date are kept while the day stays the same (a block's distinct values come in order).
 * Whatever is infinite, or near enough to the ends of the range that its wall clock might leave it, goes the way
 * of single values. */

#define LANE_BASE (QN_TIMESTAMP_MIN)
#define LANE_FIRST (QN_TIMESTAMP_MIN + 2 * QN_USECS_PER_DAY)
#define LANE_END (QN_TIMESTAMP_END - 2 * QN_USECS_PER_DAY)

typedef struct field_lanes {
    qn_sql_type        type;
    int                unit;
    const qn_str      *unit_text;
    const void        *values;
    bool               constant;
    const uint16_t    *lanes;
    uint32_t           count;
    const qn_timezone *zone;
    int64_t            offset; /* micros to add for the wall clock, when the zone is fixed */
    qn_arena          *arena;
    qn_numeric        *num;
    double            *f64;
    int                scale;
    uint64_t          *nulls;
    qn_error          *err;
} field_lanes;

static qn_status one_field(const field_lanes *f, uint32_t lane)
{
    part     p;
    qn_datum value;
    bool     null = false;
    qn_bank_get(qn_type_bank(f->type), f->values, f->constant ? 0 : lane, &value);
    if (!part_of(f->type, f->unit, &value, f->zone, &p))
        return unit_error(f->type, f->unit_text, true, f->err);
    if (f->num) {
        qn_status st = part_numeric(&p, f->arena, &f->num[lane], &null, f->err);
        if (st != QN_OK)
            return st;
    } else {
        null = p.kind == PART_NULL;
        f->f64[lane] = null ? 0 : p.approximate;
    }
    if (null) {
        f->nulls[lane / 64] |= UINT64_C(1) << lane % 64;
        if (f->num)
            memset(&f->num[lane], 0, sizeof f->num[lane]);
    }
    return QN_OK;
}

static inline void put_field(const field_lanes *f, uint32_t lane, int64_t v)
{
    if (f->num)
        f->num[lane] = qn_numeric_of_i64(v, f->scale);
    else
        f->f64[lane] = (double)v;
}

/* `expression` of `u`, micros since LANE_BASE, for every lane. */
#define EACH_LANE(expression)                                                                      \
    for (uint32_t i = 0; i < f->count; i++) {                                                      \
        uint32_t lane = f->lanes ? f->lanes[i] : i;                                                \
        int64_t  t = values[lane];                                                                 \
        if (t < LANE_FIRST || t >= LANE_END) {                                                     \
            qn_status st = one_field(f, lane);                                                     \
            if (st != QN_OK)                                                                       \
                return st;                                                                         \
            continue;                                                                              \
        }                                                                                          \
        uint64_t u = (uint64_t)(t + f->offset) - (uint64_t)LANE_BASE;                              \
        put_field(f, lane, (int64_t)(expression));                                                 \
    }

static qn_status date_fields(const field_lanes *f, const int64_t *values)
{
    uint64_t last = UINT64_MAX, day;
    part     p = {.value = 0};
    EACH_LANE((day = u / (uint64_t)QN_USECS_PER_DAY) == last
                  ? p.value
                  : (last = day, (void)date_part(f->unit, (int64_t)day - QN_EPOCH_JULIAN, &p), p.value))
    return QN_OK;
}

/* Fields of finite timestamps that are integers over 10^scale; *done: the unit is one of those. */
static qn_status timestamp_fields(field_lanes *f, const int64_t *values, bool *done)
{
    part probe;
    *done = true;
    f->scale = 0;
    switch (f->unit) {
    case QN_DT_MINUTE:
        EACH_LANE(u % (uint64_t)QN_USECS_PER_HOUR / (uint64_t)QN_USECS_PER_MIN)
        return QN_OK;
    case QN_DT_HOUR:
        EACH_LANE(u % (uint64_t)QN_USECS_PER_DAY / (uint64_t)QN_USECS_PER_HOUR)
        return QN_OK;
    case QN_DT_SECOND:
    case QN_DT_MILLISECOND:
    case QN_DT_MICROSECOND:
        f->scale = f->unit == QN_DT_SECOND ? 6 : f->unit == QN_DT_MILLISECOND ? 3 : 0;
        if (f->f64 && f->scale) /* rounded as PostgreSQL does */
            break;
        EACH_LANE(u % (uint64_t)QN_USECS_PER_MIN)
        return QN_OK;
    default:
        if (date_part(f->unit, 0, &probe))
            return date_fields(f, values);
        break;
    }
    *done = false;
    return QN_OK;
}

qn_status qn_datetime_field_lanes(qn_sql_type type, const qn_str *unit, const void *values, bool constant,
                                  const uint16_t *lanes, uint32_t count, const qn_timezone *zone, qn_arena *arena,
                                  qn_numeric *num, double *f64, uint64_t *nulls, qn_error *err)
{
    field_lanes f = {.type = type, .unit_text = unit, .values = values, .constant = constant, .lanes = lanes,
                     .count = count, .zone = zone, .arena = arena, .num = num, .f64 = f64, .nulls = nulls, .err = err};
    int32_t     offset = 0;
    bool        done = false;
    qn_status   st = find_unit(type, unit, &f.unit, err);
    if (st != QN_OK)
        return st;
    if (!constant && (type == QN_TYPE_TIMESTAMP || (type == QN_TYPE_TIMESTAMPTZ && qn_timezone_fixed(zone, &offset)))) {
        f.offset = offset * QN_USECS_PER_SEC;
        st = timestamp_fields(&f, values, &done);
    }
    for (uint32_t i = 0; i < count && !done && st == QN_OK; i++)
        st = one_field(&f, lanes ? lanes[i] : i);
    return st;
}

/* The length of a unit up to the day, 0 for longer ones and those that cannot be cut to. */
static int64_t trunc_step(int unit)
{
    switch (unit) {
    case QN_DT_MICROSECOND: return 1;
    case QN_DT_MILLISECOND: return 1000;
    case QN_DT_SECOND: return QN_USECS_PER_SEC;
    case QN_DT_MINUTE: return QN_USECS_PER_MIN;
    case QN_DT_HOUR: return QN_USECS_PER_HOUR;
    case QN_DT_DAY: return QN_USECS_PER_DAY;
    default: return 0;
    }
}

qn_status qn_timestamp_trunc_lanes(const qn_str *unit, const int64_t *values, const uint16_t *lanes, uint32_t count,
                                   bool zoned, const qn_timezone *zone, int64_t *out, qn_error *err)
{
    const qn_dt_word *word = unit_word(unit);
    int32_t           seconds = 0;
    bool              known = word && word->kind == QN_DT_UNITS && (!zoned || qn_timezone_fixed(zone, &seconds));
    uint64_t          step = known ? (uint64_t)trunc_step(word->value) : 0, offset = (uint64_t)(seconds * QN_USECS_PER_SEC);
    int64_t           day = INT64_MIN, day_start = 0; /* what the last day was cut to */
    uint64_t          begin = 1, end = 0;             /* micros since LANE_BASE that are cut to `begin` */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t lane = lanes ? lanes[i] : i;
        int64_t  t = values[lane];
        uint64_t u = (uint64_t)t - (uint64_t)LANE_BASE + offset;
        if (known && t >= LANE_FIRST && t < LANE_END) {
            if (step && u - begin < end) { /* values in order stay in one unit for a while */
                out[lane] = (int64_t)(begin - offset + (uint64_t)LANE_BASE);
                continue;
            }
            if (step) {
                begin = u - u % step;
                end = step;
                out[lane] = (int64_t)(begin - offset + (uint64_t)LANE_BASE);
                continue;
            }
            if ((int64_t)(u / (uint64_t)QN_USECS_PER_DAY) == day) {
                out[lane] = day_start;
                continue;
            }
        }
        qn_status st = zoned ? qn_timestamptz_trunc(unit, t, zone, &out[lane], err)
                             : qn_timestamp_trunc(unit, t, &out[lane], err);
        if (st != QN_OK)
            return st;
        if (known && !step && t >= LANE_FIRST && t < LANE_END) {
            day = (int64_t)(u / (uint64_t)QN_USECS_PER_DAY);
            day_start = out[lane];
        }
    }
    return QN_OK;
}
