//! What webpki does not look at.

use super::{Fault, Purpose, Reason, diagnosis};
use crate::certificate::ClientCertificate;

/// The client's own certificate: keyUsage and extKeyUsage, where both are there, must allow one
/// purpose (RFC 5280 section 4.2.1.12), as OTP demands since 27, of leaves that are not CAs.
pub(super) fn leaf(leaf: &ClientCertificate<'_>, purpose: Purpose) -> Result<(), Fault> {
    let extensions = &leaf.extensions;
    let is_fit = extensions
        .key_usage
        .is_none_or(|usage| usage.digital_signature() || usage.key_agreement());
    let is_judged = extensions.ext_key_usage.is_some() && !extensions.is_ca();
    if purpose == Purpose::Server || !is_judged || is_fit {
        return Ok(());
    }
    Err(Fault::of(
        leaf,
        Reason::InvalidKeyUsage,
        0,
        "its extKeyUsage is for clients, but its keyUsage allows neither digitalSignature nor \
         keyAgreement, which a client needs",
    ))
}

/// An issuer between leaf and trust anchor: keyUsage, where it has one, must allow keyCertSign
/// (RFC 5280 section 6.1.4 (n)).
pub(super) fn issuer(issuer: &ClientCertificate<'_>, position: usize) -> Result<(), Fault> {
    let usage = issuer.extensions.key_usage;
    if usage.is_none_or(|usage| usage.key_cert_sign()) {
        return Ok(());
    }
    Err(Fault::of(
        issuer,
        Reason::InvalidKeyUsage,
        position,
        "it issues certificates, but its keyUsage does not allow keyCertSign",
    ))
}

/// A trust anchor: its dates, as OTP judges them, and that it is not somebody's leaf, whose key
/// would otherwise vouch for anybody. A self-issued one that says nothing is a CA, for old roots do
/// not. Its keyUsage and extKeyUsage do not count, as in OTP (RFC 5280 section 6.1.1 (d)).
pub(super) fn anchor(
    anchor: &ClientCertificate<'_>,
    position: usize,
    now: i64,
) -> Result<(), Fault> {
    if let Some(fault) = diagnosis::expired(anchor, position, now) {
        return Err(fault);
    }
    let says_it_is_not = match anchor.extensions.basic_constraints {
        Some(constraints) => !constraints.is_ca,
        None => !anchor.is_self_issued(),
    };
    if says_it_is_not {
        return Err(Fault::of(
            anchor,
            Reason::MissingBasicConstraint,
            position,
            "it is in the CA file, but it is not a CA (basicConstraints CA:TRUE), so that what it \
             issues is not accepted",
        ));
    }
    Ok(())
}
