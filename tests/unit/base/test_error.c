/* Errors: the first one wins, texts are cut between characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"

static void the_first_error_wins(void **state)
{
    (void)state;
    qn_error err = {0};
    assert_int_equal(qn_fail_at(&err, QN_SQLSTATE_UNDEFINED_TABLE, 14, "relation \"%s\" does not exist", "t"),
                     QN_ERROR);
    qn_error_detail(&err, "detail %d", 1);
    qn_error_hint(&err, "hint %d", 1);
    /* A later one changes nothing, but its own status is what its caller sees. */
    assert_int_equal(qn_fail(&err, QN_SQLSTATE_DISK_FULL, "disk"), QN_IO);
    qn_error_detail(&err, "detail %d", 2);
    qn_error_hint(&err, "hint %d", 2);
    qn_error_locate(&err, 3);
    assert_int_equal(err.status, QN_ERROR);
    assert_string_equal(err.sqlstate, "42P01");
    assert_string_equal(err.message, "relation \"t\" does not exist");
    assert_string_equal(err.detail, "detail 1");
    assert_string_equal(err.hint, "hint 1");
    assert_int_equal(err.position, 15); /* offset plus one */
    assert_true(qn_error_is(&err, QN_SQLSTATE_UNDEFINED_TABLE));
    assert_false(qn_error_is(&err, QN_SQLSTATE_DISK_FULL));
    qn_error_clear(&err);
    assert_false(qn_error_is(&err, QN_SQLSTATE_UNDEFINED_TABLE));
    assert_int_equal(qn_nomem(&err), QN_NOMEM);
    assert_string_equal(err.sqlstate, "53200");
}

static void a_position_can_come_later(void **state)
{
    (void)state;
    qn_error err = {0};
    qn_error_locate(&err, 5); /* nothing to locate */
    assert_int_equal(err.position, 0);
    (void)!qn_fail(&err, QN_SQLSTATE_DIVISION_BY_ZERO, "division by zero");
    qn_error_locate(&err, -1);
    assert_int_equal(err.position, 0);
    qn_error_locate(&err, 0);
    assert_int_equal(err.position, 1);
}

static void nobody_needs_to_listen(void **state)
{
    (void)state;
    assert_int_equal(qn_fail(NULL, QN_SQLSTATE_QUERY_CANCELED, "x"), QN_INTERRUPTED);
    assert_int_equal(qn_corrupt(NULL, "x"), QN_CORRUPT);
    qn_error_detail(NULL, "x");
    qn_error_hint(NULL, "x");
    qn_error_clear(NULL);
    assert_false(qn_error_is(NULL, QN_SQLSTATE_MISUSE));
}

static void damage_says_where_it_was_noticed(void **state)
{
    (void)state;
    qn_error err = {0};
    assert_int_equal(qn_corrupt(&err, "file \"%s\"", "f"), QN_CORRUPT);
    assert_string_equal(err.sqlstate, "XX001");
    assert_non_null(strstr(err.detail, "test_error.c:"));
}

/* Characters of four bytes: at every alignment the cut must not leave a part of one. */
static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        char text[4096];
        memset(text, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof text; i += 4)
            memcpy(text + i, "\xf0\x9f\x98\x80", 4);
        size_t end = shift + (sizeof text - 1 - shift) / 4 * 4;
        text[end]  = 0;
        qn_error err = {0};
        (void)!qn_fail(&err, QN_SQLSTATE_SYNTAX_ERROR, "%s", text);
        size_t kept = strlen(err.message);
        assert_true(kept < sizeof err.message && kept > sizeof err.message - 5);
        assert_int_equal((kept - shift) % 4, 0);
    }
}

static void every_state_has_a_code_of_five(void **state)
{
    (void)state;
    for (int s = 0; s < QN_SQLSTATE_COUNT; s++) {
        assert_int_equal(strlen(qn_sqlstate_code((qn_sqlstate)s)), 5);
        assert_true(strlen(qn_sqlstate_meaning((qn_sqlstate)s)) > 0);
        for (int t = 0; t < s; t++)
            assert_string_not_equal(qn_sqlstate_code((qn_sqlstate)s), qn_sqlstate_code((qn_sqlstate)t));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(a_position_can_come_later),
        cmocka_unit_test(nobody_needs_to_listen),
        cmocka_unit_test(damage_says_where_it_was_noticed),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(every_state_has_a_code_of_five),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
