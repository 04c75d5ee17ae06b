//! The names of a certificate that decide on a login, and nothing else of it.
//!
//! A certificate of the ordinary shape is walked once, and its names are borrowed from it. One
//! that has anything unusual in it is read by [`Certificate::from_der`], whose answer is always
//! the one that counts: what is accepted here is a part of what is accepted there, and the names
//! are the same.

use std::borrow::Cow;

use super::element::Element;
use super::{Certificate, CertificateError, encoding};

/// The common name and the xmppAddr fields, as [`Certificate`] has them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LoginNames<'a> {
    /// See [`Certificate::common_name`].
    pub common_name: Option<Cow<'a, str>>,
    /// See [`Certificate::xmpp_addrs`].
    pub xmpp_addrs: Vec<Cow<'a, str>>,
}

impl<'a> LoginNames<'a> {
    /// Reads the names of a certificate in DER.
    ///
    /// # Errors
    /// As [`Certificate::from_der`].
    pub fn from_der(der: &'a [u8]) -> Result<Self, CertificateError> {
        if let Some(names) = Self::of_ordinary(der) {
            return Ok(names);
        }
        let certificate = Certificate::from_der(der)?;
        Ok(Self {
            common_name: certificate.common_name.map(Cow::Owned),
            xmpp_addrs: certificate.xmpp_addrs.into_iter().map(Cow::Owned).collect(),
        })
    }

    /// None where the certificate is not of the ordinary shape, whatever that means for it.
    fn of_ordinary(der: &'a [u8]) -> Option<Self> {
        if der.len() > encoding::MAX_CERTIFICATE {
            return None;
        }
        let mut certificate = Fields(der).whole(SEQUENCE)?;
        let mut tbs = certificate.inner(SEQUENCE)?;
        certificate.algorithm()?;
        certificate.bit_string()?;
        certificate.end()?;

        if tbs.take(VERSION)? != [INTEGER, 1, 2] {
            return None;
        }
        if tbs.take(INTEGER)?.is_empty() {
            return None;
        }
        let mut names = Self::default();
        tbs.algorithm()?;
        tbs.name(|_, _| {})?;
        tbs.validity()?;
        tbs.name(|oid, value| {
            if oid == COMMON_NAME {
                names.common_name.get_or_insert(Cow::Borrowed(value));
            }
        })?;
        let mut key = tbs.inner(SEQUENCE)?;
        key.algorithm()?;
        key.bit_string()?;
        key.end()?;
        if !tbs.0.is_empty() {
            let mut extensions = Fields(tbs.take(EXTENSIONS)?).whole(SEQUENCE)?;
            tbs.end()?;
            names.read_extensions(&mut extensions)?;
        }
        Some(names)
    }

    fn read_extensions(&mut self, extensions: &mut Fields<'a>) -> Option<()> {
        let mut has_subject_alt_name = false;
        while !extensions.0.is_empty() {
            let mut extension = extensions.inner(SEQUENCE)?;
            let oid = extension.oid()?;
            let mut next = extension.any()?;
            if next.tag == BOOLEAN && next.value == [0xff] {
                next = extension.any()?;
            }
            if next.tag != OCTET_STRING {
                return None;
            }
            extension.end()?;
            let value = Fields(next.value);
            match oid {
                BASIC_CONSTRAINTS => value.basic_constraints()?,
                EXTENDED_KEY_USAGE => value.extended_key_usage()?,
                KEY_USAGE => value.key_usage()?,
                SUBJECT_ALT_NAME if has_subject_alt_name => return None,
                SUBJECT_ALT_NAME => {
                    has_subject_alt_name = true;
                    self.read_subject_alt_name(value.whole(SEQUENCE)?)?;
                }
                _ => {}
            }
        }
        Some(())
    }

    fn read_subject_alt_name(&mut self, mut entries: Fields<'a>) -> Option<()> {
        while !entries.0.is_empty() {
            let entry = entries.any()?;
            if entry.tag != OTHER_NAME {
                primitive(&entry)?;
                continue;
            }
            let mut other_name = Fields(entry.value);
            let oid = other_name.oid()?;
            let mut explicit = other_name.inner(CONTEXT_0)?;
            other_name.end()?;
            let value = explicit.any()?;
            explicit.end()?;
            primitive(&value)?;
            if oid == XMPP_ADDR {
                if value.tag != UTF8_STRING {
                    return None;
                }
                self.xmpp_addrs.push(Cow::Borrowed(text(&value)?));
            }
        }
        Some(())
    }
}

/// Elements that follow each other, of which the first ones are taken off.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn any(&mut self) -> Option<Element<'a>> {
        Element::take(&mut self.0).ok()
    }

    /// The value of the next element, which has to have this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let element = self.any()?;
        (element.tag == tag).then_some(element.value)
    }

    fn inner(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Self)
    }

    /// The inside of the one element that all of this is.
    fn whole(mut self, tag: u8) -> Option<Self> {
        let inner = self.inner(tag)?;
        self.end()?;
        Some(inner)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    /// An object identifier with a whole last number, and none that is padded.
    fn oid(&mut self) -> Option<&'a [u8]> {
        let oid = self.take(OBJECT_IDENTIFIER)?;
        let mut begins = true;
        for &byte in oid {
            if begins && byte == 0x80 {
                return None;
            }
            begins = byte & 0x80 == 0;
        }
        (begins && !oid.is_empty() && oid.len() <= MAX_OID).then_some(oid)
    }

    /// An AlgorithmIdentifier with NULL, a named curve or nothing as parameters.
    fn algorithm(&mut self) -> Option<()> {
        let mut algorithm = self.inner(SEQUENCE)?;
        algorithm.oid()?;
        match algorithm.0 {
            [] | [NULL, 0] => Some(()),
            _ => {
                algorithm.oid()?;
                algorithm.end()
            }
        }
    }

    /// Whole bytes.
    fn bit_string(&mut self) -> Option<()> {
        (*self.take(BIT_STRING)?.first()? == 0).then_some(())
    }

    /// A distinguished name whose attributes are texts.
    fn name(&mut self, mut see: impl FnMut(&'a [u8], &'a str)) -> Option<()> {
        let mut sets = self.inner(SEQUENCE)?;
        while !sets.0.is_empty() {
            let mut set = sets.inner(SET)?;
            // There is at least one.
            loop {
                let mut attribute = set.inner(SEQUENCE)?;
                let oid = attribute.oid()?;
                let value = attribute.any()?;
                attribute.end()?;
                see(oid, text(&value)?);
                if set.0.is_empty() {
                    break;
                }
            }
        }
        Some(())
    }

    fn validity(&mut self) -> Option<()> {
        let mut times = self.inner(SEQUENCE)?;
        for _ in 0..2 {
            let time = times.any()?;
            match (time.tag, time.value) {
                (UTC_TIME, [_, _, rest @ ..]) if time.value.len() == 13 => {
                    time_of_year(&time.value[..2], rest)?;
                }
                (GENERALIZED_TIME, [_, _, _, _, rest @ ..]) if time.value.len() == 15 => {
                    time_of_year(&time.value[..4], rest)?;
                }
                _ => return None,
            }
        }
        times.end()
    }

    fn basic_constraints(self) -> Option<()> {
        match self.whole(SEQUENCE)?.0 {
            [] | [BOOLEAN, 1, 0xff] => Some(()),
            [BOOLEAN, 1, 0xff, INTEGER, 1, length] if *length < 0x80 => Some(()),
            _ => None,
        }
    }

    fn extended_key_usage(self) -> Option<()> {
        let mut usages = self.whole(SEQUENCE)?;
        while !usages.0.is_empty() {
            usages.oid()?;
        }
        Some(())
    }

    fn key_usage(self) -> Option<()> {
        match self.0 {
            // The bits that do not count are zero.
            [BIT_STRING, 2, unused @ 0..=7, bits] | [BIT_STRING, 3, unused @ 0..=7, _, bits]
                if bits.trailing_zeros() >= u32::from(*unused) =>
            {
                Some(())
            }
            _ => None,
        }
    }
}

/// Month, day, hour, minute and second, and the Z; all that is left to others is 29 February.
fn time_of_year(year: &[u8], rest: &[u8]) -> Option<()> {
    let [mon1, mon2, day1, day2, h1, h2, min1, min2, s1, s2, b'Z'] = rest else {
        return None;
    };
    let number = |a: &u8, b: &u8| {
        (a.is_ascii_digit() && b.is_ascii_digit()).then(|| 10 * (a - b'0') + (b - b'0'))
    };
    let days = match number(mon1, mon2)? {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    let valid = year.iter().all(u8::is_ascii_digit)
        && (1..=days).contains(&number(day1, day2)?)
        && number(h1, h2)? < 24
        && number(min1, min2)? < 60
        && number(s1, s2)? < 60;
    valid.then_some(())
}

fn primitive(element: &Element<'_>) -> Option<()> {
    (!element.is_constructed()).then_some(())
}

/// The text of a string that can be borrowed as it stands, and has no control characters.
fn text<'a>(string: &Element<'a>) -> Option<&'a str> {
    match string.tag {
        UTF8_STRING | PRINTABLE_STRING | IA5_STRING => {}
        _ => return None,
    }
    let text = str::from_utf8(string.value).ok()?;
    let plain = string.value.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let usable = plain || (string.tag == UTF8_STRING && !text.chars().any(char::is_control));
    usable.then_some(text)
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0xa0;
const OTHER_NAME: u8 = CONTEXT_0;
const VERSION: u8 = CONTEXT_0;
const EXTENSIONS: u8 = 0xa3;

/// 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.15.
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
/// 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// 2.5.29.19.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
/// 2.5.29.37.
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
/// id-on-xmppAddr, 1.3.6.1.5.5.7.8.5.
const XMPP_ADDR: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x05];

/// The bytes of an object identifier; what the `der` crate takes.
const MAX_OID: usize = 39;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Certificates whose names are as different as the measured cases have them.
    fn certificates() -> Vec<Vec<u8>> {
        let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/data/cases");
        let mut ders: Vec<Vec<u8>> = fs::read_dir(format!("{cases}/identity"))
            .unwrap()
            .map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .collect();
        ders.extend(
            encoding::pem_certificates(&fs::read(format!("{cases}/chains-ca.pem")).unwrap())
                .unwrap(),
        );
        ders
    }

    /// True where the certificate is of the ordinary shape.
    fn check(der: &[u8]) -> bool {
        let Some(names) = LoginNames::of_ordinary(der) else {
            return false;
        };
        let certificate = Certificate::from_der(der)
            .unwrap_or_else(|error| panic!("accepted too easily: {error}: {der:02x?}"));
        assert_eq!(names.common_name.as_deref(), certificate.common_name());
        assert_eq!(names.xmpp_addrs, certificate.xmpp_addrs());
        true
    }

    #[test]
    fn names_are_those_of_the_certificate() {
        let certificates = certificates();
        let ordinary = certificates.iter().filter(|der| check(der)).count();
        assert!(
            ordinary > certificates.len() / 2,
            "{ordinary} of {}",
            certificates.len()
        );
        for der in &certificates {
            let names = LoginNames::from_der(der);
            let certificate = Certificate::from_der(der);
            assert_eq!(names.clone().err(), certificate.clone().err());
            if let (Ok(names), Ok(certificate)) = (names, certificate) {
                assert_eq!(names.common_name.as_deref(), certificate.common_name());
                assert_eq!(names.xmpp_addrs, certificate.xmpp_addrs());
            }
        }
    }

    #[test]
    fn whatever_is_changed_in_a_certificate_is_judged_as_the_whole_reader_judges_it() {
        let mut ordinary = 0;
        for der in certificates() {
            for at in 0..der.len() {
                let changes = [0, 0x13, 0x80, 0xff, der[at] ^ 1, der[at].wrapping_add(2)];
                for value in changes {
                    let mut changed = der.clone();
                    changed[at] = value;
                    ordinary += usize::from(check(&changed));
                }
            }
        }
        assert!(ordinary > 50_000, "{ordinary}");
    }
}
