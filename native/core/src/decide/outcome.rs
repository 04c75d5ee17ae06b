use super::{AtMethod, AtModule, Pending};
use crate::reason::{Reason, Refused};
use crate::trail::Trail;

/// What is decided of a [`Request`](super::Request).
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The client is who it says.
    Allowed(Allowed),
    /// The service behind a method has to be asked.
    AskMethod(Box<Pending<AtMethod>>),
    /// `sasl_external` names an Erlang module that has to be asked. Only where the policy was
    /// loaded with [`Modules::Called`](crate::policy::Modules::Called).
    AskModule(Box<Pending<AtModule>>),
    /// The client is not let in.
    Refused(Refused),
}

impl Outcome {
    /// The outcome where nobody can ask a service: those methods are unavailable.
    #[must_use]
    pub fn without_services(mut self) -> Self {
        while let Self::AskMethod(login) = self {
            self = login.unserved();
        }
        self
    }
}

/// A login that nobody has to be asked about any more.
pub type Decided = Result<Allowed, Refused>;

/// A login that is allowed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Allowed {
    /// The prepared local part.
    pub username: String,
    /// The bare JID.
    pub jid: String,
    /// The entry of `auth.methods` that accepted the user: `pki`, `http` or `ldap`.
    pub method: String,
    /// Where the user name was found: `xmppAddr`, `common_name`, `authzid` or `module`.
    pub source: &'static str,
    /// The entry of `sasl_external` that found it.
    pub kind: String,
    /// What was tried, in order.
    pub trail: Trail,
}

/// Whether SASL EXTERNAL is to be offered on a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// Why it is not; None where it is.
    pub refused: Option<Reason>,
    /// The cause for the operator, and what to change.
    pub message: String,
}

impl Offer {
    /// Whether EXTERNAL is to be offered.
    pub fn external(&self) -> bool {
        self.refused.is_none()
    }

    /// `offered`, or the reason as a code for programs.
    pub fn code(&self) -> &'static str {
        self.refused.map_or("offered", Reason::as_str)
    }
}
