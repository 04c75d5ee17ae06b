use core::fmt;

use rustls_pki_types::{CertificateDer, TrustAnchor};

use super::CrlPolicy;
use super::crl::Crl;
use super::rsa_keys::RsaKeys;
use crate::pem::{self, PemError};

/// The CAs that are trusted: what `tls.cacertfile` holds.
#[derive(Debug)]
pub struct TrustStore {
    anchors: Vec<TrustAnchor<'static>>,
    ders: Vec<CertificateDer<'static>>,
    crls: Vec<Crl>,
    crl_policy: CrlPolicy,
    rsa_keys: [RsaKeys; 3],
}

impl Default for TrustStore {
    /// Trusts nobody.
    fn default() -> Self {
        Self {
            anchors: Vec::new(),
            ders: Vec::new(),
            crls: Vec::new(),
            crl_policy: CrlPolicy::default(),
            rsa_keys: RsaKeys::all(),
        }
    }
}

impl TrustStore {
    /// Reads every `CERTIFICATE` block of a PEM text.
    ///
    /// # Errors
    /// Where the file is not PEM throughout, has no certificate, or one that can't be a CA's.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TrustError> {
        let contents = pem::ca_certificates(pem)
            .and_then(pem::Contents::not_empty)
            .map_err(TrustError::Pem)?;
        let ders = contents.ders().into_iter().map(CertificateDer::from);
        Self::from_ders(ders.collect())
    }

    /// Takes certificates in DER.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_ders(ders: Vec<CertificateDer<'static>>) -> Result<Self, TrustError> {
        if ders.is_empty() {
            return Err(TrustError::Empty);
        }
        let anchor = |(index, der)| {
            webpki::anchor_from_trusted_cert(der)
                .map(|anchor| anchor.to_owned())
                .map_err(|error| TrustError::Certificate(index + 1, error.to_string()))
        };
        let anchors = ders
            .iter()
            .enumerate()
            .map(anchor)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            anchors,
            ders,
            ..Self::default()
        })
    }

    /// Adds certificate revocation lists: what `tls.crl_files` holds. A certificate of the path
    /// that one of them revokes is refused; the policy says what else is.
    pub(crate) fn with_crls(self, crls: Vec<Crl>, crl_policy: CrlPolicy) -> Self {
        Self {
            crls,
            crl_policy,
            ..self
        }
    }

    /// The certificates in DER, in their order.
    pub fn ders(&self) -> &[CertificateDer<'static>] {
        &self.ders
    }

    /// The subjects of the certificates as DER sequences: what a TLS server tells its clients.
    #[cfg(feature = "rustls")]
    pub(crate) fn subjects(&self) -> impl Iterator<Item = Vec<u8>> {
        self.ders.iter().filter_map(|der| {
            let certificate = super::parse(der, 0).ok()?;
            Some(certificate.subject().as_raw().to_vec())
        })
    }

    pub(super) fn crls(&self) -> &[Crl] {
        &self.crls
    }

    pub(super) fn crl_policy(&self) -> CrlPolicy {
        self.crl_policy
    }

    pub(super) fn rsa_keys(&self) -> &[RsaKeys] {
        &self.rsa_keys
    }

    pub(super) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }
}

/// Why a CA file can't be used.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TrustError {
    /// The certificate with this number, counted from 1, is none; the parser's words.
    Certificate(usize, String),
    /// There is no certificate.
    Empty,
    /// The file is not PEM throughout.
    Pem(PemError),
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(number, what) => {
                write!(f, "certificate {number} can't be read: {what}")
            }
            Self::Empty => f.write_str("there is no CERTIFICATE block"),
            Self::Pem(what) => what.fmt(f),
        }
    }
}

impl std::error::Error for TrustError {}
