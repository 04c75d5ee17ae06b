//! The answer of an HTTP service: a client's certificate is in it, or it is not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use certjid_core::decide::MethodAnswer;
use certjid_sidecar::backend::compare;

use crate::certificate::pem;

/// Two bytes of length (little-endian), the certificate, and the body.
pub fn check(data: &[u8]) {
    let [low, high, rest @ ..] = data else {
        return;
    };
    let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    let (certificate, body) = rest.split_at(length);
    if certificate.is_empty() {
        return;
    }
    let accepts = |body: &[u8], certificate: &[u8]| {
        let answer = compare(body, certificate);
        assert_eq!(answer, compare(body, certificate));
        match answer {
            MethodAnswer::Accepted(_) => true,
            MethodAnswer::Refused(_) => false,
            MethodAnswer::Unavailable(message) => panic!("{message}"),
        }
    };

    if accepts(body, certificate) {
        // The decoder passes over white space.
        let text: Vec<u8> = body
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        let digits = STANDARD_NO_PAD.encode(certificate);
        assert!(
            text.windows(digits.len())
                .any(|window| window == digits.as_bytes())
        );
    }

    // Whatever else a good answer says, as long as it is text without the begin of a block.
    let noise: String = String::from_utf8_lossy(body)
        .replace(
            |char: char| "-\u{2010}\u{2013}\u{2014}\u{2212}".contains(char),
            "_",
        )
        .replace(|char: char| char.is_control() && char != '\n', "");
    let mut other = certificate.to_vec();
    other[0] ^= 1;
    let answer = |ders: &[&[u8]]| {
        let blocks: Vec<String> = ders
            .iter()
            .map(|der| format!("{noise}\n{}", pem(der)))
            .collect();
        blocks.concat().into_bytes()
    };
    assert!(accepts(&answer(&[certificate]), certificate));
    assert!(accepts(
        &answer(&[&other, certificate, &other]),
        certificate
    ));
    assert!(!accepts(&answer(&[&other]), certificate));
    assert!(!accepts(noise.as_bytes(), certificate));
    let longer = [certificate, &[0]].concat();
    assert!(!accepts(&answer(&[&longer]), certificate));
}

/// Answers with and without the certificate.
pub fn seeds() -> Vec<Vec<u8>> {
    let measured: Vec<Vec<u8>> = crate::certificate::seeds().into_iter().step_by(8).collect();
    let mut seeds = Vec::new();
    for pair in measured.windows(2) {
        for body in [
            pem(&pair[0]),
            pem(&pair[1]),
            format!("noise\n{}\n{}", pem(&pair[1]), pem(&pair[0])),
            pem(&pair[0]).replace('\n', "\r\n"),
            pem(&pair[0])[..100.min(pair[0].len())].to_owned(),
        ] {
            let length = u16::try_from(pair[0].len()).expect("a short certificate");
            seeds.push([&length.to_le_bytes(), &pair[0][..], body.as_bytes()].concat());
        }
    }
    seeds
}

/// What PEM is made of.
pub const WORDS: &[&str] = &[
    "-----BEGIN CERTIFICATE-----\n",
    "\n-----END CERTIFICATE-----\n",
    "-----BEGIN X509 CRL-----\n",
    "-----",
    "=",
    "\n",
    "\r\n",
    "MIIB",
];
