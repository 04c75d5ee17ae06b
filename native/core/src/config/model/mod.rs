//! What a configuration says, and the words that its options may have.

use alloc::collections::BTreeMap;
use std::path::PathBuf;

pub(crate) mod auth;
pub(crate) mod ldap;
pub(crate) mod listen;
pub(crate) mod pools;
pub(crate) mod secret;
pub(crate) mod tls;

pub use auth::Auth;
pub(crate) use auth::is_certificate_method;
pub use ldap::{Deref, DnFilter, Ldap, LocalFilter, LocalOperation, Uid};
pub use listen::{Listener, ListenerKind, ListenerRef};
pub use pools::{Connection, HttpConnection, LdapConnection, Pool, PoolScope};
pub use secret::Secret;
pub use tls::{ClientTls, ServerName, Tls, TlsMode};

use super::error::Warning;

/// A configuration file that has no fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file. Paths in it are relative to its folder, otherwise to the working directory.
    pub file: PathBuf,
    /// `general.default_server_domain`, prepared. Default: none, as in MongooseIM before 5.0.0.
    pub default_host: Option<String>,
    /// `general.hosts`, prepared: the static domains, in order. Default: none.
    pub hosts: Vec<String>,
    /// `general.host_types`: the names of groups of dynamic domains, in order. Default: none.
    pub host_types: Vec<String>,
    /// `auth`, for every host that `host_auth` does not name.
    pub auth: Auth,
    /// `host_config.auth` by host or host type. It replaces `auth`, of which it inherits
    /// nothing.
    pub host_auth: BTreeMap<String, Auth>,
    /// `listen.c2s`, then `listen.http`, each in order.
    pub listeners: Vec<Listener>,
    /// The pools of type `http` and `ldap`: `outgoing_pools`, then those of `host_config`.
    pub pools: Vec<Pool>,
    /// What is to be said of the file, by line; at most 100.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// What `auth` says for a domain: `host` as nameprep prepares it.
    ///
    /// A static host has its own section or the global one. Any other is a dynamic domain whose
    /// host type the server knows; without one that the file names, the host is unknown.
    pub fn auth(&self, host: &str, host_type: Option<&str>) -> Option<&Auth> {
        let scope = self.scope(host, host_type)?;
        Some(self.host_auth.get(scope).unwrap_or(&self.auth))
    }

    /// The listener meant: see [`ListenerRef`].
    pub fn listener(&self, listener: &ListenerRef) -> Option<&Listener> {
        let mut candidates = self.listeners.iter().filter(|known| match listener {
            ListenerRef::Name(name) => known.kind.as_str() == name,
            ListenerRef::Port(port) => known.port == *port,
        });
        candidates
            .clone()
            .find(|listener| listener.takes_xmpp())
            .or_else(|| candidates.next())
    }

    /// The pool that a login in a domain uses: the one of its host or host type, otherwise the
    /// global one. `kind` is `http` or `ldap`.
    pub fn pool(
        &self,
        kind: &str,
        tag: &str,
        host: &str,
        host_type: Option<&str>,
    ) -> Option<&Pool> {
        let scope = self.scope(host, host_type)?;
        let named = || {
            self.pools
                .iter()
                .filter(|pool| pool.kind == kind && pool.tag == tag)
        };
        named()
            .find(|pool| matches!(&pool.scope, PoolScope::Only(only) if only == scope))
            .or_else(|| named().find(|pool| pool.scope == PoolScope::HostType))
            .or_else(|| named().find(|pool| pool.scope == PoolScope::Global))
    }

    /// Every `auth` that counts for some host.
    pub(crate) fn auths(&self) -> impl Iterator<Item = &Auth> + Clone {
        core::iter::once(&self.auth).chain(self.host_auth.values())
    }

    /// The name that `host_config` has for a domain: the static host itself, or the host type.
    fn scope<'h>(&self, host: &'h str, host_type: Option<&'h str>) -> Option<&'h str> {
        if self.hosts.iter().any(|known| known == host) {
            return Some(host);
        }
        host_type.filter(|&name| self.host_types.iter().any(|known| known == name))
    }
}
