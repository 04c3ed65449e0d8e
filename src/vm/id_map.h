/* Small numbers for 128-bit identities, given out by many threads at once.
 *
 * Every block has a dictionary of its own; the same text has another code in each.  An id_map unites them: an identity
 * (text's BLAKE3-128, see type/value.h) gets a number below 2^32 the first time anybody asks, the same for everybody
 * ever after.  Grouping by text then needs a few bits where the identity needs 128.
 *
 * Lookups take no lock.  A slot is 0 or (tag, id + 1), published by one compare-and-swap after identities[id] has been
 * written (release), so whoever sees the slot sees the identity.  The size is fixed from the start: callers know from
 * the blocks' headers how many values there can be. */
#ifndef QN_VM_ID_MAP_H
#define QN_VM_ID_MAP_H

#include <stdatomic.h>
#include "base/alloc.h"
#include "base/hash.h"
#include "type/type.h"

typedef struct id_map {
    qn_mem           *mem;
    _Atomic uint64_t *slots;
    uint64_t          mask;
    uint32_t          capacity;   /* ids 0 … capacity - 1 */
    qn_hash128       *identities; /* by id */
    qn_datum         *shown;      /* by id: the value, text possibly lazy; written by whoever got the id fresh */
    _Atomic uint32_t  next;
} id_map;

/* For up to `values` distinct identities asked for by up to `threads` threads.  False: no memory, or too many. */
bool id_map_init(id_map *m, qn_mem *mem, uint64_t values, int threads);
void id_map_deinit(id_map *m);
/* *fresh: this call made the id, and its caller owes shown[id] before the threads are joined.  spare: a number per
 * thread, UINT32_MAX at first: an id that was prepared but not needed.  UINT32_MAX: more than `values` identities. */
/* Begin fetching what id_map_find will look at: the slot; then, once that has arrived, the identity it names. */
static inline void id_map_prefetch(const id_map *m, qn_hash128 identity) { __builtin_prefetch(&m->slots[identity.lo & m->mask]); }
static inline void id_map_prefetch_more(const id_map *m, qn_hash128 identity)
{
    uint64_t slot = atomic_load_explicit(&m->slots[identity.lo & m->mask], memory_order_relaxed);
    if (slot)
        __builtin_prefetch(&m->identities[(uint32_t)slot - 1]);
}
uint32_t id_map_find(id_map *m, qn_hash128 identity, uint32_t *spare, bool *fresh);

#endif
