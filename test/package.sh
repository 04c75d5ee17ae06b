#!/usr/bin/env bash
# What `make package` makes: the bytes, the Debian package's life in a clean Debian, the archive in
# an Erlang node, the content of the container image. Runs the commands of docs/install.md.
# Needs root for a folder with a Debian of its own; installs nothing on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
doc=$root/docs/install.md
source test/package/doc.sh
source test/chroot.sh

target=${CARGO_TARGET_DIR:-$PWD/target}
work=$(mktemp -d)
debian=$work/debian
image=$work/image
counted=$work/counted
finish() {
    [ -z "${daemon:-}" ] || { "${sudo[@]}" kill "$daemon" && wait "$daemon"; } || true
    [ -z "${bootstrap:-}" ] || wait "$bootstrap" || true
    "${sudo[@]}" rm -rf --one-file-system "$work"
}
trap finish EXIT

# The Debian is fetched while the packages are made.
"${sudo[@]}" mmdebstrap --quiet --variant=apt --include=passwd,procps,systemd \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$debian" >"$work/bootstrap.log" 2>&1 &
bootstrap=$!

rm -rf "$target/dist"
bash rel/package.sh
mkdir "$work/first"
mv "$target"/dist/* "$work/first/"
(umask 077 && TZ=Pacific/Auckland LC_ALL=C bash rel/package.sh)
for file in "$work"/first/*; do
    cmp "$file" "$target/dist/${file##*/}"
done
not grep -aF -e "$root/" -e "$HOME/" "$target"/package/release/{certjid,libcertjid_nif.so}
ok "the same packages a second time, byte for byte, with no path of this machine" | tee -a "$counted"

lintian --allow-root --fail-on error "$work"/first/*.deb
ok "lintian finds no error" | tee -a "$counted"

# Another version to upgrade to.
mkdir "$work/second"
SOURCE_DATE_EPOCH=$(date +%s) bash rel/deb.sh 9.0.0-1 "$target/package" "$work/second"

mkdir "$work/node"
cp "$work"/first/*.tar.gz config/mongooseim.toml "$work/node/"
(
    cd "$work/node"
    "$target/package/release/certjid" dev-cert --server localhost alice@localhost >/dev/null
    ! PATH=/usr/bin:/bin command -v cargo || { echo "this node has Rust"; exit 1; }
    text=$(block "Archive for an Erlang node" 1)
    result=$(env -i HOME="$work/node" PATH=/usr/bin:/bin bash -euo pipefail -c "$text")
    [ "$result" = alice@localhost ] || { echo "$result"; exit 1; }
)
ok "an Erlang node without Rust decides a login from the archive" | tee -a "$counted"

# The image's content, without an engine: what is copied is there, and enough to start from.
mkdir "$work/context"
sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p' rel/Containerfile | xargs cp -r --parents -t "$work/context"
host=$(rustc -vV | sed -n "s/^host: //p")
(cd "$work/context" && cargo metadata --format-version 1 --locked --offline --filter-platform "$host" >/dev/null)
"${sudo[@]}" sh "$work/context/rel/container-root.sh" "$target/package/release/certjid" "$image"
"${sudo[@]}" cp -r "$work/node" "$image/etc/mongooseim"
mapfile -t variables < <(grep -o 'CERTJID_[A-Z]*=[^ ]*' rel/Containerfile)
"${sudo[@]}" env -i "${variables[@]}" "$(command -v chroot)" --userspec=10001:10001 "$image" \
    /usr/bin/certjid serve >"$work/container.log" 2>&1 &
daemon=$!
login=(check --socket "$image/run/certjid/certjid.sock" --host localhost --cert "$work/node/alice.pem")
for _ in $(seq 100); do
    "${sudo[@]}" test ! -S "$image/run/certjid/certjid.sock" || break
    sleep 0.2
done
"${sudo[@]}" "$target/package/release/certjid" "${login[@]}" >/dev/null || { cat "$work/container.log"; exit 1; }
"${sudo[@]}" kill "$daemon"
wait "$daemon"
daemon=
ok "the container's content answers a login as another user, and ends on SIGTERM" | tee -a "$counted"

wait "$bootstrap" || { cat "$work/bootstrap.log"; exit 1; }
bootstrap=
"${sudo[@]}" cp -r "$work/first" "$work/second" "$doc" test/package/{doc,lifetime}.sh "$debian/root/"
"${sudo[@]}" mv "$debian/usr/bin/systemctl" "$debian/usr/bin/systemctl.real"
"${sudo[@]}" install -m 755 test/package/systemctl "$debian/usr/bin/systemctl"
# systemd runs, as far as the package's scripts can see.
"${sudo[@]}" mkdir -p "$debian/run/systemd/system"
echo 'APT::Get::Assume-Yes "true";' | "${sudo[@]}" tee "$debian/etc/apt/apt.conf.d/yes" >/dev/null
chrooted "$debian" bash /root/lifetime.sh /root/first /root/second | tee -a "$counted"

echo "$(grep -c '^ok ' "$counted") passed"
