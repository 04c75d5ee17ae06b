use alloc::collections::BTreeMap;

use crate::config::ListenerRef;
use crate::reason::{Condition, Reason};
use crate::sasl::{ModuleAnswer, Step};

/// One login by certificate, as the server that asks saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The listener that took the connection.
    pub listener: ListenerRef,
    /// The host that the client addressed: the `to` of its stream.
    pub host: String,
    /// The host type, where the host is a dynamic domain.
    pub host_type: Option<String>,
    /// The client's certificates in DER, leaf first; empty where it sent none.
    pub chain: Vec<Vec<u8>>,
    /// What the client asked to be.
    pub authzid: Authzid,
    /// The server's own TLS verification result, where it has one: `false` refuses the
    /// certificate, `true` changes nothing, for the chain is checked here all the same.
    pub verified: Option<bool>,
    /// Answers of the Erlang modules in `sasl_external`, by module name. See
    /// [`Outcome::AskModule`].
    pub answers: BTreeMap<String, ModuleAnswer>,
}

/// The authorization identity of a login.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Authzid {
    /// The client sent none.
    #[default]
    Absent,
    /// The decoded identity; empty counts as absent.
    Decoded(Vec<u8>),
    /// The text of `<auth/>` as it stood on the wire: empty, `=` or base64 (RFC 6120 6.4.2).
    InitialResponse(String),
}

/// What is decided of a [`Request`].
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The client is who it says.
    Allowed(Allowed),
    /// `sasl_external` names an Erlang module that has to be asked first: put its answer into
    /// [`Request::answers`] and ask again. Only where the policy was loaded with
    /// [`Modules::Called`](super::Modules::Called).
    AskModule(ModuleQuestion),
    /// The client is not let in.
    Refused(Refused),
}

/// The credentials that an Erlang module is asked about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ModuleQuestion {
    /// The module.
    pub module: String,
    /// The prepared host.
    pub host: String,
    /// The first common name.
    pub common_name: Option<String>,
    /// The xmppAddr fields in order.
    pub xmpp_addrs: Vec<String>,
    /// The decoded authorization identity.
    pub authzid: Option<Vec<u8>>,
}

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
    pub trail: Vec<Step>,
}

/// A login that is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// What the client is told, and nothing more.
    pub condition: Condition,
    /// The cause.
    pub reason: Reason,
    /// The cause as a sentence for the operator.
    pub message: String,
    /// Whether the listener's `tls.disconnect_on_failure` asks that the connection be closed:
    /// true only where the certificate itself failed.
    pub disconnect: bool,
    /// What was tried, in order.
    pub trail: Vec<Step>,
}

impl Refused {
    pub(super) fn new(condition: Condition, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            condition,
            reason,
            message: message.into(),
            disconnect: false,
            trail: Vec::new(),
        }
    }
}

/// Whether SASL EXTERNAL is to be offered on a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// Why it is not; None where it is.
    pub refused: Option<Reason>,
    /// The cause as a sentence for the operator.
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
