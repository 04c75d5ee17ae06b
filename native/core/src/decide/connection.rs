//! The certificate of a connection.

use super::Request;
use crate::certificate::ordinary::Ordinary;
use crate::certificate::presented::Presented;
use crate::certificate::{Certificate, fingerprint_hex};
use crate::config::{Listener, Tls};
use crate::message::quote;
use crate::policy::Policy;
use crate::reason::{Reason, Refused};
use crate::verify::{self, Fault, VerifyMode};

/// The client's certificate, if it passes what the listener demands. It is judged at every
/// login, whatever TLS made of it: a resumed session, and a listener with
/// `disconnect_on_failure = false`, let any certificate through.
pub(super) fn check<'a>(
    policy: &Policy,
    listener: &Listener,
    request: &'a Request,
    now: i64,
) -> Result<Presented<'a>, Refused> {
    let Some(tls) = &listener.tls else {
        return Err(Refused::new(
            Reason::NoTls,
            format!(
                "{} has no tls section, so that there is no certificate",
                listener.path
            ),
        ));
    };
    if tls.verify_mode == VerifyMode::None {
        return Err(Refused::new(
            Reason::VerifyModeNone,
            format!(
                "{}.verify_mode is \"none\", so that no certificate is asked for",
                tls.path
            ),
        ));
    }
    verify::verify(&request.chain, tls.verify_mode, policy.trust(tls), now)
        .map_err(|faults| explain(tls, request, &faults))?;
    if request.verified == Some(false) {
        return Err(failed(
            tls,
            Reason::NotVerified,
            "the server's own TLS verification refuses the certificate, though certjid accepts it",
        ));
    }
    Presented::from_der(&request.chain[0])
        .map_err(|error| failed(tls, Reason::BadCertificate, error.to_string()))
}

/// Whether the chain begins with a CA that issued the second certificate: the leaf first, says
/// RFC 8446 section 4.4.2, and who swaps them is judged by the CA's names.
pub(super) fn is_swapped(chain: &[Vec<u8>]) -> bool {
    let first = chain.first().and_then(|der| Ordinary::read(der));
    if first.is_some_and(|first| !first.is_ca) {
        return false;
    }
    let mut certificates = chain
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok());
    let (Some(first), Some(second)) = (certificates.next(), certificates.next()) else {
        return false;
    };
    first.may_issue() && !second.may_issue() && first.subject() == second.issuer()
}

/// Says what was accepted.
pub(super) fn accepted(certificate: &Presented<'_>, listener: &Listener) -> String {
    let mode = listener
        .tls
        .as_ref()
        .map(|tls| tls.verify_mode)
        .unwrap_or_default();
    format!(
        "the certificate {} (SHA-256 {}) is accepted by verify_mode \"{mode}\"",
        quote(&certificate.subject),
        fingerprint_hex(certificate.der)
    )
}

fn explain(tls: &Tls, request: &Request, faults: &[Fault]) -> Refused {
    let Some(fault) = faults.first() else {
        return failed(tls, Reason::BadCertificate, "the certificate is refused");
    };
    let subject = request
        .chain
        .get(fault.position)
        .and_then(|der| Certificate::from_der(der).ok())
        .map(|certificate| {
            format!(
                "certificate {} ({}): ",
                fault.position,
                quote(certificate.subject())
            )
        })
        .unwrap_or_default();
    let all: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    failed(tls, fault.reason, format!("{subject}{}", all.join("; ")))
}

fn failed(tls: &Tls, reason: Reason, message: impl AsRef<str>) -> Refused {
    Refused {
        disconnect: tls.disconnect_on_failure,
        ..Refused::new(reason, message)
    }
}
