/* The column buffers of one block: filled row by row, encoded column by column, used again.
 *
 * Value arrays have a fixed capacity; strings longer than a slot are copied into pages.  Each
 * thread has a page per column, so the strings of a column lie together and in row order (the
 * encoder reads them column by column), and no latch is needed.  Pages come from an arena per
 * thread that is reset, not freed, between blocks: from the second block on a load touches no fresh
 * memory.
 *
 * Invariant: has_nulls[c] is 0 iff the bitmap of c is all zero. */
#include "load/load_int.h"

#define PAGE_BYTES       ((size_t)1 << 15)
#define PAGE_FIRST_BYTES ((size_t)1 << 10)

static size_t padded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t bitmap_bytes(uint32_t rows)
{
    return padded(((size_t)rows + 7) / 8);
}

/* Bytes of the bitmap of column c: none where NULL is not allowed. */
static size_t null_bytes(const qn_fill *fill, uint32_t c, uint32_t rows)
{
    return fill->columns[c].not_null ? 0 : bitmap_bytes(rows);
}

static void free_segments(qn_fill *fill)
{
    for (uint32_t c = 0; fill->segments && c < fill->column_count; c++) {
        if (fill->segments[c].data)
            qn_block_segment_free(&fill->segments[c]);
        memset(&fill->segments[c], 0, sizeof fill->segments[c]);
    }
}

static size_t value_bytes(const qn_column *c)
{
    return qn_bank_bytes(qn_type_bank((qn_sql_type)c->type.id));
}

size_t qn_fill_row_bytes(const qn_column *columns, uint32_t column_count)
{
    size_t bytes = 1;
    for (uint32_t c = 0; c < column_count; c++)
        bytes += value_bytes(&columns[c]) + (columns[c].not_null ? 0 : 1);
    return bytes;
}

uint64_t qn_load_memory_limit(const qn_mem *mem, uint64_t own)
{
    uint64_t limit = own;
    for (const qn_mem *m = mem; m; m = m->parent) {
        uint64_t bytes = atomic_load(&m->limit_bytes);
        if (bytes && (!limit || bytes < limit))
            limit = bytes;
    }
    return limit;
}

qn_status qn_fill_init(qn_fill *fill, qn_mem *mem, const qn_column *columns, uint32_t column_count,
                       uint32_t parts, qn_error *err)
{
    qn_status st = QN_OK;
    size_t    n = column_count;

    memset(fill, 0, sizeof *fill);
    fill->mem = mem;
    fill->columns = columns;
    fill->column_count = column_count;
    QN_ALLOC(err, fill->values = qn_alloc0(mem, qn_mul(n + 1, sizeof *fill->values)));
    QN_ALLOC(err, fill->nulls = qn_alloc0(mem, qn_mul(n + 1, sizeof *fill->nulls)));
    QN_ALLOC(err, fill->has_nulls = qn_alloc0(mem, n + 1));
    QN_ALLOC(err, fill->segments = qn_alloc0(mem, qn_mul(n + 1, sizeof *fill->segments)));
    QN_ALLOC(err, fill->parts = qn_alloc0(mem, qn_mul(parts, sizeof *fill->parts)));
    fill->parts_count = parts;
    for (uint32_t p = 0; p < parts; p++)
        qn_arena_init(&fill->parts[p].arena, mem);
    for (uint32_t p = 0; p < parts; p++) {
        QN_ALLOC(err, fill->parts[p].pages = qn_alloc0(mem, qn_mul(n + 1, sizeof(qn_fill_page))));
        QN_ALLOC(err,
                 fill->parts[p].string_bytes = qn_alloc0(mem, qn_mul(n + 1, sizeof(uint64_t))));
    }
done:
    if (st != QN_OK)
        qn_fill_deinit(fill);
    return st;
}

void qn_fill_deinit(qn_fill *fill)
{
    size_t n = fill->column_count;

    free_segments(fill);
    for (uint32_t p = 0; p < fill->parts_count; p++) {
        qn_fill_part *part = &fill->parts[p];
        qn_arena_deinit(&part->arena);
        qn_free(fill->mem, part->pages, part->pages ? (n + 1) * sizeof(qn_fill_page) : 0);
        qn_free(fill->mem, part->string_bytes, part->string_bytes ? (n + 1) * sizeof(uint64_t) : 0);
    }
    if (fill->mem) {
        qn_free(fill->mem, fill->slab, fill->slab_bytes);
        qn_free(fill->mem, fill->values, fill->values ? (n + 1) * sizeof *fill->values : 0);
        qn_free(fill->mem, fill->nulls, fill->nulls ? (n + 1) * sizeof *fill->nulls : 0);
        qn_free(fill->mem, fill->has_nulls, fill->has_nulls ? n + 1 : 0);
        qn_free(fill->mem, fill->segments, fill->segments ? (n + 1) * sizeof *fill->segments : 0);
        qn_free(fill->mem, fill->parts, fill->parts ? fill->parts_count * sizeof *fill->parts : 0);
    }
    memset(fill, 0, sizeof *fill);
}

/* All arrays are one piece of memory, so growing either happens or leaves everything as it was. */
qn_status qn_fill_reserve(qn_fill *fill, uint32_t rows, qn_error *err)
{
    uint32_t capacity = fill->capacity ? fill->capacity : 1024;
    size_t   bytes = 0;

    QN_ASSERT(rows <= QN_BLOCK_ROWS);
    if (rows <= fill->capacity)
        return QN_OK;
    while (capacity < rows)
        capacity *= 2;
    for (uint32_t c = 0; c < fill->column_count; c++)
        bytes += padded(capacity * value_bytes(&fill->columns[c])) + null_bytes(fill, c, capacity);
    char *slab = qn_alloc(fill->mem, bytes), *at = slab;
    if (!slab)
        return qn_nomem(err);
    for (uint32_t c = 0; c < fill->column_count; c++) {
        size_t size = value_bytes(&fill->columns[c]), nulls = null_bytes(fill, c, capacity);
        if (fill->rows)
            memcpy(at, fill->values[c], fill->rows * size);
        fill->values[c] = at;
        at += padded(capacity * size);
        if (nulls) {
            size_t old = null_bytes(fill, c, fill->capacity);
            if (old)
                memcpy(at, fill->nulls[c], old);
            memset(at + old, 0, nulls - old);
            fill->nulls[c] = (uint64_t *)(void *)at;
            at += nulls;
        }
    }
    qn_free(fill->mem, fill->slab, fill->slab_bytes);
    fill->slab = slab;
    fill->slab_bytes = bytes;
    fill->capacity = capacity;
    return QN_OK;
}

void qn_fill_reset(qn_fill *fill)
{
    for (uint32_t c = 0; c < fill->column_count; c++) {
        if (fill->has_nulls[c])
            memset(fill->nulls[c], 0, bitmap_bytes(fill->capacity));
        fill->has_nulls[c] = 0;
    }
    for (uint32_t p = 0; p < fill->parts_count; p++) {
        qn_arena_reset(&fill->parts[p].arena);
        memset(fill->parts[p].pages, 0, fill->column_count * sizeof(qn_fill_page));
        memset(fill->parts[p].string_bytes, 0, fill->column_count * sizeof(uint64_t));
    }
    fill->rows = 0;
}

char *qn_fill_room(qn_fill_part *part, uint32_t c, size_t bytes)
{
    qn_fill_page *page = &part->pages[c];

    part->string_bytes[c] += bytes;
    if ((size_t)(page->end - page->next) < bytes) {
        /* Columns with little text get little pages; a long string gets one of its own. */
        size_t size = part->string_bytes[c] >= PAGE_BYTES ? PAGE_BYTES : PAGE_FIRST_BYTES;
        if (bytes > size / 4)
            return qn_arena_alloc(&part->arena, bytes);
        char *fresh = qn_arena_alloc(&part->arena, size);
        if (!fresh)
            return NULL;
        page->next = fresh;
        page->end = fresh + size;
    }
    char *room = page->next;
    page->next += bytes;
    return room;
}

void qn_fill_order(const qn_fill *fill, uint32_t *order)
{
    uint32_t n = fill->column_count;

    for (uint32_t c = 0; c < n; c++) {
        uint64_t bytes = 0;
        for (uint32_t p = 0; p < fill->parts_count; p++)
            bytes += fill->parts[p].string_bytes[c];
        /* Insertion into a list of at most some hundred columns, once per block. */
        uint32_t at = c;
        for (; at > 0; at--) {
            uint64_t before = 0;
            for (uint32_t p = 0; p < fill->parts_count; p++)
                before += fill->parts[p].string_bytes[order[at - 1]];
            size_t size = value_bytes(&fill->columns[order[at - 1]]);
            if (before > bytes || (before == bytes && size >= value_bytes(&fill->columns[c])))
                break;
            order[at] = order[at - 1];
        }
        order[at] = c;
    }
}

qn_status qn_fill_encode(qn_fill *fill, qn_block_builder *builder, uint32_t c, qn_error *err)
{
    qn_block_column_in in = {.type = fill->columns[c].type,
                             .values = fill->values[c],
                             .nulls = fill->has_nulls[c] ? fill->nulls[c] : NULL};
    return qn_block_encode(builder, &in, fill->rows, &fill->segments[c], err);
}

qn_status qn_fill_write(qn_fill *fill, qn_env *store_env, qn_change *change, uint64_t table_id,
                        uint64_t sequence, qn_error *err)
{
    qn_status     st = QN_OK;
    uint64_t      number = 0;
    qn_block_info info = {0};
    char          path[4096];

    QN_TRY(qn_change_block_path(change, &number, path, sizeof path, err));
    QN_TRY(qn_block_write(store_env, path, table_id, number, fill->rows, fill->segments,
                          fill->column_count, &info, err));
    QN_TRY(qn_change_add_block(change, table_id, number, sequence, &info, err));
done:
    free_segments(fill);
    return st;
}
