/* COPY: options in the old and the parenthesised spelling, with PostgreSQL's checks and defaults.
 *
 * The grammar turns the old spelling (DELIMITER ',' CSV HEADER) into the same option list, so one
 * loop reads both.  The checks that need several options come after the loop, in PostgreSQL's
 * order. */
#include "sql/sql_int.h"

typedef struct copy_seen {
    bool format, freeze, delimiter, null, header, quote, escape, force_quote, force_not_null,
        force_null, encoding;
    const qn_pg *quote_columns, *not_null_columns, *null_columns;
    const char  *delimiter_text, *quote_text, *escape_text;
} copy_seen;

static bool invalid(qn_binder *b, int32_t location, const char *format, const char *arg)
{
    return qn_fail_at(b->err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, location, format, arg),
           b->status = QN_ERROR, false;
}

static bool once(qn_binder *b, bool *seen, const PgQuery__DefElem *d)
{
    if (*seen) {
        return QN_BIND_FAIL(b, SYNTAX_ERROR, d->location, "conflicting or redundant options"),
               false;
    }
    return *seen = true;
}

static bool format(qn_binder *b, const PgQuery__DefElem *d, qn_copy_options *o)
{
    const char *name = qn_bind_defelem_text(b, d);

    if (!name) {
        return false;
    }
    if (strcmp(name, "binary") == 0) {
        return qn_bind_unsupported(b, d->location, "COPY in binary format"), false;
    }
    if (strcmp(name, "text") != 0 && strcmp(name, "csv") != 0 && strcmp(name, "parquet") != 0) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, d->location,
                            "COPY format \"%s\" not recognized", name),
               false;
    }
    o->format = name[0] == 'c' ? QN_COPY_CSV : name[0] == 'p' ? QN_COPY_PARQUET : QN_COPY_TEXT;
    return true;
}

static bool header(qn_binder *b, const PgQuery__DefElem *d, bool is_from, qn_copy_options *o)
{
    const char *text = d->arg && d->arg->node_case == QN_PG(STRING) ? d->arg->string->sval : "";

    if (qn_streq_ci(text, "match")) {
        if (!is_from) {
            return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1,
                                "cannot use \"%s\" with HEADER in COPY TO", text),
                   false;
        }
        o->header = o->header_match = true;
        return true;
    }
    qn_error  ignored = {0};
    qn_error *err = b->err;
    b->err = &ignored;
    bool ok = qn_bind_defelem_bool(b, d, &o->header);
    b->err = err;
    if (!ok) {
        b->status = QN_OK;
        return QN_BIND_FAIL(b, SYNTAX_ERROR, -1, "%s requires a Boolean value or \"match\"",
                            d->defname),
               false;
    }
    return true;
}

static bool column_list(qn_binder *b, const PgQuery__DefElem *d, bool star_allowed,
                        const qn_pg **out)
{
    bool star = d->arg && d->arg->node_case == QN_PG(A_STAR);

    if (!d->arg || !(d->arg->node_case == QN_PG(LIST) || (star && star_allowed))) {
        return QN_BIND_FAIL(b, INVALID_PARAMETER_VALUE, d->location,
                            "argument to option \"%s\" must be a list of column names", d->defname),
               false;
    }
    *out = d->arg;
    return true;
}

static bool encoding(qn_binder *b, const PgQuery__DefElem *d)
{
    const char *name = qn_bind_defelem_text(b, d);

    if (!name) {
        return false;
    }
    if (!qn_streq_ci(name, "utf8") && !qn_streq_ci(name, "utf-8") &&
        !qn_streq_ci(name, "unicode")) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, d->location,
                            "encoding \"%s\" is not supported", name),
               false;
    }
    return true;
}

static bool one_option(qn_binder *b, const PgQuery__DefElem *d, bool is_from, copy_seen *seen,
                       qn_copy_options *o)
{
    const char *name = d->defname;
    bool        freeze;

    if (strcmp(name, "format") == 0) {
        return once(b, &seen->format, d) && format(b, d, o);
    } else if (strcmp(name, "freeze") == 0) {
        return once(b, &seen->freeze, d) &&
               qn_bind_defelem_bool(b, d, &freeze); /* rows are frozen anyway */
    } else if (strcmp(name, "delimiter") == 0) {
        return once(b, &seen->delimiter, d) && (seen->delimiter_text = qn_bind_defelem_text(b, d));
    } else if (strcmp(name, "null") == 0) {
        return once(b, &seen->null, d) && (o->null_text = qn_bind_defelem_text(b, d));
    } else if (strcmp(name, "header") == 0) {
        return once(b, &seen->header, d) && header(b, d, is_from, o);
    } else if (strcmp(name, "quote") == 0) {
        return once(b, &seen->quote, d) && (seen->quote_text = qn_bind_defelem_text(b, d));
    } else if (strcmp(name, "escape") == 0) {
        return once(b, &seen->escape, d) && (seen->escape_text = qn_bind_defelem_text(b, d));
    } else if (strcmp(name, "force_quote") == 0) {
        return once(b, &seen->force_quote, d) && column_list(b, d, true, &seen->quote_columns);
    } else if (strcmp(name, "force_not_null") == 0) {
        return once(b, &seen->force_not_null, d) &&
               column_list(b, d, false, &seen->not_null_columns);
    } else if (strcmp(name, "force_null") == 0) {
        return once(b, &seen->force_null, d) && column_list(b, d, false, &seen->null_columns);
    } else if (strcmp(name, "encoding") == 0) {
        return once(b, &seen->encoding, d) && encoding(b, d);
    }
    return QN_BIND_FAIL(b, SYNTAX_ERROR, d->location, "option \"%s\" not recognized", name), false;
}

static bool single_byte(const char *s)
{
    return s[0] && !s[1] && !(s[0] & 0x80);
}

static bool characters(qn_binder *b, const copy_seen *seen, qn_copy_options *o)
{
    const char *delimiter = seen->delimiter_text, *quote = seen->quote_text,
               *escape = seen->escape_text;
    bool csv = o->format == QN_COPY_CSV;

    if (delimiter && !single_byte(delimiter)) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1,
                            "COPY delimiter must be a single one-byte character"),
               false;
    }
    o->delimiter = delimiter ? delimiter[0] : csv ? ',' : '\t';
    o->null_text = o->null_text ? o->null_text : csv ? "" : "\\N";
    if (o->delimiter == '\n' || o->delimiter == '\r') {
        return invalid(b, -1, "%s", "COPY delimiter cannot be newline or carriage return");
    }
    if (strpbrk(o->null_text, "\r\n")) {
        return invalid(b, -1, "%s",
                       "COPY null representation cannot use newline or carriage return");
    }
    if (!csv && strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", o->delimiter)) {
        return invalid(b, -1, "COPY delimiter cannot be \"%s\"", delimiter);
    }
    if (!csv && quote) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1, "COPY quote available only in CSV mode"),
               false;
    }
    if (quote && !single_byte(quote)) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1,
                            "COPY quote must be a single one-byte character"),
               false;
    }
    o->quote = quote ? quote[0] : '"';
    if (csv && o->delimiter == o->quote) {
        return invalid(b, -1, "%s", "COPY delimiter and quote must be different");
    }
    if (!csv && escape) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1, "COPY escape available only in CSV mode"),
               false;
    }
    if (escape && !single_byte(escape)) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1,
                            "COPY escape must be a single one-byte character"),
               false;
    }
    o->escape = escape ? escape[0] : o->quote;
    return true;
}

static bool forced(qn_binder *b, const copy_seen *seen, bool is_from, const qn_copy_options *o)
{
    bool csv = o->format == QN_COPY_CSV;
    const struct {
        bool        seen, from;
        const char *name, *direction;
    } rules[] = {
        {seen->force_quote, false, "force quote", "TO"},
        {seen->force_not_null, true, "force not null", "FROM"},
        {seen->force_null, true, "force null", "FROM"},
    };

    for (size_t i = 0; i < QN_COUNTOF(rules); i++) {
        if (rules[i].seen && !csv) {
            return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1, "COPY %s available only in CSV mode",
                                rules[i].name),
                   false;
        }
        if (rules[i].seen && rules[i].from != is_from) {
            return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1,
                                "COPY %s only available using COPY %s", rules[i].name,
                                rules[i].direction),
                   false;
        }
    }
    if (strchr(o->null_text, o->delimiter)) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1,
                            "COPY delimiter must not appear in the NULL specification"),
               false;
    }
    if (csv && strchr(o->null_text, o->quote)) {
        return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1,
                            "CSV quote character must not appear in the NULL specification"),
               false;
    }
    return true;
}

/* A Parquet file says itself what the options of text and CSV would; nothing is left to choose. */
static bool parquet(qn_binder *b, const PgQuery__CopyStmt *stmt, const copy_seen *seen)
{
    const struct {
        bool        seen;
        const char *name;
    } others[] = {
        {seen->delimiter, "delimiter"},     {seen->null, "null"},
        {seen->header, "header"},           {seen->quote, "quote"},
        {seen->escape, "escape"},           {seen->force_quote, "force quote"},
        {seen->force_not_null, "force not null"}, {seen->force_null, "force null"},
    };

    for (size_t i = 0; i < QN_COUNTOF(others); i++) {
        if (others[i].seen) {
            return QN_BIND_FAIL(b, FEATURE_NOT_SUPPORTED, -1,
                                "COPY %s is not available in format parquet", others[i].name),
                   false;
        }
    }
    if (!stmt->is_from) {
        return qn_bind_unsupported(b, -1, "COPY TO in format parquet"), false;
    }
    return true;
}

static bool ends_with_parquet(const char *path)
{
    size_t n = strlen(path), m = strlen(".parquet");
    return n >= m && qn_streq_ci(path + n - m, ".parquet");
}

static bool options(qn_binder *b, const PgQuery__CopyStmt *stmt, copy_seen *seen,
                    qn_copy_options *o)
{
    for (size_t i = 0; i < stmt->n_options; i++) {
        if (!one_option(b, stmt->options[i]->def_elem, stmt->is_from, seen, o)) {
            return false;
        }
    }
    if (!seen->format && ends_with_parquet(stmt->filename)) {
        o->format = QN_COPY_PARQUET;
    }
    if (o->format == QN_COPY_PARQUET) {
        return parquet(b, stmt, seen);
    }
    return characters(b, seen, o) && forced(b, seen, stmt->is_from, o);
}

/* ---- columns ---- */

static bool copied_column(qn_binder *b, const qn_table *table, const char *name, int *column)
{
    *column = qn_catalog_column(table, name);
    if (*column < 0) {
        return QN_BIND_FAIL(b, UNDEFINED_COLUMN, -1,
                            "column \"%s\" of relation \"%s\" does not exist", name, table->name),
               false;
    }
    return true;
}

static bool copy_columns(qn_binder *b, const PgQuery__CopyStmt *stmt, const qn_table *table,
                         qn_bound *out)
{
    uint32_t count = stmt->n_attlist ? (uint32_t)stmt->n_attlist : table->column_count;

    if (!(out->copy_columns = QN_BIND_ARRAY(b, uint32_t, count))) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        int c = (int)i;
        if (stmt->n_attlist && !copied_column(b, table, qn_pg_string(stmt->attlist[i]), &c)) {
            return false;
        }
        for (uint32_t k = 0; stmt->n_attlist && k < i; k++) {
            if (out->copy_columns[k] == (uint32_t)c) {
                return QN_BIND_FAIL(b, DUPLICATE_COLUMN, -1,
                                    "column \"%s\" specified more than once",
                                    table->columns[c].name),
                       false;
            }
        }
        out->copy_columns[i] = (uint32_t)c;
    }
    out->copy_column_count = count;
    return true;
}

/* FORCE_… (a, b) as one flag per column; the columns must be among those copied. */
static bool force_flags(qn_binder *b, const qn_table *table, const qn_pg *list,
                        const char *const *names, uint32_t count, const uint32_t *copied,
                        uint32_t copied_count, const char *what, bool **out)
{
    if (!list || list->node_case != QN_PG(LIST)) {
        return true;
    }
    if (!(*out = QN_BIND_ARRAY(b, bool, count + 1))) {
        return false;
    }
    for (size_t i = 0; i < list->list->n_items; i++) {
        const char *name = qn_pg_string(list->list->items[i]);
        uint32_t    c = 0;
        bool        among = !copied;
        while (c < count && strcmp(names[c], name) != 0) {
            c++;
        }
        if (c == count) {
            QN_BIND_FAIL(b, UNDEFINED_COLUMN, -1, "column \"%s\"%s%s%s does not exist", name,
                         table ? " of relation \"" : "", table ? table->name : "",
                         table ? "\"" : "");
            return false;
        }
        for (uint32_t k = 0; k < copied_count; k++) {
            among = among || copied[k] == c;
        }
        if (!among) {
            return QN_BIND_FAIL(b, INVALID_COLUMN_REFERENCE, -1,
                                "%s column \"%s\" not referenced by COPY", what, name),
                   false;
        }
        (*out)[c] = true;
    }
    return true;
}

static bool all_flags(qn_binder *b, const copy_seen *seen, const char *const *names, uint32_t count,
                      qn_bound *out)
{
    qn_copy_options *o = &out->copy;

    o->force_quote_all = seen->quote_columns && seen->quote_columns->node_case == QN_PG(A_STAR);
    return force_flags(b, out->table, seen->quote_columns, names, count, out->copy_columns,
                       out->copy_column_count, "FORCE_QUOTE", &o->force_quote) &&
           force_flags(b, out->table, seen->not_null_columns, names, count, out->copy_columns,
                       out->copy_column_count, "FORCE_NOT_NULL", &o->force_not_null) &&
           force_flags(b, out->table, seen->null_columns, names, count, out->copy_columns,
                       out->copy_column_count, "FORCE_NULL", &o->force_null);
}

/* ---- the statement ---- */

static bool copy_query(qn_binder *b, const PgQuery__CopyStmt *stmt, const copy_seen *seen,
                       qn_bound *out)
{
    out->kind = QN_STMT_COPY_TO;
    if (!(out->select = qn_bind_query(b, stmt->query, false))) {
        return false;
    }
    const char **names = QN_BIND_ARRAY(b, const char *, out->select->visible_count + 1);
    for (uint32_t i = 0; names && i < out->select->visible_count; i++) {
        names[i] = out->select->targets[i].name;
    }
    return names && all_flags(b, seen, names, out->select->visible_count, out);
}

/* COPY table TO is COPY (SELECT columns FROM table) TO. */
static bool select_of_table(qn_binder *b, const qn_table *table, qn_bound *out)
{
    qn_select *select = QN_BIND_NEW(b, qn_select);

    if (!select || !(select->from = qn_relation_of_table(b, table, table->name))) {
        return false;
    }
    select->limit_location = select->offset_location = -1;
    for (uint32_t i = 0; i < out->copy_column_count; i++) {
        uint32_t c = out->copy_columns[i];
        qn_expr *e = qn_bind_column(b, select->from, c, -1);
        if (!e || !qn_select_add_target(b, select, e, table->columns[c].name, false)) {
            return false;
        }
    }
    out->select = select;
    return true;
}

/* COPY TO writes the select's columns, so its flags are per target. */
static bool flags_by_target(qn_binder *b, qn_bound *out)
{
    bool *flags = out->copy.force_quote ? QN_BIND_ARRAY(b, bool, out->copy_column_count + 1) : NULL;

    for (uint32_t i = 0; flags && i < out->copy_column_count; i++) {
        flags[i] = out->copy.force_quote[out->copy_columns[i]];
    }
    out->copy.force_quote = flags;
    return b->status == QN_OK;
}

static bool copy_defaults(qn_binder *b, const qn_table *table, qn_bound *out)
{
    if (!(out->defaults = QN_BIND_ARRAY(b, qn_expr *, table->column_count + 1))) {
        return false;
    }
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (table->columns[c].default_sql &&
            !(out->defaults[c] = qn_bind_default(b, &table->columns[c]))) {
            return false;
        }
    }
    return true;
}

bool qn_bind_copy(qn_binder *b, const PgQuery__CopyStmt *stmt, qn_bound *out)
{
    const qn_table *table;
    copy_seen       seen = {0};

    out->kind = stmt->is_from ? QN_STMT_COPY_FROM : QN_STMT_COPY_TO;
    if (stmt->is_program) {
        return qn_bind_unsupported(b, -1, "COPY … PROGRAM"), false;
    }
    if (stmt->where_clause) {
        return qn_bind_unsupported(b, qn_pg_location(stmt->where_clause), "COPY FROM … WHERE"),
               false;
    }
    if (!options(b, stmt, &seen, &out->copy)) {
        return false;
    }
    out->copy.path = *stmt->filename ? stmt->filename : NULL;
    out->copy.columns_listed = stmt->n_attlist > 0;
    if (stmt->query) {
        return copy_query(b, stmt, &seen, out);
    }
    if (!(table = qn_bind_table(b, stmt->relation, -1)) || !copy_columns(b, stmt, table, out)) {
        return false;
    }
    out->table = table;
    const char **names = QN_BIND_ARRAY(b, const char *, table->column_count + 1);
    for (uint32_t i = 0; names && i < table->column_count; i++) {
        names[i] = table->columns[i].name;
    }
    if (!names || !all_flags(b, &seen, names, table->column_count, out)) {
        return false;
    }
    return stmt->is_from ? copy_defaults(b, table, out)
                         : flags_by_target(b, out) && select_of_table(b, table, out);
}
