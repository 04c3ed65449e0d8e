/* The pages of one column chunk, row by row.
 *
 * A window of the chunk is read ahead; the page at hand is unpacked into a buffer that strings point into.  A batch may
 * span pages, so buffers that it still needs are put aside until the next batch.
 *
 * A dictionary is decoded once into values 1 … count with NULL in front, and pages that use it come out as codes.  When
 * a batch has rows of both kinds (a writer gave the dictionary up half-way) it comes out as values.
 *
 * Invariants
 *   - `at` is where the next page's header begins, never behind `end`.
 *   - pages_left + page_rows rows of the chunk have not been handed out.
 *   - levels of the page at hand and its values move together: a batch takes n levels and as many values as are there. */
#include <zlib.h>

#include "load/parquet/parquet_int.h"

#define WINDOW_BYTES     ((size_t)1 << 18)
#define HEADER_BYTES     ((size_t)1 << 10) /* usually enough for a page's header */
#define HEADER_BYTES_MAX ((size_t)1 << 24)
#define CHUNK_SLACK      128u /* early writers did not count the dictionary's header as part of the chunk */
#define BITMAP_WORDS     (QN_PQ_BATCH / 64)

typedef struct buffer {
    uint8_t *data;
    size_t   bytes; /* without padding */
} buffer;

typedef struct page_header {
    int64_t  type, plain_bytes, packed_bytes;
    int64_t  values, encoding, level_encoding; /* of whichever kind of page it is */
    int64_t  def_bytes, rep_bytes;
    uint32_t crc;
    bool     has_crc, has_body, packed;
} page_header;

enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2, PAGE_DATA2 = 3 }; /* all others are passed over */

struct qn_pq_reader {
    const qn_pq_file   *file;
    const qn_pq_column *column;
    const qn_pq_chunk  *chunk;
    uint32_t            number;
    uint64_t            part;
    qn_mem             *mem;
    qn_pq_unpacker     *unpacker;
    qn_bank             bank;
    size_t              size; /* of a value */

    uint64_t at, end;     /* in the file: the next page's header, where the chunk's bytes may end at the latest */
    uint64_t stop;        /* where no page begins any more */
    uint64_t window_at;   /* where the window begins in the file */
    size_t   window_have;
    buffer   window;

    uint64_t pages_left;  /* rows of pages that have not been begun */
    uint64_t page_rows;   /* rows of the page at hand that are left */
    bool     coded;       /* the page holds codes */
    bool     has_levels;
    bool     bit_levels;  /* in the deprecated packing, from the top bit of each byte */
    const uint8_t *level_bytes, *level_end;
    uint64_t level_used;
    qn_pq_hybrid levels, codes;
    qn_pq_values values;
    buffer   page;
    buffer  *aside;       /* earlier pages that the batch at hand points into */
    uint32_t aside_count, aside_capacity;

    bool           has_dict;
    buffer         dict_page;
    qn_arena       dict_arena; /* long numerics */
    void          *dict_values;
    qn_reader_dict dict;

    qn_arena  strings;
    bool      batch_any, batch_coded;
    void     *out;      /* QN_PQ_BATCH values */
    uint32_t *out_codes;
    uint64_t *out_nulls;
    bool      out_has_nulls;
};

/* ---- buffers --------------------------------------------------------------------------------------- */

static void buffer_free(qn_mem *mem, buffer *b)
{
    qn_free(mem, b->data, b->data ? b->bytes + QN_PQ_PADDING : 0);
    *b = (buffer){0};
}

/* At least so many bytes, contents lost. */
static qn_status buffer_room(qn_mem *mem, buffer *b, size_t bytes, qn_error *err)
{
    if (b->data && b->bytes >= bytes)
        return QN_OK;
    buffer_free(mem, b);
    b->data = qn_alloc(mem, bytes + QN_PQ_PADDING);
    if (!b->data)
        return qn_nomem(err);
    b->bytes = bytes;
    memset(b->data + bytes, 0, QN_PQ_PADDING);
    return QN_OK;
}

/* Makes the chunk's next `bytes` bytes (fewer at its end) readable at *data; *have says how many are. */
static qn_status window(qn_pq_reader *r, size_t bytes, const uint8_t **data, size_t *have, qn_error *err)
{
    qn_status st = QN_OK;
    uint64_t  left = r->end - r->at;
    size_t    kept = 0;

    if (bytes > left)
        bytes = (size_t)left;
    if (r->at >= r->window_at && r->at < r->window_at + r->window_have)
        kept = (size_t)(r->window_at + r->window_have - r->at);
    if (kept < bytes) {
        uint8_t *from = kept ? r->window.data + (r->at - r->window_at) : NULL;
        size_t   full = left < WINDOW_BYTES ? (size_t)left : bytes < WINDOW_BYTES ? WINDOW_BYTES : bytes;
        if (r->window.bytes < full) {
            buffer larger = {0};
            QN_TRY(buffer_room(r->mem, &larger, full, err));
            if (kept)
                memcpy(larger.data, from, kept);
            buffer_free(r->mem, &r->window);
            r->window = larger;
        } else if (kept) {
            memmove(r->window.data, from, kept);
        }
        r->window_at = r->at;
        r->window_have = kept;
        QN_TRY(qn_pq_read(r->file, r->at + kept, r->window.data + kept, full - kept, err));
        r->window_have = kept = full;
    }
    *data = r->window.data + (r->at - r->window_at);
    *have = kept;
done:
    return st;
}

/* ---- page headers ---------------------------------------------------------------------------------- */

static void read_data_header(qn_thrift *t, page_header *h, int64_t type)
{
    qn_thrift_field f = {0};
    bool            second = type == PAGE_DATA2;
    h->packed = true;
    while (qn_thrift_next(t, &f)) {
        if (f.id == 1)
            h->values = qn_thrift_int(t, &f);
        else if (f.id == (second ? 4 : 2))
            h->encoding = qn_thrift_int(t, &f);
        else if (f.id == 3 && type == PAGE_DATA)
            h->level_encoding = qn_thrift_int(t, &f);
        else if (f.id == 5 && second)
            h->def_bytes = qn_thrift_int(t, &f);
        else if (f.id == 6 && second)
            h->rep_bytes = qn_thrift_int(t, &f);
        else if (f.id == 7 && second)
            h->packed = qn_thrift_bool(t, &f);
        else
            qn_thrift_skip(t, &f);
    }
}

static void read_page_header(qn_thrift *t, page_header *h)
{
    qn_thrift_field f = {0};

    *h = (page_header){.type = -1, .plain_bytes = -1, .packed_bytes = -1, .values = -1, .level_encoding = QN_PQ_RLE};
    while (qn_thrift_next(t, &f)) {
        switch (f.id) {
        case 1:
            h->type = qn_thrift_int(t, &f);
            break;
        case 2:
            h->plain_bytes = qn_thrift_int(t, &f);
            break;
        case 3:
            h->packed_bytes = qn_thrift_int(t, &f);
            break;
        case 4:
            h->crc = (uint32_t)qn_thrift_int(t, &f);
            h->has_crc = true;
            break;
        case 5:
        case 7: /* a dictionary's: number of values and encoding, as a data page's */
        case 8:
            if (qn_thrift_struct(t, &f)) {
                int64_t type = f.id == 5 ? PAGE_DATA : f.id == 7 ? PAGE_DICTIONARY : PAGE_DATA2;
                page_header other;
                bool        mine = h->type == type;
                read_data_header(t, mine ? h : &other, type);
                h->has_body |= mine;
            }
            break;
        default:
            qn_thrift_skip(t, &f);
        }
    }
}

/* Moves `at` behind the header and *body to the page's bytes. */
static qn_status next_header(qn_pq_reader *r, page_header *h, const uint8_t **body, qn_error *err)
{
    size_t have, want = HEADER_BYTES;

    for (;; want *= 4) {
        qn_status st = window(r, want, body, &have, err);
        if (st != QN_OK)
            return st;
        qn_thrift t = {*body, *body + have, false};
        read_page_header(&t, h);
        if (!t.failed) {
            r->at += (uint64_t)(t.at - *body);
            break;
        }
        if (have >= r->end - r->at || want > HEADER_BYTES_MAX)
            return qn_pq_damaged(r->file, err, "a page's header makes no sense");
    }
    bool data = h->type == PAGE_DATA || h->type == PAGE_DATA2 || h->type == PAGE_DICTIONARY;
    if (h->type < 0 || h->packed_bytes < 0 || h->plain_bytes < 0 || h->packed_bytes > INT32_MAX ||
        h->plain_bytes > INT32_MAX || (uint64_t)h->packed_bytes > r->end - r->at ||
        (data && (!h->has_body || h->values < 0 || h->values > INT32_MAX || h->def_bytes < 0 || h->rep_bytes < 0 ||
                  h->def_bytes > h->plain_bytes || h->rep_bytes > h->plain_bytes - h->def_bytes ||
                  h->def_bytes > h->packed_bytes || h->rep_bytes > h->packed_bytes - h->def_bytes)))
        return qn_pq_damaged(r->file, err, "a page's header makes no sense");
    return QN_OK;
}

/* The body's bytes, all of them in the window and as they were written. */
static qn_status page_body(qn_pq_reader *r, const page_header *h, const uint8_t **body, qn_error *err)
{
    size_t    have;
    qn_status st = window(r, (size_t)h->packed_bytes, body, &have, err);

    if (st != QN_OK)
        return st;
    if (h->has_crc && crc32(0, *body, (uInt)h->packed_bytes) != h->crc)
        return qn_pq_damaged(r->file, err, "a page's checksum is wrong");
    return QN_OK;
}

/* Unpacks the bytes behind `plain` ones (levels that version 2 leaves as they are) into b. */
static qn_status unpack(qn_pq_reader *r, const page_header *h, const uint8_t *body, size_t plain, buffer *b, qn_error *err)
{
    qn_pq_codec codec = h->packed ? (qn_pq_codec)r->chunk->codec : QN_PQ_UNCOMPRESSED;
    size_t      in = (size_t)h->packed_bytes - plain, out = (size_t)h->plain_bytes - plain;
    bool        ok = false;
    qn_status   st;

    if (!qn_pq_plausible(codec, in, out))
        return qn_pq_damaged(r->file, err, "a page cannot become as large as it says");
    st = buffer_room(r->mem, b, plain + out, err);
    if (st != QN_OK)
        return st;
    if (plain)
        memcpy(b->data, body, plain);
    if (out)
        st = qn_pq_unpack(r->unpacker, codec, body + plain, in, b->data + plain, out, &ok, err);
    else
        ok = true;
    memset(b->data + plain + out, 0, QN_PQ_PADDING); /* the buffer may be longer */
    return st == QN_OK && !ok ? qn_pq_damaged(r->file, err, "a page cannot be unpacked") : st;
}

/* ---- dictionaries ---------------------------------------------------------------------------------- */

static qn_status read_dictionary(qn_pq_reader *r, const page_header *h, const uint8_t *body, qn_error *err)
{
    static const uint8_t least[QN_PQ_PHYSICAL_COUNT] = {1, 4, 8, 12, 4, 8, 4, 1};
    qn_status            st = QN_OK;
    bool                 ok = true;
    qn_pq_values         v = {.column = r->column, .raw = r->values.raw, .strings = &r->dict_arena};
    size_t               count = (size_t)h->values;
    uint8_t              physical = r->column->physical;

    if (r->has_dict || r->pages_left != r->chunk->values || physical == QN_PQ_BOOLEAN ||
        (h->encoding != QN_PQ_PLAIN && h->encoding != QN_PQ_PLAIN_DICTIONARY))
        return qn_pq_damaged(r->file, err, "it has a dictionary where there can be none");
    QN_TRY(unpack(r, h, body, 0, &r->dict_page, err));
    size_t bytes = (size_t)h->plain_bytes;
    if (count > bytes / least[physical] || (physical == QN_PQ_FIXED && count > bytes / r->column->width))
        QN_TRY(qn_pq_damaged(r->file, err, "a dictionary has fewer values than it says"));
    QN_ALLOC(err, r->dict_values = qn_alloc(r->mem, (count + 1) * r->size + QN_PQ_PADDING));
    r->dict.count = (uint32_t)count;
    r->dict.values = r->dict_values;
    r->dict.id = (r->part << 32 | r->number) + 1;
    memset(r->dict_values, 0, r->size);
    QN_TRY(qn_pq_values_begin(&v, QN_PQ_PLAIN, r->dict_page.data, r->dict_page.data + bytes, &ok, err));
    for (size_t i = 0; i < count;) {
        uint32_t n = count - i < QN_PQ_BATCH ? (uint32_t)(count - i) : QN_PQ_BATCH;
        QN_TRY(qn_pq_values_next(&v, r->file, r->mem, (char *)r->dict_values + (i + 1) * r->size, n, err));
        i += n;
    }
    r->has_dict = true;
done:
    return st;
}

/* ---- data pages ------------------------------------------------------------------------------------ */

/* Where the page's definition levels are, and with *at where its values begin. */
static bool find_levels(qn_pq_reader *r, const page_header *h, const uint8_t **at, const uint8_t *end)
{
    r->has_levels = r->column->optional;
    r->bit_levels = false;
    r->level_used = 0;
    if (h->type == PAGE_DATA2) {
        const uint8_t *levels = *at + h->rep_bytes;
        *at = levels + h->def_bytes;
        if (r->has_levels)
            qn_pq_hybrid_init(&r->levels, levels, *at, 1);
        return true;
    }
    if (!r->has_levels)
        return true;
    if (h->level_encoding == QN_PQ_BIT_PACKED) {
        size_t bytes = ((size_t)h->values + 7) / 8;
        if ((size_t)(end - *at) < bytes)
            return false;
        r->bit_levels = true;
        r->level_bytes = *at;
        r->level_end = *at += bytes;
        return true;
    }
    uint32_t bytes;
    if (h->level_encoding != QN_PQ_RLE || end - *at < 4)
        return false;
    memcpy(&bytes, *at, 4);
    *at += 4;
    if (bytes > (size_t)(end - *at))
        return false;
    qn_pq_hybrid_init(&r->levels, *at, *at + bytes, 1);
    *at += bytes;
    return true;
}

static qn_status set_aside(qn_pq_reader *r, qn_error *err)
{
    bool borrowed = r->batch_any && r->page.data && r->size == sizeof(qn_str);
    if (!borrowed)
        return QN_OK;
    if (r->aside_count == r->aside_capacity) {
        uint32_t capacity = r->aside_capacity ? r->aside_capacity * 2 : 4;
        buffer  *more = qn_realloc(r->mem, r->aside, r->aside_capacity * sizeof *more, capacity * sizeof *more);
        if (!more)
            return qn_nomem(err);
        r->aside = more;
        r->aside_capacity = capacity;
    }
    r->aside[r->aside_count++] = r->page;
    r->page = (buffer){0};
    return QN_OK;
}

static qn_status begin_page(qn_pq_reader *r, const page_header *h, const uint8_t *body, qn_error *err)
{
    qn_status st = QN_OK;
    bool      ok = true;
    size_t    plain = h->type == PAGE_DATA2 ? (size_t)(h->def_bytes + h->rep_bytes) : 0;

    QN_TRY(set_aside(r, err));
    QN_TRY(unpack(r, h, body, plain, &r->page, err));
    const uint8_t *at = r->page.data, *end = at + h->plain_bytes;
    if (!find_levels(r, h, &at, end))
        QN_TRY(qn_pq_damaged(r->file, err, "the levels of a page make no sense"));
    r->coded = h->encoding == QN_PQ_PLAIN_DICTIONARY || h->encoding == QN_PQ_RLE_DICTIONARY;
    if (!r->coded) {
        QN_TRY(qn_pq_values_begin(&r->values, (qn_pq_encoding)h->encoding, at, end, &ok, err));
    } else {
        unsigned width = at < end ? *at++ : 0;
        ok = r->has_dict && width <= 32;
        if (ok)
            qn_pq_hybrid_init(&r->codes, at, end, width);
    }
    if (!ok)
        QN_TRY(qn_pq_damaged(r->file, err, "the values of a page make no sense"));
    r->page_rows = (uint64_t)h->values;
done:
    return st;
}

/* The next page with rows; those of at most *skip rows are passed over unread. */
static qn_status next_page(qn_pq_reader *r, uint64_t *skip, qn_error *err)
{
    qn_status      st = QN_OK;
    page_header    h;
    const uint8_t *body;

    r->page_rows = 0;
    while (r->page_rows == 0 && r->pages_left) {
        if (r->at >= r->stop)
            QN_TRY(qn_pq_damaged(r->file, err, "a column chunk has fewer rows than it says"));
        QN_TRY(next_header(r, &h, &body, err));
        bool data = h.type == PAGE_DATA || h.type == PAGE_DATA2;
        if (data && (uint64_t)h.values > r->pages_left)
            QN_TRY(qn_pq_damaged(r->file, err, "a column chunk has more rows than it says"));
        if (data && skip && *skip >= (uint64_t)h.values) {
            *skip -= (uint64_t)h.values;
            r->pages_left -= (uint64_t)h.values;
        } else if (data || h.type == PAGE_DICTIONARY) {
            QN_TRY(page_body(r, &h, &body, err));
            QN_TRY(data ? begin_page(r, &h, body, err) : read_dictionary(r, &h, body, err));
            r->pages_left -= data ? (uint64_t)h.values : 0;
        }
        r->at += (uint64_t)h.packed_bytes;
        if (skip && *skip == 0)
            skip = NULL;
    }
done:
    return st;
}

/* ---- batches --------------------------------------------------------------------------------------- */

/* Bitmap of the next `rows` levels in nulls[]; how many values are there in *present. */
static bool next_levels(qn_pq_reader *r, uint32_t rows, uint64_t *nulls, uint32_t *present)
{
    uint32_t levels[QN_PQ_BATCH];

    *present = rows;
    if (!r->has_levels || (!r->bit_levels && qn_pq_hybrid_all(&r->levels, 1, rows)))
        return true;
    if (r->bit_levels) {
        for (uint32_t i = 0; i < rows; i++, r->level_used++)
            levels[i] = r->level_bytes[r->level_used / 8] >> (7 - r->level_used % 8) & 1;
    } else if (!qn_pq_hybrid_next(&r->levels, 0, levels, rows)) {
        return false;
    }
    qn_kernels_get()->range32(levels, 0, 0, nulls, rows);
    for (uint32_t w = 0; w < (rows + 63) / 64; w++)
        *present -= (uint32_t)__builtin_popcountll(nulls[w]);
    return true;
}

/* Values 0 … present - 1 move to the rows that are not NULL; from the end, so that nothing is overwritten unread. */
static void spread(void *array, size_t size, uint32_t rows, uint32_t present, const uint64_t *nulls)
{
    char *a = array;
    for (uint32_t row = rows; row-- > 0;) {
        if (nulls[row / 64] >> (row % 64) & 1)
            memset(a + row * size, 0, size);
        else if (--present == row)
            return; /* there is no NULL before it */
        else
            memcpy(a + row * size, a + present * size, size);
    }
}

/* Bits of a segment behind those of the rows done. */
static void add_nulls(qn_pq_reader *r, uint32_t done, uint32_t rows, const uint64_t *nulls)
{
    for (uint32_t w = 0; w < (rows + 63) / 64; w++) {
        uint32_t bit = done + w * 64;
        r->out_nulls[bit / 64] |= nulls[w] << (bit % 64);
        if (bit % 64 && bit / 64 + 1 < BITMAP_WORDS)
            r->out_nulls[bit / 64 + 1] |= nulls[w] >> (64 - bit % 64);
    }
    r->out_has_nulls = true;
}

static void decode_codes(const qn_pq_reader *r, uint32_t from, uint32_t count)
{
    char       *to = (char *)r->out + from * r->size;
    const char *values = r->dict_values;
    for (uint32_t i = 0; i < count; i++)
        memcpy(to + i * r->size, values + r->out_codes[from + i] * r->size, r->size);
}

static qn_status next_codes(qn_pq_reader *r, uint32_t done, uint32_t rows, uint32_t present, const uint64_t *nulls,
                            qn_error *err)
{
    uint32_t *codes = r->out_codes + done, lo = 0, hi = 0, runs;

    if (!qn_pq_hybrid_next(&r->codes, 1, codes, present))
        return qn_pq_damaged(r->file, err, "a page has fewer values than it says");
    if (present)
        qn_kernels_get()->shape32(codes, present, &lo, &hi, &runs);
    if (present && (lo == 0 || hi > r->dict.count)) /* code 2^32 - 1 would have become 0 */
        return qn_pq_damaged(r->file, err, "a page refers to a value that the dictionary does not have");
    if (present < rows)
        spread(codes, sizeof *codes, rows, present, nulls);
    if (r->batch_any && !r->batch_coded) {
        decode_codes(r, done, rows);
    } else {
        r->batch_any = r->batch_coded = true;
    }
    return QN_OK;
}

static qn_status next_values(qn_pq_reader *r, uint32_t done, uint32_t rows, uint32_t present, const uint64_t *nulls,
                             qn_error *err)
{
    char *to = (char *)r->out + done * r->size;

    if (r->batch_coded) {
        decode_codes(r, 0, done);
        r->batch_coded = false;
    }
    r->batch_any = true;
    qn_status st = qn_pq_values_next(&r->values, r->file, r->mem, to, present, err);
    if (st == QN_OK && present < rows)
        spread(to, r->size, rows, present, nulls);
    return st;
}

static qn_status locate(const qn_pq_reader *r, qn_status st, qn_error *err)
{
    qn_error_detail(err, "Column \"%s\" of file \"%s\", row group %llu, before byte %llu.",
                    r->file->reader.columns[r->number].name, r->file->path, (unsigned long long)r->part + 1,
                    (unsigned long long)r->at);
    return st;
}

static void forget_batch(qn_pq_reader *r)
{
    for (uint32_t i = 0; i < r->aside_count; i++)
        buffer_free(r->mem, &r->aside[i]);
    r->aside_count = 0;
    qn_arena_reset(&r->strings);
    r->values.built_bytes = 0;
    r->batch_any = r->batch_coded = false;
    if (r->out_has_nulls)
        memset(r->out_nulls, 0, BITMAP_WORDS * 8);
    r->out_has_nulls = false;
}

qn_status qn_pq_reader_next(qn_pq_reader *r, uint32_t rows, qn_reader_vector *out, qn_error *err)
{
    qn_status st = QN_OK;
    uint64_t  nulls[BITMAP_WORDS];
    uint32_t  done = 0, present;

    QN_ASSERT(rows <= QN_PQ_BATCH);
    forget_batch(r);
    while (done < rows) {
        if (r->page_rows == 0) {
            QN_TRY(next_page(r, NULL, err));
            if (r->page_rows == 0)
                QN_TRY(qn_pq_damaged(r->file, err, "a column chunk has fewer rows than it says"));
        }
        uint32_t n = rows - done < r->page_rows ? rows - done : (uint32_t)r->page_rows;
        if (!next_levels(r, n, nulls, &present))
            QN_TRY(qn_pq_damaged(r->file, err, "a page has fewer levels than it says"));
        QN_TRY(r->coded ? next_codes(r, done, n, present, nulls, err) : next_values(r, done, n, present, nulls, err));
        if (present < n)
            add_nulls(r, done, n, nulls);
        r->page_rows -= n;
        done += n;
    }
    *out = (qn_reader_vector){0};
    if (r->batch_coded) {
        out->codes = r->out_codes;
        out->dict = &r->dict;
    } else {
        out->data = r->out;
        out->nulls = r->out_has_nulls ? r->out_nulls : NULL;
    }
done:
    return st == QN_OK ? st : locate(r, st, err);
}

qn_status qn_pq_reader_skip(qn_pq_reader *r, uint64_t rows, qn_error *err)
{
    qn_status        st = QN_OK;
    qn_reader_vector ignored;

    while (rows) {
        if (r->page_rows == 0) {
            st = next_page(r, &rows, err);
            if (st != QN_OK)
                return locate(r, st, err);
            if (rows == 0 || r->page_rows == 0)
                break;
        }
        uint64_t n = rows < r->page_rows ? rows : r->page_rows;
        n = n < QN_PQ_BATCH ? n : QN_PQ_BATCH;
        st = qn_pq_reader_next(r, (uint32_t)n, &ignored, err);
        if (st != QN_OK)
            return st;
        rows -= n;
    }
    return QN_OK;
}

/* ---- opening ---------------------------------------------------------------------------------------- */

static qn_status check_chunk(const qn_pq_reader *r, qn_error *err)
{
    const qn_reader_column *c = &r->file->reader.columns[r->number];
    const char             *codec = qn_pq_codec_name(r->chunk->codec);
    qn_status               st;

    if (c->unsupported)
        st = qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "column \"%s\" of Parquet file \"%s\" cannot be read: %s is not supported",
                     c->name, r->file->path, c->unsupported);
    else if (r->chunk->refused)
        st = qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "column \"%s\" of Parquet file \"%s\" cannot be read: %s is not supported",
                     c->name, r->file->path, r->chunk->refused);
    else if (r->chunk->codec == QN_PQ_BROTLI || r->chunk->codec == QN_PQ_LZO || r->chunk->codec >= QN_PQ_CODEC_COUNT)
        st = qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED,
                     "column \"%s\" of Parquet file \"%s\" cannot be read: %s compression is not supported", c->name,
                     r->file->path, codec);
    else if (r->chunk->physical != r->column->physical)
        st = qn_pq_damaged(r->file, err, "a column chunk has another type than its column");
    else
        return QN_OK;
    return st;
}

qn_status qn_pq_reader_new(const qn_pq_file *f, uint64_t part, uint32_t column, qn_pq_unpacker *unpacker, qn_mem *mem,
                           qn_pq_reader **reader, qn_error *err)
{
    qn_status     st = QN_OK;
    qn_pq_reader *r = qn_alloc0(mem, sizeof *r);

    *reader = NULL;
    if (!r)
        return qn_nomem(err);
    r->file = f;
    r->column = &f->columns[column];
    r->chunk = qn_pq_chunk_of(f, part, column);
    r->number = column;
    r->part = part;
    r->mem = mem;
    r->unpacker = unpacker;
    r->bank = qn_type_bank((qn_sql_type)f->reader.columns[column].type.id);
    r->size = qn_bank_bytes(r->bank);
    r->at = r->chunk->offset;
    r->end = r->stop = r->chunk->offset + r->chunk->bytes;
    r->end += f->reader.bytes - r->end < CHUNK_SLACK ? f->reader.bytes - r->end : CHUNK_SLACK;
    r->pages_left = r->chunk->values;
    qn_arena_init(&r->strings, mem);
    qn_arena_init(&r->dict_arena, mem);
    r->values.column = r->column;
    r->values.strings = &r->strings;
    QN_TRY(check_chunk(r, err));
    QN_ALLOC(err, r->values.raw = qn_alloc(mem, QN_PQ_BATCH * sizeof(qn_pq_span)));
    QN_ALLOC(err, r->out = qn_alloc(mem, QN_PQ_BATCH * r->size));
    QN_ALLOC(err, r->out_codes = qn_alloc(mem, QN_PQ_BATCH * sizeof *r->out_codes));
    QN_ALLOC(err, r->out_nulls = qn_alloc0(mem, BITMAP_WORDS * 8));
    *reader = r;
    return QN_OK;
done:
    qn_pq_reader_free(r);
    return st;
}

void qn_pq_reader_free(qn_pq_reader *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; i < r->aside_count; i++)
        buffer_free(r->mem, &r->aside[i]);
    qn_free(r->mem, r->aside, r->aside_capacity * sizeof *r->aside);
    buffer_free(r->mem, &r->window);
    buffer_free(r->mem, &r->page);
    buffer_free(r->mem, &r->dict_page);
    qn_free(r->mem, r->dict_values, r->dict_values ? ((size_t)r->dict.count + 1) * r->size + QN_PQ_PADDING : 0);
    qn_free(r->mem, r->values.last, r->values.last_capacity);
    qn_free(r->mem, r->values.raw, r->values.raw ? QN_PQ_BATCH * sizeof(qn_pq_span) : 0);
    qn_free(r->mem, r->out, r->out ? QN_PQ_BATCH * r->size : 0);
    qn_free(r->mem, r->out_codes, r->out_codes ? QN_PQ_BATCH * sizeof *r->out_codes : 0);
    qn_free(r->mem, r->out_nulls, r->out_nulls ? BITMAP_WORDS * 8 : 0);
    qn_arena_deinit(&r->strings);
    qn_arena_deinit(&r->dict_arena);
    qn_free(r->mem, r, sizeof *r);
}
