# The 43 ClickBench queries on the real sample against their reference answers, in every configuration that
# must not change an answer: workers, dispatch tables, instruction sets, grouping modes, the optimizer; then on
# the same rows in several blocks, and on every row twice.  One process per configuration runs all 43.
folder=$QUERN_SHARED/clickbench
[ -x build/quern ] || { echo "SKIP clickbench (no build/quern)"; exit 0; }
[ -f "$folder/hits_real.tsv.gz" ] || { echo "SKIP clickbench (no $folder)"; exit 0; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# COPY reads files, so that the rows can be cut into blocks at any place.
gzip -dc "$folder/hits_real.tsv.gz" >"$work/hits.tsv" || exit 1
split -n l/7 "$work/hits.tsv" "$work/part."

# load NAME FILE...: a database with one COPY, and so one block, per file.
load() {
    local name=$1
    shift
    {
        cat "$folder/create.sql"
        printf "COPY hits FROM '%s';\n" "$@"
    } >"$work/$name.load"
    if build/quern -q "$work/$name" -f "$work/$name.load"; then
        echo "PASS clickbench load $name"
    else
        echo "FAIL clickbench load $name"
        exit 0
    fi
}

# run NAME DATABASE [SETTING...] [-- OPTION...]: answers of all queries to $work/NAME.
run() {
    local name=$1 database=$2 query n=0
    shift 2
    mkdir "$work/$name"
    {
        while [ $# -gt 0 ] && [ "$1" != -- ]; do
            echo "SET $1;"
            shift
        done
        while IFS= read -r query; do
            [ -n "$query" ] || continue
            n=$((n + 1))
            printf "\\\\o '%s/%s/q%02d.csv'\n%s\n" "$work" "$name" $n "$query"
        done <"$folder/queries.sql"
    } >"$work/$name.sql"
    [ $# -eq 0 ] || shift
    # The trace goes to standard error, one DEBUG line per instruction.
    build/quern -q --csv "$@" "$work/$database" -f "$work/$name.sql" 2> >(grep -v 'DEBUG: ' | tail -n 5 >&2)
}

# same A B: the answers of two runs are the same rows; where rows may come in any order (neither sorted nor cut by
# LIMIT) they are sorted first.  Ties are settled by row id, so more than check.py asks for must be equal.
same() {
    local a b differ=
    for a in "$work/$1"/*.csv; do
        b=$work/$2/${a##*/}
        cmp -s "$a" "$b" || cmp -s <(sort "$a") <(sort "$b") || differ+=" ${a##*/}"
    done
    if [ -z "$differ" ]; then echo "PASS clickbench $2 as $1"; else echo "FAIL clickbench $2 as $1:$differ"; fi
}

reference=
# try NAME DATABASE ...: run; compare with the reference answers, unless the rows are others ($reference only), and
# with the first run over the same rows.
try() {
    run "$@"
    if [ "$2" != twice ]; then
        echo "-- $1"
        python3 "$folder/check.py" "$work/$1" "$folder/answers"
    fi
    [ -z "$reference" ] || same "$reference" "$1"
    reference=${reference:-$1}
}

load one "$work/hits.tsv"
try "1 thread" one -- --threads 1
try "2 threads" one -- --threads 2
for mode in bare trace profile validate; do
    try "$mode" one "quern.dispatch = $mode"
done
# A level this machine lacks is refused.
for level in base avx2 avx512; do
    if build/quern -q -c "SET quern.isa = $level" 2>"$work/refused"; then
        try "$level" one "quern.isa = $level"
    elif grep -q 'this machine has no' "$work/refused"; then
        echo "SKIP clickbench $level (not on this machine)"
    else
        echo "FAIL clickbench $level"
    fi
done
# All that this build knows, from what it says to a wrong one.
modes=($(build/quern -q -c "SET quern.group_mode = 'no such mode'" 2>&1 | sed -n 's/.*Available values: \(.*\)\./\1/p' | tr -d ,))
[ ${#modes[@]} -gt 1 ] || echo "FAIL clickbench list of modes"
for mode in "${modes[@]}"; do
    try "$mode" one "quern.group_mode = $mode"
done
try "optimizer off" one "quern.optimizer = off"

load many "$work"/part.*
for workers in 1 2 8; do
    try "7 blocks, $workers threads" many -- --threads $workers
done
for mode in "${modes[@]}"; do
    try "7 blocks, $mode" many "quern.group_mode = $mode" -- --threads 8
done
try "7 blocks, optimizer off" many "quern.optimizer = off" -- --threads 8

load twice "$work/hits.tsv" "$work"/part.*
reference=
try "twice, 1 thread" twice -- --threads 1
try "twice, 8 threads" twice -- --threads 8
for mode in "${modes[@]}"; do
    try "twice, $mode" twice "quern.group_mode = $mode"
done
try "twice, optimizer off" twice "quern.optimizer = off"
