/* Numbers for identities: the same for everybody, made once, by any number of threads at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vm/id_map.h"

static qn_hash128 identity(uint64_t i) { return (qn_hash128){qn_mix64(i), qn_mix64(i + (1ull << 40))}; }

static void an_identity_keeps_its_number(void **state)
{
    (void)state;
    qn_mem   mem;
    id_map   m;
    bool     fresh;
    qn_mem_init(&mem, NULL, 0);
    assert_true(id_map_init(&m, &mem, 100, 10));
    uint32_t a = id_map_find(&m, identity(1), &fresh);
    assert_true(fresh);
    uint32_t b = id_map_find(&m, identity(2), &fresh);
    assert_true(fresh);
    assert_int_not_equal(a, b);
    assert_int_equal(id_map_find(&m, identity(1), &fresh), a);
    assert_false(fresh);
    id_map_deinit(&m);
    assert_int_equal(mem.used_bytes, 0);
    qn_mem_deinit(&mem);
}

/* Same place in the table and same tag, yet other identities: all 128 bits are compared. */
static void a_shared_slot_is_no_shared_number(void **state)
{
    (void)state;
    qn_mem     mem;
    id_map     m;
    bool       fresh;
    qn_hash128 x = {5, 7ull << 32}, y = {5 + (1ull << 50), 7ull << 32}, z = {5, (7ull << 32) + 1};
    qn_mem_init(&mem, NULL, 0);
    assert_true(id_map_init(&m, &mem, 100, 10));
    uint32_t a = id_map_find(&m, x, &fresh), b = id_map_find(&m, y, &fresh), c = id_map_find(&m, z, &fresh);
    assert_true(a != b && b != c && a != c);
    assert_int_equal(id_map_find(&m, y, &fresh), b);
    id_map_deinit(&m);
    qn_mem_deinit(&mem);
}

/* Looking ahead while somebody is making the number: there is no identity to fetch yet. */
static void looking_ahead_at_a_number_being_made(void **state)
{
    (void)state;
    qn_mem     mem;
    id_map     m;
    qn_hash128 x = identity(1);
    qn_mem_init(&mem, NULL, 0);
    assert_true(id_map_init(&m, &mem, 100, 100));
    id_table *t = atomic_load(&m.shards[0].table);
    atomic_store(&t->slots[x.lo & t->mask], (x.hi & 0xffffffff00000000ull) | ID_BUSY);
    id_map_prefetch(&m, x);
    id_map_prefetch_more(&m, x);
    atomic_store(&t->slots[x.lo & t->mask], 0);
    id_map_deinit(&m);
    qn_mem_deinit(&mem);
}

static void more_than_was_announced_is_refused(void **state)
{
    (void)state;
    qn_mem   mem;
    id_map   m;
    bool     fresh;
    qn_mem_init(&mem, NULL, 0);
    assert_true(id_map_init(&m, &mem, 3, 1)); /* whole chunks of 4096 */
    for (uint64_t i = 0; i < ID_CHUNK; i++)
        assert_int_not_equal(id_map_find(&m, identity(i), &fresh), ID_NONE);
    assert_int_equal(id_map_find(&m, identity(ID_CHUNK), &fresh), ID_NONE);
    assert_int_not_equal(id_map_find(&m, identity(2), &fresh), ID_NONE);
    id_map_deinit(&m);
    qn_mem_deinit(&mem);
}

enum { THREADS = 4, VALUES = 20000 };

typedef struct asker {
    id_map   *map;
    uint64_t  start;
    uint32_t *ids, made;
} asker;

static void *ask(void *arg)
{
    asker   *a = arg;
    bool     fresh;
    for (uint64_t i = 0; i < VALUES; i++) {
        uint64_t v = (a->start + i) % VALUES; /* each begins elsewhere: they meet half-way */
        a->ids[v] = id_map_find(a->map, identity(v), &fresh);
        a->made += fresh;
    }
    return NULL;
}

static void meet(uint64_t expected)
{
    qn_mem    mem;
    id_map    m;
    pthread_t threads[THREADS];
    asker     askers[THREADS];
    uint32_t  made = 0;
    qn_mem_init(&mem, NULL, 0);
    assert_true(id_map_init(&m, &mem, VALUES, expected));
    for (int t = 0; t < THREADS; t++) {
        askers[t] = (asker){&m, (uint64_t)t * VALUES / THREADS, calloc(VALUES, sizeof(uint32_t)), 0};
        assert_int_equal(pthread_create(&threads[t], NULL, ask, &askers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        made += askers[t].made;
    }
    assert_int_equal(made, VALUES); /* each number was made by one of them */
    for (int t = 1; t < THREADS; t++)
        assert_memory_equal(askers[t].ids, askers[0].ids, VALUES * sizeof(uint32_t));
    for (int t = 0; t < THREADS; t++)
        free(askers[t].ids);
    id_map_deinit(&m);
    assert_int_equal(mem.used_bytes, 0);
    qn_mem_deinit(&mem);
}

/* Tables that grow under their latch while others read, and tables with room for all, where nobody waits. */
static void threads_agree(void **state)
{
    (void)state;
    meet(100);
    meet(VALUES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identity_keeps_its_number),
        cmocka_unit_test(a_shared_slot_is_no_shared_number),
        cmocka_unit_test(looking_ahead_at_a_number_being_made),
        cmocka_unit_test(more_than_was_announced_is_refused),
        cmocka_unit_test(threads_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
