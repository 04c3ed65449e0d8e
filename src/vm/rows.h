/* Rows put out by a pipeline: columns in chunks of 2048 rows, and an order over them.
 *
 * Rows are appended by one thread; several appenders are joined at the breaker.  After qn_rows_finish the rows
 * have numbers 0 … count-1 in result order, and can be read by number from any thread.
 *
 * Text is fetched last: a string slot may be lazy (bytes = QN_STR_LAZY), naming block and code instead of
 * holding bytes; readers resolve it when they take the rows out. */
#ifndef QN_VM_ROWS_H
#define QN_VM_ROWS_H

#include "catalog/catalog.h"
#include "type/type.h"

#define QN_LANES 2048u
#define QN_STR_LAZY UINT32_MAX

/* A lazy string: which block of the scanned table, which column, which code. */
typedef struct qn_lazy_str {
    uint32_t bytes; /* QN_STR_LAZY */
    uint32_t block; /* index into the table's blocks */
    uint32_t column;
    uint32_t code;
} qn_lazy_str;
_Static_assert(sizeof(qn_lazy_str) == sizeof(qn_str), "a lazy string takes a string's slot");

typedef struct qn_rows_chunk {
    uint32_t   count;
    uint32_t   bytes;  /* on disk: of its extent */
    void     **values; /* per column, QN_LANES elements of its bank; NULL: the chunk is on disk */
    uint64_t **nulls;  /* per column, QN_LANES bits */
    uint64_t  *ties;   /* row id or group identity */
    uint64_t   offset; /* on disk: in the execution's temporary file */
} qn_rows_chunk;

typedef struct qn_rows_entry { /* one row in result order */
    uint64_t prefix; /* first bytes of the first sort key, order-preserving */
    uint32_t chunk, lane;
} qn_rows_entry;

typedef struct qn_rows {
    qn_arena        arena; /* chunks and strings */
    qn_arena        kept;  /* what stays when chunks go to disk */
    struct spill_file *spill; /* where chunks on disk are; NULL: none are */
    uint32_t        resident; /* chunks before this one are on disk */
    qn_mem         *mem;
    uint32_t        column_count, visible_count;
    const qn_type  *types;
    qn_bank        *banks;
    uint32_t        chunk_count, chunk_capacity;
    qn_rows_chunk **chunks;
    qn_rows_entry  *entries; /* NULL: chunks in order */
    uint64_t        entry_count, entry_capacity;
    uint64_t        count;   /* after qn_rows_finish: rows from `skip` on */
    uint64_t        skip;
    const qn_table *table;   /* whose blocks lazy strings mean; NULL when there are none */
    uint64_t       *chunk_starts; /* without entries: row number of each chunk's first row */
    bool            sorted;  /* in order without entries: merged from runs on disk */
    bool            loose;   /* rows of groups, not sorted: their numbers mean nothing, their ties do */
} qn_rows;

qn_status qn_rows_new(qn_mem *mem, const qn_type *types, uint32_t columns, uint32_t visible, qn_rows **rows,
                      qn_error *err);
void      qn_rows_free(qn_rows *rows);
/* Append *chunk, or a fresh one when it is NULL (given back in *chunk). */
qn_status qn_rows_chunk_add(qn_rows *rows, qn_rows_chunk **chunk, qn_error *err);
/* A chunk with room at its end: the last, or a new one when that is full. */
qn_status qn_rows_room(qn_rows *rows, qn_rows_chunk **chunk, qn_error *err);

/* Columns of up to QN_LANES rows from row number `first` on, strings resolved: per column an array of its bank and
 * a null bitmap, living in `arena`.  *count is 0 at the end, and may be less than QN_LANES anywhere. */
qn_status qn_rows_read(qn_rows *rows, uint64_t first, uint32_t *count, void **values, uint64_t **nulls,
                       qn_arena *arena, qn_error *err);

/* The ties of `count` rows from row number `first` on. */
qn_status qn_rows_ties(const qn_rows *rows, uint64_t first, uint32_t count, uint64_t *ties, qn_arena *arena, qn_error *err);

/* Write a chunk's rows to the file; *stub is then its chunk on disk. */
qn_status qn_rows_chunk_write(const qn_rows *rows, struct spill_file *file, const qn_rows_chunk *chunk, qn_rows_chunk *stub,
                              qn_error *err);
/* A chunk on disk read into the arena. */
qn_status qn_rows_chunk_read(const qn_rows *rows, struct spill_file *file, const qn_rows_chunk *stub, qn_arena *arena,
                             qn_rows_chunk *chunk, qn_error *err);
/* All chunks to disk, in place; their memory is given back. */
qn_status qn_rows_spill(qn_rows *rows, struct spill_file *file, qn_error *err);
/* A chunk with memory for QN_LANES rows, in the arena; NULL when memory is refused. */
qn_rows_chunk *qn_rows_chunk_new(const qn_rows *rows, qn_arena *arena);

#endif
