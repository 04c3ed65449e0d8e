/* The verifier's first half: facts that hold wherever control comes from.
 *
 * Side tables agree with each other and with the plan; every word, reachable or not, has a known opcode, a legal
 * bank, clean flags and operands that exist.  The plan itself and the values of literals come from our own
 * binder and planner; they are not questioned beyond what an index or a bank here depends on. */
#include "code/code_int.h"

#include "base/assert.h"

static qn_status refuse(qn_error *err, const char *table, uint32_t index, const char *why)
{
    return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "invalid program: %s %u: %s", table, index, why);
}

static bool is_data_bank(uint32_t bank) { return bank > QN_BANK_NONE && bank < QN_BANK_I128; }

/* ---- constants and sets ------------------------------------------------------------------------ */

static qn_status check_constants(const qn_program *p, qn_error *err)
{
    if (p->constant_count && (!p->constants || !p->constant_nulls || !p->constant_info))
        return refuse(err, "constant", 0, "table missing");
    for (uint32_t k = 0; k < p->constant_count; k++) {
        const qn_constant_info *c = &p->constant_info[k];
        if (c->type.id >= QN_TYPE_COUNT || c->bank != qn_type_bank((qn_sql_type)c->type.id) || !is_data_bank(c->bank))
            return refuse(err, "constant", k, "type and bank disagree");
        if (c->param >= 0 && ((uint32_t)c->param >= p->plan->param_count || c->computed))
            return refuse(err, "constant", k, "no such parameter");
        if (c->param >= 0 && qn_type_bank((qn_sql_type)p->plan->param_types[c->param].id) != c->bank)
            return refuse(err, "constant", k, "parameter of another bank");
    }
    if (p->set_count && !p->sets)
        return refuse(err, "set", 0, "table missing");
    for (uint32_t i = 0; i < p->set_count; i++)
        if (p->sets[i].count > p->constant_count || p->sets[i].first > p->constant_count - p->sets[i].count)
            return refuse(err, "set", i, "constants out of range");
    return QN_OK;
}

/* Constants first … first+count-1 exist and have the banks of types (repeated every `period`). */
static bool constants_fit(const qn_program *p, uint32_t first, uint64_t count, const qn_type *types, uint32_t period)
{
    if (count > p->constant_count || first > p->constant_count - count)
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (p->constant_info[first + i].bank != qn_type_bank((qn_sql_type)types[i % period].id))
            return false;
    return true;
}

/* ---- pipelines --------------------------------------------------------------------------------- */

static qn_bank group_column_bank(const qn_aggregation *a, uint32_t c)
{
    return qn_type_bank((qn_sql_type)(c < a->key_count ? a->keys[c]->type.id : a->aggs[c - a->key_count].type.id));
}

static qn_status check_input(const qn_program *p, uint32_t i, qn_error *err)
{
    const qn_source *s = &p->pipelines[i].plan->source;
    if (s->input >= i)
        return refuse(err, "pipeline", i, "reads a pipeline that has not run");
    const qn_pipeline *from = p->pipelines[s->input].plan;
    bool               groups = s->kind == QN_SOURCE_GROUPS;
    if (from->to_groups != groups)
        return refuse(err, "pipeline", i, "reads rows of groups, or groups of rows");
    /* an aggregation is merged after the last pipeline that feeds it */
    if (groups && p->pipelines[i].plan->to_groups && p->pipelines[i].plan->group_owner == from->group_owner)
        return refuse(err, "pipeline", i, "reads groups that it feeds");
    uint32_t width = groups ? from->aggregation->key_count + from->aggregation->agg_count : from->output.target_count;
    if (s->column_count > width)
        return refuse(err, "pipeline", i, "reads columns that its input does not have");
    for (uint32_t c = 0; c < s->column_count; c++) {
        qn_bank bank = groups ? group_column_bank(from->aggregation, c)
                              : qn_type_bank((qn_sql_type)from->output.targets[c].expr->type.id);
        if (bank != qn_type_bank((qn_sql_type)s->column_types[c].id))
            return refuse(err, "pipeline", i, "reads a column as another bank");
    }
    return QN_OK;
}

static qn_status check_arguments(const qn_program *p, uint32_t i, qn_error *err)
{
    static const qn_type     ints[] = {{QN_TYPE_BIGINT, -1}}, numerics[] = {{QN_TYPE_NUMERIC, -1}};
    static const qn_type     times[] = {{QN_TYPE_TIMESTAMP, -1}, {QN_TYPE_TIMESTAMP, -1}, {QN_TYPE_INTERVAL, -1}};
    const qn_code_pipeline  *cp = &p->pipelines[i];
    const qn_source         *s = &cp->plan->source;
    const qn_relation       *rel = s->relation;
    bool                     fits = true;
    if (!rel || rel->column_count != s->column_count)
        return refuse(err, "pipeline", i, "source without its relation");
    if (s->kind == QN_SOURCE_LIST) {
        uint64_t n = (uint64_t)rel->row_count * rel->column_count;
        fits = !n || constants_fit(p, cp->first_argument, n, rel->column_types, rel->column_count);
    } else if (rel->table_function == QN_TF_SERIES_INT || rel->table_function == QN_TF_SERIES_NUMERIC) {
        const qn_type *types = rel->table_function == QN_TF_SERIES_INT ? ints : numerics;
        fits = (rel->argc == 2 || rel->argc == 3) && constants_fit(p, cp->first_argument, rel->argc, types, 1);
    } else if (rel->table_function <= QN_TF_SERIES_TIMESTAMPTZ) {
        fits = rel->argc == 3 && constants_fit(p, cp->first_argument, 3, times, 3);
    }
    return fits ? QN_OK : refuse(err, "pipeline", i, "arguments are not the constants they should be");
}

static qn_status check_file(const qn_program *p, uint32_t i, qn_error *err)
{
    const qn_source *s = &p->pipelines[i].plan->source;
    if (!s->relation || !s->relation->files || s->relation->column_count != s->column_count)
        return refuse(err, "pipeline", i, "files without their description");
    for (uint32_t k = 0; k < s->read_count; k++)
        if (s->read[k] >= s->column_count || (k && s->read[k] <= s->read[k - 1]))
            return refuse(err, "pipeline", i, "reads columns that the files do not have");
    return QN_OK;
}

static bool count_fits(const qn_program *p, uint32_t k) /* LIMIT, OFFSET */
{
    return k == QN_NO_CONSTANT || (k < p->constant_count && p->constant_info[k].bank == QN_BANK_I64);
}

static qn_status check_pipelines(const qn_program *p, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t  end = 1; /* the main range holds at least a HALT */
    if (p->pipeline_count && !p->pipelines)
        return refuse(err, "pipeline", 0, "table missing");
    if (p->pipeline_count != p->plan->pipeline_count)
        return refuse(err, "pipeline", p->pipeline_count, "the plan has another number");
    for (uint32_t i = 0; i < p->pipeline_count && st == QN_OK; i++) {
        const qn_code_pipeline *cp = &p->pipelines[i];
        const qn_pipeline      *pl = cp->plan;
        if (cp->begin < end || cp->end <= cp->begin || cp->end > p->code_count)
            return refuse(err, "pipeline", i, "code range out of order");
        end = cp->end;
        if (!pl || pl->number != i)
            return refuse(err, "pipeline", i, "not the plan's");
        if (!count_fits(p, cp->limit) || !count_fits(p, cp->offset))
            return refuse(err, "pipeline", i, "LIMIT or OFFSET is not a bigint constant");
        if (pl->to_groups) {
            if (!pl->aggregation || pl->group_owner > i || !p->pipelines[pl->group_owner].plan->to_groups ||
                p->pipelines[pl->group_owner].plan->aggregation != pl->aggregation)
                return refuse(err, "pipeline", i, "feeds groups of another aggregation");
        }
        if (pl->source.column_count && !pl->source.column_types)
            return refuse(err, "pipeline", i, "columns without types");
        if (pl->source.kind > QN_SOURCE_FILE)
            return refuse(err, "pipeline", i, "unknown source");
        if (pl->source.kind == QN_SOURCE_GROUPS || pl->source.kind == QN_SOURCE_BUFFER)
            st = check_input(p, i, err);
        else if (pl->source.kind == QN_SOURCE_LIST || pl->source.kind == QN_SOURCE_FUNCTION)
            st = check_arguments(p, i, err);
        else if (pl->source.kind == QN_SOURCE_FILE)
            st = check_file(p, i, err);
        else if (pl->source.kind == QN_SOURCE_VALUES && pl->source.column != QN_NO_COLUMN &&
                 pl->source.column >= pl->source.column_count)
            st = refuse(err, "pipeline", i, "walks a column that does not exist");
    }
    return st;
}

/* ---- slots ------------------------------------------------------------------------------------- */

static qn_status check_slots(const qn_program *p, qn_error *err)
{
    if (p->slot_count && !p->slots)
        return refuse(err, "slot", 0, "table missing");
    for (uint32_t i = 0; i < p->slot_count; i++) {
        const qn_slot *s = &p->slots[i];
        if (s->pipeline >= p->pipeline_count)
            return refuse(err, "slot", i, "no such pipeline");
        const qn_code_pipeline *cp = &p->pipelines[s->pipeline];
        const qn_source        *from = &cp->plan->source;
        if ((from->kind != QN_SOURCE_TABLE && from->kind != QN_SOURCE_VALUES) || s->column >= from->column_count)
            return refuse(err, "slot", i, "no such table column");
        if (s->in >= p->register_count || s->out >= p->register_count || s->in == s->out)
            return refuse(err, "slot", i, "registers out of range or the same");
        if (!is_data_bank(s->in_bank) || s->in_bank != qn_type_bank((qn_sql_type)from->column_types[s->column].id))
            return refuse(err, "slot", i, "input bank is not the column's");
        if (!is_data_bank(s->out_bank) || (s->is_filter && s->out_bank != QN_BANK_BOOL))
            return refuse(err, "slot", i, "illegal result bank");
        if (s->lengths && (s->in_bank != QN_BANK_STR || s->out_bank != QN_BANK_I32))
            return refuse(err, "slot", i, "length of something else than text");
        if (s->pattern && (s->in_bank != QN_BANK_STR || !s->is_filter))
            return refuse(err, "slot", i, "a pattern that filters no text");
        if (s->entry != QN_NO_ENTRY && (s->entry < cp->begin || s->entry >= cp->end))
            return refuse(err, "slot", i, "entry outside its pipeline");
    }
    return QN_OK;
}

/* ---- words ------------------------------------------------------------------------------------- */

static qn_status refuse_word(const qn_program *p, qn_error *err, uint32_t pc, const char *why)
{
    const char *name = qn_op_describe(qn_instr_op(p->code[pc]))->name;
    return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "invalid program: instruction %u (%s): %s", pc, name ? name : "?", why);
}

/* The pipeline whose range holds pc, or NULL: the main range (or nobody's). */
static const qn_code_pipeline *pipeline_at(const qn_program *p, uint32_t pc)
{
    uint32_t lo = 0, hi = p->pipeline_count;
    while (lo < hi) { /* ranges are in order: the first that ends behind pc */
        uint32_t mid = lo + (hi - lo) / 2;
        if (p->pipelines[mid].end <= pc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->pipeline_count && pc >= p->pipelines[lo].begin ? &p->pipelines[lo] : NULL;
}

static const char *operand_trouble(const qn_program *p, const qn_code_pipeline *cp, uint8_t op, char kind, uint32_t x)
{
    uint32_t main_end = p->pipeline_count ? p->pipelines[0].begin : p->code_count;
    switch (kind) {
    case 'r': return x < p->register_count ? NULL : "register out of range";
    case 'k': return x < (qn_code_takes_set(op) ? p->set_count : p->constant_count) ? NULL : "constant out of range";
    case 'j':
        if (cp)
            return x >= cp->begin && x < cp->end ? NULL : "jump out of its range";
        return x < main_end ? NULL : "jump out of its range";
    case 's':
        return x < p->slot_count && cp && p->slots[x].pipeline == cp->plan->number ? NULL : "no such slot in this pipeline";
    case 'c':
        if (!cp)
            return "column outside a pipeline";
        if (op == QN_OP_VALUES_BEGIN && x == 0xffff)
            return NULL;
        return x < cp->plan->source.column_count ? NULL : "column out of range";
    case 'f':
        if (x >= qn_function_count())
            return "function out of range";
        return qn_function_by_id(x)->fn ? NULL : "function has an opcode instead of code";
    case 'o': return x < p->pipeline_count ? NULL : "object out of range";
    case 'p': return x < p->pipeline_count ? NULL : "pipeline out of range";
    default: return NULL; /* numbers: by opcode, in verify.c */
    }
}

static qn_status check_words(const qn_program *p, qn_error *err)
{
    for (uint32_t pc = 0; pc < p->code_count; pc++) {
        uint32_t                w = p->code[pc], x[QN_MAX_OPERANDS];
        uint8_t                 op = qn_instr_op(w), flags = qn_instr_flags(w);
        const qn_op_info       *info = qn_op_describe(op);
        const qn_code_pipeline *cp = pipeline_at(p, pc);
        if (!info->name)
            return refuse_word(p, err, pc, "unknown opcode");
        if (qn_instr_bank(w) >= QN_BANK_COUNT)
            return refuse_word(p, err, pc, "unknown type bank");
        bool extreme = (op & 0x7f) == QN_OP_GREATEST || (op & 0x7f) == QN_OP_LEAST;
        if (flags & QN_FLAG_BLANKS && !(extreme && qn_instr_bank(w) == QN_BANK_STR))
            return refuse_word(p, err, pc, "unknown flag");
        if (!(flags & QN_FLAG_REGISTER) != !(op >= 0xA0 && op <= 0xCF))
            return refuse_word(p, err, pc, "REGISTER flag on the wrong form");
        size_t letters = strlen(info->layout);
        bool   wide = flags & QN_FLAG_WIDE;
        if (!letters && (wide || qn_instr_operand(w)))
            return refuse_word(p, err, pc, "operand where there is none");
        if (!wide && (letters >= 3 || op >> 4 == 7)) /* calls read the side table without asking */
            return refuse_word(p, err, pc, "WIDE flag missing");
        int n = qn_code_operands(p, w, x);
        if (n < 0)
            return refuse_word(p, err, pc, "wide operand out of range");
        /* The first of a group of no registers may be one past the last. */
        bool empty_group = ((op == QN_OP_GROUP_FIND || op == QN_OP_EMIT) && x[2] == 0) || (op == QN_OP_CALL_LANES && x[3] == 0);
        for (int i = 0; i < n; i++) {
            bool group = info->layout[i] == 'r' && i + 1 < n && info->layout[i + 1] == 'n';
            if (group && empty_group && x[i] == p->register_count)
                continue;
            const char *why = operand_trouble(p, cp, op, info->layout[i], x[i]);
            if (why)
                return refuse_word(p, err, pc, why);
        }
    }
    return QN_OK;
}

/* ---- tables by position ------------------------------------------------------------------------ */

const qn_call_types *qn_code_call_types_at(const qn_program *p, uint32_t pc)
{
    uint32_t lo = 0, hi = p->call_type_count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (p->call_types[mid].pc < pc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->call_type_count && p->call_types[lo].pc == pc ? &p->call_types[lo] : NULL;
}

static qn_status check_positions(const qn_program *p, qn_error *err)
{
    if ((p->location_count && !p->locations) || (p->call_type_count && !p->call_types))
        return refuse(err, "location", 0, "table missing");
    for (uint32_t i = 0; i < p->location_count; i++)
        if (p->locations[i].pc >= p->code_count || (i && p->locations[i].pc < p->locations[i - 1].pc))
            return refuse(err, "location", i, "out of order");
    for (uint32_t i = 0; i < p->call_type_count; i++) {
        const qn_call_types *c = &p->call_types[i];
        if (c->pc >= p->code_count || (i && c->pc <= p->call_types[i - 1].pc))
            return refuse(err, "call type", i, "out of order");
        if (c->count && !c->types)
            return refuse(err, "call type", i, "types missing");
        for (uint32_t j = 0; j < c->count; j++)
            if (c->types[j] >= QN_TYPE_COUNT)
                return refuse(err, "call type", i, "unknown type");
    }
    return QN_OK;
}

qn_status qn_code_verify_tables(const qn_program *program, qn_error *err)
{
    qn_status st = QN_OK;
    if (!program->plan || !program->code || !program->code_count || (program->wide_count && !program->wide))
        return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "invalid program: no code or no plan");
    if (program->register_count > QN_MAX_REGISTERS)
        return qn_fail(err, QN_SQLSTATE_INTERNAL_ERROR, "invalid program: too many registers");
    QN_TRY(check_constants(program, err));
    QN_TRY(check_pipelines(program, err));
    QN_TRY(check_slots(program, err));
    QN_TRY(check_positions(program, err));
    QN_TRY(check_words(program, err));
done:
    return st;
}
