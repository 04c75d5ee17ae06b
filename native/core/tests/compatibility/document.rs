//! The document itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::server::{case, root};

/// Every line of the document has a test that exists, every test here has a line, and every
/// reference of differences.tsv is one.
#[test]
fn every_line_has_a_test_and_every_reference_a_line() {
    let text = fs::read_to_string(root().join("docs/compatibility.md")).unwrap();
    let mut headings = BTreeSet::new();
    let mut named = BTreeSet::new();
    for section in text.split("\n### ").skip(1) {
        let heading = section.split('.').next().unwrap().to_owned();
        assert!(section.contains("\nTest"), "{heading} has no test");
        headings.insert(heading);
    }
    // Rows of a table have their tests in the last column.
    let is_proof = |part: &&str| part.starts_with("Test") || part.starts_with('|');
    for part in text.split("\n\n").filter(is_proof) {
        let tokens = part.split('`').skip(1).step_by(2);
        let tests = tokens.filter(|token| token.contains("::"));
        named.extend(tests.map(str::to_owned));
        assert!(part.contains("::") || part.starts_with('|'), "{part}");
    }

    let stricter = (1..=11).map(|number| format!("S{number}"));
    for reference in stricter.chain((1..=10).map(|number| format!("K{number}"))) {
        assert!(headings.contains(&reference), "{reference} is missing");
    }
    let differences = fs::read_to_string(case("differences.tsv")).unwrap();
    for line in differences.lines().filter(|line| !line.starts_with('#')) {
        let reference = line.rsplit('\t').next().unwrap();
        assert!(headings.contains(reference), "{line}");
    }

    let mut functions = BTreeSet::new();
    for folder in ["native", "test"] {
        collect(&root().join(folder), &mut functions);
    }
    assert!(named.len() > 20);
    for test in &named {
        let (module, function) = test.rsplit_once("::").unwrap();
        let module = module.rsplit("::").next().unwrap().to_owned();
        let known = (module, function.to_owned());
        assert!(functions.contains(&known), "there is no test {test}");
    }
    let here = root().join("native/core/tests/compatibility");
    let mut ours = BTreeSet::new();
    collect(&here, &mut ours);
    for (module, function) in ours.iter().filter(|(module, _)| module != "document") {
        let test = format!("compatibility::{module}::{function}");
        assert!(named.contains(&test), "{test} proves no line");
    }
}

/// The tests of all Rust files below a folder, each with the name of its file.
fn collect(folder: &Path, functions: &mut BTreeSet<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, functions);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            for after in text.split("#[test]\n").skip(1) {
                let name = after.trim_start().strip_prefix("fn ");
                let name = name.and_then(|rest| rest.split('(').next());
                functions.extend(name.map(|name| (module.clone(), name.to_owned())));
            }
        }
    }
}
