#!/usr/bin/env python3
"""Run the 43 ClickBench queries on quern and its peers, taking turns, and compare times, memory and answers.

Called by scripts/bench-clickbench.sh, which says what the options mean.  In order: memory bandwidth, loading,
hot runs (and what each query touches), runs in fresh processes (peak memory; cold when asked), thread counts,
answers, targets.  engines.py has the processes, loading.py the loads, phases.py the measurements, report.py the
tables.  ratio is (quern + 1 ms) / (DuckDB + 1 ms).
"""
import argparse, os, re, subprocess, sys, time

import answers
import engines
import loading
import phases
import report as tables


class Run:
    """Everything a run found out."""

    def __init__(self, names):
        self.names = names
        self.measures = {}  # query: {engine: phases.Measure}
        self.single = {}    # measures of the whole run, by the names of targets.tsv
        self.failed = {}
        self.rows = 0
        self.bandwidth = None # GB/s of as many threads as the queries had
        self.cold = False


def report(*words):
    print(*words, sep='\t', flush=True)


def machine():
    text = subprocess.run(['lscpu'], capture_output=True, text=True, env={**os.environ, 'LC_ALL': 'C'}).stdout
    model = re.search(r'Model name:\s+(.*)', text)
    return '%s, %d cores' % (model.group(1) if model else 'unknown processor', os.cpu_count())


def bandwidth(threads):
    rates = {}
    for count in sorted({1, threads}):
        out = subprocess.run(['build/bench/bench_bandwidth', str(count)], capture_output=True, text=True, check=True).stdout
        rates[count] = float(out.split()[1])
        report('memory bandwidth', '%d thread%s' % (count, 's'[:count > 1]), '%.1f GB/s' % rates[count])
    return max(rates.values()) # of several threads it is never less; a busy machine may say so


def load_all(options, run, databases, create):
    loads = {}
    for name in list(databases):
        if options.reuse and os.path.exists(databases[name]):
            loads[name] = loading.Load(None, None, loading.size_mb(databases[name]))
            report('load', name, 'reused, %.0f MB on disk' % loads[name].disk_mb)
            continue
        try:
            one = loads[name] = loading.load(options, name, databases[name], create)
        except (ValueError, RuntimeError) as error:
            if name != 'clickhouse':
                raise
            report('load', name, 'left out: %s' % error)
            del databases[name]
            run.names.remove(name)
            continue
        report('load', name, '%.1f s, %.0f MB on disk, peak memory %.0f MB' % (one.seconds, one.disk_mb, one.peak_mb))
    if loads['quern'].peak_mb:
        run.single['load_peak_mb'] = loads['quern'].peak_mb
    if 'duckdb' in loads:
        run.single['size'] = loads['quern'].disk_mb / loads['duckdb'].disk_mb
        if loads['quern'].seconds and loads['duckdb'].seconds:
            run.single['load'] = loads['quern'].seconds / loads['duckdb'].seconds


def count_rows(options, engine):
    path = os.path.join(os.path.abspath(options.folder), 'rows.csv')
    engine.ask('save %s SELECT COUNT(*) FROM hits' % path)
    return int(answers.read_csv(path)[1][0])


def run_hot(options, run, databases, queries, wanted, folders):
    opened = {name: engines.Engine(name, databases[name], options.threads) for name in run.names}
    run.rows = count_rows(options, opened['quern'])
    report('rows', run.rows)
    report('query', *(head for name in run.names for head in (name + ' first ms', name + ' hot ms')),
           *(['ratio'] if 'duckdb' in run.names else []), 'MB touched', 'of bandwidth', 'CPU ns/row')
    for number in wanted:
        sql = queries[number - 1]
        try:
            m = phases.hot(options, opened, sql)
            m['quern'].bytes = phases.bytes_touched(opened['quern'], options.folder, sql)
            for name, engine in opened.items():
                engine.ask('save %s %s' % (os.path.join(os.path.abspath(folders[name]), 'q%02d.csv' % number), sql))
        except ValueError as error:
            run.failed[number] = str(error)
            report(number, run.failed[number])
            continue
        run.measures[number] = m
        cells = ['%.2f' % ms for name in run.names for ms in (m[name].first_ms, m[name].hot_ms)]
        if 'duckdb' in run.names:
            cells.append('%.2f' % tables.ratio(m['quern'].hot_ms, m['duckdb'].hot_ms))
        share = m['quern'].bytes / (m['quern'].hot_ms * 1e6) / run.bandwidth
        report(number, *cells, '%.2f' % (m['quern'].bytes / 1e6), '%.0f %%' % (100 * share),
               '%.2f' % (m['quern'].cpu_ms * 1e6 / run.rows))
    for name, engine in opened.items():
        report('queries', name, 'hot total %.0f ms, CPU %.0f ms, peak memory %.0f MB'
               % (sum(m[name].hot_ms for m in run.measures.values()), sum(m[name].cpu_ms for m in run.measures.values()),
                  engine.peak_mb()))
        engine.close()


def run_fresh(options, run, databases, queries):
    cache = None
    if options.cold:
        cache = phases.Cache(databases, options.drop)
        cache.drop()
        left = cache.left_mb()
        report('cold', cache.how, *(['%.0f MB of the databases stay in memory' % left] if left is not None else []))
    run.cold = cache is not None
    report('query', *(head for name in run.names for head in [name + (' cold ms' if cache else ' fresh ms'), name + ' peak MB']))
    for number in sorted(run.measures):
        m = run.measures[number]
        phases.fresh(options, databases, queries[number - 1], cache, m)
        report(number, *('%.1f' % x for name in run.names for x in (m[name].fresh_ms, m[name].peak_mb)))


def check_answers(options, run, folders):
    """{query: verdict}; whether all is well."""
    verdicts, well = {}, True
    for peer in run.names[1:]:
        differ = answers.differences(os.path.join(options.shared, 'check.py'), folders['quern'], folders[peer])
        differ = {n: why for n, why in differ.items() if n in run.measures}
        for number, why in differ.items():
            report('answers differ', 'Q%d' % number, peer, why)
        report('answers', '%s: %d agree, %d differ, %d failed'
               % (peer, len(run.measures) - len(differ), len(differ), len(run.failed)))
        if peer == 'duckdb':
            verdicts = {n: 'differs' if n in differ else 'agrees' for n in run.measures}
            well = not differ
    return verdicts, well and not run.failed


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument('--shared', required=True)
    parser.add_argument('--folder', required=True)
    parser.add_argument('--file')
    parser.add_argument('--rows', type=int, default=0)
    parser.add_argument('--threads', type=int, required=True)
    parser.add_argument('--peers', default='duckdb')
    parser.add_argument('--queries', default='')
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--reuse', action='store_true')
    parser.add_argument('--blocks', type=int, default=1)
    parser.add_argument('--shuffled', action='store_true')
    parser.add_argument('--parquet', action='store_true')
    parser.add_argument('--cold', action='store_true')
    parser.add_argument('--drop', choices=['system', 'files', 'either'], default='either')
    parser.add_argument('--no-fresh', action='store_true')
    parser.add_argument('--scaling', action='store_true')
    parser.add_argument('--growth', default='')
    return parser.parse_args()


def compare(options, queries, create, wanted, names):
    """One data set; the Run, and whether all answers agree."""
    run = Run(list(names))
    stem = os.path.join(options.folder, 'hits-%d' % options.rows if not options.file else
                        os.path.splitext(os.path.basename(options.file))[0])
    if options.shuffled:
        options.file = loading.shuffled(options.file)
        stem += '.shuffled'
    if options.blocks > 1:
        stem += '.%dblocks' % options.blocks
    databases = {name: '%s.%s' % (stem, name) for name in names}
    folders = {name: os.path.join(options.folder, 'answers-' + name) for name in names}
    for folder in folders.values():
        loading.remove(folder)
        os.makedirs(folder)

    report('date', time.strftime('%Y-%m-%d'))
    report('machine', machine(), '%d threads' % options.threads, 'load average %.1f' % os.getloadavg()[0])
    report('data', os.path.basename(options.file) if options.file else '%d generated rows, through a pipe' % options.rows,
           *(['%.0f MB' % loading.size_mb(options.file)] if options.file else []),
           *(['%d statements' % options.blocks] if options.blocks > 1 else []))
    run.bandwidth = bandwidth(options.threads)
    load_all(options, run, databases, create)
    if options.parquet and 'duckdb' in databases:
        loads = loading.load_parquet(options, databases, create, report)
        if len(loads) == 2:
            run.single['load_parquet'] = loads['quern'].seconds / loads['duckdb'].seconds
    run_hot(options, run, databases, queries, wanted, folders)
    if not options.no_fresh:
        run_fresh(options, run, databases, queries)
    if options.scaling and options.threads > 1:
        times = phases.scaling(options, databases, queries, sorted(run.measures), report)['quern']
        run.single['scaling'] = sum(times[1].values()) / sum(times[options.threads].values())
    verdicts, well = check_answers(options, run, folders)
    for peer in run.names[1:]:
        for what, field in [('hot', 'hot_ms'), ('CPU', 'cpu_ms')] + [('cold', 'cold_ms')] * run.cold:
            mean = tables.geometric_mean(tables.ratios(run.measures, field, peer).values())
            if mean:
                report('geometric mean of %s ratios' % what, peer, '%.3f' % mean)
    tables.report_targets(run, report)
    report('results', *tables.write_files(run, stem, verdicts))
    return run, well


def grow(options, queries, create, wanted, names):
    """The hot times of several sizes, and how they grow: time ~ rows^exponent between the first and the last."""
    runs, well = {}, True
    for rows in map(int, options.growth.replace(',', ' ').split()):
        options.rows, options.no_fresh = rows, True
        options.file = os.path.join(options.folder, 'hits-%d.tsv' % rows)
        if not os.path.exists(options.file):
            options.file = None
        runs[rows], good = compare(options, queries, create, wanted, names)
        well = well and good
    sizes = sorted(runs)
    path = os.path.join(options.folder, 'growth.tsv')
    shown = [name for name in names if all(name in run.names for run in runs.values())]
    with open(path, 'w', encoding='utf-8') as out:
        def both(*words):
            report(*words)
            print(*words, sep='\t', file=out)
        both('query', *('%s %d rows ms' % (name, n) for name in shown for n in sizes), *(name + ' exponent' for name in shown))
        for number in wanted:
            if not all(number in run.measures for run in runs.values()):
                continue
            cell = lambda name, n: runs[n].measures[number][name].hot_ms
            both(number, *('%.2f' % cell(name, n) for name in shown for n in sizes),
                 *('%.2f' % tables.exponent(sizes[0], cell(name, sizes[0]), sizes[-1], cell(name, sizes[-1])) for name in shown))
    report('results', path)
    return well


def main():
    options = read_options()
    with open(os.path.join(options.shared, 'create.sql')) as f:
        create = f.read()
    with open(os.path.join(options.shared, 'queries.sql')) as f:
        queries = [line.strip() for line in f if line.strip()]
    wanted = [int(n) for n in options.queries.replace(',', ' ').split()] or list(range(1, len(queries) + 1))
    names = ['quern'] + [name for name in engines.PEERS if name in options.peers.replace(',', ' ').split()]
    if options.growth:
        return 0 if grow(options, queries, create, wanted, names) else 1
    return 0 if compare(options, queries, create, wanted, names)[1] else 1


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit('compare.py: %s' % error)
