/* What the files of the merge kernels agree on: the chain.
 *
 * A chain is one merge in progress.  merge_base.c and merge_lanes.h define it, merge_body.h runs it:
 *   chain_begin(c, a, a_count, b, b_count, out)   both lists hold something; out is NULL when only counting
 *   chain_more(c)                                 whether chain_step may be called
 *   chain_step(c, what)                           one step; no branch depends on the values
 *   chain_end(c, what)                            the rest, without regard to speed; returns how many values were
 *                                                 kept, or would have been (not told for KEEP_ALL: it is known) */
#ifndef QN_KERN_MERGE_INT_H
#define QN_KERN_MERGE_INT_H

#include <string.h>
#include "kern/merge.h"

typedef enum keep {
    KEEP_NONE,     /* only count the distinct values */
    KEEP_DISTINCT, /* each value once */
    KEEP_ALL,      /* repeated ones too; vector levels only */
} keep;

#endif
