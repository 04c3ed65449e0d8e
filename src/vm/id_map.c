/* Concurrent numbering of identities: see id_map.h. */
#include "vm/id_map.h"

#define FIRST_SLOTS 64u
#define TAG 0xffffffff00000000ull

static id_table *table_new(qn_mem *mem, uint64_t slots, id_table *smaller)
{
    id_table *t = qn_alloc0(mem, sizeof *t + slots * sizeof t->slots[0]);
    if (!t)
        return NULL;
    t->mask = slots - 1;
    t->smaller = smaller;
    return t;
}

bool id_map_init(id_map *m, qn_mem *mem, uint64_t values, uint64_t expected)
{
    *m = (id_map){.mem = mem};
    if (values >= UINT32_MAX / 2)
        return false;
    uint32_t chunks = (uint32_t)(values / ID_CHUNK) + 1;
    uint64_t slots = FIRST_SLOTS;
    m->roomy = expected >= values;
    m->shard_mask = m->roomy ? 0 : ID_SHARDS - 1;
    while (slots * (m->shard_mask + 1) < expected + expected / 2)
        slots *= 2;
    m->chunks = qn_alloc0(mem, chunks * sizeof *m->chunks);
    m->shards = qn_alloc0(mem, ID_SHARDS * sizeof *m->shards);
    if (!m->chunks || !m->shards) {
        qn_free(mem, m->chunks, chunks * sizeof *m->chunks);
        qn_free(mem, m->shards, ID_SHARDS * sizeof *m->shards);
        *m = (id_map){.mem = mem};
        return false;
    }
    m->chunk_count = chunks;
    qn_latch_init(&m->latch);
    bool whole = true;
    for (uint32_t i = 0; i <= m->shard_mask; i++) {
        qn_latch_init(&m->shards[i].latch);
        id_table *t = table_new(mem, slots, NULL);
        atomic_init(&m->shards[i].table, t);
        whole = whole && t;
    }
    if (!whole)
        id_map_deinit(m);
    return whole;
}

void id_map_deinit(id_map *m)
{
    if (!m->shards)
        return;
    for (uint32_t i = 0; i <= m->shard_mask; i++) {
        for (id_table *t = atomic_load(&m->shards[i].table), *smaller; t; t = smaller) {
            smaller = t->smaller;
            qn_free(m->mem, t, sizeof *t + (t->mask + 1) * sizeof t->slots[0]);
        }
        qn_latch_deinit(&m->shards[i].latch);
    }
    for (uint32_t i = 0; i < m->chunk_count; i++)
        qn_free(m->mem, atomic_load(&m->chunks[i]), sizeof(id_chunk));
    qn_latch_deinit(&m->latch);
    qn_free(m->mem, m->chunks, m->chunk_count * sizeof *m->chunks);
    qn_free(m->mem, m->shards, ID_SHARDS * sizeof *m->shards);
    m->shards = NULL;
}

/* The identity's id, or ID_NONE and the empty slot where the search ended. */
static uint32_t search(const id_map *m, id_table *t, qn_hash128 identity, _Atomic uint64_t **empty)
{
    for (uint64_t at = identity.lo & t->mask;; at = (at + 1) & t->mask) {
        uint64_t slot = atomic_load_explicit(&t->slots[at], memory_order_acquire);
        if (!slot) {
            *empty = &t->slots[at];
            return ID_NONE;
        }
        if ((slot & TAG) != (identity.hi & TAG))
            continue;
        while ((uint32_t)slot == ID_BUSY) { /* for as long as it takes to write an identity */
            slot = atomic_load_explicit(&t->slots[at], memory_order_acquire);
            if (atomic_load_explicit(&m->failed, memory_order_relaxed))
                return ID_NONE;
        }
        const qn_hash128 *known = id_map_identity(m, (uint32_t)slot - 1);
        if (known->lo == identity.lo && known->hi == identity.hi)
            return (uint32_t)slot - 1;
    }
}

static bool chunk_exists(id_map *m, uint32_t number)
{
    if (number >= m->chunk_count)
        return false;
    if (atomic_load_explicit(&m->chunks[number], memory_order_acquire))
        return true;
    qn_latch_take(&m->latch);
    if (!atomic_load_explicit(&m->chunks[number], memory_order_relaxed))
        atomic_store_explicit(&m->chunks[number], (id_chunk *)qn_alloc(m->mem, sizeof(id_chunk)), memory_order_release);
    qn_latch_drop(&m->latch);
    return atomic_load_explicit(&m->chunks[number], memory_order_acquire) != NULL;
}

/* Twice the slots, at most two thirds of which are ever in use. */
static id_table *grow(id_map *m, id_shard *s, id_table *t)
{
    id_table *larger = table_new(m->mem, (t->mask + 1) * 4, t);
    if (!larger)
        return NULL;
    for (uint64_t i = 0; i <= t->mask; i++) {
        uint64_t slot = atomic_load_explicit(&t->slots[i], memory_order_relaxed);
        if (!slot)
            continue;
        uint64_t at = id_map_identity(m, (uint32_t)slot - 1)->lo & larger->mask;
        while (atomic_load_explicit(&larger->slots[at], memory_order_relaxed))
            at = (at + 1) & larger->mask;
        atomic_store_explicit(&larger->slots[at], slot, memory_order_relaxed);
    }
    atomic_store_explicit(&s->table, larger, memory_order_release);
    return larger;
}

/* A new number, its identity written. */
static uint32_t next_id(id_map *m, qn_hash128 identity)
{
    uint32_t id = atomic_fetch_add_explicit(&m->next, 1, memory_order_relaxed);
    if (!chunk_exists(m, id / ID_CHUNK)) {
        atomic_store(&m->failed, true);
        return ID_NONE;
    }
    atomic_load_explicit(&m->chunks[id / ID_CHUNK], memory_order_relaxed)->identities[id % ID_CHUNK] = identity;
    return id;
}

/* Under the shard's latch. */
static uint32_t make(id_map *m, id_shard *s, qn_hash128 identity, bool *fresh)
{
    id_table         *t = atomic_load_explicit(&s->table, memory_order_relaxed);
    _Atomic uint64_t *empty;
    uint32_t          id = search(m, t, identity, &empty);
    if (id != ID_NONE)
        return id;
    if ((s->count + 1) * 3 > (t->mask + 1) * 2) {
        t = grow(m, s, t);
        if (!t)
            return ID_NONE;
        search(m, t, identity, &empty);
    }
    id = next_id(m, identity);
    if (id == ID_NONE)
        return ID_NONE;
    atomic_store_explicit(empty, (identity.hi & TAG) | (id + 1), memory_order_release);
    s->count++;
    *fresh = true;
    return id;
}

/* In a table with room for all. */
static uint32_t make_unlocked(id_map *m, id_table *t, qn_hash128 identity, _Atomic uint64_t *empty, bool *fresh)
{
    for (;;) {
        uint64_t slot = 0;
        if (atomic_compare_exchange_strong_explicit(empty, &slot, (identity.hi & TAG) | ID_BUSY, memory_order_acquire, memory_order_relaxed)) {
            uint32_t id = next_id(m, identity);
            if (id != ID_NONE)
                atomic_store_explicit(empty, (identity.hi & TAG) | (id + 1), memory_order_release);
            *fresh = id != ID_NONE;
            return id;
        }
        uint32_t id = search(m, t, identity, &empty); /* somebody took the slot, perhaps for the same */
        if (id != ID_NONE || atomic_load_explicit(&m->failed, memory_order_relaxed))
            return id;
    }
}

uint32_t id_map_find(id_map *m, qn_hash128 identity, bool *fresh)
{
    id_shard         *s = &m->shards[identity.hi >> 58 & m->shard_mask];
    id_table         *t = atomic_load_explicit(&s->table, memory_order_acquire);
    _Atomic uint64_t *empty;
    uint32_t          id = search(m, t, identity, &empty);
    *fresh = false;
    if (id != ID_NONE || atomic_load_explicit(&m->failed, memory_order_relaxed))
        return id;
    if (m->roomy)
        return make_unlocked(m, t, identity, empty, fresh);
    qn_latch_take(&s->latch);
    id = make(m, s, identity, fresh);
    qn_latch_drop(&s->latch);
    return id;
}
