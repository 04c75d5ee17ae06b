//! Whether a client's chain is to be trusted: MongooseIM's `tls.verify_mode`, judged anew at
//! every login.
//!
//! rustls-webpki builds and judges the path. Beside it stand, each in a module of its own, what
//! it does not judge:
//!
//! - `shape`: leaves of X.509 version 1 or 2 and leaves that are CAs, which webpki
//!   refuses by design and MongooseIM accepts, are brought into a shape that webpki judges;
//! - `issuer`: keyCertSign of the issuers on the path that webpki found;
//! - `selfsigned`: a single certificate that is its own issuer.
//!
//! The reasons are those of OTP's `ssl` and `public_key`.

use core::cell::RefCell;
use core::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::certificate::ordinary::Ordinary;
use crate::certificate::{MAX_CERTIFICATE, MAX_CHAIN};

pub(crate) mod crl;
mod diagnosis;
mod fault;
mod issuer;
mod mode;
mod remembered;
mod revocation;
mod rewrite;
mod rsa_keys;
mod selfsigned;
mod shape;
pub(crate) mod signature;
mod trust;

use remembered::Remembered;

pub use crate::reason::Reason;
pub use fault::Fault;
pub use mode::VerifyMode;
pub use revocation::{CrlPolicy, Missing, Stale};
pub use trust::{TrustError, TrustStore};

/// Judges a chain of certificates in DER, leaf first, at `now` in Unix seconds.
///
/// The other certificates may come in any order, and ones that lead nowhere are ignored. In the
/// mode `none` everything is accepted: no certificate is asked for, so that none is used.
///
/// # Errors
/// All faults that are known, the one that counts first.
pub fn verify<D: AsRef<[u8]>>(
    chain: &[D],
    mode: VerifyMode,
    trust: &TrustStore,
    now: i64,
) -> Result<(), Vec<Fault>> {
    if mode == VerifyMode::None {
        return Ok(());
    }
    let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
    let leaf = check_size(&chain).map_err(|fault| vec![fault])?;
    // Most leaves need no more of them than this.
    let judged_as_it_is = |leaf: &Ordinary<'_>| !leaf.is_ca && leaf.subject != leaf.issuer;
    if Ordinary::read(leaf).as_ref().is_some_and(judged_as_it_is) {
        return verify_path(&chain, None, trust, now);
    }

    let parsed = parse(leaf, 0).map_err(|fault| vec![fault])?;
    let self_issued = parsed.subject().as_raw() == parsed.issuer().as_raw();
    if self_issued && chain.len() == 1 {
        let faults = selfsigned::faults(&parsed, mode, now);
        return if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        };
    }
    let shaped = shape::Shaped::new(&parsed, self_issued);
    verify_path(&chain, shaped.as_ref(), trust, now)
}

fn check_size<'a>(chain: &[&'a [u8]]) -> Result<&'a [u8], Fault> {
    let Some(leaf) = chain.first() else {
        return Err(Fault::new(
            Reason::NoPeerCert,
            0,
            "the client sent no certificate",
        ));
    };
    if chain.len() > MAX_CHAIN {
        return Err(Fault::new(
            Reason::MaxPathLengthReached,
            MAX_CHAIN,
            format!(
                "the client sent {} certificates, more than the {MAX_CHAIN} allowed",
                chain.len()
            ),
        ));
    }
    match chain.iter().position(|der| der.len() > MAX_CERTIFICATE) {
        Some(position) => Err(Fault::new(
            Reason::BadCertificate,
            position,
            format!(
                "it has {} bytes, more than the {MAX_CERTIFICATE} allowed",
                chain[position].len()
            ),
        )),
        None => Ok(leaf),
    }
}

fn parse(der: &[u8], position: usize) -> Result<X509Certificate<'_>, Fault> {
    match X509Certificate::from_der(der) {
        Ok(([], parsed)) => Ok(parsed),
        Ok(_) => Err(Fault::new(
            Reason::BadCertificate,
            position,
            "bytes follow the certificate",
        )),
        Err(error) => Err(Fault::new(
            Reason::BadCertificate,
            position,
            format!("it is no X.509 certificate: {error}"),
        )),
    }
}

fn verify_path(
    chain: &[&[u8]],
    shaped: Option<&shape::Shaped>,
    trust: &TrustStore,
    now: i64,
) -> Result<(), Vec<Fault>> {
    // Of several for the same signatures webpki takes the first.
    let held = trust.rsa_keys().iter();
    let mut algorithms: Vec<_> = held
        .map(|keys| keys as &dyn signature::Algorithm)
        .chain(signature::ALGORITHMS.iter().copied())
        .collect();
    let mut leaf = chain[0];
    if let Some(shaped) = shaped {
        let own = shaped.algorithms.iter();
        algorithms.extend(own.map(|known| known as &dyn signature::Algorithm));
        leaf = &shaped.der;
    }
    if trust.crls().is_empty() {
        return find_path(&algorithms, leaf, chain, trust, now);
    }
    let remembered: Vec<_> = algorithms.into_iter().map(Remembered::new).collect();
    let algorithms: Vec<_> = remembered.iter().map(|known| known as _).collect();
    find_path(&algorithms, leaf, chain, trust, now)
}

/// The leaf stands in the place of the chain's first certificate.
fn find_path(
    algorithms: &[&dyn signature::Algorithm],
    leaf: &[u8],
    chain: &[&[u8]],
    trust: &TrustStore,
    now: i64,
) -> Result<(), Vec<Fault>> {
    let leaf = CertificateDer::from(leaf);
    let others: Vec<CertificateDer<'_>> = chain[1..]
        .iter()
        .map(|der| CertificateDer::from(*der))
        .collect();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or(0)));
    let leaf = EndEntityCert::try_from(&leaf)
        .map_err(|error| diagnosis::faults(&error, chain, trust, now))?;
    // webpki goes on looking for a path when this refuses one, and its error can't carry ours.
    let refused = RefCell::new(None);
    let check_path = |path: &webpki::VerifiedPath<'_>| {
        issuer::check(path)
            .and_then(|()| revocation::check(path, algorithms, trust, time))
            .map_err(|fault| {
                let position = sent_at(path, fault.position, chain);
                *refused.borrow_mut() = Some(vec![Fault { position, ..fault }]);
                Error::UnknownIssuer
            })
    };
    let judged = leaf
        .verify_for_usage(
            algorithms,
            trust.anchors(),
            &others,
            time,
            KeyUsage::client_auth(),
            None,
            Some(&check_path),
        )
        .map(drop);
    judged.map_err(|error| match refused.take() {
        Some(faults) => faults,
        None => diagnosis::faults(&error, chain, trust, now),
    })
}

/// Where the client sent the certificate with this position in the path.
fn sent_at(path: &webpki::VerifiedPath<'_>, position: usize, chain: &[&[u8]]) -> usize {
    let issuer = position
        .checked_sub(1)
        .and_then(|above_leaf| path.intermediate_certificates().nth(above_leaf));
    issuer
        .and_then(|issuer| chain.iter().position(|sent| **sent == *issuer.der()))
        .unwrap_or(0)
}
