/* Fuzz target: bytecode.  A valid program is bent, shown to the verifier, and run when it is accepted.
 *
 * The first byte picks a statement, which is compiled over a small table that has every kind of column; each
 * following group of four bytes bends one thing: a word of the code or of its side table, an operand, a slot, a
 * range, a set, a constant's type, a number of registers.  Nearly all bent programs are refused.  The others must run, or end
 * with an error, without touching memory that is not theirs (sanitizers) and without breaking an invariant of the
 * machine (the validating dispatch table).  They may compute nonsense.
 *
 * Built with -fsanitize=fuzzer the engine calls LLVMFuzzerTestOneInput; with -DQN_FUZZ_MAIN the program runs the
 * files named on its command line, or, given `--random N [SEED]`, N inputs of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_int.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const setup[] = {
    "CREATE TABLE t (a integer, b text, c bigint, d date, e double precision, n numeric(12,2), g boolean, s smallint, iv interval)",
    "INSERT INTO t SELECT i % 100, CASE WHEN i % 11 = 0 THEN NULL ELSE 'text number ' || i % 50 END, i * 1000003::bigint, "
    "date '2020-01-01' + i % 30, i / 8.0, i / 4.0, i % 3 = 0, (i % 7)::smallint, i % 5 * interval '1 hour' "
    "FROM generate_series(1, 5000) AS x(i)",
    "CREATE TABLE u (k text, v integer)",
    "INSERT INTO u SELECT 'unique ' || i, i FROM generate_series(1, 3000) AS x(i)", /* nearly all distinct: kept by row */
    "CREATE TABLE w (x integer, y text, z bigint)", /* enough distinct values for thresholds */
    "INSERT INTO w SELECT CASE WHEN i % 2 = 0 THEN i % 9 ELSE i END, 'word ' || i % 13, i FROM generate_series(1, 40000) AS x(i)",
    "INSERT INTO w SELECT CASE WHEN i % 2 = 0 THEN i % 7 ELSE -i END, 'word ' || i % 11, i FROM generate_series(1, 40000) AS x(i)",
};

static const char *const statements[] = {
    "SELECT a, count(*), sum(c), avg(e), min(b), max(d) FROM t WHERE a > 10 AND b LIKE '%number 1%' GROUP BY a ORDER BY 2 DESC, a LIMIT 10",
    "SELECT b, count(DISTINCT a), sum(n) FROM t WHERE a IN (1, 2, 3, 50) GROUP BY b ORDER BY 1",
    "SELECT count(*), count(b), min(a), max(b), sum(c) FROM t",
    "SELECT a, count(*) FROM t GROUP BY a",
    "SELECT length(b), upper(b) || 'x', a + s, c / 7, n * 2 FROM t WHERE length(b) > 14 ORDER BY c LIMIT 20 OFFSET 3",
    ("SELECT CASE WHEN a + s > 50 THEN b WHEN c % 3 = 0 THEN 'third' ELSE NULL END, coalesce(b, 'none'), greatest(a, s + 10) FROM t "
    "WHERE a + s > 3 OR 100 / (a + 1) > s"),
    "SELECT k, v FROM u WHERE v > 100 AND k LIKE 'unique 1%' ORDER BY v LIMIT 7",
    "SELECT extract(month FROM d), sum(e) FILTER (WHERE a > s), count(DISTINCT b) FROM t GROUP BY 1 HAVING count(*) > 1 ORDER BY 1",
    "SELECT x, x * 2, x::text, x::numeric(8,1) FROM generate_series(1, 100) AS g(x) WHERE x % 3 <> 1",
    "SELECT * FROM (VALUES (1, 'a', 1.5), (2, 'b', 2.5), (3, NULL, NULL)) AS v(i, t, n) WHERE i < 3 OR t IS NULL",
    "SELECT iv, g, count(*), bool_or(g), stddev(a) FROM t WHERE g IS NOT TRUE OR iv > interval '1 hour' GROUP BY iv, g ORDER BY 1, 2",
    "SELECT 1 + 2, 'a' || 'b', CASE WHEN true THEN 3 ELSE 4 END, NULLIF(5, 5), date '2020-01-01' + 3",
    "SELECT b FROM (SELECT b, count(*) AS n FROM t GROUP BY b) AS q WHERE n > 50 ORDER BY n DESC, b LIMIT 5",
    "SELECT DISTINCT s, substring(b, 1, 4) FROM t ORDER BY s",
    "SELECT s, b, g, count(*), sum(a), max(c), count(DISTINCT d) FROM t GROUP BY s, b, g ORDER BY 4 DESC, 1, 2, 3 LIMIT 5",
    "SELECT b, s, a, count(*), count(DISTINCT b) FROM t WHERE s > 2 GROUP BY b, s, a LIMIT 4",
    "SELECT count(DISTINCT c), count(DISTINCT b), min(a) FROM t",
    "SELECT x, count(*), sum(x) FROM w WHERE x <> 3 GROUP BY x ORDER BY 2 DESC LIMIT 3",
    "SELECT y, x, x - 1, count(*), count(DISTINCT z) FROM w GROUP BY x, y ORDER BY 4 DESC LIMIT 3",
};

static qn_database   *db;
static qn_connection *conn;
static uint64_t       accepted_count, run_count;

static void must(qn_status st, const qn_error *err)
{
    if (st == QN_OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    abort();
}

static void database_make(void)
{
    qn_error    err = {.status = QN_OK};
    qn_options  options = {.threads = 1};
    qn_result  *result;
    must(qn_open(NULL, &options, &db, &err), &err);
    must(qn_connect(db, &conn, &err), &err);
    for (size_t i = 0; i < QN_COUNTOF(setup); i++) {
        must(qn_query(conn, setup[i], &result, &err), &err);
        qn_result_free(result);
    }
}

/* ---- bending ---------------------------------------------------------------------------------------------- */

typedef struct program { /* a copy that may be written to */
    qn_program        p;
    uint32_t         *code, *wide;
    qn_constant_info *infos;
    qn_constant_set  *sets;
    qn_slot          *slots;
    qn_code_pipeline *ranges;
} program;

static void *copy(qn_arena *arena, const void *from, size_t bytes)
{
    void *to = qn_arena_alloc0(arena, bytes + 16);
    if (!to)
        abort();
    if (bytes)
        memcpy(to, from, bytes);
    return to;
}

static void program_copy(qn_arena *arena, const qn_program *from, program *to)
{
    to->p = *from;
    to->p.code = to->code = copy(arena, from->code, from->code_count * sizeof *to->code);
    to->p.wide = to->wide = copy(arena, from->wide, from->wide_count * sizeof *to->wide);
    to->p.constant_info = to->infos = copy(arena, from->constant_info, from->constant_count * sizeof *to->infos);
    to->p.sets = to->sets = copy(arena, from->sets, from->set_count * sizeof *to->sets);
    to->p.slots = to->slots = copy(arena, from->slots, from->slot_count * sizeof *to->slots);
    to->p.pipelines = to->ranges = copy(arena, from->pipelines, from->pipeline_count * sizeof *to->ranges);
}

static void slot_bend(qn_slot *s, uint8_t what, uint8_t by)
{
    switch (what % 8) {
    case 0: s->column = by; break;
    case 1: s->in = by; break;
    case 2: s->out = by; break;
    case 3: s->entry = by; break;
    case 4: s->in_bank = by % QN_BANK_COUNT; break;
    case 5: s->out_bank = by % QN_BANK_COUNT; break;
    case 6: s->is_filter = by & 1; break;
    default: s->lengths = by & 1; break;
    }
}

static void bend(program *b, const uint8_t d[4])
{
    const qn_program *p = &b->p;
    uint32_t          at = d[1] % p->code_count, other = d[2] % p->code_count;
    switch (d[0] % 16) {
    case 0: b->code[at] = (b->code[at] & 0xffffff00) | d[2]; break;                /* opcode */
    case 1: b->code[at] ^= 1u << (8 + d[2] % 8); break;                            /* one flag */
    case 2: b->code[at] = (b->code[at] & 0xffff0fff) | (d[2] % 12u) << 12; break;  /* bank */
    case 3: b->code[at] = (b->code[at] & 0xff00ffff) | (uint32_t)d[2] << 16; break;
    case 4: b->code[at] = (b->code[at] & 0x00ffffff) | (uint32_t)d[2] << 24; break;
    case 5: b->code[at] = (b->code[at] & 0x0000ffff) | (uint32_t)(d[2] | d[3] << 8) << 16; break;
    case 6: /* swap two words */
    {
        uint32_t w = b->code[at];
        b->code[at] = b->code[other];
        b->code[other] = w;
        break;
    }
    case 7: b->code[at] = b->code[other]; break;
    case 8:
    case 9:
        if (p->wide_count)
            b->wide[d[1] % p->wide_count] = d[0] & 16 ? (uint32_t)d[2] << (d[3] % 25) : d[2];
        break;
    case 10:
        if (p->slot_count)
            slot_bend(&b->slots[d[1] % p->slot_count], d[2], d[3]);
        break;
    case 11:
        if (p->set_count)
            b->sets[d[1] % p->set_count] = (qn_constant_set){d[2], d[3]};
        break;
    case 12:
        if (p->constant_count)
            b->infos[d[1] % p->constant_count].computed ^= 1;
        break;
    case 13: b->p.register_count = d[1]; break;
    case 14:
        if (d[2] & 1)
            b->ranges[d[1] % p->pipeline_count].begin = d[3];
        else
            b->ranges[d[1] % p->pipeline_count].end = d[3];
        break;
    default: /* a constant more or less in LIMIT or OFFSET */
        b->ranges[d[1] % p->pipeline_count].limit = d[2] & 1 ? QN_NO_CONSTANT : d[3];
        break;
    }
}

/* ---- running ---------------------------------------------------------------------------------------------- */

static void run(const program *b, const qn_snapshot *snapshot)
{
    qn_error         err = {.status = QN_OK};
    qn_exec         *exec = NULL;
    qn_exec_settings settings = {.dispatch = QN_DISPATCH_VALIDATE, .threads = 1, .text = conn->session.text, .random = &conn->random};
    if (qn_exec_run(&db->env, db->sched, &b->p, snapshot, &settings, NULL, NULL, &exec, &err) == QN_OK)
        run_count++;
    else if (!err.message[0] || strstr(err.message, "invariant")) {
        fprintf(stderr, "error without a message, or a broken invariant: %s\n", err.message);
        abort();
    }
    qn_exec_free(exec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!db)
        database_make();
    if (size < 5)
        return 0;
    const qn_plan_settings settings = {.optimise = !(data[0] & 128), .threads = 1};
    const char            *sql = statements[data[0] % 64 % QN_COUNTOF(statements)];
    qn_snapshot           *snapshot = qn_store_snapshot(db->store);
    qn_arena               arena;
    qn_bind_context        context = {.env = &db->env, .snapshot = snapshot, .settings = &conn->session.text};
    qn_bound              *bound;
    qn_plan               *plan;
    qn_program            *valid;
    program                bent;
    size_t                 consumed;
    uint32_t               depth;
    qn_error               err = {.status = QN_OK};
    qn_arena_init(&arena, &db->mem);
    must(qn_sql_bind(&context, sql, strlen(sql), &arena, &bound, &consumed, &err), &err);
    must(qn_plan_select(bound, bound->select, &settings, &arena, &plan, &err), &err);
    must(qn_code_generate(plan, &arena, &valid, &err), &err);
    must(qn_code_verify(valid, &depth, &arena, &err), &err);
    program_copy(&arena, valid, &bent);
    for (size_t i = 1; i + 4 <= size && i < 64; i += 4)
        bend(&bent, data + i);
    if (qn_code_verify(&bent.p, &depth, &arena, &err) == QN_OK) {
        accepted_count++;
        run(&bent, snapshot);
    }
    qn_buf text; /* whatever it is, it can be printed */
    qn_buf_init(&text, &db->mem);
    qn_code_print(&bent.p, &text);
    qn_buf_deinit(&text);
    qn_arena_deinit(&arena);
    qn_snapshot_unref(snapshot);
    return 0;
}

#ifdef QN_FUZZ_MAIN
static void run_file(const char *path)
{
    uint8_t data[256];
    FILE   *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    LLVMFuzzerTestOneInput(data, n);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--random") == 0) {
        qn_random r;
        uint64_t  n = strtoull(argv[2], NULL, 10), seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
        for (uint64_t i = 0; i < n; i++) {
            uint8_t data[13];
            qn_random_seed(&r, seed + i); /* so that `--random 1 SEED` repeats any one of them */
            size_t  size = 5 + 4 * qn_random_below(&r, 3);
            for (size_t j = 0; j < size; j++)
                data[j] = (uint8_t)qn_random_next(&r);
            if (getenv("QN_FUZZ_VERBOSE"))
                fprintf(stderr, "seed %llu\n", (unsigned long long)(seed + i));
            LLVMFuzzerTestOneInput(data, size);
        }
        printf("%llu programs accepted, %llu ran to their end\n", (unsigned long long)accepted_count, (unsigned long long)run_count);
    } else {
        for (int i = 1; i < argc; i++)
            run_file(argv[i]);
    }
    qn_disconnect(conn);
    qn_close(db);
    return 0;
}
#endif
