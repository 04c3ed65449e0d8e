/* Opcode family 60: selections and output. */
#include "vm/machine.h"

#include "base/assert.h"

typedef enum keep { KEEP_TRUE, KEEP_NOT_TRUE, KEEP_NOT_FALSE, KEEP_NULL } keep;

/* Narrow the selection to lanes that v keeps.  The buffer of this depth may be the one being read: writing never
 * overtakes reading. */
static qn_status narrow(qn_vm *vm, qn_vec *v, keep what)
{
    qn_status st = what == KEEP_NULL ? vec_ready(vm, v) : vec_flat(vm, v);
    if (st != QN_OK)
        return st;
    const uint8_t *x = v->data;
    uint32_t       step = v->form == QN_FORM_FLAT, n = 0;
    uint16_t      *out = vm_sel_buffer(vm, vm->sel_depth);
    if (!out)
        return qn_nomem(vm->err);
    FOR_LANES(vm, i, {
        bool null = vec_null(v, i);
        bool take = what == KEEP_NULL ? null
                    : what == KEEP_TRUE ? !null && x[i * step]
                    : what == KEEP_NOT_TRUE ? null || !x[i * step]
                                            : null || x[i * step];
        out[n] = (uint16_t)i;
        n += take;
    });
    if (n == vm->n) {
        vm->sel = NULL;
        vm->sel_n = n;
        return QN_OK;
    }
    vm->sel = out;
    vm->sel_n = n;
    return QN_OK;
}

static qn_status filter(qn_vm *vm, uint32_t w) { return narrow(vm, REG(vm, qn_operand1(vm->program, w)), KEEP_TRUE); }
static qn_status sel_not_true(qn_vm *vm, uint32_t w) { return narrow(vm, REG(vm, qn_operand1(vm->program, w)), KEEP_NOT_TRUE); }
static qn_status sel_not_false(qn_vm *vm, uint32_t w) { return narrow(vm, REG(vm, qn_operand1(vm->program, w)), KEEP_NOT_FALSE); }
static qn_status sel_null(qn_vm *vm, uint32_t w) { return narrow(vm, REG(vm, qn_operand1(vm->program, w)), KEEP_NULL); }

static qn_status sel_save(qn_vm *vm, uint32_t w)
{
    (void)w;
    QN_CHECK(vm->sel_depth < QN_MAX_SELECTIONS);
    vm->sel_stack[vm->sel_depth].sel = vm->sel;
    vm->sel_stack[vm->sel_depth++].n = vm->sel_n;
    return QN_OK;
}

static qn_status sel_restore(qn_vm *vm, uint32_t w)
{
    (void)w;
    QN_CHECK(vm->sel_depth > 0);
    vm->sel_depth--;
    vm->sel = vm->sel_stack[vm->sel_depth].sel;
    vm->sel_n = vm->sel_stack[vm->sel_depth].n;
    return QN_OK;
}

static qn_status emit(qn_vm *vm, uint32_t w)
{
    const uint32_t *x = qn_operands(vm->program, w);
    return sink_emit(vm, vm->exec->pipelines[x[0]].sink, x[1], x[2]);
}

void register_batch(qn_handler (*tables)[256])
{
    register_op(tables, QN_OP_FILTER, filter);
    register_op(tables, QN_OP_SEL_NOT_TRUE, sel_not_true);
    register_op(tables, QN_OP_SEL_NOT_FALSE, sel_not_false);
    register_op(tables, QN_OP_SEL_NULL, sel_null);
    register_op(tables, QN_OP_SEL_SAVE, sel_save);
    register_op(tables, QN_OP_SEL_RESTORE, sel_restore);
    register_op(tables, QN_OP_EMIT, emit);
}
