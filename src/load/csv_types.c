/* What a value of a CSV file may be read as.
 *
 * The answer is a set, so that a column's type is the narrowest in the intersection over its values.  A set never promises
 * what the type's input function (type/value.c) would refuse.  On purpose text:
 *   - numbers with zeros or a plus in front: they are codes (postal, telephone), and a number would lose them;
 *   - numbers with separators of thousands, and decimal commas;
 *   - dates with years of two digits.
 * 04/05/2024 may be the fourth of May or the fifth of April: the column decides by a value above 12, and without one
 * month, day, year is PostgreSQL's default order. */
#include "load/csv.h"
#include "type/datetime.h"

#define INTEGERS (QN_GUESS_INTEGER | QN_GUESS_BIGINT | QN_GUESS_NUMERIC | QN_GUESS_DOUBLE)
#define EXPONENT_MAX 305 /* with the digits before it; beyond, double precision may overflow */
#define DIGITS_MAX   1000

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool word_is(const char *s, size_t n, const char *word)
{
    if (strlen(word) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((s[i] | 0x20) != word[i])
            return false;
    return true;
}

/* Up to `most` digits at *p. */
static uint32_t take_digits(const char **p, const char *end, uint32_t most, int *value)
{
    uint32_t n = 0;
    *value = 0;
    while (*p < end && n < most && is_digit(**p)) {
        *value = *value * 10 + (*(*p)++ - '0');
        n++;
    }
    return n;
}

static uint32_t number(const char *s, const char *end)
{
    const char *p = s + (s < end && *s == '-'), *first = p;
    while (p < end && is_digit(*p))
        p++;
    size_t whole = (size_t)(p - first), fraction = 0;
    bool   point = p < end && *p == '.';
    if (point)
        for (p++; p < end && is_digit(*p); p++)
            fraction++;
    if (whole + fraction == 0 || whole + fraction > DIGITS_MAX || (whole > 1 && *first == '0'))
        return 0;
    if (p == end && point)
        return QN_GUESS_NUMERIC | QN_GUESS_DOUBLE;
    if (p < end) { /* an exponent */
        int value;
        if ((*p | 0x20) != 'e')
            return 0;
        p++;
        p += p < end && (*p == '-' || *p == '+');
        return take_digits(&p, end, 3, &value) && p == end && (size_t)value + whole + fraction <= EXPONENT_MAX
                   ? QN_GUESS_DOUBLE
                   : 0;
    }
    if (whole > 19)
        return whole > EXPONENT_MAX ? QN_GUESS_NUMERIC : QN_GUESS_NUMERIC | QN_GUESS_DOUBLE;
    uint64_t v = 0, most = (uint64_t)INT64_MAX + (*s == '-');
    for (const char *d = first; d < end; d++)
        v = v * 10 + (uint64_t)(*d - '0'); /* 19 digits fit */
    return v > most                                  ? QN_GUESS_NUMERIC | QN_GUESS_DOUBLE
           : v > (uint64_t)INT32_MAX + (*s == '-') ? INTEGERS & ~QN_GUESS_INTEGER
                                                     : INTEGERS;
}

/* The time of day behind a date.  *zoned: with a distance from UTC. */
static bool time_of_day(const char *p, const char *end, bool *zoned)
{
    int hour, minute, second = 0, fraction, zone_hour, zone_minute = 0;

    *zoned = false;
    if (take_digits(&p, end, 2, &hour) != 2 || p == end || *p++ != ':' || take_digits(&p, end, 2, &minute) != 2)
        return false;
    if (p < end && *p == ':') {
        p++;
        if (take_digits(&p, end, 2, &second) != 2)
            return false;
        if (p < end && *p == '.') {
            p++;
            if (!take_digits(&p, end, 9, &fraction))
                return false;
        }
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    if (p == end)
        return true;
    *zoned = true;
    if (*p == 'Z')
        return p + 1 == end;
    if (*p != '+' && *p != '-')
        return false;
    p++;
    if (take_digits(&p, end, 2, &zone_hour) != 2 || zone_hour > 14)
        return false;
    if (p < end) {
        p += *p == ':';
        if (take_digits(&p, end, 2, &zone_minute) != 2 || zone_minute > 59)
            return false;
    }
    return p == end;
}

static bool is_day(int year, int month, int day)
{
    return year > 0 && month > 0 && month <= 12 && day > 0 && day <= qn_days_in_month(year, month);
}

static uint32_t date(const char *s, const char *end)
{
    const char *p = s;
    int         a, b, c;
    uint32_t    guess = 0, n = take_digits(&p, end, 4, &a);
    if (!n || p == end)
        return 0;
    char separator = *p++;
    if (separator != '-' && separator != '/' && separator != '.')
        return 0;
    uint32_t m = take_digits(&p, end, 2, &b);
    if (!m || p == end || *p++ != separator)
        return 0;
    uint32_t k = take_digits(&p, end, 4, &c);
    if (n == 4 && (k == 1 || k == 2) && separator != '.' && is_day(a, b, c))
        guess = QN_GUESS_DATE_YMD | QN_GUESS_TIMESTAMP_YMD;
    else if (n <= 2 && k == 4)
        guess = (separator != '.' && is_day(c, a, b) ? QN_GUESS_DATE_MDY | QN_GUESS_TIMESTAMP_MDY : 0) |
                (is_day(c, b, a) ? QN_GUESS_DATE_DMY | QN_GUESS_TIMESTAMP_DMY : 0);
    if (!guess || p == end)
        return guess;
    bool zoned;
    if ((*p != ' ' && *p != 'T') || (*p == 'T' && n != 4) || !time_of_day(p + 1, end, &zoned))
        return 0;
    guess &= QN_GUESS_TIMESTAMP_YMD | QN_GUESS_TIMESTAMP_MDY | QN_GUESS_TIMESTAMP_DMY;
    return !zoned ? guess : guess & QN_GUESS_TIMESTAMP_YMD ? QN_GUESS_TIMESTAMPTZ : 0;
}

uint32_t qn_csv_guess_of(const char *s, size_t bytes)
{
    const char *end = s + bytes;
    while (s < end && *s == ' ')
        s++;
    while (end > s && end[-1] == ' ')
        end--;
    size_t n = (size_t)(end - s);
    if (!n)
        return 0;
    if (is_digit(*s)) {
        uint32_t guess = number(s, end);
        return guess ? guess : date(s, end);
    }
    if (*s == '-' || *s == '.') {
        uint32_t guess = number(s, end);
        return guess || n < 4 ? guess : word_is(s + 1, n - 1, "infinity") ? QN_GUESS_DOUBLE : 0;
    }
    if (word_is(s, n, "true") || word_is(s, n, "false"))
        return QN_GUESS_BOOLEAN;
    return word_is(s, n, "nan") || word_is(s, n, "infinity") ? QN_GUESS_DOUBLE : 0;
}

qn_type qn_csv_guess_type(uint32_t guess, bool complete, bool *day_first)
{
    static const struct {
        uint32_t guess;
        uint8_t  type;
        bool     day_first;
    } order[] = {
        {QN_GUESS_BOOLEAN, QN_TYPE_BOOLEAN, false},       {QN_GUESS_INTEGER, QN_TYPE_INTEGER, false},
        {QN_GUESS_BIGINT, QN_TYPE_BIGINT, false},         {QN_GUESS_NUMERIC, QN_TYPE_NUMERIC, false},
        {QN_GUESS_DOUBLE, QN_TYPE_DOUBLE, false},         {QN_GUESS_DATE_YMD, QN_TYPE_DATE, false},
        {QN_GUESS_DATE_MDY, QN_TYPE_DATE, false},         {QN_GUESS_DATE_DMY, QN_TYPE_DATE, true},
        {QN_GUESS_TIMESTAMP_YMD, QN_TYPE_TIMESTAMP, false}, {QN_GUESS_TIMESTAMP_MDY, QN_TYPE_TIMESTAMP, false},
        {QN_GUESS_TIMESTAMP_DMY, QN_TYPE_TIMESTAMP, true}, {QN_GUESS_TIMESTAMPTZ, QN_TYPE_TIMESTAMPTZ, false},
    };
    *day_first = false;
    if (guess == QN_GUESS_ALL) /* nothing was seen */
        return QN_TYPE(TEXT);
    if (!complete) /* what comes later may be larger */
        guess &= ~(uint32_t)QN_GUESS_INTEGER;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (guess & order[i].guess) {
            *day_first = order[i].day_first;
            return (qn_type){order[i].type, -1};
        }
    return QN_TYPE(TEXT);
}
