#!/usr/bin/env bash
# Makes the archive for Erlang nodes without Rust: VERSION BUILD DIST, from the library in
# BUILD/release. Unpacked, its folder lib is one for ERL_LIBS.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1 build=$2 dist=$3

# What is packed is what the tests of this tree load.
library=$build/release/libcertjid_nif.so
cmp -s "$library" priv/certjid_nif.so || install -D -m 0644 "$library" priv/certjid_nif.so
CERTJID_SKIP_NIF=1 ERL_COMPILER_OPTIONS=deterministic REBAR_BASE_DIR=$build/rebar3 \
    rebar3 compile >"$build/rebar3.log" 2>&1 || { cat "$build/rebar3.log"; exit 1; }

rm -rf "$build/nif"
app=$build/nif/lib/certjid-$version
mkdir -p "$app/ebin" "$app/priv" "$app/src"
cp "$build"/rebar3/default/lib/certjid/ebin/*.{app,beam} "$app/ebin/"
strip --strip-unneeded -o "$app/priv/certjid_nif.so" "$library"
cp erlang/*.erl "$app/src/"
cp LICENSE "$app/"
python3 rel/licenses.py certjid-nif >"$app/licenses.txt"

archive=$dist/certjid-$version-otp-nif2.15-$(uname -m)-linux.tar.gz
tar -C "$build/nif" --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 \
    --numeric-owner --mode=u=rwX,go=rX -c lib | gzip -9n >"$archive"
echo "$archive"
