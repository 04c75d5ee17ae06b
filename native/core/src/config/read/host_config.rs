//! `[[host_config]]`: what differs for one host or host type.

use alloc::collections::{BTreeMap, BTreeSet};

use super::auth;
use super::general::{self, General};
use super::node::Node;
use super::section::{Section, Weight};
use crate::config::model::{Auth, PoolScope};
use crate::config::options::HOST_CONFIG;
use crate::message::quote;

/// What all entries say together.
#[derive(Default)]
pub(super) struct HostConfig<'a> {
    /// `auth` by host or host type.
    pub(super) auth: BTreeMap<String, Auth>,
    /// `auth` of an entry that names no host.
    pub(super) global_auth: Option<Auth>,
    /// `outgoing_pools`, to be read once all of `auth` is, each with whom it is for.
    pub(super) pools: Vec<(Section<'a>, PoolScope)>,
}

impl<'a> HostConfig<'a> {
    pub(super) fn read(node: &Node<'a>, general: &General) -> Self {
        let known: BTreeSet<&str> = general
            .hosts
            .iter()
            .chain(&general.host_types)
            .map(String::as_str)
            .collect();
        let mut all = Self::default();
        for section in node.sections() {
            all.add(section.weighing(Weight::Decides), &known);
        }
        all
    }

    fn add(&mut self, section: Section<'a>, known: &BTreeSet<&str>) {
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
            .and_then(|node| node.section())
            .map(|pools| (pools, scope));
        if let Some(node) = section.get("general")
            && let Some(general) = node.section()
        {
            general::check_host_config(general);
        }
        section.check(HOST_CONFIG);

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
            // The name is not a usable string, which is an error already.
            (_, _) => {}
        }
        section.finish();
    }
}
