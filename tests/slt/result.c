/* Rendering of values under the letters I, R and T; see result.h. */
#include "result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_fraction_type(qn_sql_type type)
{
    return type == QN_TYPE_REAL || type == QN_TYPE_DOUBLE || type == QN_TYPE_NUMERIC;
}

/* %d of the value taken as an integer: a fraction is cut off, text is read as atol reads it. */
static char *render_integer(const char *text, qn_sql_type type)
{
    char buffer[64];

    if (type == QN_TYPE_BOOLEAN)
        snprintf(buffer, sizeof buffer, "%d", text[0] == 't');
    else if (is_fraction_type(type) && strpbrk(text, "eE"))
        snprintf(buffer, sizeof buffer, "%.0f", trunc(strtod(text, NULL)));
    else
        snprintf(buffer, sizeof buffer, "%lld", strtoll(text, NULL, 10));
    return qn_slt_strndup(buffer, strlen(buffer));
}

static char *render_real(const char *text, qn_sql_type type)
{
    double value = type == QN_TYPE_BOOLEAN ? text[0] == 't' : strtod(text, NULL);
    char   buffer[400]; /* the largest double has 309 digits before the point */

    if (isnan(value))
        snprintf(buffer, sizeof buffer, "NaN");
    else if (isinf(value))
        snprintf(buffer, sizeof buffer, value > 0 ? "Infinity" : "-Infinity");
    else
        snprintf(buffer, sizeof buffer, "%.3f", value);
    return qn_slt_strndup(buffer, strlen(buffer));
}

static char *render_text(const char *text, size_t bytes)
{
    char *out;

    if (!bytes)
        return qn_slt_strndup("(empty)", 7);
    out = qn_slt_strndup(text, bytes);
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
            out[i] = '@';
    return out;
}

static char *render(const qn_chunk *chunk, int column, uint32_t row, char letter, qn_sql_type type)
{
    size_t      bytes = 0;
    const char *text;
    char       *copy, *out;

    if (qn_chunk_is_null(chunk, column, row))
        return qn_slt_strndup("NULL", 4);
    text = qn_chunk_text(chunk, column, row, &bytes);
    if (letter == 'T')
        return render_text(text ? text : "", text ? bytes : 0);
    copy = qn_slt_strndup(text ? text : "", text ? bytes : 0);
    out  = letter == 'I' ? render_integer(copy, type) : render_real(copy, type);
    free(copy);
    return out;
}

/* qsort has no argument of ours; a row is a run of `row_width` values. */
static int compare_rows(const void *a, const void *b, void *width)
{
    for (size_t i = 0; i < *(const size_t *)width; i++) {
        int order = strcmp(((char *const *)a)[i], ((char *const *)b)[i]);

        if (order)
            return order;
    }
    return 0;
}

static void sort_values(qn_slt_list *values, size_t columns, qn_slt_sort sort)
{
    size_t width = sort == QN_SLT_ROWSORT ? columns : 1;

    if (sort != QN_SLT_NOSORT && values->count)
        qsort_r(values->items, values->count / width, width * sizeof *values->items, compare_rows,
                &width);
}

qn_status qn_slt_render(qn_result *result, const char *types, qn_slt_sort sort, qn_slt_list *values,
                        qn_error *err)
{
    const qn_chunk *chunk   = NULL;
    int             columns = types ? (int)strlen(types) : 0;
    qn_status       status;

    while ((status = qn_result_next(result, &chunk, err)) == QN_OK && chunk)
        for (uint32_t row = 0; row < qn_chunk_rows(chunk); row++)
            for (int c = 0; c < columns; c++)
                qn_slt_list_take(values, render(chunk, c, row, types[c],
                                                qn_result_column_type(result, c)));
    if (status == QN_OK && columns)
        sort_values(values, (size_t)columns, sort);
    return status;
}

void qn_slt_hash(const qn_slt_list *values, char *out, size_t bytes)
{
    qn_slt_md5 md5;
    char       hex[33];

    qn_slt_md5_init(&md5);
    for (size_t i = 0; i < values->count; i++) {
        qn_slt_md5_add(&md5, values->items[i], strlen(values->items[i]));
        qn_slt_md5_add(&md5, "\n", 1);
    }
    qn_slt_md5_hex(&md5, hex);
    snprintf(out, bytes, "%zu values hashing to %s", values->count, hex);
}
