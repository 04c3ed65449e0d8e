/* Shared by the files of code/ only: facts about expressions, operands by layout, whatever the program
 * holds, and the two halves of the verifier. */
#ifndef QN_CODE_CODE_INT_H
#define QN_CODE_CODE_INT_H

#include "code/program.h"

#define QN_MAX_OPERANDS 4

/* The operands of instruction w in layout order; how many, or -1 when they lie outside the side table.
 * Where the layout has three letters or more the operand always indexes the side table. */
static inline int qn_code_operands(const qn_program *p, uint32_t w, uint32_t out[QN_MAX_OPERANDS])
{
    const char *layout = qn_op_describe(qn_instr_op(w))->layout;
    uint32_t    n = layout ? (uint32_t)strlen(layout) : 0, x = qn_instr_operand(w);
    if (n >= 3 || (n && (qn_instr_flags(w) & QN_FLAG_WIDE))) {
        if (n > p->wide_count || x > p->wide_count - n)
            return -1;
        for (uint32_t i = 0; i < n; i++)
            out[i] = p->wide[x + i];
    } else if (n == 1) {
        out[0] = x;
    } else if (n == 2) {
        out[0] = x & 255;
        out[1] = x >> 8;
    }
    return (int)n;
}

/* facts.c: what the generator asks about a subexpression, by its address. */
typedef struct qn_expr_facts {
    const qn_expr *expr;
    uint64_t       hash;     /* equal for expressions that qn_plan_expr_equal finds equal */
    int32_t        column;   /* as qn_expr_single_column */
    bool           constant, is_volatile, can_fail;
} qn_expr_facts;
typedef struct qn_facts {
    qn_arena      *arena;
    qn_expr_facts *entries; /* open addressing, capacity a power of two */
    size_t         count, capacity;
    bool           failed;  /* memory was refused: answers are right but no longer remembered */
} qn_facts;
qn_expr_facts qn_facts_of(qn_facts *facts, const qn_expr *expr);

/* The k of IN, IN_R and SLOT_IN is a set of constants, everywhere else one constant. */
static inline bool qn_code_takes_set(uint8_t op) { return op == QN_OP_IN || op == QN_OP_IN_R || op == QN_OP_SLOT_IN; }

/* verify_tables.c: everything but the code itself: constants, sets, slots, ranges, plan, and each word by itself. */
qn_status qn_code_verify_tables(const qn_program *program, qn_error *err);
/* Argument types noted for the call at pc, or NULL. */
const qn_call_types *qn_code_call_types_at(const qn_program *program, uint32_t pc);

#endif
