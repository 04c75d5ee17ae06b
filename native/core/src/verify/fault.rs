use core::fmt;

use crate::certificate::ClientCertificate;
use crate::reason::Reason;

/// One thing that is wrong with a chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What, by the names of OTP's `ssl` and `public_key`, or `bad_certificate`.
    pub reason: Reason,
    /// Which certificate of the path, counted from the leaf, which is 0. Beyond those that the
    /// client sent it is one of the CA file.
    pub position: usize,
    /// The subject of that certificate; empty where it can't be read.
    pub subject: String,
    /// The fault as a sentence.
    pub message: String,
    /// Where a CRL revokes it: the reason that the CRL gives, as OTP's `public_key` names those
    /// of RFC 5280 section 5.3.1.
    pub revocation: Option<&'static str>,
}

impl Fault {
    /// A fault of a certificate that can't be read, or of the chain.
    pub(crate) fn new(reason: Reason, position: usize, message: impl Into<String>) -> Self {
        Self {
            reason,
            position,
            subject: String::new(),
            message: message.into(),
            revocation: None,
        }
    }

    /// A fault of a certificate.
    pub(super) fn of(
        certificate: &ClientCertificate<'_>,
        reason: Reason,
        position: usize,
        message: impl Into<String>,
    ) -> Self {
        Self {
            subject: certificate.subject().to_text(),
            ..Self::new(reason, position, message)
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
