//! A list, kept so that a look-up takes microseconds and little more memory than the file: the list
//! as it is, and where its entries stand by serial number.

use core::cmp::Ordering;
use core::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::CrlError;
use super::scope::Scope;
use crate::certificate::distinguished_name::{DistinguishedName, text_of};
use crate::certificate::extensions::{Extension, name};
use crate::certificate::{ClientCertificate, PublicKey};
use crate::der::{self, INTEGER, Reader, SEQUENCE, context_constructed, oid, time};
use crate::verify::algorithm_name;
use crate::verify::signature::Signed;

/// A certificate revocation list whose every entry has been read.
#[derive(Debug)]
pub struct Crl {
    der: Vec<u8>,
    /// The TBSCertList, a whole element.
    tbs: Range<usize>,
    /// The contents of the AlgorithmIdentifier.
    algorithm: Range<usize>,
    signature: Range<usize>,
    /// The name's contents.
    issuer: Range<usize>,
    /// The name as it is compared.
    prepared_issuer: Vec<u8>,
    this_update: i64,
    next_update: i64,
    /// Of cRLNumber; empty without one.
    number: Vec<u8>,
    pub(super) scope: Scope,
    /// Where the entries begin, by serial number.
    entries: Vec<u32>,
    /// The keys for which the signature has been checked.
    checked: Mutex<Vec<Checked>>,
}

#[derive(Debug)]
struct Checked {
    /// The whole SubjectPublicKeyInfo.
    key: Vec<u8>,
    is_right: bool,
}

/// An entry of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    serial: &'a [u8],
    /// In Unix seconds.
    pub(super) revoked_at: i64,
    /// OTP's word for the reason code of RFC 5280 section 5.3.1.
    pub(super) reason: &'static str,
}

impl Crl {
    /// Reads a list in DER and each of its entries.
    ///
    /// # Errors
    /// Where it is not a list of version 2, or of a kind that is not read: nothing of it counts
    /// then.
    pub fn from_der(der: Vec<u8>) -> Result<Self, CrlError> {
        u32::try_from(der.len()).map_err(|_| CrlError::TooLarge)?;
        let at = |part: &[u8]| {
            let start = part.as_ptr().addr() - der.as_ptr().addr();
            start..start + part.len()
        };
        let outer = der::Signed::read(&der).map_err(in_part("the list"))?;
        let mut fields = outer.tbs.inner();
        version(&mut fields)?;
        let algorithm = fields
            .algorithm()
            .map_err(in_part("the signature algorithm"))?;
        if algorithm != outer.algorithm {
            return Err(CrlError::AlgorithmsDiffer);
        }
        let issuer = DistinguishedName::take(&mut fields).map_err(in_part("the issuer"))?;
        let this_update = time::take(&mut fields).map_err(in_part("thisUpdate"))?;
        if !time::is_next(&fields) {
            return Err(CrlError::NoNextUpdate);
        }
        let next_update = time::take(&mut fields).map_err(in_part("nextUpdate"))?;
        let revoked = fields.optional(SEQUENCE).map_err(in_part("the entries"))?;
        let (number, scope) = extensions(&mut fields)?;
        fields.end().map_err(in_part("the signed part"))?;

        let entries = revoked.map_or(Ok(Vec::new()), |all| entries(&der, all.inner(), &at))?;
        Ok(Self {
            tbs: at(outer.tbs.raw),
            algorithm: at(outer.algorithm),
            signature: at(outer.signature),
            issuer: at(issuer.contents()),
            prepared_issuer: issuer.prepared(),
            this_update,
            next_update,
            number: number.to_vec(),
            scope,
            entries,
            checked: Mutex::default(),
            der,
        })
    }

    /// The issuer's name as it is compared (RFC 5280 section 7.1).
    pub(super) fn prepared_issuer(&self) -> &[u8] {
        &self.prepared_issuer
    }

    /// The issuer's name on one line.
    pub fn issuer(&self) -> String {
        text_of(&self.der[self.issuer.clone()])
    }

    /// The time of the list, in Unix seconds.
    pub fn this_update(&self) -> i64 {
        self.this_update
    }

    /// The time by which the next list comes, in Unix seconds: this one is out of date afterwards.
    pub fn next_update(&self) -> i64 {
        self.next_update
    }

    /// Whether it is current: begun, and not out of date.
    pub(super) fn is_current(&self, now: i64) -> bool {
        (self.this_update..=self.next_update).contains(&now)
    }

    /// How many certificates it revokes.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it revokes nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// cRLNumber as hexadecimal digits, where there is one (RFC 5280 section 5.2.3).
    pub fn number(&self) -> Option<String> {
        (!self.number.is_empty()).then(|| crate::certificate::hexadecimal(&self.number))
    }

    /// Why its signature can't be accepted, whoever made it, as the end of a sentence that begins
    /// with the signature: SHA-1, say.
    pub fn algorithm_refusal(&self) -> Option<String> {
        algorithm_name::refusal(&self.der[self.algorithm.clone()])
    }

    /// Whether it has the name of this CA.
    pub fn has_name_of(&self, ca: &ClientCertificate<'_>) -> bool {
        self.prepared_issuer == ca.subject().prepared()
    }

    /// Whether this CA issued it: by name and signature.
    pub fn is_of(&self, ca: &ClientCertificate<'_>) -> bool {
        self.has_name_of(ca) && self.is_signed_by(&ca.public_key)
    }

    /// Whether it is about the same certificates of its issuer as another list of that.
    pub(crate) fn has_scope_of(&self, other: &Self) -> bool {
        self.scope == other.scope
    }

    /// Whether the key signed the list. It is found out once for each key.
    pub(super) fn is_signed_by(&self, key: &PublicKey<'_>) -> bool {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = checked.iter().find(|known| known.key == key.raw) {
            return known.is_right;
        }
        let signed = Signed {
            message: &self.der[self.tbs.clone()],
            algorithm: &self.der[self.algorithm.clone()],
            signature: &self.der[self.signature.clone()],
        };
        let is_right = signed.is_by(key.algorithm, key.key).unwrap_or(false);
        if checked.len() < MAX_KEYS {
            checked.push(Checked {
                key: key.raw.to_vec(),
                is_right,
            });
        }
        is_right
    }

    /// The entry with this serial number, compared by value.
    pub(super) fn entry(&self, serial: &[u8]) -> Option<Entry<'_>> {
        let compare = |at: &u32| {
            let known = entry_at(&self.der, *at).map(|entry| entry.serial);
            by_value(known.unwrap_or_default(), serial)
        };
        let first = self.entries.partition_point(|at| compare(at).is_lt());
        let at = self.entries.get(first).filter(|at| compare(at).is_eq())?;
        entry_at(&self.der, *at)
    }
}

fn version(fields: &mut Reader<'_>) -> Result<(), CrlError> {
    let version = fields.optional(INTEGER).map_err(in_part("the version"))?;
    match version.map(|version| version.value) {
        Some([1]) => Ok(()),
        None | Some([0]) => Err(CrlError::Version1),
        Some(_) => Err(CrlError::Malformed(
            "the version",
            der::Error("a number that is not 2").into(),
        )),
    }
}

/// The contents of cRLNumber, and what the list is for.
fn extensions<'a>(fields: &mut Reader<'a>) -> Result<(&'a [u8], Scope), CrlError> {
    let malformed = || in_part("the extensions");
    let (mut number, mut scope) = (&[][..], None);
    let explicit = fields
        .optional(context_constructed(0))
        .map_err(malformed())?;
    let mut all = match explicit {
        Some(explicit) => Reader::whole(explicit.value, SEQUENCE).map_err(malformed())?,
        None => Reader::new(&[]),
    };
    while !all.is_empty() {
        let extension = Extension::take(&mut all).map_err(malformed())?;
        match extension.id {
            oid::CRL_NUMBER => {
                let mut value = Reader::new(extension.value);
                number = value.integer().map_err(in_part("cRLNumber"))?;
                value.end().map_err(in_part("cRLNumber"))?;
            }
            oid::DELTA_CRL_INDICATOR => return Err(CrlError::Delta),
            oid::ISSUING_DISTRIBUTION_POINT if scope.is_none() => {
                scope = Some(Scope::read(extension.value)?);
            }
            oid::AUTHORITY_KEY_ID => {}
            id if extension.is_critical => {
                return Err(CrlError::UnknownCriticalExtension(name(id)));
            }
            _ => {}
        }
    }
    Ok((number, scope.unwrap_or_default()))
}

/// Where the entries begin, by serial number.
fn entries<'a>(
    der: &'a [u8],
    mut all: Reader<'a>,
    at: &impl Fn(&[u8]) -> Range<usize>,
) -> Result<Vec<u32>, CrlError> {
    let mut starts = Vec::new();
    while !all.is_empty() {
        let entry = all.element(SEQUENCE).map_err(in_part("an entry"))?;
        read_entry(entry.inner())?;
        // The list has fewer bytes than 4 GiB.
        starts.push(u32::try_from(at(entry.raw).start).map_err(|_| CrlError::TooLarge)?);
    }
    starts.sort_by(|one, other| {
        let serial = |at: &u32| entry_at(der, *at).map(|entry| entry.serial);
        by_value(
            serial(one).unwrap_or_default(),
            serial(other).unwrap_or_default(),
        )
    });
    starts.shrink_to_fit();
    Ok(starts)
}

fn read_entry(mut fields: Reader<'_>) -> Result<Entry<'_>, CrlError> {
    let malformed = || in_part("an entry");
    // Compared by value, so that a padded one is not lost.
    let serial = fields.value(INTEGER).map_err(malformed())?;
    let revoked_at = time::take(&mut fields).map_err(malformed())?;
    let mut reason = "unspecified";
    if !fields.is_empty() {
        let mut extensions = fields.nested(SEQUENCE).map_err(malformed())?;
        while !extensions.is_empty() {
            let extension = Extension::take(&mut extensions).map_err(malformed())?;
            match extension.id {
                oid::REASON_CODE => reason = reason_code(extension.value),
                oid::CERTIFICATE_ISSUER => return Err(CrlError::Indirect),
                id if extension.is_critical => {
                    return Err(CrlError::UnknownCriticalExtension(name(id)));
                }
                _ => {}
            }
        }
    }
    fields.end().map_err(malformed())?;
    Ok(Entry {
        serial,
        revoked_at,
        reason,
    })
}

fn entry_at(der: &[u8], at: u32) -> Option<Entry<'_>> {
    let mut entry = Reader::new(der.get(usize::try_from(at).ok()?..)?);
    read_entry(entry.nested(SEQUENCE).ok()?).ok()
}

/// OTP's words for the reasons of RFC 5280 section 5.3.1.
fn reason_code(value: &[u8]) -> &'static str {
    const ENUMERATED: u8 = 0x0a;
    match value {
        [ENUMERATED, 1, 1] => "keyCompromise",
        [ENUMERATED, 1, 2] => "cACompromise",
        [ENUMERATED, 1, 3] => "affiliationChanged",
        [ENUMERATED, 1, 4] => "superseded",
        [ENUMERATED, 1, 5] => "cessationOfOperation",
        [ENUMERATED, 1, 6] => "certificateHold",
        [ENUMERATED, 1, 8] => "removeFromCRL",
        [ENUMERATED, 1, 9] => "privilegeWithdrawn",
        [ENUMERATED, 1, 10] => "aACompromise",
        _ => "unspecified",
    }
}

/// By some order in which the same number, however it is padded, is equal.
fn by_value(one: &[u8], other: &[u8]) -> Ordering {
    let (one, other) = (minimal(one), minimal(other));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// An integer in two's complement without needless leading bytes.
fn minimal(mut number: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = number {
        let is_needless = match (first, rest.first()) {
            (0x00, Some(next)) => next & 0x80 == 0,
            (0xff, Some(next)) => next & 0x80 != 0,
            _ => false,
        };
        if !is_needless {
            break;
        }
        number = rest;
    }
    number
}

pub(super) fn in_part(name: &'static str) -> impl FnOnce(der::Error) -> CrlError {
    move |rule| CrlError::Malformed(name, rule.into())
}

/// The keys whose word on a list is kept; there is commonly one.
const MAX_KEYS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        for (one, other, is_equal) in [
            (&[1][..], &[0, 1][..], true),
            (&[0, 0x80], &[0, 0, 0x80], true),
            (&[0xff], &[0xff, 0xff], true),
            (&[0xff], &[0, 0xff], false),
            (&[0x80], &[0, 0x80], false),
            (&[0, 0xff], &[0xfe], false),
            (&[0xff], &[1, 0], false),
            (&[], &[1], false),
        ] {
            let order = by_value(one, other);
            assert_eq!(order.is_eq(), is_equal, "{one:02x?} {other:02x?}");
            assert_eq!(by_value(other, one), order.reverse());
        }
    }
}
