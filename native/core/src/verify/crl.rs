//! A certificate revocation list, kept so that a look-up takes microseconds and little more memory
//! than the file: the list as it is, and where its entries stand by serial number.
//!
//! webpki judges a list, and for that goes through all of it and checks its signature each time.
//! So it gets a [`Reduced`] one, which has but the entries of the certificates that are asked about.
//! The signature can't be rewritten: the reduced list names an algorithm that exists only here,
//! which checks the signature over the list as it was, once for each key.

use core::cmp::Ordering;
use core::ops::Range;
use std::sync::{Mutex, PoisonError};

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature};
use webpki::{BorrowedCertRevocationList, Error};

use super::rewrite::{sequence, wrap};
use super::signature::{Algorithm, KEY_ALGORITHMS, with_name};
use crate::certificate::element::Element;

/// A list that webpki can read.
#[derive(Debug)]
pub(crate) struct Crl {
    der: Vec<u8>,
    /// The TBSCertList.
    tbs: Range<usize>,
    /// Of the signature, without its tag and length.
    algorithm: Range<usize>,
    signature: Range<usize>,
    version: Range<usize>,
    /// The name's contents.
    issuer: Range<usize>,
    /// The name and the dates.
    head: Range<usize>,
    extensions: Range<usize>,
    /// Where the entries begin, by serial number.
    entries: Vec<u32>,
    /// The keys for which the signature has been checked.
    checked: Mutex<Vec<Checked>>,
}

#[derive(Debug)]
struct Checked {
    algorithm: AlgorithmIdentifier,
    key: Vec<u8>,
    is_right: bool,
}

impl Crl {
    /// Reads a list and each of its entries.
    ///
    /// # Errors
    /// Why webpki can't read it.
    pub(crate) fn from_der(der: Vec<u8>) -> Result<Self, Error> {
        let list = BorrowedCertRevocationList::from_der(&der)?;
        for entry in &list {
            entry?;
        }
        Self::index(der).ok_or(Error::BadDer)
    }

    /// None where DER is not as webpki found it.
    fn index(der: Vec<u8>) -> Option<Self> {
        let take = |rest: &mut &[u8]| {
            let at = rest.as_ptr().addr() - der.as_ptr().addr();
            let element = Element::take(rest).ok()?;
            let end = at + element.raw.len();
            Some((element.tag, at..end, end - element.value.len()..end))
        };
        let mut rest = &der[..];
        let (_, _, whole) = take(&mut rest)?;
        let mut fields = &der[whole];
        let (_, tbs, inner) = take(&mut fields)?;
        let (_, _, algorithm) = take(&mut fields)?;
        let (_, _, bits) = take(&mut fields)?;
        // The first byte says how many bits of the last one don't count.
        let signature = (der.get(bits.start) == Some(&0)).then(|| bits.start + 1..bits.end)?;

        let mut fields = &der[inner];
        let (_, version, _) = take(&mut fields)?;
        take(&mut fields)?;
        let (_, name, issuer) = take(&mut fields)?;
        let mut head = name;
        let mut entries = 0..0;
        let mut extensions = 0..0;
        while !fields.is_empty() {
            let (tag, raw, value) = take(&mut fields)?;
            match tag {
                SEQUENCE => entries = value,
                EXTENSIONS => extensions = raw,
                _ => head.end = raw.end,
            }
        }

        let mut starts = Vec::new();
        let mut rest = &der[entries];
        while !rest.is_empty() {
            let (_, entry, _) = take(&mut rest)?;
            starts.push(u32::try_from(entry.start).ok()?);
        }
        starts.sort_by(|one, other| {
            let serial = |at: &u32| serial_at(&der, *at).unwrap_or_default();
            by_number(serial(one), serial(other))
        });
        starts.shrink_to_fit();
        Some(Self {
            tbs,
            algorithm,
            signature,
            version,
            issuer,
            head,
            extensions,
            entries: starts,
            checked: Mutex::default(),
            der,
        })
    }

    /// The issuer's name as webpki has names, less tag and length.
    pub(super) fn issuer(&self) -> &[u8] {
        &self.der[self.issuer.clone()]
    }

    /// The list with only the entries that have one of these serial numbers.
    pub(super) fn reduced(&self, serials: &[&[u8]]) -> Option<Reduced<'_>> {
        let entries: Vec<&[u8]> = serials
            .iter()
            .flat_map(|serial| self.entries_of(serial))
            .collect();
        // An empty list of entries is left out (RFC 5280 section 5.1.2.6).
        let entries = match entries.is_empty() {
            true => Vec::new(),
            false => sequence(&entries)?,
        };
        let tbs = sequence(&[
            &self.der[self.version.clone()],
            &sequence(&[ALGORITHM])?,
            &self.der[self.head.clone()],
            &entries,
            &self.der[self.extensions.clone()],
        ])?;
        let der = sequence(&[
            &tbs,
            &sequence(&[ALGORITHM])?,
            &wrap(der::Tag::BitString, &[&[0]])?,
        ])?;
        Some(Reduced {
            list: self,
            tbs,
            der,
        })
    }

    /// Whether it has this serial number.
    pub(super) fn names(&self, serial: &[u8]) -> bool {
        self.entries_of(serial).next().is_some()
    }

    /// Whether the key signed the list; the key as a SubjectPublicKeyInfo without tag and length.
    pub(super) fn is_of(&self, public_key: &[u8]) -> bool {
        let mut fields = public_key;
        let (Ok(algorithm), Ok(key)) = (Element::take(&mut fields), Element::take(&mut fields))
        else {
            return false;
        };
        // The first byte says how many bits of the last one don't count.
        let Some((_, key)) = key.value.split_first() else {
            return false;
        };
        KEY_ALGORITHMS
            .iter()
            .filter(|known| known.as_ref() == algorithm.value)
            .any(|&known| self.check_signature(known, key).is_ok())
    }

    fn entries_of(&self, serial: &[u8]) -> impl Iterator<Item = &[u8]> {
        let compare = |at: &u32| {
            let known = serial_at(&self.der, *at).unwrap_or_default();
            by_number(known, serial)
        };
        let first = self.entries.partition_point(|at| compare(at).is_lt());
        let all = self.entries[first..].iter();
        all.take_while(move |at| compare(at).is_eq())
            .filter_map(|at| entry_at(&self.der, *at))
            .map(|entry| entry.raw)
    }

    /// Checks the list's own signature by a key of this kind.
    fn check_signature(
        &self,
        key_algorithm: AlgorithmIdentifier,
        key: &[u8],
    ) -> Result<(), InvalidSignature> {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = checked
            .iter()
            .find(|known| known.key == key && known.algorithm == key_algorithm);
        let is_right = match known {
            Some(known) => known.is_right,
            None => {
                let is_right = self.is_signed_by(key_algorithm, key);
                if checked.len() >= MAX_KEYS {
                    checked.clear();
                }
                checked.push(Checked {
                    algorithm: key_algorithm,
                    key: key.to_vec(),
                    is_right,
                });
                is_right
            }
        };
        is_right.then_some(()).ok_or(InvalidSignature)
    }

    fn is_signed_by(&self, key_algorithm: AlgorithmIdentifier, key: &[u8]) -> bool {
        let named = &self.der[self.algorithm.clone()];
        let (tbs, signature) = (
            &self.der[self.tbs.clone()],
            &self.der[self.signature.clone()],
        );
        with_name(named)
            .filter(|known| known.public_key_alg_id() == key_algorithm)
            .any(|known| known.verify_signature(key, tbs, signature).is_ok())
    }
}

/// A list as webpki is shown it.
#[derive(Debug)]
pub(super) struct Reduced<'a> {
    pub(super) list: &'a Crl,
    tbs: Vec<u8>,
    pub(super) der: Vec<u8>,
}

/// The algorithm of reduced lists, for one kind of key.
#[derive(Debug)]
pub(super) struct AsItWas<'a> {
    lists: &'a [Reduced<'a>],
    key_algorithm: AlgorithmIdentifier,
}

impl<'a> AsItWas<'a> {
    /// One for each kind of key that a CA may have.
    pub(super) fn all(lists: &'a [Reduced<'a>]) -> Vec<Self> {
        KEY_ALGORITHMS
            .iter()
            .map(|&key_algorithm| Self {
                lists,
                key_algorithm,
            })
            .collect()
    }
}

impl Algorithm for AsItWas<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        _signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        // Nothing else may use the algorithm that exists only here. Two lists that say the same of
        // this path are the same here.
        let mut same = self.lists.iter().filter(|reduced| reduced.tbs == message);
        let is_right = same.any(|reduced| {
            let list = reduced.list;
            list.check_signature(self.key_algorithm, public_key).is_ok()
        });
        is_right.then_some(()).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key_algorithm
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        AlgorithmIdentifier::from_slice(ALGORITHM)
    }
}

fn entry_at(der: &[u8], at: u32) -> Option<Element<'_>> {
    Element::take(&mut der.get(usize::try_from(at).ok()?..)?).ok()
}

fn serial_at(der: &[u8], at: u32) -> Option<&[u8]> {
    let mut fields = entry_at(der, at)?.value;
    Some(Element::take(&mut fields).ok()?.value)
}

/// By any order in which the same number, however it is padded, is equal.
fn by_number(one: &[u8], other: &[u8]) -> Ordering {
    let zeros = |number: &[u8]| number.iter().take_while(|&&digit| digit == 0).count();
    let (one, other) = (&one[zeros(one)..], &other[zeros(other)..]);
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

const SEQUENCE: u8 = 0x30;

const EXTENSIONS: u8 = 0xa0;

/// The keys that share the name of a list's issuer; there is commonly one.
const MAX_KEYS: usize = 8;

/// The object identifier 2.999.2, of the arc that ITU-T keeps for examples.
const ALGORITHM: &[u8] = &[0x06, 0x03, 0x88, 0x37, 0x02];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        for (one, other, order) in [
            (&[1][..], &[0, 1][..], Ordering::Equal),
            (&[0xff], &[1, 0], Ordering::Less),
            (&[0, 0xff], &[0xfe], Ordering::Greater),
            (&[], &[0], Ordering::Equal),
        ] {
            assert_eq!(by_number(one, other), order, "{one:?} {other:?}");
            assert_eq!(by_number(other, one), order.reverse());
        }
    }
}
