/* Aggregate states: init, update, merge, finish.
 *
 * A state is a fixed number of bytes in a group row, all zero at first.  Updates take a vector of arguments, the
 * group row of each lane and weights (how many rows a lane stands for).  Every fold is exact and independent of
 * order, so no answer depends on workers or modes (sums of floats: type/exact.h). */
#ifndef QN_VM_AGG_H
#define QN_VM_AGG_H

#include "code/program.h"

struct qn_vm;
struct qn_vec;
struct spill_reader;

typedef struct agg_state {
    const qn_agg_call *call;
    uint8_t            kind;
    uint8_t            arg_type, arg_bank;
    uint8_t            result_type, result_bank;
    bool               distinct;
    uint32_t           offset, bytes;
} agg_state;

uint32_t  agg_state_bytes(const qn_agg_call *call);
/* Fold the selected lanes; v NULL for count(*). */
qn_status agg_update(struct qn_vm *vm, const agg_state *a, struct qn_vec *v, struct qn_vec *v2);
/* One value of a DISTINCT set. */
qn_status agg_update_one(const agg_state *a, uint8_t *row, const qn_datum *v, qn_arena *arena, qn_mem *mem, qn_error *err);
/* The state of n non-NULL integers (count, sum, avg, min or max of them) known to add up to `sum`. */
void      agg_state_set(const agg_state *a, void *state, int64_t n, qn_i128 sum, int64_t extreme);
/* `from` keeps nothing of its own afterwards. */
qn_status agg_merge(const agg_state *a, uint8_t *into, uint8_t *from, qn_arena *arena, qn_mem *mem, qn_error *err);
/* Wide accumulators of float sums live outside the row: rows that go away must release them. */
bool      agg_owns_memory(const agg_state *a);
void      agg_release(const agg_state *a, uint8_t *row, qn_mem *mem);
qn_status agg_finish(const agg_state *a, const uint8_t *row, qn_arena *arena, qn_datum *out, bool *null, qn_error *err);

/* What a state refers to outside its row, for moving rows through a file: text, long numerics, wide sums.  Unpacked
 * text refers to the reader's extent, the rest to arena and mem.  After a failure the row holds nothing of its own. */
bool      agg_refers(const agg_state *a);
size_t    agg_packed_bytes(const agg_state *a, const uint8_t *row);
uint8_t  *agg_pack(const agg_state *a, const uint8_t *row, uint8_t *out); /* returns the end */
qn_status agg_unpack(const agg_state *a, uint8_t *row, struct spill_reader *r, qn_arena *arena, qn_mem *mem, qn_error *err);

/* min/max over text while a block is scanned: the state holds a code; see groups.c. */
typedef struct agg_text_state {
    qn_str   value;
    uint32_t code; /* of the current block, 0: none */
    bool     set;
    uint8_t  pad[11];
} agg_text_state;
_Static_assert(sizeof(agg_text_state) == 32, "two 16-byte slots");

#endif
