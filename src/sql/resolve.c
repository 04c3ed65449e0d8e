/* Which function, operator or cast is meant: chapter 10 of PostgreSQL's manual.
 *
 * The rules, in the order tried: an exact match of the argument types (for a binary operator, an
 * unknown literal taken as the other side's type); else all candidates that implicit casts can
 * reach; among them the most exact matches; then the most exact or preferred types; then the
 * category rule for unknown literals, where strings win; at last, unknown literals taken as the one
 * known type.
 *
 * Our candidate tables are smaller than PostgreSQL's (no name, oid, json …), so a few calls that
 * are ambiguous there are resolved here; none is resolved differently among the types we have.
 *
 * Casts of unknown literals happen here, at bind time, through the type's input function. */
#include "sql/sql_int.h"

#include <stdio.h>

static bool preferred(uint8_t id)
{
    bool p = false;

    qn_type_category((qn_sql_type)id, &p);
    return p;
}

static char category(uint8_t id)
{
    return qn_type_category((qn_sql_type)id, NULL);
}

/* ---- casts ---- */

typedef enum pathway { PATH_NONE, PATH_SAME, PATH_RELABEL, PATH_FUNCTION, PATH_IO } pathway;

static pathway cast_pathway(qn_sql_type from, qn_sql_type to, qn_cast_context context,
                            const qn_cast **cast)
{
    if (from == to) {
        return PATH_SAME;
    }
    *cast = qn_cast_find(from, to);
    if (*cast) {
        if ((*cast)->context > (uint8_t)context) {
            return PATH_NONE;
        }
        return (*cast)->function ? PATH_FUNCTION : PATH_RELABEL;
    }
    if (context >= QN_CAST_ASSIGNMENT && category((uint8_t)to) == 'S') {
        return PATH_IO;
    }
    return context >= QN_CAST_EXPLICIT && category((uint8_t)from) == 'S' ? PATH_IO : PATH_NONE;
}

bool qn_can_coerce(qn_sql_type from, qn_sql_type to, qn_cast_context context)
{
    const qn_cast *cast;

    return to == QN_TYPE_UNKNOWN || from == QN_TYPE_UNKNOWN ||
           cast_pathway(from, to, context, &cast) != PATH_NONE;
}

/* The text of an unknown literal, read as a type. */
static qn_expr *parse_literal(qn_binder *b, const qn_expr *lit, qn_type type)
{
    qn_expr *e = qn_node(b, QN_EXPR_CONST, type, 0, NULL, lit->location);

    if (!e) {
        return NULL;
    }
    e->null = lit->null;
    e->literal = lit->literal;
    if (!lit->null) {
        b->status = qn_value_parse(type, qn_str_data(&lit->value.str), lit->value.str.bytes,
                                   b->context->settings, b->arena, &e->value, b->err);
        if (b->status != QN_OK) {
            qn_error_locate(b->err, b->detached ? -1 : lit->location);
            return NULL;
        }
    }
    return e;
}

static qn_expr *set_param_type(qn_binder *b, const qn_expr *param, qn_sql_type id)
{
    qn_type *known = &b->param_types[param->index];

    if (known->id == QN_TYPE_UNKNOWN) {
        *known = (qn_type){(uint8_t)id, -1};
    } else if (known->id != id) {
        QN_BIND_FAIL(b, INDETERMINATE_DATATYPE, param->location,
                     "inconsistent types deduced for parameter $%u", param->index + 1);
        qn_error_detail(b->err, "%s versus %s", qn_type_name((qn_sql_type)known->id),
                        qn_type_name(id));
        return NULL;
    }
    qn_expr *e = qn_node(b, QN_EXPR_PARAM, *known, 0, NULL, param->location);
    if (e) {
        e->index = param->index;
    }
    return e;
}

qn_expr *qn_coerce_unknown_to_text(qn_binder *b, qn_expr *e)
{
    if (e->type.id != QN_TYPE_UNKNOWN) {
        return e;
    }
    return qn_coerce(b, e, QN_TYPE(TEXT), QN_CAST_IMPLICIT, -1);
}

static qn_expr *cast_call(qn_binder *b, qn_expr *e, const qn_cast *cast, int32_t location)
{
    uint8_t from = e->type.id;
    int     id = qn_function_exact(cast->function, 1, &from);

    if (id < 0) {
        return QN_BIND_FAIL(b, INTERNAL_ERROR, location, "cast function %s(%s) is missing",
                            cast->function, qn_type_name((qn_sql_type)from)),
               NULL;
    }
    qn_expr *call = qn_node1(b, QN_EXPR_CALL, (qn_type){cast->to, -1}, e, location);
    if (call) {
        call->index = (uint32_t)id;
    }
    return call;
}

/* The base type only; the modifier comes after. */
static qn_expr *coerce_base(qn_binder *b, qn_expr *e, qn_type type, qn_cast_context context,
                            int32_t location)
{
    const qn_cast *cast = NULL;
    qn_type        plain = {type.id, -1};
    qn_sql_type    from = (qn_sql_type)e->type.id;

    if (from == QN_TYPE_UNKNOWN && type.id != QN_TYPE_UNKNOWN) {
        if (e->kind == QN_EXPR_PARAM) {
            return set_param_type(b, e, (qn_sql_type)type.id);
        }
        QN_ASSERT(e->kind == QN_EXPR_CONST);
        /* interval 'x' day: the field decides how the text is read, as in PostgreSQL. */
        return parse_literal(b, e, type.id == QN_TYPE_INTERVAL ? type : plain);
    }
    switch (cast_pathway(from, (qn_sql_type)type.id, context, &cast)) {
    case PATH_SAME:
        return e;
    case PATH_RELABEL:
        return qn_node1(b, QN_EXPR_RELABEL, plain, e, location);
    case PATH_FUNCTION:
        return cast_call(b, e, cast, location);
    case PATH_IO:
        return qn_node1(b, QN_EXPR_IO_CAST, plain, e, location);
    default:
        return NULL;
    }
}

static bool has_length(uint8_t id)
{
    switch (id) {
    case QN_TYPE_NUMERIC:
    case QN_TYPE_VARCHAR:
    case QN_TYPE_CHAR:
    case QN_TYPE_TIME:
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
    case QN_TYPE_INTERVAL:
        return true;
    default:
        return false;
    }
}

qn_expr *qn_coerce(qn_binder *b, qn_expr *e, qn_type type, qn_cast_context context,
                   int32_t location)
{
    qn_expr *out = coerce_base(b, e, type, context, location);

    if (out && type.typmod >= 0 && out->type.typmod != type.typmod && has_length(type.id)) {
        out = qn_node1(b, QN_EXPR_LENGTH_CAST, type, out, location);
        if (out) {
            out->explicit_ = context == QN_CAST_EXPLICIT;
        }
    }
    return out;
}

qn_expr *qn_coerce_boolean(qn_binder *b, qn_expr *e, const char *construct)
{
    qn_expr *out = qn_coerce(b, e, QN_TYPE(BOOLEAN), QN_CAST_ASSIGNMENT, -1);

    if (!out && b->status == QN_OK) {
        QN_BIND_FAIL(b, DATATYPE_MISMATCH, e->location,
                     "argument of %s must be type %s, not type %s", construct, "boolean",
                     qn_type_name((qn_sql_type)e->type.id));
    }
    return out;
}

qn_expr *qn_coerce_bigint(qn_binder *b, qn_expr *e, const char *construct)
{
    qn_expr *out = qn_coerce(b, e, QN_TYPE(BIGINT), QN_CAST_ASSIGNMENT, -1);

    if (!out && b->status == QN_OK) {
        QN_BIND_FAIL(b, DATATYPE_MISMATCH, e->location,
                     "argument of %s must be type %s, not type %s", construct, "bigint",
                     qn_type_name((qn_sql_type)e->type.id));
    }
    return out;
}

/* ---- the common type of several expressions ---- */

static bool choose_common(qn_binder *b, qn_expr *const *exprs, size_t count, const char *context,
                          uint8_t *out)
{
    uint8_t type = exprs[0]->type.id;

    for (size_t i = 1; i < count; i++) {
        uint8_t next = exprs[i]->type.id;
        if (next == QN_TYPE_UNKNOWN || next == type) {
            continue;
        }
        if (type == QN_TYPE_UNKNOWN) {
            type = next;
        } else if (category(next) != category(type)) {
            if (context) {
                QN_BIND_FAIL(b, DATATYPE_MISMATCH, exprs[i]->location,
                             "%s types %s and %s cannot be matched", context,
                             qn_type_name((qn_sql_type)type), qn_type_name((qn_sql_type)next));
            }
            *out = QN_TYPE_UNKNOWN;
            return context == NULL;
        } else if (!preferred(type) &&
                   qn_can_coerce((qn_sql_type)type, (qn_sql_type)next, QN_CAST_IMPLICIT) &&
                   !qn_can_coerce((qn_sql_type)next, (qn_sql_type)type, QN_CAST_IMPLICIT)) {
            type = next; /* take the new type only when that is a one-way street */
        }
    }
    *out = type == QN_TYPE_UNKNOWN ? QN_TYPE_TEXT : type;
    return true;
}

bool qn_common_type(qn_binder *b, qn_expr *const *exprs, size_t count, const char *context,
                    qn_type *type)
{
    uint8_t id;

    if (!choose_common(b, exprs, count, context, &id)) {
        return false;
    }
    *type = (qn_type){id, exprs[0]->type.typmod};
    for (size_t i = 0; i < count; i++) {
        if (exprs[i]->type.id != id || exprs[i]->type.typmod != type->typmod) {
            type->typmod = -1;
        }
    }
    return true;
}

qn_expr *qn_coerce_common(qn_binder *b, qn_expr *e, qn_type type, const char *context)
{
    qn_expr *out = qn_coerce(b, e, (qn_type){type.id, -1}, QN_CAST_IMPLICIT, -1);

    if (!out && b->status == QN_OK) {
        QN_BIND_FAIL(b, CANNOT_COERCE, e->location, "%s could not convert type %s to %s", context,
                     qn_type_name((qn_sql_type)e->type.id), qn_type_name((qn_sql_type)type.id));
    }
    return out;
}

/* ---- choosing among candidates ---- */

static uint8_t candidate_arg(const qn_candidate *c, uint32_t i)
{
    return c->args[i < c->argc ? i : c->argc - 1];
}

static bool reachable(const qn_candidate *c, uint32_t argc, const uint8_t *types)
{
    for (uint32_t i = 0; i < argc; i++) {
        if (!qn_can_coerce((qn_sql_type)types[i], (qn_sql_type)candidate_arg(c, i),
                           QN_CAST_IMPLICIT)) {
            return false;
        }
    }
    return true;
}

/* Keep those with the most exact matches; with_preferred also counts preferred types of the
 * category. */
static size_t keep_best(qn_candidate *c, size_t count, uint32_t argc, const uint8_t *types,
                        bool with_preferred)
{
    size_t   kept = 0;
    uint32_t best = 0;

    for (size_t k = 0; k < count; k++) {
        uint32_t matches = 0;
        for (uint32_t i = 0; i < argc; i++) {
            uint8_t a = candidate_arg(&c[k], i);
            if (types[i] != QN_TYPE_UNKNOWN &&
                (a == types[i] || (with_preferred && a != QN_TYPE_UNKNOWN && preferred(a) &&
                                   category(a) == category(types[i])))) {
                matches++;
            }
        }
        if (matches > best || k == 0) {
            best = matches;
            kept = 0;
        }
        if (matches == best) {
            c[kept++] = c[k];
        }
    }
    return kept;
}

/* The category that unknown argument i should have; false when candidates disagree and none is a
 * string. */
static bool unknown_category(const qn_candidate *c, size_t count, uint32_t i, char *cat,
                             bool *has_preferred)
{
    bool conflict = false;

    *cat = 0;
    *has_preferred = false;
    for (size_t k = 0; k < count; k++) {
        uint8_t a = candidate_arg(&c[k], i);
        if (*cat == 0) {
            *cat = category(a);
            *has_preferred = preferred(a);
        } else if (category(a) == *cat) {
            *has_preferred = *has_preferred || preferred(a);
        } else if (category(a) == 'S') {
            *cat = 'S';
            *has_preferred = preferred(a);
        } else {
            conflict = true;
        }
    }
    return !conflict || *cat == 'S';
}

static size_t keep_by_category(qn_candidate *c, size_t count, uint32_t argc, const uint8_t *types)
{
    char   cats[QN_FN_MAX_ARGS * 4];
    bool   pref[QN_FN_MAX_ARGS * 4];
    size_t kept = 0;

    if (argc > QN_COUNTOF(cats)) {
        return count;
    }
    for (uint32_t i = 0; i < argc; i++) {
        if (types[i] == QN_TYPE_UNKNOWN && !unknown_category(c, count, i, &cats[i], &pref[i])) {
            return count;
        }
    }
    /* Two passes: when nothing would be left, everything stays. */
    for (int pass = 0; pass < 2; pass++) {
        size_t n = 0;
        for (size_t k = 0; k < count; k++) {
            bool keep = true;
            for (uint32_t i = 0; keep && i < argc; i++) {
                uint8_t a = candidate_arg(&c[k], i);
                keep = types[i] != QN_TYPE_UNKNOWN ||
                       (category(a) == cats[i] && (!pref[i] || preferred(a)));
            }
            if (keep && pass) {
                c[n] = c[k];
            }
            n += keep;
        }
        if (n == 0) {
            return count;
        }
        kept = n;
    }
    return kept;
}

/* All unknown arguments taken as the one known type: the candidate's position when exactly one
 * fits. */
static int by_known_type(const qn_candidate *c, size_t count, uint32_t argc, const uint8_t *types)
{
    uint8_t known = QN_TYPE_UNKNOWN;
    int     found = -1;

    for (uint32_t i = 0; i < argc; i++) {
        if (types[i] != QN_TYPE_UNKNOWN) {
            if (known != QN_TYPE_UNKNOWN && known != types[i]) {
                return -1;
            }
            known = types[i];
        }
    }
    for (size_t k = 0; known != QN_TYPE_UNKNOWN && k < count; k++) {
        bool fits = true;
        for (uint32_t i = 0; fits && i < argc; i++) {
            fits = qn_can_coerce((qn_sql_type)known, (qn_sql_type)candidate_arg(&c[k], i),
                                 QN_CAST_IMPLICIT);
        }
        if (fits && found >= 0) {
            return -1;
        }
        if (fits) {
            found = (int)k;
        }
    }
    return found;
}

/* Candidates are reordered; the result indexes the new order. */
int qn_choose(qn_candidate *c, size_t count, uint32_t argc, const uint8_t *types)
{
    size_t kept = 0;
    bool   unknowns = false;

    for (size_t k = 0; k < count; k++) {
        if (reachable(&c[k], argc, types)) {
            c[kept++] = c[k];
        }
    }
    if (kept <= 1) {
        return kept == 1 ? 0 : -1;
    }
    kept = keep_best(c, kept, argc, types, false);
    if (kept > 1) {
        kept = keep_best(c, kept, argc, types, true);
    }
    if (kept == 1) {
        return 0;
    }
    for (uint32_t i = 0; i < argc; i++) {
        unknowns = unknowns || types[i] == QN_TYPE_UNKNOWN;
    }
    if (!unknowns) {
        return -2;
    }
    kept = keep_by_category(c, kept, argc, types);
    if (kept == 1) {
        return 0;
    }
    int known = by_known_type(c, kept, argc, types);
    return known >= 0 ? known : -2;
}

static bool exact(const qn_candidate *c, uint32_t argc, const uint8_t *types)
{
    for (uint32_t i = 0; i < argc; i++) {
        if (candidate_arg(c, i) != types[i]) {
            return false;
        }
    }
    return true;
}

/* ---- operators ---- */

/* A left side UNKNOWN marks a prefix operator, or one whose left side is any type (anything ||
 * text): the implementing function tells. */
static bool is_prefix(const qn_operator *op)
{
    uint8_t types[2] = {op->left, op->right};

    return op->left == QN_TYPE_UNKNOWN && qn_function_exact(op->function, 2, types) < 0;
}

static qn_expr *operator_call(qn_binder *b, const qn_operator *op, qn_expr *left, qn_expr *right,
                              int32_t location)
{
    uint8_t   types[2] = {op->left, op->right};
    bool      prefix = !left;
    uint32_t  argc = prefix ? 1 : 2;
    int       id = qn_function_exact(op->function, (int)argc, prefix ? &types[1] : types);
    qn_expr **args = QN_BIND_ARRAY(b, qn_expr *, argc);

    if (!args) {
        return NULL;
    }
    if (id < 0) {
        return QN_BIND_FAIL(b, INTERNAL_ERROR, location, "function %s of operator %s is missing",
                            op->function, op->name),
               NULL;
    }
    for (uint32_t i = 0; i < argc; i++) {
        qn_expr *e = prefix || i ? right : left;
        qn_type  t = {prefix ? op->right : types[i], -1};
        args[i] = t.id == QN_TYPE_UNKNOWN ? qn_coerce_unknown_to_text(b, e)
                                          : qn_coerce(b, e, t, QN_CAST_IMPLICIT, -1);
        if (!args[i]) {
            return NULL;
        }
    }
    qn_expr *call = qn_node(b, QN_EXPR_CALL, (qn_type){qn_function_by_id((uint32_t)id)->result, -1},
                            argc, args, location);
    if (call) {
        call->index = (uint32_t)id;
    }
    return call;
}

static qn_expr *operator_failed(qn_binder *b, const char *name, const qn_expr *left,
                                const qn_expr *right, int32_t location, bool ambiguous)
{
    char        types[160];
    const char *r = qn_type_name((qn_sql_type)right->type.id);

    if (left) {
        snprintf(types, sizeof types, "%s %s %s", qn_type_name((qn_sql_type)left->type.id), name,
                 r);
    } else {
        snprintf(types, sizeof types, "%s %s", name, r);
    }
    if (ambiguous) {
        QN_BIND_FAIL(b, AMBIGUOUS_FUNCTION, location, "operator is not unique: %s", types);
        qn_error_hint(b->err,
                      "Could not choose a best candidate operator. You might need to add explicit "
                      "type casts.");
    } else {
        QN_BIND_FAIL(b, UNDEFINED_FUNCTION, location, "operator does not exist: %s", types);
        qn_error_hint(
            b->err, left ? "No operator matches the given name and argument types. You might need "
                           "to add explicit type casts."
                         : "No operator matches the given name and argument type. You might need "
                           "to add an explicit type cast.");
    }
    return NULL;
}

/* The operator with exactly these types, an unknown side taken as the other's. */
static const qn_operator *operator_exact(const uint16_t *list, size_t count, bool prefix, uint8_t l,
                                         uint8_t r)
{
    if (!prefix && l == QN_TYPE_UNKNOWN) {
        l = r;
    } else if (!prefix && r == QN_TYPE_UNKNOWN) {
        r = l;
    }
    for (size_t i = 0; r != QN_TYPE_UNKNOWN && i < count; i++) {
        const qn_operator *op = qn_operator_at(list[i]);
        if (op->right == r && op->left == (prefix ? QN_TYPE_UNKNOWN : l) &&
            is_prefix(op) == prefix) {
            return op;
        }
    }
    return NULL;
}

qn_expr *qn_bind_operator(qn_binder *b, const char *name, qn_expr *left, qn_expr *right,
                          int32_t location)
{
    const uint16_t *list = NULL;
    size_t          count = 0, n = 0;
    uint8_t         types[2];
    bool            prefix = !left;

    qn_operator_named(name, &list, &count);
    types[0] = prefix ? right->type.id : left->type.id;
    types[1] = right->type.id;
    const qn_operator *op = operator_exact(list, count, prefix, types[0], types[1]);
    if (op) {
        return operator_call(b, op, left, right, location);
    }
    qn_candidate *c = count ? QN_BIND_ARRAY(b, qn_candidate, count) : NULL;
    if (count && !c) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        op = qn_operator_at(list[i]);
        if (is_prefix(op) == prefix) {
            c[n++] =
                (qn_candidate){list[i], prefix ? 1 : 2, prefix ? &op->right : &op->left, false};
        }
    }
    int best = qn_choose(c, n, prefix ? 1 : 2, types);
    if (best < 0) {
        return operator_failed(b, name, left, right, location, best == -2);
    }
    return operator_call(b, qn_operator_at(c[best].id), left, right, location);
}
_Static_assert(offsetof(qn_operator, right) == offsetof(qn_operator, left) + 1,
               "a binary operator's types are read as an array of two");

/* ---- functions ---- */

void qn_signature(qn_binder *b, const char *name, bool qualified, uint32_t argc,
                  qn_expr *const *args, char *out, size_t bytes)
{
    size_t n = (size_t)snprintf(out, bytes, "%s%s(", qualified ? "pg_catalog." : "", name);

    (void)b;
    for (uint32_t i = 0; i < argc && n < bytes; i++) {
        n += (size_t)snprintf(out + n, bytes - n, "%s%s", i ? ", " : "",
                              qn_type_name((qn_sql_type)args[i]->type.id));
    }
    if (n < bytes) {
        snprintf(out + n, bytes - n, ")");
    }
}

qn_status qn_call_failed(qn_binder *b, const char *signature, bool ambiguous, int32_t location)
{
    if (ambiguous) {
        QN_BIND_FAIL(b, AMBIGUOUS_FUNCTION, location, "function %s is not unique", signature);
        qn_error_hint(b->err,
                      "Could not choose a best candidate function. You might need to add explicit "
                      "type casts.");
    } else {
        QN_BIND_FAIL(b, UNDEFINED_FUNCTION, location, "function %s does not exist", signature);
        qn_error_hint(
            b->err, "No function matches the given name and argument types. You might need to add "
                    "explicit type casts.");
    }
    return b->status;
}

static qn_expr *function_call(qn_binder *b, const qn_candidate *c, uint32_t argc, qn_expr **args,
                              int32_t location)
{
    const qn_function *f = qn_function_by_id(c->id);
    qn_expr          **cast = argc ? QN_BIND_ARRAY(b, qn_expr *, argc) : NULL;

    if (argc && !cast) {
        return NULL;
    }
    for (uint32_t i = 0; i < argc; i++) {
        qn_type t = {candidate_arg(c, i), -1};
        cast[i] = t.id == QN_TYPE_UNKNOWN ? qn_coerce_unknown_to_text(b, args[i])
                                          : qn_coerce(b, args[i], t, QN_CAST_IMPLICIT, -1);
        if (!cast[i]) {
            return NULL;
        }
    }
    qn_expr *call = qn_node(b, QN_EXPR_CALL, (qn_type){f->result, -1}, argc, cast, location);
    if (call) {
        call->index = c->id;
    }
    return call;
}

/* int4('5'), date(now()): a type's name with one argument is a cast. */
static qn_expr *cast_by_name(qn_binder *b, const char *name, qn_expr *arg, int32_t location)
{
    qn_sql_type id;

    if (!qn_type_by_pg_name(name, &id)) {
        return NULL;
    }
    return qn_coerce(b, arg, (qn_type){(uint8_t)id, -1}, QN_CAST_EXPLICIT, location);
}

qn_expr *qn_bind_call(qn_binder *b, const char *name, bool qualified, uint32_t argc, qn_expr **args,
                      int32_t location)
{
    const uint16_t *ids = NULL;
    size_t          count = 0, n = 0;
    uint8_t        *types = QN_BIND_ARRAY(b, uint8_t, argc + 1);
    char            text[600];

    qn_function_named(name, &ids, &count);
    qn_candidate *c = QN_BIND_ARRAY(b, qn_candidate, count + 1);
    if (!types || !c) {
        return NULL;
    }
    for (uint32_t i = 0; i < argc; i++) {
        types[i] = args[i]->type.id;
    }
    for (size_t i = 0; i < count; i++) {
        const qn_function *f = qn_function_by_id(ids[i]);
        bool               variadic = (f->flags & QN_FN_VARIADIC) != 0;
        if ((f->flags & QN_FN_HIDDEN) ||
            (f->argc != argc && !(variadic && argc >= f->argc && f->argc))) {
            continue;
        }
        c[n] = (qn_candidate){ids[i], f->argc, f->args, variadic};
        if (exact(&c[n], argc, types)) {
            return function_call(b, &c[n], argc, args, location);
        }
        n++;
    }
    if (argc == 1) {
        qn_expr *cast = cast_by_name(b, name, args[0], location);
        if (cast || b->status != QN_OK) {
            return cast;
        }
    }
    int best = qn_choose(c, n, argc, types);
    if (best >= 0) {
        return function_call(b, &c[best], argc, args, location);
    }
    qn_signature(b, name, qualified, argc, args, text, sizeof text);
    return qn_call_failed(b, text, best == -2, location), NULL;
}
