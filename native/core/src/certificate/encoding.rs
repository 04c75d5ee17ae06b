//! The encodings in which certificates reach a program: DER, PEM, and the two that proxies use
//! in HTTP headers.
//!
//! ```
//! # use certjid_core::certificate::encoding;
//! assert_eq!(encoding::chain(b":AQID:, :BAU=:")?, [vec![1, 2, 3], vec![4, 5]]);
//! assert!(encoding::chain(b"alice").is_err());
//! # Ok::<(), encoding::EncodingError>(())
//! ```

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode;

use crate::pem::{self, Contents, PemError};

/// Reads one certificate or several, leaf first, in the encoding that `input` is in:
///
/// - DER: one certificate;
/// - PEM (RFC 7468), as [`pem::certificates`] reads it;
/// - PEM with percent escapes: nginx's `$ssl_client_escaped_cert`;
/// - base64 between colons, several with commas: the `Client-Cert` and `Client-Cert-Chain`
///   headers of RFC 9440.
///
/// # Errors
/// Where it is none of them, has no certificate, or has more than the limits of this module
/// allow. What is in the certificates is not looked at.
pub fn chain(input: &[u8]) -> Result<Vec<Vec<u8>>, EncodingError> {
    if input.len() > MAX_INPUT {
        return Err(EncodingError::TooLarge(input.len()));
    }
    let chain = match Form::of(input)? {
        Form::Der => vec![input.to_vec()],
        Form::EscapedPem => certificates(&percent_decode(input).collect::<Vec<u8>>())?,
        Form::Pem => certificates(input)?,
        Form::StructuredField => structured_field(input.trim_ascii())?,
    };
    if chain.len() > MAX_CHAIN {
        return Err(EncodingError::TooMany(chain.len()));
    }
    match chain.iter().find(|der| der.len() > MAX_CERTIFICATE) {
        Some(der) => Err(EncodingError::TooLarge(der.len())),
        None => Ok(chain),
    }
}

/// What an input is, told by how it looks.
enum Form {
    Der,
    EscapedPem,
    Pem,
    StructuredField,
}

impl Form {
    fn of(input: &[u8]) -> Result<Self, EncodingError> {
        let text = input.trim_ascii();
        // A text may begin with the digit 0.
        let is_pem = contains(text, b"-----BEGIN") || pem::is_utf16(input);
        let is_text = input
            .get(1)
            .is_some_and(|byte| byte.is_ascii_graphic() || *byte == b' ');
        if input.first() == Some(&SEQUENCE) && !(is_text && is_pem) {
            Ok(Self::Der)
        } else if text.is_empty() {
            Err(EncodingError::Empty)
        } else if text.starts_with(b":") {
            Ok(Self::StructuredField)
        } else if contains(text, b"-----BEGIN%20") {
            Ok(Self::EscapedPem)
        } else if is_pem {
            Ok(Self::Pem)
        } else {
            Err(EncodingError::Unknown)
        }
    }
}

/// What else is in the text, such as the client's key, is nobody's business here.
fn certificates(text: &[u8]) -> Result<Vec<Vec<u8>>, EncodingError> {
    pem::certificates(text)
        .and_then(Contents::not_empty)
        .map(Contents::ders)
        .map_err(EncodingError::Pem)
}

fn structured_field(text: &[u8]) -> Result<Vec<Vec<u8>>, EncodingError> {
    text.split(|&byte| byte == b',')
        .map(|item| {
            let base64 = item
                .trim_ascii()
                .strip_prefix(b":")
                .and_then(|rest| rest.strip_suffix(b":"))
                .ok_or(EncodingError::StructuredField)?;
            STANDARD
                .decode(base64)
                .map_err(|_| EncodingError::StructuredField)
        })
        .collect()
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|window| window == what)
}

/// Why an input holds no certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EncodingError {
    /// There is nothing.
    Empty,
    /// PEM that can't be read, or without a certificate.
    Pem(PemError),
    /// Not a byte sequence of RFC 8941 as RFC 9440 has it.
    StructuredField,
    /// The length in bytes of a certificate, or of the input, is over the limit.
    TooLarge(usize),
    /// More certificates than [`MAX_CHAIN`].
    TooMany(usize),
    /// None of the encodings.
    Unknown,
}

impl fmt::Display for EncodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no certificate: the input is empty"),
            Self::Pem(error) => error.fmt(f),
            Self::StructuredField => {
                f.write_str("this is not base64 between colons as RFC 9440 has it")
            }
            Self::TooLarge(length) => write!(
                f,
                "{length} bytes are too many: {MAX_CERTIFICATE} are allowed for a certificate"
            ),
            Self::TooMany(count) => {
                write!(
                    f,
                    "{count} certificates are too many: {MAX_CHAIN} are allowed"
                )
            }
            Self::Unknown => f.write_str(
                "this is no certificate in DER, PEM, escaped PEM or the form of RFC 9440",
            ),
        }
    }
}

impl std::error::Error for EncodingError {}

/// The greatest length of a certificate in DER, in bytes.
pub const MAX_CERTIFICATE: usize = 65_536;

/// The greatest number of certificates in a client's chain.
pub const MAX_CHAIN: usize = 16;

/// A full chain in its longest encoding (PEM with every character escaped).
const MAX_INPUT: usize = 5 * MAX_CHAIN * MAX_CERTIFICATE;

pub(super) const SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "subject=CN = alice\n-----BEGIN CERTIFICATE-----\r\nAQID\r\n\
        -----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n\
        -----BEGIN CERTIFICATE-----\nBAUG\n-----END CERTIFICATE-----\n";

    #[test]
    fn pem_with_other_things_in_it() {
        assert_eq!(chain(PEM.as_bytes()).unwrap(), [[1, 2, 3], [4, 5, 6]]);
    }

    #[test]
    fn nginx_escapes_its_pem() {
        let escaped = "-----BEGIN%20CERTIFICATE-----%0AAQID%0A-----END%20CERTIFICATE-----%0A";
        assert_eq!(chain(escaped.as_bytes()).unwrap(), [[1, 2, 3]]);
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(matches!(chain(key), Err(EncodingError::Pem(_))));
        assert_eq!(chain(b" \n"), Err(EncodingError::Empty));
        assert_eq!(chain(b"alice"), Err(EncodingError::Unknown));
        assert_eq!(chain(b":AQID"), Err(EncodingError::StructuredField));
        assert_eq!(chain(b":AQ=ID:"), Err(EncodingError::StructuredField));
        let half = b"-----BEGIN CERTIFICATE-----\nAQID\n";
        assert!(matches!(chain(half), Err(EncodingError::Pem(_))));
    }

    #[test]
    fn size_and_count_are_bounded() {
        let huge = vec![SEQUENCE; 1_000_000];
        assert_eq!(chain(&huge), Err(EncodingError::TooLarge(1_000_000)));
        let many = PEM.repeat(9);
        assert_eq!(chain(many.as_bytes()), Err(EncodingError::TooMany(18)));
    }
}
