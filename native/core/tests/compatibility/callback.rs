//! `verify_creds/1` in MongooseIM, which hands over the leaf and does not tell the listener.

use std::fs;

use certjid_core::decide::Creds;
use certjid_core::policy::{Modules, Policy};
use certjid_core::reason::Reason;
use rcgen::{SerialNumber, date_time_ymd};

use super::authority::{Authority, addressed, named};
use super::server::{NOW, Server, settings};

const PKI: &str = "methods = ['pki']\n[auth.pki]";

fn verify(policy: &Policy, leaf: &[u8]) -> Result<String, Reason> {
    told(policy, leaf).map_err(|(reason, _)| reason)
}

fn told(policy: &Policy, leaf: &[u8]) -> Result<String, (Reason, String)> {
    let creds = Creds {
        certificate: leaf,
        host: "localhost",
        prefix: "",
        suffix: "",
        authzid: None,
    };
    policy
        .verify_creds(&creds, NOW)
        .map_err(|refused| (refused.reason, refused.message))
}

fn other_ca() -> Authority {
    Authority::with(|params| params.distinguished_name = named("Other CA").distinguished_name)
}

#[test]
fn the_callback_judges_the_certificate_itself() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    let alice = addressed(&["alice@localhost"]);
    let policy = server.load(PKI, "disconnect_on_failure = false");
    assert_eq!(verify(&policy, &ca.issue(&alice)), Ok("alice".to_owned()));

    let mut expired = alice.clone();
    expired.not_after = date_time_ymd(2026, 1, 1);
    let foreign = other_ca().issue(&alice);
    let key = rcgen::KeyPair::generate().unwrap();
    let self_signed = alice.self_signed(&key).unwrap().der().to_vec();
    for (leaf, reason) in [
        (ca.issue(&expired), Reason::CertExpired),
        (foreign, Reason::UnknownCa),
        (self_signed, Reason::SelfsignedPeer),
        (b"no certificate".to_vec(), Reason::BadCertificate),
    ] {
        assert_eq!(verify(&policy, &leaf), Err(reason));
    }
}

#[test]
fn one_listener_must_accept_and_none_may_revoke() {
    let ca = Authority::new();
    let other = other_ca();
    let server = Server::new(&ca.pem);
    server.write("other.pem", &other.pem);
    server.write("revoked.crl", &ca.crl(7, 2099));
    let mut alice = addressed(&["alice@localhost"]);
    alice.serial_number = Some(SerialNumber::from(7_u64));
    let revoked = ca.issue(&alice);
    alice.serial_number = Some(SerialNumber::from(8_u64));

    // Of c2s and http only c2s has the list.
    let policy = server.load(PKI, "crl_files = ['revoked.crl']");
    assert_eq!(verify(&policy, &revoked), Err(Reason::Revoked));
    assert_eq!(verify(&policy, &ca.issue(&alice)), Ok("alice".to_owned()));

    // Each listener has a CA of its own.
    let text = settings(PKI, "").replacen("'ca.pem'", "'other.pem'", 1);
    let policy = server.try_load(&text, Modules::Called).unwrap();
    for leaf in [ca.issue(&alice), other.issue(&alice)] {
        assert_eq!(verify(&policy, &leaf), Ok("alice".to_owned()));
    }

    // One that asks for no certificate accepts none, and an API's does not count.
    let text = settings(PKI, "verify_mode = 'none'")
        .replace("mongoose_bosh_handler", "mongoose_graphql_handler")
        .replace("mongoose_websocket_handler", "mongoose_admin_api");
    let policy = server.try_load(&text, Modules::Called).unwrap();
    assert_eq!(verify(&policy, &ca.issue(&alice)), Err(Reason::NoTls));
}

#[test]
fn a_list_of_another_listener_revokes() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    server.write("other.pem", &other_ca().pem);
    let mut alice = addressed(&["alice@localhost"]);
    alice.serial_number = Some(SerialNumber::from(7_u64));
    let revoked = ca.issue(&alice);
    alice.serial_number = Some(SerialNumber::from(8_u64));

    // c2s has the list, and not the CA; http has the CA, and no list.
    let text = settings(PKI, "crl_files = ['revoked.crl']");
    let text = text.replacen("'ca.pem'", "'other.pem'", 1);
    // A list that is out of date binds the listener that names it alone.
    for list in [ca.crl(7, 2099), ca.crl_between(7, 2024, 2026)] {
        server.write("revoked.crl", &list);
        let policy = server.try_load(&text, Modules::Called).unwrap();
        assert_eq!(verify(&policy, &revoked), Err(Reason::Revoked));
        assert_eq!(verify(&policy, &ca.issue(&alice)), Ok("alice".to_owned()));
    }
}

#[test]
fn a_listener_for_passwords_lets_no_certificate_in() {
    let ca = Authority::new();
    let other = other_ca();
    let server = Server::new(&ca.pem);
    server.write("other.pem", &other.pem);
    let alice = addressed(&["alice@localhost"]);
    let key = rcgen::KeyPair::generate().unwrap();
    let self_signed = alice.self_signed(&key).unwrap().der().to_vec();

    // c2s is for passwords; http takes certificates.
    let both = PKI.replace("['pki']", "['pki', 'rdbms']");
    let text = |mode: &str| {
        let text = settings(&both, &format!("verify_mode = '{mode}'"));
        let text = text.replacen("'ca.pem'", "'other.pem'", 1);
        text.replacen(
            "[listen.c2s.tls]",
            "allowed_auth_methods = ['rdbms']\n[listen.c2s.tls]",
            1,
        )
    };
    for mode in ["peer", "selfsigned_peer"] {
        assert!(
            text(mode).contains("allowed_auth_methods"),
            "{}",
            text(mode)
        );
        let policy = server.try_load(&text(mode), Modules::Called).unwrap();
        for (leaf, wanted) in [
            (ca.issue(&alice), Ok("alice".to_owned())),
            (other.issue(&alice), Err(Reason::UnknownCa)),
            (self_signed.clone(), Err(Reason::SelfsignedPeer)),
        ] {
            assert_eq!(verify(&policy, &leaf), wanted, "{mode}");
        }
    }
}

#[test]
fn intermediate_cas_must_be_in_the_file() {
    let root = Authority::new();
    let ca = root.intermediate("Issuing CA");
    let server = Server::new(&root.pem);
    let leaf = ca.issue(&addressed(&["alice@localhost"]));
    let (reason, message) = told(&server.load(PKI, ""), &leaf).unwrap_err();
    assert_eq!(reason, Reason::UnknownCa);
    assert!(message.contains("intermediate CAs that clients send must be in cacertfile"));

    server.write("ca.pem", &format!("{}{}", root.pem, ca.pem));
    assert_eq!(verify(&server.load(PKI, ""), &leaf), Ok("alice".to_owned()));
}

#[test]
fn the_common_name_has_prefix_and_suffix() {
    let ca = Authority::new();
    let policy = Server::new(&ca.pem).load(PKI, "");
    let leaf = ca.issue(&named("Bob"));
    let creds = Creds {
        certificate: &leaf,
        host: "localhost",
        prefix: "user_",
        suffix: "-test",
        authzid: Some(b"user_bob-test@localhost"),
    };
    assert_eq!(policy.verify_creds(&creds, NOW).unwrap(), "user_bob-test");
    let other = Creds {
        authzid: Some(b"bob@localhost"),
        ..creds
    };
    let refused = policy.verify_creds(&other, NOW).unwrap_err();
    assert_eq!(refused.condition.as_str(), "invalid-authzid");
}

#[test]
fn a_policy_knows_when_its_files_change() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    server.write("list.crl", &ca.crl(7, 2099));
    let tls = "crl_files = ['list.crl']";
    for file in ["ca.pem", "list.crl", "mongooseim.toml"] {
        let policy = server.load(PKI, tls);
        assert!(policy.is_current());
        let path = server.folder().join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!policy.is_current());
        server.write(file, &(text + "\n"));
        assert!(!policy.is_current());
        assert!(server.load(PKI, tls).is_current());
    }
}
