//! What webpki accepts, certjid accepts, and beyond it only what it says.

use core::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::NOW;
use crate::judge::{Bundle, SUCCESS, judge};
use crate::random::Random;

/// Both accept; certjid alone, by the leaf's shape; both refuse; webpki alone.
#[derive(Debug, Default)]
struct Counts {
    both: usize,
    version_1: usize,
    ca: usize,
    neither: usize,
    alone_self_issued: usize,
    no_purpose: usize,
}

#[test]
fn as_webpki() {
    let keys = crate::chains::keys();
    let mut counts = Counts::default();
    for seed in 0..CHAINS {
        let bundle = crate::chains::chain(&mut Random(seed), &keys);
        let ours = judge(&bundle, NOW);
        let theirs = webpki(&bundle);
        let leaf = parse(&bundle.chain[0]);
        let told = || format!("chain {seed}: {ours}; webpki: {theirs:?}");
        match (ours == SUCCESS, theirs.is_ok()) {
            (true, true) => counts.both += 1,
            (false, false) => counts.neither += 1,
            (true, false) if leaf.version.0 < 2 => {
                assert_eq!(theirs, Err(Error::UnsupportedCertVersion), "{}", told());
                counts.version_1 += 1;
            }
            (true, false) => {
                assert!(leaf.is_ca(), "{}", told());
                assert_eq!(theirs, Err(Error::CaUsedAsEndEntity), "{}", told());
                counts.ca += 1;
            }
            // OTP calls a single certificate with one name as subject and issuer self-signed,
            // whoever signed it, and so do we.
            (false, true) if ours == "FAILURE: invalid_key_usage" => {
                assert!(has_no_purpose(&leaf), "{}", told());
                counts.no_purpose += 1;
            }
            (false, true) => {
                let self_issued = leaf.subject().as_raw() == leaf.issuer().as_raw();
                assert!(self_issued && bundle.chain.len() == 1, "{}", told());
                assert_eq!(ours, "FAILURE: selfsigned_peer", "{}", told());
                counts.alone_self_issued += 1;
            }
        }
    }
    println!("{counts:?}");
    // Else the chains say nothing.
    let Counts {
        both,
        version_1,
        ca,
        neither,
        alone_self_issued,
        no_purpose,
    } = counts;
    assert!(both.min(neither) > 300 && version_1.min(ca) > 50 && alone_self_issued > 0);
    assert!(no_purpose > 0);
}

/// Whether keyUsage and extKeyUsage are both there and have no purpose of a client in common: OTP
/// refuses such a certificate since 27.
fn has_no_purpose(leaf: &X509Certificate<'_>) -> bool {
    let usage = leaf.key_usage().unwrap().map(|usage| usage.value);
    let is_fit = usage.is_none_or(|usage| usage.digital_signature() || usage.key_agreement());
    leaf.extended_key_usage().unwrap().is_some() && !leaf.is_ca() && !is_fit
}

/// webpki's own answer, with keyCertSign demanded of the issuers where they have keyUsage.
fn webpki(bundle: &Bundle) -> Result<(), Error> {
    let der = |der: &Vec<u8>| CertificateDer::from(der.clone());
    // certjid judges the dates of a trust anchor, and takes nobody's leaf for a CA.
    let may_vouch = |der: &&Vec<u8>| {
        let ca = parse(der);
        let constraints = ca.basic_constraints().unwrap();
        let is_ca = constraints.map_or_else(|| ca.subject() == ca.issuer(), |found| found.value.ca);
        let dates = ca.validity();
        is_ca && (dates.not_before.timestamp()..=dates.not_after.timestamp()).contains(&NOW)
    };
    let trusted: Vec<_> = bundle.trusted.iter().filter(may_vouch).map(der).collect();
    let anchors: Vec<_> = trusted
        .iter()
        .map(|der| webpki::anchor_from_trusted_cert(der).unwrap())
        .collect();
    let chain: Vec<_> = bundle.chain.iter().map(der).collect();
    let now = Duration::from_secs(u64::try_from(NOW).unwrap());
    EndEntityCert::try_from(&chain[0])?
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &chain[1..],
            UnixTime::since_unix_epoch(now),
            KeyUsage::client_auth(),
            None,
            Some(&issuers_sign),
        )
        .map(drop)
}

fn issuers_sign(path: &VerifiedPath<'_>) -> Result<(), Error> {
    for issuer in path.intermediate_certificates() {
        let der = issuer.der();
        let usage = parse(&der)
            .key_usage()
            .unwrap()
            .map(|usage| usage.value.flags);
        if usage.is_some_and(|flags| flags & KEY_CERT_SIGN == 0) {
            return Err(Error::UnknownIssuer);
        }
    }
    Ok(())
}

fn parse(der: &[u8]) -> X509Certificate<'_> {
    X509Certificate::from_der(der).unwrap().1
}

/// Bit 5 of keyUsage, as x509-parser counts.
const KEY_CERT_SIGN: u16 = 1 << 5;
const CHAINS: u64 = 4000;
