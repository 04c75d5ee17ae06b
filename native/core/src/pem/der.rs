//! What a file in DER holds, for the message that PEM is due.

use crate::der::Reader;

/// What DER is there.
pub(super) struct Found {
    /// As it is named.
    pub(super) what: &'static str,
    /// How it is converted.
    pub(super) advice: Option<&'static str>,
    pub(super) is_certificate: bool,
    pub(super) is_crl: bool,
}

/// Tells what a file is that begins with the DER of a sequence. None where it does not.
pub(super) fn look(file: &[u8]) -> Option<Found> {
    let mut rest = Reader::new(file);
    let whole = rest.any().ok();
    // A text may begin with the digit 0, but does not end where its second character says.
    let is_long = matches!(file, [SEQUENCE, 0x80..=0x84, ..]);
    let is_short = file.first() == Some(&SEQUENCE) && whole.is_some() && rest.is_empty();
    let is_short = is_short && !super::is_in(file);
    if !is_long && !is_short {
        return None;
    }
    let mut fields = Reader::new(whole.map(|whole| whole.value).unwrap_or_default());
    let mut take = || {
        let element = fields.any().ok()?;
        Some((element.tag, element.value))
    };
    let (what, advice) = match (take(), take()) {
        (Some((INTEGER, [3])), _) => ("a PKCS#12 archive", Some(PKCS12)),
        (Some((INTEGER, _)), Some(_)) => ("a private key", Some(KEY)),
        (Some((OBJECT_IDENTIFIER, _)), _) => ("PKCS#7", Some(PKCS7)),
        (Some((SEQUENCE, _)), Some((OCTET_STRING, _))) => {
            ("an encrypted private key", Some(LOCKED))
        }
        (Some((SEQUENCE, tbs)), Some((SEQUENCE, _))) if is_crl(tbs) => {
            return Some(Found {
                what: "a CRL",
                advice: Some("`openssl crl -inform DER -in FILE` converts it"),
                is_certificate: false,
                is_crl: true,
            });
        }
        (Some((SEQUENCE, _)), Some((SEQUENCE, _))) => ("a certificate", Some(CERTIFICATE)),
        _ => ("of an unknown kind", None),
    };
    Some(Found {
        what,
        advice,
        is_certificate: advice == Some(CERTIFICATE),
        is_crl: false,
    })
}

/// A list has no serial number, so that its second sequence is the issuer's name.
fn is_crl(tbs: &[u8]) -> bool {
    let mut tbs = Reader::new(tbs);
    let mut tag = || tbs.any().ok().map(|element| element.tag);
    match tag() {
        Some(INTEGER) => {
            (tag(), tag()) == (Some(SEQUENCE), Some(SEQUENCE)) && tag() != Some(SEQUENCE)
        }
        Some(SEQUENCE) => true,
        _ => false,
    }
}

const CERTIFICATE: &str = "`openssl x509 -inform DER -in FILE` converts it";
const KEY: &str = "`openssl pkey -inform DER -in FILE` converts it";
const LOCKED: &str = "`openssl pkcs8 -topk8 -inform DER -in FILE` converts it";
const PKCS7: &str = "`openssl pkcs7 -inform DER -print_certs -in FILE` converts it";
const PKCS12: &str = "`openssl pkcs12 -in FILE` takes its contents out";

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
