use core::fmt;

use crate::reason::Reason;

/// One thing that is wrong with a chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What, by the names of OTP's `ssl` and `public_key`, or `bad_certificate`.
    pub reason: Reason,
    /// Which certificate, counted from the leaf, which is 0.
    pub position: usize,
    /// The fault as a sentence.
    pub message: String,
    /// Where a CRL revokes it: the reason that the CRL gives, as OTP's `public_key` names those
    /// of RFC 5280 section 5.3.1.
    pub revocation: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(reason: Reason, position: usize, message: impl Into<String>) -> Self {
        Self {
            reason,
            position,
            message: message.into(),
            revocation: None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
