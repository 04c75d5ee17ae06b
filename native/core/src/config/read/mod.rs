//! The file as a whole: its syntax, its sections, and what they say together.

use std::path::Path;

use toml::de::DeTable;

use super::error::{ConfigError, Warning};
use super::model::{Auth, Config, Pool};
use super::options::OTHER_SECTIONS;
use super::places::Places;

mod auth;
mod check;
mod general;
mod host_config;
mod ldap;
mod listen;
mod log;
mod node;
mod pools;
mod section;
mod tls;

use general::General;
use host_config::HostConfig;
use log::Log;
pub(crate) use log::MAX_FAULTS;
#[cfg(test)]
pub(super) use node::without_indexes;
#[cfg(test)]
pub(super) use section::KNOWN;
use section::{Section, Weight};

/// What was read of a text.
pub(super) struct Reading {
    /// What the file says, where its syntax has no fault. An option with a fault is absent.
    pub(super) config: Option<(Config, Places)>,
    pub(super) faults: Vec<ConfigError>,
    pub(super) warnings: Vec<Warning>,
}

pub(super) fn read(text: &str, file: &Path) -> Reading {
    let log = Log::new(file, text.as_bytes());
    let (table, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        for error in syntax {
            let line = error.span().map_or(0, |span| log.line(span.start));
            log.error(line, "", format!("TOML: {}", error.message()));
        }
        let (mut faults, warnings, _) = log.into_parts();
        // What follows a fault on its line is the same fault.
        faults.sort_by_key(|fault| fault.line);
        faults.dedup_by_key(|fault| fault.line);
        return Reading {
            config: None,
            faults,
            warnings,
        };
    }
    let config = read_root(Section::new(&log, String::new(), 1, table.get_ref()), file);
    let (faults, warnings, places) = log.into_parts();
    Reading {
        config: Some((config, places)),
        faults,
        warnings,
    }
}

fn read_root(root: Section<'_>, file: &Path) -> Config {
    let root = root.weighing(Weight::Mixed);
    let section = |key| root.get(key).and_then(|node| node.section());
    let general = match root.get("general") {
        Some(node) => node.section().map(General::read),
        None => {
            root.log
                .error(0, "general", "the section [general] is missing");
            None
        }
    };
    let general = general.unwrap_or_default();
    let auth = section("auth").map(|section| auth::read(section.weighing(Weight::Decides)));
    let mut auth = auth.unwrap_or_default();
    let hosts = root.get("host_config");
    let mut hosts = hosts
        .map(|node| HostConfig::read(&node, &general))
        .unwrap_or_default();
    if let Some(global) = hosts.global_auth.take() {
        auth = global;
    }
    let (host_auth, own) = (hosts.auth, hosts.pools);
    let auths: Vec<&Auth> = host_auth.values().chain([&auth]).collect();

    let listeners = section("listen").map(|section| listen::read(section, &auths));
    let pools = section("outgoing_pools").map(|section| pools::read(section, None, &auths));
    let own = own
        .into_iter()
        .flat_map(|(section, scope)| pools::read(section, Some(&scope), &auths));
    let pools = joined(pools.unwrap_or_default(), own.collect());

    root.check(OTHER_SECTIONS);
    root.finish();
    Config {
        file: file.to_owned(),
        default_host: general.default_host,
        hosts: general.hosts,
        host_types: general.host_types,
        auth,
        host_auth,
        listeners: listeners.unwrap_or_default(),
        pools,
        warnings: Vec::new(),
    }
}

/// A pool of a host_config that names no host takes the place of the global one.
fn joined(global: Vec<Pool>, own: Vec<Pool>) -> Vec<Pool> {
    let is_replaced = |pool: &Pool| {
        let same = |by: &Pool| by.scope == pool.scope && by.kind == pool.kind && by.tag == pool.tag;
        own.iter().any(same)
    };
    let mut pools = global;
    pools.retain(|pool| !is_replaced(pool));
    pools.extend(own);
    pools
}
