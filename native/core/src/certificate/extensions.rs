//! The extensions that decide on a certificate's use (RFC 5280 section 4.2), read strictly.

use super::CertificateError;
use crate::der::{
    self, BIT_STRING, OCTET_STRING, Reader, SEQUENCE, context, context_constructed, oid,
};

/// What the extensions of one certificate say. Those that are not listed decide nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extensions<'a> {
    /// The contents of the SEQUENCE of all of them; empty without any.
    pub(crate) contents: &'a [u8],
    pub(crate) basic_constraints: Option<BasicConstraints>,
    pub(crate) key_usage: Option<KeyUsage>,
    /// The purposes' identifiers, one after the other.
    pub(crate) ext_key_usage: Option<&'a [u8]>,
    /// The contents of GeneralNames.
    pub(crate) subject_alt_name: Option<&'a [u8]>,
    /// The contents of CRLDistributionPoints.
    pub(crate) crl_distribution_points: Option<&'a [u8]>,
    /// The contents of NameConstraints.
    pub(crate) name_constraints: Option<&'a [u8]>,
    pub(crate) policies: Policies<'a>,
    pub(crate) authority_key_id: Option<&'a [u8]>,
    pub(crate) subject_key_id: Option<&'a [u8]>,
    /// The first critical one that is not understood.
    pub(crate) unknown_critical: Option<&'a [u8]>,
}

/// The extensions about certificate policies, as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Policies<'a> {
    pub(crate) certificate_policies: Option<&'a [u8]>,
    pub(crate) policy_mappings: Option<&'a [u8]>,
    pub(crate) policy_constraints: Option<&'a [u8]>,
    pub(crate) inhibit_any_policy: Option<&'a [u8]>,
    /// Whether one of them is critical, which webpki does not take.
    pub(crate) any_is_critical: bool,
}

impl Policies<'_> {
    /// Whether there is one of them.
    pub(crate) fn are_there(&self) -> bool {
        let all = [
            self.certificate_policies,
            self.policy_mappings,
            self.policy_constraints,
            self.inhibit_any_policy,
        ];
        all.iter().any(Option::is_some)
    }
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct BasicConstraints {
    pub(crate) is_ca: bool,
}

/// The bits of keyUsage (RFC 5280 section 4.2.1.3), the first one highest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct KeyUsage(u16);

impl KeyUsage {
    pub(crate) fn digital_signature(self) -> bool {
        self.0 & 0x8000 != 0
    }

    pub(crate) fn key_agreement(self) -> bool {
        self.0 & 0x0800 != 0
    }

    pub(crate) fn key_cert_sign(self) -> bool {
        self.0 & 0x0400 != 0
    }
}

impl<'a> Extensions<'a> {
    /// Reads the contents of the SEQUENCE.
    pub(super) fn read(contents: &'a [u8]) -> Result<Self, CertificateError> {
        let malformed =
            |rule: der::Error| CertificateError::Malformed("the extensions", rule.into());
        let mut found = Self {
            contents,
            ..Self::default()
        };
        let mut seen = Seen::default();
        let mut all = Reader::new(contents);
        while !all.is_empty() {
            let extension = Extension::take(&mut all).map_err(malformed)?;
            if !seen.insert(extension.id) {
                return Err(CertificateError::DuplicateExtension(name(extension.id)));
            }
            if seen.count > MAX_EXTENSIONS {
                return Err(CertificateError::TooManyExtensions);
            }
            found.note(&extension).map_err(|rule| {
                CertificateError::MalformedExtension(name(extension.id), rule.into())
            })?;
        }
        Ok(found)
    }

    fn note(&mut self, extension: &Extension<'a>) -> Result<(), der::Error> {
        let value = extension.value;
        if is_standard(extension.id) && !is_read_throughout(extension.id) {
            der::check(value).map_err(|(_, rule)| rule)?;
        }
        let policies = &mut self.policies;
        match extension.id {
            oid::BASIC_CONSTRAINTS => self.basic_constraints = Some(basic_constraints(value)?),
            oid::KEY_USAGE => self.key_usage = Some(key_usage(value)?),
            oid::EXT_KEY_USAGE => self.ext_key_usage = Some(ext_key_usage(value)?),
            oid::SUBJECT_ALT_NAME => {
                self.subject_alt_name = Some(Reader::whole(value, SEQUENCE)?.rest())
            }
            oid::NAME_CONSTRAINTS => {
                let mut fields = Reader::whole(value, SEQUENCE)?;
                self.name_constraints = Some(fields.rest());
                fields.optional(context_constructed(0))?;
                fields.optional(context_constructed(1))?;
                fields.end()?;
            }
            oid::CRL_DISTRIBUTION_POINTS => {
                self.crl_distribution_points = Some(distribution_points(value)?);
            }
            oid::AUTHORITY_KEY_ID => {
                // Only a hint for the search, which a critical one does not become by that.
                let mut fields = Reader::whole(value, SEQUENCE)?;
                self.authority_key_id = fields.optional(context(0))?.map(|id| id.value);
                fields.optional(context_constructed(1))?;
                fields.optional(context(2))?;
                fields.end()?;
                self.unknown_if_critical(extension);
            }
            oid::SUBJECT_KEY_ID => {
                let mut id = Reader::new(value);
                self.subject_key_id = Some(id.value(OCTET_STRING)?);
                id.end()?;
                self.unknown_if_critical(extension);
            }
            oid::CERTIFICATE_POLICIES => policies.certificate_policies = Some(value),
            oid::POLICY_MAPPINGS => policies.policy_mappings = Some(value),
            oid::POLICY_CONSTRAINTS => policies.policy_constraints = Some(value),
            oid::INHIBIT_ANY_POLICY => policies.inhibit_any_policy = Some(value),
            _ => self.unknown_if_critical(extension),
        }
        if is_policy(extension.id) {
            self.policies.any_is_critical |= extension.is_critical;
        }
        Ok(())
    }

    fn unknown_if_critical(&mut self, extension: &Extension<'a>) {
        if extension.is_critical && self.unknown_critical.is_none() {
            self.unknown_critical = Some(extension.id);
        }
    }

    pub(crate) fn is_ca(&self) -> bool {
        self.basic_constraints.is_some_and(|found| found.is_ca)
    }

    /// Whether the purposes, where there are any, have this one.
    pub(crate) fn allows(&self, purpose: &[u8]) -> bool {
        let Some(purposes) = self.ext_key_usage else {
            return true;
        };
        let mut purposes = Reader::new(purposes);
        core::iter::from_fn(|| purposes.oid().ok()).any(|known| known == purpose)
    }
}

/// The extensions that have come by.
#[derive(Debug, Default)]
struct Seen<'a> {
    count: usize,
    /// Those of the arc 2.5.29, a bit each.
    standard: u128,
    others: Vec<&'a [u8]>,
}

impl<'a> Seen<'a> {
    /// False where it was there before.
    fn insert(&mut self, id: &'a [u8]) -> bool {
        self.count += 1;
        if let [0x55, 0x1d, number @ 0..0x80] = id {
            let bit = 1 << number;
            let is_new = self.standard & bit == 0;
            self.standard |= bit;
            return is_new;
        }
        let is_new = !self.others.contains(&id);
        self.others.push(id);
        is_new
    }
}

/// One extension, or one of a revocation list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    pub(crate) id: &'a [u8],
    pub(crate) is_critical: bool,
    pub(crate) value: &'a [u8],
    /// The whole element.
    pub(crate) raw: &'a [u8],
}

impl<'a> Extension<'a> {
    pub(crate) fn take(extensions: &mut Reader<'a>) -> Result<Self, der::Error> {
        let element = extensions.element(SEQUENCE)?;
        let mut fields = element.inner();
        let id = fields.oid()?;
        let is_critical = fields.boolean()?;
        let value = fields.value(OCTET_STRING)?;
        fields.end()?;
        Ok(Self {
            id,
            is_critical,
            value,
            raw: element.raw,
        })
    }
}

/// Whether it is of the arc of RFC 5280's extensions, 2.5.29: all of these are ASN.1.
fn is_standard(id: &[u8]) -> bool {
    id.starts_with(&[0x55, 0x1d])
}

/// Whether its reader leaves nothing of it unread.
fn is_read_throughout(id: &[u8]) -> bool {
    matches!(
        id,
        oid::BASIC_CONSTRAINTS
            | oid::EXT_KEY_USAGE
            | oid::KEY_USAGE
            | oid::SUBJECT_ALT_NAME
            | oid::SUBJECT_KEY_ID
    )
}

/// Whether it is one of the extensions in [`Policies`].
pub(crate) fn is_policy(id: &[u8]) -> bool {
    matches!(
        id,
        oid::CERTIFICATE_POLICIES
            | oid::POLICY_MAPPINGS
            | oid::POLICY_CONSTRAINTS
            | oid::INHIBIT_ANY_POLICY
    )
}

/// The extension as RFC 5280 names it, or its object identifier.
pub(crate) fn name(id: &[u8]) -> String {
    let known = match id {
        oid::SUBJECT_KEY_ID => "subjectKeyIdentifier",
        oid::KEY_USAGE => "keyUsage",
        oid::SUBJECT_ALT_NAME => "subjectAltName",
        oid::BASIC_CONSTRAINTS => "basicConstraints",
        oid::NAME_CONSTRAINTS => "nameConstraints",
        oid::CRL_DISTRIBUTION_POINTS => "cRLDistributionPoints",
        oid::CERTIFICATE_POLICIES => "certificatePolicies",
        oid::POLICY_MAPPINGS => "policyMappings",
        oid::AUTHORITY_KEY_ID => "authorityKeyIdentifier",
        oid::POLICY_CONSTRAINTS => "policyConstraints",
        oid::EXT_KEY_USAGE => "extKeyUsage",
        oid::INHIBIT_ANY_POLICY => "inhibitAnyPolicy",
        oid::ISSUING_DISTRIBUTION_POINT => "issuingDistributionPoint",
        _ => return oid::dotted(id),
    };
    known.to_owned()
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, der::Error> {
    let mut fields = Reader::whole(value, SEQUENCE)?;
    let is_ca = fields.boolean()?;
    if !fields.is_empty() {
        fields.integer()?;
    }
    fields.end()?;
    Ok(BasicConstraints { is_ca })
}

/// Zero bits at the end, which X.690 section 11.2.2 leaves out, are read: some CAs write them, and
/// they alter nothing.
fn key_usage(value: &[u8]) -> Result<KeyUsage, der::Error> {
    let mut reader = Reader::new(value);
    let bits = reader.value(BIT_STRING)?;
    reader.end()?;
    let (unused, bits) = match bits {
        [unused @ 0..=7, bits @ ..] if bits.len() <= 2 => (u32::from(*unused), bits),
        _ => {
            return Err(der::Error(
                "a BIT STRING of another size than is expected there",
            ));
        }
    };
    let last = bits.last().copied();
    let is_padded_with_zeros = match last {
        Some(last) => last.trailing_zeros() >= unused,
        None => unused == 0,
    };
    if !is_padded_with_zeros {
        return Err(der::Error("a BIT STRING with bits set that do not count"));
    }
    let byte = |index: usize| u16::from(bits.get(index).copied().unwrap_or(0));
    Ok(KeyUsage(byte(0) << 8 | byte(1)))
}

fn ext_key_usage(value: &[u8]) -> Result<&[u8], der::Error> {
    let purposes = Reader::whole(value, SEQUENCE)?;
    let mut each = purposes;
    while !each.is_empty() {
        each.oid()?;
    }
    Ok(purposes.rest())
}

/// The points, each of three fields that may be left out (RFC 5280 section 4.2.1.13).
fn distribution_points(value: &[u8]) -> Result<&[u8], der::Error> {
    let points = Reader::whole(value, SEQUENCE)?;
    let mut each = points;
    while !each.is_empty() {
        let mut fields = each.nested(SEQUENCE)?;
        fields.optional(context_constructed(0))?;
        fields.optional(context(1))?;
        fields.optional(context_constructed(2))?;
        fields.end()?;
    }
    Ok(points.rest())
}

/// More than any certificate has.
const MAX_EXTENSIONS: usize = 64;
