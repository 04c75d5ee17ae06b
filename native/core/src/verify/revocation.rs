use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{
    BorrowedCertRevocationList, CertRevocationList, Error, ExpirationPolicy, KeyUsage,
    RevocationOptions, RevocationOptionsBuilder, RevocationReason, UnknownStatusPolicy,
    VerifiedPath,
};
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Name};

use super::crl::{AsItWas, Crl};
use super::signature::Algorithm;
use super::{Fault, Reason, TrustStore};
use crate::certificate::element::Element;
use crate::certificate::tbs::Tbs;

/// What becomes of a certificate on whose revocation nothing certain is known, at listeners that
/// name `crl_files`. It is no setting of MongooseIM, which checks no CRLs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CrlPolicy {
    /// No list of its issuer is there, for it or for a CA on its path. Default: allow.
    pub missing: Missing,
    /// The nextUpdate of its issuer's list is past. Default: refuse.
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

/// Asks every revocation list for a path that webpki found. webpki itself asks only the first
/// list of an issuer that it comes upon, and a later one may revoke the certificate; so the path
/// is judged once with each list of one of its issuers, reduced to what concerns it. The position
/// of a fault is that in the path.
pub(super) fn check(
    path: &VerifiedPath<'_>,
    algorithms: &[&dyn Algorithm],
    trust: &TrustStore,
    time: UnixTime,
) -> Result<(), Fault> {
    if trust.crls().is_empty() {
        return Ok(());
    }
    let links: Vec<Link<'_>> = links(path).collect();
    let serials: Vec<&[u8]> = links.iter().map(|link| link.serial).collect();
    let mut concerned = Vec::new();
    for list in trust.crls() {
        if is_due(list, &links, trust)? {
            // What webpki has read can be written too.
            let reduced = list.reduced(&serials).ok_or_else(|| {
                let message = format!("the list of {} can't be used", name(list.issuer()));
                Fault::new(Reason::RevocationStatusUndetermined, 0, message)
            })?;
            concerned.push(reduced);
        }
    }
    let policy = trust.crl_policy();
    if concerned.is_empty() && policy.missing == Missing::Allow {
        return Ok(());
    }
    let of_lists = AsItWas::all(&concerned);
    let algorithms: Vec<&dyn Algorithm> = algorithms
        .iter()
        .copied()
        .chain(of_lists.iter().map(|algorithm| algorithm as _))
        .collect();
    let mut lists = Vec::new();
    for reduced in &concerned {
        let list = BorrowedCertRevocationList::from_der(&reduced.der)
            .map(CertRevocationList::from)
            .map_err(|error| explain(&error, &links, reduced.list.issuer(), None))?;
        lists.push(list);
    }

    for list in &lists {
        let expiration = match policy.stale {
            Stale::Allow => ExpirationPolicy::Ignore,
            Stale::Refuse => ExpirationPolicy::Enforce,
        };
        judge(path, &algorithms, time, &[list], |options| {
            options
                .with_status_policy(UnknownStatusPolicy::Allow)
                .with_expiration_policy(expiration)
                .build()
        })
        .map_err(|error| explain(&error, &links, list.issuer(), Some(list)))?;
    }
    // That each certificate has a list shows with all of them together.
    if policy.missing == Missing::Refuse {
        let lists: Vec<_> = lists.iter().collect();
        judge(path, &algorithms, time, &lists, |options| {
            options
                .with_status_policy(UnknownStatusPolicy::Deny)
                .build()
        })
        .map_err(|error| missing(&error, &links, &lists))?;
    }
    Ok(())
}

fn judge<'a>(
    path: &VerifiedPath<'_>,
    algorithms: &[&dyn Algorithm],
    time: UnixTime,
    lists: &'a [&'a CertRevocationList<'a>],
    options: impl FnOnce(RevocationOptionsBuilder<'a>) -> RevocationOptions<'a>,
) -> Result<(), Error> {
    let Ok(revocation) = RevocationOptionsBuilder::new(lists).map(options) else {
        return Err(Error::UnknownRevocationStatus);
    };
    let issuers: Vec<CertificateDer<'_>> = path
        .intermediate_certificates()
        .map(|issuer| issuer.der())
        .collect();
    path.end_entity()
        .verify_for_usage(
            algorithms,
            std::slice::from_ref(path.anchor()),
            &issuers,
            time,
            KeyUsage::client_auth(),
            Some(revocation),
            None,
        )
        .map(drop)
}

/// Whether the path has to be judged with a list: it is of one of the issuers, by name, and no
/// matter of another CA with that name. Where an issuer has a list that its own key signed, one
/// that another key signed counts only for the certificates that it names: a CA that has changed
/// its key may have revoked them.
fn is_due(list: &Crl, links: &[Link<'_>], trust: &TrustStore) -> Result<bool, Fault> {
    for link in links.iter().filter(|link| link.issuer == list.issuer()) {
        if list.is_of(&link.issuer_key) {
            return Ok(true);
        }
        let mut others = trust.crls().iter();
        let has_own =
            others.any(|other| other.issuer() == link.issuer && other.is_of(&link.issuer_key));
        if !has_own {
            return Ok(true);
        }
        if list.names(link.serial) {
            let message = format!(
                "a certificate revocation list of {}, which another key of that name has signed, \
                 has its serial number",
                name(link.issuer)
            );
            let reason = Reason::RevocationStatusUndetermined;
            return Err(Fault::new(reason, link.position, message));
        }
    }
    Ok(false)
}

/// A certificate of the path as far as revocation goes; the leaf is number 0.
struct Link<'a> {
    position: usize,
    issuer: &'a [u8],
    /// A SubjectPublicKeyInfo without tag and length.
    issuer_key: Vec<u8>,
    serial: &'a [u8],
}

fn links<'a>(path: &'a VerifiedPath<'_>) -> impl Iterator<Item = Link<'a>> {
    let leaf: &webpki::Cert<'_> = path.end_entity();
    let keys = path
        .intermediate_certificates()
        .map(|issuer| public_key(&issuer.der()).unwrap_or_default())
        .chain([path.anchor().subject_public_key_info.to_vec()]);
    [leaf]
        .into_iter()
        .chain(path.intermediate_certificates())
        .zip(keys)
        .enumerate()
        .map(|(position, (certificate, issuer_key))| Link {
            position,
            issuer: certificate.issuer(),
            issuer_key,
            serial: certificate.serial(),
        })
}

fn public_key(mut certificate: &[u8]) -> Option<Vec<u8>> {
    let fields = Element::take(&mut certificate).ok()?.value;
    Some(Tbs::parse(fields)?.public_key.value.to_vec())
}

/// What a list has against the path.
fn explain(
    error: &Error,
    links: &[Link<'_>],
    issuer: &[u8],
    list: Option<&CertRevocationList<'_>>,
) -> Fault {
    let position = links
        .iter()
        .find(|link| link.issuer == issuer)
        .map_or(0, |link| link.position);
    let issuer = name(issuer);
    match (error, list) {
        (Error::CertRevoked, Some(list)) => revoked(links, list),
        (Error::CrlExpired { next_update, .. }, _) => Fault::new(
            Reason::RevocationStatusUndetermined,
            position,
            format!(
                "the certificate revocation list of {issuer} is out of date since {}: fetch a \
                 new one",
                date(*next_update)
            ),
        ),
        _ => Fault::new(
            Reason::RevocationStatusUndetermined,
            position,
            format!("the certificate revocation list of {issuer} can't be used: {error}"),
        ),
    }
}

fn revoked(links: &[Link<'_>], list: &CertRevocationList<'_>) -> Fault {
    let entry = links
        .iter()
        .filter(|link| link.issuer == list.issuer())
        .find_map(|link| Some((link.position, list.find_serial(link.serial).ok()??)));
    let issuer = name(list.issuer());
    let Some((position, entry)) = entry else {
        let message = format!("the certificate revocation list of {issuer} revokes it");
        return Fault::new(Reason::Revoked, 0, message);
    };
    let reason = reason(entry.reason_code);
    let message = format!(
        "the certificate revocation list of {issuer} revokes it from {} ({reason})",
        date(entry.revocation_date)
    );
    Fault {
        revocation: Some(reason),
        ..Fault::new(Reason::Revoked, position, message)
    }
}

fn missing(error: &Error, links: &[Link<'_>], lists: &[&CertRevocationList<'_>]) -> Fault {
    let uncovered = links
        .iter()
        .find(|link| lists.iter().all(|list| list.issuer() != link.issuer));
    match uncovered {
        Some(link) => Fault::new(
            Reason::RevocationStatusUndetermined,
            link.position,
            format!(
                "there is no certificate revocation list of {}, and a missing one refuses",
                name(link.issuer)
            ),
        ),
        None => Fault::new(
            Reason::RevocationStatusUndetermined,
            0,
            format!("no certificate revocation list is for this kind of certificate: {error}"),
        ),
    }
}

/// OTP's words for the reasons of RFC 5280 section 5.3.1.
fn reason(code: Option<RevocationReason>) -> &'static str {
    match code {
        None | Some(RevocationReason::Unspecified) => "unspecified",
        Some(RevocationReason::KeyCompromise) => "keyCompromise",
        Some(RevocationReason::CaCompromise) => "cACompromise",
        Some(RevocationReason::AffiliationChanged) => "affiliationChanged",
        Some(RevocationReason::Superseded) => "superseded",
        Some(RevocationReason::CessationOfOperation) => "cessationOfOperation",
        Some(RevocationReason::CertificateHold) => "certificateHold",
        Some(RevocationReason::RemoveFromCrl) => "removeFromCRL",
        Some(RevocationReason::PrivilegeWithdrawn) => "privilegeWithdrawn",
        Some(RevocationReason::AaCompromise) => "aACompromise",
    }
}

/// A name as webpki has it: the contents of the SEQUENCE.
fn name(contents: &[u8]) -> String {
    let sequence = der::asn1::AnyRef::new(der::Tag::Sequence, contents)
        .and_then(|name| der::Encode::to_der(&name))
        .unwrap_or_default();
    match X509Name::from_der(&sequence) {
        Ok((_, name)) => format!("\"{name}\""),
        Err(_) => "an issuer without a name".to_owned(),
    }
}

fn date(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| ASN1Time::from_timestamp(seconds).ok())
        .and_then(|time| time.to_rfc2822().ok())
        .unwrap_or_else(|| "a time out of range".to_owned())
}
