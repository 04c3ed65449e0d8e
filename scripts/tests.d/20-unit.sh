# Unit tests, release and sanitized: one test of cmocka is one test here.
folders=(build build-asan)
[ -z "${QUERN_ALL:-}" ] || folders+=(build-clang build-tsan)
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=abort_on_error=0:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT
for folder in "${folders[@]}"; do
    for program in "$folder"/tests/unit/*; do
        [ -f "$program" ] && [ -x "$program" ] || continue
        name=$folder/$(basename "$program")
        "$program" >"$output" 2>&1
        status=$?
        sed -n -e "s|^ok [0-9]* - \(.*\)|PASS $name \1|p" -e "s|^not ok [0-9]* - \(.*\)|FAIL $name \1|p" \
            -e "s|^skip [0-9]* - \(.*\)|SKIP $name \1|p" "$output"
        if [ $status -ne 0 ]; then
            grep -q '^not ok' "$output" || echo "FAIL $name (ended with status $status)"
            grep -v '^ok ' "$output" | sed 's/^/    /' | head -60
        fi
    done
done
