//! The options of `certjid serve`, from three places: the command line before the environment
//! before the settings file. They are not in mongooseim.toml, where MongooseIM would refuse
//! them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Deserialize;

use super::Unusable;
use super::crl_policy::OnCrl;
use crate::server::TrustedProxy;

/// The options that may stand in a settings file, under their names with underscores.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The mongooseim.toml to decide by
    #[arg(long, env = "CERTJID_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The Unix socket to listen on; not needed where systemd passes one
    #[arg(long, env = "CERTJID_SOCKET", value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// The mode of the socket file, in octal [default: 0660]
    #[arg(long, env = "CERTJID_SOCKET_MODE", value_name = "MODE")]
    pub socket_mode: Option<String>,
    /// The owner of the socket file, a name or an id
    #[arg(long, env = "CERTJID_SOCKET_OWNER", value_name = "USER")]
    pub socket_owner: Option<String>,
    /// The group of the socket file, a name or an id
    #[arg(long, env = "CERTJID_SOCKET_GROUP", value_name = "GROUP")]
    pub socket_group: Option<String>,
    /// A user id that may connect, several with commas or by repeating it; all by default
    #[arg(
        long,
        env = "CERTJID_ALLOW_UID",
        value_name = "UID",
        value_delimiter = ','
    )]
    pub allow_uid: Vec<u32>,
    /// Connections at the same time [default: 1024]
    #[arg(long, env = "CERTJID_MAX_CONNECTIONS", value_name = "NUMBER")]
    pub max_connections: Option<usize>,
    /// Seconds without a request until a connection is closed [default: 300]
    #[arg(long, env = "CERTJID_IDLE_TIMEOUT", value_name = "SECONDS")]
    pub idle_timeout: Option<u64>,
    /// A listener whose client certificates come in HTTP headers, and the proxy that writes them,
    /// such as http=nginx; envoy, haproxy, nginx or rfc9440. Several with commas or by repeating
    /// it; none by default
    #[arg(
        long,
        env = "CERTJID_TRUST_FORWARDED",
        value_name = "LISTENER=PROXY",
        value_delimiter = ','
    )]
    pub trust_forwarded: Vec<TrustedProxy>,
    /// Reload when the configuration, a CA file or a CRL changes, and not only on SIGHUP
    #[arg(long, env = "CERTJID_WATCH")]
    pub watch: bool,
    /// Whether to accept certificates whose issuer has no CRL, at listeners with crl_files
    /// [default: allow]
    #[arg(long, env = "CERTJID_MISSING_CRL", value_name = "VERDICT")]
    pub missing_crl: Option<OnCrl>,
    /// Whether to accept certificates whose issuer's CRL is out of date [default: refuse]
    #[arg(long, env = "CERTJID_STALE_CRL", value_name = "VERDICT")]
    pub stale_crl: Option<OnCrl>,
    /// The tag of a pool outgoing_pools.ldap.TAG that uses StartTLS, several with commas or by
    /// repeating it; LDAPS where the pool has a section tls by default
    #[arg(
        long,
        env = "CERTJID_LDAP_STARTTLS",
        value_name = "TAG",
        value_delimiter = ','
    )]
    pub ldap_starttls: Vec<String>,
    /// The registry to serve over HTTP: a file, or the postgresql:// URL of a database
    #[arg(
        long,
        env = "CERTJID_REGISTRY",
        value_name = "FILE|URL",
        hide_env_values = true
    )]
    pub registry: Option<String>,
    /// Serve the registry at this address, such as 127.0.0.1:8090
    #[arg(long, env = "CERTJID_HTTP", value_name = "ADDRESS")]
    pub http: Option<SocketAddr>,
    /// The certificate of the registry's service, with its intermediates, in PEM
    #[arg(long, env = "CERTJID_HTTP_CERT", value_name = "FILE")]
    pub http_cert: Option<PathBuf>,
    /// The private key of that certificate, in PEM
    #[arg(long, env = "CERTJID_HTTP_KEY", value_name = "FILE")]
    pub http_key: Option<PathBuf>,
    /// A file whose first line is the user:password that must be sent to the registry's service;
    /// it may be in CERTJID_HTTP_BASIC_AUTH instead
    #[arg(long, env = "CERTJID_HTTP_BASIC_AUTH_FILE", value_name = "FILE")]
    pub http_basic_auth_file: Option<PathBuf>,
    /// Serve metrics for Prometheus at this address, such as 127.0.0.1:9464, to whoever can reach it
    #[arg(long, env = "CERTJID_METRICS", value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
    /// Refused logins and other refusals that are logged a second, after the first 200
    /// [default: 10]
    #[arg(long, env = "CERTJID_LOG_REFUSALS", value_name = "NUMBER")]
    pub log_refusals: Option<u32>,
    /// How log lines are written [default: journald where systemd takes standard error into its
    /// journal, text otherwise]
    #[arg(long, env = "CERTJID_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// The least important log lines that are written [default: info]
    #[arg(long, env = "CERTJID_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// To systemd's journal, with fields.
    Journald,
    /// An object a line.
    Json,
    /// For people; in systemd's journal with the priority of each line.
    Text,
}

/// The importance of a log line.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What ends in no answer.
    Error,
    /// What is refused without a decision.
    Warn,
    /// Every login.
    #[default]
    Info,
    /// Connections too.
    Debug,
    /// Everything.
    Trace,
}

impl From<LogLevel> for tracing::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

impl Settings {
    /// Completes the settings from a file.
    pub(super) fn or_file(self, path: &Path) -> Result<Self, Unusable> {
        let named =
            |error: &dyn core::fmt::Display| Unusable(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| named(&error))?;
        // The error's own text shows the line, and there may be a password in it.
        let file: Self = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            named(&format_args!("line {line}: {}", error.message()))
        })?;
        Ok(Self {
            config: self.config.or(file.config),
            socket: self.socket.or(file.socket),
            socket_mode: self.socket_mode.or(file.socket_mode),
            socket_owner: self.socket_owner.or(file.socket_owner),
            socket_group: self.socket_group.or(file.socket_group),
            allow_uid: or_list(self.allow_uid, file.allow_uid),
            max_connections: self.max_connections.or(file.max_connections),
            idle_timeout: self.idle_timeout.or(file.idle_timeout),
            trust_forwarded: or_list(self.trust_forwarded, file.trust_forwarded),
            watch: self.watch || file.watch,
            missing_crl: self.missing_crl.or(file.missing_crl),
            stale_crl: self.stale_crl.or(file.stale_crl),
            ldap_starttls: or_list(self.ldap_starttls, file.ldap_starttls),
            registry: self.registry.or(file.registry),
            http: self.http.or(file.http),
            http_cert: self.http_cert.or(file.http_cert),
            http_key: self.http_key.or(file.http_key),
            http_basic_auth_file: self.http_basic_auth_file.or(file.http_basic_auth_file),
            metrics: self.metrics.or(file.metrics),
            log_refusals: self.log_refusals.or(file.log_refusals),
            log_format: self.log_format.or(file.log_format),
            log_level: self.log_level.or(file.log_level),
        })
    }
}

/// A list that is given replaces the file's, and is not added to it.
fn or_list<T>(given: Vec<T>, file: Vec<T>) -> Vec<T> {
    if given.is_empty() { file } else { given }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_goes_before_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("certjid.toml");
        fs::write(
            &path,
            "socket = \"/a\"\nmax_connections = 5\nlog_level = \"warn\"\n",
        )
        .unwrap();
        let given = Settings {
            socket: Some("/b".into()),
            ..Settings::default()
        };
        let settings = given.or_file(&path).unwrap();
        assert_eq!(settings.socket, Some("/b".into()));
        assert_eq!(settings.max_connections, Some(5));
        assert_eq!(settings.log_level, Some(LogLevel::Warn));

        fs::write(&path, "sockets = \"/a\"\n").unwrap();
        let Unusable(message) = Settings::default().or_file(&path).unwrap_err();
        assert!(
            message.contains("sockets") && message.contains("certjid.toml"),
            "{message}"
        );

        fs::write(
            &path,
            "watch = true\nregistry = \"postgres://u:sesame@h/d\n",
        )
        .unwrap();
        let Unusable(message) = Settings::default().or_file(&path).unwrap_err();
        assert!(
            message.contains("line 2") && !message.contains("sesame"),
            "{message}"
        );
    }
}
