#!/usr/bin/env bash
# Install what quern is built with (Debian and its children); does nothing when all is there.
set -euo pipefail

packages=(
    build-essential meson ninja-build pkg-config python3
    libpg-query-dev libprotobuf-c-dev liblz4-dev libzstd-dev libxxhash-dev zlib1g-dev libsnappy-dev
    libhwloc-dev libpcre2-dev libutf8proc-dev libedit-dev libmimalloc-dev libcmocka-dev
    tzdata
)
if [ "${1:-}" = "--all" ]; then # what only scripts/test-all.sh wants
    packages+=(clang)
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
# The oracle of some tests, which are skipped without it: installed where the archive has it.
oracle=postgresql-15
wants_oracle() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' $oracle 2>/dev/null || true)" != installed ] &&
        apt-cache show $oracle >/dev/null 2>&1
}

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
if [ ${#missing[@]} -gt 0 ]; then
    echo "setup: installing ${missing[*]}"
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
fi
if wants_oracle; then
    echo "setup: installing $oracle"
    "${as_root[@]}" apt-get install -q -y --no-install-recommends $oracle ||
        echo "setup: no $oracle; the tests that compare with it are skipped"
fi
