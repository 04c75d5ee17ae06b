//! Decides XMPP logins by TLS client certificate (SASL EXTERNAL, [XEP-0178]) as MongooseIM
//! documents them, from MongooseIM's own TOML configuration.
//!
//! This crate is the one place where anything is decided: the NIF, the sidecar and the command
//! line of certjid are thin layers above it. It opens no socket, keeps no global state, and
//! reads files only while a configuration is loaded.
//!
//! | module | what it does |
//! |---|---|
//! | [`jid`] | JIDs as RFC 6122 prepares them |
//! | [`message`] | sentences for people: what they quote, and how long they may be |
//! | [`trail`] | what was tried, in order, and bounded |
//! | [`reason`] | why a login is refused: codes, SASL conditions, what to change |
//! | [`pem`] | PEM files, of which nothing is lost in silence |
//! | [`certificate`] | what a certificate offers as identity |
//! | [`encoding`] | the encodings that a chain arrives in |
//! | [`headers`] | the headers in which proxies pass a certificate on |
//! | [`verify`] | whether a chain is trusted: the verify modes `peer`, `selfsigned_peer`, `none` |
//! | [`sasl`] | the verification kinds of `sasl_external`, and what they find |
//! | [`config`] | `mongooseim.toml` to typed values, with every fault at once |
//! | `tls` | with the feature `rustls`: the verify modes as a rustls `ClientCertVerifier` |
//! | [`policy`] | one configuration file with all that it names |
//! | [`decide`] | all of it together: one request in, one outcome with its reasons out |
//!
//! [XEP-0178]: https://xmpp.org/extensions/xep-0178.html
#![forbid(unsafe_code)]

extern crate alloc;

pub mod certificate;
pub mod config;
pub mod decide;
mod der;
pub mod encoding;
pub mod headers;
pub mod jid;
pub mod message;
pub mod pem;
pub mod policy;
pub mod reason;
pub mod sasl;
#[cfg(feature = "rustls")]
pub mod tls;
pub mod trail;
pub mod verify;
