//! The tables of reasons in docs/operator.md are what the code says.

use std::fs;

use certjid_core::reason::Reason;

#[path = "../examples/reasons.rs"]
#[allow(dead_code, reason = "main is the example's")]
mod generator;

#[test]
fn the_tables_are_up_to_date() {
    let page = fs::read_to_string(generator::file()).unwrap();
    assert!(
        page == generator::updated(&page),
        "cargo run -p certjid-core --example reasons"
    );
    for reason in Reason::ALL {
        assert!(page.contains(&format!("\n| `{reason}` | ")), "{reason}");
    }
}
