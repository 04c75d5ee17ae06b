//! What `inspect`, getters and messages show of a certificate. Nothing is decided here.

use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{CertificateError, ClientCertificate, Name, Skipped, XmppAddr, fingerprint, names};
use crate::der::{Reader, oid};

/// A decoded certificate with everything that an operator asks about. It says nothing about trust:
/// see [`crate::verify`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    der: Vec<u8>,
    common_name: Option<String>,
    xmpp_addrs: Vec<String>,
    names: Vec<Name>,
    skipped: Vec<Skipped>,
    not_before: i64,
    not_after: i64,
    serial: String,
    issuer: String,
    subject: String,
    version: u8,
    key: String,
    may_issue: bool,
}

impl Certificate {
    /// Reads one certificate in DER of at most [`MAX_CERTIFICATE`](super::MAX_CERTIFICATE)
    /// bytes.
    ///
    /// # Errors
    /// As [`ClientCertificate::from_der`], which reads it.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        ClientCertificate::from_der(der).map(|read| Self::from(&read))
    }

    /// The certificate itself.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The first common name of the subject, in the order of the certificate. None without
    /// one, or if the first one is unusable.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The usable xmppAddr fields in the order of the certificate, duplicates kept, neither
    /// prepared nor checked to be JIDs. The others are among the [`skipped`](Self::skipped).
    pub fn xmpp_addrs(&self) -> &[String] {
        &self.xmpp_addrs
    }

    /// Every readable name: the subject's attributes, then the subjectAltName's entries.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// The dNSName fields, in order.
    pub fn dns_names(&self) -> impl Iterator<Item = &str> {
        self.names
            .iter()
            .filter(|name| name.kind == "dNSName")
            .map(|name| name.value.as_str())
    }

    /// The names that can't be used, each with the reason.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The first second of validity, in Unix seconds.
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// The last second of validity, in Unix seconds.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// The serial number as hexadecimal digits in lower case.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The issuer's name, attributes in the certificate's order.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject's name, attributes in the certificate's order.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The X.509 version: 1, 2 or 3.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// The kind and size of the public key, such as `RSA 2048` or `EC P-256`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether it can be a CA: basicConstraints says so, or it is of version 1 and its own issuer,
    /// as old roots are.
    pub fn may_issue(&self) -> bool {
        self.may_issue
    }

    /// The SHA-256 digest of the DER.
    pub fn fingerprint(&self) -> [u8; 32] {
        fingerprint(&self.der)
    }

    /// The [`fingerprint`](Self::fingerprint) as hexadecimal digits in lower case: the name of
    /// the certificate in logs.
    pub fn fingerprint_hex(&self) -> String {
        super::fingerprint_hex(&self.der)
    }
}

impl From<&ClientCertificate<'_>> for Certificate {
    fn from(read: &ClientCertificate<'_>) -> Self {
        let mut found = Vec::new();
        let all = names::each(read.subject(), read.extensions.subject_alt_name, |entry| {
            if let Ok((value, encoding)) = entry.text() {
                found.push(Name {
                    kind: entry.kind().into_owned(),
                    encoding: encoding.to_owned(),
                    value: value.into_owned(),
                });
            }
        });
        debug_assert!(all.is_ok(), "the names were read before");
        Self {
            der: read.der().to_vec(),
            common_name: read.common_name().map(str::to_owned),
            xmpp_addrs: read
                .xmpp_addrs()
                .iter()
                .filter_map(XmppAddr::text)
                .map(str::to_owned)
                .collect(),
            names: found,
            skipped: read.skipped(usize::MAX).0,
            not_before: read.not_before(),
            not_after: read.not_after(),
            serial: super::hexadecimal(read.serial()),
            issuer: read.issuer().to_text(),
            subject: read.subject().to_text(),
            version: read.version(),
            key: key(read.public_key.raw),
            may_issue: read.may_issue(),
        }
    }
}

/// A SubjectPublicKeyInfo in a few words: the kind and size of the key, with the curve's name
/// where there is one.
pub(crate) fn key(public_key: &[u8]) -> String {
    let Ok((_, info)) = SubjectPublicKeyInfo::from_der(public_key) else {
        return "unreadable".to_owned();
    };
    let algorithm = info.algorithm.algorithm.as_bytes();
    match (algorithm, modulus_bits(&info)) {
        (RSA_ENCRYPTION, Some(bits)) => format!("RSA {bits}"),
        (oid::RSASSA_PSS, Some(bits)) => format!("RSASSA-PSS {bits}"),
        (oid::RSASSA_PSS, None) => "RSASSA-PSS".to_owned(),
        (EC_PUBLIC_KEY, _) => format!("EC {}", curve(public_key)),
        ([0x2b, 0x65, 0x70], _) => "Ed25519".to_owned(),
        ([0x2b, 0x65, 0x71], _) => "Ed448".to_owned(),
        (other, _) => format!("unknown ({})", oid::dotted(other)),
    }
}

/// The size in bits of an RSA key, which may be for RSASSA-PSS alone. None of another key, or of one
/// that can't be read.
pub(crate) fn rsa_bits(public_key: &[u8]) -> Option<usize> {
    let (_, info) = SubjectPublicKeyInfo::from_der(public_key).ok()?;
    match info.algorithm.algorithm.as_bytes() {
        RSA_ENCRYPTION | oid::RSASSA_PSS => modulus_bits(&info),
        _ => None,
    }
}

fn modulus_bits(info: &SubjectPublicKeyInfo<'_>) -> Option<usize> {
    match info.parsed() {
        Ok(PublicKey::RSA(key)) => Some(bits(key.modulus)),
        _ => None,
    }
}

/// The bits of a number without its leading zeros.
fn bits(number: &[u8]) -> usize {
    let number = &number[number.iter().take_while(|&&byte| byte == 0).count()..];
    let first = number.first().copied().unwrap_or(0);
    8 * number.len() - first.leading_zeros() as usize * usize::from(!number.is_empty())
}

/// The name of an EC key's curve.
fn curve(public_key: &[u8]) -> String {
    let named = |public_key| {
        let mut info = Reader::whole(public_key, crate::der::SEQUENCE)?;
        let mut algorithm = info.nested(crate::der::SEQUENCE)?;
        algorithm.oid()?;
        algorithm.oid()
    };
    let Ok(id) = named(public_key) else {
        return "with parameters of its own instead of a named curve".to_owned();
    };
    let known = CURVES.iter().find(|(known, _)| *known == id);
    known.map_or_else(|| oid::dotted(id), |(_, name)| (*name).to_owned())
}

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// RFC 5480 section 2.1.1.1 and RFC 5639 section 4.1, and the curve of Bitcoin.
const CURVES: [(&[u8], &str); 12] = [
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01], "P-192"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x21], "P-224"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], "P-256"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "P-384"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "P-521"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "secp256k1"),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07],
        "brainpoolP256r1",
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x08],
        "brainpoolP256t1",
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b],
        "brainpoolP384r1",
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0c],
        "brainpoolP384t1",
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d],
        "brainpoolP512r1",
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0e],
        "brainpoolP512t1",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_key_is_that_of_its_modulus() {
        for (number, expected) in [
            (&[][..], 0),
            (&[0], 0),
            (&[1], 1),
            (&[0, 0x80], 8),
            (&[0x7f, 0xff], 15),
        ] {
            assert_eq!(bits(number), expected, "{number:02x?}");
        }
    }
}
