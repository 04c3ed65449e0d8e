/* \d and \dt: what tables there are and what columns they have.
 *
 * Everything comes from information_schema through ordinary queries; patterns follow psql: `*` and `?`
 * stand for any text and any character, a dot separates the schema, names fold to lower case unless
 * quoted. */
#include "shell.h"

#include <stdlib.h>
#include <string.h>

static void add_like(qn_sh_buf *sql, const char *column, const qn_sh_buf *part)
{
    qn_sh_buf_printf(sql, " AND %s LIKE ", column);
    qn_sh_buf_add_literal(sql, qn_sh_buf_text(part));
}

static void pattern_conditions(qn_sh_buf *sql, const char *pattern)
{
    qn_sh_buf schema = {0}, name = {0};
    bool      quoted = false, has_schema = false;

    for (const char *p = pattern; *p; p++) {
        char c = *p;

        if (c == '"') {
            quoted = !quoted;
        } else if (c == '.' && !quoted) {
            has_schema = true;
            qn_sh_buf_clear(&schema);
            qn_sh_buf_add(&schema, qn_sh_buf_text(&name), name.bytes);
            qn_sh_buf_clear(&name);
        } else if (c == '*' && !quoted) {
            qn_sh_buf_putc(&name, '%');
        } else if (c == '?' && !quoted) {
            qn_sh_buf_putc(&name, '_');
        } else {
            if (c == '_' || c == '%' || c == '\\')
                qn_sh_buf_putc(&name, '\\');
            qn_sh_buf_putc(&name, !quoted && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
        }
    }
    if (name.bytes)
        add_like(sql, "table_name", &name);
    if (has_schema && schema.bytes)
        add_like(sql, "table_schema", &schema);
    else
        qn_sh_buf_puts(sql, " AND table_schema NOT IN ('pg_catalog', 'information_schema')");
    qn_sh_buf_free(&schema);
    qn_sh_buf_free(&name);
}

static char *cell_text(const qn_chunk *chunk, int column, uint32_t row)
{
    size_t      bytes = 0;
    const char *text  = qn_chunk_is_null(chunk, column, row)
                            ? NULL
                            : qn_chunk_text(chunk, column, row, &bytes);

    return qn_sh_strndup(text ? text : "", text ? bytes : 0);
}

static qn_sh_cell as_cell(const char *text)
{
    return (qn_sh_cell){text, strlen(text)};
}

/* ---- list of tables -------------------------------------------------------------------------- */

static qn_sh_printer *begin_table(qn_sh *sh, int columns, const char *const *names,
                                  const char *title)
{
    static const qn_sh_kind kinds[8] = {QN_SH_TEXT};
    qn_sh_printer          *printer;
    int                     rows, width;

    (void)qn_sh_screen(sh->out, &rows, &width);
    printer = qn_sh_print_begin(sh->out, &sh->style, columns, names, kinds, width);
    qn_sh_print_title(printer, title);
    return printer;
}

static bool list_tables(qn_sh *sh, const char *pattern)
{
    static const char *const names[] = {"Schema", "Name", "Type"};
    qn_sh_buf                sql     = {0};
    qn_result               *result;
    const qn_chunk          *chunk   = NULL;
    qn_sh_printer           *printer = NULL;
    qn_error                 err     = {0};

    qn_sh_buf_puts(&sql, "SELECT table_schema, table_name, CASE table_type WHEN 'BASE TABLE' THEN "
                         "'table' WHEN 'VIEW' THEN 'view' ELSE table_type END AS kind "
                         "FROM information_schema.tables WHERE true");
    pattern_conditions(&sql, pattern ? pattern : "");
    qn_sh_buf_puts(&sql, " ORDER BY 1, 2");
    result = qn_sh_select(sh, sql.data, false);
    qn_sh_buf_free(&sql);
    if (!result)
        return false;
    while (qn_result_next(result, &chunk, &err) == QN_OK && chunk) {
        for (uint32_t row = 0; row < qn_chunk_rows(chunk); row++) {
            qn_sh_cell cells[3];
            char      *texts[3];

            if (!printer)
                printer = begin_table(sh, 3, names, "List of relations");
            for (int c = 0; c < 3; c++) {
                texts[c] = cell_text(chunk, c, row);
                cells[c] = as_cell(texts[c]);
            }
            qn_sh_print_row(printer, cells);
            for (int c = 0; c < 3; c++)
                free(texts[c]);
        }
    }
    qn_result_free(result);
    if (printer)
        qn_sh_finish_table(sh, printer, sh->out);
    else if (!sh->quiet || pattern)
        qn_sh_message(sh, pattern ? "Did not find any relation named \"%s\"."
                                  : "Did not find any relations.", pattern);
    return true;
}

/* ---- one table ------------------------------------------------------------------------------- */

/* "numeric" with precision 10 and scale 2 is numeric(10,2); only text and numeric show modifiers. */
static void add_type(qn_sh_buf *out, const char *type, const char *length, const char *precision,
                     const char *scale)
{
    qn_sh_buf_puts(out, type);
    if (strchr(type, '('))
        return;
    if (*length)
        qn_sh_buf_printf(out, "(%s)", length);
    else if (qn_sh_same(type, "numeric") && *precision)
        qn_sh_buf_printf(out, "(%s,%s)", precision, *scale ? scale : "0");
}

typedef struct table_rows {
    qn_sh         *sh;
    qn_sh_printer *printer;
    char          *title;
    int            tables;
} table_rows;

static void finish_one(table_rows *rows)
{
    if (rows->printer)
        qn_sh_finish_table(rows->sh, rows->printer, rows->sh->out);
    free(rows->title);
    rows->printer = NULL;
    rows->title   = NULL;
}

enum { COL_SCHEMA, COL_TABLE, COL_NAME, COL_TYPE, COL_LENGTH, COL_PRECISION, COL_SCALE,
       COL_NULLABLE, COL_DEFAULT, COL_COUNT };

static void add_column(table_rows *rows, char **texts)
{
    static const char *const names[] = {"Column", "Type", "Collation", "Nullable", "Default"};
    qn_sh_buf                title   = {0}, type = {0};
    qn_sh_cell               cells[5];

    qn_sh_buf_printf(&title, "Table \"%s.%s\"", texts[COL_SCHEMA], texts[COL_TABLE]);
    if (!rows->title || strcmp(rows->title, title.data) != 0) {
        finish_one(rows);
        rows->title   = qn_sh_strdup(title.data);
        rows->printer = begin_table(rows->sh, 5, names, title.data);
        qn_sh_print_no_row_count(rows->printer);
        rows->tables++;
    }
    add_type(&type, texts[COL_TYPE], texts[COL_LENGTH], texts[COL_PRECISION], texts[COL_SCALE]);
    cells[0] = as_cell(texts[COL_NAME]);
    cells[1] = as_cell(type.data);
    cells[2] = as_cell("");
    cells[3] = as_cell(qn_sh_same(texts[COL_NULLABLE], "NO") ? "not null" : "");
    cells[4] = as_cell(texts[COL_DEFAULT]);
    qn_sh_print_row(rows->printer, cells);
    qn_sh_buf_free(&title);
    qn_sh_buf_free(&type);
}

static bool describe_tables(qn_sh *sh, const char *pattern)
{
    table_rows      rows  = {.sh = sh};
    qn_sh_buf       sql   = {0};
    qn_result      *result;
    const qn_chunk *chunk = NULL;
    qn_error        err   = {0};

    qn_sh_buf_puts(&sql, "SELECT table_schema, table_name, column_name, data_type, "
                         "character_maximum_length, numeric_precision, numeric_scale, "
                         "is_nullable, column_default "
                         "FROM information_schema.columns WHERE true");
    pattern_conditions(&sql, pattern);
    qn_sh_buf_puts(&sql, " ORDER BY table_schema, table_name, ordinal_position");
    result = qn_sh_select(sh, sql.data, false);
    qn_sh_buf_free(&sql);
    if (!result)
        return false;
    while (qn_result_next(result, &chunk, &err) == QN_OK && chunk) {
        for (uint32_t row = 0; row < qn_chunk_rows(chunk); row++) {
            char *texts[COL_COUNT];

            for (int c = 0; c < COL_COUNT; c++)
                texts[c] = cell_text(chunk, c, row);
            add_column(&rows, texts);
            for (int c = 0; c < COL_COUNT; c++)
                free(texts[c]);
        }
    }
    finish_one(&rows);
    qn_result_free(result);
    if (!rows.tables)
        qn_sh_message(sh, "Did not find any relation named \"%s\".", pattern);
    return true;
}

bool qn_sh_describe(qn_sh *sh, const char *what, const char *pattern)
{
    if (strcmp(what, "d") == 0 || strcmp(what, "d+") == 0)
        return pattern ? describe_tables(sh, pattern) : list_tables(sh, NULL);
    return list_tables(sh, pattern);
}
