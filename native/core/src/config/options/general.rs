//! The sections `general` and `host_config`, and those that decide no login.

use super::*;
use crate::config::general::LOG_LEVELS;

pub(super) const GENERAL: &[ConfigOption] = &[
    option(
        "default_server_domain",
        DOMAIN,
        Required,
        Ignored("a login names its host"),
    ),
    option(
        "hosts",
        Unique(&DOMAIN),
        Value("[]"),
        Used("the static domains; `hosts` and `host_types` together must name one or more"),
    ),
    option(
        "host_types",
        Unique(&NonEmpty),
        Value("[]"),
        Used("the names that a request may give as its `host_type`, for dynamic domains"),
    ),
    option(
        "loglevel",
        OneOf(&LOG_LEVELS),
        Value("\"warning\""),
        Ignored("the sidecar has `--log-level`"),
    ),
    option("language", NonEmpty, Value("\"en\""), Ignored(NO_LOGIN)),
    option(
        "hide_service_name",
        Boolean,
        Value("false"),
        Ignored(NO_LOGIN),
    ),
    option("http_server_name", Kind::String, Unset, Ignored(NO_LOGIN)),
    option(
        "registration_timeout",
        IntegerOrInfinity(1),
        Value("600"),
        Ignored(NO_LOGIN),
    ),
    option(
        "component_backend",
        NonEmpty,
        Value("\"mnesia\""),
        Ignored(NO_LOGIN),
    ),
    option(
        "s2s_backend",
        NonEmpty,
        Value("\"mnesia\""),
        Ignored(NO_LOGIN),
    ),
    option(
        "sm_backend",
        NonEmpty,
        Value("\"mnesia\""),
        Ignored(NO_LOGIN),
    ),
    option(
        "routing_modules",
        List(&Kind::String),
        Said("MongooseIM's own"),
        Ignored(NO_LOGIN),
    ),
    option(
        "replaced_wait_timeout",
        Integer(1, None),
        Value("2000"),
        Ignored(NO_LOGIN),
    ),
    option(
        "route_subdomains",
        OneOf(&["s2s"]),
        Unset,
        Ignored(NO_LOGIN),
    ),
    option("all_metrics_are_global", Kind::Any, Unset, Ignored(OLD)),
    option("domain_certfile", Kind::Any, Unset, Ignored(OLD)),
    option("max_fsm_queue", Kind::Any, Unset, Ignored(OLD)),
    option(
        "mongooseimctl_access_commands",
        Kind::Any,
        Unset,
        Ignored(OLD),
    ),
    option("override", Kind::Any, Unset, Ignored(OLD)),
    option(
        "pgsql_users_number_estimate",
        Kind::Any,
        Unset,
        Ignored(OLD),
    ),
    option("rdbms_server_type", Kind::Any, Unset, Ignored(OLD)),
];

pub(super) const HOST_CONFIG: &[ConfigOption] = &[
    option(
        "host",
        NonEmpty,
        Unset,
        Used(
            "the static domain that the entry is for; one that `general` does not name is dropped",
        ),
    ),
    option(
        "host_type",
        NonEmpty,
        Unset,
        Used(
            "the host type that the entry is for; goes before `host`. An entry with neither is global",
        ),
    ),
    option(
        "general.replaced_wait_timeout",
        Integer(1, None),
        Unset,
        Ignored(NO_LOGIN),
    ),
    option(
        "general.route_subdomains",
        OneOf(&["s2s"]),
        Unset,
        Ignored(NO_LOGIN),
    ),
    option("access", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("acl", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("modules", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("s2s", Kind::Any, Unset, Ignored(NO_LOGIN)),
];

pub(super) const OTHER_SECTIONS: &[ConfigOption] = &[
    option("access", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("acl", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("instrumentation", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("internal_databases", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("modules", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("s2s", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("services", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("shaper", Kind::Any, Unset, Ignored(NO_LOGIN)),
];

const DOMAIN: Kind = Syntax {
    name: "a domain",
    good: "example.org",
    bad: "",
};

const OLD: &str = "only older releases have it";
