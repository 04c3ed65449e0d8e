/* Rows in order: comparing them, sorting them with all workers, merging sorted runs from disk. */
#ifndef QN_VM_SORT_H
#define QN_VM_SORT_H

#include "vm/machine.h"

/* By the plan's sort keys, then by row id or group identity: of different rows none are equal, so any method and any
 * number of workers give one order. */
typedef struct sort_order {
    const qn_rows   *rows; /* whose columns the targets are, and whose chunks entries mean */
    const qn_output *plan;
} sort_order;

int  sort_compare_rows(const sort_order *o, const qn_rows_chunk *x, uint32_t x_lane, const qn_rows_chunk *y, uint32_t y_lane);
int  sort_compare_entries(const void *a, const void *b, void *order); /* for qsort_r */
/* Whether two rows agree in the first `keys` sort keys. */
bool sort_same_group(const sort_order *o, const qn_rows_chunk *x, uint32_t x_lane, const qn_rows_chunk *y, uint32_t y_lane,
                     uint32_t keys);
/* An order-preserving summary of a row's first sort key. */
uint64_t sort_prefix(const sort_order *o, const qn_rows_chunk *k, uint32_t lane);
uint64_t sort_prefix_of(const qn_sort_key *key, qn_bank bank, qn_sql_type type, const qn_datum *v, bool null);
/* Sort on the calling thread; scratch has room for n entries. */
void      sort_block(const sort_order *o, qn_rows_entry *entries, qn_rows_entry *scratch, uint64_t n);
/* Sort rows->entries with all workers. */
qn_status sort_entries(qn_exec *exec, const sort_order *o, qn_rows_entry *entries, uint64_t n, qn_error *err);

/* A sorted run on disk. */
typedef struct sort_run {
    qn_rows_chunk *chunks;
    uint32_t       count, capacity;
    uint64_t       rows;
} sort_run;

/* row_spill.c.  A worker's rows, sorted, as one more run of its own; it goes on with none. */
qn_status sort_spill_local(qn_exec *exec, qn_sink *s, output_local *l, qn_error *err);
void      sort_free_runs(qn_mem *mem, output_local *l);
/* All workers' rows and runs become the chunks of the result, in order. */
qn_status sort_merge_runs(qn_exec *exec, qn_sink *s, qn_rows *result, qn_error *err);

#endif
