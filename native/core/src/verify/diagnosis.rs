//! From webpki's error to a reason, the certificate at fault, and a sentence: webpki tells of one
//! fault only, and not of which certificate.

use webpki::Error;

use super::date::{date, span};
use super::paths::{Found, Graph, MAX_INTERMEDIATES, Path};
use super::signature::Signed;
use super::{Fault, Purpose, Reason, algorithm_name};
use crate::certificate::extensions::name;
use crate::certificate::{ClientCertificate, hexadecimal};
use crate::der::{Reader, oid};

/// Explains why webpki refuses a path.
pub(super) fn explain(error: &Error, path: &Path<'_, '_>, purpose: Purpose, now: i64) -> Fault {
    let leaf = path.certificates[0];
    let first = |fault: &dyn Fn(&ClientCertificate<'_>, usize) -> Option<Fault>| {
        let mut all = path.certificates.iter().zip(0..);
        all.find_map(|(certificate, position)| fault(certificate, position))
    };
    let of_leaf = |reason, message: String| Fault::of(leaf, reason, 0, message);
    match error {
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } | Error::InvalidCertValidity => {
            first(&|certificate, position| expired(certificate, position, now)).unwrap_or_else(
                || of_leaf(Reason::CertExpired, "its notBefore is after its notAfter".to_owned()),
            )
        }
        Error::InvalidSignatureForPublicKey
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::SignatureAlgorithmMismatch => signature(path),
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
            first(&|certificate, position| ext_key_usage(certificate, position, purpose))
                .unwrap_or_else(|| {
                    of_leaf(Reason::InvalidExtKeyUsage, "its extKeyUsage is empty".to_owned())
                })
        }
        Error::UnsupportedCriticalExtension => first(&unknown_critical).unwrap_or_else(|| {
            of_leaf(
                Reason::UnknownCriticalExtension,
                "a critical extension is not understood".to_owned(),
            )
        }),
        Error::EndEntityUsedAsCa => no_ca(path),
        Error::UnsupportedCertVersion => version(path),
        Error::PathLenConstraintViolated | Error::MaximumPathDepthExceeded => Fault::of(
            leaf,
            Reason::MaxPathLengthReached,
            path.certificates.len().min(2) - 1,
            "a CA issued another CA where its pathLenConstraint allows none",
        ),
        Error::NameConstraintViolation => of_leaf(
            Reason::NameNotPermitted,
            "an issuer's nameConstraints do not permit a name, or are of a kind that is not judged \
             (of directoryName, rfc822Name and URI)"
                .to_owned(),
        ),
        Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => of_leaf(
            Reason::UnknownCa,
            "no path to a trusted CA was found within the limits".to_owned(),
        ),
        // A self-signed CA in a longer chain: OTP too finds no CA for it.
        Error::CaUsedAsEndEntity => of_leaf(
            Reason::UnknownCa,
            "it is a self-signed CA, and not the certificate of a client".to_owned(),
        ),
        _ => of_leaf(
            Reason::BadCertificate,
            "a certificate of the path has an extension that can't be read".to_owned(),
        ),
    }
}

/// A fault, and what else is wrong with the certificates of the path.
pub(super) fn with_others(
    fault: Fault,
    path: &Path<'_, '_>,
    purpose: Purpose,
    now: i64,
) -> Vec<Fault> {
    others(vec![fault], &path.certificates, purpose, now)
}

fn others(
    mut faults: Vec<Fault>,
    certificates: &[&ClientCertificate<'_>],
    purpose: Purpose,
    now: i64,
) -> Vec<Fault> {
    for (certificate, position) in certificates.iter().zip(0..) {
        let others = [
            expired(certificate, position, now),
            ext_key_usage(certificate, position, purpose),
            weak_signature(certificate, position),
            unknown_critical(certificate, position),
        ];
        for other in others.into_iter().flatten() {
            if !faults.iter().any(|known| known.reason == other.reason) {
                faults.push(other);
            }
        }
    }
    faults
}

/// What is wrong where no path leads to a trust anchor.
pub(super) fn without_path(
    graph: &Graph<'_>,
    found: &Found<'_, '_>,
    purpose: Purpose,
    now: i64,
) -> Vec<Fault> {
    let way = graph.dead_end();
    let first = if found.cut {
        Fault::of(
            way[0],
            Reason::UnknownCa,
            0,
            "no path to a trusted CA was found within the limits: the certificates that came with \
             it bear one another's names",
        )
    } else if found.too_long {
        Fault::of(
            way[0],
            Reason::MaxPathLengthReached,
            way.len().min(2) - 1,
            format!("more than {MAX_INTERMEDIATES} CAs are between it and a trusted one"),
        )
    } else {
        unknown_issuer(graph, &way)
    };
    let mut faults = others(Vec::new(), &way, purpose, now);
    // What is wrong with the leaf itself would be wrong below any CA; webpki tells of it first.
    let own = faults.iter().position(|fault| fault.position == 0);
    match own {
        Some(own) => {
            faults.swap(0, own);
            faults.push(first);
        }
        None => faults.insert(0, first),
    }
    faults
}

/// The fault of a certificate that is not valid at `now`.
pub(super) fn expired(
    certificate: &ClientCertificate<'_>,
    position: usize,
    now: i64,
) -> Option<Fault> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    let message = if now > not_after {
        let ago = span(now.saturating_sub(not_after));
        format!("it expired {ago} ago, on {}", date(not_after))
    } else if now < not_before {
        let left = span(not_before.saturating_sub(now));
        format!(
            "it is valid in {left} only, from {}: is a clock wrong?",
            date(not_before)
        )
    } else {
        return None;
    };
    Some(Fault::of(
        certificate,
        Reason::CertExpired,
        position,
        message,
    ))
}

/// A critical extension that is not understood.
pub(super) fn unknown_critical(
    certificate: &ClientCertificate<'_>,
    position: usize,
) -> Option<Fault> {
    let id = certificate.extensions.unknown_critical?;
    let message = format!("its critical extension {} is not understood", name(id));
    let reason = Reason::UnknownCriticalExtension;
    Some(Fault::of(certificate, reason, position, message))
}

/// A signature of an algorithm that is not accepted at all.
fn weak_signature(certificate: &ClientCertificate<'_>, position: usize) -> Option<Fault> {
    let refusal = algorithm_name::refusal(certificate.signature_algorithm)?;
    let message = format!("its signature is {refusal}");
    let reason = Reason::InvalidSignature;
    Some(Fault::of(certificate, reason, position, message))
}

/// extKeyUsage without the purpose.
fn ext_key_usage(
    certificate: &ClientCertificate<'_>,
    position: usize,
    purpose: Purpose,
) -> Option<Fault> {
    let (wanted, wanted_name, does) = match purpose {
        Purpose::Client => (oid::CLIENT_AUTH, "clientAuth", "log a client in"),
        Purpose::Server => (oid::SERVER_AUTH, "serverAuth", "vouch for a server"),
    };
    if certificate.extensions.allows(wanted) {
        return None;
    }
    let mut purposes = Reader::new(certificate.extensions.ext_key_usage.unwrap_or_default());
    let mut has: Vec<String> = core::iter::from_fn(|| purposes.oid().ok())
        .take(MAX_PURPOSES)
        .map(oid::purpose)
        .collect();
    if has.is_empty() {
        has.push("nothing".to_owned());
    }
    let mut message = format!(
        "its extKeyUsage has {} but not {wanted_name}, so that it can't {does}",
        has.join(", ")
    );
    if purpose == Purpose::Client {
        message.push_str(
            "; ask its CA for a certificate with clientAuth, which public CAs no longer issue",
        );
    }
    let reason = Reason::InvalidExtKeyUsage;
    Some(Fault::of(certificate, reason, position, message))
}

/// The first signature of a path, from the leaf on, that can't be accepted.
fn signature(path: &Path<'_, '_>) -> Fault {
    let anchor = ClientCertificate::from_der(&path.anchor.der);
    let issuers = path.certificates[1..].iter().copied().chain(&anchor);
    for ((certificate, issuer), position) in path.certificates.iter().zip(issuers).zip(0..) {
        let invalid = |message| Fault::of(certificate, Reason::InvalidSignature, position, message);
        if let Some(fault) = weak_signature(certificate, position) {
            return fault;
        }
        if let Some(refusal) = algorithm_name::key_refusal(&issuer.public_key) {
            return invalid(format!("its issuer's key {refusal}"));
        }
        let key = &issuer.public_key;
        match Signed::certificate(certificate).is_by(key.algorithm, key.key) {
            Some(true) => {}
            Some(false) => {
                return invalid(
                    "its signature does not fit the key of the issuer that it names: the \
                     certificate was altered, or another CA has the issuer's name"
                        .to_owned(),
                );
            }
            None => {
                return invalid(format!(
                    "its signature algorithm ({}) is not for its issuer's key",
                    algorithm_name::name(certificate.signature_algorithm)
                ));
            }
        }
    }
    Fault::of(
        path.certificates[0],
        Reason::InvalidSignature,
        0,
        "a signature of the path can't be accepted",
    )
}

/// The first issuer of a path that is not a CA.
fn no_ca(path: &Path<'_, '_>) -> Fault {
    let mut issuers = path.certificates.iter().zip(0..).skip(1);
    let (issuer, position) = issuers
        .find(|(issuer, _)| !issuer.extensions.is_ca())
        .unwrap_or((&path.certificates[0], 0));
    Fault::of(
        issuer,
        Reason::MissingBasicConstraint,
        position,
        "it is not a CA (basicConstraints CA:TRUE), and it issued another certificate",
    )
}

fn version(path: &Path<'_, '_>) -> Fault {
    let mut all = path.certificates.iter().zip(0..);
    let old = all.find(|(certificate, position)| {
        let has_extensions = !certificate.extensions.contents.is_empty();
        certificate.version() < 3 && (*position > 0 || has_extensions)
    });
    match old {
        Some((issuer, position)) if position > 0 => Fault::of(
            issuer,
            Reason::MissingBasicConstraint,
            position,
            format!(
                "it is of version {}, which can't say that it is a CA, and it issued another \
                 certificate",
                issuer.version()
            ),
        ),
        _ => Fault::of(
            path.certificates[0],
            Reason::BadCertificate,
            0,
            "the certificate is of version 1 or 2 and has extensions, which only version 3 has",
        ),
    }
}

fn unknown_issuer(graph: &Graph<'_>, way: &[&ClientCertificate<'_>]) -> Fault {
    let leaf = way[0];
    let unknown = |certificate, position, message| {
        Fault::of(certificate, Reason::UnknownCa, position, message)
    };
    if let Some(issued) = graph.issued_by_leaf() {
        return unknown(
            leaf,
            0,
            format!(
                "it is the CA that issued {:?}, which came with it: the chain is in the wrong \
                 order, and must begin with the client's own certificate",
                issued.subject().to_text()
            ),
        );
    }
    let position = way.len() - 1;
    let last = way[position];
    let issuer = last.issuer().to_text();
    let named = match last.extensions.authority_key_id {
        Some(key_id) => format!("{issuer:?} (key id {})", hexadecimal(key_id)),
        None => format!("{issuer:?}"),
    };
    let mut message = if position > 0 && last.is_self_issued() {
        format!("the CA {named}, to which the chain leads, is not trusted")
    } else {
        format!(
            "its issuer {named} is neither trusted nor among the certificates that the client \
             sent ({})",
            graph.sent + 1
        )
    };
    if let Some((position, error)) = graph.unreadable.first() {
        message.push_str(&format!(
            "; certificate {position} of the chain is ignored: {error}"
        ));
    }
    unknown(last, position, message)
}

/// The purposes of an extKeyUsage that are told.
const MAX_PURPOSES: usize = 8;
