/* Files in FROM: read_csv('logs/2024-*.csv', delim => ';', header => true).
 *
 * The arguments are constants, because they decide what columns there are.  Whoever binds opens the files: sql/ knows no
 * files, the context's open_files fills in the columns. */
#include "sql/sql_int.h"

static const struct file_function {
    const char *name;
    bool        parquet;
} functions[] = {{"read_csv", false}, {"read_parquet", true}};

typedef enum option {
    OPTION_DELIM,
    OPTION_QUOTE,
    OPTION_ESCAPE,
    OPTION_HEADER,
    OPTION_NULLSTR,
    OPTION_ALL_VARCHAR,
    OPTION_SAMPLE_SIZE,
    OPTION_COUNT
} option;

static const char *const option_names[OPTION_COUNT] = {"delim",   "quote",       "escape",     "header",
                                                       "nullstr", "all_varchar", "sample_size"};

static const struct file_function *find(const char *name)
{
    for (size_t i = 0; i < QN_COUNTOF(functions); i++) {
        if (strcmp(name, functions[i].name) == 0) {
            return &functions[i];
        }
    }
    return NULL;
}

bool qn_is_file_function(const char *name)
{
    return find(name) != NULL;
}

static qn_status bad_option(qn_binder *b, const char *function, const char *name, const char *what,
                            int32_t location)
{
    return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, location, "%s of %s must be %s", name, function,
                        what);
}

/* The argument as a constant of this type; NULL after an error. */
static const qn_expr *constant(qn_binder *b, qn_scope *s, const qn_pg *node, qn_sql_type type,
                               const char *function, const char *name)
{
    qn_expr *e = qn_bind_expr(b, s, node);
    qn_expr *as = e ? qn_coerce(b, e, (qn_type){(uint8_t)type, -1}, QN_CAST_IMPLICIT, -1) : NULL;
    bool     number = type == QN_TYPE_BIGINT && e && e->kind == QN_EXPR_CONST &&
                  (e->type.id == QN_TYPE_INTEGER || e->type.id == QN_TYPE_BIGINT);

    if (b->status != QN_OK) {
        return NULL;
    }
    if (number && !e->null) {
        return e;
    }
    if (!as || as->kind != QN_EXPR_CONST || as->null) {
        const char *what = type == QN_TYPE_TEXT      ? "a text constant"
                           : type == QN_TYPE_BOOLEAN ? "true or false"
                                                     : "a whole number";
        return bad_option(b, function, name, what, qn_pg_location(node)), NULL;
    }
    return as;
}

static const char *text_of(qn_binder *b, const qn_expr *e)
{
    const char *copy =
        qn_arena_strndup(b->arena, qn_str_data(&e->value.str), e->value.str.bytes);

    if (!copy) {
        b->status = qn_nomem(b->err);
    }
    return copy;
}

/* One byte that can stand in a line of text; `none`: or nothing at all. */
static bool take_char(qn_binder *b, const qn_expr *e, bool none, const char *function,
                      const char *name, int32_t location, char *out)
{
    const char *s = qn_str_data(&e->value.str);
    uint32_t    n = e->value.str.bytes;

    if (n == 0 && none) {
        *out = '\0';
        return true;
    }
    if (n != 1 || *s == '\n' || *s == '\r' || (unsigned char)*s >= 0x80) {
        return bad_option(b, function, name, "a single one-byte character", location), false;
    }
    *out = *s;
    return true;
}

static bool take_sample(qn_binder *b, const qn_expr *e, const char *function, int32_t location,
                        uint64_t *rows)
{
    int64_t n = e->type.id == QN_TYPE_INTEGER ? e->value.i32 : e->value.i64;

    if (n < -1 || n == 0) {
        return bad_option(b, function, option_names[OPTION_SAMPLE_SIZE],
                          "a number of rows, or -1 for all", location),
               false;
    }
    *rows = n < 0 ? UINT64_MAX : (uint64_t)n;
    return true;
}

static bool take_option(qn_binder *b, qn_scope *s, const qn_pg *node, option o, const char *function,
                        qn_file_call *call)
{
    static const uint8_t types[OPTION_COUNT] = {
        QN_TYPE_TEXT, QN_TYPE_TEXT,    QN_TYPE_TEXT,  QN_TYPE_BOOLEAN,
        QN_TYPE_TEXT, QN_TYPE_BOOLEAN, QN_TYPE_BIGINT};
    const char    *name = option_names[o];
    int32_t        location = qn_pg_location(node);
    const qn_expr *e = constant(b, s, node, (qn_sql_type)types[o], function, name);

    if (!e) {
        return false;
    }
    switch (o) {
    case OPTION_DELIM:
        call->has_delimiter = true;
        return take_char(b, e, false, function, name, location, &call->delimiter);
    case OPTION_QUOTE:
        call->has_quote = true;
        return take_char(b, e, true, function, name, location, &call->quote);
    case OPTION_ESCAPE:
        call->has_escape = true;
        return take_char(b, e, true, function, name, location, &call->escape);
    case OPTION_HEADER:
        call->has_header = true;
        call->header = e->value.b;
        return true;
    case OPTION_NULLSTR:
        call->null_text = text_of(b, e);
        return call->null_text != NULL;
    case OPTION_ALL_VARCHAR:
        call->all_text = e->value.b;
        return true;
    case OPTION_SAMPLE_SIZE:
        return take_sample(b, e, function, location, &call->sample_rows);
    case OPTION_COUNT:
        break;
    }
    QN_UNREACHABLE();
}

/* The option called like this; OPTION_COUNT after an error. */
static option find_option(qn_binder *b, const struct file_function *fn,
                          const PgQuery__NamedArgExpr *arg)
{
    for (int o = 0; o < OPTION_COUNT && !fn->parquet; o++) {
        if (strcmp(arg->name, option_names[o]) == 0) {
            return (option)o;
        }
    }
    QN_BIND_FAIL(b, UNDEFINED_FUNCTION, arg->location, "%s has no option \"%s\"", fn->name,
                 arg->name);
    if (fn->parquet) {
        qn_error_hint(b->err, "It takes a path and no options.");
    } else {
        qn_error_hint(b->err, "Its options are delim, quote, escape, header, nullstr, all_varchar and "
                              "sample_size.");
    }
    return OPTION_COUNT;
}

static bool take_arguments(qn_binder *b, qn_scope *s, const struct file_function *fn,
                           const PgQuery__FuncCall *f, qn_file_call *call)
{
    bool seen[OPTION_COUNT] = {false};

    for (size_t i = 0; i < f->n_args; i++) {
        const qn_pg *node = f->args[i];
        if (node->node_case == QN_PG(NAMED_ARG_EXPR)) {
            const PgQuery__NamedArgExpr *arg = node->named_arg_expr;
            option                       o = find_option(b, fn, arg);
            if (o == OPTION_COUNT) {
                return false;
            }
            if (seen[o]) {
                return QN_BIND_FAIL(b, SYNTAX_ERROR, arg->location,
                                    "argument name \"%s\" used more than once", arg->name),
                       false;
            }
            seen[o] = true;
            if (!take_option(b, s, arg->arg, o, fn->name, call)) {
                return false;
            }
            continue;
        }
        if (i > 0) {
            return QN_BIND_FAIL(b, SYNTAX_ERROR, qn_pg_location(node),
                                "%s takes one path; options are named, as in header => true",
                                fn->name),
                   false;
        }
        const qn_expr *path = constant(b, s, node, QN_TYPE_TEXT, fn->name, "the path");
        if (!path || !(call->path = text_of(b, path))) {
            return false;
        }
    }
    if (!call->path || !*call->path) {
        return bad_option(b, fn->name, "the path", "given", f->location), false;
    }
    if (call->has_quote && call->quote && call->has_delimiter && call->quote == call->delimiter) {
        return bad_option(b, fn->name, "quote", "different from delim", f->location), false;
    }
    return true;
}

qn_relation *qn_bind_file(qn_binder *b, qn_scope *s, const PgQuery__FuncCall *f, bool ordinality)
{
    const struct file_function *fn = find(qn_pg_string(f->funcname[f->n_funcname - 1]));
    qn_relation                *rel = QN_BIND_NEW(b, qn_relation);
    qn_file_call               *call = rel ? QN_BIND_NEW(b, qn_file_call) : NULL;

    if (!call || !fn) {
        return NULL;
    }
    call->function = fn->name;
    call->parquet = fn->parquet;
    if (ordinality) {
        return qn_bind_unsupported(b, f->location, "WITH ORDINALITY of files"), NULL;
    }
    if (!take_arguments(b, s, fn, f, call)) {
        return NULL;
    }
    rel->kind = QN_REL_FILE;
    rel->alias = fn->name;
    rel->file = call;
    if (!b->context->open_files || b->detached) {
        return qn_bind_unsupported(b, f->location, "reading files here"), NULL;
    }
    b->status = b->context->open_files(b->context->open_files_arg, call, b->arena, rel, b->err);
    if (b->status != QN_OK) {
        if (b->err) {
            qn_error_locate(b->err, f->location);
        }
        return NULL;
    }
    rel->next_file = b->files;
    b->files = rel;
    return rel;
}
