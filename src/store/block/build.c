/* The writer: one column of values becomes a segment, and segments become a block file.
 *
 * A segment is the column's descriptor followed by its sections, in memory.  qn_block_write gathers
 * the descriptors behind the file header, so that opening a block touches one stretch of it, and
 * fixes up where each column's data lies. */
#include "store/block/build.h"

#include <stdio.h>

void *qn_build_scratch(qn_block_builder *b, build_slot slot, size_t bytes)
{
    if (bytes > b->slot[slot].bytes) {
        size_t rounded = bytes > SIZE_MAX / 2 ? bytes : (bytes + bytes / 4 + 4095) & ~(size_t)4095;
        qn_free(b->env->mem, b->slot[slot].p, b->slot[slot].bytes);
        b->slot[slot].bytes = 0;
        b->slot[slot].p = qn_alloc(b->env->mem, rounded);
        if (slot == SLOT_SEEN)
            b->seen_codes = 0;
        if (slot == SLOT_TRIGRAMS)
            b->trigrams_clear = false;
        if (!b->slot[slot].p)
            return NULL;
        b->slot[slot].bytes = rounded;
    }
    return b->slot[slot].p;
}

void qn_build_begin(qn_block_builder *b)
{
    b->section_start = b->out.bytes;
}

void qn_build_end(qn_block_builder *b, qn_fmt_section_kind kind)
{
    b->sections[b->column.section_count++] =
        (qn_build_section){(uint8_t)kind, b->section_start, b->out.bytes - b->section_start};
    qn_out_pad8(&b->out, 0);
}

qn_status qn_block_builder_new(qn_env *env, qn_block_builder **builder, qn_error *err)
{
    *builder = qn_alloc0(env->mem, sizeof **builder);
    if (!*builder)
        return qn_nomem(err);
    (*builder)->env = env;
    (*builder)->out.mem = (*builder)->tri_out.mem = env->mem;
    return QN_OK;
}

void qn_block_builder_free(qn_block_builder *b)
{
    if (!b)
        return;
    qn_mem *mem = b->env->mem;
    qn_codec_deinit(b);
    for (int i = 0; i < SLOT_COUNT_; i++)
        qn_free(mem, b->slot[i].p, b->slot[i].bytes);
    qn_free(mem, b->out.data, b->out.capacity);
    qn_free(mem, b->tri_out.data, b->tri_out.capacity);
    qn_free(mem, b, sizeof *b);
}

void qn_block_builder_codec(qn_block_builder *b, qn_text_codec codec)
{
    b->codec.choice = codec;
}

void qn_block_builder_limit(qn_block_builder *b, uint64_t memory_limit_bytes)
{
    b->no_trigrams = memory_limit_bytes && memory_limit_bytes / 4 < QN_BLOCK_TRIGRAM_BYTES;
}

/* ---- statistics, counts and codes ----------------------------------------------------------- */

static void count_statistics(qn_block_builder *b, const uint32_t *counts, uint32_t distinct)
{
    for (uint32_t i = 0; i < distinct; i++) {
        unsigned log2 = (qn_bits32(counts[i]) - 1) % 20; /* a count is 1 .. 2^19 */
        b->histogram[log2]++;
        if (log2 >= b->column.histogram_count)
            b->column.histogram_count = (uint8_t)(log2 + 1);
        if (counts[i] > b->column.max_count) {
            b->column.max_count = counts[i];
            b->column.max_count_code = i + 1;
        }
    }
}

qn_status qn_build_finish_codes(qn_block_builder *b, const uint32_t *ids, const uint32_t *rank,
                                uint32_t *counts, uint32_t distinct, qn_error *err)
{
    uint32_t *codes = qn_build_array(b, SLOT_CODES, uint32_t, b->rows);
    bool      count = !counts;
    if (count)
        counts = qn_build_array(b, SLOT_COUNTS, uint32_t, distinct);
    if (!codes || !counts)
        return qn_nomem(err);
    if (count)
        memset(counts, 0, (size_t)distinct * 4);
    for (uint32_t i = 0; i < b->nonnull; i++)
        codes[i] = rank[ids[i]];
    if (count)
        for (uint32_t i = 0; i < b->nonnull; i++)
            counts[codes[i] - 1]++;
    if (b->nonnull < b->rows) /* spread out from the end, so that nothing is overwritten unread */
        for (uint32_t row = b->rows, n = b->nonnull; row-- > 0;)
            codes[row] = qn_build_null(b, row) ? 0 : codes[--n];
    count_statistics(b, counts, distinct);
    if (b->column.max_count > 1 && distinct > 1) {
        for (uint32_t i = 0; i < distinct; i++)
            counts[i]--;
        qn_build_begin(b);
        qn_patched_write(&b->out, counts, distinct);
        qn_build_end(b, QN_SECTION_COUNTS);
    }
    if (distinct + (b->nonnull < b->rows) > 1) {
        qn_build_begin(b);
        qn_codes_write(b, codes, b->rows, distinct);
        qn_build_end(b, QN_SECTION_CODES);
    }
    return b->out.failed ? qn_nomem(err) : QN_OK;
}

/* ---- segments ------------------------------------------------------------------------------- */

static qn_status make_segment(qn_block_builder *b, qn_block_segment *segment, qn_error *err)
{
    qn_fmt_column *c = &b->column;
    size_t         sections = c->section_count * sizeof(qn_fmt_section),
           histogram = c->histogram_count * 4u;
    size_t head = sizeof *c + sections + histogram + c->min_bytes + c->max_bytes;
    head = (head + 7) & ~(size_t)7;
    if (head > UINT32_MAX)
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT,
                       "values of a column are too long for its header");
    c->descriptor_bytes = (uint32_t)head;
    c->data_bytes = b->out.bytes;
    segment->mem = b->env->mem;
    segment->bytes = segment->capacity = head + b->out.bytes;
    segment->data = qn_alloc(segment->mem, segment->capacity);
    if (!segment->data) {
        memset(segment, 0, sizeof *segment);
        return qn_nomem(err);
    }
    uint8_t *p = segment->data;
    memset(p, 0, head);
    memcpy(p, c, sizeof *c);
    p += sizeof *c;
    for (unsigned i = 0; i < c->section_count; i++, p += sizeof(qn_fmt_section)) {
        const qn_build_section *s = &b->sections[i];
        qn_fmt_section          f = {b->kern->checksum64(b->out.data + s->offset, s->bytes),
                                     (uint64_t)s->kind << QN_FMT_KIND_SHIFT | s->bytes};
        memcpy(p, &f, sizeof f);
    }
    memcpy(p, b->histogram, histogram);
    p += histogram;
    if (c->min_bytes)
        memcpy(p, b->min, c->min_bytes);
    p += c->min_bytes;
    if (c->max_bytes)
        memcpy(p, b->max, c->max_bytes);
    if (b->out.bytes)
        memcpy((uint8_t *)segment->data + head, b->out.data, b->out.bytes);
    return QN_OK;
}

qn_status qn_block_encode(qn_block_builder *b, const qn_block_column_in *in, uint32_t rows,
                          qn_block_segment *segment, qn_error *err)
{
    qn_status st = QN_OK;
    memset(segment, 0, sizeof *segment);
    b->in = in;
    b->kern = qn_kernels_get();
    b->bank = qn_type_bank((qn_sql_type)in->type.id);
    b->rows = rows;
    b->out.bytes = 0;
    b->out.failed = false;
    b->min = b->max = NULL;
    memset(&b->column, 0, sizeof b->column);
    memset(b->histogram, 0, sizeof b->histogram);
    if (rows == 0 || rows > QN_BLOCK_ROWS || b->bank == QN_BANK_NONE || b->bank == QN_BANK_I128)
        return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "a block cannot hold %u rows of type %u",
                       rows, in->type.id);
    b->column.type = in->type.id;
    b->column.typmod = in->type.typmod;
    b->column.kind = QN_COL_DICT;
    if (in->nulls) {
        for (uint32_t row = 0; row < rows; row += 64) {
            uint64_t bits = in->nulls[row >> 6];
            if (rows - row < 64)
                bits &= ((uint64_t)1 << (rows - row)) - 1;
            b->column.null_count += (uint32_t)__builtin_popcountll(bits);
        }
    }
    b->nonnull = rows - b->column.null_count;
    qn_block_column_in without_nulls = *in;
    without_nulls.nulls = NULL;
    if (!b->column.null_count)
        b->in = &without_nulls;
    QN_TRY(b->bank == QN_BANK_STR ? qn_build_text(b, err) : qn_build_fixed(b, err));
    if (b->out.failed)
        QN_TRY(qn_nomem(err));
    QN_TRY(make_segment(b, segment, err));
done:
    b->in = NULL;
    return st;
}

qn_status qn_block_encode_numbered(qn_block_builder *b, const qn_block_column_in *in, const uint32_t *ids,
                                   uint32_t value_count, uint32_t rows, qn_block_segment *segment, qn_error *err)
{
    b->ids = ids;
    b->value_count = value_count;
    qn_status st = qn_block_encode(b, in, rows, segment, err);
    b->ids = NULL;
    return st;
}

void qn_block_segment_free(qn_block_segment *segment)
{
    if (segment && segment->mem)
        qn_free(segment->mem, segment->data, segment->capacity);
    if (segment)
        memset(segment, 0, sizeof *segment);
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Header and descriptors of the file in one buffer; *bytes is its size. */
static qn_status make_header(qn_mem *mem, uint64_t table_id, uint64_t number, uint32_t rows,
                             const qn_block_segment *segments, uint32_t columns, void **data,
                             size_t *bytes, uint64_t *file_bytes, qn_error *err)
{
    size_t total = sizeof(qn_fmt_header);
    for (uint32_t i = 0; i < columns; i++)
        total += qn_get32(segments[i].data);
    uint8_t *p = qn_alloc0(mem, total);
    if (!p)
        return qn_nomem(err);
    uint64_t at = total;
    uint32_t version = 1;
    uint8_t *next = p + sizeof(qn_fmt_header);
    for (uint32_t i = 0; i < columns; i++) {
        qn_fmt_column c;
        memcpy(&c, segments[i].data, sizeof c);
        memcpy(next, segments[i].data, c.descriptor_bytes);
        c.data_offset = at;
        memcpy(next, &c, sizeof c);
        next += c.descriptor_bytes;
        at += c.data_bytes;
        if (c.flags & QN_FMT_TEXT_CODECS)
            version = QN_FMT_VERSION;
    }
    qn_fmt_header h = {.version = version,
                       .columns = columns,
                       .table_id = table_id,
                       .number = number,
                       .rows = rows,
                       .header_bytes = total,
                       .file_bytes = at + QN_FMT_TAIL};
    memcpy(h.magic, QN_FMT_MAGIC, 8);
    h.checksum = qn_hash64(&h, offsetof(qn_fmt_header, checksum),
                           qn_checksum64(p + sizeof h, total - sizeof h));
    memcpy(p, &h, sizeof h);
    *data = p;
    *bytes = total;
    *file_bytes = h.file_bytes;
    return QN_OK;
}

/* Small blocks, of which every INSERT makes one, go out in a single write. */
#define SINGLE_WRITE_BYTES (256u << 10)

static qn_status write_pieces(qn_env *env, qn_file *file, const void *head, size_t head_bytes,
                              const qn_block_segment *segments, uint32_t columns,
                              uint64_t file_bytes, qn_error *err)
{
    static const uint8_t tail[QN_FMT_TAIL];
    qn_status            st = QN_OK;
    uint64_t             at = 0;
    uint8_t             *whole = NULL;
    if (file_bytes <= SINGLE_WRITE_BYTES)
        QN_ALLOC(err, whole = qn_alloc0(env->mem, (size_t)file_bytes));
    for (uint32_t i = 0; i < columns + 2; i++) {
        const uint8_t *p = i == 0 ? head : i > columns ? tail : segments[i - 1].data;
        size_t         n = i == 0 ? head_bytes : i > columns ? QN_FMT_TAIL : segments[i - 1].bytes;
        if (i > 0 && i <= columns) { /* the descriptor is in the header already */
            n -= qn_get32(p);
            p += qn_get32(p);
        }
        if (n && whole)
            memcpy(whole + at, p, n);
        else if (n)
            QN_TRY(env->vfs->write(env->vfs, file, at, p, n, err));
        at += n;
    }
    if (whole)
        QN_TRY(env->vfs->write(env->vfs, file, 0, whole, (size_t)file_bytes, err));
done:
    if (whole)
        qn_free(env->mem, whole, (size_t)file_bytes);
    return st;
}

qn_status qn_block_write(qn_env *env, const char *path, uint64_t table_id, uint64_t number,
                         uint32_t rows, const qn_block_segment *segments, uint32_t columns,
                         qn_block_info *info, qn_error *err)
{
    qn_status st = QN_OK;
    qn_file  *file = NULL;
    void     *head = NULL;
    size_t    head_bytes = 0;
    uint64_t  file_bytes = 0;
    bool      created = false;
    if (columns > QN_FMT_MAX_COLUMNS)
        return qn_fail(err, QN_SQLSTATE_TOO_MANY_COLUMNS, "a block cannot have %u columns",
                       columns);
    QN_TRY(make_header(env->mem, table_id, number, rows, segments, columns, &head, &head_bytes,
                       &file_bytes, err));
    QN_TRY(env->vfs->open(env->vfs, path, QN_OPEN_CREATE_NEW, &file, err));
    created = true;
    QN_TRY(write_pieces(env, file, head, head_bytes, segments, columns, file_bytes, err));
    QN_TRY(env->vfs->sync(env->vfs, file, err));
    info->rows = rows;
    info->bytes = file_bytes;
    info->content_hash = qn_get64((uint8_t *)head + offsetof(qn_fmt_header, checksum));
done:
    env->vfs->close(env->vfs, file);
    if (st != QN_OK && created)
        (void)env->vfs->unlink(env->vfs, path, NULL); /* the first error is the one to report */
    qn_free(env->mem, head, head_bytes);
    return st;
}
