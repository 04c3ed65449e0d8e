/* Records of a sqllogictest script.
 *
 * A record is a header line, SQL lines, and for queries a `----` line with the expected values, one a
 * line; a blank line ends it.  Lines that begin with `#` are comments anywhere.  Our extensions, used
 * only below tests/sql:
 *
 *   statement error 22012 division by zero    SQLSTATE, then an extended regular expression
 *   statement count 3                         the command tag must end in 3
 *   copy in                                   SQL, ----, then data lines for COPY … FROM STDIN
 *   copy out                                  SQL, ----, then what COPY … TO STDOUT must write */
#ifndef QN_SLT_RECORD_H
#define QN_SLT_RECORD_H

#include "text.h"

typedef enum qn_slt_kind {
    QN_SLT_END, /* no more records */
    QN_SLT_OK,
    QN_SLT_ERROR,
    QN_SLT_COUNT,
    QN_SLT_QUERY,
    QN_SLT_COPY_IN,
    QN_SLT_COPY_OUT,
    QN_SLT_HALT,
    QN_SLT_HASH_THRESHOLD,
    QN_SLT_MALFORMED /* message says why */
} qn_slt_kind;

typedef enum qn_slt_sort { QN_SLT_NOSORT, QN_SLT_ROWSORT, QN_SLT_VALUESORT } qn_slt_sort;

typedef struct qn_slt_record {
    qn_slt_kind kind;
    size_t      line;     /* of the header, from 1 */
    bool        skip;     /* skipif or onlyif say: not here */
    char        types[256];
    qn_slt_sort sort;
    char        label[128];
    char        sqlstate[6]; /* "": any */
    char        pattern[512];
    uint64_t    number; /* COUNT, HASH_THRESHOLD */
    qn_slt_text sql;
    qn_slt_list expected;
    char        message[160];
} qn_slt_record;

/* Cuts a script, held in memory, into records. */
typedef struct qn_slt_reader {
    const char *text;
    size_t      bytes, at, line;
} qn_slt_reader;

/* The next record into *record, whose memory is used again. */
void qn_slt_read(qn_slt_reader *reader, qn_slt_record *record);
void qn_slt_record_free(qn_slt_record *record);

#endif
