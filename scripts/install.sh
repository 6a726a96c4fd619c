#!/usr/bin/env bash
# install.sh install|uninstall STAGE PREFIX PANEL BIN MODULE…: puts programs, manifests and logos into STAGE/PREFIX, and links
# to them into the panel's folders below STAGE/PANEL (packaging/link-module.sh), or removes both. BIN is the folder of the
# built programs. With a STAGE (DESTDIR of make) the panel's folders are created, and the links hold the paths without it.
# Each file is complete before it takes its name, because the panel may start a module at any moment. Neither touches var
# or etc/pmssl of the panel.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022

action=$1 stage=$2 prefix=$3 panel=$4 bin=$5
shift 5

# The paths are written into the linking script, whose words of sed and sh they must not change. Ranges depend on the locale.
export LC_ALL=C
for pair in "PREFIX:$prefix" "MGR5_ROOT:$panel"; do
    case ${pair#*:} in
    /*[!A-Za-z0-9/._-]* | [!/]* | '' | */)
        echo "install: ${pair%%:*} is ${pair#*:}; it must be an absolute path of letters, digits and / . _ - without / at the end" >&2
        exit 1
        ;;
    esac
done

# A program in the place of its link would replace the panel's own, and then be a link to itself.
if [ "$stage$prefix" -ef "$stage$panel/processing" ] || [ "$stage$prefix/xml" -ef "$stage$panel/etc/xml" ] ||
    [ "$prefix" = "$panel/processing" ] || [ "$prefix" = "$panel/etc" ]; then
    echo "install: PREFIX is $prefix, where the panel looks for modules; choose a folder outside of the panel" >&2
    exit 1
fi

place() { # place FILE FOLDER MODE [NAME]
    local temporary
    install -d -m 0755 "$2"
    temporary=$(mktemp "$2/.install.XXXXXXXX")
    # shellcheck disable=SC2064 # the present value of the variable is meant
    trap "rm -f '$temporary'" EXIT
    install -m "$3" "$1" "$temporary"
    mv -f "$temporary" "$2/${4:-${1##*/}}"
    echo "installed $2/${4:-${1##*/}}"
}

files() { # files MODULE: what install puts into PREFIX
    printf '%s\n' "link-$1" "$1" "xml/billmgr_mod_$1.xml" "logos/$1.png"
}

install_module() {
    local script
    if [ "$prefix" != /usr/lib/pmssl ] && [ "$(readlink "$stage$panel/processing/$1")" = "/usr/lib/pmssl/$1" ] && [ -x "$stage/usr/lib/pmssl/$1" ]; then
        echo "install: $1 is installed as a package; upgrade the package, or remove it first" >&2
        exit 1
    fi
    if [ ! -x "$bin/$1" ]; then
        echo "install: there is no $bin/$1: build it with Go (make build), or take a tarball that has programs (make dist)" >&2
        exit 1
    fi
    script=$(mktemp)
    sed -e "s|@MODULE@|$1|g; s|@LIB@|$prefix|g; s|@PANEL@|$panel|g; s|@DIVERT@|local|g; s|@PACKAGE@||g" packaging/link-module.sh >"$script"
    place "$bin/$1" "$stage$prefix" 0755
    place "etc/xml/billmgr_mod_$1.xml" "$stage$prefix/xml" 0644
    if [ -e "etc/logos/$1.png" ]; then place "etc/logos/$1.png" "$stage$prefix/logos" 0644; fi
    place "$script" "$stage$prefix" 0755 "link-$1"
    rm -f "$script"
    if [ -n "$stage" ]; then install -d -m 0755 "$stage$panel/processing" "$stage$panel/etc/xml"; fi
    PMSSL_STAGE=$stage "$stage$prefix/link-$1" link || failed=$?
}

uninstall_module() {
    local file unit target other
    if [ ! -x "$stage$prefix/link-$1" ]; then
        echo "not installed in $prefix: $1"
        return 0
    fi
    # The timer would start the file that takes the module's place, or has taken it. A sweep that runs now ends by itself. A package or
    # another PREFIX whose link has taken the place keeps its timer.
    unit=pmssl-subscription@$1.timer
    target=$(readlink "$panel/processing/$1") || target=
    case $target in
    "$prefix/$1") other= ;;
    /usr/lib/pmssl/*) other=yes ;;
    /*) if [ -e "${target%/*}/link-$1" ]; then other=yes; else other=; fi ;;
    *) other= ;;
    esac
    if [ -z "$stage$other" ] && command -v systemctl >/dev/null; then
        systemctl --quiet disable "$unit" 2>/dev/null || :
        if [ -d /run/systemd/system ]; then systemctl --quiet stop "$unit" || :; fi
    fi
    PMSSL_STAGE=$stage "$stage$prefix/link-$1" unlink
    removed=yes
    while read -r file; do
        [ -e "$stage$prefix/$file" ] || continue
        rm -f "$stage$prefix/$file"
        echo "removed $stage$prefix/$file"
    done < <(files "$1" | sort -r) # the linking script last: without it this cannot be repeated
}

failed=0 removed=
for module in "$@"; do
    case $action in
    install) install_module "$module" ;;
    uninstall) uninstall_module "$module" ;;
    esac
done
if [ "$action" = uninstall ]; then
    rmdir "$stage$prefix/xml" "$stage$prefix/logos" "$stage$prefix" 2>/dev/null || :
    # The units serve both modules. If nothing was installed here, they belong to an installation elsewhere, whose timer needs them.
    if [ -n "$removed" ] && ! compgen -G "$stage$prefix/link-pm*" >/dev/null; then
        for unit in "$stage"/etc/systemd/system/pmssl-subscription@.{service,timer}; do
            if [ -e "$unit" ]; then
                rm -f "$unit"
                echo "removed $unit"
            fi
        done
        if [ -z "$stage" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload || :; fi
    fi
    echo "kept: what the modules keep in $panel/var and your files in $panel/etc/pmssl"
fi
exit "$failed"
