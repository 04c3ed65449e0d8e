/* What choosing the next handler costs, five ways, on the instruction streams of real programs.
 *
 *     bench_dispatch DIR QUERIES
 *
 * DIR is a database with the table hits, QUERIES a file with one statement a line.  Two figures come out.
 *
 *   ns a dispatch   every program is compiled as usual; its words are then walked straight through, many times,
 *                   with handlers that add the operand to one sum in memory and do nothing else.  What differs
 *                   between the ways is only how the walk finds the next handler:
 *                     switch    one switch over the opcode, position in a local
 *                     goto      computed goto through a table of labels, position in a local
 *                     table     tables[bank][opcode](vm, word), position in the machine: what vm/dispatch.c does
 *                     resolved  an array of (handler, word) made beforehand, position in a local
 *                     resolved1 the same with the next handler called from the handler (tail calls), where the
 *                               compiler makes them jumps
 *   share           a profile run counts the dispatches of each statement; times the cost of `table`, over the
 *                   statement's best time of five, that is the share of the time that dispatch takes.
 *
 * switch and goto are flattered: they ignore the type bank, which the other ways choose in the same step. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/api_int.h"

#define WALKED_WORDS 1000000u /* words walked per program and way */
#define REPEATS 5
#define MAX_PROGRAMS 256

typedef struct machine {
    uint64_t        sum;
    const uint32_t *code;
    uint32_t        pc;
} machine;

/* The work of every handler.  The slot in the empty assembly keeps the compiler from merging handlers. */
#define WORK(vm, word, slot)                                                                        \
    do {                                                                                            \
        __asm__ volatile("# %c1" : "+m"((vm)->sum) : "i"(slot));                                    \
        (vm)->sum += (word) >> 16;                                                                  \
    } while (0)

/* ---- switch and goto ---------------------------------------------------------------------------------- */

static __attribute__((noinline)) void walk_switch(machine *vm, const uint32_t *code, uint32_t count)
{
    const uint32_t *end = code + count;
    while (code < end) {
        uint32_t w = *code++;
        switch (qn_instr_op(w)) {
#define X(slot, name, layout, pops, pushes, meaning)                                                \
    case slot: WORK(vm, w, slot); break;
            QN_OPS(X)
#undef X
        default: return;
        }
    }
}

static __attribute__((noinline)) void walk_goto(machine *vm, const uint32_t *code, uint32_t count)
{
    static const void *const labels[256] = {
#define X(slot, name, layout, pops, pushes, meaning) [slot] = &&op_##slot,
        QN_OPS(X)
#undef X
    };
    const uint32_t *end = code + count;
    uint32_t        w;
#define NEXT()                                                                                      \
    do {                                                                                            \
        if (code == end)                                                                            \
            return;                                                                                 \
        w = *code++;                                                                                \
        goto *labels[qn_instr_op(w)];                                                               \
    } while (0)
    NEXT();
#define X(slot, name, layout, pops, pushes, meaning) op_##slot : WORK(vm, w, slot); NEXT();
    QN_OPS(X)
#undef X
#undef NEXT
}

/* ---- table ---------------------------------------------------------------------------------------------- */

typedef qn_status (*handler)(machine *vm, uint32_t w);

#define X(slot, name, layout, pops, pushes, meaning)                                                \
    static qn_status work_##slot(machine *vm, uint32_t w)                                           \
    {                                                                                               \
        WORK(vm, w, slot);                                                                          \
        return QN_OK;                                                                               \
    }
QN_OPS(X)
#undef X

static handler table[16][256];

static void table_make(void)
{
    for (int bank = 0; bank < 16; bank++) {
#define X(slot, name, layout, pops, pushes, meaning) table[bank][slot] = work_##slot;
        QN_OPS(X)
#undef X
    }
}

static __attribute__((noinline)) void walk_table(machine *vm, const uint32_t *code, uint32_t count)
{
    vm->code = code;
    vm->pc = 0;
    while (vm->pc < count) {
        uint32_t w = code[vm->pc++];
        if (table[qn_instr_bank(w)][qn_instr_op(w)](vm, w) != QN_OK)
            return;
    }
}

/* ---- resolved beforehand -------------------------------------------------------------------------------- */

typedef struct resolved {
    handler  run;
    uint32_t word;
} resolved;

static __attribute__((noinline)) void walk_resolved(machine *vm, const resolved *r, uint32_t count)
{
    for (const resolved *end = r + count; r < end; r++)
        if (r->run(vm, r->word) != QN_OK)
            return;
}

typedef struct chained chained;
struct chained {
    void   (*run)(machine *vm, const chained *at);
    uint32_t word;
};

#define X(slot, name, layout, pops, pushes, meaning)                                                \
    static void chain_##slot(machine *vm, const chained *at)                                        \
    {                                                                                               \
        WORK(vm, at->word, slot);                                                                   \
        at[1].run(vm, at + 1);                                                                      \
    }
QN_OPS(X)
#undef X

static void chain_end(machine *vm, const chained *at) { WORK(vm, at->word, 0xFF); }

static void (*const chain[256])(machine *, const chained *) = {
#define X(slot, name, layout, pops, pushes, meaning) [slot] = chain_##slot,
    QN_OPS(X)
#undef X
};

/* ---- measuring ------------------------------------------------------------------------------------------- */

enum { WAY_SWITCH, WAY_GOTO, WAY_TABLE, WAY_RESOLVED, WAY_CHAINED, WAYS };
static const char *const way_names[WAYS] = {"switch", "goto", "table", "resolved", "resolved1"};

typedef struct program {
    char                *sql;
    qn_statement        *statement;
    const uint32_t      *code;
    uint32_t             count;
    resolved            *resolved;
    chained             *chained;
    double               ns[WAYS]; /* a dispatch */
} program;

static qn_error err;

static void must(qn_status st)
{
    if (st == QN_OK)
        return;
    fprintf(stderr, "bench_dispatch: %s\n", err.message);
    exit(1);
}

static void *room(size_t bytes)
{
    void *p = malloc(bytes);
    if (!p)
        exit(1);
    return p;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void walk(int way, machine *vm, const program *p)
{
    switch (way) {
    case WAY_SWITCH: walk_switch(vm, p->code, p->count); break;
    case WAY_GOTO: walk_goto(vm, p->code, p->count); break;
    case WAY_TABLE: walk_table(vm, p->code, p->count); break;
    case WAY_RESOLVED: walk_resolved(vm, p->resolved, p->count); break;
    default: p->chained[0].run(vm, p->chained); break;
    }
}

static void measure_walks(program *p)
{
    machine  vm = {0};
    uint32_t passes = WALKED_WORDS / p->count + 1;
    for (int way = 0; way < WAYS; way++)
        p->ns[way] = 1e9;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        uint64_t sum = 0;
        for (int way = 0; way < WAYS; way++) {
            vm.sum = 0;
            double start = now_ns();
            for (uint32_t i = 0; i < passes; i++)
                walk(way, &vm, p);
            double ns = (now_ns() - start) / passes / p->count;
            p->ns[way] = ns < p->ns[way] ? ns : p->ns[way];
            if (way && vm.sum != sum) {
                fprintf(stderr, "bench_dispatch: %s walked another way\n", way_names[way]);
                exit(1);
            }
            sum = vm.sum;
        }
    }
}

/* Statement, its words, and the arrays that are resolved beforehand. */
static void program_make(qn_connection *conn, program *p)
{
    must(qn_prepare(conn, p->sql, SIZE_MAX, NULL, &p->statement, &err));
    const qn_program *code = p->statement->unit->program;
    p->code = code->code;
    p->count = code->code_count;
    p->resolved = room(p->count * sizeof *p->resolved);
    p->chained = room((p->count + 1) * sizeof *p->chained);
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t w = p->code[i];
        p->resolved[i] = (resolved){table[qn_instr_bank(w)][qn_instr_op(w)], w};
        p->chained[i] = (chained){chain[qn_instr_op(w)], w};
    }
    p->chained[p->count] = (chained){chain_end, 0};
}

static double run_ms(program *p, uint64_t *dispatches)
{
    qn_result *result;
    double     start = now_ns();
    must(qn_run(p->statement, &result, &err));
    double ms = (now_ns() - start) / 1e6;
    if (dispatches) {
        const qn_profile_entry *profile = qn_exec_profile(result->exec);
        *dispatches = 0;
        for (uint32_t i = 0; i < p->count; i++)
            *dispatches += profile[i].calls;
    }
    qn_result_free(result);
    return ms;
}

static void set_dispatch(qn_connection *conn, const char *mode)
{
    char       sql[64];
    qn_result *result;
    snprintf(sql, sizeof sql, "SET quern.dispatch = '%s'", mode);
    must(qn_query(conn, sql, &result, &err));
    qn_result_free(result);
}

static void report_shares(qn_connection *conn, program *programs, uint32_t count, double ns)
{
    double total_ms = 0, total_ns = 0;
    printf("statement\tms\tdispatches\tdispatch share %%\n");
    for (uint32_t i = 0; i < count; i++) {
        uint64_t dispatches;
        double   best = 1e30;
        set_dispatch(conn, "profile");
        run_ms(&programs[i], &dispatches);
        set_dispatch(conn, "bare");
        for (int repeat = 0; repeat < REPEATS; repeat++) {
            double ms = run_ms(&programs[i], NULL);
            best = ms < best ? ms : best;
        }
        printf("%u\t%.3f\t%llu\t%.4f\n", i + 1, best, (unsigned long long)dispatches,
               100 * (double)dispatches * ns / 1e6 / best);
        total_ms += best;
        total_ns += (double)dispatches * ns;
    }
    printf("all\t%.3f\t\t%.4f\n", total_ms, 100 * total_ns / 1e6 / total_ms);
}

static uint32_t programs_read(qn_connection *conn, const char *path, program *programs)
{
    FILE    *file = fopen(path, "r");
    char    *line = NULL;
    size_t   bytes = 0;
    uint32_t count = 0;
    if (!file) {
        fprintf(stderr, "bench_dispatch: cannot read %s\n", path);
        exit(1);
    }
    while (count < MAX_PROGRAMS && getline(&line, &bytes, file) > 0) {
        if (!strncmp(line, "--", 2) || line[strspn(line, " \n")] == 0)
            continue;
        programs[count].sql = strdup(line);
        if (!programs[count].sql)
            exit(1);
        program_make(conn, &programs[count++]);
    }
    free(line);
    fclose(file);
    return count;
}

int main(int argc, char **argv)
{
    static program programs[MAX_PROGRAMS];
    qn_database   *db;
    qn_connection *conn;
    uint64_t       words = 0;
    double         mean[WAYS] = {0};

    if (argc != 3) {
        fprintf(stderr, "usage: bench_dispatch DIR QUERIES\n");
        return 2;
    }
    table_make();
    must(qn_open(argv[1], &(qn_options){.read_only = true, .must_exist = true}, &db, &err));
    must(qn_connect(db, &conn, &err));
    uint32_t count = programs_read(conn, argv[2], programs);
    for (uint32_t i = 0; i < count; i++) {
        measure_walks(&programs[i]);
        words += programs[i].count;
        for (int way = 0; way < WAYS; way++)
            mean[way] += programs[i].ns[way] * programs[i].count;
    }
    printf("programs\t%u\t%llu instructions\n", count, (unsigned long long)words);
    for (int way = 0; way < WAYS; way++)
        printf("%s\t%.3f ns a dispatch\n", way_names[way], mean[way] / (double)words);
    report_shares(conn, programs, count, mean[WAY_TABLE] / (double)words);
    for (uint32_t i = 0; i < count; i++) {
        qn_finalize(programs[i].statement);
        free(programs[i].sql);
        free(programs[i].resolved);
        free(programs[i].chained);
    }
    qn_disconnect(conn);
    qn_close(db);
    return 0;
}
