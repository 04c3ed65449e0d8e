/* Threads behind wrappers, annotated for clang's thread safety analysis (-Wthread-safety).
 * A latch is short and protects memory; a lock belongs to a transaction.  The order in which latches
 * may be taken is one list in store/README.md. */
#ifndef QN_BASE_THREAD_H
#define QN_BASE_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/error.h"

#if defined(__clang__)
#define QN_CAPABILITY(x) __attribute__((capability(x)))
#define QN_ACQUIRES(x) __attribute__((acquire_capability(x)))
#define QN_RELEASES(x) __attribute__((release_capability(x)))
#define QN_REQUIRES(x) __attribute__((requires_capability(x)))
#define QN_NO_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define QN_CAPABILITY(x)
#define QN_ACQUIRES(x)
#define QN_RELEASES(x)
#define QN_REQUIRES(x)
#define QN_NO_ANALYSIS
#endif

typedef struct QN_CAPABILITY("latch") qn_latch {
    pthread_mutex_t mutex;
    _Atomic(pthread_t) owner; /* written by the holder; for qn_latch_held in assertions */
} qn_latch;
typedef struct qn_cond {
    pthread_cond_t cond;
} qn_cond;
typedef pthread_t qn_thread;

void qn_latch_init(qn_latch *latch);
void qn_latch_deinit(qn_latch *latch);
void qn_latch_take(qn_latch *latch) QN_ACQUIRES(latch);
void qn_latch_drop(qn_latch *latch) QN_RELEASES(latch);
bool qn_latch_held(qn_latch *latch);

void qn_cond_init(qn_cond *cond);
void qn_cond_deinit(qn_cond *cond);
void qn_cond_wait(qn_cond *cond, qn_latch *latch) QN_REQUIRES(latch);
/* False after timeout_ns without a signal. */
bool qn_cond_wait_for(qn_cond *cond, qn_latch *latch, uint64_t timeout_ns) QN_REQUIRES(latch);
void qn_cond_signal(qn_cond *cond);
void qn_cond_broadcast(qn_cond *cond);

/* stack_bytes 0: the default.  53200 when the system has no thread or stack to give. */
qn_status qn_thread_start(qn_thread *thread, size_t stack_bytes, void (*fn)(void *), void *arg,
                          qn_error *err);
void      qn_thread_join(qn_thread thread);

/* Run fn(arg) to its end on a stack of stack_bytes (a thread of its own), then return. */
qn_status qn_run_on_stack(size_t stack_bytes, void (*fn)(void *), void *arg, qn_error *err);

#endif
