/* Dates, times and intervals to text: DateStyle ISO, IntervalStyle postgres. */
#include "type/datetime.h"

/* Append a number with at least `width` digits. */
static char *put_number(char *p, uint64_t v, int width)
{
    char digits[20];
    int  n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n < width)
        digits[n++] = '0';
    while (n)
        *p++ = digits[--n];
    return p;
}

/* Seconds with as many decimals as they have. */
static char *put_seconds(char *p, int second, int micros, int width)
{
    p = put_number(p, (uint64_t)second, width);
    if (micros) {
        *p++ = '.';
        p = put_number(p, (uint64_t)micros, 6);
        while (p[-1] == '0')
            p--;
    }
    return p;
}
static char *put_date(char *p, int64_t year, int month, int day)
{
    p = put_number(p, (uint64_t)(year > 0 ? year : 1 - year), 4);
    *p++ = '-';
    p = put_number(p, (uint64_t)month, 2);
    *p++ = '-';
    return put_number(p, (uint64_t)day, 2);
}
static char *put_clock(char *p, int hour, int minute, int second, int micros)
{
    p = put_number(p, (uint64_t)hour, 2);
    *p++ = ':';
    p = put_number(p, (uint64_t)minute, 2);
    *p++ = ':';
    return put_seconds(p, second, micros, 2);
}
/* +hh, +hh:mm or +hh:mm:ss */
static char *put_offset(char *p, int32_t offset)
{
    *p++ = offset < 0 ? '-' : '+';
    uint32_t v = (uint32_t)(offset < 0 ? -offset : offset);
    p = put_number(p, v / 3600, 2);
    if (v % 3600) {
        *p++ = ':';
        p = put_number(p, v / 60 % 60, 2);
        if (v % 60) {
            *p++ = ':';
            p = put_number(p, v % 60, 2);
        }
    }
    return p;
}
static char *put_era(char *p, int64_t year)
{
    if (year <= 0) {
        memcpy(p, " BC", 3);
        p += 3;
    }
    return p;
}

static char *print_timestamp(char *p, int64_t t, const qn_text_settings *set, bool with_zone)
{
    qn_civil       c;
    qn_zone_moment moment = {0};
    int64_t        local = t;
    if (!qn_timestamp_finite(t)) {
        const char *text = t > 0 ? "infinity" : "-infinity";
        memcpy(p, text, strlen(text));
        return p + strlen(text);
    }
    if (with_zone)
        qn_timestamp_to_local(t, set ? set->zone : NULL, &local, &moment);
    qn_civil_from_timestamp(local, &c);
    p = put_date(p, c.year, c.month, c.day);
    *p++ = ' ';
    p = put_clock(p, c.hour, c.minute, c.second, c.micros);
    if (with_zone)
        p = put_offset(p, moment.offset);
    return put_era(p, c.year);
}

/* One field of an interval: a blank between, a plus sign after a negative field. */
static char *put_part(char *p, int64_t v, const char *unit, bool *first, bool *before)
{
    if (v == 0)
        return p;
    if (!*first)
        *p++ = ' ';
    if (*before && v > 0)
        *p++ = '+';
    if (v < 0)
        *p++ = '-';
    p = put_number(p, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 1);
    *p++ = ' ';
    memcpy(p, unit, strlen(unit));
    p += strlen(unit);
    if (v != 1)
        *p++ = 's';
    *before = v < 0;
    *first = false;
    return p;
}

static char *print_interval(char *p, const qn_interval *v)
{
    bool     first = true, before = false, negative = v->micros < 0;
    uint64_t micros = negative ? 0 - (uint64_t)v->micros : (uint64_t)v->micros;
    p = put_part(p, v->months / 12, "year", &first, &before);
    p = put_part(p, v->months % 12, "mon", &first, &before);
    p = put_part(p, v->days, "day", &first, &before);
    if (first || micros) {
        if (!first)
            *p++ = ' ';
        if (negative)
            *p++ = '-';
        else if (before)
            *p++ = '+';
        p = put_number(p, micros / (uint64_t)QN_USECS_PER_HOUR, 2);
        *p++ = ':';
        p = put_number(p, micros / (uint64_t)QN_USECS_PER_MIN % 60, 2);
        *p++ = ':';
        p = put_seconds(p, (int)(micros / (uint64_t)QN_USECS_PER_SEC % 60), (int)(micros % (uint64_t)QN_USECS_PER_SEC), 2);
    }
    return p;
}

void qn_datetime_print(qn_type type, const qn_datum *value, const qn_text_settings *set, qn_buf *buf)
{
    char  text[128]; /* the longest, an interval of extremes, takes about 80 bytes */
    char *p = text;
    switch (type.id) {
    case QN_TYPE_DATE: {
        int64_t year;
        int     month, day;
        if (!qn_date_finite(value->i32)) {
            qn_buf_puts(buf, value->i32 > 0 ? "infinity" : "-infinity");
            return;
        }
        qn_civil_from_days(value->i32, &year, &month, &day);
        p = put_era(put_date(p, year, month, day), year);
        break;
    }
    case QN_TYPE_TIME: {
        uint64_t t = (uint64_t)value->i64; /* 24:00:00 prints as such */
        p = put_clock(p, (int)(t / (uint64_t)QN_USECS_PER_HOUR % 100), (int)(t / (uint64_t)QN_USECS_PER_MIN % 60),
                      (int)(t / (uint64_t)QN_USECS_PER_SEC % 60), (int)(t % (uint64_t)QN_USECS_PER_SEC));
        break;
    }
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
        p = print_timestamp(p, value->i64, set, type.id == QN_TYPE_TIMESTAMPTZ);
        break;
    default:
        p = print_interval(p, &value->interval);
        break;
    }
    qn_buf_add(buf, text, (size_t)(p - text));
}
