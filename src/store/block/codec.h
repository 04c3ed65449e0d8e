/* Codecs of text chunks: how the bytes of 128 strings are compressed, and what their column shares for it.
 *
 * A column is written with one choice (qn_text_codec); what a reader needs is said by each chunk's codec id
 * and by the section DICTIONARY.  The dictionary is trained per column and block on a sample of its own chunks, because
 * chunks are small and resemble each other more than themselves. */
#ifndef QN_STORE_BLOCK_CODEC_H
#define QN_STORE_BLOCK_CODEC_H

#include <zstd.h>
#include "store/block/block.h"
#include "store/block/format.h"

/* ---- writing: kept in the builder, per thread ------------------------------------------------ */

typedef struct qn_codec_writer {
    qn_text_codec choice;
    const void   *dictionary; /* of the column at hand; NULL: none */
    size_t        dictionary_bytes;
    bool          primed;     /* the LZ4 state that holds the dictionary is ready */
    ZSTD_CCtx    *zstd;
    ZSTD_CDict   *digested; /* of the column at hand */
    uint64_t      zstd_charged, digested_charged;
} qn_codec_writer;

/* Sections of one column's text: samples are `count` pieces back to back of these sizes.  Writes a DICTIONARY
 * section when one is likely to pay. */
qn_status qn_codec_begin(qn_block_builder *b, const uint8_t *samples, const size_t *sizes, uint32_t count,
                         qn_error *err);
/* How many bytes of samples qn_codec_begin would like, 0 when the choice has no use for them. */
size_t    qn_codec_sample_bytes(const qn_block_builder *b);
/* Compress a chunk to `out`, which has room for bytes - bytes / 16, or say that it had better be stored. */
qn_status qn_codec_pack(qn_block_builder *b, const uint8_t *raw, size_t bytes, uint8_t *out, size_t *packed,
                        qn_fmt_codec *codec, qn_error *err);
void      qn_codec_end(qn_block_builder *b); /* of the column; nothing is left of its dictionary */
void      qn_codec_deinit(qn_block_builder *b);

/* ---- reading --------------------------------------------------------------------------------- */

/* What one call borrows from its block to decompress with. */
typedef struct qn_codec_reader {
    qn_block  *block;
    ZSTD_DCtx *zstd;
} qn_codec_reader;

/* Decompress `stored` bytes to exactly `raw_bytes` at out.  QN_CORRUPT when they do not: the caller says where.  The
 * sections TEXT and DICTIONARY have been verified. */
qn_status qn_codec_unpack(qn_codec_reader *r, uint32_t column, unsigned codec, const uint8_t *in,
                          uint64_t stored, uint8_t *out, uint64_t raw_bytes, qn_error *err);
/* Could so many stored bytes stand for so many raw ones? */
bool qn_codec_plausible(unsigned codec, uint64_t stored, uint64_t raw_bytes);
void qn_codec_reader_deinit(qn_codec_reader *r); /* the context goes back to the block */
void qn_codec_close(qn_block *block);            /* contexts and digested dictionaries of a block */

#endif
