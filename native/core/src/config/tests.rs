mod faults;
mod lints;
mod warnings;

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
fn general_must_name_a_host_once() {
    for (text, path) in [
        ("", "general"),
        ("[general]\ndefault_server_domain = 'a'", "general"),
        (
            "[general]\ndefault_server_domain = 'a'\nhosts = ['a:5222']",
            "general.hosts[1]",
        ),
        (
            "[general]\ndefault_server_domain = 'a'\nhosts = ['https://a']",
            "general.hosts[1]",
        ),
        (
            "[general]\ndefault_server_domain = 'a'\nhosts = ['a', 'b c']",
            "general.hosts[2]",
        ),
        (
            "[general]\ndefault_server_domain = 'alice@a'\nhosts = ['a']",
            "general.default_server_domain",
        ),
        (
            "[general]\ndefault_server_domain = 'a'\nhosts = ['a']\nhost = ['b']",
            "general.host",
        ),
        (
            "[general]\ndefault_server_domain = 'a'\nhosts = ['a']\nhost_types = ['a']",
            "general.host_types",
        ),
    ] {
        let errors = parse(text).unwrap_err();
        assert_eq!(errors.faults.len(), 1, "{errors}");
        assert_eq!(errors.faults[0].path, path);
    }
    let config = parse("[general]\ndefault_server_domain = 'EXAMPLE.com'\nhosts = ['Straße']");
    let config = config.unwrap();
    assert_eq!(config.default_host.as_deref(), Some("example.com"));
    assert_eq!(config.hosts, ["strasse"]);
}

#[test]
fn listeners_of_one_port_judge_alike() {
    let two = |first: &str, second: &str| {
        parse(&format!(
            "{GENERAL}[[listen.c2s]]\nport = 5222\nip_address = '127.0.0.1'\n{first}\n\
             [[listen.c2s]]\nport = 5222\n{second}"
        ))
    };
    let ca = "tls.cacertfile = 'Cargo.toml'";
    for (first, second, option) in [
        (ca, "tls = {}", "tls.cacertfile"),
        (ca, "", "tls"),
        (
            ca,
            "tls = {cacertfile = 'Cargo.toml', verify_mode = 'none'}",
            "tls.verify_mode",
        ),
        (
            ca,
            "tls = {cacertfile = 'Cargo.toml', crl_files = ['Cargo.toml']}",
            "tls.crl_files",
        ),
        (
            ca,
            "tls = {cacertfile = 'Cargo.toml', module = 'fast_tls'}",
            "tls.disconnect_on_failure",
        ),
        (
            "allowed_auth_methods = ['internal']",
            "",
            "allowed_auth_methods",
        ),
    ] {
        let errors = two(first, second).unwrap_err();
        assert_eq!(errors.faults.len(), 1, "{errors}");
        assert_eq!(errors.faults[0].path, "listen.c2s[2]");
        for part in ["port 5222", "listen.c2s[1]", option] {
            assert!(errors.faults[0].message.contains(part), "{errors}");
        }
    }
    for (first, second) in [
        (
            ca,
            "tls = {cacertfile = './Cargo.toml', mode = 'tls', ciphers = 'a'}",
        ),
        (
            "tls = {verify_mode = 'none', cacertfile = 'Cargo.toml'}",
            "tls = {verify_mode = 'none'}",
        ),
        (
            "allowed_auth_methods = ['pki', 'ldap', 'http']",
            "shaper = 'slow'",
        ),
    ] {
        two(first, second).unwrap();
    }
}

#[test]
fn http_is_the_first_listener_that_takes_users() {
    let handler = |name: &str| format!("handlers.{name} = [{{host = '_', path = '/'}}]");
    let config = ok(&format!(
        "[[listen.http]]\nport = 1\n[[listen.http]]\nport = 2\n{}\n\
         [[listen.http]]\nport = 3\n{}\n[[listen.http]]\nport = 4\n{}",
        handler("mongoose_graphql_handler"),
        handler("mongoose_bosh_handler"),
        handler("mongoose_websocket_handler")
    ));
    let port = |name: &str| {
        let listener = config.listener(&ListenerRef::Name(name.to_owned()));
        listener.map(|listener| listener.port)
    };
    assert_eq!(
        (port("http"), port("c2s"), port("s2s")),
        (Some(3), None, None)
    );
    let config = ok("[[listen.http]]\nport = 1\n[[listen.http]]\nport = 2");
    let listener = config.listener(&ListenerRef::Name("http".to_owned()));
    assert_eq!(listener.map(|listener| listener.port), Some(1));
}

#[test]
fn syntax_faults_have_their_lines() {
    let errors = parse("[general]\nhosts = [\n[auth]\n").unwrap_err();
    assert!(errors.faults.iter().all(|error| error.line > 0), "{errors}");
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
    assert_eq!(many.faults.len(), 100);
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
    assert!(!deep.faults.is_empty());
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
