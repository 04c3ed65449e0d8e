/* Above the aggregation: expressions over keys and aggregates instead of input columns.
 *
 * After all clauses are bound, every target and HAVING is rewritten: a part that equals a grouping
 * key becomes KEY, aggregates stay, and an input column that is left over is PostgreSQL's 42803. */
#include "sql/sql_int.h"

static qn_expr *key_node(qn_binder *b, const qn_select *select, const qn_expr *e)
{
    for (uint32_t k = 0; k < select->key_count; k++) {
        if (qn_expr_equal(select->keys[k], e)) {
            qn_expr *key = qn_node(b, QN_EXPR_KEY, e->type, 0, NULL, e->location);
            if (key) {
                key->index = k;
            }
            return key;
        }
    }
    return NULL;
}

static qn_expr *ungrouped(qn_binder *b, const qn_select *select, const qn_expr *e)
{
    const qn_relation *rel = select->from;

    QN_BIND_FAIL(
        b, GROUPING_ERROR, e->location,
        "column \"%s.%s\" must appear in the GROUP BY clause or be used in an aggregate function",
        rel->alias, rel->column_names[e->index]);
    return NULL;
}

static qn_expr *regroup(qn_binder *b, const qn_select *select, qn_expr *e)
{
    qn_expr **args = NULL;

    if (e->kind == QN_EXPR_CONST || e->kind == QN_EXPR_PARAM || e->kind == QN_EXPR_AGG) {
        return e;
    }
    qn_expr *key = key_node(b, select, e);
    if (key || b->status != QN_OK) {
        return key;
    }
    if (e->kind == QN_EXPR_COLUMN) {
        return ungrouped(b, select, e);
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        qn_expr *arg = regroup(b, select, e->args[i]);
        if (!arg) {
            return NULL;
        }
        if (arg != e->args[i] && !args) {
            if (!(args = QN_BIND_ARRAY(b, qn_expr *, e->argc))) {
                return NULL;
            }
            memcpy(args, e->args, e->argc * sizeof(qn_expr *));
        }
        if (args) {
            args[i] = arg;
        }
    }
    if (!args) {
        return e;
    }
    qn_expr *out = qn_node(b, (qn_expr_kind)e->kind, e->type, e->argc, args, e->location);
    if (out) {
        out->index = e->index;
        out->explicit_ = e->explicit_;
    }
    return out;
}

bool qn_select_regroup(qn_binder *b, qn_select *select)
{
    for (uint32_t i = 0; i < select->target_count; i++) {
        if (!(select->targets[i].expr = regroup(b, select, select->targets[i].expr))) {
            return false;
        }
    }
    return !select->having || (select->having = regroup(b, select, select->having)) != NULL;
}
