#!/usr/bin/env bash
# plain-module.sh: makes sure that Debian's Python and the packages of internal/sandbox/peers/pm_plain.py are on this host. It installs
# them if they are missing and the user is root; otherwise it says what is missing and fails.
set -euo pipefail

missing=()
[ -x /usr/bin/python3 ] || missing+=(python3)
for pair in requests:python3-requests cryptography:python3-cryptography pymysql:python3-pymysql; do
    /usr/bin/python3 -c "import ${pair%%:*}" 2>/dev/null || missing+=("${pair##*:}")
done
if [ ${#missing[@]} = 0 ]; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "plain-module: missing: ${missing[*]} (apt-get install ${missing[*]})" >&2
    exit 1
fi
echo "plain-module: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >&2
apt-get -q -y -o DPkg::Lock::Timeout=120 --no-install-recommends install "${missing[@]}" >&2
