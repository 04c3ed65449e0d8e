/* An execution: the prologue on the calling thread, then pipelines one after another on the workers. */
#include "vm/machine.h"

#include <time.h>
#include "base/assert.h"
#include "vm/lists.h"
#include "vm/packed.h"

#define ONE_WORKER_ROWS 65536u /* below, waking another worker costs more than it saves */

/* ---- budget ------------------------------------------------------------------------------------- */

uint64_t exec_budget(const qn_exec *x)
{
    uint64_t limit = x->limiter ? atomic_load_explicit(&x->limiter->limit_bytes, memory_order_relaxed) : 0;
    return limit ? limit / 8 * 5 : UINT64_MAX;
}

bool exec_would_exceed(const qn_exec *x, uint64_t more)
{
    return x->limiter && atomic_load_explicit(&x->limiter->used_bytes, memory_order_relaxed) + more > exec_budget(x);
}

bool exec_over_budget(const qn_exec *x) { return exec_would_exceed(x, 0); }

/* A few columns may do so at once. */
bool exec_fits(const qn_exec *x, uint64_t bytes)
{
    return bytes <= 64u << 10 || bytes <= exec_budget(x) / 16 / (uint64_t)x->workers;
}

uint64_t exec_left(const qn_exec *x)
{
    if (!x->limiter)
        return UINT64_MAX;
    uint64_t used = atomic_load_explicit(&x->limiter->used_bytes, memory_order_relaxed), most = exec_budget(x) / 5 * 7;
    return most > used ? most - used : 0;
}

uint64_t exec_share(const qn_exec *x)
{
    uint64_t budget = exec_budget(x), least = budget / 8, used;
    if (!x->limiter)
        return UINT64_MAX;
    used = atomic_load_explicit(&x->limiter->used_bytes, memory_order_relaxed);
    return (used + least > budget ? least : budget - used) / (uint64_t)x->workers;
}

/* ---- machines ----------------------------------------------------------------------------------- */

static qn_status vm_new(qn_exec *x, int worker, qn_vm **out, qn_error *err)
{
    const qn_program *p = x->program;
    qn_vm            *vm = qn_alloc0(&x->mem, sizeof *vm);
    if (!vm)
        return qn_nomem(err);
    *out = vm;
    vm->exec = x;
    vm->worker = worker;
    vm->program = p;
    vm->code = p->code;
    vm->tables = dispatch_tables(x->settings.dispatch);
    vm->constants = x->constants;
    vm->constant_nulls = x->constant_nulls;
    uint64_t step = exec_budget(x) / 32 / (uint64_t)x->workers;
    qn_mem_init_quota(&vm->mem, &x->mem, step < 64u << 10 ? 64u << 10 : step < 1u << 20 ? step : 1u << 20);
    qn_arena_init(&vm->batch, &vm->mem);
    qn_arena_init(&vm->block, &vm->mem);
    qn_arena_init(&vm->lasting, &vm->mem);
    vm->regs = qn_arena_array(&vm->lasting, qn_vec, p->register_count + 1);
    vm->compare_buffer = qn_arena_alloc0(&vm->lasting, QN_LANES);
    vm->groups = qn_arena_array(&vm->lasting, uint8_t *, QN_LANES);
    vm->source_group_rows = qn_arena_array(&vm->lasting, uint8_t *, QN_LANES);
    vm->slots = qn_arena_array(&vm->lasting, slot_state, p->slot_count + 1);
    vm->call_caches = qn_arena_array(&vm->lasting, void *, p->code_count + 1);
    if (x->profile)
        vm->profile = qn_arena_array(&vm->lasting, qn_profile_entry, p->code_count + 1);
    if (!vm->regs || !vm_sel_buffer(vm, 0) || !vm->compare_buffer || !vm->groups || !vm->source_group_rows || !vm->slots ||
        !vm->call_caches || (x->profile && !vm->profile))
        return qn_nomem(err);
    /* worker 0 is the calling thread: setseed() and random() of small queries go through the session's generator */
    vm->call = (qn_call){.env = x->env, .set = &x->settings.text, 
                         .random = worker == 0 && x->settings.random ? x->settings.random : &vm->random, .cache_arena = &vm->lasting};
    qn_random_seed(&vm->random, x->seed + (uint64_t)worker);
    return QN_OK;
}

static void vm_free(qn_exec *x, qn_vm *vm)
{
    if (!vm)
        return;
    qn_arena_deinit(&vm->batch);
    qn_arena_deinit(&vm->block);
    qn_arena_deinit(&vm->lasting);
    qn_mem_deinit(&vm->mem);
    qn_free(&x->mem, vm, sizeof *vm);
}

/* Get a worker's machine ready for another pipeline. */
static qn_status vm_enter(qn_vm *vm, pipeline_state *pl)
{
    vm->pl = pl;
    vm->scan.block = NULL;
    vm->weights = NULL;
    vm->row_list = NULL;
    vm->ties = NULL;
    vm->single = NULL;
    vm->source_values = NULL;
    vm->source_nulls = NULL;
    vm->file_vectors = NULL;
    vm->series_started = vm->series_done = false;
    vm->guard_slot = 0;
    for (uint32_t r = 0; r < vm->program->register_count; r++) {
        qn_vec *v = &vm->regs[r];
        *v = (qn_vec){.own = v->own, .own_nulls = v->own_nulls, .own_codes = v->own_codes};
    }
    if (pl->table) {
        vm->scan.table = pl->table;
        if (!vm->scan.bits)
            vm->scan.bits = qn_arena_alloc(&vm->lasting, QN_BLOCK_ROWS / 8);
        vm->scan.columns = qn_arena_array(&vm->lasting, qn_dict, pl->table->column_count + 1);
        if (!vm->scan.bits || !vm->scan.columns)
            return qn_nomem(vm->err);
    }
    return QN_OK;
}

static qn_status run_morsel(void *arg, int worker, uint64_t morsel, qn_error *err)
{
    pipeline_state *pl = arg;
    qn_exec        *x = pl->exec;
    qn_vm          *vm = x->vms[worker];
    qn_status       st = QN_OK;
    if (!vm) {
        st = vm_new(x, worker, &x->vms[worker], err);
        vm = x->vms[worker];
        if (st != QN_OK) {
            vm_free(x, vm);
            x->vms[worker] = NULL;
            return st;
        }
    }
    vm->err = err;
    vm->call.err = err;
    if (vm->pl != pl)
        st = vm_enter(vm, pl);
    if (st != QN_OK)
        return st;
    vm->morsel = morsel;
    vm->source_cursor = 0;
    vm->cursor_begun = false;
    vm->source_started = false;
    if (pl->source_rows && pl->code->plan->source.kind == QN_SOURCE_BUFFER)
        vm->source_cursor = morsel * 32u * QN_LANES;
    vm->n = 0;
    vm->sel = NULL;
    vm->sel_n = 0;
    vm->sel_depth = 0;
    vm->call_depth = 0;
    vm->guard_slot = 0;
    vm->depth = 0;
    vm->replay.armed = vm->replay.active = false;
    uint64_t touched = qn_block_touched();
    st = dispatch_run(vm, pl->code->begin, pl->code->end);
    if (worker) /* worker 0 is the thread that runs the pipeline, which counts all it does */
        vm->bytes_touched += qn_block_touched() - touched;
    if (st == QN_ERROR && pl->sink) {
        uint64_t lowest = atomic_load(&pl->sink->failed_morsel);
        while (morsel < lowest && !atomic_compare_exchange_weak(&pl->sink->failed_morsel, &lowest, morsel)) {
        }
    }
    return st;
}

/* ---- sets of IN ------------------------------------------------------------------------------------- */

/* The constants of each set in order, so that IN is a binary search.  Called when the prologue is done. */
static qn_status sets_sort(qn_exec *x, qn_error *err)
{
    const qn_program *p = x->program;
    x->sets = qn_arena_array(&x->arena, in_set, p->set_count + 1);
    if (!x->sets)
        return qn_nomem(err);
    for (uint32_t i = 0; i < p->set_count; i++) {
        in_set *s = &x->sets[i];
        s->order = qn_arena_array(&x->arena, uint32_t, p->sets[i].count + 1);
        if (!s->order)
            return qn_nomem(err);
        for (uint32_t k = p->sets[i].first; k < p->sets[i].first + p->sets[i].count; k++) {
            if (x->constant_nulls[k])
                s->has_null = true;
            else
                s->order[s->count++] = k;
        }
        if (s->count)
            in_set_sort(s, (qn_bank)p->constant_info[s->order[0]].bank, x->constants);
    }
    return QN_OK;
}

/* ---- pipelines ---------------------------------------------------------------------------------- */

static uint64_t now_ns(qn_exec *x) { return x->env->clock.monotonic_ns(x->env->clock.self); }

static int workers_for(const qn_exec *x, const pipeline_state *pl)
{
    uint64_t rows = pl->morsels;
    if (pl->table)
        rows = pl->table->rows;
    else if (pl->source_groups)
        rows = pl->source_groups->total;
    else if (pl->source_rows)
        rows = pl->source_rows->count;
    else if (pl->file)
        rows = source_file_rows(pl);
    return rows < ONE_WORKER_ROWS ? 1 : x->workers;
}

qn_status exec_run_morsel(pipeline_state *pl, uint64_t morsel, qn_error *err) { return run_morsel(pl, 0, morsel, err); }

uint64_t exec_rows_kept(const qn_exec *exec, const pipeline_state *pl)
{
    uint32_t next = pl->code->plan->number + 1;
    if (next >= exec->program->pipeline_count)
        return 0;
    const qn_code_pipeline *cp = &exec->program->pipelines[next];
    int64_t                 limit, offset = 0;
    if (cp->limit == QN_NO_CONSTANT || exec->constant_nulls[cp->limit])
        return 0;
    limit = exec->constants[cp->limit].i64;
    if (cp->offset != QN_NO_CONSTANT && !exec->constant_nulls[cp->offset])
        offset = exec->constants[cp->offset].i64;
    return limit <= 0 || offset < 0 || limit > 100000 || offset > 100000 ? 0 : (uint64_t)(limit + offset);
}

qn_status exec_run_morsels(qn_exec *x, pipeline_state *pl, qn_error *err)
{
    qn_job job = {.count = pl->sink && !pl->sink->keep ? 0 : pl->morsels, .max_workers = workers_for(x, pl), .run = run_morsel,
                  .arg = pl, .cancel = x->settings.cancel, .progress = x->settings.progress,
                  .progress_arg = x->settings.progress_arg};
    return qn_sched_run(x->sched, &job, err);
}

/* Rows of some values only were folded: go on until the groups that LIMIT takes are certain. */
static qn_status settle_threshold(qn_exec *x, pipeline_state *pl, qn_error *err)
{
    bool      again = true;
    qn_status st = QN_OK;
    while (again && pl->top && st == QN_OK) {
        uint64_t reached;
        st = packed_reached(x, pl->groups, &x->program->pipelines[pl->code->plan->number + 1], exec_rows_kept(x, pl), &reached, err);
        if (st == QN_OK)
            st = list_top_again(x, pl, reached, &again, err);
        if (st != QN_OK || !again)
            break;
        packed_reset(pl->groups);
        pl->groups->thresholded = pl->top != NULL;
        st = exec_run_morsels(x, pl, err);
        if (st == QN_OK)
            st = groups_merge(x, pl->groups, err);
    }
    return st;
}

qn_status exec_run_pipeline(qn_vm *main, uint32_t w)
{
    qn_exec        *x = main->exec;
    uint32_t        number = qn_operand1(main->program, w);
    pipeline_state *pl = &x->pipelines[number];
    uint64_t        start = now_ns(x), touched = qn_block_touched();
    qn_status       st = QN_OK;

    if (!x->sets) {
        st = sets_sort(x, main->err);
        if (st != QN_OK)
            return st;
    }
    pl->exec = x;
    pl->code = &x->program->pipelines[number];
    const qn_pipeline *plan = pl->code->plan;
    st = source_prepare(x, pl, main->err);
    if (st != QN_OK)
        return st;
    if (pl->code->list_top)
        st = list_top_run(x, pl, main->err);
    if (st != QN_OK)
        return st;
    if (!plan->to_groups)
        st = sink_new(x, pl->code, &pl->sink, main->err);
    else if (plan->group_owner == number)
        st = groups_new(x, plan, pl, &pl->groups, main->err);
    else
        pl->groups = x->pipelines[plan->group_owner].groups;
    if (st != QN_OK)
        return st;
    if (pl->groups)
        pl->groups->table = pl->table ? pl->table : pl->source_groups ? pl->source_groups->table
                            : pl->source_rows ? pl->source_rows->table : NULL;
    if (pl->top && plan->source.kind == QN_SOURCE_TABLE && !pl->groups->packed) { /* nobody could tell what it left out */
        list_top_free(pl->top);
        pl->top = NULL;
    }
    if (plan->to_groups && plan->aggregation->fixed)
        st = packed_fix(x, pl, exec_rows_kept(x, pl), main->err);
    if (st == QN_OK && pl->code->list_distinct)
        st = list_distinct_new(x, pl, main->err);
    if (st == QN_OK)
        st = exec_run_morsels(x, pl, main->err);
    if (st == QN_OK && pl->distinct)
        st = list_distinct_finish(x, pl, plan->agg_mask_count ? plan->agg_mask[0] : 0, main->err);
    if (pl->file)
        source_file_finish(x, pl);
    if (st == QN_ERROR && pl->sink && sink_had_enough(x, pl->sink)) {
        qn_error_clear(main->err);
        st = QN_OK;
    }
    if (st != QN_OK)
        return st;
    if (pl->sink) {
        st = sink_finish(x, pl->sink, main->err);
        if (st == QN_OK)
            pl->sink->result->loose = !pl->sink->result->entries && !pl->sink->result->sorted && pipeline_is_loose(pl);
    } else {
        bool last = number + 1 == x->program->pipeline_count || x->program->pipelines[number + 1].plan->group_owner != plan->group_owner ||
                    !x->program->pipelines[number + 1].plan->to_groups;
        if (last)
            st = groups_merge(x, pl->groups, main->err);
        if (st == QN_OK && pl->top && plan->source.kind == QN_SOURCE_TABLE)
            st = settle_threshold(x, pl, main->err);
    }
    pl->ns = now_ns(x) - start;
    pl->bytes += qn_block_touched() - touched;
    for (int i = 0; i < x->workers; i++)
        if (x->vms[i]) {
            pl->bytes += x->vms[i]->bytes_touched;
            x->vms[i]->bytes_touched = 0;
        }
    return st;
}

/* ---- system rows --------------------------------------------------------------------------------- */

qn_status system_rows_make(qn_exec *x, pipeline_state *pl, qn_error *err)
{
    const qn_relation *rel = pl->code->plan->source.relation;
    qn_status          st = qn_rows_new(&x->mem, rel->column_types, rel->column_count, rel->column_count, &pl->source_rows, err);
    if (st != QN_OK)
        return st;
    pl->owns_source_rows = true;
    return x->settings.system_rows(x->settings.system_rows_arg, rel, pl->source_rows, err);
}

/* ---- executions ---------------------------------------------------------------------------------- */

static qn_status constants_copy(qn_exec *x, const qn_datum *params, const bool *param_nulls, qn_error *err)
{
    const qn_program *p = x->program;
    x->constants = qn_arena_array(&x->arena, qn_datum, p->constant_count + 1);
    x->constant_nulls = qn_arena_array(&x->arena, bool, p->constant_count + 1);
    if (!x->constants || !x->constant_nulls)
        return qn_nomem(err);
    for (uint32_t k = 0; k < p->constant_count; k++) {
        int32_t param = p->constant_info[k].param;
        if (param >= 0) {
            x->constants[k] = params[param];
            x->constant_nulls[k] = param_nulls[param];
        } else {
            x->constants[k] = p->constants[k];
            x->constant_nulls[k] = p->constant_nulls[k];
        }
    }
    return QN_OK;
}

static qn_status exec_prepare(qn_exec *x, const qn_datum *params, const bool *param_nulls, qn_error *err)
{
    const qn_program *p = x->program;
    x->vms = qn_arena_array(&x->arena, qn_vm *, (size_t)x->workers);
    x->pipelines = qn_arena_array(&x->arena, pipeline_state, p->pipeline_count + 1);
    x->call_types = qn_arena_array(&x->arena, const uint8_t *, p->code_count + 1);
    if (x->settings.dispatch == QN_DISPATCH_PROFILE)
        x->profile = qn_arena_array(&x->arena, qn_profile_entry, p->code_count + 1);
    if (!x->vms || !x->pipelines || !x->call_types || (x->settings.dispatch == QN_DISPATCH_PROFILE && !x->profile))
        return qn_nomem(err);
    for (uint32_t i = 0; i < p->call_type_count; i++)
        x->call_types[p->call_types[i].pc] = p->call_types[i].types;
    return constants_copy(x, params, param_nulls, err);
}

static void profile_sum(qn_exec *x, const qn_vm *vm)
{
    if (!x->profile || !vm || !vm->profile)
        return;
    for (uint32_t i = 0; i < x->program->code_count; i++) {
        x->profile[i].calls += vm->profile[i].calls;
        x->profile[i].lanes += vm->profile[i].lanes;
        x->profile[i].bytes += vm->profile[i].bytes;
        x->profile[i].ns += vm->profile[i].ns;
    }
}

qn_status qn_exec_run(qn_env *env, qn_sched *sched, const qn_program *program, const qn_snapshot *snapshot,
                      const qn_exec_settings *settings, const qn_datum *params, const bool *param_nulls, qn_exec **out,
                      qn_error *err)
{
    qn_status st;
    qn_error  local = {.status = QN_OK};
    qn_error *e = err ? err : &local; /* recovering from errors in slots needs an object to clear */
    qn_vm    *main = NULL;
    qn_exec  *x = qn_alloc0(env->mem, sizeof *x);
    if (!x)
        return qn_nomem(err);
    x->env = env;
    x->sched = sched;
    x->program = program;
    x->snapshot = snapshot;
    x->settings = *settings;
    x->seed = settings->random ? qn_random_next(settings->random) : 1; /* now: later worker 0 may be using it */
    qn_mem_init(&x->mem, env->mem, 0);
    x->limiter = qn_mem_limiter(env->mem);
    spill_init(&x->spill, settings->temp_vfs, settings->temp_folder, settings->temp_limit_bytes);
    qn_arena_init(&x->arena, &x->mem);
    qn_latch_init(&x->latch);
    x->workers = settings->threads > 0 && settings->threads < qn_sched_workers(sched) ? settings->threads : qn_sched_workers(sched);
    QN_TRY(exec_prepare(x, params, param_nulls, e));
    QN_TRY(vm_new(x, 0, &main, e));
    main->err = e;
    QN_ALLOC(e, main->stack = qn_arena_alloc(&main->lasting, QN_MAX_STACK * sizeof *main->stack));
    QN_ALLOC(e, main->stack_nulls = qn_arena_alloc(&main->lasting, QN_MAX_STACK * sizeof *main->stack_nulls));
    QN_TRY(dispatch_run(main, 0, program->pipeline_count ? program->pipelines[0].begin : program->code_count));
    for (int i = 0; i < x->workers; i++)
        profile_sum(x, x->vms[i]);
    profile_sum(x, main);
done:
    if (main) /* computed constants live in its arena: keep it with the execution */
        x->main = main;
    if (st != QN_OK) {
        qn_exec_free(x);
        x = NULL;
    }
    *out = x;
    return st;
}

void qn_exec_free(qn_exec *x)
{
    if (!x)
        return;
    for (uint32_t i = 0; x->pipelines && i < x->program->pipeline_count; i++) {
        pipeline_state *pl = &x->pipelines[i];
        sink_abandon(x, pl->sink);
        sink_free(pl->sink, &x->mem);
        if (pl->groups && pl->code->plan->group_owner == i)
            groups_free(pl->groups);
        list_top_free(pl->top);
        list_distinct_free(pl->distinct);
        if (pl->owns_source_rows)
            qn_rows_free(pl->source_rows);
        if (pl->file)
            source_file_finish(x, pl);
    }
    for (int i = 0; x->vms && i < x->workers; i++)
        vm_free(x, x->vms[i]);
    vm_free(x, x->main);
    spill_deinit(&x->spill);
    qn_latch_deinit(&x->latch);
    qn_arena_deinit(&x->arena);
    qn_mem *parent = x->env->mem;
    qn_mem_deinit(&x->mem);
    qn_free(parent, x, sizeof *x);
}

qn_rows *qn_exec_rows(qn_exec *x) { return x->pipelines[x->program->pipeline_count - 1].sink->result; }

const qn_profile_entry *qn_exec_profile(const qn_exec *x) { return x->profile; }

uint64_t qn_exec_rows_of(const qn_exec *x, uint32_t pipeline)
{
    const pipeline_state *pl = &x->pipelines[pipeline];
    const qn_groups      *g = pl->groups;
    if (g)
        return g->packed ? packed_groups(g->packed) : g->spilled ? g->loaded : g->total;
    return pl->sink && pl->sink->result ? pl->sink->result->count : 0;
}

const char *qn_exec_mode_of(const qn_exec *x, uint32_t pipeline)
{
    const pipeline_state *pl = &x->pipelines[pipeline];
    return pl->groups ? qn_group_mode_name(pl->groups->mode) : NULL;
}

uint64_t qn_exec_ns_of(const qn_exec *x, uint32_t pipeline) { return x->pipelines[pipeline].ns; }

uint64_t qn_exec_bytes_of(const qn_exec *x, uint32_t pipeline)
{
    return x->pipelines[pipeline].bytes;
}

void dispatch_register_all(qn_handler (*tables)[256])
{
    register_control(tables);
    register_load(tables);
    register_arithmetic(tables);
    register_comparison(tables);
    register_logical(tables);
    register_aggregation(tables);
    register_batch(tables);
    register_calls(tables);
    register_pipeline(tables);
}
