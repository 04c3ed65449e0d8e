/* What PostgreSQL leaves out before it runs a query, so that it cannot fail there.
 *
 * A strict function of a NULL constant is NULL, whatever its other arguments are: `NULL <= a / 0` must not divide.
 * Boolean constants decide AND, OR, NOT and CASE, any constant decides COALESCE and IS NULL.  Only what the text itself
 * says counts, that is NULL, true, false, and whether there is a constant; the program cache may exchange any other
 * literal.  Arguments that PostgreSQL computes beforehand and that can fail are left to fail.
 *
 * A column of a subquery that nobody reads is not computed; constant filters come before all others, and before
 * the subquery.
 *
 * Not here: folding of values.  Constant expressions run in the program's prologue. */
#include "plan/plan.h"

#include "base/assert.h"
#include "plan/plan_int.h"

static bool is_null(const qn_expr *x) { return x->kind == QN_EXPR_CONST && x->null; }

static bool is_bool(const qn_expr *x, bool value)
{
    return x->kind == QN_EXPR_CONST && x->type.id == QN_TYPE_BOOLEAN && !x->null && !x->literal && x->value.b == value;
}

static bool null_decides(const qn_expr *x)
{
    bool null = false;
    switch (x->kind) {
    case QN_EXPR_CALL:
        if (!(qn_function_by_id(x->index)->flags & QN_FN_STRICT))
            return false;
        break;
    case QN_EXPR_RELABEL:
    case QN_EXPR_IO_CAST:
    case QN_EXPR_LENGTH_CAST:
    case QN_EXPR_NOT:
        break;
    default:
        return false;
    }
    for (uint32_t i = 0; i < x->argc; i++)
        null = null || is_null(x->args[i]);
    for (uint32_t i = 0; null && i < x->argc; i++)
        if (qn_expr_is_immutable(x->args[i]) && qn_expr_can_fail(x->args[i]))
            return false;
    return null;
}

static qn_status constant(qn_planner *p, qn_type type, bool null, bool value, qn_expr **out)
{
    qn_status st = QN_OK;
    QN_ALLOC(p->err, *out = qn_arena_new(p->arena, qn_expr));
    (*out)->kind = QN_EXPR_CONST;
    (*out)->type = type;
    (*out)->null = null;
    (*out)->value.b = value;
    (*out)->location = -1;
done:
    return st;
}

/* x with `count` of its arguments, already moved to the front of a copy. */
static qn_status shortened(qn_planner *p, const qn_expr *x, qn_expr **args, uint32_t count, qn_expr **out)
{
    qn_status st = QN_OK;
    if (count == x->argc)
        return QN_OK;
    QN_ALLOC(p->err, *out = qn_arena_dup(p->arena, x, sizeof *x));
    (*out)->args = args;
    (*out)->argc = count;
done:
    return st;
}

/* AND drops true and is false with a false; OR the other way round. */
static qn_status simplify_logic(qn_planner *p, const qn_expr *x, qn_expr **out)
{
    qn_status st = QN_OK;
    bool      neutral = x->kind == QN_EXPR_AND;
    uint32_t  count = 0;
    qn_expr **args;
    QN_ALLOC(p->err, args = qn_arena_array(p->arena, qn_expr *, x->argc + 1));
    for (uint32_t i = 0; i < x->argc; i++) {
        if (is_bool(x->args[i], !neutral))
            break;
        if (!is_bool(x->args[i], neutral))
            args[count++] = x->args[i];
        if (i + 1 == x->argc) {
            if (count == 0)
                return constant(p, x->type, false, neutral, out);
            if (count == 1)
                return *out = args[0], QN_OK;
            return shortened(p, x, args, count, out);
        }
    }
    /* decided, unless something before it fails beforehand */
    for (uint32_t i = 0; i < count; i++)
        if (qn_expr_can_fail(args[i]))
            return QN_OK;
    return constant(p, x->type, false, !neutral, out);
done:
    return st;
}

static qn_status simplify_coalesce(qn_planner *p, const qn_expr *x, qn_expr **out)
{
    qn_status st = QN_OK;
    uint32_t  count = 0;
    qn_expr **args;
    QN_ALLOC(p->err, args = qn_arena_array(p->arena, qn_expr *, x->argc + 1));
    for (uint32_t i = 0; i < x->argc; i++) {
        if (is_null(x->args[i]))
            continue;
        args[count++] = x->args[i];
        if (x->args[i]->kind == QN_EXPR_CONST)
            break;
    }
    if (count == 0)
        return constant(p, x->type, true, false, out);
    if (count == 1)
        return *out = args[0], QN_OK;
    return shortened(p, x, args, count, out);
done:
    return st;
}

static qn_status simplify_case(qn_planner *p, const qn_expr *x, qn_expr **out)
{
    qn_status st = QN_OK;
    uint32_t  count = 0;
    qn_expr **args, *otherwise = x->args[x->argc - 1];
    QN_ALLOC(p->err, args = qn_arena_array(p->arena, qn_expr *, x->argc + 1));
    for (uint32_t i = 0; i + 1 < x->argc; i += 2) {
        if (is_null(x->args[i]) || is_bool(x->args[i], false))
            continue;
        if (is_bool(x->args[i], true)) {
            otherwise = x->args[i + 1];
            break;
        }
        args[count++] = x->args[i];
        args[count++] = x->args[i + 1];
    }
    if (count == 0)
        return *out = otherwise, QN_OK;
    args[count++] = otherwise;
    return shortened(p, x, args, count, out);
done:
    return st;
}

/* A node whose arguments are simple already. */
static qn_status simplify_node(qn_planner *p, qn_expr **out)
{
    const qn_expr *x = *out;
    if (null_decides(x))
        return constant(p, x->type, true, false, out);
    switch (x->kind) {
    case QN_EXPR_AND:
    case QN_EXPR_OR:
        return simplify_logic(p, x, out);
    case QN_EXPR_COALESCE:
        return simplify_coalesce(p, x, out);
    case QN_EXPR_CASE:
        return simplify_case(p, x, out);
    case QN_EXPR_NOT:
        if (is_bool(x->args[0], true) || is_bool(x->args[0], false))
            return constant(p, x->type, false, is_bool(x->args[0], false), out);
        return QN_OK;
    case QN_EXPR_IS_NULL:
    case QN_EXPR_IS_NOT_NULL:
        if (x->args[0]->kind == QN_EXPR_CONST)
            return constant(p, x->type, false, x->args[0]->null == (x->kind == QN_EXPR_IS_NULL), out);
        return QN_OK;
    case QN_EXPR_IN:
        return is_null(x->args[0]) ? constant(p, x->type, true, false, out) : QN_OK;
    default:
        return QN_OK;
    }
}

qn_status qn_plan_simplify(qn_planner *p, qn_expr *expr, qn_expr **out)
{
    qn_status st = QN_OK;
    *out = expr;
    for (uint32_t i = 0; i < expr->argc; i++) {
        qn_expr *arg;
        QN_TRY(qn_plan_simplify(p, expr->args[i], &arg));
        if (arg == expr->args[i])
            continue;
        if (*out == expr)
            QN_ALLOC(p->err, *out = qn_expr_copy(p->arena, expr));
        (*out)->args[i] = arg;
    }
    QN_TRY(simplify_node(p, out));
done:
    return st;
}

static qn_status simplify_all(qn_planner *p, qn_expr **exprs, uint32_t count, qn_expr ***out)
{
    qn_status st = QN_OK;
    QN_ALLOC(p->err, *out = qn_arena_array(p->arena, qn_expr *, count + 1));
    for (uint32_t i = 0; i < count; i++)
        QN_TRY(qn_plan_simplify(p, exprs[i], &(*out)[i]));
done:
    return st;
}

qn_status qn_plan_simplify_select(qn_planner *p, qn_select *s)
{
    qn_status    st = QN_OK;
    qn_target   *targets;
    qn_agg_call *aggs;

    if (s->where)
        QN_TRY(qn_plan_simplify(p, s->where, &s->where));
    if (s->having)
        QN_TRY(qn_plan_simplify(p, s->having, &s->having));
    QN_TRY(simplify_all(p, s->keys, s->key_count, &s->keys));
    QN_ALLOC(p->err, targets = qn_arena_array(p->arena, qn_target, s->target_count + 1));
    for (uint32_t i = 0; i < s->target_count; i++) {
        targets[i] = s->targets[i];
        QN_TRY(qn_plan_simplify(p, targets[i].expr, &targets[i].expr));
    }
    s->targets = targets;
    QN_ALLOC(p->err, aggs = qn_arena_array(p->arena, qn_agg_call, s->agg_count + 1));
    for (uint32_t i = 0; i < s->agg_count; i++) {
        aggs[i] = s->aggs[i];
        for (uint32_t a = 0; a < aggs[i].argc; a++)
            QN_TRY(qn_plan_simplify(p, aggs[i].args[a], &aggs[i].args[a]));
        if (aggs[i].filter)
            QN_TRY(qn_plan_simplify(p, aggs[i].filter, &aggs[i].filter));
    }
    s->aggs = aggs;
done:
    return st;
}

/* Mark the columns of the FROM relation that x reads. */
static void note_columns(const qn_expr *x, bool *used)
{
    if (x->kind == QN_EXPR_COLUMN)
        used[x->index] = true;
    for (uint32_t i = 0; i < x->argc; i++)
        note_columns(x->args[i], used);
}

static void note_select(const qn_select *s, bool *used)
{
    if (s->where)
        note_columns(s->where, used);
    for (uint32_t i = 0; i < s->key_count; i++)
        note_columns(s->keys[i], used);
    for (uint32_t i = 0; i < s->agg_count; i++) {
        for (uint32_t a = 0; a < s->aggs[i].argc; a++)
            note_columns(s->aggs[i].args[a], used);
        if (s->aggs[i].filter)
            note_columns(s->aggs[i].filter, used);
    }
    for (uint32_t i = 0; i < s->target_count; i++)
        note_columns(s->targets[i].expr, used);
}

/* DISTINCT compares every column, and a volatile one has to be drawn. */
static qn_status drop_targets(qn_planner *p, qn_select *inner, bool *used)
{
    qn_status  st = QN_OK;
    qn_target *targets;
    for (uint32_t i = 0; i < inner->sort_count; i++)
        used[inner->sort[i].target] = true;
    QN_ALLOC(p->err, targets = qn_arena_dup(p->arena, inner->targets, sizeof *targets * inner->target_count));
    for (uint32_t i = 0; i < inner->visible_count; i++) {
        qn_expr *null;
        if (used[i] || qn_expr_is_volatile(targets[i].expr))
            continue;
        QN_ALLOC(p->err, null = qn_arena_new(p->arena, qn_expr));
        null->kind = QN_EXPR_CONST;
        null->type = targets[i].expr->type;
        null->null = true;
        null->location = -1;
        targets[i].expr = null;
    }
    inner->targets = targets;
done:
    return st;
}

/* A filter that no row decides holds below the subquery as well, which then does not run for nothing.  It stays above:
 * a subquery that aggregates has a row even so. */
static qn_status push_constants(qn_planner *p, qn_expr *filter, qn_select *inner)
{
    qn_status st = QN_OK;
    qn_expr  *both;
    if (filter->kind == QN_EXPR_AND) {
        for (uint32_t i = 0; i < filter->argc; i++)
            QN_TRY(push_constants(p, filter->args[i], inner));
        return QN_OK;
    }
    if (!qn_expr_is_immutable(filter))
        return QN_OK;
    if (!inner->where) {
        inner->where = filter;
        return QN_OK;
    }
    QN_ALLOC(p->err, both = qn_arena_new(p->arena, qn_expr));
    QN_ALLOC(p->err, both->args = qn_arena_array(p->arena, qn_expr *, 2));
    both->kind = QN_EXPR_AND;
    both->type = QN_TYPE(BOOLEAN);
    both->location = -1;
    both->argc = 2;
    both->args[0] = filter;
    both->args[1] = inner->where;
    inner->where = both;
done:
    return st;
}

qn_status qn_plan_drop_unread(qn_planner *p, qn_select *s)
{
    qn_status   st = QN_OK;
    qn_select  *inner;
    bool       *used;
    qn_relation *from = s->from;

    if (!from || from->kind != QN_REL_SUBQUERY || from->subquery->distinct || from->subquery->distinct_on)
        return QN_OK;
    QN_ALLOC(p->err, from = qn_arena_dup(p->arena, from, sizeof *from));
    QN_ALLOC(p->err, inner = qn_arena_dup(p->arena, from->subquery, sizeof *inner));
    QN_ALLOC(p->err, used = qn_arena_array(p->arena, bool, inner->target_count + 1));
    note_select(s, used);
    QN_TRY(drop_targets(p, inner, used));
    if (s->where)
        QN_TRY(push_constants(p, s->where, inner));
    from->subquery = inner;
    s->from = from;
done:
    return st;
}

void qn_plan_constants_first(qn_expr **filters, uint32_t count)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < count; i++) {
        qn_expr *x = filters[i];
        if (!qn_expr_is_constant(x))
            continue;
        memmove(filters + first + 1, filters + first, (i - first) * sizeof *filters);
        filters[first++] = x;
    }
}
