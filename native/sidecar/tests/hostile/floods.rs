//! Clients that come in crowds and want nothing, or only half of something.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{Connection, Site};
use crate::process::Process;
use crate::{login, times};

/// A million with CERTJID_HOSTILE_CONNECTIONS=1000000.
#[test]
fn connections_come_and_go_and_leave_nothing() {
    let site = Site::new();
    let sidecar = Process::start(site.dir.path(), "", &[]);
    let der = site.client(&["alice@localhost"]);
    let mut live = sidecar.connect();
    let flood = |live: &mut Connection, count: usize| {
        for number in 0..count {
            let mut guest = sidecar.connect();
            // Closed at once; after half a frame; after a request whose reply nobody reads.
            let _ = match number % 4 {
                0 => Ok(()),
                1 => guest.0.write_all(&[0, 0]),
                2 => guest.0.write_all(b"\0\0\0\x20{\"id\":"),
                _ => guest.0.write_all(b"\0\0\0\x14{\"request\":\"status\"}"),
            };
            drop(guest);
            if number % 100 == 0 {
                let reply = answered(&sidecar, live, &login(number, &der));
                assert_eq!(reply["allowed"], true, "{reply}");
            }
        }
    };
    flood(&mut live, 1000);
    settle(&sidecar, &mut live, 1);
    let (descriptors, resident) = (sidecar.descriptors(), sidecar.resident());
    flood(&mut live, times("CERTJID_HOSTILE_CONNECTIONS", 3000));
    settle(&sidecar, &mut live, 1);
    let after = sidecar.descriptors();
    assert!(
        after <= descriptors + 2,
        "{descriptors} descriptors became {after}"
    );
    let after = sidecar.resident();
    println!("{resident} KiB before, {after} after");
    assert!(after < resident + 8 * 1024, "{resident} KiB became {after}");
}

#[test]
fn slow_senders_and_great_promises_cost_nothing() {
    let site = Site::new();
    let sidecar = Process::start(site.dir.path(), "", &[]);
    let der = site.client(&["alice@localhost"]);
    let mut live = sidecar.connect();
    assert_eq!(live.ask(&login(0, &der))["allowed"], true);
    let resident = sidecar.resident();
    let mut slow: Vec<UnixStream> = (0..400)
        .map(|number| {
            let mut stream = UnixStream::connect(site.path("sock")).unwrap();
            let begun: &[u8] = match number % 3 {
                0 => &[0, 0],
                // The longest frame that there may be, and one byte of it.
                1 => &[0, 4, 0, 0, b'{'],
                _ => &[0, 3, 0xff, 0xff],
            };
            stream.write_all(begun).unwrap();
            stream
        })
        .collect();
    // They are given up after ten seconds, which a loaded machine may have spent already.
    let open = live.ask(&json!({ "request": "status" }))["connections"].clone();
    assert!(open.as_u64() > Some(100), "{open}");
    let begun = Instant::now();
    for id in 0..200 {
        assert_eq!(live.ask(&login(id, &der))["allowed"], true);
        let index = id % slow.len();
        let _ = slow[index].write_all(&[0]);
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    // 400 promises of 256 KiB are 100 MiB.
    let after = sidecar.resident();
    println!("{resident} KiB before, {after} with 400 slow senders");
    assert!(
        after < resident + 16 * 1024,
        "{resident} KiB became {after}"
    );

    for length in [0x0004_0001_u32, 0x7fff_ffff, 0xffff_ffff] {
        let mut boaster = sidecar.connect();
        boaster.0.write_all(&length.to_be_bytes()).unwrap();
        boaster.0.write_all(b"{").unwrap();
        let reply: Value = boaster.receive_json();
        assert_eq!(reply["error"], "bad_request", "{reply}");
        assert_eq!(boaster.receive(), None);
    }
    assert_eq!(live.ask(&login(1, &der))["allowed"], true);
}

/// The reply, or why there is none.
fn answered(sidecar: &Process, live: &mut Connection, request: &Value) -> Value {
    live.send(request.to_string().as_bytes());
    let mut header = [0; 4];
    live.0.read_exact(&mut header).unwrap_or_else(|error| {
        let log = sidecar.log();
        let end: Vec<&str> = log.lines().rev().take(20).collect();
        panic!("no reply to {}: {error}; {end:#?}", request["id"])
    });
    let mut payload = vec![0; u32::from_be_bytes(header) as usize];
    live.0.read_exact(&mut payload).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// Waits until only these connections are left.
fn settle(sidecar: &Process, live: &mut Connection, open: u64) {
    let begun = Instant::now();
    // Connections that wait to be accepted are not counted yet.
    let mut settled = 0;
    while settled < 5 {
        if live.ask(&json!({ "request": "status" }))["connections"] == open {
            settled += 1;
        } else {
            settled = 0;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{}",
            sidecar.log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
