/* Group rows that do not fit the memory limit: whole hash partitions on disk (the file: spill.c).
 *
 * While rows are folded, a worker that finds the execution over its budget writes all it has, partition after
 * partition, each to its own chain, and starts afresh with empty memory: after (Graefe, "Query Evaluation Techniques for
 * Large Databases", 1993) partitioning by hash, overflow avoidance with partial aggregation before writing.
 * At the breaker what is left in memory follows, and nothing is merged yet.
 *
 * A partition is merged when the next pipeline takes it as its morsel, into a table of that worker, and is dropped with
 * the morsel: the peak is one partition per worker.  A partition that alone exceeds the worker's share is read several
 * times, each time keeping the rows with another value of further hash bits: only reading is repeated, and one group
 * is never divided.
 *
 * A row is written as it lies in memory; when keys or states may refer to something outside (long text, long numerics,
 * wide sums, the pieces of string_agg), as its length, itself, and what it refers to, in the order of the layout.
 * Lazy text stays a reference into blocks.
 *
 * Invariants
 *   - Rows on disk own nothing: what a row owned is released when it is written.
 *   - A worker hands over only where no batch or code array refers to its rows.
 *
 * The sets of DISTINCT, pairs of group and value, are written likewise, alone or with their groups, and folded into the
 * groups of a partition when that is loaded; further passes over the pairs' own hash bits keep the unique ones in memory.
 *
 * Not here: groups without keys, of which there is one; their sets may be on disk. */
#include "vm/machine.h"

#include "base/assert.h"

#define PASSES_MAX 256u

const spill_pass spill_one_pass = {0, 1, 0, NULL};

bool groups_can_spill(const qn_exec *exec, const qn_groups *g)
{
    return exec->spill.vfs && g->layout.key_count;
}

/* ---- writing --------------------------------------------------------------------------------------- */

static size_t outside_bytes(const group_layout *l, const uint8_t *row)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < l->key_count; i++)
        if (l->keys[i].payload)
            bytes += spill_value_bytes((qn_bank)l->keys[i].bank, row + l->keys[i].payload);
    for (uint32_t a = 0; a < l->agg_count; a++)
        bytes += agg_packed_bytes(&l->aggs[a], row);
    return bytes;
}

static qn_status write_row(const qn_groups *g, spill_writer *w, spill_chain *chain, uint8_t *row, qn_error *err)
{
    const group_layout *l = &g->layout;
    uint8_t            *out;
    if (!l->refers) {
        qn_status st = spill_writer_row(w, chain, l->row_bytes, &out, err);
        if (st == QN_OK)
            memcpy(out, row, l->row_bytes);
        return st;
    }
    size_t    bytes = l->row_bytes + outside_bytes(l, row);
    qn_status st = spill_writer_row(w, chain, 8 + bytes, &out, err);
    if (st != QN_OK)
        return st;
    uint64_t length = bytes;
    memcpy(out, &length, 8);
    memcpy(out + 8, row, l->row_bytes);
    out += 8 + l->row_bytes;
    for (uint32_t i = 0; i < l->key_count; i++)
        if (l->keys[i].payload)
            out = spill_value_pack((qn_bank)l->keys[i].bank, row + l->keys[i].payload, out);
    for (uint32_t a = 0; a < l->agg_count; a++)
        out = agg_pack(&l->aggs[a], row, out);
    if (l->owns_memory)
        groups_release_row(g, row);
    return QN_OK;
}

/* A pair of a DISTINCT set: as it is, or with its length where the value may lie outside. */
static bool pair_refers(const qn_groups *g, const distinct_layout *d)
{
    uint8_t bank = g->layout.aggs[d->agg].arg_bank;
    return d->payload && (bank == QN_BANK_STR || bank == QN_BANK_NUM);
}

static qn_status write_pair(const qn_groups *g, const distinct_layout *d, spill_writer *w, spill_chain *chain, const uint8_t *row,
                            qn_error *err)
{
    qn_bank  bank = (qn_bank)g->layout.aggs[d->agg].arg_bank;
    size_t   outside = pair_refers(g, d) ? spill_value_bytes(bank, row + d->payload) : 0;
    uint8_t *out;
    uint64_t length = d->row_bytes + outside;
    size_t   prefix = pair_refers(g, d) ? sizeof length : 0;
    qn_status st = spill_writer_row(w, chain, prefix + length, &out, err);
    if (st != QN_OK)
        return st;
    memcpy(out, &length, prefix);
    memcpy(out + prefix, row, d->row_bytes);
    if (outside)
        spill_value_pack(bank, row + d->payload, out + prefix + d->row_bytes);
    return QN_OK;
}

/* The rows of a table in the order of partitions, by the hash at an offset: group rows, or with d, pairs. */
static qn_status write_table(const qn_groups *g, const distinct_layout *d, spill_writer *w, spill_chain *chains, const group_table *t,
                             uint32_t offset, qn_error *err)
{
    uint32_t  starts[GROUP_PARTITIONS + 1] = {0};
    uint32_t  n = t->count;
    size_t    bytes = qn_mul(n + 1, sizeof(uint32_t));
    uint32_t *order = qn_alloc(g->mem, bytes);
    qn_status st = QN_OK;
    if (!order)
        return qn_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        starts[group_partition(*group_hash(group_row(t, i) + offset)) + 1]++;
    for (uint32_t p = 0; p < GROUP_PARTITIONS; p++)
        starts[p + 1] += starts[p];
    for (uint32_t i = 0; i < n; i++)
        order[starts[group_partition(*group_hash(group_row(t, i) + offset))]++] = i;
    for (uint32_t i = 0; i < n && st == QN_OK; i++) {
        uint8_t     *row = group_row(t, order[i]);
        spill_chain *chain = &chains[group_partition(*group_hash(row + offset))];
        st = d ? write_pair(g, d, w, chain, row, err) : write_row(g, w, chain, row, err);
    }
    qn_free(g->mem, order, bytes);
    return st;
}

static bool chains_ready(const qn_groups *g, spill_chain **chains)
{
    if (!*chains)
        *chains = qn_alloc0(g->mem, GROUP_PARTITIONS * sizeof **chains);
    return *chains != NULL;
}

/* Without keys the values themselves are spread over the partitions. */
static uint32_t pair_offset(const qn_groups *g, const distinct_layout *d) { return g->layout.key_count ? d->group_hash : 0; }

bool groups_set_to_disk(const qn_exec *exec, const qn_groups *g, const distinct_layout *layout, const distinct_set *set)
{
    (void)g;
    return exec->spill.vfs && spill_instead(exec, set->parts, layout->row_bytes);
}

qn_status groups_spill_set(qn_exec *exec, qn_groups *g, int worker, uint32_t d, qn_error *err)
{
    distinct_set          *set = &g->locals[worker].sets[d];
    const distinct_layout *layout = &g->distinct[d];
    spill_writer           w;
    if (!chains_ready(g, &set->chains))
        return qn_nomem(err);
    qn_status st = spill_writer_init(&w, &exec->spill, g->mem, err);
    if (st != QN_OK)
        return st;
    st = write_table(g, layout, &w, set->chains, &set->table, pair_offset(g, layout), err);
    for (uint32_t p = 0; p < GROUP_PARTITIONS && st == QN_OK; p++) {
        for (uint64_t i = 0; i < set->parts[p].count && st == QN_OK; i++)
            st = write_pair(g, layout, &w, &set->chains[p], buffer_row(&set->parts[p], i, layout->row_bytes), err);
        if (st == QN_OK)
            buffer_free(&set->parts[p], g->mem, layout->row_bytes);
    }
    if (st == QN_OK)
        st = spill_writer_flush(&w, err);
    spill_writer_deinit(&w);
    if (st == QN_OK) {
        group_table_deinit(&set->table);
        group_table_init(&set->table, g->mem, layout->row_bytes);
    }
    return st;
}

qn_status groups_spill_local(qn_exec *exec, qn_groups *g, int worker, qn_error *err)
{
    group_local *l = &g->locals[worker];
    spill_writer w;
    qn_status    st = QN_OK;
    for (uint32_t d = 0; d < g->distinct_count && st == QN_OK; d++) /* their values lie in the same arena */
        st = groups_spill_set(exec, g, worker, d, err);
    if (st == QN_OK && !chains_ready(g, &l->chains))
        st = qn_nomem(err);
    if (st == QN_OK)
        st = spill_writer_init(&w, &exec->spill, g->mem, err);
    if (st != QN_OK)
        return st;
    st = write_table(g, NULL, &w, l->chains, &l->table, 0, err);
    for (uint32_t p = 0; p < GROUP_PARTITIONS && st == QN_OK; p++) {
        for (uint64_t i = 0; i < l->parts[p].count && st == QN_OK; i++)
            st = write_row(g, &w, &l->chains[p], buffer_row(&l->parts[p], i, g->layout.row_bytes), err);
        if (st == QN_OK)
            buffer_free(&l->parts[p], g->mem, g->layout.row_bytes);
    }
    if (st == QN_OK)
        st = spill_writer_flush(&w, err);
    spill_writer_deinit(&w);
    if (st != QN_OK)
        return st;
    group_table_deinit(&l->table);
    group_table_init(&l->table, g->mem, g->layout.row_bytes);
    qn_arena_deinit(&l->arena);
    qn_arena_init(&l->arena, g->mem);
    l->flushed = true;
    atomic_store_explicit(&g->spilled, true, memory_order_relaxed);
    return QN_OK;
}

typedef struct finish_job {
    qn_exec   *exec;
    qn_groups *g;
} finish_job;

static qn_status finish_worker(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    finish_job *job = arg;
    (void)worker;
    return groups_spill_local(job->exec, job->g, (int)morsel, err);
}

qn_status groups_spill_finish(qn_exec *exec, qn_groups *g, qn_error *err)
{
    finish_job f = {exec, g};
    qn_job     job = {.count = (uint64_t)g->workers, .max_workers = exec->workers, .run = finish_worker, .arg = &f,
                      .cancel = exec->settings.cancel};
    qn_status  st = qn_sched_run(exec->sched, &job, err);
    g->part_count = GROUP_PARTITIONS;
    g->total = 0;
    for (int w = 0; w < g->workers && g->locals[w].chains; w++)
        for (uint32_t p = 0; p < GROUP_PARTITIONS; p++)
            g->total += g->locals[w].chains[p].rows; /* at most so many groups */
    return st;
}

/* ---- reading --------------------------------------------------------------------------------------- */

/* In how many passes a partition is read. */
static uint32_t passes_for(const qn_exec *exec, const qn_groups *g, uint32_t part)
{
    uint64_t bytes = 0, share = exec_share(exec);
    uint32_t passes = 1;
    for (int w = 0; w < g->workers; w++) {
        const spill_chain *c = &g->locals[w].chains[part];
        bytes += c->rows * (g->layout.row_bytes + 16) + (g->layout.refers ? c->bytes : 0);
    }
    while (passes < PASSES_MAX && bytes / passes > share)
        passes *= 2;
    return passes;
}

/* A row with its length before it; `in` has what it refers to. */
static qn_status take_row(spill_reader *r, uint32_t row_bytes, const uint8_t **row, spill_reader *in, qn_error *err)
{
    const uint8_t *from;
    uint64_t       length;
    qn_status      st = spill_reader_take(r, 8, &from, err);
    if (st != QN_OK)
        return st;
    memcpy(&length, from, 8);
    st = spill_reader_take(r, length, &from, err);
    if (st == QN_OK && length < row_bytes)
        st = qn_corrupt(err, "temporary file: a row of %llu bytes", (unsigned long long)length);
    if (st != QN_OK)
        return st;
    *row = from;
    *in = (spill_reader){.file = r->file, .at = from + row_bytes, .end = from + length};
    return QN_OK;
}

static qn_status unpack_row(const qn_groups *g, spill_reader *r, uint8_t *row, const spill_pass *pass, bool *wanted, qn_arena *arena,
                            qn_error *err)
{
    const group_layout *l = &g->layout;
    const uint8_t      *from;
    spill_reader        in;
    qn_status           st = take_row(r, l->row_bytes, &from, &in, err);
    if (st != QN_OK)
        return st;
    memcpy(row, from, l->row_bytes);
    *wanted = spill_pass_wants(pass, *group_hash(row));
    if (!*wanted)
        return QN_OK;
    for (uint32_t i = 0; i < l->key_count && st == QN_OK; i++)
        if (l->keys[i].payload)
            st = spill_value_unpack((qn_bank)l->keys[i].bank, row + l->keys[i].payload, &in, arena, err);
    uint32_t a = 0;
    for (; a < l->agg_count && st == QN_OK; a++) {
        st = agg_unpack(&l->aggs[a], row, &in, arena, g->mem, err);
        if (st != QN_OK)
            break;
    }
    while (st != QN_OK && a-- > 0)
        agg_release(&l->aggs[a], row, g->mem);
    return st;
}

static qn_status merge_extent(qn_groups *g, group_local *mine, spill_reader *r, qn_error *err)
{
    const group_layout *l = &g->layout;
    spill_pass          pass = {mine->pass, mine->passes, 0, NULL};
    for (uint32_t i = 0; i < r->rows; i++) {
        qn_status st;
        uint8_t  *row = mine->key_row;
        bool      wanted = true;
        if (l->refers) {
            st = unpack_row(g, r, row, &pass, &wanted, &mine->loaded_arena, err);
        } else {
            const uint8_t *from;
            st = spill_reader_take(r, l->row_bytes, &from, err);
            if (st == QN_OK) {
                memcpy(row, from, l->row_bytes);
                wanted = spill_pass_wants(&pass, *group_hash(row));
            }
        }
        if (st == QN_OK && wanted) {
            st = groups_merge_row(g, &mine->loaded, row, &mine->loaded_arena, err);
            if (l->owns_memory)
                groups_release_row(g, row); /* what was not moved into the table */
        }
        if (st != QN_OK)
            return st;
    }
    return QN_OK;
}

static void unload(qn_groups *g, group_local *l)
{
    groups_release_table(g, &l->loaded);
    group_table_clear(&l->loaded);
}

void groups_unload(qn_groups *g, int worker)
{
    group_local *l = &g->locals[worker];
    if (!l->loading)
        return;
    unload(g, l);
    group_table_deinit(&l->loaded);
    qn_arena_deinit(&l->loaded_arena);
    qn_arena_deinit(&l->extent_arena);
    l->loading = false;
}

static bool is_cancelled(const qn_exec *exec)
{
    return exec->settings.cancel && atomic_load_explicit(exec->settings.cancel, memory_order_relaxed);
}

qn_status groups_load(qn_exec *exec, qn_groups *g, int worker, uint32_t part, uint32_t pass, qn_error *err)
{
    group_local *mine = &g->locals[worker];
    qn_status    st = QN_OK;
    if (!mine->loading) {
        group_table_init(&mine->loaded, g->mem, g->layout.row_bytes);
        qn_arena_init(&mine->loaded_arena, g->mem);
        qn_arena_init(&mine->extent_arena, g->mem);
        mine->loading = true;
    }
    unload(g, mine);
    qn_arena_deinit(&mine->loaded_arena);
    qn_arena_init(&mine->loaded_arena, g->mem);
    if (!pass)
        mine->passes = passes_for(exec, g, part);
    mine->pass = pass;
    for (int w = 0; w < g->workers && st == QN_OK; w++) {
        spill_reader r;
        bool         more = true;
        spill_reader_init(&r, &exec->spill, &g->locals[w].chains[part]);
        while (more && st == QN_OK) {
            /* rows may refer to the extent they came in; else its memory serves the next one */
            qn_arena *arena = g->layout.refers ? &mine->loaded_arena : &mine->extent_arena;
            if (!g->layout.refers) { /* not only reset: it would keep each piece too small for the next extent */
                qn_arena_deinit(arena);
                qn_arena_init(arena, g->mem);
            }
            if (is_cancelled(exec))
                return qn_fail(err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request");
            st = spill_reader_next(&r, arena, &more, err);
            if (st == QN_OK && more)
                st = merge_extent(g, mine, &r, err);
        }
    }
    spill_pass of_groups = {pass, mine->passes, 0, NULL};
    for (uint32_t d = 0; d < g->distinct_count && st == QN_OK; d++)
        st = groups_fold_distinct(g, d, part, &mine->loaded, &of_groups, &mine->loaded_arena, err);
    atomic_fetch_add_explicit(&g->loaded, mine->loaded.count, memory_order_relaxed);
    return st;
}

/* ---- the pairs of DISTINCT ----------------------------------------------------------------------------- */

uint32_t groups_pair_passes(const qn_groups *g, uint32_t d, uint32_t part, uint32_t group_passes)
{
    const distinct_layout *layout = &g->distinct[d];
    uint64_t               bytes = 0, share = exec_share(g->exec);
    uint32_t               passes = 1;
    for (int w = 0; w < g->workers; w++) {
        const distinct_set *set = &g->locals[w].sets[d];
        uint64_t            rows = set->parts[part].count;
        if (set->chains) {
            rows += set->chains[part].rows;
            bytes += pair_refers(g, layout) ? set->chains[part].bytes : 0;
        }
        bytes += rows * (layout->row_bytes + 16);
    }
    while (passes < PASSES_MAX && bytes / group_passes / passes > share)
        passes *= 2;
    return passes;
}

qn_status groups_read_pairs(qn_groups *g, uint32_t d, const spill_chain *chain, const spill_pass *pass, group_table *unique,
                            qn_arena *arena, pair_fn fn, qn_error *err)
{
    const distinct_layout *layout = &g->distinct[d];
    bool                   refers = pair_refers(g, layout), more = true;
    qn_bank                bank = (qn_bank)g->layout.aggs[layout->agg].arg_bank;
    spill_reader           r;
    qn_status              st = QN_OK;
    qn_arena               extents, *into = refers ? arena : &extents;
    uint8_t               *row = qn_arena_alloc(arena, layout->row_bytes);
    if (!row)
        return qn_nomem(err);
    qn_arena_init(&extents, g->mem);
    spill_reader_init(&r, &g->exec->spill, chain);
    while (more && st == QN_OK) {
        qn_arena_deinit(&extents);
        qn_arena_init(&extents, g->mem);
        st = is_cancelled(g->exec) ? qn_fail(err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request")
                                   : spill_reader_next(&r, into, &more, err);
        for (uint32_t i = 0; more && i < r.rows && st == QN_OK; i++) {
            const uint8_t *from;
            spill_reader   in = {.file = r.file};
            st = refers ? take_row(&r, layout->row_bytes, &from, &in, err) : spill_reader_take(&r, layout->row_bytes, &from, err);
            if (st != QN_OK)
                break;
            memcpy(row, from, layout->row_bytes);
            if (!spill_pass_wants(pass, *group_hash(row)) || !spill_pass_wants(pass->of_groups, *group_hash(row + layout->group_hash)))
                continue;
            if (refers)
                st = spill_value_unpack(bank, row + layout->payload, &in, arena, err);
            if (st == QN_OK)
                st = fn(g, d, unique, row, err);
        }
    }
    qn_arena_deinit(&extents);
    return st;
}
