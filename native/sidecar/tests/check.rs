//! `certjid check`, `config check`, `completions` and `man`.

mod common;

use std::fs;
use std::process::Command;

use common::CONFIG;
use common::cli::{ALLOWED, REFUSED, UNUSABLE, folder, run};
use serde_json::Value;

const CHECK: [&str; 5] = [
    "check",
    "--config",
    "mongooseim.toml",
    "--host",
    "localhost",
];

/// Asks a sidecar that is not there.
const NO_SOCKET: [&str; 7] = [
    "check",
    "--socket",
    "no.sock",
    "--host",
    "localhost",
    "--cert",
    "alice.pem",
];

fn check<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&CHECK, more].concat()
}

#[test]
fn check_says_why() {
    let dir = folder();
    let dir = dir.path();
    let out = run(dir, &check(&["--cert", "alice.pem"]), ALLOWED);
    assert!(out.contains("ALLOWED as alice@localhost"), "{out}");
    assert!(out.contains("EXTERNAL is offered"), "{out}");
    assert!(out.contains("standard"), "{out}");
    assert!(
        !out.contains('\u{1b}'),
        "no colour where there is no terminal"
    );

    let asked = check(&["--cert", "alice.pem", "--authzid", "bob@localhost"]);
    let out = run(dir, &asked, REFUSED);
    assert!(out.contains("REFUSED with invalid-authzid"), "{out}");
    let asked = check(&["--cert", "alice.pem", "--initial-response", "YQ"]);
    assert!(run(dir, &asked, REFUSED).contains("incorrect-encoding"));
    run(
        dir,
        &check(&["--cert", "alice.pem", "--initial-response", "="]),
        ALLOWED,
    );
    run(
        dir,
        &check(&["--cert", "alice.pem", "--listener", "5222"]),
        ALLOWED,
    );

    let out = run(
        dir,
        &check(&["--cert", "alice.pem", "--time", "2001-01-01T00:00:00Z"]),
        REFUSED,
    );
    assert!(out.contains("not-authorized"), "{out}");
    let late = check(&["--cert", "alice.pem", "--time", "4102444800", "--json"]);
    let reply: Value = serde_json::from_str(&run(dir, &late, REFUSED)).unwrap();
    assert_eq!(reply["reason"], "cert_expired");

    let json = run(dir, &check(&["--cert", "alice.pem", "--json"]), ALLOWED);
    let reply: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(reply["jid"], "alice@localhost");
    assert_eq!(reply["offer"]["external"], true);
    assert_eq!(reply["fingerprint"].as_str().unwrap().len(), 64);
}

#[test]
fn check_hints_at_the_end_of_validity() {
    let dir = folder();
    let dir = dir.path();
    run(dir, &["dev-cert", "bob@localhost", "--days", "12"], 0);
    let out = run(dir, &check(&["--cert", "bob.pem"]), ALLOWED);
    assert!(
        out.contains("it expires in 1") && out.contains(" days"),
        "{out}"
    );
    assert!(!run(dir, &check(&["--cert", "alice.pem"]), ALLOWED).contains("expires"));
}

#[test]
fn check_refuses_to_guess() {
    let dir = folder();
    let dir = dir.path();
    fs::write(dir.join("garbage.der"), [0x30, 3, 2, 1]).unwrap();
    fs::write(dir.join("bad.toml"), "[auth]\nmethods = 7\n").unwrap();
    for (args, named) in [
        (check(&["--cert", "nobody.pem"]), "nobody.pem"),
        (check(&["--cert", "mongooseim.toml"]), "mongooseim.toml"),
        (check(&["--cert", "garbage.der"]), "garbage.der"),
        (check(&["--cert", "alice.key"]), "CERTIFICATE"),
        (check(&["--cert", "alice.pem", "--listener", "s2s"]), "s2s"),
        (
            check(&["--cert", "alice.pem", "--listener", "5223"]),
            "5222",
        ),
        (check(&["--cert", "alice.pem", "--time", "noon"]), "noon"),
        (
            check(&[
                "--cert",
                "alice.pem",
                "--authzid",
                "a",
                "--initial-response",
                "=",
            ]),
            "--authzid",
        ),
        (
            vec![
                "check",
                "--config",
                "bad.toml",
                "--host",
                "localhost",
                "--cert",
                "alice.pem",
            ],
            "methods",
        ),
        (
            vec![
                "check",
                "--config",
                "no.toml",
                "--host",
                "localhost",
                "--cert",
                "alice.pem",
            ],
            "no.toml",
        ),
        (NO_SOCKET.to_vec(), "no.sock"),
        (
            vec!["check", "--host", "localhost", "--cert", "alice.pem"],
            "--config",
        ),
    ] {
        let err = run(dir, &args, UNUSABLE);
        assert!(err.contains(named), "{args:?}: {err}");
    }
}

#[test]
fn config_check_lists_faults_and_warnings() {
    let dir = folder();
    let dir = dir.path();
    assert!(run(dir, &["config", "check", "mongooseim.toml"], 0).contains("no faults"));
    let broken = CONFIG
        .replace("\"peer\"", "\"pear\"")
        .replace("[\"pki\"]", "[\"pkj\"]");
    fs::write(dir.join("broken.toml"), broken).unwrap();
    let err = run(dir, &["config", "check", "broken.toml"], UNUSABLE);
    assert!(
        err.contains("broken.toml:") && err.contains("verify_mode") && err.contains("methods"),
        "{err}"
    );
    let risky = CONFIG.replace("\"standard\"", "\"auth_id\"");
    fs::write(dir.join("risky.toml"), risky).unwrap();
    assert!(run(dir, &["config", "check", "risky.toml"], 0).contains("auth_id"));
    run(dir, &["config", "check", "--strict", "risky.toml"], REFUSED);

    // What is a fault to `serve` is one here.
    let pool = "[outgoing_pools.http.auth.connection]\nhost = \"https://localhost\"\n";
    let asks = CONFIG
        .replace("methods = [\"pki\"]", "methods = [\"http\"]")
        .replace("[auth.pki]", "[auth.http]");
    for (option, named) in [
        ("tls.versions = [\"tlsv1.1\"]", "versions"),
        ("path_prefix = \"no slash\"", "path_prefix"),
        (
            "tls.cacertfile = \"mongooseim.toml\"",
            "no CERTIFICATE block",
        ),
        ("tls.crl_files = [\"mongooseim.toml\"]", "no X509 CRL block"),
    ] {
        // Where no method asks the pool, it is a warning.
        fs::write(dir.join("idle.toml"), format!("{CONFIG}\n{pool}{option}\n")).unwrap();
        let out = run(dir, &["config", "check", "idle.toml"], 0);
        assert!(
            out.contains(named) && out.contains("no login asks"),
            "{out}"
        );
        fs::write(dir.join("pool.toml"), format!("{asks}\n{pool}{option}\n")).unwrap();
        let err = run(dir, &["config", "check", "pool.toml"], UNUSABLE);
        assert!(
            err.contains(named) && err.contains("outgoing_pools.http.auth"),
            "{err}"
        );
        let serve = ["serve", "--config", "pool.toml", "--socket", "pool.sock"];
        let told = run(dir, &serve, UNUSABLE);
        assert!(told.contains(named), "{told}");
    }
}

#[test]
fn the_environment_of_the_service_does_not_matter_to_a_socket() {
    let dir = folder();
    let output = Command::new(env!("CARGO_BIN_EXE_certjid"))
        .args(NO_SOCKET)
        .current_dir(dir.path())
        .env("CERTJID_STALE_CRL", "refuse")
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("no.sock") && !err.contains("stale"), "{err}");
}

#[test]
fn completions_and_manual() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(dir.path(), &["completions", shell], 0).contains("dev-cert"));
    }
    let page = run(dir.path(), &["man"], 0);
    assert!(
        page.starts_with(".ie") || page.contains(".TH certjid"),
        "{page}"
    );
    assert!(page.contains("CONFIG CHECK") && page.contains("socket"));
}
