//! Certificates that webpki refuses by design and MongooseIM accepts, in a shape that webpki judges:
//!
//! - leaves of X.509 version 1 (what the documentation's own openssl recipe makes) or 2, and leaves
//!   that are CAs;
//! - critical extensions about policies, which [`policies`](super::policies) judges;
//! - issuerUniqueID and subjectUniqueID, of which nobody makes use;
//! - dates before 1970;
//! - an issuer's name that is spelt otherwise than the issuer spells it (RFC 5280 section 7.1).
//!
//! Such a certificate is written again with the same serial number, names, key and other extensions.
//! Its signature can't be rewritten: the copy names an algorithm that exists only here, which checks
//! the signature over the certificate as it was.
//!
//! # Threats
//! The algorithm that exists only here must not make anything valid that its issuer did not sign. It
//! takes a message only if that is, byte for byte, one of the copies made for this very path, and
//! then checks the original with the algorithm that the original names; a certificate of a client
//! that names it itself is therefore refused. What a copy leaves out is judged elsewhere: version 3
//! differs from 1 and 2 in extensions alone, which such a leaf does not have; that a leaf is a CA
//! does not matter to a leaf; policies are judged by `policies`; a date before 1970 becomes 1970,
//! and both are past; a copy has the issuer's name as the issuer of this path spells it, and names
//! that differ otherwise than in spelling never come together in a path.

use der::asn1::AnyRef;
use der::{Encode as _, Tag, TagNumber};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature};

use super::signature::{Algorithm, with_name};
use crate::certificate::ClientCertificate;
use crate::certificate::extensions::{Extension, is_policy};
use crate::der::{Reader, oid};

/// The copies of one path's certificates.
#[derive(Debug, Default)]
pub(super) struct Copies(Vec<Copied>);

#[derive(Debug)]
struct Copied {
    der: Vec<u8>,
    tbs: Vec<u8>,
    original: Vec<u8>,
    /// The algorithms that the original names.
    algorithms: Vec<&'static dyn Algorithm>,
}

impl Copies {
    /// Whether none was needed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes a copy, if webpki needs one. The leaf is the certificate of the client or the server;
    /// the issuer is the next of the path.
    pub(super) fn add(
        &mut self,
        certificate: &ClientCertificate<'_>,
        issuer: &ClientCertificate<'_>,
        is_leaf: bool,
    ) {
        let needed = Needed::of(certificate, issuer, is_leaf);
        if needed == Needed::default() {
            return;
        }
        let Some((tbs, der)) = needed.write(certificate, issuer) else {
            return;
        };
        self.0.push(Copied {
            der,
            tbs,
            original: certificate.tbs.to_vec(),
            algorithms: with_name(certificate.signature_algorithm).collect(),
        });
    }

    /// The certificate as webpki is shown it.
    pub(super) fn shown<'a>(&'a self, certificate: &ClientCertificate<'a>) -> &'a [u8] {
        let copied = self
            .0
            .iter()
            .find(|copied| copied.original == certificate.tbs);
        copied.map_or_else(|| certificate.der(), |copied| &copied.der)
    }

    /// The algorithm of the copies, once for each kind of key.
    pub(super) fn algorithms(&self) -> Vec<AsItWas<'_>> {
        let mut all: Vec<AsItWas<'_>> = Vec::new();
        for algorithm in self.0.iter().flat_map(|copied| &copied.algorithms) {
            let key_algorithm = algorithm.public_key_alg_id();
            if !all.iter().any(|known| known.key_algorithm == key_algorithm) {
                all.push(AsItWas {
                    copies: self,
                    key_algorithm,
                });
            }
        }
        all
    }
}

/// The signatures of the certificates as they were, by one kind of key.
#[derive(Debug)]
pub(super) struct AsItWas<'a> {
    copies: &'a Copies,
    key_algorithm: AlgorithmIdentifier,
}

impl Algorithm for AsItWas<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        // Nothing else may use the algorithm that exists only here.
        let copied = self.copies.0.iter().find(|copied| copied.tbs == message);
        let copied = copied.ok_or(InvalidSignature)?;
        let mut algorithms = copied
            .algorithms
            .iter()
            .filter(|algorithm| algorithm.public_key_alg_id() == self.key_algorithm);
        let is_right = algorithms.any(|algorithm| {
            algorithm
                .verify_signature(public_key, &copied.original, signature)
                .is_ok()
        });
        is_right.then_some(()).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key_algorithm
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        AlgorithmIdentifier::from_slice(ALGORITHM)
    }
}

/// What has to be written otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Needed {
    version: bool,
    no_basic_constraints: bool,
    no_policies: bool,
    no_unique_ids: bool,
    dates: bool,
    issuer: bool,
}

impl Needed {
    fn of(
        certificate: &ClientCertificate<'_>,
        issuer: &ClientCertificate<'_>,
        is_leaf: bool,
    ) -> Self {
        let has_no_extensions = certificate.extensions.contents.is_empty();
        Self {
            version: is_leaf && certificate.version() < 3 && has_no_extensions,
            // A CA that is sent as a leaf must have been issued by another.
            no_basic_constraints: is_leaf
                && certificate.extensions.is_ca()
                && !certificate.is_self_issued(),
            no_policies: certificate.extensions.policies.any_is_critical,
            no_unique_ids: certificate.has_unique_ids,
            dates: certificate.not_before() < 0,
            issuer: certificate.issuer().der() != issuer.subject().der(),
        }
    }

    /// What is signed, and the whole certificate.
    fn write(
        self,
        certificate: &ClientCertificate<'_>,
        issuer: &ClientCertificate<'_>,
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        let extensions = self.extensions(certificate)?;
        let extensions = if extensions.is_empty() {
            Vec::new()
        } else {
            context(3, &sequence(&[&extensions])?)?
        };
        let version = match (self.version, certificate.version()) {
            (false, 1) => Vec::new(),
            (false, 2) => context(0, &wrap(Tag::Integer, &[&[1]])?)?,
            _ => context(0, &wrap(Tag::Integer, &[&[2]])?)?,
        };
        let tbs = sequence(&[
            &version,
            &wrap(Tag::Integer, &[certificate.serial()])?,
            &sequence(&[ALGORITHM])?,
            issuer.subject().der(),
            &self.validity(certificate)?,
            certificate.subject().der(),
            certificate.public_key.raw,
            &extensions,
        ])?;
        let signature = wrap(Tag::BitString, &[&[0], certificate.signature])?;
        let der = sequence(&[&tbs, &sequence(&[ALGORITHM])?, &signature])?;
        Some((tbs, der))
    }

    fn validity(self, certificate: &ClientCertificate<'_>) -> Option<Vec<u8>> {
        let validity = &certificate.validity;
        if !self.dates {
            return sequence(&[validity.raw]);
        }
        let epoch = wrap(Tag::UtcTime, &[b"700101000000Z"])?;
        let not_after = match validity.not_after {
            ..0 => &epoch,
            _ => validity.raw_not_after,
        };
        sequence(&[&epoch, not_after])
    }

    /// The contents of the extensions' sequence.
    fn extensions(self, certificate: &ClientCertificate<'_>) -> Option<Vec<u8>> {
        let mut all = Reader::new(certificate.extensions.contents);
        let mut kept = Vec::new();
        while !all.is_empty() {
            let extension = Extension::take(&mut all).ok()?;
            let is_left_out = (self.no_basic_constraints && extension.id == oid::BASIC_CONSTRAINTS)
                || (self.no_policies && is_policy(extension.id));
            if !is_left_out {
                kept.extend_from_slice(extension.raw);
            }
        }
        Some(kept)
    }
}

fn sequence(parts: &[&[u8]]) -> Option<Vec<u8>> {
    wrap(Tag::Sequence, parts)
}

fn context(number: u8, contents: &[u8]) -> Option<Vec<u8>> {
    let tag = Tag::ContextSpecific {
        constructed: true,
        number: TagNumber::new(number),
    };
    wrap(tag, &[contents])
}

fn wrap(tag: Tag, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let contents = parts.concat();
    AnyRef::new(tag, &contents).ok()?.to_der().ok()
}

/// The object identifier 2.999.1, of the arc that ITU-T keeps for examples.
const ALGORITHM: &[u8] = &[0x06, 0x03, 0x88, 0x37, 0x01];
