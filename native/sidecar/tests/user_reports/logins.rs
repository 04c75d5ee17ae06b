//! Who may log in, and why not.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::common::cli::{ALLOWED, REFUSED};
use crate::common::{self, CONFIG};
use crate::x509::{Contents, EMAIL, IA5, UID, UTF8, attribute, common_name, tlv, xmpp_addr};
use crate::{Site, trail};

/// A certificate with one xmppAddr.
fn of(address: &str) -> Contents<'static> {
    Contents {
        san: vec![xmpp_addr(address)],
        ..Contents::default()
    }
}

#[test]
fn r01_a_client_that_always_sends_its_jid() {
    let initial_response = STANDARD.encode("bob@localhost");
    let ways = [
        ["--authzid", "bob@localhost"],
        ["--initial-response", &initial_response],
    ];

    let site = Site::new(r#"["standard"]"#);
    site.issue(&of("bob@localhost"));
    assert_eq!(site.check(&[], ALLOWED)["jid"], "bob@localhost");
    for way in &ways {
        let answer = site.check(way, REFUSED);
        assert_eq!(answer["condition"], "invalid-authzid");
        assert_eq!(answer["reason"], "authzid_equals_only_xmpp_addr");
        let said = site.explain(way, REFUSED);
        assert!(
            said.contains("equals the certificate's only xmppAddr")
                && said.contains("`certjid_verification` would accept it"),
            "{said}"
        );
    }

    let site = Site::new(r#"["certjid_verification"]"#);
    site.issue(&of("bob@localhost"));
    for way in &ways {
        let answer = site.check(way, ALLOWED);
        assert_eq!(answer["jid"], "bob@localhost");
        assert_eq!(answer["kind"], "certjid_verification");
        assert_eq!(answer["source"], "xmppAddr");
    }
}

#[test]
fn r42_the_client_sends_its_full_jid() {
    let full = ["--authzid", "alice@localhost/phone"];
    let site = Site::new(r#"["standard"]"#);
    site.issue(&of("alice@localhost"));
    let answer = site.check(&full, REFUSED);
    assert_eq!(answer["condition"], "invalid-authzid");
    assert_eq!(answer["reason"], "authzid_has_resource");
    let said = site.explain(&full, REFUSED);
    let last = said
        .lines()
        .find(|line| line.starts_with("REFUSED"))
        .unwrap();
    for words in [
        "has the resource \"phone\"",
        "`certjid_verification` would accept it",
        "Use `sasl_external = [\"certjid_verification\"]`",
    ] {
        assert!(last.contains(words), "{last}");
    }

    let site = Site::new(r#"["certjid_verification"]"#);
    site.issue(&of("alice@localhost"));
    assert_eq!(site.check(&full, ALLOWED)["jid"], "alice@localhost");
    site.issue(&of("alice@localhost/desk"));
    assert_eq!(site.check(&full, REFUSED)["reason"], "authzid_mismatch");
    let desk = ["--authzid", "alice@localhost/desk"];
    assert_eq!(site.check(&desk, ALLOWED)["jid"], "alice@localhost");
}

#[test]
fn r43_the_common_name_is_a_whole_jid() {
    for (kinds, name, hint) in [
        (r#"["common_name"]"#, "alice@localhost", true),
        (r#"["standard", "common_name"]"#, "Alice@Localhost", true),
        (r#"["certjid_verification"]"#, "alice@localhost", true),
        (r#"["common_name"]"#, "alice@example.org", false),
    ] {
        let site = Site::new(kinds);
        site.issue(&Contents {
            subject: vec![common_name(name)],
            ..Contents::default()
        });
        let answer = site.check(&[], REFUSED);
        assert_eq!(answer["condition"], "not-authorized", "{kinds}");
        assert_eq!(answer["reason"], "invalid_username", "{kinds}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains("is a whole JID"), "{message}");
        let named = message.contains("cyrsasl_external_verification");
        assert_eq!(named, hint, "{message}");
    }
}

/// Why EXTERNAL is not offered, by `check`; it is the reason of the refusal too.
fn not_offered(site: &Site) -> (String, String) {
    let answer = site.check(&[], REFUSED);
    assert_eq!(answer["offer"]["external"], false);
    assert_eq!(answer["offer"]["reason"], answer["reason"]);
    assert_eq!(answer["offer"]["message"], answer["message"]);
    let part = |name: &str| answer["offer"][name].as_str().unwrap().to_owned();
    let said = site.explain(&[], REFUSED);
    assert!(
        said.contains("EXTERNAL is not offered to this client"),
        "{said}"
    );
    assert!(said.contains(&part("message")), "{said}");
    (part("reason"), part("message"))
}

#[test]
fn r03_no_method_that_serves_external() {
    let site = Site::new(r#"["standard"]"#);
    site.issue(&of("bob@localhost"));
    assert_eq!(site.check(&[], ALLOWED)["offer"]["external"], true);
    assert!(site.warnings().contains("no faults, no warnings"));

    site.configure(&CONFIG.replace(r#"["pki"]"#, r#"["internal"]"#));
    let (reason, message) = not_offered(&site);
    assert_eq!(reason, "no_method");
    assert!(message.contains("auth.methods (internal)"), "{message}");
    let warnings = site.warnings();
    assert!(
        warnings
            .contains("auth.methods: sasl_mechanisms has \"external\", but none of the methods"),
        "{warnings}"
    );
}

#[test]
fn r03_external_is_no_mechanism() {
    let site = Site::new(r#"["standard"]"#);
    site.issue(&of("bob@localhost"));
    for mechanisms in [r#"sasl_mechanisms = ["scram_sha256"]"#, ""] {
        site.configure(&CONFIG.replace(r#"sasl_mechanisms = ["external"]"#, mechanisms));
        let (reason, message) = not_offered(&site);
        assert_eq!(reason, "external_not_configured");
        assert!(message.contains("auth.sasl_mechanisms"), "{message}");
        let warnings = site.warnings();
        assert!(
            warnings.contains("sasl_mechanisms has no \"external\""),
            "{warnings}"
        );
    }
}

#[test]
fn r03_an_option_under_a_wrong_key() {
    let site = Site::new(r#"["standard"]"#);
    for (right, wrong) in [
        ("sasl_mechanisms", "sasl_mechanism"),
        ("methods", "method_s"),
        ("verify_mode", "verify-mode"),
        ("cacertfile", "cacert_file"),
    ] {
        let config = CONFIG.replace(right, wrong);
        let line = 1 + config
            .lines()
            .position(|line| line.contains(wrong))
            .unwrap();
        site.configure(&config);
        let faults = site.faults();
        let fault = faults
            .lines()
            .find(|fault| fault.contains(wrong))
            .unwrap_or_else(|| panic!("{wrong} is not named: {faults}"));
        assert!(
            fault.contains(&format!("mongooseim.toml:{line}:")),
            "{fault}"
        );
        assert!(fault.contains(&format!("did you mean {right}?")), "{fault}");
    }
}

#[test]
fn r03_no_valid_certificate() {
    let site = Site::new(r#"["standard"]"#);
    site.issue(&Contents {
        not_after: "240201000000Z",
        ..of("bob@localhost")
    });
    let (reason, message) = not_offered(&site);
    assert_eq!(reason, "cert_expired");
    assert!(message.contains("on Thu, 01 Feb 2024"), "{message}");
    let earlier = ["--time", "2024-01-15T00:00:00Z"];
    assert_eq!(site.check(&earlier, ALLOWED)["offer"]["external"], true);
}

#[test]
fn r03_mechanisms_names_the_condition() {
    let site = common::Site::new();
    let bob = STANDARD.encode(site.client(&["bob@localhost"]));
    let offer = |config: &str, chain: Value| {
        fs::write(site.config(), config).unwrap();
        site.serve().connect().ask(&json!({
            "id": 1, "request": "mechanisms", "listener": "c2s", "host": "localhost", "chain": chain,
        }))
    };
    assert_eq!(
        offer(CONFIG, json!([bob]))["mechanisms"],
        json!(["EXTERNAL"])
    );
    for (config, chain, reason) in [
        (CONFIG.to_owned(), json!([]), "no_peer_cert"),
        (
            CONFIG.replace(r#"["external"]"#, r#"["plain"]"#),
            json!([bob]),
            "external_not_configured",
        ),
        (
            CONFIG.replace(r#"["pki"]"#, r#"["internal"]"#),
            json!([bob]),
            "no_method",
        ),
        (
            CONFIG.replace(r#""peer""#, r#""none""#),
            json!([bob]),
            "verify_mode_none",
        ),
    ] {
        let reply = offer(&config, chain);
        assert_eq!(reply["external"], false, "{reply}");
        assert_eq!(reply["mechanisms"], json!([]), "{reply}");
        assert_eq!(reply["reason"], reason, "{reply}");
    }
}

#[test]
fn r04_the_common_name_is_a_real_name() {
    let site = Site::new(r#"["standard", "common_name"]"#);
    site.issue(&Contents {
        subject: vec![
            common_name("Jane Doe"),
            attribute(UID, &tlv(UTF8, b"jdoe")),
            attribute(EMAIL, &tlv(IA5, b"jane@example.org")),
        ],
        ..Contents::default()
    });
    let answer = site.check(&[], REFUSED);
    assert_eq!(answer["condition"], "not-authorized");
    assert_eq!(answer["reason"], "invalid_username");
    let message = answer["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "the common name gives the user name \"Jane Doe\", which is not a valid local part"
        ),
        "{message}"
    );

    let shown = site.inspect();
    assert_eq!(shown["common_name"], "Jane Doe");
    assert_eq!(shown["xmpp_addrs"], json!([]));
    assert_eq!(
        shown["names"],
        json!([
            { "kind": "commonName", "encoding": "UTF8String", "value": "Jane Doe" },
            { "kind": "UID", "encoding": "UTF8String", "value": "jdoe" },
            { "kind": "emailAddress", "encoding": "IA5String", "value": "jane@example.org" },
        ])
    );

    let site = Site::new(r#"["certjid_verification"]"#);
    site.issue(&Contents {
        subject: vec![common_name("Jane Doe")],
        ..Contents::default()
    });
    let answer = site.check(&[], REFUSED);
    assert_eq!(answer["reason"], "invalid_username");
}

#[test]
fn r04_renewal_is_warned_of_before_expiry() {
    let site = Site::new(r#"["standard"]"#);
    site.issue(&of("bob@localhost"));
    let at = |time| site.explain(&["--time", time], ALLOWED);
    assert!(!at("2099-11-01T00:00:00Z").contains("expires"));
    assert!(at("2099-12-11T00:00:00Z").contains("it expires in 20 days"));
    assert!(at("2099-12-31T12:00:00Z").contains("it expires within a day"));
}

#[test]
fn r11_a_certificate_without_any_jid_is_anybody() {
    let site = Site::new(r#"["auth_id"]"#);
    site.issue(&Contents {
        subject: vec![attribute(UID, &tlv(UTF8, b"mike"))],
        ..Contents::default()
    });
    let answer = site.check(&["--authzid", "admin@localhost"], ALLOWED);
    assert_eq!(answer["jid"], "admin@localhost");
    assert_eq!(answer["source"], "authzid");
    assert_eq!(answer["kind"], "auth_id");
    let warnings = site.warnings();
    assert!(
        warnings.contains("any accepted certificate logs in as any user of the host"),
        "{warnings}"
    );
    // Not so as XEP-0178 has it.
    site.configure(&CONFIG.replace("standard", "certjid_verification"));
    let answer = site.check(&["--authzid", "admin@localhost"], REFUSED);
    assert_eq!(answer["reason"], "no_identity");
    assert!(site.warnings().contains("no faults, no warnings"));
}

#[test]
fn r12_the_holder_of_bobs_certificate_is_mike() {
    let site = Site::new(r#"["standard", "auth_id"]"#);
    site.issue(&of("bob@localhost"));
    let as_mike = ["--authzid", "mike@localhost"];
    let answer = site.check(&as_mike, ALLOWED);
    assert_eq!(answer["jid"], "mike@localhost");
    assert_eq!(answer["kind"], "auth_id");
    let steps = trail(&answer);
    assert!(
        steps[1].starts_with("standard invalid-authzid "),
        "{steps:?}"
    );
    assert_eq!(
        steps[2],
        "auth_id ok the authorization identity names mike@localhost"
    );
    let warnings = site.warnings();
    assert!(
        warnings.contains("auth.sasl_external: auth_id believes the client")
            && warnings.contains("behind standard, a certificate for alice logs in as bob"),
        "{warnings}"
    );

    site.configure(&CONFIG.replace("standard", "certjid_verification"));
    let answer = site.check(&as_mike, REFUSED);
    assert_eq!(answer["condition"], "invalid-authzid");
    assert_eq!(answer["reason"], "authzid_mismatch");
}
