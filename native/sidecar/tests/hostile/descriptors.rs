//! All descriptors of the process are in use.

use std::fs;
use std::os::unix::net::UnixStream;

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
    let mut asking = sidecar_status(&mut known, &status);
    for _ in 0..500 {
        if asking.is_string() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        asking = sidecar_status(&mut known, &status);
    }
    assert!(asking.is_string(), "the reload failed and nobody says so");
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

fn sidecar_status(
    connection: &mut crate::common::Connection,
    status: &serde_json::Value,
) -> serde_json::Value {
    connection.ask(status)["reload_error"].clone()
}
