//! Client certificates in the headers of a proxy: taken only where the settings say so, and only
//! as that proxy writes them.

mod common;

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_sidecar::backend::Options;
use certjid_sidecar::server::{Limits, Service};
use common::cli::{UNUSABLE, run};
use common::{CONFIG, Sidecar, Site};
use serde_json::{Value, json};

/// A sidecar whose settings trust these proxies.
struct Trusting {
    site: Site,
    sidecar: Sidecar,
}

impl Trusting {
    fn new(trusted: &[&str]) -> Self {
        let site = Site::new();
        let http = CONFIG.replace("c2s", "http").replace("5222", "5285");
        let http = &http[http.find("[[listen").unwrap()..];
        let handlers = "[[listen.http.handlers.mongoose_websocket_handler]]\n\
                        host = \"_\"\npath = \"/ws-xmpp\"\n";
        fs::write(site.config(), [CONFIG, http, handlers].concat()).unwrap();
        let trusted = trusted.iter().map(|text| text.parse().unwrap());
        let service = Service::load(&site.config(), Options::default()).unwrap();
        let service = service.trusting(trusted.collect()).unwrap();
        Self {
            sidecar: site.run(service, Limits::default()),
            site,
        }
    }

    fn ask(&self, request: &Value) -> Value {
        self.sidecar.connect().ask(request)
    }

    fn login(&self, listener: impl Into<Value>, forwarded: Value) -> Value {
        self.ask(&login(listener, forwarded))
    }
}

fn login(listener: impl Into<Value>, forwarded: Value) -> Value {
    json!({
        "id": 1,
        "request": "authenticate",
        "listener": listener.into(),
        "host": "localhost",
        "forwarded": forwarded,
    })
}

fn pem(der: &[u8]) -> String {
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(der)
    )
}

fn escaped(der: &[u8]) -> String {
    let mut text = pem(der);
    for (from, to) in [
        (" ", "%20"),
        ("\n", "%0A"),
        ("+", "%2B"),
        ("/", "%2F"),
        ("=", "%3D"),
    ] {
        text = text.replace(from, to);
    }
    text
}

#[test]
fn each_proxy_s_header_is_a_login() {
    for (proxy, header) in [
        ("nginx", escaped as fn(&[u8]) -> String),
        ("rfc9440", |der| format!(":{}:", STANDARD.encode(der))),
        ("haproxy", |der| STANDARD.encode(der)),
        ("envoy", |der| format!("Hash=ab;Cert=\"{}\"", escaped(der))),
    ] {
        let sidecar = Trusting::new(&[&format!("http={proxy}")]);
        let alice = header(&sidecar.site.client(&["alice@localhost"]));
        let forwarded = json!({"proxy": proxy, "certificate": [alice]});
        // The listener may be named in either way.
        for listener in [json!("http"), json!({"port": 5285})] {
            let reply = sidecar.login(listener, forwarded.clone());
            assert_eq!(reply["jid"], "alice@localhost", "{proxy}: {reply}");
        }

        let mut offer = login("http", forwarded.clone());
        offer["request"] = "mechanisms".into();
        assert_eq!(sidecar.ask(&offer)["external"], true);

        let twice = json!({"proxy": proxy, "certificate": [alice, alice]});
        let reply = sidecar.login("http", twice.clone());
        assert_eq!(reply["condition"], "not-authorized");
        assert_eq!(reply["reason"], "forwarded_doubled", "{proxy}");
        assert_eq!(reply["trail"][0]["what"], "forwarded");
        // Traefik and AWS write chains, which no client has made up.
        let message = reply["message"].as_str().unwrap();
        let (cause, _) = message.split_once(" Have the proxy").unwrap();
        assert!(!cause.contains("client"), "{message}");
        let mut offer = login("http", twice);
        offer["request"] = "mechanisms".into();
        assert_eq!(sidecar.ask(&offer)["reason"], "forwarded_doubled");

        // Whoever signed it, a proxy passes it on.
        let stranger = header(&Site::new().client(&["alice@localhost"]));
        let reply = sidecar.login("http", json!({"proxy": proxy, "certificate": [stranger]}));
        assert_eq!(reply["reason"], "unknown_ca", "{proxy}");
        let reply = sidecar.login("http", json!({"proxy": proxy, "certificate": []}));
        assert_eq!(reply["reason"], "no_peer_cert", "{proxy}");
    }
}

#[test]
fn a_header_counts_only_where_the_settings_say_so() {
    for (trusted, listener, proxy) in [
        (&[][..], "http", "nginx"),
        (&["c2s=nginx"], "http", "nginx"),
        (&["http=nginx"], "c2s", "nginx"),
        (&["http=haproxy"], "http", "nginx"),
        (&["http=nginx"], "no listener", "nginx"),
    ] {
        let sidecar = Trusting::new(trusted);
        let alice = escaped(&sidecar.site.client(&["alice@localhost"]));
        // Nor does an empty list say that there was no certificate.
        for certificate in [json!([alice]), json!([])] {
            let forwarded = json!({"proxy": proxy, "certificate": certificate});
            let reply = sidecar.login(listener, forwarded);
            assert_eq!(reply["allowed"], false);
            assert_eq!(
                reply["reason"], "forwarded_not_trusted",
                "{trusted:?} {listener}"
            );
        }
    }
    // By the port, beside another proxy.
    let sidecar = Trusting::new(&["c2s=haproxy", "5285=nginx"]);
    let alice = escaped(&sidecar.site.client(&["alice@localhost"]));
    let reply = sidecar.login("http", json!({"proxy": "nginx", "certificate": [alice]}));
    assert_eq!(reply["allowed"], true, "{reply}");
}

/// Report R33.
#[test]
fn pem_where_der_is_due_is_refused() {
    let sidecar = Trusting::new(&["http=haproxy", "http=rfc9440"]);
    let der = sidecar.site.client(&["alice@localhost"]);
    let inside = STANDARD.encode(pem(&der));
    for (proxy, value) in [
        ("haproxy", escaped(&der)),
        ("haproxy", inside.clone()),
        ("rfc9440", format!(":{inside}:")),
    ] {
        let reply = sidecar.login("http", json!({"proxy": proxy, "certificate": [value]}));
        assert_eq!(reply["reason"], "forwarded_malformed");
        let message = reply["message"].as_str().unwrap();
        assert!(
            message.starts_with("this is PEM where DER is due"),
            "{message}"
        );
    }
}

#[test]
fn a_request_that_says_two_things_is_an_error() {
    let sidecar = Trusting::new(&["http=nginx"]);
    let der = sidecar.site.client(&["alice@localhost"]);
    let good = json!({"proxy": "nginx", "certificate": [escaped(&der)]});
    let mut request = login("http", good.clone());
    request["chain"] = json!([STANDARD.encode(&der)]);
    assert_eq!(
        sidecar.ask(&request)["message"],
        "\"chain\" and \"forwarded\" exclude each other"
    );
    for (field, value) in [
        ("proxy", json!("apache")),
        ("proxy", json!(null)),
        ("certificate", json!(escaped(&der))),
        ("certificate", json!(null)),
        ("certificate", json!([1])),
        ("chain", json!("x")),
        ("chains", json!([])),
    ] {
        let mut forwarded = good.clone();
        forwarded[field] = value;
        let reply = sidecar.login("http", forwarded);
        assert_eq!(reply["error"], "bad_request", "{field}: {reply}");
    }
    assert_eq!(
        sidecar.login("http", json!("nginx"))["error"],
        "bad_request"
    );
}

#[test]
fn settings_that_can_not_be_meant_are_refused() {
    let site = Site::new();
    for (value, cause) in [
        ("http=nginx", "no such listener"),
        ("c2s=apache", "the proxies are"),
        ("c2s", "is not LISTENER=PROXY"),
    ] {
        let args = ["serve", "--config", "mongooseim.toml", "--socket", "sock"];
        let args = [&args[..], &["--trust-forwarded", value]].concat();
        let error = run(site.dir.path(), &args, UNUSABLE);
        assert!(error.contains(cause), "{value}: {error}");
    }
}
