# The 43 ClickBench queries on the real sample against their reference answers.
folder=$QUERN_SHARED/clickbench
[ -x build/quern ] || { echo "SKIP clickbench (no build/quern)"; exit 0; }
[ -f "$folder/hits_real.tsv.gz" ] || { echo "SKIP clickbench (no $folder)"; exit 0; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# COPY reads a file, so that it can be cut at any place.
gzip -dc "$folder/hits_real.tsv.gz" >"$work/hits.tsv" || exit 1
{
    cat "$folder/create.sql"
    echo "COPY hits FROM '$work/hits.tsv';"
} >"$work/load.sql"
if build/quern -q "$work/db" -f "$work/load.sql"; then
    echo "PASS clickbench load"
else
    echo "FAIL clickbench load"
    exit 0
fi
mkdir "$work/out"
n=0
while IFS= read -r query; do
    [ -n "$query" ] || continue
    n=$((n + 1))
    printf -v out '%s/out/q%02d.csv' "$work" $n
    build/quern --csv "$work/db" -c "$query" >"$out" || echo "query $n failed"
done <"$folder/queries.sql"
python3 "$folder/check.py" "$work/out" "$folder/answers"
