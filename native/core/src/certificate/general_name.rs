//! The entries of a subjectAltName extension (RFC 5280 section 4.2.1.6).

use std::net::{Ipv4Addr, Ipv6Addr};

use der::asn1::ObjectIdentifier;
use x509_parser::prelude::{FromDer as _, X509Name};

use super::element::{self, Element};
use super::name::{self, Found, Name};
use super::{CertificateError, XmppAddr, text};

/// Notes all names of the extension's value.
pub(super) fn read(san: &[u8], found: &mut Found) -> Result<(), CertificateError> {
    let malformed = CertificateError::MalformedExtension("subjectAltName");
    element::check(san).map_err(|_| malformed.clone())?;
    let mut input = san;
    let Ok(Element {
        tag: SEQUENCE,
        value: mut entries,
        ..
    }) = Element::take(&mut input)
    else {
        return Err(malformed);
    };
    while !entries.is_empty() {
        let entry = Element::take(&mut entries).map_err(|_| malformed.clone())?;
        read_entry(&entry, found);
    }
    Ok(())
}

fn read_entry(entry: &Element<'_>, found: &mut Found) {
    let value = entry.value;
    match entry.tag {
        0xa0 => read_other_name(value, found),
        0x81 => drop(found.add("rfc822Name", IA5_STRING, value)),
        0x82 => drop(found.add("dNSName", IA5_STRING, value)),
        0xa4 => match X509Name::from_der(value) {
            Ok((_, directory_name)) => found.names.push(Name {
                kind: "directoryName".to_owned(),
                encoding: text::encoding(SEQUENCE).to_owned(),
                value: name::to_text(&directory_name),
            }),
            Err(_) => found.skip("directoryName", value, "is no distinguished name"),
        },
        0x86 => drop(found.add("uniformResourceIdentifier", IA5_STRING, value)),
        0x87 => match ip_address(value) {
            Some(address) => found.names.push(Name {
                kind: "iPAddress".to_owned(),
                encoding: text::encoding(OCTET_STRING).to_owned(),
                value: address,
            }),
            None => found.skip("iPAddress", value, "is no IP address"),
        },
        0x88 => match ObjectIdentifier::from_bytes(value) {
            Ok(oid) => found.names.push(Name {
                kind: "registeredID".to_owned(),
                encoding: "ObjectIdentifier".to_owned(),
                value: oid.to_string(),
            }),
            Err(_) => found.skip("registeredID", value, "is no object identifier"),
        },
        0xa3 => found.skip("x400Address", value, "is a kind of name that is not read"),
        0xa5 => found.skip("ediPartyName", value, "is a kind of name that is not read"),
        _ => found.skip(
            "generalName",
            value,
            "has a tag that RFC 5280 does not know",
        ),
    }
}

fn read_other_name(contents: &[u8], found: &mut Found) {
    let mut rest = contents;
    let oid = match Element::take(&mut rest) {
        Ok(Element {
            tag: OBJECT_IDENTIFIER,
            value,
            ..
        }) => ObjectIdentifier::from_bytes(value),
        _ => return found.skip("otherName", contents, "has no type"),
    };
    let Ok(oid) = oid else {
        return found.skip("otherName", contents, "has no type");
    };
    let oid = oid.to_string();
    let kind = match oid.as_str() {
        XMPP_ADDR => "xmppAddr",
        "1.3.6.1.5.5.7.8.7" => "SRVName",
        "1.3.6.1.5.5.7.8.9" => "SmtpUTF8Mailbox",
        "1.3.6.1.4.1.311.20.2.3" => "UPN",
        _ => oid.as_str(),
    };

    let string = match explicit_value(rest) {
        Ok(string) => string,
        Err(reason) => {
            if kind == "xmppAddr" {
                found.xmpp_addrs.push(XmppAddr::Malformed);
            }
            return found.skip(kind, rest, reason);
        }
    };
    if kind != "xmppAddr" {
        found.add(kind, string.tag, string.value);
    } else if string.tag != UTF8_STRING {
        let reason = format!(
            "is written as {} where RFC 6120 section 13.7.1.4 has a UTF8String",
            match string.tag {
                CONTEXT_0 => "a second [0]",
                tag => text::encoding(tag),
            }
        );
        found.skip(kind, string.value, reason);
        found.xmpp_addrs.push(XmppAddr::Malformed);
    } else if let Some(address) = found.add(kind, string.tag, string.value) {
        if address.is_empty() {
            found.skip(kind, &[], "is empty and names nobody");
        }
        found.xmpp_addrs.push(XmppAddr::Text(address.into()));
    } else {
        found.xmpp_addrs.push(XmppAddr::NotText);
    }
}

/// The one element inside of the explicit tag that every otherName has.
fn explicit_value(mut input: &[u8]) -> Result<Element<'_>, &'static str> {
    let Ok(Element {
        tag: CONTEXT_0,
        value: mut inner,
        ..
    }) = Element::take(&mut input)
    else {
        return Err("lacks the explicit tag [0] around its value");
    };
    let string = Element::take(&mut inner).map_err(|_| "has no value")?;
    if input.is_empty() && inner.is_empty() {
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

const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const IA5_STRING: u8 = 0x16;
const SEQUENCE: u8 = 0x30;
const CONTEXT_0: u8 = 0xa0;

/// id-on-xmppAddr (RFC 6120 section 13.7.1.4).
const XMPP_ADDR: &str = "1.3.6.1.5.5.7.8.5";
