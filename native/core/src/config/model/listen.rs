//! Where clients connect.

use core::fmt;

use super::auth::{Auth, is_certificate_method};
use super::tls::Tls;
use crate::message::quote;

/// A port that takes clients: one of `listen.c2s` or `listen.http`.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// The list it stands in.
    pub kind: ListenerKind,
    /// `port`.
    pub port: u16,
    /// `ip_address`. Default: all addresses, `0.0.0.0`, or `::` with `ip_version = 6`.
    pub ip_address: String,
    /// `tls`. Default: none, which means no TLS.
    pub tls: Option<Tls>,
    /// `allowed_auth_methods`: those of `auth.methods` that may be asked here; for c2s only.
    /// Default: none, which means all.
    pub allowed_auth_methods: Option<Vec<String>>,
    /// The names of `handlers`, without the older spellings; for HTTP only.
    pub handlers: Vec<String>,
    /// Where it stands, such as `listen.c2s[1]`.
    pub path: String,
}

/// What a listener speaks.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ListenerKind {
    /// XMPP over TCP.
    C2s,
    /// HTTP: BOSH, WebSocket, and what MongooseIM has besides.
    Http,
}

/// How a server says which listener took a connection.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum ListenerRef {
    /// `c2s` or `http`: the first of that kind where XMPP clients log in
    /// ([`Listener::takes_xmpp`]), otherwise the first.
    Name(String),
    /// The port. Listeners of one port judge alike, or the configuration has a fault.
    Port(u16),
}

impl Listener {
    /// True where XMPP clients log in here: every c2s listener, and those for HTTP that have
    /// BOSH or WebSocket among their handlers.
    pub fn takes_xmpp(&self) -> bool {
        let is_xmpp = |handler: &String| handler == BOSH || handler == WEBSOCKET;
        self.kind == ListenerKind::C2s || self.handlers.iter().any(is_xmpp)
    }

    /// True where a certificate of a user whose host has this `auth` can log in here, the
    /// certificate's own judgement aside.
    pub(crate) fn admits(&self, auth: &Auth) -> bool {
        let allows = |method: &String| is_certificate_method(method) && self.allows(method);
        self.takes_xmpp() && auth.has_external() && auth.methods.iter().any(allows)
    }

    /// True where `allowed_auth_methods` does not exclude the method.
    pub(crate) fn allows(&self, method: &str) -> bool {
        let allowed = self.allowed_auth_methods.as_ref();
        allowed.is_none_or(|allowed| allowed.iter().any(|name| name == method))
    }
}

impl ListenerKind {
    /// The name of its list in `listen`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::C2s => "c2s",
            Self::Http => "http",
        }
    }
}

impl fmt::Display for ListenerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "the listener {}", quote(name)),
            Self::Port(port) => write!(f, "the listener of port {port}"),
        }
    }
}

pub(crate) const BOSH: &str = "mongoose_bosh_handler";

pub(crate) const WEBSOCKET: &str = "mongoose_websocket_handler";

/// MongooseIM's own handlers.
pub(crate) const HANDLERS: &[&str] = &[
    "mod_bosh",
    "mod_websockets",
    "mongoose_admin_api",
    "mongoose_bosh_handler",
    "mongoose_client_api",
    "mongoose_graphql_handler",
    "mongoose_prometheus_handler",
    "mongoose_websocket_handler",
];
