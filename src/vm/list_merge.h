/* How many distinct values do many sorted lists have together?
 *
 * COUNT(DISTINCT x) over column blocks: each block knows its values, sorted and without repetition, and the answer is
 * the length of their union.  The caller cuts the range of values into partitions and asks for each by itself, so what
 * is united here are 20 to 200 pieces of lists, ten to fifty thousand values in all, inside the cache.
 *
 *   list_merge_count      a balanced tree of merges by the kernels of kern/merge.h; the last is only counted
 *   list_hash_count       an open-addressing table of the values themselves: needs no order, and its cost does not
 *                         depend on how many lists there are
 *   list_recycled_count   pairwise merges through vectors of 8192 values that are used again as soon as they are empty
 *                         (the reference: T. Pelkonen, "Building my own analytical DBMS", 2023)
 *
 * All three give the same answer; list_method_choose says which is the quickest.  Values compare as unsigned numbers
 * (kern/merge.h says what that means for signed ones).  The sum of the lengths is below 2^32.  Re-entrant. */
#ifndef QN_VM_LIST_MERGE_H
#define QN_VM_LIST_MERGE_H

#include "base/alloc.h"
#include "kern/merge.h"

typedef struct list_run {
    const uint64_t *values; /* ascending, each once; may be NULL when empty */
    uint32_t        count;
} list_run;

typedef enum list_method {
    LIST_MERGE, /* the order of list_method_name and of the table of costs */
    LIST_HASH,
    LIST_RECYCLED,
} list_method;

/* What has been seen of repeated values, by depth of the tree: zero at first, and then kept from partition to partition
 * of the same lists, by each thread for itself.  It decides where in the tree repeated values are dropped, and changes
 * no answer. */
#define LIST_DEPTHS 80u
typedef struct list_plan {
    uint8_t by_depth[LIST_DEPTHS];
} list_plan;

/* With `all` the sum of the lengths: scratch_a and scratch_b have room for all values each, starts for count + 1
 * numbers.  Their contents afterwards mean nothing.  No allocation; the stack grows by half a KB for each level, of which there are about
 * log2(count) for lists of similar length and never more than 70. */
uint64_t list_merge_count(const qn_merge_kernels *k, const list_run *runs, uint32_t count, uint64_t *scratch_a,
                          uint64_t *scratch_b, uint32_t *starts, list_plan *plan);

/* table has list_hash_slots(all) values, three to six times as many as all (64 at least); it is cleared by the call. */
uint64_t list_hash_slots(uint32_t all);
uint64_t list_hash_count(const list_run *runs, uint32_t count, uint64_t *table);

/* Vectors waiting for use.  One pool for one thread at a time; it keeps what it has taken until it is freed. */
typedef struct list_vector list_vector;
typedef struct list_pool {
    qn_mem      *mem;
    list_vector *waiting;
    uint64_t     taken; /* vectors got from mem, for tests: how well they are used again */
} list_pool;

void list_pool_init(list_pool *pool, qn_mem *mem);
void list_pool_deinit(list_pool *pool);
/* On failure (no memory) every vector is back in the pool. */
qn_status list_recycled_count(list_pool *pool, const list_run *runs, uint32_t count, uint64_t *distinct, qn_error *err);

const char *list_method_name(list_method method);
/* Expected ns per value, from measurements (bench/README.md): right in proportion. */
double      list_method_ns(list_method method, uint32_t lists, qn_isa isa);
list_method list_method_choose(uint32_t lists, qn_isa isa);

#endif
