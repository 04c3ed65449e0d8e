/* The trigram index of a text column: three consecutive ASCII bytes -> the chunks that have them.
 *
 * LIKE '%google%' reads only chunks that have goo, oog, ogl and gle.  A trigram in more than a
 * quarter of the chunks narrows too little to be listed; it stays in the directory with an empty
 * list, so that it can be told from one that does not occur.  Columns of few chunks have no index.
 */
#include "store/block/build.h"
#include "store/block/read.h"

#define MIN_CHUNKS   8u
#define TRIGRAMS     (1u << 21)
#define LIST_BITS    11u
#define ANCHOR_EVERY 64u

static inline bool trigram_at(const uint8_t *p, uint32_t *trigram)
{
    if ((p[0] | p[1] | p[2]) & 0x80)
        return false;
    *trigram = (uint32_t)p[0] << 14 | (uint32_t)p[1] << 7 | p[2];
    return true;
}

/* ---- writing -------------------------------------------------------------------------------- */

typedef struct gather_state {
    uint32_t *last;  /* per trigram: chunk + 1 that had it last */
    uint32_t *count; /* per trigram: chunks that have it */
    uint64_t *met;   /* bit per trigram: count is not 0; 256 KB to walk instead of 8 MB */
    qn_out   *pairs; /* u32 trigrams, chunk after chunk */
} gather_state;

/* New trigrams of one chunk.  What a string shares with the one before has been seen in this chunk.
 */
static bool gather_chunk(gather_state *g, const qn_str *s, uint32_t n, uint32_t chunk)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *p = (const uint8_t *)qn_str_data(&s[i]);
        uint32_t       bytes = s[i].bytes, from = 0, trigram;
        if (bytes < 3)
            continue;
        if (i) {
            const uint8_t *before = (const uint8_t *)qn_str_data(&s[i - 1]);
            uint32_t       most = bytes < s[i - 1].bytes ? bytes : s[i - 1].bytes;
            while (from < most && p[from] == before[from])
                from++;
            from = from > 2 ? from - 2 : 0;
        }
        uint32_t *out = (uint32_t *)(void *)qn_out_reserve(g->pairs, (size_t)(bytes - from) * 4);
        if (!out)
            return false;
        uint32_t *end = out;
        for (uint32_t at = from; at + 3 <= bytes; at++)
            if (trigram_at(p + at, &trigram) && g->last[trigram] != chunk + 1) {
                g->last[trigram] = chunk + 1;
                g->met[trigram / 64] |= (uint64_t)(g->count[trigram]++ == 0) << (trigram & 63);
                *end++ = trigram;
            }
        g->pairs->bytes += (size_t)(end - out) * 4;
    }
    return true;
}

/* One list: varint differences, or a bitmap when that is no longer. */
static uint32_t write_list(qn_out *out, const uint16_t *chunks, uint32_t n, uint32_t bitmap_bytes)
{
    uint8_t  varints[2 * 4096];
    uint32_t bytes = 0, next = 0;
    for (uint32_t i = 0; i < n && bytes < bitmap_bytes; i++) {
        uint32_t gap = chunks[i] - next;
        if (gap >= 128)
            varints[bytes++] = (uint8_t)(gap >> 7 | 128);
        varints[bytes++] = gap & 127;
        next = chunks[i] + 1u;
    }
    if (bytes < bitmap_bytes) {
        qn_out_add(out, varints, bytes);
        return bytes;
    }
    uint8_t *p = qn_out_reserve(out, bitmap_bytes);
    if (!p)
        return 0;
    memset(p, 0, bitmap_bytes);
    for (uint32_t i = 0; i < n; i++)
        p[chunks[i] >> 3] |= (uint8_t)(1u << (chunks[i] & 7));
    out->bytes += bitmap_bytes;
    return bitmap_bytes;
}

/* The next trigram met from t on, TRIGRAMS when there is none. */
static uint32_t next_met(const gather_state *g, uint32_t t)
{
    while (t < TRIGRAMS) {
        uint64_t bits = g->met[t / 64] >> (t & 63);
        if (bits)
            return t + (uint32_t)__builtin_ctzll(bits);
        t = (t | 63) + 1;
    }
    return TRIGRAMS;
}

/* Directory and lists, the chunks of each listed trigram standing in lists[] one after the other.
 */
static void write_index(qn_block_builder *b, const gather_state *g, uint32_t used, uint32_t chunks,
                        const uint16_t *lists)
{
    const uint32_t *count = g->count;
    uint32_t        limit = chunks / 4, bitmap_bytes = (chunks + 7) / 8, entry = 0;
    size_t          start = b->out.bytes, anchors = (used + ANCHOR_EVERY - 1) / ANCHOR_EVERY;
    size_t          head = 8 + ((size_t)used + anchors) * 4, at = 0;
    if (!qn_out_reserve(&b->out, head))
        return;
    b->out.bytes += head;
    memcpy(b->out.data + start, &used, 4);
    memcpy(b->out.data + start + 4, &chunks, 4);
    for (uint32_t t = next_met(g, 0); t < TRIGRAMS; t = next_met(g, t + 1)) {
        uint32_t offset = (uint32_t)(b->out.bytes - start - head), bytes = 0;
        if (entry % ANCHOR_EVERY == 0)
            memcpy(b->out.data + start + 8 + (size_t)used * 4 + entry / ANCHOR_EVERY * 4, &offset,
                   4);
        if (count[t] <= limit) {
            bytes = write_list(&b->out, lists + at, count[t], bitmap_bytes);
            at += count[t];
        }
        if (b->out.failed)
            return;
        uint32_t word = t << LIST_BITS | bytes;
        memcpy(b->out.data + start + 8 + (size_t)entry * 4, &word, 4);
        entry++;
    }
}

/* Tables per trigram, all zeros: cleared by need, since each column leaves them clear. */
static bool prepare_tables(qn_block_builder *b, gather_state *g, uint32_t **next)
{
    size_t    words = TRIGRAMS / 64 * 2 + 3 * (size_t)TRIGRAMS;
    uint32_t *tables = qn_build_array(b, SLOT_TRIGRAMS, uint32_t, words);
    if (!tables)
        return false;
    if (!b->trigrams_clear)
        memset(tables, 0, words * 4);
    b->trigrams_clear = false;
    g->met = (uint64_t *)(void *)tables;
    g->last = tables + TRIGRAMS / 64 * 2;
    g->count = g->last + TRIGRAMS;
    *next = g->count + TRIGRAMS;
    g->pairs = &b->tri_out;
    b->tri_out.bytes = 0;
    b->tri_out.failed = false;
    return true;
}

static void clear_tables(qn_block_builder *b, gather_state *g)
{
    for (uint32_t t = next_met(g, 0); t < TRIGRAMS; t = next_met(g, t + 1))
        g->last[t] = g->count[t] = 0;
    memset(g->met, 0, TRIGRAMS / 8);
    b->trigrams_clear = true;
}

qn_status qn_trigrams_write(qn_block_builder *b, const qn_str *sorted, uint32_t count,
                            qn_error *err)
{
    uint32_t chunks = (count + QN_CHUNK_STRINGS - 1) / QN_CHUNK_STRINGS, used = 0,
             limit = chunks / 4, total = 0;
    uint32_t    *next;
    gather_state g;
    if (chunks < MIN_CHUNKS || b->no_trigrams)
        return QN_OK;
    uint32_t *chunk_ends = qn_build_array(b, SLOT_DELTA, uint32_t, chunks);
    if (!chunk_ends || !prepare_tables(b, &g, &next))
        return qn_nomem(err);
    for (uint32_t c = 0; c < chunks; c++) {
        uint32_t first = c * QN_CHUNK_STRINGS, n = count - first;
        if (!gather_chunk(&g, sorted + first, n < QN_CHUNK_STRINGS ? n : QN_CHUNK_STRINGS, c))
            return qn_nomem(err);
        chunk_ends[c] = (uint32_t)(b->tri_out.bytes / 4);
    }
    for (uint32_t t = next_met(&g, 0); t < TRIGRAMS; t = next_met(&g, t + 1)) {
        used++;
        next[t] = total;
        total += g.count[t] <= limit ? g.count[t] : 0;
    }
    uint16_t *lists = qn_build_array(b, SLOT_SORT, uint16_t, total);
    if (!lists)
        return qn_nomem(err);
    const uint32_t *pairs = (const uint32_t *)(const void *)b->tri_out.data;
    for (uint32_t c = 0, i = 0; c < chunks; c++)
        for (; i < chunk_ends[c]; i++)
            if (g.count[pairs[i]] <= limit)
                lists[next[pairs[i]]++] = (uint16_t)c;
    if (used) {
        qn_build_begin(b);
        write_index(b, &g, used, chunks, lists);
        qn_build_end(b, QN_SECTION_TRIGRAMS);
    }
    clear_tables(b, &g);
    return b->out.failed ? qn_nomem(err) : QN_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

typedef struct trigram_index {
    const uint8_t *entries, *anchors, *lists;
    uint32_t       count, chunks;
} trigram_index;

static trigram_index index_of(const uint8_t *p)
{
    trigram_index x = {.count = qn_get32(p), .chunks = qn_get32(p + 4), .entries = p + 8};
    x.anchors = x.entries + (size_t)x.count * 4;
    x.lists = x.anchors + (size_t)((x.count + ANCHOR_EVERY - 1) / ANCHOR_EVERY) * 4;
    return x;
}

static uint32_t entry_at(const trigram_index *x, uint32_t i)
{
    return qn_get32(x->entries + (size_t)i * 4);
}
static uint32_t list_bytes(uint32_t entry)
{
    return entry & ((1u << LIST_BITS) - 1);
}

/* Mark the chunks of one list; false when it is damaged. */
static bool mark_list(const uint8_t *p, uint32_t bytes, uint32_t chunks, uint64_t *bits)
{
    if (bytes == (chunks + 7) / 8) {
        for (uint32_t i = 0; i < bytes; i++)
            bits[i / 8] |= (uint64_t)p[i] << (i % 8 * 8);
        return chunks % 8 == 0 || p[bytes - 1] >> chunks % 8 == 0;
    }
    for (uint32_t i = 0, next = 0; i < bytes; next++) {
        uint32_t gap = p[i] & 127;
        if (p[i++] & 128) {
            if (i == bytes || p[i] & 128)
                return false;
            gap = gap << 7 | p[i++];
        }
        next += gap;
        if (next >= chunks)
            return false;
        bits[next >> 6] |= (uint64_t)1 << (next & 63);
    }
    return true;
}

bool qn_trigrams_check(const uint8_t *p, uint64_t bytes, uint32_t distinct)
{
    uint64_t scratch[QN_BLOCK_ROWS / QN_CHUNK_STRINGS / 64] = {0}, at = 0;
    uint32_t chunks = (distinct + QN_CHUNK_STRINGS - 1) / QN_CHUNK_STRINGS;
    if (bytes < 8 || qn_get32(p) == 0 || qn_get32(p) > TRIGRAMS || qn_get32(p + 4) != chunks)
        return false;
    uint64_t count = qn_get32(p),
             head = 8 + (count + (count + ANCHOR_EVERY - 1) / ANCHOR_EVERY) * 4;
    if (head > bytes)
        return false;
    trigram_index x = index_of(p);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry = entry_at(&x, i), n = list_bytes(entry);
        if ((i && entry >> LIST_BITS <= entry_at(&x, i - 1) >> LIST_BITS) || n > (chunks + 7) / 8 ||
            n > bytes - head - at ||
            (i % ANCHOR_EVERY == 0 && qn_get32(x.anchors + (size_t)(i / ANCHOR_EVERY) * 4) != at) ||
            !mark_list(x.lists + at, n, chunks, scratch))
            return false;
        at += n;
    }
    return at == bytes - head;
}

/* The entry of a trigram, or count when it does not occur. */
static uint32_t find_entry(const trigram_index *x, uint32_t trigram)
{
    uint32_t lo = 0, hi = x->count;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (entry_at(x, mid) >> LIST_BITS < trigram)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < x->count && entry_at(x, lo) >> LIST_BITS == trigram ? lo : x->count;
}

static const uint8_t *find_list(const trigram_index *x, uint32_t i)
{
    size_t at = qn_get32(x->anchors + (size_t)(i / ANCHOR_EVERY) * 4);
    for (uint32_t k = i / ANCHOR_EVERY * ANCHOR_EVERY; k < i; k++)
        at += list_bytes(entry_at(x, k));
    return x->lists + at;
}

qn_status qn_block_trigrams(qn_block *block, uint32_t column, const char *needle, size_t bytes,
                            uint64_t *chunks, bool *all, qn_error *err)
{
    qn_status st = QN_OK;
    *all = true;
    QN_TRY(qn_block_need_codes(block, column, QN_BANK_STR, 1, 0, err));
    const column_state *c = &block->columns[column];
    if (!c->section[QN_SECTION_TRIGRAMS].p || bytes < 3)
        goto done;
    QN_TRY(qn_block_section(block, column, QN_SECTION_TRIGRAMS, err));
    trigram_index x = index_of(c->section[QN_SECTION_TRIGRAMS].p);
    size_t        words = (x.chunks + 63) / 64;
    for (size_t i = 0; i + 3 <= bytes; i++) {
        uint32_t trigram;
        uint64_t mine[QN_BLOCK_ROWS / QN_CHUNK_STRINGS / 64] = {0};
        if (!trigram_at((const uint8_t *)needle + i, &trigram))
            continue;
        uint32_t entry = find_entry(&x, trigram);
        if (entry < x.count && list_bytes(entry_at(&x, entry)) == 0)
            continue; /* nearly everywhere */
        qn_touch(QN_TOUCH_LINE + (entry < x.count ? list_bytes(entry_at(&x, entry)) : 0));
        if (entry < x.count)
            (void)mark_list(find_list(&x, entry), list_bytes(entry_at(&x, entry)), x.chunks, mine);
        for (size_t w = 0; w < words; w++)
            chunks[w] = *all ? mine[w] : chunks[w] & mine[w];
        *all = false;
    }
    st = qn_block_readable(block, err);
done:
    return st;
}
