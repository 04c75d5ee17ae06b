//! Every example of MongooseIM's tutorial "Client certificate authentication" logs in: its
//! configurations, which are files in `config/`, and its openssl recipe.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::cli::{ALLOWED, REFUSED, run, text};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with one of our configurations, and the CA and certificates that it names.
struct Example {
    dir: TempDir,
    config: &'static str,
}

impl Example {
    fn new(config: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = root().join("config").join(config);
        fs::copy(path, dir.path().join(config)).unwrap();
        let example = Self { dir, config };
        example.make(&["--server", "localhost"]);
        example
    }

    fn make(&self, args: &[&str]) {
        run(self.dir.path(), &[&["dev-cert"], args].concat(), 0);
    }

    fn check(&self, listener: &str, host: &str, cert: &str, more: &[&str], status: i32) -> Value {
        let args = [
            "check",
            "--json",
            "--config",
            self.config,
            "--listener",
            listener,
            "--host",
            host,
            "--cert",
            cert,
        ];
        let out = run(self.dir.path(), &[&args[..], more].concat(), status);
        serde_json::from_str(&out).unwrap()
    }

    /// A login that succeeds, where EXTERNAL is offered.
    fn logs_in(&self, listener: &str, cert: &str, jid: &str) -> Value {
        let (_, host) = jid.split_once('@').unwrap();
        let answer = self.check(listener, host, cert, &[], ALLOWED);
        assert_eq!(answer["jid"], jid, "{} {listener}", self.config);
        assert_eq!(answer["offer"]["external"], true, "{answer}");
        answer
    }

    /// The configuration has no fault.
    fn is_read(&self) {
        let out = run(self.dir.path(), &["config", "check", self.config], 0);
        assert!(out.contains(": no faults"), "{out}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn certificates_only() {
    let example = Example::new("documentation-pki.toml");
    example.is_read();
    example.make(&["alice@localhost"]);
    example.make(&["bob@localhost", "--self-signed"]);
    for listener in ["c2s", "http", "5222", "5285"] {
        let answer = example.logs_in(listener, "alice.pem", "alice@localhost");
        assert_eq!(answer["method"], "pki");
        assert_eq!(answer["source"], "xmppAddr");
        let answer = example.check(listener, "localhost", "bob.pem", &[], REFUSED);
        assert_eq!(answer["reason"], "selfsigned_peer", "{listener}");
    }
}

#[test]
fn the_authorization_identity_says_which_address() {
    let example = Example::new("documentation-pki.toml");
    example.make(&["alice@localhost", "admin@localhost"]);
    let answer = example.check("c2s", "localhost", "alice.pem", &[], REFUSED);
    assert_eq!(answer["reason"], "authzid_required");
    let as_admin = ["--authzid", "admin@localhost"];
    let answer = example.check("c2s", "localhost", "alice.pem", &as_admin, ALLOWED);
    assert_eq!(answer["jid"], "admin@localhost");
}

#[test]
fn a_certificate_or_a_password() {
    let example = Example::new("documentation-rdbms-pki.toml");
    example.is_read();
    example.make(&["alice@localhost"]);
    let answer = example.logs_in("c2s", "alice.pem", "alice@localhost");
    assert_eq!(answer["method"], "pki");
    let steps = answer["trail"].as_array().unwrap();
    assert!(
        steps.contains(&json!({
            "what": "rdbms", "outcome": "skipped", "message": "it can't serve EXTERNAL",
        })),
        "{answer}"
    );
}

#[test]
fn self_signed_certificates() {
    let example = Example::new("documentation-selfsigned.toml");
    example.is_read();
    example.make(&["alice@localhost", "--self-signed"]);
    example.make(&[
        "bob@localhost",
        "--cn",
        "bob",
        "--no-xmpp-addr",
        "--self-signed",
    ]);
    for listener in ["c2s", "http"] {
        let answer = example.logs_in(listener, "alice.pem", "alice@localhost");
        assert_eq!(answer["source"], "xmppAddr");
        let answer = example.logs_in(listener, "bob.pem", "bob@localhost");
        assert_eq!(answer["source"], "common_name");
    }
    // As openssl makes them, which is as a CA.
    common::cli::openssl(
        example.dir.path(),
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "k.pem",
            "-out",
            "carol.pem",
            "-subj",
            "/CN=carol",
        ],
    );
    example.logs_in("c2s", "carol.pem", "carol@localhost");
}

#[test]
fn our_own_configuration() {
    let example = Example::new("mongooseim.toml");
    example.is_read();
    example.make(&["alice@localhost"]);
    example.make(&["bob@localhost", "--cn", "bob", "--no-xmpp-addr"]);
    for listener in ["c2s", "http"] {
        example.logs_in(listener, "alice.pem", "alice@localhost");
        example.logs_in(listener, "bob.pem", "bob@localhost");
    }
}

#[test]
fn a_production_configuration() {
    let example = Example::new("production.toml");
    example.is_read();
    // What `pki` accepts; staff are looked up in LDAP, which is not here.
    example.make(&["alice@customer.example"]);
    example.make(&["1234@devices.example.com", "--cn", "1234", "--no-xmpp-addr"]);
    for listener in ["5222", "5223", "5285"] {
        let customer = ["--host-type", "customers"];
        let host = "customer.example";
        let answer = example.check(listener, host, "alice.pem", &customer, ALLOWED);
        assert_eq!(answer["jid"], "alice@customer.example");
        let answer = example.check(listener, host, "alice.pem", &[], REFUSED);
        assert_eq!(answer["reason"], "host_unknown");
        let host = "devices.example.com";
        let answer = example.check(listener, host, "1234.pem", &[], ALLOWED);
        assert_eq!(answer["jid"], "device-1234@devices.example.com");
    }
}

/// Follows the recipe, for alice.
fn recipe() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let made = Command::new("sh")
        .arg(root().join("test/seed-recipe.sh"))
        .arg(dir.path())
        .args(["alice", "se cret"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    fs::write(dir.path().join("password"), "se cret\n").unwrap();
    dir
}

#[test]
fn the_openssl_recipe() {
    let dir = recipe();
    let dir = dir.path();
    let out = run(dir, &["inspect", "client.crt"], 0);
    assert!(
        out.contains("1 (without extensions, so without xmppAddr; for version 3 give"),
        "{out}"
    );
    let inspect = |args: &[&str]| -> Value {
        let args = [&["inspect", "--json"], args].concat();
        serde_json::from_str(&run(dir, &args, 0)).unwrap()
    };
    let shown = inspect(&["client.crt"]);
    assert_eq!(shown["version"], 1);
    assert_eq!(shown["common_name"], "alice");
    assert_eq!(shown["xmpp_addrs"], json!([]));
    let from_p12 = inspect(&["--password-file", "password", "client.p12"]);
    assert_eq!(from_p12, shown);

    // The first example of the documentation, with the CA of its recipe, and the option by which
    // "the cn field might be used".
    let config = fs::read_to_string(root().join("config/documentation-pki.toml")).unwrap();
    let config = config.replace("\"ca.pem\"", "\"rootCA.crt\"");
    fs::write(dir.join("default.toml"), &config).unwrap();
    let by_cn = format!("{config}\n  sasl_external = [\"standard\", \"common_name\"]\n");
    fs::write(dir.join("mongooseim.toml"), by_cn).unwrap();
    let check = |config, more: &[&str], status| -> Value {
        let args = ["check", "--json", "--config", config, "--host", "localhost"];
        serde_json::from_str(&run(dir, &[&args, more].concat(), status)).unwrap()
    };
    for cert in [
        &["--cert", "client.crt"][..],
        &["--cert", "client.p12", "--password-file", "password"],
    ] {
        for listener in ["c2s", "http"] {
            let login = [cert, &["--listener", listener]].concat();
            let answer = check("mongooseim.toml", &login, ALLOWED);
            assert_eq!(answer["jid"], "alice@localhost");
            assert_eq!(answer["source"], "common_name");
            assert_eq!(answer["fingerprint"], shown["fingerprint"]);
            let own = [&login[..], &["--authzid", "alice@localhost"]].concat();
            assert_eq!(
                check("mongooseim.toml", &own, ALLOWED)["jid"],
                "alice@localhost"
            );
            let other = [&login[..], &["--authzid", "bob@localhost"]].concat();
            assert_eq!(
                check("mongooseim.toml", &other, REFUSED)["reason"],
                "authzid_mismatch"
            );
            // Without the option the common name does not count.
            let answer = check("default.toml", &login, REFUSED);
            assert_eq!(answer["reason"], "no_xmpp_addr");
        }
    }
}
