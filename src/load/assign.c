/* Values of one type into a column of another: PostgreSQL's assignment casts, an array at a time.
 *
 * The rules are those of INSERT (sql/resolve.c): the cast of the catalog if it may be used in an assignment, its
 * length coercion behind it; to text everything goes by its printed form.  Integers among themselves have loops of
 * their own, everything else calls the function of the catalog per value. */
#include "catalog/function.h"
#include "load/load_int.h"

static bool is_text(uint8_t id)
{
    bool preferred;
    return qn_type_category((qn_sql_type)id, &preferred) == 'S';
}

static bool is_int(uint8_t id)
{
    return id == QN_TYPE_SMALLINT || id == QN_TYPE_INTEGER || id == QN_TYPE_BIGINT;
}

bool qn_assign_find(qn_type from, qn_type to, qn_assign *a)
{
    *a = (qn_assign){.from = from, .to = to};
    a->fit = to.typmod >= 0 && (from.id != to.id || from.typmod != to.typmod);
    if (from.id == to.id) {
        a->how = a->fit ? QN_ASSIGN_FIT : QN_ASSIGN_SAME;
        return true;
    }
    if (is_int(from.id) && is_int(to.id)) {
        a->how = QN_ASSIGN_INT;
        return true;
    }
    const qn_cast *cast = qn_cast_find((qn_sql_type)from.id, (qn_sql_type)to.id);
    if (cast && cast->context > QN_CAST_ASSIGNMENT)
        return false;
    if (cast && cast->function) {
        int id = qn_function_exact(cast->function, 1, &from.id);
        a->function = id >= 0 ? qn_function_by_id((uint32_t)id) : NULL;
        a->how = QN_ASSIGN_CALL;
        return a->function && a->function->fn;
    }
    if (cast) {
        a->how = a->fit ? QN_ASSIGN_FIT : QN_ASSIGN_SAME;
        return true;
    }
    a->how = QN_ASSIGN_PRINT;
    return is_text(to.id);
}

/* ---- integers ------------------------------------------------------------------------------------- */

static int64_t int_at(uint8_t type, const void *array, uint32_t i)
{
    return type == QN_TYPE_SMALLINT  ? ((const int16_t *)array)[i]
           : type == QN_TYPE_INTEGER ? ((const int32_t *)array)[i]
                                     : ((const int64_t *)array)[i];
}

static inline bool is_null(const uint64_t *nulls, uint32_t i)
{
    return nulls && (nulls[i / 64] >> (i % 64) & 1);
}

static qn_status ints(const qn_assign *a, const void *in, const uint64_t *nulls, uint32_t count, void *out,
                      uint32_t *failed, qn_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        int64_t v = is_null(nulls, i) ? 0 : int_at(a->from.id, in, i);
        bool    fits = true;
        if (a->to.id == QN_TYPE_SMALLINT) {
            fits = v == (int16_t)v;
            ((int16_t *)out)[i] = (int16_t)v;
        } else if (a->to.id == QN_TYPE_INTEGER) {
            fits = v == (int32_t)v;
            ((int32_t *)out)[i] = (int32_t)v;
        } else {
            ((int64_t *)out)[i] = v;
        }
        if (!fits) {
            *failed = i;
            return qn_fail(err, QN_SQLSTATE_NUMERIC_OUT_OF_RANGE, "%s out of range",
                           qn_type_name((qn_sql_type)a->to.id));
        }
    }
    return QN_OK;
}

/* ---- the rest -------------------------------------------------------------------------------------- */

static qn_status print(const qn_assign *a, const qn_assign_room *room, const qn_datum *in, qn_datum *out, qn_error *err)
{
    qn_buf_clear(room->text);
    qn_value_print(a->from, in, room->settings, room->text);
    if (!qn_buf_ok(room->text))
        return qn_nomem(err);
    qn_str s = qn_str_of(room->text->data ? room->text->data : "", room->text->bytes);
    return qn_str_copy(room->arena, &s, &out->str) ? QN_OK : qn_nomem(err);
}

static qn_status one(const qn_assign *a, const qn_assign_room *room, const qn_datum *in, qn_datum *out, qn_error *err)
{
    qn_status st = QN_OK;
    qn_datum  cast = *in;
    bool      null = false, no = false;

    if (a->how == QN_ASSIGN_CALL) {
        qn_call call = {.env = room->env,
                        .arena = room->arena,
                        .set = room->settings,
                        .argc = 1,
                        .arg_types = &a->from.id,
                        .err = err};
        void   *cache = NULL;
        call.cache = &cache;
        call.cache_arena = room->arena;
        st = a->function->fn(&call, in, &no, &cast, &null);
    } else if (a->how == QN_ASSIGN_PRINT) {
        st = print(a, room, in, &cast, err);
    }
    if (st == QN_OK && null) /* no cast makes NULL of a value */
        st = qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "a cast has no result");
    if (st == QN_OK && a->fit)
        return qn_value_fit(a->to, false, &cast, room->arena, out, err);
    *out = cast;
    return st;
}

qn_status qn_assign_run(const qn_assign *a, const qn_assign_room *room, const void *in, const uint64_t *nulls,
                        uint32_t count, void *out, uint32_t *failed, qn_error *err)
{
    qn_bank from = qn_type_bank((qn_sql_type)a->from.id), to = qn_type_bank((qn_sql_type)a->to.id);

    if (a->how == QN_ASSIGN_INT)
        return ints(a, in, nulls, count, out, failed, err);
    for (uint32_t i = 0; i < count; i++) {
        qn_datum v, r = {0};
        if (!is_null(nulls, i)) {
            qn_bank_get(from, in, i, &v);
            qn_status st = one(a, room, &v, &r, err);
            if (st != QN_OK) {
                *failed = i;
                return st;
            }
        }
        qn_bank_set(to, out, i, &r);
    }
    return QN_OK;
}
