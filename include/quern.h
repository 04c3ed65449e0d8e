/* quern: a SQL database in one library.
 *
 *   qn_database   *db;   qn_connection *conn;   qn_result *res;   qn_error err = {0};
 *   if (qn_open("hits.qn", NULL, &db, &err) != QN_OK) ...          NULL path: in memory
 *   qn_connect(db, &conn, &err);
 *   qn_query(conn, "SELECT count(*) FROM hits", &res, &err);
 *   const qn_chunk *chunk;
 *   while (qn_result_next(res, &chunk, &err) == QN_OK && chunk) ...
 *   qn_result_free(res);  qn_disconnect(conn);  qn_close(db);
 *
 * Threads.  A qn_database may be used from any thread.  A qn_connection, its statements and its
 * results belong to one thread at a time; only qn_interrupt() may be called from another.
 *
 * Errors.  Functions that can fail return a qn_status and fill the qn_error passed (NULL is allowed).
 * The first error of a call wins.  Strings inside qn_error are NUL-terminated UTF-8.
 *
 * Ownership.  What a function hands out through a ** parameter is the caller's, to be given back to
 * the function named in its comment.  Every const pointer returned is borrowed. */
#ifndef QUERN_H
#define QUERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QN_API __attribute__((visibility("default")))
#define QN_MUST_USE __attribute__((warn_unused_result))
#else
#define QN_API
#define QN_MUST_USE
#endif

#define QN_VERSION "0.1.0"

typedef enum qn_status {
    QN_OK = 0,
    QN_ERROR,       /* the statement is wrong or cannot be carried out; sqlstate says why */
    QN_NOMEM,       /* the memory limit or the machine's memory is exhausted (53200; 53400) */
    QN_IO,          /* the operating system refused a read, write, sync or open (58030, 53100) */
    QN_CORRUPT,     /* bytes on disk are not what was written (XX001) */
    QN_INTERRUPTED, /* qn_interrupt() was called, or the progress callback asked to stop (57014) */
    QN_MISUSE       /* the call itself makes no sense, such as binding parameter 0 */
} qn_status;

/* Position counts characters of the SQL text from 1; 0 means that no position applies. */
typedef struct qn_error {
    qn_status status;
    char      sqlstate[6];
    int       position;
    char      message[1024];
    char      detail[512];
    char      hint[256];
} qn_error;

typedef struct qn_database   qn_database;
typedef struct qn_connection qn_connection;
typedef struct qn_statement  qn_statement;
typedef struct qn_result     qn_result;
typedef struct qn_chunk      qn_chunk;

/* The SQL types.  The numbers are part of the C API and of the file format. */
typedef enum qn_sql_type {
    QN_TYPE_UNKNOWN     = 0, /* an untyped literal; results never have it */
    QN_TYPE_BOOLEAN     = 1,
    QN_TYPE_SMALLINT    = 2,
    QN_TYPE_INTEGER     = 3,
    QN_TYPE_BIGINT      = 4,
    QN_TYPE_REAL        = 5,
    QN_TYPE_DOUBLE      = 6,
    QN_TYPE_NUMERIC     = 7,
    QN_TYPE_TEXT        = 8,
    QN_TYPE_VARCHAR     = 9,
    QN_TYPE_CHAR        = 10, /* char(n), blank-padded */
    QN_TYPE_DATE        = 11,
    QN_TYPE_TIME        = 12,
    QN_TYPE_TIMESTAMP   = 13,
    QN_TYPE_TIMESTAMPTZ = 14,
    QN_TYPE_INTERVAL    = 15,
    QN_TYPE_COUNT       = 16
} qn_sql_type;

/* ---- database ------------------------------------------------------------------------------ */

typedef struct qn_options {
    int      threads;            /* 0: one per core */
    uint64_t memory_limit_bytes; /* 0: 80 % of the machine's memory */
    bool     read_only;
    bool     must_exist;         /* refuse to create a missing directory */
} qn_options;

/* Open the database directory at path, creating it when missing; path NULL is a fresh database in
 * memory.  options may be NULL.  Fails with QN_IO (cannot open, or another process has it open for
 * writing), QN_CORRUPT (not a quern database, damaged, or a newer format).  Close with qn_close. */
QN_API QN_MUST_USE qn_status qn_open(const char *path, const qn_options *options,
                                     qn_database **db, qn_error *err);
/* Close; all connections must be closed, and all statements and results freed, before: they use the
 * memory of the database.  NULL is allowed. */
QN_API void qn_close(qn_database *db);

QN_API QN_MUST_USE qn_status qn_connect(qn_database *db, qn_connection **conn, qn_error *err);
QN_API void qn_disconnect(qn_connection *conn);

/* Stop the statement that runs on conn at its next morsel boundary; it then fails with 57014.
 * The only call that is allowed from another thread or from a signal handler. */
QN_API void qn_interrupt(qn_connection *conn);

/* Called about ten times a second from the thread that runs the statement.  fraction is 0..1, or
 * negative while unknown; phase is a word such as "load".  Return false to interrupt. */
typedef bool (*qn_progress_fn)(void *arg, double fraction, const char *phase);
QN_API void qn_set_progress(qn_connection *conn, qn_progress_fn fn, void *arg);

/* Where COPY … FROM STDIN reads and COPY … TO STDOUT writes.  read fills at most `bytes` and returns
 * how many, 0 at the end, negative on failure; write returns false on failure.  Without these,
 * COPY FROM STDIN and TO STDOUT are refused. */
typedef ptrdiff_t (*qn_copy_read_fn)(void *arg, void *buffer, size_t bytes);
typedef bool (*qn_copy_write_fn)(void *arg, const void *data, size_t bytes);
QN_API void qn_set_copy(qn_connection *conn, qn_copy_read_fn read, qn_copy_write_fn write, void *arg);

/* Notices and warnings, one call each; the qn_error is borrowed for the call. */
typedef void (*qn_notice_fn)(void *arg, const char *severity, const qn_error *notice);
QN_API void qn_set_notice(qn_connection *conn, qn_notice_fn fn, void *arg);

/* ---- statements ---------------------------------------------------------------------------- */

/* Run one or several statements separated by semicolons; the result is that of the last one.
 * Statements before a failing one stay done.  Free with qn_result_free. */
QN_API QN_MUST_USE qn_status qn_query(qn_connection *conn, const char *sql, qn_result **result,
                                      qn_error *err);

/* Prepare the first statement of sql (sql_bytes, or SIZE_MAX for NUL-terminated).  *tail, when not
 * NULL, points behind it.  Text without a statement gives QN_OK and *stmt = NULL.  Parameters are
 * $1, $2, …  Free with qn_finalize. */
QN_API QN_MUST_USE qn_status qn_prepare(qn_connection *conn, const char *sql, size_t sql_bytes,
                                        const char **tail, qn_statement **stmt, qn_error *err);
QN_API void qn_finalize(qn_statement *stmt);

QN_API int         qn_statement_parameters(const qn_statement *stmt);
QN_API qn_sql_type qn_statement_parameter_type(const qn_statement *stmt, int index);

/* Bind parameter `index`, counted from 1.  A text value is parsed as the parameter's type when the
 * statement runs.  The bytes are copied.  QN_MISUSE when there is no such parameter. */
QN_API QN_MUST_USE qn_status qn_bind_null(qn_statement *stmt, int index);
QN_API QN_MUST_USE qn_status qn_bind_bool(qn_statement *stmt, int index, bool value);
QN_API QN_MUST_USE qn_status qn_bind_int64(qn_statement *stmt, int index, int64_t value);
QN_API QN_MUST_USE qn_status qn_bind_double(qn_statement *stmt, int index, double value);
QN_API QN_MUST_USE qn_status qn_bind_text(qn_statement *stmt, int index, const char *text, size_t bytes);

/* Run a prepared statement with the values bound; may be repeated. */
QN_API QN_MUST_USE qn_status qn_run(qn_statement *stmt, qn_result **result, qn_error *err);

/* ---- results ------------------------------------------------------------------------------- */

/* What the statement did, as PostgreSQL words it: "SELECT 3", "INSERT 0 5", "COPY 100". */
QN_API const char *qn_result_command(const qn_result *result);
/* Number of result columns; 0 for a statement that returns no rows. */
QN_API int         qn_result_columns(const qn_result *result);
QN_API const char *qn_result_column_name(const qn_result *result, int column);
QN_API qn_sql_type qn_result_column_type(const qn_result *result, int column);
/* The type as SQL writes it, e.g. "numeric(10,2)". */
QN_API const char *qn_result_column_type_name(const qn_result *result, int column);
QN_API uint64_t    qn_result_rows(const qn_result *result);

/* The next chunk of rows, or *chunk = NULL at the end.  A chunk lives until the next call. */
QN_API QN_MUST_USE qn_status qn_result_next(qn_result *result, const qn_chunk **chunk, qn_error *err);
QN_API void qn_result_free(qn_result *result);

QN_API uint32_t qn_chunk_rows(const qn_chunk *chunk);
QN_API bool     qn_chunk_is_null(const qn_chunk *chunk, int column, uint32_t row);

/* Typed access to a column: `data` is an array of the type below, `nulls` a bitmap (1 = NULL) or
 * NULL when the chunk has none in that column.
 *   boolean uint8_t · smallint int16_t · integer int32_t · bigint int64_t · real float ·
 *   double precision double · date int32_t (days since 2000-01-01) · time int64_t (µs) ·
 *   timestamp, timestamptz int64_t (µs since 2000-01-01 UTC) · interval qn_interval ·
 *   text, varchar, char qn_text · numeric: NULL, use qn_chunk_text */
typedef struct qn_text {
    const char *data; /* not NUL-terminated */
    size_t      bytes;
} qn_text;
typedef struct qn_interval {
    int64_t micros;
    int32_t days;
    int32_t months;
} qn_interval;
typedef struct qn_column_view {
    qn_sql_type     type;
    const void     *data;
    const uint64_t *nulls;
} qn_column_view;
QN_API QN_MUST_USE qn_status qn_chunk_column(const qn_chunk *chunk, int column, qn_column_view *view);

/* A value in PostgreSQL's text form; NULL for SQL NULL.  Lives as long as the chunk.  When memory is refused
 * the text is empty, and the next qn_result_next says QN_NOMEM. */
QN_API const char *qn_chunk_text(const qn_chunk *chunk, int column, uint32_t row, size_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
