/* Grouping by packed keys: see packed.c. */
#ifndef QN_VM_PACKED_H
#define QN_VM_PACKED_H

#include "vm/id_map.h"
#include "vm/machine.h"
#include "vm/tuples.h"

typedef struct qn_packed qn_packed;

/* NULL in *out (and QN_OK) when keys or aggregates do not pack: the generic table serves them. */
qn_status packed_new(qn_exec *exec, qn_groups *g, const pipeline_state *pl, qn_packed **out, qn_error *err);
void      packed_free(qn_packed *p);
/* Fold the current batch: keys in registers first …, then one register per aggregate. */
qn_status packed_fold(qn_vm *vm, qn_groups *g, uint32_t first);
/* LIMIT without ORDER BY takes `keep` groups: find them, if that is easy, and fold no others. */
qn_status packed_fix(qn_exec *exec, pipeline_state *pl, uint64_t keep, qn_error *err);
bool      packed_fixed_done(const qn_packed *p); /* enough groups were found: the rest of the rows can wait */
/* Keep only the block's rows that may belong to the fixed groups; *none: there are none. */
qn_status packed_fixed_select(qn_vm *vm, qn_groups *g, bool *none);
/* The block ends: what was indexed by its codes goes to the partitions. */
qn_status packed_flush_block(qn_vm *vm, qn_groups *g);
void      packed_begin_block(qn_groups *g, int worker);
/* No target of the pipeline that reads the groups can fail, whatever the group: some may be passed over. */
bool      packed_targets_safe(const qn_exec *exec, const qn_table *table, const qn_aggregation *a, const qn_code_pipeline *reader);
/* All rows are in: DISTINCT pairs become counts, partitions are ready to be read. */
qn_status packed_merge(qn_exec *exec, qn_groups *g, qn_error *err);
/* After the merge: how many rows (or what else the reader orders by first) the keep-th group has, 0 if there are
 * fewer.  And everything forgotten again. */
qn_status packed_reached(qn_exec *exec, qn_groups *g, const qn_code_pipeline *reader, uint64_t keep, uint64_t *reached, qn_error *err);
void      packed_reset(qn_groups *g);
uint32_t  packed_partitions(const qn_packed *p);
uint64_t  packed_groups(const qn_packed *p); /* folded so far */
bool      packed_used_codes(const qn_packed *p, bool *rows);

/* ---- reading: a partition is folded when its morsel begins and lives until the worker's next one ---- */

qn_status packed_next(qn_vm *vm, qn_groups *g);
/* A key of a group: false when it is NULL. */
bool      packed_key_value(const qn_packed *p, const uint8_t *row, uint32_t key, qn_datum *out);
qn_status packed_agg_value(const qn_packed *p, const uint8_t *row, uint32_t agg, qn_arena *arena, qn_datum *out, bool *null,
                           qn_error *err);

#endif
