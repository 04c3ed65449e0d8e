/* Opcode families 00 and 10: control, loads and stores. */
#include "vm/machine.h"

#include "base/assert.h"

static qn_status poll_cancel(qn_vm *vm)
{
    if (vm->exec->settings.cancel && atomic_load_explicit(vm->exec->settings.cancel, memory_order_relaxed))
        return qn_fail(vm->err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request");
    return QN_OK;
}

static qn_status go(qn_vm *vm, uint32_t target)
{
    QN_ASSERT(target >= vm->begin && target < vm->end);
    bool backward = target < vm->pc;
    vm->pc = target;
    return backward ? poll_cancel(vm) : QN_OK;
}

static qn_status jump(qn_vm *vm, uint32_t w) { return go(vm, qn_operand1(vm->program, w)); }

static qn_status call(qn_vm *vm, uint32_t w)
{
    QN_CHECK(vm->call_depth < QN_MAX_CALL_DEPTH);
    vm->calls[vm->call_depth++] = vm->pc;
    vm->pc = qn_operand1(vm->program, w);
    return QN_OK;
}

static qn_status return_(qn_vm *vm, uint32_t w)
{
    (void)w;
    QN_CHECK(vm->call_depth > 0);
    vm->pc = vm->calls[--vm->call_depth];
    return QN_OK;
}

static qn_status jump_empty(qn_vm *vm, uint32_t w)
{
    return vm_selected(vm) ? QN_OK : go(vm, qn_operand1(vm->program, w));
}

static qn_status jump_not_true(qn_vm *vm, uint32_t w)
{
    QN_ASSERT(vm->depth >= 1);
    vm->depth--;
    bool yes = !vm->stack_nulls[vm->depth] && vm->stack[vm->depth].b;
    return yes ? QN_OK : go(vm, qn_operand1(vm->program, w));
}

static qn_status jump_not_null(qn_vm *vm, uint32_t w)
{
    QN_ASSERT(vm->depth >= 1);
    return vm->stack_nulls[vm->depth - 1] ? QN_OK : go(vm, qn_operand1(vm->program, w));
}

static qn_status jump_truth(qn_vm *vm, uint32_t w)
{
    QN_ASSERT(vm->depth >= 1);
    uint32_t d = vm->depth - 1;
    bool     hit = !vm->stack_nulls[d] && vm->stack[d].b == (qn_instr_op(w) == QN_OP_JUMP_TRUE);
    return hit ? go(vm, qn_operand1(vm->program, w)) : QN_OK;
}

static qn_status pop(qn_vm *vm, uint32_t w)
{
    (void)w;
    QN_ASSERT(vm->depth >= 1);
    vm->depth--;
    return QN_OK;
}

static qn_status push_constant(qn_vm *vm, uint32_t w)
{
    uint32_t k = qn_operand1(vm->program, w);
    QN_CHECK(vm->depth < QN_MAX_STACK);
    vm->stack[vm->depth] = vm->constants[k];
    vm->stack_nulls[vm->depth++] = vm->constant_nulls[k];
    return QN_OK;
}

static qn_status store(qn_vm *vm, uint32_t w)
{
    uint32_t k = qn_operand1(vm->program, w);
    QN_ASSERT(vm->depth >= 1);
    vm->depth--;
    vm->constants[k] = vm->stack[vm->depth];
    vm->constant_nulls[k] = vm->stack_nulls[vm->depth];
    return QN_OK;
}

static qn_status load_constant(qn_vm *vm, uint32_t w)
{
    static const uint64_t yes = 1;
    uint32_t              r, k;
    qn_operand2(vm->program, w, &r, &k);
    qn_vec *v = REG(vm, r);
    v->form = QN_FORM_CONST;
    v->bank = qn_instr_bank(w);
    v->type = vm->program->constant_info[k].type.id;
    v->lazy = false;
    v->data = &vm->constants[k];
    v->nulls = vm->constant_nulls[k] ? &yes : NULL;
    return QN_OK;
}

static qn_status load_column(qn_vm *vm, uint32_t w)
{
    uint32_t r, c;
    qn_operand2(vm->program, w, &r, &c);
    qn_vec *v = REG(vm, r);
    return vm->scan.block ? scan_load(vm, v, c) : source_load(vm, v, c);
}

static qn_status load_slot(qn_vm *vm, uint32_t w)
{
    uint32_t       s = qn_operand1(vm->program, w);
    const qn_slot *slot = &vm->program->slots[s];
    slot_state    *state = &vm->slots[s];
    qn_status      st = scan_load(vm, REG(vm, slot->in), slot->column);
    if (st != QN_OK)
        return st;
    qn_vec *in = REG(vm, slot->in);
    if (!state->prepared || in->form != QN_FORM_CODES) {
        QN_CHECK(vm->call_depth < QN_MAX_CALL_DEPTH);
        vm->calls[vm->call_depth++] = vm->pc;
        vm->pc = slot->entry;
        return QN_OK;
    }
    qn_vec *out = REG(vm, slot->out);
    out->form = QN_FORM_CODES;
    out->bank = slot->out_bank;
    out->type = state->dict.type;
    out->lazy = out->sequence = false;
    out->dict = &state->dict;
    out->codes = in->codes;
    return QN_OK;
}

static qn_status move(qn_vm *vm, uint32_t w)
{
    uint32_t to, from;
    qn_operand2(vm->program, w, &to, &from);
    if (to == from)
        return QN_OK;
    qn_vec *t = REG(vm, to), *f = REG(vm, from);
    /* A register's own buffer may be overwritten while t is in use: flat temporaries are copied, what belongs to
     * a column or a constant is shared. */
    if (f->form == QN_FORM_FLAT && f->data == f->own) {
        if (!vec_own(vm, t))
            return qn_nomem(vm->err);
        memcpy(t->own, f->own, (size_t)vm->n * qn_bank_bytes((qn_bank)f->bank));
        if (f->nulls)
            memcpy(t->own_nulls, f->nulls, QN_LANES / 8);
        t->data = t->own;
        t->nulls = f->nulls ? t->own_nulls : NULL;
    } else if (f->form == QN_FORM_CODES && f->codes == f->own_codes) {
        if (!vec_own(vm, t))
            return qn_nomem(vm->err);
        memcpy(t->own_codes, f->own_codes, vm->n * sizeof(uint32_t));
        t->codes = t->own_codes;
    } else {
        t->data = f->data;
        t->nulls = f->nulls;
        t->codes = f->codes;
    }
    t->form = f->form;
    t->bank = f->bank;
    t->type = f->type;
    t->lazy = f->lazy;
    t->sequence = f->sequence;
    t->dict = f->dict;
    t->column = f->column;
    return QN_OK;
}

static qn_status blank(qn_vm *vm, uint32_t w)
{
    qn_vec *v = REG(vm, qn_operand1(vm->program, w));
    if (!vec_own(vm, v))
        return qn_nomem(vm->err);
    memset(v->own, 0, (size_t)vm->n * qn_bank_bytes((qn_bank)qn_instr_bank(w)));
    memset(v->own_nulls, 0xff, QN_LANES / 8);
    vec_finish(v, (qn_bank)qn_instr_bank(w), &(operands){.any_null = true});
    return QN_OK;
}

static qn_status merge(qn_vm *vm, uint32_t w)
{
    uint32_t to, from;
    qn_bank  bank = (qn_bank)qn_instr_bank(w);
    size_t   size = qn_bank_bytes(bank);
    qn_operand2(vm->program, w, &to, &from);
    qn_vec   *t = REG(vm, to), *f = REG(vm, from);
    qn_status st = vec_flat_lazy(vm, f); /* text stays a reference until somebody needs its bytes */
    if (st != QN_OK)
        return st;
    QN_ASSERT(t->form == QN_FORM_FLAT && t->data == t->own && t->nulls == t->own_nulls);
    t->lazy = t->lazy || f->lazy;
    FOR_LANES(vm, i, {
        memcpy((char *)t->own + i * size, (const char *)f->data + (f->form == QN_FORM_CONST ? 0 : i * size), size);
        if (vec_null(f, i))
            bit_set(t->own_nulls, i);
        else
            t->own_nulls[i / 64] &= ~(1ull << (i % 64));
    });
    return QN_OK;
}

/* Lengths are stored beside the text: only where rows are read instead of values does the text come in. */
static qn_status load_lengths(qn_vm *vm, uint32_t w)
{
    uint32_t r, column;
    qn_operand2(vm->program, w, &r, &column);
    qn_vec   *v = REG(vm, r);
    qn_status st = scan_load(vm, v, column);
    if (st != QN_OK)
        return st;
    if (v->form == QN_FORM_CODES && v->sequence) {
        uint32_t skip = v->codes[0] ? 0 : 1, *out = v->own;
        memset(v->own_nulls, 0, QN_LANES / 8);
        if (skip) {
            bit_set(v->own_nulls, 0);
            out[0] = 0;
        }
        if (vm->n > skip)
            st = qn_block_lengths(vm->scan.block, column, v->codes[skip], vm->n - skip, out + skip, vm->err);
        vec_finish(v, QN_BANK_I32, &(operands){.any_null = skip});
        return st;
    }
    st = vec_flat(vm, v);
    if (st != QN_OK)
        return st;
    const qn_str *s = v->data;
    int32_t      *out = v->own; /* perhaps where the texts stand: they are wider, and read first */
    bool          any_null = v->nulls;
    if (any_null && v->nulls != v->own_nulls)
        memcpy(v->own_nulls, v->nulls, QN_LANES / 8);
    FOR_LANES(vm, i, {
        qn_str text = s[i];
        out[i] = bit_get(v->nulls, i) ? 0 : (int32_t)qn_utf8_count(qn_str_data(&text), text.bytes);
    });
    vec_finish(v, QN_BANK_I32, &(operands){.any_null = any_null});
    return QN_OK;
}

static qn_status row_number(qn_vm *vm, uint32_t w)
{
    qn_vec *v = REG(vm, qn_operand1(vm->program, w));
    if (!vec_own(vm, v))
        return qn_nomem(vm->err);
    int64_t *r = v->own;
    FOR_LANES(vm, i, r[i] = (int64_t)vm_row_id(vm, i););
    vec_finish(v, QN_BANK_I64, &(operands){0});
    return QN_OK;
}

void register_control(qn_handler (*tables)[256])
{
    register_op(tables, QN_OP_JUMP, jump);
    register_op(tables, QN_OP_CALL, call);
    register_op(tables, QN_OP_RETURN, return_);
    register_op(tables, QN_OP_JUMP_EMPTY, jump_empty);
    register_op(tables, QN_OP_RUN, exec_run_pipeline);
    register_op(tables, QN_OP_JUMP_NOT_TRUE, jump_not_true);
    register_op(tables, QN_OP_JUMP_NOT_NULL, jump_not_null);
    register_op(tables, QN_OP_JUMP_FALSE, jump_truth);
    register_op(tables, QN_OP_JUMP_TRUE, jump_truth);
    register_op(tables, QN_OP_POP, pop);
}

void register_load(qn_handler (*tables)[256])
{
    register_op(tables, QN_OP_CONST, push_constant);
    register_op(tables, QN_OP_STORE, store);
    register_op(tables, QN_OP_LOAD_CONST, load_constant);
    register_op(tables, QN_OP_LOAD_COLUMN, load_column);
    register_op(tables, QN_OP_LOAD_SLOT, load_slot);
    register_op(tables, QN_OP_MOVE, move);
    register_op(tables, QN_OP_BLANK, blank);
    register_op(tables, QN_OP_MERGE, merge);
    register_op(tables, QN_OP_ROW_NUMBER, row_number);
    register_op(tables, QN_OP_LOAD_LENGTHS, load_lengths);
}
