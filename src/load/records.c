/* Where records end: the one part of a load that must go through the bytes in order.
 *
 * The rules are those of PostgreSQL's COPY.  The first line decides whether lines end in NL, CR or
 * CR NL, and every other line end is then an error outside quotes.  In text format a backslash
 * takes the byte behind it along (so backslash-newline is data) and `\.` ends the data; in CSV only
 * a `\.` alone on a line does, and quotes hide line ends.  Line numbers count as PostgreSQL counts
 * them: in CSV also the line ends inside quotes.
 *
 * Only a few bytes can matter; they are found 64 at a time.  A byte whose meaning depends on bytes
 * that have not arrived is left for the next call. */
#include "load/load_int.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

void qn_records_init(qn_records *r, const qn_load_options *options)
{
    *r = (qn_records){.csv = options->format == QN_LOAD_CSV, .at_start = true};
    r->quote = options->quote;
    r->escape = options->escape == options->quote ? 0 : options->escape;
}

void qn_records_move(qn_records *r)
{
    r->scan -= r->begin;
    r->escape_end = r->escape_end > r->begin ? r->escape_end - r->begin : 0;
    r->begin = 0;
}

/* Position of the first of four bytes in [p, end), else end.  Reads up to QN_LOAD_PADDING past end.
 */
static const char *find4(const char *p, const char *end, char a, char b, char c, char d)
{
#if defined(__SSE2__)
    const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b), vc = _mm_set1_epi8(c),
                  vd = _mm_set1_epi8(d);
    for (; p < end; p += 32) {
        __m128i  x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i  y = _mm_loadu_si128((const __m128i *)(const void *)(p + 16));
        __m128i  hx = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, va), _mm_cmpeq_epi8(x, vb)),
                                   _mm_or_si128(_mm_cmpeq_epi8(x, vc), _mm_cmpeq_epi8(x, vd)));
        __m128i  hy = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(y, va), _mm_cmpeq_epi8(y, vb)),
                                   _mm_or_si128(_mm_cmpeq_epi8(y, vc), _mm_cmpeq_epi8(y, vd)));
        uint32_t hits = (uint32_t)_mm_movemask_epi8(hx) | (uint32_t)_mm_movemask_epi8(hy) << 16;
        if (hits) {
            p += __builtin_ctz(hits);
            return p < end ? p : end;
        }
    }
    return end;
#else
    while (p < end && *p != a && *p != b && *p != c && *p != d)
        p++;
    return p;
#endif
}

static qn_status bad_eol(const qn_records *r, bool newline, qn_error *err)
{
    const char *what = newline ? "newline" : "carriage return";
    qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "%s %s found in data",
            r->csv ? "unquoted" : "literal", what);
    if (r->csv)
        qn_error_hint(err, "Use quoted CSV field to represent %s.", what);
    else
        qn_error_hint(err, "Use \"%s\" to represent %s.", newline ? "\\n" : "\\r", what);
    return QN_ERROR;
}

typedef enum step { STEP_ON, STEP_RECORD, STEP_WAIT, STEP_END, STEP_FAIL } step;

/* A line end at data[i].  *next: where the next record begins. */
static step line_end(qn_records *r, const char *data, size_t i, size_t bytes, bool final,
                     size_t *next, qn_error *err)
{
    if (data[i] == '\n') {
        if (r->eol == QN_EOL_CR || r->eol == QN_EOL_CRNL) {
            bad_eol(r, true, err);
            return STEP_FAIL;
        }
        r->eol = QN_EOL_NL;
        *next = i + 1;
        return STEP_RECORD;
    }
    if (r->eol == QN_EOL_NL) {
        bad_eol(r, false, err);
        return STEP_FAIL;
    }
    *next = i + 1;
    if (r->eol != QN_EOL_CR) {
        if (i + 1 == bytes && !final)
            return STEP_WAIT;
        if (i + 1 < bytes && data[i + 1] == '\n') {
            r->eol = QN_EOL_CRNL;
            *next = i + 2;
        } else if (r->eol == QN_EOL_CRNL) {
            bad_eol(r, false, err);
            return STEP_FAIL;
        } else {
            r->eol = QN_EOL_CR;
        }
    }
    return STEP_RECORD;
}

/* A backslash at data[i] that counts.  STEP_END: the end-of-data marker.  STEP_ON: *next is where
 * to look on.  In CSV the caller asks only at the start of a record. */
static step backslash(const qn_records *r, const char *data, size_t i, size_t bytes, bool final,
                      size_t *next, qn_error *err)
{
    bool   crnl = r->eol == QN_EOL_CRNL;
    size_t need = i + 3 + (crnl ? 1 : 0); /* backslash, point, line end */

    *next = i + 1;
    if (i + 1 >= bytes) {
        *next = bytes;
        return final ? STEP_ON : STEP_WAIT;
    }
    if (data[i + 1] != '.') {
        *next = r->csv ? i + 1 : i + 2;
        return STEP_ON;
    }
    if (need > bytes && !final)
        return STEP_WAIT;
    size_t at = i + 2;
    char   c = at < bytes ? data[at] : 0;
    if (crnl) {
        if (c != '\r') {
            if (r->csv)
                return STEP_ON;
            qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT,
                    c == '\n' ? "end-of-copy marker does not match previous newline style"
                              : "end-of-copy marker corrupt");
            return STEP_FAIL;
        }
        at++;
        c = at < bytes ? data[at] : 0;
    }
    if (c != '\r' && c != '\n') {
        if (r->csv)
            return STEP_ON;
        qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "end-of-copy marker corrupt");
        return STEP_FAIL;
    }
    if (((r->eol == QN_EOL_NL || crnl) && c != '\n') || (r->eol == QN_EOL_CR && c != '\r')) {
        qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT,
                "end-of-copy marker does not match previous newline style");
        return STEP_FAIL;
    }
    *next = at + 1;
    return STEP_END;
}

/* One step in CSV at a byte that may matter. */
static step csv_step(qn_records *r, const char *data, size_t i, size_t bytes, bool final,
                     size_t *next, qn_error *err)
{
    char c = data[i];
    bool escaped = r->escape_end == i && i > 0; /* the byte before is a pending escape */

    *next = i + 1;
    if (c == '\r' && i + 1 == bytes && !final)
        return STEP_WAIT;
    if (r->in_quote && r->escape && c == r->escape) {
        escaped = !escaped;
        r->escape_end = escaped ? i + 1 : 0;
    }
    if (c == r->quote && !escaped)
        r->in_quote = !r->in_quote;
    if (r->in_quote) {
        if (c == (r->eol == QN_EOL_NL ? '\n' : '\r'))
            r->line++;
        return STEP_ON;
    }
    return c == '\n' || c == '\r' ? line_end(r, data, i, bytes, final, next, err) : STEP_ON;
}

/* Look on from r->scan to the end of the record.  STEP_RECORD and STEP_END: *end is where its text
 * ends and r->scan where the next one begins. */
static step find_end(qn_records *r, const char *data, size_t bytes, bool final, size_t *end,
                     qn_error *err)
{
    char special = r->csv ? r->quote : '\\';
    char other = r->csv && r->escape ? r->escape : special;

    if (r->csv && r->at_start && r->scan < bytes && data[r->scan] == '\\') {
        size_t next;
        step   s = backslash(r, data, r->scan, bytes, final, &next, err);
        if (s != STEP_ON) {
            *end = r->scan;
            r->at_start = s == STEP_WAIT;
            return s;
        }
    }
    r->at_start = r->scan == bytes && r->at_start;
    while (r->scan < bytes) {
        const char *hit = find4(data + r->scan, data + bytes, '\n', '\r', special, other);
        size_t      i = (size_t)(hit - data), next = i + 1;
        r->scan = i;
        if (i == bytes)
            break;
        step s = r->csv            ? csv_step(r, data, i, bytes, final, &next, err)
                 : data[i] == '\\' ? backslash(r, data, i, bytes, final, &next, err)
                                   : line_end(r, data, i, bytes, final, &next, err);
        if (s == STEP_WAIT || s == STEP_FAIL)
            return s;
        *end = i;
        r->scan = next;
        if (s != STEP_ON)
            return s;
    }
    return STEP_WAIT;
}

qn_status qn_records_scan(qn_records *r, const char *data, size_t bytes, bool final,
                          uint64_t base_line, qn_record *out, uint32_t limit, uint32_t *count,
                          qn_error *err)
{
    *count = 0;
    while (*count < limit && !r->done) {
        if (r->at_start && r->scan == r->begin) {
            if (r->begin == bytes && final) {
                r->done = true;
                break;
            }
            if (r->begin == bytes)
                break;
            r->line++;
        }
        size_t end = 0;
        step   s = find_end(r, data, bytes, final, &end, err);
        if (s == STEP_FAIL)
            return QN_ERROR;
        if (s == STEP_WAIT && !final) {
            /* Not to be counted again when the scan goes on at the very start of the record. */
            if (r->at_start && r->scan == r->begin)
                r->line--;
            break;
        }
        if (s == STEP_WAIT) {
            end = bytes;
            r->done = true;
        } else if (s == STEP_END && end == r->begin) {
            r->done = true;
            break;
        } /* Behind other text on its line the marker only ends the record: PostgreSQL reads on. */
        out[(*count)++] =
            (qn_record){(uint32_t)r->begin, (uint32_t)end, (uint32_t)(r->line - base_line)};
        r->begin = r->scan;
        r->at_start = true;
        r->in_quote = false;
        r->escape_end = 0;
    }
    return QN_OK;
}
