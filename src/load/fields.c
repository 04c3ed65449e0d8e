/* A record to fields: PostgreSQL's CopyReadAttributesText and CopyReadAttributesCSV as state
 * machines.
 *
 * The common field holds neither escape nor quote and is a view of the record.  Others are
 * rewritten in scratch memory; the record itself stays as it is, because error messages show it.
 *
 * The null marker is compared with the raw bytes, before escapes are undone, and in CSV only for
 * fields without any quote.  Text made by \x and \0 escapes is checked for UTF-8 again. */
#include <stdio.h>

#include "load/load_int.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define WINDOW 64u

/* One bit per byte of p[0, 64) that is a or b. */
static inline uint64_t mask2(const char *p, char a, char b)
{
#if defined(__SSE2__)
    const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b);
    uint64_t      mask = 0;
    for (unsigned k = 0; k < 4; k++) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * k));
        __m128i h = _mm_or_si128(_mm_cmpeq_epi8(x, va), _mm_cmpeq_epi8(x, vb));
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(h) << (16 * k);
    }
    return mask;
#else
    uint64_t mask = 0;
    for (unsigned k = 0; k < WINDOW; k++)
        mask |= (uint64_t)(p[k] == a || p[k] == b) << k;
    return mask;
#endif
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* The byte that an escape stands for; *p is behind the backslash and is moved behind the escape.
 * *check: the byte could make invalid text. */
static char unescape(const char **p, const char *end, bool *check)
{
    char c = *(*p)++;
    int  value, digit;

    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'v':
        return '\v';
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
        value = c - '0';
        for (int k = 0; k < 2 && *p < end && is_octal(**p); k++)
            value = value * 8 + (*(*p)++ - '0');
        c = (char)value;
        break;
    case 'x':
        if (*p == end || hex_digit(**p) < 0)
            return c;
        value = hex_digit(*(*p)++);
        if (*p < end && (digit = hex_digit(**p)) >= 0) {
            value = value * 16 + digit;
            (*p)++;
        }
        c = (char)value;
        break;
    default:
        break;
    }
    if (c == 0 || (c & 0x80))
        *check = true;
    return c;
}

/* PostgreSQL shows as many bytes as the first one announces. */
qn_status qn_load_invalid_utf8(const char *s, size_t bytes, qn_error *err)
{
    char     list[48];
    size_t   n = 0;
    unsigned lead = (unsigned char)s[0];
    size_t   want = lead < 0xC0 || lead >= 0xF8 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    for (size_t i = 0; i < want && i < bytes; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s0x%02x", i ? " " : "",
                              (unsigned char)s[i]);
    return qn_fail(err, QN_SQLSTATE_CHARACTER_NOT_IN_REPERTOIRE,
                   "invalid byte sequence for encoding \"UTF8\": %s", list);
}

static qn_status too_big(qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "COPY line is too long");
}

/* A text field that holds a backslash: [begin, end) raw, written to scratch. */
static qn_status text_escaped(const qn_load_options *o, size_t null_bytes, const char *begin,
                              const char *end, qn_field *out, qn_arena *scratch, qn_error *err)
{
    const char *p = begin, *raw_end = end;
    bool        check = false;
    char       *text = qn_arena_alloc(scratch, (size_t)(end - begin) + 16);
    size_t      n = 0;

    if (!text)
        return qn_nomem(err);
    while (p < end) {
        char c = *p++;
        if (c == '\\') {
            if (p == end) { /* a lone backslash at the very end of the data vanishes */
                raw_end = p - 1;
                break;
            }
            c = unescape(&p, end, &check);
        }
        text[n++] = c;
    }
    if ((size_t)(raw_end - begin) == null_bytes && memcmp(begin, o->null_text, null_bytes) == 0) {
        *out = (qn_field){NULL, 0, false};
        return QN_OK;
    }
    if (check) {
        size_t good = qn_load_utf8(text, n);
        if (good < n)
            return qn_load_invalid_utf8(text + good, n - good, err);
    }
    *out = (qn_field){text, (uint32_t)n, false};
    return QN_OK;
}

static qn_status split_text(const qn_load_options *o, size_t null_bytes, const char *data,
                            size_t bytes, qn_field *out, size_t stride, uint32_t limit,
                            uint32_t *count, qn_arena *scratch, qn_error *err)
{
    const char  delimiter = o->delimiter;
    const char *begin = data, *end = data + bytes, *skip = data;
    bool        escaped = false;
    uint32_t    n = 0;

    for (const char *window = data;; window += WINDOW) {
        uint64_t mask = window < end ? mask2(window, delimiter, '\\') : 1;
        size_t   left = window < end ? (size_t)(end - window) : 0;
        if (left < WINDOW) /* the end of the record counts as a delimiter */
            mask = (mask & ((1ull << left) - 1)) | 1ull << left;
        while (mask) {
            const char *p = window + __builtin_ctzll(mask);
            mask &= mask - 1;
            if (p < skip &&
                p < end) /* taken along by a backslash; the end of the record never is */
                continue;
            if (p < end && *p == '\\') {
                escaped = true;
                skip = p + 2;
                continue;
            }
            if (n < limit) {
                qn_field *f = &out[n * stride];
                size_t    size = (size_t)(p - begin);
                if (escaped) {
                    qn_status st = text_escaped(o, null_bytes, begin, p, f, scratch, err);
                    if (st != QN_OK)
                        return st;
                } else if (size == null_bytes && memcmp(begin, o->null_text, size) == 0) {
                    *f = (qn_field){NULL, 0, false};
                } else {
                    *f = (qn_field){begin, (uint32_t)size, false};
                }
            } else if (escaped) { /* surplus fields are looked at for the errors they hold */
                qn_field  surplus;
                qn_status st = text_escaped(o, null_bytes, begin, p, &surplus, scratch, err);
                if (st != QN_OK)
                    return st;
            }
            n++;
            if (p >= end) {
                *count = n;
                return QN_OK;
            }
            begin = p + 1;
            escaped = false;
        }
    }
}

static const char *find2(const char *p, const char *end, char a, char b)
{
    for (; p < end; p += WINDOW) {
        uint64_t mask = mask2(p, a, b);
        if (mask) {
            p += __builtin_ctzll(mask);
            break;
        }
    }
    return p < end ? p : end;
}

/* The rest of a CSV field that begins at `begin` and has its first quote at p.  *next: the
 * delimiter or the end of the record. */
static qn_status csv_quoted(const qn_load_options *o, const char *begin, const char *p,
                            const char *end, qn_field *out, const char **next, qn_arena *scratch,
                            qn_error *err)
{
    const char quote = o->quote, escape = o->escape;

    /* A field all in quotes, without quotes or escapes inside, is a view. */
    if (p == begin) {
        const char *q = find2(p + 1, end, quote, escape);
        if (q < end && *q == quote && (q + 1 == end || (q[1] == o->delimiter))) {
            *out = (qn_field){p + 1, (uint32_t)(q - p - 1), true};
            *next = q + 1;
            return QN_OK;
        }
    }
    char *text = qn_arena_alloc(scratch, (size_t)(end - begin) + 16);
    if (!text)
        return qn_nomem(err);
    size_t n = (size_t)(p - begin);
    bool   inside = false;
    memcpy(text, begin, n);
    while (p < end) {
        char c = *p;
        if (!inside) {
            if (c == o->delimiter)
                break;
            p++;
            if (c == quote)
                inside = true;
            else
                text[n++] = c;
            continue;
        }
        p++;
        if (c == escape && p < end && (*p == escape || *p == quote))
            text[n++] = *p++;
        else if (c == quote)
            inside = false;
        else
            text[n++] = c;
    }
    if (inside)
        return qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "unterminated CSV quoted field");
    *out = (qn_field){text, (uint32_t)n, true};
    *next = p;
    return QN_OK;
}

/* Windows of 64 bytes as in split_text.  A field with a quote is gone through by itself, and the windows go on behind it. */
static qn_status split_csv(const qn_load_options *o, size_t null_bytes, const char *data,
                           size_t bytes, qn_field *out, size_t stride, uint32_t limit,
                           uint32_t *count, qn_arena *scratch, qn_error *err)
{
    const char  delimiter = o->delimiter, quote = o->quote;
    const char *begin = data, *end = data + bytes, *next;
    uint32_t    n = 0;

    for (const char *window = data;; window = next) {
        uint64_t mask = window < end ? mask2(window, delimiter, quote) : 1;
        size_t   left = window < end ? (size_t)(end - window) : 0;
        next = window + WINDOW;
        if (left < WINDOW) /* the end of the record counts as a delimiter */
            mask = (mask & ((1ull << left) - 1)) | 1ull << left;
        while (mask) {
            const char *p = window + __builtin_ctzll(mask);
            qn_field    f;
            bool        quoted = p < end && *p == quote && quote != delimiter;
            mask &= mask - 1;
            if (quoted) {
                qn_status st = csv_quoted(o, begin, p, end, &f, &p, scratch, err);
                if (st != QN_OK)
                    return st;
            } else {
                size_t size = (size_t)(p - begin);
                bool   null = size == null_bytes && memcmp(begin, o->null_text, size) == 0;
                f = (qn_field){null ? NULL : begin, null ? 0 : (uint32_t)size, false};
            }
            if (n < limit)
                out[n * stride] = f;
            n++;
            if (p == end) {
                *count = n;
                return QN_OK;
            }
            begin = p + 1;
            if (!quoted)
                continue;
            if (begin >= window + WINDOW) {
                next = begin;
                break;
            }
            mask &= ~0ull << (begin - window);
        }
    }
}

qn_status qn_fields_split(const qn_load_options *o, size_t null_bytes, const char *data,
                          size_t bytes, qn_field *out, size_t stride, uint32_t limit,
                          uint32_t *count, qn_arena *scratch, qn_error *err)
{
    *count = 0;
    if (bytes > QN_LOAD_RECORD_LIMIT)
        return too_big(err);
    return (o->format == QN_LOAD_CSV ? split_csv : split_text)(o, null_bytes, data, bytes, out,
                                                               stride, limit, count, scratch, err);
}
