/* The one allocation door.
 *
 * A qn_mem counts the bytes taken through it, refuses beyond its limit, and can be told to fail the
 * n-th request, once or from there on.  Children account into their parent, so a database has one
 * limit and a query its own share.  Frees are sized: no headers, and a wrong size is an assertion.
 *
 * Invariants
 *   - used_bytes of a parent >= sum over its children.
 *   - A failed request leaves nothing taken and sets no error: the caller returns qn_nomem(err).
 * Counters are atomic; a qn_mem may be shared by threads. */
#ifndef QN_BASE_ALLOC_H
#define QN_BASE_ALLOC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

typedef struct qn_mem {
    struct qn_mem   *parent;
    _Atomic uint64_t used_bytes;
    _Atomic uint64_t peak_bytes;
    _Atomic uint64_t limit_bytes; /* 0: none */
    _Atomic uint64_t requests;    /* how many so far: what fault plans count */
    _Atomic uint64_t fail_at;     /* fail request number n (from 1); 0: never */
    _Atomic bool     fail_persist;/* also every later one */
    uint64_t         quota_step;  /* not 0: bytes are taken from the parent in such steps; see qn_mem_init_quota */
    _Atomic uint64_t held_bytes;  /* with quota_step: what the parent has charged */
} qn_mem;

void qn_mem_init(qn_mem *mem, qn_mem *parent, uint64_t limit_bytes);
/* A child for one thread at a time that makes many small requests: it takes from its parent in steps of step_bytes
 * and counts requests there only while a fault plan is armed above it, so threads do not meet in the parent's
 * counters.  Deinit gives back what it holds. */
void qn_mem_init_quota(qn_mem *mem, qn_mem *parent, uint64_t step_bytes);
/* Checks in debug builds that everything was given back. */
void qn_mem_deinit(qn_mem *mem);

/* Memory is aligned to 16 bytes (64 from 4 KiB up).  bytes 0 gives NULL only on failure.  qn_alloc0 clears. */
void *qn_alloc(qn_mem *mem, size_t bytes);
void *qn_alloc0(qn_mem *mem, size_t bytes);
void *qn_realloc(qn_mem *mem, void *p, size_t old_bytes, size_t new_bytes);
void  qn_free(qn_mem *mem, void *p, size_t bytes);
char *qn_mem_strdup(qn_mem *mem, const char *s); /* free with strlen + 1 */

/* Account for memory obtained elsewhere (maps, libraries).  False when over the limit. */
bool qn_mem_charge(qn_mem *mem, uint64_t bytes);
void qn_mem_release(qn_mem *mem, uint64_t bytes);

/* The account from mem up that has the strictest limit, or NULL when none has one. */
const qn_mem *qn_mem_limiter(const qn_mem *mem);

/* Memory given back waits for the next request (recycle.c): give it to the system until at most keep_bytes wait. */
void qn_mem_trim(uint64_t keep_bytes);

/* Overflow-safe product, SIZE_MAX when it does not fit (which every allocation then refuses). */
static inline size_t qn_mul(size_t a, size_t b)
{
    size_t r;
    return __builtin_mul_overflow(a, b, &r) ? SIZE_MAX : r;
}

#endif
