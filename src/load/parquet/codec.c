/* Unpacking pages: Snappy, gzip, Zstandard and LZ4 in both of its forms.
 *
 * A page says how large it becomes, and that much is allocated before unpacking; so a page whose bytes could not
 * become so many is refused first (the ratios are what each format can reach at best).
 *
 * "LZ4" in a Parquet file is what Hadoop made of it: pieces, each preceded by its two sizes in big-endian order.  Some
 * writers put a plain block there; that is tried when the pieces make no sense.  LZ4_RAW is a plain block always. */
#include <limits.h>
#include <lz4.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include "load/load_int.h"
#include "load/parquet/parquet_int.h"

struct qn_pq_unpacker {
    qn_mem    *mem;
    z_stream   z;
    bool       z_ready;
    ZSTD_DCtx *zstd;
    uint64_t   zstd_charged;
};

qn_pq_unpacker *qn_pq_unpacker_new(qn_mem *mem)
{
    qn_pq_unpacker *u = qn_alloc0(mem, sizeof *u);
    if (u)
        u->mem = mem;
    return u;
}

void qn_pq_unpacker_free(qn_pq_unpacker *u)
{
    if (!u)
        return;
    if (u->z_ready)
        inflateEnd(&u->z);
    ZSTD_freeDCtx(u->zstd);
    qn_mem_release(u->mem, u->zstd_charged);
    qn_free(u->mem, u, sizeof *u);
}

bool qn_pq_plausible(qn_pq_codec codec, size_t in, size_t out)
{
    size_t ratio;
    switch (codec) {
    case QN_PQ_SNAPPY: /* a copy of 64 bytes takes three */
        ratio = 32;
        break;
    case QN_PQ_LZ4:
    case QN_PQ_LZ4_RAW:
        ratio = 256;
        break;
    case QN_PQ_GZIP:
        ratio = 1040;
        break;
    case QN_PQ_ZSTD: /* a block of 128 KiB takes four bytes */
        ratio = 32768;
        break;
    default:
        return in == out;
    }
    return out / ratio <= in + 64;
}

static qn_status inflate_page(qn_pq_unpacker *u, const uint8_t *in, size_t in_bytes, uint8_t *out, size_t out_bytes,
                              bool *ok, qn_error *err)
{
    z_stream *z = &u->z;

    *ok = false;
    if (in_bytes > UINT_MAX || out_bytes > UINT_MAX)
        return QN_OK;
    if (!u->z_ready) {
        z->zalloc = qn_zlib_alloc;
        z->zfree = qn_zlib_free;
        z->opaque = u->mem;
        if (inflateInit2(z, 15 + 32) != Z_OK) /* gzip or zlib, told by the header */
            return qn_nomem(err);
        u->z_ready = true;
    }
    z->next_in = (Bytef *)(uintptr_t)in; /* never written to */
    z->avail_in = (uInt)in_bytes;
    z->next_out = out;
    z->avail_out = (uInt)out_bytes;
    for (;;) { /* members may follow one another */
        if (inflateReset(z) != Z_OK)
            return QN_OK;
        int rc = inflate(z, Z_FINISH);
        if (rc == Z_MEM_ERROR)
            return qn_nomem(err);
        if (rc != Z_STREAM_END)
            return QN_OK;
        if (z->avail_in == 0 || z->avail_out == 0)
            break;
    }
    *ok = z->avail_out == 0;
    return QN_OK;
}

static qn_status zstd_page(qn_pq_unpacker *u, const uint8_t *in, size_t in_bytes, uint8_t *out, size_t out_bytes,
                           bool *ok, qn_error *err)
{
    if (!u->zstd) {
        u->zstd = ZSTD_createDCtx();
        if (!u->zstd)
            return qn_nomem(err);
        uint64_t bytes = ZSTD_sizeof_DCtx(u->zstd);
        if (!qn_mem_charge(u->mem, bytes)) {
            ZSTD_freeDCtx(u->zstd);
            u->zstd = NULL;
            return qn_nomem(err);
        }
        u->zstd_charged = bytes;
    }
    *ok = ZSTD_decompressDCtx(u->zstd, out, out_bytes, in, in_bytes) == out_bytes;
    return QN_OK;
}

static bool lz4_block(const uint8_t *in, size_t in_bytes, uint8_t *out, size_t out_bytes)
{
    if (in_bytes > INT_MAX || out_bytes > INT_MAX)
        return false;
    return LZ4_decompress_safe((const char *)in, (char *)out, (int)in_bytes, (int)out_bytes) == (int)out_bytes;
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool lz4_pieces(const uint8_t *in, size_t in_bytes, uint8_t *out, size_t out_bytes)
{
    while (in_bytes >= 8) {
        uint32_t plain = big32(in), packed = big32(in + 4);
        in += 8;
        in_bytes -= 8;
        if (packed > in_bytes || plain > out_bytes || !lz4_block(in, packed, out, plain))
            return false;
        in += packed;
        in_bytes -= packed;
        out += plain;
        out_bytes -= plain;
    }
    return in_bytes == 0 && out_bytes == 0;
}

qn_status qn_pq_unpack(qn_pq_unpacker *u, qn_pq_codec codec, const uint8_t *in, size_t in_bytes, uint8_t *out,
                       size_t out_bytes, bool *ok, qn_error *err)
{
    size_t n = 0;

    *ok = false;
    switch (codec) {
    case QN_PQ_UNCOMPRESSED:
        *ok = in_bytes == out_bytes;
        if (*ok && in_bytes)
            memcpy(out, in, in_bytes);
        break;
    case QN_PQ_SNAPPY:
        *ok = snappy_uncompressed_length((const char *)in, in_bytes, &n) == SNAPPY_OK && n == out_bytes &&
              snappy_uncompress((const char *)in, in_bytes, (char *)out, &n) == SNAPPY_OK && n == out_bytes;
        break;
    case QN_PQ_GZIP:
        return inflate_page(u, in, in_bytes, out, out_bytes, ok, err);
    case QN_PQ_ZSTD:
        return zstd_page(u, in, in_bytes, out, out_bytes, ok, err);
    case QN_PQ_LZ4:
        *ok = lz4_pieces(in, in_bytes, out, out_bytes) || lz4_block(in, in_bytes, out, out_bytes);
        break;
    case QN_PQ_LZ4_RAW:
        *ok = lz4_block(in, in_bytes, out, out_bytes);
        break;
    default:
        break;
    }
    return QN_OK;
}
