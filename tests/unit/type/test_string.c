/* Text functions, comparison, LIKE and casts, function by function.  The expected answers were given by
 * PostgreSQL 15 (UTF8, locale C) for the same calls; tests/unit/type/fn_case.h explains the notation. */
#include "fn_case.h"

#define RUN(cases) fn_run(&qn_fn_string, cases, sizeof cases / sizeof cases[0])

/* Char(n) counts without its padding, except in bytes. */
static void lengths_count_characters_or_bytes(void **state)
{
    static const fn_case cases[] = {
        {"length", {"T:"}, "=0"},
        {"length", {"T:a"}, "=1"},
        {"length", {"T:aé€😀"}, "=4"},
        {"char_length", {"T:é"}, "=1"},
        {"character_length", {"T:éé"}, "=2"},
        {"octet_length", {"T:aé€😀"}, "=10"},
        {"bit_length", {"T:é"}, "=16"},
        {"length", {"C:ab  "}, "=2"},
        {"char_length", {"C:  "}, "=0"},
        {"octet_length", {"C:ab  "}, "=4"},
        {"length", {"NT"}, "NULL"},
    };

    (void)state;
    RUN(cases);
}

/* In the C collation other letters have no case, and end a word. */
static void case_of_ascii_letters_only(void **state)
{
    static const fn_case cases[] = {
        {"lower", {"T:"}, "="},
        {"lower", {"T:hello wORLD"}, "=hello world"},
        {"lower", {"T:ÀÉé a"}, "=ÀÉé a"},
        {"lower", {"T:éa9x_b-C dE"}, "=éa9x_b-c de"},
        {"lower", {"T:1abc"}, "=1abc"},
        {"lower", {"T:ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, "=abcdefghijklmnopqrstuvwxyz"},
        {"upper", {"T:"}, "="},
        {"upper", {"T:hello wORLD"}, "=HELLO WORLD"},
        {"upper", {"T:ÀÉé a"}, "=ÀÉé A"},
        {"upper", {"T:éa9x_b-C dE"}, "=éA9X_B-C DE"},
        {"upper", {"T:1abc"}, "=1ABC"},
        {"upper", {"T:ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, "=ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {"initcap", {"T:"}, "="},
        {"initcap", {"T:hello wORLD"}, "=Hello World"},
        {"initcap", {"T:ÀÉé a"}, "=ÀÉé A"},
        {"initcap", {"T:éa9x_b-C dE"}, "=éA9x_B-C De"},
        {"initcap", {"T:1abc"}, "=1abc"},
        {"initcap", {"T:ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, "=Abcdefghijklmnopqrstuvwxyz"},
    };

    (void)state;
    RUN(cases);
}

/* A start before the text eats from the length; only a negative length is an error. */
static void parts_follow_the_sql_standard(void **state)
{
    static const fn_case cases[] = {
        {"substring", {"T:aé€😀b", "I:1", "I:2"}, "=aé"},
        {"substring", {"T:aé€😀b", "I:0", "I:2"}, "=a"},
        {"substring", {"T:aé€😀b", "I:-1", "I:2"}, "="},
        {"substring", {"T:aé€😀b", "I:2", "I:2147483647"}, "=é€😀b"},
        {"substring", {"T:aé€😀b", "I:-2147483648", "I:2147483647"}, "="},
        {"substring", {"T:aé€😀b", "I:2147483647", "I:2147483647"}, "="},
        {"substring", {"T:aé€😀b", "I:3", "I:0"}, "="},
        {"substring", {"T:aé€😀b", "I:3", "I:-1"}, "!22011 negative substring length not allowed"},
        {"substring", {"T:aé€😀b", "I:-5", "I:-2147483648"}, "!22011 negative substring length not allowed"},
        {"substring", {"T:aé€😀b", "I:4", "I:10"}, "=😀b"},
        {"substring", {"T:aé€😀b", "I:6", "I:1"}, "="},
        {"substr", {"T:aé€😀b", "I:1", "I:2"}, "=aé"},
        {"substr", {"T:aé€😀b", "I:0", "I:2"}, "=a"},
        {"substr", {"T:aé€😀b", "I:-1", "I:2"}, "="},
        {"substr", {"T:aé€😀b", "I:2", "I:2147483647"}, "=é€😀b"},
        {"substr", {"T:aé€😀b", "I:-2147483648", "I:2147483647"}, "="},
        {"substr", {"T:aé€😀b", "I:2147483647", "I:2147483647"}, "="},
        {"substr", {"T:aé€😀b", "I:3", "I:0"}, "="},
        {"substr", {"T:aé€😀b", "I:3", "I:-1"}, "!22011 negative substring length not allowed"},
        {"substr", {"T:aé€😀b", "I:-5", "I:-2147483648"}, "!22011 negative substring length not allowed"},
        {"substr", {"T:aé€😀b", "I:4", "I:10"}, "=😀b"},
        {"substr", {"T:aé€😀b", "I:6", "I:1"}, "="},
        {"substring", {"T:aé€😀b", "I:1"}, "=aé€😀b"},
        {"substring", {"T:aé€😀b", "I:0"}, "=aé€😀b"},
        {"substring", {"T:aé€😀b", "I:-3"}, "=aé€😀b"},
        {"substring", {"T:aé€😀b", "I:3"}, "=€😀b"},
        {"substring", {"T:aé€😀b", "I:5"}, "=b"},
        {"substring", {"T:aé€😀b", "I:6"}, "="},
        {"substring", {"T:aé€😀b", "I:7"}, "="},
        {"substring", {"T:aé€😀b", "I:2147483647"}, "="},
        {"substring", {"T:aé€😀b", "I:-2147483648"}, "=aé€😀b"},
        {"left", {"T:aé€", "I:0"}, "="},
        {"left", {"T:aé€", "I:1"}, "=a"},
        {"left", {"T:aé€", "I:2"}, "=aé"},
        {"left", {"T:aé€", "I:5"}, "=aé€"},
        {"left", {"T:aé€", "I:-1"}, "=aé"},
        {"left", {"T:aé€", "I:-3"}, "="},
        {"left", {"T:aé€", "I:-9"}, "="},
        {"left", {"T:aé€", "I:2147483647"}, "=aé€"},
        {"left", {"T:aé€", "I:-2147483648"}, "="},
        {"right", {"T:aé€", "I:0"}, "="},
        {"right", {"T:aé€", "I:1"}, "=€"},
        {"right", {"T:aé€", "I:2"}, "=é€"},
        {"right", {"T:aé€", "I:5"}, "=aé€"},
        {"right", {"T:aé€", "I:-1"}, "=é€"},
        {"right", {"T:aé€", "I:-3"}, "="},
        {"right", {"T:aé€", "I:-9"}, "="},
        {"right", {"T:aé€", "I:2147483647"}, "=aé€"},
        {"right", {"T:aé€", "I:-2147483648"}, "=aé€"},
        {"overlay", {"T:abcdef", "T:ZZ", "I:1"}, "=ZZcdef"},
        {"overlay", {"T:abcdef", "T:ZZ", "I:3"}, "=abZZef"},
        {"overlay", {"T:abcdef", "T:ZZ", "I:6"}, "=abcdeZZ"},
        {"overlay", {"T:abcdef", "T:ZZ", "I:7"}, "=abcdefZZ"},
        {"overlay", {"T:abcdef", "T:ZZ", "I:20"}, "=abcdefZZ"},
        {"overlay", {"T:abcdef", "T:ZZ", "I:0"}, "!22011 negative substring length not allowed"},
        {"overlay", {"T:abcdef", "T:ZZ", "I:-1"}, "!22011 negative substring length not allowed"},
        {"overlay", {"T:abcdef", "T:ZZ", "I:2147483647"}, "!22003 integer out of range"},
        {"overlay", {"T:aé€def", "T:ZZ", "I:3", "I:0"}, "=aéZZ€def"},
        {"overlay", {"T:aé€def", "T:ZZ", "I:3", "I:2"}, "=aéZZef"},
        {"overlay", {"T:aé€def", "T:ZZ", "I:3", "I:-5"}, "=aéZZaé€def"},
        {"overlay", {"T:aé€def", "T:ZZ", "I:1", "I:100"}, "=ZZ"},
        {"overlay", {"T:aé€def", "T:ZZ", "I:2", "I:2147483647"}, "!22003 integer out of range"},
        {"overlay", {"T:aé€def", "T:ZZ", "I:2147483647", "I:10"}, "!22003 integer out of range"},
        {"overlay", {"T:aé€def", "T:ZZ", "I:0", "I:1"}, "!22011 negative substring length not allowed"},
        {"split_part", {"T:a,b,c", "T:,", "I:1"}, "=a"},
        {"split_part", {"T:a,b,c", "T:,", "I:3"}, "=c"},
        {"split_part", {"T:a,b,c", "T:,", "I:4"}, "="},
        {"split_part", {"T:a,b,c", "T:,", "I:-1"}, "=c"},
        {"split_part", {"T:a,b,c", "T:,", "I:-3"}, "=a"},
        {"split_part", {"T:a,b,c", "T:,", "I:-4"}, "="},
        {"split_part", {"T:a,b", "T:,", "I:0"}, "!22023 field position must not be zero"},
        {"split_part", {"T:abc", "T:", "I:1"}, "=abc"},
        {"split_part", {"T:abc", "T:", "I:-1"}, "=abc"},
        {"split_part", {"T:abc", "T:", "I:2"}, "="},
        {"split_part", {"T:", "T:x", "I:1"}, "="},
        {"split_part", {"T:aéébééc", "T:éé", "I:2"}, "=b"},
        {"split_part", {"T:aaa", "T:aa", "I:2"}, "=a"},
        {"split_part", {"T:aaa", "T:aa", "I:-1"}, "=a"},
        {"split_part", {"T:a,b,c", "T:,", "I:2147483647"}, "="},
        {"split_part", {"T:a,b,c", "T:,", "I:-2147483648"}, "="},
    };

    (void)state;
    RUN(cases);
}

/* Positions count characters; occurrences do not overlap. */
static void searching_and_replacing(void **state)
{
    static const fn_case cases[] = {
        {"position", {"T:aé€bé", "T:"}, "=1"},
        {"position", {"T:aé€bé", "T:a"}, "=1"},
        {"position", {"T:aé€bé", "T:é"}, "=2"},
        {"position", {"T:aé€bé", "T:b"}, "=4"},
        {"position", {"T:aé€bé", "T:bé"}, "=4"},
        {"position", {"T:aé€bé", "T:x"}, "=0"},
        {"position", {"T:aé€bé", "T:aé€bé"}, "=1"},
        {"position", {"T:aé€bé", "T:aé€béx"}, "=0"},
        {"strpos", {"T:aé€bé", "T:"}, "=1"},
        {"strpos", {"T:aé€bé", "T:a"}, "=1"},
        {"strpos", {"T:aé€bé", "T:é"}, "=2"},
        {"strpos", {"T:aé€bé", "T:b"}, "=4"},
        {"strpos", {"T:aé€bé", "T:bé"}, "=4"},
        {"strpos", {"T:aé€bé", "T:x"}, "=0"},
        {"strpos", {"T:aé€bé", "T:aé€bé"}, "=1"},
        {"strpos", {"T:aé€bé", "T:aé€béx"}, "=0"},
        {"strpos", {"T:", "T:a"}, "=0"},
        {"strpos", {"T:", "T:"}, "=1"},
        {"starts_with", {"T:abc", "T:ab"}, "=true"},
        {"starts_with", {"T:ab", "T:abc"}, "=false"},
        {"starts_with", {"T:x", "T:"}, "=true"},
        {"replace", {"T:aaa", "T:aa", "T:b"}, "=ba"},
        {"replace", {"T:abcabc", "T:b", "T:éé"}, "=aéécaééc"},
        {"replace", {"T:abc", "T:", "T:x"}, "=abc"},
        {"replace", {"T:abc", "T:abc", "T:"}, "="},
        {"replace", {"T:", "T:a", "T:b"}, "="},
        {"replace", {"T:the quick brown fox jumps over the lazy dog", "T:o", "T:00"}, "=the quick br00wn f00x jumps 00ver the lazy d00g"},
        {"translate", {"T:12345", "T:143", "T:ax"}, "=a2x5"},
        {"translate", {"T:aéb", "T:é", "T:xy"}, "=axb"},
        {"translate", {"T:aab", "T:aa", "T:xy"}, "=xxb"},
        {"translate", {"T:abc", "T:", "T:x"}, "=abc"},
        {"translate", {"T:abc", "T:abc", "T:"}, "="},
        {"translate", {"T:abc", "T:a", "T:€"}, "=€bc"},
        {"reverse", {"T:aé€😀"}, "=😀€éa"},
        {"reverse", {"T:"}, "="},
        {"repeat", {"T:ab", "I:3"}, "=ababab"},
        {"repeat", {"T:ab", "I:0"}, "="},
        {"repeat", {"T:ab", "I:-1"}, "="},
        {"repeat", {"T:", "I:2147483647"}, "="},
        {"repeat", {"T:é", "I:7"}, "=ééééééé"},
    };

    (void)state;
    RUN(cases);
}

/* Sets are of characters, widths count characters. */
static void trimming_and_padding(void **state)
{
    static const fn_case cases[] = {
        {"btrim", {"T:  a b  "}, "=a b"},
        {"btrim", {"T:"}, "="},
        {"btrim", {"T: "}, "="},
        {"btrim", {"T:\011a "}, "=\011a"},
        {"ltrim", {"T:  a "}, "=a "},
        {"rtrim", {"T: a  "}, "= a"},
        {"btrim", {"T:xyxaxy", "T:xy"}, "=a"},
        {"ltrim", {"T:éaé", "T:é"}, "=aé"},
        {"rtrim", {"T:éaé", "T:é"}, "=éa"},
        {"btrim", {"T:aé€", "T:€a"}, "=é"},
        {"btrim", {"T:abc", "T:"}, "=abc"},
        {"btrim", {"T:xxx", "T:x"}, "="},
        {"rtrim", {"T:á", "T:́"}, "=a"},
        {"lpad", {"T:ab", "I:5"}, "=   ab"},
        {"lpad", {"T:ab", "I:1"}, "=a"},
        {"lpad", {"T:ab", "I:0"}, "="},
        {"lpad", {"T:ab", "I:-1"}, "="},
        {"lpad", {"T:é", "I:3"}, "=  é"},
        {"lpad", {"T:ab", "I:2"}, "=ab"},
        {"rpad", {"T:ab", "I:5"}, "=ab   "},
        {"rpad", {"T:ab", "I:1"}, "=a"},
        {"rpad", {"T:ab", "I:0"}, "="},
        {"rpad", {"T:ab", "I:-1"}, "="},
        {"rpad", {"T:é", "I:3"}, "=é  "},
        {"rpad", {"T:ab", "I:2"}, "=ab"},
        {"lpad", {"T:ab", "I:7", "T:xyz"}, "=xyzxyab"},
        {"lpad", {"T:ab", "I:1", "T:xy"}, "=a"},
        {"lpad", {"T:ab", "I:5", "T:"}, "=ab"},
        {"lpad", {"T:é", "I:4", "T:€ß"}, "=€ß€é"},
        {"lpad", {"T:", "I:3", "T:é"}, "=ééé"},
        {"lpad", {"T:ab", "I:2147483647", "T:"}, "=ab"},
        {"lpad", {"T:ab", "I:-2147483648", "T:x"}, "="},
        {"rpad", {"T:ab", "I:7", "T:xyz"}, "=abxyzxy"},
        {"rpad", {"T:ab", "I:1", "T:xy"}, "=a"},
        {"rpad", {"T:ab", "I:5", "T:"}, "=ab"},
        {"rpad", {"T:é", "I:4", "T:€ß"}, "=é€ß€"},
        {"rpad", {"T:", "I:3", "T:é"}, "=ééé"},
        {"rpad", {"T:ab", "I:2147483647", "T:"}, "=ab"},
        {"rpad", {"T:ab", "I:-2147483648", "T:x"}, "="},
    };

    (void)state;
    RUN(cases);
}

/* Before anything is allocated. */
static void results_beyond_one_gigabyte_are_refused(void **state)
{
    static const fn_case cases[] = {
        {"repeat", {"T:ab", "I:1000000000"}, "!54000 requested length too large"},
        {"repeat", {"T:0123456789", "I:2147483647"}, "!54000 requested length too large"},
        {"lpad", {"T:a", "I:1000000000", "T: "}, "!54000 requested length too large"},
        {"rpad", {"T:a", "I:2147483647", "T:xy"}, "!54000 requested length too large"},
        {"lpad", {"T:a", "I:268435456", "T:x"}, "!54000 requested length too large"},
    };

    (void)state;
    RUN(cases);
}

/* Concat and format use output functions, || the cast to text. */
static void joining_and_formatting(void **state)
{
    static const fn_case cases[] = {
        {"textcat", {"T:a", "T:"}, "=a"},
        {"textcat", {"T:abcdef", "T:ghijklmno"}, "=abcdefghijklmno"},
        {"textanycat", {"T:a", "I:5"}, "=a5"},
        {"textanycat", {"T:a", "B:t"}, "=atrue"},
        {"anytextcat", {"L:12345678901", "T:b"}, "=12345678901b"},
        {"textanycat", {"NT", "I:1"}, "NULL"},
        {"concat", {"T:a", "NT", "I:1", "B:t", "C:x ", "T:y"}, "=a1tx y"},
        {"concat", {"NT"}, "="},
        {"concat_ws", {"T:,", "T:a", "NT", "T:b", "B:t", "L:7"}, "=a,b,t,7"},
        {"concat_ws", {"NT", "T:a"}, "NULL"},
        {"concat_ws", {"T:", "NT"}, "="},
        {"concat_ws", {"T:, ", "T:a"}, "=a"},
        {"format", {"T:Hello %s", "T:World"}, "=Hello World"},
        {"format", {"T:%s, %s", "T:a", "I:1"}, "=a, 1"},
        {"format", {"T:%%"}, "=%"},
        {"format", {"T:plain"}, "=plain"},
        {"format", {"T:%I.%I", "T:Foo", "T:bar"}, "=\"Foo\".bar"},
        {"format", {"T:%L", "T:it's"}, "='it''s'"},
        {"format", {"T:%L", "NT"}, "=NULL"},
        {"format", {"T:%L", "T:a\\b"}, "=E'a\\\\b'"},
        {"format", {"T:%I", "T:select"}, "=\"select\""},
        {"format", {"T:%s|%-5s|%5s", "NT", "NT", "T:é"}, "=|     |    é"},
        {"format", {"T:%10s|%-10s|", "T:foo", "T:bar"}, "=       foo|bar       |"},
        {"format", {"T:%*s|%-*s|", "I:6", "T:a", "I:-6", "T:b"}, "=     a|b     |"},
        {"format", {"T:%-*s|", "I:6", "T:b"}, "=b     |"},
        {"format", {"T:%2$s %1$s %s", "T:a", "T:b"}, "=b a b"},
        {"format", {"T:%1$*2$s|", "T:a", "I:5"}, "=    a|"},
        {"format", {"T:%1$-*2$s|", "T:a", "I:5"}, "=a    |"},
        {"format", {"T:%*s", "NT", "T:x"}, "=x"},
        {"format", {"T:%3$s %s", "T:a", "T:b", "T:c"}, "!22023 too few arguments for format()"},
        {"format", {"NT", "I:1"}, "NULL"},
        {"format", {"T:%"}, "!22023 unterminated format() type specifier"},
        {"format", {"T:%s"}, "!22023 too few arguments for format()"},
        {"format", {"T:%0$s", "I:1"}, "!22023 format specifies argument 0, but arguments are numbered from 1"},
        {"format", {"T:%1$", "T:a"}, "!22023 unterminated format() type specifier"},
        {"format", {"T:%1", "T:a"}, "!22023 unterminated format() type specifier"},
        {"format", {"T:%z", "T:a"}, "!22023 unrecognized format() type specifier \"z\""},
        {"format", {"T:%I", "NT"}, "!22004 null values cannot be formatted as an SQL identifier"},
        {"format", {"T:%99999999999s", "T:a"}, "!22003 number is out of range"},
        {"format", {"T:%2$s", "I:1"}, "!22023 too few arguments for format()"},
        {"format", {"T:%$s", "T:a"}, "!22023 unrecognized format() type specifier \"$\""},
        {"format", {"T:%1$*0$s", "T:a"}, "!22023 format specifies argument 0, but arguments are numbered from 1"},
        {"format", {"T:%1$*$s", "T:a"}, "!22023 unrecognized format() type specifier \"$\""},
        {"format", {"T:%1$*1s", "T:a"}, "!22023 width argument position must be ended by \"$\""},
        {"format", {"T:%-", "T:a"}, "!22023 unterminated format() type specifier"},
        {"format", {"T:%ü", "T:a"}, "!22023 unrecognized format() type specifier \"ü\""},
        {"format", {"T:%2$*1$s", "T:x", "T:y"}, "!22P02 invalid input syntax for type integer: \"x\""},
    };

    (void)state;
    RUN(cases);
}

/* Only what needs quotes gets them. */
static void quoting(void **state)
{
    static const fn_case cases[] = {
        {"quote_ident", {"T:abc"}, "=abc"},
        {"quote_ident", {"T:_a1"}, "=_a1"},
        {"quote_ident", {"T:select"}, "=\"select\""},
        {"quote_ident", {"T:name"}, "=name"},
        {"quote_ident", {"T:int"}, "=\"int\""},
        {"quote_ident", {"T:Abc"}, "=\"Abc\""},
        {"quote_ident", {"T:a b"}, "=\"a b\""},
        {"quote_ident", {"T:a\"b"}, "=\"a\"\"b\""},
        {"quote_ident", {"T:"}, "=\"\""},
        {"quote_ident", {"T:1a"}, "=\"1a\""},
        {"quote_ident", {"T:a$b"}, "=\"a$b\""},
        {"quote_ident", {"T:é"}, "=\"é\""},
        {"quote_ident", {"T:between"}, "=\"between\""},
        {"quote_ident", {"T:normalize"}, "=\"normalize\""},
        {"quote_literal", {"T:a"}, "='a'"},
        {"quote_literal", {"T:a'b"}, "='a''b'"},
        {"quote_literal", {"T:a\\b"}, "=E'a\\\\b'"},
        {"quote_literal", {"T:\\'"}, "=E'\\\\'''"},
        {"quote_literal", {"T:"}, "=''"},
        {"quote_literal", {"I:5"}, "='5'"},
        {"quote_literal", {"B:t"}, "='true'"},
        {"quote_nullable", {"NT"}, "=NULL"},
        {"quote_nullable", {"T:x'"}, "='x'''"},
        {"quote_nullable", {"NI"}, "=NULL"},
        {"quote_nullable", {"I:7"}, "='7'"},
    };

    (void)state;
    RUN(cases);
}

/* And their escapes. */
static void code_points(void **state)
{
    static const fn_case cases[] = {
        {"ascii", {"T:"}, "=0"},
        {"ascii", {"T:a"}, "=97"},
        {"ascii", {"T:é"}, "=233"},
        {"ascii", {"T:€x"}, "=8364"},
        {"ascii", {"T:😀"}, "=128512"},
        {"chr", {"I:65"}, "=A"},
        {"chr", {"I:233"}, "=é"},
        {"chr", {"I:8364"}, "=€"},
        {"chr", {"I:128512"}, "=😀"},
        {"chr", {"I:0"}, "!54000 null character not permitted"},
        {"chr", {"I:-1"}, "!22023 character number must be positive"},
        {"chr", {"I:55296"}, "!54000 requested character not valid for encoding: 55296"},
        {"chr", {"I:1114111"}, "=􏿿"},
        {"chr", {"I:1114112"}, "!54000 requested character too large for encoding: 1114112"},
        {"chr", {"I:2147483647"}, "!54000 requested character too large for encoding: 2147483647"},
        {"unistr", {"T:d\\0061t\\+000061"}, "=data"},
        {"unistr", {"T:\\u00e9\\U0001F600"}, "=é😀"},
        {"unistr", {"T:\\\\x"}, "=\\x"},
        {"unistr", {"T:\\d83d\\de00"}, "=😀"},
        {"unistr", {"T:plain é"}, "=plain é"},
        {"unistr", {"T:\\"}, "!42601 invalid Unicode escape"},
        {"unistr", {"T:\\zz"}, "!42601 invalid Unicode escape"},
        {"unistr", {"T:\\00"}, "!42601 invalid Unicode escape"},
        {"unistr", {"T:\\d800"}, "!42601 invalid Unicode surrogate pair"},
        {"unistr", {"T:\\d83dx"}, "!42601 invalid Unicode surrogate pair"},
        {"unistr", {"T:\\d83d\\\\"}, "!42601 invalid Unicode surrogate pair"},
        {"unistr", {"T:\\de00"}, "!42601 invalid Unicode surrogate pair"},
        {"unistr", {"T:\\0000"}, "!22023 invalid Unicode code point: 0000"},
        {"unistr", {"T:\\U00110000"}, "!22023 invalid Unicode code point: 110000"},
        {"unistr", {"T:\\+00000g"}, "!42601 invalid Unicode escape"},
        {"unistr", {"T:\\d83d\\0041"}, "!42601 invalid Unicode surrogate pair"},
        {"normalize", {"T:é", "T:NFC"}, "=é"},
        {"normalize", {"T:é", "T:nfd"}, "=é"},
        {"normalize", {"T:é", "T:NFKC"}, "=é"},
        {"normalize", {"T:é", "T:NFKD"}, "=é"},
        {"normalize", {"T:é", "T:NFC"}, "=é"},
        {"normalize", {"T:é", "T:nfd"}, "=é"},
        {"normalize", {"T:é", "T:NFKC"}, "=é"},
        {"normalize", {"T:é", "T:NFKD"}, "=é"},
        {"normalize", {"T:ﬁÅ", "T:NFC"}, "=ﬁÅ"},
        {"normalize", {"T:ﬁÅ", "T:nfd"}, "=ﬁÅ"},
        {"normalize", {"T:ﬁÅ", "T:NFKC"}, "=fiÅ"},
        {"normalize", {"T:ﬁÅ", "T:NFKD"}, "=fiÅ"},
        {"normalize", {"T:가가", "T:NFC"}, "=가가"},
        {"normalize", {"T:가가", "T:nfd"}, "=가가"},
        {"normalize", {"T:가가", "T:NFKC"}, "=가가"},
        {"normalize", {"T:가가", "T:NFKD"}, "=가가"},
        {"is_normalized", {"T:é", "T:NFC"}, "=false"},
        {"is_normalized", {"T:é", "T:nfd"}, "=true"},
        {"is_normalized", {"T:é", "T:NFKC"}, "=false"},
        {"is_normalized", {"T:é", "T:NFKD"}, "=true"},
        {"is_normalized", {"T:é", "T:NFC"}, "=true"},
        {"is_normalized", {"T:é", "T:nfd"}, "=false"},
        {"is_normalized", {"T:é", "T:NFKC"}, "=true"},
        {"is_normalized", {"T:é", "T:NFKD"}, "=false"},
        {"is_normalized", {"T:ﬁÅ", "T:NFC"}, "=false"},
        {"is_normalized", {"T:ﬁÅ", "T:nfd"}, "=false"},
        {"is_normalized", {"T:ﬁÅ", "T:NFKC"}, "=false"},
        {"is_normalized", {"T:ﬁÅ", "T:NFKD"}, "=false"},
        {"is_normalized", {"T:가가", "T:NFC"}, "=false"},
        {"is_normalized", {"T:가가", "T:nfd"}, "=false"},
        {"is_normalized", {"T:가가", "T:NFKC"}, "=false"},
        {"is_normalized", {"T:가가", "T:NFKD"}, "=false"},
        {"normalize", {"T:abc"}, "=abc"},
        {"normalize", {"T:é"}, "=é"},
        {"is_normalized", {"T:é"}, "=false"},
        {"is_normalized", {"T:é"}, "=true"},
        {"normalize", {"T:x", "T:nope"}, "!22023 invalid normalization form: nope"},
        {"is_normalized", {"T:x", "T:"}, "!22023 invalid normalization form: "},
        {"md5", {"T:"}, "=d41d8cd98f00b204e9800998ecf8427e"},
        {"md5", {"T:a"}, "=0cc175b9c0f1b6a831c399e269772661"},
        {"md5", {"T:abc"}, "=900150983cd24fb0d6963f7d28e17f72"},
        {"md5", {"T:message digest"}, "=f96b697d7cb7938d525a2f31aaf161d0"},
        {"md5", {"T:abcdefghijklmnopqrstuvwxyz"}, "=c3fcd3d76192e4007dfb496cca67e13b"},
        {"md5", {"T:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, "=04364420e25c512fd958a70738aa8f72"},
        {"md5", {"T:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, "=668a72d5ba17f08e62dabcafad6db14b"},
        {"md5", {"T:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, "=c1bb4f81d892b2d57947682aeb252456"},
        {"md5", {"T:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, "=ab347a5f68c8a443cfcddc633f12c24f"},
        {"md5", {"T:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, "=fb98667f98096de92620b64f46e1c5b5"},
    };

    (void)state;
    RUN(cases);
}

/* Text by bytes, char(n) without trailing blanks. */
static void comparison(void **state)
{
    static const fn_case cases[] = {
        {"texteq", {"T:a", "T:a"}, "=true"},
        {"texteq", {"T:a", "T:b"}, "=false"},
        {"texteq", {"T:a", "T:ab"}, "=false"},
        {"texteq", {"T:", "T:a"}, "=false"},
        {"texteq", {"T:é", "T:z"}, "=false"},
        {"texteq", {"T:abcdefghijklmnop", "T:abcdefghijklmnoq"}, "=false"},
        {"textne", {"T:a", "T:a"}, "=false"},
        {"textne", {"T:a", "T:b"}, "=true"},
        {"textne", {"T:a", "T:ab"}, "=true"},
        {"textne", {"T:", "T:a"}, "=true"},
        {"textne", {"T:é", "T:z"}, "=true"},
        {"textne", {"T:abcdefghijklmnop", "T:abcdefghijklmnoq"}, "=true"},
        {"text_lt", {"T:a", "T:a"}, "=false"},
        {"text_lt", {"T:a", "T:b"}, "=true"},
        {"text_lt", {"T:a", "T:ab"}, "=true"},
        {"text_lt", {"T:", "T:a"}, "=true"},
        {"text_lt", {"T:é", "T:z"}, "=false"},
        {"text_lt", {"T:abcdefghijklmnop", "T:abcdefghijklmnoq"}, "=true"},
        {"text_le", {"T:a", "T:a"}, "=true"},
        {"text_le", {"T:a", "T:b"}, "=true"},
        {"text_le", {"T:a", "T:ab"}, "=true"},
        {"text_le", {"T:", "T:a"}, "=true"},
        {"text_le", {"T:é", "T:z"}, "=false"},
        {"text_le", {"T:abcdefghijklmnop", "T:abcdefghijklmnoq"}, "=true"},
        {"text_gt", {"T:a", "T:a"}, "=false"},
        {"text_gt", {"T:a", "T:b"}, "=false"},
        {"text_gt", {"T:a", "T:ab"}, "=false"},
        {"text_gt", {"T:", "T:a"}, "=false"},
        {"text_gt", {"T:é", "T:z"}, "=true"},
        {"text_gt", {"T:abcdefghijklmnop", "T:abcdefghijklmnoq"}, "=false"},
        {"text_ge", {"T:a", "T:a"}, "=true"},
        {"text_ge", {"T:a", "T:b"}, "=false"},
        {"text_ge", {"T:a", "T:ab"}, "=false"},
        {"text_ge", {"T:", "T:a"}, "=false"},
        {"text_ge", {"T:é", "T:z"}, "=true"},
        {"text_ge", {"T:abcdefghijklmnop", "T:abcdefghijklmnoq"}, "=false"},
        {"bpchareq", {"C:a ", "C:a"}, "=true"},
        {"bpchareq", {"C:a", "C:b   "}, "=false"},
        {"bpchareq", {"C:", "C:   "}, "=true"},
        {"bpchareq", {"C:a\011", "C:a"}, "=false"},
        {"bpchareq", {"C:ab ", "C:a b"}, "=false"},
        {"bpcharne", {"C:a ", "C:a"}, "=false"},
        {"bpcharne", {"C:a", "C:b   "}, "=true"},
        {"bpcharne", {"C:", "C:   "}, "=false"},
        {"bpcharne", {"C:a\011", "C:a"}, "=true"},
        {"bpcharne", {"C:ab ", "C:a b"}, "=true"},
        {"bpcharlt", {"C:a ", "C:a"}, "=false"},
        {"bpcharlt", {"C:a", "C:b   "}, "=true"},
        {"bpcharlt", {"C:", "C:   "}, "=false"},
        {"bpcharlt", {"C:a\011", "C:a"}, "=false"},
        {"bpcharlt", {"C:ab ", "C:a b"}, "=false"},
        {"bpcharle", {"C:a ", "C:a"}, "=true"},
        {"bpcharle", {"C:a", "C:b   "}, "=true"},
        {"bpcharle", {"C:", "C:   "}, "=true"},
        {"bpcharle", {"C:a\011", "C:a"}, "=false"},
        {"bpcharle", {"C:ab ", "C:a b"}, "=false"},
        {"bpchargt", {"C:a ", "C:a"}, "=false"},
        {"bpchargt", {"C:a", "C:b   "}, "=false"},
        {"bpchargt", {"C:", "C:   "}, "=false"},
        {"bpchargt", {"C:a\011", "C:a"}, "=true"},
        {"bpchargt", {"C:ab ", "C:a b"}, "=true"},
        {"bpcharge", {"C:a ", "C:a"}, "=true"},
        {"bpcharge", {"C:a", "C:b   "}, "=false"},
        {"bpcharge", {"C:", "C:   "}, "=true"},
        {"bpcharge", {"C:a\011", "C:a"}, "=true"},
        {"bpcharge", {"C:ab ", "C:a b"}, "=true"},
        {"text_larger", {"T:a", "T:b"}, "=b"},
        {"text_smaller", {"T:a", "T:b"}, "=a"},
        {"texteq", {"T:a", "NT"}, "NULL"},
    };

    (void)state;
    RUN(cases);
}

/* An explicit cast cuts, an assignment cuts only blanks. */
static void casts_to_bounded_types(void **state)
{
    static const fn_case cases[] = {
        {"varchar", {"V:abcd", "I:-1", "B:t"}, "=abcd"},
        {"varchar", {"V:abcd", "I:-1", "B:f"}, "=abcd"},
        {"varchar", {"V:abcd", "I:6", "B:t"}, "=ab"},
        {"varchar", {"V:abcd", "I:6", "B:f"}, "!22001 value too long for type character varying(2)"},
        {"varchar", {"V:abcd", "I:7", "B:t"}, "=abc"},
        {"varchar", {"V:abcd", "I:7", "B:f"}, "!22001 value too long for type character varying(3)"},
        {"varchar", {"V:abcd", "I:8", "B:t"}, "=abcd"},
        {"varchar", {"V:abcd", "I:8", "B:f"}, "=abcd"},
        {"varchar", {"V:ab  ", "I:-1", "B:t"}, "=ab  "},
        {"varchar", {"V:ab  ", "I:-1", "B:f"}, "=ab  "},
        {"varchar", {"V:ab  ", "I:6", "B:t"}, "=ab"},
        {"varchar", {"V:ab  ", "I:6", "B:f"}, "=ab"},
        {"varchar", {"V:ab  ", "I:7", "B:t"}, "=ab "},
        {"varchar", {"V:ab  ", "I:7", "B:f"}, "=ab "},
        {"varchar", {"V:ab  ", "I:8", "B:t"}, "=ab  "},
        {"varchar", {"V:ab  ", "I:8", "B:f"}, "=ab  "},
        {"varchar", {"V:éé€", "I:-1", "B:t"}, "=éé€"},
        {"varchar", {"V:éé€", "I:-1", "B:f"}, "=éé€"},
        {"varchar", {"V:éé€", "I:6", "B:t"}, "=éé"},
        {"varchar", {"V:éé€", "I:6", "B:f"}, "!22001 value too long for type character varying(2)"},
        {"varchar", {"V:éé€", "I:7", "B:t"}, "=éé€"},
        {"varchar", {"V:éé€", "I:7", "B:f"}, "=éé€"},
        {"varchar", {"V:éé€", "I:8", "B:t"}, "=éé€"},
        {"varchar", {"V:éé€", "I:8", "B:f"}, "=éé€"},
        {"text", {"C:ab  "}, "=ab"},
        {"text", {"C:   "}, "="},
        {"text", {"C: a"}, "= a"},
    };

    (void)state;
    RUN(cases);
}

/* % any run, _ one character, backslash escapes. */
static void like(void **state)
{
    static const fn_case cases[] = {
        {"textlike", {"T:abc", "T:abc"}, "=true"},
        {"textlike", {"T:abc", "T:a%"}, "=true"},
        {"textlike", {"T:abc", "T:%c"}, "=true"},
        {"textlike", {"T:abc", "T:%b%"}, "=true"},
        {"textlike", {"T:abc", "T:_b_"}, "=true"},
        {"textlike", {"T:abc", "T:_b"}, "=false"},
        {"textlike", {"T:", "T:%"}, "=true"},
        {"textlike", {"T:", "T:"}, "=true"},
        {"textlike", {"T:a", "T:"}, "=false"},
        {"textlike", {"T:aé€", "T:a_€"}, "=true"},
        {"textlike", {"T:aé€", "T:a__"}, "=true"},
        {"textlike", {"T:aé€", "T:a___"}, "=false"},
        {"textlike", {"T:a%c", "T:a\\%c"}, "=true"},
        {"textlike", {"T:abc", "T:a\\%c"}, "=false"},
        {"textlike", {"T:a\\", "T:a\\\\"}, "=true"},
        {"textlike", {"T:ABC", "T:abc"}, "=false"},
        {"textlike", {"T:aBcAbC", "T:%bca%"}, "=false"},
        {"textlike", {"T:É", "T:é"}, "=false"},
        {"textlike", {"T:abcabd", "T:%ab_"}, "=true"},
        {"textlike", {"T:abcabd", "T:%ab_d%"}, "=false"},
        {"textlike", {"T:mississippi", "T:m%iss%ippi"}, "=true"},
        {"textlike", {"T:mississippi", "T:%s_i%p_"}, "=true"},
        {"textlike", {"T:aaaa", "T:%aaaaa%"}, "=false"},
        {"textlike", {"T:aaa", "T:a%a%a"}, "=true"},
        {"textlike", {"T:aa", "T:a%a%a"}, "=false"},
        {"textlike", {"T:xyz", "T:%%%"}, "=true"},
        {"textlike", {"T:xyz", "T:%_%_%_%"}, "=true"},
        {"textlike", {"T:xy", "T:%_%_%_%"}, "=false"},
        {"textlike", {"T:http://www.google.com/search", "T:%google%"}, "=true"},
        {"textlike", {"T:http://www.GOOGLE.com/search", "T:%google%"}, "=false"},
        {"textlike", {"T:a\012b", "T:a_b"}, "=true"},
        {"texticlike", {"T:abc", "T:abc"}, "=true"},
        {"texticlike", {"T:abc", "T:a%"}, "=true"},
        {"texticlike", {"T:abc", "T:%c"}, "=true"},
        {"texticlike", {"T:abc", "T:%b%"}, "=true"},
        {"texticlike", {"T:abc", "T:_b_"}, "=true"},
        {"texticlike", {"T:abc", "T:_b"}, "=false"},
        {"texticlike", {"T:", "T:%"}, "=true"},
        {"texticlike", {"T:", "T:"}, "=true"},
        {"texticlike", {"T:a", "T:"}, "=false"},
        {"texticlike", {"T:aé€", "T:a_€"}, "=true"},
        {"texticlike", {"T:aé€", "T:a__"}, "=true"},
        {"texticlike", {"T:aé€", "T:a___"}, "=false"},
        {"texticlike", {"T:a%c", "T:a\\%c"}, "=true"},
        {"texticlike", {"T:abc", "T:a\\%c"}, "=false"},
        {"texticlike", {"T:a\\", "T:a\\\\"}, "=true"},
        {"texticlike", {"T:ABC", "T:abc"}, "=true"},
        {"texticlike", {"T:aBcAbC", "T:%bca%"}, "=true"},
        {"texticlike", {"T:É", "T:é"}, "=false"},
        {"texticlike", {"T:abcabd", "T:%ab_"}, "=true"},
        {"texticlike", {"T:abcabd", "T:%ab_d%"}, "=false"},
        {"texticlike", {"T:mississippi", "T:m%iss%ippi"}, "=true"},
        {"texticlike", {"T:mississippi", "T:%s_i%p_"}, "=true"},
        {"texticlike", {"T:aaaa", "T:%aaaaa%"}, "=false"},
        {"texticlike", {"T:aaa", "T:a%a%a"}, "=true"},
        {"texticlike", {"T:aa", "T:a%a%a"}, "=false"},
        {"texticlike", {"T:xyz", "T:%%%"}, "=true"},
        {"texticlike", {"T:xyz", "T:%_%_%_%"}, "=true"},
        {"texticlike", {"T:xy", "T:%_%_%_%"}, "=false"},
        {"texticlike", {"T:http://www.google.com/search", "T:%google%"}, "=true"},
        {"texticlike", {"T:http://www.GOOGLE.com/search", "T:%google%"}, "=true"},
        {"texticlike", {"T:a\012b", "T:a_b"}, "=true"},
        {"textnlike", {"T:abc", "T:a%"}, "=false"},
        {"texticnlike", {"T:ABC", "T:a%"}, "=false"},
        {"like", {"T:abc", "T:a_c"}, "=true"},
        {"notlike", {"T:abc", "T:a_c"}, "=false"},
        {"bpcharlike", {"C:ab  ", "T:ab%"}, "=true"},
        {"bpcharlike", {"C:ab  ", "T:ab"}, "=false"},
        {"textlike", {"T:a\\", "T:%\\"}, "!22025 LIKE pattern must not end with escape character"},
    };

    (void)state;
    RUN(cases);
}

/* LIKE … ESCAPE and SIMILAR TO become other patterns. */
static void escapes_are_rewritten(void **state)
{
    static const fn_case cases[] = {
        {"like_escape", {"T:a#%b", "T:#"}, "=a\\%b"},
        {"like_escape", {"T:a\\%b", "T:#"}, "=a\\\\%b"},
        {"like_escape", {"T:a#\\", "T:#"}, "=a\\\\"},
        {"like_escape", {"T:a\\", "T:"}, "=a\\\\"},
        {"like_escape", {"T:a%", "T:\\"}, "=a%"},
        {"like_escape", {"T:aé%é_", "T:é"}, "=a\\%\\_"},
        {"like_escape", {"T:a", "T:xx"}, "!22025 invalid escape string"},
        {"like_escape", {"T:##", "T:#"}, "=\\#"},
        {"similar_to_escape", {"T:a%b_c"}, "=^(?:a.*b.c)$"},
        {"similar_to_escape", {"T:(a|b)%"}, "=^(?:(?:a|b).*)$"},
        {"similar_to_escape", {"T:a.b^$"}, "=^(?:a\\.b\\^\\$)$"},
        {"similar_to_escape", {"T:[a%_]"}, "=^(?:[a%_])$"},
        {"similar_to_escape", {"T:\\%"}, "=^(?:\\%)$"},
        {"similar_to_escape", {"T:[^]a]b"}, "=^(?:[^]a]b)$"},
        {"similar_to_escape", {"T:[[:alpha:]%]"}, "=^(?:[[:alpha:]%])$"},
        {"similar_to_escape", {"T:a#\"b%#\"c", "T:#"}, "=^(?:a){1,1}?(b.*){1,1}(?:c)$"},
        {"similar_to_escape", {"T:a#\"b", "T:#"}, "=^(?:a){1,1}?(b)$"},
        {"similar_to_escape", {"T:a#\"b#\"c#\"", "T:#"}, "!2200C SQL regular expression may not contain more than two escape-double-quote separators"},
        {"similar_to_escape", {"T:#[a[#]b", "T:#"}, "=^(?:\\[a[\\]b)$"},
        {"similar_to_escape", {"T:a#", "T:"}, "=^(?:a#)$"},
        {"similar_to_escape", {"T:a", "T:xy"}, "!22025 invalid escape string"},
        {"similar_to_escape", {"T:[a#]b]", "T:#"}, "=^(?:[a\\]b])$"},
        {"similar_to_escape", {"T:\\", "T:#"}, "=^(?:\\\\)$"},
        {"similar_to_escape", {"T:é%", "T:é"}, "=^(?:\\%)$"},
        {"similar_escape", {"T:a%", "NT"}, "=^(?:a.*)$"},
        {"similar_escape", {"NT", "T:x"}, "NULL"},
    };

    (void)state;
    RUN(cases);
}

/* bpchar() pads; asked through its result, which shows the blanks. */
static void padding_to_char_n(void **state)
{
    static const fn_case cases[] = {
        {"bpchar", {"C:ab", "I:9", "B:f"}, "=ab   "},
        {"bpchar", {"C:\303\251", "I:7", "B:t"}, "=\303\251  "}, /* three characters, four bytes */
        {"bpchar", {"C:abcd", "I:7", "B:t"}, "=abc"},
        {"bpchar", {"C:abcd", "I:7", "B:f"}, "!22001 value too long for type character(3)"},
        {"bpchar", {"C:ab    ", "I:7", "B:f"}, "=ab "},
        {"bpchar", {"C:ab", "I:-1", "B:f"}, "=ab"},
    };

    (void)state;
    RUN(cases);
}

/* PostgreSQL meets the trailing escape only if the text matches up to it; we refuse the pattern at once. */
static void a_pattern_must_not_end_with_the_escape(void **state)
{
    static const fn_case cases[] = {
        {"textlike", {"T:b", "T:a\\"}, "=false"},
        {"textlike", {"T:ab", "T:a\\"}, "!22025 LIKE pattern must not end with escape character"},
    };

    (void)state;
    RUN(cases);
}

static void failing_allocations_leave_nothing(void **state)
{
    static const fn_case cases[] = {
        {"textlike", {"T:a long text with a google in it", "T:%google%"}, "=true"},
        {"format", {"T:%s-%10s and %L", "T:some longer text", "I:5", "T:it's"},
         "=some longer text-         5 and 'it''s'"},
        {"concat_ws", {"T:, ", "T:the first argument", "I:2", "B:t"}, "=the first argument, 2, t"},
        {"normalize", {"T:e\314\201e\314\201e\314\201e\314\201e\314\201e\314\201e\314\201", "T:NFC"},
         "=\303\251\303\251\303\251\303\251\303\251\303\251\303\251"},
        {"replace", {"T:the quick brown fox", "T:o", "T:000"}, "=the quick br000wn f000x"},
        {"translate", {"T:the quick brown fox", "T:o", "T:0"}, "=the quick br0wn f0x"},
        {"similar_to_escape", {"T:a long pattern with % and _ in it"}, "=^(?:a long pattern with .* and . in it)$"},
        {"unistr", {"T:\\0041 and some text after it"}, "=A and some text after it"},
        {"quote_literal", {"T:it's a longer text"}, "='it''s a longer text'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fn_fail_allocations(&qn_fn_string, &cases[i]);
    }
}

/* Every operator names a function of exactly its argument types. */
static void operators_have_their_functions(void **state)
{
    (void)state;
    for (size_t i = 0; i < qn_op_string.count; i++) {
        const qn_operator *o = &qn_op_string.operators[i];
        bool               found = false;

        for (int family = 0; family < 2; family++) {
            const qn_function_list *list = family ? &qn_fn_regex : &qn_fn_string;
            for (size_t f = 0; f < list->count; f++) {
                const qn_function *fn = &list->functions[f];
                found = found || (strcmp(fn->name, o->function) == 0 && fn->argc == 2 &&
                                  fn->args[0] == o->left && fn->args[1] == o->right);
            }
        }
        assert_true(found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_count_characters_or_bytes),
        cmocka_unit_test(case_of_ascii_letters_only),
        cmocka_unit_test(parts_follow_the_sql_standard),
        cmocka_unit_test(searching_and_replacing),
        cmocka_unit_test(trimming_and_padding),
        cmocka_unit_test(results_beyond_one_gigabyte_are_refused),
        cmocka_unit_test(joining_and_formatting),
        cmocka_unit_test(quoting),
        cmocka_unit_test(code_points),
        cmocka_unit_test(comparison),
        cmocka_unit_test(casts_to_bounded_types),
        cmocka_unit_test(like),
        cmocka_unit_test(escapes_are_rewritten),
        cmocka_unit_test(padding_to_char_n),
        cmocka_unit_test(a_pattern_must_not_end_with_the_escape),
        cmocka_unit_test(failing_allocations_leave_nothing),
        cmocka_unit_test(operators_have_their_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
