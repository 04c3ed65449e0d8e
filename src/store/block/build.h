/* Inside the writer: the builder's scratch memory and the steps its files share.
 *
 *   build.c        the builder, one column from values to segment; descriptors
 *   build_fixed.c  distinct and sort of fixed-width values
 *   build_text.c   distinct and sort of strings (and of byte forms of other banks)
 *   codes_write.c  codes of 1024 rows into the cheapest form
 *   text.c         chunks of strings, both ways; codec.c their compression; trigram.c the trigram
 * index, both ways */
#ifndef QN_STORE_BLOCK_BUILD_H
#define QN_STORE_BLOCK_BUILD_H

#include "store/block/block.h"
#include "store/block/codec.h"
#include "store/block/pack.h"

/* Scratch buffers are recycled from column to column: fresh memory made encoding five times slower.
 */
typedef enum build_slot {
    SLOT_KEYS,    /* u64 per non-NULL row: image of the value */
    SLOT_IDS,     /* u32 per non-NULL row: number of the distinct value, by first appearance */
    SLOT_CODES,   /* u32 per row */
    SLOT_COUNTS,  /* u32 per distinct */
    SLOT_TABLE,   /* hash table, or direct map */
    SLOT_SORT,    /* pairs to sort */
    SLOT_SORT2,   /* their other half */
    SLOT_VALUES,  /* u64 per distinct, sorted; or strings by id */
    SLOT_FIRST,   /* u32 per distinct id: a row that has it */
    SLOT_RANK,    /* u32 per distinct id: its code; before, its place in order */
    SLOT_STRINGS, /* strings per non-NULL row (byte forms), then sorted strings */
    SLOT_BYTES,   /* packed numerics */
    SLOT_DELTA,   /* u64 x 1024, hashes' arguments, trigram stamps */
    SLOT_SEEN,    /* u32 per code: where the current unit has it */
    SLOT_CHUNK,   /* the raw bytes of a chunk */
    SLOT_LZ4,     /* LZ4's states */
    SLOT_SAMPLE,  /* chunks to train a dictionary on, then their sizes */
    SLOT_DICTIONARY,
    SLOT_COVER,    /* tables of the training */
    SLOT_TRIGRAMS, /* pairs */
    SLOT_COUNT_
} build_slot;

typedef struct qn_build_section {
    uint8_t kind;
    size_t  offset, bytes; /* in out */
} qn_build_section;

struct qn_block_builder {
    qn_env           *env;
    const qn_kernels *kern;
    struct {
        void  *p;
        size_t bytes;
    } slot[SLOT_COUNT_];
    size_t   seen_codes; /* how many entries of SLOT_SEEN are valid, and in which epoch */
    uint32_t seen_epoch;
    qn_out   out, tri_out;
    qn_codec_writer codec;
    bool     trigrams_clear; /* SLOT_TRIGRAMS is all zeros, as the next column wants it */
    bool     no_trigrams;    /* there is no memory for their tables */

    /* The column at hand. */
    const qn_block_column_in *in;
    const uint32_t           *ids; /* see qn_block_encode_numbered, or NULL */
    uint32_t                  value_count;
    qn_bank                   bank;
    uint32_t                  rows, nonnull;
    qn_fmt_column             column;
    uint32_t                  histogram[20];
    qn_build_section          sections[QN_SECTION_COUNT];
    size_t                    section_start;
    const void               *min, *max; /* the bounds' bytes: in `bound` or in scratch */
    uint8_t                   bound[2][16];
};

/* At least `bytes` of scratch, contents undefined; NULL is out of memory.  Earlier pointers to the
 * slot are void. */
void *qn_build_scratch(qn_block_builder *b, build_slot slot, size_t bytes);
#define qn_build_array(b, slot, type, count)                                                       \
    ((type *)qn_build_scratch((b), (slot), qn_mul(sizeof(type), (size_t)(count)) + QN_KERN_SLACK))

/* Everything written to b->out between begin and end is one section. */
void qn_build_begin(qn_block_builder *b);
void qn_build_end(qn_block_builder *b, qn_fmt_section_kind kind);

static inline bool qn_build_null(const qn_block_builder *b, uint32_t row)
{
    return b->in->nulls && (b->in->nulls[row >> 6] >> (row & 63) & 1);
}

/* ids[] per non-NULL row and rank[] (code per id) become codes per row; counts[] per sorted value
 * is SLOT_COUNTS when the caller has it, else NULL.  Writes COUNTS and CODES and fills the
 * statistics. */
qn_status qn_build_finish_codes(qn_block_builder *b, const uint32_t *ids, const uint32_t *rank,
                                uint32_t *counts, uint32_t distinct, qn_error *err);

void qn_codes_write(qn_block_builder *b, const uint32_t *codes, uint32_t rows, uint32_t distinct);
qn_status qn_build_fixed(qn_block_builder *b, qn_error *err);
qn_status qn_build_text(qn_block_builder *b, qn_error *err);
qn_status qn_build_slots(qn_block_builder *b, qn_error *err); /* INTERVAL, and NUMERIC by bytes */

qn_status qn_text_write(qn_block_builder *b, const qn_str *sorted, uint32_t count, qn_error *err);
qn_status qn_trigrams_write(qn_block_builder *b, const qn_str *sorted, uint32_t count,
                            qn_error *err);

/* Images back to `count` values of a bank; scale is for NUMERIC. */
void qn_images_to_values(qn_bank bank, int scale, const uint64_t *images, size_t count, void *out);

/* Order-preserving 64-bit image of a fixed-width value, and back. */
static inline uint64_t qn_image_int(int64_t v)
{
    return (uint64_t)v ^ (uint64_t)1 << 63;
}
static inline int64_t qn_unimage_int(uint64_t v)
{
    return (int64_t)(v ^ (uint64_t)1 << 63);
}
/* Floats: negatives reversed, below the rest, the whole shifted down so that all NaNs fit on top,
 * as SQL orders them; among NaNs first those with a sign, then by their bits
 * (qn_value_compare_stored). */
#define QN_F64_NANS (((uint64_t)1 << 52) - 1) /* of each sign */
#define QN_F64_SIGN ((uint64_t)1 << 63)
#define QN_F64_INF  (0x7ffull << 52)
static inline uint64_t qn_image_f64(double d)
{
    uint64_t u;
    memcpy(&u, &d, 8);
    if ((u & ~QN_F64_SIGN) >
        QN_F64_INF) /* a signed NaN is its bits less their number: below the others */
        return u & QN_F64_SIGN ? u - QN_F64_NANS : u | QN_F64_SIGN;
    return (u & QN_F64_SIGN ? ~u : u | QN_F64_SIGN) - QN_F64_NANS;
}
static inline double qn_unimage_f64(uint64_t image)
{
    double   d;
    uint64_t u = image + QN_F64_NANS;
    if (image > (QN_F64_INF | QN_F64_SIGN))
        u = image & ~QN_F64_SIGN;
    else if (image <= (QN_F64_INF | QN_F64_SIGN) - QN_F64_NANS)
        u = u & QN_F64_SIGN ? u & ~QN_F64_SIGN : ~u;
    memcpy(&d, &u, 8);
    return d;
}
#define QN_F32_NANS ((1u << 23) - 1)
#define QN_F32_SIGN (1u << 31)
#define QN_F32_INF  (0xffu << 23)
static inline uint64_t qn_image_f32(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    if ((u & ~QN_F32_SIGN) > QN_F32_INF)
        return u & QN_F32_SIGN ? u - QN_F32_NANS : u | QN_F32_SIGN;
    return (u & QN_F32_SIGN ? ~u : u | QN_F32_SIGN) - QN_F32_NANS;
}
static inline float qn_unimage_f32(uint64_t wide)
{
    float    f;
    uint32_t image = (uint32_t)wide, u = image + QN_F32_NANS;
    if (image > (QN_F32_INF | QN_F32_SIGN))
        u = image & ~QN_F32_SIGN;
    else if (image <= (QN_F32_INF | QN_F32_SIGN) - QN_F32_NANS)
        u = u & QN_F32_SIGN ? u & ~QN_F32_SIGN : ~u;
    memcpy(&f, &u, 4);
    return f;
}

#endif
