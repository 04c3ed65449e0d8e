/* Arenas: reuse after reset, marks, hooks, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"

static void pieces_are_separate_and_aligned(void **state)
{
    (void)state;
    qn_mem   mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    char *pieces[500];
    for (size_t i = 0; i < 500; i++) {
        pieces[i] = qn_arena_alloc(&arena, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, i);
    }
    for (size_t i = 0; i < 500; i++) {
        for (size_t j = 0; j < i; j++)
            assert_int_equal((unsigned char)pieces[i][j], (unsigned char)i);
    }
    assert_string_equal(qn_arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    assert_string_equal(qn_arena_strdup(&arena, "abc"), "abc");
    assert_string_equal(qn_arena_strndup(&arena, "abcdef", 2), "ab");
    int  old[] = {1, 2, 3};
    int *wide  = qn_arena_grow(&arena, old, 3, 10, sizeof *old);
    assert_memory_equal(wide, old, sizeof old);
    assert_null(qn_arena_alloc(&arena, SIZE_MAX));
    assert_null(qn_arena_array(&arena, int, SIZE_MAX / 2));
    qn_arena_deinit(&arena);
    assert_int_equal(mem.used_bytes, 0);
}

/* The same work after a reset takes no new memory. */
static void a_reset_arena_reuses_its_chunks(void **state)
{
    (void)state;
    qn_mem   mem;
    qn_arena arena;
    uint64_t requests = 0;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 300; i++)
            assert_non_null(qn_arena_alloc0(&arena, (size_t)(i * 37 % 5000)));
        assert_non_null(qn_arena_alloc0(&arena, 3 << 20)); /* larger than any ordinary chunk */
        if (round == 1)
            requests = mem.requests;
        if (round > 1)
            assert_int_equal(mem.requests, requests);
        qn_arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
    }
    qn_arena_deinit(&arena);
    assert_int_equal(mem.used_bytes, 0);
}

static void rewinding_gives_back_what_came_after_the_mark(void **state)
{
    (void)state;
    qn_mem   mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    qn_arena_mark empty = qn_arena_save(&arena); /* before there is any chunk */
    char         *kept  = qn_arena_strdup(&arena, "kept");
    qn_arena_mark mark  = qn_arena_save(&arena);
    void         *first = qn_arena_alloc(&arena, 100);
    for (int i = 0; i < 100; i++)
        assert_non_null(qn_arena_alloc(&arena, 1000));
    qn_arena_rewind(&arena, mark);
    assert_ptr_equal(qn_arena_alloc(&arena, 100), first);
    assert_string_equal(kept, "kept");
    qn_arena_rewind(&arena, empty);
    assert_int_equal(arena.used_bytes, 0);
    assert_ptr_equal(qn_arena_alloc(&arena, 5), (void *)kept);
    qn_arena_deinit(&arena);
    assert_int_equal(mem.used_bytes, 0);
}

static char order[8];

static void note(void *arg)
{
    strcat(order, arg);
}

static void hooks_run_backwards_and_survive_rewinding(void **state)
{
    (void)state;
    qn_mem   mem;
    qn_arena arena;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    qn_arena_mark mark = qn_arena_save(&arena);
    assert_int_equal(qn_arena_defer(&arena, note, "a", NULL), QN_OK);
    assert_int_equal(qn_arena_defer(&arena, note, "b", NULL), QN_OK);
    qn_arena_rewind(&arena, mark);
    assert_string_equal(order, "");
    qn_arena_reset(&arena);
    assert_string_equal(order, "ba");
    atomic_store(&mem.fail_at, mem.requests + 1);
    assert_int_equal(qn_arena_defer(&arena, note, "c", NULL), QN_NOMEM);
    qn_arena_deinit(&arena);
    assert_string_equal(order, "ba"); /* each once, the refused one never */
    assert_int_equal(mem.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_separate_and_aligned),
        cmocka_unit_test(a_reset_arena_reuses_its_chunks),
        cmocka_unit_test(rewinding_gives_back_what_came_after_the_mark),
        cmocka_unit_test(hooks_run_backwards_and_survive_rewinding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
