#!/usr/bin/env bash
# Installs the Debian packages that are missing: with the argument `demo` those that building and
# `make demo` need, without it also those of the tests. Starts no daemon, and enables none.
set -euo pipefail

what=${1:-all}
case "$what" in
all | demo) ;;
*)
    echo "usage: rel/setup.sh [demo]" >&2
    exit 2
    ;;
esac

packages=(
    cmake gcc libc6-dev make
    erlang-base erlang-dev erlang-parsetools erlang-ssl erlang-tools rebar3
)
# The packages with units of daemons, of those and of what they depend on.
daemons=(ejabberd erlang-base haproxy nginx-common postgresql-common prosody slapd)
if [ "$what" = all ]; then
    packages+=(
        openssl
        erlang-common-test erlang-dialyzer erlang-edoc erlang-eunit erlang-syntax-tools
        # What the tests start and stop themselves.
        ejabberd haproxy libfaketime nginx-light postgresql prosody slapd
        # The clients that log in to them, with the interpreters and libraries of those.
        glib-networking gir1.2-glib-2.0 gir1.2-soup-3.0 libstrophe-dev poezio
        python3 python3-nbxmpp python3-pip python3-slixmpp
        # The Debian package: made, checked and read.
        debhelper dpkg-dev lintian lua5.4 mmdebstrap systemd
        # The Lua client of docs/protocol.md.
        lua-cjson lua-socket
    )
    # Node.js often comes from elsewhere, and Debian's npm does not install beside that.
    command -v npm >/dev/null || packages+=(nodejs npm)
fi

# missing PACKAGE...: those that are not installed.
missing() {
    local package status
    for package in "$@"; do
        status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
        [ "$status" = "install ok installed" ] || echo "$package"
    done
}

mapfile -t wanted < <(missing "${packages[@]}")
[ ${#wanted[@]} -gt 0 ] || exit 0
mapfile -t new_daemons < <(missing "${daemons[@]}")

echo "installing: ${wanted[*]}"
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)

# apt COMMAND...: apt-get, which waits for dpkg's lock where another apt is at work. Its own two
# locks it does not wait for: then it is run again.
apt() {
    local errors times=0 status
    errors=$(mktemp)
    while :; do
        status=0
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
            apt-get -qq -o DPkg::Lock::Timeout=600 "$@" >/dev/null 2>"$errors" || status=$?
        grep -q '^E: Could not get lock' "$errors" && [ "$((times += 1))" -le 120 ] || break
        [ "$times" -gt 1 ] || echo "waiting for another apt"
        sleep 5
    done
    cat "$errors" >&2
    rm "$errors"
    return "$status"
}

# Their installation enables the daemons at boot. Packages that were there before are left alone.
disable_new_daemons() {
    local package unit
    command -v systemctl >/dev/null || return 0
    for package in "${new_daemons[@]}"; do
        # A script in init.d has the name of its unit; systemctl sees to both.
        while read -r unit; do
            "${sudo[@]}" systemctl --quiet disable "$unit" </dev/null 2>/dev/null ||
                echo "$unit of $package is still enabled" >&2
        done < <(dpkg -L "$package" 2>/dev/null | sed -n \
            's,^\(/usr\)\?/lib/systemd/system/\([^/@]*\.[a-z]*\)$,\2,p; s,^/etc/init\.d/\(.*\)$,\1.service,p' |
            sed '/\.d$/d' | sort -u)
    done
}

# Keeps the packages' own daemons from starting, without touching a policy that is there.
policy=/usr/sbin/policy-rc.d
[ ! -e "$policy" ] || policy=
finish() {
    [ -z "$policy" ] || "${sudo[@]}" rm -f "$policy"
    disable_new_daemons
}
trap finish EXIT
if [ -n "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
    "${sudo[@]}" chmod +x "$policy"
fi
apt update
apt install -y --no-install-recommends "${wanted[@]}"
