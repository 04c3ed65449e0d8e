/* The calendar and the words of dates.
 *
 * Days to civil dates and back after Howard Hinnant, "chrono-compatible low-level date algorithms"
 * (2013): years begin in March so that the leap day comes last, and 400-year eras repeat exactly. */
#include "type/datetime_int.h"

#include "base/assert.h"

/* Days from 0000-03-01 to 2000-01-01. */
#define ERA_SHIFT 730425

int64_t qn_days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - ERA_SHIFT;
}

void qn_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += ERA_SHIFT;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

int qn_days_in_month(int64_t year, int month)
{
    static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    QN_ASSERT(month >= 1 && month <= 12);
    return days[month - 1] + (month == 2 && leap);
}

int qn_day_of_week(int64_t days) { return (int)(((days + 6) % 7 + 7) % 7); } /* 2000-01-01: a Saturday */

int qn_day_of_year(int64_t days)
{
    int64_t year;
    int     month, day;
    qn_civil_from_days(days, &year, &month, &day);
    return (int)(days - qn_days_from_civil(year, 1, 1)) + 1;
}

/* Weeks begin on Monday; week 1 is the one that holds the year's first Thursday (ISO 8601). */
int qn_iso_week(int64_t days, int64_t *iso_year)
{
    int64_t thursday = days - (qn_day_of_week(days) + 6) % 7 + 3;
    int     month, day;
    qn_civil_from_days(thursday, iso_year, &month, &day);
    return (int)((thursday - qn_days_from_civil(*iso_year, 1, 1)) / 7) + 1;
}
int64_t qn_days_from_iso_week(int64_t iso_year, int week)
{
    int64_t fourth = qn_days_from_civil(iso_year, 1, 4);
    return fourth - (qn_day_of_week(fourth) + 6) % 7 + (week - 1) * 7;
}

void qn_civil_from_timestamp(int64_t micros, qn_civil *out)
{
    int64_t days = micros / QN_USECS_PER_DAY, rest = micros % QN_USECS_PER_DAY;
    if (rest < 0) {
        rest += QN_USECS_PER_DAY;
        days--;
    }
    qn_civil_from_days(days, &out->year, &out->month, &out->day);
    out->hour = (int)(rest / QN_USECS_PER_HOUR);
    out->minute = (int)(rest / QN_USECS_PER_MIN % 60);
    out->second = (int)(rest / QN_USECS_PER_SEC % 60);
    out->micros = (int)(rest % QN_USECS_PER_SEC);
}

bool qn_timestamp_from_civil(const qn_civil *c, int64_t *out)
{
    if (c->year < -4713 || c->year > 300000)
        return false;
    qn_i128 t = (qn_i128)qn_days_from_civil(c->year, c->month, c->day) * QN_USECS_PER_DAY +
                c->hour * QN_USECS_PER_HOUR + c->minute * QN_USECS_PER_MIN + c->second * QN_USECS_PER_SEC + c->micros;
    if (t < QN_TIMESTAMP_MIN || t >= QN_TIMESTAMP_END)
        return false;
    *out = (int64_t)t;
    return true;
}

static int64_t whole_seconds(int64_t micros)
{
    return micros / QN_USECS_PER_SEC - (micros % QN_USECS_PER_SEC < 0) + QN_EPOCH_UNIX;
}

bool qn_timestamp_to_local(int64_t utc, const qn_timezone *zone, int64_t *local, qn_zone_moment *moment)
{
    *moment = qn_timezone_at(zone, whole_seconds(utc));
    *local = utc + moment->offset * QN_USECS_PER_SEC;
    return qn_timestamp_in_range(*local);
}
bool qn_timestamp_from_local(int64_t local, const qn_timezone *zone, int64_t *utc)
{
    *utc = local - qn_timezone_at_local(zone, whole_seconds(local)).offset * QN_USECS_PER_SEC;
    return qn_timestamp_in_range(*utc);
}

/* ---- words ---------------------------------------------------------------------------------- */

const char *const qn_month_names[12] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
const char *const qn_day_names[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                     "Thursday", "Friday", "Saturday"};

#define R QN_DT_RESERVED
#define MO QN_DT_MONTH
#define DW QN_DT_DOW
#define U QN_DT_UNITS
/* Sorted by text. */
static const qn_dt_word value_words[] = {
    {"-infinity", R, QN_DT_EARLY}, {"ad", QN_DT_ADBC, 0}, {"allballs", R, QN_DT_ZULU},
    {"am", QN_DT_AMPM, 'a'}, {"apr", MO, 4}, {"april", MO, 4}, {"at", QN_DT_IGNORE, 0}, {"aug", MO, 8},
    {"august", MO, 8}, {"bc", QN_DT_ADBC, 1}, {"d", U, QN_DT_DAY}, {"dec", MO, 12}, {"december", MO, 12},
    {"dow", U, QN_DT_DOW}, {"doy", U, QN_DT_DOY}, {"dst", QN_DT_DTZMOD, 3600}, {"epoch", R, QN_DT_EPOCH},
    {"feb", MO, 2}, {"february", MO, 2}, {"fri", DW, 5}, {"friday", DW, 5}, {"h", U, QN_DT_HOUR},
    {"infinity", R, QN_DT_LATE}, {"isodow", U, QN_DT_ISODOW}, {"isoyear", U, QN_DT_ISOYEAR},
    {"j", U, QN_DT_JULIAN}, {"jan", MO, 1}, {"january", MO, 1}, {"jd", U, QN_DT_JULIAN}, {"jul", MO, 7},
    {"julian", U, QN_DT_JULIAN}, {"july", MO, 7}, {"jun", MO, 6}, {"june", MO, 6}, {"m", U, QN_DT_MONTH},
    {"mar", MO, 3}, {"march", MO, 3}, {"may", MO, 5}, {"mm", U, QN_DT_MINUTE}, {"mon", DW, 1},
    {"monday", DW, 1}, {"nov", MO, 11}, {"november", MO, 11}, {"now", R, QN_DT_NOW}, {"oct", MO, 10},
    {"october", MO, 10}, {"on", QN_DT_IGNORE, 0}, {"pm", QN_DT_AMPM, 'p'}, {"s", U, QN_DT_SECOND},
    {"sat", DW, 6}, {"saturday", DW, 6}, {"sep", MO, 9}, {"sept", MO, 9}, {"september", MO, 9},
    {"sun", DW, 0}, {"sunday", DW, 0}, {"t", QN_DT_ISOTIME, 0}, {"thu", DW, 4}, {"thur", DW, 4},
    {"thurs", DW, 4}, {"thursday", DW, 4}, {"today", R, QN_DT_TODAY}, {"tomorrow", R, QN_DT_TOMORROW},
    {"tue", DW, 2}, {"tues", DW, 2}, {"tuesday", DW, 2}, {"wed", DW, 3}, {"wednesday", DW, 3},
    {"weds", DW, 3}, {"y", U, QN_DT_YEAR}, {"yesterday", R, QN_DT_YESTERDAY},
};
/* Sorted by text, ten bytes at most: longer spellings share them. */
static const qn_dt_word unit_words[] = {
    {"@", QN_DT_IGNORE, 0}, {"ago", QN_DT_AGO, 0}, {"c", U, QN_DT_CENTURY}, {"cent", U, QN_DT_CENTURY},
    {"centuries", U, QN_DT_CENTURY}, {"century", U, QN_DT_CENTURY}, {"d", U, QN_DT_DAY}, {"day", U, QN_DT_DAY},
    {"days", U, QN_DT_DAY}, {"dec", U, QN_DT_DECADE}, {"decade", U, QN_DT_DECADE}, {"decades", U, QN_DT_DECADE},
    {"decs", U, QN_DT_DECADE}, {"h", U, QN_DT_HOUR}, {"hour", U, QN_DT_HOUR}, {"hours", U, QN_DT_HOUR},
    {"hr", U, QN_DT_HOUR}, {"hrs", U, QN_DT_HOUR}, {"m", U, QN_DT_MINUTE}, {"microsecon", U, QN_DT_MICROSECOND},
    {"mil", U, QN_DT_MILLENNIUM}, {"millennia", U, QN_DT_MILLENNIUM}, {"millennium", U, QN_DT_MILLENNIUM},
    {"millisecon", U, QN_DT_MILLISECOND}, {"mils", U, QN_DT_MILLENNIUM}, {"min", U, QN_DT_MINUTE},
    {"mins", U, QN_DT_MINUTE}, {"minute", U, QN_DT_MINUTE}, {"minutes", U, QN_DT_MINUTE}, {"mon", U, QN_DT_MONTH},
    {"mons", U, QN_DT_MONTH}, {"month", U, QN_DT_MONTH}, {"months", U, QN_DT_MONTH}, {"ms", U, QN_DT_MILLISECOND},
    {"msec", U, QN_DT_MILLISECOND}, {"msecond", U, QN_DT_MILLISECOND}, {"mseconds", U, QN_DT_MILLISECOND},
    {"msecs", U, QN_DT_MILLISECOND}, {"qtr", U, QN_DT_QUARTER}, {"quarter", U, QN_DT_QUARTER},
    {"s", U, QN_DT_SECOND}, {"sec", U, QN_DT_SECOND}, {"second", U, QN_DT_SECOND}, {"seconds", U, QN_DT_SECOND},
    {"secs", U, QN_DT_SECOND}, {"timezone", U, QN_DT_TZ}, {"timezone_h", U, QN_DT_TZ_HOUR},
    {"timezone_m", U, QN_DT_TZ_MINUTE}, {"us", U, QN_DT_MICROSECOND}, {"usec", U, QN_DT_MICROSECOND},
    {"usecond", U, QN_DT_MICROSECOND}, {"useconds", U, QN_DT_MICROSECOND}, {"usecs", U, QN_DT_MICROSECOND},
    {"w", U, QN_DT_WEEK}, {"week", U, QN_DT_WEEK}, {"weeks", U, QN_DT_WEEK}, {"y", U, QN_DT_YEAR},
    {"year", U, QN_DT_YEAR}, {"years", U, QN_DT_YEAR}, {"yr", U, QN_DT_YEAR}, {"yrs", U, QN_DT_YEAR},
};

static const qn_dt_word *find_word(const qn_dt_word *words, size_t count, const char *key)
{
    size_t lo = 0;
    while (lo < count) {
        size_t mid = lo + (count - lo) / 2;
        int    c = strncmp(key, words[mid].text, 10);
        if (c == 0)
            return &words[mid];
        if (c < 0)
            count = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}
const qn_dt_word *qn_dt_value_word(const char *key)
{
    return find_word(value_words, QN_COUNTOF(value_words), key);
}
const qn_dt_word *qn_dt_unit_word(const char *key)
{
    return find_word(unit_words, QN_COUNTOF(unit_words), key);
}
const qn_dt_word *qn_dt_unit(const char *text, size_t bytes)
{
    char key[16];
    if (bytes > sizeof key - 1)
        bytes = sizeof key - 1;
    for (size_t i = 0; i < bytes; i++)
        key[i] = dt_lower(text[i]);
    key[bytes] = '\0';
    const qn_dt_word *word = qn_dt_unit_word(key);
    return word ? word : qn_dt_value_word(key);
}

/* ---- zones in SQL ----------------------------------------------------------------------------- */

qn_status qn_zone_argument(const qn_str *name, int64_t micros, bool local, const qn_timezone **zone,
                           bool *fixed, int32_t *offset, qn_error *err)
{
    char        lower[16];
    const char *s = qn_str_data(name);
    *zone = NULL;
    *fixed = false;
    *offset = 0;
    if (name->bytes < sizeof lower) {
        for (uint32_t i = 0; i < name->bytes; i++)
            lower[i] = dt_lower(s[i]);
        lower[name->bytes] = '\0';
        const qn_abbreviation *a = qn_abbreviation_find(lower);
        if (a && !a->zone) {
            *fixed = true;
            *offset = a->offset;
            return QN_OK;
        }
        if (a) { /* its meaning changed over time */
            const qn_timezone *z;
            bool               dst;
            qn_status          st = qn_timezone_find(NULL, a->zone, strlen(a->zone), &z, err);
            if (st != QN_OK)
                return st;
            if (z) {
                int64_t seconds = whole_seconds(micros);
                *fixed = true;
                *offset = (local ? qn_timezone_at_local(z, seconds) : qn_timezone_at(z, seconds)).offset;
                for (char *p = lower; *p; p++)
                    *p = dt_upper(*p);
                qn_timezone_abbreviation(z, lower, local ? seconds - *offset : seconds, offset, &dst);
                return QN_OK;
            }
        }
    }
    qn_status st = qn_timezone_find(NULL, s, name->bytes, zone, err);
    if (st == QN_OK && !*zone)
        return qn_fail(err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, "time zone \"%.*s\" not recognized",
                       name->bytes > 900 ? 900 : (int)name->bytes, s);
    return st;
}
