use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::pem::{self, PrivateKey};

/// Whether the PEM text of a private key holds the key of the first certificate of another. None
/// where one of them can't be read, as a key with a password can't.
pub(super) fn fits(certificate: &[u8], key: &[u8]) -> Option<bool> {
    let certificates = pem::certificates(certificate).ok()?;
    let (_, parsed) = X509Certificate::from_der(&certificates.items.first()?.der).ok()?;
    let PrivateKey::Plain(key) = pem::private_key(key).ok()? else {
        return None;
    };
    let public = public_key(&key)?;
    Some(*parsed.public_key().subject_public_key.data == *public)
}

fn public_key(key: &PrivateKeyDer<'_>) -> Option<Vec<u8>> {
    let der = key.secret_der();
    match key {
        PrivateKeyDer::Pkcs1(_) => public(&RsaKeyPair::from_der(der).ok()?),
        PrivateKeyDer::Sec1(_) => CURVES
            .iter()
            .find_map(|curve| public(&EcdsaKeyPair::from_private_key_der(curve, der).ok()?)),
        PrivateKeyDer::Pkcs8(_) => RsaKeyPair::from_pkcs8(der)
            .ok()
            .and_then(|key| public(&key))
            .or_else(|| public(&Ed25519KeyPair::from_pkcs8(der).ok()?))
            .or_else(|| {
                let mut curves = CURVES.iter();
                curves.find_map(|curve| public(&EcdsaKeyPair::from_pkcs8(curve, der).ok()?))
            }),
        _ => None,
    }
}

fn public(key: &impl KeyPair) -> Option<Vec<u8>> {
    Some(key.public_key().as_ref().to_vec())
}

static CURVES: [&aws_lc_rs::signature::EcdsaSigningAlgorithm; 3] = [
    &ECDSA_P256_SHA256_ASN1_SIGNING,
    &ECDSA_P384_SHA384_ASN1_SIGNING,
    &ECDSA_P521_SHA512_ASN1_SIGNING,
];
