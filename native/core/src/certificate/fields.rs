//! The fields of a certificate beside its names.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::{
    OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION, OID_SIG_ED448, OID_SIG_ED25519,
    OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE,
    OID_X509_EXT_SUBJECT_ALT_NAME,
};
use x509_parser::public_key::PublicKey;

use super::CertificateError;
use super::element::Element;
use super::tbs::Tbs;

/// notBefore and notAfter in Unix seconds.
pub(super) fn validity(certificate: &X509Certificate<'_>) -> Result<(i64, i64), CertificateError> {
    let validity = &certificate.tbs_certificate.validity;
    let mut times = Tbs::parse(certificate.tbs_certificate.as_ref())
        .ok_or(CertificateError::InvalidTime("the validity"))?
        .validity
        .value;
    for which in ["notBefore", "notAfter"] {
        // The parser takes time zones and times without seconds, which DER does not have.
        let whole = match Element::take(&mut times) {
            Ok(Element {
                tag: UTC_TIME,
                value,
                ..
            }) => value.len() == 13 && value.ends_with(b"Z"),
            Ok(Element {
                tag: GENERALIZED_TIME,
                value,
                ..
            }) => value.len() == 15 && value.ends_with(b"Z"),
            _ => false,
        };
        if !whole {
            return Err(CertificateError::InvalidTime(which));
        }
    }
    Ok((
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    ))
}

/// Refuses extensions that decide on a certificate's use and can't be read.
pub(super) fn check_extensions(certificate: &X509Certificate<'_>) -> Result<(), CertificateError> {
    for extension in certificate.extensions() {
        let name = if extension.oid == OID_X509_EXT_BASIC_CONSTRAINTS {
            "basicConstraints"
        } else if extension.oid == OID_X509_EXT_KEY_USAGE {
            "keyUsage"
        } else if extension.oid == OID_X509_EXT_EXTENDED_KEY_USAGE {
            "extKeyUsage"
        } else {
            continue;
        };
        if matches!(
            extension.parsed_extension(),
            ParsedExtension::ParseError { .. }
        ) {
            return Err(CertificateError::MalformedExtension(name));
        }
    }
    Ok(())
}

/// The value of the subjectAltName extension, if there is one.
pub(super) fn subject_alt_name<'a>(
    certificate: &'a X509Certificate<'a>,
) -> Result<Option<&'a [u8]>, CertificateError> {
    let mut values = certificate
        .extensions()
        .iter()
        .filter(|extension| extension.oid == OID_X509_EXT_SUBJECT_ALT_NAME)
        .map(|extension| extension.value);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(CertificateError::TwoSubjectAltNames),
        (first, None) => Ok(first),
    }
}

/// The version, of which there are three.
pub(super) fn version(certificate: &X509Certificate<'_>) -> Result<u8, CertificateError> {
    match certificate.tbs_certificate.version.0 {
        0 => Ok(1),
        1 => Ok(2),
        2 => Ok(3),
        _ => Err(CertificateError::UnknownVersion),
    }
}

pub(super) fn may_issue(certificate: &X509Certificate<'_>) -> bool {
    let self_issued = certificate.subject().as_raw() == certificate.issuer().as_raw();
    certificate.is_ca() || (version(certificate) == Ok(1) && self_issued)
}

/// The public key in a few words.
pub(super) fn key(certificate: &X509Certificate<'_>) -> String {
    let info = certificate.public_key();
    let algorithm = &info.algorithm.algorithm;
    match info.parsed() {
        Ok(PublicKey::RSA(key)) if *algorithm == OID_PKCS1_RSAENCRYPTION => {
            format!("RSA {}", key.key_size())
        }
        Ok(PublicKey::RSA(key)) => format!("RSASSA-PSS {}", key.key_size()),
        Ok(PublicKey::EC(point)) if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY => {
            match point.key_size() {
                528 => "EC P-521".to_owned(),
                size => format!("EC P-{size}"),
            }
        }
        _ if *algorithm == OID_SIG_ED25519 => "Ed25519".to_owned(),
        _ if *algorithm == OID_SIG_ED448 => "Ed448".to_owned(),
        _ if algorithm.to_id_string() == RSASSA_PSS => "RSASSA-PSS".to_owned(),
        _ => format!("unknown ({algorithm})"),
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]);
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(digits);
    text
}

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// id-RSASSA-PSS (RFC 4055).
const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";
