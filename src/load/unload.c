/* Rows to COPY text or CSV, plain or compressed, to a file or a callback.
 *
 * Quoting is PostgreSQL's (CopyAttributeOutText, CopyAttributeOutCSV), so what is written loads
 * unchanged in either.  A regular file is written beside its final name, synced and renamed: nobody
 * sees half a file, and a failed COPY leaves an existing one alone.  What cannot be renamed over is
 * written directly: a pipe or device (/dev/stdout), and a file with other names, which would keep the
 * old contents. */
#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#include "load/load_int.h"

#define FLUSH_BYTES  ((size_t)1 << 18)
#define PACKED_BYTES ((size_t)1 << 17)
#define ZSTD_LEVEL   3

struct qn_unload {
    qn_env          *env;
    qn_load_options  options;
    qn_text_settings settings;
    const qn_type   *types;
    uint32_t         columns;
    char            *path, *temp; /* temp NULL: write to path directly, or to the callback */
    size_t           path_bytes, temp_bytes;
    qn_file         *file;
    bool (*write)(void *arg, const void *data, size_t bytes);
    void  *arg;
    qn_buf text;         /* not yet flushed */
    qn_buf value;        /* one value */
    bool   special[256]; /* bytes that need care in this format */
    size_t null_bytes;

    qn_codec   codec;
    char      *packed;
    z_stream   z;
    bool       z_ready;
    ZSTD_CCtx *zstd;
    uint64_t   zstd_charged;

    uint64_t rows;
    bool     failed, published;
};

static qn_status write_out(qn_unload *u, const void *data, size_t bytes, qn_error *err)
{
    if (bytes == 0)
        return QN_OK;
    if (u->path)
        return u->env->vfs->write(u->env->vfs, u->file, QN_STREAM, data, bytes, err);
    if (!u->write(u->arg, data, bytes))
        return qn_fail(err, QN_SQLSTATE_IO_ERROR, "could not write to COPY output");
    return QN_OK;
}

static qn_status write_gzip(qn_unload *u, bool end, qn_error *err)
{
    int rc = Z_OK;

    u->z.next_in = (Bytef *)u->text.data;
    u->z.avail_in = (uInt)u->text.bytes; /* flushed long before 4 GB, see end_row */
    do {
        u->z.next_out = (Bytef *)u->packed;
        u->z.avail_out = PACKED_BYTES;
        rc = deflate(&u->z, end ? Z_FINISH : Z_NO_FLUSH);
        if (rc == Z_STREAM_ERROR)
            return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "gzip compression failed");
        qn_status st = write_out(u, u->packed, PACKED_BYTES - u->z.avail_out, err);
        if (st != QN_OK)
            return st;
    } while (end ? rc != Z_STREAM_END : u->z.avail_in || u->z.avail_out == 0);
    return QN_OK;
}

static bool charge_zstd(qn_unload *u)
{
    uint64_t now = ZSTD_sizeof_CCtx(u->zstd);
    if (now > u->zstd_charged) {
        if (!qn_mem_charge(u->env->mem, now - u->zstd_charged))
            return false;
        u->zstd_charged = now;
    }
    return true;
}

static qn_status write_zstd(qn_unload *u, bool end, qn_error *err)
{
    ZSTD_inBuffer in = {u->text.data, u->text.bytes, 0};
    size_t        left;

    do {
        ZSTD_outBuffer out = {u->packed, PACKED_BYTES, 0};
        left = ZSTD_compressStream2(u->zstd, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "zstd compression failed: %s",
                           ZSTD_getErrorName(left));
        if (!charge_zstd(u))
            return qn_nomem(err);
        qn_status st = write_out(u, u->packed, out.pos, err);
        if (st != QN_OK)
            return st;
    } while (end ? left != 0 : in.pos < in.size);
    return QN_OK;
}

static qn_status flush(qn_unload *u, bool end, qn_error *err)
{
    if (!qn_buf_ok(&u->text) || !qn_buf_ok(&u->value))
        return qn_nomem(err);
    qn_status st = u->codec == QN_CODEC_GZIP   ? write_gzip(u, end, err)
                   : u->codec == QN_CODEC_ZSTD ? write_zstd(u, end, err)
                                               : write_out(u, u->text.data, u->text.bytes, err);
    qn_buf_clear(&u->text);
    return st;
}

/* ---- values
 * -------------------------------------------------------------------------------------------- */

static char escape_letter(char c)
{
    switch (c) {
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\v':
        return 'v';
    default:
        return c;
    }
}

static void put_text(qn_unload *u, const char *s, size_t n)
{
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        if (!u->special[(unsigned char)s[i]])
            continue;
        qn_buf_add(&u->text, s + done, i - done);
        qn_buf_putc(&u->text, '\\');
        qn_buf_putc(&u->text, escape_letter(s[i]));
        done = i + 1;
    }
    qn_buf_add(&u->text, s + done, n - done);
}

static void put_csv(qn_unload *u, const char *s, size_t n, bool quote)
{
    const qn_load_options *o = &u->options;

    /* What would read as the null value or, alone on its line, as the end of data. */
    quote = quote || (n == u->null_bytes && memcmp(s, o->null_text, n) == 0) ||
            (u->columns == 1 && n == 2 && memcmp(s, "\\.", 2) == 0);
    for (size_t i = 0; i < n && !quote; i++)
        quote = u->special[(unsigned char)s[i]];
    if (!quote) {
        qn_buf_add(&u->text, s, n);
        return;
    }
    size_t done = 0;
    qn_buf_putc(&u->text, o->quote);
    for (size_t i = 0; i < n; i++) {
        if (s[i] != o->quote && s[i] != o->escape)
            continue;
        qn_buf_add(&u->text, s + done, i - done);
        qn_buf_putc(&u->text, o->escape);
        done = i;
    }
    qn_buf_add(&u->text, s + done, n - done);
    qn_buf_putc(&u->text, o->quote);
}

static void put(qn_unload *u, const char *s, size_t n, bool quote)
{
    if (u->options.format == QN_LOAD_CSV)
        put_csv(u, s, n, quote);
    else
        put_text(u, s, n);
}

static void put_value(qn_unload *u, uint32_t c, const void *values, uint32_t i)
{
    bool quote =
        u->options.force_quote_all || (u->options.force_quote && u->options.force_quote[c]);
    qn_bank bank = qn_type_bank((qn_sql_type)u->types[c].id);

    if (bank == QN_BANK_STR) {
        const qn_str *s = (const qn_str *)values + i;
        put(u, qn_str_data(s), s->bytes, quote);
        return;
    }
    qn_datum v;
    qn_bank_get(bank, values, i, &v);
    qn_buf_clear(&u->value);
    qn_value_print(u->types[c], &v, &u->settings, &u->value);
    if (u->value.failed)
        u->text.failed = true;
    else
        put(u, u->value.data, u->value.bytes, quote);
}

static qn_status end_row(qn_unload *u, qn_error *err)
{
    qn_buf_putc(&u->text, '\n');
    return u->text.bytes >= FLUSH_BYTES || u->text.failed ? flush(u, false, err) : QN_OK;
}

static qn_status put_header(qn_unload *u, const char *const *names, qn_error *err)
{
    for (uint32_t c = 0; c < u->columns; c++) {
        if (c)
            qn_buf_putc(&u->text, u->options.delimiter);
        put(u, names[c], strlen(names[c]), false);
    }
    return end_row(u, err);
}

/* ---- files
 * -----------------------------------------------------------------------------------------------
 */

static qn_status open_failed(const char *path, const qn_error *cause, qn_error *err)
{
    if (cause->status == QN_NOMEM)
        return qn_nomem(err);
    const char *why = strrchr(cause->message, ':');
    bool        missing = qn_error_is(cause, QN_SQLSTATE_UNDEFINED_FILE);
    bool        full = qn_error_is(cause, QN_SQLSTATE_DISK_FULL);
    return qn_fail(err,
                   missing ? QN_SQLSTATE_UNDEFINED_FILE
                   : full  ? QN_SQLSTATE_DISK_FULL
                           : QN_SQLSTATE_IO_ERROR,
                   "could not open file \"%s\" for writing: %s", path,
                   missing                ? "No such file or directory"
                   : why && why[1] == ' ' ? why + 2
                                          : cause->message);
}

/* A name beside the final one that nothing uses. */
static qn_status choose_temp(qn_unload *u, qn_error *err)
{
    qn_stat info;

    u->temp_bytes = u->path_bytes + 16;
    u->temp = qn_alloc(u->env->mem, u->temp_bytes);
    if (!u->temp)
        return qn_nomem(err);
    for (int i = 0; i < 1000; i++) {
        qn_error none = {0};
        snprintf(u->temp, u->temp_bytes, "%s.tmp%d", u->path, i);
        if (u->env->vfs->stat(u->env->vfs, u->temp, &info, &none) != QN_OK)
            return QN_OK; /* free, or opening it will say what is wrong */
    }
    return qn_fail(err, QN_SQLSTATE_IO_ERROR, "no free temporary name beside \"%s\"", u->path);
}

static qn_status open_file(qn_unload *u, const char *path, qn_error *err)
{
    qn_vfs  *vfs = u->env->vfs;
    qn_stat  info = {0};
    qn_error cause = {0};

    u->path = qn_mem_strdup(u->env->mem, path);
    if (!u->path)
        return qn_nomem(err);
    u->path_bytes = strlen(path) + 1;
    bool exists = vfs->stat(vfs, path, &info, &cause) == QN_OK;
    if (exists && info.is_directory)
        return qn_fail(err, QN_SQLSTATE_WRONG_OBJECT_TYPE, "\"%s\" is a directory", path);
    if (!exists && cause.status == QN_NOMEM)
        return qn_nomem(err);
    /* /dev/stdout may lead to a regular file; its name is not ours to replace. */
    if ((!exists || (info.is_regular && !info.is_alias)) && strncmp(path, "/dev/", 5) != 0 &&
        strncmp(path, "/proc/", 6) != 0) {
        qn_status st = choose_temp(u, err);
        if (st != QN_OK)
            return st;
    }
    qn_error_clear(&cause);
    /* What was private stays so; else the umask decides, as for any file made for the user. */
    qn_open_mode mode = !u->temp                     ? QN_OPEN_TRUNCATE
                        : exists && info.is_private ? QN_OPEN_CREATE_NEW
                                                    : QN_OPEN_EXPORT_NEW;
    if (vfs->open(vfs, u->temp ? u->temp : path, mode, &u->file, &cause) != QN_OK) {
        u->file = NULL;
        return open_failed(path, &cause, err);
    }
    return QN_OK;
}

static qn_status open_codec(qn_unload *u, qn_error *err)
{
    u->codec = qn_codec_of_path(u->path);
    if (u->codec == QN_CODEC_NONE)
        return QN_OK;
    u->packed = qn_alloc(u->env->mem, PACKED_BYTES);
    if (!u->packed)
        return qn_nomem(err);
    if (u->codec == QN_CODEC_GZIP) {
        u->z.zalloc = qn_zlib_alloc;
        u->z.zfree = qn_zlib_free;
        u->z.opaque = u->env->mem;
        u->z_ready = deflateInit2(&u->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
                                  Z_DEFAULT_STRATEGY) == Z_OK;
        return u->z_ready ? QN_OK : qn_nomem(err);
    }
    u->zstd = ZSTD_createCCtx();
    if (!u->zstd ||
        ZSTD_isError(ZSTD_CCtx_setParameter(u->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(u->zstd, ZSTD_c_checksumFlag, 1)) || !charge_zstd(u))
        return qn_nomem(err);
    return QN_OK;
}

static void mark_special(qn_unload *u)
{
    const char *set = u->options.format == QN_LOAD_CSV ? "\n\r" : "\b\f\n\r\t\v\\";
    for (; *set; set++)
        u->special[(unsigned char)*set] = true;
    u->special[(unsigned char)u->options.delimiter] = true;
    if (u->options.format == QN_LOAD_CSV)
        u->special[(unsigned char)u->options.quote] = true;
}

qn_status qn_unload_new(qn_env *env, const qn_load_options *options, const char *path,
                        bool (*write)(void *arg, const void *data, size_t bytes), void *arg,
                        const qn_type *types, const char *const *names, uint32_t columns,
                        const qn_text_settings *settings, qn_unload **unload, qn_error *err)
{
    qn_status  st = QN_OK;
    qn_unload *u = qn_alloc0(env->mem, sizeof *u);

    *unload = NULL;
    if (!u)
        return qn_nomem(err);
    u->env = env;
    u->options = *options;
    if (!u->options.null_text)
        u->options.null_text = "";
    u->null_bytes = strlen(u->options.null_text);
    u->settings = *settings;
    u->types = types;
    u->columns = columns;
    u->write = write;
    u->arg = arg;
    qn_buf_init(&u->text, env->mem);
    qn_buf_init(&u->value, env->mem);
    mark_special(u);
    if (path)
        QN_TRY(open_file(u, path, err));
    QN_TRY(open_codec(u, err));
    if (options->header)
        QN_TRY(put_header(u, names, err));
    *unload = u;
    return QN_OK;
done:
    qn_unload_free(u);
    return st;
}

qn_status qn_unload_add(qn_unload *u, const void *const *values, const uint64_t *const *nulls,
                        uint32_t rows, qn_error *err)
{
    qn_status st = QN_OK;

    if (u->failed)
        return qn_fail(err, QN_SQLSTATE_MISUSE, "COPY output has failed before");
    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t c = 0; c < u->columns; c++) {
            const uint64_t *bits = nulls ? nulls[c] : NULL;
            if (c)
                qn_buf_putc(&u->text, u->options.delimiter);
            if (bits && (bits[i / 64] >> (i % 64) & 1))
                qn_buf_add(&u->text, u->options.null_text, u->null_bytes);
            else
                put_value(u, c, values[c], i);
        }
        QN_TRY(end_row(u, err));
        u->rows++;
    }
done:
    u->failed = st != QN_OK;
    return st;
}

/* The directory part of a path, in place: "." when there is none. */
static void directory_of(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        strcpy(path, ".");
    else
        slash[slash == path] = 0;
}

qn_status qn_unload_finish(qn_unload *u, uint64_t *rows, qn_error *err)
{
    qn_status st = QN_OK;
    qn_vfs   *vfs = u->env->vfs;

    if (u->failed)
        return qn_fail(err, QN_SQLSTATE_MISUSE, "COPY output has failed before");
    QN_TRY(flush(u, true, err));
    if (u->temp) {
        QN_TRY(vfs->sync(vfs, u->file, err));
        vfs->close(vfs, u->file);
        u->file = NULL;
        QN_TRY(vfs->rename(vfs, u->temp, u->path, err));
        u->published = true;
        /* The name is visible; a directory that cannot be synced only weakens its durability. */
        directory_of(u->temp);
        QN_TRY(vfs->sync_dir(vfs, u->temp, err));
    }
    if (rows)
        *rows = u->rows;
done:
    u->failed = st != QN_OK;
    return st;
}

void qn_unload_free(qn_unload *u)
{
    if (!u)
        return;
    qn_mem *mem = u->env->mem;
    if (u->z_ready)
        deflateEnd(&u->z);
    ZSTD_freeCCtx(u->zstd);
    qn_mem_release(mem, u->zstd_charged);
    if (u->temp && !u->published) {
        u->env->vfs->close(u->env->vfs, u->file);
        u->file = NULL;
        qn_error none = {0};
        if (u->env->vfs->unlink(u->env->vfs, u->temp, &none) != QN_OK)
            none.status = QN_OK; /* nothing more can be done about a leftover */
    }
    u->env->vfs->close(u->env->vfs, u->file);
    qn_buf_deinit(&u->text);
    qn_buf_deinit(&u->value);
    qn_free(mem, u->packed, u->packed ? PACKED_BYTES : 0);
    qn_free(mem, u->path, u->path_bytes);
    qn_free(mem, u->temp, u->temp_bytes);
    qn_free(mem, u, sizeof *u);
}
