/* Running one script against a fresh database. */
#ifndef QN_SLT_RUN_H
#define QN_SLT_RUN_H

#include "quern.h"
#include "record.h"

typedef struct qn_slt_options {
    qn_options   open;
    const char  *db_dir;    /* NULL: in memory */
    const char **settings;  /* NAME=VALUE, run as SET before each script */
    size_t       setting_count;
    bool         verbose, quiet;
} qn_slt_options;

/* What became of the records.  A failed set-up is a statement that should have worked; what fails later
 * in the same script for want of its table is counted apart from wrong answers. */
typedef struct qn_slt_totals {
    size_t files, files_failed;
    size_t passed;
    size_t set_up_failed;   /* statement ok that failed */
    size_t after_set_up;    /* query that failed with an undefined name after such a failure */
    size_t query_failed;    /* query that raised an error */
    size_t wrong_result;
    size_t wrong_error;     /* no error where one was due, or another one */
    size_t malformed;
    size_t skipped;
    qn_slt_list unsupported; /* messages of 0A000 errors, one each time */
} qn_slt_totals;

size_t qn_slt_failed(const qn_slt_totals *totals);
/* Run the script at path.  False when it cannot be read or its database not opened. */
bool qn_slt_run(const char *path, const qn_slt_options *options, qn_slt_totals *totals);

#endif
