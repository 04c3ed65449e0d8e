/* Rows put out by a pipeline: see rows.h. */
#include "vm/machine.h"

#include "base/assert.h"

qn_status qn_rows_new(qn_mem *mem, const qn_type *types, uint32_t columns, uint32_t visible, qn_rows **out, qn_error *err)
{
    qn_rows *r = qn_alloc0(mem, sizeof *r);
    if (!r)
        return qn_nomem(err);
    r->mem = mem;
    qn_arena_init(&r->arena, mem);
    qn_arena_init(&r->kept, mem);
    r->column_count = columns;
    r->visible_count = visible;
    r->types = types;
    r->banks = qn_arena_array(&r->kept, qn_bank, columns + 1);
    if (!r->banks) {
        qn_rows_free(r);
        return qn_nomem(err);
    }
    for (uint32_t i = 0; i < columns; i++)
        r->banks[i] = qn_type_bank(types[i].id);
    *out = r;
    return QN_OK;
}

void qn_rows_free(qn_rows *r)
{
    if (!r)
        return;
    qn_mem *mem = r->mem;
    qn_free(mem, r->chunks, r->chunk_capacity * sizeof *r->chunks);
    qn_free(mem, r->entries, r->entry_capacity * sizeof *r->entries);
    qn_arena_deinit(&r->arena);
    qn_arena_deinit(&r->kept);
    qn_free(mem, r, sizeof *r);
}

qn_rows_chunk *qn_rows_chunk_new(const qn_rows *r, qn_arena *arena)
{
    qn_rows_chunk *c = qn_arena_new(arena, qn_rows_chunk);
    if (!c)
        return NULL;
    c->values = qn_arena_array(arena, void *, r->column_count + 1);
    c->nulls = qn_arena_array(arena, uint64_t *, r->column_count + 1);
    c->ties = qn_arena_alloc(arena, QN_LANES * sizeof(uint64_t));
    if (!c->values || !c->nulls || !c->ties)
        return NULL;
    for (uint32_t i = 0; i < r->column_count; i++) {
        c->values[i] = qn_arena_alloc(arena, QN_LANES * qn_bank_bytes(r->banks[i]));
        c->nulls[i] = qn_arena_alloc0(arena, QN_LANES / 8);
        if (!c->values[i] || !c->nulls[i])
            return NULL;
    }
    return c;
}

qn_status qn_rows_chunk_add(qn_rows *r, qn_rows_chunk **chunk, qn_error *err)
{
    if (r->chunk_count == r->chunk_capacity) {
        uint32_t        capacity = r->chunk_capacity ? r->chunk_capacity * 2 : 16;
        qn_rows_chunk **grown = qn_realloc(r->mem, r->chunks, r->chunk_capacity * sizeof *grown, capacity * sizeof *grown);
        if (!grown)
            return qn_nomem(err);
        r->chunks = grown;
        r->chunk_capacity = capacity;
    }
    qn_rows_chunk *c = *chunk ? *chunk : qn_rows_chunk_new(r, &r->arena);
    if (!c)
        return qn_nomem(err);
    r->chunks[r->chunk_count++] = c;
    *chunk = c;
    return QN_OK;
}

qn_status qn_rows_room(qn_rows *r, qn_rows_chunk **chunk, qn_error *err)
{
    if (r->chunk_count > r->resident && r->chunks[r->chunk_count - 1]->count < QN_LANES) {
        *chunk = r->chunks[r->chunk_count - 1];
        return QN_OK;
    }
    *chunk = NULL;
    return qn_rows_chunk_add(r, chunk, err);
}

/* Where result row `number` lies. */
static void locate(const qn_rows *r, uint64_t number, uint32_t *chunk, uint32_t *lane)
{
    number += r->skip;
    if (r->entries) {
        *chunk = r->entries[number].chunk;
        *lane = r->entries[number].lane;
        return;
    }
    uint32_t lo = 0, hi = r->chunk_count;
    while (lo + 1 < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (r->chunk_starts[mid] <= number)
            lo = mid;
        else
            hi = mid;
    }
    *chunk = lo;
    *lane = (uint32_t)(number - r->chunk_starts[lo]);
}

/* ---- chunks on disk --------------------------------------------------------------------------- */

/* An extent: per column its values and its null bits, then the ties, each from a multiple of 16 bytes on; then what
 * values refer to outside themselves, column after column. */
static size_t padded(size_t bytes) { return (bytes + 15) & ~(size_t)15; }

static size_t null_bytes(uint32_t count) { return ((size_t)count + 63) / 64 * 8; }

static bool refers(qn_bank bank) { return bank == QN_BANK_STR || bank == QN_BANK_NUM; }

qn_status qn_rows_chunk_write(const qn_rows *r, spill_file *file, const qn_rows_chunk *k, qn_rows_chunk *stub, qn_error *err)
{
    uint32_t n = k->count;
    size_t   bytes = padded(n * sizeof *k->ties), outside = 0;
    for (uint32_t c = 0; c < r->column_count; c++) {
        size_t size = qn_bank_bytes(r->banks[c]);
        bytes += padded(n * size) + padded(null_bytes(n));
        for (uint32_t i = 0; refers(r->banks[c]) && i < n; i++)
            if (!bit_get(k->nulls[c], i))
                outside += spill_value_bytes(r->banks[c], (const char *)k->values[c] + i * size);
    }
    if (bytes + outside > UINT32_MAX / 2)
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "%u rows of %zu bytes are too large for a temporary file", n, bytes + outside);
    uint8_t *buffer = qn_alloc(r->mem, SPILL_HEADER + bytes + outside), *at = buffer + SPILL_HEADER;
    if (!buffer)
        return qn_nomem(err);
    memset(at, 0, bytes);
    for (uint32_t c = 0; c < r->column_count; c++) {
        size_t size = qn_bank_bytes(r->banks[c]);
        memcpy(at, k->values[c], n * size);
        at += padded(n * size);
        memcpy(at, k->nulls[c], null_bytes(n));
        at += padded(null_bytes(n));
    }
    memcpy(at, k->ties, n * sizeof *k->ties);
    at = buffer + SPILL_HEADER + bytes;
    for (uint32_t c = 0; c < r->column_count; c++)
        for (uint32_t i = 0; refers(r->banks[c]) && i < n; i++)
            if (!bit_get(k->nulls[c], i))
                at = spill_value_pack(r->banks[c], (const char *)k->values[c] + i * qn_bank_bytes(r->banks[c]), at);
    *stub = (qn_rows_chunk){.count = n, .bytes = (uint32_t)(bytes + outside)};
    qn_status st = spill_write(file, buffer, bytes + outside, n, NULL, &stub->offset, err);
    qn_free(r->mem, buffer, SPILL_HEADER + bytes + outside);
    return st;
}

qn_status qn_rows_chunk_read(const qn_rows *r, spill_file *file, const qn_rows_chunk *stub, qn_arena *arena, qn_rows_chunk *out,
                             qn_error *err)
{
    spill_reader   in;
    const uint8_t *data;
    uint32_t       n = stub->count;
    qn_status      st = spill_read(file, stub->offset, stub->bytes, arena, &in, err);
    *out = (qn_rows_chunk){.count = n};
    out->values = qn_arena_array(arena, void *, r->column_count + 1);
    out->nulls = qn_arena_array(arena, uint64_t *, r->column_count + 1);
    if (st == QN_OK && (!out->values || !out->nulls))
        st = qn_nomem(err);
    for (uint32_t c = 0; c < r->column_count && st == QN_OK; c++) {
        st = spill_reader_take(&in, padded(n * qn_bank_bytes(r->banks[c])), &data, err);
        out->values[c] = (void *)(uintptr_t)data;
        if (st == QN_OK)
            st = spill_reader_take(&in, padded(null_bytes(n)), &data, err);
        out->nulls[c] = (uint64_t *)(uintptr_t)data;
    }
    if (st == QN_OK)
        st = spill_reader_take(&in, padded(n * sizeof *out->ties), &data, err);
    out->ties = (uint64_t *)(uintptr_t)data;
    for (uint32_t c = 0; c < r->column_count && st == QN_OK; c++)
        for (uint32_t i = 0; refers(r->banks[c]) && i < n && st == QN_OK; i++)
            if (!bit_get(out->nulls[c], i))
                st = spill_value_unpack(r->banks[c], (char *)out->values[c] + i * qn_bank_bytes(r->banks[c]), &in, arena, err);
    return st;
}

qn_status qn_rows_spill(qn_rows *r, spill_file *file, qn_error *err)
{
    QN_ASSERT(!r->entries);
    for (uint32_t c = r->resident; c < r->chunk_count; c++) {
        qn_rows_chunk *stub = qn_arena_new(&r->kept, qn_rows_chunk);
        if (!stub)
            return qn_nomem(err);
        qn_status st = qn_rows_chunk_write(r, file, r->chunks[c], stub, err);
        if (st != QN_OK)
            return st;
        r->chunks[c] = stub;
        r->resident = c + 1;
    }
    r->spill = file;
    qn_arena_deinit(&r->arena);
    qn_arena_init(&r->arena, r->mem);
    return QN_OK;
}

/* ---- reading ----------------------------------------------------------------------------------- */

qn_status qn_rows_ties(const qn_rows *r, uint64_t first, uint32_t count, uint64_t *ties, qn_arena *arena, qn_error *err)
{
    const qn_rows_chunk *on_disk = NULL;
    qn_rows_chunk        read;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t chunk, lane;
        locate(r, first + i, &chunk, &lane);
        const qn_rows_chunk *k = r->chunks[chunk];
        if (!k->values && k != on_disk) {
            qn_status st = qn_rows_chunk_read(r, r->spill, k, arena, &read, err);
            if (st != QN_OK)
                return st;
            on_disk = k;
        }
        ties[i] = (k->values ? k : &read)->ties[lane];
    }
    return QN_OK;
}

qn_status qn_rows_read(qn_rows *r, uint64_t first, uint32_t *count, void **values, uint64_t **nulls, qn_arena *arena,
                       qn_error *err)
{
    uint64_t left = first < r->count ? r->count - first : 0;
    uint32_t n = left < QN_LANES ? (uint32_t)left : QN_LANES;
    uint32_t (*places)[2];
    *count = n;
    if (!n)
        return QN_OK;
    places = qn_arena_alloc(arena, sizeof *places * n);
    if (!places)
        return qn_nomem(err);
    qn_rows_chunk read;
    bool          on_disk = false;
    for (uint32_t i = 0; i < n; i++) {
        if (!r->entries && i && places[i - 1][1] + 1 < r->chunks[places[i - 1][0]]->count) {
            places[i][0] = places[i - 1][0];
            places[i][1] = places[i - 1][1] + 1;
        } else {
            locate(r, first + i, &places[i][0], &places[i][1]);
        }
        if (!r->chunks[places[i][0]]->values || on_disk) { /* a chunk from disk comes alone */
            if (i && places[i][0] != places[0][0]) {
                n = i;
                break;
            }
            if (!i) {
                qn_status st = qn_rows_chunk_read(r, r->spill, r->chunks[places[i][0]], arena, &read, err);
                if (st != QN_OK)
                    return st;
                on_disk = true;
            }
        }
    }
    *count = n;
    for (uint32_t c = 0; c < r->column_count; c++) {
        size_t    size = qn_bank_bytes(r->banks[c]);
        char     *out = qn_arena_alloc(arena, QN_LANES * size);
        uint64_t *bits = qn_arena_alloc0(arena, QN_LANES / 8);
        if (!out || !bits)
            return qn_nomem(err);
        for (uint32_t i = 0; i < n; i++) {
            const qn_rows_chunk *k = on_disk ? &read : r->chunks[places[i][0]];
            uint32_t             lane = places[i][1];
            memcpy(out + i * size, (const char *)k->values[c] + lane * size, size);
            if (bit_get(k->nulls[c], lane))
                bit_set(bits, i);
        }
        if (r->banks[c] == QN_BANK_STR) {
            qn_status st = lazy_resolve(r->table, (qn_str *)(void *)out, bits, NULL, n, arena, err);
            if (st != QN_OK)
                return st;
        }
        values[c] = out;
        nulls[c] = bits;
    }
    return QN_OK;
}
