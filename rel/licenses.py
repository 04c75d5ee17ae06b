#!/usr/bin/env python3
"""Prints the licence of each crate that is linked into a crate of ours, then the texts, each once."""

import json
import pathlib
import subprocess
import sys

NAMES = ("licen", "copying", "notice", "copyright")


def metadata():
    rustc = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    host = rustc.split("host: ")[1].split()[0]
    command = "cargo metadata --format-version 1 --locked --offline --filter-platform"
    run = subprocess.run([*command.split(), host], check=True, capture_output=True)
    return json.loads(run.stdout)


def linked(graph, root):
    """The ids of the crates that `root` is made of; build scripts are not."""
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    found, todo = set(), [root]
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo += [
                dependency["pkg"]
                for dependency in nodes[node]["deps"]
                if any(kind["kind"] is None for kind in dependency["dep_kinds"])
            ]
    return found


def main(crate):
    graph = metadata()
    packages = {package["id"]: package for package in graph["packages"]}
    root = next(id for id, package in packages.items() if package["name"] == crate)
    crates = [packages[id] for id in linked(graph, root) if packages[id]["source"]]
    crates.sort(key=lambda package: (package["name"], package["version"]))

    texts = {}
    for package in crates:
        name = f"{package['name']} {package['version']}"
        print(f"{name}: {package['license']}")
        folder = pathlib.Path(package["manifest_path"]).parent
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.name.lower().startswith(NAMES):
                text = path.read_text(encoding="utf-8", errors="replace").strip()
                users = texts.setdefault(" ".join(text.split()), (text, []))[1]
                if name not in users:
                    users.append(name)
    for text, names in texts.values():
        print(f"\n{'=' * 80}\n{', '.join(names)}\n{'=' * 80}\n\n{text}")


main(*sys.argv[1:])
