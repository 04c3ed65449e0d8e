/* Databases, connections, statements: the functions of quern.h that are not about results. */
#include "quern.h"

#include "api/api_int.h"
#include "api/api_test.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/assert.h"
#include "base/cpu.h"

/* Error positions leave the engine as byte offsets plus one; people count characters. */
static void position_in_characters(qn_error *err, const char *sql, size_t bytes)
{
    if (!err || err->position <= 0)
        return;
    size_t at = (size_t)err->position - 1;
    if (at > bytes)
        at = bytes;
    err->position = (int)qn_utf8_count(sql, at) + 1;
}

/* ---- database ---------------------------------------------------------------------------------------- */

/* Temporary files lie in the database's directory, where its disk is; a database in memory, or one that must not be
 * written to, uses the system's place for them. */
static void temp_place(qn_database *db, const qn_world *world, const char *path, bool read_only)
{
    int n = -1;
    db->temp_vfs = path && !read_only ? world->vfs : world->file_vfs;
    if (path && !read_only) {
        n = snprintf(db->temp_folder, sizeof db->temp_folder, "%s/" QN_STORE_TEMP_FOLDER, qn_store_path(db->store));
    } else {
        const char *place = getenv("TMPDIR");
        n = snprintf(db->temp_folder, sizeof db->temp_folder, "%s", place && *place ? place : "/tmp");
    }
    if (n < 0 || (size_t)n >= sizeof db->temp_folder)
        db->temp_vfs = NULL;
}

qn_status qn_open_in(const qn_world *world, const char *path, const qn_options *options, qn_database **out, qn_error *err)
{
    qn_status    st = QN_OK;
    qn_mem       root;
    qn_database *db;
    qn_options   none = {0};

    if (err)
        qn_error_clear(err);
    *out = NULL;
    if (!options)
        options = &none;
    qn_mem_init(&root, NULL, 0);
    db = qn_alloc0(&root, sizeof *db);
    if (!db)
        return qn_nomem(err);
    qn_mem_init(&db->mem, world->memory, options->memory_limit_bytes);
    db->env = (qn_env){.mem = &db->mem, .vfs = world->vfs, .clock = world->clock};
    db->file_vfs = world->file_vfs;
    qn_latch_init(&db->latch);
    qn_random_seed(&db->env.random, (uint64_t)db->env.clock.wall_micros(db->env.clock.self));
    QN_TRY(qn_store_open(&db->env, path, options->read_only, options->must_exist, &db->store, err));
    QN_TRY(calibration_load(db->store, &db->calibration, err));
    temp_place(db, world, path, options->read_only);
    QN_TRY(qn_sched_new(&db->env, NULL, options->threads, &db->sched, err));
    QN_TRY(unit_cache_new(db, err));
    if (!options->memory_limit_bytes)
        atomic_store(&db->mem.limit_bytes, qn_sched_default_memory(db->sched));
    *out = db;
done:
    if (st == QN_NOMEM && options->memory_limit_bytes)
        qn_error_detail(err, "The memory limit is %llu bytes.", (unsigned long long)options->memory_limit_bytes);
    if (st != QN_OK)
        qn_close(db);
    return st;
}

QN_API qn_status qn_open(const char *path, const qn_options *options, qn_database **out, qn_error *err)
{
    qn_world world = {.vfs = qn_vfs_posix(), .file_vfs = qn_vfs_posix(), .clock = qn_clock_system()};
    return qn_open_in(&world, path, options, out, err);
}

QN_API void qn_close(qn_database *db)
{
    if (!db)
        return;
    qn_code_cache_free(db->cache);
    qn_sched_free(db->sched);
    qn_store_close(db->store);
    qn_mem_deinit(&db->mem);
    qn_latch_deinit(&db->latch);
    qn_mem root;
    qn_mem_init(&root, NULL, 0);
    atomic_store(&root.used_bytes, sizeof *db);
    qn_free(&root, db, sizeof *db);
}

/* ---- connection -------------------------------------------------------------------------------------- */

QN_API qn_status qn_connect(qn_database *db, qn_connection **out, qn_error *err)
{
    if (err)
        qn_error_clear(err);
    qn_connection *conn = qn_alloc0(&db->mem, sizeof *conn);
    *out = conn;
    if (!conn)
        return qn_nomem(err);
    conn->db = db;
    session_init(&conn->session);
    qn_latch_take(&db->latch);
    conn->calibration = db->calibration;
    qn_latch_drop(&db->latch);
    qn_random_seed(&conn->random, (uint64_t)db->env.clock.wall_micros(db->env.clock.self) ^ (uint64_t)(uintptr_t)conn);
    return QN_OK;
}

QN_API void qn_disconnect(qn_connection *conn)
{
    if (!conn)
        return;
    while (conn->prepared) {
        prepared *p = conn->prepared;
        conn->prepared = p->next;
        unit_unref(p->unit);
        qn_free(&conn->db->mem, p->name, strlen(p->name) + 1);
        qn_free(&conn->db->mem, p, sizeof *p);
    }
    qn_free(&conn->db->mem, conn, sizeof *conn);
}

QN_API void qn_interrupt(qn_connection *conn) { atomic_store(&conn->cancel, true); }

QN_API void qn_set_progress(qn_connection *conn, qn_progress_fn fn, void *arg)
{
    conn->progress = fn;
    conn->progress_arg = arg;
}

QN_API void qn_set_copy(qn_connection *conn, qn_copy_read_fn read, qn_copy_write_fn write, void *arg)
{
    conn->copy_read = read;
    conn->copy_write = write;
    conn->copy_arg = arg;
}

QN_API void qn_set_notice(qn_connection *conn, qn_notice_fn fn, void *arg)
{
    conn->notice = fn;
    conn->notice_arg = arg;
}

/* ---- statements -------------------------------------------------------------------------------------- */

/* What the user can do about it, wherever memory ran out. */
static void explain_nomem(qn_database *db, qn_error *err)
{
    uint64_t limit = atomic_load(&db->mem.limit_bytes);
    if (limit)
        qn_error_detail(err, "The memory limit is %llu bytes.", (unsigned long long)limit);
    qn_error_hint(err, "Raise it with SET quern.memory_limit, or ask for less at a time.");
}

static qn_status prepare(qn_connection *conn, const char *sql, size_t bytes, const char **tail, qn_statement **out,
                         qn_error *err)
{
    qn_status     st = QN_OK;
    size_t        consumed = bytes;
    unit         *u = NULL;
    qn_statement *s = NULL;
    uint32_t      n;

    *out = NULL;
    if (tail)
        *tail = sql + bytes;
    session_tick(conn); /* 'now' in literals is read when they are bound */
    QN_TRY(unit_compile(conn, sql, bytes, 0, NULL, &u, &consumed, err));
    if (tail)
        *tail = sql + consumed;
    if (!u)
        return QN_OK;
    QN_ALLOC(err, s = qn_alloc0(&conn->db->mem, sizeof *s));
    s->conn = conn;
    s->db = conn->db;
    s->unit = u;
    u = NULL;
    qn_arena_init(&s->arena, &conn->db->mem);
    s->param_count = n = s->unit->bound->param_count;
    QN_ALLOC(err, s->values = qn_arena_array(&s->arena, qn_datum, n + 1));
    QN_ALLOC(err, s->nulls = qn_arena_array(&s->arena, bool, n + 1));
    QN_ALLOC(err, s->texts = qn_arena_array(&s->arena, char *, n + 1));
    QN_ALLOC(err, s->text_bytes = qn_arena_array(&s->arena, size_t, n + 1));
    QN_ALLOC(err, s->text_capacity = qn_arena_array(&s->arena, size_t, n + 1));
    for (uint32_t i = 0; i < n; i++)
        s->nulls[i] = true;
    *out = s;
done:
    if (st == QN_NOMEM)
        explain_nomem(conn->db, err);
    if (st != QN_OK) {
        position_in_characters(err, sql, bytes);
        unit_unref(u);
        qn_finalize(s);
    }
    return st;
}

QN_API qn_status qn_prepare(qn_connection *conn, const char *sql, size_t sql_bytes, const char **tail, qn_statement **out,
                            qn_error *err)
{
    if (err)
        qn_error_clear(err);
    atomic_store(&conn->cancel, false);
    return prepare(conn, sql, sql_bytes == SIZE_MAX ? strlen(sql) : sql_bytes, tail, out, err);
}

QN_API void qn_finalize(qn_statement *s)
{
    if (!s)
        return;
    qn_mem *mem = &s->db->mem;
    unit_unref(s->unit);
    qn_arena_deinit(&s->arena);
    qn_free(mem, s, sizeof *s);
}

QN_API int qn_statement_parameters(const qn_statement *s) { return (int)s->param_count; }

QN_API qn_sql_type qn_statement_parameter_type(const qn_statement *s, int index)
{
    if (index < 1 || (uint32_t)index > s->param_count)
        return QN_TYPE_UNKNOWN;
    return (qn_sql_type)s->unit->bound->param_types[index - 1].id;
}

/* Values are bound as text and parsed as the parameter's type when the statement runs: one rule for all.  A
 * parameter's room is used again, so that a statement may be bound any number of times. */
static qn_status bind(qn_statement *s, int index, const char *text, size_t bytes)
{
    if (index < 1 || (uint32_t)index > s->param_count)
        return QN_MISUSE;
    uint32_t i = (uint32_t)index - 1;
    s->nulls[i] = true;
    if (!text)
        return QN_OK;
    if (!s->texts[i] || bytes >= s->text_capacity[i]) {
        size_t capacity = bytes < 32 ? 32 : bytes < SIZE_MAX / 4 ? bytes + bytes / 2 + 1 : SIZE_MAX;
        char  *room = qn_arena_alloc(&s->arena, capacity);
        if (!room)
            return QN_NOMEM;
        s->texts[i] = room;
        s->text_capacity[i] = capacity;
    }
    memcpy(s->texts[i], text, bytes);
    s->texts[i][bytes] = '\0';
    s->text_bytes[i] = bytes;
    s->nulls[i] = false;
    return QN_OK;
}

QN_API qn_status qn_bind_null(qn_statement *s, int index) { return bind(s, index, NULL, 0); }
QN_API qn_status qn_bind_bool(qn_statement *s, int index, bool value) { return bind(s, index, value ? "t" : "f", 1); }

QN_API qn_status qn_bind_int64(qn_statement *s, int index, int64_t value)
{
    char text[24];
    int  n = snprintf(text, sizeof text, "%lld", (long long)value);
    return bind(s, index, text, (size_t)n);
}

QN_API qn_status qn_bind_double(qn_statement *s, int index, double value)
{
    /* the engine's own text: printf's depends on the locale and has a sign before nan */
    const qn_text_settings set = {.extra_float_digits = 1};
    qn_buf                 text;
    qn_buf_init(&text, &s->db->mem);
    qn_value_print(QN_TYPE(DOUBLE), &(qn_datum){.f64 = value}, &set, &text);
    qn_status st = qn_buf_ok(&text) ? bind(s, index, text.data, text.bytes) : QN_NOMEM;
    qn_buf_deinit(&text);
    return st;
}

QN_API qn_status qn_bind_text(qn_statement *s, int index, const char *text, size_t bytes)
{
    return bind(s, index, text ? text : "", text ? bytes : 0);
}

static qn_status run(qn_statement *s, qn_result **result, qn_error *err)
{
    qn_status st = QN_OK;
    qn_arena  arena;

    *result = NULL;
    qn_arena_init(&arena, &s->db->mem);
    for (uint32_t i = 0; i < s->param_count; i++)
        if (!s->nulls[i])
            QN_TRY(qn_value_parse(s->unit->bound->param_types[i], s->texts[i], s->text_bytes[i], &s->conn->session.text, &arena,
                                  &s->values[i], err));
    QN_TRY(statement_run(s->conn, s->unit, s->values, s->nulls, result, err));
    if (s->unit->bound->kind != QN_STMT_EXECUTE)
        unit_renew(&s->unit, *result);
done:
    if (st == QN_NOMEM)
        explain_nomem(s->db, err);
    if (st != QN_OK)
        position_in_characters(err, s->unit->sql, s->unit->sql_bytes);
    qn_arena_deinit(&arena);
    return st;
}

QN_API qn_status qn_run(qn_statement *s, qn_result **result, qn_error *err)
{
    if (err)
        qn_error_clear(err);
    atomic_store(&s->conn->cancel, false);
    return run(s, result, err);
}

QN_API qn_status qn_query(qn_connection *conn, const char *sql, qn_result **result, qn_error *err)
{
    qn_status   st = QN_OK;
    const char *at = sql, *tail, *end = sql + strlen(sql);
    *result = NULL;
    if (err)
        qn_error_clear(err);
    atomic_store(&conn->cancel, false); /* once: an interruption between two statements ends the text */
    for (;;) {
        qn_statement *s = NULL;
        tail = end;
        st = atomic_load(&conn->cancel) ? qn_fail(err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request")
                                        : prepare(conn, at, (size_t)(end - at), &tail, &s, err);
        if (st == QN_OK && s) {
            qn_result_free(*result);
            *result = NULL;
            st = s->param_count && s->unit->bound->kind != QN_STMT_PREPARE ? qn_fail(err, QN_SQLSTATE_UNDEFINED_PARAMETER, "there is no parameter $1")
                                : run(s, result, err);
            qn_finalize(s);
        }
        if (st != QN_OK) {
            qn_result_free(*result);
            *result = NULL;
            if (err && err->position > 0)
                err->position += (int)qn_utf8_count(sql, (size_t)(at - sql));
            return st;
        }
        if (!s && !*tail)
            break;
        at = tail;
        /* A statement that is done must not be reported as failed because nothing comes after it. */
        if (*result && !at[strspn(at, " \t\r\n\f\v;")])
            break;
    }
    if (!*result) {
        st = result_new(conn, result, err);
    }
    return st;
}
