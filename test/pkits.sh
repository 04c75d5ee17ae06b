#!/usr/bin/env bash
# Fetches NIST's PKITS, the public key interoperability test suite, from the PyPI package
# cryptography-vectors into target/pkits, and prints the folder that holds its certs and crls.
set -euo pipefail
cd "$(dirname "$0")/.."

version=50.0.2
cache=$PWD/target/pkits
data=$cache/$version/cryptography_vectors/x509/PKITS_data

if [ ! -d "$data" ]; then
    mkdir -p "$cache"
    # Made beside it and moved, so that it is there as a whole or not at all.
    fetched=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$fetched"' EXIT
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --dest "$fetched" "cryptography-vectors==$version" >&2
    mkdir "$fetched/whole"
    python3 - "$fetched"/*.whl "$fetched/whole" <<'PYTHON'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    names = wheel.namelist()
    wheel.extractall(sys.argv[2], [name for name in names if "/PKITS_data/" in name])
PYTHON
    [ -d "$data" ] || mv -T "$fetched/whole" "$cache/$version" || [ -d "$data" ]
fi

[ -d "$data/certs" ] && [ -d "$data/crls" ]
echo "$data"
