/* What the files of load/parquet/ share.
 *
 * The way of a value: footer.c reads the file's description once; column.c walks over the pages of one column chunk,
 * codec.c unpacks them, bits.c and values.c decode what is inside; cursor.c puts columns side by side, 2048 rows at a
 * time, behind the interface of load/reader.h.
 *
 * Every byte comes from outside.  Counts and offsets are checked where they are read; decoders carry the end of their
 * bytes and say no beyond it; buffers are readable QN_PQ_PADDING behind their end, which the kernels want. */
#ifndef QN_LOAD_PARQUET_PARQUET_INT_H
#define QN_LOAD_PARQUET_PARQUET_INT_H

#include "base/assert.h"
#include "kern/kern.h"
#include "load/reader.h"
#include "os/vfs.h"

#define QN_PQ_BATCH   2048u
#define QN_PQ_PADDING 64u /* >= QN_KERN_SLACK */
_Static_assert(QN_PQ_PADDING >= QN_KERN_SLACK, "kernels read so far behind packed values");

/* ---- thrift.c: the compact protocol of Apache Thrift ------------------------------------------- */

typedef enum qn_thrift_type {
    QN_THRIFT_STOP = 0, QN_THRIFT_TRUE = 1, QN_THRIFT_FALSE = 2, QN_THRIFT_I8 = 3, QN_THRIFT_I16 = 4,
    QN_THRIFT_I32 = 5, QN_THRIFT_I64 = 6, QN_THRIFT_DOUBLE = 7, QN_THRIFT_BINARY = 8, QN_THRIFT_LIST = 9,
    QN_THRIFT_SET = 10, QN_THRIFT_MAP = 11, QN_THRIFT_STRUCT = 12
} qn_thrift_type;

typedef struct qn_thrift { /* failure is sticky: after it every read gives zeros and every struct ends */
    const uint8_t *at, *end;
    bool           failed;
} qn_thrift;

typedef struct qn_thrift_field { /* zeroed before the first field of a struct */
    int16_t id;
    uint8_t type;
} qn_thrift_field;

typedef struct qn_thrift_bytes {
    const uint8_t *data;
    size_t         bytes;
} qn_thrift_bytes;

/* The next field of the struct at hand; false at its end.  Its value is then read, or skipped, by exactly one call. */
bool            qn_thrift_next(qn_thrift *t, qn_thrift_field *field);
int64_t         qn_thrift_int(qn_thrift *t, const qn_thrift_field *field); /* of any width */
bool            qn_thrift_bool(qn_thrift *t, const qn_thrift_field *field);
qn_thrift_bytes qn_thrift_binary(qn_thrift *t, const qn_thrift_field *field);
bool            qn_thrift_struct(qn_thrift *t, const qn_thrift_field *field); /* a struct begins here */
/* The number of elements, all of this type, or 0 and failure.  Elements take a byte at least, so it is bounded. */
size_t          qn_thrift_list(qn_thrift *t, const qn_thrift_field *field, qn_thrift_type element);
qn_thrift_bytes qn_thrift_element_binary(qn_thrift *t);
void            qn_thrift_skip(qn_thrift *t, const qn_thrift_field *field);

/* ---- what a file says of itself (footer.c) ------------------------------------------------------ */

typedef enum qn_pq_physical {
    QN_PQ_BOOLEAN, QN_PQ_INT32, QN_PQ_INT64, QN_PQ_INT96, QN_PQ_FLOAT, QN_PQ_DOUBLE, QN_PQ_BYTE_ARRAY,
    QN_PQ_FIXED, QN_PQ_PHYSICAL_COUNT
} qn_pq_physical;

typedef enum qn_pq_codec {
    QN_PQ_UNCOMPRESSED, QN_PQ_SNAPPY, QN_PQ_GZIP, QN_PQ_LZO, QN_PQ_BROTLI, QN_PQ_LZ4, QN_PQ_ZSTD, QN_PQ_LZ4_RAW,
    QN_PQ_CODEC_COUNT
} qn_pq_codec;

typedef enum qn_pq_encoding {
    QN_PQ_PLAIN = 0, QN_PQ_PLAIN_DICTIONARY = 2, QN_PQ_RLE = 3, QN_PQ_BIT_PACKED = 4, QN_PQ_DELTA_BINARY = 5,
    QN_PQ_DELTA_LENGTH = 6, QN_PQ_DELTA_BYTES = 7, QN_PQ_RLE_DICTIONARY = 8, QN_PQ_SPLIT = 9
} qn_pq_encoding;

/* How a physical value becomes one of ours. */
typedef enum qn_pq_kind {
    QN_PQ_SAME,     /* the same bytes */
    QN_PQ_I16,      /* an int32 that fits */
    QN_PQ_U32,      /* the int32 is unsigned: bigint */
    QN_PQ_U64,      /* the int64 is unsigned: numeric */
    QN_PQ_DEC32, QN_PQ_DEC64, QN_PQ_DEC_BYTES, /* unscaled; bytes are big-endian two's complement */
    QN_PQ_DATE,     /* days since 1970 */
    QN_PQ_TIME_MS, QN_PQ_TIME_US, QN_PQ_TIME_NS,
    QN_PQ_STAMP_MS, QN_PQ_STAMP_US, QN_PQ_STAMP_NS, /* since 1970 */
    QN_PQ_STAMP_96, /* nanoseconds of the day, Julian day */
    QN_PQ_TEXT,
    QN_PQ_HALF,     /* two bytes: a float of 16 bits */
    QN_PQ_INTERVAL, /* twelve bytes: months, days, milliseconds */
    QN_PQ_NOTHING   /* only NULLs */
} qn_pq_kind;

typedef struct qn_pq_column { /* beside the qn_reader_column of the same number */
    uint8_t  physical, kind;
    bool     optional;
    uint8_t  scale, precision; /* decimals */
    uint32_t width;            /* QN_PQ_FIXED: bytes of a value */
    uint32_t leaf;             /* its chunk's number in a row group */
} qn_pq_column;

typedef struct qn_pq_chunk { /* one column of one row group */
    uint64_t    offset, bytes; /* its pages: inside the file */
    uint64_t    values;
    uint8_t     codec;
    uint8_t     physical;
    const char *refused; /* why it cannot be read ("encryption"), or NULL */
} qn_pq_chunk;

typedef struct qn_pq_file {
    qn_reader     reader; /* first: a qn_reader * is a qn_pq_file * */
    qn_env        env;
    qn_arena      arena;
    const char   *path;
    qn_file      *file;
    qn_pq_column *columns;
    uint32_t      leaf_count;
    qn_reader_part *parts;
    qn_pq_chunk  *chunks; /* leaf_count per row group */
} qn_pq_file;

static inline const qn_pq_chunk *qn_pq_chunk_of(const qn_pq_file *f, uint64_t part, uint32_t column)
{
    return &f->chunks[part * f->leaf_count + f->columns[column].leaf];
}

/* Reads the description; f->file is open, f->reader.bytes its size. */
qn_status qn_pq_footer(qn_pq_file *f, qn_error *err);
/* 22P04: the file is damaged. */
qn_status qn_pq_damaged(const qn_pq_file *f, qn_error *err, const char *what);
/* Exactly these bytes of the file; they are inside it. */
qn_status qn_pq_read(const qn_pq_file *f, uint64_t offset, void *buffer, size_t bytes, qn_error *err);
const char *qn_pq_codec_name(uint8_t codec);

/* ---- codec.c ------------------------------------------------------------------------------------- */

typedef struct qn_pq_unpacker qn_pq_unpacker; /* the state of the libraries; one per cursor */

qn_pq_unpacker *qn_pq_unpacker_new(qn_mem *mem);
void            qn_pq_unpacker_free(qn_pq_unpacker *u); /* NULL is allowed */
/* Could `in` bytes become `out` bytes?  Asked before out bytes are allocated. */
bool qn_pq_plausible(qn_pq_codec codec, size_t in, size_t out);
/* Exactly out_bytes come out, or *ok is false.  QN_NOMEM is the only failure. */
qn_status qn_pq_unpack(qn_pq_unpacker *u, qn_pq_codec codec, const uint8_t *in, size_t in_bytes, uint8_t *out,
                       size_t out_bytes, bool *ok, qn_error *err);

/* ---- bits.c: packed integers --------------------------------------------------------------------- */

typedef struct qn_pq_hybrid { /* runs of equal values and of packed ones */
    const uint8_t *at, *end;  /* of the next run */
    const uint8_t *packed;    /* the run at hand, or NULL when its values are all `value` */
    uint64_t       left;      /* values of it that have not been read */
    uint64_t       used;      /* packed: values that have */
    uint32_t       value;
    uint8_t        width;
} qn_pq_hybrid;

void qn_pq_hybrid_init(qn_pq_hybrid *h, const uint8_t *at, const uint8_t *end, unsigned width); /* 0..32 */
/* out[i] = base + value.  False when there are not so many. */
bool qn_pq_hybrid_next(qn_pq_hybrid *h, uint32_t base, uint32_t *out, size_t count);
/* The next `count` values all lie in one run of this value; consumes them if so. */
bool qn_pq_hybrid_all(qn_pq_hybrid *h, uint32_t value, size_t count);

typedef struct qn_pq_delta { /* DELTA_BINARY_PACKED */
    const uint8_t *at, *end; /* behind the miniblock at hand */
    const uint8_t *widths;   /* of the miniblocks of this block */
    const uint8_t *mini;     /* packed deltas */
    uint32_t       mini_values, minis, mini_next;
    uint32_t       mini_left, mini_used;
    uint8_t        width;
    uint64_t       left;     /* values not read, the first included */
    bool           first;    /* the first value is still to be given */
    uint64_t       min_delta, last;
} qn_pq_delta;

bool qn_pq_delta_init(qn_pq_delta *d, const uint8_t *at, const uint8_t *end);
bool qn_pq_delta_next(qn_pq_delta *d, int64_t *out, size_t count);
/* Passes over all values; where the bytes behind them begin, or NULL. */
const uint8_t *qn_pq_delta_end(qn_pq_delta d);

/* ---- values.c: the values of a page --------------------------------------------------------------- */

typedef struct qn_pq_span { /* bytes inside a page or a batch's arena; readable QN_PQ_PADDING on */
    const uint8_t *data;
    size_t         bytes;
} qn_pq_span;

typedef struct qn_pq_values {
    const qn_pq_column *column;
    uint8_t             encoding;
    const uint8_t      *at, *end;
    uint64_t            used;            /* PLAIN booleans, BYTE_STREAM_SPLIT: values read */
    qn_pq_hybrid        hybrid;          /* RLE booleans, dictionary codes */
    qn_pq_delta         delta, suffixes; /* values or lengths; prefix lengths first for DELTA_BYTE_ARRAY */
    qn_u128             limit;           /* decimals: 10^precision, 0 until it is needed */
    qn_arena           *strings;         /* where strings that are put together and long numerics live: reset per batch */
    uint8_t            *last;            /* DELTA_BYTE_ARRAY: the value before, when it was in an earlier batch */
    size_t              last_bytes, last_capacity;
    uint64_t            built_bytes;     /* put together in this batch */
    void               *raw;             /* room for a batch of physical values */
} qn_pq_values;

/* Begin a page.  *ok is false when the encoding's own header is damaged; 0A000 when the encoding does not go with the
 * type. */
qn_status qn_pq_values_begin(qn_pq_values *v, qn_pq_encoding encoding, const uint8_t *at, const uint8_t *end,
                             bool *ok, qn_error *err);
/* The next `count` (at most QN_PQ_BATCH) values, one after another, as an array of the column's bank. */
qn_status qn_pq_values_next(qn_pq_values *v, const qn_pq_file *f, qn_mem *mem, void *out, uint32_t count,
                            qn_error *err);
const char *qn_pq_encoding_name(qn_pq_encoding e);

/* ---- column.c: the pages of a column chunk --------------------------------------------------------- */

typedef struct qn_pq_reader qn_pq_reader; /* of one column of one part */

qn_status qn_pq_reader_new(const qn_pq_file *f, uint64_t part, uint32_t column, qn_pq_unpacker *unpacker, qn_mem *mem,
                           qn_pq_reader **reader, qn_error *err);
void      qn_pq_reader_free(qn_pq_reader *r); /* NULL is allowed */
qn_status qn_pq_reader_next(qn_pq_reader *r, uint32_t rows, qn_reader_vector *out, qn_error *err);
qn_status qn_pq_reader_skip(qn_pq_reader *r, uint64_t rows, qn_error *err);

/* ---- cursor.c --------------------------------------------------------------------------------------- */

extern const qn_reader_ops qn_pq_ops;

#endif
