/* What the text functions share: producing a text result, and the signatures that let one table
 * (fn_string.c) name functions of several files. */
#ifndef QN_TYPE_FN_TEXT_H
#define QN_TYPE_FN_TEXT_H

#include "catalog/function.h"

#define QN_TEXT_MAX                                                                                \
    ((size_t)0x3fffffff - 4) /* PostgreSQL's limit for one value: 1 GB less the header */

/* A function of the catalog; not every one uses all it is given. */
#define QN_SCALAR(name)                                                                            \
    qn_status name(__attribute__((unused)) qn_call        *call,                                   \
                   __attribute__((unused)) const qn_datum *args,                                   \
                   __attribute__((unused)) const bool *nulls, qn_datum *result,                    \
                   __attribute__((unused)) bool *null)

/* Begin a text of exactly `bytes` bytes: room to write them into, in the value itself or in call->arena.
 * NULL after recording 54000 or 53200; then return *st.  Finish with qn_text_end. */
static inline char *qn_text_begin(qn_call *call, qn_str *out, size_t bytes, qn_status *st)
{
    char *p;

    memset(out, 0, sizeof *out);
    *st = QN_OK;
    if (bytes > QN_TEXT_MAX) {
        *st = qn_fail(call->err, QN_SQLSTATE_PROGRAM_LIMIT, "requested length too large");
        return NULL;
    }
    out->bytes = (uint32_t)bytes;
    if (bytes <= QN_STR_INLINE) {
        return out->inlined;
    }
    p = qn_arena_alloc(call->arena, bytes);
    if (!p) {
        *st = qn_nomem(call->err);
        return NULL;
    }
    out->data = p;
    return p;
}

static inline qn_status qn_text_end(qn_str *out, qn_datum *result)
{
    if (out->bytes > QN_STR_INLINE) {
        memcpy(out->prefix, out->data, 4);
    }
    result->str = *out;
    return QN_OK;
}

/* A copy of bytes.  Arguments may live shorter than results, so views of them are never returned. */
static inline qn_status qn_text_of(qn_call *call, const char *s, size_t bytes, qn_datum *result)
{
    qn_str    out;
    qn_status st;
    char     *p = qn_text_begin(call, &out, bytes, &st);

    if (!p) {
        return st;
    }
    if (bytes) {
        memcpy(p, s, bytes);
    }
    return qn_text_end(&out, result);
}

/* The same of a buffer, whose sticky failure is reported; the buffer is given back in any case. */
static inline qn_status qn_text_of_buf(qn_call *call, qn_buf *buf, qn_datum *result)
{
    qn_status st =
        qn_buf_ok(buf) ? qn_text_of(call, buf->data, buf->bytes, result) : qn_nomem(call->err);

    qn_buf_deinit(buf);
    return st;
}

/* Bytes of the UTF-8 character that begins with this byte; at most `left`. */
static inline size_t qn_char_bytes(const char *s, size_t left)
{
    unsigned char c = (unsigned char)*s;
    size_t        n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return n < left ? n : left;
}

/* Bytes of a char(n) value that count: without trailing blanks. */
static inline size_t qn_bpchar_bytes(const qn_str *s)
{
    const char *p = qn_str_data(s);
    size_t      n = s->bytes;

    while (n > 0 && p[n - 1] == ' ') {
        n--;
    }
    return n;
}

/* fn_string_like.c: comparison, LIKE and SIMILAR TO */
QN_SCALAR(qn_texteq);
QN_SCALAR(qn_textne);
QN_SCALAR(qn_textlt);
QN_SCALAR(qn_textle);
QN_SCALAR(qn_textgt);
QN_SCALAR(qn_textge);
QN_SCALAR(qn_bpchareq);
QN_SCALAR(qn_bpcharne);
QN_SCALAR(qn_bpcharlt);
QN_SCALAR(qn_bpcharle);
QN_SCALAR(qn_bpchargt);
QN_SCALAR(qn_bpcharge);
QN_SCALAR(qn_bttextcmp);
QN_SCALAR(qn_bpcharcmp);
QN_SCALAR(qn_textlike);
QN_SCALAR(qn_textnlike);
QN_SCALAR(qn_texticlike);
QN_SCALAR(qn_texticnlike);
qn_status qn_textlike_lanes(qn_call *call, const qn_lanes *l, bool *done);
qn_status qn_textnlike_lanes(qn_call *call, const qn_lanes *l, bool *done);
qn_status qn_texticlike_lanes(qn_call *call, const qn_lanes *l, bool *done);
qn_status qn_texticnlike_lanes(qn_call *call, const qn_lanes *l, bool *done);
QN_SCALAR(qn_like_escape);
QN_SCALAR(qn_similar_to_escape);
QN_SCALAR(qn_similar_to_escape_default);
QN_SCALAR(qn_similar_escape);

/* fn_string_format.c: concatenation, quoting, format() */
QN_SCALAR(qn_textcat);
QN_SCALAR(qn_textanycat);
QN_SCALAR(qn_concat);
QN_SCALAR(qn_concat_ws);
QN_SCALAR(qn_format);
QN_SCALAR(qn_format_plain);
QN_SCALAR(qn_quote_ident);
QN_SCALAR(qn_quote_literal);
QN_SCALAR(qn_quote_literal_any);
QN_SCALAR(qn_quote_nullable);
QN_SCALAR(qn_quote_nullable_any);

/* fn_string_unicode.c: code points and normal forms */
QN_SCALAR(qn_ascii);
QN_SCALAR(qn_chr);
QN_SCALAR(qn_unistr);
QN_SCALAR(qn_normalize);
QN_SCALAR(qn_normalize_nfc);
QN_SCALAR(qn_is_normalized);
QN_SCALAR(qn_is_normalized_nfc);

/* fn_string_like.c: the regular expression of a SIMILAR TO pattern, also for SUBSTRING(… SIMILAR …) in
 * fn_regex.c.  escape NULL: backslash; empty: none. */
qn_status qn_similar_pattern(qn_call *call, const qn_str *pattern, const qn_str *escape,
                             qn_datum *result);

#endif
