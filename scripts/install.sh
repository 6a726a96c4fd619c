#!/usr/bin/env bash
# install.sh ROOT FILE…: copies modules (files without ending) to ROOT/processing with mode 0755 and manifests (*.xml)
# to ROOT/etc/xml with mode 0644. Each file is complete before it takes its name: the panel may start a module at any
# moment.
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

for file in "$@"; do
    case $file in
    *.xml) place "$file" "$root/etc/xml" 0644 ;;
    *) place "$file" "$root/processing" 0755 ;;
    esac
done
