/* Merging sorted lists of distinct values on any machine: one value a step.  This is the specification of the other
 * levels. */
#include "kern/merge_int.h"

#define QN_MERGE_TABLE qn_merge_kernels_base
#define QN_MERGE_ISA   QN_ISA_BASE

typedef struct chain {
    const uint64_t *a, *b, *a_end, *b_end;
    uint64_t       *out;
    size_t          n;
} chain;

static inline void chain_begin(chain *c, const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count,
                               uint64_t *out)
{
    *c = (chain){.a = a, .b = b, .a_end = a + a_count, .b_end = b + b_count, .out = out};
}
static inline bool chain_more(const chain *c)
{
    return c->a != c->a_end && c->b != c->b_end;
}
/* Equal heads leave both lists in the same step, which is all there is to dropping duplicates.  The minimum is spelled
 * out because compilers like to branch for it, and half of such branches are guessed wrong. */
static inline void chain_step(chain *c, keep what)
{
    uint64_t x = *c->a, y = *c->b, take_x = x <= y;
    if (what != KEEP_NONE)
        c->out[c->n] = y ^ ((x ^ y) & -take_x);
    c->n++;
    c->a += take_x;
    c->b += y <= x;
}
static inline size_t chain_end(chain *c, keep what)
{
    while (chain_more(c))
        chain_step(c, what);
    size_t a = (size_t)(c->a_end - c->a), b = (size_t)(c->b_end - c->b);
    if (what != KEEP_NONE && a)
        memcpy(c->out + c->n, c->a, a * sizeof *c->out);
    if (what != KEEP_NONE && b)
        memcpy(c->out + c->n, c->b, b * sizeof *c->out);
    return c->n + a + b;
}

#include "kern/merge_body.h"
