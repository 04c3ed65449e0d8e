/* How fast this machine reads memory: one line "THREADS<tab>GB/s" for one thread and for all.
 *
 *     bench_bandwidth [THREADS]...       other numbers of threads
 *
 * bench/compare.py divides the bytes that a query touches by this. */
#include <stdio.h>
#include <stdlib.h>

#include "os/bandwidth.h"

static qn_status print(qn_env *env, const qn_topology *topology, uint32_t threads, qn_error *err)
{
    double    rate;
    qn_status st = qn_bandwidth_read(env, topology, threads, &rate, err);
    if (st == QN_OK)
        printf("%u\t%.2f\n", threads, rate);
    return st;
}

int main(int argc, char **argv)
{
    qn_mem      mem;
    qn_env      env = {.mem = &mem, .clock = qn_clock_system()};
    qn_topology topology;
    qn_error    err = {.status = QN_OK};
    qn_status   st;

    qn_mem_init(&mem, NULL, 0);
    st = qn_topology_detect(&mem, &topology, &err);
    for (int i = 1; i < argc && st == QN_OK; i++)
        st = print(&env, &topology, (uint32_t)atoi(argv[i]), &err);
    if (argc == 1 && st == QN_OK)
        st = print(&env, &topology, 1, &err);
    if (argc == 1 && st == QN_OK && topology.cpu_count > 1)
        st = print(&env, &topology, topology.cpu_count, &err);
    if (st != QN_OK)
        fprintf(stderr, "bench_bandwidth: %s\n", err.message);
    qn_topology_deinit(&mem, &topology);
    qn_mem_deinit(&mem);
    return st == QN_OK ? 0 : 1;
}
