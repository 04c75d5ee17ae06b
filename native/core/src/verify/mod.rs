//! Whether a chain is to be trusted: for clients MongooseIM's `tls.verify_mode`, judged at every
//! login, and by the same check for the services that are asked about them.
//!
//! rustls-webpki judges a path. Around it are, each in a module of its own:
//!
//! - `paths`: which paths there are from the leaf to a trust anchor, by names, within bounds;
//! - `compat`: the shapes of certificates that webpki refuses by design and MongooseIM accepts;
//! - `rules`: what webpki does not judge: the dates of trust anchors, keyUsage;
//! - `policies`: certificate policies;
//! - `crl`: revocation;
//! - `selfsigned`: a single certificate that is its own issuer;
//! - `diagnosis`: from webpki's errors to reasons.
//!
//! The reasons are those of OTP's `ssl` and `public_key`.

use crate::certificate::{CertificateError, ClientCertificate, MAX_CERTIFICATE, MAX_CHAIN};

pub(crate) mod algorithm_name;
mod compat;
pub(crate) mod crl;
mod date;
mod diagnosis;
mod fault;
mod mode;
mod path;
mod paths;
mod policies;
mod remembered;
mod rsa_keys;
mod rules;
mod selfsigned;
pub(crate) mod signature;
mod trust;

pub use crate::reason::Reason;
pub use crl::{Crl, CrlError, CrlPolicy, Missing, Stale};
pub(crate) use date::date;
pub use fault::Fault;
pub use mode::VerifyMode;
pub use trust::{TrustError, TrustStore};

/// Judges a client's chain of certificates in DER, leaf first, at `now` in Unix seconds.
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
    verify_for(Purpose::Client, chain, mode, trust, now)
}

/// Judges the chain of a server that certjid asks, as [`verify`] does a client's.
///
/// # Errors
/// As [`verify`].
pub fn verify_service<D: AsRef<[u8]>>(
    chain: &[D],
    mode: VerifyMode,
    trust: &TrustStore,
    now: i64,
) -> Result<(), Vec<Fault>> {
    verify_for(Purpose::Server, chain, mode, trust, now)
}

fn verify_for<D: AsRef<[u8]>>(
    purpose: Purpose,
    chain: &[D],
    mode: VerifyMode,
    trust: &TrustStore,
    now: i64,
) -> Result<(), Vec<Fault>> {
    if mode == VerifyMode::None {
        return Ok(());
    }
    let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
    let leaf = leaf(&chain).map_err(|fault| vec![fault])?;
    judge(
        &leaf,
        &chain[1..],
        purpose,
        mode,
        &Trusted::alone(trust),
        now,
    )
}

/// Judges a client's chain whose leaf has been read; the others follow it.
pub(crate) fn verify_leaf(
    leaf: &ClientCertificate<'_>,
    others: &[&[u8]],
    mode: VerifyMode,
    trust: &Trusted<'_>,
    now: i64,
) -> Result<(), Vec<Fault>> {
    judge(leaf, others, Purpose::Client, mode, trust, now)
}

/// Reads the first certificate of a chain, whose length is checked.
///
/// # Errors
/// Where there is no certificate, or too many, or the first can't be read.
pub(crate) fn leaf<'a>(chain: &[&'a [u8]]) -> Result<ClientCertificate<'a>, Fault> {
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
    if let Some(position) = chain.iter().position(|der| der.len() > MAX_CERTIFICATE) {
        let error = CertificateError::TooLarge(chain[position].len());
        return Err(Fault::new(
            Reason::BadCertificate,
            position,
            error.to_string(),
        ));
    }
    ClientCertificate::from_der(leaf)
        .map_err(|error| Fault::new(Reason::BadCertificate, 0, error.to_string()))
}

fn judge(
    leaf: &ClientCertificate<'_>,
    others: &[&[u8]],
    purpose: Purpose,
    mode: VerifyMode,
    trust: &Trusted<'_>,
    now: i64,
) -> Result<(), Vec<Fault>> {
    if leaf.is_self_issued() && others.is_empty() {
        let faults = selfsigned::faults(leaf, mode, now);
        return if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        };
    }
    path::judge(leaf, others, purpose, trust, now)
}

/// What a path is judged with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trusted<'a> {
    pub(crate) store: &'a TrustStore,
    /// Further lists, which revoke what they name. What they don't name needs none of them.
    pub(crate) revoking: &'a [&'a Crl],
}

impl<'a> Trusted<'a> {
    pub(crate) fn alone(store: &'a TrustStore) -> Self {
        Self {
            store,
            revoking: &[],
        }
    }
}

/// What the leaf of a path is used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    Client,
    Server,
}
