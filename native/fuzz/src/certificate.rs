//! A certificate: it is accepted as it is, wholly, or not at all, and what it offers is text that
//! harms no log and no protocol.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::certificate::{Certificate, CertificateError, LoginFields};
use certjid_core::encoding;

/// One certificate in DER.
pub fn check(data: &[u8]) {
    let read = Certificate::from_der(data);
    check_login_fields(data, read.as_ref());
    let Ok(certificate) = read else {
        return;
    };
    assert_eq!(certificate.der(), data);
    assert_eq!(
        Certificate::from_der(certificate.der()).as_ref(),
        Ok(&certificate)
    );

    // Not a byte more or less: a fingerprint names one certificate.
    let longer = [data, &[0]].concat();
    assert!(Certificate::from_der(&longer).is_err());
    assert!(Certificate::from_der(&data[..data.len() - 1]).is_err());

    let used = certificate.xmpp_addrs().iter().map(String::as_str);
    for name in used.chain(certificate.common_name()) {
        assert!(!name.chars().any(char::is_control), "{name:?}");
        assert!(
            certificate.names().iter().any(|known| known.value == name),
            "{name:?} is used and not listed"
        );
    }
    for skipped in certificate.skipped() {
        assert!(
            skipped
                .value
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        );
    }
    assert_eq!(certificate.fingerprint_hex().len(), 64);
    assert!((1..=3).contains(&certificate.version()));

    for text in encodings(&[data.to_vec()]) {
        assert_eq!(encoding::chain(&text).as_deref(), Ok(&[data.to_vec()][..]));
    }
}

/// The short way of reading says what the long one says.
fn check_login_fields(data: &[u8], certificate: Result<&Certificate, &CertificateError>) {
    match (LoginFields::from_der(data), certificate) {
        (Ok(fields), Ok(certificate)) => {
            assert_eq!(fields.common_name.as_deref(), certificate.common_name());
            assert_eq!(fields.xmpp_addrs, certificate.xmpp_addrs());
            assert_eq!(fields.not_after, certificate.not_after());
        }
        (fields, certificate) => assert_eq!(fields.err().as_ref(), certificate.err()),
    }
}

/// A chain as PEM, as nginx escapes it, and as RFC 9440 has it.
pub(crate) fn encodings(chain: &[Vec<u8>]) -> [Vec<u8>; 3] {
    let pem: String = chain.iter().map(|der| pem(der)).collect();
    let escaped = pem
        .replace(' ', "%20")
        .replace('\n', "%0A")
        .replace('+', "%2B");
    let fields: Vec<String> = chain
        .iter()
        .map(|der| format!(":{}:", STANDARD.encode(der)))
        .collect();
    [
        pem.into_bytes(),
        escaped.into_bytes(),
        fields.join(", ").into_bytes(),
    ]
}

/// A PEM block.
pub(crate) fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).expect("base64 is ASCII"))
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

/// The measured certificates.
pub fn seeds() -> Vec<Vec<u8>> {
    let measured = crate::files("test/data/cases/identity").into_iter();
    measured.map(|(_, der)| der).collect()
}

/// DER of names, times and extensions.
pub const WORDS: &[&str] = &[
    "\x06\x03\x55\x04\x03",
    "\x06\x03\x55\x1d\x11",
    "\x06\x03\x55\x1d\x13",
    "\x06\x08\x2b\x06\x01\x05\x05\x07\x08\x05",
    "\x0c\x0falice@localhost",
    "\x17\x0d260101000000Z",
    "\x18\x0f20260101000000Z",
    "\x01\x01\x00",
    "\x05\x00",
    "\x30\x00",
];
