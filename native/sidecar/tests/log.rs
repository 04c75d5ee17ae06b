//! The log: each line can be parsed and is bounded, whatever is asked, and its fields are those of
//! docs/operator.md.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_sidecar::MAX_LINE;
use common::cli::{ALLOWED, CHECK, REFUSED, folder, run};
use common::serving::Serving;
use common::{Connection, Site, ending_with_us, signal, wait_for_socket};
use serde_json::{Value, json};

/// Everything of a login that others choose, in the greatest length that a frame has room for.
fn ask_with_noise(connection: &mut Connection, site: &Site) {
    let names: Vec<String> = (0..60)
        .map(|number| format!("{}{number}@localhost", "\\".repeat(900)))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let chains = [
        site.client(&["alice@localhost"]),
        site.client(&names),
        site.client(&names[..1]),
        site.client(&["\u{1b}[2J\"\n@localhost", "\u{202e}@localhost"]),
    ];
    for der in &chains {
        for noise in ["\u{1}", "\"\\", "\u{e0001}", "ż"] {
            let noise = noise.repeat(20_000 / noise.len());
            for field in [
                "none",
                "authzid",
                "initial_response",
                "host",
                "listener",
                "request",
            ] {
                let mut request = json!({
                    "request": "authenticate", "listener": "c2s", "host": "localhost",
                    "chain": [STANDARD.encode(der)],
                });
                if field != "none" {
                    request[field] = json!(noise);
                }
                connection.ask(&request);
            }
        }
    }
}

fn busy_log(format: &str) -> Vec<String> {
    let site = Site::new();
    let mut child = ending_with_us(env!("CARGO_BIN_EXE_certjid"))
        .args(["serve", "--config", "mongooseim.toml", "--socket", "sock"])
        .args(["--log-refusals", "1000000", "--log-format", format])
        .current_dir(site.dir.path())
        .stderr(File::create(site.path("log")).unwrap())
        .spawn()
        .unwrap();
    let socket = site.path("sock");
    wait_for_socket(&socket);
    ask_with_noise(&mut Connection::open(&socket), &site);
    let noise = "\u{1b}\u{1}\"\\".repeat(10_000);
    fs::write(
        site.config(),
        format!("{noise:?} = 1\n[[listen.c2s]]\n{noise:?} = 2\n"),
    )
    .unwrap();
    signal(child.id(), "HUP");
    let reload_error =
        || Connection::open(&socket).ask(&json!({ "request": "status" }))["reload_error"].clone();
    common::wait_until("the broken file is seen", || reload_error().is_string());
    signal(child.id(), "TERM");
    assert!(child.wait().unwrap().success());
    let log = fs::read_to_string(site.path("log")).unwrap();
    assert!(log.ends_with('\n'));
    let lines: Vec<String> = log.lines().map(str::to_owned).collect();
    assert!(lines.len() > 90, "{}", lines.len());
    for line in &lines {
        assert!(line.len() <= MAX_LINE, "{} bytes: {line}", line.len());
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    lines
}

#[test]
fn each_line_of_a_busy_run_is_an_object_with_the_documented_fields() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operator.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, table) = page.split_once("## The log").unwrap();
    let documented: BTreeMap<&str, &str> = table
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let (names, kind) = (cells.next().unwrap(), cells.next().unwrap());
            names
                .split(", ")
                .map(move |name| (name.trim_matches('`'), kind))
        })
        .collect();
    assert!(documented.len() > 12, "{documented:?}");
    let mut seen = BTreeSet::new();
    for line in busy_log("json") {
        let line: BTreeMap<String, Value> = serde_json::from_str(&line).unwrap();
        for (name, value) in &line {
            let is_of_kind = match documented.get(name.as_str()) {
                Some(&"string") => value.is_string(),
                Some(&"number") => value.is_number(),
                Some(&"boolean") => value.is_boolean(),
                kind => panic!("{name} is documented as {kind:?}"),
            };
            assert!(is_of_kind, "{name}: {value}");
            seen.insert(name.clone());
        }
    }
    for name in [
        "allowed",
        "cause",
        "fingerprint",
        "host",
        "jid",
        "micros",
        "notes",
        "reason",
    ] {
        assert!(seen.contains(name), "{seen:?}");
    }
}

#[test]
fn each_line_of_text_is_bounded() {
    for line in busy_log("text") {
        assert!(line.contains(" INFO ") || line.contains(" WARN ") || line.contains(" ERROR "));
    }
}

/// What a script that reads the log looks for.
#[test]
fn values_are_plain_and_messages_read_by_themselves() {
    let dir = folder();
    let serving = Serving::with(dir.path(), "mongooseim.toml");
    let started = serving.logged("serving");
    assert_eq!(started["config"], "mongooseim.toml");
    run(dir.path(), &CHECK, ALLOWED);
    let allowed = serving.logged("login allowed");
    assert_eq!(allowed["message"], "login allowed: alice@localhost");
    for (name, value) in [
        ("host", "localhost"),
        ("jid", "alice@localhost"),
        ("listener", "c2s"),
    ] {
        assert_eq!(allowed[name], value);
    }
    assert_eq!(allowed["allowed"], true);
    run(
        dir.path(),
        &[&CHECK[..], &["--authzid", "bob@localhost"]].concat(),
        REFUSED,
    );
    let refused = serving.logged("login refused");
    assert_eq!(
        refused["message"],
        "login refused: alice@localhost: authzid_mismatch"
    );
    assert_eq!(refused["allowed"], false);
    assert!(refused["cause"].as_str().unwrap().contains("bob@localhost"));
}

/// As systemd starts it: standard error is a stream to the journal.
#[test]
fn text_for_the_journal_has_priorities_and_no_time() {
    let dir = folder();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let theirs = File::from(std::os::fd::OwnedFd::from(theirs));
    let stream = theirs.metadata().unwrap();
    let mut child = ending_with_us(env!("CARGO_BIN_EXE_certjid"))
        .args(["serve", "--config", "mongooseim.toml", "--socket", "sock"])
        .args(["--log-format", "text"])
        .current_dir(dir.path())
        .env(
            "JOURNAL_STREAM",
            format!("{}:{}", stream.dev(), stream.ino()),
        )
        .stderr(Stdio::from(theirs))
        .spawn()
        .unwrap();
    wait_for_socket(&dir.path().join("sock"));
    run(dir.path(), &CHECK, ALLOWED);
    broken_reload(dir.path(), child.id());
    signal(child.id(), "TERM");
    assert!(child.wait().unwrap().success());
    let mut log = String::new();
    (&ours).read_to_string(&mut log).unwrap();
    for begin in ["<5>", "<3>"] {
        assert!(log.lines().any(|line| line.starts_with(begin)), "{log}");
    }
    for line in log.lines() {
        let (priority, rest) = line.split_at(3);
        assert!(["<3>", "<4>", "<5>"].contains(&priority), "{line}");
        assert!(!rest.contains("Z "), "{line}");
    }
    assert!(log.contains("login allowed: alice@localhost"), "{log}");
}

fn broken_reload(dir: &Path, process: u32) {
    fs::write(dir.join("mongooseim.toml"), "[").unwrap();
    signal(process, "HUP");
    let socket = dir.join("sock");
    common::wait_until("the broken file is seen", || {
        Connection::open(&socket).ask(&json!({ "request": "status" }))["reload_error"].is_string()
    });
}
