/* Errors: a status to branch on and an object that says what a person needs to know.
 *
 * A function that can fail returns a qn_status and takes a qn_error *, which may be NULL.  The first
 * error wins: qn_fail() never overwrites one that is already set.  QN_TRY jumps to the function's
 * single exit label `done`, with the status in the local `st`.
 *
 * Positions.  Inside the engine error->position is the byte offset in the SQL text plus one;
 * api/ turns it into characters on the way out. */
#ifndef QN_BASE_ERROR_H
#define QN_BASE_ERROR_H

#include <stdarg.h>
#include "quern.h"

/* One table of SQLSTATEs: name, code, status class, meaning.  docs/sql.md is generated from it. */
#define QN_SQLSTATES(X)                                                                            \
    X(WARNING, "01000", QN_ERROR, "warning")                                                       \
    X(FEATURE_NOT_SUPPORTED, "0A000", QN_ERROR, "feature not supported")                           \
    X(STRING_TRUNCATION, "22001", QN_ERROR, "string data, right truncation")                       \
    X(NUMERIC_OUT_OF_RANGE, "22003", QN_ERROR, "numeric value out of range")                       \
    X(NULL_NOT_ALLOWED, "22004", QN_ERROR, "null value not allowed")                               \
    X(INVALID_DATETIME, "22007", QN_ERROR, "invalid datetime format")                              \
    X(DATETIME_OVERFLOW, "22008", QN_ERROR, "datetime field overflow")                             \
    X(INVALID_TIME_ZONE, "22009", QN_ERROR, "invalid time zone displacement value")                \
    X(INVALID_USE_OF_ESCAPE, "2200C", QN_ERROR, "invalid use of escape character")                 \
    X(SUBSTRING_ERROR, "22011", QN_ERROR, "substring error")                                       \
    X(DIVISION_BY_ZERO, "22012", QN_ERROR, "division by zero")                                     \
    X(INTERVAL_FIELD_OVERFLOW, "22015", QN_ERROR, "interval field overflow")                       \
    X(INVALID_ARGUMENT_FOR_LOG, "2201E", QN_ERROR, "invalid argument for logarithm")               \
    X(INVALID_ARGUMENT_FOR_POWER, "2201F", QN_ERROR, "invalid argument for power function")        \
    X(INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "2201G", QN_ERROR, "invalid argument for width_bucket")   \
    X(INVALID_ROW_COUNT_LIMIT, "2201W", QN_ERROR, "invalid row count in LIMIT clause")             \
    X(INVALID_ROW_COUNT_OFFSET, "2201X", QN_ERROR, "invalid row count in OFFSET clause")           \
    X(INVALID_ESCAPE_CHARACTER, "22019", QN_ERROR, "invalid escape character")                     \
    X(CHARACTER_NOT_IN_REPERTOIRE, "22021", QN_ERROR, "character not in repertoire")               \
    X(INVALID_PARAMETER_VALUE, "22023", QN_ERROR, "invalid parameter value")                       \
    X(INVALID_ESCAPE_SEQUENCE, "22025", QN_ERROR, "invalid escape sequence")                       \
    X(INVALID_REGULAR_EXPRESSION, "2201B", QN_ERROR, "invalid regular expression")                 \
    X(INVALID_TEXT_REPRESENTATION, "22P02", QN_ERROR, "invalid text representation")               \
    X(BAD_COPY_FORMAT, "22P04", QN_ERROR, "bad COPY file format")                                  \
    X(UNTRANSLATABLE_CHARACTER, "22P05", QN_ERROR, "untranslatable character")                     \
    X(NOT_NULL_VIOLATION, "23502", QN_ERROR, "not-null violation")                                 \
    X(INVALID_TRANSACTION_STATE, "25000", QN_ERROR, "invalid transaction state")                   \
    X(READ_ONLY_TRANSACTION, "25006", QN_ERROR, "read-only transaction")                           \
    X(INVALID_STATEMENT_NAME, "26000", QN_ERROR, "invalid SQL statement name")                     \
    X(UNDEFINED_SCHEMA, "3F000", QN_ERROR, "undefined schema")                                     \
    X(SYNTAX_ERROR, "42601", QN_ERROR, "syntax error")                                             \
    X(INVALID_COLUMN_DEFINITION, "42611", QN_ERROR, "invalid column definition")                   \
    X(DUPLICATE_COLUMN, "42701", QN_ERROR, "duplicate column")                                     \
    X(AMBIGUOUS_COLUMN, "42702", QN_ERROR, "ambiguous column")                                     \
    X(UNDEFINED_COLUMN, "42703", QN_ERROR, "undefined column")                                     \
    X(UNDEFINED_OBJECT, "42704", QN_ERROR, "undefined object")                                     \
    X(DUPLICATE_OBJECT, "42710", QN_ERROR, "duplicate object")                                     \
    X(DUPLICATE_ALIAS, "42712", QN_ERROR, "duplicate alias")                                       \
    X(AMBIGUOUS_FUNCTION, "42725", QN_ERROR, "ambiguous function")                                 \
    X(GROUPING_ERROR, "42803", QN_ERROR, "grouping error")                                         \
    X(DATATYPE_MISMATCH, "42804", QN_ERROR, "datatype mismatch")                                   \
    X(WRONG_OBJECT_TYPE, "42809", QN_ERROR, "wrong object type")                                   \
    X(CANNOT_COERCE, "42846", QN_ERROR, "cannot coerce")                                           \
    X(UNDEFINED_FUNCTION, "42883", QN_ERROR, "undefined function")                                 \
    X(UNDEFINED_TABLE, "42P01", QN_ERROR, "undefined table")                                       \
    X(UNDEFINED_PARAMETER, "42P02", QN_ERROR, "undefined parameter")                               \
    X(DUPLICATE_PREPARED, "42P05", QN_ERROR, "duplicate prepared statement")                       \
    X(DUPLICATE_TABLE, "42P07", QN_ERROR, "duplicate table")                                       \
    X(INVALID_COLUMN_REFERENCE, "42P10", QN_ERROR, "invalid column reference")                     \
    X(INDETERMINATE_DATATYPE, "42P18", QN_ERROR, "indeterminate datatype")                         \
    X(DISK_FULL, "53100", QN_IO, "disk full")                                                      \
    X(CONFIGURATION_LIMIT_EXCEEDED, "53400", QN_NOMEM, "configuration limit exceeded")             \
    X(OUT_OF_MEMORY, "53200", QN_NOMEM, "out of memory")                                           \
    X(PROGRAM_LIMIT, "54000", QN_ERROR, "program limit exceeded")                                  \
    X(TOO_COMPLEX, "54001", QN_ERROR, "statement too complex")                                     \
    X(TOO_MANY_COLUMNS, "54011", QN_ERROR, "too many columns")                                     \
    X(OBJECT_IN_USE, "55006", QN_IO, "object in use")                                              \
    X(CANT_CHANGE_PARAM, "55P02", QN_ERROR, "can't change runtime parameter")                      \
    X(QUERY_CANCELED, "57014", QN_INTERRUPTED, "query canceled")                                   \
    X(IO_ERROR, "58030", QN_IO, "I/O error")                                                       \
    X(UNDEFINED_FILE, "58P01", QN_IO, "undefined file")                                            \
    X(DUPLICATE_FILE, "58P02", QN_IO, "duplicate file")                                            \
    X(INTERNAL_ERROR, "XX000", QN_ERROR, "internal error")                                         \
    X(DATA_CORRUPTED, "XX001", QN_CORRUPT, "data corrupted")                                       \
    X(MISUSE, "HY010", QN_MISUSE, "function sequence error")

typedef enum qn_sqlstate {
#define X(name, code, status, meaning) QN_SQLSTATE_##name,
    QN_SQLSTATES(X)
#undef X
    QN_SQLSTATE_COUNT
} qn_sqlstate;

const char *qn_sqlstate_code(qn_sqlstate state);
const char *qn_sqlstate_meaning(qn_sqlstate state);

#define QN_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Record an error and return its status.  err may be NULL.  Never overwrites an earlier error, but
 * always returns the status of `state`. */
qn_status qn_fail(qn_error *err, qn_sqlstate state, const char *format, ...) QN_PRINTF(3, 4);
/* The same with a position: byte offset of the offending token, -1 when unknown. */
qn_status qn_fail_at(qn_error *err, qn_sqlstate state, int location, const char *format, ...)
    QN_PRINTF(4, 5);
/* "detail" and "hint" lines for the error just recorded; nothing when err is NULL or has one. */
void qn_error_detail(qn_error *err, const char *format, ...) QN_PRINTF(2, 3);
void qn_error_hint(qn_error *err, const char *format, ...) QN_PRINTF(2, 3);
/* Give the recorded error a position if it has none. */
void qn_error_locate(qn_error *err, int location);
void qn_error_clear(qn_error *err);
bool qn_error_is(const qn_error *err, qn_sqlstate state);

qn_status qn_nomem(qn_error *err);
/* Damaged bytes: `where` names file and object.  A good place for a breakpoint. */
#define qn_corrupt(err, ...) qn_corrupt_at((err), __FILE__, __LINE__, __VA_ARGS__)
qn_status qn_corrupt_at(qn_error *err, const char *file, int line, const char *format, ...)
    QN_PRINTF(4, 5);

/* The only macros that hide a jump.  They need `qn_status st = QN_OK` and a label `done`. */
#define QN_TRY(call)                                                                               \
    do {                                                                                           \
        st = (call);                                                                               \
        if (st != QN_OK)                                                                           \
            goto done;                                                                             \
    } while (0)
/* QN_ALLOC(err, p = qn_arena_new(...)): a NULL is QN_NOMEM. */
#define QN_ALLOC(err, assignment)                                                                  \
    do {                                                                                           \
        if (!(assignment)) {                                                                       \
            st = qn_nomem(err);                                                                    \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

#endif
