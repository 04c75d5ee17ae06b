#!/bin/sh
# Builds the NIF and puts it into priv/. Run by rebar3's compile hook (see rebar.config).
# CARGO_TARGET_DIR is honoured; CERTJID_SKIP_NIF=1 leaves a priv/certjid_nif.so that was built
# elsewhere, such as a packager's, as it is.
set -eu
cd "$(dirname "$0")/.."

if [ "${CERTJID_SKIP_NIF:-}" = 1 ]; then
    [ ! -f priv/certjid_nif.so ] || exit 0
    echo "CERTJID_SKIP_NIF is 1, but $PWD/priv/certjid_nif.so is missing: copy the library there, or unset the variable" >&2
    exit 1
fi
# Not quiet: the first time takes minutes.
cargo build --release --locked -p certjid-nif

# A file that is loaded must not be written over: install replaces it, where it has changed.
built="${CARGO_TARGET_DIR:-target}/release/libcertjid_nif.so"
cmp -s "$built" priv/certjid_nif.so || install -D -m 0644 "$built" priv/certjid_nif.so
