//! PEM files: each `-----BEGIN` is a block that is read or named, or the file is refused with a
//! line that it has.

use certjid_core::pem::{self, Contents, PemError};

use crate::certificate;

/// Two files.
pub fn check(data: &[u8]) {
    let mut parts = crate::parts(data);
    let mut next = || parts.next().unwrap_or_default();
    let (one, other) = (next(), next());
    for read in [pem::certificates, pem::ca_certificates, pem::crls] {
        check_file(one, read);
        let (Ok(first), Ok(second)) = (read(one), read(other)) else {
            continue;
        };
        // DER is one list to a file.
        if !is_der(one, &first) && !is_der(other, &second) {
            let joined = [one, b"\n", other].concat();
            let both = read(&joined).map(Contents::ders);
            assert_eq!(both, Ok([first.ders(), second.ders()].concat()));
        }
    }
    check_line(one, pem::private_key(one).err());
}

fn check_file(file: &[u8], read: impl Fn(&[u8]) -> Result<Contents, PemError>) {
    match read(file) {
        Ok(contents) => {
            let begins = file
                .windows(BEGIN.len())
                .filter(|window| *window == BEGIN)
                .count();
            let blocks = contents.items.len() + contents.others.len();
            assert!(
                is_der(file, &contents) || blocks == begins,
                "{blocks} of {begins} blocks"
            );
            check_again(&contents);
        }
        Err(error) => check_line(file, Some(error)),
    }
}

fn is_der(file: &[u8], contents: &Contents) -> bool {
    contents.items.iter().any(|item| item.der == file)
}

/// What is read and written again is the same.
fn check_again(contents: &Contents) {
    let text: String = contents
        .items
        .iter()
        .map(|item| certificate::pem(&item.der))
        .collect();
    let again = pem::certificates(text.as_bytes()).expect("well written");
    assert!(again.others.is_empty() && !again.has_text);
    assert_eq!(again.ders(), contents.clone().ders());
}

fn check_line(file: &[u8], error: Option<PemError>) {
    let lines = file.iter().filter(|byte| b"\r\n".contains(byte)).count() + 1;
    if let Some(line) = error.and_then(|error| error.line) {
        assert!((1..=lines).contains(&line), "line {line} of {lines}");
    }
}

/// Certificates with what people do to them.
pub fn seeds() -> Vec<Vec<u8>> {
    let ders: Vec<Vec<u8>> = certificate::seeds().into_iter().step_by(20).collect();
    let mut seeds = Vec::new();
    for pair in ders.windows(2) {
        let (one, other) = (certificate::pem(&pair[0]), certificate::pem(&pair[1]));
        let key = one.replace("CERTIFICATE", "PRIVATE KEY");
        for file in [
            one.clone(),
            format!("{}{other}", one.trim_end()),
            format!("\u{feff}{one}  {}", other.replace('\n', "\r\n  ")),
            format!("{key}{other}"),
            one.replace('\n', " "),
            one.replace("CERTIFICATE", "X509 CRL"),
        ] {
            seeds.push(crate::join(&[file.as_bytes(), other.as_bytes()]));
        }
    }
    seeds
}

const BEGIN: &[u8] = b"-----BEGIN";

/// What PEM files are made of.
pub const WORDS: &[&str] = &[
    "-----BEGIN CERTIFICATE-----\n",
    "-----END CERTIFICATE-----",
    "-----BEGIN X509 CRL-----\n",
    "-----END X509 CRL-----",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----END PRIVATE KEY-----",
    "-----BEGIN",
    "-----END",
    "-----",
    "\u{feff}",
    "\r\n",
    "\r",
    "\n",
    "\\n",
    "  ",
    "=",
    "Proc-Type: 4,ENCRYPTED\n\n",
    "TRUSTED CERTIFICATE",
];
