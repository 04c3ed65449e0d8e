/* Statements other than queries and tables: EXPLAIN, SET, SHOW, PREPARE and so on, and the
 * dispatch.
 *
 * What quern does not have is refused by the words the user wrote (UPDATE, CREATE INDEX). */
#include "sql/sql_int.h"

#include <stdio.h>

/* ---- option lists ---- */

const char *qn_bind_defelem_text(qn_binder *b, const PgQuery__DefElem *d)
{
    const char *text = NULL;

    if (!d->arg) {
        return QN_BIND_FAIL(b, SYNTAX_ERROR, -1, "%s requires a parameter", d->defname), NULL;
    }
    switch (d->arg->node_case) {
    case QN_PG(STRING):
        return d->arg->string->sval;
    case QN_PG(FLOAT):
        return d->arg->float_->fval;
    case QN_PG(BOOLEAN):
        return d->arg->boolean->boolval ? "true" : "false";
    case QN_PG(A_STAR):
        return "*";
    case QN_PG(INTEGER):
        text = qn_arena_printf(b->arena, "%d", d->arg->integer->ival);
        break;
    case QN_PG(TYPE_NAME):
        return qn_pg_names(b, d->arg->type_name->names, d->arg->type_name->n_names);
    case QN_PG(LIST):
        return qn_pg_names(b, d->arg->list->items, d->arg->list->n_items);
    default:
        return QN_BIND_FAIL(b, SYNTAX_ERROR, -1, "%s requires a parameter", d->defname), NULL;
    }
    if (!text) {
        b->status = qn_nomem(b->err);
    }
    return text;
}

bool qn_bind_defelem_bool(qn_binder *b, const PgQuery__DefElem *d, bool *value)
{
    static const char *const yes[] = {"true", "on", "1"}, *const no[] = {"false", "off", "0"};

    *value = true;
    if (!d->arg) {
        return true;
    }
    const char *text = qn_bind_defelem_text(b, d);
    for (size_t i = 0; text && i < QN_COUNTOF(yes); i++) {
        if (qn_streq_ci(text, yes[i]) || qn_streq_ci(text, no[i])) {
            *value = qn_streq_ci(text, yes[i]);
            return true;
        }
    }
    return b->status == QN_OK
               ? (QN_BIND_FAIL(b, SYNTAX_ERROR, -1, "%s requires a Boolean value", d->defname),
                  false)
               : false;
}

/* ---- EXPLAIN ---- */

static bool explain_word(qn_binder *b, const PgQuery__DefElem *d, const char *const *words,
                         size_t count, int *out)
{
    const char *text = qn_bind_defelem_text(b, d);

    for (size_t i = 0; text && i < count; i++) {
        if (qn_streq_ci(text, words[i])) {
            *out = (int)i;
            return true;
        }
    }
    if (text) {
        QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, d->location,
                     "unrecognized value for EXPLAIN option \"%s\": \"%s\"", d->defname, text);
    }
    return false;
}

static bool explain_format(qn_binder *b, const PgQuery__DefElem *d, qn_bound *out)
{
    static const char *const words[] = {"text", "json", "xml", "yaml"};
    int                      word = 0;

    if (!explain_word(b, d, words, QN_COUNTOF(words), &word)) {
        return false;
    }
    if (word > 1) {
        return qn_bind_unsupported(b, d->location,
                                   word == 2 ? "EXPLAIN (FORMAT xml)" : "EXPLAIN (FORMAT yaml)"),
               false;
    }
    out->format_json = word == 1;
    return true;
}

static bool explain_option(qn_binder *b, const PgQuery__DefElem *d, qn_bound *out, bool *timing)
{
    static const char *const stages[] = {"plan", "parse", "logical", "physical", "bytecode"};
    static const char *const refused[] = {"buffers", "wal", "settings", "summary"};
    const char              *name = d->defname;
    int                      word = 0;

    if (strcmp(name, "analyze") == 0) {
        return qn_bind_defelem_bool(b, d, &out->analyze);
    } else if (strcmp(name, "verbose") == 0) {
        return qn_bind_defelem_bool(b, d, &out->verbose);
    } else if (strcmp(name, "costs") == 0) {
        return qn_bind_defelem_bool(b, d, &out->costs);
    } else if (strcmp(name, "timing") == 0) {
        *timing = true;
        return qn_bind_defelem_bool(b, d, &out->timing);
    } else if (strcmp(name, "format") == 0) {
        return explain_format(b, d, out);
    } else if (strcmp(name, "stage") == 0) {
        bool ok = explain_word(b, d, stages, QN_COUNTOF(stages), &word);
        out->stage = (qn_explain_stage)word;
        return ok;
    }
    for (size_t i = 0; i < QN_COUNTOF(refused); i++) {
        bool on;
        if (strcmp(name, refused[i]) == 0) {
            return qn_bind_defelem_bool(b, d, &on) &&
                   (!on || (QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, d->location,
                                         "EXPLAIN option \"%s\" is not supported", name),
                            false));
        }
    }
    return QN_BIND_FAIL(b, SYNTAX_ERROR, d->location, "unrecognized EXPLAIN option \"%s\"", name),
           false;
}
_Static_assert(QN_STAGE_PARSE == 1 && QN_STAGE_BYTECODE == 4,
               "the words of STAGE are in this order");

static bool print_parse(qn_binder *b, const qn_pg *query, qn_bound *out)
{
    qn_buf buf;

    qn_buf_init(&buf, b->context->env->mem);
    qn_tree_print(&query->base, &buf);
    if (qn_buf_ok(&buf)) {
        out->parse_text = qn_arena_strndup(b->arena, buf.data ? buf.data : "", buf.bytes);
    }
    qn_buf_deinit(&buf);
    if (!out->parse_text) {
        b->status = qn_nomem(b->err);
    }
    return out->parse_text != NULL;
}

static bool explain(qn_binder *b, const PgQuery__ExplainStmt *stmt, qn_bound *out)
{
    bool timing = false;

    out->kind = QN_STMT_EXPLAIN;
    out->costs = true;
    for (size_t i = 0; i < stmt->n_options; i++) {
        if (!explain_option(b, stmt->options[i]->def_elem, out, &timing)) {
            return false;
        }
    }
    if (timing && out->timing && !out->analyze) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, -1,
                            "EXPLAIN option TIMING requires ANALYZE"),
               false;
    }
    if (!timing) {
        out->timing = out->analyze;
    }
    if (out->stage != QN_STAGE_PLAN && out->analyze) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, -1,
                            "EXPLAIN option STAGE cannot be used with ANALYZE"),
               false;
    }
    /* The parse tree of a statement exists before, and without, its meaning. */
    if (out->stage == QN_STAGE_PARSE) {
        return print_parse(b, stmt->query, out);
    }
    out->inner = qn_bind_statement(b, stmt->query, out->location);
    return out->inner != NULL;
}

/* ---- SET, SHOW ---- */

static const char *set_argument(qn_binder *b, const qn_pg *arg)
{
    const PgQuery__AConst *c = arg->node_case == QN_PG(A_CONST) ? arg->a_const : NULL;
    char                  *text = NULL;

    if (!c || c->isnull) {
        return qn_bind_unsupported(b, qn_pg_location(arg),
                                   "SET to something other than a constant"),
               NULL;
    }
    switch (c->val_case) {
    case PG_QUERY__A__CONST__VAL_SVAL:
        return c->sval->sval;
    case PG_QUERY__A__CONST__VAL_FVAL:
        return c->fval->fval;
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        return c->boolval->boolval ? "true" : "false";
    case PG_QUERY__A__CONST__VAL_IVAL:
        text = qn_arena_printf(b->arena, "%d", c->ival->ival);
        break;
    default:
        return qn_bind_unsupported(b, c->location, "SET to a bit string"), NULL;
    }
    if (!text) {
        b->status = qn_nomem(b->err);
    }
    return text;
}

static bool set_value(qn_binder *b, const PgQuery__VariableSetStmt *stmt, qn_bound *out)
{
    for (size_t i = 0; i < stmt->n_args; i++) {
        const char *text = set_argument(b, stmt->args[i]);
        if (!text) {
            return false;
        }
        out->value = i ? qn_arena_printf(b->arena, "%s, %s", out->value, text) : text;
        if (!out->value) {
            return b->status = qn_nomem(b->err), false;
        }
    }
    return out->value != NULL;
}

static bool set(qn_binder *b, const PgQuery__VariableSetStmt *stmt, qn_bound *out)
{
    out->kind = QN_STMT_SET;
    out->name = stmt->name;
    if (stmt->is_local) {
        return qn_bind_unsupported(b, -1, "SET LOCAL"), false;
    }
    switch (stmt->kind) {
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE:
        return set_value(b, stmt, out);
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_DEFAULT:
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET:
        return out->value_default = true;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL:
        out->name = "all";
        return out->value_default = true;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_CURRENT:
        return qn_bind_unsupported(b, -1, "SET … FROM CURRENT"), false;
    default:
        return qn_bind_unsupported(b, -1, "SET TRANSACTION"), false;
    }
}

/* ---- PREPARE, EXECUTE ---- */

/* The text behind PREPARE name (types) AS. */
static const char *prepared_text(qn_binder *b, int32_t location)
{
    size_t   pos = (size_t)(location < 0 ? 0 : location), depth = 0, first = 0, end = 0;
    bool     found = false;
    qn_token t;

    while ((t = qn_token_next(b->sql, b->sql_bytes, &pos)).kind != QN_TOKEN_END) {
        char c = t.kind == QN_TOKEN_PUNCT ? b->sql[t.start] : 0;
        if (c == ';' && depth == 0) {
            break;
        }
        depth += c == '(';
        depth -= c == ')' && depth;
        if (found) {
            first = first ? first : t.start;
            end = t.end;
        } else {
            found = depth == 0 && qn_token_is(b->sql, t, "as");
        }
    }
    char *text = qn_arena_strndup(b->arena, b->sql + first, end - first);
    if (!text) {
        b->status = qn_nomem(b->err);
    }
    return text;
}

static bool prepare(qn_binder *b, const PgQuery__PrepareStmt *stmt, qn_bound *out)
{
    out->kind = QN_STMT_PREPARE;
    out->name = stmt->name;
    if (b->param_count) {
        return QN_BIND_FAIL(b, UNDEFINED_PARAMETER, out->location,
                            "PREPARE cannot have parameters of its own"),
               false;
    }
    b->param_types = QN_BIND_ARRAY(b, qn_type, stmt->n_argtypes + 1);
    for (size_t i = 0; b->param_types && i < stmt->n_argtypes; i++) {
        const qn_pg *t = stmt->argtypes[i];
        if (t->node_case != QN_PG(TYPE_NAME) ||
            !qn_bind_type_name(b, t->type_name, &b->param_types[i])) {
            return false;
        }
        b->param_types[i].typmod = -1;
    }
    if (!b->param_types) {
        return false;
    }
    b->param_count = b->param_capacity = (uint32_t)stmt->n_argtypes;
    out->inner = qn_bind_statement(b, stmt->query, out->location);
    return out->inner && (out->statement_sql = prepared_text(b, out->location)) != NULL;
}

static qn_expr *execute_argument(qn_binder *b, const qn_pg *n, qn_type type, size_t index)
{
    qn_scope scope = {.clause = QN_CLAUSE_EXECUTE};
    qn_expr *e = qn_bind_expr(b, &scope, n);
    qn_expr *out = e ? qn_coerce(b, e, type, QN_CAST_ASSIGNMENT, -1) : NULL;

    if (e && !out && b->status == QN_OK) {
        QN_BIND_FAIL(b, DATATYPE_MISMATCH, e->location,
                     "parameter $%zu of type %s cannot be coerced to the expected type %s",
                     index + 1, qn_type_name((qn_sql_type)e->type.id),
                     qn_type_name((qn_sql_type)type.id));
        qn_error_hint(b->err, "You will need to rewrite or cast the expression.");
    }
    return out;
}

static bool execute(qn_binder *b, const PgQuery__ExecuteStmt *stmt, qn_bound *out)
{
    const qn_type *types = NULL;
    uint32_t       count = 0;

    out->kind = QN_STMT_EXECUTE;
    out->name = stmt->name;
    if (!b->context->prepared ||
        !b->context->prepared(b->context->prepared_arg, stmt->name, &count, &types)) {
        return QN_BIND_FAIL(b, INVALID_STATEMENT_NAME, -1,
                            "prepared statement \"%s\" does not exist", stmt->name),
               false;
    }
    if (count && stmt->n_params != count) { /* a statement without parameters ignores any given */
        QN_BIND_FAIL(b, SYNTAX_ERROR, -1,
                     "wrong number of parameters for prepared statement \"%s\"", stmt->name);
        qn_error_detail(b->err, "Expected %u parameters but got %zu.", count, stmt->n_params);
        return false;
    }
    out->arguments = QN_BIND_ARRAY(b, qn_expr *, count + 1);
    for (uint32_t i = 0; out->arguments && i < count; i++) {
        if (!(out->arguments[i] = execute_argument(b, stmt->params[i], types[i], i))) {
            return false;
        }
        out->argument_count++;
    }
    return out->arguments != NULL;
}

/* ---- what quern does not have ---- */

static const struct refused {
    PgQuery__Node__NodeCase node;
    const char             *name;
} refused[] = {
    {QN_PG(UPDATE_STMT), "UPDATE"},
    {QN_PG(DELETE_STMT), "DELETE"},
    {QN_PG(MERGE_STMT), "MERGE"},
    {QN_PG(TRUNCATE_STMT), "TRUNCATE"},
    {QN_PG(INDEX_STMT), "CREATE INDEX"},
    {QN_PG(VIEW_STMT), "CREATE VIEW"},
    {QN_PG(ALTER_TABLE_STMT), "ALTER TABLE"},
    {QN_PG(RENAME_STMT), "ALTER … RENAME"},
    {QN_PG(CREATE_SCHEMA_STMT), "CREATE SCHEMA"},
    {QN_PG(CREATE_SEQ_STMT), "CREATE SEQUENCE"},
    {QN_PG(ALTER_SEQ_STMT), "ALTER SEQUENCE"},
    {QN_PG(CREATE_ENUM_STMT), "CREATE TYPE … AS ENUM"},
    {QN_PG(COMPOSITE_TYPE_STMT), "CREATE TYPE"},
    {QN_PG(CREATE_RANGE_STMT), "CREATE TYPE … AS RANGE"},
    {QN_PG(CREATE_DOMAIN_STMT), "CREATE DOMAIN"},
    {QN_PG(CREATE_FUNCTION_STMT), "CREATE FUNCTION"},
    {QN_PG(CREATE_TRIG_STMT), "CREATE TRIGGER"},
    {QN_PG(CREATE_EXTENSION_STMT), "CREATE EXTENSION"},
    {QN_PG(CREATE_ROLE_STMT), "CREATE ROLE"},
    {QN_PG(CREATEDB_STMT), "CREATE DATABASE"},
    {QN_PG(CREATE_STATS_STMT), "CREATE STATISTICS"},
    {QN_PG(REFRESH_MAT_VIEW_STMT), "REFRESH MATERIALIZED VIEW"},
    {QN_PG(RULE_STMT), "CREATE RULE"},
    {QN_PG(DEFINE_STMT), "CREATE AGGREGATE/OPERATOR/TYPE"},
    {QN_PG(GRANT_STMT), "GRANT/REVOKE"},
    {QN_PG(COMMENT_STMT), "COMMENT"},
    {QN_PG(VACUUM_STMT), "VACUUM/ANALYZE"},
    {QN_PG(CLUSTER_STMT), "CLUSTER"},
    {QN_PG(REINDEX_STMT), "REINDEX"},
    {QN_PG(LOCK_STMT), "LOCK"},
    {QN_PG(DECLARE_CURSOR_STMT), "DECLARE CURSOR"},
    {QN_PG(FETCH_STMT), "FETCH/MOVE"},
    {QN_PG(CLOSE_PORTAL_STMT), "CLOSE"},
    {QN_PG(DISCARD_STMT), "DISCARD"},
    {QN_PG(DO_STMT), "DO"},
    {QN_PG(CALL_STMT), "CALL"},
    {QN_PG(LISTEN_STMT), "LISTEN"},
    {QN_PG(NOTIFY_STMT), "NOTIFY"},
    {QN_PG(UNLISTEN_STMT), "UNLISTEN"},
    {QN_PG(LOAD_STMT), "LOAD"},
    {QN_PG(CONSTRAINTS_SET_STMT), "SET CONSTRAINTS"},
    {QN_PG(DROP_OWNED_STMT), "DROP OWNED"},
    {QN_PG(DROPDB_STMT), "DROP DATABASE"},
    {QN_PG(DROP_ROLE_STMT), "DROP ROLE"},
};

static const char *transaction_name(PgQuery__TransactionStmtKind kind)
{
    static const char *const names[] = {"a transaction command",
                                        "BEGIN",
                                        "START TRANSACTION",
                                        "COMMIT",
                                        "ROLLBACK",
                                        "SAVEPOINT",
                                        "RELEASE SAVEPOINT",
                                        "ROLLBACK TO SAVEPOINT",
                                        "PREPARE TRANSACTION",
                                        "COMMIT PREPARED",
                                        "ROLLBACK PREPARED"};

    return (size_t)kind < QN_COUNTOF(names) ? names[kind] : names[0];
}

/* Statements that are in no table are named after their node: AlterPolicyStmt. */
static bool refuse(qn_binder *b, const qn_pg *n)
{
    if (n->node_case == QN_PG(TRANSACTION_STMT)) {
        return qn_bind_unsupported(b, -1, transaction_name(n->transaction_stmt->kind)), false;
    }
    for (size_t i = 0; i < QN_COUNTOF(refused); i++) {
        if (n->node_case == refused[i].node) {
            return qn_bind_unsupported(b, -1, refused[i].name), false;
        }
    }
    const ProtobufCMessage *m =
        n->node_case == QN_PG(_NOT_SET) ? NULL : (const ProtobufCMessage *)n->alias;
    return qn_bind_unsupported(b, -1, m ? m->descriptor->short_name : "this statement"), false;
}

/* ---- dispatch ---- */

/* SELECT … INTO t is CREATE TABLE t AS SELECT. */
static bool select_into(qn_binder *b, const PgQuery__SelectStmt *stmt, qn_bound *out)
{
    PgQuery__SelectStmt plain = *stmt;
    PgQuery__Node       node = PG_QUERY__NODE__INIT;

    plain.into_clause = NULL;
    node.node_case = QN_PG(SELECT_STMT);
    node.select_stmt = &plain;
    return qn_bind_create_table_as(b, &node, stmt->into_clause, false, out);
}

static bool dispatch(qn_binder *b, const qn_pg *n, qn_bound *out)
{
    switch (n->node_case) {
    case QN_PG(SELECT_STMT):
        if (n->select_stmt->into_clause) {
            return select_into(b, n->select_stmt, out);
        }
        out->kind = QN_STMT_SELECT;
        return (out->select = qn_bind_query(b, n, false)) != NULL;
    case QN_PG(INSERT_STMT):
        return qn_bind_insert(b, n->insert_stmt, out);
    case QN_PG(CREATE_STMT):
        return qn_bind_create_table(b, n->create_stmt, out);
    case QN_PG(CREATE_TABLE_AS_STMT):
        if (n->create_table_as_stmt->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) {
            return qn_bind_unsupported(b, -1, "CREATE MATERIALIZED VIEW"), false;
        }
        return qn_bind_create_table_as(b, n->create_table_as_stmt->query,
                                       n->create_table_as_stmt->into,
                                       n->create_table_as_stmt->if_not_exists, out);
    case QN_PG(DROP_STMT):
        return qn_bind_drop(b, n->drop_stmt, out);
    case QN_PG(COPY_STMT):
        return qn_bind_copy(b, n->copy_stmt, out);
    case QN_PG(EXPLAIN_STMT):
        return explain(b, n->explain_stmt, out);
    case QN_PG(VARIABLE_SET_STMT):
        return set(b, n->variable_set_stmt, out);
    case QN_PG(VARIABLE_SHOW_STMT):
        out->kind = QN_STMT_SHOW;
        out->name = n->variable_show_stmt->name;
        return true;
    case QN_PG(PREPARE_STMT):
        return prepare(b, n->prepare_stmt, out);
    case QN_PG(EXECUTE_STMT):
        return execute(b, n->execute_stmt, out);
    case QN_PG(DEALLOCATE_STMT):
        out->kind = QN_STMT_DEALLOCATE;
        out->name = *n->deallocate_stmt->name ? n->deallocate_stmt->name : NULL;
        return true;
    case QN_PG(CHECK_POINT_STMT):
        out->kind = QN_STMT_CHECKPOINT;
        return true;
    default:
        return refuse(b, n);
    }
}

qn_bound *qn_bind_statement(qn_binder *b, const qn_pg *node, int32_t location)
{
    qn_bound *out = QN_BIND_NEW(b, qn_bound);

    if (!out || !node) {
        return NULL;
    }
    out->location = location;
    return dispatch(b, node, out) ? out : NULL;
}
