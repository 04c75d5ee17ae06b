//! Distinguished names (RFC 5280 section 4.1.2.4).

use core::fmt::Write as _;
use std::borrow::Cow;

use super::text;
use crate::der::{self, Reader, SEQUENCE, SET, oid};

/// The name of a subject or an issuer, whose structure has been checked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DistinguishedName<'a> {
    raw: &'a [u8],
    contents: &'a [u8],
    has_empty_rdn: bool,
}

impl<'a> DistinguishedName<'a> {
    /// Takes a name off: a SEQUENCE of SETs of attributes, each of a type and one value.
    pub(crate) fn take(reader: &mut Reader<'a>) -> Result<Self, der::Error> {
        let element = reader.element(SEQUENCE)?;
        let mut has_empty_rdn = false;
        let mut sets = element.inner();
        while !sets.is_empty() {
            let mut set = sets.nested(SET)?;
            has_empty_rdn |= set.is_empty();
            while !set.is_empty() {
                let mut attribute = set.nested(SEQUENCE)?;
                attribute.oid()?;
                attribute.any()?;
                attribute.end()?;
            }
        }
        Ok(Self {
            raw: element.raw,
            contents: element.value,
            has_empty_rdn,
        })
    }

    /// The name as it is in the certificate, a SEQUENCE in DER.
    pub fn der(&self) -> &'a [u8] {
        self.raw
    }

    /// The inside of the SEQUENCE, as webpki has names.
    pub(crate) fn contents(&self) -> &'a [u8] {
        self.contents
    }

    /// Whether it names the same as another (RFC 5280 section 7.1): the types of strings, case and
    /// white space do not count. Names that are alike byte by byte are the rule.
    pub(crate) fn is_same(&self, other: &DistinguishedName<'_>) -> bool {
        let mut others = other.attributes();
        self.raw == other.raw
            || (self
                .attributes()
                .all(|attribute| others.next().is_some_and(|other| attribute.is_same(&other)))
                && others.next().is_none())
    }

    /// The name as it is compared: alike for names that are the same.
    pub(crate) fn prepared(&self) -> Vec<u8> {
        let mut prepared = Vec::with_capacity(self.contents.len());
        for attribute in self.attributes() {
            let value = attribute.prepared();
            for part in [attribute.kind, &value] {
                prepared.extend_from_slice(&part.len().to_be_bytes());
                prepared.extend_from_slice(part);
            }
            prepared.push(attribute.begins_rdn.into());
        }
        prepared
    }

    /// Whether one of its SETs is empty, against RFC 5280 and X.501.
    pub(super) fn has_empty_rdn(&self) -> bool {
        self.has_empty_rdn
    }

    /// The attributes in the certificate's order.
    pub(super) fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> {
        // The structure was checked when the name was taken.
        let mut sets = Reader::new(self.contents);
        let sets = core::iter::from_fn(move || sets.any().ok());
        sets.flat_map(|set| {
            let mut attributes = set.inner();
            let is_first = core::iter::once(true).chain(core::iter::repeat(false));
            core::iter::from_fn(move || attributes.nested(SEQUENCE).ok())
                .zip(is_first)
                .filter_map(|(mut attribute, begins_rdn)| {
                    let kind = attribute.oid().ok()?;
                    let value = attribute.any().ok()?;
                    Some(Attribute {
                        kind,
                        tag: value.tag,
                        value: value.value,
                        begins_rdn,
                    })
                })
        })
    }

    /// The name on one line, attributes in the certificate's order, with the escapes of RFC 4514
    /// section 2.4: `+` between the attributes of one SET. Above 1,024 bytes it is cut.
    pub fn to_text(&self) -> String {
        let mut line = String::new();
        for attribute in self.attributes() {
            if line.len() > MAX_TEXT {
                line.push_str(", ...");
                break;
            }
            if !line.is_empty() {
                line.push_str(if attribute.begins_rdn { ", " } else { " + " });
            }
            line.push_str(&attribute.short_name());
            line.push('=');
            match text::decode(attribute.tag, attribute.value) {
                Ok(decoded) => push_escaped(&mut line, &decoded),
                Err(_) => line.push_str(&text::escape(attribute.value)),
            }
        }
        line
    }
}

/// The text of a name in DER that need not be one: of a revocation list, say.
pub(crate) fn text_of(contents: &[u8]) -> String {
    DistinguishedName {
        contents,
        ..DistinguishedName::default()
    }
    .to_text()
}

/// An attribute of a name, whose value may be of any type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    /// The type, an object identifier.
    pub(super) kind: &'a [u8],
    pub(super) tag: u8,
    pub(super) value: &'a [u8],
    /// Whether it is the first of its SET.
    begins_rdn: bool,
}

impl Attribute<'_> {
    /// The name of the type, or the object identifier in decimal.
    pub(super) fn long_name(&self) -> Cow<'static, str> {
        known(self.kind).map_or_else(|| oid::dotted(self.kind).into(), |(_, long, _)| long.into())
    }

    fn is_same(&self, other: &Attribute<'_>) -> bool {
        let is_alike = self.tag == other.tag && self.value == other.value;
        self.kind == other.kind
            && self.begins_rdn == other.begins_rdn
            && (is_alike || self.prepared() == other.prepared())
    }

    /// The value as it is compared: a text in lower case with single blanks, other values as they
    /// are.
    fn prepared(&self) -> Vec<u8> {
        match text::decode(self.tag, self.value) {
            Ok(text) => {
                let words = text.split_whitespace().map(str::to_lowercase);
                let words: Vec<String> = words.collect();
                [b"t", words.join(" ").as_bytes()].concat()
            }
            Err(_) => [b"v", &[self.tag][..], self.value].concat(),
        }
    }

    fn short_name(&self) -> Cow<'static, str> {
        known(self.kind).map_or_else(
            || oid::dotted(self.kind).into(),
            |(_, _, short)| short.into(),
        )
    }
}

fn known(kind: &[u8]) -> Option<(&'static [u8], &'static str, &'static str)> {
    ATTRIBUTES
        .iter()
        .find(|(known, _, _)| *known == kind)
        .copied()
}

fn push_escaped(line: &mut String, value: &str) {
    for c in value.chars() {
        if line.len() > MAX_TEXT {
            line.push_str("...");
            return;
        }
        if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
            line.push('\\');
        }
        // Writing to a String cannot fail.
        let _ = line.write_char(c);
    }
}

/// The bytes of a name's text; more than a directory's names have.
const MAX_TEXT: usize = 1_024;

/// OID, name and short name (RFC 4519, RFC 4514 section 3, PKCS #9).
const ATTRIBUTES: [(&[u8], &str, &str); 16] = [
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01],
        "UID",
        "UID",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19],
        "domainComponent",
        "DC",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01],
        "emailAddress",
        "emailAddress",
    ),
    (oid::COMMON_NAME, "commonName", "CN"),
    (&[0x55, 0x04, 0x04], "surname", "SN"),
    (&[0x55, 0x04, 0x05], "serialNumber", "serialNumber"),
    (&[0x55, 0x04, 0x06], "countryName", "C"),
    (&[0x55, 0x04, 0x07], "localityName", "L"),
    (&[0x55, 0x04, 0x08], "stateOrProvinceName", "ST"),
    (&[0x55, 0x04, 0x09], "streetAddress", "street"),
    (&[0x55, 0x04, 0x0a], "organizationName", "O"),
    (&[0x55, 0x04, 0x0b], "organizationalUnitName", "OU"),
    (&[0x55, 0x04, 0x0c], "title", "title"),
    (&[0x55, 0x04, 0x2a], "givenName", "GN"),
    (&[0x55, 0x04, 0x2e], "dnQualifier", "dnQualifier"),
    (&[0x55, 0x04, 0x41], "pseudonym", "pseudonym"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(attributes: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
        let element = |tag: u8, contents: &[u8]| {
            [&[tag, u8::try_from(contents.len()).unwrap()], contents].concat()
        };
        let sets = attributes.iter().map(|(kind, tag, value)| {
            let attribute = [element(0x06, kind), element(*tag, value)].concat();
            element(SET, &element(SEQUENCE, &attribute))
        });
        element(SEQUENCE, &sets.collect::<Vec<_>>().concat())
    }

    #[test]
    fn names_are_compared_as_rfc_5280_has_it() {
        const UTF8: u8 = 0x0c;
        const PRINTABLE: u8 = 0x13;
        const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
        let root = name(&[(ORGANIZATION, UTF8, b"My Root")]);
        for (other, is_same) in [
            (name(&[(ORGANIZATION, UTF8, b"My Root")]), true),
            (name(&[(ORGANIZATION, PRINTABLE, b"My Root")]), true),
            (name(&[(ORGANIZATION, UTF8, b" MY  root ")]), true),
            (name(&[(ORGANIZATION, UTF8, b"MyRoot")]), false),
            (name(&[(oid::COMMON_NAME, UTF8, b"My Root")]), false),
            (name(&[(ORGANIZATION, 0x04, b"My Root")]), false),
            (name(&[]), false),
            (
                name(&[(ORGANIZATION, UTF8, b"My Root"), (ORGANIZATION, UTF8, b"x")]),
                false,
            ),
        ] {
            let [one, other] =
                [&root, &other].map(|der| DistinguishedName::take(&mut Reader::new(der)).unwrap());
            assert_eq!(one.is_same(&other), is_same, "{}", other.to_text());
            assert_eq!(other.is_same(&one), is_same, "{}", other.to_text());
            assert_eq!(one.prepared() == other.prepared(), is_same);
        }
    }
}
