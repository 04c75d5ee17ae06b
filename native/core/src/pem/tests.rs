use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

pub(super) fn block(label: &str, content: &[u8]) -> String {
    let text = STANDARD.encode(content);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

fn a() -> String {
    block("CERTIFICATE", &[1; 100])
}

fn b() -> String {
    block("CERTIFICATE", &[2; 100])
}

const A: &[u8] = &[1; 100];
const B: &[u8] = &[2; 100];

#[track_caller]
fn both(file: impl AsRef<[u8]>) {
    let contents = certificates(file.as_ref()).unwrap();
    assert_eq!(contents.ders(), [A, B]);
}

#[track_caller]
fn fault(file: impl AsRef<[u8]>) -> (usize, PemFault) {
    let error = certificates(file.as_ref()).unwrap_err();
    (error.line.unwrap_or_default(), error.fault)
}

#[test]
fn joined_and_indented_files_are_read() {
    let (a, b) = (a(), b());
    both(format!("{a}{b}"));
    both(format!("{}{b}", a.trim_end()));
    both(format!("{} {b}", a.trim_end()));
    both(format!("{a}{}", b.trim_end()));
    both(format!("{a}  {}", b.replace('\n', "\n\t ")));
    both(format!("{a}{b}").replace('\n', "\r\n"));
    both(format!("{a}{b}").replace('\n', "\r"));
    both(format!("{a}{b}").replace('\n', "  \n"));
    both(format!("{a}\n\n{b}").replace("-\n", "-\n\n"));
    both(format!("{a}{b}\u{1a}"));
}

#[test]
fn a_byte_order_mark_before_any_of_the_files_is_skipped() {
    let (a, b) = (a(), b());
    both(format!("\u{feff}{a}\u{feff}{b}"));
    both(format!("\u{feff}{a}\u{feff}").trim_end().to_owned() + &b);
    let utf16: Vec<u8> = format!("\u{feff}{a}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(fault(&utf16), (0, PemFault::Utf16));
    assert_eq!(fault(&utf16[2..]), (1, PemFault::Binary));
}

#[test]
fn text_between_blocks_says_nothing() {
    let (a, b) = (a(), b());
    for text in [
        "subject=CN = alice",
        "-- the begin of the list --",
        "--- BEGIN the CAs ---",
        "Soci\u{e9}t\u{e9}, MIIB",
        "Bag Attributes\n    localKeyID: 01 02\nKey Attributes: <No Attributes>",
    ] {
        both(format!("{text}\n{a}{text}\n{b}{text}"));
        both(format!("{a}{b}-----\n{text}"));
        let contents = certificates(format!("{text}\n{a}").as_bytes()).unwrap();
        assert!(contents.has_text, "{text}");
    }
    let mut latin = b"Soci\xe9t\xe9\n".to_vec();
    latin.extend(format!("{a}{b}").bytes());
    both(latin);
    assert!(
        !certificates(format!("\n{a}\n\n").as_bytes())
            .unwrap()
            .has_text
    );
}

#[test]
fn a_begin_that_is_no_block_is_refused_with_its_line() {
    let (a, b) = (a(), b());
    let label = Label::of(b"CERTIFICATE");
    for (file, line, expected) in [
        (format!("{a}crl: {b}"), 6, PemFault::TextBefore(label)),
        (format!("{a}# {b}"), 6, PemFault::TextBefore(label)),
        (
            format!("{a}{}", b.replace("-----END CERTIFICATE-----", "")),
            6,
            PemFault::NoEnd(label, None),
        ),
        (
            format!("{}{b}", a.replace("-----END CERTIFICATE-----\n", "")),
            1,
            PemFault::NoEnd(label, Some(5)),
        ),
        (
            a.replace("END CERTIFICATE", "END X509 CRL"),
            1,
            PemFault::OtherEnd(label, 5),
        ),
        (
            format!("{a}{}", b.replace("-----BEGIN CERTIFICATE-----\n", "")),
            9,
            PemFault::NoBegin,
        ),
        (a.replace("ATE-----\n", "ATE----\n"), 1, PemFault::Boundary),
        (a.replace("-----BEGIN", "----BEGIN"), 1, PemFault::Boundary),
        (
            a.replace("-----BEGIN", "\u{2014}BEGIN"),
            1,
            PemFault::Boundary,
        ),
        (a.replace("-----BEGIN", "---- BEGIN"), 1, PemFault::Boundary),
        (a.to_ascii_lowercase(), 1, PemFault::Boundary),
        (
            a.replace("END CERTIFICATE-----", "END CERTIFICATE---"),
            5,
            PemFault::Boundary,
        ),
        (
            format!("{}{}", a.trim_end(), &b[2..]),
            5,
            PemFault::Boundary,
        ),
        (
            format!("{}{}", a.trim_end(), &b[5..].replace("CERTIFICATE", "X")),
            5,
            PemFault::Boundary,
        ),
    ] {
        assert_eq!(fault(&file), (line, expected), "{file}");
    }
}

#[test]
fn content_that_is_not_base64_is_refused_with_its_line() {
    let label = Label::of(b"CERTIFICATE");
    let lines = |lines: &str| {
        format!("x\n-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    };
    for (content, line) in [
        ("AQID\nAQ?D\nAQID", 4),
        ("AQID\r\nAQID\r\nAQI", 5),
        ("AQID\nAQ==\nAQID", 4),
        ("AQID\nAR==", 4),
        ("AQ=\n", 3),
        ("AQID\n----END CERTIFICATE-----", 4),
        ("X-Comment: one\n\nAQID", 3),
    ] {
        assert_eq!(
            fault(lines(content)),
            (line, PemFault::Base64(label)),
            "{content}"
        );
    }
    assert_eq!(fault(lines("")), (2, PemFault::Empty(label)));
    assert_eq!(fault(lines(" \n ")), (2, PemFault::Empty(label)));
}

#[test]
fn missing_line_ends_are_named() {
    let (label, a) = (Label::of(b"CERTIFICATE"), a());
    for (file, line, in_place) in [
        (a.replace('\n', " "), 1, InPlace::Blank),
        (a.replace('\n', "\\n"), 1, InPlace::Escape),
        (a.replace('\n', "\\r\\n"), 1, InPlace::Escape),
        (
            format!("KEY=\"{}\"", a.replace('\n', "\\n")),
            1,
            InPlace::Escape,
        ),
        (a.replace('\n', ""), 1, InPlace::Nothing),
        (a.replace("-----\nAQ", "-----AQ"), 1, InPlace::Nothing),
        (a.replace("\n-----END", " -----END"), 4, InPlace::Blank),
        (a.replace("\n-----END", "\\n-----END"), 4, InPlace::Escape),
        (a.replace("\n-----END", "-----END"), 4, InPlace::Nothing),
    ] {
        assert_eq!(
            fault(&file),
            (line, PemFault::LineEnds(label, in_place)),
            "{file}"
        );
    }
}

#[test]
fn blocks_of_other_kinds_are_named() {
    let a = a();
    for label in [
        "PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "RSA PRIVATE KEY",
        "X509 CRL",
        "CERTIFICATE REQUEST",
        "NEW CERTIFICATE REQUEST",
        "EC PARAMETERS",
    ] {
        let contents = certificates(format!("{a}{}", block(label, B)).as_bytes()).unwrap();
        let others: Vec<_> = contents
            .others
            .iter()
            .map(|other| (other.label.as_str(), other.line))
            .collect();
        assert_eq!(others, [(label, 6)]);
        assert_eq!(contents.ders(), [A]);
    }
    let others = format!("{}{a}", block("TPM2 PRIVATE KEY", B));
    let contents = certificates(others.as_bytes()).unwrap();
    assert!(contents.others[0].label.is_private_key());
    // What is passed over is not read.
    let broken = block("PRIVATE KEY", B).replace("AgI", "???");
    certificates(format!("{a}{broken}").as_bytes()).unwrap();
}

#[test]
fn what_could_be_meant_is_refused_with_the_way_to_convert_it() {
    for (label, mentions) in [
        ("TRUSTED CERTIFICATE", "openssl x509 -in FILE"),
        ("X509 CERTIFICATE", "openssl x509 -in FILE"),
        ("PKCS7", "openssl pkcs7"),
        ("PKCS #7 SIGNED DATA", "openssl pkcs7"),
        ("CMS", "openssl cms"),
        ("CERTIFICATE ", "unknown label"),
        ("CERTlFICATE", "unknown label"),
    ] {
        let error = certificates(format!("{}{}", a(), block(label, B)).as_bytes()).unwrap_err();
        assert_eq!(error.line, Some(6), "{label}");
        assert!(error.to_string().contains(mentions), "{error}");
    }
    let list = block("X509 CRL", A);
    assert_eq!(crls(list.as_bytes()).unwrap().ders(), [A]);
    for (label, mentions) in [
        ("CRL", "X509 CRL"),
        ("PKCS7", "openssl pkcs7"),
        ("x509 crl", "unknown label"),
    ] {
        let error = crls(format!("{list}{}", block(label, B)).as_bytes()).unwrap_err();
        assert_eq!(error.line, Some(6), "{label}");
        assert!(error.to_string().contains(mentions), "{error}");
    }
    let contents = crls(format!("{}{list}", a()).as_bytes()).unwrap();
    assert_eq!(contents.others[0].label.as_str(), "CERTIFICATE");
    let error = ca_certificates(format!("{}{list}", a()).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("crl_files"), "{error}");
}

#[test]
fn der_is_named_with_the_way_to_convert_it() {
    let sequence = |parts: &[&[u8]]| {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[0x30, 0x82][..], &length, &content].concat()
    };
    let padding = [&[0x04, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
    let empty = sequence(&[&padding]);
    let integer = |number| [0x02, 0x01, number];
    let certificate = sequence(&[
        &sequence(&[&integer(9), &empty, &empty, &empty]),
        &empty,
        &padding,
    ]);
    let list = sequence(&[
        &sequence(&[&integer(1), &empty, &empty, b"\x17\x01\x30"]),
        &empty,
        &padding,
    ]);
    for (der, what, command) in [
        (certificate.clone(), "a certificate", "openssl x509"),
        (
            sequence(&[&integer(3), &empty]),
            "PKCS#12",
            "openssl pkcs12",
        ),
        (
            sequence(&[&integer(0), &empty]),
            "a private key",
            "openssl pkey",
        ),
        (
            sequence(&[b"\x06\x01\x2a", &empty]),
            "PKCS#7",
            "openssl pkcs7",
        ),
        (
            sequence(&[&empty, &padding]),
            "an encrypted private key",
            "openssl pkcs8",
        ),
        (list.clone(), "a CRL", "openssl crl"),
        (sequence(&[&padding]), "unknown", ""),
    ] {
        for due in [certificates(&der).map(drop), private_key(&der).map(drop)] {
            let text = due.unwrap_err().to_string();
            assert!(text.contains(what) && text.contains(command), "{text}");
        }
    }
    assert_eq!(crls(&list).unwrap().ders(), [list.as_slice()]);
    assert_eq!(
        crls(&[list.as_slice(), &list].concat()).unwrap_err().fault,
        PemFault::BehindDer
    );
    assert!(crls(&certificate).is_err());
    // DER behind PEM, and PEM behind DER.
    let pem = block("X509 CRL", A);
    let error = crls(&[pem.as_bytes(), &list].concat()).unwrap_err();
    assert_eq!((error.line, error.fault), (Some(6), PemFault::Binary));
    assert!(crls(&[&list, pem.as_bytes()].concat()).is_err());
}

#[test]
fn one_private_key_is_read() {
    for (label, is_encrypted) in [
        ("PRIVATE KEY", false),
        ("RSA PRIVATE KEY", false),
        ("EC PRIVATE KEY", false),
        ("ENCRYPTED PRIVATE KEY", true),
    ] {
        let file = block("EC PARAMETERS", B) + &block(label, A) + &a();
        let key = private_key(file.as_bytes()).unwrap();
        assert!(!format!("{key:?}").contains('1'), "{key:?}");
        match key {
            PrivateKey::Plain(key) => assert_eq!(key.secret_der(), A),
            PrivateKey::Encrypted(der) => assert_eq!(der, A),
        }
        assert_eq!(
            matches!(private_key(file.as_bytes()), Ok(PrivateKey::Encrypted(_))),
            is_encrypted
        );
    }
    let key = block("PRIVATE KEY", A);
    let header = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                  DEK-Info: AES-128-CBC,00\n\nAQID\n-----END RSA PRIVATE KEY-----\n";
    for (file, mentions) in [
        (format!("{key}{key}"), "second private key"),
        (header.to_owned(), "openssl pkcs8 -topk8"),
        (block("OPENSSH PRIVATE KEY", A), "ssh-keygen"),
        (block("DSA PRIVATE KEY", A), "DSA PRIVATE KEY"),
        (a(), "no PRIVATE KEY block"),
        (String::new(), "no PRIVATE KEY block"),
    ] {
        let error = private_key(file.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(mentions), "{error}");
    }
}
