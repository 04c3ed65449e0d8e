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
 * Not here: the sets of DISTINCT (they keep their groups in memory), and groups without keys. */
#include "vm/machine.h"

#include "base/assert.h"

#define PASSES_MAX 256u
#define PASS_SHIFT 40 /* hash bits below those of the partition; the tables use the lowest ones */

bool groups_can_spill(const qn_exec *exec, const qn_groups *g)
{
    return exec->spill.vfs && g->layout.key_count && !g->distinct_count;
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

/* A worker's table, in the order of partitions. */
static qn_status write_table(const qn_groups *g, spill_writer *w, group_local *l, qn_error *err)
{
    uint32_t  starts[GROUP_PARTITIONS + 1] = {0};
    uint32_t  n = l->table.count;
    size_t    bytes = qn_mul(n + 1, sizeof(uint32_t));
    uint32_t *order = qn_alloc(g->mem, bytes);
    qn_status st = QN_OK;
    if (!order)
        return qn_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        starts[group_partition(*group_hash(group_row(&l->table, i))) + 1]++;
    for (uint32_t p = 0; p < GROUP_PARTITIONS; p++)
        starts[p + 1] += starts[p];
    for (uint32_t i = 0; i < n; i++)
        order[starts[group_partition(*group_hash(group_row(&l->table, i)))]++] = i;
    for (uint32_t i = 0; i < n && st == QN_OK; i++) {
        uint8_t *row = group_row(&l->table, order[i]);
        st = write_row(g, w, &l->chains[group_partition(*group_hash(row))], row, err);
    }
    qn_free(g->mem, order, bytes);
    return st;
}

qn_status groups_spill_local(qn_exec *exec, qn_groups *g, int worker, qn_error *err)
{
    group_local *l = &g->locals[worker];
    spill_writer w;
    if (!l->chains) {
        l->chains = qn_alloc0(g->mem, GROUP_PARTITIONS * sizeof *l->chains);
        if (!l->chains)
            return qn_nomem(err);
    }
    qn_status st = spill_writer_init(&w, &exec->spill, g->mem, err);
    if (st != QN_OK)
        return st;
    st = write_table(g, &w, l, err);
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

static qn_status unpack_row(const qn_groups *g, spill_reader *r, uint8_t *row, uint32_t pass, uint32_t passes, bool *wanted,
                            qn_arena *arena, qn_error *err)
{
    const group_layout *l = &g->layout;
    const uint8_t      *from;
    uint64_t            length;
    qn_status           st = spill_reader_take(r, 8, &from, err);
    if (st != QN_OK)
        return st;
    memcpy(&length, from, 8);
    st = spill_reader_take(r, length, &from, err);
    if (st == QN_OK && length < l->row_bytes)
        st = qn_corrupt(err, "temporary file: a group row of %llu bytes", (unsigned long long)length);
    if (st != QN_OK)
        return st;
    memcpy(row, from, l->row_bytes);
    *wanted = ((*group_hash(row) >> PASS_SHIFT) & (passes - 1)) == pass;
    if (!*wanted)
        return QN_OK;
    spill_reader in = {.file = r->file, .at = from + l->row_bytes, .end = from + length};
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
    for (uint32_t i = 0; i < r->rows; i++) {
        qn_status st;
        uint8_t  *row = mine->key_row;
        bool      wanted = true;
        if (l->refers) {
            st = unpack_row(g, r, row, mine->pass, mine->passes, &wanted, &mine->loaded_arena, err);
        } else {
            const uint8_t *from;
            st = spill_reader_take(r, l->row_bytes, &from, err);
            if (st == QN_OK) {
                memcpy(row, from, l->row_bytes);
                wanted = ((*group_hash(row) >> PASS_SHIFT) & (mine->passes - 1)) == mine->pass;
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
    qn_arena_reset(&mine->loaded_arena);
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
            if (!g->layout.refers)
                qn_arena_reset(arena);
            if (is_cancelled(exec))
                return qn_fail(err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request");
            st = spill_reader_next(&r, arena, &more, err);
            if (st == QN_OK && more)
                st = merge_extent(g, mine, &r, err);
        }
    }
    atomic_fetch_add_explicit(&g->loaded, mine->loaded.count, memory_order_relaxed);
    return st;
}
