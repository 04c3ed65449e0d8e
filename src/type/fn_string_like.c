/* Comparison of text and char(n), LIKE, and the rewriting of SIMILAR TO patterns.
 *
 * Text compares bytewise (the C collation); char(n) ignores trailing blanks, so its comparisons have no opcode.
 * SIMILAR TO is, as in PostgreSQL, a regular expression match against similar_to_escape(pattern, escape);
 * LIKE … ESCAPE is a match against like_escape(pattern, escape), which writes backslashes. */
#include "type/fn_text.h"

#include "base/assert.h"
#include "type/like.h"

/* ---- comparison ----------------------------------------------------------------------------- */

static int compare_bpchar(const qn_str *a, const qn_str *b)
{
    size_t x = qn_bpchar_bytes(a), y = qn_bpchar_bytes(b), n = x < y ? x : y;
    int    c = n ? memcmp(qn_str_data(a), qn_str_data(b), n) : 0;

    return c ? c : (x > y) - (x < y);
}

#define COMPARE(name, how, test)                                                                   \
    QN_SCALAR(name)                                                                                \
    {                                                                                              \
        result->b = how(&args[0].str, &args[1].str) test;                                          \
        return QN_OK;                                                                              \
    }
COMPARE(qn_texteq, qn_str_equal, == true)
COMPARE(qn_textne, qn_str_equal, == false)
COMPARE(qn_textlt, qn_str_compare, < 0)
COMPARE(qn_textle, qn_str_compare, <= 0)
COMPARE(qn_textgt, qn_str_compare, > 0)
COMPARE(qn_textge, qn_str_compare, >= 0)
COMPARE(qn_bpchareq, compare_bpchar, == 0)
COMPARE(qn_bpcharne, compare_bpchar, != 0)
COMPARE(qn_bpcharlt, compare_bpchar, < 0)
COMPARE(qn_bpcharle, compare_bpchar, <= 0)
COMPARE(qn_bpchargt, compare_bpchar, > 0)
COMPARE(qn_bpcharge, compare_bpchar, >= 0)
#undef COMPARE

QN_SCALAR(qn_bttextcmp)
{
    int c = qn_str_compare(&args[0].str, &args[1].str);

    result->i32 = (c > 0) - (c < 0);
    return QN_OK;
}

QN_SCALAR(qn_bpcharcmp)
{
    int c = compare_bpchar(&args[0].str, &args[1].str);

    result->i32 = (c > 0) - (c < 0);
    return QN_OK;
}

/* ---- LIKE ----------------------------------------------------------------------------------- */

/* The first pattern a call site sees is kept compiled: nearly always it is a constant.  Others are compiled
 * for the one match and their memory given back. */
typedef struct like_cache {
    qn_str   pattern;
    qn_like *like;
} like_cache;

static qn_status match_compiled(qn_call *call, const qn_like *like, const qn_str *text, bool *match)
{
    *match = qn_like_match(like, qn_str_data(text), text->bytes);
    if (!*match && qn_like_ends_in_escape(like, qn_str_data(text), text->bytes)) {
        return qn_fail(call->err, QN_SQLSTATE_INVALID_ESCAPE_SEQUENCE, QN_LIKE_ENDS_IN_ESCAPE);
    }
    return QN_OK;
}

static qn_status like_match(qn_call *call, const qn_str *text, const qn_str *pattern, bool icase,
                            bool *match)
{
    like_cache   *cache = *call->cache;
    qn_like      *like;
    qn_status     st = QN_OK;
    qn_arena_mark mark;

    if (!cache) {
        QN_ALLOC(call->err, cache = qn_arena_new(call->cache_arena, like_cache));
        if (!qn_str_copy(call->cache_arena, pattern, &cache->pattern)) {
            return qn_nomem(call->err);
        }
        QN_TRY(qn_like_compile(qn_str_data(&cache->pattern), cache->pattern.bytes, '\\', true,
                               icase, call->cache_arena, &cache->like, call->err));
        *call->cache = cache;
    }
    if (qn_str_equal(&cache->pattern, pattern)) {
        return match_compiled(call, cache->like, text, match);
    }
    mark = qn_arena_save(call->arena);
    QN_TRY(qn_like_compile(qn_str_data(pattern), pattern->bytes, '\\', true, icase, call->arena,
                           &like, call->err));
    st = match_compiled(call, like, text, match);
    qn_arena_rewind(call->arena, mark);
done:
    return st;
}

#define LIKE(name, icase, negate)                                                                  \
    QN_SCALAR(name)                                                                                \
    {                                                                                              \
        bool      match = false;                                                                   \
        qn_status st = like_match(call, &args[0].str, &args[1].str, icase, &match);                \
        result->b = match != (negate);                                                             \
        return st;                                                                                 \
    }
LIKE(qn_textlike, false, false)
LIKE(qn_textnlike, false, true)
LIKE(qn_texticlike, true, false)
LIKE(qn_texticnlike, true, true)
#undef LIKE

/* A column of texts against one constant pattern. */
static qn_status like_lanes(qn_call *call, const qn_lanes *l, bool icase, bool negate, bool *done)
{
    qn_status     st = QN_OK;
    const qn_str *text = l->args[0];
    uint8_t      *out = l->result;
    bool          match;

    *done = l->constant[1] && !l->constant[0];
    for (uint32_t i = 0; i < l->count && *done; i++) {
        uint32_t          lane = l->lanes ? l->lanes[i] : i;
        const like_cache *cache = *call->cache;
        if (i == 0) { /* fills the cache */
            QN_TRY(like_match(call, &text[lane], l->args[1], icase, &match));
            cache = *call->cache;
            if (!qn_str_equal(&cache->pattern, l->args[1])) { /* another pattern came first: one by one */
                *done = false;
                return QN_OK;
            }
        } else {
            QN_TRY(match_compiled(call, cache->like, &text[lane], &match));
        }
        out[lane] = match != negate;
    }
done:
    return st;
}

#define LIKE_LANES(name, icase, negate)                                                            \
    qn_status name(qn_call *call, const qn_lanes *l, bool *done)                                   \
    {                                                                                              \
        return like_lanes(call, l, icase, negate, done);                                           \
    }
LIKE_LANES(qn_textlike_lanes, false, false)
LIKE_LANES(qn_textnlike_lanes, false, true)
LIKE_LANES(qn_texticlike_lanes, true, false)
LIKE_LANES(qn_texticnlike_lanes, true, true)
#undef LIKE_LANES

static qn_status check_escape(qn_call *call, const char *esc, size_t bytes)
{
    if (bytes > 0 && qn_char_bytes(esc, bytes) != bytes) {
        qn_status st =
            qn_fail(call->err, QN_SQLSTATE_INVALID_ESCAPE_SEQUENCE, "invalid escape string");
        qn_error_hint(call->err, "Escape string must be empty or one character.");
        return st;
    }
    return QN_OK;
}

/* like_escape(pattern, escape): the same pattern written with backslash as the escape character. */
QN_SCALAR(qn_like_escape)
{
    const char *p = qn_str_data(&args[0].str), *esc = qn_str_data(&args[1].str);
    size_t      bytes = args[0].str.bytes, esc_bytes = args[1].str.bytes;
    bool        escaped = false;
    qn_buf      buf;
    qn_status   st = check_escape(call, esc, esc_bytes);

    if (st != QN_OK) {
        return st;
    }
    if (esc_bytes == 1 && *esc == '\\') {
        return qn_text_of(call, p, bytes, result);
    }
    qn_buf_init(&buf, call->arena->mem);
    for (size_t i = 0, n; i < bytes; i += n) {
        n = qn_char_bytes(p + i, bytes - i);
        if (esc_bytes > 0 && !escaped && n == esc_bytes && memcmp(p + i, esc, n) == 0) {
            qn_buf_putc(&buf, '\\');
            escaped = true;
            continue;
        }
        if (p[i] == '\\' && !escaped) {
            qn_buf_putc(&buf, '\\');
        }
        qn_buf_add(&buf, p + i, n);
        escaped = false;
    }
    return qn_text_of_buf(call, &buf, result);
}

/* ---- SIMILAR TO ----------------------------------------------------------------------------- */

/* Where in a bracket expression we stand, so that `]` in first place is taken literally. */
enum { CLASS_START = 1, CLASS_AFTER_CARET = 2, CLASS_INSIDE = 3 };

typedef struct similar {
    qn_buf buf;
    int    quotes; /* escape-double-quotes met */
    int    depth;  /* of brackets: 1 in a class, 2 in [:name:] inside it */
    int    place;
} similar;

static qn_status similar_escaped(qn_call *call, similar *s, const char *c, size_t n)
{
    if (*c == '"' && s->depth == 0) {
        /* The parts of SUBSTRING(a SIMILAR 'x#"y#"z' ESCAPE '#'): x matches as little as possible. */
        if (s->quotes > 1) {
            return qn_fail(
                call->err, QN_SQLSTATE_INVALID_USE_OF_ESCAPE,
                "SQL regular expression may not contain more than two escape-double-quote "
                "separators");
        }
        qn_buf_puts(&s->buf, s->quotes++ == 0 ? "){1,1}?(" : "){1,1}(?:");
        return QN_OK;
    }
    qn_buf_putc(&s->buf, '\\');
    qn_buf_add(&s->buf, c, n);
    s->place = CLASS_INSIDE;
    return QN_OK;
}

static void similar_in_class(similar *s, char c)
{
    if (c == ']' && s->place == CLASS_INSIDE) {
        s->depth--;
    } else if (c == '[') {
        s->depth++;
        s->place = CLASS_INSIDE;
    } else if (c == '^' && s->place == CLASS_START) {
        s->place = CLASS_AFTER_CARET;
    } else {
        s->place = CLASS_INSIDE;
    }
}

/* The regular expression of a SIMILAR TO pattern.  escape NULL: backslash; empty: none. */
qn_status qn_similar_pattern(qn_call *call, const qn_str *pattern, const qn_str *escape,
                             qn_datum *result)
{
    const char *p = qn_str_data(pattern), *esc = escape ? qn_str_data(escape) : "\\";
    size_t      bytes = pattern->bytes, esc_bytes = escape ? escape->bytes : 1;
    bool        escaped = false;
    similar     s = {.quotes = 0};
    qn_status   st = check_escape(call, esc, esc_bytes);

    if (st != QN_OK) {
        return st;
    }
    qn_buf_init(&s.buf, call->arena->mem);
    qn_buf_puts(&s.buf, "^(?:");
    for (size_t i = 0, n; i < bytes; i += n) {
        n = qn_char_bytes(p + i, bytes - i);
        if (escaped) {
            st = similar_escaped(call, &s, p + i, n);
            if (st != QN_OK) {
                qn_buf_deinit(&s.buf);
                return st;
            }
            escaped = false;
        } else if (esc_bytes > 0 && n == esc_bytes && memcmp(p + i, esc, n) == 0) {
            escaped = true;
        } else if (s.depth > 0) {
            if (p[i] == '\\') {
                qn_buf_putc(&s.buf, '\\');
            }
            qn_buf_add(&s.buf, p + i, n);
            similar_in_class(&s, p[i]);
        } else if (p[i] == '%') {
            qn_buf_puts(&s.buf, ".*");
        } else if (p[i] == '_') {
            qn_buf_putc(&s.buf, '.');
        } else if (p[i] == '(') {
            qn_buf_puts(&s.buf, "(?:");
        } else {
            if (p[i] == '[') {
                s.depth = 1;
                s.place = CLASS_START;
            } else if (p[i] == '\\' || p[i] == '.' || p[i] == '^' || p[i] == '$') {
                qn_buf_putc(&s.buf, '\\');
            }
            qn_buf_add(&s.buf, p + i, n);
        }
    }
    qn_buf_puts(&s.buf, ")$");
    return qn_text_of_buf(call, &s.buf, result);
}

QN_SCALAR(qn_similar_to_escape)
{
    return qn_similar_pattern(call, &args[0].str, &args[1].str, result);
}

QN_SCALAR(qn_similar_to_escape_default)
{
    return qn_similar_pattern(call, &args[0].str, NULL, result);
}

/* The older name, not strict: a NULL escape means backslash. */
QN_SCALAR(qn_similar_escape)
{
    if (nulls[0]) {
        *null = true;
        return QN_OK;
    }
    return qn_similar_pattern(call, &args[0].str, nulls[1] ? NULL : &args[1].str, result);
}
