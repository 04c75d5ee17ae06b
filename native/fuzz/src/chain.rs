//! A chain: whatever is done to one, nobody but the honest clients is let in, and each of them
//! under its own name only.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use certjid_core::certificate::{Certificate, MAX_CERTIFICATE, MAX_CHAIN};
use certjid_core::config::ListenerRef;
use certjid_core::decide::{Authzid, Outcome, Request};
use certjid_core::encoding;
use certjid_core::verify::Reason;
use serde_json::Value;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::certificate::encodings;
use crate::der;
use crate::pki::{NOW, Pki};

/// The byte 1 and certificates in DER, one after the other; or a chain in any encoding.
pub fn check(data: &[u8]) {
    let chain = match data {
        [RAW, ders @ ..] => der::sequences(ders),
        _ => {
            let Ok(chain) = encoding::chain(data) else {
                return;
            };
            assert!(!chain.is_empty() && chain.len() <= MAX_CHAIN);
            assert!(chain.iter().all(|der| der.len() <= MAX_CERTIFICATE));
            let [pem, escaped, field] = encodings(&chain);
            assert_eq!(encoding::chain(&pem).as_ref(), Ok(&chain));
            // A header has one certificate, and only what can be one.
            for header in [escaped, field] {
                let read = encoding::chain(&header);
                assert!(read.as_ref().map_or(true, |read| *read == chain));
                assert!(chain.len() == 1 || read.is_err());
            }
            chain
        }
    };
    judge(&chain);
}

fn judge(chain: &[Vec<u8>]) {
    let world = &*WORLD;
    let verify = |port| {
        world
            .pki
            .policy
            .verify_chain(&ListenerRef::Port(port), chain, NOW)
    };
    let (peer, selfsigned, none) = (verify(5222), verify(5223), verify(5224));
    assert_eq!(none, Ok(()));
    assert!(
        peer.is_err() || selfsigned.is_ok(),
        "selfsigned_peer is peer and more"
    );

    let signed = chain.first().and_then(|leaf| signed_part(leaf));
    for (port, verdict, honest) in [
        (5222, &peer, &world.by_ca),
        (5223, &selfsigned, &world.by_itself),
    ] {
        match verdict {
            Ok(()) => {
                let signed = signed.as_ref().expect("what is accepted is a certificate");
                let address = honest
                    .get(signed)
                    .or_else(|| world.by_ca.get(signed))
                    .expect("nobody can sign but the CAs and the honest clients");
                let outcome = login(port, chain);
                if let Outcome::Allowed(allowed) = outcome {
                    assert_eq!(Some(&allowed.jid), address.as_ref());
                }
            }
            Err(faults) => {
                assert!(!faults.is_empty());
                assert!(faults.iter().all(|fault| fault.position <= MAX_CHAIN));
                assert!(!matches!(login(port, chain), Outcome::Allowed(_)));
            }
        }
    }
    if signed.is_some_and(|signed| signed == world.revoked) {
        let faults = peer.expect_err("it is revoked");
        let whole = chain.get(1) == world.pki.revoked.get(1) && chain[0] == world.pki.revoked[0];
        assert!(!whole || faults[0].reason == Reason::Revoked, "{faults:?}");
    }
    assert!(!matches!(login(5224, chain), Outcome::Allowed(_)));
}

fn login(port: u16, chain: &[Vec<u8>]) -> Outcome {
    let request = Request {
        listener: ListenerRef::Port(port),
        host: "localhost".to_owned(),
        host_type: None,
        chain: chain.to_vec(),
        authzid: Authzid::Absent,
        verified: None,
    };
    WORLD.pki.policy.authenticate(&request, NOW)
}

/// What the issuer signed.
fn signed_part(der: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    Some(parsed.tbs_certificate.as_ref().to_vec())
}

/// Clients by the part of their certificate that is signed, with their JID where they have one.
type Honest = BTreeMap<Vec<u8>, Option<String>>;

struct World {
    pki: Pki,
    by_ca: Honest,
    by_itself: Honest,
    revoked: Vec<u8>,
    chains: Vec<Vec<Vec<u8>>>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let pki = Pki::new();
    let mut world = World {
        revoked: signed_part(&pki.revoked[0]).expect("a certificate"),
        chains: vec![pki.good.clone(), pki.revoked.clone()],
        by_ca: Honest::new(),
        by_itself: Honest::new(),
        pki,
    };
    let (signed, jid) = honest(&world.pki.good[0]);
    world.by_ca.insert(signed, jid);
    for line in include_str!("../../../test/data/cases/chains.jsonl").lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let pems = row["chain"].as_array().expect("a list");
        let chain: Vec<Vec<u8>> = pems
            .iter()
            .map(|pem| encoding::chain(pem.as_str().unwrap_or_default().as_bytes()))
            .flat_map(|certificates| certificates.expect("PEM"))
            .collect();
        if row["want"]["peer"] == "ok" {
            let (signed, jid) = honest(&chain[0]);
            world.by_ca.insert(signed, jid);
        } else if row["want"]["selfsigned_peer"] == "ok" {
            let (signed, jid) = honest(&chain[0]);
            world.by_itself.insert(signed, jid);
        }
        world.chains.push(chain);
    }
    // A CA may log in too, under its own name.
    for chain in &world.chains {
        for (index, issuer) in chain.iter().enumerate().skip(1) {
            let listener = ListenerRef::Port(5222);
            if world
                .pki
                .policy
                .verify_chain(&listener, &chain[index..], NOW)
                .is_ok()
            {
                let (signed, jid) = honest(issuer);
                world.by_ca.insert(signed, jid);
            }
        }
    }
    world
});

fn honest(leaf: &[u8]) -> (Vec<u8>, Option<String>) {
    let jid = Certificate::from_der(leaf).ok().and_then(|leaf| {
        let by_name = || leaf.common_name().map(|name| format!("{name}@localhost"));
        leaf.xmpp_addrs().first().cloned().or_else(by_name)
    });
    (signed_part(leaf).expect("a certificate"), jid)
}

/// The measured chains and those with CRLs, in all encodings.
pub fn seeds() -> Vec<Vec<u8>> {
    let raw = |chain: &Vec<Vec<u8>>| [&[RAW], &chain.concat()[..]].concat();
    let chains = || WORLD.chains.iter();
    let encoded = chains().take(6).flat_map(|chain| encodings(chain));
    chains().map(raw).chain(encoded).collect()
}

const RAW: u8 = 1;

/// As for a certificate, and the words of its encodings.
pub const WORDS: &[&str] = &[
    "-----BEGIN CERTIFICATE-----",
    "-----END CERTIFICATE-----",
    "-----BEGIN%20",
    "%0A",
    ":, :",
    "\x06\x03\x55\x1d\x13",
    "\x06\x03\x55\x1d\x0f",
    "\x06\x03\x55\x1d\x25",
    "\x06\x03\x55\x1d\x11",
    "\x30\x03\x01\x01\x00",
    "\x03\x02\x05\x00",
    "\x05\x00",
];
