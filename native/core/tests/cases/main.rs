//! MongooseIM's measured answers (test/data/cases), and the differences that are on purpose
//! (test/data/cases/differences.tsv, explained in docs/compatibility.md).

mod chains;
mod decisions;
mod identity;
mod jids;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The path of a case file.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../test/data/cases")
        .join(name)
}

/// The rows of a case file in JSON lines.
fn rows(name: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path(name)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The differences of one table: row and field to what certjid says.
fn differences(table: &str) -> BTreeMap<(String, String), String> {
    let text = fs::read_to_string(path("differences.tsv")).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|columns| columns[0] == table)
        .map(|columns| {
            assert_eq!(columns.len(), 5, "{columns:?}");
            let key = (columns[1].to_owned(), columns[2].to_owned());
            (key, columns[3].to_owned())
        })
        .collect()
}
