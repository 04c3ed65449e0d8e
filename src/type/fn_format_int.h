/* Format pictures of to_char, to_date, to_timestamp and to_number, cut into nodes. */
#ifndef QN_TYPE_FN_FORMAT_INT_H
#define QN_TYPE_FN_FORMAT_INT_H

#include "catalog/function.h"

typedef struct format_keyword {
    const char *name;
    uint8_t     id;
    bool        digits; /* a number: two in a row have no separator to end the first */
    char        mode;   /* dates only: 'G' Gregorian, 'W' ISO week, 0 either */
} format_keyword;

enum { SUFFIX_FM = 1, SUFFIX_TH_UPPER = 2, SUFFIX_TH_LOWER = 4, SUFFIX_TM = 8 };

typedef struct format_node {
    enum { NODE_KEY, NODE_CHAR, NODE_SEPARATOR, NODE_SPACE } kind;
    uint8_t               suffix;
    uint8_t               bytes;    /* of a literal character */
    char                  text[4];
    const format_keyword *key;
} format_node;

typedef struct format_picture {
    qn_str       source;
    uint32_t     count;
    format_node *nodes;
} format_picture;

/* The picture of a format text: parsed once per call site while the text stays the same. */
qn_status format_picture_get(qn_call *call, const qn_str *format, bool date, const format_picture **out);

extern const format_keyword format_date_keywords[], format_number_keywords[]; /* end with name NULL */

/* "st", "nd", "rd" or "th" for a number's digits. */
const char *format_ordinal(const char *digits, size_t bytes, bool upper);

static inline bool format_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static inline bool format_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool format_separator(char c)
{
    return c > 0x20 && c < 0x7f && !format_digit(c) && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z');
}

/* Hand a finished buffer over as the result, in the call's arena; the buffer is emptied either way. */
qn_status format_result(qn_call *call, qn_buf *buf, qn_datum *result);

#define FORMAT_FN(name)                                                                            \
    qn_status name(qn_call *call, const qn_datum *args, const bool *nulls, qn_datum *result, bool *null)

FORMAT_FN(format_timestamp);
FORMAT_FN(format_timestamptz);
FORMAT_FN(format_interval);
FORMAT_FN(format_to_date);
FORMAT_FN(format_to_timestamp);
FORMAT_FN(format_int4);
FORMAT_FN(format_int8);
FORMAT_FN(format_float4);
FORMAT_FN(format_float8);
FORMAT_FN(format_numeric);
FORMAT_FN(format_to_number);

#endif
