/* Files in FROM: see files.h.
 *
 * Parquet files say what they hold and must say the same.  Of CSV the first file that has a record settles how it is
 * written, the others are read the same way; a column's type is the narrowest that all samples allow.
 *
 * Under the reader's latch: readers, users, done, opening.  Files are opened and closed outside of it. */
#include "load/files.h"

#include "base/thread.h"
#include "load/csv.h"

#define PACKED 4.0 /* a guess: so many times larger than a compressed file is its text */

typedef struct qn_files_member {
    const char   *path;
    uint64_t      bytes, modified_ns;
    uint64_t      part_count;
    qn_csv_shape *shape; /* CSV */
} qn_files_member;

/* ---- describing ------------------------------------------------------------------------------ */

static qn_status copy_request(const qn_files_request *from, qn_arena *arena, qn_files_request *to, qn_error *err)
{
    qn_status st = QN_OK;
    *to = *from;
    QN_ALLOC(err, to->pattern = qn_arena_strdup(arena, from->pattern));
    if (from->csv.has_null)
        QN_ALLOC(err, to->csv.null_text = qn_arena_strdup(arena, from->csv.null_text));
done:
    return st;
}

static qn_status not_regular(const char *path, qn_error *err)
{
    qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "reading \"%s\", which is not a regular file, in FROM is not supported", path);
    qn_error_hint(err, "It would have to be read twice.  COPY reads it once.");
    return QN_ERROR;
}

static qn_status stat_member(qn_env *env, qn_files_member *m, qn_error *err)
{
    qn_stat  info = {0};
    qn_error cause = {0};

    if (env->vfs->stat(env->vfs, m->path, &info, &cause) != QN_OK) {
        if (cause.status == QN_NOMEM)
            return qn_nomem(err);
        const char *why = strrchr(cause.message, ':');
        bool        missing = qn_error_is(&cause, QN_SQLSTATE_UNDEFINED_FILE);
        return qn_fail(err, missing ? QN_SQLSTATE_UNDEFINED_FILE : QN_SQLSTATE_IO_ERROR,
                       "could not open file \"%s\" for reading: %s", m->path,
                       missing                  ? "No such file or directory"
                       : why && why[1] == ' ' ? why + 2
                                                : cause.message);
    }
    if (info.is_directory)
        return qn_fail(err, QN_SQLSTATE_WRONG_OBJECT_TYPE, "\"%s\" is a directory", m->path);
    if (!info.is_regular)
        return not_regular(m->path, err);
    m->bytes = info.bytes;
    m->modified_ns = info.modified_ns;
    return QN_OK;
}

static qn_status other_count(const char *path, uint32_t count, const char *first, uint32_t expected, qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_DATATYPE_MISMATCH, "file \"%s\" has %u columns, but \"%s\" has %u", path, count, first,
                   expected);
}

static qn_status other_name(const char *path, uint32_t column, const char *name, const char *first, const char *expected,
                            qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_DATATYPE_MISMATCH, "column %u of file \"%s\" is \"%s\", but that of \"%s\" is \"%s\"",
                   column + 1, path, name, first, expected);
}

/* What the others shall be read like. */
static void fix_dialect(qn_csv_options *o, const qn_csv_shape *shape)
{
    o->has_delimiter = o->has_quote = o->has_escape = o->has_header = true;
    o->delimiter = shape->options.delimiter;
    o->quote = shape->options.quote;
    o->escape = shape->options.escape;
    o->header = shape->options.header;
}

/* About, as the sample has it. */
static double rows_of(const qn_files_member *m)
{
    const qn_csv_shape *s = m->shape;
    if (s->complete || !s->sample_rows)
        return (double)s->sample_rows;
    double bytes = (double)m->bytes * (qn_codec_of_path(m->path) == QN_CODEC_NONE ? 1 : PACKED);
    return bytes * (double)s->sample_rows / (double)s->sample_bytes;
}

static qn_status describe_csv(qn_env *env, qn_files *files, qn_files_member *members, qn_arena *arena, qn_error *err)
{
    qn_status         st = QN_OK;
    qn_csv_options    options = files->request.csv;
    qn_files_member  *first = NULL;
    qn_reader_column *columns;
    bool             *day_first;

    for (uint32_t i = 0; i < files->count; i++) {
        qn_files_member *m = &members[i];
        QN_ALLOC(err, m->shape = qn_arena_new(arena, qn_csv_shape));
        QN_TRY(qn_csv_sniff(env, m->path, &options, arena, m->shape, err));
        if (!m->shape->column_count) /* empty: no rows */
            continue;
        if (!m->bytes) /* made up when it is read */
            return not_regular(m->path, err);
        m->part_count = qn_csv_part_count(m->path, m->bytes, files->request.part_bytes);
        files->rows += rows_of(m);
        if (!first) {
            first = m;
            fix_dialect(&options, m->shape);
            continue;
        }
        if (m->shape->column_count != first->shape->column_count)
            return other_count(m->path, m->shape->column_count, first->path, first->shape->column_count, err);
        for (uint32_t c = 0; c < first->shape->column_count; c++)
            if (strcmp(m->shape->columns[c].name, first->shape->columns[c].name) != 0)
                return other_name(m->path, c, m->shape->columns[c].name, first->path, first->shape->columns[c].name, err);
        qn_csv_merge(first->shape, m->shape);
    }
    if (!first)
        return qn_fail(err, QN_SQLSTATE_BAD_COPY_FORMAT, "file \"%s\" is empty: it has no columns", members[0].path);
    files->column_count = first->shape->column_count;
    QN_ALLOC(err, columns = qn_arena_array(arena, qn_reader_column, files->column_count));
    QN_ALLOC(err, day_first = qn_arena_array(arena, bool, files->column_count));
    for (uint32_t c = 0; c < files->column_count; c++) {
        const qn_csv_column *from = &first->shape->columns[c];
        columns[c] = (qn_reader_column){.name = from->name, .nullable = true};
        columns[c].type = qn_csv_guess_type(from->guess, first->shape->complete, &day_first[c]);
    }
    for (uint32_t i = 0; i < files->count; i++) /* for hints */
        members[i].shape->sample_rows = first->shape->sample_rows;
    files->columns = columns;
    files->day_first = day_first;
done:
    return st;
}

/* Columns of the first file, copied. */
static qn_status take_columns(qn_files *files, const qn_reader *reader, qn_arena *arena, qn_error *err)
{
    qn_status         st = QN_OK;
    qn_reader_column *columns;

    QN_ALLOC(err, columns = qn_arena_array(arena, qn_reader_column, (size_t)reader->column_count + 1));
    for (uint32_t c = 0; c < reader->column_count; c++) {
        columns[c] = reader->columns[c];
        QN_ALLOC(err, columns[c].name = qn_arena_strdup(arena, reader->columns[c].name));
        if (columns[c].unsupported)
            QN_ALLOC(err, columns[c].unsupported = qn_arena_strdup(arena, reader->columns[c].unsupported));
    }
    files->columns = columns;
    files->column_count = reader->column_count;
done:
    return st;
}

static qn_status check_columns(const qn_files *files, const qn_reader *reader, const char *path, const char *first, qn_error *err)
{
    if (reader->column_count != files->column_count)
        return other_count(path, reader->column_count, first, files->column_count, err);
    for (uint32_t c = 0; c < files->column_count; c++) {
        const qn_reader_column *is = &reader->columns[c], *was = &files->columns[c];
        char                    a[64], b[64];
        if (strcmp(is->name, was->name) != 0)
            return other_name(path, c, is->name, first, was->name, err);
        if (is->type.id != was->type.id || is->type.typmod != was->type.typmod || !is->unsupported != !was->unsupported)
            return qn_fail(err, QN_SQLSTATE_DATATYPE_MISMATCH, "column \"%s\" of file \"%s\" is %s, but that of \"%s\" is %s",
                           is->name, path, is->unsupported ? is->unsupported : qn_type_format(is->type, a, sizeof a), first,
                           was->unsupported ? was->unsupported : qn_type_format(was->type, b, sizeof b));
    }
    return QN_OK;
}

static qn_status describe_parquet(qn_env *env, qn_files *files, qn_files_member *members, qn_arena *arena, qn_error *err)
{
    for (uint32_t i = 0; i < files->count; i++) {
        qn_files_member *m = &members[i];
        qn_reader       *reader;
        qn_status        st = qn_parquet_open(env, m->path, &reader, err);
        if (st != QN_OK)
            return st;
        m->part_count = reader->part_count;
        files->rows += (double)reader->rows;
        files->exact_rows += reader->rows;
        st = i == 0 ? take_columns(files, reader, arena, err) : check_columns(files, reader, m->path, members[0].path, err);
        reader->ops->close(reader);
        if (st != QN_OK)
            return st;
    }
    return QN_OK;
}

qn_status qn_files_describe(qn_env *env, const qn_files_request *request, qn_arena *arena, const qn_files **out,
                            qn_error *err)
{
    qn_status          st = QN_OK;
    qn_files          *files;
    qn_files_member   *members;
    const char *const *paths;
    uint32_t           count;

    QN_ALLOC(err, files = qn_arena_new(arena, qn_files));
    QN_TRY(copy_request(request, arena, &files->request, err));
    QN_TRY(qn_glob(env, files->request.pattern, arena, &paths, &count, err));
    QN_ALLOC(err, members = qn_arena_array(arena, qn_files_member, count));
    files->count = count;
    files->members = members;
    for (uint32_t i = 0; i < count; i++) {
        members[i].path = paths[i];
        QN_TRY(stat_member(env, &members[i], err));
        files->bytes += members[i].bytes;
    }
    QN_TRY((request->kind == QN_FILES_CSV ? describe_csv : describe_parquet)(env, files, members, arena, err));
    *out = files;
done:
    return st;
}

qn_status qn_files_current(qn_env *env, const qn_files *files, bool *current, qn_error *err)
{
    qn_status          st = QN_OK;
    qn_arena           scratch;
    const char *const *paths = NULL;
    uint32_t           count = 0;
    qn_error           ignored = {0};

    *current = false;
    qn_arena_init(&scratch, env->mem);
    st = qn_glob(env, files->request.pattern, &scratch, &paths, &count, &ignored);
    bool same = st == QN_OK && count == files->count;
    for (uint32_t i = 0; same && i < count; i++) {
        qn_files_member now = {.path = paths[i]};
        qn_error        changed = {0};
        st = stat_member(env, &now, &changed);
        same = st == QN_OK && strcmp(now.path, files->members[i].path) == 0 && now.bytes == files->members[i].bytes &&
               now.modified_ns == files->members[i].modified_ns;
    }
    *current = same;
    qn_arena_deinit(&scratch);
    return st == QN_NOMEM ? qn_nomem(err) : QN_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct open_member {
    qn_reader *reader;
    uint32_t   users; /* cursors */
    uint64_t   done;  /* parts that a cursor has left */
    bool       opening;
} open_member;

typedef struct files_reader {
    qn_reader       head;
    qn_env          env;
    const qn_files *files;
    qn_arena        arena;
    uint64_t       *first_part; /* per file, and the end */
    qn_latch        latch;
    qn_cond         opened;
    open_member    *members;
} files_reader;

typedef struct files_cursor { /* what this file calls a qn_reader_cursor */
    files_reader        *reader;
    qn_mem              *mem;
    const uint32_t      *columns;
    uint32_t             count, member;
    const qn_reader_ops *ops;   /* of the file's reader */
    qn_reader_cursor    *inner; /* NULL after an error */
} files_cursor;

static qn_status open_file(files_reader *r, uint32_t member, qn_reader **reader, qn_error *err)
{
    const qn_files_member *m = &r->files->members[member];
    qn_files_member        now = {.path = m->path};
    qn_status              st = stat_member(&r->env, &now, err);

    if (st != QN_OK)
        return st;
    if (r->files->request.kind == QN_FILES_PARQUET) {
        st = qn_parquet_open(&r->env, m->path, reader, err);
        /* Code was made for the columns as they were: another file by this name must not be read by it. */
        if (st == QN_OK && ((*reader)->part_count != m->part_count || check_columns(r->files, *reader, m->path, m->path, NULL) != QN_OK)) {
            (*reader)->ops->close(*reader);
            *reader = NULL;
            st = qn_fail(err, QN_SQLSTATE_IO_ERROR, "file \"%s\" changed while the statement ran", m->path);
        }
        return st;
    }
    if (now.bytes < m->bytes) /* one that grows is read as far as it was there at first */
        return qn_fail(err, QN_SQLSTATE_IO_ERROR, "file \"%s\" became shorter while the statement ran", m->path);
    return qn_csv_open_shape(&r->env, m->path, m->bytes, r->files->request.part_bytes, m->shape, r->head.columns,
                             r->files->day_first, reader, err);
}

/* Open the file if it is not, and keep it open. */
static qn_status member_take(files_reader *r, uint32_t member, qn_reader **reader, qn_error *err)
{
    open_member *m = &r->members[member];
    qn_status    st = QN_OK;

    qn_latch_take(&r->latch);
    while (m->opening)
        qn_cond_wait(&r->opened, &r->latch);
    if (!m->reader) {
        m->opening = true;
        qn_latch_drop(&r->latch);
        qn_reader *fresh = NULL;
        st = open_file(r, member, &fresh, err);
        qn_latch_take(&r->latch);
        m->opening = false;
        m->reader = fresh;
        qn_cond_broadcast(&r->opened);
    }
    if (st == QN_OK)
        m->users++;
    *reader = m->reader;
    qn_latch_drop(&r->latch);
    return st;
}

static void member_drop(files_reader *r, uint32_t member)
{
    open_member *m = &r->members[member];
    qn_reader   *last = NULL;

    qn_latch_take(&r->latch);
    m->done++;
    if (--m->users == 0 && m->done >= r->files->members[member].part_count) {
        last = m->reader;
        m->reader = NULL;
    }
    qn_latch_drop(&r->latch);
    if (last)
        last->ops->close(last);
}

static void cursor_leave(files_cursor *c)
{
    if (!c->inner)
        return;
    c->ops->cursor_close(c->inner);
    c->inner = NULL;
    member_drop(c->reader, c->member);
}

static uint32_t member_of(const files_reader *r, uint64_t part)
{
    uint32_t lo = 0, hi = r->files->count; /* the last file that begins at or before it; empty ones begin with the next */
    while (lo + 1 < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->first_part[mid] <= part)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static qn_status cursor_move(qn_reader_cursor *cursor, uint64_t part, qn_error *err)
{
    files_cursor *c = (files_cursor *)cursor;
    files_reader *r = c->reader;
    uint32_t      member = member_of(r, part);
    uint64_t      inside = part - r->first_part[member];
    qn_reader    *reader;

    if (c->inner && member == c->member && c->ops->cursor_move) {
        qn_status st = c->ops->cursor_move(c->inner, inside, err);
        qn_latch_take(&r->latch);
        r->members[member].done++;
        qn_latch_drop(&r->latch);
        return st;
    }
    cursor_leave(c);
    c->member = member;
    qn_status st = member_take(r, member, &reader, err);
    if (st != QN_OK)
        return st;
    c->ops = reader->ops;
    st = reader->ops->cursor_open(reader, inside, c->columns, c->count, c->mem, &c->inner, err);
    if (st != QN_OK)
        member_drop(r, member);
    return st;
}

static void cursor_close(qn_reader_cursor *cursor)
{
    files_cursor *c = (files_cursor *)cursor;
    if (!c)
        return;
    cursor_leave(c);
    qn_free(c->mem, c, sizeof *c);
}

static qn_status cursor_open(const qn_reader *reader, uint64_t part, const uint32_t *columns, uint32_t count, qn_mem *mem,
                             qn_reader_cursor **cursor, qn_error *err)
{
    files_cursor *c = qn_alloc0(mem, sizeof *c);
    *cursor = NULL;
    if (!c)
        return qn_nomem(err);
    *c = (files_cursor){.reader = (files_reader *)reader, .mem = mem, .columns = columns, .count = count};
    qn_status st = cursor_move((qn_reader_cursor *)c, part, err);
    if (st != QN_OK) {
        cursor_close((qn_reader_cursor *)c);
        return st;
    }
    *cursor = (qn_reader_cursor *)c;
    return QN_OK;
}

static qn_status cursor_next(qn_reader_cursor *cursor, qn_reader_vector *vectors, uint32_t *rows, qn_error *err)
{
    files_cursor *c = (files_cursor *)cursor;
    return c->ops->cursor_next(c->inner, vectors, rows, err);
}

static double cursor_fraction(const qn_reader_cursor *cursor)
{
    const files_cursor *c = (const files_cursor *)cursor;
    return c->inner && c->ops->cursor_fraction ? c->ops->cursor_fraction(c->inner) : -1;
}

static void reader_close(qn_reader *reader)
{
    files_reader *r = (files_reader *)reader;
    if (!r)
        return;
    qn_mem *mem = r->env.mem;
    for (uint32_t i = 0; r->members && i < r->files->count; i++)
        if (r->members[i].reader)
            r->members[i].reader->ops->close(r->members[i].reader);
    qn_latch_deinit(&r->latch);
    qn_cond_deinit(&r->opened);
    qn_arena_deinit(&r->arena);
    qn_free(mem, r, sizeof *r);
}

static const qn_reader_ops ops = {.close = reader_close, .cursor_open = cursor_open, .cursor_next = cursor_next,
                                  .cursor_close = cursor_close, .cursor_move = cursor_move,
                                  .cursor_fraction = cursor_fraction};

static qn_status same_columns(const qn_files *now, const qn_files *then, qn_error *err)
{
    uint32_t n = now->column_count < then->column_count ? now->column_count : then->column_count, c = 0;
    while (c < n && strcmp(now->columns[c].name, then->columns[c].name) == 0 &&
           now->columns[c].type.id == then->columns[c].type.id && now->columns[c].type.typmod == then->columns[c].type.typmod)
        c++;
    if (c == now->column_count && c == then->column_count)
        return QN_OK;
    return qn_fail(err, QN_SQLSTATE_DATATYPE_MISMATCH, "column %u of \"%s\" changed while the statement was prepared", c + 1,
                   then->request.pattern);
}

qn_status qn_files_open(qn_env *env, const qn_files *files, qn_reader **reader, qn_error *err)
{
    qn_status     st = QN_OK;
    bool          current;
    files_reader *r = qn_alloc0(env->mem, sizeof *r);

    *reader = NULL;
    if (!r)
        return qn_nomem(err);
    r->env = *env;
    r->files = files;
    qn_arena_init(&r->arena, env->mem);
    qn_latch_init(&r->latch);
    qn_cond_init(&r->opened);
    QN_TRY(qn_files_current(env, files, &current, err));
    if (!current) {
        QN_TRY(qn_files_describe(env, &files->request, &r->arena, &r->files, err));
        QN_TRY(same_columns(r->files, files, err));
        files = r->files;
    }
    QN_ALLOC(err, r->first_part = qn_arena_array(&r->arena, uint64_t, (size_t)files->count + 1));
    QN_ALLOC(err, r->members = qn_arena_array(&r->arena, open_member, files->count));
    for (uint32_t i = 0; i < files->count; i++)
        r->first_part[i + 1] = r->first_part[i] + files->members[i].part_count;
    r->head = (qn_reader){.ops = &ops, .columns = files->columns, .column_count = files->column_count,
                          .rows = files->request.kind == QN_FILES_PARQUET ? files->exact_rows : UINT64_MAX,
                          .part_count = r->first_part[files->count], .bytes = files->bytes};
    *reader = &r->head;
    return QN_OK;
done:
    reader_close(&r->head);
    return st;
}
