# The files of the shared SQL corpora that quern runs without a failure: tests/sql/shared-passing.txt, made by
# scripts/slt-shared.sh --passing.  It grows; what is on it must not fail again.
[ -x build/slt ] || { echo "SKIP sql corpora (no build/slt)"; exit 0; }
[ -d "$QUERN_SHARED/slt" ] || { echo "SKIP sql corpora (no $QUERN_SHARED/slt)"; exit 0; }
files=()
while IFS= read -r file; do
    case $file in '' | '#'*) continue ;; esac
    if [ -f "$QUERN_SHARED/slt/$file" ]; then
        files+=("$QUERN_SHARED/slt/$file")
    else
        echo "SKIP $file (not in this copy of the corpora)"
    fi
done <tests/sql/shared-passing.txt
build/slt "${files[@]}"
if [ -n "${QUERN_ALL:-}" ] && [ -x build-asan/slt ]; then
    build-asan/slt "${files[@]}"
fi
