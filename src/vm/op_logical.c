/* Opcode family 40 (stack) and C0 (register): three-valued logic. */
#include "vm/machine.h"

#include "base/assert.h"

static qn_status and_or_s(qn_vm *vm, uint32_t w)
{
    QN_ASSERT(vm->depth >= 2);
    uint32_t d = --vm->depth - 1;
    bool     and = qn_instr_op(w) == QN_OP_AND;
    bool     na = vm->stack_nulls[d], nb = vm->stack_nulls[d + 1];
    bool     a = !na && vm->stack[d].b, b = !nb && vm->stack[d + 1].b; /* NULL leaves anything in its slot */
    /* one decisive operand (false for AND, true for OR) settles it, NULL or not */
    bool decided = (!na && a != and) || (!nb && b != and);
    vm->stack[d].words[0] = 0;
    vm->stack[d].b = decided ? !and : and;
    vm->stack_nulls[d] = !decided && (na || nb);
    return QN_OK;
}

static qn_status and_or_r(qn_vm *vm, uint32_t w)
{
    uint32_t ra, rb;
    bool     and = qn_instr_op(w) == QN_OP_AND_R;
    qn_operand2(vm->program, w, &ra, &rb);
    qn_vec   *v = REG(vm, ra), *u = REG(vm, rb);
    qn_status st = vec_flat(vm, u);
    if (st == QN_OK)
        st = vec_result(vm, v, QN_BANK_BOOL);
    if (st != QN_OK)
        return st;
    uint8_t       *r = v->own;
    const uint8_t *x = u->data;
    uint32_t       step = u->form != QN_FORM_CONST;
    FOR_LANES(vm, i, {
        bool na = bit_get(v->own_nulls, i);
        bool nb = vec_null(u, i);
        bool a = r[i];
        bool b = x[i * step];
        bool decided = (!na && a != and) || (!nb && b != and);
        r[i] = decided ? !and : and;
        if (!decided && (na || nb))
            bit_set(v->own_nulls, i);
        else
            v->own_nulls[i / 64] &= ~(1ull << (i % 64));
    });
    return QN_OK;
}

static qn_status not_s(qn_vm *vm, uint32_t w)
{
    (void)w;
    QN_ASSERT(vm->depth >= 1);
    uint32_t d = vm->depth - 1;
    if (!vm->stack_nulls[d])
        vm->stack[d].b = !vm->stack[d].b;
    return QN_OK;
}

static qn_status not_r(qn_vm *vm, uint32_t w)
{
    operands  o;
    qn_vec   *v = REG(vm, qn_operand1(vm->program, w));
    qn_status st = vec_operands(vm, v, NULL, &o);
    if (st != QN_OK)
        return st;
    const uint8_t *a = o.a;
    uint8_t       *r = vm->compare_buffer;
    FOR_LANES(vm, i, r[i] = !a[i * o.sa];);
    memcpy(v->own, r, vm->n);
    vec_finish(v, QN_BANK_BOOL, &o);
    return QN_OK;
}

static qn_status is_truth_s(qn_vm *vm, uint32_t w)
{
    QN_ASSERT(vm->depth >= 1);
    uint32_t d = vm->depth - 1;
    bool     r = !vm->stack_nulls[d] && vm->stack[d].b == (qn_instr_op(w) == QN_OP_IS_TRUE);
    vm->stack[d].words[0] = 0;
    vm->stack[d].b = r;
    vm->stack_nulls[d] = false;
    return QN_OK;
}

static qn_status is_truth_r(qn_vm *vm, uint32_t w)
{
    operands  o;
    bool      want = qn_instr_op(w) == QN_OP_IS_TRUE_R;
    qn_vec   *v = REG(vm, qn_operand1(vm->program, w));
    qn_status st = vec_operands(vm, v, NULL, &o);
    if (st != QN_OK)
        return st;
    const uint8_t *a = o.a;
    uint8_t       *r = vm->compare_buffer;
    FOR_LANES(vm, i, r[i] = (a[i * o.sa] != 0) == want && !(o.any_null && bit_get(v->own_nulls, i)););
    memcpy(v->own, r, vm->n);
    vec_finish(v, QN_BANK_BOOL, &(operands){0});
    return QN_OK;
}

void register_logical(qn_handler (*tables)[256])
{
    register_op(tables, QN_OP_AND, and_or_s);
    register_op(tables, QN_OP_OR, and_or_s);
    register_op(tables, QN_OP_AND_R, and_or_r);
    register_op(tables, QN_OP_OR_R, and_or_r);
    register_op(tables, QN_OP_NOT, not_s);
    register_op(tables, QN_OP_NOT_R, not_r);
    register_op(tables, QN_OP_IS_TRUE, is_truth_s);
    register_op(tables, QN_OP_IS_FALSE, is_truth_s);
    register_op(tables, QN_OP_IS_TRUE_R, is_truth_r);
    register_op(tables, QN_OP_IS_FALSE_R, is_truth_r);
}
