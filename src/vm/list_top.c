/* GROUP BY one column ORDER BY count DESC LIMIT k without counting every value: threshold top-N.
 *
 * Each block knows how often each of its values occurs.  A value that occurs T times in all occurs at least T / blocks
 * times in some block, so with a T that k values are known to reach, only values that frequent somewhere can be among
 * the first k (the three-phase algorithm of Cao and Wang 2004, which is exact):
 *
 *   1. note the most frequent values of each block; what they sum up to is a lower bound of their totals, and the
 *      k-th largest sum is T;
 *   2. note every value that occurs T / blocks times in some block: the candidates;
 *   3. fold the candidates' counts from all blocks, as any grouping does (packed.c).
 *
 * With several keys, filters or count(DISTINCT x), a group has at most as many rows as any of its key values has in
 * the table.  So a first threshold t is guessed from the histograms, low enough to leave a sixteenth of the rows, and
 * only rows of values that may reach it are grouped.  If the k-th group then has t rows or more, no value left out
 * can matter; otherwise its count is the threshold of a second, final pass, or all rows are read.
 *
 * The histograms of counts in the headers tell beforehand whether it pays: where counts are all alike everything is a
 * candidate, and the ordinary walk over all values is taken.  NULL takes no part in phases 1 and 2 and is always
 * folded. */
#include "vm/lists.h"
#include "vm/packed.h"
#include "vm/tuples.h"

#include <stdlib.h>
#include "base/assert.h"

#define ENTRIES_MIN 32768u   /* fewer values are folded at once */
#define BLOOM_PER_VALUE 256u /* bits of the first test for each candidate */

enum { PHASE_FREQUENT = 1, PHASE_CANDIDATES, PHASE_FOLD };

typedef struct noted { /* a worker's */
    uint64_t *tuples; /* identity (2 words), count */
    uint64_t  count, room;
} noted;

struct qn_list_top {
    qn_mem   *mem;
    int       phase, workers;
    uint32_t  column;
    bool      text;
    uint64_t  keep;
    uint64_t  least;    /* phase 2: count in one block */
    bool      rows;     /* rows are to be folded, not values */
    uint64_t  threshold; /* rows: groups of fewer rows may be missing */
    noted    *noted;
    uint64_t *candidates; /* identities, 2 words each */
    uint64_t  candidate_count;
    uint32_t *heads;    /* open addressing over candidates */
    uint64_t  heads_size;
    uint64_t *bloom;
    uint32_t  bloom_bits;
};

uint64_t list_top_count(const qn_list_top *t) { return t->candidate_count; }

void list_top_free(qn_list_top *t)
{
    if (!t)
        return;
    for (int w = 0; w < t->workers; w++)
        qn_free(t->mem, t->noted[w].tuples, t->noted[w].room * 3 * sizeof(uint64_t));
    qn_free(t->mem, t->candidates, t->candidate_count * 2 * sizeof(uint64_t));
    qn_free(t->mem, t->heads, t->heads_size * sizeof *t->heads);
    qn_free(t->mem, t->bloom, (1ull << t->bloom_bits) / 8);
}

/* ---- blocks ---------------------------------------------------------------------------------------- */

static uint32_t log2_of(uint64_t n) { return 63 - (uint32_t)__builtin_clzll(n); }

/* The largest power of two that `keep` values of the block reach, or 1. */
static uint32_t frequent_in(const qn_block_column *c, uint64_t keep, uint64_t *values)
{
    uint64_t sum = 0;
    for (uint32_t i = QN_COUNTOF(c->count_log2); i-- > 0;) {
        sum += c->count_log2[i];
        if (sum >= keep || !i) {
            *values = sum;
            return 1u << i;
        }
    }
    return 1;
}

static uint64_t values_reaching(const qn_block_column *c, uint64_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = log2_of(count); i < QN_COUNTOF(c->count_log2); i++)
        sum += c->count_log2[i];
    return sum;
}

static uint64_t *note(qn_list_top *t, int worker, uint64_t more)
{
    noted *n = &t->noted[worker];
    if (n->count + more > n->room) {
        uint64_t  room = (n->count + more) * 2 + 256;
        uint64_t *grown = qn_realloc(t->mem, n->tuples, n->room * 3 * sizeof *grown, room * 3 * sizeof *grown);
        if (!grown)
            return NULL;
        n->tuples = grown;
        n->room = room;
    }
    uint64_t *at = n->tuples + n->count * 3;
    n->count += more;
    return at;
}

/* Values of the block's set that occur `least` times or more. */
static qn_status note_block(qn_vm *vm, qn_list_top *t, uint64_t least)
{
    const qn_block_column *c = qn_block_column_at(vm->scan.block, t->column);
    const qn_codeset      *set = &vm->scan.value_set;
    const qn_hash128      *hashes = NULL;
    qn_status              st = QN_OK;
    uint32_t               counts[QN_LANES], codes[QN_LANES];
    int64_t               *values = qn_arena_alloc(&vm->block, QN_LANES * sizeof *values);
    uint32_t               from = set->is_range && set->lo > 1 ? set->lo : 1, to = set->is_range && set->hi < c->distinct ? set->hi : c->distinct;
    if (!values)
        return qn_nomem(vm->err);
    if (least > c->max_count)
        return QN_OK;
    if (t->text && c->distinct)
        st = qn_block_hashes(vm->scan.block, t->column, &hashes, vm->err);
    for (uint32_t first = from; first <= to && st == QN_OK; first += QN_LANES) {
        uint32_t n = to + 1 - first < QN_LANES ? to + 1 - first : QN_LANES, m = 0;
        st = qn_block_counts(vm->scan.block, t->column, first, n, counts, vm->err);
        for (uint32_t i = 0; i < n && st == QN_OK; i++) {
            codes[m] = first + i;
            m += counts[i] >= least && codeset_has(set, first + i);
        }
        if (st != QN_OK || !m)
            continue;
        if (!t->text)
            st = qn_block_values_i64(vm->scan.block, t->column, first, n, values, vm->err);
        uint64_t *to_tuple = st == QN_OK ? note(t, vm->worker, m) : NULL;
        if (st == QN_OK && !to_tuple)
            return qn_nomem(vm->err);
        for (uint32_t i = 0; i < m && st == QN_OK; i++, to_tuple += 3) {
            to_tuple[0] = t->text ? hashes[codes[i] - 1].lo : (uint64_t)values[codes[i] - first];
            to_tuple[1] = t->text ? hashes[codes[i] - 1].hi : 0;
            to_tuple[2] = counts[codes[i] - first];
        }
    }
    return st;
}

static inline uint64_t bloom_place(const qn_list_top *t, uint64_t lo) { return (lo * 0x9e3779b97f4a7c15ull) >> (64 - t->bloom_bits); }

static bool is_candidate(const qn_list_top *t, uint64_t lo, uint64_t hi)
{
    uint64_t key[2] = {lo, hi};
    for (uint64_t at = tuple_hash(key, 2) & (t->heads_size - 1); t->heads[at]; at = (at + 1) & (t->heads_size - 1)) {
        const uint64_t *c = t->candidates + (uint64_t)(t->heads[at] - 1) * 2;
        if (c[0] == lo && c[1] == hi)
            return true;
    }
    return false;
}

/* Narrow the block's set to the candidates, and NULL. */
static qn_status keep_candidates(qn_vm *vm, qn_list_top *t)
{
    const qn_block_column *c = qn_block_column_at(vm->scan.block, t->column);
    const qn_codeset      *set = &vm->scan.value_set;
    const qn_hash128      *hashes = NULL;
    qn_status              st = QN_OK;
    uint64_t              *bits = qn_arena_alloc0(&vm->block, ((size_t)c->distinct + 64) / 64 * 8);
    int64_t               *values = qn_arena_alloc(&vm->block, QN_LANES * sizeof *values);
    uint32_t               from = set->is_range && set->lo > 1 ? set->lo : 1, to = set->is_range && set->hi < c->distinct ? set->hi : c->distinct;
    if (!bits || !values)
        return qn_nomem(vm->err);
    if (codeset_has(set, 0))
        bits[0] = 1;
    if (t->text && c->distinct)
        st = qn_block_hashes(vm->scan.block, t->column, &hashes, vm->err);
    for (uint32_t first = from; first <= to && st == QN_OK; first += QN_LANES) {
        uint32_t n = to + 1 - first < QN_LANES ? to + 1 - first : QN_LANES, m = 0;
        uint32_t likely[QN_LANES];
        if (t->text) {
            qn_block_touch(n * sizeof *hashes);
            for (uint32_t i = 0; i < n; i++) {
                uint64_t b = bloom_place(t, hashes[first + i - 1].lo);
                likely[m] = i;
                m += t->bloom[b / 64] >> (b % 64) & 1;
            }
        } else {
            st = qn_block_values_i64(vm->scan.block, t->column, first, n, values, vm->err);
            for (uint32_t i = 0; i < n && st == QN_OK; i++) {
                uint64_t b = bloom_place(t, (uint64_t)values[i]);
                likely[m] = i;
                m += t->bloom[b / 64] >> (b % 64) & 1;
            }
        }
        for (uint32_t i = 0; i < m && st == QN_OK; i++) {
            uint32_t code = first + likely[i];
            uint64_t lo = t->text ? hashes[code - 1].lo : (uint64_t)values[likely[i]], hi = t->text ? hashes[code - 1].hi : 0;
            if (codeset_has(set, code) && is_candidate(t, lo, hi))
                bit_set(bits, code);
        }
    }
    vm->scan.value_set = (qn_codeset){.bits = bits};
    return st;
}

qn_status list_top_block(qn_vm *vm, bool *fold)
{
    qn_list_top *t = vm->pl->top;
    uint64_t     values;
    *fold = !t || t->phase == PHASE_FOLD;
    if (!t)
        return QN_OK;
    if (t->phase == PHASE_FOLD) {
        qn_status st = keep_candidates(vm, t);
        bool      none = false;
        if (st == QN_OK && t->rows)
            st = scan_select(vm, t->column, &vm->scan.value_set, &none);
        *fold = !none;
        return st;
    }
    if (t->phase == PHASE_CANDIDATES)
        return note_block(vm, t, t->least);
    return note_block(vm, t, frequent_in(qn_block_column_at(vm->scan.block, t->column), t->keep, &values));
}

/* ---- the phases -------------------------------------------------------------------------------------- */

/* What all workers noted as tuples of distinct identities with summed counts. */
static qn_status gather(qn_list_top *t, uint64_t **out, uint64_t *count, qn_error *err)
{
    uint64_t n = 0, at = 0;
    for (int w = 0; w < t->workers; w++)
        n += t->noted[w].count;
    uint64_t  size = tuple_heads(n);
    uint64_t *tuples = qn_alloc(t->mem, (n * 3 + 1) * sizeof *tuples);
    uint32_t *heads = qn_alloc(t->mem, size * sizeof *heads);
    if (!tuples || !heads) {
        qn_free(t->mem, tuples, (n * 3 + 1) * sizeof *tuples);
        qn_free(t->mem, heads, size * sizeof *heads);
        return qn_nomem(err);
    }
    for (int w = 0; w < t->workers; w++) {
        if (t->noted[w].count)
            memcpy(tuples + at, t->noted[w].tuples, t->noted[w].count * 3 * sizeof *tuples);
        at += t->noted[w].count * 3;
        t->noted[w].count = 0;
    }
    *count = tuple_fold(&(tuple_shape){.keys = 2, .adds = 1}, tuples, n, heads, size);
    qn_free(t->mem, heads, size * sizeof *heads);
    uint64_t *fitted = qn_realloc(t->mem, tuples, (n * 3 + 1) * sizeof *tuples, (*count * 3 + 1) * sizeof *tuples);
    *out = fitted ? fitted : tuples;
    if (!fitted)
        qn_free(t->mem, tuples, (n * 3 + 1) * sizeof *tuples);
    return fitted ? QN_OK : qn_nomem(err);
}

static int descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

static qn_status kth_largest(qn_list_top *t, const uint64_t *tuples, uint64_t n, uint64_t *out, qn_error *err)
{
    uint64_t *counts = qn_alloc(t->mem, (n + 1) * sizeof *counts);
    if (!counts)
        return qn_nomem(err);
    for (uint64_t i = 0; i < n; i++)
        counts[i] = tuples[i * 3 + 2];
    qsort(counts, n, sizeof *counts, descending);
    *out = n >= t->keep ? counts[t->keep - 1] : 0;
    qn_free(t->mem, counts, (n + 1) * sizeof *counts);
    return QN_OK;
}

static qn_status candidates_index(qn_list_top *t, uint64_t *tuples, uint64_t n, qn_error *err)
{
    t->candidate_count = n;
    t->candidates = qn_alloc(t->mem, n * 2 * sizeof *t->candidates);
    t->heads_size = tuple_heads(n);
    t->heads = qn_alloc0(t->mem, t->heads_size * sizeof *t->heads);
    t->bloom_bits = 16;
    while (t->bloom_bits < 22 && 1ull << t->bloom_bits < n * BLOOM_PER_VALUE)
        t->bloom_bits++;
    t->bloom = qn_alloc0(t->mem, (1ull << t->bloom_bits) / 8);
    if (!t->candidates || !t->heads || !t->bloom)
        return qn_nomem(err);
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t *key = tuples + i * 3;
        uint64_t        at = tuple_hash(key, 2) & (t->heads_size - 1), b = bloom_place(t, key[0]);
        memcpy(t->candidates + i * 2, key, 2 * sizeof *key);
        while (t->heads[at])
            at = (at + 1) & (t->heads_size - 1);
        t->heads[at] = (uint32_t)i + 1;
        t->bloom[b / 64] |= 1ull << (b % 64);
    }
    return QN_OK;
}

/* Phase 2, with t->least settled.  *pays: there are candidates, and phase 3 may begin. */
static qn_status note_candidates(qn_exec *exec, pipeline_state *pl, qn_list_top *t, bool *pays, qn_error *err)
{
    uint64_t *tuples, n;
    t->phase = PHASE_CANDIDATES;
    qn_status st = exec_run_morsels(exec, pl, err);
    if (st == QN_OK)
        st = gather(t, &tuples, &n, err);
    if (st != QN_OK)
        return st;
    *pays = n > 0;
    if (n)
        st = candidates_index(t, tuples, n, err);
    qn_free(t->mem, tuples, (n * 3 + 1) * sizeof *tuples);
    t->phase = PHASE_FOLD;
    return st;
}

/* Run phases 1 and 2; *pays tells whether phase 3 is worth it. */
static qn_status find_candidates(qn_exec *exec, pipeline_state *pl, qn_list_top *t, bool *pays, qn_error *err)
{
    uint64_t  entries = 0, frequent = 0, candidates = 0, values, best = 0, blocks = pl->table->block_count, n;
    uint64_t *tuples;
    qn_status st;
    *pays = false;
    for (uint32_t b = 0; b < blocks; b++) {
        const qn_block_column *c = qn_block_column_at(pl->table->blocks[b].block, t->column);
        if (c->kind != QN_COL_DICT)
            return QN_OK;
        uint64_t reach = frequent_in(c, t->keep, &values);
        best = reach > best ? reach : best;
        frequent += values;
        entries += c->distinct;
    }
    if (entries < ENTRIES_MIN || frequent > entries / 8 || best < 2)
        return QN_OK;
    t->phase = PHASE_FREQUENT;
    st = exec_run_morsels(exec, pl, err);
    if (st == QN_OK)
        st = gather(t, &tuples, &n, err);
    if (st != QN_OK)
        return st;
    st = kth_largest(t, tuples, n, &t->least, err);
    qn_free(t->mem, tuples, (n * 3 + 1) * sizeof *tuples);
    if (st != QN_OK)
        return st;
    t->least = (t->least + blocks - 1) / blocks;
    if (t->least < 2)
        return QN_OK;
    for (uint32_t b = 0; b < blocks; b++)
        candidates += values_reaching(qn_block_column_at(pl->table->blocks[b].block, t->column), t->least);
    if (candidates > entries / 8)
        return QN_OK;
    return note_candidates(exec, pl, t, pays, err);
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

/* Whether a filter looks at the column: most often it removes the most frequent value ('' or 0). */
static bool is_filtered(const qn_pipeline *plan, uint32_t column)
{
    for (uint32_t i = 0; i < plan->filter_count; i++)
        if (qn_expr_single_column(plan->filters[i]) == (int)column)
            return true;
    return false;
}

/* About how many rows have a value that occurs `least` times or more in their block. */
static double rows_reaching(const pipeline_state *pl, uint32_t column, uint64_t least)
{
    const qn_table *table = pl->table;
    bool            filtered = is_filtered(pl->code->plan, column);
    double          rows = 0;
    for (uint32_t b = 0; b < table->block_count; b++) {
        const qn_block_column *c = qn_block_column_at(table->blocks[b].block, column);
        for (uint32_t i = log2_of(least); i < QN_COUNTOF(c->count_log2); i++) {
            double values = c->count_log2[i];
            if (filtered && log2_of(c->max_count ? c->max_count : 1) == i)
                values -= 1;
            rows += 1.5 * values * (double)(1u << i);
        }
    }
    return rows;
}

static double rows_in_question(const pipeline_state *pl, uint32_t column)
{
    double rows = (double)pl->table->rows;
    for (uint32_t b = 0; is_filtered(pl->code->plan, column) && b < pl->table->block_count; b++)
        rows -= qn_block_column_at(pl->table->blocks[b].block, column)->max_count;
    return rows;
}

/* The key column with most values, all of whose blocks have counts; QN_NO_COLUMN: there is none, or another key is
 * nearly unique and no group has many rows. */
static uint32_t column_for_rows(const qn_table *table, const qn_aggregation *a)
{
    uint64_t most = 0;
    uint32_t column = QN_NO_COLUMN;
    for (uint32_t i = 0; i < a->key_count; i++) {
        uint64_t entries = 0;
        bool     counted = a->keys[i]->kind == QN_EXPR_COLUMN;
        for (uint32_t b = 0; counted && b < table->block_count; b++) {
            const qn_block_column *c = qn_block_column_at(table->blocks[b].block, a->keys[i]->index);
            counted = c->kind == QN_COL_DICT;
            entries += c->distinct;
        }
        if (a->keys[i]->kind == QN_EXPR_COLUMN && !counted)
            return QN_NO_COLUMN;
        if (counted && entries > most) {
            most = entries;
            column = a->keys[i]->index;
        }
    }
    return most >= ENTRIES_MIN ? column : QN_NO_COLUMN;
}

/* Note the values that may have t->threshold rows. */
static qn_status find_rows(qn_exec *exec, pipeline_state *pl, qn_list_top *t, bool *pays, qn_error *err)
{
    uint64_t blocks = pl->table->block_count;
    qn_free(t->mem, t->candidates, t->candidate_count * 2 * sizeof(uint64_t));
    qn_free(t->mem, t->heads, t->heads_size * sizeof *t->heads);
    qn_free(t->mem, t->bloom, t->bloom ? (1ull << t->bloom_bits) / 8 : 0);
    t->candidates = NULL;
    t->heads = NULL;
    t->bloom = NULL;
    t->candidate_count = t->heads_size = 0;
    t->least = (t->threshold + blocks - 1) / blocks;
    return note_candidates(exec, pl, t, pays, err);
}

/* A threshold that leaves a sixteenth of the rows. */
static qn_status rows_first(qn_exec *exec, pipeline_state *pl, qn_list_top *t, bool *pays, qn_error *err)
{
    uint64_t blocks = pl->table->block_count, least = 2;
    double   rows = rows_in_question(pl, t->column);
    *pays = false;
    while (least < QN_BLOCK_ROWS && rows_reaching(pl, t->column, least) > rows / 16)
        least *= 2;
    if (rows_reaching(pl, t->column, least) == 0)
        return QN_OK;
    t->threshold = (least - 1) * blocks + 1;
    return find_rows(exec, pl, t, pays, err);
}

qn_status list_top_again(qn_exec *exec, pipeline_state *pl, uint64_t reached, bool *again, qn_error *err)
{
    qn_list_top *t = pl->top;
    qn_status    st = QN_OK;
    bool         pays = false;
    *again = reached < t->threshold;
    if (!*again)
        return QN_OK;
    uint64_t least = (reached + pl->table->block_count - 1) / pl->table->block_count;
    if (least >= 2 && rows_reaching(pl, t->column, least) < rows_in_question(pl, t->column) / 4) {
        t->threshold = reached;
        st = find_rows(exec, pl, t, &pays, err);
    }
    if (st == QN_OK && !pays) { /* all rows */
        list_top_free(t);
        pl->top = NULL;
    }
    return st;
}

qn_status list_top_run(qn_exec *exec, pipeline_state *pl, qn_error *err)
{
    const qn_pipeline *plan = pl->code->plan;
    uint64_t           keep = exec->settings.force_codes_off ? 0 : exec_rows_kept(exec, pl);
    bool               pays;
    if (!keep || !packed_targets_safe(exec, pl->table, plan->aggregation, &exec->program->pipelines[plan->number + 1]))
        return QN_OK;
    qn_list_top *t = qn_arena_new(&exec->arena, qn_list_top);
    if (!t)
        return qn_nomem(err);
    t->noted = qn_arena_array(&exec->arena, noted, (size_t)exec->workers);
    if (!t->noted)
        return qn_nomem(err);
    t->mem = &exec->mem;
    t->workers = exec->workers;
    t->rows = plan->source.kind == QN_SOURCE_TABLE;
    if (t->rows && plan->filter_count > 1) /* few rows are left, and grouped in less time than it takes to look for a threshold */
        return QN_OK;
    t->column = t->rows ? column_for_rows(pl->table, plan->aggregation) : plan->source.column;
    if (t->column == QN_NO_COLUMN)
        return QN_OK;
    t->text = qn_type_bank((qn_sql_type)plan->source.column_types[t->column].id) == QN_BANK_STR;
    t->keep = keep;
    pl->top = t;
    qn_status st = t->rows ? rows_first(exec, pl, t, &pays, err) : find_candidates(exec, pl, t, &pays, err);
    if (st != QN_OK || !pays) {
        list_top_free(t);
        pl->top = NULL;
    }
    return st;
}
