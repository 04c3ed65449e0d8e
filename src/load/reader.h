/* A file of typed rows that can be read without loading it: Parquet and CSV behind one interface.
 *
 * A reader knows the file's columns and cuts it into parts (row groups, byte ranges) that threads read independently;
 * part k's rows come before part k + 1's.  Each thread opens a cursor on a part and takes batches of up to 2048 rows of
 * the columns it asked for.  A column comes as plain values, or as codes into a dictionary where the file has one:
 * dictionaries are handed on, never expanded.
 *
 * read_parquet() and read_csv() in FROM (vm/source_file.c) and COPY FROM 'x.parquet' are the two users.  A reader is
 * immutable once open and may be used by many threads; a cursor belongs to one. */
#ifndef QN_LOAD_READER_H
#define QN_LOAD_READER_H

#include "base/env.h"
#include "type/type.h"

typedef struct qn_reader_column {
    const char *name;
    qn_type     type;
    bool        nullable;
    const char *unsupported; /* what cannot be read of it ("a list", "type uuid"), or NULL; its type is text then, and a
                              * cursor that wants it fails with 0A000 */
} qn_reader_column;

typedef struct qn_reader_part { /* what is known of a part before it is read */
    uint64_t rows;
    uint64_t bytes; /* of its values when plain, about */
} qn_reader_part;

/* Values by code: code 0 is NULL, codes 1 … count are values[code]; not sorted, not necessarily distinct. */
typedef struct qn_reader_dict {
    uint32_t    count;
    const void *values; /* count + 1 elements of the column's bank */
    uint64_t    id;     /* differs between any two dictionaries one cursor hands out */
} qn_reader_dict;

typedef struct qn_reader_vector { /* valid until the cursor's next call */
    const void           *data;  /* flat: array of the bank, or NULL */
    const uint64_t       *nulls; /* flat: bitmap, 1 = NULL, or NULL */
    const uint32_t       *codes; /* one per row, or NULL when flat */
    const qn_reader_dict *dict;  /* lives as long as the cursor's part */
} qn_reader_vector;

typedef struct qn_reader        qn_reader;
typedef struct qn_reader_cursor qn_reader_cursor;

typedef struct qn_reader_ops {
    void (*close)(qn_reader *reader);
    /* columns: numbers of the wanted columns, borrowed until cursor_close; none: the cursor only counts rows */
    qn_status (*cursor_open)(const qn_reader *reader, uint64_t part, const uint32_t *columns, uint32_t count, qn_mem *mem,
                             qn_reader_cursor **cursor, qn_error *err);
    /* *rows = 0 at the end of the part; vectors: one per wanted column */
    qn_status (*cursor_next)(qn_reader_cursor *cursor, qn_reader_vector *vectors, uint32_t *rows, qn_error *err);
    void (*cursor_close)(qn_reader_cursor *cursor);
    /* The next four are NULL where a reader cannot tell or do that. */
    void (*part_info)(const qn_reader *reader, uint64_t part, qn_reader_part *info);
    /* Passes over rows of the part, at most to its end. */
    qn_status (*cursor_skip)(qn_reader_cursor *cursor, uint64_t rows, qn_error *err);
    /* The cursor goes on with another part of its reader and keeps its memory; NULL: not offered.  After an error it can
     * only be closed. */
    qn_status (*cursor_move)(qn_reader_cursor *cursor, uint64_t part, qn_error *err);
    /* Share of the part that was read; negative when unknown. */
    double (*cursor_fraction)(const qn_reader_cursor *cursor);
} qn_reader_ops;

struct qn_reader { /* the common head of every kind of reader */
    const qn_reader_ops    *ops;
    const qn_reader_column *columns;
    uint32_t                column_count;
    uint64_t                part_count;
    uint64_t                rows;  /* UINT64_MAX: not known before reading */
    uint64_t                bytes; /* of the file, for progress and cost */
};

/* The file is read through env->vfs.  Errors name the file, and where in it. */
qn_status qn_parquet_open(qn_env *env, const char *path, qn_reader **reader, qn_error *err);

/* CSV files are opened by load/files.h. */
typedef struct qn_csv_options { /* what the caller fixed; the rest is sniffed from the file's head */
    bool        has_delimiter, has_quote, has_escape, has_header, has_null;
    char        delimiter, quote, escape; /* quote 0: none */
    bool        header;
    const char *null_text;
    bool        all_text; /* no type detection */
    uint64_t    sample_rows; /* 0: the default */
} qn_csv_options;

#endif
