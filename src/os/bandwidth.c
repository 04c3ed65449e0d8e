/* Reading memory as fast as it goes, by several threads at once.
 *
 * Every thread writes its part first, so that the pages exist and lie near it, then reads it ROUNDS times.  The
 * rounds begin together (a barrier of one counter): what counts is the time from the first start to the last end
 * of a round, as for a query.  The sum that is read is kept, or the compiler would not read. */
#include "os/bandwidth.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include "base/thread.h"

#define LEAST_BYTES ((size_t)256 << 20)
#define MOST_THREADS 1024u
#define ROUNDS 16

typedef struct reading {
    const qn_topology *topology;
    qn_clock           clock;
    uint32_t           threads;
    _Atomic uint32_t   arrived; /* every thread adds one before each round and one behind it */
} reading;

typedef struct part {
    reading         *all;
    uint32_t         index;
    uint64_t        *words;
    size_t           count; /* a multiple of 8 */
    uint64_t         sum;
    uint64_t         begin_ns[ROUNDS], end_ns[ROUNDS];
    qn_thread        thread;
    bool             started;
} part;

static uint64_t read_words(const uint64_t *words, size_t count)
{
    uint64_t sums[8] = {0};
    for (size_t i = 0; i < count; i += 8)
        for (size_t j = 0; j < 8; j++)
            sums[j] += words[i + j];
    return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

static void wait_for_all(reading *all, uint32_t step)
{
    atomic_fetch_add(&all->arrived, 1);
    while (atomic_load(&all->arrived) < all->threads * step)
        sched_yield();
}

static void read_part(void *arg)
{
    part    *p = arg;
    reading *all = p->all;
    qn_topology_pin(all->topology, p->index % all->topology->cpu_count);
    for (size_t i = 0; i < p->count; i++)
        p->words[i] = i;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        wait_for_all(all, round + 1);
        p->begin_ns[round] = all->clock.monotonic_ns(all->clock.self);
        p->sum += read_words(p->words, p->count);
        p->end_ns[round] = all->clock.monotonic_ns(all->clock.self);
    }
}

static double best_round(const part *parts, uint32_t threads, size_t bytes)
{
    double best = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t begin = UINT64_MAX, end = 0;
        for (uint32_t i = 0; i < threads; i++) {
            begin = parts[i].begin_ns[round] < begin ? parts[i].begin_ns[round] : begin;
            end = parts[i].end_ns[round] > end ? parts[i].end_ns[round] : end;
        }
        double rate = end > begin ? (double)bytes / (double)(end - begin) : 0;
        best = rate > best ? rate : best;
    }
    return best;
}

qn_status qn_bandwidth_read(qn_env *env, const qn_topology *topology, uint32_t threads, double *bytes_per_ns,
                            qn_error *err)
{
    qn_status st = QN_OK;
    reading   all = {.topology = topology, .clock = env->clock};
    part     *parts = NULL;
    uint64_t *words = NULL;
    size_t    bytes = topology->cache_bytes > LEAST_BYTES / 4 ? (size_t)topology->cache_bytes * 4 : LEAST_BYTES;

    threads = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
    size_t each = bytes / threads / 64 * 8; /* words */
    bytes = each * 8 * threads;
    *bytes_per_ns = 0;
    QN_ALLOC(err, parts = qn_alloc0(env->mem, sizeof *parts * threads));
    QN_ALLOC(err, words = qn_alloc(env->mem, bytes));
    all.threads = threads;
    for (uint32_t i = 0; i < threads; i++)
        parts[i] = (part){.all = &all, .index = i, .words = words + each * i, .count = each};
    for (uint32_t i = 0; i < threads && st == QN_OK; i++) {
        st = qn_thread_start(&parts[i].thread, 0, read_part, &parts[i], err);
        parts[i].started = st == QN_OK;
    }
    if (st != QN_OK) /* those that started wait for the others: arrive in the name of all who did not */
        atomic_store(&all.arrived, UINT32_MAX / 2);
    for (uint32_t i = 0; i < threads; i++)
        if (parts[i].started)
            qn_thread_join(parts[i].thread);
    QN_TRY(st);
    *bytes_per_ns = best_round(parts, threads, bytes);
done:
    qn_free(env->mem, words, bytes);
    qn_free(env->mem, parts, sizeof *parts * threads);
    return st;
}
