# SQL tests: those of this tree on both builds, then the shared corpora on the release build.
[ -x build/slt ] || { echo "SKIP sql (no build/slt)"; exit 0; }
if [ -d tests/sql ]; then
    build/slt tests/sql
    build-asan/slt tests/sql
fi
if [ -d "$QUERN_SHARED/slt" ]; then
    for part in "$QUERN_SHARED"/slt/*/; do
        echo "-- $(basename "$part")"
        build/slt "$part"
    done
else
    echo "SKIP sql corpora (no $QUERN_SHARED/slt)"
fi
