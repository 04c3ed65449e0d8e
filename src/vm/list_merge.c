/* Distinct values of many sorted lists: see list_merge.h.
 *
 * The merge tree goes depth first, so that small results are used while they are in the nearest cache, and it takes
 * four nodes of a level together, because the kernel runs four merges for little more than the price of one.  Results
 * go to one scratch buffer and their inputs come from the other, level by level; each node owns the same stretch of
 * both, from the start of its first list to the start of its last's successor, so nothing is overwritten before it was
 * read and a single list is used where it lies. */
#include "vm/list_merge.h"

#include <string.h>
#include "base/assert.h"

#define TOGETHER 4u

/* ---- merge tree ---- */

enum { /* what list_plan says of a level of the tree */
    UNKNOWN,
    DROP, /* values that both lists hold become one */
    KEEP, /* they stay: so few that it is cheaper to carry them on */
};

typedef struct tree {
    const qn_merge_kernels *k;
    const list_run         *runs;
    const uint32_t         *starts; /* how many values lie before each list */
    uint64_t               *scratch[2];
    uint8_t                *plans; /* by depth; the root, at 0, is counted */
} tree;

typedef struct node {
    uint32_t first, end; /* lists */
    list_run result;
    bool     repeats; /* the result may hold a value more than once */
} node;

/* An empty list weighs something as well: many of them must not make a deep tree. */
static uint64_t weight_before(const tree *t, uint32_t list)
{
    return (uint64_t)t->starts[list] + list;
}

/* Where to cut a node's lists so that both parts weigh about the same: lists are of similar length as a rule, so we
 * walk from the middle. */
static uint32_t middle_of(const tree *t, const node *n)
{
    uint64_t twice = weight_before(t, n->first) + weight_before(t, n->end);
    uint32_t m = n->first + (n->end - n->first) / 2;
    while (m + 1 < n->end && weight_before(t, m) + weight_before(t, m + 1) < twice)
        m++;
    while (m - 1 > n->first && weight_before(t, m - 1) + weight_before(t, m) > twice)
        m--;
    return m;
}

/* The merges of some nodes of one depth.  Dropping repeated values makes a merge a quarter dearer and each of the merges
 * above, as many as the depth says, cheaper by the share that was dropped.  The first nodes of a depth tell that share;
 * depth 1 drops in any case, because what is counted in the end must be distinct. */
static void merge_level(const tree *t, qn_merge_job *jobs, uint32_t count, uint32_t depth)
{
    uint64_t before = 0, after = 0;
    if (t->plans[depth] == KEEP && t->k->merge_all) {
        t->k->merge_all(jobs, count);
        return;
    }
    t->k->merge(jobs, count);
    if (t->plans[depth] == DROP)
        return;
    for (uint32_t i = 0; i < count; i++) {
        before += jobs[i].a_count + jobs[i].b_count;
        after += jobs[i].out_count;
    }
    t->plans[depth] = depth > 1 && t->k->merge_all && (before - after) * depth < before / 4 ? KEEP : DROP;
}

/* Results of up to four nodes of a depth, into scratch[depth & 1] where they are no single list.  Two levels down a
 * node weighs half as much or is a single list, so the depth is at most twice the logarithm of the whole weight, which
 * is below 2^33. */
static void solve(const tree *t, node *nodes, uint32_t count, uint32_t depth)
{
    node         children[2 * TOGETHER];
    qn_merge_job jobs[TOGETHER];
    uint32_t     inner[TOGETHER], used = 0;
    QN_ASSERT(depth < LIST_DEPTHS);
    for (uint32_t i = 0; i < count; i++) {
        node *n = &nodes[i];
        if (n->end - n->first == 1) {
            n->result = t->runs[n->first];
            continue;
        }
        uint32_t middle = middle_of(t, n);
        children[2 * used] = (node){.first = n->first, .end = middle};
        children[2 * used + 1] = (node){.first = middle, .end = n->end};
        inner[used++] = i;
    }
    if (!used)
        return;
    solve(t, children, 2 * used < TOGETHER ? 2 * used : TOGETHER, depth + 1);
    if (2 * used > TOGETHER)
        solve(t, children + TOGETHER, 2 * used - TOGETHER, depth + 1);
    for (uint32_t i = 0; i < used; i++) {
        const node *a = &children[2 * i], *b = &children[2 * i + 1];
        jobs[i] = (qn_merge_job){.a = a->result.values, .b = b->result.values, .a_count = a->result.count,
                                 .b_count = b->result.count, .repeats = a->repeats || b->repeats,
                                 .out = t->scratch[depth & 1] + t->starts[nodes[inner[i]].first]};
    }
    bool kept = t->plans[depth] == KEEP && t->k->merge_all;
    merge_level(t, jobs, used, depth);
    for (uint32_t i = 0; i < used; i++) {
        nodes[inner[i]].result = (list_run){jobs[i].out, (uint32_t)jobs[i].out_count};
        nodes[inner[i]].repeats = kept;
    }
}

uint64_t list_merge_count(const qn_merge_kernels *k, const list_run *runs, uint32_t count, uint64_t *scratch_a,
                          uint64_t *scratch_b, uint32_t *starts, list_plan *plan)
{
    tree t = {.k = k, .runs = runs, .starts = starts, .scratch = {scratch_a, scratch_b}, .plans = plan->by_depth};
    if (count == 0)
        return 0;
    if (count == 1)
        return runs[0].count;
    starts[0] = 0;
    for (uint32_t i = 0; i < count; i++)
        starts[i + 1] = starts[i] + runs[i].count;
    node     all = {.first = 0, .end = count};
    uint32_t middle = middle_of(&t, &all);
    node     halves[2] = {{.first = 0, .end = middle}, {.first = middle, .end = count}};
    solve(&t, halves, 2, 1);
    return k->count_union(halves[0].result.values, halves[0].result.count, halves[1].result.values, halves[1].result.count);
}

/* ---- hash ---- */

/* A third of the table at most is used: a value that finds its slot taken costs a wrong guess of the processor, which
 * is dearer than the larger table. */
uint64_t list_hash_slots(uint32_t all)
{
    uint64_t slots = 64;
    while (slots < (uint64_t)all * 3)
        slots *= 2;
    return slots;
}

/* Whether to look at the next slot.  The compiler is kept from making this two branches, of which the one that tells
 * new values from known ones would be guessed wrong all the time. */
static inline bool taken_by_another(uint64_t slot, uint64_t v)
{
    uint32_t taken = (slot != 0) & (slot != v);
    __asm__("" : "+r"(taken));
    return taken;
}

/* 0 marks an empty slot; as a value it can only be a list's first.  Multiplicative hashing: Knuth, "The Art of Computer
 * Programming" volume 3, section 6.4. */
uint64_t list_hash_count(const list_run *runs, uint32_t count, uint64_t *table)
{
    uint32_t all = 0;
    for (uint32_t i = 0; i < count; i++)
        all += runs[i].count;
    uint64_t slots = list_hash_slots(all), mask = slots - 1, n = 0, zero = 0;
    unsigned shift = (unsigned)__builtin_clzll(slots) + 1;
    memset(table, 0, slots * sizeof *table);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = runs[i].count && runs[i].values[0] == 0;
        zero |= k;
        for (; k < runs[i].count; k++) {
            uint64_t v = runs[i].values[k], at = v * 0x9e3779b97f4a7c15ull >> shift, slot = table[at];
            while (taken_by_another(slot, v)) {
                at = (at + 1) & mask;
                slot = table[at];
            }
            table[at] = v;
            n += slot == 0;
        }
    }
    return n + zero;
}

/* ---- recycled vectors ---- */

#define VECTOR_VALUES 8192u

struct list_vector {
    list_vector *next;
    uint32_t     count, at; /* at: how many have been merged already */
    uint64_t     values[VECTOR_VALUES];
};

/* A list while it is merged: a borrowed array first, vectors later. */
typedef struct source {
    const uint64_t *at, *end; /* of the part being read */
    list_vector    *vectors;  /* the rest; the first is being read */
} source;

typedef struct sink {
    list_vector *first, *last;
    uint64_t     n;
    bool         store;
} sink;

void list_pool_init(list_pool *pool, qn_mem *mem)
{
    *pool = (list_pool){.mem = mem};
}

void list_pool_deinit(list_pool *pool)
{
    while (pool->waiting) {
        list_vector *v = pool->waiting;
        pool->waiting = v->next;
        qn_free(pool->mem, v, sizeof *v);
    }
}

static list_vector *pool_take(list_pool *pool)
{
    list_vector *v = pool->waiting;
    if (v) {
        pool->waiting = v->next;
    } else {
        v = qn_alloc(pool->mem, sizeof *v);
        if (!v)
            return NULL;
        pool->taken++;
    }
    v->next = NULL;
    v->count = 0;
    return v;
}

static void pool_give(list_pool *pool, list_vector *v)
{
    while (v) {
        list_vector *next = v->next;
        v->next = pool->waiting;
        pool->waiting = v;
        v = next;
    }
}

static source source_of(list_run borrowed, list_vector *vectors)
{
    if (vectors)
        return (source){vectors->values, vectors->values + vectors->count, vectors};
    return (source){borrowed.values, borrowed.values ? borrowed.values + borrowed.count : NULL, NULL};
}

/* Whether a value is left; a vector that is empty goes back to the pool. */
static bool source_more(list_pool *pool, source *s)
{
    while (s->at == s->end) {
        list_vector *empty = s->vectors;
        if (!empty || !empty->next) {
            if (empty)
                pool_give(pool, empty);
            s->vectors = NULL;
            return false;
        }
        s->vectors = empty->next;
        empty->next = NULL;
        pool_give(pool, empty);
        s->at = s->vectors->values;
        s->end = s->at + s->vectors->count;
    }
    return true;
}

/* One value a step, without a branch on values (kern/merge_base.c), until a part or the room is used up. */
static uint32_t merge_part(source *a, source *b, uint64_t *out, uint32_t room, bool store)
{
    const uint64_t *x = a->at, *y = b->at;
    uint32_t        n = 0;
    while (n < room && x != a->end && y != b->end) {
        uint64_t v = *x, w = *y, take_v = v <= w;
        if (store)
            out[n] = w ^ ((v ^ w) & -take_v);
        n++;
        x += take_v;
        y += w <= v;
    }
    a->at = x;
    b->at = y;
    return n;
}

/* Room for at least one value more. */
static bool sink_room(list_pool *pool, sink *s)
{
    if (!s->store || (s->last && s->last->count < VECTOR_VALUES))
        return true;
    list_vector *v = pool_take(pool);
    if (!v)
        return false;
    if (s->last)
        s->last->next = v;
    else
        s->first = v;
    s->last = v;
    return true;
}

static bool merge_sources(list_pool *pool, source *a, source *b, sink *out)
{
    for (;;) {
        bool more_a = source_more(pool, a), more_b = source_more(pool, b);
        if (!more_a && !more_b)
            return true;
        if (!sink_room(pool, out))
            return false;
        uint64_t *to = out->store ? out->last->values + out->last->count : NULL;
        uint32_t  room = out->store ? VECTOR_VALUES - out->last->count : UINT32_MAX, n;
        if (more_a && more_b) {
            n = out->store ? merge_part(a, b, to, room, true) : merge_part(a, b, to, room, false);
        } else {
            source *rest = more_a ? a : b;
            size_t  left = (size_t)(rest->end - rest->at);
            n = left < room ? (uint32_t)left : room;
            if (out->store)
                memcpy(to, rest->at, n * sizeof *to);
            rest->at += n;
        }
        if (out->store)
            out->last->count += n;
        out->n += n;
    }
}

qn_status list_recycled_count(list_pool *pool, const list_run *runs, uint32_t count, uint64_t *distinct, qn_error *err)
{
    list_vector **level;
    uint32_t      lists = count;
    size_t        bytes = qn_mul(count, sizeof *level);
    *distinct = count ? runs[0].count : 0;
    if (count < 2)
        return QN_OK;
    level = qn_alloc0(pool->mem, bytes); /* of the lists: vectors, or NULL while it is the run itself */
    if (!level)
        return qn_nomem(err);
    bool ok = true;
    for (bool borrowed = true; lists > 1 && ok; borrowed = false) {
        uint32_t made = 0;
        for (uint32_t i = 0; i < lists && ok; i += 2) {
            list_run none = {NULL, 0};
            source   a = source_of(borrowed ? runs[i] : none, level[i]), b = {NULL, NULL, NULL};
            sink     out = {.store = lists > 2};
            level[i] = NULL;
            if (i + 1 < lists) {
                b = source_of(borrowed ? runs[i + 1] : none, level[i + 1]);
                level[i + 1] = NULL;
            }
            ok = merge_sources(pool, &a, &b, &out);
            if (!ok) {
                pool_give(pool, a.vectors);
                pool_give(pool, b.vectors);
            }
            level[made++] = out.first;
            *distinct = out.n;
        }
        if (ok)
            lists = made;
    }
    for (uint32_t i = 0; i < count; i++)
        pool_give(pool, level[i]);
    qn_free(pool->mem, level, bytes);
    return ok ? QN_OK : qn_nomem(err);
}

/* ---- choice ---- */

static const char *const method_names[] = {"merge", "hash", "recycled"};

/* ns a value: fixed + per_level * log2(lists). */
static const struct {
    double fixed, per_level;
} method_costs[][QN_ISA_COUNT] = {
    [LIST_MERGE] = {{0, 1.0}, {0, 0.9}, {0, 0.42}},
    [LIST_HASH] = {{2.5, 0}, {2.5, 0}, {2.5, 0}},
    [LIST_RECYCLED] = {{0, 1.8}, {0, 1.8}, {0, 1.8}},
};

const char *list_method_name(list_method method)
{
    return method_names[method];
}

double list_method_ns(list_method method, uint32_t lists, qn_isa isa)
{
    double levels = 0;
    for (uint32_t n = 1; n < lists; levels += n * 2 <= lists ? 1 : (double)(lists - n) / n, n *= 2)
        if (n > UINT32_MAX / 2)
            break;
    return method_costs[method][isa].fixed + method_costs[method][isa].per_level * levels;
}

list_method list_method_choose(uint32_t lists, qn_isa isa)
{
    list_method best = LIST_MERGE;
    for (int m = LIST_HASH; m <= LIST_RECYCLED; m++)
        if (list_method_ns((list_method)m, lists, isa) < list_method_ns(best, lists, isa))
            best = (list_method)m;
    return best;
}
