#!/usr/bin/env python3
"""The same queries in every configuration: the same answers.

    diff.py [OPTION]... [FILE.sql]...

One table t with the values that make trouble (generate(), below) is loaded in two shapes: two blocks, and some
forty of very uneven sizes.  queries.sql beside this file, and random queries from a seed, then run once on one
worker with the plainest settings; every other configuration (workers, dispatch tables, instruction sets, grouping
modes, optimizer) must print the same text, errors included.  With --oracle PostgreSQL must print it too.

Rows are compared in order, unless a grouping has neither ORDER BY nor LIMIT: then as a multiset.  Ties of an
ORDER BY are settled by row id, so they count.  PostgreSQL leaves ties and the rows of a LIMIT open, and adds
floats in row order: `-- only: REASON` before a query keeps it from the oracle.

A line "PASS name" or "FAIL name" per configuration; the first differences are shown.  --seed 0 draws one.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
MARK = '\x1e'
# Rows in row order, and groups that show their first row.
ORACLE_SETTINGS = ['max_parallel_workers_per_gather = 0', 'synchronize_seqscans = off', 'jit = off', 'enable_sort = off',
                   'work_mem = \'1GB\'']
SECONDS = 600
LIMIT = 5 # differences shown

COLUMNS = [
    ('id', 'integer NOT NULL'), ('few', 'integer'), ('many', 'integer'), ('big', 'bigint'), ('zero', 'integer'),
    ('small', 'smallint'), ('word', 'text'), ('key', 'text'), ('f', 'double precision'), ('g', 'double precision'),
    ('r', 'real'), ('n', 'numeric'), ('m', 'numeric(12,2)'), ('c', 'char(5)'), ('v', 'varchar(20)'),
    ('iv', 'interval'), ('d', 'date'), ('ts', 'timestamp'), ('b', 'boolean')]


# ---- rows ------------------------------------------------------------------------------------

def generate(rows, path, seed):
    """Write `rows` lines in COPY's text form; the offsets at which lines begin."""
    rng = random.Random(seed)
    words = ['', 'a', 'A', 'ab', 'abc', 'zebra', 'google', 'www.google.com/', 'яндекс', 'Ünïcödé', '日本語', '𝄞', ' ', 'a ',
             'nul', 'o\'clock', '100%', 'under_score', 'back\\\\slash', 'tab\\there'] + ['word%d' % i for i in range(40)]
    numbers = ['0', '0.0', '-0.00', '1', '1.0', '1.00', '1.000', 'NaN', '-1', '123.4500', '123.45', '1e-20', '99999999999999999999']
    specials = ['0', '-0', 'NaN', '1', '1.5', 'Infinity', '-Infinity', '\\N', '-1.5', '1e-310', '1e308']
    spans = ['1 mon', '30 days', '720:00:00', '1 day', '24:00:00', '1 year', '12 mons', '360 days', '-1 days', '00:00:00.000001']
    offsets, at = [], 0
    null = lambda text, chance: '\\N' if rng.random() < chance else text
    with open(path, 'w', encoding='utf-8', newline='') as out:
        run = 0
        for i in range(rows):
            if rng.random() < 0.001:
                run = rng.randrange(7)
            key = rng.randrange(rows // 5)
            line = '\t'.join([
                str(i),
                null(str(run), 0.05),
                null(str(rng.randrange(rows // 2)), 0.02),
                null(str((rng.randrange(1000) - 500) * 2305843009213693), 0.02),
                '0' if rng.random() < 0.3 else str(rng.randrange(-5, 6)),
                null(str(rng.randrange(-300, 300)), 0.1),
                null(rng.choice(words), 0.1),
                null(('http://host%d/%s' if key % 3 else 'k%d%s') % (key, 'p' * (key % 29)), 0.01),
                null(repr(rng.uniform(-1, 1) * 10.0 ** rng.randrange(-30, 30)), 0.02),
                rng.choice(specials),
                null(repr(rng.randrange(-800, 800) / 8), 0.05),
                null(rng.choice(numbers) if rng.random() < 0.5 else '%.*f' % (rng.randrange(4), rng.uniform(-99, 99)), 0.05),
                null('%.2f' % rng.uniform(-1e6, 1e6), 0.02),
                null(rng.choice(['a', 'ab', 'abc  ', 'a    ', '', 'é', 'zzzzz']), 0.05),
                null('v%d' % (i // 500 % 997), 0.02),
                null(rng.choice(spans), 0.05),
                null('20%02d-%02d-%02d' % (rng.randrange(10, 14), rng.randrange(1, 13), rng.randrange(1, 28)), 0.02),
                null('2013-07-%02d %02d:%02d:%02d' % (i * 28 // rows + 1, rng.randrange(24), rng.randrange(60), rng.randrange(60)), 0.02),
                rng.choice(['t', 'f', '\\N']),
            ]) + '\n'
            offsets.append(at)
            at += len(line.encode())
            out.write(line)
    return offsets


def cut(path, offsets, seed):
    """The same rows in many files of very uneven sizes."""
    rng = random.Random(seed)
    rows = len(offsets)
    places = sorted({0, 1, 2, 1025, rows} | {rng.randrange(rows) for _ in range(36)})
    size = os.path.getsize(path)
    names = []
    with open(path, 'rb') as whole:
        for number, (begin, end) in enumerate(zip(places, places[1:])):
            names.append('%s.%d' % (path, number))
            with open(names[-1], 'wb') as part:
                part.write(whole.read((offsets[end] if end < rows else size) - offsets[begin]))
    return names


def load_sql(paths):
    create = 'CREATE TABLE t(%s);\n' % ', '.join(' '.join(column) for column in COLUMNS)
    return create + ''.join("\\copy t FROM '%s'\n" % path for path in paths)


# ---- queries ---------------------------------------------------------------------------------

class Query:
    def __init__(self, name, sql, oracle=True):
        self.name, self.sql, self.oracle = name, sql, oracle
        text = re.sub(r'\([^()]*\)', '', re.sub(r"'[^']*'", '', sql))
        text = re.sub(r'\([^()]*\)', '', text).upper()
        grouped = 'GROUP BY' in text or 'DISTINCT' in text
        self.ordered = not grouped or 'ORDER BY' in text or 'LIMIT' in text


def read_queries(path):
    """Statements end with a semicolon at the end of a line; comments may say `only:`."""
    queries, lines, oracle, begin = [], [], True, 0
    with open(path, encoding='utf-8') as script:
        for number, line in enumerate(script, 1):
            line = line.rstrip('\n')
            if line.startswith('--') or not line.strip():
                oracle = oracle and not line.startswith('-- only:')
                continue
            begin = begin if lines else number
            lines.append(line)
            if line.endswith(';'):
                queries.append(Query('%s:%d' % (os.path.basename(path), begin), '\n'.join(lines), oracle))
                lines, oracle = [], True
    return queries


NAMES = {name for name, _ in COLUMNS}
KEYS = ['few', 'many', 'big', 'zero', 'small', 'word', 'key', 'g', 'r', 'n', 'c', 'v', 'iv', 'd', 'b',
        'length(word)', 'zero + 1', 'few * 2', 'upper(word)', 'date_trunc(\'hour\', ts)', 'extract(dow FROM d)',
        'CASE WHEN zero > 0 THEN word ELSE v END', 'substr(key, 1, 12)', 'small / 100', 'word LIKE \'%o%\'',
        'coalesce(word, c)', 'id / 1000', '1']
AGGREGATES = ['count(*)', 'count(few)', 'count(word)', 'sum(few)', 'sum(big)', 'avg(small)', 'min(key)', 'max(key)', 'min(word)',
              'max(v)', 'min(d)', 'max(ts)', 'sum(f)', 'avg(f)', 'sum(m)', 'avg(m)', 'min(id)', 'max(id)',
              'count(DISTINCT many)', 'count(DISTINCT key)', 'count(DISTINCT word)', 'sum(DISTINCT small)', 'count(DISTINCT n)',
              'count(DISTINCT c)', 'count(DISTINCT iv)', 'count(DISTINCT g)', 'sum(zero) FILTER (WHERE b)', 'count(*) FILTER (WHERE few > 2)',
              'sum(length(key))', 'bool_or(b)', 'stddev_samp(small)', 'var_pop(f)', 'sum(r)', 'avg(length(word))',
              'count(DISTINCT key) FILTER (WHERE zero <> 0)', 'max(CASE WHEN zero <> 0 THEN 100 / zero END)', 'min(upper(word))']
FILTERS = ['few = 3', 'few <> 3', 'many < 1000', 'many BETWEEN 500 AND 90000', 'word LIKE \'%oo%\'', 'word = \'\'', 'key LIKE \'%host7%\'',
           'zero <> 0', 'zero <> 0 AND 10 / zero > 1', 'b', 'NOT b', 'b IS NULL', 'word IS NOT NULL', 'small IN (1, 2, 3, 250, NULL)',
           'd >= \'2012-06-01\'', 'ts < \'2013-07-03\'', 'id % 1000 = 7', 'n = 1', 'g = 0', 'c = \'a\'', 'iv = \'1 mon\'', 'length(word) > 3',
           'few = 3 OR small = 9', 'word <> \'\' AND word NOT LIKE \'word%\'', 'm > 500000.00', 'f > 0', 'small NOT IN (1, 2)',
           'big > 0', 'CASE WHEN zero <> 0 THEN 10 / zero > 3 ELSE few = 1 END', 'word < v', 'id < 600', 'id > 590000', 'key = \'nowhere\'']
ROWS = ['id', 'few', 'many', 'word', 'key', 'f', 'g', 'n', 'c', 'iv', 'd', 'b', 'upper(word)', 'zero + few', 'm * 2', 'v || \'x\'', 'key']


def random_query(rng, number):
    where = ' WHERE ' + ' AND '.join(rng.sample(FILTERS, rng.choice([1, 1, 2, 3]))) if rng.random() < 0.6 else ''
    limit = ''
    if rng.random() < 0.6:
        limit = ' LIMIT %d' % rng.choice([0, 1, 3, 10, 50, 1000])
        if rng.random() < 0.3:
            limit += ' OFFSET %d' % rng.choice([1, 10, 1000, 10000000])
    if rng.random() < 0.3:
        columns = rng.sample(ROWS, rng.choice([1, 2, 4]))
        order = ''
        if limit and rng.random() < 0.7:
            order = ' ORDER BY ' + ', '.join(x + rng.choice(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])
                                             for x in rng.sample(ROWS, rng.choice([1, 2])))
        sql = 'SELECT %s FROM t%s%s%s;' % (', '.join(columns), where, order, limit or ' LIMIT 200')
        return Query('random %d' % number, sql, False)
    keys = []
    for key in rng.sample(KEYS, rng.choice([0, 1, 1, 1, 2, 2, 3])):
        # Ties of groups go by their keys: a constant, or one that follows from another, is dropped by the optimizer.
        if not keys or (key != '1' and keys != ['1'] and not any(set(re.findall(r'[a-z]+', key)) & set(re.findall(r'[a-z]+', other)) & NAMES for other in keys)):
            keys.append(key)
    aggregates = rng.sample(AGGREGATES, rng.choice([1, 1, 2, 3, 5]))
    group = ' GROUP BY ' + ', '.join(str(i + 1) for i in range(len(keys))) if keys else ''
    having = ' HAVING count(*) > %d' % rng.choice([1, 5, 100]) if keys and rng.random() < 0.2 else ''
    order = ''
    if keys and (limit or rng.random() < 0.3):
        order = ' ORDER BY %d %s' % (rng.randrange(len(keys) + len(aggregates)) + 1, rng.choice(['', 'DESC', 'DESC NULLS LAST']))
        if rng.random() < 0.15:
            order = ''
    sql = 'SELECT %s FROM t%s%s%s%s%s;' % (', '.join(keys + aggregates), where, group, having, order, limit)
    # Without LIMIT a grouping is a multiset, which PostgreSQL defines; but not the sums of floats, the form of
    # coarse keys and the order of ties.
    exact = not re.search(r'\((f|r)\)|\b(g|n|c|iv)\b', sql) and not limit and not order
    return Query('random %d' % number, sql, exact)


# ---- runs ------------------------------------------------------------------------------------

def script(queries, settings):
    lines = ['SET %s;' % s for s in settings]
    for q in queries:
        lines += ['\\echo %s' % MARK, q.sql]
    return '\n'.join(lines) + '\n'


def answers(command, queries, settings, environment=None, **how):
    """What each query printed, normalised; the exit status."""
    done = subprocess.run(command, input=script(queries, settings).encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=environment, timeout=SECONDS, check=False, **how)
    parts = done.stdout.decode('utf-8', 'replace').split(MARK + '\n')
    if len(parts) != len(queries) + 1:
        print('    status %d after %d of %d queries: %s' % (done.returncode, len(parts) - 1, len(queries), parts[-1][-2000:]))
    result = []
    for q, text in zip(queries, parts[1:]):
        lines = [re.sub(r'^\w+:<stdin>:\d+: ', '', x) for x in text.split('\n')]
        lines = [x for x in lines if x and not x.startswith('DEBUG: ')]
        result.append(lines if q.ordered else sorted(lines))
    return result, done.returncode


def compare(name, queries, expected, got):
    bad = 0
    for q, want, have in zip(queries, expected, got + [['(no answer)']] * (len(queries) - len(got))):
        if want == have:
            continue
        bad += 1
        if bad > LIMIT:
            continue
        print('    %s: %s' % (q.name, q.sql.replace('\n', ' ')))
        at = next((i for i, (a, b) in enumerate(zip(want, have)) if a != b), min(len(want), len(have)))
        print('      expected %d rows, got %d; first difference in row %d' % (len(want), len(have), at + 1))
        print('      expected %s' % ' / '.join(want[at:at + 3])[:400])
        print('      got      %s' % ' / '.join(have[at:at + 3])[:400])
    print('%s diff %s%s' % ('FAIL' if bad else 'PASS', name, ' (%d of %d queries)' % (bad, len(queries)) if bad else ''))
    sys.stdout.flush()
    return bad == 0


def choices(quern, setting):
    """What the setting may be, from the hint of the error that a wrong value gives."""
    done = subprocess.run([quern, '-q', '-c', "SET %s = 'no such value'" % setting], capture_output=True, text=True, check=False)
    found = re.search(r'Available values: (.*)\.', done.stderr)
    return [x for x in found.group(1).split(', ')
            if not subprocess.run([quern, '-q', '-c', "SET %s = '%s'" % (setting, x)], capture_output=True, check=False).returncode]


def configurations(extent, modes):
    """(name, table shape, threads, settings)"""
    yield '2 threads', 'two', 2, []
    yield '8 threads, many blocks', 'many', 8, []
    if extent == 'quick':
        return
    yield 'code_array, many blocks', 'many', 4, ['quern.group_mode = code_array']
    yield 'hash, many blocks', 'many', 4, ['quern.group_mode = hash']
    yield 'optimizer off, many blocks', 'many', 3, ['quern.optimizer = off']
    yield 'validate', 'two', 2, ['quern.dispatch = validate']
    yield 'base', 'two', 2, ['quern.isa = base']
    if extent != 'all':
        return
    yield '1 thread, many blocks', 'many', 1, []
    for mode in modes:
        if mode not in ['code_array', 'hash']:
            yield mode + ', many blocks', 'many', 4, ['quern.group_mode = %s' % mode]
    for mode in modes:
        yield mode, 'two', 2, ['quern.group_mode = %s' % mode]
    for mode in ['trace', 'profile']:
        yield mode, 'two', 2, ['quern.dispatch = %s' % mode]
    for level in ['avx2', 'avx512']:
        yield level, 'two', 2, ['quern.isa = %s' % level]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quern', default=os.path.join(TOP, 'build', 'quern'))
    parser.add_argument('--rows', type=int, default=600000)
    parser.add_argument('--random', type=int, default=60, help='how many random queries')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--extent', choices=['quick', 'usual', 'all'], default='usual', help='how many configurations')
    parser.add_argument('--only', help='only the configuration of this name, after the reference')
    parser.add_argument('--oracle', action='store_true', help='PostgreSQL 15 must agree as well')
    parser.add_argument('files', nargs='*', default=[os.path.join(HERE, 'queries.sql')])
    o = parser.parse_args()
    seed = o.seed or random.SystemRandom().randrange(1, 2 ** 31)
    print('seed %d' % seed)
    rng = random.Random(seed)
    queries = [q for path in o.files for q in read_queries(path)] + [random_query(rng, i) for i in range(o.random)]
    with tempfile.TemporaryDirectory(prefix='quern-diff-') as work:
        path = os.path.join(work, 't.tsv')
        offsets = generate(o.rows, path, seed)
        parts = cut(path, offsets, seed)
        for shape, paths in [('two', [path]), ('many', parts)]:
            done = subprocess.run([o.quern, '-q', os.path.join(work, shape), '-f', '-'], input=load_sql(paths).encode(), check=False)
            if done.returncode:
                print('FAIL diff load %s' % shape)
                return 1
            print('PASS diff load %s' % shape)

        def run(shape, threads, settings):
            return answers([o.quern, '-q', '-At', '-F', '|', '-v', 'ON_ERROR_STOP=off', '-v', 'VERBOSITY=terse', '-P', 'null=NULL', '--threads', str(threads),
                            '--read-only', os.path.join(work, shape), '-f', '-'], queries, settings)

        good = True
        expected, status = run('two', 1, ['quern.group_mode = hash', 'quern.optimizer = off'])
        if len(expected) != len(queries):
            print('FAIL diff reference run (status %d)' % status)
            return 1
        for name, shape, threads, settings in configurations(o.extent, [x for x in choices(o.quern, 'quern.group_mode') if x != 'auto']):
            if o.only and o.only != name:
                continue
            if 'quern.isa' in ''.join(settings) and subprocess.run(
                    [o.quern, '-q', '-c', 'SET %s' % settings[0]], stderr=subprocess.DEVNULL, check=False).returncode:
                print('SKIP diff %s (not on this machine)' % name)
                continue
            got, _ = run(shape, threads, settings)
            good &= compare(name, queries, expected, got)
        if o.oracle:
            good &= ask_oracle(queries, expected, path)
        return 0 if good else 1


def ask_oracle(queries, expected, path):
    sys.path.insert(0, os.path.join(TOP, 'scripts'))
    import oracle
    pairs = [(q, e) for q, e in zip(queries, expected) if q.oracle]
    asked = [q for q, _ in pairs]
    with oracle.Server() as server:
        command = [os.path.join(server.bin, 'psql'), '-X', '-q', '-At', '-d', 'postgres', '-v', 'VERBOSITY=terse', '-P', 'null=NULL', '-f', '-']
        subprocess.run(command, input=load_sql([path]).encode(), env=server.environment, check=True)
        got, _ = answers(command, asked, ORACLE_SETTINGS,
                         server.environment)
    # PostgreSQL has no position for errors of rows.
    plain = [[re.sub(r'^(ERROR: .*) at character \d+$', r'\1', line) for line in e] for _, e in pairs]
    return compare('postgresql', asked, plain, [[re.sub(r' at character \d+$', '', line) for line in g] for g in got])


if __name__ == '__main__':
    sys.exit(main())
