//! The encodings in which certificates reach a program: DER, PEM, and the two that proxies use
//! in HTTP headers.
//!
//! ```
//! # use certjid_core::encoding;
//! assert_eq!(encoding::chain(b":MAA=:")?, [[0x30, 0x00]]);
//! assert!(encoding::chain(b"alice").is_err());
//! # Ok::<(), encoding::EncodingError>(())
//! ```

use core::fmt;

use memchr::memmem;

use crate::certificate::{MAX_CERTIFICATE, MAX_CHAIN};
use crate::der::Reader;
use crate::headers::{Forwarded, HeaderError, Proxy};
use crate::pem::{self, Contents, PemError};

/// Reads one certificate or several, leaf first, in the encoding that `input` is in:
///
/// - DER: one certificate;
/// - PEM (RFC 7468), as [`pem::certificates`] reads it;
/// - one certificate in PEM with percent escapes: nginx's `$ssl_client_escaped_cert`;
/// - one in base64 between colons: the header `Client-Cert` of RFC 9440.
///
/// The last two are read by [`crate::headers`], and as strictly as there.
///
/// # Errors
/// Where it is in another encoding, has no certificate, or has more than the limits of this module
/// allow. What is in the certificates is not looked at.
pub fn chain(input: &[u8]) -> Result<Vec<Vec<u8>>, EncodingError> {
    if input.len() > MAX_INPUT {
        return Err(EncodingError::TooLarge(input.len()));
    }
    let chain = match Form::of(input)? {
        Form::Der => vec![input.to_vec()],
        Form::Header(proxy) => header(proxy, input)?,
        Form::Pem => certificates(input)?,
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
    Header(Proxy),
    Pem,
}

impl Form {
    fn of(input: &[u8]) -> Result<Self, EncodingError> {
        let text = input.trim_ascii();
        if is_der(input) {
            Ok(Self::Der)
        } else if text.is_empty() {
            Err(EncodingError::Empty)
        } else if text.starts_with(b":") {
            Ok(Self::Header(Proxy::Rfc9440))
        } else if contains(text, b"-----BEGIN%20") {
            Ok(Self::Header(Proxy::Nginx))
        } else if pem::is_in(text) || pem::is_utf16(input) {
            Ok(Self::Pem)
        } else {
            Err(EncodingError::Unknown)
        }
    }
}

/// A text may begin with the digit 0, which is the tag of a sequence.
fn is_der(input: &[u8]) -> bool {
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let is_whole = || {
        let mut rest = Reader::new(input);
        rest.any().is_ok() && rest.is_empty()
    };
    input.first() == Some(&SEQUENCE) && (!input.get(1).is_some_and(is_text) || is_whole())
}

/// What else is in the text, such as the client's key, is nobody's business here.
fn certificates(text: &[u8]) -> Result<Vec<Vec<u8>>, EncodingError> {
    pem::certificates(text)
        .and_then(Contents::not_empty)
        .map(Contents::ders)
        .map_err(EncodingError::Pem)
}

fn header(proxy: Proxy, value: &[u8]) -> Result<Vec<Vec<u8>>, EncodingError> {
    let forwarded = Forwarded {
        proxy,
        certificate: vec![value.to_vec()],
        chain: Vec::new(),
    };
    forwarded.certificates().map_err(EncodingError::Header)
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    memmem::find(text, what).is_some()
}

/// Why an input holds no certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EncodingError {
    /// There is nothing.
    Empty,
    /// Not the value of a header as the proxy writes it.
    Header(HeaderError),
    /// PEM that can't be read, or without a certificate.
    Pem(PemError),
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
            Self::Header(error) => error.fmt(f),
            Self::Pem(error) => error.fmt(f),
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
                "this is not a certificate in DER, PEM, escaped PEM or the form of RFC 9440",
            ),
        }
    }
}

impl std::error::Error for EncodingError {}

/// A full chain in its longest encoding (PEM with every character escaped).
const MAX_INPUT: usize = 5 * MAX_CHAIN * MAX_CERTIFICATE;

const SEQUENCE: u8 = 0x30;

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
        let escaped = "-----BEGIN%20CERTIFICATE-----%0AMAA=%0A-----END%20CERTIFICATE-----%0A";
        assert_eq!(chain(escaped.as_bytes()).unwrap(), [[0x30, 0]]);
    }

    #[test]
    fn a_header_with_two_values_is_refused_as_a_forwarded_one() {
        let escaped = "-----BEGIN%20CERTIFICATE-----%0AMAA=%0A-----END%20CERTIFICATE-----%0A";
        for (value, proxy) in [(":MAA=:", Proxy::Rfc9440), (escaped, Proxy::Nginx)] {
            for doubled in [
                format!("{value}, {value}"),
                format!("{value},{value}"),
                format!("{value}{value}"),
                format!("{value}x"),
            ] {
                let forwarded = Forwarded {
                    proxy,
                    certificate: vec![doubled.clone().into_bytes()],
                    chain: Vec::new(),
                };
                assert_eq!(
                    chain(doubled.as_bytes()),
                    Err(EncodingError::Header(forwarded.certificates().unwrap_err())),
                    "{doubled}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(matches!(chain(key), Err(EncodingError::Pem(_))));
        assert_eq!(chain(b" \n"), Err(EncodingError::Empty));
        assert_eq!(chain(b"alice"), Err(EncodingError::Unknown));
        assert!(matches!(chain(b":AQID"), Err(EncodingError::Header(_))));
        assert!(matches!(chain(b":AQ=ID:"), Err(EncodingError::Header(_))));
        let half = b"-----BEGIN CERTIFICATE-----\nAQID\n";
        assert!(matches!(chain(half), Err(EncodingError::Pem(_))));
    }

    #[test]
    fn size_and_count_are_bounded() {
        let huge = [&[SEQUENCE, 0x83][..], &[0; 999_998]].concat();
        assert_eq!(chain(&huge), Err(EncodingError::TooLarge(1_000_000)));
        let many = PEM.repeat(9);
        assert_eq!(chain(many.as_bytes()), Err(EncodingError::TooMany(18)));
    }
}
