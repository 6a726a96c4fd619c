#!/usr/bin/env bash
# install-systemd.sh FOLDER ROOT FILE…: copies systemd units to FOLDER with mode 0644 and replaces /usr/local/mgr5 in them by
# ROOT, the panel's directory at run time. A unit with another content is kept as .old. It neither enables nor starts a unit.
set -euo pipefail
umask 022
export LC_ALL=C
# shellcheck source=scripts/files.sh
. "$(dirname "$0")/files.sh"

folder=$1
absolute install-systemd MGR5_ROOT "$2"
root=$path
shift 2

for file in "$@"; do
    unit=$folder/${file##*/}
    if [ -L "$unit" ]; then
        echo "install-systemd: $unit is a link to $(readlink "$unit"); nothing was installed. If the unit is masked, run: systemctl unmask ${file##*/}; else remove the link" >&2
        exit 1
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in "$@"; do
    unit=$folder/${file##*/}
    sed "s|/usr/local/mgr5|$root|g" "$file" >"$work/unit"
    if [ -e "$unit" ] && ! cmp -s "$work/unit" "$unit"; then keep_old "$unit"; fi
    put "$work/unit" "$unit" 0644
done
