//! `certjid registry add`, `remove`, `list` and `backup`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::common::cli::{REFUSED, UNUSABLE, openssl, run, write_der};
use crate::{add, folder, registry, registry_in};
use serde_json::Value;

#[test]
fn certificates_are_added_listed_and_removed() {
    certificates_are_added_listed_and_removed_in("certificates.db");
}

/// Also with a registry in PostgreSQL.
pub fn certificates_are_added_listed_and_removed_in(place: &str) {
    let dir = folder();
    let dir = dir.path();
    let registry = |dir: &Path, args: &[&str], status| registry_in(dir, place, args, status);
    let add = |dir: &Path, jid: &str, cert: &str| registry(dir, &["add", jid, "--cert", cert], 0);
    let shown: Value =
        serde_json::from_str(&run(dir, &["inspect", "--json", "alice.pem"], 0)).unwrap();
    let fingerprint = shown["fingerprint"].as_str().unwrap();

    let noted = [
        "add",
        "Alice@EXAMPLE.org",
        "--cert",
        "alice.pem",
        "--note",
        "laptop",
    ];
    let out = registry(dir, &noted, 0);
    assert!(
        out.contains("alice@example.org: added") && out.contains(fingerprint),
        "{out}"
    );
    assert!(add(dir, "alice@example.org", "alice.pem").contains("has this certificate already"));
    let out = add(dir, "alice@example.org", "bob.pem");
    assert!(out.contains("its xmppAddr is bob@example.org"), "{out}");
    add(dir, "bob@example.org", "bob.pem");
    add(dir, "bob@example.net", "bob.pem");

    let list = |more: &[&str]| -> Vec<Value> {
        let out = registry(dir, &[&["list", "--json"], more].concat(), 0);
        serde_json::from_str(&out).unwrap()
    };
    let jids = |more: &[&str]| -> Vec<String> {
        let jid = |entry: &Value| entry["jid"].as_str().unwrap().to_owned();
        list(more).iter().map(jid).collect()
    };
    let (alice, bob) = ("alice@example.org", "bob@example.org");
    assert_eq!(jids(&[]), ["bob@example.net", alice, alice, bob]);
    assert_eq!(jids(&["--host", "EXAMPLE.org"]), [alice, alice, bob]);
    assert_eq!(jids(&["Bob@example.org"]), [bob]);
    assert_eq!(jids(&["carol@example.org"]), [""; 0]);
    let noted: Vec<Value> = list(&[alice])
        .into_iter()
        .filter(|entry| entry["fingerprint"] == fingerprint)
        .collect();
    assert_eq!(noted[0]["note"], "laptop");
    assert_eq!(noted[0]["not_after"], shown["not_after"]);
    assert!(noted[0]["added"].as_i64().unwrap() > 1_700_000_000);
    let text = registry(dir, &["list", alice], 0);
    assert!(
        text.contains("laptop") && text.contains(fingerprint),
        "{text}"
    );

    let colons = openssl(
        dir,
        &[
            "x509",
            "-in",
            "alice.pem",
            "-noout",
            "-fingerprint",
            "-sha256",
        ],
    );
    let colons = colons.trim().rsplit('=').next().unwrap();
    let by_fingerprint = ["remove", alice, "--fingerprint", colons];
    assert!(registry(dir, &by_fingerprint, 0).contains("1 certificate removed"));
    assert!(registry(dir, &by_fingerprint, REFUSED).contains("has no such certificate"));
    let by_file = ["remove", alice, "--cert", "bob.pem"];
    assert!(registry(dir, &by_file, 0).contains("1 certificate removed"));
    assert!(registry(dir, &["remove", alice], REFUSED).contains("has no certificate"));
    add(dir, bob, "alice.pem");
    assert!(registry(dir, &["remove", bob], 0).contains("2 certificates removed"));
    assert_eq!(jids(&[]), ["bob@example.net"]);
}

#[test]
fn a_certificate_comes_in_every_form_that_inspect_reads() {
    let dir = folder();
    let dir = dir.path();
    write_der(dir);
    fs::write(dir.join("password"), "secret\n").unwrap();
    openssl(
        dir,
        &[
            "pkcs12",
            "-export",
            "-in",
            "alice.pem",
            "-inkey",
            "alice.key",
            "-out",
            "alice.p12",
            "-passout",
            "pass:secret",
        ],
    );
    add(dir, "alice@example.org", "alice.der");
    assert!(add(dir, "alice@example.org", "alice.pem").contains("already"));
    let p12 = [
        "add",
        "alice@example.org",
        "--cert",
        "alice.p12",
        "--password-file",
        "password",
    ];
    assert!(registry(dir, &p12, 0).contains("already"));
}

#[test]
fn what_can_t_be_done_is_named() {
    let dir = folder();
    let dir = dir.path();
    let alice = "alice@example.org";
    let refused = |args: &[&str]| registry(dir, args, UNUSABLE);
    assert!(refused(&["list"]).contains("there is no registry"));
    assert!(refused(&["remove", alice]).contains("there is no registry"));
    for (jid, words) in [
        ("example.org", "no local part"),
        ("alice@example.org/phone", "resource"),
        ("a lice@example.org", "space"),
    ] {
        let said = refused(&["add", jid, "--cert", "alice.pem"]);
        assert!(said.contains(words), "{said}");
    }
    assert!(refused(&["add", alice, "--cert", "alice.key"]).contains("alice.key"));
    let long = "x".repeat(257);
    let said = refused(&["add", alice, "--cert", "alice.pem", "--note", &long]);
    assert!(said.contains("256 bytes"), "{said}");
    assert!(refused(&["remove", alice, "--fingerprint", "00"]).contains("64"));
    assert!(!dir.join("certificates.db").exists(), "nothing was added");
    assert!(run(dir, &["registry", "list"], UNUSABLE).contains("--registry"));

    // Somebody else's files stay as they are.
    for (name, contents) in [("text.db", "text"), ("old.db", "SQLite format 3\0")] {
        fs::write(dir.join(name), contents).unwrap();
        let to = [
            "registry",
            "--registry",
            name,
            "add",
            alice,
            "--cert",
            "alice.pem",
        ];
        assert!(run(dir, &to, UNUSABLE).contains(name));
        assert_eq!(fs::read(dir.join(name)).unwrap(), contents.as_bytes());
    }
    let other = rusqlite::Connection::open(dir.join("other.db")).unwrap();
    other
        .execute_batch("CREATE TABLE certificates (a)")
        .unwrap();
    let said = run(
        dir,
        &["registry", "--registry", "other.db", "list"],
        UNUSABLE,
    );
    assert!(said.contains("of another program"), "{said}");

    add(dir, alice, "alice.pem");
    let newer = rusqlite::Connection::open(dir.join("certificates.db")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    assert!(refused(&["list"]).contains("a newer certjid"));
}

#[test]
fn a_user_has_32_certificates_at_most() {
    let dir = folder();
    let dir = dir.path();
    add(dir, "alice@example.org", "alice.pem");
    // As many as may be, without making each.
    let database = rusqlite::Connection::open(dir.join("certificates.db")).unwrap();
    let full = "INSERT INTO certificates
        SELECT host, local, randomblob(32), der, added, note FROM certificates LIMIT 1";
    for _ in 1..32 {
        database.execute(full, []).unwrap();
    }
    assert!(add(dir, "alice@example.org", "alice.pem").contains("already"));
    let said = registry(
        dir,
        &["add", "alice@example.org", "--cert", "bob.pem"],
        UNUSABLE,
    );
    assert!(
        said.contains("alice@example.org has 32 certificates"),
        "{said}"
    );
    add(dir, "bob@example.org", "bob.pem");
}

#[test]
fn a_list_of_several_pages_is_whole() {
    let dir = folder();
    let dir = dir.path();
    add(dir, "alice@example.org", "alice.pem");
    let database = rusqlite::Connection::open(dir.join("certificates.db")).unwrap();
    let more = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1499)
        INSERT INTO certificates
        SELECT host, 'user' || i, fingerprint, der, added, note FROM certificates, n";
    assert_eq!(database.execute(more, []).unwrap(), 1499);
    let out = registry(dir, &["list", "--json"], 0);
    let entries: Vec<Value> = serde_json::from_str(&out).unwrap();
    let mut jids: Vec<&str> = entries
        .iter()
        .map(|entry| entry["jid"].as_str().unwrap())
        .collect();
    jids.dedup();
    assert_eq!(jids.len(), 1500);
}

#[test]
fn a_backup_is_a_registry() {
    let dir = folder();
    let dir = dir.path();
    add(dir, "alice@example.org", "alice.pem");
    registry(dir, &["backup", "copy.db"], 0);
    registry(dir, &["remove", "alice@example.org"], 0);
    let out = run(dir, &["registry", "--registry", "copy.db", "list"], 0);
    assert!(out.contains("alice@example.org"), "{out}");
    assert!(registry(dir, &["backup", "copy.db"], UNUSABLE).contains("copy.db"));
    for file in ["certificates.db", "copy.db"] {
        let mode = fs::metadata(dir.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}
