/* Estimates from exact block statistics.
 *
 * Distinct values per block are known exactly, how they overlap between blocks is not: the number of
 * distinct values of a column lies between the largest block's and the sum, and we take the geometric mean.
 * The constants are plan/cost.h's, as calibrated for this machine or by default. */
#include "plan/plan_int.h"

#include <math.h>
#include <stddef.h>
#include "store/block/block.h"

const qn_cost_constants qn_cost_defaults = {
#define X(field, value, meaning) .field = value,
    QN_COST_CONSTANTS(X)
#undef X
};

static const struct {
    const char *name, *meaning;
    size_t      offset;
} constants[] = {
#define X(field, value, meaning) {#field, meaning, offsetof(qn_cost_constants, field)},
    QN_COST_CONSTANTS(X)
#undef X
};

const char *qn_cost_name(int i) { return constants[i].name; }

const char *qn_cost_meaning(int i) { return constants[i].meaning; }

double *qn_cost_at(qn_cost_constants *c, int i) { return (double *)((char *)c + constants[i].offset); }

const double *qn_cost_get(const qn_cost_constants *c, int i) { return (const double *)((const char *)c + constants[i].offset); }

typedef struct column_stats {
    double entries; /* sum over blocks of distinct values */
    double distinct;
} column_stats;

static column_stats stats_of(const qn_table *table, uint32_t column)
{
    column_stats s = {0, 1};
    double       largest = 1;
    for (uint32_t b = 0; b < table->block_count; b++) {
        const qn_block_column *c = qn_block_column_at(table->blocks[b].block, column);
        s.entries += c->distinct;
        if (c->distinct > largest)
            largest = c->distinct;
    }
    s.distinct = sqrt(largest * (s.entries > largest ? s.entries : largest));
    return s;
}

void qn_plan_cost(qn_pipeline *pl, const qn_plan_settings *settings)
{
    qn_aggregation *a = pl->aggregation;
    const qn_table *table = pl->source.table;
    const qn_cost_constants *cost = settings->costs ? settings->costs : &qn_cost_defaults;
    double          groups = 1, entries = 1;

    if (!table || (pl->source.kind != QN_SOURCE_TABLE && pl->source.kind != QN_SOURCE_VALUES)) {
        a->groups = a->key_count ? pl->rows / 10 + 1 : 1;
        a->cost_ns = pl->rows * cost->hash_row_ns;
        return;
    }
    for (uint32_t i = 0; i < a->key_count; i++) {
        int          column = qn_expr_single_column(a->keys[i]);
        column_stats s = column >= 0 ? stats_of(table, (uint32_t)column) : (column_stats){pl->rows, sqrt(pl->rows + 1)};
        groups *= s.distinct;
        entries = s.entries;
    }
    a->groups = groups < pl->rows ? groups : pl->rows;
    if (pl->source.kind == QN_SOURCE_VALUES) {
        if (pl->source.column == QN_NO_COLUMN) {
            a->cost_ns = cost->value_ns * table->block_count;
        } else {
            pl->rows = pl->source.extremes ? 2.0 * table->block_count : stats_of(table, pl->source.column).entries;
            a->cost_ns = (pl->list_distinct ? cost->merge_value_ns : a->top ? cost->threshold_value_ns : cost->value_ns) * pl->rows;
        }
        return;
    }
    double hash = pl->rows * cost->hash_row_ns;
    double codes = pl->rows * cost->code_row_ns + entries * cost->code_group_ns;
    bool   single = a->key_count == 1 && qn_expr_single_column(a->keys[0]) >= 0 && !a->first_row;
    if (settings->group_mode == QN_GROUP_AUTO && settings->optimise && single && codes < hash) {
        a->mode = QN_GROUP_CODE_ARRAY;
        a->cost_ns = codes;
    } else {
        a->mode = a->packs ? QN_GROUP_PARTITION : QN_GROUP_HASH;
        a->cost_ns = a->packs ? pl->rows * cost->partition_row_ns : hash;
    }
}
