/* EXPLAIN: any stage of a statement's way to bytecode, and what it did when it ran. */
#include "api/api_int.h"

#include <stdio.h>
#include "base/assert.h"

/* Bytes over time, and what part of the memory bandwidth that is where this machine was measured. */
static void put_rate(const qn_calibration *c, bool one_worker, uint64_t bytes, uint64_t ns, qn_buf *buf)
{
    double rate = (double)bytes / (double)ns, most = one_worker ? c->bandwidth_one : c->bandwidth_all;
    qn_buf_printf(buf, " (%.3f GB/s", rate);
    if (c->measured && most > 0)
        qn_buf_printf(buf, ", %.1f%% of memory bandwidth", 100 * rate / most);
    qn_buf_putc(buf, ')');
}

static void put_analysis(const qn_connection *conn, const unit *u, qn_exec *exec, uint64_t total_ns, bool timing, qn_buf *buf)
{
    const qn_profile_entry *p = qn_exec_profile(exec);
    uint64_t                handler_ns = 0, calls = 0;
    for (uint32_t i = 0; i < u->plan->pipeline_count; i++) {
        const char *mode = qn_exec_mode_of(exec, i);
        qn_buf_printf(buf, "Actual pipeline %u: rows=%llu", i, (unsigned long long)qn_exec_rows_of(exec, i));
        if (mode)
            qn_buf_printf(buf, " mode=%s", mode);
        qn_buf_printf(buf, " bytes=%llu", (unsigned long long)qn_exec_bytes_of(exec, i));
        if (timing) {
            uint64_t ns = qn_exec_ns_of(exec, i);
            qn_buf_printf(buf, " time=%.3f ms", (double)ns / 1e6);
            if (ns && qn_exec_bytes_of(exec, i))
                put_rate(&conn->calibration, conn->session.threads == 1 || qn_sched_workers(conn->db->sched) == 1,
                         qn_exec_bytes_of(exec, i), ns, buf);
        }
        qn_buf_putc(buf, '\n');
    }
    if (!p)
        return;
    qn_buf_puts(buf, timing ? "Instructions (calls, lanes, bytes, ms):\n" : "Instructions (calls, lanes, bytes):\n");
    for (uint32_t pc = 0; pc < u->program->code_count; pc++) {
        if (!p[pc].calls)
            continue;
        handler_ns += qn_instr_op(u->program->code[pc]) == QN_OP_RUN ? 0 : p[pc].ns;
        calls += p[pc].calls;
        qn_buf_printf(buf, "  %4u %-14s %8llu %12llu %12llu", pc, qn_op_describe(qn_instr_op(u->program->code[pc]))->name,
                      (unsigned long long)p[pc].calls, (unsigned long long)p[pc].lanes, (unsigned long long)p[pc].bytes);
        if (timing)
            qn_buf_printf(buf, " %10.3f", (double)p[pc].ns / 1e6);
        qn_buf_putc(buf, '\n');
    }
    if (timing) {
        qn_buf_printf(buf, "Dispatches: %llu, time in handlers %.3f ms\n", (unsigned long long)calls, (double)handler_ns / 1e6);
        qn_buf_printf(buf, "Execution Time: %.3f ms\n", (double)total_ns / 1e6);
    }
}

static const qn_select *explained_select(const qn_bound *inner)
{
    switch (inner->kind) {
    case QN_STMT_SELECT:
    case QN_STMT_CREATE_TABLE_AS:
    case QN_STMT_INSERT:
        return inner->select;
    default:
        return NULL;
    }
}

static void put_json_string(qn_buf *out, const char *name, const qn_buf *text)
{
    qn_buf_puts(out, "[\n  {\n    \"");
    qn_buf_puts(out, name);
    qn_buf_puts(out, "\": ");
    qn_buf_json(out, text->data ? text->data : "", text->bytes);
    qn_buf_puts(out, "\n  }\n]\n");
}

typedef struct printing {
    const unit      *unit;
    const qn_select *select;
    qn_buf          *text, *json;
} printing;

static void print_stage(void *arg)
{
    const printing *p = arg;
    const qn_bound *outer = p->unit->bound;
    if (outer->stage == QN_STAGE_LOGICAL)
        qn_plan_print_logical(outer->inner, p->select, p->text);
    else if (outer->stage == QN_STAGE_BYTECODE)
        qn_code_print(p->unit->program, p->text);
    else if (outer->format_json)
        qn_plan_print_json(p->unit->plan, p->json);
    else
        qn_plan_print(p->unit->plan, outer->costs, p->text);
}

qn_status run_explain(qn_connection *conn, unit *u, const qn_datum *params, const bool *nulls, qn_result *r, qn_error *err)
{
    qn_status        st = QN_OK;
    qn_bound        *outer = u->bound;
    const qn_select *select = outer->inner ? explained_select(outer->inner) : NULL;
    qn_buf           text, json;
    printing         print = {u, select, &text, &json};
    const char      *stage_names[] = {"Plan", "Parse", "Logical", "Physical", "Bytecode"};

    qn_buf_init(&text, &conn->db->mem);
    qn_buf_init(&json, &conn->db->mem);
    snprintf(r->command, sizeof r->command, "EXPLAIN");
    if (outer->stage == QN_STAGE_PARSE) {
        qn_buf_puts(&text, outer->parse_text ? outer->parse_text : "");
    } else if (!select) {
        qn_buf_puts(&text, "Utility statement\n");
    } else if (outer->stage == QN_STAGE_LOGICAL) {
        QN_TRY(unit_on_stack(u, print_stage, &print, err));
    } else {
        QN_TRY(unit_program(conn, u, select, err));
        QN_TRY(unit_on_stack(u, print_stage, &print, err));
        if (outer->analyze) {
            if (outer->inner->kind != QN_STMT_SELECT) {
                st = qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "EXPLAIN ANALYZE of a statement that writes is not supported");
                goto done;
            }
            qn_clock *clock = &conn->db->env.clock;
            uint64_t  start = clock->monotonic_ns(clock->self);
            QN_TRY(execute_program(conn, u, r->snapshot, QN_DISPATCH_PROFILE, params, nulls, &r->exec, err));
            put_analysis(conn, u, r->exec, clock->monotonic_ns(clock->self) - start, outer->timing, &text);
        }
    }
    if (outer->format_json) {
        if (!json.bytes)
            put_json_string(&json, stage_names[outer->stage], &text);
        else if (text.bytes)
            put_json_string(&json, "Analysis", &text);
    }
    QN_TRY(result_text_lines(r, "QUERY PLAN", outer->format_json ? &json : &text, err));
done:
    qn_buf_deinit(&text);
    qn_buf_deinit(&json);
    return st;
}
