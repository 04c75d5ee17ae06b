//! The reasons of refusals in docs/operator.md are those that the code gives.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::{read, root};

/// Where reasons come from.
const SOURCES: [&str; 6] = [
    "native/core/src/certificate/forwarded",
    "native/core/src/policy",
    "native/core/src/sasl",
    "native/core/src/verify",
    "native/sidecar/src/protocol",
    "native/sidecar/src/server",
];

/// Words in the sources that look like a reason and are none: names of verification kinds and of
/// a request's fields.
const OTHER_WORDS: [&str; 9] = [
    "auth_id",
    "certjid_verification",
    "common_name",
    "cyrsasl_external_verification",
    "failed_at",
    "host_type",
    "initial_response",
    "loaded_at",
    "reload_error",
];

/// Reasons that are one word only, so that nothing tells them from other strings.
const SINGLE_WORDS: [&str; 2] = ["internal", "revoked"];

#[test]
fn the_table_of_reasons_is_complete() {
    let page = read("docs/operator.md");
    let (_, table) = page
        .split_once("| reason | what to do |\n|---|---|\n")
        .unwrap();
    let documented: BTreeSet<&str> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2))
        .collect();

    let mut strings = BTreeSet::new();
    for source in SOURCES {
        visit(&root().join(source), &mut |_, text| {
            strings.extend(text.lines().flat_map(strings_of));
        });
    }
    let codes = |word: &String| is_code(word) || SINGLE_WORDS.contains(&word.as_str());
    let mut given: BTreeSet<String> = strings.into_iter().filter(codes).collect();
    given.retain(|word| !OTHER_WORDS.contains(&word.as_str()));
    visit(&root().join("erlang"), &mut |_, text| {
        let reasons = text.split("reason => <<\"").skip(1);
        given.extend(reasons.map(|rest| rest.split('"').next().unwrap().to_owned()));
    });
    assert!(given.len() > 40, "{given:?}");
    let given: BTreeSet<&str> = given.iter().map(String::as_str).collect();
    assert_eq!(documented, given);
}

/// What makes a refusal stands in [`SOURCES`] alone.
#[test]
fn no_other_place_gives_reasons() {
    for part in ["native/core/src", "native/nif/src", "native/sidecar/src"] {
        visit(&root().join(part), &mut |path, text| {
            let known = SOURCES
                .iter()
                .any(|source| path.starts_with(root().join(source)));
            let makes = ["Refused::new(", "Failure::next(", "reason: \""]
                .iter()
                .find(|makes| text.contains(**makes));
            assert!(known || makes.is_none(), "{}: {makes:?}", path.display());
        });
    }
}

fn visit(folder: &Path, see: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, see);
        } else if !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            see(&path, text.split("mod tests {").next().unwrap());
        }
    }
}

fn strings_of(line: &str) -> impl Iterator<Item = String> {
    let code = line.split("//").next().unwrap();
    code.split('"').skip(1).step_by(2).map(str::to_owned)
}

/// Lower case with at least one underscore.
fn is_code(word: &str) -> bool {
    word.contains('_')
        && word
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
