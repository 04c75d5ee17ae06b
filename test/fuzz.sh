#!/usr/bin/env bash
# The fuzz targets of native/fuzz.
#
#   fuzz.sh smoke [SECONDS]      each target for so many seconds (3), with any compiler
#   fuzz.sh run SECONDS TARGET   one target with cargo-fuzz, which needs a nightly toolchain;
#                                its corpus in native/fuzz/corpus grows from run to run
set -euo pipefail
cd "$(dirname "$0")/.."

# What is fuzzed are the versions that are shipped, and what is built of them is used again.
cp Cargo.lock native/fuzz/Cargo.lock
target="${CARGO_TARGET_DIR:-$PWD/target}"

smoke() {
    CARGO_TARGET_DIR="$target" cargo run --manifest-path native/fuzz/Cargo.toml --bin smoke -- "$@"
}

case "${1:-}" in
    smoke)
        smoke "${2:-3}"
        ;;
    run)
        seconds=$2 name=$3
        cargo +nightly fuzz --version >/dev/null ||
            { echo "needed: a nightly toolchain, and cargo install cargo-fuzz" >&2; exit 1; }
        smoke --seeds native/fuzz/corpus
        cd native
        cargo +nightly fuzz run --fuzz-dir fuzz --features libfuzzer "$name" \
            "fuzz/corpus/$name" -- -max_total_time="$seconds" -max_len=16384 -rss_limit_mb=4096 \
            -timeout=20 -dict="fuzz/corpus/$name.dict" -print_final_stats=1
        ;;
    *)
        sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
