#!/usr/bin/env bash
# The tests that judge certificates, on other days: ten years ahead, and on a leap day. The tests and
# all programs that they start see that day by libfaketime, side by side; cargo itself does not.
set -euo pipefail
cd "$(dirname "$0")/.."
source test/count.sh

# What libfaketime can't carry, or what says nothing about a day; the rest runs.
declare -A skipped_tests=(
    [each_login_is_judged_by_the_clock_as_it_is_then]="sets the sidecar's clock by libfaketime itself"
)
declare -A skipped_suites=(
    [docs_SUITE]="builds a project that depends on this one"
    [ejabberd_hostile_SUITE]="20,000 logins with hostile names, whatever the day"
    [hostile_SUITE]="calls with random bytes, whatever the day"
    [prosody_docs_SUITE]="builds with cargo"
    [sidecar_client_SUITE]="has no certificate"
)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target=${CARGO_TARGET_DIR:-$PWD/target}
export CERTJID_BIN=$target/debug/certjid
library=$(find /usr/lib/*/faketime/libfaketimeMT.so.1 | head -n 1)
host=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')

leap_day() {
    local year
    year=$(date -u +%Y)
    until date -ud "$year-02-29" +%s >/dev/null 2>&1 &&
        [ "$(date -ud "$year-02-29" +%s)" -gt "$(date +%s)" ]; do
        year=$((year + 1))
    done
    echo "$year-02-29"
}

skip=()
for name in "${!skipped_tests[@]}"; do
    echo "not on another day: $name: ${skipped_tests[$name]}"
    skip+=(--skip "$name")
done
suites=
for file in test/*_SUITE.erl; do
    name=$(basename "$file" .erl)
    if [ -n "${skipped_suites[$name]:-}" ]; then
        echo "not on another day: $name: ${skipped_suites[$name]}"
    else
        suites+=${suites:+,}test/$name
    fi
done

# on DAY: the tests on it, at this time of the day.
on() {
    local day=$1 ahead status=0
    ahead=$(($(date -ud "$day" +%s) - $(date -ud "$(date -u +%F)" +%s)))
    # Nothing but the date is another one: time-outs, and the dates of files, are as they are.
    local clock="env LD_PRELOAD=$library FAKETIME=+$ahead NO_FAKE_STAT=1"
    clock+=" FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1"
    [ "$($clock date +%s)" -ge "$(($(date +%s) + ahead - 60))" ]
    env "CARGO_TARGET_${host}_RUNNER=$clock" \
        cargo test --workspace --all-features --locked --no-fail-fast -- "${skip[@]}" || status=1
    REBAR_BASE_DIR=$work/$day CERTJID_SKIP_NIF=1 $clock rebar3 ct --suite "$suites" || status=1
    return "$status"
}

# So that neither waits for the other's build.
cargo test --workspace --all-features --locked --no-run
sh rel/build-nif.sh
days=("$(date -ud '+10 years' +%F)" "$(leap_day)")
running=()
for day in "${days[@]}"; do
    (on "$day") > >(tee "$work/$day.log" | sed -u "s/^/$day: /") 2>&1 &
    running+=($!)
done
status=0
for pid in "${running[@]}"; do
    wait "$pid" || status=1
done
[ "$status" = 0 ]

passed=0
for day in "${days[@]}"; do
    for count in cargo_tests common_test; do
        read -r good bad < <("$count" "$work/$day.log")
        [ "$good" -gt 0 ] && [ "$bad" = 0 ] || { echo "$day: no test ran, or one was skipped"; exit 1; }
        passed=$((passed + good))
    done
done
echo "$passed passed"
