//! As much of DER as it takes to change a certificate and sign it anew.

use der::asn1::AnyRef;
use der::{Encode as _, Tag};

/// A certificate or a revocation list: what is signed, by which algorithm, and the signature.
pub struct Signed {
    pub tbs: Vec<u8>,
    pub algorithm: Vec<u8>,
    pub signature: Vec<u8>,
}

impl Signed {
    /// None where it is none.
    pub fn parse(der: &[u8]) -> Option<Self> {
        let [tbs, algorithm, signature] = parts(der)?.try_into().ok()?;
        let (_, bits, _) = take(&signature)?;
        let signature = bits.strip_prefix(&[0])?.to_vec();
        Some(Self {
            tbs,
            algorithm,
            signature,
        })
    }

    pub fn to_der(&self) -> Vec<u8> {
        let bits = [&[0], self.signature.as_slice()].concat();
        let signature = wrap(Tag::BitString, &[&bits]);
        wrap(Tag::Sequence, &[&self.tbs, &self.algorithm, &signature])
    }

    /// Whether an ECDSA key on P-256 made the signature, with SHA-256.
    pub fn is_signed_by(&self, point: &[u8]) -> bool {
        let algorithm = webpki::aws_lc_rs::ECDSA_P256_SHA256;
        let named = wrap(Tag::Sequence, &[algorithm.signature_alg_id().as_ref()]);
        self.algorithm == named
            && algorithm
                .verify_signature(point, &self.tbs, &self.signature)
                .is_ok()
    }
}

/// The elements inside of a constructed one, each with its header.
pub fn parts(der: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (_, mut contents, _) = take(der)?;
    let mut parts = Vec::new();
    while !contents.is_empty() {
        let (raw, _, rest) = take(contents)?;
        parts.push(raw.to_vec());
        contents = rest;
    }
    Some(parts)
}

/// The first element with its header, its contents, and what follows it.
fn take(der: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (header, length) = match *der.get(1)? {
        short @ 0..=0x7f => (2, usize::from(short)),
        0x81 => (3, usize::from(*der.get(2)?)),
        0x82 => (4, big_endian(der.get(2..4)?)),
        0x83 => (5, big_endian(der.get(2..5)?)),
        _ => return None,
    };
    let end = header + length;
    Some((der.get(..end)?, &der[header..end], der.get(end..)?))
}

fn big_endian(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

pub fn wrap(tag: Tag, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    AnyRef::new(tag, &contents).unwrap().to_der().unwrap()
}

/// Replaces every `old` by `new`, which is as long.
pub fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    assert_eq!(old.len(), new.len());
    let mut at = 0;
    while at + old.len() <= bytes.len() {
        if bytes[at..].starts_with(old) {
            bytes[at..at + old.len()].copy_from_slice(new);
        }
        at += 1;
    }
}
