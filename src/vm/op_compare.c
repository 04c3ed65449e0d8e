/* Opcode family 30 (stack) and B0 (register): comparison, null tests, and GREATEST/LEAST/IN, which compare too.
 *
 * Comparisons follow ORDER BY's total order: NaN is equal to itself and greater than every number. */
#include "vm/machine.h"

#include <math.h>
#include <stdlib.h>
#include "base/assert.h"
#include "type/numeric.h"

/* -1, 0, 1 for one pair; the bank decides. */
#define COMPARE_PLAIN(name, T)                                                                      \
    static inline int cmp_##name(const T *a, const T *b) { return (*a > *b) - (*a < *b); }
COMPARE_PLAIN(b, uint8_t)
COMPARE_PLAIN(i16, int16_t)
COMPARE_PLAIN(i32, int32_t)
COMPARE_PLAIN(i64, int64_t)
#define COMPARE_FLOAT(name, T)                                                                      \
    static inline int cmp_##name(const T *a, const T *b)                                            \
    {                                                                                               \
        if (isnan(*a) || isnan(*b))                                                                 \
            return (isnan(*a) != 0) - (isnan(*b) != 0);                                             \
        return (*a > *b) - (*a < *b);                                                               \
    }
COMPARE_FLOAT(f32, float)
COMPARE_FLOAT(f64, double)
static inline int cmp_num(const qn_numeric *a, const qn_numeric *b) { return qn_numeric_compare(*a, *b); }
static inline int cmp_str(const qn_str *a, const qn_str *b) { return qn_str_compare(a, b); }
static inline int cmp_interval(const qn_interval *a, const qn_interval *b)
{
    return qn_value_compare(QN_TYPE_INTERVAL, &(qn_datum){.interval = *a}, &(qn_datum){.interval = *b});
}

static inline bool holds(int op, int c)
{
    switch (op) {
    case QN_OP_EQ: return c == 0;
    case QN_OP_NE: return c != 0;
    case QN_OP_LT: return c < 0;
    case QN_OP_LE: return c <= 0;
    case QN_OP_GT: return c > 0;
    default: return c >= 0;
    }
}

/* The result of a comparison is one byte a lane, computed beside the operands because dst may be one of them. */
#define COMPARE_STACK(name, T)                                                                      \
    static qn_status compare_##name##_s(qn_vm *vm, uint32_t w)                                      \
    {                                                                                               \
        QN_ASSERT(vm->depth >= 2);                                                                  \
        uint32_t d = --vm->depth - 1;                                                               \
        bool     null = vm->stack_nulls[d] | vm->stack_nulls[d + 1];                                \
        if (!null) {                                                                                \
            int c = cmp_##name((const T *)(const void *)&vm->stack[d], (const T *)(const void *)&vm->stack[d + 1]); \
            vm->stack[d].words[0] = 0;                                                              \
            vm->stack[d].b = holds(qn_instr_op(w), c);                                              \
        }                                                                                           \
        vm->stack_nulls[d] = null;                                                                  \
        return QN_OK;                                                                               \
    }

#define COMPARE_LOOP(OP)                                                                            \
    case OP:                                                                                        \
        FOR_LANES(vm, i, r[i] = holds(OP, COMPARE(&a[i * o.sa], &b[i * o.sb])););                   \
        break;

#define COMPARE_HANDLERS(name, T)                                                                   \
    static qn_status compare_##name##_r(qn_vm *vm, uint32_t w)                                      \
    {                                                                                               \
        uint32_t ra, rb;                                                                            \
        operands o;                                                                                 \
        qn_operand2(vm->program, w, &ra, &rb);                                                      \
        qn_vec   *dst = REG(vm, ra);                                                                \
        qn_status st = vec_operands(vm, dst, REG(vm, rb), &o);                                      \
        if (st != QN_OK)                                                                            \
            return st;                                                                              \
        const T *a = o.a, *b = o.b;                                                                 \
        uint8_t *r = vm->compare_buffer;                                                            \
        switch (qn_instr_op(w) ^ 0x80) {                                                            \
            COMPARE_LOOP(QN_OP_EQ)                                                                  \
            COMPARE_LOOP(QN_OP_NE)                                                                  \
            COMPARE_LOOP(QN_OP_LT)                                                                  \
            COMPARE_LOOP(QN_OP_LE)                                                                  \
            COMPARE_LOOP(QN_OP_GT)                                                                  \
            COMPARE_LOOP(QN_OP_GE)                                                                  \
        }                                                                                           \
        memcpy(dst->own, r, vm->n);                                                                 \
        vec_finish(dst, QN_BANK_BOOL, &o);                                                          \
        return QN_OK;                                                                               \
    }
/* A NULL text lane may hold anything, so text must not be followed there. */
#define NULL_SAFE_COMPARE(name, T)                                                                  \
    static qn_status compare_##name##_r(qn_vm *vm, uint32_t w)                                      \
    {                                                                                               \
        uint32_t ra, rb;                                                                            \
        operands o;                                                                                 \
        int      op = qn_instr_op(w) ^ 0x80;                                                        \
        qn_operand2(vm->program, w, &ra, &rb);                                                      \
        qn_vec   *dst = REG(vm, ra);                                                                \
        qn_status st = vec_operands(vm, dst, REG(vm, rb), &o);                                      \
        if (st != QN_OK)                                                                            \
            return st;                                                                              \
        const T *a = o.a, *b = o.b;                                                                 \
        uint8_t *r = vm->compare_buffer;                                                            \
        FOR_LANES(vm, i, {                                                                          \
            if (!o.any_null || !bit_get(dst->own_nulls, i))                                         \
                r[i] = holds(op, cmp_##name(&a[i * o.sa], &b[i * o.sb]));                           \
        });                                                                                         \
        memcpy(dst->own, r, vm->n);                                                                 \
        vec_finish(dst, QN_BANK_BOOL, &o);                                                          \
        return QN_OK;                                                                               \
    }

#define COMPARE cmp_b
COMPARE_STACK(b, uint8_t)
COMPARE_HANDLERS(b, uint8_t)
#undef COMPARE
#define COMPARE cmp_i16
COMPARE_STACK(i16, int16_t)
COMPARE_HANDLERS(i16, int16_t)
#undef COMPARE
#define COMPARE cmp_i32
COMPARE_STACK(i32, int32_t)
COMPARE_HANDLERS(i32, int32_t)
#undef COMPARE
#define COMPARE cmp_i64
COMPARE_STACK(i64, int64_t)
COMPARE_HANDLERS(i64, int64_t)
#undef COMPARE
#define COMPARE cmp_f32
COMPARE_STACK(f32, float)
COMPARE_HANDLERS(f32, float)
#undef COMPARE
#define COMPARE cmp_f64
COMPARE_STACK(f64, double)
COMPARE_HANDLERS(f64, double)
#undef COMPARE
COMPARE_STACK(num, qn_numeric)
NULL_SAFE_COMPARE(num, qn_numeric)
COMPARE_STACK(str, qn_str)
NULL_SAFE_COMPARE(str, qn_str)
COMPARE_STACK(interval, qn_interval)
NULL_SAFE_COMPARE(interval, qn_interval)

static int compare_bank(qn_bank bank, const qn_datum *a, const qn_datum *b)
{
    switch (bank) {
    case QN_BANK_BOOL: return (int)a->b - (int)b->b;
    case QN_BANK_I16: return cmp_i16(&a->i16, &b->i16);
    case QN_BANK_I32: return cmp_i32(&a->i32, &b->i32);
    case QN_BANK_I64: return cmp_i64(&a->i64, &b->i64);
    case QN_BANK_F32: return cmp_f32(&a->f32, &b->f32);
    case QN_BANK_F64: return cmp_f64(&a->f64, &b->f64);
    case QN_BANK_NUM: return cmp_num(&a->num, &b->num);
    case QN_BANK_STR: return cmp_str(&a->str, &b->str);
    case QN_BANK_INTERVAL: return cmp_interval(&a->interval, &b->interval);
    default: return 0;
    }
}

/* ---- null tests ------------------------------------------------------------------------------ */

static qn_status null_test_s(qn_vm *vm, uint32_t w)
{
    QN_ASSERT(vm->depth >= 1);
    uint32_t d = vm->depth - 1;
    bool     null = vm->stack_nulls[d];
    vm->stack[d].words[0] = 0;
    vm->stack[d].b = null == (qn_instr_op(w) == QN_OP_IS_NULL);
    vm->stack_nulls[d] = false;
    return QN_OK;
}

static qn_status null_test_r(qn_vm *vm, uint32_t w)
{
    qn_vec *v = REG(vm, qn_operand1(vm->program, w));
    bool    want = qn_instr_op(w) == QN_OP_IS_NULL_R;
    qn_status st = vec_ready(vm, v);
    if (st != QN_OK)
        return st;
    if (!vec_own(vm, v))
        return qn_nomem(vm->err);
    uint8_t *r = vm->compare_buffer;
    FOR_LANES(vm, i, r[i] = vec_null(v, i) == want;);
    memcpy(v->own, r, vm->n);
    vec_finish(v, QN_BANK_BOOL, &(operands){0});
    return QN_OK;
}

/* ---- IS DISTINCT FROM ------------------------------------------------------------------------- */

static qn_status distinct_s(qn_vm *vm, uint32_t w)
{
    QN_ASSERT(vm->depth >= 2);
    uint32_t d = --vm->depth - 1;
    bool     na = vm->stack_nulls[d], nb = vm->stack_nulls[d + 1];
    bool     r = na != nb || (!na && compare_bank((qn_bank)qn_instr_bank(w), &vm->stack[d], &vm->stack[d + 1]) != 0);
    vm->stack[d].words[0] = 0;
    vm->stack[d].b = r;
    vm->stack_nulls[d] = false;
    return QN_OK;
}

static qn_status distinct_r(qn_vm *vm, uint32_t w)
{
    uint32_t ra, rb;
    qn_bank  bank = (qn_bank)qn_instr_bank(w);
    qn_operand2(vm->program, w, &ra, &rb);
    qn_vec   *a = REG(vm, ra), *b = REG(vm, rb);
    qn_status st = vec_flat(vm, a);
    if (st == QN_OK)
        st = vec_flat(vm, b);
    if (st != QN_OK)
        return st;
    if (!vec_own(vm, a))
        return qn_nomem(vm->err);
    uint8_t *r = vm->compare_buffer;
    FOR_LANES(vm, i, {
        bool     na = vec_null(a, i);
        bool     nb = vec_null(b, i);
        qn_datum x;
        qn_datum y;
        if (!na && !nb) {
            qn_bank_get(bank, a->data, a->form == QN_FORM_CONST ? 0 : i, &x);
            qn_bank_get(bank, b->data, b->form == QN_FORM_CONST ? 0 : i, &y);
            r[i] = compare_bank(bank, &x, &y) != 0;
        } else {
            r[i] = na != nb;
        }
    });
    memcpy(a->own, r, vm->n);
    vec_finish(a, QN_BANK_BOOL, &(operands){0});
    return QN_OK;
}

/* ---- GREATEST, LEAST -------------------------------------------------------------------------- */

static int compare_extreme(uint32_t w, const qn_datum *a, const qn_datum *b)
{
    return qn_instr_flags(w) & QN_FLAG_BLANKS ? qn_value_compare(QN_TYPE_CHAR, a, b)
                                              : compare_bank((qn_bank)qn_instr_bank(w), a, b);
}

static qn_status extreme_s(qn_vm *vm, uint32_t w)
{
    QN_ASSERT(vm->depth >= 2);
    uint32_t d = --vm->depth - 1;
    bool     na = vm->stack_nulls[d], nb = vm->stack_nulls[d + 1];
    int      c = na || nb ? 0 : compare_extreme(w, &vm->stack[d + 1], &vm->stack[d]);
    bool     take = na || (!nb && (qn_instr_op(w) == QN_OP_GREATEST ? c > 0 : c < 0));
    if (take) {
        vm->stack[d] = vm->stack[d + 1];
        vm->stack_nulls[d] = nb;
    }
    return QN_OK;
}

static qn_status extreme_r(qn_vm *vm, uint32_t w)
{
    uint32_t ra, rb;
    qn_bank  bank = (qn_bank)qn_instr_bank(w);
    bool     greatest = qn_instr_op(w) == QN_OP_GREATEST_R;
    qn_operand2(vm->program, w, &ra, &rb);
    qn_vec   *a = REG(vm, ra), *b = REG(vm, rb);
    qn_status st = vec_flat(vm, b);
    if (st == QN_OK)
        st = vec_flat(vm, a);
    if (st == QN_OK)
        st = vec_result(vm, a, bank);
    if (st != QN_OK)
        return st;
    FOR_LANES(vm, i, {
        qn_datum x;
        qn_datum y;
        if (vec_null(b, i))
            continue;
        qn_bank_get(bank, b->data, b->form == QN_FORM_CONST ? 0 : i, &y);
        bool take = bit_get(a->own_nulls, i);
        if (!take) {
            qn_bank_get(bank, a->own, i, &x);
            int c = compare_extreme(w, &y, &x);
            take = greatest ? c > 0 : c < 0;
        }
        if (take) {
            qn_bank_set(bank, a->own, i, &y);
            a->own_nulls[i / 64] &= ~(1ull << (i % 64));
        }
    });
    return QN_OK;
}

/* ---- IN --------------------------------------------------------------------------------------- */

typedef struct set_order {
    qn_bank         bank;
    const qn_datum *constants;
} set_order;

static int by_constant(const void *a, const void *b, void *context)
{
    const set_order *o = context;
    return compare_bank(o->bank, &o->constants[*(const uint32_t *)a], &o->constants[*(const uint32_t *)b]);
}

void in_set_sort(in_set *set, qn_bank bank, const qn_datum *constants)
{
    set_order o = {bank, constants};
    qsort_r(set->order, set->count, sizeof *set->order, by_constant, &o);
}

/* PostgreSQL's rule: true when equal to one; else NULL when the list holds a NULL; else false. */
static bool in_set_has(const qn_vm *vm, qn_bank bank, uint32_t number, const qn_datum *x, bool *null)
{
    const in_set *s = &vm->exec->sets[number];
    uint32_t      lo = 0, hi = s->count;
    *null = false;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        int      c = compare_bank(bank, x, &vm->constants[s->order[mid]]);
        if (!c)
            return true;
        if (c > 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *null = s->has_null;
    return false;
}

/* In the prologue sets are not sorted yet: one pass. */
static bool in_constants(const qn_vm *vm, qn_bank bank, const qn_constant_set *set, const qn_datum *x, bool *null)
{
    *null = false;
    for (uint32_t k = set->first; k < set->first + set->count; k++) {
        if (vm->constant_nulls[k]) {
            *null = true;
        } else if (compare_bank(bank, x, &vm->constants[k]) == 0) {
            *null = false;
            return true;
        }
    }
    return false;
}

static qn_status in_s(qn_vm *vm, uint32_t w)
{
    QN_ASSERT(vm->depth >= 1);
    uint32_t d = vm->depth - 1;
    bool     null = vm->stack_nulls[d], r = false;
    if (!null)
        r = in_constants(vm, (qn_bank)qn_instr_bank(w), &vm->program->sets[qn_operand1(vm->program, w)], &vm->stack[d], &null);
    vm->stack[d].words[0] = 0;
    vm->stack[d].b = r;
    vm->stack_nulls[d] = null;
    return QN_OK;
}

static qn_status in_r(qn_vm *vm, uint32_t w)
{
    uint32_t ra, set;
    qn_bank  bank = (qn_bank)qn_instr_bank(w);
    operands o;
    qn_operand2(vm->program, w, &ra, &set);
    qn_vec   *v = REG(vm, ra);
    qn_status st = vec_operands(vm, v, NULL, &o);
    if (st != QN_OK)
        return st;
    if (!o.any_null)
        memset(v->own_nulls, 0, QN_LANES / 8);
    uint8_t *r = vm->compare_buffer;
    FOR_LANES(vm, i, {
        qn_datum x;
        bool     null;
        if (bit_get(v->own_nulls, i))
            continue;
        qn_bank_get(bank, o.a, i * o.sa, &x);
        r[i] = in_set_has(vm, bank, set, &x, &null);
        if (null)
            bit_set(v->own_nulls, i);
    });
    memcpy(v->own, r, vm->n);
    o.any_null = true;
    vec_finish(v, QN_BANK_BOOL, &o);
    return QN_OK;
}

void register_comparison(qn_handler (*tables)[256])
{
    static const struct {
        qn_bank    bank;
        qn_handler s, r;
    } banks[] = {
        {QN_BANK_BOOL, compare_b_s, compare_b_r},       {QN_BANK_I16, compare_i16_s, compare_i16_r},
        {QN_BANK_I32, compare_i32_s, compare_i32_r},    {QN_BANK_I64, compare_i64_s, compare_i64_r},
        {QN_BANK_F32, compare_f32_s, compare_f32_r},    {QN_BANK_F64, compare_f64_s, compare_f64_r},
        {QN_BANK_NUM, compare_num_s, compare_num_r},    {QN_BANK_STR, compare_str_s, compare_str_r},
        {QN_BANK_INTERVAL, compare_interval_s, compare_interval_r},
    };
    for (size_t i = 0; i < QN_COUNTOF(banks); i++) {
        qn_handler *t = tables[banks[i].bank];
        for (int op = QN_OP_EQ; op <= QN_OP_GE; op++) {
            t[op] = banks[i].s;
            t[op ^ 0x80] = banks[i].r;
        }
        t[QN_OP_DISTINCT] = distinct_s;
        t[QN_OP_DISTINCT_R] = distinct_r;
        t[QN_OP_GREATEST] = t[QN_OP_LEAST] = extreme_s;
        t[QN_OP_GREATEST_R] = t[QN_OP_LEAST_R] = extreme_r;
        t[QN_OP_IN] = in_s;
        t[QN_OP_IN_R] = in_r;
    }
    register_op(tables, QN_OP_IS_NULL, null_test_s);
    register_op(tables, QN_OP_NOT_NULL, null_test_s);
    register_op(tables, QN_OP_IS_NULL_R, null_test_r);
    register_op(tables, QN_OP_NOT_NULL_R, null_test_r);
}
