#!/usr/bin/env python3
"""Random groupings over random tables in every mode: the same answers.

    modes.py [--seed N] [--scenario NAME] [--query N] [--extent usual | all] [--no-oracle] [--dump FILE]

A scenario is a table (how many rows, cut into which blocks, how the values of each column are spread) and random
queries over it: one to four keys, every kind of aggregate, filters, HAVING, DISTINCT, top-N, LIMIT.  One process
loads the table in memory and runs the queries first in the plainest way (hash table, no optimizer, portable
kernels, one worker), then under every grouping mode that this build knows, each with a few combinations of kernel
level, workers and optimizer (with --extent all: every combination).  All must print the same text; under a small
memory limit a query may also say that memory is out.  Where PostgreSQL
15 is installed it is asked too what it defines: queries without LIMIT, or with an order that leaves no tie.

Modes and levels are read from the program, so a new one is tried without a change here.  Everything follows from
--seed; 0 draws one.  What fails is shown with the options that run it alone; --dump FILE then writes a script for
the shell: table, settings, query.
"""
import argparse
import contextlib
import itertools
import os
import random
import re
import subprocess
import sys

import diff

THREADS = [1, 2, 8]
PLAIN = ('hash', 'base', 1, 'off', '0')
COMBINATIONS = 4 # of level, workers and optimizer, per mode and scenario
SHELL = ['-q', '-At', '-F', '|', '-v', 'ON_ERROR_STOP=off', '-v', 'VERBOSITY=terse', '-P', 'null=NULL', '-f', '-']


# ---- tables ------------------------------------------------------------------------------------

def spread(rng, how, rows):
    """`rows` whole numbers; equal numbers become equal values of whatever type."""
    if how == 'equal':
        return [7] * rows
    if how == 'distinct':
        values = list(range(rows))
        rng.shuffle(values)
        return values
    if how == 'ascending':
        return list(range(rows))
    if how == 'skew': # one value in 60 % of the rows, the rest nearly all different
        return [5 if rng.random() < 0.6 else rng.randrange(2 * rows + 1) for _ in range(rows)]
    if how == 'few':
        return [rng.randrange(6) for _ in range(rows)]
    if how == 'runs': # sorted, many rows a value
        return [i * 23 // max(rows, 1) for i in range(rows)]
    if how == 'head': # a popular head and a long tail
        return [int(rng.paretovariate(0.7)) % (rows + 1) for _ in range(rows)]
    return [rng.randrange(max(rows // 3, 1)) for _ in range(rows)] # many


SPREADS = ['equal', 'distinct', 'ascending', 'skew', 'few', 'runs', 'head', 'many']
NULLS = [0, 0, 0, 0, 0.05, 0.05, 0.9, 1]


def word(i):
    return ('', 'a', 'abc', 'google', 'яндекс')[i] if i < 5 else ('w%d' % i if i % 3 else 'http://a-longer-text.example/%d/%s' % (i, 'x' * (i % 40)))


def long_text(i):
    """Some of each length, up to a megabyte; few are long."""
    length = (0, 1, 12, 13, 255, 4096, 70000, 1000000)[min(i % 97, 7)] if i % 97 < 8 and i < 600 else i % 60
    return (('%d-' % i) * (length // 2 + 1))[:length]


# type: value of a number, as COPY and as literals write it
TYPES = {
    'smallint': lambda i: str(i % 60000 - 30000),
    'integer': lambda i: str(i * 3 - 1000),
    'bigint': lambda i: str(((i + 1) * 6364136223846793005) % (1 << 63) - (1 << 62)),
    'text': word,
    'varchar(90)': word,
    'date': lambda i: '20%02d-%02d-%02d' % (i // 336 % 90, i // 28 % 12 + 1, i % 28 + 1),
    'timestamp': lambda i: '2013-%02d-%02d %02d:%02d:%02d' % (i // 40000 % 12 + 1, i % 28 + 1, i % 24, i // 7 % 60, i // 60 % 60),
    'double precision': lambda i: repr(i / 8),
    'numeric(14,2)': lambda i: '%d.%02d' % (i * 7, i % 100),
    'boolean': lambda i: 'ft'[i % 2],
}


# Kinds of columns beyond the types: value of a number, type.
KINDS = {
    'long text': (long_text, 'text'),
    'wide smallint': (lambda i: str((-32768, 32767, 0, -1)[i % 4] if i % 8 < 4 else i % 65536 - 32768), 'smallint'),
    'wide integer': (lambda i: str((-2**31, 2**31 - 1, 0, -1)[i % 4] if i % 8 < 4 else i * 104729 % 2**32 - 2**31), 'integer'),
    'wide bigint': (lambda i: str((-2**63, 2**63 - 1, 0, -1)[i % 4] if i % 8 < 4 else (i + 1) * 6364136223846793005 % 2**64 - 2**63), 'bigint'),
}
KINDS.update((name, (value, name)) for name, value in TYPES.items())


class Column:
    def __init__(self, rng, name, kind, how, nulls, rows):
        value, self.type = KINDS[kind]
        self.name, self.long, self.wide = name, kind == 'long text', kind.startswith('wide')
        numbers = spread(rng, how, rows)
        self.values = [None if nulls and rng.random() < nulls else value(i) for i in numbers]
        self.text = self.type in ('text', 'varchar(90)')
        self.number = self.type in ('smallint', 'integer', 'bigint', 'double precision', 'numeric(14,2)')

    def literal(self, rng):
        known = [v for v in (self.values[:50] + self.values[-50:]) if v is not None and len(v) < 300]
        v = rng.choice(known) if known and rng.random() < 0.8 else TYPES[self.type](rng.randrange(1000))
        return v if self.number and rng.random() < 0.9 else "'%s'" % v.replace("'", "''")


class Scenario:
    """name, table and queries; all of it drawn from the seed and the name."""

    def __init__(self, seed, name, rows, blocks, kinds, queries, spreads=SPREADS, make=None):
        rng = random.Random('%s %s' % (seed, name))
        self.name, self.rows = name, rows
        self.columns = [Column(rng, 'id', 'integer', 'ascending', 0, rows)]
        for i in range(6):
            kind = rng.choice(kinds)
            self.columns.append(Column(rng, 'k%d' % (i + 1), kind, rng.choice(spreads), rng.choice(NULLS), rows))
        self.columns.append(Column(rng, 'v1', 'wide integer' if name == 'extremes' else 'integer', rng.choice(SPREADS), rng.choice([0, 0, 0.2]), rows))
        self.columns.append(Column(rng, 'v2', 'bigint', 'many', 0, rows))
        self.columns.append(Column(rng, 's', 'long text' if name == 'strings' else 'text', rng.choice(['head', 'many', 'skew']), 0.05, rows))
        self.places = blocks(rng, rows)
        self.queries = [(make or make_query)(rng, self, i) for i in range(queries)]

    def create(self):
        return 'CREATE TABLE t(%s);\n' % ', '.join('%s %s' % (c.name, c.type) for c in self.columns)

    def load(self):
        """CREATE TABLE and one COPY per block, with its rows."""
        out = [self.create()]
        escaped = [[r'\N' if v is None else v for v in c.values] for c in self.columns]
        for begin, end in zip(self.places, self.places[1:]):
            out.append('COPY t FROM STDIN;\n')
            out.extend('\t'.join(column[i] for column in escaped) + '\n' for i in range(begin, end))
            out.append('\\.\n')
        return ''.join(out)


def one_block(rng, rows):
    return [0, rows] if rows else [0]


def one_row_blocks(rng, rows):
    return list(range(rows + 1))


def many_blocks(rng, rows):
    return sorted({0, rows, 1, 2} | {rng.randrange(rows) for _ in range(40)})


def uneven(rng, rows):
    return sorted({0, rows, rng.randrange(rows), min(rows, 1025)})


def few_blocks(rng, rows):
    """Large enough for histograms of counts to differ, in one case nearly unique within a block."""
    return sorted({0, rows, rows // 2, rows // 2 + 3000} | {rng.randrange(rows) for _ in range(rng.randrange(4))})


ALL_TYPES = list(TYPES)
SCENARIOS = [ # name, rows, blocks, types of the keys, queries
    ('empty', 0, one_block, ALL_TYPES, 25),
    ('one row', 1, one_block, ALL_TYPES, 15),
    ('blocks of one row', 60, one_row_blocks, ALL_TYPES, 40),
    ('small', 700, one_block, ALL_TYPES, 60),
    ('small 2', 3000, uneven, ALL_TYPES, 60),
    ('numbers', 5000, uneven, ['smallint', 'integer', 'bigint'], 50),
    ('extremes', 4000, many_blocks, ['wide smallint', 'wide integer', 'wide bigint'], 50),
    ('texts', 5000, uneven, ['text', 'varchar(90)'], 40),
    ('strings', 1500, uneven, ['text', 'integer'], 25),
    ('many blocks', 9000, many_blocks, ALL_TYPES, 40),
    ('large', 90000, many_blocks, ['integer', 'bigint', 'text', 'smallint', 'timestamp'], 25),
    ('tops', 110000, few_blocks, ['integer', 'bigint', 'text', 'integer', 'date', 'varchar(90)'], 40, ['skew', 'head', 'head', 'skew', 'few', 'many'],
     lambda *of: make_top_query(*of)),
]


# ---- queries -----------------------------------------------------------------------------------

def condition(rng, columns):
    c = rng.choice(columns)
    forms = ['{c} IS NULL', '{c} IS NOT NULL', '{c} = {l}', '{c} <> {l}', '{c} < {l}', '{c} >= {l}', '{c} IN ({l}, {m}, NULL)',
             '{c} NOT IN ({l}, {m})', '{c} BETWEEN {l} AND {m}', '({c} = {l} OR {o})', 'NOT ({c} > {l})']
    if c.type == 'boolean':
        forms = ['{c}', 'NOT {c}', '{c} IS NULL']
    elif c.text:
        forms += ["{c} LIKE '%oo%'", "{c} LIKE 'http%'", "{c} NOT LIKE 'w1%'", 'length({c}) > 3', "{c} = ''", "{c} <> ''"]
    elif c.type in ('smallint', 'integer', 'bigint'):
        forms += ['{c} % 7 = 3']
        if not c.wide: # of several conditions those that cannot fail may go first, and hide an overflow
            forms += ['{c} + 1 > {l}']
    other = rng.choice(columns)
    return rng.choice(forms).format(c=c.name, l=c.literal(rng), m=c.literal(rng), o=other.name + ' IS NULL')


def key(rng, c):
    """An expression over one column to group by; NULL may become a value."""
    forms = ['{c}'] * 6
    if c.type in ('integer', 'bigint', 'text', 'varchar(90)') and not c.long:
        forms += ['coalesce({c}, %s)' % c.literal(rng)]
    if c.type in ('integer', 'bigint'):
        forms += ['{c} % 10', '-{c}', '{c} / 1000']
    elif c.text:
        forms += ['length({c})', 'upper({c})', 'substr({c}, 1, 2)', "{c} LIKE '%a%'"]
    elif c.type == 'timestamp':
        forms += ["date_trunc('hour', {c})", 'extract(minute FROM {c})']
    elif c.type == 'date':
        forms += ['extract(month FROM {c})']
    return rng.choice(forms).format(c=c.name)


def aggregate(rng, columns):
    c = rng.choice(columns)
    forms = ['count(*)', 'count(*)', 'count({c})', 'count(DISTINCT {c})', 'count(DISTINCT {c})']
    if c.type != 'boolean':
        forms += ['min({c})', 'max({c})']
    if c.number:
        forms += ['sum({c})', 'sum({c})', 'avg({c})', 'sum(DISTINCT {c})', 'sum({c} + 1)']
    if c.text:
        forms += ['sum(length({c}))', 'min(upper({c}))']
    if c.type == 'boolean':
        forms += ['bool_or({c})', 'bool_and({c})']
    text = rng.choice(forms).format(c=c.name)
    if rng.random() < 0.1:
        text += ' FILTER (WHERE %s)' % condition(rng, columns)
    return text


def shown(text, columns):
    """Long texts are shown by length and hash, whatever they are grouped by."""
    if any(c.long and re.search(r'\b%s\b' % c.name, text) for c in columns) and not re.match(r'(length|count|sum|substr)\(', text) and 'LIKE' not in text:
        return 'length(%s), md5(%s)' % (text, text)
    return text


def make_query(rng, table, number):
    columns = table.columns
    where = ''
    if rng.random() < 0.45:
        where = ' WHERE ' + ' AND '.join(condition(rng, columns) for _ in range(rng.choice([1, 1, 1, 2, 3])))
    show = lambda items: ', '.join(shown(x, columns) for x in items)
    limit = ' LIMIT %d' % rng.choice([1, 2, 5, 10, 100]) + (' OFFSET %d' % rng.choice([1, 7, 100]) if rng.random() < 0.2 else '')
    shape = rng.random()
    keyed = rng.sample(columns[1:7] + columns[9:], rng.choice([1, 1, 1, 1, 2, 2, 2, 3, 3, 4]))
    keys = [key(rng, c) for c in keyed]
    if shape < 0.07: # no keys
        return Query(number, 'SELECT %s FROM t%s;' % (show(aggregate(rng, columns) for _ in range(rng.choice([1, 2, 4]))), where), True, True)
    if shape < 0.14: # DISTINCT
        cut = rng.random() < 0.4
        order = ' ORDER BY ' + ', '.join(keys) if rng.random() < 0.5 and not any(c.long for c in keyed) else ''
        return Query(number, 'SELECT DISTINCT %s FROM t%s%s%s;' % (show(keys), where, order, limit if cut else ''), bool(order or cut), bool(order) or not cut)
    if shape < 0.22: # rows
        order = ' ORDER BY %s, id' % ', '.join(c.name + rng.choice(['', ' DESC', ' NULLS FIRST']) for c in keyed)
        return Query(number, 'SELECT id, %s FROM t%s%s%s;' % (show(keys), where, order, limit), True, True)
    if shape < 0.30: # groups of groups: how many groups have how many rows
        inner = 'SELECT count(*) AS n, %s AS x FROM t%s GROUP BY %s' % (aggregate(rng, columns), where, ', '.join(keys))
        return Query(number, 'SELECT n, count(*), count(x), min(x), max(x) FROM (%s) s GROUP BY n;' % inner.replace(' AS x', '::text AS x'), False, True)
    aggregates = [aggregate(rng, columns) for _ in range(rng.choice([1, 1, 2, 3, 5]))]
    having = ' HAVING %s' % rng.choice(['count(*) > 1', 'count(*) < 3', 'count(*) BETWEEN 2 AND 50', 'min(id) > 10', 'count(DISTINCT v1) > 1']) if rng.random() < 0.15 else ''
    ordered = rng.random()
    order, total = '', False
    if ordered < 0.25:
        order = ' ORDER BY count(*)%s' % rng.choice(['', ' DESC', ' DESC'])
    elif ordered < 0.35:
        order = ' ORDER BY %s%s' % (aggregates[-1], rng.choice(['', ' DESC', ' NULLS FIRST']))
    elif ordered < 0.65:
        first = ['count(*) DESC', aggregates[0]] if rng.random() < 0.5 else []
        order, total = ' ORDER BY ' + ', '.join(first[:1] + [k + rng.choice(['', ' DESC', ' DESC NULLS LAST']) for k in keys]), True
    cut = rng.random() < (0.7 if order else 0.2)
    sql = 'SELECT %s FROM t%s GROUP BY %s%s%s%s;' % (show(keys + aggregates), where, ', '.join(keys), having, order, limit if cut else '')
    return Query(number, sql, bool(order or cut), total or not (cut or order))


def make_top_query(rng, table, number):
    """Groups of which LIMIT takes few: thresholds, fixed groups, whole lists."""
    columns = table.columns
    keyed = rng.sample(columns[1:7] + columns[9:], rng.choice([1, 1, 2, 2, 3]))
    keys = [c.name for c in keyed]
    where = ''
    if rng.random() < 0.6:
        where = ' WHERE ' + ' AND '.join(condition(rng, rng.choice([keyed, keyed, columns])) for _ in range(rng.choice([1, 1, 2])))
    if rng.random() < 0.12:
        c = rng.choice(columns)
        return Query(number, 'SELECT count(DISTINCT %s) FROM t%s;' % (c.name, where), True, True)
    limit = ' LIMIT %s' % rng.choice([1, 3, 10, 10, 40, 700]) + rng.choice(['', '', ' OFFSET 2', ' OFFSET 13'])
    first = rng.choice(['count(*)', 'count(*)', 'count(*)', 'count(%s)' % rng.choice(columns).name, 'count(DISTINCT %s)' % rng.choice(columns).name])
    others = [aggregate(rng, columns) for _ in range(rng.choice([0, 0, 1, 2]))]
    shown_keys = keys + [rng.choice([k + ' - 1', k + ' + 2', '1 / (%s + 7)' % k]) for k, c in zip(keys, keyed)
                         if c.type in ('integer', 'bigint') and rng.random() < 0.2]
    select = 'SELECT %s FROM t%s GROUP BY %s' % (', '.join(shown_keys + [first] + others), where, ', '.join(keys))
    shape = rng.random()
    if shape < 0.25: # groups of the first rows
        return Query(number, select + limit + ';', True, False)
    if shape < 0.5: # ties are settled by the engine
        return Query(number, select + ' ORDER BY %s DESC' % first + limit + ';', True, False)
    return Query(number, select + ' ORDER BY %s DESC, %s' % (first, ', '.join(keys)) + limit + ';', True, True)


class Query:
    """ordered: rows are compared in order; defined: PostgreSQL has no choice."""

    def __init__(self, number, sql, ordered, defined):
        self.name, self.sql, self.ordered, self.oracle = 'query %d' % number, sql, ordered, defined


# ---- runs --------------------------------------------------------------------------------------

def memory_in_use(quern, scenario):
    """Bytes that the database takes once the table is loaded: what a refused limit says."""
    done = subprocess.run([quern, '--threads', '8', '-q', '-v', 'ON_ERROR_STOP=off', '-f', '-'],
                          input=(scenario.load() + "SET quern.memory_limit = '1B';\n").encode(), capture_output=True, check=False)
    found = re.search(r'uses (\d+) bytes', done.stderr.decode('utf-8', 'replace'))
    return int(found.group(1)) if found else 0


def configurations(rng, modes, levels, extent, in_use):
    """(mode, level, threads, optimizer, memory limit) in the order in which they are run; the first is the reference."""
    yield PLAIN
    yield ('auto', levels[-1], 2, 'on', '0')
    for mode in modes:
        every = [c + ('0',) for c in itertools.product([mode], levels, THREADS, ['on', 'on', 'off'] if extent == 'usual' else ['on', 'off'])]
        yield from (c for c in (every if extent == 'all' else rng.sample(every, COMBINATIONS)) if c != PLAIN)
        yield (mode, levels[-1], rng.choice(THREADS), 'on', str(in_use + (rng.choice([24, 64, 160]) << 20)))


def settings_of(config):
    mode, level, threads, optimizer, memory = config
    return ['quern.group_mode = %s' % mode, 'quern.isa = %s' % level, 'quern.threads = %d' % threads, 'quern.optimizer = %s' % optimizer,
            "quern.memory_limit = '%s'" % memory]


def run_scenario(quern, scenario, queries, configs):
    """{config: [lines of each query]} of one process; shorter where the process ended early."""
    script = [scenario.load()]
    for config in configs:
        script.append(diff.script(queries, settings_of(config)))
    done = subprocess.run([quern, '--threads', '8'] + SHELL, input=''.join(script).encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=diff.SECONDS, check=False)
    parts = done.stdout.decode('utf-8', 'replace').split(diff.MARK + '\n')
    if parts[0].strip():
        print('FAIL diff modes %s: load: %s' % (scenario.name, parts[0][:500]))
    if len(parts) != 1 + len(queries) * len(configs):
        print('    status %d after %d of %d queries; the last: %s' % (done.returncode, len(parts) - 1, len(queries) * len(configs), parts[-1][-500:]))
    result = {}
    for c, config in enumerate(configs):
        result[config] = []
        for q, text in zip(queries, parts[1 + c * len(queries):]):
            lines = [re.sub(r'^\w+:<stdin>:\d+: ', '', x) for x in text.split('\n') if x]
            result[config].append(lines if q.ordered else sorted(lines))
    return result


def postgresql(o):
    """A server of its own for `with`, or None."""
    if o.no_oracle or o.dump or not os.access(os.path.join(os.environ.get('PG_BINDIR', '/usr/lib/postgresql/15/bin'), 'initdb'), os.X_OK):
        return contextlib.nullcontext()
    sys.path.insert(0, os.path.join(diff.TOP, 'scripts'))
    import oracle
    return oracle.Server()


def ask_postgresql(server, scenario, queries, expected):
    pairs = [(q, e) for q, e in zip(queries, expected) if q.oracle]
    # PostgreSQL has no position for errors of rows.
    plain = [[re.sub(r'^(ERROR: .*) at character \d+$', r'\1', line) for line in e] for _, e in pairs]
    command = [os.path.join(server.bin, 'psql'), '-X', '-q', '-At', '-d', 'postgres', '-v', 'VERBOSITY=terse', '-P', 'null=NULL', '-f', '-']
    subprocess.run(command, input=('DROP TABLE IF EXISTS t;\n' + scenario.load()).encode(), env=server.environment, check=True, stderr=subprocess.DEVNULL)
    got, _ = diff.answers(command, [q for q, _ in pairs], [], server.environment)
    got = [[re.sub(r' at character \d+$', '', line) for line in g] for g in got]
    return diff.compare('modes %s, postgresql' % scenario.name, [q for q, _ in pairs], plain, got)


def run(o, seed, modes, levels, scenario, server):
    queries = [q for i, q in enumerate(scenario.queries) if o.query is None or i == o.query]
    configs = list(dict.fromkeys(configurations(random.Random('%s %s' % (seed, scenario.name)), modes, levels, o.extent, memory_in_use(o.quern, scenario))))
    if o.dump:
        with open(o.dump, 'w', encoding='utf-8') as out:
            out.write(scenario.load() + ''.join(diff.script(queries, settings_of(c)) for c in configs))
        print('wrote %s: quern --threads 8 -f %s' % (o.dump, o.dump))
        return True
    got = run_scenario(o.quern, scenario, queries, configs)
    expected, good = got[PLAIN], True
    if len(expected) != len(queries):
        print('FAIL diff modes %s: the reference run ended early' % scenario.name)
        return False
    for config in configs[1:]:
        if config[4] != '0':
            got[config] = [e if any('ERROR:  out of memory' in line for line in g) else g for g, e in zip(got[config], expected)]
        if got[config] != expected:
            good = False
            diff.compare('modes %s: %s, %s kernels, %d threads, optimizer %s, memory limit %s' % ((scenario.name,) + config), queries, expected, got[config])
    if not good:
        print('    again: tests/diff/modes.py --seed %d --extent %s --scenario "%s" --query N' % (seed, o.extent, scenario.name))
    else:
        print('PASS diff modes %s (%d queries, %d configurations)' % (scenario.name, len(queries), len(configs)))
    sys.stdout.flush()
    if server:
        good &= ask_postgresql(server, scenario, queries, expected)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quern', default=os.path.join(diff.TOP, 'build', 'quern'))
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--scenario', help='only this one')
    parser.add_argument('--query', type=int, help='only the query of this number')
    parser.add_argument('--extent', choices=['usual', 'all'], default='usual')
    parser.add_argument('--no-oracle', action='store_true', help='do not ask PostgreSQL')
    parser.add_argument('--dump', help='write a script instead of running')
    o = parser.parse_args()
    seed = o.seed or random.SystemRandom().randrange(1, 2 ** 31)
    modes, levels = diff.choices(o.quern, 'quern.group_mode'), [x for x in diff.choices(o.quern, 'quern.isa') if x != 'auto']
    print('seed %d; modes %s; kernels %s' % (seed, ' '.join(modes), ' '.join(levels)))
    good = True
    with postgresql(o) as server:
        for name, *rest in SCENARIOS:
            if o.scenario is None or o.scenario == name:
                good &= run(o, seed, modes, levels, Scenario(seed, name, *rest), server)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
