/* What LIKE patterns and regular expressions demand of a text: how it begins, what it contains.
 *
 * Of a regular expression only what regex_direct.c understands is asked, or that it is a plain text. */
#include "type/pattern.h"

#include "type/find.h"
#include "type/like.h"
#include "type/regex_are.h"
#include "type/regex_direct.h"

int qn_pattern_kind(const char *function)
{
    static const char *const names[QN_PATTERN_KINDS] = {
        [0] = "textlike",
        [QN_PATTERN_NOT] = "textnlike",
        [QN_PATTERN_ICASE] = "texticlike",
        [QN_PATTERN_ICASE | QN_PATTERN_NOT] = "texticnlike",
        [QN_PATTERN_REGEX] = "textregexeq",
        [QN_PATTERN_REGEX | QN_PATTERN_NOT] = "textregexne",
        [QN_PATTERN_REGEX | QN_PATTERN_ICASE] = "texticregexeq",
        [QN_PATTERN_REGEX | QN_PATTERN_ICASE | QN_PATTERN_NOT] = "texticregexne",
    };
    for (int kind = 0; kind < QN_PATTERN_KINDS; kind++)
        if (!strcmp(names[kind], function))
            return kind;
    return -1;
}

static void note(qn_pattern_facts *f, const qn_str *literal)
{
    if (literal->bytes >= 3 && f->literal_count < QN_PATTERN_LITERALS) /* shorter ones no index knows */
        f->literals[f->literal_count++] = *literal;
}

static qn_status learn_like(bool icase, const qn_str *pattern, qn_arena *arena, qn_pattern_facts *f, qn_error *err)
{
    qn_like      *like;
    const qn_str *runs;
    const char   *text;
    size_t        bytes;
    qn_status     st = qn_like_compile(qn_str_data(pattern), pattern->bytes, '\\', true, icase, arena, &like, err);
    if (st != QN_OK)
        return st;
    bytes = qn_like_prefix(like, &text, &f->only);
    f->prefix = qn_str_of(text, bytes);
    f->exact = qn_like_exact(like, &text, &bytes);
    if (f->exact)
        f->prefix = qn_str_of(text, bytes);
    for (size_t i = 0, n = qn_like_pieces(like, arena, &runs); i < n; i++)
        note(f, &runs[i]);
    f->known = runs != NULL;
    return QN_OK;
}

static qn_status learn_regex(unsigned flags, const qn_str *pattern, qn_arena *arena, qn_pattern_facts *f, qn_error *err)
{
    qn_are     are;
    qn_direct *direct = NULL;
    qn_status  st = qn_are_translate(qn_str_data(pattern), pattern->bytes, flags, arena->mem, &are, err);
    if (st == QN_OK && are.is_literal) {
        qn_str literal = qn_str_of(are.literal.bytes ? are.literal.data : "", are.literal.bytes), kept;
        f->icase = are.flags & QN_ARE_ICASE;
        f->known = qn_str_copy(arena, &literal, &kept);
        if (f->known)
            note(f, &kept);
        else
            st = qn_nomem(err);
    } else if (st == QN_OK) {
        f->icase = false; /* letters that fold are sets, not literals */
        st = qn_direct_compile(are.pattern.data, are.pattern.bytes, !(are.flags & QN_ARE_NLSTOP), are.flags & QN_ARE_NLANCHOR,
                               arena->mem, &direct, err);
        qn_str literals[QN_PATTERN_LITERALS];
        bool   prefix = false;
        size_t n = st == QN_OK && direct ? qn_direct_required(direct, literals, QN_PATTERN_LITERALS, &prefix) : 0;
        for (size_t i = 0; i < n && st == QN_OK; i++) {
            qn_str kept;
            if (!qn_str_copy(arena, &literals[i], &kept)) {
                st = qn_nomem(err);
                break;
            }
            if (i == 0 && prefix)
                f->prefix = kept;
            note(f, &kept);
        }
        f->known = direct != NULL;
        qn_direct_free(direct, arena->mem);
    }
    qn_are_deinit(&are);
    return st;
}

qn_status qn_pattern_learn(int kind, const qn_str *pattern, qn_arena *arena, qn_pattern_facts *out, qn_error *err)
{
    qn_error  ignored = {.status = QN_OK};
    bool      icase = kind & QN_PATTERN_ICASE;
    qn_status st;
    memset(out, 0, sizeof *out);
    out->icase = icase;
    st = kind & QN_PATTERN_REGEX ? learn_regex(icase ? QN_ARE_ICASE : 0, pattern, arena, out, &ignored)
                                 : learn_like(icase, pattern, arena, out, &ignored);
    if (st == QN_OK)
        return QN_OK;
    memset(out, 0, sizeof *out);
    return st == QN_ERROR ? QN_OK : qn_nomem(err); /* the pattern's error is raised where it is used */
}
