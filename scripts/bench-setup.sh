#!/usr/bin/env bash
# Install what only benchmarks want: Node, from Debian where it is absent, and DuckDB as bench/package-lock.json pins it.
set -euo pipefail
cd "$(dirname "$0")/../bench"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" apt-get install -q -y --no-install-recommends nodejs npm
fi
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --no-audit --no-fund
    touch node_modules/.package-lock.json
fi
