/* The constants of the cost model, by name and by number: one table, whichever way it is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "plan/cost.h"

static void every_constant_has_a_name_of_its_own_and_a_default(void **state)
{
    (void)state;
    for (int i = 0; i < QN_COST_COUNT; i++) {
        assert_true(strlen(qn_cost_meaning(i)) > 0);
        assert_true(*qn_cost_get(&qn_cost_defaults, i) > 0);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(qn_cost_name(i), qn_cost_name(j));
    }
}

/* What is written by number is read by field: the calibration writes, the planner reads. */
static void numbers_and_fields_are_the_same_places(void **state)
{
    (void)state;
    qn_cost_constants c = qn_cost_defaults;
    for (int i = 0; i < QN_COST_COUNT; i++)
        *qn_cost_at(&c, i) = 100 + i;
#define X(field, value, meaning)                                                                     \
    assert_true(c.field == 100 + QN_COST_##field && *qn_cost_get(&c, QN_COST_##field) == c.field);   \
    assert_string_equal(qn_cost_name(QN_COST_##field), #field);                                      \
    assert_true(qn_cost_defaults.field == (value));
    QN_COST_CONSTANTS(X)
#undef X
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_constant_has_a_name_of_its_own_and_a_default),
        cmocka_unit_test(numbers_and_fields_are_the_same_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
