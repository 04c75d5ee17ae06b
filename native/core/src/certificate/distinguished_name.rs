//! Distinguished names (RFC 5280 section 4.1.2.4).

use core::fmt::Write as _;
use std::borrow::Cow;

use super::{comparison, text};
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
                attribute.whole_value()?;
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

    /// Whether it names the same as another (RFC 5280 section 7.1): the types of strings, case, white
    /// space and the order within a SET do not count. Names that are alike byte by byte are the rule.
    pub(crate) fn is_same(&self, other: &DistinguishedName<'_>) -> bool {
        if self.raw == other.raw {
            return true;
        }
        // Most names differ by an attribute of their own.
        let pairs = self.attributes().zip(other.attributes());
        let differs = |(one, other): (Attribute<'a>, Attribute<'_>)| {
            one.is_alone && other.is_alone && !one.is_same(&other)
        };
        !pairs.into_iter().any(differs) && self.prepared() == other.prepared()
    }

    /// The name as it is compared: alike for names that are the same.
    pub(crate) fn prepared(&self) -> Vec<u8> {
        let mut sets: Vec<Vec<Vec<u8>>> = Vec::new();
        for attribute in self.attributes() {
            match sets.last_mut() {
                Some(set) if !attribute.begins_rdn => set.push(attribute.prepared()),
                _ => sets.push(vec![attribute.prepared()]),
            }
        }
        let mut prepared = Vec::with_capacity(self.contents.len());
        for set in &mut sets {
            set.sort_unstable();
            prepared.extend_from_slice(&set.len().to_be_bytes());
            for attribute in set {
                prepared.extend_from_slice(&attribute.len().to_be_bytes());
                prepared.append(attribute);
            }
        }
        prepared
    }

    /// Whether one of its SETs is empty, against RFC 5280 and X.501.
    pub(super) fn has_empty_rdn(&self) -> bool {
        self.has_empty_rdn
    }

    /// The attributes in the certificate's order.
    pub(super) fn attributes(&self) -> Attributes<'a> {
        Attributes {
            sets: Reader::new(self.contents),
            set: Reader::new(&[]),
        }
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

/// See [`DistinguishedName::attributes`]. The structure was checked when the name was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a> {
    sets: Reader<'a>,
    set: Reader<'a>,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let mut begins_rdn = false;
        while self.set.is_empty() {
            self.set = self.sets.any().ok()?.inner();
            begins_rdn = true;
        }
        let mut fields = self.set.any().ok()?.inner();
        let kind = fields.any().ok()?.value;
        let value = fields.any().ok()?;
        Some(Attribute {
            kind,
            tag: value.tag,
            value: value.value,
            begins_rdn,
            is_alone: begins_rdn && self.set.is_empty(),
        })
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
    /// Whether it is the only one of its SET.
    is_alone: bool,
}

impl Attribute<'_> {
    /// The name of the type, or the object identifier in decimal.
    pub(super) fn long_name(&self) -> Cow<'static, str> {
        known(self.kind).map_or_else(|| oid::dotted(self.kind).into(), |(_, long, _)| long.into())
    }

    fn is_same(&self, other: &Attribute<'_>) -> bool {
        let (one, other_value) = ((self.tag, self.value), (other.tag, other.value));
        self.kind == other.kind && comparison::is_same(one, other_value)
    }

    /// The type, and the value as it is compared.
    fn prepared(&self) -> Vec<u8> {
        let mut prepared = self.kind.len().to_be_bytes().to_vec();
        prepared.extend_from_slice(self.kind);
        match comparison::prepare(self.tag, self.value) {
            Some(text) => {
                prepared.push(b't');
                prepared.extend_from_slice(text.as_bytes());
            }
            None => {
                prepared.extend_from_slice(&[b'v', self.tag]);
                prepared.extend_from_slice(self.value);
            }
        }
        prepared
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
    fn the_order_within_a_set_does_not_count() {
        let attribute = |kind: u8, value: u8| vec![0x30, 8, 6, 3, 0x55, 4, kind, 0x0c, 1, value];
        let names = |sets: &[Vec<Vec<u8>>]| {
            let sets: Vec<u8> = sets
                .iter()
                .map(|set| set.concat())
                .flat_map(|set| [&[SET, u8::try_from(set.len()).unwrap()], &*set].concat())
                .collect();
            [&[SEQUENCE, u8::try_from(sets.len()).unwrap()], &*sets].concat()
        };
        let (one, other) = (attribute(3, b'x'), attribute(10, b'y'));
        let sorted = names(&[vec![one.clone(), other.clone()]]);
        let unsorted = names(&[vec![other.clone(), one.clone()]]);
        let apart = names(&[vec![one], vec![other]]);
        let [sorted, unsorted, apart] = [&sorted, &unsorted, &apart]
            .map(|der| DistinguishedName::take(&mut Reader::new(der)).unwrap());
        assert!(sorted.is_same(&unsorted) && unsorted.is_same(&sorted));
        assert!(!sorted.is_same(&apart) && !apart.is_same(&unsorted));
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
            (name(&[(ORGANIZATION, 0x14, b"My Root")]), true),
            (
                name(&[(ORGANIZATION, 0x1e, b"\0M\0y\0 \0R\0o\0o\0t")]),
                true,
            ),
            (name(&[(ORGANIZATION, UTF8, b"My\tRoot\n")]), true),
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
