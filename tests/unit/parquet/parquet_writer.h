/* A small writer of Parquet files, for what no writer at hand makes: every encoding, odd page layouts, and lies.
 *
 * It does what it is told and checks nothing: pages get the bytes, counts and encodings that the test gives them.
 * Values are put into pages by the encoders at the end of this file. */
#ifndef QN_TEST_PARQUET_WRITER_H
#define QN_TEST_PARQUET_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct w_bytes {
    uint8_t *data;
    size_t   n, capacity;
} w_bytes;

static inline void put(w_bytes *b, const void *data, size_t n)
{
    if (b->n + n > b->capacity) {
        b->capacity = (b->n + n) * 2 + 64;
        b->data = realloc(b->data, b->capacity);
    }
    if (n)
        memcpy(b->data + b->n, data, n);
    b->n += n;
}

static inline void put8(w_bytes *b, unsigned v)
{
    uint8_t x = (uint8_t)v;
    put(b, &x, 1);
}

static inline void put32(w_bytes *b, uint32_t v)
{
    put(b, &v, 4);
}

static inline void put64(w_bytes *b, uint64_t v)
{
    put(b, &v, 8);
}

static inline void put_varint(w_bytes *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        put8(b, 0x80 | (unsigned)(v & 0x7f));
    put8(b, (unsigned)v);
}

static inline void put_zigzag(w_bytes *b, int64_t v)
{
    put_varint(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

static inline void empty(w_bytes *b)
{
    free(b->data);
    *b = (w_bytes){0};
}

/* ---- thrift ---------------------------------------------------------------------------------------- */

enum { T_TRUE = 1, T_FALSE = 2, T_I32 = 5, T_I64 = 6, T_BINARY = 8, T_LIST = 9, T_STRUCT = 12 };

/* Fields are always written with their full number, which is allowed. */
static inline void field(w_bytes *b, int id, unsigned type)
{
    put8(b, type);
    put_zigzag(b, id);
}

static inline void field_int(w_bytes *b, int id, int64_t v)
{
    field(b, id, T_I64);
    put_zigzag(b, v);
}

static inline void field_text(w_bytes *b, int id, const char *s)
{
    field(b, id, T_BINARY);
    put_varint(b, strlen(s));
    put(b, s, strlen(s));
}

static inline void list(w_bytes *b, int id, size_t count, unsigned type)
{
    field(b, id, T_LIST);
    put8(b, 0xf0 | type);
    put_varint(b, count);
}

static inline void stop(w_bytes *b)
{
    put8(b, 0);
}

/* ---- the file -------------------------------------------------------------------------------------- */

enum { W_COLUMNS = 8, W_GROUPS = 8 };

typedef struct w_column {
    const char *name;
    int         physical, width; /* as in the format */
    int         optional;        /* 0 required, 1 optional, 2 repeated */
    int         converted;       /* ConvertedType plus one, 0: none */
    int         logical, a, b;   /* member of the union, 0: none; its two numbers (scale and precision, bits and sign) */
    int         unit;            /* of times: 1 milli, 2 micro, 3 nano; a is then isAdjustedToUTC */
    int         scale, precision, children, codec;
} w_column;

typedef struct w_chunk {
    uint64_t first, data, dict, bytes;
    int64_t  values;
    bool     open;
} w_chunk;

typedef struct writer {
    w_bytes    out;
    w_column columns[W_COLUMNS];
    unsigned count, groups;
    w_chunk  chunks[W_GROUPS][W_COLUMNS];
    int64_t  rows[W_GROUPS], lost_rows; /* those that the file does not say it has */
    bool     crc, bad_crc;
} writer;

static inline void w_begin(writer *w, const w_column *columns, unsigned count)
{
    memset(w, 0, sizeof *w);
    memcpy(w->columns, columns, count * sizeof *columns);
    w->count = count;
    put(&w->out, "PAR1", 4);
}

/* Rows of the row group that follows; then come its chunks, in order, each by w_chunk_begin and pages. */
static inline void w_group(writer *w, int64_t rows)
{
    w->rows[w->groups++] = rows;
}

static inline void w_chunk_begin(writer *w, unsigned c, int64_t values)
{
    w->chunks[w->groups - 1][c] = (w_chunk){.first = w->out.n, .values = values};
}

static inline void w_end_chunk(writer *w, unsigned c)
{
    w_chunk *k = &w->chunks[w->groups - 1][c];
    k->bytes = w->out.n - k->first;
}

static inline void w_header(writer *w, int type, size_t plain, size_t packed, const void *body, w_bytes *h)
{
    field_int(h, 1, type);
    field_int(h, 2, (int64_t)plain);
    field_int(h, 3, (int64_t)packed);
    if (w->crc || w->bad_crc)
        field_int(h, 4, (int32_t)(crc32(0, body, (uInt)packed) + w->bad_crc));
}

/* The codec is the column's; packed are the bytes as they go into the file. */
static inline void w_dict_packed(writer *w, unsigned c, int count, int encoding, size_t plain, const w_bytes *packed)
{
    w_bytes h = {0};
    if (!w->chunks[w->groups - 1][c].dict)
        w->chunks[w->groups - 1][c].dict = w->out.n;
    w_header(w, 2, plain, packed->n, packed->data, &h);
    field(&h, 7, T_STRUCT);
    field_int(&h, 1, count);
    field_int(&h, 2, encoding);
    field(&h, 3, T_FALSE); /* not sorted */
    stop(&h);
    stop(&h);
    put(&w->out, h.data, h.n);
    put(&w->out, packed->data, packed->n);
    empty(&h);
    w_end_chunk(w, c);
}

static inline void w_dict(writer *w, unsigned c, int count, const w_bytes *values)
{
    w_dict_packed(w, c, count, 2, values->n, values);
}

/* A page of version 1: body is levels (with their length in front) and values. */
static inline void w_page_packed(writer *w, unsigned c, int count, int encoding, int level_encoding, size_t plain,
                                 const w_bytes *packed)
{
    w_bytes h = {0};
    if (!w->chunks[w->groups - 1][c].data)
        w->chunks[w->groups - 1][c].data = w->out.n;
    w_header(w, 0, plain, packed->n, packed->data, &h);
    field(&h, 5, T_STRUCT);
    field_int(&h, 1, count);
    field_int(&h, 2, encoding);
    field_int(&h, 3, level_encoding);
    field_int(&h, 4, 3);
    stop(&h);
    stop(&h);
    put(&w->out, h.data, h.n);
    put(&w->out, packed->data, packed->n);
    empty(&h);
    w_end_chunk(w, c);
}

static inline void w_page(writer *w, unsigned c, int count, int encoding, const w_bytes *levels, const w_bytes *values)
{
    w_bytes body = {0};
    if (levels) {
        put32(&body, (uint32_t)levels->n);
        put(&body, levels->data, levels->n);
    }
    put(&body, values->data, values->n);
    w_page_packed(w, c, count, encoding, 3, body.n, &body);
    empty(&body);
}

/* A page of version 2: levels stay as they are. */
static inline void w_page2(writer *w, unsigned c, int count, int nulls, int encoding, const w_bytes *levels, bool is_packed,
                           size_t plain, const w_bytes *packed)
{
    w_bytes  h = {0}, body = {0};
    size_t level_bytes = levels ? levels->n : 0;
    if (!w->chunks[w->groups - 1][c].data)
        w->chunks[w->groups - 1][c].data = w->out.n;
    put(&body, levels ? levels->data : NULL, level_bytes);
    put(&body, packed->data, packed->n);
    w_header(w, 3, plain + level_bytes, body.n, body.data, &h);
    field(&h, 8, T_STRUCT);
    field_int(&h, 1, count);
    field_int(&h, 2, nulls);
    field_int(&h, 3, count);
    field_int(&h, 4, encoding);
    field_int(&h, 5, (int64_t)level_bytes);
    field_int(&h, 6, 0);
    field(&h, 7, is_packed ? T_TRUE : T_FALSE);
    stop(&h);
    stop(&h);
    put(&w->out, h.data, h.n);
    put(&w->out, body.data, body.n);
    empty(&h);
    empty(&body);
    w_end_chunk(w, c);
}

static inline void w_logical(w_bytes *f, const w_column *c)
{
    field(f, 10, T_STRUCT);
    field(f, c->logical, T_STRUCT);
    if (c->logical == 5) {
        field_int(f, 1, c->a);
        field_int(f, 2, c->b);
    } else if (c->logical == 10) {
        put8(f, 0x10 | 3); /* a byte */
        put8(f, (unsigned)c->a);
        field(f, 2, c->b ? T_TRUE : T_FALSE);
    } else if (c->unit) {
        field(f, 1, c->a ? T_TRUE : T_FALSE);
        field(f, 2, T_STRUCT);
        field(f, c->unit, T_STRUCT);
        stop(f);
        stop(f);
    }
    stop(f);
    stop(f);
}

static inline void w_element(w_bytes *f, const w_column *c)
{
    if (!c->children)
        field_int(f, 1, c->physical);
    if (c->width)
        field_int(f, 2, c->width);
    field_int(f, 3, c->optional);
    field_text(f, 4, c->name);
    if (c->children)
        field_int(f, 5, c->children);
    if (c->converted)
        field_int(f, 6, c->converted - 1);
    if (c->precision) {
        field_int(f, 7, c->scale);
        field_int(f, 8, c->precision);
    }
    if (c->logical)
        w_logical(f, c);
    stop(f);
}

static inline void w_chunk_entry(w_bytes *f, const w_column *c, const w_chunk *k)
{
    field_int(f, 2, 0);
    field(f, 3, T_STRUCT);
    field_int(f, 1, c->physical);
    list(f, 2, 1, T_I32);
    put_zigzag(f, 0);
    list(f, 3, 1, T_BINARY);
    put_varint(f, strlen(c->name));
    put(f, c->name, strlen(c->name));
    field_int(f, 4, c->codec);
    field_int(f, 5, k->values);
    field_int(f, 6, (int64_t)k->bytes);
    field_int(f, 7, (int64_t)k->bytes);
    field_int(f, 9, (int64_t)(k->data ? k->data : k->first));
    if (k->dict)
        field_int(f, 11, (int64_t)k->dict);
    stop(f);
    stop(f);
}

/* Columns with children are groups: what follows them in columns[] are their members. */
static inline void w_finish(writer *w)
{
    w_bytes    f = {0};
    unsigned top = 0, leaves = 0;
    int64_t  rows = 0;
    for (unsigned c = 0; c < w->count; c++) {
        top++;
        leaves += !w->columns[c].children;
    }
    for (unsigned c = 0; c < w->count; c++)
        top -= (unsigned)w->columns[c].children;
    for (unsigned g = 0; g < w->groups; g++)
        rows += w->rows[g];
    field_int(&f, 1, 2);
    list(&f, 2, w->count + 1, T_STRUCT);
    field_text(&f, 4, "root");
    field_int(&f, 5, top);
    stop(&f);
    for (unsigned c = 0; c < w->count; c++)
        w_element(&f, &w->columns[c]);
    field_int(&f, 3, rows - w->lost_rows);
    list(&f, 4, w->groups, T_STRUCT);
    for (unsigned g = 0; g < w->groups; g++) {
        list(&f, 1, leaves, T_STRUCT);
        for (unsigned c = 0; c < w->count; c++) {
            if (!w->columns[c].children)
                w_chunk_entry(&f, &w->columns[c], &w->chunks[g][c]);
        }
        field_int(&f, 2, (int64_t)w->out.n);
        field_int(&f, 3, w->rows[g]);
        stop(&f);
    }
    field_text(&f, 6, "the test");
    stop(&f);
    put(&w->out, f.data, f.n);
    put32(&w->out, (uint32_t)f.n);
    put(&w->out, "PAR1", 4);
    empty(&f);
}

/* ---- encoders -------------------------------------------------------------------------------------- */

static inline void put_text(w_bytes *b, const char *s)
{
    put32(b, (uint32_t)strlen(s));
    put(b, s, strlen(s));
}

static inline void put_packed(w_bytes *b, const uint64_t *v, size_t n, unsigned width)
{
    size_t at = b->n;
    for (size_t i = 0; i < (n * width + 7) / 8; i++)
        put8(b, 0);
    for (size_t i = 0; i < n; i++) {
        for (unsigned k = 0; k < width; k++) {
            size_t bit = i * width + k;
            b->data[at + bit / 8] |= (uint8_t)((v[i] >> k & 1) << (bit % 8));
        }
    }
}

/* The hybrid: runs of eight or more equal values as such, the rest packed in groups of eight. */
static inline void put_hybrid(w_bytes *b, const uint32_t *v, size_t n, unsigned width)
{
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        while (i + run < n && v[i + run] == v[i])
            run++;
        if (run >= 8 || i + run == n) {
            put_varint(b, run << 1);
            for (unsigned k = 0; k < (width + 7) / 8; k++)
                put8(b, v[i] >> (8 * k));
            i += run;
            continue;
        }
        uint64_t group[8] = {0};
        for (size_t k = 0; k < 8 && i + k < n; k++)
            group[k] = v[i + k];
        put_varint(b, 1 << 1 | 1);
        put_packed(b, group, 8, width);
        i += 8;
    }
}

static inline void put_delta(w_bytes *b, const int64_t *v, size_t n, unsigned block, unsigned minis)
{
    unsigned per = block / minis;
    put_varint(b, block);
    put_varint(b, minis);
    put_varint(b, n);
    put_zigzag(b, n ? v[0] : 0);
    for (size_t i = 1; i < n; i += block) {
        uint64_t deltas[4096] = {0};
        size_t   count = n - i < block ? n - i : block;
        int64_t  least = INT64_MAX;
        for (size_t k = 0; k < count; k++) {
            deltas[k] = (uint64_t)v[i + k] - (uint64_t)v[i + k - 1];
            least = (int64_t)deltas[k] < least ? (int64_t)deltas[k] : least;
        }
        put_zigzag(b, least);
        uint8_t widths[64] = {0};
        for (size_t k = 0; k < count; k++) {
            deltas[k] -= (uint64_t)least;
            while (widths[k / per] < 64 && deltas[k] >> widths[k / per])
                widths[k / per]++;
        }
        put(b, widths, minis);
        for (unsigned m = 0; m < minis && m * per < count; m++)
            put_packed(b, deltas + m * per, per, widths[m]);
    }
}

static inline void put_delta_lengths(w_bytes *b, const char *const *s, size_t n)
{
    int64_t *lengths = malloc((n + 1) * sizeof *lengths);
    for (size_t i = 0; i < n; i++)
        lengths[i] = (int64_t)strlen(s[i]);
    put_delta(b, lengths, n, 128, 4);
    for (size_t i = 0; i < n; i++)
        put(b, s[i], strlen(s[i]));
    free(lengths);
}

static inline void put_delta_bytes(w_bytes *b, const char *const *s, size_t n)
{
    int64_t *prefixes = malloc((n + 1) * sizeof *prefixes);
    char   **suffixes = malloc((n + 1) * sizeof *suffixes);
    for (size_t i = 0; i < n; i++) {
        size_t p = 0;
        while (i && s[i][p] && s[i][p] == s[i - 1][p])
            p++;
        prefixes[i] = (int64_t)p;
        suffixes[i] = (char *)(uintptr_t)s[i] + p;
    }
    put_delta(b, prefixes, n, 128, 4);
    put_delta_lengths(b, (const char *const *)suffixes, n);
    free(prefixes);
    free(suffixes);
}

static inline void put_split(w_bytes *b, const void *v, size_t n, size_t width)
{
    for (size_t k = 0; k < width; k++) {
        for (size_t i = 0; i < n; i++)
            put8(b, ((const uint8_t *)v)[i * width + k]);
    }
}

#endif
