use core::fmt;
use core::str::FromStr;

/// A SASL failure condition, as the client is told it (RFC 6120 section 6.5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Condition {
    /// The initial response is not base64.
    IncorrectEncoding,
    /// The authorization identity is malformed, or not one that the certificate allows.
    InvalidAuthzid,
    /// EXTERNAL is not a mechanism of this host.
    InvalidMechanism,
    /// The certificate is missing, not trusted, or names no user of this host.
    NotAuthorized,
    /// A backend that had to be asked did not answer.
    TemporaryAuthFailure,
}

impl Condition {
    /// The element name of the condition.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IncorrectEncoding => "incorrect-encoding",
            Self::InvalidAuthzid => "invalid-authzid",
            Self::InvalidMechanism => "invalid-mechanism",
            Self::NotAuthorized => "not-authorized",
            Self::TemporaryAuthFailure => "temporary-auth-failure",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Condition {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [
            Self::IncorrectEncoding,
            Self::InvalidAuthzid,
            Self::InvalidMechanism,
            Self::NotAuthorized,
            Self::TemporaryAuthFailure,
        ]
        .into_iter()
        .find(|condition| condition.as_str() == name)
        .ok_or(())
    }
}
