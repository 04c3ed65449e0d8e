/* Concatenation, quoting and format().
 *
 * concat, concat_ws and format take arguments of any type and use each type's output function; the ||
 * operator with a non-text operand uses the cast to text instead, which differs for boolean (`true`, not `t`)
 * and for char(n) (trailing blanks are dropped). */
#include "type/fn_text.h"

#include <stdlib.h>

/* Append the output form of a non-NULL argument. */
static void add_output(qn_call *call, int type, const qn_datum *value, qn_buf *buf)
{
    if (qn_type_bank((qn_sql_type)type) == QN_BANK_STR || type == QN_TYPE_UNKNOWN) {
        qn_buf_add(buf, qn_str_data(&value->str), value->str.bytes);
    } else {
        qn_value_print((qn_type){(uint8_t)type, -1}, value, call->set, buf);
    }
}

static void add_cast(qn_call *call, int type, const qn_datum *value, qn_buf *buf)
{
    if (type == QN_TYPE_BOOLEAN) {
        qn_buf_puts(buf, value->b ? "true" : "false");
    } else if (type == QN_TYPE_CHAR) {
        qn_buf_add(buf, qn_str_data(&value->str), qn_bpchar_bytes(&value->str));
    } else {
        add_output(call, type, value, buf);
    }
}

QN_SCALAR(qn_textcat)
{
    const qn_str *a = &args[0].str, *b = &args[1].str;
    qn_str        out;
    qn_status     st;
    char         *p = qn_text_begin(call, &out, (size_t)a->bytes + b->bytes, &st);

    if (!p) {
        return st;
    }
    memcpy(p, qn_str_data(a), a->bytes);
    memcpy(p + a->bytes, qn_str_data(b), b->bytes);
    return qn_text_end(&out, result);
}

/* textanycat and anytextcat: one side is text already, and casting that to text changes nothing. */
QN_SCALAR(qn_textanycat)
{
    qn_buf buf;

    qn_buf_init(&buf, call->arena->mem);
    add_cast(call, call->arg_types[0], &args[0], &buf);
    add_cast(call, call->arg_types[1], &args[1], &buf);
    return qn_text_of_buf(call, &buf, result);
}

QN_SCALAR(qn_concat)
{
    qn_buf buf;

    qn_buf_init(&buf, call->arena->mem);
    for (int i = 0; i < call->argc; i++) {
        if (!nulls[i]) {
            add_output(call, call->arg_types[i], &args[i], &buf);
        }
    }
    return qn_text_of_buf(call, &buf, result);
}

/* A NULL separator gives NULL; NULL arguments are left out together with their separator. */
QN_SCALAR(qn_concat_ws)
{
    qn_buf buf;
    bool   first = true;

    if (nulls[0]) {
        *null = true;
        return QN_OK;
    }
    qn_buf_init(&buf, call->arena->mem);
    for (int i = 1; i < call->argc; i++) {
        if (nulls[i]) {
            continue;
        }
        if (!first) {
            qn_buf_add(&buf, qn_str_data(&args[0].str), args[0].str.bytes);
        }
        first = false;
        add_output(call, call->arg_types[i], &args[i], &buf);
    }
    return qn_text_of_buf(call, &buf, result);
}

/* ---- quoting -------------------------------------------------------------------------------- */

/* PostgreSQL 15's key words other than the unreserved ones, sorted: identifiers that need quotes. */
/* clang-format off */
static const char *const keywords[] = {
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization",
    "between", "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character",
    "check", "coalesce", "collate", "collation", "column", "concurrently", "constraint", "create",
    "cross", "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "dec", "decimal", "default", "deferrable", "desc",
    "distinct", "do", "else", "end", "except", "exists", "extract", "false", "fetch", "float",
    "for", "foreign", "freeze", "from", "full", "grant", "greatest", "group", "grouping", "having",
    "ilike", "in", "initially", "inner", "inout", "int", "integer", "intersect", "interval",
    "into", "is", "isnull", "join", "lateral", "leading", "least", "left", "like", "limit",
    "localtime", "localtimestamp", "national", "natural", "nchar", "none", "normalize", "not",
    "notnull", "null", "nullif", "numeric", "offset", "on", "only", "or", "order", "out", "outer",
    "overlaps", "overlay", "placing", "position", "precision", "primary", "real", "references",
    "returning", "right", "row", "select", "session_user", "setof", "similar", "smallint", "some",
    "substring", "symmetric", "table", "tablesample", "then", "time", "timestamp", "to",
    "trailing", "treat", "trim", "true", "union", "unique", "user", "using", "values", "varchar",
    "variadic", "verbose", "when", "where", "window", "with", "xmlattributes", "xmlconcat",
    "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot",
    "xmlserialize", "xmltable",
};
/* clang-format on */

static int compare_keyword(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

static bool needs_quotes(const char *s, size_t bytes)
{
    char word[32];

    if (bytes == 0 || (s[0] >= '0' && s[0] <= '9')) {
        return true;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_')) {
            return true;
        }
    }
    if (bytes >= sizeof word) {
        return false;
    }
    memcpy(word, s, bytes);
    word[bytes] = 0;
    return bsearch(word, keywords, sizeof keywords / sizeof keywords[0], sizeof keywords[0],
                   compare_keyword) != NULL;
}

static void add_ident(qn_buf *buf, const char *s, size_t bytes)
{
    if (!needs_quotes(s, bytes)) {
        qn_buf_add(buf, s, bytes);
        return;
    }
    qn_buf_putc(buf, '"');
    for (size_t i = 0; i < bytes; i++) {
        if (s[i] == '"') {
            qn_buf_putc(buf, '"');
        }
        qn_buf_putc(buf, s[i]);
    }
    qn_buf_putc(buf, '"');
}

static void add_literal(qn_buf *buf, const char *s, size_t bytes)
{
    if (bytes > 0 && memchr(s, '\\', bytes)) {
        qn_buf_putc(buf, 'E');
    }
    qn_buf_putc(buf, '\'');
    for (size_t i = 0; i < bytes; i++) {
        if (s[i] == '\'' || s[i] == '\\') {
            qn_buf_putc(buf, s[i]);
        }
        qn_buf_putc(buf, s[i]);
    }
    qn_buf_putc(buf, '\'');
}

QN_SCALAR(qn_quote_ident)
{
    qn_buf buf;

    qn_buf_init(&buf, call->arena->mem);
    add_ident(&buf, qn_str_data(&args[0].str), args[0].str.bytes);
    return qn_text_of_buf(call, &buf, result);
}

/* Quotes the cast of a value to text; a plain text argument has the type QN_TYPE_TEXT. */
static qn_status quote_literal(qn_call *call, int type, const qn_datum *value, qn_datum *result)
{
    qn_buf    text, buf;
    qn_status st;

    qn_buf_init(&text, call->arena->mem);
    qn_buf_init(&buf, call->arena->mem);
    add_cast(call, type, value, &text);
    add_literal(&buf, text.data, text.bytes);
    if (!qn_buf_ok(&text)) {
        buf.failed = true;
    }
    st = qn_text_of_buf(call, &buf, result);
    qn_buf_deinit(&text);
    return st;
}

QN_SCALAR(qn_quote_literal)
{
    return quote_literal(call, QN_TYPE_TEXT, &args[0], result);
}

QN_SCALAR(qn_quote_literal_any)
{
    return quote_literal(call, call->arg_types[0], &args[0], result);
}

QN_SCALAR(qn_quote_nullable)
{
    return nulls[0] ? qn_text_of(call, "NULL", 4, result)
                    : quote_literal(call, QN_TYPE_TEXT, &args[0], result);
}

QN_SCALAR(qn_quote_nullable_any)
{
    return nulls[0] ? qn_text_of(call, "NULL", 4, result)
                    : quote_literal(call, call->arg_types[0], &args[0], result);
}

/* ---- format() ------------------------------------------------------------------------------- */

/* One %[position][flags][width]type specifier. */
typedef struct spec {
    int  arg;       /* explicit position, or -1 */
    int  width_arg; /* -1: none, 0: the next argument, else its position */
    int  width;
    bool left;
} spec;

typedef struct format_state {
    qn_call    *call;
    const char *p, *end;
} format_state;

static qn_status unterminated(qn_call *call)
{
    qn_status st = qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                           "unterminated format() type specifier");

    qn_error_hint(call->err, "For a single \"%%\" use \"%%%%\".");
    return st;
}

/* Every specifier ends with a letter, so there must be a next byte. */
static qn_status advance(format_state *f)
{
    return ++f->p < f->end ? QN_OK : unterminated(f->call);
}

static qn_status digits(format_state *f, int *value, bool *found)
{
    qn_status st = QN_OK;

    *found = false;
    *value = 0;
    while (*f->p >= '0' && *f->p <= '9') {
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, *f->p - '0', value)) {
            return qn_fail(f->call->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE,
                           "number is out of range");
        }
        *found = true;
        QN_TRY(advance(f));
    }
done:
    return st;
}

static qn_status argument_zero(qn_call *call)
{
    return qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                   "format specifies argument 0, but arguments are numbered from 1");
}

static qn_status parse_spec(format_state *f, spec *out)
{
    qn_status st = QN_OK;
    int       n;
    bool      found;

    *out = (spec){-1, -1, 0, false};
    QN_TRY(digits(f, &n, &found));
    if (found) {
        if (*f->p != '$') { /* a width and nothing else */
            out->width = n;
            return QN_OK;
        }
        out->arg = n;
        if (n == 0) {
            return argument_zero(f->call);
        }
        QN_TRY(advance(f));
    }
    while (*f->p == '-') {
        out->left = true;
        QN_TRY(advance(f));
    }
    if (*f->p != '*') {
        return digits(f, &out->width, &found);
    }
    QN_TRY(advance(f));
    QN_TRY(digits(f, &n, &found));
    out->width_arg = 0;
    if (found) {
        if (*f->p != '$') {
            return qn_fail(f->call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                           "width argument position must be ended by \"$\"");
        }
        out->width_arg = n;
        if (n == 0) {
            return argument_zero(f->call);
        }
        QN_TRY(advance(f));
    }
done:
    return st;
}

/* The width given as an argument: an integer, or something whose text is one. */
static qn_status width_of(qn_call *call, int type, const qn_datum *value, bool is_null, int *width)
{
    qn_buf    buf;
    qn_datum  number = {.i64 = 0};
    qn_status st;

    *width = 0;
    if (is_null) {
        return QN_OK;
    }
    if (type == QN_TYPE_INTEGER) {
        *width = value->i32;
        return QN_OK;
    }
    if (type == QN_TYPE_SMALLINT) {
        *width = value->i16;
        return QN_OK;
    }
    qn_buf_init(&buf, call->arena->mem);
    add_output(call, type, value, &buf);
    st = qn_buf_ok(&buf) ? qn_value_parse(QN_TYPE(INTEGER), buf.data ? buf.data : "", buf.bytes,
                                          call->set, call->arena, &number, call->err)
                         : qn_nomem(call->err);
    qn_buf_deinit(&buf);
    *width = number.i32;
    return st;
}

/* Append text padded with blanks to |width| characters; a negative width aligns to the left. */
static qn_status add_padded(qn_call *call, qn_buf *out, const char *s, size_t bytes, int width,
                            bool left)
{
    size_t chars, pad;

    if (width == INT32_MIN) {
        return qn_fail(call->err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "number is out of range");
    }
    if (width < 0) {
        left = true;
        width = -width;
    }
    chars = bytes ? qn_utf8_count(s, bytes) : 0;
    pad = (size_t)width > chars ? (size_t)width - chars : 0;
    if (out->bytes + bytes + pad > QN_TEXT_MAX) {
        return qn_fail(call->err, QN_SQLSTATE_PROGRAM_LIMIT, "requested length too large");
    }
    if (left) {
        qn_buf_add(out, s, bytes);
    }
    if (pad > 0 && qn_buf_reserve(out, pad)) {
        memset(out->data + out->bytes, ' ', pad);
        out->bytes += pad;
        out->data[out->bytes] = 0;
    }
    if (!left) {
        qn_buf_add(out, s, bytes);
    }
    return QN_OK;
}

static qn_status convert(qn_call *call, char conversion, int type, const qn_datum *value,
                         bool is_null, const spec *s, qn_buf *out)
{
    qn_buf    text, quoted;
    qn_status st;

    if (is_null && conversion == 'I') {
        return qn_fail(call->err, QN_SQLSTATE_NULL_NOT_ALLOWED,
                       "null values cannot be formatted as an SQL identifier");
    }
    if (is_null) {
        return conversion == 'L' ? add_padded(call, out, "NULL", 4, s->width, s->left)
                                 : add_padded(call, out, "", 0, s->width, s->left);
    }
    qn_buf_init(&text, call->arena->mem);
    qn_buf_init(&quoted, call->arena->mem);
    add_output(call, type, value, &text);
    if (conversion == 'I') {
        add_ident(&quoted, text.data, text.bytes);
    } else if (conversion == 'L') {
        add_literal(&quoted, text.data, text.bytes);
    }
    if (!qn_buf_ok(&text) || !qn_buf_ok(&quoted)) {
        st = qn_nomem(call->err);
    } else if (conversion == 's') {
        st = add_padded(call, out, text.data, text.bytes, s->width, s->left);
    } else {
        st = add_padded(call, out, quoted.data, quoted.bytes, s->width, s->left);
    }
    qn_buf_deinit(&text);
    qn_buf_deinit(&quoted);
    return st;
}

static qn_status take_argument(qn_call *call, int position, int *last)
{
    *last = position > 0 ? position : *last + 1;
    if (*last >= call->argc) {
        return qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                       "too few arguments for format()");
    }
    return QN_OK;
}

static qn_status format_into(qn_call *call, const qn_datum *args, const bool *nulls, qn_buf *out)
{
    format_state f = {call, qn_str_data(&args[0].str), NULL};
    qn_status    st = QN_OK;
    int          arg = 0; /* the argument used last; args[0] is the format itself */

    f.end = f.p + args[0].str.bytes;
    for (; f.p < f.end; f.p++) {
        spec s;
        char c = *f.p;

        if (c != '%') {
            qn_buf_putc(out, c);
            continue;
        }
        QN_TRY(advance(&f));
        if (*f.p == '%') {
            qn_buf_putc(out, '%');
            continue;
        }
        QN_TRY(parse_spec(&f, &s));
        c = *f.p;
        if (c != 's' && c != 'I' && c != 'L') {
            st = qn_fail(call->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE,
                         "unrecognized format() type specifier \"%.*s\"",
                         (int)qn_char_bytes(f.p, (size_t)(f.end - f.p)), f.p);
            qn_error_hint(call->err, "For a single \"%%\" use \"%%%%\".");
            return st;
        }
        if (s.width_arg >= 0) {
            QN_TRY(take_argument(call, s.width_arg, &arg));
            QN_TRY(width_of(call, call->arg_types[arg], &args[arg], nulls[arg], &s.width));
        }
        QN_TRY(take_argument(call, s.arg, &arg));
        QN_TRY(convert(call, c, call->arg_types[arg], &args[arg], nulls[arg], &s, out));
    }
done:
    return st;
}

QN_SCALAR(qn_format)
{
    qn_buf    buf;
    qn_status st;

    if (nulls[0]) {
        *null = true;
        return QN_OK;
    }
    qn_buf_init(&buf, call->arena->mem);
    st = format_into(call, args, nulls, &buf);
    if (st != QN_OK) {
        qn_buf_deinit(&buf);
        return st;
    }
    return qn_text_of_buf(call, &buf, result);
}

/* format(text): no arguments to format. */
QN_SCALAR(qn_format_plain)
{
    qn_call alone = *call;

    alone.argc = 1;
    return qn_format(&alone, args, nulls, result, null);
}
