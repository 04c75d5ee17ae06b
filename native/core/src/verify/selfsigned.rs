use super::signature::Signed;
use super::{Fault, Reason, VerifyMode, algorithm_name, diagnosis, policies};
use crate::certificate::ClientCertificate;

/// What is wrong with a single certificate that has the same name as subject and as issuer.
///
/// Under `selfsigned_peer` OTP looks at its dates alone; here it must also have signed itself,
/// and have no critical extension that nobody understands.
pub(super) fn faults(
    certificate: &ClientCertificate<'_>,
    mode: VerifyMode,
    now: i64,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    if mode == VerifyMode::Peer {
        faults.push(Fault::of(
            certificate,
            Reason::SelfsignedPeer,
            0,
            "the certificate is self-signed, and verify_mode \"peer\" demands one that a trusted \
             CA issued",
        ));
    }
    faults.extend(diagnosis::expired(certificate, 0, now));
    let key = &certificate.public_key;
    if Signed::certificate(certificate).is_by(key.algorithm, key.key) != Some(true) {
        faults.push(Fault::of(
            certificate,
            Reason::InvalidSignature,
            0,
            unsigned(certificate),
        ));
    }
    faults.extend(diagnosis::unknown_critical(certificate, 0));
    faults.extend(policies::check(&[certificate]).err());
    faults
}

fn unsigned(certificate: &ClientCertificate<'_>) -> String {
    if let Some(refusal) = algorithm_name::refusal(certificate.signature_algorithm) {
        return format!("its signature is {refusal}");
    }
    if let Some(refusal) = algorithm_name::key_refusal(&certificate.public_key) {
        return format!("its key {refusal}");
    }
    format!(
        "subject and issuer are the same, but the certificate's own key did not make its \
         signature ({})",
        algorithm_name::name(certificate.signature_algorithm)
    )
}
