//! The section `listen`.

use alloc::collections::{BTreeMap, BTreeSet};
use core::net::IpAddr;
use std::fs;
use std::path::{Path, PathBuf};

use super::auth;
use super::node::Node;
use super::section::{Section, Weight};
use crate::config::model::auth::is_module_name;
use crate::config::model::listen::{BOSH, HANDLERS, WEBSOCKET};
use crate::config::model::{Auth, Listener, ListenerKind, Tls};
use crate::config::options::{C2S, HTTP, LISTENER};
use crate::config::suggestion;
use crate::message::quote;
use crate::verify::VerifyMode;

/// Reads the listeners. `auths` are all sections that say how users log in.
pub(super) fn read(section: Section<'_>, auths: &[&Auth]) -> Vec<Listener> {
    let section = section.weighing(Weight::Mixed);
    let mut listeners: Vec<Listener> = Vec::new();
    let mut taken = Taken::default();
    for kind in [ListenerKind::C2s, ListenerKind::Http] {
        let Some(node) = section.get(kind.as_str()) else {
            continue;
        };
        for section in node.sections() {
            let (log, line) = (section.log, section.line);
            let Some(listener) = read_one(section, kind, auths) else {
                continue;
            };
            let error = |message| log.error(line, &listener.path, message);
            if let Some(first) =
                taken.by_address(&listener.path, listener.port, &listener.ip_address)
            {
                error(format!(
                    "{first} has the same port and address ({})",
                    listener.port
                ));
            } else if let Some(&first) = taken.by_port.get(&listener.port) {
                let first: &Listener = &listeners[first];
                if let Some(option) = difference(first, &listener) {
                    error(format!(
                        "port {} is that of {} too, whose {option} is another: a request that \
                         names the port can't tell them apart, so that both must judge alike, or \
                         have ports of their own",
                        listener.port, first.path
                    ));
                }
            }
            taken
                .by_port
                .entry(listener.port)
                .or_insert(listeners.len());
            listeners.push(listener);
        }
    }
    for kind in ["component", "s2s", "service"] {
        for section in section
            .get_idle(kind)
            .iter()
            .flat_map(Node::tables_of_another)
        {
            taken.check_another(&section);
        }
    }
    section.finish();
    listeners
}

/// The ports that are taken.
#[derive(Default)]
struct Taken {
    /// The path of the listener by port and address.
    by_address: BTreeMap<(u64, String), String>,
    /// The first listener of each port.
    by_port: BTreeMap<u16, usize>,
}

impl Taken {
    /// The path of the listener that has the address already.
    fn by_address(&mut self, path: &str, port: u16, address: &str) -> Option<String> {
        let key = (u64::from(port), address.to_owned());
        self.by_address.insert(key, path.to_owned())
    }

    /// A listener of a kind that takes no users.
    fn check_another(&mut self, section: &Section<'_>) {
        let Some(port) = section.peek("port").and_then(|node| node.number()) else {
            return;
        };
        let is_6 = section.peek("ip_version").and_then(|node| node.number()) == Some(6);
        let address = match section.peek("ip_address").and_then(|node| node.text()) {
            None => default_address(is_6).to_owned(),
            Some(text) => parse_address(text).unwrap_or_else(|| text.to_owned()),
        };
        let key = (port, address);
        let first = self.by_address.insert(key, section.path.clone());
        let Some(first) = first else {
            return;
        };
        let message = format!("{first} has the same port and address ({port})");
        if ["listen.c2s[", "listen.http["]
            .iter()
            .any(|users| first.starts_with(users))
        {
            section.log.error(section.line, &section.path, message);
        } else {
            section.error(message);
        }
    }
}

/// The option by which two listeners judge certificates differently.
fn difference(a: &Listener, b: &Listener) -> Option<&'static str> {
    let methods = |listener: &Listener| ["http", "ldap", "pki"].map(|name| listener.allows(name));
    if methods(a) != methods(b) {
        return Some("allowed_auth_methods");
    }
    let (a, b) = match (&a.tls, &b.tls) {
        (None, None) => return None,
        (Some(a), Some(b)) => (a, b),
        _ => return Some("tls"),
    };
    if a.verify_mode != b.verify_mode {
        return Some("tls.verify_mode");
    }
    if a.verify_mode == VerifyMode::None {
        return None;
    }
    if a.cacertfile.as_deref().map(real) != b.cacertfile.as_deref().map(real) {
        return Some("tls.cacertfile");
    }
    let lists =
        |tls: &Tls| -> BTreeSet<PathBuf> { tls.crl_files.iter().map(|file| real(file)).collect() };
    if lists(a) != lists(b) {
        return Some("tls.crl_files");
    }
    (a.disconnect_on_failure != b.disconnect_on_failure).then_some("tls.disconnect_on_failure")
}

/// One name for each file.
fn real(file: &Path) -> PathBuf {
    fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
}

fn read_one(section: Section<'_>, kind: ListenerKind, auths: &[&Auth]) -> Option<Listener> {
    let section = section.weighing(Weight::Mixed);
    let port = section
        .require("port")
        .and_then(|node| node.integer(0..=u64::from(u16::MAX)));
    let port = port.and_then(|port| u16::try_from(port).ok());
    let mut listener = Listener {
        kind,
        port: port.unwrap_or_default(),
        ip_address: read_address(&section),
        tls: None,
        allowed_auth_methods: None,
        handlers: Vec::new(),
        path: section.path.clone(),
    };
    match kind {
        ListenerKind::C2s => listener.read_c2s(&section),
        ListenerKind::Http => listener.read_http(&section),
    }
    let tls = section.get("tls").and_then(|node| node.section());
    listener.tls = tls.map(|tls| {
        let decides = auths.iter().any(|auth| listener.admits(auth));
        let weight = if decides {
            Weight::Decides
        } else {
            Weight::Mixed
        };
        Tls::read(tls.weighing(weight), kind)
    });
    section.check(LISTENER);
    section.finish();
    port.map(|_| listener)
}

impl Listener {
    fn read_c2s(&mut self, section: &Section<'_>) {
        if let Some(node) = section.get("allowed_auth_methods") {
            let methods = node.unique(auth::method);
            self.allowed_auth_methods =
                methods.map(|methods| methods.into_iter().map(str::to_owned).collect());
        }
        section.check(C2S);
    }

    fn read_http(&mut self, section: &Section<'_>) {
        let handlers = section.get("handlers").and_then(|node| node.section());
        for (name, node) in handlers.iter().flat_map(Section::entries) {
            if let Some(name) = read_handler(name, &node) {
                self.handlers.push(name);
            }
        }
        section.check(HTTP);
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
        // Any Erlang module may be a handler, but not one that looks like a slip of XMPP's.
        if let Some(meant) = suggestion::slip_of(name, XMPP_HANDLERS) {
            node.error(format!("unknown handler (did you mean {meant}?)"));
            return None;
        }
        node.warn(format!(
            "unknown handler{}: MongooseIM up to 6.8.0 does not have it, and starts with it only where \
             there is {}; certjid takes no users there",
            suggestion::did_you_mean(name, HANDLERS),
            if is_module_name(name) {
                "a module that is called so"
            } else {
                "an Erlang module that is called so, quotes included"
            }
        ));
    }
    for section in node.sections() {
        let section = section.weighing(Weight::Idle);
        for (key, may_be_empty) in [("host", false), ("path", true)] {
            if let Some(node) = section.require(key) {
                if may_be_empty {
                    node.string();
                } else {
                    node.non_empty();
                }
            }
        }
        match name {
            BOSH => section.finish(),
            WEBSOCKET => {
                // Components connected through it, up to 6.x.
                if name != written {
                    section.ignore(&["service"]);
                }
                section.check_below("handlers.mongoose_websocket_handler[].", HTTP);
                section.finish();
            }
            _ => {}
        }
    }
    Some(name.to_owned())
}

fn read_address(section: &Section<'_>) -> String {
    let version = section.get_idle("ip_version");
    let version = version.and_then(|node| node.number_of(&[4, 6]));
    let is_6 = version == Some(6);
    let Some(node) = section.get_idle("ip_address") else {
        return default_address(is_6).to_owned();
    };
    let Some(text) = node.string() else {
        return default_address(is_6).to_owned();
    };
    let Some(address) = parse_address(text) else {
        node.error(format!("{} is not an IP address", quote(text)));
        return text.to_owned();
    };
    if let Some(version) = version
        && address.contains(':') != is_6
    {
        node.warn(format!(
            "the address is not one of ip_version = {version}, and MongooseIM does not start with \
             both; certjid does not mind"
        ));
    }
    address
}

fn default_address(is_6: bool) -> &'static str {
    if is_6 { "::" } else { "0.0.0.0" }
}

fn parse_address(text: &str) -> Option<String> {
    match text {
        // Erlang's short form of all addresses, and MongooseIM's own default.
        "0" => Some("0.0.0.0".to_owned()),
        text => text
            .parse::<IpAddr>()
            .ok()
            .map(|address| address.to_string()),
    }
}

/// The handlers that users log in through, with their older names.
const XMPP_HANDLERS: &[&str] = &[BOSH, WEBSOCKET, "mod_bosh", "mod_websockets"];
