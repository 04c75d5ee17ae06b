use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;

use super::{Fault, Reason, VerifyMode, diagnosis, signature};

/// What is wrong with a single certificate that has the same name as subject and as issuer.
///
/// Under `selfsigned_peer` OTP looks at its dates alone; here it must also have signed itself,
/// and have no critical extension that nobody understands.
pub(super) fn faults(certificate: &X509Certificate<'_>, mode: VerifyMode, now: i64) -> Vec<Fault> {
    let mut faults = Vec::new();
    if mode == VerifyMode::Peer {
        faults.push(Fault::new(
            Reason::SelfsignedPeer,
            0,
            "the certificate is self-signed, and verify_mode \"peer\" demands one that a trusted \
             CA issued",
        ));
    }
    faults.extend(diagnosis::expired(certificate, 0, now));
    if !signature::is_signed_by(certificate, certificate) {
        faults.push(Fault::new(
            Reason::InvalidSignature,
            0,
            format!(
                "subject and issuer are the same, but the certificate's own key did not make its \
                 signature ({})",
                diagnosis::algorithm_name(certificate)
            ),
        ));
    }
    faults.extend(unknown_critical_extension(certificate));
    faults
}

fn unknown_critical_extension(certificate: &X509Certificate<'_>) -> Option<Fault> {
    let unknown = certificate.extensions().iter().find(|extension| {
        extension.critical
            && matches!(
                extension.parsed_extension(),
                ParsedExtension::UnsupportedExtension { .. } | ParsedExtension::Unparsed
            )
    })?;
    Some(Fault::new(
        Reason::UnknownCriticalExtension,
        0,
        format!("the critical extension {} is not understood", unknown.oid),
    ))
}
