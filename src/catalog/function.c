/* The joined tables of functions, operators, casts and aggregates.
 *
 * Families are joined in a fixed order, so an id is the family's base plus the place in it; the
 * order of names is sorted once, on first use.  Everything here is constant after that and read
 * without locks.
 *
 * Ids are not stable between versions of the library: programs that hold them are never stored. */
#include "catalog/function.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"

#define MAX_FUNCTIONS 2048
#define MAX_OPERATORS 1024
#define MAX_CASTS     512

static const qn_function_list *const function_families[] = {
    &qn_fn_core,  &qn_fn_math,     &qn_fn_numeric, &qn_fn_string,
    &qn_fn_regex, &qn_fn_datetime, &qn_fn_format,  &qn_fn_system,
};
static const qn_operator_list *const operator_families[] = {
    &qn_op_core, &qn_op_math, &qn_op_numeric, &qn_op_string, &qn_op_datetime,
};
static const qn_cast_list *const cast_families[] = {
    &qn_cast_core, &qn_cast_math, &qn_cast_numeric, &qn_cast_string, &qn_cast_datetime,
};

static struct {
    size_t             function_count, operator_count, cast_count;
    const qn_function *functions[MAX_FUNCTIONS]; /* by id */
    qn_lanes_fn        lanes[MAX_FUNCTIONS];
    const qn_operator *operators[MAX_OPERATORS]; /* by index */
    const qn_cast     *casts[MAX_CASTS];
    uint16_t           functions_by_name[MAX_FUNCTIONS];
    uint16_t           operators_by_name[MAX_OPERATORS];
    uint16_t           cast_of[QN_TYPE_COUNT][QN_TYPE_COUNT]; /* index + 1, 0: none */
} joined;
static pthread_once_t joined_once = PTHREAD_ONCE_INIT;

/* Ties by id keep the order of the families. */
static int by_function_name(const void *a, const void *b)
{
    uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
    int      c = strcmp(joined.functions[x]->name, joined.functions[y]->name);
    return c ? c : (x > y) - (x < y);
}

static int by_operator_name(const void *a, const void *b)
{
    uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
    int      c = strcmp(joined.operators[x]->name, joined.operators[y]->name);
    return c ? c : (x > y) - (x < y);
}

static qn_lanes_fn lanes_form(const qn_function_list *family, qn_scalar_fn fn)
{
    for (size_t i = 0; i < family->lanes_count; i++)
        if (family->lanes[i].of == fn)
            return family->lanes[i].fn;
    return NULL;
}

static void join(void)
{
    for (size_t f = 0; f < QN_COUNTOF(function_families); f++) {
        for (size_t i = 0; i < function_families[f]->count; i++) {
            QN_CHECK(joined.function_count < MAX_FUNCTIONS);
            joined.functions_by_name[joined.function_count] = (uint16_t)joined.function_count;
            joined.lanes[joined.function_count] = lanes_form(function_families[f], function_families[f]->functions[i].fn);
            joined.functions[joined.function_count++] = &function_families[f]->functions[i];
        }
    }
    for (size_t f = 0; f < QN_COUNTOF(operator_families); f++) {
        for (size_t i = 0; i < operator_families[f]->count; i++) {
            QN_CHECK(joined.operator_count < MAX_OPERATORS);
            joined.operators_by_name[joined.operator_count] = (uint16_t)joined.operator_count;
            joined.operators[joined.operator_count++] = &operator_families[f]->operators[i];
        }
    }
    for (size_t f = 0; f < QN_COUNTOF(cast_families); f++) {
        for (size_t i = 0; i < cast_families[f]->count; i++) {
            const qn_cast *cast = &cast_families[f]->casts[i];
            QN_CHECK(joined.cast_count < MAX_CASTS);
            joined.casts[joined.cast_count++] = cast;
            joined.cast_of[cast->from][cast->to] = (uint16_t)joined.cast_count;
        }
    }
    qsort(joined.functions_by_name, joined.function_count, sizeof(uint16_t), by_function_name);
    qsort(joined.operators_by_name, joined.operator_count, sizeof(uint16_t), by_operator_name);
}

static void ensure_joined(void)
{
    pthread_once(&joined_once, join);
}

static const char *function_name(uint16_t id)
{
    return joined.functions[id]->name;
}
static const char *operator_name(uint16_t index)
{
    return joined.operators[index]->name;
}

/* The entries called `name` in a sorted order. */
static void named(const uint16_t *order, size_t total, const char *(*name_of)(uint16_t),
                  const char *name, const uint16_t **first, size_t *count)
{
    size_t lo = 0, hi = total;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(name_of(order[mid]), name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *first = order + lo;
    *count = 0;
    while (lo + *count < total && strcmp(name_of(order[lo + *count]), name) == 0)
        ++*count;
}

size_t qn_function_count(void)
{
    ensure_joined();
    return joined.function_count;
}

const qn_function *qn_function_by_id(uint32_t id)
{
    ensure_joined();
    return id < joined.function_count ? joined.functions[id] : NULL;
}

qn_lanes_fn qn_function_lanes(uint32_t id)
{
    ensure_joined();
    return id < joined.function_count ? joined.lanes[id] : NULL;
}

void qn_function_named(const char *name, const uint16_t **ids, size_t *count)
{
    ensure_joined();
    named(joined.functions_by_name, joined.function_count, function_name, name, ids, count);
}

int qn_function_exact(const char *name, int argc, const uint8_t *args)
{
    const uint16_t *ids;
    size_t          count;
    qn_function_named(name, &ids, &count);
    for (size_t i = 0; i < count; i++) {
        const qn_function *f = joined.functions[ids[i]];
        if (f->argc == argc && (argc == 0 || memcmp(f->args, args, (size_t)argc) == 0))
            return ids[i];
    }
    return -1;
}

size_t qn_operator_count(void)
{
    ensure_joined();
    return joined.operator_count;
}

const qn_operator *qn_operator_at(size_t i)
{
    ensure_joined();
    return i < joined.operator_count ? joined.operators[i] : NULL;
}

void qn_operator_named(const char *name, const uint16_t **indexes, size_t *count)
{
    ensure_joined();
    named(joined.operators_by_name, joined.operator_count, operator_name, name, indexes, count);
}

const qn_cast *qn_cast_find(qn_sql_type from, qn_sql_type to)
{
    ensure_joined();
    if ((unsigned)from >= QN_TYPE_COUNT || (unsigned)to >= QN_TYPE_COUNT ||
        !joined.cast_of[from][to])
        return NULL;
    return joined.casts[joined.cast_of[from][to] - 1];
}

size_t qn_cast_count(void)
{
    ensure_joined();
    return joined.cast_count;
}

const qn_cast *qn_cast_at(size_t i)
{
    ensure_joined();
    return i < joined.cast_count ? joined.casts[i] : NULL;
}
