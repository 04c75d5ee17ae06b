//! Leaves that webpki refuses by design and MongooseIM accepts: X.509 version 1 (what the
//! documentation's own openssl recipe makes) or 2, and CA:TRUE.
//!
//! Such a leaf is written anew as an end-entity certificate of version 3, with the same names,
//! dates, key and other extensions, so that webpki judges it and its path like any other. Its
//! signature can't be rewritten: the new certificate names an algorithm that exists only here,
//! which checks the signature over the certificate as it was.

use der::Tag;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OID_X509_EXT_BASIC_CONSTRAINTS;

use super::rewrite::{context, sequence, wrap};
use super::signature::{Algorithm, algorithms_of};
use crate::certificate::element::Element;
use crate::certificate::tbs::Tbs;

/// A leaf in the shape that webpki judges.
pub(super) struct Shaped {
    pub(super) der: Vec<u8>,
    pub(super) algorithms: Vec<AsItWas>,
}

impl Shaped {
    /// None where webpki judges the certificate as it is.
    pub(super) fn new(certificate: &X509Certificate<'_>, self_issued: bool) -> Option<Self> {
        let old = certificate.version.0 < 2 && certificate.extensions().is_empty();
        // A CA that the client sends as its own leaf must have been issued by another.
        let is_ca = certificate.is_ca() && !self_issued;
        if !old && !is_ca {
            return None;
        }
        let original = certificate.tbs_certificate.as_ref();
        let tbs = reshape(&Tbs::parse(original)?)?;
        let signature = &certificate.signature_value.data;
        let bits = [&[0][..], signature].concat();
        let der = sequence(&[
            &tbs,
            &sequence(&[ALGORITHM])?,
            &wrap(Tag::BitString, &[&bits])?,
        ])?;
        let algorithms = algorithms_of(certificate)
            .map(|algorithm| AsItWas {
                algorithm,
                reshaped: tbs.clone(),
                original: original.to_vec(),
            })
            .collect();
        Some(Self { der, algorithms })
    }
}

/// The signature of the certificate as it was.
#[derive(Debug)]
pub(super) struct AsItWas {
    algorithm: &'static dyn Algorithm,
    reshaped: Vec<u8>,
    original: Vec<u8>,
}

impl Algorithm for AsItWas {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        // No other certificate may use the algorithm that exists only here.
        if message != self.reshaped {
            return Err(InvalidSignature);
        }
        self.algorithm
            .verify_signature(public_key, &self.original, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        AlgorithmIdentifier::from_slice(ALGORITHM)
    }
}

fn reshape(tbs: &Tbs<'_>) -> Option<Vec<u8>> {
    let version = context(0, &wrap(Tag::Integer, &[&[2]])?)?;
    let extensions = match tbs.extensions {
        Some(extensions) => without_basic_constraints(extensions)?,
        None => Vec::new(),
    };
    let extensions = if extensions.is_empty() {
        Vec::new()
    } else {
        context(3, &sequence(&[&extensions])?)?
    };
    sequence(&[
        &version,
        tbs.serial.raw,
        &sequence(&[ALGORITHM])?,
        tbs.issuer.raw,
        tbs.validity.raw,
        tbs.subject.raw,
        tbs.public_key.raw,
        &extensions,
    ])
}

/// The contents of the extensions' sequence, less basicConstraints.
fn without_basic_constraints(mut sequence: &[u8]) -> Option<Vec<u8>> {
    let mut extensions = Element::take(&mut sequence).ok()?.value;
    let mut kept = Vec::new();
    while !extensions.is_empty() {
        let extension = Element::take(&mut extensions).ok()?;
        let mut fields = extension.value;
        let oid = Element::take(&mut fields).ok()?;
        if oid.value != OID_X509_EXT_BASIC_CONSTRAINTS.as_bytes() {
            kept.extend_from_slice(extension.raw);
        }
    }
    Some(kept)
}

/// The object identifier 2.999.1, of the arc that ITU-T keeps for examples.
const ALGORITHM: &[u8] = &[0x06, 0x03, 0x88, 0x37, 0x01];
