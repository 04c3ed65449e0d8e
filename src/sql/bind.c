/* The doors of sql/: one statement, one expression.
 *
 * Order of checks: the bytes (22021), the number of tokens and the nesting (54001), the grammar
 * (42601), the meaning.  Parsing and binding recurse over the statement, so a deep one runs on a
 * thread with a 256 MB stack, from the parser to the last check; a shallow one runs where it is. */
#include "sql/sql_int.h"
#include "base/thread.h"

#include <stdio.h>

/* PostgreSQL's message lists the bytes of the character that is broken. */
static qn_status bad_bytes(const char *sql, size_t bytes, size_t at, qn_error *err)
{
    unsigned char first = (unsigned char)sql[at];
    size_t want = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    char   list[32];
    size_t n = 0;

    want = first >= 0xf8 ? 1 : want;
    for (size_t i = at; i < at + want && i < bytes; i++) {
        n += (size_t)snprintf(list + n, sizeof list - n, "%s0x%02x", i > at ? " " : "",
                              (unsigned char)sql[i]);
    }
    return qn_fail_at(err, QN_SQLSTATE_CHARACTER_NOT_IN_REPERTOIRE, (int)at,
                      "invalid byte sequence for encoding \"UTF8\": %s", list);
}

static qn_status check_bytes(const char *sql, size_t bytes, qn_error *err)
{
    const char *nul = memchr(sql, 0, bytes);
    size_t      bad = qn_utf8_valid(sql, bytes);

    if (nul && (size_t)(nul - sql) < bad) {
        bad = (size_t)(nul - sql);
    }
    return bad < bytes ? bad_bytes(sql, bytes, bad, err) : QN_OK;
}

/* Every parameter must have got a type; references made before it was known take it now. */
static bool settle_params(qn_binder *b)
{
    for (uint32_t i = 0; i < b->param_count; i++) {
        if (b->param_types[i].id == QN_TYPE_UNKNOWN) {
            return QN_BIND_FAIL(b, INDETERMINATE_DATATYPE, -1,
                                "could not determine data type of parameter $%u", i + 1),
                   false;
        }
    }
    for (qn_param_ref *r = b->param_refs; r; r = r->next) {
        r->expr->type = b->param_types[r->expr->index];
    }
    return true;
}

static bool take_declared_params(qn_binder *b)
{
    uint32_t n = b->context->param_count;

    b->param_types = QN_BIND_ARRAY(b, qn_type, n + 1);
    if (!b->param_types) {
        return false;
    }
    if (n) {
        memcpy(b->param_types, b->context->param_types, n * sizeof(qn_type));
    }
    b->param_count = b->param_capacity = n;
    return true;
}

/* ---- on this stack or on a big one ---- */

typedef struct work {
    qn_binder *b;
    void (*fn)(struct work *);
    qn_bound *bound;
    qn_type   type;
    qn_expr  *expr;
    uint32_t  depth; /* of the text, as qn_sql_measure bounds it */
} work;

static void run_work(void *arg)
{
    work *w = arg;

    w->fn(w);
}

static qn_status run(work *w)
{
    qn_binder *b = w->b;
    uint32_t   tokens = 0, depth = 0;
    uint32_t   max = b->context->max_tokens ? b->context->max_tokens : QN_SQL_MAX_TOKENS;
    qn_status  st = qn_sql_measure(b->sql, b->sql_bytes, max, b->arena, &tokens, &depth, b->err);

    if (st != QN_OK) {
        return st;
    }
    w->depth = depth;
    if (depth <= QN_SQL_INLINE_DEPTH) {
        w->fn(w);
        return b->status;
    }
    st = qn_run_on_stack(QN_SQL_STACK_BYTES, run_work, w, b->err);
    return st != QN_OK ? st : b->status;
}

static void bind_statement_work(work *w)
{
    qn_binder            *b = w->b;
    PgQuery__ParseResult *tree = NULL;
    size_t                pos = 0;
    qn_token              first = qn_token_next(b->sql, b->sql_bytes, &pos);

    while (first.kind == QN_TOKEN_PUNCT && b->sql[first.start] == ';') {
        first = qn_token_next(b->sql, b->sql_bytes, &pos);
    }
    if (qn_sql_parse(b, &tree) != QN_OK || tree->n_stmts == 0) {
        return;
    }
    if (tree->n_stmts > 1) { /* the splitter and the grammar disagree about where it ends */
        QN_BIND_FAIL(b, SYNTAX_ERROR, tree->stmts[1]->stmt_location,
                     "cannot bind several statements at once");
        return;
    }
    if (!take_declared_params(b)) {
        return;
    }
    qn_bound *out = qn_bind_statement(b, tree->stmts[0]->stmt, (int32_t)first.start);
    if (out && settle_params(b)) {
        out->param_count = b->param_count;
        out->param_types = b->param_types;
        out->files = b->files;
        w->bound = out;
    }
}

qn_status qn_sql_bind(const qn_bind_context *context, const char *sql, size_t bytes,
                      qn_arena *arena, qn_bound **bound, size_t *consumed, qn_error *err)
{
    qn_binder b = {.context = context, .arena = arena, .err = err};
    work      w = {.b = &b, .fn = bind_statement_work};
    size_t    end = 0;
    bool      blank = true;
    qn_status st = QN_OK;

    *bound = NULL;
    while (blank && end < bytes) {
        end += qn_sql_statement_end(sql + end, bytes - end, &blank);
    }
    *consumed = end;
    if (end > INT32_MAX / 2) {
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "statement is longer than %d bytes",
                       INT32_MAX / 2);
    }
    QN_TRY(check_bytes(sql, end, err));
    if (blank) {
        return QN_OK;
    }
    QN_ALLOC(err, b.sql = qn_arena_strndup(arena, sql, end));
    b.sql_bytes = end;
    QN_TRY(run(&w));
    *bound = w.bound;
    if (w.bound) {
        w.bound->depth = w.depth;
    }
done:
    return st;
}

/* ---- one expression ---- */

static const qn_pg *only_target(const PgQuery__ParseResult *tree)
{
    const qn_pg               *n = tree->n_stmts == 1 ? tree->stmts[0]->stmt : NULL;
    const PgQuery__SelectStmt *s = n && n->node_case == QN_PG(SELECT_STMT) ? n->select_stmt : NULL;

    if (!s || s->n_target_list != 1 || s->n_from_clause || s->where_clause || s->n_values_lists) {
        return NULL;
    }
    return s->target_list[0]->res_target->val;
}

static void bind_expr_work(work *w)
{
    qn_binder            *b = w->b;
    qn_scope              scope = {.clause = QN_CLAUSE_DEFAULT};
    PgQuery__ParseResult *tree = NULL;

    if (qn_sql_parse(b, &tree) != QN_OK) {
        return;
    }
    const qn_pg *n = only_target(tree);
    if (!n) {
        QN_BIND_FAIL(b, SYNTAX_ERROR, -1, "the text is not one expression");
        return;
    }
    qn_expr *e = qn_bind_expr(b, &scope, n);
    if (!e) {
        return;
    }
    w->expr = qn_coerce(b, e, w->type, QN_CAST_ASSIGNMENT, -1);
    if (!w->expr && b->status == QN_OK) {
        QN_BIND_FAIL(b, DATATYPE_MISMATCH, -1, "expression is of type %s but must be of type %s",
                     qn_type_name((qn_sql_type)e->type.id), qn_type_name((qn_sql_type)w->type.id));
    }
}

qn_status qn_sql_bind_expr(const qn_bind_context *context, const char *sql, qn_type type,
                           qn_arena *arena, qn_expr **expr, qn_error *err)
{
    qn_binder b = {
        .context = context, .arena = arena, .err = err, .detached = true, .no_params = true};
    work      w = {.b = &b, .fn = bind_expr_work, .type = type};
    qn_status st = QN_OK;

    *expr = NULL;
    QN_TRY(check_bytes(sql, strlen(sql), err));
    /* The line break ends a trailing comment. */
    QN_ALLOC(err, b.sql = qn_arena_printf(arena, "SELECT (%s\n)", sql));
    b.sql_bytes = strlen(b.sql);
    QN_TRY(run(&w));
    *expr = w.expr;
done:
    return st;
}
