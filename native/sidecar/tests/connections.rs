//! How the sidecar treats connections, its socket, and its configuration.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_sidecar::protocol::MAX_FRAME;
use certjid_sidecar::server::Limits;
use certjid_sidecar::server::reloader::Reloader;
use certjid_sidecar::server::socket::{Access, SocketError, SocketFile};
use common::{CONFIG, Connection, Site, wait_until};
use serde_json::{Value, json};

const ACCESS: Access = Access {
    mode: 0o660,
    owner: None,
    group: None,
};

fn login(id: usize, host: &str, der: &[u8]) -> Value {
    json!({
        "id": id,
        "request": "authenticate",
        "listener": "c2s",
        "host": host,
        "chain": [STANDARD.encode(der)],
    })
}

#[test]
fn requests_are_pipelined() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let der = site.client(&["alice@localhost"]);
    let mut reader = Connection(connection.0.try_clone().unwrap());
    let reading = thread::spawn(move || {
        let mut seen = vec![false; 500];
        for _ in 0..500 {
            let reply = reader.receive_json();
            let id = usize::try_from(reply["id"].as_u64().unwrap()).unwrap();
            assert_eq!(reply["allowed"], id % 2 == 0, "{reply}");
            assert!(!std::mem::replace(&mut seen[id], true));
        }
    });
    for id in 0..500 {
        let host = if id % 2 == 0 {
            "localhost"
        } else {
            "other.example"
        };
        connection.send(login(id, host, &der).to_string().as_bytes());
    }
    reading.join().unwrap();
}

#[test]
fn a_client_that_takes_no_replies_is_held_back() {
    let site = Site::new();
    let limits = Limits {
        frame_timeout: Duration::from_secs(1),
        ..Limits::default()
    };
    let sidecar = site.serve_with(limits);
    let mut connection = sidecar.connect();
    connection
        .0
        .set_write_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let status = json!({ "id": "x".repeat(1000), "request": "status" }).to_string();
    let mut frame = u32::try_from(status.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(status.bytes());
    let sent = (0..20_000)
        .take_while(|_| connection.0.write_all(&frame).is_ok())
        .count();
    assert!(sent < 20_000, "20 MB of replies are not waiting anywhere");
    // Nobody else is.
    assert!(sidecar.connect().ask(&json!({ "request": "status" }))["pid"].is_u64());
}

/// Clients that each stay within what a connection may ask are bounded together.
#[test]
fn replies_that_nobody_reads_are_bounded_over_all_connections() {
    let site = Site::new();
    let limits = Limits {
        frame_timeout: Duration::from_secs(120),
        unsent: 1024 * 1024,
        ..Limits::default()
    };
    let sidecar = site.serve_with(limits);
    let status = json!({ "id": "x".repeat(900), "request": "status" }).to_string();
    let frame = [&(status.len() as u32).to_be_bytes(), status.as_bytes()].concat();
    // It reads late, but it is not the one that holds the most.
    let mut patient = sidecar.connect();
    (0..400).for_each(|_| patient.send(status.as_bytes()));
    let mut greedy: Vec<Connection> = (0..4).map(|_| sidecar.connect()).collect();
    let closed = greedy.iter_mut().filter_map(|connection| {
        let mut ask = || connection.0.write_all(&frame);
        (0..1000).find_map(|_| ask().err())
    });
    assert!(closed.count() > 0, "more than a megabyte waits");
    for _ in 0..400 {
        assert!(patient.receive_json()["pid"].is_u64());
    }
    assert!(sidecar.connect().ask(&json!({ "request": "status" }))["pid"].is_u64());
}

#[test]
fn replies_that_are_taken_late_are_whole() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    // Together more than the socket holds. Each request is answered before the next one comes, as
    // long as there is room.
    let filler = "x".repeat(1000);
    for count in 0..500 {
        let status = json!({ "id": format!("{count}{filler}"), "request": "status" });
        connection.send(status.to_string().as_bytes());
        thread::sleep(Duration::from_millis(1));
    }
    // In any order, where two requests were there at once.
    let replies = (0..500).map(|_| connection.receive_json()["id"].as_str().unwrap().to_owned());
    let replies: BTreeSet<String> = replies.collect();
    let sent = (0..500).map(|count| format!("{count}{filler}"));
    assert_eq!(replies, sent.collect());
}

#[test]
fn an_empty_frame_is_answered() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    connection.send(b"");
    assert_eq!(connection.receive_json()["error"], "bad_request");
}

#[test]
fn a_frame_may_come_in_pieces() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let mut frame = vec![0, 0, 0, 29];
    frame.extend(br#"{"id": 7, "request":"status"}"#);
    for byte in frame {
        connection.0.write_all(&[byte]).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(connection.receive_json()["id"], 7);
}

#[test]
fn a_frame_that_does_not_end_is_given_up() {
    let site = Site::new();
    let limits = Limits {
        frame_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let sidecar = site.serve_with(limits);
    for begun in [&[0, 0][..], &[0, 0, 0, 100, b'{']] {
        let mut connection = sidecar.connect();
        connection.0.write_all(begun).unwrap();
        assert_eq!(connection.receive(), None);
    }
}

#[test]
fn an_idle_connection_is_closed() {
    let site = Site::new();
    let limits = Limits {
        idle_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let sidecar = site.serve_with(limits);
    let mut connection = sidecar.connect();
    let begun = Instant::now();
    assert_eq!(connection.receive(), None);
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[test]
fn a_frame_that_is_too_large_is_refused_in_its_format() {
    let site = Site::new();
    let sidecar = site.serve();
    for (first, answer) in [(b'{', b'{'), (131, 131)] {
        let mut connection = sidecar.connect();
        let mut payload = vec![b' '; MAX_FRAME + 1];
        payload[0] = first;
        connection
            .0
            .write_all(&(MAX_FRAME as u32 + 1).to_be_bytes())
            .unwrap();
        // The sidecar may have closed before all of it is written.
        let _ = connection.0.write_all(&payload);
        let reply = connection.receive().expect("a reply");
        assert_eq!(reply[0], answer);
        assert!(String::from_utf8_lossy(&reply).contains("bad_request"));
        assert_eq!(connection.receive(), None);
    }
    let mut connection = sidecar.connect();
    let short = r#"{"id":1,"request":"status"}"#;
    let longest = format!("{short}{}", " ".repeat(MAX_FRAME - short.len()));
    assert_eq!(longest.len(), MAX_FRAME);
    connection.send(longest.as_bytes());
    assert_eq!(connection.receive_json()["id"], 1);
}

#[test]
fn garbage_gets_an_error_and_harms_nobody() {
    let site = Site::new();
    let sidecar = site.serve();
    let der = site.client(&["alice@localhost"]);
    let good = login(0, "localhost", &der).to_string().into_bytes();
    let mut payloads: Vec<Vec<u8>> = vec![
        vec![],
        vec![0],
        vec![131],
        vec![131, 80, 255, 255, 255, 255],
        vec![131, 104, 2, 97, 1, 97, 2],
        b"{".to_vec(),
        b"{}".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        [b"{\"a\":".repeat(20_000), b"1".to_vec()].concat(),
        [b"{\"a\":".to_vec(), b"[".repeat(100_000)].concat(),
        vec![b'{'; MAX_FRAME],
        vec![131; MAX_FRAME],
        vec![0xff; 1000],
    ];
    // A small generator: the same bytes in each run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    for _ in 0..300 {
        let mut broken = good.clone();
        let position = random() % broken.len();
        match random() % 3 {
            0 => broken[position] = random().to_le_bytes()[0],
            1 => broken.truncate(position),
            _ => broken[0] = 131,
        }
        payloads.push(broken);
        payloads.push(
            (0..random() % 300)
                .map(|_| random().to_le_bytes()[0])
                .collect(),
        );
        let mut term = vec![131, 116, 0, 0, 0, 1];
        term.extend((0..random() % 50).map(|_| 97 + random().to_le_bytes()[0] % 24));
        payloads.push(term);
    }
    let mut connection = sidecar.connect();
    for payload in &payloads {
        connection.send(payload);
        let reply = connection.receive().expect("a reply");
        assert!(reply[0] == b'{' || reply[0] == 131);
    }
    connection.send(&good);
    assert_eq!(connection.receive_json()["allowed"], true);
    // Bytes that are no frames.
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 64],
        &[0x16, 3, 1, 2, 0, 1],
    ] {
        let mut connection = sidecar.connect();
        connection.0.write_all(bytes).unwrap();
        let reply = String::from_utf8(connection.receive().expect("a reply")).unwrap();
        assert!(reply.contains("bad_request"), "{reply}");
        // What was sent after the frame may reset the connection.
        match connection.0.read_to_end(&mut Vec::new()) {
            Ok(more) => assert_eq!(more, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
}

#[test]
fn connections_are_limited_in_number_and_by_user() {
    let site = Site::new();
    let sidecar = site.serve_with(Limits {
        max_connections: 2,
        ..Limits::default()
    });
    let status = json!({ "request": "status" });
    let mut first = sidecar.connect();
    assert_eq!(first.ask(&status)["connections"], 1);
    let mut second = sidecar.connect();
    assert_eq!(second.ask(&status)["connections"], 2);
    assert_eq!(sidecar.connect().receive(), None);
    drop(first);
    wait_until("a place is free", || {
        let mut third = sidecar.connect();
        third
            .0
            .set_write_timeout(Some(Duration::from_secs(1)))
            .unwrap();
        let _ = third.0.write_all(&[0, 0, 0, 2, b'{', b'}']);
        third.receive().is_some()
    });
    drop(sidecar);

    let nobody = Limits {
        allow_uids: vec![4_294_967_294],
        ..Limits::default()
    };
    let sidecar = site.serve_with(nobody);
    assert_eq!(sidecar.connect().receive(), None);
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let site = Site::new();
    let path = site.path("sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let (_listener, file) = SocketFile::bind(&path, &ACCESS).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o660
    );

    let refused = SocketFile::bind(&path, &ACCESS).unwrap_err();
    assert!(matches!(refused, SocketError::InUse(_)), "{refused}");
    assert!(refused.to_string().contains("another process listens"));
    drop(file);
    assert!(!path.exists());

    fs::write(&path, "a file of somebody").unwrap();
    let refused = SocketFile::bind(&path, &ACCESS).unwrap_err();
    assert!(matches!(refused, SocketError::NotASocket(_)), "{refused}");
    assert!(path.exists());
}

#[test]
fn stopping_answers_what_was_asked() {
    let site = Site::new();
    let mut sidecar = site.serve();
    let der = site.client(&["alice@localhost"]);
    let mut connection = sidecar.connect();
    for id in 0..20 {
        connection.send(login(id, "localhost", &der).to_string().as_bytes());
    }
    assert_eq!(connection.receive_json()["allowed"], true);
    sidecar.stop();
    let begun = Instant::now();
    while let Some(reply) = connection.receive() {
        let reply: Value = serde_json::from_slice(&reply).unwrap();
        assert_eq!(reply["allowed"], true);
    }
    let path = sidecar.socket.clone();
    sidecar.join();
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert!(!path.exists());
}

#[test]
fn a_reload_takes_a_good_file_and_leaves_a_broken_one() {
    let site = Site::new();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let der = site.client(&["alice@localhost"]);
    let asked = login(1, "localhost", &der);
    let status = json!({ "request": "status" });
    assert_eq!(connection.ask(&asked)["allowed"], true);

    fs::write(site.config(), CONFIG.replace("\"peer\"", "\"pear\"")).unwrap();
    sidecar.service.reload();
    let error = connection.ask(&status)["reload_error"].clone();
    assert!(error.as_str().unwrap().contains("verify_mode"), "{error}");
    assert_eq!(connection.ask(&asked)["allowed"], true);

    fs::write(site.config(), CONFIG.replace("localhost", "example.org")).unwrap();
    sidecar.service.reload();
    assert_eq!(connection.ask(&status)["reload_error"], Value::Null);
    assert_eq!(connection.ask(&asked)["allowed"], false);
}

#[test]
fn a_changed_file_is_seen() {
    let site = Site::new();
    let sidecar = site.serve();
    let service = std::sync::Arc::clone(&sidecar.service);
    let files = service.files();
    assert!(
        files
            .iter()
            .any(|file| file.ends_with("ca.pem") && file.exists()),
        "{files:?}"
    );
    let _watching = Reloader::start(Some(service), true, || {}).unwrap();
    let asked = login(1, "localhost", &site.client(&["alice@localhost"]));
    assert_eq!(sidecar.connect().ask(&asked)["allowed"], true);
    fs::copy(Site::new().path("ca.pem"), site.path("ca.pem")).unwrap();
    wait_until("the new CA is in use", || {
        sidecar.connect().ask(&asked)["reason"] == "unknown_ca"
    });

    // A reload that fails for a file which is not there yet succeeds when it is, and tells its
    // cause once.
    let config = CONFIG.replace("ca.pem", "later.pem");
    fs::write(site.config(), config).unwrap();
    let status = json!({ "request": "status" });
    let failed = || sidecar.connect().ask(&status)["reload_error"].clone();
    wait_until("the reload fails", || failed().is_string());
    thread::sleep(Duration::from_secs(5));
    let failures = format!("{:?}", sidecar.service.metrics());
    assert!(failures.contains("failed_reloads: 1,"), "{failures}");
    fs::copy(site.path("ca.pem"), site.path("later.pem")).unwrap();
    wait_until("the reload succeeds", || failed().is_null());
}

#[test]
fn what_is_asked_of_the_reloading_thread_is_done() {
    let site = Site::new();
    let sidecar = site.serve();
    let (told, was_told) = std::sync::mpsc::channel();
    let service = std::sync::Arc::clone(&sidecar.service);
    let reloader = Reloader::start(Some(service), false, move || {
        told.send(()).unwrap();
        panic!("the thread goes on");
    })
    .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    fs::write(site.config(), "nonsense").unwrap();
    runtime.block_on(reloader.reload());
    let status = sidecar.connect().ask(&json!({ "request": "status" }));
    assert!(status["reload_error"].is_string(), "{status}");
    fs::write(site.config(), CONFIG).unwrap();
    runtime.block_on(reloader.reload());
    let status = sidecar.connect().ask(&json!({ "request": "status" }));
    assert!(status["reload_error"].is_null(), "{status}");
    assert_eq!(was_told.try_iter().count(), 2);
}
