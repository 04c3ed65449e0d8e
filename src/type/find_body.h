/* The vector loop of substring search, included by find.c once per instruction set.
 *
 * Compares the needle's first byte with a vector of positions and its last byte with the vector m - 1
 * further on; where both agree the rest is verified (after Wojciech Muła, "SIMD-friendly algorithms for
 * substring searching", 2016).  Without regard to case each of the two bytes has an upper and a lower form.
 * The last vector is moved back so that it ends with the last position: no byte outside is read, and
 * positions seen twice have already failed.
 *
 * Macros: WIDTH, VECTOR, SET1(c), LOAD(p), MATCH(a, b, x) mask of lanes of x equal to a or b, AND(a, b),
 * MASK(v), TARGET, BODY_FN.  Requires m >= 2 and n - m + 1 >= WIDTH. */
TARGET static size_t BODY_FN(bool icase, const char *s, size_t n, const char *needle, size_t m)
{
    const size_t positions = n - m + 1;
    char         f = needle[0], l = needle[m - 1];
    VECTOR       f1 = SET1(f), f2 = SET1(icase ? qn_ascii_upper(f) : f);
    VECTOR       l1 = SET1(l), l2 = SET1(icase ? qn_ascii_upper(l) : l);
    size_t       at = 0;

    for (;;) {
        VECTOR   a = LOAD(s + at), b = LOAD(s + at + m - 1);
        uint32_t hits = MASK(AND(MATCH(f1, f2, a), MATCH(l1, l2, b)));
        while (hits) {
            size_t p = at + (size_t)__builtin_ctz(hits);
            if (m == 2 || (icase ? qn_equal_icase(s + p + 1, needle + 1, m - 2)
                                 : memcmp(s + p + 1, needle + 1, m - 2) == 0)) {
                return p;
            }
            hits &= hits - 1;
        }
        if (at + WIDTH >= positions) {
            return QN_NOT_FOUND;
        }
        at = at + 2 * WIDTH <= positions ? at + WIDTH : positions - WIDTH;
    }
}
