/* Open block files: the header checked as a whole, sections on first touch.
 *
 * Opening reads the header and the descriptors only.  Which sections a column must have follows
 * from its statistics, and a descriptor that disagrees is refused here, so readers may conclude
 * from a missing section what its contents would be. */
#include "store/block/build.h"
#include "store/block/read.h"
#include "type/numeric.h"

static const char *const section_names[] = {
#define X(name, text) text,
    QN_FMT_SECTIONS(X)
#undef X
};

qn_status qn_block_damaged(const qn_block *block, uint32_t column, qn_fmt_section_kind kind,
                           uint64_t offset, const char *what, qn_error *err)
{
    const column_state *c = &block->columns[column];
    uint64_t            at = offset;
    if (c->section[kind].p)
        at += (uint64_t)(c->section[kind].p - (const uint8_t *)block->map.data);
    return qn_corrupt(err, "block file \"%s\" is damaged at offset %llu: column %u, section %s: %s",
                      block->path, (unsigned long long)at, column + 1, section_names[kind], what);
}

static qn_status header_damaged(const char *path, uint64_t offset, const char *what, qn_error *err)
{
    return qn_corrupt(err, "block file \"%s\" is damaged at offset %llu: %s", path,
                      (unsigned long long)offset, what);
}

/* ---- sections ------------------------------------------------------------------------------- */

/* Counts: well formed, each within bounds, together the rows that are not NULL, the largest as
 * stated. */
static const char *counts_check(const column_state *c)
{
    const section_state *s = &c->section[QN_SECTION_COUNTS];
    uint64_t             sum = 0;
    uint32_t             most = 0, group[QN_FMT_GROUP];
    if (qn_patched_check(s->p, s->bytes, c->pub.distinct) != s->bytes)
        return "damaged structure";
    for (uint32_t i = 0; i < c->pub.distinct; i += QN_FMT_GROUP) {
        uint32_t n = c->pub.distinct - i < QN_FMT_GROUP ? c->pub.distinct - i : QN_FMT_GROUP;
        qn_patched_read(qn_kernels_get(), s->p, s->bytes, c->pub.distinct, i, n, 0, group);
        for (uint32_t k = 0; k < n; k++) {
            if (group[k] >= c->pub.rows)
                return "a count exceeds the rows";
            sum += group[k] + 1;
            most = group[k] + 1 > most ? group[k] + 1 : most;
        }
    }
    return sum != c->pub.rows - c->pub.null_count || most != c->pub.max_count
               ? "counts do not add up"
               : NULL;
}

static const char *nulls_check(const column_state *c)
{
    const section_state *s = &c->section[QN_SECTION_NULLS];
    uint64_t             words = (c->pub.rows + 63) / 64, ones = 0;
    if (s->bytes != words * 8)
        return "the bitmap has the wrong size";
    for (uint64_t w = 0; w < words; w++)
        ones += (uint64_t)__builtin_popcountll(qn_get64(s->p + w * 8));
    if (c->pub.rows % 64 && qn_get64(s->p + (words - 1) * 8) >> c->pub.rows % 64)
        return "the bitmap goes beyond the last row";
    return ones != c->pub.null_count ? "the bitmap disagrees with the number of NULLs" : NULL;
}

static const char *lengths_check(const column_state *c)
{
    const section_state *s = &c->section[QN_SECTION_LENGTHS];
    size_t               used = qn_patched_check(s->p, s->bytes, c->pub.distinct);
    if (used && (c->flags & QN_FMT_BYTE_LENGTHS)) {
        size_t more = qn_patched_check(s->p + used, s->bytes - used, c->pub.distinct);
        used = more ? used + more : 0;
    }
    return used && used == s->bytes ? NULL : "damaged structure";
}

static bool values_check(const column_state *c)
{
    const section_state *s = &c->section[QN_SECTION_VALUES];
    switch (c->value_form) {
    case QN_VALUES_INTEGER:
        return qn_sorted_check(s->p, s->bytes, c->pub.distinct);
    case QN_VALUES_SLOT16:
        return s->bytes == (uint64_t)c->pub.distinct * 16;
    default:
        return qn_byte_values_check(s->p, s->bytes, c->pub.distinct);
    }
}

/* ---- bringing in ----------------------------------------------------------------------------- */

/* The sections of a block that this thread was the first to need, until it needs one of another
 * block. */
#define FRESH_SECTIONS 128u
static _Thread_local struct {
    const qn_block *block; /* to be compared, nothing else */
    uint32_t        count;
    struct {
        uint16_t column;
        uint8_t  kind;
    } section[FRESH_SECTIONS];
} fresh;
static_assert(QN_FMT_MAX_COLUMNS <= UINT16_MAX, "columns fit");

static void note_fresh(const qn_block *block, uint32_t column, qn_fmt_section_kind kind)
{
    if (fresh.block != block) {
        fresh.block = block;
        fresh.count = 0;
    }
    if (fresh.count == FRESH_SECTIONS)
        return;
    fresh.section[fresh.count].column = (uint16_t)column;
    fresh.section[fresh.count++].kind = (uint8_t)kind;
}

/* A page that is touched brings in what lies around it: other columns, megabytes of them where the
 * system reads far ahead.  So sections are expected whole, with what vectors read past their end,
 * before anything touches them. */
static void bring_section(qn_block *block, uint32_t column, uint32_t kind)
{
    column_state        *c = &block->columns[column];
    const section_state *s = &c->section[kind];
    uint32_t             bit = 1u << kind;
    if (!s->p || block->copy || (atomic_load_explicit(&c->verified, memory_order_relaxed) & bit) ||
        (atomic_fetch_or_explicit(&c->expected, bit, memory_order_relaxed) & bit))
        return;
    block->env->vfs->expect(block->env->vfs, &block->map,
                            (uint64_t)(s->p - (const uint8_t *)block->map.data),
                            s->bytes + QN_KERN_SLACK);
}

void qn_block_ahead(const qn_block *before, qn_block *block)
{
    if (!before || fresh.block != before)
        return;
    for (uint32_t i = 0; i < fresh.count; i++) {
        uint32_t column = fresh.section[i].column, kind = fresh.section[i].kind;
        if (column < block->column_count)
            bring_section(block, column, kind);
    }
}

qn_status qn_block_verify(qn_block *block, uint32_t column, qn_fmt_section_kind kind, qn_error *err)
{
    column_state        *c = &block->columns[column];
    const section_state *s = &c->section[kind];
    const char          *what = NULL;
    uint64_t             where = 0;
    if (!s->p)
        return qn_block_damaged(block, column, kind, c->data_offset, "the section is missing", err);
    note_fresh(block, column, kind);
    bring_section(block, column, kind);
    if (qn_kernels_get()->checksum64(s->p, s->bytes) != s->checksum) {
        qn_status st = qn_block_readable(block, err); /* an unreadable page is not a wrong one */
        return st != QN_OK
                   ? st
                   : qn_block_damaged(block, column, kind, 0, "checksum does not match", err);
    }
    bool ok = true;
    switch (kind) {
    case QN_SECTION_VALUES:
        ok = values_check(c);
        break;
    case QN_SECTION_COUNTS:
        what = counts_check(c);
        break;
    case QN_SECTION_CODES:
        ok = qn_codes_check(s->p, s->bytes, c->pub.rows, c->pub.distinct, &where);
        break;
    case QN_SECTION_TEXT:
        ok = qn_text_check(s->p, s->bytes, c->pub.distinct);
        break;
    case QN_SECTION_HASHES:
        ok = s->bytes == (uint64_t)c->pub.distinct * sizeof(qn_hash128);
        break;
    case QN_SECTION_LENGTHS:
        what = lengths_check(c);
        break;
    case QN_SECTION_TRIGRAMS:
        ok = qn_trigrams_check(s->p, s->bytes, c->pub.distinct);
        break;
    case QN_SECTION_RAW:
        ok = qn_raw_check(s->p, s->bytes, c->pub.rows);
        break;
    case QN_SECTION_NULLS:
        what = nulls_check(c);
        break;
    case QN_SECTION_DICTIONARY:
        ok = s->bytes > 0 && s->bytes <= QN_FMT_DICTIONARY_BYTES;
        break;
    case QN_SECTION_COUNT:
        break;
    }
    if (!ok || what)
        return qn_block_damaged(block, column, kind, where, what ? what : "damaged structure", err);
    atomic_fetch_or_explicit(&c->verified, 1u << kind, memory_order_release);
    return QN_OK;
}

qn_status qn_block_need_codes(qn_block *block, uint32_t column, qn_bank bank, uint32_t first,
                              uint32_t count, qn_error *err)
{
    if (column < block->column_count) {
        const qn_block_column *c = &block->columns[column].pub;
        if (c->kind == QN_COL_DICT && (bank == QN_BANK_NONE || c->bank == bank) && first >= 1 &&
            (count == 0 || (first <= c->distinct && count <= c->distinct - first + 1)))
            return QN_OK;
    }
    return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "column %u has no values for codes %u + %u",
                   column, first, count);
}

/* ---- opening -------------------------------------------------------------------------------- */

static const char *read_bounds(qn_block *block, column_state *c, const qn_fmt_column *f,
                               const uint8_t *p, qn_status *st, qn_error *err)
{
    bool   none = f->distinct == 0 || c->pub.bank == QN_BANK_STR;
    size_t want = none ? 0 : qn_bank_bytes(c->pub.bank);
    if (!none && c->pub.bank == QN_BANK_NUM) {
        if (f->value_form == QN_VALUES_INTEGER) {
            if (f->min_bytes != 8 || f->max_bytes != 8)
                return "bounds have the wrong size";
            c->pub.min.num = qn_numeric_small((int64_t)qn_get64(p), f->scale);
            c->pub.max.num = qn_numeric_small((int64_t)qn_get64(p + 8), f->scale);
            return NULL;
        }
        *st = qn_numeric_unpack(p, f->min_bytes, &block->arena, &c->pub.min.num, err);
        if (*st == QN_OK)
            *st = qn_numeric_unpack(p + f->min_bytes, f->max_bytes, &block->arena, &c->pub.max.num,
                                    err);
        return NULL;
    }
    if (f->min_bytes != want || f->max_bytes != want)
        return "bounds have the wrong size";
    if (want) {
        memcpy(&c->pub.min, p, want);
        memcpy(&c->pub.max, p + want, want);
        if (c->pub.bank == QN_BANK_BOOL && (*p > 1 || p[1] > 1))
            return "a boolean is neither true nor false";
    }
    return NULL;
}

static const char *read_sections(const qn_block *block, column_state *c, const qn_fmt_column *f,
                                 const uint8_t *p)
{
    uint64_t at = 0;
    for (unsigned i = 0; i < f->section_count; i++) {
        qn_fmt_section s;
        memcpy(&s, p + i * sizeof s, sizeof s);
        uint64_t kind = s.kind_bytes >> QN_FMT_KIND_SHIFT;
        uint64_t bytes = s.kind_bytes & (((uint64_t)1 << QN_FMT_KIND_SHIFT) - 1),
                 padded = (bytes + 7) & ~(uint64_t)7;
        if (kind >= QN_SECTION_COUNT || c->section[kind].p)
            return "an unknown or repeated section";
        if (padded > f->data_bytes - at)
            return "a section reaches beyond its column";
        c->section[kind] = (section_state){(const uint8_t *)block->map.data + f->data_offset + at,
                                           bytes, s.checksum};
        at += padded;
    }
    return at == f->data_bytes ? NULL : "sections do not fill their column";
}

/* Which sections there are follows from the statistics. */
static const char *expect_sections(const column_state *c)
{
    const qn_block_column *p = &c->pub;
    bool                   dict = p->kind == QN_COL_DICT, text = p->bank == QN_BANK_STR;
    bool                   want[QN_SECTION_COUNT] = {
                          [QN_SECTION_VALUES] = dict && !text && p->distinct > 2,
                          [QN_SECTION_COUNTS] = dict && p->distinct > 1 && p->max_count > 1,
                          [QN_SECTION_CODES] = dict && p->distinct + (p->null_count > 0) > 1,
                          [QN_SECTION_TEXT] = text && p->distinct,
                          [QN_SECTION_HASHES] = text && p->distinct,
                          [QN_SECTION_LENGTHS] = text && p->distinct,
                          [QN_SECTION_TRIGRAMS] = text && c->section[QN_SECTION_TRIGRAMS].p,
                          [QN_SECTION_RAW] = !dict,
                          [QN_SECTION_NULLS] = !dict && p->null_count,
                          [QN_SECTION_DICTIONARY] = text && p->distinct && (c->flags & QN_FMT_TEXT_CODECS) &&
                                                    c->section[QN_SECTION_DICTIONARY].p,
    };
    for (int i = 0; i < QN_SECTION_COUNT; i++)
        if (want[i] != (c->section[i].p != NULL))
            return "the sections do not fit the statistics";
    return NULL;
}

static const char *read_statistics(const qn_block *block, column_state *c, const qn_fmt_column *f,
                                   const uint8_t *histogram)
{
    qn_block_column *p = &c->pub;
    uint32_t         filled = block->rows - f->null_count;
    uint64_t         values = 0;
    p->rows = block->rows;
    p->null_count = f->null_count;
    p->distinct = f->distinct;
    p->max_count = f->max_count;
    p->max_count_code = f->max_count_code;
    p->code_bits = (uint8_t)qn_bits32(f->distinct);
    p->units_packed = f->units_packed;
    p->units_run = f->units_run;
    p->units_exception = f->units_exception;
    p->units_local = f->units_local;
    if (f->null_count > block->rows || f->distinct > filled ||
        (f->distinct == 0) != (filled == 0) || f->max_count > filled ||
        f->max_count_code > f->distinct || (f->distinct > 0 && f->max_count == 0) ||
        (f->distinct == 1 && f->max_count != filled) ||
        (f->max_count == 1 && f->distinct != filled))
        return "the statistics contradict each other";
    for (unsigned i = 0; i < f->histogram_count; i++)
        values += p->count_log2[i] = qn_get32(histogram + i * 4);
    if (p->kind == QN_COL_DICT && values != f->distinct)
        return "the histogram does not add up";
    return NULL;
}

static const char *read_column(qn_block *block, column_state *c, const uint8_t *p, uint64_t left,
                               uint64_t *used, uint64_t *data_end, qn_status *st, qn_error *err)
{
    qn_fmt_column f;
    const char   *what;
    if (left < sizeof f)
        return "a column descriptor is cut off";
    memcpy(&f, p, sizeof f);
    uint64_t head = sizeof f + f.section_count * sizeof(qn_fmt_section) + f.histogram_count * 4ull +
                    f.min_bytes + f.max_bytes;
    head = (head + 7) & ~(uint64_t)7;
    if (f.descriptor_bytes != head || head > left)
        return "a column descriptor has the wrong size";
    if (f.type >= QN_TYPE_COUNT || qn_type_bank((qn_sql_type)f.type) == QN_BANK_NONE ||
        f.kind > QN_COL_RAW || f.histogram_count > 20 || f.value_form > QN_VALUES_TEXT ||
        f.scale > 250)
        return "a column descriptor has an unknown type or form";
    c->pub.type = (qn_type){f.type, f.typmod};
    c->pub.bank = qn_type_bank((qn_sql_type)f.type);
    c->pub.kind = (qn_col_kind)f.kind;
    c->value_form = f.value_form;
    c->scale = f.scale;
    c->flags = f.flags;
    c->data_offset = f.data_offset;
    if (block->version < 2 && (f.flags & QN_FMT_TEXT_CODECS))
        return "a column needs a later version of the format";
    bool text = c->pub.bank == QN_BANK_STR, interval = c->pub.bank == QN_BANK_INTERVAL;
    if (text != (f.value_form == QN_VALUES_TEXT) ||
        interval != (f.value_form == QN_VALUES_SLOT16) ||
        (f.value_form == QN_VALUES_BYTES && c->pub.bank != QN_BANK_NUM) ||
        (f.kind == QN_COL_RAW && f.value_form != QN_VALUES_INTEGER))
        return "a column's form does not fit its type";
    /* Data of the columns lies back to back and ends before the spare bytes. */
    uint64_t room = block->map.bytes - QN_FMT_TAIL;
    if (f.data_offset != *data_end || f.data_offset > room || f.data_bytes > room - f.data_offset ||
        f.data_bytes % 8)
        return "a column's data lies outside the file";
    *data_end = f.data_offset + f.data_bytes;
    *used = head;
    p += sizeof f;
    if ((what = read_sections(block, c, &f, p)))
        return what;
    p += f.section_count * sizeof(qn_fmt_section);
    if ((what = read_statistics(block, c, &f, p)) || (what = expect_sections(c)))
        return what;
    p += f.histogram_count * 4u;
    if (c->pub.bank == QN_BANK_STR && f.distinct) {
        size_t words = (f.distinct + QN_CHUNK_STRINGS * 64 - 1) / (QN_CHUNK_STRINGS * 64);
        c->valid_chunks = qn_arena_alloc0(&block->arena, words * 8);
        if (!c->valid_chunks)
            *st = qn_nomem(err);
    }
    c->pub.bytes_values = c->section[QN_SECTION_VALUES].bytes + c->section[QN_SECTION_TEXT].bytes +
                          c->section[QN_SECTION_DICTIONARY].bytes +
                          c->section[QN_SECTION_RAW].bytes;
    c->pub.bytes_counts = c->section[QN_SECTION_COUNTS].bytes;
    c->pub.bytes_codes = c->section[QN_SECTION_CODES].bytes + c->section[QN_SECTION_NULLS].bytes;
    c->pub.bytes_hashes = c->section[QN_SECTION_HASHES].bytes;
    c->pub.bytes_lengths = c->section[QN_SECTION_LENGTHS].bytes;
    c->pub.bytes_trigrams = c->section[QN_SECTION_TRIGRAMS].bytes;
    return *st == QN_OK ? read_bounds(block, c, &f, p, st, err) : NULL;
}

static qn_status read_header(qn_block *block, uint64_t table_id, uint64_t number,
                             uint64_t content_hash, qn_error *err)
{
    qn_status      st = QN_OK;
    qn_fmt_header  h;
    const uint8_t *p = block->map.data;
    if (block->map.bytes < sizeof h + QN_FMT_TAIL)
        return header_damaged(block->path, 0, "the file is too short", err);
    memcpy(&h, p, sizeof h);
    if (memcmp(h.magic, QN_FMT_MAGIC, 8) != 0)
        return header_damaged(block->path, 0, "this is not a block file", err);
    if (h.version == 0 || h.version > QN_FMT_VERSION)
        return header_damaged(block->path, 8,
                              "the format version is not one that this program reads", err);
    if (h.file_bytes != block->map.bytes)
        return header_damaged(block->path, 40, "the file is not as long as its header says", err);
    if (h.header_bytes < sizeof h || h.header_bytes > h.file_bytes - QN_FMT_TAIL)
        return header_damaged(block->path, 32, "the header has an impossible size", err);
    if (qn_hash64(&h, offsetof(qn_fmt_header, checksum),
                  qn_checksum64(p + sizeof h, h.header_bytes - sizeof h)) != h.checksum)
        return header_damaged(block->path, 0, "checksum of the header does not match", err);
    if (h.table_id != table_id || h.number != number || h.checksum != content_hash)
        return header_damaged(block->path, 16, "this is another block than the one expected here",
                              err);
    if (h.rows == 0 || h.rows > QN_BLOCK_ROWS || h.columns > QN_FMT_MAX_COLUMNS)
        return header_damaged(block->path, 12, "impossible numbers of rows or columns", err);
    block->rows = h.rows;
    block->version = h.version;
    block->column_count = h.columns;
    QN_ALLOC(err, block->columns = qn_arena_array(&block->arena, column_state, h.columns));
    uint64_t at = sizeof h, data_end = h.header_bytes, used = 0;
    for (uint32_t i = 0; i < h.columns; i++) {
        const char *what = read_column(block, &block->columns[i], p + at, h.header_bytes - at,
                                       &used, &data_end, &st, err);
        if (what)
            return header_damaged(block->path, at, what, err);
        if (st != QN_OK)
            return st;
        at += used;
    }
    if (at != h.header_bytes || data_end != h.file_bytes - QN_FMT_TAIL)
        return header_damaged(block->path, 32, "columns do not fill the file", err);
done:
    return st;
}

static void close_block(qn_block *block)
{
    qn_env *env = block->env;
    qn_codec_close(block);
    if (block->copy)
        qn_free(env->mem, block->copy, block->map.bytes);
    else if (block->map.data)
        env->vfs->unmap(env->vfs, &block->map);
    qn_arena_deinit(&block->arena);
    qn_free(env->mem, block, sizeof *block);
}

static qn_status read_whole(qn_block *block, qn_file *file, uint64_t bytes, qn_error *err)
{
    qn_env *env = block->env;
    size_t  got = 0;
    block->copy = bytes <= PTRDIFF_MAX ? qn_alloc(env->mem, (size_t)bytes) : NULL;
    if (!block->copy)
        return qn_nomem(err);
    block->map = (qn_map){.data = block->copy, .bytes = (size_t)bytes};
    qn_status st = env->vfs->read(env->vfs, file, 0, block->copy, (size_t)bytes, &got, err);
    if (st == QN_OK && got < bytes)
        st = header_damaged(block->path, got, "the file ends before its time", err);
    return st;
}

#define HEADER_BYTES (32u << 10) /* enough for most headers with their descriptors */

/* Mappings are few, some 65,000 in a process, and each takes a page at least: a table that has grown by many small
 * INSERTs is better off in memory.  Larger files follow when the kernel gives no more mappings. */
static qn_status bring_in(qn_block *block, qn_file *file, uint64_t bytes, qn_error *err)
{
    qn_vfs  *vfs = block->env->vfs;
    qn_error why = {0};
    if (bytes <= vfs->small_bytes)
        return read_whole(block, file, bytes, err);
    qn_status st = vfs->map(vfs, file, bytes, &block->map, &why);
    if (st == QN_OK)
        vfs->expect(vfs, &block->map, 0, HEADER_BYTES);
    if (st == QN_NOMEM)
        return read_whole(block, file, bytes, err);
    if (st != QN_OK && err && err->status == QN_OK)
        *err = why;
    return st;
}

qn_status qn_block_open(qn_env *env, const char *path, uint64_t table_id, uint64_t number,
                        uint64_t content_hash, qn_block **out, qn_error *err)
{
    qn_status st = QN_OK;
    qn_file  *file = NULL;
    uint64_t  bytes = 0;
    qn_block *block = qn_alloc0(env->mem, sizeof *block);
    *out = NULL;
    if (!block)
        return qn_nomem(err);
    block->env = env;
    block->number = number;
    atomic_init(&block->refs, 1);
    qn_arena_init(&block->arena, env->mem);
    QN_ALLOC(err, block->path = qn_arena_strdup(&block->arena, path));
    QN_TRY(env->vfs->open(env->vfs, path, QN_OPEN_READ, &file, err));
    QN_TRY(env->vfs->file_bytes(env->vfs, file, &bytes, err));
    if (bytes < sizeof(qn_fmt_header) + QN_FMT_TAIL)
        QN_TRY(header_damaged(path, 0, "the file is too short", err));
    QN_TRY(bring_in(block, file, bytes, err));
    QN_TRY(read_header(block, table_id, number, content_hash, err));
    *out = block;
done:
    env->vfs->close(env->vfs, file);
    if (st != QN_OK)
        close_block(block);
    return st;
}

void qn_block_ref(qn_block *block)
{
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
}

/* The release of every holder is seen by the one that closes. */
void qn_block_unref(qn_block *block)
{
    if (block && atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) == 1)
        close_block(block);
}

qn_status qn_block_readable(const qn_block *block, qn_error *err)
{
    if (QN_LIKELY(!qn_map_damaged(&block->map)))
        return QN_OK;
    return qn_fail(err, QN_SQLSTATE_IO_ERROR, "could not read a page of block file \"%s\"",
                   block->path);
}

_Thread_local uint64_t qn_block_thread_bytes;

uint64_t qn_block_touched(void)
{
    return qn_block_thread_bytes;
}

void qn_block_touch(uint64_t bytes)
{
    qn_touch(bytes);
}

uint32_t qn_block_rows(const qn_block *block)
{
    return block->rows;
}
uint32_t qn_block_columns(const qn_block *block)
{
    return block->column_count;
}
uint64_t qn_block_bytes(const qn_block *block)
{
    return block->map.bytes;
}

const qn_block_column *qn_block_column_at(const qn_block *block, uint32_t column)
{
    return column < block->column_count ? &block->columns[column].pub : NULL;
}

/* ---- re-sealing ----------------------------------------------------------------------------- */

uint64_t qn_block_reseal(void *data, size_t bytes)
{
    qn_fmt_header h;
    uint8_t      *p = data;
    if (bytes < sizeof h)
        return 0;
    memcpy(&h, p, sizeof h);
    if (h.header_bytes < sizeof h || h.header_bytes > bytes)
        return 0;
    for (uint64_t at = sizeof h, i = 0;
         i < h.columns && h.header_bytes - at >= sizeof(qn_fmt_column); i++) {
        qn_fmt_column c;
        memcpy(&c, p + at, sizeof c);
        uint64_t list = at + sizeof c, data_at = c.data_offset;
        for (unsigned s = 0; s < c.section_count && list + sizeof(qn_fmt_section) <= h.header_bytes;
             s++) {
            qn_fmt_section f;
            memcpy(&f, p + list, sizeof f);
            uint64_t n = f.kind_bytes & (((uint64_t)1 << QN_FMT_KIND_SHIFT) - 1);
            if (data_at > bytes || n > bytes - data_at)
                break;
            f.checksum = qn_checksum64(p + data_at, n);
            memcpy(p + list, &f, sizeof f);
            list += sizeof f;
            data_at += (n + 7) & ~(uint64_t)7;
        }
        if (c.descriptor_bytes < sizeof c || c.descriptor_bytes > h.header_bytes - at)
            break;
        at += c.descriptor_bytes;
    }
    h.checksum = qn_hash64(&h, offsetof(qn_fmt_header, checksum),
                           qn_checksum64(p + sizeof h, h.header_bytes - sizeof h));
    memcpy(p, &h, sizeof h);
    return h.checksum;
}
