//! JIDs as MongooseIM reads them: the stringprep profiles of [RFC 6122] over Unicode 3.2, not
//! the PRECIS profiles of RFC 7622.
//!
//! ```
//! use certjid_core::jid::Jid;
//!
//! let jid = Jid::parse("Straße@LOCALHOST/Phone".as_bytes())?;
//! assert_eq!(jid.bare(), "strasse@localhost");
//! assert_eq!(jid.resource, "Phone");
//! assert!(Jid::parse(b"o'neil@localhost").is_err());
//! # Ok::<(), certjid_core::jid::JidError>(())
//! ```
//!
//! [RFC 6122]: https://www.rfc-editor.org/rfc/rfc6122

use core::fmt;
use core::str;
use std::borrow::Cow;

use stringprep::tables;

mod error;
mod idna;
mod profile;

pub use error::{JidError, Part};
pub(crate) use idna::hint_of_other_form;
pub use idna::same_domain_in_other_form;

/// A prepared JID. A part that is absent is empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jid {
    /// The local part, by nodeprep.
    pub local: String,
    /// The domain, by nameprep. It may be empty where all of it is mapped to nothing.
    pub domain: String,
    /// The resource, by resourceprep.
    pub resource: String,
}

impl Jid {
    /// Splits and prepares `input`, at most [`MAX_LENGTH`] bytes of UTF-8.
    ///
    /// The first `/` starts the resource, and an `@` before it ends the local part
    /// (RFC 7622 section 3.2).
    pub fn parse(input: &[u8]) -> Result<Self, JidError> {
        if input.len() > MAX_LENGTH {
            return Err(JidError::TooLong(Part::Jid, input.len()));
        }
        let text = str::from_utf8(input).map_err(|_| JidError::NotUtf8)?;

        let (bare, resource) = text.split_once('/').unwrap_or((text, ""));
        let (local, domain) = match bare.split_once('@') {
            Some(("", _)) => return Err(JidError::Empty(Part::Local)),
            Some((_, domain)) if domain.contains('@') => return Err(JidError::TwoAts),
            Some((local, domain)) => (local, domain),
            None => ("", bare),
        };
        if domain.is_empty() {
            return Err(JidError::Empty(Part::Domain));
        }

        Ok(Self {
            local: nodeprep(local)?,
            domain: nameprep(domain)?,
            resource: prepare(Part::Resource, resource)?,
        })
    }

    /// The JID without its resource.
    pub fn bare(&self) -> String {
        if self.local.is_empty() {
            self.domain.clone()
        } else {
            format!("{}@{}", self.local, self.domain)
        }
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bare())?;
        if self.resource.is_empty() {
            return Ok(());
        }
        write!(f, "/{}", self.resource)
    }
}

/// Prepares a local part (RFC 6122 appendix A). The empty one is prepared to itself.
pub fn nodeprep(local: &str) -> Result<String, JidError> {
    prepare(Part::Local, local)
}

/// Prepares a domain (RFC 3491). No rule of DNS or IDNA is applied, as in MongooseIM.
pub fn nameprep(domain: &str) -> Result<String, JidError> {
    prepare(Part::Domain, domain)
}

fn prepare(part: Part, text: &str) -> Result<String, JidError> {
    if text.len() > MAX_PART {
        return Err(JidError::TooLong(part, text.len()));
    }
    // NFKC knows later versions of Unicode, and maps some of their code points to assigned ones.
    let unassigned = |c: &char| !c.is_ascii() && tables::unassigned_code_point(*c);
    if let Some(unassigned) = text.chars().find(unassigned) {
        return Err(JidError::Unassigned(part, unassigned));
    }
    profile::prepare(part, text).map(Cow::into_owned)
}

/// The greatest length of a JID, in bytes before preparation: MongooseIM's limit.
pub const MAX_LENGTH: usize = 3070;

/// The greatest length of a part, in bytes before and after preparation (RFC 6122 section 2.1).
pub const MAX_PART: usize = 1023;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_point_newer_than_unicode_3_2_is_refused_though_nfkc_maps_it() {
        assert_eq!(
            nodeprep("\u{1d2e}"),
            Err(JidError::Unassigned(Part::Local, '\u{1d2e}'))
        );
    }

    #[test]
    fn a_part_is_bounded_once_it_is_prepared() {
        // One character of three bytes that becomes eighteen, of 33 bytes.
        let ligature = "\u{fdfa}";
        assert_eq!(MAX_PART % 33, 0);
        let most = ligature.repeat(MAX_PART / 33);
        assert_eq!(nameprep(&most).unwrap().len(), MAX_PART);
        for more in [format!("{most}a"), ligature.repeat(300)] {
            assert_eq!(
                nameprep(&more),
                Err(JidError::TooLongPrepared(Part::Domain))
            );
        }
        assert_eq!(nodeprep(&"A".repeat(MAX_PART)), Ok("a".repeat(MAX_PART)));
        let error = JidError::TooLong(Part::Local, MAX_PART + 1);
        assert_eq!(nodeprep(&"A".repeat(MAX_PART + 1)), Err(error));
    }

    #[test]
    fn the_error_names_the_character() {
        let error = nodeprep("Jane Doe").unwrap_err();
        assert_eq!(error.to_string(), "the local part has U+0020 (space) in it");
    }

    #[test]
    fn a_resource_may_hold_any_separator() {
        let jid = Jid::parse(b"a/b@c").unwrap();
        assert_eq!((jid.local.as_str(), jid.domain.as_str()), ("", "a"));
        assert_eq!(jid.to_string(), "a/b@c");
    }
}
