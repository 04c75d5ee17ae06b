//! Connections to the services that are asked.

use core::time::Duration;

use super::secret::Secret;
use super::tls::ClientTls;

/// Connections to an HTTP or LDAP service: `outgoing_pools.http.TAG`, `outgoing_pools.ldap.TAG`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// `http` or `ldap`.
    pub kind: String,
    /// The tag that the methods name: `auth` for the method http.
    pub tag: String,
    /// `scope`: who uses it. Default: all.
    pub scope: PoolScope,
    /// `workers`: the number of connections. Default: 10.
    pub workers: usize,
    /// `strategy`: how a worker is chosen. Default: `best_worker`.
    pub strategy: String,
    /// `call_timeout`: the longest time that a caller waits, of which the file gives
    /// milliseconds. Default: 5 seconds.
    pub call_timeout: Duration,
    /// `max_worker_queue_len`: how many callers may wait for one worker. Default: no limit.
    pub max_worker_queue_len: Option<u64>,
    /// `connection`.
    pub connection: Connection,
    /// Whether some host's method asks it about certificates. The others decide no login, and
    /// their faults are warnings.
    pub is_asked: bool,
    /// Where it stands, such as `outgoing_pools.http.auth`.
    pub path: String,
}

/// Who uses a pool.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PoolScope {
    /// `global`: all hosts together.
    Global,
    /// `host_type`, or `host`: each host type has a pool of its own.
    HostType,
    /// A pool of `host_config`: that host or host type.
    Only(String),
}

/// What a pool connects to.
#[derive(Clone, Debug, PartialEq)]
pub enum Connection {
    /// An HTTP service.
    Http(HttpConnection),
    /// LDAP servers.
    Ldap(LdapConnection),
}

impl Connection {
    /// How it is secured.
    pub fn tls(&self) -> Option<&ClientTls> {
        match self {
            Self::Http(connection) => connection.tls.as_ref(),
            Self::Ldap(connection) => connection.tls.as_ref(),
        }
    }
}

/// `outgoing_pools.http.TAG.connection`.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpConnection {
    /// `host`: `http://HOST:PORT` or `https://HOST:PORT`.
    pub host: String,
    /// `path_prefix`: what the path of each request begins with. Default: `/`.
    pub path_prefix: String,
    /// `request_timeout`: the longest time for one request, of which the file gives
    /// milliseconds. Default: 2 seconds.
    pub request_timeout: Duration,
    /// `tls`. Default: none.
    pub tls: Option<ClientTls>,
}

/// `outgoing_pools.ldap.TAG.connection`.
#[derive(Clone, Debug, PartialEq)]
pub struct LdapConnection {
    /// `servers`: one or more, tried in order. Default: `localhost`.
    pub servers: Vec<String>,
    /// `port`. Default: 389, or 636 with TLS.
    pub port: u16,
    /// `root_dn`: the DN to bind as. Default: empty, anonymous.
    pub root_dn: String,
    /// `password`: of the DN. Default: empty.
    pub password: Secret,
    /// `connect_interval`: the pause before connecting again, of which the file gives
    /// milliseconds. Default: 10 seconds.
    pub connect_interval: Duration,
    /// `tls`. Default: none.
    pub tls: Option<ClientTls>,
}

impl Default for LdapConnection {
    fn default() -> Self {
        Self {
            servers: vec!["localhost".to_owned()],
            port: 389,
            root_dn: String::new(),
            password: Secret::new(""),
            connect_interval: Duration::from_secs(10),
            tls: None,
        }
    }
}

/// Whether each scope is the global one.
pub(crate) const SCOPES: &[(&str, bool)] =
    &[("global", true), ("host_type", false), ("host", false)];

pub(crate) const STRATEGIES: &[(&str, &str)] = &[
    ("best_worker", "best_worker"),
    ("random_worker", "random_worker"),
    ("next_worker", "next_worker"),
    ("available_worker", "available_worker"),
    ("next_available_worker", "next_available_worker"),
];
