//! The section `outgoing_pools`.

use core::time::Duration;

use super::reader::{MAX_INTEGER, Node, Section};
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

/// Reads the pools of a `host_config` for the given scope, or the global ones, which say their
/// scope themselves.
pub(super) fn read(section: Section<'_>, scope: Option<PoolScope>) -> Vec<Pool> {
    let mut pools = Vec::new();
    for kind in ["http", "ldap"] {
        let tags = section.get(kind).and_then(|node| node.section());
        for (tag, node) in tags.iter().flat_map(Section::entries) {
            pools.extend(
                node.section()
                    .and_then(|pool| read_one(pool, kind, tag, &scope)),
            );
        }
    }
    section.ignore(&["cassandra", "elastic", "rabbit", "rdbms", "redis", "riak"]);
    section.finish();
    pools
}

fn read_one(
    section: Section<'_>,
    kind: &str,
    tag: &str,
    scope: &Option<PoolScope>,
) -> Option<Pool> {
    if tag.is_empty() {
        section.error("the tag of the pool is empty");
    }
    let scope = scope.clone().or_else(|| {
        let global = section.get("scope")?.one_of(SCOPES)?;
        Some(if global {
            PoolScope::Global
        } else {
            PoolScope::HostType
        })
    });
    let workers = number(&section, "workers", 1, 10);
    let strategy = section
        .get("strategy")
        .and_then(|node| node.one_of(STRATEGIES));
    let call_timeout = number(&section, "call_timeout", 1, 5000);
    let queue = section.get("max_worker_queue_len");
    let queue = queue.and_then(|node| node.integer(0..=MAX_INTEGER));
    let connection = match kind {
        "http" => section
            .require("connection")
            .and_then(|node| node.section())
            .and_then(HttpConnection::read)
            .map(Connection::Http),
        _ => match section.get("connection") {
            Some(node) => node
                .section()
                .map(LdapConnection::read)
                .map(Connection::Ldap),
            None => Some(Connection::Ldap(LdapConnection::default())),
        },
    };
    let path = section.path.clone();
    section.finish();
    Some(Pool {
        kind: kind.to_owned(),
        tag: tag.to_owned(),
        scope: scope.unwrap_or(PoolScope::Global),
        workers: usize::try_from(workers).unwrap_or(usize::MAX),
        strategy: strategy.unwrap_or(STRATEGIES[0].0).to_owned(),
        call_timeout: Duration::from_millis(call_timeout),
        max_worker_queue_len: queue,
        connection: connection?,
        path,
    })
}

impl HttpConnection {
    fn read(section: Section<'_>) -> Option<Self> {
        let host = section.require("host").and_then(|node| url(&node));
        let prefix = section.get("path_prefix").and_then(|node| node.non_empty());
        let timeout = number(&section, "request_timeout", 0, 2000);
        let tls = section.get("tls").and_then(|node| node.section());
        let tls = tls.map(ClientTls::read);
        section.finish();
        Some(Self {
            host: host?,
            path_prefix: prefix.unwrap_or("/").to_owned(),
            request_timeout: Duration::from_millis(timeout),
            tls,
        })
    }
}

impl LdapConnection {
    fn read(section: Section<'_>) -> Self {
        let mut connection = Self::default();
        if let Some(node) = section.get("servers")
            && let Some(servers) = node.unique(|node| node.string().map(str::to_owned))
        {
            if servers.is_empty() {
                node.error("the list is empty");
            }
            connection.servers = servers;
        }
        let text = |key| section.get(key).and_then(|node| node.string());
        connection.root_dn = text("root_dn").unwrap_or_default().to_owned();
        connection.password = Secret::new(text("password").unwrap_or_default());
        let interval = number(&section, "connect_interval", 1, 10_000);
        connection.connect_interval = Duration::from_millis(interval);
        let tls = section.get("tls").and_then(|node| node.section());
        connection.tls = tls.map(ClientTls::read);
        if connection.tls.is_some() {
            connection.port = 636;
        }
        let port = section
            .get("port")
            .and_then(|node| node.integer(0..=u64::from(u16::MAX)));
        if let Some(port) = port.and_then(|port| u16::try_from(port).ok()) {
            connection.port = port;
        }
        section.finish();
        connection
    }
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

fn number(section: &Section<'_>, key: &'static str, least: u64, default: u64) -> u64 {
    let number = section
        .get(key)
        .and_then(|node| node.integer(least..=MAX_INTEGER));
    number.unwrap_or(default)
}

fn url(node: &Node<'_>) -> Option<String> {
    let url = node.non_empty()?;
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    if rest.is_none_or(|rest| rest.trim_end_matches('/').is_empty()) {
        // The text may hold a password, and is not repeated.
        node.error("this is no URL of a host: expected http://HOST:PORT or https://HOST:PORT");
        return None;
    }
    if url.contains('@') {
        node.error("a user in the URL is not sent: auth.http.basic_auth is");
        return None;
    }
    Some(url.to_owned())
}

/// Whether each scope is the global one.
const SCOPES: &[(&str, bool)] = &[("global", true), ("host_type", false), ("host", false)];

const STRATEGIES: &[(&str, &str)] = &[
    ("best_worker", "best_worker"),
    ("random_worker", "random_worker"),
    ("next_worker", "next_worker"),
    ("available_worker", "available_worker"),
    ("next_available_worker", "next_available_worker"),
];
