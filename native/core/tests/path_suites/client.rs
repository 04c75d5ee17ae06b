//! A server's chain as the same chain of a client: extKeyUsage has clientAuth where it had
//! serverAuth. For that, the chain is signed anew, by new keys; all else stays as it is.
//!
//! Keys that are not on P-256 stay, and so do the signatures that they made, and those that were
//! wrong already.

use std::collections::HashMap;

use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::der::{Signed, replace};
use crate::judge::Bundle;

/// The bundle as a client's, or as it is where it does not speak of serverAuth alone.
pub fn as_client(bundle: Bundle) -> Bundle {
    let all = || bundle.trusted.iter().chain(&bundle.chain);
    let has = |der: &[u8], usage: &[u8]| der.windows(usage.len()).any(|bytes| bytes == usage);
    if has(&bundle.chain[0], CLIENT_AUTH) || !all().any(|der| has(der, SERVER_AUTH)) {
        return bundle;
    }
    let keys: HashMap<_, _> = all()
        .filter_map(|der| point(der))
        .map(|point| (point, KeyPair::generate().unwrap()))
        .collect();
    let keys = Keys(keys);
    let anew = |ders: &[Vec<u8>]| ders.iter().map(|der| keys.sign_anew(der)).collect();
    Bundle {
        trusted: anew(&bundle.trusted),
        chain: anew(&bundle.chain),
        crls: anew(&bundle.crls),
    }
}

/// The new key for each old public key.
struct Keys(HashMap<Vec<u8>, KeyPair>);

impl Keys {
    fn sign_anew(&self, der: &[u8]) -> Vec<u8> {
        let Some(mut signed) = Signed::parse(der) else {
            return der.to_vec();
        };
        let signer = self.0.iter().find(|(old, _)| signed.is_signed_by(old));
        for (old, new) in &self.0 {
            replace(&mut signed.tbs, old, new.der_bytes());
        }
        replace(&mut signed.tbs, SERVER_AUTH, CLIENT_AUTH);
        if let Some((_, new)) = signer {
            signed.signature = new.sign(&signed.tbs).unwrap();
        }
        signed.to_der()
    }
}

/// The certificate's public key, where it is an uncompressed point of P-256.
fn point(der: &[u8]) -> Option<Vec<u8>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let key = certificate.public_key();
    let curve = key.algorithm.parameters.as_ref()?.as_oid().ok()?;
    let point = &key.subject_public_key.data;
    let is_ours = curve.to_id_string() == P256 && point.len() == 65;
    is_ours.then(|| point.to_vec())
}

const P256: &str = "1.2.840.10045.3.1.7";
/// 1.3.6.1.5.5.7.3.1 and 2, as elements.
const SERVER_AUTH: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
const CLIENT_AUTH: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
