//! A configuration in a folder of its own, and logins to it.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use certjid_core::config::{ConfigErrors, ListenerRef};
use certjid_core::decide::{Allowed, Authzid, Outcome, Refused, Request};
use certjid_core::policy::{Modules, Policy};
use serde_json::Value;

/// The folder of a configuration; it goes with the test.
pub struct Server {
    folder: PathBuf,
}

impl Server {
    pub fn new(ca: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("compatibility-{}-{number}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let server = Self { folder };
        server.write("ca.pem", ca);
        server
    }

    /// A server that trusts the CAs of chains.jsonl.
    pub fn of_cases() -> Self {
        Self::new(&fs::read_to_string(case("chains-ca.pem")).unwrap())
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    pub fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// Loads a configuration with these lines of `[auth]` and of the c2s listener's `tls`.
    pub fn load(&self, auth: &str, tls: &str) -> Policy {
        self.try_load(&settings(auth, tls), Modules::Called)
            .unwrap()
    }

    pub fn try_load(&self, text: &str, modules: Modules) -> Result<Policy, ConfigErrors> {
        self.write("mongooseim.toml", text);
        Policy::load(&self.folder.join("mongooseim.toml"), modules)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub fn settings(auth: &str, tls: &str) -> String {
    format!(
        "[general]\ndefault_server_domain = 'localhost'\nhosts = ['localhost']\n\
         [auth]\nsasl_mechanisms = ['external']\n{auth}\n\
         [[listen.c2s]]\nport = 5222\n[listen.c2s.tls]\ncacertfile = 'ca.pem'\n{tls}\n\
         [[listen.http]]\nport = 5285\n\
         [[listen.http.handlers.mongoose_bosh_handler]]\nhost = '_'\npath = '/http-bind'\n\
         [[listen.http.handlers.mongoose_websocket_handler]]\nhost = '_'\npath = '/ws-xmpp'\n\
         [listen.http.tls]\ncacertfile = 'ca.pem'\ndisconnect_on_failure = false\n"
    )
}

/// A login at the c2s listener without an authzid.
pub fn request(chain: &[Vec<u8>]) -> Request {
    Request {
        listener: ListenerRef::Name("c2s".to_owned()),
        host: "localhost".to_owned(),
        host_type: None,
        chain: chain.to_vec(),
        authzid: Authzid::Absent,
        verified: None,
    }
}

pub fn with_authzid(leaf: &[u8], authzid: &str) -> Request {
    Request {
        authzid: Authzid::Decoded(authzid.as_bytes().to_vec()),
        ..request(&[leaf.to_vec()])
    }
}

pub fn allowed(policy: &Policy, request: &Request) -> Allowed {
    match policy.authenticate(request, NOW) {
        Outcome::Allowed(allowed) => allowed,
        other => panic!("{other:?}"),
    }
}

pub fn refused(policy: &Policy, request: &Request, now: i64) -> Refused {
    match policy.authenticate(request, now) {
        Outcome::Refused(refused) => refused,
        other => panic!("{other:?}"),
    }
}

/// Condition and reason.
pub fn why(policy: &Policy, request: &Request) -> (&'static str, String) {
    let refused = refused(policy, request, NOW);
    assert!(!refused.message.is_empty());
    (refused.condition.as_str(), refused.reason.to_string())
}

/// The entries of `sasl_external` and the methods that were tried or asked, with the outcomes.
pub fn tried(refused: &Refused) -> Vec<(&str, &str)> {
    let steps = refused.trail.iter();
    steps
        .filter(|step| step.what != "certificate")
        .map(|step| (step.what.as_str(), step.outcome))
        .collect()
}

/// A row of a case file in JSON lines.
pub fn row(file: &str, name: &str) -> Value {
    let text = fs::read_to_string(case(file)).unwrap();
    let mut rows = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.find(|row| row["name"] == name).unwrap()
}

/// A chain of chains.jsonl.
pub fn chain(name: &str) -> Vec<Vec<u8>> {
    let row = row("chains.jsonl", name);
    let blocks = row["chain"].as_array().unwrap();
    let pem: String = blocks.iter().map(|block| block.as_str().unwrap()).collect();
    certjid_core::encoding::chain(pem.as_bytes()).unwrap()
}

pub fn case(name: &str) -> PathBuf {
    root().join("test/data/cases").join(name)
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// 2026-12-01T00:00:00Z, the time of chains.jsonl.
pub const NOW: i64 = 1_796_083_200;

/// The method pki alone.
pub const PKI: &str = "methods = ['pki']\npki = {}";
