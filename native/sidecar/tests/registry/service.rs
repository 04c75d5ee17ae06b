//! The HTTP service, byte by byte.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use certjid_sidecar::registry::http::{Access, AccessOptions};

use crate::common::cli::{UNUSABLE, run};
use crate::common::wait_until;
use crate::{Reply, Server, add, folder, registry};

#[test]
fn it_answers_what_mongooseim_asks() {
    let dir = folder();
    let dir = dir.path();
    let server = Server::start(dir, &[]);
    add(dir, "alice@example.org", "alice.pem");
    add(dir, "alice@example.org", "bob.pem");
    add(dir, "żółw+1@bücher.example", "bob.pem");
    let alice = "user=alice&server=example.org&pass=";

    // MongooseIM appends the name to its path_prefix, whether that ends with a slash or not.
    for prefix in ["/", "/auth/", "/a/b/", "/auth"] {
        let reply = server.get(&format!("{prefix}get_certs?{alice}"));
        assert_eq!(reply.status, 200, "{prefix}");
        let certificates: Vec<String> = pem::parse_many(&reply.body)
            .unwrap()
            .iter()
            .map(pem::encode)
            .collect();
        assert_eq!(certificates.len(), 2);
        let read = |name| {
            fs::read_to_string(dir.join(name))
                .unwrap()
                .replace("\r\n", "\n")
        };
        for name in ["alice.pem", "bob.pem"] {
            let known = pem::encode(&pem::parse(read(name)).unwrap());
            assert!(certificates.contains(&known), "{name}");
        }
        // MongooseIM can't do without.
        let length = format!("content-length: {}", reply.body.len());
        assert!(reply.head.contains(&length), "{}", reply.head);
        let reply = server.get(&format!("{prefix}user_exists?{alice}"));
        assert_eq!((reply.status, &*reply.body), (200, "true"));
    }

    let reply = server.get("/get_certs?user=bob&server=example.org&pass=");
    assert_eq!(reply.status, 404);
    assert!(!reply.body.contains("BEGIN"));
    let reply = server.get("/user_exists?user=bob&server=example.org&pass=");
    assert_eq!((reply.status, &*reply.body), (200, "false"));
    assert_eq!(
        server
            .get("/get_certs?user=alice&server=example.net")
            .status,
        404
    );

    let encoded = "/get_certs?user=%C5%BC%C3%B3%C5%82w%2B1&server=b%C3%BCcher.example";
    assert_eq!(server.get(encoded).status, 200);
    assert_eq!(
        server.get(&encoded.replace("%2B", "+")).status,
        400,
        "a space"
    );
    assert_eq!(
        server
            .get("/get_certs?server=EXAMPLE.org&user=ALICE")
            .status,
        200
    );
}

#[test]
fn what_is_no_question_is_refused() {
    let dir = folder();
    let dir = dir.path();
    let server = Server::start(dir, &[]);
    add(dir, "alice@example.org", "alice.pem");
    let alice = "user=alice&server=example.org";
    for (path, status) in [
        ("/", 404),
        ("/metrics", 404),
        ("/get_password?user=alice&server=example.org&pass=", 404),
        ("/get_certs/?user=alice&server=example.org", 404),
        ("/get_certs", 400),
        ("/get_certs?user=alice", 400),
        ("/get_certs?server=example.org", 400),
        ("/get_certs?user=&server=example.org", 400),
        ("/get_certs?user=alice&user=bob&server=example.org", 400),
        ("/get_certs?user=%FF%FE&server=example.org", 400),
        ("/get_certs?user=alice&server=a%00b", 400),
        ("/get_certs?user=al%27ice&server=example.org", 400),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    let quoted = "/get_certs?user=alice%27%20OR%201=1--&server=example.org";
    assert_eq!(server.get(quoted).status, 400);

    let post = format!(
        "POST /get_certs?{alice} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    let reply = server.send(post.as_bytes());
    assert_eq!(reply.status, 405);
    assert!(reply.head.contains("allow: get"), "{}", reply.head);
    let body =
        format!("GET /get_certs?{alice} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n");
    assert_eq!(server.send(body.as_bytes()).status, 413);

    // Hyper's own refusals.
    assert_eq!(server.send(b"garbage\r\n\r\n").status, 400);
    let long = format!("/get_certs?{alice}&pass={}", "x".repeat(20_000));
    let reply = server.get(&long);
    assert!([414, 431].contains(&reply.status), "{reply:?}");
    let header = format!("X: {}\r\n", "x".repeat(20_000));
    assert_eq!(server.get_with("/", &header).status, 431);
    let many: String = (0..200).map(|i| format!("X{i}: x\r\n")).collect();
    assert_eq!(server.get_with("/", &many).status, 431);
    assert_eq!(server.get(&format!("/get_certs?{alice}")).status, 200);
}

#[test]
fn a_credential_is_demanded() {
    let dir = folder();
    let dir = dir.path();
    add(dir, "alice@example.org", "alice.pem");
    let alice = "/get_certs?user=alice&server=example.org";
    fs::write(dir.join("credential"), "certjid:secret\n").unwrap();
    let from_file = Server::start(dir, &["--http-basic-auth-file", "credential"]);
    let args = ["--registry", "certificates.db", "--http", "127.0.0.1:0"];
    let variable = [("CERTJID_HTTP_BASIC_AUTH", "certjid:secret")];
    let from_environment = Server::start_with(dir, &args, &variable);
    // "certjid:secret", then with "secre", "secrets", "Secret", and no base64
    let right = "Authorization: Basic Y2VydGppZDpzZWNyZXQ=\r\n";
    let wrong = [
        "",
        "Authorization: Basic Y2VydGppZDpzZWNyZQ==\r\n",
        "Authorization: Basic Y2VydGppZDpzZWNyZXRz\r\n",
        "Authorization: Basic Y2VydGppZDpTZWNyZXQ=\r\n",
        "Authorization: Basic !\r\n",
        "Authorization: Basic\r\n",
        "Authorization: Bearer Y2VydGppZDpzZWNyZXQ=\r\n",
    ];
    for server in [&from_file, &from_environment] {
        assert_eq!(server.get_with(alice, right).status, 200);
        assert_eq!(
            server
                .get_with(alice, &right.replace("Basic", "basic"))
                .status,
            200
        );
        for header in wrong {
            let reply = server.get_with(alice, header);
            assert_eq!(reply.status, 401, "{header}");
            assert!(
                reply.head.contains("www-authenticate: basic"),
                "{}",
                reply.head
            );
            assert!(!reply.body.contains("BEGIN"));
        }
    }

    // SIGHUP takes the new one, and a broken file changes nothing.
    fs::write(dir.join("credential"), "certjid:other\n").unwrap();
    from_file.signal("HUP");
    wait_until("the credential is changed", || {
        from_file.get_with(alice, right).status == 401
    });
    let other = "Authorization: Basic Y2VydGppZDpvdGhlcg==\r\n";
    assert_eq!(from_file.get_with(alice, other).status, 200);
    fs::write(dir.join("credential"), "").unwrap();
    from_file.signal("HUP");
    from_file.wait_for("keeps its certificate and credential");
    assert_eq!(from_file.get_with(alice, other).status, 200);
    assert_eq!(from_file.get(alice).status, 401);
}

#[test]
fn what_would_be_open_to_others_is_not_served() {
    let dir = folder();
    let dir = dir.path();
    run(dir, &["dev-cert", "--server", "localhost"], 0);
    fs::write(dir.join("credential"), "certjid:secret\n").unwrap();
    fs::write(dir.join("empty"), "certjid:\n").unwrap();
    let registry = ["serve", "--registry", "certificates.db"];
    let refused = |args: &[&str]| run(dir, &[&registry, args].concat(), UNUSABLE);
    let tls = ["--http-cert", "server.pem", "--http-key", "server.key"];
    let auth = ["--http-basic-auth-file", "credential"];
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let http = ["--http", open];
        let said = refused(&http);
        assert!(
            said.contains("TLS") && said.contains("basic auth"),
            "{said}"
        );
        let said = refused(&[&http[..], &tls].concat());
        assert!(
            !said.contains("TLS") && said.contains("basic auth"),
            "{said}"
        );
        let said = refused(&[&http[..], &auth].concat());
        assert!(
            said.contains("TLS") && !said.contains("basic auth"),
            "{said}"
        );
    }
    let loopback = ["--http", "127.0.0.1:0"];
    assert!(refused(&[]).contains("--http is missing"));
    assert!(run(dir, &["serve", "--http", "127.0.0.1:0"], UNUSABLE).contains("--registry"));
    assert!(refused(&[&loopback[..], &tls[..2]].concat()).contains("--http-key"));
    let no_key = ["--http-cert", "server.pem", "--http-key", "alice.pem"];
    assert!(refused(&[&loopback[..], &no_key].concat()).contains("alice.pem"));
    for file in ["none", "empty"] {
        let auth = ["--http-basic-auth-file", file];
        let said = refused(&[&loopback[..], &auth].concat());
        assert!(said.contains(file), "{said}");
    }
    assert!(refused(&["--http", "localhost"]).contains("--http"));

    let with_both = AccessOptions {
        address: "0.0.0.0:0".parse().unwrap(),
        certificate: Some(dir.join("server.pem")),
        key: Some(dir.join("server.key")),
        basic_auth: Some(dir.join("credential")),
    };
    assert!(Access::load(&with_both).is_ok());
}

#[test]
fn connections_are_kept_and_counted() {
    let dir = folder();
    let dir = dir.path();
    add(dir, "alice@example.org", "alice.pem");
    let server = Server::start(dir, &[]);
    let ask = b"GET /user_exists?user=alice&server=example.org HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut kept = server.connect();
    for _ in 0..3 {
        kept.write_all(ask).unwrap();
        assert!(read_some(&mut kept).ends_with("\r\n\r\ntrue"));
    }

    // One more than 512 is closed, and a place that is free again is given away.
    let mut others: Vec<_> = (1..512).map(|_| server.connect()).collect();
    let has_no_place = || server.get("/").status == 0;
    wait_until("all places are taken", has_no_place);
    kept.write_all(ask).unwrap();
    assert!(read_some(&mut kept).ends_with("true"));
    others.truncate(500);
    wait_until("there is a place", || server.get("/").status == 404);
}

#[test]
fn sigterm_lets_the_last_answer_go_out() {
    let dir = folder();
    let dir = dir.path();
    add(dir, "alice@example.org", "alice.pem");
    let mut server = Server::start(dir, &[]);
    let mut idle = server.connect();
    let mut begun = server.connect();
    begun
        .write_all(b"GET /get_certs?user=alice&server=example.org HTTP/1.1\r\n")
        .unwrap();
    let mut asking = server.connect();
    asking
        .write_all(b"GET /user_exists?user=alice&server=example.org HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    assert!(read_some(&mut asking).ends_with("true"));
    server.signal("TERM");
    assert!(Reply::read(&mut idle).head.is_empty());
    begun.write_all(b"Host: x\r\n\r\n").unwrap();
    // What was begun is answered or closed, but never hangs.
    let reply = Reply::read(&mut begun);
    assert!([0, 200].contains(&reply.status), "{reply:?}");
    assert!(server.child.wait().unwrap().success());
    let answered = server.wait_for("is served no more");
    assert!(answered.contains("\"unauthorized\":0"), "{answered}");
}

#[test]
fn a_registry_that_goes_away_is_an_error_and_one_put_back_counts() {
    let dir = folder();
    let dir = dir.path();
    add(dir, "alice@example.org", "alice.pem");
    registry(dir, &["backup", "copy.db"], 0);
    add(dir, "bob@example.org", "bob.pem");
    let server = Server::start(dir, &[]);
    let bob = "/get_certs?user=bob&server=example.org";
    let alice = "/get_certs?user=alice&server=example.org";
    assert_eq!(server.get(bob).status, 200);
    for name in [
        "certificates.db",
        "certificates.db-wal",
        "certificates.db-shm",
    ] {
        let _ = fs::remove_file(dir.join(name));
    }
    assert_eq!(server.get(alice).status, 500);
    assert!(!dir.join("certificates.db").exists());
    fs::rename(dir.join("copy.db"), dir.join("certificates.db")).unwrap();
    assert_eq!(server.get(alice).status, 200);
    assert_eq!(server.get(bob).status, 404);
}

#[test]
fn a_writer_that_takes_its_time_delays_no_login() {
    let dir = folder();
    let dir = dir.path();
    add(dir, "alice@example.org", "alice.pem");
    let server = Server::start(dir, &[]);
    let alice = "/get_certs?user=alice&server=example.org";
    let writer = rusqlite::Connection::open(dir.join("certificates.db")).unwrap();
    writer
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM certificates")
        .unwrap();
    // Not yet.
    assert_eq!(server.get(alice).status, 200);
    let waiting = thread::spawn({
        let dir = dir.to_owned();
        move || add(&dir, "bob@example.org", "bob.pem")
    });
    thread::sleep(Duration::from_millis(300));
    assert_eq!(server.get(alice).status, 200);
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(server.get(alice).status, 404);
    waiting.join().unwrap();
    assert_eq!(
        server.get("/get_certs?user=bob&server=example.org").status,
        200
    );
}

#[test]
fn no_secret_is_in_the_log() {
    let dir = folder();
    let dir = dir.path();
    fs::write(dir.join("credential"), "certjid:the-password\n").unwrap();
    let args = [
        "--http-basic-auth-file",
        "credential",
        "--log-level",
        "trace",
    ];
    let mut server = Server::start(dir, &args);
    // "certjid:the-password"
    let right = "Authorization: Basic Y2VydGppZDp0aGUtcGFzc3dvcmQ=\r\n";
    assert_eq!(
        server
            .get_with("/user_exists?user=a&server=b", right)
            .status,
        200
    );
    assert_eq!(server.get("/").status, 401);
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let log: Vec<String> = server.log.iter().collect();
    assert!(
        log.iter().any(|line| line.contains("is refused")),
        "{log:?}"
    );
    for secret in ["the-password", "Y2VydGppZDp0aGUtcGFzc3dvcmQ"] {
        assert!(!log.iter().any(|line| line.contains(secret)), "{log:?}");
    }
}

/// What comes next.
fn read_some(stream: &mut impl Read) -> String {
    let mut buffer = [0; 4096];
    let length = stream.read(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let dir = folder();
    let server = Server::start(dir.path(), &[]);
    let mut quiet = TcpStream::connect(&server.address).unwrap();
    let mut asking = TcpStream::connect(&server.address).unwrap();
    asking
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    assert!(asking.read(&mut [0; 1024]).unwrap() > 0);
    let begun = Instant::now();
    quiet
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let mut said = Vec::new();
    assert_eq!(quiet.read_to_end(&mut said).unwrap(), 0);
    let passed = begun.elapsed();
    assert!((4..20).contains(&passed.as_secs()), "{passed:?}");

    // Who has asked may take longer for the next request.
    thread::sleep(Duration::from_secs(6).saturating_sub(passed));
    asking
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    assert!(asking.read(&mut [0; 1024]).unwrap() > 0);
}
