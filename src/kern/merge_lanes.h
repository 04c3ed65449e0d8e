/* A chain that merges WIDTH values a step, for merge_avx2.c and merge_avx512.c.
 *
 * The chain holds the greatest WIDTH of the values it has loaded.  A step loads WIDTH more from the list whose next
 * value is smaller, and a bitonic network (Batcher 1968; for SIMD registers Chhugani et al., "Efficient Implementation
 * of Sorting on Multi-Core SIMD CPU Architecture", 2008) separates these 2 * WIDTH: the lower half is finished, for
 * nothing yet unloaded can be below it, and the upper half is held.  Of the lower half every value that equals the one
 * before it is dropped.
 *
 * The last values of a list, fewer than WIDTH, are followed by UINT64_MAX.  All copies of it collapse into one, so in
 * the end there is one value too many exactly when neither list has a UINT64_MAX of its own.  (Where repeated values are
 * kept, they all come last and there is no room for them.)
 *
 * The vocabulary
 *   WIDTH, vec
 *   v_load(p) v_load_part(p, n)     WIDTH values; the first n < WIDTH and then UINT64_MAX
 *   v_splat(x) v_reverse(v)
 *   v_network(fresh, held, low)     both in *low and the result ascend; held descends, and so does the result
 *   v_fresh(v, before)              bit per lane of v: differs from the lane before it, lane 0 from the last of before
 *   v_compress(v, bits)             the lanes of these bits, moved together
 *   v_store(p, v) v_store_part(p, v, n)
 */
#ifndef QN_KERN_MERGE_LANES_H
#define QN_KERN_MERGE_LANES_H

typedef struct chain {
    const uint64_t *a, *b;           /* what is not loaded yet */
    const uint64_t *a_stop, *b_stop; /* here less than a whole vector is left */
    const uint64_t *a_end, *b_end;
    uint64_t       *out, *out_start, *room_end;
    size_t          n; /* how many were not put out: all, or a UINT64_MAX without room */
    vec             held, before; /* before: what was put out last, its last lane counts */
    bool            filled;       /* one too many: see above */
} chain;

static inline const uint64_t *whole(const uint64_t *from, const uint64_t *end)
{
    return from + (size_t)(end - from) / WIDTH * WIDTH;
}

static inline void chain_begin(chain *c, const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count,
                               uint64_t *out)
{
    size_t first = a_count < WIDTH ? a_count : WIDTH;
    c->held = v_reverse(first < WIDTH ? v_load_part(a, first) : v_load(a));
    c->before = v_splat(~(*a < *b ? *a : *b));
    c->a = a + first;
    c->b = b;
    c->a_end = a + a_count;
    c->b_end = b + b_count;
    c->a_stop = whole(c->a, c->a_end);
    c->b_stop = whole(b, c->b_end);
    c->out = c->out_start = out;
    c->room_end = out ? out + a_count + b_count : NULL;
    c->n = 0;
    c->filled = (a_count % WIDTH || b_count % WIDTH) && c->a_end[-1] != UINT64_MAX && c->b_end[-1] != UINT64_MAX;
}

static inline bool chain_more(const chain *c)
{
    return c->a != c->a_stop && c->b != c->b_stop;
}

/* Which list comes next is anybody's guess, so it must not become a branch, and compilers do turn such arithmetic
 * back into one unless they are kept from seeing that b_first is 0 or all ones. */
static inline vec chain_low(chain *c)
{
    const uint64_t *a = c->a, *b = c->b;
    vec             low;
    size_t          b_first = -(size_t)(*b < *a);
    __asm__("" : "+r"(b_first));
    c->a = a + WIDTH - (b_first & WIDTH);
    c->b = b + (b_first & WIDTH);
    c->held = v_network(v_load(b_first ? b : a), c->held, &low);
    return low;
}

/* exact: the room may end inside this vector.  In chain_step it cannot: whole vectors only have been loaded, one more
 * than put out. */
static inline void chain_put(chain *c, vec low, keep what, bool exact)
{
    size_t n = WIDTH;
    if (what != KEEP_ALL) {
        unsigned bits = v_fresh(low, c->before);
        c->before = low;
        n = (unsigned)__builtin_popcount(bits);
        if (what == KEEP_NONE) {
            c->n += n;
            return;
        }
        low = v_compress(low, bits);
    }
    size_t room = (size_t)(c->room_end - c->out);
    if (exact && room < WIDTH) {
        size_t fits = n < room ? n : room;
        v_store_part(c->out, low, fits);
        c->n += n - fits;
        n = fits;
    } else {
        v_store(c->out, low);
    }
    c->out += n;
}

static inline void chain_step(chain *c, keep what)
{
    chain_put(c, chain_low(c), what, false);
}

/* A list's end, copied to where it can be followed by UINT64_MAX: up to `to` + 2 * WIDTH can be loaded, and then there
 * is a value to compare.  More of them than the list has values are loaded only when the other list's next value is
 * UINT64_MAX too, so that it does not matter whose it is. */
static inline const uint64_t *tail(uint64_t *to, const uint64_t *from, const uint64_t *end)
{
    vec fill = v_splat(UINT64_MAX);
    v_store(to, from == end ? fill : v_load_part(from, (size_t)(end - from)));
    v_store(to + WIDTH, fill);
    v_store(to + 2 * WIDTH, fill);
    return to;
}

static inline size_t chain_end(chain *c, keep what)
{
    uint64_t a_tail[3 * WIDTH], b_tail[3 * WIDTH];
    size_t   loads = (size_t)(c->a_end - c->a + WIDTH - 1) / WIDTH + (size_t)(c->b_end - c->b + WIDTH - 1) / WIDTH;
    while (loads) {
        if (c->a == c->a_stop) {
            c->a = tail(a_tail, c->a, c->a_end);
            c->a_stop = c->a_end = a_tail + 2 * WIDTH;
        }
        if (c->b == c->b_stop) {
            c->b = tail(b_tail, c->b, c->b_end);
            c->b_stop = c->b_end = b_tail + 2 * WIDTH;
        }
        do
            chain_put(c, chain_low(c), what, true);
        while (--loads && c->a != c->a_stop && c->b != c->b_stop);
    }
    chain_put(c, v_reverse(c->held), what, true);
    return c->n + (size_t)(c->out - c->out_start) - c->filled;
}

#endif
