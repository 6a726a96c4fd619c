#!/bin/sh
# pmssl-dns-hook: writes and removes challenges by nsupdate (Debian: bind9-dnsutils). An example of a program for a publisher of
# the kind exec (exec.conf). Copy it to /usr/local/sbin/pmssl-dns-hook, owner root, mode 0755, and set these two:
server=192.0.2.53                          # the zones' primary; a port may follow it after a blank
key=/usr/local/mgr5/etc/pmssl/nsupdate.key # what tsig-keygen prints; owner root, mode 0600
set -eu

fail() {
    echo "$*" >&2
    exit 1
}

# update LINE…: sends one update. Prints nothing and returns 0 if it is done; otherwise prints why.
update() {
    printf '%s\n' "server $server" "zone $PMSSL_ZONE." "$@" send | nsupdate -v -t 20 -k "$key" 2>&1
}

[ $# -eq 3 ] || fail "usage: $0 present|cleanup FQDN. VALUE"
name=$2
case $PMSSL_RRTYPE in
CNAME) data=$3 ;;
TXT) data="\"$3\"" ;;
*) fail "there are no $PMSSL_RRTYPE records here" ;;
esac

case $1 in
present)
    # Nothing to do if exactly this record is there.
    if update "prereq yxrrset $name IN $PMSSL_RRTYPE $data" >/dev/null; then exit 0; fi
    # Otherwise the name has to be free. Its host has to have a record of its own: one that only a wildcard answers for would
    # vanish (RFC 4592).
    why=$(update "prereq nxdomain $name" "prereq yxdomain ${name#*.}" "update add $name 60 IN $PMSSL_RRTYPE $data") ||
        fail "$name is not written: $why"
    ;;
cleanup)
    why=$(update "update delete $name IN $PMSSL_RRTYPE $data") || fail "$name is not removed: $why"
    ;;
*) fail "there is no $1" ;;
esac
