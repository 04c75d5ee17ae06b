//! Judges the paths of one leaf, one after the other, until one is good.

use core::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use super::compat::Copies;
use super::paths::{Graph, Path};
use super::remembered::{Remembered, wrong_signatures};
use super::signature::{ALGORITHMS, Algorithm};
use super::{Fault, Purpose, Reason, Trusted, crl, diagnosis, policies, rules};
use crate::certificate::ClientCertificate;

/// # Errors
/// The faults of the path that comes nearest to being good.
pub(super) fn judge(
    leaf: &ClientCertificate<'_>,
    others: &[&[u8]],
    purpose: Purpose,
    trust: &Trusted<'_>,
    now: i64,
) -> Result<(), Vec<Fault>> {
    let graph = Graph::new(leaf, others, trust.store);
    let mut found = graph.paths();
    // Of several for the same signatures webpki takes the first.
    let held = trust.store.rsa_keys().iter();
    let plain = held
        .map(|keys| keys as &dyn Algorithm)
        .chain(ALGORITHMS.iter().copied());
    if let [path] = &found.paths[..] {
        let algorithms: Vec<_> = plain.collect();
        return Judge::new(path, purpose, trust, now)
            .judge(&algorithms)
            .map_err(|fault| diagnosis::with_others(fault, path, purpose, now));
    }
    let remembered: Vec<_> = plain.map(Remembered::new).collect();
    let algorithms: Vec<_> = remembered.iter().map(|known| known as _).collect();
    let mut cut = found.cut;
    let mut worst: Option<(Fault, &Path<'_, '_>)> = None;
    for path in &found.paths {
        if wrong_signatures(&remembered) >= MAX_WRONG_SIGNATURES {
            cut = true;
            break;
        }
        let Err(fault) = Judge::new(path, purpose, trust, now).judge(&algorithms) else {
            return Ok(());
        };
        let is_nearer = |(known, _): &(Fault, _)| nearness(known) >= nearness(&fault);
        if !worst.as_ref().is_some_and(is_nearer) {
            worst = Some((fault, path));
        }
    }
    Err(match worst {
        Some((fault, path)) if !cut => diagnosis::with_others(fault, path, purpose, now),
        _ => {
            found.cut = cut;
            diagnosis::without_path(&graph, &found, purpose, now)
        }
    })
}

/// One path, and what it is judged with.
struct Judge<'a, 'g, 'p> {
    path: &'p Path<'a, 'g>,
    purpose: Purpose,
    trust: &'p Trusted<'p>,
    now: i64,
}

impl<'a, 'g, 'p> Judge<'a, 'g, 'p> {
    fn new(path: &'p Path<'a, 'g>, purpose: Purpose, trust: &'p Trusted<'p>, now: i64) -> Self {
        Self {
            path,
            purpose,
            trust,
            now,
        }
    }

    fn judge(&self, algorithms: &[&dyn Algorithm]) -> Result<(), Fault> {
        let certificates = &self.path.certificates;
        let anchor = ClientCertificate::from_der(&self.path.anchor.der).map_err(|error| {
            Fault::new(
                Reason::BadCertificate,
                certificates.len(),
                error.to_string(),
            )
        })?;
        let mut copies = Copies::default();
        let issuers = certificates[1..].iter().copied().chain([&anchor]);
        for (at, (certificate, issuer)) in certificates.iter().zip(issuers).enumerate() {
            copies.add(certificate, issuer, at == 0);
        }
        if copies.is_empty() {
            self.judge_signed(algorithms, &copies)?;
        } else {
            let own = copies.algorithms();
            let own = own.iter().map(|known| known as &dyn Algorithm);
            let algorithms: Vec<_> = algorithms.iter().copied().chain(own).collect();
            self.judge_signed(&algorithms, &copies)?;
        }
        self.judge_further(&anchor)
    }

    /// What webpki judges: signatures, dates, basicConstraints, nameConstraints, extKeyUsage, and
    /// that every critical extension is understood.
    fn judge_signed(&self, algorithms: &[&dyn Algorithm], copies: &Copies) -> Result<(), Fault> {
        let explain = |error| diagnosis::explain(&error, self.path, self.purpose, self.now);
        let [leaf, issuers @ ..] = &self.path.certificates[..] else {
            return Err(Fault::new(Reason::NoPeerCert, 0, "there is no certificate"));
        };
        let Some(anchor) = &self.path.anchor.anchor else {
            return Err(explain(webpki::Error::UnknownIssuer));
        };
        let leaf = CertificateDer::from(copies.shown(leaf));
        let issuers: Vec<CertificateDer<'_>> = issuers
            .iter()
            .map(|issuer| CertificateDer::from(copies.shown(issuer)))
            .collect();
        let usage = match self.purpose {
            Purpose::Client => KeyUsage::client_auth(),
            Purpose::Server => KeyUsage::server_auth(),
        };
        let seconds = u64::try_from(self.now).unwrap_or(0);
        EndEntityCert::try_from(&leaf)
            .and_then(|leaf| {
                leaf.verify_for_usage(
                    algorithms,
                    core::slice::from_ref(anchor),
                    &issuers,
                    UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
                    usage,
                    None,
                    None,
                )
                .map(drop)
            })
            .map_err(explain)
    }

    fn judge_further(&self, anchor: &ClientCertificate<'_>) -> Result<(), Fault> {
        let certificates = &self.path.certificates;
        rules::leaf(certificates[0], self.purpose)?;
        for (issuer, position) in certificates.iter().zip(0..).skip(1) {
            rules::issuer(issuer, position)?;
        }
        policies::check(certificates)?;
        rules::anchor(anchor, certificates.len(), self.now)?;
        if self.trust.store.crls().is_empty() && self.trust.revoking.is_empty() {
            return Ok(());
        }
        let keys = certificates[1..].iter().map(|issuer| issuer.public_key);
        let links = certificates
            .iter()
            .zip(keys.chain([anchor.public_key]))
            .zip(0..)
            .map(|((certificate, issuer_key), position)| crl::Link {
                certificate,
                issuer_key,
                position,
            });
        crl::check(links, self.trust, self.now)
    }
}

/// How far a path came: the fault of the farthest one is told.
fn nearness(fault: &Fault) -> u8 {
    match fault.reason {
        Reason::Revoked => 5,
        Reason::RevocationStatusUndetermined => 4,
        Reason::UnknownCa => 0,
        Reason::InvalidSignature => 1,
        Reason::BadCertificate => 2,
        _ => 3,
    }
}

/// The signatures that do not fit and are checked for one leaf. A CA that has changed its key has
/// some certificates of one name; a client that sends more of them is up to something.
const MAX_WRONG_SIGNATURES: usize = 4;
