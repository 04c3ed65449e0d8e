/* Functions, operators and casts of text, varchar and char(n): PostgreSQL 15's chapter 9.4.
 *
 * The table at the end names all of them; the simple ones live here, others in fn_string_like.c,
 * fn_string_format.c and fn_string_unicode.c, regular expressions in fn_regex.c.  Positions and lengths
 * count characters.  Upper and lower case are those of ASCII letters: the database's collation is C, where
 * PostgreSQL too leaves all other characters alone.
 *
 * Results beyond 1 GB are refused (54000) before anything is allocated.
 *
 * Not here: what needs arrays or bytea (string_to_array, encode, sha256, parse_ident …). */
#include "type/fn_text.h"

#include "base/assert.h"
#include "type/find.h"
#include "type/md5.h"

/* ---- lengths and case ----------------------------------------------------------------------- */

static QN_SCALAR(length)
{
    result->i32 = (int32_t)qn_utf8_count(qn_str_data(&args[0].str), args[0].str.bytes);
    return QN_OK;
}

static qn_status length_lanes(qn_call *call, const qn_lanes *l, bool *done)
{
    const qn_str *text = l->args[0];
    int32_t      *out = l->result;

    (void)call;
    *done = !l->constant[0];
    for (uint32_t i = 0; i < l->count && *done; i++) {
        uint32_t lane = l->lanes ? l->lanes[i] : i;
        out[lane] = (int32_t)qn_utf8_count(qn_str_data(&text[lane]), text[lane].bytes);
    }
    return QN_OK;
}

static QN_SCALAR(bpcharlen)
{
    result->i32 = (int32_t)qn_utf8_count(qn_str_data(&args[0].str), qn_bpchar_bytes(&args[0].str));
    return QN_OK;
}

static QN_SCALAR(octet_length)
{
    result->i32 = (int32_t)args[0].str.bytes;
    return QN_OK;
}

static QN_SCALAR(bit_length)
{
    if (__builtin_mul_overflow((int32_t)args[0].str.bytes, 8, &result->i32)) {
        return qn_fail(call->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "integer out of range");
    }
    return QN_OK;
}

typedef enum letter_case { LOWER, UPPER, INITCAP } letter_case;

static qn_status change_case(qn_call *call, const qn_str *s, letter_case how, qn_datum *result)
{
    const char *in = qn_str_data(s);
    qn_str      out;
    qn_status   st;
    bool        in_word = false;
    char       *p = qn_text_begin(call, &out, s->bytes, &st);

    if (!p) {
        return st;
    }
    for (size_t i = 0; i < s->bytes; i++) {
        if (how == UPPER || (how == INITCAP && !in_word)) {
            p[i] = qn_ascii_upper(in[i]);
        } else {
            p[i] = qn_ascii_lower(in[i]);
        }
        in_word = qn_ascii_letter(in[i]) || (in[i] >= '0' && in[i] <= '9');
    }
    return qn_text_end(&out, result);
}

static QN_SCALAR(lower)
{
    return change_case(call, &args[0].str, LOWER, result);
}

static QN_SCALAR(upper)
{
    return change_case(call, &args[0].str, UPPER, result);
}

static QN_SCALAR(initcap)
{
    return change_case(call, &args[0].str, INITCAP, result);
}

/* ---- substring, overlay, left, right -------------------------------------------------------- */

typedef struct view {
    const char *p;
    size_t      bytes;
} view;

static view view_of(const qn_str *s)
{
    return (view){qn_str_data(s), s->bytes};
}

/* Characters first..first+count-1 of v, counted from 0; count SIZE_MAX: to the end. */
static view view_chars(view v, size_t first, size_t count)
{
    size_t begin = first ? qn_utf8_offset(v.p, v.bytes, first) : 0;

    v.p += begin;
    v.bytes -= begin;
    if (count < v.bytes) {
        v.bytes = qn_utf8_offset(v.p, v.bytes, count);
    }
    return v;
}

/* SUBSTRING(v FROM start FOR length) after SQL:2003: the part of start..start+length-1 inside the text. */
static qn_status substring_of(qn_call *call, view v, int32_t start, int32_t length, bool to_end,
                              view *out)
{
    int32_t end, first = start > 1 ? start : 1;

    *out = (view){v.p, 0};
    if (!to_end && length < 0) {
        return qn_fail(call->err, QN_SQLSTATE_SUBSTRING_ERROR,
                       "negative substring length not allowed");
    }
    if (to_end || __builtin_add_overflow(start, length, &end)) {
        *out = view_chars(v, (size_t)first - 1, SIZE_MAX);
    } else if (end > first) {
        *out = view_chars(v, (size_t)first - 1, (size_t)end - (size_t)first);
    }
    return QN_OK;
}

static QN_SCALAR(substring_length)
{
    view      v;
    qn_status st = substring_of(call, view_of(&args[0].str), args[1].i32, args[2].i32, false, &v);

    return st == QN_OK ? qn_text_of(call, v.p, v.bytes, result) : st;
}

static QN_SCALAR(substring_rest)
{
    view      v;
    qn_status st = substring_of(call, view_of(&args[0].str), args[1].i32, 0, true, &v);

    return st == QN_OK ? qn_text_of(call, v.p, v.bytes, result) : st;
}

static qn_status join3(qn_call *call, view a, view b, view c, qn_datum *result)
{
    qn_str    out;
    qn_status st;
    char     *p = qn_text_begin(call, &out, a.bytes + b.bytes + c.bytes, &st);

    if (!p) {
        return st;
    }
    memcpy(p, a.p, a.bytes);
    memcpy(p + a.bytes, b.p, b.bytes);
    memcpy(p + a.bytes + b.bytes, c.p, c.bytes);
    return qn_text_end(&out, result);
}

static qn_status overlay(qn_call *call, const qn_datum *args, int32_t length, qn_datum *result)
{
    qn_status st = QN_OK;
    int32_t   start = args[2].i32, rest;
    view      v = view_of(&args[0].str), head, tail;

    if (start <= 0) {
        return qn_fail(call->err, QN_SQLSTATE_SUBSTRING_ERROR,
                       "negative substring length not allowed");
    }
    if (__builtin_add_overflow(start, length, &rest)) {
        return qn_fail(call->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "integer out of range");
    }
    QN_TRY(substring_of(call, v, 1, start - 1, false, &head));
    QN_TRY(substring_of(call, v, rest, 0, true, &tail));
    st = join3(call, head, view_of(&args[1].str), tail, result);
done:
    return st;
}

static QN_SCALAR(overlay_length)
{
    return overlay(call, args, args[3].i32, result);
}

static QN_SCALAR(overlay_whole)
{
    return overlay(call, args, (int32_t)qn_utf8_count(qn_str_data(&args[1].str), args[1].str.bytes),
                   result);
}

/* A negative count means all but that many characters at the other end. */
static QN_SCALAR(left)
{
    view    v = view_of(&args[0].str);
    int64_t n = args[1].i32;

    if (n < 0) {
        n += (int64_t)qn_utf8_count(v.p, v.bytes);
    }
    v = view_chars(v, 0, n > 0 ? (size_t)n : 0);
    return qn_text_of(call, v.p, v.bytes, result);
}

static QN_SCALAR(right)
{
    view    v = view_of(&args[0].str);
    int64_t n = args[1].i32, drop = n < 0 ? -n : (int64_t)qn_utf8_count(v.p, v.bytes) - n;

    if (n == INT32_MIN) {
        drop = 0; /* PostgreSQL negates in 32 bits, which leaves the count negative */
    }
    v = view_chars(v, drop > 0 ? (size_t)drop : 0, SIZE_MAX);
    return qn_text_of(call, v.p, v.bytes, result);
}

/* ---- searching and replacing ---------------------------------------------------------------- */

static QN_SCALAR(strpos)
{
    view   v = view_of(&args[0].str);
    size_t at = qn_find(v.p, v.bytes, qn_str_data(&args[1].str), args[1].str.bytes);

    result->i32 = at == QN_NOT_FOUND ? 0 : (int32_t)qn_utf8_count(v.p, at) + 1;
    return QN_OK;
}

static QN_SCALAR(starts_with)
{
    const qn_str *s = &args[0].str, *prefix = &args[1].str;

    result->b = s->bytes >= prefix->bytes &&
                memcmp(qn_str_data(s), qn_str_data(prefix), prefix->bytes) == 0;
    return QN_OK;
}

static size_t count_matches(view v, view what)
{
    size_t count = 0, at;

    while ((at = qn_find(v.p, v.bytes, what.p, what.bytes)) != QN_NOT_FOUND) {
        count++;
        v.p += at + what.bytes;
        v.bytes -= at + what.bytes;
    }
    return count;
}

static QN_SCALAR(replace)
{
    view      v = view_of(&args[0].str), from = view_of(&args[1].str), to = view_of(&args[2].str);
    size_t    count = from.bytes ? count_matches(v, from) : 0, at;
    qn_str    out;
    qn_status st;
    char     *p;

    /* Fewer than 2^30 matches of less than 2^30 bytes each: no overflow in 64 bits. */
    p = qn_text_begin(call, &out, v.bytes - count * from.bytes + count * to.bytes, &st);
    if (!p) {
        return st;
    }
    for (; count > 0; count--) {
        at = qn_find(v.p, v.bytes, from.p, from.bytes);
        memcpy(p, v.p, at);
        memcpy(p + at, to.p, to.bytes);
        p += at + to.bytes;
        v.p += at + from.bytes;
        v.bytes -= at + from.bytes;
    }
    memcpy(p, v.p, v.bytes);
    return qn_text_end(&out, result);
}

/* Where the character at c stands in the list, counted in characters; QN_NOT_FOUND when it does not. */
static size_t char_index(view list, const char *c, size_t bytes)
{
    size_t index = 0;

    for (size_t i = 0, n; i < list.bytes; i += n, index++) {
        n = qn_char_bytes(list.p + i, list.bytes - i);
        if (n == bytes && memcmp(list.p + i, c, n) == 0) {
            return index;
        }
    }
    return QN_NOT_FOUND;
}

static QN_SCALAR(translate)
{
    view   v = view_of(&args[0].str), from = view_of(&args[1].str), to = view_of(&args[2].str);
    qn_buf buf;

    qn_buf_init(&buf, call->arena->mem);
    for (size_t i = 0, n; i < v.bytes; i += n) {
        size_t index;
        n = qn_char_bytes(v.p + i, v.bytes - i);
        index = char_index(from, v.p + i, n);
        if (index == QN_NOT_FOUND) {
            qn_buf_add(&buf, v.p + i, n);
        } else {
            view c =
                view_chars(to, index, 1); /* empty when `to` is shorter: the character is dropped */
            qn_buf_add(&buf, c.p, c.bytes);
        }
    }
    return qn_text_of_buf(call, &buf, result);
}

static QN_SCALAR(split_part)
{
    view    v = view_of(&args[0].str), by = view_of(&args[1].str);
    int64_t n = args[2].i32;
    size_t  at;

    if (n == 0) {
        return qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                       "field position must not be zero");
    }
    if (by.bytes == 0) {
        return qn_text_of(call, v.p, n == 1 || n == -1 ? v.bytes : 0, result);
    }
    if (n < 0) {
        n += (int64_t)count_matches(v, by) + 2;
        if (n < 1) {
            return qn_text_of(call, "", 0, result);
        }
    }
    while ((at = qn_find(v.p, v.bytes, by.p, by.bytes)) != QN_NOT_FOUND && n > 1) {
        v.p += at + by.bytes;
        v.bytes -= at + by.bytes;
        n--;
    }
    return qn_text_of(call, v.p, n > 1 ? 0 : at == QN_NOT_FOUND ? v.bytes : at, result);
}

/* ---- trimming and padding ------------------------------------------------------------------- */

enum { TRIM_LEFT = 1, TRIM_RIGHT = 2 };

static qn_status trim(qn_call *call, view v, view set, int sides, qn_datum *result)
{
    while ((sides & TRIM_LEFT) && v.bytes > 0) {
        size_t n = qn_char_bytes(v.p, v.bytes);
        if (char_index(set, v.p, n) == QN_NOT_FOUND) {
            break;
        }
        v.p += n;
        v.bytes -= n;
    }
    while ((sides & TRIM_RIGHT) && v.bytes > 0) {
        size_t n = 1;
        while (n < v.bytes && ((unsigned char)v.p[v.bytes - n] & 0xc0) == 0x80) {
            n++;
        }
        if (char_index(set, v.p + v.bytes - n, n) == QN_NOT_FOUND) {
            break;
        }
        v.bytes -= n;
    }
    return qn_text_of(call, v.p, v.bytes, result);
}

#define TRIM(name, sides)                                                                          \
    static QN_SCALAR(name)                                                                         \
    {                                                                                              \
        return trim(call, view_of(&args[0].str), view_of(&args[1].str), sides, result);            \
    }                                                                                              \
    static QN_SCALAR(name##_blanks)                                                                \
    {                                                                                              \
        return trim(call, view_of(&args[0].str), (view){" ", 1}, sides, result);                   \
    }
TRIM(btrim, TRIM_LEFT | TRIM_RIGHT)
TRIM(ltrim, TRIM_LEFT)
TRIM(rtrim, TRIM_RIGHT)
#undef TRIM

static char *put_cycle(char *p, view fill, size_t fill_chars, size_t chars)
{
    view rest = view_chars(fill, 0, chars % fill_chars);

    for (size_t i = 0; i < chars / fill_chars; i++) {
        memcpy(p, fill.p, fill.bytes);
        p += fill.bytes;
    }
    memcpy(p, rest.p, rest.bytes);
    return p + rest.bytes;
}

/* Truncate or pad to `length` characters.  PostgreSQL judges the length as if each took four bytes. */
static qn_status pad(qn_call *call, view v, int32_t length, view fill, bool on_left,
                     qn_datum *result)
{
    size_t    want = length > 0 ? (size_t)length : 0, chars = qn_utf8_count(v.p, v.bytes);
    size_t    fill_chars = qn_utf8_count(fill.p, fill.bytes), missing, bytes;
    qn_str    out;
    qn_status st;
    char     *p;

    if (chars > want) {
        chars = want;
    }
    if (fill_chars == 0) {
        want = chars;
    }
    if (want * 4 > QN_TEXT_MAX) {
        return qn_fail(call->err, QN_SQLSTATE_PROGRAM_LIMIT, "requested length too large");
    }
    v = view_chars(v, 0, chars);
    missing = want - chars;
    bytes = v.bytes;
    if (missing > 0) {
        bytes +=
            missing / fill_chars * fill.bytes + view_chars(fill, 0, missing % fill_chars).bytes;
    }
    p = qn_text_begin(call, &out, bytes, &st);
    if (!p) {
        return st;
    }
    if (on_left && missing > 0) {
        p = put_cycle(p, fill, fill_chars, missing);
    }
    memcpy(p, v.p, v.bytes);
    if (!on_left && missing > 0) {
        put_cycle(p + v.bytes, fill, fill_chars, missing);
    }
    return qn_text_end(&out, result);
}

#define PAD(name, on_left)                                                                         \
    static QN_SCALAR(name)                                                                         \
    {                                                                                              \
        return pad(call, view_of(&args[0].str), args[1].i32, view_of(&args[2].str), on_left,       \
                   result);                                                                        \
    }                                                                                              \
    static QN_SCALAR(name##_blanks)                                                                \
    {                                                                                              \
        return pad(call, view_of(&args[0].str), args[1].i32, (view){" ", 1}, on_left, result);     \
    }
PAD(lpad, true)
PAD(rpad, false)
#undef PAD

static QN_SCALAR(repeat)
{
    view      v = view_of(&args[0].str);
    size_t    count = args[1].i32 > 0 ? (size_t)args[1].i32 : 0;
    qn_str    out;
    qn_status st;
    char     *p = qn_text_begin(call, &out, v.bytes * count, &st);

    if (!p) {
        return st;
    }
    for (size_t i = 0; v.bytes > 0 && i < count; i++) {
        memcpy(p + i * v.bytes, v.p, v.bytes);
    }
    return qn_text_end(&out, result);
}

static QN_SCALAR(reverse)
{
    view      v = view_of(&args[0].str);
    qn_str    out;
    qn_status st;
    char     *p = qn_text_begin(call, &out, v.bytes, &st);

    if (!p) {
        return st;
    }
    p += v.bytes;
    for (size_t i = 0, n; i < v.bytes; i += n) {
        n = qn_char_bytes(v.p + i, v.bytes - i);
        p -= n;
        memcpy(p, v.p + i, n);
    }
    return qn_text_end(&out, result);
}

static QN_SCALAR(md5)
{
    uint8_t digest[16];
    char    hex[32];

    qn_md5(qn_str_data(&args[0].str), args[0].str.bytes, digest);
    for (int i = 0; i < 16; i++) {
        hex[i * 2] = "0123456789abcdef"[digest[i] >> 4];
        hex[i * 2 + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    return qn_text_of(call, hex, 32, result);
}

static QN_SCALAR(text_larger)
{
    const qn_str *s = qn_str_compare(&args[0].str, &args[1].str) > 0 ? &args[0].str : &args[1].str;

    return qn_text_of(call, qn_str_data(s), s->bytes, result);
}

static QN_SCALAR(text_smaller)
{
    const qn_str *s = qn_str_compare(&args[0].str, &args[1].str) < 0 ? &args[0].str : &args[1].str;

    return qn_text_of(call, qn_str_data(s), s->bytes, result);
}

/* ---- casts ---------------------------------------------------------------------------------- */

static QN_SCALAR(bpchar_text)
{
    return qn_text_of(call, qn_str_data(&args[0].str), qn_bpchar_bytes(&args[0].str), result);
}

/* Is everything from byte `from` on blank?  Only such an excess is cut without being asked to. */
static bool blank_from(view v, size_t from)
{
    while (from < v.bytes && v.p[from] == ' ') {
        from++;
    }
    return from == v.bytes;
}

/* varchar(value, typmod, explicit): an explicit cast truncates, an assignment only blanks. */
static QN_SCALAR(varchar_typmod)
{
    view    v = view_of(&args[0].str);
    int32_t limit = args[1].i32 - 4;
    size_t  keep;

    if (limit < 0 || v.bytes <= (size_t)limit) {
        return qn_text_of(call, v.p, v.bytes, result);
    }
    keep = view_chars(v, 0, (size_t)limit).bytes;
    if (!args[2].b && !blank_from(v, keep)) {
        return qn_fail(call->err, QN_SQLSTATE_STRING_TRUNCATION,
                       "value too long for type character varying(%d)", limit);
    }
    return qn_text_of(call, v.p, keep, result);
}

/* bpchar(value, typmod, explicit): the same, and padded with blanks to the full length. */
static QN_SCALAR(bpchar_typmod)
{
    view      v = view_of(&args[0].str);
    int32_t   limit = args[1].i32 - 4;
    size_t    chars, missing;
    qn_str    out;
    qn_status st;
    char     *p;

    if (limit < 0) {
        return qn_text_of(call, v.p, v.bytes, result);
    }
    chars = qn_utf8_count(v.p, v.bytes);
    if (chars > (size_t)limit) {
        size_t keep = view_chars(v, 0, (size_t)limit).bytes;
        if (!args[2].b && !blank_from(v, keep)) {
            return qn_fail(call->err, QN_SQLSTATE_STRING_TRUNCATION,
                           "value too long for type character(%d)", limit);
        }
        return qn_text_of(call, v.p, keep, result);
    }
    missing = (size_t)limit - chars;
    p = qn_text_begin(call, &out, v.bytes + missing, &st);
    if (!p) {
        return st;
    }
    memcpy(p, v.p, v.bytes);
    memset(p + v.bytes, ' ', missing);
    return qn_text_end(&out, result);
}

/* ---- the tables ----------------------------------------------------------------------------- */

#define T   QN_TYPE_TEXT
#define C   QN_TYPE_CHAR
#define V   QN_TYPE_VARCHAR
#define I   QN_TYPE_INTEGER
#define B   QN_TYPE_BOOLEAN
#define ANY QN_TYPE_UNKNOWN
#define S   QN_FN_STRICT
#define F   QN_FN_CANFAIL
#define H   QN_FN_HIDDEN
#define A   QN_FN_ANY

/* One row per function, however long. */
/* clang-format off */
static const qn_function functions[] = {
    /* comparison; text has opcodes of the STR bank, char(n) never does */
    {"texteq", B, 2, {T, T}, S | H, QN_IMMUTABLE, 0x30, qn_texteq, "operators|equal"},
    {"textne", B, 2, {T, T}, S | H, QN_IMMUTABLE, 0x31, qn_textne, "operators|not equal"},
    {"text_lt", B, 2, {T, T}, S | H, QN_IMMUTABLE, 0x32, qn_textlt, "operators|less than"},
    {"text_le", B, 2, {T, T}, S | H, QN_IMMUTABLE, 0x33, qn_textle, "operators|less than or equal"},
    {"text_gt", B, 2, {T, T}, S | H, QN_IMMUTABLE, 0x34, qn_textgt, "operators|greater than"},
    {"text_ge", B, 2, {T, T}, S | H, QN_IMMUTABLE, 0x35, qn_textge, "operators|greater than or equal"},
    {"bpchareq", B, 2, {C, C}, S | H, QN_IMMUTABLE, 0, qn_bpchareq, "operators|equal but for trailing blanks"},
    {"bpcharne", B, 2, {C, C}, S | H, QN_IMMUTABLE, 0, qn_bpcharne, "operators|not equal"},
    {"bpcharlt", B, 2, {C, C}, S | H, QN_IMMUTABLE, 0, qn_bpcharlt, "operators|less than"},
    {"bpcharle", B, 2, {C, C}, S | H, QN_IMMUTABLE, 0, qn_bpcharle, "operators|less than or equal"},
    {"bpchargt", B, 2, {C, C}, S | H, QN_IMMUTABLE, 0, qn_bpchargt, "operators|greater than"},
    {"bpcharge", B, 2, {C, C}, S | H, QN_IMMUTABLE, 0, qn_bpcharge, "operators|greater than or equal"},
    {"bttextcmp", I, 2, {T, T}, S, QN_IMMUTABLE, 0, qn_bttextcmp, "string|-1, 0 or 1 by byte order"},
    {"bpcharcmp", I, 2, {C, C}, S, QN_IMMUTABLE, 0, qn_bpcharcmp, "string|-1, 0 or 1 by byte order"},
    {"text_larger", T, 2, {T, T}, S, QN_IMMUTABLE, 0, text_larger, "string|the greater of two texts"},
    {"text_smaller", T, 2, {T, T}, S, QN_IMMUTABLE, 0, text_smaller, "string|the lesser of two texts"},
    /* the same order by other names: operators ~<~ and so on are bytewise in every collation */
    {"text_pattern_lt", B, 2, {T, T}, S | H, QN_IMMUTABLE, 0x32, qn_textlt, "operators|less than, bytewise"},
    {"text_pattern_le", B, 2, {T, T}, S | H, QN_IMMUTABLE, 0x33, qn_textle, "operators|at most, bytewise"},
    {"text_pattern_gt", B, 2, {T, T}, S | H, QN_IMMUTABLE, 0x34, qn_textgt, "operators|greater, bytewise"},
    {"text_pattern_ge", B, 2, {T, T}, S | H, QN_IMMUTABLE, 0x35, qn_textge, "operators|at least, bytewise"},

    /* patterns */
    {"textlike", B, 2, {T, T}, S | F | H, QN_IMMUTABLE, 0, qn_textlike, "patterns|LIKE"},
    {"textnlike", B, 2, {T, T}, S | F | H, QN_IMMUTABLE, 0, qn_textnlike, "patterns|NOT LIKE"},
    {"texticlike", B, 2, {T, T}, S | F | H, QN_IMMUTABLE, 0, qn_texticlike, "patterns|ILIKE"},
    {"texticnlike", B, 2, {T, T}, S | F | H, QN_IMMUTABLE, 0, qn_texticnlike, "patterns|NOT ILIKE"},
    {"bpcharlike", B, 2, {C, T}, S | F | H, QN_IMMUTABLE, 0, qn_textlike, "patterns|LIKE, blanks count"},
    {"bpcharnlike", B, 2, {C, T}, S | F | H, QN_IMMUTABLE, 0, qn_textnlike, "patterns|NOT LIKE"},
    {"bpchariclike", B, 2, {C, T}, S | F | H, QN_IMMUTABLE, 0, qn_texticlike, "patterns|ILIKE"},
    {"bpcharicnlike", B, 2, {C, T}, S | F | H, QN_IMMUTABLE, 0, qn_texticnlike, "patterns|NOT ILIKE"},
    {"like", B, 2, {T, T}, S | F, QN_IMMUTABLE, 0, qn_textlike, "patterns|LIKE as a function"},
    {"notlike", B, 2, {T, T}, S | F, QN_IMMUTABLE, 0, qn_textnlike, "patterns|NOT LIKE as a function"},
    {"like_escape", T, 2, {T, T}, S | F, QN_IMMUTABLE, 0, qn_like_escape, "patterns|LIKE pattern with another escape"},
    {"similar_to_escape", T, 1, {T}, S | F, QN_IMMUTABLE, 0, qn_similar_to_escape_default, "patterns|regular expression of a SIMILAR TO pattern"},
    {"similar_to_escape", T, 2, {T, T}, S | F, QN_IMMUTABLE, 0, qn_similar_to_escape, "patterns|regular expression of a SIMILAR TO pattern"},
    {"similar_escape", T, 2, {T, T}, F, QN_IMMUTABLE, 0, qn_similar_escape, "patterns|older form of similar_to_escape"},

    /* lengths and case */
    {"length", I, 1, {T}, S, QN_IMMUTABLE, 0, length, "string|number of characters"},
    {"length", I, 1, {C}, S, QN_IMMUTABLE, 0, bpcharlen, "string|number of characters without trailing blanks"},
    {"char_length", I, 1, {T}, S, QN_IMMUTABLE, 0, length, "string|number of characters"},
    {"char_length", I, 1, {C}, S, QN_IMMUTABLE, 0, bpcharlen, "string|number of characters without trailing blanks"},
    {"character_length", I, 1, {T}, S, QN_IMMUTABLE, 0, length, "string|number of characters"},
    {"character_length", I, 1, {C}, S, QN_IMMUTABLE, 0, bpcharlen, "string|number of characters without trailing blanks"},
    {"octet_length", I, 1, {T}, S, QN_IMMUTABLE, 0, octet_length, "string|number of bytes"},
    {"octet_length", I, 1, {C}, S, QN_IMMUTABLE, 0, octet_length, "string|number of bytes, blanks included"},
    {"bit_length", I, 1, {T}, S | F, QN_IMMUTABLE, 0, bit_length, "string|number of bits"},
    {"lower", T, 1, {T}, S, QN_IMMUTABLE, 0, lower, "string|ASCII letters to lower case"},
    {"upper", T, 1, {T}, S, QN_IMMUTABLE, 0, upper, "string|ASCII letters to upper case"},
    {"initcap", T, 1, {T}, S, QN_IMMUTABLE, 0, initcap, "string|first letter of each word upper, others lower"},

    /* parts */
    {"substring", T, 2, {T, I}, S, QN_IMMUTABLE, 0, substring_rest, "string|from a position on"},
    {"substring", T, 3, {T, I, I}, S | F, QN_IMMUTABLE, 0, substring_length, "string|from a position, so many characters"},
    {"substr", T, 2, {T, I}, S, QN_IMMUTABLE, 0, substring_rest, "string|from a position on"},
    {"substr", T, 3, {T, I, I}, S | F, QN_IMMUTABLE, 0, substring_length, "string|from a position, so many characters"},
    {"overlay", T, 3, {T, T, I}, S | F, QN_IMMUTABLE, 0, overlay_whole, "string|replace as many characters as the new text has"},
    {"overlay", T, 4, {T, T, I, I}, S | F, QN_IMMUTABLE, 0, overlay_length, "string|replace so many characters"},
    {"left", T, 2, {T, I}, S, QN_IMMUTABLE, 0, left, "string|first n characters, all but the last -n"},
    {"right", T, 2, {T, I}, S, QN_IMMUTABLE, 0, right, "string|last n characters, all but the first -n"},
    {"split_part", T, 3, {T, T, I}, S | F, QN_IMMUTABLE, 0, split_part, "string|n-th field, negative from the end"},

    /* searching and replacing */
    {"position", I, 2, {T, T}, S, QN_IMMUTABLE, 0, strpos, "string|where the second text begins in the first, or 0"},
    {"strpos", I, 2, {T, T}, S, QN_IMMUTABLE, 0, strpos, "string|where the second text begins in the first, or 0"},
    {"starts_with", B, 2, {T, T}, S, QN_IMMUTABLE, 0, starts_with, "string|does the first begin with the second"},
    {"replace", T, 3, {T, T, T}, S | F, QN_IMMUTABLE, 0, replace, "string|replace every occurrence"},
    {"translate", T, 3, {T, T, T}, S | F, QN_IMMUTABLE, 0, translate, "string|replace single characters"},
    {"reverse", T, 1, {T}, S, QN_IMMUTABLE, 0, reverse, "string|characters in reverse order"},
    {"repeat", T, 2, {T, I}, S | F, QN_IMMUTABLE, 0, repeat, "string|the text n times"},

    /* trimming and padding */
    {"btrim", T, 1, {T}, S, QN_IMMUTABLE, 0, btrim_blanks, "string|without blanks at both ends"},
    {"btrim", T, 2, {T, T}, S, QN_IMMUTABLE, 0, btrim, "string|without the given characters at both ends"},
    {"ltrim", T, 1, {T}, S, QN_IMMUTABLE, 0, ltrim_blanks, "string|without blanks at the start"},
    {"ltrim", T, 2, {T, T}, S, QN_IMMUTABLE, 0, ltrim, "string|without the given characters at the start"},
    {"rtrim", T, 1, {T}, S, QN_IMMUTABLE, 0, rtrim_blanks, "string|without blanks at the end"},
    {"rtrim", T, 2, {T, T}, S, QN_IMMUTABLE, 0, rtrim, "string|without the given characters at the end"},
    {"lpad", T, 2, {T, I}, S | F, QN_IMMUTABLE, 0, lpad_blanks, "string|fill with blanks on the left"},
    {"lpad", T, 3, {T, I, T}, S | F, QN_IMMUTABLE, 0, lpad, "string|fill on the left"},
    {"rpad", T, 2, {T, I}, S | F, QN_IMMUTABLE, 0, rpad_blanks, "string|fill with blanks on the right"},
    {"rpad", T, 3, {T, I, T}, S | F, QN_IMMUTABLE, 0, rpad, "string|fill on the right"},

    /* joining, quoting, formatting */
    {"textcat", T, 2, {T, T}, S | F | H, QN_IMMUTABLE, 0, qn_textcat, "string|concatenation"},
    {"textanycat", T, 2, {T, ANY}, S | F | H | A, QN_STABLE, 0, qn_textanycat, "string|concatenation with any value"},
    {"anytextcat", T, 2, {ANY, T}, S | F | H | A, QN_STABLE, 0, qn_textanycat, "string|concatenation with any value"},
    {"concat", T, 1, {ANY}, F | A | QN_FN_VARIADIC, QN_STABLE, 0, qn_concat, "string|all arguments joined, NULLs left out"},
    {"concat_ws", T, 2, {T, ANY}, F | A | QN_FN_VARIADIC, QN_STABLE, 0, qn_concat_ws, "string|all arguments joined with a separator"},
    {"format", T, 1, {T}, F, QN_STABLE, 0, qn_format_plain, "string|text with %% for %"},
    {"format", T, 2, {T, ANY}, F | A | QN_FN_VARIADIC, QN_STABLE, 0, qn_format, "string|text with %s, %I, %L replaced"},
    {"quote_ident", T, 1, {T}, S, QN_IMMUTABLE, 0, qn_quote_ident, "string|as an SQL identifier"},
    {"quote_literal", T, 1, {T}, S, QN_IMMUTABLE, 0, qn_quote_literal, "string|as an SQL literal"},
    {"quote_literal", T, 1, {ANY}, S | A, QN_STABLE, 0, qn_quote_literal_any, "string|as an SQL literal"},
    {"quote_nullable", T, 1, {T}, 0, QN_IMMUTABLE, 0, qn_quote_nullable, "string|as an SQL literal or NULL"},
    {"quote_nullable", T, 1, {ANY}, A, QN_STABLE, 0, qn_quote_nullable_any, "string|as an SQL literal or NULL"},

    /* code points and digests */
    {"ascii", I, 1, {T}, S, QN_IMMUTABLE, 0, qn_ascii, "string|code point of the first character"},
    {"chr", T, 1, {I}, S | F, QN_IMMUTABLE, 0, qn_chr, "string|the character with a code point"},
    {"unistr", T, 1, {T}, S | F, QN_IMMUTABLE, 0, qn_unistr, "string|evaluate Unicode escapes"},
    {"normalize", T, 1, {T}, S | F, QN_IMMUTABLE, 0, qn_normalize_nfc, "string|Unicode normal form NFC"},
    {"normalize", T, 2, {T, T}, S | F, QN_IMMUTABLE, 0, qn_normalize, "string|Unicode normal form NFC, NFD, NFKC, NFKD"},
    {"is_normalized", B, 1, {T}, S | F, QN_IMMUTABLE, 0, qn_is_normalized_nfc, "string|is it in normal form NFC"},
    {"is_normalized", B, 2, {T, T}, S | F, QN_IMMUTABLE, 0, qn_is_normalized, "string|is it in this normal form"},
    {"md5", T, 1, {T}, S, QN_IMMUTABLE, 0, md5, "string|MD5 digest in hexadecimal"},

    /* casts */
    {"text", T, 1, {C}, S, QN_IMMUTABLE, 0, bpchar_text, "casts|char(n) without trailing blanks"},
    {"varchar", V, 3, {V, I, B}, S | F | H, QN_IMMUTABLE, 0, varchar_typmod, "casts|to varchar(n)"},
    {"bpchar", C, 3, {C, I, B}, S | F | H, QN_IMMUTABLE, 0, bpchar_typmod, "casts|to char(n)"},
};
/* clang-format on */

static const qn_operator operators[] = {
    {"=", T, T, "texteq"},
    {"<>", T, T, "textne"},
    {"<", T, T, "text_lt"},
    {"<=", T, T, "text_le"},
    {">", T, T, "text_gt"},
    {">=", T, T, "text_ge"},
    {"=", C, C, "bpchareq"},
    {"<>", C, C, "bpcharne"},
    {"<", C, C, "bpcharlt"},
    {"<=", C, C, "bpcharle"},
    {">", C, C, "bpchargt"},
    {">=", C, C, "bpcharge"},
    {"~<~", T, T, "text_pattern_lt"},
    {"~<=~", T, T, "text_pattern_le"},
    {"~>~", T, T, "text_pattern_gt"},
    {"~>=~", T, T, "text_pattern_ge"},
    {"||", T, T, "textcat"},
    {"||", T, ANY, "textanycat"},
    {"||", ANY, T, "anytextcat"},
    {"^@", T, T, "starts_with"},
    {"~~", T, T, "textlike"},
    {"!~~", T, T, "textnlike"},
    {"~~*", T, T, "texticlike"},
    {"!~~*", T, T, "texticnlike"},
    {"~~", C, T, "bpcharlike"},
    {"!~~", C, T, "bpcharnlike"},
    {"~~*", C, T, "bpchariclike"},
    {"!~~*", C, T, "bpcharicnlike"},
    /* implemented in fn_regex.c */
    {"~", T, T, "textregexeq"},
    {"!~", T, T, "textregexne"},
    {"~*", T, T, "texticregexeq"},
    {"!~*", T, T, "texticregexne"},
    {"~", C, T, "bpcharregexeq"},
    {"!~", C, T, "bpcharregexne"},
    {"~*", C, T, "bpcharicregexeq"},
    {"!~*", C, T, "bpcharicregexne"},
};

static const qn_cast casts[] = {
    {T, V, QN_CAST_IMPLICIT, NULL},      {T, C, QN_CAST_IMPLICIT, NULL},
    {V, T, QN_CAST_IMPLICIT, NULL},      {V, C, QN_CAST_IMPLICIT, NULL},
    {C, T, QN_CAST_IMPLICIT, "text"},    {C, V, QN_CAST_IMPLICIT, "text"},
    {V, V, QN_CAST_IMPLICIT, "varchar"}, /* length coercion: (value, typmod, explicit) */
    {C, C, QN_CAST_IMPLICIT, "bpchar"},
};

static const qn_lanes_form lanes_forms[] = {
    {length, length_lanes},
    {qn_textlike, qn_textlike_lanes},     {qn_textnlike, qn_textnlike_lanes},
    {qn_texticlike, qn_texticlike_lanes}, {qn_texticnlike, qn_texticnlike_lanes},
};

const qn_function_list qn_fn_string = {.functions = functions, .count = QN_COUNTOF(functions),
                                       .lanes = lanes_forms, .lanes_count = QN_COUNTOF(lanes_forms)};
const qn_operator_list qn_op_string = {operators, QN_COUNTOF(operators)};
const qn_cast_list     qn_cast_string = {casts, QN_COUNTOF(casts)};
