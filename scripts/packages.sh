#!/usr/bin/env bash
# packages.sh FOLDER: makes FOLDER/*.deb and FOLDER/*.rpm for amd64 and arm64 with nfpm, and FOLDER/SHA256SUMS.
#
# VERSION, COMMIT and SOURCE_DATE_EPOCH are those of the source (scripts/version.sh). Two runs on the same commit with the same
# Go give the same bytes: all times are that of the commit, all owners root, and no name of this host is written. ARCHES limits
# the machines, for tests.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
umask 022

out=$(mkdir -p "$1" && cd "$1" && pwd)
version=${VERSION:?}
case $version in
[0-9]*) ;;
*)
    echo "packages: the version of this source is '$version', which no package can have. Build in a git checkout, or set VERSION" >&2
    exit 1
    ;;
esac
export SOURCE_DATE_EPOCH

tools=$PWD/bin/tools
mkdir -p "$tools"
GOBIN=$tools GOFLAGS=-buildvcs=false go -C tools install github.com/goreleaser/nfpm/v2/cmd/nfpm ./rpmtriggers

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

read -ra arches <<<"${ARCHES:-amd64 arm64}"
modules=(pmnamecheap:pmssl-namecheap:Namecheap pmispmgrssl:pmssl-ispmanager:ISPmanager)

# put SOURCE PATH [MODE]: a file of the package whose root is the folder $root
put() {
    install -D -m "${3:-0644}" "$1" "$root$2"
}

packed() { # packed SOURCE PATH: the same, compressed
    mkdir -p "$root${2%/*}"
    gzip -9n <"$1" >"$root$2.gz"
}

link() { # link TARGET PATH
    mkdir -p "$root${2%/*}"
    ln -s "$1" "$root$2"
}

# filled FILE MODULE PACKAGE [DIVERT]: prints the file with its words between @ replaced. A line @LINK@ becomes the linking script
# of the module.
filled() {
    sed -e "/^@LINK@\$/ { r $work/link
        d }; s|@MODULE@|$2|g; s|@PACKAGE@|$3|g; s|@LIB@|/usr/lib/pmssl|g; s|@PANEL@|/usr/local/mgr5|g; s|@DIVERT@|${4:-}|g; s|@SUMS@|$sums|g" "$1"
}

# sums: sets sums to the sha256sum of each file below /usr/lib/pmssl of the package
sums() {
    sums=$(cd "$root/usr/lib/pmssl" && find . -type f -print0 | sort -z | xargs -0 sha256sum | cut -d ' ' -f 1 | tr '\n' ' ')
    sums=${sums% }
}

# contents KIND prints the files below $root as nfpm's list; rpm can leave out documentation. Folders are listed only where they are of this package alone: rpm
# refuses two packages that list one folder with different modes.
contents() {
    local package=$1 path kind type
    (cd "$root" && find . -mindepth 1 -printf '%y %p\n' | sort -k2) | while read -r kind path; do
        path=${path#.}
        case $kind in
        f)
            type=
            case $package:$path in
            rpm:/usr/share/doc/*/copyright) type='type: license, ' ;;
            rpm:/usr/share/doc/* | rpm:/usr/share/man/*) type='type: doc, ' ;;
            esac
            printf -- '- {src: "%s", dst: "%s", %sfile_info: {mode: 0%s, owner: root, group: root}}\n' "$root$path" "$path" "$type" "$(stat -c %a "$root$path")"
            ;;
        l) printf -- '- {src: "%s", dst: "%s", type: symlink}\n' "$(readlink "$root$path")" "$path" ;;
        d)
            case $path in
            /usr/lib/pmssl* | /usr/share/doc/pmssl*)
                [ "$name" != pmssl ] || printf -- '- {dst: "%s", type: dir, file_info: {mode: 0755, owner: root, group: root}}\n' "$path"
                ;;
            esac
            ;;
        esac
    done
}

# pack KIND ARCH SUMMARY DESCRIPTION: makes one package of the files below $root with the scripts below $scripts
pack() {
    local kind=$1 arch=$2 file=$work/$name.$1.yaml script long
    long=${4//$'\n'/$'\n'  } # the lines of a YAML text are indented
    [ "$kind" = rpm ] || long=$3$'\n  '$long # the first line of a .deb is its summary
    find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    {
        cat <<YAML
name: $name
arch: $arch
platform: linux
version: "$version"
version_schema: none
release: "1"
section: admin
priority: optional
maintainer: The pmssl authors <pmssl@localhost>
license: MIT
description: |
  $long
mtime: $(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
rpm:
  buildhost: localhost
  group: Applications/System
  summary: "$3"
YAML
        if [ "$name" != pmssl ]; then
            case $kind in
            # Not the same version: one module can be upgraded without the other (rules PACK-8).
            deb) printf 'depends: ["pmssl (>= %s-1)"]\n' "$version" ;;
            rpm) printf 'depends: ["pmssl >= %s-1"]\n' "$version" ;;
            esac
            echo 'recommends: [ca-certificates]' # without them no seller's TLS certificate can be checked; a host may have a file of its own
        fi
        echo "scripts:"
        for script in "$scripts"/*; do
            case ${script##*/} in
            preinst | pre) echo "  preinstall: $script" ;;
            postinst | post) echo "  postinstall: $script" ;;
            prerm | preun) echo "  preremove: $script" ;;
            postrm | postun) echo "  postremove: $script" ;;
            esac
        done
        if [ "$kind" = deb ] && [ "$name" != pmssl ]; then
            printf 'deb: {triggers: {interest_noawait: [%s]}}\n' /usr/local/mgr5/processing,/usr/local/mgr5/etc/xml
        fi
        echo "contents:"
        contents "$kind"
    } >"$file"
    "$tools/nfpm" package --config "$file" --packager "$kind" --target "$out" >"$work/nfpm.log" 2>&1 || {
        cat "$work/nfpm.log" >&2
        exit 1
    }
    if [ -e "$scripts/trigger" ]; then
        "$tools/rpmtriggers" -script "$scripts/trigger" -prefix /usr/local/mgr5/processing/ -prefix /usr/local/mgr5/etc/xml/ \
            "$out/$name-$version-1.$(uname_of "$arch").rpm"
    fi
}

uname_of() {
    case $1 in
    amd64) echo x86_64 ;;
    arm64) echo aarch64 ;;
    all) echo noarch ;;
    esac
}

# begin KIND: an empty package
begin() {
    root=$work/$name.$1 scripts=$work/$name.$1.scripts
    rm -rf "$root" "$scripts"
    mkdir "$root" "$scripts"
}

common() { # common KIND: the package pmssl
    local doc=/usr/share/doc/pmssl file
    name=pmssl
    begin "$1"
    for file in README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs/*.md docs/reference/*.md docs/pictures/* internal/notify/templates/README.md etc/samples/*.conf etc/samples/pmssl/*.conf; do
        put "$file" "$doc/$file"
    done
    for file in etc/samples/pmssl/*.sh; do put "$file" "$doc/$file" 0755; done
    put "$work/copyright" "$doc/copyright"
    for file in etc/systemd/*.service etc/systemd/*.timer; do put "$file" "/usr/lib/systemd/system/${file##*/}"; done
    for file in etc/man/*.8; do
        if [ -e "$file" ]; then packed "$file" "/usr/share/man/man8/${file##*/}"; fi
    done
    if [ "$1" = deb ]; then
        packed "$work/changelog.Debian" "$doc/changelog.Debian"
    fi
    cp packaging/"$1"/pmssl.* "$scripts"
    for file in "$scripts"/*; do mv "$file" "$scripts/${file##*/pmssl.}"; done
    mkdir -p "$root/usr/lib/pmssl/xml" "$root/usr/lib/pmssl/logos" # the folders of the modules' packages
    pack "$1" all "certificates for BILLmanager: units, samples and documentation" \
        "These are the common files of pmssl-namecheap and pmssl-ispmanager."
}

module() { # module KIND ARCH MODULE PACKAGE SELLER
    local file
    name=$4
    begin "$1"
    put "$work/$2/$3" "/usr/lib/pmssl/$3" 0755
    put "etc/xml/billmgr_mod_$3.xml" "/usr/lib/pmssl/xml/billmgr_mod_$3.xml"
    if [ -e "etc/logos/$3.png" ]; then put "etc/logos/$3.png" "/usr/lib/pmssl/logos/$3.png"; fi
    sums
    filled packaging/link-module.sh "$3" "$4" "$([ "$1" = deb ] && echo package || echo none)" >"$work/link"
    put "$work/link" "/usr/lib/pmssl/link-$3" 0755
    link "../lib/pmssl/$3" "/usr/sbin/$3"
    put "etc/completion/bash/$3" "/usr/share/bash-completion/completions/$3"
    put "etc/completion/fish/$3.fish" "/usr/share/fish/vendor_completions.d/$3.fish"
    put "etc/completion/zsh/_$3" "/usr/share/zsh/$([ "$1" = deb ] && echo vendor-completions || echo site-functions)/_$3"
    link pmssl "/usr/share/doc/$4"
    for file in packaging/"$1"/module.*; do filled "$file" "$3" "$4" >"$scripts/${file##*/module.}"; done
    pack "$1" "$2" "BILLmanager's processing module for certificates of $5" \
        "It orders, reissues and renews the certificates that $5 sells,
and brings them to the panel."
}

copyright() {
    cat <<TEXT
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: pmssl

Files: *
Copyright: $(sed -n 's/^Copyright (c) //p' LICENSE)
License: Expat

License: Expat
$(sed -n '5,$ { s/^$/./; s/^/ /; p }' LICENSE)

The programs contain code of other projects under the following licenses.

TEXT
    go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/... | sort -u | while read -r path release dir; do
        printf '== %s %s\n\n' "$path" "$release"
        cat "$dir"/LICENSE*
        echo
    done
    printf '== Go, its standard library\n\n'
    cat "$(go env GOROOT)/LICENSE"
}

changelog() { # Debian's form; the real one is CHANGELOG.md
    printf 'pmssl (%s-1) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- The pmssl authors <pmssl@localhost>  %s\n' \
        "$version" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
}

echo "packages: building version $version"
copyright >"$work/copyright"
changelog >"$work/changelog.Debian"
for arch in "${arches[@]}"; do
    for one in "${modules[@]}"; do
        GOOS=linux GOARCH=$arch CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags nethttpomithttp2 \
            -ldflags "-s -w -X main.version=$version -X main.commit=$COMMIT" -o "$work/$arch/${one%%:*}" "./cmd/${one%%:*}"
    done
done

# The list of sums is the last file: a folder without it is not complete.
rm -f "$out/SHA256SUMS" "$out"/pmssl[-_]*.deb "$out"/pmssl[-_]*.rpm
for kind in deb rpm; do
    common "$kind"
    for arch in "${arches[@]}"; do
        for one in "${modules[@]}"; do
            IFS=: read -r module package seller <<<"$one"
            module "$kind" "$arch" "$module" "$package" "$seller"
        done
    done
done
cd "$out"
sha256sum -- *.deb *.rpm >"$work/sums"
install -m 0644 "$work/sums" .SHA256SUMS.new
mv -fT .SHA256SUMS.new SHA256SUMS
ls -l -- *.deb *.rpm
