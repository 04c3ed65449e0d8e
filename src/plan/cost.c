/* Estimates from exact block statistics.
 *
 * Distinct values per block are known exactly, how they overlap between blocks is not: the number of
 * distinct values of a column lies between the largest block's and the sum, and we take the geometric mean.
 * Constants are nanoseconds of one core, from bench/grouping (see bench/README.md). */
#include "plan/plan_int.h"

#include <math.h>
#include "store/block/block.h"

#define COST_VALUE_NS 8.0       /* one (value, count) pair decoded, hashed, merged */
#define COST_CODE_ROW_NS 2.0    /* one row into an accumulator indexed by code */
#define COST_CODE_GROUP_NS 25.0 /* one block-local group handed to the table */
#define COST_HASH_ROW_NS 25.0   /* one row through the hash table */

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
    double          groups = 1, entries = 1;

    if (!table || (pl->source.kind != QN_SOURCE_TABLE && pl->source.kind != QN_SOURCE_VALUES)) {
        a->groups = a->key_count ? pl->rows / 10 + 1 : 1;
        a->cost_ns = pl->rows * COST_HASH_ROW_NS;
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
            a->cost_ns = COST_VALUE_NS * table->block_count;
        } else {
            pl->rows = pl->source.extremes ? 2.0 * table->block_count : stats_of(table, pl->source.column).entries;
            a->cost_ns = COST_VALUE_NS * pl->rows;
        }
        return;
    }
    double hash = pl->rows * COST_HASH_ROW_NS;
    double codes = pl->rows * COST_CODE_ROW_NS + entries * COST_CODE_GROUP_NS;
    bool   single = a->key_count == 1 && qn_expr_single_column(a->keys[0]) >= 0 && !a->first_row;
    if (settings->group_mode == QN_GROUP_AUTO && settings->optimise && single && codes < hash) {
        a->mode = QN_GROUP_CODE_ARRAY;
        a->cost_ns = codes;
    } else {
        a->mode = QN_GROUP_HASH;
        a->cost_ns = hash;
    }
}
