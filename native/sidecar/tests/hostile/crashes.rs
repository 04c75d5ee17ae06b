//! The sidecar is killed in the middle of everything, and started again.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::common::{Connection, Site, wait_until};
use crate::process::Process;
use crate::{login, times};

#[test]
fn clients_find_it_again_after_each_kill() {
    let site = Site::new();
    let dir = site.dir.path();
    let alice = site.client(&["alice@localhost"]);
    let stranger = Site::new().client(&["alice@localhost"]);
    for round in 0..times("CERTJID_HOSTILE_KILLS", 6) {
        // The socket of the one before is still there.
        assert_eq!(dir.join("sock").exists(), round > 0);
        let sidecar = Process::start(dir, "", &[]);
        let answered = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let connection = sidecar.connect();
                let (alice, stranger) = (alice.clone(), stranger.clone());
                let answered = Arc::clone(&answered);
                thread::spawn(move || ask_until_it_dies(connection, &alice, &stranger, &answered))
            })
            .collect();
        wait_until("logins go on", || {
            answered.load(Ordering::Relaxed) > 100 + 37 * round
        });
        sidecar.kill();
        for client in clients {
            client.join().unwrap();
        }
    }
}

/// Every reply is right; none comes after the death.
fn ask_until_it_dies(
    mut connection: Connection,
    alice: &[u8],
    stranger: &[u8],
    answered: &AtomicUsize,
) {
    connection
        .0
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    for id in 0.. {
        let right = id % 2 == 0;
        let request = login(id, if right { alice } else { stranger }).to_string();
        let Ok(reply) = ask(&mut connection, &request) else {
            return;
        };
        let reply: Value = serde_json::from_slice(&reply).unwrap();
        assert_eq!(reply["id"], id);
        assert_eq!(reply["allowed"], right, "{reply}");
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// A whole reply; one that is cut short is none.
fn ask(connection: &mut Connection, request: &str) -> io::Result<Vec<u8>> {
    let mut frame = u32::try_from(request.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(request.bytes());
    connection.0.write_all(&frame)?;
    let mut header = [0; 4];
    connection.0.read_exact(&mut header)?;
    let mut payload = vec![0; u32::from_be_bytes(header) as usize];
    connection.0.read_exact(&mut payload)?;
    Ok(payload)
}

#[test]
fn a_start_that_was_cut_short_leaves_nothing_in_the_way() {
    let site = Site::new();
    let dir = site.dir.path();
    // The socket under its first name, and one that nobody listens at: of processes that are gone,
    // for a socket of this one may live on for a moment in a child of another test.
    Process::start(dir, "", &[]).kill();
    fs::rename(dir.join("sock"), dir.join("first")).unwrap();
    Process::start(dir, "", &[]).kill();
    fs::rename(dir.join("first"), dir.join("sock~")).unwrap();
    let sidecar = Process::start(dir, "", &[]);
    let der = site.client(&["alice@localhost"]);
    assert_eq!(sidecar.connect().ask(&login(1, &der))["allowed"], true);
    assert!(!dir.join("sock~").exists());
}
