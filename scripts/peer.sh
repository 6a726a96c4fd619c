#!/usr/bin/env bash
# peer.sh KIND DIR PORT [WORD…]: writes the configuration of a real server below DIR and runs it in the foreground on
# 127.0.0.1:PORT, for tests. What the administrator is told to configure comes from the lines "#| " of the samples in
# etc/samples/pmssl, so the tests try what the samples say. If root starts it, the server runs as nobody where DIR can be
# reached by nobody.
#
#   peer.sh bind DIR PORT [ZONE…]       BIND 9
#   peer.sh knot DIR PORT [ZONE…]       Knot DNS
#   peer.sh pdns DIR PORT API [ZONE…]   PowerDNS with SQLite, its HTTP API on the port API
#   peer.sh nginx DIR PORT              nginx
#   peer.sh apache DIR PORT             Apache httpd 2.4
#
# Name servers serve each ZONE (example.com if none is given) from DIR/ZONE.zone, which the script writes if it is absent.
# A ZONE that begins with "signed." is signed. BIND and Knot also serve other.example, which the key may not change. DIR/secret
# holds the secret of the TSIG key pmssl, or the API key; the script makes it if it is absent.
#
# Web servers also listen on [::1]:PORT where the host has IPv6. They serve the sites NAME.example from DIR/sites/NAME.example,
# with the challenges below DIR/mgr5/var/pmssl-challenges, and each site has a file of its own in /.well-known/pki-validation.
set -euo pipefail

samples=$(cd "$(dirname "$0")/../etc/samples/pmssl" && pwd)
readonly samples
readonly schema=/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql # of PowerDNS 4.7
PATH=$PATH:/usr/sbin:/usr/local/sbin

fail() {
    echo "peer.sh: $*" >&2
    exit 2
}

[ $# -ge 3 ] || fail "usage: peer.sh KIND DIR PORT [WORD…]"
kind=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
port=$3
shift 3
umask 022

# run COMMAND…: becomes the server, as nobody if root started the script and nobody can reach DIR. The server ends with the
# process that started the script.
run() {
    if [ "$(id -u)" = 0 ] && setpriv --reuid nobody --regid nogroup --clear-groups test -x "$dir"; then
        chown -R nobody:nogroup "$dir"
        exec setpriv --reuid nobody --regid nogroup --clear-groups --pdeathsig KILL "$@"
    fi
    exec "$@"
}

# snippet SAMPLE: the server's side of a sample.
snippet() { sed -n 's/^#| \{0,1\}//p' "$samples/$1"; }

secret() { # secret COMMAND…: DIR/secret, made by the command if it is absent
    [ -e "$dir/secret" ] || "$@" >"$dir/secret"
    head -n 1 "$dir/secret"
}

# zone_file ZONE: a zone with what updates can meet.
zone_file() {
    [ ! -e "$dir/$1.zone" ] || return 0
    cat >"$dir/$1.zone" <<END
\$ORIGIN $1.
\$TTL 300
@             SOA   ns1 hostmaster 1 3600 600 86400 60
@             NS    ns1
@             A     192.0.2.10
@             MX    10 mail
ns1           A     127.0.0.1
mail          A     192.0.2.11
www           A     192.0.2.10
_taken.www    CNAME elsewhere.example.net.
_note.www     TXT   "a text of somebody else"
_busy.www     SRV   0 0 443 www
*.wild        A     192.0.2.13
*.text        TXT   "a text for every name"
below.hollow  A     192.0.2.14
child         NS    ns.elsewhere.example.net.
other         DNAME elsewhere.example.net.
END
}

# zones_of SAMPLE START ZONE…: the snippet for the first zone, then for each further zone its part from the line START on.
zones_of() {
    local sample=$1 start=$2 zone from=1
    shift 2
    for zone in "$@"; do
        snippet "$sample" | sed -n "$from,\$p" |
            sed "s|SECRET|$key|; s|/var/lib/[a-z]*/example.com.[a-z]*|$dir/$zone.zone|; s|example\.com|$zone|"
        from="/^$start/"
    done
}

bind() {
    local key zone
    key=$(secret random base64)
    for zone in "$@" other.example; do zone_file "$zone"; done
    {
        cat <<END
options {
    directory "$dir";
    pid-file none;
    session-keyfile "$dir/session.key";
    listen-on port $port { 127.0.0.1; };
    listen-on-v6 { none; };
    recursion no;
    dnssec-validation no;
    notify no;
};
controls { };
zone "other.example" { type primary; file "$dir/other.example.zone"; };
END
        zones_of dnsupdate-bind.conf zone "$@" |
            sed '/^zone "signed\./,/^}/s|^};|    dnssec-policy default;\n};|'
    } >"$dir/named.conf"
    run named -g -n 1 -c "$dir/named.conf"
}

knot() {
    local key zone
    key=$(secret random base64)
    for zone in "$@" other.example; do zone_file "$zone"; done
    {
        cat <<END
server:
    rundir: $dir
    listen: 127.0.0.1@$port
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: $dir
    journal-db-max-size: 8M
    kasp-db-max-size: 8M
    timer-db-max-size: 8M
    catalog-db-max-size: 8M
END
        zones_of dnsupdate-knot.conf zone "$@" |
            sed '/domain: signed\./s|$|\n    dnssec-signing: on|'
        cat <<END
zone:
  - domain: other.example
    file: $dir/other.example.zone
END
    } >"$dir/knot.conf"
    run knotd -c "$dir/knot.conf"
}

pdns() {
    local api=$1 key zone
    shift
    [ $# -gt 0 ] || set -- example.com
    key=$(secret random hex)
    {
        cat <<END
launch=gsqlite3
gsqlite3-database=$dir/pdns.sqlite3
gsqlite3-dnssec=yes
local-address=127.0.0.1
local-port=$port
socket-dir=$dir
dname-processing=yes
daemon=no
guardian=no
receiver-threads=1
distributor-threads=1
disable-syslog=yes
security-poll-suffix=
END
        snippet powerdns.conf | sed "s|SECRET|$key|; s|^webserver-port=.*|webserver-port=$api|"
    } >"$dir/pdns.conf"
    if [ ! -e "$dir/pdns.sqlite3" ]; then
        sqlite3 "$dir/pdns.sqlite3" <"$schema"
        for zone in "$@"; do
            zone_file "$zone"
            pdnsutil --config-dir="$dir" load-zone "$zone" "$dir/$zone.zone"
            case $zone in signed.*) pdnsutil --config-dir="$dir" secure-zone "$zone" ;; esac
        done
    fi
    run pdns_server --config-dir="$dir"
}

# web_folders NAME…: the panel's folder and the sites' own.
web_folders() {
    local name folder
    mkdir -p "$dir/mgr5/var"
    for name in "$@"; do
        folder=$dir/sites/$name.example/.well-known/pki-validation
        mkdir -p "$folder"
        echo "the site's own file" >"$folder/own.txt"
        echo "the site's own start page" >"$dir/sites/$name.example/index.html"
    done
}

# listen FORMAT: a line for each address to listen on.
listen() {
    # shellcheck disable=SC2059 # the format is the caller's
    printf "$1\n" "127.0.0.1:$port"
    # shellcheck disable=SC2059
    if grep -qs '^0\{31\}1 ' /proc/net/if_inet6; then printf "$1\n" "[::1]:$port"; fi
}

# challenge_snippet SAMPLE: the web server's side with the folder of the test.
challenge_snippet() { sed "s|/usr/local/mgr5|$dir/mgr5|g" "$samples/$1"; }

# nginx_site NAME BEFORE [AFTER [SNIPPET]]: a site with what stands before and after the include of the snippet.
nginx_site() {
    cat <<END
server {
$(listen 'listen %s;')
    server_name $1.example;
    root $dir/sites/$1.example;
    $2
    include $dir/${4-pmssl}.conf;
    ${3-}
}
END
}

nginx() {
    web_folders plain first last within elsewhere strict locked spa node
    challenge_snippet webroot-nginx.conf >"$dir/pmssl.conf"
    sed "s|http://192.0.2.10:8089|http://unix:$dir/panel.sock:|" "$samples/webroot-nginx-node.conf" >"$dir/node.conf"
    echo 'nobody:{PLAIN}none' >"$dir/users"
    mkdir -p "$dir/temp"
    {
        cat <<END
daemon off;
master_process off;
pid $dir/nginx.pid;
error_log stderr notice;
events { }
http {
    access_log off;
    types { text/html html; }
    default_type application/octet-stream;
    client_body_temp_path $dir/temp/body;
    proxy_temp_path $dir/temp/proxy;
    fastcgi_temp_path $dir/temp/fastcgi;
    uwsgi_temp_path $dir/temp/uwsgi;
    scgi_temp_path $dir/temp/scgi;
END
        nginx_site plain ''
        nginx_site elsewhere ''
        # shellcheck disable=SC2016 # variables of nginx
        {
            nginx_site first '' 'return 301 https://$host$request_uri;'
            nginx_site last 'return 301 https://$host$request_uri;'
            nginx_site within 'location / { return 301 https://$host$request_uri; }'
            nginx_site strict '' 'location ~ /\. { deny all; } location ~* \.txt$ { return 410; }'
            nginx_site locked "auth_basic site; auth_basic_user_file $dir/users; deny all;"
            nginx_site node '' 'return 301 https://$host$request_uri;' node
            nginx_site spa '' 'location / { try_files /index.html =404; }'
        }
        snippet webroot-nginx-node.conf | sed "s|8089 default_server|unix:$dir/panel.sock|; s|/etc/nginx|$dir|"
        echo "}"
    } >"$dir/nginx.conf"
    rm -f "$dir/panel.sock"
    run nginx -c "$dir/nginx.conf" -e stderr
}

# apache_site NAME LINE…: a virtual host with the lines.
apache_site() {
    local name=$1
    shift
    printf '%s\n' "<VirtualHost *:$port>" "ServerName $name.example" "DocumentRoot $dir/sites/$name.example" "$@" '</VirtualHost>'
}

apache() {
    local module modules=/usr/lib/apache2/modules to_https='RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]'
    web_folders plain strict elsewhere earlier first htaccess nested redirect redirect-on proxied proxied-on merge inherit off locked
    challenge_snippet webroot-apache.conf >"$dir/pmssl.conf"
    printf 'RewriteEngine On\n%s\n' "$to_https" >"$dir/sites/htaccess.example/.htaccess"
    mkdir -p "$dir/sites/nested.example/below" "$dir/sites/plain.example/dormant"
    printf 'RewriteEngine On\nRewriteRule page\\.html$ /index.html [L]\n' >"$dir/sites/nested.example/.htaccess"
    printf 'RewriteEngine On\nRewriteRule ^nothing$ - [F]\n' >"$dir/sites/nested.example/below/.htaccess"
    printf 'RewriteRule ^ /index.html [L]\n' >"$dir/sites/plain.example/dormant/.htaccess"
    echo "the page below" | tee "$dir/sites/nested.example/below/page.html" >"$dir/sites/plain.example/dormant/text.html"
    {
        for module in mpm_event authz_core authz_host dir mime alias rewrite proxy proxy_http; do
            echo "LoadModule ${module}_module $modules/mod_$module.so"
        done
        listen 'Listen %s'
        cat <<END
ServerName localhost
ServerRoot $dir
PidFile $dir/apache.pid
DefaultRuntimeDir $dir
ErrorLog $dir/error.log
TypesConfig /dev/null
StartServers 1
ThreadsPerChild 4
MaxRequestWorkers 4
<Directory />
    Options FollowSymLinks
    AllowOverride None
    Require all denied
</Directory>
<Directory "$dir/sites">
    AllowOverride All
    Require all granted
</Directory>
END
        apache_site plain
        apache_site strict "<Directory \"$dir/sites/strict.example\">" 'Options None' 'AllowOverride None' '</Directory>'
        apache_site earlier 'RewriteEngine On' "$to_https"
        echo "Include $dir/pmssl.conf"
        apache_site elsewhere
        apache_site htaccess
        apache_site nested
        # shellcheck disable=SC2016 # $1 is mod_rewrite's
        apache_site first 'RewriteEngine On' 'RewriteCond %{HTTPS} off' 'RewriteRule ^(.*)$ https://%{HTTP_HOST}$1 [R=301,L]'
        apache_site redirect 'Redirect permanent / https://redirect.example/'
        apache_site redirect-on 'RewriteEngine On' 'Redirect permanent / https://redirect-on.example/'
        apache_site proxied 'ProxyPass / http://127.0.0.1:1/'
        apache_site proxied-on 'RewriteEngine On' 'ProxyPass / http://127.0.0.1:1/'
        apache_site merge 'RewriteEngine On' 'RewriteOptions MergeBase' "$to_https"
        apache_site inherit 'RewriteEngine On' 'RewriteOptions Inherit' "$to_https"
        apache_site off 'RewriteEngine Off'
        apache_site locked '<Location "/">' 'Require all denied' '</Location>'
    } >"$dir/apache.conf"
    run apache2 -X -f "$dir/apache.conf"
}

random() { # random base64|hex: 32 random octets
    case $1 in
    base64) head -c 32 /dev/urandom | base64 ;;
    hex) head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' ;;
    esac
}

case $kind in
bind | knot)
    [ $# -gt 0 ] || set -- example.com
    "$kind" "$@"
    ;;
pdns)
    [ $# -ge 1 ] || fail "usage: peer.sh pdns DIR PORT API [ZONE…]"
    pdns "$@"
    ;;
nginx | apache) "$kind" ;;
*) fail "there is no server of the kind $kind" ;;
esac
