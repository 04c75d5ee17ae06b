#!/bin/sh
# Puts into FOLDER what the container image has: PROGRAM, its libraries, CA certificates, a user.
# Run by rel/Containerfile, and by the tests where no container engine is.
set -eu
program=$1 root=$2

mkdir -p "$root/etc/ssl/certs" "$root/usr/bin" "$root/run/certjid"
install -m 755 "$program" "$root/usr/bin/certjid"
ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1/p' |
    while read -r library; do
        install -D -m 755 "$library" "$root$library"
    done
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo "certjid:x:10001:10001::/:/usr/bin/certjid" >"$root/etc/passwd"
echo "certjid:x:10001:" >"$root/etc/group"
# A volume gets the owner of the folder that it is mounted over.
chown 10001:10001 "$root/run/certjid"
