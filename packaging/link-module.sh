#!/bin/sh
# Makes or removes the links by which the panel finds the module @MODULE@: its program, its manifest and its logo.
# Installing writes the words between @ into this file, under the name link-@MODULE@ in the folder of the programs.
#
# usage: link-@MODULE@ [link | unlink | keep]
#
# link    A file of the same name that is not part of pmssl is kept beside the link, with .orig at its end, and a changed
#         manifest of pmssl with .old. Each link takes its name in one step: the panel finds a working module at every moment.
#         Where dpkg manages packages, it is told to write such files of other packages as .orig from now on. Nothing changes
#         if all links are there.
# unlink  Removes the links and puts the .orig files back. Keeps what `keep` keeps.
# keep    Copies what somebody has written into the files of this installation, through the links or not, beside the links. The
#         next version replaces these files.
#
# No file is replaced by another one that is kept: names that are in use get a number (.orig.1).
# All can be repeated after an interruption. Exit codes: 0 done, 1 failed, 2 usage, 3 there is no panel.
set -eu
umask 022
LC_ALL=C
export LC_ALL

module='@MODULE@'
lib='@LIB@'       # the folder of the programs
panel='@PANEL@'   # the panel's root
divert='@DIVERT@' # package: dpkg-divert for the package below. local: for this host. none: there is no dpkg
package='@PACKAGE@'
known='@SUMS@' # sha256sum of the files that this installation has written: with another content they were changed

# The folder that stands for / when an installation is prepared in a folder or for a chroot. dpkg sets DPKG_ROOT.
stage=${DPKG_ROOT:-}${PMSSL_STAGE:-}

say() { echo "pmssl: $*"; }

fail() {
    echo "pmssl: $*" >&2
    exit 1
}

exists() { [ -e "$1" ] || [ -L "$1" ]; }

logo=$panel/skins/common/plugin-logo/billmanager-plugin-$module.png

# each calls a function with the path of each link and its target. The program is the last: if one of the others cannot be
# removed, the timer still finds this module.
each() {
    "$1" "$panel/etc/xml/billmgr_mod_$module.xml" "$lib/xml/billmgr_mod_$module.xml"
    "$1" "$logo" "$lib/logos/$module.png"
    "$1" "$panel/processing/$module" "$lib/$module"
}

is_link_to() { [ -L "$1" ] && [ "$(readlink "$1")" = "$2" ]; }

# is_missing_target FILE: it is a link to a file that does not exist, or is not there at present.
is_missing_target() { [ -L "$1" ] && [ ! -e "$1" ]; }

# ours FILE: it is part of pmssl: a link to another folder of pmssl, or a file that `make install` of an earlier version has
# copied. Programs have the path of their Go package in them, manifests their author.
ours() {
    if [ -L "$1" ]; then
        case $(readlink "$1") in
        /usr/lib/pmssl/* | /usr/local/lib/pmssl/* | "$lib"/*) return 0 ;;
        esac
    fi
    [ -f "$1" ] || return 1
    grep -q -e "pmssl/cmd/$module" -e '<author>pmssl</author>' "$1"
}

# same FILE FILE: both are links to one path, or files of one content.
same() {
    if [ -L "$1" ] || [ -L "$2" ]; then
        [ "$(readlink "$1")" = "$(readlink "$2")" ]
    else
        cmp -s "$1" "$2"
    fi
}

# copy FILE PATH: the copy is complete before it takes its name.
copy() {
    if ! { rm -f "$stage$2.pmssl-new" && cp -pPR "$1" "$stage$2.pmssl-new"; }; then
        rm -f "$stage$2.pmssl-new" || :
        fail "${1#"$stage"} cannot be kept as $2, so nothing takes its place"
    fi
    mv -fT "$stage$2.pmssl-new" "$stage$2"
}

# numbered PATH FILE: sets name to PATH with the first number that is free, or that has FILE already.
numbered() {
    number=1
    while exists "$stage$1.$number" && ! same "$stage$1.$number" "$2"; do number=$((number + 1)); done
    name=$1.$number
}

# keep_orig FILE PATH WHAT: copies FILE, which is not part of pmssl, to PATH.orig, which unlink puts back. A file that was kept
# before gets a number. FILE gets it instead if dpkg has written PATH.orig, or if FILE is a link to a file that is missing:
# that is no module.
keep_orig() {
    name=$2.orig
    if exists "$stage$name" && ! same "$1" "$stage$name"; then
        numbered "$2.orig" "$1"
        if ! written_by_dpkg "$2" && ! is_missing_target "$1"; then
            numbered "$2.orig" "$stage$2.orig"
            mv -fT "$stage$2.orig" "$stage$name"
            say "kept the former $2.orig as $name"
            name=$2.orig
        fi
    fi
    keep_as "$1" "$name" "$3"
}

# keep_old FILE PATH WHAT: copies FILE, a changed file of pmssl, to PATH.old, which nothing puts back.
keep_old() {
    name=$2.old
    if exists "$stage$name" && ! same "$1" "$stage$name"; then numbered "$2.old" "$1"; fi
    keep_as "$1" "$name" "$3"
}

keep_as() {
    if exists "$stage$2" && same "$1" "$stage$2"; then return 0; fi
    copy "$1" "$2"
    say "kept $3, as $2"
}

# keep PATH TARGET
keep() {
    if [ ! -f "$stage$2" ]; then return 0; fi
    sum=$(sha256sum <"$stage$2")
    case " $known " in *" ${sum%% *} "*) return 0 ;; esac
    if [ ! -d "$stage${1%/*}" ]; then
        keep_old "$stage$2" "$2" "$2, which was changed after its installation"
    elif ours "$stage$2"; then
        keep_old "$stage$2" "$1" "$2, which was changed after its installation"
    else
        keep_orig "$stage$2" "$1" "$2, which is not part of pmssl: somebody has written it in place of this installation's file"
    fi
}

# place PATH TARGET
place() {
    file=$stage$1
    check_diversion "$1"
    if is_link_to "$file" "$2"; then
        tell_dpkg "$1"
        return 0
    fi
    if [ ! -e "$stage$2" ]; then fail "$2 is missing, so $1 stays as it is; install pmssl again"; fi
    if [ -d "$file" ] && [ ! -L "$file" ]; then fail "$1 is a folder; move it away and run $lib/link-$module again"; fi
    keep_former "$1" "$2"
    tell_dpkg "$1"
    mkdir -p "${file%/*}" # of a logo
    rm -f "$file.pmssl-new"
    ln -s "$2" "$file.pmssl-new"
    mv -fT "$file.pmssl-new" "$file"
    say "linked $1 to $2"
}

# keep_former PATH TARGET: keeps the file that has the name of a link. A program of pmssl is of another version, and a
# link to another folder of pmssl leaves its file there. A manifest that is not this version's may have been edited.
keep_former() {
    if ! exists "$file"; then return 0; fi
    if ! ours "$file"; then
        keep_orig "$file" "$1" "$1, which is not part of pmssl"
    elif [ ! -L "$file" ] && [ "$1" != "$panel/processing/$module" ] && ! same "$file" "$stage$2"; then
        keep_old "$file" "$1" "$1, which is of pmssl, but not this version's: if you have edited it, edit $2 in the same way"
    fi
}

# remove PATH TARGET
remove() {
    file=$stage$1
    rm -f "$file.pmssl-new"
    if is_link_to "$file" "$2" || ! exists "$file"; then
        if exists "$file.orig"; then
            mv -fT "$file.orig" "$file"
            say "put $1 back"
        elif exists "$file"; then
            rm -f "$file"
            say "removed $1"
        fi
    elif exists "$file.orig"; then
        say "left $1 and $1.orig: the first is not a link of this installation"
    fi
    untell_dpkg "$1"
    for kept in "$file".orig.* "$file".old "$file".old.*; do
        if exists "$kept"; then say "left ${kept#"$stage"}"; fi
    done
}

# With a diversion dpkg writes the file of another package as PATH.orig. Nothing is renamed by dpkg-divert: that would leave
# a moment without a module.
diverts() { [ "$divert" != none ] && [ -z "${PMSSL_STAGE:-}" ] && command -v dpkg-divert >/dev/null; }

# change_diversion local|package WORD… adds or removes a diversion of this host or of the package. dpkg before 1.19.1 has no
# word for what it does by default; later versions want it.
change_diversion() {
    words=--quiet
    if dpkg-divert --help | grep -q -e --no-rename; then words="$words --no-rename"; fi
    if [ "$1" = local ]; then words="$words --local"; else words="$words --package $package"; fi
    shift
    # shellcheck disable=SC2086 # several words
    dpkg-divert $words "$@"
}

# is_diverted PATH: dpkg writes it as PATH.orig.
is_diverted() { diverts && [ "$(dpkg-divert --truename "$1")" = "$1.orig" ]; }

# written_by_dpkg PATH: PATH.orig is the file of a package.
written_by_dpkg() {
    is_diverted "$1" || return 1
    dpkg-query --search "$1" 2>/dev/null | grep -v -e '^diversion by ' -e '^local diversion ' | grep -q .
}

check_diversion() {
    diverts || return 0
    case $(dpkg-divert --listpackage "$1") in
    '' | "$package" | LOCAL) ;;
    *) fail "another package has diverted $1 (dpkg-divert --list)" ;;
    esac
}

tell_dpkg() {
    diverts || return 0
    case $(dpkg-divert --listpackage "$1") in
    '') ;;
    LOCAL)
        if [ "$divert" = local ] || ! is_diverted "$1"; then return 0; fi
        # `make install` has told dpkg; from now on the package does.
        change_diversion local --remove "$1"
        ;;
    *) return 0 ;;
    esac
    change_diversion "$divert" --divert "$1.orig" --add "$1"
}

untell_dpkg() {
    is_diverted "$1" || return 0
    case $(dpkg-divert --listpackage "$1") in
    LOCAL) [ "$divert" = local ] || return 0 ;;
    "$package") [ "$divert" = package ] || return 0 ;;
    *) return 0 ;;
    esac
    change_diversion "$divert" --remove "$1"
}

# alone waits for another script of this kind, of a package or of `make install`: two at once would write the same files, and the
# second one might keep the first one's link as the panel's file. The lock ends with this process.
alone() {
    if [ ! -d "$stage$panel/processing" ] || ! command -v flock >/dev/null; then return 0; fi
    exec 9<"$stage$panel/processing"
    flock -w 60 9 || fail "another installation works on $panel/processing for a minute; run $lib/link-$module again when it has ended"
}

alone
case ${1:-link} in
link)
    for folder in processing etc/xml; do
        if [ -d "$stage$panel/$folder" ]; then continue; fi
        say "no BILLmanager here: the folder $panel/$folder is missing. The module is not linked. When the panel is installed, run $lib/link-$module"
        exit 3
    done
    place "$panel/processing/$module" "$lib/$module"
    place "$panel/etc/xml/billmgr_mod_$module.xml" "$lib/xml/billmgr_mod_$module.xml"
    if [ -f "$stage$lib/logos/$module.png" ] && [ -d "$stage$panel/skins/common" ]; then
        place "$logo" "$lib/logos/$module.png"
    elif is_link_to "$stage$logo" "$lib/logos/$module.png"; then
        remove "$logo" "$lib/logos/$module.png" # this version has none
    fi
    ;;
unlink)
    each keep
    each remove
    ;;
keep) each keep ;;
*)
    echo "usage: link-$module [link | unlink | keep]" >&2
    exit 2
    ;;
esac
