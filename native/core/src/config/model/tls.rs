//! TLS options, of listeners and of outgoing pools.

use std::path::PathBuf;

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
    /// When the client asks for it, and nothing else comes before.
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

impl Default for ServerName {
    fn default() -> Self {
        Self {
            enabled: true,
            host: None,
            https: false,
        }
    }
}

pub(crate) const MODES: &[(&str, TlsMode)] = &[
    ("tls", TlsMode::Tls),
    ("starttls", TlsMode::Starttls),
    ("starttls_required", TlsMode::StarttlsRequired),
];

/// Whether each module is fast_tls.
pub(crate) const MODULES: &[(&str, bool)] = &[("fast_tls", true), ("just_tls", false)];

pub(crate) const VERIFY_MODES: &[(&str, VerifyMode)] = &[
    ("peer", VerifyMode::Peer),
    ("selfsigned_peer", VerifyMode::SelfsignedPeer),
    ("none", VerifyMode::None),
];
