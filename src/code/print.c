/* Disassembly: a program as text, operands resolved to what they mean.
 *
 * One instruction a line: position, opcode, type bank, then each operand with the name or value behind it.
 * Printing never trusts a program, because the ones worth looking at are those the verifier refused: an index
 * outside its table is shown with a question mark. */
#include "code/code_int.h"

#include "base/assert.h"

#define SHOWN_BYTES 40u /* of a constant */

int qn_code_location_at(const qn_program *program, uint32_t pc)
{
    uint32_t lo = 0, hi = program->location_count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (program->locations[mid].pc < pc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < program->location_count && program->locations[lo].pc == pc ? program->locations[lo].location : -1;
}

/* ---- operands ---------------------------------------------------------------------------------- */

static const qn_code_pipeline *pipeline_at(const qn_program *p, uint32_t pc)
{
    for (uint32_t i = 0; i < p->pipeline_count; i++)
        if (pc >= p->pipelines[i].begin && pc < p->pipelines[i].end)
            return &p->pipelines[i];
    return NULL;
}

static bool is_quoted(qn_sql_type id)
{
    qn_bank bank = qn_type_bank(id);
    return bank == QN_BANK_STR || bank == QN_BANK_INTERVAL || qn_type_category(id, NULL) == 'D';
}

static void put_value(const qn_program *p, uint32_t k, qn_buf *buf)
{
    const qn_text_settings set = {.extra_float_digits = 1};
    const qn_type          type = p->constant_info[k].type;
    qn_buf                 text;
    qn_buf_init(&text, buf->mem);
    qn_value_print(type, &p->constants[k], &set, &text);
    bool   quoted = is_quoted(type.id);
    size_t bytes = text.bytes;
    if (bytes > SHOWN_BYTES) {
        bytes = SHOWN_BYTES;
        while (bytes && ((unsigned char)text.data[bytes] & 0xc0) == 0x80) /* whole characters only */
            bytes--;
    }
    if (quoted)
        qn_buf_putc(buf, '\'');
    for (size_t i = 0; i < bytes; i++) {
        char c = text.data[i];
        qn_buf_putc(buf, (unsigned char)c < ' ' ? ' ' : c); /* one instruction, one line */
    }
    if (bytes < text.bytes)
        qn_buf_puts(buf, "…");
    if (quoted)
        qn_buf_putc(buf, '\'');
    if (text.failed)
        buf->failed = true;
    qn_buf_deinit(&text);
}

static void put_constant(const qn_program *p, uint32_t k, qn_buf *buf)
{
    qn_buf_printf(buf, "k%u", k);
    if (k >= p->constant_count) {
        qn_buf_putc(buf, '?');
        return;
    }
    const qn_constant_info *info = &p->constant_info[k];
    qn_buf_putc(buf, '(');
    if (info->param >= 0)
        qn_buf_printf(buf, "$%d", info->param + 1);
    else if (info->computed)
        qn_buf_puts(buf, "computed");
    else if (p->constant_nulls[k])
        qn_buf_puts(buf, "NULL");
    else
        put_value(p, k, buf);
    qn_buf_putc(buf, ')');
}

static void put_set(const qn_program *p, uint32_t set, qn_buf *buf)
{
    qn_buf_printf(buf, "set%u", set);
    if (set >= p->set_count) {
        qn_buf_putc(buf, '?');
        return;
    }
    const qn_constant_set *s = &p->sets[set];
    uint32_t               shown = s->count < 4 ? s->count : 4;
    qn_buf_putc(buf, '(');
    for (uint32_t i = 0; i < shown; i++) {
        if (i)
            qn_buf_puts(buf, ", ");
        put_constant(p, s->first + i, buf);
    }
    if (s->count > shown)
        qn_buf_printf(buf, ", … %u in all", s->count);
    qn_buf_putc(buf, ')');
}

static void put_column(const qn_code_pipeline *pl, uint32_t c, qn_buf *buf)
{
    const qn_source *s = pl && pl->plan ? &pl->plan->source : NULL;
    qn_buf_printf(buf, "c%u", c);
    if (s && c < s->column_count && s->column_names && s->column_names[c])
        qn_buf_printf(buf, "(%s)", s->column_names[c]);
    else if (!s || c >= s->column_count)
        qn_buf_puts(buf, c == 0xffff ? "(no column)" : "?");
}

static void put_slot(const qn_program *p, uint32_t s, qn_buf *buf)
{
    qn_buf_printf(buf, "slot%u", s);
    if (s >= p->slot_count) {
        qn_buf_putc(buf, '?');
        return;
    }
    const qn_slot *slot = &p->slots[s];
    qn_buf_printf(buf, "(r%u from r%u = ", slot->out, slot->in);
    put_column(slot->pipeline < p->pipeline_count ? &p->pipelines[slot->pipeline] : NULL, slot->column, buf);
    if (slot->entry != QN_NO_ENTRY)
        qn_buf_printf(buf, " by %u", slot->entry);
    qn_buf_putc(buf, ')');
}

static void put_function(uint32_t f, qn_buf *buf)
{
    if (f < qn_function_count())
        qn_buf_printf(buf, "%s", qn_function_by_id(f)->name);
    else
        qn_buf_printf(buf, "f%u?", f);
}

/* Numbers mean something else in every opcode. */
static void put_number(uint8_t op, uint32_t index, uint32_t n, qn_buf *buf)
{
    bool io = op == QN_OP_CAST_IO || op == QN_OP_CAST_IO_S;
    bool length = op == QN_OP_CAST_LENGTH || op == QN_OP_CAST_LENGTH_S;
    if (io && !index)
        qn_buf_printf(buf, "%s to %s", qn_type_name((qn_sql_type)(n >> 8 & 255)), qn_type_name((qn_sql_type)(n & 255)));
    else if (length && !index)
        qn_buf_printf(buf, "%s %s", n >> 8 ? "explicit" : "assigned", qn_type_name((qn_sql_type)(n & 255)));
    else if (io || length)
        qn_buf_printf(buf, "modifier %d", (int)n);
    else if (op == QN_OP_SLOT_RANGE)
        qn_buf_puts(buf, n < 256 && qn_op_describe((uint8_t)n)->name ? qn_op_describe((uint8_t)n)->name : "?");
    else if (op >= QN_OP_AGG_COUNT && op <= QN_OP_AGG_DISTINCT)
        qn_buf_printf(buf, "aggregate %u", n);
    else
        qn_buf_printf(buf, "%u", n);
}

static void put_operand(const qn_program *p, const qn_code_pipeline *pl, uint8_t op, const char *layout, uint32_t i,
                        uint32_t x, qn_buf *buf)
{
    switch (layout[i]) {
    case 'r': qn_buf_printf(buf, x < p->register_count ? "r%u" : "r%u?", x); break;
    case 'k':
        if (qn_code_takes_set(op))
            put_set(p, x, buf);
        else
            put_constant(p, x, buf);
        break;
    case 'j': qn_buf_printf(buf, x < p->code_count ? "→ %u" : "→ %u?", x); break;
    case 'o': qn_buf_printf(buf, x < p->pipeline_count ? "o%u" : "o%u?", x); break;
    case 's': put_slot(p, x, buf); break;
    case 'c': put_column(pl, x, buf); break;
    case 'f': put_function(x, buf); break;
    case 'p': qn_buf_printf(buf, x < p->pipeline_count ? "pipeline %u" : "pipeline %u?", x); break;
    default: put_number(op, i, x, buf); break;
    }
}

static void put_instruction(const qn_program *p, const qn_code_pipeline *pl, uint32_t pc, qn_buf *buf)
{
    uint32_t          w = p->code[pc], x[QN_MAX_OPERANDS];
    uint8_t           op = qn_instr_op(w);
    qn_bank           bank = (qn_bank)qn_instr_bank(w);
    const qn_op_info *info = qn_op_describe(op);
    if (!info->name) {
        qn_buf_printf(buf, "%5u  ?             0x%08x\n", pc, w);
        return;
    }
    int n = qn_code_operands(p, w, x);
    const char *type = bank == QN_BANK_NONE ? "" : bank < QN_BANK_COUNT ? qn_bank_name(bank) : "?";
    if (n == 0 && !*type) {
        qn_buf_printf(buf, "%5u  %s\n", pc, info->name);
        return;
    }
    if (n == 0) {
        qn_buf_printf(buf, "%5u  %-13s %s\n", pc, info->name, type);
        return;
    }
    qn_buf_printf(buf, "%5u  %-13s %-9s", pc, info->name, type);
    if (n < 0)
        qn_buf_printf(buf, " wide %u?", qn_instr_operand(w));
    for (int i = 0; i < n; i++) {
        qn_buf_puts(buf, i ? ", " : " ");
        put_operand(p, pl, op, info->layout, (uint32_t)i, x[i], buf);
    }
    qn_buf_putc(buf, '\n');
}

/* ---- the whole --------------------------------------------------------------------------------- */

static void put_heading(const qn_program *p, uint32_t number, qn_buf *buf)
{
    const qn_pipeline *pl = p->pipelines[number].plan;
    qn_buf_printf(buf, "pipeline %u", number);
    if (!pl) {
        qn_buf_puts(buf, "\n");
        return;
    }
    const qn_source *s = &pl->source;
    switch ((qn_source_kind)s->kind) {
    case QN_SOURCE_ROW: qn_buf_puts(buf, ": one row"); break;
    case QN_SOURCE_TABLE: qn_buf_printf(buf, ": rows of %s", s->table ? s->table->name : "?"); break;
    case QN_SOURCE_VALUES: qn_buf_printf(buf, ": values of %s", s->table ? s->table->name : "?"); break;
    case QN_SOURCE_LIST: qn_buf_puts(buf, ": VALUES"); break;
    case QN_SOURCE_FUNCTION: qn_buf_puts(buf, ": table function"); break;
    case QN_SOURCE_FILE: qn_buf_printf(buf, ": rows of \"%s\"", s->relation ? s->relation->file->path : "?"); break;
    case QN_SOURCE_GROUPS: qn_buf_printf(buf, ": groups of pipeline %u", s->input); break;
    case QN_SOURCE_BUFFER: qn_buf_printf(buf, ": rows of pipeline %u", s->input); break;
    }
    if (pl->to_groups)
        qn_buf_printf(buf, " to groups o%u\n", pl->group_owner);
    else
        qn_buf_printf(buf, " to rows o%u\n", pl->number);
}

void qn_code_print(const qn_program *program, qn_buf *buf)
{
    const qn_code_pipeline *pl = NULL;
    for (uint32_t pc = 0; pc < program->code_count; pc++) {
        if (!pc)
            qn_buf_puts(buf, "main\n");
        const qn_code_pipeline *here = pl && pc >= pl->begin && pc < pl->end ? pl : pipeline_at(program, pc);
        if (here && here != pl)
            put_heading(program, (uint32_t)(here - program->pipelines), buf);
        pl = here;
        for (uint32_t s = 0; s < program->slot_count; s++)
            if (program->slots[s].entry == pc)
                qn_buf_printf(buf, "slot%u\n", s);
        put_instruction(program, pl, pc, buf);
    }
    uint32_t bytes = program->code_count * 4;
    qn_buf_printf(buf, "%u instructions, %u bytes, %u cache lines, %u constants, %u side-table bytes\n",
                  program->code_count, bytes, (bytes + 63) / 64, program->constant_count, program->wide_count * 4);
}
