//! From webpki's error to OTP's reason, the certificate at fault, and a sentence.

use rustls_pki_types::CertificateDer;
use webpki::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OidRegistry;
use x509_parser::time::ASN1Time;

use super::{Fault, Reason, TrustStore, parse, signature};
use crate::certificate::name;

/// Explains why webpki refuses the chain. Its errors don't say which certificate they mean, so
/// that the chain is looked through for it.
pub(super) fn explain(error: &Error, chain: &[Vec<u8>], trust: &TrustStore, now: i64) -> Fault {
    let mut parsed = Vec::with_capacity(chain.len());
    for (position, der) in chain.iter().enumerate() {
        match parse(der, position) {
            Ok(certificate) => parsed.push(certificate),
            Err(fault) if position == 0 => return fault,
            // webpki passes over what it can't read.
            Err(_) => break,
        }
    }
    match error {
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } | Error::InvalidCertValidity => {
            let mut expired = parsed
                .iter()
                .enumerate()
                .filter_map(|(position, certificate)| expired(certificate, position, now));
            expired
                .next()
                .unwrap_or_else(|| Fault::new(Reason::CertExpired, 0, error.to_string()))
        }
        Error::UnknownIssuer => unknown_issuer(&parsed, trust),
        Error::InvalidSignatureForPublicKey => Fault::new(
            Reason::InvalidSignature,
            0,
            "a signature does not fit the key of the issuer that it names: the certificate was \
             altered, or another CA has the issuer's name",
        ),
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::SignatureAlgorithmMismatch => weak_signature(&parsed),
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => ext_key_usage(&parsed),
        Error::UnsupportedCriticalExtension => Fault::new(
            Reason::UnknownCriticalExtension,
            0,
            "a critical extension is not understood",
        ),
        Error::EndEntityUsedAsCa => Fault::new(
            Reason::MissingBasicConstraint,
            parsed.len().min(1),
            "a certificate that is no CA (basicConstraints CA:TRUE) issued another",
        ),
        Error::PathLenConstraintViolated => Fault::new(
            Reason::MaxPathLengthReached,
            parsed.len().min(1),
            "a CA issued another CA where its pathLenConstraint allows none",
        ),
        Error::NameConstraintViolation => Fault::new(
            Reason::NameNotPermitted,
            0,
            "a name is outside of what an issuer's nameConstraints permit",
        ),
        Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => Fault::new(
            Reason::UnknownCa,
            0,
            format!("no path to a trusted CA was found within bounds: {error}"),
        ),
        Error::CertRevoked => Fault::new(
            Reason::Revoked,
            0,
            "a certificate revocation list revokes it, or an issuer of it",
        ),
        Error::CrlExpired { .. } => Fault::new(
            Reason::RevocationStatusUndetermined,
            0,
            "the certificate revocation list of its issuer is out of date: fetch a new one",
        ),
        Error::InvalidCrlSignatureForPublicKey
        | Error::IssuerNotCrlSigner
        | Error::UnknownRevocationStatus => Fault::new(
            Reason::RevocationStatusUndetermined,
            0,
            format!("the certificate revocation list of its issuer can't be used: {error}"),
        ),
        Error::UnsupportedCertVersion => Fault::new(
            Reason::BadCertificate,
            0,
            "the certificate is of version 1 or 2 and has extensions, which only version 3 has",
        ),
        // A self-signed CA in a longer chain: OTP too finds no CA for it.
        Error::CaUsedAsEndEntity => unknown_issuer(&parsed, trust),
        _ => Fault::new(
            Reason::BadCertificate,
            0,
            format!("it can't be read: {error}"),
        ),
    }
}

/// The fault of a certificate that is not valid at `now`.
pub(super) fn expired(
    certificate: &X509Certificate<'_>,
    position: usize,
    now: i64,
) -> Option<Fault> {
    let validity = certificate.validity();
    let told = |time: ASN1Time| time.to_rfc2822().unwrap_or_else(|error| error);
    let message = if now > validity.not_after.timestamp() {
        format!("it expired on {}", told(validity.not_after))
    } else if now < validity.not_before.timestamp() {
        format!(
            "it is not valid before {}: is a clock wrong?",
            told(validity.not_before)
        )
    } else {
        return None;
    };
    Some(Fault::new(Reason::CertExpired, position, message))
}

/// The name of the algorithm that the certificate is signed with, or its OID.
pub(super) fn algorithm_name(certificate: &X509Certificate<'_>) -> String {
    let oid = &certificate.signature_algorithm.algorithm;
    let registry = OidRegistry::default().with_crypto().with_x509();
    registry
        .get(oid)
        .map_or_else(|| oid.to_id_string(), |entry| entry.sn().to_owned())
}

/// Follows the issuers' names from the leaf to where they end.
fn unknown_issuer(chain: &[X509Certificate<'_>], trust: &TrustStore) -> Fault {
    let mut position = 0;
    let mut left: Vec<usize> = (1..chain.len()).collect();
    while let Some(next) = left
        .iter()
        .position(|&index| chain[index].subject().as_raw() == chain[position].issuer().as_raw())
    {
        position = left.swap_remove(next);
    }
    let issuer = chain[position].issuer();
    let named = name::to_text(issuer);
    let known = trust
        .ders()
        .iter()
        .any(|der| subject_is(der, issuer.as_raw()));
    let message = if known {
        format!(
            "its issuer {named:?} has the name of a trusted CA, but the signature is not that CA's"
        )
    } else if left.is_empty() && chain[position].subject().as_raw() == issuer.as_raw() {
        format!("the CA {named:?}, to which the chain leads, is not trusted")
    } else {
        format!(
            "its issuer {named:?} is neither trusted nor among the {} certificates that the \
             client sent",
            chain.len()
        )
    };
    Fault::new(Reason::UnknownCa, position, message)
}

fn subject_is(der: &CertificateDer<'_>, raw: &[u8]) -> bool {
    parse(der, 0).is_ok_and(|certificate| certificate.subject().as_raw() == raw)
}

fn weak_signature(chain: &[X509Certificate<'_>]) -> Fault {
    let position = chain
        .iter()
        .position(|certificate| signature::algorithms_of(certificate).next().is_none())
        .unwrap_or(0);
    let name = chain.get(position).map(algorithm_name).unwrap_or_default();
    Fault::new(
        Reason::InvalidSignature,
        position,
        format!("its signature algorithm {name} is not accepted for its issuer's key"),
    )
}

fn ext_key_usage(chain: &[X509Certificate<'_>]) -> Fault {
    let position = chain
        .iter()
        .position(|certificate| match certificate.extended_key_usage() {
            Ok(Some(usage)) => !usage.value.client_auth,
            _ => false,
        })
        .unwrap_or(0);
    Fault::new(
        Reason::InvalidExtKeyUsage,
        position,
        "its extKeyUsage does not include clientAuth, so that it can't log a client in; ask the \
         CA for a certificate with clientAuth (public CAs have stopped issuing them)",
    )
}
