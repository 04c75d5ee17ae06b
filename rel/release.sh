#!/usr/bin/env bash
# Builds what the packages hold into target/package/release: the arguments are cargo build's.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
# cargo auditable writes the list of the crates into what it builds: `cargo audit bin` reads it. It
# calls the compiler and does little itself: to optimize it would take longer than it works.
cargo install --locked --debug --version 0.7.7 --root "$target/tools" cargo-auditable
# No path of this machine and no date in the programs; the commit's date would build everything once
# more for each commit.
CARGO_TARGET_DIR=$target/package SOURCE_DATE_EPOCH=0 \
    RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$PWD=/certjid" \
    PATH=$target/tools/bin:$PATH \
    cargo auditable build --release --locked "$@"
