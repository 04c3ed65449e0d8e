/* Plans as text and JSON, for EXPLAIN. */
#include "plan/plan_int.h"

#include "base/assert.h"

/* Expressions print column names of a select's FROM: one that stands for the pipeline's source. */
typedef struct scope {
    qn_select   select;
    qn_relation from;
} scope_of_source;

static const qn_select *scope_make(const qn_source *source, scope_of_source *s)
{
    memset(s, 0, sizeof *s);
    if (!source->column_names)
        return NULL;
    s->from.column_count = source->column_count;
    s->from.column_names = (const char **)source->column_names;
    s->select.from = &s->from;
    return &s->select;
}

static void put_exprs(qn_expr *const *exprs, uint32_t count, const char *separator, const qn_select *scope, qn_buf *buf)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            qn_buf_puts(buf, separator);
        qn_expr_print(exprs[i], scope, buf);
    }
}

static void put_source(const qn_source *s, qn_buf *buf)
{
    switch ((qn_source_kind)s->kind) {
    case QN_SOURCE_ROW:
        qn_buf_puts(buf, "one row");
        break;
    case QN_SOURCE_TABLE:
        qn_buf_printf(buf, "rows of %s", s->table->name);
        break;
    case QN_SOURCE_VALUES:
        if (s->column == QN_NO_COLUMN)
            qn_buf_printf(buf, "row count of %s", s->table->name);
        else
            qn_buf_printf(buf, "%s of %s.%s", s->extremes ? "extremes" : "values and counts", s->table->name,
                          s->table->columns[s->column].name);
        break;
    case QN_SOURCE_LIST:
        qn_buf_printf(buf, "%u rows of VALUES", s->relation->row_count);
        break;
    case QN_SOURCE_FUNCTION:
        qn_buf_printf(buf, "function %s", s->relation->alias ? s->relation->alias : "scan");
        break;
    case QN_SOURCE_FILE:
        qn_buf_printf(buf, "%s of \"%s\", %u file%s, %u of %u columns", s->relation->file->function, s->relation->file->path,
                      s->relation->file_count, s->relation->file_count == 1 ? "" : "s", s->read_count, s->column_count);
        break;
    case QN_SOURCE_GROUPS:
        qn_buf_printf(buf, "groups of pipeline %u", s->input);
        break;
    case QN_SOURCE_BUFFER:
        qn_buf_printf(buf, "rows of pipeline %u", s->input);
        break;
    }
}

static void put_agg(const qn_agg_call *agg, const qn_select *scope, qn_buf *buf)
{
    qn_buf_printf(buf, "%s(", qn_aggregate_by_id(agg->aggregate)->name);
    if (agg->kind == QN_AGG_COUNT_STAR)
        qn_buf_putc(buf, '*');
    if (agg->distinct)
        qn_buf_puts(buf, "DISTINCT ");
    for (uint32_t i = 0; i < agg->argc; i++) {
        if (i)
            qn_buf_puts(buf, ", ");
        qn_expr_print(agg->args[i], scope, buf);
    }
    qn_buf_putc(buf, ')');
    if (agg->filter) {
        qn_buf_puts(buf, " FILTER (WHERE ");
        qn_expr_print(agg->filter, scope, buf);
        qn_buf_putc(buf, ')');
    }
}

static void put_filters(const qn_pipeline *pl, qn_buf *buf)
{
    scope_of_source  s;
    const qn_select *scope = scope_make(&pl->source, &s);
    put_exprs(pl->filters, pl->filter_count, " AND ", scope, buf);
}

static void put_keys(const qn_pipeline *pl, qn_buf *buf)
{
    scope_of_source  s;
    const qn_select *scope = scope_make(&pl->source, &s);
    put_exprs(pl->aggregation->keys, pl->aggregation->key_count, ", ", scope, buf);
}

static bool agg_fed(const qn_pipeline *pl, uint32_t agg)
{
    for (uint32_t i = 0; i < pl->agg_mask_count; i++)
        if (pl->agg_mask[i] == agg)
            return true;
    return pl->agg_mask_count == 0;
}

static void put_aggs(const qn_pipeline *pl, qn_buf *buf)
{
    scope_of_source  s;
    const qn_select *scope = scope_make(&pl->source, &s);
    bool             first = true;
    for (uint32_t i = 0; i < pl->aggregation->agg_count; i++) {
        if (!agg_fed(pl, i))
            continue;
        qn_buf_puts(buf, first ? "" : ", ");
        put_agg(&pl->aggregation->aggs[i], scope, buf);
        first = false;
    }
}

static void put_sort(const qn_pipeline *pl, qn_buf *buf)
{
    scope_of_source  scope;
    const qn_select *select = scope_make(&pl->source, &scope);
    const qn_output *o = &pl->output;
    for (uint32_t i = 0; i < o->sort_count; i++) {
        if (i)
            qn_buf_puts(buf, ", ");
        qn_expr_print(o->targets[o->sort[i].target].expr, select, buf);
        if (o->sort[i].descending)
            qn_buf_puts(buf, " DESC");
        if (o->sort[i].nulls_first != o->sort[i].descending)
            qn_buf_puts(buf, o->sort[i].nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
}

static const char *output_kind(const qn_output *o)
{
    if (!o->sort_count)
        return o->limit ? "first rows" : "rows";
    return o->limit ? "top-N" : "sort";
}

static void put_targets(const qn_pipeline *pl, qn_buf *buf)
{
    scope_of_source  scope;
    const qn_select *select = scope_make(&pl->source, &scope);
    const qn_output *o = &pl->output;
    for (uint32_t i = 0; i < o->visible_count; i++) {
        if (i)
            qn_buf_puts(buf, ", ");
        qn_expr_print(o->targets[i].expr, select, buf);
    }
}

void qn_plan_print(const qn_plan *plan, bool costs, qn_buf *buf)
{
    for (uint32_t i = 0; i < plan->pipeline_count; i++) {
        const qn_pipeline *pl = &plan->pipelines[i];
        qn_buf_printf(buf, "Pipeline %u: ", i);
        put_source(&pl->source, buf);
        if (costs)
            qn_buf_printf(buf, "  (rows=%.0f)", pl->rows);
        qn_buf_putc(buf, '\n');
        if (pl->filter_count) {
            qn_buf_puts(buf, "  Filter: ");
            put_filters(pl, buf);
            qn_buf_putc(buf, '\n');
        }
        if (pl->to_groups) {
            const qn_aggregation *a = pl->aggregation;
            qn_buf_printf(buf, "  Aggregate: mode %s", qn_group_mode_name(a->mode));
            if (costs)
                qn_buf_printf(buf, "  (groups=%.0f cost=%.3f ms)", a->groups, a->cost_ns / 1e6);
            qn_buf_putc(buf, '\n');
            if (a->key_count) {
                qn_buf_puts(buf, "    Keys: ");
                put_keys(pl, buf);
                qn_buf_putc(buf, '\n');
            }
            if (a->agg_count) {
                qn_buf_puts(buf, "    Aggregates: ");
                put_aggs(pl, buf);
                qn_buf_putc(buf, '\n');
            }
        } else {
            const qn_output *o = &pl->output;
            qn_buf_printf(buf, "  Output: %s\n", output_kind(o));
            if (o->sort_count) {
                qn_buf_puts(buf, "    Order: ");
                put_sort(pl, buf);
                qn_buf_putc(buf, '\n');
            }
            if (o->limit) {
                qn_buf_puts(buf, "    Limit: ");
                qn_expr_print(o->limit, NULL, buf);
                qn_buf_putc(buf, '\n');
            }
            if (o->offset) {
                qn_buf_puts(buf, "    Offset: ");
                qn_expr_print(o->offset, NULL, buf);
                qn_buf_putc(buf, '\n');
            }
            qn_buf_puts(buf, "    Targets: ");
            put_targets(pl, buf);
            qn_buf_putc(buf, '\n');
        }
    }
}

/* A JSON string field made by one of the printers above. */
static void json_field(const char *name, void (*put)(const void *, qn_buf *), const void *what, qn_buf *buf)
{
    qn_buf text;
    qn_buf_init(&text, buf->mem);
    put(what, &text);
    qn_buf_printf(buf, ", \"%s\": ", name);
    if (text.failed)
        buf->failed = true;
    else
        qn_buf_json(buf, text.data ? text.data : "", text.bytes);
    qn_buf_deinit(&text);
}

static void json_source(const void *pl, qn_buf *buf) { put_source(&((const qn_pipeline *)pl)->source, buf); }
static void json_filter(const void *pl, qn_buf *buf) { put_filters(pl, buf); }
static void json_keys(const void *pl, qn_buf *buf) { put_keys(pl, buf); }
static void json_aggs(const void *pl, qn_buf *buf) { put_aggs(pl, buf); }
static void json_sort(const void *pl, qn_buf *buf) { put_sort(pl, buf); }
static void json_targets(const void *pl, qn_buf *buf) { put_targets(pl, buf); }

void qn_plan_print_json(const qn_plan *plan, qn_buf *buf)
{
    qn_buf_puts(buf, "[\n");
    for (uint32_t i = 0; i < plan->pipeline_count; i++) {
        const qn_pipeline *pl = &plan->pipelines[i];
        qn_buf_printf(buf, "  {\"Pipeline\": %u", i);
        json_field("Source", json_source, pl, buf);
        qn_buf_printf(buf, ", \"Rows\": %.0f", pl->rows);
        if (pl->filter_count)
            json_field("Filter", json_filter, pl, buf);
        if (pl->to_groups) {
            qn_buf_printf(buf, ", \"Mode\": \"%s\", \"Groups\": %.0f, \"Cost ms\": %.3f",
                          qn_group_mode_name(pl->aggregation->mode), pl->aggregation->groups,
                          pl->aggregation->cost_ns / 1e6);
            json_field("Keys", json_keys, pl, buf);
            json_field("Aggregates", json_aggs, pl, buf);
        } else {
            qn_buf_printf(buf, ", \"Output\": \"%s\"", output_kind(&pl->output));
            if (pl->output.sort_count)
                json_field("Order", json_sort, pl, buf);
            json_field("Targets", json_targets, pl, buf);
        }
        qn_buf_printf(buf, "}%s\n", i + 1 < plan->pipeline_count ? "," : "");
    }
    qn_buf_puts(buf, "]\n");
}

static void put_logical(const qn_select *s, int depth, qn_buf *buf)
{
    int pad = depth * 2;
    if (s->limit || s->offset) {
        qn_buf_printf(buf, "%*sLimit:", pad, "");
        if (s->limit) {
            qn_buf_putc(buf, ' ');
            qn_expr_print(s->limit, s, buf);
        }
        if (s->offset) {
            qn_buf_puts(buf, " OFFSET ");
            qn_expr_print(s->offset, s, buf);
        }
        qn_buf_putc(buf, '\n');
        pad = ++depth * 2;
    }
    if (s->sort_count) {
        qn_buf_printf(buf, "%*sSort:", pad, "");
        for (uint32_t i = 0; i < s->sort_count; i++) {
            qn_buf_puts(buf, i ? ", " : " ");
            qn_expr_print(s->targets[s->sort[i].target].expr, s, buf);
            qn_buf_puts(buf, s->sort[i].descending ? " DESC" : "");
        }
        qn_buf_putc(buf, '\n');
        pad = ++depth * 2;
    }
    if (s->distinct || s->distinct_on) {
        qn_buf_printf(buf, "%*sDistinct\n", pad, "");
        pad = ++depth * 2;
    }
    qn_buf_printf(buf, "%*sProject:", pad, "");
    for (uint32_t i = 0; i < s->target_count; i++) {
        qn_buf_puts(buf, i ? ", " : " ");
        qn_expr_print(s->targets[i].expr, s, buf);
    }
    qn_buf_putc(buf, '\n');
    pad = ++depth * 2;
    if (s->having) {
        qn_buf_printf(buf, "%*sFilter: ", pad, "");
        qn_expr_print(s->having, s, buf);
        qn_buf_putc(buf, '\n');
        pad = ++depth * 2;
    }
    if (s->aggregated) {
        qn_buf_printf(buf, "%*sAggregate: keys (", pad, "");
        put_exprs(s->keys, s->key_count, ", ", s, buf);
        qn_buf_puts(buf, "), ");
        for (uint32_t i = 0; i < s->agg_count; i++) {
            qn_buf_puts(buf, i ? ", " : "");
            put_agg(&s->aggs[i], s, buf);
        }
        qn_buf_putc(buf, '\n');
        pad = ++depth * 2;
    }
    if (s->where) {
        qn_buf_printf(buf, "%*sFilter: ", pad, "");
        qn_expr_print(s->where, s, buf);
        qn_buf_putc(buf, '\n');
        pad = ++depth * 2;
    }
    if (!s->from)
        qn_buf_printf(buf, "%*sOne row\n", pad, "");
    else if (s->from->kind == QN_REL_SUBQUERY)
        put_logical(s->from->subquery, depth, buf);
    else if (s->from->kind == QN_REL_TABLE)
        qn_buf_printf(buf, "%*sScan: %s\n", pad, "", s->from->table->name);
    else if (s->from->kind == QN_REL_FILE)
        qn_buf_printf(buf, "%*sScan: %s of \"%s\"\n", pad, "", s->from->file->function, s->from->file->path);
    else
        qn_buf_printf(buf, "%*sScan: %s\n", pad, "", s->from->kind == QN_REL_VALUES ? "VALUES" : "function");
}

void qn_plan_print_logical(const qn_bound *bound, const qn_select *select, qn_buf *buf)
{
    (void)bound;
    put_logical(select, 0, buf);
}
