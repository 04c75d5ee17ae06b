//! Why a login is refused: one enum of all causes, each with its code for programs, the SASL
//! condition that a client is told, a sentence, and what to change.
//!
//! The table in docs/operator.md is made of it (`examples/reasons.rs`).
//!
//! ```
//! use certjid_core::reason::{Condition, Reason};
//!
//! let reason: Reason = "authzid_required".parse()?;
//! assert_eq!(reason, Reason::AuthzidRequired);
//! assert_eq!(reason.condition(), Condition::InvalidAuthzid);
//! assert!(reason.rank() > Reason::NoCommonName.rank());
//! # Ok::<(), certjid_core::reason::UnknownReason>(())
//! ```

use core::fmt;
use core::str::FromStr;

mod condition;
mod refused;
mod table;

pub use condition::Condition;
pub use refused::Refused;
pub use table::Reason;

impl Reason {
    /// The code for programs: of a chain's faults the reason atoms of OTP's `ssl` and
    /// `public_key`, or `bad_certificate`.
    pub fn as_str(self) -> &'static str {
        self.entry().code
    }

    /// Which of several refusals of one login is the telling one: that of the highest rank.
    pub fn rank(self) -> Rank {
        self.entry().rank
    }

    /// What the client is told, unless the rule that refuses has a condition of its own.
    pub fn condition(self) -> Condition {
        self.entry().condition
    }

    /// What the reason means.
    pub fn sentence(self) -> &'static str {
        self.entry().sentence
    }

    /// What to change, in one sentence or several.
    pub fn advice(self) -> &'static str {
        self.entry().advice
    }

    /// The page and chapter in `docs/` that say more, where there is one.
    pub fn page(self) -> Option<&'static str> {
        Some(self.entry().page).filter(|page| !page.is_empty())
    }

    /// The part of a login that refuses so.
    pub fn part(self) -> Part {
        self.entry().part
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(code: &str) -> Result<Self, UnknownReason> {
        let mut all = Self::ALL.iter().copied();
        all.find(|reason| reason.as_str() == code)
            .ok_or(UnknownReason)
    }
}

/// A code that no [`Reason`] has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownReason;

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("certjid has no reason of this code")
    }
}

impl std::error::Error for UnknownReason {}

/// How telling a refusal is beside others of the same login, the least telling first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Rank {
    /// What the rule looks at is not there, so that the rule was meant for others.
    Absent,
    /// It is there, and it names somebody else.
    Other,
    /// It is there, and it can't be used.
    Unusable,
    /// The login fails by a setting, or by a service that is away, and by nothing else.
    Hindered,
}

/// A part of a login, in the order in which they refuse.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Part {
    /// The request of a server's plug-in, and certjid itself.
    Request,
    /// The headers of a proxy.
    Headers,
    /// What the configuration says of the host and the listener.
    Configuration,
    /// The certificate and its chain.
    Certificate,
    /// From the names of the certificate and the authorization identity to a user name.
    Identity,
    /// The entries of `auth.methods`.
    Methods,
}

impl Part {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Request,
        Self::Headers,
        Self::Configuration,
        Self::Certificate,
        Self::Identity,
        Self::Methods,
    ];
}

/// What there is to say of a reason.
struct Entry {
    code: &'static str,
    part: Part,
    rank: Rank,
    condition: Condition,
    sentence: &'static str,
    advice: &'static str,
    page: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn each_code_is_one_reason() {
        let codes: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for &reason in Reason::ALL {
            let code = reason.as_str();
            assert_eq!(code.parse(), Ok(reason));
            let is_code = |byte: u8| matches!(byte, b'_' | b'a'..=b'z' | b'0'..=b'9');
            assert!(code.bytes().all(is_code), "{code}");
        }
        assert_eq!("offered".parse::<Reason>(), Err(UnknownReason));
    }

    #[test]
    fn each_reason_has_sentences() {
        for &reason in Reason::ALL {
            for text in [reason.sentence(), reason.advice()] {
                assert!(text.ends_with('.') && !text.contains('|'), "{reason}");
            }
        }
    }
}
