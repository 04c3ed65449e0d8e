/* Opcode family 50: aggregation. */
#include "vm/machine.h"

static qn_status group_find(qn_vm *vm, uint32_t w)
{
    const uint32_t *x = qn_operands(vm->program, w);
    return groups_find(vm, vm->exec->pipelines[x[0]].groups, x[1], x[2]);
}

static qn_status group_fold(qn_vm *vm, uint32_t w)
{
    const uint32_t *x = qn_operands(vm->program, w);
    return groups_fold(vm, vm->exec->pipelines[x[0]].groups, x[1]);
}

static const agg_state *state_of(qn_vm *vm, uint32_t o, uint32_t n)
{
    return &vm->exec->pipelines[o].groups->layout.aggs[n];
}

static qn_status agg_count(qn_vm *vm, uint32_t w)
{
    uint32_t o, n;
    qn_operand2(vm->program, w, &o, &n);
    return agg_update(vm, state_of(vm, o, n), NULL, NULL);
}

static qn_status agg_one(qn_vm *vm, uint32_t w)
{
    const uint32_t *x = qn_operands(vm->program, w);
    return agg_update(vm, state_of(vm, x[0], x[1]), REG(vm, x[2]), NULL);
}

static qn_status agg_two(qn_vm *vm, uint32_t w)
{
    const uint32_t *x = qn_operands(vm->program, w);
    return agg_update(vm, state_of(vm, x[0], x[1]), REG(vm, x[2]), REG(vm, x[3]));
}

static qn_status agg_distinct(qn_vm *vm, uint32_t w)
{
    const uint32_t *x = qn_operands(vm->program, w);
    if (!vm_selected(vm))
        return QN_OK;
    return groups_distinct(vm, vm->exec->pipelines[x[0]].groups, x[1], REG(vm, x[2]));
}

static qn_status group_flush(qn_vm *vm, uint32_t w)
{
    return groups_flush_block(vm, vm->exec->pipelines[qn_operand1(vm->program, w)].groups);
}

void register_aggregation(qn_handler (*tables)[256])
{
    register_op(tables, QN_OP_GROUP_FIND, group_find);
    register_op(tables, QN_OP_GROUP_FOLD, group_fold);
    register_op(tables, QN_OP_AGG_COUNT, agg_count);
    register_op(tables, QN_OP_AGG_UPDATE, agg_one);
    register_op(tables, QN_OP_AGG_UPDATE2, agg_two);
    register_op(tables, QN_OP_AGG_DISTINCT, agg_distinct);
    register_op(tables, QN_OP_GROUP_FLUSH, group_flush);
}
