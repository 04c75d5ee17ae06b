//! S1 to S5, K4 and the limits: which certificates are used at all.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::slice;

use certjid_core::certificate::Certificate;
use certjid_core::certificate::{MAX_CERTIFICATE, MAX_CHAIN};
use certjid_core::config::ListenerRef;
use certjid_core::decide::Request;
use certjid_core::policy::Modules;
use rcgen::{CustomExtension, SerialNumber};

use super::authority::{Authority, addressed, der, named};
use super::server::{NOW, PKI, Server, allowed, chain, refused, request, row, settings, why};

#[test]
fn a_failed_certificate_is_never_used_on_any_transport() {
    let (trusted, stranger) = (Authority::new(), Authority::new());
    let victim = request(&[stranger.issue(&addressed(&["victim@localhost"]))]);
    let server = Server::new(&trusted.pem);
    for mode in ["starttls", "starttls_required", "tls"] {
        let tls = format!("mode = '{mode}'\ndisconnect_on_failure = false");
        let policy = server.load(PKI, &tls);
        // The http listener of the settings has BOSH and WebSocket.
        for listener in [ListenerRef::Port(5222), ListenerRef::Port(5285)] {
            for verified in [None, Some(true), Some(false)] {
                let request = Request {
                    listener: listener.clone(),
                    verified,
                    ..victim.clone()
                };
                let refused = refused(&policy, &request, NOW);
                assert_eq!(refused.condition.as_str(), "not-authorized");
                assert!(["unknown_ca", "invalid_signature"].contains(&refused.reason.as_str()));
                assert!(!refused.disconnect);
                assert!(!policy.mechanisms(&request, NOW).external());
            }
        }
    }
    let own = request(&[trusted.issue(&addressed(&["alice@localhost"]))]);
    let policy = server.load(PKI, "");
    assert_eq!(allowed(&policy, &own).jid, "alice@localhost");
    let unverified = Request {
        verified: Some(false),
        ..own
    };
    let expected = ("not-authorized", "not_verified".to_owned());
    assert_eq!(why(&policy, &unverified), expected);
}

#[test]
fn every_login_is_judged_anew() {
    let ca = Authority::new();
    let mut params = addressed(&["alice@localhost"]);
    params.serial_number = Some(SerialNumber::from(7));
    let login = request(&[ca.issue(&params)]);
    let server = Server::new(&ca.pem);
    let policy = server.load(PKI, "");
    assert_eq!(allowed(&policy, &login).jid, "alice@localhost");
    let after_2099 = 4_080_000_000;
    let late = refused(&policy, &login, after_2099);
    assert_eq!(late.reason.as_str(), "cert_expired");
    assert_eq!(allowed(&policy, &login).jid, "alice@localhost");

    server.write("revoked.crl", &ca.crl(7, 2099));
    let policy = server.load(PKI, "crl_files = ['revoked.crl']");
    assert_eq!(refused(&policy, &login, NOW).reason.as_str(), "revoked");

    let other =
        Authority::with(|params| params.distinguished_name = named("Other").distinguished_name);
    server.write("ca.pem", &other.pem);
    let policy = server.load(PKI, "");
    assert_eq!(refused(&policy, &login, NOW).reason.as_str(), "unknown_ca");
}

#[test]
fn self_signed_means_that_it_signed_itself() {
    let server = Server::of_cases();
    let policy = server.load(PKI, "verify_mode = 'selfsigned_peer'");
    for name in ["self_bad_signature", "self_sha1", "self_md5"] {
        assert_eq!(row("chains.jsonl", name)["otp"]["selfsigned_peer"], "OK");
        let expected = ("not-authorized", "invalid_signature".to_owned());
        assert_eq!(why(&policy, &request(&chain(name))), expected, "{name}");
    }
    let own = |critical: bool| {
        let mut params = named("alice");
        let mut extension = CustomExtension::from_oid_content(&[2, 999, 1], vec![5, 0]);
        extension.set_criticality(critical);
        params.custom_extensions.push(extension);
        let key = rcgen::KeyPair::generate().unwrap();
        request(&[params.self_signed(&key).unwrap().der().to_vec()])
    };
    let policy = server.load(
        &format!("{PKI}\nsasl_external = ['common_name']"),
        "verify_mode = 'selfsigned_peer'",
    );
    let expected = ("not-authorized", "unknown_critical_extension".to_owned());
    assert_eq!(why(&policy, &own(true)), expected);
    assert_eq!(allowed(&policy, &own(false)).username, "alice");
}

#[test]
fn only_a_ca_issues() {
    let policy = Server::of_cases().load(PKI, "");
    for (name, reason) in [
        ("inter_ca_false", "missing_basic_constraint"),
        ("inter_ku_no_certsign", "invalid_key_usage"),
    ] {
        let expected = ("not-authorized", reason.to_owned());
        assert_eq!(why(&policy, &request(&chain(name))), expected);
    }
    let measured = &row("chains.jsonl", "inter_ca_false")["otp"];
    assert_eq!(measured["peer"], "OK");
    assert!(
        policy
            .verify_chain(&c2s(), &chain("inter_no_ku"), NOW)
            .is_ok()
    );
}

#[test]
fn weak_signatures_are_refused() {
    let policy = Server::of_cases().load(PKI, "");
    assert_eq!(row("chains.jsonl", "sig_sha1")["otp"]["peer"], "OK");
    let expected = ("not-authorized", "invalid_signature".to_owned());
    assert_eq!(why(&policy, &request(&chain("sig_sha1"))), expected);

    for (key, hash, good) in [
        (&["rsa", "rsa_keygen_bits:2048"], "sha256", true),
        (&["rsa", "rsa_keygen_bits:1024"], "sha256", false),
        (&["rsa", "rsa_keygen_bits:2048"], "md5", false),
        (&["rsa", "rsa_keygen_bits:2048"], "sha224", false),
        (&["ec", "ec_paramgen_curve:secp256k1"], "sha256", false),
        (&["ec", "ec_paramgen_curve:P-256"], "sha256", true),
    ] {
        let server = Server::new("");
        let leaf = by_openssl(server.folder(), key, hash);
        let policy = server.load(PKI, "");
        let judged = policy.verify_chain(&c2s(), slice::from_ref(&leaf), begin(&leaf));
        assert_eq!(judged.is_ok(), good, "{key:?} {hash}: {judged:?}");
        if let Err(faults) = judged {
            assert_eq!(faults[0].reason.as_str(), "invalid_signature", "{faults:?}");
        }
    }
    // Only keys that sign certificates are judged; a client's own may be as short as TLS admits.
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    server.write("ca.key", &ca.key);
    openssl(
        server.folder(),
        "req -new -newkey rsa:1024 -nodes -keyout leaf.key -subj /CN=alice -out leaf.csr",
    );
    let policy = server.load(PKI, "");
    let leaf = sign(server.folder(), "sha256");
    let judged = policy.verify_chain(&c2s(), slice::from_ref(&leaf), begin(&leaf));
    assert!(judged.is_ok(), "{judged:?}");
}

/// The first second of a certificate that openssl made, which is that of its making.
fn begin(leaf: &[u8]) -> i64 {
    Certificate::from_der(leaf).unwrap().not_before()
}

/// Makes a CA in `ca.pem`, and a leaf that it signs.
fn by_openssl(folder: &Path, key: &[&str; 2], hash: &str) -> Vec<u8> {
    let [kind, option] = key;
    openssl(
        folder,
        &format!("genpkey -algorithm {kind} -pkeyopt {option} -out ca.key"),
    );
    openssl(
        folder,
        "req -x509 -new -key ca.key -sha256 -days 36500 -subj /CN=CA -out ca.pem",
    );
    openssl(
        folder,
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key \
         -subj /CN=alice -out leaf.csr",
    );
    sign(folder, hash)
}

/// Signs `leaf.csr` with the CA of the folder, as version 1: what the documentation's recipe does.
fn sign(folder: &Path, hash: &str) -> Vec<u8> {
    let command = format!(
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 2 -days 36500 -{hash} \
         -outform DER -out leaf.der"
    );
    openssl(folder, &command);
    fs::read(folder.join("leaf.der")).unwrap()
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .expect("openssl is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {errors}");
}

#[test]
fn revocation_lists_are_enforced() {
    let ca = Authority::new();
    let leaf = |serial: u64| {
        let mut params = addressed(&["alice@localhost"]);
        params.serial_number = Some(SerialNumber::from(serial));
        request(&[ca.issue(&params)])
    };
    let server = Server::new(&ca.pem);
    server.write("good.crl", &ca.crl(7, 2099));
    server.write("stale.crl", &ca.crl(7, 2026));
    let policy = server.load(PKI, "crl_files = ['good.crl']");
    let revoked = ("not-authorized", "revoked".to_owned());
    assert_eq!(why(&policy, &leaf(7)), revoked);
    assert_eq!(allowed(&policy, &leaf(8)).jid, "alice@localhost");

    let policy = server.load(PKI, "crl_files = ['stale.crl']");
    let undetermined = (
        "not-authorized",
        "revocation_status_undetermined".to_owned(),
    );
    assert_eq!(why(&policy, &leaf(8)), undetermined);

    server.write("broken.crl", "nothing");
    let broken = settings(PKI, "crl_files = ['broken.crl']");
    let errors = server.try_load(&broken, Modules::Refused).unwrap_err();
    assert_eq!(errors.faults[0].path, "listen.c2s[1].tls.crl_files");

    // A CA of which there is no list.
    let other =
        Authority::with(|params| params.distinguished_name = named("Other").distinguished_name);
    server.write("ca.pem", &format!("{}{}", ca.pem, other.pem));
    let policy = server.load(PKI, "crl_files = ['good.crl']");
    let bob = request(&[other.issue(&addressed(&["bob@localhost"]))]);
    assert_eq!(allowed(&policy, &bob).jid, "bob@localhost");
}

#[test]
fn a_critical_alternative_name_and_rsa_pss_are_accepted() {
    let policy = Server::of_cases().load(PKI, "");
    for name in ["san_critical", "sig_rsa_pss"] {
        assert_ne!(row("chains.jsonl", name)["otp"]["peer"], "OK");
        assert!(policy.verify_chain(&c2s(), &chain(name), NOW).is_ok());
    }
}

#[test]
fn name_constraints_on_other_names_are_judged() {
    let policy = Server::of_cases().load(PKI, "");
    let login = request(&chain("nc_othername_xmpp"));
    let not_permitted = ("not-authorized", "name_not_permitted".to_owned());
    assert_eq!(why(&policy, &login), not_permitted);

    // As a trusted CA would have them; webpki does not look into an otherName.
    let value = der(0xa0, &[der(0x0c, &[b"localhost".to_vec()])]);
    let base = super::authority::xmpp_addr(value);
    let constraints = der(0x30, &[der(0xa0, &[der(0x30, &[base])])]);
    let ca = Authority::with(|params| {
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], constraints);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let policy = Server::new(&ca.pem).load(&format!("{PKI}\nsasl_external = ['common_name']"), "");
    let with = request(&[ca.issue(&addressed(&["alice@localhost"]))]);
    assert_eq!(why(&policy, &with), not_permitted);
    let without = request(&[ca.issue(&named("alice"))]);
    assert_eq!(allowed(&policy, &without).username, "alice");
}

#[test]
fn chains_and_certificates_have_a_limit() {
    let ca = Authority::new();
    let policy = Server::new(&ca.pem).load(PKI, "");
    let leaf = ca.issue(&addressed(&["alice@localhost"]));
    let mut chain = vec![leaf];
    chain.resize(MAX_CHAIN, ca.der.clone());
    assert_eq!(allowed(&policy, &request(&chain)).username, "alice");
    chain.push(ca.der.clone());
    let expected = ("not-authorized", "max_path_length_reached".to_owned());
    assert_eq!(why(&policy, &request(&chain)), expected);

    let mut large = named("alice");
    let padding = vec![0; MAX_CERTIFICATE];
    large
        .custom_extensions
        .push(CustomExtension::from_oid_content(&[2, 999, 1], padding));
    let expected = ("not-authorized", "bad_certificate".to_owned());
    assert_eq!(why(&policy, &request(&[ca.issue(&large)])), expected);
}

fn c2s() -> ListenerRef {
    ListenerRef::Port(5222)
}

#[test]
fn six_cas_may_stand_between() {
    let root = Authority::new();
    let policy = Server::new(&root.pem).load(PKI, "");
    let mut authorities = vec![root];
    for number in 1..=7 {
        let above = authorities.last().unwrap();
        authorities.push(above.intermediate(&format!("CA {number}")));
        let issuer = authorities.last().unwrap();
        let leaf = issuer.issue(&addressed(&["alice@localhost"]));
        let above = authorities[1..].iter().rev().map(|ca| ca.der.clone());
        let login = request(&[vec![leaf], above.collect()].concat());
        if number <= 6 {
            assert_eq!(allowed(&policy, &login).username, "alice", "{number}");
        } else {
            let refused = refused(&policy, &login, NOW);
            assert_eq!(refused.reason.as_str(), "max_path_length_reached");
            assert!(refused.message.contains("more than 6 CAs"), "{refused:?}");
        }
    }
}

#[test]
fn faults_are_those_of_the_certificate_that_is_named() {
    let root = Authority::new();
    let policy = Server::new(&root.pem).load(PKI, "");
    let first = root.intermediate("first");
    let second = first.intermediate("second");
    let leaf = second.issue(&addressed(&["alice@localhost"]));
    let fault = |middle: [&Vec<u8>; 2]| {
        let chain = [vec![leaf.clone()], middle.map(Clone::clone).to_vec()].concat();
        let refused = refused(&policy, &request(&chain), NOW);
        (refused.reason, refused.message)
    };

    // Altered in its last byte, which is of the signature.
    let mut forged = first.der;
    *forged.last_mut().unwrap() ^= 1;
    for middle in [[&second.der, &forged], [&forged, &second.der]] {
        let (reason, message) = fault(middle);
        assert_eq!(reason.as_str(), "invalid_signature", "{message}");
        assert!(message.contains("(\"CN=first\")"), "{message}");
    }

    let no_ca = root.issue(&named("first"));
    let (reason, message) = fault([&second.der, &no_ca]);
    assert_eq!(reason.as_str(), "missing_basic_constraint", "{message}");
    assert!(message.contains("(\"CN=first\")"), "{message}");

    let mut critical = addressed(&["alice@localhost"]);
    let mut unknown = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473], vec![5, 0]);
    unknown.set_criticality(true);
    critical.custom_extensions.push(unknown);
    let refused = refused(&policy, &request(&[root.issue(&critical)]), NOW);
    assert_eq!(refused.reason.as_str(), "unknown_critical_extension");
    assert!(refused.message.contains("1.3.6.1.4.1.32473"), "{refused:?}");
}
