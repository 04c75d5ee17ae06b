use std::sync::{Mutex, PoisonError};

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature};

use super::signature::Algorithm;

/// An algorithm that checks a signature once: the paths of one leaf share some, and they take more
/// time than all else. It lives as long as one chain is judged.
#[derive(Debug)]
pub(super) struct Remembered<'a> {
    algorithm: &'a dyn Algorithm,
    checked: Mutex<Vec<Checked>>,
}

#[derive(Debug)]
struct Checked {
    public_key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
    is_right: bool,
}

impl<'a> Remembered<'a> {
    pub(super) fn new(algorithm: &'a dyn Algorithm) -> Self {
        Self {
            algorithm,
            checked: Mutex::default(),
        }
    }
}

/// How many signatures did not fit.
pub(super) fn wrong_signatures(algorithms: &[Remembered<'_>]) -> usize {
    let wrong = |algorithm: &Remembered<'_>| {
        let checked = algorithm.checked.lock();
        let checked = checked.unwrap_or_else(PoisonError::into_inner);
        checked.iter().filter(|known| !known.is_right).count()
    };
    algorithms.iter().map(wrong).sum()
}

impl Algorithm for Remembered<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = checked.iter().find(|known| {
            known.public_key == public_key
                && known.message == message
                && known.signature == signature
        });
        let is_right = match known {
            Some(known) => known.is_right,
            None => {
                let judged = self
                    .algorithm
                    .verify_signature(public_key, message, signature);
                checked.push(Checked {
                    public_key: public_key.to_vec(),
                    message: message.to_vec(),
                    signature: signature.to_vec(),
                    is_right: judged.is_ok(),
                });
                judged.is_ok()
            }
        };
        is_right.then_some(()).ok_or(InvalidSignature)
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
    fn what_was_checked_is_not_checked_again_and_only_that() {
        let counting = Counting::default();
        let remembered = [Remembered::new(&counting)];
        for (key, message, signature, is_right, checked, wrong) in [
            (b"k", b"m", b"m", true, 1, 0),
            (b"k", b"m", b"m", true, 1, 0),
            (b"k", b"m", b"x", false, 2, 1),
            (b"k", b"m", b"x", false, 2, 1),
            (b"k", b"x", b"m", false, 3, 2),
            (b"l", b"m", b"m", true, 4, 2),
        ] {
            let judged = remembered[0].verify_signature(key, message, signature);
            assert_eq!(judged.is_ok(), is_right);
            assert_eq!(counting.0.load(Ordering::Relaxed), checked);
            assert_eq!(wrong_signatures(&remembered), wrong);
        }
    }
}
