#!/usr/bin/env bash
# install.sh ROOT FILE…: copies modules (files without ending) to ROOT/processing with mode 0755, manifests (*.xml) to
# ROOT/etc/xml and templates of letters (*.txt) to ROOT/etc/pmssl/templates with mode 0644. Each file is complete before it
# takes its name: the panel may start a module at any moment. A template that was edited stays; one that an earlier version
# installed and nobody edited (shipped.sha256 beside the template lists them) is replaced.
set -euo pipefail

root=$1
shift

place() { # place FILE FOLDER MODE
    local temporary
    install -d -m 0755 "$2"
    temporary=$(mktemp "$2/.install.XXXXXXXX")
    # shellcheck disable=SC2064 # the name of now is meant
    trap "rm -f '$temporary'" EXIT
    install -m "$3" "$1" "$temporary"
    mv -f "$temporary" "$2/${1##*/}"
    echo "installed $2/${1##*/}"
}

unedited() { # unedited FILE LIST: FILE is a version in the list of sha256sum's lines; neither a link nor a folder is one
    local sum
    [ -f "$1" ] && [ ! -L "$1" ] && [ -f "$2" ] || return 1
    sum=$(sha256sum <"$1") || return 1
    grep -qxF -- "${sum%% *}  ${1##*/}" "$2"
}

place_unless_edited() { # place_unless_edited FILE FOLDER MODE: a link is the administrator's, even a dead one
    local there=$2/${1##*/}
    if [ ! -e "$there" ] && [ ! -L "$there" ]; then
        place "$@"
    elif cmp -s "$1" "$there"; then
        :
    elif unedited "$there" "${1%/*}/shipped.sha256"; then
        place "$@"
    else
        echo "kept $there, which differs from $1"
    fi
}

for file in "$@"; do
    case $file in
    *.xml) place "$file" "$root/etc/xml" 0644 ;;
    *.txt) place_unless_edited "$file" "$root/etc/pmssl/templates" 0644 ;;
    *) place "$file" "$root/processing" 0755 ;;
    esac
done
