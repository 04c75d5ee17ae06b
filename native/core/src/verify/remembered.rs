use std::sync::{Mutex, PoisonError};

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature};

use super::signature::Algorithm;

/// An algorithm that checks a signature once: webpki judges a path anew for each revocation list,
/// and its signatures take more time than all else. It lives as long as one chain is judged.
#[derive(Debug)]
pub(super) struct Remembered<'a> {
    algorithm: &'a dyn Algorithm,
    right: Mutex<Vec<Right>>,
}

#[derive(Debug)]
struct Right {
    public_key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Remembered<'a> {
    pub(super) fn new(algorithm: &'a dyn Algorithm) -> Self {
        Self {
            algorithm,
            right: Mutex::default(),
        }
    }
}

impl Algorithm for Remembered<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = right.iter().any(|known| {
            known.public_key == public_key
                && known.message == message
                && known.signature == signature
        });
        if !is_known {
            self.algorithm
                .verify_signature(public_key, message, signature)?;
            right.push(Right {
                public_key: public_key.to_vec(),
                message: message.to_vec(),
                signature: signature.to_vec(),
            });
        }
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Right are the signatures that are the message; counts what it is asked.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl Algorithm for Counting {
        fn verify_signature(
            &self,
            _public_key: &[u8],
            message: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            self.0.fetch_add(1, Ordering::Relaxed);
            (message == signature).then_some(()).ok_or(InvalidSignature)
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            AlgorithmIdentifier::from_slice(&[])
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            AlgorithmIdentifier::from_slice(&[])
        }
    }

    #[test]
    fn what_was_right_is_not_checked_again_and_nothing_else_is_right() {
        let counting = Counting::default();
        let remembered = Remembered::new(&counting);
        for (key, message, signature, is_right, checked) in [
            (b"k", b"m", b"m", true, 1),
            (b"k", b"m", b"m", true, 1),
            (b"k", b"m", b"x", false, 2),
            (b"k", b"m", b"x", false, 3),
            (b"k", b"x", b"m", false, 4),
            (b"l", b"m", b"m", true, 5),
        ] {
            let judged = remembered.verify_signature(key, message, signature);
            assert_eq!(judged.is_ok(), is_right);
            assert_eq!(counting.0.load(Ordering::Relaxed), checked);
        }
    }
}
