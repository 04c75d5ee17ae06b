//! The section `listen`.

use super::auth::METHOD;
use super::*;

pub(in crate::config) const LISTENER: &[ConfigOption] = &[
    option(
        "port",
        Integer(0, Some(65535)),
        Required,
        Used("a request may name its listener by it"),
    ),
    option(
        "ip_address",
        Syntax {
            name: "an IP address",
            good: "127.0.0.1",
            bad: "localhost",
        },
        Said("all addresses"),
        Ignored("no two listeners may have one address and port"),
    ),
    option(
        "ip_version",
        Kind::Number(&[4, 6]),
        Value("4"),
        Ignored("it decides the default of `ip_address`"),
    ),
    option("proto", OneOf(&["tcp"]), Value("\"tcp\""), Ignored(SERVER)),
    option(
        "hibernate_after",
        IntegerOrInfinity(0),
        Value("0"),
        Ignored(SERVER),
    ),
];

pub(in crate::config) const C2S: &[ConfigOption] = &[
    option(
        "allowed_auth_methods",
        Unique(&METHOD),
        Said("all of `auth.methods`"),
        Used("those of `auth.methods` that are asked here"),
    ),
    option("access", NonEmpty, Value("\"all\""), Ignored(SERVER)),
    option("shaper", NonEmpty, Value("\"none\""), Ignored(SERVER)),
    option("backlog", Integer(0, None), Value("1024"), Ignored(SERVER)),
    option(
        "max_connections",
        IntegerOrInfinity(1),
        Value("\"infinity\""),
        Ignored(SERVER),
    ),
    option(
        "max_stanza_size",
        IntegerOrInfinity(1),
        Value("\"infinity\""),
        Ignored(SERVER),
    ),
    option(
        "num_acceptors",
        Integer(1, None),
        Value("100"),
        Ignored(SERVER),
    ),
    option("proxy_protocol", Boolean, Value("false"), Ignored(SERVER)),
    option("reuse_port", Boolean, Value("false"), Ignored(SERVER)),
    option(
        "state_timeout",
        IntegerOrInfinity(0),
        Value("5000"),
        Ignored(SERVER),
    ),
    option(
        "backwards_compatible_session",
        Boolean,
        Value("true"),
        Ignored(SERVER),
    ),
    leftover("max_fsm_queue", "4.0.0 to 6.0.x"),
    leftover("xml_socket", "4.0.0 to 5.0.x"),
    leftover("zlib", "4.0.0 to 6.0.x"),
];

pub(in crate::config) const HTTP: &[ConfigOption] = &[
    option(
        "transport.num_acceptors",
        Integer(1, None),
        Value("100"),
        Ignored(SERVER),
    ),
    option(
        "transport.max_connections",
        IntegerOrInfinity(0),
        Value("1024"),
        Ignored(SERVER),
    ),
    option(
        "protocol.compress",
        Boolean,
        Value("false"),
        Ignored(SERVER),
    ),
    option(
        "handlers.mongoose_bosh_handler[].host",
        NonEmpty,
        Required,
        Ignored(SERVER),
    ),
    option(
        "handlers.mongoose_bosh_handler[].path",
        Kind::String,
        Required,
        Ignored(SERVER),
    ),
    option(
        "handlers.mongoose_websocket_handler[].host",
        NonEmpty,
        Required,
        Ignored(SERVER),
    ),
    option(
        "handlers.mongoose_websocket_handler[].path",
        Kind::String,
        Required,
        Ignored(SERVER),
    ),
    option(
        "handlers.mongoose_websocket_handler[].timeout",
        IntegerOrInfinity(0),
        Value("60000"),
        Ignored(SERVER),
    ),
    option(
        "handlers.mongoose_websocket_handler[].ping_rate",
        Integer(1, None),
        Unset,
        Ignored(SERVER),
    ),
    option(
        "handlers.mongoose_websocket_handler[].max_stanza_size",
        IntegerOrInfinity(1),
        Value("\"infinity\""),
        Ignored(SERVER),
    ),
    option(
        "handlers.mongoose_websocket_handler[].state_timeout",
        IntegerOrInfinity(0),
        Value("5000"),
        Ignored(SERVER),
    ),
    option(
        "handlers.mongoose_websocket_handler[].backwards_compatible_session",
        Boolean,
        Value("true"),
        Ignored(SERVER),
    ),
];

pub(in crate::config) const LISTENER_TLS: &[ConfigOption] = &[
    option(
        "verify_mode",
        VERIFY_MODE,
        Value("\"peer\""),
        Used("what is asked of the client's certificate: docs/verify-modes.md"),
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
        Used("the CAs that may issue client certificates"),
    ),
    option("cafile", File, Unset, Older("`cacertfile`")),
    option(
        "crl_files",
        List(&File),
        Value("[]"),
        Used("what they revoke is refused; MongooseIM does not"),
    ),
    option(
        "disconnect_on_failure",
        Boolean,
        Value("true"),
        Used("a reply tells the server to close the connection where the certificate failed"),
    ),
    option(
        "certfile",
        File,
        Unset,
        Ignored("`config check` says if the key is another's"),
    ),
    option(
        "keyfile",
        File,
        Unset,
        Ignored("`config check` says if the key is another's"),
    ),
    option("password", Kind::String, Unset, Ignored(SERVER)),
    option("ciphers", Kind::String, Unset, Ignored(SERVER)),
    option("versions", List(&Kind::String), Unset, Ignored(SERVER)),
    option("dhfile", File, Unset, Ignored(SERVER)),
    option("early_data", Boolean, Value("false"), Ignored(SERVER)),
    option(
        "session_tickets",
        OneOf(&["stateless"]),
        Unset,
        Ignored(SERVER),
    ),
];

pub(in crate::config) const C2S_TLS: &[ConfigOption] = &[
    option(
        "mode",
        OneOf(&["tls", "starttls", "starttls_required"]),
        Value("\"starttls\""),
        Ignored("`config check` knows by it what MongooseIM does with a certificate that fails"),
    ),
    option("keep_secrets", Boolean, Value("false"), Ignored(SERVER)),
    option(
        "module",
        OneOf(&["just_tls", "fast_tls"]),
        Value("\"just_tls\""),
        Older("`disconnect_on_failure = false` for `fast_tls`"),
    ),
    leftover("protocol_options", "4.0.0 to 6.3.x"),
];

pub(in crate::config) const OTHER_LISTENERS: &[ConfigOption] = &[
    option("component", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("s2s", Kind::Any, Unset, Ignored(NO_LOGIN)),
    option("service", Kind::Any, Unset, Ignored(NO_LOGIN)),
];

const SERVER: &str = "the server's own affair";
