/* LIMIT without ORDER BY: the groups are fixed before the rows are counted.
 *
 * Such a query takes the groups that come first in row order.  So the first rows are read until there are as many
 * groups as LIMIT takes; after that no other group matters.  The one key column that tells most groups apart gives
 * each block a set of codes, rows outside it are skipped, and of the rest only rows of the fixed groups are folded. */
#include "vm/packed_int.h"

#include <stdlib.h>
#include "base/assert.h"

#define FIXED_MAX 1024u
#define BLOCKS_TRIED 2u /* without enough groups in them the groups are few: all may as well be kept */

struct packed_fixed {
    bool       finding, done;
    uint64_t   keep, count;
    uint64_t  *keys;       /* key words of each group */
    uint32_t  *heads;
    uint64_t   heads_size;
    uint32_t   column;     /* of the table, whose codes select rows; QN_NO_COLUMN: none does */
    uint32_t   key;        /* the same as a key */
    bool       null;       /* some group has NULL there */
    qn_datum  *values;     /* distinct, of the groups */
    uint32_t   value_count;
    qn_arena   arena;
};

static bool find_or_add(packed_fixed *f, const uint64_t *key, uint32_t words, bool add)
{
    uint64_t at = tuple_hash(key, words) & (f->heads_size - 1);
    for (; f->heads[at]; at = (at + 1) & (f->heads_size - 1))
        if (!memcmp(f->keys + (uint64_t)(f->heads[at] - 1) * words, key, words * sizeof *key))
            return true;
    if (!add)
        return false;
    memcpy(f->keys + f->count * words, key, words * sizeof *key);
    f->heads[at] = (uint32_t)++f->count;
    return true;
}

qn_status packed_fixed_note(qn_vm *vm, qn_packed *p, uint32_t n)
{
    packed_fixed *f = p->fixed;
    packed_local *l = &p->locals[vm->worker];
    for (uint32_t j = 0; j < n && !f->done; j++) {
        uint64_t key[TUPLE_MAX_KEYS];
        for (uint32_t w = 0; w < p->shape.keys; w++)
            key[w] = l->lanes[w][j];
        find_or_add(f, key, p->shape.keys, true);
        f->done = f->count == f->keep;
    }
    return QN_OK;
}

bool packed_fixed_finding(const qn_packed *p) { return p->fixed && p->fixed->finding; }
bool packed_fixed_done(const qn_packed *p) { return p->fixed && p->fixed->finding && p->fixed->done; }

uint32_t packed_fixed_keep(const qn_packed *p, packed_local *l, const uint16_t *lanes, uint16_t *kept, uint32_t n)
{
    uint32_t m = 0;
    for (uint32_t j = 0; j < n; j++) {
        uint64_t key[TUPLE_MAX_KEYS];
        for (uint32_t w = 0; w < p->shape.keys; w++)
            key[w] = l->lanes[w][j];
        if (!find_or_add(p->fixed, key, p->shape.keys, false))
            continue;
        for (uint32_t w = 0; w < p->shape.keys; w++)
            l->lanes[w][m] = key[w];
        kept[m++] = lanes[j];
    }
    return m;
}

/* ---- selecting rows ---------------------------------------------------------------------------------- */

qn_status packed_fixed_select(qn_vm *vm, qn_groups *g, bool *none)
{
    const packed_fixed *f = g->packed ? g->packed->fixed : NULL;
    *none = false;
    if (!f || f->finding || f->column == QN_NO_COLUMN)
        return QN_OK;
    const qn_block_column *c = qn_block_column_at(vm->scan.block, f->column);
    if (c->kind != QN_COL_DICT)
        return QN_OK;
    qn_codeset set = {.bits = qn_arena_alloc0(&vm->block, ((size_t)c->distinct + 64) / 64 * 8)};
    if (!set.bits)
        return qn_nomem(vm->err);
    if (f->null && c->null_count)
        bit_set(set.bits, 0);
    for (uint32_t i = 0; i < f->value_count && c->distinct; i++) {
        uint32_t  first, end;
        qn_status st = qn_block_search(vm->scan.block, f->column, &f->values[i], &first, &end, vm->err);
        if (st != QN_OK)
            return st;
        for (; first < end; first++)
            bit_set(set.bits, first);
    }
    return scan_select(vm, f->column, &set, none);
}

/* ---- finding the groups --------------------------------------------------------------------------------- */

static qn_status values_of(qn_packed *p, packed_fixed *f, qn_error *err)
{
    const packed_key *k = &p->keys[f->key];
    f->values = qn_arena_array(&f->arena, qn_datum, f->count + 1);
    if (!f->values)
        return qn_nomem(err);
    for (uint64_t i = 0; i < f->count; i++) {
        qn_datum d;
        bool     seen = false;
        if (!packed_key_value(p, (const uint8_t *)(f->keys + i * p->shape.keys), f->key, &d)) {
            f->null = true;
            continue;
        }
        if (k->by_id) {
            qn_status st = lazy_resolve(p->table, &d.str, NULL, NULL, 1, &f->arena, err);
            if (st != QN_OK)
                return st;
        }
        for (uint32_t j = 0; j < f->value_count && !seen; j++)
            seen = qn_value_compare((qn_sql_type)k->type, &d, &f->values[j]) == 0;
        if (!seen)
            f->values[f->value_count++] = d;
    }
    return QN_OK;
}

/* Integers are found in a block's list faster than text; of several columns the one with most values is best. */
static void choose_column(const qn_packed *p, const qn_aggregation *a, packed_fixed *f)
{
    uint64_t most = 0;
    f->column = QN_NO_COLUMN;
    for (uint32_t pass = 0; pass < 2 && f->column == QN_NO_COLUMN; pass++)
        for (uint32_t i = 0; i < a->key_count; i++) {
            uint64_t entries = 0;
            if (a->keys[i]->kind != QN_EXPR_COLUMN || p->keys[i].by_id != (pass == 1))
                continue;
            for (uint32_t b = 0; b < p->table->block_count; b++)
                entries += qn_block_column_at(p->table->blocks[b].block, a->keys[i]->index)->distinct;
            if (entries > most) {
                most = entries;
                f->column = a->keys[i]->index;
                f->key = i;
            }
        }
}

void packed_fixed_free(packed_fixed *f)
{
    if (f)
        qn_arena_deinit(&f->arena);
}

qn_status packed_fix(qn_exec *exec, pipeline_state *pl, uint64_t keep, qn_error *err)
{
    qn_groups *g = pl->groups;
    qn_packed *p = g->packed;
    qn_status  st = QN_OK;
    if (!p || !keep || keep > FIXED_MAX || !pl->morsels)
        return QN_OK;
    packed_fixed *f = qn_arena_new(&exec->arena, packed_fixed);
    if (!f)
        return qn_nomem(err);
    qn_arena_init(&f->arena, p->mem);
    p->fixed = f;
    f->keep = keep;
    f->heads_size = tuple_heads(keep);
    f->keys = qn_arena_array(&f->arena, uint64_t, keep * p->shape.keys);
    f->heads = qn_arena_array(&f->arena, uint32_t, f->heads_size);
    if (!f->keys || !f->heads)
        return qn_nomem(err);
    f->finding = true;
    for (uint64_t m = 0; m < pl->morsels && m < BLOCKS_TRIED && !f->done && st == QN_OK; m++)
        st = exec_run_morsel(pl, m, err);
    if (st != QN_OK)
        return st;
    f->finding = false;
    if (!f->done) {
        packed_fixed_free(f);
        p->fixed = NULL;
        return QN_OK;
    }
    choose_column(p, g->plan, f);
    return f->column == QN_NO_COLUMN ? QN_OK : values_of(p, f, err);
}
