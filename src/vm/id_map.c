/* Concurrent numbering of identities: see id_map.h. */
#include "vm/id_map.h"

bool id_map_init(id_map *m, qn_mem *mem, uint64_t values, int threads)
{
    uint64_t capacity = values + (uint64_t)threads, size = 1024;
    *m = (id_map){.mem = mem};
    if (capacity >= UINT32_MAX / 2)
        return false;
    while (size < capacity + capacity / 2)
        size *= 2;
    m->mask = size - 1;
    m->capacity = (uint32_t)capacity;
    m->slots = qn_alloc0(mem, size * sizeof *m->slots);
    m->identities = qn_alloc(mem, capacity * sizeof *m->identities);
    m->shown = qn_alloc(mem, capacity * sizeof *m->shown);
    if (m->slots && m->identities && m->shown)
        return true;
    id_map_deinit(m);
    return false;
}

void id_map_deinit(id_map *m)
{
    if (m->slots)
        qn_free(m->mem, m->slots, (m->mask + 1) * sizeof *m->slots);
    if (m->identities)
        qn_free(m->mem, m->identities, m->capacity * sizeof *m->identities);
    if (m->shown)
        qn_free(m->mem, m->shown, m->capacity * sizeof *m->shown);
    m->slots = NULL;
    m->identities = NULL;
    m->shown = NULL;
}

uint32_t id_map_find(id_map *m, qn_hash128 identity, uint32_t *spare, bool *fresh)
{
    uint64_t tag = identity.hi & 0xffffffff00000000ull;
    *fresh = false;
    for (uint64_t at = identity.lo & m->mask;; at = (at + 1) & m->mask) {
        uint64_t slot = atomic_load_explicit(&m->slots[at], memory_order_acquire);
        if (!slot) {
            if (*spare == UINT32_MAX) {
                uint32_t id = atomic_fetch_add_explicit(&m->next, 1, memory_order_relaxed);
                if (id >= m->capacity) {
                    atomic_store_explicit(&m->next, m->capacity, memory_order_relaxed);
                    return UINT32_MAX;
                }
                *spare = id;
            }
            m->identities[*spare] = identity;
            if (atomic_compare_exchange_strong_explicit(&m->slots[at], &slot, tag | (*spare + 1), memory_order_release,
                                                        memory_order_acquire)) {
                uint32_t id = *spare;
                *spare = UINT32_MAX;
                *fresh = true;
                return id;
            }
            /* somebody was faster: slot holds what they wrote */
        }
        uint32_t id = (uint32_t)slot - 1;
        if ((slot & 0xffffffff00000000ull) == tag && m->identities[id].lo == identity.lo && m->identities[id].hi == identity.hi)
            return id;
    }
}
