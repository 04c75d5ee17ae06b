//! The example files of `config/`, and a file with faults.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use certjid_core::config::{Config, Connection, ListenerKind, ListenerRef, PoolScope, TlsMode};
use certjid_core::sasl::Kind;
use certjid_core::verify::VerifyMode;

#[test]
fn mongooseim_toml_serves_localhost() {
    let example = Example::new("mongooseim.toml");
    let config = example.load();
    assert_eq!(
        (config.default_host.as_deref(), config.hosts.len()),
        (Some("localhost"), 1)
    );

    let auth = config.auth("localhost", None).unwrap();
    assert_eq!(auth.methods, ["pki"]);
    assert_eq!(auth.sasl_mechanisms, ["scram_sha256", "external"]);
    assert_eq!(auth.sasl_external, [Kind::Standard, Kind::CommonName]);
    assert_eq!(config.auth("elsewhere", None), None);

    let c2s = config
        .listener(&ListenerRef::Name("c2s".to_owned()))
        .unwrap();
    let tls = c2s.tls.as_ref().unwrap();
    assert_eq!((c2s.port, tls.mode), (5222, TlsMode::Starttls));
    assert_eq!(
        (tls.verify_mode, tls.disconnect_on_failure),
        (VerifyMode::Peer, false)
    );
    assert_eq!(tls.cacertfile, Some(example.folder.join("ca.pem")));

    let http = config.listener(&ListenerRef::Port(5285)).unwrap();
    assert_eq!(http.kind, ListenerKind::Http);
    assert_eq!(
        http.handlers,
        ["mongoose_bosh_handler", "mongoose_websocket_handler"]
    );
    assert_eq!(http.tls.as_ref().unwrap().mode, TlsMode::Tls);
    assert!(http.tls.as_ref().unwrap().disconnect_on_failure);

    assert_eq!(
        warned(&config),
        [
            "auth.sasl_external",
            "listen.c2s[1].tls.disconnect_on_failure"
        ]
    );
}

#[test]
fn the_documentation_s_first_example_loads_as_it_is_spelt() {
    let config = Example::new("documentation-pki.toml").load();
    assert_eq!(config.auth.methods, ["pki"]);
    assert!(config.auth.offers_external());
    for listener in &config.listeners {
        assert_eq!(listener.tls.as_ref().unwrap().verify_mode, VerifyMode::Peer);
    }
    assert_eq!(
        config.listeners[1].handlers,
        ["mongoose_bosh_handler", "mongoose_websocket_handler"]
    );
    assert_eq!(
        warned(&config),
        [
            "listen.c2s",
            "listen.c2s[1].tls.verify_peer",
            "listen.http",
            "listen.http[1].tls.verify_peer",
            "listen.http[1].handlers.mod_bosh",
            "listen.http[1].handlers.mod_websockets",
            "auth.method",
            "auth.method[1]",
        ]
    );
}

#[test]
fn the_documentation_s_second_example_loads_as_it_is_spelt() {
    let config = Example::new("documentation-rdbms-pki.toml").load();
    assert_eq!(config.auth.methods, ["rdbms", "pki"]);
    assert!(config.auth.offers_external());
    let rdbms = config
        .warnings
        .iter()
        .find(|warning| warning.path == "auth.methods")
        .unwrap();
    assert!(rdbms.message.contains("rdbms comes before"), "{rdbms}");
}

#[test]
fn the_documentation_s_self_signed_example_loads_as_it_is_spelt() {
    let config = Example::new("documentation-selfsigned.toml").load();
    let modes: Vec<_> = config
        .listeners
        .iter()
        .map(|listener| listener.tls.as_ref().unwrap().verify_mode)
        .collect();
    assert_eq!(modes, [VerifyMode::SelfsignedPeer; 2]);
    assert_eq!(config.auth.methods, ["pki"]);
}

#[test]
fn production_toml_gives_each_host_its_own() {
    let config = Example::new("production.toml").load();
    assert_eq!(
        warned(&config),
        [
            "auth.ldap.local_filter",
            "listen.c2s[1].tls.disconnect_on_failure"
        ]
    );

    let staff = config.auth("example.com", None).unwrap();
    assert_eq!(staff.methods, ["ldap", "rdbms"]);
    assert_eq!(staff.ldap.as_ref().unwrap().uids.len(), 2);
    let devices = config.auth("devices.example.com", None).unwrap();
    assert_eq!(
        (devices.prefix.as_str(), devices.suffix.as_str()),
        ("device-", "")
    );
    assert_eq!(
        devices.http_basic_auth.as_ref().unwrap().expose(),
        "mongooseim:secret"
    );
    assert_eq!(devices.ldap, None);
    let customers = config.auth("shop.example.net", Some("customers")).unwrap();
    assert_eq!(
        (customers.methods.len(), customers.methods[0].as_str()),
        (1, "pki")
    );
    assert_eq!(config.auth("shop.example.net", Some("partners")), None);

    let pool = |host| config.pool("http", "auth", host, None).unwrap();
    assert_eq!(pool("example.com").scope, PoolScope::Global);
    assert_eq!(
        pool("devices.example.com").scope,
        PoolScope::Only("devices.example.com".to_owned())
    );
    let Connection::Http(http) = &pool("example.com").connection else {
        panic!("no http connection");
    };
    assert_eq!(
        (http.host.as_str(), http.path_prefix.as_str()),
        ("https://auth.example.com:8443", "/xmpp/")
    );
    assert!(http.tls.as_ref().unwrap().server_name.https);
    let ldap = config.pool("ldap", "default", "example.com", None).unwrap();
    let Connection::Ldap(connection) = &ldap.connection else {
        panic!("no ldap connection");
    };
    assert_eq!((connection.port, connection.servers.len()), (636, 2));
    assert_eq!(config.listeners.len(), 4);

    let shown = format!("{config:?}");
    assert!(
        !shown.contains("secret") && !shown.contains("of the key"),
        "{shown}"
    );
}

/// An option that a later release of MongooseIM may have, in each section in turn.
#[test]
fn an_unknown_option_is_an_error_where_a_login_is_decided_and_a_warning_elsewhere() {
    let example = Example::new("production.toml");
    let text = fs::read_to_string(&example.file).unwrap();
    let (mut errors, mut warned) = (BTreeSet::new(), BTreeSet::new());
    for (at, line) in text.match_indices('\n') {
        let rest = &text[at + line.len()..];
        let header = rest.lines().next().unwrap_or_default().trim();
        if !header.starts_with('[') {
            continue;
        }
        let name = header.trim_matches(['[', ']']);
        let added = rest.replacen(header, &format!("{header}\nbrand_new_option = 1"), 1);
        let text = format!("{}{added}", &text[..=at]);
        let about = |path: &str| path.ends_with(".brand_new_option");
        match Config::parse(&text, &example.file) {
            Ok(config) if config.warnings.iter().any(|warning| about(&warning.path)) => {
                warned.insert(name.to_owned());
            }
            // MongooseIM's own: its other sections, listeners and pools.
            Ok(_) => assert!(
                UNREAD.iter().any(|unread| name.starts_with(unread)),
                "{name}"
            ),
            Err(found) => {
                assert!(
                    found.faults.iter().all(|fault| about(&fault.path)),
                    "{found}"
                );
                errors.insert(name.to_owned());
            }
        }
    }
    let errors: Vec<_> = errors.iter().map(String::as_str).collect();
    assert_eq!(
        errors,
        [
            "auth",
            "auth.ldap",
            "auth.password",
            "host_config",
            "host_config.auth",
            "host_config.auth.pki",
            "host_config.general",
            "host_config.outgoing_pools.http.auth",
            "listen.c2s.tls",
            "listen.http.tls",
            "outgoing_pools.http.auth",
            "outgoing_pools.http.auth.connection",
            "outgoing_pools.ldap.default",
        ]
    );
    let warned: Vec<_> = warned.iter().map(String::as_str).collect();
    assert_eq!(
        warned,
        [
            "general",
            "listen.c2s",
            "listen.http",
            "listen.http.handlers.mongoose_bosh_handler",
            "listen.http.handlers.mongoose_websocket_handler",
            "outgoing_pools.ldap.bind",
        ]
    );
}

#[test]
fn broken_toml_has_nine_faults_and_a_warning() {
    let file = root().join("test/data/config/broken.toml");
    let errors = Config::load(&file).unwrap_err();
    let expected = [
        (3, "general.default_server_domain", "the string is empty"),
        (4, "general.hosts[2]", "has this value already"),
        (7, "auth.metods", "did you mean methods?"),
        (8, "auth.sasl_external_common_name.prefix", "U+0040"),
        (
            9,
            "auth.http.basic_auth",
            "expected a string, found an integer",
        ),
        (12, "listen.c2s[1].port", "from 0 to 65535"),
        (
            13,
            "listen.c2s[1].tls.verify_mode",
            "peer, selfsigned_peer, none",
        ),
        (14, "listen.c2s[1].tls.cacertfile", "no-such-ca.pem"),
        (16, "listen.http[1].port", "port is missing"),
    ];
    assert_eq!(errors.faults.len(), expected.len(), "{errors}");
    for (error, (line, path, message)) in errors.faults.iter().zip(expected) {
        assert_eq!((error.line, error.path.as_str()), (line, path));
        assert!(error.message.contains(message), "{error}");
        assert!(
            error
                .to_string()
                .starts_with(&format!("{}:{line}: {path}: ", file.display()))
        );
    }
    let warned = &errors.warnings[0];
    assert_eq!((warned.line, warned.path.as_str()), (19, "sheper"));
    assert!(warned.message.contains("did you mean shaper?"), "{warned}");
    // Both places where the CA file was looked for; and no secret.
    let ca = &errors.faults[7].message;
    assert_eq!(ca.matches("no-such-ca.pem").count(), 2, "{ca}");
    assert!(ca.contains("test/data/config"), "{ca}");
    assert!(!errors.to_string().contains("12345"));
}

/// Bytes of the examples are changed, dropped and doubled, by a generator that always gives the
/// same numbers.
#[test]
fn no_mutation_of_a_file_panics() {
    let texts = ["production.toml", "documentation-pki.toml"]
        .map(|name| fs::read(root().join("config").join(name)).unwrap());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let file = Path::new("mutated.toml");
    for _ in 0..3000 {
        let mut bytes = texts[random(texts.len())].clone();
        for _ in 0..=random(4) {
            let (at, other) = (random(bytes.len()), random(bytes.len()));
            match random(4) {
                0 => bytes[at] = u8::try_from(random(128)).unwrap(),
                1 => bytes[at] = bytes[other],
                2 => drop(bytes.drain(at..bytes.len().min(at + random(40)))),
                _ => {
                    let part = bytes[other..bytes.len().min(other + random(80))].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        match Config::parse(&text, file) {
            Ok(config) => assert!(!config.hosts.is_empty() || !config.host_types.is_empty()),
            Err(errors) => assert!(!errors.faults.is_empty() && !errors.to_string().is_empty()),
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_or_is_not_utf_8_says_so() {
    let example = Example::new("mongooseim.toml");
    let missing = Config::load(&example.folder.join("absent.toml")).unwrap_err();
    assert!(
        missing.to_string().contains("absent.toml: cannot be read"),
        "{missing}"
    );
    assert!(Config::load(&example.folder).is_err());

    let latin = example.folder.join("latin.toml");
    fs::write(&latin, b"[general]\n# caf\xe9\n").unwrap();
    let errors = Config::load(&latin).unwrap_err();
    assert_eq!(errors.faults[0].line, 2);
    assert!(errors.to_string().contains("not UTF-8"), "{errors}");
}

/// An example in a folder of its own, with the files that it names.
struct Example {
    folder: PathBuf,
    file: PathBuf,
    /// The folder goes with the test.
    _kept: tempfile::TempDir,
}

impl Example {
    fn new(name: &str) -> Self {
        // Tests run at the same time, also those of one binary in two processes.
        let kept = tempfile::tempdir().unwrap();
        let folder = kept.path().to_owned();
        for beside in ["ca.pem", "server.pem", "server.key"] {
            fs::write(folder.join(beside), "").unwrap();
        }
        let file = folder.join(name);
        fs::copy(root().join("config").join(name), &file).unwrap();
        Self {
            folder,
            file,
            _kept: kept,
        }
    }

    fn load(&self) -> Config {
        match Config::load(&self.file) {
            Ok(config) => config,
            Err(errors) => panic!("{errors}"),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What certjid does not look into.
const UNREAD: &[&str] = &[
    "access",
    "acl",
    "auth.rdbms",
    "host_config.modules",
    "instrumentation",
    "internal_databases",
    "listen.component",
    "listen.http.handlers.mongoose_graphql_handler",
    "listen.s2s",
    "modules",
    "outgoing_pools.rdbms",
    "outgoing_pools.redis",
    "s2s",
    "services",
    "shaper",
];

/// The paths of all warnings.
fn warned(config: &Config) -> Vec<&str> {
    let warnings = config.warnings.iter();
    warnings.map(|warning| warning.path.as_str()).collect()
}
