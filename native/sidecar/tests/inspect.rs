//! `certjid inspect`.

mod common;

use std::fs;

use common::cli::{UNUSABLE, certjid, folder, openssl, run, write_der};
use serde_json::{Value, json};

#[test]
fn inspect_shows_every_name() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let made = [
        "dev-cert",
        "alice@localhost",
        "alice@example.org",
        "--cn",
        "Alice",
        "--p12",
    ];
    run(
        dir,
        &[&made[..], &["--p12-password", "se cret"]].concat(),
        0,
    );
    let out = run(dir, &["inspect", "alice.pem"], 0);
    for part in [
        "alice@localhost, alice@example.org",
        "Alice",
        "UTF8String",
        "EC P-256",
        "SHA-256",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let json = run(dir, &["inspect", "--json", "alice.pem"], 0);
    let one: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(one["common_name"], "Alice");
    assert_eq!(
        one["xmpp_addrs"],
        json!(["alice@localhost", "alice@example.org"])
    );
    assert_eq!(one["skipped"], json!([]));
    assert_eq!(one["version"], 3);
    assert!(one["not_before"].as_i64().unwrap() < one["not_after"].as_i64().unwrap());

    write_der(dir);
    let der: Value =
        serde_json::from_str(&run(dir, &["inspect", "--json", "alice.der"], 0)).unwrap();
    assert_eq!(der, one);
    let both = run(dir, &["inspect", "--json", "alice.der", "ca.pem"], 0);
    let both: Value = serde_json::from_str(&both).unwrap();
    assert_eq!(both[0], one);
    let ca = both[1]["common_name"].as_str().unwrap();
    assert!(ca.starts_with("certjid development CA "), "{ca}");

    // PKCS#12, made here and by openssl.
    fs::write(dir.join("password"), "se cret\n").unwrap();
    let from_p12 = |file| {
        let args = ["inspect", "--json", "--password-file", "password", file];
        serde_json::from_str::<Value>(&run(dir, &args, 0)).unwrap()
    };
    assert_eq!(from_p12("alice.p12"), one);
    let export = [
        "pkcs12",
        "-export",
        "-in",
        "alice.pem",
        "-inkey",
        "alice.key",
        "-certfile",
        "ca.pem",
    ];
    openssl(
        dir,
        &[&export[..], &["-out", "o.p12", "-passout", "pass:se cret"]].concat(),
    );
    assert_eq!(from_p12("o.p12")[0], one);
    openssl(
        dir,
        &[&export[..], &["-out", "e.p12", "-passout", "pass:"]].concat(),
    );
    assert_eq!(from_p12("e.p12")[0], one);
    fs::write(dir.join("password"), "wrong\n").unwrap();
    let args = ["inspect", "--password-file", "password", "alice.p12"];
    assert!(run(dir, &args, UNUSABLE).contains("the password is wrong"));
}

#[test]
fn a_pkcs12_file_of_an_old_cipher_is_not_told_as_a_wrong_password() {
    let dir = folder();
    let dir = dir.path();
    fs::write(dir.join("right"), "sesame\n").unwrap();
    fs::write(dir.join("wrong"), "simsim\n").unwrap();
    let inspect = |password| {
        let args = ["inspect", "--password-file", password, "old.p12"];
        run(dir, &args, UNUSABLE)
    };
    for (cipher, name) in [
        ("PBE-SHA1-RC2-128", "RC2 of 128 bits"),
        ("PBE-SHA1-RC4-128", "RC4 of 128 bits"),
        ("PBE-SHA1-RC4-40", "RC4 of 40 bits"),
        ("PBE-SHA1-2DES", "3DES of two keys"),
    ] {
        let export = "pkcs12 -export -legacy -in alice.pem -inkey alice.key -out old.p12 -passout \
                      pass:sesame -macalg sha1 -certpbe";
        openssl(
            dir,
            &export
                .split_whitespace()
                .chain([cipher])
                .collect::<Vec<_>>(),
        );
        let said = inspect("right");
        assert!(said.contains(name) && said.contains("-legacy"), "{said}");
        assert!(!said.contains("password"), "{said}");
        assert!(inspect("wrong").contains("the password is wrong"));
    }
}

#[test]
fn der_that_is_not_a_certificate_is_named() {
    let dir = folder();
    let dir = dir.path();
    openssl(
        dir,
        &"pkey -in alice.key -outform DER -out key.der"
            .split(' ')
            .collect::<Vec<_>>(),
    );
    let pkcs7 = "crl2pkcs7 -nocrl -certfile alice.pem -outform DER -out alice.p7b";
    openssl(dir, &pkcs7.split(' ').collect::<Vec<_>>());
    for (file, mentions) in [
        ("key.der", "a private key in DER"),
        ("alice.p7b", "PKCS#7 in DER"),
    ] {
        let said = run(dir, &["inspect", file], UNUSABLE);
        assert!(
            said.contains(mentions) && said.contains("openssl"),
            "{said}"
        );
    }
}

#[test]
fn inspect_names_what_is_refused() {
    let dir = folder();
    let dir = dir.path();
    fs::write(dir.join("garbage.der"), [0x30, 3, 2, 1, 0]).unwrap();
    for file in ["garbage.der", "alice.key", "none.pem"] {
        assert!(run(dir, &["inspect", file], UNUSABLE).contains(file));
    }
    let output = certjid(dir, &["inspect", "--json", "garbage.der", "alice.pem"]);
    assert_eq!(output.status.code(), Some(UNUSABLE));
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown[0]["xmpp_addrs"], json!(["alice@localhost"]));
}

#[test]
fn inspect_says_how_to_leave_version_1() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    openssl(
        dir,
        &[
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "k", "-out", "r", "-subj", "/CN=bob",
        ],
    );
    openssl(
        dir,
        &[
            "x509", "-req", "-in", "r", "-signkey", "k", "-out", "v1.pem",
        ],
    );
    let out = run(dir, &["inspect", "v1.pem"], 0);
    assert!(
        out.contains("1 (without extensions") && out.contains("-extfile"),
        "{out}"
    );
}
