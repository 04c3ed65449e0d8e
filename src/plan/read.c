/* Which columns of its source a pipeline looks at: a file is asked for no others. */
#include "plan/plan_int.h"

static void mark(const qn_expr *expr, bool *read)
{
    if (expr->kind == QN_EXPR_COLUMN)
        read[expr->index] = true;
    for (uint32_t i = 0; i < expr->argc; i++)
        mark(expr->args[i], read);
}

qn_status qn_plan_columns_read(qn_planner *p, qn_pipeline *pl)
{
    qn_status  st = QN_OK;
    qn_source *s = &pl->source;
    bool      *read;
    uint32_t  *list, n = 0;

    QN_ALLOC(p->err, read = qn_arena_array(p->arena, bool, (size_t)s->column_count + 1));
    QN_ALLOC(p->err, list = qn_arena_array(p->arena, uint32_t, (size_t)s->column_count + 1));
    for (uint32_t i = 0; i < pl->filter_count; i++)
        mark(pl->filters[i], read);
    for (uint32_t i = 0; pl->to_groups && i < pl->aggregation->key_count; i++)
        mark(pl->aggregation->keys[i], read);
    for (uint32_t i = 0; pl->to_groups && i < pl->aggregation->agg_count; i++) {
        const qn_agg_call *agg = &pl->aggregation->aggs[i];
        for (uint32_t a = 0; a < agg->argc; a++)
            mark(agg->args[a], read);
        if (agg->filter)
            mark(agg->filter, read);
    }
    for (uint32_t i = 0; !pl->to_groups && i < pl->output.target_count; i++)
        mark(pl->output.targets[i].expr, read);
    for (uint32_t c = 0; c < s->column_count; c++)
        if (read[c])
            list[n++] = c;
    s->read = list;
    s->read_count = n;
done:
    return st;
}
