use core::fmt;

use super::label::Label;

/// Why a PEM file can't be used: the fault, and where. It never holds bytes of the file, which may
/// be those of a private key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PemError {
    /// The line, from 1. None where the fault is the whole file's.
    pub line: Option<usize>,
    /// What is wrong there.
    pub fault: PemFault,
}

impl PemError {
    pub(super) fn at(line: usize, fault: PemFault) -> Self {
        Self {
            line: Some(line),
            fault,
        }
    }

    pub(super) fn whole(fault: PemFault) -> Self {
        Self { line: None, fault }
    }
}

impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl std::error::Error for PemError {}

/// What is wrong with a PEM file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PemFault {
    /// What stands in a block is not base64.
    Base64(Label),
    /// Something follows a list in DER.
    BehindDer,
    /// Bytes that no text has stand outside of the blocks.
    Binary,
    /// A line is like the begin or the end of a block, and is not one.
    Boundary,
    /// The file is DER; what it holds, what is due, and how it is converted.
    Der {
        /// What it holds, such as `a certificate`.
        what: &'static str,
        /// What is due.
        due: &'static str,
        /// How it is converted.
        advice: Option<&'static str>,
    },
    /// A block has no content.
    Empty(Label),
    /// A private key that is locked in OpenSSL's own form, with the header `Proc-Type`.
    LegacyEncryption,
    /// The line ends are missing.
    LineEnds(Label, InPlace),
    /// The private key is encrypted, and the caller knows no password for it.
    Locked,
    /// There is no block of the kind that is due.
    Missing {
        /// What is due.
        due: &'static str,
        /// The first block of another kind.
        other: Option<(Label, usize)>,
    },
    /// The end of a block that has no begin.
    NoBegin,
    /// A block has no end; the line where the next one begins.
    NoEnd(Label, Option<usize>),
    /// A block ends with another label than it begins with, in this line.
    OtherEnd(Label, usize),
    /// A block of another kind, or of another label, where one is due.
    OtherKind {
        /// What is there.
        label: Label,
        /// What is due.
        due: &'static str,
        /// How it is converted.
        advice: Option<&'static str>,
    },
    /// A second private key; the line of the first.
    SecondKey(usize),
    /// A block does not begin its line.
    TextBefore(Label),
    /// The text is UTF-16.
    Utf16,
}

/// What stands where a line end is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InPlace {
    /// A blank.
    Blank,
    /// A backslash and an `n`.
    Escape,
    /// Nothing.
    Nothing,
}

impl fmt::Display for PemFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base64(label) => write!(f, "the block {label} is not valid base64 here"),
            Self::Binary => f.write_str(
                "there are binary data outside of the blocks, which may be a file in DER; a file \
                 must be PEM throughout (openssl x509, crl or pkey with -inform DER converts)",
            ),
            Self::Boundary => f.write_str(
                "this looks like the begin or the end of a block, but is not written as \
                 -----BEGIN LABEL----- or -----END LABEL----- with five hyphens on both sides",
            ),
            Self::BehindDer => {
                f.write_str("there is more behind the CRL in DER; several in one file must be PEM")
            }
            Self::Der { what, due, advice } => {
                write!(f, "the file is {what} in DER, and {due} is due")?;
                advise(f, *advice)
            }
            Self::Empty(label) => write!(f, "the block {label} is empty"),
            Self::LegacyEncryption => f.write_str(
                "the private key is encrypted in OpenSSL's old form (Proc-Type: 4,ENCRYPTED), \
                 which can't be read; `openssl pkcs8 -topk8 -in FILE` converts it",
            ),

            Self::LineEnds(label, in_place) => {
                let in_place = match in_place {
                    InPlace::Blank => "there are blanks in their place",
                    InPlace::Escape => "there is \\n in their place",
                    InPlace::Nothing => "its text goes on in the line of its begin or end",
                };
                write!(
                    f,
                    "the line ends of the block {label} are missing: {in_place}"
                )
            }
            Self::Locked => f.write_str(
                "the private key is encrypted, and there is no password for it here; \
                 `openssl pkey -in FILE` decrypts it",
            ),
            Self::Missing { due, other } => {
                write!(f, "there is no {due} block")?;
                match other {
                    Some((label, line)) => write!(f, "; the block in line {line} is {label}"),
                    None => Ok(()),
                }
            }
            Self::NoBegin => f.write_str("a block ends here that has no begin"),
            Self::NoEnd(label, next) => {
                write!(f, "the block {label} has no end")?;
                match next {
                    Some(line) => write!(f, ": another one begins in line {line}"),
                    None => Ok(()),
                }
            }
            Self::OtherEnd(label, line) => write!(
                f,
                "the block {label} ends in line {line} with another label"
            ),
            Self::OtherKind { label, due, advice } => {
                write!(f, "the block is {label}, and {due} is due")?;
                advise(f, *advice)
            }
            Self::SecondKey(line) => write!(
                f,
                "this is a second private key beside the one in line {line}"
            ),
            Self::TextBefore(label) => write!(
                f,
                "text stands before -----BEGIN of the block {label} in the same line"
            ),
            Self::Utf16 => f.write_str(
                "the file is UTF-16, and PEM is ASCII (iconv -f UTF-16 -t ASCII converts it)",
            ),
        }
    }
}

fn advise(f: &mut fmt::Formatter<'_>, advice: Option<&str>) -> fmt::Result {
    match advice {
        Some(advice) => write!(f, "; {advice}"),
        None => Ok(()),
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
