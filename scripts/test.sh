#!/usr/bin/env bash
# Build and test quern.  Runs the steps scripts/tests.d/NN-name.sh in order and adds up what they say.
#
# A step prints a line "PASS name", "FAIL name" or "SKIP name" per test, or lines
# "N passed, N failed[, N skipped]" for tools that count themselves; everything else is shown as it is.
# A step that ends with another status than 0 without having printed a failure counts as one.
#
#   scripts/test.sh            all steps, in minutes
#   scripts/test.sh unit sql   only the steps whose name contains one of the words
#
# QUERN_SHARED (default ../shared) may name a folder with the large SQL corpora; without it the steps
# that need it say SKIP.  QUERN_ALL=1, set by scripts/test-all.sh, asks steps for their long form.
set -uo pipefail
cd "$(dirname "$0")/.."
export QUERN_SHARED=${QUERN_SHARED:-../shared}

scripts/setup.sh || exit 1

passed=0 failed=0 skipped=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

# Add the counts of one step's log to the totals; prints the step's own line.
count() {
    read -r p f s < <(awk '
        /^PASS / { p++ } /^FAIL / { f++ } /^SKIP / { s++ }
        /^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3; if ($6 ~ /^skipped/) s += $5 }
        END { print p + 0, f + 0, s + 0 }' "$log")
    if [ "$2" -ne 0 ] && [ "$f" -eq 0 ]; then
        echo "FAIL $1 (ended with status $2)"
        f=1
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    echo "== $1: $p passed, $f failed, $s skipped, ${SECONDS}s since the start"
}

for step in scripts/tests.d/*.sh; do
    name=$(basename "$step" .sh)
    wanted=$((! $#))
    for word in "$@"; do
        [[ $name == *"$word"* ]] && wanted=1
    done
    [ $wanted -eq 1 ] || [ "$name" = 10-build ] || continue
    echo "== $name"
    bash "$step" 2>&1 | tee "$log" | { grep -v '^PASS ' || true; }
    count "$name" "${PIPESTATUS[0]}"
    if [ "$name" = 10-build ] && [ $failed -gt 0 ]; then
        break # nothing to test
    fi
done

summary="$passed passed, $failed failed"
[ $skipped -eq 0 ] || summary+=", $skipped skipped"
echo "$summary"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
