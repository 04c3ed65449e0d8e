/* count(DISTINCT column) of a table, or of those of its values that a filter on the same column leaves.
 *
 * Each block has the column's distinct values as a sorted list.  Integers are counted by ranges of values: a block's
 * share of a range is a stretch of its list, found by search, so nothing has to be scattered; the stretches of all
 * blocks are united inside the cache, by merging or hashing (list_merge.h).  Text is sorted by its bytes but united by its identities, which come in no
 * order: those are scattered into hash partitions.  The same is done for integers when a filter leaves values here
 * and there. */
#include "vm/lists.h"

#include <stdlib.h>
#include "base/assert.h"
#include "vm/list_merge.h"
#include "vm/tuples.h"

#define RANGE_VALUES 32768u /* of all blocks in one range, on average: three times that is in the cache */
#define RANGES_MAX 4096u
#define RANGE_SAMPLES 4u /* values looked at to find the bounds of one range */

typedef struct stretch { /* codes of one block that the filter left: a range */
    uint32_t lo, hi;
} stretch;

typedef struct distinct_local {
    tuple_parts parts;
    uint64_t   *values;
    uint32_t   *heads;
    uint64_t    values_room, heads_room;
    stretch    *range; /* by_range: per block, what of its list lies in the range being united */
    list_run   *runs;  /* two per block */
    uint32_t   *starts;
    list_plan   plan;
} distinct_local;

struct qn_list_distinct {
    qn_mem          *mem;
    const qn_table  *table;
    uint32_t         column;
    qn_bank          bank;
    bool             by_range; /* integers, by ranges of values; else by hash of identities */
    int              workers;
    stretch         *stretches; /* per block */
    uint64_t         entries;
    uint32_t         ranges;
    int64_t         *bounds;    /* by_range: least value of each range but the first */
    distinct_local  *locals;
    _Atomic uint64_t count;
};

qn_status list_distinct_new(qn_exec *exec, pipeline_state *pl, qn_error *err)
{
    const qn_source  *s = &pl->code->plan->source;
    qn_list_distinct *d = qn_arena_new(&exec->arena, qn_list_distinct);
    if (exec->settings.force_codes_off)
        return QN_OK;
    if (!d)
        return qn_nomem(err);
    d->mem = &exec->mem;
    d->table = pl->table;
    d->column = s->column;
    d->bank = qn_type_bank((qn_sql_type)s->column_types[s->column].id);
    d->by_range = d->bank != QN_BANK_STR && !pl->code->plan->filter_count;
    d->workers = exec->workers;
    for (uint32_t b = 0; b < pl->table->block_count; b++) {
        const qn_block_column *c = qn_block_column_at(pl->table->blocks[b].block, d->column);
        if (c->kind != QN_COL_DICT)
            return QN_OK;
        d->entries += c->distinct;
    }
    d->stretches = qn_arena_array(&exec->arena, stretch, pl->table->block_count + 1);
    d->locals = qn_arena_array(&exec->arena, distinct_local, (size_t)exec->workers);
    if (!d->stretches || !d->locals)
        return qn_nomem(err);
    for (uint32_t b = 0; b < pl->table->block_count; b++)
        d->stretches[b] = (stretch){1, 0}; /* until the block is visited */
    uint32_t bits = 0, words = d->bank == QN_BANK_STR ? 2 : 1;
    while (bits < 8 && d->entries >> bits > 16384)
        bits++;
    pl->distinct = d;
    for (int w = 0; w < d->workers && d->by_range; w++) {
        distinct_local *l = &d->locals[w];
        uint32_t        blocks = pl->table->block_count;
        l->range = qn_arena_array(&exec->arena, stretch, blocks + 1);
        l->runs = qn_arena_array(&exec->arena, list_run, 2 * (size_t)blocks + 1);
        l->starts = qn_arena_array(&exec->arena, uint32_t, 2 * (size_t)blocks + 2);
        if (!l->range || !l->runs || !l->starts)
            return qn_nomem(err);
    }
    for (int w = 0; w < d->workers && !d->by_range; w++)
        if (!tuple_parts_init(&d->locals[w].parts, d->mem, words, bits))
            return qn_nomem(err);
    return QN_OK;
}

void list_distinct_free(qn_list_distinct *d)
{
    for (int w = 0; d && w < d->workers; w++) {
        distinct_local *l = &d->locals[w];
        if (!d->by_range)
            tuple_parts_deinit(&l->parts);
        qn_free(d->mem, l->values, l->values_room * sizeof *l->values);
        qn_free(d->mem, l->heads, l->heads_room * sizeof *l->heads);
    }
}

/* ---- blocks ------------------------------------------------------------------------------------------- */

qn_status list_distinct_block(qn_vm *vm)
{
    qn_list_distinct      *d = vm->pl->distinct;
    const qn_block_column *c = qn_block_column_at(vm->scan.block, d->column);
    const qn_codeset      *set = &vm->scan.value_set;
    tuple_parts           *parts = &d->locals[vm->worker].parts;
    const qn_hash128      *hashes = NULL;
    qn_status              st = QN_OK;
    uint32_t               from = set->is_range && set->lo > 1 ? set->lo : 1, to = set->is_range && set->hi < c->distinct ? set->hi : c->distinct;

    d->stretches[vm->scan.block_index] = (stretch){from, to};
    if (d->by_range || from > to)
        return QN_OK;
    if (d->bank == QN_BANK_STR) {
        st = qn_block_hashes(vm->scan.block, d->column, &hashes, vm->err);
        qn_block_touch((to + 1 - from) * sizeof *hashes);
        for (uint32_t code = from; code <= to && st == QN_OK; code++) {
            if (!codeset_has(set, code))
                continue;
            uint64_t *t = tuple_append(parts, hashes[code - 1].hi);
            if (!t)
                return qn_nomem(vm->err);
            t[0] = hashes[code - 1].lo;
            t[1] = hashes[code - 1].hi;
        }
        return st;
    }
    int64_t *values = qn_arena_alloc(&vm->block, QN_LANES * sizeof *values);
    if (!values)
        return qn_nomem(vm->err);
    for (uint32_t first = from; first <= to && st == QN_OK; first += QN_LANES) {
        uint32_t n = to + 1 - first < QN_LANES ? to + 1 - first : QN_LANES;
        st = qn_block_values_i64(vm->scan.block, d->column, first, n, values, vm->err);
        for (uint32_t i = 0; i < n && st == QN_OK; i++) {
            if (!codeset_has(set, first + i))
                continue;
            uint64_t  key = (uint64_t)values[i];
            uint64_t *t = tuple_append(parts, tuple_hash(&key, 1));
            if (!t)
                return qn_nomem(vm->err);
            *t = key;
        }
    }
    return st;
}

/* ---- uniting ------------------------------------------------------------------------------------------ */

static qn_status room(qn_list_distinct *d, distinct_local *l, uint64_t words, uint64_t tuples, qn_error *err)
{
    if (words > l->values_room) {
        qn_free(d->mem, l->values, l->values_room * sizeof *l->values);
        l->values_room = words + words / 4;
        l->values = qn_alloc(d->mem, l->values_room * sizeof *l->values);
        if (!l->values)
            l->values_room = 0;
    }
    if (tuple_heads(tuples) > l->heads_room) {
        qn_free(d->mem, l->heads, l->heads_room * sizeof *l->heads);
        l->heads_room = tuple_heads(tuples);
        l->heads = qn_alloc(d->mem, l->heads_room * sizeof *l->heads);
        if (!l->heads)
            l->heads_room = 0;
    }
    return l->values && l->heads ? QN_OK : qn_nomem(err);
}

static qn_status unite_partition(void *arg, int worker, uint64_t part, qn_error *err)
{
    qn_list_distinct *d = arg;
    distinct_local   *l = &d->locals[worker];
    uint64_t          n = 0, words = l->parts.words, at = 0;
    for (int w = 0; w < d->workers; w++)
        n += d->locals[w].parts.parts[part].count;
    qn_status st = room(d, l, n * words + 1, n, err);
    if (st != QN_OK)
        return st;
    for (int w = 0; w < d->workers; w++) {
        uint64_t more = d->locals[w].parts.parts[part].count;
        tuple_part_take(&d->locals[w].parts, (uint32_t)part, l->values + at);
        at += more * words;
    }
    n = tuple_fold(&(tuple_shape){.keys = (uint32_t)words}, l->values, n, l->heads, tuple_heads(n));
    atomic_fetch_add(&d->count, n);
    return QN_OK;
}

/* Codes of block b with values below the bound of range r. */
static qn_status codes_below(const qn_list_distinct *d, uint32_t b, uint32_t r, uint32_t *end, qn_error *err)
{
    const stretch *s = &d->stretches[b];
    uint32_t       equal_end;
    qn_datum       v = {.words = {0, 0}};
    if (r == 0 || r == d->ranges) {
        *end = r ? s->hi + 1 : s->lo;
        return QN_OK;
    }
    v.i64 = d->bounds[r]; /* little-endian: narrower banks read the low bytes, which hold the value */
    return qn_block_search(d->table->blocks[b].block, d->column, &v, end, &equal_end, err);
}

/* What every block has of a range, and how much that is. */
static qn_status cut_range(const qn_list_distinct *d, distinct_local *l, uint32_t range, uint64_t *all, qn_error *err)
{
    qn_status st = QN_OK;
    *all = 0;
    for (uint32_t b = 0; b < d->table->block_count && st == QN_OK; b++) {
        uint32_t first = 1, end = 1;
        if (d->stretches[b].lo <= d->stretches[b].hi) {
            st = codes_below(d, b, range, &first, err);
            if (st == QN_OK)
                st = codes_below(d, b, range + 1, &end, err);
        }
        end = end < first ? first : end;
        l->range[b] = (stretch){first, end};
        *all += end - first;
    }
    return st;
}

/* Bring the values of all blocks into l->values.  As unsigned numbers negative values come last, so a list that has
 * both is two runs. */
static qn_status read_range(const qn_list_distinct *d, distinct_local *l, uint32_t *runs, qn_error *err)
{
    uint64_t *v = l->values;
    qn_status st = QN_OK;
    *runs = 0;
    for (uint32_t b = 0; b < d->table->block_count && st == QN_OK; b++) {
        uint32_t first = l->range[b].lo, n = l->range[b].hi - first, negative = 0;
        if (!n)
            continue;
        st = qn_block_values_i64(d->table->blocks[b].block, d->column, first, n, (int64_t *)(void *)v, err);
        if (st == QN_OK && (v[0] ^ v[n - 1]) >> 63)
            while (v[negative] >> 63)
                negative++;
        if (negative)
            l->runs[(*runs)++] = (list_run){v, negative};
        l->runs[(*runs)++] = (list_run){v + negative, n - negative};
        v += n;
    }
    return st;
}

static qn_status unite_range(void *arg, int worker, uint64_t range, qn_error *err)
{
    qn_list_distinct       *d = arg;
    distinct_local         *l = &d->locals[worker];
    const qn_merge_kernels *k = qn_merge_kernels_get();
    bool                    merge = list_method_choose(d->table->block_count, k->isa) == LIST_MERGE;
    uint64_t                all;
    uint32_t                runs;
    qn_status               st = cut_range(d, l, (uint32_t)range, &all, err);
    if (st != QN_OK || !all)
        return st;
    if (all > UINT32_MAX)
        return qn_nomem(err);
    uint64_t words = all + (merge ? 2 * all : list_hash_slots((uint32_t)all));
    if (words > l->values_room) {
        qn_free(d->mem, l->values, l->values_room * sizeof *l->values);
        l->values_room = words + words / 4;
        l->values = qn_alloc(d->mem, qn_mul(l->values_room, sizeof *l->values));
        if (!l->values) {
            l->values_room = 0;
            return qn_nomem(err);
        }
    }
    st = read_range(d, l, &runs, err);
    if (st != QN_OK)
        return st;
    uint64_t *scratch = l->values + all;
    atomic_fetch_add(&d->count, merge ? list_merge_count(k, l->runs, runs, scratch, scratch + all, l->starts, &l->plan)
                                      : list_hash_count(l->runs, runs, scratch));
    return QN_OK;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Bounds that cut all lists together into parts of about the same size: every so many values of each list one is looked
 * at, beginning at a different place in each, for lists are often alike; or they follow each other, and no single one
 * would tell of the others. */
static qn_status choose_ranges(qn_exec *exec, qn_list_distinct *d, qn_error *err)
{
    uint64_t ranges = d->entries / RANGE_VALUES + 1, step;
    uint32_t blocks = d->table->block_count, n = 0;
    d->ranges = ranges > RANGES_MAX ? RANGES_MAX : (uint32_t)ranges;
    d->bounds = qn_arena_array(&exec->arena, int64_t, d->ranges + 1);
    step = d->entries / ((uint64_t)d->ranges * RANGE_SAMPLES) + 1;
    uint64_t room = d->entries / step + blocks + 1;
    int64_t *sample = qn_arena_array(&exec->arena, int64_t, room);
    if (!d->bounds || !sample)
        return qn_nomem(err);
    for (uint32_t b = 0; b < blocks && d->ranges > 1; b++) {
        qn_block *block = d->table->blocks[b].block;
        uint64_t  distinct = qn_block_column_at(block, d->column)->distinct;
        for (uint64_t code = 1 + b * 0x9e3779b9ull % step; code <= distinct; code += step) {
            QN_ASSERT(n < room);
            qn_status st = qn_block_values_i64(block, d->column, (uint32_t)code, 1, &sample[n++], err);
            if (st != QN_OK)
                return st;
        }
    }
    if (n < d->ranges)
        d->ranges = 1;
    qsort(sample, n, sizeof *sample, by_value);
    for (uint32_t r = 1; r < d->ranges; r++)
        d->bounds[r] = sample[(uint64_t)n * r / d->ranges];
    return QN_OK;
}

qn_status list_distinct_finish(qn_exec *exec, pipeline_state *pl, uint32_t agg, qn_error *err)
{
    qn_list_distinct *d = pl->distinct;
    qn_status         st = QN_OK;
    qn_job            job = {.max_workers = d->entries < 65536 ? 1 : exec->workers, .arg = d, .cancel = exec->settings.cancel};
    if (d->by_range) {
        st = choose_ranges(exec, d, err);
        job.run = unite_range;
        job.count = d->ranges;
    } else {
        for (int w = 0; w < d->workers; w++)
            tuple_parts_seal(&d->locals[w].parts);
        job.run = unite_partition;
        job.count = 1ull << d->locals[0].parts.bits;
    }
    if (st == QN_OK)
        st = qn_sched_run(exec->sched, &job, err);
    return st == QN_OK ? groups_add_count(pl->groups, agg, atomic_load(&d->count), err) : st;
}
