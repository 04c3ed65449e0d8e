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
    void     **values; /* per column, QN_LANES elements of its bank */
    uint64_t **nulls;  /* per column, QN_LANES bits */
    uint64_t  *ties;   /* row id or group identity */
} qn_rows_chunk;

typedef struct qn_rows_entry { /* one row in result order */
    uint64_t prefix; /* first bytes of the first sort key, order-preserving */
    uint32_t chunk, lane;
} qn_rows_entry;

typedef struct qn_rows {
    qn_arena        arena; /* chunks and strings */
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
 * a null bitmap, living in `arena`.  *count is 0 at the end. */
qn_status qn_rows_read(qn_rows *rows, uint64_t first, uint32_t *count, void **values, uint64_t **nulls,
                       qn_arena *arena, qn_error *err);

/* The ties of `count` rows from row number `first` on. */
void qn_rows_ties(const qn_rows *rows, uint64_t first, uint32_t count, uint64_t *ties);

#endif
