/* From text to a unit: bound, planned, compiled and verified. */
#include "api/api_int.h"

#include "base/assert.h"

#define BIG_STACK_BYTES ((size_t)256 << 20)
/* What is longer and deeper runs on a stack of its own: a caller's may be small, and 256 levels take 100 KB. */
#define INLINE_SQL_BYTES 512u
#define INLINE_DEPTH 24u

void unit_ref(unit *u) { atomic_fetch_add(&u->refs, 1); }

void unit_unref(unit *u)
{
    if (!u || atomic_fetch_sub(&u->refs, 1) != 1)
        return;
    qn_mem *mem = &u->db->mem;
    if (u->snapshot)
        qn_snapshot_unref(u->snapshot);
    unit_unref(u->owner);
    qn_arena_deinit(&u->arena);
    qn_free(mem, u, sizeof *u);
}

qn_plan_settings plan_settings(const qn_connection *conn)
{
    return (qn_plan_settings){.group_mode = conn->session.group_mode, .optimise = conn->session.optimizer,
                              .threads = conn->session.threads, .costs = &conn->calibration.costs};
}

typedef struct planning {
    qn_connection   *conn;
    unit            *unit;
    const qn_select *select;
    qn_error        *err;
    qn_status        st;
} planning;

static void plan_and_generate(void *arg)
{
    planning        *p = arg;
    unit            *u = p->unit;
    qn_plan_settings settings = plan_settings(p->conn);
    qn_arena         scratch;
    uint32_t         depth;
    qn_arena_init(&scratch, u->arena.mem);
    p->st = qn_plan_select(u->bound, p->select, &settings, &u->arena, &u->plan, p->err);
    qn_program *program = NULL;
    if (p->st == QN_OK)
        p->st = qn_code_generate(u->plan, &u->arena, &program, p->err);
    u->program = program;
    if (p->st == QN_OK)
        p->st = qn_code_verify(u->program, &depth, &scratch, p->err);
    qn_arena_deinit(&scratch);
}

qn_status unit_on_stack(const unit *u, void (*fn)(void *), void *arg, qn_error *err)
{
    if (u->sql_bytes > INLINE_SQL_BYTES && u->bound->depth > INLINE_DEPTH)
        return qn_run_on_stack(BIG_STACK_BYTES, fn, arg, err);
    fn(arg);
    return QN_OK;
}

qn_status unit_program(qn_connection *conn, unit *u, const qn_select *select, qn_error *err)
{
    planning  p = {.conn = conn, .unit = u, .select = select, .err = err};
    qn_status st = unit_on_stack(u, plan_and_generate, &p, err);
    return st == QN_OK ? p.st : st;
}

static bool find_prepared(void *arg, const char *name, uint32_t *count, const qn_type **types)
{
    qn_connection *conn = arg;
    for (prepared *p = conn->prepared; p; p = p->next)
        if (!strcmp(p->name, name)) {
            *count = p->unit->bound->param_count;
            *types = p->unit->bound->param_types;
            return true;
        }
    return false;
}

static qn_status insert_select(unit *u, qn_select **out, qn_error *err)
{
    qn_status    st = QN_OK;
    qn_bound    *b = u->bound;
    qn_select   *s;
    qn_relation *rel;
    uint32_t     n = b->select->visible_count, columns = b->table->column_count;

    QN_ALLOC(err, s = qn_arena_new(&u->arena, qn_select));
    QN_ALLOC(err, rel = qn_arena_new(&u->arena, qn_relation));
    QN_ALLOC(err, rel->column_names = qn_arena_array(&u->arena, const char *, n + 1));
    QN_ALLOC(err, rel->column_types = qn_arena_array(&u->arena, qn_type, n + 1));
    QN_ALLOC(err, s->targets = qn_arena_array(&u->arena, qn_target, columns + 1));
    rel->kind = QN_REL_SUBQUERY;
    rel->subquery = b->select;
    rel->column_count = n;
    for (uint32_t i = 0; i < n; i++) {
        rel->column_names[i] = b->select->targets[i].name;
        rel->column_types[i] = b->select->targets[i].expr->type;
    }
    s->from = rel;
    s->target_count = s->visible_count = columns;
    s->limit_location = s->offset_location = -1;
    for (uint32_t i = 0; i < columns; i++)
        s->targets[i] = (qn_target){.expr = b->assignments[i], .name = b->table->columns[i].name};
    *out = s;
done:
    return st;
}

/* ---- the program cache -------------------------------------------------------------------------------- */

#define CACHE_ENTRIES 1000u
#define CACHE_BYTES ((uint64_t)64 << 20)
#define CACHE_SQL_BYTES 65536u /* longer statements are rarely repeated and costly to keep */

static void cache_ref(void *owner) { unit_ref(owner); }
static void cache_unref(void *owner) { unit_unref(owner); }

qn_status unit_cache_new(qn_database *db, qn_error *err)
{
    qn_code_cache_limits limits = {CACHE_ENTRIES, CACHE_BYTES};
    return qn_code_cache_new(&db->mem, &limits, cache_ref, cache_unref, &db->cache, err);
}

/* Everything that binding and planning read besides text and schema. */
static uint64_t settings_hash(const qn_connection *conn)
{
    const session *s = &conn->session;
    struct {
        int32_t threads, group_mode, optimizer, digits;
        char    zone[sizeof s->zone_name];
    } k;
    memset(&k, 0, sizeof k);
    k.threads = s->threads;
    k.group_mode = (int32_t)s->group_mode;
    k.optimizer = s->optimizer;
    k.digits = s->text.extra_float_digits;
    memcpy(k.zone, s->zone_name, sizeof k.zone);
    return qn_hash64(&k, sizeof k, 0);
}

void unit_locate(const unit *u, qn_error *err)
{
    if (err && u->owner && err->position > 0)
        err->position = qn_code_hit_locate(&u->hit, err->position - 1) + 1;
}

/* Make u share a cached program; u->owner stays NULL on a miss. */
static qn_status unit_from_cache(qn_connection *conn, unit *u, const qn_code_key *key, size_t *consumed, qn_error *err)
{
    qn_status st = qn_code_cache_lookup(conn->db->cache, key, u->sql, u->sql_bytes, &conn->session.text, &u->arena, &u->hit, err);
    if (st != QN_OK || !u->hit.owner)
        return st;
    u->owner = u->hit.owner;
    bool current;
    st = files_current(conn->db, u->owner->bound, &current, err);
    if (st != QN_OK || !current) { /* compiled again, it takes the other's place */
        unit_unref(u->owner);
        u->owner = NULL;
        u->hit = (qn_code_hit){0};
        return st;
    }
    u->bound = u->owner->bound;
    u->plan = u->owner->plan;
    u->program = u->hit.program;
    *consumed = u->hit.consumed;
    return QN_OK;
}

qn_status unit_compile(qn_connection *conn, const char *sql, size_t bytes, uint32_t param_count, const qn_type *param_types,
                       unit **out, size_t *consumed, qn_error *err)
{
    qn_status    st = QN_OK;
    qn_database *db = conn->db;
    unit        *u;
    qn_bound    *target;
    size_t       end = 0;

    *out = NULL;
    for (bool blank = true; blank && end < bytes;) /* a script of many statements is not copied for each of them */
        end += qn_sql_statement_end(sql + end, bytes - end, &blank);
    bytes = end;
    QN_ALLOC(err, u = qn_alloc0(&db->mem, sizeof *u));
    atomic_init(&u->refs, 1);
    u->db = db;
    qn_arena_init(&u->arena, &db->mem);
    u->snapshot = qn_store_snapshot(db->store);
    QN_ALLOC(err, u->sql = qn_arena_strndup(&u->arena, sql, bytes));
    u->sql_bytes = bytes;
    qn_code_key key = {.schema_version = u->snapshot->schema_version, .settings_hash = settings_hash(conn),
                       .param_count = param_count, .param_types = param_types};
    if (bytes <= CACHE_SQL_BYTES) {
        QN_TRY(unit_from_cache(conn, u, &key, consumed, err));
        if (u->owner) {
            *out = u;
            return QN_OK;
        }
    }
    qn_bind_context context = {.env = &db->env, .snapshot = u->snapshot, .settings = &conn->session.text,
                               .param_count = param_count, .param_types = param_types, .prepared = find_prepared,
                               .prepared_arg = conn, .open_files = open_files, .open_files_arg = db};
    QN_TRY(qn_sql_bind(&context, u->sql, bytes, &u->arena, &u->bound, consumed, err));
    if (!u->bound) {
        unit_unref(u);
        return QN_OK;
    }
    target = u->bound;
    if (target->kind == QN_STMT_SELECT || target->kind == QN_STMT_CREATE_TABLE_AS || target->kind == QN_STMT_COPY_TO) {
        if (target->select)
            QN_TRY(unit_program(conn, u, target->select, err));
        if (target->kind == QN_STMT_SELECT && bytes <= CACHE_SQL_BYTES) {
            bool stored;
            QN_TRY(qn_code_cache_insert(conn->db->cache, &key, u->sql, *consumed, u->program, u, qn_arena_held_bytes(&u->arena), &stored, err));
        }
    } else if (target->kind == QN_STMT_INSERT) {
        qn_select *s = NULL;
        QN_TRY(insert_select(u, &s, err));
        QN_TRY(unit_program(conn, u, s, err));
    }
    *out = u;
done:
    if (st != QN_OK)
        unit_unref(u);
    return st;
}
