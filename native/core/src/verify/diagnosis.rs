//! From webpki's error to OTP's reason, the certificate at fault, and a sentence.

use webpki::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::OidRegistry;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;

use super::{Fault, Reason, TrustStore, parse, signature};
use crate::certificate::{fields, name};

/// Explains why webpki refuses the chain, and what else is wrong with it: webpki tells of one
/// fault only, and not of which certificate.
pub(super) fn faults(error: &Error, chain: &[&[u8]], trust: &TrustStore, now: i64) -> Vec<Fault> {
    let parsed: Vec<_> = chain.iter().map_while(|der| parse(der, 0).ok()).collect();
    let mut faults = vec![explain(error, &parsed, trust, now)];
    for (position, certificate) in path(&parsed)
        .into_iter()
        .map(|index| (index, &parsed[index]))
    {
        let others = [
            expired(certificate, position, now),
            ext_key_usage(certificate, position),
            weak_signature(certificate, position),
        ];
        for other in others.into_iter().flatten() {
            if !faults.iter().any(|known| known.reason == other.reason) {
                faults.push(other);
            }
        }
    }
    // webpki looks at a certificate before it looks for its issuer.
    let ends_at = path(&parsed).last().map(|&index| &parsed[index]);
    let untrusted = ends_at.is_some_and(|last| issuers_in(trust, last).next().is_none());
    if untrusted && !faults.iter().any(|known| known.reason == Reason::UnknownCa) {
        faults.push(unknown_issuer(&parsed, trust));
    }
    faults
}

fn explain(error: &Error, parsed: &[X509Certificate<'_>], trust: &TrustStore, now: i64) -> Fault {
    let first = |fault: &dyn Fn(&X509Certificate<'_>, usize) -> Option<Fault>| {
        let mut found = parsed.iter().zip(0..);
        found.find_map(|(certificate, position)| fault(certificate, position))
    };
    match error {
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } | Error::InvalidCertValidity => {
            first(&|certificate, position| expired(certificate, position, now))
                .unwrap_or_else(|| Fault::new(Reason::CertExpired, 0, error.to_string()))
        }
        Error::UnknownIssuer => unknown_issuer(parsed, trust),
        Error::InvalidSignatureForPublicKey => weak_issuer(parsed, trust).unwrap_or_else(|| {
            Fault::new(
                Reason::InvalidSignature,
                wrongly_signed(parsed, trust).unwrap_or(0),
                "a signature does not fit the key of the issuer that it names: the certificate was \
             altered, or another CA has the issuer's name",
            )
        }),
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::SignatureAlgorithmMismatch => first(&weak_signature).unwrap_or_else(|| {
            Fault::new(
                Reason::InvalidSignature,
                0,
                format!("a signature can't be judged: {error}"),
            )
        }),
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => first(&ext_key_usage)
            .unwrap_or_else(|| Fault::new(Reason::InvalidExtKeyUsage, 0, error.to_string())),
        Error::UnsupportedCriticalExtension => first(&critical_extension).unwrap_or_else(|| {
            Fault::new(
                Reason::UnknownCriticalExtension,
                0,
                "a critical extension is not understood",
            )
        }),
        Error::EndEntityUsedAsCa => Fault::new(
            Reason::MissingBasicConstraint,
            path(parsed)
                .into_iter()
                .skip(1)
                .find(|&issuer| !parsed[issuer].is_ca())
                .unwrap_or_else(|| parsed.len().min(1)),
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
            "an issuer's nameConstraints do not permit a name, or are of a kind that is not judged \
             (of directoryName, rfc822Name and URI)",
        ),
        Error::MaximumPathDepthExceeded => Fault::new(
            Reason::MaxPathLengthReached,
            parsed.len().min(1),
            format!("more than {MAX_INTERMEDIATES} CAs stand between it and a trusted one"),
        ),
        Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => Fault::new(
            Reason::UnknownCa,
            0,
            format!("no path to a trusted CA was found within bounds: {error}"),
        ),
        Error::UnsupportedCertVersion => Fault::new(
            Reason::BadCertificate,
            0,
            "the certificate is of version 1 or 2 and has extensions, which only version 3 has",
        ),
        // A self-signed CA in a longer chain: OTP too finds no CA for it.
        Error::CaUsedAsEndEntity => unknown_issuer(parsed, trust),
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
    let (not_before, not_after) = (validity.not_before, validity.not_after);
    let message = if now > not_after.timestamp() {
        let ago = days(now.saturating_sub(not_after.timestamp()));
        format!("it expired {ago} ago, on {}", told(not_after))
    } else if now < not_before.timestamp() {
        let left = days(not_before.timestamp().saturating_sub(now));
        format!(
            "it is valid in {left} only, from {}: is a clock wrong?",
            told(not_before)
        )
    } else {
        return None;
    };
    Some(Fault::new(Reason::CertExpired, position, message))
}

/// The name of the algorithm that the certificate is signed with, or its OID.
pub(super) fn algorithm_name(certificate: &X509Certificate<'_>) -> String {
    let oid = &certificate.signature_algorithm.algorithm;
    if oid.to_id_string() == "1.2.840.10045.4.1" {
        return "ecdsa-with-SHA1".to_owned();
    }
    let registry = OidRegistry::default().with_crypto().with_x509();
    registry
        .get(oid)
        .map_or_else(|| oid.to_id_string(), |entry| entry.sn().to_owned())
}

fn told(time: ASN1Time) -> String {
    time.to_rfc2822().unwrap_or_else(|error| error)
}

fn days(seconds: i64) -> String {
    match seconds / 86_400 {
        0 => format!("{seconds} seconds"),
        1 => "one day".to_owned(),
        days => format!("{days} days"),
    }
}

/// The positions of the certificates from the leaf to where the issuers' names end.
fn path(chain: &[X509Certificate<'_>]) -> Vec<usize> {
    let mut path: Vec<usize> = (0..chain.len().min(1)).collect();
    while let Some(&last) = path.last() {
        let issuer = chain[last].issuer().as_raw();
        let next = (1..chain.len())
            .find(|index| !path.contains(index) && chain[*index].subject().as_raw() == issuer);
        match next {
            Some(next) => path.push(next),
            None => break,
        }
    }
    path
}

fn unknown_issuer(chain: &[X509Certificate<'_>], trust: &TrustStore) -> Fault {
    let Some(&position) = path(chain).last() else {
        return Fault::new(Reason::UnknownCa, 0, "no trusted CA issued it");
    };
    let last = &chain[position];
    let issuer = last.issuer();
    let named = match authority_key_id(last) {
        Some(key_id) => format!("{:?} (key id {key_id})", name::to_text(issuer)),
        None => format!("{:?}", name::to_text(issuer)),
    };
    let message = if issuers_in(trust, last).next().is_some() {
        format!("its issuer {named} has the name of a trusted CA, but that CA did not sign it")
    } else if position > 0 && last.subject().as_raw() == issuer.as_raw() {
        format!("the CA {named}, to which the chain leads, is not trusted")
    } else {
        format!(
            "its issuer {named} is neither trusted nor among the certificates that the client \
             sent ({})",
            chain.len()
        )
    };
    Fault::new(Reason::UnknownCa, position, message)
}

/// The trusted certificates with the name of the certificate's issuer.
fn issuers_in<'a>(
    trust: &'a TrustStore,
    certificate: &'a X509Certificate<'_>,
) -> impl Iterator<Item = X509Certificate<'a>> {
    let issuer = certificate.issuer().as_raw();
    trust
        .ders()
        .iter()
        .filter_map(|der| parse(der, 0).ok())
        .filter(move |ca| ca.subject().as_raw() == issuer)
}

fn authority_key_id(certificate: &X509Certificate<'_>) -> Option<String> {
    certificate.extensions().iter().find_map(|extension| {
        let ParsedExtension::AuthorityKeyIdentifier(authority) = extension.parsed_extension()
        else {
            return None;
        };
        Some(fields::hexadecimal(authority.key_identifier.as_ref()?.0))
    })
}

/// An issuer whose RSA key is too short to be believed.
fn weak_issuer(chain: &[X509Certificate<'_>], trust: &TrustStore) -> Option<Fault> {
    path(chain).into_iter().find_map(|position| {
        let certificate = &chain[position];
        let issuer = certificate.issuer().as_raw();
        let sent = chain
            .iter()
            .filter(|other| other.subject().as_raw() == issuer)
            .find_map(short_rsa);
        let bits = sent.or_else(|| issuers_in(trust, certificate).find_map(|ca| short_rsa(&ca)))?;
        let message = format!(
            "its issuer's key is RSA with {bits} bits, and {MIN_RSA_BITS} are the least that is \
             accepted"
        );
        Some(Fault::new(Reason::InvalidSignature, position, message))
    })
}

/// The size of an RSA key that is below the least.
fn short_rsa(certificate: &X509Certificate<'_>) -> Option<usize> {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) if key.key_size() < MIN_RSA_BITS => Some(key.key_size()),
        _ => None,
    }
}

/// The first certificate from the leaf on whose issuer, by name, did not sign it.
fn wrongly_signed(chain: &[X509Certificate<'_>], trust: &TrustStore) -> Option<usize> {
    let path = path(chain);
    path.iter().enumerate().find_map(|(step, &position)| {
        let certificate = &chain[position];
        let is_right = match path.get(step + 1) {
            Some(&issuer) => signature::is_signed_by(certificate, &chain[issuer]),
            None => issuers_in(trust, certificate)
                .any(|issuer| signature::is_signed_by(certificate, &issuer)),
        };
        (!is_right).then_some(position)
    })
}

/// A critical extension that webpki does not know.
fn critical_extension(certificate: &X509Certificate<'_>, position: usize) -> Option<Fault> {
    let mut unknown = certificate.extensions().iter().filter(|extension| {
        let oid = extension.oid.to_id_string();
        extension.critical && !UNDERSTOOD.contains(&oid.as_str())
    });
    let oid = &unknown.next()?.oid;
    let message = format!("its critical extension {oid} is not understood");
    Some(Fault::new(
        Reason::UnknownCriticalExtension,
        position,
        message,
    ))
}

/// A signature of an algorithm that is not accepted at all.
fn weak_signature(certificate: &X509Certificate<'_>, position: usize) -> Option<Fault> {
    if signature::algorithms_of(certificate).next().is_some() {
        return None;
    }
    let name = algorithm_name(certificate);
    let message = format!("its signature algorithm {name} is not accepted");
    Some(Fault::new(Reason::InvalidSignature, position, message))
}

/// extKeyUsage without clientAuth.
fn ext_key_usage(certificate: &X509Certificate<'_>, position: usize) -> Option<Fault> {
    let usage = match certificate.extended_key_usage() {
        Ok(Some(usage)) if !usage.value.client_auth => usage.value,
        _ => return None,
    };
    let has = [
        (usage.any, "anyExtendedKeyUsage"),
        (usage.server_auth, "serverAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let mut has: Vec<_> = has
        .iter()
        .filter(|(has, _)| *has)
        .map(|(_, name)| *name)
        .collect();
    if has.is_empty() {
        has.push(if usage.other.is_empty() {
            "nothing"
        } else {
            "others"
        });
    }
    Some(Fault::new(
        Reason::InvalidExtKeyUsage,
        position,
        format!(
            "its extKeyUsage has {} but not clientAuth, so that it can't log a client in; ask \
             its CA for a certificate with clientAuth, which public CAs no longer issue",
            has.join(", ")
        ),
    ))
}

/// What webpki reads of extensions: keyUsage, subjectAltName, basicConstraints, nameConstraints,
/// cRLDistributionPoints, extKeyUsage.
const UNDERSTOOD: [&str; 6] = [
    "2.5.29.15",
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.30",
    "2.5.29.31",
    "2.5.29.37",
];

/// webpki's bound.
const MAX_INTERMEDIATES: usize = 6;

/// The least size of an RSA key that signs, in bits.
const MIN_RSA_BITS: usize = 2048;
