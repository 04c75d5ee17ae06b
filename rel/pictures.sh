#!/usr/bin/env bash
# `make pictures`: draws docs/pictures/*.dot as docs/*.svg, with Graphviz. Each picture carries its
# source, so that a test sees when it is not of the present one.
set -euo pipefail
cd "$(dirname "$0")/../docs"

command -v dot >/dev/null || { echo "install Debian's package graphviz" >&2; exit 1; }
for source in pictures/*.dot; do
    picture=$(basename "$source" .dot).svg
    drawn=$(dot -Tsvg "$source")
    {
        printf '%s\n' "${drawn%</svg>}"
        printf '<metadata><![CDATA[\n%s\n]]></metadata>\n</svg>\n' "$(cat "$source")"
    } >"$picture"
    echo "docs/$picture"
done
