//! Several revocation lists of one CA: each of them counts, in any order.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

use crate::NOW;
use crate::judge::{Bundle, judge};

#[test]
fn an_older_list_does_not_hide_a_newer_one() {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap().der().to_vec();
    let issuer = Issuer::new(params, key);
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "alice");
    params.serial_number = Some(SerialNumber::from(SERIAL));
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap().der().to_vec();

    let older = list(&issuer, 1, Vec::new());
    let newer = list(&issuer, 2, vec![revoked()]);
    for crls in [vec![older.clone(), newer.clone()], vec![newer, older]] {
        let bundle = Bundle {
            trusted: vec![ca.clone()],
            chain: vec![leaf.clone()],
            crls,
        };
        assert_eq!(judge(&bundle, NOW), "FAILURE: revoked");
    }
}

fn list(issuer: &Issuer<'_, KeyPair>, number: u64, revoked: Vec<RevokedCertParams>) -> Vec<u8> {
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2090, 1, 1),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: revoked,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().der().to_vec()
}

fn revoked() -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from(SERIAL),
        revocation_time: date_time_ymd(2026, 1, 1),
        reason_code: None,
        invalidity_date: None,
    }
}

const SERIAL: u64 = 7;
