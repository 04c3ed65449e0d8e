/* SELECT and VALUES: the clauses in PostgreSQL's order of analysis.
 *
 * FROM, targets, WHERE, HAVING, ORDER BY, GROUP BY, DISTINCT, OFFSET, LIMIT, and at last the check
 * that what stands above an aggregation uses keys and aggregates only.  Sort expressions that are
 * no target are added as hidden targets behind the visible ones. */
#include "sql/sql_int.h"

/* ---- targets ---- */

bool qn_select_add_target(qn_binder *b, qn_select *select, qn_expr *e, const char *name,
                          bool hidden)
{
    uint32_t n = select->target_count;

    if (n >= QN_SQL_MAX_TARGETS) {
        return QN_BIND_FAIL(b, TOO_MANY_COLUMNS, -1, "target lists can have at most %u entries",
                            QN_SQL_MAX_TARGETS),
               false;
    }
    if ((n & (n - 1)) == 0) {
        qn_target *grown =
            qn_arena_grow(b->arena, select->targets, n, n ? 2 * (size_t)n : 1, sizeof(qn_target));
        if (!grown) {
            return b->status = qn_nomem(b->err), false;
        }
        select->targets = grown;
    }
    select->targets[n] = (qn_target){e, name, hidden};
    select->target_count = n + 1;
    select->visible_count += !hidden;
    return true;
}

/* `*` and alias.*; the parser makes both a ColumnRef that ends in A_Star. */
static bool expand_star(qn_binder *b, qn_scope *s, const PgQuery__ColumnRef *c)
{
    const qn_relation *rel = s->series ? NULL : s->select->from;

    if (c->n_fields > 1) {
        const char *table = qn_pg_string(c->fields[c->n_fields - 2]);
        bool        schema =
            c->n_fields < 3 || (s->schema && strcmp(s->schema, qn_pg_string(c->fields[0])) == 0);
        if (!rel || strcmp(rel->alias, table) != 0 || !schema) {
            return QN_BIND_FAIL(b, UNDEFINED_TABLE, c->location,
                                rel && rel->kind == QN_REL_TABLE &&
                                        strcmp(rel->table->name, table) == 0
                                    ? "invalid reference to FROM-clause entry for table \"%s\""
                                    : "missing FROM-clause entry for table \"%s\"",
                                table),
                   false;
        }
    } else if (!rel) {
        return QN_BIND_FAIL(b, SYNTAX_ERROR, c->location,
                            "SELECT * with no tables specified is not valid"),
               false;
    }
    for (uint32_t i = 0; i < rel->column_count; i++) {
        qn_expr *e = qn_bind_column(b, rel, i, c->location);
        if (!e || !qn_select_add_target(b, s->select, e, rel->column_names[i], false)) {
            return false;
        }
    }
    return true;
}

static bool target(qn_binder *b, qn_scope *s, const PgQuery__ResTarget *t)
{
    const qn_pg *v = t->val;

    if (v && v->node_case == QN_PG(COLUMN_REF) &&
        v->column_ref->fields[v->column_ref->n_fields - 1]->node_case == QN_PG(A_STAR)) {
        return expand_star(b, s, v->column_ref);
    }
    qn_expr *e = qn_bind_expr(b, s, v);
    if (!e || (!s->keep_unknown && !(e = qn_coerce_unknown_to_text(b, e)))) {
        return false;
    }
    return qn_select_add_target(b, s->select, e, *t->name ? t->name : qn_figure_name(v), false);
}

static bool targets(qn_binder *b, qn_scope *s, const PgQuery__SelectStmt *stmt)
{
    s->clause = QN_CLAUSE_SELECT;
    for (size_t i = 0; i < stmt->n_target_list; i++) {
        if (!target(b, s, stmt->target_list[i]->res_target)) {
            return false;
        }
    }
    return true;
}

/* ---- finding the target that ORDER BY, GROUP BY or DISTINCT ON means ---- */

enum { FOUND_ERROR = -2, FOUND_NONE = -1 };

static bool names_column(const qn_scope *s, const char *name)
{
    const qn_relation *rel = s->series ? NULL : s->select->from;

    for (uint32_t i = 0; rel && i < rel->column_count; i++) {
        if (strcmp(rel->column_names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int64_t target_by_name(qn_binder *b, const qn_scope *s, const char *name, int32_t location)
{
    const qn_select *select = s->select;
    int64_t          found = FOUND_NONE;

    if (s->clause == QN_CLAUSE_GROUP_BY && names_column(s, name)) {
        return FOUND_NONE; /* SQL99: an input column comes before an output name */
    }
    for (uint32_t i = 0; i < select->target_count; i++) {
        if (select->targets[i].hidden || strcmp(select->targets[i].name, name) != 0) {
            continue;
        }
        if (found >= 0 && !qn_expr_equal(select->targets[found].expr, select->targets[i].expr)) {
            QN_BIND_FAIL(b, AMBIGUOUS_COLUMN, location, "%s \"%s\" is ambiguous",
                         qn_clause_name(s->clause), name);
            return FOUND_ERROR;
        }
        found = found < 0 ? (int64_t)i : found;
    }
    return found;
}

static int64_t target_by_position(qn_binder *b, const qn_scope *s, const PgQuery__AConst *c)
{
    if (c->isnull || c->val_case != PG_QUERY__A__CONST__VAL_IVAL) {
        QN_BIND_FAIL(b, SYNTAX_ERROR, c->location, "non-integer constant in %s",
                     qn_clause_name(s->clause));
        return FOUND_ERROR;
    }
    if (c->ival->ival < 1 || (uint32_t)c->ival->ival > s->select->visible_count) {
        QN_BIND_FAIL(b, INVALID_COLUMN_REFERENCE, c->location,
                     "%s position %d is not in select list", qn_clause_name(s->clause),
                     c->ival->ival);
        return FOUND_ERROR;
    }
    return c->ival->ival - 1;
}

/* SQL92 first: an output name or a position. */
static int64_t target_as_92(qn_binder *b, const qn_scope *s, const qn_pg *n)
{
    if (n->node_case == QN_PG(COLUMN_REF) && n->column_ref->n_fields == 1) {
        const char *name = qn_pg_string(n->column_ref->fields[0]);
        return *name ? target_by_name(b, s, name, n->column_ref->location) : FOUND_NONE;
    }
    return n->node_case == QN_PG(A_CONST) ? target_by_position(b, s, n->a_const) : FOUND_NONE;
}

static int64_t target_equal(const qn_select *select, const qn_expr *e)
{
    for (uint32_t i = 0; i < select->target_count; i++) {
        if (qn_expr_equal(select->targets[i].expr, e)) {
            return i;
        }
    }
    return FOUND_NONE;
}

/* The target for ORDER BY or DISTINCT ON, a hidden one added when needed. */
static int64_t sort_target(qn_binder *b, qn_scope *s, const qn_pg *n)
{
    int64_t i = target_as_92(b, s, n);

    if (i != FOUND_NONE) {
        return i;
    }
    qn_expr *e = qn_bind_expr(b, s, n);
    if (!e || !(e = qn_coerce_unknown_to_text(b, e))) {
        return FOUND_ERROR;
    }
    i = target_equal(s->select, e);
    if (i != FOUND_NONE) {
        return i;
    }
    if (!qn_select_add_target(b, s->select, e, qn_figure_name(n), true)) {
        return FOUND_ERROR;
    }
    return (int64_t)s->select->target_count - 1;
}

/* INSERT … SELECT leaves literals unknown; to sort or group by one makes it text. */
static bool settle_unknown(qn_binder *b, qn_select *select, int64_t i)
{
    return (select->targets[i].expr = qn_coerce_unknown_to_text(b, select->targets[i].expr)) !=
           NULL;
}

/* ---- GROUP BY ---- */

static const qn_expr *find_aggregate(const qn_expr *e)
{
    if (e->kind == QN_EXPR_AGG) {
        return e;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        const qn_expr *found = find_aggregate(e->args[i]);
        if (found) {
            return found;
        }
    }
    return NULL;
}

static bool add_key(qn_binder *b, qn_select *select, qn_expr *e)
{
    uint32_t n = select->key_count;

    for (uint32_t i = 0; i < n; i++) {
        if (qn_expr_equal(select->keys[i], e)) {
            return true;
        }
    }
    if (n >= QN_SQL_MAX_TARGETS) {
        return QN_BIND_FAIL(b, TOO_MANY_COLUMNS, e->location,
                            "GROUP BY can have at most %u expressions", QN_SQL_MAX_TARGETS),
               false;
    }
    if ((n & (n - 1)) == 0) {
        qn_expr **grown =
            qn_arena_grow(b->arena, select->keys, n, n ? 2 * (size_t)n : 1, sizeof(qn_expr *));
        if (!grown) {
            return b->status = qn_nomem(b->err), false;
        }
        select->keys = grown;
    }
    select->keys[n] = e;
    select->key_count = n + 1;
    return true;
}

static bool group_item(qn_binder *b, qn_scope *s, const qn_pg *n)
{
    if (n->node_case == QN_PG(GROUPING_SET)) {
        static const char *const names[] = {"GROUPING SETS", "GROUPING SETS", "GROUPING SETS",
                                            "ROLLUP",        "CUBE",          "GROUPING SETS"};
        if (n->grouping_set->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_EMPTY) {
            s->select->aggregated = true; /* one group, beside whatever keys there are */
            return true;
        }
        return qn_bind_unsupported(b, n->grouping_set->location, names[n->grouping_set->kind]),
               false;
    }
    if (n->node_case == QN_PG(ROW_EXPR) &&
        n->row_expr->row_format == PG_QUERY__COERCION_FORM__COERCE_IMPLICIT_CAST) {
        for (size_t i = 0; i < n->row_expr->n_args; i++) {
            if (!group_item(b, s, n->row_expr->args[i])) {
                return false;
            }
        }
        return true;
    }
    int64_t  i = target_as_92(b, s, n);
    qn_expr *e;
    if (i == FOUND_ERROR) {
        return false;
    }
    if (i >= 0) {
        if (!settle_unknown(b, s->select, i)) {
            return false;
        }
        e = s->select->targets[i].expr;
    } else if (!(e = qn_bind_expr(b, s, n)) || !(e = qn_coerce_unknown_to_text(b, e))) {
        return false;
    }
    const qn_expr *agg = find_aggregate(e);
    if (agg) {
        return QN_BIND_FAIL(b, GROUPING_ERROR, agg->location,
                            "aggregate functions are not allowed in GROUP BY"),
               false;
    }
    return add_key(b, s->select, e);
}

static bool group_by(qn_binder *b, qn_scope *s, const PgQuery__SelectStmt *stmt)
{
    s->clause = QN_CLAUSE_GROUP_BY;
    for (size_t i = 0; i < stmt->n_group_clause; i++) {
        if (!qn_bind_enter(b, -1) || !group_item(b, s, stmt->group_clause[i])) {
            return false;
        }
        b->depth--;
    }
    s->select->aggregated = s->select->aggregated || stmt->n_group_clause > 0 || s->select->having;
    return true;
}

/* ---- ORDER BY ---- */

static bool add_sort(qn_binder *b, qn_select *select, uint32_t target, bool descending,
                     bool nulls_first)
{
    uint32_t n = select->sort_count;

    for (uint32_t i = 0; i < n; i++) {
        if (select->sort[i].target == target) {
            return true; /* sorting twice by the same thing changes nothing */
        }
    }
    if ((n & (n - 1)) == 0) {
        qn_sort_key *grown =
            qn_arena_grow(b->arena, select->sort, n, n ? 2 * (size_t)n : 1, sizeof(qn_sort_key));
        if (!grown) {
            return b->status = qn_nomem(b->err), false;
        }
        select->sort = grown;
    }
    select->sort[n] = (qn_sort_key){target, descending, nulls_first};
    select->sort_count = n + 1;
    return true;
}

static bool sort_direction(qn_binder *b, const PgQuery__SortBy *by, bool *descending)
{
    *descending = by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    if (by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) {
        const char *op = by->n_use_op ? qn_pg_string(by->use_op[by->n_use_op - 1]) : "";
        if (strcmp(op, "<") != 0 && strcmp(op, ">") != 0) {
            QN_BIND_FAIL(b, WRONG_OBJECT_TYPE, by->location,
                         "operator %s is not a valid ordering operator", op);
            qn_error_hint(
                b->err,
                "Ordering operators must be \"<\" or \">\" members of btree operator families.");
            return false;
        }
        *descending = op[0] == '>';
    }
    return true;
}

static bool order_by(qn_binder *b, qn_scope *s, const PgQuery__SelectStmt *stmt)
{
    s->clause = QN_CLAUSE_ORDER_BY;
    for (size_t i = 0; i < stmt->n_sort_clause; i++) {
        const PgQuery__SortBy *by = stmt->sort_clause[i]->sort_by;
        bool                   descending;
        int64_t                t = sort_target(b, s, by->node);
        if (t < 0 || !settle_unknown(b, s->select, t) || !sort_direction(b, by, &descending)) {
            return false;
        }
        bool first = by->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
                     (by->sortby_nulls != PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST && descending);
        if (!add_sort(b, s->select, (uint32_t)t, descending, first)) {
            return false;
        }
    }
    return true;
}

/* ---- DISTINCT ---- */

static bool distinct_all(qn_binder *b, qn_select *select)
{
    for (uint32_t i = 0; i < select->sort_count; i++) {
        const qn_target *t = &select->targets[select->sort[i].target];
        if (t->hidden) {
            return QN_BIND_FAIL(
                       b, INVALID_COLUMN_REFERENCE, t->expr->location,
                       "for SELECT DISTINCT, ORDER BY expressions must appear in select list"),
                   false;
        }
    }
    select->distinct = true;
    return true;
}

static bool contains(const uint32_t *list, uint32_t count, uint32_t item)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] == item) {
            return true;
        }
    }
    return false;
}

/* Where the ON expression stands that ORDER BY has too late, or not at all. */
static int32_t mismatch(const qn_select *select, const uint32_t *on, const int32_t *at,
                        uint32_t count, uint32_t leading)
{
    uint32_t i = leading, k = 0;

    while (i < select->sort_count && !contains(on, count, select->sort[i].target)) {
        i++;
    }
    if (i < select->sort_count) {
        while (on[k] != select->sort[i].target) {
            k++;
        }
        return at[k];
    }
    for (k = 0; k < count; k++) {
        bool sorted = false;
        for (i = 0; i < select->sort_count; i++) {
            sorted = sorted || select->sort[i].target == on[k];
        }
        if (!sorted) {
            return at[k];
        }
    }
    return -1;
}

/* The expressions of DISTINCT ON must be the first of ORDER BY, in any order; those that ORDER BY
 * lacks are added behind, which is allowed only when ORDER BY has nothing else. */
static bool distinct_on(qn_binder *b, qn_scope *s, const PgQuery__SelectStmt *stmt)
{
    qn_select *select = s->select;
    uint32_t  *on = QN_BIND_ARRAY(b, uint32_t, stmt->n_distinct_clause), count = 0, leading = 0;
    int32_t   *at = on ? QN_BIND_ARRAY(b, int32_t, stmt->n_distinct_clause) : NULL;

    s->clause = QN_CLAUSE_DISTINCT_ON;
    for (size_t i = 0; at && i < stmt->n_distinct_clause; i++) {
        int64_t t = sort_target(b, s, stmt->distinct_clause[i]);
        if (t < 0 || !settle_unknown(b, select, t)) {
            return false;
        }
        if (!contains(on, count, (uint32_t)t)) {
            at[count] = qn_pg_location(stmt->distinct_clause[i]);
            on[count++] = (uint32_t)t;
        }
    }
    if (!on || !at) {
        return false;
    }
    while (leading < select->sort_count && contains(on, count, select->sort[leading].target)) {
        leading++;
    }
    if (leading < select->sort_count && leading < count) {
        return QN_BIND_FAIL(
                   b, INVALID_COLUMN_REFERENCE, mismatch(select, on, at, count, leading),
                   "SELECT DISTINCT ON expressions must match initial ORDER BY expressions"),
               false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!add_sort(b, select, on[i], false, false)) {
            return false;
        }
    }
    select->distinct_on = count;
    return true;
}

static bool distinct(qn_binder *b, qn_scope *s, const PgQuery__SelectStmt *stmt)
{
    if (stmt->n_distinct_clause == 0) {
        return true;
    }
    for (uint32_t i = 0; i < s->select->visible_count; i++) {
        if (!settle_unknown(b, s->select, i)) {
            return false;
        }
    }
    /* Plain DISTINCT is a list of one empty node. */
    if (stmt->n_distinct_clause == 1 && stmt->distinct_clause[0]->node_case == QN_PG(_NOT_SET)) {
        return distinct_all(b, s->select);
    }
    return distinct_on(b, s, stmt);
}

/* ---- LIMIT ---- */

static bool limit(qn_binder *b, qn_scope *s, const qn_pg *n, qn_clause clause, qn_expr **out,
                  int32_t *location)
{
    qn_expr *e;

    *location = -1;
    if (!n || (n->node_case == QN_PG(A_CONST) && n->a_const->isnull)) {
        return true;
    }
    s->clause = clause;
    if (!(e = qn_bind_expr(b, s, n)) || !(e = qn_coerce_bigint(b, e, qn_clause_name(clause)))) {
        return false;
    }
    if (qn_expr_has_column(e)) {
        return QN_BIND_FAIL(b, INVALID_COLUMN_REFERENCE, e->location,
                            "argument of %s must not contain variables", qn_clause_name(clause)),
               false;
    }
    *out = e;
    *location = qn_pg_location(n);
    return true;
}

static bool limits(qn_binder *b, qn_scope *s, const PgQuery__SelectStmt *stmt)
{
    if (stmt->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES) {
        return qn_bind_unsupported(b, qn_pg_location(stmt->limit_count), "FETCH FIRST … WITH TIES"),
               false;
    }
    return limit(b, s, stmt->limit_offset, QN_CLAUSE_OFFSET, &s->select->offset,
                 &s->select->offset_location) &&
           limit(b, s, stmt->limit_count, QN_CLAUSE_LIMIT, &s->select->limit,
                 &s->select->limit_location);
}

/* ---- the whole ---- */

static bool condition(qn_binder *b, qn_scope *s, const qn_pg *n, qn_clause clause, qn_expr **out)
{
    s->clause = clause;
    if (!n) {
        return true;
    }
    qn_expr *e = qn_bind_expr(b, s, n);
    return e && (*out = qn_coerce_boolean(b, e, qn_clause_name(clause))) != NULL;
}

/* What quern does not have, named before anything else is looked at. */
static bool supported(qn_binder *b, const PgQuery__SelectStmt *stmt)
{
    if (stmt->op != PG_QUERY__SET_OPERATION__SETOP_NONE &&
        stmt->op != PG_QUERY__SET_OPERATION__SET_OPERATION_UNDEFINED) {
        const char                *name = stmt->op == PG_QUERY__SET_OPERATION__SETOP_UNION ? "UNION"
                                          : stmt->op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT ? "INTERSECT"
                                                                                                 : "EXCEPT";
        const PgQuery__SelectStmt *right = stmt->rarg;
        int32_t                    at =
            right && right->n_target_list ? right->target_list[0]->res_target->location : -1;
        return qn_bind_unsupported(b, at, name), false;
    }
    if (stmt->n_window_clause) {
        return qn_bind_unsupported(b, stmt->window_clause[0]->window_def->location, "WINDOW"),
               false;
    }
    if (stmt->n_locking_clause) {
        return qn_bind_unsupported(b, -1, "SELECT FOR UPDATE/SHARE"), false;
    }
    if (stmt->into_clause) {
        return QN_BIND_FAIL(b, SYNTAX_ERROR,
                            stmt->into_clause->rel ? stmt->into_clause->rel->location : -1,
                            "SELECT ... INTO is not allowed here"),
               false;
    }
    return true;
}

static bool series_alone(qn_binder *b, const qn_scope *s, const PgQuery__SelectStmt *stmt)
{
    if (s->series && (s->select->aggregated || stmt->n_group_clause || stmt->having_clause)) {
        return qn_bind_unsupported(b, s->series_location,
                                   "a set-returning function above an aggregation"),
               false;
    }
    return true;
}

static bool values_select(qn_binder *b, qn_scope *s, const PgQuery__SelectStmt *stmt)
{
    qn_relation *rel = qn_bind_values_relation(b, stmt);

    for (uint32_t i = 0; rel && i < rel->column_count; i++) {
        qn_expr *e = qn_bind_column(b, rel, i, -1);
        if (!e || !qn_select_add_target(b, s->select, e, rel->column_names[i], false)) {
            return false;
        }
    }
    s->select->from = rel;
    return rel && order_by(b, s, stmt) && limits(b, s, stmt);
}

static bool plain_select(qn_binder *b, qn_scope *s, const PgQuery__SelectStmt *stmt)
{
    if (!qn_bind_from(b, s, stmt) || !targets(b, s, stmt) ||
        !condition(b, s, stmt->where_clause, QN_CLAUSE_WHERE, &s->select->where) ||
        !condition(b, s, stmt->having_clause, QN_CLAUSE_HAVING, &s->select->having) ||
        !order_by(b, s, stmt) || !group_by(b, s, stmt) || !distinct(b, s, stmt) ||
        !limits(b, s, stmt) || !series_alone(b, s, stmt)) {
        return false;
    }
    return !s->select->aggregated || qn_select_regroup(b, s->select);
}

qn_select *qn_bind_select(qn_binder *b, const PgQuery__SelectStmt *stmt, bool keep_unknown)
{
    qn_cte    *outer = b->ctes;
    qn_select *select = QN_BIND_NEW(b, qn_select);
    qn_scope   s = {.select = select, .keep_unknown = keep_unknown};
    bool       ok =
        select && qn_bind_enter(b, -1) && supported(b, stmt) && qn_bind_with(b, stmt->with_clause);

    if (ok) {
        select->limit_location = select->offset_location = -1;
        ok = stmt->n_values_lists ? values_select(b, &s, stmt) : plain_select(b, &s, stmt);
    }
    b->depth--;
    b->ctes = outer;
    return ok ? select : NULL;
}

qn_select *qn_bind_query(qn_binder *b, const qn_pg *node, bool keep_unknown)
{
    if (!node || node->node_case != QN_PG(SELECT_STMT)) {
        return qn_bind_unsupported(b, -1, "a query other than SELECT or VALUES"), NULL;
    }
    return qn_bind_select(b, node->select_stmt, keep_unknown);
}
