/* Merging over chains (merge_int.h), included by merge_base.c, merge_avx2.c and merge_avx512.c after each has said what
 * a chain is.
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
static inline __attribute__((always_inline)) void run(chain *from, unsigned count, keep what, size_t *lengths)
{
    chain c[CHAINS];
    for (unsigned i = 0; i < count; i++)
        c[i] = from[i];
    while (chain_more(&c[0]) && (count < 2 || chain_more(&c[1])) &&
           (count < 4 || (chain_more(&c[2]) && chain_more(&c[3]))))
        for (unsigned i = 0; i < count; i++)
            chain_step(&c[i], what);
    for (unsigned i = 0; i < count; i++)
        from[i] = c[i];
    for (unsigned i = 0; i < count; i++)
        lengths[i] = chain_end(&from[i], what);
}

static inline __attribute__((always_inline)) void run_any(chain *c, unsigned count, keep what, size_t *lengths)
{
    if (count == CHAINS) {
        run(c, CHAINS, what, lengths);
        return;
    }
    if (count & 2)
        run(c, 2, what, lengths);
    if (count & 1)
        run(c + (count & 2), 1, what, lengths + (count & 2));
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

/* What needs no merging: lists that lie one after the other. */
static bool merge_apart(qn_merge_job *j)
{
    bool a_first = apart(j->a, j->a_count, j->b, j->b_count);
    if (!a_first && !apart(j->b, j->b_count, j->a, j->a_count))
        return false;
    copy(j->out + (a_first ? 0 : j->b_count), j->a, j->a_count);
    copy(j->out + (a_first ? j->a_count : 0), j->b, j->b_count);
    j->out_count = j->a_count + j->b_count;
    return true;
}

static inline __attribute__((always_inline)) void merge_jobs(qn_merge_job *jobs, size_t count, keep what)
{
    chain    c[CHAINS];
    size_t  *to[CHAINS], lengths[CHAINS];
    unsigned held = 0;
    for (size_t i = 0; i < count; i++) {
        qn_merge_job *j = &jobs[i];
        if ((what == KEEP_DISTINCT && j->repeats) || !merge_apart(j)) {
            size_t a_count = j->a_count, b_count = j->b_count;
            j->out_count = a_count + b_count;
            if (a_count && b_count) {
                chain_begin(&c[held], j->a, a_count, j->b, b_count, j->out);
                to[held++] = &j->out_count;
            } else if (a_count + b_count < 2) {
                copy(j->out, a_count ? j->a : j->b, a_count + b_count);
            } else { /* a single list, with repeated values: it is merged with itself */
                const uint64_t *all = a_count ? j->a : j->b;
                size_t          half = j->out_count / 2;
                chain_begin(&c[held], all, half, all + half, j->out_count - half, j->out);
                to[held++] = &j->out_count;
            }
        }
        if (held == CHAINS || (i + 1 == count && held)) {
            run_any(c, held, what, lengths);
            for (unsigned k = 0; k < held && what != KEEP_ALL; k++)
                *to[k] = lengths[k];
            held = 0;
        }
    }
}

static void merge(qn_merge_job *jobs, size_t count)
{
    merge_jobs(jobs, count, KEEP_DISTINCT);
}

#ifdef QN_MERGE_ALL
static void merge_all(qn_merge_job *jobs, size_t count)
{
    merge_jobs(jobs, count, KEEP_ALL);
}
#endif

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
        run(c, CHAINS, KEEP_NONE, lengths);
    else
        for (unsigned k = 0; k < used; k++)
            run(c + k, 1, KEEP_NONE, lengths + k);
    for (unsigned k = 0; k < used; k++)
        n += lengths[k];
    return n;
}

const qn_merge_kernels QN_MERGE_TABLE = {
    .isa = QN_MERGE_ISA,
    .merge = merge,
#ifdef QN_MERGE_ALL
    .merge_all = merge_all,
#endif
    .count_union = count_union,
};

#endif
