/* "Perhaps you meant …": a column whose name is close to the one that does not exist.
 *
 * PostgreSQL's rule: the edit distance (Levenshtein 1966) is at most three and at most half of the
 * name's length; of two equally close columns both are named, of three none. */
#include "sql/sql_int.h"

#define NAME_BYTES   64 /* the parser cuts names there */
#define MAX_DISTANCE 3

static int distance(const char *a, const char *b)
{
    int    row[NAME_BYTES + 1];
    size_t n = strlen(a), m = strlen(b);

    if (n > NAME_BYTES || m > NAME_BYTES) {
        return MAX_DISTANCE + 1;
    }
    for (size_t j = 0; j <= m; j++) {
        row[j] = (int)j;
    }
    for (size_t i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            int gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < gap ? change : gap;
        }
    }
    return row[m];
}

void qn_hint_column(qn_binder *b, const qn_relation *rel, const char *name)
{
    int64_t first = -1, second = -1;
    int     best = MAX_DISTANCE + 1;

    for (uint32_t i = 0; rel && i < rel->column_count; i++) {
        int d = distance(rel->column_names[i], name);
        if (d > best || d > (int)strlen(name) / 2) {
            continue;
        }
        if (d < best) {
            best = d;
            first = i;
            second = -1;
        } else if (second >= 0) {
            first = second = -1;
            best = d - 1; /* too many: only a closer one would help */
        } else if (first >= 0) {
            second = i;
        } else if (d <= MAX_DISTANCE) {
            first = i;
        }
    }
    if (first >= 0 && second >= 0) {
        qn_error_hint(
            b->err, "Perhaps you meant to reference the column \"%s.%s\" or the column \"%s.%s\".",
            rel->alias, rel->column_names[first], rel->alias, rel->column_names[second]);
    } else if (first >= 0) {
        qn_error_hint(b->err, "Perhaps you meant to reference the column \"%s.%s\".", rel->alias,
                      rel->column_names[first]);
    }
}
