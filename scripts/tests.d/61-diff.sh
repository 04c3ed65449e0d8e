# The same answers in every configuration: tests/diff/diff.py and modes.py say which; then the SQL tests under settings that
# must not change what they see.  With QUERN_ALL=1 also a random seed, and PostgreSQL as the judge where it is
# installed.
[ -x build/quern ] || { echo "SKIP diff (no build/quern)"; exit 0; }
python3 tests/diff/diff.py --random 40
python3 tests/diff/modes.py
for option in "--set quern.optimizer=off" "--set quern.group_mode=hash" "--set quern.group_mode=code_array" \
    "--set quern.group_mode=partition" "--set quern.dispatch=validate" "--set quern.isa=base" "--set quern.isa=avx2" "--threads 1" "--threads 4"; do
    # a level this machine lacks is no failure
    if [[ $option == *isa=* ]] && ! build/quern -q -c "SET ${option#--set }" 2>/dev/null; then
        echo "SKIP slt $option (not on this machine)"
        continue
    fi
    echo "-- slt $option"
    build/slt $option tests/sql
done
if [ -n "${QUERN_ALL:-}" ]; then
    python3 tests/diff/diff.py --random 400 --seed 0 --extent all
    python3 tests/diff/modes.py --extent all
    for _ in 1 2 3 4 5; do
        python3 tests/diff/modes.py --seed 0
    done
    [ ! -x build-asan/quern ] || python3 tests/diff/modes.py --quern build-asan/quern --no-oracle
    if [ -x "${PG_BINDIR:-/usr/lib/postgresql/15/bin}/postgres" ]; then
        python3 tests/diff/diff.py --random 100 --extent quick --oracle
    else
        echo "SKIP diff postgresql (not installed)"
    fi
fi
