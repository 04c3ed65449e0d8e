/* Aggregate states: see agg.h. */
#include "vm/machine.h"

#include <math.h>
#include <stdlib.h>
#include "base/assert.h"
#include "type/datetime.h"
#include "type/exact.h"
#include "type/numeric.h"

/* ---- states --------------------------------------------------------------------------------------- */

typedef struct int_sum { /* sum and avg of smallint, integer: 64 bits are enough below 2^32 rows, and checked */
    int64_t sum, n;
} int_sum;
typedef struct big_sum { /* of bigint */
    qn_i128 sum;
    int64_t n;
} big_sum;
typedef struct float_sum {
    qn_exact sum;
    int64_t  n;
} float_sum;
typedef struct num_sum {
    qn_numeric sum;
    int64_t    n;
} num_sum;
typedef struct interval_sum {
    qn_interval sum;
    int64_t     n;
} interval_sum;
typedef struct int_moments { /* variances of smallint, integer */
    qn_i128 sum, squares;
    int64_t n;
} int_moments;
typedef struct num_moments { /* of bigint, numeric */
    qn_numeric sum, squares;
    int64_t    n;
} num_moments;
typedef struct float_moments {
    qn_exact sum, squares;
    int64_t  n;
} float_moments;
typedef struct pair_moments { /* corr, covar_*, regr_*: y is the first argument */
    qn_exact x, y, xx, yy, xy;
    int64_t  n;
} pair_moments;
typedef struct extreme_state {
    qn_datum value;
    uint64_t row; /* whose form it has, where equal values differ in form */
    bool     set;
} extreme_state;
typedef struct bits_state { /* bool_and, bool_or, bit_and, bit_or, bit_xor */
    int64_t value;
    bool    set;
} bits_state;
typedef struct text_piece {
    struct text_piece *next;
    uint64_t           row;
    qn_str             text, separator;
    bool               no_separator;
} text_piece;
typedef struct text_list { /* string_agg */
    text_piece *first;
    int64_t     n;
} text_list;

typedef enum shape {
    SHAPE_COUNT, SHAPE_INT_SUM, SHAPE_BIG_SUM, SHAPE_FLOAT_SUM, SHAPE_NUM_SUM, SHAPE_INTERVAL_SUM, SHAPE_INT_MOMENTS,
    SHAPE_NUM_MOMENTS, SHAPE_FLOAT_MOMENTS, SHAPE_PAIR, SHAPE_EXTREME, SHAPE_TEXT_EXTREME, SHAPE_BITS, SHAPE_TEXT_LIST
} shape;

static const uint32_t shape_bytes[] = {
    [SHAPE_COUNT] = 8,
    [SHAPE_INT_SUM] = sizeof(int_sum),
    [SHAPE_BIG_SUM] = sizeof(big_sum),
    [SHAPE_FLOAT_SUM] = sizeof(float_sum),
    [SHAPE_NUM_SUM] = sizeof(num_sum),
    [SHAPE_INTERVAL_SUM] = sizeof(interval_sum),
    [SHAPE_INT_MOMENTS] = sizeof(int_moments),
    [SHAPE_NUM_MOMENTS] = sizeof(num_moments),
    [SHAPE_FLOAT_MOMENTS] = sizeof(float_moments),
    [SHAPE_PAIR] = sizeof(pair_moments),
    [SHAPE_EXTREME] = sizeof(extreme_state),
    [SHAPE_TEXT_EXTREME] = sizeof(agg_text_state),
    [SHAPE_BITS] = sizeof(bits_state),
    [SHAPE_TEXT_LIST] = sizeof(text_list),
};

static shape shape_of(qn_agg_kind kind, qn_bank bank)
{
    switch (kind) {
    case QN_AGG_COUNT_STAR:
    case QN_AGG_COUNT:
        return SHAPE_COUNT;
    case QN_AGG_SUM:
    case QN_AGG_AVG:
        return bank == QN_BANK_I16 || bank == QN_BANK_I32   ? SHAPE_INT_SUM
               : bank == QN_BANK_I64                        ? SHAPE_BIG_SUM
               : bank == QN_BANK_F32 || bank == QN_BANK_F64 ? SHAPE_FLOAT_SUM
               : bank == QN_BANK_NUM                        ? SHAPE_NUM_SUM
                                                            : SHAPE_INTERVAL_SUM;
    case QN_AGG_MIN:
    case QN_AGG_MAX:
        return bank == QN_BANK_STR ? SHAPE_TEXT_EXTREME : SHAPE_EXTREME;
    case QN_AGG_STDDEV_POP:
    case QN_AGG_STDDEV_SAMP:
    case QN_AGG_VAR_POP:
    case QN_AGG_VAR_SAMP:
        return bank == QN_BANK_I16 || bank == QN_BANK_I32   ? SHAPE_INT_MOMENTS
               : bank == QN_BANK_F32 || bank == QN_BANK_F64 ? SHAPE_FLOAT_MOMENTS
                                                            : SHAPE_NUM_MOMENTS;
    case QN_AGG_BOOL_AND:
    case QN_AGG_BOOL_OR:
    case QN_AGG_BIT_AND:
    case QN_AGG_BIT_OR:
    case QN_AGG_BIT_XOR:
        return SHAPE_BITS;
    case QN_AGG_STRING_AGG:
        return SHAPE_TEXT_LIST;
    default:
        return SHAPE_PAIR;
    }
}

static shape shape_of_state(const agg_state *a) { return shape_of((qn_agg_kind)a->kind, (qn_bank)a->arg_bank); }

uint32_t agg_state_bytes(const qn_agg_call *call)
{
    qn_bank bank = call->argc ? qn_type_bank(call->args[0]->type.id) : QN_BANK_NONE;
    return shape_bytes[shape_of((qn_agg_kind)call->kind, bank)];
}

bool agg_owns_memory(const agg_state *a)
{
    shape s = shape_of_state(a);
    return s == SHAPE_FLOAT_SUM || s == SHAPE_FLOAT_MOMENTS || s == SHAPE_PAIR;
}

void agg_release(const agg_state *a, uint8_t *row, qn_mem *mem)
{
    void *p = row + a->offset;
    switch (shape_of_state(a)) {
    case SHAPE_FLOAT_SUM:
        qn_exact_deinit(&((float_sum *)p)->sum, mem);
        break;
    case SHAPE_FLOAT_MOMENTS:
        qn_exact_deinit(&((float_moments *)p)->sum, mem);
        qn_exact_deinit(&((float_moments *)p)->squares, mem);
        break;
    case SHAPE_PAIR: {
        pair_moments *m = p;
        qn_exact     *all[] = {&m->x, &m->y, &m->xx, &m->yy, &m->xy};
        for (size_t i = 0; i < QN_COUNTOF(all); i++)
            qn_exact_deinit(all[i], mem);
        break;
    }
    default:
        break;
    }
}

/* ---- folding one value ------------------------------------------------------------------------------ */

static int64_t integer_of(qn_bank bank, const qn_datum *v)
{
    return bank == QN_BANK_BOOL ? v->b : bank == QN_BANK_I16 ? v->i16 : bank == QN_BANK_I32 ? v->i32 : v->i64;
}
static double float_of(qn_bank bank, const qn_datum *v) { return bank == QN_BANK_F32 ? (double)v->f32 : v->f64; }

static qn_status overflow(qn_error *err, const char *type)
{
    return qn_fail(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "%s out of range", type);
}

/* Add times × v to a numeric sum.  A long sum is written over the old one: a million additions leave no million sums. */
static qn_status num_add(qn_numeric *sum, qn_numeric v, uint64_t times, qn_arena *arena, qn_error *err)
{
    qn_arena_mark before = qn_arena_save(arena);
    if (times != 1) {
        qn_numeric n;
        qn_status  st = qn_numeric_from_i64((int64_t)times, &n);
        if (st == QN_OK)
            st = qn_numeric_mul(v, n, arena, &v, err);
        if (st != QN_OK)
            return st;
    }
    qn_status st = qn_numeric_add(*sum, v, arena, &v, err);
    if (st != QN_OK)
        return st;
    if (qn_numeric_overwrite(v, sum)) {
        qn_arena_rewind(arena, before);
        return QN_OK;
    }
    return qn_numeric_copy(v, arena, sum) ? QN_OK : qn_nomem(err);
}

static qn_status num_of(qn_bank bank, const qn_datum *v, qn_numeric *out)
{
    if (bank == QN_BANK_NUM) {
        *out = v->num;
        return QN_OK;
    }
    return qn_numeric_from_i64(v->i64, out);
}

static void bits_fold(qn_agg_kind kind, bits_state *s, int64_t x, uint64_t times)
{
    if (!s->set)
        s->value = kind == QN_AGG_BIT_XOR && times % 2 == 0 ? 0 : x;
    else if (kind == QN_AGG_BOOL_AND || kind == QN_AGG_BIT_AND)
        s->value &= x;
    else if (kind == QN_AGG_BOOL_OR || kind == QN_AGG_BIT_OR)
        s->value |= x;
    else if (times % 2)
        s->value ^= x;
    s->set = true;
}

static qn_status interval_fold(interval_sum *s, const qn_interval *v, uint64_t times, qn_error *err)
{
    int64_t micros, n = (int64_t)times;
    int32_t days, months;
    if (__builtin_mul_overflow(v->micros, n, &micros) || __builtin_mul_overflow(v->days, n, &days) ||
        __builtin_mul_overflow(v->months, n, &months) || __builtin_add_overflow(s->sum.micros, micros, &s->sum.micros) ||
        __builtin_add_overflow(s->sum.days, days, &s->sum.days) || __builtin_add_overflow(s->sum.months, months, &s->sum.months))
        return qn_fail(err, QN_SQLSTATE_DATETIME_OVERFLOW, "interval out of range");
    s->n += n;
    return QN_OK;
}

/* Of equal values (1.0 and 1.00, '1 mon' and '30 days', 0 and -0) min and max show the last row's, as in PostgreSQL. */
static qn_status fold_extreme(const agg_state *a, extreme_state *s, const qn_datum *v, uint64_t row, qn_arena *arena, qn_error *err)
{
    int c = s->set ? qn_value_compare(a->arg_type, v, &s->value) : 0;
    if (s->set && (c == 0 ? row <= s->row : (c < 0) == (a->kind == QN_AGG_MAX)))
        return QN_OK;
    s->set = true;
    s->row = row;
    return qn_value_copy((qn_bank)a->arg_bank, v, arena, &s->value) ? QN_OK : qn_nomem(err);
}

/* Fold one non-NULL value standing for `times` rows, the first of them `row`, into the state at p. */
static qn_status fold(const agg_state *a, void *p, const qn_datum *v, uint64_t times, uint64_t row, qn_arena *arena, qn_mem *mem,
                      qn_error *err)
{
    qn_bank bank = (qn_bank)a->arg_bank;
    switch (shape_of_state(a)) {
    case SHAPE_COUNT:
        *(int64_t *)p += (int64_t)times;
        return QN_OK;
    case SHAPE_INT_SUM: {
        int_sum *s = p;
        int64_t  x;
        if (__builtin_mul_overflow(integer_of(bank, v), (int64_t)times, &x) || __builtin_add_overflow(s->sum, x, &s->sum))
            return overflow(err, "bigint");
        s->n += (int64_t)times;
        return QN_OK;
    }
    case SHAPE_BIG_SUM: {
        big_sum *s = p;
        s->sum += (qn_i128)v->i64 * (qn_i128)times;
        s->n += (int64_t)times;
        return QN_OK;
    }
    case SHAPE_FLOAT_SUM: {
        float_sum *s = p;
        if (!qn_exact_add_times(&s->sum, mem, float_of(bank, v), times))
            return qn_nomem(err);
        s->n += (int64_t)times;
        return QN_OK;
    }
    case SHAPE_NUM_SUM: {
        num_sum *s = p;
        if (!s->n)
            s->sum = qn_numeric_small(0, 0);
        s->n += (int64_t)times;
        return num_add(&s->sum, v->num, times, arena, err);
    }
    case SHAPE_INTERVAL_SUM:
        return interval_fold(p, &v->interval, times, err);
    case SHAPE_INT_MOMENTS: {
        int_moments *m = p;
        qn_i128      x = integer_of(bank, v);
        m->sum += x * (qn_i128)times;
        m->squares += x * x * (qn_i128)times;
        m->n += (int64_t)times;
        return QN_OK;
    }
    case SHAPE_NUM_MOMENTS: {
        num_moments *m = p;
        qn_numeric   x, square;
        if (!m->n)
            m->sum = m->squares = qn_numeric_small(0, 0);
        m->n += (int64_t)times;
        qn_status st = num_of(bank, v, &x);
        if (st == QN_OK)
            st = qn_numeric_mul(x, x, arena, &square, err);
        if (st == QN_OK)
            st = num_add(&m->sum, x, times, arena, err);
        return st == QN_OK ? num_add(&m->squares, square, times, arena, err) : st;
    }
    case SHAPE_FLOAT_MOMENTS: {
        float_moments *m = p;
        double         x = float_of(bank, v);
        if (!qn_exact_add_times(&m->sum, mem, x, times) || !qn_exact_add_product_times(&m->squares, mem, x, x, times))
            return qn_nomem(err);
        m->n += (int64_t)times;
        return QN_OK;
    }
    case SHAPE_EXTREME:
        return fold_extreme(a, p, v, row, arena, err);
    case SHAPE_TEXT_EXTREME: {
        agg_text_state *s = p;
        qn_datum        old = {.str = s->value};
        int             c = s->set ? qn_value_compare(a->arg_type, v, &old) : 0;
        if (s->set && (a->kind == QN_AGG_MAX ? c <= 0 : c >= 0))
            return QN_OK;
        s->set = true;
        return qn_str_copy(arena, &v->str, &s->value) ? QN_OK : qn_nomem(err);
    }
    case SHAPE_BITS:
        bits_fold((qn_agg_kind)a->kind, p, integer_of(bank, v), times);
        return QN_OK;
    case SHAPE_TEXT_LIST:
    case SHAPE_PAIR:
        break;
    }
    QN_UNREACHABLE();
}

qn_status agg_update_one(const agg_state *a, uint8_t *row, const qn_datum *v, qn_arena *arena, qn_mem *mem, qn_error *err)
{
    return fold(a, row + a->offset, v, 1, 0, arena, mem, err);
}

void agg_state_set(const agg_state *a, void *state, int64_t n, qn_i128 sum, int64_t extreme)
{
    switch (shape_of_state(a)) {
    case SHAPE_COUNT:
        *(int64_t *)state = n;
        break;
    case SHAPE_INT_SUM:
        *(int_sum *)state = (int_sum){(int64_t)sum, n};
        break;
    case SHAPE_BIG_SUM:
        *(big_sum *)state = (big_sum){sum, n};
        break;
    case SHAPE_EXTREME: { /* little-endian: the low bytes of the integer are the value */
        extreme_state *s = state;
        s->value.i64 = extreme;
        s->set = n > 0;
        break;
    }
    default:
        QN_UNREACHABLE();
    }
}

/* ---- folding vectors -------------------------------------------------------------------------------- */

static inline void *state_at(const qn_vm *vm, const agg_state *a, uint32_t lane)
{
    return (vm->single ? vm->single : vm->groups[lane]) + a->offset;
}
static inline uint64_t weight_of(const qn_vm *vm, uint32_t lane) { return vm->weights ? vm->weights[lane] : 1; }

static void count_lanes(qn_vm *vm, const agg_state *a, const qn_vec *v)
{
    bool nullable = v && (v->form == QN_FORM_CODES || v->nulls);
    if (vm->single && !nullable && !vm->weights) {
        *(int64_t *)state_at(vm, a, 0) += vm_selected(vm);
        return;
    }
    FOR_LANES(vm, lane, {
        if (!nullable || !vec_null(v, lane))
            *(int64_t *)state_at(vm, a, lane) += (int64_t)weight_of(vm, lane);
    });
}

/* sum and avg of small integers: the one worth its own loop. */
#define INT_SUM_LOOP(T)                                                                             \
    {                                                                                               \
        const T *x = v->data;                                                                       \
        FOR_LANES(vm, lane, {                                                                       \
            if (v->nulls && vec_null(v, lane))                                                      \
                continue;                                                                           \
            int_sum *s = state_at(vm, a, lane);                                                     \
            int64_t  w = (int64_t)weight_of(vm, lane);                                              \
            if (__builtin_add_overflow(s->sum, (int64_t)x[lane * step] * w, &s->sum))               \
                return overflow(vm->err, "bigint");                                                 \
            s->n += w;                                                                              \
        });                                                                                         \
    }

static qn_status sum_ints(qn_vm *vm, const agg_state *a, const qn_vec *v)
{
    uint32_t step = v->form != QN_FORM_CONST;
    if (a->arg_bank == QN_BANK_I16)
        INT_SUM_LOOP(int16_t)
    else
        INT_SUM_LOOP(int32_t)
    return QN_OK;
}

static qn_status sum_bigs(qn_vm *vm, const agg_state *a, const qn_vec *v)
{
    uint32_t       step = v->form != QN_FORM_CONST;
    const int64_t *x = v->data;
    if (vm->single && !vm->sel && !v->nulls) { /* one group: weights have 32 bits, one multiplication does */
        big_sum *s = state_at(vm, a, 0);
        qn_i128  sum = 0;
        int64_t  n = 0;
        for (uint32_t lane = 0; lane < vm->n; lane++) {
            int64_t w = vm->weights ? (int64_t)vm->weights[lane] : 1;
            sum += (qn_i128)x[lane * step] * w;
            n += w;
        }
        s->sum += sum;
        s->n += n;
        return QN_OK;
    }
    FOR_LANES(vm, lane, {
        if (v->nulls && vec_null(v, lane))
            continue;
        big_sum *s = state_at(vm, a, lane);
        uint64_t w = weight_of(vm, lane);
        s->sum += (qn_i128)x[lane * step] * (qn_i128)w;
        s->n += (int64_t)w;
    });
    return QN_OK;
}

/* min/max of a column's text inside a block: compare codes, fetch text once at the end of the block. */
static qn_status text_extreme_codes(qn_vm *vm, const agg_state *a, qn_vec *v)
{
    qn_groups *g = vm->pl->groups;
    g->locals[vm->worker].text_dicts[a - g->layout.aggs] = v->dict;
    bool maximum = a->kind == QN_AGG_MAX;
    FOR_LANES(vm, lane, {
        uint32_t        code = v->codes[lane];
        agg_text_state *s = state_at(vm, a, lane);
        if (code && (!s->code || (maximum ? code > s->code : code < s->code)))
            s->code = code;
    });
    return QN_OK;
}

static qn_status add_piece(qn_vm *vm, const agg_state *a, qn_vec *v, qn_vec *separator)
{
    qn_arena *arena = &vm->pl->groups->locals[vm->worker].arena;
    FOR_LANES(vm, lane, {
        qn_datum    d;
        text_list  *l = state_at(vm, a, lane);
        text_piece *p;
        if (vec_null(v, lane))
            continue;
        p = qn_arena_new(arena, text_piece);
        if (!p)
            return qn_nomem(vm->err);
        vec_get(v, lane, &d);
        if (!qn_str_copy(arena, &d.str, &p->text))
            return qn_nomem(vm->err);
        p->no_separator = vec_null(separator, lane);
        if (!p->no_separator) {
            vec_get(separator, lane, &d);
            if (!qn_str_copy(arena, &d.str, &p->separator))
                return qn_nomem(vm->err);
        }
        p->row = vm_tie(vm, lane);
        p->next = l->first;
        l->first = p;
        l->n++;
    });
    return QN_OK;
}

static qn_status add_pair(qn_vm *vm, const agg_state *a, qn_vec *vy, qn_vec *vx)
{
    qn_mem *mem = &vm->exec->mem;
    FOR_LANES(vm, lane, {
        qn_datum dx;
        qn_datum dy;
        if (vec_null(vx, lane) || vec_null(vy, lane))
            continue;
        vec_get(vx, lane, &dx);
        vec_get(vy, lane, &dy);
        pair_moments *m = state_at(vm, a, lane);
        uint64_t      w = weight_of(vm, lane);
        double        x = dx.f64;
        double        y = dy.f64;
        if (!qn_exact_add_times(&m->x, mem, x, w) || !qn_exact_add_times(&m->y, mem, y, w) ||
            !qn_exact_add_product_times(&m->xx, mem, x, x, w) || !qn_exact_add_product_times(&m->yy, mem, y, y, w) ||
            !qn_exact_add_product_times(&m->xy, mem, x, y, w))
            return qn_nomem(vm->err);
        m->n += (int64_t)w;
    });
    return QN_OK;
}

qn_status agg_update(qn_vm *vm, const agg_state *a, qn_vec *v, qn_vec *v2)
{
    shape s = shape_of_state(a);
    if (!vm_selected(vm))
        return QN_OK;
    if (s == SHAPE_COUNT) {
        qn_status ready = v ? vec_ready(vm, v) : QN_OK;
        if (ready == QN_OK)
            count_lanes(vm, a, v);
        return ready;
    }
    bool block_text = s == SHAPE_TEXT_EXTREME && a->arg_type != QN_TYPE_CHAR && v->form == QN_FORM_CODES && vm->scan.block &&
                      !v->dict->computed;
    if (block_text)
        return text_extreme_codes(vm, a, v);
    qn_status st = vec_flat(vm, v);
    if (st == QN_OK && v2)
        st = vec_flat(vm, v2);
    if (st != QN_OK)
        return st;
    if (s == SHAPE_INT_SUM)
        return sum_ints(vm, a, v);
    if (s == SHAPE_BIG_SUM)
        return sum_bigs(vm, a, v);
    if (s == SHAPE_TEXT_LIST)
        return add_piece(vm, a, v, v2);
    if (s == SHAPE_PAIR)
        return add_pair(vm, a, v, v2);
    qn_arena *arena = &vm->pl->groups->locals[vm->worker].arena;
    FOR_LANES(vm, lane, {
        qn_datum d;
        if (vec_null(v, lane))
            continue;
        vec_get(v, lane, &d);
        st = fold(a, state_at(vm, a, lane), &d, weight_of(vm, lane), vm_tie(vm, lane), arena, &vm->exec->mem, vm->err);
        if (st != QN_OK)
            return st;
    });
    return QN_OK;
}

/* ---- merging ---------------------------------------------------------------------------------------- */

static qn_status merge_exact(qn_exact *into, qn_exact *from, qn_mem *mem, qn_error *err)
{
    if (!qn_exact_merge(into, mem, from))
        return qn_nomem(err);
    qn_exact_deinit(from, mem);
    qn_exact_init(from);
    return QN_OK;
}

qn_status agg_merge(const agg_state *a, uint8_t *into_row, uint8_t *from_row, qn_arena *arena, qn_mem *mem, qn_error *err)
{
    void     *into = into_row + a->offset, *from = from_row + a->offset;
    qn_status st = QN_OK;
    switch (shape_of_state(a)) {
    case SHAPE_COUNT:
        *(int64_t *)into += *(int64_t *)from;
        return QN_OK;
    case SHAPE_INT_SUM: {
        int_sum *x = into, *y = from;
        if (__builtin_add_overflow(x->sum, y->sum, &x->sum))
            return overflow(err, "bigint");
        x->n += y->n;
        return QN_OK;
    }
    case SHAPE_BIG_SUM:
        ((big_sum *)into)->sum += ((big_sum *)from)->sum;
        ((big_sum *)into)->n += ((big_sum *)from)->n;
        return QN_OK;
    case SHAPE_FLOAT_SUM:
        ((float_sum *)into)->n += ((float_sum *)from)->n;
        return merge_exact(&((float_sum *)into)->sum, &((float_sum *)from)->sum, mem, err);
    case SHAPE_NUM_SUM: {
        num_sum *x = into, *y = from;
        if (!y->n)
            return QN_OK;
        if (!x->n)
            x->sum = qn_numeric_small(0, 0);
        x->n += y->n;
        return num_add(&x->sum, y->sum, 1, arena, err);
    }
    case SHAPE_INTERVAL_SUM: {
        interval_sum *x = into, *y = from;
        int64_t       n = x->n + y->n;
        st = interval_fold(x, &y->sum, 1, err);
        x->n = n;
        return st;
    }
    case SHAPE_INT_MOMENTS: {
        int_moments *x = into, *y = from;
        x->sum += y->sum;
        x->squares += y->squares;
        x->n += y->n;
        return QN_OK;
    }
    case SHAPE_NUM_MOMENTS: {
        num_moments *x = into, *y = from;
        if (!y->n)
            return QN_OK;
        if (!x->n)
            x->sum = x->squares = qn_numeric_small(0, 0);
        x->n += y->n;
        st = num_add(&x->sum, y->sum, 1, arena, err);
        return st == QN_OK ? num_add(&x->squares, y->squares, 1, arena, err) : st;
    }
    case SHAPE_FLOAT_MOMENTS: {
        float_moments *x = into, *y = from;
        x->n += y->n;
        st = merge_exact(&x->sum, &y->sum, mem, err);
        return st == QN_OK ? merge_exact(&x->squares, &y->squares, mem, err) : st;
    }
    case SHAPE_PAIR: {
        pair_moments *x = into, *y = from;
        qn_exact     *to[] = {&x->x, &x->y, &x->xx, &x->yy, &x->xy};
        qn_exact     *of[] = {&y->x, &y->y, &y->xx, &y->yy, &y->xy};
        x->n += y->n;
        for (size_t i = 0; i < QN_COUNTOF(to) && st == QN_OK; i++)
            st = merge_exact(to[i], of[i], mem, err);
        return st;
    }
    case SHAPE_EXTREME: {
        extreme_state *y = from;
        return y->set ? fold_extreme(a, into, &y->value, y->row, arena, err) : QN_OK;
    }
    case SHAPE_TEXT_EXTREME: {
        agg_text_state *x = into, *y = from;
        if (y->code) { /* only while a block is scanned: the code array's states meet the table's */
            if (!x->code || (a->kind == QN_AGG_MAX ? y->code > x->code : y->code < x->code))
                x->code = y->code;
        }
        return y->set ? fold(a, into, &(qn_datum){.str = y->value}, 1, 0, arena, mem, err) : QN_OK;
    }
    case SHAPE_BITS: {
        bits_state *y = from;
        if (y->set)
            bits_fold((qn_agg_kind)a->kind, into, y->value, 1);
        return QN_OK;
    }
    case SHAPE_TEXT_LIST: {
        text_list  *x = into, *y = from;
        text_piece *last = y->first;
        if (!last)
            return QN_OK;
        while (last->next)
            last = last->next;
        last->next = x->first;
        x->first = y->first;
        x->n += y->n;
        return QN_OK;
    }
    }
    QN_UNREACHABLE();
}

/* ---- through a file ---------------------------------------------------------------------------------- */

/* The parts of a state that refer to something: values by bank, or exact sums. */
typedef struct agg_parts {
    uint32_t  values, exacts;
    qn_bank   bank;
    void     *value[2];
    qn_exact *exact[5];
} agg_parts;

static agg_parts parts_of(const agg_state *a, void *p)
{
    switch (shape_of_state(a)) {
    case SHAPE_FLOAT_SUM:
        return (agg_parts){.exacts = 1, .exact = {&((float_sum *)p)->sum}};
    case SHAPE_FLOAT_MOMENTS:
        return (agg_parts){.exacts = 2, .exact = {&((float_moments *)p)->sum, &((float_moments *)p)->squares}};
    case SHAPE_PAIR: {
        pair_moments *m = p;
        return (agg_parts){.exacts = 5, .exact = {&m->x, &m->y, &m->xx, &m->yy, &m->xy}};
    }
    case SHAPE_NUM_SUM:
        return (agg_parts){.values = 1, .bank = QN_BANK_NUM, .value = {&((num_sum *)p)->sum}};
    case SHAPE_NUM_MOMENTS:
        return (agg_parts){.values = 2, .bank = QN_BANK_NUM, .value = {&((num_moments *)p)->sum, &((num_moments *)p)->squares}};
    case SHAPE_EXTREME:
        return a->arg_bank == QN_BANK_NUM ? (agg_parts){.values = 1, .bank = QN_BANK_NUM, .value = {&((extreme_state *)p)->value}}
                                          : (agg_parts){.values = 0};
    case SHAPE_TEXT_EXTREME:
        return (agg_parts){.values = 1, .bank = QN_BANK_STR, .value = {&((agg_text_state *)p)->value}};
    default:
        return (agg_parts){.values = 0};
    }
}

bool agg_refers(const agg_state *a)
{
    static _Alignas(16) uint8_t empty[sizeof(pair_moments)]; /* looked at for its shape only */
    agg_parts                   parts = parts_of(a, empty);
    return parts.values || parts.exacts || shape_of_state(a) == SHAPE_TEXT_LIST;
}

/* A piece of string_agg in a file: row, bytes of text, bytes of separator (UINT32_MAX: none), then both. */
#define PIECE_HEADER 16u

static uint32_t separator_bytes(const text_piece *p) { return p->no_separator ? 0 : p->separator.bytes; }

size_t agg_packed_bytes(const agg_state *a, const uint8_t *row)
{
    void     *p = (void *)(uintptr_t)(row + a->offset); /* only read */
    agg_parts parts = parts_of(a, p);
    size_t    bytes = 0;
    for (uint32_t i = 0; i < parts.values; i++)
        bytes += spill_value_bytes(parts.bank, parts.value[i]);
    for (uint32_t i = 0; i < parts.exacts; i++)
        bytes += qn_exact_packed_bytes(parts.exact[i]);
    if (shape_of_state(a) == SHAPE_TEXT_LIST)
        for (const text_piece *t = ((text_list *)p)->first; t; t = t->next)
            bytes += PIECE_HEADER + t->text.bytes + separator_bytes(t);
    return bytes;
}

uint8_t *agg_pack(const agg_state *a, const uint8_t *row, uint8_t *out)
{
    void     *p = (void *)(uintptr_t)(row + a->offset);
    agg_parts parts = parts_of(a, p);
    for (uint32_t i = 0; i < parts.values; i++)
        out = spill_value_pack(parts.bank, parts.value[i], out);
    for (uint32_t i = 0; i < parts.exacts; i++) {
        qn_exact_pack(parts.exact[i], out);
        out += qn_exact_packed_bytes(parts.exact[i]);
    }
    if (shape_of_state(a) != SHAPE_TEXT_LIST)
        return out;
    for (const text_piece *t = ((text_list *)p)->first; t; t = t->next) {
        uint32_t sizes[2] = {t->text.bytes, t->no_separator ? UINT32_MAX : t->separator.bytes};
        memcpy(out, &t->row, 8);
        memcpy(out + 8, sizes, 8);
        memcpy(out + PIECE_HEADER, qn_str_data(&t->text), sizes[0]);
        out += PIECE_HEADER + sizes[0];
        memcpy(out, qn_str_data(&t->separator), separator_bytes(t));
        out += separator_bytes(t);
    }
    return out;
}

static qn_status unpack_texts(text_list *l, spill_reader *r, qn_arena *arena, qn_error *err)
{
    int64_t n = l->n;
    l->first = NULL;
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *head, *text, *separator;
        uint32_t       sizes[2];
        text_piece    *t = qn_arena_new(arena, text_piece);
        if (!t)
            return qn_nomem(err);
        qn_status st = spill_reader_take(r, PIECE_HEADER, &head, err);
        if (st != QN_OK)
            return st;
        memcpy(&t->row, head, 8);
        memcpy(sizes, head + 8, 8);
        t->no_separator = sizes[1] == UINT32_MAX;
        st = spill_reader_take(r, sizes[0], &text, err);
        if (st == QN_OK)
            st = spill_reader_take(r, t->no_separator ? 0 : sizes[1], &separator, err);
        if (st != QN_OK)
            return st;
        t->text = qn_str_of((const char *)text, sizes[0]);
        if (!t->no_separator)
            t->separator = qn_str_of((const char *)separator, sizes[1]);
        t->next = l->first;
        l->first = t;
    }
    return QN_OK;
}

qn_status agg_unpack(const agg_state *a, uint8_t *row, spill_reader *r, qn_arena *arena, qn_mem *mem, qn_error *err)
{
    void     *p = row + a->offset;
    agg_parts parts = parts_of(a, p);
    qn_status st = QN_OK;
    for (uint32_t i = 0; i < parts.values && st == QN_OK; i++)
        st = spill_value_unpack(parts.bank, parts.value[i], r, arena, err);
    uint32_t done = 0;
    for (; done < parts.exacts && st == QN_OK; done++) {
        const uint8_t *data;
        st = spill_reader_take(r, qn_exact_packed_bytes(parts.exact[done]), &data, err);
        if (st == QN_OK && !qn_exact_unpack(parts.exact[done], mem, data))
            st = qn_nomem(err);
        if (st != QN_OK)
            break;
    }
    if (st != QN_OK) { /* what was not reached still has the addresses of another time */
        for (uint32_t i = done; i < parts.exacts; i++)
            qn_exact_init(parts.exact[i]);
        agg_release(a, row, mem);
        return st;
    }
    return shape_of_state(a) == SHAPE_TEXT_LIST ? unpack_texts(p, r, arena, err) : QN_OK;
}

/* ---- finishing -------------------------------------------------------------------------------------- */

static qn_status finish_int_avg(qn_i128 sum, int64_t n, qn_arena *arena, qn_datum *out, qn_error *err)
{
    qn_numeric s, c;
    qn_status  st = qn_numeric_from_i128(sum, 0, arena, &s, err);
    if (st == QN_OK)
        st = qn_numeric_from_i64(n, &c);
    return st == QN_OK ? qn_numeric_div(s, c, arena, &out->num, err) : st;
}

static qn_status finish_float(const agg_state *a, double d, bool over, qn_datum *out, qn_error *err)
{
    if (over)
        return qn_fail(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "value out of range: overflow");
    if (a->result_bank == QN_BANK_F32)
        out->f32 = (float)d;
    else
        out->f64 = d;
    return QN_OK;
}

static bool is_sample(qn_agg_kind k) { return k == QN_AGG_STDDEV_SAMP || k == QN_AGG_VAR_SAMP; }
static bool is_deviation(qn_agg_kind k) { return k == QN_AGG_STDDEV_SAMP || k == QN_AGG_STDDEV_POP; }

/* Variance of exact sums in numeric arithmetic, as PostgreSQL's numeric_stddev_internal has it. */
static qn_status finish_num_moments(const agg_state *a, qn_numeric sum, qn_numeric squares, int64_t n, qn_arena *arena,
                                    qn_datum *out, qn_error *err)
{
    qn_status   st = QN_OK;
    qn_agg_kind kind = (qn_agg_kind)a->kind;
    qn_numeric  count, left, right, divisor, other, zero = qn_numeric_small(0, 0);
    int         sign;
    if (qn_numeric_is_nan(sum) || qn_numeric_is_nan(squares) || qn_numeric_is_infinite(sum, &sign) ||
        qn_numeric_is_infinite(squares, &sign))
        return qn_numeric_parse("NaN", 3, -1, arena, &out->num, err);
    QN_TRY(qn_numeric_from_i64(n, &count));
    QN_TRY(qn_numeric_mul(sum, sum, arena, &right, err));
    QN_TRY(qn_numeric_mul(count, squares, arena, &left, err));
    QN_TRY(qn_numeric_sub(left, right, arena, &left, err));
    if (qn_numeric_compare(left, zero) <= 0) {
        out->num = zero;
        return QN_OK;
    }
    QN_TRY(qn_numeric_from_i64(is_sample(kind) ? n - 1 : n, &other));
    QN_TRY(qn_numeric_mul(count, other, arena, &divisor, err));
    QN_TRY(qn_numeric_div(left, divisor, arena, &out->num, err));
    if (is_deviation(kind)) {
        int scale = qn_numeric_scale(out->num);
        QN_TRY(qn_numeric_sqrt_to(out->num, scale, arena, &out->num, err));
    }
done:
    return st;
}

static qn_status finish_int_moments(const agg_state *a, const int_moments *m, qn_arena *arena, qn_datum *out, qn_error *err)
{
    qn_numeric sum, squares;
    qn_status  st = qn_numeric_from_i128(m->sum, 0, arena, &sum, err);
    if (st == QN_OK)
        st = qn_numeric_from_i128(m->squares, 0, arena, &squares, err);
    return st == QN_OK ? finish_num_moments(a, sum, squares, m->n, arena, out, err) : st;
}

static double moment(const qn_exact *xy, const qn_exact *x, const qn_exact *y, int64_t n, qn_u128 divisor, bool *over)
{
    return qn_exact_moment(xy, x, y, (uint64_t)n, divisor, over);
}

static qn_status finish_pair(const agg_state *a, const pair_moments *m, qn_datum *out, bool *null, qn_error *err)
{
    bool    over = false;
    double  r = 0;
    qn_u128 n = (qn_u128)m->n;
    if (a->kind == QN_AGG_REGR_COUNT) {
        out->i64 = m->n;
        return QN_OK;
    }
    if (m->n < 1 || (a->kind == QN_AGG_COVAR_SAMP && m->n < 2)) {
        *null = true;
        return QN_OK;
    }
    double sxx = moment(&m->xx, &m->x, &m->x, m->n, n, &over);
    double syy = moment(&m->yy, &m->y, &m->y, m->n, n, &over);
    double sxy = moment(&m->xy, &m->x, &m->y, m->n, n, &over);
    switch ((qn_agg_kind)a->kind) {
    case QN_AGG_COVAR_POP: r = moment(&m->xy, &m->x, &m->y, m->n, n * n, &over); break;
    case QN_AGG_COVAR_SAMP: r = moment(&m->xy, &m->x, &m->y, m->n, n * (n - 1), &over); break;
    case QN_AGG_REGR_SXX: r = sxx; break;
    case QN_AGG_REGR_SYY: r = syy; break;
    case QN_AGG_REGR_SXY: r = sxy; break;
    case QN_AGG_REGR_AVGX: r = qn_exact_mean(&m->x, (uint64_t)m->n, &over); break;
    case QN_AGG_REGR_AVGY: r = qn_exact_mean(&m->y, (uint64_t)m->n, &over); break;
    case QN_AGG_CORR:
        *null = sxx == 0 || syy == 0;
        r = sxy / sqrt(sxx * syy);
        break;
    case QN_AGG_REGR_R2:
        *null = sxx == 0;
        r = syy == 0 ? 1.0 : sxy * sxy / (sxx * syy);
        break;
    case QN_AGG_REGR_SLOPE:
        *null = sxx == 0;
        r = sxy / sxx;
        break;
    default: /* REGR_INTERCEPT */
        *null = sxx == 0;
        r = qn_exact_mean(&m->y, (uint64_t)m->n, &over) - qn_exact_mean(&m->x, (uint64_t)m->n, &over) * (sxy / sxx);
    }
    return *null ? QN_OK : finish_float(a, r, over, out, err);
}

static int by_row(const void *a, const void *b)
{
    const text_piece *x = *(text_piece *const *)a, *y = *(text_piece *const *)b;
    return (x->row > y->row) - (x->row < y->row);
}

static qn_status finish_texts(const text_list *l, qn_arena *arena, qn_datum *out, bool *null, qn_error *err)
{
    text_piece **order = qn_arena_array(arena, text_piece *, (size_t)l->n + 1);
    size_t       n = 0, bytes = 0;
    if (!order)
        return qn_nomem(err);
    for (text_piece *p = l->first; p; p = p->next)
        order[n++] = p;
    if (!n) {
        *null = true;
        return QN_OK;
    }
    qsort(order, n, sizeof *order, by_row);
    for (size_t i = 0; i < n; i++)
        bytes += order[i]->text.bytes + (i && !order[i]->no_separator ? order[i]->separator.bytes : 0);
    if (bytes > 1u << 30)
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "string_agg result is longer than 1 GB");
    char *text = qn_arena_alloc(arena, bytes + 1), *at = text;
    if (!text)
        return qn_nomem(err);
    for (size_t i = 0; i < n; i++) {
        if (i && !order[i]->no_separator) {
            memcpy(at, qn_str_data(&order[i]->separator), order[i]->separator.bytes);
            at += order[i]->separator.bytes;
        }
        memcpy(at, qn_str_data(&order[i]->text), order[i]->text.bytes);
        at += order[i]->text.bytes;
    }
    out->str = qn_str_of(text, bytes);
    return QN_OK;
}

static qn_status finish_sum(const agg_state *a, const void *p, qn_arena *arena, qn_datum *out, bool *null, qn_error *err)
{
    bool avg = a->kind == QN_AGG_AVG, over = false;
    switch (shape_of_state(a)) {
    case SHAPE_INT_SUM: {
        const int_sum *s = p;
        *null = !s->n;
        if (s->n && avg)
            return finish_int_avg(s->sum, s->n, arena, out, err);
        out->i64 = s->sum;
        return QN_OK;
    }
    case SHAPE_BIG_SUM: {
        const big_sum *s = p;
        *null = !s->n;
        if (s->n && avg)
            return finish_int_avg(s->sum, s->n, arena, out, err);
        return qn_numeric_from_i128(s->sum, 0, arena, &out->num, err);
    }
    case SHAPE_FLOAT_SUM: {
        const float_sum *s = p;
        *null = !s->n;
        if (!s->n)
            return QN_OK;
        /* The value first: as arguments of one call, `over` might be read before it is written. */
        if (avg) {
            double mean = qn_exact_mean(&s->sum, (uint64_t)s->n, &over);
            return finish_float(a, mean, over, out, err);
        }
        if (a->result_bank == QN_BANK_F32) {
            out->f32 = qn_exact_round_f32(&s->sum, &over);
            return over ? finish_float(a, 0, true, out, err) : QN_OK;
        }
        double sum = qn_exact_round(&s->sum, &over);
        return finish_float(a, sum, over, out, err);
    }
    case SHAPE_NUM_SUM: {
        const num_sum *s = p;
        qn_numeric     n;
        *null = !s->n;
        if (!s->n)
            return QN_OK;
        if (!avg) {
            out->num = s->sum;
            return QN_OK;
        }
        qn_status st = qn_numeric_from_i64(s->n, &n);
        return st == QN_OK ? qn_numeric_div(s->sum, n, arena, &out->num, err) : st;
    }
    default: {
        const interval_sum *s = p;
        *null = !s->n;
        if (!s->n || !avg) {
            out->interval = s->sum;
            return QN_OK;
        }
        return qn_interval_div(&s->sum, (double)s->n, &out->interval, err);
    }
    }
}

qn_status agg_finish(const agg_state *a, const uint8_t *row, qn_arena *arena, qn_datum *out, bool *null, qn_error *err)
{
    const void *p = row + a->offset;
    bool        over = false;
    switch (shape_of_state(a)) {
    case SHAPE_COUNT:
        out->i64 = *(const int64_t *)p;
        return QN_OK;
    case SHAPE_INT_MOMENTS: {
        const int_moments *m = p;
        *null = m->n < 1 + is_sample((qn_agg_kind)a->kind);
        return *null ? QN_OK : finish_int_moments(a, m, arena, out, err);
    }
    case SHAPE_NUM_MOMENTS: {
        const num_moments *m = p;
        *null = m->n < 1 + is_sample((qn_agg_kind)a->kind);
        return *null ? QN_OK : finish_num_moments(a, m->sum, m->squares, m->n, arena, out, err);
    }
    case SHAPE_FLOAT_MOMENTS: {
        const float_moments *m = p;
        bool                 sample = is_sample((qn_agg_kind)a->kind);
        *null = m->n < 1 + sample;
        if (*null)
            return QN_OK;
        qn_u128 n = (qn_u128)m->n;
        double  r = moment(&m->squares, &m->sum, &m->sum, m->n, n * (sample ? n - 1 : n), &over);
        return finish_float(a, is_deviation((qn_agg_kind)a->kind) ? sqrt(r) : r, over, out, err);
    }
    case SHAPE_PAIR:
        return finish_pair(a, p, out, null, err);
    case SHAPE_EXTREME: {
        const extreme_state *s = p;
        *null = !s->set;
        *out = s->value;
        return QN_OK;
    }
    case SHAPE_TEXT_EXTREME: {
        const agg_text_state *s = p;
        *null = !s->set;
        out->str = s->value;
        return QN_OK;
    }
    case SHAPE_BITS: {
        const bits_state *s = p;
        *null = !s->set;
        if (a->result_bank == QN_BANK_BOOL)
            out->b = s->value != 0;
        else if (a->result_bank == QN_BANK_I16)
            out->i16 = (int16_t)s->value;
        else if (a->result_bank == QN_BANK_I32)
            out->i32 = (int32_t)s->value;
        else
            out->i64 = s->value;
        return QN_OK;
    }
    case SHAPE_TEXT_LIST:
        return finish_texts(p, arena, out, null, err);
    default:
        return finish_sum(a, p, arena, out, null, err);
    }
}
