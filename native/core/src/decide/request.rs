use crate::config::ListenerRef;

/// One login by certificate, as the server that asks saw it.
#[derive(Clone, Debug, Eq, PartialEq)]
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
