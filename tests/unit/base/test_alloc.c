/* The allocation door: counts, limits, planned failures, recycled regions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/recycle.h"

static void bytes_are_counted_up_to_the_root(void **state)
{
    (void)state;
    qn_mem root, child;
    qn_mem_init(&root, NULL, 0);
    qn_mem_init(&child, &root, 0);
    void *a = qn_alloc(&child, 100);
    void *b = qn_alloc(&root, 1000);
    assert_int_equal(child.used_bytes, 100);
    assert_int_equal(root.used_bytes, 1100);
    qn_free(&child, a, 100);
    qn_free(&root, b, 1000);
    qn_free(&root, NULL, 5); /* nothing */
    assert_int_equal(root.used_bytes, 0);
    assert_int_equal(root.peak_bytes, 1100);
    qn_mem_deinit(&child);
    qn_mem_deinit(&root);
}

static void a_limit_holds_for_children_too(void **state)
{
    (void)state;
    qn_mem root, child;
    qn_mem_init(&root, NULL, 1000);
    qn_mem_init(&child, &root, 0);
    void *a = qn_alloc(&child, 600);
    assert_non_null(a);
    assert_null(qn_alloc(&child, 401));
    assert_int_equal(child.used_bytes, 600); /* a refused request leaves nothing taken */
    assert_int_equal(root.used_bytes, 600);
    assert_null(qn_realloc(&child, a, 600, 1001));
    assert_true(qn_mem_charge(&child, 400));
    assert_false(qn_mem_charge(&root, 1));
    qn_mem_release(&child, 400);
    qn_free(&child, a, 600);
    assert_null(qn_alloc(&root, SIZE_MAX)); /* what qn_mul gives on overflow */
    assert_null(qn_alloc(&root, qn_mul(SIZE_MAX / 2, 3)));
    assert_int_equal(root.used_bytes, 0);
}

static void the_nth_request_fails_on_demand(void **state)
{
    (void)state;
    qn_mem root, child;
    qn_mem_init(&root, NULL, 0);
    qn_mem_init(&child, &root, 0);
    atomic_store(&root.fail_at, 2);
    void *a = qn_alloc(&child, 10); /* request 1 of the root, made through the child */
    assert_non_null(a);
    assert_null(qn_alloc(&child, 10));
    void *b = qn_alloc(&child, 10);
    assert_non_null(b);
    atomic_store(&root.fail_at, 5);
    atomic_store(&root.fail_persist, true);
    void *c = qn_alloc(&root, 10);
    assert_non_null(c);
    assert_null(qn_realloc(&child, b, 10, 20));
    assert_null(qn_alloc(&root, 10));
    assert_false(qn_mem_charge(&root, 1));
    qn_free(&child, a, 10);
    qn_free(&child, b, 10);
    qn_free(&root, c, 10);
    qn_mem_deinit(&child);
    qn_mem_deinit(&root);
}

static void memory_is_aligned_and_cleared(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 15, 16, 4095, 4096, 100000, 1 << 20, (5 << 20) + 3};
    qn_mem mem;
    qn_mem_init(&mem, NULL, 0);
    for (int round = 0; round < 2; round++) { /* the second round recycles what the first one soiled */
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            unsigned char *p = qn_alloc0(&mem, sizes[i]);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % (sizes[i] >= 4096 ? 64 : 16), 0);
            for (size_t j = 0; j < sizes[i]; j++) {
                if (p[j])
                    fail_msg("byte %zu of %zu is not clear", j, sizes[i]);
            }
            memset(p, 0xff, sizes[i]);
            qn_free(&mem, p, sizes[i]);
        }
    }
    qn_mem_deinit(&mem);
}

/* Contents survive every move between small, aligned and mapped memory. */
static void realloc_keeps_what_fits(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 10, 5000, 900000, 3 << 20, 9 << 20, 3 << 20, 2 << 20, 70000, 12, 0};
    qn_mem mem;
    qn_mem_init(&mem, NULL, 0);
    size_t         old = 0;
    unsigned char *p   = NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *q = qn_realloc(&mem, p, old, sizes[i]);
        assert_non_null(q);
        size_t kept = old < sizes[i] ? old : sizes[i];
        for (size_t j = 0; j < kept; j++) {
            if (q[j] != (unsigned char)(j * 7))
                fail_msg("byte %zu changed on the way from %zu to %zu", j, old, sizes[i]);
        }
        for (size_t j = 0; j < sizes[i]; j++)
            q[j] = (unsigned char)(j * 7);
        p   = q;
        old = sizes[i];
        assert_int_equal(mem.used_bytes, old);
    }
    qn_free(&mem, p, old);
    char *copy = qn_mem_strdup(&mem, "text");
    assert_string_equal(copy, "text");
    qn_free(&mem, copy, 5);
    qn_mem_deinit(&mem);
}

/* A child that takes in steps: the parent is charged for what the child holds, which is enough and not much more
 * than it uses; near the parent's limit the exact amount is asked for; at the end everything goes back. */
static void steps_add_up(void **state)
{
    (void)state;
    enum { STEP = 1000, LIMIT = 50000, MOST = 64 };
    qn_mem   root, middle, child, below;
    uint64_t seed = 1, sizes[MOST] = {0}, used = 0, refused = 0;
    qn_mem_init(&root, NULL, LIMIT);
    qn_mem_init(&middle, &root, 0);
    qn_mem_init_quota(&child, &middle, STEP);
    qn_mem_init(&below, &child, 0); /* its charges pass through the child */
    for (int round = 0; round < 200000; round++) {
        seed          = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned slot = (unsigned)(seed >> 33) % MOST;
        qn_mem  *mem  = slot % 2 ? &below : &child;
        if (sizes[slot]) {
            qn_mem_release(mem, sizes[slot]);
            used -= sizes[slot];
            sizes[slot] = 0;
        } else {
            uint64_t bytes = 1 + (seed >> 13) % ((seed >> 8) % 8 ? 300 : 9000);
            if (qn_mem_charge(mem, bytes)) {
                sizes[slot] = bytes;
                used += bytes;
            } else {
                assert_true(used + bytes > LIMIT - 2 * STEP);
                refused++;
            }
        }
        assert_int_equal(child.used_bytes, used);
        assert_true(child.held_bytes >= used && child.held_bytes < used + 2 * STEP);
        assert_int_equal(middle.used_bytes, child.held_bytes);
        assert_int_equal(root.used_bytes, child.held_bytes);
    }
    assert_true(refused > 100);
    for (unsigned slot = 0; slot < MOST; slot++)
        qn_mem_release(slot % 2 ? &below : &child, sizes[slot]);
    qn_mem_deinit(&below);
    qn_mem_deinit(&child);
    assert_int_equal(root.used_bytes, 0);
    qn_mem_deinit(&middle);
    qn_mem_deinit(&root);
}

/* What one execution gives back serves the next, whatever sizes it wants: no new memory, hence no page faults. */
static void memory_given_back_serves_again(void **state)
{
    (void)state;
    enum { ROUNDS = 4, PIECES = 3000 };
    static void *pieces[PIECES];
    qn_mem       mem;
    long         faults[ROUNDS];
    if (RECYCLE_SANITIZED)
        skip();
    qn_mem_init(&mem, NULL, 0);
    qn_mem_trim(0);
    assert_int_equal(recycle_waiting(), 0);
    for (int round = 0; round < ROUNDS; round++) {
        size_t        bytes = round % 2 ? 40000 : 20000; /* areas are cut anew */
        int           count = round % 2 ? PIECES / 2 : PIECES;
        struct rusage before, after;
        getrusage(RUSAGE_SELF, &before);
        for (int i = 0; i < count; i++) {
            pieces[i] = qn_alloc(&mem, bytes);
            assert_non_null(pieces[i]);
            memset(pieces[i], i, bytes);
        }
        for (int i = 0; i < count; i++)
            for (size_t k = 0; k < bytes; k += 999)
                assert_int_equal(((unsigned char *)pieces[i])[k], (unsigned char)i);
        getrusage(RUSAGE_SELF, &after);
        faults[round] = after.ru_minflt - before.ru_minflt;
        for (int i = 0; i < count; i++)
            qn_free(&mem, pieces[(i * 7 + 3) % count], bytes);
        assert_true(recycle_waiting() >= (uint64_t)count * bytes);
    }
    assert_true(faults[0] > 1000);
    for (int round = 1; round < ROUNDS; round++)
        assert_true(faults[round] < faults[0] / 10);
    qn_mem_trim(10 << 20);
    assert_in_range(recycle_waiting(), 1, 10 << 20);
    qn_mem_trim(0);
    qn_mem_deinit(&mem);
}

/* What waits counts against a limit: a quarter of it may wait, and less when what is in use leaves less. */
static void waiting_memory_respects_the_limit(void **state)
{
    (void)state;
    enum { MB = 1 << 20 };
    qn_mem mem;
    if (RECYCLE_SANITIZED)
        skip();
    qn_mem_trim(0);
    qn_mem_init(&mem, NULL, 64 * MB);
    void *small[60];
    for (int i = 0; i < 60; i++)
        small[i] = qn_alloc(&mem, MB - 64);
    for (int i = 0; i < 60; i++)
        qn_free(&mem, small[i], MB - 64);
    assert_in_range(recycle_waiting(), 1, 16 * MB);
    void *most = qn_alloc(&mem, 58 * MB); /* fresh: of what waits only 6 MB may stay */
    assert_non_null(most);
    assert_in_range(recycle_waiting(), 0, 6 * MB);
    qn_free(&mem, most, 58 * MB); /* more than half of what may wait: not kept */
    assert_in_range(recycle_waiting(), 0, 16 * MB);
    qn_mem_trim(0);
    qn_mem_deinit(&mem);
}

/* Pieces change hands between threads. */
enum { HANDS = 4, PER_HAND = 200 };
static void *passed[HANDS][PER_HAND];

static void *fill_a_hand(void *arg)
{
    qn_mem *mem = arg;
    static _Atomic unsigned next;
    unsigned mine = atomic_fetch_add(&next, 1) % HANDS;
    for (int round = 0; round < 50; round++)
        for (int i = 0; i < PER_HAND; i++) {
            size_t bytes = 4096 + (size_t)i * 333;
            if (passed[mine][i]) {
                assert_int_equal(*(unsigned *)passed[mine][i], mine);
                qn_free(mem, passed[mine][i], bytes);
            }
            passed[mine][i] = qn_alloc(mem, bytes);
            *(unsigned *)passed[mine][i] = mine;
        }
    return NULL;
}

static void pieces_change_hands(void **state)
{
    (void)state;
    qn_mem    mem;
    pthread_t threads[HANDS];
    qn_mem_init(&mem, NULL, 0);
    for (int round = 0; round < 2; round++) { /* threads of the second round free what those of the first took */
        for (int h = 0; h < HANDS; h++)
            assert_int_equal(pthread_create(&threads[h], NULL, fill_a_hand, &mem), 0);
        for (int h = 0; h < HANDS; h++)
            pthread_join(threads[h], NULL);
    }
    for (int h = 0; h < HANDS; h++)
        for (int i = 0; i < PER_HAND; i++)
            qn_free(&mem, passed[h][i], 4096 + (size_t)i * 333);
    qn_mem_deinit(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_counted_up_to_the_root),
        cmocka_unit_test(a_limit_holds_for_children_too),
        cmocka_unit_test(the_nth_request_fails_on_demand),
        cmocka_unit_test(memory_is_aligned_and_cleared),
        cmocka_unit_test(steps_add_up),
        cmocka_unit_test(realloc_keeps_what_fits),
        cmocka_unit_test(memory_given_back_serves_again),
        cmocka_unit_test(waiting_memory_respects_the_limit),
        cmocka_unit_test(pieces_change_hands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
