#!/usr/bin/env bash
# fuzz.sh TIME: runs each fuzz target of both modules for TIME (default 20s), one after the other. Failures are reported
# after all targets have run.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-20s}
failed=()
count=0

for module in . internal/sandbox; do
    # go test -list prints a package's targets and then "ok <package> <time>".
    targets=$(go -C "$module" test -list '^Fuzz' ./... | awk '
        /^Fuzz/ { names = names " " $1; next }
        $1 == "ok" { n = split(names, name, " "); for (i = 1; i <= n; i++) print $2, name[i]; names = "" }')
    while read -r package name; do
        [ -n "$package" ] || continue
        count=$((count + 1))
        echo "== $package $name ($time)"
        go -C "$module" test -run '^$' -fuzz "^$name\$" -fuzzminimizetime 1x -fuzztime "$time" "$package" </dev/null ||
            failed+=("$package $name")
    done <<<"$targets"
done

if [ ${#failed[@]} -gt 0 ]; then
    printf 'fuzz: failed: %s\n' "${failed[@]}"
    exit 1
fi
echo "fuzz: $count targets, $time each, no failure"
