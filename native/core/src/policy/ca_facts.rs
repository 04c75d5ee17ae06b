//! What is to be known of a CA to say whether it serves.

use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::{
    OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION, OID_PKCS1_RSASSAPSS, OID_SIG_ED25519, Oid,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::certificate::Certificate;
use crate::config::lint::authorities::Authority;

/// What the certificate with this number in its file is. None where it can't be read.
pub(super) fn of(position: usize, is_repeated: bool, der: &[u8]) -> Option<Authority> {
    let ca = Certificate::from_der(der).ok()?;
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let usage = parsed.key_usage().ok().flatten();
    let extended = parsed.extended_key_usage().ok().flatten();
    let unknown = parsed.extensions().iter().filter(|extension| {
        let parsed = extension.parsed_extension();
        extension.critical && matches!(parsed, ParsedExtension::UnsupportedExtension { .. })
    });
    Some(Authority {
        position,
        subject: ca.subject().to_owned(),
        not_before: ca.not_before(),
        not_after: ca.not_after(),
        is_repeated,
        is_ca: ca.may_issue(),
        has_key_cert_sign: usage.is_none_or(|usage| usage.value.key_cert_sign()),
        is_for_clients: extended.is_none_or(|usage| usage.value.client_auth || usage.value.any),
        unknown_critical: unknown
            .map(|extension| extension.oid.to_id_string())
            .collect(),
        unusable_key: unusable_key(&parsed),
    })
}

/// The key of a certificate in a few words, where its signatures can't be verified.
fn unusable_key(certificate: &X509Certificate<'_>) -> Option<String> {
    let info = certificate.public_key();
    let algorithm = &info.algorithm.algorithm;
    if [OID_PKCS1_RSAENCRYPTION, OID_PKCS1_RSASSAPSS].contains(algorithm) {
        let Ok(PublicKey::RSA(key)) = info.parsed() else {
            return Some("RSA that can't be read".to_owned());
        };
        let bits = modulus_bits(key.modulus);
        return (!(2048..=8192).contains(&bits)).then(|| format!("RSA of {bits} bits"));
    }
    if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = info
            .algorithm
            .parameters
            .as_ref()
            .and_then(|any| any.as_oid().ok());
        return curve.map_or_else(
            || Some("EC without a named curve".to_owned()),
            |curve| unusable_curve(&curve),
        );
    }
    if *algorithm == OID_SIG_ED25519 {
        return None;
    }
    let oid = algorithm.to_id_string();
    let known = OTHER_KEYS.iter().find(|(known, _)| *known == oid);
    Some(known.map_or_else(
        || format!("of the unknown algorithm {oid}"),
        |(_, name)| (*name).to_owned(),
    ))
}

fn modulus_bits(modulus: &[u8]) -> usize {
    let zeros = modulus.iter().take_while(|&&byte| byte == 0).count();
    let leading = modulus.get(zeros).map_or(0, |byte| byte.leading_zeros());
    (modulus.len() - zeros) * 8 - usize::try_from(leading).unwrap_or_default()
}

fn unusable_curve(curve: &Oid<'_>) -> Option<String> {
    let oid = curve.to_id_string();
    if USABLE_CURVES.contains(&oid.as_str()) {
        return None;
    }
    let known = OTHER_CURVES.iter().find(|(known, _)| *known == oid);
    Some(known.map_or_else(
        || format!("EC on the curve {oid}"),
        |(_, name)| format!("EC on the curve {name}"),
    ))
}

/// P-256, P-384 and P-521.
const USABLE_CURVES: [&str; 3] = ["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];

/// RFC 5639, SEC 2, RFC 5480.
const OTHER_CURVES: &[(&str, &str)] = &[
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.132.0.33", "P-224"),
    ("1.3.36.3.3.2.8.1.1.1", "brainpoolP160r1"),
    ("1.3.36.3.3.2.8.1.1.3", "brainpoolP192r1"),
    ("1.3.36.3.3.2.8.1.1.5", "brainpoolP224r1"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.3.36.3.3.2.8.1.1.8", "brainpoolP256t1"),
    ("1.3.36.3.3.2.8.1.1.9", "brainpoolP320r1"),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
    ("1.3.36.3.3.2.8.1.1.12", "brainpoolP384t1"),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"),
    ("1.3.36.3.3.2.8.1.1.14", "brainpoolP512t1"),
];

const OTHER_KEYS: &[(&str, &str)] = &[
    ("1.2.840.10040.4.1", "DSA"),
    ("1.2.643.7.1.1.1.1", "GOST R 34.10-2012"),
    ("1.3.101.110", "X25519, which signs nothing"),
    ("1.3.101.113", "Ed448"),
];
