/* Latches, conditions and threads over pthreads.
 *
 * A latch remembers its holder so that code which needs it can assert that it is held.  The field is
 * written only by the holder; another thread that reads it sees some other value than its own id,
 * whatever the order, so relaxed accesses are enough.
 *
 * Threads of the engine block the signals a program handles (SIGINT, SIGTERM, …): those belong to the
 * program's own threads.  Faults and profiling signals stay deliverable. */
#include "base/thread.h"

#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

void qn_latch_init(qn_latch *latch)
{
    QN_CHECK(pthread_mutex_init(&latch->mutex, NULL) == 0);
    atomic_init(&latch->owner, (pthread_t)0);
}

void qn_latch_deinit(qn_latch *latch)
{
    QN_CHECK(pthread_mutex_destroy(&latch->mutex) == 0);
}

void qn_latch_take(qn_latch *latch) QN_NO_ANALYSIS
{
    QN_CHECK(pthread_mutex_lock(&latch->mutex) == 0);
    atomic_store_explicit(&latch->owner, pthread_self(), memory_order_relaxed);
}

void qn_latch_drop(qn_latch *latch) QN_NO_ANALYSIS
{
    QN_ASSERT(qn_latch_held(latch));
    atomic_store_explicit(&latch->owner, (pthread_t)0, memory_order_relaxed);
    QN_CHECK(pthread_mutex_unlock(&latch->mutex) == 0);
}

bool qn_latch_held(qn_latch *latch)
{
    return atomic_load_explicit(&latch->owner, memory_order_relaxed) == pthread_self();
}

void qn_cond_init(qn_cond *cond)
{
    pthread_condattr_t attr;
    QN_CHECK(pthread_condattr_init(&attr) == 0);
    /* Waits must not end early or late when someone sets the wall clock. */
    QN_CHECK(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    QN_CHECK(pthread_cond_init(&cond->cond, &attr) == 0);
    pthread_condattr_destroy(&attr);
}

void qn_cond_deinit(qn_cond *cond)
{
    QN_CHECK(pthread_cond_destroy(&cond->cond) == 0);
}

void qn_cond_wait(qn_cond *cond, qn_latch *latch)
{
    QN_ASSERT(qn_latch_held(latch));
    atomic_store_explicit(&latch->owner, (pthread_t)0, memory_order_relaxed);
    QN_CHECK(pthread_cond_wait(&cond->cond, &latch->mutex) == 0);
    atomic_store_explicit(&latch->owner, pthread_self(), memory_order_relaxed);
}

bool qn_cond_wait_for(qn_cond *cond, qn_latch *latch, uint64_t timeout_ns)
{
    QN_ASSERT(qn_latch_held(latch));
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + timeout_ns % 1000000000u;
    uint64_t s  = timeout_ns / 1000000000u + ns / 1000000000u;
    until.tv_sec += (time_t)s;
    until.tv_nsec = (long)(ns % 1000000000u);
    atomic_store_explicit(&latch->owner, (pthread_t)0, memory_order_relaxed);
    int rc = pthread_cond_timedwait(&cond->cond, &latch->mutex, &until);
    atomic_store_explicit(&latch->owner, pthread_self(), memory_order_relaxed);
    QN_CHECK(rc == 0 || rc == ETIMEDOUT);
    return rc == 0;
}

void qn_cond_signal(qn_cond *cond)
{
    pthread_cond_signal(&cond->cond);
}

void qn_cond_broadcast(qn_cond *cond)
{
    pthread_cond_broadcast(&cond->cond);
}

/* Handed to the new thread on the starter's stack; the starter waits until it has been read. */
typedef struct start {
    void (*fn)(void *);
    void *arg;
    sem_t taken;
} start;

static void *thread_main(void *arg)
{
    start *given     = arg;
    void (*fn)(void *) = given->fn;
    void *fn_arg     = given->arg;
    sem_post(&given->taken);
    fn(fn_arg);
    return NULL;
}

static void signals_to_block(sigset_t *set)
{
    static const int deliverable[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,
                                      SIGTRAP, SIGABRT, SIGSYS,  SIGPROF};
    sigfillset(set);
    for (size_t i = 0; i < QN_COUNTOF(deliverable); i++)
        sigdelset(set, deliverable[i]);
}

qn_status qn_thread_start(qn_thread *thread, size_t stack_bytes, void (*fn)(void *), void *arg,
                          qn_error *err)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0)
        return qn_nomem(err);
    if (stack_bytes) {
        size_t least = (size_t)PTHREAD_STACK_MIN;
        size_t page  = (size_t)sysconf(_SC_PAGESIZE);
        if (stack_bytes < least)
            stack_bytes = least;
        stack_bytes = (stack_bytes + page - 1) / page * page;
        if (pthread_attr_setstacksize(&attr, stack_bytes) != 0) {
            pthread_attr_destroy(&attr);
            return qn_nomem(err);
        }
    }
    start given = {.fn = fn, .arg = arg};
    QN_CHECK(sem_init(&given.taken, 0, 0) == 0);
    sigset_t blocked, before;
    signals_to_block(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int rc = pthread_create(thread, &attr, thread_main, &given);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc == 0) {
        while (sem_wait(&given.taken) != 0)
            ; /* interrupted by a signal */
    }
    sem_destroy(&given.taken);
    if (rc != 0)
        return qn_fail(err, QN_SQLSTATE_OUT_OF_MEMORY, "could not start a thread: %s", strerror(rc));
    return QN_OK;
}

void qn_thread_join(qn_thread thread)
{
    QN_CHECK(pthread_join(thread, NULL) == 0);
}

qn_status qn_run_on_stack(size_t stack_bytes, void (*fn)(void *), void *arg, qn_error *err)
{
    qn_thread thread;
    qn_status st = qn_thread_start(&thread, stack_bytes, fn, arg, err);
    if (st == QN_OK)
        qn_thread_join(thread);
    return st;
}
