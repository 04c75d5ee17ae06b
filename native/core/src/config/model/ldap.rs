//! How a user is found in a directory.

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

pub(crate) const DEREFS: &[(&str, Deref)] = &[
    ("never", Deref::Never),
    ("always", Deref::Always),
    ("finding", Deref::Finding),
    ("searching", Deref::Searching),
];

pub(crate) const OPERATIONS: &[(&str, LocalOperation)] = &[
    ("equal", LocalOperation::Equal),
    ("notequal", LocalOperation::NotEqual),
];
