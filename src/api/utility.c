/* Statements that change the database or move rows in and out: CREATE, DROP, INSERT, COPY.
 *
 * Each takes the writer's turn, works on the state it finds then, and commits; a failure anywhere undoes all of it. */
#include "api/api_int.h"

#include <stdio.h>
#include "base/assert.h"
#include "load/load.h"

qn_status evaluate_constants(qn_connection *conn, unit *u, qn_expr *const *exprs, uint32_t count, qn_datum *values,
                             bool *nulls, qn_arena *arena, qn_error *err);

/* ---- tables ------------------------------------------------------------------------------------------ */

qn_status run_create_table(qn_connection *conn, unit *u, qn_result *r, qn_error *err)
{
    qn_status          st = QN_OK;
    qn_change         *change = NULL;
    const qn_snapshot *snapshot;
    const qn_bound    *b = u->bound;

    snprintf(r->command, sizeof r->command, "CREATE TABLE");
    QN_TRY(qn_change_begin(conn->db->store, &change, &snapshot, err));
    if (b->if_exists && qn_catalog_table(snapshot, b->name)) {
        notice(conn, "NOTICE", QN_SQLSTATE_DUPLICATE_TABLE, "relation \"%s\" already exists, skipping", b->name);
        goto done;
    }
    QN_TRY(qn_change_create_table(change, b->name, b->columns, b->column_count, NULL, err));
    qn_change *done = change;
    change = NULL;
    QN_TRY(qn_change_commit(done, err));
    qn_code_cache_clear(conn->db->cache); /* programs of the old schema cannot be found any more */
done:
    qn_change_abort(change);
    return st;
}

qn_status run_drop_table(qn_connection *conn, unit *u, qn_result *r, qn_error *err)
{
    qn_status          st = QN_OK;
    qn_change         *change = NULL;
    const qn_snapshot *snapshot;
    const qn_bound    *b = u->bound;

    snprintf(r->command, sizeof r->command, "DROP TABLE");
    for (uint32_t i = 0; i < b->missing_count; i++)
        notice(conn, "NOTICE", QN_SQLSTATE_UNDEFINED_TABLE, "table \"%s\" does not exist, skipping", b->missing_tables[i]);
    if (!b->table_count)
        return QN_OK;
    QN_TRY(qn_change_begin(conn->db->store, &change, &snapshot, err));
    for (uint32_t i = 0; i < b->table_count; i++)
        QN_TRY(qn_change_drop_table(change, b->tables[i]->id, err));
    qn_change *done = change;
    change = NULL;
    QN_TRY(qn_change_commit(done, err));
    qn_code_cache_clear(conn->db->cache); /* their snapshots hold the dropped tables' blocks */
done:
    qn_change_abort(change);
    return st;
}

/* ---- rows of a query into a table ---------------------------------------------------------------------- */

static qn_status poll_cancel(qn_connection *conn, qn_error *err)
{
    return atomic_load(&conn->cancel) ? qn_fail(err, QN_SQLSTATE_QUERY_CANCELED, "canceling statement due to user request") : QN_OK;
}

static qn_status append_rows(qn_connection *conn, qn_change *change, uint64_t table_id, const char *name,
                             const qn_column *columns, uint32_t column_count, qn_rows *rows, uint64_t *count, qn_error *err)
{
    qn_status    st = QN_OK;
    qn_appender *appender = NULL;
    qn_arena     arena;
    void       **values;
    uint64_t   **nulls;

    qn_arena_init(&arena, &conn->db->mem);
    QN_TRY(qn_appender_new(qn_store_env(conn->db->store), change, table_id, columns, column_count, &appender, err));
    qn_appender_name(appender, name);
    qn_appender_codec(appender, conn->session.text_codec);
    for (uint64_t at = 0; at < rows->count;) {
        uint32_t n;
        QN_TRY(poll_cancel(conn, err));
        qn_arena_reset(&arena);
        QN_ALLOC(err, values = qn_arena_array(&arena, void *, rows->column_count + 1));
        QN_ALLOC(err, nulls = qn_arena_array(&arena, uint64_t *, rows->column_count + 1));
        QN_TRY(qn_rows_read(rows, at, &n, values, nulls, &arena, err));
        QN_TRY(qn_appender_add(appender, (const void *const *)values, (const uint64_t *const *)nulls, n, err));
        at += n;
    }
    QN_TRY(qn_appender_finish(appender, count, err));
done:
    qn_appender_free(appender);
    qn_arena_deinit(&arena);
    return st;
}

qn_status run_insert(qn_connection *conn, unit *u, const qn_datum *params, const bool *nulls, qn_result *r, qn_error *err)
{
    qn_status          st = QN_OK;
    qn_change         *change = NULL;
    const qn_snapshot *snapshot;
    uint64_t           count = 0;

    QN_TRY(qn_change_begin(conn->db->store, &change, &snapshot, err));
    const qn_table *table = qn_catalog_table_by_id(snapshot, u->bound->table->id);
    if (!table) {
        st = qn_fail(err, QN_SQLSTATE_UNDEFINED_TABLE, "relation \"%s\" does not exist", u->bound->table->name);
        goto done;
    }
    QN_TRY(execute_program(conn, u, snapshot, conn->session.dispatch, params, nulls, &r->exec, err));
    QN_TRY(append_rows(conn, change, table->id, table->name, table->columns, table->column_count, qn_exec_rows(r->exec), &count, err));
    qn_change *done = change;
    change = NULL;
    QN_TRY(qn_change_commit(done, err));
    r->row_count = count;
    snprintf(r->command, sizeof r->command, "INSERT 0 %llu", (unsigned long long)count);
done:
    qn_change_abort(change);
    return st;
}

qn_status run_create_table_as(qn_connection *conn, unit *u, const qn_datum *params, const bool *nulls, qn_result *r, qn_error *err)
{
    qn_status          st = QN_OK;
    qn_change         *change = NULL;
    const qn_snapshot *snapshot;
    const qn_bound    *b = u->bound;
    uint64_t           id, count = 0;

    QN_TRY(qn_change_begin(conn->db->store, &change, &snapshot, err));
    if (b->if_exists && qn_catalog_table(snapshot, b->name)) {
        notice(conn, "NOTICE", QN_SQLSTATE_DUPLICATE_TABLE, "relation \"%s\" already exists, skipping", b->name);
        snprintf(r->command, sizeof r->command, "CREATE TABLE AS");
        goto done;
    }
    QN_TRY(qn_change_create_table(change, b->name, b->columns, b->column_count, &id, err));
    if (b->with_data) {
        QN_TRY(execute_program(conn, u, snapshot, conn->session.dispatch, params, nulls, &r->exec, err));
        QN_TRY(append_rows(conn, change, id, b->name, b->columns, b->column_count, qn_exec_rows(r->exec), &count, err));
    }
    qn_change *done = change;
    change = NULL;
    QN_TRY(qn_change_commit(done, err));
    r->row_count = count;
    if (b->with_data)
        snprintf(r->command, sizeof r->command, "SELECT %llu", (unsigned long long)count);
    else
        snprintf(r->command, sizeof r->command, "CREATE TABLE AS");
done:
    qn_change_abort(change);
    return st;
}

/* ---- COPY -------------------------------------------------------------------------------------------- */

static qn_load_options load_options(const qn_copy_options *c)
{
    return (qn_load_options){.format = c->format == QN_COPY_PARQUET ? QN_LOAD_PARQUET
                                       : c->format == QN_COPY_CSV   ? QN_LOAD_CSV
                                                                    : QN_LOAD_TEXT,
                             .columns_listed = c->columns_listed,
                             .delimiter = c->delimiter,
                             .quote = c->quote,
                             .escape = c->escape,
                             .null_text = c->null_text,
                             .header = c->header,
                             .header_match = c->header_match,
                             .force_quote_all = c->force_quote_all,
                             .force_quote = c->force_quote,
                             .force_not_null = c->force_not_null,
                             .force_null = c->force_null};
}

static bool load_progress(void *arg, double fraction)
{
    qn_connection *conn = arg;
    return !conn->progress || conn->progress(conn->progress_arg, fraction, "load");
}

static qn_status defaults_of(qn_connection *conn, unit *u, const qn_table *table, qn_datum *values, bool *nulls,
                             qn_arena *arena, qn_error *err)
{
    qn_status st = QN_OK;
    for (uint32_t c = 0; c < table->column_count; c++) {
        nulls[c] = true;
        if (u->bound->defaults && u->bound->defaults[c])
            QN_TRY(evaluate_constants(conn, u, &u->bound->defaults[c], 1, &values[c], &nulls[c], arena, err));
    }
done:
    return st;
}

qn_status run_copy_from(qn_connection *conn, unit *u, qn_result *r, qn_error *err)
{
    qn_status          st = QN_OK;
    qn_change         *change = NULL;
    const qn_snapshot *snapshot;
    const qn_bound    *b = u->bound;
    uint64_t           rows = 0;
    qn_datum          *defaults;
    bool              *default_nulls;
    qn_env             file_env = conn->db->env;

    if (!b->copy.path && !conn->copy_read)
        return qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "COPY FROM STDIN needs a source: none was set on this connection");
    QN_TRY(qn_change_begin(conn->db->store, &change, &snapshot, err));
    const qn_table *table = qn_catalog_table_by_id(snapshot, b->table->id);
    if (!table) {
        st = qn_fail(err, QN_SQLSTATE_UNDEFINED_TABLE, "relation \"%s\" does not exist", b->table->name);
        goto done;
    }
    QN_ALLOC(err, defaults = qn_arena_array(&r->arena, qn_datum, table->column_count + 1));
    QN_ALLOC(err, default_nulls = qn_arena_array(&r->arena, bool, table->column_count + 1));
    QN_TRY(defaults_of(conn, u, table, defaults, default_nulls, &r->arena, err));
    file_env.vfs = conn->db->file_vfs;
    qn_load_job job = {.env = &file_env,
                       .store_env = qn_store_env(conn->db->store),
                       .change = change,
                       .table = table,
                       .columns = b->copy_columns,
                       .column_count = b->copy_column_count,
                       .defaults = defaults,
                       .default_nulls = default_nulls,
                       .options = load_options(&b->copy),
                       .settings = conn->session.text,
                       .text_codec = conn->session.text_codec,
                       .threads = conn->session.threads ? conn->session.threads : qn_sched_workers(conn->db->sched),
                       .progress = conn->progress ? load_progress : NULL,
                       .progress_arg = conn,
                       .cancel = &conn->cancel};
    qn_load_source source = {.read = conn->copy_read, .arg = conn->copy_arg};
    if (b->copy.path)
        QN_TRY(qn_glob(&file_env, b->copy.path, &r->arena, &source.paths, &source.path_count, err));
    QN_TRY(qn_load_run(&job, &source, &rows, err));
    qn_change *done = change;
    change = NULL;
    QN_TRY(qn_change_commit(done, err));
    r->row_count = rows;
    snprintf(r->command, sizeof r->command, "COPY %llu", (unsigned long long)rows);
done:
    qn_change_abort(change);
    return st;
}

qn_status run_copy_to(qn_connection *conn, unit *u, qn_result *r, qn_error *err)
{
    qn_status        st = QN_OK;
    const qn_bound  *b = u->bound;
    const qn_select *s = b->select;
    qn_load_options  options = load_options(&b->copy);
    qn_unload       *unload = NULL;
    qn_type         *types;
    const char     **names;
    uint64_t         count = 0;
    qn_arena         arena;
    qn_env           file_env = conn->db->env;

    qn_arena_init(&arena, &conn->db->mem);
    if (!b->copy.path && !conn->copy_write) {
        st = qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "COPY TO STDOUT needs a destination: none was set on this connection");
        goto done;
    }
    QN_ALLOC(err, types = qn_arena_array(&r->arena, qn_type, s->visible_count + 1));
    QN_ALLOC(err, names = qn_arena_array(&r->arena, const char *, s->visible_count + 1));
    for (uint32_t i = 0; i < s->visible_count; i++) {
        types[i] = s->targets[i].expr->type;
        names[i] = s->targets[i].name;
    }
    QN_TRY(execute_program(conn, u, r->snapshot, conn->session.dispatch, NULL, NULL, &r->exec, err));
    qn_rows *rows = qn_exec_rows(r->exec);
    file_env.vfs = conn->db->file_vfs;
    QN_TRY(qn_unload_new(&file_env, &options, b->copy.path, conn->copy_write, conn->copy_arg, types, names, s->visible_count,
                         &conn->session.text, &unload, err));
    for (uint64_t at = 0; at < rows->count;) {
        uint32_t   n;
        void     **values;
        uint64_t **nulls;
        QN_TRY(poll_cancel(conn, err));
        qn_arena_reset(&arena);
        QN_ALLOC(err, values = qn_arena_array(&arena, void *, rows->column_count + 1));
        QN_ALLOC(err, nulls = qn_arena_array(&arena, uint64_t *, rows->column_count + 1));
        QN_TRY(qn_rows_read(rows, at, &n, values, nulls, &arena, err));
        QN_TRY(qn_unload_add(unload, (const void *const *)values, (const uint64_t *const *)nulls, n, err));
        at += n;
    }
    QN_TRY(qn_unload_finish(unload, &count, err));
    r->row_count = count;
    snprintf(r->command, sizeof r->command, "COPY %llu", (unsigned long long)count);
done:
    qn_unload_free(unload);
    qn_arena_deinit(&arena);
    return st;
}
