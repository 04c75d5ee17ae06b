#!/usr/bin/env bash
# Every check, in the order of what fails soonest. Stops at the first that fails, and ends with
# the counts of the tests that ran.
set -euo pipefail
cd "$(dirname "$0")/.."

passed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# step NAME COMMAND...
step() {
    echo "== $1"
    shift
    if ! "$@" 2>&1 | tee "$log"; then
        echo "$passed passed, 1 failed"
        exit 1
    fi
}

# Adds up what cargo's test runner counted.
count_cargo() {
    local count
    count=$(awk '/^test result: ok\. [0-9]+ passed; 0 failed; 0 ignored/ { n += $4 } END { print n + 0 }' "$log")
    passed=$((passed + count))
}

# Takes the count from rebar3's last line; it is zero where a case was skipped.
count_ct() {
    local count
    count=$(sed -n 's/^.*All \([0-9]*\) tests passed\..*$/\1/p' "$log")
    [ -n "$count" ] || { echo "no case ran, or one was skipped"; echo "$passed passed, 1 failed"; exit 1; }
    passed=$((passed + count))
}

# Adds up the last line of a script of our own, "N passed".
count_script() {
    local count
    count=$(sed -n '$s/^\([0-9]*\) passed$/\1/p' "$log")
    [ -n "$count" ] || { echo "no count"; echo "$passed passed, 1 failed"; exit 1; }
    passed=$((passed + count))
}

export CERTJID_BIN="${CARGO_TARGET_DIR:-$PWD/target}/debug/certjid"

step "rustfmt" cargo fmt --all --check
step "clippy" cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings
step "rustdoc" env RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --locked --workspace --all-features
step "cargo test" cargo test --workspace --all-features --locked
count_cargo
step "fuzz-smoke" bash test/fuzz.sh smoke
step "packages" bash test/package.sh
count_script
# The NIF of the package is the one that the suites load.
export CERTJID_SKIP_NIF=1
step "rebar3 ct" rebar3 ct
count_ct
step "demo" bash rel/demo.sh
step "xref" rebar3 as check xref
step "dialyzer" rebar3 as check dialyzer

echo "$passed passed, 0 failed"
