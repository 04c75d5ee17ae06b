//! `tls` of an outgoing pool, for rustls.

use std::path::Path;
use std::sync::Arc;

use certjid_core::config::ClientTls;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// The options of a client.
///
/// # Errors
/// Where a file can't be used; its name and why.
pub(super) fn client_config(tls: &ClientTls) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match &tls.cacertfile {
        Some(file) => {
            for der in certificates(file)? {
                roots
                    .add(der)
                    .map_err(|error| format!("{}: {error}", file.display()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    match (&tls.certfile, &tls.keyfile) {
        (Some(certfile), Some(keyfile)) => {
            let key = PrivateKeyDer::from_pem_file(keyfile)
                .map_err(|error| format!("{}: {error}", keyfile.display()))?;
            config
                .with_client_auth_cert(certificates(certfile)?, key)
                .map_err(|error| format!("{}: {error}", certfile.display()))
        }
        _ => Ok(config.with_no_client_auth()),
    }
}

/// The certificates of a PEM file, of which there must be one.
///
/// # Errors
/// As [`client_config`].
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| format!("{}: {error}", file.display()))?;
    if certificates.is_empty() {
        return Err(format!("{} has no CERTIFICATE block", file.display()));
    }
    Ok(certificates)
}
