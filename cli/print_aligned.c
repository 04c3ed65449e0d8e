/* psql's aligned table: columns padded to their widest cell, headers centred, numbers to the right.
 *
 * A cell or a header with line breaks takes several screen lines; a `+` at the end of its column
 * says that it goes on.  Borders: 0 none, 1 between columns, 2 around the table too. */
#include "print_int.h"

#include <stdlib.h>
#include <string.h>

typedef struct layout {
    const qn_sh_printer *printer;
    int                  border;
    int                  columns;
    int                 *widths;
    qn_sh_lines         *lines; /* of the row (or header) being written, one per column */
    qn_sh_buf            row;
} layout;

static void layout_widths(const qn_sh_printer *printer, int *widths)
{
    int width, height;

    for (int c = 0; c < printer->columns; c++)
        qn_sh_measure(printer->names[c], strlen(printer->names[c]), &widths[c], &height);
    for (size_t i = 0; i < printer->cell_count; i++) {
        qn_sh_cell cell = qn_sh_printer_cell(printer, i);
        int       *max  = &widths[i % (size_t)printer->columns];

        qn_sh_measure(cell.data, cell.bytes, &width, &height);
        if (width > *max)
            *max = width;
    }
}

static int layout_total(const layout *lay)
{
    int total;

    if (lay->border == 0)
        total = lay->columns;
    else if (lay->border == 1)
        total = lay->columns * 3 - (lay->columns > 0);
    else
        total = lay->columns * 3 + 1;
    for (int c = 0; c < lay->columns; c++)
        total += lay->widths[c];
    return total;
}

static void layout_init(layout *lay, const qn_sh_printer *printer)
{
    size_t count = (size_t)printer->columns;

    *lay         = (layout){0};
    lay->printer = printer;
    lay->border  = qn_sh_printer_border(printer);
    lay->columns = printer->columns;
    lay->widths  = qn_sh_alloc(count * sizeof *lay->widths);
    lay->lines   = qn_sh_alloc(count * sizeof *lay->lines);
    memset(lay->lines, 0, count * sizeof *lay->lines);
    layout_widths(printer, lay->widths);
}

static void layout_deinit(layout *lay)
{
    for (int c = 0; c < lay->columns; c++)
        qn_sh_lines_free(&lay->lines[c]);
    free(lay->lines);
    free(lay->widths);
    qn_sh_buf_free(&lay->row);
}

int qn_sh_aligned_width(const qn_sh_printer *printer)
{
    layout lay;
    int    total;

    layout_init(&lay, printer);
    total = layout_total(&lay);
    layout_deinit(&lay);
    return total;
}

static void layout_flush(layout *lay)
{
    qn_sh_buf_putc(&lay->row, '\n');
    fwrite(lay->row.data, 1, lay->row.bytes, lay->printer->out);
    qn_sh_buf_clear(&lay->row);
}

static void write_rule(layout *lay)
{
    static const char *const left[]  = {"", "-", "+-"};
    static const char *const mid[]   = {" ", "-+-", "-+-"};
    static const char *const right[] = {"", "-", "-+"};

    qn_sh_buf_puts(&lay->row, left[lay->border]);
    for (int c = 0; c < lay->columns; c++) {
        qn_sh_buf_pad(&lay->row, (size_t)lay->widths[c], '-');
        if (c + 1 < lay->columns)
            qn_sh_buf_puts(&lay->row, mid[lay->border]);
    }
    qn_sh_buf_puts(&lay->row, right[lay->border]);
    layout_flush(lay);
}

static void write_title(layout *lay, const char *title)
{
    int width, height, total = layout_total(lay);

    qn_sh_measure(title, strlen(title), &width, &height);
    if (width < total)
        qn_sh_buf_pad(&lay->row, (size_t)(total - width) / 2, ' ');
    qn_sh_buf_puts(&lay->row, title);
    layout_flush(lay);
}

static void add_line(layout *lay, int column, int line)
{
    const qn_sh_lines *lines = &lay->lines[column];

    qn_sh_buf_add(&lay->row, lines->text.data + lines->starts[line], lines->bytes[line]);
}

static void write_header_line(layout *lay, int line)
{
    if (lay->border == 2)
        qn_sh_buf_putc(&lay->row, '|');
    for (int c = 0; c < lay->columns; c++) {
        const qn_sh_lines *lines = &lay->lines[c];
        size_t             space = (size_t)lay->widths[c];

        if (lay->border)
            qn_sh_buf_putc(&lay->row, ' ');
        if (line < lines->count) {
            space -= (size_t)lines->widths[line];
            qn_sh_buf_pad(&lay->row, space / 2, ' ');
            if (lines->bytes[line])
                add_line(lay, c, line);
            qn_sh_buf_pad(&lay->row, (space + 1) / 2, ' ');
        } else {
            qn_sh_buf_pad(&lay->row, space, ' ');
        }
        qn_sh_buf_putc(&lay->row, line + 1 < lines->count ? '+' : ' ');
        if (lay->border && c + 1 < lay->columns)
            qn_sh_buf_putc(&lay->row, '|');
    }
    if (lay->border == 2)
        qn_sh_buf_putc(&lay->row, '|');
    layout_flush(lay);
}

static void write_header(layout *lay)
{
    int height = lay->columns ? 1 : 0;

    if (lay->border == 2)
        write_rule(lay);
    for (int c = 0; c < lay->columns; c++) {
        qn_sh_lines_set(&lay->lines[c], lay->printer->names[c], strlen(lay->printer->names[c]));
        if (lay->lines[c].count > height)
            height = lay->lines[c].count;
    }
    for (int line = 0; line < height; line++)
        write_header_line(lay, line);
    write_rule(lay);
}

/* One screen line of a row.  Trailing spaces are left out in the last column unless a border or a
 * continuation mark follows. */
static void write_cell_line(layout *lay, int line)
{
    if (lay->border == 2)
        qn_sh_buf_putc(&lay->row, '|');
    for (int c = 0; c < lay->columns; c++) {
        const qn_sh_lines *lines = &lay->lines[c];
        bool               last  = c + 1 == lay->columns;
        bool               more  = line + 1 < lines->count;
        bool               pad   = lay->border == 2 || !last || more;
        int                width = line < lines->count ? lines->widths[line] : 0;
        size_t             space = (size_t)(lay->widths[c] - width);
        bool               right = lay->printer->kinds[c] == QN_SH_NUMBER;

        if (lay->border)
            qn_sh_buf_putc(&lay->row, ' ');
        if (right && (line < lines->count || pad))
            qn_sh_buf_pad(&lay->row, space, ' ');
        if (line < lines->count && lines->bytes[line])
            add_line(lay, c, line);
        if (!right && pad)
            qn_sh_buf_pad(&lay->row, space, ' ');
        if (more)
            qn_sh_buf_putc(&lay->row, '+');
        else if (lay->border == 2 || !last)
            qn_sh_buf_putc(&lay->row, ' ');
        if (lay->border && !last)
            qn_sh_buf_putc(&lay->row, '|');
    }
    if (lay->border == 2)
        qn_sh_buf_putc(&lay->row, '|');
    layout_flush(lay);
}

static void write_row(layout *lay, size_t first_cell)
{
    int height = 1;

    for (int c = 0; c < lay->columns; c++) {
        qn_sh_cell cell = qn_sh_printer_cell(lay->printer, first_cell + (size_t)c);

        qn_sh_lines_set(&lay->lines[c], cell.data, cell.bytes);
        if (lay->lines[c].count > height)
            height = lay->lines[c].count;
    }
    for (int line = 0; line < height; line++)
        write_cell_line(lay, line);
}

void qn_sh_print_aligned(qn_sh_printer *printer)
{
    layout      lay;
    char        buffer[64];
    const char *title  = qn_sh_printer_title(printer);
    const char *footer = qn_sh_printer_footer(printer, buffer, sizeof buffer);
    bool        bare   = printer->style->tuples_only;

    layout_init(&lay, printer);
    if (title && !bare)
        write_title(&lay, title);
    if (!bare)
        write_header(&lay);
    for (size_t i = 0; i < printer->cell_count && !ferror(printer->out); i += (size_t)lay.columns)
        write_row(&lay, i);
    if (lay.border == 2)
        write_rule(&lay);
    if (footer && !bare)
        fprintf(printer->out, "%s\n", footer);
    fputc('\n', printer->out);
    layout_deinit(&lay);
}
