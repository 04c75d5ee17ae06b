use super::*;
use crate::sasl::Kind;
use crate::verify::VerifyMode;

#[test]
fn the_defaults_are_mongooseim_s() {
    let config =
        ok("[auth.pki]\n[auth.jwt]\nsecret = 1\n[auth.ldap]\n[[listen.c2s]]\nport = 1\ntls = {}");
    assert_eq!(config.auth.methods, ["jwt", "ldap", "pki"]);
    assert_eq!(config.auth.sasl_mechanisms.len(), 13);
    assert!(!config.auth.offers_external());
    assert_eq!(config.auth.sasl_external, [Kind::Standard]);
    assert_eq!(config.auth.ldap, Some(Ldap::default()));
    let listener = &config.listeners[0];
    assert_eq!(listener.ip_address, "0.0.0.0");
    let tls = listener.tls.as_ref().unwrap();
    assert_eq!(
        (tls.mode, tls.verify_mode),
        (TlsMode::Starttls, VerifyMode::Peer)
    );
    assert!(tls.disconnect_on_failure && !tls.fast_tls);
}

#[test]
fn host_config_replaces_auth_and_inherits_nothing() {
    let config = ok("[auth]\nsasl_mechanisms = ['external']\n[auth.pki]\n\
         [[host_config]]\nhost = 'b'\n[host_config.auth.ldap]");
    assert_eq!(config.auth("a", None).unwrap().methods, ["pki"]);
    let b = config.auth("b", None).unwrap();
    assert_eq!(
        (b.methods.as_slice(), b.sasl_mechanisms.len()),
        (&["ldap".to_owned()][..], 13)
    );
    assert_eq!(b.path, "host_config[1].auth");
    assert_eq!(config.auth("c", Some("t")).unwrap().methods, ["pki"]);
    // A static host has no other host type than itself.
    assert_eq!(config.auth("b", Some("t")).unwrap().methods, ["ldap"]);
    assert_eq!(config.auth("t", None), None);
}

#[test]
fn host_config_without_a_known_host_is_dropped_or_global() {
    let config = ok("[auth.pki]\n[[host_config]]\nhost = 'B'\n[host_config.auth.ldap]");
    assert!(config.host_auth.is_empty());
    assert_warns(&config, 4, "host_config[1].host", "drops such an entry");

    let config = ok(
        "[auth.pki]\n[outgoing_pools.ldap.x]\nworkers = 1\n[[host_config]]\n\
         auth.ldap = {}\noutgoing_pools.ldap.x = {}",
    );
    assert_eq!(config.auth("a", None).unwrap().methods, ["ldap"]);
    assert_eq!(config.pool("ldap", "x", "a", None).unwrap().workers, 10);
    assert_eq!(config.pools.len(), 1);
    assert_warns(
        &config,
        5,
        "host_config[1]",
        "overrides the global sections",
    );
}

#[test]
fn the_older_spellings_load_with_a_warning_each() {
    let config = ok("[auth]\nmethod = ['pki']\nsasl_mechanisms = ['external']\n\
         [listen.c2s]\nport = 1\n[listen.c2s.tls]\nverify_peer = false\nmodule = 'fast_tls'\n\
         cafile = 'Cargo.toml'\nprotocol_options = ['no_tlsv1']\n\
         [listen.http]\nport = 2\n[listen.http.handlers.mod_websockets]\nhost = '_'\npath = '/'");
    let tls = config.listeners[0].tls.as_ref().unwrap();
    assert_eq!(tls.verify_mode, VerifyMode::None);
    assert!(tls.fast_tls && !tls.disconnect_on_failure);
    assert!(tls.cacertfile.as_ref().unwrap().ends_with("Cargo.toml"));
    assert_eq!(config.listeners[1].handlers, ["mongoose_websocket_handler"]);

    assert_warns(&config, 3, "auth.method", "the option is `methods`");
    assert_warns(&config, 3, "auth.method[1]", "since 5.1.0");
    assert_warns(&config, 5, "listen.c2s", "[[listen.c2s]]");
    assert_warns(&config, 7, "listen.c2s[1].tls", "asks for no certificate");
    assert_warns(
        &config,
        8,
        "listen.c2s[1].tls.verify_peer",
        "4.0.0 to 5.0.0",
    );
    assert_warns(&config, 9, "listen.c2s[1].tls.module", "4.0.0 to 6.3.x");
    assert_warns(&config, 10, "listen.c2s[1].tls.cafile", "`cacertfile`");
    assert_warns(
        &config,
        11,
        "listen.c2s[1].tls.protocol_options",
        "4.0.0 to 6.3.x",
    );
    assert_warns(&config, 12, "listen.http", "[[listen.http]]");
    let handler = "listen.http[1].handlers.mod_websockets";
    assert_warns(
        &config,
        14,
        handler,
        "[[listen.http.handlers.mod_websockets]]",
    );
    assert_warns(&config, 14, handler, "4.0.0 to 6.5.x");
    assert_eq!(config.warnings.len(), 11);
}

#[test]
fn settings_that_deceive_are_warned_of() {
    for (text, path, message) in [
        (
            "[auth]\nsasl_mechanisms = ['external']\n[auth.http]",
            "auth",
            "http is the only method",
        ),
        (
            "[auth]\nsasl_mechanisms = ['external']\n[auth.rdbms]",
            "auth",
            "none of the methods",
        ),
        (
            "[auth]\nsasl_mechanisms = ['external']\n[auth.internal]\n[auth.pki]",
            "auth",
            "the method internal comes before",
        ),
        (
            "[auth]\nmethods = ['dummy', 'pki']\nsasl_mechanisms = ['external']\ndummy = {}\npki = {}",
            "auth.methods",
            "accept anyone",
        ),
        ("[auth.pki]", "auth", "no \"external\""),
        (
            "[auth]\nsasl_external = []",
            "auth.sasl_external",
            "the list is empty",
        ),
        (
            "[auth]\nsasl_external = ['auth_id']",
            "auth.sasl_external",
            "any user of the host",
        ),
        (
            "[auth]\nsasl_external = ['standard', 'auth_id']",
            "auth.sasl_external",
            "for alice logs in as bob",
        ),
        (
            "[auth]\nsasl_external = ['standard', 'common_name']",
            "auth.sasl_external",
            "ignores the certificate's addresses",
        ),
        (
            "[auth]\nsasl_external = ['standart']",
            "auth.sasl_external",
            "Did you mean standard?",
        ),
        (
            "[auth]\nsasl_mechanisms = ['plain', 'plain']",
            "auth.sasl_mechanisms",
            "twice",
        ),
        (
            "[auth.ldap]\nuids = [{attr = 'cn'}]",
            "auth.ldap.uids[1]",
            "certjid takes \"%u\"",
        ),
        (
            "[[listen.c2s]]\nport = 1\ntls.crl_files = ['Cargo.toml']",
            "listen.c2s[1].tls.crl_files",
            "no MongooseIM release checks CRLs",
        ),
        (
            "[[listen.c2s]]\nport = 1\ntls = {mode = 'tls', disconnect_on_failure = false}",
            "listen.c2s[1].tls.disconnect_on_failure",
            "where TLS begins at once",
        ),
        (
            "[[listen.http]]\nport = 1\ntls.disconnect_on_failure = false",
            "listen.http[1].tls.disconnect_on_failure",
            "since 6.4.0",
        ),
        (
            "[[listen.http]]\nport = 1\ntls.verify_mode = 'selfsigned_peer'",
            "listen.http[1].tls.verify_mode",
            "for development only",
        ),
        (
            "[[listen.c2s]]\nport = 1\ntls.certfile = 'Cargo.toml'",
            "listen.c2s[1].tls.certfile",
            "since 6.6.0",
        ),
    ] {
        let config = ok(text);
        assert_eq!(config.warnings.len(), 1, "{text}: {:?}", config.warnings);
        assert_warns(&config, config.warnings[0].line, path, message);
    }
    let config =
        parse("[general]\ndefault_server_domain = 'a'\nhosts = ['a']\nsm_backand = 'redis'");
    assert_warns(
        &config.unwrap(),
        4,
        "general.sm_backand",
        "did you mean sm_backend?",
    );
}

#[test]
fn faults_name_what_is_allowed() {
    for (text, path, message) in [
        (
            "[auth]\nmethods = ['pkli']",
            "auth.methods[1]",
            "did you mean pki?",
        ),
        (
            "[auth]\nmethods = 'pki'",
            "auth.methods",
            "expected a list, found a string",
        ),
        (
            "[auth]\nmethod = ['pki']\nmethods = ['pki']\npki = {}",
            "auth.method",
            "both",
        ),
        (
            "[auth]\nsasl_mechanisms = ['scram']",
            "auth.sasl_mechanisms[1]",
            "scram_sha512_plus",
        ),
        (
            "[auth]\nsasl_external = ['No Module']",
            "auth.sasl_external[1]",
            "Erlang module",
        ),
        ("[auth.pki]\nx = 1", "auth.pki.x", "no such option"),
        (
            "[auth.ldap]\ndn_filter.filter = '(a=%s))'",
            "auth.ldap.dn_filter.filter",
            "brackets",
        ),
        (
            "[auth.ldap]\nlocal_filter.values = []",
            "auth.ldap.local_filter.operation",
            "missing",
        ),
        ("[listen]\nc3s = []", "listen.c3s", "did you mean c2s?"),
        (
            "[[listen.c2s]]\nport = 1.5",
            "listen.c2s[1].port",
            "expected an integer, found a float",
        ),
        (
            "[[listen.c2s]]\nport = -1",
            "listen.c2s[1].port",
            "from 0 to 65535",
        ),
        (
            "[[listen.c2s]]\nport = 1\nip_version = 5",
            "listen.c2s[1].ip_version",
            "4 or 6",
        ),
        (
            "[[listen.c2s]]\nport = 1\nip_address = 'x'",
            "listen.c2s[1].ip_address",
            "no IP address",
        ),
        (
            "[[listen.c2s]]\nport = 1\nallowed_auth_methods = ['pki', 'pki']",
            "listen.c2s[1].allowed_auth_methods[2]",
            "already",
        ),
        (
            "[[listen.c2s]]\nport = 1\n[[listen.http]]\nport = 1\nip_address = '0'",
            "listen.http[1]",
            "listen.c2s[1] has the same port",
        ),
        (
            "[[listen.http]]\nport = 1\ntls.mode = 'tls'",
            "listen.http[1].tls.mode",
            "no such",
        ),
        (
            "[[listen.http]]\nport = 1\n[[listen.http.handlers.mongose_bosh_handler]]",
            "listen.http[1].handlers.mongose_bosh_handler",
            "did you mean mongoose_bosh_handler?",
        ),
        (
            "[outgoing_pools.http.auth]",
            "outgoing_pools.http.auth.connection",
            "missing",
        ),
        (
            "[outgoing_pools.http.'a b']\nconnection.host = 'localhost'",
            "outgoing_pools.http.\"a b\".connection.host",
            "http://HOST:PORT",
        ),
        (
            "[outgoing_pools.ladp.x]",
            "outgoing_pools.ladp",
            "did you mean ldap?",
        ),
        (
            "[[host_config]]\nhost = 'a'\ngeneral.hosts = []",
            "host_config[1].general.hosts",
            "not allowed",
        ),
        (
            "[[host_config]]\nhost = 1",
            "host_config[1].host",
            "expected a string",
        ),
    ] {
        let errors = parse(&format!("{GENERAL}{text}")).unwrap_err();
        let found = errors.0.iter().find(|error| error.path == path);
        let found = found.unwrap_or_else(|| panic!("{text}: {errors}"));
        assert!(found.message.contains(message), "{errors}");
    }
}

#[test]
fn general_must_name_a_host_once() {
    for (text, path) in [
        ("", "general"),
        ("[general]\ndefault_server_domain = 'a'", "general"),
        ("[general]\nhosts = ['a']", "general.default_server_domain"),
        (
            "[general]\ndefault_server_domain = 'a'\nhosts = ['a']\nhost_types = ['a']",
            "general.host_types",
        ),
    ] {
        let errors = parse(text).unwrap_err();
        assert_eq!(errors.0.len(), 1, "{errors}");
        assert_eq!(errors.0[0].path, path);
    }
    let config = parse("[general]\ndefault_server_domain = 'EXAMPLE.com'\nhosts = ['Straße']");
    let config = config.unwrap();
    assert_eq!(config.default_host, "example.com");
    assert_eq!(config.hosts, ["strasse"]);
}

#[test]
fn syntax_faults_have_their_lines() {
    let errors = parse("[general]\nhosts = [\n[auth]\n").unwrap_err();
    assert!(errors.0.iter().all(|error| error.line > 0), "{errors}");
    let errors = parse("[auth]\npki = {}\npki = {}\n").unwrap_err();
    assert_eq!(errors.to_string().lines().count(), 1);
    assert!(
        errors.to_string().contains(":3: TOML: duplicate key"),
        "{errors}"
    );
}

#[test]
fn faults_and_lengths_are_bounded() {
    let many = parse(&"[[listen.c2s]]\n".repeat(1000)).unwrap_err();
    assert_eq!(many.0.len(), 100);
    let long = parse(&format!("[auth]\n{} = 1", "x".repeat(100_000))).unwrap_err();
    assert!(long.to_string().len() < 2000);
    let blank = usize::try_from(MAX_FILE).unwrap() + 1;
    assert!(
        parse(&" ".repeat(blank))
            .unwrap_err()
            .to_string()
            .contains("16 MiB")
    );
    let deep = parse(&format!("a = {}", "[".repeat(100_000))).unwrap_err();
    assert!(!deep.0.is_empty());
}

/// Parses what follows [`GENERAL`].
fn ok(text: &str) -> Config {
    match parse(&format!("{GENERAL}{text}")) {
        Ok(config) => config,
        Err(errors) => panic!("{text}: {errors}"),
    }
}

/// Parses a file that seems to stand beside Cargo.toml, which serves as a CA file.
fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(
        text,
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("mongooseim.toml"),
    )
}

fn assert_warns(config: &Config, line: usize, path: &str, message: &str) {
    let at = |warning: &&Warning| warning.line == line && warning.path == path;
    let found = config
        .warnings
        .iter()
        .filter(at)
        .any(|warning| warning.message.contains(message));
    assert!(
        found,
        "no {line}: {path}: {message} in {:#?}",
        config.warnings
    );
}

/// What every file needs, in one line.
const GENERAL: &str =
    "general = {default_server_domain = 'a', hosts = ['a', 'b'], host_types = ['t']}\n";
