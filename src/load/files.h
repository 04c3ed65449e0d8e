/* Files in FROM: one or many, opened as one reader.
 *
 * A description says what a pattern meant when a statement was bound: which files, how large and how old they were, and
 * their common columns.  It is plain data in the statement's arena and holds nothing open, so a statement may wait as long
 * as it likes.  Opening looks again: files that have changed, gone or come are described anew, and must have the same
 * columns still. */
#ifndef QN_LOAD_FILES_H
#define QN_LOAD_FILES_H

#include "base/arena.h"
#include "load/reader.h"

typedef enum qn_files_kind { QN_FILES_CSV, QN_FILES_PARQUET } qn_files_kind;

typedef struct qn_files_request {
    qn_files_kind  kind;
    const char    *pattern;
    qn_csv_options csv;
    uint64_t       part_bytes; /* of a CSV file; 0: a megabyte.  Tests take less. */
} qn_files_request;

typedef struct qn_files {
    qn_files_request             request;
    uint32_t                     count;
    const struct qn_files_member *members;
    uint32_t                     column_count;
    const qn_reader_column      *columns;
    const bool                  *day_first; /* per column; CSV */
    double                       rows;      /* about */
    uint64_t                     exact_rows; /* Parquet */
    uint64_t                     bytes;
} qn_files;

/* Finds the files and what their columns are.  All files must have the same columns: 42804.  A file that is no regular
 * one: 0A000.  Nothing in *files refers to the request's memory. */
qn_status qn_files_describe(qn_env *env, const qn_files_request *request, qn_arena *arena, const qn_files **files,
                            qn_error *err);
/* *current: the pattern still means these files, and they are as large and as old as they were.  QN_NOMEM. */
qn_status qn_files_current(qn_env *env, const qn_files *files, bool *current, qn_error *err);
/* `files` must outlive the reader.  Its parts are those of the files one after the other; a file is opened when its first
 * part is asked for and closed when its last one is done. */
qn_status qn_files_open(qn_env *env, const qn_files *files, qn_reader **reader, qn_error *err);

#endif
