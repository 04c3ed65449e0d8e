/* Scanning a block: columns as codes, slots per distinct value, the row bitmap, batches; opcode family D0.
 *
 * A block is worked on in three steps.  Filters over one column are turned into sets of codes and applied to the
 * bitmap of rows.  Expressions over one column are computed per distinct value, if enough rows are left to pay for
 * it.  Then batches of up to 2048 rows are formed: a window of neighbouring rows where the bitmap is dense, a list
 * of row numbers where it is sparse. */
#include "vm/machine.h"

#include <math.h>
#include "base/assert.h"
#include "vm/lists.h"
#include "vm/packed.h"
#include "type/numeric.h"

#define DENSE_ROWS 256u /* of a window of 2048: below, rows are picked one by one */

static qn_status go(qn_vm *vm, uint32_t target)
{
    vm->pc = target;
    return QN_OK;
}

qn_dict *scan_column(qn_vm *vm, uint32_t column)
{
    qn_dict *d = &vm->scan.columns[column];
    if (!d->block) {
        const qn_block_column *c = qn_block_column_at(vm->scan.block, column);
        memset(d, 0, sizeof *d);
        d->block = vm->scan.block;
        d->block_index = vm->scan.block_index;
        d->column = column;
        d->type = c->type.id;
        d->bank = (uint8_t)c->bank;
        d->count = c->distinct;
    }
    return d;
}

static qn_status load_raw(qn_vm *vm, qn_vec *v, uint32_t column, const qn_block_column *c)
{
    qn_scan  *s = &vm->scan;
    uint64_t *nulls = c->null_count ? v->own_nulls : NULL;
    qn_status st = vm->row_list
                       ? qn_block_raw_at(s->block, column, vm->row_list, vm->n, v->own, nulls, &vm->batch, vm->err)
                       : qn_block_raw(s->block, column, vm->row_base, vm->n, v->own, nulls, &vm->batch, vm->err);
    if (st != QN_OK)
        return st;
    v->form = QN_FORM_FLAT;
    v->data = v->own;
    v->nulls = nulls;
    return QN_OK;
}

qn_status scan_load(qn_vm *vm, qn_vec *v, uint32_t column)
{
    qn_scan               *s = &vm->scan;
    const qn_block_column *c = qn_block_column_at(s->block, column);
    qn_status              st = QN_OK;
    if (!vec_own(vm, v))
        return qn_nomem(vm->err);
    v->bank = (uint8_t)c->bank;
    v->type = c->type.id;
    v->lazy = v->sequence = false;
    if (c->kind == QN_COL_RAW)
        return load_raw(vm, v, column, c);
    v->dict = scan_column(vm, column);
    v->codes = v->own_codes;
    v->form = QN_FORM_CODES;
    if (s->in_values) {
        if (s->extremes) {
            v->own_codes[0] = 1;
            v->own_codes[1] = c->distinct;
        } else {
            for (uint32_t i = 0; i < vm->n; i++)
                v->own_codes[i] = vm->row_base + i;
            v->sequence = true;
        }
        return QN_OK;
    }
    st = vm->row_list ? qn_block_codes_at(s->block, column, vm->row_list, vm->n, v->own_codes, vm->err)
                      : qn_block_codes(s->block, column, vm->row_base, vm->n, v->own_codes, vm->err);
    return st;
}

/* ---- blocks ----------------------------------------------------------------------------------- */

static qn_status block_begin(qn_vm *vm, uint32_t w)
{
    qn_scan              *s = &vm->scan;
    const qn_block_entry *entry = &s->table->blocks[vm->morsel];
    for (uint64_t i = vm->morsel; i < s->table->block_count && i - vm->morsel <= QN_AHEAD_BLOCKS; i++)
        qn_block_ahead(s->block, s->table->blocks[i].block);
    s->block_index = (uint32_t)vm->morsel;
    s->block = entry->block;
    s->rows = entry->rows;
    s->first_row = entry->first_row;
    s->all = true;
    s->selected = entry->rows;
    s->cursor = 0;
    s->in_values = s->nothing = false;
    s->value_set = (qn_codeset){.is_range = true, .lo = 0, .hi = UINT32_MAX};
    memset(s->columns, 0, sizeof(qn_dict) * s->table->column_count);
    qn_arena_reset(&vm->block);
    for (uint32_t i = 0; i < vm->program->slot_count; i++)
        if (vm->program->slots[i].pipeline == vm->pl->code->plan->number)
            memset(&vm->slots[i], 0, sizeof vm->slots[i]);
    vm->weights = NULL;
    vm->row_list = NULL;
    if (vm->pl->groups)
        groups_begin_block(vm->pl->groups, vm->worker);
    if (vm->pl->sink &&
        s->first_row > atomic_load_explicit(&vm->pl->sink->early_tie, memory_order_relaxed))
        return go(vm, qn_operand1(vm->program, w));
    return QN_OK;
}

static qn_status block_end(qn_vm *vm, uint32_t w)
{
    (void)w;
    vm->scan.block = NULL;
    vm->weights = NULL;
    return QN_OK;
}

/* ---- slots ------------------------------------------------------------------------------------ */

static bool slot_by_row(qn_vm *vm, const qn_slot *slot, const qn_block_column *c)
{
    if (c->kind == QN_COL_RAW || vm->exec->settings.force_codes_off || !exec_fits(vm->exec, 48 * (uint64_t)c->distinct))
        return true;
    return !slot->lengths && !slot->pattern && /* of patterns SLOT_PRUNE decides */ (uint64_t)vm->scan.selected * 2 < c->distinct;
}

static qn_status slot_lengths(qn_vm *vm, const qn_slot *slot, slot_state *state, uint32_t distinct)
{
    uint32_t *lengths = qn_arena_alloc(&vm->block, sizeof(uint32_t) * ((size_t)distinct + 1));
    if (!lengths)
        return qn_nomem(vm->err);
    lengths[0] = 0;
    if (distinct) {
        qn_status st = qn_block_lengths(vm->scan.block, slot->column, 1, distinct, lengths + 1, vm->err);
        if (st != QN_OK)
            return st;
    }
    state->dict.values = lengths;
    state->prepared = true;
    return QN_OK;
}

static qn_status slot_begin(qn_vm *vm, uint32_t w)
{
    uint32_t s, target;
    qn_operand2(vm->program, w, &s, &target);
    const qn_slot         *slot = &vm->program->slots[s];
    slot_state            *state = &vm->slots[s];
    const qn_block_column *c = qn_block_column_at(vm->scan.block, slot->column);

    if (slot_by_row(vm, slot, c)) {
        state->by_row = true;
        return go(vm, target);
    }
    state->next = c->null_count ? 0 : 1;
    state->last = c->distinct;
    state->dict = (qn_dict){.block = vm->scan.block, .block_index = vm->scan.block_index, .column = slot->column,
                            .bank = slot->out_bank, .computed = true, .count = c->distinct};
    if (slot->lengths && slot->out_bank == QN_BANK_I32) {
        qn_status st = slot_lengths(vm, slot, state, c->distinct);
        return st == QN_OK ? go(vm, target) : st;
    }
    size_t bits = ((size_t)c->distinct + 64) / 64 * 8;
    if (slot->is_filter) {
        state->set = (qn_codeset){.bits = qn_arena_alloc0(&vm->block, bits)};
        return state->set.bits ? QN_OK : qn_nomem(vm->err);
    }
    state->dict.values = qn_arena_alloc0(&vm->block, qn_bank_bytes((qn_bank)slot->out_bank) * ((size_t)c->distinct + 1));
    state->dict.nulls = qn_arena_alloc0(&vm->block, bits);
    if (!state->dict.values || !state->dict.nulls)
        return qn_nomem(vm->err);
    if (!c->null_count)
        bit_set(state->dict.nulls, 0);
    return QN_OK;
}

/* Move to the next code in a chunk worth visiting; how many codes may follow it. */
static uint32_t next_run(slot_state *state)
{
    if (!state->chunks)
        return state->last + 1 - state->next;
    while (state->next <= state->last) {
        uint32_t chunk = state->next ? (state->next - 1) / QN_CHUNK_STRINGS : 0;
        if (!state->next)
            return 1;
        if (bit_get(state->chunks, chunk)) {
            uint32_t end = (chunk + 1) * QN_CHUNK_STRINGS + 1;
            while (end <= state->last && bit_get(state->chunks, (end - 1) / QN_CHUNK_STRINGS))
                end += QN_CHUNK_STRINGS;
            return (end <= state->last ? end : state->last + 1) - state->next;
        }
        state->next = (chunk + 1) * QN_CHUNK_STRINGS + 1;
    }
    return 0;
}

static qn_status slot_next(qn_vm *vm, uint32_t w)
{
    uint32_t s, target;
    qn_operand2(vm->program, w, &s, &target);
    const qn_slot *slot = &vm->program->slots[s];
    slot_state    *state = &vm->slots[s];
    uint32_t       run = state->by_row || state->next > state->last ? 0 : next_run(state);

    state->resume = vm->pc - 1;
    if (!run) {
        vm->guard_slot = 0;
        state->prepared = !state->by_row;
        return go(vm, target);
    }
    uint32_t first = state->next, n = run < QN_LANES ? run : QN_LANES;
    qn_vec  *in = REG(vm, slot->in);
    if (!vec_own(vm, in))
        return qn_nomem(vm->err);
    qn_arena_reset(&vm->batch);
    vm->n = n;
    vm->sel = NULL;
    vm->sel_n = n;
    vm->sel_depth = 0;
    uint32_t  skip = first == 0;
    size_t    size = qn_bank_bytes((qn_bank)slot->in_bank);
    char     *out = (char *)in->own + skip * size;
    qn_status st = QN_OK;
    memset(in->own_nulls, 0, QN_LANES / 8);
    if (skip) {
        memset(in->own, 0, size);
        bit_set(in->own_nulls, 0);
    }
    if (n > skip)
        st = slot->in_bank == QN_BANK_STR
                 ? qn_block_strings(vm->scan.block, slot->column, first + skip, n - skip, (qn_str *)(void *)out, &vm->batch, vm->err)
                 : qn_block_values(vm->scan.block, slot->column, first + skip, n - skip, out, &vm->batch, vm->err);
    if (st != QN_OK)
        return st;
    vec_finish(in, (qn_bank)slot->in_bank, &(operands){.any_null = skip});
    state->batch_first = first;
    state->next = first + n;
    vm->guard_slot = s + 1;
    return QN_OK;
}

static qn_status store_texts(qn_vm *vm, slot_state *state, const qn_vec *v)
{
    qn_str *to = (qn_str *)state->dict.values + state->batch_first;
    for (uint32_t i = 0; i < vm->n; i++) {
        if (vec_null(v, i)) {
            bit_set(state->dict.nulls, state->batch_first + i);
            memset(&to[i], 0, sizeof to[i]);
        } else if (!qn_str_copy(&vm->block, &((const qn_str *)v->data)[v->form == QN_FORM_CONST ? 0 : i], &to[i])) {
            return qn_nomem(vm->err);
        }
    }
    return QN_OK;
}

/* Does one of the numerics point to memory that will not last? */
static bool any_long(const qn_numeric *v, uint32_t n)
{
    bool found = false;
    for (uint32_t i = 0; i < n; i++)
        found |= !qn_numeric_is_small(v[i]);
    return found;
}

static qn_status slot_store(qn_vm *vm, uint32_t w)
{
    uint32_t       s = qn_operand1(vm->program, w);
    const qn_slot *slot = &vm->program->slots[s];
    slot_state    *state = &vm->slots[s];
    qn_vec        *v = REG(vm, slot->out);
    qn_status      st = vec_flat(vm, v);
    if (st != QN_OK)
        return st;
    bool constant = v->form == QN_FORM_CONST;
    if (slot->is_filter) {
        const uint8_t *x = v->data;
        for (uint32_t i = 0; i < vm->n; i++)
            if (!vec_null(v, i) && x[constant ? 0 : i])
                bit_set(state->set.bits, state->batch_first + i);
        return QN_OK;
    }
    if (slot->out_bank == QN_BANK_STR)
        return store_texts(vm, state, v);
    size_t size = qn_bank_bytes((qn_bank)slot->out_bank);
    char  *to = (char *)state->dict.values + state->batch_first * size;
    if (!v->nulls && !constant && !(slot->out_bank == QN_BANK_NUM && any_long(v->data, vm->n))) {
        memcpy(to, v->data, vm->n * size);
        return QN_OK;
    }
    for (uint32_t i = 0; i < vm->n; i++) {
        qn_datum x = {.words = {0, 0}};
        if (vec_null(v, i)) {
            bit_set(state->dict.nulls, state->batch_first + i);
        } else if (slot->out_bank == QN_BANK_NUM) {
            vec_get(v, i, &x);
            if (!qn_value_copy(QN_BANK_NUM, &x, &vm->block, &x))
                return qn_nomem(vm->err);
        } else {
            vec_get(v, i, &x);
        }
        memcpy(to + i * size, &x, size);
    }
    return QN_OK;
}

/* All codes but first … end-1, as bits. */
static qn_status codes_except(qn_vm *vm, uint32_t first, uint32_t end, uint32_t distinct, qn_codeset *set)
{
    size_t words = ((size_t)distinct + 64) / 64;
    if (first == 1 || end == distinct + 1) {
        *set = (qn_codeset){.is_range = true, .lo = first == 1 ? end : 1, .hi = first == 1 ? distinct : first - 1};
        return QN_OK;
    }
    uint64_t *bits = qn_arena_alloc(&vm->block, words * 8);
    if (!bits)
        return qn_nomem(vm->err);
    memset(bits, 0xff, words * 8);
    bits[0] &= ~1ull;
    for (uint32_t c = first; c < end; c++)
        bits[c / 64] &= ~(1ull << (c % 64));
    *set = (qn_codeset){.bits = bits};
    return QN_OK;
}

static bool waits(const qn_vm *vm, uint32_t s)
{
    const qn_slot *slot = &vm->program->slots[s];
    return slot->pipeline == vm->pl->code->plan->number && slot->is_filter && vm->slots[s].prepared && !vm->slots[s].applied;
}

/* The codes that compare with a constant. */
static qn_status compared_codes(qn_vm *vm, uint32_t column, uint32_t constant, uint32_t op, qn_codeset *set)
{
    uint32_t first, end, distinct = qn_block_column_at(vm->scan.block, column)->distinct;
    *set = (qn_codeset){.is_range = true, .lo = 1, .hi = 0};
    if (vm->constant_nulls[constant])
        return QN_OK;
    qn_status st = qn_block_search(vm->scan.block, column, &vm->constants[constant], &first, &end, vm->err);
    if (st != QN_OK)
        return st;
    switch (op) {
    case QN_OP_EQ: set->lo = first, set->hi = end - 1; break;
    case QN_OP_LT: set->hi = first - 1; break;
    case QN_OP_LE: set->hi = end - 1; break;
    case QN_OP_GT: set->lo = end, set->hi = distinct; break;
    case QN_OP_GE: set->lo = first, set->hi = distinct; break;
    default: return codes_except(vm, first, end, distinct, set);
    }
    return QN_OK;
}

static bool is_empty(const qn_codeset *set) { return set->is_range && set->lo > set->hi; }

/* Add the codes of `more` to a set. */
static qn_status codes_add(qn_vm *vm, qn_codeset *set, const qn_codeset *more, uint32_t distinct)
{
    if (is_empty(more))
        return QN_OK;
    if (is_empty(set)) {
        *set = *more;
        return QN_OK;
    }
    if (set->is_range && more->is_range && set->lo <= more->hi + 1 && more->lo <= set->hi + 1) {
        set->lo = set->lo < more->lo ? set->lo : more->lo;
        set->hi = set->hi > more->hi ? set->hi : more->hi;
        return QN_OK;
    }
    size_t    words = ((size_t)distinct + 64) / 64;
    uint64_t *bits = qn_arena_alloc0(&vm->block, words * 8);
    if (!bits)
        return qn_nomem(vm->err);
    for (int i = 0; i < 2; i++) {
        const qn_codeset *x = i ? more : set;
        if (x->is_range)
            bits_set_range(bits, x->lo, x->hi + 1);
        for (size_t k = 0; !x->is_range && k < words; k++)
            bits[k] |= x->bits[k];
    }
    *set = (qn_codeset){.bits = bits};
    return QN_OK;
}

/* Two ranges of one column are one: BETWEEN reads its codes once. */
static void join_ranges(qn_vm *vm, uint32_t s)
{
    qn_codeset *set = &vm->slots[s].set;
    for (uint32_t i = 0; i < vm->program->slot_count && set->is_range; i++) {
        const qn_codeset *other = &vm->slots[i].set;
        if (i == s || !waits(vm, i) || vm->program->slots[i].column != vm->program->slots[s].column || !other->is_range)
            continue;
        set->lo = set->lo > other->lo ? set->lo : other->lo;
        set->hi = set->hi < other->hi ? set->hi : other->hi;
        vm->slots[i].applied = true;
    }
}

static qn_status slot_range(qn_vm *vm, uint32_t w)
{
    const uint32_t        *x = qn_operands(vm->program, w);
    const qn_slot         *slot = &vm->program->slots[x[0]];
    slot_state            *state = &vm->slots[x[0]];
    const qn_block_column *c = qn_block_column_at(vm->scan.block, slot->column);
    qn_codeset             set;

    if (c->kind == QN_COL_RAW || vm->exec->settings.force_codes_off) {
        state->by_row = true;
        return QN_OK;
    }
    if (!(x[2] & QN_RANGE_OR))
        state->set = (qn_codeset){.is_range = true, .lo = 1, .hi = 0};
    state->prepared = true;
    if (!c->distinct || vm->scan.nothing)
        return QN_OK;
    qn_status st = compared_codes(vm, slot->column, x[1], x[2] & 0xff, &set);
    if (st == QN_OK)
        st = codes_add(vm, &state->set, &set, c->distinct);
    if (st != QN_OK || x[2] & QN_RANGE_MORE)
        return st;
    join_ranges(vm, x[0]);
    vm->scan.nothing = is_empty(&state->set);
    return QN_OK;
}

static qn_status slot_in(qn_vm *vm, uint32_t w)
{
    uint32_t s, k;
    qn_operand2(vm->program, w, &s, &k);
    const qn_slot         *slot = &vm->program->slots[s];
    slot_state            *state = &vm->slots[s];
    const qn_constant_set *set = &vm->program->sets[k];
    const qn_block_column *c = qn_block_column_at(vm->scan.block, slot->column);

    if (c->kind == QN_COL_RAW || vm->exec->settings.force_codes_off) {
        state->by_row = true;
        return QN_OK;
    }
    state->prepared = true;
    state->set = (qn_codeset){.is_range = true, .lo = 1, .hi = 0};
    if (vm->scan.nothing)
        return QN_OK;
    state->set = (qn_codeset){.bits = qn_arena_alloc0(&vm->block, ((size_t)c->distinct + 64) / 64 * 8)};
    if (!state->set.bits)
        return qn_nomem(vm->err);
    for (uint32_t i = set->first; i < set->first + set->count && c->distinct; i++) {
        uint32_t first, end;
        if (vm->constant_nulls[i])
            continue;
        qn_status st = qn_block_search(vm->scan.block, slot->column, &vm->constants[i], &first, &end, vm->err);
        if (st != QN_OK)
            return st;
        for (; first < end; first++)
            bit_set(state->set.bits, first);
    }
    return QN_OK;
}

/* Narrow the values to be walked to those of the set as well. */
static qn_status values_select(qn_vm *vm, const qn_codeset *set, const qn_block_column *c, bool *left)
{
    qn_codeset *have = &vm->scan.value_set;
    if (set->is_range && have->is_range) {
        have->lo = set->lo > have->lo ? set->lo : have->lo;
        have->hi = set->hi < have->hi ? set->hi : have->hi;
        *left = have->lo <= have->hi;
        return QN_OK;
    }
    size_t    words = ((size_t)c->distinct + 64) / 64;
    uint64_t *bits = qn_arena_alloc0(&vm->block, words * 8);
    if (!bits)
        return qn_nomem(vm->err);
    for (uint32_t i = 0; i < 2; i++) {
        const qn_codeset *x = i ? set : have;
        for (uint32_t code = 0; code <= c->distinct; code++) { /* ranges become bits */
            if (!x->is_range)
                break;
            if (code >= x->lo && code <= x->hi)
                bit_set(bits, code);
        }
    }
    for (size_t k = 0; k < words; k++) {
        bits[k] = (have->is_range ? bits[k] : have->bits[k]) & (set->is_range ? bits[k] : set->bits[k]);
        *left = *left || bits[k];
    }
    *have = (qn_codeset){.bits = bits};
    return QN_OK;
}

void scan_fill_bits(qn_scan *scan)
{
    uint32_t words = scan->rows / 64;
    memset(scan->bits, 0xff, words * 8);
    memset(scan->bits + words, 0, QN_BLOCK_ROWS / 8 - words * 8);
    if (scan->rows % 64)
        scan->bits[words] = (1ull << (scan->rows % 64)) - 1;
    scan->all = false;
}

/* The share of a block's rows that a set of codes keeps, at a guess: few codes, or few missing, are counted. */
static qn_status share_kept(qn_vm *vm, uint32_t column, const qn_codeset *set, double *share)
{
    enum { COUNTED = 64 };
    const qn_block_column *c = qn_block_column_at(vm->scan.block, column);
    uint32_t               counts[2 * COUNTED], low = set->lo ? set->lo : 1, in = set->hi + 1 - low, out = c->distinct - in, sum = 0;
    qn_status              st = QN_OK;
    *share = 0.5;
    if (!set->is_range || !c->rows)
        return QN_OK;
    if (set->lo > set->hi) {
        *share = 0;
    } else if (set->hi && in <= COUNTED) {
        st = qn_block_counts(vm->scan.block, column, low, in, counts, vm->err);
        for (uint32_t i = 0; i < in && st == QN_OK; i++)
            sum += counts[i];
        *share = (double)sum / c->rows;
    } else if (set->hi && out <= COUNTED) {
        uint32_t before = low - 1;
        if (before)
            st = qn_block_counts(vm->scan.block, column, 1, before, counts, vm->err);
        if (out > before && st == QN_OK)
            st = qn_block_counts(vm->scan.block, column, set->hi + 1, out - before, counts + before, vm->err);
        for (uint32_t i = 0; i < out && st == QN_OK; i++)
            sum += counts[i];
        *share = 1 - (double)(sum + c->null_count) / c->rows;
    } else {
        *share = (double)in / c->distinct;
    }
    return st;
}

/* Of the pipeline's filters that are filled and not yet applied, the one that drops most rows for the bytes it reads. */
static qn_status best_filter(qn_vm *vm, uint32_t *s)
{
    uint32_t filters = 0;
    double   gain = -1;
    for (uint32_t i = 0; i < vm->program->slot_count; i++)
        if (waits(vm, i)) {
            filters++;
            *s = i;
        }
    for (uint32_t i = 0; i < vm->program->slot_count && filters > 1; i++) {
        const qn_slot *slot = &vm->program->slots[i];
        double         share;
        if (!waits(vm, i))
            continue;
        qn_status st = share_kept(vm, slot->column, &vm->slots[i].set, &share);
        if (st != QN_OK)
            return st;
        double here = share <= 0 ? INFINITY : (1 - share) / (1.0 + (double)qn_block_column_at(vm->scan.block, slot->column)->bytes_codes);
        if (here > gain) {
            gain = here;
            *s = i;
        }
    }
    return QN_OK;
}

qn_status scan_select(qn_vm *vm, uint32_t column, const qn_codeset *set, bool *none)
{
    qn_scan *scan = &vm->scan;
    if (scan->all)
        scan_fill_bits(scan);
    qn_status st = qn_block_select(scan->block, column, set, 0, scan->rows, scan->bits, &scan->selected, vm->err);
    *none = st == QN_OK && !scan->selected;
    return st;
}

static qn_status group_fixed(qn_vm *vm, uint32_t w)
{
    bool      none;
    qn_status st = packed_fixed_select(vm, vm->pl->groups, &none);
    return st != QN_OK || !none ? st : go(vm, qn_operand1(vm->program, w));
}

static qn_status block_select(qn_vm *vm, uint32_t w)
{
    uint32_t s, target;
    qn_operand2(vm->program, w, &s, &target);
    qn_scan  *scan = &vm->scan;
    qn_status st = best_filter(vm, &s);
    if (st != QN_OK)
        return st;
    slot_state            *state = &vm->slots[s];
    const qn_slot         *slot = &vm->program->slots[s];
    const qn_block_column *c = qn_block_column_at(scan->block, slot->column);

    if (state->by_row || state->applied)
        return QN_OK;
    state->applied = true;
    const qn_codeset *set = &state->set;
    if (vm->pl->code->plan->source.kind == QN_SOURCE_VALUES) {
        bool left = false;
        st = values_select(vm, set, c, &left);
        return st != QN_OK || left ? st : go(vm, target);
    }
    if (set->is_range && set->lo > set->hi) {
        scan->selected = 0;
        return go(vm, target);
    }
    if (set->is_range && set->lo <= (c->null_count ? 0u : 1u) && set->hi >= c->distinct)
        return QN_OK;
    bool none;
    st = scan_select(vm, slot->column, set, &none);
    return st != QN_OK || !none ? st : go(vm, target);
}

static qn_status filter_slot(qn_vm *vm, uint32_t w)
{
    uint32_t       s = qn_operand1(vm->program, w);
    const qn_slot *slot = &vm->program->slots[s];
    if (vm->slots[s].applied) {
        vm->pc++; /* over the FILTER */
        return QN_OK;
    }
    qn_status st = scan_load(vm, REG(vm, slot->in), slot->column);
    if (st != QN_OK)
        return st;
    QN_CHECK(vm->call_depth < QN_MAX_CALL_DEPTH);
    vm->calls[vm->call_depth++] = vm->pc;
    return go(vm, slot->entry);
}

/* ---- batches ---------------------------------------------------------------------------------- */

static void batch_reset(qn_vm *vm, uint32_t n)
{
    qn_arena_reset(&vm->batch);
    vm->n = n;
    vm->sel = NULL;
    vm->sel_n = n;
    vm->sel_depth = 0;
    vm->row_list = NULL;
}

static bool scan_next(qn_vm *vm)
{
    qn_scan *s = &vm->scan;
    if (s->cursor >= s->rows)
        return false;
    if (s->all) {
        uint32_t n = s->rows - s->cursor < QN_LANES ? s->rows - s->cursor : QN_LANES;
        vm->row_base = s->cursor;
        s->cursor += n;
        batch_reset(vm, n);
        return true;
    }
    uint32_t count = 0;
    while (s->cursor < s->rows) {
        uint32_t base = s->cursor, in_window = 0; /* multiple of 64 */
        uint32_t end = base + QN_LANES < s->rows ? base + QN_LANES : s->rows;
        for (uint32_t i = base / 64; i < (end + 63) / 64; i++)
            in_window += (uint32_t)__builtin_popcountll(s->bits[i]);
        if (in_window >= DENSE_ROWS && !count) {
            batch_reset(vm, end - base);
            vm->row_base = base;
            s->cursor = end;
            if (in_window < end - base) {
                uint16_t *sel = vm->sel_buffers[0];
                uint32_t  n = 0;
                for (uint32_t i = base / 64; i < (end + 63) / 64; i++)
                    for (uint64_t bits = s->bits[i]; bits; bits &= bits - 1)
                        sel[n++] = (uint16_t)(i * 64 + (uint32_t)__builtin_ctzll(bits) - base);
                vm->sel = sel;
                vm->sel_n = n;
            }
            return true;
        }
        if (in_window >= DENSE_ROWS || count + in_window > QN_LANES)
            break; /* the list so far is a batch of its own */
        for (uint32_t i = base / 64; i < (end + 63) / 64; i++)
            for (uint64_t bits = s->bits[i]; bits; bits &= bits - 1)
                vm->row_list_buffer[count++] = i * 64 + (uint32_t)__builtin_ctzll(bits);
        s->cursor = end;
    }
    if (!count)
        return false;
    batch_reset(vm, count);
    vm->row_list = vm->row_list_buffer;
    return true;
}

/* Of several rows that raise errors the lowest counts, and its first error; under a LIMIT without ORDER BY rows behind
 * the last one wanted count for nothing.  Vectors know neither: should a batch fail, it is taken again, one row after
 * the other.  Where distinct values were walked, the block's rows are read first. */
static qn_status replay_arm(qn_vm *vm)
{
    vm->replay.dense = !vm->sel;
    if (vm->sel) {
        if (!vm->replay.lanes)
            vm->replay.lanes = qn_arena_alloc(&vm->lasting, QN_LANES * sizeof *vm->replay.lanes);
        if (!vm->replay.lanes)
            return qn_nomem(vm->err);
        memcpy(vm->replay.lanes, vm->sel, vm->sel_n * sizeof *vm->sel);
    }
    vm->replay.sel_n = vm->sel_n;
    vm->replay.n = vm->n;
    vm->replay.pc = vm->pc - 1;
    vm->replay.mark = qn_arena_save(&vm->batch);
    vm->replay.armed = true;
    return QN_OK;
}

/* After an error: go back and look for the row it belongs to.  False: it stands. */
bool replay_batch(qn_vm *vm)
{
    qn_scan *s = &vm->scan;
    if (!vm->replay.armed || vm->replay.active || vm->err->status != QN_ERROR)
        return false;
    if (!vm->replay.lanes)
        vm->replay.lanes = qn_arena_alloc(&vm->lasting, QN_LANES * sizeof *vm->replay.lanes);
    if (!vm->replay.first)
        vm->replay.first = qn_arena_alloc(&vm->lasting, sizeof *vm->replay.first);
    if (!vm->replay.lanes || !vm->replay.first)
        return false;
    *vm->replay.first = *vm->err;
    if (s->block && s->in_values) {
        s->in_values = false;
        s->cursor = 0;
        for (uint32_t i = 0; i < vm->program->slot_count; i++) /* rows are filtered one by one */
            if (vm->program->slots[i].pipeline == vm->pl->code->plan->number)
                vm->slots[i].applied = false;
        vm->replay.by_rows = true;
        vm->replay.armed = false;
    } else {
        for (uint32_t i = 0; vm->replay.dense && i < vm->replay.n; i++)
            vm->replay.lanes[i] = (uint16_t)i;
        vm->replay.active = true;
        vm->replay.next = 0;
    }
    vm->call_depth = 0;
    qn_error_clear(vm->err);
    vm->pc = vm->replay.pc;
    return true;
}

/* The next row of a batch that is taken again.  *done: there is none (any more). */
static qn_status replay_next(qn_vm *vm, bool *done)
{
    *done = false;
    if (vm->replay.active && vm->replay.next < vm->replay.sel_n) {
        qn_arena_rewind(&vm->batch, vm->replay.mark);
        vm->n = vm->replay.n;
        vm->sel = vm->replay.lanes + vm->replay.next++;
        vm->sel_n = 1;
        vm->sel_depth = 0;
        return QN_OK;
    }
    bool failed = vm->replay.active && vm->pl->groups; /* no row failed by itself, but states were fed twice */
    *done = true;
    vm->replay.active = vm->replay.armed = false;
    if (failed)
        *vm->err = *vm->replay.first;
    return failed ? QN_ERROR : QN_OK;
}

static qn_status batch_next(qn_vm *vm, uint32_t w)
{
    bool      more = false, done;
    qn_status st;
    if (vm->pl->sink && sink_takes_first_rows(vm, vm->pl->sink) && sink_is_full(vm, vm->pl->sink)) {
        vm->replay.active = vm->replay.armed = false; /* a series may be without end */
        return go(vm, qn_operand1(vm->program, w));
    }
    if (vm->pl->groups && vm->pl->groups->packed && packed_fixed_done(vm->pl->groups->packed))
        return go(vm, qn_operand1(vm->program, w));
    st = replay_next(vm, &done);
    if (st != QN_OK || !done)
        return st;
    if (vm->scan.block) {
        more = scan_next(vm);
    } else {
        batch_reset(vm, 0);
        st = source_next(vm, &more);
        if (st != QN_OK)
            return st;
        vm->sel_n = vm->n;
    }
    return more ? replay_arm(vm) : go(vm, qn_operand1(vm->program, w));
}

static qn_status values_begin(qn_vm *vm, uint32_t w)
{
    uint32_t column, extremes;
    qn_operand2(vm->program, w, &column, &extremes);
    qn_scan *s = &vm->scan;
    s->value_column = column == 0xffff ? QN_NO_COLUMN : column;
    s->extremes = extremes;
    s->value_next = 0;
    s->in_values = false;
    vm->replay.by_rows = false;
    if (s->value_column != QN_NO_COLUMN) {
        const qn_block_column *c = qn_block_column_at(s->block, s->value_column);
        s->in_values = c->kind == QN_COL_DICT;
        if (s->in_values)
            s->value_next = c->null_count && !extremes ? 0 : 1;
    }
    return QN_OK;
}

/* The next codes to walk: first … first + n - 1, of which inside belong to the set; these lanes are listed in the
 * selection buffer when some do not. */
static bool values_window(qn_vm *vm, uint32_t distinct, uint32_t *first, uint32_t *n, uint32_t *inside)
{
    qn_scan          *s = &vm->scan;
    const qn_codeset *set = &s->value_set;
    if (set->is_range) {
        uint32_t last = set->hi < distinct ? set->hi : distinct;
        *first = s->value_next > set->lo ? s->value_next : set->lo;
        if (*first > last)
            return false;
        *n = last + 1 - *first < QN_LANES ? last + 1 - *first : QN_LANES;
        *inside = *n;
        return true;
    }
    uint32_t code = s->value_next;
    while (code <= distinct) {
        uint64_t word = set->bits[code / 64] >> (code % 64);
        if (word) {
            code += (uint32_t)__builtin_ctzll(word);
            break;
        }
        code = (code / 64 + 1) * 64;
    }
    if (code > distinct)
        return false;
    uint32_t most = distinct + 1 - code < QN_LANES ? distinct + 1 - code : QN_LANES, m = 0;
    for (uint32_t i = 0; i < most; i++) {
        vm->sel_buffers[0][m] = (uint16_t)i;
        m += bit_get(set->bits, code + i);
    }
    *first = code;
    *n = (uint32_t)vm->sel_buffers[0][m - 1] + 1;
    *inside = m;
    return true;
}

static qn_status list_top(qn_vm *vm, uint32_t w)
{
    bool      fold;
    bool      rows = vm->pl->code->plan->source.kind == QN_SOURCE_TABLE;
    qn_status st = rows || vm->scan.in_values ? list_top_block(vm, &fold) : (fold = true, QN_OK);
    return st != QN_OK || fold ? st : go(vm, qn_operand1(vm->program, w));
}

static qn_status list_distinct(qn_vm *vm, uint32_t w)
{
    uint32_t n, target;
    qn_operand2(vm->program, w, &n, &target);
    if (!vm->pl->distinct)
        return QN_OK;
    qn_status st = list_distinct_block(vm);
    return st == QN_OK ? go(vm, target) : st;
}

static qn_status values_next(qn_vm *vm, uint32_t w)
{
    qn_scan *s = &vm->scan;
    uint32_t target = qn_operand1(vm->program, w);
    if (s->value_column == QN_NO_COLUMN) {
        if (s->value_next)
            return go(vm, target);
        s->value_next = 1;
        batch_reset(vm, 1);
        s->weights[0] = s->rows;
        vm->weights = s->weights;
        return QN_OK;
    }
    const qn_block_column *c = qn_block_column_at(s->block, s->value_column);
    bool                   done;
    qn_status              st = replay_next(vm, &done);
    if (st != QN_OK || !done)
        return st;
    if (!s->in_values) { /* row order only: each row stands for itself */
        vm->weights = NULL;
        if (scan_next(vm))
            return replay_arm(vm);
        if (!vm->replay.by_rows)
            return go(vm, target);
        *vm->err = *vm->replay.first; /* no row failed by itself, but states were fed twice */
        return QN_ERROR;
    }
    if (s->value_next > c->distinct)
        return go(vm, target);
    if (s->extremes) {
        batch_reset(vm, c->distinct > 1 ? 2 : 1);
        s->weights[0] = s->weights[1] = 1;
        s->value_next = c->distinct + 1;
        vm->weights = s->weights;
        return replay_arm(vm);
    }
    uint32_t first, n, inside;
    if (!values_window(vm, c->distinct, &first, &n, &inside))
        return go(vm, target);
    uint32_t skip = first == 0;
    batch_reset(vm, n);
    vm->row_base = first;
    if (inside < n) {
        vm->sel = vm->sel_buffers[0];
        vm->sel_n = inside;
    }
    if (skip)
        s->weights[0] = c->null_count;
    if (n > skip) {
        st = qn_block_counts(s->block, s->value_column, first + skip, n - skip, s->weights + skip, vm->err);
        if (st != QN_OK)
            return st;
    }
    s->value_next = first + n;
    vm->weights = s->weights;
    return replay_arm(vm);
}

void register_pipeline(qn_handler (*tables)[256])
{
    register_op(tables, QN_OP_BLOCK_BEGIN, block_begin);
    register_op(tables, QN_OP_BLOCK_END, block_end);
    register_op(tables, QN_OP_SLOT_BEGIN, slot_begin);
    register_op(tables, QN_OP_SLOT_NEXT, slot_next);
    register_op(tables, QN_OP_SLOT_STORE, slot_store);
    register_op(tables, QN_OP_SLOT_RANGE, slot_range);
    register_op(tables, QN_OP_SLOT_IN, slot_in);
    register_op(tables, QN_OP_SLOT_PRUNE, slot_prune);
    register_op(tables, QN_OP_BLOCK_SELECT, block_select);
    register_op(tables, QN_OP_BLOCK_TOP, block_top);
    register_op(tables, QN_OP_BATCH_NEXT, batch_next);
    register_op(tables, QN_OP_FILTER_SLOT, filter_slot);
    register_op(tables, QN_OP_VALUES_BEGIN, values_begin);
    register_op(tables, QN_OP_VALUES_NEXT, values_next);
    register_op(tables, QN_OP_GROUP_FIXED, group_fixed);
    register_op(tables, QN_OP_LIST_TOP, list_top);
    register_op(tables, QN_OP_LIST_DISTINCT, list_distinct);
}
