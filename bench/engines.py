"""The engines behind pipes: what is started, what it is asked, and what it costs the machine.

Each engine is a process that speaks the lines of bench/client.c.  Statements take the form that the engine wants:
create_table() and copy() know how each spells them.
"""
import glob, os, re, subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = ['duckdb', 'clickhouse']


class Engine:
    """A process that answers statements, one line each.  With `reading` several may have the same database open."""

    def __init__(self, name, database, threads, reading=True):
        command = {'quern': ['build/bench/bench_client', '--threads', str(threads), *['--read-only'] * reading, database],
                   'duckdb': ['node', os.path.join(HERE, 'peers/duckdb.mjs'), str(threads), database, *['read-only'] * reading],
                   'clickhouse': ['node', os.path.join(HERE, 'clickhouse/clickhouse.mjs'), str(threads), database]}[name]
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        """Milliseconds.  ValueError: the engine refused the statement; RuntimeError: it is gone."""
        self.process.stdin.write(' '.join(line.split()) + '\n' if not line.startswith('save') else line + '\n')
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError('%s ended with status %s' % (self.name, self.process.wait()))
        if not answer.startswith('ok '):
            raise ValueError('%s: %s' % (self.name, answer))
        return float(answer.split()[1])

    def ready(self):
        """The database is open."""
        return self.ask('run SELECT 1')

    def cpu_ns(self):
        """What all threads of the process ran so far, in nanoseconds; 0 where the system does not count."""
        total = 0
        for path in glob.glob('/proc/%d/task/*/schedstat' % self.process.pid):
            try:
                with open(path) as text:
                    total += int(text.read().split()[0])
            except OSError:
                pass # the thread has just ended
        return total

    def peak_mb(self):
        """The most memory the process ever had resident, mapped files included."""
        with open('/proc/%d/status' % self.process.pid) as status:
            return int(re.search(r'VmHWM:\s+(\d+)', status.read()).group(1)) / 1024

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise RuntimeError('%s ended with status %d' % (self.name, self.process.returncode))


def create_table(name, create):
    """CREATE TABLE as ClickBench words it; ClickHouse wants an order, and gets the one ClickBench gives it."""
    if name != 'clickhouse':
        return create
    return create.strip().rstrip(';') + ' ENGINE = MergeTree ORDER BY (CounterID, EventDate, UserID, EventTime, WatchID)'


def copy(name, path, csv=False):
    """Load the table from PostgreSQL's COPY text; csv: from what plain_text() of loading.py made of it."""
    if name == 'quern':
        return "COPY hits FROM '%s'" % path
    if name == 'clickhouse':
        return "INSERT INTO hits SELECT * FROM file('%s', 'TabSeparated')" % path
    how = r"DELIMITER '\t', QUOTE '', ESCAPE '', NULLSTR '\N', HEADER false"
    if csv:
        how = """FORMAT csv, DELIMITER ',', QUOTE '"', ESCAPE '"', HEADER false, ALLOW_QUOTED_NULLS false"""
    return "COPY hits FROM '%s' (%s)" % (path, how)


def after_load(name):
    return 'OPTIMIZE TABLE hits FINAL' if name == 'clickhouse' else 'CHECKPOINT'
