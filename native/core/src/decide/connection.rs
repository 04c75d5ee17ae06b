//! The certificate of a connection.

use super::Request;
use crate::certificate::ClientCertificate;
use crate::config::{Listener, Tls};
use crate::message::quote;
use crate::policy::Policy;
use crate::reason::{Reason, Refused};
use crate::verify::{self, Crl, Fault, Trusted, VerifyMode};

/// The client's certificate, if it passes what the listener demands and no list of `revoking`
/// names it. It is judged at every
/// login, whatever TLS made of it: a resumed session, and a listener with
/// `disconnect_on_failure = false`, let any certificate through.
pub(super) fn check<'a>(
    policy: &Policy,
    listener: &Listener,
    request: &'a Request,
    revoking: &[&Crl],
    now: i64,
) -> Result<ClientCertificate<'a>, Refused> {
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
    let chain: Vec<&[u8]> = request.chain.iter().map(Vec::as_slice).collect();
    let leaf = verify::leaf(&chain).map_err(|fault| explain(tls, &[fault]))?;
    let trust = Trusted {
        store: policy.trust(tls),
        revoking,
    };
    verify::verify_leaf(&leaf, &chain[1..], tls.verify_mode, &trust, now)
        .map_err(|faults| explain(tls, &faults))?;
    if request.verified == Some(false) {
        return Err(failed(
            tls,
            Reason::NotVerified,
            "the server's own TLS verification refuses the certificate, though certjid accepts it",
        ));
    }
    Ok(leaf)
}

/// Whether the chain begins with a CA that issued the second certificate: the leaf first, says
/// RFC 8446 section 4.4.2, and who swaps them is judged by the CA's names.
pub(super) fn is_swapped(
    judged: &Result<ClientCertificate<'_>, Refused>,
    chain: &[Vec<u8>],
) -> bool {
    let [first, second, ..] = chain else {
        return false;
    };
    if judged.as_ref().is_ok_and(|leaf| !leaf.may_issue()) {
        return false;
    }
    match (
        ClientCertificate::from_der(first),
        ClientCertificate::from_der(second),
    ) {
        (Ok(first), Ok(second)) => {
            first.may_issue()
                && !second.may_issue()
                && first.subject().der() == second.issuer().der()
        }
        _ => false,
    }
}

/// Says what was accepted.
pub(super) fn accepted(certificate: &ClientCertificate<'_>, listener: &Listener) -> String {
    let mode = listener
        .tls
        .as_ref()
        .map(|tls| tls.verify_mode)
        .unwrap_or_default();
    format!(
        "the certificate {} (SHA-256 {}) is accepted by verify_mode \"{mode}\"",
        quote(&certificate.subject().to_text()),
        certificate.fingerprint_hex()
    )
}

fn explain(tls: &Tls, faults: &[Fault]) -> Refused {
    let Some(fault) = faults.first() else {
        return failed(tls, Reason::BadCertificate, "the certificate is refused");
    };
    let subject = match fault.subject.as_str() {
        "" => String::new(),
        subject => format!("certificate {} ({}): ", fault.position, quote(subject)),
    };
    let all: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    failed(tls, fault.reason, format!("{subject}{}", all.join("; ")))
}

fn failed(tls: &Tls, reason: Reason, message: impl AsRef<str>) -> Refused {
    Refused {
        disconnect: tls.disconnect_on_failure,
        ..Refused::new(reason, message)
    }
}
