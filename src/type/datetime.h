/* Dates, times and intervals: text forms, civil calendar, arithmetic.
 *
 * The calendar is the proleptic Gregorian one; years are astronomical inside (1 BC is 0, 2 BC is -1).
 * Dates count days and timestamps microseconds from 2000-01-01; a timestamp without time zone is the
 * wall clock reading taken as if it were UTC.  Leap seconds do not exist.  Everything here behaves as
 * PostgreSQL 15 with DateStyle 'ISO, MDY' and IntervalStyle 'postgres'. */
#ifndef QN_TYPE_DATETIME_H
#define QN_TYPE_DATETIME_H

#include "type/timezone.h"
#include "type/type.h"

#define QN_USECS_PER_SEC  INT64_C(1000000)
#define QN_USECS_PER_MIN  INT64_C(60000000)
#define QN_USECS_PER_HOUR INT64_C(3600000000)
#define QN_USECS_PER_DAY  INT64_C(86400000000)

#define QN_DATE_INFINITY        INT32_MAX
#define QN_DATE_NEG_INFINITY    INT32_MIN
#define QN_DATE_MIN             (-2451545) /* 4714-11-24 BC, Julian day 0 */
#define QN_DATE_MAX             2145031948 /* 5874897-12-31 */
#define QN_TIMESTAMP_INFINITY     INT64_MAX
#define QN_TIMESTAMP_NEG_INFINITY INT64_MIN
#define QN_TIMESTAMP_MIN INT64_C(-211813488000000000)
#define QN_TIMESTAMP_END INT64_C(9223371331200000000) /* the first instant out of range: 294277-01-01 */
#define QN_EPOCH_JULIAN  2451545                      /* Julian day of 2000-01-01 */
#define QN_EPOCH_UNIX    INT64_C(946684800)           /* 2000-01-01 in seconds since 1970 */

static inline bool qn_date_finite(int32_t d) { return d != INT32_MAX && d != INT32_MIN; }
static inline bool qn_timestamp_finite(int64_t t) { return t != INT64_MAX && t != INT64_MIN; }
static inline bool qn_date_in_range(int64_t d) { return d >= QN_DATE_MIN && d <= QN_DATE_MAX; }
static inline bool qn_timestamp_in_range(int64_t t) { return t >= QN_TIMESTAMP_MIN && t < QN_TIMESTAMP_END; }

/* ---- calendar ------------------------------------------------------------------------------ */

typedef struct qn_civil {
    int64_t year; /* astronomical */
    int     month, day, hour, minute, second, micros;
} qn_civil;

int64_t qn_days_from_civil(int64_t year, int month, int day); /* days since 2000-01-01 */
void    qn_civil_from_days(int64_t days, int64_t *year, int *month, int *day);
int     qn_days_in_month(int64_t year, int month);
int     qn_day_of_week(int64_t days);  /* 0 Sunday … 6 */
int     qn_day_of_year(int64_t days);  /* 1 … 366 */
int     qn_iso_week(int64_t days, int64_t *iso_year); /* 1 … 53 */
int64_t qn_days_from_iso_week(int64_t iso_year, int week); /* its Monday */

void qn_civil_from_timestamp(int64_t micros, qn_civil *out); /* finite */
/* False when out of range. */
bool qn_timestamp_from_civil(const qn_civil *c, int64_t *out);

/* Wall clock of an instant in a zone and back.  False when the result is out of range. */
bool    qn_timestamp_to_local(int64_t utc, const qn_timezone *zone, int64_t *local, qn_zone_moment *moment);
bool    qn_timestamp_from_local(int64_t local, const qn_timezone *zone, int64_t *utc);

/* ---- text ---------------------------------------------------------------------------------- */

/* Text to DATE, TIME, TIMESTAMP, TIMESTAMPTZ or INTERVAL, the type modifier applied.  22007, 22008, 22009,
 * 22015, 22023 (unknown time zone).  set may be NULL: UTC, and 'now' is 2000-01-01. */
qn_status qn_datetime_parse(qn_type type, const char *text, size_t bytes, const qn_text_settings *set,
                            qn_datum *out, qn_error *err);
void      qn_datetime_print(qn_type type, const qn_datum *value, const qn_text_settings *set, qn_buf *buf);
/* Round to the type modifier's precision; intervals also drop fields outside its range.  22008. */
qn_status qn_datetime_apply_typmod(qn_type type, qn_datum *value, qn_error *err);

/* The canonical forms YYYY-MM-DD and YYYY-MM-DD HH:MM:SS[.f…] ('T' for the blank is fine too), four-digit
 * years, nothing around them.  False for all other text, valid or not: use qn_datetime_parse then. */
bool qn_date_parse_fast(const char *s, size_t n, int32_t *out);
bool qn_timestamp_parse_fast(const char *s, size_t n, int64_t *out);

/* Words of date and time text.  Keywords of values ("jan", "today", "bc") and of units ("days", "dow"). */
typedef enum qn_dt_kind { /* numbers double as bits of the field masks while parsing */
    QN_DT_RESERVED = 0, QN_DT_MONTH, QN_DT_YEAR, QN_DT_DAY, QN_DT_JULIAN, QN_DT_TZ, QN_DT_DTZ, QN_DT_DYNTZ,
    QN_DT_IGNORE, QN_DT_AMPM, QN_DT_HOUR, QN_DT_MINUTE, QN_DT_SECOND, QN_DT_MILLISECOND,
    QN_DT_MICROSECOND, QN_DT_DOY, QN_DT_DOW, QN_DT_UNITS, QN_DT_ADBC, QN_DT_AGO,
    QN_DT_ISOTIME, QN_DT_WEEK, QN_DT_DECADE, QN_DT_CENTURY, QN_DT_MILLENNIUM, QN_DT_DTZMOD, QN_DT_UNKNOWN = 31,
    /* values only */
    QN_DT_QUARTER = 32, QN_DT_ISODOW, QN_DT_ISOYEAR, QN_DT_TZ_HOUR, QN_DT_TZ_MINUTE, QN_DT_EPOCH,
    QN_DT_NOW, QN_DT_TODAY, QN_DT_TOMORROW, QN_DT_YESTERDAY, QN_DT_ZULU, QN_DT_LATE, QN_DT_EARLY
} qn_dt_kind;
typedef struct qn_dt_word {
    const char *text;
    uint8_t     kind;  /* qn_dt_kind */
    int32_t     value; /* month number, unit, … */
} qn_dt_word;
/* Lower-case NUL-terminated key; only its first ten bytes count, as in PostgreSQL.  NULL when unknown. */
const qn_dt_word *qn_dt_value_word(const char *key);
const qn_dt_word *qn_dt_unit_word(const char *key);
/* A unit for extract, date_trunc …: a unit word, else a value word.  `text` in any case. */
const qn_dt_word *qn_dt_unit(const char *text, size_t bytes);

extern const char *const qn_month_names[12]; /* "January" … */
extern const char *const qn_day_names[7];    /* "Sunday" … */

/* A zone named in SQL: abbreviation, zone name or POSIX rule.  Either *zone (possibly UTC as a zone) or, when
 * *fixed is set, *offset.  `local`: micros is a wall clock reading, else an instant; it decides what an
 * abbreviation of changing meaning stands for.  22023 when unknown. */
qn_status qn_zone_argument(const qn_str *name, int64_t micros, bool local, const qn_timezone **zone,
                           bool *fixed, int32_t *offset, qn_error *err);

/* ---- arithmetic (datetime_arith.c) ------------------------------------------------------------ */

qn_i128 qn_interval_linear(const qn_interval *v); /* micros, months of 30 days */
int     qn_interval_compare(const qn_interval *a, const qn_interval *b);

qn_status qn_interval_add(const qn_interval *a, const qn_interval *b, qn_interval *out, qn_error *err);
qn_status qn_interval_sub(const qn_interval *a, const qn_interval *b, qn_interval *out, qn_error *err);
qn_status qn_interval_neg(const qn_interval *a, qn_interval *out, qn_error *err);
qn_status qn_interval_mul(const qn_interval *a, double factor, qn_interval *out, qn_error *err);
qn_status qn_interval_div(const qn_interval *a, double factor, qn_interval *out, qn_error *err);
qn_status qn_interval_justify_hours(const qn_interval *a, qn_interval *out, qn_error *err);
qn_status qn_interval_justify_days(const qn_interval *a, qn_interval *out, qn_error *err);
qn_status qn_interval_justify(const qn_interval *a, qn_interval *out, qn_error *err);

/* Months (clamped to the month's end), then days, then micros.  22008. */
qn_status qn_timestamp_add(int64_t t, const qn_interval *v, int64_t *out, qn_error *err);
qn_status qn_timestamptz_add(int64_t t, const qn_interval *v, const qn_timezone *zone, int64_t *out,
                             qn_error *err);
qn_status qn_timestamp_diff(int64_t a, int64_t b, qn_interval *out, qn_error *err);
/* Symbolic difference of two wall clock readings in years, months, days and time.  22008. */
qn_status qn_timestamp_age(int64_t a, int64_t b, qn_interval *out, qn_error *err);

/* Conversions that may leave the target's range (22008) or pass infinities through. */
qn_status qn_date_to_timestamp(int32_t d, int64_t *out, qn_error *err);
qn_status qn_date_to_timestamptz(int32_t d, const qn_timezone *zone, int64_t *out, qn_error *err);
qn_status qn_timestamp_to_timestamptz(int64_t t, const qn_timezone *zone, int64_t *out, qn_error *err);
qn_status qn_timestamptz_to_timestamp(int64_t t, const qn_timezone *zone, int64_t *out, qn_error *err);
qn_status qn_timestamp_to_date(int64_t t, int32_t *out, qn_error *err);
/* Three-way comparisons that cannot fail: a date beyond the range of timestamps is greater than all. */
int qn_date_compare_timestamp(int32_t d, int64_t t);
int qn_date_compare_timestamptz(int32_t d, int64_t t, const qn_timezone *zone);
int qn_timestamp_compare_timestamptz(int64_t a, int64_t b, const qn_timezone *zone);

/* date_trunc and extract. */
qn_status qn_timestamp_trunc(const qn_str *unit, int64_t t, int64_t *out, qn_error *err);
qn_status qn_timestamptz_trunc(const qn_str *unit, int64_t t, const qn_timezone *zone, int64_t *out,
                               qn_error *err);
qn_status qn_interval_trunc(const qn_str *unit, const qn_interval *v, qn_interval *out, qn_error *err);

/* A field of a date/time value as numeric with the unit's scale.  *null: the field of an infinite value
 * that has no limit.  0A000 unit not supported, 22023 not recognized. */
qn_status qn_datetime_extract(qn_sql_type type, const qn_str *unit, const qn_datum *value,
                              const qn_timezone *zone, qn_arena *arena, qn_numeric *out, bool *null,
                              qn_error *err);
/* date_part: the same as a double. */
qn_status qn_datetime_part(qn_sql_type type, const qn_str *unit, const qn_datum *value,
                           const qn_timezone *zone, double *out, bool *null, qn_error *err);

/* The same for many values with one unit, which is looked up once: `values` is an array of the type's bank (its
 * first element is every lane's value when `constant`), lanes NULL means 0 … count-1.  Exactly one of num and f64
 * takes the results by lane; nulls gets a bit for each NULL.  The lowest lane's error is raised. */
qn_status qn_datetime_field_lanes(qn_sql_type type, const qn_str *unit, const void *values, bool constant,
                                  const uint16_t *lanes, uint32_t count, const qn_timezone *zone, qn_arena *arena,
                                  qn_numeric *num, double *f64, uint64_t *nulls, qn_error *err);
/* date_trunc of many timestamps, with time zone when `zoned`. */
qn_status qn_timestamp_trunc_lanes(const qn_str *unit, const int64_t *t, const uint16_t *lanes, uint32_t count,
                                   bool zoned, const qn_timezone *zone, int64_t *out, qn_error *err);

#endif
