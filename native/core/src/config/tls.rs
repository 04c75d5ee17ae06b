//! TLS options, of listeners and of outgoing pools.

use std::path::PathBuf;

use super::advice;
use super::listen::ListenerKind;
use super::reader::{Node, Section};
use super::secret::Secret;
use crate::verify::VerifyMode;

/// The TLS options of a listener. Those that touch only the server's own end of the handshake
/// (`dhfile`, `early_data`, `session_tickets`, `keep_secrets`) are checked and left to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    /// `mode`: when TLS begins. Default: `starttls`; an HTTP listener has no choice.
    pub mode: TlsMode,
    /// `verify_mode`: what is asked of the client's certificate. Default: `peer`.
    pub verify_mode: VerifyMode,
    /// `disconnect_on_failure`: whether a client whose certificate fails, or is missing, loses
    /// its connection. Default: true; always false with `module = "fast_tls"`.
    pub disconnect_on_failure: bool,
    /// `module = "fast_tls"`, as MongooseIM 4.0.0 to 6.3.x read it. Default: false.
    pub fast_tls: bool,
    /// `certfile`: the server's certificate and chain. Default: none.
    pub certfile: Option<PathBuf>,
    /// `keyfile`: the server's private key. Default: none.
    pub keyfile: Option<PathBuf>,
    /// `password`: of the key. Default: none.
    pub password: Option<Secret>,
    /// `cacertfile`: the CAs that may issue client certificates. Default: none, which means
    /// those of the operating system.
    pub cacertfile: Option<PathBuf>,
    /// `crl_files`: certificate revocation lists. Default: none.
    pub crl_files: Vec<PathBuf>,
    /// `ciphers`: in OpenSSL's format. Default: OTP's.
    pub ciphers: Option<String>,
    /// `versions`: of TLS, in OTP's names. Default: OTP's, 1.2 and 1.3.
    pub versions: Option<Vec<String>>,
    /// Where the section stands, such as `listen.c2s[1].tls`.
    pub path: String,
    /// The line where the section begins, from 1.
    pub line: usize,
}

/// When TLS begins: `tls.mode`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TlsMode {
    /// When the client asks for it.
    #[default]
    Starttls,
    /// When the client asks for it, and nothing goes before.
    StarttlsRequired,
    /// At once.
    Tls,
}

/// The TLS options of an outgoing pool.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientTls {
    /// `verify_mode`: how the service's certificate is checked. Default: `peer`.
    pub verify_mode: VerifyMode,
    /// `disconnect_on_failure`. Default: true.
    pub disconnect_on_failure: bool,
    /// `certfile`: the certificate to present to the service. Default: none.
    pub certfile: Option<PathBuf>,
    /// `keyfile`: its private key. Default: none.
    pub keyfile: Option<PathBuf>,
    /// `password`: of the key. Default: none.
    pub password: Option<Secret>,
    /// `cacertfile`: the CAs that may issue the service's certificate. Default: none, which
    /// means those of the operating system.
    pub cacertfile: Option<PathBuf>,
    /// `crl_files`: certificate revocation lists. Default: none.
    pub crl_files: Vec<PathBuf>,
    /// `ciphers`: in OpenSSL's format. Default: OTP's.
    pub ciphers: Option<String>,
    /// `versions`: of TLS, in OTP's names. Default: OTP's, 1.2 and 1.3.
    pub versions: Option<Vec<String>>,
    /// `server_name_indication`.
    pub server_name: ServerName,
    /// Where the section stands, such as `outgoing_pools.http.auth.connection.tls`.
    pub path: String,
    /// The line where the section begins, from 1.
    pub line: usize,
}

/// `tls.server_name_indication` of an outgoing pool.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerName {
    /// `enabled`: whether the server's name is sent and checked. Default: true.
    pub enabled: bool,
    /// `host`: the name. Default: the host that the pool connects to.
    pub host: Option<String>,
    /// `protocol = "https"`: whether a wildcard in the certificate may stand for the name's
    /// first label, as for HTTPS. Default: false.
    pub https: bool,
}

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
        if let Some(node) = section.get("dhfile") {
            node.file();
        }
        if let Some(node) = section.get("early_data") {
            node.boolean();
        }
        if let Some(node) = section.get("session_tickets") {
            node.one_of(&[("stateless", ())]);
        }
        advice::on_tls(&section, &tls, kind);
        section.finish();
        tls
    }

    fn read_c2s(&mut self, section: &Section<'_>) {
        let mode = section.get("mode").and_then(|node| node.one_of(MODES));
        self.mode = mode.unwrap_or_default();
        if let Some(node) = section.get("keep_secrets") {
            node.boolean();
        }
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
        if let Some(node) = section.get("protocol_options") {
            node.list_of(Node::string);
            node.warn(
                "MongooseIM 4.0.0 to 6.3.x read `protocol_options` with fast_tls, and releases \
                 since 6.4.0 do not start with it; certjid ignores it",
            );
        }
        if self.fast_tls {
            self.disconnect_on_failure = false;
        }
    }
}

impl ClientTls {
    pub(super) fn read(section: Section<'_>) -> Self {
        let common = Common::read(&section);
        let server_name = section.get("server_name_indication");
        let server_name = server_name.and_then(|node| node.section());
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
            server_name: server_name.map(ServerName::read).unwrap_or_default(),
            path: section.path.clone(),
            line: section.line,
        };
        section.finish();
        tls
    }
}

impl Default for ClientTls {
    fn default() -> Self {
        Self {
            verify_mode: VerifyMode::default(),
            disconnect_on_failure: true,
            certfile: None,
            keyfile: None,
            password: None,
            cacertfile: None,
            crl_files: Vec::new(),
            ciphers: None,
            versions: None,
            server_name: ServerName::default(),
            path: String::new(),
            line: 0,
        }
    }
}

impl ServerName {
    fn read(section: Section<'_>) -> Self {
        let enabled = section.get("enabled").and_then(|node| node.boolean());
        let host = section.get("host").and_then(|node| node.non_empty());
        let protocol = section.get("protocol");
        let https = protocol.and_then(|node| node.one_of(&[("default", false), ("https", true)]));
        section.finish();
        Self {
            enabled: enabled.unwrap_or(true),
            host: host.map(str::to_owned),
            https: https.unwrap_or_default(),
        }
    }
}

impl Default for ServerName {
    fn default() -> Self {
        Self {
            enabled: true,
            host: None,
            https: false,
        }
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
        let file = |key| section.get(key).and_then(|node| node.file());
        let text = |key| section.get(key).and_then(|node| node.string());
        let disconnect = section
            .get("disconnect_on_failure")
            .and_then(|node| node.boolean());
        let crl_files = section
            .get("crl_files")
            .and_then(|node| node.list_of(Node::file));
        let versions = section.get("versions");
        let versions =
            versions.and_then(|node| node.list_of(|version| version.string().map(str::to_owned)));
        let certfile = section.get("certfile");
        let keyfile = section.get("keyfile");
        if let (Some(node), None) = (&certfile, &keyfile) {
            node.warn(
                "certfile stands without keyfile: MongooseIM since 6.6.0 does not start with it; \
                 certjid accepts it",
            );
        }
        Self {
            verify_mode: verify_mode(section),
            disconnect_on_failure: disconnect.unwrap_or(true),
            certfile: certfile.and_then(|node| node.file()),
            keyfile: keyfile.and_then(|node| node.file()),
            password: text("password").map(Secret::new),
            cacertfile: cafile(section).or_else(|| file("cacertfile")),
            crl_files: crl_files.unwrap_or_default(),
            ciphers: text("ciphers").map(str::to_owned),
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

fn cafile(section: &Section<'_>) -> Option<PathBuf> {
    let node = section.get("cafile")?;
    node.warn(
        "no MongooseIM release reads `cafile` in TOML, and 4.0.0 to 6.8.0 do not start with it: \
         the option is `cacertfile`, as which certjid reads it",
    );
    if section.get("cacertfile").is_some() {
        node.error("both cacertfile and cafile are given");
    }
    node.file()
}

const MODES: &[(&str, TlsMode)] = &[
    ("tls", TlsMode::Tls),
    ("starttls", TlsMode::Starttls),
    ("starttls_required", TlsMode::StarttlsRequired),
];

/// Whether each module is fast_tls.
const MODULES: &[(&str, bool)] = &[("fast_tls", true), ("just_tls", false)];

const VERIFY_MODES: &[(&str, VerifyMode)] = &[
    ("peer", VerifyMode::Peer),
    ("selfsigned_peer", VerifyMode::SelfsignedPeer),
    ("none", VerifyMode::None),
];
