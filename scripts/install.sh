#!/usr/bin/env bash
# install.sh ROOT FILE…: copies modules (files without ending) to ROOT/processing with mode 0755, manifests (*.xml) to
# ROOT/etc/xml and templates of letters (*.txt) to ROOT/etc/pmssl/templates with mode 0644. Each file is complete before it
# takes its name: the panel may start a module at any moment. A template that is there stays: it may be edited.
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

place_new() { # place_new FILE FOLDER MODE: unless something of that name is there, be it a dead link
    local there=$2/${1##*/}
    if [ ! -e "$there" ] && [ ! -L "$there" ]; then
        place "$@"
    elif ! cmp -s "$1" "$there"; then
        echo "kept $there, which differs from $1"
    fi
}

for file in "$@"; do
    case $file in
    *.xml) place "$file" "$root/etc/xml" 0644 ;;
    *.txt) place_new "$file" "$root/etc/pmssl/templates" 0644 ;;
    *) place "$file" "$root/processing" 0755 ;;
    esac
done
