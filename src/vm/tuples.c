/* Tuple partitions: see tuples.h. */
#include "vm/tuples.h"

#define CHUNK_FIRST 512u /* bytes: many parts stay small */
#define CHUNK_BYTES 32768u /* 512, 2 K, 8 K, 32 K */

bool tuple_parts_init(tuple_parts *p, qn_mem *mem, uint32_t words, uint32_t bits)
{
    *p = (tuple_parts){.mem = mem, .words = words, .bits = bits};
    p->parts = qn_alloc0(mem, sizeof *p->parts << bits);
    return p->parts != NULL;
}

void tuple_part_free(tuple_parts *p, tuple_part *part)
{
    for (tuple_chunk *c = part->first, *next; c; c = next) {
        next = c->next;
        atomic_fetch_sub_explicit(&p->held, c->bytes, memory_order_relaxed);
        qn_free(p->mem, c, c->bytes);
    }
    memset(part, 0, sizeof *part);
}

void tuple_parts_deinit(tuple_parts *p)
{
    if (!p->parts)
        return;
    for (uint32_t i = 0; i < 1u << p->bits; i++)
        tuple_part_free(p, &p->parts[i]);
    qn_free(p->mem, p->parts, sizeof *p->parts << p->bits);
    p->parts = NULL;
}

bool tuple_part_grow(tuple_parts *p, tuple_part *part)
{
    uint32_t     bytes = !part->last ? CHUNK_FIRST : part->last->bytes < CHUNK_BYTES ? part->last->bytes * 4 : CHUNK_BYTES;
    tuple_chunk *c = qn_alloc(p->mem, bytes);
    if (!c)
        return false;
    atomic_fetch_add_explicit(&p->held, bytes, memory_order_relaxed);
    uint32_t room = (uint32_t)((bytes - sizeof *c) / sizeof(uint64_t) / p->words * p->words);
    *c = (tuple_chunk){.bytes = bytes, .used = room};
    if (part->last)
        part->last->next = c;
    else
        part->first = c;
    part->last = c;
    part->at = c->words;
    part->end = c->words + room;
    return true;
}

void tuple_parts_seal(tuple_parts *p)
{
    for (uint32_t i = 0; i < 1u << p->bits; i++) {
        tuple_part *part = &p->parts[i];
        uint64_t    words = 0;
        if (part->last)
            part->last->used = (uint32_t)(part->at - part->last->words);
        for (const tuple_chunk *c = part->first; c; c = c->next)
            words += c->used;
        part->count = words / p->words;
    }
}

void tuple_part_take(tuple_parts *p, uint32_t number, uint64_t *out)
{
    tuple_part *part = &p->parts[number];
    for (const tuple_chunk *c = part->first; c; c = c->next) {
        memcpy(out, c->words, c->used * sizeof *out);
        out += c->used;
    }
    tuple_part_free(p, part);
}

/* ---- folding ------------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) bool same_key(const uint64_t *a, const uint64_t *b, uint32_t keys)
{
    uint64_t difference = 0;
    for (uint32_t i = 0; i < keys; i++)
        difference |= a[i] ^ b[i];
    return !difference;
}

/* Inlined with constant word counts for the usual shapes. */
static inline __attribute__((always_inline)) uint64_t fold(uint32_t keys, uint32_t adds, uint32_t maxima, uint64_t *tuples,
                                                           uint64_t n, uint32_t *heads, uint64_t mask)
{
    const uint32_t words = keys + adds + maxima;
    uint64_t       kept = 0;
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t *t = tuples + i * words;
        uint64_t        at = tuple_hash(t, keys) & mask;
        uint64_t       *group = NULL;
        for (; heads[at]; at = (at + 1) & mask) {
            uint64_t *g = tuples + (uint64_t)(heads[at] - 1) * words;
            if (same_key(g, t, keys)) {
                group = g;
                break;
            }
        }
        if (group) {
            for (uint32_t k = keys; k < keys + adds; k++)
                group[k] += t[k];
            for (uint32_t k = keys + adds; k < words; k++)
                group[k] = t[k] > group[k] ? t[k] : group[k];
            continue;
        }
        uint64_t *to = tuples + kept * words;
        for (uint32_t k = 0; k < words; k++)
            to[k] = t[k];
        heads[at] = (uint32_t)++kept;
    }
    return kept;
}

uint64_t tuple_fold(const tuple_shape *shape, uint64_t *tuples, uint64_t n, uint32_t *heads, uint64_t size)
{
    uint32_t keys = shape->keys, adds = shape->adds, maxima = shape->maxima;
    uint64_t mask = size - 1;
    memset(heads, 0, size * sizeof *heads);
    if (!maxima) {
        if (keys == 1 && adds == 0)
            return fold(1, 0, 0, tuples, n, heads, mask);
        if (keys == 1 && adds == 1)
            return fold(1, 1, 0, tuples, n, heads, mask);
        if (keys == 2 && adds == 0)
            return fold(2, 0, 0, tuples, n, heads, mask);
        if (keys == 2 && adds == 1)
            return fold(2, 1, 0, tuples, n, heads, mask);
        if (keys == 2 && adds == 2)
            return fold(2, 2, 0, tuples, n, heads, mask);
    }
    return fold(keys, adds, maxima, tuples, n, heads, mask);
}
