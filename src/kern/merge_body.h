/* Merging over *chains*, included by merge_base.c, merge_avx2.c and merge_avx512.c after each has said what a chain is.
 *
 * A chain is one merge in progress:
 *   chain_begin(c, a, a_count, b, b_count, out)   both lists hold something; out is NULL when only counting
 *   chain_more(c)                                 whether chain_step may be called
 *   chain_step(c, store)                          one step; no branch depends on the values
 *   chain_end(c, store)                           the rest, without regard to speed; returns the length of the union
 *
 * Each step waits for the one before it, so several chains advance in turn: independent merges where the caller has
 * them, and pieces of one pair of lists where it is only counted.  The pieces come from the merge path (Odeh, Green,
 * Mwassi, Shmueli, Birk, "Merge Path: Parallel Merging Made Simple", 2012): the a and b values among the first d of
 * the merged order.  A value that both lists hold stays in one piece, so the pieces' counts add up. */
#ifndef QN_KERN_MERGE_BODY_H
#define QN_KERN_MERGE_BODY_H

#define CHAINS    4u
#define SPLIT_MIN 512u /* values for which it pays to look for pieces */

extern const qn_merge_kernels QN_MERGE_TABLE; /* merge.c chooses among them */

/* count (1, 2 or 4) is a constant wherever this is expanded: the chains then live in registers. */
static inline __attribute__((always_inline)) void run(chain *from, unsigned count, bool store, size_t *lengths)
{
    chain c[CHAINS];
    for (unsigned i = 0; i < count; i++)
        c[i] = from[i];
    while (chain_more(&c[0]) && (count < 2 || chain_more(&c[1])) &&
           (count < 4 || (chain_more(&c[2]) && chain_more(&c[3]))))
        for (unsigned i = 0; i < count; i++)
            chain_step(&c[i], store);
    for (unsigned i = 0; i < count; i++)
        from[i] = c[i];
    for (unsigned i = 0; i < count; i++)
        lengths[i] = chain_end(&from[i], store);
}

static void run_any(chain *c, unsigned count, size_t *lengths)
{
    if (count == CHAINS) {
        run(c, CHAINS, true, lengths);
        return;
    }
    if (count & 2)
        run(c, 2, true, lengths);
    if (count & 1)
        run(c + (count & 2), 1, true, lengths + (count & 2));
}

static inline void copy(uint64_t *to, const uint64_t *from, size_t count)
{
    if (count)
        memcpy(to, from, count * sizeof *to);
}

/* Whether all of a lies below all of b; true when one of them is empty. */
static inline bool apart(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count)
{
    return !a_count || !b_count || a[a_count - 1] < b[0];
}

static void merge(qn_merge_job *jobs, size_t count)
{
    chain    c[CHAINS];
    size_t  *to[CHAINS], lengths[CHAINS];
    unsigned held = 0;
    for (size_t i = 0; i < count; i++) {
        qn_merge_job *j = &jobs[i];
        if (apart(j->a, j->a_count, j->b, j->b_count)) {
            copy(j->out, j->a, j->a_count);
            copy(j->out + j->a_count, j->b, j->b_count);
            j->out_count = j->a_count + j->b_count;
        } else if (apart(j->b, j->b_count, j->a, j->a_count)) {
            copy(j->out, j->b, j->b_count);
            copy(j->out + j->b_count, j->a, j->a_count);
            j->out_count = j->a_count + j->b_count;
        } else {
            chain_begin(&c[held], j->a, j->a_count, j->b, j->b_count, j->out);
            to[held++] = &j->out_count;
        }
        if (held == CHAINS || (i + 1 == count && held)) {
            run_any(c, held, lengths);
            for (unsigned k = 0; k < held; k++)
                *to[k] = lengths[k];
            held = 0;
        }
    }
}

/* How many of the first `both` values of the merged order come from a, when the later of two equal values is b's. */
static size_t split(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count, size_t both)
{
    size_t lo = both > b_count ? both - b_count : 0, hi = both < a_count ? both : a_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (a[mid] < b[both - 1 - mid])
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static size_t count_union(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count)
{
    chain    c[CHAINS];
    size_t   lengths[CHAINS], all = a_count + b_count, i = 0, j = 0, n = 0;
    unsigned pieces = all < SPLIT_MIN ? 1 : CHAINS, used = 0;
    if (apart(a, a_count, b, b_count) || apart(b, b_count, a, a_count))
        return all;
    for (unsigned k = 1; k <= pieces; k++) {
        size_t i2 = a_count, j2 = b_count;
        if (k < pieces) {
            i2 = split(a, a_count, b, b_count, all / pieces * k);
            j2 = all / pieces * k - i2;
            j2 -= j2 && i2 < a_count && b[j2 - 1] == a[i2]; /* equal values stay together */
        }
        if (i2 > i && j2 > j)
            chain_begin(&c[used++], a + i, i2 - i, b + j, j2 - j, NULL);
        else
            n += i2 - i + (j2 - j);
        i = i2;
        j = j2;
    }
    if (used == CHAINS)
        run(c, CHAINS, false, lengths);
    else
        for (unsigned k = 0; k < used; k++)
            run(c + k, 1, false, lengths + k);
    for (unsigned k = 0; k < used; k++)
        n += lengths[k];
    return n;
}

const qn_merge_kernels QN_MERGE_TABLE = {
    .isa = QN_MERGE_ISA,
    .merge = merge,
    .count_union = count_union,
};

#endif
