/* Group tables: the ladder's common floor.
 *
 * Whatever mode produced them, groups end in rows of fixed size: hash, null mask, key identities, values to show,
 * lowest row id, aggregate states.  Two keys are SQL-equal iff null masks and identities are equal bytes (text by its
 * BLAKE3-128, so text is never touched here).
 *
 *   1. Each worker folds its rows into a small table of its own.  With one or few dictionary-coded keys and enough
 *      rows per code, the states are first indexed by code (code array) and handed to the table at the end of the
 *      block: no hashing per row.
 *   2. A table that outgrows the cache is emptied into 256 partitions by the hash's top bits.
 *   3. At the breaker each partition is merged by one worker: no locks, and its table fits the cache.
 *
 * DISTINCT arguments go to sets of (group, value) that are partitioned like their group, so that a partition's
 * merging worker can remove duplicates and fold them alone.
 *
 * The file is long because finding, spilling and merging share the table's code, which has to be inlined there. */
#include "vm/machine.h"

#include <math.h>
#include <stdlib.h>
#include "base/assert.h"
#include "type/numeric.h"
#include "vm/packed.h"

#define CODE_ARRAY_MAX (1u << 19)
#define CODE_ARRAY_BYTES (96u << 20)
#define PACKED_TUPLE_BYTES 48u /* about */
#define PACKED_LEAST (24u << 20)
#define LOCAL_ARENA_BYTES (1u << 20) /* of texts and the like: less is not worth a trip to disk */

/* ---- tables ----------------------------------------------------------------------------------- */

void group_table_init(group_table *t, qn_mem *mem, uint32_t row_bytes)
{
    memset(t, 0, sizeof *t);
    t->mem = mem;
    t->row_bytes = row_bytes;
}

void group_table_deinit(group_table *t)
{
    for (uint32_t i = 0; i < t->chunk_count; i++)
        qn_free(t->mem, t->chunks[i], (size_t)GROUP_CHUNK * t->row_bytes);
    qn_free(t->mem, t->chunks, t->chunk_capacity * sizeof *t->chunks);
    if (t->heads)
        qn_free(t->mem, t->heads, ((size_t)t->mask + 1) * sizeof *t->heads);
    memset(t, 0, sizeof *t);
}

void group_table_clear(group_table *t)
{
    t->count = 0;
    if (t->heads)
        memset(t->heads, 0, ((size_t)t->mask + 1) * sizeof *t->heads);
}

static bool table_grow(group_table *t)
{
    size_t    capacity = t->heads ? ((size_t)t->mask + 1) * 2 : 1024;
    uint32_t *heads = qn_alloc0(t->mem, capacity * sizeof *heads);
    if (!heads)
        return false;
    uint32_t mask = (uint32_t)capacity - 1;
    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t at = (uint32_t)*group_hash(group_row(t, i)) & mask;
        while (heads[at])
            at = (at + 1) & mask;
        heads[at] = i + 1;
    }
    if (t->heads)
        qn_free(t->mem, t->heads, ((size_t)t->mask + 1) * sizeof *heads);
    t->heads = heads;
    t->mask = mask;
    return true;
}

static uint8_t *table_append(group_table *t)
{
    if (t->count / GROUP_CHUNK == t->chunk_count) {
        if (t->chunk_count == t->chunk_capacity) {
            uint32_t  capacity = t->chunk_capacity ? t->chunk_capacity * 2 : 8;
            uint8_t **grown = qn_realloc(t->mem, t->chunks, t->chunk_capacity * sizeof *grown, capacity * sizeof *grown);
            if (!grown)
                return NULL;
            t->chunks = grown;
            t->chunk_capacity = capacity;
        }
        uint8_t *chunk = qn_alloc(t->mem, (size_t)GROUP_CHUNK * t->row_bytes);
        if (!chunk)
            return NULL;
        t->chunks[t->chunk_count++] = chunk;
    }
    return group_row(t, t->count++);
}

uint8_t *group_table_lookup(const group_table *t, uint64_t hash, const uint8_t *key, uint32_t begin, uint32_t end)
{
    if (!t->heads)
        return NULL;
    for (uint32_t at = (uint32_t)hash & t->mask; t->heads[at]; at = (at + 1) & t->mask) {
        uint8_t *row = group_row(t, t->heads[at] - 1);
        if (*group_hash(row) == hash && memcmp(row + begin, key, end - begin) == 0)
            return row;
    }
    return NULL;
}

uint8_t *group_table_find(group_table *t, const uint8_t *key_row, uint32_t begin, uint32_t end, bool *fresh)
{
    uint64_t hash = *(const uint64_t *)(const void *)key_row;
    if ((!t->heads || (uint64_t)t->count * 2 > t->mask) && !table_grow(t))
        return NULL;
    uint32_t at = (uint32_t)hash & t->mask;
    for (; t->heads[at]; at = (at + 1) & t->mask) {
        uint8_t *row = group_row(t, t->heads[at] - 1);
        if (*group_hash(row) == hash && memcmp(row + begin, key_row + begin, end - begin) == 0) {
            *fresh = false;
            return row;
        }
    }
    uint8_t *row = table_append(t);
    if (!row)
        return NULL;
    memcpy(row, key_row, end);
    memset(row + end, 0, t->row_bytes - end);
    t->heads[at] = t->count;
    *fresh = true;
    return row;
}

/* ---- row buffers ------------------------------------------------------------------------------ */

static uint8_t *buffer_append(row_buffer *b, qn_mem *mem, uint32_t row_bytes)
{
    uint32_t at = (uint32_t)(b->count % BUFFER_CHUNK);
    if (!at && b->count / BUFFER_CHUNK == b->chunk_count) {
        if (b->chunk_count == b->chunk_capacity) {
            uint32_t  capacity = b->chunk_capacity ? b->chunk_capacity * 2 : 8;
            uint8_t **grown = qn_realloc(mem, b->chunks, b->chunk_capacity * sizeof *grown, capacity * sizeof *grown);
            if (!grown)
                return NULL;
            b->chunks = grown;
            b->chunk_capacity = capacity;
        }
        uint8_t *chunk = qn_alloc(mem, (size_t)BUFFER_CHUNK * row_bytes);
        if (!chunk)
            return NULL;
        b->chunks[b->chunk_count++] = chunk;
    }
    b->count++;
    return b->chunks[b->chunk_count - 1] + (size_t)at * row_bytes;
}

void buffer_free(row_buffer *b, qn_mem *mem, uint32_t row_bytes)
{
    for (uint32_t i = 0; i < b->chunk_count; i++)
        qn_free(mem, b->chunks[i], (size_t)BUFFER_CHUNK * row_bytes);
    qn_free(mem, b->chunks, b->chunk_capacity * sizeof *b->chunks);
    memset(b, 0, sizeof *b);
}

static qn_status table_to_parts(group_table *t, row_buffer *parts, uint32_t hash_offset, qn_error *err)
{
    for (uint32_t i = 0; i < t->count; i++) {
        uint8_t *row = group_row(t, i);
        uint8_t *to = buffer_append(&parts[group_partition(*(uint64_t *)(void *)(row + hash_offset))], t->mem, t->row_bytes);
        if (!to) { /* rows may own memory, and those before i have moved */
            for (uint32_t j = 0; j < i; j++)
                memset(group_row(t, j), 0, t->row_bytes);
            return qn_nomem(err);
        }
        memcpy(to, row, t->row_bytes);
    }
    group_table_clear(t);
    return QN_OK;
}

/* ---- layout ----------------------------------------------------------------------------------- */

static bool is_text(qn_sql_type t) { return t == QN_TYPE_TEXT || t == QN_TYPE_VARCHAR; }
static bool is_coarse(qn_sql_type t)
{
    return t == QN_TYPE_REAL || t == QN_TYPE_DOUBLE || t == QN_TYPE_NUMERIC || t == QN_TYPE_INTERVAL || t == QN_TYPE_CHAR;
}

static uint32_t align16(uint32_t n) { return (n + 15) & ~15u; }

static qn_status layout_make(qn_exec *exec, const qn_aggregation *a, group_layout *l, qn_error *err)
{
    l->key_count = a->key_count;
    l->agg_count = a->agg_count;
    l->keys = qn_arena_array(&exec->arena, group_key, a->key_count + 1);
    l->aggs = qn_arena_array(&exec->arena, agg_state, a->agg_count + 1);
    if (!l->keys || !l->aggs)
        return qn_nomem(err);
    uint32_t at = 8;
    l->key_begin = l->nulls = at;
    l->null_words = (a->key_count + 63) / 64;
    at += 8 * l->null_words;
    for (uint32_t i = 0; i < a->key_count; i++) {
        group_key *k = &l->keys[i];
        k->type = a->keys[i]->type.id;
        k->bank = (uint8_t)qn_type_bank(k->type);
        k->words = is_text(k->type) || is_coarse(k->type) ? 2 : 1;
        k->identity = (uint16_t)at;
        at += 8u * k->words;
    }
    l->key_end = at;
    if (a->first_row) {
        l->first_row = at;
        at += 8;
    }
    for (uint32_t i = 0; i < a->key_count; i++)
        if (l->keys[i].words == 2) {
            at = align16(at);
            l->keys[i].payload = (uint16_t)at;
            l->refers = l->refers || l->keys[i].bank == QN_BANK_STR || l->keys[i].bank == QN_BANK_NUM;
            at += 16;
        }
    for (uint32_t i = 0; i < a->agg_count; i++) {
        agg_state         *s = &l->aggs[i];
        const qn_agg_call *c = &a->aggs[i];
        s->call = c;
        s->kind = c->kind;
        s->arg_type = c->argc ? c->args[0]->type.id : QN_TYPE_UNKNOWN;
        s->arg_bank = (uint8_t)qn_type_bank(s->arg_type);
        s->result_type = c->type.id;
        s->result_bank = (uint8_t)qn_type_bank(c->type.id);
        s->distinct = c->distinct && c->kind != QN_AGG_MIN && c->kind != QN_AGG_MAX;
        s->bytes = agg_state_bytes(c);
        at = align16(at);
        s->offset = at;
        at += s->bytes;
        l->owns_memory = l->owns_memory || agg_owns_memory(s);
        l->refers = l->refers || agg_refers(s);
        if ((s->kind == QN_AGG_MIN || s->kind == QN_AGG_MAX) && s->arg_bank == QN_BANK_STR)
            l->has_text_extremes = true;
    }
    l->row_bytes = align16(at);
    if (at > UINT16_MAX)
        return qn_fail(err, QN_SQLSTATE_TOO_COMPLEX, "statement too complex: a group needs more than 64 KB");
    return QN_OK;
}

static qn_status distinct_make(qn_exec *exec, qn_groups *g, qn_error *err)
{
    const group_layout *l = &g->layout;
    for (uint32_t i = 0; i < l->agg_count; i++)
        g->distinct_count += l->aggs[i].distinct;
    g->distinct = qn_arena_array(&exec->arena, distinct_layout, g->distinct_count + 1);
    if (!g->distinct)
        return qn_nomem(err);
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->agg_count; i++) {
        if (!l->aggs[i].distinct)
            continue;
        distinct_layout *d = &g->distinct[n++];
        d->agg = i;
        d->group_hash = 8;
        d->key_begin = 16;
        d->key_end = 16 + (l->key_end - l->key_begin);
        d->value = d->key_end;
        d->value_words = is_text(l->aggs[i].arg_type) || is_coarse(l->aggs[i].arg_type) ? 2 : 1;
        d->compare_end = d->value + 8 * d->value_words;
        uint32_t at = d->compare_end;
        if (l->aggs[i].kind != QN_AGG_COUNT) {
            at = align16(at);
            d->payload = at;
            at += 16;
        }
        d->row_bytes = align16(at);
    }
    return QN_OK;
}

qn_status groups_new(qn_exec *exec, const qn_pipeline *plan, const pipeline_state *pl, qn_groups **out, qn_error *err)
{
    qn_groups *g = qn_arena_new(&exec->arena, qn_groups);
    qn_status  st;
    if (!g)
        return qn_nomem(err);
    g->plan = plan->aggregation;
    g->workers = exec->workers;
    g->mem = &exec->mem;
    g->exec = exec;
    st = layout_make(exec, g->plan, &g->layout, err);
    if (st == QN_OK)
        st = distinct_make(exec, g, err);
    if (st != QN_OK)
        return st;
    g->locals = qn_arena_array(&exec->arena, group_local, (size_t)exec->workers);
    if (!g->locals)
        return qn_nomem(err);
    for (int w = 0; w < g->workers; w++) {
        group_local *l = &g->locals[w];
        l->key_row = qn_arena_array(&exec->arena, uint8_t, g->layout.row_bytes);
        l->sets = qn_arena_array(&exec->arena, distinct_set, g->distinct_count + 1);
        l->text_dicts = qn_arena_array(&exec->arena, qn_dict *, g->layout.agg_count + 1);
        if (!l->key_row || !l->sets || !l->text_dicts) {
            g->workers = w;
            groups_free(g);
            g->workers = 0;
            return qn_nomem(err);
        }
        group_table_init(&l->table, &exec->mem, g->layout.row_bytes);
        for (uint32_t i = 0; i < g->distinct_count; i++)
            group_table_init(&l->sets[i].table, &exec->mem, g->distinct[i].row_bytes);
        qn_arena_init(&l->arena, &exec->mem);
    }
    for (uint32_t p = 0; p < GROUP_PARTITIONS; p++)
        group_table_init(&g->parts[p], &exec->mem, g->layout.row_bytes);
    qn_latch_init(&g->latch);
    g->mode = g->plan->mode;
    uint64_t rows = exec_budget(exec) / 4 / (uint64_t)exec->workers / (g->layout.row_bytes + 16);
    g->local_rows = rows > GROUP_LOCAL_ROWS ? GROUP_LOCAL_ROWS : rows < 1024 ? 1024 : (uint32_t)rows;
    *out = g;
    g->thresholded = pl->top != NULL;
    /* Packed tuples can go to disk, but want some room for the partitions they are scattered into. */
    bool in_memory = pl->table && exec_budget(exec) / 2 / PACKED_TUPLE_BYTES / (g->distinct_count + 1) >= pl->table->rows;
    bool fits = in_memory || (pl->table && exec->spill.vfs && exec_budget(exec) >= PACKED_LEAST);
    return g->plan->packs && fits ? packed_new(exec, g, pl, &g->packed, err) : QN_OK;
}

/* ---- release ----------------------------------------------------------------------------------- */

void groups_release_row(const qn_groups *g, uint8_t *row)
{
    for (uint32_t a = 0; a < g->layout.agg_count; a++)
        agg_release(&g->layout.aggs[a], row, g->mem);
}

void groups_release_table(const qn_groups *g, const group_table *t)
{
    for (uint32_t i = 0; g->layout.owns_memory && i < t->count; i++)
        groups_release_row(g, group_row(t, i));
}

static void local_free_rows(qn_groups *g, group_local *l)
{
    groups_release_table(g, &l->table);
    for (uint32_t p = 0; g->layout.owns_memory && p < GROUP_PARTITIONS; p++)
        for (uint64_t i = 0; i < l->parts[p].count; i++)
            groups_release_row(g, buffer_row(&l->parts[p], i, g->layout.row_bytes));
    for (uint32_t c = 0; g->layout.owns_memory && c < l->code_count; c++)
        groups_release_row(g, l->code_rows + (size_t)c * g->layout.row_bytes);
    l->code_count = 0;
    group_table_deinit(&l->table);
    for (uint32_t p = 0; p < GROUP_PARTITIONS; p++)
        buffer_free(&l->parts[p], g->mem, g->layout.row_bytes);
    for (uint32_t i = 0; i < g->distinct_count; i++) {
        group_table_deinit(&l->sets[i].table);
        for (uint32_t p = 0; p < GROUP_PARTITIONS; p++)
            buffer_free(&l->sets[i].parts[p], g->mem, g->distinct[i].row_bytes);
    }
    if (l->code_rows)
        qn_free(g->mem, l->code_rows, l->code_bytes);
    l->code_rows = NULL;
    l->code_bytes = 0;
}

static void local_free_chains(qn_groups *g, int worker)
{
    groups_unload(g, worker);
    if (g->locals[worker].chains)
        qn_free(g->mem, g->locals[worker].chains, GROUP_PARTITIONS * sizeof(spill_chain));
    for (uint32_t d = 0; d < g->distinct_count; d++)
        if (g->locals[worker].sets[d].chains)
            qn_free(g->mem, g->locals[worker].sets[d].chains, GROUP_PARTITIONS * sizeof(spill_chain));
}

void groups_free(qn_groups *g)
{
    if (!g || !g->workers)
        return;
    packed_free(g->packed);
    for (int w = 0; w < g->workers; w++) {
        local_free_rows(g, &g->locals[w]);
        local_free_chains(g, w);
        qn_arena_deinit(&g->locals[w].arena);
    }
    for (uint32_t p = 0; p < GROUP_PARTITIONS; p++) {
        groups_release_table(g, &g->parts[p]);
        group_table_deinit(&g->parts[p]);
    }
    qn_latch_deinit(&g->latch);
}

/* ---- identities -------------------------------------------------------------------------------- */

/* One 64-bit identity of types whose equality is that of their bits. */
static uint64_t plain_identity(qn_bank bank, const void *data, size_t i)
{
    switch (bank) {
    case QN_BANK_BOOL: return ((const uint8_t *)data)[i] != 0;
    case QN_BANK_I16: return (uint64_t)(int64_t)((const int16_t *)data)[i];
    case QN_BANK_I32: return (uint64_t)(int64_t)((const int32_t *)data)[i];
    default: return ((const uint64_t *)data)[i];
    }
}

/* Two-word identities of a whole dictionary; NULLs have 0. */
static qn_status dict_identities(qn_vm *vm, qn_dict *d, qn_sql_type type)
{
    if (d->identities)
        return QN_OK;
    qn_status st = dict_decode(vm, d);
    if (st != QN_OK)
        return st;
    uint64_t(*ids)[2] = qn_arena_alloc0(&vm->block, sizeof *ids * ((size_t)d->count + 1));
    if (!ids)
        return qn_nomem(vm->err);
    for (uint32_t c = 0; c <= d->count; c++) {
        qn_datum v;
        if (dict_null(d, c))
            continue;
        qn_bank_get((qn_bank)d->bank, d->values, c, &v);
        qn_value_identity(type, &v, ids[c]);
    }
    d->identities = ids;
    return QN_OK;
}

/* Identities of text that may still be references: read off the blocks they point into. */
static qn_status lazy_identities(qn_vm *vm, const qn_vec *v, uint8_t *keys, uint32_t stride)
{
    const qn_table   *table = source_table(vm);
    const qn_str     *s = v->data;
    const qn_hash128 *hashes = NULL;
    uint64_t          place = UINT64_MAX;
    const qn_str     *last = NULL; /* what is no reference often is one constant: a CASE's other branch */
    qn_hash128        last_id = {0, 0};
    FOR_LANES(vm, lane, {
        qn_hash128  id = {0, 0};
        qn_lazy_str lazy;
        if (vec_null(v, lane)) {
            /* stays 0 */
        } else if (s[lane].bytes != QN_STR_LAZY) {
            if (!last || !qn_str_equal(last, &s[lane]))
                last_id = qn_blake3_128(qn_str_data(&s[lane]), s[lane].bytes);
            last = &s[lane];
            id = last_id;
        } else {
            memcpy(&lazy, &s[lane], sizeof lazy);
            if (((uint64_t)lazy.block << 32 | lazy.column) != place) {
                qn_status st = qn_block_hashes(table->blocks[lazy.block].block, lazy.column, &hashes, vm->err);
                if (st != QN_OK)
                    return st;
                place = (uint64_t)lazy.block << 32 | lazy.column;
            }
            id = hashes[lazy.code - 1];
        }
        memcpy(keys + lane * stride, &id, 16);
    });
    return QN_OK;
}

/* Identities of computed text, hashed side by side. */
static qn_status text_identities(qn_vm *vm, const qn_vec *v, uint8_t *keys, uint32_t stride)
{
    const char  **data = qn_arena_alloc(&vm->batch, QN_LANES * sizeof *data);
    uint32_t     *bytes = qn_arena_alloc(&vm->batch, QN_LANES * sizeof *bytes);
    uint16_t     *which = qn_arena_alloc(&vm->batch, QN_LANES * sizeof *which); /* of ids, by lane */
    qn_hash128   *ids = qn_arena_alloc(&vm->batch, QN_LANES * sizeof *ids);
    const qn_str *s = v->data;
    uint32_t      n = 0;
    if (!data || !bytes || !which || !ids)
        return qn_nomem(vm->err);
    FOR_LANES(vm, lane, {
        if (vec_null(v, lane)) {
            memset(keys + lane * stride, 0, 16);
        } else {
            /* computed from values in order, neighbours are often equal: hashed once */
            if (!n || bytes[n - 1] != s[lane].bytes || memcmp(data[n - 1], qn_str_data(&s[lane]), bytes[n - 1]) != 0) {
                data[n] = qn_str_data(&s[lane]);
                bytes[n++] = s[lane].bytes;
            }
            which[lane] = (uint16_t)(n - 1);
        }
    });
    qn_blake3_128_many(data, bytes, n, ids);
    FOR_LANES(vm, lane, {
        if (!vec_null(v, lane))
            memcpy(keys + lane * stride, &ids[which[lane]], 16);
    });
    return QN_OK;
}

qn_status groups_identities(qn_vm *vm, qn_vec *v, qn_sql_type type, uint32_t words, uint8_t *keys, uint32_t stride)
{
    qn_status st = QN_OK;
    if (is_text(type) && v->form == QN_FORM_CODES) {
        st = dict_hashes(vm, v->dict);
        if (st != QN_OK)
            return st;
        const qn_hash128 *h = v->dict->hashes;
        FOR_LANES(vm, lane, {
            uint32_t c = v->codes[lane];
            if (!dict_null(v->dict, c))
                memcpy(keys + lane * stride, h + c - 1, 16);
            else
                memset(keys + lane * stride, 0, 16);
        });
        return QN_OK;
    }
    if (is_text(type) && v->form == QN_FORM_FLAT && v->lazy)
        return lazy_identities(vm, v, keys, stride);
    if (words == 2 && v->form == QN_FORM_CODES && exec_fits(vm->exec, 32 * (uint64_t)v->dict->count)) {
        st = dict_identities(vm, v->dict, type);
        if (st != QN_OK)
            return st;
        FOR_LANES(vm, lane, memcpy(keys + lane * stride, v->dict->identities[v->codes[lane]], 16););
        return QN_OK;
    }
    st = vec_flat(vm, v);
    if (st != QN_OK)
        return st;
    bool constant = v->form == QN_FORM_CONST;
    if (words == 1) {
        qn_bank bank = (qn_bank)v->bank;
        FOR_LANES(vm, lane, {
            uint64_t x = vec_null(v, lane) ? 0 : plain_identity(bank, v->data, constant ? 0 : lane);
            memcpy(keys + lane * stride, &x, 8);
        });
        return QN_OK;
    }
    if (is_text(type) && !constant)
        return text_identities(vm, v, keys, stride);
    qn_datum last; /* of values in order, neighbours often are the same */
    uint64_t last_id[2] = {0, 0};
    bool     has_last = false;
    FOR_LANES(vm, lane, {
        static const uint64_t none[2] = {0, 0};
        qn_datum              d;
        bool                  null = vec_null(v, lane);
        if (!null) {
            vec_get(v, lane, &d);
            if (!has_last || memcmp(&d, &last, sizeof d) != 0)
                qn_value_identity(type, &d, last_id);
            last = d;
            has_last = true;
        }
        memcpy(keys + lane * stride, null ? none : last_id, 16);
    });
    return QN_OK;
}

static inline uint64_t hash_words(const uint8_t *p, uint32_t bytes)
{
    uint64_t h = 0x9e3779b97f4a7c15ull;
    for (uint32_t i = 0; i < bytes; i += 8) {
        uint64_t x;
        memcpy(&x, p + i, 8);
        unsigned __int128 m = (unsigned __int128)(x ^ h) * 0xd6e8feb86659fd93ull;
        h = (uint64_t)m ^ (uint64_t)(m >> 64) ^ (h << 7);
    }
    return qn_mix64(h);
}

uint64_t groups_hash(const uint8_t *key, uint32_t bytes) { return hash_words(key, bytes); }

/* What a fresh group shows for its keys. */
static qn_status fill_payload(qn_vm *vm, const group_key *k, qn_vec *v, uint32_t lane, group_local *l, uint8_t *row)
{
    qn_datum d = {.words = {0, 0}};
    if (v->form == QN_FORM_CODES) {
        uint32_t c = v->codes[lane];
        qn_dict *dict = v->dict;
        if (!dict->computed && dict->bank == QN_BANK_STR) {
            qn_lazy_str lazy = {QN_STR_LAZY, dict->block_index, dict->column, c};
            memcpy(row + k->payload, &lazy, sizeof lazy);
            return QN_OK;
        }
        qn_status st = dict_decode(vm, dict);
        if (st != QN_OK)
            return st;
        qn_bank_get((qn_bank)dict->bank, dict->values, c, &d);
    } else {
        vec_get(v, lane, &d);
    }
    if (k->bank == QN_BANK_STR && d.str.bytes == QN_STR_LAZY)
        ; /* stays lazy */
    else if (!qn_value_copy((qn_bank)k->bank, &d, &l->arena, &d))
        return qn_nomem(vm->err);
    memcpy(row + k->payload, &d, 16);
    return QN_OK;
}

static qn_status fill_payloads(qn_vm *vm, qn_groups *g, uint32_t first_key, uint32_t lane, uint8_t *row, bool coarse_only)
{
    const group_layout *l = &g->layout;
    for (uint32_t i = 0; i < l->key_count; i++) {
        const group_key *k = &l->keys[i];
        if (!k->payload || (coarse_only && is_text(k->type)) || vec_null(REG(vm, first_key + i), lane))
            continue;
        qn_status st = fill_payload(vm, k, REG(vm, first_key + i), lane, &g->locals[vm->worker], row);
        if (st != QN_OK)
            return st;
    }
    return QN_OK;
}

/* ---- code arrays ------------------------------------------------------------------------------- */

static bool codes_worth(const qn_vm *vm, uint64_t product)
{
    if (vm->exec->settings.group_mode == QN_GROUP_CODE_ARRAY)
        return true;
    if (vm->exec->settings.group_mode == QN_GROUP_HASH || vm->exec->settings.force_codes_off)
        return false;
    return (uint64_t)vm->scan.selected >= 2 * product;
}

/* Decide for this block whether codes index the states. */
static qn_status decide_block(qn_vm *vm, qn_groups *g, uint32_t first_key)
{
    group_local        *l = &g->locals[vm->worker];
    const group_layout *layout = &g->layout;
    uint64_t            product = 1;
    l->block_decided = true;
    l->code_count = 0;
    l->memo = NULL;
    for (uint32_t d = 0; d < g->distinct_count; d++)
        l->sets[d].last_count = 0;
    if (!vm->scan.block || vm->scan.in_values || vm->weights || !layout->key_count || layout->key_count > 4)
        return QN_OK;
    for (uint32_t i = 0; i < layout->key_count; i++) {
        const qn_vec *v = REG(vm, first_key + i);
        if (v->form != QN_FORM_CODES)
            return QN_OK;
        l->code_dicts[i] = v->dict;
        l->code_radix[i] = v->dict->count + 1;
        product *= l->code_radix[i];
        if (product > CODE_ARRAY_MAX + 1 || product * layout->row_bytes > CODE_ARRAY_BYTES ||
            product * layout->row_bytes > exec_budget(vm->exec) / 4 / (uint64_t)vm->exec->workers)
            return QN_OK;
    }
    if (!codes_worth(vm, product))
        return QN_OK;
    if (g->distinct_count) { /* sets refer to group rows, so these stay in the table */
        l->memo_count = (uint32_t)product;
        l->memo = qn_arena_alloc0(&vm->block, product * sizeof *l->memo);
        return l->memo ? QN_OK : qn_nomem(vm->err);
    }
    size_t bytes = (size_t)product * layout->row_bytes;
    if (bytes > l->code_bytes) {
        if (l->code_rows)
            qn_free(g->mem, l->code_rows, l->code_bytes);
        l->code_bytes = 0;
        l->code_rows = qn_alloc(g->mem, bytes);
        if (!l->code_rows)
            return qn_nomem(vm->err);
        l->code_bytes = bytes;
    }
    memset(l->code_rows, 0, bytes);
    l->code_count = (uint32_t)product;
    return QN_OK;
}

static qn_status find_by_code(qn_vm *vm, qn_groups *g, uint32_t first_key)
{
    group_local        *l = &g->locals[vm->worker];
    const group_layout *layout = &g->layout;
    uint32_t            stride = layout->row_bytes;
    const uint32_t     *c0 = REG(vm, first_key)->codes;
    FOR_LANES(vm, lane, {
        size_t code = c0[lane];
        for (uint32_t i = 1; i < layout->key_count; i++)
            code = code * l->code_radix[i] + REG(vm, first_key + i)->codes[lane];
        uint8_t *row = l->code_rows + code * stride;
        *group_hash(row) = 1; /* touched */
        vm->groups[lane] = row;
        if (layout->first_row) {
            uint64_t *first = (uint64_t *)(void *)(row + layout->first_row);
            uint64_t  id = vm_tie(vm, lane) + 1; /* 0: none yet */
            if (!*first || id < *first)
                *first = id;
        }
    });
    return QN_OK;
}

/* The worker's table is full, or what it holds has to go to disk. */
static bool must_hand_over(const qn_vm *vm, const qn_groups *g)
{
    const group_local *l = &g->locals[vm->worker];
    if (l->table.count > g->local_rows)
        return true;
    return (l->direct || l->arena.used_bytes > LOCAL_ARENA_BYTES) && exec_over_budget(vm->exec) && groups_can_spill(vm->exec, g);
}

static qn_status spill_local(qn_vm *vm, qn_groups *g);

/* Hand the touched codes to the worker's table. */
static qn_status flush_codes(qn_vm *vm, qn_groups *g)
{
    group_local        *l = &g->locals[vm->worker];
    const group_layout *layout = &g->layout;
    qn_status           st = QN_OK;
    for (uint32_t i = 0; i < layout->key_count; i++) {
        qn_dict *d = l->code_dicts[i];
        st = is_text(layout->keys[i].type) ? dict_hashes(vm, d) : dict_decode(vm, d);
        if (st != QN_OK)
            return st;
    }
    for (uint32_t code = 0; code < l->code_count; code++) {
        uint8_t *from = l->code_rows + (size_t)code * layout->row_bytes;
        if (!*group_hash(from))
            continue;
        uint32_t rest = code;
        qn_datum shown[4];
        memset(from + layout->nulls, 0, 8);
        for (uint32_t i = layout->key_count; i-- > 0;) {
            const group_key *k = &layout->keys[i];
            qn_dict         *d = l->code_dicts[i];
            uint32_t         c = rest % l->code_radix[i];
            uint64_t         id[2] = {0, 0};
            rest /= l->code_radix[i];
            memset(&shown[i], 0, sizeof shown[i]);
            if (dict_null(d, c)) {
                from[layout->nulls + i / 8] |= (uint8_t)(1u << (i % 8));
            } else if (is_text(k->type)) {
                memcpy(id, d->hashes + c - 1, 16);
                if (d->computed) {
                    shown[i].str = ((const qn_str *)d->values)[c];
                } else {
                    qn_lazy_str lazy = {QN_STR_LAZY, d->block_index, d->column, c};
                    memcpy(&shown[i], &lazy, sizeof lazy);
                }
            } else if (k->words == 1) {
                id[0] = plain_identity((qn_bank)k->bank, d->values, c);
            } else {
                qn_bank_get((qn_bank)k->bank, d->values, c, &shown[i]);
                qn_value_identity(k->type, &shown[i], id);
            }
            memcpy(from + k->identity, id, 8u * k->words);
        }
        *group_hash(from) = hash_words(from + layout->key_begin, layout->key_end - layout->key_begin);
        bool     fresh;
        uint8_t *row = group_table_find(&l->table, from, layout->key_begin, layout->key_end, &fresh);
        if (!row)
            return qn_nomem(vm->err);
        uint64_t *first = layout->first_row ? (uint64_t *)(void *)(row + layout->first_row) : NULL;
        uint64_t  from_first = first ? *(uint64_t *)(void *)(from + layout->first_row) : 0;
        bool      earlier = first && !fresh && from_first < *first;
        if (fresh || earlier) {
            for (uint32_t i = 0; i < layout->key_count; i++) {
                const group_key *k = &layout->keys[i];
                if (!k->payload)
                    continue;
                bool lazy = k->bank == QN_BANK_STR && shown[i].str.bytes == QN_STR_LAZY;
                if (!lazy && !qn_value_copy((qn_bank)k->bank, &shown[i], &l->arena, &shown[i]))
                    return qn_nomem(vm->err);
                memcpy(row + k->payload, &shown[i], 16);
            }
        }
        if (fresh) {
            for (uint32_t a = 0; a < layout->agg_count; a++)
                memcpy(row + layout->aggs[a].offset, from + layout->aggs[a].offset, layout->aggs[a].bytes);
            if (layout->owns_memory)
                memset(from + layout->key_end, 0, layout->row_bytes - layout->key_end);
            if (first)
                *first = from_first;
        } else {
            for (uint32_t a = 0; a < layout->agg_count && st == QN_OK; a++)
                st = agg_merge(&layout->aggs[a], row, from, &l->arena, g->mem, vm->err);
            if (st != QN_OK)
                return st;
            if (earlier)
                *first = from_first;
        }
    }
    l->code_count = 0;
    l->used_codes = true;
    return must_hand_over(vm, g) ? spill_local(vm, g) : QN_OK;
}

/* ---- text extremes ----------------------------------------------------------------------------- */

typedef struct code_ref {
    uint32_t        code;
    agg_text_state *state;
} code_ref;

static int by_code(const void *a, const void *b)
{
    uint32_t x = ((const code_ref *)a)->code, y = ((const code_ref *)b)->code;
    return (x > y) - (x < y);
}

/* Codes noted for min/max over text become text, before the block (or the row) goes away. */
static qn_status resolve_refs(qn_vm *vm, qn_dict *d, code_ref *refs, uint32_t n, bool maximum, group_local *l)
{
    enum { BATCH = 2048 };
    uint32_t  codes[BATCH];
    qn_status st = QN_OK;
    qsort(refs, n, sizeof *refs, by_code);
    for (uint32_t i = 0; i < n && st == QN_OK;) {
        uint32_t      unique = 0, j = i;
        qn_arena_mark mark = qn_arena_save(&vm->block);
        while (j < n && (unique < BATCH || refs[j].code == codes[unique - 1])) {
            if (!unique || codes[unique - 1] != refs[j].code)
                codes[unique++] = refs[j].code;
            j++;
        }
        qn_str *texts = qn_arena_alloc(&vm->block, sizeof(qn_str) * unique);
        if (!texts)
            return qn_nomem(vm->err);
        if (d->values)
            for (uint32_t u = 0; u < unique; u++)
                texts[u] = ((const qn_str *)d->values)[codes[u]];
        else
            st = qn_block_gather(d->block, d->column, codes, unique, texts, &vm->block, vm->err);
        for (uint32_t k = i, u = 0; k < j && st == QN_OK; k++) {
            if (codes[u] != refs[k].code)
                u++;
            agg_text_state *s = refs[k].state;
            int             c = s->set ? qn_str_compare(&texts[u], &s->value) : 0;
            if (!s->set || (maximum ? c > 0 : c < 0)) {
                if (!qn_str_copy(&l->arena, &texts[u], &s->value))
                    return qn_nomem(vm->err);
                s->set = true;
            }
            s->code = 0;
        }
        qn_arena_rewind(&vm->block, mark);
        i = j;
    }
    return st;
}

static qn_status resolve_texts(qn_vm *vm, qn_groups *g)
{
    group_local        *l = &g->locals[vm->worker];
    const group_layout *layout = &g->layout;
    uint32_t            rows = l->code_count ? l->code_count : l->table.count;
    for (uint32_t a = 0; a < layout->agg_count; a++) {
        const agg_state *s = &layout->aggs[a];
        qn_dict         *d = l->text_dicts[a];
        if (!d)
            continue;
        l->text_dicts[a] = NULL;
        code_ref *refs = qn_alloc(g->mem, qn_mul(rows + 1, sizeof *refs));
        uint32_t  n = 0;
        if (!refs)
            return qn_nomem(vm->err);
        for (uint32_t i = 0; i < rows; i++) {
            uint8_t        *row = l->code_count ? l->code_rows + (size_t)i * layout->row_bytes : group_row(&l->table, i);
            agg_text_state *state = (agg_text_state *)(void *)(row + s->offset);
            if (state->code)
                refs[n++] = (code_ref){state->code, state};
        }
        qn_status st = resolve_refs(vm, d, refs, n, s->kind == QN_AGG_MAX, l);
        qn_free(g->mem, refs, qn_mul(rows + 1, sizeof *refs));
        if (st != QN_OK)
            return st;
    }
    return QN_OK;
}

static qn_status spill_local(qn_vm *vm, qn_groups *g)
{
    group_local *l = &g->locals[vm->worker];
    qn_status    st = g->layout.has_text_extremes && !l->code_count ? resolve_texts(vm, g) : QN_OK;
    if (st != QN_OK)
        return st;
    l->flushed = true;
    /* Fewer than one row in ten met its group: looking up costs more than it saves. */
    l->direct = !vm->weights && !g->distinct_count && !g->layout.has_text_extremes && l->asked < (uint64_t)l->table.count * 10 / 9;
    l->asked = 0;
    if (l->memo)
        memset(l->memo, 0, l->memo_count * sizeof *l->memo);
    for (uint32_t d = 0; d < g->distinct_count; d++)
        if (l->sets[d].last_count)
            memset(l->sets[d].last_group, 0, l->sets[d].last_count * sizeof *l->sets[d].last_group);
    if (groups_can_spill(vm->exec, g) && spill_instead(vm->exec, l->parts, g->layout.row_bytes)) {
        l->direct = false;
        return groups_spill_local(vm->exec, g, vm->worker, vm->err);
    }
    return table_to_parts(&l->table, l->parts, 0, vm->err);
}

qn_status groups_flush_block(qn_vm *vm, qn_groups *g)
{
    if (g->packed)
        return packed_flush_block(vm, g);
    group_local *l = &g->locals[vm->worker];
    qn_status    st = g->layout.has_text_extremes ? resolve_texts(vm, g) : QN_OK;
    if (st == QN_OK && l->code_count)
        st = flush_codes(vm, g);
    return st;
}

/* ---- finding ----------------------------------------------------------------------------------- */

/* The one group of an aggregation without keys, NULL when memory is refused. */
static uint8_t *single_row(qn_groups *g, group_local *l)
{
    bool fresh;
    if (l->table.count)
        return group_row(&l->table, 0);
    memset(l->key_row, 0, g->layout.row_bytes);
    return group_table_find(&l->table, l->key_row, g->layout.key_begin, g->layout.key_end, &fresh);
}

static qn_status find_single(qn_vm *vm, qn_groups *g)
{
    vm->single = single_row(g, &g->locals[vm->worker]);
    return vm->single ? QN_OK : qn_nomem(vm->err);
}

qn_status groups_add_count(qn_groups *g, uint32_t agg, uint64_t count, qn_error *err)
{
    uint8_t *row = single_row(g, &g->locals[0]);
    if (!row)
        return qn_nomem(err);
    agg_state state = g->layout.aggs[agg];
    int64_t  *n = (int64_t *)(void *)(row + state.offset); /* the state of a count */
    *n += (int64_t)count;
    return QN_OK;
}

static qn_status find_by_hash(qn_vm *vm, qn_groups *g, uint32_t first_key)
{
    group_local        *l = &g->locals[vm->worker];
    const group_layout *layout = &g->layout;
    uint32_t            stride = (layout->key_end + 15) & ~15u;
    uint8_t            *keys = qn_arena_alloc(&vm->batch, (size_t)stride * QN_LANES);
    if (!keys)
        return qn_nomem(vm->err);
    FOR_LANES(vm, lane, memset(keys + lane * stride + layout->nulls, 0, 8 * layout->null_words););
    for (uint32_t i = 0; i < layout->key_count; i++) {
        qn_vec   *v = REG(vm, first_key + i);
        qn_status st = groups_identities(vm, v, layout->keys[i].type, layout->keys[i].words, keys + layout->keys[i].identity, stride);
        if (st != QN_OK)
            return st;
        FOR_LANES(vm, lane, {
            if (vec_null(v, lane))
                keys[lane * stride + layout->nulls + i / 8] |= (uint8_t)(1u << (i % 8));
        });
    }
    uint32_t key_bytes = layout->key_end - layout->key_begin;
    uint8_t *before = NULL; /* the lane before: neighbours often share their group */
    FOR_LANES(vm, lane, {
        uint8_t *key = keys + lane * stride;
        if (before && !memcmp(before + layout->key_begin, key + layout->key_begin, key_bytes)) {
            *group_hash(key) = *group_hash(before);
            continue;
        }
        before = key;
        *group_hash(key) = hash_words(key + layout->key_begin, key_bytes);
        if (l->table.heads)
            __builtin_prefetch(&l->table.heads[(uint32_t)*group_hash(key) & l->table.mask]);
    });
    l->asked += vm_selected(vm);
    before = NULL;
    uint8_t *row = NULL;
    FOR_LANES(vm, lane, {
        bool     fresh = true;
        uint8_t *key = keys + lane * stride;
        if (before && *group_hash(before) == *group_hash(key) &&
            !memcmp(before + layout->key_begin, key + layout->key_begin, key_bytes)) {
            fresh = false; /* row stays */
        } else if (l->direct) {
            row = buffer_append(&l->parts[group_partition(*group_hash(key))], g->mem, layout->row_bytes);
            if (row) {
                memcpy(row, key, layout->key_end);
                memset(row + layout->key_end, 0, layout->row_bytes - layout->key_end);
            }
        } else {
            row = group_table_find(&l->table, key, layout->key_begin, layout->key_end, &fresh);
        }
        if (!row)
            return qn_nomem(vm->err);
        before = key;
        vm->groups[lane] = row;
        if (fresh) {
            qn_status st = fill_payloads(vm, g, first_key, lane, row, false);
            if (st != QN_OK)
                return st;
        }
        if (layout->first_row) {
            uint64_t *first = (uint64_t *)(void *)(row + layout->first_row);
            uint64_t  id = vm_tie(vm, lane) + 1;
            if (!*first || id < *first) {
                if (!fresh) {
                    qn_status st = fill_payloads(vm, g, first_key, lane, row, true);
                    if (st != QN_OK)
                        return st;
                }
                *first = id;
            }
        }
    });
    l->used_hash = true;
    return QN_OK;
}

/* Groups by code, each code looked up once per block. */
static qn_status find_by_memo(qn_vm *vm, qn_groups *g, uint32_t first_key)
{
    group_local    *l = &g->locals[vm->worker];
    uint32_t       *codes = qn_arena_alloc(&vm->batch, QN_LANES * sizeof *codes);
    uint16_t       *missing = qn_arena_alloc(&vm->batch, QN_LANES * sizeof *missing);
    uint32_t        n = 0;
    const uint32_t *c0 = REG(vm, first_key)->codes;
    static uint8_t  pending;
    if (!codes || !missing)
        return qn_nomem(vm->err);
    FOR_LANES(vm, lane, {
        uint32_t code = c0[lane];
        for (uint32_t i = 1; i < g->layout.key_count; i++)
            code = code * l->code_radix[i] + REG(vm, first_key + i)->codes[lane];
        codes[lane] = code;
        if (!l->memo[code]) {
            l->memo[code] = &pending;
            missing[n++] = (uint16_t)lane;
        }
    });
    if (n) {
        selection_begin(vm, missing, n);
        qn_status st = find_by_hash(vm, g, first_key);
        for (uint32_t i = 0; i < n && st == QN_OK; i++)
            l->memo[codes[missing[i]]] = vm->groups[missing[i]];
        selection_end(vm);
        if (st != QN_OK)
            return st;
    }
    FOR_LANES(vm, lane, vm->groups[lane] = l->memo[codes[lane]];);
    return QN_OK;
}

/* Whether the keys are still what decide_block() saw: a condition that only some batches evaluate may have made a
 * column flat before it came to be a key. */
static bool keys_are_codes(const qn_vm *vm, const qn_groups *g, uint32_t first_key)
{
    const group_local *l = &g->locals[vm->worker];
    for (uint32_t i = 0; i < g->layout.key_count; i++) {
        const qn_vec *v = REG(vm, first_key + i);
        if (v->form != QN_FORM_CODES || v->dict != l->code_dicts[i])
            return false;
    }
    return true;
}

qn_status groups_find(qn_vm *vm, qn_groups *g, uint32_t first_key, uint32_t count)
{
    group_local *l = &g->locals[vm->worker];
    QN_ASSERT(count == g->layout.key_count);
    vm->single = NULL;
    if (!vm_selected(vm))
        return QN_OK;
    for (uint32_t i = 0; i < count; i++) {
        qn_status st = vec_ready(vm, REG(vm, first_key + i));
        if (st != QN_OK)
            return st;
    }
    if (!l->block_decided || !vm->scan.block) { /* without keys too: DISTINCT sets start afresh */
        qn_status st = decide_block(vm, g, first_key);
        if (st != QN_OK)
            return st;
    }
    if (!count)
        return find_single(vm, g);
    if (l->code_count) {
        if (keys_are_codes(vm, g, first_key))
            return find_by_code(vm, g, first_key);
        qn_status st = groups_flush_block(vm, g); /* by hash for the rest of the block */
        if (st != QN_OK)
            return st;
    }
    if (must_hand_over(vm, g)) {
        qn_status st = spill_local(vm, g);
        if (st != QN_OK)
            return st;
    }
    if (l->memo && !g->layout.first_row && keys_are_codes(vm, g, first_key))
        return find_by_memo(vm, g, first_key);
    return find_by_hash(vm, g, first_key);
}

void groups_begin_block(qn_groups *g, int worker)
{
    g->locals[worker].block_decided = false;
    if (g->packed)
        packed_begin_block(g, worker);
}

qn_status groups_fold(qn_vm *vm, qn_groups *g, uint32_t first)
{
    if (g->packed)
        return packed_fold(vm, g, first);
    qn_status st = groups_find(vm, g, first, g->layout.key_count);
    for (uint32_t i = 0; i < g->layout.agg_count && st == QN_OK && vm_selected(vm); i++) {
        const agg_state *a = &g->layout.aggs[i];
        qn_vec          *v = a->call->argc ? REG(vm, first + g->layout.key_count + i) : NULL;
        st = a->distinct ? groups_distinct(vm, g, i, v) : agg_update(vm, a, v, NULL);
        if (st == QN_ERROR && a->call->location >= 0)
            qn_error_locate(vm->err, a->call->location);
    }
    return st;
}

/* Lanes whose (group, value code) pair is not the last one seen for that code in this block; where a value
 * nearly always comes with the same group, this removes nearly all duplicates for one array access. */
static qn_status fresh_pairs(qn_vm *vm, distinct_set *set, const qn_vec *v, uint16_t *lanes, uint32_t *n)
{
    if (!set->last_count) {
        set->last_count = v->dict->count + 1;
        set->last_dict = v->dict;
        set->last_group = qn_arena_alloc0(&vm->block, set->last_count * sizeof *set->last_group);
        if (!set->last_group) {
            set->last_count = 0;
            return qn_nomem(vm->err);
        }
    }
    FOR_LANES(vm, lane, {
        uint32_t code = v->codes[lane];
        uint8_t *group = vm->single ? vm->single : vm->groups[lane];
        if (set->last_group[code] != group) {
            set->last_group[code] = group;
            lanes[(*n)++] = (uint16_t)lane;
        }
    });
    return QN_OK;
}

/* Of equal values that differ in form (1.0 and 1.00, '1 mon' and '30 days') a DISTINCT set keeps one, the same
 * whatever comes first: PostgreSQL leaves open which. */
static bool better_form(qn_bank bank, const qn_datum *x, const qn_datum *y)
{
    switch (bank) {
    case QN_BANK_NUM:
        return qn_numeric_scale(x->num) > qn_numeric_scale(y->num);
    case QN_BANK_INTERVAL:
        return x->interval.months != y->interval.months ? x->interval.months > y->interval.months
                                                        : x->interval.days > y->interval.days;
    case QN_BANK_F32:
        return signbit(y->f32) && !signbit(x->f32);
    case QN_BANK_F64:
        return signbit(y->f64) && !signbit(x->f64);
    default:
        return false;
    }
}

/* Note (group, value) of the selected lanes. */
static qn_status note_pairs(qn_vm *vm, qn_groups *g, const distinct_layout *layout, distinct_set *set, qn_vec *v)
{
    group_local     *l = &g->locals[vm->worker];
    const agg_state *a = &g->layout.aggs[layout->agg];
    uint32_t         stride = (layout->compare_end + 15) & ~15u;
    uint32_t         key_bytes = layout->key_end - layout->key_begin;
    uint32_t         part_hash = g->layout.key_count ? layout->group_hash : 0;
    uint8_t         *rows = qn_arena_alloc(&vm->batch, (size_t)stride * QN_LANES);
    if (!rows)
        return qn_nomem(vm->err);
    if (set->direct && exec_over_budget(vm->exec) && vm->exec->spill.vfs) {
        qn_status st = groups_spill_set(vm->exec, g, vm->worker, (uint32_t)(layout - g->distinct), vm->err);
        if (st != QN_OK)
            return st;
        set->direct = false;
    }
    if (set->table.count > 2 * g->local_rows) {
        /* a group's values must meet in its partition; without keys the values themselves are spread */
        set->direct = set->asked < (uint64_t)set->table.count * 10 / 9;
        set->asked = 0;
        bool      disk = groups_set_to_disk(vm->exec, g, layout, set);
        qn_status st = disk ? groups_spill_set(vm->exec, g, vm->worker, (uint32_t)(layout - g->distinct), vm->err)
                            : table_to_parts(&set->table, set->parts, part_hash, vm->err);
        if (st != QN_OK)
            return st;
        set->direct = set->direct && !disk;
        set->flushed = true;
    }
    qn_status st = groups_identities(vm, v, a->arg_type, layout->value_words, rows + layout->value, stride);
    if (st == QN_OK && layout->payload)
        st = vec_flat(vm, v);
    if (st != QN_OK)
        return st;
    /* the values of a dictionary differ: nothing to look for within the block */
    bool direct = set->direct || (vm->scan.in_values && v->sequence && vm->single);
    FOR_LANES(vm, lane, {
        uint8_t       *row = rows + lane * stride;
        const uint8_t *group = vm->single ? vm->single : vm->groups[lane];
        memcpy(row + layout->group_hash, group, 8);
        memcpy(row + layout->key_begin, group + g->layout.key_begin, key_bytes);
        *group_hash(row) = hash_words(row + layout->group_hash, layout->compare_end - layout->group_hash);
        if (!direct && set->table.heads)
            __builtin_prefetch(&set->table.heads[(uint32_t)*group_hash(row) & set->table.mask]);
    });
    set->asked += vm_selected(vm);
    FOR_LANES(vm, lane, {
        bool           fresh = true;
        uint8_t       *row;
        const uint8_t *key = rows + lane * stride;
        if (vec_null(v, lane))
            continue;
        if (direct) {
            row = buffer_append(&set->parts[group_partition(*(const uint64_t *)(const void *)(key + part_hash))], g->mem, layout->row_bytes);
            if (row)
                memcpy(row, key, layout->compare_end);
        } else {
            row = group_table_find(&set->table, key, layout->group_hash, layout->compare_end, &fresh);
        }
        if (!row)
            return qn_nomem(vm->err);
        if (layout->payload) {
            qn_datum value;
            qn_datum old;
            vec_get(v, lane, &value);
            memcpy(&old, row + layout->payload, 16);
            if (!fresh && !better_form((qn_bank)a->arg_bank, &value, &old))
                continue;
            if (!qn_value_copy((qn_bank)a->arg_bank, &value, &l->arena, &value))
                return qn_nomem(vm->err);
            memcpy(row + layout->payload, &value, 16);
        }
    });
    return QN_OK;
}

qn_status groups_distinct(qn_vm *vm, qn_groups *g, uint32_t agg, qn_vec *v)
{
    uint32_t  d = 0, n = 0;
    uint16_t *lanes;
    while (d < g->distinct_count && g->distinct[d].agg != agg)
        d++;
    QN_CHECK(d < g->distinct_count);
    distinct_set *set = &g->locals[vm->worker].sets[d];
    qn_status     st = vec_ready(vm, v);
    if (st != QN_OK)
        return st;
    if (v->form != QN_FORM_CODES || !vm->scan.block || vm->scan.in_values ||
        (set->last_count && set->last_dict != v->dict))
        return note_pairs(vm, g, &g->distinct[d], set, v);
    lanes = qn_arena_alloc(&vm->batch, QN_LANES * sizeof *lanes);
    if (!lanes)
        return qn_nomem(vm->err);
    st = fresh_pairs(vm, set, v, lanes, &n);
    if (st != QN_OK || !n)
        return st;
    selection_begin(vm, lanes, n);
    st = note_pairs(vm, g, &g->distinct[d], set, v);
    selection_end(vm);
    return st;
}

/* ---- merging ----------------------------------------------------------------------------------- */

qn_status groups_merge_row(qn_groups *g, group_table *t, uint8_t *from, qn_arena *arena, qn_error *err)
{
    const group_layout *l = &g->layout;
    bool                fresh;
    uint8_t            *row = group_table_find(t, from, l->key_begin, l->key_end, &fresh);
    if (!row)
        return qn_nomem(err);
    if (fresh) {
        memcpy(row + l->key_end, from + l->key_end, l->row_bytes - l->key_end);
        if (l->owns_memory) /* it moved */
            memset(from + l->key_end, 0, l->row_bytes - l->key_end);
        return QN_OK;
    }
    for (uint32_t a = 0; a < l->agg_count; a++) {
        qn_status st = agg_merge(&l->aggs[a], row, from, arena, g->mem, err);
        if (st != QN_OK)
            return st;
    }
    if (l->first_row) {
        uint64_t *mine = (uint64_t *)(void *)(row + l->first_row);
        uint64_t  theirs = *(const uint64_t *)(const void *)(from + l->first_row);
        if (theirs < *mine) {
            *mine = theirs;
            for (uint32_t i = 0; i < l->key_count; i++)
                if (l->keys[i].payload)
                    memcpy(row + l->keys[i].payload, from + l->keys[i].payload, 16);
        }
    }
    return QN_OK;
}

static qn_status merge_buffer(qn_groups *g, group_table *t, row_buffer *b, qn_arena *arena, qn_error *err)
{
    for (uint64_t i = 0; i < b->count; i++) {
        qn_status st = groups_merge_row(g, t, buffer_row(b, i, g->layout.row_bytes), arena, err);
        if (st != QN_OK)
            return st;
    }
    return QN_OK;
}

/* One pair into the unique ones of its partition. */
static qn_status unique_pair(const qn_groups *g, uint32_t d, group_table *unique, const uint8_t *from, qn_error *err)
{
    const distinct_layout *layout = &g->distinct[d];
    bool                   fresh;
    uint8_t               *row = group_table_find(unique, from, layout->group_hash, layout->compare_end, &fresh);
    if (!row)
        return qn_nomem(err);
    if (layout->payload) {
        qn_datum value, old;
        memcpy(&value, from + layout->payload, 16);
        memcpy(&old, row + layout->payload, 16);
        if (fresh || better_form((qn_bank)g->layout.aggs[layout->agg].arg_bank, &value, &old))
            memcpy(row + layout->payload, &value, 16);
    }
    return QN_OK;
}

/* Those in memory and on disk whose hash bits are this pass's. */
static qn_status unique_pairs(qn_groups *g, uint32_t d, uint32_t part, const spill_pass *pass, group_table *unique, qn_arena *arena,
                              qn_error *err)
{
    const distinct_layout *layout = &g->distinct[d];
    qn_status              st = QN_OK;
    for (int w = 0; w < g->workers && st == QN_OK; w++) {
        row_buffer *b = &g->locals[w].sets[d].parts[part];
        for (uint64_t i = 0; i < b->count && st == QN_OK; i++) {
            uint8_t *from = buffer_row(b, i, layout->row_bytes);
            if (spill_pass_wants(pass, *group_hash(from)))
                st = unique_pair(g, d, unique, from, err);
        }
        if (pass->number + 1 == pass->count)
            buffer_free(b, g->mem, layout->row_bytes);
    }
    for (int w = 0; w < g->workers && st == QN_OK; w++)
        if (g->locals[w].sets[d].chains)
            st = groups_read_pairs(g, d, &g->locals[w].sets[d].chains[part], pass, unique, arena, unique_pair, err);
    return st;
}

/* Unique (group, value) pairs of one partition, folded into their groups, which are in `groups`, or with those keys
 * that the pass over groups has. */
qn_status groups_fold_distinct(qn_groups *g, uint32_t d, uint32_t part, group_table *groups, const spill_pass *of_groups, qn_arena *arena,
                               qn_error *err)
{
    const distinct_layout *layout = &g->distinct[d];
    const agg_state       *a = &g->layout.aggs[layout->agg];
    spill_pass             pass = {0, groups_pair_passes(g, d, part, of_groups->count), layout->group_hash, of_groups};
    qn_status              st = QN_OK;
    uint8_t               *partial = qn_alloc0(g->mem, g->layout.row_bytes);
    if (!partial)
        return qn_nomem(err);
    for (; pass.number < pass.count && st == QN_OK; pass.number++) {
        group_table unique;
        qn_arena    texts;
        group_table_init(&unique, g->mem, layout->row_bytes);
        qn_arena_init(&texts, g->mem);
        st = unique_pairs(g, d, part, &pass, &unique, &texts, err);
        for (uint32_t i = 0; i < unique.count && st == QN_OK; i++) {
            const uint8_t *row = group_row(&unique, i);
            uint8_t       *group = partial;
            if (g->layout.key_count)
                group = group_table_lookup(groups, *(const uint64_t *)(const void *)(row + layout->group_hash),
                                           row + layout->key_begin, g->layout.key_begin, g->layout.key_end);
            QN_CHECK(group);
            qn_datum value = {.words = {0, 0}};
            if (layout->payload)
                memcpy(&value, row + layout->payload, 16);
            st = agg_update_one(a, group, &value, arena, g->mem, err);
        }
        qn_arena_deinit(&texts);
        group_table_deinit(&unique);
    }
    if (st == QN_OK && !g->layout.key_count) {
        qn_latch_take(&g->latch);
        st = agg_merge(a, group_row(&g->parts[0], 0), partial, arena, g->mem, err);
        qn_latch_drop(&g->latch);
    }
    groups_release_row(g, partial);
    qn_free(g->mem, partial, g->layout.row_bytes);
    return st;
}

static qn_status merge_part(void *arg, int worker, uint64_t part, qn_error *err)
{
    qn_groups   *g = arg;
    group_local *mine = &g->locals[worker];
    qn_status    st = QN_OK;
    if (part < g->part_count && g->part_count > 1)
        for (int w = 0; w < g->workers && st == QN_OK; w++) {
            row_buffer *b = &g->locals[w].parts[part];
            st = merge_buffer(g, &g->parts[part], b, &mine->arena, err);
            if (st == QN_OK)
                buffer_free(b, g->mem, g->layout.row_bytes);
        }
    for (uint32_t d = 0; d < g->distinct_count && st == QN_OK; d++)
        st = groups_fold_distinct(g, d, (uint32_t)part, &g->parts[part], &spill_one_pass, &mine->arena, err);
    return st;
}

/* Few groups: one table, merged by the caller. */
static qn_status merge_small(qn_groups *g, qn_error *err)
{
    int first = -1;
    for (int w = 0; w < g->workers; w++) {
        group_local *l = &g->locals[w];
        if (!l->table.count)
            continue;
        if (first < 0) { /* the first worker's table becomes the result as it is */
            group_table t = g->parts[0];
            g->parts[0] = l->table;
            l->table = t;
            first = w;
            continue;
        }
        for (uint32_t i = 0; i < l->table.count; i++) {
            qn_status st = groups_merge_row(g, &g->parts[0], group_row(&l->table, i), &g->locals[0].arena, err);
            if (st != QN_OK)
                return st;
        }
    }
    return QN_OK;
}

qn_status groups_merge(qn_exec *exec, qn_groups *g, qn_error *err)
{
    qn_status st = QN_OK;
    uint64_t  total = 0;
    if (g->packed) {
        bool rows, by_codes = packed_used_codes(g->packed, &rows);
        if (g->mode == QN_GROUP_THRESHOLD && !g->thresholded)
            g->mode = rows || by_codes ? QN_GROUP_PARTITION : QN_GROUP_VALUE_LIST;
        if (g->mode == QN_GROUP_PARTITION || g->mode == QN_GROUP_CODE_ARRAY)
            g->mode = by_codes && !rows ? QN_GROUP_CODE_ARRAY : QN_GROUP_PARTITION;
        return packed_merge(exec, g, err);
    }
    bool      flushed = false, codes = false, hash = false;
    for (int w = 0; w < g->workers; w++) {
        total += g->locals[w].table.count;
        flushed = flushed || g->locals[w].flushed;
        codes = codes || g->locals[w].used_codes;
        hash = hash || g->locals[w].used_hash;
    }
    if (g->mode == QN_GROUP_HASH || g->mode == QN_GROUP_CODE_ARRAY || g->mode == QN_GROUP_PARTITION)
        g->mode = codes && !hash ? QN_GROUP_CODE_ARRAY : hash || g->mode == QN_GROUP_PARTITION ? QN_GROUP_HASH : g->mode;
    if (atomic_load_explicit(&g->spilled, memory_order_relaxed))
        return groups_spill_finish(exec, g, err);
    bool keyed_distinct = g->distinct_count && g->layout.key_count;
    g->part_count = flushed || total > 8192 || keyed_distinct ? GROUP_PARTITIONS : 1;
    for (int w = 0; w < g->workers && st == QN_OK; w++) {
        group_local *l = &g->locals[w];
        if (g->part_count > 1)
            st = table_to_parts(&l->table, l->parts, 0, err);
        for (uint32_t d = 0; d < g->distinct_count && st == QN_OK; d++)
            st = l->sets[d].chains ? groups_spill_set(exec, g, w, d, err)
                                   : table_to_parts(&l->sets[d].table, l->sets[d].parts, g->layout.key_count ? g->distinct[d].group_hash : 0, err);
    }
    if (st == QN_OK && g->part_count == 1)
        st = merge_small(g, err);
    if (st == QN_OK && !g->layout.key_count && !g->parts[0].count) { /* no rows: still one group */
        bool fresh;
        memset(g->locals[0].key_row, 0, g->layout.row_bytes);
        if (!group_table_find(&g->parts[0], g->locals[0].key_row, g->layout.key_begin, g->layout.key_end, &fresh))
            st = qn_nomem(err);
    }
    if (st == QN_OK && (g->part_count > 1 || g->distinct_count)) {
        qn_job job = {.count = GROUP_PARTITIONS, .max_workers = exec->workers, .run = merge_part, .arg = g,
                      .cancel = exec->settings.cancel};
        st = qn_sched_run(exec->sched, &job, err);
    }
    for (int w = 0; w < g->workers; w++)
        local_free_rows(g, &g->locals[w]);
    for (uint32_t p = 0; p < GROUP_PARTITIONS; p++)
        g->total += g->parts[p].count;
    return st;
}
