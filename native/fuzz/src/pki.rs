//! A CA with a CRL whose certificates are the same in each run, and the policy that trusts it.

use std::fs;

use certjid_core::policy::{Modules, Policy};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, OtherNameValue,
    PKCS_ED25519, RevokedCertParams, SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime};

/// When the measured chains are judged: 2026-12-01.
pub(crate) const NOW: i64 = 1_796_083_200;

/// Certificates of one CA, and a policy with the listeners 5222 (`peer`), 5223
/// (`selfsigned_peer`) and 5224 (`none`) that trusts it and the CA of the measured chains.
pub(crate) struct Pki {
    pub(crate) policy: Policy,
    /// A client's certificate and the intermediate that issued it.
    pub(crate) good: Vec<Vec<u8>>,
    /// The same for another client, whom the intermediate's CRL revokes.
    pub(crate) revoked: Vec<Vec<u8>>,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let root_key = key(1);
        let root = ca("Fuzz Root").self_signed(&root_key).expect("a root");
        let root_issuer = Issuer::new(ca("Fuzz Root"), root_key);
        let middle_key = key(2);
        let middle = ca("Fuzz Intermediate")
            .signed_by(&middle_key, &root_issuer)
            .expect("an intermediate");
        let issuer = Issuer::new(ca("Fuzz Intermediate"), middle_key);
        let chain = |name: &str, serial: u8| {
            let leaf = client(name, serial)
                .signed_by(&key(serial), &issuer)
                .expect("a leaf");
            vec![leaf.der().to_vec(), middle.der().to_vec()]
        };

        let folder = tempfile::tempdir().expect("a folder");
        let measured = include_str!("../../../test/data/cases/chains-ca.pem");
        let file = |name, content: &str| {
            fs::write(folder.path().join(name), content).expect("a writable folder");
        };
        file("ca.pem", &format!("{measured}{}", root.pem()));
        file("root.crl", &crl(&root_issuer, &[]));
        file("middle.crl", &crl(&issuer, &[4]));
        file("mongooseim.toml", CONFIG);
        let policy = Policy::load(&folder.path().join("mongooseim.toml"), Modules::Refused)
            .expect("a good file");
        Self {
            policy,
            good: chain("alice", 3),
            revoked: chain("mallory", 4),
        }
    }
}

/// Ed25519: its signatures are the same each time.
fn key(number: u8) -> KeyPair {
    let prefix = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    let pkcs8 = [&prefix[..], &[number; 32]].concat();
    KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.as_slice().into(), &PKCS_ED25519)
        .expect("an Ed25519 key")
}

fn params(name: &str, serial: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from_slice(&[serial]));
    params.not_before = at(-300);
    params.not_after = at(3000);
    params
}

fn ca(name: &str) -> CertificateParams {
    let mut params = params(name, 1);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn client(name: &str, serial: u8) -> CertificateParams {
    let mut params = params(name, serial);
    let address = OtherNameValue::Utf8String(format!("{name}@localhost"));
    params.subject_alt_names = vec![
        SanType::OtherName((vec![1, 3, 6, 1, 5, 5, 7, 8, 5], address)),
        SanType::DnsName(Ia5String::try_from("localhost").expect("ASCII")),
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn crl(issuer: &Issuer<'_, KeyPair>, serials: &[u8]) -> String {
    let revoked = |&serial: &u8| RevokedCertParams {
        serial_number: SerialNumber::from_slice(&[serial]),
        revocation_time: at(-1),
        reason_code: None,
        invalidity_date: None,
    };
    CertificateRevocationListParams {
        this_update: at(-2),
        next_update: at(3000),
        crl_number: SerialNumber::from_slice(&[1]),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
    .signed_by(issuer)
    .and_then(|crl| crl.pem())
    .expect("a CRL")
}

/// So many days after [`NOW`].
fn at(days: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW).expect("a time") + Duration::days(days)
}

const CONFIG: &str = r#"
[general]
  default_server_domain = "localhost"
  hosts = ["localhost"]

[auth]
  methods = ["pki"]
  sasl_mechanisms = ["external"]
  sasl_external = ["certjid_verification"]
  [auth.pki]

[[listen.c2s]]
  port = 5222
  [listen.c2s.tls]
    verify_mode = "peer"
    cacertfile = "ca.pem"
    crl_files = ["root.crl", "middle.crl"]

[[listen.c2s]]
  port = 5223
  [listen.c2s.tls]
    verify_mode = "selfsigned_peer"
    cacertfile = "ca.pem"
    crl_files = ["root.crl", "middle.crl"]

[[listen.c2s]]
  port = 5224
  [listen.c2s.tls]
    verify_mode = "none"
"#;
