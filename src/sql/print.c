/* Bound expressions as SQL text, for EXPLAIN and messages.
 *
 * Operators print as operators where their function implements one, casts with ::, and parentheses
 * go wherever an operand is itself an operator: more than SQL needs, and never misleading. */
#include "sql/sql_int.h"

static void print(const qn_expr *e, const qn_select *s, qn_buf *buf, bool inner);

static void quoted(qn_buf *buf, const char *text, size_t bytes, char quote)
{
    qn_buf_putc(buf, quote);
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == quote) {
            qn_buf_putc(buf, quote);
        }
        qn_buf_putc(buf, text[i]);
    }
    qn_buf_putc(buf, quote);
}

static void name(qn_buf *buf, const char *text)
{
    bool plain = (*text >= 'a' && *text <= 'z') || *text == '_';

    for (const char *p = text; plain && *p; p++) {
        plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_' || *p == '$';
    }
    if (plain) {
        qn_buf_puts(buf, text);
    } else {
        quoted(buf, text, strlen(text), '"');
    }
}

static void type_name(qn_buf *buf, qn_type type)
{
    char text[80];

    qn_buf_puts(buf, qn_type_format(type, text, sizeof text));
}

static void constant(const qn_expr *e, qn_buf *buf)
{
    static const qn_text_settings settings = {NULL, 1, 0};
    char                          category = qn_type_category((qn_sql_type)e->type.id, NULL);
    qn_buf                        text;

    if (e->null) {
        qn_buf_puts(buf, "NULL");
        return;
    }
    if (e->type.id == QN_TYPE_UNKNOWN) {
        quoted(buf, qn_str_data(&e->value.str), e->value.str.bytes, '\'');
        return;
    }
    if (e->type.id == QN_TYPE_BOOLEAN) {
        qn_buf_puts(buf, e->value.b ? "true" : "false");
        return;
    }
    qn_buf_init(&text, buf->mem);
    qn_value_print(e->type, &e->value, &settings, &text);
    if (!qn_buf_ok(&text)) {
        buf->failed = true;
    } else if (category == 'N') {
        qn_buf_add(buf, text.data, text.bytes);
    } else {
        quoted(buf, text.data ? text.data : "", text.bytes, '\'');
        if (e->type.id != QN_TYPE_TEXT) {
            qn_buf_puts(buf, "::");
            type_name(buf, e->type);
        }
    }
    qn_buf_deinit(&text);
}

static const char *operator_of(const qn_function *f)
{
    for (size_t i = 0; i < qn_operator_count(); i++) {
        const qn_operator *op = qn_operator_at(i);
        if (strcmp(op->function, f->name) == 0 && f->argc && op->right == f->args[f->argc - 1] &&
            op->left == (f->argc == 2 ? f->args[0] : QN_TYPE_UNKNOWN)) {
            return op->name;
        }
    }
    return NULL;
}

static bool is_cast(const qn_function *f, const qn_expr *e)
{
    const qn_cast *c = f->argc == 1 && e->argc == 1
                           ? qn_cast_find((qn_sql_type)f->args[0], (qn_sql_type)f->result)
                           : NULL;

    return c && c->function && strcmp(c->function, f->name) == 0;
}

static void list(const qn_expr *e, uint32_t from, const qn_select *s, qn_buf *buf)
{
    for (uint32_t i = from; i < e->argc; i++) {
        if (i > from) {
            qn_buf_puts(buf, ", ");
        }
        print(e->args[i], s, buf, false);
    }
}

static void function(const char *word, const qn_expr *e, const qn_select *s, qn_buf *buf)
{
    qn_buf_puts(buf, word);
    qn_buf_putc(buf, '(');
    list(e, 0, s, buf);
    qn_buf_putc(buf, ')');
}

static void cast(const qn_expr *e, const qn_select *s, qn_buf *buf)
{
    print(e->args[0], s, buf, true);
    qn_buf_puts(buf, "::");
    type_name(buf, e->type);
}

static void infix(const char *word, const qn_expr *e, const qn_select *s, qn_buf *buf, bool inner)
{
    if (inner) {
        qn_buf_putc(buf, '(');
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (i) {
            qn_buf_printf(buf, " %s ", word);
        }
        print(e->args[i], s, buf, true);
    }
    if (inner) {
        qn_buf_putc(buf, ')');
    }
}

/* word before the operand (NOT, -) or behind it (IS NULL). */
static void unary(const char *before, const char *behind, const qn_expr *e, const qn_select *s,
                  qn_buf *buf, bool inner)
{
    if (inner) {
        qn_buf_putc(buf, '(');
    }
    qn_buf_puts(buf, before);
    print(e->args[0], s, buf, true);
    qn_buf_puts(buf, behind);
    if (inner) {
        qn_buf_putc(buf, ')');
    }
}

static void call(const qn_expr *e, const qn_select *s, qn_buf *buf, bool inner)
{
    const qn_function *f = qn_function_by_id(e->index);
    const char        *op = operator_of(f);

    if (op && e->argc == 2) {
        infix(op, e, s, buf, inner);
    } else if (op && e->argc == 1) {
        unary(op, "", e, s, buf, inner);
    } else if (is_cast(f, e)) {
        cast(e, s, buf);
    } else {
        function(f->name, e, s, buf);
    }
}

static void case_(const qn_expr *e, const qn_select *s, qn_buf *buf)
{
    qn_buf_puts(buf, "CASE");
    for (uint32_t i = 0; i + 1 < e->argc; i += 2) {
        qn_buf_puts(buf, " WHEN ");
        print(e->args[i], s, buf, false);
        qn_buf_puts(buf, " THEN ");
        print(e->args[i + 1], s, buf, false);
    }
    qn_buf_puts(buf, " ELSE ");
    print(e->args[e->argc - 1], s, buf, false);
    qn_buf_puts(buf, " END");
}

static void aggregate(const qn_expr *e, const qn_select *s, qn_buf *buf)
{
    if (!s || e->index >= s->agg_count) {
        qn_buf_printf(buf, "agg#%u", e->index);
        return;
    }
    const qn_agg_call *a = &s->aggs[e->index];
    qn_buf_printf(buf, "%s(%s", qn_aggregate_by_id(a->aggregate)->name,
                  a->distinct ? "DISTINCT " : "");
    if (a->kind == QN_AGG_COUNT_STAR) {
        qn_buf_putc(buf, '*');
    }
    for (uint32_t i = 0; i < a->argc; i++) {
        if (i) {
            qn_buf_puts(buf, ", ");
        }
        print(a->args[i], s, buf, false);
    }
    qn_buf_putc(buf, ')');
    if (a->filter) {
        qn_buf_puts(buf, " FILTER (WHERE ");
        print(a->filter, s, buf, false);
        qn_buf_putc(buf, ')');
    }
}

static void column(const qn_expr *e, const qn_select *s, qn_buf *buf)
{
    if (s && s->from && e->index < s->from->column_count) {
        name(buf, s->from->column_names[e->index]);
    } else {
        qn_buf_printf(buf, "#%u", e->index);
    }
}

static void in(const qn_expr *e, const qn_select *s, qn_buf *buf, bool inner)
{
    if (inner) {
        qn_buf_putc(buf, '(');
    }
    print(e->args[0], s, buf, true);
    qn_buf_puts(buf, " IN (");
    list(e, 1, s, buf);
    qn_buf_puts(buf, inner ? "))" : ")");
}

static const char *test_name(uint32_t test)
{
    static const char *const names[] = {" IS TRUE",      " IS NOT TRUE", " IS FALSE",
                                        " IS NOT FALSE", " IS UNKNOWN",  " IS NOT UNKNOWN"};

    return test < QN_COUNTOF(names) ? names[test] : " IS ?";
}

static void print(const qn_expr *e, const qn_select *s, qn_buf *buf, bool inner)
{
    if (!qn_buf_ok(buf)) {
        return;
    }
    switch ((qn_expr_kind)e->kind) {
    case QN_EXPR_CONST:
        constant(e, buf);
        break;
    case QN_EXPR_PARAM:
        qn_buf_printf(buf, "$%u", e->index + 1);
        break;
    case QN_EXPR_COLUMN:
        column(e, s, buf);
        break;
    case QN_EXPR_KEY:
        if (s && e->index < s->key_count) {
            print(s->keys[e->index], s, buf, inner);
        } else {
            qn_buf_printf(buf, "key#%u", e->index);
        }
        break;
    case QN_EXPR_AGG:
        aggregate(e, s, buf);
        break;
    case QN_EXPR_CALL:
        call(e, s, buf, inner);
        break;
    case QN_EXPR_RELABEL:
    case QN_EXPR_IO_CAST:
    case QN_EXPR_LENGTH_CAST:
        cast(e, s, buf);
        break;
    case QN_EXPR_AND:
        infix("AND", e, s, buf, inner);
        break;
    case QN_EXPR_OR:
        infix("OR", e, s, buf, inner);
        break;
    case QN_EXPR_NOT:
        unary("NOT ", "", e, s, buf, inner);
        break;
    case QN_EXPR_IS_NULL:
        unary("", " IS NULL", e, s, buf, inner);
        break;
    case QN_EXPR_IS_NOT_NULL:
        unary("", " IS NOT NULL", e, s, buf, inner);
        break;
    case QN_EXPR_BOOL_TEST:
        unary("", test_name(e->index), e, s, buf, inner);
        break;
    case QN_EXPR_IS_DISTINCT:
        infix("IS DISTINCT FROM", e, s, buf, inner);
        break;
    case QN_EXPR_CASE:
        case_(e, s, buf);
        break;
    case QN_EXPR_COALESCE:
        function("COALESCE", e, s, buf);
        break;
    case QN_EXPR_IN:
        in(e, s, buf, inner);
        break;
    case QN_EXPR_GREATEST:
        function("GREATEST", e, s, buf);
        break;
    case QN_EXPR_LEAST:
        function("LEAST", e, s, buf);
        break;
    }
}

void qn_expr_print(const qn_expr *expr, const qn_select *select, qn_buf *buf)
{
    print(expr, select, buf, false);
}
