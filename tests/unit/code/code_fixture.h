/* Hand-made programs for the tests of src/code: a plan of two pipelines over a table of three columns, and a
 * program whose parts a test may bend before it asks the verifier.
 *
 *   pipeline 0: rows of t (a integer, b text, c bigint), grouped by a: count(*), sum(c), count(DISTINCT c)
 *   pipeline 1: its groups, put out as (key, count)
 *
 * The program that make_program() leaves is the one the generator would write, so every test changes one thing. */
#ifndef CODE_FIXTURE_H
#define CODE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/assert.h"
#include "code/program.h"

#define R QN_FLAG_REGISTER
#define MAX_CODE 70000u
#define MAX_WIDE 1024u

typedef struct fixture {
    qn_mem   mem;
    qn_arena arena;
    qn_error err;

    qn_expr        column_a, column_c, key_out, count_out;
    qn_expr       *keys[1];
    qn_agg_call    aggs[3];
    qn_aggregation groups;
    qn_target      targets[2];
    qn_pipeline    pipelines[2];
    qn_plan        plan;

    uint32_t        *code;
    uint32_t         wide[MAX_WIDE];
    qn_datum        *constants;
    bool            *nulls;
    qn_constant_info *infos;
    qn_constant_set  sets[2];
    qn_slot          slots[2];
    qn_code_pipeline ranges[2];
    qn_call_types    calls[4];
    qn_code_location locations[4];
    uint8_t          call_types[4];
    qn_program       p;
} fixture;

static const qn_type    table_types[] = {{QN_TYPE_INTEGER, -1}, {QN_TYPE_TEXT, -1}, {QN_TYPE_BIGINT, -1}};
static const char *const table_names[] = {"a", "b", "c"};
static const qn_type    group_types[] = {{QN_TYPE_INTEGER, -1}, {QN_TYPE_BIGINT, -1}, {QN_TYPE_NUMERIC, -1}, {QN_TYPE_BIGINT, -1}};

static uint32_t word_of(uint8_t op, qn_bank bank, uint32_t operand)
{
    bool reg = op >= 0xA0 && op <= 0xCF;
    return qn_instr_make(op, (uint8_t)(bank << QN_FLAG_BANK_SHIFT | (reg ? R : 0)), (uint16_t)operand);
}

static uint32_t put(fixture *f, uint8_t op, qn_bank bank, uint32_t operand)
{
    f->code[f->p.code_count] = word_of(op, bank, operand);
    return f->p.code_count++;
}
static uint32_t put2(fixture *f, uint8_t op, qn_bank bank, uint32_t a, uint32_t b)
{
    return put(f, op, bank, a | b << 8);
}
/* Operands in the side table. */
static uint32_t put_wide(fixture *f, uint8_t op, qn_bank bank, uint32_t n, const uint32_t *words)
{
    uint32_t at = f->p.wide_count;
    memcpy(f->wide + at, words, n * sizeof *words);
    f->p.wide_count += n;
    uint32_t pc = put(f, op, bank, at);
    f->code[pc] |= (uint32_t)QN_FLAG_WIDE << 8;
    return pc;
}
#define WIDE(...) (sizeof((uint32_t[]){__VA_ARGS__}) / 4), (uint32_t[]){__VA_ARGS__}

static uint32_t constant(fixture *f, qn_sql_type type, int64_t value)
{
    uint32_t k = f->p.constant_count++;
    memset(&f->constants[k], 0, sizeof f->constants[k]);
    f->constants[k].i64 = value;
    f->nulls[k] = false;
    f->infos[k] = (qn_constant_info){.type = {(uint8_t)type, -1}, .bank = (uint8_t)qn_type_bank(type), .param = -1, .location = -1};
    return k;
}

static void make_plan(fixture *f)
{
    f->column_a = (qn_expr){.kind = QN_EXPR_COLUMN, .type = table_types[0], .index = 0};
    f->column_c = (qn_expr){.kind = QN_EXPR_COLUMN, .type = table_types[2], .index = 2};
    f->key_out = (qn_expr){.kind = QN_EXPR_KEY, .type = group_types[0], .index = 0};
    f->count_out = (qn_expr){.kind = QN_EXPR_AGG, .type = group_types[1], .index = 0};
    f->keys[0] = &f->column_a;
    f->aggs[0] = (qn_agg_call){.kind = QN_AGG_COUNT_STAR, .type = group_types[1], .location = -1};
    f->aggs[1] = (qn_agg_call){.kind = QN_AGG_SUM, .argc = 1, .args = {&f->column_c}, .type = group_types[2], .location = -1};
    f->aggs[2] = (qn_agg_call){.kind = QN_AGG_COUNT, .argc = 1, .distinct = true, .args = {&f->column_c}, .type = group_types[3], .location = -1};
    f->groups = (qn_aggregation){.key_count = 1, .keys = f->keys, .agg_count = 3, .aggs = f->aggs, .mode = QN_GROUP_HASH};
    f->targets[0] = (qn_target){.expr = &f->key_out, .name = "a"};
    f->targets[1] = (qn_target){.expr = &f->count_out, .name = "count"};
    f->pipelines[0] = (qn_pipeline){
        .number = 0, .to_groups = true, .aggregation = &f->groups, .group_owner = 0,
        .source = {.kind = QN_SOURCE_TABLE, .column_count = 3, .column_types = table_types, .column_names = table_names}};
    f->pipelines[1] = (qn_pipeline){
        .number = 1, .output = {.target_count = 2, .visible_count = 2, .targets = f->targets},
        .source = {.kind = QN_SOURCE_GROUPS, .input = 0, .column_count = 4, .column_types = group_types}};
    f->plan = (qn_plan){.pipeline_count = 2, .pipelines = f->pipelines};
}

static fixture *fixture_new(void)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    qn_mem_init(&f->mem, NULL, 0);
    qn_arena_init(&f->arena, &f->mem);
    f->code = calloc(MAX_CODE * 2, sizeof *f->code);
    f->constants = calloc(MAX_CODE * 2, sizeof *f->constants);
    f->nulls = calloc(MAX_CODE * 2, sizeof *f->nulls);
    f->infos = calloc(MAX_CODE * 2, sizeof *f->infos);
    make_plan(f);
    f->p = (qn_program){.code = f->code, .wide = f->wide, .constants = f->constants, .constant_nulls = f->nulls,
                        .constant_info = f->infos, .sets = f->sets, .slots = f->slots, .register_count = 16,
                        .pipelines = f->ranges, .pipeline_count = 2, .locations = f->locations, .call_types = f->calls,
                        .plan = &f->plan};
    return f;
}

static void fixture_free(fixture *f)
{
    qn_error_clear(&f->err);
    qn_arena_deinit(&f->arena);
    qn_mem_deinit(&f->mem);
    free(f->code);
    free(f->constants);
    free(f->nulls);
    free(f->infos);
    free(f);
}

/* ---- the program, part by part ------------------------------------------------------------------------ */

static void main_range(fixture *f)
{
    put(f, QN_OP_RUN, QN_BANK_NONE, 0);
    put(f, QN_OP_RUN, QN_BANK_NONE, 1);
    put(f, QN_OP_HALT, QN_BANK_NONE, 0);
}

/* Up to and including the instruction that fetches a batch; its jump is patched by groups_end(). */
typedef struct places {
    uint32_t begin, next;
} places;

static places groups_begin(fixture *f)
{
    places at;
    f->ranges[0] = (qn_code_pipeline){.begin = f->p.code_count, .limit = QN_NO_CONSTANT, .offset = QN_NO_CONSTANT,
                                      .first_argument = QN_NO_CONSTANT, .plan = &f->pipelines[0]};
    at.begin = put(f, QN_OP_BLOCK_BEGIN, QN_BANK_NONE, 0);
    at.next = put(f, QN_OP_BATCH_NEXT, QN_BANK_NONE, 0);
    return at;
}

static void groups_sink(fixture *f)
{
    put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 0, 0);
    put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I64, 1, 2);
    put_wide(f, QN_OP_GROUP_FIND, QN_BANK_NONE, WIDE(0, 0, 1));
    put2(f, QN_OP_AGG_COUNT, QN_BANK_NONE, 0, 0);
    put_wide(f, QN_OP_AGG_UPDATE, QN_BANK_I64, WIDE(0, 1, 1));
    put_wide(f, QN_OP_AGG_DISTINCT, QN_BANK_I64, WIDE(0, 2, 1));
}

static void set_target(fixture *f, uint32_t pc, uint32_t target)
{
    f->code[pc] = (f->code[pc] & 0xffff) | target << 16;
}

static void groups_end(fixture *f, places at)
{
    put(f, QN_OP_JUMP, QN_BANK_NONE, at.next);
    set_target(f, at.next, f->p.code_count);
    put(f, QN_OP_GROUP_FLUSH, QN_BANK_NONE, 0);
    set_target(f, at.begin, f->p.code_count);
    put(f, QN_OP_BLOCK_END, QN_BANK_NONE, 0);
    put(f, QN_OP_HALT, QN_BANK_NONE, 0);
    f->ranges[0].end = f->p.code_count;
}

static void rows_pipeline(fixture *f)
{
    f->ranges[1] = (qn_code_pipeline){.begin = f->p.code_count, .limit = QN_NO_CONSTANT, .offset = QN_NO_CONSTANT,
                                      .first_argument = QN_NO_CONSTANT, .plan = &f->pipelines[1]};
    uint32_t next = put(f, QN_OP_BATCH_NEXT, QN_BANK_NONE, 0);
    put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 0, 0);
    put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I64, 1, 1);
    put_wide(f, QN_OP_EMIT, QN_BANK_NONE, WIDE(1, 0, 2));
    put(f, QN_OP_JUMP, QN_BANK_NONE, next);
    set_target(f, next, f->p.code_count);
    put(f, QN_OP_HALT, QN_BANK_NONE, 0);
    f->ranges[1].end = f->p.code_count;
}

/* The whole, with `body` (or NULL) in batch code before the sink. */
static void make_program(fixture *f, void (*body)(fixture *f))
{
    main_range(f);
    places at = groups_begin(f);
    if (body)
        body(f);
    groups_sink(f);
    groups_end(f, at);
    rows_pipeline(f);
}

#endif
