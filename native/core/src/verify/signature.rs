//! Signatures of certificates. SHA-1, MD5 and RSA below 2048 bits are not among the algorithms.

use std::sync::LazyLock;

pub(super) use rustls_pki_types::SignatureVerificationAlgorithm as Algorithm;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature};
use x509_parser::certificate::X509Certificate;

use crate::certificate::element::Element;
use crate::certificate::tbs::Tbs;

/// All that webpki has, and RSA-PSS by keys that are for nothing else.
pub(super) static ALGORITHMS: LazyLock<Vec<&'static dyn Algorithm>> = LazyLock::new(|| {
    let pss = RSA_PSS_KEY.iter().flatten();
    let pss = pss.map(|algorithm| algorithm as &dyn Algorithm);
    webpki::ALL_VERIFICATION_ALGS
        .iter()
        .copied()
        .chain(pss)
        .collect()
});

/// The kinds of keys that they are for, each once.
pub(super) static KEY_ALGORITHMS: LazyLock<Vec<AlgorithmIdentifier>> = LazyLock::new(|| {
    let mut kinds = Vec::new();
    for kind in ALGORITHMS.iter().map(|known| known.public_key_alg_id()) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
});

/// RSA-PSS with SHA-256, SHA-384 and SHA-512, for each form of the key's identifier.
pub(crate) static RSA_PSS_KEY: [[PssKey; 2]; 3] = [
    PssKey::both(&webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY),
    PssKey::both(&webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA384_LEGACY_KEY),
    PssKey::both(&webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA512_LEGACY_KEY),
];

/// RSA-PSS by a key whose algorithm is id-RSASSA-PSS; webpki knows only keys for all of RSA. The
/// key's parameters, where it has any, bind it to the hash (RFC 4055 section 1.2).
#[derive(Debug)]
pub(crate) struct PssKey {
    signature: &'static &'static dyn Algorithm,
    has_parameters: bool,
}

impl PssKey {
    const fn both(signature: &'static &'static dyn Algorithm) -> [Self; 2] {
        [
            Self {
                signature,
                has_parameters: false,
            },
            Self {
                signature,
                has_parameters: true,
            },
        ]
    }
}

impl Algorithm for PssKey {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        self.signature
            .verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        if self.has_parameters {
            self.signature.signature_alg_id()
        } else {
            AlgorithmIdentifier::from_slice(ID_RSASSA_PSS)
        }
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature.signature_alg_id()
    }
}

/// 1.2.840.113549.1.1.10, without parameters.
const ID_RSASSA_PSS: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a,
];

/// The algorithms that fit the certificate's signature by their name. One name may stand for
/// several, by the kind of the issuer's key.
pub(super) fn algorithms_of(
    certificate: &X509Certificate<'_>,
) -> impl Iterator<Item = &'static dyn Algorithm> {
    let named = Tbs::parse(certificate.tbs_certificate.as_ref())
        .map(|tbs| tbs.signature.value)
        .unwrap_or_default();
    with_name(named)
}

/// The algorithms that have this name, the contents of an AlgorithmIdentifier.
pub(super) fn with_name(name: &[u8]) -> impl Iterator<Item = &'static dyn Algorithm> {
    ALGORITHMS
        .iter()
        .copied()
        .filter(move |algorithm| algorithm.signature_alg_id().as_ref() == name)
}

/// Whether the issuer's key made the certificate's signature.
pub(super) fn is_signed_by(
    certificate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
) -> bool {
    let tbs = certificate.tbs_certificate.as_ref();
    let Some(key_algorithm) = key_algorithm(issuer.tbs_certificate.as_ref()) else {
        return false;
    };
    let key = &issuer.public_key().subject_public_key.data;
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
