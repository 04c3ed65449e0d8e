/* Ordered output: everything a pipeline puts out that is not grouped.
 *
 * Each worker appends to rows of its own.  Without ORDER BY the pieces are joined in morsel order, so the result
 * is in row order whatever the number of workers.  With it, rows carry an order-preserving 64-bit prefix of the
 * first sort key; ties beyond all keys go by row id or group identity.  Under a LIMIT each worker keeps about the
 * best `limit + offset` rows: once twice that many are held they are cut back, and the prefix of the last survivor
 * becomes a boundary that later rows are tested against before anything is copied.
 *
 * Rows that do not fit the memory limit go to disk: chunks as they are, or as sorted runs (row_spill.c). */
#include "vm/sort.h"

#include <stdlib.h>
#include "base/assert.h"

qn_status sink_new(qn_exec *exec, const qn_code_pipeline *cp, qn_sink **out, qn_error *err)
{
    const qn_output *o = &cp->plan->output;
    qn_sink         *s = qn_arena_new(&exec->arena, qn_sink);
    if (!s)
        return qn_nomem(err);
    s->plan = o;
    s->limit = s->offset = UINT64_MAX;
    s->types = qn_arena_array(&exec->arena, qn_type, o->target_count + 1);
    s->locals = qn_arena_array(&exec->arena, output_local, (size_t)exec->workers);
    if (!s->types || !s->locals)
        return qn_nomem(err);
    for (uint32_t i = 0; i < o->target_count; i++)
        s->types[i] = o->targets[i].expr->type;
    uint64_t offset = 0;
    if (cp->offset != QN_NO_CONSTANT && !exec->constant_nulls[cp->offset]) {
        if (exec->constants[cp->offset].i64 < 0)
            return qn_fail(err, QN_SQLSTATE_INVALID_ROW_COUNT_OFFSET, "OFFSET must not be negative");
        offset = (uint64_t)exec->constants[cp->offset].i64;
    }
    s->offset = offset;
    if (cp->limit != QN_NO_CONSTANT && !exec->constant_nulls[cp->limit]) {
        if (exec->constants[cp->limit].i64 < 0)
            return qn_fail(err, QN_SQLSTATE_INVALID_ROW_COUNT_LIMIT, "LIMIT must not be negative");
        s->limit = (uint64_t)exec->constants[cp->limit].i64;
    }
    s->keep = s->limit == UINT64_MAX ? UINT64_MAX : s->limit + offset < offset ? UINT64_MAX : s->limit + offset;
    if (o->distinct_on)
        s->keep = UINT64_MAX;
    atomic_init(&s->early_tie, UINT64_MAX);
    atomic_init(&s->failed_morsel, UINT64_MAX);
    *out = s;
    return QN_OK;
}

void sink_free(qn_sink *s, qn_mem *mem)
{
    (void)mem;
    if (s)
        qn_rows_free(s->result);
}

static void local_free(qn_mem *mem, output_local *l)
{
    sort_free_runs(mem, l);
    qn_rows_free(l->rows);
    qn_free(mem, l->segments, l->segment_capacity * sizeof *l->segments);
    memset(l, 0, sizeof *l);
}

/* ---- order ------------------------------------------------------------------------------------ */

static qn_status entries_add(qn_rows *r, uint64_t prefix, uint32_t chunk, uint32_t lane, qn_error *err)
{
    if (r->entry_count == r->entry_capacity) {
        uint64_t       capacity = r->entry_capacity ? r->entry_capacity * 2 : 1024;
        qn_rows_entry *grown = qn_realloc(r->mem, r->entries, r->entry_capacity * sizeof *grown, capacity * sizeof *grown);
        if (!grown)
            return qn_nomem(err);
        r->entries = grown;
        r->entry_capacity = capacity;
    }
    r->entries[r->entry_count++] = (qn_rows_entry){prefix, chunk, lane};
    return QN_OK;
}

/* Copy one row, its strings too, to the end of `to`. */
static qn_status copy_row(qn_rows *to, const qn_rows *from, const qn_rows_entry *e, qn_error *err)
{
    qn_rows_chunk *k;
    qn_status      st = qn_rows_room(to, &k, err);
    if (st != QN_OK)
        return st;
    const qn_rows_chunk *s = from->chunks[e->chunk];
    uint32_t             lane = k->count;
    for (uint32_t c = 0; c < to->column_count; c++) {
        qn_datum v;
        if (bit_get(s->nulls[c], e->lane)) {
            bit_set(k->nulls[c], lane);
            continue;
        }
        qn_bank_get(to->banks[c], s->values[c], e->lane, &v);
        bool lazy = to->banks[c] == QN_BANK_STR && v.str.bytes == QN_STR_LAZY;
        if (!lazy && !qn_value_copy(to->banks[c], &v, &to->arena, &v))
            return qn_nomem(err);
        qn_bank_set(to->banks[c], k->values[c], lane, &v);
    }
    k->ties[lane] = s->ties[e->lane];
    k->count++;
    return entries_add(to, e->prefix, to->chunk_count - 1, lane, err);
}

/* Entries are in order: the last that is kept is the boundary. */
static void note_boundary(const qn_sink *s, output_local *l)
{
    const qn_rows_entry *e = &l->rows->entries[s->keep - 1];
    const qn_rows_chunk *k = l->rows->chunks[e->chunk];
    l->has_boundary = true;
    l->boundary = e->prefix;
    l->boundary_tie = k->ties[e->lane];
    l->boundary_known = false;
    l->boundary_version++;
    if (s->plan->sort_count) {
        uint32_t t = s->plan->sort[0].target;
        l->boundary_known = !bit_get(k->nulls[t], e->lane);
        qn_bank_get(l->rows->banks[t], k->values[t], e->lane, &l->boundary_value);
    }
}

/* Keep the best `keep` rows of a worker and remember the boundary. */
static qn_status cut_back(qn_vm *vm, qn_sink *s, output_local *l)
{
    sort_order c = {l->rows, s->plan};
    qn_rows      *fresh;
    qsort_r(l->rows->entries, l->rows->entry_count, sizeof *l->rows->entries, sort_compare_entries, &c);
    qn_status st = qn_rows_new(&vm->exec->mem, s->types, s->plan->target_count, s->plan->visible_count, &fresh, vm->err);
    if (st != QN_OK)
        return st;
    fresh->table = l->rows->table;
    for (uint64_t i = 0; i < s->keep && st == QN_OK; i++)
        st = copy_row(fresh, l->rows, &l->rows->entries[i], vm->err);
    if (st != QN_OK) {
        qn_rows_free(fresh);
        return st;
    }
    qn_rows_free(l->rows);
    l->rows = fresh;
    if (s->keep)
        note_boundary(s, l);
    return QN_OK;
}

qn_status sink_last(qn_vm *vm, qn_sink *s, const qn_datum **last)
{
    output_local *l = &s->locals[vm->worker];
    *last = NULL;
    if (l->rows && s->keep && s->keep < UINT64_MAX / 4 && l->rows->entry_count > (l->has_boundary ? s->keep : s->keep - 1)) {
        if ((uint64_t)l->rows->chunk_count * QN_LANES > 8 * (s->keep + QN_LANES)) { /* copying gives memory back */
            qn_status st = cut_back(vm, s, l);
            if (st != QN_OK)
                return st;
        } else {
            sort_order c = {l->rows, s->plan};
            qsort_r(l->rows->entries, l->rows->entry_count, sizeof *l->rows->entries, sort_compare_entries, &c);
            l->rows->entry_count = s->keep;
            note_boundary(s, l);
        }
    }
    if (l->has_boundary && l->boundary_known)
        *last = &l->boundary_value;
    return QN_OK;
}

/* ---- appending ---------------------------------------------------------------------------------- */

static bool is_ordered(const qn_vm *vm, const qn_sink *s)
{
    return s->plan->sort_count || ((s->keep != UINT64_MAX || s->offset) && pipeline_is_loose(vm->pl));
}

bool sink_takes_first_rows(const qn_vm *vm, const qn_sink *s) { return !is_ordered(vm, s) && s->keep != UINT64_MAX; }

/* A worker meets its morsels in order, except when it takes one from another node's queue: that may lie before all
 * it had, and then the rows put out so far do not count. */
bool sink_is_full(const qn_vm *vm, const qn_sink *s)
{
    output_local *l = &s->locals[vm->worker];
    if (is_ordered(vm, s))
        return false;
    if (l->segment_count && vm->morsel < l->segments[l->segment_count - 1].morsel)
        l->emitted = 0;
    return l->emitted >= s->keep;
}

/* An error is of no consequence when the rows before it are all that LIMIT asks for: nobody would have gone on. */
bool sink_had_enough(const qn_exec *exec, const qn_sink *s)
{
    uint64_t rows = 0, failed = atomic_load(&s->failed_morsel);
    if (s->plan->sort_count || s->keep == UINT64_MAX || failed == UINT64_MAX)
        return false;
    for (int w = 0; w < exec->workers; w++) {
        const output_local *l = &s->locals[w];
        for (uint32_t i = 0; i < l->segment_count; i++)
            for (uint32_t c = 0; l->segments[i].morsel <= failed && c < l->segments[i].chunk_count; c++)
                rows += l->rows->chunks[l->segments[i].first_chunk + c]->count;
    }
    return rows >= s->keep;
}

static qn_status segment_for(qn_vm *vm, output_local *l)
{
    if (l->segment_count && l->segments[l->segment_count - 1].morsel == vm->morsel)
        return QN_OK;
    if (l->segment_count == l->segment_capacity) {
        uint32_t        capacity = l->segment_capacity ? l->segment_capacity * 2 : 16;
        output_segment *grown = qn_realloc(&vm->exec->mem, l->segments, l->segment_capacity * sizeof *grown, capacity * sizeof *grown);
        if (!grown)
            return qn_nomem(vm->err);
        l->segments = grown;
        l->segment_capacity = capacity;
    }
    /* a segment owns whole chunks, so that segments of several workers can be put in order */
    l->segments[l->segment_count++] = (output_segment){vm->morsel, l->rows->chunk_count, 0};
    l->fresh_segment = true;
    return QN_OK;
}

static qn_status copy_column(qn_vm *vm, qn_rows *r, qn_rows_chunk *k, uint32_t c, const qn_vec *v, const uint16_t *lanes,
                             uint32_t n)
{
    qn_bank  bank = r->banks[c];
    size_t   size = qn_bank_bytes(bank);
    bool     constant = v->form == QN_FORM_CONST;
    uint32_t at = k->count;
    char    *out = (char *)k->values[c] + at * size;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t lane = lanes[i];
        if (vec_null(v, lane)) {
            bit_set(k->nulls[c], at + i);
            memset(out + i * size, 0, size);
            continue;
        }
        const char *from = (const char *)v->data + (constant ? 0 : lane * size);
        if (bank == QN_BANK_STR) {
            const qn_str *s = (const qn_str *)(const void *)from;
            if (s->bytes == QN_STR_LAZY)
                memcpy(out + i * size, from, size);
            else if (!qn_str_copy(&r->arena, s, (qn_str *)(void *)(out + i * size)))
                return qn_nomem(vm->err);
        } else if (bank == QN_BANK_NUM) {
            qn_datum d;
            memcpy(&d, from, size);
            if (!qn_value_copy(bank, &d, &r->arena, &d))
                return qn_nomem(vm->err);
            memcpy(out + i * size, &d, size);
        } else {
            memcpy(out + i * size, from, size);
        }
    }
    return QN_OK;
}

static bool is_sort_target(const qn_output *o, uint32_t target)
{
    for (uint32_t i = 0; i < o->sort_count; i++)
        if (o->sort[i].target == target)
            return true;
    return false;
}

/* Which codes of this block's column may still win against the boundary; drop the other lanes unseen. */
static qn_status limit_codes(qn_vm *vm, const qn_sink *s, output_local *l, const qn_vec *v)
{
    const qn_sort_key *key = &s->plan->sort[0];
    qn_dict           *d = v->dict;
    if (d->computed || !d->count || s->types[key->target].id == QN_TYPE_CHAR)
        return QN_OK;
    if (l->code_dict != d || l->code_block != d->block_index || l->code_version != l->boundary_version) {
        uint32_t  first, end;
        qn_status st = qn_block_search(d->block, d->column, &l->boundary_value, &first, &end, vm->err);
        if (st != QN_OK)
            return st;
        l->code_dict = d;
        l->code_block = d->block_index;
        l->code_version = l->boundary_version;
        l->code_lo = key->descending ? first : 1;
        l->code_hi = key->descending ? d->count : end - 1;
    }
    uint16_t *out = vm->sel_buffers[0];
    uint32_t  n = 0;
    FOR_LANES(vm, lane, {
        uint32_t c = v->codes[lane];
        out[n] = (uint16_t)lane;
        n += c == 0 || (c >= l->code_lo && c <= l->code_hi);
    });
    vm->sel = out;
    vm->sel_n = n;
    return QN_OK;
}

/* A row at or behind the boundary's prefix: is it behind the boundary itself? */
static bool loses_tie(const qn_vm *vm, const qn_sink *s, const output_local *l, const qn_sort_key *key, const qn_datum *d,
                      bool null, uint64_t prefix, uint32_t lane)
{
    if (prefix > l->boundary)
        return true;
    int c = 0;
    if (l->boundary_known && !null) {
        qn_sql_type type = (qn_sql_type)s->types[key->target].id;
        c = type == QN_TYPE_BIGINT ? (d->i64 > l->boundary_value.i64) - (d->i64 < l->boundary_value.i64)
                                   : qn_value_compare(type, d, &l->boundary_value);
        if (key->descending)
            c = -c;
    } else if (l->boundary_known == null) {
        return false; /* one is NULL, the other only shares its prefix */
    }
    return c > 0 || (c == 0 && s->plan->sort_count == 1 && vm_tie(vm, lane) > l->boundary_tie);
}

/* A worker's rows go to disk when the execution is over its budget and they are enough for the trip to be worth it. */
static bool must_spill(const qn_exec *exec, const output_local *l)
{
    uint64_t held = l->rows->arena.used_bytes + l->rows->entry_capacity * sizeof *l->rows->entries;
    uint64_t least = exec_budget(exec) / 16 / (uint64_t)exec->workers;
    /* sorting what is held takes an entry a row more, of every worker */
    uint64_t sorting = l->rows->entry_count * sizeof *l->rows->entries * (uint64_t)exec->workers;
    return held > (least < 1u << 20 ? least : 1u << 20) && exec->spill.vfs && exec_would_exceed(exec, sorting);
}

qn_status sink_emit(qn_vm *vm, qn_sink *s, uint32_t first, uint32_t count)
{
    output_local    *l = &s->locals[vm->worker];
    const qn_output *o = s->plan;
    bool             ordered = is_ordered(vm, s);
    uint16_t        *lanes = vm->sel_buffers[0]; /* perhaps being read: writing never overtakes reading */
    uint64_t         prefixes[QN_LANES];
    uint32_t         n = 0;
    qn_status        st;

    if (!vm_selected(vm) || !s->keep)
        return QN_OK;
    if (!l->rows) {
        st = qn_rows_new(&vm->exec->mem, s->types, o->target_count, o->visible_count, &l->rows, vm->err);
        if (st != QN_OK)
            return st;
        l->rows->table = source_table(vm);
    }
    if (sink_is_full(vm, s))
        return QN_OK;
    if (o->sort_count) {
        const qn_sort_key *key = &o->sort[0];
        qn_vec            *v = REG(vm, first + key->target);
        st = vec_ready(vm, v);
        if (st == QN_OK && v->form == QN_FORM_CODES && l->boundary_known)
            st = limit_codes(vm, s, l, v);
        if (st == QN_OK)
            st = vec_flat(vm, v);
        if (st != QN_OK)
            return st;
        FOR_LANES(vm, lane, {
            qn_datum d = {.words = {0, 0}};
            bool     null = vec_null(v, lane);
            if (!null)
                vec_get(v, lane, &d);
            uint64_t p = sort_prefix_of(key, (qn_bank)v->bank, s->types[key->target].id, &d, null);
            if (l->has_boundary && p >= l->boundary && loses_tie(vm, s, l, key, &d, null, p, lane))
                continue;
            prefixes[n] = p;
            lanes[n++] = (uint16_t)lane;
        });
        vm->sel = lanes; /* nothing else is needed of lanes that cannot win */
        vm->sel_n = n;
    } else {
        FOR_LANES(vm, lane, {
            prefixes[n] = 0;
            lanes[n++] = (uint16_t)lane;
        });
    }
    if (!n)
        return QN_OK;
    for (uint32_t i = 0; i < count; i++) {
        st = is_sort_target(o, i) ? vec_flat(vm, REG(vm, first + i)) : vec_flat_lazy(vm, REG(vm, first + i));
        if (st != QN_OK)
            return st;
    }
    if (!ordered) {
        st = segment_for(vm, l);
        if (st != QN_OK)
            return st;
        if (n > s->keep - l->emitted)
            n = (uint32_t)(s->keep - l->emitted);
    }
    for (uint32_t done = 0; done < n;) {
        qn_rows_chunk *k;
        if (l->fresh_segment) { /* start the segment in a chunk of its own */
            k = NULL;
            st = qn_rows_chunk_add(l->rows, &k, vm->err);
            l->segments[l->segment_count - 1].first_chunk = l->rows->chunk_count - 1;
            l->fresh_segment = false;
        } else {
            st = qn_rows_room(l->rows, &k, vm->err);
        }
        if (st != QN_OK)
            return st;
        uint32_t part = QN_LANES - k->count < n - done ? QN_LANES - k->count : n - done;
        for (uint32_t c = 0; c < count; c++) {
            st = copy_column(vm, l->rows, k, c, REG(vm, first + c), lanes + done, part);
            if (st != QN_OK)
                return st;
        }
        for (uint32_t i = 0; i < part; i++)
            k->ties[k->count + i] = vm_tie(vm, lanes[done + i]);
        for (uint32_t i = 0; ordered && i < part; i++) {
            st = entries_add(l->rows, prefixes[done + i], l->rows->chunk_count - 1, k->count + i, vm->err);
            if (st != QN_OK)
                return st;
        }
        k->count += part;
        done += part;
    }
    l->emitted += n;
    if (!ordered) {
        output_segment *seg = &l->segments[l->segment_count - 1];
        seg->chunk_count = l->rows->chunk_count - seg->first_chunk;
        if (l->emitted >= s->keep && n && vm->pl->table) {
            uint64_t tie = vm_tie(vm, lanes[n - 1]), old = atomic_load(&s->early_tie);
            while (tie < old && !atomic_compare_exchange_weak(&s->early_tie, &old, tie)) {
            }
        }
    } else if (s->keep < UINT64_MAX / 4 && l->rows->entry_count >= 2 * s->keep + QN_LANES / 2) {
        return cut_back(vm, s, l);
    }
    if (!must_spill(vm->exec, l))
        return QN_OK;
    return ordered ? sort_spill_local(vm->exec, s, l, vm->err) : qn_rows_spill(l->rows, &vm->exec->spill, vm->err);
}

/* ---- finishing -------------------------------------------------------------------------------- */

typedef struct segment_ref {
    uint64_t        morsel;
    output_local   *local;
    output_segment *segment;
} segment_ref;

static int by_morsel(const void *a, const void *b)
{
    uint64_t x = ((const segment_ref *)a)->morsel, y = ((const segment_ref *)b)->morsel;
    return (x > y) - (x < y);
}

/* Take another rows object's chunks over: its arena is kept alive by hooking it to ours. */
static void free_rows(void *rows) { qn_rows_free(rows); }

static qn_status adopt(qn_rows *to, qn_rows *from, qn_error *err) { return qn_arena_defer(&to->arena, free_rows, from, err); }

/* Without entries, rows are numbered as chunks come. */
static qn_status number_rows(qn_rows *result, qn_error *err)
{
    uint64_t total = 0;
    result->chunk_starts = qn_arena_array(&result->arena, uint64_t, result->chunk_count + 1);
    if (!result->chunk_starts)
        return qn_nomem(err);
    for (uint32_t c = 0; c < result->chunk_count; c++) {
        result->chunk_starts[c] = total;
        total += result->chunks[c]->count;
    }
    result->count = total;
    return QN_OK;
}

static qn_status finish_unordered(qn_exec *exec, qn_sink *s, qn_rows *result, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t  n = 0;
    for (int w = 0; w < exec->workers; w++)
        n += s->locals[w].segment_count;
    segment_ref *refs = qn_arena_array(&result->arena, segment_ref, n + 1);
    if (!refs)
        return qn_nomem(err);
    n = 0;
    for (int w = 0; w < exec->workers; w++)
        for (uint32_t i = 0; i < s->locals[w].segment_count; i++)
            refs[n++] = (segment_ref){s->locals[w].segments[i].morsel, &s->locals[w], &s->locals[w].segments[i]};
    qsort(refs, n, sizeof *refs, by_morsel);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < refs[i].segment->chunk_count; c++) {
            qn_rows_chunk *chunk = refs[i].local->rows->chunks[refs[i].segment->first_chunk + c];
            st = qn_rows_chunk_add(result, &chunk, err);
            if (st != QN_OK)
                return st;
        }
    return number_rows(result, err);
}

#define FEW_ROWS 4096u /* rows below which memory is no question */

static qn_status finish_ordered(qn_exec *exec, qn_sink *s, qn_rows *result, qn_error *err)
{
    qn_status st = QN_OK;
    uint64_t  total = 0;
    for (int w = 0; w < exec->workers; w++)
        total += s->locals[w].rows ? s->locals[w].rows->entry_count : 0;
    result->entries = qn_alloc(result->mem, qn_mul(total + 1, sizeof *result->entries));
    if (!result->entries)
        return qn_nomem(err);
    result->entry_capacity = total + 1;
    for (int w = 0; w < exec->workers; w++) {
        qn_rows *r = s->locals[w].rows;
        if (!r)
            continue;
        uint32_t base = result->chunk_count;
        for (uint32_t c = 0; c < r->chunk_count && st == QN_OK; c++) {
            qn_rows_chunk *chunk = r->chunks[c];
            st = qn_rows_chunk_add(result, &chunk, err);
        }
        for (uint64_t i = 0; i < r->entry_count && st == QN_OK; i++)
            st = entries_add(result, r->entries[i].prefix, r->entries[i].chunk + base, r->entries[i].lane, err);
        if (st != QN_OK)
            return st;
    }
    sort_order o = {result, s->plan};
    st = sort_entries(exec, &o, result->entries, result->entry_count, err);
    result->count = result->entry_count;
    if (st == QN_OK && s->plan->distinct_on && result->count) {
        uint64_t kept = 1;
        for (uint64_t i = 1; i < result->count; i++) {
            const qn_rows_entry *x = &result->entries[kept - 1], *y = &result->entries[i];
            if (!sort_same_group(&o, result->chunks[x->chunk], x->lane, result->chunks[y->chunk], y->lane, s->plan->distinct_on))
                result->entries[kept++] = *y;
        }
        result->count = kept;
    }
    return st;
}

qn_status sink_finish(qn_exec *exec, qn_sink *s, qn_error *err)
{
    qn_status st = qn_rows_new(&exec->mem, s->types, s->plan->target_count, s->plan->visible_count, &s->result, err);
    bool      ordered = false, runs = false;
    uint64_t  entries = 0;
    if (st != QN_OK)
        return st;
    for (int w = 0; w < exec->workers; w++)
        if (s->locals[w].rows) {
            s->result->table = s->locals[w].rows->table;
            ordered = ordered || s->locals[w].rows->entries;
            runs = runs || s->locals[w].run_count;
            entries += s->locals[w].rows->entry_count;
        }
    /* sorting in memory takes two entries a row more */
    runs = runs || (ordered && exec->spill.vfs && entries > FEW_ROWS && 2 * entries * sizeof(qn_rows_entry) > exec_left(exec));
    if (runs) {
        st = sort_merge_runs(exec, s, s->result, err);
        if (st == QN_OK)
            st = number_rows(s->result, err);
    } else if (ordered) {
        st = finish_ordered(exec, s, s->result, err);
    } else {
        s->result->spill = &exec->spill; /* some chunks may be on disk */
        st = finish_unordered(exec, s, s->result, err);
    }
    for (int w = 0; w < exec->workers; w++) {
        output_local *l = &s->locals[w];
        if (l->rows && st == QN_OK) {
            st = adopt(s->result, l->rows, err);
            if (st == QN_OK)
                l->rows = NULL;
        }
        if (st == QN_OK)
            local_free(&exec->mem, l);
    }
    if (st != QN_OK)
        return st;
    qn_rows *r = s->result;
    if (s->keep < r->count)
        r->count = s->keep;
    r->skip = s->offset < r->count ? s->offset : r->count;
    r->count -= r->skip;
    if (s->limit < r->count)
        r->count = s->limit;
    return QN_OK;
}

void sink_abandon(qn_exec *exec, qn_sink *s)
{
    for (int w = 0; s && s->locals && w < exec->workers; w++)
        local_free(&exec->mem, &s->locals[w]);
}
