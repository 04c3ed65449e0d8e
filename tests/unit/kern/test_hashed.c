/* Membership by hashed bitmap, at every level of kernels, against one value at a time: all lengths 0 to 300, every size
 * of set that fits a test, extreme values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "kern/hashed.h"

#define LENGTH 300u
#define GUARD  0xfeedface12345678ull

static qn_random rnd;

static void check(const qn_hashed_kernels *k, const uint64_t *values, size_t count, const uint64_t *set, unsigned size)
{
    size_t   words = (count + 63) / 64;
    uint64_t out[LENGTH / 64 + 2];
    memset(out, 0xa5, sizeof out);
    out[words] = GUARD;
    k->select(values, count, set, size, out);
    for (size_t i = 0; i < words * 64; i++) {
        uint64_t bit = i < count ? qn_hashed_bit(values[i], size) : 0;
        assert_int_equal(out[i / 64] >> (i & 63) & 1, i < count && (set[bit / 64] >> (bit & 63) & 1));
    }
    assert_int_equal(out[words], GUARD);
}

static void every_level_is_one_value_at_a_time(void **state)
{
    (void)state;
    for (unsigned size = QN_HASHED_SIZE_MIN; size <= 22; size++) {
        size_t    words = (size_t)1 << (size - 6);
        uint64_t *set = malloc(words * 8); /* exactly: for the sanitizer to watch */
        for (size_t i = 0; i < words; i++)
            set[i] = qn_random_next(&rnd);
        for (size_t n = 0; n <= LENGTH; n++) {
            uint64_t *values = malloc(n * 8 + !n);
            for (size_t i = 0; i < n; i++) {
                uint64_t r = qn_random_next(&rnd);
                values[i] = i % 5 == 0 ? r & 0xffff : i % 7 == 0 ? UINT64_MAX - (r & 3) : r;
            }
            for (int isa = 0; isa < QN_ISA_COUNT; isa++)
                if (qn_hashed_kernels_of((qn_isa)isa)) {
                    assert_int_equal(qn_hashed_kernels_of((qn_isa)isa)->isa, isa);
                    check(qn_hashed_kernels_of((qn_isa)isa), values, n, set, size);
                }
            free(values);
        }
        free(set);
    }
}

/* What was added is always found; of the rest about as many as bits are 1. */
static void members_are_found_and_few_others(void **state)
{
    (void)state;
    enum { SIZE = 16, MEMBERS = 4096, OTHERS = 65536 };
    uint64_t *set = calloc(1u << (SIZE - 6), 8), *values = malloc(OTHERS * 8), *out = malloc(OTHERS / 8);
    for (int isa = 0; isa < QN_ISA_COUNT; isa++) {
        const qn_hashed_kernels *k = qn_hashed_kernels_of((qn_isa)isa);
        size_t                   found = 0;
        if (!k)
            continue;
        for (uint64_t i = 0; i < MEMBERS; i++) /* neighbours, as identifiers are */
            qn_hashed_add(set, SIZE, values[i] = 1000000 + i);
        k->select(values, MEMBERS, set, SIZE, out);
        for (size_t i = 0; i < MEMBERS / 64; i++)
            assert_int_equal(out[i], UINT64_MAX);
        for (uint64_t i = 0; i < OTHERS; i++)
            values[i] = 5000000 + i;
        k->select(values, OTHERS, set, SIZE, out);
        for (size_t i = 0; i < OTHERS / 64; i++)
            found += (size_t)__builtin_popcountll(out[i]);
        assert_in_range(found, OTHERS / 32, OTHERS / 8); /* one in sixteen, more or less */
    }
    free(set);
    free(values);
    free(out);
}

int main(void)
{
    const char *given = getenv("SEED");
    uint64_t    seed = given ? strtoull(given, NULL, 10) : 20261125;
    print_message("SEED=%llu\n", (unsigned long long)seed);
    qn_random_seed(&rnd, seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_is_one_value_at_a_time),
        cmocka_unit_test(members_are_found_and_few_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
