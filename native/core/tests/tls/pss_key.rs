//! A client whose key is for RSA-PSS alone (id-RSASSA-PSS). rustls takes such a key for a plain
//! one of RSA, and knows no scheme for it.

use std::sync::Arc;

use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode as _, Reader as _};
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use rustls_pki_types::PrivateKeyDer;

/// rsa_pss_pss_sha256 of RFC 8446 section 4.2.3.
const SCHEME: SignatureScheme = SignatureScheme::Unknown(0x0809);

/// The RSAPrivateKey inside of PKCS #8, which rustls takes.
pub(super) fn pkcs1(pkcs8: &[u8]) -> PrivateKeyDer<'static> {
    let inner = AnyRef::from_der(pkcs8).unwrap().sequence(|fields| {
        let _version: AnyRef<'_> = fields.decode()?;
        let _algorithm: AnyRef<'_> = fields.decode()?;
        let key: OctetStringRef<'_> = fields.decode()?;
        Ok(key.as_bytes().to_vec())
    });
    PrivateKeyDer::Pkcs1(inner.unwrap().into())
}

#[derive(Debug)]
pub(super) struct PssKey(pub(super) Arc<dyn SigningKey>);

impl SigningKey for PssKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&SCHEME).then_some(())?;
        let signer = self.0.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256])?;
        Some(Box::new(PssSigner(signer)))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct PssSigner(Box<dyn Signer>);

impl Signer for PssSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.sign(message)
    }

    fn scheme(&self) -> SignatureScheme {
        SCHEME
    }
}
