/* Counting the distinct values of many lists: the tree of merges, at every level of kernels, the hash table and the
 * recycled vectors against marks in a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/env.h"
#include "vm/list_merge.h"

static qn_random rnd;

/* Ascending with i; 0 stays 0, and the last of the universe is UINT64_MAX. */
static uint64_t wide(uint32_t i, uint32_t universe)
{
    return i + 1 == universe ? UINT64_MAX : (uint64_t)i << 40 | (uint64_t)(i * 2654435761u);
}

/* A list of `wanted` draws from [from, end) of the universe, and what is in any list so far. */
static list_run draw(uint32_t wanted, uint32_t from, uint32_t end, uint32_t universe, uint8_t *seen)
{
    uint8_t *in = calloc(universe, 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < wanted; i++)
        in[from + qn_random_below(&rnd, end - from)] = 1;
    for (uint32_t i = 0; i < universe; i++) {
        n += in[i];
        seen[i] |= in[i];
    }
    uint64_t *values = malloc(n * 8 + !n); /* exactly: for the sanitizer to watch */
    n = 0;
    for (uint32_t i = 0; i < universe; i++)
        if (in[i])
            values[n++] = wide(i, universe);
    free(in);
    return (list_run){values, n};
}

static void check(const list_run *runs, uint32_t count, uint64_t expected)
{
    uint64_t  all = 0, distinct = 0;
    qn_mem    mem;
    list_pool pool;
    qn_error  err;
    for (uint32_t i = 0; i < count; i++)
        all += runs[i].count;
    uint64_t *a = malloc(all * 8 + !all), *b = malloc(all * 8 + !all), *table = malloc(list_hash_slots((uint32_t)all) * 8);
    uint32_t *starts = malloc((count + 1) * 4);
    for (int isa = 0; isa < QN_ISA_COUNT; isa++) {
        list_plan plan = {{0}}; /* the second time it knows where to drop repeated values */
        for (int repeat = 0; repeat < 2 && qn_merge_kernels_of((qn_isa)isa); repeat++)
            assert_int_equal(list_merge_count(qn_merge_kernels_of((qn_isa)isa), runs, count, a, b, starts, &plan), expected);
        /* Made for other lists, it costs time and nothing else. */
        for (int value = 0; value < 3 && qn_merge_kernels_of((qn_isa)isa); value++) {
            memset(&plan, value, sizeof plan);
            plan.by_depth[1] = 0;
            assert_int_equal(list_merge_count(qn_merge_kernels_of((qn_isa)isa), runs, count, a, b, starts, &plan), expected);
        }
    }
    assert_int_equal(list_hash_count(runs, count, table), expected);
    qn_mem_init(&mem, NULL, 0);
    list_pool_init(&pool, &mem);
    assert_int_equal(list_recycled_count(&pool, runs, count, &distinct, &err), QN_OK);
    assert_int_equal(distinct, expected);
    list_pool_deinit(&pool);
    assert_int_equal(mem.used_bytes, 0);
    qn_mem_deinit(&mem);
    free(a);
    free(b);
    free(table);
    free(starts);
}

static uint64_t marks(const uint8_t *seen, uint32_t universe)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < universe; i++)
        n += seen[i];
    return n;
}

static void free_runs(list_run *runs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        free((void *)runs[i].values);
    free(runs);
}

static void no_lists_and_empty_lists(void **state)
{
    (void)state;
    uint64_t  one[] = {0, UINT64_MAX};
    list_run *runs = calloc(300, sizeof *runs);
    check(runs, 0, 0);
    check(runs, 1, 0);
    check(runs, 300, 0);
    runs[299] = (list_run){one, 2};
    check(runs, 300, 2);
    runs[0] = runs[7] = (list_run){one, 1};
    check(runs, 300, 2);
    check(runs, 8, 1);
    free(runs);
}

/* Lists of about the same length, few to many of them, sharing next to nothing or nearly everything. */
static void lists_of_similar_length(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 20, 31, 64, 191};
    for (size_t c = 0; c < QN_COUNTOF(counts); c++)
        for (uint32_t universe = 64; universe <= 65536; universe *= 16) {
            list_run *runs = malloc(counts[c] * sizeof *runs);
            uint8_t  *seen = calloc(universe, 1);
            for (uint32_t i = 0; i < counts[c]; i++)
                runs[i] = draw((uint32_t)qn_random_below(&rnd, 150), 0, universe, universe, seen);
            check(runs, counts[c], marks(seen, universe));
            free(seen);
            free_runs(runs, counts[c]);
        }
}

/* Stretches of a growing key: each list overlaps only its neighbours. */
static void lists_of_a_clustered_column(void **state)
{
    (void)state;
    enum { LISTS = 40, UNIVERSE = 40 * 100 + 50 };
    list_run *runs = malloc(LISTS * sizeof *runs);
    uint8_t  *seen = calloc(UNIVERSE, 1);
    for (uint32_t i = 0; i < LISTS; i++)
        runs[i] = draw(90, i * 100, i * 100 + 150, UNIVERSE, seen);
    check(runs, LISTS, marks(seen, UNIVERSE));
    free(seen);
    free_runs(runs, LISTS);
}

/* Lengths that double, one long list among empty ones: the tree must be cut by length, not by number. */
static void lists_of_unequal_length(void **state)
{
    (void)state;
    enum { LISTS = 15, UNIVERSE = 100000 };
    for (int shape = 0; shape < 4; shape++) {
        list_run *runs = malloc(LISTS * sizeof *runs);
        uint8_t  *seen = calloc(UNIVERSE, 1);
        for (uint32_t i = 0; i < LISTS; i++) {
            uint32_t n = shape == 0 ? 1u << i : shape == 1 ? 1u << (LISTS - i) : i == 7 ? 30000 : shape == 2 ? 0 : 3;
            runs[i] = draw(n, 0, UNIVERSE, UNIVERSE, seen);
        }
        check(runs, LISTS, marks(seen, UNIVERSE));
        free(seen);
        free_runs(runs, LISTS);
    }
}

/* Lists of more than a vector: those that have been read are written again, so the pool ends with little more than
 * what the result needs. */
static void vectors_are_used_again(void **state)
{
    (void)state;
    enum { LISTS = 8, LENGTH = 20000 };
    list_run runs[LISTS];
    qn_mem    mem;
    list_pool pool;
    qn_error  err;
    uint64_t  distinct;
    for (uint32_t i = 0; i < LISTS; i++) {
        uint64_t *v = malloc(LENGTH * 8);
        for (uint32_t k = 0; k < LENGTH; k++)
            v[k] = (uint64_t)k * LISTS + i;
        runs[i] = (list_run){v, LENGTH};
    }
    qn_mem_init(&mem, NULL, 0);
    list_pool_init(&pool, &mem);
    for (int repeat = 0; repeat < 3; repeat++) {
        assert_int_equal(list_recycled_count(&pool, runs, LISTS, &distinct, &err), QN_OK);
        assert_int_equal(distinct, LISTS * LENGTH);
    }
    /* 160,000 values are 20 vectors; each of the two levels that are written may leave the last one of each list
     * partly empty, and one is being written while two are read. */
    assert_in_range(pool.taken, 20, 20 + 4 + 3);
    list_pool_deinit(&pool);
    assert_int_equal(mem.used_bytes, 0);
    qn_mem_deinit(&mem);
    for (uint32_t i = 0; i < LISTS; i++)
        free((void *)runs[i].values);
}

/* Each allocation refused once: the error is reported and everything is given back. */
static void no_memory_for_vectors(void **state)
{
    (void)state;
    enum { LISTS = 5, UNIVERSE = 60000 };
    list_run *runs = malloc(LISTS * sizeof *runs);
    uint8_t  *seen = calloc(UNIVERSE, 1);
    bool      failed = true;
    for (uint32_t i = 0; i < LISTS; i++)
        runs[i] = draw(20000, 0, UNIVERSE, UNIVERSE, seen);
    for (uint64_t n = 1; failed; n++) {
        qn_mem    mem;
        list_pool pool;
        qn_error  err = {0};
        uint64_t  distinct;
        qn_mem_init(&mem, NULL, 0);
        mem.fail_at = n;
        list_pool_init(&pool, &mem);
        failed = list_recycled_count(&pool, runs, LISTS, &distinct, &err) != QN_OK;
        if (!failed)
            assert_int_equal(distinct, marks(seen, UNIVERSE));
        list_pool_deinit(&pool); /* every vector had come back to the pool */
        assert_int_equal(mem.used_bytes, 0);
        qn_mem_deinit(&mem);
        assert_true(n < 50);
        assert_true(failed || n > 3);
    }
    free(seen);
    free_runs(runs, LISTS);
}

/* Merging pays for few lists, hashing for many; what is chosen has the least expected cost. */
static void the_method_follows_the_number_of_lists(void **state)
{
    (void)state;
    for (int isa = 0; isa < QN_ISA_COUNT; isa++) {
        assert_int_equal(list_method_choose(2, (qn_isa)isa), LIST_MERGE);
        assert_int_equal(list_method_choose(100000, (qn_isa)isa), LIST_HASH);
        for (uint32_t lists = 1; lists < 5000; lists = lists * 3 / 2 + 1) {
            list_method best = list_method_choose(lists, (qn_isa)isa);
            for (int m = LIST_MERGE; m <= LIST_RECYCLED; m++) {
                assert_true(list_method_ns(best, lists, (qn_isa)isa) <= list_method_ns((list_method)m, lists, (qn_isa)isa));
                assert_true(list_method_ns((list_method)m, lists, (qn_isa)isa) <= list_method_ns((list_method)m, lists + 1, (qn_isa)isa));
            }
        }
    }
    assert_string_equal(list_method_name(LIST_MERGE), "merge");
    assert_string_equal(list_method_name(LIST_RECYCLED), "recycled");
}

int main(void)
{
    const char *given = getenv("SEED");
    uint64_t    seed = given ? strtoull(given, NULL, 10) : 20261125;
    print_message("SEED=%llu\n", (unsigned long long)seed);
    qn_random_seed(&rnd, seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_lists_and_empty_lists),  cmocka_unit_test(lists_of_similar_length),
        cmocka_unit_test(lists_of_a_clustered_column), cmocka_unit_test(lists_of_unequal_length),
        cmocka_unit_test(vectors_are_used_again),    cmocka_unit_test(no_memory_for_vectors),
        cmocka_unit_test(the_method_follows_the_number_of_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
