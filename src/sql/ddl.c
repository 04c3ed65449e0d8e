/* CREATE TABLE, CREATE TABLE AS, DROP TABLE.
 *
 * A default is stored as the text the user wrote.  Its range in the source runs from behind DEFAULT
 * to the column's next constraint, or to the comma or parenthesis that ends the column. */
#include "sql/sql_int.h"

/* ---- defaults ---- */

/* The text of the expression after DEFAULT at `location`, ending before `limit`. */
static const char *default_text(qn_binder *b, int32_t location, size_t limit)
{
    size_t   pos = (size_t)(location < 0 ? 0 : location), start = 0, end = 0, depth = 0;
    qn_token t = qn_token_next(b->sql, b->sql_bytes, &pos); /* DEFAULT itself */

    start = end = pos;
    for (;;) {
        t = qn_token_next(b->sql, b->sql_bytes, &pos);
        char c = t.kind == QN_TOKEN_PUNCT ? b->sql[t.start] : 0;
        if (t.kind == QN_TOKEN_END || t.start >= limit ||
            (depth == 0 && (c == ',' || c == ')' || c == ';'))) {
            break;
        }
        if (end == start) {
            start = t.start;
        }
        depth += c == '(' || c == '[';
        depth -= c == ')' || c == ']';
        end = t.end;
    }
    char *text = qn_arena_strndup(b->arena, b->sql + start, end - start);
    if (!text) {
        b->status = qn_nomem(b->err);
    }
    return text;
}

static bool check_default(qn_binder *b, const PgQuery__Constraint *c, const qn_column *column)
{
    qn_scope scope = {.clause = QN_CLAUSE_DEFAULT};
    bool     before = b->no_params;

    b->no_params = true;
    qn_expr *e = qn_bind_expr(b, &scope, c->raw_expr);
    b->no_params = before;
    if (!e) {
        return false;
    }
    qn_expr *cast = qn_coerce(b, e, column->type, QN_CAST_ASSIGNMENT, -1);
    if (!cast && b->status == QN_OK) {
        QN_BIND_FAIL(b, DATATYPE_MISMATCH, -1,
                     "column \"%s\" is of type %s but default expression is of type %s",
                     column->name, qn_type_name((qn_sql_type)column->type.id),
                     qn_type_name((qn_sql_type)e->type.id));
        qn_error_hint(b->err, "You will need to rewrite or cast the expression.");
    }
    return cast != NULL;
}

/* ---- columns ---- */

static const char *constraint_feature(PgQuery__ConstrType type)
{
    switch (type) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY:
        return "GENERATED AS IDENTITY";
    case PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED:
        return "a GENERATED column";
    case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
        return "CHECK";
    case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
        return "PRIMARY KEY";
    case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
        return "UNIQUE";
    case PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION:
        return "EXCLUDE";
    case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
        return "a foreign key (REFERENCES)";
    default:
        return "DEFERRABLE";
    }
}

static size_t next_constraint(const PgQuery__ColumnDef *def, size_t i, size_t end)
{
    size_t limit = end;

    for (size_t k = i + 1; k < def->n_constraints; k++) {
        int32_t at = def->constraints[k]->constraint->location;
        if (at >= 0 && (size_t)at < limit) {
            limit = (size_t)at;
        }
    }
    if (def->coll_clause &&
        def->coll_clause->location > def->constraints[i]->constraint->location &&
        (size_t)def->coll_clause->location < limit) {
        limit = (size_t)def->coll_clause->location;
    }
    return limit;
}

static bool column_constraints(qn_binder *b, const PgQuery__ColumnDef *def, const char *table,
                               qn_column *column)
{
    bool nullable = false;

    for (size_t i = 0; i < def->n_constraints; i++) {
        const PgQuery__Constraint *c = def->constraints[i]->constraint;
        switch (c->contype) {
        case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
        case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
            if (c->contype == PG_QUERY__CONSTR_TYPE__CONSTR_NULL ? column->not_null : nullable) {
                return QN_BIND_FAIL(b, SYNTAX_ERROR, c->location,
                                    "conflicting NULL/NOT NULL declarations for column \"%s\" of "
                                    "table \"%s\"",
                                    column->name, table),
                       false;
            }
            nullable = nullable || c->contype == PG_QUERY__CONSTR_TYPE__CONSTR_NULL;
            column->not_null =
                column->not_null || c->contype == PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL;
            break;
        case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
            if (column->default_sql) {
                return QN_BIND_FAIL(
                           b, SYNTAX_ERROR, c->location,
                           "multiple default values specified for column \"%s\" of table \"%s\"",
                           column->name, table),
                       false;
            }
            if (!(column->default_sql =
                      default_text(b, c->location, next_constraint(def, i, b->sql_bytes))) ||
                !check_default(b, c, column)) {
                return false;
            }
            break;
        default:
            return qn_bind_unsupported(b, c->location, constraint_feature(c->contype)), false;
        }
    }
    return true;
}

static bool is_serial(const PgQuery__TypeName *t)
{
    static const char *const names[] = {"serial",  "serial2",   "serial4",
                                        "serial8", "bigserial", "smallserial"};

    for (size_t i = 0; t->n_names == 1 && i < QN_COUNTOF(names); i++) {
        if (strcmp(qn_pg_string(t->names[0]), names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool column_def(qn_binder *b, const PgQuery__ColumnDef *def, const char *table,
                       qn_column *column)
{
    column->name = def->colname;
    if (!def->type_name) {
        return qn_bind_unsupported(b, def->location, "a column without a type"), false;
    }
    if (is_serial(def->type_name)) {
        return qn_bind_unsupported(b, def->type_name->location, "serial"), false;
    }
    if (!qn_bind_type_name(b, def->type_name, &column->type)) {
        return false;
    }
    if (*def->compression || *def->storage) {
        return qn_bind_unsupported(b, def->location, *def->compression ? "COMPRESSION" : "STORAGE"),
               false;
    }
    if (def->n_fdwoptions) {
        return qn_bind_unsupported(b, def->location, "OPTIONS of a column"), false;
    }
    if (def->coll_clause) {
        const PgQuery__CollateClause *c = def->coll_clause;
        const char *name = c->n_collname ? qn_pg_string(c->collname[c->n_collname - 1]) : "";
        if (qn_type_category((qn_sql_type)column->type.id, NULL) != 'S') {
            return QN_BIND_FAIL(b, DATATYPE_MISMATCH, c->location,
                                "collations are not supported by type %s",
                                qn_type_name((qn_sql_type)column->type.id)),
                   false;
        }
        if (strcmp(name, "C") != 0 && strcmp(name, "POSIX") != 0 && strcmp(name, "default") != 0 &&
            strcmp(name, "ucs_basic") != 0) {
            return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, c->location,
                                "collation \"%s\" is not supported", name),
                   false;
        }
    }
    return column_constraints(b, def, table, column);
}

static bool duplicate_column(qn_binder *b, const qn_column *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(columns[i].name, columns[count].name) == 0) {
            return QN_BIND_FAIL(b, DUPLICATE_COLUMN, -1, "column \"%s\" specified more than once",
                                columns[count].name),
                   true;
        }
    }
    return false;
}

static bool too_many(qn_binder *b)
{
    return QN_BIND_FAIL(b, TOO_MANY_COLUMNS, -1, "tables can have at most %u columns",
                        QN_SQL_MAX_COLUMNS),
           false;
}

/* ---- the table ---- */

static bool new_table_name(qn_binder *b, const PgQuery__RangeVar *var, bool if_not_exists,
                           qn_bound *out)
{
    if (!qn_bind_relation_name(b, var)) {
        return false;
    }
    if (*var->relpersistence == 't' || strcmp(var->schemaname, "pg_temp") == 0) {
        return qn_bind_unsupported(b, var->location, "a temporary table"), false;
    }
    if (*var->relpersistence == 'u') {
        return qn_bind_unsupported(b, var->location, "an unlogged table"), false;
    }
    if (strcmp(var->schemaname, "pg_catalog") == 0 ||
        strcmp(var->schemaname, "information_schema") == 0) {
        return qn_bind_unsupported(b, var->location, "a schema other than public"), false;
    }
    if (*var->schemaname && strcmp(var->schemaname, "public") != 0) {
        return QN_BIND_FAIL(b, UNDEFINED_SCHEMA, var->location, "schema \"%s\" does not exist",
                            var->schemaname),
               false;
    }
    out->name = var->relname;
    out->if_exists = if_not_exists;
    out->exists = b->context->snapshot && qn_catalog_table(b->context->snapshot, var->relname);
    if (out->exists && !if_not_exists) {
        return QN_BIND_FAIL(b, DUPLICATE_TABLE, -1, "relation \"%s\" already exists", var->relname),
               false;
    }
    return true;
}

static bool table_supported(qn_binder *b, const PgQuery__CreateStmt *s)
{
    const char *what = s->partspec          ? "PARTITION BY"
                       : s->partbound       ? "PARTITION OF"
                       : s->n_inh_relations ? "INHERITS"
                       : s->of_typename     ? "CREATE TABLE … OF"
                       : s->n_options       ? "WITH (…) of a table"
                       : *s->tablespacename ? "TABLESPACE"
                       : *s->access_method  ? "USING (access method)"
                       : s->oncommit > PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_NOOP ? "ON COMMIT"
                                                                                 : NULL;

    return !what || (qn_bind_unsupported(b, s->relation->location, what), false);
}

bool qn_bind_create_table(qn_binder *b, const PgQuery__CreateStmt *stmt, qn_bound *out)
{
    out->kind = QN_STMT_CREATE_TABLE;
    if (!table_supported(b, stmt) || !new_table_name(b, stmt->relation, stmt->if_not_exists, out)) {
        return false;
    }
    if (stmt->n_table_elts > QN_SQL_MAX_COLUMNS) {
        return too_many(b);
    }
    out->columns = QN_BIND_ARRAY(b, qn_column, stmt->n_table_elts + 1);
    for (size_t i = 0; out->columns && i < stmt->n_table_elts; i++) {
        const qn_pg *e = stmt->table_elts[i];
        if (e->node_case == QN_PG(CONSTRAINT)) {
            return qn_bind_unsupported(b, e->constraint->location,
                                       constraint_feature(e->constraint->contype)),
                   false;
        }
        if (e->node_case != QN_PG(COLUMN_DEF)) {
            return qn_bind_unsupported(b, -1, "LIKE in CREATE TABLE"), false;
        }
        out->columns[out->column_count].name = e->column_def->colname;
        if (duplicate_column(b, out->columns, out->column_count) ||
            !column_def(b, e->column_def, stmt->relation->relname,
                        &out->columns[out->column_count])) {
            return false;
        }
        out->column_count++;
    }
    return out->columns != NULL;
}

static bool into_supported(qn_binder *b, const PgQuery__IntoClause *into)
{
    const char *what = into->n_options           ? "WITH (…) of a table"
                       : *into->table_space_name ? "TABLESPACE"
                       : *into->access_method    ? "USING (access method)"
                       : into->on_commit > PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_NOOP ? "ON COMMIT"
                                                                                     : NULL;

    return !what || (qn_bind_unsupported(b, into->rel->location, what), false);
}

bool qn_bind_create_table_as(qn_binder *b, const qn_pg *query, const PgQuery__IntoClause *into,
                             bool if_not_exists, qn_bound *out)
{
    qn_select *select;

    out->kind = QN_STMT_CREATE_TABLE_AS;
    out->with_data = !into->skip_data;
    if (query->node_case == QN_PG(EXECUTE_STMT)) {
        return qn_bind_unsupported(b, -1, "CREATE TABLE AS EXECUTE"), false;
    }
    if (!into_supported(b, into) || !(select = qn_bind_query(b, query, false)) ||
        !new_table_name(b, into->rel, if_not_exists, out)) {
        return false;
    }
    if (into->n_col_names > select->visible_count) {
        return QN_BIND_FAIL(b, SYNTAX_ERROR, -1, "too many column names were specified"), false;
    }
    if (select->visible_count > QN_SQL_MAX_COLUMNS) {
        return too_many(b);
    }
    out->select = select;
    if (!(out->columns = QN_BIND_ARRAY(b, qn_column, select->visible_count + 1))) {
        return false;
    }
    for (uint32_t i = 0; i < select->visible_count; i++) {
        qn_column *c = &out->columns[i];
        c->name =
            i < into->n_col_names ? qn_pg_string(into->col_names[i]) : select->targets[i].name;
        c->type = select->targets[i].expr->type;
        if (duplicate_column(b, out->columns, i)) {
            return false;
        }
        out->column_count++;
    }
    return true;
}

/* ---- DROP ---- */

static const char *object_name(PgQuery__ObjectType type)
{
    switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
        return "DROP VIEW";
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
        return "DROP MATERIALIZED VIEW";
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
        return "DROP INDEX";
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
        return "DROP SEQUENCE";
    case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
        return "DROP SCHEMA";
    case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
        return "DROP FUNCTION";
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
        return "DROP TYPE";
    case PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN:
        return "DROP DOMAIN";
    case PG_QUERY__OBJECT_TYPE__OBJECT_EXTENSION:
        return "DROP EXTENSION";
    case PG_QUERY__OBJECT_TYPE__OBJECT_TRIGGER:
        return "DROP TRIGGER";
    default:
        return "this kind of DROP";
    }
}

/* The name after the schema, NULL when the schema is not public. */
static const char *dropped_name(const qn_pg *object)
{
    const PgQuery__List *l = object->node_case == QN_PG(LIST) ? object->list : NULL;

    if (!l || l->n_items == 0 || l->n_items > 2 ||
        (l->n_items == 2 && strcmp(qn_pg_string(l->items[0]), "public") != 0)) {
        return NULL;
    }
    return qn_pg_string(l->items[l->n_items - 1]);
}

static const char *full_name(qn_binder *b, const qn_pg *object)
{
    return object->node_case == QN_PG(LIST)
               ? qn_pg_names(b, object->list->items, object->list->n_items)
               : qn_pg_string(object);
}

bool qn_bind_drop(qn_binder *b, const PgQuery__DropStmt *stmt, qn_bound *out)
{
    out->kind = QN_STMT_DROP_TABLE;
    if (stmt->remove_type != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) {
        return qn_bind_unsupported(b, -1, object_name(stmt->remove_type)), false;
    }
    out->if_exists = stmt->missing_ok;
    out->tables = QN_BIND_ARRAY(b, const qn_table *, stmt->n_objects);
    out->missing_tables = QN_BIND_ARRAY(b, const char *, stmt->n_objects);
    if (!out->tables || !out->missing_tables) {
        return false;
    }
    for (size_t i = 0; i < stmt->n_objects; i++) {
        const char     *name = dropped_name(stmt->objects[i]);
        const qn_table *table =
            name && b->context->snapshot ? qn_catalog_table(b->context->snapshot, name) : NULL;
        bool twice = false;
        for (uint32_t k = 0; table && k < out->table_count; k++) {
            twice = twice || out->tables[k] == table;
        }
        if (table && !twice) {
            out->tables[out->table_count++] = table;
        } else if (!table && stmt->missing_ok) {
            out->missing_tables[out->missing_count++] = full_name(b, stmt->objects[i]);
        } else if (!table) {
            return QN_BIND_FAIL(b, UNDEFINED_TABLE, -1, "table \"%s\" does not exist",
                                full_name(b, stmt->objects[i])),
                   false;
        }
    }
    out->table = out->table_count ? out->tables[0] : NULL;
    return b->status == QN_OK;
}
