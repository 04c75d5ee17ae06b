//! Which paths there are from a leaf to a trust anchor, by the names of subjects and issuers.
//!
//! webpki would search them itself, and does so exhaustively: a few certificates of one name cost
//! it a thousand times what a good chain costs. So it is given one path at a time, those first
//! whose key identifiers fit, and not more than the limits here allow.

use super::TrustStore;
use super::trust::{Ca, is_issued_by};
use crate::certificate::CertificateError;
use crate::certificate::ClientCertificate;

/// The certificates that a path may be made of.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    /// The leaf, those that came with it, and those of the CA file that are not trust anchors.
    certificates: Vec<ClientCertificate<'a>>,
    /// Of each certificate those that bear its issuer's name, the likeliest first.
    issuers: Vec<Vec<usize>>,
    /// The trust anchors that bear its issuer's name, likewise.
    anchors: Vec<Vec<&'a Ca>>,
    /// How many certificates came with the leaf.
    pub(super) sent: usize,
    /// What came with the leaf and can't be read: its position, and why.
    pub(super) unreadable: Vec<(usize, CertificateError)>,
}

/// A way from the leaf to a trust anchor.
#[derive(Clone, Debug)]
pub(super) struct Path<'a, 'g> {
    /// The leaf first.
    pub(super) certificates: Vec<&'g ClientCertificate<'a>>,
    pub(super) anchor: &'a Ca,
}

/// The paths that were found, and why there may be others.
#[derive(Debug, Default)]
pub(super) struct Found<'a, 'g> {
    pub(super) paths: Vec<Path<'a, 'g>>,
    /// A path would have more intermediates than are allowed.
    pub(super) too_long: bool,
    /// The search ended at a limit.
    pub(super) cut: bool,
    steps: usize,
}

impl<'a> Graph<'a> {
    pub(super) fn new(
        leaf: &ClientCertificate<'a>,
        others: &[&'a [u8]],
        trust: &'a TrustStore,
    ) -> Self {
        let mut certificates = vec![leaf.clone()];
        let mut unreadable = Vec::new();
        for (der, position) in others.iter().zip(1..) {
            match ClientCertificate::from_der(der) {
                Ok(read) if is_repeated(&read, &certificates[1..], trust) => {}
                Ok(read) => certificates.push(read),
                Err(error) => unreadable.push((position, error)),
            }
        }
        let sent = others.len();
        add_of_trust(&mut certificates, trust);
        let issuers = certificates
            .iter()
            .map(|issued| issuers_of(issued, &certificates))
            .collect();
        let anchors = certificates
            .iter()
            .map(|issued| anchors_of(issued, trust))
            .collect();
        Self {
            certificates,
            issuers,
            anchors,
            sent,
            unreadable,
        }
    }

    /// The paths, the likeliest first.
    pub(super) fn paths(&self) -> Found<'a, '_> {
        let mut found = Found::default();
        self.extend(&mut vec![0], &mut found);
        found
    }

    /// The certificates from the leaf to where the names end, if no anchor is there.
    pub(super) fn dead_end(&self) -> Vec<&ClientCertificate<'a>> {
        let mut way = vec![0];
        while let Some(&last) = way.last() {
            let next = self.issuers[last].iter().find(|next| !way.contains(next));
            match next {
                Some(&next) => way.push(next),
                None => break,
            }
        }
        way.into_iter().map(|at| &self.certificates[at]).collect()
    }

    /// The first of the other certificates that the leaf issued: then the chain is in the wrong
    /// order.
    pub(super) fn issued_by_leaf(&self) -> Option<&ClientCertificate<'a>> {
        let (leaf, others) = self.certificates.split_first()?;
        let mut others = others.iter();
        let named =
            others.find(|other| !other.is_self_issued() && other.issuer().is_same(leaf.subject()));
        named.filter(|named| is_issued_by(named, leaf))
    }

    fn extend<'g>(&'g self, way: &mut Vec<usize>, found: &mut Found<'a, 'g>) {
        found.steps += 1;
        if found.steps > MAX_STEPS {
            found.cut = true;
            return;
        }
        let Some(&last) = way.last() else {
            return;
        };
        for &anchor in &self.anchors[last] {
            if found.paths.len() == MAX_PATHS {
                found.cut = true;
                return;
            }
            found.paths.push(Path {
                certificates: way.iter().map(|&at| &self.certificates[at]).collect(),
                anchor,
            });
        }
        for &issuer in &self.issuers[last] {
            if self.is_in(way, issuer) {
                continue;
            }
            if way.len() > MAX_INTERMEDIATES {
                found.too_long = true;
                return;
            }
            way.push(issuer);
            self.extend(way, found);
            way.pop();
        }
    }

    /// Whether a way has the certificate, or another one of its name and key (RFC 4158 section
    /// 5.2).
    fn is_in(&self, way: &[usize], issuer: usize) -> bool {
        let issuer = &self.certificates[issuer];
        way.iter()
            .any(|&at| is_same_entity(&self.certificates[at], issuer))
    }
}

/// Adds those of the CA file that are judged like intermediates and that a path may lead to.
fn add_of_trust<'a>(certificates: &mut Vec<ClientCertificate<'a>>, trust: &'a TrustStore) {
    let mut at = 0;
    while let Some(issued) = certificates.get(at) {
        let named = trust
            .named(issued.issuer())
            .filter(|ca| ca.anchor.is_none());
        let read = named.filter_map(|ca| ClientCertificate::from_der(&ca.der).ok());
        let new: Vec<_> = read
            .filter(|read| {
                let mut known = certificates.iter();
                known.all(|known| known.der() != read.der())
            })
            .take(MAX_OF_TRUST.saturating_sub(certificates.len()))
            .collect();
        certificates.extend(new);
        at += 1;
    }
}

/// Whether a certificate that was sent is there already, or stands for a trust anchor.
fn is_repeated(
    read: &ClientCertificate<'_>,
    known: &[ClientCertificate<'_>],
    trust: &TrustStore,
) -> bool {
    let is_anchor = |ca: &Ca| {
        let key = ca
            .anchor
            .as_ref()
            .map(|anchor| &anchor.subject_public_key_info);
        key.is_some_and(|key| **key == *read.public_key.contents)
    };
    known.iter().any(|known| known.der() == read.der())
        || trust.named(read.subject()).any(is_anchor)
}

fn is_same_entity(one: &ClientCertificate<'_>, other: &ClientCertificate<'_>) -> bool {
    one.public_key.raw == other.public_key.raw && one.subject().is_same(other.subject())
}

fn issuers_of(issued: &ClientCertificate<'_>, all: &[ClientCertificate<'_>]) -> Vec<usize> {
    let mut issuers: Vec<usize> = (1..all.len())
        .filter(|&at| all[at].subject().is_same(issued.issuer()))
        .collect();
    issuers.sort_by_key(|&at| likeness(issued, &all[at]));
    issuers
}

fn anchors_of<'a>(issued: &ClientCertificate<'_>, trust: &'a TrustStore) -> Vec<&'a Ca> {
    let named = trust.named(issued.issuer());
    let mut anchors: Vec<&Ca> = named.filter(|ca| ca.anchor.is_some()).collect();
    if anchors.len() > 1 {
        anchors.sort_by_cached_key(|ca| {
            let read = ClientCertificate::from_der(&ca.der);
            read.map_or(Likeness::Other, |ca| likeness(issued, &ca))
        });
    }
    anchors
}

/// What the key identifiers say of an issuer (RFC 5280 section 4.2.1.1), the likeliest first.
/// They are hints, and prove nothing.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Likeness {
    Same,
    Unknown,
    Other,
}

fn likeness(issued: &ClientCertificate<'_>, issuer: &ClientCertificate<'_>) -> Likeness {
    let wanted = issued.extensions.authority_key_id;
    match (wanted, issuer.extensions.subject_key_id) {
        (Some(wanted), Some(id)) if wanted == id => Likeness::Same,
        (Some(_), Some(_)) => Likeness::Other,
        _ => Likeness::Unknown,
    }
}

/// The CAs between a leaf and a trust anchor: webpki's bound.
pub(super) const MAX_INTERMEDIATES: usize = 6;

/// The paths that are judged for one leaf. A CA file that has more CAs of one name and without
/// key identifiers is not in use.
const MAX_PATHS: usize = 16;

/// The certificates that are looked at while paths are searched for.
const MAX_STEPS: usize = 256;

/// The certificates that a path may be made of, with those of the CA file.
const MAX_OF_TRUST: usize = 64;
