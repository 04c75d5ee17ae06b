//! The sidecar of certjid, a daemon that decides certificate logins over a Unix socket, and the
//! command line of the same binary.
//!
//! | module | what it does |
//! |---|---|
//! | [`protocol`] | requests and replies, in JSON and in Erlang's external term format |
//! | [`server`] | the socket, the connections, the policy in use and its reload |
//! | [`backend`] | the services that the methods `http` and `ldap` ask |
//! | [`client`] | asks a running sidecar |
//! | [`registry`] | keeps the certificates of users, and serves them to the method `http` |
//! | [`issue`] | makes a development CA and its certificates |
//! | [`cli`] | `certjid serve`, `check`, `inspect`, `config`, `dev-cert`, `registry` |
//!
//! Nothing is decided here: that is `certjid_core`'s.
#![forbid(unsafe_code)]

pub mod backend;
pub mod cli;
pub mod client;
mod connections;
pub mod issue;
mod log_limit;
pub mod metrics;
mod pem_file;
pub mod protocol;
pub mod registry;
pub mod server;

pub use log_limit::MAX_LINE;
