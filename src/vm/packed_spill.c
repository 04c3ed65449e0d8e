/* Tuples on disk: what packed grouping does when the memory limit draws near.
 *
 * Tuples are bare words, so a partition goes to the execution's temporary file as it is (spill.h) and comes back the
 * same way, together with what of it stayed in memory, when its morsel is folded. */
#include "vm/packed_int.h"

#define SPILL_LEAST (512u << 10) /* a worker that holds less keeps it */

static bool chains_make(qn_packed *p, spill_chain **chains)
{
    if (!*chains)
        *chains = qn_alloc0(p->mem, sizeof **chains << p->bits);
    return *chains != NULL;
}

static qn_status parts_write(qn_exec *exec, tuple_parts *parts, spill_chain *chains, qn_error *err)
{
    spill_writer w;
    size_t       bytes = parts->words * sizeof(uint64_t);
    qn_status    st = spill_writer_init(&w, &exec->spill, parts->mem, err);
    if (st != QN_OK)
        return st;
    tuple_parts_seal(parts);
    for (uint32_t i = 0; i < 1u << parts->bits && st == QN_OK; i++) {
        tuple_part *part = &parts->parts[i];
        for (const tuple_chunk *c = part->first; c && st == QN_OK; c = c->next)
            for (uint32_t at = 0; at < c->used && st == QN_OK; at += parts->words) {
                uint8_t *row;
                st = spill_writer_row(&w, &chains[i], bytes, &row, err);
                if (st == QN_OK)
                    memcpy(row, c->words + at, bytes);
            }
        if (st == QN_OK)
            tuple_part_free(parts, part);
    }
    if (st == QN_OK)
        st = spill_writer_flush(&w, err);
    spill_writer_deinit(&w);
    return st;
}

qn_status packed_spill(qn_exec *exec, qn_packed *p, int worker, bool pairs, qn_error *err)
{
    packed_local *l = &p->locals[worker];
    uint64_t      held = atomic_load_explicit(&l->parts.held, memory_order_relaxed);
    qn_status     st = QN_OK;
    if (!exec->spill.vfs || !exec_over_budget(exec))
        return QN_OK;
    for (uint32_t d = 0; pairs && d < p->distinct_count; d++)
        held += atomic_load_explicit(&l->pairs[d].held, memory_order_relaxed);
    if (held < SPILL_LEAST)
        return QN_OK;
    if (!chains_make(p, &l->chains))
        return qn_nomem(err);
    st = parts_write(exec, &l->parts, l->chains, err);
    for (uint32_t d = 0; pairs && d < p->distinct_count && st == QN_OK; d++)
        st = chains_make(p, &l->pair_chains[d]) ? parts_write(exec, &l->pairs[d], l->pair_chains[d], err) : qn_nomem(err);
    return st;
}

qn_status packed_read_back(qn_exec *exec, qn_packed *p, spill_chain *chain, uint32_t words, uint64_t *out, qn_error *err)
{
    spill_reader r;
    qn_arena     arena;
    bool         more = true;
    qn_status    st = QN_OK;
    if (!chain->rows)
        return QN_OK;
    qn_arena_init(&arena, p->mem);
    spill_reader_init(&r, &exec->spill, chain);
    for (st = spill_reader_next(&r, &arena, &more, err); more && st == QN_OK; st = spill_reader_next(&r, &arena, &more, err)) {
        size_t         bytes = (size_t)r.rows * words * sizeof *out;
        const uint8_t *data;
        st = spill_reader_take(&r, bytes, &data, err);
        if (st != QN_OK)
            break;
        memcpy(out, data, bytes);
        out += (size_t)r.rows * words;
        qn_arena_reset(&arena);
    }
    qn_arena_deinit(&arena);
    memset(chain, 0, sizeof *chain);
    return st;
}

void packed_chains_free(qn_packed *p, packed_local *l)
{
    if (l->chains)
        qn_free(p->mem, l->chains, sizeof *l->chains << p->bits);
    for (uint32_t d = 0; l->pair_chains && d < p->distinct_count; d++)
        if (l->pair_chains[d])
            qn_free(p->mem, l->pair_chains[d], sizeof **l->pair_chains << p->bits);
}
