//! S3, S5, S10, S11, K4, K10: trust anchors, the certificates beside them, lists, and policies.

use std::slice;

use rcgen::string::PrintableString;
use rcgen::{
    CertificateParams, CustomExtension, DnValue, ExtendedKeyUsagePurpose, KeyUsagePurpose,
    SerialNumber, date_time_ymd,
};

use super::authority::{Authority, Scope, addressed, der, with_alt_names};
use super::server::{PKI, Server, allowed, request, why};

fn alice(serial: u64) -> CertificateParams {
    let mut params = addressed(&["alice@localhost"]);
    params.serial_number = Some(SerialNumber::from(serial));
    params
}

fn refused_for(reason: &str) -> (&'static str, String) {
    ("not-authorized", reason.to_owned())
}

#[test]
fn a_trust_anchor_is_judged_by_its_dates() {
    let ends = |year, day| {
        move |params: &mut CertificateParams| {
            params.not_after = date_time_ymd(year, 12, day);
        }
    };
    // The clock is at 2026-12-01T00:00:00Z.
    let last_second = Authority::with(ends(2026, 1));
    let leaf = last_second.issue(&alice(1));
    let policy = Server::new(&last_second.pem).load(PKI, "");
    assert_eq!(
        allowed(&policy, &request(slice::from_ref(&leaf))).jid,
        "alice@localhost"
    );

    let expired = Authority::with(ends(2025, 31));
    let leaf = expired.issue(&alice(1));
    let policy = Server::new(&expired.pem).load(PKI, "");
    assert_eq!(
        why(&policy, &request(slice::from_ref(&leaf))),
        refused_for("cert_expired")
    );
    // The renewed one, of the same name and key, vouches for it beside the expired one.
    let both = format!("{}{}", expired.pem, expired.renewed(2099));
    let policy = Server::new(&both).load(PKI, "");
    assert_eq!(allowed(&policy, &request(&[leaf])).jid, "alice@localhost");

    let future = Authority::with(|params| params.not_before = date_time_ymd(2027, 1, 1));
    let policy = Server::new(&future.pem).load(PKI, "");
    let login = request(&[future.issue(&alice(1))]);
    assert_eq!(why(&policy, &login), refused_for("cert_expired"));
}

#[test]
fn a_certificate_below_another_of_the_file_is_judged() {
    let root = Authority::new();
    let middle = root.intermediate_with("middle", |params| {
        params.serial_number = Some(SerialNumber::from(5));
    });
    let login = request(&[middle.issue(&alice(7))]);
    let server = Server::new(&format!("{}{}", middle.pem, root.pem));
    server.write("none.crl", &root.crl(6, 2099));
    server.write("middle.crl", &root.crl(5, 2099));
    let policy = server.load(PKI, "crl_files = ['none.crl']");
    assert_eq!(allowed(&policy, &login).jid, "alice@localhost");
    let policy = server.load(PKI, "crl_files = ['middle.crl']");
    assert_eq!(why(&policy, &login), refused_for("revoked"));

    let old = root.intermediate_with("old", |params| {
        params.not_after = date_time_ymd(2026, 1, 1);
    });
    let login = request(&[old.issue(&alice(7)), old.der.clone()]);
    let policy = Server::new(&format!("{}{}", root.pem, old.pem)).load(PKI, "");
    assert_eq!(why(&policy, &login), refused_for("cert_expired"));
}

#[test]
fn an_intermediate_alone_is_a_trust_anchor() {
    let root = Authority::new();
    let middle = root.intermediate("middle");
    let login = request(&[middle.issue(&alice(7))]);
    let policy = Server::new(&middle.pem).load(PKI, "");
    assert_eq!(allowed(&policy, &login).jid, "alice@localhost");
}

#[test]
fn a_leaf_in_the_ca_file_vouches_for_nobody() {
    let root = Authority::new();
    let leaf = root.leaf("somebody");
    let login = request(&[leaf.issue(&alice(7))]);
    let policy = Server::new(&leaf.pem).load(PKI, "");
    assert_eq!(
        why(&policy, &login),
        refused_for("missing_basic_constraint")
    );
}

#[test]
fn key_usage_and_extended_key_usage_must_agree() {
    let ca = Authority::new();
    let policy = Server::new(&ca.pem).load(PKI, "");
    for (usage, is_for_clients, is_allowed) in [
        (KeyUsagePurpose::DigitalSignature, true, true),
        (KeyUsagePurpose::KeyAgreement, true, true),
        (KeyUsagePurpose::KeyEncipherment, true, false),
        (KeyUsagePurpose::ContentCommitment, true, false),
        (KeyUsagePurpose::KeyEncipherment, false, true),
    ] {
        let mut params = alice(1);
        params.key_usages = vec![usage];
        if is_for_clients {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
        let login = request(&[ca.issue(&params)]);
        if is_allowed {
            assert_eq!(allowed(&policy, &login).jid, "alice@localhost", "{usage:?}");
        } else {
            assert_eq!(
                why(&policy, &login),
                refused_for("invalid_key_usage"),
                "{usage:?}"
            );
        }
    }
}

#[test]
fn a_list_refuses_what_it_names_whatever_its_scope() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    for scope in [Scope::OfAnotherUrl, Scope::ForCas] {
        server.write("ca.crl", &ca.crl_with(7, 2099, 1, Some(scope)));
        let policy = server.load(PKI, "crl_files = ['ca.crl']");
        assert_eq!(
            why(&policy, &request(&[ca.issue(&alice(7))])),
            refused_for("revoked")
        );
        // That it names others tells nothing of this one.
        let other = request(&[ca.issue(&alice(8))]);
        assert_eq!(allowed(&policy, &other).jid, "alice@localhost");
    }
}

#[test]
fn the_newest_of_several_lists_tells_the_status() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    server.write("stale.crl", &ca.crl_with(6, 2026, 1, None));
    server.write("fresh.crl", &ca.crl_with(7, 2099, 2, None));
    for files in ["'stale.crl', 'fresh.crl'", "'fresh.crl', 'stale.crl'"] {
        let policy = server.load(PKI, &format!("crl_files = [{files}]"));
        let login = |serial| request(&[ca.issue(&alice(serial))]);
        assert_eq!(
            allowed(&policy, &login(8)).jid,
            "alice@localhost",
            "{files}"
        );
        // What either of them names is refused.
        for serial in [6, 7] {
            assert_eq!(
                why(&policy, &login(serial)),
                refused_for("revoked"),
                "{files}"
            );
        }
    }
    let policy = server.load(PKI, "crl_files = ['stale.crl']");
    let login = request(&[ca.issue(&alice(8))]);
    let expected = refused_for("revocation_status_undetermined");
    assert_eq!(why(&policy, &login), expected);
}

#[test]
fn names_are_compared_however_they_are_spelt() {
    let root = Authority::new();
    let server = Server::new(&root.pem);
    let printable = |name: &str| DnValue::PrintableString(PrintableString::try_from(name).unwrap());
    for name in [
        printable("Test CA"),
        printable("TEST  CA"),
        DnValue::Utf8String(" test ca ".to_owned()),
    ] {
        let other = root.spelt(name.clone());
        // The certificate, its list, and a CA below, by the same key.
        server.write("ca.crl", &other.crl(7, 2099));
        let policy = server.load(PKI, "crl_files = ['ca.crl']");
        for issuer in [&root, &other] {
            let login = |serial| request(&[issuer.issue(&alice(serial))]);
            assert_eq!(why(&policy, &login(7)), refused_for("revoked"), "{name:?}");
            assert_eq!(
                allowed(&policy, &login(8)).jid,
                "alice@localhost",
                "{name:?}"
            );
        }
        let middle = other.intermediate_with("middle", |params| {
            params.serial_number = Some(SerialNumber::from(7));
        });
        let login = request(&[middle.issue(&alice(9))]);
        server.write("ca.pem", &format!("{}{}", root.pem, middle.pem));
        let policy = server.load(PKI, "crl_files = ['ca.crl']");
        assert_eq!(why(&policy, &login), refused_for("revoked"), "{name:?}");
        let policy = server.load(PKI, "");
        assert_eq!(allowed(&policy, &login).jid, "alice@localhost", "{name:?}");
        server.write("ca.pem", &root.pem);
    }
    // Another name is another name, but a key is a key: what it revokes is revoked, and what it
    // signed is below it.
    let renamed = root.spelt(printable("Renamed CA"));
    server.write("ca.crl", &renamed.crl(7, 2099));
    let policy = server.load(PKI, "crl_files = ['ca.crl']");
    assert_eq!(
        why(&policy, &request(&[root.issue(&alice(7))])),
        refused_for("revoked")
    );
    let middle = renamed.intermediate("middle");
    server.write("ca.pem", &format!("{}{}", root.pem, middle.pem));
    let policy = server.load(PKI, "");
    let login = request(&[middle.issue(&alice(9))]);
    assert_eq!(why(&policy, &login), refused_for("unknown_ca"));
    server.write("ca.pem", &root.pem);
    let stranger = root.spelt(printable("TestCA"));
    let policy = server.load(PKI, "");
    let login = request(&[stranger.issue(&alice(8))]);
    assert_eq!(why(&policy, &login), refused_for("unknown_ca"));
}

#[test]
fn a_ca_below_one_that_can_not_be_read_is_no_trust_anchor() {
    let root = Authority::new();
    let middle = root.intermediate("middle");
    let login = request(&[middle.issue(&alice(7))]);
    let broken = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        "MAMCAQE="
    );
    let policy = Server::new(&format!("{}{broken}", middle.pem)).load(PKI, "");
    assert_eq!(why(&policy, &login), refused_for("unknown_ca"));
    let told = policy.warnings().iter().any(|warning| {
        warning.message.contains("can't be read") && warning.message.contains("self-issued")
    });
    assert!(told);
    let policy = Server::new(&format!("{}{broken}{}", middle.pem, root.pem)).load(PKI, "");
    assert_eq!(allowed(&policy, &login).jid, "alice@localhost");
}

#[test]
fn a_list_that_has_not_begun_tells_nothing() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    let login = |serial| request(&[ca.issue(&alice(serial))]);
    server.write("future.crl", &ca.crl_between(7, 2027, 2099));
    server.write("stale.crl", &ca.crl_between(6, 2025, 2026));
    for files in ["'future.crl'", "'stale.crl', 'future.crl'"] {
        let policy = server.load(PKI, &format!("crl_files = [{files}]"));
        let expected = refused_for("revocation_status_undetermined");
        assert_eq!(why(&policy, &login(8)), expected, "{files}");
        assert_eq!(why(&policy, &login(7)), refused_for("revoked"), "{files}");
    }
}

#[test]
fn extensions_that_can_not_be_read_are_refused() {
    let ca = Authority::new();
    let policy = Server::new(&ca.pem).load(PKI, "");
    for (id, content) in [
        (31, der(0x30, &[b"\x30\x05abc".to_vec()])),
        (31, der(0x30, &[der(0x0c, &[b"abc".to_vec()])])),
        (35, der(0x30, &[der(0x80, &[vec![1]]), vec![0x30, 0x85]])),
        (35, der(0x30, &[der(0x0c, &[vec![1]])])),
        (32, b"nothing".to_vec()),
        (32, der(0x30, &[der(0x0c, &[vec![1]])])),
        (54, der(0x02, &[])),
        (30, der(0x30, &[der(0xa7, &[])])),
        (
            33,
            der(0x30, &[der(0x30, &[der(0x06, &[vec![0x2a, 0x81]])])]),
        ),
    ] {
        let mut params = alice(1);
        params.custom_extensions = vec![critical(&[2, 5, 29, id], content.clone())];
        let login = request(&[ca.issue(&params)]);
        assert_eq!(
            why(&policy, &login),
            refused_for("bad_certificate"),
            "{id} {content:02x?}"
        );
    }
}

#[test]
fn alternative_names_have_the_tags_of_rfc_5280() {
    let ca = Authority::new();
    let kinds = format!("{PKI}\nsasl_external = ['certjid_verification', 'common_name']");
    let policy = Server::new(&ca.pem).load(&kinds, "");
    let oid = || der(0x06, &[vec![0x2b, 6, 1, 5, 5, 7, 8, 5]]);
    let value = || der(0xa0, &[der(0x0c, &[b"mallory@other.example".to_vec()])]);
    let other_name = |tag| der(tag, &[oid(), value()]);
    let tags = [
        0x80, 0x20, 0x60, 0xe0, 0x00, 0x40, 0xc0, 0x30, 0xa9, 0x89, 0x84,
    ];
    let mut entries: Vec<Vec<u8>> = tags.into_iter().map(other_name).collect();
    let wrong_oid = |tag| der(tag, &[vec![0x2b, 6, 1, 5, 5, 7, 8, 5]]);
    entries.extend([
        der(0xa0, &[wrong_oid(0x86), value()]),
        der(0xa0, &[wrong_oid(0xc6), value()]),
        der(0xa0, &[value(), oid()]),
        der(0xa0, &[der(0x30, &[oid(), value()])]),
        der(0xa0, &[]),
    ]);
    for entry in entries {
        let login = request(&[ca.issue(&with_alt_names(slice::from_ref(&entry)))]);
        assert_eq!(
            why(&policy, &login),
            refused_for("bad_certificate"),
            "{entry:02x?}"
        );
    }
}

#[test]
fn certificate_policies_are_processed() {
    let root = Authority::new();
    let policies = |oid: &[u8]| {
        let id = der(0x06, &[oid.to_vec()]);
        critical(&[2, 5, 29, 32], der(0x30, &[der(0x30, &[id])]))
    };
    let (one, other) = (&[0x2a, 1][..], &[0x2a, 2][..]);
    let requires = || critical(&[2, 5, 29, 36], der(0x30, &[der(0x80, &[vec![0]])]));
    let inhibits = || critical(&[2, 5, 29, 54], der(0x02, &[vec![0]]));
    let server = Server::new(&root.pem);
    for (of_middle, of_leaf, is_allowed) in [
        (vec![policies(one), inhibits()], vec![], true),
        (vec![policies(one), requires()], vec![policies(one)], true),
        (
            vec![policies(one), requires(), inhibits()],
            vec![policies(one)],
            true,
        ),
        (
            vec![policies(one), requires()],
            vec![policies(other)],
            false,
        ),
        (vec![policies(one), requires()], vec![], false),
    ] {
        let middle = root.intermediate_with("middle", |params| {
            params.custom_extensions = of_middle.clone();
        });
        let mut params = alice(1);
        params.custom_extensions = of_leaf;
        let login = request(&[middle.issue(&params), middle.der.clone()]);
        let policy = server.load(PKI, "");
        if is_allowed {
            assert_eq!(allowed(&policy, &login).jid, "alice@localhost");
        } else {
            assert_eq!(
                why(&policy, &login),
                refused_for("policy_requirement_not_met")
            );
        }
    }
}

fn critical(oid: &[u64], content: Vec<u8>) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, content);
    extension.set_criticality(true);
    extension
}
