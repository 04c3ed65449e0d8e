/* Printing of result tables, as psql prints them, and a few machine-readable forms.
 *
 * A producer (a query's result, \d, quern inspect) calls begin, row for each row, end.  Forms that need
 * no column widths are written as the rows come, so a large result costs no memory; aligned and
 * expanded tables are collected first, since every width depends on every row.
 *
 * Not here: where the output goes (exec.c, pager.c). */
#ifndef QN_CLI_PRINT_H
#define QN_CLI_PRINT_H

#include "util.h"

#include <stdio.h>

typedef enum qn_sh_format {
    QN_SH_ALIGNED,
    QN_SH_UNALIGNED,
    QN_SH_CSV,
    QN_SH_JSON,
    QN_SH_JSONL,
    QN_SH_TSV,
    QN_SH_MARKDOWN,
    QN_SH_FORMAT_COUNT
} qn_sh_format;

typedef enum qn_sh_expanded { QN_SH_X_OFF, QN_SH_X_ON, QN_SH_X_AUTO } qn_sh_expanded;

/* What \pset changes. */
typedef struct qn_sh_style {
    qn_sh_format   format;
    qn_sh_expanded expanded;
    int            border; /* 0..2 */
    bool           tuples_only;
    bool           footer;    /* "(N rows)" */
    bool           pager;     /* only ever used on a terminal */
    int            columns;   /* width for \x auto; 0: the terminal's */
    char          *null_text; /* owned, as all strings here */
    char          *field_separator;
    char          *record_separator;
    char           csv_separator;
    char          *title; /* NULL: none */
} qn_sh_style;

/* How a column's values are written where types matter. */
typedef enum qn_sh_kind { QN_SH_TEXT, QN_SH_NUMBER, QN_SH_BOOLEAN } qn_sh_kind;

typedef struct qn_sh_cell {
    const char *data; /* borrowed for the call; NULL: SQL NULL */
    size_t      bytes;
} qn_sh_cell;

typedef struct qn_sh_printer qn_sh_printer;

/* Begin a table of `columns` columns on `out`.  names and kinds are copied.  screen_columns is the
 * width of the terminal that out is, 0 when it is none.  footer NULL: the default row count, if
 * default_footer is set. */
qn_sh_printer *qn_sh_print_begin(FILE *out, const qn_sh_style *style, int columns,
                                 const char *const *names, const qn_sh_kind *kinds,
                                 int screen_columns);
void           qn_sh_print_row(qn_sh_printer *printer, const qn_sh_cell *cells);
/* Title and footer of this one table: a title replaces style.title; a footer replaces "(N rows)". */
void qn_sh_print_title(qn_sh_printer *printer, const char *title);
void qn_sh_print_no_row_count(qn_sh_printer *printer);
/* Lines the collected table will take at least; 0 for forms that are written as they come. */
uint64_t qn_sh_print_lines(const qn_sh_printer *printer);
/* True when the table is collected and written only by end. */
bool qn_sh_print_collects(const qn_sh_printer *printer);
/* Send what has not been written yet to another stream, for the pager. */
void qn_sh_print_redirect(qn_sh_printer *printer, FILE *out);
/* Write the rest and free the printer. */
void qn_sh_print_end(qn_sh_printer *printer);
/* Free without writing anything more: the query failed half way. */
void qn_sh_print_abandon(qn_sh_printer *printer);

/* The word for a format in \pset, and the format of a word (any unambiguous beginning); false: none. */
const char *qn_sh_format_name(qn_sh_format format);
bool        qn_sh_format_find(const char *word, qn_sh_format *format);

#endif
