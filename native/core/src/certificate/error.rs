use core::fmt;

use super::MAX_CERTIFICATE;

/// Why a certificate is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateError {
    /// A time that RFC 5280 section 4.1.2.5 does not allow; which of the two.
    InvalidTime(&'static str),
    /// Not the structure of a certificate; the parser's words.
    Malformed(String),
    /// An extension whose value can't be read; its name.
    MalformedExtension(&'static str),
    /// Nested deeper than any certificate.
    NestedTooDeep,
    /// Not DER: at the offset in bytes, the rule that is broken.
    NotDer(usize, &'static str),
    /// PEM where DER is due.
    Pem,
    /// The length in bytes is over [`MAX_CERTIFICATE`].
    TooLarge(usize),
    /// Two subjectAltName extensions, of which programs read one or the other.
    TwoSubjectAltNames,
    /// A version of X.509 that is none of 1, 2 and 3.
    UnknownVersion,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidTime(which) => {
                write!(
                    f,
                    "{which} is not a time as RFC 5280 section 4.1.2.5 has it"
                )
            }
            Self::Malformed(what) => write!(f, "this is no X.509 certificate: {what}"),
            Self::MalformedExtension(name) => write!(f, "the extension {name} is malformed"),
            Self::NestedTooDeep => f.write_str("the certificate is nested too deep"),
            Self::NotDer(offset, rule) => {
                write!(f, "the certificate is not DER: {rule} at byte {offset}")
            }
            Self::Pem => f.write_str("this is PEM where DER is due"),
            Self::TooLarge(length) => write!(
                f,
                "the certificate has {length} bytes, more than the {MAX_CERTIFICATE} allowed"
            ),
            Self::TwoSubjectAltNames => {
                f.write_str("the certificate has two subjectAltName extensions")
            }
            Self::UnknownVersion => {
                f.write_str("the certificate is of a version of X.509 that does not exist")
            }
        }
    }
}

impl std::error::Error for CertificateError {}
