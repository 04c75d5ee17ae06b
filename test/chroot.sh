# Sourced by scripts that run commands in a Debian of their own.

sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)

# chrooted FOLDER COMMAND...: with processes and mounts of its own, which end with the command.
chrooted() {
    local folder=$1
    shift
    "${sudo[@]}" unshare --mount --pid --fork --kill-child --mount-proc="$folder/proc" \
        env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$(command -v chroot)" "$folder" "$@"
}
