//! A certificate: it is accepted as it is, wholly, or not at all, and what it offers is text that
//! harms no log and no protocol.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::certificate::{Certificate, ClientCertificate, XmppAddr};
use certjid_core::encoding;
use x509_parser::der_parser::Oid;
use x509_parser::extensions::{GeneralName, SubjectAlternativeName};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// One certificate in DER.
pub fn check(data: &[u8]) {
    let Ok(read) = ClientCertificate::from_der(data) else {
        return;
    };
    check_reading(data, &read);
    let certificate = Certificate::from(&read);
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

/// What is accepted, x509-parser reads too, and sees the same in all that decides. The other way
/// round it need not be: it reads more than DER.
fn check_reading(data: &[u8], read: &ClientCertificate<'_>) {
    let (rest, theirs) = X509Certificate::from_der(data)
        .unwrap_or_else(|error| panic!("accepted too easily: {error}"));
    assert!(rest.is_empty());
    let tbs = &theirs.tbs_certificate;
    assert_eq!(u32::from(read.version()), tbs.version.0 + 1);
    assert_eq!(read.serial(), tbs.raw_serial());
    assert_eq!(read.issuer().der(), tbs.issuer.as_raw());
    assert_eq!(read.subject().der(), tbs.subject.as_raw());
    assert_eq!(read.not_before(), tbs.validity.not_before.timestamp());
    assert_eq!(read.not_after(), tbs.validity.not_after.timestamp());
    assert_eq!(theirs.signature_algorithm, tbs.signature);

    let of_kind = |oid: &[u64]| {
        let oid = Oid::from(oid).expect("an object identifier");
        let known = tbs
            .extensions()
            .iter()
            .filter(move |known| known.oid == oid);
        known.collect::<Vec<_>>()
    };
    for oid in [
        [2, 5, 29, 15],
        [2, 5, 29, 17],
        [2, 5, 29, 19],
        [2, 5, 29, 37],
    ] {
        assert!(of_kind(&oid).len() <= 1, "{oid:?} twice");
    }
    let is_old_root = read.version() == 1 && read.issuer() == read.subject();
    assert_eq!(read.may_issue(), tbs.is_ca() || is_old_root);

    // Both go through all entries: neither sees an xmppAddr that the other does not.
    let entries = of_kind(&[2, 5, 29, 17])
        .into_iter()
        .map(|known| known.value);
    let addresses = entries.flat_map(|value| {
        let Ok((_, names)) = SubjectAlternativeName::from_der(value) else {
            return Vec::new();
        };
        let is_address = |name: &&GeneralName<'_>| {
            matches!(name, GeneralName::OtherName(oid, _) if oid.to_id_string() == XMPP_ADDR)
        };
        vec![(); names.general_names.iter().filter(is_address).count()]
    });
    assert!(read.xmpp_addrs().len() >= addresses.count());
    let usable = read.xmpp_addrs().iter().filter_map(XmppAddr::text);
    assert!(Certificate::from(read).xmpp_addrs().iter().eq(usable));
    if tbs.subject.iter_common_name().next().is_none() {
        assert_eq!(read.common_name(), None);
    }
}

/// id-on-xmppAddr (RFC 6120 section 13.7.1.4).
const XMPP_ADDR: &str = "1.3.6.1.5.5.7.8.5";

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
