/* Plain bytes from a file, a .gz or .zst file, or a callback.
 *
 * A compressed file may hold several gzip members or zstd frames one after another, as `cat a.gz
 * b.gz` makes them.  Zero bytes behind the last member are padding, as gzip(1) takes them; anything
 * else there, and an end inside a member, is an error: a truncated download must not look like a
 * short table.
 *
 * Not here: threads.  The caller reads on a thread of its own. */
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "load/load_int.h"

#define INPUT_BUFFER ((size_t)1 << 18)
#define WAIT_MS      50

struct qn_input {
    qn_env          *env;
    qn_load_source   source;
    qn_codec         codec;
    qn_file         *file;
    uint64_t         file_bytes; /* 0: unknown */
    bool             stream;     /* a pipe or device: reads may have to wait */
    const _Atomic bool *stop;    /* or NULL */
    _Atomic uint64_t read_bytes; /* the reading thread adds, progress reads */

    char      *buffer; /* compressed bytes */
    size_t     have, used;
    bool       source_end;
    bool       inside; /* in the middle of a member or frame */
    bool       any;    /* at least one member was begun */
    z_stream   z;
    bool       z_ready;
    ZSTD_DCtx *zstd;
    uint64_t   zstd_charged;
    qn_error   deferred; /* a failure behind bytes that were still good: for the next read */
};

typedef union zlib_header { /* keeps the size of a piece and the alignment behind it */
    size_t bytes;
    char   pad[16];
} zlib_header;

void *qn_zlib_alloc(void *mem, unsigned items, unsigned size)
{
    size_t bytes = qn_mul(items, size);
    if (bytes > SIZE_MAX - sizeof(zlib_header))
        return NULL;
    bytes += sizeof(zlib_header);
    /* zlib leaves parts of its window unset and reads them harmlessly; clear for the sanitizers. */
    zlib_header *h = qn_alloc0(mem, bytes);
    if (!h)
        return NULL;
    h->bytes = bytes;
    return h + 1;
}

void qn_zlib_free(void *mem, void *p)
{
    if (p) {
        zlib_header *h = (zlib_header *)p - 1;
        qn_free(mem, h, h->bytes);
    }
}

static bool ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

qn_codec qn_codec_of_path(const char *path)
{
    if (!path)
        return QN_CODEC_NONE;
    return ends_with(path, ".gz")    ? QN_CODEC_GZIP
           : ends_with(path, ".zst") ? QN_CODEC_ZSTD
                                     : QN_CODEC_NONE;
}

/* zstd allocates by itself: account for what it holds. */
static bool zstd_charge(qn_input *in)
{
    uint64_t now = ZSTD_sizeof_DCtx(in->zstd);
    if (now > in->zstd_charged) {
        if (!qn_mem_charge(in->env->mem, now - in->zstd_charged))
            return false;
        in->zstd_charged = now;
    }
    return true;
}

static qn_status open_codec(qn_input *in, qn_error *err)
{
    if (in->codec == QN_CODEC_NONE)
        return QN_OK;
    in->buffer = qn_alloc(in->env->mem, INPUT_BUFFER);
    if (!in->buffer)
        return qn_nomem(err);
    if (in->codec == QN_CODEC_GZIP) {
        in->z.zalloc = qn_zlib_alloc;
        in->z.zfree = qn_zlib_free;
        in->z.opaque = in->env->mem;
        if (inflateInit2(&in->z, 15 + 16) != Z_OK)
            return qn_nomem(err);
        in->z_ready = true;
        return QN_OK;
    }
    in->zstd = ZSTD_createDCtx();
    return in->zstd && zstd_charge(in) ? QN_OK : qn_nomem(err);
}

/* The message names the cause as the operating system words it: the vfs has it behind its last ":
 * ". */
static qn_status open_failed(const char *path, const qn_error *cause, qn_error *err)
{
    if (cause->status == QN_NOMEM)
        return qn_nomem(err);
    const char *why = strrchr(cause->message, ':');
    bool        missing = qn_error_is(cause, QN_SQLSTATE_UNDEFINED_FILE);
    why = missing ? "No such file or directory" : why && why[1] == ' ' ? why + 2 : cause->message;
    return qn_fail(err, missing ? QN_SQLSTATE_UNDEFINED_FILE : QN_SQLSTATE_IO_ERROR,
                   "could not open file \"%s\" for reading: %s", path, why);
}

static qn_status open_file(qn_input *in, qn_error *err)
{
    qn_vfs     *vfs = in->env->vfs;
    const char *path = in->source.path;
    qn_error    cause = {0};
    qn_stat     info = {0};

    if (vfs->stat(vfs, path, &info, &cause) != QN_OK)
        return open_failed(path, &cause, err);
    if (info.is_directory)
        return qn_fail(err, QN_SQLSTATE_WRONG_OBJECT_TYPE, "\"%s\" is a directory", path);
    in->stream = !info.is_regular && vfs->wait;
    if (vfs->open(vfs, path, in->stream ? QN_OPEN_STREAM : QN_OPEN_READ, &in->file, &cause) != QN_OK)
        return open_failed(path, &cause, err);
    in->file_bytes = info.is_regular ? info.bytes : 0;
    return QN_OK;
}

qn_status qn_input_open(qn_env *env, const qn_load_source *source, qn_input **input, qn_error *err)
{
    qn_status st = QN_OK;
    qn_input *in = qn_alloc0(env->mem, sizeof *in);

    *input = NULL;
    if (!in)
        return qn_nomem(err);
    in->env = env;
    in->source = *source;
    in->codec = qn_codec_of_path(source->path);
    if (source->path)
        QN_TRY(open_file(in, err));
    QN_TRY(open_codec(in, err));
    *input = in;
    return QN_OK;
done:
    qn_input_close(in);
    return st;
}

void qn_input_close(qn_input *in)
{
    if (!in)
        return;
    if (in->z_ready)
        inflateEnd(&in->z);
    ZSTD_freeDCtx(in->zstd);
    qn_mem_release(in->env->mem, in->zstd_charged);
    qn_free(in->env->mem, in->buffer, in->buffer ? INPUT_BUFFER : 0);
    in->env->vfs->close(in->env->vfs, in->file);
    qn_free(in->env->mem, in, sizeof *in);
}

double qn_input_fraction(const qn_input *in)
{
    if (!in->file_bytes)
        return -1;
    double f = (double)atomic_load_explicit(&in->read_bytes, memory_order_relaxed) /
               (double)in->file_bytes;
    return f > 1 ? 1 : f;
}

void qn_input_stop(qn_input *in, const _Atomic bool *stop)
{
    in->stop = stop;
}

static qn_status wait_for_stream(qn_input *in, qn_error *err)
{
    qn_vfs *vfs = in->env->vfs;
    bool    ready = false;
    while (!ready) {
        if (in->stop && atomic_load_explicit(in->stop, memory_order_relaxed))
            return qn_fail(err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request");
        qn_status st = vfs->wait(vfs, in->file, WAIT_MS, &ready, err);
        if (st != QN_OK)
            return st;
    }
    return QN_OK;
}

static qn_status read_source(qn_input *in, void *buffer, size_t bytes, size_t *got, qn_error *err)
{
    *got = 0;
    if (in->stream) {
        qn_status st = wait_for_stream(in, err);
        if (st != QN_OK)
            return st;
    }
    if (!in->source.path) {
        ptrdiff_t n = in->source.read(in->source.arg, buffer, bytes);
        if (n < 0 || (size_t)n > bytes)
            return qn_fail(err, QN_SQLSTATE_IO_ERROR, "could not read from COPY input");
        *got = (size_t)n;
    } else {
        qn_error cause = {0};
        if (in->env->vfs->read(in->env->vfs, in->file, QN_STREAM, buffer, bytes, got, &cause) !=
            QN_OK) {
            if (cause.status == QN_NOMEM)
                return qn_nomem(err);
            const char *why = strrchr(cause.message, ':');
            return qn_fail(err, QN_SQLSTATE_IO_ERROR, "could not read from file \"%s\": %s",
                           in->source.path, why && why[1] == ' ' ? why + 2 : cause.message);
        }
    }
    atomic_fetch_add_explicit(&in->read_bytes, *got, memory_order_relaxed);
    return QN_OK;
}

static qn_status refill(qn_input *in, qn_error *err)
{
    in->used = 0;
    in->have = 0;
    qn_status st = read_source(in, in->buffer, INPUT_BUFFER, &in->have, err);
    if (st == QN_OK && in->have == 0)
        in->source_end = true;
    return st;
}

static void damaged(const qn_input *in, const char *what, qn_error *err)
{
    const char *name = in->codec == QN_CODEC_GZIP ? "gzip" : "zstd";
    qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "%s %s data in file \"%s\"", what, name,
            in->source.path);
}

/* Skip zero padding behind the last member; *end when nothing else follows. */
static qn_status skip_padding(qn_input *in, bool *end, qn_error *err)
{
    for (;;) {
        while (in->used < in->have && in->buffer[in->used] == 0)
            in->used++;
        if (in->used < in->have) {
            *end = false;
            return QN_OK;
        }
        if (in->source_end) {
            *end = true;
            return QN_OK;
        }
        qn_status st = refill(in, err);
        if (st != QN_OK)
            return st;
    }
}

/* Both readers fill buffer as far as they come; *got counts also when they fail. */
static void read_gzip(qn_input *in, void *buffer, size_t bytes, size_t *got, qn_error *err)
{
    in->z.next_out = buffer;
    in->z.avail_out = (uInt)(bytes > UINT32_MAX ? UINT32_MAX : bytes);
    size_t want = in->z.avail_out;
    while (in->z.avail_out > 0) {
        bool end = false;
        if (!in->inside && in->any && skip_padding(in, &end, err) != QN_OK)
            break;
        if (end || (in->used == in->have && !in->source_end && refill(in, err) != QN_OK))
            break;
        if (in->source_end && in->used == in->have) {
            damaged(in, "unexpected end of", err);
            break;
        }
        in->inside = in->any = true;
        in->z.next_in = (Bytef *)in->buffer + in->used;
        in->z.avail_in = (uInt)(in->have - in->used);
        int rc = inflate(&in->z, Z_NO_FLUSH);
        in->used = in->have - in->z.avail_in;
        if (rc == Z_STREAM_END) {
            in->inside = false;
            inflateReset(&in->z);
        } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
            if (rc == Z_MEM_ERROR)
                qn_nomem(err);
            else
                damaged(in, "invalid", err);
            break;
        }
    }
    *got = want - in->z.avail_out;
}

static void read_zstd(qn_input *in, void *buffer, size_t bytes, size_t *got, qn_error *err)
{
    ZSTD_outBuffer out = {buffer, bytes, 0};
    while (out.pos < out.size) {
        if (in->used == in->have && !in->source_end && refill(in, err) != QN_OK)
            break;
        bool at_end = in->source_end && in->used == in->have;
        if (at_end && !in->inside && in->any)
            break;
        ZSTD_inBuffer src = {in->buffer, in->have, in->used};
        size_t        before = out.pos,
               rc = at_end && !in->any ? 1 : ZSTD_decompressStream(in->zstd, &out, &src);
        in->any = true;
        if (ZSTD_isError(rc)) {
            damaged(in, "invalid", err);
            break;
        }
        in->used = src.pos;
        in->inside = rc != 0;
        if (!zstd_charge(in)) {
            qn_nomem(err);
            break;
        }
        /* At the end of input the decoder may still hold output; no progress means a cut frame. */
        if (at_end && in->inside && out.pos == before) {
            damaged(in, "unexpected end of", err);
            break;
        }
    }
    *got = out.pos;
}

qn_status qn_input_read(qn_input *in, void *buffer, size_t bytes, size_t *got, qn_error *err)
{
    *got = 0;
    if (in->codec == QN_CODEC_NONE)
        return read_source(in, buffer, bytes, got, err);
    if (in->deferred.status == QN_OK)
        (in->codec == QN_CODEC_GZIP ? read_gzip : read_zstd)(in, buffer, bytes, got, &in->deferred);
    if (in->deferred.status == QN_OK || *got > 0)
        return QN_OK;
    if (err && err->status == QN_OK)
        *err = in->deferred;
    return in->deferred.status;
}
