#!/usr/bin/env bash
# `make demo`: the same logins by command line, socket and NIF, each with its reason.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-target}"
certjid="$target/debug/certjid"
demo=$(mktemp -d)
sidecar=
finish() {
    [ -z "$sidecar" ] || { kill "$sidecar" 2>/dev/null && wait "$sidecar" || true; }
    rm -rf "$demo"
}
trap finish EXIT

echo "== Building (the first time takes some minutes)"
cargo build --locked -p certjid-sidecar
sh rel/build-nif.sh
CERTJID_SKIP_NIF=1 rebar3 compile >"$demo/rebar3.log" 2>&1 || { cat "$demo/rebar3.log"; exit 1; }

echo "== A development CA, and certificates for alice, for alice and bob, and from another CA"
"$certjid" dev-cert --dir "$demo" --server localhost alice@localhost
"$certjid" dev-cert --dir "$demo/both" alice@localhost bob@localhost
"$certjid" dev-cert --dir "$demo/other" mallory@localhost
cp config/mongooseim.toml "$demo/"
cat "$demo/ca.pem" "$demo/both/ca.pem" >"$demo/cas.pem" && mv "$demo/cas.pem" "$demo/ca.pem"

echo "== Starting the sidecar on config/mongooseim.toml"
"$certjid" serve --config "$demo/mongooseim.toml" --socket "$demo/certjid.sock" \
    --log-level warn &
sidecar=$!
for _ in $(seq 100); do
    [ -S "$demo/certjid.sock" ] && break
    sleep 0.1
done

status=0
# login WHAT EXPECTED CERTIFICATE [AUTHZID]
login() {
    local what=$1 expected=$2 cert=$3 authzid=${4:-}
    local arguments=(--listener c2s --host localhost --cert "$cert")
    [ -z "$authzid" ] || arguments+=(--authzid "$authzid")
    echo
    echo "-- $what"
    local way result
    for way in "command line:--config $demo/mongooseim.toml" "socket:--socket $demo/certjid.sock"; do
        echo "[${way%%:*}]"
        result=0
        # shellcheck disable=SC2086
        "$certjid" check ${way#*:} "${arguments[@]}" || result=$?
        [ "$result" = "$expected" ] || { echo "exit status $result, expected $expected"; status=1; }
    done
    echo "[NIF]"
    result=0
    escript rel/demo.escript "$demo/mongooseim.toml" "$cert" "$authzid" || result=$?
    [ "$result" = "$expected" ] || { echo "exit status $result, expected $expected"; status=1; }
}

login "alice with her certificate" 0 "$demo/alice.pem"
login "alice, sending her JID as authzid, as many clients do" 1 "$demo/alice.pem" alice@localhost
login "one certificate for two JIDs, as bob" 0 "$demo/both/alice.pem" bob@localhost
login "mallory, from a CA that is not trusted" 1 "$demo/other/mallory.pem"

echo
[ "$status" = 0 ] && echo "All logins ended as expected, three times the same." ||
    echo "The demo did not end as expected."
exit "$status"
