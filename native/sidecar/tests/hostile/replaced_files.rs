//! Configuration and CA files are replaced while 64 clients ask.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{CONFIG, Site, wait_until};
use crate::process::Process;
use crate::{login, times};

#[test]
fn sixty_four_clients_get_every_answer_by_one_file_or_the_other() {
    let (site, other) = (Site::new(), Site::new());
    let (old_ca, new_ca) = (
        fs::read(site.path("ca.pem")).unwrap(),
        fs::read(other.path("ca.pem")).unwrap(),
    );
    let sidecar = Process::start(site.dir.path(), "", &["--watch"]);
    let old = site.client(&["alice@localhost"]);
    let new = other.client(&["alice@localhost"]);
    let ending = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..64)
        .map(|_| {
            let mut connection = sidecar.connect();
            connection
                .0
                .set_read_timeout(Some(Duration::from_secs(60)))
                .unwrap();
            let (old, new) = (old.clone(), new.clone());
            let (ending, answered) = (Arc::clone(&ending), Arc::clone(&answered));
            thread::spawn(move || {
                let mut id = 0;
                while !ending.load(Ordering::Relaxed) {
                    for der in [&old, &new] {
                        id += 1;
                        let reply = connection.ask(&login(id, der));
                        assert_eq!(reply["id"], id);
                        let known = reply["allowed"] == true
                            || ["unknown_ca", "host_unknown"]
                                .map(Value::from)
                                .contains(&reply["reason"]);
                        assert!(known, "{reply}");
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();

    let put = |name: &str, content: &[u8], aside: bool| {
        if aside {
            fs::write(site.path("aside"), content).unwrap();
            fs::rename(site.path("aside"), site.path(name)).unwrap();
        } else {
            fs::write(site.path(name), content).unwrap();
        }
        sidecar.signal("HUP");
    };
    let elsewhere = CONFIG.replace("localhost", "example.org");
    for round in 0..times("CERTJID_HOSTILE_RELOADS", 20) {
        let aside = round % 2 == 0;
        match round % 5 {
            0 => put("ca.pem", &new_ca, aside),
            1 => put("ca.pem", &new_ca[..new_ca.len() / 2], aside),
            2 => put("ca.pem", &old_ca, aside),
            3 => put("mongooseim.toml", elsewhere.as_bytes(), aside),
            _ => put("mongooseim.toml", CONFIG.as_bytes(), aside),
        }
        let before = answered.load(Ordering::Relaxed);
        wait_until("logins go on", || {
            answered.load(Ordering::Relaxed) > before + 64
        });
    }
    put("ca.pem", &new_ca, true);
    put("mongooseim.toml", CONFIG.as_bytes(), true);
    wait_until("the last files are in use", || {
        let mut connection = sidecar.connect();
        connection.ask(&login(1, &new))["allowed"] == true
            && connection.ask(&login(2, &old))["reason"] == "unknown_ca"
            && connection.ask(&json!({ "request": "status" }))["reload_error"] == Value::Null
    });
    ending.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
}
