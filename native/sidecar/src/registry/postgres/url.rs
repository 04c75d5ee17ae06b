//! `postgresql://` URLs, with what libpq's have and tokio-postgres leaves out: `sslrootcert`,
//! and `sslmode=verify-full`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certjid_core::pem;
use form_urlencoded::parse;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::password;
use crate::pem_file;
use crate::registry::RegistryError;

/// How to reach a database.
pub(in crate::registry) struct Url {
    config: Config,
    ssl_mode: Option<String>,
    ssl_root_cert: Option<PathBuf>,
}

impl Url {
    /// None where the text is the name of a file.
    pub(in crate::registry) fn parse(text: &str) -> Result<Option<Self>, RegistryError> {
        if !SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(None);
        }
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut ssl_mode, mut ssl_root_cert) = (None, None);
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match parse(pair.as_bytes()).next() {
                Some((name, value)) if name == "sslmode" => ssl_mode = Some(value.into_owned()),
                Some((name, value)) if name == "sslrootcert" => {
                    ssl_root_cert = Some(PathBuf::from(value.into_owned()));
                }
                _ => others.push(pair),
            }
        }
        let rest = format!("{address}?{}", others.join("&"));
        // The parser's words name options, and no values.
        let config: Config = rest.parse().map_err(|error: tokio_postgres::Error| {
            use std::error::Error as _;
            let cause = error.source().map(ToString::to_string);
            unusable(format!("{error}: {}", cause.unwrap_or_default()))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(unusable("there is no host"));
        }
        Ok(Some(Self {
            config,
            ssl_mode,
            ssl_root_cert,
        }))
    }

    pub(in crate::registry) fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Host, port and database.
    pub(super) fn name(&self) -> String {
        let database = self.config.get_dbname().unwrap_or_default();
        format!("PostgreSQL at {}/{database}", self.hosts().join(","))
    }

    /// TLS with a verified certificate, unless the server is on this machine or the URL says
    /// `sslmode=disable`. Nothing between is offered: who is on the way could choose the users.
    pub(super) fn tls(&self) -> Result<Option<MakeRustlsConnect>, RegistryError> {
        let wanted = match self.ssl_mode.as_deref() {
            None => !self.is_local(),
            Some("disable") => false,
            Some("require" | "verify-full") => true,
            Some(other) => {
                return Err(unusable(format!(
                    "sslmode is {other:?}; it can be disable, or require or verify-full, which \
                     both verify the server's certificate and name"
                )));
            }
        };
        if !wanted {
            return Ok(None);
        }
        let mut roots = RootCertStore::empty();
        match &self.ssl_root_cert {
            Some(file) => {
                for der in pem_file::ders(file, pem::ca_certificates).map_err(unusable)? {
                    let added = roots.add(der.into());
                    added.map_err(|error| unusable(pem_file::named(file, error)))?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Some(MakeRustlsConnect::new(config)))
    }

    /// What tokio-postgres needs, with the password from wherever libpq looks for one.
    pub(super) fn into_config(self) -> Result<Config, RegistryError> {
        let mode = match self.tls()? {
            Some(_) => SslMode::Require,
            None => SslMode::Disable,
        };
        let password = match self.has_password() {
            true => None,
            false => password::find(&self.hosts(), &self.config).map_err(unusable)?,
        };
        let mut config = self.config;
        config.ssl_mode(mode);
        if let Some(password) = password {
            config.password(password);
        }
        if config.get_options().is_none() {
            // A question whose asker has gone ends in the server too.
            config.options("-c statement_timeout=5s");
        }
        if config.get_application_name().is_none() {
            config.application_name("certjid");
        }
        config.keepalives_idle(KEEPALIVE);
        Ok(config)
    }

    /// Each as `host:port`.
    fn hosts(&self) -> Vec<String> {
        let ports = self.config.get_ports();
        let port = |i: usize| {
            ports
                .get(i)
                .or_else(|| ports.first())
                .copied()
                .unwrap_or(PORT)
        };
        let hosts = self.config.get_hosts().iter().enumerate();
        hosts
            .map(|(i, host)| match host {
                Host::Tcp(name) => format!("{name}:{}", port(i)),
                Host::Unix(path) => format!("{}:{}", path.display(), port(i)),
            })
            .collect()
    }

    fn is_local(&self) -> bool {
        let is_loopback = |name: &str| {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        };
        self.config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => is_loopback(name),
            Host::Unix(_) => true,
        }) && self.config.get_hostaddrs().iter().all(IpAddr::is_loopback)
    }
}

fn unusable(why: impl core::fmt::Display) -> RegistryError {
    RegistryError::Unusable(format!("the URL of the registry: {why}"))
}

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

const PORT: u16 = 5432;

const KEEPALIVE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_verified_unless_the_server_is_here() {
        let tls = |text: &str| {
            let url = Url::parse(text).unwrap().unwrap();
            url.tls().map(|tls| tls.is_some()).ok()
        };
        for (text, expected) in [
            ("postgres://u@db.example.org/x", Some(true)),
            ("postgres://u@localhost/x", Some(false)),
            ("postgresql://u@127.0.0.1:5433/x", Some(false)),
            ("postgres://u@%2Frun%2Fpostgresql/x", Some(false)),
            ("postgres://u@localhost,db.example.org/x", Some(true)),
            ("postgres://u@localhost/x?hostaddr=192.0.2.1", Some(true)),
            ("postgres://u@db.example.org/x?sslmode=disable", Some(false)),
            ("postgres://u@localhost/x?sslmode=require", Some(true)),
            (
                "postgres://u@localhost/x?connect_timeout=1&sslmode=verify-full",
                Some(true),
            ),
            ("postgres://u@db.example.org/x?sslmode=prefer", None),
        ] {
            assert_eq!(tls(text), expected, "{text}");
        }
        assert!(Url::parse("postgres.db").unwrap().is_none());
        for wrong in [
            "postgres:///x",
            "postgres://u@h/x?sslkey=k",
            "postgres://u@h:port/x",
        ] {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_error_and_no_name_has_the_password() {
        let url = Url::parse("postgres://u:sesame@h1:1,h2:2/x")
            .unwrap()
            .unwrap();
        assert!(url.has_password());
        assert_eq!(url.name(), "PostgreSQL at h1:1,h2:2/x");
        for wrong in ["u:sesame@h:port/x", "u:sesame@h/x?no=1", "u:sesame@"] {
            let Err(error) = Url::parse(&format!("postgres://{wrong}")) else {
                panic!("{wrong}")
            };
            assert!(!error.to_string().contains("sesame"), "{error}");
        }
    }
}
