//! The sections `general` and `host_config`, and those that decide no login.

use super::*;

pub(in crate::config) const GENERAL: &[ConfigOption] = &[
    option(
        "default_server_domain",
        DOMAIN,
        Said("none; MongooseIM since 5.0.0 does not start without"),
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
        OneOf(&[
            "none",
            "emergency",
            "alert",
            "critical",
            "error",
            "warning",
            "notice",
            "info",
            "debug",
            "all",
        ]),
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
    leftover("all_metrics_are_global", "4.0.0 to 6.2.x"),
    leftover("domain_certfile", "4.0.0 to 6.3.x"),
    leftover("max_fsm_queue", "4.0.0 to 6.3.x"),
    leftover("mongooseimctl_access_commands", "4.0.0 to 6.1.x"),
    leftover("override", "4.0.0 to 5.0.x"),
    leftover("pgsql_users_number_estimate", "4.0.0 to 4.1.x"),
    leftover("rdbms_server_type", "4.0.0 to 6.5.x"),
];

pub(in crate::config) const HOST_CONFIG: &[ConfigOption] = &[
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
            "the host type that the entry is for; it takes precedence over `host`. An entry with neither is global",
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

pub(in crate::config) const OTHER_SECTIONS: &[ConfigOption] = &[
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
