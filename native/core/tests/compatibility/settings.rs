//! K5, and what `config check` warns of that only the files themselves tell.

use certjid_core::policy::{Modules, Policy};
use rcgen::date_time_ymd;

use super::authority::{Authority, addressed, named};
use super::server::{NOW, Server, allowed, request, settings};

#[test]
fn the_documentation_s_spellings_load() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    let text = "[general]\ndefault_server_domain = 'localhost'\nhosts = ['localhost']\n\
                [auth]\nmethod = ['pki']\nsasl_mechanisms = ['external']\n\
                [listen.c2s]\nport = 5222\ntls.verify_peer = true\ntls.cafile = 'ca.pem'\n\
                tls.module = 'fast_tls'\ntls.disconnect_on_failure = true\n\
                [listen.http]\nport = 5285\ntls.verify_peer = false\n\
                [listen.http.handlers.mod_bosh]\nhost = '_'\npath = '/http-bind'\n\
                [listen.http.handlers.mod_websockets]\nhost = '_'\npath = '/ws-xmpp'\n";
    let policy = server.try_load(text, Modules::Refused).unwrap();
    let login = request(&[ca.issue(&addressed(&["alice@localhost"]))]);
    assert_eq!(allowed(&policy, &login).jid, "alice@localhost");
    let tls = policy.config().listeners[0].tls.as_ref().unwrap();
    assert!(!tls.disconnect_on_failure);

    for (path, release) in [
        ("listen.http", "no MongooseIM release"),
        ("auth.method", "4.0.0 to 6.8.0"),
        ("auth.method[1]", "since 5.1.0"),
        ("listen.c2s", "no MongooseIM release"),
        ("listen.c2s[1].tls.verify_peer", "4.0.0 to 5.0.0"),
        ("listen.c2s[1].tls.cafile", "4.0.0 to 6.8.0"),
        ("listen.c2s[1].tls.module", "4.0.0 to 6.3.x"),
        ("listen.http[1].handlers.mod_bosh", "4.0.0 to 6.5.x"),
        ("listen.http[1].handlers.mod_websockets", "4.0.0 to 6.5.x"),
    ] {
        let warned = messages(&policy, path);
        assert!(warned.contains(release), "{path}: {warned:?}");
    }
}

#[test]
fn the_ca_file_is_looked_into() {
    let ca = Authority::new();
    let expired = Authority::with(|params| params.not_after = date_time_ymd(2025, 2, 1));
    let leaf = {
        let key = rcgen::KeyPair::generate().unwrap();
        named("alice").self_signed(&key).unwrap().pem()
    };
    let server = Server::new("");
    let auth = "methods = ['pki']\npki = {}";
    for (text, message) in [
        (format!("{}{}", ca.key, ca.pem), "holds a private key"),
        (format!("{}{}", ca.pem, ca.pem), "which it has before"),
        (expired.pem, "has expired"),
        (leaf, "no CA:TRUE"),
    ] {
        server.write("ca.pem", &text);
        let policy = server.load(auth, "");
        let warned = messages(&policy, "listen.c2s[1].tls.cacertfile");
        assert!(warned.contains(message), "{message}: {warned:?}");
    }
    // What can be read counts, and what can't is named.
    let broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    server.write("ca.pem", &format!("{}{broken}", ca.pem));
    let policy = server.load(auth, "");
    let warned = messages(&policy, "listen.c2s[1].tls.cacertfile");
    let line = format!("line {}", ca.pem.lines().count() + 1);
    for part in ["can't be read", "the others count", &line] {
        assert!(warned.contains(part), "{part}: {warned:?}");
    }
    let login = request(&[ca.issue(&addressed(&["alice@localhost"]))]);
    assert_eq!(allowed(&policy, &login).jid, "alice@localhost");
    server.write("ca.pem", &format!("{broken}{}", ca.key));
    let errors = server
        .try_load(&settings(auth, ""), Modules::Refused)
        .unwrap_err();
    assert!(errors.faults[0].message.contains("line 1"), "{errors:?}");
    let warned = &errors.warnings[0].message;
    assert!(warned.contains("holds a private key"), "{errors:?}");

    server.write("ca.pem", "nothing");
    let errors = server
        .try_load(&settings(auth, ""), Modules::Refused)
        .unwrap_err();
    assert!(
        errors.faults[0].message.contains("no CERTIFICATE block"),
        "{errors:?}"
    );
}

#[test]
fn the_ca_file_of_a_service_is_looked_into() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem);
    let expired = Authority::with(|params| params.not_after = date_time_ymd(2025, 2, 1));
    server.write("service.pem", &format!("{}{}", ca.key, expired.pem));
    let pool = "[outgoing_pools.http.auth.connection]\nhost = 'https://localhost'\n\
                tls.cacertfile = 'service.pem'\n";
    let load = |auth| {
        let text = format!("{}{pool}", settings(auth, ""));
        let policy = server.try_load(&text, Modules::Refused).unwrap();
        messages(
            &policy,
            "outgoing_pools.http.auth.connection.tls.cacertfile",
        )
    };
    let warned = load("methods = ['http']\nhttp = {}");
    for part in ["holds a private key", "no service that it certified"] {
        assert!(warned.contains(part), "{part}: {warned:?}");
    }
    assert_eq!(load("methods = ['pki']\npki = {}"), "");
}

#[test]
fn what_is_said_of_files_has_a_bound() {
    let ca = Authority::new();
    let server = Server::new(&ca.pem.repeat(1000));
    let policy = server.load("methods = ['pki']\npki = {}", "");
    assert_eq!(policy.warnings().len(), 200);
}

#[test]
fn no_certificate_is_taken_where_none_is_asked_for() {
    let ca = Authority::new();
    let policy = Server::new(&ca.pem).load("methods = ['pki']\npki = {}", "verify_mode = 'none'");
    let warned = messages(&policy, "listen.c2s[1].tls");
    assert!(warned.contains("verify_mode = \"none\""), "{warned:?}");
    let login = request(&[ca.issue(&addressed(&["alice@localhost"]))]);
    assert_eq!(policy.mechanisms(&login, NOW).code(), "verify_mode_none");
}

/// All that is said of one path.
fn messages(policy: &Policy, path: &str) -> String {
    let warnings = policy.warnings();
    let of_path = warnings.iter().filter(|warning| warning.path == path);
    of_path
        .map(|warning| warning.message.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}
