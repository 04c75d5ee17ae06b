//! Signatures of certificates. SHA-1, MD5 and RSA below 2048 bits are not among the algorithms.

pub(super) use rustls_pki_types::SignatureVerificationAlgorithm as Algorithm;
use x509_parser::certificate::X509Certificate;

use crate::certificate::element::Element;
use crate::certificate::tbs::Tbs;

/// All that webpki has.
pub(super) static ALGORITHMS: &[&dyn Algorithm] = webpki::ALL_VERIFICATION_ALGS;

/// The algorithms that fit the certificate's signature by their name. One name may stand for
/// several, by the kind of the issuer's key.
pub(super) fn algorithms_of(
    certificate: &X509Certificate<'_>,
) -> impl Iterator<Item = &'static dyn Algorithm> {
    let named = Tbs::parse(certificate.tbs_certificate.as_ref())
        .map(|tbs| tbs.signature.value.to_vec())
        .unwrap_or_default();
    ALGORITHMS
        .iter()
        .copied()
        .filter(move |algorithm| algorithm.signature_alg_id().as_ref() == named)
}

/// Whether the certificate's own key made its signature.
pub(super) fn signs_itself(certificate: &X509Certificate<'_>) -> bool {
    let tbs = certificate.tbs_certificate.as_ref();
    let Some(key_algorithm) = key_algorithm(tbs) else {
        return false;
    };
    let key = &certificate.public_key().subject_public_key.data;
    algorithms_of(certificate)
        .filter(|algorithm| algorithm.public_key_alg_id().as_ref() == key_algorithm)
        .any(|algorithm| {
            let signature = &certificate.signature_value.data;
            algorithm.verify_signature(key, tbs, signature).is_ok()
        })
}

/// The contents of the AlgorithmIdentifier of the public key.
fn key_algorithm(tbs: &[u8]) -> Option<&[u8]> {
    let mut info = Tbs::parse(tbs)?.public_key.value;
    Some(Element::take(&mut info).ok()?.value)
}
