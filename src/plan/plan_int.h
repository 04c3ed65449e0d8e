/* Shared by the files of plan/ only. */
#ifndef QN_PLAN_PLAN_INT_H
#define QN_PLAN_PLAN_INT_H

#include "plan/plan.h"

typedef struct qn_planner {
    qn_arena               *arena;
    const qn_plan_settings *settings;
    qn_error               *err;
    qn_pipeline            *pipelines;
    uint32_t                count, capacity;
} qn_planner;

/* `expr` with a constant operand converted to the other operand's integer type, where that is exact. */
qn_status qn_plan_align_integers(qn_planner *p, qn_expr *expr, qn_expr **out);

bool qn_type_is_coarse(qn_sql_type id);
/* The same of an expression's values: extract() with a constant unit gives one form per value, though numeric. */
bool qn_expr_is_coarse(const qn_expr *expr);

/* NULL constants carried through strict functions, in every expression of a select (not of its subqueries);
 * its arrays are replaced, expressions are not changed in place. */
qn_status qn_plan_simplify(qn_planner *p, qn_expr *expr, qn_expr **out);
qn_status qn_plan_simplify_select(qn_planner *p, qn_select *select);
/* Columns of the subquery in FROM that the select does not read become NULL constants; its constant filters are
 * the subquery's too. */
qn_status qn_plan_drop_unread(qn_planner *p, qn_select *select);
/* Filters that no row decides go before the others, their order kept. */
void qn_plan_constants_first(qn_expr **filters, uint32_t count);

/* A FILE pipeline's source.read: the columns that its expressions name. */
qn_status qn_plan_columns_read(qn_planner *p, qn_pipeline *pl);

/* Fill in the estimates of an aggregation pipeline and, where rows are read, settle code array or hash. */
void qn_plan_cost(qn_pipeline *pl, const qn_plan_settings *settings);

#endif
