//! The chain check against the bare verification of as many signatures as the path has.

use core::hint::black_box;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use certjid_core::encoding;
use certjid_core::policy;
use certjid_core::verify::{TrustStore, VerifyMode, verify};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::Done;
use crate::pki::KEYS;
use crate::rounds::{best, report};

/// A chain, and what is signed in it.
pub(crate) struct Chain {
    pub(crate) ders: Vec<Vec<u8>>,
    algorithm: &'static dyn VerificationAlgorithm,
    signatures: Vec<Signature>,
}

struct Signature {
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Chain {
    pub(crate) fn read(
        folder: &Path,
        key: &str,
        intermediates: usize,
    ) -> Result<Self, Box<dyn core::error::Error>> {
        let ders = encoding::chain(&fs::read(
            folder.join(format!("{key}-{intermediates}.pem")),
        )?)?;
        let ca = encoding::chain(&fs::read(folder.join(format!("{key}-ca.pem")))?)?;
        let signatures = ders
            .iter()
            .zip(ders.iter().skip(1).chain(&ca))
            .map(|(subject, issuer)| Signature::of(subject, issuer))
            .collect::<Result<_, _>>()?;
        let algorithm: &'static dyn VerificationAlgorithm = match key {
            "rsa" => &RSA_PKCS1_2048_8192_SHA256,
            _ => &ECDSA_P256_SHA256_ASN1,
        };
        Ok(Self {
            ders,
            algorithm,
            signatures,
        })
    }

    pub(crate) fn signatures(&self) -> usize {
        self.signatures.len()
    }

    /// Verifies the signatures and nothing else.
    pub(crate) fn floor(&self) {
        for Signature {
            key,
            message,
            signature,
        } in &self.signatures
        {
            UnparsedPublicKey::new(self.algorithm, key)
                .verify(message, signature)
                .expect("the chain is good");
        }
    }

    /// How many signatures all processors together verify in a second.
    pub(crate) fn signatures_per_second(&self, during: Duration) -> f64 {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let begun = Instant::now();
        let count: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..processors)
                .map(|_| {
                    scope.spawn(|| {
                        let mut count = 0;
                        while begun.elapsed() < during {
                            self.floor();
                            count += self.signatures();
                        }
                        count
                    })
                })
                .collect();
            let counts = threads.into_iter().map(|thread| thread.join());
            counts.map(|count| count.unwrap_or(0)).sum()
        });
        count as f64 / begun.elapsed().as_secs_f64()
    }
}

impl Signature {
    fn of(subject: &[u8], issuer: &[u8]) -> Result<Self, Box<dyn core::error::Error>> {
        let parse = |der| X509Certificate::from_der(der).map_err(|error| error.to_string());
        let ((_, subject), (_, issuer)) = (parse(subject)?, parse(issuer)?);
        Ok(Self {
            key: issuer.public_key().subject_public_key.data.to_vec(),
            message: subject.tbs_certificate.as_ref().to_vec(),
            signature: subject.signature_value.data.to_vec(),
        })
    }
}

pub(crate) fn measure(folder: &Path) -> Done {
    let now = policy::now();
    for key in KEYS {
        let trust = TrustStore::from_pem(&fs::read(folder.join(format!("{key}-ca.pem")))?)?;
        for intermediates in 0..=2 {
            let chain = Chain::read(folder, key, intermediates)?;
            let [ours, floor] = best(
                ROUNDS,
                CALLS,
                [
                    &mut || {
                        let verdict = verify(&chain.ders, VerifyMode::Peer, &trust, now);
                        black_box(verdict).expect("the chain is good");
                    },
                    &mut || chain.floor(),
                ],
            );
            report(
                &format!("chain {key}, {intermediates} intermediates / bare signatures"),
                &format!("{:.1} us / {:.1} us", ours * 1e6, floor * 1e6),
                ours / floor,
                Some(("<=", 1.3)).filter(|_| intermediates > 0),
            );
        }
    }
    Ok(())
}

const ROUNDS: usize = 400;

const CALLS: usize = 5;
