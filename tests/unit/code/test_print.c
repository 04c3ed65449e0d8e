/* Disassembly: operands resolved, damaged programs shown instead of followed. */
#include "code_fixture.h"

#include <stdio.h>

static void printed(fixture *f, const char *expected)
{
    qn_buf buf;
    qn_buf_init(&buf, &f->mem);
    qn_code_print(&f->p, &buf);
    assert_true(qn_buf_ok(&buf));
    assert_string_equal(buf.data, expected);
    qn_buf_deinit(&buf);
}

static void a_program_is_readable(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    make_program(f, NULL);
    printed(f, "main\n"
               "    0  RUN                     pipeline 0\n"
               "    1  RUN                     pipeline 1\n"
               "    2  HALT\n"
               "pipeline 0: rows of ? to groups o0\n"
               "    3  BLOCK_BEGIN             → 13\n"
               "    4  BATCH_NEXT              → 12\n"
               "    5  LOAD_COLUMN   i32       r0, c0(a)\n"
               "    6  LOAD_COLUMN   i64       r1, c2(c)\n"
               "    7  GROUP_FIND              o0, r0, 1\n"
               "    8  AGG_COUNT               o0, aggregate 0\n"
               "    9  AGG_UPDATE    i64       o0, aggregate 1, r1\n"
               "   10  AGG_DISTINCT  i64       o0, aggregate 2, r1\n"
               "   11  JUMP                    → 4\n"
               "   12  GROUP_FLUSH             o0\n"
               "   13  BLOCK_END\n"
               "   14  HALT\n"
               "pipeline 1: groups of pipeline 0 to rows o1\n"
               "   15  BATCH_NEXT              → 20\n"
               "   16  LOAD_COLUMN   i32       r0, c0\n"
               "   17  LOAD_COLUMN   i64       r1, c1\n"
               "   18  EMIT                    o1, r0, 2\n"
               "   19  JUMP                    → 15\n"
               "   20  HALT\n"
               "21 instructions, 84 bytes, 2 cache lines, 0 constants, 48 side-table bytes\n");
    fixture_free(f);
}

/* Constants by value: a long text is cut at a character, a parameter and a computed one have none yet. */
static void constants_show_their_values(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    uint32_t n = constant(f, QN_TYPE_INTEGER, 42), s = constant(f, QN_TYPE_TEXT, 0);
    uint32_t p = constant(f, QN_TYPE_TEXT, 0), c = constant(f, QN_TYPE_TEXT, 0), none = constant(f, QN_TYPE_TEXT, 0);
    f->constants[s].str = qn_str_lit("0123456789012345678901234567890123456\nüüü");
    f->infos[p].param = 1;
    f->infos[c].computed = true;
    f->nulls[none] = true;
    f->p.pipeline_count = 0;
    for (uint32_t k = 0; k <= none + 1; k++)
        put(f, QN_OP_CONST, k == n ? QN_BANK_I32 : QN_BANK_STR, k);
    printed(f, "main\n"
               "    0  CONST         i32       k0(42)\n"
               "    1  CONST         str       k1('0123456789012345678901234567890123456 ü…')\n"
               "    2  CONST         str       k2($2)\n"
               "    3  CONST         str       k3(computed)\n"
               "    4  CONST         str       k4(NULL)\n"
               "    5  CONST         str       k5?\n"
               "6 instructions, 24 bytes, 1 cache lines, 5 constants, 0 side-table bytes\n");
    fixture_free(f);
}

/* What the verifier would refuse can still be looked at. */
static void damage_is_shown(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    f->p.pipeline_count = 0;
    put(f, 0xFF, QN_BANK_NONE, 7);
    put2(f, QN_OP_MOVE, QN_BANK_I32, 3, 200);
    put(f, QN_OP_JUMP, QN_BANK_NONE, 999);
    put(f, QN_OP_LOAD_SLOT, QN_BANK_BOOL, 9);
    put(f, QN_OP_GROUP_FIND, QN_BANK_NONE, 77);
    put(f, QN_OP_IN, QN_BANK_I32, 5);
    printed(f, "main\n"
               "    0  ?             0x000700ff\n"
               "    1  MOVE          i32       r3, r200?\n"
               "    2  JUMP                    → 999?\n"
               "    3  LOAD_SLOT     bool      slot9?\n"
               "    4  GROUP_FIND              wide 77?\n"
               "    5  IN            i32       set5?\n"
               "6 instructions, 24 bytes, 1 cache lines, 0 constants, 0 side-table bytes\n");
    fixture_free(f);
}

/* Random words: printing always ends, and every instruction has its line. */
static void anything_can_be_printed(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252ull; /* xorshift64, Marsaglia 2003; fixed seed */
    for (int round = 0; round < 50; round++) {
        fixture *f = fixture_new();
        make_program(f, NULL);
        for (uint32_t i = 0; i < f->p.code_count; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            f->code[i] = (uint32_t)x;
        }
        qn_buf buf;
        qn_buf_init(&buf, &f->mem);
        qn_code_print(&f->p, &buf);
        assert_true(qn_buf_ok(&buf));
        qn_buf_deinit(&buf);
        fixture_free(f);
    }
}

static void locations_belong_to_one_instruction(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    f->locations[0] = (qn_code_location){2, 10};
    f->locations[1] = (qn_code_location){5, 20};
    f->p.location_count = 2;
    assert_int_equal(qn_code_location_at(&f->p, 2), 10);
    assert_int_equal(qn_code_location_at(&f->p, 5), 20);
    assert_int_equal(qn_code_location_at(&f->p, 3), -1);
    assert_int_equal(qn_code_location_at(&f->p, 6), -1);
    fixture_free(f);
}

/* One opcode a slot, register forms at slot ^ 0x80, letters that the layouts know. */
static void the_opcode_table_keeps_its_rules(void **state)
{
    (void)state;
    for (int op = 0; op < 256; op++) {
        const qn_op_info *info = qn_op_describe((uint8_t)op);
        if (!info->name)
            continue;
        assert_true(strspn(info->layout, "rkjoscfpn") == strlen(info->layout));
        assert_true(strlen(info->layout) <= 4);
        assert_non_null(qn_op_family((uint8_t)op));
        if (op >= 0xA0 && op <= 0xCF) {
            const qn_op_info *stack = qn_op_describe((uint8_t)(op ^ 0x80));
            char              expected[32];
            assert_non_null(stack->name);
            snprintf(expected, sizeof expected, "%s_R", stack->name);
            assert_string_equal(info->name, expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_readable),
        cmocka_unit_test(constants_show_their_values),
        cmocka_unit_test(damage_is_shown),
        cmocka_unit_test(anything_can_be_printed),
        cmocka_unit_test(locations_belong_to_one_instruction),
        cmocka_unit_test(the_opcode_table_keeps_its_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
