//! Chains of one to four certificates below a trust anchor, with faults and oddities at random.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData as _, SerialNumber,
    SigningKey as _, date_time_ymd,
};

use crate::der::{Signed, parts, wrap};
use crate::judge::Bundle;
use crate::random::Random;

/// A few keys for all chains, so that some chains have the same key twice.
pub fn keys() -> Vec<KeyPair> {
    (0..6).map(|_| KeyPair::generate().unwrap()).collect()
}

pub fn chain(random: &mut Random, keys: &[KeyPair]) -> Bundle {
    let length = 1 + random.below(4);
    let mut params = ca(random, "root");
    let mut key = random.pick(keys);
    let trusted = params.self_signed(key).unwrap().der().to_vec();
    let mut chain = Vec::new();
    for left in (0..length).rev() {
        let issuer = if random.once_in(25) {
            // The right name, and perhaps another key.
            Issuer::from_params(&params, random.pick(keys))
        } else {
            Issuer::from_params(&params, key)
        };
        let mut next = if left == 0 {
            leaf(random)
        } else {
            ca(random, &format!("CA {left}"))
        };
        if random.once_in(10) {
            next.distinguished_name = params.distinguished_name.clone();
        }
        let next_key = random.pick(keys);
        let mut der = next.signed_by(next_key, &issuer).unwrap().der().to_vec();
        if random.once_in(if left == 0 { 8 } else { 40 }) {
            der = version_1(&der, issuer.key());
        }
        if random.once_in(60) {
            let last = der.len() - 1;
            der[last] ^= 1;
        }
        chain.insert(0, der);
        (params, key) = (next, next_key);
    }
    if random.once_in(6) {
        // Any order will do, after the leaf.
        chain[1..].reverse();
    }
    if random.once_in(20) && chain.len() > 1 {
        let missing = 1 + random.below(chain.len() - 1);
        chain.remove(missing);
    }
    if random.once_in(6) {
        chain.push(trusted.clone());
    }
    Bundle {
        trusted: vec![trusted],
        chain,
        crls: Vec::new(),
    }
}

fn ca(random: &mut Random, name: &str) -> CertificateParams {
    let mut params = common(random, name);
    params.is_ca = match random.below(30) {
        0 => IsCa::NoCa,
        1 => IsCa::ExplicitNoCa,
        2..=6 => IsCa::Ca(BasicConstraints::Constrained(
            u8::try_from(random.below(3)).unwrap(),
        )),
        _ => IsCa::Ca(BasicConstraints::Unconstrained),
    };
    params.key_usages = match random.below(20) {
        0 => vec![KeyUsagePurpose::DigitalSignature],
        1 => vec![KeyUsagePurpose::CrlSign],
        2..=6 => Vec::new(),
        _ => vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
    };
    if random.once_in(12) {
        let subtrees = vec![subtree(random)];
        let (permitted_subtrees, excluded_subtrees) = if random.once_in(2) {
            (subtrees, Vec::new())
        } else {
            (Vec::new(), subtrees)
        };
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees,
            excluded_subtrees,
        });
    }
    params
}

fn leaf(random: &mut Random) -> CertificateParams {
    let mut params = common(random, "alice");
    params.is_ca = match random.below(6) {
        0 => IsCa::Ca(BasicConstraints::Unconstrained),
        1 => IsCa::Ca(BasicConstraints::Constrained(0)),
        2 => IsCa::ExplicitNoCa,
        _ => IsCa::NoCa,
    };
    if random.once_in(4) {
        params.key_usages = vec![*random.pick(&[
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyCertSign,
        ])];
    }
    if random.once_in(2) {
        let name = random.pick(&["a.example.com", "b.example.net"]);
        params.subject_alt_names = CertificateParams::new(vec![(*name).to_owned()])
            .unwrap()
            .subject_alt_names;
    }
    params
}

fn common(random: &mut Random, name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(1 + random.below(1 << 20) as u64));
    let (from, to) = *random.pick(&[(2020, 2040), (2020, 2040), (1971, 2060)]);
    let (from, to) = match random.below(50) {
        0 => (2020, 2025),
        1 => (2030, 2040),
        _ => (from, to),
    };
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params.extended_key_usages = match random.below(24) {
        0 => vec![ExtendedKeyUsagePurpose::ServerAuth],
        1 => vec![ExtendedKeyUsagePurpose::Any],
        2 | 3 => vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ],
        4..=7 => vec![ExtendedKeyUsagePurpose::ClientAuth],
        _ => Vec::new(),
    };
    params
}

fn subtree(random: &mut Random) -> GeneralSubtree {
    match random.below(3) {
        0 => GeneralSubtree::DnsName("example.com".to_owned()),
        1 => GeneralSubtree::Rfc822Name("example.com".to_owned()),
        _ => {
            let mut name = rcgen::DistinguishedName::new();
            name.push(DnType::CommonName, "alice");
            GeneralSubtree::DirectoryName(name)
        }
    }
}

/// The certificate without its version and its extensions, signed anew.
fn version_1(der: &[u8], issuer: &KeyPair) -> Vec<u8> {
    let mut signed = Signed::parse(der).unwrap();
    let fields = parts(&signed.tbs).unwrap();
    let kept: Vec<&[u8]> = fields[1..7].iter().map(Vec::as_slice).collect();
    signed.tbs = wrap(der::Tag::Sequence, &kept);
    signed.signature = issuer.sign(&signed.tbs).unwrap();
    debug_assert!(signed.is_signed_by(issuer.der_bytes()));
    signed.to_der()
}
