//! Certificates byte by byte, with what no tool would write: any string type, broken names, any
//! size.

use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};

pub const BMP: u8 = 0x1e;
pub const IA5: u8 = 0x16;
pub const PRINTABLE: u8 = 0x13;
pub const TELETEX: u8 = 0x14;
pub const UNIVERSAL: u8 = 0x1c;
pub const UTF8: u8 = 0x0c;

pub const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0xa0;

pub const COUNTRY: &[u8] = &[0x55, 4, 6];
pub const CN: &[u8] = &[0x55, 4, 3];
pub const DC: &[u8] = &[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 100, 1, 25];
pub const EMAIL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];
pub const UID: &[u8] = &[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 100, 1, 1];

const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const XMPP_ADDR: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 8, 5];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// An element in DER.
pub fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let length = &length[length.iter().position(|&byte| byte > 0).unwrap_or(7)..];
    let mut element = vec![tag];
    if length.len() > 1 || length[0] >= 0x80 {
        element.push(0x80 + u8::try_from(length.len()).unwrap());
    }
    element.extend(length);
    element.extend(value);
    element
}

/// An attribute of a subject.
pub fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    let attribute = [&tlv(6, kind), value].concat();
    tlv(SET, &tlv(SEQUENCE, &attribute))
}

pub fn common_name(text: &str) -> Vec<u8> {
    attribute(CN, &tlv(UTF8, text.as_bytes()))
}

/// An otherName with the bytes as they are behind its type.
pub fn other_name(kind: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(CONTEXT_0, &[&tlv(6, kind), value].concat())
}

/// An xmppAddr with the bytes as they are where the value should be.
pub fn raw_xmpp_addr(value: &[u8]) -> Vec<u8> {
    other_name(XMPP_ADDR, value)
}

/// An xmppAddr as RFC 6120 has it.
pub fn xmpp_addr(address: &str) -> Vec<u8> {
    raw_xmpp_addr(&tlv(CONTEXT_0, &tlv(UTF8, address.as_bytes())))
}

/// What a certificate says.
pub struct Contents<'a> {
    pub version: u8,
    pub subject: Vec<Vec<u8>>,
    /// The entries of the subjectAltName extension, which is left out where there is none.
    pub san: Vec<Vec<u8>>,
    pub extensions: Vec<Vec<u8>>,
    /// A UTCTime or GeneralizedTime.
    pub not_after: &'a str,
}

impl Default for Contents<'_> {
    fn default() -> Self {
        Self {
            version: 3,
            subject: Vec::new(),
            san: Vec::new(),
            extensions: Vec::new(),
            not_after: "20991231235959Z",
        }
    }
}

pub fn extension(kind: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[tlv(6, kind), tlv(4, value)].concat())
}

/// A CA.
pub struct Authority {
    key: KeyPair,
    name: Vec<u8>,
}

impl Authority {
    pub fn new() -> Self {
        Self {
            key: KeyPair::generate().unwrap(),
            name: tlv(SEQUENCE, &common_name("Reports CA")),
        }
    }

    /// The CA's own certificate.
    pub fn certificate(&self) -> Vec<u8> {
        let is_ca = tlv(SEQUENCE, &tlv(1, &[0xff]));
        self.issue(&Contents {
            subject: vec![common_name("Reports CA")],
            extensions: vec![extension(BASIC_CONSTRAINTS, &is_ca)],
            ..Contents::default()
        })
    }

    /// A certificate, which has the CA's key in it: nobody has to prove that he has it.
    pub fn issue(&self, contents: &Contents<'_>) -> Vec<u8> {
        let algorithm = tlv(SEQUENCE, &tlv(6, ECDSA_WITH_SHA256));
        let time_tag = if contents.not_after.len() == 13 {
            0x17
        } else {
            0x18
        };
        let validity = [
            tlv(0x17, b"240101000000Z"),
            tlv(time_tag, contents.not_after.as_bytes()),
        ];
        let mut extensions = contents.extensions.concat();
        if !contents.san.is_empty() {
            let names = tlv(SEQUENCE, &contents.san.concat());
            extensions.extend(extension(SUBJECT_ALT_NAME, &names));
        }
        let mut fields = Vec::new();
        if contents.version > 1 {
            fields.push(tlv(CONTEXT_0, &tlv(2, &[contents.version - 1])));
        }
        fields.extend([
            tlv(2, &[7]),
            algorithm.clone(),
            self.name.clone(),
            tlv(SEQUENCE, &validity.concat()),
            tlv(SEQUENCE, &contents.subject.concat()),
            self.key.subject_public_key_info(),
        ]);
        if !extensions.is_empty() {
            fields.push(tlv(0xa3, &tlv(SEQUENCE, &extensions)));
        }
        let signed = tlv(SEQUENCE, &fields.concat());
        let signature = [vec![0], self.key.sign(&signed).unwrap()].concat();
        tlv(SEQUENCE, &[signed, algorithm, tlv(3, &signature)].concat())
    }
}
