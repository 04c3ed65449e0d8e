/* Small numbers for 128-bit identities, given out by many threads at once.
 *
 * Every block has a dictionary of its own; the same text has another code in each.  An id_map unites them: an identity
 * (text's BLAKE3-128, see qn_value_identity) gets a number below 2^32 the first time anybody asks, the same for
 * everybody ever after.  Grouping by text then needs a few bits where the identity needs 128.
 *
 * Lookups take no lock: a slot is 0 or (tag, id + 1), and is published (release) after the identity was written.  How
 * many values there can be is often known from the blocks' headers: then one table has room for all and numbers are
 * made without a lock too, whoever swaps the empty slot for (tag, BUSY) being the one who makes it.  Otherwise there
 * are 64 shards by the identity's top bits; making a number takes its shard's latch, looks again, and may move the
 * shard to a larger table.  The smaller one stays until the end for whoever still reads it: a number that is missing
 * there is looked for again under the latch. */
#ifndef QN_VM_ID_MAP_H
#define QN_VM_ID_MAP_H

#include <stdatomic.h>
#include "base/alloc.h"
#include "base/hash.h"
#include "base/thread.h"
#include "type/type.h"

#define ID_SHARDS 64u
#define ID_CHUNK 4096u
#define ID_NONE UINT32_MAX
#define ID_BUSY UINT32_MAX /* in a slot, in place of id + 1: the number is being made */

typedef struct id_table {
    struct id_table *smaller; /* the one before */
    uint64_t         mask;
    _Atomic uint64_t slots[];
} id_table;

typedef struct id_shard {
    _Atomic(id_table *) table;
    qn_latch            latch; /* makes numbers; count */
    uint64_t            count;
} id_shard;

typedef struct id_chunk {
    qn_hash128 identities[ID_CHUNK];
    qn_datum   shown[ID_CHUNK]; /* the value, text possibly lazy; written by whoever got the id fresh */
} id_chunk;

typedef struct id_map {
    qn_mem              *mem;
    id_shard            *shards;
    uint32_t             shard_mask;
    _Atomic(id_chunk *) *chunks;
    uint32_t             chunk_count;
    bool                 roomy;  /* one table, which never grows */
    _Atomic bool         failed; /* no memory for a chunk */
    qn_latch             latch; /* makes chunks */
    _Atomic uint32_t     next;
} id_map;

/* For up to `values` distinct identities; there is room for `expected` from the start, and memory grows with those that
 * come.  False: no memory, or too many. */
bool id_map_init(id_map *m, qn_mem *mem, uint64_t values, uint64_t expected);
void id_map_deinit(id_map *m);
/* *fresh: this call made the id, and its caller owes id_map_shown before the threads are joined.  ID_NONE: no memory,
 * or more identities than were announced. */
uint32_t id_map_find(id_map *m, qn_hash128 identity, bool *fresh);

static inline const qn_hash128 *id_map_identity(const id_map *m, uint32_t id)
{
    return &atomic_load_explicit(&m->chunks[id / ID_CHUNK], memory_order_relaxed)->identities[id % ID_CHUNK];
}
static inline qn_datum *id_map_shown(const id_map *m, uint32_t id)
{
    return &atomic_load_explicit(&m->chunks[id / ID_CHUNK], memory_order_relaxed)->shown[id % ID_CHUNK];
}

/* Begin fetching what id_map_find will look at: the slot; then, once that has arrived, the identity it names. */
static inline void id_map_prefetch(const id_map *m, qn_hash128 identity)
{
    const id_table *t = atomic_load_explicit(&m->shards[identity.hi >> 58 & m->shard_mask].table, memory_order_acquire);
    __builtin_prefetch((const void *)&t->slots[identity.lo & t->mask]);
}
static inline void id_map_prefetch_more(const id_map *m, qn_hash128 identity)
{
    const id_table *t = atomic_load_explicit(&m->shards[identity.hi >> 58 & m->shard_mask].table, memory_order_acquire);
    uint64_t        slot = atomic_load_explicit(&t->slots[identity.lo & t->mask], memory_order_acquire);
    if (slot && (uint32_t)slot != ID_BUSY)
        __builtin_prefetch(id_map_identity(m, (uint32_t)slot - 1));
}

#endif
