//! All descriptors of the process are in use.

use std::fs;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{CONFIG, Site, wait_until};
use crate::login;
use crate::process::Process;

#[test]
fn who_is_connected_is_answered_and_the_others_are_once_there_is_room() {
    let site = Site::new();
    let dir = site.dir.path();
    let der = site.client(&["alice@localhost"]);
    let sidecar = Process::start(dir, "ulimit -n 40;", &[]);
    let mut known = sidecar.connect();
    assert_eq!(known.ask(&login(0, &der))["allowed"], true);

    let crowd: Vec<UnixStream> = (0..100)
        .map(|_| UnixStream::connect(dir.join("sock")).unwrap())
        .collect();
    wait_until("no connection can be accepted", || {
        sidecar.log().contains("no connection can be accepted")
    });
    for id in 0..200 {
        let reply = known.ask(&login(id, &der));
        assert_eq!(
            (&reply["id"], &reply["allowed"]),
            (&json!(id), &json!(true))
        );
    }

    // No file can be opened: the old policy stays, and says so.
    fs::write(site.config(), CONFIG.replace("localhost", "example.org")).unwrap();
    sidecar.signal("HUP");
    let status = json!({ "request": "status" });
    let begun = Instant::now();
    while known.ask(&status)["reload_error"].is_null() {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody says so");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(known.ask(&login(1, &der))["allowed"], true);

    drop(crowd);
    wait_until("there is room again", || {
        sidecar.connect().ask(&status)["connections"].as_u64() < Some(5)
    });
    sidecar.signal("HUP");
    wait_until("the new file is in use", || {
        sidecar.connect().ask(&login(2, &der))["allowed"] == false
    });
}
