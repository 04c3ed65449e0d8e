/* Topologies: what the machine says, and what tests make up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sched.h>

#include "os/topology.h"

static void the_machine_is_described_in_order(void **state)
{
    (void)state;
    qn_mem      mem;
    qn_topology t;
    cpu_set_t   allowed;
    qn_mem_init(&mem, NULL, 0);
    assert_int_equal(qn_topology_detect(&mem, &t, NULL), QN_OK);
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    assert_int_equal(t.cpu_count, CPU_COUNT(&allowed)); /* only where we may run */
    assert_true(t.node_count >= 1 && t.core_count >= 1 && t.core_count <= t.cpu_count);
    assert_false(t.synthetic);
    assert_true(t.memory_bytes > 0);
    for (uint32_t i = 0; i < t.cpu_count; i++) {
        assert_true(t.cpus[i].node < t.node_count && t.cpus[i].core < t.core_count);
        assert_true(i == 0 || t.cpus[i - 1].node <= t.cpus[i].node);
        for (uint32_t j = 0; j < i; j++)
            assert_int_not_equal(t.cpus[i].os_index, t.cpus[j].os_index);
    }
    assert_true(qn_topology_pin(&t, t.cpu_count - 1));
    assert_int_equal(sched_getcpu(), t.cpus[t.cpu_count - 1].os_index);
    assert_false(qn_topology_pin(&t, t.cpu_count));
    assert_int_equal(sched_setaffinity(0, sizeof allowed, &allowed), 0);
    qn_topology_deinit(&mem, &t);
    assert_int_equal(mem.used_bytes, 0);
}

static void any_machine_can_be_made_up(void **state)
{
    (void)state;
    qn_mem      mem;
    qn_topology t;
    qn_error    err = {0};
    qn_mem_init(&mem, NULL, 0);
    assert_int_equal(qn_topology_synthetic(&mem, 2, 8, &t, NULL), QN_OK);
    assert_int_equal(t.node_count, 2);
    assert_int_equal(t.cpu_count, 16);
    assert_int_equal(t.cpus[7].node, 0);
    assert_int_equal(t.cpus[8].node, 1);
    assert_false(qn_topology_pin(&t, 0)); /* nothing to pin to */
    qn_topology_deinit(&mem, &t);
    assert_int_equal(qn_topology_synthetic(&mem, 0, 8, &t, &err), QN_ERROR);
    qn_topology_deinit(&mem, &t);
    atomic_store(&mem.fail_persist, true);
    atomic_store(&mem.fail_at, 1);
    assert_int_equal(qn_topology_synthetic(&mem, 2, 8, &t, NULL), QN_NOMEM);
    assert_int_equal(qn_topology_detect(&mem, &t, NULL), QN_NOMEM);
    qn_topology_deinit(&mem, &t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_is_described_in_order),
        cmocka_unit_test(any_machine_can_be_made_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
