//! What a decision needs of the client's certificate.

use std::borrow::Cow;

use x509_parser::prelude::{FromDer as _, X509Name};

use super::ordinary::Ordinary;
use super::{Certificate, CertificateError, Skipped, XmppAddr, name};

/// The fields as [`Certificate`] has them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Presented<'a> {
    pub(crate) der: &'a [u8],
    pub(crate) common_name: Option<String>,
    pub(crate) xmpp_addrs: Vec<XmppAddr<'a>>,
    /// How many common names come after the first.
    pub(crate) further_common_names: usize,
    pub(crate) subject: String,
    pub(crate) skipped: Vec<Skipped>,
}

impl<'a> Presented<'a> {
    /// # Errors
    /// As [`Certificate::from_der`].
    pub(crate) fn from_der(der: &'a [u8]) -> Result<Self, CertificateError> {
        let ordinary = Ordinary::read(der).filter(|ordinary| ordinary.skips_nothing);
        if let Some(presented) = ordinary.and_then(|ordinary| Self::ordinary(der, ordinary)) {
            return Ok(presented);
        }
        let certificate = Certificate::from_der(der)?;
        Ok(Self {
            der,
            common_name: certificate.common_name,
            xmpp_addrs: certificate.xmpp_addr_entries,
            further_common_names: certificate
                .names
                .iter()
                .filter(|name| name.kind == "commonName")
                .count()
                .saturating_sub(1),
            subject: certificate.subject,
            skipped: certificate.skipped,
        })
    }

    fn ordinary(der: &'a [u8], ordinary: Ordinary<'a>) -> Option<Self> {
        let (_, subject) = X509Name::from_der(ordinary.subject).ok()?;
        let addresses = ordinary.fields.xmpp_addrs.into_iter();
        Some(Self {
            der,
            common_name: ordinary.fields.common_name.map(Cow::into_owned),
            xmpp_addrs: addresses.map(XmppAddr::Text).collect(),
            further_common_names: subject.iter_common_name().count().saturating_sub(1),
            subject: name::to_text(&subject),
            skipped: Vec::new(),
        })
    }
}
