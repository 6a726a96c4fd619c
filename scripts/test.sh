#!/usr/bin/env bash
# test.sh: runs the unit tests of the product, the tests of the development tools, the tests of the stand-ins and the
# end-to-end tests, in this order. Failures are reported after everything has run. The end-to-end tests use a private
# MariaDB (E2E_DB=mariadb) or, if it cannot be installed, the embedded engine (E2E_DB=embedded); the last line says which.
# PMSSL_BIN is the folder with the binaries that the end-to-end tests start.
set -euo pipefail
cd "$(dirname "$0")/.."

GOFLAGS="$(go env GOFLAGS) -buildvcs=false"
export GOFLAGS
export PMSSL_BIN=${PMSSL_BIN:-$PWD/bin}
# At its end a program with the race detector waits a second for goroutines that are still at work; the tests wait for their own.
export GORACE=${GORACE:-atexit_sleep_ms=0}

readonly no_mariadb=3 # exit code of mariadb.sh if MariaDB cannot be installed
failed=()

# race_flag prints -race if there is a C compiler and the race detector supports the platform.
race_flag() {
    local compiler
    compiler=$(go env CC)
    command -v "${compiler%% *}" >/dev/null || return 0
    case $(go env GOOS)/$(go env GOARCH) in
    linux/amd64 | linux/arm64 | linux/ppc64le | linux/s390x | darwin/*) echo -race ;;
    esac
}

# in_memory lets the tests that follow keep their files in memory, if there is enough of it and programs may be started there: the end-to-end
# tests make two thousand panels, each with forty tables, which are 4 GB and hundreds of thousands of files.
in_memory() {
    local room free
    if [ -n "${TMPDIR:-}" ] || ! memory=$(mktemp -d -p /dev/shm pmssl.XXXXXX 2>/dev/null); then return 0; fi
    trap 'rm -rf "$memory"' EXIT
    printf '#!/bin/sh\n' >"$memory/program"
    chmod +x "$memory/program"
    room=$(df --output=avail -k "$memory" | tail -n 1)
    free=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
    if "$memory/program" 2>/dev/null && [ "$room" -gt $((8 << 20)) ] && [ "$free" -gt $((12 << 20)) ]; then export TMPDIR=$memory; fi
}

run() { # run NAME MODULE PACKAGE…
    local name=$1 module=$2
    shift 2
    echo "== $name"
    # -count=1: a cached success would hide a change in the binaries that a test starts.
    CGO_ENABLED=$cgo go -C "$module" test -count=1 -shuffle=on -timeout 60m ${race:+"$race"} "$@" </dev/null || failed+=("$name")
}

race=$(race_flag)
if [ -n "$race" ]; then
    cgo=1
    echo "make test: with the race detector, in random order"
else
    cgo=0
    echo "make test: no C compiler found, so without the race detector; in random order"
fi

code=0
mariadb_output=$(scripts/mariadb.sh) || code=$?
printf '%s\n' "$mariadb_output"
case $code in
0) export E2E_DB=mariadb ;;
"$no_mariadb") export E2E_DB=embedded ;;
*)
    echo "make test: scripts/mariadb.sh ended with code $code"
    exit 1
    ;;
esac

# Tests with real packages need root, dpkg, rpm and a busybox without libraries. Continuous integration as root has them; if not,
# it fails.
missing=
for program in dpkg rpm busybox; do command -v "$program" >/dev/null || missing+=" $program"; done
if [ "$(id -u)" = 0 ] && { [ -n "${CI:-}" ] || [ -z "$missing" ]; }; then
    export PMSSL_PACKAGE_TESTS=1
else
    echo "make test: packages are not installed for tests: that needs root and dpkg, rpm, busybox-static (missing:${missing:- root})"
fi

run "unit tests" . ./...
# The race detector makes searches in long texts ten times as slow, so there they are short.
if [ -n "$race" ]; then
    race_of_all=$race race=
    run "long texts, without the race detector" . -run LinearTime ./internal/panellog
    race=$race_of_all
fi
run "development tools" tools ./...
packages=$(go -C internal/sandbox list ./...)
mapfile -t stand_ins < <(grep -v '^pmssl/internal/sandbox/e2e\(/\|$\)' <<<"$packages" || true)
run "stand-ins" internal/sandbox "${stand_ins[@]}"
if [ "$packages" = "$(printf '%s\n' "${stand_ins[@]}")" ]; then
    failed+=("end-to-end tests")
    ran="there are no end-to-end tests in internal/sandbox/e2e"
else
    in_memory
    run "end-to-end tests on $E2E_DB" internal/sandbox ./e2e/...
    case $E2E_DB in
    mariadb) ran="end-to-end tests ran on MariaDB" ;;
    *) ran="end-to-end tests ran on the embedded engine, because MariaDB cannot be installed (${mariadb_output##*$'\n'})" ;;
    esac
fi

result="passed"
if [ ${#failed[@]} -gt 0 ]; then
    printf 'make test: failed: %s\n' "${failed[@]}"
    result="failed"
fi
echo "make test: $result; $ran"
[ "$result" = passed ]
