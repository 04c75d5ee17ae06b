#!/usr/bin/env bash
# The Debian package from installation to purge, in a clean Debian that test/package.sh has made:
# FIRST and SECOND are folders with a version each.
set -euo pipefail
first=$1 second=$2
doc=/root/install.md
source /root/doc.sh

server=/etc/mongooseim
socket=/run/certjid/certjid.sock
log=/var/log/certjid.log

# as USER COMMAND...
as() {
    local user=$1
    shift
    setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups "$@"
}

# login EXPECTED [USER]: what `certjid check` of the documentation exits with.
login() {
    local status=0
    # shellcheck disable=SC2046
    as "${2:-mongooseim}" $(block "Debian package" 3) >/tmp/login 2>&1 || status=$?
    [ "$status" = "$1" ] || { cat /tmp/login "$log"; echo "exit status $status, expected $1"; return 1; }
}

# until_login EXPECTED: the same, when a signal has been handled.
until_login() {
    for _ in $(seq 100); do
        ! login "$1" >/dev/null || return 0
        sleep 0.2
    done
    login "$1"
}

cd "$first"
run "Debian package" 1
[ -z "$(dpkg --verify certjid)" ]
[ "$(dpkg-query -W -f '${Status}' certjid)" = "install ok installed" ]
certjid --version | grep -F "$(dpkg-query -W -f '${source:Upstream-Version}' certjid | cut -d- -f1)"
getent passwd certjid | grep ':/usr/sbin/nologin$'
[ "$(stat -c '%U:%G %a' /run/certjid)" = "certjid:certjid 750" ]
dpkg -L certjid >/tmp/files
for file in man/man1/certjid.1.gz bash-completion/completions/certjid \
    zsh/vendor-completions/_certjid fish/vendor_completions.d/certjid.fish \
    doc/certjid/changelog.gz doc/certjid/copyright doc/certjid/examples/grafana.json; do
    grep -Fx "/usr/share/$file" /tmp/files
done
grep -Fx /usr/lib/prosody/modules/mod_auth_certjid.lua /tmp/files
bash -c '. /usr/share/bash-completion/completions/certjid && complete -p certjid'
ok "the package is installed, with its user"

not systemctl is-active certjid
[ ! -e "$socket" ]
[ "$(systemctl is-enabled certjid || true)" = disabled ]
status=0
as certjid certjid serve --settings /etc/certjid/certjid.toml 2>/tmp/missing || status=$?
[ "$status" = 2 ]
grep -F "$server/mongooseim.toml" /tmp/missing
ok "nothing is started before there is a configuration"

systemd-analyze verify --man=no certjid.service certjid.socket
systemd-analyze security --no-pager --offline=true --threshold=15 certjid.service | tail -n 1
ok "systemd accepts the units, and their exposure is 1.5 at most"

useradd --system mongooseim
mkdir "$server"
(cd "$server" && certjid dev-cert --server localhost alice@localhost >/dev/null)
cp /usr/share/doc/certjid/examples/mongooseim.toml "$server/"
chown -R root:mongooseim "$server"
chmod 640 "$server"/*
chmod 644 "$server/alice.pem"
run "Debian package" 2
[ "$(systemctl is-enabled certjid certjid.socket)" = $'enabled\nenabled' ]
login 0
ok "the server's user is answered by the socket-activated daemon"

pid=$(systemctl show-pid)
grep -E "^Uid:(\s+$(id -u certjid)){4}" "/proc/$pid/status"
grep -E '^CapBnd:\s+0+$' "/proc/$pid/status"
[ "$(stat -c '%U:%G %a' "$socket")" = "certjid:certjid 660" ]
login 2 nobody
grep -F "$socket: Permission denied" /tmp/login
ok "the daemon runs as certjid, without a capability, and answers nobody else"

sed -i 's/^  hosts = .*/  hosts = ["example.org"]/; s/^  default_server_domain = .*/  default_server_domain = "example.org"/' \
    "$server/mongooseim.toml"
login 0
run "Debian package" 4
until_login 1
[ "$pid" = "$(systemctl show-pid)" ]
sed -i 's/example\.org/localhost/' "$server/mongooseim.toml"
run "Debian package" 4
until_login 0
ok "a reload reads the server's file again"

run "Debian package" 5
systemd-analyze verify --man=no certjid.service
systemd-analyze cat-config systemd/system/certjid.service | grep -Fx PrivateNetwork=yes
login 0
ok "the drop-in for pki alone is accepted"

pid=$(systemctl show-pid)
echo 'log_format = "json"' >>/etc/certjid/certjid.toml
cd "$second"
run "Upgrade" 1
[ "$(dpkg-query -W -f '${Version}' certjid)" = "$(dpkg-deb -f ./certjid_*.deb Version)" ]
grep -Fx 'log_format = "json"' /etc/certjid/certjid.toml
login 0
[ "$pid" != "$(systemctl show-pid)" ]
[ ! -e "/proc/$pid" ]
ok "an upgrade keeps the settings and restarts the daemon"

dpkg --install "$second"/certjid_*.deb
login 0
ok "installing the same version once more changes nothing"

pid=$(systemctl show-pid)
systemctl stop certjid
[ ! -e "/proc/$pid" ]
grep -F '"message":"stopping"' "$log"
systemctl start certjid
login 0
ok "it stops on SIGTERM and starts again"

pid=$(systemctl show-pid)
run "Purge" 1
[ ! -e "/proc/$pid" ]
[ ! -e "$socket" ]
not dpkg-query -W certjid
left=$(find /etc /usr /var/lib /lib -xdev -name '*certjid*' -not -path '/etc/systemd/system/certjid.service.d*')
[ -z "$left" ] || { echo "left: $left"; exit 1; }
[ -f "$server/mongooseim.toml" ]
ok "purged, nothing of it runs or is left but what the operator added"
