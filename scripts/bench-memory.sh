#!/usr/bin/env bash
# Measure heavy queries under memory limits: peak memory, and time against the same query with memory enough.
#
# usage: scripts/bench-memory.sh DATABASE [LIMIT]...      (limits in MB; default 64 256)
#
# DATABASE has the table of ClickBench (scripts/bench-clickbench.sh makes one).  Each query runs in a process of its own,
# read-only, the limits taking turns within a query.  Peak is the largest RssAnon sampled every 10 ms: mapped block files
# are the system's cache and not counted.  The bound is 1.1 x limit + 64 MB.  Temporary files go to TMPDIR.
# Output is tab-separated; "DIFFERS" in the last column marks an answer that depends on the limit.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] && [ -d "$1" ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
database=$1
shift
limits=("$@")
[ ${#limits[@]} -gt 0 ] || limits=(64 256)

names=() texts=()
query() { names+=("$1"); texts+=("$2"); }
query 'two keys (Q17)' 'SELECT UserID, SearchPhrase, COUNT(*) FROM hits GROUP BY UserID, SearchPhrase ORDER BY COUNT(*) DESC, 1, 2 LIMIT 10'
query 'three keys (Q19)' 'SELECT UserID, extract(minute FROM EventTime) AS m, SearchPhrase, COUNT(*) FROM hits GROUP BY UserID, m, SearchPhrase ORDER BY COUNT(*) DESC, 1, 2, 3 LIMIT 10'
query 'near-unique (Q33)' 'SELECT WatchID, ClientIP, COUNT(*) AS c, SUM(IsRefresh), AVG(ResolutionWidth) FROM hits GROUP BY WatchID, ClientIP ORDER BY c DESC, 1, 2 LIMIT 10'
query 'long text (Q35)' 'SELECT 1, URL, COUNT(*) AS c FROM hits GROUP BY 1, URL ORDER BY c DESC, 2 LIMIT 10'
query 'count distinct per group' 'SELECT count(*), sum(u), max(u) FROM (SELECT RegionID, SearchPhrase, COUNT(DISTINCT UserID) AS u FROM hits GROUP BY RegionID, SearchPhrase) x'
query 'distinct rows' 'SELECT count(*) FROM (SELECT DISTINCT UserID, RegionID, SearchPhrase, OS FROM hits) x'
query 'sort all, integers' 'SELECT WatchID, EventTime, ClientIP FROM hits ORDER BY ClientIP, WatchID OFFSET 9999990'
query 'sort all, text' 'SELECT SearchPhrase, UserID FROM hits ORDER BY SearchPhrase, UserID, WatchID OFFSET 9999990'
query 'all rows' 'SELECT WatchID, UserID, EventTime FROM hits OFFSET 9999990'

output=$(mktemp -d) || exit 1
trap 'rm -rf "$output"' EXIT

run() { # LIMIT_MB SQL: sets peak (MB), ms, answer
    local args=() pid kb=0 now start
    [ "$1" = 0 ] || args=(--memory-limit "$1MB")
    start=$(date +%s%N)
    build/quern "$database" --read-only -q -A -t ${args[@]+"${args[@]}"} -c "$2" -o "$output/answer" 2>"$output/error" &
    pid=$!
    while kill -0 $pid 2>/dev/null; do
        now=$(awk '/RssAnon/ { print $2 }' /proc/$pid/status 2>/dev/null || true)
        [ "${now:-0}" -le $kb ] || kb=$now
        sleep 0.01
    done
    if wait $pid; then answer=$(md5sum <"$output/answer"); else answer="failed: $(head -1 "$output/error")"; fi
    ms=$((($(date +%s%N) - start) / 1000000)) peak=$((kb / 1024))
}

printf 'query\tlimit MB\tpeak MB\tbound MB\tms\ttime ratio\tanswer\n'
for i in "${!names[@]}"; do
    run 0 "${texts[$i]}"
    free_ms=$ms free_answer=$answer
    printf '%s\tnone\t%d\t\t%d\t1\t\n' "${names[$i]}" $peak "$ms"
    for limit in "${limits[@]}"; do
        run "$limit" "${texts[$i]}"
        verdict=same
        [ "$answer" = "$free_answer" ] || verdict="DIFFERS ($answer)"
        printf '%s\t%d\t%d\t%d\t%d\t%s\t%s\n' "${names[$i]}" "$limit" $peak $((limit * 11 / 10 + 64)) "$ms" \
            "$(awk "BEGIN { printf \"%.2f\", $ms / $free_ms }")" "$verdict"
    done
done
