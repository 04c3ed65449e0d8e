/* Recycled memory: see recycle.h.
 *
 * Fresh pages cost a fault and a clearing each: a query whose groups take 1 GB of new memory spends a third of its
 * time in the kernel.  So what executions give back waits here for the next one.
 *
 * Large pages are asked for when memory comes back for the first time, not when it is mapped: then the system makes
 * them in the background.  Asked for at once, it has to find free 2 MB while a query waits, which on a machine whose
 * memory is full of file cache took 2 ms each, more than the 512 faults they replace.
 *
 *   areas     2 MB, cut into pieces of one size each: 4 KB to 2 MB in steps of (2 MB)/n.  An area whose pieces are all
 *             back may be cut anew for another size, so nothing is lost when the next query wants other sizes.
 *   regions   anything larger: whole mappings in multiples of 2 MB, a few sizes per power of two so that sizes that
 *             nearly agree share regions.
 *
 * Threads are spread over a few shards, each with lists of its own of areas that have pieces left; a piece goes back
 * to the area it lies in, which knows its shard.
 *
 * Invariants
 *   - An area is in exactly one place: full (in no list), partial (in its shard's list of that size) or empty (in the
 *     list of empty areas).  Header fields of an area in use are guarded by its shard's mutex.
 *   - `waiting` is what empty areas and cached regions take; the unused rest of partial areas is not in it.
 *   - Waiting memory beyond what the caller allows is unmapped, regions freed longest ago first, then areas.
 *
 * Under a sanitizer everything goes to malloc, which can then see overruns and leaks. */
#include "base/recycle.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"

#define AREA ((size_t)2 << 20)
#define BATCH (16 * AREA) /* areas are mapped this many at a time */
#define HEADER ((size_t)64)
#define SMALLEST ((size_t)4 << 10)
#define CLASSES 512u /* pieces per area: 1 … 511 */
#define SHARDS 4u

typedef struct area { /* in the first bytes of the area itself */
    struct area *next, *previous;
    void        *free;    /* pieces that came back, chained through their first word */
    uint32_t     pieces;  /* how many it is cut into */
    uint32_t     used;    /* handed out now */
    uint32_t     virgin;  /* pieces from this one on were never handed out */
    uint32_t     shard;
    bool         clear;   /* virgin pieces are known to be zero */
    bool         advised; /* large pages were asked for */
} area;
_Static_assert(sizeof(area) <= HEADER, "the header fits");

typedef struct region { /* in the first bytes of the cached region itself */
    struct region *newer, *older;
    size_t         bytes;
} region;

typedef struct shard {
    pthread_mutex_t mutex;
    area           *partial[CLASSES];
    char            pad[64];
} shard;

static shard shards[SHARDS] = {
    {.mutex = PTHREAD_MUTEX_INITIALIZER}, {.mutex = PTHREAD_MUTEX_INITIALIZER},
    {.mutex = PTHREAD_MUTEX_INITIALIZER}, {.mutex = PTHREAD_MUTEX_INITIALIZER}};

static struct { /* taken after a shard's mutex, never before */
    pthread_mutex_t mutex;
    area           *empty;
    char           *fresh, *fresh_end; /* mapped, never touched */
    region         *newest, *oldest;
    _Atomic uint64_t waiting; /* written under mutex; read without it as a hint */
} store = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static _Atomic uint32_t thread_count;
static _Thread_local uint32_t my_shard = UINT32_MAX;

uint64_t recycle_waiting(void) { return atomic_load_explicit(&store.waiting, memory_order_relaxed); }

bool recycle_serves(size_t bytes) { return !RECYCLE_SANITIZED && bytes >= SMALLEST; }

/* ---- mappings ---------------------------------------------------------------------------------- */

static void *map_plain(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* Map a multiple of AREA, aligned to it. */
static void *map_aligned(size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    char *p = map_plain(bytes + AREA);
    if (!p)
        return NULL;
    size_t before = (AREA - ((uintptr_t)p & (AREA - 1))) & (AREA - 1), after = AREA - before;
    if (before)
        munmap(p, before);
    if (after)
        munmap(p + before + bytes, after);
    return p + before;
}

/* ---- waiting memory ------------------------------------------------------------------------------ */

static void region_unlink(region *r)
{
    *(r->newer ? &r->newer->older : &store.newest) = r->older;
    *(r->older ? &r->older->newer : &store.oldest) = r->newer;
    atomic_fetch_sub_explicit(&store.waiting, r->bytes, memory_order_relaxed);
}

/* Detach one waiting mapping; the caller unmaps it without the mutex. */
static void *detach_one(size_t *bytes)
{
    void *p = NULL;
    if (store.oldest) {
        p = store.oldest;
        *bytes = store.oldest->bytes;
        region_unlink(store.oldest);
    } else if (store.empty) {
        p = store.empty;
        *bytes = AREA;
        store.empty = store.empty->next;
        atomic_fetch_sub_explicit(&store.waiting, AREA, memory_order_relaxed);
    }
    return p;
}

void recycle_trim(uint64_t keep_bytes)
{
    for (;;) {
        size_t bytes = 0;
        void  *p = NULL;
        if (recycle_waiting() <= keep_bytes)
            return;
        pthread_mutex_lock(&store.mutex);
        if (recycle_waiting() > keep_bytes)
            p = detach_one(&bytes);
        pthread_mutex_unlock(&store.mutex);
        if (!p)
            return;
        munmap(p, bytes);
    }
}

/* ---- areas -------------------------------------------------------------------------------------- */

static uint32_t pieces_for(size_t bytes) { return (uint32_t)((AREA - HEADER) / bytes); }

static size_t piece_bytes(uint32_t pieces) { return (AREA - HEADER) / pieces & ~(size_t)63; }

/* Whether an area serves: the piece's rounded size has to hold the bytes. */
static bool in_area(size_t bytes) { return bytes <= piece_bytes(1) && pieces_for((bytes + 63) & ~(size_t)63) > 0; }

static uint32_t class_of(size_t bytes)
{
    uint32_t pieces = pieces_for((bytes + 63) & ~(size_t)63);
    QN_ASSERT(pieces >= 1 && pieces < CLASSES && piece_bytes(pieces) >= bytes);
    return pieces;
}

static area *area_of(void *p) { return (area *)((uintptr_t)p & ~(uintptr_t)(AREA - 1)); }

static void partial_link(shard *s, area *a)
{
    a->previous = NULL;
    a->next = s->partial[a->pieces];
    if (a->next)
        a->next->previous = a;
    s->partial[a->pieces] = a;
}

static void partial_unlink(shard *s, area *a)
{
    *(a->previous ? &a->previous->next : &s->partial[a->pieces]) = a->next;
    if (a->next)
        a->next->previous = a->previous;
}

/* An empty area, or a fresh one. */
static area *area_take(uint64_t room_bytes)
{
    area *a = NULL;
    bool  clear = false;
    pthread_mutex_lock(&store.mutex);
    if (store.empty) {
        a = store.empty;
        store.empty = a->next;
        atomic_fetch_sub_explicit(&store.waiting, AREA, memory_order_relaxed);
    }
    pthread_mutex_unlock(&store.mutex);
    if (!a) {
        recycle_trim(room_bytes);
        pthread_mutex_lock(&store.mutex);
        if (store.fresh == store.fresh_end) {
            char *p = map_aligned(BATCH);
            store.fresh = p;
            store.fresh_end = p ? p + BATCH : NULL;
        }
        if (store.fresh) {
            a = (area *)(void *)store.fresh;
            store.fresh += AREA;
            clear = true;
        }
        pthread_mutex_unlock(&store.mutex);
    }
    if (a) {
        bool advised = !clear && a->advised;
        memset(a, 0, sizeof *a);
        a->clear = clear;
        a->advised = advised;
    }
    return a;
}

static void area_give(area *a)
{
    if (!a->advised && a->virgin == a->pieces)
        a->advised = madvise(a, AREA, MADV_HUGEPAGE) == 0;
    pthread_mutex_lock(&store.mutex);
    a->next = store.empty;
    store.empty = a;
    atomic_fetch_add_explicit(&store.waiting, AREA, memory_order_relaxed);
    pthread_mutex_unlock(&store.mutex);
}

static void *piece_take(size_t bytes, uint64_t room_bytes, bool *clear)
{
    uint32_t pieces = class_of(bytes);
    if (my_shard == UINT32_MAX)
        my_shard = atomic_fetch_add_explicit(&thread_count, 1, memory_order_relaxed) % SHARDS;
    shard *s = &shards[my_shard];
    void  *p;
    pthread_mutex_lock(&s->mutex);
    area *a = s->partial[pieces];
    if (!a) {
        a = area_take(room_bytes);
        if (!a) {
            pthread_mutex_unlock(&s->mutex);
            return NULL;
        }
        a->pieces = pieces;
        a->shard = my_shard;
        partial_link(s, a);
    }
    if (a->free) {
        p = a->free;
        a->free = *(void **)p;
        *clear = false;
    } else {
        p = (char *)a + HEADER + a->virgin++ * piece_bytes(pieces);
        *clear = a->clear;
    }
    if (++a->used == pieces)
        partial_unlink(s, a);
    pthread_mutex_unlock(&s->mutex);
    return p;
}

static void piece_give(void *p, size_t bytes)
{
    area  *a = area_of(p);
    shard *s = &shards[a->shard];
    QN_ASSERT(a->pieces == class_of(bytes));
    (void)bytes;
    pthread_mutex_lock(&s->mutex);
    *(void **)p = a->free;
    a->free = p;
    if (a->used == a->pieces)
        partial_link(s, a);
    if (--a->used == 0) {
        partial_unlink(s, a);
        area_give(a);
    }
    pthread_mutex_unlock(&s->mutex);
}

/* ---- regions -------------------------------------------------------------------------------------- */

/* Round up to multiples of AREA, at most four sizes per power of two; 0 when it does not fit. */
static size_t region_bytes(size_t bytes)
{
    if (bytes > SIZE_MAX / 4)
        return 0;
    size_t step = (size_t)1 << (63 - __builtin_clzll(bytes) - 2);
    if (step < AREA)
        step = AREA;
    return (bytes + step - 1) & ~(step - 1);
}

static void *region_take(size_t bytes, uint64_t room_bytes, bool *clear)
{
    size_t  rounded = region_bytes(bytes);
    region *found = NULL;
    if (rounded == 0)
        return NULL;
    if (recycle_waiting() >= rounded) {
        pthread_mutex_lock(&store.mutex);
        for (found = store.newest; found && found->bytes != rounded; found = found->older)
            ;
        if (found)
            region_unlink(found);
        pthread_mutex_unlock(&store.mutex);
    }
    *clear = found == NULL;
    if (found)
        return found;
    recycle_trim(room_bytes);
    return map_aligned(rounded);
}

static void region_give(void *p, size_t bytes)
{
    region *r = p;
    r->bytes = region_bytes(bytes);
    r->newer = NULL;
    madvise(r, r->bytes, MADV_HUGEPAGE);
    pthread_mutex_lock(&store.mutex);
    r->older = store.newest;
    *(store.newest ? &store.newest->newer : &store.oldest) = r;
    store.newest = r;
    atomic_fetch_add_explicit(&store.waiting, r->bytes, memory_order_relaxed);
    pthread_mutex_unlock(&store.mutex);
}

/* ---- both ------------------------------------------------------------------------------------------ */

void *recycle_take(size_t bytes, uint64_t room_bytes, bool *clear)
{
    void *p = in_area(bytes) ? piece_take(bytes, room_bytes, clear) : region_take(bytes, room_bytes, clear);
    if (!p && recycle_waiting()) { /* the system has no more: what waits may be in the way */
        recycle_trim(0);
        p = in_area(bytes) ? piece_take(bytes, 0, clear) : region_take(bytes, 0, clear);
    }
    return p;
}

void recycle_give(void *p, size_t bytes, uint64_t keep_bytes)
{
    if (in_area(bytes)) {
        piece_give(p, bytes);
    } else if (region_bytes(bytes) > keep_bytes / 2) { /* one giant would push everything useful out */
        munmap(p, region_bytes(bytes));
        return;
    } else {
        region_give(p, bytes);
    }
    recycle_trim(keep_bytes);
}

void *recycle_resize(void *p, size_t old_bytes, size_t new_bytes)
{
    if (in_area(old_bytes) || in_area(new_bytes))
        return in_area(old_bytes) && in_area(new_bytes) && class_of(old_bytes) == class_of(new_bytes) ? p : NULL;
    size_t from = region_bytes(old_bytes), to = region_bytes(new_bytes);
    if (to == 0)
        return NULL;
    if (from == to)
        return p;
    if (to < from) {
        munmap((char *)p + to, from - to);
        return p;
    }
    char *place = map_aligned(to); /* moving to an aligned place keeps large pages whole */
    if (!place)
        return NULL;
    if (mremap(p, from, from, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED) {
        munmap(place, to);
        return NULL;
    }
    return place;
}
