/* Sorted distinct strings in compressed chunks of 128, their hashes and lengths: written and read.
 *
 * Within a chunk each string keeps only what it does not share with the one before; what remains
 * goes through the column's codec (codec.c), or is stored when that does not pay.  Reading one
 * string costs its chunk.  The trigram index is in trigram.c.
 *
 * Nothing read here is trusted: lengths are added up before memory is taken for them, decompression
 * is bounded, and the text of a chunk is checked to be UTF-8 the first time that it is decoded. */
#include "store/block/build.h"
#include "store/block/codec.h"
#include "store/block/read.h"

/* ---- writing -------------------------------------------------------------------------------- */

static uint8_t *put_varint(uint8_t *p, uint32_t v)
{
    for (; v >= 128; v >>= 7)
        *p++ = (uint8_t)(v | 128);
    *p++ = (uint8_t)v;
    return p;
}

static uint32_t shared_prefix(const char *a, uint32_t a_bytes, const char *b, uint32_t b_bytes)
{
    uint32_t n = a_bytes < b_bytes ? a_bytes : b_bytes, i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t x = qn_get64(a + i) ^ qn_get64(b + i);
        if (x)
            return i + (uint32_t)__builtin_ctzll(x) / 8;
    }
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

/* The raw bytes of a chunk in SLOT_CHUNK. */
static uint8_t *raw_chunk(qn_block_builder *b, const qn_str *s, uint32_t count, size_t *bytes)
{
    uint32_t shared[QN_CHUNK_STRINGS];
    size_t   rest = 0;
    for (uint32_t i = 0; i < count; i++) {
        shared[i] = i ? shared_prefix(qn_str_data(&s[i - 1]), s[i - 1].bytes, qn_str_data(&s[i]),
                                      s[i].bytes)
                      : 0;
        rest += s[i].bytes - shared[i];
    }
    uint8_t *raw = qn_build_array(b, SLOT_CHUNK, uint8_t, rest + count * 10u);
    if (!raw)
        return NULL;
    uint8_t *p = raw;
    for (uint32_t i = 0; i < count; i++) {
        p = put_varint(p, shared[i]);
        p = put_varint(p, s[i].bytes - shared[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = s[i].bytes - shared[i];
        if (n)
            memcpy(p, qn_str_data(&s[i]) + shared[i], n);
        p += n;
    }
    *bytes = (size_t)(p - raw);
    return raw;
}

static qn_status write_chunk(qn_block_builder *b, const qn_str *s, uint32_t count, qn_error *err)
{
    size_t       raw_bytes, payload;
    qn_fmt_codec codec;
    uint8_t     *raw = raw_chunk(b, s, count, &raw_bytes);
    if (!raw)
        return qn_nomem(err);
    uint8_t *p = qn_out_reserve(&b->out, 8 + raw_bytes);
    if (!p)
        return qn_nomem(err);
    qn_status st = qn_codec_pack(b, raw, raw_bytes, p + 8, &payload, &codec, err);
    if (st != QN_OK)
        return st;
    if (codec == QN_CHUNK_STORED) {
        memcpy(p + 8, raw, raw_bytes);
        payload = raw_bytes;
    } else if (codec != QN_CHUNK_LZ4) {
        b->column.flags |= QN_FMT_TEXT_CODECS;
    }
    uint64_t word = (uint64_t)codec << QN_FMT_KIND_SHIFT | raw_bytes;
    memcpy(p, &word, 8);
    b->out.bytes += 8 + payload;
    return QN_OK;
}

/* Chunks from all over the column, as many as the codec would like to train on. */
static qn_status sample_chunks(qn_block_builder *b, const qn_str *sorted, uint32_t count,
                               qn_error *err)
{
    uint32_t chunks = (count + QN_CHUNK_STRINGS - 1) / QN_CHUNK_STRINGS, samples = 0;
    size_t   want = qn_codec_sample_bytes(b), have = 0;
    if (!want)
        return qn_codec_begin(b, NULL, NULL, 0, err);
    size_t  sizes_bytes = chunks * sizeof(size_t);
    size_t *sizes = qn_build_scratch(b, SLOT_SAMPLE, sizes_bytes + want + QN_KERN_SLACK);
    if (!sizes)
        return qn_nomem(err);
    uint8_t *to = (uint8_t *)sizes + sizes_bytes;
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += sorted[i].bytes;
    /* Chunks are at most as large as their strings and two varints each; most are much smaller. */
    uint32_t step = (uint32_t)((total + (uint64_t)count * 2) / want / 2 + 1);
    for (uint32_t c = 0; c < chunks; c += step) {
        uint32_t first = c * QN_CHUNK_STRINGS, n = count - first;
        size_t   bytes;
        uint8_t *raw =
            raw_chunk(b, sorted + first, n < QN_CHUNK_STRINGS ? n : QN_CHUNK_STRINGS, &bytes);
        if (!raw)
            return qn_nomem(err);
        if (bytes > want - have) /* a large one is passed over */
            continue;
        memcpy(to + have, raw, bytes);
        have += bytes;
        sizes[samples++] = bytes;
    }
    return qn_codec_begin(b, to, sizes, samples, err);
}

static qn_status write_hashes(qn_block_builder *b, const qn_str *s, uint32_t count, qn_error *err)
{
    const char **data = qn_build_array(b, SLOT_SORT, const char *, count);
    uint32_t    *bytes = qn_build_array(b, SLOT_SORT2, uint32_t, count);
    if (!data || !bytes)
        return qn_nomem(err);
    for (uint32_t i = 0; i < count; i++) {
        data[i] = qn_str_data(&s[i]);
        bytes[i] = s[i].bytes;
    }
    qn_build_begin(b);
    uint8_t *p = qn_out_reserve(&b->out, (size_t)count * sizeof(qn_hash128));
    if (!p)
        return qn_nomem(err);
    qn_blake3_128_many(data, bytes, count,
                       (qn_hash128 *)(void *)p); /* sections begin at multiples of 8 */
    b->out.bytes += (size_t)count * sizeof(qn_hash128);
    qn_build_end(b, QN_SECTION_HASHES);
    return QN_OK;
}

static qn_status write_lengths(qn_block_builder *b, const qn_str *s, uint32_t count, qn_error *err)
{
    uint32_t *chars = qn_build_array(b, SLOT_SORT, uint32_t, count);
    uint32_t *bytes = qn_build_array(b, SLOT_SORT2, uint32_t, count);
    if (!chars || !bytes)
        return qn_nomem(err);
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = s[i].bytes;
        chars[i] = (uint32_t)qn_utf8_count(qn_str_data(&s[i]), s[i].bytes);
        if (chars[i] != bytes[i])
            b->column.flags |= QN_FMT_BYTE_LENGTHS;
    }
    qn_build_begin(b);
    qn_patched_write(&b->out, chars, count);
    if (b->column.flags & QN_FMT_BYTE_LENGTHS)
        qn_patched_write(&b->out, bytes, count);
    qn_build_end(b, QN_SECTION_LENGTHS);
    return b->out.failed ? qn_nomem(err) : QN_OK;
}

qn_status qn_text_write(qn_block_builder *b, const qn_str *sorted, uint32_t count, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t  chunks = (count + QN_CHUNK_STRINGS - 1) / QN_CHUNK_STRINGS;
    size_t    directory = (chunks + 1) * sizeof(uint64_t);
    QN_TRY(sample_chunks(b, sorted, count, err));
    size_t start = b->out.bytes;
    if (b->codec.dictionary)
        b->column.flags |= QN_FMT_TEXT_CODECS;
    qn_build_begin(b);
    QN_ALLOC(err, qn_out_reserve(&b->out, directory));
    b->out.bytes += directory;
    for (uint32_t c = 0; c <= chunks; c++) {
        uint64_t offset = b->out.bytes - start;
        memcpy(b->out.data + start + c * 8, &offset, 8);
        uint32_t first = c * QN_CHUNK_STRINGS, n = count - first;
        if (c < chunks)
            QN_TRY(
                write_chunk(b, sorted + first, n < QN_CHUNK_STRINGS ? n : QN_CHUNK_STRINGS, err));
    }
    qn_build_end(b, QN_SECTION_TEXT);
    QN_TRY(write_hashes(b, sorted, count, err));
    QN_TRY(write_lengths(b, sorted, count, err));
    QN_TRY(qn_trigrams_write(b, sorted, count, err));
done:
    qn_codec_end(b);
    return st;
}

/* ---- reading -------------------------------------------------------------------------------- */

bool qn_text_check(const uint8_t *p, uint64_t bytes, uint32_t distinct)
{
    uint64_t chunks = (distinct + QN_CHUNK_STRINGS - 1) / QN_CHUNK_STRINGS, at = (chunks + 1) * 8;
    if (at > bytes || qn_get64(p) != at)
        return false;
    for (uint64_t c = 0; c < chunks; c++) {
        uint64_t next = qn_get64(p + (c + 1) * 8);
        if (next > bytes || next < at || next - at < 8)
            return false;
        at = next;
    }
    return at == bytes;
}

static const uint8_t *get_varint(const uint8_t *p, const uint8_t *end, uint32_t *v)
{
    uint32_t x = 0;
    for (unsigned shift = 0; p < end && shift < 35; shift += 7) {
        uint8_t byte = *p++;
        if (shift == 28 && byte > 15)
            return NULL;
        x |= (uint32_t)(byte & 127) << shift;
        if (byte < 128) {
            *v = x;
            return p;
        }
    }
    return NULL;
}

/* A chunk taken apart: where each string's own bytes are, and how much it shares. */
typedef struct chunk {
    uint32_t       first, count; /* codes first .. first + count - 1 */
    const uint8_t *rest;
    uint32_t       shared[QN_CHUNK_STRINGS], own[QN_CHUNK_STRINGS];
    uint64_t       total; /* bytes of all strings */
} chunk;

/* Scratch for decompression, kept while one call goes from chunk to chunk. */
typedef struct chunk_buffer {
    qn_mem         *mem;
    uint8_t        *data;
    size_t          bytes;
    qn_codec_reader codec;
} chunk_buffer;

static chunk_buffer chunk_buffer_of(qn_block *block)
{
    return (chunk_buffer){.mem = block->env->mem, .codec = {.block = block}};
}

static void chunk_buffer_free(chunk_buffer *b)
{
    qn_free(b->mem, b->data, b->bytes);
    qn_codec_reader_deinit(&b->codec);
}

static bool chunk_buffer_room(chunk_buffer *b, uint64_t bytes)
{
    if (bytes <= b->bytes)
        return true;
    qn_free(b->mem, b->data, b->bytes);
    b->bytes = 0;
    b->data = qn_alloc(b->mem, bytes + bytes / 4);
    if (b->data)
        b->bytes = bytes + bytes / 4;
    return b->data != NULL;
}

/* The sections that strings are read from. */
static qn_status need_text(qn_block *block, uint32_t column, qn_error *err)
{
    qn_status st = QN_OK;
    QN_TRY(qn_block_section(block, column, QN_SECTION_TEXT, err));
    if (block->columns[column].section[QN_SECTION_DICTIONARY].p)
        QN_TRY(qn_block_section(block, column, QN_SECTION_DICTIONARY, err));
done:
    return st;
}

static qn_status chunk_damaged(qn_block *block, uint32_t column, uint32_t number, const char *what,
                               qn_error *err)
{
    const uint8_t *p = block->columns[column].section[QN_SECTION_TEXT].p;
    return qn_block_damaged(block, column, QN_SECTION_TEXT, qn_get64(p + (uint64_t)number * 8),
                            what, err);
}

static qn_status open_chunk(qn_block *block, uint32_t column, uint32_t number, chunk_buffer *buffer,
                            chunk *out, qn_error *err)
{
    const column_state *c = &block->columns[column];
    const uint8_t      *p = c->section[QN_SECTION_TEXT].p;
    uint64_t            offset = qn_get64(p + (uint64_t)number * 8);
    uint64_t            stored = qn_get64(p + (uint64_t)number * 8 + 8) - offset - 8;
    uint64_t            word = qn_get64(p + offset);
    uint64_t            raw_bytes = word & (((uint64_t)1 << QN_FMT_KIND_SHIFT) - 1);
    const uint8_t      *raw = p + offset + 8;
    unsigned            codec = (unsigned)(word >> QN_FMT_KIND_SHIFT);
    qn_touch(16 + stored);
    if (codec == QN_CHUNK_STORED) {
        if (raw_bytes != stored)
            return chunk_damaged(block, column, number, "a stored chunk has the wrong size", err);
    } else if (codec > QN_CHUNK_ZSTD ||
               (codec > QN_CHUNK_LZ4 && !(c->flags & QN_FMT_TEXT_CODECS))) {
        return chunk_damaged(block, column, number, "a chunk has an unknown codec", err);
    } else {
        if (!qn_codec_plausible(codec, stored, raw_bytes))
            return chunk_damaged(block, column, number, "a chunk claims an impossible size", err);
        if (!chunk_buffer_room(buffer, raw_bytes))
            return qn_nomem(err);
        qn_status st = qn_codec_unpack(&buffer->codec, column, codec, raw, stored, buffer->data,
                                       raw_bytes, err);
        if (st == QN_CORRUPT)
            return chunk_damaged(block, column, number, "a chunk does not decompress", err);
        if (st != QN_OK)
            return st;
        raw = buffer->data;
    }

    const uint8_t *end = raw + raw_bytes;
    uint64_t       rest = 0, before = 0;
    out->first = number * QN_CHUNK_STRINGS + 1;
    out->count = c->pub.distinct - number * QN_CHUNK_STRINGS;
    out->count = out->count < QN_CHUNK_STRINGS ? out->count : QN_CHUNK_STRINGS;
    out->total = 0;
    for (uint32_t i = 0; i < out->count; i++) {
        raw = get_varint(raw, end, &out->shared[i]);
        raw = raw ? get_varint(raw, end, &out->own[i]) : NULL;
        if (!raw || out->shared[i] > before)
            return chunk_damaged(block, column, number, "a string shares more than there is", err);
        before = (uint64_t)out->shared[i] + out->own[i];
        if (before > MAX_STRING_BYTES)
            return chunk_damaged(block, column, number, "a string is too long", err);
        rest += out->own[i];
        out->total += before;
    }
    if (rest != (uint64_t)(end - raw))
        return chunk_damaged(block, column, number, "a chunk's lengths do not add up", err);
    out->rest = raw;
    return QN_OK;
}

static bool chunk_known_valid(const column_state *c, uint32_t number)
{
    return atomic_load_explicit(&c->valid_chunks[number / 64], memory_order_relaxed) >>
               (number % 64) &
           1;
}
static void chunk_now_valid(column_state *c, uint32_t number)
{
    atomic_fetch_or_explicit(&c->valid_chunks[number / 64], (uint64_t)1 << (number % 64),
                             memory_order_relaxed);
}

/* Check every string of an open chunk once in the block's life.  `text` has them back to back. */
static qn_status check_chunk_text(qn_block *block, uint32_t column, uint32_t number, const chunk *k,
                                  const char *text, qn_error *err)
{
    const char *s = text;
    if (chunk_known_valid(&block->columns[column], number))
        return QN_OK;
    /* The whole is valid and no string begins inside a character: then each is. */
    bool whole = qn_utf8_text(text, k->total) == k->total;
    for (uint32_t i = 0; i < k->count; i++) {
        size_t n = (size_t)k->shared[i] + k->own[i];
        if ((!whole || (n && ((unsigned char)*s & 0xc0) == 0x80)) && qn_utf8_valid(s, n) != n)
            return chunk_damaged(block, column, number, "a string is not valid UTF-8", err);
        s += n;
    }
    chunk_now_valid(&block->columns[column], number);
    return QN_OK;
}

/* All strings of a chunk, whole and back to back, into out (k->total bytes).  Copying in steps of
 * 16 bytes instead of calls was slower: a step reads what two steps have just written, and waits
 * for both. */
static void expand_chunk(const chunk *k, char *out)
{
    const uint8_t *rest = k->rest;
    const char    *before = NULL;
    for (uint32_t i = 0; i < k->count; i++) {
        if (k->shared[i])
            memcpy(out, before, k->shared[i]);
        if (k->own[i])
            memcpy(out + k->shared[i], rest, k->own[i]);
        before = out;
        rest += k->own[i];
        out += k->shared[i] + k->own[i];
    }
}

/* Decode a whole chunk into the arena and hand out strings skip..skip+count-1 of it. */
static qn_status take_chunk(qn_block *block, uint32_t column, uint32_t number, uint32_t skip,
                            uint32_t count, chunk_buffer *buffer, qn_arena *arena, qn_str *out,
                            qn_error *err)
{
    chunk     k;
    qn_status st = open_chunk(block, column, number, buffer, &k, err);
    if (st != QN_OK)
        return st;
    char *text = qn_arena_alloc(arena, k.total ? k.total : 1);
    if (!text)
        return qn_nomem(err);
    expand_chunk(&k, text);
    st = check_chunk_text(block, column, number, &k, text, err);
    if (st != QN_OK)
        return st;
    for (uint32_t i = 0; i < skip + count; i++) {
        size_t n = (size_t)k.shared[i] + k.own[i];
        if (i >= skip)
            out[i - skip] = qn_str_of(text, n);
        text += n;
    }
    return QN_OK;
}

qn_status qn_block_strings(qn_block *block, uint32_t column, uint32_t first, uint32_t count,
                           qn_str *out, qn_arena *arena, qn_error *err)
{
    qn_status    st = QN_OK;
    chunk_buffer buffer = chunk_buffer_of(block);
    QN_TRY(qn_block_need_codes(block, column, QN_BANK_STR, first, count, err));
    QN_TRY(need_text(block, column, err));
    while (count) {
        uint32_t number = (first - 1) / QN_CHUNK_STRINGS, skip = (first - 1) % QN_CHUNK_STRINGS;
        uint32_t take = QN_CHUNK_STRINGS - skip < count ? QN_CHUNK_STRINGS - skip : count;
        QN_TRY(take_chunk(block, column, number, skip, take, &buffer, arena, out, err));
        first += take;
        out += take;
        count -= take;
    }
    st = qn_block_readable(block, err);
done:
    chunk_buffer_free(&buffer);
    return st;
}

/* Ascending codes (equal neighbours allowed); slot order[i] or i of out gets codes[order[i]]. */
static qn_status gather_ascending(qn_block *block, uint32_t column, const uint32_t *codes,
                                  const uint32_t *order, uint32_t count, qn_str *out,
                                  qn_arena *arena, qn_error *err)
{
    qn_status    st = QN_OK;
    chunk_buffer buffer = chunk_buffer_of(block), text = chunk_buffer_of(block);
    for (uint32_t i = 0; i < count;) {
        uint32_t code = codes[order ? order[i] : i], number = (code - 1) / QN_CHUNK_STRINGS;
        chunk    k;
        if (code == 0) {
            memset(&out[order ? order[i] : i], 0, sizeof *out);
            i++;
            continue;
        }
        QN_TRY(open_chunk(block, column, number, &buffer, &k, err));
        if (!chunk_buffer_room(&text, k.total))
            QN_TRY(qn_nomem(err));
        expand_chunk(&k, (char *)text.data);
        QN_TRY(check_chunk_text(block, column, number, &k, (const char *)text.data, err));
        const char *s = (const char *)text.data;
        for (uint32_t at = 0; at < k.count && i < count; at++) {
            size_t n = (size_t)k.shared[at] + k.own[at];
            qn_str value = qn_str_of(s, n), kept = value;
            bool   copied = false;
            for (; i < count && codes[order ? order[i] : i] == k.first + at; i++) {
                if (!copied && !qn_str_copy(arena, &value, &kept))
                    QN_TRY(qn_nomem(err));
                copied = true;
                out[order ? order[i] : i] = kept;
            }
            s += n;
        }
    }
    st = qn_block_readable(block, err);
done:
    chunk_buffer_free(&buffer);
    chunk_buffer_free(&text);
    return st;
}

/* Stable order of codes below 2^20 by two counting passes. */
static void order_codes(const uint32_t *codes, uint32_t count, uint32_t *order, uint32_t *other)
{
    uint32_t start[1024];
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (unsigned shift = 0; shift < 20; shift += 10) {
        uint32_t sum = 0;
        memset(start, 0, sizeof start);
        for (uint32_t i = 0; i < count; i++)
            start[codes[i] >> shift & 1023]++;
        for (uint32_t i = 0; i < 1024; i++) {
            uint32_t n = start[i];
            start[i] = sum;
            sum += n;
        }
        for (uint32_t i = 0; i < count; i++)
            other[start[codes[order[i]] >> shift & 1023]++] = order[i];
        memcpy(order, other, (size_t)count * 4);
    }
}

qn_status qn_text_gather(qn_block *block, uint32_t column, const uint32_t *codes, uint32_t count,
                         qn_str *out, qn_arena *arena, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t *order = NULL;
    size_t    order_bytes = qn_mul(count, 8);
    bool      sorted = true;
    QN_TRY(need_text(block, column, err));
    for (uint32_t i = 1; i < count && sorted; i++)
        sorted = codes[i] >= codes[i - 1];
    if (!sorted) { /* so that each chunk is decoded once */
        QN_ALLOC(err, order = qn_alloc(block->env->mem, order_bytes));
        order_codes(codes, count, order, order + count);
    }
    QN_TRY(gather_ascending(block, column, codes, order, count, out, arena, err));
done:
    if (order)
        qn_free(block->env->mem, order, order_bytes);
    return st;
}

qn_status qn_block_hashes(qn_block *block, uint32_t column, const qn_hash128 **hashes,
                          qn_error *err)
{
    qn_status st = QN_OK;
    *hashes = NULL;
    QN_TRY(qn_block_need_codes(block, column, QN_BANK_STR, 1, 0, err));
    if (block->columns[column].pub.distinct == 0)
        goto done;
    QN_TRY(qn_block_section(block, column, QN_SECTION_HASHES, err));
    *hashes = (const qn_hash128 *)(const void *)block->columns[column].section[QN_SECTION_HASHES].p;
done:
    return st;
}

static qn_status read_lengths(qn_block *block, uint32_t column, uint32_t first, uint32_t count,
                              bool want_bytes, uint32_t *out, qn_error *err)
{
    qn_status st = QN_OK;
    QN_TRY(qn_block_need_codes(block, column, QN_BANK_STR, first, count, err));
    if (count == 0)
        goto done;
    QN_TRY(qn_block_section(block, column, QN_SECTION_LENGTHS, err));
    const column_state *c = &block->columns[column];
    qn_touch_part(&c->section[QN_SECTION_LENGTHS], count, c->pub.distinct);
    const uint8_t      *p = c->section[QN_SECTION_LENGTHS].p;
    size_t              bytes = c->section[QN_SECTION_LENGTHS].bytes, skip = 0;
    if (want_bytes && (c->flags & QN_FMT_BYTE_LENGTHS))
        skip = qn_patched_check(p, bytes, c->pub.distinct);
    qn_patched_read(qn_kernels_get(), p + skip, bytes - skip, c->pub.distinct, first - 1, count, 0,
                    out);
    st = qn_block_readable(block, err);
done:
    return st;
}

qn_status qn_block_lengths(qn_block *block, uint32_t column, uint32_t first, uint32_t count,
                           uint32_t *chars, qn_error *err)
{
    return read_lengths(block, column, first, count, false, chars, err);
}

qn_status qn_block_byte_lengths(qn_block *block, uint32_t column, uint32_t first, uint32_t count,
                                uint32_t *bytes, qn_error *err)
{
    return read_lengths(block, column, first, count, true, bytes, err);
}
