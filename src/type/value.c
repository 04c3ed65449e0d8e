/* Single values: text in and out, order, identity, copies.
 *
 * Each function is a switch over the type whose cases are a few lines or one call: numeric, floats
 * and date/time have files of their own.
 *
 * Three notions of sameness, from coarse to fine: equal (SQL's =), identical (qn_value_identity,
 * the same classes as equal, as 128 bits), and stored alike (bit for bit: what a column block keeps
 * apart). */
#include "type/type.h"

#include <math.h>
#include <strings.h>

#include "base/assert.h"
#include "base/hash.h"
#include "type/datetime.h"
#include "type/float_text.h"
#include "type/numeric.h"

/* ---- text to value ------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Messages have a fixed size: show no more of a text than fits. */
static int shown(size_t bytes)
{
    return (int)(bytes < 900 ? bytes : 900);
}

static qn_status invalid(qn_sql_type id, const char *text, size_t bytes, qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_INVALID_TEXT_REPRESENTATION,
                   "invalid input syntax for type %s: \"%.*s\"", qn_type_name(id), shown(bytes),
                   text);
}

static qn_status parse_bool(const char *text, size_t bytes, bool *out, qn_error *err)
{
    /* Any prefix will do that tells a word from the others: "o" alone does not. */
    static const struct {
        const char *word;
        uint8_t     least;
        bool        value;
    } words[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                 {"on", 2, true},   {"off", 2, false},   {"1", 1, true},   {"0", 1, false}};
    const char *p = text, *end = text + bytes;
    while (p < end && is_space(*p))
        p++;
    while (end > p && is_space(end[-1]))
        end--;
    size_t n = (size_t)(end - p);
    for (size_t i = 0; i < QN_COUNTOF(words); i++) {
        if (n >= words[i].least && n <= strlen(words[i].word) &&
            strncasecmp(p, words[i].word, n) == 0) {
            *out = words[i].value;
            return QN_OK;
        }
    }
    return invalid(QN_TYPE_BOOLEAN, text, bytes, err);
}

/* An integer of [lo, hi].  Digits are read to the first that overflows: what follows is not looked
 * at. */
static qn_status parse_int(qn_sql_type id, const char *text, size_t bytes, int64_t lo, int64_t hi,
                           int64_t *out, qn_error *err)
{
    const char *p = text, *end = text + bytes;
    bool        negative = false;
    uint64_t    limit, v = 0;
    while (p < end && is_space(*p))
        p++;
    if (p < end && (*p == '-' || *p == '+'))
        negative = *p++ == '-';
    limit = negative ? 0 - (uint64_t)lo : (uint64_t)hi;
    if (p == end || *p < '0' || *p > '9')
        return invalid(id, text, bytes, err);
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (v > (limit - digit) / 10)
            return qn_fail(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE,
                           "value \"%.*s\" is out of range for type %s", shown(bytes), text,
                           qn_type_name(id));
        v = v * 10 + digit;
    }
    while (p < end && is_space(*p))
        p++;
    if (p != end)
        return invalid(id, text, bytes, err);
    *out = (int64_t)(negative ? 0 - v : v);
    return QN_OK;
}

static qn_status check_utf8(const char *text, size_t bytes, qn_error *err)
{
    const char *zero = memchr(text, 0, bytes);
    size_t      bad = qn_utf8_valid(text, bytes);
    if (zero && (size_t)(zero - text) < bad)
        bad = (size_t)(zero - text);
    if (bad >= bytes)
        return QN_OK;
    /* As many bytes as the sequence claims to have. */
    uint8_t lead = (uint8_t)text[bad];
    size_t  n = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 1;
    char    list[32] = "";
    for (size_t i = 0; i < n && bad + i < bytes; i++) {
        static const char hex[] = "0123456789abcdef";
        char             *p = list + strlen(list);
        uint8_t           b = (uint8_t)text[bad + i];
        memcpy(p, (char[]){i ? ' ' : '0', i ? '0' : 'x', 0}, 3);
        p += 2;
        if (i)
            *p++ = 'x';
        *p++ = hex[b >> 4];
        *p++ = hex[b & 15];
        *p = 0;
    }
    return qn_fail(err, QN_SQLSTATE_CHARACTER_NOT_IN_REPERTOIRE,
                   "invalid byte sequence for encoding \"UTF8\": %s", list);
}

/* varchar(n), char(n): n characters.  Excess blanks are dropped, other excess is 22001; char is
 * padded. */
static qn_status parse_limited(qn_type type, const char *text, size_t bytes, qn_arena *arena,
                               qn_str *out, qn_error *err)
{
    size_t limit = (size_t)(type.typmod - 4), chars = qn_utf8_count(text, bytes);
    if (chars > limit) {
        size_t keep = qn_utf8_offset(text, bytes, limit);
        for (size_t i = keep; i < bytes; i++) {
            if (text[i] != ' ')
                return qn_fail(err, QN_SQLSTATE_STRING_TRUNCATION,
                               "value too long for type %s(%zu)",
                               qn_type_name((qn_sql_type)type.id), limit);
        }
        bytes = keep;
        chars = limit;
    }
    size_t pad = type.id == QN_TYPE_CHAR ? limit - chars : 0;
    if (bytes + pad > UINT32_MAX)
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "string is too long");
    if (bytes + pad <= QN_STR_INLINE) {
        char small[QN_STR_INLINE];
        if (bytes)
            memcpy(small, text, bytes);
        memset(small + bytes, ' ', pad);
        *out = qn_str_of(small, bytes + pad);
        return QN_OK;
    }
    char *copy = qn_arena_alloc(arena, bytes + pad);
    if (!copy)
        return qn_nomem(err);
    memcpy(copy, text, bytes);
    memset(copy + bytes, ' ', pad);
    *out = qn_str_of(copy, bytes + pad);
    return QN_OK;
}

static qn_status parse_text(qn_type type, const char *text, size_t bytes, qn_arena *arena,
                            qn_str *out, qn_error *err)
{
    qn_status st = check_utf8(text, bytes, err);
    if (st != QN_OK)
        return st;
    if ((type.id == QN_TYPE_VARCHAR || type.id == QN_TYPE_CHAR) && type.typmod >= 4)
        return parse_limited(type, text, bytes, arena, out, err);
    if (bytes > UINT32_MAX)
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "string is too long");
    qn_str view = qn_str_of(text, bytes);
    return qn_str_copy(arena, &view, out) ? QN_OK : qn_nomem(err);
}

qn_status qn_value_parse(qn_type type, const char *text, size_t bytes, const qn_text_settings *set,
                         qn_arena *arena, qn_datum *out, qn_error *err)
{
    qn_status st;
    int64_t   v = 0;
    out->words[0] = out->words[1] = 0;
    switch (type.id) {
    case QN_TYPE_BOOLEAN:
        return parse_bool(text, bytes, &out->b, err);
    case QN_TYPE_SMALLINT:
        st = parse_int(QN_TYPE_SMALLINT, text, bytes, INT16_MIN, INT16_MAX, &v, err);
        out->i16 = (int16_t)v;
        return st;
    case QN_TYPE_INTEGER:
        st = parse_int(QN_TYPE_INTEGER, text, bytes, INT32_MIN, INT32_MAX, &v, err);
        out->i32 = (int32_t)v;
        return st;
    case QN_TYPE_BIGINT:
        return parse_int(QN_TYPE_BIGINT, text, bytes, INT64_MIN, INT64_MAX, &out->i64, err);
    case QN_TYPE_REAL:
        return qn_f32_parse(text, bytes, &out->f32, err);
    case QN_TYPE_DOUBLE:
        return qn_f64_parse(text, bytes, &out->f64, err);
    case QN_TYPE_NUMERIC:
        return qn_numeric_parse(text, bytes, type.typmod, arena, &out->num, err);
    case QN_TYPE_UNKNOWN:
    case QN_TYPE_TEXT:
    case QN_TYPE_VARCHAR:
    case QN_TYPE_CHAR:
        return parse_text(type, text, bytes, arena, &out->str, err);
    case QN_TYPE_DATE:
    case QN_TYPE_TIME:
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
    case QN_TYPE_INTERVAL:
        return qn_datetime_parse(type, text, bytes, set, out, err);
    default:
        return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "unknown type %d", (int)type.id);
    }
}

/* ---- value to text ------------------------------------------------------------------------- */

static void print_int(int64_t v, qn_buf *buf)
{
    char     text[24], *end = text + sizeof text, *p = end;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        *--p = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0)
        *--p = '-';
    qn_buf_add(buf, p, (size_t)(end - p));
}

void qn_value_print(qn_type type, const qn_datum *value, const qn_text_settings *set, qn_buf *buf)
{
    char text[QN_FLOAT_TEXT_BYTES];
    int  extra = set ? set->extra_float_digits : 1;
    switch (type.id) {
    case QN_TYPE_BOOLEAN:
        qn_buf_putc(buf, value->b ? 't' : 'f');
        break;
    case QN_TYPE_SMALLINT:
        print_int(value->i16, buf);
        break;
    case QN_TYPE_INTEGER:
        print_int(value->i32, buf);
        break;
    case QN_TYPE_BIGINT:
        print_int(value->i64, buf);
        break;
    case QN_TYPE_REAL:
        qn_buf_add(buf, text, qn_f32_text(value->f32, extra, text));
        break;
    case QN_TYPE_DOUBLE:
        qn_buf_add(buf, text, qn_f64_text(value->f64, extra, text));
        break;
    case QN_TYPE_NUMERIC:
        qn_numeric_print(value->num, buf);
        break;
    case QN_TYPE_DATE:
    case QN_TYPE_TIME:
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
    case QN_TYPE_INTERVAL:
        qn_datetime_print(type, value, set, buf);
        break;
    default:
        qn_buf_add(buf, qn_str_data(&value->str), value->str.bytes);
        break;
    }
}

/* ---- order --------------------------------------------------------------------------------- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_f64(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (isnan(a) != 0) - (isnan(b) != 0);
    return COMPARE(a, b);
}

/* char(n) without its padding. */
static uint32_t unpadded(const qn_str *s)
{
    const char *p = qn_str_data(s);
    uint32_t    n = s->bytes;
    while (n && p[n - 1] == ' ')
        n--;
    return n;
}

static int compare_char(const qn_str *a, const qn_str *b)
{
    uint32_t x = unpadded(a), y = unpadded(b), n = x < y ? x : y;
    int      c = n ? memcmp(qn_str_data(a), qn_str_data(b), n) : 0;
    return c ? c : COMPARE(x, y);
}

int qn_value_compare(qn_sql_type id, const qn_datum *a, const qn_datum *b)
{
    switch (id) {
    case QN_TYPE_BOOLEAN:
        return COMPARE(a->b, b->b);
    case QN_TYPE_SMALLINT:
        return COMPARE(a->i16, b->i16);
    case QN_TYPE_INTEGER:
    case QN_TYPE_DATE:
        return COMPARE(a->i32, b->i32);
    case QN_TYPE_BIGINT:
    case QN_TYPE_TIME:
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
        return COMPARE(a->i64, b->i64);
    case QN_TYPE_REAL:
        return compare_f64((double)a->f32, (double)b->f32);
    case QN_TYPE_DOUBLE:
        return compare_f64(a->f64, b->f64);
    case QN_TYPE_NUMERIC:
        return qn_numeric_compare(a->num, b->num);
    case QN_TYPE_CHAR:
        return compare_char(&a->str, &b->str);
    case QN_TYPE_INTERVAL:
        return qn_interval_compare(&a->interval, &b->interval);
    default:
        return qn_str_compare(&a->str, &b->str);
    }
}

bool qn_value_equal(qn_sql_type id, const qn_datum *a, const qn_datum *b)
{
    switch (id) {
    case QN_TYPE_UNKNOWN:
    case QN_TYPE_TEXT:
    case QN_TYPE_VARCHAR:
        return qn_str_equal(&a->str, &b->str);
    default:
        return qn_value_compare(id, a, b) == 0;
    }
}

int qn_value_compare_stored(qn_sql_type id, const qn_datum *a, const qn_datum *b)
{
    int c = qn_value_compare(id, a, b);
    if (c)
        return c;
    switch (id) {
    case QN_TYPE_REAL: { /* -0 before 0; NaNs by their bits */
        uint32_t x, y;
        memcpy(&x, &a->f32, 4);
        memcpy(&y, &b->f32, 4);
        return COMPARE((int32_t)x, (int32_t)y);
    }
    case QN_TYPE_DOUBLE:
        return COMPARE((int64_t)a->words[0], (int64_t)b->words[0]);
    case QN_TYPE_NUMERIC:
        return qn_numeric_compare_stored(a->num, b->num);
    case QN_TYPE_CHAR:
        return qn_str_compare(&a->str, &b->str);
    case QN_TYPE_INTERVAL:
        c = COMPARE(a->interval.months, b->interval.months);
        return c ? c : COMPARE(a->interval.days, b->interval.days);
    default:
        return 0;
    }
}

/* ---- identity and copies ------------------------------------------------------------------- */

static void identity_f64(double v, uint64_t identity[2])
{
    v = isnan(v) ? (double)NAN : v == 0 ? 0.0 : v;
    memcpy(identity, &v, sizeof v);
    if (isnan(v))
        identity[0] = UINT64_C(0x7ff8000000000000); /* the sign of NAN differs between compilers */
}

static void identity_bytes(const char *data, size_t bytes, uint64_t identity[2])
{
    qn_hash128 h = qn_blake3_128(data, bytes);
    identity[0] = h.lo;
    identity[1] = h.hi;
}

void qn_value_identity(qn_sql_type id, const qn_datum *value, uint64_t identity[2])
{
    identity[0] = identity[1] = 0;
    switch (id) {
    case QN_TYPE_BOOLEAN:
        identity[0] = value->b;
        break;
    case QN_TYPE_SMALLINT:
        identity[0] = (uint64_t)(int64_t)value->i16;
        break;
    case QN_TYPE_INTEGER:
    case QN_TYPE_DATE:
        identity[0] = (uint64_t)(int64_t)value->i32;
        break;
    case QN_TYPE_BIGINT:
    case QN_TYPE_TIME:
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
        identity[0] = (uint64_t)value->i64;
        break;
    case QN_TYPE_REAL:
        identity_f64((double)value->f32, identity);
        break;
    case QN_TYPE_DOUBLE:
        identity_f64(value->f64, identity);
        break;
    case QN_TYPE_NUMERIC:
        qn_numeric_identity(value->num, identity);
        break;
    case QN_TYPE_CHAR:
        identity_bytes(qn_str_data(&value->str), unpadded(&value->str), identity);
        break;
    case QN_TYPE_INTERVAL: {
        qn_u128 span = (qn_u128)qn_interval_linear(&value->interval);
        identity[0] = (uint64_t)span;
        identity[1] = (uint64_t)(span >> 64);
        break;
    }
    default:
        identity_bytes(qn_str_data(&value->str), value->str.bytes, identity);
        break;
    }
}

bool qn_value_copy(qn_bank bank, const qn_datum *value, qn_arena *arena, qn_datum *out)
{
    switch (bank) {
    case QN_BANK_STR:
        return qn_str_copy(arena, &value->str, &out->str);
    case QN_BANK_NUM:
        return qn_numeric_copy(value->num, arena, &out->num);
    default:
        *out = *value;
        return true;
    }
}
