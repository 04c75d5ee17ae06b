//! The files that a listener's trust is made of.

use std::collections::HashSet;

use rustls_pki_types::CertificateDer;
use webpki::Error;

use crate::certificate::Certificate;
use crate::pem::{self, Contents, Other};
use crate::verify::TrustStore;
use crate::verify::crl::Crl;

/// What an operator should know about a CA file, each as the end of a sentence that begins with
/// its name.
pub(super) fn advice(others: &[Other], trust: &TrustStore, now: i64) -> Vec<String> {
    let mut advice: Vec<String> = others.iter().map(passed_over).collect();
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

/// The CAs of a file, and what else is in it.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that begins with the name of the file.
pub(super) fn trust(file: &[u8]) -> Result<(TrustStore, Vec<Other>), String> {
    let contents = pem::ca_certificates(file)
        .and_then(Contents::not_empty)
        .map_err(|error| error.to_string())?;
    let others = contents.others.clone();
    let ders = contents.ders().into_iter().map(CertificateDer::from);
    let trust = TrustStore::from_ders(ders.collect()).map_err(|error| error.to_string())?;
    Ok((trust, others))
}

/// A block of another kind, as the end of a sentence that begins with the name of the file.
pub(super) fn passed_over(other: &Other) -> String {
    let Other { label, line } = other;
    if label.is_private_key() {
        format!(
            "holds a private key ({label}, line {line}), which does not belong there: whoever \
             reads the file has it"
        )
    } else {
        format!("holds a block {label} (line {line}), which is not used")
    }
}

/// The CRLs of a file, and what else is in it.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that begins with the name of the file.
pub(super) fn crls(file: &[u8]) -> Result<(Vec<Crl>, Vec<Other>), String> {
    let contents = pem::crls(file)
        .and_then(Contents::not_empty)
        .map_err(|error| error.to_string())?;
    let others = contents.others.clone();
    let read = |der: Vec<u8>| Crl::from_der(der.clone()).map_err(|error| explain_crl(&der, &error));
    let lists = contents.ders().into_iter().map(read);
    Ok((lists.collect::<Result<_, _>>()?, others))
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
