/* Tables: the common part of all output forms.
 *
 * Collected tables keep their cells in one text with end offsets; a result of n cells costs its text
 * and nine bytes a cell, not an allocation each.  Which forms stream is decided once, at begin. */
#include "print_int.h"

#include <stdlib.h>
#include <string.h>

static const char *const format_names[QN_SH_FORMAT_COUNT] = {
    "aligned", "unaligned", "csv", "json", "jsonl", "tsv", "markdown",
};

const char *qn_sh_format_name(qn_sh_format format)
{
    return format_names[format];
}

bool qn_sh_format_find(const char *word, qn_sh_format *format)
{
    int    found = -1;
    size_t bytes = strlen(word);

    if (!bytes)
        return false;
    for (int i = 0; i < QN_SH_FORMAT_COUNT; i++) {
        if (strncmp(format_names[i], word, bytes) != 0)
            continue;
        if (format_names[i][bytes] == '\0') { /* exact: "json" is not ambiguous with "jsonl" */
            *format = (qn_sh_format)i;
            return true;
        }
        if (found >= 0)
            return false;
        found = i;
    }
    if (found < 0)
        return false;
    *format = (qn_sh_format)found;
    return true;
}

bool qn_sh_print_collects(const qn_sh_printer *printer)
{
    return printer->style->format == QN_SH_ALIGNED;
}

qn_sh_printer *qn_sh_print_begin(FILE *out, const qn_sh_style *style, int columns,
                                 const char *const *names, const qn_sh_kind *kinds,
                                 int screen_columns)
{
    qn_sh_printer *printer = qn_sh_alloc(sizeof *printer);
    size_t         count   = columns > 0 ? (size_t)columns : 0;

    *printer                = (qn_sh_printer){0};
    printer->out            = out;
    printer->style          = style;
    printer->columns        = (int)count;
    printer->screen_columns = screen_columns;
    printer->row_count      = true;
    printer->names          = qn_sh_alloc(count * sizeof *printer->names);
    printer->kinds          = qn_sh_alloc(count * sizeof *printer->kinds);
    for (size_t i = 0; i < count; i++) {
        printer->names[i] = qn_sh_strdup(names[i]);
        printer->kinds[i] = kinds[i];
    }
    if (!qn_sh_print_collects(printer))
        qn_sh_stream_begin(printer);
    return printer;
}

static void collect_row(qn_sh_printer *printer, const qn_sh_cell *cells)
{
    size_t need = printer->cell_count + (size_t)printer->columns;

    if (need > printer->cell_capacity) {
        size_t capacity = printer->cell_capacity ? printer->cell_capacity * 2 : 256;

        if (capacity < need)
            capacity = need;
        printer->ends          = qn_sh_realloc(printer->ends, capacity * sizeof *printer->ends);
        printer->nulls         = qn_sh_realloc(printer->nulls, capacity);
        printer->cell_capacity = capacity;
    }
    for (int c = 0; c < printer->columns; c++) {
        if (cells[c].data)
            qn_sh_buf_add(&printer->text, cells[c].data, cells[c].bytes);
        printer->nulls[printer->cell_count]  = cells[c].data == NULL;
        printer->ends[printer->cell_count++] = printer->text.bytes;
    }
}

void qn_sh_print_row(qn_sh_printer *printer, const qn_sh_cell *cells)
{
    if (qn_sh_print_collects(printer))
        collect_row(printer, cells);
    else
        qn_sh_stream_row(printer, cells);
    printer->rows++;
}

void qn_sh_print_title(qn_sh_printer *printer, const char *title)
{
    free(printer->title);
    printer->title = qn_sh_strdup(title);
}

void qn_sh_print_no_row_count(qn_sh_printer *printer)
{
    printer->row_count = false;
}

uint64_t qn_sh_print_lines(const qn_sh_printer *printer)
{
    if (!qn_sh_print_collects(printer))
        return 0;
    if (printer->style->expanded == QN_SH_X_ON)
        return printer->rows * ((uint64_t)printer->columns + 1) + 1;
    return printer->rows + 4;
}

void qn_sh_print_redirect(qn_sh_printer *printer, FILE *out)
{
    printer->out = out;
}

static bool printer_is_expanded(const qn_sh_printer *printer)
{
    int width;

    if (printer->style->expanded != QN_SH_X_AUTO)
        return printer->style->expanded == QN_SH_X_ON;
    width = printer->style->columns > 0 ? printer->style->columns : printer->screen_columns;
    return width > 0 && qn_sh_aligned_width(printer) > width;
}

void qn_sh_print_end(qn_sh_printer *printer)
{
    if (!qn_sh_print_collects(printer))
        qn_sh_stream_end(printer);
    else if (printer_is_expanded(printer))
        qn_sh_print_expanded(printer);
    else
        qn_sh_print_aligned(printer);
    qn_sh_print_abandon(printer);
}

void qn_sh_print_abandon(qn_sh_printer *printer)
{
    if (!printer)
        return;
    for (int i = 0; i < printer->columns; i++)
        free(printer->names[i]);
    free(printer->names);
    free(printer->kinds);
    free(printer->title);
    free(printer->ends);
    free(printer->nulls);
    qn_sh_buf_free(&printer->text);
    qn_sh_buf_free(&printer->line);
    free(printer);
}

int qn_sh_printer_border(const qn_sh_printer *printer)
{
    int border = printer->style->border;

    return border < 0 ? 0 : border > 2 ? 2 : border;
}

const char *qn_sh_printer_title(const qn_sh_printer *printer)
{
    return printer->title ? printer->title : printer->style->title;
}

const char *qn_sh_printer_footer(const qn_sh_printer *printer, char *buffer, size_t bytes)
{
    if (!printer->style->footer || !printer->row_count)
        return NULL;
    snprintf(buffer, bytes, "(%llu row%s)", (unsigned long long)printer->rows,
             printer->rows == 1 ? "" : "s");
    return buffer;
}

qn_sh_cell qn_sh_printer_cell(const qn_sh_printer *printer, size_t i)
{
    size_t start = i ? printer->ends[i - 1] : 0;

    if (printer->nulls[i])
        return (qn_sh_cell){printer->style->null_text, strlen(printer->style->null_text)};
    return (qn_sh_cell){qn_sh_buf_text(&printer->text) + start, printer->ends[i] - start};
}

/* ---- screen lines -------------------------------------------------------------------------- */

static void lines_push(qn_sh_lines *lines)
{
    if (lines->count == lines->capacity) {
        size_t capacity = lines->capacity ? (size_t)lines->capacity * 2 : 4;

        lines->starts   = qn_sh_realloc(lines->starts, capacity * sizeof *lines->starts);
        lines->bytes    = qn_sh_realloc(lines->bytes, capacity * sizeof *lines->bytes);
        lines->widths   = qn_sh_realloc(lines->widths, capacity * sizeof *lines->widths);
        lines->capacity = (int)capacity;
    }
    lines->starts[lines->count] = lines->text.bytes;
    lines->bytes[lines->count]  = 0;
    lines->widths[lines->count] = 0;
    lines->count++;
}

/* Append one character in its visible form; returns the columns it takes. */
static int lines_add_char(qn_sh_buf *text, const char *at, size_t length, int32_t code, int column)
{
    char spelled[16];
    int  width = code < 0 ? 1 : qn_sh_width(code);

    if (code == '\t') {
        width = 8 - column % 8;
        qn_sh_buf_pad(text, (size_t)width, ' ');
        return width;
    }
    if (code == '\r') {
        qn_sh_buf_puts(text, "\\r");
        return 2;
    }
    if (width < 0) {
        snprintf(spelled, sizeof spelled, length == 1 ? "\\x%02X" : "\\u%04X", (unsigned)code);
        qn_sh_buf_puts(text, spelled);
        return length == 1 ? 4 : 6;
    }
    qn_sh_buf_add(text, at, length);
    return width;
}

void qn_sh_lines_set(qn_sh_lines *lines, const char *data, size_t bytes)
{
    size_t at = 0, length;

    lines->count = 0;
    qn_sh_buf_clear(&lines->text);
    lines_push(lines);
    while (at < bytes) {
        int     i    = lines->count - 1;
        int32_t code = qn_sh_utf8(data + at, bytes - at, &length);

        if (code == '\n') {
            lines->bytes[i] = lines->text.bytes - lines->starts[i];
            lines_push(lines);
        } else {
            lines->widths[i] +=
                lines_add_char(&lines->text, data + at, length, code, lines->widths[i]);
        }
        at += length;
    }
    lines->bytes[lines->count - 1] = lines->text.bytes - lines->starts[lines->count - 1];
}

void qn_sh_lines_free(qn_sh_lines *lines)
{
    qn_sh_buf_free(&lines->text);
    free(lines->starts);
    free(lines->bytes);
    free(lines->widths);
    *lines = (qn_sh_lines){0};
}

void qn_sh_measure(const char *data, size_t bytes, int *width, int *height)
{
    int    column = 0;
    size_t length;

    *width  = 0;
    *height = 1;
    for (size_t at = 0; at < bytes; at += length) {
        unsigned char c = (unsigned char)data[at];
        int32_t       code;
        int           w;

        length = 1;
        if (c >= ' ' && c < 0x7f) { /* nearly every character of nearly every table */
            column++;
            continue;
        }
        code = qn_sh_utf8(data + at, bytes - at, &length);
        w    = code < 0 ? 1 : qn_sh_width(code);
        if (code == '\n') {
            *width = column > *width ? column : *width;
            column = 0;
            (*height)++;
        } else if (code == '\t') {
            column += 8 - column % 8;
        } else if (code == '\r') {
            column += 2;
        } else {
            column += w >= 0 ? w : length == 1 ? 4 : 6;
        }
    }
    *width = column > *width ? column : *width;
}
