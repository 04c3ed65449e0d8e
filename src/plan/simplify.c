/* What PostgreSQL leaves out before it runs a query, so that it cannot fail there.
 *
 * A strict function of a NULL constant is NULL, whatever its other arguments are: `NULL <= a / 0` must not divide.
 * Only NULLs count, because the program cache may exchange any other literal.  Arguments that are constant
 * themselves and can fail are computed first, as PostgreSQL does, so such a call is left alone.
 *
 * A column of a subquery that nobody reads is not computed, and constant filters come before all others.
 *
 * Not here: folding of values.  Constant expressions run in the program's prologue. */
#include "plan/plan.h"

#include "base/assert.h"
#include "plan/plan_int.h"

static bool is_null(const qn_expr *x) { return x->kind == QN_EXPR_CONST && x->null; }

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
    for (uint32_t i = 0; i < x->argc; i++) {
        if (is_null(x->args[i]))
            null = true;
        else if (qn_expr_is_constant(x->args[i]) && qn_expr_can_fail(x->args[i]))
            return false;
    }
    return null;
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
    if (null_decides(*out)) {
        qn_expr *null;
        QN_ALLOC(p->err, null = qn_arena_new(p->arena, qn_expr));
        null->kind = QN_EXPR_CONST;
        null->type = expr->type;
        null->null = true;
        null->location = -1;
        *out = null;
    }
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
    QN_ALLOC(p->err, targets = qn_arena_dup(p->arena, inner->targets, sizeof *targets * (inner->target_count + 1)));
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
