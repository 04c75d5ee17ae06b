//! Certificates in files: DER, PEM, PKCS#12, and the encodings of proxies.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use certjid_core::certificate::Certificate;
use certjid_core::encoding;
use certjid_core::pem;
use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error;

use super::Unusable;
use super::terminal::plain;
use crate::pem_file;

/// Reads the certificates of a file in DER, leaf first; `-` is standard input.
pub(super) fn read(path: &Path, password_file: Option<&Path>) -> Result<Vec<Vec<u8>>, Unusable> {
    let named = |what: String| Unusable(pem_file::named(path, what));
    let bytes = read_bytes(path).map_err(|error| named(error.to_string()))?;
    let read = if is_pkcs12(&bytes) {
        read_pkcs12(&bytes, path, password_file)
    } else if let Some(error) = pem::other_der(&bytes) {
        Err(error.to_string())
    } else {
        encoding::chain(&bytes).map_err(|error| error.to_string())
    };
    read.map_err(named)
}

/// Decodes a certificate of a file.
pub(super) fn decode(path: &Path, der: &[u8]) -> Result<Certificate, Unusable> {
    Certificate::from_der(der).map_err(|error| Unusable(format!("{}: {error}", path.display())))
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().take(MAX_FILE + 1).read_to_end(&mut bytes)
    } else {
        File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)
    };
    if read? as u64 > MAX_FILE {
        return Err(io::Error::other(format!(
            "it has more than {MAX_FILE} bytes"
        )));
    }
    Ok(bytes)
}

/// A PKCS#12 file is a SEQUENCE that begins with the INTEGER 3; a certificate begins with a
/// SEQUENCE, a private key with the INTEGER 0 or 1.
fn is_pkcs12(bytes: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = bytes else {
        return false;
    };
    let long = if *length > 0x80 {
        usize::from(*length - 0x80)
    } else {
        0
    };
    rest.get(long..)
        .is_some_and(|rest| rest.starts_with(&[0x02, 0x01, 0x03]))
}

/// The certificate of the private key first, then the others in their order. The empty password
/// is tried before any is asked for.
fn read_pkcs12(
    bytes: &[u8],
    path: &Path,
    password_file: Option<&Path>,
) -> Result<Vec<Vec<u8>>, String> {
    let archive = match Pkcs12Archive::from_pkcs12(bytes, "") {
        Ok(archive) => archive,
        Err(error @ Error::UnsupportedEncryptionScheme) => return Err(explain(bytes, &error)),
        Err(_) => {
            let password = password(path, password_file)?;
            Pkcs12Archive::from_pkcs12(bytes, &password).map_err(|error| explain(bytes, &error))?
        }
    };
    let keys: Vec<&[u8]> = archive
        .keys
        .iter()
        .filter_map(|key| key.local_key_id.as_ref().map(AsRef::as_ref))
        .collect();
    let mut certificates = archive.certs;
    certificates.sort_by_key(|bag| {
        !bag.local_key_id
            .as_ref()
            .is_some_and(|id| keys.contains(&id.as_slice()))
    });
    if certificates.is_empty() {
        return Err("the PKCS#12 file has no certificate".to_owned());
    }
    Ok(certificates
        .iter()
        .map(|bag| bag.cert.as_der().to_vec())
        .collect())
}

/// The password is checked by the MAC, before anything is decrypted.
fn explain(bytes: &[u8], error: &Error) -> String {
    match error {
        Error::MacError(_) => "the password is wrong".to_owned(),
        Error::UnsupportedEncryptionScheme => {
            let cipher = OLD_CIPHERS
                .iter()
                .find(|(oid, _)| bytes.windows(oid.len()).any(|window| window == *oid));
            let cipher = cipher.map_or("an unknown cipher", |(_, name)| name);
            format!(
                "the PKCS#12 file is encrypted with {cipher}, which is not read; `openssl pkcs12 \
                 -legacy -nokeys -in FILE` takes the certificates out"
            )
        }
        Error::UnsupportedMacAlgorithm => {
            "the PKCS#12 file has a MAC that is not read; `openssl pkcs12 -nokeys -in FILE` takes \
             the certificates out"
                .to_owned()
        }
        error => format!("wrong password, or a broken PKCS#12 file ({error})"),
    }
}

fn password(path: &Path, file: Option<&Path>) -> Result<String, String> {
    if let Some(file) = file {
        let text = fs::read_to_string(file)
            .map_err(|error| format!("the password file {}: {error}", file.display()))?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    rpassword::prompt_password(format!(
        "Password of {}: ",
        plain(&path.display().to_string())
    ))
    .map_err(|error| {
        format!("it has a password, and none can be asked for ({error}): use --password-file")
    })
}

/// Names a file by what `-` stands for.
pub(super) fn name(path: &Path) -> PathBuf {
    if path == Path::new("-") {
        PathBuf::from("standard input")
    } else {
        path.to_owned()
    }
}

/// The object identifiers in DER, without tag and length, of the ciphers of RFC 7292 appendix C that
/// p12-keystore does not read.
const OLD_CIPHERS: [(&[u8], &str); 4] = [
    (
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x01",
        "RC4 of 128 bits",
    ),
    (
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x02",
        "RC4 of 40 bits",
    ),
    (
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x04",
        "3DES of two keys",
    ),
    (
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x05",
        "RC2 of 128 bits",
    ),
];

/// The greatest length of a file, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pkcs12_is_told_from_certificates_and_keys() {
        assert!(is_pkcs12(&[0x30, 0x82, 0x04, 0x00, 0x02, 0x01, 0x03]));
        assert!(is_pkcs12(&[0x30, 0x80, 0x02, 0x01, 0x03]));
        assert!(!is_pkcs12(&[0x30, 0x82, 0x04, 0x00, 0x30, 0x82]));
        assert!(!is_pkcs12(&[0x30, 0x82, 0x04, 0x00, 0x02, 0x01, 0x00]));
        assert!(!is_pkcs12(&[0x30, 0xff]));
        assert!(!is_pkcs12(b""));
    }
}
