//! The verify modes in a TLS server of one's own: a rustls [`ClientCertVerifier`].
//!
//! TLS gives a verifier no place to say more than yes or no. With `disconnect_on_failure =
//! false` it must say yes to everything, and a resumed session does not ask it at all. So the
//! server asks [`ClientVerifier::judge`] once more when the client wants to log in; what counts
//! is what that says.
//!
//! A client whose key is for RSA-PSS alone (id-RSASSA-PSS) needs TLS 1.3: rustls has no name for
//! the signatures of such keys, and asks for none in TLS 1.2.
//!
//! ```
//! use std::sync::Arc;
//!
//! use certjid_core::tls::ClientVerifier;
//! use certjid_core::verify::{Reason, TrustStore, VerifyMode};
//! use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
//! use rustls::ServerConfig;
//! use rustls::crypto::aws_lc_rs;
//!
//! let ca_key = KeyPair::generate()?;
//! let mut ca = CertificateParams::default();
//! ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
//! let trust = TrustStore::from_ders(vec![ca.self_signed(&ca_key)?.into()])?;
//!
//! let provider = Arc::new(aws_lc_rs::default_provider());
//! let verifier = Arc::new(ClientVerifier::new(
//!     VerifyMode::Peer,
//!     false,
//!     Arc::new(trust),
//!     &provider,
//! ));
//! # let server_key = KeyPair::generate()?;
//! # let server = CertificateParams::new(["localhost".to_owned()])?.self_signed(&server_key)?;
//! let config = ServerConfig::builder_with_provider(provider)
//!     .with_safe_default_protocol_versions()?
//!     .with_client_cert_verifier(verifier.clone())
//!     .with_single_cert(vec![server.into()], server_key.serialize_der().try_into()?)?;
//!
//! // After the handshake, with `connection.peer_certificates()` and the present time:
//! let faults = verifier.judge(None, 1_796_083_200).unwrap_err();
//! assert_eq!(faults[0].reason, Reason::NoPeerCert);
//! # let _ = (config, Issuer::new(ca, ca_key));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, PeerMisbehaved,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm as Algorithm, UnixTime};

use crate::certificate::ClientCertificate;
use crate::verify::signature::RSA_PSS_KEY;
use crate::verify::{self, Fault, Reason, TrustStore, VerifyMode};

/// MongooseIM's `tls.verify_mode` and `tls.disconnect_on_failure` for rustls.
#[derive(Debug)]
pub struct ClientVerifier {
    mode: VerifyMode,
    disconnect_on_failure: bool,
    trust: Arc<TrustStore>,
    algorithms: WebPkiSupportedAlgorithms,
    hints: Vec<DistinguishedName>,
}

impl ClientVerifier {
    /// A verifier for one listener. The provider's algorithms check that the client has the key
    /// of its certificate.
    pub fn new(
        mode: VerifyMode,
        disconnect_on_failure: bool,
        trust: Arc<TrustStore>,
        provider: &CryptoProvider,
    ) -> Self {
        Self {
            mode,
            disconnect_on_failure,
            algorithms: provider.signature_verification_algorithms,
            hints: trust.subjects().map(DistinguishedName::from).collect(),
            trust,
        }
    }

    /// Judges what `peer_certificates()` of a connection gives, at `now` in Unix seconds: to be
    /// asked whenever a client wants to log in.
    ///
    /// # Errors
    /// All faults that are known, the one that counts first; `no_peer_cert` where there is no
    /// certificate.
    pub fn judge(&self, chain: Option<&[CertificateDer<'_>]>, now: i64) -> Result<(), Vec<Fault>> {
        verify::verify(chain.unwrap_or_default(), self.mode, &self.trust, now)
    }

    /// The algorithms of a scheme, by the kind of key.
    fn algorithms_of(&self, scheme: SignatureScheme) -> Vec<&'static dyn Algorithm> {
        let by_pss_key = RSA_PSS_PSS.iter().position(|known| *known == scheme);
        if let Some(hash) = by_pss_key {
            return RSA_PSS_KEY[hash].iter().map(|key| key as _).collect();
        }
        self.algorithms
            .mapping
            .iter()
            .find(|(known, _)| *known == scheme)
            .map(|(_, algorithms)| algorithms.to_vec())
            .unwrap_or_default()
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn offer_client_auth(&self) -> bool {
        self.mode != VerifyMode::None
    }

    fn client_auth_mandatory(&self) -> bool {
        self.offer_client_auth() && self.disconnect_on_failure
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain: Vec<&[u8]> = [end_entity]
            .into_iter()
            .chain(intermediates)
            .map(AsRef::as_ref)
            .collect();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        match verify::verify(&chain, self.mode, &self.trust, now) {
            Err(faults) if self.disconnect_on_failure => Err(refusal(faults)),
            _ => Ok(ClientCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        check_signature(
            &self.algorithms_of(signed.scheme),
            message,
            certificate,
            signed,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // TLS 1.3 ties a scheme to one curve, and has no PKCS #1 (RFC 8446 section 4.2.3).
        let mut algorithms = self.algorithms_of(signed.scheme);
        if !RSA_PSS_PSS.contains(&signed.scheme) {
            algorithms.truncate(1);
        }
        if PKCS1.contains(&signed.scheme) {
            return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        }
        check_signature(&algorithms, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.algorithms.supported_schemes();
        schemes.extend(RSA_PSS_PSS);
        schemes
    }
}

/// Checks the handshake's signature by the certificate's key alone: rustls' own check knows no
/// certificate of version 1.
fn check_signature(
    algorithms: &[&dyn Algorithm],
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let certificate =
        ClientCertificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let key = &certificate.public_key;
    let algorithm = algorithms
        .iter()
        .find(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    algorithm
        .verify_signature(key.key, message, signed.signature())
        .map(|()| HandshakeSignatureValid::assertion())
        .map_err(|_| CertificateError::BadSignature.into())
}

/// The first fault as rustls has it, so that the client gets the alert that fits.
fn refusal(faults: Vec<Fault>) -> Error {
    let Some(fault) = faults.into_iter().next() else {
        return CertificateError::ApplicationVerificationFailure.into();
    };
    match fault.reason {
        Reason::NoPeerCert => Error::NoCertificatesPresented,
        Reason::CertExpired => CertificateError::Expired.into(),
        Reason::InvalidExtKeyUsage => CertificateError::InvalidPurpose.into(),
        Reason::Revoked => CertificateError::Revoked.into(),
        Reason::UnknownCa => CertificateError::UnknownIssuer.into(),
        Reason::UnknownCriticalExtension => CertificateError::UnhandledCriticalExtension.into(),
        _ => CertificateError::Other(OtherError(Arc::new(fault))).into(),
    }
}

/// rsa_pss_pss_sha256, _sha384 and _sha512 of RFC 8446 section 4.2.3, which rustls has no names for:
/// by keys whose algorithm is id-RSASSA-PSS.
const RSA_PSS_PSS: [SignatureScheme; 3] = [
    SignatureScheme::Unknown(0x0809),
    SignatureScheme::Unknown(0x080a),
    SignatureScheme::Unknown(0x080b),
];

const PKCS1: [SignatureScheme; 3] = [
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];
