#!/usr/bin/env bash
# Makes the Debian package: VERSION BUILD DIST, from the program in BUILD/release.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1 build=$2 dist=$3
certjid=$build/release/certjid

stage=$build/deb/certjid
rm -rf "$build/deb"
mkdir -p "$stage/completions"
cp -r rel/debian "$stage/"
cp rel/certjid.service rel/certjid.socket "$stage/debian/"
cp "$certjid" rel/certjid.toml rel/certjid-offline.conf config/mongooseim.toml CHANGELOG.md "$stage/"
cp rel/prosody/mod_auth_certjid.lua rel/grafana.json "$stage/"
"$certjid" man >"$stage/certjid.1"
"$certjid" completions bash >"$stage/completions/certjid"
"$certjid" completions zsh >"$stage/completions/_certjid"
"$certjid" completions fish >"$stage/completions/certjid.fish"
python3 rel/licenses.py certjid-sidecar >"$stage/licenses.txt"
cat >"$stage/debian/changelog" <<EOF
certjid ($version) unstable; urgency=medium

  * What is new is in changelog.gz.

 -- $(sed -n 's/^Maintainer: //p' rel/debian/control)  $(date -Rud "@$SOURCE_DATE_EPOCH")
EOF

cd "$stage"
dpkg-buildpackage -b -us -uc >"$build/deb/log" 2>&1 || { cat "$build/deb/log"; exit 1; }
deb=certjid_${version}_$(dpkg --print-architecture).deb
mv "../$deb" "$dist/"
echo "$dist/$deb"
