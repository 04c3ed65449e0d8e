/* Opcode family 70: functions and casts that have no opcode of their own, one value at a time.
 *
 * A scalar function is called per distinct value where a slot could be formed, so this loop is seldom hot. */
#include "vm/machine.h"

#include "base/assert.h"

/* The call context at this instruction; results live in `arena`. */
static qn_call *context(qn_vm *vm, qn_arena *arena, uint32_t argc)
{
    qn_call *c = &vm->call;
    c->arena = arena;
    c->argc = (int)argc;
    c->arg_types = vm->exec->call_types[vm->pc - 1];
    c->cache = &vm->call_caches[vm->pc - 1];
    c->err = vm->err;
    return c;
}

static qn_status call_scalar(qn_vm *vm, uint32_t w)
{
    const uint32_t    *x = qn_operands(vm->program, w);
    const qn_function *f = qn_function_by_id(x[0]);
    uint32_t           n = x[1];
    QN_CHECK(n <= vm->depth);
    uint32_t base = vm->depth - n;
    bool     any_null = false;
    for (uint32_t i = 0; i < n; i++)
        any_null = any_null || vm->stack_nulls[base + i];
    qn_datum result = {.words = {0, 0}};
    bool     null = any_null && (f->flags & QN_FN_STRICT);
    if (!null) {
        qn_status st = f->fn(context(vm, &vm->lasting, n), vm->stack + base, vm->stack_nulls + base, &result, &null);
        if (st != QN_OK)
            return st;
    }
    QN_CHECK(base < QN_MAX_STACK);
    vm->stack[base] = result;
    vm->stack_nulls[base] = null;
    vm->depth = base + 1;
    return QN_OK;
}

enum { MAX_ARGS = 128 };

/* A strict function's form over many lanes, on those where no argument is NULL. */
static qn_status call_many(qn_vm *vm, qn_lanes_fn fn, qn_bank bank, qn_vec *dst, const qn_vec *args, uint32_t argc,
                           bool *any_null, bool *done)
{
    const void *data[QN_FN_MAX_ARGS];
    bool        constant[QN_FN_MAX_ARGS];
    uint16_t    some[QN_LANES];
    qn_lanes    l = {.args = data, .constant = constant, .lanes = vm->sel, .count = vm_selected(vm), .result = dst->own,
                     .nulls = dst->own_nulls};
    size_t      size = qn_bank_bytes(bank);
    *done = false;
    if (argc > QN_FN_MAX_ARGS)
        return QN_OK;
    for (uint32_t i = 0; i < argc; i++) {
        data[i] = args[i].data;
        constant[i] = args[i].form == QN_FORM_CONST;
        *any_null = *any_null || args[i].nulls;
    }
    if (*any_null) {
        l.lanes = some;
        l.count = 0;
        FOR_LANES(vm, lane, {
            bool null = false;
            for (uint32_t i = 0; i < argc; i++)
                null = null || vec_null(&args[i], lane);
            if (null) {
                bit_set(dst->own_nulls, lane);
                memset((char *)dst->own + lane * size, 0, size);
            } else {
                some[l.count++] = (uint16_t)lane;
            }
        });
    }
    *done = true;
    if (!l.count)
        return QN_OK;
    qn_status st = fn(context(vm, &vm->batch, argc), &l, done);
    for (uint32_t i = 0; i < LANE_WORDS && !*any_null; i++)
        *any_null = dst->own_nulls[i] != 0;
    return st;
}

/* The scalar function lane by lane. */
static qn_status call_each(qn_vm *vm, const qn_function *f, qn_bank bank, qn_vec *dst, const qn_vec *args, uint32_t argc,
                           bool *any_null)
{
    qn_datum values[MAX_ARGS];
    bool     nulls[MAX_ARGS + 1];
    bool     strict = f->flags & QN_FN_STRICT;
    qn_call *c = context(vm, &vm->batch, argc);
    FOR_LANES(vm, lane, {
        bool     skip = false;
        bool     null = false;
        qn_datum result = {.words = {0, 0}};
        for (uint32_t i = 0; i < argc; i++) {
            nulls[i] = vec_null(&args[i], lane);
            if (nulls[i]) {
                skip = strict;
                memset(&values[i], 0, sizeof values[i]);
            } else {
                vec_get(&args[i], lane, &values[i]);
            }
            if (skip)
                break;
        }
        if (skip) {
            null = true;
        } else {
            qn_status st = f->fn(c, values, nulls, &result, &null);
            if (st != QN_OK)
                return st;
        }
        if (null) {
            bit_set(dst->own_nulls, lane);
            *any_null = true;
            memset(&result, 0, sizeof result);
        }
        qn_bank_set(bank, dst->own, lane, &result);
    });
    return QN_OK;
}

static qn_status call_lanes(qn_vm *vm, uint32_t w)
{
    const uint32_t    *x = qn_operands(vm->program, w);
    const qn_function *f = qn_function_by_id(x[0]);
    qn_lanes_fn        many = f->flags & QN_FN_STRICT ? qn_function_lanes(x[0]) : NULL;
    qn_vec            *dst = REG(vm, x[1]), *args = REG(vm, x[2]);
    uint32_t           n = x[3];
    qn_bank            bank = (qn_bank)qn_instr_bank(w);
    bool               any_null = false, done = false;
    qn_status          st = QN_OK;

    if (n > MAX_ARGS)
        return qn_fail(vm->err, QN_SQLSTATE_TOO_COMPLEX, "cannot pass more than %d arguments to a function", MAX_ARGS);
    for (uint32_t i = 0; i < n; i++) {
        st = vec_flat(vm, &args[i]);
        if (st != QN_OK)
            return st;
    }
    if (!vec_own(vm, dst))
        return qn_nomem(vm->err);
    memset(dst->own_nulls, 0, QN_LANES / 8);
    if (many)
        st = call_many(vm, many, bank, dst, args, n, &any_null, &done);
    if (st == QN_OK && !done)
        st = call_each(vm, f, bank, dst, args, n, &any_null);
    if (st != QN_OK)
        return st;
    vec_finish(dst, bank, &(operands){.any_null = any_null});
    dst->type = f->result;
    return QN_OK;
}

/* ---- casts ------------------------------------------------------------------------------------ */

static qn_status cast_io_one(qn_vm *vm, qn_sql_type from, qn_type to, const qn_datum *in, qn_datum *out,
                             qn_arena *arena)
{
    const qn_text_settings *set = &vm->exec->settings.text;
    qn_buf                  text;
    qn_status               st = QN_OK;
    if (from == QN_TYPE_TEXT || from == QN_TYPE_VARCHAR || from == QN_TYPE_CHAR || from == QN_TYPE_UNKNOWN)
        return qn_value_parse(to, qn_str_data(&in->str), in->str.bytes, set, arena, out, vm->err);
    qn_buf_init(&text, &vm->mem);
    qn_value_print((qn_type){(uint8_t)from, -1}, in, set, &text);
    if (text.failed) {
        st = qn_nomem(vm->err);
    } else if (qn_type_bank(to.id) == QN_BANK_STR && to.typmod < 0) {
        char *copy = qn_arena_dup(arena, text.data ? text.data : "", text.bytes + 1);
        if (copy)
            out->str = qn_str_of(copy, text.bytes);
        else
            st = qn_nomem(vm->err);
    } else {
        /* explicit casts cut text to length silently; assignment casts go through CAST_LENGTH */
        st = qn_value_parse(to, text.data ? text.data : "", text.bytes, set, arena, out, vm->err);
    }
    qn_buf_deinit(&text);
    return st;
}

static qn_status cast_length_one(qn_vm *vm, qn_type to, bool is_explicit, const qn_datum *in, qn_datum *out, qn_arena *arena)
{
    return qn_value_fit(to, is_explicit, in, arena, out, vm->err);
}

static qn_status cast_s(qn_vm *vm, uint32_t w)
{
    const uint32_t *x = qn_operands(vm->program, w);
    qn_type         to = {(uint8_t)x[0], (int32_t)x[1]};
    QN_ASSERT(vm->depth >= 1);
    uint32_t d = vm->depth - 1;
    if (vm->stack_nulls[d])
        return QN_OK;
    qn_datum in = vm->stack[d];
    memset(&vm->stack[d], 0, sizeof vm->stack[d]);
    return qn_instr_op(w) == QN_OP_CAST_IO_S
               ? cast_io_one(vm, (qn_sql_type)(x[0] >> 8), to, &in, &vm->stack[d], &vm->lasting)
               : cast_length_one(vm, to, x[0] >> 8, &in, &vm->stack[d], &vm->lasting);
}

static qn_status cast_lanes(qn_vm *vm, uint32_t w)
{
    const uint32_t *x = qn_operands(vm->program, w);
    qn_type         to = {(uint8_t)x[0], (int32_t)x[1]};
    qn_vec         *dst = REG(vm, x[2]), *src = REG(vm, x[3]);
    qn_bank         bank = qn_type_bank(to.id);
    bool            io = qn_instr_op(w) == QN_OP_CAST_IO, any_null = false;
    qn_status       st = vec_flat(vm, src);
    if (st != QN_OK)
        return st;
    if (!vec_own(vm, dst))
        return qn_nomem(vm->err);
    memset(dst->own_nulls, 0, QN_LANES / 8);
    FOR_LANES(vm, lane, {
        qn_datum in;
        qn_datum out = {.words = {0, 0}};
        if (vec_null(src, lane)) {
            bit_set(dst->own_nulls, lane);
            any_null = true;
        } else {
            vec_get(src, lane, &in);
            st = io ? cast_io_one(vm, (qn_sql_type)(x[0] >> 8), to, &in, &out, &vm->batch)
                    : cast_length_one(vm, to, x[0] >> 8, &in, &out, &vm->batch);
            if (st != QN_OK)
                return st;
        }
        qn_bank_set(bank, dst->own, lane, &out);
    });
    vec_finish(dst, bank, &(operands){.any_null = any_null});
    dst->type = to.id;
    return QN_OK;
}

void register_calls(qn_handler (*tables)[256])
{
    register_op(tables, QN_OP_CALL_SCALAR, call_scalar);
    register_op(tables, QN_OP_CALL_LANES, call_lanes);
    register_op(tables, QN_OP_CAST_IO, cast_lanes);
    register_op(tables, QN_OP_CAST_LENGTH, cast_lanes);
    register_op(tables, QN_OP_CAST_IO_S, cast_s);
    register_op(tables, QN_OP_CAST_LENGTH_S, cast_s);
}
