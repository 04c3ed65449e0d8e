/* Dates by picture: to_char of timestamps and intervals, to_date, to_timestamp.
 *
 * Output is a walk over the nodes.  Input collects fields first (each may be given once, or twice with
 * the same value) and combines them afterwards, because fields may come in any order and some only mean
 * something together: century with a short year, week with a weekday, day of year with a year. */
#include "type/fn_format_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/assert.h"
#include "type/datetime.h"

enum {
    K_A_D, K_A_M, K_AD, K_AM, K_CC, K_DAY, K_DDD, K_DD, K_DY, K_D, K_FF, K_FX, K_HH24, K_HH12, K_IDDD, K_ID,
    K_IW, K_IYYY, K_IYY, K_IY, K_I, K_J, K_MI, K_MM, K_MONTH, K_MON, K_MS, K_OF, K_Q, K_RM, K_SSSS, K_SS,
    K_TZH, K_TZM, K_TZ, K_US, K_WW, K_W, K_Y_YYY, K_YYYY, K_YYY, K_YY, K_Y
};
#define BOTH(upper, lower, id, digits, mode) {upper, id, digits, mode}, {lower, id, digits, mode}
/* Longer keywords before their beginnings: the first match wins. */
const format_keyword format_date_keywords[] = {
    BOTH("A.D.", "a.d.", K_A_D, false, 0), BOTH("A.M.", "a.m.", K_A_M, false, 0), BOTH("AD", "ad", K_AD, false, 0),
    BOTH("AM", "am", K_AM, false, 0), BOTH("B.C.", "b.c.", K_A_D, false, 0), BOTH("BC", "bc", K_AD, false, 0),
    BOTH("CC", "cc", K_CC, true, 0), BOTH("DAY", "day", K_DAY, false, 0), {"Day", K_DAY, false, 0},
    BOTH("DDD", "ddd", K_DDD, true, 'G'), BOTH("DD", "dd", K_DD, true, 'G'), BOTH("DY", "dy", K_DY, false, 0),
    {"Dy", K_DY, false, 0}, BOTH("D", "d", K_D, true, 'G'), BOTH("FF1", "ff1", K_FF, true, 0),
    BOTH("FF2", "ff2", K_FF, true, 0), BOTH("FF3", "ff3", K_FF, true, 0), BOTH("FF4", "ff4", K_FF, true, 0),
    BOTH("FF5", "ff5", K_FF, true, 0), BOTH("FF6", "ff6", K_FF, true, 0), BOTH("FX", "fx", K_FX, false, 0),
    BOTH("HH24", "hh24", K_HH24, true, 0), BOTH("HH12", "hh12", K_HH12, true, 0), BOTH("HH", "hh", K_HH12, true, 0),
    BOTH("IDDD", "iddd", K_IDDD, true, 'W'), BOTH("ID", "id", K_ID, true, 'W'), BOTH("IW", "iw", K_IW, true, 'W'),
    BOTH("IYYY", "iyyy", K_IYYY, true, 'W'), BOTH("IYY", "iyy", K_IYY, true, 'W'), BOTH("IY", "iy", K_IY, true, 'W'),
    BOTH("I", "i", K_I, true, 'W'), BOTH("J", "j", K_J, true, 0), BOTH("MI", "mi", K_MI, true, 0),
    BOTH("MM", "mm", K_MM, true, 'G'), BOTH("MONTH", "month", K_MONTH, false, 'G'), {"Month", K_MONTH, false, 'G'},
    BOTH("MON", "mon", K_MON, false, 'G'), {"Mon", K_MON, false, 'G'}, BOTH("MS", "ms", K_MS, true, 0),
    BOTH("OF", "of", K_OF, false, 0), BOTH("P.M.", "p.m.", K_A_M, false, 0), BOTH("PM", "pm", K_AM, false, 0),
    BOTH("Q", "q", K_Q, true, 0), BOTH("RM", "rm", K_RM, false, 'G'), BOTH("SSSSS", "sssss", K_SSSS, true, 0),
    BOTH("SSSS", "ssss", K_SSSS, true, 0), BOTH("SS", "ss", K_SS, true, 0), BOTH("TZH", "tzh", K_TZH, false, 0),
    BOTH("TZM", "tzm", K_TZM, true, 0), BOTH("TZ", "tz", K_TZ, false, 0), BOTH("US", "us", K_US, true, 0),
    BOTH("WW", "ww", K_WW, true, 'G'), BOTH("W", "w", K_W, true, 'G'), BOTH("Y,YYY", "y,yyy", K_Y_YYY, true, 'G'),
    BOTH("YYYY", "yyyy", K_YYYY, true, 'G'), BOTH("YYY", "yyy", K_YYY, true, 'G'), BOTH("YY", "yy", K_YY, true, 'G'),
    BOTH("Y", "y", K_Y, true, 'G'), {NULL, 0, false, 0},
};

static const char *const roman_months[12] = {"XII", "XI", "X", "IX", "VIII", "VII", "VI", "V", "IV", "III", "II", "I"};

static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/* ---- output ------------------------------------------------------------------------------------ */

typedef struct moment {
    bool        interval;
    int64_t     year, hour; /* year astronomical */
    int         month, day, minute, second, micros;
    int64_t     days;       /* since 2000-01-01 */
    int64_t     day_of_year;
    int32_t     offset;
    const char *abbreviation; /* NULL: no time zone */
} moment;

static void put_ordinal(qn_buf *buf, size_t from, uint8_t suffix)
{
    if (buf->failed || !(suffix & (SUFFIX_TH_UPPER | SUFFIX_TH_LOWER)))
        return;
    qn_buf_puts(buf, format_ordinal(buf->data + from, buf->bytes - from, suffix & SUFFIX_TH_UPPER));
}
/* A number of at least `width` digits unless FM; `wide`: the sign is not counted. */
static void put_signed(qn_buf *buf, const format_node *n, int64_t v, int width, bool wide)
{
    size_t from = buf->bytes;
    qn_buf_printf(buf, "%0*lld", n->suffix & SUFFIX_FM ? 0 : width + (v < 0 && wide), (long long)v);
    put_ordinal(buf, from, n->suffix);
}
static void put_int(qn_buf *buf, const format_node *n, int64_t v, int width)
{
    put_signed(buf, n, v, width, true);
}
/* A name in the case of its keyword: "MONTH", "Month" or "month", cut to `length`, padded to `width`. */
static void put_name(qn_buf *buf, const format_node *n, const char *name, int length, int width)
{
    char text[16];
    int  count = 0;
    for (; name[count] && count < length; count++) {
        char c = name[count];
        bool upper = is_upper(n->key->name[0]) && (count == 0 || is_upper(n->key->name[1]));
        text[count] = upper && is_lower(c) ? (char)(c - 32) : !upper && is_upper(c) ? (char)(c + 32) : c;
    }
    while (!(n->suffix & (SUFFIX_FM | SUFFIX_TM)) && count < width)
        text[count++] = ' ';
    qn_buf_add(buf, text, (size_t)count);
}
static int64_t shown_year(const moment *m, int64_t year)
{
    return m->interval || year > 0 ? year : 1 - year;
}

static qn_status not_for_intervals(qn_call *call)
{
    qn_status st = qn_fail(call->err, QN_SQLSTATE_INVALID_DATETIME, "invalid format specification for an interval value");
    qn_error_hint(call->err, "Intervals are not tied to specific calendar dates.");
    return st;
}

static qn_status put_node(qn_call *call, qn_buf *buf, const format_node *n, const moment *m)
{
    static const int scale[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    const bool       lower = is_lower(n->key->name[0]);
    int64_t          v, iso_year = 0;
    size_t           from = buf->bytes;
    int              week = qn_iso_week(m->days, &iso_year);
    switch (n->key->id) {
    case K_FX: return QN_OK;
    case K_A_M:
    case K_AM: {
        bool pm = m->hour % 24 >= 12;
        qn_buf_puts(buf, n->key->id == K_AM ? (pm ? (lower ? "pm" : "PM") : (lower ? "am" : "AM"))
                                            : (pm ? (lower ? "p.m." : "P.M.") : (lower ? "a.m." : "A.M.")));
        return QN_OK;
    }
    case K_HH12: /* wider by the sign of the hour, even where 12 stands for it */
        put_signed(buf, n, m->hour % 12 == 0 ? 12 : m->hour % 12, m->hour < 0 ? 3 : 2, false);
        return QN_OK;
    case K_HH24: put_int(buf, n, m->hour, 2); return QN_OK;
    case K_MI: put_int(buf, n, m->minute, 2); return QN_OK;
    case K_SS: put_int(buf, n, m->second, 2); return QN_OK;
    case K_FF: {
        int digits = n->key->name[2] - '0';
        qn_buf_printf(buf, "%0*d", digits, m->micros / scale[digits]);
        put_ordinal(buf, from, n->suffix);
        return QN_OK;
    }
    case K_MS: qn_buf_printf(buf, "%03d", m->micros / 1000); put_ordinal(buf, from, n->suffix); return QN_OK;
    case K_US: qn_buf_printf(buf, "%06d", m->micros); put_ordinal(buf, from, n->suffix); return QN_OK;
    case K_SSSS:
        qn_buf_printf(buf, "%lld", (long long)(m->hour * 3600 + m->minute * 60 + m->second));
        put_ordinal(buf, from, n->suffix);
        return QN_OK;
    case K_CC:
        v = m->interval ? m->year / 100 : m->year > 0 ? (m->year - 1) / 100 + 1 : m->year / 100 - 1;
        put_int(buf, n, v, 2);
        return QN_OK;
    case K_Y_YYY:
        v = shown_year(m, m->year);
        qn_buf_printf(buf, "%lld,%03lld", (long long)(v / 1000), (long long)(v % 1000));
        put_ordinal(buf, from, n->suffix);
        return QN_OK;
    case K_YYYY: case K_YYY: case K_YY: case K_Y:
    case K_IYYY: case K_IYY: case K_IY: case K_I: {
        bool iso = n->key->id >= K_IYYY && n->key->id <= K_I;
        int  digits = 4 - (n->key->id - (iso ? K_IYYY : K_YYYY));
        v = shown_year(m, iso ? iso_year : m->year);
        if (digits < 4)
            v %= digits == 3 ? 1000 : digits == 2 ? 100 : 10;
        /* room for a sign by the calendar year, also where the ISO year is shown */
        put_signed(buf, n, v, digits + (shown_year(m, m->year) < 0), false);
        return QN_OK;
    }
    case K_MM: put_int(buf, n, m->month, 2); return QN_OK;
    case K_DD: put_signed(buf, n, m->day, 2, false); return QN_OK;
    case K_DDD: put_int(buf, n, m->day_of_year, 3); return QN_OK;
    case K_IDDD:
        put_int(buf, n, m->days - qn_days_from_iso_week(iso_year, 1) + 1, 3);
        return QN_OK;
    case K_WW: put_int(buf, n, (m->day_of_year - 1) / 7 + 1, 2); return QN_OK;
    case K_IW: put_int(buf, n, week, 2); return QN_OK;
    case K_W: qn_buf_printf(buf, "%d", (m->day - 1) / 7 + 1); put_ordinal(buf, from, n->suffix); return QN_OK;
    case K_Q:
        if (m->month) {
            qn_buf_printf(buf, "%d", (m->month - 1) / 3 + 1);
            put_ordinal(buf, from, n->suffix);
        }
        return QN_OK;
    case K_J:
        qn_buf_printf(buf, "%lld", (long long)(m->days + QN_EPOCH_JULIAN));
        put_ordinal(buf, from, n->suffix);
        return QN_OK;
    case K_RM: {
        if (!m->month && !m->year)
            return QN_OK;
        int at = m->month == 0 ? (m->year >= 0 ? 0 : 11) : m->month < 0 ? -(m->month + 1) : 12 - m->month;
        char text[8];
        snprintf(text, sizeof text, "%-*s", n->suffix & SUFFIX_FM ? 0 : 4, roman_months[at]);
        for (char *p = text; *p; p++)
            *p = lower && is_upper(*p) ? (char)(*p + 32) : *p;
        qn_buf_puts(buf, text);
        return QN_OK;
    }
    default: break;
    }
    /* What is left needs a calendar date. */
    if (m->interval)
        return not_for_intervals(call);
    int32_t offset = m->offset < 0 ? -m->offset : m->offset;
    int     dow = qn_day_of_week(m->days);
    switch (n->key->id) {
    case K_TZ:
        for (const char *p = m->abbreviation; p && *p; p++)
            qn_buf_putc(buf, lower && is_upper(*p) ? (char)(*p + 32) : *p);
        break;
    case K_TZH: qn_buf_printf(buf, "%c%02d", m->offset < 0 ? '-' : '+', offset / 3600); break;
    case K_TZM: qn_buf_printf(buf, "%02d", offset % 3600 / 60); break;
    case K_OF:
        qn_buf_printf(buf, "%c%0*d", m->offset < 0 ? '-' : '+', n->suffix & SUFFIX_FM ? 0 : 2, offset / 3600);
        if (offset % 3600)
            qn_buf_printf(buf, ":%02d", offset % 3600 / 60);
        break;
    case K_AD: qn_buf_puts(buf, m->year <= 0 ? (lower ? "bc" : "BC") : (lower ? "ad" : "AD")); break;
    case K_A_D: qn_buf_puts(buf, m->year <= 0 ? (lower ? "b.c." : "B.C.") : (lower ? "a.d." : "A.D.")); break;
    case K_MONTH: put_name(buf, n, qn_month_names[m->month - 1], 9, 9); break;
    case K_MON: put_name(buf, n, qn_month_names[m->month - 1], 3, 3); break;
    case K_DAY: put_name(buf, n, qn_day_names[dow], 9, 9); break;
    case K_DY: put_name(buf, n, qn_day_names[dow], 3, 3); break;
    case K_D:
        qn_buf_printf(buf, "%d", dow + 1);
        put_ordinal(buf, from, n->suffix);
        break;
    case K_ID:
        qn_buf_printf(buf, "%d", dow ? dow : 7);
        put_ordinal(buf, from, n->suffix);
        break;
    default: break;
    }
    return QN_OK;
}

static qn_status write_moment(qn_call *call, const qn_str *format, const moment *m, qn_datum *result)
{
    const format_picture *picture;
    qn_buf                buf;
    qn_status             st = format_picture_get(call, format, true, &picture);
    if (st != QN_OK)
        return st;
    qn_buf_init(&buf, call->arena->mem);
    for (uint32_t i = 0; i < picture->count && st == QN_OK; i++) {
        const format_node *n = &picture->nodes[i];
        if (n->kind == NODE_KEY)
            st = put_node(call, &buf, n, m);
        else
            qn_buf_add(&buf, n->text, n->bytes);
    }
    if (st != QN_OK) {
        qn_buf_deinit(&buf);
        return st;
    }
    return format_result(call, &buf, result);
}

static void moment_of(int64_t local, moment *m)
{
    qn_civil c;
    qn_civil_from_timestamp(local, &c);
    *m = (moment){.year = c.year, .hour = c.hour, .month = c.month, .day = c.day, .minute = c.minute,
                  .second = c.second, .micros = c.micros};
    m->days = qn_days_from_civil(c.year, c.month, c.day);
    m->day_of_year = qn_day_of_year(m->days);
}

FORMAT_FN(format_timestamp)
{
    (void)nulls;
    moment m;
    *null = args[1].str.bytes == 0 || !qn_timestamp_finite(args[0].i64);
    if (*null)
        return QN_OK;
    moment_of(args[0].i64, &m);
    return write_moment(call, &args[1].str, &m, result);
}
FORMAT_FN(format_timestamptz)
{
    (void)nulls;
    moment         m;
    qn_zone_moment zone;
    int64_t        local;
    *null = args[1].str.bytes == 0 || !qn_timestamp_finite(args[0].i64);
    if (*null)
        return QN_OK;
    qn_timestamp_to_local(args[0].i64, call->set ? call->set->zone : NULL, &local, &zone);
    moment_of(local, &m);
    m.offset = zone.offset;
    m.abbreviation = zone.abbreviation;
    return write_moment(call, &args[1].str, &m, result);
}
FORMAT_FN(format_interval)
{
    (void)nulls;
    const qn_interval *v = &args[0].interval;
    *null = args[1].str.bytes == 0;
    if (*null)
        return QN_OK;
    moment m = {.interval = true, .year = v->months / 12, .month = v->months % 12, .day = v->days,
                .hour = v->micros / QN_USECS_PER_HOUR, .minute = (int)(v->micros / QN_USECS_PER_MIN % 60),
                .second = (int)(v->micros / QN_USECS_PER_SEC % 60), .micros = (int)(v->micros % QN_USECS_PER_SEC)};
    m.day_of_year = (int64_t)v->months * 30 + v->days;
    /* Weeks and ISO years of an interval read it as a date whose month 0 is the December before. */
    m.days = m.month > 0 ? qn_days_from_civil(m.year, m.month, m.day)
                         : qn_days_from_civil(m.year - 1, m.month + 12, m.day);
    return write_moment(call, &args[1].str, &m, result);
}

/* ---- input -------------------------------------------------------------------------------------- */

typedef struct fields {
    char mode; /* 'G', 'W' or 0 */
    bool half_day;
    int  hour, pm, minute, second, seconds_of_day, weekday, day, day_of_year, month, millis, micros, year, bc,
        week, week_of_month, century, julian, year_digits, precision, zone_sign, zone_hour, zone_minute;
} fields;

typedef struct reader {
    qn_call              *call;
    const format_picture *picture;
    const char           *start, *s; /* NUL-terminated copy of the input */
    fields                f;
} reader;

static qn_status set_field(reader *r, int *field, int v, const format_node *n)
{
    if (*field != 0 && *field != v) {
        qn_status st = qn_fail(r->call->err, QN_SQLSTATE_INVALID_DATETIME,
                               "conflicting values for \"%s\" field in formatting string", n->key->name);
        qn_error_detail(r->call->err, "This value contradicts a previous setting for the same field type.");
        return st;
    }
    *field = v;
    return QN_OK;
}

/* Whether what follows a field cannot be taken for more of its digits. */
static bool separator_follows(const reader *r, uint32_t i)
{
    const format_node *n = &r->picture->nodes[i];
    if (n->suffix & (SUFFIX_TH_UPPER | SUFFIX_TH_LOWER))
        return true;
    if (i + 1 >= r->picture->count)
        return true;
    n = &r->picture->nodes[i + 1];
    if (n->kind == NODE_KEY)
        return !n->key->digits;
    return !(n->bytes == 1 && format_digit(n->text[0]));
}

/* An integer of exactly `length` characters, or as many as there are when nothing digit-like follows. */
static qn_status read_int(reader *r, uint32_t i, int length, int *field, int *used_out)
{
    const format_node *n = &r->picture->nodes[i];
    const char        *begin = r->s;
    char               copy[16], *end;
    long               v;
    qn_error          *err = r->call->err;
    qn_status          st;
    while (format_space(*r->s))
        r->s++;
    size_t left = strlen(r->s), n_copy = left < (size_t)length ? left : (size_t)length;
    memcpy(copy, r->s, n_copy);
    copy[n_copy] = '\0';
    errno = 0;
    if ((n->suffix & SUFFIX_FM) || separator_follows(r, i)) {
        v = strtol(begin, &end, 10);
        r->s = end;
    } else {
        if (left < (size_t)length) {
            st = qn_fail(err, QN_SQLSTATE_INVALID_DATETIME, "source string too short for \"%s\" formatting field",
                         n->key->name);
            qn_error_detail(err, "Field requires %d characters, but only %d remain.", length, (int)left);
            qn_error_hint(err, "If your source string is not fixed-width, try using the \"FM\" modifier.");
            return st;
        }
        v = strtol(copy, &end, 10);
        int used = (int)(end - copy);
        if (used > 0 && used < length) {
            st = qn_fail(err, QN_SQLSTATE_INVALID_DATETIME, "invalid value \"%s\" for \"%s\"", copy, n->key->name);
            qn_error_detail(err, "Field requires %d characters, but only %d could be parsed.", length, used);
            qn_error_hint(err, "If your source string is not fixed-width, try using the \"FM\" modifier.");
            return st;
        }
        r->s += used;
    }
    if (r->s == begin) {
        st = qn_fail(err, QN_SQLSTATE_INVALID_DATETIME, "invalid value \"%s\" for \"%s\"", copy, n->key->name);
        qn_error_detail(err, "Value must be an integer.");
        return st;
    }
    if (errno == ERANGE || v < INT32_MIN || v > INT32_MAX) {
        st = qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "value for \"%s\" in source string is out of range", n->key->name);
        qn_error_detail(err, "Value must be in the range %d to %d.", INT32_MIN, INT32_MAX);
        return st;
    }
    if (used_out)
        *used_out = (int)(r->s - begin);
    return field ? set_field(r, field, (int)v, n) : QN_OK;
}

static bool prefix_ci(const char *s, const char *word, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char a = is_upper(s[i]) ? (char)(s[i] + 32) : s[i], b = is_upper(word[i]) ? (char)(word[i] + 32) : word[i];
        if (a != b)
            return false;
    }
    return true;
}
/* One of the words (their first `length` bytes), in any case. */
static qn_status read_word(reader *r, const format_node *n, const char *const *words, int count, size_t length,
                           int *out)
{
    for (int i = 0; i < count; i++) {
        size_t bytes = strlen(words[i]);
        bytes = bytes < length ? bytes : length;
        if (prefix_ci(r->s, words[i], bytes)) {
            *out = i;
            r->s += bytes;
            return QN_OK;
        }
    }
    size_t bad = strcspn(r->s, " \t\n\v\f\r");
    qn_status st = qn_fail(r->call->err, QN_SQLSTATE_INVALID_DATETIME, "invalid value \"%.*s\" for \"%s\"",
                           bad > 500 ? 500 : (int)bad, r->s, n->key->name);
    qn_error_detail(r->call->err, "The given value did not match any of the allowed values for this field.");
    return st;
}

static void skip_char(reader *r)
{
    if (*r->s) {
        do
            r->s++;
        while (((unsigned char)*r->s & 0xc0) == 0x80);
    }
}

static int full_year(int year)
{
    return year < 70 ? year + 2000 : year < 100 ? year + 1900 : year < 520 ? year + 2000 : year < 1000 ? year + 1000 : year;
}

static qn_status read_field(reader *r, uint32_t i, int extra_skip)
{
    static const char *const half[] = {"am", "pm"}, *const half_dots[] = {"a.m.", "p.m."};
    static const char *const era[] = {"ad", "bc"}, *const era_dots[] = {"a.d.", "b.c."};
    static const int         power[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    const format_node *n = &r->picture->nodes[i];
    fields            *f = &r->f;
    int                v = 0, used = 0, width = (int)strlen(n->key->name);
    qn_status          st = QN_OK;
    if (n->key->mode) {
        if (f->mode && f->mode != n->key->mode) {
            st = qn_fail(r->call->err, QN_SQLSTATE_INVALID_DATETIME, "invalid combination of date conventions");
            qn_error_hint(r->call->err,
                          "Do not mix Gregorian and ISO week date conventions in a formatting template.");
            return st;
        }
        f->mode = n->key->mode;
    }
    switch (n->key->id) {
    case K_A_M:
    case K_AM:
        QN_TRY(read_word(r, n, n->key->id == K_AM ? half : half_dots, 2, 4, &v));
        QN_TRY(set_field(r, &f->pm, v, n));
        f->half_day = true;
        return QN_OK;
    case K_AD:
    case K_A_D:
        QN_TRY(read_word(r, n, n->key->id == K_AD ? era : era_dots, 2, 4, &v));
        return set_field(r, &f->bc, v, n);
    case K_HH12:
        f->half_day = true;
        QN_TRY(read_int(r, i, 2, &f->hour, NULL));
        break;
    case K_HH24: QN_TRY(read_int(r, i, 2, &f->hour, NULL)); break;
    case K_MI: QN_TRY(read_int(r, i, width, &f->minute, NULL)); break;
    case K_SS: QN_TRY(read_int(r, i, width, &f->second, NULL)); break;
    case K_MS: /* 25 and 250 are both a quarter, 025 is not */
        QN_TRY(read_int(r, i, 3, &f->millis, &used));
        f->millis *= used == 1 ? 100 : used == 2 ? 10 : 1;
        break;
    case K_FF:
    case K_US:
        if (n->key->id == K_FF)
            f->precision = n->key->name[2] - '0';
        QN_TRY(read_int(r, i, n->key->id == K_US ? 6 : n->key->name[2] - '0', &f->micros, &used));
        if (used < 6 && used >= 0 && __builtin_mul_overflow(f->micros, power[used], &f->micros))
            f->micros = -1;
        break;
    case K_SSSS: QN_TRY(read_int(r, i, width, &f->seconds_of_day, NULL)); break;
    case K_TZ:
    case K_OF:
        return qn_fail(r->call->err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED,
                       "formatting field \"%s\" is only supported in to_char", n->key->name);
    case K_TZH:
        /* A minus sign may have been swallowed as a separator. */
        if (*r->s == '+' || *r->s == '-' || *r->s == ' ') {
            f->zone_sign = *r->s == '-' ? -1 : 1;
            r->s++;
        } else {
            f->zone_sign = extra_skip > 0 && r->s > r->start && r->s[-1] == '-' ? -1 : 1;
        }
        return read_int(r, i, 2, &f->zone_hour, NULL);
    case K_TZM:
        if (!f->zone_sign)
            f->zone_sign = 1;
        return read_int(r, i, 2, &f->zone_minute, NULL);
    case K_MONTH:
    case K_MON:
        QN_TRY(read_word(r, n, qn_month_names, 12, n->key->id == K_MON ? 3 : 9, &v));
        return set_field(r, &f->month, v + 1, n);
    case K_MM: QN_TRY(read_int(r, i, width, &f->month, NULL)); break;
    case K_DAY:
    case K_DY:
        QN_TRY(read_word(r, n, qn_day_names, 7, n->key->id == K_DY ? 3 : 9, &v));
        QN_TRY(set_field(r, &f->weekday, v, n));
        f->weekday++;
        return QN_OK;
    case K_DDD: QN_TRY(read_int(r, i, width, &f->day_of_year, NULL)); break;
    case K_IDDD: QN_TRY(read_int(r, i, 3, &f->day_of_year, NULL)); break;
    case K_DD: QN_TRY(read_int(r, i, width, &f->day, NULL)); break;
    case K_D: QN_TRY(read_int(r, i, width, &f->weekday, NULL)); break;
    case K_ID:
        QN_TRY(read_int(r, i, 1, &f->weekday, NULL));
        if (f->weekday < INT32_MAX)
            f->weekday++;
        if (f->weekday > 7)
            f->weekday = 1;
        break;
    case K_WW:
    case K_IW: QN_TRY(read_int(r, i, width, &f->week, NULL)); break;
    case K_Q: QN_TRY(read_int(r, i, width, NULL, NULL)); break; /* says nothing certain: read and ignored */
    case K_CC: QN_TRY(read_int(r, i, width, &f->century, NULL)); break;
    case K_Y_YYY: {
        int thousands, years, bytes = 0;
        if (sscanf(r->s, "%9d,%3d%n", &thousands, &years, &bytes) < 2)
            return qn_fail(r->call->err, QN_SQLSTATE_INVALID_DATETIME, "invalid input string for \"Y,YYY\"");
        if (thousands < -2000000 || thousands > 2000000)
            thousands = 2000000; /* out of any range in the end */
        QN_TRY(set_field(r, &f->year, years + thousands * 1000, n));
        f->year_digits = 4;
        r->s += bytes;
        break;
    }
    case K_YYYY: case K_IYYY: case K_YYY: case K_IYY: case K_YY: case K_IY: case K_Y: case K_I:
        QN_TRY(read_int(r, i, width, &f->year, &used));
        f->year_digits = width;
        if (used < 4 && width < 4)
            f->year = full_year(f->year);
        break;
    case K_RM:
        QN_TRY(read_word(r, n, roman_months, 12, 4, &v));
        return set_field(r, &f->month, 12 - v, n);
    case K_W: QN_TRY(read_int(r, i, width, &f->week_of_month, NULL)); break;
    case K_J: QN_TRY(read_int(r, i, width, &f->julian, NULL)); break;
    default: return QN_OK;
    }
    if (n->suffix & (SUFFIX_TH_UPPER | SUFFIX_TH_LOWER)) {
        skip_char(r);
        skip_char(r);
    }
done:
    return st;
}

static qn_status read_all(reader *r)
{
    bool fixed = false;
    int  extra_skip = 0;
    for (uint32_t i = 0; i < r->picture->count && *r->s; i++) {
        const format_node *n = &r->picture->nodes[i];
        bool               is_fx = n->kind == NODE_KEY && n->key->id == K_FX;
        if (!fixed && !is_fx && (n->kind == NODE_KEY || i == 0)) {
            for (; format_space(*r->s); r->s++)
                extra_skip++;
        }
        if (n->kind == NODE_SPACE || n->kind == NODE_SEPARATOR) {
            if (fixed) {
                skip_char(r);
            } else {
                extra_skip--;
                if (format_space(*r->s) || format_separator(*r->s)) {
                    r->s++;
                    extra_skip++;
                }
            }
            continue;
        }
        if (n->kind == NODE_CHAR) {
            if (!fixed && extra_skip > 0)
                extra_skip--;
            else
                skip_char(r);
            continue;
        }
        if (is_fx) {
            fixed = true;
        } else {
            qn_status st = read_field(r, i, extra_skip);
            if (st != QN_OK)
                return st;
        }
        if (!fixed) {
            extra_skip = 0;
            for (; format_space(*r->s); r->s++)
                extra_skip++;
        }
    }
    return QN_OK;
}

static qn_status field_range(reader *r)
{
    size_t n = strlen(r->start);
    return qn_fail(r->call->err, QN_SQLSTATE_DATETIME_OVERFLOW, "date/time field value out of range: \"%.*s\"",
                   n > 900 ? 900 : (int)n, r->start);
}

/* Fields to a civil date and time; *offset and *has_zone when TZH was there. */
static qn_status combine(reader *r, qn_civil *c, bool *has_zone, int32_t *offset, int32_t *precision)
{
    fields *f = &r->f;
    bool    have_year = false, have_month = false, have_day = false;
    int64_t century = f->century;
    *c = (qn_civil){.month = 1, .day = 1};
    *precision = f->precision ? f->precision : -1;
    if (f->seconds_of_day) {
        c->hour = f->seconds_of_day / 3600;
        c->minute = f->seconds_of_day / 60 % 60;
        c->second = f->seconds_of_day % 60;
    }
    if (f->second)
        c->second = f->second;
    if (f->minute)
        c->minute = f->minute;
    if (f->hour)
        c->hour = f->hour;
    if (f->half_day) {
        if (c->hour < 1 || c->hour > 12) {
            qn_status st = qn_fail(r->call->err, QN_SQLSTATE_INVALID_DATETIME,
                                   "hour \"%d\" is invalid for the 12-hour clock", c->hour);
            qn_error_hint(r->call->err, "Use the 24-hour clock, or give an hour between 1 and 12.");
            return st;
        }
        c->hour = c->hour % 12 + (f->pm ? 12 : 0);
    }
    if (f->year) {
        if (century && f->year_digits <= 2) { /* low digits within the century; 2000 ends the 20th */
            if (f->bc)
                century = -century;
            c->year = f->year % 100;
            if (c->year)
                c->year = century >= 0 ? c->year + (century - 1) * 100 : (century + 1) * 100 - c->year + 1;
            else
                c->year = century * 100 + (century >= 0 ? 0 : 1);
        } else {
            c->year = f->bc ? -(int64_t)f->year : f->year;
            if (c->year < 0)
                c->year++;
        }
        have_year = true;
    } else if (century) {
        if (f->bc)
            century = -century;
        c->year = (century >= 0 ? century - 1 : century) * 100 + 1;
        have_year = true;
    }
    if (f->julian) {
        qn_civil_from_days((int64_t)f->julian - QN_EPOCH_JULIAN, &c->year, &c->month, &c->day);
        have_year = have_month = have_day = true;
    }
    int64_t day_of_year = f->day_of_year, day = f->day;
    if (f->week) {
        if (f->mode == 'W') {
            int64_t monday = qn_days_from_iso_week(c->year, 1) + ((int64_t)f->week - 1) * 7;
            int64_t shift = f->weekday ? (f->weekday > 1 ? f->weekday - 2 : 6) : 0;
            qn_civil_from_days(monday + shift, &c->year, &c->month, &c->day);
            have_year = have_month = have_day = true;
        } else {
            day_of_year = ((int64_t)f->week - 1) * 7 + 1;
        }
    }
    if (f->week_of_month)
        day = ((int64_t)f->week_of_month - 1) * 7 + 1;
    if (day) {
        if (day < 1 || day > 31)
            return field_range(r);
        c->day = (int)day;
        have_day = true;
    }
    if (f->month) {
        if (f->month < 1 || f->month > 12)
            return field_range(r);
        c->month = f->month;
        have_month = true;
    }
    if (day_of_year && (c->month <= 1 || c->day <= 1)) {
        int64_t year;
        int     month, first_day;
        if (!c->year && !f->bc)
            return qn_fail(r->call->err, QN_SQLSTATE_INVALID_DATETIME,
                           "cannot calculate day of year without year information");
        if (f->mode == 'W') {
            qn_civil_from_days(qn_days_from_iso_week(c->year, 1) - 1 + day_of_year, &c->year, &c->month, &c->day);
            have_year = true;
        } else {
            int64_t last = qn_days_from_civil(c->year + 1, 1, 1) - qn_days_from_civil(c->year, 1, 1);
            if (day_of_year < 1 || day_of_year > last)
                return field_range(r);
            qn_civil_from_days(qn_days_from_civil(c->year, 1, 1) + day_of_year - 1, &year, &month, &first_day);
            if (c->month <= 1)
                c->month = month;
            if (c->day <= 1)
                c->day = first_day;
        }
        have_month = have_day = true;
    }
    if (have_year && have_month && have_day && c->day > qn_days_in_month(c->year, c->month))
        return field_range(r);
    int64_t micros = (int64_t)f->millis * 1000 + f->micros;
    if (c->hour < 0 || c->hour >= 24 || c->minute < 0 || c->minute >= 60 || c->second < 0 || c->second >= 60 ||
        micros < 0 || micros >= 1000000)
        return field_range(r);
    c->micros = (int)micros;
    *has_zone = f->zone_sign != 0;
    if (*has_zone) {
        if (f->zone_hour < 0 || f->zone_hour > 15 || f->zone_minute < 0 || f->zone_minute >= 60)
            return qn_fail(r->call->err, QN_SQLSTATE_INVALID_TIME_ZONE, "time zone displacement out of range: \"%.900s\"",
                           r->start);
        *offset = f->zone_sign * (f->zone_hour * 3600 + f->zone_minute * 60);
    }
    return QN_OK;
}

static qn_status read_civil(qn_call *call, const qn_datum *args, qn_civil *c, bool *has_zone, int32_t *offset,
                            int32_t *precision)
{
    reader    r = {.call = call};
    qn_status st = format_picture_get(call, &args[1].str, true, &r.picture);
    if (st != QN_OK)
        return st;
    char *copy = qn_arena_strndup(call->arena, qn_str_data(&args[0].str), args[0].str.bytes);
    if (!copy)
        return qn_nomem(call->err);
    r.start = r.s = copy;
    st = read_all(&r);
    return st == QN_OK ? combine(&r, c, has_zone, offset, precision) : st;
}

FORMAT_FN(format_to_date)
{
    (void)nulls;
    (void)null;
    qn_civil  c;
    bool      has_zone;
    int32_t   offset, precision;
    qn_status st = read_civil(call, args, &c, &has_zone, &offset, &precision);
    if (st != QN_OK)
        return st;
    int64_t days = qn_days_from_civil(c.year, c.month, c.day);
    if (!qn_date_in_range(days))
        return qn_fail(call->err, QN_SQLSTATE_DATETIME_OVERFLOW, "date out of range: \"%.*s\"",
                       args[0].str.bytes > 900 ? 900 : (int)args[0].str.bytes, qn_str_data(&args[0].str));
    result->i32 = (int32_t)days;
    return QN_OK;
}
FORMAT_FN(format_to_timestamp)
{
    (void)nulls;
    (void)null;
    qn_civil  c;
    bool      has_zone;
    int32_t   offset = 0, precision;
    int64_t   local;
    qn_status st = read_civil(call, args, &c, &has_zone, &offset, &precision);
    if (st != QN_OK)
        return st;
    if (qn_timestamp_from_civil(&c, &local)) {
        if (has_zone)
            result->i64 = local - offset * QN_USECS_PER_SEC;
        else
            qn_timestamp_from_local(local, call->set ? call->set->zone : NULL, &result->i64);
        if (qn_timestamp_in_range(result->i64)) /* FF1 … FF6 round */
            return qn_datetime_apply_typmod((qn_type){QN_TYPE_TIMESTAMPTZ, precision}, result, call->err);
    }
    return qn_fail(call->err, QN_SQLSTATE_DATETIME_OVERFLOW, "timestamp out of range");
}
