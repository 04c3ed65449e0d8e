/* Packed groups after the scan: DISTINCT pairs folded into counts, partitions folded as they are read.
 *
 * Folding a partition and reading it are one morsel of the pipeline that follows, in memory that the worker keeps for
 * its next partition: groups are never all in memory at once, only their tuples are. */
#include "vm/packed_int.h"

#include <stdlib.h>
#include "base/assert.h"

uint32_t packed_partitions(const qn_packed *p) { return 1u << (p->bits - p->together); }
uint64_t packed_groups(const qn_packed *p) { return atomic_load(&p->groups); }

bool packed_used_codes(const qn_packed *p, bool *rows)
{
    bool codes = false;
    *rows = false;
    for (int w = 0; w < p->workers; w++) {
        codes = codes || p->locals[w].used_codes;
        *rows = *rows || p->locals[w].used_rows;
    }
    return codes;
}

static tuple_parts *group_parts(packed_local *l, uint32_t d)
{
    (void)d;
    return &l->parts;
}
static tuple_parts *pair_parts(packed_local *l, uint32_t d) { return &l->pairs[d]; }

/* What of a part is on disk, or NULL. */
static spill_chain *chain_of(packed_local *l, const tuple_parts *parts, uint32_t d, uint32_t part)
{
    spill_chain *chains = parts == &l->parts ? l->chains : l->pair_chains[d];
    return chains ? &chains[part] : NULL;
}

static uint64_t part_tuples(packed_local *l, const tuple_parts *parts, uint32_t d, uint32_t part)
{
    const spill_chain *chain = chain_of(l, parts, d, part);
    return parts->parts[part].count + (chain ? chain->rows : 0);
}

/* Neighbouring parts are read as one, while all of them together hold about PART_TUPLES: how many there are was chosen
 * for the table's rows, and filters or the cache may have left few. */
#define PART_TUPLES 16384u

static uint32_t parts_together(tuple_parts *(*of)(packed_local *, uint32_t), const qn_packed *p, uint32_t d)
{
    uint64_t n = 0;
    uint32_t shift = 0;
    for (int w = 0; w < p->workers; w++)
        for (uint32_t i = 0; i < 1u << p->bits; i++)
            n += part_tuples(&p->locals[w], of(&p->locals[w], d), d, i);
    while (shift < p->bits && (n >> (p->bits - shift - 1)) <= PART_TUPLES)
        shift++;
    return shift;
}

/* Gather the parts of one morsel, of all workers, into the worker's memory.  Parts were sealed. */
static qn_status take(qn_exec *exec, qn_packed *p, packed_local *l, tuple_parts *(*of)(packed_local *, uint32_t), uint32_t d, uint32_t morsel,
                      uint32_t shift, uint64_t *count, qn_error *err)
{
    uint64_t n = 0, words = of(&p->locals[0], d)->words;
    uint32_t first = morsel << shift, end = (morsel + 1) << shift;
    for (int w = 0; w < p->workers; w++)
        for (uint32_t i = first; i < end; i++)
            n += part_tuples(&p->locals[w], of(&p->locals[w], d), d, i);
    *count = n;
    if (n >= UINT32_MAX)
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "a partition of a grouping has 2^32 tuples");
    if (n * words > l->tuples_room) {
        if (l->tuples)
            qn_free(p->mem, l->tuples, l->tuples_room * sizeof *l->tuples);
        l->tuples_room = 0;
        l->tuples = qn_alloc(p->mem, (n * words + n * words / 8) * sizeof *l->tuples);
        if (!l->tuples)
            return qn_nomem(err);
        l->tuples_room = n * words + n * words / 8;
    }
    if (tuple_heads(n) > l->heads_room) {
        if (l->heads)
            qn_free(p->mem, l->heads, l->heads_room * sizeof *l->heads);
        l->heads_room = 0;
        l->heads = qn_alloc(p->mem, tuple_heads(n) * sizeof *l->heads);
        if (!l->heads)
            return qn_nomem(err);
        l->heads_room = tuple_heads(n);
    }
    uint64_t at = 0;
    for (int w = 0; w < p->workers; w++)
        for (uint32_t i = first; i < end; i++) {
            tuple_parts *parts = of(&p->locals[w], d);
            spill_chain *chain = chain_of(&p->locals[w], parts, d, i);
            uint64_t     more = parts->parts[i].count;
            if (more)
                tuple_part_take(parts, i, l->tuples + at);
            at += more * words;
            more = chain ? chain->rows : 0;
            qn_status st = more ? packed_read_back(exec, p, chain, (uint32_t)words, l->tuples + at, err) : QN_OK;
            if (st != QN_OK)
                return st;
            at += more * words;
        }
    return QN_OK;
}

/* ---- DISTINCT ---------------------------------------------------------------------------------------- */

typedef struct pair_job {
    qn_exec   *exec;
    qn_packed *packed;
    uint32_t   parts, together;
} pair_job;

/* Unique pairs of one partition, each one more for its group. */
static qn_status fold_pairs(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    const pair_job        *job = arg;
    qn_packed             *p = job->packed;
    packed_local          *l = &p->locals[worker];
    uint32_t               d = (uint32_t)(morsel / job->parts);
    const packed_distinct *x = &p->distinct[d];
    uint64_t               n, value = field_mask(&x->value.value) << x->value.value.shift;
    qn_status              st = take(job->exec, p, l, pair_parts, d, (uint32_t)(morsel % job->parts), job->together, &n, err);
    if (st != QN_OK)
        return st;
    n = tuple_fold(&(tuple_shape){.keys = x->words}, l->tuples, n, l->heads, tuple_heads(n));
    for (uint64_t i = 0; i < n; i++) {
        uint64_t t[TUPLE_MAX_WORDS] = {0};
        memcpy(t, l->tuples + i * x->words, p->shape.keys * sizeof *t);
        if (x->value.value.word < p->shape.keys)
            t[x->value.value.word] &= ~value;
        t[x->result.word] = 1ull << x->result.shift;
        if (!packed_insert(&l->cache, &l->parts, &p->shape, t))
            return qn_nomem(err);
    }
    return packed_spill(job->exec, p, worker, false, err);
}

static qn_status flush_caches(qn_packed *p, qn_error *err)
{
    for (int w = 0; w < p->workers; w++) {
        packed_local *l = &p->locals[w];
        if (!packed_cache_flush(&l->cache, &l->parts, &p->shape))
            return qn_nomem(err);
        for (uint32_t d = 0; d < p->distinct_count; d++)
            if (!packed_cache_flush(&l->pair_caches[d], &l->pairs[d], &(tuple_shape){.keys = p->distinct[d].words}))
                return qn_nomem(err);
    }
    return QN_OK;
}

qn_status packed_merge(qn_exec *exec, qn_groups *g, qn_error *err)
{
    qn_packed *p = g->packed;
    qn_status  st = QN_OK;
    for (int w = 0; w < p->workers && st == QN_OK; w++)
        st = packed_local_parts(p, &p->locals[w], err); /* of those that had no rows */
    if (st == QN_OK)
        st = flush_caches(p, err);
    if (st == QN_OK && p->distinct_count) {
        for (int w = 0; w < p->workers; w++)
            for (uint32_t d = 0; d < p->distinct_count; d++)
                tuple_parts_seal(&p->locals[w].pairs[d]);
        uint32_t together = p->bits; /* as the DISTINCT with most pairs needs it */
        for (uint32_t d = 0; d < p->distinct_count; d++) {
            uint32_t these = parts_together(pair_parts, p, d);
            together = these < together ? these : together;
        }
        pair_job fold = {exec, p, 1u << (p->bits - together), together};
        qn_job   job = {.count = (uint64_t)p->distinct_count * fold.parts, .max_workers = exec->workers, .run = fold_pairs, .arg = &fold,
                        .cancel = exec->settings.cancel};
        st = qn_sched_run(exec->sched, &job, err);
        if (st == QN_OK)
            st = flush_caches(p, err);
    }
    if (st != QN_OK)
        return st;
    for (int w = 0; w < p->workers; w++) {
        packed_local *l = &p->locals[w];
        tuple_parts_seal(&l->parts);
        for (uint32_t i = 0; i < 1u << p->bits; i++)
            g->total += part_tuples(l, &l->parts, 0, i); /* at most so many groups */
    }
    p->together = parts_together(group_parts, p, 0);
    g->part_count = packed_partitions(p);
    return QN_OK;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* The field that orders the groups a top-N wants first, or absent: also where a group that is not wanted might still
 * be an error. */
static packed_field leading_field(const qn_exec *exec, const qn_groups *g, const qn_code_pipeline *reader, uint64_t keep)
{
    const qn_packed   *p = g->packed;
    const qn_pipeline *plan = reader->plan;
    const qn_output   *o = &plan->output;
    packed_field       none = {0};
    if (plan->to_groups || plan->filter_count || !o->sort_count || !o->sort[0].descending || o->distinct_on || keep > BEST_MAX || !keep)
        return none;
    const qn_expr *x = o->targets[o->sort[0].target].expr;
    if (x->kind != QN_EXPR_AGG || !packed_targets_safe(exec, p->table, g->plan, reader))
        return none;
    switch (p->states[x->index].kind) {
    case QN_AGG_COUNT_STAR:
        return p->rows;
    case QN_AGG_COUNT:
        if (p->agg_distinct[x->index] >= 0)
            return p->distinct[p->agg_distinct[x->index]].result;
        return p->arguments[p->agg_arguments[x->index]].count.bits ? p->arguments[p->agg_arguments[x->index]].count : p->rows;
    default:
        return none;
    }
}

/* Note a count; the least of the `keep` largest so far becomes the floor that others must reach. */
static void note_count(qn_packed *p, packed_local *l, uint64_t keep, uint64_t count)
{
    uint64_t *h = l->best, i;
    if (l->best_count < keep) {
        for (i = l->best_count++; i && h[(i - 1) / 2] > count; i = (i - 1) / 2)
            h[i] = h[(i - 1) / 2];
        h[i] = count;
    } else if (count > h[0]) {
        for (i = 0; 2 * i + 1 < keep;) {
            uint64_t child = 2 * i + 1;
            if (child + 1 < keep && h[child + 1] < h[child])
                child++;
            if (h[child] >= count)
                break;
            h[i] = h[child];
            i = child;
        }
        h[i] = count;
    }
    if (l->best_count == keep) {
        uint64_t floor = atomic_load_explicit(&p->floor, memory_order_relaxed);
        while (h[0] > floor && !atomic_compare_exchange_weak_explicit(&p->floor, &floor, h[0], memory_order_relaxed, memory_order_relaxed)) {
        }
    }
}

static packed_field leading_count(const qn_vm *vm, const qn_groups *g)
{
    const qn_sink *s = vm->pl->sink;
    return s ? leading_field(vm->exec, g, vm->pl->code, s->keep) : (packed_field){0};
}

static qn_status fold_partition(qn_vm *vm, qn_packed *p, packed_local *l, const packed_field *leading)
{
    uint64_t  n;
    qn_status st = take(vm->exec, p, l, group_parts, 0, (uint32_t)vm->morsel, p->together, &n, vm->err);
    if (st != QN_OK)
        return st;
    l->tuple_count = tuple_fold(&p->shape, l->tuples, n, l->heads, tuple_heads(n));
    atomic_fetch_add_explicit(&p->groups, l->tuple_count, memory_order_relaxed);
    if (!leading->bits)
        return QN_OK;
    uint64_t kept = 0, keep = vm->pl->sink->keep, floor = atomic_load_explicit(&p->floor, memory_order_relaxed);
    for (uint64_t i = 0; i < l->tuple_count; i++) {
        const uint64_t *t = l->tuples + i * p->words;
        uint64_t        count = field_get(leading, t);
        if (count < floor)
            continue;
        note_count(p, l, keep, count);
        floor = atomic_load_explicit(&p->floor, memory_order_relaxed);
        if (kept != i)
            memcpy(l->tuples + kept * p->words, t, p->words * sizeof *t);
        kept++;
    }
    l->tuple_count = kept;
    return QN_OK;
}

/* What orders groups that nothing else does: the same as in the generic table, so that no mode answers otherwise. */
static uint64_t tie_of(const qn_packed *p, const uint64_t *t, uint8_t *key)
{
    const group_layout *g = p->layout;
    if (p->first_row)
        return ~t[p->first_row];
    memset(key, 0, g->key_end);
    for (uint32_t i = 0; i < p->key_count; i++) {
        const packed_key *k = &p->keys[i];
        if (field_get(&k->null, t)) {
            key[g->nulls + i / 8] |= (uint8_t)(1u << (i % 8));
        } else if (k->by_id) {
            uint32_t id = (uint32_t)field_get(&k->value, t);
            uint64_t two[2];
            if (k->bank == QN_BANK_STR)
                memcpy(two, id_map_identity(&p->maps[k->map], id), sizeof two);
            else
                qn_value_identity((qn_sql_type)k->type, id_map_shown(&p->maps[k->map], id), two);
            memcpy(key + g->keys[i].identity, two, sizeof two);
        } else {
            int64_t x = (int64_t)(field_get(&k->value, t) + (uint64_t)k->base);
            memcpy(key + g->keys[i].identity, &x, 8);
        }
    }
    return groups_hash(key + g->key_begin, g->key_end - g->key_begin);
}

typedef struct last_kept {
    bool     known;
    uint64_t count, tie;
} last_kept;

/* The last of the rows that this worker's top-N keeps, where nothing but the count and the tie order them. */
static last_kept last_of_sink(const qn_vm *vm, const packed_field *leading)
{
    const qn_sink *s = vm->pl->sink;
    if (!leading->bits || s->plan->sort_count != 1)
        return (last_kept){0};
    const output_local *o = &s->locals[vm->worker];
    return (last_kept){o->has_boundary && o->boundary_known, (uint64_t)o->boundary_value.i64, o->boundary_tie};
}

qn_status packed_next(qn_vm *vm, qn_groups *g)
{
    qn_packed    *p = g->packed;
    packed_local *l = &p->locals[vm->worker];
    packed_field  leading = leading_count(vm, g);
    if (!vm->source_cursor) {
        qn_status st = fold_partition(vm, p, l, &leading);
        if (st != QN_OK)
            return st;
    }
    uint8_t *key = qn_arena_alloc(&vm->batch, g->layout.key_end);
    if (!key)
        return qn_nomem(vm->err);
    uint64_t floor = leading.bits ? atomic_load_explicit(&p->floor, memory_order_relaxed) : 0;
    last_kept last = last_of_sink(vm, &leading);
    vm->batch_first = vm->source_cursor;
    for (; vm->n < QN_LANES && vm->source_cursor < l->tuple_count; vm->source_cursor++) {
        uint64_t *t = l->tuples + vm->source_cursor * p->words;
        if (leading.bits && field_get(&leading, t) < floor)
            continue;
        uint64_t tie = tie_of(p, t, key);
        if (last.known && field_get(&leading, t) <= last.count && (field_get(&leading, t) < last.count || tie >= last.tie))
            continue;
        vm->source_group_rows[vm->n] = (uint8_t *)t;
        vm->ties[vm->n++] = tie;
    }
    return QN_OK;
}

/* ---- thresholds ------------------------------------------------------------------------------------------- */

typedef struct reach_job {
    qn_exec     *exec;
    qn_packed   *packed;
    packed_field leading;
    uint64_t     keep;
} reach_job;

/* Fold one partition and put it back, its largest counts noted. */
static qn_status fold_and_return(void *arg, int worker, uint64_t part, qn_error *err)
{
    const reach_job *job = arg;
    qn_packed       *p = job->packed;
    packed_local    *l = &p->locals[worker];
    uint64_t         n;
    qn_status        st = take(job->exec, p, l, group_parts, 0, (uint32_t)part, p->together, &n, err);
    if (st != QN_OK)
        return st;
    n = tuple_fold(&p->shape, l->tuples, n, l->heads, tuple_heads(n));
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t *t = l->tuples + i * p->words;
        uint64_t       *to = tuple_append(&l->parts, tuple_hash(t, p->shape.keys));
        if (!to)
            return qn_nomem(err);
        memcpy(to, t, p->words * sizeof *t);
        note_count(p, l, job->keep, field_get(&job->leading, t));
    }
    return QN_OK;
}

static int descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

qn_status packed_reached(qn_exec *exec, qn_groups *g, const qn_code_pipeline *reader, uint64_t keep, uint64_t *reached, qn_error *err)
{
    qn_packed *p = g->packed;
    reach_job  reach = {exec, p, leading_field(exec, g, reader, keep), keep};
    qn_job     job = {.count = packed_partitions(p), .max_workers = exec->workers, .run = fold_and_return, .arg = &reach,
                      .cancel = exec->settings.cancel};
    uint64_t   count = 0;
    *reached = 0;
    if (!reach.leading.bits)
        return QN_OK;
    qn_status st = qn_sched_run(exec->sched, &job, err);
    if (st != QN_OK)
        return st;
    uint64_t *best = qn_arena_array(&exec->arena, uint64_t, keep * (uint64_t)p->workers + 1);
    if (!best)
        return qn_nomem(err);
    for (int w = 0; w < p->workers; w++) {
        packed_local *l = &p->locals[w];
        memcpy(best + count, l->best, l->best_count * sizeof *best);
        count += l->best_count;
        l->best_count = 0;
        tuple_parts_seal(&l->parts);
    }
    qsort(best, count, sizeof *best, descending);
    *reached = count >= keep ? best[keep - 1] : 0;
    atomic_store(&p->floor, *reached);
    return QN_OK;
}

void packed_reset(qn_groups *g)
{
    qn_packed *p = g->packed;
    for (int w = 0; w < p->workers; w++) {
        packed_local *l = &p->locals[w];
        for (uint32_t i = 0; i < 1u << p->bits; i++) {
            tuple_part_free(&l->parts, &l->parts.parts[i]);
            if (l->chains)
                memset(&l->chains[i], 0, sizeof l->chains[i]);
            for (uint32_t d = 0; d < p->distinct_count; d++)
                tuple_part_free(&l->pairs[d], &l->pairs[d].parts[i]);
            for (uint32_t d = 0; d < p->distinct_count; d++)
                if (l->pair_chains[d])
                    memset(&l->pair_chains[d][i], 0, sizeof **l->pair_chains);
        }
        l->used_codes = l->used_rows = false;
    }
    atomic_store(&p->floor, 0);
    g->total = 0;
}

bool packed_key_value(const qn_packed *p, const uint8_t *row, uint32_t key, qn_datum *out)
{
    const uint64_t   *t = (const uint64_t *)(const void *)row;
    const packed_key *k = &p->keys[key];
    memset(out, 0, sizeof *out);
    if (field_get(&k->null, t))
        return false;
    if (k->by_id)
        *out = *id_map_shown(&p->maps[k->map], (uint32_t)field_get(&k->value, t));
    else
        out->i64 = (int64_t)(field_get(&k->value, t) + (uint64_t)k->base); /* little-endian: the low bytes are the value */
    return true;
}

qn_status packed_agg_value(const qn_packed *p, const uint8_t *row, uint32_t agg, qn_arena *arena, qn_datum *out, bool *null,
                           qn_error *err)
{
    const uint64_t        *t = (const uint64_t *)(const void *)row;
    const packed_argument *arg = p->agg_arguments[agg] >= 0 ? &p->arguments[p->agg_arguments[agg]] : NULL;
    _Alignas(16) uint8_t   state[64] = {0};
    const packed_field    *count = p->agg_distinct[agg] >= 0       ? &p->distinct[p->agg_distinct[agg]].result
                                   : arg && arg->count.bits ? &arg->count
                                                            : &p->rows;
    int64_t                n = (int64_t)field_get(count, t), extreme = 0;
    QN_ASSERT(p->states[agg].bytes <= sizeof state);
    if (arg && p->states[agg].kind == QN_AGG_MIN)
        extreme = (int64_t)(~t[arg->smallest] ^ 1ull << 63);
    else if (arg && p->states[agg].kind == QN_AGG_MAX)
        extreme = (int64_t)(t[arg->largest] ^ 1ull << 63);
    agg_state_set(&p->states[agg], state, n, arg && arg->sum.bits ? (qn_i128)field_get(&arg->sum, t) + (qn_i128)arg->base * n : 0, extreme);
    return agg_finish(&p->states[agg], state, arena, out, null, err);
}
