#!/usr/bin/env bash
# Build one variant: scripts/build.sh [release|debug|asan|tsan|clang|fuzz]
#
#   release  build/        -O2, kernels -O3, no debug assertions
#   debug    build-debug/  assertions, no optimisation
#   asan     build-asan/   assertions, AddressSanitizer and UndefinedBehaviorSanitizer
#   tsan     build-tsan/   assertions, ThreadSanitizer
#   clang    build-clang/  release with clang and its thread safety analysis
#   fuzz     build-fuzz/   the fuzz targets with libFuzzer and sanitizers (clang)
set -euo pipefail
cd "$(dirname "$0")/.."

variant=${1:-release}
folder=build-$variant
case $variant in
release) folder=build options=(--buildtype=release) ;;
debug) options=(--buildtype=debug) ;;
asan) options=(--buildtype=debugoptimized -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false) ;;
tsan) options=(--buildtype=debugoptimized -Doptimization=1 -Db_sanitize=thread -Db_lundef=false) ;;
clang) options=(--buildtype=release) CC=clang && export CC ;;
fuzz)
    options=(--buildtype=debugoptimized -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true -Dtests=disabled)
    CC=clang && export CC
    ;;
*)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

if [ ! -f "$folder/build.ninja" ]; then
    meson setup "${options[@]}" "$folder" . >"/dev/null" || { cat "$folder/meson-logs/meson-log.txt" >&2; exit 1; }
elif [ -n "$(find tests -name meson.build -newer "$folder/build.ninja" -print -quit)" ]; then
    meson setup --reconfigure "$folder" . >/dev/null # a new folder of tests
fi
exec ninja -C "$folder" ${QUERN_NINJA_FLAGS:-} --quiet
