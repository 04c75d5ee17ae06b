//! Signatures of certificates and revocation lists. SHA-1, MD5 and RSA below 2048 bits are not among
//! the algorithms.

use std::sync::LazyLock;

pub(super) use rustls_pki_types::SignatureVerificationAlgorithm as Algorithm;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature};

use crate::certificate::ClientCertificate;

/// All that webpki has, RSA-PSS by keys that are for nothing else, and ECDSA under a name with
/// parameters.
pub(super) static ALGORITHMS: LazyLock<Vec<&'static dyn Algorithm>> = LazyLock::new(|| {
    let pss = RSA_PSS_KEY.iter().flatten();
    let pss = pss.map(|algorithm| algorithm as &dyn Algorithm);
    let ecdsa = ECDSA_WITH_CURVE.iter();
    let ecdsa = ecdsa.map(|algorithm| algorithm as &dyn Algorithm);
    webpki::ALL_VERIFICATION_ALGS
        .iter()
        .copied()
        .chain(pss)
        .chain(ecdsa)
        .collect()
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

/// ECDSA whose name has the key's curve for parameters. RFC 5758 section 3.2 has none there;
/// OTP's `public_key:pkix_test_data/1` writes them, and OTP and OpenSSL take them.
#[derive(Debug)]
struct EcdsaWithCurve {
    algorithm: &'static &'static dyn Algorithm,
    name: &'static [u8],
}

impl Algorithm for EcdsaWithCurve {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        self.algorithm
            .verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        AlgorithmIdentifier::from_slice(self.name)
    }
}

/// The contents of an AlgorithmIdentifier: ecdsa-with-SHA256 or one of its like by its last arc,
/// and the curve.
macro_rules! ecdsa_with_curve {
    ($algorithm:ident, $hash:literal, $($curve:literal),*) => {
        EcdsaWithCurve {
            algorithm: &webpki::aws_lc_rs::$algorithm,
            name: &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, $hash, 0x06, $($curve),*],
        }
    };
}

static ECDSA_WITH_CURVE: [EcdsaWithCurve; 9] = [
    ecdsa_with_curve!(
        ECDSA_P256_SHA256,
        2,
        8,
        0x2a,
        0x86,
        0x48,
        0xce,
        0x3d,
        3,
        1,
        7
    ),
    ecdsa_with_curve!(
        ECDSA_P256_SHA384,
        3,
        8,
        0x2a,
        0x86,
        0x48,
        0xce,
        0x3d,
        3,
        1,
        7
    ),
    ecdsa_with_curve!(
        ECDSA_P256_SHA512,
        4,
        8,
        0x2a,
        0x86,
        0x48,
        0xce,
        0x3d,
        3,
        1,
        7
    ),
    ecdsa_with_curve!(ECDSA_P384_SHA256, 2, 5, 0x2b, 0x81, 0x04, 0x00, 0x22),
    ecdsa_with_curve!(ECDSA_P384_SHA384, 3, 5, 0x2b, 0x81, 0x04, 0x00, 0x22),
    ecdsa_with_curve!(ECDSA_P384_SHA512, 4, 5, 0x2b, 0x81, 0x04, 0x00, 0x22),
    ecdsa_with_curve!(ECDSA_P521_SHA256, 2, 5, 0x2b, 0x81, 0x04, 0x00, 0x23),
    ecdsa_with_curve!(ECDSA_P521_SHA384, 3, 5, 0x2b, 0x81, 0x04, 0x00, 0x23),
    ecdsa_with_curve!(ECDSA_P521_SHA512, 4, 5, 0x2b, 0x81, 0x04, 0x00, 0x23),
];

/// 1.2.840.113549.1.1.10, without parameters.
const ID_RSASSA_PSS: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a,
];

/// The algorithms that have this name, the contents of an AlgorithmIdentifier. One name may stand
/// for several, by the kind of the signer's key.
pub(super) fn with_name(name: &[u8]) -> impl Iterator<Item = &'static dyn Algorithm> {
    ALGORITHMS
        .iter()
        .copied()
        .filter(move |algorithm| algorithm.signature_alg_id().as_ref() == name)
}

/// Something signed, and the name of the algorithm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    pub(super) message: &'a [u8],
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(super) fn certificate(certificate: &ClientCertificate<'a>) -> Self {
        Self {
            message: certificate.tbs,
            algorithm: certificate.signature_algorithm,
            signature: certificate.signature,
        }
    }

    /// Whether the key made the signature. The key is given as the contents of its
    /// AlgorithmIdentifier, and its bits. None where no algorithm that is accepted has this name
    /// and is for such a key.
    pub(super) fn is_by(&self, key_algorithm: &[u8], key: &[u8]) -> Option<bool> {
        let mut algorithms = with_name(self.algorithm)
            .filter(|algorithm| algorithm.public_key_alg_id().as_ref() == key_algorithm)
            .peekable();
        algorithms.peek()?;
        Some(algorithms.any(|algorithm| {
            algorithm
                .verify_signature(key, self.message, self.signature)
                .is_ok()
        }))
    }
}
