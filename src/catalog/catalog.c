/* Look-ups in a snapshot.  Names compare bytewise: folding happened when the SQL text was read. */
#include "catalog/catalog.h"

#include <string.h>

const qn_table *qn_catalog_table(const qn_snapshot *snapshot, const char *name)
{
    uint32_t lo = 0, hi = snapshot->table_count;
    while (lo < hi) {
        uint32_t        mid   = lo + (hi - lo) / 2;
        const qn_table *table = &snapshot->tables[mid];
        int             order = strcmp(table->name, name);
        if (order == 0)
            return table;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* Linear: ids are looked up once per statement, and tables are few. */
const qn_table *qn_catalog_table_by_id(const qn_snapshot *snapshot, uint64_t id)
{
    for (uint32_t i = 0; i < snapshot->table_count; i++) {
        if (snapshot->tables[i].id == id)
            return &snapshot->tables[i];
    }
    return NULL;
}

int qn_catalog_column(const qn_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}
