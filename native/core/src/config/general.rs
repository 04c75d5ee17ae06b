//! The section `general`.

use alloc::collections::BTreeSet;

use super::reader::{MAX_INTEGER, Node, Section, quote};
use crate::jid;

/// What certjid needs of the section.
#[derive(Default)]
pub(super) struct General {
    pub(super) default_host: String,
    pub(super) hosts: Vec<String>,
    pub(super) host_types: Vec<String>,
}

impl General {
    pub(super) fn read(section: Section<'_>) -> Self {
        let default = section.require("default_server_domain");
        let default_host = default.and_then(|node| domain(&node)).unwrap_or_default();

        let hosts = section.get("hosts");
        let hosts = hosts
            .and_then(|node| node.unique(domain))
            .unwrap_or_default();
        let types = section.get("host_types");
        let host_types = types
            .as_ref()
            .and_then(|node| node.unique(name))
            .unwrap_or_default();
        if hosts.is_empty() && host_types.is_empty() {
            section.error("neither hosts nor host_types names any: there is nobody to log in");
        }
        let known: BTreeSet<_> = hosts.iter().collect();
        if let Some(both) = host_types
            .iter()
            .find(|host_type| known.contains(host_type))
            && let Some(node) = types
        {
            node.error(format!("{} is both a host and a host type", quote(both)));
        }

        check_others(section);
        Self {
            default_host,
            hosts,
            host_types,
        }
    }
}

/// Checks `host_config.general`, where only what each host type has of its own is allowed.
pub(super) fn check_host_config(section: Section<'_>) {
    check_per_host_type(&section);
    for (node, _) in section.unknown() {
        node.error(format!(
            "not allowed in host_config: only {} are",
            PER_HOST_TYPE.join(" and ")
        ));
    }
}

fn check_others(section: Section<'_>) {
    if let Some(node) = section.get("loglevel") {
        node.one_of(&LOG_LEVELS.map(|level| (level, ())));
    }
    for key in ["component_backend", "language", "s2s_backend", "sm_backend"] {
        if let Some(node) = section.get(key) {
            node.non_empty();
        }
    }
    if let Some(node) = section.get("hide_service_name") {
        node.boolean();
    }
    if let Some(node) = section.get("http_server_name") {
        node.string();
    }
    if let Some(node) = section.get("registration_timeout") {
        node.integer_or_infinity(1);
    }
    if let Some(node) = section.get("routing_modules") {
        node.list_of(Node::string);
    }
    check_per_host_type(&section);
    section.ignore(OF_OLDER_RELEASES);
    for (node, suggestion) in section.unknown() {
        node.warn(format!(
            "MongooseIM documents no such option and does not start with it{suggestion}; certjid \
             ignores it"
        ));
    }
}

fn check_per_host_type(section: &Section<'_>) {
    if let Some(node) = section.get(PER_HOST_TYPE[0]) {
        node.integer(1..=MAX_INTEGER);
    }
    if let Some(node) = section.get(PER_HOST_TYPE[1]) {
        node.one_of(&[("s2s", ())]);
    }
}

fn domain(node: &Node<'_>) -> Option<String> {
    let text = node.non_empty()?;
    match jid::nameprep(text) {
        Ok(prepared) if prepared.is_empty() => {
            node.error(format!("{} is empty once prepared", quote(text)));
            None
        }
        Ok(prepared) => Some(prepared),
        Err(error) => {
            node.error(format!("{} is no domain: {error}", quote(text)));
            None
        }
    }
}

fn name(node: &Node<'_>) -> Option<String> {
    node.non_empty().map(str::to_owned)
}

const PER_HOST_TYPE: [&str; 2] = ["replaced_wait_timeout", "route_subdomains"];

/// Options that releases from 4.0.0 on read and later ones removed.
const OF_OLDER_RELEASES: &[&str] = &[
    "all_metrics_are_global",
    "domain_certfile",
    "max_fsm_queue",
    "mongooseimctl_access_commands",
    "override",
    "pgsql_users_number_estimate",
    "rdbms_server_type",
];

pub(super) const LOG_LEVELS: [&str; 10] = [
    "none",
    "emergency",
    "alert",
    "critical",
    "error",
    "warning",
    "notice",
    "info",
    "debug",
    "all",
];
