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
    r->column_count = columns;
    r->visible_count = visible;
    r->types = types;
    r->banks = qn_arena_array(&r->arena, qn_bank, columns + 1);
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
    qn_free(mem, r, sizeof *r);
}

static qn_rows_chunk *chunk_new(qn_rows *r)
{
    qn_rows_chunk *c = qn_arena_new(&r->arena, qn_rows_chunk);
    if (!c)
        return NULL;
    c->values = qn_arena_array(&r->arena, void *, r->column_count + 1);
    c->nulls = qn_arena_array(&r->arena, uint64_t *, r->column_count + 1);
    c->ties = qn_arena_alloc(&r->arena, QN_LANES * sizeof(uint64_t));
    if (!c->values || !c->nulls || !c->ties)
        return NULL;
    for (uint32_t i = 0; i < r->column_count; i++) {
        c->values[i] = qn_arena_alloc(&r->arena, QN_LANES * qn_bank_bytes(r->banks[i]));
        c->nulls[i] = qn_arena_alloc0(&r->arena, QN_LANES / 8);
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
    qn_rows_chunk *c = *chunk ? *chunk : chunk_new(r);
    if (!c)
        return qn_nomem(err);
    r->chunks[r->chunk_count++] = c;
    *chunk = c;
    return QN_OK;
}

qn_status qn_rows_room(qn_rows *r, qn_rows_chunk **chunk, qn_error *err)
{
    if (r->chunk_count && r->chunks[r->chunk_count - 1]->count < QN_LANES) {
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

void qn_rows_ties(const qn_rows *r, uint64_t first, uint32_t count, uint64_t *ties)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t chunk, lane;
        locate(r, first + i, &chunk, &lane);
        ties[i] = r->chunks[chunk]->ties[lane];
    }
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
    for (uint32_t i = 0; i < n; i++) {
        if (!r->entries && i && places[i - 1][1] + 1 < r->chunks[places[i - 1][0]]->count) {
            places[i][0] = places[i - 1][0];
            places[i][1] = places[i - 1][1] + 1;
        } else {
            locate(r, first + i, &places[i][0], &places[i][1]);
        }
    }
    for (uint32_t c = 0; c < r->column_count; c++) {
        size_t    size = qn_bank_bytes(r->banks[c]);
        char     *out = qn_arena_alloc(arena, QN_LANES * size);
        uint64_t *bits = qn_arena_alloc0(arena, QN_LANES / 8);
        if (!out || !bits)
            return qn_nomem(err);
        for (uint32_t i = 0; i < n; i++) {
            const qn_rows_chunk *k = r->chunks[places[i][0]];
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
