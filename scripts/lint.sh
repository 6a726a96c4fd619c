#!/usr/bin/env bash
# lint.sh: checks what a program can check of this project's rules (CONTRIBUTING.md). Every check runs; the exit code is 1
# if one of them found something.
set -euo pipefail
cd "$(dirname "$0")/.."

# The version is stamped by the Makefile; Go's own stamp fails in a checkout of another owner. With the flags of the Makefile
# each package is compiled once for both.
GOFLAGS="$(go env GOFLAGS) -buildvcs=false -trimpath"
CGO_ENABLED=0
export GOFLAGS CGO_ENABLED
tools=$PWD/bin/tools
gofmt=$(go env GOROOT)/bin/gofmt
[ -x "$gofmt" ] || gofmt=gofmt
found=()

check() { # check NAME COMMAND…
    local name=$1
    shift
    echo "lint: $name"
    "$@" || found+=("$name")
}

# has_packages MODULE: go vet and staticcheck call an empty module an error.
has_packages() { [ -n "$(go -C "$1" list ./... 2>/dev/null)" ]; }

formatted() {
    local files
    files=$(find . -name '*.go' -not -path '*/testdata/*' -not -path './bin/*' -print0 | xargs -0 "$gofmt" -l)
    [ -z "$files" ] || {
        printf 'not gofmt-clean: %s\n' "$files"
        return 1
    }
}

static() { (cd "$1" && "$tools/staticcheck" ./...); }

shell_scripts() {
    local file status=0
    local scripts=(scripts/*.sh packaging/*.sh etc/samples/pmssl/*.sh .ci/run)
    local parts=(packaging/deb/* packaging/rpm/*) # run by /bin/sh, those of rpm without a first line
    for file in "${scripts[@]}"; do
        bash -n "$file" || status=1
    done
    for file in "${parts[@]}"; do
        bash --posix -n "$file" || status=1
    done
    if command -v shellcheck >/dev/null; then
        shellcheck "${scripts[@]}" || status=1
        shellcheck -s sh "${parts[@]}" || status=1
    else
        echo "lint: shellcheck is not installed: only the syntax of the scripts was checked, by bash"
    fi
    return "$status"
}

mkdir -p "$tools"
# Not nfpm, which is a tool as well: only make packages needs it.
GOBIN=$tools go -C tools install honnef.co/go/tools/cmd/staticcheck ./complexity ./directions ./globals

check gofmt formatted
for module in . internal/sandbox tools; do
    if ! has_packages "$module"; then continue; fi
    check "go vet in $module" go -C "$module" vet ./...
    check "staticcheck in $module" static "$module"
done
# The demo's modules are built with another clock (make simclock).
if [ -d cmd ]; then
    check "go vet in cmd with pmssl_simclock" go vet -tags pmssl_simclock ./cmd/...
fi
check "import directions" "$tools/directions" -root .
check "globals below cmd" "$tools/globals" -root .
check "complexity" "$tools/complexity" -root .
check "shell scripts" shell_scripts

if [ ${#found[@]} -gt 0 ]; then
    printf 'lint: findings in: %s\n' "${found[@]}"
    exit 1
fi
echo "lint: clean"
