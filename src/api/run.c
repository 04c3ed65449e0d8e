/* Running a unit: one case per kind of statement. */
#include "api/api_int.h"

#include <stdio.h>
#include "base/assert.h"
#include "type/datetime.h"

void notice(qn_connection *conn, const char *severity, qn_sqlstate state, const char *format, ...)
{
    qn_error e = {.status = QN_OK};
    va_list  args;
    if (!conn->notice)
        return;
    va_start(args, format);
    vsnprintf(e.message, sizeof e.message, format, args);
    va_end(args);
    memcpy(e.sqlstate, qn_sqlstate_code(state), sizeof e.sqlstate);
    conn->notice(conn->notice_arg, severity, &e);
}

void session_tick(qn_connection *conn)
{
    conn->session.text.now_micros =
        conn->db->env.clock.wall_micros(conn->db->env.clock.self) - QN_EPOCH_UNIX * QN_USECS_PER_SEC;
    if (conn->notice && !conn->complained && conn->calibration.complaint[0]) { /* not before there is somebody to tell */
        conn->complained = true;
        notice(conn, "NOTICE", QN_SQLSTATE_WARNING, "the calibration of this database is not used: %s", conn->calibration.complaint);
    }
}

static bool progress(void *arg, double fraction)
{
    qn_connection *conn = arg;
    return !conn->progress || conn->progress(conn->progress_arg, fraction, "query");
}

static void trace(void *arg, const char *line)
{
    notice(arg, "DEBUG", QN_SQLSTATE_WARNING, "%s", line);
}

qn_status execute_program(qn_connection *conn, unit *u, const qn_snapshot *snapshot, qn_dispatch_mode mode,
                          const qn_datum *params, const bool *nulls, qn_exec **exec, qn_error *err)
{
    system_context   system = {conn, snapshot};
    qn_exec_settings s = {.dispatch = mode,
                          .threads = conn->session.threads,
                          .group_mode = conn->session.group_mode,
                          .text = conn->session.text,
                          .force_codes_off = !conn->session.optimizer,
                          .cancel = &conn->cancel,
                          .progress = conn->progress ? progress : NULL,
                          .progress_arg = conn,
                          .trace = trace,
                          .trace_arg = conn,
                          .file_vfs = conn->db->file_vfs,
                          .random = &conn->random,
                          .system_rows = system_rows,
                          .system_rows_arg = &system,
                          .temp_vfs = conn->db->temp_vfs,
                          .temp_folder = conn->db->temp_folder,
                          .temp_limit_bytes = atomic_load(&conn->db->temp_limit_bytes)};
    return qn_exec_run(&conn->db->env, conn->db->sched, u->program, snapshot, &s, params, nulls, exec, err);
}

static qn_status run_select(qn_connection *conn, unit *u, const qn_datum *params, const bool *nulls, qn_result *r, qn_error *err)
{
    qn_status        st = QN_OK;
    const qn_select *s = u->bound->select;
    qn_type         *types;

    QN_ALLOC(err, types = qn_arena_array(&r->arena, qn_type, s->visible_count + 1));
    QN_ALLOC(err, r->names = qn_arena_array(&r->arena, const char *, s->visible_count + 1));
    for (uint32_t i = 0; i < s->visible_count; i++) {
        types[i] = s->targets[i].expr->type;
        r->names[i] = s->targets[i].name;
    }
    r->types = types;
    r->columns = s->visible_count;
    QN_TRY(execute_program(conn, u, r->snapshot, conn->session.dispatch, params, nulls, &r->exec, err));
    r->rows = qn_exec_rows(r->exec);
    r->row_count = r->rows->count;
    snprintf(r->command, sizeof r->command, "SELECT %llu", (unsigned long long)r->row_count);
done:
    return st;
}

static qn_status run_show(qn_connection *conn, unit *u, qn_result *r, qn_error *err)
{
    qn_status st = QN_OK;
    qn_buf    value;
    qn_buf_init(&value, &conn->db->mem);
    if (!strcmp(u->bound->name, "all")) {
        static const char *const names[] = {"name", "setting", "description"};
        QN_TRY(result_text_columns(r, 3, names, err));
        for (int i = 0; i < QN_SETTING_COUNT; i++) {
            qn_buf_clear(&value);
            QN_TRY(setting_show(conn, setting_name(i), &value, err));
            const char *row[] = {setting_name(i), value.data ? value.data : "", setting_meaning(i)};
            QN_TRY(result_text_row(r, row, err));
        }
    } else {
        QN_TRY(setting_show(conn, u->bound->name, &value, err));
        const char *name = u->bound->name, *text = value.data ? value.data : "";
        QN_TRY(result_text_columns(r, 1, &name, err));
        QN_TRY(result_text_row(r, &text, err));
    }
    QN_TRY(rows_close(r->own_rows, err));
    r->row_count = r->own_rows->count;
    snprintf(r->command, sizeof r->command, "SHOW");
done:
    qn_buf_deinit(&value);
    return st;
}

/* ---- named prepared statements ------------------------------------------------------------------------ */

static prepared **prepared_find(qn_connection *conn, const char *name)
{
    prepared **p = &conn->prepared;
    while (*p && strcmp((*p)->name, name))
        p = &(*p)->next;
    return p;
}

static void prepared_remove(qn_connection *conn, prepared **at)
{
    prepared *p = *at;
    *at = p->next;
    unit_unref(p->unit);
    qn_free(&conn->db->mem, p->name, strlen(p->name) + 1);
    qn_free(&conn->db->mem, p, sizeof *p);
}

static qn_status run_prepare(qn_connection *conn, unit *u, qn_result *r, qn_error *err)
{
    qn_status   st = QN_OK;
    prepared   *p = NULL;
    unit       *inner = NULL;
    size_t      consumed;
    const char *text = u->bound->statement_sql;

    if (*prepared_find(conn, u->bound->name))
        return qn_fail(err, QN_SQLSTATE_DUPLICATE_PREPARED, "prepared statement \"%s\" already exists", u->bound->name);
    QN_TRY(unit_compile(conn, text, strlen(text), u->bound->param_count, u->bound->param_types, &inner, &consumed, err));
    if (!inner)
        return qn_fail(err, QN_SQLSTATE_SYNTAX_ERROR, "PREPARE needs a statement");
    QN_ALLOC(err, p = qn_alloc0(&conn->db->mem, sizeof *p));
    QN_ALLOC(err, p->name = qn_mem_strdup(&conn->db->mem, u->bound->name));
    p->unit = inner;
    p->next = conn->prepared;
    conn->prepared = p;
    snprintf(r->command, sizeof r->command, "PREPARE");
    return QN_OK;
done:
    if (p)
        qn_free(&conn->db->mem, p, sizeof *p);
    unit_unref(inner);
    return st;
}

/* Values of constant expressions: a program of one row with these targets. */
qn_status evaluate_constants(qn_connection *conn, unit *u, qn_expr *const *exprs, uint32_t count, qn_datum *values,
                             bool *nulls, qn_arena *arena, qn_error *err)
{
    qn_status st = QN_OK;
    unit     *one = NULL;
    qn_exec  *exec = NULL;
    qn_select s = {.limit_location = -1, .offset_location = -1};
    qn_arena  scratch;

    qn_arena_init(&scratch, &conn->db->mem);
    if (!count)
        goto done;
    QN_ALLOC(err, one = qn_alloc0(&conn->db->mem, sizeof *one));
    atomic_init(&one->refs, 1);
    one->db = conn->db;
    one->bound = u->bound;
    one->sql_bytes = u->sql_bytes;
    qn_arena_init(&one->arena, &conn->db->mem);
    QN_ALLOC(err, s.targets = qn_arena_array(&one->arena, qn_target, count));
    s.target_count = s.visible_count = count;
    for (uint32_t i = 0; i < count; i++)
        s.targets[i] = (qn_target){.expr = exprs[i], .name = "?column?"};
    QN_TRY(unit_program(conn, one, &s, err));
    QN_TRY(execute_program(conn, one, u->snapshot, QN_DISPATCH_BARE, NULL, NULL, &exec, err));
    uint32_t   n;
    void     **columns;
    uint64_t **bits;
    QN_ALLOC(err, columns = qn_arena_array(&scratch, void *, count));
    QN_ALLOC(err, bits = qn_arena_array(&scratch, uint64_t *, count));
    QN_TRY(qn_rows_read(qn_exec_rows(exec), 0, &n, columns, bits, &scratch, err));
    QN_ASSERT(n == 1);
    for (uint32_t i = 0; i < count; i++) {
        qn_bank bank = qn_type_bank(exprs[i]->type.id);
        nulls[i] = bits[i][0] & 1;
        memset(&values[i], 0, sizeof values[i]);
        if (nulls[i])
            continue;
        qn_bank_get(bank, columns[i], 0, &values[i]);
        if (!qn_value_copy(bank, &values[i], arena, &values[i])) {
            st = qn_nomem(err);
            goto done;
        }
    }
done:
    qn_exec_free(exec);
    unit_unref(one);
    qn_arena_deinit(&scratch);
    return st;
}

void unit_renew(unit **u, const qn_result *r)
{
    if (!r->unit || r->unit == *u)
        return;
    unit_ref(r->unit);
    unit_unref(*u);
    *u = r->unit;
}

static qn_status run_execute(qn_connection *conn, unit *u, qn_result **r, qn_error *err)
{
    qn_status  st = QN_OK;
    qn_arena   arena;
    qn_datum  *values;
    bool      *nulls;
    prepared **p = prepared_find(conn, u->bound->name);
    unit      *inner;

    if (!*p)
        return qn_fail(err, QN_SQLSTATE_INVALID_STATEMENT_NAME, "prepared statement \"%s\" does not exist", u->bound->name);
    inner = (*p)->unit;
    unit_ref(inner);
    qn_arena_init(&arena, &conn->db->mem);
    QN_ALLOC(err, values = qn_arena_array(&arena, qn_datum, u->bound->argument_count + 1));
    QN_ALLOC(err, nulls = qn_arena_array(&arena, bool, u->bound->argument_count + 1));
    QN_TRY(evaluate_constants(conn, u, u->bound->arguments, u->bound->argument_count, values, nulls, &arena, err));
    QN_TRY(statement_run(conn, inner, values, nulls, r, err));
    unit_renew(&(*p)->unit, *r);
done:
    unit_unref(inner);
    qn_arena_deinit(&arena);
    return st;
}

static qn_status run_deallocate(qn_connection *conn, unit *u, qn_result *r, qn_error *err)
{
    if (!u->bound->name) {
        while (conn->prepared)
            prepared_remove(conn, &conn->prepared);
        snprintf(r->command, sizeof r->command, "DEALLOCATE ALL");
        return QN_OK;
    }
    prepared **p = prepared_find(conn, u->bound->name);
    if (!*p)
        return qn_fail(err, QN_SQLSTATE_INVALID_STATEMENT_NAME, "prepared statement \"%s\" does not exist", u->bound->name);
    prepared_remove(conn, p);
    snprintf(r->command, sizeof r->command, "DEALLOCATE");
    return QN_OK;
}

/* ---- the switch -------------------------------------------------------------------------------------- */

static qn_status run_kind(qn_connection *conn, unit *u, const qn_datum *params, const bool *nulls, qn_result *r, qn_error *err)
{
    switch (u->bound->kind) {
    case QN_STMT_SELECT: return run_select(conn, u, params, nulls, r, err);
    case QN_STMT_INSERT: return run_insert(conn, u, params, nulls, r, err);
    case QN_STMT_CREATE_TABLE: return run_create_table(conn, u, r, err);
    case QN_STMT_CREATE_TABLE_AS: return run_create_table_as(conn, u, params, nulls, r, err);
    case QN_STMT_DROP_TABLE: return run_drop_table(conn, u, r, err);
    case QN_STMT_COPY_FROM: return run_copy_from(conn, u, r, err);
    case QN_STMT_COPY_TO: return run_copy_to(conn, u, r, err);
    case QN_STMT_EXPLAIN: return run_explain(conn, u, params, nulls, r, err);
    case QN_STMT_SHOW: return run_show(conn, u, r, err);
    case QN_STMT_SET:
        snprintf(r->command, sizeof r->command, u->bound->value_default ? "RESET" : "SET");
        return setting_set(conn, u->bound->name, u->bound->value_default ? NULL : u->bound->value, err);
    case QN_STMT_PREPARE: return run_prepare(conn, u, r, err);
    case QN_STMT_DEALLOCATE: return run_deallocate(conn, u, r, err);
    case QN_STMT_CHECKPOINT:
        snprintf(r->command, sizeof r->command, "CHECKPOINT");
        return QN_OK;
    case QN_STMT_EXECUTE:
        break;
    }
    QN_UNREACHABLE();
}

/* A unit whose catalog or files have moved on is compiled again from its text.  *now is the state that *fresh fits. */
static qn_status refresh(qn_connection *conn, unit *u, unit **fresh, qn_snapshot **now, qn_error *err)
{
    size_t consumed;
    bool   current;
    qn_status st = files_current(conn->db, u->bound, &current, err);
    if (st != QN_OK)
        return st;
    *now = qn_store_snapshot(conn->db->store);
    if (current && (*now)->schema_version == u->snapshot->schema_version) {
        unit_ref(u);
        *fresh = u;
        return QN_OK;
    }
    qn_snapshot_unref(*now);
    *now = NULL;
    st = unit_compile(conn, u->sql, u->sql_bytes, u->bound->param_count, u->bound->param_types, fresh, &consumed, err);
    if (st == QN_OK) {
        *now = (*fresh)->snapshot;
        atomic_fetch_add(&(*now)->refs, 1);
    }
    return st;
}

qn_status statement_run(qn_connection *conn, unit *u, const qn_datum *params, const bool *param_nulls, qn_result **out, qn_error *err)
{
    qn_status    st;
    unit        *fresh;
    qn_snapshot *now;
    qn_result   *r = NULL;

    *out = NULL;
    if (u->bound->kind == QN_STMT_EXECUTE)
        return run_execute(conn, u, out, err);
    session_tick(conn);
    st = refresh(conn, u, &fresh, &now, err);
    if (st != QN_OK)
        return st;
    st = result_new(conn, &r, err);
    if (st == QN_OK) {
        r->unit = fresh;
        r->snapshot = now;
        st = run_kind(conn, fresh, params, param_nulls, r, err);
        if (st != QN_OK) {
            unit_locate(fresh, err);
            qn_result_free(r);
        } else {
            *out = r;
        }
        return st;
    }
    unit_unref(fresh);
    qn_snapshot_unref(now);
    return st;
}
