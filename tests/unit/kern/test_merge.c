/* Sorted lists merged and counted, at every level of kernels, against marking each value in a plain array.
 *
 * Lists are drawn from a small universe, so that they share values, and only then made 64 bits wide by an ascending
 * map whose ends are 0 and UINT64_MAX: the vector levels fill short vectors up with UINT64_MAX, and it must neither
 * appear nor disappear.  Inputs and outputs live in allocations of exactly their size, for the sanitizer to watch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/env.h"
#include "kern/merge.h"

#define UNIVERSE 8192u

static qn_random rnd;

typedef struct list {
    uint64_t *values;
    size_t    count;
} list;

/* Ascending, and with bits in both halves and at the top: a comparison of the wrong kind shows. */
static uint64_t wide(uint32_t i)
{
    return i == UNIVERSE - 1 ? UINT64_MAX : (uint64_t)i << 51 | (uint64_t)(i * 2654435761u) << 3;
}

static list list_of(const uint8_t *in)
{
    list   l = {NULL, 0};
    size_t n = 0;
    for (uint32_t i = 0; i < UNIVERSE; i++)
        n += in[i];
    l.values = malloc(n * 8 + !n);
    for (uint32_t i = 0; i < UNIVERSE; i++)
        if (in[i])
            l.values[l.count++] = wide(i);
    return l;
}

static list list_union(list a, list b)
{
    list     l = {malloc((a.count + b.count) * 8 + 1), 0};
    uint8_t *in = calloc(UNIVERSE, 1);
    for (uint32_t i = 0; i < UNIVERSE; i++)
        for (int side = 0; side < 2; side++) {
            list s = side ? b : a;
            for (size_t k = 0; k < s.count && !in[i]; k++)
                in[i] = s.values[k] == wide(i);
        }
    for (uint32_t i = 0; i < UNIVERSE; i++)
        if (in[i])
            l.values[l.count++] = wide(i);
    free(in);
    return l;
}

static void free_list(list l)
{
    free(l.values);
}

static void check_union(list a, list b, list expected)
{
    for (int isa = 0; isa < QN_ISA_COUNT; isa++) {
        const qn_merge_kernels *k = qn_merge_kernels_of((qn_isa)isa);
        if (!k)
            continue;
        assert_int_equal(k->isa, isa);
        uint64_t    *out = malloc((a.count + b.count) * 8 + !(a.count + b.count));
        qn_merge_job job = {.a = a.values, .b = b.values, .a_count = a.count, .b_count = b.count, .out = out};
        k->merge(&job, 1);
        assert_int_equal(job.out_count, expected.count);
        if (expected.count)
            assert_memory_equal(out, expected.values, expected.count * 8);
        assert_int_equal(k->count_union(a.values, a.count, b.values, b.count), expected.count);
        free(out);
    }
}

/* The naive answer is known beforehand here, value by value. */
static void check_sets(const uint8_t *in_a, const uint8_t *in_b)
{
    uint8_t *both = malloc(UNIVERSE);
    for (uint32_t i = 0; i < UNIVERSE; i++)
        both[i] = in_a[i] | in_b[i];
    list a = list_of(in_a), b = list_of(in_b), u = list_of(both);
    check_union(a, b, u);
    check_union(b, a, u);
    free_list(a);
    free_list(b);
    free_list(u);
    free(both);
}

static void mark(uint8_t *in, uint32_t from, uint32_t to, uint32_t step)
{
    for (uint32_t i = from; i < to; i += step)
        in[i] = 1;
}

static void an_empty_list_adds_nothing(void **state)
{
    (void)state;
    for (int isa = 0; isa < QN_ISA_COUNT; isa++) {
        const qn_merge_kernels *k = qn_merge_kernels_of((qn_isa)isa);
        if (!k)
            continue;
        uint64_t     one[1] = {7}, out[1] = {0};
        qn_merge_job jobs[3] = {{.out = out}, {.a = one, .a_count = 1, .out = out}, {.b = one, .b_count = 1, .out = out}};
        k->merge(jobs, 3);
        assert_int_equal(jobs[0].out_count, 0);
        assert_int_equal(jobs[1].out_count, 1);
        assert_int_equal(jobs[2].out_count, 1);
        assert_int_equal(out[0], 7);
        assert_int_equal(k->count_union(NULL, 0, NULL, 0), 0);
        assert_int_equal(k->count_union(one, 1, NULL, 0), 1);
        assert_int_equal(k->count_union(NULL, 0, one, 1), 1);
        k->merge(NULL, 0);
    }
}

/* Interleaved, one after the other, overlapping, equal, one inside the other: at lengths that fill vectors and that
 * do not, and long enough for the count to be cut in pieces. */
static void shapes_that_lists_have(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 255, 256, 257, 300, 1000, 1024, 2047};
    uint8_t *a = malloc(UNIVERSE), *b = malloc(UNIVERSE);
    for (size_t l = 0; l < QN_COUNTOF(lengths); l++)
        for (int shape = 0; shape < 7; shape++)
            for (uint32_t top = 0; top < 2; top++) {
                uint32_t n = lengths[l], from = top ? UNIVERSE - 2 * n : 0;
                memset(a, 0, UNIVERSE);
                memset(b, 0, UNIVERSE);
                switch (shape) {
                case 0: /* every second value each */
                    mark(a, from, from + 2 * n, 2);
                    mark(b, from + 1, from + 2 * n, 2);
                    break;
                case 1: /* one after the other */
                    mark(a, from, from + n, 1);
                    mark(b, from + n, from + 2 * n, 1);
                    break;
                case 2: /* touching in one value */
                    mark(a, from, from + n + 1, 1);
                    mark(b, from + n, from + 2 * n, 1);
                    break;
                case 3: /* equal */
                    mark(a, from, from + 2 * n, 2);
                    mark(b, from, from + 2 * n, 2);
                    break;
                case 4: /* part of the other */
                    mark(a, from, from + 2 * n, 1);
                    mark(b, from + n / 2, from + n, 3);
                    break;
                case 5: /* the middle is shared */
                    mark(a, from, from + n + n / 2, 1);
                    mark(b, from + n / 2, from + 2 * n, 1);
                    break;
                default: /* a few far apart, the last value among them, and many */
                    mark(a, 0, UNIVERSE, UNIVERSE - 1);
                    mark(b, from, from + 2 * n, 1);
                    break;
                }
                check_sets(a, b);
            }
    free(a);
    free(b);
}

static void all_lengths_to_70(void **state)
{
    (void)state;
    uint8_t *a = malloc(UNIVERSE), *b = malloc(UNIVERSE);
    for (uint32_t n = 0; n <= 70; n++)
        for (uint32_t m = 0; m <= n; m++) {
            /* Which ends of the range belong to which list changes from case to case. */
            uint64_t bits = qn_random_next(&rnd);
            memset(a, 0, UNIVERSE);
            memset(b, 0, UNIVERSE);
            for (uint32_t i = 0; i < n; i++)
                a[bits & 1 && i == 0 ? 0 : bits & 2 && i == 1 ? UNIVERSE - 1 : qn_random_below(&rnd, bits & 16 ? 100 : UNIVERSE)] = 1;
            for (uint32_t i = 0; i < m; i++)
                b[bits & 4 && i == 0 ? 0 : bits & 8 && i == 1 ? UNIVERSE - 1 : qn_random_below(&rnd, bits & 16 ? 100 : UNIVERSE)] = 1;
            check_sets(a, b);
        }
    free(a);
    free(b);
}

/* Values in clumps of random length that belong to one list, to the other, to both or to none: long stretches from
 * one side, and borders of pieces among equal values. */
static void random_clumps(void **state)
{
    (void)state;
    uint8_t *a = malloc(UNIVERSE), *b = malloc(UNIVERSE);
    for (int repeat = 0; repeat < 400; repeat++) {
        uint32_t longest = 1u << qn_random_below(&rnd, 11);
        memset(a, 0, UNIVERSE);
        memset(b, 0, UNIVERSE);
        for (uint32_t i = 0; i < UNIVERSE;) {
            uint32_t end = i + 1 + (uint32_t)qn_random_below(&rnd, longest), whose = (uint32_t)qn_random_below(&rnd, 5);
            for (; i < end && i < UNIVERSE; i++) {
                a[i] = whose & 1;
                b[i] = whose >> 1 & 1;
            }
        }
        check_sets(a, b);
    }
    free(a);
    free(b);
}

/* merge_all keeps what both lists hold, twice; merge then takes such lists and drops it, also from a list that has
 * no other to be merged with, or one that lies elsewhere. */
static void repeated_values_are_kept_until_dropped(void **state)
{
    (void)state;
    enum { ROOM = 4 * UNIVERSE };
    uint8_t  *in = malloc(UNIVERSE), *any = malloc(UNIVERSE);
    uint64_t *out[2] = {malloc(ROOM * 8), malloc(ROOM * 8)}, *last = malloc(ROOM * 8);
    for (int isa = 0; isa < QN_ISA_COUNT; isa++) {
        const qn_merge_kernels *k = qn_merge_kernels_of((qn_isa)isa);
        if (!k || !k->merge_all)
            continue; /* this level does not have it */
        for (int repeat = 0; repeat < 300; repeat++) {
            list         l[4], u;
            qn_merge_job jobs[2], end;
            uint32_t     most = 1u << qn_random_below(&rnd, 11), half = (repeat & 1) * (UNIVERSE / 2);
            memset(any, 0, UNIVERSE);
            for (int i = 0; i < 4; i++) { /* every second time the second two lie behind the first two */
                uint32_t from = i < 2 ? 0 : half, span = half ? UNIVERSE / 2 : UNIVERSE;
                uint32_t wanted = i >= 2 && repeat % 3 == 0 ? 0 : (uint32_t)qn_random_below(&rnd, most);
                memset(in, 0, UNIVERSE);
                for (uint32_t n = 0; n < wanted; n++)
                    in[from + (n == 0 ? span - 1 : qn_random_below(&rnd, span))] = 1;
                for (uint32_t n = 0; n < UNIVERSE; n++)
                    any[n] |= in[n];
                l[i] = list_of(in);
            }
            u = list_of(any);
            for (int i = 0; i < 2; i++)
                jobs[i] = (qn_merge_job){.a = l[2 * i].values, .b = l[2 * i + 1].values, .a_count = l[2 * i].count,
                                         .b_count = l[2 * i + 1].count, .out = out[i]};
            k->merge_all(jobs, 2);
            for (int i = 0; i < 2; i++) {
                assert_int_equal(jobs[i].out_count, l[2 * i].count + l[2 * i + 1].count);
                size_t at[2] = {0, 0};
                for (size_t n = 0; n < jobs[i].out_count; n++) { /* each value comes from one of the lists, in order */
                    assert_true(n == 0 || out[i][n - 1] <= out[i][n]);
                    int side = at[0] < l[2 * i].count && l[2 * i].values[at[0]] == out[i][n] ? 0 : 1;
                    assert_true(at[side] < l[2 * i + side].count);
                    assert_int_equal(l[2 * i + side].values[at[side]++], out[i][n]);
                }
            }
            end = (qn_merge_job){.a = out[0], .b = out[1], .a_count = jobs[0].out_count, .b_count = jobs[1].out_count,
                                 .out = last, .repeats = true};
            k->merge(&end, 1);
            assert_int_equal(end.out_count, u.count);
            if (u.count)
                assert_memory_equal(last, u.values, u.count * 8);
            for (int i = 0; i < 4; i++)
                free_list(l[i]);
            free_list(u);
        }
    }
    free(in);
    free(any);
    free(out[0]);
    free(out[1]);
    free(last);
}

/* More copies of UINT64_MAX than a vector holds look like the filling of short vectors, and must end all the same. */
static void the_greatest_value_many_times(void **state)
{
    (void)state;
    enum { LISTS = 64 };
    for (int isa = 0; isa < QN_ISA_COUNT; isa++) {
        const qn_merge_kernels *k = qn_merge_kernels_of((qn_isa)isa);
        if (!k || !k->merge_all)
            continue;
        for (uint64_t below = 0; below < 3; below++) { /* values of each list below the greatest, the same in all */
            uint64_t    *at[2] = {malloc(LISTS * 3 * 8), malloc(LISTS * 3 * 8)};
            qn_merge_job jobs[LISTS];
            size_t       count = below + 1;
            unsigned     level = 0;
            for (size_t i = 0; i < LISTS * count; i++)
                at[0][i] = i % count == below ? UINT64_MAX : i % count;
            for (size_t lists = LISTS / 2; lists >= 1; lists /= 2, count *= 2, level++) {
                uint64_t *from = at[level & 1], *to = at[!(level & 1)];
                for (size_t i = 0; i < lists; i++)
                    jobs[i] = (qn_merge_job){.a = from + 2 * i * count, .b = from + (2 * i + 1) * count, .a_count = count,
                                             .b_count = count, .out = to + 2 * i * count, .repeats = true};
                if (lists == 1) {
                    k->merge(jobs, 1);
                    assert_int_equal(jobs[0].out_count, below + 1);
                    assert_int_equal(to[below], UINT64_MAX);
                    break;
                }
                k->merge_all(jobs, lists);
            }
            free(at[0]);
            free(at[1]);
        }
    }
}

/* Merges given together, of different lengths and some of them trivial, are what they are alone. */
static void many_merges_in_one_call(void **state)
{
    (void)state;
    enum { JOBS = 23 };
    uint8_t *in = malloc(UNIVERSE);
    for (int repeat = 0; repeat < 6; repeat++) {
        list a[JOBS], b[JOBS], u[JOBS];
        for (int i = 0; i < JOBS; i++) {
            for (int side = 0; side < 2; side++) {
                uint32_t share = (uint32_t)qn_random_below(&rnd, 6), wanted = share ? (uint32_t)qn_random_below(&rnd, 600) : 0;
                memset(in, 0, UNIVERSE);
                for (uint32_t k = 0; k < wanted; k++)
                    in[qn_random_below(&rnd, UNIVERSE)] = 1;
                *(side ? &b[i] : &a[i]) = list_of(in);
            }
            u[i] = list_union(a[i], b[i]);
        }
        for (int isa = 0; isa < QN_ISA_COUNT; isa++) {
            const qn_merge_kernels *k = qn_merge_kernels_of((qn_isa)isa);
            if (!k)
                continue;
            for (size_t count = 1; count <= JOBS; count += 1 + count / 4) {
                qn_merge_job jobs[JOBS];
                for (size_t i = 0; i < count; i++)
                    jobs[i] = (qn_merge_job){.a = a[i].values, .b = b[i].values, .a_count = a[i].count, .b_count = b[i].count,
                                             .out = malloc((a[i].count + b[i].count) * 8 + 1)};
                k->merge(jobs, count);
                for (size_t i = 0; i < count; i++) {
                    assert_int_equal(jobs[i].out_count, u[i].count);
                    if (u[i].count)
                        assert_memory_equal(jobs[i].out, u[i].values, u[i].count * 8);
                    free(jobs[i].out);
                }
            }
        }
        for (int i = 0; i < JOBS; i++) {
            free_list(a[i]);
            free_list(b[i]);
            free_list(u[i]);
        }
    }
    free(in);
}

int main(void)
{
    const char *given = getenv("SEED");
    uint64_t    seed = given ? strtoull(given, NULL, 10) : 20261125;
    print_message("SEED=%llu\n", (unsigned long long)seed);
    qn_random_seed(&rnd, seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_adds_nothing), cmocka_unit_test(shapes_that_lists_have),
        cmocka_unit_test(all_lengths_to_70),          cmocka_unit_test(random_clumps),
        cmocka_unit_test(the_greatest_value_many_times), cmocka_unit_test(repeated_values_are_kept_until_dropped), cmocka_unit_test(many_merges_in_one_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
