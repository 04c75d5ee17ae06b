//! R35: the CA file changes while logins go on.

mod common;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Site, wait_until};
use serde_json::{Value, json};

#[test]
fn r35_a_broken_ca_file_changes_nothing_and_a_good_one_all() {
    let (site, other) = (Site::new(), Site::new());
    let sidecar = site.serve();
    let old = request(&site.client(&["alice@localhost"]));
    let new = request(&other.client(&["alice@localhost"]));
    let ending = Arc::new(AtomicBool::new(false));
    let (asked, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));

    // Each client asks for a holder of the old CA and one of the new: every question is answered,
    // by the old trust or by the new.
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let mut connection = sidecar.connect();
            let (old, new, ending) = (old.clone(), new.clone(), Arc::clone(&ending));
            let (asked, answered) = (Arc::clone(&asked), Arc::clone(&answered));
            thread::spawn(move || {
                while !ending.load(Ordering::Relaxed) {
                    for request in [&old, &new] {
                        asked.fetch_add(1, Ordering::Relaxed);
                        let reply = connection.ask(request);
                        let known = reply["allowed"] == true || reply["reason"] == "unknown_ca";
                        assert!(known, "{reply}");
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    let allowed = |request: &Value| sidecar.connect().ask(request)["allowed"] == true;
    let status = || sidecar.connect().ask(&json!({ "request": "status" }))["reload_error"].clone();
    wait_until("logins go on", || answered.load(Ordering::Relaxed) > 100);

    for garbage in [
        "",
        "garbage",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        fs::write(site.path("ca.pem"), garbage).unwrap();
        sidecar.service.reload();
        let error = status();
        assert!(error.as_str().unwrap().contains("ca.pem"), "{error}");
        assert!(allowed(&old) && !allowed(&new));
    }
    fs::copy(other.path("ca.pem"), site.path("ca.pem")).unwrap();
    sidecar.service.reload();
    assert_eq!(status(), Value::Null);
    assert!(!allowed(&old) && allowed(&new));

    ending.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(
        asked.load(Ordering::Relaxed),
        answered.load(Ordering::Relaxed)
    );
}

fn request(der: &[u8]) -> Value {
    json!({
        "request": "authenticate",
        "listener": "c2s",
        "host": "localhost",
        "chain": [STANDARD.encode(der)],
    })
}
