//! The section `outgoing_pools`.

use super::*;

pub(in crate::config) const POOL_SCOPE: &[ConfigOption] = &[
    option(
        "scope",
        OneOf(&["global", "host_type", "host"]),
        Value("\"global\""),
        Used(
            "a pool of its host type takes precedence over the global one; there is one set of \
         connections for all",
        ),
    ),
    option(
        "host",
        NonEmpty,
        Unset,
        Older(
            "`host_config.outgoing_pools` where the scope is `single_host`, and nothing otherwise",
        ),
    ),
];

pub(in crate::config) const POOL: &[ConfigOption] = &[
    option(
        "workers",
        Integer(1, None),
        Value("10"),
        Used("the most connections at the same time, 1024 at the very most"),
    ),
    option(
        "strategy",
        OneOf(&[
            "best_worker",
            "random_worker",
            "next_worker",
            "available_worker",
            "next_available_worker",
        ]),
        Value("\"best_worker\""),
        Ignored("logins wait in one queue for the next free connection"),
    ),
    option(
        "call_timeout",
        Integer(1, None),
        Value("5000"),
        Used("milliseconds that a login waits for its answer, the queue included"),
    ),
    option(
        "max_worker_queue_len",
        Integer(0, None),
        Unset,
        Used("the most logins that wait, for each of `workers`; 1024 together at the very most"),
    ),
];

pub(in crate::config) const HTTP_CONNECTION: &[ConfigOption] = &[
    option(
        "host",
        Syntax {
            name: "`http://HOST:PORT` or `https://HOST:PORT`",
            good: "http://localhost:8000",
            bad: "localhost",
        },
        Required,
        Used("the service; a user name in it is refused, for there is `auth.http.basic_auth`"),
    ),
    option(
        "path_prefix",
        NonEmpty,
        Value("\"/\""),
        Used("what the path of each request begins with; `get_certs` is put behind it as it is"),
    ),
    option(
        "request_timeout",
        Integer(0, None),
        Value("2000"),
        Used("milliseconds for a request, which is sent twice where no answer comes"),
    ),
];

pub(in crate::config) const LDAP_CONNECTION: &[ConfigOption] = &[
    option(
        "servers",
        Several(&Kind::String),
        Value("[\"localhost\"]"),
        Used("tried in this order"),
    ),
    option(
        "port",
        Integer(0, Some(65535)),
        Said("389, or 636 with `tls`"),
        Used("the port of all servers"),
    ),
    option(
        "root_dn",
        Kind::String,
        Value("\"\""),
        Used("the DN to bind as; anonymous where it is empty"),
    ),
    option("rootdn", Kind::String, Unset, Older("`root_dn`")),
    option(
        "encrypt",
        OneOf(&["none", "tls"]),
        Unset,
        Older("the section `tls`"),
    ),
    option(
        "password",
        Kind::String,
        Value("\"\""),
        Used("its password"),
    ),
    option(
        "connect_interval",
        Integer(1, None),
        Value("10000"),
        Used(
            "milliseconds for which a server that failed comes after the others; it is left in \
             peace for the first 250 of them",
        ),
    ),
];

pub(in crate::config) const POOL_TLS: &[ConfigOption] = &[
    option(
        "verify_mode",
        VERIFY_MODE,
        Value("\"peer\""),
        Used(
            "how the service's certificate is checked; `selfsigned_peer` accepts what anyone can make",
        ),
    ),
    option(
        "verify_peer",
        Boolean,
        Unset,
        Older("`verify_mode`: true as it stands, false as `none`"),
    ),
    option(
        "cacertfile",
        File,
        Said("the operating system's CAs"),
        Used("the CAs that may issue the service's certificate"),
    ),
    option("cafile", File, Unset, Older("`cacertfile`")),
    option(
        "crl_files",
        List(&File),
        Value("[]"),
        Used("a service that they revoke is not asked; MongooseIM does"),
    ),
    option(
        "disconnect_on_failure",
        Boolean,
        Value("true"),
        Ignored("a service whose certificate fails is never asked"),
    ),
    option(
        "certfile",
        File,
        Unset,
        Used("the certificate to present to the service"),
    ),
    option("keyfile", File, Unset, Used("its private key")),
    option(
        "password",
        Kind::String,
        Unset,
        Used("of the key, where it is encrypted (PKCS #8)"),
    ),
    option(
        "ciphers",
        Kind::String,
        Unset,
        Ignored("rustls has none that would have to be left out"),
    ),
    option(
        "versions",
        List(&Kind::String),
        Said("TLS 1.2 and 1.3"),
        Used("`tlsv1.2` and `tlsv1.3` count"),
    ),
    option(
        "server_name_indication.enabled",
        Boolean,
        Value("true"),
        Used("whether a name is sent and checked; the chain is checked all the same"),
    ),
    option(
        "server_name_indication.host",
        NonEmpty,
        Said("the host that the pool connects to"),
        Used("the name"),
    ),
    option(
        "server_name_indication.protocol",
        OneOf(&["default", "https"]),
        Value("\"default\""),
        Used("with `https`, a wildcard in the certificate may stand for the name's first label"),
    ),
];

pub(in crate::config) const OTHER_POOLS: &[ConfigOption] = &[
    option("cassandra", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("elastic", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("rabbit", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("rdbms", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("redis", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("riak", Kind::Any, Unset, Ignored(NO_LOGIN)),
];
