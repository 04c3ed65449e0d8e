# Fuzz targets: every file of the kept corpora, then new inputs: half a minute each, with QUERN_ALL=1 an hour each,
# driven by libFuzzer when clang has it.  A failing input is kept under build-fuzz/findings.
folder=build-asan/tests/fuzz
seconds=30 guided=
findings=build-fuzz/findings
if [ -n "${QUERN_ALL:-}" ]; then
    seconds=3600
    if command -v clang >/dev/null && scripts/build.sh fuzz; then
        guided=build-fuzz/tests/fuzz
    else
        echo "SKIP fuzz with libFuzzer (no clang, or it did not build)"
    fi
fi
output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT

# Inputs of libFuzzer's making; the corpus that grows is not kept in the tree.
guided_run() { # NAME
    local name=$1 short=${1#fuzz_} options=(-timeout=60 -rss_limit_mb=4000 -max_len=2000)
    mkdir -p "$findings" "build-fuzz/corpus/$short"
    [ -f "tests/fuzz/$short.dict" ] && options+=("-dict=tests/fuzz/$short.dict")
    "$guided/$name" "${options[@]}" -max_total_time=$seconds -artifact_prefix="$findings/$short-" \
        "build-fuzz/corpus/$short" "tests/fuzz/corpus/$short" >"$output" 2>&1
}

# Inputs the target makes itself, from a seed that repeats them.
random_run() { # NAME SEED
    timeout $seconds "$folder/$1" --random 1000000000 "$2" >"$output" 2>&1
    [ $? -eq 124 ]
}

found=0
for target in "$folder"/fuzz_*; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    found=1
    name=$(basename "$target")
    corpus=tests/fuzz/corpus/${name#fuzz_}
    if [ ! -d "$corpus" ]; then
        echo "SKIP $name (no corpus)"
    elif "$target" "$corpus"/* >"$output" 2>&1; then
        echo "PASS $name: corpus"
    else
        echo "FAIL $name: corpus"
        tail -40 "$output" | sed 's/^/    /'
    fi
    # The same inputs on every machine: what a run of CI finds must not depend on luck.  New ones belong to test-all.
    seed=${QUERN_SEED:-1}
    [ -z "${QUERN_ALL:-}" ] || seed=${QUERN_SEED:-$((RANDOM * 32768 + RANDOM))}
    if [ -n "$guided" ]; then
        what="libFuzzer, $seconds s"
        guided_run "$name"
    else
        what="--random from seed $seed, $seconds s"
        random_run "$name" $seed
    fi
    if [ $? -eq 0 ]; then
        echo "PASS $name: $what"
    else
        echo "FAIL $name: $what"
        tail -60 "$output" | sed 's/^/    /'
    fi
done
[ $found -eq 1 ] || echo "SKIP fuzz (no targets)"
