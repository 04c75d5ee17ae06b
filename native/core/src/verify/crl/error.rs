use core::fmt;

use crate::certificate::Rule;

/// Why a certificate revocation list can't be used.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CrlError {
    /// The algorithm that is signed is not the one beside the signature.
    AlgorithmsDiffer,
    /// It lists only what has changed since another list (RFC 5280 section 5.2.4).
    Delta,
    /// It lists certificates of other issuers too (RFC 5280 section 5.2.5).
    Indirect,
    /// Not the structure of a list; the part that is malformed, and what is wrong there.
    Malformed(&'static str, Rule),
    /// There is no nextUpdate, which RFC 5280 section 5.1.2.5 demands.
    NoNextUpdate,
    /// More than 4 GiB.
    TooLarge,
    /// An extension of the list, or of an entry, that is critical and not understood; its name.
    UnknownCriticalExtension(String),
    /// Version 1, where RFC 5280 section 5.1.2.1 demands 2.
    Version1,
}

impl fmt::Display for CrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlgorithmsDiffer => f.write_str(
                "it names one signature algorithm in its signed part and another beside the \
                 signature",
            ),
            Self::Delta => f.write_str("it is a delta CRL; only whole ones are read"),
            Self::Indirect => f.write_str(
                "it is an indirect CRL; only those of the certificates' own issuers are read",
            ),
            Self::Malformed(part, rule) => {
                write!(f, "it is not a valid CRL: in {part} there is {rule}")
            }
            Self::NoNextUpdate => f.write_str(
                "it has no nextUpdate, which RFC 5280 section 5.1.2.5 demands, so that nobody \
                 knows when it is out of date",
            ),
            Self::TooLarge => f.write_str("it is larger than 4 GiB"),
            Self::UnknownCriticalExtension(name) => {
                write!(f, "its critical extension {name} is not understood")
            }
            Self::Version1 => f.write_str(
                "it is of version 1, and RFC 5280 section 5.1.2.1 demands version 2 (openssl ca \
                 makes it with crl_extensions and crlnumber set)",
            ),
        }
    }
}

impl std::error::Error for CrlError {}
