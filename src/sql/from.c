/* FROM: tables, subqueries, VALUES, functions, and the queries of WITH.
 *
 * A select has at most one relation; lists and JOIN are refused here.  WITH queries are bound once,
 * where they stand, and each reference is a subquery over the bound select. */
#include "sql/sql_int.h"

/* ---- tables ---- */

bool qn_bind_relation_name(qn_binder *b, const PgQuery__RangeVar *var)
{
    if (*var->catalogname) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, var->location,
                            "cross-database references are not implemented: \"%s.%s.%s\"",
                            var->catalogname, var->schemaname, var->relname),
               false;
    }
    return true;
}

static bool in_public(const PgQuery__RangeVar *var)
{
    return !*var->schemaname || strcmp(var->schemaname, "public") == 0;
}

const qn_table *qn_bind_table(qn_binder *b, const PgQuery__RangeVar *var, int32_t location)
{
    const qn_table *table = NULL;

    if (!qn_bind_relation_name(b, var)) {
        return NULL;
    }
    if (in_public(var) && b->context->snapshot) {
        table = qn_catalog_table(b->context->snapshot, var->relname);
    }
    if (!table) {
        QN_BIND_FAIL(b, UNDEFINED_TABLE, location, "relation \"%s%s%s\" does not exist",
                     var->schemaname, *var->schemaname ? "." : "", var->relname);
    }
    return table;
}

static qn_relation *relation_new(qn_binder *b, qn_relation_kind kind, const char *alias,
                                 uint32_t columns)
{
    qn_relation *rel = QN_BIND_NEW(b, qn_relation);
    const char **names = rel ? QN_BIND_ARRAY(b, const char *, columns) : NULL;
    qn_type     *types = names ? QN_BIND_ARRAY(b, qn_type, columns) : NULL;

    if (!types) {
        return NULL;
    }
    rel->kind = (uint8_t)kind;
    rel->alias = alias;
    rel->column_count = columns;
    rel->column_names = names;
    rel->column_types = types;
    return rel;
}

qn_relation *qn_relation_of_table(qn_binder *b, const qn_table *table, const char *alias)
{
    qn_relation *rel = relation_new(b, QN_REL_TABLE, alias, table->column_count);

    if (!rel) {
        return NULL;
    }
    rel->table = table;
    for (uint32_t i = 0; i < table->column_count; i++) {
        rel->column_names[i] = table->columns[i].name;
        rel->column_types[i] = table->columns[i].type;
    }
    return rel;
}

/* Names of an alias: (a, b) for the first columns. */
static bool rename_columns(qn_binder *b, qn_relation *rel, qn_pg *const *names, size_t count,
                           int32_t location)
{
    if (count > rel->column_count) {
        return QN_BIND_FAIL(b, INVALID_COLUMN_REFERENCE, location,
                            "table \"%s\" has %u columns available but %zu columns specified",
                            rel->alias, rel->column_count, count),
               false;
    }
    for (size_t i = 0; i < count; i++) {
        rel->column_names[i] = qn_pg_string(names[i]);
    }
    return true;
}

static qn_relation *relation_of_select(qn_binder *b, qn_select *select, const char *alias)
{
    qn_relation *rel = relation_new(b, QN_REL_SUBQUERY, alias, select->visible_count);

    if (!rel) {
        return NULL;
    }
    rel->subquery = select;
    for (uint32_t i = 0; i < select->visible_count; i++) {
        rel->column_names[i] = select->targets[i].name;
        rel->column_types[i] = select->targets[i].expr->type;
    }
    return rel;
}

/* ---- tables that the engine makes up ---- */

typedef struct made_column {
    const char *name;
    uint8_t     type;
} made_column;

static const made_column tables_columns[] = {
    {"table_catalog", QN_TYPE_TEXT},
    {"table_schema", QN_TYPE_TEXT},
    {"table_name", QN_TYPE_TEXT},
    {"table_type", QN_TYPE_TEXT},
};
static const made_column columns_columns[] = {
    {"table_catalog", QN_TYPE_TEXT},
    {"table_schema", QN_TYPE_TEXT},
    {"table_name", QN_TYPE_TEXT},
    {"column_name", QN_TYPE_TEXT},
    {"ordinal_position", QN_TYPE_INTEGER},
    {"column_default", QN_TYPE_TEXT},
    {"is_nullable", QN_TYPE_TEXT},
    {"data_type", QN_TYPE_TEXT},
    {"character_maximum_length", QN_TYPE_INTEGER},
    {"numeric_precision", QN_TYPE_INTEGER},
    {"numeric_scale", QN_TYPE_INTEGER},
};
static const made_column settings_columns[] = {
    {"name", QN_TYPE_TEXT},
    {"setting", QN_TYPE_TEXT},
    {"description", QN_TYPE_TEXT},
};
static const made_column inspect_columns[] = {
    {"column_name", QN_TYPE_TEXT},
    {"block", QN_TYPE_BIGINT},
    {"kind", QN_TYPE_TEXT},
    {"rows", QN_TYPE_BIGINT},
    {"nulls", QN_TYPE_BIGINT},
    {"distinct", QN_TYPE_BIGINT},
    {"forms", QN_TYPE_TEXT},
    {"code_bits", QN_TYPE_INTEGER},
    {"bytes_values", QN_TYPE_BIGINT},
    {"bytes_counts", QN_TYPE_BIGINT},
    {"bytes_codes", QN_TYPE_BIGINT},
    {"bytes_hashes", QN_TYPE_BIGINT},
    {"bytes_lengths", QN_TYPE_BIGINT},
    {"bytes_trigrams", QN_TYPE_BIGINT},
    {"bytes_total", QN_TYPE_BIGINT},
};

static const made_column costs_columns[] = {
    {"name", QN_TYPE_TEXT}, {"value", QN_TYPE_DOUBLE},  {"unit", QN_TYPE_TEXT},
    {"source", QN_TYPE_TEXT}, {"description", QN_TYPE_TEXT},
};

static const struct made_table {
    const char        *schema; /* the one needed; NULL: in the search path */
    const char        *name;
    qn_table_function  function;
    const made_column *columns;
    uint32_t           column_count;
} made_tables[] = {
    {"information_schema", "tables", QN_TF_TABLES, tables_columns, QN_COUNTOF(tables_columns)},
    {"information_schema", "columns", QN_TF_COLUMNS, columns_columns, QN_COUNTOF(columns_columns)},
    {NULL, "pg_settings", QN_TF_SETTINGS, settings_columns, QN_COUNTOF(settings_columns)},
    {NULL, "quern_costs", QN_TF_COSTS, costs_columns, QN_COUNTOF(costs_columns)},
};

static qn_relation *relation_of_made(qn_binder *b, const made_column *columns, uint32_t count,
                                     qn_table_function function, const char *alias)
{
    qn_relation *rel = relation_new(b, QN_REL_FUNCTION, alias, count);

    if (!rel) {
        return NULL;
    }
    rel->table_function = (uint8_t)function;
    for (uint32_t i = 0; i < count; i++) {
        rel->column_names[i] = columns[i].name;
        rel->column_types[i] = (qn_type){columns[i].type, -1};
    }
    return rel;
}

static const struct made_table *find_made(const PgQuery__RangeVar *var)
{
    for (size_t i = 0; i < QN_COUNTOF(made_tables); i++) {
        const struct made_table *m = &made_tables[i];
        bool                     fits = m->schema ? strcmp(var->schemaname, m->schema) == 0
                                                  : !*var->schemaname || strcmp(var->schemaname, "pg_catalog") == 0;
        if (fits && strcmp(var->relname, m->name) == 0) {
            return m;
        }
    }
    return NULL;
}

/* ---- WITH ---- */

static const qn_cte *find_cte(const qn_binder *b, const PgQuery__RangeVar *var)
{
    for (const qn_cte *c = b->ctes; c && !*var->schemaname && !*var->catalogname; c = c->next) {
        if (strcmp(c->name, var->relname) == 0) {
            return c;
        }
    }
    return NULL;
}

static bool bind_cte(qn_binder *b, const PgQuery__CommonTableExpr *c, const qn_cte *outer)
{
    qn_cte *cte = QN_BIND_NEW(b, qn_cte);

    if (!cte) {
        return false;
    }
    for (const qn_cte *other = b->ctes; other != outer; other = other->next) {
        if (strcmp(other->name, c->ctename) == 0) {
            return QN_BIND_FAIL(b, DUPLICATE_ALIAS, c->location,
                                "WITH query name \"%s\" specified more than once", c->ctename),
                   false;
        }
    }
    if (!c->ctequery || c->ctequery->node_case != QN_PG(SELECT_STMT)) {
        return qn_bind_unsupported(b, c->location, "a data-modifying statement in WITH"), false;
    }
    if (c->search_clause || c->cycle_clause) {
        return qn_bind_unsupported(b, c->location, "SEARCH or CYCLE"), false;
    }
    if (!(cte->select = qn_bind_query(b, c->ctequery, false))) {
        return false;
    }
    if (c->n_aliascolnames > cte->select->visible_count) {
        return QN_BIND_FAIL(b, INVALID_COLUMN_REFERENCE, c->location,
                            "WITH query \"%s\" has %u columns available but %zu columns specified",
                            c->ctename, cte->select->visible_count, c->n_aliascolnames),
               false;
    }
    cte->name = c->ctename;
    cte->column_count = (uint32_t)c->n_aliascolnames;
    if (!(cte->columns = QN_BIND_ARRAY(b, const char *, cte->column_count + 1))) {
        return false;
    }
    for (uint32_t i = 0; i < cte->column_count; i++) {
        cte->columns[i] = qn_pg_string(c->aliascolnames[i]);
    }
    cte->next = b->ctes;
    b->ctes = cte;
    return true;
}

/* Queries of WITH see those before them; the caller restores b->ctes afterwards. */
bool qn_bind_with(qn_binder *b, const PgQuery__WithClause *with)
{
    const qn_cte *outer = b->ctes;

    if (!with) {
        return true;
    }
    if (with->recursive) {
        return qn_bind_unsupported(b, with->location, "WITH RECURSIVE"), false;
    }
    for (size_t i = 0; i < with->n_ctes; i++) {
        if (!bind_cte(b, with->ctes[i]->common_table_expr, outer)) {
            return false;
        }
    }
    return true;
}

static qn_relation *relation_of_cte(qn_binder *b, const qn_cte *cte, const char *alias)
{
    qn_relation *rel = relation_of_select(b, cte->select, alias);

    for (uint32_t i = 0; rel && i < cte->column_count; i++) {
        rel->column_names[i] = cte->columns[i];
    }
    return rel;
}

static qn_relation *range_var(qn_binder *b, qn_scope *s, const PgQuery__RangeVar *var)
{
    const char              *alias = var->alias ? var->alias->aliasname : var->relname;
    const qn_cte            *cte = find_cte(b, var);
    const struct made_table *made = cte ? NULL : find_made(var);
    qn_relation             *rel;

    if (cte) {
        rel = relation_of_cte(b, cte, alias);
    } else if (made) {
        rel = relation_of_made(b, made->columns, made->column_count, made->function, alias);
        s->schema = var->alias ? NULL : made->schema ? made->schema : "pg_catalog";
    } else {
        const qn_table *table = qn_bind_table(b, var, var->location);
        rel = table ? qn_relation_of_table(b, table, alias) : NULL;
        s->schema = var->alias ? NULL : "public";
    }
    if (rel && var->alias &&
        !rename_columns(b, rel, var->alias->colnames, var->alias->n_colnames, var->location)) {
        return NULL;
    }
    return rel;
}

/* ---- VALUES ---- */

static bool value_lists(qn_binder *b, const PgQuery__SelectStmt *stmt, size_t *columns)
{
    for (size_t r = 0; r < stmt->n_values_lists; r++) {
        const qn_pg *row = stmt->values_lists[r];
        if (row->node_case != QN_PG(LIST)) {
            return QN_BIND_FAIL(b, INTERNAL_ERROR, -1, "a VALUES row is not a list"), false;
        }
        if (r && row->list->n_items != *columns) {
            return QN_BIND_FAIL(b, SYNTAX_ERROR,
                                row->list->n_items ? qn_pg_location(row->list->items[0]) : -1,
                                "VALUES lists must all be the same length"),
                   false;
        }
        *columns = row->list->n_items;
    }
    return true;
}

/* One type for each column, as UNION has. */
static bool values_types(qn_binder *b, qn_relation *rel)
{
    uint32_t  cols = rel->column_count, rows = rel->row_count;
    qn_expr **column = QN_BIND_ARRAY(b, qn_expr *, rows);

    for (uint32_t c = 0; column && c < cols; c++) {
        for (uint32_t r = 0; r < rows; r++) {
            column[r] = rel->values[(size_t)r * cols + c];
        }
        if (!qn_common_type(b, column, rows, "VALUES", &rel->column_types[c])) {
            return false;
        }
        for (uint32_t r = 0; r < rows; r++) {
            qn_expr *e = qn_coerce_common(b, column[r], rel->column_types[c], "VALUES");
            if (!e) {
                return false;
            }
            rel->values[(size_t)r * cols + c] = e;
        }
    }
    return column != NULL;
}

qn_relation *qn_bind_values_relation(qn_binder *b, const PgQuery__SelectStmt *stmt)
{
    qn_scope     scope = {.clause = QN_CLAUSE_VALUES};
    size_t       cols = 0, rows = stmt->n_values_lists;
    qn_relation *rel;

    if (!value_lists(b, stmt, &cols)) {
        return NULL;
    }
    if (cols > QN_SQL_MAX_TARGETS) {
        return QN_BIND_FAIL(b, TOO_MANY_COLUMNS, -1, "target lists can have at most %u entries",
                            QN_SQL_MAX_TARGETS),
               NULL;
    }
    if (!(rel = relation_new(b, QN_REL_VALUES, "*VALUES*", (uint32_t)cols)) ||
        !(rel->values = QN_BIND_ARRAY(b, qn_expr *, qn_mul(rows, cols)))) {
        return NULL;
    }
    rel->row_count = (uint32_t)rows;
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < cols; c++) {
            if (!(rel->values[r * cols + c] =
                      qn_bind_expr(b, &scope, stmt->values_lists[r]->list->items[c]))) {
                return NULL;
            }
        }
    }
    for (size_t c = 0; c < cols; c++) {
        if (!(rel->column_names[c] = qn_arena_printf(b->arena, "column%zu", c + 1))) {
            return b->status = qn_nomem(b->err), NULL;
        }
    }
    return values_types(b, rel) ? rel : NULL;
}

/* ---- subqueries ---- */

static bool plain_values(const PgQuery__SelectStmt *q)
{
    return q->n_values_lists && !q->n_sort_clause && !q->limit_count && !q->limit_offset &&
           !q->with_clause && !q->n_locking_clause;
}

static qn_relation *range_subselect(qn_binder *b, const PgQuery__RangeSubselect *r)
{
    const char  *alias = r->alias ? r->alias->aliasname : "";
    qn_relation *rel = NULL;

    if (r->subquery && r->subquery->node_case == QN_PG(SELECT_STMT) &&
        plain_values(r->subquery->select_stmt)) {
        if ((rel = qn_bind_values_relation(b, r->subquery->select_stmt))) {
            rel->alias = alias;
        }
    } else {
        qn_select *select = qn_bind_query(b, r->subquery, false);
        rel = select ? relation_of_select(b, select, alias) : NULL;
    }
    if (rel && r->alias && !rename_columns(b, rel, r->alias->colnames, r->alias->n_colnames, -1)) {
        return NULL;
    }
    return rel;
}

/* ---- functions ---- */

static const struct series {
    uint8_t args[3];
    uint8_t argc;
    uint8_t function;
    uint8_t result;
} series_forms[] = {
    {{QN_TYPE_INTEGER, QN_TYPE_INTEGER}, 2, QN_TF_SERIES_INT, QN_TYPE_INTEGER},
    {{QN_TYPE_INTEGER, QN_TYPE_INTEGER, QN_TYPE_INTEGER}, 3, QN_TF_SERIES_INT, QN_TYPE_INTEGER},
    {{QN_TYPE_BIGINT, QN_TYPE_BIGINT}, 2, QN_TF_SERIES_INT, QN_TYPE_BIGINT},
    {{QN_TYPE_BIGINT, QN_TYPE_BIGINT, QN_TYPE_BIGINT}, 3, QN_TF_SERIES_INT, QN_TYPE_BIGINT},
    {{QN_TYPE_NUMERIC, QN_TYPE_NUMERIC}, 2, QN_TF_SERIES_NUMERIC, QN_TYPE_NUMERIC},
    {{QN_TYPE_NUMERIC, QN_TYPE_NUMERIC, QN_TYPE_NUMERIC}, 3, QN_TF_SERIES_NUMERIC, QN_TYPE_NUMERIC},
    {{QN_TYPE_TIMESTAMP, QN_TYPE_TIMESTAMP, QN_TYPE_INTERVAL},
     3,
     QN_TF_SERIES_TIMESTAMP,
     QN_TYPE_TIMESTAMP},
    {{QN_TYPE_TIMESTAMPTZ, QN_TYPE_TIMESTAMPTZ, QN_TYPE_INTERVAL},
     3,
     QN_TF_SERIES_TIMESTAMPTZ,
     QN_TYPE_TIMESTAMPTZ},
};

static int choose_series(uint32_t argc, qn_expr **args)
{
    qn_candidate c[QN_COUNTOF(series_forms)];
    uint8_t      types[3] = {0, 0, 0};
    size_t       n = 0;

    if (argc < 2 || argc > 3) {
        return -1;
    }
    for (uint32_t i = 0; i < argc; i++) {
        types[i] = args[i]->type.id;
    }
    for (size_t i = 0; i < QN_COUNTOF(series_forms); i++) {
        if (series_forms[i].argc == argc) {
            if (memcmp(series_forms[i].args, types, argc) == 0) {
                return (int)i;
            }
            c[n++] = (qn_candidate){(uint32_t)i, argc, series_forms[i].args, false};
        }
    }
    int best = qn_choose(c, n, argc, types);
    return best >= 0 ? (int)c[best].id : best;
}

/* The step that was left out: 1. */
static qn_expr *series_step(qn_binder *b, const struct series *form)
{
    qn_expr *one = qn_int_const(b, QN_TYPE_BIGINT, 1, -1);

    return one && form->function == QN_TF_SERIES_NUMERIC
               ? qn_coerce(b, one, QN_TYPE(NUMERIC), QN_CAST_IMPLICIT, -1)
               : one;
}

/* Make rel a generate_series of these arguments; names stay with the caller. */
bool qn_series_types(qn_binder *b, uint32_t argc, qn_expr **args, int32_t location,
                     qn_relation *rel)
{
    int  k = choose_series(argc, args);
    char text[300];

    if (k < 0) {
        qn_signature(b, "generate_series", false, argc, args, text, sizeof text);
        return qn_call_failed(b, text, k == -2, location), false;
    }
    const struct series *form = &series_forms[k];
    rel->kind = QN_REL_FUNCTION;
    rel->table_function = form->function;
    rel->column_count = 1;
    rel->argc = 3;
    if (!(rel->args = QN_BIND_ARRAY(b, qn_expr *, 3)) ||
        !(rel->column_types = QN_BIND_ARRAY(b, qn_type, 2))) {
        return false;
    }
    rel->column_types[0] = (qn_type){form->result, -1};
    for (uint32_t i = 0; i < 3; i++) {
        qn_expr *e = i < argc
                         ? qn_coerce(b, args[i], (qn_type){form->args[i], -1}, QN_CAST_IMPLICIT, -1)
                         : series_step(b, form);
        if (e && form->function == QN_TF_SERIES_INT) {
            e = qn_coerce(b, e, QN_TYPE(BIGINT), QN_CAST_IMPLICIT, -1);
        }
        if (!(rel->args[i] = e)) {
            return false;
        }
    }
    return true;
}

static qn_relation *series_relation(qn_binder *b, uint32_t argc, qn_expr **args, int32_t location)
{
    qn_relation *rel = relation_new(b, QN_REL_FUNCTION, "generate_series", 2);

    return rel && qn_series_types(b, argc, args, location, rel) ? rel : NULL;
}

static qn_relation *inspect_relation(qn_binder *b, uint32_t argc, qn_expr **args, int32_t location)
{
    qn_relation *rel = relation_of_made(b, inspect_columns, QN_COUNTOF(inspect_columns),
                                        QN_TF_INSPECT, "quern_inspect");
    qn_expr     *name = NULL;
    char         text[300];

    if (!rel || !(rel->args = QN_BIND_ARRAY(b, qn_expr *, 1))) {
        return NULL;
    }
    if (argc == 1) {
        name = qn_coerce(b, args[0], QN_TYPE(TEXT), QN_CAST_IMPLICIT, -1);
    }
    if (!name && b->status == QN_OK) {
        qn_signature(b, "quern_inspect", false, argc, args, text, sizeof text);
        QN_BIND_FAIL(b, UNDEFINED_FUNCTION, location, "function %s does not exist", text);
        qn_error_hint(b->err, "Write quern_inspect('table').");
    }
    rel->argc = 1;
    rel->args[0] = name;
    return name ? rel : NULL;
}

static qn_relation *calibrate_relation(qn_binder *b, uint32_t argc, qn_expr **args, int32_t location)
{
    char text[300];

    if (argc) {
        qn_signature(b, "quern_calibrate", false, argc, args, text, sizeof text);
        QN_BIND_FAIL(b, UNDEFINED_FUNCTION, location, "function %s does not exist", text);
        qn_error_hint(b->err, "Write quern_calibrate().");
        return NULL;
    }
    return relation_of_made(b, costs_columns, QN_COUNTOF(costs_columns), QN_TF_CALIBRATE, "quern_calibrate");
}

/* A scalar function in FROM is a subquery of one row. */
static qn_relation *scalar_relation(qn_binder *b, qn_scope *scope, const qn_pg *call,
                                    bool ordinality)
{
    qn_select *select = QN_BIND_NEW(b, qn_select);
    qn_expr   *e = select ? qn_bind_expr(b, scope, call) : NULL;
    qn_expr   *one = e && ordinality ? qn_int_const(b, QN_TYPE_BIGINT, 1, -1) : NULL;

    if (!e || !(e = qn_coerce_unknown_to_text(b, e)) ||
        !qn_select_add_target(b, select, e, qn_figure_name(call), false) ||
        (ordinality && (!one || !qn_select_add_target(b, select, one, "ordinality", false)))) {
        return NULL;
    }
    return relation_of_select(b, select, qn_figure_name(call));
}

static qn_relation *function_relation(qn_binder *b, qn_scope *scope, const qn_pg *call,
                                      bool ordinality)
{
    const PgQuery__FuncCall *f = call->node_case == QN_PG(FUNC_CALL) ? call->func_call : NULL;
    const char              *name = f ? qn_pg_string(f->funcname[f->n_funcname - 1]) : "";
    bool                     series = strcmp(name, "generate_series") == 0,
         inspect = strcmp(name, "quern_inspect") == 0, file = qn_is_file_function(name),
         calibrate = strcmp(name, "quern_calibrate") == 0;

    if (!series && !inspect && !calibrate && !file) {
        return scalar_relation(b, scope, call, ordinality);
    }
    if (f->n_args > 8 || f->agg_star || f->agg_distinct || f->agg_filter || f->n_agg_order ||
        f->over || f->func_variadic || f->agg_within_group) {
        return QN_BIND_FAIL(b, WRONG_OBJECT_TYPE, f->location, "%s is not an aggregate function",
                            name),
               NULL;
    }
    if (file) {
        return qn_bind_file(b, scope, f, ordinality);
    }
    qn_expr *args[8];
    for (size_t i = 0; i < f->n_args; i++) {
        if (!(args[i] = qn_bind_expr(b, scope, f->args[i]))) {
            return NULL;
        }
    }
    qn_relation *rel = series    ? series_relation(b, (uint32_t)f->n_args, args, f->location)
                       : inspect ? inspect_relation(b, (uint32_t)f->n_args, args, f->location)
                                 : calibrate_relation(b, (uint32_t)f->n_args, args, f->location);
    if (rel && ordinality) {
        if (!series) {
            return qn_bind_unsupported(b, f->location, inspect ? "WITH ORDINALITY of quern_inspect"
                                                               : "WITH ORDINALITY of quern_calibrate"),
                   NULL;
        }
        rel->ordinality = true;
        rel->column_count = 2;
        rel->column_names[1] = "ordinality";
        rel->column_types[1] = QN_TYPE(BIGINT);
    }
    return rel;
}

static qn_relation *range_function(qn_binder *b, const PgQuery__RangeFunction *r)
{
    qn_scope scope = {.clause = QN_CLAUSE_FROM_FUNCTION};

    if (r->n_functions != 1 || r->is_rowsfrom) {
        return qn_bind_unsupported(b, -1, "ROWS FROM"), NULL;
    }
    const qn_pg *item = r->functions[0];
    const qn_pg *call =
        item->node_case == QN_PG(LIST) && item->list->n_items ? item->list->items[0] : item;
    if (r->n_coldeflist) {
        return qn_bind_unsupported(b, qn_pg_location(call), "a column definition list"), NULL;
    }
    qn_relation *rel = function_relation(b, &scope, call, r->ordinality);
    if (!rel) {
        return NULL;
    }
    bool one_column = rel->column_count == 1 + (uint32_t)r->ordinality;
    if (rel->kind == QN_REL_FUNCTION && one_column) {
        rel->column_names[0] = rel->alias;
    }
    if (r->alias) {
        rel->alias = r->alias->aliasname;
        if (one_column && rel->kind != QN_REL_FILE) {
            rel->column_names[0] =
                rel->alias; /* a scalar function's column is called like its alias */
        }
        if (!rename_columns(b, rel, r->alias->colnames, r->alias->n_colnames,
                            qn_pg_location(call))) {
            return NULL;
        }
    }
    return rel;
}

bool qn_bind_from(qn_binder *b, qn_scope *s, const PgQuery__SelectStmt *stmt)
{
    const qn_pg *item = stmt->n_from_clause ? stmt->from_clause[0] : NULL;

    if (!item) {
        return true;
    }
    if (stmt->n_from_clause > 1) {
        return qn_bind_unsupported(b, qn_pg_location(stmt->from_clause[1]),
                                   "a join (several items in FROM)"),
               false;
    }
    switch (item->node_case) {
    case QN_PG(RANGE_VAR):
        s->select->from = range_var(b, s, item->range_var);
        break;
    case QN_PG(RANGE_SUBSELECT):
        s->select->from = range_subselect(b, item->range_subselect);
        break;
    case QN_PG(RANGE_FUNCTION):
        s->select->from = range_function(b, item->range_function);
        break;
    case QN_PG(JOIN_EXPR):
        return qn_bind_unsupported(b, qn_pg_location(item), "a join"), false;
    case QN_PG(RANGE_TABLE_SAMPLE):
        return qn_bind_unsupported(b, item->range_table_sample->location, "TABLESAMPLE"), false;
    default:
        return qn_bind_unsupported(b, -1, "this kind of FROM item"), false;
    }
    return s->select->from != NULL;
}
