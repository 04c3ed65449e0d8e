/* Files as a source: a morsel is a part of the reader, each worker has a cursor.
 *
 * Only the columns that the pipeline reads are asked for.  Vectors are the cursor's own and stay right until its next call,
 * as long as the batch; a cursor lives until the pipeline ends and moves from part to part, so that its memory is used
 * again.  Rows are told apart by part and place in it, so what ties and LIMIT decide does not depend on who read what.
 *
 * Where the file has a dictionary, a column comes as codes into it: text is hashed once a value, not once a row.  It has no
 * block and lasts no longer than its part; whoever indexes by code across batches looks for the block first. */
#include "vm/machine.h"

#include "load/files.h"

#define PART_SHIFT  40   /* a row id: the part, and the row in so many bits */
#define POLL_NS     100000000u
#define ROW_BYTES   32u  /* a guess, where the number of rows is not known */

qn_status source_file_prepare(qn_exec *exec, pipeline_state *pl, qn_error *err)
{
    const qn_source *s = &pl->code->plan->source;
    qn_env           env = *exec->env;

    env.mem = &exec->mem;
    if (!exec->settings.file_vfs)
        return qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "reading files is not available here");
    env.vfs = exec->settings.file_vfs;
    pl->file_places = qn_arena_array(&exec->arena, uint32_t, (size_t)s->column_count + 1);
    if (!pl->file_places)
        return qn_nomem(err);
    for (uint32_t c = 0; c < s->column_count; c++)
        pl->file_places[c] = UINT32_MAX;
    for (uint32_t i = 0; i < s->read_count; i++)
        pl->file_places[s->read[i]] = i;
    qn_status st = qn_files_open(&env, s->relation->files, &pl->file, err);
    if (st != QN_OK)
        return st;
    pl->morsels = pl->file->part_count;
    return QN_OK;
}

uint64_t source_file_rows(const pipeline_state *pl)
{
    return pl->file->rows != UINT64_MAX ? pl->file->rows : pl->file->bytes / ROW_BYTES;
}

static void cursor_close(qn_vm *vm)
{
    if (vm->cursor)
        vm->pl->file->ops->cursor_close(vm->cursor);
    vm->cursor = NULL;
}

void source_file_finish(qn_exec *exec, pipeline_state *pl)
{
    for (int i = 0; i < exec->workers; i++)
        if (exec->vms[i] && exec->vms[i]->pl == pl)
            cursor_close(exec->vms[i]);
    pl->bytes += pl->file->bytes;
    pl->file->ops->close(pl->file);
    pl->file = NULL;
}

/* A cursor on this morsel's part. */
static qn_status cursor_begin(qn_vm *vm)
{
    const qn_source     *s = &vm->pl->code->plan->source;
    const qn_reader_ops *ops = vm->pl->file->ops;
    qn_status            st;

    if (!vm->file_vectors) {
        vm->file_vectors = qn_arena_array(&vm->lasting, qn_reader_vector, (size_t)s->column_count + 1);
        vm->file_dicts = qn_arena_array(&vm->lasting, file_dict, (size_t)s->column_count + 1);
        if (!vm->file_vectors || !vm->file_dicts)
            return qn_nomem(vm->err);
    }
    memset(vm->file_dicts, 0, s->read_count * sizeof *vm->file_dicts);
    qn_arena_reset(&vm->block);
    if (vm->cursor && ops->cursor_move) {
        st = ops->cursor_move(vm->cursor, vm->morsel, vm->err);
    } else {
        cursor_close(vm);
        st = ops->cursor_open(vm->pl->file, vm->morsel, s->read, s->read_count, &vm->mem, &vm->cursor, vm->err);
    }
    vm->cursor_begun = true;
    return st;
}

/* The scheduler looks at cancellation and progress between morsels; a compressed file is one morsel, however large. */
static qn_status poll(qn_vm *vm)
{
    const qn_exec_settings *set = &vm->exec->settings;
    qn_clock               *clock = &vm->exec->env->clock;
    const qn_reader_ops    *ops = vm->pl->file->ops;
    bool                    go_on = !set->cancel || !atomic_load_explicit(set->cancel, memory_order_relaxed);

    /* worker 0 is the calling thread */
    if (go_on && set->progress && vm->worker == 0 && vm->pl->morsels == 1 && vm->cursor_begun && ops->cursor_fraction) {
        uint64_t now = clock->monotonic_ns(clock->self);
        if (now - vm->polled_ns >= POLL_NS) {
            vm->polled_ns = now;
            go_on = set->progress(set->progress_arg, ops->cursor_fraction(vm->cursor));
        }
    }
    return go_on ? QN_OK : qn_fail(vm->err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request");
}

qn_status source_file_next(qn_vm *vm)
{
    const qn_sink *sink = vm->pl->sink;
    uint64_t       first = vm->morsel << PART_SHIFT | vm->source_cursor;
    qn_status      st = poll(vm);

    if (st != QN_OK)
        return st;
    if (sink && first > atomic_load_explicit(&sink->early_tie, memory_order_relaxed))
        return QN_OK;
    if (!vm->cursor_begun) {
        st = cursor_begin(vm);
        if (st != QN_OK)
            return st;
    }
    st = vm->pl->file->ops->cursor_next(vm->cursor, vm->file_vectors, &vm->n, vm->err);
    if (st != QN_OK)
        return st;
    vm->batch_first = first;
    vm->source_cursor += vm->n;
    return QN_OK;
}

/* The dictionary as a vector's: complete, so that nothing asks a block for it.  What is computed from it (hashes) lives
 * until the next part. */
static qn_dict *dict_of(qn_vm *vm, qn_vec *v, uint32_t place, const qn_reader_dict *from)
{
    file_dict *f = &vm->file_dicts[place];
    if (!f->dict || f->id != from->id) {
        f->dict = qn_arena_alloc(&vm->block, sizeof *f->dict);
        if (!f->dict)
            return NULL;
        *f->dict = (qn_dict){.type = v->type, .bank = v->bank, .computed = true, .count = from->count,
                             .values = (void *)(uintptr_t)from->values};
        f->id = from->id;
    }
    return f->dict;
}

qn_status source_file_load(qn_vm *vm, qn_vec *v, uint32_t column)
{
    const qn_source *s = &vm->pl->code->plan->source;
    uint32_t         place = vm->pl->file_places[column];

    if (place == UINT32_MAX)
        return qn_fail(vm->err, QN_SQLSTATE_INTERNAL_ERROR, "column %u of the file was not asked for", column);
    const qn_reader_vector *from = &vm->file_vectors[place];
    v->form = QN_FORM_FLAT;
    v->bank = (uint8_t)qn_type_bank(s->column_types[column].id);
    v->type = s->column_types[column].id;
    v->lazy = v->sequence = false;
    v->data = from->data;
    v->nulls = from->nulls;
    if (!from->codes)
        return QN_OK;
    v->form = QN_FORM_CODES;
    v->codes = from->codes;
    v->dict = dict_of(vm, v, place, from->dict);
    return v->dict ? QN_OK : qn_nomem(vm->err);
}
