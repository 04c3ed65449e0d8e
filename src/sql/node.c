/* Building and comparing bound expressions.
 *
 * Nodes may be shared (NULLIF, BETWEEN, simple CASE use an operand twice), so an expression is a
 * graph that others walk as a tree.  Each node carries the size of that tree behind the public
 * struct; growth beyond QN_SQL_MAX_WEIGHT is 54001, so that no later pass takes exponential time.
 *
 * Invariant: every node of this module comes from qn_node(). */
#include "sql/sql_int.h"

typedef struct weighed {
    qn_expr  expr; /* first: a qn_expr * is a weighed * */
    uint64_t weight;
} weighed;

uint64_t qn_expr_weight(const qn_expr *e)
{
    return ((const weighed *)e)->weight;
}

void *qn_bind_alloc(qn_binder *b, size_t bytes)
{
    void *p = qn_arena_alloc0(b->arena, bytes);

    if (!p) {
        b->status = qn_nomem(b->err);
    }
    return p;
}

char *qn_bind_strdup(qn_binder *b, const char *s)
{
    char *p = qn_arena_strdup(b->arena, s);

    if (!p) {
        b->status = qn_nomem(b->err);
    }
    return p;
}

qn_status qn_bind_unsupported(qn_binder *b, int32_t location, const char *feature)
{
    return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, location, "%s is not supported", feature);
}

bool qn_bind_enter(qn_binder *b, int32_t location)
{
    if (++b->depth > 4 * QN_SQL_MAX_DEPTH) {
        return QN_BIND_FAIL(b, TOO_COMPLEX, location, "statement is nested too deeply"), false;
    }
    return true;
}

qn_expr *qn_node(qn_binder *b, qn_expr_kind kind, qn_type type, uint32_t argc, qn_expr **args,
                 int32_t location)
{
    weighed *w = QN_BIND_NEW(b, weighed);

    if (!w) {
        return NULL;
    }
    w->weight = 1;
    for (uint32_t i = 0; i < argc; i++) {
        w->weight += qn_expr_weight(args[i]);
        /* exprLocation(): an expression begins where its leftmost part does. */
        if (args[i]->location >= 0 && (location < 0 || args[i]->location < location)) {
            location = args[i]->location;
        }
    }
    if (w->weight > QN_SQL_MAX_WEIGHT) {
        QN_BIND_FAIL(b, TOO_COMPLEX, location, "expression is too complex");
        qn_error_hint(b->err,
                      "An operand that is needed several times (CASE x WHEN …, NULLIF, BETWEEN) "
                      "is repeated for each use; nest fewer of them.");
        return NULL;
    }
    w->expr.kind = (uint8_t)kind;
    w->expr.type = type;
    w->expr.argc = argc;
    w->expr.args = args;
    w->expr.location = b->detached ? -1 : location;
    return &w->expr;
}

qn_expr *qn_node1(qn_binder *b, qn_expr_kind kind, qn_type type, qn_expr *arg, int32_t location)
{
    qn_expr **args = QN_BIND_ARRAY(b, qn_expr *, 1);

    if (!args) {
        return NULL;
    }
    args[0] = arg;
    return qn_node(b, kind, type, 1, args, location);
}

qn_expr *qn_node2(qn_binder *b, qn_expr_kind kind, qn_type type, qn_expr *left, qn_expr *right,
                  int32_t location)
{
    qn_expr **args = QN_BIND_ARRAY(b, qn_expr *, 2);

    if (!args) {
        return NULL;
    }
    args[0] = left;
    args[1] = right;
    return qn_node(b, kind, type, 2, args, location);
}

qn_expr *qn_null_const(qn_binder *b, qn_type type)
{
    qn_expr *e = qn_node(b, QN_EXPR_CONST, type, 0, NULL, -1);

    if (e) {
        e->null = true;
    }
    return e;
}

qn_expr *qn_int_const(qn_binder *b, qn_sql_type id, int64_t value, int32_t location)
{
    qn_expr *e = qn_node(b, QN_EXPR_CONST, (qn_type){(uint8_t)id, -1}, 0, NULL, location);

    if (e && id == QN_TYPE_INTEGER) {
        e->value.i32 = (int32_t)value;
    } else if (e) {
        e->value.i64 = value;
    }
    return e;
}

static bool const_equal(const qn_expr *a, const qn_expr *b)
{
    if (a->null || b->null) {
        return a->null && b->null;
    }
    if (a->type.id == QN_TYPE_UNKNOWN) {
        return qn_str_equal(&a->value.str, &b->value.str);
    }
    return qn_value_compare_stored((qn_sql_type)a->type.id, &a->value, &b->value) == 0;
}

bool qn_expr_equal(const qn_expr *a, const qn_expr *b)
{
    if (a == b) {
        return true;
    }
    if (a->kind != b->kind || a->type.id != b->type.id || a->type.typmod != b->type.typmod ||
        a->index != b->index || a->argc != b->argc || a->explicit_ != b->explicit_ ||
        qn_expr_weight(a) != qn_expr_weight(b)) {
        return false;
    }
    if (a->kind == QN_EXPR_CONST) {
        return const_equal(a, b);
    }
    for (uint32_t i = 0; i < a->argc; i++) {
        if (!qn_expr_equal(a->args[i], b->args[i])) {
            return false;
        }
    }
    return true;
}

bool qn_expr_has_column(const qn_expr *e)
{
    if (e->kind == QN_EXPR_COLUMN || e->kind == QN_EXPR_KEY || e->kind == QN_EXPR_AGG) {
        return true;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (qn_expr_has_column(e->args[i])) {
            return true;
        }
    }
    return false;
}

bool qn_expr_volatile(const qn_expr *e)
{
    if (e->kind == QN_EXPR_CALL && qn_function_by_id(e->index)->volatility == QN_VOLATILE) {
        return true;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (qn_expr_volatile(e->args[i])) {
            return true;
        }
    }
    return false;
}
