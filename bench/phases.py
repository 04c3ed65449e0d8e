"""What is measured per query: hot runs, a run in a fresh process, thread counts.

Engines take turns query by query in every phase, so that what else the machine does hits all of them.  A Measure
collects what is known of one query on one engine; what a phase did not measure stays None.
"""
import os, re, subprocess

import engines


class Measure:
    first_ms = None  # first run of the long-lived process, files in the system's cache
    hot_ms = None    # best of the runs after it
    cpu_ms = None    # of all threads, in that best run
    fresh_ms = None  # only run of a process of its own
    cold_ms = None   # the same, with nothing in the system's cache
    peak_mb = None   # most memory resident in that process
    bytes = None     # that the query touched, as EXPLAIN ANALYZE counts (quern)


# ---- hot ---------------------------------------------------------------------------------------

def ask_measured(engine, sql):
    before = engine.cpu_ns()
    ms = engine.ask('run ' + sql)
    return ms, (engine.cpu_ns() - before) / 1e6


def hot(options, open_engines, sql):
    """{name: Measure}: one first run and options.runs more of each engine, taking turns."""
    runs = {name: [] for name in open_engines}
    for _ in range(1 + options.runs):
        for name, engine in open_engines.items():
            runs[name].append(ask_measured(engine, sql))
    measures = {}
    for name, all_runs in runs.items():
        m = measures[name] = Measure()
        m.first_ms = all_runs[0][0]
        m.hot_ms, m.cpu_ms = min(all_runs[1:])
        m.cpu_ms = min([m.cpu_ms] + [cpu for ms, cpu in all_runs[1:] if ms <= m.hot_ms * 1.1])
    return measures


def bytes_touched(engine, folder, sql):
    """The sum over the pipelines that EXPLAIN ANALYZE shows."""
    path = os.path.join(os.path.abspath(folder), 'explain.txt')
    engine.ask('save %s EXPLAIN ANALYZE %s' % (path, sql))
    with open(path) as text:
        return sum(int(n) for n in re.findall(r'^"?Actual pipeline .*? bytes=(\d+)', text.read(), re.M))


# ---- fresh and cold ----------------------------------------------------------------------------

def files_of(paths):
    for path in paths:
        if os.path.isfile(path):
            yield path
        for folder, _, names in os.walk(path):
            for name in names:
                yield os.path.join(folder, name)


def drop_everything():
    """Ask the system to forget all files it has read; False where it does not let us."""
    try:
        with open('/proc/sys/vm/drop_caches', 'w') as out:
            out.write('3\n')
        return True
    except OSError:
        return False


def drop_files(paths):
    """Only the databases' files.  Pages that a process has mapped stay."""
    for path in files_of(paths):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        except OSError:
            pass
        os.close(fd)


class Cache:
    """How the system's file cache is emptied before a cold run."""

    def __init__(self, databases, how):
        self.paths = list(databases.values())
        os.sync()
        self.everything = how != 'files' and drop_everything()
        if how == 'system' and not self.everything:
            raise RuntimeError('the system does not let us drop its page cache')
        self.how = ('the whole page cache is dropped (/proc/sys/vm/drop_caches)' if self.everything
                    else 'the files of all databases are dropped from the page cache (posix_fadvise)')

    def drop(self):
        if self.everything:
            drop_everything()
        else:
            drop_files(self.paths)

    def left_mb(self):
        """What of the databases is still in memory after a drop, or None where nothing can tell."""
        try:
            out = subprocess.run(['fincore', '--bytes', '--noheadings', '--output', 'RES', *files_of(self.paths)],
                                 capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return None
        return sum(map(int, out.split())) / 1e6


def fresh(options, databases, sql, cache, measures):
    """One run in a process of its own per engine: peak memory and, with a cache to drop, the cold time."""
    for name, database in databases.items():
        if cache:
            cache.drop()
        engine = engines.Engine(name, database, options.threads)
        try:
            ms = engine.ask('run ' + sql)
            m = measures.setdefault(name, Measure())
            m.fresh_ms, m.peak_mb = ms, engine.peak_mb()
            if cache:
                m.cold_ms = ms
        finally:
            engine.close()


# ---- threads -----------------------------------------------------------------------------------

def thread_counts(most):
    return sorted({1, most} | {2 ** i for i in range(1, 12) if 2 ** i < most})


def scaling(options, databases, queries, wanted, report):
    """Hot times of every query at 1, 2, … threads: {name: {threads: {query: ms}}}."""
    counts = thread_counts(options.threads)
    names = [name for name in databases if name != 'clickhouse']
    times = {name: {t: {} for t in counts} for name in names}
    opened = {(name, t): engines.Engine(name, databases[name], t) for name in names for t in counts}
    report('scaling', *('%s %d thread%s ms' % (name, t, 's'[:t > 1]) for name in names for t in counts),
           *('%s 1 to %d' % (name, t) for name in names for t in counts[1:]))
    for number in wanted:
        for turn in range(1 + options.runs):
            for (name, t), engine in opened.items():
                ms = engine.ask('run ' + queries[number - 1])
                if turn:
                    times[name][t][number] = min(ms, times[name][t].get(number, ms))
        report(number, *('%.2f' % times[name][t][number] for name in names for t in counts),
               *('%.2f' % (times[name][1][number] / times[name][t][number]) for name in names for t in counts[1:]))
    for engine in opened.values():
        engine.close()
    sums = {name: {t: sum(times[name][t].values()) for t in counts} for name in names}
    report('sum', *('%.1f' % sums[name][t] for name in names for t in counts),
           *('%.2f' % (sums[name][1] / sums[name][t]) for name in names for t in counts[1:]))
    return times
