#!/usr/bin/env bash
# mariadb.sh [--root DIR]: makes sure that the programs of a MariaDB server are on this host, for the tests' private
# server. It installs them only if they are missing, the user is root, and the host has neither a panel (/usr/local/mgr5)
# nor another MySQL or MariaDB server. It removes nothing and starts no service.
#
# It prints what it does on stdout; the output of package managers goes to stderr. Exit codes: 0 if the programs are there,
# 3 if they cannot be installed (the last line has the reason), 2 for wrong usage.
#
# --root DIR searches panel, servers and package lists below DIR; the tests of this script use it.
set -euo pipefail

readonly cannot=3
root=

say() { echo "mariadb: $*"; }

give_up() {
    say "$*"
    exit "$cannot"
}

have() { command -v "$1" >/dev/null 2>&1; }

# program NAME FOLDER…: succeeds if the program is in PATH or in one of the folders.
program() {
    local name=$1 folder
    shift
    if [ -z "$root" ] && have "$name"; then return 0; fi
    for folder in "$@"; do
        if [ -x "$root$folder/$name" ]; then return 0; fi
    done
    return 1
}

# complete: succeeds if both programs that a private server needs are there.
complete() {
    program mariadbd /usr/sbin /usr/libexec /usr/local/sbin &&
        program mariadb-install-db /usr/bin /usr/local/bin
}

# installed_packages prints the names of installed packages, including half-installed ones, of dpkg and rpm.
installed_packages() {
    if have dpkg-query; then
        # The second letter of the status: n means not installed, c means only configuration files are left.
        dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^.[^nc].\{0,1\} *\([^ ]*\)$/\1/p'
    fi
    if have rpm; then
        rpm -qa --qf '%{NAME}\n'
    fi
}

# other_server prints the name of an installed MySQL or MariaDB server package; nothing if there is none.
other_server() {
    local names
    names=$(installed_packages)
    grep -E -m 1 -i '^(mariadb|mysql|percona|default-mysql|community-mysql).*server|^percona-xtradb-cluster' \
        <<<"$names" || true
}

refuse_where_not_allowed() {
    local other
    if [ "$(id -u)" != 0 ]; then
        give_up "mariadbd is missing and the user is not root, so nothing is installed"
    fi
    if [ -e "$root/usr/local/mgr5" ]; then
        give_up "mariadbd is missing, but this host has a panel (/usr/local/mgr5), so nothing is installed"
    fi
    other=$(other_server)
    if [ -n "$other" ]; then
        give_up "mariadbd is missing, but the server package $other is installed, so nothing is installed beside it"
    fi
    if program mysqld /usr/sbin /usr/libexec /usr/local/sbin /usr/local/mysql/bin; then
        give_up "mariadbd is missing, but there is a mysqld without a package, so nothing is installed beside it"
    fi
}

with_apt() {
    export DEBIAN_FRONTEND=noninteractive
    local options=(-q -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3)
    local install=(apt-get "${options[@]}" -y --no-install-recommends --no-remove install
        mariadb-server-core mariadb-client-core)
    if ! compgen -G "$root/var/lib/apt/lists/*_Packages*" >/dev/null; then
        say "there are no package lists: apt-get update"
        apt-get "${options[@]}" update </dev/null >&2 || give_up "apt-get update failed, so MariaDB cannot be installed"
    fi
    say "installing mariadb-server-core and mariadb-client-core with apt-get, without recommended packages and without a service"
    if "${install[@]}" </dev/null >&2; then return 0; fi
    say "that failed, perhaps because of old package lists: trying again after apt-get update"
    if apt-get "${options[@]}" update </dev/null >&2 && "${install[@]}" </dev/null >&2; then return 0; fi
    give_up "apt-get cannot install MariaDB (see its output above)"
}

with_dnf() {
    say "installing mariadb-server and mariadb with dnf, without weak dependencies; no service is started"
    dnf -y --setopt=install_weak_deps=False install mariadb-server mariadb </dev/null >&2 ||
        give_up "dnf cannot install MariaDB (see its output above)"
}

case $# in
0) ;;
2)
    if [ "$1" != --root ]; then
        echo "usage: mariadb.sh [--root DIR]" >&2
        exit 2
    fi
    root=${2%/}
    ;;
*)
    echo "usage: mariadb.sh [--root DIR]" >&2
    exit 2
    ;;
esac

if complete; then
    say "mariadbd is installed already"
    exit 0
fi
refuse_where_not_allowed
if have apt-get; then
    with_apt
elif have dnf; then
    with_dnf
else
    give_up "mariadbd is missing and there is neither apt-get nor dnf to install it with"
fi
complete || give_up "the packages are installed, but mariadbd or mariadb-install-db is not where it is looked for"
say "installed"
