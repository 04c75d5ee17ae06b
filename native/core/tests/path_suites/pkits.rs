//! NIST's PKITS, from the PyPI package cryptography-vectors (test/pkits.sh).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::NOW;
use crate::exceptions::Outcomes;
use crate::judge::{Bundle, judge};

#[test]
fn pkits() {
    let folder = folder();
    let table = crate::json("test/data/path/pkits.json");
    let rows = table["tests"].as_array().unwrap();
    assert_eq!(rows.len(), 116);
    let mut outcomes = Outcomes::default();
    for row in rows {
        let certificates = |field: &str| read(&folder.join("certs"), &row[field], "crt");
        let mut chain = certificates("leaf");
        chain.extend(certificates("intermediates"));
        let bundle = Bundle {
            trusted: read(&folder.join("certs"), &table["trusted"], "crt"),
            chain,
            crls: read(&folder.join("crls"), &row["crls"], "crl"),
        };
        outcomes.add(
            row["id"].as_str().unwrap().to_owned(),
            row["expected"].as_str().unwrap(),
            judge(&bundle, NOW),
        );
    }
    outcomes.check("pkits");
}

fn folder() -> PathBuf {
    let ran = Command::new("bash")
        .arg(crate::project("test/pkits.sh"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "test/pkits.sh: {stderr}");
    PathBuf::from(String::from_utf8(ran.stdout).unwrap().trim_end())
}

/// The files of one name or of a list of them.
fn read(folder: &Path, names: &Value, suffix: &str) -> Vec<Vec<u8>> {
    let one = std::slice::from_ref(names);
    names
        .as_array()
        .map_or(one, Vec::as_slice)
        .iter()
        .map(|name| folder.join(format!("{}.{suffix}", name.as_str().unwrap())))
        .map(|path| fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
        .collect()
}
