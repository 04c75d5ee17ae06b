use webpki::VerifiedPath;

use super::{Fault, Reason, parse};
use crate::certificate::ordinary::Ordinary;

/// Checks what webpki does not look at: keyUsage, where an issuer between leaf and trust anchor
/// has one, must allow keyCertSign (RFC 5280 section 6.1.4 (n)).
/// The position of a fault is that in the path.
pub(super) fn check(path: &VerifiedPath<'_>) -> Result<(), Fault> {
    for (issuer, position) in path.intermediate_certificates().zip(1..) {
        if !may_sign(&issuer.der(), position)? {
            return Err(Fault::new(
                Reason::InvalidKeyUsage,
                position,
                "it issues certificates, but its keyUsage does not allow keyCertSign",
            ));
        }
    }
    Ok(())
}

fn may_sign(der: &[u8], position: usize) -> Result<bool, Fault> {
    if let Some(ordinary) = Ordinary::read(der) {
        return Ok(ordinary.key_cert_sign.unwrap_or(true));
    }
    Ok(match parse(der, position)?.key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.key_cert_sign(),
        Err(_) => false,
    })
}
