/* Comparisons of integers of different widths with a constant.
 *
 * `smallint_column <> 0` compares smallint with integer, for which there is no instruction: the literal is what
 * has the odd type.  When the constant fits the column's type, comparing in that type gives the same answers and
 * lets the filter become a search in the block's sorted values.
 *
 * A constant that stems from a literal keeps saying so: when the program is reused with another literal that does
 * not fit the narrower type, it does not parse, and the statement is compiled afresh. */
#include "plan/plan.h"

#include <stdio.h>
#include "plan/plan_int.h"

static int width_of(qn_sql_type id)
{
    return id == QN_TYPE_SMALLINT ? 2 : id == QN_TYPE_INTEGER ? 4 : id == QN_TYPE_BIGINT ? 8 : 0;
}

/* The comparison of two integers of `width` bytes that has the suffix of "int24eq", "int84lt", …; or -1. */
static int same_width(const char *name, int width)
{
    static const uint8_t types[] = {[2] = QN_TYPE_SMALLINT, [4] = QN_TYPE_INTEGER, [8] = QN_TYPE_BIGINT};
    static const char *const suffixes[] = {"eq", "ne", "lt", "le", "gt", "ge"};
    char                     wanted[16];
    uint8_t                  args[2] = {types[width], types[width]};
    if (strlen(name) != 7 || strncmp(name, "int", 3))
        return -1;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (!strcmp(name + 5, suffixes[i])) {
            snprintf(wanted, sizeof wanted, "int%d%s", width, suffixes[i]);
            return qn_function_exact(wanted, 2, args);
        }
    return -1;
}

static bool fits(int64_t v, int width)
{
    return width == 8 || (width == 4 ? v >= INT32_MIN && v <= INT32_MAX : v >= INT16_MIN && v <= INT16_MAX);
}

qn_status qn_plan_align_integers(qn_planner *p, qn_expr *expr, qn_expr **out)
{
    qn_status st = QN_OK;
    *out = expr;
    if (expr->kind != QN_EXPR_CALL || expr->argc != 2)
        return QN_OK;
    int constant = expr->args[0]->kind == QN_EXPR_CONST ? 0 : 1;
    const qn_expr *k = expr->args[constant], *other = expr->args[1 - constant];
    int from = width_of((qn_sql_type)k->type.id), to = width_of((qn_sql_type)other->type.id);
    if (k->kind != QN_EXPR_CONST || k->null || other->kind == QN_EXPR_CONST || !from || !to || from == to)
        return QN_OK;
    int64_t v = from == 2 ? k->value.i16 : from == 4 ? k->value.i32 : k->value.i64;
    int     function = same_width(qn_function_by_id(expr->index)->name, to);
    if (function < 0 || !fits(v, to))
        return QN_OK;
    qn_expr *call, *converted;
    QN_ALLOC(p->err, call = qn_expr_copy(p->arena, expr));
    QN_ALLOC(p->err, converted = qn_expr_copy(p->arena, k));
    converted->type = other->type;
    memset(&converted->value, 0, sizeof converted->value);
    if (to == 2)
        converted->value.i16 = (int16_t)v;
    else if (to == 4)
        converted->value.i32 = (int32_t)v;
    else
        converted->value.i64 = v;
    call->index = (uint32_t)function;
    call->args[constant] = converted;
    *out = call;
done:
    return st;
}
