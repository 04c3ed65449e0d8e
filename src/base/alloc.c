/* The allocation door: accounting, limits and planned failures.
 *
 * Small requests go to malloc; from 4 KB up memory is recycled between executions (recycle.c).
 *
 * Invariants
 *   - used_bytes counts what was asked for, not what rounding added.
 *   - Recycled memory that waits is bounded by a quarter of the database's limit, and fresh memory is taken only
 *     when what is in use and what waits fit the limit together.
 *
 * Not here: pools per size.  Code that needs many small pieces uses an arena. */
#include "base/alloc.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/recycle.h"

#define ALIGNED_FROM ((size_t)4096)
#define KEEP_WITHOUT_LIMIT ((uint64_t)1 << 30)

/* ---- raw memory ----------------------------------------------------------------------------- */

const qn_mem *qn_mem_limiter(const qn_mem *mem)
{
    const qn_mem *strictest = NULL;
    uint64_t      least = UINT64_MAX;
    for (; mem; mem = mem->parent) {
        uint64_t limit = atomic_load_explicit(&mem->limit_bytes, memory_order_relaxed);
        if (limit && limit < least) {
            strictest = mem;
            least = limit;
        }
    }
    return strictest;
}

/* How much memory may wait. */
static uint64_t keep_bytes(const qn_mem *mem)
{
    const qn_mem *limiter = qn_mem_limiter(mem);
    return limiter ? atomic_load_explicit(&limiter->limit_bytes, memory_order_relaxed) / 4 : KEEP_WITHOUT_LIMIT;
}

/* What the limit leaves beside the memory in use. */
static uint64_t room_bytes(const qn_mem *mem)
{
    const qn_mem *limiter = qn_mem_limiter(mem);
    if (!limiter)
        return UINT64_MAX;
    uint64_t limit = atomic_load_explicit(&limiter->limit_bytes, memory_order_relaxed);
    uint64_t used = atomic_load_explicit(&limiter->used_bytes, memory_order_relaxed);
    return limit > used ? limit - used : 0;
}

static void *raw_alloc(const qn_mem *mem, size_t bytes, bool clear)
{
    if (bytes > PTRDIFF_MAX)
        return NULL;
    if (recycle_serves(bytes)) {
        bool  is_clear;
        void *p = recycle_take(bytes, room_bytes(mem), &is_clear);
        if (p && clear && !is_clear)
            memset(p, 0, bytes);
        return p;
    }
    if (bytes == 0)
        bytes = 1; /* a pointer of its own, which free accepts */
    if (bytes < ALIGNED_FROM)
        return clear ? calloc(1, bytes) : malloc(bytes);
    void *p;
    if (posix_memalign(&p, 64, bytes) != 0)
        return NULL;
    if (clear)
        memset(p, 0, bytes);
    return p;
}

static void raw_free(const qn_mem *mem, void *p, size_t bytes)
{
    if (recycle_serves(bytes)) {
        recycle_give(p, bytes, keep_bytes(mem));
        return;
    }
    QN_ASSERT(RECYCLE_SANITIZED ? malloc_usable_size(p) == (bytes ? bytes : 1) : malloc_usable_size(p) >= bytes);
    free(p);
}

void qn_mem_trim(uint64_t keep) { recycle_trim(keep); }

/* ---- accounting ----------------------------------------------------------------------------- */

void qn_mem_init(qn_mem *mem, qn_mem *parent, uint64_t limit_bytes)
{
    mem->parent = parent;
    atomic_init(&mem->used_bytes, 0);
    atomic_init(&mem->peak_bytes, 0);
    atomic_init(&mem->limit_bytes, limit_bytes);
    atomic_init(&mem->requests, 0);
    atomic_init(&mem->fail_at, 0);
    atomic_init(&mem->fail_persist, false);
    mem->quota_step = 0;
    atomic_init(&mem->held_bytes, 0);
}

void qn_mem_init_quota(qn_mem *mem, qn_mem *parent, uint64_t step_bytes)
{
    QN_ASSERT(parent && step_bytes);
    qn_mem_init(mem, parent, 0);
    mem->quota_step = step_bytes;
}

static void give_back(qn_mem *mem, const qn_mem *until, uint64_t bytes);

void qn_mem_deinit(qn_mem *mem)
{
    QN_ASSERT(atomic_load_explicit(&mem->used_bytes, memory_order_relaxed) == 0);
    uint64_t held = atomic_exchange_explicit(&mem->held_bytes, 0, memory_order_relaxed);
    if (held)
        give_back(mem->parent, NULL, held);
}

static bool armed(const qn_mem *mem)
{
    for (; mem; mem = mem->parent)
        if (atomic_load_explicit(&mem->fail_at, memory_order_relaxed))
            return true;
    return false;
}

/* Count one request in mem and its parents; false when a planned failure is due. */
static bool count_request(qn_mem *mem)
{
    bool ok = true;
    if (mem->quota_step && !armed(mem))
        return true;
    for (qn_mem *m = mem; m; m = m->parent) {
        uint64_t nth = atomic_fetch_add_explicit(&m->requests, 1, memory_order_relaxed) + 1;
        uint64_t at  = atomic_load_explicit(&m->fail_at, memory_order_relaxed);
        if (QN_UNLIKELY(at != 0) && (nth == at || (nth > at && atomic_load(&m->fail_persist))))
            ok = false;
    }
    return ok;
}

static void give_back(qn_mem *mem, const qn_mem *until, uint64_t bytes)
{
    for (qn_mem *m = mem; m != until; m = m->parent) {
        uint64_t before = atomic_fetch_sub_explicit(&m->used_bytes, bytes, memory_order_relaxed);
        QN_ASSERT(before >= bytes);
        if (m->quota_step) { /* keep up to two steps for the next requests */
            uint64_t held = atomic_load_explicit(&m->held_bytes, memory_order_relaxed);
            uint64_t spare = held - (before - bytes);
            if (spare < 2 * m->quota_step)
                return;
            bytes = spare / m->quota_step * m->quota_step - m->quota_step;
            atomic_store_explicit(&m->held_bytes, held - bytes, memory_order_relaxed);
        }
    }
}

/* Undo the charge of mem … last, whose parent refused. */
static void give_back_used(qn_mem *mem, const qn_mem *last, uint64_t bytes)
{
    for (qn_mem *m = mem; m != last->parent; m = m->parent)
        atomic_fetch_sub_explicit(&m->used_bytes, bytes, memory_order_relaxed);
}

static bool take(qn_mem *mem, uint64_t bytes)
{
    if (bytes > (uint64_t)PTRDIFF_MAX)
        return false;
    for (qn_mem *m = mem; m; m = m->parent) {
        uint64_t now   = atomic_fetch_add_explicit(&m->used_bytes, bytes, memory_order_relaxed) + bytes;
        uint64_t limit = atomic_load_explicit(&m->limit_bytes, memory_order_relaxed);
        if (QN_UNLIKELY(limit != 0 && now > limit)) {
            give_back_used(mem, m, bytes);
            return false;
        }
        uint64_t peak = atomic_load_explicit(&m->peak_bytes, memory_order_relaxed);
        while (now > peak && !atomic_compare_exchange_weak_explicit(&m->peak_bytes, &peak, now,
                                                                    memory_order_relaxed,
                                                                    memory_order_relaxed))
            ;
        if (m->quota_step) {
            uint64_t held = atomic_load_explicit(&m->held_bytes, memory_order_relaxed);
            if (now <= held)
                return true;
            uint64_t more = (now - held + m->quota_step - 1) / m->quota_step * m->quota_step;
            if (!take(m->parent, more)) { /* near the limit: the exact amount may still fit */
                more = now - held;
                if (!take(m->parent, more)) {
                    give_back_used(mem, m, bytes);
                    return false;
                }
            }
            atomic_store_explicit(&m->held_bytes, held + more, memory_order_relaxed);
            return true;
        }
    }
    return true;
}

bool qn_mem_charge(qn_mem *mem, uint64_t bytes)
{
    return count_request(mem) && take(mem, bytes);
}

void qn_mem_release(qn_mem *mem, uint64_t bytes)
{
    give_back(mem, NULL, bytes);
}

/* ---- the door ------------------------------------------------------------------------------- */

static void *alloc(qn_mem *mem, size_t bytes, bool clear)
{
    if (!qn_mem_charge(mem, bytes))
        return NULL;
    void *p = raw_alloc(mem, bytes, clear);
    if (!p)
        qn_mem_release(mem, bytes);
    return p;
}

void *qn_alloc(qn_mem *mem, size_t bytes)
{
    return alloc(mem, bytes, false);
}

void *qn_alloc0(qn_mem *mem, size_t bytes)
{
    return alloc(mem, bytes, true);
}

void *qn_realloc(qn_mem *mem, void *p, size_t old_bytes, size_t new_bytes)
{
    if (!p)
        return qn_alloc(mem, new_bytes);
    if (!count_request(mem))
        return NULL;
    if (new_bytes > old_bytes && !take(mem, new_bytes - old_bytes))
        return NULL;
    void *q;
    if (recycle_serves(old_bytes) && recycle_serves(new_bytes) && (q = recycle_resize(p, old_bytes, new_bytes)) != NULL) {
        /* moved without a copy, or not at all */
    } else if (old_bytes < ALIGNED_FROM && new_bytes < ALIGNED_FROM) {
        q = realloc(p, new_bytes ? new_bytes : 1);
    } else {
        q = raw_alloc(mem, new_bytes, false);
        if (q) {
            memcpy(q, p, old_bytes < new_bytes ? old_bytes : new_bytes);
            raw_free(mem, p, old_bytes);
        }
    }
    if (!q) {
        if (new_bytes > old_bytes)
            qn_mem_release(mem, new_bytes - old_bytes);
        return NULL;
    }
    if (new_bytes < old_bytes)
        qn_mem_release(mem, old_bytes - new_bytes);
    return q;
}

void qn_free(qn_mem *mem, void *p, size_t bytes)
{
    if (!p)
        return;
    raw_free(mem, p, bytes);
    qn_mem_release(mem, bytes);
}

char *qn_mem_strdup(qn_mem *mem, const char *s)
{
    size_t bytes = strlen(s) + 1;
    char  *copy  = qn_alloc(mem, bytes);
    if (copy)
        memcpy(copy, s, bytes);
    return copy;
}
