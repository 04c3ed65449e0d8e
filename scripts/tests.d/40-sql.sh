# SQL tests of this tree, on both builds.
[ -x build/slt ] || { echo "SKIP sql (no build/slt)"; exit 0; }
if [ -d tests/sql ]; then
    build/slt tests/sql
    build-asan/slt tests/sql
fi
