//! Public suites of path validation, and webpki as a yardstick.
//!
//! What differs from a suite's own answer stands in test/data/path/exceptions.json, with the
//! reason; a difference that is not listed fails, and so does one that is listed and gone.

mod chains;
mod client;
mod der;
mod exceptions;
mod judge;
mod limbo;
mod lists;
mod pkits;
mod random;
mod yardstick;

use std::fs;
use std::path::PathBuf;

/// A path in the project's folder.
fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// A JSON file in the project's folder.
fn json(path: &str) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(project(path)).unwrap()).unwrap()
}

/// 2026-12-01T00:00:00Z, where a suite says "now".
const NOW: i64 = 1_796_083_200;
