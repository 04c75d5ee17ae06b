use core::fmt;

use super::{MAX_CERTIFICATE, MAX_XMPP_ADDRS};
use crate::der;

/// Why a certificate is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateError {
    /// The algorithm that is signed is not the one beside the signature (RFC 5280 section 4.1.1.2).
    AlgorithmsDiffer,
    /// Two extensions of one kind (RFC 5280 section 4.2), of which programs read one or the other;
    /// the kind.
    DuplicateExtension(String),
    /// A time that RFC 5280 section 4.1.2.5 does not allow; which of the two.
    InvalidTime(&'static str),
    /// Not the structure of a certificate; the part that is malformed, and what is wrong there.
    Malformed(&'static str, Rule),
    /// An extension whose value can't be read; its name, and what is wrong there.
    MalformedExtension(String, Rule),
    /// Nested deeper than any certificate.
    NestedTooDeep,
    /// Not DER: at the offset in bytes, the rule that is broken.
    NotDer(usize, &'static str),
    /// PEM where DER is expected.
    Pem,
    /// The length in bytes is over [`MAX_CERTIFICATE`].
    TooLarge(usize),
    /// More than 64 extensions.
    TooManyExtensions,
    /// More id-on-xmppAddr entries than [`MAX_XMPP_ADDRS`]; their number.
    TooManyXmppAddrs(usize),
    /// A version of X.509 other than 1, 2 and 3, or a 1 that is written out.
    UnknownVersion,
}

/// A rule of DER that is broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rule(&'static str);

impl From<der::Error> for Rule {
    fn from(error: der::Error) -> Self {
        Self(error.0)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlgorithmsDiffer => f.write_str(
                "the certificate names one signature algorithm in its signed part and another \
                 beside the signature",
            ),
            Self::DuplicateExtension(name) => {
                write!(f, "the certificate has the extension {name} twice")
            }
            Self::InvalidTime(which) => {
                write!(f, "{which} is not a time of RFC 5280 section 4.1.2.5")
            }
            Self::Malformed(part, rule) => write!(
                f,
                "this is not an X.509 certificate: in {part} there is {rule}"
            ),
            Self::MalformedExtension(name, rule) => {
                write!(f, "the extension {name} is malformed: there is {rule}")
            }
            Self::NestedTooDeep => f.write_str("the certificate is nested too deep"),
            Self::NotDer(offset, rule) => {
                write!(
                    f,
                    "the certificate is not DER: at byte {offset} there is {rule}"
                )
            }
            Self::Pem => f.write_str("this is PEM where DER is expected"),
            Self::TooLarge(length) => write!(
                f,
                "the certificate has {length} bytes, more than the {MAX_CERTIFICATE} allowed"
            ),
            Self::TooManyExtensions => f.write_str("the certificate has more than 64 extensions"),
            Self::TooManyXmppAddrs(count) => write!(
                f,
                "the certificate has {count} xmppAddrs, more than the {MAX_XMPP_ADDRS} allowed"
            ),
            Self::UnknownVersion => {
                f.write_str("the certificate is of a version of X.509 that does not exist")
            }
        }
    }
}

impl std::error::Error for CertificateError {}
