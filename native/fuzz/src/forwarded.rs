//! Certificates in a proxy's headers: read as the proxy writes them, and never from a value that a
//! client has put before or behind the proxy's.

use certjid_core::certificate::{MAX_CERTIFICATE, MAX_CHAIN};
use certjid_core::encoding;
use certjid_core::headers::{Forwarded, Proxy};

use crate::certificate::encodings;

/// A byte for the proxy, and parts: the value of the certificate's header, that of the chain's,
/// and another value of the certificate's header.
pub fn check(data: &[u8]) {
    let [first, rest @ ..] = data else {
        return;
    };
    let proxy = Proxy::ALL[usize::from(*first) % Proxy::ALL.len()];
    let mut parts = crate::parts(rest);
    let mut next = || parts.next().unwrap_or_default().to_vec();
    let (leaf, issuers, other) = (next(), next(), next());
    let read = |certificate: Vec<Vec<u8>>, chain: Vec<Vec<u8>>| {
        let forwarded = Forwarded {
            proxy,
            certificate,
            chain,
        };
        let read = forwarded.certificates();
        assert_eq!(read, forwarded.certificates());
        read
    };
    for chain in [Vec::new(), vec![issuers]] {
        let Ok(ders) = read(vec![leaf.clone()], chain.clone()) else {
            continue;
        };
        assert!(ders.len() <= MAX_CHAIN);
        for der in &ders {
            assert!(der.len() <= MAX_CERTIFICATE);
            assert_eq!(
                encoding::chain(der).as_deref(),
                Ok(core::slice::from_ref(der))
            );
        }
        assert_eq!(ders.is_empty(), leaf.trim_ascii().is_empty());
        let values = vec![leaf.clone(), leaf.clone()];
        assert!(read(values, chain).is_err(), "duplicate header");
    }

    // A client's own header, joined with the proxy's by some server.
    let holds =
        |value: &[u8]| read(vec![value.to_vec()], Vec::new()).is_ok_and(|ders| !ders.is_empty());
    if holds(&leaf) && holds(&other) {
        for comma in [&b","[..], b", "] {
            for joined in [
                [&leaf[..], comma, &other[..]],
                [&other[..], comma, &leaf[..]],
            ] {
                assert!(!holds(&joined.concat()), "two values are read as one");
            }
        }
    }
}

/// Values of all proxies, also such as are another proxy's.
pub fn seeds() -> Vec<Vec<u8>> {
    let measured: Vec<Vec<u8>> = crate::certificate::seeds().into_iter().step_by(9).collect();
    let mut seeds = Vec::new();
    for pair in measured.windows(2) {
        let [_, escaped, field] = encodings(&pair[..1]);
        let [_, _, other] = encodings(&pair[1..]);
        let base64 = field.trim_ascii_start()[1..field.len() - 1].to_vec();
        let envoy = [b"Hash=00;Cert=\"", &escaped[..], b"\";Subject=\"CN=a,O=b\""].concat();
        for (proxy, value) in [envoy, base64, escaped, field].iter().enumerate() {
            let proxy = u8::try_from(proxy).expect("a few proxies");
            seeds.push([&[proxy], &crate::join(&[value, b"", value])[..]].concat());
            seeds.push([&[proxy], &crate::join(&[value, &other, &other])[..]].concat());
        }
    }
    seeds
}

/// What the headers are made of.
pub const WORDS: &[&str] = &[
    "Cert=\"",
    "Chain=\"",
    "Hash=",
    "Subject=\"",
    "URI=",
    "By=",
    "DNS=",
    ";",
    ",",
    ", ",
    "\"",
    "\\\"",
    ":",
    "=",
    "%0A",
    "%20",
    "%2B",
    "-----BEGIN%20CERTIFICATE-----%0A",
    "-----END%20CERTIFICATE-----%0A",
];
