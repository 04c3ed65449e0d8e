/* Sources that are not blocks: one row, VALUES lists, table functions, groups and rows of earlier pipelines. */
#include "vm/machine.h"

#include "base/assert.h"
#include "type/datetime.h"
#include "type/numeric.h"
#include "vm/packed.h"

#define BUFFER_MORSEL (32u * QN_LANES)

/* ---- how many morsels ---------------------------------------------------------------------------- */

qn_status source_prepare(qn_exec *exec, pipeline_state *pl, qn_error *err)
{
    const qn_source *s = &pl->code->plan->source;
    switch ((qn_source_kind)s->kind) {
    case QN_SOURCE_TABLE:
    case QN_SOURCE_VALUES:
        pl->table = qn_catalog_table_by_id(exec->snapshot, s->table_id);
        if (!pl->table)
            /* dropped between binding and the writer's turn */
            return qn_fail(err, QN_SQLSTATE_UNDEFINED_TABLE, "relation \"%s\" does not exist", s->table->name);
        pl->morsels = pl->table->block_count;
        break;
    case QN_SOURCE_GROUPS:
        pl->source_groups = exec->pipelines[s->input].groups;
        pl->morsels = pl->source_groups->part_count;
        break;
    case QN_SOURCE_BUFFER:
        pl->source_rows = exec->pipelines[s->input].sink->result;
        pl->morsels = (pl->source_rows->count + BUFFER_MORSEL - 1) / BUFFER_MORSEL;
        break;
    case QN_SOURCE_FUNCTION:
        pl->morsels = 1;
        if (s->relation->table_function > QN_TF_SERIES_TIMESTAMPTZ) {
            if (!exec->settings.system_rows)
                return qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "this table function is not available here");
            return system_rows_make(exec, pl, err);
        }
        break;
    case QN_SOURCE_FILE:
        return source_file_prepare(exec, pl, err);
    default:
        pl->morsels = 1;
    }
    return QN_OK;
}

/* ---- series -------------------------------------------------------------------------------------- */

static qn_datum *argument(qn_vm *vm, uint32_t i) { return &vm->constants[vm->pl->code->first_argument + i]; }
static bool      argument_null(qn_vm *vm, uint32_t i) { return vm->constant_nulls[vm->pl->code->first_argument + i]; }

static qn_status zero_step(qn_vm *vm)
{
    return qn_fail(vm->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, "step size cannot equal zero");
}

/* The series so far is in vm->series; each batch writes the next values. */
static qn_status series_int(qn_vm *vm, int64_t *out)
{
    int64_t stop = argument(vm, 1)->i64, step = vm->pl->code->plan->source.relation->argc > 2 ? argument(vm, 2)->i64 : 1;
    if (!step)
        return zero_step(vm);
    if (!vm->series_started) {
        vm->series.i64 = argument(vm, 0)->i64;
        vm->series_started = true;
    }
    while (vm->n < QN_LANES && !vm->series_done) {
        if (step > 0 ? vm->series.i64 > stop : vm->series.i64 < stop)
            vm->series_done = true;
        else {
            out[vm->n++] = vm->series.i64;
            vm->series_done = __builtin_add_overflow(vm->series.i64, step, &vm->series.i64);
        }
    }
    return QN_OK;
}

static qn_status series_numeric(qn_vm *vm, qn_numeric *out)
{
    qn_numeric zero, step, stop = argument(vm, 1)->num;
    qn_status  st = qn_numeric_from_i64(0, &zero);
    if (st != QN_OK)
        return st;
    if (vm->pl->code->plan->source.relation->argc > 2)
        step = argument(vm, 2)->num;
    else
        step = qn_numeric_small(1, 0);
    int up = qn_numeric_compare(step, zero);
    if (!up)
        return zero_step(vm);
    static const char *const what[] = {"start value", "stop value", "step size"};
    qn_numeric               values[] = {argument(vm, 0)->num, stop, step};
    for (int i = 0; i < 3; i++) {
        int sign;
        if (qn_numeric_is_nan(values[i]))
            return qn_fail(vm->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, "%s cannot be NaN", what[i]);
        if (qn_numeric_is_infinite(values[i], &sign))
            return qn_fail(vm->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, "%s cannot be infinity", what[i]);
    }
    if (!vm->series_started) {
        vm->series.num = argument(vm, 0)->num;
        vm->series_started = true;
    }
    while (vm->n < QN_LANES) {
        int c = qn_numeric_compare(vm->series.num, stop);
        if (up > 0 ? c > 0 : c < 0)
            break;
        out[vm->n++] = vm->series.num;
        st = qn_numeric_add(vm->series.num, step, &vm->lasting, &vm->series.num, vm->err);
        if (st != QN_OK)
            return st;
    }
    return QN_OK;
}

static qn_status series_timestamp(qn_vm *vm, int64_t *out, bool zoned)
{
    int64_t     stop = argument(vm, 1)->i64;
    qn_interval step = argument(vm, 2)->interval;
    qn_i128     length = qn_interval_linear(&step);
    if (!length)
        return zero_step(vm);
    if (!vm->series_started) {
        vm->series.i64 = argument(vm, 0)->i64;
        vm->series_started = true;
    }
    while (vm->n < QN_LANES && !vm->series_done) {
        if (length > 0 ? vm->series.i64 > stop : vm->series.i64 < stop)
            break;
        out[vm->n++] = vm->series.i64;
        qn_status st = zoned ? qn_timestamptz_add(vm->series.i64, &step, vm->exec->settings.text.zone, &vm->series.i64, vm->err)
                             : qn_timestamp_add(vm->series.i64, &step, &vm->series.i64, vm->err);
        if (st != QN_OK)
            return st;
        vm->series_done = !qn_timestamp_finite(vm->series.i64);
    }
    return QN_OK;
}

static qn_status series_next(qn_vm *vm, const qn_relation *rel)
{
    for (uint32_t i = 0; i < rel->argc; i++)
        if (argument_null(vm, i))
            return QN_OK; /* no rows */
    if (!vm->series_values) {
        vm->series_values = qn_arena_alloc(&vm->lasting, (size_t)QN_LANES * 16);
        if (!vm->series_values)
            return qn_nomem(vm->err);
    }
    switch ((qn_table_function)rel->table_function) {
    case QN_TF_SERIES_INT: return series_int(vm, vm->series_values);
    case QN_TF_SERIES_NUMERIC: return series_numeric(vm, vm->series_values);
    case QN_TF_SERIES_TIMESTAMP: return series_timestamp(vm, vm->series_values, false);
    case QN_TF_SERIES_TIMESTAMPTZ: return series_timestamp(vm, vm->series_values, true);
    default: break;
    }
    QN_UNREACHABLE();
}

/* ---- batches ------------------------------------------------------------------------------------- */

static qn_status buffer_next(qn_vm *vm, uint64_t end)
{
    qn_rows *r = vm->pl->source_rows;
    if (vm->source_cursor >= end)
        return QN_OK;
    if (!vm->source_values) {
        vm->source_values = qn_arena_array(&vm->lasting, void *, r->column_count + 1);
        vm->source_nulls = qn_arena_array(&vm->lasting, uint64_t *, r->column_count + 1);
        if (!vm->source_values || !vm->source_nulls)
            return qn_nomem(vm->err);
    }
    qn_status st = qn_rows_read(r, vm->source_cursor, &vm->n, vm->source_values, vm->source_nulls, &vm->batch, vm->err);
    if (vm->n > end - vm->source_cursor) /* reads end where chunks on disk do, which need not be where morsels do */
        vm->n = (uint32_t)(end - vm->source_cursor);
    vm->batch_first = vm->source_cursor;
    if (r->loose && st == QN_OK) {
        if (!vm->tie_buffer)
            vm->tie_buffer = qn_arena_alloc(&vm->lasting, QN_LANES * sizeof(uint64_t));
        if (!vm->tie_buffer)
            return qn_nomem(vm->err);
        vm->ties = vm->tie_buffer;
        st = qn_rows_ties(r, vm->source_cursor, vm->n, vm->ties, &vm->batch, vm->err);
    }
    vm->source_cursor += vm->n;
    return st;
}

/* Groups on disk: have the morsel's partition merged when it begins, and pass after pass when one has been read. */
static qn_status spilled_groups(qn_vm *vm, qn_groups *g)
{
    group_local *l = &g->locals[vm->worker];
    qn_status    st = QN_OK;
    if (!vm->source_started) {
        vm->source_started = true;
        st = groups_load(vm->exec, g, vm->worker, (uint32_t)vm->morsel, 0, vm->err);
    }
    while (st == QN_OK && vm->source_cursor == l->loaded.count && l->pass + 1 < l->passes) {
        vm->source_cursor = 0;
        st = groups_load(vm->exec, g, vm->worker, (uint32_t)vm->morsel, l->pass + 1, vm->err);
    }
    return st;
}

static qn_status groups_next(qn_vm *vm)
{
    qn_groups         *g = vm->pl->source_groups;
    const group_table *t = &g->parts[vm->morsel];
    if (atomic_load_explicit(&g->spilled, memory_order_relaxed)) {
        qn_status st = spilled_groups(vm, g);
        t = &g->locals[vm->worker].loaded;
        if (st != QN_OK)
            return st;
    }
    uint64_t left = t->count - vm->source_cursor;
    vm->n = left < QN_LANES ? (uint32_t)left : QN_LANES;
    if (!vm->tie_buffer) {
        vm->tie_buffer = qn_arena_alloc(&vm->lasting, QN_LANES * sizeof(uint64_t));
        if (!vm->tie_buffer)
            return qn_nomem(vm->err);
    }
    vm->ties = vm->tie_buffer;
    if (g->packed) {
        vm->n = 0;
        return packed_next(vm, vm->pl->source_groups);
    }
    for (uint32_t i = 0; i < vm->n; i++) {
        uint8_t *row = group_row(t, (uint32_t)vm->source_cursor + i);
        vm->source_group_rows[i] = row;
        vm->ties[i] = g->layout.first_row ? *(uint64_t *)(void *)(row + g->layout.first_row) : *group_hash(row);
    }
    vm->batch_first = vm->source_cursor;
    vm->source_cursor += vm->n;
    return QN_OK;
}

qn_status source_next(qn_vm *vm, bool *more)
{
    const qn_source *s = &vm->pl->code->plan->source;
    qn_status        st = QN_OK;
    vm->n = 0;
    vm->ties = NULL;
    switch ((qn_source_kind)s->kind) {
    case QN_SOURCE_ROW:
        vm->n = vm->source_cursor ? 0 : 1;
        vm->batch_first = 0;
        vm->source_cursor = 1;
        break;
    case QN_SOURCE_LIST: {
        uint64_t left = s->relation->row_count - vm->source_cursor;
        vm->n = left < QN_LANES ? (uint32_t)left : QN_LANES;
        vm->batch_first = vm->source_cursor;
        vm->source_cursor += vm->n;
        break;
    }
    case QN_SOURCE_FUNCTION:
        if (s->relation->table_function > QN_TF_SERIES_TIMESTAMPTZ) {
            st = buffer_next(vm, vm->pl->source_rows->count);
        } else {
            vm->batch_first = vm->source_cursor;
            st = series_next(vm, s->relation);
            vm->source_cursor += vm->n;
        }
        break;
    case QN_SOURCE_BUFFER: {
        uint64_t end = (vm->morsel + 1) * BUFFER_MORSEL;
        st = buffer_next(vm, end < vm->pl->source_rows->count ? end : vm->pl->source_rows->count);
        break;
    }
    case QN_SOURCE_GROUPS:
        st = groups_next(vm);
        break;
    case QN_SOURCE_FILE:
        st = source_file_next(vm);
        break;
    default:
        QN_UNREACHABLE();
    }
    *more = vm->n > 0;
    return st;
}

/* ---- columns ------------------------------------------------------------------------------------- */

static void flat(qn_vec *v, qn_bank bank, uint8_t type, bool any_null)
{
    vec_finish(v, bank, &(operands){.any_null = any_null});
    v->type = type;
}

static qn_status load_list(qn_vm *vm, qn_vec *v, uint32_t column)
{
    const qn_relation *rel = vm->pl->code->plan->source.relation;
    qn_bank            bank = qn_type_bank(rel->column_types[column].id);
    bool               any = false;
    memset(v->own_nulls, 0, QN_LANES / 8);
    for (uint32_t i = 0; i < vm->n; i++) {
        size_t k = vm->pl->code->first_argument + (size_t)(vm->batch_first + i) * rel->column_count + column;
        qn_bank_set(bank, v->own, i, &vm->constants[k]);
        if (vm->constant_nulls[k]) {
            bit_set(v->own_nulls, i);
            any = true;
        }
    }
    flat(v, bank, rel->column_types[column].id, any);
    return QN_OK;
}

static void compute_key(qn_vm *vm, qn_vec *v, const qn_groups *g, uint32_t key)
{
    const group_key *k = &g->layout.keys[key];
    qn_bank          bank = (qn_bank)k->bank;
    size_t           size = qn_bank_bytes(bank);
    uint32_t         from = k->payload ? k->payload : k->identity; /* little-endian: the low bytes are the value */
    bool             any = false;
    memset(v->own_nulls, 0, QN_LANES / 8);
    if (g->packed) {
        FOR_LANES(vm, i, {
            qn_datum d;
            if (!packed_key_value(g->packed, vm->source_group_rows[i], key, &d)) {
                bit_set(v->own_nulls, i);
                any = true;
            }
            memcpy((char *)v->own + i * size, &d, size);
        });
        flat(v, bank, k->type, any);
        v->lazy = bank == QN_BANK_STR;
        return;
    }
    FOR_LANES(vm, i, {
        const uint8_t *row = vm->source_group_rows[i];
        memcpy((char *)v->own + i * size, row + from, size);
        if (row[g->layout.nulls + key / 8] >> (key % 8) & 1) {
            bit_set(v->own_nulls, i);
            any = true;
        }
    });
    flat(v, bank, k->type, any);
    v->lazy = bank == QN_BANK_STR;
}

static qn_status compute_agg(qn_vm *vm, qn_vec *v, const qn_groups *g, uint32_t agg)
{
    const agg_state *a = &g->layout.aggs[agg];
    qn_bank          bank = (qn_bank)a->result_bank;
    bool             any = false;
    memset(v->own_nulls, 0, QN_LANES / 8);
    FOR_LANES(vm, i, {
        qn_datum  d = {.words = {0, 0}};
        bool      null = false;
        qn_status st = g->packed ? packed_agg_value(g->packed, vm->source_group_rows[i], agg, &vm->batch, &d, &null, vm->err)
                                 : agg_finish(a, vm->source_group_rows[i], &vm->batch, &d, &null, vm->err);
        if (st != QN_OK) {
            if (a->call->location >= 0)
                qn_error_locate(vm->err, a->call->location);
            return st;
        }
        if (null) {
            bit_set(v->own_nulls, i);
            any = true;
            memset(&d, 0, sizeof d);
        }
        qn_bank_set(bank, v->own, i, &d);
    });
    flat(v, bank, a->result_type, any);
    return QN_OK;
}

/* Keys and results of groups are computed when somebody looks: a top-N looks at the few that may win. */
qn_status source_compute(qn_vm *vm, qn_vec *v)
{
    const qn_groups *g = vm->pl->source_groups;
    if (!vec_own(vm, v))
        return qn_nomem(vm->err);
    if (v->column >= g->layout.key_count)
        return compute_agg(vm, v, g, v->column - g->layout.key_count);
    compute_key(vm, v, g, v->column);
    return QN_OK;
}

static void load_group(qn_vec *v, const qn_groups *g, uint32_t column)
{
    bool key = column < g->layout.key_count;
    v->form = QN_FORM_SOURCE;
    v->column = column;
    v->bank = key ? g->layout.keys[column].bank : g->layout.aggs[column - g->layout.key_count].result_bank;
    v->type = key ? g->layout.keys[column].type : g->layout.aggs[column - g->layout.key_count].result_type;
    v->lazy = v->sequence = false;
}

static qn_status load_series(qn_vm *vm, qn_vec *v, uint32_t column)
{
    const qn_relation *rel = vm->pl->code->plan->source.relation;
    qn_bank            bank = qn_type_bank(rel->column_types[column].id);
    if (rel->ordinality && column == rel->column_count - 1) {
        for (uint32_t i = 0; i < vm->n; i++)
            ((int64_t *)v->own)[i] = (int64_t)(vm->batch_first + i + 1);
    } else if (bank == QN_BANK_I32 && rel->table_function == QN_TF_SERIES_INT) {
        for (uint32_t i = 0; i < vm->n; i++)
            ((int32_t *)v->own)[i] = (int32_t)((const int64_t *)vm->series_values)[i];
    } else {
        memcpy(v->own, vm->series_values, (size_t)vm->n * qn_bank_bytes(bank));
    }
    flat(v, bank, rel->column_types[column].id, false);
    return QN_OK;
}

qn_status source_load(qn_vm *vm, qn_vec *v, uint32_t column)
{
    const qn_source *s = &vm->pl->code->plan->source;
    if (!vec_own(vm, v))
        return qn_nomem(vm->err);
    switch ((qn_source_kind)s->kind) {
    case QN_SOURCE_LIST:
        return load_list(vm, v, column);
    case QN_SOURCE_FILE:
        return source_file_load(vm, v, column);
    case QN_SOURCE_GROUPS:
        load_group(v, vm->pl->source_groups, column);
        return QN_OK;
    case QN_SOURCE_FUNCTION:
        if (s->relation->table_function <= QN_TF_SERIES_TIMESTAMPTZ)
            return load_series(vm, v, column);
        break;
    default:
        break;
    }
    const qn_rows *r = vm->pl->source_rows;
    v->form = QN_FORM_FLAT;
    v->bank = (uint8_t)r->banks[column];
    v->type = r->types[column].id;
    v->lazy = false;
    v->data = vm->source_values[column];
    v->nulls = vm->source_nulls[column];
    return QN_OK;
}
