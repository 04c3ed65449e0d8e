# The thread sanitizer, on what runs several workers: the scheduler's and the API's unit tests, and the queries of
# tests/diff over many blocks on eight workers (what it prints counts as a difference).  With QUERN_ALL=1 also the SQL
# tests, and more rows.
scripts/build.sh tsan || { echo "FAIL build tsan"; exit 0; }
export TSAN_OPTIONS=exitcode=66
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
for name in vm_sched api_api; do
    if build-tsan/tests/unit/$name >/dev/null 2>"$log"; then
        echo "PASS threads $name"
    else
        echo "FAIL threads $name"
        head -60 "$log"
    fi
done
rows=70000 random=10
[ -z "${QUERN_ALL:-}" ] || rows=300000 random=100
python3 tests/diff/diff.py --quern build-tsan/quern --rows $rows --random $random --only '8 threads, many blocks' |
    sed 's/\(PASS\|FAIL\) diff/\1 threads diff/'
if [ -n "${QUERN_ALL:-}" ]; then
    build-tsan/slt --threads 4 tests/sql
fi
