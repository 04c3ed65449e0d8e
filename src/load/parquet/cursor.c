/* A Parquet file behind the interface of load/reader.h: parts are row groups. */
#include "load/parquet/parquet_int.h"

struct qn_reader_cursor {
    const qn_pq_file *file;
    qn_mem           *mem;
    uint32_t          count;
    uint64_t          left; /* rows */
    qn_pq_unpacker   *unpacker;
    qn_pq_reader    **readers; /* count of them */
};

static void cursor_close(qn_reader_cursor *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; c->readers && i < c->count; i++)
        qn_pq_reader_free(c->readers[i]);
    qn_free(c->mem, c->readers, c->readers ? (c->count + 1) * sizeof *c->readers : 0);
    qn_pq_unpacker_free(c->unpacker);
    qn_free(c->mem, c, sizeof *c);
}

static qn_status cursor_open(const qn_reader *reader, uint64_t part, const uint32_t *columns, uint32_t count,
                             qn_mem *mem, qn_reader_cursor **cursor, qn_error *err)
{
    const qn_pq_file *f = (const qn_pq_file *)reader;
    qn_status         st = QN_OK;
    qn_reader_cursor *c = qn_alloc0(mem, sizeof *c);

    *cursor = NULL;
    if (!c)
        return qn_nomem(err);
    QN_ASSERT(part < reader->part_count);
    c->file = f;
    c->mem = mem;
    c->count = count;
    c->left = f->parts[part].rows;
    QN_ALLOC(err, c->unpacker = qn_pq_unpacker_new(mem));
    QN_ALLOC(err, c->readers = qn_alloc0(mem, ((size_t)count + 1) * sizeof *c->readers));
    for (uint32_t i = 0; i < count; i++) {
        QN_ASSERT(columns[i] < reader->column_count);
        QN_TRY(qn_pq_reader_new(f, part, columns[i], c->unpacker, mem, &c->readers[i], err));
    }
    *cursor = c;
    return QN_OK;
done:
    cursor_close(c);
    return st;
}

static qn_status cursor_next(qn_reader_cursor *c, qn_reader_vector *vectors, uint32_t *rows, qn_error *err)
{
    uint32_t  n = c->left < QN_PQ_BATCH ? (uint32_t)c->left : QN_PQ_BATCH;
    qn_status st = QN_OK;

    *rows = 0;
    for (uint32_t i = 0; i < c->count && n && st == QN_OK; i++)
        st = qn_pq_reader_next(c->readers[i], n, &vectors[i], err);
    if (st == QN_OK) {
        c->left -= n;
        *rows = n;
    }
    return st;
}

static qn_status cursor_skip(qn_reader_cursor *c, uint64_t rows, qn_error *err)
{
    qn_status st = QN_OK;

    rows = rows < c->left ? rows : c->left;
    for (uint32_t i = 0; i < c->count && st == QN_OK; i++)
        st = qn_pq_reader_skip(c->readers[i], rows, err);
    if (st == QN_OK)
        c->left -= rows;
    return st;
}

static void part_info(const qn_reader *reader, uint64_t part, qn_reader_part *info)
{
    *info = ((const qn_pq_file *)reader)->parts[part];
}

static void file_close(qn_reader *reader)
{
    qn_pq_file *f = (qn_pq_file *)reader;
    qn_mem     *mem = f->env.mem;

    f->env.vfs->close(f->env.vfs, f->file);
    qn_arena_deinit(&f->arena);
    qn_free(mem, f, sizeof *f);
}

const qn_reader_ops qn_pq_ops = {.close = file_close,
                                 .cursor_open = cursor_open,
                                 .cursor_next = cursor_next,
                                 .cursor_close = cursor_close,
                                 .part_info = part_info,
                                 .cursor_skip = cursor_skip};

/* As COPY words it for other files. */
static qn_status open_failed(const char *path, const qn_error *cause, qn_error *err)
{
    if (cause->status == QN_NOMEM)
        return qn_nomem(err);
    bool missing = qn_error_is(cause, QN_SQLSTATE_UNDEFINED_FILE);
    return qn_fail(err, missing ? QN_SQLSTATE_UNDEFINED_FILE : QN_SQLSTATE_IO_ERROR,
                   "could not open file \"%s\" for reading: %s", path,
                   missing ? "No such file or directory" : cause->message);
}

qn_status qn_parquet_open(qn_env *env, const char *path, qn_reader **reader, qn_error *err)
{
    qn_status   st = QN_OK;
    qn_error    cause = {0};
    qn_stat     info = {0};
    qn_vfs     *vfs = env->vfs;
    qn_pq_file *f = qn_alloc0(env->mem, sizeof *f);

    *reader = NULL;
    if (!f)
        return qn_nomem(err);
    f->env = *env;
    f->reader.ops = &qn_pq_ops;
    qn_arena_init(&f->arena, env->mem);
    QN_ALLOC(err, f->path = qn_arena_strdup(&f->arena, path));
    if (vfs->stat(vfs, path, &info, &cause) != QN_OK)
        QN_TRY(open_failed(path, &cause, err));
    if (info.is_directory)
        QN_TRY(qn_fail(err, QN_SQLSTATE_WRONG_OBJECT_TYPE, "\"%s\" is a directory", path));
    if (!info.is_regular) /* its end comes first */
        QN_TRY(qn_fail(err, QN_SQLSTATE_WRONG_OBJECT_TYPE, "\"%s\" is not a regular file, as a Parquet file must be", path));
    if (vfs->open(vfs, path, QN_OPEN_READ, &f->file, &cause) != QN_OK)
        QN_TRY(open_failed(path, &cause, err));
    QN_TRY(vfs->file_bytes(vfs, f->file, &f->reader.bytes, err));
    QN_TRY(qn_pq_footer(f, err));
    *reader = &f->reader;
    return QN_OK;
done:
    file_close(&f->reader);
    return st;
}
