# Random statements against PostgreSQL 15: tests/diff/gen_queries.py.  A sample of one seed; with QUERN_ALL=1 new seeds
# each time (they are printed), under other settings and with the sanitizers too.
[ -x build/slt ] || { echo "SKIP random statements (no build/slt)"; exit 0; }
python3 tests/diff/gen_queries.py --seed 1 --count 1500
if [ -n "${QUERN_ALL:-}" ]; then
    for _ in 1 2 3 4 5 6 7 8; do
        python3 tests/diff/gen_queries.py --count 4000 --set quern.optimizer=off --set quern.group_mode=hash --set quern.isa=base
    done
    [ ! -x build-asan/slt ] || python3 tests/diff/gen_queries.py --count 2000 --slt build-asan/slt
fi
