//! TLS options, of listeners and of outgoing pools.

use std::path::PathBuf;

use super::node::Node;
use super::section::Section;
use crate::config::model::tls::{
    ClientTls, MODES, MODULES, ServerName, Tls, TlsMode, VERIFY_MODES,
};
use crate::config::model::{ListenerKind, Secret};
use crate::config::options::{C2S_TLS, LISTENER_TLS, POOL_TLS};
use crate::verify::VerifyMode;

impl Tls {
    pub(super) fn read(section: Section<'_>, kind: ListenerKind) -> Self {
        let common = Common::read(&section);
        let mut tls = Self {
            mode: TlsMode::Tls,
            verify_mode: common.verify_mode,
            disconnect_on_failure: common.disconnect_on_failure,
            fast_tls: false,
            certfile: common.certfile,
            keyfile: common.keyfile,
            password: common.password,
            cacertfile: common.cacertfile,
            crl_files: common.crl_files,
            ciphers: common.ciphers,
            versions: common.versions,
            path: section.path.clone(),
            line: section.line,
        };
        if kind == ListenerKind::C2s {
            tls.read_c2s(&section);
        }
        if tls.certfile.is_some()
            && tls.keyfile.is_none()
            && let Some(node) = section.get_idle("certfile")
        {
            node.warn(
                "certfile is given without keyfile: MongooseIM since 6.6.0 does not start with it; \
                 certjid accepts it",
            );
        }
        section.check(LISTENER_TLS);
        section.finish();
        tls
    }

    fn read_c2s(&mut self, section: &Section<'_>) {
        let mode = section.get_idle("mode").and_then(|node| node.one_of(MODES));
        self.mode = mode.unwrap_or_default();
        if let Some(node) = section.get("module") {
            self.fast_tls = node.one_of(MODULES).unwrap_or_default();
            node.warn(format!(
                "MongooseIM 4.0.0 to 6.3.x read `module`, and releases since 6.4.0 do not start \
                 with it{}",
                if self.fast_tls {
                    "; as in those, disconnect_on_failure has no effect with fast_tls, and no \
                     certificate ends a connection"
                } else {
                    ", for just_tls is all that they have; so has certjid"
                }
            ));
        }
        if self.fast_tls {
            self.disconnect_on_failure = false;
        }
        section.check(C2S_TLS);
    }
}

impl ClientTls {
    pub(super) fn read(section: Section<'_>) -> Self {
        let common = Common::read(&section);
        match (section.get("certfile"), section.get("keyfile")) {
            (Some(node), None) => node.error(
                "certfile is given without keyfile: MongooseIM since 6.6.0 does not start with it, \
                 and without its key the certificate can't be presented",
            ),
            (None, Some(node)) => {
                node.error(
                    "keyfile is given without certfile, so that there is nothing to present",
                );
            }
            _ => {}
        }
        let server_name = section.get("server_name_indication");
        let server_name = server_name.and_then(|node| ServerName::read(&node));
        let tls = Self {
            verify_mode: common.verify_mode,
            disconnect_on_failure: common.disconnect_on_failure,
            certfile: common.certfile,
            keyfile: common.keyfile,
            password: common.password,
            cacertfile: common.cacertfile,
            crl_files: common.crl_files,
            ciphers: common.ciphers,
            versions: common.versions,
            server_name: server_name.unwrap_or_default(),
            path: section.path.clone(),
            line: section.line,
        };
        section.check(POOL_TLS);
        section.finish();
        tls
    }
}

impl ServerName {
    fn read(node: &Node<'_>) -> Option<Self> {
        if node.flag() == Some(false) {
            node.warn(
                "MongooseIM 4.0.0 to 5.0.x reads `server_name_indication = false`, and later \
                 releases do not start with it; certjid takes it for enabled = false",
            );
            return Some(Self {
                enabled: false,
                ..Self::default()
            });
        }
        let section = node.section()?;
        let enabled = section.get("enabled").and_then(|node| node.boolean());
        let host = section.get("host").and_then(|node| node.non_empty());
        let protocol = section.get("protocol");
        let https = protocol.and_then(|node| node.one_of(&[("default", false), ("https", true)]));
        section.finish();
        Some(Self {
            enabled: enabled.unwrap_or(true),
            host: host.map(str::to_owned),
            https: https.unwrap_or_default(),
        })
    }
}

/// What both ends have.
struct Common {
    verify_mode: VerifyMode,
    disconnect_on_failure: bool,
    certfile: Option<PathBuf>,
    keyfile: Option<PathBuf>,
    password: Option<Secret>,
    cacertfile: Option<PathBuf>,
    crl_files: Vec<PathBuf>,
    ciphers: Option<String>,
    versions: Option<Vec<String>>,
}

impl Common {
    fn read(section: &Section<'_>) -> Self {
        // Of a listener, these are the server's own affair.
        let own = |key| section.get_idle(key);
        let disconnect = section
            .get("disconnect_on_failure")
            .and_then(|node| node.boolean());
        let crl_files = section
            .get("crl_files")
            .and_then(|node| node.list_of(Node::file));
        let password = own("password");
        let versions = own("versions");
        let versions =
            versions.and_then(|node| node.list_of(|version| version.string().map(str::to_owned)));
        Self {
            verify_mode: verify_mode(section),
            disconnect_on_failure: disconnect.unwrap_or(true),
            certfile: own("certfile").and_then(|node| node.file()),
            keyfile: own("keyfile").and_then(|node| node.file()),
            password: password.and_then(|node| node.string()).map(Secret::new),
            cacertfile: cacertfile(section),
            crl_files: crl_files.unwrap_or_default(),
            ciphers: own("ciphers").and_then(|node| ciphers(&node)),
            versions,
        }
    }
}

fn verify_mode(section: &Section<'_>) -> VerifyMode {
    let mode = section
        .get("verify_mode")
        .and_then(|node| node.one_of(VERIFY_MODES));
    let mode = mode.unwrap_or_default();
    let Some(node) = section.get("verify_peer") else {
        return mode;
    };
    let Some(verify) = node.boolean() else {
        return mode;
    };
    let meaning = if verify { mode } else { VerifyMode::None };
    node.warn(format!(
        "MongooseIM 4.0.0 to 5.0.0 read `verify_peer`, and releases since 5.1.0 do not start with \
         it; certjid takes it for verify_mode = \"{meaning}\""
    ));
    meaning
}

fn cacertfile(section: &Section<'_>) -> Option<PathBuf> {
    let (node, documented) = (section.get("cacertfile"), section.get("cafile"));
    if let Some(documented) = &documented {
        documented.warn(
            "no MongooseIM release reads `cafile` in TOML, and 4.0.0 to 6.8.0 do not start with \
             it: the option is `cacertfile`, as which certjid reads it",
        );
        if node.is_some() {
            documented.error("both cacertfile and cafile are given");
        }
    }
    node.or(documented)?.file()
}

/// OpenSSL's list in one string, or the list of names that older releases read.
fn ciphers(node: &Node<'_>) -> Option<String> {
    if !node.is_list() {
        return node.string().map(str::to_owned);
    }
    node.warn(
        "MongooseIM 4.0.0 to 5.0.x reads a list here, and later releases do not start with it: \
         they read one string with colons between",
    );
    Some(node.list_of(Node::text)?.join(":"))
}
