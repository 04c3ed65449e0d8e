#!/usr/bin/env python3
"""Expected results of SQL tests, from PostgreSQL 15.

    oracle.py FILE.sql ...        write FILE.slt beside it: one record per statement
    oracle.py FILE.slt ...        fill in (or renew) the expected parts of a script, in place
    oracle.py --check [PATH ...]  run scripts (default: tests/sql) on PostgreSQL and compare

A private server is made for the run: initdb in a temporary folder, a socket of its own, no network, C
collation, time zone UTC; it is stopped by its own process id.  Every script starts with an empty
database.  Needs PostgreSQL 15 (PG_BINDIR names its programs where they are elsewhere) and psql.

From plain SQL the kind of a record follows from what PostgreSQL does: an error gives `statement error
SQLSTATE`, rows a `query`, anything else `statement ok`, or `statement count N` for INSERT.  Integers get the
letter I, all else T, that is exact text.  A query without ORDER BY that gives several rows is `rowsort`.
Lines `-- TEXT` before a statement become comments.  The format: tests/sql/README.md.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PORT = '5499'
SCRIPT_SECONDS = 300
START_SECONDS = 60
MARK, FIELD, RECORD, NULL = '\x1e', '\x1f', '\x1d', '\x02NULL\x02'
US = ('postgresql',)
INTEGERS = {'smallint', 'integer', 'bigint'}


# ---- the server ------------------------------------------------------------------------------

class Server:
    """A PostgreSQL that lives as long as the `with` block."""

    def __init__(self):
        self.bin = os.environ.get('PG_BINDIR', '/usr/lib/postgresql/15/bin')
        self.dir = tempfile.mkdtemp(prefix='quern-oracle-')
        self.process = None
        # The server refuses to run as root.
        self.user = {'user': 'postgres', 'group': 'postgres', 'extra_groups': []} if os.getuid() == 0 else {}
        self.environment = {'PATH': os.environ.get('PATH', ''), 'LC_ALL': 'C', 'TZ': 'UTC',
                            'PGHOST': self.dir, 'PGPORT': PORT, 'PGUSER': 'postgres',
                            'PGCLIENTENCODING': 'UTF8', 'PGOPTIONS': '-c client_min_messages=error'}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        if self.user:
            shutil.chown(self.dir, 'postgres', 'postgres')
        data = os.path.join(self.dir, 'data')
        subprocess.run([os.path.join(self.bin, 'initdb'), '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8',
                        '--locale=C', '--no-sync'], check=True, stdout=subprocess.DEVNULL, cwd=self.dir,
                       env=self.environment, timeout=START_SECONDS, **self.user)
        log = open(os.path.join(self.dir, 'log'), 'wb')
        self.process = subprocess.Popen(
            [os.path.join(self.bin, 'postgres'), '-D', data, '-k', self.dir, '-p', PORT, '-c', 'listen_addresses=',
             '-c', 'fsync=off', '-c', 'timezone=UTC', '-c', 'shared_buffers=32MB'],
            stdout=log, stderr=log, cwd=self.dir, env=self.environment, **self.user)
        log.close()
        for _ in range(START_SECONDS * 5):
            if self.process.poll() is not None:
                raise RuntimeError('PostgreSQL did not start: ' + open(os.path.join(self.dir, 'log')).read())
            ready = subprocess.run([os.path.join(self.bin, 'pg_isready'), '-q'], env=self.environment)
            if ready.returncode == 0:
                return
            try:
                self.process.wait(0.2)
            except subprocess.TimeoutExpired:
                pass
        raise RuntimeError('PostgreSQL did not start in time')

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # "fast" shutdown
            try:
                self.process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def psql(self, script, database):
        done = subprocess.run(
            ['psql', '-X', '-q', '-A', '-t', '-F', FIELD, '-R', RECORD, '-P', 'null=' + NULL, '-d', database,
             '-f', '-'], input=script.encode(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=self.environment, timeout=SCRIPT_SECONDS)
        return done.stdout.decode()

    def psql_raw(self, sql, database):
        """SQLSTATE of one text that psql's own scanner would not send."""
        done = subprocess.run(['psql', '-X', '-v', 'VERBOSITY=sqlstate', '-d', database, '-c', sql],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.environment,
                              timeout=SCRIPT_SECONDS)
        match = re.match(r'ERROR:  (\w{5})', done.stderr.decode())
        return match[1] if match else ''

    def fresh_database(self):
        self.psql('DROP DATABASE IF EXISTS t;\nCREATE DATABASE t TEMPLATE template0;\n', 'postgres')
        return 't'


# ---- scripts ---------------------------------------------------------------------------------

class Record:
    def __init__(self, kind, sql):
        self.kind = kind          # ok, error, count, query, copy in, copy out, auto, text, halt, threshold
        self.sql = sql
        self.types = None
        self.sort = None
        self.label = ''
        self.sqlstate = ''
        self.pattern = ''
        self.number = 0
        self.expected = []
        self.conditions = []      # skipif and onlyif lines
        self.comments = []        # lines before the header
        self.line = 0
        # What PostgreSQL did:
        self.failed = False
        self.got_sqlstate = ''
        self.count = '0'
        self.columns = []         # type names
        self.rows = []
        self.body = ''

    def skipped(self):
        skip = False
        for line in self.conditions:
            word, name = line.split()[:2]
            skip |= (name in US) == (word == 'skipif')
        return skip


def parse_header(record, line):
    words = line.split()
    if words[0] == 'statement' and len(words) > 1 and words[1] in ('ok', 'error', 'count'):
        record.kind = words[1]
        if record.kind == 'error':
            rest = line.split(None, 2)[2:] or ['']
            match = re.match(r'([0-9A-Z]{5})(?:\s+(.*))?$', rest[0].strip())
            record.sqlstate, record.pattern = (match[1], match[2] or '') if match else ('', rest[0].strip())
        elif record.kind == 'count':
            record.number = int(words[2]) if len(words) > 2 else 0
    elif words[0] == 'query':
        record.kind = 'query'
        record.types = words[1] if len(words) > 1 and words[1] != '?' else None
        record.sort = words[2] if len(words) > 2 else None
        record.label = words[3] if len(words) > 3 else ''
    elif words[0] == 'copy':
        record.kind = 'copy ' + words[1]
    elif words[0] == 'hash-threshold':
        record.kind, record.number = 'threshold', int(words[1])
    elif words[0] == 'halt':
        record.kind = 'halt'
    else:
        sys.exit('line %d: unknown record: %s' % (record.line, line))


def read_slt(path):
    """Records of a script; comments keep their place in front of the record they precede."""
    records, record, header, in_result = [], Record('auto', ''), False, False
    sql = []

    def finish():
        nonlocal record, header, in_result, sql
        if header:
            record.sql = '\n'.join(sql)
            records.append(record)
            record, header, in_result, sql = Record('auto', ''), False, False, []
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file.read().split('\n'), 1):
            line = line.rstrip('\r')
            if line.startswith('#'):
                if not header:
                    record.comments.append(line)
            elif not (line if in_result else line.strip()):
                if header:
                    finish()
                elif record.comments:
                    record.comments.append('')
            elif not header and line.split()[0] in ('skipif', 'onlyif'):
                record.conditions.append(line)
            elif not header:
                record.line, header = number, True
                parse_header(record, line)
            elif line == '----' and not in_result:
                in_result = True
            elif in_result:
                record.expected.append(line)
            else:
                sql.append(line)
    finish()
    if record.comments:
        record.kind = 'text'
        records.append(record)
    return records


def split_sql(text):
    """(comments, statement) pairs: quotes, dollar quotes and comments are understood."""
    token = re.compile(r"--[^\n]*|/\*.*?\*/|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|"
                       r"\$((?:[A-Za-z_]\w*)?)\$.*?\$\1\$|[A-Za-z_][\w$]*|;|.", re.S)
    comments, statement = [], ''
    for match in token.finditer(text):
        part = match[0]
        if part.startswith('--') and not statement.strip():
            comments.append('# ' + part[2:].strip())
            statement = ''
        elif part == ';':
            if statement.strip():
                yield comments, statement.strip()
                comments = []
            statement = ''
        else:
            statement += part
    if statement.strip():
        yield comments, statement.strip()


def is_open(sql):
    """True when a quote or comment is not closed: psql would wait for more."""
    depth, at = 0, 0
    closed = re.compile(r"--[^\n]*|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|"
                        r"\$((?:[A-Za-z_]\w*)?)\$.*?\$\1\$|[A-Za-z_][\w$]*|\$\d+", re.S)
    opening = re.compile(r"[eE]?'|\"|\$([A-Za-z_]\w*)?\$")
    while at < len(sql):
        match = None if depth else closed.match(sql, at)
        if sql.startswith('/*', at) or (depth and sql.startswith('*/', at)):
            depth += 1 if sql.startswith('/*', at) else -1
            at += 2
        elif not depth and opening.match(sql, at) and not (match and match[0][-1] in '\'"$'):
            return True
        else:
            at = match.end() if match else at + 1
    return depth > 0


def read_sql(path):
    with open(path, encoding='utf-8') as file:
        text = file.read()
    records = []
    for comments, sql in split_sql(text):
        record = Record('auto', re.sub(r'\n\s*\n', '\n', sql))
        record.comments = comments
        records.append(record)
    return records


# ---- running ---------------------------------------------------------------------------------

def run_records(server, records):
    """Run every record on a fresh database and note what PostgreSQL did."""
    script = []
    for i, record in enumerate(records):
        if record.kind in ('text', 'halt', 'threshold') or record.skipped():
            continue
        if is_open(record.sql):
            record.got_sqlstate = server.psql_raw(record.sql, 'postgres')
            record.failed = record.got_sqlstate != ''
            continue
        if record.kind in ('auto', 'query'):
            script.append('\\echo %sD%d\n%s\n\\gdesc\n' % (MARK, i, record.sql))
        script.append('\\echo %sB%d\n%s\n' % (MARK, i, record.sql))
        if record.kind == 'copy in':
            script.append(';\n' + ''.join(line + '\n' for line in record.expected) + '\\.\n')
        else:
            script.append('\\g\n')
        script.append('\\echo %sE%d :ERROR :SQLSTATE :ROW_COUNT\n' % (MARK, i))
    output = server.psql(''.join(script), server.fresh_database())
    for part in output.split(MARK)[1:]:
        head, _, body = part.partition('\n')
        words = head[1:].split()
        record = records[int(words[0])]
        if head[0] == 'D':
            record.columns = [row.rsplit(FIELD, 1)[1] for row in body[:-1].split(RECORD) if FIELD in row]
        elif head[0] == 'B':
            record.body = body
            record.rows = [row.split(FIELD) for row in body[:-1].split(RECORD)] if body else []
        else:
            record.failed, record.got_sqlstate, record.count = words[1] == 'true', words[2], words[3]


def render(value, letter):
    if value == NULL:
        return 'NULL'
    if letter == 'T':
        return re.sub('[\x00-\x1f\x7f]', '@', value) or '(empty)'
    if value in ('t', 'f'):
        value = '1' if value == 't' else '0'
    if letter == 'R':
        number = float(value)
        if number != number:
            return 'NaN'
        if number in (float('inf'), float('-inf')):
            return 'Infinity' if number > 0 else '-Infinity'
        return '%.3f' % number
    if re.match(r'\s*[-+]?[\d.]+[eE]', value):
        return '%d' % float(value)
    match = re.match(r'\s*[-+]?\d+', value)
    return str(int(match[0])) if match else '0'


def values_of(record):
    types = record.types or ''
    rows = [[render(value, letter) for value, letter in zip(row, types)] for row in record.rows]
    if record.sort == 'rowsort':
        rows.sort(key=lambda row: [value.encode() for value in row])
    values = [value for row in rows for value in row]
    if record.sort == 'valuesort':
        values.sort(key=str.encode)
    return values


def has_order(sql):
    return re.search(r'\border\s+by\b', sql, re.I) is not None


def settle(record):
    """Turn what PostgreSQL did into what the script expects."""
    if record.kind in ('text', 'halt', 'threshold', 'copy in') or record.skipped():
        return
    if record.kind == 'copy out':
        record.expected = record.body.split('\n')[:-1]
        return
    if record.failed:
        if record.kind != 'error' or record.sqlstate:
            record.sqlstate = record.got_sqlstate
        record.kind = 'error' if record.kind in ('auto', 'error') else record.kind
        if record.kind != 'error':
            raise RuntimeError('line %d: PostgreSQL refuses with %s: %s'
                               % (record.line, record.got_sqlstate, record.sql))
        record.sqlstate = record.got_sqlstate
        return
    if record.kind == 'error':
        raise RuntimeError('line %d: PostgreSQL raises no error: %s' % (record.line, record.sql))
    if record.kind in ('auto', 'query') and record.columns:
        record.kind = 'query'
        record.types = record.types or ''.join('I' if t in INTEGERS else 'T' for t in record.columns)
        if record.sort is None:
            record.sort = 'nosort' if len(record.rows) < 2 or has_order(record.sql) else 'rowsort'
        record.expected = values_of(record)
    elif record.kind in ('auto', 'count'):
        insert = record.kind == 'count' or re.match(r'insert\b', record.sql, re.I)
        record.kind = 'count' if insert else 'ok'
        record.number = int(record.count)


def write_slt(path, records):
    out = []
    for record in records:
        out += record.comments + record.conditions
        if record.kind == 'text':
            continue
        if record.kind == 'query':
            out.append(' '.join(filter(None, ['query', record.types, record.sort or 'nosort', record.label])))
        elif record.kind == 'error':
            out.append(' '.join(filter(None, ['statement error', record.sqlstate, record.pattern])))
        elif record.kind == 'count':
            out.append('statement count %d' % record.number)
        elif record.kind == 'threshold':
            out.append('hash-threshold %d' % record.number)
        else:
            out.append(record.kind if record.kind in ('halt', 'copy in', 'copy out') else 'statement ' + record.kind)
        out += record.sql.split('\n') if record.sql else []
        if record.kind in ('query', 'copy in', 'copy out'):
            out += ['----'] + record.expected
        out.append('')
    while out and not out[-1]:
        out.pop()
    with open(path, 'w', encoding='utf-8') as file:
        file.write('\n'.join(out) + '\n')


# ---- checking --------------------------------------------------------------------------------

def hash_of(values):
    import hashlib
    digest = hashlib.md5(''.join(value + '\n' for value in values).encode()).hexdigest()
    return '%d values hashing to %s' % (len(values), digest)


def difference(record, threshold):
    """What is wrong with a record, or ''."""
    if record.kind == 'error':
        if not record.failed:
            return 'no error'
        return '' if record.sqlstate in ('', record.got_sqlstate) else 'error ' + record.got_sqlstate
    if record.failed:
        return 'error ' + record.got_sqlstate
    if record.kind == 'count' and record.number != int(record.count):
        return 'count ' + record.count
    if record.kind == 'copy out' and record.expected != record.body.split('\n')[:-1]:
        return 'got ' + record.body
    if record.kind == 'query':
        if len(record.types or '') != len(record.columns):
            return '%d columns' % len(record.columns)
        values = values_of(record)
        if threshold and len(values) > threshold and len(record.expected) == 1 and ' hashing to ' in record.expected[0]:
            values = [hash_of(values)]
        if values != record.expected:
            return 'got ' + ' | '.join(values[:40])
    return ''


def check(server, path):
    records, passed, failed, threshold = read_slt(path), 0, 0, 8
    run_records(server, records)
    for record in records:
        if record.kind == 'threshold':
            threshold = record.number
        if record.kind == 'halt' and not record.skipped():
            break
        if record.kind in ('text', 'halt', 'threshold') or record.skipped():
            continue
        wrong = difference(record, threshold)
        if wrong:
            print('%s:%d: %s\n    %s' % (path, record.line, record.sql, wrong))
        failed += bool(wrong)
        passed += not wrong
    return passed, failed


def scripts_below(paths):
    for path in paths:
        if os.path.isdir(path):
            for folder, _, names in sorted(os.walk(path)):
                yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith('.slt'))
        else:
            yield path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true')
    parser.add_argument('paths', nargs='*')
    args = parser.parse_args()
    if not args.check and not args.paths:
        parser.error('which file?')
    passed = failed = 0
    with Server() as server:
        for path in scripts_below(args.paths or [os.path.join(TOP, 'tests', 'sql')]):
            if args.check:
                good, bad = check(server, path)
                passed, failed = passed + good, failed + bad
                continue
            records = read_sql(path) if path.endswith('.sql') else read_slt(path)
            run_records(server, records)
            for record in records:
                settle(record)
            if path.endswith('.sql'):
                top = Record('threshold', '')
                top.comments = records[0].comments
                records[0].comments = []
                records.insert(0, top)
            write_slt(os.path.splitext(path)[0] + '.slt', records)
            print('%s: %d records' % (path, sum(r.kind not in ('text', 'threshold') for r in records)))
    if args.check:
        print('%d passed, %d failed' % (passed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
