"""Rows into databases: from a file, from many parts of it, shuffled, through a pipe, from Parquet.

load() builds one engine's database and says what it took.  Where the rows come through a pipe (a named one, so that
every engine reads it as a file), the writer shares the machine with the engine and the time is an upper bound.
"""
import os, random, re, shutil, subprocess, threading

import engines


def size_mb(path):
    if not os.path.isdir(path):
        return os.path.getsize(path) / 1e6
    return sum(os.path.getsize(os.path.join(folder, f)) for folder, _, files in os.walk(path) for f in files) / 1e6


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


def plain_text(source, folder):
    """DuckDB knows no backslash escapes in COPY: where the file has some, a CSV file without them; and whether so."""
    if subprocess.run(['grep', '-q', '-m1', '-F', '\\', source]).returncode != 0:
        return source, False
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
    return target, True


def shuffled(source, seed=1):
    """The same lines in random order, in a file beside the source: dealt to heaps that fit in memory, each shuffled."""
    target = re.sub(r'(\.\w+)$', r'.shuffled\1', source)
    if os.path.exists(target) and os.path.getsize(target) == os.path.getsize(source):
        return target
    rng = random.Random(seed)
    heaps = max(1, os.path.getsize(source) // (256 << 20) + 1)
    names = ['%s.heap%d' % (target, i) for i in range(heaps)]
    files = [open(name, 'wb', 1 << 20) for name in names]
    with open(source, 'rb', 1 << 20) as lines:
        for line in lines:
            files[int(rng.random() * heaps)].write(line)
    with open(target + '.part', 'wb', 1 << 20) as out:
        for name, file in zip(names, files):
            file.close()
            with open(name, 'rb') as heap:
                lines = heap.readlines()
            os.remove(name)
            rng.shuffle(lines)
            out.writelines(lines)
    os.rename(target + '.part', target)
    return target


def cut(source, parts):
    """(begin, end) of about equal parts of a file, cut behind lines."""
    size, places = os.path.getsize(source), [0]
    with open(source, 'rb') as file:
        for i in range(1, parts):
            file.seek(max(size * i // parts, places[-1]))
            file.readline()
            places.append(file.tell())
    places.append(size)
    return [(begin, end) for begin, end in zip(places, places[1:]) if end > begin]


class Pipe:
    """A named pipe that somebody writes into while an engine reads it as a file."""

    def __init__(self, folder, name):
        self.path = os.path.abspath(os.path.join(folder, 'pipe-' + name))
        remove(self.path)
        os.mkfifo(self.path)

    def write(self, function):
        def run():
            try:
                with open(self.path, 'wb', 0) as out:
                    function(out)
            except BrokenPipeError:
                pass # the reader gave up, and says why
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def close(self):
        remove(self.path)


def send_part(source, begin, end):
    def send(out):
        with open(source, 'rb') as file:
            at = begin
            while at < end:
                at += os.sendfile(out.fileno(), file.fileno(), at, min(1 << 20, end - at))
    return send


def send_generated(rows):
    return lambda out: subprocess.run(['build/quern', 'gen', 'hits', '--rows', str(rows)], stdout=out, check=True)


class Load:
    """What a load took."""
    def __init__(self, seconds, peak_mb, disk_mb):
        self.seconds, self.peak_mb, self.disk_mb = seconds, peak_mb, disk_mb


def load(options, name, database, create):
    """Build the database from options.file (in options.blocks statements) or, without one, from options.rows
    generated rows."""
    for leftover in (database, database + '.wal'):
        remove(leftover)
    source, csv = options.file, False
    if name == 'duckdb' and source:
        source, csv = plain_text(source, options.folder)
    engine = engines.Engine(name, database, options.threads, reading=False)
    try:
        engine.ask('run ' + engines.create_table(name, create))
        if source and options.blocks <= 1:
            ms = engine.ask('run ' + engines.copy(name, os.path.abspath(source), csv))
        else:
            ms, pipe = 0, Pipe(options.folder, name)
            writers = [send_part(source, *part) for part in cut(source, options.blocks)] if source else [send_generated(options.rows)]
            for writer in writers:
                thread = pipe.write(writer)
                ms += engine.ask('run ' + engines.copy(name, pipe.path, csv))
                thread.join()
            pipe.close()
        ms += engine.ask('run ' + engines.after_load(name))
        peak = engine.peak_mb()
    finally:
        engine.close()
    return Load(ms / 1000, peak, size_mb(database))


def load_parquet(options, databases, create, report):
    """Both engines load what DuckDB writes; {name: Load}."""
    path = os.path.abspath(os.path.join(options.folder, os.path.basename(databases['duckdb']) + '.parquet'))
    if not (options.reuse and os.path.exists(path)):
        engine = engines.Engine('duckdb', databases['duckdb'], options.threads)
        engine.ask("run COPY hits TO '%s' (FORMAT parquet)" % path)
        engine.close()
    report('parquet file', '%.0f MB' % size_mb(path))
    loads = {}
    for name in databases:
        if name == 'clickhouse':
            continue
        scratch = databases[name] + '.from-parquet'
        for leftover in (scratch, scratch + '.wal'):
            remove(leftover)
        engine = engines.Engine(name, scratch, options.threads, reading=False)
        engine.ask('run ' + engines.create_table(name, create))
        try:
            ms = engine.ask("run COPY hits FROM '%s'%s" % (path, ' (FORMAT parquet)' if name == 'duckdb' else ''))
            ms += engine.ask('run ' + engines.after_load(name))
            loads[name] = Load(ms / 1000, engine.peak_mb(), size_mb(scratch))
            report('load from parquet', name, '%.1f s, %.0f MB on disk, peak memory %.0f MB'
                   % (loads[name].seconds, loads[name].disk_mb, loads[name].peak_mb))
        except ValueError as error:
            report('load from parquet', name, 'not supported by this build: %s' % error)
        engine.close()
        for leftover in (scratch, scratch + '.wal'):
            remove(leftover)
    return loads
