"""Are the answers of two engines the same?  The verdict is shared/clickbench/check.py's."""
import csv, os, re, subprocess, sys


def read_csv(path):
    with open(path, newline='', encoding='utf-8', errors='surrogateescape') as f:
        return list(csv.reader(f))


def align_numbers(ours, theirs):
    """Write our whole numbers as 5.0 where the other's column holds doubles: avg(bigint) is numeric in PostgreSQL,
    and check.py takes whole numbers for integers, which it compares digit by digit."""
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


def differences(check, ours, theirs):
    """{number: why} of the queries whose answers differ; ours and theirs are folders of qNN.csv."""
    for name in os.listdir(theirs):
        if os.path.exists(os.path.join(ours, name)):
            align_numbers(os.path.join(ours, name), os.path.join(theirs, name))
    out = subprocess.run([sys.executable, check, ours, theirs], capture_output=True, text=True)
    return {int(m.group(1)): m.group(2) for m in re.finditer(r'^Q(\d+): (.*)$', out.stdout, re.M)}
