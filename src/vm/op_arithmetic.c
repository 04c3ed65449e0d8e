/* Opcode family 20 (stack) and A0 (register): arithmetic.
 *
 * Each operation is one inline function over a pair of values that reports overflow, underflow or a zero divisor;
 * the stack handler applies it once, the register handler to every selected lane that is not NULL. */
#include "vm/machine.h"

#include <math.h>
#include <stdlib.h>
#include "base/assert.h"
#include "type/numeric.h"

typedef enum trouble { FINE, OVERFLOW, UNDERFLOW, ZERO_DIVISOR } trouble;

static qn_status raise_trouble(qn_vm *vm, trouble t, qn_bank bank)
{
    if (t == ZERO_DIVISOR)
        return qn_fail(vm->err, QN_SQLSTATE_DIVISION_BY_ZERO, "division by zero");
    if (t == UNDERFLOW)
        return qn_fail(vm->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "value out of range: underflow");
    const char *text = bank == QN_BANK_I16   ? "smallint out of range"
                       : bank == QN_BANK_I32 ? "integer out of range"
                       : bank == QN_BANK_I64 ? "bigint out of range"
                                             : "value out of range: overflow";
    return qn_fail(vm->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "%s", text);
}

#define INTEGER_OPS(T, name, MIN)                                                                   \
    static inline trouble add_##name(T a, T b, T *r) { return __builtin_add_overflow(a, b, r) ? OVERFLOW : FINE; }   \
    static inline trouble sub_##name(T a, T b, T *r) { return __builtin_sub_overflow(a, b, r) ? OVERFLOW : FINE; }   \
    static inline trouble mul_##name(T a, T b, T *r) { return __builtin_mul_overflow(a, b, r) ? OVERFLOW : FINE; }   \
    static inline trouble div_##name(T a, T b, T *r)                                                \
    {                                                                                               \
        if (b == 0)                                                                                 \
            return ZERO_DIVISOR;                                                                    \
        if (a == MIN && b == -1)                                                                    \
            return OVERFLOW;                                                                        \
        *r = (T)(a / b);                                                                            \
        return FINE;                                                                                \
    }                                                                                               \
    static inline trouble mod_##name(T a, T b, T *r)                                                \
    {                                                                                               \
        if (b == 0)                                                                                 \
            return ZERO_DIVISOR;                                                                    \
        *r = b == -1 ? 0 : (T)(a % b);                                                              \
        return FINE;                                                                                \
    }                                                                                               \
    static inline trouble neg_##name(T a, T *r)                                                     \
    {                                                                                               \
        if (a == MIN)                                                                               \
            return OVERFLOW;                                                                        \
        *r = (T)-a;                                                                                 \
        return FINE;                                                                                \
    }                                                                                               \
    static inline trouble abs_##name(T a, T *r)                                                     \
    {                                                                                               \
        if (a == MIN)                                                                               \
            return OVERFLOW;                                                                        \
        *r = (T)(a < 0 ? -a : a);                                                                   \
        return FINE;                                                                                \
    }
INTEGER_OPS(int16_t, i16, INT16_MIN)
INTEGER_OPS(int32_t, i32, INT32_MIN)
INTEGER_OPS(int64_t, i64, INT64_MIN)

#define FLOAT_OPS(T, name, ABS)                                                                     \
    static inline trouble add_##name(T a, T b, T *r)                                                \
    {                                                                                               \
        *r = a + b;                                                                                 \
        return isinf(*r) && !isinf(a) && !isinf(b) ? OVERFLOW : FINE;                               \
    }                                                                                               \
    static inline trouble sub_##name(T a, T b, T *r)                                                \
    {                                                                                               \
        *r = a - b;                                                                                 \
        return isinf(*r) && !isinf(a) && !isinf(b) ? OVERFLOW : FINE;                               \
    }                                                                                               \
    static inline trouble mul_##name(T a, T b, T *r)                                                \
    {                                                                                               \
        *r = a * b;                                                                                 \
        if (isinf(*r) && !isinf(a) && !isinf(b))                                                    \
            return OVERFLOW;                                                                        \
        return *r == 0 && a != 0 && b != 0 ? UNDERFLOW : FINE;                                      \
    }                                                                                               \
    static inline trouble div_##name(T a, T b, T *r)                                                \
    {                                                                                               \
        if (b == 0 && !isnan(a))                                                                    \
            return ZERO_DIVISOR;                                                                    \
        *r = a / b;                                                                                 \
        if (isinf(*r) && !isinf(a))                                                                 \
            return OVERFLOW;                                                                        \
        return *r == 0 && a != 0 && !isinf(b) ? UNDERFLOW : FINE;                                   \
    }                                                                                               \
    static inline trouble neg_##name(T a, T *r) { *r = -a; return FINE; }                           \
    static inline trouble abs_##name(T a, T *r) { *r = ABS(a); return FINE; }
FLOAT_OPS(float, f32, fabsf)
FLOAT_OPS(double, f64, fabs)

/* Handlers: binary and unary, stack and register, for one operation of one type. */
#define BINARY(op, T, name, BANK, field)                                                            \
    static qn_status op##_##name##_s(qn_vm *vm, uint32_t w)                                         \
    {                                                                                               \
        (void)w;                                                                                    \
        QN_ASSERT(vm->depth >= 2);                                                                  \
        uint32_t d = --vm->depth - 1;                                                               \
        bool     null = vm->stack_nulls[d] | vm->stack_nulls[d + 1];                                \
        trouble  t = FINE;                                                                          \
        if (!null)                                                                                  \
            t = op##_##name(vm->stack[d].field, vm->stack[d + 1].field, &vm->stack[d].field);       \
        vm->stack_nulls[d] = null;                                                                  \
        return t ? raise_trouble(vm, t, BANK) : QN_OK;                                              \
    }                                                                                               \
    static qn_status op##_##name##_r(qn_vm *vm, uint32_t w)                                         \
    {                                                                                               \
        uint32_t ra, rb;                                                                            \
        operands o;                                                                                 \
        qn_operand2(vm->program, w, &ra, &rb);                                                      \
        qn_vec   *dst = REG(vm, ra);                                                                \
        qn_status st = vec_operands(vm, dst, REG(vm, rb), &o);                                      \
        if (st != QN_OK)                                                                            \
            return st;                                                                              \
        const T *a = o.a, *b = o.b;                                                                 \
        T       *r = dst->own;                                                                      \
        FOR_LANES(vm, i, {                                                                          \
            T       x = 0;                                                                          \
            trouble t = op##_##name(a[i * o.sa], b[i * o.sb], &x);                                  \
            if (QN_UNLIKELY(t) && !(o.any_null && bit_get(dst->own_nulls, i)))                      \
                return raise_trouble(vm, t, BANK);                                                  \
            r[i] = x;                                                                               \
        });                                                                                         \
        vec_finish(dst, BANK, &o);                                                                  \
        return QN_OK;                                                                               \
    }
#define UNARY(op, T, name, BANK, field)                                                             \
    static qn_status op##_##name##_s(qn_vm *vm, uint32_t w)                                         \
    {                                                                                               \
        (void)w;                                                                                    \
        QN_ASSERT(vm->depth >= 1);                                                                  \
        uint32_t d = vm->depth - 1;                                                                 \
        trouble  t = vm->stack_nulls[d] ? FINE : op##_##name(vm->stack[d].field, &vm->stack[d].field); \
        return t ? raise_trouble(vm, t, BANK) : QN_OK;                                              \
    }                                                                                               \
    static qn_status op##_##name##_r(qn_vm *vm, uint32_t w)                                         \
    {                                                                                               \
        operands  o;                                                                                \
        qn_vec   *dst = REG(vm, qn_operand1(vm->program, w));                                       \
        qn_status st = vec_operands(vm, dst, NULL, &o);                                             \
        if (st != QN_OK)                                                                            \
            return st;                                                                              \
        const T *a = o.a;                                                                           \
        T       *r = dst->own;                                                                      \
        FOR_LANES(vm, i, {                                                                          \
            T       x = 0;                                                                          \
            trouble t = op##_##name(a[i * o.sa], &x);                                               \
            if (QN_UNLIKELY(t) && !(o.any_null && bit_get(dst->own_nulls, i)))                      \
                return raise_trouble(vm, t, BANK);                                                  \
            r[i] = x;                                                                               \
        });                                                                                         \
        vec_finish(dst, BANK, &o);                                                                  \
        return QN_OK;                                                                               \
    }
#define INTEGERS(M, op)                                                                             \
    M(op, int16_t, i16, QN_BANK_I16, i16)                                                           \
    M(op, int32_t, i32, QN_BANK_I32, i32)                                                           \
    M(op, int64_t, i64, QN_BANK_I64, i64)
#define FLOATS(M, op)                                                                               \
    M(op, float, f32, QN_BANK_F32, f32)                                                             \
    M(op, double, f64, QN_BANK_F64, f64)

INTEGERS(BINARY, add) FLOATS(BINARY, add)
INTEGERS(BINARY, sub) FLOATS(BINARY, sub)
INTEGERS(BINARY, mul) FLOATS(BINARY, mul)
INTEGERS(BINARY, div) FLOATS(BINARY, div)
INTEGERS(BINARY, mod)
INTEGERS(UNARY, neg) FLOATS(UNARY, neg)
INTEGERS(UNARY, abs) FLOATS(UNARY, abs)

/* ---- numeric --------------------------------------------------------------------------------- */

typedef qn_status (*numeric_fn)(qn_numeric, qn_numeric, qn_arena *, qn_numeric *, qn_error *);

static numeric_fn numeric_of(uint8_t op)
{
    switch (op & 0x2f) {
    case QN_OP_ADD: return qn_numeric_add;
    case QN_OP_SUB: return qn_numeric_sub;
    case QN_OP_MUL: return qn_numeric_mul;
    case QN_OP_DIV: return qn_numeric_div;
    default: return qn_numeric_mod;
    }
}

static qn_status num_binary_s(qn_vm *vm, uint32_t w)
{
    QN_ASSERT(vm->depth >= 2);
    uint32_t d = --vm->depth - 1;
    vm->stack_nulls[d] = vm->stack_nulls[d] | vm->stack_nulls[d + 1];
    if (vm->stack_nulls[d])
        return QN_OK;
    return numeric_of(qn_instr_op(w))(vm->stack[d].num, vm->stack[d + 1].num, &vm->lasting, &vm->stack[d].num, vm->err);
}

static qn_status num_binary_r(qn_vm *vm, uint32_t w)
{
    uint32_t   ra, rb;
    operands   o;
    numeric_fn fn = numeric_of(qn_instr_op(w) ^ 0x80);
    qn_operand2(vm->program, w, &ra, &rb);
    qn_vec   *dst = REG(vm, ra);
    qn_status st = vec_operands(vm, dst, REG(vm, rb), &o);
    if (st != QN_OK)
        return st;
    const qn_numeric *a = o.a, *b = o.b;
    qn_numeric       *r = dst->own;
    FOR_LANES(vm, i, {
        if (o.any_null && bit_get(dst->own_nulls, i))
            continue;
        st = fn(a[i * o.sa], b[i * o.sb], &vm->batch, &r[i], vm->err);
        if (st != QN_OK)
            return st;
    });
    vec_finish(dst, QN_BANK_NUM, &o);
    return QN_OK;
}

static qn_status num_unary_s(qn_vm *vm, uint32_t w)
{
    QN_ASSERT(vm->depth >= 1);
    uint32_t d = vm->depth - 1;
    if (!vm->stack_nulls[d])
        vm->stack[d].num = qn_instr_op(w) == QN_OP_NEG ? qn_numeric_neg(vm->stack[d].num, &vm->lasting)
                                                       : qn_numeric_abs(vm->stack[d].num, &vm->lasting);
    return QN_OK;
}

static qn_status num_unary_r(qn_vm *vm, uint32_t w)
{
    operands  o;
    bool      negate = qn_instr_op(w) == QN_OP_NEG_R;
    qn_vec   *dst = REG(vm, qn_operand1(vm->program, w));
    qn_status st = vec_operands(vm, dst, NULL, &o);
    if (st != QN_OK)
        return st;
    const qn_numeric *a = o.a;
    qn_numeric       *r = dst->own;
    FOR_LANES(vm, i, {
        if (o.any_null && bit_get(dst->own_nulls, i))
            continue;
        r[i] = negate ? qn_numeric_neg(a[i * o.sa], &vm->batch) : qn_numeric_abs(a[i * o.sa], &vm->batch);
    });
    vec_finish(dst, QN_BANK_NUM, &o);
    return QN_OK;
}

#define REGISTER(op, OP, name, BANK)                                                                \
    tables[BANK][QN_OP_##OP] = op##_##name##_s;                                                     \
    tables[BANK][QN_OP_##OP##_R] = op##_##name##_r;
#define REGISTER_INTEGERS(op, OP)                                                                   \
    REGISTER(op, OP, i16, QN_BANK_I16) REGISTER(op, OP, i32, QN_BANK_I32) REGISTER(op, OP, i64, QN_BANK_I64)
#define REGISTER_FLOATS(op, OP) REGISTER(op, OP, f32, QN_BANK_F32) REGISTER(op, OP, f64, QN_BANK_F64)

void register_arithmetic(qn_handler (*tables)[256])
{
    REGISTER_INTEGERS(add, ADD) REGISTER_FLOATS(add, ADD)
    REGISTER_INTEGERS(sub, SUB) REGISTER_FLOATS(sub, SUB)
    REGISTER_INTEGERS(mul, MUL) REGISTER_FLOATS(mul, MUL)
    REGISTER_INTEGERS(div, DIV) REGISTER_FLOATS(div, DIV)
    REGISTER_INTEGERS(mod, MOD)
    REGISTER_INTEGERS(neg, NEG) REGISTER_FLOATS(neg, NEG)
    REGISTER_INTEGERS(abs, ABS) REGISTER_FLOATS(abs, ABS)
    for (int op = QN_OP_ADD; op <= QN_OP_MOD; op++) {
        tables[QN_BANK_NUM][op] = num_binary_s;
        tables[QN_BANK_NUM][op ^ 0x80] = num_binary_r;
    }
    for (int op = QN_OP_NEG; op <= QN_OP_ABS; op++) {
        tables[QN_BANK_NUM][op] = num_unary_s;
        tables[QN_BANK_NUM][op ^ 0x80] = num_unary_r;
    }
}
