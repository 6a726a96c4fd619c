#!/bin/sh
# Makes or removes the links by which the panel finds the module @MODULE@: its program, its manifest and its logo.
# Installing writes the words between @ into this file, under the name link-@MODULE@ in the folder of the programs.
#
# usage: link-@MODULE@ [link | unlink]
#
# link    A file of the same name that is not part of pmssl is kept beside the link, with .orig at its end. Each link takes
#         its name in one step: the panel finds a working module at every moment. Where dpkg manages packages, it is told to
#         write such files of other packages as .orig from now on. Nothing changes if all links are there.
# unlink  Removes the links and puts the .orig files back.
#
# Both can be repeated after an interruption. Exit codes: 0 done, 1 failed, 2 usage, 3 there is no panel.
set -eu
LC_ALL=C
export LC_ALL

module='@MODULE@'
lib='@LIB@'       # the folder of the programs
panel='@PANEL@'   # the panel's root
divert='@DIVERT@' # package: dpkg-divert for the package below. local: for this host. none: there is no dpkg
package='@PACKAGE@'

# The folder that stands for / when an installation is prepared in a folder or for a chroot. dpkg sets DPKG_ROOT.
stage=${DPKG_ROOT:-}${PMSSL_STAGE:-}

say() { echo "pmssl: $*"; }

fail() {
    echo "pmssl: $*" >&2
    exit 1
}

exists() { [ -e "$1" ] || [ -L "$1" ]; }

# each calls a function with the path of each link and its target. A package without a logo has no link for it.
each() {
    "$1" "$panel/processing/$module" "$lib/$module"
    "$1" "$panel/etc/xml/billmgr_mod_$module.xml" "$lib/xml/billmgr_mod_$module.xml"
    if [ -f "$stage$lib/logos/$module.png" ] && [ -d "$stage$panel/skins/common" ]; then
        "$1" "$panel/skins/common/plugin-logo/billmanager-plugin-$module.png" "$lib/logos/$module.png"
    fi
}

is_link_to() { [ -L "$1" ] && [ "$(readlink "$1")" = "$2" ]; }

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

# place PATH TARGET
place() {
    file=$stage$1
    tell_dpkg "$1"
    if is_link_to "$file" "$2"; then return 0; fi
    if [ -d "$file" ] && [ ! -L "$file" ]; then fail "$1 is a folder; move it away and run $lib/link-$module again"; fi
    if exists "$file" && ! ours "$file"; then keep "$1"; fi
    mkdir -p "${file%/*}" # of a logo
    rm -f "$file.pmssl-new"
    ln -s "$2" "$file.pmssl-new"
    mv -fT "$file.pmssl-new" "$file"
    say "linked $1 to $2"
}

# keep PATH: copies a file that is not part of pmssl to PATH.orig, in place of an older one. The copy is complete before it
# takes the name. A .orig that dpkg has written is the newer file: then the copy is PATH.orig.old. A link to a file that is
# missing is no module and replaces no .orig.
keep() {
    if [ -L "$file" ] && [ ! -e "$file" ] && exists "$file.orig"; then
        say "replaced $1, a link to $(readlink "$file"), which is missing"
        return 0
    fi
    name=$1.orig
    if diverts && exists "$file.orig" && ! same "$file" "$file.orig"; then name=$1.orig.old; fi
    rm -f "$file.pmssl-new"
    cp -pP "$file" "$file.pmssl-new"
    mv -fT "$file.pmssl-new" "$stage$name"
    say "kept $1, which is not part of pmssl, as $name"
}

same() {
    if [ -L "$1" ] || [ -L "$2" ]; then
        [ "$(readlink "$1")" = "$(readlink "$2")" ]
    else
        cmp -s "$1" "$2"
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
}

# With a diversion dpkg writes the file of another package as PATH.orig. Nothing is renamed by dpkg-divert: that would leave
# a moment without a module.
diverts() { [ "$divert" != none ] && [ -z "${PMSSL_STAGE:-}" ] && command -v dpkg-divert >/dev/null; }

owner() { # prints the words of dpkg-divert for the owner of a new diversion
    if [ "$divert" = local ]; then echo --local; else echo --package "$package"; fi
}

tell_dpkg() {
    diverts || return 0
    case $(dpkg-divert --listpackage "$1") in
    '') ;;
    "$package") return 0 ;;
    LOCAL)
        if [ "$divert" = local ] || [ "$(dpkg-divert --truename "$1")" != "$1.orig" ]; then return 0; fi
        # `make install` has told dpkg; from now on the package does.
        dpkg-divert --quiet --no-rename --local --remove "$1"
        ;;
    *) fail "another package has diverted $1 (dpkg-divert --list)" ;;
    esac
    # shellcheck disable=SC2046 # several words
    dpkg-divert --quiet --no-rename $(owner) --divert "$1.orig" --add "$1"
}

untell_dpkg() {
    diverts || return 0
    if [ "$(dpkg-divert --truename "$1")" != "$1.orig" ]; then return 0; fi
    case $(dpkg-divert --listpackage "$1") in
    LOCAL) [ "$divert" = local ] || return 0 ;;
    "$package") [ "$divert" = package ] || return 0 ;;
    *) return 0 ;;
    esac
    # shellcheck disable=SC2046 # several words
    dpkg-divert --quiet --no-rename $(owner) --remove "$1"
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
    each place
    ;;
unlink) each remove ;;
*)
    echo "usage: link-$module [link | unlink]" >&2
    exit 2
    ;;
esac
