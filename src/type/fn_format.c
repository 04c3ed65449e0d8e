/* to_char, to_date, to_timestamp and to_number: format pictures and the table of functions.
 *
 * A picture is cut into nodes once: keywords with their modifiers, and literal characters.  Dates and
 * numbers have their own keywords and their own interpreters (fn_format_date.c, fn_format_number.c). */
#include "type/fn_format_int.h"

#include "base/assert.h"

static const format_keyword *find_keyword(const format_keyword *keywords, const char *s, size_t left)
{
    for (const format_keyword *k = keywords; k->name; k++) {
        size_t n = strlen(k->name);
        if (n <= left && memcmp(s, k->name, n) == 0)
            return k;
    }
    return NULL;
}

static bool starts(const char *s, size_t left, const char *word)
{
    size_t n = strlen(word);
    return left >= n && memcmp(s, word, n) == 0;
}

static void literal(format_node *node, const char *s, size_t left, bool separators)
{
    uint32_t cp;
    int      n = qn_utf8_decode(s, left, &cp);
    node->bytes = (uint8_t)(n > 0 ? n : 1);
    memcpy(node->text, s, node->bytes);
    node->kind = separators && format_separator(*s) ? NODE_SEPARATOR
                 : format_space(*s) && separators   ? NODE_SPACE
                                                    : NODE_CHAR;
}

/* nodes has room for one node per byte of the format. */
static uint32_t parse(const char *s, size_t left, bool date, format_node *nodes)
{
    const format_keyword *keywords = date ? format_date_keywords : format_number_keywords;
    uint32_t              count = 0;
#define SKIP(n) (s += (n), left -= (n))
    while (left) {
        uint8_t suffix = 0;
        if (date && (starts(s, left, "FM") || starts(s, left, "fm"))) {
            suffix |= SUFFIX_FM;
            SKIP(2);
        } else if (date && (starts(s, left, "TM") || starts(s, left, "tm"))) {
            suffix |= SUFFIX_TM;
            SKIP(2);
        }
        if (!left)
            break;
        format_node *node = &nodes[count];
        memset(node, 0, sizeof *node);
        node->key = find_keyword(keywords, s, left);
        if (node->key) {
            node->kind = NODE_KEY;
            SKIP(strlen(node->key->name));
            if (date && (starts(s, left, "TH") || starts(s, left, "th"))) {
                suffix |= *s == 'T' ? SUFFIX_TH_UPPER : SUFFIX_TH_LOWER;
                SKIP(2);
            } else if (date && starts(s, left, "SP")) {
                SKIP(2); /* spelled-out numbers never came */
            }
            node->suffix = suffix;
            count++;
        } else if (*s == '"') {
            SKIP(1);
            while (left && *s != '"') {
                if (*s == '\\' && left > 1)
                    SKIP(1);
                memset(&nodes[count], 0, sizeof *node);
                literal(&nodes[count], s, left, false);
                SKIP(nodes[count].bytes);
                count++;
            }
            if (left)
                SKIP(1);
        } else {
            if (*s == '\\' && left > 1 && s[1] == '"')
                SKIP(1);
            literal(node, s, left, date);
            SKIP(node->bytes);
            count++;
        }
    }
#undef SKIP
    return count;
}

qn_status format_picture_get(qn_call *call, const qn_str *format, bool date, const format_picture **out)
{
    format_picture *p = call->cache ? *call->cache : NULL;
    if (p && qn_str_equal(&p->source, format)) {
        *out = p;
        return QN_OK;
    }
    /* The first format seen at a call site stays; others live as long as the result. */
    bool      keep = call->cache && call->cache_arena && !p;
    qn_arena *arena = keep ? call->cache_arena : call->arena;
    p = qn_arena_new(arena, format_picture);
    if (!p || !qn_str_copy(arena, format, &p->source))
        return qn_nomem(call->err);
    p->nodes = qn_arena_array(arena, format_node, (size_t)format->bytes + 1);
    if (!p->nodes)
        return qn_nomem(call->err);
    p->count = parse(qn_str_data(&p->source), format->bytes, date, p->nodes);
    if (keep)
        *call->cache = p;
    *out = p;
    return QN_OK;
}

const char *format_ordinal(const char *digits, size_t bytes, bool upper)
{
    char last = bytes ? digits[bytes - 1] : '0';
    if (bytes > 1 && digits[bytes - 2] == '1')
        last = '0'; /* eleventh, twelfth … */
    switch (last) {
    case '1': return upper ? "ST" : "st";
    case '2': return upper ? "ND" : "nd";
    case '3': return upper ? "RD" : "rd";
    default: return upper ? "TH" : "th";
    }
}

qn_status format_result(qn_call *call, qn_buf *buf, qn_datum *result)
{
    qn_status st = QN_OK;
    qn_str    view = qn_str_of(buf->data ? buf->data : "", buf->bytes);
    if (!qn_buf_ok(buf) || !qn_str_copy(call->arena, &view, &result->str))
        st = qn_nomem(call->err);
    qn_buf_deinit(buf);
    return st;
}

#define T(id) QN_TYPE_##id
#define SF (QN_FN_STRICT | QN_FN_CANFAIL)
#define TO_CHAR(type, fn)                                                                          \
    {"to_char", T(TEXT), 2, {T(type), T(TEXT)}, SF, QN_STABLE, 0, fn, "formatting|value as text by a picture"}

static const qn_function functions[] = {
    TO_CHAR(TIMESTAMP, format_timestamp),
    TO_CHAR(TIMESTAMPTZ, format_timestamptz),
    TO_CHAR(INTERVAL, format_interval),
    TO_CHAR(INTEGER, format_int4),
    TO_CHAR(BIGINT, format_int8),
    TO_CHAR(REAL, format_float4),
    TO_CHAR(DOUBLE, format_float8),
    TO_CHAR(NUMERIC, format_numeric),
    {"to_date", T(DATE), 2, {T(TEXT), T(TEXT)}, SF, QN_STABLE, 0, format_to_date, "formatting|text to date by a picture"},
    {"to_timestamp", T(TIMESTAMPTZ), 2, {T(TEXT), T(TEXT)}, SF, QN_STABLE, 0, format_to_timestamp,
     "formatting|text to timestamp by a picture"},
    {"to_number", T(NUMERIC), 2, {T(TEXT), T(TEXT)}, SF, QN_STABLE, 0, format_to_number,
     "formatting|text to number by a picture"},
};

const qn_function_list qn_fn_format = {.functions = functions, .count = QN_COUNTOF(functions)};
