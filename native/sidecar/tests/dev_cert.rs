//! `certjid dev-cert`, as openssl sees it.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::cli::{UNUSABLE, folder, openssl, run};
use serde_json::{Value, json};

#[test]
fn dev_cert_makes_what_openssl_takes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let out = run(
        dir,
        &[
            "dev-cert",
            "alice@localhost",
            "--server",
            "localhost",
            "--p12",
        ],
        0,
    );
    for file in [
        "ca.pem",
        "ca.key",
        "alice.pem",
        "alice.key",
        "alice.p12",
        "server.pem",
        "server.key",
    ] {
        assert!(out.contains(file), "{file}: {out}");
        let mode = fs::metadata(dir.join(file)).unwrap().permissions().mode() & 0o777;
        let is_secret = file.ends_with(".key") || file.ends_with(".p12");
        assert_eq!(mode, if is_secret { 0o600 } else { 0o644 }, "{file}");
    }
    openssl(
        dir,
        &[
            "verify",
            "-CAfile",
            "ca.pem",
            "-purpose",
            "sslclient",
            "-x509_strict",
            "alice.pem",
        ],
    );
    openssl(
        dir,
        &[
            "verify",
            "-CAfile",
            "ca.pem",
            "-purpose",
            "sslserver",
            "-x509_strict",
            "server.pem",
        ],
    );
    let names = openssl(
        dir,
        &[
            "x509",
            "-in",
            "server.pem",
            "-noout",
            "-ext",
            "subjectAltName",
        ],
    );
    assert!(
        names.contains("DNS:localhost") && names.contains("127.0.0.1"),
        "{names}"
    );
    let inside = openssl(
        dir,
        &["pkcs12", "-in", "alice.p12", "-passin", "pass:", "-nodes"],
    );
    assert!(inside.contains("BEGIN CERTIFICATE") && inside.contains("PRIVATE KEY"));
    openssl(dir, &["pkey", "-in", "alice.key", "-noout"]);
}

#[test]
fn dev_cert_overwrites_nothing() {
    let dir = folder();
    let dir = dir.path();
    let ca = fs::read(dir.join("ca.pem")).unwrap();
    let alice = fs::read(dir.join("alice.pem")).unwrap();
    assert!(run(dir, &["dev-cert", "alice@localhost"], UNUSABLE).contains("--force"));
    assert_eq!(fs::read(dir.join("alice.pem")).unwrap(), alice);
    run(dir, &["dev-cert", "alice@localhost", "--force"], 0);
    assert_ne!(fs::read(dir.join("alice.pem")).unwrap(), alice);
    run(dir, &["dev-cert", "ca@localhost"], 0);
    assert!(dir.join("ca-client.pem").exists());
    assert_eq!(fs::read(dir.join("ca.pem")).unwrap(), ca);
    for jid in ["a b@localhost", "@localhost", "alice@localhost/phone", ""] {
        run(dir, &["dev-cert", jid], UNUSABLE);
    }
    run(dir, &["dev-cert"], UNUSABLE);
    run(
        dir,
        &["dev-cert", "bob@localhost", "--no-xmpp-addr"],
        UNUSABLE,
    );
    fs::remove_file(dir.join("ca.key")).unwrap();
    assert!(run(dir, &["dev-cert", "bob@localhost"], UNUSABLE).contains("ca.key"));
    assert!(!dir.join("bob.pem").exists());
}

#[test]
fn dev_cert_makes_the_other_kinds() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let inspect =
        |file| serde_json::from_str::<Value>(&run(dir, &["inspect", "--json", file], 0)).unwrap();
    run(
        dir,
        &["dev-cert", "bob@localhost", "--cn", "bob", "--no-xmpp-addr"],
        0,
    );
    let bob = inspect("bob.pem");
    assert_eq!(
        (&bob["common_name"], &bob["xmpp_addrs"]),
        (&json!("bob"), &json!([]))
    );
    run(
        dir,
        &[
            "dev-cert",
            "carol@localhost",
            "--self-signed",
            "--dir",
            "own",
        ],
        0,
    );
    let carol = inspect("own/carol.pem");
    assert_eq!(carol["issuer"], carol["subject"]);
    assert!(!dir.join("own/ca.pem").exists());
    openssl(
        dir,
        &["verify", "-CAfile", "own/carol.pem", "own/carol.pem"],
    );
}
