/* Cases that PostgreSQL 15 answered (TimeZone UTC, locale C): a function, operator or type input with its
 * arguments as text, and the answer as text.
 *
 *   name       "age", "+" (an operator: anything not beginning with a letter), or ":date" (type input)
 *   arguments  "timestamp=2000-01-01"; an empty value is the empty text, "text" alone is NULL of that type
 *   expected   the text form, "NULL", or "!22008 message" */
#ifndef QN_TESTS_UNIT_TYPE_ORACLE_CASE_H
#define QN_TESTS_UNIT_TYPE_ORACLE_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/function.h"
#include "type/datetime.h"

typedef struct oracle_case {
    const char *name;
    const char *args[QN_FN_MAX_ARGS];
    const char *expected;
} oracle_case;

static const qn_function_list *const oracle_functions[] = {&qn_fn_math, &qn_fn_datetime, &qn_fn_format};
static const qn_operator_list *const oracle_operators[] = {&qn_op_math, &qn_op_datetime};

static inline const qn_function *oracle_find(const char *name, int argc, const uint8_t *types)
{
    bool letter = (name[0] >= 'a' && name[0] <= 'z');
    for (size_t l = 0; !letter && l < sizeof oracle_operators / sizeof *oracle_operators; l++) {
        for (size_t i = 0; i < oracle_operators[l]->count && !letter; i++) {
            const qn_operator *o = &oracle_operators[l]->operators[i];
            uint8_t            left = argc == 2 ? types[0] : QN_TYPE_UNKNOWN;
            if (strcmp(o->name, name) == 0 && o->left == left && o->right == types[argc - 1]) {
                name = o->function;
                letter = true;
            }
        }
    }
    for (size_t l = 0; l < sizeof oracle_functions / sizeof *oracle_functions; l++) {
        for (size_t i = 0; i < oracle_functions[l]->count; i++) {
            const qn_function *f = &oracle_functions[l]->functions[i];
            if (strcmp(f->name, name) == 0 && f->argc == argc && memcmp(f->args, types, (size_t)argc) == 0)
                return f;
        }
    }
    return NULL;
}

/* Answer one case as text.  False when memory was refused. */
static inline bool oracle_run(qn_mem *mem, const oracle_case *c, char *text, size_t bytes)
{
    qn_arena         arena, cache_arena;
    qn_error         err = {0};
    qn_text_settings set = {.extra_float_digits = 1, .now_micros = 822222222000000};
    qn_env           env = {.mem = mem, .clock = qn_clock_system()};
    qn_datum         args[QN_FN_MAX_ARGS], result = {.words = {0, 0}};
    bool             nulls[QN_FN_MAX_ARGS] = {0}, null = false;
    uint8_t          types[QN_FN_MAX_ARGS] = {0};
    int              argc = 0;
    void            *cache = NULL;
    qn_status        st = QN_OK;
    qn_type          result_type = {QN_TYPE_TEXT, -1};
    qn_buf           buf;

    qn_arena_init(&arena, mem);
    qn_arena_init(&cache_arena, mem);
    qn_buf_init(&buf, mem);
    for (; argc < QN_FN_MAX_ARGS && c->args[argc] && st == QN_OK; argc++) {
        char        name[32];
        const char *value = strchr(c->args[argc], '=');
        qn_sql_type id;
        snprintf(name, sizeof name, "%.*s", (int)(value ? value - c->args[argc] : 31), c->args[argc]);
        assert_true(qn_type_lookup(name, &id));
        types[argc] = (uint8_t)id;
        memset(&args[argc], 0, sizeof args[argc]);
        nulls[argc] = !value;
        if (value)
            st = qn_value_parse((qn_type){(uint8_t)id, -1}, value + 1, strlen(value + 1), &set, &arena, &args[argc], &err);
    }
    if (st == QN_OK && c->name[0] == ':') {
        result_type.id = types[0];
        result = args[0];
    } else if (st == QN_OK) {
        const qn_function *f = oracle_find(c->name, argc, types);
        bool               any_null = false;
        assert_non_null(f);
        for (int i = 0; i < argc; i++)
            any_null = any_null || nulls[i];
        qn_call call = {.env = &env, .arena = &arena, .set = &set, .cache = &cache, .cache_arena = &cache_arena,
                        .argc = argc, .arg_types = types, .err = &err};
        result_type.id = f->result;
        null = any_null && (f->flags & QN_FN_STRICT);
        if (!null)
            st = f->fn(&call, args, nulls, &result, &null);
        assert_true(st == QN_OK || st == QN_NOMEM || (f->flags & QN_FN_CANFAIL));
    }
    if (st == QN_OK && !null)
        qn_value_print(result_type, &result, &set, &buf);
    if (st == QN_OK && !qn_buf_ok(&buf))
        st = QN_NOMEM;
    if (st != QN_OK)
        snprintf(text, bytes, "!%s %s", err.sqlstate, err.message);
    else
        snprintf(text, bytes, "%s", null ? "NULL" : buf.data ? buf.data : "");
    qn_buf_deinit(&buf);
    qn_arena_deinit(&cache_arena);
    qn_arena_deinit(&arena);
    return st != QN_NOMEM;
}

static inline void oracle_print(const oracle_case *c)
{
    print_error("%s(", c->name);
    for (int i = 0; i < QN_FN_MAX_ARGS && c->args[i]; i++)
        print_error("%s%s", i ? ", " : "", c->args[i]);
    print_error(")\n");
}

/* Every case has the expected answer. */
static inline void oracle_check(const oracle_case *cases, size_t count)
{
    qn_mem mem;
    int    bad = 0;
    qn_mem_init(&mem, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        char text[2048];
        oracle_run(&mem, &cases[i], text, sizeof text);
        if (strcmp(text, cases[i].expected) != 0) {
            oracle_print(&cases[i]);
            print_error("    got  \"%s\"\n    want \"%s\"\n", text, cases[i].expected);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
    assert_int_equal(mem.used_bytes, 0);
    qn_mem_deinit(&mem);
}

/* Every n-th allocation refused, for n = 1, 2, … until the case succeeds: no leak, no wrong answer. */
static inline void oracle_check_memory(const oracle_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (uint64_t n = 1;; n++) {
            qn_mem mem;
            char   text[2048];
            qn_mem_init(&mem, NULL, 0);
            atomic_store(&mem.fail_at, n);
            bool done = oracle_run(&mem, &cases[i], text, sizeof text);
            assert_int_equal(mem.used_bytes, 0);
            qn_mem_deinit(&mem);
            if (done) {
                assert_string_equal(text, cases[i].expected);
                break;
            }
        }
    }
}

#endif
