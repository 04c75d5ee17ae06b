//! Signature algorithms and keys as a person knows them, and why one is not accepted.

use super::signature::{ALGORITHMS, with_name};
use crate::certificate::{PublicKey, describe_key, rsa_bits};
use crate::der::{Reader, SEQUENCE, context_constructed, oid};

/// The name of a signature algorithm, given as the contents of its AlgorithmIdentifier.
pub(crate) fn name(algorithm: &[u8]) -> String {
    let Ok(id) = Reader::new(algorithm).oid() else {
        return "an unreadable algorithm".to_owned();
    };
    let known = NAMES.iter().find(|(known, _)| *known == id);
    known.map_or_else(|| oid::dotted(id), |(_, name)| (*name).to_owned())
}

/// Why signatures of this algorithm are not accepted, as the end of a sentence that begins with
/// them; None where they are.
pub(crate) fn refusal(algorithm: &[u8]) -> Option<String> {
    if with_name(algorithm).next().is_some() {
        return None;
    }
    let name = name(algorithm);
    let pss = Pss::read(algorithm);
    Some(match pss {
        Some(Pss { hash, salt }) if hash.is_some_and(|hash| hash.octets != salt) => {
            let hash = hash.map_or("", |hash| hash.name);
            format!(
                "{name} with {hash} and a salt of {salt} octets, and only a salt as long as the \
                 hash is accepted (openssl: -sigopt rsa_pss_saltlen:digest)"
            )
        }
        Some(_) => format!(
            "{name} with other parameters than SHA-256, SHA-384 or SHA-512 for the hash and its \
             mask"
        ),
        None => format!("{name}, which is not accepted"),
    })
}

/// Why nothing that this key signed is accepted, as the end of a sentence that begins with the
/// key; None where it may be.
pub(crate) fn key_refusal(key: &PublicKey<'_>) -> Option<String> {
    let described = || describe_key(key.raw);
    let is_known = ALGORITHMS
        .iter()
        .any(|known| known.public_key_alg_id().as_ref() == key.algorithm);
    match rsa_bits(key.raw) {
        Some(bits) if bits < MIN_RSA_BITS => Some(format!(
            "is {} (RSA with {bits} bits), and {MIN_RSA_BITS} are the least that is accepted",
            described()
        )),
        Some(bits) if bits > MAX_RSA_BITS => Some(format!(
            "is {}, and {MAX_RSA_BITS} bits are the most that is accepted",
            described()
        )),
        _ if !is_known => Some(format!(
            "is {}, which is not accepted: RSA from {MIN_RSA_BITS} bits on, EC P-256, P-384, P-521 \
             and Ed25519 are",
            described()
        )),
        _ => None,
    }
}

/// The parameters of RSASSA-PSS (RFC 4055 section 3.1), as far as they decide.
#[derive(Clone, Copy, Debug)]
struct Pss {
    /// None where it is another.
    hash: Option<Hash>,
    /// The octets of the salt.
    salt: usize,
}

#[derive(Clone, Copy, Debug)]
struct Hash {
    id: &'static [u8],
    name: &'static str,
    octets: usize,
}

impl Pss {
    fn read(algorithm: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(algorithm);
        if fields.oid().ok()? != oid::RSASSA_PSS {
            return None;
        }
        let mut parameters = fields.nested(SEQUENCE).unwrap_or_else(|_| Reader::new(&[]));
        let mut hash = Some(&SHA1);
        let mut salt = SHA1.octets;
        while let Ok(parameter) = parameters.any() {
            let mut inner = parameter.inner();
            if parameter.tag == context_constructed(0) {
                let id = inner.nested(SEQUENCE).and_then(|mut id| id.oid()).ok()?;
                hash = HASHES.iter().find(|known| known.id == id);
            } else if parameter.tag == context_constructed(2) {
                let octets = inner.integer().ok()?;
                salt = octets
                    .iter()
                    .try_fold(0_usize, |sum, &octet| {
                        sum.checked_mul(256)?.checked_add(octet.into())
                    })
                    .unwrap_or(usize::MAX);
            }
        }
        Some(Self {
            hash: hash.copied(),
            salt,
        })
    }
}

const SHA1: Hash = Hash {
    id: &[0x2b, 0x0e, 0x03, 0x02, 0x1a],
    name: "SHA-1",
    octets: 20,
};

const HASHES: [Hash; 5] = [
    SHA1,
    Hash {
        id: &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04],
        name: "SHA-224",
        octets: 28,
    },
    Hash {
        id: &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
        name: "SHA-256",
        octets: 32,
    },
    Hash {
        id: &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
        name: "SHA-384",
        octets: 48,
    },
    Hash {
        id: &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
        name: "SHA-512",
        octets: 64,
    },
];

/// RFC 3279, RFC 4055, RFC 5758, RFC 8410.
const NAMES: [(&[u8], &str); 19] = [
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x02],
        "MD2 with RSA",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04],
        "MD5 with RSA",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
        "SHA-1 with RSA",
    ),
    (oid::RSASSA_PSS, "RSASSA-PSS"),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
        "SHA-256 with RSA",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c],
        "SHA-384 with RSA",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d],
        "SHA-512 with RSA",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0e],
        "SHA-224 with RSA",
    ),
    (&[0x2b, 0x0e, 0x03, 0x02, 0x1d], "SHA-1 with RSA"),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03],
        "SHA-1 with DSA",
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x01],
        "SHA-224 with DSA",
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x02],
        "SHA-256 with DSA",
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
        "SHA-1 with ECDSA (ecdsa-with-SHA1)",
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01],
        "SHA-224 with ECDSA",
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        "SHA-256 with ECDSA",
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
        "SHA-384 with ECDSA",
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
        "SHA-512 with ECDSA",
    ),
    (&[0x2b, 0x65, 0x70], "Ed25519"),
    (&[0x2b, 0x65, 0x71], "Ed448"),
];

/// The least size of an RSA key that signs, in bits.
const MIN_RSA_BITS: usize = 2048;

/// aws-lc's bound, in bits.
const MAX_RSA_BITS: usize = 8192;
