/* Codecs of text chunks (codec.h): LZ4 as it is, LZ4HC and zstd with a dictionary.
 *
 * A dictionary is made of the stretches of a sample that cover most of what is frequent in it (after Liao, Petri,
 * Moffat and Wirth, "Effective Construction of Relative Lempel-Ziv Dictionaries", 2016): every 8 bytes of
 * the sample count as one item; the sample is cut into parts, and from each part comes the stretch whose distinct
 * items are the most frequent ones, which then count no more.  For zstd its tables of symbols are added.
 *
 * zstd's contexts take their memory from the system; what they hold is charged to the database's account. A block
 * keeps one decompression context between calls and a digested dictionary per column. */
#include "store/block/codec.h"
#include "store/block/build.h"
#include "store/block/read.h"

#include <lz4.h>
#include <lz4hc.h>
#include <zdict.h>
#include <zstd_errors.h>

#define LZ4_RATIO        255u   /* one byte of LZ4 cannot stand for more */
#define ZSTD_RATIO       65536u /* four bytes of zstd may stand for 128 KiB */
#define SAMPLE_BYTES     (1u << 20)
#define DICTIONARY_BYTES (32u << 10)
#define LEAST_DICTIONARY 256u
#define LEAST_SAMPLE     (LEAST_DICTIONARY * 16)
#define HC_LEVEL         4
#define ZSTD_LEVEL       3
#define ITEM_BITS        18u
#define STRETCH          256u /* bytes that go into the dictionary together */
#define ROUNDS           4u   /* through the parts of a sample, when one does not fill the dictionary */

/* ---- dictionaries ---------------------------------------------------------------------------- */

static uint32_t item_at(const uint8_t *p)
{
    return (uint32_t)(qn_get64(p) * 0x9e3779b97f4a7c15 >> (64 - ITEM_BITS));
}

typedef struct cover {
    const uint8_t *sample;
    uint32_t      *frequency; /* per item */
    uint32_t      *inside;    /* per item: how often the stretch at hand has it */
} cover;

/* The stretch of begin..end whose distinct items are the most frequent; its score. */
static uint64_t best_stretch(cover *c, size_t begin, size_t end, size_t *where)
{
    const size_t items = STRETCH - 7;
    uint64_t     score = 0, best = 0;
    size_t       first = begin, at = begin;
    for (; at + 8 <= end; at++) {
        uint32_t in = item_at(c->sample + at);
        if (c->inside[in]++ == 0)
            score += c->frequency[in];
        if (at - first == items) {
            uint32_t out = item_at(c->sample + first++);
            if (--c->inside[out] == 0)
                score -= c->frequency[out];
        }
        if (score > best) {
            best = score;
            *where = first;
        }
    }
    for (; first < at; first++)
        c->inside[item_at(c->sample + first)] = 0;
    return best;
}

/* Fill out, from its end; returns how many bytes.  Both tables are 2^ITEM_BITS zeros. */
static size_t train(cover *c, size_t sample_bytes, uint8_t *out, size_t capacity)
{
    size_t tail = capacity, parts = capacity / STRETCH, part = sample_bytes / parts;
    for (size_t at = 0; at + 8 <= sample_bytes; at++)
        c->frequency[item_at(c->sample + at)]++;
    for (unsigned round = 0; round < ROUNDS && tail; round++) {
        for (size_t p = 0; p < parts && tail; p++) {
            size_t where = 0, end = p + 1 == parts ? sample_bytes : (p + 1) * part;
            /* A stretch of what occurs once is not worth its place. */
            if (best_stretch(c, p * part, end, &where) <= STRETCH)
                continue;
            size_t n = sample_bytes - where < STRETCH ? sample_bytes - where : STRETCH;
            n = n < tail ? n : tail;
            for (size_t at = where; at + 8 <= where + n; at++)
                c->frequency[item_at(c->sample + at)] = 0;
            tail -= n;
            memcpy(out + tail, c->sample + where, n);
        }
    }
    memmove(out, out + tail, capacity - tail);
    return capacity - tail;
}

/* With zstd's tables in front, in SLOT_DICTIONARY's second half.  Memory that it takes for the while is charged. */
static qn_status add_tables(qn_block_builder *b, const uint8_t *samples, const size_t *sizes,
                            uint32_t count, uint8_t *content, size_t bytes, size_t *total,
                            qn_error *err)
{
    const uint64_t charge = 2u << 20;
    uint8_t       *out = content + DICTIONARY_BYTES;
    *total = 0;
    if (bytes < LEAST_DICTIONARY)
        return QN_OK;
    if (!qn_mem_charge(b->env->mem, charge))
        return qn_nomem(err);
    size_t n = ZDICT_finalizeDictionary(out, DICTIONARY_BYTES, content, bytes, samples, sizes,
                                        count, (ZDICT_params_t){.compressionLevel = ZSTD_LEVEL});
    qn_mem_release(b->env->mem, charge);
    *total = ZDICT_isError(n) ? 0 : n; /* too uniform, or no memory: it goes without */
    return QN_OK;
}

size_t qn_codec_sample_bytes(const qn_block_builder *b)
{
    return b->codec.choice == QN_TEXT_LZ4 ? 0 : SAMPLE_BYTES;
}

qn_status qn_codec_begin(qn_block_builder *b, const uint8_t *samples, const size_t *sizes,
                         uint32_t count, qn_error *err)
{
    qn_status        st = QN_OK;
    qn_codec_writer *w = &b->codec;
    size_t           sample_bytes = 0, bytes = 0;
    w->dictionary = NULL;
    w->dictionary_bytes = 0;
    w->primed = false;
    for (uint32_t i = 0; i < count; i++)
        sample_bytes += sizes[i];
    if (w->choice == QN_TEXT_LZ4 || sample_bytes < LEAST_SAMPLE)
        goto done;
    size_t    capacity = sample_bytes / 16 < DICTIONARY_BYTES ? sample_bytes / 16 : DICTIONARY_BYTES;
    uint8_t  *content = qn_build_array(b, SLOT_DICTIONARY, uint8_t, 2 * DICTIONARY_BYTES);
    uint32_t *tables = qn_build_array(b, SLOT_COVER, uint32_t, (size_t)2 << ITEM_BITS);
    if (!content || !tables)
        return qn_nomem(err);
    memset(tables, 0, sizeof(uint32_t) * ((size_t)2 << ITEM_BITS));
    cover c = {samples, tables, tables + ((size_t)1 << ITEM_BITS)};
    bytes = train(&c, sample_bytes, content, capacity);
    if (w->choice == QN_TEXT_ZSTD) {
        QN_TRY(add_tables(b, samples, sizes, count, content, bytes, &bytes, err));
        content += DICTIONARY_BYTES;
    }
    if (bytes < LEAST_DICTIONARY)
        goto done;
    w->dictionary = content;
    w->dictionary_bytes = bytes;
    qn_build_begin(b);
    qn_out_add(&b->out, content, bytes);
    qn_build_end(b, QN_SECTION_DICTIONARY);
    if (b->out.failed)
        QN_TRY(qn_nomem(err));
done:
    return st;
}

/* ---- compressing ----------------------------------------------------------------------------- */

static qn_status pack_lz4(qn_block_builder *b, const uint8_t *raw, int bytes, uint8_t *out,
                          int room, size_t *packed, qn_error *err)
{
    void *state = qn_build_scratch(b, SLOT_LZ4, (size_t)LZ4_sizeofState());
    if (!state)
        return qn_nomem(err);
    int n = LZ4_compress_fast_extState(state, (const char *)raw, (char *)out, bytes, room, 1);
    *packed = n > 0 ? (size_t)n : 0;
    return QN_OK;
}

/* Taking a dictionary in costs more than a chunk, so it is done once and the state copied. */
static qn_status pack_lz4hc(qn_block_builder *b, const uint8_t *raw, int bytes, uint8_t *out,
                            int room, size_t *packed, qn_error *err)
{
    qn_codec_writer  *w = &b->codec;
    LZ4_streamHC_t *state = qn_build_array(b, SLOT_LZ4, LZ4_streamHC_t, 2);
    int             n;
    if (!state)
        return qn_nomem(err);
    if (!w->dictionary) {
        n = LZ4_compress_HC_extStateHC(state, (const char *)raw, (char *)out, bytes, room,
                                       HC_LEVEL);
    } else {
        if (!w->primed) {
            LZ4_initStreamHC(&state[1], sizeof state[1]);
            LZ4_resetStreamHC_fast(&state[1], HC_LEVEL);
            LZ4_loadDictHC(&state[1], w->dictionary, (int)w->dictionary_bytes);
            w->primed = true;
        }
        memcpy(&state[0], &state[1], sizeof state[0]);
        n = LZ4_compress_HC_continue(&state[0], (const char *)raw, (char *)out, bytes, room);
    }
    *packed = n > 0 ? (size_t)n : 0;
    return QN_OK;
}

static qn_status zstd_ready(qn_block_builder *b, qn_error *err)
{
    qn_codec_writer *w = &b->codec;
    qn_mem          *mem = b->env->mem;
    if (!w->zstd) {
        w->zstd = ZSTD_createCCtx();
        if (!w->zstd)
            return qn_nomem(err);
        /* The chunk's word says what a frame would: six bytes less each. */
        ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_contentSizeFlag, 0);
        ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_dictIDFlag, 0);
    }
    if (w->dictionary && !w->digested) {
        w->digested = ZSTD_createCDict(w->dictionary, w->dictionary_bytes, ZSTD_LEVEL);
        if (!w->digested)
            return qn_nomem(err);
        if (!qn_mem_charge(mem, ZSTD_sizeof_CDict(w->digested))) {
            ZSTD_freeCDict(w->digested);
            w->digested = NULL;
            return qn_nomem(err);
        }
        w->digested_charged = ZSTD_sizeof_CDict(w->digested);
        ZSTD_CCtx_refCDict(w->zstd, w->digested);
    }
    return QN_OK;
}

static qn_status pack_zstd(qn_block_builder *b, const uint8_t *raw, size_t bytes, uint8_t *out,
                           size_t room, size_t *packed, qn_error *err)
{
    qn_codec_writer *w = &b->codec;
    qn_status        st = zstd_ready(b, err);
    if (st != QN_OK)
        return st;
    size_t   n = ZSTD_compress2(w->zstd, out, room, raw, bytes);
    uint64_t now = ZSTD_sizeof_CCtx(w->zstd);
    if (now > w->zstd_charged) {
        if (!qn_mem_charge(b->env->mem, now - w->zstd_charged))
            return qn_nomem(err);
        w->zstd_charged = now;
    }
    if (ZSTD_isError(n) && ZSTD_getErrorCode(n) != ZSTD_error_dstSize_tooSmall)
        return qn_nomem(err);
    *packed = ZSTD_isError(n) ? 0 : n;
    return QN_OK;
}

qn_status qn_codec_pack(qn_block_builder *b, const uint8_t *raw, size_t bytes, uint8_t *out,
                        size_t *packed, qn_fmt_codec *codec, qn_error *err)
{
    qn_status st = QN_OK;
    size_t    room = bytes - bytes / 16; /* only what is at least 1/16 smaller is worth it */
    *packed = 0;
    *codec = QN_CHUNK_STORED;
    if (bytes < 16 || bytes > LZ4_MAX_INPUT_SIZE)
        return QN_OK;
    switch (b->codec.choice) {
    case QN_TEXT_LZ4:
        QN_TRY(pack_lz4(b, raw, (int)bytes, out, (int)room, packed, err));
        *codec = QN_CHUNK_LZ4;
        break;
    case QN_TEXT_LZ4HC:
        QN_TRY(pack_lz4hc(b, raw, (int)bytes, out, (int)room, packed, err));
        *codec = b->codec.dictionary ? QN_CHUNK_LZ4_DICTIONARY : QN_CHUNK_LZ4;
        break;
    case QN_TEXT_ZSTD:
        QN_TRY(pack_zstd(b, raw, bytes, out, room, packed, err));
        *codec = QN_CHUNK_ZSTD;
        break;
    case QN_TEXT_CODEC_COUNT:
        break;
    }
    if (!*packed)
        *codec = QN_CHUNK_STORED;
done:
    return st;
}

void qn_codec_end(qn_block_builder *b)
{
    qn_codec_writer *w = &b->codec;
    if (w->digested) {
        ZSTD_CCtx_refCDict(w->zstd, NULL);
        ZSTD_freeCDict(w->digested);
        qn_mem_release(b->env->mem, w->digested_charged);
        w->digested = NULL;
    }
    w->dictionary = NULL;
    w->primed = false;
}

void qn_codec_deinit(qn_block_builder *b)
{
    qn_codec_end(b);
    ZSTD_freeCCtx(b->codec.zstd);
    qn_mem_release(b->env->mem, b->codec.zstd_charged);
    b->codec.zstd = NULL;
    b->codec.zstd_charged = 0;
}

/* ---- decompressing --------------------------------------------------------------------------- */

bool qn_codec_plausible(unsigned codec, uint64_t stored, uint64_t raw_bytes)
{
    if (stored > INT32_MAX || raw_bytes > LZ4_MAX_INPUT_SIZE)
        return false;
    return raw_bytes <= stored * (codec == QN_CHUNK_ZSTD ? ZSTD_RATIO : LZ4_RATIO);
}

/* The column's dictionary, digested once; of two that do so at a time one is thrown away. */
static qn_status digest(qn_block *block, uint32_t column, const ZSTD_DDict **out, qn_error *err)
{
    column_state        *c = &block->columns[column];
    const section_state *s = &c->section[QN_SECTION_DICTIONARY];
    ZSTD_DDict          *d = atomic_load_explicit(&c->digested, memory_order_acquire), *other = NULL;
    *out = d;
    if (d)
        return QN_OK;
    d = ZSTD_createDDict(s->p, s->bytes);
    if (!d) { /* for want of memory, or because this is no dictionary? */
        ZSTD_DCtx *probe = ZSTD_createDCtx();
        size_t     rc = probe ? ZSTD_DCtx_loadDictionary(probe, s->p, s->bytes) : 0;
        bool damaged = ZSTD_isError(rc) && ZSTD_getErrorCode(rc) != ZSTD_error_memory_allocation;
        ZSTD_freeDCtx(probe);
        return damaged ? QN_CORRUPT : qn_nomem(err);
    }
    if (!qn_mem_charge(block->env->mem, ZSTD_sizeof_DDict(d))) {
        ZSTD_freeDDict(d);
        return qn_nomem(err);
    }
    if (!atomic_compare_exchange_strong_explicit(&c->digested, &other, d, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        qn_mem_release(block->env->mem, ZSTD_sizeof_DDict(d));
        ZSTD_freeDDict(d);
        d = other;
    }
    *out = d;
    return QN_OK;
}

static qn_status borrow_context(qn_codec_reader *r, qn_error *err)
{
    if (!r->zstd)
        r->zstd = atomic_exchange_explicit(&r->block->spare_zstd, NULL, memory_order_acq_rel);
    if (r->zstd)
        return QN_OK;
    r->zstd = ZSTD_createDCtx();
    if (r->zstd && qn_mem_charge(r->block->env->mem, ZSTD_sizeof_DCtx(r->zstd)))
        return QN_OK;
    ZSTD_freeDCtx(r->zstd);
    r->zstd = NULL;
    return qn_nomem(err);
}

static void free_context(qn_block *block, ZSTD_DCtx *zstd)
{
    if (!zstd)
        return;
    qn_mem_release(block->env->mem, ZSTD_sizeof_DCtx(zstd));
    ZSTD_freeDCtx(zstd);
}

void qn_codec_reader_deinit(qn_codec_reader *r)
{
    if (r->zstd)
        free_context(r->block, atomic_exchange_explicit(&r->block->spare_zstd, r->zstd,
                                                        memory_order_acq_rel));
    r->zstd = NULL;
}

void qn_codec_close(qn_block *block)
{
    free_context(block, atomic_load_explicit(&block->spare_zstd, memory_order_acquire));
    for (uint32_t i = 0; block->columns && i < block->column_count; i++) {
        ZSTD_DDict *d = atomic_load_explicit(&block->columns[i].digested, memory_order_acquire);
        if (!d)
            continue;
        qn_mem_release(block->env->mem, ZSTD_sizeof_DDict(d));
        ZSTD_freeDDict(d);
    }
}

static bool unpack_lz4(const section_state *dictionary, const uint8_t *in, uint64_t stored,
                       uint8_t *out, uint64_t raw_bytes)
{
    const char *from = (const char *)in;
    int         n = dictionary ? LZ4_decompress_safe_usingDict(
                             from, (char *)out, (int)stored, (int)raw_bytes,
                             (const char *)dictionary->p, (int)dictionary->bytes)
                               : LZ4_decompress_safe(from, (char *)out, (int)stored, (int)raw_bytes);
    return n == (int)raw_bytes;
}

qn_status qn_codec_unpack(qn_codec_reader *r, uint32_t column, unsigned codec, const uint8_t *in,
                          uint64_t stored, uint8_t *out, uint64_t raw_bytes, qn_error *err)
{
    qn_status            st = QN_OK;
    const section_state *s = &r->block->columns[column].section[QN_SECTION_DICTIONARY];
    const ZSTD_DDict    *d = NULL;
    bool                 ok = false;
    switch (codec) {
    case QN_CHUNK_LZ4:
        ok = unpack_lz4(NULL, in, stored, out, raw_bytes);
        break;
    case QN_CHUNK_LZ4_DICTIONARY:
        ok = s->p && unpack_lz4(s, in, stored, out, raw_bytes);
        break;
    case QN_CHUNK_ZSTD:
        if (s->p)
            QN_TRY(digest(r->block, column, &d, err));
        QN_TRY(borrow_context(r, err));
        size_t n = d ? ZSTD_decompress_usingDDict(r->zstd, out, raw_bytes, in, stored, d)
                     : ZSTD_decompressDCtx(r->zstd, out, raw_bytes, in, stored);
        ok = !ZSTD_isError(n) && n == raw_bytes;
        break;
    default:
        break;
    }
    st = ok ? QN_OK : QN_CORRUPT;
done:
    return st;
}
