#!/usr/bin/env bash
# Run the shared SQL corpora ($QUERN_SHARED/slt) file by file and report each part by itself.
#
#   scripts/slt-shared.sh            counts per part, and the features that were refused (0A000)
#   scripts/slt-shared.sh --passing  only the paths of the files that pass: tests/sql/shared-passing.txt
#   scripts/slt-shared.sh sqlite     only the parts named
#
# QUERN_SLT names the runner (default build/slt).  Two files run at a time.
set -euo pipefail
cd "$(dirname "$0")/.."
slt=$(realpath "${QUERN_SLT:-build/slt}")
folder=${QUERN_SHARED:-../shared}/slt
passing=0 parts=()
for word in "$@"; do
    if [ "$word" = --passing ]; then passing=1; else parts+=("$word"); fi
done
[ -d "$folder" ] || { echo "SKIP sql corpora (no $folder)"; exit 0; }
cd "$folder"
[ ${#parts[@]} -gt 0 ] || parts=(*/)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One file: its summary goes to $work/<path with _ for />.
run_file() {
    out=$work/${1//\//_}
    status=0
    "$slt" --quiet --list-unsupported "$1" >"$out" 2>&1 || status=$?
    echo "file $status $1" >>"$out"
}
export -f run_file
export slt work

for part in "${parts[@]}"; do
    part=${part%/}
    rm -f "$work"/*
    find "$part" -name '*.slt' -print0 | sort -z | xargs -0 -r -n 1 -P 2 bash -c 'run_file "$1"' _
    if [ $passing -eq 1 ]; then
        cat "$work"/* | sed -n 's/^file 0 //p' | LC_ALL=C sort
        continue
    fi
    cat "$work"/* | awk -v part="$part" '
        /^file / { files[$2 == 0]++; if ($2 > 1) broken++ }
        /^[0-9]+ of [0-9]+ files with failures/ {
            for (i = 1; i < NF; i++) {
                if ($(i + 1) ~ /^wrong$/ && $(i + 2) ~ /^results/) wrong += $i
                if ($(i + 1) ~ /^wrong$/ && $(i + 2) ~ /^errors/) errors += $i
                if ($(i + 1) == "queries" && $(i + 2) ~ /^failed/) queries += $i
                if ($(i + 1) == "queries" && $(i + 2) == "after") after += $i
                if ($(i + 1) == "set-ups") setups += $i
            }
        }
        /^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }
        /^ +[0-9]+  .* is not supported/ { n = $1; sub(/^ +[0-9]+  /, ""); refused[$0] += n; all += n }
        END {
            printf "== %s: files %d passed, %d failed; records %d ok, %d not\n",
                part, files[1], files[0], passed, failed
            printf "   wrong results %d, wrong errors %d, queries failed %d, set-ups failed %d, after a failed set-up %d\n",
                wrong, errors, queries, setups, after
            printf "   refused (0A000) %d:\n", all
            for (f in refused) printf "%8d  %s\n", refused[f], f | "sort -k1,1nr -k2 | head -40"
            close("sort -k1,1nr -k2 | head -40")
            if (broken) printf "   %d files did not run to their end\n", broken
        }'
done
