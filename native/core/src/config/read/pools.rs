//! The section `outgoing_pools`.

use core::time::Duration;

use super::node::{MAX_INTEGER, Node};
use super::section::{Section, Weight};
use crate::config::model::pools::{SCOPES, STRATEGIES};
use crate::config::model::{
    Auth, ClientTls, Connection, HttpConnection, LdapConnection, Pool, PoolScope, Secret,
};
use crate::config::options::OTHER_POOLS;

/// Reads the pools of a `host_config` for the given scope, or the global ones, which say their
/// scope themselves. `auths` are all sections that say how users log in.
pub(super) fn read(section: Section<'_>, scope: Option<&PoolScope>, auths: &[&Auth]) -> Vec<Pool> {
    let section = section.weighing(Weight::Mixed);
    let mut pools = Vec::new();
    for kind in ["http", "ldap"] {
        let tags = section.get(kind).and_then(|node| node.section());
        for (tag, node) in tags.iter().flat_map(Section::entries) {
            if is_number(tag) {
                node.warn(format!(
                    "MongooseIM (seen in 6.8.0) does not start with a tag of digits alone; certjid \
                     reads {tag}"
                ));
            }
            let is_asked = auths.iter().any(|auth| auth.asks(kind, tag));
            let weight = if is_asked {
                Weight::Decides
            } else {
                Weight::Idle
            };
            pools.extend(
                node.section()
                    .and_then(|pool| read_one(pool.weighing(weight), kind, tag, scope)),
            );
        }
    }
    section.check(OTHER_POOLS);
    section.finish();
    pools
}

fn is_number(tag: &str) -> bool {
    !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_digit())
}

fn read_one(
    section: Section<'_>,
    kind: &str,
    tag: &str,
    scope: Option<&PoolScope>,
) -> Option<Pool> {
    let is_asked = section.weight == Weight::Decides;
    if tag.is_empty() {
        section.error("the tag of the pool is empty");
    }
    let scope = scope.cloned().or_else(|| read_scope(&section));
    let workers = number(&section, "workers", 1, 10);
    let strategy = section
        .get("strategy")
        .and_then(|node| node.one_of(STRATEGIES));
    let call_timeout = number(&section, "call_timeout", 1, 5000);
    let queue = section.get("max_worker_queue_len");
    if let (Some(node), Some(strategy)) = (&queue, strategy)
        && strategy != STRATEGIES[0].0
    {
        node.warn(format!(
            "MongooseIM reads it only with strategy = \"best_worker\", and does not start with \
             {strategy:?}; certjid does not mind"
        ));
    }
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
        is_asked,
        path,
    })
}

/// `scope`, with `single_host` and `host` as older releases have them.
fn read_scope(section: &Section<'_>) -> Option<PoolScope> {
    let (scope, host) = (section.get("scope"), section.get("host"));
    if let Some(host) = &host {
        host.warn(
            "MongooseIM 4.0.0 to 6.2.x reads `host` with scope = \"single_host\", and later \
             releases do not start with it: they have host_config.outgoing_pools",
        );
    }
    let scope = scope?;
    if scope.text() != Some("single_host") {
        let is_global = scope.one_of(SCOPES)?;
        return Some(if is_global {
            PoolScope::Global
        } else {
            PoolScope::HostType
        });
    }
    scope.warn(
        "MongooseIM 4.0.0 to 6.2.x reads `single_host`, with the name in `host`, and later \
         releases do not start with it: they have host_config.outgoing_pools, as which certjid \
         reads it",
    );
    let Some(host) = host else {
        scope.error("single_host needs the option host");
        return None;
    };
    Some(PoolScope::Only(host.non_empty()?.to_owned()))
}

impl HttpConnection {
    fn read(section: Section<'_>) -> Option<Self> {
        let host = section.require("host").and_then(|node| url(&node));
        let prefix = section.get("path_prefix").and_then(|node| node.non_empty());
        let timeout = number(&section, "request_timeout", 0, 2000);
        let tls = section.get("tls");
        if let (Some(node), Some(host)) = (&tls, &host)
            && host.starts_with("http://")
        {
            node.warn(
                "this section is not used: `host` begins with http://, so that nothing is \
                 encrypted; https:// begins with TLS",
            );
        }
        let tls = tls.and_then(|node| node.section()).map(ClientTls::read);
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
        connection.root_dn = read_root_dn(&section).unwrap_or_default();
        connection.password = Secret::new(text("password").unwrap_or_default());
        let interval = number(&section, "connect_interval", 1, 10_000);
        connection.connect_interval = Duration::from_millis(interval);
        let tls = section.get("tls").and_then(|node| node.section());
        connection.tls = tls.map(ClientTls::read).or_else(|| read_encrypt(&section));
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

fn read_root_dn(section: &Section<'_>) -> Option<String> {
    let (node, older) = (section.get("root_dn"), section.get("rootdn"));
    if let Some(older) = &older {
        older.warn(
            "MongooseIM 4.0.0 to 5.0.x reads `rootdn`, as the examples of its documentation spell \
             it, and later releases do not start with it: the option is `root_dn`, as which \
             certjid reads it",
        );
        if node.is_some() {
            older.error("both root_dn and rootdn are given");
        }
    }
    node.or(older)?.string().map(str::to_owned)
}

/// `encrypt`, by which older releases began TLS.
fn read_encrypt(section: &Section<'_>) -> Option<ClientTls> {
    let node = section.get("encrypt")?;
    let encrypt = node.one_of(&[("none", false), ("tls", true)])?;
    node.warn(
        "MongooseIM 4.0.0 to 5.0.x reads `encrypt`, and later releases do not start with it: they \
         have the section tls, for which certjid takes \"tls\"",
    );
    encrypt.then(|| ClientTls {
        path: node.path.clone(),
        line: node.line,
        ..ClientTls::default()
    })
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
        node.error("this is not a URL of a host: expected http://HOST:PORT or https://HOST:PORT");
        return None;
    }
    if url.contains('@') {
        node.error("a user in the URL is not sent: auth.http.basic_auth is");
        return None;
    }
    Some(url.to_owned())
}
