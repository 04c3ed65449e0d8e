/* Kernels over sorted lists of distinct 64-bit values: merging two lists into one, and counting what the merged list
 * would hold.
 *
 * Lists ascend as unsigned numbers and hold no value twice.  (Lists of signed values serve as well as long as all of
 * a call's values have the same sign.)  The results are exact for every value, 0 and UINT64_MAX included.
 *
 * Several merges in one call run side by side: a single one is bound by the latency of its steps, of which the
 * processor can keep a few in flight.  So a caller with independent merges gives them together, those of similar
 * length next to each other.
 *
 * Contract: as in kern.h, and lists are read and written exactly; out overlaps nothing that the call reads.  Every
 * level gives identical results. */
#ifndef QN_KERN_MERGE_H
#define QN_KERN_MERGE_H

#include "kern/kern.h"

typedef struct qn_merge_job {
    const uint64_t *a, *b; /* may be NULL when empty */
    size_t          a_count, b_count;
    uint64_t       *out;       /* room for a_count + b_count */
    size_t          out_count; /* set by the call */
    bool            repeats;   /* a or b comes from merge_all */
} qn_merge_job;

typedef struct qn_merge_kernels {
    qn_isa isa;
    /* out[0 .. out_count) of every job = union of its a and b. */
    void (*merge)(qn_merge_job *jobs, size_t count);
    /* All values of a and b, those of both twice: a quarter quicker, for lists that have little in common and whose
     * results are merged again.  NULL where it would gain nothing. */
    void (*merge_all)(qn_merge_job *jobs, size_t count);
    /* How many values the union of a and b has. */
    size_t (*count_union)(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count);
} qn_merge_kernels;

/* Of the level in force (qn_kernels_get), and of one level: NULL when this build or machine does not have it. */
const qn_merge_kernels *qn_merge_kernels_get(void);
const qn_merge_kernels *qn_merge_kernels_of(qn_isa isa);

#endif
