//! README.md.

use std::fs;

use crate::common::cli::{REFUSED, run, text};
use crate::{blocks, read, root, sh};

/// The refused login that README.md explains: the same command gives the same words, but for the
/// fingerprint.
#[test]
fn the_refused_login_is_explained_in_these_words() {
    let page = read("README.md");
    let blocks = blocks(&page);
    let [("", example)] = blocks[..] else {
        panic!("{blocks:?}");
    };
    let (command, shown) = example.split_once('\n').unwrap();
    let dir = tempfile::tempdir().unwrap();
    run(
        dir.path(),
        &["dev-cert", "--server", "localhost", "alice@localhost"],
        0,
    );
    let config = root().join("config/mongooseim.toml");
    fs::copy(config, dir.path().join("mongooseim.toml")).unwrap();
    let output = sh(dir.path(), command.strip_prefix("$ ").unwrap());
    assert_eq!(output.status.code(), Some(REFUSED));
    let said = text(&output.stdout);
    let same = |text: &str| -> String {
        let fingerprint = text.split("SHA-256 ").nth(1).unwrap();
        text.replace(&fingerprint[..64], "FINGERPRINT")
    };
    assert_eq!(same(&said), same(shown));
}
