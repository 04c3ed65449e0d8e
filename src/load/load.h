/* Bulk formats in and out: COPY text and CSV, plain or compressed (.gz, .zst by suffix).
 *
 * Loading ("grinding") is parallel: chunks of the input are split at record boundaries, parsed into column
 * buffers, and every 2^19 rows become one block, encoded column by column and written.  Memory is bounded by
 * the number of blocks in flight; buffers are recycled.  Record order is kept: block k holds rows
 * k·2^19 … of the input, whatever the number of threads.  A failed or killed load leaves nothing behind. */
#ifndef QN_LOAD_LOAD_H
#define QN_LOAD_LOAD_H

#include "catalog/catalog.h"
#include "store/table/store.h"
#include "type/type.h"

typedef enum qn_load_format { QN_LOAD_TEXT, QN_LOAD_CSV, QN_LOAD_PARQUET } qn_load_format;

typedef struct qn_load_options { /* qn_copy_options of sql/bound.h, resolved */
    qn_load_format format;
    char           delimiter, quote, escape;
    const char    *null_text;
    bool           header, header_match;
    bool           columns_listed; /* the statement names the columns: a typed file may have others too */
    bool           force_quote_all;
    const bool    *force_quote, *force_not_null, *force_null; /* per table column, or NULL */
    bool           empty_null; /* force_null makes NULL also of nothing at all, whatever null_text is */
    const bool    *day_first; /* dates of a table column are day, month, year; or NULL */
} qn_load_options;

typedef struct qn_load_source {
    const char *path; /* NULL: paths, or read() below */
    const char *const *paths; /* several files, loaded one after the other as one; errors name theirs */
    uint32_t    path_count;   /* 0: none */
    ptrdiff_t (*read)(void *arg, void *buffer, size_t bytes); /* 0 end, < 0 failure */
    void       *arg;
} qn_load_source;

#define QN_LOAD_SKIP UINT32_MAX

typedef struct qn_load_job {
    qn_env                 *env;     /* memory, clock; files are read through env->vfs (posix also for
                                      * databases in memory) */
    qn_env                 *store_env; /* whose vfs block files are written to */
    qn_change              *change;
    const qn_table         *table;   /* its name is NULL where rows are read, not loaded: errors then speak of the file */
    const uint32_t         *columns; /* table columns in file order; QN_LOAD_SKIP: not wanted */
    uint32_t                column_count;
    const qn_datum         *defaults;      /* per table column, for columns not in the file */
    const bool             *default_nulls;
    qn_load_options         options;
    qn_text_settings        settings;
    qn_text_codec           text_codec;
    int                     threads;
    uint64_t                memory_limit_bytes; /* 0: none */
    bool (*progress)(void *arg, double fraction); /* polled ~10×/s; false: stop with 57014 */
    void                   *progress_arg;
    _Atomic bool           *cancel;        /* or NULL */
} qn_load_job;

/* Reads the source to its end, writes blocks, adds them to the change (which the caller commits).
 * Errors name line and column: 22P04, 22P02, 22021, 23502 … with detail "COPY hits, line 3, column x: …". */
qn_status qn_load_run(const qn_load_job *job, const qn_load_source *source, uint64_t *rows, qn_error *err);

/* The files that a pattern with *, ? and [sets] means, in byte order; a path without them, or that exists as written, is
 * itself.  58P01 when nothing matches.  Names and array live in arena. */
qn_status qn_glob(qn_env *env, const char *pattern, qn_arena *arena, const char *const **paths, uint32_t *count,
                  qn_error *err);

/* ---- rows to blocks, for INSERT and CREATE TABLE AS ------------------------------------------- */

/* Collects rows in column buffers and writes a block whenever 2^19 are together. */
typedef struct qn_appender qn_appender;
qn_status qn_appender_new(qn_env *env, qn_change *change, uint64_t table_id, const qn_column *columns,
                          uint32_t column_count, qn_appender **appender, qn_error *err);
void      qn_appender_free(qn_appender *appender); /* NULL is allowed */
/* The table's name for messages; borrowed for the appender's life. */
void      qn_appender_name(qn_appender *appender, const char *relation);
void      qn_appender_codec(qn_appender *appender, qn_text_codec codec); /* of the blocks from now on */
/* Append `rows` rows: per column an array of its bank and a null bitmap (or NULL).  23502 when NULL meets
 * NOT NULL.  Strings are copied. */
qn_status qn_appender_add(qn_appender *appender, const void *const *values, const uint64_t *const *nulls,
                          uint32_t rows, qn_error *err);
qn_status qn_appender_finish(qn_appender *appender, uint64_t *rows, qn_error *err);

/* ---- rows out ------------------------------------------------------------------------------ */

typedef struct qn_unload qn_unload;
/* path NULL: write().  A path ending in .gz or .zst is compressed.  The file appears under its name only
 * when qn_unload_finish returns QN_OK. */
qn_status qn_unload_new(qn_env *env, const qn_load_options *options, const char *path,
                        bool (*write)(void *arg, const void *data, size_t bytes), void *arg,
                        const qn_type *types, const char *const *names, uint32_t columns,
                        const qn_text_settings *settings, qn_unload **unload, qn_error *err);
qn_status qn_unload_add(qn_unload *unload, const void *const *values, const uint64_t *const *nulls,
                        uint32_t rows, qn_error *err);
qn_status qn_unload_finish(qn_unload *unload, uint64_t *rows, qn_error *err);
void      qn_unload_free(qn_unload *unload);

#endif
