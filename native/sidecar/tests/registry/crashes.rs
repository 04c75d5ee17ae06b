//! Writers that are killed, and writers that write at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use certjid_sidecar::issue::{Client, self_signed};
use serde_json::Value;

use crate::registry_in;

#[test]
fn processes_that_add_at_once_lose_nothing() {
    processes_that_add_at_once_lose_nothing_in("certificates.db");
}

/// Also with a registry in PostgreSQL.
pub fn processes_that_add_at_once_lose_nothing_in(place: &str) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let names = certificates(dir, 32);
    // The registry is made by them too, which all of them try.
    thread::scope(|scope| {
        for names in names.chunks(8) {
            scope.spawn(move || {
                for name in names {
                    assert!(
                        start_add(dir, place, name).wait().unwrap().success(),
                        "{name}"
                    );
                }
            });
        }
    });
    assert_eq!(known(dir, place), names.into_iter().collect());
}

#[test]
fn a_writer_that_is_killed_leaves_a_sound_registry() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let names = certificates(dir, 60);
    let (mut added, mut killed) = (BTreeSet::new(), 0);
    for (i, name) in names.iter().enumerate() {
        let mut child = start_add(dir, FILE, name);
        thread::sleep(Duration::from_micros(700 * (i as u64 % 40)));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            added.insert(name.clone());
        } else {
            killed += 1;
        }
    }
    assert!(killed > 0);
    // One more, so that there is a registry even where all were killed early.
    let last = &names[0];
    assert!(start_add(dir, FILE, last).wait().unwrap().success());
    added.insert(last.clone());

    let known = known(dir, FILE);
    assert!(added.is_subset(&known), "{added:?} {known:?}");
    assert_sound(dir);
}

fn assert_sound(dir: &Path) {
    let database = rusqlite::Connection::open(dir.join(FILE)).unwrap();
    let sound: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

/// A file that can't grow is what a full disk is to a writer.
#[test]
fn a_full_disk_refuses_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let names = certificates(dir, 120);
    let mut added = BTreeSet::new();
    let full = names.iter().find(|name| {
        let out = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 160; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_certjid"))
            .args(["registry", "--registry", FILE, "add"])
            .arg(format!("{name}@example.org"))
            .args(["--cert", &format!("{name}.pem")])
            .current_dir(dir)
            .output()
            .unwrap();
        if out.status.success() {
            added.insert((*name).clone());
            return false;
        }
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(said.contains(FILE), "{said}");
        true
    });
    let full = full.expect("80 KiB are not enough for 120 certificates");
    assert!(added.len() > 1, "{added:?}");
    // Logins go on by what is known, and so does the registry once there is room.
    assert_eq!(known(dir, FILE), added);
    assert!(start_add(dir, FILE, full).wait().unwrap().success());
    added.insert(full.clone());
    assert_eq!(known(dir, FILE), added);
    assert_sound(dir);
}

/// Files NAME.pem, and their names.
fn certificates(dir: &Path, count: usize) -> Vec<String> {
    let make = |i| {
        let name = format!("user{i:02}");
        let client = Client {
            xmpp_addrs: vec![format!("{name}@example.org")],
            days: 30,
            ..Client::default()
        };
        let pem = self_signed(&client).unwrap().certificate.pem();
        fs::write(dir.join(format!("{name}.pem")), pem).unwrap();
        name
    };
    (0..count).map(make).collect()
}

fn start_add(dir: &Path, place: &str, name: &str) -> std::process::Child {
    let (jid, cert) = (format!("{name}@example.org"), format!("{name}.pem"));
    Command::new(env!("CARGO_BIN_EXE_certjid"))
        .args(["registry", "--registry", place, "add", &jid])
        .args(["--cert", &cert])
        .current_dir(dir)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn known(dir: &Path, place: &str) -> BTreeSet<String> {
    let out = registry_in(dir, place, &["list", "--json"], 0);
    let entries: Vec<Value> = serde_json::from_str(&out).unwrap();
    let name = |entry: &Value| {
        let jid = entry["jid"].as_str().unwrap();
        jid.strip_suffix("@example.org").unwrap().to_owned()
    };
    entries.iter().map(name).collect()
}

const FILE: &str = "certificates.db";
