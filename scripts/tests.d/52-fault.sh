# Failing memory, failing files, damaged files, power cuts: a sample here, every point with QUERN_ALL=1.  What is
# tested, and why it must hold: tests/fault, tests/crash.
run() { # PROGRAM NAME SAMPLE... ; all of it takes the argument 1
    local program=$1 name=$2
    shift 2
    [ -x "$program" ] || { echo "SKIP $name (no $program)"; return; }
    [ -z "${QUERN_ALL:-}" ] || set -- 1 16
    "$program" "$@"
    local status=$?
    [ $status -le 1 ] || echo "FAIL $name (ended with status $status)" # 1: it has said so itself
}
run build-asan/tests/fault/fault_memory "fault memory" 29
run build-asan/tests/fault/fault_io "fault files" 7
run build-asan/tests/fault/fault_damage "fault damage" 97
run build-asan/tests/fault/fault_spill "fault spill"
run build-asan/tests/crash/crash_sql "crash" 5 4
if [ -x build/quern ]; then
    tests/crash/kill9.sh build/quern "$([ -z "${QUERN_ALL:-}" ] && echo 8 || echo 300)"
fi
