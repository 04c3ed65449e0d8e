/* Topology through hwloc (Broquedis et al., "hwloc: a Generic Framework for Managing Hardware
 * Affinities in HPC Applications", 2010), reduced to an array.
 *
 * hwloc's objects are read once and thrown away; pinning goes to the system directly.  Processors
 * outside the affinity mask of the process are left out, so that a run under taskset or in a container
 * has as many workers as it may use. */
#include "os/topology.h"

#include <hwloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"

static qn_status topology_alloc(qn_mem *mem, uint32_t cpus, qn_topology *topology, qn_error *err)
{
    *topology = (qn_topology){.cpu_count = cpus};
    topology->cpus = qn_alloc0(mem, qn_mul(cpus, sizeof *topology->cpus));
    return topology->cpus ? QN_OK : qn_nomem(err);
}

/* Rank of a hardware thread among its core's, stored here while sorting. */
typedef struct ranked {
    qn_cpu   cpu;
    uint32_t rank;
} ranked;

static int compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->cpu.node != y->cpu.node)
        return x->cpu.node < y->cpu.node ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->cpu.core != y->cpu.core)
        return x->cpu.core < y->cpu.core ? -1 : 1;
    return (x->cpu.os_index > y->cpu.os_index) - (x->cpu.os_index < y->cpu.os_index);
}

/* The smaller of physical memory and the limit of our control group, if one is readable. */
static uint64_t machine_memory(void)
{
    long     pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    static const char *const limits[] = {"/sys/fs/cgroup/memory.max",
                                         "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    for (size_t i = 0; i < QN_COUNTOF(limits); i++) {
        FILE              *file = fopen(limits[i], "re");
        unsigned long long limit;
        if (!file)
            continue;
        if (fscanf(file, "%llu", &limit) == 1 && limit > 0 && (bytes == 0 || limit < bytes))
            bytes = limit;
        fclose(file);
    }
    return bytes;
}

/* Without hwloc's help: every processor a core of its own. */
static qn_status flat_topology(qn_mem *mem, const cpu_set_t *allowed, qn_topology *topology, qn_error *err)
{
    int       count = CPU_COUNT(allowed);
    qn_status st    = topology_alloc(mem, count > 0 ? (uint32_t)count : 1, topology, err);
    if (st != QN_OK)
        return st;
    uint32_t n = 0;
    for (int i = 0; i < CPU_SETSIZE && n < topology->cpu_count; i++) {
        if (CPU_ISSET(i, allowed) || count == 0) {
            topology->cpus[n] = (qn_cpu){0, n, count ? i : -1};
            n++;
        }
    }
    topology->node_count   = 1;
    topology->core_count   = n;
    topology->memory_bytes = machine_memory();
    return QN_OK;
}

static uint64_t last_level_cache(hwloc_topology_t machine)
{
    uint64_t bytes = 0;
    for (hwloc_obj_t o = hwloc_get_obj_by_type(machine, HWLOC_OBJ_PU, 0); o; o = o->parent) {
        if (hwloc_obj_type_is_dcache(o->type) && o->attr->cache.size > bytes)
            bytes = o->attr->cache.size;
    }
    return bytes;
}

/* Describe hardware thread `pu`; false when we may not run there. */
static bool describe(hwloc_topology_t machine, hwloc_obj_t pu, const cpu_set_t *allowed, ranked *out)
{
    if (pu->os_index >= CPU_SETSIZE || !CPU_ISSET(pu->os_index, allowed))
        return false;
    hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(machine, HWLOC_OBJ_CORE, pu);
    hwloc_obj_t node = NULL;
    while ((node = hwloc_get_next_obj_by_type(machine, HWLOC_OBJ_NUMANODE, node)) != NULL) {
        if (hwloc_bitmap_isset(node->cpuset, pu->os_index))
            break;
    }
    out->cpu.node     = node ? node->logical_index : 0;
    out->cpu.core     = core ? core->logical_index : pu->logical_index;
    out->cpu.os_index = (int32_t)pu->os_index;
    out->rank         = 0;
    return true;
}

/* Number the nodes and cores that occur 0, 1, 2, …; entries are sorted by node. */
static void renumber(qn_topology *topology, ranked *entries, uint32_t count)
{
    uint32_t cores = 0, nodes = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool same_node = i > 0 && entries[i].cpu.node == entries[i - 1].cpu.node;
        nodes += !same_node;
        topology->cpus[i]      = entries[i].cpu;
        topology->cpus[i].node = nodes - 1;
        uint32_t twin = 0;
        while (twin < i && entries[twin].cpu.core != entries[i].cpu.core)
            twin++;
        topology->cpus[i].core = twin < i ? topology->cpus[twin].core : cores++;
    }
    topology->node_count = nodes;
    topology->core_count = cores;
}

static qn_status read_machine(qn_mem *mem, hwloc_topology_t machine, const cpu_set_t *allowed,
                              qn_topology *topology, qn_error *err)
{
    int found = hwloc_get_nbobjs_by_type(machine, HWLOC_OBJ_PU);
    if (found <= 0)
        return flat_topology(mem, allowed, topology, err);
    size_t  bytes   = qn_mul((size_t)found, sizeof(ranked));
    ranked *entries = qn_alloc(mem, bytes);
    if (!entries)
        return qn_nomem(err);
    uint32_t count = 0;
    for (int i = 0; i < found; i++) {
        hwloc_obj_t pu = hwloc_get_obj_by_type(machine, HWLOC_OBJ_PU, (unsigned)i);
        if (!describe(machine, pu, allowed, &entries[count]))
            continue;
        for (uint32_t j = 0; j < count; j++)
            entries[count].rank += entries[j].cpu.core == entries[count].cpu.core;
        count++;
    }
    qn_status st;
    if (count == 0) {
        st = flat_topology(mem, allowed, topology, err);
    } else {
        qsort(entries, count, sizeof *entries, compare_ranked);
        st = topology_alloc(mem, count, topology, err);
        if (st == QN_OK) {
            renumber(topology, entries, count);
            topology->cache_bytes  = last_level_cache(machine);
            topology->memory_bytes = machine_memory();
        }
    }
    qn_free(mem, entries, bytes);
    return st;
}

qn_status qn_topology_detect(qn_mem *mem, qn_topology *topology, qn_error *err)
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        CPU_ZERO(&allowed);
    hwloc_topology_t machine;
    if (CPU_COUNT(&allowed) == 0 || hwloc_topology_init(&machine) != 0)
        return flat_topology(mem, &allowed, topology, err);
    qn_status st = hwloc_topology_load(machine) == 0 ? read_machine(mem, machine, &allowed, topology, err)
                                                     : flat_topology(mem, &allowed, topology, err);
    hwloc_topology_destroy(machine);
    return st;
}

qn_status qn_topology_synthetic(qn_mem *mem, uint32_t nodes, uint32_t cores_per_node,
                                qn_topology *topology, qn_error *err)
{
    if (nodes == 0 || cores_per_node == 0 || nodes > 1024 || cores_per_node > 1024) {
        *topology = (qn_topology){0};
        return qn_fail(err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, "invalid topology: %u nodes, %u cores each",
                       nodes, cores_per_node);
    }
    qn_status st = topology_alloc(mem, nodes * cores_per_node, topology, err);
    if (st != QN_OK)
        return st;
    for (uint32_t i = 0; i < topology->cpu_count; i++)
        topology->cpus[i] = (qn_cpu){i / cores_per_node, i, -1};
    topology->node_count   = nodes;
    topology->core_count   = topology->cpu_count;
    topology->synthetic    = true;
    topology->memory_bytes = machine_memory();
    return QN_OK;
}

void qn_topology_deinit(qn_mem *mem, qn_topology *topology)
{
    qn_free(mem, topology->cpus, qn_mul(topology->cpu_count, sizeof *topology->cpus));
    *topology = (qn_topology){0};
}

bool qn_topology_pin(const qn_topology *topology, uint32_t index)
{
    if (index >= topology->cpu_count || topology->cpus[index].os_index < 0)
        return false;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)topology->cpus[index].os_index, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0;
}
