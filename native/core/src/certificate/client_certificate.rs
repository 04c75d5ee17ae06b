use std::borrow::Cow;

use super::distinguished_name::DistinguishedName;
use super::extensions::Extensions;
use super::{CertificateError, MAX_CERTIFICATE, Skipped, XmppAddr, fingerprint_hex, names, text};
use crate::der::{self, Reader, SEQUENCE, context, context_constructed, oid};

/// A certificate as all parts of a decision see it: read once, strictly, and borrowed.
///
/// It says nothing about trust: see [`crate::verify`].
///
/// ```
/// # use certjid_core::certificate::{CertificateError, ClientCertificate};
/// let refused = ClientCertificate::from_der(&[0x30, 0x80, 0x00, 0x00]).unwrap_err();
/// assert!(matches!(refused, CertificateError::NotDer(0, _)));
/// ```
#[derive(Clone, Debug)]
pub struct ClientCertificate<'a> {
    der: &'a [u8],
    /// What is signed, a whole element.
    pub(crate) tbs: &'a [u8],
    version: u8,
    serial: &'a [u8],
    /// The contents of the AlgorithmIdentifier.
    pub(crate) signature_algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
    issuer: DistinguishedName<'a>,
    pub(crate) validity: Validity<'a>,
    subject: DistinguishedName<'a>,
    pub(crate) public_key: PublicKey<'a>,
    pub(crate) has_unique_ids: bool,
    pub(crate) extensions: Extensions<'a>,
    common_name: Option<Cow<'a, str>>,
    xmpp_addrs: Vec<XmppAddr<'a>>,
    has_unusable_names: bool,
}

/// The dates in Unix seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validity<'a> {
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    /// Both dates as they are written, elements one after the other.
    pub(crate) raw: &'a [u8],
    /// The second date, a whole element.
    pub(crate) raw_not_after: &'a [u8],
}

/// A SubjectPublicKeyInfo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicKey<'a> {
    /// The whole element.
    pub(crate) raw: &'a [u8],
    /// The inside of the SEQUENCE, as webpki has keys.
    pub(crate) contents: &'a [u8],
    /// The contents of the AlgorithmIdentifier.
    pub(crate) algorithm: &'a [u8],
    pub(crate) key: &'a [u8],
}

impl<'a> ClientCertificate<'a> {
    /// Reads one certificate in DER of at most [`MAX_CERTIFICATE`] bytes.
    ///
    /// # Errors
    /// Where it is not a certificate, not DER, or one that two programs could read differently.
    pub fn from_der(der: &'a [u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(CertificateError::TooLarge(der.len()));
        }
        if der.starts_with(b"-----BEGIN") {
            return Err(CertificateError::Pem);
        }
        // What is read is DER throughout; where it is not, the place is of use.
        Self::read(der).map_err(|error| match der::check(der) {
            Err((_, der::TOO_DEEP)) => CertificateError::NestedTooDeep,
            Err((at, der::Error(rule))) => CertificateError::NotDer(at, rule),
            Ok(()) => error,
        })
    }

    fn read(der: &'a [u8]) -> Result<Self, CertificateError> {
        let outer = der::Signed::read(der).map_err(in_field("the certificate"))?;
        let mut tbs = outer.tbs.inner();

        let version = version(&mut tbs)?;
        let serial = tbs.integer().map_err(in_field("the serial number"))?;
        let inner_algorithm = tbs
            .algorithm()
            .map_err(in_field("the signature algorithm"))?;
        if inner_algorithm != outer.algorithm {
            return Err(CertificateError::AlgorithmsDiffer);
        }
        let issuer = DistinguishedName::take(&mut tbs).map_err(in_field("the issuer"))?;
        let validity = Validity::take(&mut tbs)?;
        let subject = DistinguishedName::take(&mut tbs).map_err(in_field("the subject"))?;
        let public_key = PublicKey::take(&mut tbs).map_err(in_field("the public key"))?;
        let has_unique_ids = unique_ids(&mut tbs).map_err(in_field("a unique identifier"))?;
        let extensions = extensions(&mut tbs)?;
        tbs.end().map_err(in_field("the signed part"))?;

        let mut read = Self {
            der,
            tbs: outer.tbs.raw,
            version,
            serial,
            signature_algorithm: outer.algorithm,
            signature: outer.signature,
            issuer,
            validity,
            subject,
            public_key,
            has_unique_ids,
            extensions,
            common_name: None,
            xmpp_addrs: Vec::new(),
            has_unusable_names: false,
        };
        read.read_names()?;
        Ok(read)
    }

    fn read_names(&mut self) -> Result<(), CertificateError> {
        self.has_unusable_names = self.subject.has_empty_rdn();
        let mut has_common_name = false;
        for attribute in self.subject.attributes() {
            let decoded = text::decode(attribute.tag, attribute.value);
            self.has_unusable_names |= decoded.is_err();
            if attribute.kind == oid::COMMON_NAME && !has_common_name {
                has_common_name = true;
                self.common_name = decoded.ok();
            }
        }
        names::each_alternative(self.extensions.subject_alt_name, |entry| {
            self.has_unusable_names = self.has_unusable_names || entry.fault().is_some();
            self.xmpp_addrs.extend(entry.xmpp_addr());
        })?;
        if self.xmpp_addrs.len() > MAX_XMPP_ADDRS {
            return Err(CertificateError::TooManyXmppAddrs(self.xmpp_addrs.len()));
        }
        Ok(())
    }

    /// The certificate itself.
    pub fn der(&self) -> &'a [u8] {
        self.der
    }

    /// The version of X.509: 1, 2 or 3.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// The serial number as the contents of an INTEGER: big-endian, two's complement.
    pub fn serial(&self) -> &'a [u8] {
        self.serial
    }

    /// The issuer's name.
    pub fn issuer(&self) -> &DistinguishedName<'a> {
        &self.issuer
    }

    /// The subject's name.
    pub fn subject(&self) -> &DistinguishedName<'a> {
        &self.subject
    }

    /// The first second of validity, in Unix seconds.
    pub fn not_before(&self) -> i64 {
        self.validity.not_before
    }

    /// The last second of validity, in Unix seconds (RFC 5280 section 4.1.2.5).
    pub fn not_after(&self) -> i64 {
        self.validity.not_after
    }

    /// The first common name of the subject, in the order of the certificate. None without
    /// one, or if the first one is unusable.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// Whether the subject has common names beside the first, which do not count.
    pub fn has_further_common_names(&self) -> bool {
        let kinds = self.subject.attributes().map(|attribute| attribute.kind);
        kinds
            .filter(|kind| *kind == oid::COMMON_NAME)
            .nth(1)
            .is_some()
    }

    /// Every id-on-xmppAddr entry in the order of the certificate, duplicates kept, the unusable
    /// ones too.
    pub fn xmpp_addrs(&self) -> &[XmppAddr<'a>] {
        &self.xmpp_addrs
    }

    /// Whether it is a CA's: basicConstraints says so, or it is of version 1 and its own issuer,
    /// as old roots are.
    pub fn may_issue(&self) -> bool {
        self.extensions.is_ca() || (self.version == 1 && self.is_self_issued())
    }

    /// Whether subject and issuer have one name. It says nothing of the signature.
    pub fn is_self_issued(&self) -> bool {
        self.subject.is_same(&self.issuer)
    }

    /// The SHA-256 digest of the DER as hexadecimal digits in lower case: the name of the
    /// certificate in logs.
    pub fn fingerprint_hex(&self) -> String {
        fingerprint_hex(self.der)
    }

    /// The names that can't be used, each with the reason; at most so many of them, and how many
    /// there are beyond, which is counted up to 1,000.
    pub fn skipped(&self, most: usize) -> (Vec<Skipped>, usize) {
        let (mut skipped, mut beyond) = (Vec::new(), 0);
        if !self.has_unusable_names {
            return (skipped, beyond);
        }
        let all = names::each(&self.subject, self.extensions.subject_alt_name, |entry| {
            if beyond == MAX_COUNTED {
                return;
            }
            let Some(reason) = entry.fault() else {
                return;
            };
            if skipped.len() < most {
                skipped.push(Skipped {
                    kind: entry.kind().into_owned(),
                    value: text::escape(entry.value),
                    reason: reason.into_owned(),
                });
            } else {
                beyond += 1;
            }
        });
        debug_assert!(all.is_ok(), "the names were read before");
        (skipped, beyond)
    }
}

/// The unusable names that are counted beside those that are told.
const MAX_COUNTED: usize = 1_000;

/// The greatest number of id-on-xmppAddr entries of a certificate; each is prepared and compared.
pub const MAX_XMPP_ADDRS: usize = 1_000;

impl<'a> Validity<'a> {
    fn take(tbs: &mut Reader<'a>) -> Result<Self, CertificateError> {
        let mut dates = tbs.nested(SEQUENCE).map_err(in_field("the validity"))?;
        let raw = dates.rest();
        let not_before =
            der::time::take(&mut dates).map_err(|_| CertificateError::InvalidTime("notBefore"))?;
        let raw_not_after = dates.rest();
        let not_after =
            der::time::take(&mut dates).map_err(|_| CertificateError::InvalidTime("notAfter"))?;
        dates.end().map_err(in_field("the validity"))?;
        Ok(Self {
            not_before,
            not_after,
            raw,
            raw_not_after,
        })
    }
}

impl<'a> PublicKey<'a> {
    fn take(tbs: &mut Reader<'a>) -> Result<Self, der::Error> {
        let element = tbs.element(SEQUENCE)?;
        let mut fields = element.inner();
        let algorithm = fields.algorithm()?;
        let key = fields.bytes()?;
        fields.end()?;
        Ok(Self {
            raw: element.raw,
            contents: element.value,
            algorithm,
            key,
        })
    }
}

/// The version, which is left out for 1 (RFC 5280 section 4.1.2.1).
fn version(tbs: &mut Reader<'_>) -> Result<u8, CertificateError> {
    let malformed = in_field("the version");
    let Some(explicit) = tbs.optional(context_constructed(0)).map_err(malformed)? else {
        return Ok(1);
    };
    let mut inner = explicit.inner();
    let version = inner.integer().map_err(in_field("the version"))?;
    inner.end().map_err(in_field("the version"))?;
    match version {
        [1] => Ok(2),
        [2] => Ok(3),
        _ => Err(CertificateError::UnknownVersion),
    }
}

/// issuerUniqueID and subjectUniqueID, of which nobody makes use.
fn unique_ids(tbs: &mut Reader<'_>) -> Result<bool, der::Error> {
    let mut found = false;
    for number in [1, 2] {
        if let Some(id) = tbs.optional(context(number))? {
            // [n] stands in place of the tag of a BIT STRING.
            let unused = id.value.first().copied();
            if !matches!(unused, Some(0..=7)) {
                return Err(der::Error("a BIT STRING that is cut short"));
            }
            found = true;
        }
    }
    Ok(found)
}

fn extensions<'a>(tbs: &mut Reader<'a>) -> Result<Extensions<'a>, CertificateError> {
    let malformed = |rule| in_field("the extensions")(rule);
    let Some(explicit) = tbs.optional(context_constructed(3)).map_err(malformed)? else {
        return Ok(Extensions::default());
    };
    let all = Reader::whole(explicit.value, SEQUENCE).map_err(malformed)?;
    Extensions::read(all.rest())
}

fn in_field(name: &'static str) -> impl FnOnce(der::Error) -> CertificateError {
    move |rule| CertificateError::Malformed(name, rule.into())
}
