/* The verifier's second half: what holds at each point of the code, by abstract interpretation.
 *
 * The state at a point is the bank of every stack slot and register, the depth of saved selections, and where the
 * pipeline stands in the life of its source.  Code is read once, forwards: the only backward jumps allowed go to
 * the instruction that fetches the next batch or the next distinct values, and those forget all registers, so
 * what comes back over them cannot change what was proved.  The same rule proves that programs end: each round
 * of a loop advances a finite cursor.
 *
 * Rules beyond those in the opcode table
 *   - Life of a source.  Blocks: BLOCK_BEGIN, slots, batches, GROUP_FLUSH, BLOCK_END; others: batches only.
 *     Batch code runs only while there is a batch, slot code only while distinct values are being visited.
 *   - Lanes.  A register holds good values only in lanes selected when it was written, so SEL_RESTORE forgets
 *     what was written since its SEL_SAVE.  MERGE, AND_R and OR_R keep the other lanes and their register.
 *   - Subroutines see the input registers of the slots that enter there and nothing else; they compute registers,
 *     leave the selection as it was and change nothing besides.  Each is proved once; a call then costs its
 *     caller the registers it writes.
 *   - A slot's result may share its input's codes, so only the machine writes the input registers of slots.
 *   - The stack exists in the main range only: an error inside a slot continues at SLOT_NEXT, and nobody would
 *     clean up a stack.
 *
 * Not here: facts that need no control flow (verify_tables.c). */
#include "code/code_int.h"

#include <stdio.h>
#include "base/assert.h"
#include "type/pattern.h"

#define MAX_OPEN_STATES 1024u /* forward jumps on their way at one time, after merging */

typedef enum phase {
    PHASE_MAIN,
    PHASE_SUBROUTINE,
    PHASE_START,   /* of a pipeline: nothing is bound */
    PHASE_BLOCK,   /* a block is bound */
    PHASE_WALK,    /* its values are about to be walked */
    PHASE_SLOT,    /* distinct values are in a slot's input register */
    PHASE_BATCH,   /* a batch is there */
    PHASE_DRAINED, /* no more batches; the block may still be bound */
    PHASE_END      /* the block is released */
} phase;

static const char *const phase_names[] = {"in the main range",      "in a subroutine",           "before a source is bound",
                                          "before batches",         "before values are walked",  "while a slot is filled",
                                          "while there is a batch", "after the last batch",      "after BLOCK_END"};

enum { SLOT_BEGUN = 1, SLOT_READY = 2 };
enum { BANK_MASK = 15, MERGEABLE = 128 };

#define NO_OBJECT UINT32_MAX

typedef struct state {
    uint8_t       phase;
    bool          narrowed; /* FILTER or a relative ran outside any SEL_SAVE */
    bool          dirty;    /* groups of this block are not flushed */
    bool          unlisted; /* LIST_TOP or LIST_DISTINCT is still to come: there may be no groups yet to fold into */
    uint8_t       selections;
    uint8_t       found_level;
    uint32_t      slot;     /* PHASE_SLOT: which */
    uint32_t      found;    /* object of the last GROUP_FIND, or NO_OBJECT */
    uint32_t      next_run; /* main: pipelines run so far */
    uint32_t      depth;
    uint8_t       stack[QN_MAX_STACK];
    uint8_t      *regs;     /* bank (NONE: no value), and MERGEABLE */
    uint8_t      *levels;   /* selections saved when it was written */
    uint8_t      *slots;    /* SLOT_BEGUN, SLOT_READY */
    struct state *next_free;
} state;

typedef enum progress { NEW, ACTIVE, PROVED } progress;

typedef struct effect { /* of a subroutine on one register */
    uint16_t reg;
    uint8_t  bank; /* NONE: spoiled */
} effect;

typedef struct sub {
    uint8_t  progress;
    uint8_t  height;     /* calls below, itself included */
    uint8_t  selections; /* saved at most at one time */
    uint32_t effect_count;
    effect  *effects;
} sub;

typedef struct verifier {
    const qn_program       *p;
    qn_arena               *arena;
    qn_error               *err;
    qn_status               st;
    uint32_t                deepest;
    uint32_t                begin, end; /* the range at hand */
    const qn_code_pipeline *cp;         /* NULL: main */
    uint32_t               *inputs;     /* by register: column + 1 of the slots whose input it is, 0: of none */
    sub                   **subs;       /* by pc - begin */
    uint8_t               **heads;      /* loop heads passed, by pc - begin: slots of the state they were proved with */
    state                 **pending[QN_MAX_CALL_DEPTH + 1]; /* by pc - begin, for each sweep on its way */
    uint32_t                open[QN_MAX_CALL_DEPTH + 1];
    state                  *free_states;
    uint32_t                live;
    /* the instruction at hand */
    uint32_t pc, w, x[QN_MAX_OPERANDS];
    /* the subroutine at hand */
    uint32_t level; /* sweeps below this one */
    uint8_t *written[QN_MAX_CALL_DEPTH + 1];
    state   *exits[QN_MAX_CALL_DEPTH + 1];
    sub     *current[QN_MAX_CALL_DEPTH + 1];
} verifier;

static bool refuse(verifier *v, const char *format, ...) QN_PRINTF(2, 3);
static bool refuse(verifier *v, const char *format, ...)
{
    char        why[160];
    va_list     args;
    const char *name = qn_op_describe(qn_instr_op(v->p->code[v->pc]))->name;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (v->st == QN_OK)
        v->st = qn_fail(v->err, QN_SQLSTATE_INTERNAL_ERROR, "invalid program: instruction %u (%s): %s", v->pc, name, why);
    return false;
}

static bool no_memory(verifier *v)
{
    if (v->st == QN_OK)
        v->st = qn_nomem(v->err);
    return false;
}

/* ---- states ------------------------------------------------------------------------------------ */

static state *state_new(verifier *v)
{
    uint32_t n = v->p->register_count;
    state   *s = v->free_states;
    if (s) {
        v->free_states = s->next_free;
    } else {
        if (v->live >= MAX_OPEN_STATES) {
            refuse(v, "too many jumps on their way");
            return NULL;
        }
        s = qn_arena_new(v->arena, state);
        uint8_t *bytes = qn_arena_alloc(v->arena, (size_t)n * 2 + v->p->slot_count + 1);
        if (!s || !bytes) {
            no_memory(v);
            return NULL;
        }
        s->regs = bytes;
        s->levels = bytes + n;
        s->slots = bytes + 2 * (size_t)n;
        v->live++;
    }
    return s;
}

static void state_free(verifier *v, state *s)
{
    s->next_free = v->free_states;
    v->free_states = s;
}

static state *state_first(verifier *v, phase ph)
{
    state *s = state_new(v);
    if (!s)
        return NULL;
    state old = *s;
    memset(s, 0, sizeof *s);
    s->regs = old.regs;
    s->levels = old.levels;
    s->slots = old.slots;
    s->phase = (uint8_t)ph;
    s->found = NO_OBJECT;
    memset(s->regs, 0, (size_t)v->p->register_count * 2 + v->p->slot_count);
    return s;
}

static state *state_copy(verifier *v, const state *from)
{
    state *s = state_new(v);
    if (!s)
        return NULL;
    state old = *s;
    *s = *from;
    s->regs = old.regs;
    s->levels = old.levels;
    s->slots = old.slots;
    memcpy(s->regs, from->regs, (size_t)v->p->register_count * 2 + v->p->slot_count);
    return s;
}

/* What holds on both ways into a point. */
static bool state_merge(verifier *v, state *into, const state *from)
{
    if (into->phase != from->phase || (into->phase == PHASE_SLOT && into->slot != from->slot))
        return refuse(v, "reached %s and %s", phase_names[into->phase], phase_names[from->phase]);
    if (into->depth != from->depth || memcmp(into->stack, from->stack, into->depth) != 0)
        return refuse(v, "reached with different stacks");
    if (into->selections != from->selections)
        return refuse(v, "reached with different numbers of saved selections");
    if (into->next_run != from->next_run)
        return refuse(v, "reached with different pipelines run");
    into->narrowed |= from->narrowed;
    into->dirty |= from->dirty;
    into->unlisted |= from->unlisted;
    if (into->found != from->found)
        into->found = NO_OBJECT;
    else if (from->found_level > into->found_level)
        into->found_level = from->found_level;
    for (uint32_t r = 0; r < v->p->register_count; r++) {
        if ((into->regs[r] & BANK_MASK) != (from->regs[r] & BANK_MASK))
            into->regs[r] = QN_BANK_NONE;
        else
            into->regs[r] &= from->regs[r];
        if (from->levels[r] > into->levels[r])
            into->levels[r] = from->levels[r];
    }
    for (uint32_t i = 0; i < v->p->slot_count; i++)
        into->slots[i] &= from->slots[i];
    return true;
}

static void forget_registers(verifier *v, state *s) { memset(s->regs, 0, v->p->register_count); }

/* ---- registers --------------------------------------------------------------------------------- */

static bool need_set(verifier *v, const state *s, uint32_t r)
{
    return (s->regs[r] & BANK_MASK) != QN_BANK_NONE || refuse(v, "register %u holds no value here", r);
}

static bool need(verifier *v, const state *s, uint32_t r, qn_bank bank)
{
    if (!need_set(v, s, r))
        return false;
    return (s->regs[r] & BANK_MASK) == bank ||
           refuse(v, "register %u holds %s, not %s", r, qn_bank_name((qn_bank)(s->regs[r] & BANK_MASK)), qn_bank_name(bank));
}

static void spoil(verifier *v, state *s, uint32_t r, uint8_t value)
{
    s->regs[r] = value;
    s->levels[r] = s->selections;
    if (v->written[v->level])
        v->written[v->level][r] = 1;
}

static void define(verifier *v, state *s, uint32_t r, qn_bank bank) { spoil(v, s, r, (uint8_t)bank); }

static bool need_set_of(verifier *v, uint32_t set, qn_bank bank)
{
    const qn_constant_set *c = &v->p->sets[set];
    for (uint32_t i = 0; i < c->count; i++)
        if (v->p->constant_info[c->first + i].bank != bank)
            return refuse(v, "constant %u of the set is of another bank", c->first + i);
    return true;
}

static bool bank_legal(verifier *v, uint32_t banks)
{
    return (banks >> qn_instr_bank(v->w) & 1) || refuse(v, "no handler for bank %s", qn_bank_name((qn_bank)qn_instr_bank(v->w)));
}

#define BIT(b) (1u << QN_BANK_##b)
#define INTEGER_BANKS (BIT(I16) | BIT(I32) | BIT(I64) | BIT(NUM))
#define NUMBER_BANKS (INTEGER_BANKS | BIT(F32) | BIT(F64))
#define DATA_BANKS (NUMBER_BANKS | BIT(BOOL) | BIT(STR) | BIT(INTERVAL))

static uint32_t arithmetic_banks(uint8_t stack_op) { return stack_op == QN_OP_MOD ? INTEGER_BANKS : NUMBER_BANKS; }

/* ---- jumps ------------------------------------------------------------------------------------- */

static bool branch(verifier *v, const state *s, uint32_t target)
{
    if (target >= v->end)
        return refuse(v, "control leaves the range");
    if (target <= v->pc)
        return refuse(v, "only JUMP goes backwards");
    state **at = &v->pending[v->level][target - v->begin];
    if (*at)
        return state_merge(v, *at, s);
    *at = state_copy(v, s);
    if (!*at)
        return false;
    v->open[v->level]++;
    return true;
}

static bool jump_back(verifier *v, const state *s, uint32_t target)
{
    uint8_t op = qn_instr_op(v->p->code[target]);
    bool    slot = op == QN_OP_SLOT_NEXT;
    if (v->level || !v->heads || (!slot && op != QN_OP_BATCH_NEXT && op != QN_OP_VALUES_NEXT))
        return refuse(v, "a backward jump must go to the head of a loop");
    const uint8_t *head = v->heads[target - v->begin];
    if (!head || s->selections)
        return refuse(v, head ? "selections are saved across a loop" : "the loop was not entered at its head");
    if (s->phase != (slot ? PHASE_SLOT : PHASE_BATCH))
        return refuse(v, "jumps back %s", phase_names[s->phase]);
    if (slot) {
        uint32_t x[QN_MAX_OPERANDS];
        qn_code_operands(v->p, v->p->code[target], x);
        if (x[0] != s->slot)
            return refuse(v, "jumps into the loop of another slot");
    }
    return memcmp(head, s->slots, v->p->slot_count) == 0 || refuse(v, "slots differ from those at the head of the loop");
}

/* Note the state a loop head is first reached with. */
static bool head_note(verifier *v, const state *s)
{
    if (v->heads[v->pc - v->begin])
        return true;
    uint8_t *copy = qn_arena_alloc(v->arena, v->p->slot_count + 1);
    if (!copy)
        return no_memory(v);
    memcpy(copy, s->slots, v->p->slot_count);
    v->heads[v->pc - v->begin] = copy;
    return true;
}

/* ---- the stack --------------------------------------------------------------------------------- */

static bool top(verifier *v, const state *s, uint32_t below, qn_bank bank)
{
    if (s->depth <= below)
        return refuse(v, "the stack is empty");
    return bank == QN_BANK_NONE || s->stack[s->depth - 1 - below] == bank ||
           refuse(v, "the stack holds %s, not %s", qn_bank_name((qn_bank)s->stack[s->depth - 1 - below]), qn_bank_name(bank));
}

static bool push(verifier *v, state *s, qn_bank bank)
{
    if (s->depth == QN_MAX_STACK)
        return refuse(v, "the stack is full");
    s->stack[s->depth++] = (uint8_t)bank;
    if (s->depth > v->deepest)
        v->deepest = s->depth;
    return true;
}

static bool replace(verifier *v, state *s, uint32_t pops, qn_bank bank)
{
    s->depth -= pops;
    return push(v, s, bank);
}

/* ---- functions and casts ------------------------------------------------------------------------- */

/* The bank that argument i of f must have; NONE: any. */
static qn_bank argument_bank(const qn_function *f, uint32_t i)
{
    uint8_t type = f->args[i < f->argc ? i : f->argc - 1u];
    if ((f->flags & QN_FN_ANY) && type == QN_TYPE_UNKNOWN)
        return QN_BANK_NONE;
    return qn_type_bank((qn_sql_type)type);
}

static bool check_call(verifier *v, uint32_t function, uint32_t n)
{
    const qn_function   *f = qn_function_by_id(function);
    const qn_call_types *t = qn_code_call_types_at(v->p, v->pc);
    bool                 variadic = (f->flags & QN_FN_VARIADIC) && f->argc;
    if (variadic ? n + 1 < f->argc : n != f->argc)
        return refuse(v, "%s does not take %u arguments", f->name, n);
    if (!t || t->count != n)
        return refuse(v, "argument types missing");
    if (qn_type_bank((qn_sql_type)f->result) != qn_instr_bank(v->w))
        return refuse(v, "%s does not give %s", f->name, qn_bank_name((qn_bank)qn_instr_bank(v->w)));
    for (uint32_t i = 0; i < n; i++) {
        qn_bank want = argument_bank(f, i);
        if (want != QN_BANK_NONE && want != qn_type_bank((qn_sql_type)t->types[i]))
            return refuse(v, "argument %u of %s is of another bank", i + 1, f->name);
    }
    return true;
}

static qn_bank called_with(const verifier *v, uint32_t i)
{
    return qn_type_bank((qn_sql_type)qn_code_call_types_at(v->p, v->pc)->types[i]);
}

static bool modifier_ok(qn_type t)
{
    if (t.typmod == -1)
        return true;
    switch ((qn_sql_type)t.id) {
    case QN_TYPE_VARCHAR:
    case QN_TYPE_CHAR:
        return t.typmod > 4 && t.typmod <= 10485760 + 4;
    case QN_TYPE_NUMERIC: {
        if (t.typmod < 4)
            return false;
        int precision = (t.typmod - 4) >> 16;
        return precision >= 1 && precision <= 1000;
    }
    case QN_TYPE_TIME:
    case QN_TYPE_TIMESTAMP:
    case QN_TYPE_TIMESTAMPTZ:
        return t.typmod >= 0 && t.typmod <= 6;
    case QN_TYPE_INTERVAL:
        return t.typmod >= 0 && ((t.typmod & 0xffff) <= 6 || (t.typmod & 0xffff) == 0xffff);
    default:
        return false;
    }
}

/* Operands n>>8 | n and modifier of a cast; the banks it reads and writes. */
static bool check_cast(verifier *v, bool io, qn_bank *from, qn_bank *to)
{
    uint32_t n = v->x[0], high = n >> 8;
    qn_type  type = {(uint8_t)n, (int32_t)v->x[1]};
    if (type.id >= QN_TYPE_COUNT || high >= (io ? (uint32_t)QN_TYPE_COUNT : 2u))
        return refuse(v, "unknown type");
    if (!modifier_ok(type))
        return refuse(v, "illegal type modifier");
    *to = qn_type_bank((qn_sql_type)type.id);
    *from = io ? qn_type_bank((qn_sql_type)high) : *to;
    if (*to == QN_BANK_NONE || *from == QN_BANK_NONE)
        return refuse(v, "type without values");
    return true;
}

/* ---- subroutines ------------------------------------------------------------------------------- */

static bool sweep(verifier *v, uint32_t entry, state *first);

static bool sub_exit(verifier *v, state *s)
{
    if (!v->level)
        return refuse(v, "RETURN outside a subroutine");
    if (s->selections)
        return refuse(v, "RETURN with saved selections");
    if (v->exits[v->level])
        return state_merge(v, v->exits[v->level], s);
    v->exits[v->level] = state_copy(v, s);
    return v->exits[v->level] != NULL;
}

static bool sub_effects(verifier *v, sub *u, const uint8_t *written, const state *out)
{
    uint32_t n = 0;
    for (uint32_t r = 0; r < v->p->register_count; r++)
        n += written[r];
    u->effects = qn_arena_array(v->arena, effect, n + 1);
    if (!u->effects)
        return no_memory(v);
    for (uint32_t r = 0; r < v->p->register_count; r++)
        if (written[r])
            u->effects[u->effect_count++] = (effect){(uint16_t)r, out->regs[r] & BANK_MASK};
    return true;
}

/* Prove the subroutine at entry, once. */
static sub *sub_prove(verifier *v, uint32_t entry)
{
    sub **at = &v->subs[entry - v->begin];
    if (!*at) {
        *at = qn_arena_new(v->arena, sub);
        if (!*at) {
            no_memory(v);
            return NULL;
        }
    }
    sub *u = *at;
    if (u->progress == PROVED)
        return u;
    if (u->progress == ACTIVE || v->level == QN_MAX_CALL_DEPTH) {
        refuse(v, u->progress == ACTIVE ? "a subroutine calls itself" : "calls nested too deep");
        return NULL;
    }
    uint32_t pc = v->pc, w = v->w, x[QN_MAX_OPERANDS];
    memcpy(x, v->x, sizeof x);
    uint32_t level = ++v->level;
    u->progress = ACTIVE;
    u->height = 1;
    v->current[level] = u;
    v->exits[level] = NULL;
    state *first = state_first(v, PHASE_SUBROUTINE);
    if (!v->pending[level])
        v->pending[level] = qn_arena_array(v->arena, state *, v->end - v->begin);
    v->written[level] = qn_arena_array(v->arena, uint8_t, v->p->register_count + 1);
    if (!first || !v->pending[level] || !v->written[level]) {
        no_memory(v);
        return NULL;
    }
    for (uint32_t i = 0; i < v->p->slot_count; i++) {
        const qn_slot *slot = &v->p->slots[i];
        if (slot->entry == entry)
            first->regs[slot->in] = slot->in_bank;
    }
    if (!sweep(v, entry, first))
        return NULL;
    state *out = v->exits[level];
    if (!out) {
        refuse(v, "a subroutine does not return");
        return NULL;
    }
    if (!sub_effects(v, u, v->written[level], out))
        return NULL;
    state_free(v, out);
    v->level--;
    v->pc = pc;
    v->w = w;
    memcpy(v->x, x, sizeof x);
    u->progress = PROVED;
    return u;
}

static uint8_t effect_on(const sub *u, uint32_t r)
{
    for (uint32_t i = 0; i < u->effect_count; i++)
        if (u->effects[i].reg == r)
            return u->effects[i].bank;
    return QN_BANK_NONE;
}

/* Apply a call to the caller's state.  maybe: the call may also be left out. */
static bool sub_apply(verifier *v, state *s, const sub *u, bool maybe)
{
    sub *caller = v->current[v->level];
    if (v->level && u->height + 1 > caller->height)
        caller->height = u->height + 1;
    if ((v->level ? caller->height : u->height) > QN_MAX_CALL_DEPTH)
        return refuse(v, "calls nested too deep");
    uint32_t selections = s->selections + u->selections;
    if (selections > QN_MAX_SELECTIONS)
        return refuse(v, "selections nested too deep in a subroutine");
    if (v->level && selections > caller->selections)
        caller->selections = (uint8_t)selections;
    for (uint32_t i = 0; i < u->effect_count; i++) {
        const effect *e = &u->effects[i];
        bool          keeps = maybe && (s->regs[e->reg] & BANK_MASK) == e->bank;
        uint8_t       level = s->levels[e->reg];
        spoil(v, s, e->reg, maybe && !keeps ? (uint8_t)QN_BANK_NONE : e->bank);
        if (keeps && level > s->selections)
            s->levels[e->reg] = level;
    }
    return true;
}

static bool in_phase(verifier *v, const state *s, phase ph)
{
    return s->phase == ph || refuse(v, "not allowed %s", phase_names[s->phase]);
}

static bool call(verifier *v, state *s)
{
    uint32_t target = v->x[0];
    if (s->phase == PHASE_MAIN)
        return refuse(v, "not allowed %s", phase_names[s->phase]);
    for (uint32_t i = 0; i < v->p->slot_count; i++) {
        const qn_slot *slot = &v->p->slots[i];
        if (slot->entry == target && !need(v, s, slot->in, (qn_bank)slot->in_bank))
            return false;
    }
    sub *u = sub_prove(v, target);
    return u && sub_apply(v, s, u, false);
}

/* A slot computed for the rows of a batch: LOAD_SLOT and FILTER_SLOT. */
static bool slot_by_row(verifier *v, state *s, const qn_slot *slot, bool maybe)
{
    if (slot->entry == QN_NO_ENTRY)
        return refuse(v, "the slot has no subroutine");
    sub *u = sub_prove(v, slot->entry);
    if (!u)
        return false;
    define(v, s, slot->in, (qn_bank)slot->in_bank);
    if (!sub_apply(v, s, u, maybe))
        return false;
    if (effect_on(u, slot->out) != slot->out_bank)
        return refuse(v, "the subroutine does not leave %s in register %u", qn_bank_name((qn_bank)slot->out_bank), slot->out);
    define(v, s, slot->out, (qn_bank)slot->out_bank);
    return true;
}

/* ---- families ---------------------------------------------------------------------------------- */

static bool step_control(verifier *v, state *s, bool *falls)
{
    uint32_t target = v->x[0];
    switch (qn_instr_op(v->w)) {
    case QN_OP_HALT:
        *falls = false;
        if (s->phase == PHASE_MAIN)
            return s->next_run == v->p->pipeline_count || refuse(v, "%u pipelines do not run", v->p->pipeline_count - s->next_run);
        if (s->phase == PHASE_SUBROUTINE)
            return refuse(v, "HALT in a subroutine");
        return in_phase(v, s, v->cp->plan->source.kind == QN_SOURCE_TABLE || v->cp->plan->source.kind == QN_SOURCE_VALUES
                                  ? PHASE_END : PHASE_DRAINED);
    case QN_OP_JUMP:
        *falls = false;
        return target > v->pc ? branch(v, s, target) : jump_back(v, s, target);
    case QN_OP_CALL:
        return call(v, s);
    case QN_OP_RETURN:
        *falls = false;
        return sub_exit(v, s);
    case QN_OP_JUMP_EMPTY:
        if (s->phase != PHASE_BATCH && s->phase != PHASE_SLOT && s->phase != PHASE_SUBROUTINE)
            return refuse(v, "not allowed %s", phase_names[s->phase]);
        return branch(v, s, target);
    case QN_OP_RUN:
        if (v->x[0] != s->next_run)
            return refuse(v, "pipeline %u runs out of turn", v->x[0]);
        s->next_run++;
        return s->depth == 0 || refuse(v, "RUN with values on the stack");
    case QN_OP_JUMP_NOT_TRUE:
        if (!top(v, s, 0, QN_BANK_BOOL))
            return false;
        s->depth--;
        return branch(v, s, target);
    case QN_OP_JUMP_NOT_NULL:
        return top(v, s, 0, QN_BANK_NONE) && branch(v, s, target);
    case QN_OP_JUMP_FALSE:
    case QN_OP_JUMP_TRUE:
        return top(v, s, 0, QN_BANK_BOOL) && branch(v, s, target);
    default: /* POP */
        if (!top(v, s, 0, QN_BANK_NONE))
            return false;
        s->depth--;
        return true;
    }
}

static bool load_column(verifier *v, state *s)
{
    const qn_source *from = &v->cp->plan->source;
    if (!in_phase(v, s, PHASE_BATCH))
        return false;
    if (from->kind == QN_SOURCE_VALUES && v->x[1] != from->column)
        return refuse(v, "values of another column are walked");
    define(v, s, v->x[0], qn_type_bank((qn_sql_type)from->column_types[v->x[1]].id));
    return true;
}

static bool step_load(verifier *v, state *s)
{
    const qn_program *p = v->p;
    uint32_t          a = v->x[0], b = v->x[1];
    qn_bank           bank = (qn_bank)qn_instr_bank(v->w);
    switch (qn_instr_op(v->w)) {
    case QN_OP_CONST:
        return push(v, s, (qn_bank)p->constant_info[a].bank);
    case QN_OP_STORE:
        if (!p->constant_info[a].computed)
            return refuse(v, "constant %u is not computed", a);
        if (!top(v, s, 0, (qn_bank)p->constant_info[a].bank))
            return false;
        s->depth--;
        return true;
    case QN_OP_LOAD_CONST:
        if (p->constant_info[b].bank != bank)
            return refuse(v, "constant %u is of another bank", b);
        define(v, s, a, bank);
        return true;
    case QN_OP_LOAD_COLUMN:
        return load_column(v, s);
    case QN_OP_LOAD_LENGTHS:
        if (v->cp->plan->source.kind != QN_SOURCE_VALUES)
            return refuse(v, "no values are walked");
        if (qn_type_bank((qn_sql_type)v->cp->plan->source.column_types[b].id) != QN_BANK_STR)
            return refuse(v, "column %u is not text", b);
        if (!load_column(v, s))
            return false;
        define(v, s, a, QN_BANK_I32);
        return true;
    case QN_OP_LOAD_SLOT:
        if (!in_phase(v, s, PHASE_BATCH))
            return false;
        if (p->slots[a].is_filter)
            return refuse(v, "a filter's slot has no values");
        return slot_by_row(v, s, &p->slots[a], true);
    case QN_OP_MOVE:
        if (!need(v, s, b, bank))
            return false;
        if (a != b)
            define(v, s, a, bank);
        return true;
    case QN_OP_BLANK:
        if (!bank_legal(v, DATA_BANKS))
            return false;
        spoil(v, s, a, (uint8_t)(bank | MERGEABLE));
        return true;
    case QN_OP_MERGE:
        if (!need(v, s, a, bank) || !need(v, s, b, bank))
            return false;
        if (v->written[v->level]) /* its value changes, the lanes it is good in do not */
            v->written[v->level][a] = 1;
        return (s->regs[a] & MERGEABLE) || refuse(v, "register %u does not come from BLANK", a);
    default: /* ROW_NUMBER */
        if (!in_phase(v, s, PHASE_BATCH))
            return false;
        define(v, s, a, QN_BANK_I64);
        return true;
    }
}

/* Families 20, 30 and 40 on the stack. */
static bool step_stack(verifier *v, state *s)
{
    uint8_t op = qn_instr_op(v->w);
    qn_bank bank = (qn_bank)qn_instr_bank(v->w);
    if (op == QN_OP_IS_NULL || op == QN_OP_NOT_NULL)
        return top(v, s, 0, bank) && bank_legal(v, DATA_BANKS) && replace(v, s, 1, QN_BANK_BOOL);
    if (op == QN_OP_AND || op == QN_OP_OR)
        return top(v, s, 0, QN_BANK_BOOL) && top(v, s, 1, QN_BANK_BOOL) && replace(v, s, 2, QN_BANK_BOOL);
    if (op == QN_OP_NOT || op == QN_OP_IS_TRUE || op == QN_OP_IS_FALSE)
        return top(v, s, 0, QN_BANK_BOOL);
    if (!bank_legal(v, op < QN_OP_EQ ? arithmetic_banks(op) : DATA_BANKS) || !top(v, s, 0, bank))
        return false;
    if (op == QN_OP_IN)
        return need_set_of(v, v->x[0], bank) && replace(v, s, 1, QN_BANK_BOOL);
    if (op == QN_OP_NEG || op == QN_OP_ABS)
        return true;
    bool same = op < QN_OP_EQ || op == QN_OP_GREATEST || op == QN_OP_LEAST;
    return top(v, s, 1, bank) && replace(v, s, 2, same ? bank : QN_BANK_BOOL);
}

/* Their register forms. */
static bool step_register(verifier *v, state *s)
{
    uint8_t  op = qn_instr_op(v->w) ^ 0x80;
    uint32_t a = v->x[0], b = v->x[1];
    qn_bank  bank = (qn_bank)qn_instr_bank(v->w);
    switch (op) {
    case QN_OP_IS_NULL:
    case QN_OP_NOT_NULL:
        if (!need(v, s, a, bank))
            return false;
        define(v, s, a, QN_BANK_BOOL);
        return true;
    case QN_OP_AND:
    case QN_OP_OR:
        if (!need(v, s, a, QN_BANK_BOOL) || !need(v, s, b, QN_BANK_BOOL))
            return false;
        if (v->written[v->level]) /* other lanes keep their value: what was good stays good */
            v->written[v->level][a] = 1;
        s->regs[a] = QN_BANK_BOOL;
        return true;
    case QN_OP_NOT:
    case QN_OP_IS_TRUE:
    case QN_OP_IS_FALSE:
        if (!need(v, s, a, QN_BANK_BOOL))
            return false;
        define(v, s, a, QN_BANK_BOOL);
        return true;
    case QN_OP_IN:
        if (!bank_legal(v, DATA_BANKS) || !need(v, s, a, bank) || !need_set_of(v, b, bank))
            return false;
        define(v, s, a, QN_BANK_BOOL);
        return true;
    default: break;
    }
    if (!bank_legal(v, op < QN_OP_EQ ? arithmetic_banks(op) : DATA_BANKS) || !need(v, s, a, bank))
        return false;
    if (op != QN_OP_NEG && op != QN_OP_ABS && !need(v, s, b, bank))
        return false;
    bool same = op < QN_OP_EQ || op == QN_OP_GREATEST || op == QN_OP_LEAST;
    define(v, s, a, same ? bank : QN_BANK_BOOL);
    return true;
}

static bool step_fold(verifier *v, state *s, const qn_aggregation *g, uint32_t first)
{
    if (v->x[2] != g->key_count + g->agg_count)
        return refuse(v, "the groups have %u keys and aggregates", g->key_count + g->agg_count);
    if ((uint64_t)first + v->x[2] > v->p->register_count)
        return refuse(v, "registers of keys and aggregates out of range");
    for (uint32_t i = 0; i < g->key_count; i++)
        if (!need(v, s, first + i, qn_type_bank((qn_sql_type)g->keys[i]->type.id)))
            return false;
    for (uint32_t i = 0; i < g->agg_count; i++) {
        const qn_agg_call *agg = &g->aggs[i];
        if (agg->filter || agg->argc > 1)
            return refuse(v, "aggregate %u needs instructions of its own", i);
        if (agg->argc && !need(v, s, first + g->key_count + i, qn_type_bank((qn_sql_type)agg->args[0]->type.id)))
            return false;
    }
    return true;
}

static bool step_aggregation(verifier *v, state *s)
{
    const qn_pipeline    *pl = v->cp->plan;
    const qn_aggregation *g = pl->aggregation;
    uint8_t               op = qn_instr_op(v->w);
    uint32_t              o = v->x[0], n = v->x[1];
    if (!pl->to_groups || o != pl->group_owner)
        return refuse(v, "the pipeline does not feed object %u", o);
    if (op == QN_OP_GROUP_FLUSH) {
        if (s->unlisted)
            return refuse(v, "the plan works on whole lists first");
        s->dirty = false;
        return in_phase(v, s, PHASE_DRAINED);
    }
    if (!in_phase(v, s, PHASE_BATCH))
        return false;
    if (op == QN_OP_GROUP_FIND) {
        if (v->x[2] != g->key_count)
            return refuse(v, "the groups have %u keys", g->key_count);
        for (uint32_t i = 0; i < g->key_count; i++) {
            if (n + i >= v->p->register_count)
                return refuse(v, "registers of the keys out of range");
            if (!need(v, s, n + i, qn_type_bank((qn_sql_type)g->keys[i]->type.id)))
                return false;
        }
        s->found = o;
        s->found_level = s->selections;
        return true;
    }
    if (op == QN_OP_GROUP_FOLD)
        return step_fold(v, s, g, n);
    if (s->found != o)
        return refuse(v, "no GROUP_FIND of object %u for these lanes", o);
    if (n >= g->agg_count)
        return refuse(v, "no aggregate %u", n);
    const qn_agg_call *agg = &g->aggs[n];
    bool               distinct = agg->distinct && agg->kind != QN_AGG_MIN && agg->kind != QN_AGG_MAX;
    if (distinct != (op == QN_OP_AGG_DISTINCT))
        return refuse(v, "aggregate %u is %sDISTINCT", n, distinct ? "" : "not ");
    uint32_t argc = op == QN_OP_AGG_COUNT ? 0 : op == QN_OP_AGG_UPDATE2 ? 2 : 1;
    if (agg->argc != argc)
        return refuse(v, "aggregate %u takes %u arguments", n, agg->argc);
    for (uint32_t i = 0; i < argc; i++)
        if (!need(v, s, v->x[2 + i], qn_type_bank((qn_sql_type)agg->args[i]->type.id)))
            return false;
    return true;
}

static bool emit(verifier *v, state *s)
{
    const qn_pipeline *pl = v->cp->plan;
    const qn_output   *o = &pl->output;
    uint32_t           first = v->x[1], n = v->x[2];
    if (!in_phase(v, s, PHASE_BATCH))
        return false;
    if (pl->to_groups || v->x[0] != pl->number)
        return refuse(v, "the pipeline does not put out to object %u", v->x[0]);
    if (n != o->target_count)
        return refuse(v, "the output has %u columns", o->target_count);
    for (uint32_t i = 0; i < n; i++) {
        if (first + i >= v->p->register_count)
            return refuse(v, "registers of the output out of range");
        if (!need(v, s, first + i, qn_type_bank((qn_sql_type)o->targets[i].expr->type.id)))
            return false;
    }
    return true;
}

static bool step_batch(verifier *v, state *s)
{
    uint8_t op = qn_instr_op(v->w);
    if (op == QN_OP_EMIT)
        return emit(v, s);
    if (s->phase != PHASE_BATCH && s->phase != PHASE_SLOT && s->phase != PHASE_SUBROUTINE)
        return refuse(v, "not allowed %s", phase_names[s->phase]);
    switch (op) {
    case QN_OP_SEL_SAVE:
        if (s->selections == QN_MAX_SELECTIONS)
            return refuse(v, "selections nested too deep");
        s->selections++;
        if (v->level && s->selections > v->current[v->level]->selections)
            v->current[v->level]->selections = s->selections;
        return true;
    case QN_OP_SEL_RESTORE:
        if (!s->selections)
            return refuse(v, "no selection is saved");
        for (uint32_t r = 0; r < v->p->register_count; r++)
            if (s->levels[r] == s->selections)
                s->regs[r] = QN_BANK_NONE;
        if (s->found_level == s->selections)
            s->found = NO_OBJECT;
        s->selections--;
        return true;
    default: /* FILTER and its relatives */
        if (op == QN_OP_SEL_NULL ? !need_set(v, s, v->x[0]) : !need(v, s, v->x[0], QN_BANK_BOOL))
            return false;
        if (!s->selections && s->phase == PHASE_SUBROUTINE)
            return refuse(v, "a subroutine narrows its caller's selection");
        s->narrowed |= !s->selections;
        return true;
    }
}

static bool step_calls(verifier *v, state *s)
{
    uint8_t  op = qn_instr_op(v->w);
    uint32_t f = v->x[0], n;
    qn_bank  from, to;
    switch (op) {
    case QN_OP_CALL_SCALAR:
        n = v->x[1];
        if (n > s->depth)
            return refuse(v, "the stack is empty");
        if (!check_call(v, f, n))
            return false;
        for (uint32_t i = 0; i < n; i++)
            if (!top(v, s, n - 1 - i, called_with(v, i)))
                return false;
        return replace(v, s, n, (qn_bank)qn_instr_bank(v->w));
    case QN_OP_CALL_LANES:
        n = v->x[3];
        if (n > v->p->register_count - v->x[2])
            return refuse(v, "registers of the arguments out of range");
        if (!check_call(v, f, n))
            return false;
        if (v->x[1] >= v->x[2] && v->x[1] - v->x[2] < n)
            return refuse(v, "the result overwrites an argument");
        for (uint32_t i = 0; i < n; i++)
            if (!need(v, s, v->x[2] + i, called_with(v, i)))
                return false;
        define(v, s, v->x[1], (qn_bank)qn_instr_bank(v->w));
        return true;
    case QN_OP_CAST_IO_S:
    case QN_OP_CAST_LENGTH_S:
        return check_cast(v, op == QN_OP_CAST_IO_S, &from, &to) && top(v, s, 0, from) && replace(v, s, 1, to);
    default: /* CAST_IO, CAST_LENGTH */
        if (!check_cast(v, op == QN_OP_CAST_IO, &from, &to) || !need(v, s, v->x[3], from))
            return false;
        if (v->x[2] == v->x[3])
            return refuse(v, "the result overwrites the argument");
        define(v, s, v->x[2], to);
        return true;
    }
}

/* ---- family D0 ----------------------------------------------------------------------------------- */

/* Next batch or next values of the source: all registers are forgotten. */
static bool next_batch(verifier *v, state *s, bool blocks, bool from_start)
{
    if (s->phase != PHASE_BATCH && !from_start)
        return refuse(v, "not allowed %s", phase_names[s->phase]);
    if (s->selections)
        return refuse(v, "selections are saved across batches");
    if (s->unlisted)
        return refuse(v, "the plan works on whole lists first");
    if (!head_note(v, s))
        return false;
    forget_registers(v, s);
    s->found = NO_OBJECT;
    s->narrowed = false;
    s->phase = PHASE_DRAINED;
    s->dirty = blocks && v->cp->plan->to_groups;
    if (!branch(v, s, v->x[0]))
        return false;
    s->phase = PHASE_BATCH;
    return true;
}

static bool slot_next(verifier *v, state *s, uint32_t slot)
{
    const qn_slot *t = &v->p->slots[slot];
    if (s->phase != PHASE_BLOCK && (s->phase != PHASE_SLOT || s->slot != slot))
        return refuse(v, "not allowed %s", phase_names[s->phase]);
    if (!(s->slots[slot] & SLOT_BEGUN))
        return refuse(v, "slot %u was not begun", slot);
    if (s->selections)
        return refuse(v, "selections are saved across distinct values");
    if (!head_note(v, s))
        return false;
    forget_registers(v, s);
    s->narrowed = false;
    s->phase = PHASE_BLOCK;
    uint8_t begun = s->slots[slot];
    s->slots[slot] = SLOT_READY;
    if (!branch(v, s, v->x[1]))
        return false;
    s->slots[slot] = begun;
    s->phase = PHASE_SLOT;
    s->slot = slot;
    define(v, s, t->in, (qn_bank)t->in_bank);
    return true;
}

static bool filter_slot(verifier *v, state *s, uint32_t slot)
{
    const qn_slot *t = &v->p->slots[slot];
    uint32_t       next = v->pc + 1;
    if (!in_phase(v, s, PHASE_BATCH))
        return false;
    if (!t->is_filter)
        return refuse(v, "slot %u is not a filter", slot);
    if (next >= v->end || qn_instr_op(v->p->code[next]) != QN_OP_FILTER || qn_operand1(v->p, v->p->code[next]) != t->out)
        return refuse(v, "no FILTER of register %u follows", t->out);
    return branch(v, s, v->pc + 2) && slot_by_row(v, s, t, false);
}

static bool step_pipeline(verifier *v, state *s)
{
    uint8_t  op = qn_instr_op(v->w), kind = v->cp->plan->source.kind;
    uint32_t a = v->x[0], b = v->x[1], column;
    bool     table = kind == QN_SOURCE_TABLE, values = kind == QN_SOURCE_VALUES, blocks = table || values;
    bool     has_slot = qn_op_describe(op)->layout[0] == 's';
    const qn_aggregation *g = v->cp->plan->aggregation;
    const qn_slot *slot = has_slot ? &v->p->slots[a] : NULL;
    if (op == QN_OP_BATCH_NEXT)
        return (!values || refuse(v, "the source gives values, not rows")) &&
               next_batch(v, s, blocks, s->phase == (table ? PHASE_BLOCK : PHASE_START));
    if (!blocks || (values && has_slot && slot->column != v->cp->plan->source.column) || (table && (op == QN_OP_VALUES_BEGIN || op == QN_OP_VALUES_NEXT)))
        return refuse(v, "the source does not have it");
    switch (op) {
    case QN_OP_BLOCK_BEGIN:
        if (!in_phase(v, s, PHASE_START))
            return false;
        s->phase = PHASE_DRAINED;
        if (!branch(v, s, a))
            return false;
        s->phase = PHASE_BLOCK;
        s->unlisted = v->cp->list_top || v->cp->list_distinct;
        return true;
    case QN_OP_BLOCK_END:
        if (!in_phase(v, s, PHASE_DRAINED) || (s->dirty && !refuse(v, "GROUP_FLUSH is missing")))
            return false;
        s->phase = PHASE_END;
        return true;
    case QN_OP_VALUES_BEGIN:
        if (a != (v->cp->plan->source.column == QN_NO_COLUMN ? 0xffffu : v->cp->plan->source.column) || b > 1)
            return refuse(v, "the plan walks another column");
        if (!in_phase(v, s, PHASE_BLOCK))
            return false;
        s->phase = PHASE_WALK;
        return true;
    case QN_OP_LIST_TOP:
    case QN_OP_LIST_DISTINCT:
        if ((!values && op == QN_OP_LIST_DISTINCT) || !v->cp->plan->to_groups || (op == QN_OP_LIST_TOP ? !v->cp->list_top : !v->cp->list_distinct))
            return refuse(v, "the plan does not work on whole lists");
        if (op == QN_OP_LIST_DISTINCT && (a >= g->agg_count || !g->aggs[a].distinct || g->aggs[a].kind != QN_AGG_COUNT || g->key_count))
            return refuse(v, "no count(DISTINCT) %u", a);
        if (!in_phase(v, s, values ? PHASE_WALK : PHASE_BLOCK))
            return false;
        s->phase = PHASE_DRAINED;
        if (!branch(v, s, op == QN_OP_LIST_TOP ? a : b))
            return false;
        s->phase = values ? PHASE_WALK : PHASE_BLOCK;
        s->unlisted = false;
        return true;
    case QN_OP_VALUES_NEXT:
        return next_batch(v, s, true, s->phase == PHASE_WALK);
    case QN_OP_SLOT_NEXT:
        return slot_next(v, s, a);
    case QN_OP_SLOT_STORE:
        if (!in_phase(v, s, PHASE_SLOT))
            return false;
        if (s->slot != a || s->narrowed || s->selections)
            return refuse(v, s->slot != a ? "values of another slot are visited" : "some values are not selected");
        return need(v, s, slot->out, (qn_bank)slot->out_bank);
    case QN_OP_FILTER_SLOT:
        return filter_slot(v, s, a);
    default: break;
    }
    if (!in_phase(v, s, PHASE_BLOCK))
        return false;
    switch (op) {
    case QN_OP_GROUP_FIXED:
        if (!table || !v->cp->plan->to_groups || !g->packs)
            return refuse(v, "the pipeline does not fold packed groups");
        s->phase = PHASE_DRAINED;
        if (!branch(v, s, a))
            return false;
        s->phase = PHASE_BLOCK;
        return true;
    case QN_OP_BLOCK_TOP:
        if (!table || a != v->cp->plan->number || !qn_plan_top_column(v->cp->plan, &column))
            return refuse(v, "the sink does not keep the first rows by a column");
        s->phase = PHASE_DRAINED;
        if (!branch(v, s, b))
            return false;
        s->phase = PHASE_BLOCK;
        return true;
    case QN_OP_SLOT_BEGIN:
        s->slots[a] = SLOT_READY;
        if (!branch(v, s, b))
            return false;
        s->slots[a] = SLOT_BEGUN;
        return true;
    case QN_OP_SLOT_PRUNE:
        if (!(s->slots[a] & SLOT_BEGUN))
            return refuse(v, "slot %u was not begun", a);
        if (slot->in_bank != QN_BANK_STR || v->p->constant_info[b].bank != QN_BANK_STR)
            return refuse(v, "a pattern of something else than text");
        if (!slot->is_filter || v->x[2] >= QN_PATTERN_KINDS)
            return refuse(v, slot->is_filter ? "unknown kind of pattern" : "not a filter");
        return true;
    case QN_OP_SLOT_RANGE:
        if ((v->x[2] & 0xff) < QN_OP_EQ || (v->x[2] & 0xff) > QN_OP_GE || v->x[2] > (QN_RANGE_OR | QN_RANGE_MORE | 0xff))
            return refuse(v, "unknown comparison");
        if ((v->x[2] & QN_RANGE_OR) && !(s->slots[a] & SLOT_READY))
            return refuse(v, "slot %u has no codes yet", a);
        if (v->p->constant_info[b].bank != slot->in_bank)
            return refuse(v, "constant %u is of another bank", b);
        break;
    case QN_OP_SLOT_IN:
        if (!need_set_of(v, b, (qn_bank)slot->in_bank))
            return false;
        break;
    default: /* BLOCK_SELECT */
        if (!slot->is_filter)
            return refuse(v, "slot %u is not a filter", a);
        if (!(s->slots[a] & SLOT_READY))
            return refuse(v, "slot %u is not filled", a);
        s->phase = PHASE_DRAINED;
        if (!branch(v, s, b))
            return false;
        s->phase = PHASE_BLOCK;
        return true;
    }
    if (!slot->is_filter)
        return refuse(v, "slot %u is not a filter", a);
    s->slots[a] = SLOT_READY;
    return true;
}

/* ---- sweeps -------------------------------------------------------------------------------------- */

/* A slot's result may share the codes in its input register, so nothing but the machine itself writes there. */
static bool inputs_note(verifier *v)
{
    v->inputs = qn_arena_array(v->arena, uint32_t, v->p->register_count + 1);
    if (!v->inputs)
        return no_memory(v);
    for (uint32_t i = 0; i < v->p->slot_count; i++) {
        const qn_slot *s = &v->p->slots[i];
        if (s->pipeline != v->cp->plan->number)
            continue;
        if (v->inputs[s->in] && v->inputs[s->in] != s->column + 1)
            return refuse(v, "register %u is the input of slots over two columns", s->in);
        v->inputs[s->in] = s->column + 1;
    }
    for (uint32_t i = 0; i < v->p->slot_count; i++) {
        const qn_slot *s = &v->p->slots[i];
        if (s->pipeline == v->cp->plan->number && v->inputs[s->out])
            return refuse(v, "register %u is the input of one slot and the result of another", s->out);
    }
    return true;
}

/* The register that the instruction at hand names as its result, or register_count. */
static uint32_t destination(const verifier *v)
{
    uint8_t op = qn_instr_op(v->w), family = op >> 4;
    if (family >= 0xA && family <= 0xC)
        return v->x[0];
    if (op == QN_OP_CALL_LANES)
        return v->x[1];
    if (op == QN_OP_CAST_IO || op == QN_OP_CAST_LENGTH)
        return v->x[2];
    return family == 1 && qn_op_describe(op)->layout[0] == 'r' ? v->x[0] : v->p->register_count;
}

/* Where each opcode may stand. */
static bool placed(verifier *v)
{
    uint8_t op = qn_instr_op(v->w), family = op >> 4;
    bool    stack = (family >= 2 && family <= 4) || op == QN_OP_CONST || op == QN_OP_STORE || op == QN_OP_CALL_SCALAR ||
                 op == QN_OP_CAST_IO_S || op == QN_OP_CAST_LENGTH_S || (op >= QN_OP_RUN && op <= QN_OP_POP);
    bool    anywhere = op == QN_OP_HALT || op == QN_OP_JUMP;
    if (v->cp)
        return !stack || refuse(v, "belongs into the main range");
    return stack || anywhere || refuse(v, "does not belong into the main range");
}

static bool step(verifier *v, state *s, bool *falls)
{
    *falls = true;
    if (!placed(v))
        return false;
    if (v->cp && destination(v) < v->p->register_count && v->inputs[destination(v)])
        return refuse(v, "writes the input register %u of a slot", destination(v));
    switch (qn_instr_op(v->w) >> 4) {
    case 0x0: return step_control(v, s, falls);
    case 0x1: return step_load(v, s);
    case 0x2:
    case 0x3:
    case 0x4: return step_stack(v, s);
    case 0x5: return step_aggregation(v, s);
    case 0x6: return qn_instr_op(v->w) == QN_OP_BLOCK_TOP ? step_pipeline(v, s) : step_batch(v, s);
    case 0x7: return step_calls(v, s);
    case 0xA:
    case 0xB:
    case 0xC:
        if (s->phase != PHASE_BATCH && s->phase != PHASE_SLOT && s->phase != PHASE_SUBROUTINE)
            return refuse(v, "not allowed %s", phase_names[s->phase]);
        return step_register(v, s);
    case 0xD: return step_pipeline(v, s);
    default: return refuse(v, "unknown family");
    }
}

/* Read the code from entry on, taking up each forward jump at its target. */
static bool sweep(verifier *v, uint32_t entry, state *first)
{
    state  *s = first;
    state **pending = v->pending[v->level];
    for (uint32_t pc = entry; pc < v->end; pc++) {
        v->pc = pc;
        state *arriving = pending[pc - v->begin];
        if (arriving) {
            pending[pc - v->begin] = NULL;
            v->open[v->level]--;
            if (!s) {
                s = arriving;
            } else {
                if (!state_merge(v, s, arriving))
                    return false;
                state_free(v, arriving);
            }
        }
        if (!s) {
            if (!v->open[v->level])
                return true;
            continue;
        }
        bool falls;
        v->w = v->p->code[pc];
        qn_code_operands(v->p, v->w, v->x);
        if (!step(v, s, &falls))
            return false;
        if (!falls) {
            state_free(v, s);
            s = NULL;
        }
    }
    return !s || refuse(v, "control runs past the end of the range");
}

static bool range(verifier *v, uint32_t begin, uint32_t end, const qn_code_pipeline *cp)
{
    v->begin = begin;
    v->end = end;
    v->cp = cp;
    v->pc = begin;
    v->level = 0;
    v->heads = NULL;
    memset(v->pending, 0, sizeof v->pending);
    memset(v->open, 0, sizeof v->open);
    v->pending[0] = qn_arena_array(v->arena, state *, end - begin);
    if (cp) {
        v->subs = qn_arena_array(v->arena, sub *, end - begin);
        v->heads = qn_arena_array(v->arena, uint8_t *, end - begin);
    }
    state *first = state_first(v, cp ? PHASE_START : PHASE_MAIN);
    if (!first)
        return false;
    if (!v->pending[0] || (cp && (!v->subs || !v->heads)))
        return no_memory(v);
    if (cp && !inputs_note(v))
        return false;
    return sweep(v, begin, first);
}

qn_status qn_code_verify(const qn_program *program, uint32_t *stack_depth, qn_arena *scratch, qn_error *err)
{
    qn_status st = QN_OK;
    verifier  v = {.p = program, .arena = scratch, .err = err, .st = QN_OK};
    QN_TRY(qn_code_verify_tables(program, err));
    bool ok = range(&v, 0, program->pipeline_count ? program->pipelines[0].begin : program->code_count, NULL);
    for (uint32_t i = 0; i < program->pipeline_count && ok; i++)
        ok = range(&v, program->pipelines[i].begin, program->pipelines[i].end, &program->pipelines[i]);
    QN_ASSERT(ok == (v.st == QN_OK));
    *stack_depth = v.deepest;
    QN_TRY(v.st);
done:
    return st;
}
