//! The section `auth.ldap`.

use super::reader::{Node, Section};

/// How a user is found in a directory: `auth.ldap`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ldap {
    /// `pool_tag`: the pool that searches. Default: `default`.
    pub pool_tag: String,
    /// `bind_pool_tag`: the pool that checks passwords, which a certificate never needs.
    /// Default: `bind`.
    pub bind_pool_tag: String,
    /// `base`: the DN below which users are. Default: empty.
    pub base: String,
    /// `deref`: whether aliases are followed. Default: `never`.
    pub deref: Deref,
    /// `filter`: what an entry must match besides the user name. Default: empty, nothing.
    pub filter: String,
    /// `uids`: where the user name stands. Default: `uid`, as it is.
    pub uids: Vec<Uid>,
    /// `dn_filter`: a second search that must find something. Default: none.
    pub dn_filter: Option<DnFilter>,
    /// `local_filter`: what an attribute of the entry must be. Default: none.
    pub local_filter: Option<LocalFilter>,
}

/// `auth.ldap.deref`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Deref {
    /// In the search and in its base.
    Always,
    /// In the base of a search.
    Finding,
    /// Not at all.
    #[default]
    Never,
    /// Below the base of a search.
    Searching,
}

/// `auth.ldap.dn_filter`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DnFilter {
    /// `filter`: with `%u` for the user, `%d` the domain, `%D` the entry's DN, `%s` the
    /// attributes in turn.
    pub filter: String,
    /// `attributes`: of the entry, one for each `%s`. Default: none.
    pub attributes: Vec<String>,
}

/// `auth.ldap.local_filter`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocalFilter {
    /// `operation`.
    pub operation: LocalOperation,
    /// `attribute`.
    pub attribute: String,
    /// `values`: one or more.
    pub values: Vec<String>,
}

/// `auth.ldap.local_filter.operation`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LocalOperation {
    /// The attribute must have the values.
    Equal,
    /// It must not.
    NotEqual,
}

/// One of `auth.ldap.uids`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Uid {
    /// `attr`: the attribute.
    pub attr: String,
    /// `format`: its value, with `%u` for the user and `%d` for the host type. Default: `%u`.
    pub format: String,
}

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

impl Default for Ldap {
    fn default() -> Self {
        Self {
            pool_tag: "default".to_owned(),
            bind_pool_tag: "bind".to_owned(),
            base: String::new(),
            deref: Deref::Never,
            filter: String::new(),
            uids: vec![Uid {
                attr: "uid".to_owned(),
                format: "%u".to_owned(),
            }],
            dn_filter: None,
            local_filter: None,
        }
    }
}

impl DnFilter {
    fn read(section: Section<'_>) -> Option<Self> {
        let filter = section.require("filter").and_then(|node| {
            let filter = node.string()?;
            if !is_balanced(filter) {
                node.error("the filter is no LDAP filter: its brackets do not match");
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

const DEREFS: &[(&str, Deref)] = &[
    ("never", Deref::Never),
    ("always", Deref::Always),
    ("finding", Deref::Finding),
    ("searching", Deref::Searching),
];

const OPERATIONS: &[(&str, LocalOperation)] = &[
    ("equal", LocalOperation::Equal),
    ("notequal", LocalOperation::NotEqual),
];
