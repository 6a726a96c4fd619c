#!/usr/bin/env bash
# dist.sh FOLDER: makes FOLDER/pmssl-VERSION.tar.gz: the files that git knows, the file VERSION, and programs for amd64 and
# arm64 in prebuilt/, which `make install` takes. VERSION, COMMIT and SOURCE_DATE_EPOCH are those of the source
# (scripts/version.sh). Two runs on the same commit with the same Go give the same bytes. ARCHES limits the machines, for tests.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
umask 022

out=$(mkdir -p "$1" && cd "$1" && pwd)
version=${VERSION:?} commit=${COMMIT:?}
if ! git rev-parse HEAD >/dev/null 2>&1; then
    echo "dist: this is not a git checkout, so the files of the source are not known" >&2
    exit 1
fi

work=$(mktemp -d)
top=pmssl-$version
trap 'rm -rf "$work" "$out/.$top.new"' EXIT
mkdir "$work/$top"
git ls-files -z | while IFS= read -r -d '' file; do
    # A file that is deleted and not committed is not part of the source.
    if [ -e "$file" ]; then printf '%s\0' "$file"; fi
done | tar -c --null -T - | tar -x -C "$work/$top"
echo "$version $commit $SOURCE_DATE_EPOCH" >"$work/$top/VERSION"
for arch in ${ARCHES:-amd64 arm64}; do
    for program in cmd/*/main.go; do
        program=${program#cmd/} program=${program%/main.go}
        GOOS=linux GOARCH=$arch CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags nethttpomithttp2 \
            -ldflags "-s -w -X main.version=$version -X main.commit=$commit" \
            -o "$work/$top/prebuilt/linux-$arch/$program" "./cmd/$program"
    done
done
chmod -R u=rwX,go=rX "$work/$top"
tar -c -C "$work" --sort=name --owner=root:0 --group=root:0 --mtime="@$SOURCE_DATE_EPOCH" --format=gnu "$top" | gzip -n >"$out/.$top.new"
mv -fT "$out/.$top.new" "$out/$top.tar.gz" # one file system: the tarball is complete before it takes its name
ls -l "$out/$top.tar.gz"
