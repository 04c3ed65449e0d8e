/* Tuples scattered into partitions and folded there: what a key's words are, what adds up, what is a maximum, and that
 * neither partitioning nor order changes a sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vm/tuples.h"

static void equal_keys_become_one(void **state)
{
    (void)state;
    /*                    key  adds  largest */
    uint64_t       t[] = {7,   1,    30,
                          9,   1,    5,
                          7,   1,    10,
                          7,   1,    40};
    uint32_t       heads[16];
    tuple_shape    shape = {.keys = 1, .adds = 1, .maxima = 1};
    const uint64_t expected[] = {7, 3, 40, 9, 1, 5}; /* the first of each key keeps its place */
    assert_int_equal(tuple_words(&shape), 3);
    assert_int_equal(tuple_fold(&shape, t, 4, heads, 16), 2);
    assert_memory_equal(t, expected, sizeof expected);
}

/* A count below 2^20 in the low bits and a sum above it: one addition serves both, as long as neither overflows,
 * which whoever lays out the word has proved. */
static void fields_of_one_word_add_up_together(void **state)
{
    (void)state;
    uint64_t    t[] = {1, 2, 1 | 100ull << 20, 1, 2, 1 | 23ull << 20, 1, 3, 1 | 5ull << 20};
    uint32_t    heads[16];
    tuple_shape shape = {.keys = 2, .adds = 1};
    assert_int_equal(tuple_fold(&shape, t, 3, heads, 16), 2);
    assert_int_equal(t[2] & 0xfffff, 2);
    assert_int_equal(t[2] >> 20, 123);
    assert_int_equal(t[5] >> 20, 5);
}

static void keys_alone_lose_their_duplicates(void **state)
{
    (void)state;
    uint64_t    t[1000];
    uint32_t    heads[2048];
    tuple_shape shape = {.keys = 1};
    for (uint64_t i = 0; i < 1000; i++)
        t[i] = i * 37 % 250;
    assert_int_equal(tuple_heads(1000), 2048);
    assert_int_equal(tuple_fold(&shape, t, 1000, heads, 2048), 250);
}

/* Two workers, 16 parts: every tuple arrives once, all tuples of a key in the same part. */
static void parts_of_all_workers_meet(void **state)
{
    (void)state;
    enum { WORKERS = 2, ROWS = 20000, KEYS = 700, BITS = 4 };
    qn_mem      mem;
    tuple_parts parts[WORKERS];
    tuple_shape shape = {.keys = 2, .adds = 1};
    uint64_t    seen[KEYS] = {0}, rows = 0, groups = 0;
    qn_mem_init(&mem, NULL, 0);
    for (int w = 0; w < WORKERS; w++)
        assert_true(tuple_parts_init(&parts[w], &mem, tuple_words(&shape), BITS));
    for (uint64_t i = 0; i < ROWS; i++) {
        uint64_t  key[2] = {i % KEYS, 1000};
        uint64_t *t = tuple_append(&parts[i % 3 == 0], tuple_hash(key, 2));
        assert_non_null(t);
        memcpy(t, key, sizeof key);
        t[2] = 1;
    }
    for (int w = 0; w < WORKERS; w++)
        tuple_parts_seal(&parts[w]);
    for (uint32_t p = 0; p < 1u << BITS; p++) {
        uint64_t  n = parts[0].parts[p].count + parts[1].parts[p].count, first = parts[0].parts[p].count;
        uint64_t *t = calloc(n * 3 + 1, sizeof *t);
        uint32_t *heads = calloc(tuple_heads(n), sizeof *heads);
        tuple_part_take(&parts[0], p, t);
        tuple_part_take(&parts[1], p, t + first * 3);
        uint64_t kept = tuple_fold(&shape, t, n, heads, tuple_heads(n));
        for (uint64_t i = 0; i < kept; i++) {
            assert_int_equal(t[i * 3 + 1], 1000);
            assert_int_equal(seen[t[i * 3]], 0); /* in no other part */
            seen[t[i * 3]] = t[i * 3 + 2];
            rows += t[i * 3 + 2];
        }
        groups += kept;
        free(t);
        free(heads);
    }
    assert_int_equal(groups, KEYS);
    assert_int_equal(rows, ROWS);
    for (int w = 0; w < WORKERS; w++)
        tuple_parts_deinit(&parts[w]);
    assert_int_equal(mem.used_bytes, 0);
    qn_mem_deinit(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_keys_become_one),
        cmocka_unit_test(fields_of_one_word_add_up_together),
        cmocka_unit_test(keys_alone_lose_their_duplicates),
        cmocka_unit_test(parts_of_all_workers_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
