#!/usr/bin/env bash
# The long tests: everything scripts/test.sh does in its long form, and the clang and thread sanitizer
# builds with their unit tests.  Takes as long as it takes.
set -uo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh --all || exit 1
QUERN_ALL=1 exec scripts/test.sh "$@"
