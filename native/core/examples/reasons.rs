//! Writes the tables of reasons into docs/operator.md:
//! `cargo run -p certjid-core --example reasons`

use core::fmt::Write as _;
use std::path::PathBuf;
use std::{fs, io};

use certjid_core::reason::{Part, Reason};

fn main() -> io::Result<()> {
    let file = file();
    let page = fs::read_to_string(&file)?;
    fs::write(file, updated(&page))
}

/// The page that has the tables.
pub fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/operator.md")
}

/// The page with the tables as they are to be. A page without the marks stays as it is.
pub fn updated(page: &str) -> String {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    match parts {
        Some((before, after)) => format!("{before}{BEGIN}{}{END}{after}", tables()),
        None => page.to_owned(),
    }
}

fn tables() -> String {
    let mut tables = String::new();
    for part in Part::ALL {
        let _ = write!(tables, "\n**{}**\n\n", heading(part));
        tables.push_str("| reason | what it means | what to change |\n|---|---|---|\n");
        let reasons = Reason::ALL.iter().filter(|reason| reason.part() == part);
        reasons.for_each(|reason| tables.push_str(&row(*reason)));
    }
    tables.push('\n');
    tables
}

fn heading(part: Part) -> &'static str {
    match part {
        Part::Request => "The request, and certjid itself",
        Part::Headers => "The headers of a proxy",
        Part::Configuration => "The configuration",
        Part::Certificate => "The certificate and its chain",
        Part::Identity => "The user",
        Part::Methods => "The methods",
    }
}

fn row(reason: Reason) -> String {
    let more = reason
        .page()
        .map(|page| format!(" ([more]({page}))"))
        .unwrap_or_default();
    format!(
        "| `{reason}` | {} | {}{more} |\n",
        reason.sentence(),
        reason.advice()
    )
}

const BEGIN: &str =
    "<!-- Made by `cargo run -p certjid-core --example reasons`; a test compares it. -->\n";
const END: &str = "<!-- The end of what is made. -->\n";
