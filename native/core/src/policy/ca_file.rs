//! The files that a listener's trust is made of.

use std::collections::HashSet;

use rustls_pki_types::CertificateDer;

use super::ca_facts;
use crate::certificate::ClientCertificate;
use crate::config::lint::Whose;
use crate::config::lint::authorities::{self, Authority};
use crate::pem::{self, Contents, Other};
use crate::verify::{Crl, TrustStore};

/// A CA file.
pub(super) struct CaFile {
    pub(super) trust: TrustStore,
    /// What an operator should know of it, each as the end of a sentence that begins with the name
    /// of the file.
    pub(super) advice: Vec<String>,
}

impl CaFile {
    /// Reads a file; the advice is that of `now` in Unix seconds.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the name of the file.
    pub(super) fn read(file: &[u8], whose: Whose, now: i64) -> Result<Self, String> {
        let contents = pem::ca_certificates(file)
            .and_then(Contents::not_empty)
            .map_err(|error| error.to_string())?;
        let mut advice: Vec<String> = contents.others.iter().map(passed_over).collect();
        let lines: Vec<usize> = contents.items.iter().map(|item| item.line).collect();
        let ders = contents.ders().into_iter().map(CertificateDer::from);
        let (trust, unreadable) = TrustStore::from_readable(ders.collect());
        let mut unreadable = unreadable.into_iter().map(|(index, error)| {
            let line = lines.get(index).copied().unwrap_or_default();
            format!("(line {line}): {error}")
        });
        if trust.ders().len() == 0 {
            let first = unreadable.next().unwrap_or_default();
            return Err(format!("no certificate of it can be read {first}"));
        }
        advice.extend(unreadable.map(|what| {
            format!(
                "has a certificate that can't be read; the others count, but only the self-issued as \
                 trust anchors, for it may be the issuer of the rest {what}"
            )
        }));
        let mut seen = HashSet::new();
        let facts = trust.ders().enumerate().filter_map(|(index, der)| {
            let ca = ClientCertificate::from_der(der).ok()?;
            let is_repeated = !seen.insert(der.as_ref());
            Some(ca_facts::of_ca(index + 1, is_repeated, &ca, whose))
        });
        let facts: Vec<Authority> = facts.collect();
        advice.extend(authorities::of(&facts, whose, now));
        Ok(Self { trust, advice })
    }
}

/// A block of another kind, as the end of a sentence that begins with the name of the file.
pub(super) fn passed_over(other: &Other) -> String {
    let Other { label, line } = other;
    if label.is_private_key() {
        format!(
            "holds a private key ({label}, line {line}), which does not belong there: everybody who \
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
    let read = |der: Vec<u8>| Crl::from_der(der).map_err(|error| error.to_string());
    let lists = contents.ders().into_iter().map(read);
    Ok((lists.collect::<Result<_, _>>()?, others))
}
