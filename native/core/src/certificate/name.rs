use x509_parser::prelude::{AttributeTypeAndValue, X509Name};

use super::{XmppAddr, text};

/// A name that a certificate carries.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Name {
    /// What it is: `commonName`, `UID`, `xmppAddr`, `dNSName`, ..., or an OID.
    pub kind: String,
    /// The ASN.1 type that it is written in, such as `UTF8String`.
    pub encoding: String,
    /// The name in UTF-8.
    pub value: String,
}

/// A name that can't be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// As in [`Name`].
    pub kind: String,
    /// The bytes, with all but printable ASCII escaped.
    pub value: String,
    /// Why it does not count, as the end of a sentence that begins with the name.
    pub reason: String,
}

/// The names of one certificate while it is read.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Unset until the first common name; then None if that one is unusable.
    pub(super) common_name: Option<Option<String>>,
    pub(super) xmpp_addrs: Vec<XmppAddr<'static>>,
    pub(super) names: Vec<Name>,
    pub(super) skipped: Vec<Skipped>,
}

impl Found {
    pub(super) fn add_subject(&mut self, subject: &X509Name<'_>) {
        for attribute in subject.iter_attributes() {
            let kind = attribute_kind(attribute);
            let decoded = self.add(&kind, attribute_tag(attribute), attribute.attr_value().data);
            if kind == "commonName" {
                self.common_name.get_or_insert(decoded);
            }
        }
    }

    /// Notes a name, or that it is unusable; its value where it is usable.
    pub(super) fn add(&mut self, kind: &str, tag: u8, value: &[u8]) -> Option<String> {
        match text::decode(tag, value) {
            Ok(decoded) => {
                self.names.push(Name {
                    kind: kind.to_owned(),
                    encoding: text::encoding(tag).to_owned(),
                    value: decoded.clone(),
                });
                Some(decoded)
            }
            Err(reason) => {
                self.skip(kind, value, reason);
                None
            }
        }
    }

    pub(super) fn skip(&mut self, kind: &str, value: &[u8], reason: impl Into<String>) {
        self.skipped.push(Skipped {
            kind: kind.to_owned(),
            value: text::escape(value),
            reason: reason.into(),
        });
    }
}

/// A distinguished name on one line, attributes in the certificate's order, with the escapes of
/// RFC 4514 section 2.4.
pub(crate) fn to_text(name: &X509Name<'_>) -> String {
    let mut line = String::new();
    for attribute in name.iter_attributes() {
        if !line.is_empty() {
            line.push_str(", ");
        }
        line.push_str(short_name(&attribute_kind(attribute)));
        line.push('=');
        let value = attribute.attr_value().data;
        match text::decode(attribute_tag(attribute), value) {
            Ok(decoded) => push_escaped(&mut line, &decoded),
            Err(_) => line.push_str(&text::escape(value)),
        }
    }
    line
}

fn push_escaped(line: &mut String, value: &str) {
    for c in value.chars() {
        if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
            line.push('\\');
        }
        line.push(c);
    }
}

fn attribute_tag(attribute: &AttributeTypeAndValue<'_>) -> u8 {
    let header = &attribute.attr_value().header;
    let class = (header.class() as u8) << 6;
    let constructed = if header.is_constructed() { 0x20 } else { 0 };
    // A tag of several bytes was refused before, so that the number has five bits.
    class | constructed | u8::try_from(header.tag().0).unwrap_or(u8::MAX)
}

fn attribute_kind(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    ATTRIBUTES
        .iter()
        .find(|(known, _, _)| *known == oid)
        .map_or(oid, |(_, kind, _)| (*kind).to_owned())
}

fn short_name(kind: &str) -> &str {
    ATTRIBUTES
        .iter()
        .find(|(_, known, _)| *known == kind)
        .map_or(kind, |(_, _, short)| short)
}

/// OID, name and short name (RFC 4519, RFC 4514 section 3, PKCS #9).
const ATTRIBUTES: [(&str, &str, &str); 16] = [
    ("0.9.2342.19200300.100.1.1", "UID", "UID"),
    ("0.9.2342.19200300.100.1.25", "domainComponent", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress", "emailAddress"),
    ("2.5.4.3", "commonName", "CN"),
    ("2.5.4.4", "surname", "SN"),
    ("2.5.4.5", "serialNumber", "serialNumber"),
    ("2.5.4.6", "countryName", "C"),
    ("2.5.4.7", "localityName", "L"),
    ("2.5.4.8", "stateOrProvinceName", "ST"),
    ("2.5.4.9", "streetAddress", "street"),
    ("2.5.4.10", "organizationName", "O"),
    ("2.5.4.11", "organizationalUnitName", "OU"),
    ("2.5.4.12", "title", "title"),
    ("2.5.4.42", "givenName", "GN"),
    ("2.5.4.46", "dnQualifier", "dnQualifier"),
    ("2.5.4.65", "pseudonym", "pseudonym"),
];
