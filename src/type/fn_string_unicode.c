/* Text functions about code points: ascii, chr, unistr, normalize, IS NORMALIZED.
 *
 * Normal forms are utf8proc's; its code point buffers are ours, so that memory goes through the one door.
 * ASCII text is its own normal form in all four and never reaches the library. */
#include "type/fn_text.h"

#include <utf8proc.h>

QN_SCALAR(qn_ascii)
{
    uint32_t cp = 0;

    if (args[0].str.bytes > 0) {
        qn_utf8_decode(qn_str_data(&args[0].str), args[0].str.bytes, &cp);
    }
    result->i32 = (int32_t)cp;
    return QN_OK;
}

QN_SCALAR(qn_chr)
{
    int32_t cp = args[0].i32;
    char    out[4];

    if (cp < 0) {
        return qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                       "character number must be positive");
    }
    if (cp == 0) {
        return qn_fail(call->err, QN_SQLSTATE_PROGRAM_LIMIT, "null character not permitted");
    }
    if (cp > 0x10ffff) {
        return qn_fail(call->err, QN_SQLSTATE_PROGRAM_LIMIT,
                       "requested character too large for encoding: %d", cp);
    }
    if (cp >= 0xd800 && cp <= 0xdfff) {
        return qn_fail(call->err, QN_SQLSTATE_PROGRAM_LIMIT,
                       "requested character not valid for encoding: %d", cp);
    }
    return qn_text_of(call, out, (size_t)qn_utf8_encode((uint32_t)cp, out), result);
}

/* ---- unistr --------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The code point of the escape at s (which begins with a backslash); how many bytes it takes, 0: not one. */
static size_t unistr_escape(const char *s, size_t left, uint32_t *cp)
{
    size_t prefix = 1, digits = 4;

    if (left > 1 && s[1] == 'u') {
        prefix = 2;
    } else if (left > 1 && s[1] == '+') {
        prefix = 2;
        digits = 6;
    } else if (left > 1 && s[1] == 'U') {
        prefix = 2;
        digits = 8;
    }
    if (left < prefix + digits) {
        return 0;
    }
    *cp = 0;
    for (size_t i = 0; i < digits; i++) {
        int d = hex_digit(s[prefix + i]);
        if (d < 0) {
            return 0;
        }
        *cp = *cp << 4 | (uint32_t)d;
    }
    return prefix + digits;
}

/* One escape sequence into buf.  *first holds the first half of a surrogate pair until its second half. */
static qn_status unistr_point(qn_call *call, uint32_t cp, uint32_t *first, qn_buf *buf)
{
    char out[4];

    if (cp == 0 || cp > 0x10ffff) {
        return qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                       "invalid Unicode code point: %04X", cp);
    }
    if (*first) {
        if (cp < 0xdc00 || cp > 0xdfff) {
            return qn_fail(call->err, QN_SQLSTATE_SYNTAX_ERROR, "invalid Unicode surrogate pair");
        }
        cp = 0x10000 + ((*first & 0x3ff) << 10) + (cp & 0x3ff);
        *first = 0;
    } else if (cp >= 0xdc00 && cp <= 0xdfff) {
        return qn_fail(call->err, QN_SQLSTATE_SYNTAX_ERROR, "invalid Unicode surrogate pair");
    } else if (cp >= 0xd800 && cp <= 0xdbff) {
        *first = cp;
        return QN_OK;
    }
    qn_buf_add(buf, out, (size_t)qn_utf8_encode(cp, out));
    return QN_OK;
}

static qn_status unistr_into(qn_call *call, const char *s, size_t bytes, qn_buf *buf)
{
    uint32_t first = 0;

    for (size_t i = 0; i < bytes;) {
        uint32_t  cp;
        size_t    n;
        qn_status st;
        bool      plain = s[i] != '\\' || (i + 1 < bytes && s[i + 1] == '\\');

        if (plain) {
            if (first) {
                return qn_fail(call->err, QN_SQLSTATE_SYNTAX_ERROR,
                               "invalid Unicode surrogate pair");
            }
            qn_buf_putc(buf, s[i]);
            i += s[i] == '\\' ? 2 : 1;
            continue;
        }
        n = unistr_escape(s + i, bytes - i, &cp);
        if (n == 0) {
            st = qn_fail(call->err, QN_SQLSTATE_SYNTAX_ERROR, "invalid Unicode escape");
            qn_error_hint(call->err,
                          "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.");
            return st;
        }
        st = unistr_point(call, cp, &first, buf);
        if (st != QN_OK) {
            return st;
        }
        i += n;
    }
    if (first) {
        return qn_fail(call->err, QN_SQLSTATE_SYNTAX_ERROR, "invalid Unicode surrogate pair");
    }
    return QN_OK;
}

QN_SCALAR(qn_unistr)
{
    qn_buf    buf;
    qn_status st;

    qn_buf_init(&buf, call->arena->mem);
    st = unistr_into(call, qn_str_data(&args[0].str), args[0].str.bytes, &buf);
    if (st != QN_OK) {
        qn_buf_deinit(&buf);
        return st;
    }
    return qn_text_of_buf(call, &buf, result);
}

/* ---- normal forms --------------------------------------------------------------------------- */

static qn_status form_options(qn_call *call, const qn_str *form, utf8proc_option_t *options)
{
    static const struct {
        char name[5];
        int  options;
    } forms[] = {
        {"NFC", UTF8PROC_STABLE | UTF8PROC_COMPOSE},
        {"NFD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE},
        {"NFKC", UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
        {"NFKD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT},
    };
    char name[8] = "";

    if (form->bytes < sizeof name) {
        memcpy(name, qn_str_data(form), form->bytes);
    }
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (qn_streq_ci(name, forms[i].name)) {
            *options = (utf8proc_option_t)forms[i].options;
            return QN_OK;
        }
    }
    return qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                   "invalid normalization form: %.*s", (int)form->bytes, qn_str_data(form));
}

static bool all_ascii(const qn_str *s)
{
    const char *p = qn_str_data(s);

    for (size_t i = 0; i < s->bytes; i++) {
        if ((unsigned char)p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static qn_status normal_form(qn_call *call, const qn_str *text, utf8proc_option_t options,
                             qn_datum *result)
{
    const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)qn_str_data(text);
    utf8proc_ssize_t        count, room;
    int32_t                *points;
    qn_buf                  buf;

    count = utf8proc_decompose(p, text->bytes, NULL, 0, options);
    if (count < 0) {
        return qn_fail(call->err, QN_SQLSTATE_CHARACTER_NOT_IN_REPERTOIRE,
                       "could not normalize text: %s", utf8proc_errmsg(count));
    }
    room = count;
    points = qn_arena_array(call->arena, int32_t, (size_t)room + 1);
    if (!points) {
        return qn_nomem(call->err);
    }
    count = utf8proc_decompose(p, text->bytes, points, room, options);
    if (count >= 0 && count <= room) {
        count = utf8proc_normalize_utf32(points, count, options);
    }
    qn_buf_init(&buf, call->arena->mem);
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        char out[4];
        qn_buf_add(&buf, out, (size_t)qn_utf8_encode((uint32_t)points[i], out));
    }
    return qn_text_of_buf(call, &buf, result);
}

static qn_status normalize(qn_call *call, const qn_str *text, const qn_str *form, qn_datum *result)
{
    utf8proc_option_t options = UTF8PROC_STABLE;
    qn_status         st = form_options(call, form, &options);

    if (st != QN_OK) {
        return st;
    }
    if (all_ascii(text)) {
        return qn_text_of(call, qn_str_data(text), text->bytes, result);
    }
    return normal_form(call, text, options, result);
}

static qn_status is_normalized(qn_call *call, const qn_str *text, const qn_str *form,
                               qn_datum *result)
{
    qn_datum  normal;
    qn_status st = normalize(call, text, form, &normal);

    if (st == QN_OK) {
        result->b = qn_str_equal(text, &normal.str);
    }
    return st;
}

QN_SCALAR(qn_normalize)
{
    return normalize(call, &args[0].str, &args[1].str, result);
}

QN_SCALAR(qn_normalize_nfc)
{
    qn_str nfc = qn_str_lit("NFC");

    return normalize(call, &args[0].str, &nfc, result);
}

QN_SCALAR(qn_is_normalized)
{
    return is_normalized(call, &args[0].str, &args[1].str, result);
}

QN_SCALAR(qn_is_normalized_nfc)
{
    qn_str nfc = qn_str_lit("NFC");

    return is_normalized(call, &args[0].str, &nfc, result);
}
