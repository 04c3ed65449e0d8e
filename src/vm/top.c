/* The first rows by one column: which rows of a block can still be among them, told from codes.
 *
 * ORDER BY column … LIMIT n keeps n rows.  Values are sorted, so of a block's rows that pass the filters only those of
 * the first codes can be wanted: as soon as n rows have codes up to some bound, all rows beyond it lose, whatever the
 * further sort keys say (rows that share the bound's code stay).  The bound is guessed from the counts of the first
 * values and the share of rows that pass, and moved on until enough rows are found.  A worker that already holds n
 * rows knows more: rows behind the last of them lose, and a block whose first value lies behind it is left alone.
 *
 * What is left then is looked at row by row, in a heap of n rows: with one sort key exactly n rows remain, because of
 * rows that share a code the first ones count.
 *
 * Only where every filter has been applied to the block's codes: a row that a later filter drops cannot push another
 * one out. */
#include "vm/machine.h"

#include "kern/kern.h"

#define HEAP_ROWS 4096u   /* keep more: leave it to the sink */
#define FIRST_GUESS 4u    /* times as many rows as should do */
#define NEXT_GUESS 16u

typedef struct top {
    uint32_t column, distinct, nulls;
    bool     descending, nulls_first;
    uint32_t lo, hi; /* codes that may still win */
} top;

/* Is everything that decides about a row known already? */
static bool filters_applied(const qn_vm *vm)
{
    const qn_pipeline *plan = vm->pl->code->plan;
    uint32_t           applied = 0;
    for (uint32_t i = 0; i < vm->program->slot_count; i++)
        if (vm->program->slots[i].pipeline == plan->number && vm->program->slots[i].is_filter)
            applied += vm->slots[i].applied;
    return applied == plan->filter_count;
}

/* The codes lo … hi, and NULLs where they come first. */
static qn_status codes_of(qn_vm *vm, const top *t, uint32_t lo, uint32_t hi, qn_codeset *set)
{
    *set = (qn_codeset){.is_range = true, .lo = lo, .hi = hi};
    if (!t->nulls || !t->nulls_first)
        return QN_OK;
    if (lo <= 1) {
        set->lo = 0;
        return QN_OK;
    }
    uint64_t *bits = qn_arena_alloc0(&vm->block, ((size_t)t->distinct + 64) / 64 * 8);
    if (!bits)
        return qn_nomem(vm->err);
    bit_set(bits, 0);
    for (uint32_t c = lo; c <= hi && c >= lo; c++)
        bit_set(bits, c);
    *set = (qn_codeset){.bits = bits};
    return QN_OK;
}

static qn_status keep_codes(qn_vm *vm, const top *t, uint32_t lo, uint32_t hi)
{
    qn_scan   *s = &vm->scan;
    qn_codeset set;
    qn_status  st = codes_of(vm, t, lo, hi, &set);
    if (st != QN_OK)
        return st;
    if (s->all)
        scan_fill_bits(s);
    return qn_block_select(s->block, t->column, &set, 0, s->rows, s->bits, &s->selected, vm->err);
}

/* Up to which code the first `rows` rows of the block go, filters aside; false: all of them. */
static qn_status bound_for(qn_vm *vm, const top *t, uint64_t rows, uint32_t *code, bool *found)
{
    uint32_t counts[256];
    uint64_t sum = t->nulls_first ? t->nulls : 0;
    *found = false;
    for (uint32_t left = t->hi + 1 - t->lo, at = t->descending ? t->hi : t->lo; left && sum < rows;) {
        uint32_t  n = left < 256 ? left : 256, first = t->descending ? at + 1 - n : at;
        qn_status st = qn_block_counts(vm->scan.block, t->column, first, n, counts, vm->err);
        if (st != QN_OK)
            return st;
        for (uint32_t i = 0; i < n && sum < rows; i++) {
            sum += counts[t->descending ? n - 1 - i : i];
            *code = t->descending ? first + n - 1 - i : first + i;
        }
        left -= n;
        at = t->descending ? at - n : at + n;
    }
    *found = sum >= rows;
    return QN_OK;
}

/* Keep the rows up to a bound that leaves at least `keep` of them. */
static qn_status guess(qn_vm *vm, const top *t, uint64_t keep)
{
    qn_scan  *s = &vm->scan;
    uint64_t *before = NULL;
    double    rows = FIRST_GUESS * ((double)keep + 16) * s->rows / s->selected;
    uint32_t  selected = s->selected, bound;
    for (; rows < s->rows / 2.0; rows *= NEXT_GUESS) {
        bool      found;
        qn_status st = bound_for(vm, t, (uint64_t)rows, &bound, &found);
        if (st != QN_OK || !found)
            return st;
        if (!before) {
            before = qn_arena_alloc(&vm->block, QN_BLOCK_ROWS / 8);
            if (!before)
                return qn_nomem(vm->err);
            if (s->all)
                scan_fill_bits(s);
            memcpy(before, s->bits, QN_BLOCK_ROWS / 8);
        }
        st = keep_codes(vm, t, t->descending ? bound : t->lo, t->descending ? t->hi : bound);
        if (st != QN_OK || s->selected >= keep)
            return st;
        memcpy(s->bits, before, QN_BLOCK_ROWS / 8);
        s->selected = selected;
    }
    return QN_OK;
}

/* ---- row by row ----------------------------------------------------------------------------- */

/* Where a row stands: its value's place in the order, then its number. */
static uint64_t place_of(const top *t, uint32_t code, uint32_t row)
{
    uint32_t rank = code == 0 ? (t->nulls_first ? 0 : UINT32_MAX) : t->descending ? t->distinct + 1 - code : code;
    return (uint64_t)rank << 32 | row;
}

static void sift_down(uint64_t *heap, uint32_t n, uint32_t i, uint64_t x)
{
    for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && heap[child + 1] > heap[child];
        if (heap[child] <= x)
            break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

/* Keep the first `keep` of the selected rows, and with further sort keys (`ties`) those that share the last one's value. */
static qn_status keep_first(qn_vm *vm, const top *t, uint32_t keep, bool ties)
{
    qn_scan          *s = &vm->scan;
    const qn_kernels *k = qn_kernels_get();
    uint64_t         *heap = qn_arena_alloc(&vm->block, keep * sizeof *heap); /* greatest first */
    uint32_t          n = 0, codes[QN_UNIT_ROWS], rows[QN_UNIT_ROWS], units = (s->rows + QN_UNIT_ROWS - 1) / QN_UNIT_ROWS;
    uint32_t          kept = 0;
    if (!heap)
        return qn_nomem(vm->err);
    for (int pass = 0; pass < (ties ? 2 : 1); pass++) {
        for (uint32_t u = 0; u < units; u++) {
            uint64_t *bits = s->bits + u * (QN_UNIT_ROWS / 64);
            uint32_t  found = (uint32_t)k->bits_to_rows(bits, QN_UNIT_ROWS / 64, u * QN_UNIT_ROWS, rows);
            qn_status st = found ? qn_block_codes_at(s->block, t->column, rows, found, codes, vm->err) : QN_OK;
            if (st != QN_OK)
                return st;
            for (uint32_t i = 0; i < found; i++) {
                uint64_t x = place_of(t, codes[i], rows[i]);
                if (pass) { /* the heap is full: drop what lies behind its last value */
                    bool stays = x >> 32 <= heap[0] >> 32;
                    kept += stays;
                    if (!stays)
                        s->bits[rows[i] / 64] &= ~(1ull << (rows[i] % 64));
                } else if (n < keep) {
                    heap[n++] = x;
                    for (uint32_t j = n / 2; n == keep && j-- > 0;)
                        sift_down(heap, n, j, heap[j]);
                } else if (x < heap[0]) {
                    sift_down(heap, n, 0, x);
                }
            }
        }
    }
    if (!ties) {
        memset(s->bits, 0, QN_BLOCK_ROWS / 8);
        for (uint32_t i = 0; i < n; i++)
            bit_set(s->bits, (uint32_t)heap[i]);
        kept = n;
    }
    s->selected = kept;
    return QN_OK;
}

qn_status block_top(qn_vm *vm, uint32_t w)
{
    uint32_t o, target;
    qn_operand2(vm->program, w, &o, &target);
    qn_scan           *s = &vm->scan;
    qn_sink           *sink = vm->pl->sink;
    const qn_sort_key *key = &sink->plan->sort[0];
    const qn_datum    *last;
    top                t = {.descending = key->descending, .nulls_first = key->nulls_first};
    if (!sink->keep || sink->keep >= s->rows || !qn_plan_top_column(vm->pl->code->plan, &t.column))
        return QN_OK;
    const qn_block_column *c = qn_block_column_at(s->block, t.column);
    if (c->kind == QN_COL_RAW || !c->distinct || vm->exec->settings.force_codes_off || !filters_applied(vm))
        return QN_OK;
    t.distinct = t.hi = c->distinct;
    t.lo = 1;
    t.nulls = c->null_count;
    qn_status st = sink_last(vm, sink, &last);
    if (st != QN_OK)
        return st;
    if (last) {
        uint32_t first, end;
        st = qn_block_search(s->block, t.column, last, &first, &end, vm->err);
        if (st != QN_OK)
            return st;
        if (t.descending)
            t.lo = first;
        else
            t.hi = end - 1;
        if (t.lo > t.hi && !(t.nulls && t.nulls_first)) {
            s->selected = 0;
            vm->pc = target;
            return QN_OK;
        }
        if (t.lo > 1 || t.hi < t.distinct) {
            st = keep_codes(vm, &t, t.lo, t.hi);
            if (st != QN_OK)
                return st;
        }
    }
    if (s->selected > 2 * sink->keep + QN_LANES / 2 && t.lo <= t.hi)
        st = guess(vm, &t, sink->keep);
    if (st == QN_OK && s->selected > sink->keep && sink->keep <= HEAP_ROWS && !s->all && s->selected < s->rows / 4)
        st = keep_first(vm, &t, (uint32_t)sink->keep, sink->plan->sort_count > 1);
    if (st == QN_OK && !s->selected)
        vm->pc = target;
    return st;
}
