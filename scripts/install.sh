#!/usr/bin/env bash
# install.sh install|uninstall STAGE PREFIX DATADIR PANEL BIN MODULE…: puts programs, manifests and logos into STAGE/PREFIX, the
# manual page and the completion of shells into STAGE/DATADIR, and links to the former into the panel's folders below
# STAGE/PANEL (packaging/link-module.sh), or removes all of them. BIN is the folder of the built programs. With a STAGE (DESTDIR
# of make) the panel's folders are created, and the links hold the paths without it. Each file is complete before it takes its
# name, because the panel may start a module at any moment. Neither touches var or etc/pmssl of the panel. Both can be repeated
# after an interruption.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022
export LC_ALL=C
# shellcheck source=scripts/files.sh
. scripts/files.sh

action=$1 stage=$2 prefix=$3 data=$4 panel=$5 bin=$6
shift 6

while [ "${stage%/}" != "$stage" ]; do stage=${stage%/}; done # DESTDIR=/ is none
absolute install PREFIX "$prefix"
prefix=$path
absolute install DATADIR "$data"
data=$path
absolute install MGR5_ROOT "$panel"
panel=$path

# A program in the place of its link would replace the panel's own, and then be a link to itself.
if [ "$stage$prefix" -ef "$stage$panel/processing" ] || [ "$stage$prefix/xml" -ef "$stage$panel/etc/xml" ] ||
    [ "$prefix" = "$panel/processing" ] || [ "$prefix" = "$panel/etc" ]; then
    echo "install: PREFIX is $prefix, where the panel looks for modules; choose a folder outside of the panel" >&2
    exit 1
fi
for module in "$@"; do
    if [ ! -f "etc/xml/billmgr_mod_$module.xml" ]; then
        echo "install: there is no module $module" >&2
        exit 1
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

data_files() { # data_files MODULE: what install puts into DATADIR, each with its source
    printf '%s %s\n' "etc/man/$1.8" "man/man8/$1.8" "etc/completion/bash/$1" "bash-completion/completions/$1" \
        "etc/completion/fish/$1.fish" "fish/vendor_completions.d/$1.fish" "etc/completion/zsh/_$1" "zsh/site-functions/_$1"
}

page=man/man8/pmssl.8 # of all modules

# packaged MODULE: a package has put the module into /usr/lib/pmssl.
packaged() {
    local folder=/usr/lib/pmssl
    if [ "$prefix" != "$folder" ] && [ "$(readlink "$stage$panel/processing/$1")" = "$folder/$1" ] && [ -x "$stage$folder/$1" ]; then return 0; fi
    [ -e "$stage$folder/link-$1" ] && ! grep -q "^divert='local'" "$stage$folder/link-$1"
}

# sums FILE…: prints the sha256sum of each file that exists, in one line
sums() {
    local file
    for file; do
        if [ -f "$file" ]; then sha256sum <"$file"; fi
    done | cut -d ' ' -f 1 | tr '\n' ' '
}

# linking_script MODULE SUMS: writes the linking script to $work/link. SUMS are of the files that are not edited ones.
linking_script() {
    sed -e "s|@MODULE@|$1|g; s|@LIB@|$prefix|g; s|@PANEL@|$panel|g; s|@DIVERT@|local|g; s|@PACKAGE@||g; s|@SUMS@|$2|g" packaging/link-module.sh >"$work/link"
}

# put_data SOURCE NAME: a file of DATADIR. A file of the same name that is not part of pmssl stays.
put_data() {
    if ours "$stage$data/$2"; then
        put "$1" "$stage$data/$2" 0644
    else
        echo "left $stage$data/$2, which is not part of pmssl"
    fi
}

ours() { ! exists "$1" || grep -qs -e pmssl -e 'command table in internal/app' "$1"; }

install_module() {
    local link=$stage$prefix/link-$1 code=0 sums former='' source file
    if packaged "$1"; then
        echo "install: $1 is installed as a package; upgrade the package, or remove it first" >&2
        exit 1
    fi
    if [ ! -x "$bin/$1" ]; then
        echo "install: there is no $bin/$1: build it with Go (make build), or take a tarball that has programs (make dist)" >&2
        exit 1
    fi
    # Edited files are kept. Until all files are new, those of both versions count as not edited.
    sums=$(sums "$bin/$1" "etc/xml/billmgr_mod_$1.xml" "etc/logos/$1.png")
    if [ -f "$link" ]; then
        PMSSL_STAGE=$stage sh "$link" keep || code=$?
        [ "$code" != 1 ] || exit 1 # 2: a script of an earlier version
        former=$(sed -n "s/^known='\([0-9a-f ]*\)'.*/\1/p" "$link")
    fi
    linking_script "$1" "$sums$former"
    put "$work/link" "$link" 0755 >/dev/null
    put "$bin/$1" "$stage$prefix/$1" 0755
    put "etc/xml/billmgr_mod_$1.xml" "$stage$prefix/xml/billmgr_mod_$1.xml" 0644
    if [ -e "etc/logos/$1.png" ]; then put "etc/logos/$1.png" "$stage$prefix/logos/$1.png" 0644; fi
    linking_script "$1" "$sums"
    put "$work/link" "$link" 0755
    while read -r source file; do put_data "$source" "$file"; done < <(data_files "$1")
    put_data etc/man/pmssl.8 "$page"
    if [ -n "$stage" ]; then mkdir -p "$stage$panel/processing" "$stage$panel/etc/xml"; fi
    PMSSL_STAGE=$stage sh "$link" link || failed=$?
}

# taken MODULE: another installation than this one has the link in the panel's folder: a package, or another PREFIX.
taken() {
    local target
    target=$(readlink "$stage$panel/processing/$1") || return 1
    case $target in
    "$prefix/$1") return 1 ;;
    /usr/lib/pmssl/*) return 0 ;;
    /*) [ -e "$stage${target%/*}/link-$1" ] ;;
    *) return 1 ;;
    esac
}

timer() { # timer WORD MODULE
    if [ -z "$stage" ] && command -v systemctl >/dev/null; then
        systemctl --quiet "$1" "pmssl-subscription@$2.timer" 2>/dev/null
    else
        return 1
    fi
}

is_installed() { # is_installed MODULE: PREFIX has a file of it, or the panel a link into PREFIX
    local file
    for file in "$1" "xml/billmgr_mod_$1.xml" "logos/$1.png" "link-$1"; do
        if exists "$stage$prefix/$file"; then return 0; fi
    done
    [ "$(readlink "$stage$panel/processing/$1")" = "$prefix/$1" ]
}

uninstall_module() {
    local link=$stage$prefix/link-$1 other='' active='' names
    if ! is_installed "$1"; then
        echo "not installed in $prefix: $1"
        return 0
    fi
    if [ "$prefix" = /usr/lib/pmssl ] && packaged "$1"; then
        echo "install: $1 is installed as a package; remove the package" >&2
        exit 1
    fi
    if [ ! -f "$link" ]; then # somebody has deleted it
        linking_script "$1" "$(sums "$stage$prefix/$1" "etc/xml/billmgr_mod_$1.xml" "etc/logos/$1.png")"
        link=$work/link
    fi
    # The timer would start the file that takes the module's place, or has taken it. A sweep that runs now ends by itself. The timer
    # of another installation stays. Only a removal that has succeeded disables the timer.
    if taken "$1"; then other=yes; fi
    if [ -z "$other" ] && timer is-active "$1"; then
        active=yes
        timer stop "$1" || :
    fi
    if ! PMSSL_STAGE=$stage sh "$link" unlink; then
        PMSSL_STAGE=$stage sh "$link" link || :
        if [ -n "$active" ] && [ "$(readlink "$panel/processing/$1")" = "$prefix/$1" ]; then timer start "$1" || :; fi
        echo "install: $1 is still installed" >&2
        exit 1
    fi
    if [ -z "$other" ]; then
        timer disable "$1" || :
        mapfile -t names < <(data_files "$1" | cut -d ' ' -f 2)
        remove_data "${names[@]}"
    fi
    if ! in_use "$1"; then remove_common; fi
    # The linking script is the last: without it and the others there would be nothing to repeat after an interruption.
    remove "$stage$prefix/$1" "$stage$prefix/xml/billmgr_mod_$1.xml" "$stage$prefix/logos/$1.png"
    remove "$stage$prefix/link-$1"
    rmdir "$stage$prefix/xml" "$stage$prefix/logos" "$stage$prefix" 2>/dev/null || :
}

remove() { # remove PATH…, and what an interruption has left
    local path paths=()
    for path; do
        if exists "$path"; then paths+=("$path"); fi
    done
    for path; do
        if exists "${path%/*}/.${path##*/}.pmssl-new"; then paths+=("${path%/*}/.${path##*/}.pmssl-new"); fi
    done
    if [ ${#paths[@]} = 0 ]; then return 0; fi
    rm -f "${paths[@]}"
    printf 'removed %s\n' "${paths[@]}"
}

remove_data() { # remove_data NAME…: files of DATADIR that are part of pmssl
    local name paths=()
    for name; do
        if ours "$stage$data/$name"; then paths+=("$stage$data/$name"); fi
    done
    if [ ${#paths[@]} != 0 ]; then remove "${paths[@]}"; fi
}

# in_use MODULE: another module is installed by make, here or with another PREFIX, or the module with another PREFIX.
in_use() {
    local link
    for link in "$stage$prefix"/link-pm*; do
        if [ -e "$link" ] && [ "$link" != "$stage$prefix/link-$1" ]; then return 0; fi
    done
    for link in "$stage$panel"/processing/pm*; do
        case $(readlink "$link") in
        /usr/lib/pmssl/*) ;; # packages have units and pages of their own
        *) if taken "${link##*/}"; then return 0; fi ;;
        esac
    done
    return 1
}

# remove_common removes what serves all modules: the page and the units.
remove_common() {
    local unit file
    remove_data "$page"
    for unit in pmssl-subscription@.service pmssl-subscription@.timer; do
        file=$stage/etc/systemd/system/$unit
        if [ -L "$file" ]; then
            echo "left $file, a link to $(readlink "$file")"
            continue
        fi
        if [ -f "$file" ] && ! sed "s|$panel|/usr/local/mgr5|g" "$file" | cmp -s - "etc/systemd/$unit"; then keep_old "$file"; fi
        remove "$file"
    done
    if [ -z "$stage" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload || :; fi
}

failed=0
for module in "$@"; do
    case $action in
    install) install_module "$module" ;;
    uninstall) uninstall_module "$module" ;;
    esac
done
if [ "$action" = uninstall ]; then
    echo "kept: what the modules keep in $panel/var and your files in $panel/etc/pmssl"
fi
exit "$failed"
