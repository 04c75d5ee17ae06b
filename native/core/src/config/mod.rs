//! MongooseIM's configuration file: `mongooseim.toml` to typed values.
//!
//! The sections that decide a login by certificate are read: `general`, `auth`, `host_config`,
//! `listen.c2s`, `listen.http` and `outgoing_pools`. All faults in them are reported at once,
//! with line and path. The other sections are MongooseIM's affair and may hold anything.
//!
//! What MongooseIM's documentation writes loads here even where MongooseIM itself refuses it;
//! each such spelling is a [`Warning`], and so is each setting that does not do what it seems
//! to do.
//!
//! ```
//! use certjid_core::config::Config;
//! use std::path::Path;
//!
//! let text = r#"
//!     [general]
//!       default_server_domain = "localhost"
//!       hosts = ["localhost"]
//!     [auth]
//!       sasl_mechanisms = ["external"]
//!       [auth.pki]
//! "#;
//! let config = Config::parse(text, Path::new("mongooseim.toml"))?;
//! let auth = config.auth("localhost", None).expect("a host of the file");
//! assert!(auth.offers_external());
//! assert_eq!(auth.methods, ["pki"]);
//! # Ok::<(), certjid_core::config::ConfigErrors>(())
//! ```

use alloc::collections::BTreeMap;
use core::str;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

mod advice;
mod auth;
mod error;
mod general;
mod host_config;
mod ldap;
mod listen;
mod load;
mod log;
pub mod options;
mod pools;
mod reader;
mod secret;
mod suggestion;
mod tls;

pub use auth::Auth;
pub(crate) use auth::is_certificate_method;
pub use error::{ConfigError, ConfigErrors, Warning};
pub use ldap::{Deref, DnFilter, Ldap, LocalFilter, LocalOperation, Uid};
pub use listen::{Listener, ListenerKind, ListenerRef};
pub use pools::{Connection, HttpConnection, LdapConnection, Pool, PoolScope};
pub use secret::Secret;
pub use tls::{ClientTls, ServerName, Tls, TlsMode};

/// A configuration file that has no fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file. Paths in it are relative to its folder, or else to the working directory.
    pub file: PathBuf,
    /// `general.default_server_domain`, prepared.
    pub default_host: String,
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
    /// Reads a file of at most [`MAX_FILE`] bytes of UTF-8.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let fault = |line, message| {
            let (file, path) = (path.to_owned(), String::new());
            ConfigErrors(vec![ConfigError {
                file,
                line,
                path,
                message,
            }])
        };
        let unreadable = |error| fault(0, format!("cannot be read: {error}"));
        let file = File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(fault(0, load::too_long()));
        }
        let text = str::from_utf8(&bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
            fault(line, "the file is not UTF-8 from here on".to_owned())
        })?;
        Self::parse(text, path)
    }

    /// Reads the text of a configuration that stands in `file`, which need not exist.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigErrors> {
        load::parse(text, file)
    }

    /// What `auth` says for a domain: `host` as nameprep prepares it.
    ///
    /// A static host has its own section or the global one. Any other is a dynamic domain whose
    /// host type the server knows; without one that the file names, the host is unknown.
    pub fn auth(&self, host: &str, host_type: Option<&str>) -> Option<&Auth> {
        let scope = self.scope(host, host_type)?;
        Some(self.host_auth.get(scope).unwrap_or(&self.auth))
    }

    /// The listener meant.
    pub fn listener(&self, listener: &ListenerRef) -> Option<&Listener> {
        self.listeners.iter().find(|known| match listener {
            ListenerRef::Name(name) => known.kind.as_str() == name,
            ListenerRef::Port(port) => known.port == *port,
        })
    }

    /// The pool that a login in a domain uses: the one of its host or host type, or else the
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

    /// The name that `host_config` has for a domain: the static host itself, or the host type.
    fn scope<'h>(&self, host: &'h str, host_type: Option<&'h str>) -> Option<&'h str> {
        if self.hosts.iter().any(|known| known == host) {
            return Some(host);
        }
        host_type.filter(|&name| self.host_types.iter().any(|known| known == name))
    }
}

/// The greatest length of a configuration file, in bytes: 16 MiB.
pub const MAX_FILE: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
