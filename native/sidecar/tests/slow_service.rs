//! A service that hangs holds up those who need it, and nobody else.

mod common;

use std::fs;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use certjid_sidecar::server::Limits;
use common::{Site, login_at};
use serde_json::{Value, json};

#[test]
fn a_flood_of_logins_at_a_hung_service_delays_no_other() {
    let site = Site::new();
    let hung = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = hung.local_addr().unwrap().port();
    fs::write(site.config(), CONFIG.replace("PORT", &port.to_string())).unwrap();
    let sidecar = site.serve();
    let der = site.client(&["alice@localhost", "alice@slow"]);

    // More than the sidecar works on at the same time.
    let flood: Vec<_> = (0..400)
        .map(|_| {
            let mut connection = sidecar.connect();
            let request = login_at("slow", &der);
            thread::spawn(move || connection.ask(&request))
        })
        .collect();
    let mut connection = sidecar.connect();
    let begun = Instant::now();
    for _ in 0..20 {
        let reply = connection.ask(&login_at("localhost", &der));
        assert_eq!(reply["jid"], "alice@localhost", "{reply}");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );

    let replies: Vec<Value> = flood
        .into_iter()
        .map(|asked| asked.join().unwrap())
        .collect();
    for reply in &replies {
        assert_eq!(reply["condition"], "temporary-auth-failure", "{reply}");
    }
    let waited = |reply: &&Value| {
        !reply["message"]
            .as_str()
            .unwrap()
            .contains("wait for services")
    };
    assert!(replies.iter().any(|reply| waited(&reply)));
}

/// At the edge: of three that may be under way, two wait, and the third is answered.
#[test]
fn no_more_requests_of_a_connection_are_read_than_may_be_under_way() {
    let site = Site::new();
    let hung = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = hung.local_addr().unwrap().port();
    fs::write(site.config(), CONFIG.replace("PORT", &port.to_string())).unwrap();
    let sidecar = site.serve_with(Limits {
        in_flight: 3,
        ..Limits::default()
    });
    let der = site.client(&["alice@slow", "bob@slow"]);
    let mut connection = sidecar.connect();
    let login = login_at("slow", &der).to_string();
    let status = json!({ "request": "status" });
    for _ in 0..2 {
        connection.send(login.as_bytes());
    }
    for _ in 0..3 {
        let reply = connection.ask(&status);
        assert!(reply["pid"].is_u64(), "{reply}");
    }
    connection.send(login.as_bytes());
    connection.send(status.to_string().as_bytes());
    // The logins end first, by their time-out.
    assert_eq!(connection.receive_json()["allowed"], false);
    let rest = [(); 3].map(|()| connection.receive_json());
    let logins = rest.iter().filter(|reply| reply["allowed"] == false);
    assert_eq!(logins.count(), 2, "{rest:?}");
}

const CONFIG: &str = r#"
[general]
  default_server_domain = "localhost"
  hosts = ["localhost", "slow"]
[auth]
  sasl_mechanisms = ["external"]
  [auth.pki]
[[host_config]]
  host = "slow"
  [host_config.auth]
    sasl_mechanisms = ["external"]
    [host_config.auth.http]
[[listen.c2s]]
  port = 5222
  [listen.c2s.tls]
    cacertfile = "ca.pem"
[outgoing_pools.http.auth.connection]
  host = "http://127.0.0.1:PORT"
  request_timeout = 3000
"#;
