/* Output forms written row by row: unaligned, CSV, TSV, JSON, JSON lines and Markdown.
 *
 * Unaligned and CSV are psql's, expanded forms included.  TSV is COPY's text format with a header line:
 * \t, \n and \\ for what would break a line, \N for NULL unless \pset null says otherwise.  JSON writes
 * numbers and booleans bare, except NaN and infinities, which JSON cannot say: they become strings. */
#include "print_int.h"

#include <string.h>

static void flush_line(qn_sh_printer *printer)
{
    if (printer->line.bytes)
        fwrite(printer->line.data, 1, printer->line.bytes, printer->out);
    qn_sh_buf_clear(&printer->line);
}

static qn_sh_cell shown(const qn_sh_printer *printer, const qn_sh_cell *cell)
{
    if (cell->data)
        return *cell;
    return (qn_sh_cell){printer->style->null_text, strlen(printer->style->null_text)};
}

/* ---- unaligned ------------------------------------------------------------------------------ */

static void unaligned_begin(qn_sh_printer *printer)
{
    const qn_sh_style *style = printer->style;

    if (style->tuples_only)
        return;
    if (style->title) {
        qn_sh_buf_puts(&printer->line, style->title);
        if (style->expanded == QN_SH_X_ON)
            printer->need_separator = true;
        else
            qn_sh_buf_puts(&printer->line, style->record_separator);
    }
    if (style->expanded == QN_SH_X_ON)
        return;
    for (int c = 0; c < printer->columns; c++) {
        if (c)
            qn_sh_buf_puts(&printer->line, style->field_separator);
        qn_sh_buf_puts(&printer->line, printer->names[c]);
    }
    printer->need_separator = true;
}

static void unaligned_row(qn_sh_printer *printer, const qn_sh_cell *cells)
{
    const qn_sh_style *style = printer->style;

    if (printer->columns && printer->need_separator)
        qn_sh_buf_puts(&printer->line, style->record_separator);
    for (int c = 0; c < printer->columns; c++) {
        qn_sh_cell cell = shown(printer, &cells[c]);

        if (c)
            qn_sh_buf_puts(&printer->line, style->field_separator);
        qn_sh_buf_add(&printer->line, cell.data, cell.bytes);
        printer->need_separator = true;
    }
}

/* Two record separators stand between rows; psql writes them before each but the first. */
static void unaligned_expanded_row(qn_sh_printer *printer, const qn_sh_cell *cells)
{
    const qn_sh_style *style = printer->style;

    if (printer->columns && printer->need_separator) {
        qn_sh_buf_puts(&printer->line, style->record_separator);
        qn_sh_buf_puts(&printer->line, style->record_separator);
    }
    for (int c = 0; c < printer->columns; c++) {
        qn_sh_cell cell = shown(printer, &cells[c]);

        if (c)
            qn_sh_buf_puts(&printer->line, style->record_separator);
        qn_sh_buf_puts(&printer->line, printer->names[c]);
        qn_sh_buf_puts(&printer->line, style->field_separator);
        qn_sh_buf_add(&printer->line, cell.data, cell.bytes);
        printer->need_separator = true;
    }
}

static void unaligned_end(qn_sh_printer *printer)
{
    char        buffer[64];
    const char *footer = qn_sh_printer_footer(printer, buffer, sizeof buffer);

    if (footer && !printer->style->tuples_only && printer->style->expanded != QN_SH_X_ON) {
        if (printer->need_separator)
            qn_sh_buf_puts(&printer->line, printer->style->record_separator);
        qn_sh_buf_puts(&printer->line, footer);
        printer->need_separator = true;
    }
    if (printer->need_separator)
        qn_sh_buf_putc(&printer->line, '\n');
}

/* ---- CSV ------------------------------------------------------------------------------------ */

static void csv_field(qn_sh_printer *printer, const char *data, size_t bytes)
{
    bool quote = bytes == 2 && memcmp(data, "\\.", 2) == 0;

    for (size_t i = 0; i < bytes && !quote; i++)
        quote = data[i] == printer->style->csv_separator || data[i] == '"' || data[i] == '\n' ||
                data[i] == '\r';
    if (!quote) {
        qn_sh_buf_add(&printer->line, data, bytes);
        return;
    }
    qn_sh_buf_putc(&printer->line, '"');
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] == '"')
            qn_sh_buf_putc(&printer->line, '"');
        qn_sh_buf_putc(&printer->line, data[i]);
    }
    qn_sh_buf_putc(&printer->line, '"');
}

static void csv_begin(qn_sh_printer *printer)
{
    if (printer->style->tuples_only || printer->style->expanded == QN_SH_X_ON)
        return;
    for (int c = 0; c < printer->columns; c++) {
        if (c)
            qn_sh_buf_putc(&printer->line, printer->style->csv_separator);
        csv_field(printer, printer->names[c], strlen(printer->names[c]));
    }
    qn_sh_buf_putc(&printer->line, '\n');
}

static void csv_row(qn_sh_printer *printer, const qn_sh_cell *cells)
{
    bool expanded = printer->style->expanded == QN_SH_X_ON;

    for (int c = 0; c < printer->columns; c++) {
        qn_sh_cell cell = shown(printer, &cells[c]);

        if (expanded) {
            csv_field(printer, printer->names[c], strlen(printer->names[c]));
            qn_sh_buf_putc(&printer->line, printer->style->csv_separator);
        } else if (c) {
            qn_sh_buf_putc(&printer->line, printer->style->csv_separator);
        }
        csv_field(printer, cell.data, cell.bytes);
        if (expanded || c + 1 == printer->columns)
            qn_sh_buf_putc(&printer->line, '\n');
    }
}

/* ---- TSV ------------------------------------------------------------------------------------ */

static void tsv_field(qn_sh_printer *printer, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        switch (data[i]) {
        case '\t':
            qn_sh_buf_puts(&printer->line, "\\t");
            break;
        case '\n':
            qn_sh_buf_puts(&printer->line, "\\n");
            break;
        case '\r':
            qn_sh_buf_puts(&printer->line, "\\r");
            break;
        case '\\':
            qn_sh_buf_puts(&printer->line, "\\\\");
            break;
        default:
            qn_sh_buf_putc(&printer->line, data[i]);
        }
    }
}

static void tsv_begin(qn_sh_printer *printer)
{
    if (printer->style->tuples_only)
        return;
    for (int c = 0; c < printer->columns; c++) {
        if (c)
            qn_sh_buf_putc(&printer->line, '\t');
        tsv_field(printer, printer->names[c], strlen(printer->names[c]));
    }
    qn_sh_buf_putc(&printer->line, '\n');
}

static void tsv_row(qn_sh_printer *printer, const qn_sh_cell *cells)
{
    for (int c = 0; c < printer->columns; c++) {
        if (c)
            qn_sh_buf_putc(&printer->line, '\t');
        if (cells[c].data)
            tsv_field(printer, cells[c].data, cells[c].bytes);
        else if (printer->style->null_text[0])
            tsv_field(printer, printer->style->null_text, strlen(printer->style->null_text));
        else
            qn_sh_buf_puts(&printer->line, "\\N");
    }
    qn_sh_buf_putc(&printer->line, '\n');
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void json_string(qn_sh_buf *line, const char *data, size_t bytes)
{
    qn_sh_buf_putc(line, '"');
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c == '"' || c == '\\') {
            qn_sh_buf_putc(line, '\\');
            qn_sh_buf_putc(line, (char)c);
        } else if (c == '\n') {
            qn_sh_buf_puts(line, "\\n");
        } else if (c == '\t') {
            qn_sh_buf_puts(line, "\\t");
        } else if (c == '\r') {
            qn_sh_buf_puts(line, "\\r");
        } else if (c < 0x20) {
            qn_sh_buf_printf(line, "\\u%04x", c);
        } else {
            qn_sh_buf_putc(line, (char)c);
        }
    }
    qn_sh_buf_putc(line, '"');
}

static bool is_json_number(const qn_sh_cell *cell)
{
    size_t sign = cell->bytes && cell->data[0] == '-';

    return cell->bytes > sign && cell->data[sign] >= '0' && cell->data[sign] <= '9';
}

static void json_value(qn_sh_printer *printer, int column, const qn_sh_cell *cell)
{
    qn_sh_kind kind = printer->kinds[column];

    if (!cell->data)
        qn_sh_buf_puts(&printer->line, "null");
    else if (kind == QN_SH_BOOLEAN)
        qn_sh_buf_puts(&printer->line, cell->bytes && cell->data[0] == 't' ? "true" : "false");
    else if (kind == QN_SH_NUMBER && is_json_number(cell))
        qn_sh_buf_add(&printer->line, cell->data, cell->bytes);
    else
        json_string(&printer->line, cell->data, cell->bytes);
}

static void json_row(qn_sh_printer *printer, const qn_sh_cell *cells)
{
    if (printer->style->format == QN_SH_JSON)
        qn_sh_buf_puts(&printer->line, printer->rows ? ",\n " : "[");
    qn_sh_buf_putc(&printer->line, '{');
    for (int c = 0; c < printer->columns; c++) {
        if (c)
            qn_sh_buf_putc(&printer->line, ',');
        json_string(&printer->line, printer->names[c], strlen(printer->names[c]));
        qn_sh_buf_putc(&printer->line, ':');
        json_value(printer, c, &cells[c]);
    }
    qn_sh_buf_putc(&printer->line, '}');
    if (printer->style->format == QN_SH_JSONL)
        qn_sh_buf_putc(&printer->line, '\n');
}

/* ---- Markdown ------------------------------------------------------------------------------- */

static void markdown_field(qn_sh_buf *line, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] == '|')
            qn_sh_buf_puts(line, "\\|");
        else if (data[i] == '\n')
            qn_sh_buf_puts(line, "<br>");
        else if (data[i] != '\r')
            qn_sh_buf_putc(line, data[i]);
    }
}

static void markdown_begin(qn_sh_printer *printer)
{
    qn_sh_buf *line = &printer->line;

    qn_sh_buf_putc(line, '|');
    for (int c = 0; c < printer->columns; c++) {
        qn_sh_buf_putc(line, ' ');
        if (!printer->style->tuples_only) /* a table needs its header line; bare, it is empty */
            markdown_field(line, printer->names[c], strlen(printer->names[c]));
        qn_sh_buf_puts(line, " |");
    }
    qn_sh_buf_puts(line, "\n|");
    for (int c = 0; c < printer->columns; c++)
        qn_sh_buf_puts(line, printer->kinds[c] == QN_SH_NUMBER ? "---:|" : "---|");
    qn_sh_buf_putc(line, '\n');
}

static void markdown_row(qn_sh_printer *printer, const qn_sh_cell *cells)
{
    qn_sh_buf_putc(&printer->line, '|');
    for (int c = 0; c < printer->columns; c++) {
        qn_sh_cell cell = shown(printer, &cells[c]);

        qn_sh_buf_putc(&printer->line, ' ');
        markdown_field(&printer->line, cell.data, cell.bytes);
        qn_sh_buf_puts(&printer->line, " |");
    }
    qn_sh_buf_putc(&printer->line, '\n');
}

/* ---- dispatch ------------------------------------------------------------------------------- */

void qn_sh_stream_begin(qn_sh_printer *printer)
{
    switch (printer->style->format) {
    case QN_SH_UNALIGNED:
        unaligned_begin(printer);
        break;
    case QN_SH_CSV:
        csv_begin(printer);
        break;
    case QN_SH_TSV:
        tsv_begin(printer);
        break;
    case QN_SH_MARKDOWN:
        markdown_begin(printer);
        break;
    default: /* JSON has nothing before its first row */
        break;
    }
    flush_line(printer);
}

void qn_sh_stream_row(qn_sh_printer *printer, const qn_sh_cell *cells)
{
    switch (printer->style->format) {
    case QN_SH_UNALIGNED:
        if (printer->style->expanded == QN_SH_X_ON)
            unaligned_expanded_row(printer, cells);
        else
            unaligned_row(printer, cells);
        break;
    case QN_SH_CSV:
        csv_row(printer, cells);
        break;
    case QN_SH_TSV:
        tsv_row(printer, cells);
        break;
    case QN_SH_MARKDOWN:
        markdown_row(printer, cells);
        break;
    default:
        json_row(printer, cells);
        break;
    }
    flush_line(printer);
}

void qn_sh_stream_end(qn_sh_printer *printer)
{
    if (printer->style->format == QN_SH_UNALIGNED)
        unaligned_end(printer);
    else if (printer->style->format == QN_SH_JSON)
        qn_sh_buf_puts(&printer->line, printer->rows ? "]\n" : "[]\n");
    flush_line(printer);
}
