# Every file of the regression corpora once through its sanitized target.
found=0
for target in build-asan/tests/fuzz/fuzz_*; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    found=1
    name=$(basename "$target")
    corpus=tests/fuzz/corpus/${name#fuzz_}
    [ -d "$corpus" ] || { echo "SKIP $name (no corpus)"; continue; }
    if "$target" "$corpus"/*; then
        echo "PASS $name"
    else
        echo "FAIL $name"
    fi
done
[ $found -eq 1 ] || echo "SKIP fuzz (no targets)"
