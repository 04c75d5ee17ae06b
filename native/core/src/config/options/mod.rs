//! Every option that is read, as a table: what docs/configuration.md is made of, and what the
//! tests hold the readers to.

mod auth;
mod general;
mod listen;
mod pools;

/// Options that stand together, under one or several sections.
#[derive(Debug)]
pub struct Group {
    /// The sections that have these options. `[]` stands for an entry of a list of tables, `TAG`
    /// for the name of a pool.
    pub sections: &'static [&'static str],
    /// The options, in the order of the documentation.
    pub options: &'static [ConfigOption],
}

/// One option of mongooseim.toml.
#[derive(Debug)]
pub struct ConfigOption {
    /// Its path within the section.
    pub key: &'static str,
    /// What values it may have.
    pub kind: Kind,
    /// What counts where it is absent.
    pub default: Absent,
    /// What certjid does with it.
    pub effect: Effect,
}

/// The values of an option.
#[derive(Debug)]
pub enum Kind {
    /// Whatever it is: nothing is checked.
    Any,
    /// `true` or `false`.
    Boolean,
    /// The name of a file that exists.
    File,
    /// An integer in a range; without an upper bound where that is None.
    Integer(u64, Option<u64>),
    /// An integer of at least so much, or `"infinity"`.
    IntegerOrInfinity(u64),
    /// A list.
    List(&'static Self),
    /// A string that is not empty.
    NonEmpty,
    /// One of these numbers.
    Number(&'static [u64]),
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A list with one element or more, each once.
    Several(&'static Self),
    /// Any string.
    String,
    /// A string of a form of its own.
    Syntax {
        /// What it is.
        name: &'static str,
        /// One that is accepted.
        good: &'static str,
        /// One that is refused.
        bad: &'static str,
    },
    /// A table whose contents are not read.
    Table,
    /// A list whose elements differ.
    Unique(&'static Self),
}

/// What an option means where it is absent.
#[derive(Debug)]
pub enum Absent {
    /// Something that a sentence has to say.
    Said(&'static str),
    /// It must be there.
    Required,
    /// Nothing.
    Unset,
    /// The same as this TOML value.
    Value(&'static str),
}

/// What certjid does with an option.
#[derive(Debug)]
pub enum Effect {
    /// Checked, and then left alone, for this reason.
    Ignored(&'static str),
    /// Read by these releases of MongooseIM alone: ignored, with a warning.
    Leftover(&'static str),
    /// A spelling of the documentation, or of a release; what it is read as. There is a warning.
    Older(&'static str),
    /// Decides logins.
    Used(&'static str),
}

pub(super) use auth::{AUTH, AUTH_LDAP};
pub(super) use general::{GENERAL, HOST_CONFIG, OTHER_SECTIONS};
pub(super) use listen::{C2S, C2S_TLS, HTTP, LISTENER, LISTENER_TLS, OTHER_LISTENERS};
pub(super) use pools::{HTTP_CONNECTION, LDAP_CONNECTION, OTHER_POOLS, POOL, POOL_SCOPE, POOL_TLS};

use Absent::{Required, Said, Unset, Value};
use Effect::{Ignored, Leftover, Older, Used};
use Kind::{
    Boolean, File, Integer, IntegerOrInfinity, List, NonEmpty, OneOf, Several, Syntax, Table,
    Unique,
};

const fn option(key: &'static str, kind: Kind, default: Absent, effect: Effect) -> ConfigOption {
    ConfigOption {
        key,
        kind,
        default,
        effect,
    }
}

const fn leftover(key: &'static str, releases: &'static str) -> ConfigOption {
    option(key, Kind::Any, Unset, Leftover(releases))
}

/// All of them, section by section.
pub const GROUPS: &[Group] = &[
    Group {
        sections: &["general"],
        options: GENERAL,
    },
    Group {
        sections: &["host_config[]"],
        options: HOST_CONFIG,
    },
    Group {
        sections: &["auth", "host_config[].auth"],
        options: AUTH,
    },
    Group {
        sections: &["auth.ldap", "host_config[].auth.ldap"],
        options: AUTH_LDAP,
    },
    Group {
        sections: &["listen.c2s[]", "listen.http[]"],
        options: LISTENER,
    },
    Group {
        sections: &["listen.c2s[]"],
        options: C2S,
    },
    Group {
        sections: &["listen.http[]"],
        options: HTTP,
    },
    Group {
        sections: &["listen.c2s[].tls", "listen.http[].tls"],
        options: LISTENER_TLS,
    },
    Group {
        sections: &["listen.c2s[].tls"],
        options: C2S_TLS,
    },
    Group {
        sections: &["outgoing_pools.http.TAG", "outgoing_pools.ldap.TAG"],
        options: POOL_SCOPE,
    },
    Group {
        sections: &[
            "outgoing_pools.http.TAG",
            "outgoing_pools.ldap.TAG",
            "host_config[].outgoing_pools.http.TAG",
            "host_config[].outgoing_pools.ldap.TAG",
        ],
        options: POOL,
    },
    Group {
        sections: &[
            "outgoing_pools.http.TAG.connection",
            "host_config[].outgoing_pools.http.TAG.connection",
        ],
        options: HTTP_CONNECTION,
    },
    Group {
        sections: &[
            "outgoing_pools.ldap.TAG.connection",
            "host_config[].outgoing_pools.ldap.TAG.connection",
        ],
        options: LDAP_CONNECTION,
    },
    Group {
        sections: &[
            "outgoing_pools.http.TAG.connection.tls",
            "outgoing_pools.ldap.TAG.connection.tls",
            "host_config[].outgoing_pools.http.TAG.connection.tls",
            "host_config[].outgoing_pools.ldap.TAG.connection.tls",
        ],
        options: POOL_TLS,
    },
    Group {
        sections: &["outgoing_pools", "host_config[].outgoing_pools"],
        options: OTHER_POOLS,
    },
    Group {
        sections: &["listen"],
        options: OTHER_LISTENERS,
    },
    Group {
        sections: &[""],
        options: OTHER_SECTIONS,
    },
];

const VERIFY_MODE: Kind = OneOf(&["peer", "selfsigned_peer", "none"]);

const NO_LOGIN: &str = "it decides no login by certificate";

#[cfg(test)]
mod tests;
