//! The section `auth`.

use super::*;
use crate::config::model::auth::{MECHANISMS, METHODS};

pub(in crate::config) const AUTH: &[ConfigOption] = &[
    option(
        "methods",
        List(&METHOD),
        Said("those that have a section, in alphabetical order"),
        Used("`pki`, `http` and `ldap` are asked in this order, and the others skipped"),
    ),
    option("method", List(&METHOD), Unset, Older("`methods`")),
    option(
        "sasl_mechanisms",
        List(&OneOf(&MECHANISMS)),
        Said("all of these but `external` and `digest`"),
        Used("EXTERNAL is offered and accepted only with `external`; other names are warned of"),
    ),
    option(
        "sasl_external",
        List(&Syntax {
            name: "`standard`, `common_name`, `auth_id`, `certjid_verification`, \
                   `cyrsasl_external_verification` or a module's name",
            good: "common_name",
            bad: "No Module",
        }),
        Value("[\"standard\"]"),
        Used("how a certificate becomes a user name, in this order; other modules need Erlang"),
    ),
    option(
        "sasl_external_common_name.prefix",
        AFFIX,
        Value("\"\""),
        Used("put before a common name"),
    ),
    option(
        "sasl_external_common_name.suffix",
        AFFIX,
        Value("\"\""),
        Used("put behind a common name"),
    ),
    option(
        "max_users_per_domain",
        IntegerOrInfinity(1),
        Value("\"infinity\""),
        Ignored(NO_LOGIN),
    ),
    option(
        "password.format",
        OneOf(&["scram", "plain"]),
        Value("\"scram\""),
        Ignored(NO_PASSWORD),
    ),
    option(
        "password.hash",
        Several(&OneOf(&["sha", "sha224", "sha256", "sha384", "sha512"])),
        Said("all"),
        Ignored(NO_PASSWORD),
    ),
    option(
        "password.scram_iterations",
        Integer(1, None),
        Value("10000"),
        Ignored(NO_PASSWORD),
    ),
    option(
        "http.basic_auth",
        Kind::String,
        Unset,
        Used("`user:password` for the HTTP service, sent as basic authentication"),
    ),
    option(
        "pki",
        Table,
        Unset,
        Used("the method pki; the table is empty"),
    ),
    option("anonymous", Table, Unset, Ignored(NO_CERTIFICATE)),
    option("dummy", Table, Unset, Ignored(NO_CERTIFICATE)),
    option("external", Table, Unset, Ignored(NO_CERTIFICATE)),
    option("internal", Table, Unset, Ignored(NO_CERTIFICATE)),
    option("jwt", Table, Unset, Ignored(NO_CERTIFICATE)),
    option("rdbms", Table, Unset, Ignored(NO_CERTIFICATE)),
    leftover("riak", "4.0.0 to 6.1.x"),
    leftover("scram_iterations", "4.0.0 to 5.0.x"),
];

pub(in crate::config) const AUTH_LDAP: &[ConfigOption] = &[
    option(
        "pool_tag",
        NonEmpty,
        Value("\"default\""),
        Used("the pool that is searched"),
    ),
    option(
        "bind_pool_tag",
        NonEmpty,
        Value("\"bind\""),
        Ignored(NO_PASSWORD),
    ),
    option(
        "base",
        Kind::String,
        Value("\"\""),
        Used("the base of each search, whose scope is the whole subtree"),
    ),
    option(
        "deref",
        OneOf(&["never", "always", "finding", "searching"]),
        Value("\"never\""),
        Used("derefAliases of each search"),
    ),
    option(
        "filter",
        Kind::String,
        Value("\"\""),
        Used("must match too; `%u` is the user, `%d` the host type"),
    ),
    option(
        "uids[].attr",
        Kind::String,
        Required,
        Used("the attribute that holds the user; `uid` without `uids`"),
    ),
    option(
        "uids[].format",
        Kind::String,
        Value("\"%u\""),
        Used("its value; `%u` is the user, `%d` the host type"),
    ),
    option(
        "dn_filter.filter",
        Syntax {
            name: "an LDAP filter",
            good: "(owner=%D)",
            bad: "(owner=%D",
        },
        Required,
        Used(
            "a second search that must find an entry; `%u` user, `%d` domain, `%D` DN, `%s` the attributes in turn",
        ),
    ),
    option(
        "dn_filter.attributes",
        List(&Kind::String),
        Value("[]"),
        Used("what each `%s` stands for"),
    ),
    option(
        "local_filter.operation",
        OneOf(&["equal", "notequal"]),
        Required,
        Used("whether the attribute must have these values, or must not"),
    ),
    option(
        "local_filter.attribute",
        NonEmpty,
        Required,
        Used("the attribute of the user's entry"),
    ),
    option(
        "local_filter.values",
        Several(&Kind::String),
        Required,
        Used("all of its values, in any order"),
    ),
];

pub(in crate::config) const METHOD: Kind = OneOf(METHODS);

const AFFIX: Kind = Syntax {
    name: "part of a user name",
    good: "device-",
    bad: "a@b",
};

const NO_PASSWORD: &str = "a certificate needs no password";

const NO_CERTIFICATE: &str = "the method can't judge a certificate";
