//! `[[host_config]]`: what differs for one host or host type.

use alloc::collections::{BTreeMap, BTreeSet};

use super::auth::{self, Auth};
use super::general::{self, General};
use super::pools::{self, Pool, PoolScope};
use super::reader::{Node, Section, quote};

/// What all entries say together.
#[derive(Default)]
pub(super) struct HostConfig {
    /// `auth` by host or host type.
    pub(super) auth: BTreeMap<String, Auth>,
    /// `auth` of an entry that names no host.
    pub(super) global_auth: Option<Auth>,
    pub(super) pools: Vec<Pool>,
}

impl HostConfig {
    pub(super) fn read(node: &Node<'_>, general: &General) -> Self {
        let known: BTreeSet<&str> = general
            .hosts
            .iter()
            .chain(&general.host_types)
            .map(String::as_str)
            .collect();
        let mut all = Self::default();
        for section in node.sections() {
            all.add(section, &known);
        }
        all
    }

    fn add(&mut self, section: Section<'_>, known: &BTreeSet<&str>) {
        let names = [section.get("host_type"), section.get("host")];
        let mut names = names.iter().flatten();
        let named = names.next();
        names.for_each(|node| {
            node.non_empty();
        });
        let name = named.and_then(Node::non_empty);

        let auth = section.get("auth");
        let auth = auth.and_then(|node| node.section()).map(auth::read);
        let scope = name.map_or(PoolScope::Global, |name| PoolScope::Only(name.to_owned()));
        let pools = section
            .get("outgoing_pools")
            .and_then(|node| node.section());
        let pools = pools
            .map(|pools| pools::read(pools, Some(scope)))
            .unwrap_or_default();
        if let Some(node) = section.get("general")
            && let Some(general) = node.section()
        {
            general::check_host_config(general);
        }
        section.ignore(&["access", "acl", "modules", "s2s"]);

        match (name, named) {
            (None, None) => {
                section.warn(
                    "this entry names neither host nor host_type: MongooseIM (seen in 6.8.0) takes \
                     it for global, so that it overrides the global sections for every host; \
                     certjid does the same",
                );
                if auth.is_some() {
                    self.global_auth = auth;
                }
                self.pools.extend(pools);
            }
            (Some(name), Some(node)) if !known.contains(name) => node.warn(format!(
                "general names neither a host nor a host type {}: MongooseIM (seen in 6.8.0) drops \
                 such an entry without a word, and so does certjid",
                quote(name)
            )),
            (Some(name), Some(node)) => {
                if let Some(auth) = auth
                    && self.auth.insert(name.to_owned(), auth).is_some()
                {
                    node.warn(format!(
                        "{} has an earlier host_config with an auth section: the later one counts, \
                         in MongooseIM (seen in 6.8.0) and here",
                        quote(name)
                    ));
                }
                self.pools.extend(pools);
            }
            // The name is no usable string, which is an error already.
            (_, _) => {}
        }
        section.finish();
    }
}
