//! Names as other programs write them.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::cli::{ALLOWED, REFUSED, run};
use crate::x509::{
    BMP, CN, COUNTRY, Contents, DC, EMAIL, IA5, PRINTABLE, TELETEX, UNIVERSAL, UTF8, attribute,
    common_name, other_name, raw_xmpp_addr, tlv, xmpp_addr,
};
use crate::{Site, inspect, trail};

#[test]
fn r08_an_xmpp_addr_of_another_encoder() {
    let alice = b"alice@localhost";
    let in_tag = |value: &[u8]| raw_xmpp_addr(&tlv(0xa0, value));
    let doubled = tlv(0xa0, &tlv(UTF8, alice));
    let utf8 = "where RFC 6120 section 13.7.1.4 has a UTF8String";
    let certificates = [
        (
            in_tag(&doubled),
            format!("is written as a second [0] {utf8}"),
        ),
        (
            raw_xmpp_addr(&tlv(UTF8, alice)),
            "lacks the explicit tag [0] around its value".to_owned(),
        ),
        (
            in_tag(&tlv(IA5, alice)),
            format!("is written as IA5String {utf8}"),
        ),
        (
            in_tag(&tlv(PRINTABLE, alice)),
            format!("is written as PrintableString {utf8}"),
        ),
    ];
    for (entry, reason) in certificates {
        let site = Site::new(r#"["standard"]"#);
        site.issue(&Contents {
            subject: vec![common_name("mike")],
            san: vec![entry],
            ..Contents::default()
        });
        let shown = site.inspect();
        assert_eq!(shown["xmpp_addrs"], json!([]), "{reason}");
        assert_eq!(shown["skipped"].as_array().unwrap().len(), 1, "{shown}");
        assert_eq!(shown["skipped"][0]["kind"], "xmppAddr");
        assert_eq!(shown["skipped"][0]["reason"], reason);

        for more in [&[][..], &["--authzid", "alice@localhost"]] {
            let answer = site.check(more, REFUSED);
            assert_eq!(answer["reason"], "no_xmpp_addr", "{reason}");
            let steps = trail(&answer);
            assert!(
                steps[1].starts_with("certificate note xmppAddr \"") && steps[1].ends_with(&reason),
                "{steps:?}"
            );
        }
        assert!(site.explain(&[], REFUSED).contains(&reason));
    }
}

#[test]
fn r08_an_empty_xmpp_addr() {
    for kinds in [
        r#"["standard"]"#,
        r#"["certjid_verification"]"#,
        r#"["standard", "common_name"]"#,
    ] {
        let site = Site::new(kinds);
        site.issue(&Contents {
            subject: vec![common_name("mike")],
            san: vec![xmpp_addr("")],
            ..Contents::default()
        });
        let shown = site.inspect();
        assert_eq!(shown["skipped"][0]["reason"], "is empty and names nobody");
        let answer = site.check(&[], REFUSED);
        assert_eq!(answer["condition"], "not-authorized", "{kinds}");
        let note = "certificate note xmppAddr \"\" is empty and names nobody";
        assert_eq!(trail(&answer)[1], note);
    }
}

#[test]
fn r08_the_same_of_the_corpus() {
    for (name, reason) in [
        ("xa-ia5", "is written as IA5String "),
        ("xa-printable", "is written as PrintableString "),
        ("xa-no-explicit-tag", "lacks the explicit tag [0] "),
        ("xa-inside-sequence", "is written as Sequence "),
        ("xa-empty-explicit", "has no value"),
    ] {
        let shown = corpus(name);
        assert_eq!(shown["xmpp_addrs"], json!([]), "{name}");
        let said = shown["skipped"][0]["reason"].as_str().unwrap();
        assert!(said.starts_with(reason), "{name}: {said}");
    }
}

fn corpus(name: &str) -> Value {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/data/cases/identity");
    inspect(&cases.join(format!("{name}.der")))
}

#[test]
fn r22_attributes_that_nobody_needs() {
    let site = Site::new(r#"["standard", "common_name"]"#);
    site.issue(&Contents {
        subject: vec![
            attribute(DC, &tlv(PRINTABLE, b"example")),
            attribute(COUNTRY, &tlv(UTF8, b"PL")),
            attribute(EMAIL, &tlv(UTF8, "żółw@example.org".as_bytes())),
            common_name("mike"),
        ],
        san: vec![xmpp_addr("alice@localhost")],
        ..Contents::default()
    });
    assert_eq!(site.check(&[], ALLOWED)["jid"], "alice@localhost");
    let shown = site.inspect();
    assert_eq!(shown["skipped"], json!([]));
    assert_eq!(
        shown["names"],
        json!([
            { "kind": "domainComponent", "encoding": "PrintableString", "value": "example" },
            { "kind": "countryName", "encoding": "UTF8String", "value": "PL" },
            { "kind": "emailAddress", "encoding": "UTF8String", "value": "żółw@example.org" },
            { "kind": "commonName", "encoding": "UTF8String", "value": "mike" },
            { "kind": "xmppAddr", "encoding": "UTF8String", "value": "alice@localhost" },
        ])
    );
    for name in ["subject-dc", "subject-email-utf8", "subject-country-3"] {
        assert_eq!(
            corpus(name)["xmpp_addrs"],
            json!(["alice@localhost"]),
            "{name}"
        );
    }
}

#[test]
fn r22_a_long_common_name() {
    for length in [65, 255] {
        let name = "a".repeat(length);
        let site = Site::new(r#"["common_name"]"#);
        for tag in [UTF8, PRINTABLE] {
            site.issue(&Contents {
                subject: vec![attribute(CN, &tlv(tag, name.as_bytes()))],
                ..Contents::default()
            });
            assert_eq!(site.check(&[], ALLOWED)["username"], name);
        }
    }
}

#[test]
fn r22_an_empty_common_name() {
    for kinds in [
        r#"["common_name"]"#,
        r#"["standard", "common_name"]"#,
        r#"["certjid_verification"]"#,
    ] {
        let site = Site::new(kinds);
        site.issue(&Contents {
            subject: vec![common_name("")],
            ..Contents::default()
        });
        let answer = site.check(&[], REFUSED);
        assert_eq!(answer["condition"], "not-authorized", "{kinds}");
        assert_eq!(answer["reason"], "invalid_username", "{kinds}");
        assert!(
            answer["message"].as_str().unwrap().contains("empty"),
            "{answer}"
        );
    }
    // Nor does a prefix make a user of it.
    let site = Site::new("[\"common_name\"]\n  sasl_external_common_name.prefix = \"device-\"");
    site.issue(&Contents {
        subject: vec![common_name("")],
        ..Contents::default()
    });
    assert_eq!(site.check(&[], REFUSED)["reason"], "invalid_username");
}

#[test]
fn r23_jose_in_each_string_type() {
    let utf16: Vec<u8> = "José".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let utf32: Vec<u8> = "José"
        .chars()
        .flat_map(|c| u32::from(c).to_be_bytes())
        .collect();
    for (tag, encoding, bytes) in [
        (UTF8, "UTF8String", "José".as_bytes()),
        (BMP, "BMPString", &utf16),
        (TELETEX, "TeletexString", b"Jos\xe9"),
        (UNIVERSAL, "UniversalString", &utf32),
    ] {
        let site = Site::new(r#"["common_name"]"#);
        site.issue(&Contents {
            subject: vec![attribute(CN, &tlv(tag, bytes))],
            ..Contents::default()
        });
        let shown = site.inspect();
        assert_eq!(shown["common_name"], "José", "{encoding}");
        assert_eq!(shown["names"][0]["encoding"], encoding);
        let answer = site.check(&[], ALLOWED);
        assert_eq!(answer["jid"], "josé@localhost", "{encoding}");
    }
    // The two types that have no é.
    for (tag, encoding) in [(PRINTABLE, "PrintableString"), (IA5, "IA5String")] {
        let site = Site::new(r#"["common_name"]"#);
        site.issue(&Contents {
            subject: vec![attribute(CN, &tlv(tag, b"Jos\xe9"))],
            ..Contents::default()
        });
        let shown = site.inspect();
        assert_eq!(shown["common_name"], Value::Null);
        assert_eq!(
            shown["skipped"][0]["reason"],
            format!("is not a valid {encoding}")
        );
        assert_eq!(site.check(&[], REFUSED)["reason"], "no_common_name");
    }
}

#[test]
fn r24_a_nul_in_a_name() {
    let reason = "has the control character U+0000 in it";
    let refused = |kinds: &str, contents: &Contents<'_>, kind: &str, code: &str| {
        let site = Site::new(kinds);
        site.issue(contents);
        let shown = site.inspect();
        assert_eq!(shown["skipped"][0]["kind"], kind);
        assert_eq!(shown["skipped"][0]["reason"], reason);
        let answer = site.check(&[], REFUSED);
        assert_eq!(answer["reason"], code);
        assert!(
            trail(&answer)[1].contains(reason) && site.explain(&[], REFUSED).contains(reason),
            "{answer}"
        );
    };
    for (tag, bytes) in [
        (UTF8, &b"admin\0.mike"[..]),
        (PRINTABLE, b"admin\0"),
        (BMP, b"\0a\0\0\0b"),
    ] {
        let subject = vec![attribute(CN, &tlv(tag, bytes))];
        let contents = Contents {
            subject,
            ..Contents::default()
        };
        refused(
            r#"["common_name"]"#,
            &contents,
            "commonName",
            "no_common_name",
        );
        refused(
            r#"["certjid_verification"]"#,
            &contents,
            "commonName",
            "no_identity",
        );
    }
    for address in ["alice@localhost\0.evil", "alice\0@localhost", "\0"] {
        let contents = Contents {
            san: vec![xmpp_addr(address)],
            ..Contents::default()
        };
        // Nor does another name count then.
        let with_name = Contents {
            subject: vec![attribute(CN, &tlv(UTF8, b"bob"))],
            san: contents.san.clone(),
            ..Contents::default()
        };
        for contents in [contents, with_name] {
            for (kinds, code) in [
                (r#"["standard", "common_name"]"#, "malformed_xmpp_addr"),
                (r#"["certjid_verification"]"#, "malformed_xmpp_addr"),
                (r#"["cyrsasl_external_verification"]"#, "no_bare_jid"),
            ] {
                refused(kinds, &contents, "xmppAddr", code);
            }
        }
    }
    let shown = corpus("xa-nul");
    assert_eq!(shown["xmpp_addrs"], json!([]));
    assert_eq!(shown["skipped"][0]["value"], "alice@localhost\\x00.evil");
}

#[test]
fn r31_every_name_is_shown() {
    let srv_name = [0x2b, 6, 1, 5, 5, 7, 8, 7];
    let upn = [0x2b, 6, 1, 4, 1, 0x82, 0x37, 20, 2, 3];
    let site = Site::new(r#"["standard"]"#);
    site.issue(&Contents {
        san: vec![
            xmpp_addr("alice@localhost"),
            other_name(&srv_name, &tlv(0xa0, &tlv(IA5, b"_xmpp-client.localhost"))),
            other_name(&upn, &tlv(0xa0, &tlv(UTF8, b"alice@corp.example"))),
            tlv(0x82, b"alice.example"),
            tlv(0x81, b"alice@mail.example"),
        ],
        ..Contents::default()
    });
    let names = [
        ("xmppAddr", "UTF8String", "alice@localhost"),
        ("SRVName", "IA5String", "_xmpp-client.localhost"),
        ("UPN", "UTF8String", "alice@corp.example"),
        ("dNSName", "IA5String", "alice.example"),
        ("rfc822Name", "IA5String", "alice@mail.example"),
    ];
    let shown = site.inspect();
    let expected: Vec<Value> = names
        .iter()
        .map(
            |(kind, encoding, value)| json!({ "kind": kind, "encoding": encoding, "value": value }),
        )
        .collect();
    assert_eq!(shown["names"], json!(expected));
    assert_eq!(shown["xmpp_addrs"], json!(["alice@localhost"]));
    assert_eq!(shown["skipped"], json!([]));

    let text = run(site.path(), &["inspect", "client.der"], 0);
    for (kind, encoding, value) in names {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(kind) && line.contains('('))
            .unwrap_or_else(|| panic!("no {kind}: {text}"));
        assert!(line.ends_with(&format!(" {value} ({encoding})")), "{line}");
    }
}
