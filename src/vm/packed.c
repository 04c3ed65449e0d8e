/* Grouping by packed keys: code arrays, write-combined hash partitions, DISTINCT pairs.
 *
 * Keys become a few words and accumulators fields that add up (packed_layout.c), so a group is a tuple of 16 to 64
 * bytes and meeting it again is an addition.
 *
 *   1. In a block the keys come as codes.  Where their product is small against the block's rows, accumulators are
 *      indexed by it (code array) and become tuples at the block's end.  Otherwise each row becomes a tuple at once:
 *      its key words are looked up by code in a table made once per block, text as a small number that all blocks
 *      share (id_map.h).  A cache of 2048 tuples in front folds keys that come again soon; it steps aside where they
 *      do not.  Tuples are scattered into partitions by hash.
 *   2. count(DISTINCT x): a row's (group, x) is kept unless x was last seen in this block with the same group, which one
 *      array access tells; pairs are partitioned and folded likewise, and each that is left adds one to its group.
 *   3. A partition is folded when the pipeline that reads groups comes to it, in the reader's own memory, which the
 *      next partition uses again.  With ORDER BY count DESC LIMIT k the k-th largest count so far lets the others be
 *      dropped before anything is computed of them.
 *
 * Not here: floats, numerics, text extremes, expressions of text; groups.c has them. */
#include "vm/packed_int.h"

#include <stdlib.h>
#include "base/assert.h"

#define CODE_ARRAY_MAX (1u << 19)
#define CODE_ARRAY_BYTES (16u << 20)
#define CACHE_TRIAL 16384u    /* tuples after which the cache is judged */
#define CACHE_HOLIDAY 131072u /* and how many pass it by when fewer than one in eight met its like */

/* ---- making and freeing ------------------------------------------------------------------------- */

static bool cache_init(tuple_cache *c, qn_mem *mem, uint32_t words)
{
    memset(c, 0, sizeof *c);
    c->tuples = qn_alloc(mem, sizeof(uint64_t) * words * PACKED_CACHE);
    c->used = qn_alloc0(mem, PACKED_CACHE);
    c->hashes = qn_alloc(mem, PACKED_CACHE * sizeof *c->hashes);
    return c->tuples && c->used && c->hashes;
}

static void cache_deinit(tuple_cache *c, qn_mem *mem, uint32_t words)
{
    if (c->tuples)
        qn_free(mem, c->tuples, sizeof(uint64_t) * words * PACKED_CACHE);
    if (c->used)
        qn_free(mem, c->used, PACKED_CACHE);
    if (c->hashes)
        qn_free(mem, c->hashes, PACKED_CACHE * sizeof *c->hashes);
}

/* Partitions so that one partition's tuples fit half a second-level cache, give or take. */
static uint32_t partition_bits(uint64_t rows)
{
    uint32_t bits = 0;
    while (bits < 10 && rows >> bits > 16384)
        bits++;
    return bits;
}

static qn_status local_init(qn_exec *exec, qn_packed *p, packed_local *l, qn_error *err)
{
    qn_arena *arena = &exec->arena;
    qn_arena_init(&l->arena, p->mem);
    l->pairs = qn_arena_array(arena, tuple_parts, p->distinct_count + 1);
    l->pair_caches = qn_arena_array(arena, tuple_cache, p->distinct_count + 1);
    l->pair_chains = qn_arena_array(arena, spill_chain *, p->distinct_count + 1);
    l->last = qn_arena_array(arena, uint32_t *, p->distinct_count + 1);
    l->last_dicts = qn_arena_array(arena, const qn_dict *, p->distinct_count + 1);
    l->index = qn_arena_array(arena, uint32_t, QN_LANES);
    l->all = qn_arena_array(arena, uint16_t, QN_LANES);
    l->fresh = qn_arena_array(arena, uint16_t, QN_LANES);
    l->hashes = qn_arena_array(arena, uint64_t, QN_LANES);
    l->integers = qn_arena_array(arena, int64_t, QN_LANES);
    l->null = qn_arena_array(arena, uint8_t, QN_LANES);
    l->best = qn_arena_array(arena, uint64_t, BEST_MAX);
    if (!l->pairs || !l->pair_chains || !l->pair_caches || !l->last || !l->last_dicts || !l->index || !l->all || !l->fresh || !l->hashes || !l->integers || !l->null || !l->best)
        return qn_nomem(err);
    for (uint32_t i = 0; i < QN_LANES; i++)
        l->all[i] = (uint16_t)i;
    uint32_t words = p->words;
    for (uint32_t d = 0; d < p->distinct_count; d++)
        words = p->distinct[d].words > words ? p->distinct[d].words : words;
    for (uint32_t w = 0; w < words; w++)
        if (!(l->lanes[w] = qn_arena_array(arena, uint64_t, QN_LANES)))
            return qn_nomem(err);
    return QN_OK;
}

/* Partitions and caches of a worker, once their number is settled. */
qn_status packed_local_parts(qn_packed *p, packed_local *l, qn_error *err)
{
    if (l->parts.parts)
        return QN_OK;
    if (!cache_init(&l->cache, p->mem, p->words))
        return qn_nomem(err);
    for (uint32_t d = 0; d < p->distinct_count; d++)
        if (!tuple_parts_init(&l->pairs[d], p->mem, p->distinct[d].words, p->bits) ||
            !cache_init(&l->pair_caches[d], p->mem, p->distinct[d].words))
            return qn_nomem(err);
    return tuple_parts_init(&l->parts, p->mem, p->words, p->bits) ? QN_OK : qn_nomem(err);
}

qn_status packed_new(qn_exec *exec, qn_groups *g, const pipeline_state *pl, qn_packed **out, qn_error *err)
{
    qn_packed *p = qn_arena_new(&exec->arena, qn_packed);
    bool       fits;
    *out = NULL;
    if (!p)
        return qn_nomem(err);
    p->mem = &exec->mem;
    qn_latch_init(&p->prepare_latch);
    p->workers = exec->workers;
    qn_status st = packed_layout(exec, g, pl, p, &fits, err);
    if (st == QN_OK && fits) {
        p->locals = qn_arena_array(&exec->arena, packed_local, (size_t)p->workers);
        if (!p->locals)
            st = qn_nomem(err);
        for (int w = 0; w < p->workers && st == QN_OK; w++)
            st = local_init(exec, p, &p->locals[w], err);
    }
    if (st != QN_OK || !fits) {
        packed_free(p);
        return st;
    }
    *out = p;
    return QN_OK;
}

void packed_free(qn_packed *p)
{
    if (!p)
        return;
    packed_fixed_free(p->fixed);
    qn_latch_deinit(&p->prepare_latch);
    for (uint32_t i = 0; i < p->map_count; i++)
        id_map_deinit(&p->maps[i]);
    for (int w = 0; p->locals && w < p->workers; w++) {
        packed_local *l = &p->locals[w];
        if (!l->arena.mem)
            continue;
        packed_chains_free(p, l);
        tuple_parts_deinit(&l->parts);
        cache_deinit(&l->cache, p->mem, p->words);
        for (uint32_t d = 0; l->pairs && l->pair_caches && d < p->distinct_count; d++) {
            tuple_parts_deinit(&l->pairs[d]);
            cache_deinit(&l->pair_caches[d], p->mem, p->distinct[d].words);
        }
        if (l->states)
            qn_free(p->mem, l->states, l->states_bytes);
        if (l->tuples)
            qn_free(p->mem, l->tuples, l->tuples_room * sizeof *l->tuples);
        if (l->heads)
            qn_free(p->mem, l->heads, l->heads_room * sizeof *l->heads);
        qn_arena_deinit(&l->arena);
    }
}

/* ---- the cache -------------------------------------------------------------------------------------- */

/* Inlined with constant word counts where that pays. */
static inline __attribute__((always_inline)) bool insert(tuple_cache *cache, tuple_parts *parts, uint32_t keys, uint32_t adds,
                                                         uint32_t words, const uint64_t *tuple, uint64_t hash)
{
    if (cache->bypass) {
        cache->bypass--;
        uint64_t *to = tuple_append(parts, hash);
        if (!to)
            return false;
        for (uint32_t i = 0; i < words; i++)
            to[i] = tuple[i];
        return true;
    }
    uint32_t  at = (uint32_t)hash & (PACKED_CACHE - 1);
    uint64_t *slot = cache->tuples + (size_t)at * words;
    if (cache->used[at]) {
        uint64_t difference = 0;
        for (uint32_t i = 0; i < keys; i++)
            difference |= slot[i] ^ tuple[i];
        if (!difference) {
            uint32_t i = keys;
            for (; i < keys + adds; i++)
                slot[i] += tuple[i];
            for (; i < words; i++)
                slot[i] = tuple[i] > slot[i] ? tuple[i] : slot[i];
            cache->met++;
            return true;
        }
        uint64_t *to = tuple_append(parts, cache->hashes[at]);
        if (!to)
            return false;
        for (uint32_t i = 0; i < words; i++)
            to[i] = slot[i];
    }
    cache->used[at] = 1;
    cache->hashes[at] = hash;
    for (uint32_t i = 0; i < words; i++)
        slot[i] = tuple[i];
    if (++cache->asked == CACHE_TRIAL) {
        if (cache->met < CACHE_TRIAL / 8)
            cache->bypass = CACHE_HOLIDAY;
        cache->asked = cache->met = 0;
    }
    return true;
}

bool packed_insert(tuple_cache *cache, tuple_parts *parts, const tuple_shape *shape, const uint64_t *tuple)
{
    return insert(cache, parts, shape->keys, shape->adds, tuple_words(shape), tuple, tuple_hash(tuple, shape->keys));
}

bool packed_cache_flush(tuple_cache *cache, tuple_parts *parts, const tuple_shape *shape)
{
    uint32_t words = tuple_words(shape);
    for (uint32_t at = 0; at < PACKED_CACHE; at++) {
        if (!cache->used[at])
            continue;
        const uint64_t *slot = cache->tuples + (size_t)at * words;
        uint64_t       *to = tuple_append(parts, cache->hashes[at]);
        if (!to)
            return false;
        memcpy(to, slot, words * sizeof *to);
        cache->used[at] = 0;
    }
    return true;
}

/* ---- key words ------------------------------------------------------------------------------------- */

/* A table holds key fields by code, not shifted yet, with NULL's bit above the value: 32 bits each where that is
 * enough, since the cache it sits in is small. */
#define UNKNOWN UINT32_MAX /* in a table of ids: not met yet; ids and their NULL bit have 31 bits */
#define PENDING (UINT32_MAX - 1)

static bool is_narrow(const packed_key *k)
{
    bool adjacent = !k->null.bits || (k->null.word == k->value.word && k->null.shift == k->value.shift + k->value.bits);
    return adjacent && k->value.bits + k->null.bits <= 31;
}

static uint64_t null_bits(const packed_key *k) { return k->null.bits ? 1ull << k->null.shift : 0; }

/* The number of one value; *show: what it is displayed as when its number is new, copied if need be. */
static qn_status value_id(qn_vm *vm, qn_packed *p, const packed_key *k, qn_hash128 identity, const qn_datum *show, uint64_t *id)
{
    packed_local *l = &p->locals[vm->worker];
    id_map       *m = &p->maps[k->map];
    bool          fresh;
    uint32_t      n = id_map_find(m, identity, &fresh);
    if (n == ID_NONE)
        return qn_nomem(vm->err);
    if (fresh) {
        qn_datum d = *show;
        bool     lazy = k->bank == QN_BANK_STR && d.str.bytes == QN_STR_LAZY;
        if (!lazy && !qn_value_copy((qn_bank)k->bank, &d, &l->arena, &d))
            return qn_nomem(vm->err);
        *id_map_shown(m, n) = d;
    }
    *id = n;
    return QN_OK;
}

static bool is_text(const packed_key *k) { return k->bank == QN_BANK_STR; }

/* Of a computed dictionary: its values are there; neighbours are often equal. */
static qn_status computed_ids(qn_vm *vm, qn_packed *p, const packed_key *k, qn_dict *d, const uint32_t *codes, uint32_t n, uint64_t *ids)
{
    qn_hash128 last = {0, 0};
    qn_status  st = is_text(k) ? dict_hashes(vm, d) : QN_OK;
    for (uint32_t i = 0; i < n && st == QN_OK; i++) {
        qn_datum   v;
        qn_hash128 identity;
        qn_bank_get((qn_bank)k->bank, d->values, codes[i], &v);
        if (is_text(k)) {
            identity = *(d->hashes + codes[i] - 1); /* code 0 too, where NULL became a value: it is before the first */
        } else {
            uint64_t two[2];
            qn_value_identity((qn_sql_type)k->type, &v, two);
            identity = packed_spread((qn_hash128){two[0], two[1]});
        }
        if (i && identity.lo == last.lo && identity.hi == last.hi)
            ids[i] = ids[i - 1];
        else
            st = value_id(vm, p, k, identity, &v, &ids[i]);
        last = identity;
    }
    return st;
}

/* Ids of many codes, none of them NULL.  Text of a block is looked up by the identities stored there: each lookup
 * misses the cache twice, so several are on their way at once. */
static qn_status code_ids(qn_vm *vm, qn_packed *p, const packed_key *k, qn_dict *d, const uint32_t *codes, uint32_t n, uint64_t *ids)
{
    enum { FAR = 24, NEAR = 12 };
    const id_map *m = &p->maps[k->map];
    if (d->computed)
        return computed_ids(vm, p, k, d, codes, n, ids);
    qn_status st = dict_hashes(vm, d);
    qn_block_touch((uint64_t)n * sizeof *d->hashes);
    for (uint32_t i = 0; i < n + FAR && st == QN_OK; i++) {
        if (i < n)
            id_map_prefetch(m, d->hashes[codes[i] - 1]);
        if (i >= NEAR && i - NEAR < n)
            id_map_prefetch_more(m, d->hashes[codes[i - NEAR] - 1]);
        if (i >= FAR) {
            uint32_t    code = codes[i - FAR];
            qn_lazy_str lazy = {QN_STR_LAZY, d->block_index, d->column, code};
            qn_datum    show;
            memcpy(&show, &lazy, sizeof lazy);
            st = value_id(vm, p, k, d->hashes[code - 1], &show, &ids[i - FAR]);
        }
    }
    return st;
}

static int64_t integer_at(qn_bank bank, const void *data, size_t i)
{
    switch (bank) {
    case QN_BANK_BOOL: return ((const uint8_t *)data)[i] != 0;
    case QN_BANK_I16: return ((const int16_t *)data)[i];
    case QN_BANK_I32: return ((const int32_t *)data)[i];
    default: return ((const int64_t *)data)[i];
    }
}

static uint32_t narrow_null(const packed_key *k) { return k->null.bits ? 1u << k->value.bits : 0; }

static qn_status computed_table(qn_vm *vm, qn_packed *p, const packed_key *k, qn_dict *d, uint32_t *table)
{
    uint32_t  codes[256];
    uint64_t  ids[256];
    qn_status st = QN_OK;
    for (uint32_t code = 0; code <= d->count && st == QN_OK;) {
        uint32_t n = 0;
        for (; code <= d->count && n < 256; code++)
            if (dict_null(d, code))
                table[code] = narrow_null(k);
            else
                codes[n++] = code;
        st = code_ids(vm, p, k, d, codes, n, ids);
        for (uint32_t i = 0; i < n && st == QN_OK; i++)
            table[codes[i]] = (uint32_t)ids[i];
    }
    return st;
}

/* An integer as its key field.  The mask does nothing as long as values keep to their bounds; it keeps other fields, ids
 * above all, what they are should a program put another column's values here. */
static inline uint64_t key_field(const packed_key *k, int64_t x)
{
    return ((uint64_t)x - (uint64_t)k->base) & field_mask(&k->value);
}

/* Integers by code. */
static void integer_table(const packed_key *k, const qn_dict *d, uint32_t *narrow, uint64_t *wide)
{
    for (uint32_t c = 0; c <= d->count; c++) {
        bool     null = dict_null(d, c);
        uint64_t x = null ? 0 : key_field(k, integer_at((qn_bank)d->bank, d->values, c));
        if (narrow)
            narrow[c] = null ? narrow_null(k) : (uint32_t)x;
        else
            wide[c] = null ? null_bits(k) : x << k->value.shift;
    }
}

/* Key fields by code.  NULL in *out: this dictionary is better not translated as a whole. */
static qn_status key_table(qn_vm *vm, qn_packed *p, uint32_t i, qn_dict *d, void **out)
{
    packed_local     *l = &p->locals[vm->worker];
    const packed_key *k = &p->keys[i];
    bool              narrow = is_narrow(k);
    qn_status         st = QN_OK;
    *out = NULL;
    if (!narrow && (k->by_id || (k->null.bits && k->null.word != k->value.word)))
        return QN_OK;
    if (l->table_dicts[i] == d) {
        *out = l->tables[i];
        return QN_OK;
    }
    if ((uint64_t)vm->scan.selected * (k->by_id ? 8 : 2) < d->count && !(d->values && d->count < 4096))
        return QN_OK;
    void *t = qn_arena_alloc(&vm->block, ((size_t)d->count + 1) * (narrow ? sizeof(uint32_t) : sizeof(uint64_t)));
    if (!t)
        return qn_nomem(vm->err);
    if (k->by_id && d->computed && vm->scan.selected >= d->count) {
        st = computed_table(vm, p, k, d, t); /* in their order: neighbours are in the cache, and often equal */
    } else if (k->by_id) {
        memset(t, 0xff, ((size_t)d->count + 1) * sizeof(uint32_t));
    } else {
        st = dict_decode(vm, d);
        if (st == QN_OK)
            integer_table(k, d, narrow ? t : NULL, narrow ? NULL : t);
    }
    if (st != QN_OK)
        return st;
    l->tables[i] = t;
    l->table_dicts[i] = d;
    *out = t;
    return QN_OK;
}

/* Entries of a table of ids that these lanes are the first to ask for. */
static qn_status table_fill(qn_vm *vm, qn_packed *p, const packed_key *k, uint32_t *table, const qn_vec *v, const uint16_t *lanes,
                            uint32_t n)
{
    uint32_t  missing = 0;
    uint32_t *codes = qn_arena_alloc(&vm->batch, n * sizeof *codes);
    uint64_t *ids = qn_arena_alloc(&vm->batch, n * sizeof *ids);
    if (!codes || !ids)
        return qn_nomem(vm->err);
    for (uint32_t j = 0; j < n; j++) {
        uint32_t code = v->codes[lanes[j]];
        if (table[code] != UNKNOWN)
            continue;
        table[code] = PENDING;
        if (dict_null(v->dict, code))
            table[code] = narrow_null(k);
        else
            codes[missing++] = code;
    }
    qn_status st = code_ids(vm, p, k, v->dict, codes, missing, ids);
    for (uint32_t i = 0; i < missing && st == QN_OK; i++)
        table[codes[i]] = (uint32_t)ids[i];
    return st;
}

/* Text of few rows, or of a walk over the dictionary itself: no table, each code is asked for. */
static qn_status ids_of_lanes(qn_vm *vm, qn_packed *p, const packed_key *k, const qn_vec *v, const uint16_t *lanes, uint32_t n)
{
    packed_local *l = &p->locals[vm->worker];
    uint32_t      m = 0;
    uint32_t     *codes = qn_arena_alloc(&vm->batch, n * sizeof *codes);
    uint64_t     *ids = qn_arena_alloc(&vm->batch, n * sizeof *ids);
    if (!codes || !ids)
        return qn_nomem(vm->err);
    for (uint32_t j = 0; j < n; j++)
        if (!dict_null(v->dict, v->codes[lanes[j]]))
            codes[m++] = v->codes[lanes[j]];
    qn_status st = code_ids(vm, p, k, v->dict, codes, m, ids);
    uint32_t  at = 0;
    for (uint32_t j = 0; j < n && st == QN_OK; j++) {
        if (!dict_null(v->dict, v->codes[lanes[j]]))
            l->lanes[k->value.word][j] |= ids[at++] << k->value.shift;
        else if (k->null.bits)
            l->lanes[k->null.word][j] |= null_bits(k);
    }
    return st;
}

#define INTEGERS(T, AT)                                                                             \
    {                                                                                               \
        const T *from = data;                                                                       \
        for (uint32_t j = 0; j < n; j++)                                                            \
            x[j] = (int64_t)from[AT];                                                               \
    }
#define INTEGERS_OF_BANK(AT)                                                                        \
    switch (bank) {                                                                                 \
    case QN_BANK_BOOL: INTEGERS(uint8_t, AT) break;                                                 \
    case QN_BANK_I16: INTEGERS(int16_t, AT) break;                                                  \
    case QN_BANK_I32: INTEGERS(int32_t, AT) break;                                                  \
    default: INTEGERS(int64_t, AT) break;                                                           \
    }

/* The lanes' integers in l->integers; where some_null, null[] tells which are NULL.  Codes are looked up for these
 * lanes only, in a dictionary decoded as a whole where that pays. */
static qn_status integers(qn_vm *vm, packed_local *l, qn_vec *v, const uint16_t *lanes, uint32_t n)
{
    int64_t   *x = l->integers;
    qn_bank    bank = (qn_bank)v->bank;
    qn_status  st = QN_OK;
    const void *data;
    l->some_null = false;
    if (v->form == QN_FORM_CODES && !v->sequence && vm->scan.block &&
        (v->dict->values || (uint64_t)vm->scan.selected * 2 >= v->dict->count)) {
        st = dict_decode(vm, v->dict);
        if (st != QN_OK)
            return st;
        data = v->dict->values;
        bank = (qn_bank)v->dict->bank;
        const uint32_t *codes = v->codes;
        INTEGERS_OF_BANK(codes[lanes[j]])
        if (!v->dict->nulls && !qn_block_column_at(v->dict->block, v->dict->column)->null_count)
            return QN_OK;
    } else {
        selection_begin(vm, lanes, n);
        st = vec_flat(vm, v);
        selection_end(vm);
        if (st != QN_OK)
            return st;
        data = v->data;
        if (v->form == QN_FORM_CONST)
            INTEGERS_OF_BANK(0 * lanes[j])
        else
            INTEGERS_OF_BANK(lanes[j])
        if (!v->nulls)
            return QN_OK;
    }
    l->some_null = true;
    for (uint32_t j = 0; j < n; j++)
        l->null[j] = vec_null(v, lanes[j]);
    return QN_OK;
}

/* OR key i of the lanes into their key words. */
static qn_status key_words(qn_vm *vm, qn_packed *p, const packed_key *k, void *table, qn_vec *v, const uint16_t *lanes, uint32_t n)
{
    packed_local *l = &p->locals[vm->worker];
    uint64_t     *to = l->lanes[k->value.word];
    qn_status     st = QN_OK;
    if (table) {
        const uint32_t *codes = v->codes;
        st = k->by_id ? table_fill(vm, p, k, table, v, lanes, n) : QN_OK;
        if (st != QN_OK)
            return st;
        if (is_narrow(k)) {
            const uint32_t *narrow = table;
            for (uint32_t j = 0; j < n; j++)
                to[j] |= (uint64_t)narrow[codes[lanes[j]]] << k->value.shift;
        } else {
            const uint64_t *wide = table;
            for (uint32_t j = 0; j < n; j++)
                to[j] |= wide[codes[lanes[j]]];
        }
        return QN_OK;
    }
    uint64_t *null_to = k->null.bits ? l->lanes[k->null.word] : NULL;
    if (k->by_id) {
        bool        codes = v->form == QN_FORM_CODES;
        qn_hash128 *ids = NULL;
        if (!codes) {
            ids = qn_arena_alloc(&vm->batch, QN_LANES * sizeof *ids);
            if (!ids)
                return qn_nomem(vm->err);
            selection_begin(vm, lanes, n);
            st = vec_flat_lazy(vm, v);
            if (st == QN_OK)
                st = groups_identities(vm, v, (qn_sql_type)k->type, 2, (uint8_t *)ids, sizeof *ids);
            selection_end(vm);
            if (st != QN_OK)
                return st;
        }
        if (codes)
            return ids_of_lanes(vm, p, k, v, lanes, n);
        for (uint32_t j = 0; j < n; j++) {
            uint32_t lane = lanes[j];
            uint64_t id = 0;
            qn_datum show;
            if (vec_null(v, lane)) {
                if (null_to)
                    null_to[j] |= null_bits(k);
                continue;
            }
            vec_get(v, lane, &show);
            qn_hash128 identity = ids[lane];
            if (!is_text(k))
                identity = packed_spread(identity);
            st = value_id(vm, p, k, identity, &show, &id);
            if (st != QN_OK)
                return st;
            to[j] |= id << k->value.shift;
        }
        return QN_OK;
    }
    st = integers(vm, l, v, lanes, n);
    if (st != QN_OK)
        return st;
    uint32_t       shift = k->value.shift;
    uint64_t       base = (uint64_t)k->base, mask = field_mask(&k->value), null = null_bits(k);
    const int64_t *x = l->integers;
    if (!l->some_null) {
        for (uint32_t j = 0; j < n; j++)
            to[j] |= (((uint64_t)x[j] - base) & mask) << shift;
        return QN_OK;
    }
    for (uint32_t j = 0; j < n; j++) {
        to[j] |= l->null[j] ? 0 : (((uint64_t)x[j] - base) & mask) << shift;
        if (null_to)
            null_to[j] |= l->null[j] ? null : 0;
    }
    return QN_OK;
}

static qn_status all_key_words(qn_vm *vm, qn_packed *p, uint32_t first, const uint16_t *lanes, uint32_t n)
{
    packed_local *l = &p->locals[vm->worker];
    for (uint32_t w = 0; w < p->shape.keys; w++)
        memset(l->lanes[w], 0, n * sizeof(uint64_t));
    for (uint32_t i = 0; i < p->key_count; i++) {
        qn_vec   *v = REG(vm, first + i);
        void     *table = NULL;
        qn_status st = QN_OK;
        if (v->form == QN_FORM_CODES && vm->scan.block && !v->sequence)
            st = key_table(vm, p, i, v->dict, &table);
        if (st == QN_OK)
            st = key_words(vm, p, &p->keys[i], table, v, lanes, n);
        if (st != QN_OK)
            return st;
    }
    return QN_OK;
}

/* ---- accumulators ---------------------------------------------------------------------------------- */

static uint64_t image(int64_t v) { return (uint64_t)v ^ 1ull << 63; } /* order-preserving */

/* What the lanes add to their groups, in lanes[] behind the key words. */
static qn_status accumulators(qn_vm *vm, qn_packed *p, uint32_t first, const uint16_t *lanes, uint32_t n)
{
    packed_local *l = &p->locals[vm->worker];
    for (uint32_t w = p->shape.keys; w < p->words; w++)
        memset(l->lanes[w], 0, n * sizeof(uint64_t));
    uint64_t *rows = l->lanes[p->rows.word];
    for (uint32_t j = 0; j < n; j++)
        rows[j] = (uint64_t)(vm->weights ? vm->weights[lanes[j]] : 1) << p->rows.shift;
    for (uint32_t a = 0; a < p->argument_count; a++) {
        const packed_argument *arg = &p->arguments[a];
        qn_vec                *v = REG(vm, first + arg->reg);
        uint64_t              *counts = arg->count.bits ? l->lanes[arg->count.word] : NULL;
        uint64_t              *sums = arg->sum.bits ? l->lanes[arg->sum.word] : NULL;
        if (!sums && !arg->smallest && !arg->largest) {
            for (uint32_t j = 0; j < n && counts; j++)
                counts[j] += vec_null(v, lanes[j]) ? 0 : (uint64_t)(vm->weights ? vm->weights[lanes[j]] : 1) << arg->count.shift;
            continue;
        }
        qn_status st = integers(vm, l, v, lanes, n);
        if (st != QN_OK)
            return st;
        const int64_t *x = l->integers;
        if (!l->some_null && !vm->weights && !arg->smallest && !arg->largest) {
            for (uint32_t j = 0; j < n; j++)
                sums[j] += ((uint64_t)x[j] - (uint64_t)arg->base) << arg->sum.shift;
            for (uint32_t j = 0; j < n && counts; j++)
                counts[j] += 1ull << arg->count.shift;
            continue;
        }
        for (uint32_t j = 0; j < n; j++) {
            uint64_t weight = vm->weights ? vm->weights[lanes[j]] : 1;
            if (l->some_null && l->null[j])
                continue;
            if (counts)
                counts[j] += weight << arg->count.shift;
            if (sums)
                sums[j] += ((uint64_t)x[j] - (uint64_t)arg->base) * weight << arg->sum.shift;
            if (arg->smallest)
                l->lanes[arg->smallest][j] = ~image(x[j]);
            if (arg->largest)
                l->lanes[arg->largest][j] = image(x[j]);
        }
    }
    if (p->first_row)
        for (uint32_t j = 0; j < n; j++)
            l->lanes[p->first_row][j] = ~(vm_tie(vm, lanes[j]) + 1);
    return QN_OK;
}

/* ---- blocks ------------------------------------------------------------------------------------------ */

void packed_begin_block(qn_groups *g, int worker)
{
    packed_local *l = &g->packed->locals[worker];
    l->decided = l->coded = l->by_code = false;
    for (uint32_t i = 0; i < g->packed->key_count; i++)
        l->table_dicts[i] = NULL;
    for (uint32_t d = 0; d < g->packed->distinct_count; d++)
        l->last_dicts[d] = NULL;
}

static qn_status decide(qn_vm *vm, qn_packed *p, uint32_t first)
{
    packed_local *l = &p->locals[vm->worker];
    uint64_t      product = 1;
    l->decided = true;
    if (!vm->scan.block || vm->weights || vm->scan.in_values)
        return QN_OK;
    for (uint32_t i = 0; i < p->key_count; i++) {
        const qn_vec *v = REG(vm, first + i);
        if (v->form != QN_FORM_CODES)
            return QN_OK;
        l->dicts[i] = v->dict;
        l->radix[i] = v->dict->count + 1;
        product *= l->radix[i];
        if (product >= UINT32_MAX)
            return QN_OK;
    }
    l->coded = true;
    uint32_t words = p->shape.adds + p->shape.maxima;
    size_t   bytes = product * words * sizeof(uint64_t);
    if (product * 2 > vm->scan.selected || product > CODE_ARRAY_MAX || bytes > CODE_ARRAY_BYTES)
        return QN_OK;
    if (bytes > l->states_bytes) {
        if (l->states)
            qn_free(p->mem, l->states, l->states_bytes);
        l->states_bytes = 0;
        l->states = qn_alloc(p->mem, bytes);
        if (!l->states)
            return qn_nomem(vm->err);
        l->states_bytes = bytes;
    }
    memset(l->states, 0, bytes);
    l->product = (uint32_t)product;
    l->by_code = true;
    return QN_OK;
}

/* A condition that only some batches evaluate may have made a column flat before it came to be a key. */
static bool still_coded(const qn_vm *vm, const qn_packed *p, uint32_t first)
{
    const packed_local *l = &p->locals[vm->worker];
    for (uint32_t i = 0; i < p->key_count; i++) {
        const qn_vec *v = REG(vm, first + i);
        if (v->form != QN_FORM_CODES || v->dict != l->dicts[i])
            return false;
    }
    return true;
}

static void index_lanes(const qn_vm *vm, packed_local *l, const qn_packed *p, uint32_t first, const uint16_t *lanes, uint32_t n)
{
    const uint32_t *codes = REG(vm, first)->codes;
    for (uint32_t j = 0; j < n; j++)
        l->index[j] = codes[lanes[j]];
    for (uint32_t i = 1; i < p->key_count; i++) {
        codes = REG(vm, first + i)->codes;
        for (uint32_t j = 0; j < n; j++)
            l->index[j] = l->index[j] * l->radix[i] + codes[lanes[j]];
    }
}

static void fold_by_code(packed_local *l, const qn_packed *p, uint32_t n)
{
    uint32_t adds = p->shape.adds, words = adds + p->shape.maxima, keys = p->shape.keys;
    if (words == 1) {
        const uint64_t *x = l->lanes[keys];
        for (uint32_t j = 0; j < n; j++)
            l->states[l->index[j]] += x[j];
        return;
    }
    for (uint32_t j = 0; j < n; j++) {
        uint64_t *s = l->states + (size_t)l->index[j] * words;
        for (uint32_t w = 0; w < adds; w++)
            s[w] += l->lanes[keys + w][j];
        for (uint32_t w = adds; w < words; w++)
            s[w] = l->lanes[keys + w][j] > s[w] ? l->lanes[keys + w][j] : s[w];
    }
}

static inline __attribute__((always_inline)) bool insert_all(const packed_local *l, tuple_cache *cache, tuple_parts *parts,
                                                             uint32_t keys, uint32_t adds, uint32_t words, uint32_t n)
{
    uint64_t t[TUPLE_MAX_WORDS];
    for (uint32_t j = 0; j < n; j++) { /* apart from what follows: nobody knows which tuples meet their like */
        for (uint32_t w = 0; w < keys; w++)
            t[w] = l->lanes[w][j];
        l->hashes[j] = tuple_hash(t, keys);
    }
    for (uint32_t j = 0; j < n; j++) {
        for (uint32_t w = 0; w < words; w++)
            t[w] = l->lanes[w][j];
        if (!insert(cache, parts, keys, adds, words, t, l->hashes[j]))
            return false;
    }
    return true;
}

static qn_status insert_lanes(qn_vm *vm, packed_local *l, tuple_cache *cache, tuple_parts *parts, const tuple_shape *shape, uint32_t n)
{
    uint32_t words = tuple_words(shape);
    bool     done;
    switch (shape->maxima ? 0 : shape->keys * 4 + shape->adds) {
    case 4: done = insert_all(l, cache, parts, 1, 0, 1, n); break;
    case 5: done = insert_all(l, cache, parts, 1, 1, 2, n); break;
    case 6: done = insert_all(l, cache, parts, 1, 2, 3, n); break;
    case 8: done = insert_all(l, cache, parts, 2, 0, 2, n); break;
    case 9: done = insert_all(l, cache, parts, 2, 1, 3, n); break;
    case 10: done = insert_all(l, cache, parts, 2, 2, 4, n); break;
    default: done = insert_all(l, cache, parts, shape->keys, shape->adds, words, n);
    }
    return done ? QN_OK : qn_nomem(vm->err);
}

qn_status packed_flush_block(qn_vm *vm, qn_groups *g)
{
    qn_packed    *p = g->packed;
    packed_local *l = &p->locals[vm->worker];
    uint32_t      keys = p->shape.keys, words = p->words - keys, rows = p->rows.word - keys;
    if (!l->by_code)
        return QN_OK;
    l->by_code = false;
    for (uint32_t i = 0; i < p->key_count; i++) {
        qn_status st = p->keys[i].by_id ? QN_OK : dict_decode(vm, l->dicts[i]);
        if (st != QN_OK)
            return st;
    }
    for (uint32_t index = 0; index < l->product; index++) {
        const uint64_t *s = l->states + (size_t)index * words;
        uint64_t        t[TUPLE_MAX_WORDS] = {0};
        if (!(s[rows] >> p->rows.shift & field_mask(&p->rows)))
            continue;
        uint32_t rest = index;
        for (uint32_t i = p->key_count; i-- > 0;) {
            const packed_key *k = &p->keys[i];
            qn_dict          *d = l->dicts[i];
            uint32_t          code = rest % l->radix[i];
            uint64_t          x = 0;
            rest /= l->radix[i];
            if (dict_null(d, code)) {
                if (k->null.bits)
                    t[k->null.word] |= null_bits(k);
                continue;
            }
            if (k->by_id) {
                qn_status st = code_ids(vm, p, k, d, &code, 1, &x);
                if (st != QN_OK)
                    return st;
            } else {
                x = key_field(k, integer_at((qn_bank)d->bank, d->values, code));
            }
            t[k->value.word] |= x << k->value.shift;
        }
        memcpy(t + keys, s, words * sizeof *s);
        if (!packed_insert(&l->cache, &l->parts, &p->shape, t))
            return qn_nomem(vm->err);
    }
    l->used_codes = true;
    return QN_OK;
}

/* ---- DISTINCT ---------------------------------------------------------------------------------------- */

/* Lanes whose value is not NULL and was not last seen with the same group in this block. */
static qn_status fresh_pairs(qn_vm *vm, packed_local *l, uint32_t d, const qn_vec *v, bool indexed, const uint16_t *lanes, uint32_t n,
                             uint32_t *fresh)
{
    *fresh = 0;
    if (!indexed || v->form != QN_FORM_CODES || v->sequence) {
        for (uint32_t j = 0; j < n; j++)
            if (!vec_null(v, lanes[j]))
                l->fresh[(*fresh)++] = lanes[j];
        return QN_OK;
    }
    if (l->last_dicts[d] != v->dict) {
        l->last[d] = qn_arena_alloc0(&vm->block, ((size_t)v->dict->count + 1) * sizeof(uint32_t));
        if (!l->last[d])
            return qn_nomem(vm->err);
        l->last_dicts[d] = v->dict;
    }
    uint32_t       *last = l->last[d], m = 0;
    const uint32_t *codes = v->codes;
    for (uint32_t j = 0; j < n; j++) {
        uint32_t lane = lanes[j], group = l->index[j] + 1;
        uint32_t *seen = &last[codes[lane]];
        l->fresh[m] = (uint16_t)lane;
        m += *seen != group;
        *seen = group;
    }
    if (dict_null(v->dict, 0) || v->dict->nulls) {
        uint32_t kept = 0;
        for (uint32_t j = 0; j < m; j++)
            if (!dict_null(v->dict, codes[l->fresh[j]]))
                l->fresh[kept++] = l->fresh[j];
        m = kept;
    }
    *fresh = m;
    return QN_OK;
}

static qn_status note_pairs(qn_vm *vm, qn_packed *p, uint32_t first, uint32_t d, bool indexed, const uint16_t *lanes, uint32_t n)
{
    packed_local          *l = &p->locals[vm->worker];
    const packed_distinct *x = &p->distinct[d];
    qn_vec                *v = REG(vm, first + x->reg);
    uint32_t               m;
    qn_status              st = fresh_pairs(vm, l, d, v, indexed, lanes, n, &m);
    if (st != QN_OK || !m)
        return st;
    st = all_key_words(vm, p, first, l->fresh, m);
    if (st != QN_OK)
        return st;
    for (uint32_t w = p->shape.keys; w < x->words; w++)
        memset(l->lanes[w], 0, m * sizeof(uint64_t));
    st = key_words(vm, p, &x->value, NULL, v, l->fresh, m);
    if (st != QN_OK)
        return st;
    return insert_lanes(vm, l, &l->pair_caches[d], &l->pairs[d], &(tuple_shape){.keys = x->words}, m);
}

/* Of few groups that are known: everybody else's rows are passed over. */
static qn_status fold_fixed(qn_vm *vm, qn_packed *p, uint32_t first, const uint16_t *lanes, uint32_t n)
{
    packed_local *l = &p->locals[vm->worker];
    uint16_t     *kept = qn_arena_alloc(&vm->batch, QN_LANES * sizeof *kept);
    qn_status     st = kept ? all_key_words(vm, p, first, lanes, n) : qn_nomem(vm->err);
    if (st != QN_OK)
        return st;
    if (packed_fixed_finding(p))
        return packed_fixed_note(vm, p, n);
    uint32_t m = packed_fixed_keep(p, l, lanes, kept, n);
    if (!m)
        return QN_OK;
    l->used_rows = true;
    for (uint32_t d = 0; d < p->distinct_count && st == QN_OK; d++)
        st = note_pairs(vm, p, first, d, false, kept, m);
    if (st == QN_OK)
        st = accumulators(vm, p, first, kept, m);
    if (st == QN_OK)
        st = all_key_words(vm, p, first, kept, m);
    return st == QN_OK ? insert_lanes(vm, l, &l->cache, &l->parts, &p->shape, m) : st;
}

/* ---- batches ----------------------------------------------------------------------------------------- */

/* How many partitions, and how large the maps: as if the filters left as many rows in every block as in this first one.
 * Several filters often leave rows of a few blocks only, so then the maps begin smaller and grow; partitions that turn
 * out small are read together. */
static qn_status prepare(qn_vm *vm, qn_packed *p)
{
    bool      few = vm->scan.block && !vm->weights && vm->scan.selected < vm->scan.rows;
    uint64_t  all = few ? (uint64_t)vm->scan.selected * p->table->block_count : UINT64_MAX;
    uint64_t  rows = few && vm->pl->code->plan->filter_count > 1 ? 4ull * vm->scan.selected : all;
    qn_status st = QN_OK;
    qn_latch_take(&p->prepare_latch);
    if (!atomic_load_explicit(&p->prepared, memory_order_relaxed)) {
        p->bits = partition_bits(all < p->table->rows ? all : p->table->rows);
        for (uint32_t i = 0; i < p->map_count && st == QN_OK; i++) {
            uint64_t values = p->map_values[i], expected = p->map_known[i] ? values : 1024;
            if (!id_map_init(&p->maps[i], p->mem, values, rows < expected ? rows : expected))
                st = qn_nomem(vm->err);
        }
        if (st == QN_OK)
            atomic_store_explicit(&p->prepared, true, memory_order_release);
        for (uint32_t i = 0; i < p->map_count && st != QN_OK; i++)
            id_map_deinit(&p->maps[i]);
    }
    qn_latch_drop(&p->prepare_latch);
    return st == QN_OK ? packed_local_parts(p, &p->locals[vm->worker], vm->err) : st;
}

qn_status packed_fold(qn_vm *vm, qn_groups *g, uint32_t first)
{
    qn_packed      *p = g->packed;
    packed_local   *l = &p->locals[vm->worker];
    uint32_t        n = vm_selected(vm);
    const uint16_t *lanes = vm->sel ? vm->sel : l->all;
    qn_status       st = QN_OK;

    if (!n)
        return QN_OK;
    if (!l->parts.parts)
        st = prepare(vm, p);
    for (uint32_t i = 0; i < p->key_count && st == QN_OK; i++)
        st = vec_ready(vm, REG(vm, first + i));
    for (uint32_t i = 0; i < g->layout.agg_count && st == QN_OK; i++)
        if (g->plan->aggs[i].argc)
            st = vec_ready(vm, REG(vm, first + p->key_count + i));
    if (st == QN_OK && p->fixed)
        return fold_fixed(vm, p, first, lanes, n);
    if (st == QN_OK && (!l->decided || !vm->scan.block))
        st = decide(vm, p, first);
    if (st != QN_OK)
        return st;
    bool coded = l->coded && still_coded(vm, p, first);
    if (l->by_code && !coded) { /* the rest of the block goes row by row */
        st = packed_flush_block(vm, g);
        if (st != QN_OK)
            return st;
    }
    if (coded && (l->by_code || p->distinct_count))
        index_lanes(vm, l, p, first, lanes, n);
    for (uint32_t d = 0; d < p->distinct_count && st == QN_OK; d++)
        st = note_pairs(vm, p, first, d, coded, lanes, n);
    if (st == QN_OK)
        st = accumulators(vm, p, first, lanes, n);
    if (st != QN_OK)
        return st;
    if (l->by_code) {
        fold_by_code(l, p, n);
        return p->distinct_count ? packed_spill(vm->exec, p, vm->worker, true, vm->err) : QN_OK;
    }
    l->used_rows = true;
    st = all_key_words(vm, p, first, lanes, n);
    if (st == QN_OK)
        st = insert_lanes(vm, l, &l->cache, &l->parts, &p->shape, n);
    return st == QN_OK ? packed_spill(vm->exec, p, vm->worker, true, vm->err) : st;
}
