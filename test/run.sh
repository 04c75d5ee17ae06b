#!/usr/bin/env bash
# Every check, in the order of what fails soonest. A step that fails hides no other, but where the
# next ones would say nothing new. Ends with the time of each step, and the counts of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
source test/count.sh

target=${CARGO_TARGET_DIR:-$PWD/target}
passed=0 failed=0
times=() failures=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# step NAME COMMAND...
step() {
    local name=$1 begun=$SECONDS status=0
    shift
    echo "== $name"
    "$@" 2>&1 | tee "$log" || status=1
    times+=("$((SECONDS - begun)) $name")
    [ "$status" = 0 ] || failures+=("$name")
    return "$status"
}

# checks NAME COMMAND...: a step whose tests are not counted.
checks() {
    step "$@" || failed=$((failed + 1))
}

# tests COUNT NAME COMMAND...: a step whose output COUNT of test/count.sh reads. One that fails, or
# runs no test, has failed once at least.
tests() {
    local count=$1 status=0 good bad
    shift
    step "$@" || status=1
    read -r good bad < <("$count" "$log")
    if [ "$bad" = 0 ] && { [ "$status" != 0 ] || [ "$good" = 0 ]; }; then
        bad=1
    fi
    [ "$bad" = 0 ] || [ "$status" != 0 ] || failures+=("$1: no test ran, or one was skipped")
    passed=$((passed + good))
    failed=$((failed + bad))
    [ "$bad" = 0 ]
}

finish() {
    echo "== times"
    printf '%s\n' "${times[@]}" | awk '{ s = $1; sub(/^[0-9]+ /, ""); printf "%3d:%02d  %s\n", s / 60, s % 60, $0; all += s }
        END { printf "%3d:%02d  in all\n", all / 60, all % 60 }'
    [ "${#failures[@]}" = 0 ] || printf 'failed: %s\n' "${failures[@]}"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}

# What hostile_SUITE loads into a node of its own; the build of the packages takes its place.
panicking_nif() {
    bash rel/release.sh -p certjid-nif --features test-panic &&
        install -D -m 0644 "$target/package/release/libcertjid_nif.so" "$CERTJID_PANIC_NIF"
}

export CERTJID_BIN=$target/debug/certjid
# Many tests wait for a time-out.
export RUST_TEST_THREADS=$((2 * $(nproc)))

checks "rustfmt" bash -c 'cargo fmt --all --check && cargo fmt --manifest-path native/fuzz/Cargo.toml --check'
checks "clippy" cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
[ "$failed" = 0 ] || finish
checks "rustdoc" env RUSTDOCFLAGS="-D warnings" \
    cargo doc --no-deps --locked --workspace --all-features
tests cargo_tests "cargo test" \
    cargo test --workspace --all-features --locked --no-fail-fast || true
checks "fuzz-smoke" bash test/fuzz.sh smoke
# What is shipped is optimized as a whole, which takes minutes and changes nothing but the speed.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
export CERTJID_PANIC_NIF=$target/package/panic/libcertjid_nif.so
checks "panicking NIF" panicking_nif
tests script "packages" bash test/package.sh || true
# The NIF of the package is the one that the suites load.
export CERTJID_SKIP_NIF=1
checks "xref" rebar3 as check xref
checks "dialyzer" rebar3 as check dialyzer
tests common_test "rebar3 ct" rebar3 ct || true
tests script "other days" bash test/days.sh || true
checks "demo" bash rel/demo.sh
finish
