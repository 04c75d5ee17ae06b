//! Services that send rubbish, hang, or are asked by more than they may be.

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use common::slapd::Slapd;
use common::slow_proxy::SlowProxy;
use common::{Site, decide, reason};

/// What a login may take beyond the time-out of the pool, on a machine with other work.
const MARGIN: Duration = Duration::from_secs(2);

#[test]
fn rubbish_from_a_directory_is_no_refusal() {
    let site = Site::new();
    let alice = site.request("alice");
    let nested = (0..20_000).fold(Vec::new(), |inner, _| element(0x30, &inner));
    let depth_17 = (0..17).fold(Vec::new(), |inner, _| element(0x30, &inner));
    let bind = |op: u8, content: &[u8]| {
        element(0x30, &[element(0x02, &[1]), element(op, content)].concat())
    };
    let bound = [&[0x0a, 1, 0, 4, 0, 4, 0][..]].concat();
    let rubbish: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("text", b"220 mail.example.org ESMTP\r\n".to_vec()),
        ("10 MB of zeros", vec![0; 10_000_000]),
        ("10 MB in one message", element(0x30, &vec![4; 10_000_000])),
        ("no end", vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
        ("no length", vec![0x30, 0x80, 2, 1, 1]),
        ("an empty message", element(0x30, &[])),
        ("no message id", element(0x30, &element(0x61, &bound))),
        ("an answer of another kind", bind(0x65, &bound)),
        ("an answer with nothing in it", bind(0x61, &[])),
        ("an answer of one octet", bind(0x61, &[0x0a])),
        ("bound, and then no search result", bind(0x61, &bound)),
        ("deeper than any message", bind(0x61, &depth_17)),
        ("as deep as a stack", nested),
    ];
    for (what, bytes) in rubbish {
        let port = rubbish_server(bytes);
        let config = ldap_config(port, "call_timeout = 700");
        let backed = site.backed(&config);
        let begun = Instant::now();
        let outcome = decide(&backed, &alice);
        assert_eq!(
            reason(&outcome),
            "method_unavailable",
            "{what}: {outcome:?}"
        );
        let took = begun.elapsed();
        assert!(
            took < Duration::from_millis(700) + MARGIN,
            "{what}: {took:?}"
        );
    }
}

#[test]
fn the_second_server_serves_while_the_first_is_down_or_hangs() {
    let site = Site::new();
    let slapd = Slapd::start(site.dir.path());
    let alice = site.request("alice");
    // Nobody listens on that address, and the other hangs.
    let hung = TcpListener::bind(("127.0.0.3", slapd.port)).unwrap();
    for first in ["127.0.0.2", "127.0.0.3"] {
        let config = slapd.config(false, "", "\"ldap\"");
        let backed = site
            .backed(&config.replace("[\"127.0.0.1\"]", &format!("[\"{first}\", \"127.0.0.1\"]")));
        let begun = Instant::now();
        assert_eq!(reason(&decide(&backed, &alice)), "ok", "{first}");
        let first_login = begun.elapsed();
        let begun = Instant::now();
        assert_eq!(reason(&decide(&backed, &alice)), "ok", "{first}");
        assert!(begun.elapsed() < first_login + MARGIN);
    }
    drop(hung);
}

#[test]
fn no_more_connections_than_workers() {
    let site = Site::new();
    let slapd = Slapd::start(site.dir.path());
    let proxy = SlowProxy::start(slapd.port, Duration::from_millis(100));
    let config = slapd.config(false, "", "\"ldap\"");
    let config = config
        .replace(
            &format!("port = {}", slapd.port),
            &format!("port = {}", proxy.port),
        )
        .replace("call_timeout = 2000", "call_timeout = 10_000\nworkers = 3");
    let backed = Arc::new(site.backed(&config));
    let request = site.request("alice");
    let logins: Vec<_> = (0..24)
        .map(|_| {
            let (backed, request) = (Arc::clone(&backed), request.clone());
            thread::spawn(move || reason(&decide(&backed, &request)).to_owned())
        })
        .collect();
    for login in logins {
        assert_eq!(login.join().unwrap(), "ok");
    }
    assert_eq!(proxy.connections(), 3);

    // Where nothing comes, those that wait get an answer all the same, and those who find the
    // queue full get one at once.
    let hung = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = hung.local_addr().unwrap().port();
    let limits = "call_timeout = 3000\nworkers = 1\nmax_worker_queue_len = 8";
    let backed = Arc::new(site.backed(&ldap_config(port, limits)));
    let begun = Instant::now();
    let logins: Vec<_> = (0..24)
        .map(|_| {
            let (backed, request) = (Arc::clone(&backed), request.clone());
            thread::spawn(move || format!("{:?}", decide(&backed, &request)))
        })
        .collect();
    let told: Vec<String> = logins
        .into_iter()
        .map(|login| login.join().unwrap())
        .collect();
    assert!(begun.elapsed() < Duration::from_millis(3000) + MARGIN);
    let of = |what: &str| told.iter().filter(|told| told.contains(what)).count();
    assert_eq!(of("too many logins wait"), 15, "{told:?}");
    assert_eq!(of("TemporaryAuthFailure"), 24, "{told:?}");
}

/// Answers whatever comes first with these bytes, and then nothing more.
fn rubbish_server(bytes: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let bytes = bytes.clone();
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&bytes);
                // Until the other side has enough.
                while let Ok(1..) = stream.read(&mut [0; 4096]) {}
            });
        }
    });
    port
}

/// An element of BER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    let header = if length < 0x80 {
        vec![tag, content.len().to_be_bytes()[7]]
    } else {
        [&[tag, 0x84], &length.to_be_bytes()[..]].concat()
    };
    [&header, content].concat()
}

fn ldap_config(port: u16, pool: &str) -> String {
    format!(
        "[general]\ndefault_server_domain = \"localhost\"\nhosts = [\"localhost\"]\n\
         [auth]\nmethods = [\"ldap\"]\nsasl_mechanisms = [\"external\"]\n[auth.ldap]\n\
         [[listen.c2s]]\nport = 5222\ntls.cacertfile = \"ca.pem\"\n\
         [outgoing_pools.ldap.default]\n{pool}\n\
         connection.servers = [\"127.0.0.1\"]\nconnection.port = {port}\n"
    )
}
