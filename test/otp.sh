#!/usr/bin/env bash
# test/otp.sh RELEASE [FOLDER]: the suites that need no server or client from elsewhere, xref and
# dialyzer, with warnings as errors, on the OTP of a Debian release (trixie: 27), which is fetched
# into a folder of its own. A FOLDER that is there is used again. The libraries and the program are
# those that were built here: priv/certjid_nif.so, CERTJID_PANIC_NIF, without which hostile_SUITE is
# left out, and CERTJID_BIN.
# Needs root for the folder; installs nothing on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
source test/chroot.sh
source test/count.sh

release=$1
bin=${CERTJID_BIN:-${CARGO_TARGET_DIR:-target}/debug/certjid}
work=$(mktemp -d)
debian=${2:-$work/debian}
finish() {
    "${sudo[@]}" rm -rf --one-file-system "$work"
}
trap finish EXIT

packages=(
    erlang-base erlang-common-test erlang-crypto erlang-dev erlang-dialyzer erlang-edoc erlang-eunit
    erlang-parsetools erlang-ssl erlang-syntax-tools erlang-tools git make openssl procps python3
    rebar3
)
suites=(api cases chains docs identity mongooseim plugin sidecar sidecar_client tls)
[ -z "${CERTJID_PANIC_NIF:-}" ] || suites+=(hostile)

if [ ! -e "$debian/usr/bin/rebar3" ]; then
    # From where this machine has its own Debian.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sort -u | head -1)
    [ -n "$mirror" ] || { echo "apt has no Debian among its sources"; exit 1; }
    "${sudo[@]}" mmdebstrap --quiet --variant=apt --include="$(IFS=,; echo "${packages[*]}")" \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Check-Valid-Until "false"' \
        "$release" "$debian" "deb $mirror $release main" >"$work/bootstrap.log" 2>&1 ||
        { cat "$work/bootstrap.log"; exit 1; }
fi

project=$debian/certjid
"${sudo[@]}" rm -rf "$project"
"${sudo[@]}" mkdir "$project"
"${sudo[@]}" cp -r config docs erlang native rel rebar.config rebar.lock test "$project/"
"${sudo[@]}" install -D -m 644 priv/certjid_nif.so "$project/priv/certjid_nif.so"
"${sudo[@]}" install -D -m 755 "$bin" "$project/target/debug/certjid"
[ -z "${CERTJID_PANIC_NIF:-}" ] || "${sudo[@]}" cp "$CERTJID_PANIC_NIF" "$project/target/panic.so"

# inside COMMAND...: in the project's folder there.
inside() {
    chrooted "$debian" env -C /certjid CERTJID_SKIP_NIF=1 CERTJID_BIN=/certjid/target/debug/certjid \
        CERTJID_PANIC_NIF=/certjid/target/panic.so "$@"
}

inside erl -noshell -eval 'io:format("OTP ~ts~n", [erlang:system_info(otp_release)]), halt().'
inside rebar3 as check do compile, xref
inside rebar3 as check dialyzer
inside rebar3 ct --suite "$(printf 'test/%s_SUITE,' "${suites[@]}" | sed 's/,$//')" | tee "$work/ct.log"
read -r good bad < <(common_test "$work/ct.log")
[ "$good" -gt 0 ] && [ "$bad" = 0 ] || { echo "no case ran, or one was skipped"; exit 1; }
echo "$good passed"
