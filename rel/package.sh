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

# cargo auditable writes the list of the crates into what it builds: `cargo audit bin` reads it.
cargo install --quiet --locked --version 0.7.7 --root "$target/tools" cargo-auditable
# No path of this machine and no date in the programs; the commit's date would build all anew for
# each commit. The one release build serves both packages.
CARGO_TARGET_DIR=$build SOURCE_DATE_EPOCH=0 \
    RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$PWD=/certjid" \
    PATH=$target/tools/bin:$PATH \
    cargo auditable build --quiet --release --locked -p certjid-sidecar -p certjid-nif

mkdir -p "$dist"
bash rel/deb.sh "$version-${CERTJID_REVISION:-1}" "$build" "$dist"
bash rel/nif-archive.sh "$version" "$build" "$dist"
