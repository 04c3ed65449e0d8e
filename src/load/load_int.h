/* What the files of load/ share: byte input, record boundaries, fields, column buffers.
 *
 * The way of a load:  input.c delivers plain bytes; records.c finds where records end (the only
 * part that must be sequential); run.c cuts runs of records into tasks of one block each; fields.c
 * and convert.c turn a task into column values inside a qn_fill (fill.c), which encodes and writes
 * a block. */
#ifndef QN_LOAD_LOAD_INT_H
#define QN_LOAD_LOAD_INT_H

#include "base/assert.h"
#include "base/thread.h"
#include "load/load.h"

/* Buffers that are scanned are readable this far behind their last byte. */
#define QN_LOAD_PADDING 64u
/* PostgreSQL's limit of a line, and ours: offsets inside a chunk fit in 32 bits. */
#define QN_LOAD_RECORD_LIMIT ((size_t)1 << 30)

/* ---- input.c: plain bytes from a file, a compressed file, or a callback
 * ---------------------------- */

typedef struct qn_input qn_input;

qn_status qn_input_open(qn_env *env, const qn_load_source *source, qn_input **input, qn_error *err);
/* Reading from a pipe or device, which may keep it waiting, gives up with 57014 once *stop is set. */
void      qn_input_stop(qn_input *input, const _Atomic bool *stop);
void      qn_input_close(qn_input *input); /* NULL is allowed */
/* Fills buffer; *got is less than bytes only at the end or, for a callback or a stream, when it gave
 * less; 0 is the end. */
qn_status qn_input_read(qn_input *input, void *buffer, size_t bytes, size_t *got, qn_error *err);
/* Share of the file that was read, negative when its size is unknown.  Any thread. */
double qn_input_fraction(const qn_input *input);

/* Allocation through qn_mem for zlib, whose frees carry no size. */
void *qn_zlib_alloc(void *mem, unsigned items, unsigned size);
void  qn_zlib_free(void *mem, void *p);

typedef enum qn_codec { QN_CODEC_NONE, QN_CODEC_GZIP, QN_CODEC_ZSTD } qn_codec;
qn_codec qn_codec_of_path(const char *path); /* by suffix */

/* ---- everything that is loaded is validated (base/utf8.c) ------------------------------------ */

/* Offset of the first byte that is not text: not UTF-8, or NUL; `bytes` when all is well. */
static inline size_t qn_load_utf8(const char *s, size_t bytes)
{
    return qn_utf8_text(s, bytes);
}
/* 22021 for the bytes at s. */
qn_status qn_load_invalid_utf8(const char *s, size_t bytes, qn_error *err);

/* ---- records.c: where records end
 * ---------------------------------------------------------------- */

typedef enum qn_eol { QN_EOL_UNKNOWN, QN_EOL_NL, QN_EOL_CR, QN_EOL_CRNL } qn_eol;

typedef struct qn_records {
    bool     csv;
    char     quote;
    char     escape; /* 0 when it is the same as quote */
    qn_eol   eol;    /* set by the first line */
    bool     done;   /* the end-of-data marker was met */
    bool     in_quote;
    bool     at_start;   /* at the first byte of a record */
    size_t   escape_end; /* one past an escape that is waiting for the byte it escapes; 0: none */
    size_t   begin;      /* of the current record in the buffer */
    size_t   scan;       /* the next byte to look at */
    uint64_t line;       /* PostgreSQL's line counter: lines finished or begun */
} qn_records;

typedef struct qn_record { /* a record in a chunk, without its line end */
    uint32_t begin, end;
    uint32_t line; /* line number minus the chunk's base_line */
} qn_record;

void qn_records_init(qn_records *records, const qn_load_options *options);
/* Looks for records in data[0, bytes), which begins at records->begin = 0 or goes on where the last
 * call stopped.  At most `limit` ends are stored.  `final`: no more bytes come, what is left is a
 * record.  After the call records->begin is where the first incomplete record starts (the caller
 * moves it to the front of the next buffer by qn_records_move). */
qn_status qn_records_scan(qn_records *records, const char *data, size_t bytes, bool final,
                          uint64_t base_line, qn_record *out, uint32_t limit, uint32_t *count,
                          qn_error *err);
/* The bytes from records->begin on now stand at offset 0. */
void qn_records_move(qn_records *records);

/* ---- fields.c: a record to fields
 * ------------------------------------------------------------------ */

typedef struct qn_field {
    const char *data; /* NULL: the null value */
    uint32_t    bytes;
    bool        quoted; /* CSV: written with quotes at least in part */
} qn_field;

/* Splits record text into at most `limit` fields, field i at out[i * stride].  *count is how many
 * there are, even beyond limit.  Fields with escapes are written to `scratch`, which must live as
 * long as the fields.  data is readable QN_LOAD_PADDING behind its end. */
qn_status qn_fields_split(const qn_load_options *options, size_t null_bytes, const char *data,
                          size_t bytes, qn_field *out, size_t stride, uint32_t limit,
                          uint32_t *count, qn_arena *scratch, qn_error *err);

/* ---- fill.c: the column buffers of a block
 * --------------------------------------------------------- */

/* Where one thread puts the strings of one column. */
typedef struct qn_fill_page {
    char       *next, *end;
    const char *last; /* the previous string that was copied: runs of equal strings share bytes */
    uint32_t    last_bytes;
} qn_fill_page;

typedef struct qn_fill_part { /* private to one thread; recycled with the block */
    qn_arena      arena;
    qn_fill_page *pages;        /* per column */
    uint64_t     *string_bytes; /* per column */
} qn_fill_part;

typedef struct qn_fill {
    qn_mem           *mem;
    const qn_column  *columns;
    uint32_t          column_count;
    uint32_t          capacity; /* rows */
    uint32_t          rows;
    uint32_t          parts_count;
    char             *slab; /* all value arrays and bitmaps */
    size_t            slab_bytes;
    void            **values;    /* per column */
    uint64_t        **nulls;     /* per column; NULL for NOT NULL columns */
    _Atomic uint8_t  *has_nulls; /* any thread sets, read when all are done */
    qn_fill_part     *parts;
    qn_block_segment *segments; /* per column */
} qn_fill;

qn_status qn_fill_init(qn_fill *fill, qn_mem *mem, const qn_column *columns, uint32_t column_count,
                       uint32_t parts, qn_error *err);
void      qn_fill_deinit(qn_fill *fill); /* a zeroed one is allowed */
/* Room for `rows` rows; keeps what is there.  Not while other threads fill. */
qn_status qn_fill_reserve(qn_fill *fill, uint32_t rows, qn_error *err);
void      qn_fill_reset(qn_fill *fill); /* empty; keeps the memory */
/* Under a memory limit blocks are made shorter, but not below so many rows. */
#define QN_LOAD_ROWS_LEAST   (1u << 14)
/* What the encoder needs for a row of one column at most: its hash table, and values sorted as texts. */
#define QN_LOAD_ENCODE_BYTES ((uint64_t)200)
/* What a load may take: `own` bytes, or the least of the limits of mem and those above it; 0: no limit. */
uint64_t qn_load_memory_limit(const qn_mem *mem, uint64_t own);
/* Bytes a row takes in the buffers, rounded up. */
size_t qn_fill_row_bytes(const qn_column *columns, uint32_t column_count);
/* Room for a string of column c; NULL when memory is refused. */
char *qn_fill_room(qn_fill_part *part, uint32_t c, size_t bytes);
/* Columns in the order in which they should be encoded: most text first. */
void      qn_fill_order(const qn_fill *fill, uint32_t *order);
qn_status qn_fill_encode(qn_fill *fill, qn_block_builder *builder, uint32_t c, qn_error *err);
qn_status qn_fill_write(qn_fill *fill, qn_env *store_env, qn_change *change, uint64_t table_id,
                        uint64_t sequence, qn_error *err);

/* Store a string: inline, the same bytes as the row before, or a copy.  `s` is readable 16 bytes
 * on. */
static inline bool qn_fill_str(qn_fill_part *part, uint32_t c, const char *s, uint32_t n,
                               qn_str *out)
{
    if (n <= QN_STR_INLINE) {
        uint64_t words[2];
        memcpy(words, s, 16);
        uint64_t lo = words[0], hi = words[1];
        if (n <= 8) {
            lo = n == 0 ? 0 : lo & (~0ull >> (64 - 8 * n));
            hi = 0;
        } else {
            hi &= ~0ull >> (64 - 8 * (n - 8));
        }
        memset(out, 0, sizeof *out);
        out->bytes = n;
        memcpy(out->inlined, &lo, 8);
        memcpy(out->inlined + 8, &hi, 4);
        return true;
    }
    qn_fill_page *page = &part->pages[c];
    const char   *to = page->last;
    if (page->last_bytes != n || memcmp(to, s, n) != 0) {
        char *room = qn_fill_room(part, c, n);
        if (!room)
            return false;
        memcpy(room, s, n);
        page->last = to = room;
        page->last_bytes = n;
    }
    out->bytes = n;
    memcpy(out->prefix, to, 4);
    out->data = to;
    return true;
}

/* Mark row as NULL.  Neighbouring tasks may share a word, hence the atomic. */
static inline void qn_fill_set_null(qn_fill *fill, uint32_t c, uint32_t row)
{
    __atomic_fetch_or(&fill->nulls[c][row / 64], 1ull << (row % 64), __ATOMIC_RELAXED);
    atomic_store_explicit(&fill->has_nulls[c], 1, memory_order_relaxed);
}

/* ---- convert.c: records to column values
 * ------------------------------------------------------------ */

typedef struct qn_convert qn_convert; /* one per worker */

typedef struct qn_convert_task {
    const char      *data; /* the chunk, padded */
    size_t           data_bytes; /* errors may show bytes up to here; 0: of their record only */
    const qn_record *records;
    uint32_t         count;
    uint64_t         base_line;
    qn_fill         *fill;
    uint32_t         part;      /* which part of the fill is this thread's */
    const char      *file;      /* for errors; NULL: there is only one */
    uint32_t         first_row; /* in the fill */
} qn_convert_task;

qn_status qn_convert_new(const qn_load_job *job, qn_convert **convert, qn_error *err);
void      qn_convert_free(qn_convert *convert); /* NULL is allowed */
/* On failure *line is the line of the first bad record; `stop` is looked at now and then. */
qn_status qn_convert_run(qn_convert *convert, const qn_convert_task *task, const _Atomic bool *stop,
                         uint64_t *line, qn_error *err);
/* Appends `COPY t, file "f", line 3, column c: "…"` to the detail of err.  table, file, column or text NULL: left out. */
void qn_convert_context(qn_error *err, const char *table, const char *file, uint64_t line, const char *column,
                        const char *text, size_t bytes);

/* ---- glob.c ---------------------------------------------------------------------------------- */

/* Does one name of a directory match the pattern p[0, n)? */
bool qn_glob_match(const char *p, size_t n, const char *name);

/* ---- assign.c: values of one type into a column of another
 * ------------------------------------------------------------ */

struct qn_function;

typedef enum qn_assign_how {
    QN_ASSIGN_SAME, /* the same values */
    QN_ASSIGN_FIT,  /* only the modifier differs: varchar(3), numeric(5,2) */
    QN_ASSIGN_INT,
    QN_ASSIGN_CALL,
    QN_ASSIGN_PRINT
} qn_assign_how;

typedef struct qn_assign {
    qn_assign_how             how;
    bool                      fit; /* to the type's modifier, at the end */
    qn_type                   from, to;
    const struct qn_function *function;
} qn_assign;

typedef struct qn_assign_room { /* what the casts of one thread use */
    qn_env                 *env;
    const qn_text_settings *settings;
    qn_arena               *arena; /* where results live */
    qn_buf                 *text;
} qn_assign_room;

/* False: there is no such assignment (42804). */
bool qn_assign_find(qn_type from, qn_type to, qn_assign *assign);
/* Arrays of the two types' banks; NULLs give zeros.  On failure *failed is the first value that could not be cast. */
qn_status qn_assign_run(const qn_assign *assign, const qn_assign_room *room, const void *in, const uint64_t *nulls,
                        uint32_t count, void *out, uint32_t *failed, qn_error *err);

/* ---- columns.c: files of typed rows
 * ------------------------------------------------------------------------------------ */

qn_status qn_load_typed(const qn_load_job *job, const qn_load_source *source, uint64_t *rows, qn_error *err);

#endif
