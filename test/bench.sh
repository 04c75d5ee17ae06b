#!/usr/bin/env bash
# Measures certjid against what it replaces, and against floors: see docs/benchmarks.md. No part of
# the tests: the figures are for people, and say little on a machine that does other things.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-target}"
folder="$target/bench"
export ERL_CRASH_DUMP=/dev/null

cargo build --release --locked -p certjid-bench -p certjid-nif -p certjid-sidecar
rm -rf "$folder"
mkdir -p "$folder/ebin" "$folder/priv"
install -m 0644 "$target/release/libcertjid_nif.so" "$folder/priv/certjid_nif.so"
erlc -o "$folder/ebin" erlang/*.erl test/bench/*.erl
"$target/release/certjid-bench" pki "$folder"

echo "processors $(nproc), load $(cut -d' ' -f1-3 /proc/loadavg), $(date -u +%F)"
sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1
erl -noshell -eval 'io:format("OTP ~s, ~s~n", [erlang:system_info(otp_release),
    element(3, hd(crypto:info_lib()))]), halt().'
# FIRST / SECOND, their ratio, and the target for it.
erl -noshell -pa "$folder/ebin" -eval "certjid_bench:main([\"$folder\",
    \"$target/release/libcertjid_bench_floor.so\"])"
"$target/release/certjid-bench" chains "$folder"
"$target/release/certjid-bench" worst "$folder"
"$target/release/certjid-bench" sidecar "$folder" "$target/release/certjid"
"$target/release/certjid-bench" flat "$folder" "$target/release/certjid"

# What goes before a login.
"$target/release/certjid" dev-cert alice@example.org --server example.org --dir "$folder/tls" >/dev/null
erl -noshell -pa "$folder/ebin" -eval "certjid_bench_tls:main([\"$folder/tls\"])"

for what in hosts cas "crl entries"; do
    for count in 10 1000 100000; do
        "$target/release/certjid-bench" growth "$folder" "$what" "$count"
    done
done

# A client in Erlang, of which the most is its own work.
(cd "$folder" && exec "$OLDPWD/$target/release/certjid" serve --config mongooseim.toml \
    --socket erlang.sock) 2>/dev/null &
sidecar=$!
trap 'kill "$sidecar"' EXIT
erl -noshell -pa "$folder/ebin" -eval "certjid_bench:sidecar([\"$folder\",
    \"$folder/erlang.sock\"])"
