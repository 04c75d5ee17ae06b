use core::fmt;
use std::collections::HashMap;

use rustls_pki_types::{CertificateDer, TrustAnchor};

use super::CrlPolicy;
use super::crl::Crl;
use super::rsa_keys::RsaKeys;
use super::signature::Signed;
use crate::certificate::{CertificateError, ClientCertificate, DistinguishedName};
use crate::pem::{self, PemError};

/// The CAs that are trusted, and their revocation lists: what `tls.cacertfile` and `tls.crl_files`
/// hold.
///
/// A certificate that is not self-issued, and whose issuer is there too, is judged like any
/// intermediate. All others are trust anchors.
#[derive(Debug)]
pub struct TrustStore {
    cas: Vec<Ca>,
    /// The places of the CAs by their subjects' names, prepared.
    by_subject: HashMap<Vec<u8>, Vec<usize>>,
    crls: Vec<Crl>,
    crl_policy: CrlPolicy,
    rsa_keys: [RsaKeys; 3],
}

/// One certificate of the store.
#[derive(Debug)]
pub(super) struct Ca {
    pub(super) der: CertificateDer<'static>,
    /// None where it is judged like an intermediate.
    pub(super) anchor: Option<TrustAnchor<'static>>,
}

impl Default for TrustStore {
    /// Trusts nobody.
    fn default() -> Self {
        Self {
            cas: Vec::new(),
            by_subject: HashMap::new(),
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
    /// Where the file is not PEM throughout, has no certificate, or one that can't be read.
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
        let (trust, unreadable) = Self::from_readable(ders);
        match unreadable.into_iter().next() {
            Some((index, error)) => Err(TrustError::Certificate(index + 1, error)),
            None => Ok(trust),
        }
    }

    /// Takes the certificates in DER that can be read, and gives the places of the others, and why.
    ///
    /// An issuer may be among those that can't be read. So none is a trust anchor then but those
    /// that are self-issued: what is below such an issuer would otherwise escape its lists, dates and
    /// constraints.
    pub fn from_readable(
        ders: Vec<CertificateDer<'static>>,
    ) -> (Self, Vec<(usize, CertificateError)>) {
        let mut unreadable = Vec::new();
        let mut readable = Vec::with_capacity(ders.len());
        for (index, der) in ders.into_iter().enumerate() {
            match ClientCertificate::from_der(&der).map(drop) {
                Ok(()) => readable.push(der),
                Err(error) => unreadable.push((index, error)),
            }
        }
        let read: Vec<_> = readable
            .iter()
            .filter_map(|der| ClientCertificate::from_der(der).ok())
            .collect();
        let by_subject = by_subject(&read);
        let is_anchor = anchors(&read, &by_subject, unreadable.is_empty());
        let anchors: Vec<_> = is_anchor
            .into_iter()
            .zip(&read)
            .map(|(is_anchor, read)| is_anchor.then(|| trust_anchor(read)))
            .collect();
        drop(read);
        let cas = readable.into_iter().zip(anchors);
        let trust = Self {
            cas: cas.map(|(der, anchor)| Ca { der, anchor }).collect(),
            by_subject,
            ..Self::default()
        };
        (trust, unreadable)
    }

    /// Adds certificate revocation lists: what `tls.crl_files` holds. A certificate of the path
    /// that one of them revokes is refused; the policy says what else is.
    #[must_use]
    pub fn with_crls(self, crls: Vec<Crl>, crl_policy: CrlPolicy) -> Self {
        Self {
            crls,
            crl_policy,
            ..self
        }
    }

    /// The certificates in DER, in their order.
    pub fn ders(&self) -> impl ExactSizeIterator<Item = &CertificateDer<'static>> {
        self.cas.iter().map(|ca| &ca.der)
    }

    /// The subjects of the certificates as DER sequences: what a TLS server tells its clients.
    #[cfg(feature = "rustls")]
    pub(crate) fn subjects(&self) -> impl Iterator<Item = Vec<u8>> {
        self.ders().filter_map(|der| {
            let ca = ClientCertificate::from_der(der).ok()?;
            Some(ca.subject().der().to_vec())
        })
    }

    /// The CAs with this name, however it is spelt (RFC 5280 section 7.1).
    pub(super) fn named(&self, name: &DistinguishedName<'_>) -> impl Iterator<Item = &Ca> {
        let places = self.by_subject.get(&name.prepared());
        let places = places.map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|&place| self.cas.get(place))
    }

    /// The revocation lists.
    pub(crate) fn crls(&self) -> &[Crl] {
        &self.crls
    }

    pub(super) fn crl_policy(&self) -> CrlPolicy {
        self.crl_policy
    }

    pub(super) fn rsa_keys(&self) -> &[RsaKeys] {
        &self.rsa_keys
    }
}

/// Whether the second certificate issued the first, by name and signature. A signature that can't
/// be judged, because its algorithm or key is not accepted, counts: the path check refuses it then.
pub(crate) fn is_issued_by(issued: &ClientCertificate<'_>, issuer: &ClientCertificate<'_>) -> bool {
    let key = &issuer.public_key;
    issued.issuer().is_same(issuer.subject())
        && Signed::certificate(issued)
            .is_by(key.algorithm, key.key)
            .unwrap_or(true)
}

fn by_subject(read: &[ClientCertificate<'_>]) -> HashMap<Vec<u8>, Vec<usize>> {
    let mut by_subject: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (place, ca) in read.iter().enumerate() {
        let subject = ca.subject().prepared();
        by_subject.entry(subject).or_default().push(place);
    }
    by_subject
}

/// Which of the certificates are trust anchors: those that are self-issued, and where all were read
/// those whose issuer is not there, and those that lead to none of these, as two that certify each
/// other.
fn anchors(
    read: &[ClientCertificate<'_>],
    by_subject: &HashMap<Vec<u8>, Vec<usize>>,
    all_were_read: bool,
) -> Vec<bool> {
    if !all_were_read {
        return read.iter().map(ClientCertificate::is_self_issued).collect();
    }
    let issuers: Vec<Vec<usize>> = read
        .iter()
        .enumerate()
        .map(|(place, ca)| issuers(place, ca, read, by_subject))
        .collect();
    let mut is_anchor: Vec<bool> = issuers.iter().map(Vec::is_empty).collect();
    let mut leads_to_anchor = is_anchor.clone();
    loop {
        let mut changed = false;
        for (place, issuers) in issuers.iter().enumerate() {
            if !leads_to_anchor[place] && issuers.iter().any(|&issuer| leads_to_anchor[issuer]) {
                leads_to_anchor[place] = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    for (anchor, leads) in is_anchor.iter_mut().zip(leads_to_anchor) {
        *anchor |= !leads;
    }
    is_anchor
}

/// The places of those that issued a certificate which is not self-issued.
fn issuers(
    place: usize,
    ca: &ClientCertificate<'_>,
    read: &[ClientCertificate<'_>],
    by_subject: &HashMap<Vec<u8>, Vec<usize>>,
) -> Vec<usize> {
    if ca.is_self_issued() {
        return Vec::new();
    }
    let named = by_subject
        .get(&ca.issuer().prepared())
        .into_iter()
        .flatten();
    let is_issuer = |other: &usize| *other != place && is_issued_by(ca, &read[*other]);
    let issuers: Vec<usize> = named.copied().filter(is_issuer).collect();
    if !issuers.is_empty() {
        return issuers;
    }
    // However it spells its issuer's name: the key that signed it is in the file.
    let is_signer = |other: &usize| {
        let key = &read[*other].public_key;
        *other != place
            && may_be_of(ca, &read[*other])
            && Signed::certificate(ca).is_by(key.algorithm, key.key) == Some(true)
    };
    (0..read.len()).filter(is_signer).collect()
}

/// Whether the key identifiers, where both are there, do not speak against it (RFC 5280 section
/// 4.2.1.1): not every key of a large file is tried.
fn may_be_of(issued: &ClientCertificate<'_>, issuer: &ClientCertificate<'_>) -> bool {
    let wanted = issued.extensions.authority_key_id;
    match (wanted, issuer.extensions.subject_key_id) {
        (Some(wanted), Some(id)) => wanted == id,
        _ => true,
    }
}

fn trust_anchor(ca: &ClientCertificate<'_>) -> TrustAnchor<'static> {
    TrustAnchor {
        subject: ca.subject().contents().to_vec().into(),
        subject_public_key_info: ca.public_key.contents.to_vec().into(),
        name_constraints: ca
            .extensions
            .name_constraints
            .map(|constraints| constraints.to_vec().into()),
    }
}

/// Why a CA file can't be used.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TrustError {
    /// The certificate with this number, counted from 1, can't be read.
    Certificate(usize, CertificateError),
    /// There is no certificate.
    Empty,
    /// The file is not PEM throughout.
    Pem(PemError),
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(number, error) => {
                write!(f, "certificate {number} can't be read: {error}")
            }
            Self::Empty => f.write_str("there is no CERTIFICATE block"),
            Self::Pem(what) => what.fmt(f),
        }
    }
}

impl std::error::Error for TrustError {}
