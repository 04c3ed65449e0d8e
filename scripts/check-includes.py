#!/usr/bin/env python3
"""Check what holds for the tree as a whole; prints PASS or FAIL per check.

    check-includes.py [BUILD_DIR]

  arrows    a stage includes only what lies below it (the map in ARCHITECTURE.md)
  headers   every header compiles alone
  imports   objects outside src/base and src/os call no system function for files or memory, nor abort
  exports   libquern.so exports exactly the functions that include/quern.h declares

imports and exports are looked at in BUILD_DIR (default: build) and skipped when it has no library.
"""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Folder -> what it may include beside itself and quern.h.  An entry with a dot is a single header.
LOW = ['base', 'os', 'type', 'catalog']
STORE = ['store/block', 'store/table']
BELOW = {
    'base': [],
    'os': ['base'],
    'type': ['base', 'os'],
    'catalog': ['base', 'os', 'type'],
    'kern': LOW,
    'store/block': LOW + ['kern'],
    'store/table': LOW + ['kern', 'store/block'],
    'load': LOW + ['kern'] + STORE,
    'load/parquet': LOW + ['kern', 'load'],
    'sql': LOW,
    'plan': LOW + ['sql', 'store/block/block.h'],
    'code': LOW + ['sql', 'plan', 'store/block/block.h'],
    'vm': LOW + ['kern', 'code', 'load'] + STORE,
    'api': LOW + ['kern', 'code', 'load', 'sql', 'plan', 'vm'] + STORE,
}
# Functions of one module that lower ones may declare against: the catalog's table of functions is
# filled by the files that implement them.
EXTRA = {'type': ['catalog/function.h'], 'base': ['quern.h'], }
OUTSIDE = ['cli', 'server', 'tests/slt']  # programs: see quern.h and their own folder only

FORBIDDEN = set('''
open open64 openat openat64 creat fopen fopen64 fdopen freopen close read pread pread64 readv preadv write
pwrite pwrite64 writev pwritev fread fwrite mmap mmap64 munmap mremap rename renameat unlink unlinkat remove
mkdir mkdirat rmdir truncate ftruncate ftruncate64 fallocate fallocate64 posix_fallocate posix_fallocate64
fsync fdatasync sync_file_range flock fcntl fcntl64 lockf opendir readdir readdir64 scandir scandir64 stat
stat64 fstat fstat64 lstat lstat64 access link symlink readlink tmpfile mkstemp popen system
malloc calloc realloc reallocarray strdup strndup asprintf vasprintf aligned_alloc posix_memalign memalign
abort exit _exit longjmp siglongjmp __longjmp_chk
'''.split())

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
failures = 0


def report(name, problems):
    global failures
    for problem in problems:
        print('    ' + problem)
    print(('FAIL ' if problems else 'PASS ') + name)
    failures += bool(problems)


def sources(folder, endings=('.c', '.h')):
    for directory, _, names in sorted(os.walk(os.path.join(TOP, folder))):
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.relpath(os.path.join(directory, name), TOP)


def module_of(path):  # 'store/block/x.h' -> 'store/block'
    return os.path.dirname(path)


def check_arrows():
    problems = []
    for path in sources('src'):
        module = module_of(os.path.relpath(path, 'src'))
        allowed = BELOW.get(module)
        if allowed is None:
            problems.append(f'{path}: folder {module} is not on the map')
            continue
        for include in INCLUDE.findall(open(os.path.join(TOP, path), encoding='utf-8').read()):
            target = module_of(include) or module
            if include == 'quern.h' or target == module or target in allowed:
                continue
            if include in allowed or include in EXTRA.get(module, []):
                continue
            problems.append(f'{path}: includes "{include}", which is not below {module}')
    for folder in OUTSIDE:
        for path in sources(folder):
            for include in INCLUDE.findall(open(os.path.join(TOP, path), encoding='utf-8').read()):
                local = os.path.join(TOP, folder, include)
                if include != 'quern.h' and not os.path.exists(local):
                    problems.append(f'{path}: includes "{include}"; programs see quern.h only')
    report('include arrows', problems)


def check_headers():
    """Templates (*_body.h, *_lanes.h, vec_*.h) are included with their parameters defined and do not stand alone."""
    problems = []
    compiler = os.environ.get('CC', 'cc')
    headers = [p for p in list(sources('src', ('.h',))) + list(sources('include', ('.h',)))
               if not re.search(r'((_body|_lanes)\.h|/vec_\w+\.h)$', p)]
    flags = ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-Iinclude', '-Isrc', '-fsyntax-only',
             '-x', 'c', '-']
    for header in headers:
        name = re.sub(r'^(src|include)/', '', header)
        done = subprocess.run([compiler] + flags, input=f'#include "{name}"\n', cwd=TOP, text=True,
                              capture_output=True, check=False)
        if done.returncode:
            problems.append(f'{header} does not compile alone: {done.stderr.strip().splitlines()[0]}')
    cxx = subprocess.run(['g++', '-std=c++17', '-Wall', '-Wextra', '-Werror', '-Iinclude', '-fsyntax-only', '-x',
                          'c++', '-'], input='#include "quern.h"\n', cwd=TOP, text=True, capture_output=True,
                         check=False)
    if cxx.returncode:
        problems.append('quern.h does not compile as C++: ' + cxx.stderr.strip().splitlines()[0])
    report('headers compile alone', problems)


def nm(arguments):
    return subprocess.run(['nm'] + arguments, capture_output=True, text=True, check=True).stdout


def check_imports(build):
    objects = os.path.join(build, 'libquern.a.p')
    problems = []
    for name in sorted(os.listdir(objects)):
        if not name.endswith('.o') or name.startswith(('src_base_', 'src_os_')):
            continue
        used = set(re.findall(r'\bU (\w+)', nm(['-u', os.path.join(objects, name)])))
        for symbol in sorted(used & FORBIDDEN):
            problems.append(f'{name[:-2]}: uses {symbol}()')
    report('imports of objects', problems)


def check_exports(build):
    header = open(os.path.join(TOP, 'include/quern.h'), encoding='utf-8').read()
    declared = set(re.findall(r'^QN_API[^;(]*?\b(qn_\w+)\(', header, re.M))
    exported = {line.split()[-1] for line in nm(['-D', '--defined-only', os.path.join(build, 'libquern.so')])
                .splitlines()}
    problems = [f'{s} is exported but not declared in quern.h' for s in sorted(exported - declared)]
    problems += [f'{s} is declared in quern.h but not exported' for s in sorted(declared - exported)]
    report('exports of the library', problems)


def main():
    build = os.path.join(TOP, sys.argv[1] if len(sys.argv) > 1 else 'build')
    check_arrows()
    check_headers()
    if os.path.exists(os.path.join(build, 'libquern.so')):
        check_imports(build)
        check_exports(build)
    else:
        print('SKIP imports of objects (not built)')
        print('SKIP exports of the library (not built)')
    return failures > 0


if __name__ == '__main__':
    sys.exit(main())
