/* The verifier: the generator's shape is accepted, and one hand-made bad program per rule is refused by name. */
#include "code_fixture.h"

static qn_status verify(fixture *f)
{
    uint32_t  depth;
    qn_error_clear(&f->err);
    qn_status st = qn_code_verify(&f->p, &depth, &f->arena, &f->err);
    f->p.stack_depth = depth;
    return st;
}

/* Refused, and for the reason that the test is about. */
static void refused(fixture *f, const char *why)
{
    qn_status st = verify(f);
    if (st == QN_OK)
        fail_msg("accepted, expected: %s", why);
    assert_int_equal(st, QN_ERROR);
    assert_string_equal(f->err.sqlstate, "XX000");
    if (!strstr(f->err.message, why))
        fail_msg("expected: %s\ngot: %s", why, f->err.message);
    fixture_free(f);
}

static void accepted(fixture *f)
{
    if (verify(f) != QN_OK)
        fail_msg("refused: %s", f->err.message);
}

/* ---- what is accepted ------------------------------------------------------------------------------ */

static void a_program_as_generated_is_accepted(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    make_program(f, NULL);
    accepted(f);
    assert_int_equal(f->p.stack_depth, 0);
    fixture_free(f);
}

/* 5 + 7 into a computed constant: the deepest the stack gets is two. */
static void prologue(fixture *f)
{
    uint32_t a = constant(f, QN_TYPE_INTEGER, 5), b = constant(f, QN_TYPE_INTEGER, 7), to = constant(f, QN_TYPE_INTEGER, 0);
    f->infos[to].computed = true;
    put(f, QN_OP_CONST, QN_BANK_I32, a);
    put(f, QN_OP_CONST, QN_BANK_I32, b);
    put(f, QN_OP_ADD, QN_BANK_I32, 0);
    put(f, QN_OP_STORE, QN_BANK_I32, to);
}

static void whole_with_prologue(fixture *f, void (*first)(fixture *f))
{
    first(f);
    make_program(f, NULL);
}

static void the_stack_depth_is_reported(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    whole_with_prologue(f, prologue);
    accepted(f);
    assert_int_equal(f->p.stack_depth, 2);
    fixture_free(f);
}

/* Constant 70,000 needs 17 bits: its index stands in the side table. */
static void constant_70000_is_wide(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    for (uint32_t k = 0; k <= 70000; k++)
        constant(f, QN_TYPE_INTEGER, k);
    f->infos[3].computed = true;
    put_wide(f, QN_OP_CONST, QN_BANK_I32, WIDE(70000));
    put(f, QN_OP_STORE, QN_BANK_I32, 3);
    make_program(f, NULL);
    accepted(f);
    assert_int_equal(qn_operand1(&f->p, f->code[0]), 70000);
    f->wide[0] = 70001; /* one past the last */
    refused(f, "constant out of range");
}

/* A jump over more than 65,536 instructions. */
static void a_jump_beyond_16_bits_is_wide(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    uint32_t k = constant(f, QN_TYPE_INTEGER, 1);
    uint32_t jump = put_wide(f, QN_OP_JUMP, QN_BANK_NONE, WIDE(69000));
    while (f->p.code_count < 69000) { /* never run, but looked at */
        put(f, QN_OP_CONST, QN_BANK_I32, k);
        put(f, QN_OP_POP, QN_BANK_I32, 0);
    }
    f->wide[0] = f->p.code_count;
    main_range(f);
    /* jump targets of the pipelines are wide as well */
    f->ranges[0] = (qn_code_pipeline){.begin = f->p.code_count, .limit = QN_NO_CONSTANT, .offset = QN_NO_CONSTANT,
                                      .first_argument = QN_NO_CONSTANT, .plan = &f->pipelines[0]};
    uint32_t begin = f->p.code_count;
    put_wide(f, QN_OP_BLOCK_BEGIN, QN_BANK_NONE, WIDE(begin + 10));
    uint32_t loop = put_wide(f, QN_OP_BATCH_NEXT, QN_BANK_NONE, WIDE(begin + 9));
    groups_sink(f);
    put_wide(f, QN_OP_JUMP, QN_BANK_NONE, WIDE(loop));
    put(f, QN_OP_GROUP_FLUSH, QN_BANK_NONE, 0);
    put(f, QN_OP_BLOCK_END, QN_BANK_NONE, 0);
    put(f, QN_OP_HALT, QN_BANK_NONE, 0);
    f->ranges[0].end = f->p.code_count;
    f->ranges[1] = f->ranges[0];
    f->ranges[1].plan = &f->pipelines[1];
    f->ranges[1].begin = f->p.code_count;
    begin = put_wide(f, QN_OP_BATCH_NEXT, QN_BANK_NONE, WIDE(f->p.code_count + 5));
    put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 0, 0);
    put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I64, 1, 1);
    put_wide(f, QN_OP_EMIT, QN_BANK_NONE, WIDE(1, 0, 2));
    put_wide(f, QN_OP_JUMP, QN_BANK_NONE, WIDE(begin));
    put(f, QN_OP_HALT, QN_BANK_NONE, 0);
    f->ranges[1].end = f->p.code_count;
    accepted(f);
    assert_true(qn_operand1(&f->p, f->code[jump]) > UINT16_MAX);
    fixture_free(f);
}

/* Slot 0: b = constant per distinct value, as a filter; slot 1: length(b). */
static void slots_make(fixture *f)
{
    f->slots[0] = (qn_slot){.pipeline = 0, .column = 1, .in = 4, .out = 5, .entry = QN_NO_ENTRY, .in_bank = QN_BANK_STR,
                            .out_bank = QN_BANK_BOOL, .is_filter = true};
    f->slots[1] = (qn_slot){.pipeline = 0, .column = 1, .in = 6, .out = 7, .entry = QN_NO_ENTRY, .in_bank = QN_BANK_STR,
                            .out_bank = QN_BANK_BOOL};
    f->p.slot_count = 2;
}

/* A pipeline with both slots; `batch` replaces nothing or adds batch code, `sub` adds code to the subroutines. */
static void slot_program(fixture *f, void (*batch)(fixture *), void (*sub)(fixture *))
{
    uint32_t k = constant(f, QN_TYPE_TEXT, 0), skip[2][2], call[2];
    slots_make(f);
    main_range(f);
    f->ranges[0] = (qn_code_pipeline){.begin = f->p.code_count, .limit = QN_NO_CONSTANT, .offset = QN_NO_CONSTANT,
                                      .first_argument = QN_NO_CONSTANT, .plan = &f->pipelines[0]};
    uint32_t begin = put(f, QN_OP_BLOCK_BEGIN, QN_BANK_NONE, 0), select = 0;
    for (uint32_t s = 0; s < 2; s++) {
        skip[s][0] = put2(f, QN_OP_SLOT_BEGIN, QN_BANK_STR, s, 0);
        skip[s][1] = put2(f, QN_OP_SLOT_NEXT, QN_BANK_STR, s, 0);
        call[s] = put(f, QN_OP_CALL, QN_BANK_NONE, 0);
        put(f, QN_OP_SLOT_STORE, QN_BANK_BOOL, s);
        put(f, QN_OP_JUMP, QN_BANK_NONE, skip[s][1]);
        for (int i = 0; i < 2; i++)
            f->code[skip[s][i]] |= f->p.code_count << 24;
        if (!s)
            select = put2(f, QN_OP_BLOCK_SELECT, QN_BANK_NONE, s, 0);
    }
    uint32_t next = put(f, QN_OP_BATCH_NEXT, QN_BANK_NONE, 0);
    put(f, QN_OP_FILTER_SLOT, QN_BANK_BOOL, 0);
    put(f, QN_OP_FILTER, QN_BANK_BOOL, 5);
    put(f, QN_OP_LOAD_SLOT, QN_BANK_BOOL, 1);
    if (batch)
        batch(f);
    groups_sink(f);
    put(f, QN_OP_JUMP, QN_BANK_NONE, next);
    set_target(f, next, f->p.code_count);
    put(f, QN_OP_GROUP_FLUSH, QN_BANK_NONE, 0);
    set_target(f, begin, f->p.code_count);
    f->code[select] |= f->p.code_count << 24;
    put(f, QN_OP_BLOCK_END, QN_BANK_NONE, 0);
    put(f, QN_OP_HALT, QN_BANK_NONE, 0);
    for (uint32_t s = 0; s < 2; s++) {
        f->slots[s].entry = f->p.code_count;
        set_target(f, call[s], f->p.code_count);
        put2(f, QN_OP_MOVE, QN_BANK_STR, 8, f->slots[s].in);
        put2(f, QN_OP_LOAD_CONST, QN_BANK_STR, 9, k);
        put2(f, QN_OP_EQ_R, QN_BANK_STR, 8, 9);
        if (sub)
            sub(f);
        put2(f, QN_OP_MOVE, QN_BANK_BOOL, f->slots[s].out, 8);
        put(f, QN_OP_RETURN, QN_BANK_NONE, 0);
    }
    f->ranges[0].end = f->p.code_count;
    rows_pipeline(f);
}

static void uses_slot(fixture *f) { put(f, QN_OP_FILTER, QN_BANK_BOOL, 7); }

static void slots_are_accepted(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    slot_program(f, uses_slot, NULL);
    accepted(f);
    fixture_free(f);
}

/* CASE: BLANK, then MERGE under narrowed selections; the register stays good after them. */
static void conditional(fixture *f)
{
    put(f, QN_OP_BLANK, QN_BANK_I32, 2);
    put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 0);
    put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 0);
    put(f, QN_OP_SEL_NULL, QN_BANK_I32, 3);
    put(f, QN_OP_JUMP_EMPTY, QN_BANK_NONE, f->p.code_count + 2);
    put2(f, QN_OP_MERGE, QN_BANK_I32, 2, 3);
    put(f, QN_OP_SEL_RESTORE, QN_BANK_NONE, 0);
    put2(f, QN_OP_ADD_R, QN_BANK_I32, 2, 3);
}

static void conditions_are_accepted(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    make_program(f, conditional);
    accepted(f);
    fixture_free(f);
}

/* ---- what is refused: batch code ------------------------------------------------------------------- */

#define REFUSED_BODY(name, why, ...)                                                                \
    static void name##_body(fixture *f) { __VA_ARGS__ }                                             \
    static void name(void **state)                                                                  \
    {                                                                                               \
        (void)state;                                                                                \
        fixture *f = fixture_new();                                                                 \
        make_program(f, name##_body);                                                               \
        refused(f, why);                                                                            \
    }

REFUSED_BODY(register_read_before_it_is_written, "register 5 holds no value", put2(f, QN_OP_MOVE, QN_BANK_I32, 6, 5);)
REFUSED_BODY(register_of_another_bank, "register 3 holds i32, not i64", put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 0);
             put(f, QN_OP_NEG_R, QN_BANK_I64, 3);)
REFUSED_BODY(register_out_of_range, "register out of range", put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 16, 0);)
REFUSED_BODY(column_out_of_range, "column out of range", put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 3);)
REFUSED_BODY(operand_of_two_banks, "register 4 holds i64, not i32", put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 0);
             put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I64, 4, 2); put2(f, QN_OP_ADD_R, QN_BANK_I32, 3, 4);)
REFUSED_BODY(arithmetic_on_text, "no handler for bank", put2(f, QN_OP_LOAD_COLUMN, QN_BANK_STR, 3, 1);
             put2(f, QN_OP_ADD_R, QN_BANK_STR, 3, 3);)
REFUSED_BODY(unknown_opcode, "unknown opcode", put(f, 0x8F, QN_BANK_NONE, 0);)
REFUSED_BODY(unknown_bank, "unknown type bank", put(f, QN_OP_NOT_R, (qn_bank)12, 0);)
REFUSED_BODY(reserved_flag, "unknown flag", put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 0); f->code[f->p.code_count - 1] |= 8 << 8;)
REFUSED_BODY(register_flag_on_a_stack_form, "REGISTER flag", put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 0);
             f->code[f->p.code_count - 1] |= R << 8;)
REFUSED_BODY(operand_where_there_is_none, "operand where there is none", put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 1);)
REFUSED_BODY(wide_index_out_of_range, "wide operand out of range",
             uint32_t pc = put_wide(f, QN_OP_FILTER, QN_BANK_BOOL, WIDE(0)); f->code[pc] |= 999u << 16;)
REFUSED_BODY(long_layout_without_wide, "WIDE flag missing", put(f, QN_OP_GROUP_FIND, QN_BANK_NONE, 0);)
REFUSED_BODY(jump_out_of_the_range, "jump out of its range", put(f, QN_OP_JUMP_EMPTY, QN_BANK_NONE, 1);)
REFUSED_BODY(jump_backwards_into_the_middle, "head of a loop", put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 0);
             put(f, QN_OP_SEL_RESTORE, QN_BANK_NONE, 0); put(f, QN_OP_JUMP, QN_BANK_NONE, f->p.code_count - 2);)
REFUSED_BODY(conditional_jump_backwards, "only JUMP goes backwards", put(f, QN_OP_JUMP_EMPTY, QN_BANK_NONE, f->p.code_count - 1);)
REFUSED_BODY(restore_without_save, "no selection is saved", put(f, QN_OP_SEL_RESTORE, QN_BANK_NONE, 0);)
REFUSED_BODY(save_across_batches, "selections are saved across", put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 0);)
REFUSED_BODY(selections_too_deep, "selections nested too deep",
             for (int i = 0; i <= QN_MAX_SELECTIONS; i++) put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 0);)
REFUSED_BODY(save_on_one_path_only, "different numbers of saved selections",
             put(f, QN_OP_JUMP_EMPTY, QN_BANK_NONE, f->p.code_count + 2); put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 0);
             put(f, QN_OP_SEL_RESTORE, QN_BANK_NONE, 0);)
REFUSED_BODY(written_on_one_path_only, "register 3 holds no value", put(f, QN_OP_JUMP_EMPTY, QN_BANK_NONE, f->p.code_count + 2);
             put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 0); put(f, QN_OP_NEG_R, QN_BANK_I32, 3);)
REFUSED_BODY(written_inside_a_condition, "register 3 holds no value", put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 0);
             put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 0); put(f, QN_OP_SEL_RESTORE, QN_BANK_NONE, 0);
             put(f, QN_OP_NEG_R, QN_BANK_I32, 3);)
REFUSED_BODY(merge_into_a_column, "does not come from BLANK", put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 0);
             put2(f, QN_OP_MERGE, QN_BANK_I32, 3, 3);)
REFUSED_BODY(blank_of_no_bank, "no handler for bank", put(f, QN_OP_BLANK, QN_BANK_NONE, 3);)
REFUSED_BODY(filter_by_a_number, "holds i32, not bool", put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 0);
             put(f, QN_OP_FILTER, QN_BANK_BOOL, 3);)
REFUSED_BODY(stack_code_in_a_pipeline, "belongs into the main range", put(f, QN_OP_POP, QN_BANK_NONE, 0);)
REFUSED_BODY(run_in_a_pipeline, "belongs into the main range", put(f, QN_OP_RUN, QN_BANK_NONE, 0);)
REFUSED_BODY(return_outside_a_subroutine, "RETURN outside", put(f, QN_OP_RETURN, QN_BANK_NONE, 0);)
REFUSED_BODY(halt_in_a_batch, "not allowed while there is a batch", put(f, QN_OP_HALT, QN_BANK_NONE, 0);)
REFUSED_BODY(block_end_in_a_batch, "not allowed while there is a batch", put(f, QN_OP_BLOCK_END, QN_BANK_NONE, 0);)
REFUSED_BODY(values_of_a_row_source, "the source does not have it", put2(f, QN_OP_VALUES_BEGIN, QN_BANK_NONE, 0, 0);)
REFUSED_BODY(list_of_another_plan, "does not work on whole lists", put(f, QN_OP_LIST_TOP, QN_BANK_NONE, f->p.code_count + 1);)
REFUSED_BODY(fixed_groups_in_a_batch, "not allowed while there is a batch", put(f, QN_OP_GROUP_FIXED, QN_BANK_NONE, f->p.code_count + 1);)
REFUSED_BODY(update_before_find, "no GROUP_FIND", put2(f, QN_OP_AGG_COUNT, QN_BANK_NONE, 0, 0);)
REFUSED_BODY(find_inside_a_condition, "no GROUP_FIND", put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 0, 0);
             put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 0); put_wide(f, QN_OP_GROUP_FIND, QN_BANK_NONE, WIDE(0, 0, 1));
             put(f, QN_OP_SEL_RESTORE, QN_BANK_NONE, 0); put2(f, QN_OP_AGG_COUNT, QN_BANK_NONE, 0, 0);)
REFUSED_BODY(groups_of_another_pipeline, "does not feed object 1", put_wide(f, QN_OP_GROUP_FIND, QN_BANK_NONE, WIDE(1, 0, 1));)
REFUSED_BODY(wrong_number_of_keys, "the groups have 1 keys", put_wide(f, QN_OP_GROUP_FIND, QN_BANK_NONE, WIDE(0, 0, 2));)
REFUSED_BODY(key_registers_out_of_range, "register out of range", put_wide(f, QN_OP_GROUP_FIND, QN_BANK_NONE, WIDE(0, 16, 1));)
REFUSED_BODY(emit_to_groups, "does not put out", put_wide(f, QN_OP_EMIT, QN_BANK_NONE, WIDE(1, 0, 2));)
REFUSED_BODY(no_such_constant, "constant out of range", put2(f, QN_OP_LOAD_CONST, QN_BANK_I32, 3, 0);)
REFUSED_BODY(constant_of_another_bank, "constant 0 is of another bank", constant(f, QN_TYPE_TEXT, 0);
             put2(f, QN_OP_LOAD_CONST, QN_BANK_I32, 3, 0);)
REFUSED_BODY(set_of_another_bank, "of another bank", constant(f, QN_TYPE_TEXT, 0); f->sets[0] = (qn_constant_set){0, 1};
             f->p.set_count = 1; put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 0); put2(f, QN_OP_IN_R, QN_BANK_I32, 3, 0);)
REFUSED_BODY(no_such_slot, "no such slot", put(f, QN_OP_LOAD_SLOT, QN_BANK_BOOL, 0);)
REFUSED_BODY(no_such_function, "function out of range", put_wide(f, QN_OP_CALL_LANES, QN_BANK_I32, WIDE(1u << 20, 3, 4, 1));)
REFUSED_BODY(cast_to_an_unknown_type, "unknown type", put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 0);
             put_wide(f, QN_OP_CAST_IO, QN_BANK_STR, WIDE(QN_TYPE_INTEGER << 8 | 200, UINT32_MAX, 4, 3));)
REFUSED_BODY(cast_with_an_absurd_modifier, "illegal type modifier", put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 0);
             put_wide(f, QN_OP_CAST_IO, QN_BANK_STR, WIDE(QN_TYPE_INTEGER << 8 | QN_TYPE_VARCHAR, 2, 4, 3));)
REFUSED_BODY(cast_into_its_argument, "overwrites the argument", put2(f, QN_OP_LOAD_COLUMN, QN_BANK_STR, 3, 1);
             put_wide(f, QN_OP_CAST_IO, QN_BANK_STR, WIDE(QN_TYPE_TEXT << 8 | QN_TYPE_TEXT, UINT32_MAX, 3, 3));)
REFUSED_BODY(call_of_batch_code, "RETURN with saved", put(f, QN_OP_CALL, QN_BANK_NONE, f->p.code_count + 2);
             put(f, QN_OP_JUMP, QN_BANK_NONE, f->p.code_count + 3); put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 0);
             put(f, QN_OP_RETURN, QN_BANK_NONE, 0);)
REFUSED_BODY(recursion, "calls itself", put(f, QN_OP_CALL, QN_BANK_NONE, f->p.code_count + 2);
             put(f, QN_OP_JUMP, QN_BANK_NONE, f->p.code_count + 3); put(f, QN_OP_CALL, QN_BANK_NONE, f->p.code_count);
             put(f, QN_OP_RETURN, QN_BANK_NONE, 0);)
REFUSED_BODY(calls_too_deep, "calls nested too deep", put(f, QN_OP_CALL, QN_BANK_NONE, f->p.code_count + 2);
             put(f, QN_OP_JUMP, QN_BANK_NONE, f->p.code_count + 1 + 2 * 10);
             for (int i = 0; i < 9; i++) {
                 put(f, QN_OP_CALL, QN_BANK_NONE, f->p.code_count + 2);
                 put(f, QN_OP_RETURN, QN_BANK_NONE, 0);
             } put(f, QN_OP_RETURN, QN_BANK_NONE, 0);)
REFUSED_BODY(batch_code_in_a_subroutine, "not allowed in a subroutine", put(f, QN_OP_CALL, QN_BANK_NONE, f->p.code_count + 2);
             put(f, QN_OP_JUMP, QN_BANK_NONE, f->p.code_count + 3); put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 3, 0);
             put(f, QN_OP_RETURN, QN_BANK_NONE, 0);)
REFUSED_BODY(subroutine_that_narrows, "narrows its caller's selection", put(f, QN_OP_CALL, QN_BANK_NONE, f->p.code_count + 2);
             put(f, QN_OP_JUMP, QN_BANK_NONE, f->p.code_count + 4); put(f, QN_OP_BLANK, QN_BANK_BOOL, 3);
             put(f, QN_OP_FILTER, QN_BANK_BOOL, 3); put(f, QN_OP_RETURN, QN_BANK_NONE, 0);)
REFUSED_BODY(subroutine_reads_its_callers_registers, "register 3 holds no value", put(f, QN_OP_BLANK, QN_BANK_BOOL, 3);
             put(f, QN_OP_CALL, QN_BANK_NONE, f->p.code_count + 2); put(f, QN_OP_JUMP, QN_BANK_NONE, f->p.code_count + 3);
             put(f, QN_OP_NOT_R, QN_BANK_BOOL, 3); put(f, QN_OP_RETURN, QN_BANK_NONE, 0);)
REFUSED_BODY(subroutine_spoils_a_register, "register 3 holds i32, not bool", put(f, QN_OP_BLANK, QN_BANK_BOOL, 3);
             put(f, QN_OP_CALL, QN_BANK_NONE, f->p.code_count + 3); put(f, QN_OP_NOT_R, QN_BANK_BOOL, 3);
             put(f, QN_OP_JUMP, QN_BANK_NONE, f->p.code_count + 3); put(f, QN_OP_BLANK, QN_BANK_I32, 3);
             put(f, QN_OP_RETURN, QN_BANK_NONE, 0);)

/* A text function on a number, a number of arguments it does not have, types nobody noted. */
static void calls_are_checked(void **state)
{
    (void)state;
    const uint8_t text[] = {QN_TYPE_TEXT};
    int           length = qn_function_exact("length", 1, text);
    assert_true(length >= 0);
    for (int i = 0; i < 5; i++) {
        fixture *f = fixture_new();
        main_range(f);
        places   at = groups_begin(f);
        put2(f, QN_OP_LOAD_COLUMN, QN_BANK_STR, 3, 1);
        put2(f, QN_OP_LOAD_COLUMN, QN_BANK_I32, 4, 0);
        uint32_t from = i == 1 ? 4 : 3, n = i == 2 ? 2 : 1, to = i == 4 ? 3 : 5;
        uint32_t pc = put_wide(f, QN_OP_CALL_LANES, QN_BANK_I32, WIDE((uint32_t)length, to, from, n));
        f->call_types[0] = QN_TYPE_TEXT;
        f->calls[0] = (qn_call_types){pc, 1, f->call_types};
        f->p.call_type_count = i == 3 ? 0 : 1;
        groups_sink(f);
        groups_end(f, at);
        rows_pipeline(f);
        static const char *const why[] = {NULL, "register 4 holds i32, not", "does not take 2", "types missing", "overwrites an argument"};
        if (why[i]) {
            refused(f, why[i]);
        } else {
            accepted(f);
            fixture_free(f);
        }
    }
}

/* ---- what is refused: the main range ------------------------------------------------------------------ */

/* While LIST_TOP looks around there are no groups yet: rows must not come before it. */
static void rows_before_their_lists(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    make_program(f, NULL);
    f->ranges[0].list_top = true;
    refused(f, "works on whole lists first");
}

#define REFUSED_MAIN(name, why, ...)                                                                \
    static void name##_body(fixture *f) { __VA_ARGS__ }                                             \
    static void name(void **state)                                                                  \
    {                                                                                               \
        (void)state;                                                                                \
        fixture *f = fixture_new();                                                                 \
        whole_with_prologue(f, name##_body);                                                        \
        refused(f, why);                                                                            \
    }

REFUSED_MAIN(stack_underflow, "the stack is empty", put(f, QN_OP_POP, QN_BANK_NONE, 0);)
REFUSED_MAIN(stack_overflow, "the stack is full", uint32_t k = constant(f, QN_TYPE_INTEGER, 0);
             for (int i = 0; i <= QN_MAX_STACK; i++) put(f, QN_OP_CONST, QN_BANK_I32, k);)
REFUSED_MAIN(stack_of_another_bank, "the stack holds", uint32_t k = constant(f, QN_TYPE_TEXT, 0);
             put(f, QN_OP_CONST, QN_BANK_STR, k); put(f, QN_OP_NEG, QN_BANK_I32, 0);)
REFUSED_MAIN(stack_differs_at_a_join, "different stacks", uint32_t k = constant(f, QN_TYPE_BOOLEAN, 0);
             put(f, QN_OP_CONST, QN_BANK_BOOL, k); put(f, QN_OP_JUMP_NOT_TRUE, QN_BANK_BOOL, f->p.code_count + 2);
             put(f, QN_OP_CONST, QN_BANK_BOOL, k);)
REFUSED_MAIN(store_into_a_literal, "is not computed", uint32_t k = constant(f, QN_TYPE_INTEGER, 0);
             put(f, QN_OP_CONST, QN_BANK_I32, k); put(f, QN_OP_STORE, QN_BANK_I32, k);)
REFUSED_MAIN(store_of_another_bank, "the stack holds", uint32_t k = constant(f, QN_TYPE_INTEGER, 0),
             c = constant(f, QN_TYPE_TEXT, 0); f->infos[c].computed = true; put(f, QN_OP_CONST, QN_BANK_I32, k);
             put(f, QN_OP_STORE, QN_BANK_STR, c);)
REFUSED_MAIN(register_code_in_main, "does not belong", put(f, QN_OP_BLANK, QN_BANK_I32, 3);)
REFUSED_MAIN(main_jumps_backwards, "backward jump", uint32_t k = constant(f, QN_TYPE_INTEGER, 0);
             put(f, QN_OP_CONST, QN_BANK_I32, k); put(f, QN_OP_POP, QN_BANK_I32, 0); put(f, QN_OP_JUMP, QN_BANK_NONE, 0);)
REFUSED_MAIN(pipelines_out_of_turn, "out of turn", put(f, QN_OP_RUN, QN_BANK_NONE, 1);)
REFUSED_MAIN(halt_before_all_pipelines_ran, "2 pipelines do not run", put(f, QN_OP_HALT, QN_BANK_NONE, 0);)
REFUSED_MAIN(run_with_a_stack, "RUN with values", put(f, QN_OP_CONST, QN_BANK_I32, constant(f, QN_TYPE_INTEGER, 0));)
REFUSED_MAIN(scalar_call_of_no_function, "function out of range", put_wide(f, QN_OP_CALL_SCALAR, QN_BANK_I32, WIDE(UINT32_MAX, 0));)

/* ---- what is refused: slots, loops, tables ------------------------------------------------------------- */

static void broken_loop(fixture *f, int what)
{
    main_range(f);
    places at = groups_begin(f);
    groups_sink(f);
    groups_end(f, at);
    uint32_t flush = f->p.code_count - 3;
    if (what == 0) /* GROUP_FLUSH left out */
        f->code[flush] = word_of(QN_OP_JUMP, QN_BANK_NONE, flush + 1);
    else if (what == 1) /* back to the head after the last batch: for ever */
        f->code[flush] = word_of(QN_OP_JUMP, QN_BANK_NONE, at.next);
    else if (what == 2) /* BLOCK_END left out */
        f->code[flush + 1] = word_of(QN_OP_JUMP, QN_BANK_NONE, flush + 2);
    else if (what == 3) /* no HALT: on into the next pipeline */
        f->code[flush + 2] = word_of(QN_OP_SEL_SAVE, QN_BANK_NONE, 0);
    else if (what == 4) /* no block */
        f->code[at.begin] = word_of(QN_OP_JUMP, QN_BANK_NONE, at.next);
    rows_pipeline(f);
}

static void loops_are_checked(void **state)
{
    (void)state;
    static const char *const why[] = {"GROUP_FLUSH is missing", "jumps back after the last batch", "not allowed after the last batch",
                                      "not allowed after BLOCK_END", "not allowed before a source is bound"};
    for (int i = 0; i < 5; i++) {
        fixture *f = fixture_new();
        broken_loop(f, i);
        refused(f, why[i]);
    }
}

static void narrows(fixture *f)
{
    put(f, QN_OP_SEL_SAVE, QN_BANK_NONE, 0);
    put(f, QN_OP_FILTER, QN_BANK_BOOL, 8);
    put2(f, QN_OP_MOVE, QN_BANK_BOOL, 10, 8);
    put(f, QN_OP_SEL_RESTORE, QN_BANK_NONE, 0);
    put2(f, QN_OP_AND_R, QN_BANK_BOOL, 8, 10);
}
static void loads_filter(fixture *f) { put(f, QN_OP_LOAD_SLOT, QN_BANK_BOOL, 0); }
static void stores_late(fixture *f) { put(f, QN_OP_SLOT_STORE, QN_BANK_BOOL, 1); }
static void overwrites(fixture *f) { put2(f, QN_OP_LOAD_COLUMN, QN_BANK_STR, 6, 1); }
static void begins_late(fixture *f) { put2(f, QN_OP_SLOT_BEGIN, QN_BANK_BOOL, 1, f->p.code_count + 1); }

static void slots_are_checked(void **state)
{
    (void)state;
    struct {
        void (*batch)(fixture *);
        void (*sub)(fixture *);
        const char *why;
    } all[] = {{NULL, narrows, "register 10 holds no value"},
               {loads_filter, NULL, "a filter's slot has no values"},
               {stores_late, NULL, "not allowed while there is a batch"},
               {overwrites, NULL, "writes the input register 6 of a slot"},
               {begins_late, NULL, "not allowed while there is a batch"}};
    for (size_t i = 0; i < QN_COUNTOF(all); i++) {
        fixture *f = fixture_new();
        slot_program(f, all[i].batch, all[i].sub);
        refused(f, all[i].why);
    }
}

/* One bend in the slot program each: the index is that of the instruction behind BLOCK_BEGIN (at 3). */
static void slot_code_is_checked(void **state)
{
    (void)state;
    enum { BEGIN = 4, NEXT, CALL, STORE, BACK, SELECT, BEGIN2 };
    for (int i = 0; i < 9; i++) {
        fixture   *f = fixture_new();
        const char *why = NULL;
        slot_program(f, NULL, NULL);
        switch (i) {
        case 0: f->code[BEGIN] = word_of(QN_OP_JUMP, QN_BANK_NONE, NEXT); why = "slot 0 was not begun"; break;
        case 1: f->code[STORE] = word_of(QN_OP_SLOT_STORE, QN_BANK_BOOL, 1); why = "another slot"; break;
        case 2: f->code[CALL] = word_of(QN_OP_JUMP, QN_BANK_NONE, STORE); why = "register 5 holds no value"; break;
        case 3: f->code[SELECT] = (f->code[SELECT] & ~0xff0000u) | 1u << 16; why = "slot 1 is not a filter"; break;
        case 4: f->code[BEGIN] = word_of(QN_OP_JUMP, QN_BANK_NONE, SELECT); why = "slot 0 is not filled"; break;
        case 5: /* its loop is left out, so LOAD_SLOT is the first to miss the subroutine */
            f->slots[1].entry = QN_NO_ENTRY;
            f->code[BEGIN2] = word_of(QN_OP_JUMP, QN_BANK_NONE, BEGIN2 + 5);
            why = "no subroutine";
            break;
        case 6: f->code[BEGIN2 + 7] = word_of(QN_OP_FILTER, QN_BANK_BOOL, 7); why = "no FILTER of register 5 follows"; break;
        case 7: /* SLOT_STORE of values that a condition hid */
            f->code[CALL] = word_of(QN_OP_BLANK, QN_BANK_BOOL, 5);
            f->code[STORE] = word_of(QN_OP_FILTER, QN_BANK_BOOL, 5);
            f->code[BACK] = word_of(QN_OP_SLOT_STORE, QN_BANK_BOOL, 0);
            why = "some values are not selected";
            break;
        default: /* the loop of slot 1 goes back into that of slot 0 */
            f->code[BEGIN2 + 4] = word_of(QN_OP_JUMP, QN_BANK_NONE, NEXT);
            why = "another slot";
            break;
        }
        refused(f, why);
    }
}

static void tables_are_checked(void **state)
{
    (void)state;
    for (int i = 0; i < 14; i++) {
        fixture    *f = fixture_new();
        const char *why = NULL;
        constant(f, QN_TYPE_INTEGER, 1);
        slot_program(f, NULL, NULL);
        switch (i) {
        case 0: f->infos[0].bank = QN_BANK_I64; why = "type and bank disagree"; break;
        case 1: f->infos[0].param = 0; why = "no such parameter"; break;
        case 2: f->sets[0] = (qn_constant_set){1, 2}; f->p.set_count = 1; why = "constants out of range"; break;
        case 3: f->slots[0].column = 3; why = "no such table column"; break;
        case 4: f->slots[0].in_bank = QN_BANK_I32; why = "input bank"; break;
        case 5: f->slots[0].out = 16; why = "registers out of range"; break;
        case 6: f->slots[0].entry = 0; why = "entry outside its pipeline"; break;
        case 7: f->ranges[1].begin--; why = "code range out of order"; break;
        case 8: f->ranges[1].end++; why = "code range out of order"; break;
        case 9: f->ranges[1].limit = 0; why = "LIMIT"; break; /* an integer, not a bigint */
        case 10: f->pipelines[1].source.input = 1; why = "has not run"; break;
        case 11: f->pipelines[1].source.column_types = table_types; why = "another bank"; break;
        case 12:
            f->locations[0] = (qn_code_location){5, 0};
            f->locations[1] = (qn_code_location){4, 0};
            f->p.location_count = 2;
            why = "out of order";
            break;
        default: f->p.register_count = QN_MAX_REGISTERS + 1; why = "too many registers"; break;
        }
        refused(f, why);
    }
}

/* Every allocation may fail; the verifier then says so and takes nothing along. */
static void memory_failures_are_reported(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        fixture *f = fixture_new();
        slot_program(f, uses_slot, NULL);
        uint64_t before = f->mem.requests;
        f->mem.fail_at = before + n;
        qn_status st = verify(f);
        assert_true(st == QN_OK || st == QN_NOMEM);
        bool end = f->mem.requests - before < n;
        fixture_free(f);
        if (end) {
            assert_int_equal(st, QN_OK);
            return;
        }
    }
}

#define T(name) cmocka_unit_test(name)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_program_as_generated_is_accepted), T(the_stack_depth_is_reported), T(constant_70000_is_wide),
        T(a_jump_beyond_16_bits_is_wide), T(slots_are_accepted), T(conditions_are_accepted),
        T(register_read_before_it_is_written), T(register_of_another_bank), T(register_out_of_range), T(column_out_of_range),
        T(operand_of_two_banks), T(arithmetic_on_text), T(unknown_opcode), T(unknown_bank), T(reserved_flag),
        T(register_flag_on_a_stack_form), T(operand_where_there_is_none), T(wide_index_out_of_range), T(long_layout_without_wide),
        T(jump_out_of_the_range), T(jump_backwards_into_the_middle), T(conditional_jump_backwards), T(restore_without_save),
        T(save_across_batches), T(selections_too_deep), T(save_on_one_path_only), T(written_on_one_path_only),
        T(written_inside_a_condition), T(merge_into_a_column), T(blank_of_no_bank), T(filter_by_a_number),
        T(stack_code_in_a_pipeline), T(run_in_a_pipeline), T(return_outside_a_subroutine), T(halt_in_a_batch),
        T(block_end_in_a_batch), T(values_of_a_row_source), T(rows_before_their_lists), T(list_of_another_plan), T(fixed_groups_in_a_batch),
        T(update_before_find), T(find_inside_a_condition),
        T(groups_of_another_pipeline), T(wrong_number_of_keys), T(key_registers_out_of_range), T(emit_to_groups),
        T(no_such_constant), T(constant_of_another_bank), T(set_of_another_bank), T(no_such_slot), T(no_such_function),
        T(cast_to_an_unknown_type), T(cast_with_an_absurd_modifier), T(cast_into_its_argument), T(call_of_batch_code),
        T(recursion), T(calls_too_deep), T(batch_code_in_a_subroutine), T(subroutine_that_narrows),
        T(subroutine_reads_its_callers_registers), T(subroutine_spoils_a_register), T(calls_are_checked),
        T(stack_underflow), T(stack_overflow), T(stack_of_another_bank), T(stack_differs_at_a_join), T(store_into_a_literal),
        T(store_of_another_bank), T(register_code_in_main), T(main_jumps_backwards), T(pipelines_out_of_turn),
        T(halt_before_all_pipelines_ran), T(run_with_a_stack), T(scalar_call_of_no_function), T(loops_are_checked),
        T(slots_are_checked), T(slot_code_is_checked), T(tables_are_checked), T(memory_failures_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
