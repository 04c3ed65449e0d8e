/* What the date and time parsers share: the field splitter, number reading, verdicts. */
#ifndef QN_TYPE_DATETIME_INT_H
#define QN_TYPE_DATETIME_INT_H

#include <errno.h>
#include "type/datetime.h"

#define DT_TEXT_LIMIT 128 /* longer text is no date */
#define DT_FIELDS 25

typedef enum dt_field_kind { DT_NUMBER, DT_DATE, DT_TIME, DT_SIGNED, DT_STRING, DT_SPECIAL } dt_field_kind;
typedef struct dt_field {
    uint8_t     kind;
    const char *text;
} dt_field;
typedef struct dt_fields {
    dt_field field[DT_FIELDS];
    int      count;
    size_t   used;
    bool     overflow;
    char     text[DT_TEXT_LIMIT + DT_FIELDS + 1];
} dt_fields;

typedef enum dt_result {
    DT_GOOD,
    DT_BAD,               /* 22007 */
    DT_OVERFLOW,          /* 22008 */
    DT_ORDER,             /* 22008 with a hint about DateStyle */
    DT_INTERVAL_OVERFLOW, /* 22015 */
    DT_ZONE_OVERFLOW,     /* 22009 */
    DT_FAILED             /* the error is recorded already */
} dt_result;

static inline bool dt_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool dt_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static inline bool dt_alnum(char c) { return dt_digit(c) || dt_alpha(c); }
static inline bool dt_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static inline char dt_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }
static inline char dt_upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 32) : c; }

bool      dt_split(const char *text, size_t bytes, dt_fields *f);
bool      dt_int(const char *s, const char **end, int *out);
bool      dt_fraction(const char *s, double *out);
dt_result dt_time(const char *s, bool minutes_seconds, int64_t *hour, int *minute, int *second, int *micros);
qn_status dt_fail(dt_result result, qn_sql_type type, const char *text, size_t bytes, qn_error *err);
qn_status dt_interval_parse(qn_type type, const char *text, size_t bytes, qn_datum *out, qn_error *err);

#endif
