//! What is kept twice in this repository says the same: manifests and docs/dependencies.md, the
//! pictures and their sources, docs/security.md and the tests that it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `CRATE: DEPENDENCY` for all that a manifest names.
fn named(folder: &str) -> Vec<String> {
    let manifest: toml::Table = read(format!("{folder}/Cargo.toml")).parse().unwrap();
    let name = manifest["package"]["name"].as_str().unwrap();
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_table())
        .flat_map(toml::Table::keys)
        .map(|dependency| format!("{name}: {dependency}"))
        .collect()
}

#[test]
fn each_dependency_has_its_reason() {
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let named: BTreeSet<String> = members
        .iter()
        .flat_map(|member| named(member.as_str().unwrap()))
        .collect();
    assert!(named.contains("certjid-nif: rustler"), "{named:?}");

    let mut explained = BTreeSet::new();
    let mut name = String::new();
    for line in read("docs/dependencies.md").lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut name);
        } else if let [_, dependency, reason, _] = line.split('|').collect::<Vec<_>>()[..]
            && !matches!(dependency.trim(), "crate" | "---")
        {
            assert!(!reason.trim().is_empty(), "{line}");
            let new = explained.insert(format!("{name}: {}", dependency.trim()));
            assert!(new, "twice: {line}");
        }
    }
    assert_eq!(named, explained);
}

#[test]
fn each_picture_is_drawn_from_its_source() {
    let mut pictures = 0;
    for entry in fs::read_dir(root().join("docs/pictures")).unwrap() {
        let source = entry.unwrap().path();
        let name = source.file_stem().unwrap().to_str().unwrap();
        let picture = read(format!("docs/{name}.svg"));
        let text = fs::read_to_string(&source).unwrap();
        assert!(
            picture.contains(&format!("<![CDATA[\n{}\n]]>", text.trim_end())),
            "docs/{name}.svg is of another {}: make pictures",
            source.display()
        );
        pictures += 1;
    }
    assert_eq!(pictures, 2);
}

#[test]
fn each_claim_of_security_has_its_test() {
    let mut tests = BTreeSet::new();
    collect_tests(&root().join("native"), &mut tests);
    collect_tests(&root().join("test"), &mut tests);
    let text = read("docs/security.md");
    let names: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| (name.contains("::") || name.contains("_SUITE:")) && *name != "file::test")
        .collect();
    assert!(names.len() > 40);
    for name in names {
        assert!(tests.contains(name), "there is no test {name}");
    }
    let rows = text.lines().filter(|line| line.starts_with('|'));
    for row in rows.filter(|row| !row.starts_with("|---") && !row.ends_with("| test |")) {
        let proof = row.trim_end_matches('|').rsplit('|').next().unwrap();
        assert!(
            proof.contains('`') || proof.contains("accepted, not tested"),
            "{row}"
        );
    }
}

/// `file::test` of all Rust files below a folder, and `suite:case` of all suites.
fn collect_tests(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_string_lossy().into_owned();
        match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() && !path.ends_with("target") => collect_tests(&path, tests),
            Some("rs") => {
                let text = fs::read_to_string(&path).unwrap();
                for after in text.split("#[test]\n").skip(1) {
                    let name = after
                        .split("fn ")
                        .nth(1)
                        .and_then(|rest| rest.split('(').next());
                    tests.extend(name.map(|name| format!("{module}::{name}")));
                }
            }
            Some("erl") if module.ends_with("_SUITE") => {
                let text = fs::read_to_string(&path).unwrap();
                let exported = text
                    .lines()
                    .filter_map(|line| line.strip_prefix("-export(["));
                tests.extend(
                    exported.filter_map(|rest| {
                        Some(format!("{module}:{}", rest.strip_suffix("/1]).")?))
                    }),
                );
            }
            _ => {}
        }
    }
}
