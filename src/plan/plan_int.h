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

bool qn_type_is_coarse(qn_sql_type id);

/* Fill in the estimates of an aggregation pipeline and, where rows are read, settle code array or hash. */
void qn_plan_cost(qn_pipeline *pl, const qn_plan_settings *settings);

#endif
