//! The file as a whole: its syntax, its sections, and what they say together.

use std::path::Path;

use toml::de::DeTable;

use super::auth::{self, Auth};
use super::error::{ConfigError, ConfigErrors};
use super::general::General;
use super::host_config::HostConfig;
use super::listen;
use super::log::Log;
use super::pools::{self, Pool};
use super::reader::Section;
use super::{Config, MAX_FILE, advice};

pub(super) fn parse(text: &str, file: &Path) -> Result<Config, ConfigErrors> {
    let log = Log::new(file, text.as_bytes());
    if text.len() as u64 > MAX_FILE {
        log.error(0, "", too_long());
        return Err(ConfigErrors(log.into_parts().0));
    }
    let (table, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        for error in syntax {
            let line = error.span().map_or(0, |span| log.line(span.start));
            log.error(line, "", format!("TOML: {}", error.message()));
        }
        // What follows a fault on its line is the same fault.
        let mut errors: Vec<ConfigError> = log.into_parts().0;
        errors.dedup_by_key(|error| error.line);
        return Err(ConfigErrors(errors));
    }

    let mut config = read(Section::new(&log, String::new(), 1, table.get_ref()), file);
    let (errors, warnings) = log.into_parts();
    if !errors.is_empty() {
        return Err(ConfigErrors(errors));
    }
    config.warnings = warnings;
    Ok(config)
}

pub(super) fn too_long() -> String {
    format!("the file is longer than {} MiB", MAX_FILE / 1024 / 1024)
}

fn read(root: Section<'_>, file: &Path) -> Config {
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
    let mut auth = section("auth").map_or_else(Auth::default, auth::read);
    let listeners = section("listen").map(listen::read).unwrap_or_default();
    let mut pools = section("outgoing_pools")
        .map(|section| pools::read(section, None))
        .unwrap_or_default();

    let hosts = root.get("host_config");
    let mut hosts = hosts
        .map(|node| HostConfig::read(&node, &general))
        .unwrap_or_default();
    if let Some(global) = hosts.global_auth.take() {
        auth = global;
    }
    // A pool of a host_config that names no host takes the place of the global one.
    let replaced = |pool: &Pool| {
        let same = |by: &Pool| by.scope == pool.scope && by.kind == pool.kind && by.tag == pool.tag;
        hosts.pools.iter().any(same)
    };
    pools.retain(|pool| !replaced(pool));
    pools.append(&mut hosts.pools);

    let offers_external = hosts
        .auth
        .values()
        .chain([&auth])
        .any(Auth::offers_external);
    for listener in &listeners {
        advice::on_listener(root.log, listener, offers_external);
    }

    root.ignore(NOT_READ);
    for (node, suggestion) in root.unknown() {
        node.error(format!("MongooseIM has no such section{suggestion}"));
    }
    Config {
        file: file.to_owned(),
        default_host: general.default_host,
        hosts: general.hosts,
        host_types: general.host_types,
        auth,
        host_auth: hosts.auth,
        listeners,
        pools,
        warnings: Vec::new(),
    }
}

/// MongooseIM's other sections.
const NOT_READ: &[&str] = &[
    "access",
    "acl",
    "instrumentation",
    "internal_databases",
    "modules",
    "s2s",
    "services",
    "shaper",
];
