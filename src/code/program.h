/* A compiled statement: code, side tables, constants, slots, objects and pipelines.
 *
 * A program is read-only and shared by all executions; each execution has its own copy of the constants
 * (the prologue stores computed ones) and its own dispatch table, each worker its own registers.
 * Programs hold no raw pointers into data: objects are indexes into a table of operator descriptions, tables
 * are named by catalog id and resolved against the snapshot when an execution starts.
 *
 * The code begins with the main range: the prologue (stack code that fills computed constants), then one RUN
 * per pipeline in order, then HALT.  Every pipeline range follows, ending in HALT, with the subroutines of its
 * slots inside it. */
#ifndef QN_CODE_PROGRAM_H
#define QN_CODE_PROGRAM_H

#include "catalog/function.h"
#include "code/ops.h"
#include "plan/plan.h"
#include "type/type.h"

#define QN_MAX_REGISTERS 8192
#define QN_MAX_STACK 1024
#define QN_MAX_CALL_DEPTH 8
#define QN_MAX_SELECTIONS 200

/* An expression over one column of a table source, evaluated once per distinct value of a block where that
 * is cheaper: code at `entry` computes register `out` from register `in` and RETURNs. */
typedef struct qn_slot {
    uint32_t pipeline, column;
    uint16_t in, out;
    uint32_t entry;     /* QN_NO_ENTRY: the slot has no expression (SLOT_RANGE, SLOT_IN) … */
    uint8_t  in_bank, out_bank;
    bool     is_filter; /* out is boolean; the set of codes where it is true */
    bool     lengths;   /* the expression is length(column): read off the block */
    bool     pattern;   /* it tests the column against a constant pattern: SLOT_PRUNE follows SLOT_BEGIN */
} qn_slot;
#define QN_NO_ENTRY UINT32_MAX

#define QN_NO_CONSTANT UINT32_MAX

/* A target `key + constant` or `key - constant` of integers: whether it can overflow is known when the query runs. */
typedef struct qn_code_sum {
    uint32_t key, constant;
    uint8_t  constant_bank, bank;
    bool     minus;
} qn_code_sum;

typedef struct qn_code_pipeline {
    uint32_t begin, end; /* range in code[] */
    uint32_t limit, offset;  /* constants, or QN_NO_CONSTANT */
    uint32_t first_argument; /* LIST: constants row by row; FUNCTION: its arguments */
    bool               list_top, list_distinct; /* whole value lists are worked on: vm/lists.h */
    bool               fails;  /* GROUPS: some target may fail, sums apart: no group may be passed over */
    uint32_t           sum_count;
    const qn_code_sum *sums;
    const qn_pipeline *plan;
} qn_code_pipeline;

typedef struct qn_constant_info {
    qn_type  type;
    uint8_t  bank;
    bool     computed;  /* filled by the prologue */
    int32_t  param;     /* >= 0: value of parameter param */
    int32_t  location;  /* literal: byte offset of its token in the text it was compiled from; else -1 */
} qn_constant_info;

typedef struct qn_constant_set { /* for IN: constants first … first+count-1 */
    uint32_t first, count;
} qn_constant_set;

typedef struct qn_code_location {
    uint32_t pc;
    int32_t  location;
} qn_code_location;

typedef struct qn_call_types { /* argument types of the CALL at pc */
    uint32_t       pc, count;
    const uint8_t *types;
} qn_call_types;

typedef struct qn_program {
    const uint32_t         *code;
    uint32_t                code_count;
    const uint32_t         *wide;
    uint32_t                wide_count;
    const qn_datum         *constants; /* literals; parameters and computed ones are empty here */
    const bool             *constant_nulls;
    const qn_constant_info *constant_info;
    uint32_t                constant_count;
    const qn_constant_set  *sets;
    uint32_t                set_count;
    const qn_slot          *slots;
    uint32_t                slot_count;
    const uint8_t          *register_banks; /* bank of each register, of its last assignment by LOAD or op */
    uint32_t                register_count;
    uint32_t                stack_depth; /* as proved by the verifier */
    const qn_code_pipeline *pipelines;
    uint32_t                pipeline_count;
    const qn_code_location *locations; /* sorted by pc: where in the text an error belongs */
    uint32_t                location_count;
    const qn_call_types    *call_types; /* sorted by pc */
    uint32_t                call_type_count;
    const qn_plan          *plan;
} qn_program;

/* Physical plan to bytecode.  54000 when a limit (registers, wide operands) is exceeded. */
qn_status qn_code_generate(const qn_plan *plan, qn_arena *arena, qn_program **program, qn_error *err);

/* Prove that a program can run: opcodes known, jump targets inside their range, stack depth, registers,
 * constants, sets, slots, objects and functions exist, wide indexes valid, banks legal, calls not nested too
 * deep, selections balanced on every path.  XX000 naming the instruction.  Hostile programs are refused. */
qn_status qn_code_verify(const qn_program *program, uint32_t *stack_depth, qn_arena *scratch, qn_error *err);

/* Disassembly with operands resolved; ends with the size report
 * "48 instructions, 192 bytes, 3 cache lines, 6 constants, 0 side-table bytes". */
void qn_code_print(const qn_program *program, qn_buf *buf);
int  qn_code_location_at(const qn_program *program, uint32_t pc); /* -1: none */

/* Operand access for handlers and tools: the i-th operand of instruction w (layout known). */
static inline uint32_t qn_operand1(const qn_program *p, uint32_t w)
{
    return (w >> 8) & QN_FLAG_WIDE ? p->wide[qn_instr_operand(w)] : qn_instr_operand(w);
}
static inline void qn_operand2(const qn_program *p, uint32_t w, uint32_t *a, uint32_t *b)
{
    uint32_t x = qn_instr_operand(w);
    if ((w >> 8) & QN_FLAG_WIDE) {
        *a = p->wide[x];
        *b = p->wide[x + 1];
    } else {
        *a = x & 255;
        *b = x >> 8;
    }
}
static inline const uint32_t *qn_operands(const qn_program *p, uint32_t w)
{
    return p->wide + qn_instr_operand(w);
}

#endif
