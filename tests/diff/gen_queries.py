#!/usr/bin/env python3
"""Random statements, answered by PostgreSQL 15 and by quern; the answers must agree.

    gen_queries.py [--seed N] [--count N] [--slt build/slt] [--keep FILE] [--set NAME=VALUE]...

Typed tables with NULLs and extreme values are filled at random; statements over them are made from a grammar
of typed expressions (WHERE, GROUP BY, HAVING, DISTINCT, DISTINCT ON, FILTER, ORDER BY, LIMIT, subqueries in FROM,
WITH, VALUES, generate_series).  scripts/oracle.py asks a private PostgreSQL and writes a script of
expectations; build/slt runs it, once for each --set given.  The seed is printed: the same seed makes the
same statements.  The last line is "N passed, N failed".

What is kept out, because PostgreSQL itself does not promise it: sums of doubles whose last digit depends on the order of
rows (the doubles that are summed are multiples of 1/4), the form of a group of equal but different values (1.0 and
1.00), LIMIT without a total order.
Which of several errors is reported, and whether one that no row of the answer needs is reported at all, depends on the order
of evaluation.  So two errors with different SQLSTATE, and errors of data that only one side met in a statement that leaves
out rows, are counted apart ("other error").  They fail only with --strict, or when they are more than one in a hundred.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'scripts'))
import oracle  # noqa: E402

COLUMNS = [
    ('b', 'bool', 'boolean'), ('i2', 'int2', 'smallint'), ('i4', 'int4', 'integer'), ('i8', 'int8', 'bigint'),
    ('f4', 'float4', 'real'), ('f8', 'float8', 'double precision'), ('n', 'numeric', 'numeric'),
    ('n2', 'numeric', 'numeric(12,2)'), ('t', 'text', 'text'), ('v', 'varchar', 'varchar(12)'),
    ('c', 'bpchar', 'char(5)'), ('d', 'date', 'date'), ('tm', 'time', 'time'), ('ts', 'timestamp', 'timestamp'),
    ('tz', 'timestamptz', 'timestamptz'), ('iv', 'interval', 'interval'), ('k', 'int4', 'integer'),
    ('g', 'text', 'text'),
]
INTS = ['int2', 'int4', 'int8']
NUMBERS = INTS + ['float4', 'float8', 'numeric']
STRINGS = ['text', 'varchar', 'bpchar']
TYPES = ['bool'] + NUMBERS + STRINGS + ['date', 'time', 'timestamp', 'timestamptz', 'interval']
# Columns whose equal values look the same: safe as keys.
KEYS = ['b', 'i2', 'i4', 'i8', 'n2', 't', 'v', 'c', 'd', 'tm', 'ts', 'tz', 'k', 'g']

VALUES = {
    'bool': ['true', 'false'],
    'int2': ['0', '1', '-1', '7', '2', '-32768', '32767', '100'],
    'int4': ['0', '1', '-1', '2', '3', '10', '-7', '42', '2147483647', '-2147483648', '1000000'],
    'int8': ['0', '1', '-1', '5', '-12', '9223372036854775807', '-9223372036854775808', '4294967296', '100'],
    'float4': ['0', '1', '-1.5', '2.25', '100.5', '1e10', '-3.75', "'NaN'", "'Infinity'", "'-Infinity'", "'-0'"],
    'float8': ['0', '1', '-1', '0.5', '2.25', '-7.75', '1234.5', '1e15', '1e-5', "'NaN'", "'Infinity'", "'-0'"],
    'numeric': ['0', '1', '-1', '1.0', '1.00', '2.5', '-2.5', '3.14159', '0.001', '-0.00000001', '123456789012345678901234.5',
                "'NaN'", '99.995', '1e5'],
    'text': ["''", "'a'", "'b'", "'abc'", "'ABC'", "'aBc d'", "' x '", "'é'", "'日本語'", "'a%b_c'", "'12'", "'-3.5'", "'it''s'",
             "'2020-02-29'", "'hello world'", "'true'", "'a,b,,c'", "'xyzzy'"],
    'varchar': ["''", "'a'", "'abc'", "'abc '", "'foo'", "'Foo bar'", "'99'", "'ü'", "'%'"],
    'bpchar': ["''", "'a'", "'ab'", "'abc'", "'ABC'", "'x y'", "'é'", "'12'"],
    'date': ["'2020-01-31'", "'2020-02-29'", "'1999-12-31'", "'2000-01-01'", "'1970-01-01'", "'0044-03-15 BC'", "'infinity'",
             "'2021-06-15'", "'5874897-12-31'", "'-infinity'"],
    'time': ["'00:00:00'", "'12:34:56.789'", "'23:59:59.999999'", "'24:00:00'", "'06:30'"],
    'timestamp': ["'2020-01-31 10:20:30.5'", "'2020-02-29 00:00:00'", "'1999-12-31 23:59:59.999999'", "'2021-06-15 12:00'",
                  "'1970-01-01'", "'infinity'", "'0044-03-15 01:02:03 BC'"],
    'timestamptz': ["'2020-01-31 10:20:30.5+00'", "'2020-03-29 01:30:00+00'", "'2020-10-25 00:30:00+00'", "'1999-12-31 23:59:59+05:30'",
                    "'2021-06-15 12:00+00'", "'-infinity'"],
    'interval': ["'1 day'", "'1 month'", "'30 days'", "'-1 year 2 mons 3 days'", "'04:05:06.789'", "'-00:00:01'", "'0'", "'720:00'",
                 "'1 mon -1 day 12:00'"],
}
SQL_NAME = {'bool': 'boolean', 'int2': 'smallint', 'int4': 'integer', 'int8': 'bigint', 'float4': 'real',
            'float8': 'double precision', 'bpchar': 'char(5)', 'varchar': 'varchar(12)'}


def name_of(t):
    return SQL_NAME.get(t, t)


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.columns = []        # (name, type) visible now

    def pick(self, items):
        return self.r.choice(items)

    def chance(self, p):
        return self.r.random() < p

    # ---- tables ----

    def value(self, t, tame=False):
        if tame and t in ('float4', 'float8'):
            return str(self.r.randint(-400, 400) / 4)
        if tame and t in INTS:
            return str(self.r.randint(-100, 100))
        if tame and t == 'numeric':
            return '%d.%02d' % (self.r.randint(-999, 999), self.r.randint(0, 99))
        return self.pick(VALUES[t])

    def tables(self):
        for name, rows, tame, nulls, step in (('w', 60, False, .12, 60), ('s', 400, True, .1, 400), ('m', 90, True, .05, 15),
                                              ('e', 0, True, 0, 1)):
            yield 'CREATE TABLE %s (id integer, %s)' % (name, ', '.join('%s %s' % (c, t) for c, _, t in COLUMNS))
            lines = []
            for row in range(rows):
                cells = [str(row)]
                for column, t, _ in COLUMNS:
                    if self.chance(nulls):
                        cells.append('NULL')
                    elif column == 'k':
                        cells.append(str(self.r.randint(0, 5)))
                    elif column == 'g':
                        cells.append(self.pick(["'x'", "'y'", "'zed'", "''"]))
                    else:
                        cells.append(self.value(t, tame or column == 'n2'))
                lines.append('(' + ', '.join(cells) + ')')
            for at in range(0, rows, step):
                yield 'INSERT INTO %s VALUES\n' % name + ',\n'.join(lines[at:at + step])

    # ---- expressions ----

    def constant(self, t):
        if self.chance(.08):
            return 'NULL::' + name_of(t)
        v = self.value(t, self.chance(.6))
        if t == 'bool' or (t in ('int4', 'numeric') and not v.startswith("'") and (t != 'numeric' or '.' in v) and v[0] != '-' and 'e' not in v
                           and self.chance(.8)):
            return v
        if t == 'text' and self.chance(.7):
            return v
        if t in ('date', 'time', 'timestamp', 'timestamptz', 'interval'):
            return '%s %s' % (t, v)
        return '%s::%s' % (v if v.startswith("'") else "'" + v + "'" if v[0] == '-' else v, name_of(t))

    def leaf(self, t):
        names = [c for c, ct in self.columns if ct == t]
        if names and self.chance(.8):
            return self.pick(names)
        return self.constant(t)

    def small(self):
        return str(self.r.randint(-2, 6))

    def e(self, t, depth):
        """An expression of a type."""
        if depth <= 0 or self.chance(.12):
            return self.leaf(t)
        r = self.r.random()
        d = depth - 1
        if r < .06:
            return 'CASE WHEN %s THEN %s %sEND' % (self.e('bool', d), self.e(t, d), 'ELSE %s ' % self.e(t, d) if self.chance(.7) else '')
        if r < .09:
            return 'CASE %s WHEN %s THEN %s ELSE %s END' % (self.e('int4', d), self.e('int4', d), self.e(t, d), self.e(t, d))
        if r < .13:
            return 'coalesce(%s, %s)' % (self.e(t, d), self.e(t, d))
        if r < .15:
            return 'nullif(%s, %s)' % (self.e(t, d), self.e(t, d))
        if r < .18:
            return '%s(%s)' % (self.pick(['greatest', 'least']), ', '.join(self.e(t, d) for _ in range(self.r.randint(1, 3))))
        if r < .20:
            return '(%s)' % self.leaf(t)
        return getattr(self, 'e_' + t)(d)

    def number(self, d):
        return self.e(self.pick(NUMBERS), d)

    def comparable(self):
        """Two types that have comparison operators with each other."""
        group = self.pick([NUMBERS, NUMBERS, INTS, ['text', 'varchar'], ['bpchar'], ['text'], ['bool'], ['date', 'timestamp', 'timestamptz'],
                           ['time'], ['interval'], ['date'], ['timestamp'], ['timestamptz']])
        return self.pick(group), self.pick(group)

    def e_bool(self, d):
        a, b = self.comparable()
        p = self.pick
        return p([
            lambda: '%s %s %s' % (self.e(a, d), p(['=', '<>', '<', '<=', '>', '>=', '!=']), self.e(b, d)),
            lambda: '%s %s %s' % (self.leaf(a), p(['=', '<', '>=']), self.constant(a)),
            lambda: '%s IS %sDISTINCT FROM %s' % (self.p(a, d), p(['', 'NOT ']), self.p(b, d)),
            lambda: '(%s %s %s)' % (self.e('bool', d), p(['AND', 'OR']), self.e('bool', d)),
            lambda: '(%s %s %s)' % (self.e('bool', d), p(['AND', 'OR']), self.e('bool', d)),
            lambda: 'NOT (%s)' % self.e('bool', d),
            lambda: '%s IS %sNULL' % (self.p(p(TYPES), d), p(['', 'NOT '])),
            lambda: '%s IS %s%s' % (self.p('bool', d), p(['', 'NOT ']), p(['TRUE', 'FALSE', 'UNKNOWN'])),
            lambda: '%s %sBETWEEN %s%s AND %s' % (self.p(a, d), p(['', 'NOT ']), p(['', '', 'SYMMETRIC ']), self.p(a, d), self.p(b, d)),
            lambda: '%s %sIN (%s)' % (self.p(a, d), p(['', 'NOT ']), ', '.join(self.constant(a) for _ in range(self.r.randint(1, 5)))),
            lambda: '%s %sIN (%s)' % (self.p(a, d), p(['', 'NOT ']), ', '.join(self.e(a, d) for _ in range(self.r.randint(1, 3)))),
            lambda: '%s %s%s %s' % (self.p(p(STRINGS), d), p(['', 'NOT ']), p(['LIKE', 'ILIKE']), self.pattern()),
            lambda: '%s %s %s' % (self.p(p(STRINGS), d), p(['~', '~*', '!~', '!~*']), p(
                ["'^a'", "'b'", "'[a-c]+$'", "'(a|x).*'", "'\\d+'", "'^$'", "'.{3}'", "'\\mh'"])),
            lambda: "%s %sSIMILAR TO %s" % (self.p('text', d), p(['', 'NOT ']), p(["'a%'", "'(a|b)%'", "'_+'", "'%[0-9]%'"])),
            lambda: 'starts_with(%s, %s)' % (self.e('text', d), self.e('text', d)),
            lambda: 'isfinite(%s)' % self.e(p(['date', 'timestamp', 'timestamptz', 'interval']), d),
            lambda: '(%s)::boolean' % self.e(p(['int4', 'text']), d),
            lambda: '(%s, %s) %s (%s, %s)' % (self.e(a, d), self.e('int4', d), p(['=', '<', '>=', '<>']), self.e(a, d), self.e('int4', d)),
            lambda: '(%s, %s) OVERLAPS (%s, %s)' % ((self.e('timestamp', d),) + (self.e('interval', d), self.e('timestamp', d), self.e('timestamp', d))),
            lambda: '%s %s ANY (ARRAY[%s])' % (self.p('int4', d), p(['=', '<', '>']), ', '.join(self.constant('int4') for _ in range(3))),
        ])()

    def p(self, t, d):
        """An expression that may be an operand of anything."""
        x = self.e(t, d)
        return x if re.fullmatch(r'\w+|\w+\([^()]*\)', x) else '(' + x + ')'

    def pattern(self):
        return self.pick(["'a%'", "'%b%'", "'_b_'", "'%'", "''", "'abc'", "'%c'", "'a\\%b\\_c'", "'A%'", "'%o w%'", "'__'", "'%é'", "'%a%c'"] + (['g'] if ('g', 'text') in self.columns else []))

    def e_int(self, t, d):
        p = self.pick
        other = p(INTS[:INTS.index(t) + 1])
        return p([
            lambda: '(%s %s %s)' % (self.p(t, d), p(['+', '-', '*']), self.p(other, d)),
            lambda: '(%s %s %s)' % (self.p(t, d), p(['+', '-']), self.constant(t)),
            lambda: '(%s %s %s)' % (self.p(t, d), p(['/', '%']), self.p(other, d)),
            lambda: '(- %s)' % self.p(t, d),
            lambda: '(%s %s %s)' % (self.p(t, d), p(['&', '|', '#']), self.p(t, d)),
            lambda: '(~ %s)' % self.p(t, d),
            lambda: '(%s %s %s)' % (self.p(t, d), p(['<<', '>>']), self.r.randint(0, 9)),
            lambda: 'abs(%s)' % self.e(t, d),
            lambda: 'mod(%s, %s)' % (self.e(t, d), self.e(t, d)),
            lambda: '(%s)::%s' % (self.e(p(NUMBERS), d), name_of(t)),
            lambda: '(%s)::%s' % (p(["'12'", "' -5 '", "'0'"]), name_of(t)),
        ])()

    def e_int2(self, d):
        return self.e_int('int2', d)

    def e_int8(self, d):
        return self.pick([lambda: self.e_int('int8', d), lambda: self.e_int('int8', d), lambda: '(%s)::bigint' % self.e('int4', d),
                          lambda: 'gcd(%s, %s)' % (self.e('int8', d), self.e('int8', d))])()

    def e_int4(self, d):
        p = self.pick
        return p([
            lambda: self.e_int('int4', d), lambda: self.e_int('int4', d), lambda: self.e_int('int4', d),
            lambda: '%s(%s)' % (p(['length', 'char_length', 'octet_length', 'ascii', 'bit_length']), self.e(p(STRINGS), d)),
            lambda: 'strpos(%s, %s)' % (self.e('text', d), self.e('text', d)),
            lambda: 'position(%s IN %s)' % (self.p('text', d), self.p('text', d)),
            lambda: '(%s - %s)' % (self.p('date', d), self.p('date', d)),
            lambda: 'extract(%s FROM %s)::integer' % (p(['year', 'month', 'day', 'dow', 'doy', 'quarter', 'week', 'isodow', 'century']), self.p(
                p(['date', 'timestamp']), d)),
            lambda: 'width_bucket(%s, 0, 100, 7)' % self.e(p(['float8', 'numeric']), d),
            lambda: 'sign(%s)::integer' % self.e('numeric', d),
            lambda: 'scale(%s)' % self.e('numeric', d),
            lambda: '(%s)::integer' % self.e('bool', d),
            lambda: 'lcm(%s, %s)' % (self.e('int4', d), self.e('int4', d)),
            lambda: 'date_part(%s, %s)::integer' % (p(["'hour'", "'minute'", "'day'"]), self.e(p(['interval', 'timestamp']), d)),
        ])()

    def e_float(self, t, d):
        p = self.pick
        return p([
            lambda: '(%s %s %s)' % (self.p(t, d), p(['+', '-', '*', '/']), self.p(t, d)),
            lambda: '(- %s)' % self.p(t, d),
            lambda: '(@ %s)' % self.p(t, d),
            lambda: '(%s)::%s' % (self.e(p(NUMBERS), d), name_of(t)),
        ])()

    def e_float4(self, d):
        return self.e_float('float4', d)

    def e_float8(self, d):
        p = self.pick
        return p([
            lambda: self.e_float('float8', d), lambda: self.e_float('float8', d),
            lambda: '(%s %s %s)' % (self.p(p(NUMBERS), d), p(['+', '-', '*']), self.p('float8', d)),
            lambda: '%s(%s)' % (p(['floor', 'ceil', 'round', 'trunc', 'sign', 'abs', 'cbrt']), self.e('float8', d)),
            lambda: 'sqrt(abs(%s))' % self.e('float8', d),
            lambda: 'round((%s(%s))::numeric, 9)::float8' % (p(['sin', 'cos', 'atan', 'tanh', 'degrees', 'sind']), self.e('float8', d)),
            lambda: 'date_part(%s, %s)' % (p(["'epoch'", "'second'", "'year'", "'julian'"]), self.e('timestamp', d)),
        ])()

    def e_numeric(self, d):
        p = self.pick
        return p([
            lambda: '(%s %s %s)' % (self.p('numeric', d), p(['+', '-', '*']), self.p(p(['numeric', 'int4', 'int8', 'int2']), d)),
            lambda: '(%s %s %s)' % (self.p('numeric', d), p(['/', '%']), self.p(p(['numeric', 'int4']), d)),
            lambda: '(- %s)' % self.p('numeric', d),
            lambda: '%s(%s)' % (p(['abs', 'sign', 'floor', 'ceil', 'round', 'trunc', 'trim_scale']), self.e('numeric', d)),
            lambda: '%s(%s, %s)' % (p(['round', 'trunc']), self.e('numeric', d), self.small()),
            lambda: '%s(%s, %s)' % (p(['mod', 'div']), self.e('numeric', d), self.e('numeric', d)),
            lambda: 'sqrt(abs(%s))' % self.e('numeric', d),
            lambda: 'power(%s, %s)' % (self.e('numeric', 0), self.pick(['2', '3', '0', '-1'])),
            lambda: '(%s)::numeric' % self.e(p(NUMBERS), d),
            lambda: '(%s)::numeric(10,%d)' % (self.e(p(NUMBERS), d), self.r.randint(0, 4)),
            lambda: 'extract(%s FROM %s)' % (p(['epoch', 'second', 'year', 'milliseconds', 'hour', 'decade', 'isoyear']), self.p(
                p(['timestamp', 'timestamptz', 'interval']), d)),
            lambda: 'ln(abs(%s) + 1.0)' % self.e('int4', d),
        ])()

    def e_text(self, d):
        p, small = self.pick, self.small
        return p([
            lambda: '(%s || %s)' % (self.p('text', d), self.p(p(['text', 'int4', 'bool', 'date', 'numeric', 'varchar', 'bpchar']), d)),
            lambda: '%s(%s)' % (p(['lower', 'upper', 'reverse', 'initcap', 'md5', 'quote_literal', 'quote_ident']), self.e(p(STRINGS), d)),
            lambda: 'substr(%s, %s)' % (self.e('text', d), small()),
            lambda: 'substring(%s FROM %s FOR %d)' % (self.p('text', d), small(), self.r.randint(0, 5)),
            lambda: '%s(%s, %s)' % (p(['left', 'right']), self.e('text', d), small()),
            lambda: '%s(%s, %s, %s)' % (p(['lpad', 'rpad']), self.e('text', d), small(), self.e('text', 0)),
            lambda: 'trim(%s FROM %s)' % (p(["'a'", "BOTH ' x'", "LEADING 'h'", 'TRAILING']), self.p('text', d)),
            lambda: '%s(%s)' % (p(['btrim', 'ltrim', 'rtrim']), self.e('text', d)),
            lambda: 'replace(%s, %s, %s)' % (self.e('text', d), self.e('text', 0), self.e('text', 0)),
            lambda: 'repeat(%s, %s)' % (self.e('text', 0), small()),
            lambda: "split_part(%s, ',', %s)" % (self.e('text', d), p(['1', '2', '-1', '3'])),
            lambda: "translate(%s, 'abc', 'xy')" % self.e('text', d),
            lambda: 'concat(%s)' % ', '.join(self.e(p(TYPES), d) for _ in range(2)),
            lambda: "concat_ws('-', %s)" % ', '.join(self.e(p(TYPES), d) for _ in range(2)),
            lambda: '(%s)::text' % self.e(p(TYPES), d),
            lambda: "overlay(%s PLACING 'ZZ' FROM %d)" % (self.p('text', d), self.r.randint(1, 4)),
            lambda: "regexp_replace(%s, %s, %s)" % (self.e('text', d), p(["'[a-c]'", "'(.)(.)'", "'o+'"]), p(["'<\\&>'", "'\\2\\1'", "''"])),
            lambda: "to_char(%s, %s)" % (self.e(p(['date', 'timestamp', 'timestamptz']), d), p(
                ["'YYYY-MM-DD HH24:MI:SS.US'", "'Dy DD Mon YY'", "'FMDay, IW Q DDD J'", "'HH12 AM Y,YYY BC'"])),
            lambda: "to_char(%s, %s)" % (self.e(p(['int4', 'numeric', 'float8']), d), p(
                ["'999'", "'FM9990.00'", "'S09,999.9'", "'9.99EEEE'", "'RN'", "'L99'", "'999PR'"])),
            lambda: 'to_hex(%s)' % self.e(p(['int4', 'int8']), d),
            lambda: 'chr(abs(%s %% 50) + 65)' % self.p('int4', d),
            lambda: "format('%%s|%%L|%%I', %s, %s, %s)" % (self.e('text', d), self.e('int4', d), self.leaf('text')),
        ])()

    def e_varchar(self, d):
        p = self.pick
        return p([lambda: '(%s)::varchar' % self.e('text', d), lambda: '(%s)::varchar(%d)' % (self.e(p(TYPES), d), self.r.randint(1, 9))])()

    def e_bpchar(self, d):
        return '(%s)::char(%d)' % (self.e(self.pick(['text', 'text', 'varchar', 'bpchar', 'int4', 'bool']), d), self.r.randint(1, 7))

    def e_date(self, d):
        p = self.pick
        return p([
            lambda: '(%s %s %s)' % (self.p('date', d), p(['+', '-']), self.p('int4', 0)),
            lambda: '(%s)::date' % self.e(p(['timestamp', 'timestamptz']), d),
            lambda: 'make_date(%d, %d, %d)' % (self.r.randint(1990, 2030), self.r.randint(1, 12), self.r.randint(1, 28)),
            lambda: "to_date(%s, 'YYYY-MM-DD')" % p(["'2020-02-03'", "'1999-12-31'", 'to_char(d, \'YYYY-MM-DD\')' if self.columns else "'2001-01-01'"]),
        ])()

    def e_time(self, d):
        p = self.pick
        return p([
            lambda: '(%s %s %s)' % (self.p('time', d), p(['+', '-']), self.p('interval', d)),
            lambda: '(%s)::time%s' % (self.e(p(['timestamp', 'interval', 'timestamptz']), d), p(['', '(0)', '(3)'])),
        ])()

    def zone(self):
        return self.pick(["'UTC'", "'Europe/Berlin'", "'America/New_York'", "'+05:30'", "interval '-3 hours'"])

    def e_timestamp(self, d):
        p = self.pick
        return p([
            lambda: '(%s %s %s)' % (self.p('timestamp', d), p(['+', '-']), self.p('interval', d)),
            lambda: '(%s + %s)' % (self.p('date', d), self.p('time', d)),
            lambda: '(%s %s %s)' % (self.p('date', d), p(['+', '-']), self.p('interval', d)),
            lambda: "date_trunc(%s, %s)" % (p(["'month'", "'hour'", "'week'", "'quarter'", "'decade'", "'second'"]), self.e('timestamp', d)),
            lambda: '(%s)::timestamp%s' % (self.e(p(['date', 'timestamptz', 'timestamp']), d), p(['', '(0)', '(2)'])),
            lambda: '(%s AT TIME ZONE %s)' % (self.p('timestamptz', d), self.zone()),
            lambda: "date_bin('15 minutes', %s, timestamp '2020-01-01')" % self.e('timestamp', d),
        ])()

    def e_timestamptz(self, d):
        p = self.pick
        return p([
            lambda: '(%s %s %s)' % (self.p('timestamptz', d), p(['+', '-']), self.p('interval', d)),
            lambda: "date_trunc(%s, %s)" % (p(["'day'", "'year'", "'minute'"]), self.e('timestamptz', d)),
            lambda: "date_trunc('day', %s, 'Europe/Berlin')" % self.e('timestamptz', d),
            lambda: '(%s)::timestamptz' % self.e(p(['date', 'timestamp']), d),
            lambda: '(%s AT TIME ZONE %s)' % (self.p('timestamp', d), self.zone()),
        ])()

    def e_interval(self, d):
        p = self.pick
        return p([
            lambda: '(%s - %s)' % (self.p('timestamp', d), self.p('timestamp', d)),
            lambda: '(%s - %s)' % (self.p('timestamptz', d), self.p('timestamptz', d)),
            lambda: '(%s %s %s)' % (self.p('interval', d), p(['+', '-']), self.p('interval', d)),
            lambda: '(%s * %s)' % (self.p('interval', d), p(['2', '-1', '0.5', '1.25', self.leaf('int2')])),
            lambda: '(%s / %s)' % (self.p('interval', d), p(['2', '-3', '0.5', '7'])),
            lambda: 'age(%s, %s)' % (self.e('timestamp', d), self.e('timestamp', d)),
            lambda: '%s(%s)' % (p(['justify_days', 'justify_hours', 'justify_interval']), self.e('interval', d)),
            lambda: '(- %s)' % self.p('interval', d),
            lambda: '(%s - %s)' % (self.p('time', d), self.p('time', d)),
            lambda: '(%s)::interval' % self.e('time', d),
        ])()

    # ---- aggregates ----

    def aggregate(self, depth):
        """An aggregate whose answer does not depend on the order of rows."""
        p = self.pick
        exact = p(INTS + ['numeric'])
        tame = [c for c, t in self.columns if t in ('float4', 'float8')]
        distinct = p(['', '', 'DISTINCT '])
        a = p([
            lambda: 'count(*)',
            lambda: 'count(%s%s)' % (distinct, self.e(p(TYPES), depth)),
            lambda: 'count(%s%s)' % (distinct, self.leaf(p(TYPES))),
            lambda: 'sum(%s%s)' % (distinct if exact != 'numeric' else '', self.e(exact, depth)),
            lambda: 'sum(%s%s)' % (distinct, self.leaf(p(INTS))),
            lambda: 'avg(%s%s)' % (distinct, self.e(p(INTS), depth)),
            lambda: 'avg(%s)' % self.e('numeric', depth),
            lambda: '%s(%s)' % (p(['sum', 'avg']), p(tame) if tame else 'null::float8'),
            lambda: '%s(%s)' % (p(['min', 'max']), self.e(p(INTS + ['text', 'varchar', 'date', 'timestamp', 'timestamptz', 'time']), depth)),
            lambda: '%s(%s)' % (p(['min', 'max']), self.leaf(p(INTS + ['text', 'varchar', 'date', 'timestamp', 'timestamptz', 'time']))),
            lambda: '%s(%s)' % (p(['bool_and', 'bool_or', 'every']), self.e('bool', depth)),
            lambda: '%s(%s)' % (p(['bit_and', 'bit_or', 'bit_xor']), self.e(p(INTS), depth)),
            lambda: '%s(%s%s)' % (p(['var_pop', 'var_samp', 'stddev', 'stddev_pop', 'variance']), distinct, self.leaf(p(INTS))),
            lambda: '%s(%s)' % (p(['var_pop', 'stddev_samp']), p(['n2', 'k']) if any(c == 'n2' for c, _ in self.columns) else '1.5'),
            lambda: 'sum(%s)' % self.leaf('interval'),
        ])()
        if self.chance(.15):
            a += ' FILTER (WHERE %s)' % self.e('bool', depth)
        return a

    def over(self, a):
        """Something computed from an aggregate."""
        if self.chance(.8):
            return a
        return self.pick(['coalesce(%s, NULL)', '(%s) IS NULL', '(%s)::text', "concat(%s, '!')"]) % a

    # ---- statements ----

    def use(self, table):
        self.columns = [(c, t) for c, t, _ in COLUMNS] + [('id', 'int4')]
        return table

    def where(self, p=.6):
        return ' WHERE ' + self.e('bool', self.r.randint(1, 3)) if self.chance(p) else ''

    def rows(self):
        table = self.use(self.pick(['w', 'w', 'm', 's', 'e']))
        targets = ', '.join(self.e(self.pick(TYPES), self.r.randint(1, 3)) for _ in range(self.r.randint(1, 4)))
        return 'SELECT id, %s FROM %s%s ORDER BY id' % (targets, table, self.where())

    def plain(self):
        self.columns = []
        return 'SELECT ' + ', '.join(self.e(self.pick(TYPES), self.r.randint(1, 3)) for _ in range(self.r.randint(1, 4)))

    def totals(self):
        table = self.use(self.pick(['s', 'm', 's', 'm', 'e']))
        targets = ', '.join(self.over(self.aggregate(self.r.randint(0, 2))) for _ in range(self.r.randint(1, 4)))
        having = ' HAVING %s > %s' % (self.pick(['count(*)', 'max(i4)', 'sum(k)']), self.small()) if self.chance(.15) else ''
        return 'SELECT %s FROM %s%s%s' % (targets, table, self.where(), having)

    def key(self):
        if self.chance(.65):
            return self.pick(KEYS)
        return self.pick([
            lambda: '(k %s %d)' % (self.pick(['+', '%', '/']), self.r.randint(1, 4)), lambda: 'k > 2', lambda: 'upper(g)', lambda: 'length(t)',
            lambda: 'i4 % 3', lambda: 'round(n2)', lambda: "date_trunc('month', ts)", lambda: 'extract(year FROM d)', lambda: 'left(t, 1)',
            lambda: 'b IS NULL', lambda: "CASE WHEN k > 3 THEN g ELSE t END", lambda: 'coalesce(g, t)',
            lambda: self.e(self.pick(INTS + ['bool', 'text', 'date']), 2)])()

    def groups(self):
        table = self.use(self.pick(['s', 'm', 's', 'm', 'e']))
        keys = [self.key() for _ in range(self.r.randint(1, 3))]
        targets = keys + [self.over(self.aggregate(self.r.randint(0, 2))) for _ in range(self.r.randint(0, 3))]
        if self.chance(.1):
            targets = targets[len(keys):] or ['count(*)']
        group = [str(i + 1) for i in range(len(keys))] if self.chance(.2) and targets[:len(keys)] == keys else keys
        having = ' HAVING %s %s %s' % (self.pick(['count(*)', 'max(i4)', 'count(DISTINCT k)', 'sum(i2)']), self.pick(['>', '<', '<>']),
                                       self.small()) if self.chance(.25) else ''
        tail = ''
        if targets[:len(keys)] == keys and self.chance(.4):
            tail = ' ORDER BY ' + ', '.join('%d%s' % (i + 1, self.direction()) for i in range(len(keys)))
            if self.chance(.5):
                tail += self.limit()
        return 'SELECT %s FROM %s%s GROUP BY %s%s%s' % (', '.join(targets), table, self.where(), ', '.join(group), having, tail)

    def direction(self):
        return self.pick(['', '', ' DESC', ' ASC', ' NULLS FIRST', ' DESC NULLS LAST'])

    def limit(self):
        return self.pick([' LIMIT %d' % self.r.randint(0, 8), ' LIMIT 5 OFFSET %d' % self.r.randint(0, 6), ' OFFSET 3',
                          ' FETCH FIRST 4 ROWS ONLY', ' LIMIT ALL', ' OFFSET 2 ROWS FETCH NEXT ROW ONLY'])

    def distinct(self):
        table = self.use(self.pick(['s', 'm', 'e']))
        keys = [self.key() for _ in range(self.r.randint(1, 3))]
        tail = ''
        if self.chance(.4):
            tail = ' ORDER BY ' + ', '.join('%d%s' % (i + 1, self.direction()) for i in range(len(keys)))
            tail += self.limit() if self.chance(.5) else ''
        return 'SELECT DISTINCT %s FROM %s%s%s' % (', '.join(keys), table, self.where(), tail)

    def distinct_on(self):
        table = self.use(self.pick(['s', 'm', 'e']))
        key = self.key()
        return 'SELECT DISTINCT ON (%s) %s, id, %s FROM %s%s ORDER BY %s%s, id%s' % (
            key, key, self.e(self.pick(TYPES), 1), table, self.where(), key, self.direction(), self.pick(['', ' DESC']))

    def ordered(self):
        table = self.use(self.pick(['w', 's', 'm', 'e']))
        order = ', '.join(self.e(self.pick(TYPES), self.r.randint(0, 2)) + self.direction() for _ in range(self.r.randint(1, 2)))
        return 'SELECT id, %s FROM %s%s ORDER BY %s, id%s' % (self.e(self.pick(TYPES), 1), table, self.where(), order,
                                                             self.limit() if self.chance(.7) else '')

    def nested(self):
        table = self.use(self.pick(['s', 'm', 'w']))
        types = [self.pick(TYPES) for _ in range(3)]
        inner = 'SELECT id, %s FROM %s%s' % (', '.join('%s AS x%d' % (self.e(t, 2), i) for i, t in enumerate(types)), table, self.where(.4))
        if self.chance(.3):
            inner += ' ORDER BY id' + self.limit()
        self.columns = [('x%d' % i, t) for i, t in enumerate(types)] + [('id', 'int4')]
        outer = 'SELECT id, %s FROM %s%s ORDER BY id'
        targets = ', '.join(self.e(self.pick(types), self.r.randint(0, 2)) for _ in range(2))
        if self.chance(.4):
            outer = 'SELECT %s FROM %s%s'
            targets = ', '.join(['count(*)', 'count(x0)', 'count(DISTINCT x1)', 'min(id)', 'max(x2)' if types[2] in INTS else 'count(x2)'])
        if self.chance(.4):
            return 'WITH q AS (%s) ' % inner + outer % (targets, 'q', self.where(.5))
        return outer % (targets, '(%s) AS q' % inner, self.where(.5))

    def lists(self):
        self.columns = []
        types = [self.pick(TYPES) for _ in range(self.r.randint(1, 3))]
        rows = ', '.join('(' + ', '.join(self.e(t, self.r.randint(0, 1)) for t in types) + ')' for _ in range(self.r.randint(1, 5)))
        if self.chance(.3):
            return 'VALUES ' + rows
        names = ['x%d' % i for i in range(len(types))]
        self.columns = list(zip(names, types))
        return 'SELECT %s, %s FROM (VALUES %s) AS q(%s)%s' % (', '.join(names), self.e(self.pick(types), 2), rows, ', '.join(names), self.where(.5))

    def series(self):
        self.columns = [('x', 'int4')]
        args = self.pick(['1, 20', '-3, 3', '10, 1, -2', '5, 1', '0, 100, 7', '2147483640, 2147483647'])
        if self.chance(.3):
            return self.pick([
                "SELECT * FROM generate_series(timestamp '2020-01-30', '2020-03-05', '%s') AS x" % self.pick(['1 month', '10 days', '36:00']),
                "SELECT * FROM generate_series(date '2020-01-30', date '2020-02-05', interval '1 day') AS x",
                "SELECT x FROM generate_series(1.5, 4, %s) AS x" % self.pick(['0.5', '1', '0.75']),
                "SELECT * FROM generate_series(timestamptz '2020-03-28 12:00+00', '2020-03-31', '1 day') AS x",
                'SELECT generate_series(1, 3), 5 AS a ORDER BY 1', 'SELECT * FROM generate_series(1, 3) WITH ORDINALITY',
                'SELECT * FROM generate_series(1, 3, 0)'])
        if self.chance(.5):
            return 'SELECT x, %s FROM generate_series(%s) AS x%s ORDER BY x' % (self.e(self.pick(TYPES), 2), args, self.where(.5))
        return 'SELECT x %% 3, count(*), sum(x), %s FROM generate_series(%s) AS g(x)%s GROUP BY 1 ORDER BY 1' % (
            self.over(self.aggregate(1)), args, self.where(.5))

    def statement(self):
        kind = self.r.choices(['rows', 'plain', 'totals', 'groups', 'distinct', 'distinct_on', 'ordered', 'nested', 'lists', 'series'],
                              [22, 10, 16, 20, 6, 3, 9, 8, 4, 4])[0]
        return getattr(self, kind)()


def records_of(maker, count):
    records = []
    for sql in maker.tables():
        records.append(oracle.Record('auto', sql))
    for _ in range(count):
        records.append(oracle.Record('auto', maker.statement()))
    return records


def is_order(part, settings):
    """A report that may be due to the order of evaluation: an error of data on one side that the other did not meet, in
    a statement where rows can be left out before the error is met (or where a stable constant is met per row)."""
    choice = settings or re.search(r'\b(WHERE|HAVING|LIMIT|FETCH|OFFSET|FILTER|timestamptz|FROM e)\b|-- empty', part)
    if ': no error was raised' in part:
        return choice
    data = re.search(r'^  (22\w{3}|0A000: cannot convert)', part, re.M)
    return data and (': another error than expected' in part or (': query failed' in part and choice))


def run_slt(slt, path, settings):
    """What the runner said: failures, passed, and what may be due to the order of evaluation."""
    command = [slt] + [x for s in settings for x in ('--set', s)] + [path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors='replace')
    reports, orders = [], []
    for part in re.split(r'(?m)^(?=\S+\.slt:\d+: )', done.stdout):
        if not re.match(r'\S+\.slt:\d+: ', part):
            continue
        part = re.sub(r'(?m)^(\d+ of \d+ files with failures|\d+ passed, \d+ failed).*\n?', '', part)
        if is_order(part, settings):
            orders.append(part)
        else:
            reports.append(part)
    match = re.search(r'^(\d+) passed, (\d+) failed$', done.stdout, re.M)
    if done.returncode not in (0, 1) or not match:
        return [done.stdout[-3000:] + '\n%s ended with status %d\n' % (slt, done.returncode)], 0, []
    return reports, int(match[1]), orders


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument('--count', type=int, default=1000)
    parser.add_argument('--slt', default=os.path.join(TOP, 'build', 'slt'))
    parser.add_argument('--keep', help='leave the script of expectations here')
    parser.add_argument('--set', action='append', default=[], help='run once more under this setting')
    parser.add_argument('--verbose', action='store_true', help='show other errors too')
    parser.add_argument('--strict', action='store_true', help='two errors must have the same code')
    options = parser.parse_args()

    if not os.access(os.path.join(os.environ.get('PG_BINDIR', '/usr/lib/postgresql/15/bin'), 'initdb'), os.X_OK):
        print('SKIP random statements (no PostgreSQL 15)')
        return 0
    print('seed %d' % options.seed, flush=True)
    maker = Maker(options.seed)
    records = records_of(maker, options.count)
    with oracle.Server() as server:
        oracle.run_records(server, records)
    for record in records:
        oracle.settle(record)
        if record.kind == 'error' and record.sql.startswith('INSERT'):
            sys.exit('PostgreSQL refuses the rows of a table: %s' % record.sqlstate)
    # the format has no way to write a value that begins like a comment
    records = [record for record in records if not any(value.startswith('#') for value in record.expected)]
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or os.path.join(folder, 'random.slt')
        head = oracle.Record('threshold', '')
        for record in records:
            if record.kind == 'query' and not record.rows:
                record.sql += '\n-- empty'
        oracle.write_slt(path, [head] + records)
        errors = sum(record.failed for record in records)
        print('%d statements, %d of them errors' % (len(records), errors))
        passed = failed = 0
        for settings in [[]] + [[s] for s in options.set]:
            reports, good, orders = run_slt(options.slt, path, settings)
            other = len(orders)
            print(''.join(reports), end='')
            if other:
                if options.verbose:
                    print(''.join(orders), end='')
                print('other error: %d%s' % (other, ' with ' + settings[0] if settings else ''))
            passed += good
            failed += len(reports) + (other if options.strict or other > 5 + len(records) // 100 else 0)
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
