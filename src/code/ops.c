/* The opcode table, by slot. */
#include "code/ops.h"

#include <stddef.h>

/* One opcode per slot: a repeated slot would be a repeated case label. */
static inline void slots_are_unique(int slot)
{
    switch (slot) {
#define X(at, name, layout, pops, pushes, meaning) case at: break;
        QN_OPS(X)
#undef X
    }
}

#define X(at, name, layout, pops, pushes, meaning) _Static_assert((at) >= 0 && (at) < 256, "slot of " #name);
QN_OPS(X)
#undef X

const qn_op_info *qn_op_describe(uint8_t op)
{
    static const qn_op_info table[256] = {
#define X(at, opname, lay, pop, push, what) [at] = {#opname, lay, pop, push, what},
        QN_OPS(X)
#undef X
    };
    slots_are_unique(op);
    return &table[op];
}

const char *qn_op_family(uint8_t op)
{
    static const char *const names[16] = {
        "control",  "load and store", "arithmetic", "comparison", "logical", "aggregation", "batch", "calls",
        "join",     "rows",           "register arithmetic", "register comparison", "register logic",
        "pipeline", "index",          "window"};
    return names[op >> 4];
}
