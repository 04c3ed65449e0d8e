/* psql's expanded display: one block per row, a line per column, "name | value".
 *
 * The line above each block is a horizontal rule that the label `[ RECORD n ]` is laid over; where
 * the label is longer than the rule it sticks out. */
#include "print_int.h"

#include <stdlib.h>
#include <string.h>

typedef struct shape {
    const qn_sh_printer *printer;
    int                  border;
    int                  name_width, value_width;
    bool                 name_breaks, value_breaks; /* some name or value has several lines */
    qn_sh_buf            line;
    qn_sh_lines          names, values;
} shape;

static void shape_measure(shape *s)
{
    const qn_sh_printer *printer = s->printer;
    int                  width, height;

    for (int c = 0; c < printer->columns; c++) {
        qn_sh_measure(printer->names[c], strlen(printer->names[c]), &width, &height);
        s->name_width = width > s->name_width ? width : s->name_width;
        s->name_breaks |= height > 1;
    }
    for (size_t i = 0; i < printer->cell_count; i++) {
        qn_sh_cell cell = qn_sh_printer_cell(printer, i);

        qn_sh_measure(cell.data, cell.bytes, &width, &height);
        s->value_width = width > s->value_width ? width : s->value_width;
        s->value_breaks |= height > 1;
    }
}

static void shape_flush(shape *s)
{
    qn_sh_buf_putc(&s->line, '\n');
    fwrite(s->line.data, 1, s->line.bytes, s->printer->out);
    qn_sh_buf_clear(&s->line);
}

/* The rule above a record, with its number unless that is 0. */
static void write_rule(shape *s, uint64_t record, int name_width)
{
    char   label[48] = "";
    size_t offset    = (size_t)s->border; /* where the label begins */
    size_t bytes;

    if (s->border == 0) {
        qn_sh_buf_pad(&s->line, (size_t)(name_width + s->value_width), ' ');
    } else {
        if (s->border == 2)
            qn_sh_buf_putc(&s->line, '+');
        qn_sh_buf_pad(&s->line, (size_t)name_width + (s->border == 2 ? 2 : 1), '-');
        qn_sh_buf_putc(&s->line, '+');
        qn_sh_buf_pad(&s->line, (size_t)s->value_width + 1, '-');
    }
    if (record)
        snprintf(label, sizeof label, s->border ? "[ RECORD %llu ]" : "* Record %llu",
                 (unsigned long long)record);
    bytes = strlen(label);
    if (offset + bytes > s->line.bytes)
        qn_sh_buf_pad(&s->line, offset + bytes - s->line.bytes, ' ');
    if (bytes)
        memcpy(s->line.data + offset, label, bytes);
    if (s->border == 2)
        qn_sh_buf_puts(&s->line, "-+");
    shape_flush(s);
}

static void add_name(shape *s, int line)
{
    const qn_sh_lines *names = &s->names;
    bool               marks = s->border > 0 || s->name_breaks;

    if (line >= names->count) {
        int width = s->name_width + s->border + (s->border == 0 && s->name_breaks);

        qn_sh_buf_pad(&s->line, width > 0 ? (size_t)width : 1, ' ');
        return;
    }
    if (s->border == 2)
        qn_sh_buf_putc(&s->line, ' ');
    if (names->bytes[line])
        qn_sh_buf_add(&s->line, names->text.data + names->starts[line], names->bytes[line]);
    qn_sh_buf_pad(&s->line, (size_t)(s->name_width - names->widths[line]), ' ');
    if (marks)
        qn_sh_buf_putc(&s->line, line + 1 < names->count ? '+' : ' ');
}

static void add_value(shape *s, int line)
{
    const qn_sh_lines *values = &s->values;
    bool               more   = line + 1 < values->count;
    size_t             space;

    if (line >= values->count) {
        if (s->border == 2)
            qn_sh_buf_pad(&s->line, (size_t)s->value_width + 2, ' ');
        return;
    }
    space = (size_t)(s->value_width - values->widths[line]);
    qn_sh_buf_putc(&s->line, ' ');
    if (values->bytes[line])
        qn_sh_buf_add(&s->line, values->text.data + values->starts[line], values->bytes[line]);
    if (more || s->border == 2) {
        qn_sh_buf_pad(&s->line, space, ' ');
        qn_sh_buf_putc(&s->line, more ? '+' : ' ');
    }
}

static void write_field(shape *s, int column, qn_sh_cell value)
{
    int height;

    qn_sh_lines_set(&s->names, s->printer->names[column], strlen(s->printer->names[column]));
    qn_sh_lines_set(&s->values, value.data, value.bytes);
    height = s->names.count > s->values.count ? s->names.count : s->values.count;
    for (int line = 0; line < height; line++) {
        if (s->border == 2)
            qn_sh_buf_putc(&s->line, '|');
        add_name(s, line);
        if (s->border)
            qn_sh_buf_putc(&s->line, '|');
        add_value(s, line);
        if (s->border == 2)
            qn_sh_buf_putc(&s->line, '|');
        shape_flush(s);
    }
}

static void write_records(shape *s)
{
    const qn_sh_printer *printer = s->printer;
    int                  width   = s->name_width + (s->border == 0 && s->name_breaks);
    uint64_t             record  = 0;

    for (size_t i = 0; i < printer->cell_count && !ferror(printer->out); i++) {
        int column = (int)(i % (size_t)printer->columns);

        if (column == 0) {
            record++;
            if (!printer->style->tuples_only)
                write_rule(s, record, width);
            else if (i || s->border == 2)
                write_rule(s, 0, width);
        }
        write_field(s, column, qn_sh_printer_cell(printer, i));
    }
    if (s->border == 2)
        write_rule(s, 0, s->name_width);
}

void qn_sh_print_expanded(qn_sh_printer *printer)
{
    shape       s = {.printer = printer, .border = qn_sh_printer_border(printer)};
    char        buffer[64];
    const char *title = qn_sh_printer_title(printer);
    const char *footer;
    bool        bare = printer->style->tuples_only;

    if (printer->cell_count == 0) {
        footer = qn_sh_printer_footer(printer, buffer, sizeof buffer);
        if (footer && !bare)
            fprintf(printer->out, "%s\n", footer);
        fputc('\n', printer->out);
        return;
    }
    shape_measure(&s);
    if (title && !bare)
        fprintf(printer->out, "%s\n", title);
    write_records(&s);
    fputc('\n', printer->out);
    qn_sh_buf_free(&s.line);
    qn_sh_lines_free(&s.names);
    qn_sh_lines_free(&s.values);
}
