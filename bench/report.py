"""Ratios, the table of targets, and the files a run leaves: results as TSV and as a table for README.md."""
import math, os

HERE = os.path.dirname(os.path.abspath(__file__))
AT_LEAST = {'scaling'} # measures that are to be large; all others small


def ratio(ours, theirs):
    """One millisecond on both sides, so that noise of microseconds does not decide."""
    return (ours + 1) / (theirs + 1)


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def exponent(rows, ms, more_rows, more_ms):
    """1: twice the time for twice the rows."""
    return math.log(max(more_ms, 1e-3) / max(ms, 1e-3)) / math.log(more_rows / rows) if more_rows > rows else 0


def ratios(measures, field, peer='duckdb'):
    """{query: quern/peer} where both have the field."""
    result = {}
    for number, by_engine in measures.items():
        if 'quern' in by_engine and peer in by_engine:
            ours, theirs = getattr(by_engine['quern'], field), getattr(by_engine[peer], field)
            if ours is not None and theirs is not None:
                result[number] = ratio(ours, theirs)
    return result


# ---- targets -----------------------------------------------------------------------------------

def numbers(text, known):
    if text == 'all':
        return sorted(known)
    result = []
    for part in text.split(','):
        first, _, last = part.partition('-')
        result += range(int(first), int(last or first) + 1)
    return [n for n in result if n in known]


def read_targets():
    with open(os.path.join(HERE, 'targets.tsv'), encoding='utf-8') as lines:
        return [line.rstrip('\n').split('\t') for line in lines if line.strip() and not line.startswith('#')]


def judge(target, run):
    """(reached, met, queries that miss it) of one line of targets.tsv, or None when the run did not measure it."""
    measure, queries, limit, good_ms, _ = target
    limit = float(limit)
    if measure in run.single:
        value = run.single[measure]
        met = value >= limit if measure in AT_LEAST else value <= limit
        return '%.3g' % value, met, []
    if measure.endswith('_mean') or measure.endswith('_each'):
        kind, _, how = measure.rpartition('_')
        field = {'hot': 'hot_ms', 'cold': 'cold_ms', 'peak': 'peak_mb'}[kind]
        found = ratios(run.measures, field)
        found = {n: found[n] for n in numbers(queries, found)}
        if not found:
            return None
        if how == 'mean':
            value = geometric_mean(found.values())
            return '%.3f' % value, value <= limit, []
        good = lambda n: found[n] <= limit or (good_ms != '-' and getattr(run.measures[n]['quern'], field) <= float(good_ms))
        worst = max(found, key=lambda n: (not good(n), found[n]))
        missed = [n for n in sorted(found) if not good(n)]
        return 'worst %.2f (Q%d)' % (found[worst], worst), not missed, missed
    return None


def report_targets(run, report):
    report('target', 'limit', 'reached', 'met')
    for target in read_targets():
        verdict = judge(target, run)
        if not verdict:
            report(target[4], target[2], 'not measured', '-')
            continue
        reached, met, missed = verdict
        report(target[4], target[2], reached, 'yes' if met else 'no', *([' '.join('Q%d' % n for n in missed)] if missed else []))


# ---- tables ------------------------------------------------------------------------------------

def columns_of(run):
    """(heading, function of a query's number that gives the cell) of the table of queries."""
    def field(engine, name, form):
        def cell(number):
            m = run.measures[number].get(engine)
            value = getattr(m, name) if m else None
            return '' if value is None else form % value
        return cell

    def derived(form, function):
        def cell(number):
            try:
                return form % function(run.measures[number])
            except (TypeError, KeyError, ZeroDivisionError):
                return '' # something it needs was not measured
        return cell

    result = []
    for name in run.names:
        result.append((name + ' hot ms', field(name, 'hot_ms', '%.2f')))
    if 'duckdb' in run.names:
        result.append(('ratio', derived('%.2f', lambda m: ratio(m['quern'].hot_ms, m['duckdb'].hot_ms))))
    for name in run.names:
        result.append((name + ' first ms', field(name, 'first_ms', '%.2f')))
    if run.cold:
        for name in run.names:
            result.append((name + ' cold ms', field(name, 'cold_ms', '%.1f')))
        if 'duckdb' in run.names:
            result.append(('cold ratio', derived('%.2f', lambda m: ratio(m['quern'].cold_ms, m['duckdb'].cold_ms))))
    result.append(('MB touched', derived('%.2f', lambda m: m['quern'].bytes / 1e6)))
    if run.bandwidth:
        result.append(('of bandwidth', derived('%.0f %%', lambda m: 100 * m['quern'].bytes / (m['quern'].hot_ms * 1e6) / run.bandwidth)))
    for name in run.names:
        result.append((name + ' CPU ns/row', derived('%.2f', lambda m, name=name: m[name].cpu_ms * 1e6 / run.rows)))
    for name in run.names:
        result.append((name + ' peak MB', field(name, 'peak_mb', '%.0f')))
    return result


def write_files(run, stem, verdicts):
    """stem.results.tsv and stem.results.md; the names."""
    columns = [('query', str)] + columns_of(run) + [('answer', lambda n: verdicts.get(n, 'unchecked'))]
    table = [[head for head, _ in columns]] + [[cell(n) for _, cell in columns] for n in sorted(run.measures)]
    with open(stem + '.results.tsv', 'w', encoding='utf-8') as out:
        for row in table:
            print(*row, sep='\t', file=out)
    with open(stem + '.results.md', 'w', encoding='utf-8') as out:
        for i, row in enumerate(table):
            print('| ' + ' | '.join(row) + ' |', file=out)
            if i == 0:
                print('|---' * len(row) + '|', file=out)
    return stem + '.results.tsv', stem + '.results.md'
