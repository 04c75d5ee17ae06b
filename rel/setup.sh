#!/usr/bin/env bash
# Installs the Debian packages that building and testing need and that are missing.
set -euo pipefail

packages=(
    cmake gcc make openssl
    erlang-base erlang-common-test erlang-dev erlang-dialyzer erlang-edoc erlang-eunit
    erlang-parsetools erlang-ssl erlang-syntax-tools erlang-tools rebar3
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

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "installing: ${missing[*]}"
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
export DEBIAN_FRONTEND=noninteractive

# Keeps the packages' own daemons from starting, without touching a policy that is there.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
    "${sudo[@]}" chmod +x "$policy"
    trap '"${sudo[@]}" rm -f "$policy"' EXIT
fi
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
