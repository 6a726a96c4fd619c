#!/usr/bin/env bash
# install-systemd.sh FOLDER ROOT FILE…: copies systemd units to FOLDER with mode 0644 and replaces /usr/local/mgr5 in them by
# ROOT, the panel's directory at run time. It neither enables nor starts a unit.
set -euo pipefail

folder=$1 root=$2
shift 2

# Characters that have a meaning for systemd or sed are refused. Ranges depend on the locale.
export LC_ALL=C
case $root in
/*[!A-Za-z0-9/._-]* | [!/]* | '')
    echo "install-systemd: MGR5_ROOT is $root; it must be an absolute path of letters, digits and / . _ -" >&2
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
