/* Whether and how keys and accumulators of an aggregation fit into a few words.
 *
 * Block headers tell the exact bounds of every column: an integer key needs the bits of its range, text those of a
 * number given out by an id_map, a count those of the table's rows, a sum those of (largest - smallest) × rows.  The
 * fields are laid into words largest first, each where it fits first.  The snapshot of this execution is what the
 * bounds are read from, so nothing has to be guarded: what does not fit is left to the generic table. */
#include "vm/lists.h"
#include "vm/packed_int.h"

#include "base/assert.h"

typedef unsigned __int128 u128;

static uint32_t bits_of(u128 n)
{
    uint32_t bits = 0;
    for (; n; n >>= 1)
        bits++;
    return bits;
}

typedef struct column_bounds {
    bool     known;
    int64_t  least, most;
    uint64_t nulls, entries;
} column_bounds;

static int64_t integer_of(qn_bank bank, const qn_datum *v)
{
    return bank == QN_BANK_BOOL ? v->b : bank == QN_BANK_I16 ? v->i16 : bank == QN_BANK_I32 ? v->i32 : v->i64;
}

static bool is_integer(qn_bank bank)
{
    return bank == QN_BANK_BOOL || bank == QN_BANK_I16 || bank == QN_BANK_I32 || bank == QN_BANK_I64;
}

static column_bounds bounds_of(const qn_table *table, uint32_t column)
{
    column_bounds s = {.known = true, .least = INT64_MAX, .most = INT64_MIN};
    for (uint32_t b = 0; b < table->block_count; b++) {
        const qn_block_column *c = qn_block_column_at(table->blocks[b].block, column);
        s.nulls += c->null_count;
        s.entries += c->kind == QN_COL_RAW ? c->rows : c->distinct;
        if (c->null_count == c->rows || !is_integer(c->bank))
            continue;
        int64_t least = integer_of(c->bank, &c->min), most = integer_of(c->bank, &c->max);
        s.least = least < s.least ? least : s.least;
        s.most = most > s.most ? most : s.most;
    }
    if (s.least > s.most)
        s.least = s.most = 0;
    return s;
}

static column_bounds bounds_of_bank(qn_bank bank)
{
    column_bounds s = {.nulls = UINT64_MAX};
    s.least = bank == QN_BANK_BOOL ? 0 : bank == QN_BANK_I16 ? INT16_MIN : bank == QN_BANK_I32 ? INT32_MIN : INT64_MIN;
    s.most = bank == QN_BANK_BOOL ? 1 : bank == QN_BANK_I16 ? INT16_MAX : bank == QN_BANK_I32 ? INT32_MAX : INT64_MAX;
    return s;
}

/* Bounds of an integer expression: exact for a column, its type's otherwise. */
static column_bounds bounds_of_expr(const qn_table *table, const qn_expr *x)
{
    return x->kind == QN_EXPR_COLUMN ? bounds_of(table, x->index) : bounds_of_bank(qn_type_bank((qn_sql_type)x->type.id));
}

/* Does no target of the pipeline that reads the groups fail, whatever the group? */
bool packed_targets_safe(const qn_exec *exec, const qn_table *table, const qn_aggregation *a, const qn_code_pipeline *reader)
{
    bool safe = !reader->fails;
    for (uint32_t i = 0; i < reader->sum_count && safe; i++) {
        const qn_code_sum *sum = &reader->sums[i];
        if (exec->constant_nulls[sum->constant])
            continue;
        column_bounds key = bounds_of_expr(table, a->keys[sum->key]), result = bounds_of_bank((qn_bank)sum->bank);
        __int128      by = integer_of((qn_bank)sum->constant_bank, &exec->constants[sum->constant]);
        by = sum->minus ? -by : by;
        safe = key.least + by >= result.least && key.most + by <= result.most;
    }
    return safe;
}

/* ---- placing fields -------------------------------------------------------------------------------- */

typedef struct placing { /* used bits of each word */
    uint32_t words, most;
    uint8_t  used[TUPLE_MAX_WORDS];
} placing;

static bool place(placing *at, packed_field *f, uint32_t bits)
{
    if (bits > 64)
        return false;
    for (uint32_t w = 0;; w++) {
        if (w == at->words) {
            if (at->words == at->most)
                return false;
            at->used[at->words++] = 0;
        }
        if (at->used[w] + bits <= 64) {
            *f = (packed_field){(uint8_t)w, at->used[w], (uint8_t)bits};
            at->used[w] = (uint8_t)(at->used[w] + bits);
            return true;
        }
    }
}

typedef struct wish {
    packed_field *field, *second; /* second: in the same word, above the first; NULL: none */
    uint32_t      bits, second_bits;
} wish;

static bool place_all(placing *at, wish *wishes, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) { /* largest first: few enough for insertion */
        wish     w = wishes[i];
        uint32_t j = i;
        for (; j && wishes[j - 1].bits + wishes[j - 1].second_bits < w.bits + w.second_bits; j--)
            wishes[j] = wishes[j - 1];
        wishes[j] = w;
    }
    for (uint32_t i = 0; i < n; i++) {
        wish        *w = &wishes[i];
        packed_field both;
        if (w->second && w->bits + w->second_bits <= 64) {
            if (!place(at, &both, w->bits + w->second_bits))
                return false;
            *w->field = (packed_field){both.word, both.shift, (uint8_t)w->bits};
            *w->second = (packed_field){both.word, (uint8_t)(both.shift + w->bits), (uint8_t)w->second_bits};
        } else if (!place(at, w->field, w->bits) || (w->second && !place(at, w->second, w->second_bits))) {
            return false;
        }
    }
    return true;
}

/* ---- what is wanted ---------------------------------------------------------------------------------- */

/* A key or DISTINCT argument: how it is written, and the bits it wishes for. */
static bool wish_for_value(qn_packed *p, const qn_expr *x, packed_key *k, wish *w)
{
    qn_bank bank = qn_type_bank((qn_sql_type)x->type.id);
    *k = (packed_key){.type = (uint8_t)x->type.id, .bank = (uint8_t)bank};
    *w = (wish){.field = &k->value};
    column_bounds s = {0};
    if (!is_integer(bank)) { /* text, and numbers that come in one form: see packs() of plan/select.c */
        k->by_id = true;
        k->map = p->map_count++;
        s = x->kind == QN_EXPR_COLUMN ? bounds_of(p->table, x->index)
                                      : (column_bounds){.nulls = UINT64_MAX, .entries = p->table->rows};
        p->map_values[k->map] = s.entries;
        p->map_known[k->map] = x->kind == QN_EXPR_COLUMN;
        /* the map stays in memory: some 50 bytes a value, more than which the generic table, able to spill, takes over */
        if (s.entries >= UINT32_MAX / 2 || (p->map_budget != UINT64_MAX && s.entries * 50 > p->map_budget))
            return false;
        w->bits = bits_of(s.entries);
    } else {
        s = bounds_of_expr(p->table, x);
        k->base = s.least;
        w->bits = bits_of((u128)((__int128)s.most - s.least));
    }
    w->bits = w->bits ? w->bits : 1;
    if (s.nulls) {
        w->second = &k->null;
        w->second_bits = 1;
    }
    return true;
}

static bool same_argument(const qn_agg_call *a, const qn_agg_call *b)
{
    return a->argc == 1 && b->argc == 1 && qn_plan_expr_equal(a->args[0], b->args[0]) && !qn_expr_is_volatile(a->args[0]);
}

/* Note what aggregate i needs of its argument.  False: it does not pack. */
static bool note_argument(qn_packed *p, const qn_aggregation *a, uint32_t i, uint64_t rows, bool *sums)
{
    const qn_agg_call *call = &a->aggs[i];
    const qn_expr     *x = call->args[0];
    qn_bank            bank = qn_type_bank((qn_sql_type)x->type.id);
    packed_argument   *arg = NULL;
    for (uint32_t j = 0; j < i && !arg; j++)
        if (p->agg_arguments[j] >= 0 && same_argument(call, &a->aggs[j])) {
            p->agg_arguments[i] = p->agg_arguments[j];
            arg = &p->arguments[p->agg_arguments[j]];
        }
    bool numbers = bank == QN_BANK_I16 || bank == QN_BANK_I32 || bank == QN_BANK_I64;
    if (!arg) {
        column_bounds s = x->kind == QN_EXPR_COLUMN || numbers ? bounds_of_expr(p->table, x) : (column_bounds){.nulls = UINT64_MAX};
        p->agg_arguments[i] = (int32_t)p->argument_count;
        arg = &p->arguments[p->argument_count++];
        *arg = (packed_argument){.reg = a->key_count + i, .bank = (uint8_t)bank, .base = s.least};
        if (s.nulls)
            arg->count.bits = (uint8_t)bits_of(rows);
    }
    switch (call->kind) {
    case QN_AGG_COUNT:
        return true;
    case QN_AGG_SUM:
    case QN_AGG_AVG: {
        if (!numbers)
            return false;
        column_bounds s = bounds_of_expr(p->table, x);
        uint32_t      bits = bits_of((u128)((__int128)s.most - s.least) * rows);
        if (bits > 64)
            return false;
        sums[p->agg_arguments[i]] = true;
        arg->sum.bits = (uint8_t)(bits ? bits : 1);
        return true;
    }
    case QN_AGG_MIN:
        arg->smallest = 1; /* settled below */
        return numbers;
    case QN_AGG_MAX:
        arg->largest = 1;
        return numbers;
    default:
        return false;
    }
}

qn_status packed_layout(qn_exec *exec, qn_groups *g, const pipeline_state *pl, qn_packed *p, bool *fits, qn_error *err)
{
    const qn_aggregation *a = g->plan;
    uint64_t              rows = pl->table->rows ? pl->table->rows : 1;
    placing               keys = {.most = TUPLE_MAX_KEYS}, adds = {.most = TUPLE_MAX_WORDS / 2};
    uint32_t              n = 0;
    wish                 *wishes = qn_arena_array(&exec->arena, wish, PACKED_MAX_KEYS + 2 * a->agg_count + 1);
    bool                 *sums = qn_arena_array(&exec->arena, bool, a->agg_count + 1);

    *fits = false;
    p->layout = &g->layout;
    p->table = pl->table;
    p->map_budget = exec_budget(exec) == UINT64_MAX || !exec->spill.vfs || pl->top ? UINT64_MAX : exec_budget(exec) / 4;
    p->key_count = a->key_count;
    p->arguments = qn_arena_array(&exec->arena, packed_argument, a->agg_count + 1);
    p->agg_arguments = qn_arena_array(&exec->arena, int32_t, a->agg_count + 1);
    p->agg_distinct = qn_arena_array(&exec->arena, int32_t, a->agg_count + 1);
    p->states = qn_arena_array(&exec->arena, agg_state, a->agg_count + 1);
    p->distinct = qn_arena_array(&exec->arena, packed_distinct, a->agg_count + 1);
    p->map_values = qn_arena_array(&exec->arena, uint64_t, a->key_count + a->agg_count + 1);
    p->map_known = qn_arena_array(&exec->arena, bool, a->key_count + a->agg_count + 1);
    p->maps = qn_arena_array(&exec->arena, id_map, a->key_count + a->agg_count + 1);
    if (!wishes || !sums || !p->arguments || !p->agg_arguments || !p->agg_distinct || !p->states || !p->distinct || !p->maps || !p->map_values || !p->map_known)
        return qn_nomem(err);
    if (!a->key_count || a->key_count > PACKED_MAX_KEYS)
        return QN_OK;
    for (uint32_t i = 0; i < a->key_count; i++)
        if (!wish_for_value(p, a->keys[i], &p->keys[i], &wishes[n++]))
            return QN_OK;
    if (!place_all(&keys, wishes, n))
        return QN_OK;
    p->shape.keys = keys.words;

    /* accumulators: words of their own, counted from the first one, moved behind the keys below */
    n = 0;
    wishes[n++] = (wish){.field = &p->rows, .bits = bits_of(rows)};
    for (uint32_t i = 0; i < a->agg_count; i++) {
        const qn_agg_call *call = &a->aggs[i];
        p->states[i] = g->layout.aggs[i];
        p->states[i].offset = 0;
        p->agg_arguments[i] = p->agg_distinct[i] = -1;
        if (call->filter || call->argc > 1)
            return QN_OK;
        if (g->layout.aggs[i].distinct) {
            if (call->kind != QN_AGG_COUNT)
                return QN_OK;
            packed_distinct *d = &p->distinct[p->distinct_count];
            placing          pair = keys;
            wish             value;
            *d = (packed_distinct){.agg = i, .reg = a->key_count + i};
            if (!wish_for_value(p, call->args[0], &d->value, &value))
                return QN_OK;
            value.second = NULL; /* NULLs are not counted */
            if (!place_all(&pair, &value, 1))
                return QN_OK;
            d->words = pair.words;
            p->agg_distinct[i] = (int32_t)p->distinct_count++;
            wishes[n++] = (wish){.field = &d->result, .bits = bits_of(rows)};
        } else if (call->argc && !note_argument(p, a, i, rows, sums)) {
            return QN_OK;
        }
    }
    for (uint32_t i = 0; i < p->argument_count; i++) {
        packed_argument *arg = &p->arguments[i];
        if (sums[i])
            wishes[n++] = (wish){.field = &arg->sum, .bits = arg->sum.bits, .second = arg->count.bits ? &arg->count : NULL,
                                 .second_bits = arg->count.bits};
        else if (arg->count.bits)
            wishes[n++] = (wish){.field = &arg->count, .bits = arg->count.bits};
    }
    if (!place_all(&adds, wishes, n))
        return QN_OK;
    p->shape.adds = adds.words;
    for (uint32_t i = 0; i < n; i++) {
        wishes[i].field->word = (uint8_t)(wishes[i].field->word + keys.words);
        if (wishes[i].second)
            wishes[i].second->word = (uint8_t)(wishes[i].second->word + keys.words);
    }
    uint32_t word = keys.words + adds.words;
    for (uint32_t i = 0; i < p->argument_count; i++) {
        p->arguments[i].smallest = p->arguments[i].smallest ? word++ : 0;
        p->arguments[i].largest = p->arguments[i].largest ? word++ : 0;
    }
    if (a->first_row)
        p->first_row = word++;
    if (word > TUPLE_MAX_WORDS)
        return QN_OK;
    p->words = word;
    p->shape.maxima = word - keys.words - adds.words;
    for (uint32_t i = 0; i < p->map_count && pl->top && pl->code->plan->source.kind == QN_SOURCE_VALUES; i++)
        p->map_values[i] = list_top_count(pl->top); /* only candidates are folded at all */
    *fits = true;
    return QN_OK;
}
