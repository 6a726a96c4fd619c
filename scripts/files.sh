#!/usr/bin/env bash
# files.sh: functions of install.sh and install-systemd.sh, which source it. Each file is complete before it takes its name, and
# a file that somebody may have edited is kept.

exists() { [ -e "$1" ] || [ -L "$1" ]; }

# absolute SCRIPT NAME PATH: sets path to PATH without / at its end. The paths are written into units and the linking script, whose
# words of systemd, sed and sh they must not change, and are compared as texts: others end the script. Ranges depend on the
# locale, which must be C.
absolute() {
    path=$3
    while [ "${path%/}" != "$path" ]; do path=${path%/}; done
    case $path/ in
    /*[!A-Za-z0-9/._-]* | [!/]* | / | *//* | */./* | */../*)
        echo "$1: $2 is $3; it must be an absolute path of letters, digits and / . _ - without //, /./ or /../" >&2
        exit 1
        ;;
    esac
}

# put FILE PATH MODE: makes the folder, too. The mode of a folder that exists stays.
put() {
    local temporary=${2%/*}/.${2##*/}.pmssl-new
    [ -d "${2%/*}" ] || mkdir -p "${2%/*}"
    if ! install -m "$3" "$1" "$temporary" || ! mv -fT "$temporary" "$2"; then
        rm -f "$temporary"
        echo "$2 was not written" >&2
        exit 1
    fi
    echo "installed $2"
}

# keep_old PATH: copies the file to PATH.old, or to the first of PATH.old.1, PATH.old.2 … that is free or has it already.
keep_old() {
    local name=$1.old number=0
    while exists "$name" && ! cmp -s "$1" "$name"; do
        number=$((number + 1))
        name=$1.old.$number
    done
    if exists "$name"; then return 0; fi
    put "$1" "$name" 0644 >/dev/null
    echo "kept the former $1 as $name: if you have edited it, repeat that"
}
