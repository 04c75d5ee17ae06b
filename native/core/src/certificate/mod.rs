//! What a client certificate offers as identity: its common name, its xmppAddr fields
//! (RFC 6120 section 13.7.1.4), its validity, and everything else that an operator asks about.
//!
//! Reading is strict where two programs could read two things (the certificate must be DER, with
//! one subjectAltName and no control characters in names), and lenient where nothing depends on
//! it (attributes of any string type or length). Whatever is left out is in
//! [`Certificate::skipped`], with the reason.

use aws_lc_rs::digest;
use x509_parser::prelude::{FromDer as _, X509Certificate};

pub(crate) mod element;
mod error;
pub(crate) mod fields;
mod general_name;
mod login_fields;
pub(crate) mod name;
pub(crate) mod ordinary;
pub(crate) mod presented;
pub(crate) mod tbs;
mod text;
mod xmpp_addr;

pub use error::CertificateError;
pub use login_fields::LoginFields;
pub use name::{Name, Skipped};
pub use xmpp_addr::XmppAddr;

/// A decoded certificate. It says nothing about trust: see [`crate::verify`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    der: Vec<u8>,
    common_name: Option<String>,
    xmpp_addrs: Vec<String>,
    xmpp_addr_entries: Vec<XmppAddr<'static>>,
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
    /// Reads one certificate in DER of at most [`MAX_CERTIFICATE`] bytes.
    ///
    /// # Errors
    /// Where it is no certificate, not DER, or one that two programs could read differently.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(CertificateError::TooLarge(der.len()));
        }
        if der.starts_with(b"-----BEGIN") {
            return Err(CertificateError::Pem);
        }
        element::check(der)?;
        let (_, parsed) = X509Certificate::from_der(der)
            .map_err(|error| CertificateError::Malformed(error.to_string()))?;
        let (not_before, not_after) = fields::validity(&parsed)?;
        fields::check_extensions(&parsed)?;

        let mut found = name::Found::default();
        found.add_subject(&parsed.tbs_certificate.subject);
        if let Some(san) = fields::subject_alt_name(&parsed)? {
            general_name::read(san, &mut found)?;
        }

        let texts = found.xmpp_addrs.iter().filter_map(XmppAddr::text);
        Ok(Self {
            der: der.to_vec(),
            common_name: found.common_name.flatten(),
            xmpp_addrs: texts.map(str::to_owned).collect(),
            xmpp_addr_entries: found.xmpp_addrs,
            names: found.names,
            skipped: found.skipped,
            not_before,
            not_after,
            serial: fields::hexadecimal(parsed.tbs_certificate.raw_serial()),
            issuer: name::to_text(&parsed.tbs_certificate.issuer),
            subject: name::to_text(&parsed.tbs_certificate.subject),
            version: fields::version(&parsed)?,
            key: fields::key(&parsed),
            may_issue: fields::may_issue(&parsed),
        })
    }

    /// The certificate itself.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The first common name of the subject, in the order of the certificate. None where there
    /// is none, or the first one is unusable.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The usable xmppAddr fields in the order of the certificate, duplicates kept, neither
    /// prepared nor checked to be JIDs.
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
        fingerprint_hex(&self.der)
    }
}

/// The SHA-256 digest of a certificate in DER as hexadecimal digits in lower case, which names it
/// in logs.
pub fn fingerprint_hex(der: &[u8]) -> String {
    fields::hexadecimal(&fingerprint(der))
}

fn fingerprint(der: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, der).as_ref());
    bytes
}

/// The greatest length of a certificate in DER, in bytes.
pub const MAX_CERTIFICATE: usize = 65_536;

/// The greatest number of certificates in a client's chain.
pub const MAX_CHAIN: usize = 16;
