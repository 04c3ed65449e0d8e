/* Facts about subexpressions, worked out once for each node.
 *
 * Code generation asks at every node whether it is constant, which column it looks at, whether it can fail.  Each
 * answer needs the whole subtree; asked afresh at each level of `a + a + … + a` that is quadratic.  Here a node is
 * looked at once, from the leaves up, and remembered by its address: nodes do not change while code is made.
 *
 * Equal expressions (qn_plan_expr_equal) have equal hashes, so that the generator can look them up. */
#include "code/code_int.h"

#include "base/hash.h"

static uint64_t home(const qn_facts *t, const qn_expr *x) { return qn_mix64((uintptr_t)x) & (t->capacity - 1); }

static bool table_grow(qn_facts *t)
{
    size_t         capacity = t->capacity ? t->capacity * 2 : 256;
    qn_expr_facts *old = t->entries, *fresh = qn_arena_array(t->arena, qn_expr_facts, capacity);
    size_t         count = t->capacity;
    if (!fresh)
        return false;
    t->entries = fresh;
    t->capacity = capacity;
    for (size_t i = 0; i < count; i++) {
        if (!old[i].expr)
            continue;
        size_t at = home(t, old[i].expr);
        while (fresh[at].expr)
            at = (at + 1) & (capacity - 1);
        fresh[at] = old[i];
    }
    return true;
}

static void remember(qn_facts *t, const qn_expr_facts *f)
{
    if (t->count * 2 >= t->capacity && !table_grow(t)) {
        t->failed = true;
        return;
    }
    size_t at = home(t, f->expr);
    while (t->entries[at].expr)
        at = (at + 1) & (t->capacity - 1);
    t->entries[at] = *f;
    t->count++;
}

static uint64_t own_hash(const qn_expr *x)
{
    uint64_t h = qn_mix64(x->kind | (uint64_t)x->type.id << 8 | (uint64_t)x->explicit_ << 16 | (uint64_t)x->index << 24);
    h = qn_mix64(h ^ (uint32_t)x->type.typmod ^ (uint64_t)x->argc << 32);
    if (x->kind == QN_EXPR_CONST && !x->null) {
        uint64_t id[2];
        qn_value_identity((qn_sql_type)x->type.id, &x->value, id);
        h = qn_mix64(h ^ id[0] ^ id[1]);
    }
    return h;
}

static void merge_column(int32_t column, int32_t *into)
{
    if (column == -1)
        return;
    *into = *into == -1 || *into == column ? column : -2;
}

qn_expr_facts qn_facts_of(qn_facts *t, const qn_expr *x)
{
    for (size_t at = t->capacity ? home(t, x) : 0; t->capacity && t->entries[at].expr; at = (at + 1) & (t->capacity - 1))
        if (t->entries[at].expr == x)
            return t->entries[at];
    qn_expr_facts f = {.expr = x, .hash = own_hash(x), .column = -1, .constant = true};
    if (x->kind == QN_EXPR_COLUMN || x->kind == QN_EXPR_KEY || x->kind == QN_EXPR_AGG) {
        f.constant = false;
        f.column = x->kind == QN_EXPR_COLUMN ? (int32_t)x->index : -2;
    } else if (x->kind == QN_EXPR_CALL) {
        const qn_function *fn = qn_function_by_id(x->index);
        f.is_volatile = fn->volatility == QN_VOLATILE;
        f.can_fail = fn->flags & QN_FN_CANFAIL;
        f.constant = !f.is_volatile;
    } else if (x->kind == QN_EXPR_IO_CAST || x->kind == QN_EXPR_LENGTH_CAST) {
        f.can_fail = true;
    }
    for (uint32_t i = 0; i < x->argc; i++) {
        qn_expr_facts arg = qn_facts_of(t, x->args[i]);
        f.hash = qn_mix64(f.hash ^ arg.hash);
        f.constant = f.constant && arg.constant;
        f.is_volatile = f.is_volatile || arg.is_volatile;
        f.can_fail = f.can_fail || arg.can_fail;
        merge_column(arg.column, &f.column);
    }
    remember(t, &f);
    return f;
}
