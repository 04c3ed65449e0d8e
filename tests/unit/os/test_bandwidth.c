/* Reading memory: a rate comes out, by any number of threads, and refused memory is said and leaves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "os/bandwidth.h"

static void a_rate_comes_out(void **state)
{
    (void)state;
    qn_mem      mem;
    qn_env      env = {.mem = &mem, .clock = qn_clock_system()};
    qn_topology t;
    qn_mem_init(&mem, NULL, 0);
    assert_int_equal(qn_topology_synthetic(&mem, 1, 2, &t, NULL), QN_OK);
    for (uint32_t threads = 0; threads <= 3; threads++) { /* none counts as one; more than there are processors is allowed */
        double rate = 0;
        assert_int_equal(qn_bandwidth_read(&env, &t, threads, &rate, NULL), QN_OK);
        assert_true(rate > 0);
    }
    qn_topology_deinit(&mem, &t);
    assert_int_equal(mem.used_bytes, 0);
}

static void refused_memory_is_said(void **state)
{
    (void)state;
    qn_mem      mem;
    qn_env      env = {.mem = &mem, .clock = qn_clock_system()};
    qn_topology t;
    qn_mem_init(&mem, NULL, 0);
    assert_int_equal(qn_topology_synthetic(&mem, 1, 2, &t, NULL), QN_OK);
    for (int n = 1; n <= 2; n++) {
        double   rate = 1;
        qn_error err = {.status = QN_OK};
        atomic_store(&mem.fail_at, atomic_load(&mem.requests) + (uint64_t)n);
        assert_int_equal(qn_bandwidth_read(&env, &t, 2, &rate, &err), QN_NOMEM);
        assert_string_equal(err.sqlstate, "53200");
        assert_true(rate == 0);
    }
    atomic_store(&mem.fail_at, 0);
    qn_topology_deinit(&mem, &t);
    assert_int_equal(mem.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_comes_out),
        cmocka_unit_test(refused_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
