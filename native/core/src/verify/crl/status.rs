//! What the lists say of a path.

use super::Crl;
use super::list::Entry;
use crate::certificate::{ClientCertificate, PublicKey};
use crate::reason::Reason;
use crate::verify::{Fault, Trusted, date};

/// What happens to a certificate on whose revocation nothing certain is known, at listeners that
/// name `crl_files`. It is not a setting of MongooseIM, which checks no CRLs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CrlPolicy {
    /// There is no list that is about it, or about a CA on its path. Default: allow.
    pub missing: Missing,
    /// The nextUpdate of its issuer's newest list is past. Default: refuse.
    pub stale: Stale,
}

/// See [`CrlPolicy::missing`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Missing {
    /// The certificate is not touched.
    #[default]
    Allow,
    /// The certificate is refused.
    Refuse,
}

/// See [`CrlPolicy::stale`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Stale {
    /// The list revokes what it has, and all else is accepted.
    Allow,
    /// The certificate is refused.
    #[default]
    Refuse,
}

/// A certificate of a path, and the key that signed it.
#[derive(Clone, Copy, Debug)]
pub(in crate::verify) struct Link<'a> {
    pub(in crate::verify) certificate: &'a ClientCertificate<'a>,
    pub(in crate::verify) issuer_key: PublicKey<'a>,
    /// In the path; the leaf is number 0.
    pub(in crate::verify) position: usize,
}

/// Asks every list of each certificate's issuer, the leaf's first. That one is revoked counts for
/// more than that nothing is known of another.
pub(in crate::verify) fn check<'a>(
    links: impl Iterator<Item = Link<'a>>,
    trust: &Trusted<'_>,
    now: i64,
) -> Result<(), Fault> {
    let mut unknown = None;
    for link in links {
        match status(&link, trust, now) {
            Ok(()) => {}
            Err(fault) if fault.reason == Reason::Revoked => return Err(fault),
            Err(fault) => {
                unknown.get_or_insert(fault);
            }
        }
    }
    unknown.map_or(Ok(()), Err)
}

fn status(link: &Link<'_>, trust: &Trusted<'_>, now: i64) -> Result<(), Fault> {
    let lists = trust.store.crls();
    let issuer = link.certificate.issuer().prepared();
    let named = |list: &&Crl| list.prepared_issuer() == issuer;
    let serial = link.certificate.serial();
    // Whatever name is in it, the issuer's key signed it.
    for list in lists.iter().chain(trust.revoking.iter().copied()) {
        if let Some(entry) = list.entry(serial)
            && list.is_signed_by(&link.issuer_key)
        {
            return Err(revoked(link, list, &entry));
        }
    }
    if lists.is_empty() {
        return Ok(());
    }
    let (own, others): (Vec<&Crl>, Vec<&Crl>) = lists
        .iter()
        .filter(named)
        .partition(|list| list.is_signed_by(&link.issuer_key));
    // A CA that has changed its key may have revoked it with the former one.
    if let Some(list) = others.iter().find(|list| list.entry(serial).is_some()) {
        return Err(undetermined(
            link,
            format!(
                "a certificate revocation list of {:?} has its serial number, and {}",
                list.issuer(),
                unsigned(list)
            ),
        ));
    }
    if own.is_empty()
        && let Some(list) = others.first()
    {
        let why = unsigned(list);
        let message = format!(
            "the certificate revocation list of {:?} can't be used: {why}",
            list.issuer()
        );
        return Err(undetermined(link, message));
    }
    known(link, &own, trust.store.crl_policy(), now)
}

/// Whether the status is known from one of the lists that the issuer signed and that do not name
/// the certificate.
fn known(link: &Link<'_>, own: &[&Crl], policy: CrlPolicy, now: i64) -> Result<(), Fault> {
    let covering: Vec<&&Crl> = own
        .iter()
        .filter(|list| list.scope.covers(link.certificate))
        .collect();
    // Of lists about the same certificates one that is current will do: what any of them names has
    // been refused.
    let Some(newest) = covering.iter().max_by_key(|list| list.next_update()) else {
        return missing(link, !own.is_empty(), policy.missing);
    };
    if covering.iter().any(|list| list.is_current(now)) || policy.stale == Stale::Allow {
        return Ok(());
    }
    if now < newest.this_update() {
        let message = format!(
            "the certificate revocation list of {:?} begins on {} only: is a clock wrong?",
            newest.issuer(),
            date(newest.this_update())
        );
        return Err(undetermined(link, message));
    }
    Err(undetermined(
        link,
        format!(
            "the certificate revocation list of {:?} is out of date since {}: fetch a new one",
            newest.issuer(),
            date(newest.next_update())
        ),
    ))
}

fn missing(link: &Link<'_>, has_others: bool, missing: Missing) -> Result<(), Fault> {
    if missing == Missing::Allow {
        return Ok(());
    }
    let issuer = link.certificate.issuer().to_text();
    let message = if has_others {
        format!(
            "no certificate revocation list of {issuer:?} is about this certificate (its kind, or \
             the distribution point that it names), and a missing one refuses"
        )
    } else {
        format!("there is no certificate revocation list of {issuer:?}, and a missing one refuses")
    };
    Err(undetermined(link, message))
}

/// Why a list with the issuer's name is not the issuer's.
fn unsigned(list: &Crl) -> String {
    match list.algorithm_refusal() {
        Some(refusal) => format!("its signature is {refusal}"),
        None => "another key than that of the certificate's issuer has signed it".to_owned(),
    }
}

fn revoked(link: &Link<'_>, list: &Crl, entry: &Entry<'_>) -> Fault {
    let message = format!(
        "the certificate revocation list of {:?} revokes it from {} ({})",
        list.issuer(),
        date(entry.revoked_at),
        entry.reason
    );
    Fault {
        revocation: Some(entry.reason),
        ..Fault::of(link.certificate, Reason::Revoked, link.position, message)
    }
}

fn undetermined(link: &Link<'_>, message: String) -> Fault {
    let reason = Reason::RevocationStatusUndetermined;
    Fault::of(link.certificate, reason, link.position, message)
}
