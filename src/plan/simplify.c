/* What PostgreSQL's constant folding decides without looking at values that may differ between executions.
 *
 * A strict function of a NULL constant is NULL, whatever its other arguments are: `NULL <= a / 0` must not divide.
 * Only NULLs count, because the program cache may exchange any other literal.  Arguments that are constant
 * themselves and can fail are computed first, as PostgreSQL does, so such a call is left alone.
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
