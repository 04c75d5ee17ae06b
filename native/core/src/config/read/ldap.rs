//! The section `auth.ldap`.

use super::node::Node;
use super::section::Section;
use crate::config::model::ldap::{DEREFS, DnFilter, Ldap, LocalFilter, OPERATIONS, Uid};

impl Ldap {
    pub(super) fn read(section: Section<'_>) -> Self {
        let mut ldap = Self::default();
        let text = |key, into: &mut String| {
            if let Some(text) = section.get(key).and_then(|node| node.string()) {
                *into = text.to_owned();
            }
        };
        text("base", &mut ldap.base);
        text("filter", &mut ldap.filter);
        let tag = |key, into: &mut String| {
            if let Some(tag) = section.get(key).and_then(|node| node.non_empty()) {
                *into = tag.to_owned();
            }
        };
        tag("pool_tag", &mut ldap.pool_tag);
        tag("bind_pool_tag", &mut ldap.bind_pool_tag);

        let deref = section.get("deref").and_then(|node| node.one_of(DEREFS));
        ldap.deref = deref.unwrap_or_default();
        let uids = section.get("uids").and_then(|node| node.list_of(Uid::read));
        if let Some(uids) = uids {
            ldap.uids = uids;
        }
        let dn_filter = section.get("dn_filter").and_then(|node| node.section());
        ldap.dn_filter = dn_filter.and_then(DnFilter::read);
        let local_filter = section.get("local_filter").and_then(|node| node.section());
        ldap.local_filter = local_filter.and_then(LocalFilter::read);
        section.finish();
        ldap
    }
}

impl DnFilter {
    fn read(section: Section<'_>) -> Option<Self> {
        let filter = section.require("filter").and_then(|node| {
            let filter = node.string()?;
            if !is_balanced(filter) {
                node.error("the filter is not an LDAP filter: its brackets do not match");
            }
            Some(filter.to_owned())
        });
        let attributes = section
            .get("attributes")
            .and_then(|node| node.list_of(owned));
        section.finish();
        Some(Self {
            filter: filter?,
            attributes: attributes.unwrap_or_default(),
        })
    }
}

impl LocalFilter {
    fn read(section: Section<'_>) -> Option<Self> {
        let operation = section
            .require("operation")
            .and_then(|node| node.one_of(OPERATIONS));
        let attribute = section
            .require("attribute")
            .and_then(|node| node.non_empty());
        let values = section.require("values").and_then(|node| {
            let values = node.list_of(owned)?;
            if values.is_empty() {
                node.error("the list is empty");
            }
            Some(values)
        });
        section.finish();
        Some(Self {
            operation: operation?,
            attribute: attribute?.to_owned(),
            values: values?,
        })
    }
}

impl Uid {
    fn read(node: &Node<'_>) -> Option<Self> {
        let section = node.section()?;
        let attr = section.require("attr").and_then(|node| node.string());
        let format = match section.get("format") {
            Some(format) => format.string(),
            None => {
                section.warn(
                    "without `format` MongooseIM (seen in 6.8.0) fails when the method starts; \
                     certjid takes \"%u\", as the documentation says",
                );
                Some("%u")
            }
        };
        section.finish();
        Some(Self {
            attr: attr?.to_owned(),
            format: format?.to_owned(),
        })
    }
}

fn owned(node: &Node<'_>) -> Option<String> {
    node.string().map(str::to_owned)
}

/// True for `(...)` whose brackets match. The rest is the directory's to judge.
fn is_balanced(filter: &str) -> bool {
    let mut depth = 0usize;
    for c in filter.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return false,
            ')' => depth -= 1,
            _ => {}
        }
    }
    depth == 0 && filter.starts_with('(') && filter.ends_with(')')
}
