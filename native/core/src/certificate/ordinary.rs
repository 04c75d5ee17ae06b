//! Certificates of the ordinary shape, which are walked once without taking memory.
//!
//! One that has anything unusual in it is left to [`Certificate::from_der`], whose answer is always
//! the one that counts: what is accepted here is a part of what is accepted there, and the fields
//! are the same.
//!
//! [`Certificate::from_der`]: super::Certificate::from_der

use std::borrow::Cow;

use super::element::Element;
use super::{LoginFields, MAX_CERTIFICATE};

/// A certificate of version 3 in which all is as it commonly is.
#[derive(Debug, Default)]
pub(crate) struct Ordinary<'a> {
    pub(crate) fields: LoginFields<'a>,
    /// The whole element.
    pub(crate) issuer: &'a [u8],
    /// The whole element.
    pub(crate) subject: &'a [u8],
    /// What basicConstraints says.
    pub(crate) is_ca: bool,
    /// What keyUsage says of keyCertSign, where there is one.
    pub(crate) key_cert_sign: Option<bool>,
    /// Whether it has no name but usable ones; false where that would take longer to see.
    pub(crate) skips_nothing: bool,
}

impl<'a> Ordinary<'a> {
    /// None where the certificate is not ordinary, whatever that means for it.
    pub(crate) fn read(der: &'a [u8]) -> Option<Self> {
        if der.len() > MAX_CERTIFICATE {
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
        let mut read = Self {
            skips_nothing: true,
            ..Self::default()
        };
        tbs.algorithm()?;
        read.issuer = tbs.name(|_, _| {})?;
        read.fields.not_after = tbs.validity()?;
        read.subject = tbs.name(|oid, value| {
            if oid == COMMON_NAME {
                let first = &mut read.fields.common_name;
                first.get_or_insert(Cow::Borrowed(value));
            }
        })?;
        let mut key = tbs.inner(SEQUENCE)?;
        key.algorithm()?;
        key.bit_string()?;
        key.end()?;
        if !tbs.0.is_empty() {
            let mut extensions = Fields(tbs.take(EXTENSIONS)?).whole(SEQUENCE)?;
            tbs.end()?;
            read.read_extensions(&mut extensions)?;
        }
        Some(read)
    }

    fn read_extensions(&mut self, extensions: &mut Fields<'a>) -> Option<()> {
        let mut has_subject_alt_name = false;
        let mut has_basic_constraints = false;
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
                BASIC_CONSTRAINTS if has_basic_constraints => return None,
                BASIC_CONSTRAINTS => {
                    has_basic_constraints = true;
                    self.is_ca = value.basic_constraints()?;
                }
                EXTENDED_KEY_USAGE => value.extended_key_usage()?,
                KEY_USAGE if self.key_cert_sign.is_some() => return None,
                KEY_USAGE => self.key_cert_sign = Some(value.key_usage()?),
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
                self.skips_nothing = false;
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
                let address = text(&value)?;
                self.skips_nothing &= !address.is_empty();
                self.fields.xmpp_addrs.push(Cow::Borrowed(address));
            } else {
                self.skips_nothing = false;
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

    /// A distinguished name whose attributes are texts; gives the whole element.
    fn name(&mut self, mut see: impl FnMut(&'a [u8], &'a str)) -> Option<&'a [u8]> {
        let name = self.any()?;
        if name.tag != SEQUENCE {
            return None;
        }
        let mut sets = Self(name.value);
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
        Some(name.raw)
    }

    /// The end of the validity, in Unix seconds.
    fn validity(&mut self) -> Option<i64> {
        let mut times = self.inner(SEQUENCE)?;
        times.time()?;
        let not_after = times.time()?;
        times.end()?;
        Some(not_after)
    }

    fn time(&mut self) -> Option<i64> {
        let time = self.any()?;
        match (time.tag, time.value) {
            (UTC_TIME, [y1, y2, rest @ ..]) => match digits(y1, y2)? {
                year @ 50.. => unix_time(1900 + year, rest),
                year => unix_time(2000 + year, rest),
            },
            (GENERALIZED_TIME, [y1, y2, y3, y4, rest @ ..]) => {
                unix_time(100 * digits(y1, y2)? + digits(y3, y4)?, rest)
            }
            _ => None,
        }
    }

    /// Whether it is a CA.
    fn basic_constraints(self) -> Option<bool> {
        match self.whole(SEQUENCE)?.0 {
            [] => Some(false),
            [BOOLEAN, 1, 0xff] => Some(true),
            [BOOLEAN, 1, 0xff, INTEGER, 1, length] if *length < 0x80 => Some(true),
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

    /// Whether it allows keyCertSign, the sixth bit.
    fn key_usage(self) -> Option<bool> {
        let [BIT_STRING, length, unused @ 0..=7, bits @ ..] = self.0 else {
            return None;
        };
        let (first, last) = match (length, bits) {
            (2, [only]) => (only, only),
            (3, [first, last]) => (first, last),
            _ => return None,
        };
        // The bits that do not count are zero.
        (last.trailing_zeros() >= u32::from(*unused)).then_some(first & 0x04 != 0)
    }
}

/// The Unix time of a year, and of month, day, hour, minute, second and Z as they are written.
/// 29 February is not ordinary.
fn unix_time(year: i64, rest: &[u8]) -> Option<i64> {
    let [mon1, mon2, day1, day2, h1, h2, min1, min2, s1, s2, b'Z'] = rest else {
        return None;
    };
    let (month, day) = (digits(mon1, mon2)?, digits(day1, day2)?);
    let (hour, minute, second) = (digits(h1, h2)?, digits(min1, min2)?, digits(s1, s2)?);
    let before = *DAYS_BEFORE.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    let after = *DAYS_BEFORE.get(usize::try_from(month).ok()?)?;
    let valid =
        (1..=after - before).contains(&day) && year > 0 && hour < 24 && minute < 60 && second < 60;
    // Leap days up to the end of a year, and 1 January 1970 as a count of days.
    let leap_days = |year: i64| year / 4 - year / 100 + year / 400;
    let leap_years = leap_days(if month > 2 { year } else { year - 1 });
    let days = 365 * year + leap_years + before + day - 1 - (365 * 1970 + leap_days(1969));
    valid.then_some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn digits(tens: &u8, ones: &u8) -> Option<i64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    Some(10 * digit(tens)? + digit(ones)?)
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

/// The days of a year before each month, and all of them.
const DAYS_BEFORE: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/// The bytes of an object identifier; what the `der` crate takes.
const MAX_OID: usize = 39;

#[cfg(test)]
mod tests;
