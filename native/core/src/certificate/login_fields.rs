//! The fields of a certificate that a login needs, and nothing else of it.

use std::borrow::Cow;

use super::ordinary::Ordinary;
use super::{Certificate, CertificateError};

/// The fields as [`Certificate`] has them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LoginFields<'a> {
    /// See [`Certificate::common_name`].
    pub common_name: Option<Cow<'a, str>>,
    /// See [`Certificate::xmpp_addrs`].
    pub xmpp_addrs: Vec<Cow<'a, str>>,
    /// See [`Certificate::not_after`].
    pub not_after: i64,
}

impl<'a> LoginFields<'a> {
    /// Reads the fields of a certificate in DER. They are borrowed where that is possible.
    ///
    /// # Errors
    /// As [`Certificate::from_der`].
    pub fn from_der(der: &'a [u8]) -> Result<Self, CertificateError> {
        if let Some(ordinary) = Ordinary::read(der) {
            return Ok(ordinary.fields);
        }
        let certificate = Certificate::from_der(der)?;
        Ok(Self {
            common_name: certificate.common_name.map(Cow::Owned),
            xmpp_addrs: certificate.xmpp_addrs.into_iter().map(Cow::Owned).collect(),
            not_after: certificate.not_after,
        })
    }
}
