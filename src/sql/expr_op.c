/* Operators with a shape of their own: IN, ANY, BETWEEN, LIKE, IS DISTINCT FROM, NULLIF, rows.
 *
 * Everything becomes calls of operator functions joined by AND and OR, except lists of constants,
 * which keep their identity as QN_EXPR_IN so that a list of thousands is one set and not thousands
 * of comparisons. */
#include "sql/sql_int.h"

static qn_expr *negate(qn_binder *b, qn_expr *e, int32_t location)
{
    return e ? qn_node1(b, QN_EXPR_NOT, QN_TYPE(BOOLEAN), e, location) : NULL;
}

static qn_expr *joined(qn_binder *b, qn_expr_kind kind, qn_expr *left, qn_expr *right,
                       int32_t location)
{
    return left && right ? qn_node2(b, kind, QN_TYPE(BOOLEAN), left, right, location) : NULL;
}

static const char *operator_name(qn_binder *b, const PgQuery__AExpr *x)
{
    if (x->n_name > 1 && strcmp(qn_pg_string(x->name[0]), "pg_catalog") != 0) {
        QN_BIND_FAIL(b, UNDEFINED_FUNCTION, x->location, "operator does not exist: %s",
                     qn_pg_names(b, x->name, x->n_name));
        return NULL;
    }
    return x->n_name ? qn_pg_string(x->name[x->n_name - 1]) : "";
}

/* ---- IS DISTINCT FROM ---- */

/* A date may lie beyond what a timestamp can hold, so it is not converted but compared by their own equality. */
static bool mixed_dates(uint8_t a, uint8_t b)
{
    bool date = a == QN_TYPE_DATE || b == QN_TYPE_DATE;
    return a != b && (date || a == QN_TYPE_TIMESTAMPTZ || b == QN_TYPE_TIMESTAMPTZ);
}

/* The machine compares values of one type by their bytes or bank: operands of a mixed equality are
 * widened, and char(n), where blanks at the end do not count, becomes text. */
static qn_expr *distinct(qn_binder *b, qn_expr *left, qn_expr *right, int32_t location)
{
    qn_expr *eq = qn_bind_operator(b, "=", left, right, location), *e = NULL;
    qn_type  type;

    if (!eq) {
        return NULL;
    }
    if (eq->args[0]->type.id != eq->args[1]->type.id || eq->args[0]->type.id == QN_TYPE_CHAR) {
        qn_expr *args[2] = {eq->args[0], eq->args[1]};
        if (mixed_dates(args[0]->type.id, args[1]->type.id)) {
            qn_expr *both = joined(b, QN_EXPR_AND,
                                   qn_node1(b, QN_EXPR_IS_NULL, QN_TYPE(BOOLEAN), args[0], location),
                                   qn_node1(b, QN_EXPR_IS_NULL, QN_TYPE(BOOLEAN), args[1], location),
                                   location);
            return negate(b, joined(b, QN_EXPR_COALESCE, eq, both, location), location);
        }
        if (args[0]->type.id == QN_TYPE_CHAR) {
            type = QN_TYPE(TEXT);
        } else if (!qn_common_type(b, args, 2, "IS DISTINCT FROM", &type)) {
            return NULL;
        }
        for (int i = 0; i < 2; i++) {
            args[i] = qn_coerce(b, args[i], type, QN_CAST_IMPLICIT, location);
            if (!args[i]) {
                return NULL;
            }
        }
        eq = qn_bind_operator(b, "=", args[0], args[1], location);
    }
    if (eq) {
        e = qn_node(b, QN_EXPR_IS_DISTINCT, QN_TYPE(BOOLEAN), 2, eq->args, location);
    }

    if (e) {
        e->index = eq->index;
    }
    return e;
}

static bool is_null_literal(const qn_pg *n)
{
    return n && n->node_case == QN_PG(A_CONST) && n->a_const->isnull;
}

/* ---- rows ---- */

/* (a, b) < (c, d) is CASE WHEN a = c THEN b < d ELSE a < c END: the last column carries the operator as written,
 * the ones before its strict form, and what follows a NULL or a difference is not computed. */
static qn_expr *row_order(qn_binder *b, const char *op, qn_expr **l, qn_expr **r, size_t n,
                          int32_t location)
{
    const char *strict = op[0] == '<' ? "<" : ">";
    qn_expr    *rest = qn_bind_operator(b, op, l[n - 1], r[n - 1], location);

    for (size_t i = n - 1; rest && i-- > 0;) {
        qn_expr *less = qn_bind_operator(b, strict, l[i], r[i], location);
        qn_expr *same = less ? qn_bind_operator(b, "=", l[i], r[i], location) : NULL;
        qn_expr **args = same ? QN_BIND_ARRAY(b, qn_expr *, 3) : NULL;
        if (!args) {
            return NULL;
        }
        args[0] = same;
        args[1] = rest;
        args[2] = less;
        rest = qn_node(b, QN_EXPR_CASE, QN_TYPE(BOOLEAN), 3, args, location);
    }
    return rest;
}

static qn_expr *row_compare(qn_binder *b, const char *op, qn_expr **l, qn_expr **r, size_t n,
                            bool is_distinct, int32_t location)
{
    bool equal = strcmp(op, "=") == 0 && !is_distinct,
         differ = strcmp(op, "<>") == 0 || is_distinct;
    qn_expr **parts = QN_BIND_ARRAY(b, qn_expr *, n);

    if (!parts) {
        return NULL;
    }
    if (!equal && !differ) {
        if (strcmp(op, "<") != 0 && strcmp(op, "<=") != 0 && strcmp(op, ">") != 0 &&
            strcmp(op, ">=") != 0) {
            QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, location,
                         "could not determine interpretation of row comparison operator %s", op);
            qn_error_hint(
                b->err,
                "Row comparison operators must be associated with btree operator families.");
            return NULL;
        }
        return row_order(b, op, l, r, n, location);
    }
    for (size_t i = 0; i < n; i++) {
        parts[i] = is_distinct ? distinct(b, l[i], r[i], location)
                               : qn_bind_operator(b, op, l[i], r[i], location);
        if (!parts[i]) {
            return NULL;
        }
    }
    return n == 1 ? parts[0]
                  : qn_node(b, equal ? QN_EXPR_AND : QN_EXPR_OR, QN_TYPE(BOOLEAN), (uint32_t)n,
                            parts, location);
}

static qn_expr **bind_row(qn_binder *b, qn_scope *s, const PgQuery__RowExpr *row)
{
    qn_expr **args = QN_BIND_ARRAY(b, qn_expr *, row->n_args + 1);

    for (size_t i = 0; args && i < row->n_args; i++) {
        if (!(args[i] = qn_bind_expr(b, s, row->args[i]))) {
            return NULL;
        }
    }
    return args;
}

static bool is_row(const qn_pg *n)
{
    return n && n->node_case == QN_PG(ROW_EXPR);
}

static bool row_shape(qn_binder *b, const PgQuery__RowExpr *l, const PgQuery__RowExpr *r,
                      int32_t location)
{
    if (l->n_args != r->n_args) {
        return QN_BIND_FAIL(b, SYNTAX_ERROR, location,
                            "unequal number of entries in row expressions"),
               false;
    }
    if (l->n_args == 0) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, location,
                            "cannot compare rows of zero length"),
               false;
    }
    return true;
}

static qn_expr *rows(qn_binder *b, qn_scope *s, const char *op, const qn_pg *left,
                     const qn_pg *right, bool is_distinct, int32_t location)
{
    qn_expr **l = bind_row(b, s, left->row_expr);
    qn_expr **r = l ? bind_row(b, s, right->row_expr) : NULL;

    if (!r || !row_shape(b, left->row_expr, right->row_expr, location)) {
        return NULL;
    }
    return row_compare(b, op, l, r, left->row_expr->n_args, is_distinct, location);
}

/* ---- IN ---- */

/* Width of an integer type, 0 for the others. */
static int integer_bytes(uint8_t id)
{
    return id == QN_TYPE_SMALLINT ? 2 : id == QN_TYPE_INTEGER ? 4 : id == QN_TYPE_BIGINT ? 8 : 0;
}

/* A constant as a constant of another type, by way of its text, where that is what the cast means
 * and settings play no part.  NULL when it has to stay a call. */
static qn_expr *recast_const(qn_binder *b, const qn_expr *e, qn_sql_type to)
{
    bool whole = integer_bytes(e->type.id) > 0;
    bool numbers = (whole || e->type.id == QN_TYPE_NUMERIC) && qn_type_category(to, NULL) == 'N';
    bool strings = e->type.id == QN_TYPE_VARCHAR && to == QN_TYPE_TEXT;
    bool dates = e->type.id == QN_TYPE_DATE && to == QN_TYPE_TIMESTAMP;
    qn_error ignored;
    qn_buf   text;
    qn_expr *out;

    if (!numbers && !strings && !dates) {
        return NULL;
    }
    if (!(out = qn_node(b, QN_EXPR_CONST, (qn_type){(uint8_t)to, -1}, 0, NULL, e->location))) {
        return NULL;
    }
    out->null = e->null;
    /* Any number of the token's type also fits a wider one, so the token may still be patched. */
    out->literal =
        e->literal && whole &&
        (!integer_bytes((uint8_t)to) || integer_bytes((uint8_t)to) > integer_bytes(e->type.id));
    if (!e->null) {
        qn_buf_init(&text, b->context->env->mem);
        qn_value_print(e->type, &e->value, b->context->settings, &text);
        qn_error_clear(&ignored);
        bool      ok = qn_buf_ok(&text);
        qn_status st = ok ? qn_value_parse(out->type, text.data, text.bytes, b->context->settings,
                                           b->arena, &out->value, &ignored)
                          : qn_nomem(b->err);
        qn_buf_deinit(&text);
        if (!ok || st == QN_NOMEM) {
            b->status = qn_nomem(b->err);
        }
        if (st != QN_OK) {
            return NULL; /* out of range: the cast reports it when it runs */
        }
    }
    return out;
}

/* The item as a constant or parameter of the type that the comparison wants, else as any
 * expression. */
static qn_expr *list_item(qn_binder *b, qn_expr *item, qn_type type, bool *constant)
{
    if (item->kind == QN_EXPR_CONST && item->type.id != QN_TYPE_UNKNOWN &&
        item->type.id != type.id) {
        qn_expr *c = recast_const(b, item, (qn_sql_type)type.id);
        if (c || b->status != QN_OK) {
            return c;
        }
    }
    qn_expr *e = qn_coerce_common(b, item, type, "IN");
    if (e && e->kind != QN_EXPR_CONST && e->kind != QN_EXPR_PARAM) {
        *constant = false;
    }
    return e;
}

/* All constants of a list in a narrower integer type; false when one does not fit or none is meant.
 */
static bool narrow_items(qn_binder *b, qn_expr **items, size_t n, qn_type from, qn_type to,
                         qn_expr **out)
{
    if (!integer_bytes(to.id) || integer_bytes(from.id) <= integer_bytes(to.id)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (items[i]->kind != QN_EXPR_CONST ||
            !(out[i] = recast_const(b, items[i], (qn_sql_type)to.id))) {
            return false;
        }
    }
    return true;
}

/* left IN (items), one set of one type.  Where the operator compares two types (smallint = integer)
 * the constants take the column's type when all of them fit, so that the column stays bare; else
 * the left side is cast.  NULL with status OK: not all items are constants of the operator's type.
 */
static qn_expr *in_set(qn_binder *b, qn_expr *first, qn_expr **items, size_t n, int32_t location)
{
    qn_expr **args = QN_BIND_ARRAY(b, qn_expr *, n + 1);
    qn_expr  *left = first->args[0];
    qn_type   want = first->args[1]->type;
    bool      constant = true;

    if (!args) {
        return NULL;
    }
    if (want.id == QN_TYPE_CHAR) { /* sets compare bytes, but blanks at the end do not count */
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        args[i + 1] =
            items[i]->type.id == want.id ? items[i] : list_item(b, items[i], want, &constant);
        if (!args[i + 1]) {
            return NULL;
        }
    }
    if (!constant) {
        return NULL;
    }
    if (left->type.id != want.id) {
        qn_expr **narrow = QN_BIND_ARRAY(b, qn_expr *, n);
        if (!narrow) {
            return NULL;
        }
        if (narrow_items(b, args + 1, n, want, left->type, narrow)) {
            memcpy(args + 1, narrow, n * sizeof(qn_expr *));
        } else if (b->status != QN_OK ||
                   !(left = qn_coerce(b, left, (qn_type){want.id, -1}, QN_CAST_IMPLICIT, -1))) {
            return NULL;
        }
        first = qn_bind_operator(b, "=", left, args[1], location);
        if (!first || first->args[0]->type.id != first->args[1]->type.id) {
            return NULL;
        }
    }
    args[0] = first->args[0];
    qn_expr *in = qn_node(b, QN_EXPR_IN, QN_TYPE(BOOLEAN), (uint32_t)n + 1, args, location);
    if (in) {
        in->index = first->index;
    }
    return in;
}

/* left op ANY/ALL of items, all of one common type. */
static qn_expr *scalar_list(qn_binder *b, qn_expr *left, qn_expr **items, size_t n, qn_type type,
                            const char *op, bool all, int32_t location)
{
    bool constant = true, equality = strcmp(op, "=") == 0 && !all,
         inequality = strcmp(op, "<>") == 0 && all;
    qn_expr **cast = QN_BIND_ARRAY(b, qn_expr *, n);
    qn_expr **parts = QN_BIND_ARRAY(b, qn_expr *, n);

    if (!cast || !parts) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (!(cast[i] = list_item(b, items[i], type, &constant))) {
            return NULL;
        }
    }
    /* The comparison with the first item tells which types the operator wants. */
    qn_expr *first = qn_bind_operator(b, inequality ? "=" : op, left, cast[0], location);
    if (!first) {
        return NULL;
    }
    if ((equality || inequality) && constant && n > 1) {
        qn_expr *in = in_set(b, first, cast, n, location);
        if (in || b->status != QN_OK) {
            return inequality ? negate(b, in, location) : in;
        }
    }
    for (size_t i = 0; i < n; i++) {
        qn_expr *cmp = qn_bind_operator(b, op, left, cast[i], location);
        if (!cmp || !(parts[i] = qn_coerce_boolean(b, cmp, "IN"))) {
            return NULL;
        }
    }
    return n == 1 ? parts[0]
                  : qn_node(b, all ? QN_EXPR_AND : QN_EXPR_OR, QN_TYPE(BOOLEAN), (uint32_t)n, parts,
                            location);
}

static qn_expr *row_in(qn_binder *b, qn_scope *s, qn_pg *left, qn_pg *const *items, size_t n,
                       const char *op, bool all, int32_t location)
{
    qn_expr **l = bind_row(b, s, left->row_expr);
    qn_expr **parts = l ? QN_BIND_ARRAY(b, qn_expr *, n) : NULL;

    for (size_t i = 0; parts && i < n; i++) {
        if (!is_row(items[i])) {
            return qn_bind_unsupported(b, location, "comparing a row with something else"), NULL;
        }
        qn_expr **r = bind_row(b, s, items[i]->row_expr);
        if (!r || !row_shape(b, left->row_expr, items[i]->row_expr, location) ||
            !(parts[i] = row_compare(b, op, l, r, left->row_expr->n_args, false, location))) {
            return NULL;
        }
    }
    if (!parts) {
        return NULL;
    }
    return n == 1 ? parts[0]
                  : qn_node(b, all ? QN_EXPR_AND : QN_EXPR_OR, QN_TYPE(BOOLEAN), (uint32_t)n, parts,
                            location);
}

/* Constants of the list are compared as one set of a common type; expressions over columns one by
 * one. */
qn_expr *qn_bind_in(qn_binder *b, qn_scope *s, qn_pg *left, qn_pg *const *items, size_t n,
                    const char *op, bool all, bool array, int32_t location)
{
    if (is_row(left)) {
        return row_in(b, s, left, items, n, op, all, location);
    }
    qn_expr  *l = qn_bind_expr(b, s, left);
    qn_expr **common = QN_BIND_ARRAY(b, qn_expr *, n + 1),
            **single = QN_BIND_ARRAY(b, qn_expr *, n + 1);
    size_t  common_count = 0, single_count = 0;
    qn_type type = QN_TYPE(UNKNOWN);

    if (!l || !common || !single) {
        return NULL;
    }
    common[0] = l;
    for (size_t i = 0; i < n; i++) {
        qn_expr *e = qn_bind_expr(b, s, items[i]);
        if (!e) {
            return NULL;
        }
        if (array || !qn_expr_has_column(e)) {
            common[1 + common_count++] = e;
        } else {
            single[single_count++] = e;
        }
    }
    qn_expr *set = NULL;
    if (array) {
        if (!qn_common_type(b, common + 1, common_count, "ARRAY", &type)) {
            return NULL;
        }
    } else if (common_count > 1 && !qn_common_type(b, common, common_count + 1, NULL, &type)) {
        return NULL;
    }
    if (type.id != QN_TYPE_UNKNOWN) {
        if (!(set = scalar_list(b, l, common + 1, common_count, type, op, all, location))) {
            return NULL;
        }
    } else {
        /* No common type, or one item: each on its own. */
        for (size_t i = 0; i < common_count; i++) {
            single[single_count++] = common[1 + i];
        }
    }
    qn_expr **parts = QN_BIND_ARRAY(b, qn_expr *, single_count + 1);
    size_t    count = 0;
    if (!parts) {
        return NULL;
    }
    if (set) {
        parts[count++] = set;
    }
    for (size_t i = 0; i < single_count; i++) {
        qn_expr *cmp = qn_bind_operator(b, op, l, single[i], location);
        if (!cmp || !(parts[count++] = qn_coerce_boolean(b, cmp, "IN"))) {
            return NULL;
        }
    }
    return count == 1 ? parts[0]
                      : qn_node(b, all ? QN_EXPR_AND : QN_EXPR_OR, QN_TYPE(BOOLEAN),
                                (uint32_t)count, parts, location);
}

/* x op ANY (ARRAY[…]) and ALL. */
static qn_expr *any_all(qn_binder *b, qn_scope *s, const PgQuery__AExpr *x, const char *op,
                        bool all)
{
    const qn_pg *array = x->rexpr;

    if (!array || array->node_case != QN_PG(A_ARRAY_EXPR) || array->a_array_expr->n_elements == 0) {
        return qn_bind_unsupported(b, qn_pg_location(array),
                                   "an array other than ARRAY[…] in ANY or ALL"),
               NULL;
    }
    return qn_bind_in(b, s, x->lexpr, array->a_array_expr->elements,
                      array->a_array_expr->n_elements, op, all, true, x->location);
}

/* ---- BETWEEN ---- */

typedef struct bounds {
    qn_expr *x, *low, *high;
    int32_t  location;
} bounds;

static qn_expr *between(qn_binder *b, const bounds *r, bool swap, bool negated)
{
    qn_expr *low = swap ? r->high : r->low, *high = swap ? r->low : r->high;
    qn_expr *l = qn_bind_operator(b, negated ? "<" : ">=", r->x, low, r->location);
    qn_expr *h = l ? qn_bind_operator(b, negated ? ">" : "<=", r->x, high, r->location) : NULL;

    return joined(b, negated ? QN_EXPR_OR : QN_EXPR_AND, l, h, r->location);
}

static qn_expr *bind_between(qn_binder *b, qn_scope *s, const PgQuery__AExpr *x)
{
    bool negated = x->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN ||
                   x->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
    bool symmetric = x->kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM ||
                     x->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
    const PgQuery__List *list =
        x->rexpr && x->rexpr->node_case == QN_PG(LIST) ? x->rexpr->list : NULL;
    bounds r = {NULL, NULL, NULL, x->location};

    if (!list || list->n_items != 2) {
        return QN_BIND_FAIL(b, INTERNAL_ERROR, x->location, "BETWEEN lacks its bounds"), NULL;
    }
    if (!(r.x = qn_bind_expr(b, s, x->lexpr)) || !(r.low = qn_bind_expr(b, s, list->items[0])) ||
        !(r.high = qn_bind_expr(b, s, list->items[1]))) {
        return NULL;
    }
    qn_expr *e = between(b, &r, false, negated);
    if (!e || !symmetric) {
        return e;
    }
    return joined(b, negated ? QN_EXPR_AND : QN_EXPR_OR, e, between(b, &r, true, negated),
                  x->location);
}

/* ---- NULLIF ---- */

static qn_expr *nullif(qn_binder *b, qn_scope *s, const PgQuery__AExpr *x)
{
    qn_expr  *left = qn_bind_expr(b, s, x->lexpr);
    qn_expr  *right = left ? qn_bind_expr(b, s, x->rexpr) : NULL;
    qn_expr  *eq = right ? qn_bind_operator(b, "=", left, right, x->location) : NULL;
    qn_expr **args = eq ? QN_BIND_ARRAY(b, qn_expr *, 3) : NULL;

    if (!args) {
        return NULL;
    }
    if (eq->type.id != QN_TYPE_BOOLEAN) {
        return QN_BIND_FAIL(b, DATATYPE_MISMATCH, x->location,
                            "NULLIF requires = operator to yield boolean"),
               NULL;
    }
    qn_type type = eq->args[0]->type; /* the first argument, as the operator sees it */
    args[0] = eq;
    args[1] = qn_null_const(b, type);
    args[2] = eq->args[0];
    return args[1] ? qn_node(b, QN_EXPR_CASE, type, 3, args, x->location) : NULL;
}

/* ---- dispatch ---- */

static qn_expr *plain(qn_binder *b, qn_scope *s, const PgQuery__AExpr *x, const char *op)
{
    qn_expr *left = NULL, *right;

    if (x->lexpr && is_row(x->lexpr) && is_row(x->rexpr)) {
        return rows(b, s, op, x->lexpr, x->rexpr, false, x->location);
    }
    if (x->lexpr && !(left = qn_bind_expr(b, s, x->lexpr))) {
        return NULL;
    }
    if (!(right = qn_bind_expr(b, s, x->rexpr))) {
        return NULL;
    }
    return qn_bind_operator(b, op, left, right, x->location);
}

static qn_expr *distinct_from(qn_binder *b, qn_scope *s, const PgQuery__AExpr *x)
{
    bool     negated = x->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT;
    qn_expr *e;

    if (is_row(x->lexpr) && is_row(x->rexpr)) {
        e = rows(b, s, "=", x->lexpr, x->rexpr, true, x->location);
        return negated ? negate(b, e, x->location) : e;
    }
    if (is_null_literal(x->lexpr) || is_null_literal(x->rexpr)) {
        e = qn_bind_expr(b, s, is_null_literal(x->rexpr) ? x->lexpr : x->rexpr);
        if (e && e->kind == QN_EXPR_CONST) {
            e = qn_coerce_unknown_to_text(b, e);
        }
        return e ? qn_node1(b, negated ? QN_EXPR_IS_NULL : QN_EXPR_IS_NOT_NULL, QN_TYPE(BOOLEAN), e,
                            x->location)
                 : NULL;
    }
    qn_expr *left = qn_bind_expr(b, s, x->lexpr);
    qn_expr *right = left ? qn_bind_expr(b, s, x->rexpr) : NULL;
    e = right ? distinct(b, left, right, x->location) : NULL;
    return negated ? negate(b, e, x->location) : e;
}

qn_expr *qn_bind_a_expr(qn_binder *b, qn_scope *s, const PgQuery__AExpr *x)
{
    const char *op = operator_name(b, x);

    if (!op) {
        return NULL;
    }
    switch (x->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
        return plain(b, s, x, op);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
        return any_all(b, s, x, op, false);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
        return any_all(b, s, x, op, true);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
        return distinct_from(b, s, x);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
        return nullif(b, s, x);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
        if (!x->rexpr || x->rexpr->node_case != QN_PG(LIST)) {
            return QN_BIND_FAIL(b, INTERNAL_ERROR, x->location, "IN lacks its list"), NULL;
        }
        return qn_bind_in(b, s, x->lexpr, x->rexpr->list->items, x->rexpr->list->n_items, op,
                          strcmp(op, "<>") == 0, false, x->location);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
        return bind_between(b, s, x);
    default:
        return qn_bind_unsupported(b, x->location, "this operator"), NULL;
    }
}
