/* Token-threaded dispatch.
 *
 * A table is 256 handlers for each type bank; unfilled slots are handle_invalid.  The loop reads a word, steps,
 * and calls tables[bank][opcode].  The four modes are four sets of tables: bare holds the handlers themselves,
 * the others one wrapper in every slot that does its work and calls the bare handler.  Swapping the set changes
 * how a program is watched, never what it computes. */
#include "vm/machine.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include "base/assert.h"

typedef qn_handler handler_table[256];

static handler_table     bare[QN_BANK_COUNT], wrapped[QN_DISPATCH_COUNT];
static const qn_handler *sets[QN_DISPATCH_COUNT][16];
static pthread_once_t    once = PTHREAD_ONCE_INIT;

static qn_status handle_invalid(qn_vm *vm, uint32_t w)
{
    return qn_fail(vm->err, QN_SQLSTATE_INTERNAL_ERROR, "invalid instruction 0x%08x at %u", w, vm->pc - 1);
}

static qn_status call_bare(qn_vm *vm, uint32_t w) { return bare[qn_instr_bank(w)][qn_instr_op(w)](vm, w); }

static qn_status handle_trace(qn_vm *vm, uint32_t w)
{
    enum { MAX_LINES = 1000 };
    qn_exec *x = vm->exec;
    char     line[160];
    snprintf(line, sizeof line, "worker %d morsel %llu  %4u  %-14s %-8s lanes %u of %u", vm->worker,
             (unsigned long long)vm->morsel, vm->pc - 1, qn_op_describe(qn_instr_op(w))->name,
             qn_bank_name((qn_bank)qn_instr_bank(w)), vm_selected(vm), vm->n);
    qn_latch_take(&x->latch);
    if (x->settings.trace && x->trace_lines < MAX_LINES)
        x->settings.trace(x->settings.trace_arg, line);
    else if (x->settings.trace && x->trace_lines == MAX_LINES)
        x->settings.trace(x->settings.trace_arg, "… further dispatches are not shown");
    x->trace_lines++;
    qn_latch_drop(&x->latch);
    return call_bare(vm, w);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static qn_status handle_profile(qn_vm *vm, uint32_t w)
{
    qn_profile_entry *p = &vm->profile[vm->pc - 1];
    uint64_t          t = now_ns(), touched = qn_block_touched();
    qn_status         st = call_bare(vm, w);
    p->ns += now_ns() - t;
    p->bytes += qn_block_touched() - touched;
    p->calls++;
    p->lanes += vm_selected(vm);
    return st;
}

/* What must hold before and after every instruction. */
static qn_status machine_check(qn_vm *vm, const char *when)
{
    const char *wrong = NULL;
    if (vm->pc > vm->program->code_count)
        wrong = "code position";
    else if (vm->depth > QN_MAX_STACK)
        wrong = "stack depth";
    else if (vm->n > QN_LANES)
        wrong = "batch length";
    else if (vm->sel_depth > QN_MAX_SELECTIONS || vm->call_depth > QN_MAX_CALL_DEPTH)
        wrong = "selection or call depth";
    else if (vm->sel && vm->sel_n > vm->n)
        wrong = "selection length";
    for (uint32_t i = 0; !wrong && vm->sel && i < vm->sel_n; i++)
        if (vm->sel[i] >= vm->n || (i && vm->sel[i] <= vm->sel[i - 1]))
            wrong = "selection order";
    for (uint32_t r = 0; !wrong && vm->regs && r < vm->program->register_count; r++) {
        const qn_vec *v = &vm->regs[r];
        if (v->form > QN_FORM_SOURCE || v->bank >= QN_BANK_COUNT)
            wrong = "register form";
    }
    if (!wrong)
        return QN_OK;
    return qn_fail(vm->err, QN_SQLSTATE_INTERNAL_ERROR, "machine invariant broken %s instruction %u: %s", when,
                   vm->pc, wrong);
}

static qn_status handle_validate(qn_vm *vm, uint32_t w)
{
    qn_status st = machine_check(vm, "before");
    if (st == QN_OK)
        st = call_bare(vm, w);
    if (st == QN_OK)
        st = machine_check(vm, "after");
    return st;
}

static void tables_make(void)
{
    for (int b = 0; b < QN_BANK_COUNT; b++)
        for (int op = 0; op < 256; op++)
            bare[b][op] = handle_invalid;
    dispatch_register_all(bare);
    static const qn_handler wrappers[QN_DISPATCH_COUNT] = {NULL, handle_trace, handle_profile, handle_validate};
    for (int m = 0; m < QN_DISPATCH_COUNT; m++) {
        for (int op = 0; op < 256; op++)
            wrapped[m][op] = wrappers[m];
        for (int b = 0; b < 16; b++)
            sets[m][b] = m != QN_DISPATCH_BARE ? wrapped[m] : b < QN_BANK_COUNT ? bare[b] : bare[QN_BANK_NONE];
    }
}

const qn_handler *const *dispatch_tables(qn_dispatch_mode mode)
{
    pthread_once(&once, tables_make);
    return sets[mode];
}

/* An error while a slot is computed per distinct value belongs to rows that may not even be selected: forget
 * the attempt; the batch evaluates the slot for the rows that remain, and raises what they raise. */
static bool recover_slot(qn_vm *vm)
{
    if (!vm->guard_slot || (vm->err && vm->err->status != QN_ERROR))
        return false;
    slot_state *s = &vm->slots[vm->guard_slot - 1];
    s->by_row = true;
    s->prepared = false;
    s->next = s->last + 1; /* SLOT_NEXT leaves the loop at once */
    vm->guard_slot = 0;
    vm->call_depth = 0;
    vm->sel_depth = 0;
    vm->sel = NULL;
    qn_error_clear(vm->err);
    vm->pc = s->resume;
    return true;
}

qn_status dispatch_run(qn_vm *vm, uint32_t begin, uint32_t end)
{
    const uint32_t          *code = vm->code;
    const qn_handler *const *tables = vm->tables;
    vm->begin = begin;
    vm->end = end;
    vm->pc = begin;
    vm->halted = false;
    for (;;) {
        uint32_t w = code[vm->pc++];
        if (qn_instr_op(w) == QN_OP_HALT)
            return QN_OK;
        qn_status st = tables[qn_instr_bank(w)][qn_instr_op(w)](vm, w);
        if (QN_UNLIKELY(st != QN_OK)) {
            if (st == QN_ERROR && recover_slot(vm))
                continue;
            int location = qn_code_location_at(vm->program, vm->pc - 1);
            if (location >= 0)
                qn_error_locate(vm->err, location);
            if (st == QN_ERROR && replay_batch(vm))
                continue;
            return st;
        }
    }
}
