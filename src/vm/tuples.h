/* Partitions of fixed-width tuples, and folding one partition inside the cache.
 *
 * A tuple is a few 64-bit words: key words, then words that add up, then words of which the largest is kept.  Several
 * counters and sums share a word when their bounds prove that none can run into its neighbour, so that folding two
 * tuples of one key is one addition a word.
 *
 * Tuples are scattered by the top bits of their key's hash; each worker has parts of its own, so nobody waits.  One
 * partition of all workers is then gathered into one array and folded in place: its index is 4 bytes a tuple and
 * stays in the cache, which is what partitioning is for (Manegold, Boncz, Kersten 2002). */
#ifndef QN_VM_TUPLES_H
#define QN_VM_TUPLES_H

#include <stdatomic.h>
#include <string.h>
#include "base/alloc.h"

#define TUPLE_MAX_KEYS 4u
#define TUPLE_MAX_WORDS 16u

typedef struct tuple_shape {
    uint32_t keys, adds, maxima; /* words of each kind, in this order */
} tuple_shape;
static inline uint32_t tuple_words(const tuple_shape *s) { return s->keys + s->adds + s->maxima; }

static inline uint64_t tuple_multiply(uint64_t a, uint64_t b) /* folded 128-bit product, as in wyhash (Wang Yi 2019) */
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}
static inline __attribute__((always_inline)) uint64_t tuple_hash(const uint64_t *key, uint32_t words)
{
    uint64_t h = tuple_multiply(key[0] ^ 0x2d358dccaa6c78a5ull, (words > 1 ? key[1] : 0) ^ 0x8bb84b93962eacc9ull);
    for (uint32_t i = 2; i < words; i++)
        h = tuple_multiply(h ^ key[i], 0x4b33a62ed433d4a3ull);
    return tuple_multiply(h ^ 0x9e3779b97f4a7c15ull, 0xd6e8feb86659fd93ull);
}

typedef struct tuple_chunk {
    struct tuple_chunk *next;
    uint32_t            bytes; /* of this chunk, header included */
    uint32_t            used;  /* words; of the last chunk only after tuple_parts_seal */
    uint64_t            words[];
} tuple_chunk;

typedef struct tuple_part {
    uint64_t    *at, *end; /* room in the last chunk */
    tuple_chunk *first, *last;
    uint64_t     count;    /* tuples; right after tuple_parts_seal */
} tuple_part;

typedef struct tuple_parts { /* one worker's */
    qn_mem     *mem;
    uint32_t    words; /* of a tuple */
    uint32_t    bits;  /* 1 << bits parts */
    tuple_part *parts;
    _Atomic uint64_t held; /* bytes of all chunks, relaxed: grown by its worker, lessened by whoever takes a part */
} tuple_parts;

/* bits 0 … 12.  False: no memory. */
bool tuple_parts_init(tuple_parts *p, qn_mem *mem, uint32_t words, uint32_t bits);
void tuple_parts_deinit(tuple_parts *p);
bool tuple_part_grow(tuple_parts *p, tuple_part *part);
/* Room for one tuple with this hash; NULL: no memory. */
static inline uint64_t *tuple_append(tuple_parts *p, uint64_t hash)
{
    tuple_part *part = &p->parts[p->bits ? hash >> (64 - p->bits) : 0];
    if (part->at == part->end && !tuple_part_grow(p, part))
        return NULL;
    uint64_t *t = part->at;
    part->at += p->words;
    __builtin_prefetch((const char *)t + 128, 1); /* many streams: no hardware follows them */
    return t;
}
/* Counts become right; nothing may be appended until the next seal is due. */
void tuple_parts_seal(tuple_parts *p);
/* Copy part `number` to `out` (count × words) and free its chunks. */
void tuple_part_take(tuple_parts *p, uint32_t number, uint64_t *out);
void tuple_part_free(tuple_parts *p, tuple_part *part);

/* Fold n tuples in place: those of equal keys become one, the first keep their order.  heads: an index with a power
 * of two of entries, at least 1.5 × n (tuple_heads); it is cleared here.  How many tuples are left. */
static inline uint64_t tuple_heads(uint64_t n)
{
    uint64_t size = 16;
    while (size < n + n / 2)
        size *= 2;
    return size;
}
uint64_t tuple_fold(const tuple_shape *shape, uint64_t *tuples, uint64_t n, uint32_t *heads, uint64_t size);

#endif
