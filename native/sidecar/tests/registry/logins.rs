//! Logins by the method `http`, with the registry as its service.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::common::cli::{ALLOWED, REFUSED, openssl, run};
use crate::common::{Connection, wait_until};
use crate::{Server, add, check, folder, registry};

#[test]
fn a_registered_certificate_logs_in_until_it_is_removed() {
    let dir = folder();
    let dir = dir.path();
    let server = Server::start(dir, &[]);
    server.config(dir, &[]);
    assert_eq!(
        check(dir, "alice.pem", &[], REFUSED)["reason"],
        "method_refused"
    );

    add(dir, "alice@example.org", "alice.pem");
    let answer = check(dir, "alice.pem", &[], ALLOWED);
    assert_eq!(answer["jid"], "alice@example.org");
    assert_eq!(answer["method"], "http");
    assert_eq!(
        check(dir, "bob.pem", &[], REFUSED)["reason"],
        "method_refused"
    );

    // Another certificate in alice's name is not hers.
    fs::create_dir(dir.join("other")).unwrap();
    let forged = [
        "dev-cert",
        "alice@example.org",
        "--self-signed",
        "--dir",
        "other",
    ];
    run(dir, &forged, 0);
    let answer = check(dir, "other/alice.pem", &[], REFUSED);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("not among the 1"),
        "{answer}"
    );

    // Two at a time, of which one is removed.
    add(dir, "alice@example.org", "other/alice.pem");
    check(dir, "other/alice.pem", &[], ALLOWED);
    registry(
        dir,
        &["remove", "alice@example.org", "--cert", "alice.pem"],
        0,
    );
    check(dir, "alice.pem", &[], REFUSED);
    check(dir, "other/alice.pem", &[], ALLOWED);
    registry(dir, &["remove", "alice@example.org"], 0);
    check(dir, "other/alice.pem", &[], REFUSED);
}

#[test]
fn one_process_is_sidecar_and_registry() {
    let dir = folder();
    let dir = dir.path();
    // The address must be known before the configuration is written.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap().to_string();
    drop(port);
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/registry.toml");
    let config = fs::read_to_string(example)
        .unwrap()
        .replace("127.0.0.1:8090", &address);
    fs::write(dir.join("registry.toml"), config).unwrap();
    let args = [
        "--config",
        "registry.toml",
        "--socket",
        "sock",
        "--registry",
        "certificates.db",
        "--http",
        &address,
    ];
    let mut server = Server::start_with(dir, &args, &[]);
    let socket = dir.join("sock");
    wait_until("the socket is there", || socket.exists());
    let by_socket = ["--socket", "sock"];
    check(dir, "alice.pem", &by_socket, REFUSED);
    // Through the socket the very next login counts the change, ten times over.
    for _ in 0..10 {
        add(dir, "alice@example.org", "alice.pem");
        let answer = check(dir, "alice.pem", &by_socket, ALLOWED);
        assert_eq!(answer["jid"], "alice@example.org");
        registry(dir, &["remove", "alice@example.org"], 0);
        check(dir, "alice.pem", &by_socket, REFUSED);
    }
    // More logins at once than the sidecar has threads, which all wait for the registry.
    add(dir, "alice@example.org", "alice.pem");
    let pem = pem::parse(fs::read_to_string(dir.join("alice.pem")).unwrap()).unwrap();
    let mut connection = Connection::open(&socket);
    for id in 0..64 {
        let request = json!({
            "id": id, "request": "authenticate", "listener": "c2s", "host": "example.org",
            "chain": [STANDARD.encode(pem.contents())],
        });
        connection.send(request.to_string().as_bytes());
    }
    for _ in 0..64 {
        let reply = connection.receive_json();
        assert_eq!(reply["allowed"], true, "{reply}");
    }

    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    assert!(!socket.exists());
}

#[test]
fn names_that_are_not_ascii_and_common_names() {
    let dir = folder();
    let dir = dir.path();
    let server = Server::start(dir, &[]);
    server.config(dir, &[]);
    for (jid, name) in [
        ("Żółw@example.org", "Żółw"),
        ("a+b%41&c=d@example.org", "odd"),
    ] {
        let cert = format!("{name}.pem");
        let made = [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ];
        let key = [
            "-nodes", "-keyout", "key.pem", "-utf8", "-out", &cert, "-subj",
        ];
        let subject = format!("/CN={}", jid.split('@').next().unwrap());
        openssl(dir, &[&made[..], &key, &[&subject]].concat());
        if jid.contains('&') {
            // No local part may have an &.
            let args = [
                "registry",
                "--registry",
                "certificates.db",
                "add",
                jid,
                "--cert",
                &cert,
            ];
            run(dir, &args, crate::common::cli::UNUSABLE);
            continue;
        }
        add(dir, jid, &cert);
        let answer = check(dir, &cert, &[], ALLOWED);
        assert_eq!(answer["jid"], "żółw@example.org");
        assert_eq!(answer["source"], "common_name");
    }
}

#[test]
fn basic_auth_and_tls_are_those_of_the_configuration() {
    let dir = folder();
    let dir = dir.path();
    run(dir, &["dev-cert", "--server", "localhost"], 0);
    fs::write(dir.join("credential"), "certjid:sécret\n").unwrap();
    let tls = ["--http-cert", "server.pem", "--http-key", "server.key"];
    let auth = ["--http-basic-auth-file", "credential"];
    add(dir, "alice@example.org", "alice.pem");
    let server = Server::start(dir, &[&tls[..], &auth].concat());

    let url = format!("http://{}", server.address);
    let secure = format!(
        "https://{}\"\n  connection.tls.cacertfile = \"ca.pem",
        server.address
    );
    let with = |url: &str, credential: &str| {
        let section = format!("[auth.http]\nbasic_auth = {credential:?}\n");
        let own = format!("http://{}", server.address);
        server.config(dir, &[(&own, url), ("[auth.http]\n", &section)]);
    };
    with(&secure, "certjid:sécret");
    check(dir, "alice.pem", &[], ALLOWED);
    with(&secure, "certjid:wrong");
    // The credential is wrong: nobody was refused.
    let answer = check(dir, "alice.pem", &[], REFUSED);
    assert_eq!(answer["reason"], "method_unavailable");
    assert!(
        answer["message"].as_str().unwrap().contains("status 401"),
        "{answer}"
    );
    // Unencrypted nothing is answered.
    with(&url, "certjid:sécret");
    assert_eq!(
        check(dir, "alice.pem", &[], REFUSED)["reason"],
        "method_unavailable"
    );
}

#[test]
fn a_service_that_is_away_is_no_refusal() {
    let dir = folder();
    let dir = dir.path();
    add(dir, "alice@example.org", "alice.pem");
    let server = Server::start(dir, &[]);
    server.config(dir, &[]);
    check(dir, "alice.pem", &[], ALLOWED);
    let address = server.address.clone();
    drop(server);
    let answer = check(dir, "alice.pem", &[], REFUSED);
    assert_eq!(answer["condition"], "temporary-auth-failure");
    let args = ["--registry", "certificates.db", "--http", &address];
    let _server = Server::start_with(dir, &args, &[]);
    check(dir, "alice.pem", &[], ALLOWED);
}
