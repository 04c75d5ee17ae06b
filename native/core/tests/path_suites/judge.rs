//! What certjid says of a chain, through its public interface.

use std::fs;

use certjid_core::config::ListenerRef;
use certjid_core::policy::{Modules, Policy};
use certjid_core::verify::{self, Fault, TrustStore, VerifyMode};
use rustls_pki_types::CertificateDer;

/// A chain, and what it is judged with. All in DER.
#[derive(Default)]
pub struct Bundle {
    pub trusted: Vec<Vec<u8>>,
    /// Leaf first.
    pub chain: Vec<Vec<u8>>,
    pub crls: Vec<Vec<u8>>,
}

pub const SUCCESS: &str = "SUCCESS";

/// `SUCCESS`, or `FAILURE` and the first reason.
pub fn judge(bundle: &Bundle, now: i64) -> String {
    let judged = if bundle.crls.is_empty() {
        let ders = bundle.trusted.iter().cloned().map(CertificateDer::from);
        match TrustStore::from_ders(ders.collect()) {
            Ok(trust) => verify::verify(&bundle.chain, VerifyMode::Peer, &trust, now),
            Err(_) => return "FAILURE: the CA file is refused".to_owned(),
        }
    } else {
        match with_policy(bundle, now) {
            Ok(judged) => judged,
            Err(_) => return "FAILURE: the configuration is refused".to_owned(),
        }
    };
    match judged {
        Ok(()) => SUCCESS.to_owned(),
        Err(faults) => format!("FAILURE: {}", faults[0].reason),
    }
}

/// Revocation lists reach certjid by its configuration alone.
fn with_policy(bundle: &Bundle, now: i64) -> Result<Result<(), Vec<Fault>>, String> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, label: &str, ders: &[Vec<u8>]| {
        let blocks = ders.iter().map(|der| pem::Pem::new(label, der.as_slice()));
        let text = pem::encode_many(&blocks.collect::<Vec<_>>());
        fs::write(folder.path().join(name), text).unwrap();
    };
    write("ca.pem", "CERTIFICATE", &bundle.trusted);
    write("ca.crl", "X509 CRL", &bundle.crls);
    let path = folder.path().join("mongooseim.toml");
    fs::write(&path, CONFIG).unwrap();
    let policy = Policy::load(&path, Modules::Refused).map_err(|errors| errors.to_string())?;
    let listener = ListenerRef::Name("c2s".to_owned());
    Ok(policy.verify_chain(&listener, &bundle.chain, now))
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
    verify_mode = "peer"
    cacertfile = "ca.pem"
    crl_files = ["ca.crl"]
"#;
