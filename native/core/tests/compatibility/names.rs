//! S6, S7, K3, K8: what a certificate says.

use std::fs;
use std::slice;

use certjid_core::certificate::{Certificate, CertificateError};
use certjid_core::reason::Reason;
use rcgen::DnValue;
use rcgen::string::{BmpString, Ia5String, PrintableString, TeletexString, UniversalString};

use super::authority::{Authority, der, named, typed, with_alt_names, xmpp_addr};
use super::server::{
    NOW, PKI, Server, allowed, case, refused, request, row, tried, why, with_authzid,
};

#[test]
fn bytes_that_are_no_text_are_no_name() {
    for name in ["cn-newline", "cn-utf8-invalid"] {
        assert!(!row("identity.jsonl", name)["common_name"].is_null());
        let certificate = identity(name).unwrap();
        assert_eq!(certificate.common_name(), None, "{name}");
        assert_eq!(certificate.skipped().len(), 1, "{name}");
        assert!(!certificate.skipped()[0].reason.is_empty());
    }
    for (name, left) in [
        ("xa-nul", 0),
        ("xa-invalid-utf8", 0),
        ("xa-invalid-utf8-and-good", 1),
    ] {
        let measured = row("identity.jsonl", name)["xmpp_addrs"].clone();
        assert_eq!(measured.as_array().unwrap().len(), left + 1);
        let certificate = identity(name).unwrap();
        assert_eq!(certificate.xmpp_addrs().len(), left, "{name}");
        assert_eq!(certificate.skipped().len(), 1, "{name}");
    }

    let ca = Authority::new();
    let kinds = format!("{PKI}\nsasl_external = ['standard', 'common_name']");
    let policy = Server::new(&ca.pem).load(&kinds, "");
    let login = request(&[ca.issue(&named("alice\0"))]);
    let expected = ("invalid-authzid", "no_common_name".to_owned());
    assert_eq!(why(&policy, &login), expected);
    let refused = refused(&policy, &login, NOW);
    assert!(refused.trail.iter().any(|step| step.outcome == "note"));
}

#[test]
fn an_xmpp_addr_is_one_primitive_utf8_string() {
    let ca = Authority::new();
    let policy = Server::new(&ca.pem).load(PKI, "");
    let text = b"alice@localhost".to_vec();
    let good = der(0xa0, &[der(0x0c, slice::from_ref(&text))]);
    let login = |value| request(&[ca.issue(&with_alt_names(&[xmpp_addr(value)]))]);
    assert_eq!(allowed(&policy, &login(good)).username, "alice");

    let split = der(0x2c, &[der(0x0c, slice::from_ref(&text))]);
    let trailing = [der(0x0c, slice::from_ref(&text)), der(0x05, &[])];
    for value in [
        der(0xa0, &[der(0x16, slice::from_ref(&text))]),
        der(0xa0, &[der(0x1e, slice::from_ref(&text))]),
        der(0xa0, &trailing),
        der(0xa0, &[split]),
    ] {
        let refused = refused(&policy, &login(value), NOW);
        assert_eq!(refused.condition.as_str(), "not-authorized");
        let reason = refused.reason.as_str();
        assert!(
            ["no_xmpp_addr", "bad_certificate"].contains(&reason),
            "{reason}"
        );
    }

    // The common name carol: MongooseIM's own kind passes over the entry, ours never does.
    let other = xmpp_addr(der(0xa0, &[der(0x16, slice::from_ref(&text))]));
    let login = request(&[ca.issue(&with_alt_names(&[other]))]);
    let kinds = |kinds: &str| {
        let auth = format!("{PKI}\nsasl_external = [{kinds}]");
        Server::new(&ca.pem).load(&auth, "")
    };
    let carol = allowed(&kinds("'standard', 'common_name'"), &login);
    assert_eq!(
        (carol.username.as_str(), carol.source),
        ("carol", "common_name")
    );
    let expected = ("not-authorized", "malformed_xmpp_addr".to_owned());
    assert_eq!(why(&kinds("'certjid_verification'"), &login), expected);
}

#[test]
fn a_certificate_that_two_programs_could_read_differently_is_refused() {
    for name in [
        "der-trailing",
        "san-trailing",
        "san-twice",
        "time-bad",
        "time-offset",
        "xa-long-length-form",
    ] {
        assert_eq!(row("identity.jsonl", name)["decode"], "ok", "{name}");
        assert!(identity(name).is_err(), "{name}");
    }
    let ca = Authority::new();
    let policy = Server::new(&ca.pem).load(PKI, "");
    let mut trailing = ca.issue(&super::authority::addressed(&["alice@localhost"]));
    trailing.push(0);
    let expected = ("not-authorized", "bad_certificate".to_owned());
    assert_eq!(why(&policy, &request(&[trailing])), expected);
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    let mut der = fs::read(case("identity/v2.der")).unwrap();
    let version = [0xa0, 3, 2, 1, 1];
    let at = der.windows(5).position(|window| window == version).unwrap() + 4;
    assert_eq!(Certificate::from_der(&der).unwrap().version(), 2);
    der[at] = 10;
    let refused = Certificate::from_der(&der).unwrap_err();
    assert_eq!(refused, CertificateError::UnknownVersion);
}

#[test]
fn an_empty_common_name_is_no_user() {
    let ca = Authority::new();
    let auth = format!(
        "{PKI}\nsasl_external = ['common_name']\nsasl_external_common_name.prefix = 'user_'"
    );
    let policy = Server::new(&ca.pem).load(&auth, "");
    let login = request(&[ca.issue(&named(""))]);
    let expected = ("not-authorized", "invalid_username".to_owned());
    assert_eq!(why(&policy, &login), expected);
    let bob = request(&[ca.issue(&named("bob"))]);
    assert_eq!(allowed(&policy, &bob).username, "user_bob");
}

#[test]
fn an_unusable_user_name_ends_the_login_and_is_named() {
    let ca = Authority::new();
    let auth = "methods = ['ldap', 'pki']\nldap.base = 'dc=example'\npki = {}\n\
                sasl_external = ['standard', 'common_name', 'auth_id']\n\
                [outgoing_pools.ldap.default.connection]\nservers = ['localhost']";
    let policy = Server::new(&ca.pem).load(auth, "");
    let jane = refused(&policy, &request(&[ca.issue(&named("Jane Doe"))]), NOW);
    assert_eq!(jane.condition.as_str(), "not-authorized");
    assert_eq!(jane.reason, Reason::InvalidUsername);
    assert!(jane.message.contains("Jane Doe"), "{}", jane.message);
    assert!(jane.message.contains("common name"), "{}", jane.message);
    // No method is asked, and auth_id is not tried.
    let kinds = [
        ("standard", "not-authorized"),
        ("common_name", "not-authorized"),
    ];
    assert_eq!(tried(&jane), kinds);

    let domain = ca.issue(&super::authority::addressed(&["localhost"]));
    let domain = refused(&policy, &request(&[domain]), NOW);
    assert_eq!(domain.reason, Reason::InvalidUsername);
    assert_eq!(tried(&domain), [("standard", "not-authorized")]);
}

#[test]
fn a_common_name_of_any_string_type_counts() {
    let ca = Authority::new();
    let auth = format!("{PKI}\nsasl_external = ['common_name']");
    let policy = Server::new(&ca.pem).load(&auth, "");
    for value in [
        DnValue::BmpString(BmpString::try_from("alice").unwrap()),
        DnValue::Ia5String(Ia5String::try_from("alice").unwrap()),
        DnValue::PrintableString(PrintableString::try_from("alice").unwrap()),
        DnValue::TeletexString(TeletexString::try_from("alice").unwrap()),
        DnValue::UniversalString(UniversalString::try_from("alice").unwrap()),
        DnValue::Utf8String("alice".to_owned()),
    ] {
        let leaf = ca.issue(&typed(value.clone()));
        assert_eq!(
            allowed(&policy, &request(&[leaf])).username,
            "alice",
            "{value:?}"
        );
    }
    for (name, common_name) in [
        ("cn-visible", "alice"),
        ("cn-numeric", "12345"),
        ("cn-bmp-nonascii", "żółw"),
        ("cn-empty-printable", ""),
        // The serial number beside it has a type that its definition does not know.
        ("subject-serial-utf8", "alice"),
    ] {
        let certificate = identity(name).unwrap();
        assert_eq!(certificate.common_name(), Some(common_name), "{name}");
    }
}

#[test]
fn one_malformed_entry_does_not_hide_the_others() {
    let ca = Authority::new();
    let policy = Server::new(&ca.pem).load(PKI, "");
    let bare = xmpp_addr(der(0x0c, &[b"mallory@localhost".to_vec()]));
    let good = xmpp_addr(der(0xa0, &[der(0x0c, &[b"alice@localhost".to_vec()])]));
    let login = request(&[ca.issue(&with_alt_names(&[bare, good]))]);
    let alice = allowed(&policy, &login);
    assert_eq!(alice.jid, "alice@localhost");
    assert!(alice.trail.iter().any(|step| step.outcome == "note"));

    let certificate = identity("xa-no-explicit-tag").unwrap();
    assert_eq!(certificate.common_name(), Some("alice"));
    let certificate = identity("spki-unknown-alg").unwrap();
    assert_eq!(certificate.xmpp_addrs(), ["alice@localhost"]);
}

#[test]
fn an_unknown_key_does_not_hide_the_identity() {
    assert_ne!(row("identity.jsonl", "spki-unknown-alg")["decode"], "ok");
    let certificate = identity("spki-unknown-alg").unwrap();
    assert_eq!(certificate.common_name(), Some("alice"));
}

/// What the others rely on: a plain certificate logs in with its names, in either kind.
#[test]
fn a_plain_certificate_answers_as_in_mongooseim() {
    let ca = Authority::new();
    let kinds = format!("{PKI}\nsasl_external = ['standard', 'common_name']");
    let policy = Server::new(&ca.pem).load(&kinds, "");
    let leaf = ca.issue(&super::authority::addressed(&["Alice@localhost"]));
    assert_eq!(
        allowed(&policy, &request(slice::from_ref(&leaf))).jid,
        "alice@localhost"
    );
    // standard admits no authzid beside a single xmppAddr; common_name, where the name differs, has
    // the last word to the client.
    let expected = (
        "invalid-authzid",
        "authzid_equals_only_xmpp_addr".to_owned(),
    );
    assert_eq!(
        why(&policy, &with_authzid(&leaf, "alice@localhost")),
        expected
    );
    assert_eq!(
        allowed(&policy, &with_authzid(&leaf, "carol@localhost")).username,
        "carol"
    );
}

fn identity(name: &str) -> Result<Certificate, CertificateError> {
    Certificate::from_der(&fs::read(case(&format!("identity/{name}.der"))).unwrap())
}
