/* Questions about bound expressions, and copies of them with other leaves.
 *
 * Walks are recursive: binding already limits depth and runs planning on the same big stack. */
#include "plan/plan.h"

#include "base/assert.h"

qn_expr *qn_expr_copy(qn_arena *arena, const qn_expr *expr)
{
    qn_expr *copy = qn_arena_dup(arena, expr, sizeof *expr);
    if (copy && expr->argc) {
        copy->args = qn_arena_dup(arena, expr->args, sizeof(qn_expr *) * expr->argc);
        if (!copy->args)
            return NULL;
    }
    return copy;
}

static bool constants_equal(const qn_expr *a, const qn_expr *b)
{
    if (a->null || b->null)
        return a->null == b->null;
    return qn_value_compare_stored(a->type.id, &a->value, &b->value) == 0;
}

bool qn_plan_expr_equal(const qn_expr *a, const qn_expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->type.id != b->type.id || a->type.typmod != b->type.typmod ||
        a->argc != b->argc || a->index != b->index || a->explicit_ != b->explicit_)
        return false;
    if (a->kind == QN_EXPR_CONST)
        return constants_equal(a, b);
    for (uint32_t i = 0; i < a->argc; i++)
        if (!qn_plan_expr_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

bool qn_expr_is_volatile(const qn_expr *expr)
{
    if (expr->kind == QN_EXPR_CALL && qn_function_by_id(expr->index)->volatility == QN_VOLATILE)
        return true;
    for (uint32_t i = 0; i < expr->argc; i++)
        if (qn_expr_is_volatile(expr->args[i]))
            return true;
    return false;
}

bool qn_expr_is_constant(const qn_expr *expr)
{
    if (expr->kind == QN_EXPR_COLUMN || expr->kind == QN_EXPR_KEY || expr->kind == QN_EXPR_AGG)
        return false;
    if (expr->kind == QN_EXPR_CALL && qn_function_by_id(expr->index)->volatility == QN_VOLATILE)
        return false;
    for (uint32_t i = 0; i < expr->argc; i++)
        if (!qn_expr_is_constant(expr->args[i]))
            return false;
    return true;
}

/* Text of dates and times depends on settings, even where it happens not to. */
static bool io_is_stable(const qn_expr *expr)
{
    uint8_t from = expr->args[0]->type.id, to = expr->type.id;
    for (uint8_t id = QN_TYPE_DATE; id <= QN_TYPE_INTERVAL; id++)
        if (from == id || to == id)
            return true;
    return false;
}

bool qn_expr_is_immutable(const qn_expr *expr)
{
    if (expr->kind == QN_EXPR_COLUMN || expr->kind == QN_EXPR_KEY || expr->kind == QN_EXPR_AGG || expr->kind == QN_EXPR_PARAM)
        return false;
    if (expr->kind == QN_EXPR_CALL && qn_function_by_id(expr->index)->volatility != QN_IMMUTABLE)
        return false;
    if (expr->kind == QN_EXPR_IO_CAST && io_is_stable(expr))
        return false;
    for (uint32_t i = 0; i < expr->argc; i++)
        if (!qn_expr_is_immutable(expr->args[i]))
            return false;
    return true;
}

bool qn_expr_can_fail(const qn_expr *expr)
{
    switch (expr->kind) {
    case QN_EXPR_CALL:
        if (qn_function_by_id(expr->index)->flags & QN_FN_CANFAIL)
            return true;
        break;
    case QN_EXPR_IO_CAST:
    case QN_EXPR_LENGTH_CAST:
        return true;
    default:
        break;
    }
    for (uint32_t i = 0; i < expr->argc; i++)
        if (qn_expr_can_fail(expr->args[i]))
            return true;
    return false;
}

int qn_expr_single_column(const qn_expr *expr)
{
    if (expr->kind == QN_EXPR_COLUMN)
        return (int)expr->index;
    if (expr->kind == QN_EXPR_KEY || expr->kind == QN_EXPR_AGG)
        return -2;
    int column = -1;
    for (uint32_t i = 0; i < expr->argc; i++) {
        int c = qn_expr_single_column(expr->args[i]);
        if (c == -2 || (c >= 0 && column >= 0 && c != column))
            return -2;
        if (c >= 0)
            column = c;
    }
    return column;
}

bool qn_plan_top_column(const qn_pipeline *pl, uint32_t *column)
{
    const qn_output *o = &pl->output;
    if (pl->source.kind != QN_SOURCE_TABLE || pl->to_groups || !o->sort_count || !o->limit || o->distinct_on)
        return false;
    for (uint32_t i = 0; i < o->target_count; i++)
        if (qn_expr_can_fail(o->targets[i].expr) || qn_expr_is_volatile(o->targets[i].expr))
            return false;
    const qn_expr *first = o->targets[o->sort[0].target].expr;
    while (first->kind == QN_EXPR_RELABEL)
        first = first->args[0];
    if (first->kind != QN_EXPR_COLUMN || first->type.id == QN_TYPE_CHAR || first->type.id == QN_TYPE_BOOLEAN)
        return false;
    *column = first->index;
    return true;
}
