/* How fast the distinct values of many sorted lists are counted: ns a value for merge tree, hash table and recycled
 * vectors, at every level of kernels; and how fast values are looked up in a hashed bitmap.
 *
 *     merge [values [E/G ...]]
 *
 * Lists as partitions of COUNT(DISTINCT) see them: `values` in all (default 10000 and 50000), random 64-bit numbers
 * of one narrow range, of which each is in 1.8 or 4.8 lists on average.  A figure is the least of many repeats in
 * time of this thread's own, methods taking turns; each repeat goes once through a dozen different partitions, for
 * one and the same would teach the processor every branch. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/env.h"
#include "kern/hashed.h"
#include "vm/list_merge.h"

#define PARTITIONS 12

static qn_mem    mem;
static qn_random rnd;
static list_pool pool;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Each distinct value goes to `per_value` lists on average, at least to one. */
static uint32_t make_lists(uint32_t values, uint32_t lists, double per_value, list_run *runs, uint64_t *memory,
                           uint64_t *seen)
{
    uint32_t  distinct = (uint32_t)(values / per_value), room = values / lists * 4 + 64, all = 0;
    uint64_t *sorted = malloc((size_t)distinct * 8);
    for (uint32_t i = 0; i < distinct; i++)
        sorted[i] = 0x7000000000000000ull | qn_random_next(&rnd) >> 10;
    qsort(sorted, distinct, 8, ascending);
    for (uint32_t l = 0; l < lists; l++)
        runs[l] = (list_run){memory + (size_t)l * room, 0};
    for (uint32_t i = 0; i < distinct; i++) {
        uint32_t sure = (uint32_t)qn_random_below(&rnd, lists);
        double   chance = (per_value - 1) / lists;
        uint32_t wanted = 1, extra[64];
        extra[0] = sure;
        for (uint32_t l = 0; l < lists && wanted < 64; l++)
            if (l != sure && (double)(qn_random_next(&rnd) >> 11) * 0x1p-53 < chance)
                extra[wanted++] = l;
        for (uint32_t k = 0; k < wanted; k++) {
            list_run *r = &runs[extra[k]];
            if (r->count < room) { /* four times the mean: always */
                ((uint64_t *)r->values)[r->count++] = sorted[i];
                all++;
            }
        }
    }
    free(sorted);
    *seen = distinct;
    return all;
}

typedef struct scratch {
    uint64_t *a, *b, *table;
    uint32_t *starts;
    list_plan plans[QN_ISA_COUNT];
} scratch;

static uint64_t once(int method, int isa, const list_run *runs, uint32_t lists, scratch *s)
{
    uint64_t n = 0;
    qn_error err;
    switch (method) {
    case LIST_MERGE:
        return list_merge_count(qn_merge_kernels_of((qn_isa)isa), runs, lists, s->a, s->b, s->starts, &s->plans[isa]);
    case LIST_HASH:
        return list_hash_count(runs, lists, s->table);
    default:
        if (list_recycled_count(&pool, runs, lists, &n, &err) != QN_OK)
            exit(1);
        return n;
    }
}

typedef struct partition {
    list_run *runs;
    uint64_t *memory, distinct;
    uint32_t  all;
} partition;

/* One pass over all partitions in ns. */
static double pass(int method, int isa, const partition *parts, uint32_t lists, scratch *s)
{
    double start = now_ns();
    for (int p = 0; p < PARTITIONS; p++)
        if (once(method, isa, parts[p].runs, lists, s) != parts[p].distinct) {
            fprintf(stderr, "%s at level %s: wrong answer\n", list_method_name((list_method)method),
                    qn_isa_name((qn_isa)isa));
            exit(1);
        }
    return now_ns() - start;
}

static void measure(uint32_t values, uint32_t lists, double per_value)
{
    partition parts[PARTITIONS];
    uint32_t  all = 0, most = 0;
    uint64_t  distinct = 0;
    for (int p = 0; p < PARTITIONS; p++) {
        parts[p].runs = malloc(lists * sizeof *parts[p].runs);
        parts[p].memory = malloc(((size_t)values * 4 + 64 * (size_t)lists) * 8);
        parts[p].all = make_lists(values, lists, per_value, parts[p].runs, parts[p].memory, &parts[p].distinct);
        all += parts[p].all;
        distinct += parts[p].distinct;
        most = parts[p].all > most ? parts[p].all : most;
    }
    scratch s = {malloc((size_t)most * 8 + 8), malloc((size_t)most * 8 + 8),
                 malloc(list_hash_slots(most) * 8), malloc((lists + 1) * 4), {{{0}}}};
    double  best[QN_ISA_COUNT + 2];
    for (int i = 0; i < QN_ISA_COUNT + 2; i++)
        best[i] = 1e30;
    for (int repeat = 0; repeat < 25; repeat++)
        for (int i = 0; i < QN_ISA_COUNT + 2; i++) {
            int method = i < QN_ISA_COUNT ? LIST_MERGE : i == QN_ISA_COUNT ? LIST_HASH : LIST_RECYCLED;
            if (method == LIST_MERGE && !qn_merge_kernels_of((qn_isa)i))
                continue;
            double took = pass(method, i < QN_ISA_COUNT ? i : 0, parts, lists, &s) / all;
            best[i] = took < best[i] ? took : best[i];
        }
    printf("%8u %6u %6.2f", all / PARTITIONS, lists, (double)all / (double)distinct);
    for (int i = 0; i < QN_ISA_COUNT + 2; i++)
        printf(best[i] < 1e29 ? " %9.2f" : "         -", best[i]);
    printf("\n");
    for (int p = 0; p < PARTITIONS; p++) {
        free(parts[p].memory);
        free(parts[p].runs);
    }
    free(s.a);
    free(s.b);
    free(s.starts);
    free(s.table);
}

/* A bitmap of 2^size bits, of which an eighth is 1, asked for random values. */
static void measure_hashed(unsigned size)
{
    enum { VALUES = 65536 };
    uint64_t *values = malloc(VALUES * 8), *out = malloc(VALUES / 8), *set = calloc((size_t)1 << (size - 6), 8);
    double    best[QN_ISA_COUNT] = {1e30, 1e30, 1e30};
    for (size_t i = 0; i < VALUES; i++)
        values[i] = qn_random_next(&rnd);
    for (uint64_t i = 0; i < (uint64_t)1 << (size - 3); i++)
        qn_hashed_add(set, size, qn_random_next(&rnd));
    for (int repeat = 0; repeat < 25; repeat++)
        for (int isa = 0; isa < QN_ISA_COUNT; isa++) {
            const qn_hashed_kernels *k = qn_hashed_kernels_of((qn_isa)isa);
            double                   start = now_ns();
            if (!k)
                continue;
            k->select(values, VALUES, set, size, out);
            double took = (now_ns() - start) / VALUES;
            best[isa] = took < best[isa] ? took : best[isa];
        }
    printf("%8s %4s2^%-2u %5s ", "bitmap", "", size, "");
    for (int i = 0; i < QN_ISA_COUNT; i++)
        printf(best[i] < 1e29 ? " %9.2f" : "         -", best[i]);
    printf("\n");
    free(values);
    free(out);
    free(set);
}

int main(int argc, char **argv)
{
    static const uint32_t list_counts[] = {2, 20, 191};
    qn_mem_init(&mem, NULL, 0);
    list_pool_init(&pool, &mem);
    qn_random_seed(&rnd, 1);
    printf("%8s %6s %6s %9s %9s %9s %9s %9s   ns a value\n", "values", "lists", "E/G", "base", "avx2", "avx512", "hash",
           "recycled");
    for (int given = 0; given < 2; given++) {
        uint32_t values = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : given ? 50000 : 10000;
        for (size_t l = 0; l < sizeof list_counts / sizeof *list_counts; l++) {
            double per_value[] = {fmin(1.8, list_counts[l]), fmin(4.8, list_counts[l])};
            for (int k = 0; k < 2; k++)
                if (list_counts[l] > 2 || k == 0)
                    measure(values, list_counts[l], per_value[k]);
        }
        if (argc > 1)
            break;
    }
    list_pool_deinit(&pool);
    for (unsigned size = 14; size <= 26; size += 4)
        measure_hashed(size);
    return 0;
}
