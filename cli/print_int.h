/* Shared by the files that print tables: print.c (dispatch, streaming), print_text.c (forms without
 * widths), print_aligned.c and print_expanded.c (collected tables). */
#ifndef QN_CLI_PRINT_INT_H
#define QN_CLI_PRINT_INT_H

#include "print.h"

struct qn_sh_printer {
    FILE              *out;
    const qn_sh_style *style;
    int                columns;
    char             **names;
    qn_sh_kind        *kinds;
    int                screen_columns;
    char              *title; /* owned, or NULL: style->title */
    bool               row_count;
    uint64_t           rows;
    bool               need_separator; /* unaligned: a record separator is due */
    qn_sh_buf          line;           /* streaming forms build a row here */
    /* Collected tables: cell i is text[ends[i-1]..ends[i]), NULL where the bit is set. */
    qn_sh_buf text;
    size_t   *ends;
    uint8_t  *nulls;
    size_t    cell_count, cell_capacity;
};

/* The border in force: 0, 1 or 2. */
int         qn_sh_printer_border(const qn_sh_printer *printer);
const char *qn_sh_printer_title(const qn_sh_printer *printer);
/* "(3 rows)", or NULL when the table has no such line. */
const char *qn_sh_printer_footer(const qn_sh_printer *printer, char *buffer, size_t bytes);
/* Cell i of a collected table as it is shown: NULL becomes the null text. */
qn_sh_cell qn_sh_printer_cell(const qn_sh_printer *printer, size_t i);

/* A text cut into screen lines: tabs expanded, control characters spelled out. */
typedef struct qn_sh_lines {
    qn_sh_buf text;
    size_t   *starts; /* line i is text[starts[i] .. starts[i]+bytes[i]) */
    size_t   *bytes;
    int      *widths;
    int       count, capacity;
} qn_sh_lines;

void qn_sh_lines_set(qn_sh_lines *lines, const char *data, size_t bytes);
void qn_sh_lines_free(qn_sh_lines *lines);
/* Widest line and number of lines, without keeping anything. */
void qn_sh_measure(const char *data, size_t bytes, int *width, int *height);

void qn_sh_stream_begin(qn_sh_printer *printer);
void qn_sh_stream_row(qn_sh_printer *printer, const qn_sh_cell *cells);
void qn_sh_stream_end(qn_sh_printer *printer);
void qn_sh_print_aligned(qn_sh_printer *printer);
void qn_sh_print_expanded(qn_sh_printer *printer);
/* Screen columns that the aligned form would take. */
int qn_sh_aligned_width(const qn_sh_printer *printer);

#endif
