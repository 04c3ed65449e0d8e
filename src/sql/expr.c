/* Expressions: the dispatch over node kinds, names, casts, CASE and friends.
 *
 * Each case checks what PostgreSQL's parse_expr.c checks, in its order, so that the first error is
 * the same one.  What quern does not have is refused by name.  Operators with a shape of their own
 * (IN, BETWEEN, row comparison) are in expr_op.c, function calls and aggregates in expr_func.c. */
#include "sql/sql_int.h"

static const char *const clause_names[] = {
    [QN_CLAUSE_SELECT] = "SELECT",
    [QN_CLAUSE_ORDER_BY] = "ORDER BY",
    [QN_CLAUSE_DISTINCT_ON] = "DISTINCT ON",
    [QN_CLAUSE_HAVING] = "HAVING",
    [QN_CLAUSE_WHERE] = "WHERE",
    [QN_CLAUSE_GROUP_BY] = "GROUP BY",
    [QN_CLAUSE_FILTER] = "FILTER",
    [QN_CLAUSE_LIMIT] = "LIMIT",
    [QN_CLAUSE_OFFSET] = "OFFSET",
    [QN_CLAUSE_VALUES] = "VALUES",
    [QN_CLAUSE_FROM_FUNCTION] = "functions in FROM",
    [QN_CLAUSE_DEFAULT] = "DEFAULT expressions",
    [QN_CLAUSE_EXECUTE] = "EXECUTE parameters",
};

const char *qn_clause_name(qn_clause clause)
{
    return clause_names[clause];
}

/* ---- names ---- */

/* The relation that names may refer to.  One made from a function of the select list has no names.
 */
static const qn_relation *visible(const qn_scope *s)
{
    return s->select && !s->series ? s->select->from : NULL;
}

qn_expr *qn_bind_column(qn_binder *b, const qn_relation *rel, uint32_t index, int32_t location)
{
    qn_expr *e = qn_node(b, QN_EXPR_COLUMN, rel->column_types[index], 0, NULL, location);

    if (e) {
        e->index = index;
    }
    return e;
}

/* Index of a column by name, -1 when there is none, -2 after an error. */
static int64_t find_column(qn_binder *b, const qn_relation *rel, const char *name, int32_t location)
{
    int64_t found = -1;

    for (uint32_t i = 0; rel && i < rel->column_count; i++) {
        if (strcmp(rel->column_names[i], name) == 0) {
            if (found >= 0) {
                QN_BIND_FAIL(b, AMBIGUOUS_COLUMN, location, "column reference \"%s\" is ambiguous",
                             name);
                return -2;
            }
            found = i;
        }
    }
    return found;
}

static qn_expr *no_table(qn_binder *b, const qn_scope *s, const char *table, int32_t location)
{
    const qn_relation *rel = visible(s);

    if (rel && strcmp(rel->alias, table) == 0) {
        QN_BIND_FAIL(b, UNDEFINED_TABLE, location,
                     "invalid reference to FROM-clause entry for table \"%s\"", table);
        qn_error_hint(
            b->err,
            "There is an entry for table \"%s\", but it cannot be referenced from this part of "
            "the query.",
            table);
    } else if (rel && rel->kind == QN_REL_TABLE && strcmp(rel->table->name, table) == 0) {
        QN_BIND_FAIL(b, UNDEFINED_TABLE, location,
                     "invalid reference to FROM-clause entry for table \"%s\"", table);
        qn_error_hint(b->err, "Perhaps you meant to reference the table alias \"%s\".", rel->alias);
    } else {
        QN_BIND_FAIL(b, UNDEFINED_TABLE, location, "missing FROM-clause entry for table \"%s\"",
                     table);
    }
    return NULL;
}

static bool schema_fits(const qn_scope *s, const char *schema)
{
    return s->schema && strcmp(s->schema, schema) == 0;
}

static qn_expr *column_name(qn_binder *b, qn_scope *s, const PgQuery__ColumnRef *c,
                            const char *name)
{
    const qn_relation *rel = visible(s);
    int64_t            i = find_column(b, rel, name, c->location);

    if (i >= 0) {
        return qn_bind_column(b, rel, (uint32_t)i, c->location);
    }
    if (i == -2) {
        return NULL;
    }
    if (rel && strcmp(rel->alias, name) == 0) {
        return qn_bind_unsupported(b, c->location, "a whole-row reference"), NULL;
    }
    QN_BIND_FAIL(b, UNDEFINED_COLUMN, c->location, "column \"%s\" does not exist", name);
    if (s->hidden && qn_catalog_column(s->hidden, name) >= 0) {
        qn_error_hint(
            b->err,
            "There is a column named \"%s\" in table \"%s\", but it cannot be referenced from "
            "this part of the query.",
            name, s->hidden->name);
    } else {
        qn_hint_column(b, rel, name);
    }
    return NULL;
}

static qn_expr *column_ref(qn_binder *b, qn_scope *s, const PgQuery__ColumnRef *c)
{
    const qn_relation *rel = visible(s);
    size_t             n = c->n_fields;

    if (s->clause == QN_CLAUSE_DEFAULT) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, c->location,
                            "cannot use column reference in DEFAULT expression"),
               NULL;
    }
    if (c->fields[n - 1]->node_case == QN_PG(A_STAR)) {
        if (n == 1) {
            return QN_BIND_FAIL(b, SYNTAX_ERROR, c->location, "improper use of \"*\""), NULL;
        }
        return qn_bind_unsupported(b, c->location, "a whole-row reference"), NULL;
    }
    if (n == 4) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, c->location,
                            "cross-database references are not implemented: %s",
                            qn_pg_names(b, c->fields, n)),
               NULL;
    }
    if (n > 4) {
        return QN_BIND_FAIL(b, SYNTAX_ERROR, c->location,
                            "improper qualified name (too many dotted names): %s",
                            qn_pg_names(b, c->fields, n)),
               NULL;
    }
    const char *name = qn_pg_string(c->fields[n - 1]);
    if (n == 1) {
        return column_name(b, s, c, name);
    }
    const char *table = qn_pg_string(c->fields[n - 2]);
    if (!rel || strcmp(rel->alias, table) != 0 ||
        (n == 3 && !schema_fits(s, qn_pg_string(c->fields[0])))) {
        return no_table(b, s, table, c->location);
    }
    int64_t i = find_column(b, rel, name, c->location);
    if (i >= 0) {
        return qn_bind_column(b, rel, (uint32_t)i, c->location);
    }
    if (i == -1) {
        QN_BIND_FAIL(b, UNDEFINED_COLUMN, c->location, "column %s.%s does not exist", table, name);
        qn_hint_column(b, rel, name);
    }
    return NULL;
}

/* ---- parameters ---- */

static bool grow_params(qn_binder *b, uint32_t count)
{
    if (count > b->param_capacity) {
        uint32_t capacity = b->param_capacity ? b->param_capacity : 8;
        while (capacity < count) {
            capacity *= 2;
        }
        qn_type *grown =
            qn_arena_grow(b->arena, b->param_types, b->param_count, capacity, sizeof(qn_type));
        if (!grown) {
            return b->status = qn_nomem(b->err), false;
        }
        b->param_types = grown;
        b->param_capacity = capacity;
    }
    while (b->param_count < count) {
        b->param_types[b->param_count++] = QN_TYPE(UNKNOWN);
    }
    return true;
}

static qn_expr *param(qn_binder *b, const PgQuery__ParamRef *p)
{
    if (p->number < 1 || p->number > 65535 || b->no_params) {
        return QN_BIND_FAIL(b, UNDEFINED_PARAMETER, p->location, "there is no parameter $%d",
                            p->number),
               NULL;
    }
    if (!grow_params(b, (uint32_t)p->number)) {
        return NULL;
    }
    qn_expr *e = qn_node(b, QN_EXPR_PARAM, b->param_types[p->number - 1], 0, NULL, p->location);
    qn_param_ref *ref = QN_BIND_NEW(b, qn_param_ref);
    if (!e || !ref) {
        return NULL;
    }
    e->index = (uint32_t)p->number - 1;
    *ref = (qn_param_ref){b->param_refs, e};
    b->param_refs = ref;
    return e;
}

/* ---- casts and collations ---- */

static qn_expr *type_cast(qn_binder *b, qn_scope *s, const PgQuery__TypeCast *c)
{
    qn_type  type;
    qn_expr *arg;

    if (!qn_bind_type_name(b, c->type_name, &type)) {
        return NULL;
    }
    if (!(arg = qn_bind_expr(b, s, c->arg))) {
        return NULL;
    }
    int32_t  location = c->location >= 0 ? c->location : c->type_name->location;
    qn_expr *out = qn_coerce(b, arg, type, QN_CAST_EXPLICIT, location);
    if (!out && b->status == QN_OK) {
        QN_BIND_FAIL(b, CANNOT_COERCE, location, "cannot cast type %s to %s",
                     qn_type_name((qn_sql_type)arg->type.id), qn_type_name((qn_sql_type)type.id));
    }
    return out;
}

static qn_expr *collate(qn_binder *b, qn_scope *s, const PgQuery__CollateClause *c)
{
    static const char *const bytewise[] = {"C", "POSIX", "default", "ucs_basic"};
    qn_expr                 *arg = qn_bind_expr(b, s, c->arg);
    const char *name = c->n_collname ? qn_pg_string(c->collname[c->n_collname - 1]) : "";

    if (!arg) {
        return NULL;
    }
    if (arg->type.id != QN_TYPE_UNKNOWN &&
        qn_type_category((qn_sql_type)arg->type.id, NULL) != 'S') {
        return QN_BIND_FAIL(b, DATATYPE_MISMATCH, c->location,
                            "collations are not supported by type %s",
                            qn_type_name((qn_sql_type)arg->type.id)),
               NULL;
    }
    for (size_t i = 0; i < QN_COUNTOF(bytewise); i++) {
        if (strcmp(bytewise[i], name) == 0) {
            return arg;
        }
    }
    QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, c->location, "collation \"%s\" is not supported", name);
    qn_error_hint(b->err, "Text is compared bytewise; use COLLATE \"C\".");
    return NULL;
}

/* ---- boolean ---- */

static qn_expr *bool_expr(qn_binder *b, qn_scope *s, const PgQuery__BoolExpr *x)
{
    static const char *const names[] = {"", "AND", "OR", "NOT"};
    qn_expr_kind             kind = x->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR  ? QN_EXPR_AND
                                    : x->boolop == PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR ? QN_EXPR_OR
                                                                                     : QN_EXPR_NOT;
    qn_expr                **args = QN_BIND_ARRAY(b, qn_expr *, x->n_args);

    for (size_t i = 0; args && i < x->n_args; i++) {
        qn_expr *e = qn_bind_expr(b, s, x->args[i]);
        if (!e || !(args[i] = qn_coerce_boolean(b, e, names[x->boolop]))) {
            return NULL;
        }
    }
    return args ? qn_node(b, kind, QN_TYPE(BOOLEAN), (uint32_t)x->n_args, args, x->location) : NULL;
}

static qn_expr *boolean_test(qn_binder *b, qn_scope *s, const PgQuery__BooleanTest *t)
{
    static const char *const names[] = {
        "", "IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN"};
    qn_expr *arg = qn_bind_expr(b, s, t->arg);

    if (!arg || !(arg = qn_coerce_boolean(b, arg, names[t->booltesttype]))) {
        return NULL;
    }
    qn_expr *e = qn_node1(b, QN_EXPR_BOOL_TEST, QN_TYPE(BOOLEAN), arg, t->location);
    if (e) {
        e->index = (uint32_t)t->booltesttype - 1;
    }
    return e;
}
_Static_assert((int)PG_QUERY__BOOL_TEST_TYPE__IS_TRUE - 1 == QN_IS_TRUE &&
                   (int)PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN - 1 == QN_IS_NOT_UNKNOWN,
               "boolean tests are numbered as the grammar numbers them");

static qn_expr *null_test_of(qn_binder *b, qn_expr *arg, bool is_null, int32_t location)
{
    if (arg->kind == QN_EXPR_CONST && !(arg = qn_coerce_unknown_to_text(b, arg))) {
        return NULL;
    }
    return qn_node1(b, is_null ? QN_EXPR_IS_NULL : QN_EXPR_IS_NOT_NULL, QN_TYPE(BOOLEAN), arg,
                    location);
}

/* (a, b) IS [NOT] NULL asks it of every field. */
static qn_expr *null_test(qn_binder *b, qn_scope *s, const PgQuery__NullTest *t)
{
    bool is_null = t->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL;

    if (t->arg->node_case != QN_PG(ROW_EXPR) || t->arg->row_expr->n_args == 0) {
        qn_expr *arg = qn_bind_expr(b, s, t->arg);
        return arg ? null_test_of(b, arg, is_null, t->location) : NULL;
    }
    const PgQuery__RowExpr *row = t->arg->row_expr;
    qn_expr               **args = QN_BIND_ARRAY(b, qn_expr *, row->n_args);
    for (size_t i = 0; args && i < row->n_args; i++) {
        qn_expr *e = qn_bind_expr(b, s, row->args[i]);
        if (!e || !(args[i] = null_test_of(b, e, is_null, row->location))) {
            return NULL;
        }
    }
    if (!args) {
        return NULL;
    }
    return row->n_args == 1 ? args[0]
                            : qn_node(b, QN_EXPR_AND, QN_TYPE(BOOLEAN), (uint32_t)row->n_args, args,
                                      row->location);
}

/* ---- CASE, COALESCE, GREATEST ---- */

static qn_expr *case_condition(qn_binder *b, qn_scope *s, qn_expr *operand,
                               const PgQuery__CaseWhen *w)
{
    qn_expr *e = qn_bind_expr(b, s, w->expr);

    if (e && operand) {
        e = qn_bind_operator(b, "=", operand, e, w->location);
    }
    return e ? qn_coerce_boolean(b, e, "CASE/WHEN") : NULL;
}

qn_expr *qn_bind_case(qn_binder *b, qn_scope *s, const PgQuery__CaseExpr *c)
{
    size_t    n = c->n_args;
    qn_expr  *operand = NULL;
    qn_expr **args = QN_BIND_ARRAY(b, qn_expr *, 2 * n + 1);
    qn_expr **results = QN_BIND_ARRAY(b, qn_expr *, n + 1);
    qn_type   type;

    if (!args || !results) {
        return NULL;
    }
    if (c->arg &&
        (!(operand = qn_bind_expr(b, s, c->arg)) ||
         (operand->kind == QN_EXPR_CONST && !(operand = qn_coerce_unknown_to_text(b, operand))))) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const PgQuery__CaseWhen *w = c->args[i]->case_when;
        if (!(args[2 * i] = case_condition(b, s, operand, w)) ||
            !(results[i + 1] = qn_bind_expr(b, s, w->result))) {
            return NULL;
        }
    }
    /* The ELSE result is considered first when the common type is chosen. */
    results[0] =
        c->defresult ? qn_bind_expr(b, s, c->defresult) : qn_null_const(b, QN_TYPE(UNKNOWN));
    if (!results[0] || !qn_common_type(b, results, n + 1, "CASE", &type)) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (!(args[2 * i + 1] = qn_coerce_common(b, results[i + 1], type, "CASE/WHEN"))) {
            return NULL;
        }
    }
    if (!(args[2 * n] = qn_coerce_common(b, results[0], type, "CASE/ELSE"))) {
        return NULL;
    }
    qn_expr *e = qn_node(b, QN_EXPR_CASE, type, (uint32_t)(2 * n + 1), args, -1);
    if (e && !b->detached) {
        e->location = c->location;
    }
    return e;
}

static qn_expr *of_common_type(qn_binder *b, qn_scope *s, qn_expr_kind kind, qn_pg *const *nodes,
                               size_t n, const char *name, int32_t location)
{
    qn_expr **args = QN_BIND_ARRAY(b, qn_expr *, n);
    qn_type   type;

    for (size_t i = 0; args && i < n; i++) {
        if (!(args[i] = qn_bind_expr(b, s, nodes[i]))) {
            return NULL;
        }
    }
    if (!args || !qn_common_type(b, args, n, name, &type)) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (!(args[i] = qn_coerce_common(b, args[i], type, name))) {
            return NULL;
        }
    }
    return qn_node(b, kind, type, (uint32_t)n, args, location);
}

/* ---- current_date and friends: all made of now() ---- */

static qn_expr *now_as(qn_binder *b, qn_type type, int32_t location)
{
    qn_expr *now = qn_bind_call(b, "now", true, 0, NULL, location);
    qn_expr *out = now ? qn_coerce(b, now, type, QN_CAST_EXPLICIT, location) : NULL;

    if (now && !out && b->status == QN_OK) {
        QN_BIND_FAIL(b, CANNOT_COERCE, location, "cannot cast type %s to %s",
                     qn_type_name((qn_sql_type)now->type.id), qn_type_name((qn_sql_type)type.id));
    }
    return out;
}

qn_expr *qn_bind_value_function(qn_binder *b, const PgQuery__SQLValueFunction *f)
{
    int32_t at = f->location, precision = f->typmod > 6 ? 6 : f->typmod;

    switch (f->op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
        return now_as(b, QN_TYPE(DATE), at);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
        return now_as(b, QN_TYPE(TIMESTAMPTZ), at);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
        return now_as(b, (qn_type){QN_TYPE_TIMESTAMPTZ, precision}, at);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
        return now_as(b, QN_TYPE(TIMESTAMP), at);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
        return now_as(b, (qn_type){QN_TYPE_TIMESTAMP, precision}, at);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
        return now_as(b, QN_TYPE(TIME), at);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N:
        return now_as(b, (qn_type){QN_TYPE_TIME, precision}, at);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N:
        return qn_bind_unsupported(b, at, "type time with time zone"), NULL;
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
        return qn_bind_call(b, "current_database", true, 0, NULL, at);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
        return qn_bind_call(b, "current_schema", true, 0, NULL, at);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
        return qn_bind_call(b, "session_user", true, 0, NULL, at);
    default:
        return qn_bind_call(b, "current_user", true, 0, NULL, at);
    }
}

/* ---- dispatch ---- */

static qn_expr *sublink(qn_binder *b, const qn_scope *s, const PgQuery__SubLink *l)
{
    const char *what = "a subquery in an expression";

    if (s->clause == QN_CLAUSE_DEFAULT) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, l->location,
                            "cannot use subquery in DEFAULT expression"),
               NULL;
    }
    if (l->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK) {
        what = "EXISTS (subquery)";
    } else if (l->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK) {
        what = l->n_oper_name ? "ANY (subquery)" : "IN (subquery)";
    } else if (l->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK) {
        what = "ALL (subquery)";
    } else if (l->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK) {
        what = "ARRAY (subquery)";
    }
    return qn_bind_unsupported(b, l->location, what), NULL;
}

static qn_expr *dispatch(qn_binder *b, qn_scope *s, const qn_pg *n)
{
    switch (n->node_case) {
    case QN_PG(A_CONST):
        return qn_bind_const(b, n->a_const);
    case QN_PG(COLUMN_REF):
        return column_ref(b, s, n->column_ref);
    case QN_PG(PARAM_REF):
        return param(b, n->param_ref);
    case QN_PG(A_EXPR):
        return qn_bind_a_expr(b, s, n->a_expr);
    case QN_PG(FUNC_CALL):
        return qn_bind_func_call(b, s, n->func_call);
    case QN_PG(TYPE_CAST):
        return type_cast(b, s, n->type_cast);
    case QN_PG(COLLATE_CLAUSE):
        return collate(b, s, n->collate_clause);
    case QN_PG(BOOL_EXPR):
        return bool_expr(b, s, n->bool_expr);
    case QN_PG(NULL_TEST):
        return null_test(b, s, n->null_test);
    case QN_PG(BOOLEAN_TEST):
        return boolean_test(b, s, n->boolean_test);
    case QN_PG(CASE_EXPR):
        return qn_bind_case(b, s, n->case_expr);
    case QN_PG(COALESCE_EXPR):
        return of_common_type(b, s, QN_EXPR_COALESCE, n->coalesce_expr->args,
                              n->coalesce_expr->n_args, "COALESCE", n->coalesce_expr->location);
    case QN_PG(MIN_MAX_EXPR): {
        bool greatest = n->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST;
        return of_common_type(b, s, greatest ? QN_EXPR_GREATEST : QN_EXPR_LEAST,
                              n->min_max_expr->args, n->min_max_expr->n_args,
                              greatest ? "GREATEST" : "LEAST", n->min_max_expr->location);
    }
    case QN_PG(SQLVALUE_FUNCTION):
        return qn_bind_value_function(b, n->sqlvalue_function);
    case QN_PG(SET_TO_DEFAULT):
        return QN_BIND_FAIL(b, SYNTAX_ERROR, n->set_to_default->location,
                            "DEFAULT is not allowed in this context"),
               NULL;
    case QN_PG(SUB_LINK):
        return sublink(b, s, n->sub_link);
    case QN_PG(ROW_EXPR):
        return qn_bind_unsupported(b, n->row_expr->location, "a row value"), NULL;
    case QN_PG(A_ARRAY_EXPR):
        return qn_bind_unsupported(b, n->a_array_expr->location, "ARRAY"), NULL;
    case QN_PG(A_INDIRECTION):
        return qn_bind_unsupported(b, qn_pg_location(n->a_indirection->arg),
                                   "subscripting or field selection"),
               NULL;
    case QN_PG(GROUPING_FUNC):
        return qn_bind_unsupported(b, n->grouping_func->location, "GROUPING"), NULL;
    case QN_PG(XML_EXPR):
        return qn_bind_unsupported(b, n->xml_expr->location, "XML"), NULL;
    case QN_PG(XML_SERIALIZE):
        return qn_bind_unsupported(b, n->xml_serialize->location, "XML"), NULL;
    case QN_PG(NAMED_ARG_EXPR):
        return qn_bind_unsupported(b, n->named_arg_expr->location, "a named argument here"), NULL;
    case QN_PG(CURRENT_OF_EXPR):
        return qn_bind_unsupported(b, -1, "CURRENT OF"), NULL;
    default:
        return qn_bind_unsupported(b, -1, "this kind of expression"), NULL;
    }
}

qn_expr *qn_bind_expr(qn_binder *b, qn_scope *s, const qn_pg *node)
{
    qn_expr *e = NULL;

    if (!node || QN_NEVER(b->status != QN_OK)) {
        return QN_BIND_FAIL(b, INTERNAL_ERROR, -1, "the parse tree lacks an expression"), NULL;
    }
    if (qn_bind_enter(b, -1)) {
        e = dispatch(b, s, node);
    }
    b->depth--;
    QN_ASSERT(e || b->status != QN_OK);
    return e;
}

/* ---- parse tree helpers ---- */

static int32_t leftmost(int32_t a, int32_t b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

int32_t qn_pg_location(const qn_pg *n)
{
    if (!n) {
        return -1;
    }
    switch (n->node_case) {
    case QN_PG(A_CONST):
        return n->a_const->location;
    case QN_PG(COLUMN_REF):
        return n->column_ref->location;
    case QN_PG(PARAM_REF):
        return n->param_ref->location;
    case QN_PG(A_EXPR):
        return leftmost(n->a_expr->location, qn_pg_location(n->a_expr->lexpr));
    case QN_PG(FUNC_CALL):
        return n->func_call->location;
    case QN_PG(TYPE_CAST):
        return leftmost(n->type_cast->location, qn_pg_location(n->type_cast->arg));
    case QN_PG(COLLATE_CLAUSE):
        return qn_pg_location(n->collate_clause->arg);
    case QN_PG(BOOL_EXPR):
        return leftmost(n->bool_expr->location,
                        n->bool_expr->n_args ? qn_pg_location(n->bool_expr->args[0]) : -1);
    case QN_PG(NULL_TEST):
        return leftmost(n->null_test->location, qn_pg_location(n->null_test->arg));
    case QN_PG(BOOLEAN_TEST):
        return leftmost(n->boolean_test->location, qn_pg_location(n->boolean_test->arg));
    case QN_PG(CASE_EXPR):
        return n->case_expr->location;
    case QN_PG(COALESCE_EXPR):
        return n->coalesce_expr->location;
    case QN_PG(MIN_MAX_EXPR):
        return n->min_max_expr->location;
    case QN_PG(SQLVALUE_FUNCTION):
        return n->sqlvalue_function->location;
    case QN_PG(SUB_LINK):
        return n->sub_link->location;
    case QN_PG(ROW_EXPR):
        return n->row_expr->location;
    case QN_PG(A_ARRAY_EXPR):
        return n->a_array_expr->location;
    case QN_PG(A_INDIRECTION):
        return qn_pg_location(n->a_indirection->arg);
    case QN_PG(SET_TO_DEFAULT):
        return n->set_to_default->location;
    case QN_PG(RANGE_VAR):
        return n->range_var->location;
    case QN_PG(RANGE_SUBSELECT):
        return qn_pg_location(n->range_subselect->subquery);
    case QN_PG(SELECT_STMT):
        return n->select_stmt->n_target_list ? n->select_stmt->target_list[0]->res_target->location
                                             : -1;
    case QN_PG(JOIN_EXPR):
        return qn_pg_location(n->join_expr->larg);
    case QN_PG(GROUPING_SET):
        return n->grouping_set->location;
    default:
        return -1;
    }
}

static const char *value_function_name(PgQuery__SQLValueFunctionOp op)
{
    static const char *const names[] = {"",
                                        "current_date",
                                        "current_time",
                                        "current_time",
                                        "current_timestamp",
                                        "current_timestamp",
                                        "localtime",
                                        "localtime",
                                        "localtimestamp",
                                        "localtimestamp",
                                        "current_role",
                                        "current_user",
                                        "user",
                                        "session_user",
                                        "current_catalog",
                                        "current_schema"};

    return (size_t)op < QN_COUNTOF(names) ? names[op] : "";
}

/* PostgreSQL's FigureColname: 0 no idea, 1 weak (a type or CASE), 2 good. */
static int figure(const qn_pg *n, const char **name)
{
    if (!n) {
        return 0;
    }
    switch (n->node_case) {
    case QN_PG(COLUMN_REF): {
        const char *last = qn_pg_string(n->column_ref->fields[n->column_ref->n_fields - 1]);
        if (*last) {
            *name = last;
            return 2;
        }
        return 0;
    }
    case QN_PG(A_INDIRECTION):
        return figure(n->a_indirection->arg, name);
    case QN_PG(FUNC_CALL):
        *name = qn_pg_string(n->func_call->funcname[n->func_call->n_funcname - 1]);
        return 2;
    case QN_PG(A_EXPR):
        if (n->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF) {
            *name = "nullif";
            return 2;
        }
        return 0;
    case QN_PG(TYPE_CAST): {
        int strength = figure(n->type_cast->arg, name);
        if (strength <= 1) {
            *name =
                qn_pg_string(n->type_cast->type_name->names[n->type_cast->type_name->n_names - 1]);
            return 1;
        }
        return strength;
    }
    case QN_PG(COLLATE_CLAUSE):
        return figure(n->collate_clause->arg, name);
    case QN_PG(CASE_EXPR): {
        int strength = figure(n->case_expr->defresult, name);
        if (strength <= 1) {
            *name = "case";
            return 1;
        }
        return strength;
    }
    case QN_PG(COALESCE_EXPR):
        *name = "coalesce";
        return 2;
    case QN_PG(MIN_MAX_EXPR):
        *name = n->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least";
        return 2;
    case QN_PG(SQLVALUE_FUNCTION):
        *name = value_function_name(n->sqlvalue_function->op);
        return 2;
    default:
        return 0;
    }
}

const char *qn_figure_name(const qn_pg *node)
{
    const char *name = "?column?";

    figure(node, &name);
    return *name ? name : "?column?";
}
