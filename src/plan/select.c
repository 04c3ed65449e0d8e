/* From the bound SELECT to pipelines.
 *
 * Rewrites: simple FROM-subqueries are pulled up, WHERE is split into conjuncts, grouping keys that are
 * constant or computed from other keys are dropped.  Then the grouping mode is chosen:
 *
 *   - When filter, keys and aggregate arguments all look at one column, the pipeline walks that column's
 *     distinct values with their counts as weights and never reads a row (metadata, dictionary, value list).
 *   - Without filter and keys, each aggregate may have its own column: one such walk per column.
 *   - Otherwise rows are read; whether the block's codes index accumulators (code array) or rows go through
 *     the hash table is settled block by block from exact statistics.
 *
 * quern.optimizer = off plans every query in the plainest way: rows, hash, no rewrites. */
#include "plan/plan.h"

#include <math.h>
#include "base/assert.h"
#include "plan/plan_int.h"
#include "store/block/block.h"

const char *qn_group_mode_name(qn_group_mode mode)
{
    static const char *const names[] = {
#define X(name, text, meaning) text,
        QN_GROUP_MODES(X)
#undef X
    };
    return (unsigned)mode < QN_GROUP_MODE_COUNT ? names[mode] : "?";
}

/* ---- pipelines ------------------------------------------------------------------------------ */

static qn_status pipeline_add(qn_planner *p, qn_pipeline **out)
{
    if (p->count == p->capacity) {
        uint32_t     capacity = p->capacity ? p->capacity * 2 : 4;
        qn_pipeline *grown = qn_arena_grow(p->arena, p->pipelines, p->count, capacity, sizeof *grown);
        if (!grown)
            return qn_nomem(p->err);
        p->pipelines = grown;
        p->capacity = capacity;
    }
    *out = &p->pipelines[p->count];
    memset(*out, 0, sizeof **out);
    (*out)->number = p->count++;
    return QN_OK;
}

/* A copy of n elements with room for one more. */
static void *dup_array(qn_planner *p, const void *from, uint32_t n, size_t size)
{
    void *copy = qn_arena_alloc0(p->arena, qn_mul((size_t)n + 1, size));
    if (copy && n)
        memcpy(copy, from, n * size);
    return copy;
}

/* ---- rewrites ------------------------------------------------------------------------------- */

/* Replace leaves of `kind` by map[index]. */
static qn_status substitute(qn_planner *p, qn_expr *expr, int kind, qn_expr *const *map, qn_expr **out)
{
    qn_status st = QN_OK;
    if (expr->kind == kind) {
        *out = map[expr->index];
        return QN_OK;
    }
    *out = expr;
    for (uint32_t i = 0; i < expr->argc; i++) {
        qn_expr *arg;
        QN_TRY(substitute(p, expr->args[i], kind, map, &arg));
        if (arg == expr->args[i])
            continue;
        if (*out == expr)
            QN_ALLOC(p->err, *out = qn_expr_copy(p->arena, expr));
        (*out)->args[i] = arg;
    }
done:
    return st;
}

static qn_status substitute_array(qn_planner *p, qn_expr **exprs, uint32_t count, int kind,
                                  qn_expr *const *map, qn_expr ***out)
{
    qn_status st = QN_OK;
    QN_ALLOC(p->err, *out = qn_arena_array(p->arena, qn_expr *, count + 1));
    for (uint32_t i = 0; i < count; i++)
        QN_TRY(substitute(p, exprs[i], kind, map, &(*out)[i]));
done:
    return st;
}

static qn_status conjuncts_add(qn_planner *p, qn_expr *expr, qn_expr ***list, uint32_t *count, uint32_t *capacity)
{
    qn_status st = QN_OK;
    if (expr->kind == QN_EXPR_AND) {
        for (uint32_t i = 0; i < expr->argc; i++)
            QN_TRY(conjuncts_add(p, expr->args[i], list, count, capacity));
        return QN_OK;
    }
    for (uint32_t i = 0; i < *count; i++) /* the emitter gives each filter a slot: no two may be equal */
        if (qn_plan_expr_equal((*list)[i], expr) && !qn_expr_is_volatile(expr))
            return QN_OK;
    if (*count == *capacity) {
        uint32_t  larger = *capacity ? *capacity * 2 : 8;
        qn_expr **grown = qn_arena_grow(p->arena, *list, *count, larger, sizeof *grown);
        QN_ALLOC(p->err, grown);
        *list = grown;
        *capacity = larger;
    }
    if (p->settings->optimise)
        QN_TRY(qn_plan_align_integers(p, expr, &expr));
    (*list)[(*count)++] = expr;
done:
    return st;
}

/* A subquery that only filters and computes can dissolve into its parent. */
static bool subquery_is_simple(const qn_select *s)
{
    if (s->aggregated || s->distinct || s->distinct_on || s->sort_count || s->limit || s->offset)
        return false;
    for (uint32_t i = 0; i < s->target_count; i++)
        if (qn_expr_is_volatile(s->targets[i].expr))
            return false;
    return true;
}

#define PULL_UP_NODES 20000u

/* Nodes of expr as a tree, where column c counts columns[c] (NULL: 1); stops counting somewhere beyond `most`. */
static uint64_t tree_nodes(const qn_expr *expr, const uint64_t *columns, uint64_t most)
{
    uint64_t n = 1;
    if (expr->kind == QN_EXPR_COLUMN && columns)
        return columns[expr->index];
    for (uint32_t i = 0; i < expr->argc && n <= most; i++)
        n += tree_nodes(expr->args[i], columns, most - n);
    return n;
}

static uint64_t select_nodes(const qn_select *s, const uint64_t *columns, uint64_t most)
{
    uint64_t n = s->where ? tree_nodes(s->where, columns, most) : 0;
    for (uint32_t i = 0; s->aggregated && i < s->key_count && n <= most; i++)
        n += tree_nodes(s->keys[i], columns, most - n);
    for (uint32_t i = 0; s->aggregated && i < s->agg_count && n <= most; i++) {
        for (uint32_t a = 0; a < s->aggs[i].argc && n <= most; a++)
            n += tree_nodes(s->aggs[i].args[a], columns, most - n);
        if (s->aggs[i].filter && n <= most)
            n += tree_nodes(s->aggs[i].filter, columns, most - n);
    }
    for (uint32_t i = 0; !s->aggregated && i < s->target_count && n <= most; i++)
        n += tree_nodes(s->targets[i].expr, columns, most - n);
    return n;
}

/* Whoever reads a computed column twice computes it twice when the subquery dissolves: thirty levels of
 * `SELECT a + a AS a FROM (…)` would be a billion additions.  Then the subquery stays, and its rows are kept. */
static qn_status pull_up_explodes(qn_planner *p, const qn_select *outer, bool *explodes)
{
    qn_status        st = QN_OK;
    const qn_select *inner = outer->from->subquery;
    uint64_t        *columns, parts;

    QN_ALLOC(p->err, columns = qn_arena_array(p->arena, uint64_t, inner->target_count + 1));
    for (uint32_t i = 0; i < inner->target_count; i++)
        columns[i] = tree_nodes(inner->targets[i].expr, NULL, UINT32_MAX);
    parts = select_nodes(outer, NULL, UINT32_MAX) + select_nodes(inner, NULL, UINT32_MAX);
    parts = parts > PULL_UP_NODES ? parts : PULL_UP_NODES;
    *explodes = select_nodes(outer, columns, parts) > parts;
done:
    return st;
}

static qn_status pull_up(qn_planner *p, const qn_select *outer, qn_select **out)
{
    qn_status        st = QN_OK;
    const qn_select *inner = outer->from->subquery;
    qn_select       *s;
    qn_expr        **map;

    QN_ALLOC(p->err, s = qn_arena_dup(p->arena, outer, sizeof *outer));
    QN_ALLOC(p->err, map = qn_arena_array(p->arena, qn_expr *, inner->target_count + 1));
    for (uint32_t i = 0; i < inner->target_count; i++)
        map[i] = inner->targets[i].expr;
    s->from = inner->from;
    s->where = inner->where;
    if (outer->where) {
        qn_expr *where;
        QN_TRY(substitute(p, outer->where, QN_EXPR_COLUMN, map, &where));
        if (s->where) {
            qn_expr *both;
            QN_ALLOC(p->err, both = qn_arena_new(p->arena, qn_expr));
            QN_ALLOC(p->err, both->args = qn_arena_array(p->arena, qn_expr *, 2));
            both->kind = QN_EXPR_AND;
            both->type = QN_TYPE(BOOLEAN);
            both->location = -1;
            both->argc = 2;
            both->args[0] = s->where; /* the subquery's own filter goes first: it may guard the other */
            both->args[1] = where;
            where = both;
        }
        s->where = where;
    }
    if (s->aggregated) {
        QN_TRY(substitute_array(p, outer->keys, outer->key_count, QN_EXPR_COLUMN, map, &s->keys));
        QN_ALLOC(p->err, s->aggs = dup_array(p, outer->aggs, outer->agg_count, sizeof(qn_agg_call)));
        for (uint32_t i = 0; i < s->agg_count; i++) {
            for (uint32_t a = 0; a < s->aggs[i].argc; a++)
                QN_TRY(substitute(p, s->aggs[i].args[a], QN_EXPR_COLUMN, map, &s->aggs[i].args[a]));
            if (s->aggs[i].filter)
                QN_TRY(substitute(p, s->aggs[i].filter, QN_EXPR_COLUMN, map, &s->aggs[i].filter));
        }
    } else {
        QN_ALLOC(p->err, s->targets = dup_array(p, outer->targets, outer->target_count, sizeof(qn_target)));
        for (uint32_t i = 0; i < s->target_count; i++)
            QN_TRY(substitute(p, s->targets[i].expr, QN_EXPR_COLUMN, map, &s->targets[i].expr));
    }
    *out = s;
done:
    return st;
}

/* Types whose SQL equality is coarser than their stored form: a group shows its first row's form. */
bool qn_type_is_coarse(qn_sql_type id)
{
    return id == QN_TYPE_REAL || id == QN_TYPE_DOUBLE || id == QN_TYPE_NUMERIC || id == QN_TYPE_INTERVAL ||
           id == QN_TYPE_CHAR;
}

bool qn_expr_is_coarse(const qn_expr *expr)
{
    if (!qn_type_is_coarse(expr->type.id))
        return false;
    if (expr->kind != QN_EXPR_CALL || !(qn_function_by_id(expr->index)->flags & QN_FN_ONE_FORM))
        return true;
    for (uint32_t i = 0; i + 1 < expr->argc; i++)
        if (!qn_expr_is_constant(expr->args[i]))
            return true;
    return false;
}

/* True when expr is computed from columns that are grouping keys themselves, so it cannot split a group. */
static bool depends_on_keys(const qn_expr *expr, qn_expr *const *keys, uint32_t count)
{
    if (expr->kind == QN_EXPR_COLUMN) {
        for (uint32_t i = 0; i < count; i++)
            if (keys[i]->kind == QN_EXPR_COLUMN && keys[i]->index == expr->index)
                return !qn_type_is_coarse(expr->type.id);
        return false;
    }
    for (uint32_t i = 0; i < expr->argc; i++)
        if (!depends_on_keys(expr->args[i], keys, count))
            return false;
    return true;
}

static qn_status columns_to_keys(qn_planner *p, qn_expr *expr, qn_expr *const *keys, const uint32_t *position,
                                 uint32_t count, qn_expr **out)
{
    qn_status st = QN_OK;
    if (expr->kind == QN_EXPR_COLUMN) {
        for (uint32_t i = 0; i < count; i++)
            if (keys[i]->kind == QN_EXPR_COLUMN && keys[i]->index == expr->index) {
                qn_expr *key;
                QN_ALLOC(p->err, key = qn_expr_copy(p->arena, expr));
                key->kind = QN_EXPR_KEY;
                key->index = position[i];
                *out = key;
                return QN_OK;
            }
        QN_UNREACHABLE();
    }
    *out = expr;
    if (expr->argc)
        QN_ALLOC(p->err, *out = qn_expr_copy(p->arena, expr));
    for (uint32_t i = 0; i < expr->argc; i++)
        QN_TRY(columns_to_keys(p, expr->args[i], keys, position, count, &(*out)->args[i]));
done:
    return st;
}

/* Drop keys that are constant or follow from others; map[] says what KEY i becomes above. */
static qn_status reduce_keys(qn_planner *p, qn_select *s, qn_expr ***map_out)
{
    qn_status st = QN_OK;
    uint32_t  n = s->key_count, kept = 0;
    qn_expr **keys, **map;
    uint32_t *position;
    bool     *drop;

    QN_ALLOC(p->err, keys = qn_arena_array(p->arena, qn_expr *, n + 1));
    QN_ALLOC(p->err, map = qn_arena_array(p->arena, qn_expr *, n + 1));
    QN_ALLOC(p->err, position = qn_arena_array(p->arena, uint32_t, n + 1));
    QN_ALLOC(p->err, drop = qn_arena_array(p->arena, bool, n + 1));
    for (uint32_t i = 0; i < n; i++)
        drop[i] = p->settings->optimise && s->keys[i]->kind != QN_EXPR_COLUMN &&
                  !qn_expr_is_volatile(s->keys[i]) && depends_on_keys(s->keys[i], s->keys, n);
    uint32_t dropped = 0;
    for (uint32_t i = 0; i < n; i++)
        dropped += drop[i];
    if (dropped == n && n) /* GROUP BY constants still means: no rows, no group */
        drop[0] = false;
    for (uint32_t i = 0; i < n; i++)
        if (!drop[i]) {
            position[i] = kept;
            keys[kept++] = s->keys[i];
        }
    for (uint32_t i = 0; i < n; i++) {
        if (drop[i]) {
            QN_TRY(columns_to_keys(p, s->keys[i], s->keys, position, n, &map[i]));
        } else {
            QN_ALLOC(p->err, map[i] = qn_arena_new(p->arena, qn_expr));
            map[i]->kind = QN_EXPR_KEY;
            map[i]->type = s->keys[i]->type;
            map[i]->index = position[i];
            map[i]->location = s->keys[i]->location;
        }
    }
    s->keys = keys;
    s->key_count = kept;
    *map_out = map;
done:
    return st;
}

/* ---- sources -------------------------------------------------------------------------------- */

static qn_status build_select(qn_planner *p, const qn_select *select, uint32_t *last);

static qn_status buffer_source(qn_planner *p, uint32_t input, qn_source *source)
{
    qn_status        st = QN_OK;
    const qn_output *o = &p->pipelines[input].output;
    qn_type         *types;
    const char     **names;

    QN_ALLOC(p->err, types = qn_arena_array(p->arena, qn_type, o->visible_count + 1));
    QN_ALLOC(p->err, names = qn_arena_array(p->arena, const char *, o->visible_count + 1));
    for (uint32_t i = 0; i < o->visible_count; i++) {
        types[i] = o->targets[i].expr->type;
        names[i] = o->targets[i].name;
    }
    *source = (qn_source){.kind = QN_SOURCE_BUFFER, .input = input, .column_count = o->visible_count,
                          .column_types = types, .column_names = names};
done:
    return st;
}

static qn_status build_source(qn_planner *p, const qn_relation *from, qn_source *source, double *rows)
{
    *rows = 1;
    if (!from) {
        *source = (qn_source){.kind = QN_SOURCE_ROW};
        return QN_OK;
    }
    if (from->kind == QN_REL_SUBQUERY) {
        uint32_t  input;
        qn_status st = build_select(p, from->subquery, &input);
        if (st != QN_OK)
            return st;
        *rows = p->pipelines[input].rows;
        return buffer_source(p, input, source);
    }
    *source = (qn_source){.kind = from->kind == QN_REL_TABLE    ? QN_SOURCE_TABLE
                                  : from->kind == QN_REL_VALUES ? QN_SOURCE_LIST
                                  : from->kind == QN_REL_FILE   ? QN_SOURCE_FILE
                                                                : QN_SOURCE_FUNCTION,
                          .table = from->table,
                          .table_id = from->table ? from->table->id : 0,
                          .relation = from,
                          .column_count = from->column_count,
                          .column_types = from->column_types,
                          .column_names = from->column_names};
    *rows = from->kind == QN_REL_TABLE ? (double)from->table->rows
            : from->kind == QN_REL_FILE ? from->file_rows
            : from->kind == QN_REL_VALUES ? from->row_count : 1000;
    return QN_OK;
}

/* ---- grouping modes -------------------------------------------------------------------------- */

/* Merge `column` into *seen: -1 none yet, -2 several. */
static void note_column(int column, int *seen)
{
    if (column == -1)
        return;
    if (column == -2 || (*seen >= 0 && *seen != column))
        *seen = -2;
    else if (*seen == -1)
        *seen = column;
}

static int agg_column(const qn_agg_call *agg)
{
    int seen = -1;
    for (uint32_t i = 0; i < agg->argc; i++)
        note_column(qn_expr_single_column(agg->args[i]), &seen);
    if (agg->filter)
        note_column(qn_expr_single_column(agg->filter), &seen);
    return seen;
}

static bool agg_is_volatile(const qn_agg_call *agg)
{
    for (uint32_t i = 0; i < agg->argc; i++)
        if (qn_expr_is_volatile(agg->args[i]))
            return true;
    return agg->filter && qn_expr_is_volatile(agg->filter);
}

static bool is_extreme(const qn_agg_call *agg)
{
    return (agg->kind == QN_AGG_MIN || agg->kind == QN_AGG_MAX) && !agg->filter &&
           agg->args[0]->kind == QN_EXPR_COLUMN && !qn_type_is_coarse(agg->args[0]->type.id);
}

static bool pipeline_is_volatile(const qn_pipeline *pl)
{
    for (uint32_t i = 0; i < pl->filter_count; i++)
        if (qn_expr_is_volatile(pl->filters[i]))
            return true;
    const qn_aggregation *a = pl->aggregation;
    for (uint32_t i = 0; i < a->key_count; i++)
        if (qn_expr_is_volatile(a->keys[i]))
            return true;
    for (uint32_t i = 0; i < a->agg_count; i++)
        if (agg_is_volatile(&a->aggs[i]))
            return true;
    return false;
}

/* Can the whole aggregation be read off distinct values?  -2: no; -1: it needs no column. */
static int values_column(const qn_pipeline *pl)
{
    int                   seen = -1;
    const qn_aggregation *a = pl->aggregation;
    for (uint32_t i = 0; i < pl->filter_count; i++)
        note_column(qn_expr_single_column(pl->filters[i]), &seen);
    for (uint32_t i = 0; i < a->key_count; i++) {
        if (qn_expr_is_coarse(a->keys[i]))
            return -2;
        note_column(qn_expr_single_column(a->keys[i]), &seen);
    }
    for (uint32_t i = 0; i < a->agg_count; i++) {
        if (a->aggs[i].kind == QN_AGG_STRING_AGG)
            return -2;
        note_column(agg_column(&a->aggs[i]), &seen);
    }
    return seen;
}

/* Value order and the form of coarse values depend on rows: only exact folds may use weights. */
static bool aggs_allow_weights(const qn_aggregation *a)
{
    for (uint32_t i = 0; i < a->agg_count; i++) {
        const qn_agg_call *agg = &a->aggs[i];
        if (agg->kind == QN_AGG_STRING_AGG)
            return false;
        if ((agg->kind == QN_AGG_MIN || agg->kind == QN_AGG_MAX) && qn_expr_is_coarse(agg->args[0]))
            return false;
    }
    return true;
}

static bool is_integer(const qn_expr *x)
{
    qn_bank bank = qn_type_bank((qn_sql_type)x->type.id);
    return bank == QN_BANK_BOOL || bank == QN_BANK_I16 || bank == QN_BANK_I32 || bank == QN_BANK_I64;
}

/* Integers are packed as they are, text and computed numbers of one form by number (vm/id_map.h). */
static bool is_packable_value(const qn_expr *x)
{
    bool text = x->type.id == QN_TYPE_TEXT || x->type.id == QN_TYPE_VARCHAR;
    return is_integer(x) || text || (qn_type_is_coarse(x->type.id) && !qn_expr_is_coarse(x));
}

/* count(DISTINCT column) alone over a walk of that column's values. */
static void note_list_distinct(qn_pipeline *pl)
{
    const qn_aggregation *a = pl->aggregation;
    uint32_t              n = pl->agg_mask_count ? pl->agg_mask_count : a->agg_count, i = pl->agg_mask_count ? pl->agg_mask[0] : 0;
    pl->list_distinct = false; /* it may be a copy of a pipeline that does */
    if (a->key_count || n != 1 || pl->source.column == QN_NO_COLUMN)
        return;
    const qn_agg_call *agg = &a->aggs[i];
    if (agg->kind != QN_AGG_COUNT || !agg->distinct || agg->filter || agg->args[0]->kind != QN_EXPR_COLUMN)
        return;
    pl->list_distinct = is_packable_value(agg->args[0]);
}

static qn_status split_by_column(qn_planner *p, uint32_t first)
{
    qn_status       st = QN_OK;
    qn_aggregation *a = p->pipelines[first].aggregation;
    bool           *done;
    uint32_t        fed = first;

    QN_ALLOC(p->err, done = qn_arena_array(p->arena, bool, a->agg_count + 1));
    for (uint32_t i = 0; i < a->agg_count; i++) {
        if (done[i])
            continue;
        uint32_t *mask, n = 0;
        int       column = agg_column(&a->aggs[i]);
        bool      extremes = true;
        QN_ALLOC(p->err, mask = qn_arena_array(p->arena, uint32_t, a->agg_count));
        for (uint32_t j = i; j < a->agg_count; j++)
            if (!done[j] && agg_column(&a->aggs[j]) == column) {
                done[j] = true;
                mask[n++] = j;
                extremes = extremes && is_extreme(&a->aggs[j]);
            }
        qn_pipeline *pl = &p->pipelines[fed];
        if (i) {
            QN_TRY(pipeline_add(p, &pl));
            uint32_t number = pl->number;
            *pl = p->pipelines[first];
            pl->number = number;
        }
        pl->source.kind = QN_SOURCE_VALUES;
        pl->source.column = column < 0 ? QN_NO_COLUMN : (uint32_t)column;
        pl->source.extremes = extremes && column >= 0;
        pl->agg_mask = mask;
        pl->agg_mask_count = n;
        pl->group_owner = first;
        note_list_distinct(pl);
    }
done:
    return st;
}

/* Are keys and aggregates of the kinds that vm/packed.c can put into a few words?  Whether they fit is settled when
 * the query runs, from the blocks it finds. */
static bool packs(const qn_aggregation *a)
{
    bool fits = a->key_count > 0;
    for (uint32_t i = 0; i < a->key_count; i++)
        fits = fits && is_packable_value(a->keys[i]);
    for (uint32_t i = 0; i < a->agg_count && fits; i++) {
        const qn_agg_call *agg = &a->aggs[i];
        switch (agg->kind) {
        case QN_AGG_COUNT_STAR:
            fits = !agg->filter;
            break;
        case QN_AGG_COUNT:
            fits = !agg->filter && (!agg->distinct || is_packable_value(agg->args[0]));
            break;
        case QN_AGG_SUM:
        case QN_AGG_AVG:
            fits = !agg->filter && !agg->distinct && is_integer(agg->args[0]);
            break;
        case QN_AGG_MIN:
        case QN_AGG_MAX:
            fits = !agg->filter && is_integer(agg->args[0]) && agg->args[0]->type.id != QN_TYPE_BOOLEAN;
            break;
        default:
            fits = false;
        }
    }
    return fits;
}

static qn_status choose_mode(qn_planner *p, uint32_t number)
{
    qn_pipeline    *pl = &p->pipelines[number];
    qn_aggregation *a = pl->aggregation;
    qn_group_mode   forced = p->settings->group_mode;

    pl->group_owner = number;
    a->mode = QN_GROUP_HASH;
    a->packs = p->settings->optimise && pl->source.kind == QN_SOURCE_TABLE && packs(a) &&
               forced != QN_GROUP_HASH && forced != QN_GROUP_CODE_ARRAY;
    qn_plan_cost(pl, p->settings);
    if (!p->settings->optimise || forced == QN_GROUP_PARTITION || forced == QN_GROUP_HASH || forced == QN_GROUP_CODE_ARRAY ||
        pl->source.kind != QN_SOURCE_TABLE || a->first_row || pipeline_is_volatile(pl) || !aggs_allow_weights(a)) {
        if (forced != QN_GROUP_AUTO && pl->source.kind == QN_SOURCE_TABLE)
            a->mode = forced == QN_GROUP_CODE_ARRAY               ? QN_GROUP_CODE_ARRAY
                      : forced == QN_GROUP_PARTITION && a->packs ? QN_GROUP_PARTITION
                                                                 : QN_GROUP_HASH;
        return QN_OK;
    }
    int column = values_column(pl);
    if (column != -2) {
        if (column == -1 && pl->filter_count) /* constant filter: rows decide nothing, keep it simple */
            return QN_OK;
        pl->source.kind = QN_SOURCE_VALUES;
        pl->source.column = column < 0 ? QN_NO_COLUMN : (uint32_t)column;
        a->mode = pl->filter_count ? QN_GROUP_DICTIONARY : a->key_count ? QN_GROUP_VALUE_LIST : QN_GROUP_METADATA;
        bool extremes = column >= 0 && !pl->filter_count && !a->key_count && a->agg_count > 0;
        for (uint32_t i = 0; i < a->agg_count; i++)
            extremes = extremes && is_extreme(&a->aggs[i]);
        pl->source.extremes = extremes;
        note_list_distinct(pl);
        if (pl->list_distinct)
            a->mode = QN_GROUP_LIST_MERGE;
        qn_plan_cost(pl, p->settings);
        return QN_OK;
    }
    if (!pl->filter_count && !a->key_count) {
        bool each = true;
        for (uint32_t i = 0; i < a->agg_count; i++)
            each = each && agg_column(&a->aggs[i]) != -2;
        if (each) {
            a->mode = QN_GROUP_METADATA;
            return split_by_column(p, number);
        }
    }
    return QN_OK;
}

/* ---- the select ----------------------------------------------------------------------------- */

static qn_status groups_source(qn_planner *p, uint32_t input, qn_source *source)
{
    qn_status             st = QN_OK;
    const qn_aggregation *a = p->pipelines[input].aggregation;
    uint32_t              n = a->key_count + a->agg_count;
    qn_type              *types;

    QN_ALLOC(p->err, types = qn_arena_array(p->arena, qn_type, n + 1));
    for (uint32_t i = 0; i < a->key_count; i++)
        types[i] = a->keys[i]->type;
    for (uint32_t i = 0; i < a->agg_count; i++)
        types[a->key_count + i] = a->aggs[i].type;
    *source = (qn_source){.kind = QN_SOURCE_GROUPS, .input = p->pipelines[input].group_owner, .column_count = n,
                          .column_types = types};
done:
    return st;
}

static bool any_coarse(qn_expr *const *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (qn_expr_is_coarse(keys[i]))
            return true;
    return false;
}

/* Turn the current source into groups of `a` and continue above it. */
static qn_status add_aggregation(qn_planner *p, qn_source *source, double *rows, qn_expr **filters,
                                 uint32_t filter_count, qn_aggregation *a)
{
    qn_status    st = QN_OK;
    qn_pipeline *pl;
    uint32_t     number;

    QN_TRY(pipeline_add(p, &pl));
    number = pl->number;
    pl->source = *source;
    pl->filters = filters;
    pl->filter_count = filter_count;
    pl->to_groups = true;
    pl->aggregation = a;
    pl->rows = *rows;
    QN_TRY(choose_mode(p, number));
    *rows = a->groups;
    QN_TRY(groups_source(p, number, source));
done:
    return st;
}

static bool nothing_fails(const qn_pipeline *pl)
{
    const qn_aggregation *a = pl->aggregation;
    bool                  safe = true;
    for (uint32_t i = 0; i < pl->filter_count; i++)
        safe = safe && !qn_expr_can_fail(pl->filters[i]);
    for (uint32_t i = 0; i < a->key_count; i++)
        safe = safe && !qn_expr_can_fail(a->keys[i]);
    for (uint32_t i = 0; i < a->agg_count; i++)
        safe = safe && (!a->aggs[i].argc || !qn_expr_can_fail(a->aggs[i].args[0]));
    return safe;
}

/* GROUP BY … ORDER BY count DESC LIMIT: values of a key that cannot win may be left out (vm/list_top.c).  Rows left out
 * are not evaluated, so nothing in them may be able to fail. */
static void note_top(qn_planner *p, const qn_pipeline *reader)
{
    if (reader->source.kind != QN_SOURCE_GROUPS || reader->filter_count || !reader->output.limit || !reader->output.sort_count ||
        !reader->output.sort[0].descending || reader->output.distinct_on || p->settings->group_mode == QN_GROUP_VALUE_LIST)
        return;
    const qn_pipeline *pl = &p->pipelines[reader->source.input];
    qn_aggregation    *a = pl->aggregation;
    const qn_expr     *x = reader->output.targets[reader->output.sort[0].target].expr;
    if (pl->source.kind == QN_SOURCE_TABLE) {
        a->top = pl->number + 1 == reader->number && a->packs && !pipeline_is_volatile(pl) && nothing_fails(pl) && !a->first_row &&
                 x->kind == QN_EXPR_AGG && (a->aggs[x->index].kind == QN_AGG_COUNT_STAR || a->aggs[x->index].kind == QN_AGG_COUNT) &&
                 p->settings->group_mode != QN_GROUP_PARTITION;
        if (a->top && a->mode == QN_GROUP_PARTITION)
            a->mode = QN_GROUP_THRESHOLD; /* costs up to what partitions cost: what is left out shows when it runs */
        return;
    }
    if (pl->source.kind != QN_SOURCE_VALUES || pl->number + 1 != reader->number || !a->packs || a->key_count != 1 ||
        a->keys[0]->kind != QN_EXPR_COLUMN || x->kind != QN_EXPR_AGG || a->aggs[x->index].kind != QN_AGG_COUNT_STAR || !nothing_fails(pl))
        return;
    a->top = true;
    a->mode = QN_GROUP_THRESHOLD;
    qn_plan_cost(&p->pipelines[reader->source.input], p->settings);
}

/* GROUP BY … LIMIT without ORDER BY: rows of groups beyond the limit need not be read, unless they might fail. */
static void note_fixed(qn_planner *p, const qn_pipeline *reader)
{
    if (reader->source.kind != QN_SOURCE_GROUPS || reader->filter_count || !reader->output.limit || reader->output.sort_count)
        return;
    const qn_pipeline *pl = &p->pipelines[reader->source.input];
    if (pl->source.kind == QN_SOURCE_TABLE && pl->number + 1 == reader->number && pl->aggregation->packs && pl->aggregation->first_row &&
        !pipeline_is_volatile(pl) && nothing_fails(pl))
        pl->aggregation->fixed = true;
}

static qn_status build_select(qn_planner *p, const qn_select *original, uint32_t *last)
{
    qn_status    st = QN_OK;
    qn_source    source;
    double       rows;
    qn_expr    **filters = NULL;
    uint32_t     filter_count = 0, filter_capacity = 0;
    qn_select   *s;
    qn_target   *targets;
    qn_pipeline *pl;

    QN_ALLOC(p->err, s = qn_arena_dup(p->arena, original, sizeof *original));
    while (p->settings->optimise && s->from && s->from->kind == QN_REL_SUBQUERY &&
           subquery_is_simple(s->from->subquery)) {
        bool explodes;
        QN_TRY(pull_up_explodes(p, s, &explodes));
        if (explodes)
            break;
        QN_TRY(pull_up(p, s, &s));
    }
    QN_TRY(qn_plan_simplify_select(p, s));
    QN_TRY(qn_plan_drop_unread(p, s));
    QN_TRY(build_source(p, s->from, &source, &rows));
    if (s->where)
        QN_TRY(conjuncts_add(p, s->where, &filters, &filter_count, &filter_capacity));
    qn_plan_constants_first(filters, filter_count);
    QN_ALLOC(p->err, targets = dup_array(p, s->targets, s->target_count, sizeof(qn_target)));

    bool first_row_matters = (s->limit || s->offset) && !s->sort_count;
    if (s->aggregated) {
        qn_aggregation *a;
        qn_expr       **map = NULL;
        QN_TRY(reduce_keys(p, s, &map));
        QN_ALLOC(p->err, a = qn_arena_new(p->arena, qn_aggregation));
        a->keys = s->keys;
        a->key_count = s->key_count;
        a->aggs = s->aggs;
        a->agg_count = s->agg_count;
        a->first_row = a->key_count && (first_row_matters || any_coarse(a->keys, a->key_count));
        QN_TRY(add_aggregation(p, &source, &rows, filters, filter_count, a));
        filters = NULL;
        filter_count = filter_capacity = 0;
        if (s->having) {
            qn_expr *having;
            QN_TRY(substitute(p, s->having, QN_EXPR_KEY, map, &having));
            QN_TRY(conjuncts_add(p, having, &filters, &filter_count, &filter_capacity));
        }
        for (uint32_t i = 0; i < s->target_count; i++)
            QN_TRY(substitute(p, targets[i].expr, QN_EXPR_KEY, map, &targets[i].expr));
    }
    if (s->distinct) {
        qn_aggregation *a;
        QN_ALLOC(p->err, a = qn_arena_new(p->arena, qn_aggregation));
        QN_ALLOC(p->err, a->keys = qn_arena_array(p->arena, qn_expr *, s->target_count + 1));
        a->key_count = s->target_count;
        for (uint32_t i = 0; i < s->target_count; i++)
            a->keys[i] = targets[i].expr;
        a->first_row = a->key_count && (first_row_matters || any_coarse(a->keys, a->key_count));
        QN_TRY(add_aggregation(p, &source, &rows, filters, filter_count, a));
        filters = NULL;
        filter_count = 0;
        for (uint32_t i = 0; i < s->target_count; i++) {
            qn_expr *key;
            QN_ALLOC(p->err, key = qn_arena_new(p->arena, qn_expr));
            key->kind = QN_EXPR_KEY;
            key->type = targets[i].expr->type;
            key->index = i;
            key->location = targets[i].expr->location;
            targets[i].expr = key;
        }
    }
    QN_TRY(pipeline_add(p, &pl));
    pl->source = source;
    pl->filters = filters;
    pl->filter_count = filter_count;
    pl->rows = rows;
    pl->output = (qn_output){.target_count = s->target_count, .visible_count = s->visible_count,
                             .targets = targets, .sort_count = s->sort_count, .sort = s->sort,
                             .limit = s->limit, .offset = s->offset, .distinct_on = s->distinct_on};
    note_top(p, pl);
    note_fixed(p, pl);
    *last = pl->number;
done:
    return st;
}

qn_status qn_plan_select(const qn_bound *bound, const qn_select *select, const qn_plan_settings *settings,
                         qn_arena *arena, qn_plan **out, qn_error *err)
{
    qn_status  st = QN_OK;
    qn_planner p = {.arena = arena, .settings = settings, .err = err};
    uint32_t   last;
    qn_plan   *plan;

    QN_ALLOC(err, plan = qn_arena_new(arena, qn_plan));
    QN_TRY(build_select(&p, select, &last));
    QN_ASSERT(last + 1 == p.count);
    for (uint32_t i = 0; i < p.count; i++)
        if (p.pipelines[i].source.kind == QN_SOURCE_FILE)
            QN_TRY(qn_plan_columns_read(&p, &p.pipelines[i]));
    plan->pipelines = p.pipelines;
    plan->pipeline_count = p.count;
    plan->param_count = bound->param_count;
    plan->param_types = bound->param_types;
    *out = plan;
done:
    return st;
}
