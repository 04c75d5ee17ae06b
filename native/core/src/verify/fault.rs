use core::fmt;

/// Why a chain is not trusted: the reasons of OTP's `ssl` and `public_key`, and two of our own
/// for what OTP reports in other ways.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// No certificate at all, or one over a limit. OTP aborts the handshake.
    BadCertificate,
    /// Outside of its validity, before or after.
    CertExpired,
    /// extKeyUsage does not allow client authentication.
    InvalidExtKeyUsage,
    /// keyUsage of an issuer does not allow signing certificates.
    InvalidKeyUsage,
    /// The signature does not fit, or is of an algorithm that is not trusted.
    InvalidSignature,
    /// More certificates than a limit or a pathLenConstraint allows.
    MaxPathLengthReached,
    /// An issuer that is no CA.
    MissingBasicConstraint,
    /// A name outside of an issuer's nameConstraints.
    NameNotPermitted,
    /// The client sent none.
    NoPeerCert,
    /// A CRL of the issuer is out of date or can't be used.
    RevocationStatusUndetermined,
    /// A CRL revokes it. OTP has `{revoked, Reason}`.
    Revoked,
    /// A single certificate that is its own issuer.
    SelfsignedPeer,
    /// No path leads to a trusted CA.
    UnknownCa,
    /// A critical extension that is not understood.
    UnknownCriticalExtension,
}

impl Reason {
    /// OTP's atom, or `bad_certificate`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadCertificate => "bad_certificate",
            Self::CertExpired => "cert_expired",
            Self::InvalidExtKeyUsage => "invalid_ext_key_usage",
            Self::InvalidKeyUsage => "invalid_key_usage",
            Self::InvalidSignature => "invalid_signature",
            Self::MaxPathLengthReached => "max_path_length_reached",
            Self::MissingBasicConstraint => "missing_basic_constraint",
            Self::NameNotPermitted => "name_not_permitted",
            Self::NoPeerCert => "no_peer_cert",
            Self::RevocationStatusUndetermined => "revocation_status_undetermined",
            Self::Revoked => "revoked",
            Self::SelfsignedPeer => "selfsigned_peer",
            Self::UnknownCa => "unknown_ca",
            Self::UnknownCriticalExtension => "unknown_critical_extension",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong with a chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What.
    pub reason: Reason,
    /// Which certificate, counted from the leaf, which is 0.
    pub position: usize,
    /// The fault as a sentence.
    pub message: String,
    /// Where a CRL revokes it: the reason that the CRL gives, as OTP's `public_key` names those
    /// of RFC 5280 section 5.3.1.
    pub revocation: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(reason: Reason, position: usize, message: impl Into<String>) -> Self {
        Self {
            reason,
            position,
            message: message.into(),
            revocation: None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
