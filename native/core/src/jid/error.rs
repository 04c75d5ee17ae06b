use core::fmt;

use super::MAX_PART;

/// A part of a JID.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The domain.
    Domain,
    /// The whole.
    Jid,
    /// The local part.
    Local,
    /// The resource.
    Resource,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Domain => "domain",
            Self::Jid => "JID",
            Self::Local => "local part",
            Self::Resource => "resource",
        })
    }
}

/// Why a string is no JID.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum JidError {
    /// The text mixes directions in a way that RFC 3454 section 6 prohibits.
    Bidirectional(Part),
    /// A part that must have a character has none.
    Empty(Part),
    /// The bytes are not UTF-8.
    NotUtf8,
    /// A character that the profile prohibits, or that preparation turns into such a one.
    Prohibited(Part, char),
    /// Longer than allowed; the length in bytes.
    TooLong(Part, usize),
    /// Longer than allowed once it is prepared.
    TooLongPrepared(Part),
    /// A second `@` before the resource.
    TwoAts,
    /// A code point that Unicode 3.2 does not assign.
    Unassigned(Part, char),
}

impl fmt::Display for JidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bidirectional(part) => write!(
                f,
                "the {part} mixes left-to-right and right-to-left text as RFC 3454 prohibits"
            ),
            Self::Empty(part) => write!(f, "the {part} is empty"),
            Self::NotUtf8 => f.write_str("the bytes are not UTF-8"),
            Self::Prohibited(part, ' ') => write!(f, "the {part} has U+0020 (space) in it"),
            Self::Prohibited(part, c) => {
                write!(f, "the {part} has U+{:04X}", u32::from(*c))?;
                if c.is_control() {
                    f.write_str(" (a control character) in it")
                } else {
                    write!(f, " ({c}) in it")
                }
            }
            Self::TooLong(part, length) => {
                write!(f, "the {part} is too long: {length} bytes")
            }
            Self::TooLongPrepared(part) => write!(
                f,
                "the {part} is longer than {MAX_PART} bytes once it is prepared"
            ),
            Self::TwoAts => f.write_str("the JID has a second @ before its resource"),
            Self::Unassigned(part, c) => write!(
                f,
                "the {part} has U+{:04X} in it, which Unicode 3.2 does not assign",
                u32::from(*c)
            ),
        }
    }
}

impl std::error::Error for JidError {}
