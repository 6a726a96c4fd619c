#!/usr/bin/env bash
# install.sh ROOT FILE…: copies modules (files without extension) to ROOT/processing with mode 0755, manifests (*.xml) to
# ROOT/etc/xml and mail templates (*.txt) to ROOT/etc/pmssl/templates with mode 0644. Each file is written under a temporary
# name and then renamed, because the panel may start a module at any moment. An edited template stays. A template that an
# earlier version installed and nobody edited (listed in shipped.sha256 beside the template) is replaced.
set -euo pipefail

root=$1
shift

place() { # place FILE FOLDER MODE
    local temporary
    install -d -m 0755 "$2"
    temporary=$(mktemp "$2/.install.XXXXXXXX")
    # shellcheck disable=SC2064 # the present value of the variable is meant
    trap "rm -f '$temporary'" EXIT
    install -m "$3" "$1" "$temporary"
    mv -f "$temporary" "$2/${1##*/}"
    echo "installed $2/${1##*/}"
}

unedited() { # unedited FILE LIST: succeeds if FILE is a regular file whose sum is in LIST, in the format of sha256sum
    local sum
    [ -f "$1" ] && [ ! -L "$1" ] && [ -f "$2" ] || return 1
    sum=$(sha256sum <"$1") || return 1
    grep -qxF -- "${sum%% *}  ${1##*/}" "$2"
}

place_unless_edited() { # place_unless_edited FILE FOLDER MODE: a link, even a broken one, counts as edited
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
