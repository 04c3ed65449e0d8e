/* INSERT: rows from VALUES, a query or DEFAULT VALUES, cast to the table's columns.
 *
 * The source is always a select; assignments[c] says how table column c is made from its targets.
 * In VALUES each expression is cast to its column where it stands, so a literal is read as the
 * column's type. */
#include "sql/sql_int.h"

qn_expr *qn_bind_assign(qn_binder *b, qn_expr *e, const qn_column *column, int32_t location)
{
    qn_expr *out = qn_coerce(b, e, column->type, QN_CAST_ASSIGNMENT, -1);

    if (!out && b->status == QN_OK) {
        QN_BIND_FAIL(b, DATATYPE_MISMATCH, location >= 0 ? location : e->location,
                     "column \"%s\" is of type %s but expression is of type %s", column->name,
                     qn_type_name((qn_sql_type)column->type.id),
                     qn_type_name((qn_sql_type)e->type.id));
        qn_error_hint(b->err, "You will need to rewrite or cast the expression.");
    }
    return out;
}

/* Stored defaults were checked when the table was made; they are bound again as text of their own.
 */
qn_expr *qn_bind_default(qn_binder *b, const qn_column *column)
{
    qn_expr *e = NULL;

    if (!column->default_sql) {
        return qn_null_const(b, column->type);
    }
    b->status =
        qn_sql_bind_expr(b->context, column->default_sql, column->type, b->arena, &e, b->err);
    return e;
}

/* The table columns in the order of the list; all of them without one. */
static bool insert_columns(qn_binder *b, const PgQuery__InsertStmt *stmt, const qn_table *table,
                           uint32_t *map, uint32_t *count)
{
    bool *seen = QN_BIND_ARRAY(b, bool, table->column_count + 1);

    if (!seen) {
        return false;
    }
    *count = stmt->n_cols ? (uint32_t)stmt->n_cols : table->column_count;
    for (uint32_t i = 0; i < *count; i++) {
        if (!stmt->n_cols) {
            map[i] = i;
            continue;
        }
        const PgQuery__ResTarget *t = stmt->cols[i]->res_target;
        int                       c = qn_catalog_column(table, t->name);
        if (t->n_indirection) {
            return qn_bind_unsupported(b, t->location, "assigning to a part of a column"), false;
        }
        if (c < 0) {
            return QN_BIND_FAIL(b, UNDEFINED_COLUMN, t->location,
                                "column \"%s\" of relation \"%s\" does not exist", t->name,
                                table->name),
                   false;
        }
        if (seen[c]) {
            return QN_BIND_FAIL(b, DUPLICATE_COLUMN, t->location,
                                "column \"%s\" specified more than once", t->name),
                   false;
        }
        seen[c] = true;
        map[i] = (uint32_t)c;
    }
    return true;
}

static bool too_few(qn_binder *b, const PgQuery__InsertStmt *stmt, size_t given)
{
    return QN_BIND_FAIL(b, SYNTAX_ERROR, stmt->cols[given]->res_target->location,
                        "INSERT has more target columns than expressions"),
           false;
}

/* ---- VALUES ---- */

static qn_expr *value(qn_binder *b, qn_scope *scope, const qn_pg *n, const qn_column *column)
{
    if (n->node_case == QN_PG(SET_TO_DEFAULT)) {
        return qn_bind_default(b, column);
    }
    qn_expr *e = qn_bind_expr(b, scope, n);
    return e ? qn_bind_assign(b, e, column, qn_pg_location(n)) : NULL;
}

static bool same_lengths(qn_binder *b, const PgQuery__SelectStmt *v)
{
    size_t n = v->values_lists[0]->list->n_items;

    for (size_t r = 1; r < v->n_values_lists; r++) {
        const PgQuery__List *row = v->values_lists[r]->list;
        if (row->n_items != n) {
            return QN_BIND_FAIL(b, SYNTAX_ERROR, row->n_items ? qn_pg_location(row->items[0]) : -1,
                                "VALUES lists must all be the same length"),
                   false;
        }
    }
    return true;
}

static qn_select *insert_values(qn_binder *b, const PgQuery__InsertStmt *stmt,
                                const PgQuery__SelectStmt *v, const qn_table *table,
                                const uint32_t *map, uint32_t count)
{
    qn_scope     scope = {.clause = QN_CLAUSE_VALUES, .hidden = table};
    size_t       rows = v->n_values_lists, cols = v->values_lists[0]->list->n_items;
    qn_select   *select = QN_BIND_NEW(b, qn_select);
    qn_relation *rel = QN_BIND_NEW(b, qn_relation);

    if (!select || !rel || !same_lengths(b, v)) {
        return NULL;
    }
    if (cols > count) {
        return QN_BIND_FAIL(b, SYNTAX_ERROR, qn_pg_location(v->values_lists[0]->list->items[count]),
                            "INSERT has more expressions than target columns"),
               NULL;
    }
    if (stmt->n_cols && cols < count) {
        return too_few(b, stmt, cols), NULL;
    }
    rel->kind = QN_REL_VALUES;
    rel->alias = "*VALUES*";
    rel->column_count = (uint32_t)cols;
    rel->row_count = (uint32_t)rows;
    if (!(rel->column_names = QN_BIND_ARRAY(b, const char *, cols)) ||
        !(rel->column_types = QN_BIND_ARRAY(b, qn_type, cols)) ||
        !(rel->values = QN_BIND_ARRAY(b, qn_expr *, qn_mul(rows, cols)))) {
        return NULL;
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < cols; c++) {
            const qn_column *column = &table->columns[map[c]];
            if (!(rel->values[r * cols + c] =
                      value(b, &scope, v->values_lists[r]->list->items[c], column))) {
                return NULL;
            }
        }
    }
    select->from = rel;
    select->limit_location = select->offset_location = -1;
    for (uint32_t c = 0; c < cols; c++) {
        rel->column_names[c] = table->columns[map[c]].name;
        rel->column_types[c] = table->columns[map[c]].type;
        qn_expr *e = qn_bind_column(b, rel, c, -1);
        if (!e || !qn_select_add_target(b, select, e, rel->column_names[c], false)) {
            return NULL;
        }
    }
    return select;
}

/* ---- SELECT ---- */

static bool insert_query(qn_binder *b, const PgQuery__InsertStmt *stmt, uint32_t count,
                         qn_bound *out)
{
    qn_select *select = qn_bind_query(b, stmt->select_stmt, true);

    if (!select) {
        return false;
    }
    if (select->visible_count > count) {
        return QN_BIND_FAIL(b, SYNTAX_ERROR, select->targets[count].expr->location,
                            "INSERT has more expressions than target columns"),
               false;
    }
    if (stmt->n_cols && select->visible_count < count) {
        return too_few(b, stmt, select->visible_count);
    }
    out->select = select;
    return true;
}

/* A literal that the query left unknown becomes the column's type inside the query. */
static qn_expr *from_target(qn_binder *b, qn_select *select, uint32_t t, const qn_column *column)
{
    qn_target *target = &select->targets[t];

    if (target->expr->type.id == QN_TYPE_UNKNOWN) {
        target->expr = qn_bind_assign(b, target->expr, column, -1);
        if (!target->expr) {
            return NULL;
        }
    }
    qn_expr *e = qn_node(b, QN_EXPR_COLUMN, target->expr->type, 0, NULL, target->expr->location);
    if (!e) {
        return NULL;
    }
    e->index = t;
    return qn_bind_assign(b, e, column, -1);
}

/* ---- the statement ---- */

static bool insert_supported(qn_binder *b, const PgQuery__InsertStmt *stmt)
{
    if (stmt->n_returning_list) {
        return qn_bind_unsupported(b, stmt->returning_list[0]->res_target->location, "RETURNING"),
               false;
    }
    if (stmt->on_conflict_clause) {
        return qn_bind_unsupported(b, stmt->on_conflict_clause->location, "ON CONFLICT"), false;
    }
    if (stmt->override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_USER_VALUE ||
        stmt->override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_SYSTEM_VALUE) {
        return qn_bind_unsupported(b, stmt->relation->location, "OVERRIDING"), false;
    }
    return true;
}

/* VALUES without a clause of its own; with ORDER BY or LIMIT it is a query like any other. */
static const PgQuery__SelectStmt *plain_values(const qn_pg *n)
{
    const PgQuery__SelectStmt *q = n && n->node_case == QN_PG(SELECT_STMT) ? n->select_stmt : NULL;

    return q && q->n_values_lists && q->values_lists[0]->node_case == QN_PG(LIST) &&
                   !q->n_sort_clause && !q->limit_count && !q->limit_offset && !q->with_clause &&
                   !q->n_locking_clause
               ? q
               : NULL;
}

bool qn_bind_insert(qn_binder *b, const PgQuery__InsertStmt *stmt, qn_bound *out)
{
    qn_cte                    *outer = b->ctes;
    const qn_table            *table;
    const PgQuery__SelectStmt *values = plain_values(stmt->select_stmt);
    uint32_t                   count = 0;

    out->kind = QN_STMT_INSERT;
    if (!insert_supported(b, stmt) || !qn_bind_with(b, stmt->with_clause) ||
        !(table = qn_bind_table(b, stmt->relation, stmt->relation->location))) {
        return false;
    }
    uint32_t *map = QN_BIND_ARRAY(b, uint32_t, table->column_count + stmt->n_cols + 1);
    if (!map || !insert_columns(b, stmt, table, map, &count)) {
        return false;
    }
    out->table = table;
    if (!stmt->select_stmt) {
        count = 0; /* DEFAULT VALUES: one row without targets */
        out->select = QN_BIND_NEW(b, qn_select);
        if (out->select) {
            out->select->limit_location = out->select->offset_location = -1;
        }
    } else if (values) {
        out->select = insert_values(b, stmt, values, table, map, count);
    } else if (!insert_query(b, stmt, count, out)) {
        return false;
    }
    b->ctes = outer;
    out->assignments = QN_BIND_ARRAY(b, qn_expr *, table->column_count);
    if (!out->select || !out->assignments) {
        return false;
    }
    for (uint32_t i = 0; i < count && i < out->select->visible_count; i++) {
        if (!(out->assignments[map[i]] = from_target(b, out->select, i, &table->columns[map[i]]))) {
            return false;
        }
    }
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (!out->assignments[c] &&
            !(out->assignments[c] = qn_bind_default(b, &table->columns[c]))) {
            return false;
        }
    }
    return true;
}
