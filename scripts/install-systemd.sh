#!/usr/bin/env bash
# install-systemd.sh FOLDER ROOT FILE…: copies systemd units to FOLDER with mode 0644; in them ROOT, where the panel will be
# at run time, takes the place of /usr/local/mgr5. Enables and starts nothing.
set -euo pipefail

folder=$1 root=$2
shift 2

# What systemd or sed would read as something else than a character of a path. Ranges depend on the locale.
export LC_ALL=C
case $root in
/*[!A-Za-z0-9/._-]* | [!/]* | '')
    echo "install-systemd: MGR5_ROOT $root: an absolute path of letters, digits and / . _ - is needed" >&2
    exit 1
    ;;
esac

install -d -m 0755 "$folder"
temporary=$(mktemp "$folder/.install.XXXXXXXX")
trap 'rm -f "$temporary"' EXIT
for file in "$@"; do
    sed "s|/usr/local/mgr5|$root|g" "$file" >"$temporary"
    install -m 0644 "$temporary" "$folder/${file##*/}"
    echo "installed $folder/${file##*/}"
done
