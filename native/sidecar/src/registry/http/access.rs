//! Who may ask: TLS, basic auth, and where neither is needed.

use core::fmt;
use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certjid_core::config::Secret;
use certjid_core::pem::{self, PrivateKey};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;

use crate::pem_file;

/// Where to listen, and the files that say who may ask.
#[derive(Clone, Debug)]
pub struct AccessOptions {
    /// The address.
    pub address: SocketAddr,
    /// The server's certificate and intermediates, in PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key: Option<PathBuf>,
    /// A file whose first line is `user:password`, in place of the variable
    /// `CERTJID_HTTP_BASIC_AUTH`.
    pub basic_auth: Option<PathBuf>,
}

/// What the files hold.
#[derive(Debug)]
pub struct Access {
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) basic_auth: Option<Secret>,
}

impl Access {
    /// Reads the files.
    ///
    /// # Errors
    /// Where one can't be used, or others than this machine could ask unencrypted or unknown.
    pub fn load(options: &AccessOptions) -> Result<Self, AccessError> {
        let tls = match (&options.certificate, &options.key) {
            (Some(certificate), Some(key)) => Some(Arc::new(server_config(certificate, key)?)),
            (None, None) => None,
            _ => {
                return Err(AccessError(
                    "--http-cert and --http-key are of use together only".to_owned(),
                ));
            }
        };
        let basic_auth = credential(options.basic_auth.as_deref())?;
        let missing = match (&tls, &basic_auth) {
            _ if options.address.ip().is_loopback() => None,
            (Some(_), Some(_)) => None,
            (None, Some(_)) => Some("TLS (--http-cert and --http-key)"),
            (Some(_), None) => Some("basic auth (--http-basic-auth-file)"),
            (None, None) => {
                Some("TLS (--http-cert and --http-key) and basic auth (--http-basic-auth-file)")
            }
        };
        match missing {
            Some(what) => Err(AccessError(format!(
                "{} is not a loopback address: the registry is served there with {what} only",
                options.address.ip()
            ))),
            None => Ok(Self { tls, basic_auth }),
        }
    }
}

/// Why the service can't be offered as asked.
#[derive(Debug)]
pub struct AccessError(String);

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AccessError {}

fn server_config(certificate: &Path, key: &Path) -> Result<ServerConfig, AccessError> {
    let chain = pem_file::ders(certificate, pem::certificates).map_err(AccessError)?;
    let private = |text: &[u8]| pem::private_key(text).and_then(PrivateKey::plain);
    let private = pem_file::read(key, private).map_err(AccessError)?;
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(
                chain.into_iter().map(CertificateDer::from).collect(),
                private,
            )
        })
        .map_err(|error| AccessError(pem_file::named(certificate, error)))
}

fn credential(file: Option<&Path>) -> Result<Option<Secret>, AccessError> {
    let (place, text) = match file {
        Some(file) => {
            let text = fs::read_to_string(file)
                .map_err(|error| AccessError(format!("{}: {error}", file.display())))?;
            let line = text.lines().next().unwrap_or_default().to_owned();
            (file.display().to_string(), line)
        }
        None => match env::var(BASIC_AUTH) {
            Ok(text) => (BASIC_AUTH.to_owned(), text),
            Err(env::VarError::NotPresent) => return Ok(None),
            Err(error) => return Err(AccessError(format!("{BASIC_AUTH}: {error}"))),
        },
    };
    // An empty password would be a credential that anybody guesses.
    match text.split_once(':') {
        Some((_, password)) if !password.is_empty() => Ok(Some(Secret::new(text))),
        _ => Err(AccessError(format!("{place}: there is no user:password"))),
    }
}

const BASIC_AUTH: &str = "CERTJID_HTTP_BASIC_AUTH";
