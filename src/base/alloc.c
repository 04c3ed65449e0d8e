/* The allocation door: accounting, limits, planned failures, and recycling of large regions.
 *
 * Small requests go to malloc.  From 1 MB up, regions come from mmap and, when freed, wait in a
 * process-wide cache bounded to 256 MB: fresh pages cost a fault and a clearing each, which makes code
 * that touches new memory per block or morsel several times slower than code that recycles it.
 * Regions are rounded up to four steps per power of two, so that sizes that nearly agree share
 * regions; only pages that are touched cost memory.
 *
 * Invariants
 *   - used_bytes counts what was asked for, not what rounding added.
 *   - The cache never holds more than CACHE_BYTES; when it would, the regions freed longest ago go.
 *   - A database near its memory limit does not keep cached regions on top of it.
 *
 * Under a sanitizer everything goes to malloc, which can then see overruns and leaks.
 *
 * Not here: pools per size.  Code that needs many small pieces uses an arena. */
#include "base/alloc.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define ALIGNED_FROM ((size_t)4096)
#define REGION_FROM ((size_t)1 << 20)
#define CACHE_BYTES ((size_t)256 << 20)

static bool is_region(size_t bytes)
{
    return !SANITIZED && bytes >= REGION_FROM;
}

/* ---- recycled regions ----------------------------------------------------------------------- */

typedef struct region { /* lives in the first bytes of the cached region itself */
    struct region *newer, *older;
    size_t         bytes;
} region;

static struct {
    pthread_mutex_t mutex;
    region         *newest, *oldest;
    _Atomic size_t  bytes; /* written under mutex; read without it as a hint */
} cache = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Round up to 1, 1.25, 1.5 or 1.75 times a power of two; 0 when it does not fit. */
static size_t region_bytes(size_t bytes)
{
    if (bytes > SIZE_MAX / 4)
        return 0;
    size_t step = (size_t)1 << (63 - __builtin_clzll(bytes) - 2);
    return (bytes + step - 1) & ~(step - 1);
}

static void cache_unlink(region *r)
{
    *(r->newer ? &r->newer->older : &cache.newest) = r->older;
    *(r->older ? &r->older->newer : &cache.oldest) = r->newer;
    atomic_fetch_sub_explicit(&cache.bytes, r->bytes, memory_order_relaxed);
}

/* Detach regions, those freed longest ago first, until at most keep_bytes remain; the chain returned
 * is unmapped by the caller without the mutex. */
static region *cache_detach(size_t keep_bytes)
{
    region *chain = NULL;
    while (cache.oldest && atomic_load_explicit(&cache.bytes, memory_order_relaxed) > keep_bytes) {
        region *r = cache.oldest;
        cache_unlink(r);
        r->older = chain;
        chain    = r;
    }
    return chain;
}

static void unmap_chain(region *chain)
{
    while (chain) {
        region *next = chain->older;
        munmap(chain, chain->bytes);
        chain = next;
    }
}

static void cache_trim(size_t keep_bytes)
{
    pthread_mutex_lock(&cache.mutex);
    region *chain = cache_detach(keep_bytes);
    pthread_mutex_unlock(&cache.mutex);
    unmap_chain(chain);
}

/* *fresh tells whether the region is known to be zero. */
static void *region_take(const qn_mem *mem, size_t bytes, bool *fresh)
{
    size_t rounded = region_bytes(bytes);
    if (rounded == 0)
        return NULL;
    region *found = NULL;
    if (atomic_load_explicit(&cache.bytes, memory_order_relaxed) >= rounded) {
        pthread_mutex_lock(&cache.mutex);
        for (found = cache.newest; found && found->bytes != rounded; found = found->older)
            ;
        if (found)
            cache_unlink(found);
        pthread_mutex_unlock(&cache.mutex);
    }
    *fresh = found == NULL;
    if (found)
        return found;

    /* New memory: what the limit leaves beside the bytes in use is what the cache may keep. */
    const qn_mem *root = mem;
    while (root->parent)
        root = root->parent;
    uint64_t limit = atomic_load_explicit(&root->limit_bytes, memory_order_relaxed);
    uint64_t used  = atomic_load_explicit(&root->used_bytes, memory_order_relaxed);
    size_t   held  = atomic_load_explicit(&cache.bytes, memory_order_relaxed);
    if (limit && held && used + held > limit)
        cache_trim(limit > used ? (size_t)(limit - used) : 0);
    void *p = mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED && held) {
        cache_trim(0);
        p = mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    return p == MAP_FAILED ? NULL : p;
}

static void region_give(void *p, size_t bytes)
{
    size_t rounded = region_bytes(bytes);
    if (rounded > CACHE_BYTES / 2) { /* one giant would push everything useful out */
        munmap(p, rounded);
        return;
    }
    region *r = p;
    r->bytes  = rounded;
    r->newer  = NULL;
    pthread_mutex_lock(&cache.mutex);
    region *chain = cache_detach(CACHE_BYTES - rounded);
    r->older      = cache.newest;
    *(cache.newest ? &cache.newest->newer : &cache.oldest) = r;
    cache.newest = r;
    atomic_fetch_add_explicit(&cache.bytes, rounded, memory_order_relaxed);
    pthread_mutex_unlock(&cache.mutex);
    unmap_chain(chain);
}

/* ---- raw memory ----------------------------------------------------------------------------- */

static void *raw_alloc(const qn_mem *mem, size_t bytes, bool clear)
{
    if (bytes > PTRDIFF_MAX)
        return NULL;
    if (is_region(bytes)) {
        bool  fresh;
        void *p = region_take(mem, bytes, &fresh);
        if (p && clear && !fresh)
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

static void raw_free(void *p, size_t bytes)
{
    if (is_region(bytes)) {
        region_give(p, bytes);
        return;
    }
#if SANITIZED
    QN_ASSERT(malloc_usable_size(p) == (bytes ? bytes : 1));
#else
    QN_ASSERT(malloc_usable_size(p) >= bytes);
#endif
    free(p);
}

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

/* Move a region's pages instead of copying them. */
static void *region_resize(void *p, size_t old_bytes, size_t new_bytes)
{
    size_t from = region_bytes(old_bytes), to = region_bytes(new_bytes);
    if (to == 0)
        return NULL;
    if (from == to)
        return p;
    void *moved = mremap(p, from, to, MREMAP_MAYMOVE);
    return moved == MAP_FAILED ? NULL : moved;
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
    if (is_region(old_bytes) && is_region(new_bytes)) {
        q = region_resize(p, old_bytes, new_bytes);
    } else if (old_bytes < ALIGNED_FROM && new_bytes < ALIGNED_FROM) {
        q = realloc(p, new_bytes ? new_bytes : 1);
    } else {
        q = raw_alloc(mem, new_bytes, false);
        if (q) {
            memcpy(q, p, old_bytes < new_bytes ? old_bytes : new_bytes);
            raw_free(p, old_bytes);
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
    raw_free(p, bytes);
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
