//! The method `http`: what goes over the wire, and what each answer leads to.

mod common;

use std::fs;
use std::time::{Duration, Instant};

use certjid_core::decide::{Decided, Request};
use certjid_sidecar::backend::{Backed, Options};
use certjid_sidecar::metrics::Metrics;
use common::http_service::{Service, answer, pem};
use common::{Site, decide, decide_and_count};

#[test]
fn the_request_is_mongooseim_s() {
    let site = Site::new();
    let alice = site.client(&["Żółw@localhost"]);
    let service = Service::start(answer(200, &pem(&alice)));
    let allowed = login(&site, &service.config("\"http\"", ""), &alice);
    let Ok(allowed) = allowed else {
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
fn user_names_are_encoded_as_forms_are() {
    let site = Site::new();
    let service = Service::start(answer(204, ""));
    let backed = site.backed(&service.config("\"http\"", ""));
    for (user, encoded) in [
        ("alice", "alice"),
        ("a.b-c_d*", "a.b-c_d*"),
        ("a+b~c%d", "a%2Bb%7Ec%25d"),
        ("a=b;c?d#e", "a%3Db%3Bc%3Fd%23e"),
        ("Straße", "strasse"),
        ("ΚΌΣΜΟΣ", "%CE%BA%CF%8C%CF%83%CE%BC%CE%BF%CF%83"),
        ("ユーザー", "%E3%83%A6%E3%83%BC%E3%82%B6%E3%83%BC"),
    ] {
        let _ = decide(&backed, &site.request(user));
        let request = service.requests.recv().unwrap();
        let expected =
            format!("GET /auth/get_certs?user={encoded}&server=localhost&pass= HTTP/1.1");
        assert_eq!(request[0], expected);
        let host = format!("host: 127.0.0.1:{}", service.port);
        assert!(
            request.iter().any(|line| line.eq_ignore_ascii_case(&host)),
            "{request:?}"
        );
    }
}

#[test]
fn requests_follow_one_another_on_one_connection_and_twice_on_two() {
    let site = Site::new();
    let alice = site.request("alice");
    let service = Service::start(answer(200, &pem(&alice.chain[0])));
    let backed = site.backed(&service.config("\"http\"", ""));
    for _ in 0..5 {
        assert_eq!(condition(&decide(&backed, &alice)), None);
    }
    assert_eq!(service.requests.try_iter().count(), 5);
    assert_eq!(service.connections(), 1);

    // A connection that ends without an answer is tried once more.
    let service = Service::start(Vec::new());
    let outcome = decide(&site.backed(&service.config("\"http\"", "")), &alice);
    assert_eq!(condition(&outcome), Some("temporary-auth-failure"));
    assert_eq!(service.requests.try_iter().count(), 2);
}

#[test]
fn a_path_prefix_is_put_before_the_name_as_it_is() {
    let site = Site::new();
    let service = Service::start(answer(204, ""));
    let config = service.config("\"http\"", "").replace("/auth/", "/auth");
    let _ = decide(&site.backed(&config), &site.request("alice"));
    let request = service.requests.recv().unwrap();
    assert!(
        request[0].starts_with("GET /authget_certs?user=alice&"),
        "{}",
        request[0]
    );

    for bad in ["auth/", "/a b/", "/auth/#", "/auth?a=b&"] {
        fs::write(
            site.config(),
            service.config("\"http\"", "").replace("/auth/", bad),
        )
        .unwrap();
        let errors = Backed::load(&site.config(), &Options::default())
            .err()
            .unwrap();
        assert!(errors.to_string().contains("path_prefix"), "{errors}");
    }
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
        (answer(201, &pem(&alice)), unavailable),
        (answer(204, ""), refused),
        (answer(206, &pem(&alice)), unavailable),
        (answer(302, ""), unavailable),
        (answer(400, ""), refused),
        (answer(401, ""), unavailable),
        (answer(403, &pem(&alice)), refused),
        (answer(404, ""), refused),
        (answer(407, ""), unavailable),
        (answer(409, ""), refused),
        (answer(429, ""), unavailable),
        (answer(500, ""), unavailable),
        (answer(503, &pem(&alice)), unavailable),
        (answer(200, &"x".repeat(10_000_000)), unavailable),
        (b"garbage\r\n\r\n".to_vec(), unavailable),
        (Vec::new(), unavailable),
    ];
    // Nobody is refused by a service that counts as down, nor the reverse.
    let answered = |metrics: &Metrics| metrics.services().values().any(|health| health.up);
    for (reply, expected) in cases {
        let told = String::from_utf8_lossy(&reply[..reply.len().min(60)]).into_owned();
        let service = Service::start(reply);
        let backed = site.backed(&service.config("\"http\"", ""));
        let (outcome, metrics) = decide_and_count(&backed, &with_chain(&site, &alice));
        assert_eq!(condition(&outcome), expected, "{told}: {outcome:?}");
        assert_eq!(answered(&metrics), expected != unavailable, "{told}");
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
    let Err(refused) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(refused.reason.as_str(), "method_refused");
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

fn login(site: &Site, config: &str, der: &[u8]) -> Decided {
    decide(&site.backed(config), &with_chain(site, der))
}

fn with_chain(site: &Site, der: &[u8]) -> Request {
    Request {
        chain: vec![der.to_vec()],
        ..site.request("nobody")
    }
}

fn condition(outcome: &Decided) -> Option<&'static str> {
    match outcome {
        Ok(_) => None,
        Err(refused) => Some(refused.condition.as_str()),
    }
}
