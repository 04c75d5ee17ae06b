//! A revocation list as large as a fleet of devices makes it.

use std::fs;
use std::path::Path;

use certjid_core::decide::Outcome;
use certjid_core::policy::{self, Modules, Policy};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

use super::pki::request;

#[test]
fn a_list_of_100_000_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let ca = ca(folder.path());
    let list = list(&ca, (1..=100_000).map(|serial| serial * 2));
    fs::write(folder.path().join("ca.crl"), list).unwrap();
    fs::write(folder.path().join("mongooseim.toml"), CONFIG).unwrap();
    let policy = Policy::load(&folder.path().join("mongooseim.toml"), Modules::Refused).unwrap();

    for (serial, revoked) in [
        (2, true),
        (3, false),
        (100_000, true),
        (100_001, false),
        (200_000, true),
        (200_002, false),
    ] {
        let outcome = policy.authenticate(&request(vec![leaf(&ca, serial)]), policy::now());
        match outcome {
            Outcome::Allowed(allowed) => assert!(!revoked, "{serial}: {allowed:?}"),
            Outcome::Refused(refused) => {
                assert!(revoked, "{serial}: {refused:?}");
                assert_eq!(refused.reason.as_str(), "revoked");
            }
            other => panic!("{other:?}"),
        }
    }
}

fn ca(folder: &Path) -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "fleet CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().unwrap();
    fs::write(
        folder.join("ca.pem"),
        params.self_signed(&key).unwrap().pem(),
    )
    .unwrap();
    Issuer::new(params, key)
}

fn list(ca: &Issuer<'_, KeyPair>, serials: impl Iterator<Item = u64>) -> String {
    let revoked = |serial| RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: date_time_ymd(2026, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2090, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: serials.map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(ca).unwrap().pem().unwrap()
}

fn leaf(ca: &Issuer<'_, KeyPair>, serial: u64) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "alice");
    params.serial_number = Some(SerialNumber::from(serial));
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, ca).unwrap().der().to_vec()
}

const CONFIG: &str = r#"
[general]
  default_server_domain = "localhost"
  hosts = ["localhost"]
[auth]
  sasl_mechanisms = ["external"]
  sasl_external = ["common_name"]
  [auth.pki]
[[listen.c2s]]
  port = 5222
  [listen.c2s.tls]
    cacertfile = "ca.pem"
    crl_files = ["ca.crl"]
"#;
