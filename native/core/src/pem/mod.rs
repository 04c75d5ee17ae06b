//! PEM files (RFC 7468): CAs, CRLs, chains and private keys.
//!
//! Nothing is lost in silence: each `-----BEGIN` is a block that is read or named, or the file is
//! refused with the line. Read are also blocks that are indented, that begin in the line where
//! another ends (as when files are joined), that lines of any system end, and that have a byte
//! order mark before them. Text between the blocks says nothing (RFC 7468 section 2). No error
//! holds bytes of a file, which may be those of a private key; the caller names the file.
//!
//! ```
//! # use certjid_core::pem;
//! let file = b"the root\n-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
//! assert_eq!(pem::certificates(file)?.ders(), [[0x30, 0x00]]);
//! let error = pem::certificates(b"-----BEGIN CERTIFICATE-----\nMAA=\n").unwrap_err();
//! assert_eq!(error.to_string(), "line 1: the block CERTIFICATE has no end");
//! # Ok::<(), pem::PemError>(())
//! ```

use core::fmt;

use rustls_pki_types::PrivateKeyDer;

use crate::der::Reader;

mod block;
mod body;
mod der;
mod error;
mod label;
mod lines;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use error::{InPlace, PemError, PemFault};
pub use label::Label;

use block::Blocks;
use label::{Key, Kind};

/// The certificates of a file. Blocks of other kinds are passed over and named, unless they hold
/// certificates in another form.
///
/// # Errors
/// Where the file is not PEM throughout, or a block is broken or in another form.
pub fn certificates(file: &[u8]) -> Result<Contents, PemError> {
    if let Some(found) = der::look(file) {
        return Err(found.where_due("CERTIFICATE in PEM"));
    }
    Contents::read(file, CERTIFICATE, |kind| match kind {
        Kind::Certificate => Ok(true),
        Kind::Container(advice) | Kind::CertificatesInside(advice) => Err(Some(advice)),
        Kind::Unknown => Err(None),
        Kind::Crl | Kind::CrlInside(_) | Kind::Key(_) | Kind::Other => Ok(false),
    })
}

/// The CAs of a file. As [`certificates`], but a CRL is not passed over: who puts one there relies
/// on it, and nothing looks for lists among CAs.
///
/// # Errors
/// As [`certificates`], and where there is a CRL.
pub fn ca_certificates(file: &[u8]) -> Result<Contents, PemError> {
    let contents = certificates(file)?;
    match contents.others.iter().find(|other| other.label.is_crl()) {
        None => Ok(contents),
        Some(Other { label, line }) => Err(PemError::at(
            *line,
            PemFault::OtherKind {
                label: *label,
                due: CERTIFICATE,
                advice: Some("a CRL counts in a file of crl_files only"),
            },
        )),
    }
}

/// The certificate revocation lists of a file, which may be a single one in DER. Blocks of other
/// kinds are passed over and named, unless they hold lists in another form.
///
/// # Errors
/// As [`certificates`].
pub fn crls(file: &[u8]) -> Result<Contents, PemError> {
    if let Some(found) = der::look(file) {
        return found.crl(file);
    }
    Contents::read(file, CRL, |kind| match kind {
        Kind::Crl => Ok(true),
        Kind::Container(advice) | Kind::CrlInside(advice) => Err(Some(advice)),
        Kind::Unknown => Err(None),
        Kind::Certificate | Kind::CertificatesInside(_) | Kind::Key(_) | Kind::Other => Ok(false),
    })
}

/// The only private key of a file. Blocks of other kinds are passed over.
///
/// # Errors
/// Where the file is not PEM throughout, a block is broken, or there is not exactly one key of a
/// form that TLS uses.
pub fn private_key(file: &[u8]) -> Result<PrivateKey, PemError> {
    if let Some(found) = der::look(file) {
        return Err(found.where_due("PRIVATE KEY in PEM"));
    }
    let mut key: Option<(PrivateKey, usize)> = None;
    let mut other = None;
    for block in Blocks::of(file) {
        let block = block?;
        let fault = |fault| PemError::at(block.line, fault);
        let Kind::Key(form) = block.label.kind else {
            other.get_or_insert((block.label, block.line));
            continue;
        };
        if let Some((_, first)) = key {
            return Err(fault(PemFault::SecondKey(first)));
        }
        if block.is_encrypted_by_header() {
            return Err(fault(PemFault::LegacyEncryption));
        }
        let read = match form {
            Key::Pkcs8 => PrivateKey::Plain(PrivateKeyDer::Pkcs8(block.decode()?.into())),
            Key::Pkcs1 => PrivateKey::Plain(PrivateKeyDer::Pkcs1(block.decode()?.into())),
            Key::Sec1 => PrivateKey::Plain(PrivateKeyDer::Sec1(block.decode()?.into())),
            Key::EncryptedPkcs8 => PrivateKey::Encrypted(block.decode()?),
            Key::Other(advice) => {
                return Err(fault(PemFault::OtherKind {
                    label: block.label,
                    due: PRIVATE_KEY,
                    advice,
                }));
            }
        };
        key = Some((read, block.line));
    }
    match key {
        Some((key, _)) => Ok(key),
        None => Err(missing(PRIVATE_KEY, other)),
    }
}

/// Whether a file that may not be PEM throughout has the boundary of a private key in it, which is
/// worth saying whatever else is wrong with the file.
pub fn names_private_key(file: &[u8]) -> bool {
    const BOUNDARY: &[u8] = b"PRIVATE KEY-----";
    block::position(file, BOUNDARY).is_some()
}

/// What a file holds of what was asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Contents {
    /// What was asked for, in its order.
    pub items: Vec<Item>,
    /// The blocks of other kinds, in their order.
    pub others: Vec<Other>,
    /// Whether there is text outside of the blocks.
    pub has_text: bool,
    due: &'static str,
}

/// A block that was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Item {
    /// What it holds. It is not looked at here.
    pub der: Vec<u8>,
    /// The line where it begins, from 1.
    pub line: usize,
}

/// A block that was not asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Other {
    /// What it is.
    pub label: Label,
    /// The line where it begins, from 1.
    pub line: usize,
}

impl Contents {
    /// What was asked for, in DER.
    pub fn ders(self) -> Vec<Vec<u8>> {
        self.items.into_iter().map(|item| item.der).collect()
    }

    /// The same where it holds anything.
    ///
    /// # Errors
    /// Where there is not a single block of what was asked for.
    pub fn not_empty(self) -> Result<Self, PemError> {
        match self.items.is_empty() {
            true => {
                let other = self.others.first();
                Err(missing(
                    self.due,
                    other.map(|other| (other.label, other.line)),
                ))
            }
            false => Ok(self),
        }
    }

    /// `is_taken` says whether a kind is what is due, or why it can't be passed over.
    fn read(
        file: &[u8],
        due: &'static str,
        is_taken: impl Fn(Kind) -> Result<bool, Option<&'static str>>,
    ) -> Result<Self, PemError> {
        let mut contents = Self {
            due,
            ..Self::default()
        };
        let mut blocks = Blocks::of(file);
        for block in &mut blocks {
            let block = block?;
            let (label, line) = (block.label, block.line);
            match is_taken(label.kind) {
                Ok(true) => contents.items.push(Item {
                    der: block.decode()?,
                    line,
                }),
                Ok(false) => contents.others.push(Other { label, line }),
                Err(advice) => {
                    return Err(PemError::at(
                        line,
                        PemFault::OtherKind { label, due, advice },
                    ));
                }
            }
        }
        contents.has_text = blocks.has_text;
        Ok(contents)
    }
}

/// A private key.
pub enum PrivateKey {
    /// One that a password locks: an EncryptedPrivateKeyInfo of PKCS #8 in DER.
    Encrypted(Vec<u8>),
    /// One that anybody can use who reads it.
    Plain(PrivateKeyDer<'static>),
}

impl PrivateKey {
    /// The key, where no password is known.
    ///
    /// # Errors
    /// Where a password locks it.
    pub fn plain(self) -> Result<PrivateKeyDer<'static>, PemError> {
        match self {
            Self::Encrypted(_) => Err(PemError::whole(PemFault::Locked)),
            Self::Plain(key) => Ok(key),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encrypted(_) => "PrivateKey::Encrypted(..)",
            Self::Plain(_) => "PrivateKey::Plain(..)",
        })
    }
}

impl der::Found {
    fn where_due(&self, due: &'static str) -> PemError {
        PemError::whole(PemFault::Der {
            what: self.what,
            due,
            advice: self.advice,
        })
    }

    fn crl(&self, file: &[u8]) -> Result<Contents, PemError> {
        if !self.is_crl {
            return Err(self.where_due("X509 CRL"));
        }
        let mut rest = Reader::new(file);
        match rest.any() {
            Ok(list) if rest.is_empty() => Ok(Contents {
                items: vec![Item {
                    der: list.raw.to_vec(),
                    line: 1,
                }],
                due: CRL,
                ..Contents::default()
            }),
            _ => Err(PemError::whole(PemFault::BehindDer)),
        }
    }
}

/// What a file in DER is that is known to be something other than a certificate.
pub fn other_der(file: &[u8]) -> Option<PemError> {
    let found = der::look(file)?;
    let is_other = found.advice.is_some() && !found.is_certificate;
    is_other.then(|| found.where_due("a certificate"))
}

/// What is said where an option has the text of a file in place of its name, as from a variable of
/// the environment: see [`is_in`].
pub const IS_TEXT: &str = "PEM text stands where the name of a file is due";

/// Whether a block begins in a text: where a name is due, what must not be shown.
pub fn is_in(text: &[u8]) -> bool {
    block::position(text, block::BEGIN).is_some()
}

/// Whether a text is UTF-16 by its byte order mark. No PEM is.
pub fn is_utf16(text: &[u8]) -> bool {
    block::is_utf16(text)
}

fn missing(due: &'static str, other: Option<(Label, usize)>) -> PemError {
    PemError::whole(PemFault::Missing { due, other })
}

const CERTIFICATE: &str = "CERTIFICATE";
const CRL: &str = "X509 CRL";
const PRIVATE_KEY: &str = "PRIVATE KEY";
