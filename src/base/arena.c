/* Arenas over chunks that are kept for reuse.
 *
 * Chunks form one chain; `current` is the one being filled, those after it are free.  A piece that
 * does not fit takes the first free chunk that is large enough, moved to stand right after the current
 * one, or a new chunk there.  So a sequence of requests repeated after a reset finds the same chunks.
 *
 * Invariants
 *   - Chunks up to `current` hold live pieces; those behind it hold none.
 *   - Marks point at chunks up to `current`, which reordering never touches.
 *   - Hook records live outside the chunks, so rewinding cannot lose a hook.
 *
 * Under AddressSanitizer bytes that are not handed out are poisoned, so that an overrun of a piece is
 * found although malloc knows only the chunk. */
#include "base/arena.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

#if defined(__SANITIZE_ADDRESS__)
#define POISONING 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONING 1
#endif
#endif
#ifdef POISONING
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define PIECE_ALIGN ((size_t)16)
#define FIRST_CHUNK ((size_t)2048)
#define LARGEST_CHUNK (((size_t)1 << 20) - 64) /* two of them share an area of recycle.c */

struct qn_arena_chunk {
    qn_arena_chunk *next;
    size_t          bytes; /* of the chunk, this header included */
    char            data[];
};
_Static_assert(sizeof(qn_arena_chunk) % PIECE_ALIGN == 0, "pieces start aligned");

struct qn_arena_hook {
    qn_arena_hook *next;
    void (*fn)(void *);
    void *arg;
};

void qn_arena_init(qn_arena *arena, qn_mem *mem)
{
    memset(arena, 0, sizeof *arena);
    arena->mem = mem;
}

uint64_t qn_arena_held_bytes(const qn_arena *arena)
{
    uint64_t bytes = 0;
    for (const qn_arena_chunk *c = arena->first; c; c = c->next)
        bytes += c->bytes;
    return bytes;
}

static size_t chunk_room(const qn_arena_chunk *chunk)
{
    return chunk->bytes - sizeof *chunk;
}

/* Fill this chunk from its start. */
static void enter_chunk(qn_arena *arena, qn_arena_chunk *chunk)
{
    arena->current = chunk;
    arena->next    = chunk->data;
    arena->end     = (char *)chunk + chunk->bytes;
    POISON(chunk->data, chunk_room(chunk));
}

static qn_arena_chunk **link_after_current(qn_arena *arena)
{
    return arena->current ? &arena->current->next : &arena->first;
}

/* Make the chunk after the current one offer `bytes`, and enter it. */
static bool next_chunk(qn_arena *arena, size_t bytes)
{
    qn_arena_chunk **link = link_after_current(arena);
    qn_arena_chunk **at   = link;
    while (*at && chunk_room(*at) < bytes)
        at = &(*at)->next;
    qn_arena_chunk *chunk = *at;
    if (chunk) {
        *at = chunk->next;
    } else {
        size_t size = arena->current ? arena->current->bytes * 2 : FIRST_CHUNK;
        if (size > LARGEST_CHUNK)
            size = LARGEST_CHUNK;
        if (bytes > SIZE_MAX - sizeof *chunk)
            return false;
        if (size < bytes + sizeof *chunk)
            size = bytes + sizeof *chunk;
        chunk = qn_alloc(arena->mem, size);
        if (!chunk)
            return false;
        chunk->bytes = size;
    }
    chunk->next = *link;
    *link       = chunk;
    enter_chunk(arena, chunk);
    return true;
}

void *qn_arena_alloc(qn_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - PIECE_ALIGN)
        return NULL;
    size_t rounded = bytes ? (bytes + PIECE_ALIGN - 1) & ~(PIECE_ALIGN - 1) : PIECE_ALIGN;
    if (QN_UNLIKELY((size_t)(arena->end - arena->next) < rounded) && !next_chunk(arena, rounded))
        return NULL;
    void *p = arena->next;
    arena->next += rounded;
    arena->used_bytes += rounded;
    UNPOISON(p, bytes);
    return p;
}

void *qn_arena_alloc0(qn_arena *arena, size_t bytes)
{
    void *p = qn_arena_alloc(arena, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *qn_arena_dup(qn_arena *arena, const void *data, size_t bytes)
{
    void *p = qn_arena_alloc(arena, bytes);
    if (p && bytes)
        memcpy(p, data, bytes);
    return p;
}

char *qn_arena_strndup(qn_arena *arena, const char *s, size_t bytes)
{
    if (bytes == SIZE_MAX)
        return NULL;
    char *p = qn_arena_alloc(arena, bytes + 1);
    if (!p)
        return NULL;
    if (bytes)
        memcpy(p, s, bytes);
    p[bytes] = 0;
    return p;
}

char *qn_arena_strdup(qn_arena *arena, const char *s)
{
    return qn_arena_strndup(arena, s, strlen(s));
}

char *qn_arena_printf(qn_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int   bytes = vsnprintf(NULL, 0, format, args);
    char *p     = bytes < 0 ? NULL : qn_arena_alloc(arena, (size_t)bytes + 1);
    if (p)
        vsnprintf(p, (size_t)bytes + 1, format, again);
    va_end(again);
    va_end(args);
    return p;
}

void *qn_arena_grow(qn_arena *arena, const void *old, size_t old_count, size_t new_count, size_t size)
{
    QN_ASSERT(old_count <= new_count);
    void *p = qn_arena_alloc(arena, qn_mul(new_count, size));
    if (p && old_count)
        memcpy(p, old, old_count * size);
    return p;
}

qn_arena_mark qn_arena_save(const qn_arena *arena)
{
    return (qn_arena_mark){arena->current, arena->next, arena->used_bytes};
}

void qn_arena_rewind(qn_arena *arena, qn_arena_mark mark)
{
    QN_ASSERT(mark.used_bytes <= arena->used_bytes);
    arena->current    = mark.chunk;
    arena->next       = mark.next;
    arena->end        = mark.chunk ? (char *)mark.chunk + mark.chunk->bytes : NULL;
    arena->used_bytes = mark.used_bytes;
    POISON(arena->next, (size_t)(arena->end - arena->next));
}

qn_status qn_arena_defer(qn_arena *arena, void (*fn)(void *), void *arg, qn_error *err)
{
    qn_arena_hook *hook = qn_alloc(arena->mem, sizeof *hook);
    if (!hook)
        return qn_nomem(err);
    *hook        = (qn_arena_hook){arena->hooks, fn, arg};
    arena->hooks = hook;
    return QN_OK;
}

void qn_arena_reset(qn_arena *arena)
{
    while (arena->hooks) {
        qn_arena_hook *hook = arena->hooks;
        arena->hooks        = hook->next;
        hook->fn(hook->arg);
        qn_free(arena->mem, hook, sizeof *hook);
    }
    qn_arena_rewind(arena, (qn_arena_mark){0});
}

void qn_arena_deinit(qn_arena *arena)
{
    qn_arena_reset(arena);
    while (arena->first) {
        qn_arena_chunk *chunk = arena->first;
        arena->first          = chunk->next;
        UNPOISON(chunk, chunk->bytes);
        qn_free(arena->mem, chunk, chunk->bytes);
    }
}
