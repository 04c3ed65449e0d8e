/* Sorted value lists of blocks, worked on as wholes: see list_top.c and list_distinct.c. */
#ifndef QN_VM_LISTS_H
#define QN_VM_LISTS_H

#include "vm/machine.h"

/* ---- the few values that can be among the most frequent (list_top.c) ---- */

typedef struct qn_list_top qn_list_top;

/* Before the pipeline runs: look for the values worth folding, over all blocks.  pl->top stays NULL where that does
 * not pay: then all are folded. */
qn_status list_top_run(qn_exec *exec, pipeline_state *pl, qn_error *err);
void      list_top_free(qn_list_top *t);
/* Rows were folded, and the last group that LIMIT takes has `reached` of them.  *again: that is below the threshold;
 * the rows have to be folded again, those of more values or (pl->top became NULL) all. */
qn_status list_top_again(qn_exec *exec, pipeline_state *pl, uint64_t reached, bool *again, qn_error *err);
uint64_t  list_top_count(const qn_list_top *t); /* values left */
/* One block.  *fold: go on and fold what is left of its values; otherwise it was only looked at. */
qn_status list_top_block(qn_vm *vm, bool *fold);

/* ---- count(DISTINCT column) of a whole table (list_distinct.c) ---- */

typedef struct qn_list_distinct qn_list_distinct;

/* pl->distinct stays NULL where some block keeps the column in row order: then rows are read. */
qn_status list_distinct_new(qn_exec *exec, pipeline_state *pl, qn_error *err);
void      list_distinct_free(qn_list_distinct *d);
qn_status list_distinct_block(qn_vm *vm);
qn_status list_distinct_finish(qn_exec *exec, pipeline_state *pl, uint32_t agg, qn_error *err);

#endif
