/* Arenas: many small pieces with one lifetime (statement, execution, morsel).
 *
 * Pieces come from chunks that double in size up to 1 MB; nothing is freed singly.  Reset keeps the
 * chunks for reuse, so a scratch arena reset per morsel touches no fresh memory in steady state.
 * Cleanup hooks (files, maps, pins) run in reverse order on reset and deinit. */
#ifndef QN_BASE_ARENA_H
#define QN_BASE_ARENA_H

#include "base/alloc.h"

typedef struct qn_arena_chunk qn_arena_chunk;
typedef struct qn_arena_hook  qn_arena_hook;

typedef struct qn_arena {
    qn_mem         *mem;
    qn_arena_chunk *first, *current;
    char           *next, *end;
    qn_arena_hook  *hooks;
    uint64_t        used_bytes; /* handed out since the last reset, rounding included */
} qn_arena;

typedef struct qn_arena_mark { /* see qn_arena_rewind */
    qn_arena_chunk *chunk;
    char           *next;
    uint64_t        used_bytes;
} qn_arena_mark;

void qn_arena_init(qn_arena *arena, qn_mem *mem);
void qn_arena_reset(qn_arena *arena);
void qn_arena_deinit(qn_arena *arena);
/* What the arena takes from its account: its chunks, free ones too. */
uint64_t qn_arena_held_bytes(const qn_arena *arena);

/* 16-byte aligned; NULL when memory is refused. */
void *qn_arena_alloc(qn_arena *arena, size_t bytes);
void *qn_arena_alloc0(qn_arena *arena, size_t bytes);
void *qn_arena_dup(qn_arena *arena, const void *data, size_t bytes);
char *qn_arena_strdup(qn_arena *arena, const char *s);
char *qn_arena_strndup(qn_arena *arena, const char *s, size_t bytes); /* NUL-terminated copy */
char *qn_arena_printf(qn_arena *arena, const char *format, ...) QN_PRINTF(2, 3);
/* Grow an array that lives in the arena: returns a copy with room for new_count (old_count kept). */
void *qn_arena_grow(qn_arena *arena, const void *old, size_t old_count, size_t new_count, size_t size);

#define qn_arena_new(arena, type) ((type *)qn_arena_alloc0((arena), sizeof(type)))
#define qn_arena_array(arena, type, count) ((type *)qn_arena_alloc0((arena), qn_mul(sizeof(type), (count))))

qn_arena_mark qn_arena_save(const qn_arena *arena);
void          qn_arena_rewind(qn_arena *arena, qn_arena_mark mark);

/* Run fn(arg) on reset or deinit.  QN_NOMEM when the hook cannot be recorded (fn is not called). */
qn_status qn_arena_defer(qn_arena *arena, void (*fn)(void *), void *arg, qn_error *err);

#endif
