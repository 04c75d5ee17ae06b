use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, alg_id};

use super::signature::Algorithm;

/// RSA as webpki has it, with the keys of CAs held as they are parsed: to parse one takes a
/// seventh of the time of a signature. What the keys signed is judged each time.
#[derive(Debug)]
pub(super) struct RsaKeys {
    parameters: &'static RsaParameters,
    signature_alg_id: AlgorithmIdentifier,
    parsed: RwLock<HashMap<Vec<u8>, Arc<ParsedPublicKey>>>,
}

impl RsaKeys {
    /// PKCS #1 with SHA-256, SHA-384 and SHA-512, by keys of 2048 to 8192 bits.
    pub(super) fn all() -> [Self; 3] {
        [
            Self::new(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                alg_id::RSA_PKCS1_SHA256,
            ),
            Self::new(
                &signature::RSA_PKCS1_2048_8192_SHA384,
                alg_id::RSA_PKCS1_SHA384,
            ),
            Self::new(
                &signature::RSA_PKCS1_2048_8192_SHA512,
                alg_id::RSA_PKCS1_SHA512,
            ),
        ]
    }

    fn new(parameters: &'static RsaParameters, signature_alg_id: AlgorithmIdentifier) -> Self {
        Self {
            parameters,
            signature_alg_id,
            parsed: RwLock::default(),
        }
    }

    fn known(&self, public_key: &[u8]) -> Option<Arc<ParsedPublicKey>> {
        let parsed = self.parsed.read().unwrap_or_else(PoisonError::into_inner);
        parsed.get(public_key).cloned()
    }

    fn hold(&self, public_key: &[u8], key: ParsedPublicKey) {
        let mut parsed = self.parsed.write().unwrap_or_else(PoisonError::into_inner);
        if parsed.len() < MAX_KEYS {
            parsed.insert(public_key.to_vec(), Arc::new(key));
        }
    }
}

impl Algorithm for RsaKeys {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        if let Some(key) = self.known(public_key) {
            return key
                .verify_sig(message, signature)
                .map_err(|_| InvalidSignature);
        }
        let key =
            ParsedPublicKey::new(self.parameters, public_key).map_err(|_| InvalidSignature)?;
        key.verify_sig(message, signature)
            .map_err(|_| InvalidSignature)?;
        // webpki begins at the CA that is trusted, so that nobody else's key gets here.
        self.hold(public_key, key);
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature_alg_id
    }
}

/// Keys that are held for one algorithm and one CA file, some 2 KiB each: those that come first,
/// for who has more CAs in use than these loses a few microseconds.
const MAX_KEYS: usize = 64;

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};

    use super::*;

    fn held(algorithm: &RsaKeys) -> usize {
        algorithm.parsed.read().unwrap().len()
    }

    fn key_pair() -> RsaKeyPair {
        RsaKeyPair::generate(KeySize::Rsa2048).unwrap()
    }

    fn sign(key: &RsaKeyPair, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )
        .unwrap();
        signature
    }

    #[test]
    fn a_held_key_judges_as_one_that_is_parsed_each_time() {
        let [held_keys, ..] = RsaKeys::all();
        let (key, other) = (key_pair(), key_pair());
        let public = |key: &RsaKeyPair| key.public_key().as_ref().to_vec();
        let signature = sign(&key, b"message");
        let cut = &signature[1..];
        let no_key: &[u8] = b"no key";
        for round in 0..3 {
            for (public_key, message, signature) in [
                (&*public(&key), &b"massage"[..], &*signature),
                (&*public(&other), b"message", &*signature),
                (&*public(&key), b"message", cut),
                (no_key, b"message", &*signature),
                (&*public(&key), b"message", &*signature),
                (&*public(&other), b"message", &*sign(&other, b"message")),
            ] {
                let plain = webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256;
                let judged = [&held_keys as &dyn Algorithm, plain].map(|algorithm| {
                    let judged = algorithm.verify_signature(public_key, message, signature);
                    judged.is_ok()
                });
                assert_eq!(judged[0], judged[1], "in round {round}");
            }
            assert_eq!(held(&held_keys), 2, "in round {round}");
        }
    }

    #[test]
    fn a_key_that_signed_nothing_is_not_held_and_their_number_is_bounded() {
        let [held_keys, ..] = RsaKeys::all();
        let key = key_pair();
        let public_key = key.public_key().as_ref();
        assert!(
            held_keys
                .verify_signature(public_key, b"message", &[0; 256])
                .is_err()
        );
        assert_eq!(held(&held_keys), 0);

        let parsed =
            ParsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, public_key).unwrap();
        for name in 0..=u8::MAX {
            held_keys.hold(&[name], parsed.clone());
        }
        assert_eq!(held(&held_keys), MAX_KEYS);
        let signed = sign(&key, b"message");
        assert!(
            held_keys
                .verify_signature(public_key, b"message", &signed)
                .is_ok()
        );
        assert_eq!(held(&held_keys), MAX_KEYS);
    }

    #[test]
    fn the_names_are_those_of_webpki() {
        let plain = [
            webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
            webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
            webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
        ];
        for (ours, plain) in RsaKeys::all().iter().zip(plain) {
            assert_eq!(ours.public_key_alg_id(), plain.public_key_alg_id());
            assert_eq!(ours.signature_alg_id(), plain.signature_alg_id());
        }
    }
}
