//! Where the pages point to.

use std::collections::BTreeSet;
use std::fs;

use crate::common::cli::run;
use crate::{read, root};

/// The text of each page, and its name.
fn pages() -> Vec<(String, String)> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let names = docs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = names
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("docs/{name}"))
        .collect();
    pages.push("README.md".to_owned());
    pages.into_iter().map(|page| (read(&page), page)).collect()
}

#[test]
fn each_link_leads_somewhere() {
    let mut links = 0;
    for (text, page) in pages() {
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = root().join(&page).parent().unwrap().to_owned();
            let path = if file.is_empty() {
                root().join(&page)
            } else {
                folder.join(file)
            };
            assert!(path.exists(), "{page}: {link}");
            if !heading.is_empty() {
                let headings = anchors(&fs::read_to_string(&path).unwrap());
                assert!(headings.contains(heading), "{page}: {link}: {headings:?}");
            }
        }
    }
    assert!(links > 60, "{links}");
}

/// The names that headings have as the target of a link.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            words
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

/// An option that a page names for itself, as `--option`, is one of certjid's.
#[test]
fn each_option_that_is_named_exists() {
    let dir = tempfile::tempdir().unwrap();
    let manual = run(dir.path(), &["man"], 0).replace("\\-", "-");
    let mut options = 0;
    for page in [
        "operator",
        "verify-modes",
        "protocol",
        "registry",
        "proxy",
        "configuration",
    ] {
        let text = read(format!("docs/{page}.md"));
        for span in text.split('`').skip(1).step_by(2) {
            if span.starts_with("--") {
                let option = span.split([' ', '=']).next().unwrap();
                assert!(manual.contains(option), "{page}: {span}");
                options += 1;
            }
        }
    }
    assert!(options > 15, "{options}");
}
