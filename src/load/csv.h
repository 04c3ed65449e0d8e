/* CSV files read without loading: what the files csv_*.c share.
 *
 * csv_sniff.c looks at the head of a file and makes a shape: how records are written and what their columns may hold.
 * csv_types.c says what one value may be.  csv_reader.c reads by a shape.  files.c opens many as one. */
#ifndef QN_LOAD_CSV_H
#define QN_LOAD_CSV_H

#include "load/load_int.h"
#include "load/reader.h"

/* What a value, or all values of a column so far, may be read as; none of them: text. */
typedef enum qn_csv_guess {
    QN_GUESS_BOOLEAN = 1 << 0,
    QN_GUESS_INTEGER = 1 << 1, /* 32 bits */
    QN_GUESS_BIGINT = 1 << 2,
    QN_GUESS_NUMERIC = 1 << 3, /* digits and a point */
    QN_GUESS_DOUBLE = 1 << 4,
    QN_GUESS_DATE_YMD = 1 << 5,
    QN_GUESS_DATE_MDY = 1 << 6,
    QN_GUESS_DATE_DMY = 1 << 7,
    QN_GUESS_TIMESTAMP_YMD = 1 << 8, /* a date alone is one too */
    QN_GUESS_TIMESTAMP_MDY = 1 << 9,
    QN_GUESS_TIMESTAMP_DMY = 1 << 10,
    QN_GUESS_TIMESTAMPTZ = 1 << 11,
    QN_GUESS_ALL = (1 << 12) - 1
} qn_csv_guess;

uint32_t qn_csv_guess_of(const char *s, size_t bytes);
/* The narrowest type of these; `complete`: all values were looked at.  *day_first: see qn_load_options. */
qn_type qn_csv_guess_type(uint32_t guess, bool complete, bool *day_first);

typedef struct qn_csv_column {
    const char *name;
    uint32_t    guess; /* QN_GUESS_ALL: no value was seen */
} qn_csv_column;

typedef struct qn_csv_shape {
    qn_load_options options; /* CSV; quote 0: quotes mean nothing.  null_text is padded for fields.c */
    uint32_t        column_count; /* 0: the file is empty */
    qn_csv_column  *columns;
    uint64_t        sample_rows, sample_bytes;
    bool            complete; /* the sample was the whole file */
} qn_csv_shape;

/* options: what is fixed already.  All memory of the shape from arena. */
qn_status qn_csv_sniff(qn_env *env, const char *path, const qn_csv_options *options, qn_arena *arena,
                       qn_csv_shape *shape, qn_error *err);
/* Columns of two shapes taken together: names are those of a, what a value may be is what it may be in both. */
void qn_csv_merge(qn_csv_shape *a, const qn_csv_shape *b);

/* `limit_bytes`: no more of the file is read.  part_bytes 0: the default.  columns (borrowed, like the shape) have the types to read as. */
qn_status qn_csv_open_shape(qn_env *env, const char *path, uint64_t limit_bytes, uint64_t part_bytes,
                            const qn_csv_shape *shape, const qn_reader_column *columns, const bool *day_first, qn_reader **reader, qn_error *err);
uint64_t  qn_csv_part_count(const char *path, uint64_t bytes, uint64_t part_bytes);

/* ---- a piece of a file and the records in it ---- */

typedef struct qn_csv_chunk {
    qn_mem    *mem;
    char      *data;
    size_t     capacity, bytes; /* without padding */
    qn_record *records;
    uint32_t   record_capacity, count;
    uint64_t   base_line;
} qn_csv_chunk;

void      qn_csv_chunk_deinit(qn_csv_chunk *chunk);
qn_status qn_csv_chunk_reserve(qn_csv_chunk *chunk, size_t capacity, qn_error *err); /* keeps the bytes */
/* Records of the bytes, added to the list: at most `limit` of them. */
qn_status qn_csv_chunk_scan(qn_csv_chunk *chunk, qn_records *records, bool final, uint32_t limit, qn_error *err);

/* Chunk by chunk from the start, plain or compressed; a byte order mark is skipped. */
typedef struct qn_csv_stream {
    qn_input    *input;
    qn_csv_chunk chunk;
    qn_records   records;
    uint64_t     left; /* bytes that may still be read */
    bool         begun, end;
} qn_csv_stream;

qn_status qn_csv_stream_open(qn_csv_stream *stream, qn_env *env, const char *path, uint64_t limit_bytes,
                             const qn_load_options *options, qn_error *err);
void      qn_csv_stream_close(qn_csv_stream *stream); /* a zeroed one is allowed */
/* The next records are in stream->chunk; none: the end.  Those before an error are good and come first: it is
 * returned with chunk.count > 0. */
qn_status qn_csv_stream_next(qn_csv_stream *stream, qn_error *err);

#endif
