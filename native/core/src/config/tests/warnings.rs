//! What is said of a configuration that loads.

use super::*;

#[test]
fn what_decides_nothing_is_warned_of_and_loads() {
    for (text, path, message) in [
        ("[general]\nnew = 1", "general.new", "unknown option"),
        (
            "[general]\nloglevel = 'trace'",
            "general.loglevel",
            "not among",
        ),
        ("[new_section]\nx = 1", "new_section", "unknown option"),
        ("[sheper]\nx = 1", "sheper", "did you mean shaper?"),
        ("[[listen.quic]]\nport = 1", "listen.quic", "unknown option"),
        (
            "[[listen.http3]]\nport = 1",
            "listen.http3",
            "unknown option",
        ),
        (
            "[[listen.c2s]]\nport = 1\nnew = 1",
            "listen.c2s[1].new",
            "unknown option",
        ),
        (
            "[[listen.c2s]]\nport = 1\npath = '/'",
            "listen.c2s[1].path",
            "unknown option",
        ),
        (
            "[[listen.c2s]]\nport = 1\nbacklog = -1",
            "listen.c2s[1].backlog",
            "out of range",
        ),
        (
            "[[listen.c2s]]\nport = 1\nzlib = 1",
            "listen.c2s[1].zlib",
            "4.0.0 to 6.0.x",
        ),
        (
            "[[listen.c2s]]\nport = 1\nmax_fsm_queue = 1",
            "listen.c2s[1].max_fsm_queue",
            "4.0.0 to 6.0.x",
        ),
        (
            "[[listen.c2s]]\nport = 1\nip_version = 5",
            "listen.c2s[1].ip_version",
            "4 or 6",
        ),
        (
            "[[listen.c2s]]\nport = 1\nip_address = 'x'",
            "listen.c2s[1].ip_address",
            "not an IP address",
        ),
        (
            "[[listen.c2s]]\nport = 1\nip_version = 6\nip_address = '127.0.0.1'",
            "listen.c2s[1].ip_address",
            "ip_version = 6",
        ),
        (
            "[[listen.c2s]]\nport = 1\ntls.new = 1",
            "listen.c2s[1].tls.new",
            "unknown option",
        ),
        (
            "[[listen.http]]\nport = 1\ntls.mode = 'tls'",
            "listen.http[1].tls.mode",
            "unknown option",
        ),
        (
            "[[listen.http]]\nport = 1\nprotocol.new = 1",
            "listen.http[1].protocol.new",
            "unknown option",
        ),
        (
            "[[listen.http]]\nport = 1\ntransport.num_acceptors = 'x'",
            "listen.http[1].transport.num_acceptors",
            "expected an integer",
        ),
        (
            "[[listen.http]]\nport = 1\n[[listen.http.handlers.mongoose_new_handler]]\n\
             host = '_'\npath = ''",
            "listen.http[1].handlers.mongoose_new_handler",
            "takes no users there",
        ),
        (
            "[[listen.http]]\nport = 1\n[[listen.http.handlers.mongoose_bosh_handler]]\n\
             host = ''\npath = ''",
            "listen.http[1].handlers.mongoose_bosh_handler[1].host",
            "the string is empty",
        ),
        (
            "[[listen.http]]\nport = 1\n[[listen.http.handlers.mongoose_websocket_handler]]\n\
             host = '_'\npath = ''\nnew = 1",
            "listen.http[1].handlers.mongoose_websocket_handler[1].new",
            "unknown option",
        ),
        (
            "[outgoing_pools.kafka.x]",
            "outgoing_pools.kafka",
            "unknown option",
        ),
        ("[outgoing_pools.ldap.1]", "outgoing_pools.ldap.1", "digits"),
        (
            "[outgoing_pools.ldap.x]\nnew = 1",
            "outgoing_pools.ldap.x.new",
            "unknown option",
        ),
        (
            "[outgoing_pools.ldap.x]\nconnection.rootdn = 'cn=admin'",
            "outgoing_pools.ldap.x.connection.rootdn",
            "4.0.0 to 5.0.x",
        ),
        (
            "[outgoing_pools.ldap.x]\nconnection.tls.cacertfile = 'no such file'",
            "outgoing_pools.ldap.x.connection.tls.cacertfile",
            "there is no file",
        ),
        (
            "[outgoing_pools.ldap.x]\nstrategy = 'random_worker'\nmax_worker_queue_len = 1",
            "outgoing_pools.ldap.x.max_worker_queue_len",
            "best_worker",
        ),
        (
            "[outgoing_pools.http.x]",
            "outgoing_pools.http.x.connection",
            "is missing",
        ),
        (
            "[[host_config]]\nhost = 'a'\n[host_config.outgoing_pools.http.x]\nnew = 1\n\
             connection.host = 'http://a'",
            "host_config[1].outgoing_pools.http.x.new",
            "unknown option",
        ),
        (
            "[auth]\nscram_iterations = 1",
            "auth.scram_iterations",
            "4.0.0 to 5.0.x",
        ),
        ("[auth.riak]", "auth.riak", "4.0.0 to 6.1.x"),
        (
            "[auth]\nmethods = ['riak']",
            "auth.methods[1]",
            "4.0.0 to 6.1.x",
        ),
        (
            "[auth]\nsasl_mechanisms = ['scram']",
            "auth.sasl_mechanisms[1]",
            "cyrsasl_scram",
        ),
        (
            "[auth]\nsasl_mechanisms = ['external_verification']",
            "auth.sasl_mechanisms[1]",
            "cyrsasl_external_verification",
        ),
        (
            "[auth]\nsasl_mechanisms = ['otp']",
            "auth.sasl_mechanisms[1]",
            "no mechanism",
        ),
    ] {
        let general = if text.starts_with("[general]") {
            text.replace(
                "[general]",
                "[general]\ndefault_server_domain = 'a'\nhosts = ['a']",
            )
        } else {
            format!("{GENERAL}{text}")
        };
        let config = parse(&general).unwrap_or_else(|errors| panic!("{text}: {errors}"));
        assert_eq!(config.warnings.len(), 1, "{text}: {:?}", config.warnings);
        assert_warns(&config, config.warnings[0].line, path, message);
    }
}

#[test]
fn an_empty_handler_host_and_a_missing_domain_are_what_mongooseim_does_not_start_with() {
    let config = parse("[general]\nhosts = ['a']").unwrap();
    assert_eq!(config.default_host, None);
    assert_warns(&config, 1, "general", "since 5.0.0 does not start");
}

#[test]
fn tls_of_a_plain_url_is_not_used() {
    let pool = |host: &str| {
        ok(&format!(
            "[outgoing_pools.http.x.connection]\nhost = '{host}'\ntls.verify_mode = 'peer'\n\
             tls.cacertfile = 'ca.pem'"
        ))
    };
    let path = "outgoing_pools.http.x.connection.tls";
    assert_warns(&pool("http://a"), 4, path, "nothing is encrypted");
    let of_https = pool("https://a").warnings;
    assert!(
        of_https.iter().all(|known| known.path != path),
        "{of_https:?}"
    );
}

#[test]
fn older_pools_are_read() {
    let config = ok(
        "[outgoing_pools.ldap.x]\nscope = 'single_host'\nhost = 'a'\n\
         [outgoing_pools.ldap.x.connection]\nrootdn = 'cn=admin'\nencrypt = 'tls'\n\
         [outgoing_pools.http.x.connection]\nhost = 'https://a'\n\
         tls.server_name_indication = false\ntls.ciphers = ['a', 'b']",
    );
    let pool = config
        .pools
        .iter()
        .find(|pool| pool.kind == "ldap")
        .unwrap();
    assert_eq!(pool.scope, PoolScope::Only("a".to_owned()));
    let Connection::Ldap(connection) = &pool.connection else {
        panic!("no ldap connection");
    };
    assert_eq!(
        (connection.root_dn.as_str(), connection.port),
        ("cn=admin", 636)
    );
    let tls = config.pools[0].connection.tls().unwrap();
    assert!(!tls.server_name.enabled);
    assert_eq!(tls.ciphers.as_deref(), Some("a:b"));
    assert_eq!(config.warnings.len(), 6, "{:?}", config.warnings);
}
