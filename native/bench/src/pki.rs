//! CAs and client certificates as they are common, and the policy that trusts them.

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, OtherNameValue,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SanType, SignatureAlgorithm,
};
use time::{Duration, OffsetDateTime};

use crate::Done;

/// The kinds of keys by name.
pub(crate) const KEYS: [&str; 2] = ["rsa", "ec"];

/// Writes `KEY-N.pem` for 0 to 2 intermediate CAs (leaf first), `KEY-ca.pem`, `KEY-ADDRS.der` for
/// leaves with so many xmppAddr fields, and `mongooseim.toml`.
pub(crate) fn make(folder: &Path) -> Done {
    fs::create_dir_all(folder)?;
    for name in KEYS {
        make_kind(folder, name)?;
    }
    fs::write(folder.join("mongooseim.toml"), CONFIG)?;
    Ok(())
}

fn make_kind(folder: &Path, name: &str) -> Done {
    let algorithm: &'static SignatureAlgorithm = match name {
        "rsa" => &PKCS_RSA_SHA256,
        _ => &PKCS_ECDSA_P256_SHA256,
    };
    let key = KeyPair::generate_for(algorithm)?;
    let root = ca(&format!("{name} root"));
    let certificate = root.self_signed(&key)?;
    fs::write(folder.join(format!("{name}-ca.pem")), certificate.pem())?;
    let mut issuer = Issuer::new(root, key);
    let mut above: Vec<Certificate> = Vec::new();
    let leaf_key = KeyPair::generate_for(algorithm)?;
    for intermediates in 0..=2 {
        if intermediates > 0 {
            let key = KeyPair::generate_for(algorithm)?;
            let params = ca(&format!("{name} issuing CA {intermediates}"));
            above.insert(0, params.signed_by(&key, &issuer)?);
            issuer = Issuer::new(params, key);
        }
        let leaf = client(1).signed_by(&leaf_key, &issuer)?;
        let pem: String = [&leaf]
            .into_iter()
            .chain(&above)
            .map(Certificate::pem)
            .collect();
        fs::write(folder.join(format!("{name}-{intermediates}.pem")), pem)?;
    }
    for addrs in [1, 5] {
        let leaf = client(addrs).signed_by(&leaf_key, &issuer)?;
        fs::write(folder.join(format!("{name}-addrs-{addrs}.der")), leaf.der())?;
    }
    Ok(())
}

pub(crate) fn ca(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// The first address is of the host that the policy has.
pub(crate) fn client(addrs: usize) -> CertificateParams {
    let mut params = params("alice");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = (0..addrs)
        .map(|number| {
            let host = match number {
                0 => "example.org".to_owned(),
                _ => format!("host{number}.example.net"),
            };
            let addr = OtherNameValue::Utf8String(format!("alice@{host}"));
            SanType::OtherName((XMPP_ADDR.to_vec(), addr))
        })
        .collect();
    params
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CountryName, "DE");
    subject.push(DnType::OrganizationName, "Example");
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::hours(1);
    params.not_after = now + Duration::days(365);
    params
}

/// id-on-xmppAddr (RFC 6120 section 13.7.1.4).
const XMPP_ADDR: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 8, 5];

const CONFIG: &str = r#"
[general]
  default_server_domain = "example.org"
  hosts = ["example.org"]

[[listen.c2s]]
  port = 5222
  tls.verify_mode = "peer"
  tls.cacertfile = "rsa-ca.pem"

[[listen.c2s]]
  port = 5223
  tls.verify_mode = "peer"
  tls.cacertfile = "ec-ca.pem"

[[listen.c2s]]
  port = 5224
  tls.verify_mode = "none"

[[listen.c2s]]
  port = 5225
  tls.verify_mode = "peer"
  tls.cacertfile = "/etc/ssl/certs/ca-certificates.crt"

[auth]
  methods = ["pki"]
  sasl_mechanisms = ["external"]
  sasl_external = ["certjid_verification"]

  [auth.pki]
"#;
