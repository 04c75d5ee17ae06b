//! The method `http`: what goes over the wire, and what each answer leads to.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use certjid_core::config::ListenerRef;
use certjid_core::policy::{self, Authzid, Outcome, Request};
use certjid_core::verify::CrlPolicy;
use certjid_sidecar::backend::Backed;
use common::Site;
use rustls::crypto::aws_lc_rs;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

#[test]
fn the_request_is_mongooseim_s() {
    let site = Site::new();
    let alice = site.client(&["Żółw@localhost"]);
    let service = Service::start(answer(200, &pem(&alice)));
    let allowed = login(&site, &service.config("\"http\"", ""), &alice);
    let Outcome::Allowed(allowed) = allowed else {
        panic!("{allowed:?}")
    };
    assert_eq!(
        (allowed.jid.as_str(), allowed.method.as_str()),
        ("żółw@localhost", "http")
    );

    let request = service.requests.recv().unwrap();
    assert_eq!(
        request[0],
        "GET /auth/get_certs?user=%C5%BC%C3%B3%C5%82w&server=localhost&pass= HTTP/1.1"
    );
    // "admin:secret"
    let header = "authorization: Basic YWRtaW46c2VjcmV0";
    assert!(
        request.iter().any(|line| line.eq_ignore_ascii_case(header)),
        "{request:?}"
    );
}

#[test]
fn each_answer_is_read_as_mongooseim_reads_it() {
    let site = Site::new();
    let (alice, bob) = (
        site.client(&["alice@localhost"]),
        site.client(&["bob@localhost"]),
    );
    let several = format!("text\n{}between\n{}", pem(&bob), pem(&alice));
    let (refused, unavailable) = (Some("not-authorized"), Some("temporary-auth-failure"));
    let cases = [
        (answer(200, &several), None),
        (answer(200, &pem(&bob)), refused),
        (answer(200, ""), refused),
        (
            answer(
                200,
                "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
            ),
            refused,
        ),
        (answer(201, &pem(&alice)), refused),
        (answer(204, ""), refused),
        (answer(302, ""), refused),
        (answer(401, ""), refused),
        (answer(404, ""), refused),
        (answer(500, ""), unavailable),
        (answer(200, &"x".repeat(10_000_000)), unavailable),
        (b"garbage\r\n\r\n".to_vec(), unavailable),
        (Vec::new(), unavailable),
    ];
    for (reply, expected) in cases {
        let told = String::from_utf8_lossy(&reply[..reply.len().min(60)]).into_owned();
        let service = Service::start(reply);
        let outcome = login(&site, &service.config("\"http\"", ""), &alice);
        assert_eq!(condition(&outcome), expected, "{told}: {outcome:?}");
    }
}

#[test]
fn a_service_that_is_down_or_hangs_is_no_refusal() {
    let site = Site::new();
    let alice = site.client(&["alice@localhost"]);
    let down = Service::down();
    let outcome = login(&site, &down.config("\"http\"", ""), &alice);
    assert_eq!(condition(&outcome), Some("temporary-auth-failure"));
    // Another method decides, before it or behind it.
    for methods in [
        "\"http\", \"pki\"",
        "\"pki\", \"http\"",
        "\"rdbms\", \"http\", \"pki\"",
    ] {
        let outcome = login(&site, &down.config(methods, ""), &alice);
        assert_eq!(condition(&outcome), None, "{methods}: {outcome:?}");
    }

    let hung = Service::hung();
    let begun = Instant::now();
    let outcome = login(
        &site,
        &hung.config("\"http\"", "request_timeout = 300"),
        &alice,
    );
    assert_eq!(condition(&outcome), Some("temporary-auth-failure"));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );

    let refusing = Service::start(answer(204, ""));
    let outcome = login(&site, &refusing.config("\"http\"", ""), &alice);
    let Outcome::Refused(refused) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(refused.reason, "method_refused");
    assert_eq!(refused.trail.last().unwrap().what, "http");
}

#[test]
fn https_is_verified_as_the_pool_says() {
    let (site, other) = (Site::new(), Site::new());
    let alice = site.client(&["alice@localhost"]);
    let folder = site.path("service");
    fs::create_dir(&folder).unwrap();
    common::cli::run(&folder, &["dev-cert", "--server", "localhost"], 0);
    let service = Service::start_tls(&folder, answer(200, &pem(&alice)));
    let ca = folder.join("ca.pem");
    let other_ca = other.path("ca.pem");
    for (options, expected) in [
        (format!("tls.cacertfile = {ca:?}"), None),
        (
            format!("tls.cacertfile = {other_ca:?}"),
            Some("temporary-auth-failure"),
        ),
        ("tls.verify_mode = \"none\"".to_owned(), None),
    ] {
        let config = service
            .config("\"http\"", &options)
            .replace("http://", "https://");
        let outcome = login(&site, &config, &alice);
        assert_eq!(condition(&outcome), expected, "{options}: {outcome:?}");
    }
}

fn login(site: &Site, config: &str, der: &[u8]) -> Outcome {
    fs::write(site.config(), config).unwrap();
    let request = Request {
        listener: ListenerRef::Name("c2s".to_owned()),
        host: "localhost".to_owned(),
        host_type: None,
        chain: vec![der.to_vec()],
        authzid: Authzid::Absent,
        verified: None,
        answers: Default::default(),
    };
    Backed::load(&site.config(), CrlPolicy::default())
        .unwrap()
        .authenticate(&request, policy::now())
}

fn condition(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Allowed(_) => None,
        Outcome::Refused(refused) => Some(refused.condition.as_str()),
        Outcome::AskModule(_) => panic!("no module is configured"),
    }
}

fn pem(der: &[u8]) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", der))
}

fn answer(status: u16, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A service on a free port of the loopback, with one answer for all.
struct Service {
    port: u16,
    requests: Receiver<Vec<String>>,
    /// Kept so that a service that hangs takes connections.
    _listener: Option<TcpListener>,
}

impl Service {
    fn start(reply: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let lines = read_request(&stream);
                let _ = (&stream).write_all(&reply);
                if sender.send(lines).is_err() {
                    return;
                }
            }
        });
        Self {
            port,
            requests,
            _listener: None,
        }
    }

    /// With the server.pem and server.key of a folder.
    fn start_tls(folder: &Path, reply: Vec<u8>) -> Self {
        let read = |name: &str| folder.join(name);
        let chain = CertificateDer::pem_file_iter(read("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(read("server.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.collect::<Result<_, _>>().unwrap(), key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut tls = StreamOwned::new(connection, stream);
                // A client that does not trust this service goes away.
                if tls.read(&mut [0; 4096]).is_ok() {
                    let _ = tls.write_all(&reply);
                    tls.conn.send_close_notify();
                    let _ = tls.flush();
                }
            }
        });
        Self {
            port,
            requests: mpsc::channel().1,
            _listener: None,
        }
    }

    fn down() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Self {
            port,
            requests: mpsc::channel().1,
            _listener: None,
        }
    }

    fn hung() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self {
            port,
            requests: mpsc::channel().1,
            _listener: Some(listener),
        }
    }

    fn config(&self, methods: &str, connection: &str) -> String {
        format!(
            "[general]\ndefault_server_domain = \"localhost\"\nhosts = [\"localhost\"]\n\
             [auth]\nmethods = [{methods}]\nsasl_mechanisms = [\"external\"]\n\
             [auth.http]\nbasic_auth = \"admin:secret\"\n[auth.pki]\n[auth.rdbms]\n\
             [[listen.c2s]]\nport = 5222\n[listen.c2s.tls]\ncacertfile = \"ca.pem\"\n\
             [outgoing_pools.http.auth]\n[outgoing_pools.http.auth.connection]\n\
             host = \"http://127.0.0.1:{}\"\npath_prefix = \"/auth/\"\n{connection}\n",
            self.port
        )
    }
}

fn read_request(stream: &TcpStream) -> Vec<String> {
    BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect()
}
