#!/usr/bin/env bash
# Every check, in the order of what fails soonest. A step that fails hides no other, but where the
# next ones would say nothing new. Ends with the time of each step, and the counts of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
source test/count.sh

target=${CARGO_TARGET_DIR:-$PWD/target}
passed=0 failed=0
times=() failures=() beside=()
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# run NAME COMMAND...: keeps its output, its status and how long it took.
run() {
    local name=$1 begun=$SECONDS status=0
    shift
    "$@" 2>&1 | tee "$logs/$name" || status=1
    echo "$status" "$((SECONDS - begun))" >"$logs/$name.end"
}

# judge COUNT NAME: COUNT is a function of test/count.sh, which reads the output; what fails, or runs
# no test, has failed once at least. Or it is `none`, for a step whose tests are not counted.
judge() {
    local count=$1 name=$2 status took good=0 bad=0
    read -r status took <"$logs/$name.end"
    times+=("$took $name")
    if [ "$count" != none ]; then
        read -r good bad < <("$count" "$logs/$name")
        [ "$good" != 0 ] || status=1
    fi
    [ "$bad" = 0 ] || status=1
    [ "$status" = 0 ] || failures+=("$name")
    [ "$status" = 0 ] || [ "$bad" != 0 ] || bad=1
    passed=$((passed + good))
    failed=$((failed + bad))
}

# step COUNT NAME COMMAND...
step() {
    local count=$1
    shift
    echo "== $1"
    run "$@"
    judge "$count" "$1"
}

# start COUNT NAME COMMAND...: beside the steps that follow, until `join` prints what it said.
start() {
    local count=$1
    shift
    beside+=("$count" "$1")
    run "$@" >/dev/null &
}

join() {
    wait
    set -- "${beside[@]}"
    while [ $# -gt 0 ]; do
        echo "== $2"
        cat "$logs/$2"
        judge "$1" "$2"
        shift 2
    done
    beside=()
}

finish() {
    echo "== times"
    printf '%s\n' "${times[@]}" | awk '{ s = $1; sub(/^[0-9]+ /, ""); printf "%3d:%02d  %s\n", s / 60, s % 60, $0 }'
    printf '%3d:%02d  in all\n' $((SECONDS / 60)) $((SECONDS % 60))
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

step none "rustfmt" bash -c 'cargo fmt --all --check && cargo fmt --manifest-path native/fuzz/Cargo.toml --check'
step none "clippy" cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
[ "$failed" = 0 ] || finish
step none "rustdoc" env RUSTDOCFLAGS="-D warnings" \
    cargo doc --no-deps --locked --workspace --all-features
step cargo_tests "cargo test" \
    cargo test --workspace --all-features --locked --no-fail-fast
step none "fuzz-smoke" bash test/fuzz.sh smoke
# What is shipped is optimized as a whole, which takes minutes and changes nothing but the speed.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
export CERTJID_PANIC_NIF=$target/package/panic/libcertjid_nif.so
step none "panicking NIF" panicking_nif
step script "packages" bash test/package.sh
# The NIF of the package is the one that the suites load.
export CERTJID_SKIP_NIF=1
step none "xref" rebar3 as check xref
# One processor is enough for these, and the suites wait a lot.
start none "dialyzer" rebar3 as check dialyzer
# hostile_SUITE measures time; here it does so.
start script "OTP of Debian 13" env -u CERTJID_PANIC_NIF bash test/otp.sh trixie
step common_test "rebar3 ct" rebar3 ct
step script "other days" bash test/days.sh
join
step none "demo" bash rel/demo.sh
finish
