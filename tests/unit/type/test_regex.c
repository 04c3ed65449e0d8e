/* Regular expressions.  The expected answers were given by PostgreSQL 15 (UTF8, locale C) for the same calls;
 * tests/unit/type/fn_case.h explains the notation. */
#include "fn_case.h"

#define RUN(cases) fn_run(&qn_fn_regex, cases, sizeof cases / sizeof cases[0])

/* Atoms, classes, constraints and escapes mean what they mean in PostgreSQL. */
static void syntax(void **state)
{
    static const fn_case cases[] = {
        {"textregexeq", {"T:abc", "T:b"}, "=true"},
        {"textregexeq", {"T:abc", "T:^b"}, "=false"},
        {"textregexeq", {"T:abc", "T:^abc$"}, "=true"},
        {"textregexeq", {"T:a\012b", "T:a.b"}, "=true"},
        {"textregexeq", {"T:a\012b", "T:a$"}, "=false"},
        {"textregexeq", {"T:a\012b", "T:^b"}, "=false"},
        {"textregexeq", {"T:a\012", "T:a$"}, "=false"},
        {"textregexeq", {"T:aé€", "T:^a.{2}$"}, "=true"},
        {"textregexeq", {"T:aé€", "T:^[^a]"}, "=false"},
        {"textregexeq", {"T:a]b", "T:[]]"}, "=true"},
        {"textregexeq", {"T:a-b", "T:[a-]-"}, "=true"},
        {"textregexeq", {"T:a\\b", "T:\\\\"}, "=true"},
        {"textregexeq", {"T:ab", "T:a\\x62"}, "=true"},
        {"textregexeq", {"T:é", "T:\\u00e9"}, "=true"},
        {"textregexeq", {"T:😀", "T:\\U0001F600"}, "=true"},
        {"textregexeq", {"T:a1", "T:\\d$"}, "=true"},
        {"textregexeq", {"T:a b", "T:\\s"}, "=true"},
        {"textregexeq", {"T:a_1", "T:^\\w+$"}, "=true"},
        {"textregexeq", {"T:é", "T:\\w"}, "=false"},
        {"textregexeq", {"T:é", "T:[[:alpha:]]"}, "=false"},
        {"textregexeq", {"T:foo bar", "T:\\mbar"}, "=true"},
        {"textregexeq", {"T:foobar", "T:\\mbar"}, "=false"},
        {"textregexeq", {"T:foo bar", "T:foo\\M"}, "=true"},
        {"textregexeq", {"T:foobar", "T:foo\\M"}, "=false"},
        {"textregexeq", {"T:foo", "T:\\yfoo\\y"}, "=true"},
        {"textregexeq", {"T:foo", "T:o\\Yo"}, "=true"},
        {"textregexeq", {"T:x foo", "T:[[:<:]]foo[[:>:]]"}, "=true"},
        {"textregexeq", {"T:abab", "T:(ab)\\1"}, "=true"},
        {"textregexeq", {"T:aba", "T:(ab)\\1"}, "=false"},
        {"textregexeq", {"T:a+b", "T:a\\+b"}, "=true"},
        {"textregexeq", {"T:a{", "T:a{"}, "=true"},
        {"textregexeq", {"T:a{x", "T:a{x"}, "=true"},
        {"textregexeq", {"T:aaa", "T:^a{3}$"}, "=true"},
        {"textregexeq", {"T:aa", "T:^a{3,}$"}, "=false"},
        {"textregexeq", {"T:ab", "T:a(?=b)"}, "=true"},
        {"textregexeq", {"T:ab", "T:a(?!b)"}, "=false"},
        {"textregexeq", {"T:ab", "T:(?<=a)b"}, "=true"},
        {"textregexeq", {"T:ab", "T:(?<!a)b"}, "=false"},
        {"textregexeq", {"T:ab", "T:a(?#comment)b"}, "=true"},
        {"textregexeq", {"T:", "T:^$"}, "=true"},
        {"textregexeq", {"T:", "T:a*"}, "=true"},
        {"textregexeq", {"T:a", "T:a|"}, "=true"},
        {"textregexeq", {"T:b", "T:()"}, "=true"},
        {"textregexeq", {"T:a\011b", "T:a\\tb"}, "=true"},
        {"textregexeq", {"T:a.b", "T:a[.]b"}, "=true"},
        {"textregexeq", {"T:b", "T:[[=b=]]"}, "=true"},
        {"textregexeq", {"T:-", "T:[[.-.]]"}, "=true"},
        {"textregexeq", {"T:a", "T:[\\d_]"}, "=false"},
        {"textregexeq", {"T:5", "T:[\\d_]"}, "=true"},
        {"textregexeq", {"T:x", "T:[^\\d]"}, "=true"},
        {"textregexeq", {"T:a\007", "T:a\\a"}, "=true"},
        {"textregexeq", {"T:é", "T:^.$"}, "=true"},
        {"textregexeq", {"T:A", "T:\\101"}, "=true"},
        {"textregexeq", {"T:axb", "T:a\\Bb"}, "=false"},
        {"textregexeq", {"T:a\\b", "T:a\\Bb"}, "=true"},
        {"textregexeq", {"T:x", "T:\\cx"}, "=false"},
        {"textregexeq", {"T:😀", "T:\\x1F600"}, "=true"},
        {"textregexeq", {"T:a", "T:\\ud800*a"}, "=true"},
        {"textregexeq", {"T:aa", "T:(?x)^a{ 2 }$"}, "=true"},
        {"textregexeq", {"T:a", "T:a{ 2}"}, "=false"},
        {"textregexeq", {"T:b", "T:[\\ud800-\\udfffb]"}, "=true"},
        {"textregexne", {"T:abc", "T:b"}, "=false"},
        {"texticregexne", {"T:ABC", "T:b"}, "=false"},
        {"bpcharregexeq", {"C:ab  ", "T:b$"}, "=false"},
        {"bpcharregexeq", {"C:ab  ", "T:b  $"}, "=true"},
    };

    (void)state;
    RUN(cases);
}

/* É and é differ in the C collation, and so do k and the Kelvin sign. */
static void ignoring_case_concerns_ascii_letters(void **state)
{
    static const fn_case cases[] = {
        {"texticregexeq", {"T:ABC", "T:b"}, "=true"},
        {"texticregexeq", {"T:É", "T:é"}, "=false"},
        {"texticregexeq", {"T:K", "T:k"}, "=false"},
        {"texticregexeq", {"T:aBc", "T:A[A-C]C"}, "=true"},
        {"texticregexeq", {"T:Z", "T:[a-z]"}, "=true"},
        {"texticregexeq", {"T:_", "T:[A-z]"}, "=true"},
        {"texticregexeq", {"T:x", "T:[^X]"}, "=false"},
        {"texticregexeq", {"T:A", "T:[[:lower:]]"}, "=true"},
        {"texticregexeq", {"T:abAB", "T:(ab)\\1"}, "=true"},
        {"texticregexeq", {"T:ſ", "T:s"}, "=false"},
        {"texticregexeq", {"T:STRASSE", "T:strasse"}, "=true"},
    };

    (void)state;
    RUN(cases);
}

/* Embedded at the start, or as flags. */
static void options_and_directors(void **state)
{
    static const fn_case cases[] = {
        {"textregexeq", {"T:ABC", "T:(?i)b"}, "=true"},
        {"textregexeq", {"T:ABC", "T:(?c)b"}, "=false"},
        {"textregexeq", {"T:a.c", "T:***=a.c"}, "=true"},
        {"textregexeq", {"T:abc", "T:***=a.c"}, "=false"},
        {"textregexeq", {"T:abc", "T:***:a.c"}, "=true"},
        {"textregexeq", {"T:ABC", "T:***:(?i)a.c"}, "=true"},
        {"textregexeq", {"T:a\012b", "T:(?n)a.b"}, "=false"},
        {"textregexeq", {"T:a\012b", "T:(?n)^b"}, "=true"},
        {"textregexeq", {"T:a\012b", "T:(?p)^b"}, "=false"},
        {"textregexeq", {"T:a\012b", "T:(?w)^b"}, "=true"},
        {"textregexeq", {"T:a\012b", "T:(?w)a.b"}, "=true"},
        {"textregexeq", {"T:ab", "T:(?x)a b # note"}, "=true"},
        {"textregexeq", {"T:a b", "T:(?q)a b"}, "=true"},
        {"textregexeq", {"T:a+", "T:(?q)a+"}, "=true"},
        {"textregexeq", {"T:a(b", "T:(?e)a\\(b"}, "=true"},
        {"textregexeq", {"T:a(b", "T:(?b)a(b"}, "=true"},
        {"textregexeq", {"T:abab", "T:(?b)\\(ab\\)\\1"}, "=true"},
        {"textregexeq", {"T:a\012b", "T:(?n)a[^x]b"}, "=false"},
        {"regexp_like", {"T:ABC", "T:b", "T:i"}, "=true"},
        {"regexp_like", {"T:ABC", "T:b", "T:ic"}, "=false"},
        {"regexp_like", {"T:a\012b", "T:^b", "T:n"}, "=true"},
        {"regexp_like", {"T:a\012b", "T:^b", "T:m"}, "=true"},
        {"regexp_like", {"T:a\012b", "T:a.b", "T:s"}, "=true"},
        {"regexp_like", {"T:a b", "T:a b", "T:x"}, "=false"},
        {"regexp_like", {"T:a.b", "T:a.b", "T:q"}, "=true"},
        {"regexp_like", {"T:a", "T:A", "T:g"}, "!22023 regexp_like() does not support the \"global\" option"},
        {"regexp_like", {"T:a", "T:a", "T:z"}, "!22023 invalid regular expression option: \"z\""},
        {"regexp_like", {"T:a", "T:a", "T:é"}, "!22023 invalid regular expression option: \"é\""},
        {"regexp_like", {"T:a*", "T:a*", "T:e"}, "=true"},
        {"regexp_like", {"T:ab", "T:a(b)", "T:b"}, "=false"},
    };

    (void)state;
    RUN(cases);
}

/* 2201B in PostgreSQL's words. */
static void bad_expressions(void **state)
{
    static const fn_case cases[] = {
        {"textregexeq", {"T:x", "T:("}, "!2201B invalid regular expression: parentheses () not balanced"},
        {"textregexeq", {"T:x", "T:a)"}, "!2201B invalid regular expression: parentheses () not balanced"},
        {"textregexeq", {"T:x", "T:[a"}, "!2201B invalid regular expression: brackets [] not balanced"},
        {"textregexeq", {"T:x", "T:a**"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:*a"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:^*"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:(*a)"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:a|*b"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:a{2,1}"}, "!2201B invalid regular expression: invalid repetition count(s)"},
        {"textregexeq", {"T:x", "T:a{256}"}, "!2201B invalid regular expression: invalid repetition count(s)"},
        {"textregexeq", {"T:x", "T:a{1"}, "!2201B invalid regular expression: braces {} not balanced"},
        {"textregexeq", {"T:x", "T:a{1x}"}, "!2201B invalid regular expression: invalid repetition count(s)"},
        {"textregexeq", {"T:x", "T:[b-a]"}, "!2201B invalid regular expression: invalid character range"},
        {"textregexeq", {"T:x", "T:[[:nope:]]"}, "!2201B invalid regular expression: invalid character class"},
        {"textregexeq", {"T:x", "T:[a-\\d]"}, "!2201B invalid regular expression: invalid character range"},
        {"textregexeq", {"T:x", "T:[a-c-e]"}, "!2201B invalid regular expression: invalid character range"},
        {"textregexeq", {"T:x", "T:\\"}, "!2201B invalid regular expression: invalid escape \\ sequence"},
        {"textregexeq", {"T:x", "T:\\q"}, "!2201B invalid regular expression: invalid escape \\ sequence"},
        {"textregexeq", {"T:x", "T:\\u12"}, "!2201B invalid regular expression: invalid escape \\ sequence"},
        {"textregexeq", {"T:x", "T:\\1"}, "!2201B invalid regular expression: invalid backreference number"},
        {"textregexeq", {"T:x", "T:(a\\1)"}, "!2201B invalid regular expression: invalid backreference number"},
        {"textregexeq", {"T:x", "T:(?z)a"}, "!2201B invalid regular expression: invalid embedded option"},
        {"textregexeq", {"T:x", "T:(?<x"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:(?P<n>a)"}, "!2201B invalid regular expression: invalid embedded option"},
        {"textregexeq", {"T:x", "T:[[.xx.]]"}, "!2201B invalid regular expression: invalid collating element"},
        {"textregexeq", {"T:x", "T:***a"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:a{1}{2}"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:$+"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:(?=a)*"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:\\x{41}"}, "!2201B invalid regular expression: invalid escape \\ sequence"},
        {"textregexeq", {"T:x", "T:\\Qa"}, "!2201B invalid regular expression: invalid escape \\ sequence"},
        {"textregexeq", {"T:x", "T:[a-"}, "!2201B invalid regular expression: brackets [] not balanced"},
        {"textregexeq", {"T:x", "T:["}, "!2201B invalid regular expression: brackets [] not balanced"},
        {"textregexeq", {"T:x", "T:(?x)a{ 2"}, "!2201B invalid regular expression: braces {} not balanced"},
        {"textregexeq", {"T:x", "T:\\x80000000"}, "!2201B invalid regular expression: invalid escape \\ sequence"},
        {"textregexeq", {"T:x", "T:[[:alpha:]"}, "!2201B invalid regular expression: brackets [] not balanced"},
        {"textregexeq", {"T:x", "T:a++"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:(?>a)"}, "!2201B invalid regular expression: quantifier operand invalid"},
        {"textregexeq", {"T:x", "T:\\pL"}, "!2201B invalid regular expression: invalid escape \\ sequence"},
        {"textregexeq", {"T:x", "T:\\K"}, "!2201B invalid regular expression: invalid escape \\ sequence"},
    };

    (void)state;
    RUN(cases);
}

/* Longest or shortest as a whole, decided by the first quantifier that cares. */
static void extent_of_the_match(void **state)
{
    static const fn_case cases[] = {
        {"substring", {"T:XY1234Z", "T:Y*([0-9]{1,3})"}, "=123"},
        {"substring", {"T:XY1234Z", "T:Y*?([0-9]{1,3})"}, "=1"},
        {"substring", {"T:foobarbaz", "T:ba[rz]"}, "=bar"},
        {"substring", {"T:abcd", "T:(?:a|ab)(?:c|bcd)?"}, "=abcd"},
        {"substring", {"T:abcd", "T:a|ab|abcd"}, "=abcd"},
        {"substring", {"T:foo1bar2bar", "T:s?foo.*?bar"}, "=foo1bar2bar"},
        {"substring", {"T:foo1bar2bar", "T:foo.*?bar"}, "=foo1bar"},
        {"substring", {"T:foo1bar2bar", "T:foo.*bar"}, "=foo1bar2bar"},
        {"substring", {"T:abcbc", "T:a.*?bc"}, "=abc"},
        {"substring", {"T:aaa", "T:a+?"}, "=a"},
        {"substring", {"T:aaa", "T:a*?"}, "="},
        {"substring", {"T:xaab", "T:a+?b"}, "=aab"},
        {"substring", {"T:abc01234xyz", "T:(?:(.*?)(\\d+)(.*)){1,1}"}, "=abc"},
        {"substring", {"T:foobar", "T:o(.)b"}, "=o"},
        {"substring", {"T:foobar", "T:(o(.)b)"}, "=oob"},
        {"substring", {"T:foobar", "T:z"}, "NULL"},
        {"substring", {"T:ab", "T:(z)?ab"}, "NULL"},
        {"substring", {"T:http://www.example.com/path?x=1", "T:^https?://(?:www\\.)?([^/]+)/.*$"}, "=example.com"},
        {"substring", {"T:key=value", "T:=(.*)$"}, "=value"},
        {"substring", {"T:foobar", "T:%#\"o_b#\"%", "T:#"}, "=oob"},
        {"substring", {"T:foobar", "T:#\"o_b#\"%", "T:#"}, "NULL"},
        {"substring", {"T:abcdefg", "T:a#\"(b_d)#\"%", "T:#"}, "=bcd"},
        {"substring", {"T:abc", "T:a#\"b#\"c#\"", "T:#"}, "!2200C SQL regular expression may not contain more than two escape-double-quote separators"},
        {"substring", {"T:Thomas", "T:___#\"%#\"", "T:#"}, "=mas"},
    };

    (void)state;
    RUN(cases);
}

/* \1 to \9, \& and \\; empty matches advance by one character. */
static void replacing(void **state)
{
    static const fn_case cases[] = {
        {"regexp_replace", {"T:foobarbaz", "T:b..", "T:X"}, "=fooXbaz"},
        {"regexp_replace", {"T:foobarbaz", "T:b..", "T:X", "T:g"}, "=fooXX"},
        {"regexp_replace", {"T:foobarbaz", "T:b(..)", "T:X\\1Y", "T:g"}, "=fooXarYXazY"},
        {"regexp_replace", {"T:abc", "T:b*", "T:X", "T:g"}, "=XaXXcX"},
        {"regexp_replace", {"T:aé€", "T:", "T:-", "T:g"}, "=-a-é-€-"},
        {"regexp_replace", {"T:", "T:^", "T:x", "T:g"}, "=x"},
        {"regexp_replace", {"T:", "T:a*", "T:x"}, "=x"},
        {"regexp_replace", {"T:abc", "T:(b)", "T:[\\&|\\1|\\2|\\\\|\\x|\\"}, "=a[b|b||\\|\\x|\\c"},
        {"regexp_replace", {"T:abc", "T:(x)?b", "T:<\\1>"}, "=a<>c"},
        {"regexp_replace", {"T:a.b.c", "T:.", "T:-", "T:gq"}, "=a-b-c"},
        {"regexp_replace", {"T:ABC", "T:b", "T:x", "T:i"}, "=AxC"},
        {"regexp_replace", {"T:a\012b\012c", "T:^", "T:> ", "T:gn"}, "=> a\012> b\012> c"},
        {"regexp_replace", {"T:a\012b", "T:.$", "T:x", "T:w"}, "=x\012b"},
        {"regexp_replace", {"T:hello world", "T:(o)", "T:0", "T:g"}, "=hell0 w0rld"},
        {"regexp_replace", {"T:A PostgreSQL function", "T:a|e|i|o|u", "T:X", "I:1", "I:0", "T:i"}, "=X PXstgrXSQL fXnctXXn"},
        {"regexp_replace", {"T:A PostgreSQL function", "T:a|e|i|o|u", "T:X", "I:1", "I:3", "T:i"}, "=A PostgrXSQL function"},
        {"regexp_replace", {"T:A PostgreSQL function", "T:a|e|i|o|u", "T:X", "I:3"}, "=A PXstgreSQL function"},
        {"regexp_replace", {"T:A PostgreSQL function", "T:a|e|i|o|u", "T:X", "I:1", "I:2"}, "=A PostgrXSQL function"},
        {"regexp_replace", {"T:abc", "T:b", "T:x", "I:0"}, "!22023 invalid value for parameter \"start\": 0"},
        {"regexp_replace", {"T:abc", "T:b", "T:x", "I:1", "I:-1"}, "!22023 invalid value for parameter \"n\": -1"},
        {"regexp_replace", {"T:abc", "T:b", "T:x", "T:1"}, "!22023 invalid regular expression option: \"1\""},
        {"regexp_replace", {"T:abc", "T:b", "T:x", "T:y"}, "!22023 invalid regular expression option: \"y\""},
        {"regexp_replace", {"T:abcabc", "T:b", "T:x", "I:3", "I:0"}, "=abcaxc"},
        {"regexp_replace", {"T:abc", "T:b", "T:x", "I:10", "I:0"}, "=abc"},
        {"regexp_replace", {"T:aaa", "T:a", "T:b", "I:2", "I:2"}, "=aab"},
        {"regexp_replace", {"T:ééé", "T:é", "T:e", "I:2", "I:0"}, "=éee"},
        {"regexp_replace", {"T:http://www.example.com/path?x=1", "T:^https?://(?:www\\.)?([^/]+)/.*$", "T:\\1"}, "=example.com"},
        {"regexp_replace", {"T:  trim  ", "T:^\\s+|\\s+$", "T:", "T:g"}, "=trim"},
        {"regexp_replace", {"T:a1b22c333", "T:[0-9]+", "T:<\\&>", "T:g"}, "=a<1>b<22>c<333>"},
        {"regexp_replace", {"T:aXbXc", "T:x", "T:", "T:gi"}, "=abc"},
        {"regexp_replace", {"T:12345", "T:(\\d)(\\d)", "T:\\2\\1", "T:g"}, "=21435"},
    };

    (void)state;
    RUN(cases);
}

/* Regexp_count, regexp_instr, regexp_substr. */
static void counting_and_locating(void **state)
{
    static const fn_case cases[] = {
        {"regexp_count", {"T:123123123123", "T:123"}, "=4"},
        {"regexp_count", {"T:123123123123", "T:\\d\\d\\d", "I:2"}, "=3"},
        {"regexp_count", {"T:ABCABC", "T:Abc", "I:1", "T:i"}, "=2"},
        {"regexp_count", {"T:abc", "T:", "I:1"}, "=4"},
        {"regexp_count", {"T:abc", "T:x"}, "=0"},
        {"regexp_count", {"T:abc", "T:a", "I:0"}, "!22023 invalid value for parameter \"start\": 0"},
        {"regexp_count", {"T:abc", "T:a", "I:1", "T:g"}, "!22023 regexp_count() does not support the \"global\" option"},
        {"regexp_count", {"T:aé€", "T:.", "I:2"}, "=2"},
        {"regexp_instr", {"T:number of your street, town zip, FR", "T:[^,]+", "I:1", "I:2"}, "=23"},
        {"regexp_instr", {"T:ABCDEFGHI", "T:(c..)(...)", "I:1", "I:1", "I:0", "T:i", "I:2"}, "=6"},
        {"regexp_instr", {"T:abcabcabc", "T:a.c"}, "=1"},
        {"regexp_instr", {"T:abcabcabc", "T:a.c", "I:2"}, "=4"},
        {"regexp_instr", {"T:abcabcabc", "T:a.c", "I:1", "I:3"}, "=7"},
        {"regexp_instr", {"T:abcabcabc", "T:a.c", "I:1", "I:4"}, "=0"},
        {"regexp_instr", {"T:abcabcabc", "T:a.c", "I:1", "I:3", "I:1"}, "=10"},
        {"regexp_instr", {"T:aéc", "T:é", "I:1", "I:1", "I:1"}, "=3"},
        {"regexp_instr", {"T:abc", "T:b", "I:0"}, "!22023 invalid value for parameter \"start\": 0"},
        {"regexp_instr", {"T:abc", "T:b", "I:1", "I:0"}, "!22023 invalid value for parameter \"n\": 0"},
        {"regexp_instr", {"T:abc", "T:b", "I:1", "I:1", "I:2"}, "!22023 invalid value for parameter \"endoption\": 2"},
        {"regexp_instr", {"T:abc", "T:b", "I:1", "I:1", "I:0", "T:g"}, "!22023 regexp_instr() does not support the \"global\" option"},
        {"regexp_instr", {"T:abc", "T:b", "I:1", "I:1", "I:0", "T:", "I:-1"}, "!22023 invalid value for parameter \"subexpr\": -1"},
        {"regexp_instr", {"T:abc", "T:b", "I:1", "I:1", "I:0", "T:", "I:1"}, "=2"},
        {"regexp_instr", {"T:abc", "T:b", "I:1", "I:1", "I:0", "T:", "I:2"}, "=0"},
        {"regexp_instr", {"T:abc", "T:(b)(x)?", "I:1", "I:1", "I:0", "T:", "I:2"}, "=0"},
        {"regexp_substr", {"T:number of your street, town zip, FR", "T:[^,]+", "I:1", "I:2"}, "= town zip"},
        {"regexp_substr", {"T:ABCDEFGHI", "T:(c..)(...)", "I:1", "I:1", "T:i", "I:2"}, "=FGH"},
        {"regexp_substr", {"T:abc", "T:x"}, "NULL"},
        {"regexp_substr", {"T:abcabc", "T:b.", "I:3"}, "=bc"},
        {"regexp_substr", {"T:abcabc", "T:b.", "I:1", "I:2"}, "=bc"},
        {"regexp_substr", {"T:abc", "T:b", "I:0"}, "!22023 invalid value for parameter \"start\": 0"},
        {"regexp_substr", {"T:abc", "T:b", "I:1", "I:-1"}, "!22023 invalid value for parameter \"n\": -1"},
        {"regexp_substr", {"T:abc", "T:b", "I:1", "I:1", "T:g"}, "!22023 regexp_substr() does not support the \"global\" option"},
        {"regexp_substr", {"T:abc", "T:(b)", "I:1", "I:1", "T:", "I:1"}, "=b"},
        {"regexp_substr", {"T:abc", "T:b", "I:1", "I:1", "T:", "I:1"}, "=b"},
        {"regexp_substr", {"T:abc", "T:b", "I:1", "I:1", "T:", "I:2"}, "NULL"},
        {"regexp_substr", {"T:abc", "T:b", "I:1", "I:1", "T:", "I:-1"}, "!22023 invalid value for parameter \"subexpr\": -1"},
        {"regexp_like", {"T:abc", "T:B"}, "=false"},
        {"regexp_like", {"NT", "T:a"}, "NULL"},
    };

    (void)state;
    RUN(cases);
}

/* A sample of the expressions that were compared with PostgreSQL at random. */
static void random_expressions(void **state)
{
    static const fn_case cases[] = {
        {"regexp_replace", {"T:-_\012c", "T:(?x)[\\Wa]{1,1}?", "T:[\\1]", "T:z"}, "!22023 invalid regular expression option: \"z\""},
        {"regexp_substr", {"T:abaabBaaabA-", "T:\\n*?\\Z_?\\."}, "NULL"},
        {"textregexeq", {"T:xx1xABé", "T:[\\w]+ {1,2}|[ab]{0}(?:\\sc){2}?.{1,1}?"}, "=false"},
        {"regexp_replace", {"T:xxAa €€ab", "T:(?c).{0,1}?[[.-.]a]{2}?", "T:", "I:2"}, "=xxAa €€ab"},
        {"regexp_instr", {"T:-é", "T:[^]b]{2}([\\Wa]){0,1}?|()bx*", "I:5"}, "=0"},
        {"regexp_replace", {"T: Baab€éAéa-", "T:", "T:<\\&>", "T:g"}, "=<> <>B<>a<>a<>b<>€<>é<>A<>é<>a<>-<>"},
        {"regexp_substr", {"T:1ba Bc1", "T:^.{1,2}", "I:1", "I:1", "T:", "I:0"}, "=1b"},
        {"regexp_count", {"T:", "T:"}, "=1"},
        {"texticregexeq", {"T: c \012ababA", "T:(1{0})"}, "=true"},
        {"textregexeq", {"T:AAa-", "T:c|\\W?é{2}?"}, "=false"},
        {"regexp_substr", {"T:-é", "T:[^]b]{2}([\\Wa]){0,1}?|()bx*", "I:5", "I:1"}, "NULL"},
        {"textregexeq", {"T: Baab€éAéa-", "T:"}, "=true"},
        {"regexp_replace", {"T:", "T:$c?", "T:\\2\\1", "T:g"}, "="},
        {"regexp_substr", {"T:aabé_babaB", "T:(?i).\\m|ab{2}?[[=a=]b]+|b{1,}(?:)*?", "I:2", "I:1", "T:c"}, "=b"},
        {"textregexeq", {"T:_B€", "T:.{1,1}?"}, "=true"},
        {"regexp_replace", {"T:_aabxé-", "T:", "T:[\\1]", "T:z"}, "!22023 invalid regular expression option: \"z\""},
        {"texticregexeq", {"T:--bab", "T:(?:(\\m\\Y_{2}[\\w]{1,})\\d)*?\\w"}, "=true"},
        {"textregexeq", {"T:_", "T:(?s)ab+1{1,2}ab*?\\D|\\tab*x(\\x41*?)"}, "=false"},
        {"regexp_instr", {"T:\012-ab1  ", "T:"}, "=1"},
        {"texticregexeq", {"T:\012c1B-1\012cc", "T:\\S{1,1}?"}, "=true"},
        {"regexp_replace", {"T:xbb\012c\012-", "T:|\\w+(a*){1,2}", "T:<\\&>", "T:g"}, "=<xbb><>\012<c><>\012<>-<>"},
        {"regexp_substr", {"T:", "T:$c?", "I:20", "I:1", "T:gi", "I:1"}, "!22023 regexp_substr() does not support the \"global\" option"},
        {"regexp_instr", {"T:", "T:", "I:0", "I:-1"}, "!22023 invalid value for parameter \"start\": 0"},
        {"regexp_instr", {"T:cb\012-€", "T:[^[:digit:]](c*? +)", "I:2", "I:1", "I:0"}, "=0"},
        {"regexp_replace", {"T:c", "T:c", "T:\\2\\1"}, "="},
        {"texticregexeq", {"T:Bac11A", "T:"}, "=true"},
        {"textregexeq", {"T:Bcx_b", "T:(|)*?"}, "=true"},
        {"regexp_replace", {"T:-€", "T:(?c).[a-c]{2}?A+", "T:"}, "=-€"},
        {"texticregexeq", {"T:a€1c", "T:(?: )"}, "=false"},
        {"regexp_count", {"T:", "T:(?: )"}, "=0"},
        {"regexp_count", {"T:éB", "T:_{2}?"}, "=0"},
        {"regexp_substr", {"T:éB", "T:_{2}?", "I:1", "I:1", "T:ix", "I:1"}, "NULL"},
        {"regexp_replace", {"T:béa bbcabA", "T:(?w)[\\w]+?|[[:alpha:]]+?é{1,1}?", "T:X"}, "=Xa bbcabA"},
        {"regexp_replace", {"T:béa bbcabA", "T:(?w)[\\w]+?|[[:alpha:]]+?é{1,1}?", "T:X", "T:"}, "=Xa bbcabA"},
        {"textregexeq", {"T:", "T:|\\S((?<!b)(?:)\\d{1,1}?)"}, "=true"},
        {"regexp_substr", {"T: Aaab_", "T:(b|c)(ab{1,}\\M){2}?\\1", "I:1"}, "NULL"},
        {"regexp_substr", {"T:aéB-", "T:[^a]{0,1}?\\S(.{0}c{1,2}){0}", "I:2"}, "=é"},
        {"regexp_instr", {"T:aabé_babaB", "T:(?i).\\m|ab{2}?[[=a=]b]+|b{1,}(?:)*?"}, "=3"},
        {"textregexeq", {"T:é_aab11aab", "T:_{2}?"}, "=false"},
        {"regexp_instr", {"T:aéB-", "T:[^a]{0,1}?\\S(.{0}c{1,2}){0}", "I:2", "I:1", "I:2"}, "!22023 invalid value for parameter \"endoption\": 2"},
        {"regexp_count", {"T:", "T:$c?"}, "=1"},
        {"regexp_substr", {"T:c", "T:|\\S((?<!b)(?:)\\d{1,1}?)", "I:5"}, "NULL"},
        {"regexp_replace", {"T:--\012", "T:(?<!b)", "T:<\\&>", "T:g"}, "=<>-<>-<>\012<>"},
        {"textregexeq", {"T:_ ", "T:(b|c)\\1"}, "=false"},
        {"texticregexeq", {"T:béb", "T:(b|c)(\\M\\u00e9)\\1"}, "=true"},
        {"regexp_instr", {"T:c", "T:c", "I:1", "I:1", "I:0", "T:gi", "I:-1"}, "!22023 invalid value for parameter \"subexpr\": -1"},
        {"regexp_replace", {"T:_Bcéc-b", "T:\\.\\.{2}?^ {2}", "T:X", "I:5", "I:-1"}, "!22023 invalid value for parameter \"n\": -1"},
        {"texticregexeq", {"T:cb\012-€", "T:[^[:digit:]](c*? +)"}, "=false"},
        {"regexp_replace", {"T:éaabxa-\012-_", "T:A|\\s|x{1,2}[]a]{2}b{0,1}?", "T:X", "I:5", "I:3", "T:q"}, "=éaabxa-\012-_"},
        {"texticregexeq", {"T:xAx_", "T:a{0,1}?b"}, "=false"},
        {"regexp_instr", {"T:ac", "T:"}, "=1"},
        {"texticregexeq", {"T:céb_", "T:[\\w]{2}?(?:)*"}, "=true"},
        {"regexp_replace", {"T:", "T:(?: )", "T:<\\&>", "T:g"}, "="},
        {"regexp_substr", {"T:céb_", "T:[\\w]{2}?(?:)*", "I:5", "I:0", "T:n"}, "!22023 invalid value for parameter \"n\": 0"},
        {"regexp_substr", {"T:éaabxa-\012-_", "T:A|\\s|x{1,2}[]a]{2}b{0,1}?", "I:5", "I:3", "T:q"}, "NULL"},
        {"regexp_replace", {"T:cb\012-€", "T:[^[:digit:]](c*? +)", "T:\\"}, "=cb\012-€"},
        {"regexp_count", {"T: Aaab_", "T:(b|c)(ab{1,}\\M){2}?\\1", "I:1"}, "=0"},
        {"regexp_count", {"T:abaabBaaabA-", "T:\\n*?\\Z_?\\.", "I:20"}, "=0"},
        {"regexp_replace", {"T: Aaab_", "T:(b|c)(ab{1,}\\M){2}?\\1", "T:\\\\"}, "= Aaab_"},
        {"textregexeq", {"T:b\012Baab", "T:é{2}?"}, "=false"},
        {"textregexeq", {"T:-ab_xa_Ax", "T:|"}, "=true"},
        {"regexp_replace", {"T:", "T:", "T:<\\&>", "T:i"}, "=<>"},
        {"textregexeq", {"T:€ € _€aab ", "T:é{2}?"}, "=false"},
        {"regexp_replace", {"T:", "T:\\w+?.+?", "T:\\x"}, "="},
        {"textregexeq", {"T:", "T:b*b{1,}1+((x+$.x{2}?)(?:[\\d_])?)"}, "=false"},
        {"regexp_replace", {"T:1\012bc€aB", "T:x{1,2}", "T:X", "I:5", "I:2", "T:g"}, "=1\012bc€aB"},
        {"regexp_replace", {"T:-_\012c", "T:(?x)[\\Wa]{1,1}?", "T:<\\&>", "T:g"}, "=<->_<\012>c"},
        {"textregexeq", {"T:", "T:[^a]{2}?A\\s{2}?1"}, "=false"},
        {"regexp_instr", {"T:abaabBaaabA-", "T:\\n*?\\Z_?\\.", "I:20", "I:-1", "I:1", "T:ix"}, "!22023 invalid value for parameter \"n\": -1"},
        {"regexp_replace", {"T:\012-ab1  ", "T:", "T:<\\&>", "T:ix"}, "=<>\012-ab1  "},
        {"regexp_replace", {"T:€Bb1", "T:\\t(){0,1}?", "T:<\\&>", "T:g"}, "=€Bb1"},
        {"texticregexeq", {"T:_1babAabAab", "T:||"}, "=true"},
        {"regexp_count", {"T:€ab1 €\012x", "T:(b|c)(\\M\\u00e9)\\1", "I:1", "T:x"}, "=0"},
        {"texticregexeq", {"T: \012_cAxb", "T:é?\?."}, "=true"},
        {"texticregexeq", {"T:1", "T:c.{0}"}, "=false"},
        {"textregexeq", {"T:B1b1", "T:"}, "=true"},
        {"regexp_instr", {"T:", "T:(?: )", "I:5", "I:1", "I:0", "T:g", "I:1"}, "!22023 regexp_instr() does not support the \"global\" option"},
        {"regexp_substr", {"T:€_bé€x€A", "T:"}, "="},
        {"regexp_count", {"T:1ba Bc1", "T:^.{1,2}", "I:1"}, "=1"},
        {"regexp_replace", {"T:xbb\012c\012-", "T:|\\w+(a*){1,2}", "T:\\"}, "=\\\012c\012-"},
        {"regexp_instr", {"T:aéB-", "T:[^a]{0,1}?\\S(.{0}c{1,2}){0}", "I:2", "I:1"}, "=2"},
        {"regexp_replace", {"T:xéaab ax Ba", "T:(a[[.-.]a].*_{2}|a*( |A?)?\?).*?", "T:\\x", "I:5", "I:0"}, "=xéaa\\x\\x"},
        {"regexp_substr", {"T:abcééaab-Ac", "T:a.+?|a+?|.{1,2}", "I:2", "I:-1", "T:p", "I:2"}, "!22023 invalid value for parameter \"n\": -1"},
        {"regexp_replace", {"T:-é", "T:[^]b]{2}([\\Wa]){0,1}?|()bx*", "T:X", "I:5"}, "=-é"},
        {"regexp_replace", {"T:", "T:", "T:X"}, "=X"},
        {"regexp_substr", {"T: _b", "T:.?\\w", "I:20"}, "NULL"},
        {"regexp_count", {"T:abaabBaaabA-", "T:\\n*?\\Z_?\\.", "I:20", "T:g"}, "!22023 regexp_count() does not support the \"global\" option"},
        {"regexp_substr", {"T:Bc-\012cAaAa", "T:|\\t{1,2}|", "I:1", "I:1"}, "="},
        {"texticregexeq", {"T:abcB€1 B ", "T:[\\Wa]?(?=a)\\.{2}."}, "=false"},
        {"regexp_replace", {"T:-é", "T:[^]b]{2}([\\Wa]){0,1}?|()bx*", "T:X", "I:5", "I:1"}, "=-é"},
        {"textregexeq", {"T:€a1aabaaaab", "T:(a|c)\\1"}, "=true"},
        {"regexp_replace", {"T:céb_", "T:[\\w]{2}?(?:)*", "T:[\\1]", "I:5", "I:0", "T:g"}, "=céb_"},
        {"regexp_replace", {"T:_b_-", "T:é?\?.", "T:<\\&>", "T:g"}, "=<_><b><_><->"},
        {"regexp_instr", {"T:c", "T:|\\S((?<!b)(?:)\\d{1,1}?)", "I:5"}, "=0"},
        {"regexp_substr", {"T:xxAa €€ab", "T:(?c).{0,1}?[[.-.]a]{2}?", "I:2", "I:1", "T:q", "I:0"}, "NULL"},
        {"regexp_replace", {"T:éAx\012c", "T:x{0,1}?", "T:\\2\\1", "I:0", "I:3", "T:n"}, "!22023 invalid value for parameter \"start\": 0"},
        {"texticregexeq", {"T:€€-x_", "T:"}, "=true"},
        {"regexp_replace", {"T:éB", "T:_{2}?", "T:\\\\", "I:1", "I:1"}, "=éB"},
        {"texticregexeq", {"T: aabb", "T:a.\\S"}, "=true"},
        {"regexp_substr", {"T: _b", "T:.?\\w", "I:20", "I:2"}, "NULL"},
        {"regexp_replace", {"T:b1aé", "T: {1,}\\t{2}?", "T:\\x"}, "=b1aé"},
        {"texticregexeq", {"T:-baabab", "T:(b|c)\\1"}, "=false"},
        {"regexp_substr", {"T:c", "T:c", "I:1", "I:1", "T:p", "I:2"}, "NULL"},
        {"texticregexeq", {"T:€aba", "T:a.\\S"}, "=true"},
        {"textregexeq", {"T:cB-", "T:c{2}\\x41"}, "=false"},
        {"textregexeq", {"T:aab1a\012a", "T:[a-c]|(?!b)1\\d.?\?"}, "=true"},
        {"regexp_replace", {"T:abébé", "T:", "T:[\\1]", "T:q"}, "=[]abébé"},
        {"regexp_instr", {"T: Aaab_", "T:(b|c)(ab{1,}\\M){2}?\\1", "I:1", "I:1", "I:1", "T:p"}, "=0"},
        {"texticregexeq", {"T:-ab_xa_Ax", "T:|"}, "=true"},
        {"regexp_replace", {"T: Aaab_", "T:(b|c)(ab{1,}\\M){2}?\\1", "T:\\\\", "T:"}, "= Aaab_"},
        {"regexp_replace", {"T: ééc1Bx1\012", "T:b*b{1,}1+((x+$.x{2}?)(?:[\\d_])?)", "T:\\2\\1"}, "= ééc1Bx1\012"},
        {"regexp_replace", {"T:\012B\012\012-c", "T:(?w)", "T:", "T:"}, "=\012B\012\012-c"},
        {"textregexeq", {"T:-_1c", "T:(b|c)ab\\1"}, "=false"},
        {"regexp_count", {"T: Aaab_", "T:(b|c)(ab{1,}\\M){2}?\\1", "I:1", "T:q"}, "=0"},
        {"regexp_replace", {"T:b\012Baab", "T:é{2}?", "T:<\\&>", "T:g"}, "=b\012Baab"},
        {"regexp_substr", {"T:", "T:"}, "="},
        {"regexp_instr", {"T:1ba Bc1", "T:^.{1,2}", "I:1", "I:1", "I:0"}, "=1"},
        {"texticregexeq", {"T:", "T:(.\\x41){1,2}é_{2}\\u00e9{0,1}?| +.{2}?"}, "=false"},
        {"regexp_replace", {"T:ac", "T:", "T:\\\\", "I:2", "I:1"}, "=a\\c"},
        {"textregexeq", {"T:_", "T:(?i).\\m|ab{2}?[[=a=]b]+|b{1,}(?:)*?"}, "=false"},
        {"regexp_replace", {"T:\012-ab1  ", "T:", "T:<\\&>", "I:20", "I:1", "T:gi"}, "=\012-ab1  "},
        {"regexp_instr", {"T:xxAa €€ab", "T:(?c).{0,1}?[[.-.]a]{2}?"}, "=0"},
        {"regexp_replace", {"T:abcééaab-Ac", "T:a.+?|a+?|.{1,2}", "T:<\\&>", "T:g"}, "=<abcééaab-Ac>"},
        {"regexp_instr", {"T:céb_", "T:[\\w]{2}?(?:)*", "I:5", "I:0", "I:0", "T:n", "I:-1"}, "!22023 invalid value for parameter \"n\": 0"},
        {"texticregexeq", {"T:caAx", "T:"}, "=true"},
        {"textregexeq", {"T:B", "T:[\\Wa]?(?=a)\\.{2}."}, "=false"},
        {"textregexeq", {"T:b€c1-aab c ", "T: +b{2}?(| {0,1}? _*?1){1,}"}, "=false"},
        {"regexp_instr", {"T:€ab1 €\012x", "T:(b|c)(\\M\\u00e9)\\1", "I:1", "I:3", "I:1", "T:p"}, "=0"},
        {"regexp_replace", {"T:1\012bc€aB", "T:x{1,2}", "T:X", "I:5"}, "=1\012bc€aB"},
        {"regexp_instr", {"T:xxAa €€ab", "T:(?c).{0,1}?[[.-.]a]{2}?", "I:2", "I:1"}, "=0"},
        {"regexp_replace", {"T:x\012cé", "T:.{2}\\.{2}x+1*?", "T:\\x", "T:q"}, "=x\012cé"},
        {"regexp_instr", {"T:éaabxa-\012-_", "T:A|\\s|x{1,2}[]a]{2}b{0,1}?", "I:5"}, "=8"},
        {"regexp_replace", {"T:éB", "T:_{2}?", "T:<\\&>", "T:g"}, "=éB"},
        {"textregexeq", {"T: ", "T:(?c).[a-c]{2}?A+"}, "=false"},
        {"regexp_replace", {"T:", "T:_\\.+", "T:", "I:5", "I:1", "T:i"}, "="},
        {"regexp_replace", {"T:-€", "T:(?c).[a-c]{2}?A+", "T:", "T:c"}, "=-€"},
        {"textregexeq", {"T:béb", "T:(b|c)(\\M\\u00e9)\\1"}, "=true"},
        {"regexp_replace", {"T:", "T:b+", "T:\\\\"}, "="},
        {"regexp_count", {"T:béa bbcabA", "T:(?w)[\\w]+?|[[:alpha:]]+?é{1,1}?"}, "=3"},
        {"regexp_count", {"T:éAx\012c", "T:x{0,1}?", "I:0"}, "!22023 invalid value for parameter \"start\": 0"},
        {"texticregexeq", {"T:AAa-", "T:c|\\W?é{2}?"}, "=false"},
        {"textregexeq", {"T:", "T:(b|c)ab\\1"}, "=false"},
        {"regexp_instr", {"T:1\012bc€aB", "T:x{1,2}"}, "=0"},
        {"regexp_instr", {"T:€ab1 €\012x", "T:(b|c)(\\M\\u00e9)\\1", "I:1", "I:3"}, "=0"},
        {"regexp_count", {"T:c", "T:|\\S((?<!b)(?:)\\d{1,1}?)", "I:5"}, "=0"},
        {"regexp_replace", {"T:c", "T:c", "T:\\2\\1", "I:1", "I:1", "T:z"}, "!22023 invalid regular expression option: \"z\""},
        {"regexp_substr", {"T:€_bé€x€A", "T:", "I:20"}, "NULL"},
        {"regexp_count", {"T:béa bbcabA", "T:(?w)[\\w]+?|[[:alpha:]]+?é{1,1}?", "I:1", "T:g"}, "!22023 regexp_count() does not support the \"global\" option"},
        {"regexp_instr", {"T:Bc-\012cAaAa", "T:|\\t{1,2}|", "I:1", "I:1", "I:1"}, "=1"},
        {"textregexeq", {"T:xé_1x", "T:é|(\\D+)|é?\?."}, "=true"},
        {"regexp_replace", {"T:-ab_xa_Ax", "T:|", "T:<\\&>"}, "=<>-ab_xa_Ax"},
        {"regexp_replace", {"T:Aaabaab", "T:[[:space:]b]*?", "T:\\x"}, "=\\xAaabaab"},
        {"regexp_replace", {"T:Aéb", "T:[B-Y]?\?\\u00e9", "T:\\\\", "T:i"}, "=A\\b"},
        {"regexp_replace", {"T:c", "T:|\\S((?<!b)(?:)\\d{1,1}?)", "T:", "T:x"}, "=c"},
        {"regexp_substr", {"T:-é", "T:[^]b]{2}([\\Wa]){0,1}?|()bx*", "I:5", "I:1", "T:n", "I:0"}, "NULL"},
        {"regexp_replace", {"T:\012-ab1  ", "T:", "T:<\\&>"}, "=<>\012-ab1  "},
        {"regexp_substr", {"T:c", "T:c", "I:1"}, "=c"},
        {"texticregexeq", {"T:caabbé\012é\012b-", "T:(1{0})"}, "=true"},
        {"regexp_replace", {"T:_Ab", "T:c.{0}", "T:\\2\\1", "T:c"}, "=_Ab"},
        {"regexp_replace", {"T:1c", "T:[\\w]+ {1,2}|[ab]{0}(?:\\sc){2}?.{1,1}?", "T:\\2\\1", "T:gi"}, "=1c"},
    };

    (void)state;
    RUN(cases);
}

/* Backtracking would take 2^n steps; the DFA matcher answers instead, or the call is refused. */
static void runaway_expressions_end(void **state)
{
    static const fn_case cases[] = {
        {"textregexeq", {"T:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", "T:^(a*)*b"}, "=false"},
        {"textregexeq", {"T:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", "T:^(?:a|aa)+$"}, "=false"},
        {"regexp_replace", {"T:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", "T:^(?:a|a?)+$", "T:x"},
         "=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"},
        {"regexp_replace", {"T:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", "T:^(a|a?)+\\1$", "T:\\1"},
         "!54001 regular expression match is too complex"},
    };

    (void)state;
    RUN(cases);
}

/* Deep nesting is refused before any stack is used up. */
static void nesting_is_limited(void **state)
{
    char          pattern[2 + 100001];
    const fn_case c = {"textregexeq", {"T:x", pattern},
                       "!2201B invalid regular expression: regular expression is too complex"};

    (void)state;
    memset(pattern, '(', sizeof pattern - 1);
    memcpy(pattern, "T:", 2);
    pattern[sizeof pattern - 1] = 0;
    fn_run(&qn_fn_regex, &c, 1);
}

/* A call site may see many patterns: its few slots are reused, and every answer is right. */
static void the_cache_turns_over(void **state)
{
    qn_text_settings set = {0};
    qn_mem           mem;
    qn_arena         arena, cache_arena;
    qn_error         err = {0};
    void            *cache = NULL;
    qn_call call = {.arena = &arena, .set = &set, .cache = &cache, .cache_arena = &cache_arena, .err = &err};
    uint64_t settled = 0;

    (void)state;
    qn_mem_init(&mem, NULL, 0);
    qn_arena_init(&arena, &mem);
    qn_arena_init(&cache_arena, &mem);
    for (int i = 0; i < 200; i++) {
        char           text[16], pattern[16];
        fn_case        c = {"textregexeq", {text, pattern}, NULL};
        fn_args        args;
        qn_buf         outcome;

        snprintf(text, sizeof text, "T:x%dy", i % 23);
        snprintf(pattern, sizeof pattern, "T:^x%dy+$", i % 19);
        fn_args_parse(&c, &args);
        call.argc = args.count;
        call.arg_types = args.types;
        qn_buf_init(&outcome, &mem);
        assert_int_equal(fn_call(fn_find(&qn_fn_regex, c.function, &args), &args, &call, &outcome), QN_OK);
        assert_string_equal(outcome.data, i % 23 == i % 19 ? "=true" : "=false");
        qn_buf_deinit(&outcome);
        if (i == 100) {
            settled = atomic_load(&mem.used_bytes);
        }
    }
    /* Memory stays bounded: what a slot gave up was freed, not left to the arena. */
    assert_true(atomic_load(&mem.used_bytes) < settled + 16384);
    qn_arena_deinit(&cache_arena);
    qn_arena_deinit(&arena);
    qn_mem_deinit(&mem);
}

static void failing_allocations_leave_nothing(void **state)
{
    static const fn_case cases[] = {
        {"textregexeq", {"T:a long text with a google in it", "T:g.*g[aeiou]"}, "=true"},
        {"textregexeq", {"T:a long text with a google in it", "T:google"}, "=true"},
        {"regexp_replace", {"T:a long text with a google in it", "T:(g|go)(o|ogle)?", "T:<\\2>", "T:g"},
         "=a lon<> text with a <ogle> in it"},
        {"regexp_replace", {"T:aXbXc and so on", "T:\\(x\\)", "T:[\\1]", "T:bgi"}, "=a[X]b[X]c and so on"},
        {"substring", {"T:foobar", "T:%#\"o_b#\"%", "T:#"}, "=oob"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fn_fail_allocations(&qn_fn_regex, &cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syntax),
        cmocka_unit_test(ignoring_case_concerns_ascii_letters),
        cmocka_unit_test(options_and_directors),
        cmocka_unit_test(bad_expressions),
        cmocka_unit_test(extent_of_the_match),
        cmocka_unit_test(replacing),
        cmocka_unit_test(counting_and_locating),
        cmocka_unit_test(random_expressions),
        cmocka_unit_test(runaway_expressions_end),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(the_cache_turns_over),
        cmocka_unit_test(failing_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
