//! Every name of a certificate: the subject's attributes and the subjectAltName's entries
//! (RFC 5280 section 4.2.1.6).

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::distinguished_name::{Attribute, DistinguishedName};
use super::{CertificateError, XmppAddr, text};
use crate::der::{
    self, Element, IA5_STRING, OCTET_STRING, Reader, SEQUENCE, UTF8_STRING, context_constructed,
    oid,
};

/// One name where it is in the certificate.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    kind: Kind<'a>,
    /// The bytes.
    pub(super) value: &'a [u8],
    content: Content<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    Attribute(Attribute<'a>),
    /// An otherName of a type without a name.
    Identifier(&'a [u8]),
    Named(&'static str),
}

#[derive(Clone, Debug)]
enum Content<'a> {
    DirectoryName(DistinguishedName<'a>),
    Identifier,
    IpAddress,
    /// A string of the type with this tag.
    Text(u8),
    /// An id-on-xmppAddr of another form than RFC 6120's.
    MalformedXmppAddr(Malformed),
    /// Why it can't be read.
    Unusable(&'static str),
    XmppAddr(XmppAddr<'a>),
}

/// What is wrong with the form of an id-on-xmppAddr.
#[derive(Clone, Copy, Debug)]
enum Malformed {
    /// As the end of a sentence that begins with the entry.
    Form(&'static str),
    /// The type of its string.
    Type(u8),
}

impl<'a> Entry<'a> {
    /// `commonName`, `UID`, `xmppAddr`, `dNSName`, ..., or an object identifier.
    pub(super) fn kind(&self) -> Cow<'static, str> {
        match self.kind {
            Kind::Attribute(attribute) => attribute.long_name(),
            Kind::Identifier(id) => oid::dotted(id).into(),
            Kind::Named(name) => name.into(),
        }
    }

    /// The text of the name, and the ASN.1 type that it is written in.
    ///
    /// # Errors
    /// Why it can't be used, as the end of a sentence that begins with the name.
    pub(super) fn text(&self) -> Result<(Cow<'a, str>, &'static str), Cow<'static, str>> {
        match &self.content {
            Content::Text(tag) => Ok((text::decode(*tag, self.value)?, text::encoding(*tag))),
            Content::DirectoryName(name) => Ok((name.to_text().into(), text::encoding(SEQUENCE))),
            Content::Identifier => Ok((oid::dotted(self.value).into(), "ObjectIdentifier")),
            Content::IpAddress => match ip_address(self.value) {
                Some(address) => Ok((address.into(), text::encoding(OCTET_STRING))),
                None => Err("is not an IP address".into()),
            },
            Content::Unusable(why) | Content::MalformedXmppAddr(Malformed::Form(why)) => {
                Err((*why).into())
            }
            Content::MalformedXmppAddr(Malformed::Type(tag)) => {
                let found = match *tag {
                    CONTEXT_0 => "a second [0]",
                    tag => text::encoding(tag),
                };
                Err(format!(
                    "is written as {found} where RFC 6120 section 13.7.1.4 has a UTF8String"
                )
                .into())
            }
            Content::XmppAddr(_) => Ok((
                text::decode(UTF8_STRING, self.value)?,
                text::encoding(UTF8_STRING),
            )),
        }
    }

    /// Why it can't be used, if so; cheaper than the text.
    pub(super) fn fault(&self) -> Option<Cow<'static, str>> {
        match &self.content {
            Content::DirectoryName(_) | Content::Identifier => None,
            Content::IpAddress if matches!(self.value.len(), 4 | 16) => None,
            Content::XmppAddr(_) if self.value.is_empty() => {
                Some("is empty and names nobody".into())
            }
            Content::XmppAddr(XmppAddr::Text(_)) => None,
            _ => self.text().err(),
        }
    }

    /// The entry, if it is an id-on-xmppAddr.
    pub(super) fn xmpp_addr(&self) -> Option<XmppAddr<'a>> {
        match &self.content {
            Content::XmppAddr(address) => Some(address.clone()),
            Content::MalformedXmppAddr(_) => Some(XmppAddr::Malformed),
            _ => None,
        }
    }
}

/// Gives each name of the subject, then each of the contents of the subjectAltName.
///
/// # Errors
/// Where an entry can be read in two ways.
pub(super) fn each<'a>(
    subject: &DistinguishedName<'a>,
    subject_alt_name: Option<&'a [u8]>,
    mut see: impl FnMut(Entry<'a>),
) -> Result<(), CertificateError> {
    for attribute in subject.attributes() {
        see(Entry {
            kind: Kind::Attribute(attribute),
            value: attribute.value,
            content: Content::Text(attribute.tag),
        });
    }
    if subject.has_empty_rdn() {
        see(Entry {
            kind: Kind::Named("subject"),
            value: &[],
            content: Content::Unusable("has an empty SET where RFC 5280 has attributes"),
        });
    }
    each_alternative(subject_alt_name, see)
}

/// Gives each of the contents of the subjectAltName.
///
/// # Errors
/// As [`each`].
pub(super) fn each_alternative<'a>(
    subject_alt_name: Option<&'a [u8]>,
    mut see: impl FnMut(Entry<'a>),
) -> Result<(), CertificateError> {
    let mut entries = Reader::new(subject_alt_name.unwrap_or_default());
    while !entries.is_empty() {
        let entry = entries.any().and_then(|entry| general_name(&entry));
        see(entry.map_err(|rule| {
            CertificateError::MalformedExtension("subjectAltName".to_owned(), rule.into())
        })?);
    }
    Ok(())
}

fn general_name<'a>(entry: &Element<'a>) -> Result<Entry<'a>, der::Error> {
    let value = entry.value;
    // Names, which are read throughout, are of those that are made of others.
    if entry.is_constructed() && !matches!(entry.tag, OTHER_NAME | 0xa4) {
        der::check(entry.raw).map_err(|(_, rule)| rule)?;
    }
    let (kind, content) = match entry.tag {
        OTHER_NAME => return other_name(entry),
        0x81 => ("rfc822Name", Content::Text(IA5_STRING)),
        0x82 => ("dNSName", Content::Text(IA5_STRING)),
        0xa4 => ("directoryName", directory_name(entry)?),
        0x86 => ("uniformResourceIdentifier", Content::Text(IA5_STRING)),
        0x87 => ("iPAddress", Content::IpAddress),
        0x88 if oid::check(value).is_ok() => ("registeredID", Content::Identifier),
        0x88 => (
            "registeredID",
            Content::Unusable("is not an object identifier"),
        ),
        0xa3 => (
            "x400Address",
            Content::Unusable("is a kind of name that is not read"),
        ),
        0xa5 => (
            "ediPartyName",
            Content::Unusable("is a kind of name that is not read"),
        ),
        // It may be taken for an xmppAddr, or not.
        _ => return Err(der::Error("a name of a kind that RFC 5280 does not have")),
    };
    Ok(Entry {
        kind: Kind::Named(kind),
        value,
        content,
    })
}

fn directory_name<'a>(entry: &Element<'a>) -> Result<Content<'a>, der::Error> {
    let mut reader = entry.inner();
    match DistinguishedName::take(&mut reader).and_then(|name| reader.end().map(|()| name)) {
        Ok(name) => Ok(Content::DirectoryName(name)),
        Err(_) => {
            der::check(entry.raw).map_err(|(_, rule)| rule)?;
            Ok(Content::Unusable("is not a distinguished name"))
        }
    }
}

fn other_name<'a>(entry: &Element<'a>) -> Result<Entry<'a>, der::Error> {
    let mut fields = entry.inner();
    // Without a type of its own an entry may be taken for an xmppAddr, or not.
    let id = fields.oid()?;
    let kind = match id {
        oid::XMPP_ADDR => Kind::Named("xmppAddr"),
        SRV_NAME => Kind::Named("SRVName"),
        SMTP_UTF8_MAILBOX => Kind::Named("SmtpUTF8Mailbox"),
        UPN => Kind::Named("UPN"),
        _ => Kind::Identifier(id),
    };
    let explicit = explicit_value(fields);
    if !explicit.is_ok_and(|string| !string.is_constructed()) {
        der::check(entry.raw).map_err(|(_, rule)| rule)?;
    }
    let (value, content) = match (explicit, id) {
        (Ok(string), oid::XMPP_ADDR) => (string.value, xmpp_addr(&string)),
        (Err(why), oid::XMPP_ADDR) => {
            let malformed = Malformed::Form(why);
            (fields.rest(), Content::MalformedXmppAddr(malformed))
        }
        (Ok(string), _) => (string.value, Content::Text(string.tag)),
        (Err(why), _) => (fields.rest(), Content::Unusable(why)),
    };
    Ok(Entry {
        kind,
        value,
        content,
    })
}

fn xmpp_addr<'a>(string: &Element<'a>) -> Content<'a> {
    if string.tag != UTF8_STRING {
        return Content::MalformedXmppAddr(Malformed::Type(string.tag));
    }
    Content::XmppAddr(match text::decode(UTF8_STRING, string.value) {
        Ok(address) => XmppAddr::Text(address),
        Err(_) => XmppAddr::NotText,
    })
}

/// The one element inside of the explicit tag that every otherName has.
fn explicit_value(mut fields: Reader<'_>) -> Result<Element<'_>, &'static str> {
    let mut inner = fields
        .nested(CONTEXT_0)
        .map_err(|_| "lacks the explicit tag [0] around its value")?;
    let string = inner.any().map_err(|_| "has no value")?;
    if fields.is_empty() && inner.is_empty() {
        Ok(string)
    } else {
        Err("has something after its value")
    }
}

fn ip_address(value: &[u8]) -> Option<String> {
    if let Ok(bytes) = <[u8; 4]>::try_from(value) {
        return Some(Ipv4Addr::from(bytes).to_string());
    }
    let bytes = <[u8; 16]>::try_from(value).ok()?;
    Some(Ipv6Addr::from(bytes).to_string())
}

const CONTEXT_0: u8 = context_constructed(0);
const OTHER_NAME: u8 = context_constructed(0);

/// 1.3.6.1.5.5.7.8.7 (RFC 4985).
const SRV_NAME: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x07];
/// 1.3.6.1.5.5.7.8.9 (RFC 9598).
const SMTP_UTF8_MAILBOX: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x09];
/// Microsoft's userPrincipalName, 1.3.6.1.4.1.311.20.2.3.
const UPN: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03];
