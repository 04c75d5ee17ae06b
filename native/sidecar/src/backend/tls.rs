//! `tls` of an outgoing pool: TLS as a client, for both kinds of services.

use core::iter;
use std::io;
use std::path::Path;
use std::sync::Arc;

use certjid_core::config::{ClientTls, Secret};
use certjid_core::message::quote;
use certjid_core::pem::{self, PrivateKey};
use certjid_core::verify::{self, Crl, CrlPolicy, TrustStore, VerifyMode};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    SupportedProtocolVersion, version,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use webpki::EndEntityCert;

use crate::pem_file::{self, named};

/// How the connections to one server are secured.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// Reads the files of a section `tls`, for a server that the pool knows by `host`.
    ///
    /// # Errors
    /// Where a file can't be used; its name and why.
    pub(super) fn new(options: &ClientTls, host: &str) -> Result<Self, String> {
        let name = options.server_name.host.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| format!("{} is neither a DNS name nor an IP address", quote(name)))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier::new(
            options,
            name.clone(),
            provider.signature_verification_algorithms,
        )?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions(options)?)
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match (&options.certfile, &options.keyfile) {
            (Some(certfile), Some(keyfile)) => config
                .with_client_auth_cert(chain(certfile)?, key(keyfile, options)?)
                .map_err(|error| format!("{}: {error}", certfile.display()))?,
            _ => config.with_no_client_auth(),
        };
        config.enable_sni = options.server_name.enabled;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
        })
    }

    pub(super) async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

/// Checks a server as `verify_mode` and `server_name_indication` have it: its chain as the core
/// judges those of clients, and then its name. As in OTP, a wildcard in the certificate counts with
/// `protocol = "https"` alone, and where no name is sent, none is checked; the chain is.
#[derive(Debug)]
struct Verifier {
    mode: VerifyMode,
    trust: TrustStore,
    name: Option<ServerName<'static>>,
    wildcards: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn new(
        options: &ClientTls,
        name: ServerName<'static>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Self, String> {
        Ok(Self {
            mode: options.verify_mode,
            trust: trust(options)?,
            name: options.server_name.enabled.then_some(name),
            wildcards: options.server_name.https,
            algorithms,
        })
    }

    fn check_chain(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let chain: Vec<&CertificateDer<'_>> = iter::once(leaf).chain(others).collect();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        verify::verify_service(&chain, self.mode, &self.trust, now).map_err(|faults| {
            let message = faults.first().map(|fault| fault.message.clone());
            invalid(io::Error::other(message.unwrap_or_default()))
        })
    }

    fn check_name(&self, leaf: &CertificateDer<'_>) -> Result<(), Error> {
        let Some(name) = &self.name else {
            return Ok(());
        };
        let leaf = EndEntityCert::try_from(leaf).map_err(invalid)?;
        leaf.verify_is_valid_for_subject_name(name)
            .map_err(invalid)?;
        let is_exact = |name: &str| {
            leaf.valid_dns_names()
                .any(|known| known.eq_ignore_ascii_case(name))
        };
        match name {
            ServerName::DnsName(name) if !self.wildcards && !is_exact(name.as_ref()) => {
                Err(invalid(io::Error::other(format!(
                    "only a wildcard in the certificate stands for {:?}, which counts with \
                     server_name_indication.protocol = \"https\"",
                    name.as_ref()
                ))))
            }
            _ => Ok(()),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.mode == VerifyMode::None {
            return Ok(ServerCertVerified::assertion());
        }
        self.check_chain(end_entity, intermediates, now)?;
        self.check_name(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The CAs of the section, or the operating system's, and the lists.
fn trust(options: &ClientTls) -> Result<TrustStore, String> {
    if options.verify_mode == VerifyMode::None {
        return Ok(TrustStore::default());
    }
    let trust = match &options.cacertfile {
        Some(file) => {
            let ders = pem_file::ders(file, pem::ca_certificates)?;
            let ders = ders.into_iter().map(CertificateDer::from).collect();
            let (trust, unreadable) = TrustStore::from_readable(ders);
            match unreadable.into_iter().next() {
                Some((_, error)) if trust.ders().len() == 0 => return Err(named(file, error)),
                _ => trust,
            }
        }
        None => {
            // Without any, nobody is trusted.
            TrustStore::from_readable(rustls_native_certs::load_native_certs().certs).0
        }
    };
    let mut crls = Vec::new();
    for file in &options.crl_files {
        for der in pem_file::ders(file, pem::crls)? {
            crls.push(Crl::from_der(der).map_err(|error| named(file, error))?);
        }
    }
    Ok(trust.with_crls(crls, CrlPolicy::default()))
}

fn invalid(error: impl core::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}

/// Those of `versions` that are still in use; both where it is not set.
fn versions(options: &ClientTls) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let Some(wanted) = &options.versions else {
        return Ok(vec![&version::TLS13, &version::TLS12]);
    };
    let known = [("tlsv1.3", &version::TLS13), ("tlsv1.2", &version::TLS12)];
    let versions: Vec<_> = known
        .into_iter()
        .filter(|(name, _)| wanted.iter().any(|wanted| wanted == name))
        .map(|(_, version)| version)
        .collect();
    if versions.is_empty() {
        return Err("versions has neither tlsv1.2 nor tlsv1.3".to_owned());
    }
    Ok(versions)
}

/// A private key, which `password` may lock, as PKCS #8 has it.
fn key(file: &Path, options: &ClientTls) -> Result<PrivateKeyDer<'static>, String> {
    let locked = match pem_file::read(file, pem::private_key)? {
        PrivateKey::Plain(key) => return Ok(key),
        PrivateKey::Encrypted(der) => der,
    };
    let password = options.password.as_ref().map_or("", Secret::expose);
    let key = pkcs8::EncryptedPrivateKeyInfoRef::try_from(locked.as_slice())
        .and_then(|locked| locked.decrypt(password))
        .map_err(|error| named(file, format!("wrong password, or a broken key ({error})")))?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let ders = pem_file::ders(file, pem::certificates)?;
    Ok(ders.into_iter().map(CertificateDer::from).collect())
}
