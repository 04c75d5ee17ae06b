# Sourced: the commands of docs/install.md.

# block HEADING N: the N-th sh block below a heading.
block() {
    local text
    text=$(awk -v heading="$1" -v wanted="$2" '
        /^#/ { inside = ($0 ~ "^#+ " heading "$"); n = 0; next }
        inside && /^```sh$/ { n++; if (n == wanted) { printing = 1; next } }
        /^```$/ { printing = 0 }
        printing' "$doc")
    [ -n "$text" ] || { echo "docs/install.md has no block $2 below \"$1\"" >&2; return 1; }
    printf '%s\n' "$text"
}

# run HEADING N: runs it, as a reader would.
run() {
    local text
    text=$(block "$1" "$2")
    bash -euo pipefail -c "$text"
}

# ok WHAT: the line that is counted. What is not so ends the script before.
ok() {
    echo "ok $1"
}

# not COMMAND...: it must fail. (A plain `!` never ends a script.)
not() {
    ! "$@"
}
