//! What a client certificate offers as identity: its common name, its xmppAddr fields
//! (RFC 6120 section 13.7.1.4), its validity, and everything else that an operator asks about.
//!
//! [`ClientCertificate`] is the one reading of a certificate: all that decides uses it.
//! [`Certificate`] shows more of it to people, and decides nothing.
//!
//! Reading is strict where two programs could read two things (the certificate must be DER, with
//! each extension once and no control characters in names), and lenient where nothing depends on
//! it (attributes of any string type or length). Three faults that alter no identity and are in
//! use are read: a SET out of order, a FALSE that is written out, zero bits at the end of
//! keyUsage. All that is left out is in [`Certificate::skipped`], with the reason.

use aws_lc_rs::digest;

mod client_certificate;
mod comparison;
mod describe;
pub(crate) mod distinguished_name;
mod error;
pub(crate) mod extensions;
mod name;
mod names;
mod text;
mod xmpp_addr;

pub(crate) use client_certificate::PublicKey;
pub use client_certificate::{ClientCertificate, MAX_XMPP_ADDRS};
pub use describe::Certificate;
pub(crate) use describe::{key as describe_key, rsa_bits};
pub use distinguished_name::DistinguishedName;
pub use error::{CertificateError, Rule};
pub use name::{Name, Skipped};
pub use xmpp_addr::XmppAddr;

/// The SHA-256 digest of a certificate in DER as hexadecimal digits in lower case, which names it
/// in logs.
pub fn fingerprint_hex(der: &[u8]) -> String {
    hexadecimal(&fingerprint(der))
}

fn fingerprint(der: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, der).as_ref());
    bytes
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]);
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(digits);
    text
}

/// The greatest length of a certificate in DER, in bytes.
pub const MAX_CERTIFICATE: usize = 65_536;

/// The greatest number of certificates in a client's chain.
pub const MAX_CHAIN: usize = 16;
