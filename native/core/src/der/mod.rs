//! The one reader of DER (X.690): what certificates, revocation lists and their names are read with.
//!
//! It is strict: tags count with class and form, lengths are definite and minimal, object
//! identifiers and integers are minimal. What it does not take is refused before anything looks at
//! a part of it, so that no two readers can see two things.

use core::fmt;

pub(crate) mod oid;
pub(crate) mod time;

/// One tag, length and value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    /// The identifier octet: class, form and number.
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    /// All of it: tag, length and value.
    pub(crate) raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// Whether the value is made of elements.
    pub(crate) fn is_constructed(&self) -> bool {
        self.tag & 0x20 != 0
    }

    /// The elements that the value is made of.
    pub(crate) fn inner(&self) -> Reader<'a> {
        Reader(self.value)
    }
}

/// Elements that follow each other, of which the first ones are taken off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// The inside of the one element with this tag that all of the input is.
    pub(crate) fn whole(input: &'a [u8], tag: u8) -> Result<Self, Error> {
        let mut reader = Self(input);
        let inner = reader.nested(tag)?;
        reader.end()?;
        Ok(inner)
    }

    /// What has not been taken yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next element, whatever it is, if it is DER to its depths.
    pub(crate) fn whole_value(&mut self) -> Result<Element<'a>, Error> {
        let element = self.any()?;
        if element.is_constructed() {
            check(element.raw).map_err(|(_, rule)| rule)?;
        } else {
            check_primitive(&element)?;
        }
        Ok(element)
    }

    /// Takes the next element, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, Error> {
        let (&tag, after) = self.0.split_first().ok_or(CUT)?;
        if tag & 0x1f == 0x1f {
            return Err(Error("a tag of several bytes"));
        }
        if tag == 0 {
            return Err(Error("an end of contents, which DER does not have"));
        }
        let (length, after) = take_length(after)?;
        let (value, rest) = after
            .split_at_checked(length)
            .ok_or(Error("a length beyond the end"))?;
        let raw = &self.0[..self.0.len() - rest.len()];
        self.0 = rest;
        Ok(Element { tag, value, raw })
    }

    /// Takes the next element, which has to have this tag.
    pub(crate) fn element(&mut self, tag: u8) -> Result<Element<'a>, Error> {
        let element = self.any()?;
        if element.tag == tag {
            Ok(element)
        } else {
            Err(Error("an element of another type than is expected there"))
        }
    }

    /// Takes the next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Error> {
        if self.0.first() == Some(&tag) {
            self.any().map(Some)
        } else {
            Ok(None)
        }
    }

    /// The value of the next element, which has to have this tag.
    pub(crate) fn value(&mut self, tag: u8) -> Result<&'a [u8], Error> {
        Ok(self.element(tag)?.value)
    }

    /// The inside of the next element, which has to have this tag.
    pub(crate) fn nested(&mut self, tag: u8) -> Result<Self, Error> {
        self.value(tag).map(Self)
    }

    pub(crate) fn end(&self) -> Result<(), Error> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error("an element more than is expected there"))
        }
    }

    /// An object identifier whose arcs are whole and not padded (X.690 section 8.19.2).
    pub(crate) fn oid(&mut self) -> Result<&'a [u8], Error> {
        let value = self.value(OBJECT_IDENTIFIER)?;
        oid::check(value)?;
        Ok(value)
    }

    /// An integer in as few bytes as it needs (X.690 section 8.3.2).
    pub(crate) fn integer(&mut self) -> Result<&'a [u8], Error> {
        let value = self.value(INTEGER)?;
        check_integer(value)?;
        Ok(value)
    }

    /// A boolean that is FALSE where it is left out. That FALSE is written out is against X.690
    /// section 11.5; some CAs do it, and it alters nothing.
    pub(crate) fn boolean(&mut self) -> Result<bool, Error> {
        match self.optional(BOOLEAN)?.map(|element| element.value) {
            None | Some([0]) => Ok(false),
            Some([0xff]) => Ok(true),
            Some(_) => Err(Error("a BOOLEAN that is neither 0x00 nor 0xff")),
        }
    }

    /// A BIT STRING of whole bytes.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Error> {
        match self.value(BIT_STRING)?.split_first() {
            Some((0, bytes)) => Ok(bytes),
            _ => Err(Error("a BIT STRING that is not made of whole bytes")),
        }
    }

    /// An AlgorithmIdentifier (RFC 5280 section 4.1.1.2): the contents of its SEQUENCE.
    pub(crate) fn algorithm(&mut self) -> Result<&'a [u8], Error> {
        let contents = self.value(SEQUENCE)?;
        let mut fields = Self(contents);
        fields.oid()?;
        if !fields.is_empty() {
            fields.whole_value()?;
        }
        fields.end()?;
        Ok(contents)
    }
}

/// A certificate or a revocation list: what is signed, by which algorithm, and the signature
/// (RFC 5280 sections 4.1 and 5.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) tbs: Element<'a>,
    /// The contents of the AlgorithmIdentifier.
    pub(crate) algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Error> {
        let mut parts = Reader::whole(der, SEQUENCE)?;
        let tbs = parts.element(SEQUENCE)?;
        let algorithm = parts.algorithm()?;
        let signature = parts.bytes()?;
        parts.end()?;
        Ok(Self {
            tbs,
            algorithm,
            signature,
        })
    }
}

/// The rule of DER that an input breaks, as the object of "there is".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Error(pub(crate) &'static str);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Checks that `der` is one element, and that all elements within it have tags, lengths and, as far
/// as their types are known, values of DER.
///
/// # Errors
/// The offset in bytes, and the rule that is broken there.
pub(crate) fn check(der: &[u8]) -> Result<(), (usize, Error)> {
    // The ends of the elements that are open, as offsets: the input, and the elements within.
    let mut open = [0; MAX_DEPTH + 1];
    let (mut depth, mut at) = (0, 0);
    open[0] = der.len();
    loop {
        let end = open[depth];
        if at == end && at > 0 {
            match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return Ok(()),
            }
            continue;
        }
        if depth == 0 && at > 0 {
            return Err((at, Error("an element more than is expected there")));
        }
        let element = Reader(&der[at..end]).any().map_err(|rule| (at, rule))?;
        at += element.raw.len() - element.value.len();
        if element.is_constructed() {
            depth += 1;
            match open.get_mut(depth) {
                Some(inner) => *inner = at + element.value.len(),
                None => return Err((at, TOO_DEEP)),
            }
        } else {
            check_primitive(&element).map_err(|rule| (at, rule))?;
            at += element.value.len();
        }
    }
}

/// The length of an element, in the shortest form (X.690 section 10.1), and what follows it.
fn take_length(input: &[u8]) -> Result<(usize, &[u8]), Error> {
    let (&first, rest) = input.split_first().ok_or(CUT)?;
    if first < 0x80 {
        return Ok((first.into(), rest));
    }
    let bytes = usize::from(first & 0x7f);
    if bytes == 0 || bytes > MAX_LENGTH_BYTES {
        return Err(NO_LENGTH);
    }
    let (digits, rest) = rest.split_at_checked(bytes).ok_or(CUT)?;
    let length = digits
        .iter()
        .fold(0, |length, &digit| length << 8 | usize::from(digit));
    if length < 0x80 || digits[0] == 0 {
        return Err(NO_LENGTH);
    }
    Ok((length, rest))
}

fn check_primitive(element: &Element<'_>) -> Result<(), Error> {
    match (element.tag, element.value) {
        (BOOLEAN, [0 | 0xff]) | (NULL, []) => Ok(()),
        (BOOLEAN, _) => Err(Error("a BOOLEAN that is neither 0x00 nor 0xff")),
        (NULL, _) => Err(Error("a NULL with a value")),
        (INTEGER | ENUMERATED, value) => check_integer(value),
        (OBJECT_IDENTIFIER, value) => oid::check(value),
        _ => Ok(()),
    }
}

fn check_integer(value: &[u8]) -> Result<(), Error> {
    match value {
        [] => Err(Error("an empty INTEGER")),
        [0x00, next, ..] if next & 0x80 == 0 => Err(PADDED_INTEGER),
        [0xff, next, ..] if next & 0x80 != 0 => Err(PADDED_INTEGER),
        _ => Ok(()),
    }
}

const CUT: Error = Error("an element that is cut short");

const NO_LENGTH: Error = Error("a length that is not definite and minimal");

const PADDED_INTEGER: Error = Error("an INTEGER with a needless leading byte");

pub(crate) const TOO_DEEP: Error = Error("an element that is nested too deep");

const MAX_LENGTH_BYTES: usize = 4;

/// More than any extension of a certificate needs.
const MAX_DEPTH: usize = 32;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
const ENUMERATED: u8 = 0x0a;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const IA5_STRING: u8 = 0x16;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// `[number]`, of the context-specific class and primitive.
pub(crate) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// `[number]`, of the context-specific class and constructed.
pub(crate) const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_der() {
        let cases: [(&[u8], usize); 7] = [
            (&[], 0),                                   // nothing
            (&[0x30, 0x80, 0x05, 0x00, 0x00, 0x00], 0), // indefinite length
            (&[0x30, 0x81, 0x02, 0x05, 0x00], 0),       // long form for a short length
            (&[0x30, 0x03, 0x05, 0x00], 0),             // longer than its container
            (&[0x30, 0x02, 0x05, 0x00, 0x05], 4),       // something behind
            (&[0x30, 0x02, 0x05, 0x01], 2),             // an element cut by its container
            (&[0x3f, 0x01, 0x00], 0),                   // a tag of several bytes
        ];
        for (der, offset) in cases {
            assert_eq!(check(der).unwrap_err().0, offset, "{der:02x?}");
        }
        check(&[0x30, 0x04, 0x30, 0x00, 0x05, 0x00]).unwrap();
        check(&[0x30, 0x00]).unwrap();
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| {
            (0..depth).fold(Vec::new(), |inner: Vec<u8>, _| {
                [&[0x30, u8::try_from(inner.len()).unwrap()][..], &inner].concat()
            })
        };
        check(&nested(MAX_DEPTH)).unwrap();
        assert_eq!(check(&nested(MAX_DEPTH + 1)).unwrap_err().1, TOO_DEEP);
    }

    #[test]
    fn values_are_minimal() {
        let boolean = |der: &[u8]| Reader(der).boolean();
        assert_eq!(boolean(&[]), Ok(false));
        assert_eq!(boolean(&[1, 1, 0]), Ok(false));
        assert_eq!(boolean(&[1, 1, 0xff]), Ok(true));
        assert!(boolean(&[1, 1, 1]).is_err());
        assert!(boolean(&[1, 0]).is_err());

        for good in [
            &[2, 1, 0][..],
            &[2, 2, 0, 0x80],
            &[2, 1, 0xff],
            &[2, 2, 0xff, 0x7f],
        ] {
            assert!(Reader(good).integer().is_ok(), "{good:02x?}");
        }
        for bad in [&[2, 0][..], &[2, 2, 0, 0x7f], &[2, 2, 0xff, 0x80]] {
            assert!(Reader(bad).integer().is_err(), "{bad:02x?}");
        }
        assert_eq!(Reader(&[3, 2, 0, 7]).bytes(), Ok(&[7][..]));
        assert!(Reader(&[3, 2, 1, 2]).bytes().is_err());
        assert!(Reader(&[3, 0]).bytes().is_err());
    }
}
