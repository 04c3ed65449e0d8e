/* Function calls: scalar functions, aggregates, and the set-returning ones of the select list.
 *
 * An aggregate becomes an entry of select->aggs and an AGG node.  Its arguments are bound over the
 * FROM relation; equal calls share one entry unless they are volatile. */
#include "sql/sql_int.h"

/* Functions of PostgreSQL that quern lacks: named in 0A000 rather than unknown.  A final * stands for any
 * ending. */
static const char *const other_functions[] = {
    "array_*",       "cardinality",       "string_to_array",  "string_to_table",  "unnest",
    "generate_subscripts",                "json_*",           "jsonb_*",          "to_json",
    "to_jsonb",      "row_to_json",       "xml*",             "range_agg",        "percentile_cont",
    "percentile_disc",                    "mode",             "rank",             "dense_rank",
    "percent_rank",  "cume_dist",         "row_number",       "ntile",            "lag",
    "lead",          "first_value",       "last_value",       "nth_value",        "regexp_match",
    "regexp_matches",                     "regexp_split_to_array",                "regexp_split_to_table",
    "nextval",       "currval",           "lastval",          "setval",           "encode",
    "decode",        "convert",           "convert_from",     "convert_to",       "sha224",
    "sha256",        "sha384",            "sha512",           "get_byte",         "set_byte",
    "get_bit",       "set_bit",           "gen_random_uuid",  "to_tsvector",      "to_tsquery",
    "ts_rank",       "parse_ident",       "pg_sleep*",        "timeofday",        "to_ascii",
    "int8send",      "txid_*",            "pg_advisory_*",    "set_config",       "to_reg*",
    "pg_get_*",      "has_*_privilege",   "obj_description",  "col_description",  "pg_table_size",
    "pg_relation_size",                   "pg_total_relation_size",               "pg_database_size",
};

static bool is_other_function(const char *name)
{
    for (size_t i = 0; i < QN_COUNTOF(other_functions); i++) {
        const char *p = other_functions[i], *star = strchr(p, '*');
        size_t      head = star ? (size_t)(star - p) : strlen(p), bytes = strlen(name);
        size_t      tail = star ? strlen(star + 1) : 0;
        if (star ? bytes > head + tail && memcmp(p, name, head) == 0 &&
                       strcmp(name + bytes - tail, star + 1) == 0
                 : strcmp(p, name) == 0) {
            return true;
        }
    }
    return false;
}

bool qn_is_aggregate(const char *name)
{
    for (size_t i = 0; i < qn_aggregate_count(); i++) {
        if (strcmp(qn_aggregate_by_id((uint32_t)i)->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- aggregates ---- */

static bool same_call(const qn_agg_call *x, const qn_agg_call *y)
{
    if (x->aggregate != y->aggregate || x->distinct != y->distinct || x->argc != y->argc ||
        x->type.id != y->type.id || !x->filter != !y->filter) {
        return false;
    }
    for (uint32_t i = 0; i < x->argc; i++) {
        if (!qn_expr_equal(x->args[i], y->args[i]) || qn_expr_volatile(x->args[i])) {
            return false;
        }
    }
    return !x->filter || (qn_expr_equal(x->filter, y->filter) && !qn_expr_volatile(x->filter));
}

/* Index of the call in select->aggs, added when it is new; -1 when memory is refused. */
static int64_t add_call(qn_binder *b, qn_select *select, const qn_agg_call *call)
{
    uint32_t n = select->agg_count;

    if (n >= QN_SQL_MAX_AGGREGATES) {
        QN_BIND_FAIL(b, TOO_COMPLEX, call->location, "a query can have at most %u aggregates",
                     QN_SQL_MAX_AGGREGATES);
        return -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (same_call(&select->aggs[i], call)) {
            return i;
        }
    }
    if ((n & (n - 1)) == 0) {
        qn_agg_call *grown =
            qn_arena_grow(b->arena, select->aggs, n, n ? 2 * (size_t)n : 1, sizeof(qn_agg_call));
        if (!grown) {
            b->status = qn_nomem(b->err);
            return -1;
        }
        select->aggs = grown;
    }
    select->aggs[n] = *call;
    select->agg_count = n + 1;
    return n;
}

static bool aggregate_allowed(qn_binder *b, const qn_scope *s, int32_t location)
{
    if (s->in_aggregate && s->clause != QN_CLAUSE_FILTER) {
        return QN_BIND_FAIL(b, GROUPING_ERROR, location,
                            "aggregate function calls cannot be nested"),
               false;
    }
    if (!s->select || s->clause > QN_CLAUSE_HAVING) {
        return QN_BIND_FAIL(b, GROUPING_ERROR, location,
                            "aggregate functions are not allowed in %s", qn_clause_name(s->clause)),
               false;
    }
    return true;
}

/* The aggregate whose argument types fit best. */
static const qn_aggregate *choose_aggregate(qn_binder *b, const char *name, uint32_t argc,
                                            qn_expr **args, bool qualified, int32_t location,
                                            uint32_t *id)
{
    size_t        total = qn_aggregate_count(), n = 0;
    qn_candidate *c = QN_BIND_ARRAY(b, qn_candidate, total + 1);
    uint8_t       types[2] = {0, 0};
    char          text[400];
    int           best = -1;

    for (uint32_t i = 0; i < argc && i < 2; i++) {
        types[i] = args[i]->type.id;
    }
    for (size_t i = 0; c && argc <= 2 && i < total; i++) {
        const qn_aggregate *a = qn_aggregate_by_id((uint32_t)i);
        if (strcmp(a->name, name) != 0 || a->argc != argc) {
            continue;
        }
        c[n] = (qn_candidate){(uint32_t)i, argc, a->args, false};
        if (memcmp(a->args, types, argc) == 0) {
            *id = (uint32_t)i;
            return a;
        }
        n++;
    }
    if (c) {
        best = qn_choose(c, n, argc, types);
    }
    if (best >= 0) {
        *id = c[best].id;
        return qn_aggregate_by_id(*id);
    }
    if (b->status == QN_OK) {
        qn_signature(b, name, qualified, argc, args, text, sizeof text);
        qn_call_failed(b, text, best == -2, location);
    }
    return NULL;
}

static bool aggregate_args(qn_binder *b, const qn_aggregate *a, uint32_t argc, qn_expr **args,
                           qn_agg_call *call)
{
    for (uint32_t i = 0; i < argc; i++) {
        qn_type t = {a->args[i], -1};
        call->args[i] = t.id == QN_TYPE_UNKNOWN ? qn_coerce_unknown_to_text(b, args[i])
                                                : qn_coerce(b, args[i], t, QN_CAST_IMPLICIT, -1);
        if (!call->args[i]) {
            return false;
        }
    }
    call->argc = argc;
    call->type = a->result != QN_TYPE_UNKNOWN ? (qn_type){a->result, -1}
                                              : (qn_type){call->args[0]->type.id, -1};
    return true;
}

static bool aggregate_filter(qn_binder *b, qn_scope *s, const qn_pg *filter, qn_agg_call *call)
{
    qn_scope inner = *s;

    if (!filter) {
        return true;
    }
    inner.clause = QN_CLAUSE_FILTER;
    qn_expr *e = qn_bind_expr(b, &inner, filter);
    return e && (call->filter = qn_coerce_boolean(b, e, "FILTER")) != NULL;
}

qn_expr *qn_bind_aggregate(qn_binder *b, qn_scope *s, const PgQuery__FuncCall *f, const char *name,
                           uint32_t argc, qn_expr **args)
{
    qn_agg_call call = {0};
    uint32_t    id = 0;

    if (f->agg_star && strcmp(name, "count") != 0) {
        char text[200];
        qn_signature(b, name, f->n_funcname > 1, 0, NULL, text, sizeof text);
        return qn_call_failed(b, text, false, f->location), NULL;
    }
    if (!f->agg_star && argc == 0 && strcmp(name, "count") == 0) {
        return QN_BIND_FAIL(b, WRONG_OBJECT_TYPE, f->location,
                            "%s(*) must be used to call a parameterless aggregate function", name),
               NULL;
    }
    const qn_aggregate *a =
        choose_aggregate(b, name, argc, args, f->n_funcname > 1, f->location, &id);
    if (!a || !aggregate_filter(b, s, f->agg_filter, &call) ||
        !aggregate_allowed(b, s, f->location) || !aggregate_args(b, a, argc, args, &call)) {
        return NULL;
    }
    if (f->n_agg_order) {
        return qn_bind_unsupported(b, f->location, "ORDER BY in an aggregate"), NULL;
    }
    if (f->agg_distinct && call.argc > 1) {
        return qn_bind_unsupported(b, f->location, "DISTINCT in an aggregate of two arguments"), NULL;
    }
    call.aggregate = (uint16_t)id;
    call.kind = a->kind;
    call.distinct = f->agg_distinct;
    call.location = b->detached ? -1 : f->location;
    int64_t  index = add_call(b, s->select, &call);
    qn_expr *e = index < 0 ? NULL : qn_node(b, QN_EXPR_AGG, call.type, 0, NULL, f->location);
    if (e) {
        e->index = (uint32_t)index;
        s->select->aggregated = true;
    }
    return e;
}

/* ---- scalar calls ---- */

/* What only an aggregate may have. */
static bool plain_call(qn_binder *b, const PgQuery__FuncCall *f, const char *name)
{
    const char *what = f->agg_distinct  ? "DISTINCT"
                       : f->n_agg_order ? "ORDER BY"
                       : f->agg_filter  ? "FILTER"
                                        : NULL;

    if (f->agg_star) {
        return QN_BIND_FAIL(b, WRONG_OBJECT_TYPE, f->location,
                            "%s(*) specified, but %s is not an aggregate function", name, name),
               false;
    }
    if (what) {
        return QN_BIND_FAIL(b, WRONG_OBJECT_TYPE, f->location,
                            "%s specified, but %s is not an aggregate function", what, name),
               false;
    }
    return true;
}

static bool supported_call(qn_binder *b, const PgQuery__FuncCall *f, const char *name)
{
    const char *what = f->over               ? "a window function (OVER)"
                       : f->agg_within_group ? "an ordered-set aggregate (WITHIN GROUP)"
                       : f->func_variadic    ? "VARIADIC"
                                             : NULL;

    if (what) {
        return qn_bind_unsupported(b, f->location, what), false;
    }
    if (is_other_function(name)) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, f->location, "function %s is not supported",
                            name),
               false;
    }
    return true;
}

/* SELECT generate_series(1, 3): the function becomes the FROM clause that the select lacks. */
static qn_expr *series_target(qn_binder *b, qn_scope *s, const PgQuery__FuncCall *f, uint32_t argc,
                              qn_expr **args)
{
    if (s->clause != QN_CLAUSE_SELECT || s->in_aggregate || !s->select) {
        if (s->clause == QN_CLAUSE_SELECT) {
            QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, f->location,
                         "aggregate function calls cannot contain set-returning function calls");
            qn_error_hint(
                b->err,
                "You might be able to move the set-returning function into a LATERAL FROM item.");
            return NULL;
        }
        if (s->clause == QN_CLAUSE_ORDER_BY || s->clause == QN_CLAUSE_DISTINCT_ON ||
            s->clause == QN_CLAUSE_GROUP_BY) {
            return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, f->location,
                                "a set-returning function in %s is not supported",
                                qn_clause_name(s->clause)),
                   NULL;
        }
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, f->location,
                            "set-returning functions are not allowed in %s",
                            qn_clause_name(s->clause)),
               NULL;
    }
    if (s->select->from) {
        return qn_bind_unsupported(
                   b, f->location,
                   s->series ? "more than one set-returning function in the select list"
                             : "a set-returning function in the select list of a FROM clause"),
               NULL;
    }
    qn_relation *rel = QN_BIND_NEW(b, qn_relation);
    const char **names = QN_BIND_ARRAY(b, const char *, 1);
    if (!rel || !names || !qn_series_types(b, argc, args, f->location, rel)) {
        return NULL;
    }
    names[0] = rel->alias = "generate_series";
    rel->column_names = names;
    s->series = true;
    s->series_location = f->location;
    s->select->from = rel;
    return qn_bind_column(b, rel, 0, f->location);
}

static const char *function_name(qn_binder *b, const PgQuery__FuncCall *f)
{
    if (f->n_funcname > 1 && strcmp(qn_pg_string(f->funcname[0]), "pg_catalog") != 0) {
        const char *all = qn_pg_names(b, f->funcname, f->n_funcname);
        if (b->status == QN_OK && f->n_funcname == 2) {
            QN_BIND_FAIL(b, UNDEFINED_FUNCTION, f->location, "function %s does not exist", all);
        } else if (b->status == QN_OK) {
            qn_bind_unsupported(b, f->location, "a function of another database");
        }
        return NULL;
    }
    return qn_pg_string(f->funcname[f->n_funcname - 1]);
}

/* ---- named arguments ---- */

#define MOST_NAMED 7

/* The functions whose arguments have names; `optional` ones are 0 when they are left out. */
static const struct named_function {
    const char *name;
    uint32_t    argc;
    bool        optional;
    const char *args[MOST_NAMED];
} named_functions[] = {
    {"make_date", 3, false, {"year", "month", "day"}},
    {"make_time", 3, false, {"hour", "min", "sec"}},
    {"make_timestamp", 6, false, {"year", "month", "mday", "hour", "min", "sec"}},
    {"make_timestamptz", 7, false, {"year", "month", "mday", "hour", "min", "sec", "timezone"}},
    {"make_timestamptz", 6, false, {"year", "month", "mday", "hour", "min", "sec"}},
    {"make_interval", 7, true, {"years", "months", "weeks", "days", "hours", "mins", "secs"}},
};

static const char *argument_name(const PgQuery__FuncCall *f, uint32_t i)
{
    return f->args[i]->node_case == QN_PG(NAMED_ARG_EXPR) ? f->args[i]->named_arg_expr->name : NULL;
}

/* Names stand behind the arguments without one, each once.  Returns how many have none, -1 on error. */
static int64_t positional_count(qn_binder *b, const PgQuery__FuncCall *f)
{
    uint32_t count = 0, argc = (uint32_t)f->n_args;

    while (count < argc && !argument_name(f, count)) {
        count++;
    }
    for (uint32_t i = count; i < argc; i++) {
        const char *name = argument_name(f, i);
        if (!name) {
            return QN_BIND_FAIL(b, SYNTAX_ERROR, qn_pg_location(f->args[i]),
                                "positional argument cannot follow named argument"),
                   -1;
        }
        for (uint32_t k = count; k < i; k++) {
            if (strcmp(name, argument_name(f, k)) == 0) {
                return QN_BIND_FAIL(b, SYNTAX_ERROR, f->args[i]->named_arg_expr->location,
                                    "argument name \"%s\" used more than once", name),
                       -1;
            }
        }
    }
    return count;
}

/* Fill `out` in the order of the declaration; the count, 0 when the names do not fit. */
static uint32_t arrange(qn_binder *b, const struct named_function *fn, const PgQuery__FuncCall *f,
                        uint32_t positional, qn_expr **args, qn_expr **out)
{
    uint32_t argc = (uint32_t)f->n_args;

    if (argc > fn->argc || (argc < fn->argc && !fn->optional)) {
        return 0;
    }
    memset(out, 0, sizeof *out * MOST_NAMED);
    memcpy(out, args, sizeof *out * positional);
    for (uint32_t i = positional; i < argc; i++) {
        uint32_t k = 0;
        while (k < fn->argc && strcmp(fn->args[k], argument_name(f, i)) != 0) {
            k++;
        }
        if (k == fn->argc || out[k]) {
            return 0;
        }
        out[k] = args[i];
    }
    for (uint32_t k = 0; k < fn->argc; k++) {
        if (!out[k] && !(out[k] = qn_int_const(b, QN_TYPE_INTEGER, 0, -1))) {
            return 0;
        }
    }
    return fn->argc;
}

/* f(a, x => 1) as a call by position.  *argc and *args change; false after an error. */
static bool named_arguments(qn_binder *b, const PgQuery__FuncCall *f, const char *name,
                            uint32_t *argc, qn_expr ***args)
{
    int64_t   positional = positional_count(b, f);
    qn_expr **out = positional < 0 ? NULL : QN_BIND_ARRAY(b, qn_expr *, MOST_NAMED);
    qn_buf    text;

    if (!out || positional == *argc) {
        return out != NULL;
    }
    for (size_t i = 0; i < QN_COUNTOF(named_functions); i++) {
        const struct named_function *fn = &named_functions[i];
        uint32_t count = strcmp(fn->name, name) == 0
                             ? arrange(b, fn, f, (uint32_t)positional, *args, out) : 0;
        if (count) {
            *argc = count;
            *args = out;
        }
        if (count || b->status != QN_OK) {
            return count != 0;
        }
    }
    qn_buf_init(&text, b->arena->mem);
    qn_buf_printf(&text, "%s(", name);
    for (uint32_t i = 0; i < *argc; i++) {
        const char *label = argument_name(f, i);
        qn_buf_printf(&text, "%s%s%s%s", i ? ", " : "", label ? label : "", label ? " => " : "",
                      qn_type_name((qn_sql_type)(*args)[i]->type.id));
    }
    qn_buf_puts(&text, ")");
    b->status = text.failed ? qn_nomem(b->err) : qn_call_failed(b, text.data, false, f->location);
    qn_buf_deinit(&text);
    return false;
}

/* The expression of an argument, with or without a name. */
static const qn_pg *argument(const qn_pg *node)
{
    return node->node_case == QN_PG(NAMED_ARG_EXPR) ? node->named_arg_expr->arg : node;
}

qn_expr *qn_bind_func_call(qn_binder *b, qn_scope *s, const PgQuery__FuncCall *f)
{
    const char *name = function_name(b, f);

    if (!name || !supported_call(b, f, name)) {
        return NULL;
    }
    if (f->n_args > 100) {
        return QN_BIND_FAIL(b, PROGRAM_LIMIT, f->location,
                            "cannot pass more than 100 arguments to a function"),
               NULL;
    }
    bool      aggregate = qn_is_aggregate(name);
    qn_scope  inner = *s;
    uint32_t  argc = (uint32_t)f->n_args;
    qn_expr **args = QN_BIND_ARRAY(b, qn_expr *, argc + 1);
    inner.in_aggregate = s->in_aggregate || aggregate;
    for (uint32_t i = 0; args && i < argc; i++) {
        if (!(args[i] = qn_bind_expr(b, &inner, argument(f->args[i])))) {
            return NULL;
        }
    }
    if (!args || !named_arguments(b, f, name, &argc, &args)) {
        return NULL;
    }
    if (inner.series && !s->series) { /* the argument holds the set-returning function */
        s->series = true;
        s->series_location = inner.series_location;
    }
    if (aggregate) {
        return qn_bind_aggregate(b, s, f, name, argc, args);
    }
    if (strcmp(name, "generate_series") == 0) {
        return plain_call(b, f, name) ? series_target(b, s, f, argc, args) : NULL;
    }
    qn_expr *call = qn_bind_call(b, name, f->n_funcname > 1, argc, args, f->location);
    return call && plain_call(b, f, name) ? call : NULL;
}
