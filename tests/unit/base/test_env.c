/* Threads, clocks, random numbers, processor levels, checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>

#include "base/cpu.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/thread.h"

typedef struct shared {
    qn_latch latch;
    qn_cond  cond;
    int      value;
} shared;

static void add_many(void *arg)
{
    shared *s = arg;
    for (int i = 0; i < 10000; i++) {
        qn_latch_take(&s->latch);
        s->value++;
        qn_latch_drop(&s->latch);
    }
    qn_cond_broadcast(&s->cond);
}

static void a_latch_protects_and_knows_its_holder(void **state)
{
    (void)state;
    shared    s = {.value = 0};
    qn_thread threads[3];
    qn_latch_init(&s.latch);
    qn_cond_init(&s.cond);
    assert_false(qn_latch_held(&s.latch));
    for (int i = 0; i < 3; i++)
        assert_int_equal(qn_thread_start(&threads[i], 0, add_many, &s, NULL), QN_OK);
    for (int i = 0; i < 3; i++)
        qn_thread_join(threads[i]);
    qn_latch_take(&s.latch);
    assert_true(qn_latch_held(&s.latch));
    assert_int_equal(s.value, 30000);
    assert_false(qn_cond_wait_for(&s.cond, &s.latch, 1000)); /* nobody signals */
    assert_true(qn_latch_held(&s.latch));
    qn_latch_drop(&s.latch);
    qn_cond_deinit(&s.cond);
    qn_latch_deinit(&s.latch);
}

static void raise_value(void *arg)
{
    shared *s = arg;
    qn_latch_take(&s->latch);
    s->value = 1;
    qn_cond_signal(&s->cond);
    qn_latch_drop(&s->latch);
}

static void a_waiter_is_woken(void **state)
{
    (void)state;
    shared    s = {.value = 0};
    qn_thread thread;
    qn_latch_init(&s.latch);
    qn_cond_init(&s.cond);
    qn_latch_take(&s.latch);
    assert_int_equal(qn_thread_start(&thread, 0, raise_value, &s, NULL), QN_OK);
    while (s.value == 0)
        qn_cond_wait(&s.cond, &s.latch);
    qn_latch_drop(&s.latch);
    qn_thread_join(thread);
    qn_cond_deinit(&s.cond);
    qn_latch_deinit(&s.latch);
}

static void use_stack(void *arg)
{
    volatile char room[32 << 20]; /* far more than a thread has by default */
    for (size_t i = 0; i < sizeof room; i += 4096)
        room[i] = 1;
    *(char *)arg = room[4096];
}

static void a_call_can_have_a_large_stack(void **state)
{
    (void)state;
    char used = 0;
    assert_int_equal(qn_run_on_stack(40 << 20, use_stack, &used, NULL), QN_OK);
    assert_int_equal(used, 1);
    qn_error err = {0};
    assert_int_equal(qn_run_on_stack((size_t)1 << 60, use_stack, &used, &err), QN_NOMEM);
    assert_string_equal(err.sqlstate, "53200");
}

static void look_at_mask(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, arg);
}

static void threads_leave_signals_to_the_program(void **state)
{
    (void)state;
    sigset_t before, inside, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(qn_run_on_stack(0, look_at_mask, &inside, NULL), QN_OK);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_true(sigismember(&inside, SIGINT) && sigismember(&inside, SIGTERM));
    assert_false(sigismember(&inside, SIGSEGV) || sigismember(&inside, SIGBUS));
    assert_int_equal(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
}

static void a_manual_clock_moves_by_hand(void **state)
{
    (void)state;
    uint64_t now   = 5000000;
    qn_clock clock = qn_clock_manual(&now);
    assert_int_equal(clock.monotonic_ns(clock.self), 5000000);
    assert_int_equal(clock.wall_micros(clock.self), 5000);
    now = 7000000;
    assert_int_equal(clock.wall_micros(clock.self), 7000);
    qn_clock real = qn_clock_system();
    uint64_t a = real.monotonic_ns(real.self), b = real.monotonic_ns(real.self);
    assert_true(a <= b);
    assert_true(real.wall_micros(real.self) > INT64_C(1600000000000000)); /* after 2020 */
}

static void random_numbers_repeat_by_seed_and_spread(void **state)
{
    (void)state;
    qn_random a, b, c;
    qn_random_seed(&a, 1);
    qn_random_seed(&b, 1);
    qn_random_seed(&c, 2);
    uint32_t seen[7] = {0};
    bool     differ  = false;
    for (int i = 0; i < 7000; i++) {
        uint64_t x = qn_random_below(&a, 7);
        assert_int_equal(x, qn_random_below(&b, 7));
        differ |= x != qn_random_below(&c, 7);
        seen[x]++;
        double unit = qn_random_unit(&c);
        assert_true(unit >= 0 && unit < 1);
    }
    assert_true(differ);
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 800, 1200); /* 1000 expected, seven standard deviations away */
    assert_int_equal(qn_random_below(&a, 1), 0);
    /* First output for the state {1, 2, 3, 4}: rotl(2 * 5, 7) * 9, by the definition. */
    qn_random known = {{1, 2, 3, 4}};
    assert_int_equal(qn_random_next(&known), 11520);
}

static void levels_have_names(void **state)
{
    (void)state;
    qn_isa isa = qn_isa_detect();
    assert_in_range(isa, QN_ISA_BASE, QN_ISA_COUNT - 1);
    assert_string_equal(qn_isa_name(QN_ISA_BASE), "base");
    assert_string_equal(qn_isa_name(QN_ISA_AVX2), "avx2");
    assert_string_equal(qn_isa_name(QN_ISA_AVX512), "avx512");
}

static void checksums_are_xxh3(void **state)
{
    (void)state;
    assert_int_equal(qn_checksum64("", 0), UINT64_C(0x2d06800538d394c2)); /* published for empty input */
    assert_int_equal(qn_hash64("abc", 3, 0), qn_checksum64("abc", 3));
    assert_int_not_equal(qn_hash64("abc", 3, 1), qn_checksum64("abc", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_latch_protects_and_knows_its_holder),
        cmocka_unit_test(a_waiter_is_woken),
        cmocka_unit_test(a_call_can_have_a_large_stack),
        cmocka_unit_test(threads_leave_signals_to_the_program),
        cmocka_unit_test(a_manual_clock_moves_by_hand),
        cmocka_unit_test(random_numbers_repeat_by_seed_and_spread),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(checksums_are_xxh3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
