//! The files that a listener's trust is made of.

use std::collections::HashSet;

use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use webpki::Error;

use crate::certificate::Certificate;
use crate::verify::TrustStore;
use crate::verify::crl::{self, Crl};

/// What an operator should know about a CA file, each as the end of a sentence that begins with
/// its name.
pub(super) fn advice(pem: &[u8], trust: &TrustStore, now: i64) -> Vec<String> {
    let mut advice = Vec::new();
    if PrivateKeyDer::pem_slice_iter(pem).any(|key| key.is_ok()) {
        advice
            .push("holds a private key; a CA file needs none, and every reader has it".to_owned());
    }
    let mut seen = HashSet::new();
    for (index, der) in trust.ders().iter().enumerate() {
        let is_repeated = !seen.insert(der.as_ref());
        let Ok(ca) = Certificate::from_der(der) else {
            continue;
        };
        let named = format!("has {:?} as certificate {}", ca.subject(), index + 1);
        if is_repeated {
            advice.push(format!("{named}, which it has before"));
        } else if now > ca.not_after() {
            advice.push(format!(
                "{named}, which has expired; MongooseIM and certjid trust it still"
            ));
        } else if !ca.may_issue() {
            advice.push(format!(
                "{named}, which is no CA: what it issues is not accepted by others"
            ));
        }
    }
    advice
}

/// The CRLs of a file.
pub(super) fn crls(bytes: &[u8]) -> Result<Vec<Crl>, String> {
    crl::ders(bytes)?
        .iter()
        .map(|der| Crl::from_der(der.to_vec()).map_err(|error| explain_crl(der, &error)))
        .collect()
}

fn explain_crl(der: &[u8], error: &Error) -> String {
    let version = x509_parser::parse_x509_crl(der).map(|(_, crl)| crl.version());
    match (error, version) {
        (Error::UnsupportedDeltaCrl, _) => "it is a delta CRL; only whole ones are read".to_owned(),
        (Error::UnsupportedIndirectCrl, _) => {
            "it is an indirect CRL; only those of the certificates' own issuers are read".to_owned()
        }
        (_, Ok(None)) => "it is of version 1, and RFC 5280 section 5.1.2.1 demands version 2 \
                          (openssl ca makes it with crl_extensions and crlnumber set)"
            .to_owned(),
        _ => format!("it is no CRL that can be read: {error}"),
    }
}
