//! docs/configuration.md is what the code says.

use std::fs;
use std::path::Path;

#[path = "../examples/configuration.rs"]
#[allow(dead_code, reason = "main is the example's")]
mod generator;

#[test]
fn the_page_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = fs::read_to_string(file).unwrap();
    assert!(
        page == generator::page(),
        "cargo run -p certjid-core --example configuration > docs/configuration.md"
    );
}
