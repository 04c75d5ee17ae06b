//! The section `general`.

use alloc::collections::BTreeSet;

use super::node::Node;
use super::section::{Section, Weight};
use crate::config::options::{GENERAL, HOST_CONFIG};
use crate::jid::{self, JidError, Part};
use crate::message::quote;

/// What certjid needs of the section.
#[derive(Default)]
pub(super) struct General {
    pub(super) default_host: Option<String>,
    pub(super) hosts: Vec<String>,
    pub(super) host_types: Vec<String>,
}

impl General {
    pub(super) fn read(section: Section<'_>) -> Self {
        let section = section.weighing(Weight::Mixed);
        let default = section.get("default_server_domain");
        if default.is_none() {
            section.warn(
                "MongooseIM since 5.0.0 does not start without default_server_domain; certjid \
                 needs none",
            );
        }
        let default_host = default.and_then(|node| domain(&node));

        let hosts = section.get("hosts");
        let hosts = hosts
            .and_then(|node| node.unique(domain))
            .unwrap_or_default();
        let types = section.get("host_types");
        let host_types = types
            .as_ref()
            .and_then(|node| node.unique(name))
            .unwrap_or_default();
        // Names that have a fault are names all the same.
        let named = ["hosts", "host_types"].map(|key| section.peek(key));
        if !named.iter().flatten().any(Node::is_filled) {
            section.error("hosts and host_types are both empty, so that nobody can log in");
        }
        let known: BTreeSet<_> = hosts.iter().collect();
        if let Some(both) = host_types
            .iter()
            .find(|host_type| known.contains(host_type))
            && let Some(node) = types
        {
            node.error(format!("{} is both a host and a host type", quote(both)));
        }

        section.check(GENERAL);
        section.finish();
        Self {
            default_host,
            hosts,
            host_types,
        }
    }
}

/// Checks `host_config.general`, where only what each host type has of its own is allowed.
pub(super) fn check_host_config(section: Section<'_>) {
    section.check_below("general.", HOST_CONFIG);
    for (name, node) in section.entries() {
        if section.is_known(name) {
            continue;
        }
        node.error(if GENERAL.iter().any(|option| option.key == name) {
            "not allowed in host_config: MongooseIM reads it in the section general alone"
        } else {
            "unknown option"
        });
    }
}

/// A host as MongooseIM prepares it when it reads the file, by nodeprep, and then as it compares
/// it with the `to` of a stream, by nameprep.
fn domain(node: &Node<'_>) -> Option<String> {
    let text = node.non_empty()?;
    let prepared = jid::nodeprep(text).and_then(|_| jid::nameprep(text));
    match prepared.map_err(of_domain) {
        Ok(prepared) if prepared.is_empty() => {
            node.error(format!("{} is empty once prepared", quote(text)));
            None
        }
        Ok(prepared) => Some(prepared),
        Err(error) => {
            node.error(format!("{} is not a domain: {error}", quote(text)));
            None
        }
    }
}

/// The fault that nodeprep finds in a domain.
fn of_domain(error: JidError) -> JidError {
    match error {
        JidError::Bidirectional(_) => JidError::Bidirectional(Part::Domain),
        JidError::Prohibited(_, c) => JidError::Prohibited(Part::Domain, c),
        JidError::TooLong(_, length) => JidError::TooLong(Part::Domain, length),
        JidError::TooLongPrepared(_) => JidError::TooLongPrepared(Part::Domain),
        JidError::Unassigned(_, c) => JidError::Unassigned(Part::Domain, c),
        error => error,
    }
}

fn name(node: &Node<'_>) -> Option<String> {
    node.non_empty().map(str::to_owned)
}
