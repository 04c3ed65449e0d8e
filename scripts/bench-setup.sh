#!/usr/bin/env bash
# Install what only benchmarks want: Node, from Debian where it is absent, and the engines to compare with, as their
# package-lock.json pins them.
#
# usage: scripts/bench-setup.sh               DuckDB
#        scripts/bench-setup.sh clickhouse    ClickHouse (half a gigabyte); fails where there is no package for the machine
set -euo pipefail
cd "$(dirname "$0")/../bench${1:+/$1}"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" apt-get install -q -y --no-install-recommends nodejs npm
fi
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    if [ "${1:-}" = clickhouse ]; then
        # The lock names the packages of one platform; `npm ci` would want all of them.
        npm install --no-save --no-audit --no-fund
        node -e "require('chdb')"
    else
        npm ci --no-audit --no-fund
    fi
    touch node_modules/.package-lock.json
fi
