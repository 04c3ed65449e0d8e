/* Code generation: physical plan to bytecode.
 *
 * Constant expressions become stack code in the prologue, once per execution.  Everything else is
 * register code: a value of the current batch lives in a register; an operation replaces its first operand.
 * Columns are loaded where they are first needed; what is loaded under a condition (a CASE branch) is
 * forgotten behind it, because the branch may have been skipped.
 *
 * Over table rows, each largest subexpression over one column becomes a slot: a subroutine that the
 * prologue of the block calls per distinct value, or the batch calls per row where that is cheaper.
 *
 * The emitter's status is sticky: after a failure it goes on writing nowhere, and the caller asks once.
 *
 * The file is one phase and long for it: stack code, register code and pipelines all write through one emitter. */
#include "code/code_int.h"

#include "base/assert.h"
#include "base/hash.h"
#include "type/pattern.h"

#define NO_REGISTER UINT32_MAX
#define WIDE_SEEN 1024u

typedef struct pooled { /* a constant expression of a pipeline and its slot in the constant table */
    const qn_expr *expr;
    uint32_t       constant;
} pooled;

typedef struct known_set { /* an IN list and the constant set made for it */
    const qn_expr *in;
    uint32_t       set;
} known_set;

typedef struct emitter {
    qn_arena *arena;
    qn_error *err;
    qn_status st;

    uint32_t         *code;
    uint32_t          code_count, code_capacity;
    uint32_t         *wide;
    uint32_t          wide_count, wide_capacity;
    qn_datum         *constants;
    bool             *nulls;
    qn_constant_info *infos;
    uint32_t          constant_count, constant_capacity;
    pooled           *pool;
    uint32_t          pool_count, pool_capacity;
    uint32_t         *pool_heads; /* hash table: index + 1 in pool[] */
    uint32_t          pool_mask;
    qn_facts          facts;
    uint32_t          wide_seen[WIDE_SEEN]; /* by hash: position + 1 of words written before */
    qn_constant_set  *sets;
    uint32_t          set_count, set_capacity;
    known_set        *known_sets;
    uint32_t          known_set_count, known_set_capacity;
    qn_slot          *slots;
    const qn_expr   **slot_exprs;
    uint64_t         *slot_hashes;
    uint32_t          slot_count, slot_capacity;
    qn_code_location *locations;
    uint32_t          location_count, location_capacity;
    qn_call_types    *call_types;
    uint32_t          call_type_count, call_type_capacity;
    uint8_t           banks[QN_MAX_REGISTERS];

    const qn_plan    *plan;
    qn_code_pipeline *pipelines;

    /* the pipeline at hand */
    const qn_pipeline *pl;
    uint32_t           next_register, register_count;
    uint32_t           free_registers[QN_MAX_REGISTERS];
    uint32_t           free_count;
    uint32_t          *column_registers; /* NO_REGISTER: not loaded */
    uint32_t          *slot_registers;
    uint32_t           inside_slot;      /* index + 1 of the slot whose subroutine is written */
    uint32_t          *undo;             /* loads to forget at the end of a branch: column, or ~slot */
    uint32_t           undo_count, undo_capacity;
    uint32_t           selection_depth;
    bool               guarded; /* collecting constants where an earlier constant may decide */
} emitter;

static bool is_constant(emitter *e, const qn_expr *x) { return qn_facts_of(&e->facts, x).constant; }
static bool can_fail(emitter *e, const qn_expr *x) { return qn_facts_of(&e->facts, x).can_fail; }

/* ---- growing things -------------------------------------------------------------------------- */

static bool grow(emitter *e, void *array, uint32_t count, uint32_t *capacity, size_t size)
{
    void **p = array;
    if (count < *capacity)
        return true;
    uint32_t larger = *capacity ? *capacity * 2 : 64;
    void    *grown = qn_arena_grow(e->arena, *p, count, larger, size);
    if (!grown) {
        if (e->st == QN_OK)
            e->st = qn_nomem(e->err);
        return false;
    }
    *p = grown;
    *capacity = larger;
    return true;
}

static void fail_limit(emitter *e, const char *what)
{
    if (e->st == QN_OK) {
        e->st = qn_fail(e->err, QN_SQLSTATE_TOO_COMPLEX, "statement too complex: %s", what);
        qn_error_hint(e->err, "Split the statement into smaller ones.");
    }
}

static uint32_t word(emitter *e, uint8_t op, uint8_t flags, uint32_t operand)
{
    if (!grow(e, &e->code, e->code_count, &e->code_capacity, sizeof *e->code))
        return 0;
    QN_ASSERT(operand <= UINT16_MAX);
    e->code[e->code_count] = qn_instr_make(op, flags, (uint16_t)operand);
    return e->code_count++;
}

/* Words that stand in the side table already serve again: a thousand calls of one function need them once. */
static uint32_t wide_words(emitter *e, const uint32_t *words, uint32_t n)
{
    uint32_t  at = e->wide_count;
    uint32_t *seen = &e->wide_seen[qn_hash64(words, n * sizeof *words, n) % WIDE_SEEN];
    if (*seen && *seen - 1 + n <= at && memcmp(e->wide + *seen - 1, words, n * sizeof *words) == 0)
        return *seen - 1;
    for (uint32_t i = 0; i < n; i++) {
        if (!grow(e, &e->wide, e->wide_count, &e->wide_capacity, sizeof *e->wide))
            return 0;
        e->wide[e->wide_count++] = words[i];
    }
    if (at > UINT16_MAX) {
        fail_limit(e, "more than 65,536 wide operands");
        return 0;
    }
    *seen = at + 1;
    return at;
}

static uint8_t flags_of(uint8_t op, qn_bank bank)
{
    bool reg = op >= 0xA0 && op <= 0xCF;
    return (uint8_t)(bank << QN_FLAG_BANK_SHIFT | QN_FLAG_NULLABLE | (reg ? QN_FLAG_REGISTER : 0));
}

static uint32_t emit0(emitter *e, uint8_t op, qn_bank bank) { return word(e, op, flags_of(op, bank), 0); }

static uint32_t emit1(emitter *e, uint8_t op, qn_bank bank, uint32_t a)
{
    uint8_t flags = flags_of(op, bank);
    if (a <= UINT16_MAX)
        return word(e, op, flags, a);
    return word(e, op, flags | QN_FLAG_WIDE, wide_words(e, &a, 1));
}

static uint32_t emit2(emitter *e, uint8_t op, qn_bank bank, uint32_t a, uint32_t b)
{
    uint8_t flags = flags_of(op, bank);
    if (a <= UINT8_MAX && b <= UINT8_MAX)
        return word(e, op, flags, a | b << 8);
    return word(e, op, flags | QN_FLAG_WIDE, wide_words(e, (uint32_t[]){a, b}, 2));
}

static uint32_t emitn(emitter *e, uint8_t op, qn_bank bank, const uint32_t *words, uint32_t n)
{
    return word(e, op, flags_of(op, bank) | QN_FLAG_WIDE, wide_words(e, words, n));
}

static void locate(emitter *e, int32_t location)
{
    if (location < 0 || !grow(e, &e->locations, e->location_count, &e->location_capacity, sizeof *e->locations))
        return;
    e->locations[e->location_count++] = (qn_code_location){e->code_count, location};
}

/* Remember the SQL types of the arguments of the call written next. */
static void note_types(emitter *e, const qn_expr *x)
{
    uint8_t *types = qn_arena_array(e->arena, uint8_t, x->argc + 1);
    if (!types) {
        if (e->st == QN_OK)
            e->st = qn_nomem(e->err);
        return;
    }
    for (uint32_t i = 0; i < x->argc; i++)
        types[i] = x->args[i]->type.id;
    if (grow(e, &e->call_types, e->call_type_count, &e->call_type_capacity, sizeof *e->call_types))
        e->call_types[e->call_type_count++] = (qn_call_types){e->code_count, x->argc, types};
}

/* Forward jumps: written with operand 0 and patched when the target is known. */
static void patch1(emitter *e, uint32_t at, uint32_t target)
{
    if (e->st != QN_OK)
        return;
    uint32_t w = e->code[at];
    if (target <= UINT16_MAX) {
        e->code[at] = qn_instr_make(qn_instr_op(w), qn_instr_flags(w), (uint16_t)target);
    } else {
        uint32_t x = wide_words(e, &target, 1);
        e->code[at] = qn_instr_make(qn_instr_op(w), qn_instr_flags(w) | QN_FLAG_WIDE, (uint16_t)x);
    }
}

/* Two-operand instructions whose second operand is a jump target always go through the side table when the
 * target does not fit a byte. */
static void patch2(emitter *e, uint32_t at, uint32_t first, uint32_t target)
{
    if (e->st != QN_OK)
        return;
    uint32_t w = e->code[at];
    if (first <= UINT8_MAX && target <= UINT8_MAX) {
        e->code[at] = qn_instr_make(qn_instr_op(w), qn_instr_flags(w), (uint16_t)(first | target << 8));
    } else {
        uint32_t x = wide_words(e, (uint32_t[]){first, target}, 2);
        e->code[at] = qn_instr_make(qn_instr_op(w), qn_instr_flags(w) | QN_FLAG_WIDE, (uint16_t)x);
    }
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint32_t reg_new(emitter *e, qn_bank bank)
{
    uint32_t r;
    if (e->free_count) {
        r = e->free_registers[--e->free_count];
    } else {
        if (e->next_register == QN_MAX_REGISTERS) {
            fail_limit(e, "too many columns or expressions");
            return 0;
        }
        r = e->next_register++;
        if (e->next_register > e->register_count)
            e->register_count = e->next_register;
    }
    e->banks[r] = (uint8_t)bank;
    return r;
}

static uint32_t reg_block(emitter *e, uint32_t n)
{
    uint32_t r = e->next_register;
    if (n > QN_MAX_REGISTERS - r) {
        fail_limit(e, "too many columns or expressions");
        return 0;
    }
    e->next_register += n;
    if (e->next_register > e->register_count)
        e->register_count = e->next_register;
    return r;
}

static void reg_free(emitter *e, uint32_t r)
{
    QN_ASSERT(e->free_count < QN_MAX_REGISTERS);
    e->free_registers[e->free_count++] = r;
}

typedef struct value {
    uint32_t reg;
    bool     temp; /* ours to overwrite and to free */
} value;

static void value_free(emitter *e, value v)
{
    if (v.temp)
        reg_free(e, v.reg);
}

/* A register that may be overwritten, holding v. */
static value value_own(emitter *e, value v, qn_bank bank)
{
    if (v.temp)
        return v;
    uint32_t r = reg_new(e, bank);
    emit2(e, QN_OP_MOVE, bank, r, v.reg);
    return (value){r, true};
}

/* ---- constants ------------------------------------------------------------------------------- */

static uint32_t constant_add(emitter *e, qn_type type, const qn_datum *v, bool null)
{
    uint32_t old = e->constant_capacity, cap = old, cap2 = old, cap3 = old;
    if (!grow(e, &e->constants, e->constant_count, &cap, sizeof *e->constants) ||
        !grow(e, &e->nulls, e->constant_count, &cap2, sizeof *e->nulls) ||
        !grow(e, &e->infos, e->constant_count, &cap3, sizeof *e->infos))
        return 0;
    e->constant_capacity = cap;
    uint32_t k = e->constant_count++;
    if (v && !null)
        e->constants[k] = *v;
    else
        memset(&e->constants[k], 0, sizeof e->constants[k]);
    e->nulls[k] = null;
    e->infos[k] = (qn_constant_info){.type = type, .bank = (uint8_t)qn_type_bank(type.id), .param = -1, .location = -1};
    return k;
}

static void scalar(emitter *e, const qn_expr *x);

/* Constant expression in a slot of its own, never shared (IN lists, VALUES rows need neighbours). */
static uint32_t constant_fresh(emitter *e, const qn_expr *x)
{
    uint32_t k;
    if (x->kind == QN_EXPR_CONST) {
        k = constant_add(e, x->type, &x->value, x->null);
        if (e->st == QN_OK && x->literal)
            e->infos[k].location = x->location;
        return k;
    }
    k = constant_add(e, x->type, NULL, true);
    if (e->st != QN_OK)
        return 0;
    if (x->kind == QN_EXPR_PARAM)
        e->infos[k].param = (int32_t)x->index;
    else
        e->infos[k].computed = true;
    return k;
}

/* Stack slots that scalar() takes for x. */
static uint32_t stack_need(const qn_expr *x)
{
    bool     branches = x->kind == QN_EXPR_CASE || x->kind == QN_EXPR_COALESCE;
    bool     folds = x->kind == QN_EXPR_AND || x->kind == QN_EXPR_OR || x->kind == QN_EXPR_GREATEST || x->kind == QN_EXPR_LEAST;
    uint32_t most = 1;
    for (uint32_t i = 0; i < (x->kind == QN_EXPR_IN ? 1 : x->argc); i++) {
        uint32_t below = branches ? 0 : folds ? i > 0 : i, need = below + stack_need(x->args[i]);
        most = need > most ? need : most;
    }
    return most;
}

/* Prologue code for the computed constants first … first+count-1 that stand for exprs. */
static void constant_compute(emitter *e, uint32_t k, const qn_expr *x)
{
    if (e->st != QN_OK || !e->infos[k].computed)
        return;
    if (stack_need(x) > QN_MAX_STACK) {
        fail_limit(e, "constant expressions nested too deeply");
        return;
    }
    scalar(e, x);
    emit1(e, QN_OP_STORE, qn_type_bank(x->type.id), k);
}

/* ---- stack code ------------------------------------------------------------------------------ */

static void push_constant(emitter *e, const qn_expr *x)
{
    uint32_t k = constant_fresh(e, x);
    emit1(e, QN_OP_CONST, qn_type_bank(x->type.id), k);
}

static void scalar_case(emitter *e, const qn_expr *x)
{
    uint32_t *ends = qn_arena_array(e->arena, uint32_t, x->argc + 1);
    uint32_t  n = 0;
    if (!ends) {
        if (e->st == QN_OK)
            e->st = qn_nomem(e->err);
        return;
    }
    for (uint32_t i = 0; i + 1 < x->argc; i += 2) {
        scalar(e, x->args[i]);
        uint32_t next = emit1(e, QN_OP_JUMP_NOT_TRUE, QN_BANK_BOOL, 0);
        scalar(e, x->args[i + 1]);
        ends[n++] = emit1(e, QN_OP_JUMP, QN_BANK_NONE, 0);
        patch1(e, next, e->code_count);
    }
    scalar(e, x->args[x->argc - 1]);
    for (uint32_t i = 0; i < n; i++)
        patch1(e, ends[i], e->code_count);
}

/* char(n) compares without the blanks at its end, which GREATEST and LEAST must be told. */
static uint8_t blanks_of(const qn_expr *x)
{
    bool extreme = x->kind == QN_EXPR_GREATEST || x->kind == QN_EXPR_LEAST;
    return extreme && x->type.id == QN_TYPE_CHAR ? QN_FLAG_BLANKS : 0;
}

/* AND, OR, COALESCE and friends: fold args from left to right, leaving early by `jump`. */
static void scalar_fold(emitter *e, const qn_expr *x, int jump, int combine, qn_bank bank)
{
    uint8_t   flags = (uint8_t)(flags_of((uint8_t)combine, bank) | blanks_of(x));
    uint32_t *ends = qn_arena_array(e->arena, uint32_t, x->argc + 1);
    uint32_t  n = 0;
    if (!ends) {
        if (e->st == QN_OK)
            e->st = qn_nomem(e->err);
        return;
    }
    scalar(e, x->args[0]);
    for (uint32_t i = 1; i < x->argc; i++) {
        if (jump)
            ends[n++] = emit1(e, (uint8_t)jump, bank, 0);
        if (combine)
            scalar(e, x->args[i]), word(e, (uint8_t)combine, flags, 0);
        else
            emit0(e, QN_OP_POP, bank), scalar(e, x->args[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        patch1(e, ends[i], e->code_count);
}

static uint32_t set_add(emitter *e, const qn_expr *in);

static void scalar(emitter *e, const qn_expr *x)
{
    qn_bank bank = qn_type_bank(x->type.id);
    if (e->st != QN_OK)
        return;
    switch ((qn_expr_kind)x->kind) {
    case QN_EXPR_CONST:
    case QN_EXPR_PARAM:
        push_constant(e, x);
        break;
    case QN_EXPR_CALL: {
        const qn_function *f = qn_function_by_id(x->index);
        for (uint32_t i = 0; i < x->argc; i++)
            scalar(e, x->args[i]);
        locate(e, x->location);
        if (f->op)
            emit0(e, f->op, qn_type_bank(x->args[0]->type.id));
        else
            note_types(e, x), emitn(e, QN_OP_CALL_SCALAR, bank, (uint32_t[]){x->index, x->argc}, 2);
        break;
    }
    case QN_EXPR_RELABEL:
        scalar(e, x->args[0]);
        break;
    case QN_EXPR_IO_CAST:
        scalar(e, x->args[0]);
        locate(e, x->location);
        emitn(e, QN_OP_CAST_IO_S, bank,
              (uint32_t[]){(uint32_t)x->args[0]->type.id << 8 | x->type.id, (uint32_t)x->type.typmod}, 2);
        break;
    case QN_EXPR_LENGTH_CAST:
        scalar(e, x->args[0]);
        locate(e, x->location);
        emitn(e, QN_OP_CAST_LENGTH_S, bank,
              (uint32_t[]){(uint32_t)x->explicit_ << 8 | x->type.id, (uint32_t)x->type.typmod}, 2);
        break;
    case QN_EXPR_AND:
        scalar_fold(e, x, QN_OP_JUMP_FALSE, QN_OP_AND, QN_BANK_BOOL);
        break;
    case QN_EXPR_OR:
        scalar_fold(e, x, QN_OP_JUMP_TRUE, QN_OP_OR, QN_BANK_BOOL);
        break;
    case QN_EXPR_COALESCE:
        scalar_fold(e, x, QN_OP_JUMP_NOT_NULL, 0, bank);
        break;
    case QN_EXPR_GREATEST:
        scalar_fold(e, x, 0, QN_OP_GREATEST, bank);
        break;
    case QN_EXPR_LEAST:
        scalar_fold(e, x, 0, QN_OP_LEAST, bank);
        break;
    case QN_EXPR_NOT:
        scalar(e, x->args[0]);
        emit0(e, QN_OP_NOT, QN_BANK_BOOL);
        break;
    case QN_EXPR_IS_NULL:
        scalar(e, x->args[0]);
        emit0(e, QN_OP_IS_NULL, qn_type_bank(x->args[0]->type.id));
        break;
    case QN_EXPR_IS_NOT_NULL:
        scalar(e, x->args[0]);
        emit0(e, QN_OP_NOT_NULL, qn_type_bank(x->args[0]->type.id));
        break;
    case QN_EXPR_BOOL_TEST: {
        scalar(e, x->args[0]);
        bool unknown = x->index == QN_IS_UNKNOWN || x->index == QN_IS_NOT_UNKNOWN;
        bool falsity = x->index == QN_IS_FALSE || x->index == QN_IS_NOT_FALSE;
        emit0(e, unknown ? QN_OP_IS_NULL : falsity ? QN_OP_IS_FALSE : QN_OP_IS_TRUE, QN_BANK_BOOL);
        if (x->index == QN_IS_NOT_TRUE || x->index == QN_IS_NOT_FALSE || x->index == QN_IS_NOT_UNKNOWN)
            emit0(e, QN_OP_NOT, QN_BANK_BOOL);
        break;
    }
    case QN_EXPR_IS_DISTINCT:
        scalar(e, x->args[0]);
        scalar(e, x->args[1]);
        emit0(e, QN_OP_DISTINCT, qn_type_bank(x->args[0]->type.id));
        break;
    case QN_EXPR_CASE:
        scalar_case(e, x);
        break;
    case QN_EXPR_IN:
        scalar(e, x->args[0]);
        emit1(e, QN_OP_IN, qn_type_bank(x->args[0]->type.id), set_add(e, x));
        break;
    case QN_EXPR_COLUMN:
    case QN_EXPR_KEY:
    case QN_EXPR_AGG:
        QN_UNREACHABLE();
    }
}

/* ---- the constant pool of pipelines ------------------------------------------------------------ */

/* All constants are collected, and the prologue that computes them is written, before any pipeline. */
static uint64_t pool_hash(emitter *e, const qn_expr *x)
{
    return x->literal ? qn_mix64((uintptr_t)x) : qn_facts_of(&e->facts, x).hash;
}

/* A literal is only ever itself, because the program cache may give it another value. */
static pooled *pool_of(emitter *e, const qn_expr *x)
{
    for (uint32_t at = (uint32_t)pool_hash(e, x) & e->pool_mask; e->pool_heads && e->pool_heads[at]; at = (at + 1) & e->pool_mask) {
        pooled *p = &e->pool[e->pool_heads[at] - 1];
        if (p->expr == x || (!x->literal && !p->expr->literal && qn_plan_expr_equal(p->expr, x)))
            return p;
    }
    return NULL;
}

static void pool_link(emitter *e, uint32_t i)
{
    uint32_t at = (uint32_t)pool_hash(e, e->pool[i].expr) & e->pool_mask;
    while (e->pool_heads[at])
        at = (at + 1) & e->pool_mask;
    e->pool_heads[at] = i + 1;
}

static bool pool_rehash(emitter *e)
{
    uint32_t capacity = e->pool_heads ? (e->pool_mask + 1) * 2 : 256;
    e->pool_heads = qn_arena_array(e->arena, uint32_t, capacity);
    if (!e->pool_heads) {
        if (e->st == QN_OK)
            e->st = qn_nomem(e->err);
        return false;
    }
    e->pool_mask = capacity - 1;
    for (uint32_t i = 0; i < e->pool_count; i++)
        pool_link(e, i);
    return true;
}

static void pool_add(emitter *e, const qn_expr *x)
{
    if (pool_of(e, x))
        return;
    uint32_t k = constant_fresh(e, x);
    constant_compute(e, k, x);
    if (!grow(e, &e->pool, e->pool_count, &e->pool_capacity, sizeof *e->pool) ||
        (e->pool_count * 2 >= e->pool_mask && !pool_rehash(e)))
        return;
    e->pool[e->pool_count] = (pooled){x, k};
    pool_link(e, e->pool_count++);
}

static uint32_t set_add(emitter *e, const qn_expr *in)
{
    for (uint32_t i = 0; i < e->known_set_count; i++)
        if (e->known_sets[i].in == in)
            return e->known_sets[i].set;
    uint32_t first = e->constant_count;
    for (uint32_t i = 1; i < in->argc; i++)
        constant_fresh(e, in->args[i]);
    if (e->st != QN_OK || !grow(e, &e->sets, e->set_count, &e->set_capacity, sizeof *e->sets))
        return 0;
    uint32_t set = e->set_count++;
    e->sets[set] = (qn_constant_set){first, in->argc - 1};
    if (grow(e, &e->known_sets, e->known_set_count, &e->known_set_capacity, sizeof *e->known_sets))
        e->known_sets[e->known_set_count++] = (known_set){in, set};
    for (uint32_t i = 1; i < in->argc; i++)
        constant_compute(e, first + i - 1, in->args[i]);
    return set;
}

/* Find every constant subexpression of a pipeline's expression and give it a slot.
 *
 * The prologue computes them all, so `CASE WHEN a > 0 THEN 1 / 0 END` fails whatever a is, as in PostgreSQL.
 * Behind a constant that may decide, as in CASE WHEN 1 = 2 or COALESCE(5, …), PostgreSQL leaves out what cannot be
 * reached: there, what could fail is not given a slot but computed where it stands, for the lanes that come by. */
static void collect_constants(emitter *e, const qn_expr *x)
{
    bool outer = e->guarded;
    if (e->st != QN_OK)
        return;
    if (is_constant(e, x) && !(e->guarded && can_fail(e, x))) {
        pool_add(e, x);
        return;
    }
    if (x->kind == QN_EXPR_CASE || x->kind == QN_EXPR_COALESCE || x->kind == QN_EXPR_AND || x->kind == QN_EXPR_OR) {
        for (uint32_t i = 0; i < x->argc; i++) {
            bool decides = x->kind != QN_EXPR_CASE || (i % 2 == 0 && i + 1 < x->argc);
            collect_constants(e, x->args[i]);
            e->guarded = e->guarded || (decides && qn_expr_is_immutable(x->args[i]));
        }
        e->guarded = outer;
        return;
    }
    if (x->kind == QN_EXPR_IN) {
        collect_constants(e, x->args[0]);
        set_add(e, x);
        return;
    }
    for (uint32_t i = 0; i < x->argc; i++)
        collect_constants(e, x->args[i]);
}

/* ---- slots ----------------------------------------------------------------------------------- */

static bool is_slot_expr(emitter *e, const qn_expr *x)
{
    if (e->pl->source.kind != QN_SOURCE_TABLE || x->kind == QN_EXPR_COLUMN || x->kind == QN_EXPR_RELABEL)
        return false;
    qn_expr_facts f = qn_facts_of(&e->facts, x);
    return f.column >= 0 && !f.is_volatile;
}

static int slot_find(emitter *e, const qn_expr *x, bool filter)
{
    uint64_t hash = qn_facts_of(&e->facts, x).hash;
    for (uint32_t i = 0; i < e->slot_count; i++)
        if (e->slots[i].pipeline == e->pl->number && e->slots[i].is_filter == filter &&
            e->slot_hashes[i] == hash && qn_plan_expr_equal(e->slot_exprs[i], x))
            return (int)i;
    return -1;
}

static bool is_length_of_column(const qn_expr *x)
{
    if (x->kind != QN_EXPR_CALL || x->argc != 1 || x->args[0]->kind == QN_EXPR_CALL)
        return false;
    const qn_expr *arg = x->args[0];
    if (arg->kind == QN_EXPR_RELABEL)
        arg = arg->args[0];
    if (arg->kind != QN_EXPR_COLUMN || (arg->type.id != QN_TYPE_TEXT && arg->type.id != QN_TYPE_VARCHAR))
        return false;
    const char *name = qn_function_by_id(x->index)->name;
    return !strcmp(name, "length") || !strcmp(name, "char_length") || !strcmp(name, "character_length");
}

static int slot_add(emitter *e, const qn_expr *x, bool filter)
{
    int found = slot_find(e, x, filter);
    if (found >= 0 || e->st != QN_OK)
        return found;
    uint32_t cap = e->slot_capacity, cap2 = cap;
    if (!grow(e, &e->slot_exprs, e->slot_count, &cap, sizeof *e->slot_exprs) ||
        !grow(e, &e->slot_hashes, e->slot_count, &cap2, sizeof *e->slot_hashes) ||
        !grow(e, &e->slots, e->slot_count, &e->slot_capacity, sizeof *e->slots))
        return -1;
    uint32_t column = (uint32_t)qn_facts_of(&e->facts, x).column;
    qn_type  type = e->pl->source.column_types[column];
    e->slot_exprs[e->slot_count] = x;
    e->slot_hashes[e->slot_count] = qn_facts_of(&e->facts, x).hash;
    e->slots[e->slot_count] = (qn_slot){.pipeline = e->pl->number,
                                        .column = column,
                                        .entry = QN_NO_ENTRY,
                                        .in_bank = (uint8_t)qn_type_bank(type.id),
                                        .out_bank = (uint8_t)qn_type_bank(x->type.id),
                                        .is_filter = filter,
                                        .lengths = is_length_of_column(x)};
    return (int)e->slot_count++;
}

static void collect_slots(emitter *e, const qn_expr *x)
{
    if (e->st != QN_OK || is_constant(e, x))
        return;
    if (is_slot_expr(e, x)) {
        slot_add(e, x, false);
        return;
    }
    for (uint32_t i = 0; i < x->argc; i++)
        collect_slots(e, x->args[i]);
}

/* ---- register code ---------------------------------------------------------------------------- */

static value compile(emitter *e, const qn_expr *x, uint32_t want);

static void note_load(emitter *e, uint32_t key)
{
    if (e->selection_depth && grow(e, &e->undo, e->undo_count, &e->undo_capacity, sizeof *e->undo))
        e->undo[e->undo_count++] = key;
}

/* Forget loads made since `mark`: the code that made them may have been skipped. */
static void forget_loads(emitter *e, uint32_t mark)
{
    while (e->undo_count > mark) {
        uint32_t key = e->undo[--e->undo_count];
        if (key & 0x80000000u) {
            e->slot_registers[key & 0x7fffffffu] = NO_REGISTER;
        } else {
            reg_free(e, e->column_registers[key]);
            e->column_registers[key] = NO_REGISTER;
        }
    }
}

static value load_column(emitter *e, uint32_t column, qn_type type, uint32_t want)
{
    qn_bank bank = qn_type_bank(type.id);
    if (e->inside_slot)
        return (value){e->slots[e->inside_slot - 1].in, false};
    if (e->column_registers[column] != NO_REGISTER)
        return (value){e->column_registers[column], false};
    bool     cached = want == NO_REGISTER;
    uint32_t r = cached ? reg_new(e, bank) : want;
    e->banks[r] = (uint8_t)bank;
    emit2(e, QN_OP_LOAD_COLUMN, bank, r, column);
    if (cached && e->st == QN_OK) {
        e->column_registers[column] = r;
        note_load(e, column);
    }
    return (value){r, false};
}

static value load_constant(emitter *e, const qn_expr *x, uint32_t want)
{
    qn_bank  bank = qn_type_bank(x->type.id);
    pooled  *p = pool_of(e, x);
    uint32_t r = want != NO_REGISTER ? want : reg_new(e, bank);
    e->banks[r] = (uint8_t)bank;
    QN_ASSERT(p || e->st != QN_OK);
    emit2(e, QN_OP_LOAD_CONST, bank, r, p ? p->constant : 0);
    return (value){r, want == NO_REGISTER};
}

static value unary(emitter *e, const qn_expr *x, uint8_t op, qn_bank bank, qn_bank result)
{
    value v = value_own(e, compile(e, x->args[0], NO_REGISTER), bank);
    locate(e, x->location);
    emit1(e, op, bank, v.reg);
    e->banks[v.reg] = (uint8_t)result;
    return v;
}

static value binary(emitter *e, const qn_expr *x, uint8_t op, qn_bank bank, qn_bank result)
{
    value a = value_own(e, compile(e, x->args[0], NO_REGISTER), bank);
    value b = compile(e, x->args[1], NO_REGISTER);
    locate(e, x->location);
    emit2(e, op, bank, a.reg, b.reg);
    e->banks[a.reg] = (uint8_t)result;
    value_free(e, b);
    return a;
}

static void selection_save(emitter *e)
{
    emit0(e, QN_OP_SEL_SAVE, QN_BANK_NONE);
    if (++e->selection_depth > QN_MAX_SELECTIONS)
        fail_limit(e, "conditional expressions nested too deeply");
}

static void selection_restore(emitter *e)
{
    emit0(e, QN_OP_SEL_RESTORE, QN_BANK_NONE);
    e->selection_depth--;
}

/* AND and OR: the right side is computed only for lanes that need it when it could fail there. */
static value logical(emitter *e, const qn_expr *x)
{
    bool    and = x->kind == QN_EXPR_AND;
    uint8_t op = and ? QN_OP_AND_R : QN_OP_OR_R;
    value   a = value_own(e, compile(e, x->args[0], NO_REGISTER), QN_BANK_BOOL);
    for (uint32_t i = 1; i < x->argc; i++) {
        bool     guard = can_fail(e, x->args[i]);
        uint32_t mark = e->undo_count, skip = 0;
        if (guard) {
            selection_save(e);
            emit1(e, and ? QN_OP_SEL_NOT_FALSE : QN_OP_SEL_NOT_TRUE, QN_BANK_BOOL, a.reg);
            skip = emit1(e, QN_OP_JUMP_EMPTY, QN_BANK_NONE, 0);
        }
        value b = compile(e, x->args[i], NO_REGISTER);
        emit2(e, op, QN_BANK_BOOL, a.reg, b.reg);
        value_free(e, b);
        if (guard) {
            patch1(e, skip, e->code_count);
            forget_loads(e, mark);
            selection_restore(e);
        }
        if (e->st != QN_OK)
            break;
    }
    return a;
}

static void branch_into(emitter *e, const qn_expr *x, uint32_t dst, qn_bank bank)
{
    uint32_t mark = e->undo_count;
    uint32_t skip = emit1(e, QN_OP_JUMP_EMPTY, QN_BANK_NONE, 0);
    value    v = compile(e, x, NO_REGISTER);
    emit2(e, QN_OP_MERGE, bank, dst, v.reg);
    value_free(e, v);
    patch1(e, skip, e->code_count);
    forget_loads(e, mark);
}

static value case_(emitter *e, const qn_expr *x)
{
    qn_bank  bank = qn_type_bank(x->type.id);
    uint32_t dst = reg_new(e, bank);
    emit1(e, QN_OP_BLANK, bank, dst);
    selection_save(e);
    uint32_t       mark = e->undo_count;
    const qn_expr *last = x;
    do { /* a CASE behind ELSE goes on where this one ends: chains of any length take one level */
        const qn_expr *link = last;
        for (uint32_t i = 0; i + 1 < link->argc && e->st == QN_OK; i += 2) {
            value c = compile(e, link->args[i], NO_REGISTER);
            selection_save(e);
            emit1(e, QN_OP_FILTER, QN_BANK_BOOL, c.reg);
            branch_into(e, link->args[i + 1], dst, bank);
            selection_restore(e);
            emit1(e, QN_OP_SEL_NOT_TRUE, QN_BANK_BOOL, c.reg);
            value_free(e, c);
        }
        last = link->args[link->argc - 1];
    } while (e->st == QN_OK && last->kind == QN_EXPR_CASE && !is_constant(e, last) && (e->inside_slot || !is_slot_expr(e, last)));
    if (!(last->kind == QN_EXPR_CONST && last->null))
        branch_into(e, last, dst, bank);
    forget_loads(e, mark);
    selection_restore(e);
    return (value){dst, true};
}

static value coalesce(emitter *e, const qn_expr *x)
{
    qn_bank  bank = qn_type_bank(x->type.id);
    uint32_t dst = reg_new(e, bank);
    emit1(e, QN_OP_BLANK, bank, dst);
    value first = compile(e, x->args[0], NO_REGISTER);
    emit2(e, QN_OP_MERGE, bank, dst, first.reg);
    value_free(e, first);
    selection_save(e);
    for (uint32_t i = 1; i < x->argc && e->st == QN_OK; i++) {
        emit1(e, QN_OP_SEL_NULL, bank, dst);
        branch_into(e, x->args[i], dst, bank);
    }
    selection_restore(e);
    return (value){dst, true};
}

static value extreme(emitter *e, const qn_expr *x)
{
    qn_bank bank = qn_type_bank(x->type.id);
    uint8_t op = x->kind == QN_EXPR_GREATEST ? QN_OP_GREATEST_R : QN_OP_LEAST_R;
    value   a = value_own(e, compile(e, x->args[0], NO_REGISTER), bank);
    for (uint32_t i = 1; i < x->argc && e->st == QN_OK; i++) {
        value b = compile(e, x->args[i], NO_REGISTER);
        uint32_t at = emit2(e, op, bank, a.reg, b.reg);
        if (e->st == QN_OK)
            e->code[at] |= (uint32_t)blanks_of(x) << 8;
        value_free(e, b);
    }
    return a;
}

static value call(emitter *e, const qn_expr *x)
{
    const qn_function *f = qn_function_by_id(x->index);
    qn_bank            bank = qn_type_bank(x->type.id);
    if (f->op) {
        qn_bank in = qn_type_bank(x->args[0]->type.id);
        qn_bank result = f->op >= 0x30 ? QN_BANK_BOOL : in;
        return x->argc == 1 ? unary(e, x, f->op ^ 0x80, in, result) : binary(e, x, f->op ^ 0x80, in, result);
    }
    /* Arguments go to neighbouring registers; a single one may stay where it is. */
    uint32_t dst = reg_new(e, bank), first;
    if (x->argc == 1) {
        value v = compile(e, x->args[0], NO_REGISTER);
        locate(e, x->location);
        note_types(e, x);
        emitn(e, QN_OP_CALL_LANES, bank, (uint32_t[]){x->index, dst, v.reg, 1}, 4);
        value_free(e, v);
        return (value){dst, true};
    }
    first = reg_block(e, x->argc);
    for (uint32_t i = 0; i < x->argc && e->st == QN_OK; i++) {
        value v = compile(e, x->args[i], first + i);
        if (v.reg != first + i) {
            e->banks[first + i] = (uint8_t)qn_type_bank(x->args[i]->type.id);
            emit2(e, QN_OP_MOVE, e->banks[first + i], first + i, v.reg);
            value_free(e, v);
        }
    }
    locate(e, x->location);
    note_types(e, x);
    emitn(e, QN_OP_CALL_LANES, bank, (uint32_t[]){x->index, dst, first, x->argc}, 4);
    for (uint32_t i = 0; i < x->argc && e->st == QN_OK; i++)
        reg_free(e, first + i);
    return (value){dst, true};
}

static value cast(emitter *e, const qn_expr *x)
{
    qn_bank  bank = qn_type_bank(x->type.id);
    bool     io = x->kind == QN_EXPR_IO_CAST;
    value    v = compile(e, x->args[0], NO_REGISTER);
    uint32_t dst = reg_new(e, bank);
    uint32_t n = io ? (uint32_t)x->args[0]->type.id << 8 | x->type.id : (uint32_t)x->explicit_ << 8 | x->type.id;
    locate(e, x->location);
    emitn(e, io ? QN_OP_CAST_IO : QN_OP_CAST_LENGTH, bank, (uint32_t[]){n, (uint32_t)x->type.typmod, dst, v.reg}, 4);
    value_free(e, v);
    return (value){dst, true};
}

static value bool_test(emitter *e, const qn_expr *x)
{
    bool    unknown = x->index == QN_IS_UNKNOWN || x->index == QN_IS_NOT_UNKNOWN;
    bool    falsity = x->index == QN_IS_FALSE || x->index == QN_IS_NOT_FALSE;
    uint8_t op = unknown ? QN_OP_IS_NULL_R : falsity ? QN_OP_IS_FALSE_R : QN_OP_IS_TRUE_R;
    value   v = unary(e, x, op, QN_BANK_BOOL, QN_BANK_BOOL);
    if (x->index == QN_IS_NOT_TRUE || x->index == QN_IS_NOT_FALSE || x->index == QN_IS_NOT_UNKNOWN)
        emit1(e, QN_OP_NOT_R, QN_BANK_BOOL, v.reg);
    return v;
}

/* Compute x for the current batch.  want: a register the caller would like it in, or NO_REGISTER. */
static value compile(emitter *e, const qn_expr *x, uint32_t want)
{
    if (e->st != QN_OK)
        return (value){0, false};
    if (is_constant(e, x) && (pool_of(e, x) || !x->argc))
        return load_constant(e, x, want);
    if (!e->inside_slot && is_slot_expr(e, x)) {
        int s = slot_find(e, x, false);
        QN_ASSERT(s >= 0);
        if (e->slot_registers[s] == NO_REGISTER) {
            emit1(e, QN_OP_LOAD_SLOT, e->slots[s].out_bank, (uint32_t)s);
            e->slot_registers[s] = e->slots[s].out;
            note_load(e, 0x80000000u | (uint32_t)s);
        }
        return (value){e->slots[s].out, false};
    }
    if (e->pl->source.kind == QN_SOURCE_VALUES && is_length_of_column(x)) { /* kept beside the text */
        uint32_t r = reg_new(e, QN_BANK_I32);
        emit2(e, QN_OP_LOAD_LENGTHS, QN_BANK_I32, r, e->pl->source.column);
        return (value){r, true};
    }
    switch ((qn_expr_kind)x->kind) {
    case QN_EXPR_COLUMN:
    case QN_EXPR_KEY:
        return load_column(e, x->index, x->type, want);
    case QN_EXPR_AGG:
        return load_column(e, e->plan->pipelines[e->pl->source.input].aggregation->key_count + x->index, x->type, want);
    case QN_EXPR_RELABEL:
        return compile(e, x->args[0], want);
    case QN_EXPR_CALL:
        return call(e, x);
    case QN_EXPR_IO_CAST:
    case QN_EXPR_LENGTH_CAST:
        return cast(e, x);
    case QN_EXPR_AND:
    case QN_EXPR_OR:
        return logical(e, x);
    case QN_EXPR_NOT:
        return unary(e, x, QN_OP_NOT_R, QN_BANK_BOOL, QN_BANK_BOOL);
    case QN_EXPR_IS_NULL:
        return unary(e, x, QN_OP_IS_NULL_R, qn_type_bank(x->args[0]->type.id), QN_BANK_BOOL);
    case QN_EXPR_IS_NOT_NULL:
        return unary(e, x, QN_OP_NOT_NULL_R, qn_type_bank(x->args[0]->type.id), QN_BANK_BOOL);
    case QN_EXPR_BOOL_TEST:
        return bool_test(e, x);
    case QN_EXPR_IS_DISTINCT:
        return binary(e, x, QN_OP_DISTINCT_R, qn_type_bank(x->args[0]->type.id), QN_BANK_BOOL);
    case QN_EXPR_CASE:
        return case_(e, x);
    case QN_EXPR_COALESCE:
        return coalesce(e, x);
    case QN_EXPR_GREATEST:
    case QN_EXPR_LEAST:
        return extreme(e, x);
    case QN_EXPR_IN: {
        qn_bank in = qn_type_bank(x->args[0]->type.id);
        value   v = value_own(e, compile(e, x->args[0], NO_REGISTER), in);
        emit2(e, QN_OP_IN_R, in, v.reg, set_add(e, x));
        e->banks[v.reg] = QN_BANK_BOOL;
        return v;
    }
    case QN_EXPR_CONST:
    case QN_EXPR_PARAM:
        break;
    }
    QN_UNREACHABLE();
}

/* x in exactly register r. */
static void compile_into(emitter *e, const qn_expr *x, uint32_t r)
{
    value v = compile(e, x, r);
    if (v.reg != r) {
        emit2(e, QN_OP_MOVE, qn_type_bank(x->type.id), r, v.reg);
        value_free(e, v);
    }
    if (e->st == QN_OK)
        e->banks[r] = (uint8_t)qn_type_bank(x->type.id);
}

/* ---- filters over blocks ----------------------------------------------------------------------- */

typedef enum filter_form { FORM_RANGE, FORM_IN, FORM_LIKE, FORM_SLOT, FORM_ROWS } filter_form;

/* Codes are in stored order: comparisons by search need the type's order to be bytewise or numeric. */
static bool searchable(qn_sql_type id) { return id != QN_TYPE_CHAR && id != QN_TYPE_BOOLEAN; }

static const qn_expr *strip(const qn_expr *x) { return x->kind == QN_EXPR_RELABEL ? x->args[0] : x; }

static bool is_pooled(emitter *e, const qn_expr *x)
{
    return is_constant(e, x) && pool_of(e, x);
}

static bool is_comparison(emitter *e, const qn_expr *x, uint8_t *op, const qn_expr **constant)
{
    if (x->kind != QN_EXPR_CALL || x->argc != 2)
        return false;
    uint8_t o = qn_function_by_id(x->index)->op;
    if (o < QN_OP_EQ || o > QN_OP_GE)
        return false;
    const qn_expr *a = strip(x->args[0]), *b = strip(x->args[1]);
    static const uint8_t mirrored[] = {QN_OP_EQ, QN_OP_NE, QN_OP_GT, QN_OP_GE, QN_OP_LT, QN_OP_LE};
    if (a->kind == QN_EXPR_COLUMN && is_pooled(e, x->args[1]) && searchable(a->type.id)) {
        *op = o;
        *constant = x->args[1];
        return true;
    }
    if (b->kind == QN_EXPR_COLUMN && is_pooled(e, x->args[0]) && searchable(b->type.id)) {
        *op = mirrored[o - QN_OP_EQ];
        *constant = x->args[0];
        return true;
    }
    return false;
}

/* A comparison, or several of them joined by OR (all of one column). */
static bool is_ranges(emitter *e, const qn_expr *x)
{
    uint8_t        op;
    const qn_expr *k;
    if (x->kind != QN_EXPR_OR)
        return is_comparison(e, x, &op, &k);
    for (uint32_t i = 0; i < x->argc; i++)
        if (!is_comparison(e, x->args[i], &op, &k))
            return false;
    return true;
}

static void slot_range(emitter *e, uint32_t s, const qn_expr *x)
{
    uint32_t n = x->kind == QN_EXPR_OR ? x->argc : 1;
    for (uint32_t i = 0; i < n && e->st == QN_OK; i++) {
        uint8_t        op = 0;
        const qn_expr *k = NULL;
        is_comparison(e, x->kind == QN_EXPR_OR ? x->args[i] : x, &op, &k);
        pooled  *c = pool_of(e, k);
        uint32_t how = op | (i ? QN_RANGE_OR : 0u) | (i + 1 < n ? QN_RANGE_MORE : 0u);
        emitn(e, QN_OP_SLOT_RANGE, e->slots[s].in_bank, (uint32_t[]){s, c ? c->constant : 0, how}, 3);
    }
}

/* A column against a constant pattern; its kind (type/pattern.h), or -1. */
static int pattern_kind(emitter *e, const qn_expr *x, const qn_expr **pattern)
{
    if (x->kind != QN_EXPR_CALL || x->argc != 2 || strip(x->args[0])->kind != QN_EXPR_COLUMN)
        return -1;
    *pattern = x->args[1];
    return is_pooled(e, *pattern) ? qn_pattern_kind(qn_function_by_id(x->index)->name) : -1;
}

static filter_form form_of(emitter *e, const qn_expr *x)
{
    const qn_expr *k;
    qn_expr_facts f = qn_facts_of(&e->facts, x);
    bool          values = e->pl->source.kind == QN_SOURCE_VALUES && f.column == (int32_t)e->pl->source.column;
    if ((e->pl->source.kind != QN_SOURCE_TABLE && !values) || f.column < 0 || f.is_volatile)
        return FORM_ROWS;
    if (is_ranges(e, x))
        return FORM_RANGE;
    if (x->kind == QN_EXPR_IN && strip(x->args[0])->kind == QN_EXPR_COLUMN && searchable(x->args[0]->type.id))
        return FORM_IN;
    return pattern_kind(e, x, &k) >= 0 ? FORM_LIKE : values ? FORM_ROWS : FORM_SLOT; /* values are visited one by one anyway */
}

/* The loop that evaluates a slot per distinct value. */
static void slot_loop(emitter *e, uint32_t s, uint32_t *skip)
{
    const qn_expr *pattern = NULL;
    int            kind = e->slots[s].pattern ? pattern_kind(e, e->slot_exprs[s], &pattern) : -1;
    uint32_t begin = emit2(e, QN_OP_SLOT_BEGIN, e->slots[s].in_bank, s, 0);
    if (kind >= 0) {
        pooled *k = pool_of(e, pattern);
        emitn(e, QN_OP_SLOT_PRUNE, QN_BANK_STR, (uint32_t[]){s, k ? k->constant : 0, (uint32_t)kind}, 3);
    }
    uint32_t loop = e->code_count;
    uint32_t next = emit2(e, QN_OP_SLOT_NEXT, e->slots[s].in_bank, s, 0);
    *skip = emit1(e, QN_OP_CALL, QN_BANK_NONE, 0); /* entry is patched when the subroutine is written */
    emit1(e, QN_OP_SLOT_STORE, e->slots[s].out_bank, s);
    emit1(e, QN_OP_JUMP, QN_BANK_NONE, loop);
    patch2(e, begin, s, e->code_count);
    patch2(e, next, s, e->code_count);
}

static void slot_subroutine(emitter *e, uint32_t s)
{
    e->slots[s].entry = e->code_count;
    e->inside_slot = s + 1;
    value v = compile(e, e->slot_exprs[s], NO_REGISTER);
    if (v.reg != e->slots[s].out)
        emit2(e, QN_OP_MOVE, e->slots[s].out_bank, e->slots[s].out, v.reg);
    value_free(e, v);
    emit0(e, QN_OP_RETURN, QN_BANK_NONE);
    e->inside_slot = 0;
}

/* ---- pipelines ------------------------------------------------------------------------------- */

static bool feeds(const qn_pipeline *pl, uint32_t agg)
{
    for (uint32_t i = 0; i < pl->agg_mask_count; i++)
        if (pl->agg_mask[i] == agg)
            return true;
    return pl->agg_mask_count == 0;
}

/* Partition mode: keys and arguments side by side, one instruction for the batch. */
static void sink_fold(emitter *e)
{
    const qn_pipeline    *pl = e->pl;
    const qn_aggregation *a = pl->aggregation;
    uint32_t              n = a->key_count + a->agg_count, first = reg_block(e, n);
    for (uint32_t i = 0; i < a->key_count && e->st == QN_OK; i++)
        compile_into(e, a->keys[i], first + i);
    for (uint32_t i = 0; i < a->agg_count && e->st == QN_OK; i++) {
        if (!a->aggs[i].argc)
            continue;
        locate(e, a->aggs[i].location);
        compile_into(e, a->aggs[i].args[0], first + a->key_count + i);
    }
    emitn(e, QN_OP_GROUP_FOLD, QN_BANK_NONE, (uint32_t[]){pl->group_owner, first, n}, 3);
}

static void sink_groups(emitter *e)
{
    const qn_pipeline    *pl = e->pl;
    const qn_aggregation *a = pl->aggregation;
    uint32_t              o = pl->group_owner;
    if (a->packs) {
        sink_fold(e);
        return;
    }
    uint32_t              keys = reg_block(e, a->key_count);
    for (uint32_t i = 0; i < a->key_count && e->st == QN_OK; i++)
        compile_into(e, a->keys[i], keys + i);
    emitn(e, QN_OP_GROUP_FIND, QN_BANK_NONE, (uint32_t[]){o, keys, a->key_count}, 3);
    for (uint32_t i = 0; i < a->agg_count && e->st == QN_OK; i++) {
        const qn_agg_call *agg = &a->aggs[i];
        if (!feeds(pl, i))
            continue;
        uint32_t mark = e->undo_count;
        if (agg->filter) {
            value f = compile(e, agg->filter, NO_REGISTER);
            selection_save(e);
            emit1(e, QN_OP_FILTER, QN_BANK_BOOL, f.reg);
            value_free(e, f);
        }
        if (agg->argc == 0) {
            emit2(e, QN_OP_AGG_COUNT, QN_BANK_NONE, o, i);
        } else {
            value   v = compile(e, agg->args[0], NO_REGISTER);
            qn_bank bank = qn_type_bank(agg->args[0]->type.id);
            locate(e, agg->location);
            if (agg->argc == 2) {
                value w = compile(e, agg->args[1], NO_REGISTER);
                emitn(e, QN_OP_AGG_UPDATE2, bank, (uint32_t[]){o, i, v.reg, w.reg}, 4);
                value_free(e, w);
            } else {
                /* min and max do not care about DISTINCT */
                bool distinct = agg->distinct && agg->kind != QN_AGG_MIN && agg->kind != QN_AGG_MAX;
                emitn(e, distinct ? QN_OP_AGG_DISTINCT : QN_OP_AGG_UPDATE, bank, (uint32_t[]){o, i, v.reg}, 3);
            }
            value_free(e, v);
        }
        if (agg->filter) {
            forget_loads(e, mark);
            selection_restore(e);
        }
    }
}

static bool is_key_sum(emitter *e, const qn_expr *x, qn_code_sum *sum)
{
    if (x->kind != QN_EXPR_CALL || x->argc != 2 || x->args[0]->kind != QN_EXPR_KEY || !is_pooled(e, x->args[1]))
        return false;
    const char *name = qn_function_by_id(x->index)->name;
    size_t      n = strlen(name);
    if (strncmp(name, "int", 3) || n < 5 || (strcmp(name + n - 2, "pl") && strcmp(name + n - 2, "mi")))
        return false;
    *sum = (qn_code_sum){.key = x->args[0]->index, .constant = pool_of(e, x->args[1])->constant, .minus = name[n - 1] == 'i',
                         .constant_bank = (uint8_t)qn_type_bank((qn_sql_type)x->args[1]->type.id),
                         .bank = (uint8_t)qn_type_bank((qn_sql_type)x->type.id)};
    return true;
}

/* Groups may be passed over before they are looked at, but not an error that would come of one. */
static void note_failures(emitter *e)
{
    const qn_output  *o = &e->pl->output;
    qn_code_pipeline *cp = &e->pipelines[e->pl->number];
    qn_code_sum      *sums = qn_arena_array(e->arena, qn_code_sum, o->target_count + 1);
    if (!sums) {
        if (e->st == QN_OK)
            e->st = qn_nomem(e->err);
        return;
    }
    cp->sums = sums;
    for (uint32_t i = 0; i < o->target_count; i++)
        if (can_fail(e, o->targets[i].expr)) {
            if (is_key_sum(e, o->targets[i].expr, &sums[cp->sum_count]))
                cp->sum_count++;
            else
                cp->fails = true;
        }
}

static void sink_output(emitter *e)
{
    const qn_output *o = &e->pl->output;
    if (e->pl->source.kind == QN_SOURCE_GROUPS)
        note_failures(e);
    uint32_t         first = reg_block(e, o->target_count);
    for (uint32_t i = 0; i < o->target_count && e->st == QN_OK; i++)
        compile_into(e, o->targets[i].expr, first + i);
    emitn(e, QN_OP_EMIT, QN_BANK_NONE, (uint32_t[]){e->pl->number, first, o->target_count}, 3);
}

static void for_each_expr(emitter *e, const qn_pipeline *pl, void (*fn)(emitter *, const qn_expr *), bool filters)
{
    for (uint32_t i = 0; filters && i < pl->filter_count; i++) {
        fn(e, pl->filters[i]);
        e->guarded = e->guarded || qn_expr_is_immutable(pl->filters[i]);
    }
    e->guarded = false;
    if (pl->to_groups) {
        const qn_aggregation *a = pl->aggregation;
        for (uint32_t i = 0; i < a->key_count; i++)
            fn(e, a->keys[i]);
        for (uint32_t i = 0; i < a->agg_count; i++) {
            if (!feeds(pl, i))
                continue;
            for (uint32_t j = 0; j < a->aggs[i].argc; j++)
                fn(e, a->aggs[i].args[j]);
            if (a->aggs[i].filter)
                fn(e, a->aggs[i].filter);
        }
    } else {
        for (uint32_t i = 0; i < pl->output.target_count; i++)
            fn(e, pl->output.targets[i].expr);
    }
}

/* Filters by form: ranges, sets, patterns, then per-value code.  Searching a fixed-width column costs next to nothing:
 * those filters are all filled before the first is applied, so that each block applies the best first. */
static void block_filters(emitter *e, const int *filter_slots, uint32_t *calls, uint32_t *ends, uint32_t *end_count)
{
    const qn_pipeline *pl = e->pl;
    uint32_t           first_end = *end_count;
    for (int text = 0; text < 2; text++) {
        for (uint32_t i = 0; i < pl->filter_count && e->st == QN_OK; i++) {
            const qn_expr *x = pl->filters[i];
            int            form = (int)form_of(e, x);
            uint32_t       s = (uint32_t)filter_slots[i];
            if ((form != FORM_RANGE && form != FORM_IN) || (e->slots[s].in_bank == QN_BANK_STR) != text)
                continue;
            if (form == FORM_RANGE)
                slot_range(e, s, x);
            else
                emit2(e, QN_OP_SLOT_IN, e->slots[s].in_bank, s, set_add(e, x));
            ends[*end_count] = text ? emit2(e, QN_OP_BLOCK_SELECT, QN_BANK_NONE, s, 0) : 0;
            ends[*end_count + 1] = s;
            *end_count += 2;
        }
        for (uint32_t i = first_end; !text && i < *end_count && e->st == QN_OK; i += 2)
            ends[i] = emit2(e, QN_OP_BLOCK_SELECT, QN_BANK_NONE, ends[i + 1], 0);
    }
    for (int form = FORM_LIKE; form < FORM_ROWS; form++) {
        for (uint32_t i = 0; i < pl->filter_count && e->st == QN_OK; i++) {
            uint32_t s = (uint32_t)filter_slots[i];
            if ((int)form_of(e, pl->filters[i]) != form)
                continue;
            e->slots[s].pattern = form == FORM_LIKE;
            slot_loop(e, s, &calls[s]);
            ends[*end_count] = emit2(e, QN_OP_BLOCK_SELECT, QN_BANK_NONE, s, 0);
            ends[*end_count + 1] = s;
            *end_count += 2;
        }
    }
}

/* Start walking a column's values; returns the list instruction whose jump is to be patched, or 0. */
static uint32_t values_begin(emitter *e)
{
    const qn_pipeline *pl = e->pl;
    qn_code_pipeline  *cp = &e->pipelines[pl->number];
    bool               as_sets = true; /* whole lists can be narrowed by sets of codes only */
    emit2(e, QN_OP_VALUES_BEGIN, QN_BANK_NONE, pl->source.column == QN_NO_COLUMN ? 0xffff : pl->source.column, pl->source.extremes);
    for (uint32_t i = 0; i < pl->filter_count; i++)
        as_sets = as_sets && (form_of(e, pl->filters[i]) == FORM_RANGE || form_of(e, pl->filters[i]) == FORM_IN);
    cp->list_top = as_sets && pl->aggregation->top;
    cp->list_distinct = as_sets && pl->list_distinct;
    if (cp->list_top)
        return emit1(e, QN_OP_LIST_TOP, QN_BANK_NONE, 0);
    return cp->list_distinct ? emit2(e, QN_OP_LIST_DISTINCT, QN_BANK_NONE, pl->agg_mask_count ? pl->agg_mask[0] : 0, 0) : 0;
}

/* A pipeline over blocks: their rows, or the distinct values of a column. */
static void pipeline_blocks(emitter *e)
{
    const qn_pipeline *pl = e->pl;
    bool               values = pl->source.kind == QN_SOURCE_VALUES;
    uint32_t           first_slot = e->slot_count, list = 0;
    int               *filter_slots = qn_arena_array(e->arena, int, pl->filter_count + 1);
    uint32_t          *ends = qn_arena_array(e->arena, uint32_t, 2 * pl->filter_count + 1), end_count = 0;
    if (!filter_slots || !ends) {
        e->st = qn_nomem(e->err);
        return;
    }
    for (uint32_t i = 0; i < pl->filter_count; i++) {
        if (form_of(e, pl->filters[i]) != FORM_ROWS)
            filter_slots[i] = slot_add(e, pl->filters[i], true);
        else if (!values)
            collect_slots(e, pl->filters[i]);
    }
    if (!values)
        for_each_expr(e, pl, collect_slots, false);
    if (e->st != QN_OK)
        return;
    uint32_t *calls = qn_arena_array(e->arena, uint32_t, e->slot_count + 1);
    e->slot_registers = qn_arena_array(e->arena, uint32_t, e->slot_count + 1);
    if (!calls || !e->slot_registers) {
        e->st = qn_nomem(e->err);
        return;
    }
    for (uint32_t s = first_slot; s < e->slot_count; s++) {
        e->slot_registers[s] = NO_REGISTER;
        e->slots[s].in = (uint16_t)reg_new(e, e->slots[s].in_bank);
        e->slots[s].out = (uint16_t)reg_new(e, e->slots[s].out_bank);
    }
    uint32_t begin = emit1(e, QN_OP_BLOCK_BEGIN, QN_BANK_NONE, 0);
    if (!values && pl->to_groups && pl->aggregation->top) {
        e->pipelines[pl->number].list_top = true;
        list = emit1(e, QN_OP_LIST_TOP, QN_BANK_NONE, 0);
    }
    block_filters(e, filter_slots, calls, ends, &end_count);
    uint32_t fixed = pl->to_groups && pl->aggregation->fixed ? emit1(e, QN_OP_GROUP_FIXED, QN_BANK_NONE, 0) : 0;
    uint32_t top = 0, top_column;
    if (qn_plan_top_column(pl, &top_column))
        top = emit2(e, QN_OP_BLOCK_TOP, QN_BANK_NONE, pl->number, 0);
    for (uint32_t s = first_slot; s < e->slot_count; s++)
        if (!e->slots[s].is_filter)
            slot_loop(e, s, &calls[s]);
    if (values)
        list = values_begin(e);
    uint32_t loop = e->code_count;
    uint32_t next = emit1(e, values ? QN_OP_VALUES_NEXT : QN_OP_BATCH_NEXT, QN_BANK_NONE, 0);
    for (uint32_t i = 0; i < pl->filter_count && e->st == QN_OK; i++) {
        if (form_of(e, pl->filters[i]) != FORM_ROWS) {
            emit1(e, QN_OP_FILTER_SLOT, QN_BANK_BOOL, (uint32_t)filter_slots[i]);
            emit1(e, QN_OP_FILTER, QN_BANK_BOOL, e->slots[filter_slots[i]].out);
        } else {
            value v = compile(e, pl->filters[i], NO_REGISTER);
            emit1(e, QN_OP_FILTER, QN_BANK_BOOL, v.reg);
            value_free(e, v);
        }
    }
    if (pl->to_groups)
        sink_groups(e);
    else
        sink_output(e);
    emit1(e, QN_OP_JUMP, QN_BANK_NONE, loop);
    patch1(e, next, e->code_count);
    if (pl->to_groups)
        emit1(e, QN_OP_GROUP_FLUSH, QN_BANK_NONE, pl->group_owner);
    patch1(e, begin, e->code_count);
    if (fixed)
        patch1(e, fixed, e->code_count);
    if (list && e->pipelines[pl->number].list_top)
        patch1(e, list, e->code_count);
    else if (list)
        patch2(e, list, pl->agg_mask_count ? pl->agg_mask[0] : 0, e->code_count);
    for (uint32_t i = 0; i < end_count; i += 2)
        patch2(e, ends[i], ends[i + 1], e->code_count);
    if (top)
        patch2(e, top, pl->number, e->code_count);
    emit0(e, QN_OP_BLOCK_END, QN_BANK_NONE);
    emit0(e, QN_OP_HALT, QN_BANK_NONE);
    /* A subroutine runs in the middle of batch code: it must not touch registers that were free when it was
     * written but are in use where it is called. */
    e->free_count = 0;
    for (uint32_t s = first_slot; s < e->slot_count && e->st == QN_OK; s++) {
        slot_subroutine(e, s);
        if (calls[s])
            patch1(e, calls[s], e->slots[s].entry);
    }
}

static void pipeline_other(emitter *e)
{
    const qn_pipeline *pl = e->pl;
    uint32_t           loop = e->code_count, next = emit1(e, QN_OP_BATCH_NEXT, QN_BANK_NONE, 0);
    for (uint32_t i = 0; i < pl->filter_count && e->st == QN_OK; i++) {
        value v = compile(e, pl->filters[i], NO_REGISTER);
        emit1(e, QN_OP_FILTER, QN_BANK_BOOL, v.reg);
        value_free(e, v);
    }
    if (pl->to_groups)
        sink_groups(e);
    else
        sink_output(e);
    emit1(e, QN_OP_JUMP, QN_BANK_NONE, loop);
    patch1(e, next, e->code_count);
    emit0(e, QN_OP_HALT, QN_BANK_NONE);
}

static void pipeline(emitter *e, const qn_pipeline *pl)
{
    e->pl = pl;
    e->next_register = 0;
    e->free_count = 0;
    e->undo_count = 0;
    e->selection_depth = 0;
    e->column_registers = qn_arena_array(e->arena, uint32_t, pl->source.column_count + 1);
    if (!e->column_registers) {
        e->st = qn_nomem(e->err);
        return;
    }
    for (uint32_t i = 0; i < pl->source.column_count; i++)
        e->column_registers[i] = NO_REGISTER;
    e->pipelines[pl->number].begin = e->code_count;
    if (pl->source.kind == QN_SOURCE_TABLE || pl->source.kind == QN_SOURCE_VALUES)
        pipeline_blocks(e);
    else
        pipeline_other(e);
    e->pipelines[pl->number].end = e->code_count;
}

/* Constants a pipeline needs before it runs: those of its expressions, LIMIT, OFFSET, VALUES, arguments. */
static void prologue(emitter *e, const qn_pipeline *pl)
{
    qn_code_pipeline *cp = &e->pipelines[pl->number];
    e->pl = pl;
    *cp = (qn_code_pipeline){.limit = QN_NO_CONSTANT, .offset = QN_NO_CONSTANT, .first_argument = QN_NO_CONSTANT, .plan = pl};
    for_each_expr(e, pl, collect_constants, true);
    if (!pl->to_groups && pl->output.limit) {
        cp->limit = constant_fresh(e, pl->output.limit);
        constant_compute(e, cp->limit, pl->output.limit);
    }
    if (!pl->to_groups && pl->output.offset) {
        cp->offset = constant_fresh(e, pl->output.offset);
        constant_compute(e, cp->offset, pl->output.offset);
    }
    const qn_relation *rel = pl->source.relation;
    if (!rel || (pl->source.kind != QN_SOURCE_LIST && pl->source.kind != QN_SOURCE_FUNCTION))
        return;
    bool      list = pl->source.kind == QN_SOURCE_LIST;
    if (!list && rel->table_function == QN_TF_INSPECT)
        return; /* whoever makes its rows reads the name from the statement: not a constant that may change */
    uint64_t  n = list ? (uint64_t)rel->row_count * rel->column_count : rel->argc;
    qn_expr **args = list ? rel->values : rel->args;
    if (n > UINT32_MAX / 2) {
        fail_limit(e, "too many VALUES");
        return;
    }
    cp->first_argument = e->constant_count;
    for (uint32_t i = 0; i < n && e->st == QN_OK; i++)
        constant_fresh(e, args[i]);
    for (uint32_t i = 0; i < n && e->st == QN_OK; i++)
        constant_compute(e, cp->first_argument + i, args[i]);
}

qn_status qn_code_generate(const qn_plan *plan, qn_arena *arena, qn_program **out, qn_error *err)
{
    qn_status   st = QN_OK;
    emitter    *e;
    qn_program *p;

    QN_ALLOC(err, e = qn_arena_new(arena, emitter));
    e->arena = arena;
    e->err = err;
    e->plan = plan;
    e->facts.arena = arena;
    QN_ALLOC(err, e->pipelines = qn_arena_array(arena, qn_code_pipeline, plan->pipeline_count));
    for (uint32_t i = 0; i < plan->pipeline_count && e->st == QN_OK; i++)
        prologue(e, &plan->pipelines[i]);
    for (uint32_t i = 0; i < plan->pipeline_count && e->st == QN_OK; i++)
        emit1(e, QN_OP_RUN, QN_BANK_NONE, i);
    emit0(e, QN_OP_HALT, QN_BANK_NONE);
    for (uint32_t i = 0; i < plan->pipeline_count && e->st == QN_OK; i++)
        pipeline(e, &plan->pipelines[i]);
    QN_TRY(e->st);
    QN_ALLOC(err, p = qn_arena_new(arena, qn_program));
    *p = (qn_program){.code = e->code, .code_count = e->code_count, .wide = e->wide, .wide_count = e->wide_count,
                      .constants = e->constants, .constant_nulls = e->nulls, .constant_info = e->infos,
                      .constant_count = e->constant_count, .sets = e->sets, .set_count = e->set_count,
                      .slots = e->slots, .slot_count = e->slot_count, .register_count = e->register_count,
                      .pipelines = e->pipelines, .pipeline_count = plan->pipeline_count,
                      .locations = e->locations, .location_count = e->location_count,
                      .call_types = e->call_types, .call_type_count = e->call_type_count, .plan = plan};
    *out = p;
done:
    return st;
}
