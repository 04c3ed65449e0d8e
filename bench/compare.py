#!/usr/bin/env python3
"""Run the 43 ClickBench queries on quern and DuckDB, taking turns, and compare times and answers.

Called by scripts/bench-clickbench.sh, which says what the options mean.  Each engine is one long-lived process
that speaks the lines of bench/client.c.  Both load the same file into a database on disk, are closed, and are
opened again for the queries.  Per query: quern, DuckDB (the cold run: first of this process, files in the
system's cache), then three more turns each (hot: the best of these).  ratio is (quern + 1 ms) / (DuckDB + 1 ms)
of the hot times, so that noise of microseconds does not decide.
"""
import argparse, csv, math, os, re, shutil, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))


class Engine:
    """A process that answers statements, one line each."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(' '.join(line.split()) + '\n' if not line.startswith('save') else line + '\n')
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError('%s ended with status %s' % (self.name, self.process.wait()))
        if not answer.startswith('ok '):
            raise ValueError('%s: %s' % (self.name, answer))
        return float(answer.split()[1])

    def peak_mb(self):
        """The most memory the process ever had resident, mapped files included."""
        with open('/proc/%d/status' % self.process.pid) as status:
            return int(re.search(r'VmHWM:\s+(\d+)', status.read()).group(1)) / 1024

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise RuntimeError('%s ended with status %d' % (self.name, self.process.returncode))


def size_mb(path):
    if not os.path.isdir(path):
        return os.path.getsize(path) / 1e6
    return sum(os.path.getsize(os.path.join(folder, f)) for folder, _, files in os.walk(path) for f in files) / 1e6


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


def plain_text(source, folder):
    """DuckDB knows no backslash escapes in COPY: where the file has some, a CSV file without them."""
    if subprocess.run(['grep', '-q', '-m1', '-F', '\\', source]).returncode != 0:
        return source, r"DELIMITER '\t', QUOTE '', ESCAPE '', NULLSTR '\N', HEADER false"
    names = {'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}
    target = os.path.join(folder, 'unescaped.csv')
    def quoted(field):
        if field == '\\N':
            return ''
        field = re.sub(r'\\(.)', lambda m: names.get(m.group(1), m.group(1)), field, flags=re.S)
        return '"%s"' % field.replace('"', '""')

    with open(source, newline='\n', encoding='utf-8') as lines, \
            open(target, 'w', newline='', encoding='utf-8') as out:
        for line in lines:
            out.write(','.join(map(quoted, line.rstrip('\n').split('\t'))) + '\n')
    return target, """FORMAT csv, DELIMITER ',', QUOTE '"', ESCAPE '"', HEADER false, ALLOW_QUOTED_NULLS false"""


def starters(options, databases):
    commands = {'quern': ['build/bench/bench_client', '--threads', str(options.threads), databases['quern']],
                'duckdb': ['node', os.path.join(HERE, 'peers/duckdb.mjs'), str(options.threads), databases.get('duckdb')]}
    return {name: (lambda name=name: Engine(name, commands[name])) for name in databases}


def load(options, start, databases, create, report):
    for name in start:
        if options.reuse and os.path.exists(databases[name]):
            report('load', name, 'reused, %.0f MB on disk' % size_mb(databases[name]))
            continue
        source, how = options.file, ''
        if name == 'duckdb':
            source, how = plain_text(options.file, options.folder)
        for leftover in (databases[name], databases[name] + '.wal'):
            remove(leftover)
        engine = start[name]()
        engine.ask('run ' + create)
        ms = engine.ask("run COPY hits FROM '%s'%s" % (os.path.abspath(source), how and ' (%s)' % how))
        ms += engine.ask('run CHECKPOINT')
        peak = engine.peak_mb()
        engine.close()
        report('load', name, '%.1f s, %.0f MB on disk, peak memory %.0f MB' % (ms / 1000, size_mb(databases[name]), peak))


def read_csv(path):
    with open(path, newline='', encoding='utf-8', errors='surrogateescape') as f:
        return list(csv.reader(f))


def align_numbers(ours, theirs):
    """Write our whole numbers as 5.0 where DuckDB's column holds doubles: avg(bigint) is numeric in PostgreSQL, and
    check.py takes whole numbers for integers, which it compares digit by digit."""
    mine, other = read_csv(ours), read_csv(theirs)
    for column in range(len(mine[0]) if mine else 0):
        cells = [row[column] for row in other[1:]]
        if not all(re.fullmatch(r'-?\d+(\.\d+(e[+-]?\d+)?|e[+-]?\d+)|', cell) for cell in cells):
            continue
        for row in mine[1:]:
            if re.fullmatch(r'-?\d+', row[column]):
                row[column] += '.0'
    with open(ours, 'w', newline='', encoding='utf-8', errors='surrogateescape') as f:
        csv.writer(f).writerows(mine)


def compare_answers(options, answers):
    """The verdict of shared/clickbench/check.py: {number: why} of queries that differ."""
    if 'duckdb' not in answers:
        return None
    for name in os.listdir(answers['duckdb']):
        align_numbers(os.path.join(answers['quern'], name), os.path.join(answers['duckdb'], name))
    check = os.path.join(options.shared, 'check.py')
    out = subprocess.run([sys.executable, check, answers['quern'], answers['duckdb']], capture_output=True, text=True)
    return {int(m.group(1)): m.group(2) for m in re.finditer(r'^Q(\d+): (.*)$', out.stdout, re.M)}


def measure(options, engines, number, sql, answers):
    times = {name: [] for name in engines}
    for turn in range(1 + options.runs):
        for name, engine in engines.items():
            times[name].append(engine.ask('run ' + sql))
    for name, engine in engines.items():
        engine.ask('save %s %s' % (os.path.join(os.path.abspath(answers[name]), 'q%02d.csv' % number), sql))
    return {name: (t[0], min(t[1:])) for name, t in times.items()}


def machine():
    text = subprocess.run(['lscpu'], capture_output=True, text=True, env={**os.environ, 'LC_ALL': 'C'}).stdout
    model = re.search(r'Model name:\s+(.*)', text)
    return '%s, %d cores' % (model.group(1) if model else 'unknown processor', os.cpu_count())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--shared', required=True)
    parser.add_argument('--folder', required=True)
    parser.add_argument('--file', required=True)
    parser.add_argument('--threads', type=int, required=True)
    parser.add_argument('--queries', default='')
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--quern-only', action='store_true')
    parser.add_argument('--reuse', action='store_true')
    options = parser.parse_args()

    with open(os.path.join(options.shared, 'create.sql')) as f:
        create = f.read()
    with open(os.path.join(options.shared, 'queries.sql')) as f:
        queries = [line.strip() for line in f if line.strip()]
    wanted = [int(n) for n in options.queries.replace(',', ' ').split()] or list(range(1, len(queries) + 1))
    names = ['quern'] if options.quern_only else ['quern', 'duckdb']
    stem = os.path.join(options.folder, os.path.splitext(os.path.basename(options.file))[0])
    databases = {name: stem + '.' + name for name in names}
    answers = {name: os.path.join(options.folder, 'answers-' + name) for name in names}
    for folder in answers.values():
        remove(folder)
        os.makedirs(folder)

    def report(*words):
        print(*words, sep='\t', flush=True)

    report('date', time.strftime('%Y-%m-%d'))
    report('machine', machine(), '%d threads' % options.threads)
    report('file', os.path.basename(options.file), '%.0f MB' % size_mb(options.file))
    start = starters(options, databases)
    load(options, start, databases, create, report)

    engines = {name: start[name]() for name in names}
    times, failed = {}, {}
    columns = ['query'] + [name + when for name in names for when in (' cold ms', ' hot ms')]
    report(*columns, *([] if options.quern_only else ['ratio']))
    for number in wanted:
        try:
            t = times[number] = measure(options, engines, number, queries[number - 1], answers)
        except ValueError as error:
            failed[number] = str(error)
            report(number, failed[number])
            continue
        cells = ['%.2f' % ms for name in names for ms in t[name]]
        if not options.quern_only:
            cells.append('%.2f' % ((t['quern'][1] + 1) / (t['duckdb'][1] + 1)))
        report(number, *cells)
    for name, engine in engines.items():
        report('queries', name, 'hot total %.0f ms, peak memory %.0f MB'
               % (sum(t[name][1] for t in times.values()), engine.peak_mb()))
        engine.close()

    ratios = {}
    if not options.quern_only:
        ratios = {n: (t['quern'][1] + 1) / (t['duckdb'][1] + 1) for n, t in times.items()}
        if ratios:
            report('geometric mean of ratios', '%.3f' % math.exp(sum(map(math.log, ratios.values())) / len(ratios)))
    differ = compare_answers(options, answers)
    if differ is not None:
        differ = {n: why for n, why in differ.items() if n in times}
        for number, why in differ.items():
            report('answers differ', 'Q%d' % number, why)
        report('answers', '%d agree, %d differ, %d failed' % (len(times) - len(differ), len(differ), len(failed)))

    path = stem + '.results.tsv'
    with open(path, 'w') as out:
        print(*columns, 'ratio', 'answer', sep='\t', file=out)
        for n, t in times.items():
            verdict = 'unchecked' if differ is None else 'differs' if n in differ else 'agrees'
            print(n, *('%.3f' % ms for name in names for ms in t[name]), '%.3f' % ratios[n] if n in ratios else '',
                  verdict, sep='\t', file=out)
    report('results', path)
    return 1 if differ or failed else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit('compare.py: %s' % error)
