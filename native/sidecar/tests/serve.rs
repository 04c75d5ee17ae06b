//! `certjid serve`: its options, its signals, its log.

mod common;

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use common::cli::{ALLOWED, CHECK, REFUSED, UNUSABLE, certjid, folder, run, text};
use common::serving::Serving;
use common::{CONFIG, Connection, Site, wait_for_socket, wait_until};
use serde_json::{Value, json};

#[test]
fn serve_reloads_on_sighup_and_ends_on_sigterm() {
    let dir = folder();
    let dir = dir.path();
    fs::write(
        dir.join("certjid.toml"),
        "config = \"mongooseim.toml\"\nsocket = \"not.this\"\n",
    )
    .unwrap();
    let args = [
        "--settings",
        "certjid.toml",
        "--socket",
        "sock",
        "--socket-mode",
        "0600",
    ];
    let mut serving = Serving::start(dir, &args);
    let socket = dir.join("sock");
    wait_for_socket(&socket);
    assert_eq!(
        fs::metadata(&socket).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let out = run(dir, &CHECK, ALLOWED);
    assert!(
        out.contains("ALLOWED as alice@localhost") && out.contains("EXTERNAL is offered"),
        "{out}"
    );
    run(
        dir,
        &[&CHECK[..], &["--authzid", "bob@localhost", "--json"]].concat(),
        REFUSED,
    );

    let second = certjid(
        dir,
        &["serve", "--config", "mongooseim.toml", "--socket", "sock"],
    );
    assert_eq!(second.status.code(), Some(UNUSABLE));
    assert!(text(&second.stderr).contains("another process listens"));

    let reload_error =
        || Connection::open(&socket).ask(&json!({ "request": "status" }))["reload_error"].clone();
    fs::write(dir.join("mongooseim.toml"), "[").unwrap();
    serving.signal("HUP");
    wait_until("the broken file is seen", || reload_error().is_string());
    run(dir, &CHECK, ALLOWED);
    fs::write(
        dir.join("mongooseim.toml"),
        CONFIG.replace("localhost", "example.org"),
    )
    .unwrap();
    serving.signal("HUP");
    wait_until("the good file is seen", || reload_error().is_null());
    run(dir, &CHECK, REFUSED);

    serving.signal("TERM");
    assert!(serving.child.wait().unwrap().success());
    assert!(!socket.exists());
    let log: Vec<String> = serving.log.iter().collect();
    let logins: Vec<Value> = log
        .iter()
        .filter(|line| line.contains("\"login "))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(logins.len(), 4, "{log:?}");
    assert_eq!(logins[0]["allowed"], true);
    assert_eq!(logins[0]["fingerprint"].as_str().unwrap().len(), 64);
    assert_eq!(logins[1]["condition"], "invalid-authzid");
}

#[test]
fn serve_takes_the_socket_that_systemd_passes() {
    let dir = folder();
    let dir = dir.path();
    let listener = UnixListener::bind(dir.join("passed")).unwrap();
    // The listener is standard input, which the shell makes descriptor 3.
    let script = "exec 3<&0; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" serve --config mongooseim.toml";
    let child = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_certjid")])
        .current_dir(dir)
        .stdin(OwnedFd::from(listener))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut serving = Serving {
        child,
        log: mpsc::channel().1,
    };
    let asked = [
        "check",
        "--socket",
        "passed",
        "--host",
        "localhost",
        "--cert",
        "alice.pem",
    ];
    assert!(run(dir, &asked, ALLOWED).contains("ALLOWED"));
    serving.signal("TERM");
    assert!(serving.child.wait().unwrap().success());
    assert!(dir.join("passed").exists(), "the socket is systemd's");
}

#[test]
fn serve_names_what_it_cannot_begin_with() {
    let site = Site::new();
    let dir = site.dir.path();
    let serve = |args: &[&str]| run(dir, &[&["serve"], args].concat(), UNUSABLE);
    let config = ["--config", "mongooseim.toml", "--socket", "sock"];
    assert!(serve(&[]).contains("--config"));
    assert!(serve(&config[..2]).contains("--socket"));
    assert!(serve(&["--config", "none.toml", "--socket", "sock"]).contains("none.toml"));
    assert!(serve(&[&config[..], &["--socket-mode", "rw"]].concat()).contains("socket-mode"));
    assert!(serve(&[&config[..], &["--socket-owner", "no such"]].concat()).contains("no such"));
    assert!(serve(&[&config[..], &["--settings", "ca.pem"]].concat()).contains("ca.pem"));
    assert!(serve(&["--config", "mongooseim.toml", "--socket", "no/sock"]).contains("no/sock"));
    let long = "x".repeat(200);
    assert!(serve(&["--config", "mongooseim.toml", "--socket", &long]).contains("xxx"));
}
