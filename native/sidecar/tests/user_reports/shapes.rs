//! Certificates of an old version, and of sizes that are an attack.

use std::fs;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::common::cli::{ALLOWED, REFUSED, UNUSABLE, run};
use crate::common::{self, CONFIG};
use crate::x509::{CN, Contents, SEQUENCE, attribute, common_name, extension, tlv, xmpp_addr};
use crate::{Site, pem};

#[test]
fn r14_version_1_as_the_documentation_makes_it() {
    let site = Site::new(r#"["standard", "common_name"]"#);
    site.issue(&Contents {
        version: 1,
        subject: vec![common_name("alice")],
        ..Contents::default()
    });
    let answer = site.check(&[], ALLOWED);
    assert_eq!(answer["jid"], "alice@localhost");
    assert_eq!(answer["source"], "common_name");
    assert_eq!(site.inspect()["version"], 1);
    let text = run(site.path(), &["inspect", "client.der"], 0);
    let version = text
        .lines()
        .find(|line| line.trim_start().starts_with("version"))
        .unwrap();
    assert!(
        version.contains("version      1 (without extensions")
            && version.contains("for version 3 give `openssl x509 -req` an -extfile"),
        "{version}"
    );
}

/// Within this time everything is refused, on any machine.
const LIMIT: Duration = Duration::from_secs(5);

fn within_limit<T>(what: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = what();
    let taken = begun.elapsed();
    assert!(taken < LIMIT, "it took {taken:?}");
    result
}

/// `inspect` and `check` refuse the certificate in DER and in PEM, and say so.
fn is_refused(site: &Site, der: &[u8], said: &str) {
    fs::write(site.path().join("client.der"), der).unwrap();
    fs::write(site.path().join("client.pem"), pem(der)).unwrap();
    for file in ["client.der", "client.pem"] {
        for command in [
            &["inspect"][..],
            &["inspect", "--json"],
            &[
                "check",
                "--config",
                "mongooseim.toml",
                "--host",
                "localhost",
                "--cert",
            ],
        ] {
            let args = [command, &[file]].concat();
            let err = within_limit(|| run(site.path(), &args, UNUSABLE));
            assert!(err.contains(file) && err.contains(said), "{args:?}: {err}");
            assert!(err.len() < 500, "{} bytes of error", err.len());
        }
    }
}

#[test]
fn r36_a_certificate_of_a_megabyte() {
    let site = Site::new(r#"["standard"]"#);
    let der = site.ca.issue(&Contents {
        san: vec![xmpp_addr("alice@localhost")],
        extensions: vec![extension(&[0x2a, 3, 4], &vec![b'x'; 1_000_000])],
        ..Contents::default()
    });
    let said = format!("{} bytes are too many: 65536 are allowed", der.len());
    is_refused(&site, &der, &said);
}

#[test]
fn r36_ten_thousand_names() {
    let site = Site::new(r#"["standard"]"#);
    let san = (0..10_000)
        .map(|i| xmpp_addr(&format!("user{i}@localhost")))
        .collect();
    let der = site.ca.issue(&Contents {
        san,
        ..Contents::default()
    });
    let said = format!("{} bytes are too many: 65536 are allowed", der.len());
    is_refused(&site, &der, &said);
}

#[test]
fn r36_as_many_names_as_are_allowed() {
    // 10,000 host names of one letter, in a certificate that is not too large.
    let site = Site::new(r#"["standard"]"#);
    let mut san = vec![tlv(0x82, b"a"); 10_000];
    san.push(xmpp_addr("alice@localhost"));
    site.issue(&Contents {
        san,
        ..Contents::default()
    });
    let answer = within_limit(|| site.check(&[], ALLOWED));
    assert_eq!(answer["jid"], "alice@localhost");
    let shown = within_limit(|| site.inspect());
    assert_eq!(shown["names"].as_array().unwrap().len(), 10_001);

    // 1,000 addresses, of which the last is meant.
    for kind in ["standard", "certjid_verification"] {
        let site = Site::new(&format!("[{kind:?}]"));
        let san = (0..1000)
            .map(|i| xmpp_addr(&format!("u{i}@localhost")))
            .collect();
        site.issue(&Contents {
            san,
            ..Contents::default()
        });
        let last = ["--authzid", "u999@localhost"];
        let answer = within_limit(|| site.check(&last, ALLOWED));
        assert_eq!(answer["jid"], "u999@localhost");
        let answer = within_limit(|| site.check(&[], REFUSED));
        assert_eq!(answer["reason"], "authzid_required");
    }
}

#[test]
fn r36_nested_a_hundred_deep() {
    let site = Site::new(r#"["standard"]"#);
    let nested = (0..100).fold(Vec::new(), |inner, _| tlv(SEQUENCE, &inner));
    let in_subject = site.ca.issue(&Contents {
        subject: vec![attribute(CN, &nested)],
        san: vec![xmpp_addr("alice@localhost")],
        ..Contents::default()
    });
    is_refused(&site, &in_subject, "the certificate is nested too deep");
    let in_names = site.ca.issue(&Contents {
        san: vec![tlv(0xa4, &nested), xmpp_addr("alice@localhost")],
        ..Contents::default()
    });
    is_refused(
        &site,
        &in_names,
        "the extension subjectAltName is malformed",
    );
}

#[test]
fn r36_the_sidecar_goes_on() {
    let site = common::Site::new();
    fs::write(site.config(), CONFIG).unwrap();
    let sidecar = site.serve();
    let mut connection = sidecar.connect();
    let mut login = |der: &[u8]| -> Value {
        let request = json!({
            "id": 1, "request": "authenticate", "listener": "c2s", "host": "localhost",
            "chain": [STANDARD.encode(der)],
        });
        within_limit(|| connection.ask(&request))
    };
    let ca = crate::x509::Authority::new();
    let huge = ca.issue(&Contents {
        san: vec![tlv(0x82, b"alice.example"); 10_000],
        ..Contents::default()
    });
    let reply = login(&huge);
    assert_ne!(reply["allowed"], true, "{reply}");
    assert!(reply.to_string().contains("65536"), "{reply}");
    let alice = site.client(&["alice@localhost"]);
    assert_eq!(login(&alice)["jid"], "alice@localhost");
}
