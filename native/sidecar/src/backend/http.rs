//! MongooseIM's method `http`: does the service know this certificate as the user's?

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::certificate::encoding;
use certjid_core::config::{ClientTls, HttpConnection, Pool, Secret};
use certjid_core::policy::{MethodAnswer, MethodQuestion};
use certjid_core::verify::VerifyMode;
use form_urlencoded::byte_serialize;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::tls;

/// A service at one address, with its connections, which are kept open.
#[derive(Debug)]
pub(super) struct Service {
    agent: Agent,
    /// Address and path up to the name of the request.
    base: String,
    call_timeout: std::time::Duration,
}

impl Service {
    /// Prepares the connections of `outgoing_pools.http.TAG`.
    ///
    /// # Errors
    /// Where a file of its `tls` section can't be used.
    pub(super) fn new(pool: &Pool, connection: &HttpConnection) -> Result<Self, String> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_per_call(Some(connection.request_timeout))
            .max_idle_connections(pool.workers)
            .max_idle_connections_per_host(pool.workers)
            .user_agent(concat!("certjid/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls_config(connection.tls.as_ref())?);
        Ok(Self {
            agent: config.build().into(),
            base: format!("{}{}", connection.host, connection.path_prefix),
            call_timeout: pool.call_timeout,
        })
    }

    /// Asks `get_certs` for the user's certificates, and looks for the client's among them.
    pub(super) fn knows(
        &self,
        question: &MethodQuestion<'_>,
        basic_auth: Option<&Secret>,
    ) -> MethodAnswer {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let url = format!(
            "{}get_certs?user={}&server={}&pass=",
            self.base,
            encoded(question.username),
            encoded(question.host)
        );
        let (status, body) = match self.get(&url, basic_auth) {
            Ok(answer) => answer,
            Err(error) => {
                return MethodAnswer::Unavailable(format!("the service does not answer: {error}"));
            }
        };
        match status {
            200 => compare(&body, question.certificate),
            204 => MethodAnswer::Refused("the service knows no certificate of the user".to_owned()),
            500.. => MethodAnswer::Unavailable(format!("the service answers with status {status}")),
            _ => MethodAnswer::Refused(format!("the service answers with status {status}")),
        }
    }

    /// As MongooseIM's pool, this asks a second time where the first gets no answer, unless the
    /// caller's time is over.
    fn get(&self, url: &str, basic_auth: Option<&Secret>) -> Result<(u16, Vec<u8>), ureq::Error> {
        let begun = Instant::now();
        match self.get_once(url, basic_auth) {
            Err(error) if is_transient(&error) && begun.elapsed() * 2 < self.call_timeout => {
                self.get_once(url, basic_auth)
            }
            answer => answer,
        }
    }

    fn get_once(
        &self,
        url: &str,
        basic_auth: Option<&Secret>,
    ) -> Result<(u16, Vec<u8>), ureq::Error> {
        let mut request = self.agent.get(url);
        if let Some(secret) = basic_auth {
            let encoded = STANDARD.encode(secret.expose());
            request = request.header("authorization", format!("Basic {encoded}"));
        }
        let mut response = request.call()?;
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(MAX_BODY)
            .read_to_vec()?;
        Ok((status, body))
    }
}

fn is_transient(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed
    )
}

fn compare(body: &[u8], certificate: &[u8]) -> MethodAnswer {
    // Text without a certificate is an answer too: none is known.
    match encoding::pem_certificates(body) {
        Ok(known) if known.iter().any(|der| der == certificate) => {
            MethodAnswer::Accepted("the service knows the certificate".to_owned())
        }
        Ok(known) => MethodAnswer::Refused(format!(
            "the certificate is none of the {} that the service knows of the user",
            known.len()
        )),
        Err(error) => MethodAnswer::Refused(format!("the service's answer can't be read: {error}")),
    }
}

fn tls_config(section: Option<&ClientTls>) -> Result<TlsConfig, String> {
    let mut config = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()));
    if let Some(section) = section {
        config = config
            .use_sni(section.server_name.enabled)
            .disable_verification(section.verify_mode == VerifyMode::None);
        if let (Some(certfile), Some(keyfile)) = (&section.certfile, &section.keyfile) {
            let key = PrivateKey::from_pem(&read(keyfile)?)
                .map_err(|error| format!("{}: {error}", keyfile.display()))?;
            let client = ClientCert::new_with_certs(&of_rustls(&tls::certificates(certfile)?), key);
            config = config.client_cert(Some(client));
        }
    }
    let roots = match section.and_then(|section| section.cacertfile.as_ref()) {
        Some(cacertfile) => tls::certificates(cacertfile)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let roots = of_rustls(&roots);
    Ok(config.root_certs(RootCerts::new_with_certs(&roots)).build())
}

fn of_rustls(ders: &[CertificateDer<'_>]) -> Vec<Certificate<'static>> {
    ders.iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect()
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{} can't be read: {error}", file.display()))
}

/// The greatest answer of a service, in bytes: hundreds of certificates.
const MAX_BODY: u64 = 1024 * 1024;
