use std::fs;

use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::*;
use crate::certificate::Certificate;
use crate::certificate::presented::Presented;

/// Certificates whose names are as different as the measured cases have them.
fn certificates() -> Vec<Vec<u8>> {
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/data/cases");
    let mut ders: Vec<Vec<u8>> = fs::read_dir(format!("{cases}/identity"))
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    ders.extend(
        crate::pem::certificates(&fs::read(format!("{cases}/chains-ca.pem")).unwrap())
            .unwrap()
            .ders(),
    );
    ders
}

/// True where the certificate is of the ordinary shape.
fn check(der: &[u8]) -> bool {
    let Some(read) = Ordinary::read(der) else {
        return false;
    };
    let certificate = Certificate::from_der(der)
        .unwrap_or_else(|error| panic!("accepted too easily: {error}: {der:02x?}"));
    assert_eq!(
        read.fields.common_name.as_deref(),
        certificate.common_name()
    );
    assert_eq!(read.fields.xmpp_addrs, certificate.xmpp_addrs());
    assert_eq!(read.fields.not_after, certificate.not_after(), "{der:02x?}");
    assert_eq!(
        (read.is_ca, 3),
        (certificate.may_issue(), certificate.version())
    );
    let (_, parsed) = X509Certificate::from_der(der).unwrap();
    assert_eq!(read.issuer, parsed.issuer().as_raw());
    assert_eq!(read.subject, parsed.subject().as_raw());
    let usage = parsed.key_usage().unwrap_or_else(|_| panic!("{der:02x?}"));
    assert_eq!(
        read.key_cert_sign,
        usage.map(|usage| usage.value.key_cert_sign())
    );
    check_presented(der, &certificate);
    true
}

fn check_presented(der: &[u8], certificate: &Certificate) {
    let presented = Presented::from_der(der).unwrap();
    assert_eq!(
        presented.common_name.as_deref(),
        certificate.common_name.as_deref()
    );
    assert_eq!(presented.xmpp_addrs, certificate.xmpp_addr_entries);
    assert_eq!(presented.subject, certificate.subject);
    assert_eq!(presented.skipped, certificate.skipped, "{der:02x?}");
}

#[test]
fn fields_are_those_of_the_certificate() {
    let certificates = certificates();
    let ordinary = certificates.iter().filter(|der| check(der)).count();
    assert!(
        ordinary > certificates.len() / 2,
        "{ordinary} of {}",
        certificates.len()
    );
    for der in &certificates {
        let fields = LoginFields::from_der(der);
        let certificate = Certificate::from_der(der);
        assert_eq!(fields.clone().err(), certificate.clone().err());
        if let (Ok(fields), Ok(certificate)) = (fields, certificate) {
            assert_eq!(fields.common_name.as_deref(), certificate.common_name());
            assert_eq!(fields.xmpp_addrs, certificate.xmpp_addrs());
            assert_eq!(fields.not_after, certificate.not_after());
        }
    }
}

#[test]
fn whatever_is_changed_in_a_certificate_is_judged_as_the_whole_reader_judges_it() {
    let mut ordinary = 0;
    for der in certificates() {
        for at in 0..der.len() {
            let changes = [0, 0x13, 0x80, 0xff, der[at] ^ 1, der[at].wrapping_add(2)];
            for value in changes {
                let mut changed = der.clone();
                changed[at] = value;
                ordinary += usize::from(check(&changed));
            }
        }
    }
    assert!(ordinary > 50_000, "{ordinary}");
}

#[test]
fn times_are_those_of_the_calendar() {
    for (text, time) in [
        ("700101000000Z", 0),
        ("000228235959Z", 951_782_399),
        ("000301000000Z", 951_868_800),
        ("491231235959Z", 2_524_607_999),
        ("500101000000Z", -631_152_000),
    ] {
        let der = [&[UTC_TIME, 13], text.as_bytes()].concat();
        assert_eq!(Fields(&der).time(), Some(time), "{text}");
    }
}
