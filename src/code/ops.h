/* The instruction set: one X-macro table from which the enum, names, operand layouts, verifier,
 * disassembler, dispatch tables and docs/bytecode.md are made.
 *
 *      31                            16 15            8 7             0
 *    ┌─────────────────────────────────┬───────────────┬───────────────┐
 *    │             operand             │     flags     │    opcode     │
 *    └─────────────────────────────────┴───────────────┴───────────────┘
 *
 * An instruction is one aligned little-endian u32: opcode in bits 0–7, flags in 8–15, operand in 16–31.
 *
 *   flags  bit 0  WIDE      the operand indexes wide_operands[], a cold u32 side table
 *          bit 1  NULLABLE  inputs may hold NULL; without it the handler may skip all mask work
 *          bit 2  REGISTER  register-addressed form (for validation; the opcode range is the truth)
 *          bit 3  BLANKS    GREATEST and LEAST of char(n): blanks at the end of a text do not count
 *          bits 4–7         type bank (qn_bank)
 *
 * Operand layouts, one letter an operand:
 *   r register · k constant · j code position · o object · s slot · c source column · f function
 *   p pipeline · n number (for IN, IN_R and SLOT_IN, k is the index of a constant set)
 * One letter: the 16-bit operand itself, or with WIDE one word of the side table.
 * Two letters: two bytes (first letter in the low byte), or with WIDE two words.
 * Three or more: always WIDE, that many words.
 *
 * Families have 16 slots each; register forms stand at the stack form's slot ^ 0x80. */
#ifndef QN_CODE_OPS_H
#define QN_CODE_OPS_H

#include <stdint.h>

/*    slot  name          layout  pops pushes meaning */
#define QN_OPS(X)                                                                                         \
    /* 00 control */                                                                                      \
    X(0x00, HALT,         "",     0, 0, "end of the program or of a pipeline range")                      \
    X(0x01, JUMP,         "j",    0, 0, "continue at j; a backward jump polls cancellation")              \
    X(0x02, CALL,         "j",    0, 0, "subroutine at j, inside the same range; depth at most 8")        \
    X(0x03, RETURN,       "",     0, 0, "back behind the last CALL")                                      \
    X(0x04, JUMP_EMPTY,   "j",    0, 0, "continue at j when no lane is selected")                         \
    X(0x05, RUN,          "p",    0, 0, "run pipeline p over all its morsels on the workers")             \
    X(0x06, JUMP_NOT_TRUE,"j",    1, 0, "pop a; continue at j unless a is true")                          \
    X(0x07, JUMP_NOT_NULL,"j",    0, 0, "continue at j when the top of the stack is not NULL; it stays")  \
    X(0x08, JUMP_FALSE,   "j",    0, 0, "continue at j when the top of the stack is false; it stays")     \
    X(0x09, JUMP_TRUE,    "j",    0, 0, "continue at j when the top of the stack is true; it stays")      \
    X(0x0A, POP,          "",     1, 0, "drop the top of the stack")                                      \
    /* 10 load and store */                                                                               \
    X(0x10, CONST,        "k",    0, 1, "push constant k")                                                \
    X(0x11, STORE,        "k",    1, 0, "pop into constant slot k of this execution")                     \
    X(0x12, LOAD_CONST,   "rk",   0, 0, "r = constant k in every lane")                                   \
    X(0x13, LOAD_COLUMN,  "rc",   0, 0, "r = source column c of the current batch")                       \
    X(0x14, LOAD_SLOT,    "s",    0, 0, "the slot's register = its expression over the current batch")    \
    X(0x15, MOVE,         "rr",   0, 0, "r = r'")                                                         \
    X(0x16, BLANK,        "r",    0, 0, "r = NULL in every lane, in r's own buffer")                      \
    X(0x17, MERGE,        "rr",   0, 0, "selected lanes of r' into r's own buffer")                       \
    X(0x18, ROW_NUMBER,   "r",    0, 0, "r = row id of each lane, bigint")                                \
    X(0x19, LOAD_LENGTHS, "rc",   0, 0, "r = characters of the text in column c, whose values are walked")  \
    /* 20 arithmetic: pop b, a; push a op b */                                                            \
    X(0x20, ADD,          "",     2, 1, "a + b; 22003 on overflow")                                       \
    X(0x21, SUB,          "",     2, 1, "a - b; 22003 on overflow")                                       \
    X(0x22, MUL,          "",     2, 1, "a * b; 22003 on overflow")                                       \
    X(0x23, DIV,          "",     2, 1, "a / b; 22012 on zero")                                           \
    X(0x24, MOD,          "",     2, 1, "a % b; 22012 on zero")                                           \
    X(0x25, NEG,          "",     1, 1, "-a; 22003 on overflow")                                          \
    X(0x26, ABS,          "",     1, 1, "|a|; 22003 on overflow")                                         \
    /* 30 comparison */                                                                                   \
    X(0x30, EQ,           "",     2, 1, "a = b")                                                          \
    X(0x31, NE,           "",     2, 1, "a <> b")                                                         \
    X(0x32, LT,           "",     2, 1, "a < b")                                                          \
    X(0x33, LE,           "",     2, 1, "a <= b")                                                         \
    X(0x34, GT,           "",     2, 1, "a > b")                                                          \
    X(0x35, GE,           "",     2, 1, "a >= b")                                                         \
    X(0x36, IS_NULL,      "",     1, 1, "a IS NULL")                                                      \
    X(0x37, NOT_NULL,     "",     1, 1, "a IS NOT NULL")                                                  \
    X(0x38, DISTINCT,     "",     2, 1, "a IS DISTINCT FROM b")                                           \
    /* 40 logical, three-valued */                                                                        \
    X(0x40, AND,          "",     2, 1, "a AND b")                                                        \
    X(0x41, OR,           "",     2, 1, "a OR b")                                                         \
    X(0x42, NOT,          "",     1, 1, "NOT a")                                                          \
    X(0x43, IS_TRUE,      "",     1, 1, "a IS TRUE")                                                      \
    X(0x44, IS_FALSE,     "",     1, 1, "a IS FALSE")                                                     \
    X(0x45, GREATEST,     "",     2, 1, "the greater of a and b; NULLs are ignored")                      \
    X(0x46, LEAST,        "",     2, 1, "the smaller of a and b; NULLs are ignored")                      \
    X(0x47, IN,           "k",    1, 1, "a is one of the constants of set k")                             \
    /* 50 aggregation */                                                                                  \
    X(0x50, GROUP_FIND,   "orn",  0, 0, "group of each lane from n key registers r, r+1, …")              \
    X(0x51, AGG_COUNT,    "on",   0, 0, "count(*) of aggregate n")                                        \
    X(0x52, AGG_UPDATE,   "onr",  0, 0, "fold r into aggregate n by its update form")                     \
    X(0x53, AGG_UPDATE2,  "onrr", 0, 0, "fold (r, r') into aggregate n")                                  \
    X(0x54, AGG_DISTINCT, "onr",  0, 0, "note (group, r) for aggregate n with DISTINCT")                  \
    X(0x55, GROUP_FLUSH,  "o",    0, 0, "end of a block: hand block-local groups to the table")           \
    X(0x56, GROUP_FOLD,   "orn",  0, 0, "fold each lane into its group: keys r …, then a register for each aggregate; n in all") \
    /* 60 batch */                                                                                        \
    X(0x60, FILTER,       "r",    0, 0, "select only lanes where r is true")                              \
    X(0x61, SEL_SAVE,     "",     0, 0, "push the selection")                                             \
    X(0x62, SEL_RESTORE,  "",     0, 0, "pop the selection")                                              \
    X(0x63, SEL_NOT_TRUE, "r",    0, 0, "select only lanes where r is false or NULL")                     \
    X(0x64, SEL_NOT_FALSE,"r",    0, 0, "select only lanes where r is true or NULL")                      \
    X(0x65, SEL_NULL,     "r",    0, 0, "select only lanes where r is NULL")                              \
    X(0x66, EMIT,         "orn",  0, 0, "append the selected lanes of registers r … r+n-1 to sink o")     \
    X(0x67, BLOCK_TOP,    "oj",   0, 0, "before batches: keep the block's rows that may come first in sink o, by codes; to j when none is left")\
    /* 70 calls */                                                                                        \
    X(0x70, CALL_SCALAR,  "fn",   0, 0, "pop n arguments, push function f of them")                       \
    X(0x71, CALL_LANES,   "frrn", 0, 0, "r = function f of registers r', r'+1, … (n of them) per lane")   \
    X(0x72, CAST_IO,      "nnrr", 0, 0, "r = r' printed as type n>>8 and parsed as type n, modifier n'")  \
    X(0x73, CAST_LENGTH,  "nnrr", 0, 0, "r = r' fitted to modifier n' (type n; n>>8: explicit)")          \
    X(0x74, CAST_IO_S,    "nn",   1, 1, "scalar CAST_IO")                                                 \
    X(0x75, CAST_LENGTH_S,"nn",   1, 1, "scalar CAST_LENGTH")                                             \
    /* D0 pipeline */                                                                                     \
    X(0xD0, BLOCK_BEGIN,  "j",    0, 0, "bind the morsel's block; continue at j when it can be skipped")  \
    X(0xD1, SLOT_BEGIN,   "sj",   0, 0, "start evaluating slot s per distinct value, or continue at j")   \
    X(0xD2, SLOT_NEXT,    "sj",   0, 0, "next distinct values into the slot's input, or continue at j")   \
    X(0xD3, SLOT_STORE,   "s",    0, 0, "keep the slot's results for these values")                       \
    X(0xD4, SLOT_RANGE,   "skn",  0, 0, "codes that compare (n) with constant k, by search; n + 256: these too, n + 512: more follow")              \
    X(0xD5, SLOT_IN,      "sk",   0, 0, "codes of the constants of set k, by search")                     \
    X(0xD6, SLOT_PRUNE,   "skn",  0, 0, "visit only values that may match pattern k of kind n (type/pattern.h)")\
    X(0xD7, BLOCK_SELECT, "sj",   0, 0, "keep the block's rows, or values, whose code passed slot s, or the filled filter that gains most for its cost; to j when none is left")\
    X(0xD8, BATCH_NEXT,   "j",    0, 0, "next batch of the source, or continue at j")                     \
    X(0xD9, FILTER_SLOT,  "s",    0, 0, "compute slot s per row for the FILTER that follows, or skip that when BLOCK_SELECT did it")               \
    X(0xDA, VALUES_BEGIN, "cn",   0, 0, "walk column c as (value, count); n = 1: extremes only")          \
    X(0xDB, VALUES_NEXT,  "j",    0, 0, "next values with their counts as weights, or continue at j")     \
    X(0xDD, LIST_TOP,     "j",    0, 0, "keep the values that may be among the most frequent; to j while these are looked for") \
    X(0xDE, LIST_DISTINCT,"nj",   0, 0, "the block's values, whole, for count(DISTINCT) n; continue at j if that was possible") \
    X(0xDF, GROUP_FIXED,  "j",    0, 0, "keep rows of the groups that LIMIT takes, if these are known; to j when none is left") \
    X(0xDC, BLOCK_END,    "",     0, 0, "release the block")                                              \
    /* A0 register arithmetic: r = r op r' */                                                             \
    X(0xA0, ADD_R,        "rr",   0, 0, "r = r + r'")                                                     \
    X(0xA1, SUB_R,        "rr",   0, 0, "r = r - r'")                                                     \
    X(0xA2, MUL_R,        "rr",   0, 0, "r = r * r'")                                                     \
    X(0xA3, DIV_R,        "rr",   0, 0, "r = r / r'")                                                     \
    X(0xA4, MOD_R,        "rr",   0, 0, "r = r % r'")                                                     \
    X(0xA5, NEG_R,        "r",    0, 0, "r = -r")                                                         \
    X(0xA6, ABS_R,        "r",    0, 0, "r = |r|")                                                        \
    /* B0 register comparison: the boolean result replaces r */                                           \
    X(0xB0, EQ_R,         "rr",   0, 0, "r = (r = r')")                                                   \
    X(0xB1, NE_R,         "rr",   0, 0, "r = (r <> r')")                                                  \
    X(0xB2, LT_R,         "rr",   0, 0, "r = (r < r')")                                                   \
    X(0xB3, LE_R,         "rr",   0, 0, "r = (r <= r')")                                                  \
    X(0xB4, GT_R,         "rr",   0, 0, "r = (r > r')")                                                   \
    X(0xB5, GE_R,         "rr",   0, 0, "r = (r >= r')")                                                  \
    X(0xB6, IS_NULL_R,    "r",    0, 0, "r = (r IS NULL)")                                                \
    X(0xB7, NOT_NULL_R,   "r",    0, 0, "r = (r IS NOT NULL)")                                            \
    X(0xB8, DISTINCT_R,   "rr",   0, 0, "r = (r IS DISTINCT FROM r')")                                    \
    /* C0 register logic */                                                                               \
    X(0xC0, AND_R,        "rr",   0, 0, "selected lanes: r = r AND r'; others keep r")                    \
    X(0xC1, OR_R,         "rr",   0, 0, "selected lanes: r = r OR r'; others keep r")                     \
    X(0xC2, NOT_R,        "r",    0, 0, "r = NOT r")                                                      \
    X(0xC3, IS_TRUE_R,    "r",    0, 0, "r = (r IS TRUE)")                                                \
    X(0xC4, IS_FALSE_R,   "r",    0, 0, "r = (r IS FALSE)")                                               \
    X(0xC5, GREATEST_R,   "rr",   0, 0, "r = the greater of r and r'; NULLs are ignored")                 \
    X(0xC6, LEAST_R,      "rr",   0, 0, "r = the smaller of r and r'; NULLs are ignored")                 \
    X(0xC7, IN_R,         "rk",   0, 0, "r = (r is one of the constants of set k)")

typedef enum qn_op {
#define X(slot, name, layout, pops, pushes, meaning) QN_OP_##name = slot,
    QN_OPS(X)
#undef X
} qn_op;

/* In the comparison of SLOT_RANGE: codes are added to those the slot has; the slot is complete with a later one. */
enum { QN_RANGE_OR = 256, QN_RANGE_MORE = 512 };
enum { QN_FLAG_WIDE = 1, QN_FLAG_NULLABLE = 2, QN_FLAG_REGISTER = 4, QN_FLAG_BLANKS = 8, QN_FLAG_BANK_SHIFT = 4 };

static inline uint8_t  qn_instr_op(uint32_t w) { return (uint8_t)w; }
static inline uint8_t  qn_instr_flags(uint32_t w) { return (uint8_t)(w >> 8); }
static inline uint8_t  qn_instr_bank(uint32_t w) { return (uint8_t)(w >> 12) & 15; }
static inline uint16_t qn_instr_operand(uint32_t w) { return (uint16_t)(w >> 16); }
static inline uint32_t qn_instr_make(uint8_t op, uint8_t flags, uint16_t operand)
{
    return (uint32_t)op | (uint32_t)flags << 8 | (uint32_t)operand << 16;
}

typedef struct qn_op_info {
    const char *name; /* NULL: the slot is empty */
    const char *layout;
    uint8_t     pops, pushes;
    const char *meaning;
} qn_op_info;
const qn_op_info *qn_op_describe(uint8_t op);
const char       *qn_op_family(uint8_t op); /* "control", "load/store", … */

#endif
