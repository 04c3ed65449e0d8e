/* `quern inspect DIR TABLE`: how a table is stored.
 *
 * quern_inspect() gives one row per column and block.  We print them as they are, then add up, per
 * column and in all, whatever can be added: row counts and sizes.  Which columns those are is told by
 * their names, so a new figure of the engine shows up without a change here. */
#include "shell.h"

#include <stdlib.h>
#include <string.h>

typedef struct total {
    char  *column;
    double *sums; /* per result column */
    int    blocks;
} total;

typedef struct totals {
    total *list;
    int    count;
    int    width; /* result columns */
} totals;

static bool is_summed(const char *name)
{
    return strstr(name, "bytes") || strstr(name, "size") || strcmp(name, "rows") == 0 ||
           strcmp(name, "nulls") == 0;
}

static total *totals_find(totals *all, const char *column)
{
    total *slot;

    /* Rows of a column come together or block by block; tables have at most a few hundred columns. */
    for (int i = 0; i < all->count; i++)
        if (strcmp(all->list[i].column, column) == 0)
            return &all->list[i];
    all->list = qn_sh_realloc(all->list, ((size_t)all->count + 1) * sizeof *all->list);
    slot      = &all->list[all->count++];
    *slot     = (total){.column = qn_sh_strdup(column)};
    slot->sums = qn_sh_alloc((size_t)all->width * sizeof *slot->sums);
    for (int c = 0; c < all->width; c++)
        slot->sums[c] = 0;
    return slot;
}

static void totals_free(totals *all)
{
    for (int i = 0; i < all->count; i++) {
        free(all->list[i].column);
        free(all->list[i].sums);
    }
    free(all->list);
}

static void totals_add(totals *all, const qn_chunk *chunk, int key, uint32_t row)
{
    size_t      bytes  = 0;
    const char *text   = qn_chunk_text(chunk, key, row, &bytes);
    char       *column = qn_sh_strndup(text ? text : "", text ? bytes : 0);
    total      *slot   = totals_find(all, column);

    slot->blocks++;
    for (int c = 0; c < all->width; c++) {
        const char *value = qn_chunk_text(chunk, c, row, &bytes);
        char       *copy  = qn_sh_strndup(value ? value : "0", value ? bytes : 1);

        slot->sums[c] += strtod(copy, NULL);
        free(copy);
    }
    free(column);
}

/* The columns that are added up: their indexes into picks, how many is returned. */
static int pick_columns(const qn_result *result, int *picks)
{
    int count = 0;

    for (int c = 0; c < qn_result_columns(result); c++)
        if (is_summed(qn_result_column_name(result, c)) &&
            qn_sh_kind_of(qn_result_column_type(result, c)) == QN_SH_NUMBER)
            picks[count++] = c;
    return count;
}

static void print_total(qn_sh_printer *printer, const char *name, int blocks, const double *sums,
                        const int *picks, int picked)
{
    qn_sh_cell *cells = qn_sh_alloc(((size_t)picked + 2) * sizeof *cells);
    char       *texts = qn_sh_alloc(((size_t)picked + 1) * 32);

    cells[0] = (qn_sh_cell){name, strlen(name)};
    for (int i = 0; i <= picked; i++) {
        char *text = texts + (size_t)i * 32;

        snprintf(text, 32, "%.0f", i ? sums[picks[i - 1]] : (double)blocks);
        cells[i + 1] = (qn_sh_cell){text, strlen(text)};
    }
    qn_sh_print_row(printer, cells);
    free(cells);
    free(texts);
}

static void print_totals(qn_sh *sh, const qn_result *result, const totals *all)
{
    size_t         width = (size_t)all->width;
    int           *picks = qn_sh_alloc(width * sizeof *picks);
    int            picked = pick_columns(result, picks), blocks = 0;
    const char   **names = qn_sh_alloc((width + 2) * sizeof *names);
    qn_sh_kind    *kinds = qn_sh_alloc((width + 2) * sizeof *kinds);
    double        *sums  = qn_sh_alloc((width + 1) * sizeof *sums);
    qn_sh_printer *printer;

    for (size_t c = 0; c < width; c++)
        sums[c] = 0;
    names[0] = "column";
    kinds[0] = QN_SH_TEXT;
    names[1] = "blocks";
    kinds[1] = QN_SH_NUMBER;
    for (int i = 0; i < picked; i++) {
        names[i + 2] = qn_result_column_name(result, picks[i]);
        kinds[i + 2] = QN_SH_NUMBER;
    }
    printer = qn_sh_print_begin(sh->out, &sh->style, picked + 2, names, kinds, 0);
    qn_sh_print_title(printer, "Totals");
    qn_sh_print_no_row_count(printer);
    for (int i = 0; i < all->count; i++) {
        const total *one = &all->list[i];

        print_total(printer, one->column, one->blocks, one->sums, picks, picked);
        blocks = one->blocks > blocks ? one->blocks : blocks;
        for (size_t c = 0; c < width; c++) /* every column has the same rows: take, not add */
            sums[c] = strcmp(qn_result_column_name(result, (int)c), "rows") == 0
                          ? one->sums[c]
                          : sums[c] + one->sums[c];
    }
    print_total(printer, "(table)", blocks, sums, picks, picked);
    qn_sh_print_end(printer);
    free(picks);
    free(names);
    free(kinds);
    free(sums);
}

static int key_column(const qn_result *result)
{
    for (int c = 0; c < qn_result_columns(result); c++) {
        const char *name = qn_result_column_name(result, c);

        if (!strcmp(name, "column") || !strcmp(name, "column_name"))
            return c;
    }
    return 0;
}

static int inspect_table(qn_sh *sh, const char *sql)
{
    qn_result      *result = qn_sh_select(sh, sql, false);
    totals          all    = {0};
    const qn_chunk *chunk  = NULL;
    qn_error        err    = {0};
    qn_status       status;

    if (!result)
        return sh->status ? sh->status : QN_EXIT_SQL;
    all.width = qn_result_columns(result);
    while ((status = qn_result_next(result, &chunk, &err)) == QN_OK && chunk)
        for (uint32_t row = 0; row < qn_chunk_rows(chunk); row++)
            totals_add(&all, chunk, key_column(result), row);
    if (status == QN_OK)
        print_totals(sh, result, &all);
    else
        qn_sh_report(sh, "ERROR", &err, NULL, 0);
    totals_free(&all);
    qn_result_free(result);
    return qn_sh_exit_status(status);
}

int qn_sh_inspect(qn_sh *sh, const char *table)
{
    qn_sh_buf sql = {0};
    int       status;

    qn_sh_buf_puts(&sql, "SELECT * FROM quern_inspect(");
    qn_sh_buf_add_literal(&sql, table);
    qn_sh_buf_putc(&sql, ')');
    /* Twice: the rows are printed as they come, and the sums need them all again. */
    if (!qn_sh_execute(sh, sql.data, 0, sql.bytes))
        status = sh->status ? sh->status : QN_EXIT_SQL;
    else
        status = inspect_table(sh, sql.data);
    qn_sh_buf_free(&sql);
    return status;
}
