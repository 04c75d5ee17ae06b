#!/usr/bin/env bash
# AddressSanitizer over the core's tests, and over a whole Erlang node with the NIF: some minutes.
# Needs a nightly toolchain, and gcc's libasan, which Rust's calls fit. No part of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
target="${CARGO_TARGET_DIR:-$PWD/target}/sanitizer"
export CARGO_PROFILE_DEV_OPT_LEVEL=1
export RUSTFLAGS="-Zsanitizer=address" RUSTDOCFLAGS="-Zsanitizer=address" CARGO_INCREMENTAL=0

cargo +nightly test --locked -p certjid-core --target "$host" --target-dir "$target"
cargo +nightly build --locked -p certjid-nif --target "$host" --target-dir "$target"

mkdir -p priv
install -m 0644 "$target/$host/debug/libcertjid_nif.so" priv/certjid_nif.so
# The next build puts the usual one in its place.
trap 'rm -f priv/certjid_nif.so "$target"/report.*' EXIT
unset RUSTFLAGS RUSTDOCFLAGS
# In the emulator; it does not free its memory at its end, so that leaks can't be told.
suites() {
    LD_PRELOAD=$(gcc -print-file-name=libasan.so) CERTJID_SKIP_NIF=1 \
        ASAN_OPTIONS="detect_leaks=0:log_path=$target/report" \
        CERTJID_HOSTILE_CALLS=100000 CERTJID_HOSTILE_MEMORY_CALLS=200000 \
        rebar3 ct "$@"
}
suites --suite test/api_SUITE,test/cases_SUITE,test/identity_SUITE,test/chains_SUITE
# All but the cases that measure time or build.
suites --suite test/hostile_SUITE --case every_function_is_called,mutated_certificates,terms_of_all_kinds,memory_is_flat,a_library_in_use_stays,load_and_unload
if cat "$target"/report.* 2>/dev/null; then exit 1; fi
echo "no report"
