#!/usr/bin/env bash
# Install what quern is built with (Debian and its children); does nothing when all is there.
set -euo pipefail

packages=(
    build-essential meson ninja-build pkg-config python3
    libpg-query-dev libprotobuf-c-dev liblz4-dev libzstd-dev libxxhash-dev zlib1g-dev
    libhwloc-dev libpcre2-dev libutf8proc-dev libedit-dev libmimalloc-dev libcmocka-dev
    tzdata
)
if [ "${1:-}" = "--all" ]; then # what only scripts/test-all.sh wants
    packages+=(clang postgresql)
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "setup: installing ${missing[*]}"
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
