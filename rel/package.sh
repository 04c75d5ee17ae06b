#!/usr/bin/env bash
# `make package`: the Debian package, and the archive for Erlang nodes without Rust, into
# target/dist. The dates in them are the commit's, so that the same programs are the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
build=$target/package
dist=$target/dist
version=$(cargo pkgid --locked -p certjid-sidecar)
version=${version##*[@#]}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

# The one release build serves both packages.
bash rel/release.sh -p certjid-sidecar -p certjid-nif

mkdir -p "$dist"
bash rel/deb.sh "$version-${CERTJID_REVISION:-1}" "$build" "$dist"
bash rel/nif-archive.sh "$version" "$build" "$dist"
