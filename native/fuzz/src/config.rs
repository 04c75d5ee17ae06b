//! mongooseim.toml: a file that loads says the same each time, and each fault has a place.

use std::path::Path;

use certjid_core::config::Config;
use certjid_core::jid;

/// The text of a file.
pub fn check(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let file = Path::new("/nonexistent/mongooseim.toml");
    let parsed = Config::parse(text, file);
    assert_eq!(parsed, Config::parse(text, file));
    let lines = 1 + text.matches('\n').count();
    match parsed {
        Ok(config) => {
            for host in &config.hosts {
                assert_eq!(jid::nameprep(host).as_ref(), Ok(host));
                assert!(config.auth(host, None).is_some());
            }
            for host_type in &config.host_types {
                assert!(
                    config
                        .auth("no.host.of.the.file", Some(host_type))
                        .is_some()
                );
            }
            assert!(
                config
                    .auth("no.host.of.the.file", Some("no type of the file"))
                    .is_none()
            );
            assert!(config.warnings.len() <= 100);
            assert!(config.warnings.iter().all(|warning| warning.line <= lines));
        }
        Err(errors) => {
            assert!(!errors.faults.is_empty());
            assert!(
                errors.faults.iter().all(|error| error.line <= lines),
                "{errors}"
            );
            assert!(errors.faults.iter().all(|error| !error.message.is_empty()));
        }
    }
}

/// The example files, and the broken one of the tests.
pub fn seeds() -> Vec<Vec<u8>> {
    let examples = crate::files("config").into_iter();
    let tests = crate::files("test/data/config");
    examples.chain(tests).map(|(_, text)| text).collect()
}

/// Sections and options.
pub const WORDS: &[&str] = &[
    "[general]\n",
    "[auth]\n",
    "[auth.pki]\n",
    "[auth.ldap]\n",
    "[auth.http]\n",
    "[[listen.c2s]]\n",
    "[[listen.http]]\n",
    "[listen.c2s.tls]\n",
    "[outgoing_pools.ldap.default]\n",
    "[outgoing_pools.http.auth]\n",
    "[[host_config]]\n",
    "[host_config.auth]\n",
    "[modules]\n",
    "default_server_domain = ",
    "hosts = ",
    "host_types = ",
    "sasl_mechanisms = ",
    "sasl_external = ",
    "verify_mode = ",
    "cacertfile = ",
    "crl_files = ",
    "methods = ",
    "port = ",
    "servers = ",
    "\"localhost\"",
    "[\"external\"]",
    "\"peer\"",
    "\"selfsigned_peer\"",
    "9223372036854775807",
    "\"infinity\"",
    "\"\"\"\n",
    "\n",
    "{}",
    "[]",
    "#",
];
