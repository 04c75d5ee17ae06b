//! The section `listen`.

use alloc::collections::BTreeMap;
use core::fmt;
use core::net::IpAddr;

use super::auth::{METHODS, is_module_name};
use super::reader::{MAX_INTEGER, Node, Section, quote};
use super::suggestion;
use super::tls::Tls;

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
    /// `c2s` or `http`: the first of that kind.
    Name(String),
    /// The port: the first listener that has it.
    Port(u16),
}

impl Listener {
    /// True where XMPP clients log in here: every c2s listener, and those for HTTP that have
    /// BOSH or WebSocket among their handlers.
    pub fn takes_xmpp(&self) -> bool {
        let is_xmpp = |handler: &String| handler == BOSH || handler == WEBSOCKET;
        self.kind == ListenerKind::C2s || self.handlers.iter().any(is_xmpp)
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

pub(super) fn read(section: Section<'_>) -> Vec<Listener> {
    let mut listeners = Vec::new();
    let mut taken = BTreeMap::new();
    for kind in [ListenerKind::C2s, ListenerKind::Http] {
        let Some(node) = section.get(kind.as_str()) else {
            continue;
        };
        for section in node.sections() {
            let (log, line) = (section.log, section.line);
            let Some(listener) = read_one(section, kind) else {
                continue;
            };
            let address = (listener.port, listener.ip_address.clone());
            if let Some(first) = taken.insert(address, listener.path.clone()) {
                log.error(
                    line,
                    &listener.path,
                    format!("{first} has the same port and address"),
                );
            }
            listeners.push(listener);
        }
    }
    section.ignore(&["component", "s2s", "service"]);
    section.finish();
    listeners
}

fn read_one(section: Section<'_>, kind: ListenerKind) -> Option<Listener> {
    let port = section
        .require("port")
        .and_then(|node| node.integer(0..=u64::from(u16::MAX)));
    let port = port.and_then(|port| u16::try_from(port).ok());
    let version = section.get("ip_version").and_then(|node| version(&node));
    let address = section.get("ip_address").and_then(|node| address(&node));
    if let Some(node) = section.get("proto") {
        node.one_of(&[("tcp", ())]);
    }
    if let Some(node) = section.get("hibernate_after") {
        node.integer_or_infinity(0);
    }
    let tls = section.get("tls").and_then(|node| node.section());
    let mut listener = Listener {
        kind,
        port: port.unwrap_or_default(),
        ip_address: address
            .unwrap_or_else(|| (if version == Some(6) { "::" } else { "0.0.0.0" }).to_owned()),
        tls: tls.map(|tls| Tls::read(tls, kind)),
        allowed_auth_methods: None,
        handlers: Vec::new(),
        path: section.path.clone(),
    };
    match kind {
        ListenerKind::C2s => listener.read_c2s(&section),
        ListenerKind::Http => listener.read_http(&section),
    }
    section.finish();
    port.map(|_| listener)
}

impl Listener {
    fn read_c2s(&mut self, section: &Section<'_>) {
        if let Some(node) = section.get("allowed_auth_methods") {
            let choices: Vec<_> = METHODS.iter().map(|&name| (name, name)).collect();
            let methods = node.unique(|method| method.one_of(&choices));
            self.allowed_auth_methods =
                methods.map(|methods| methods.into_iter().map(str::to_owned).collect());
        }
        for (key, least) in [("backlog", 0), ("num_acceptors", 1)] {
            if let Some(node) = section.get(key) {
                node.integer(least..=MAX_INTEGER);
            }
        }
        for (key, least) in [
            ("max_connections", 1),
            ("max_stanza_size", 1),
            ("state_timeout", 0),
        ] {
            if let Some(node) = section.get(key) {
                node.integer_or_infinity(least);
            }
        }
        for key in [
            "backwards_compatible_session",
            "proxy_protocol",
            "reuse_port",
        ] {
            if let Some(node) = section.get(key) {
                node.boolean();
            }
        }
        for key in ["access", "shaper"] {
            if let Some(node) = section.get(key) {
                node.non_empty();
            }
        }
    }

    fn read_http(&mut self, section: &Section<'_>) {
        if let Some(transport) = section.get("transport").and_then(|node| node.section()) {
            if let Some(node) = transport.get("num_acceptors") {
                node.integer(1..=MAX_INTEGER);
            }
            if let Some(node) = transport.get("max_connections") {
                node.integer_or_infinity(0);
            }
            transport.finish();
        }
        if let Some(protocol) = section.get("protocol").and_then(|node| node.section()) {
            if let Some(node) = protocol.get("compress") {
                node.boolean();
            }
            protocol.finish();
        }
        let handlers = section.get("handlers").and_then(|node| node.section());
        for (name, node) in handlers.iter().flat_map(Section::entries) {
            if let Some(name) = read_handler(name, &node) {
                self.handlers.push(name);
            }
        }
    }
}

/// Checks a handler, and returns the name that it has today.
fn read_handler(written: &str, node: &Node<'_>) -> Option<String> {
    let name = match written {
        "mod_bosh" => BOSH,
        "mod_websockets" => WEBSOCKET,
        name => name,
    };
    if name != written {
        node.warn(format!(
            "MongooseIM 4.0.0 to 6.5.x read `{written}`, and releases since 6.6.0 do not start \
             with it; certjid takes it for {name}"
        ));
    } else if !HANDLERS.contains(&name) {
        // Any Erlang module may be a handler, but not one that looks like a slip.
        let suggestion = suggestion::did_you_mean(name, HANDLERS);
        if !suggestion.is_empty() || !is_module_name(name) {
            node.error(format!("there is no such handler{suggestion}"));
            return None;
        }
    }
    for section in node.sections() {
        for key in ["host", "path"] {
            if let Some(node) = section.require(key) {
                node.string();
            }
        }
        match name {
            BOSH => section.finish(),
            WEBSOCKET => {
                // Components connected through it, up to 6.x.
                if name != written {
                    section.ignore(&["service"]);
                }
                check_websocket(section);
            }
            _ => {}
        }
    }
    Some(name.to_owned())
}

fn check_websocket(section: Section<'_>) {
    for (key, least) in [("max_stanza_size", 1), ("state_timeout", 0), ("timeout", 0)] {
        if let Some(node) = section.get(key) {
            node.integer_or_infinity(least);
        }
    }
    if let Some(node) = section.get("ping_rate") {
        node.integer(1..=MAX_INTEGER);
    }
    if let Some(node) = section.get("backwards_compatible_session") {
        node.boolean();
    }
    section.finish();
}

fn version(node: &Node<'_>) -> Option<u64> {
    let version = node.integer(0..=MAX_INTEGER)?;
    if !matches!(version, 4 | 6) {
        node.error("there is no such IP version: expected 4 or 6");
        return None;
    }
    Some(version)
}

fn address(node: &Node<'_>) -> Option<String> {
    match node.string()? {
        // Erlang's short form of all addresses, and MongooseIM's own default.
        "0" => Some("0.0.0.0".to_owned()),
        text => match text.parse::<IpAddr>() {
            Ok(address) => Some(address.to_string()),
            Err(_) => {
                node.error(format!("{} is no IP address", quote(text)));
                None
            }
        },
    }
}

const BOSH: &str = "mongoose_bosh_handler";

const WEBSOCKET: &str = "mongoose_websocket_handler";

/// MongooseIM's own handlers.
const HANDLERS: &[&str] = &[
    "mod_bosh",
    "mod_websockets",
    "mongoose_admin_api",
    "mongoose_bosh_handler",
    "mongoose_client_api",
    "mongoose_graphql_handler",
    "mongoose_prometheus_handler",
    "mongoose_websocket_handler",
];
