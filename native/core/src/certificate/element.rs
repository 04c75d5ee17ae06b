//! DER elements, with all that X.690 section 10 demands of their lengths.

use super::CertificateError;

/// One tag, length and value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    /// All of it: tag, length and value.
    pub(crate) raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// Takes the first element off `input`.
    pub(crate) fn take(input: &mut &'a [u8]) -> Result<Self, &'static str> {
        let (tag, after) = input.split_first().ok_or("an element is cut short")?;
        if tag & 0x1f == 0x1f {
            return Err("a tag of several bytes");
        }
        let (length, after) = take_length(after)?;
        let (value, rest) = after
            .split_at_checked(length)
            .ok_or("a length beyond the end")?;
        let raw = &input[..input.len() - rest.len()];
        *input = rest;
        Ok(Self {
            tag: *tag,
            value,
            raw,
        })
    }

    /// Whether the value is made of elements.
    pub(crate) fn is_constructed(&self) -> bool {
        self.tag & 0x20 != 0
    }
}

/// The length of an element, in the shortest form (X.690 section 10.1), and what follows it.
fn take_length(input: &[u8]) -> Result<(usize, &[u8]), &'static str> {
    let (&first, rest) = input.split_first().ok_or(NO_LENGTH)?;
    if first < 0x80 {
        return Ok((first.into(), rest));
    }
    let bytes = usize::from(first & 0x7f);
    if bytes == 0 || bytes > MAX_LENGTH_BYTES {
        return Err(NO_LENGTH);
    }
    let (digits, rest) = rest.split_at_checked(bytes).ok_or(NO_LENGTH)?;
    let length = digits
        .iter()
        .fold(0, |length, &digit| length << 8 | usize::from(digit));
    if length < 0x80 || digits[0] == 0 {
        return Err(NO_LENGTH);
    }
    Ok((length, rest))
}

/// Checks that `der` is one element and that all elements within it are DER.
pub(crate) fn check(der: &[u8]) -> Result<(), CertificateError> {
    // The ends of the elements that are open, as offsets.
    let mut open = vec![der.len()];
    let mut at = 0;
    while let Some(&end) = open.last() {
        if at == end && at > 0 {
            open.pop();
            continue;
        }
        if open.len() == 1 && at > 0 {
            return Err(CertificateError::NotDer(at, "bytes after the certificate"));
        }
        let mut rest = &der[at..end];
        let element =
            Element::take(&mut rest).map_err(|rule| CertificateError::NotDer(at, rule))?;
        at += element.raw.len() - element.value.len();
        if element.is_constructed() {
            if open.len() > MAX_DEPTH {
                return Err(CertificateError::NestedTooDeep);
            }
            open.push(at + element.value.len());
        } else {
            at += element.value.len();
        }
    }
    Ok(())
}

const NO_LENGTH: &str = "a length that is not minimal";

const MAX_LENGTH_BYTES: usize = 4;

/// More than any extension of a certificate needs.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_der() {
        let cases: [(&[u8], usize); 6] = [
            (&[], 0),                                   // nothing
            (&[0x30, 0x80, 0x05, 0x00, 0x00, 0x00], 0), // indefinite length
            (&[0x30, 0x81, 0x02, 0x05, 0x00], 0),       // long form for a short length
            (&[0x30, 0x03, 0x05, 0x00], 0),             // longer than its container
            (&[0x30, 0x02, 0x05, 0x00, 0x05], 4),       // something behind
            (&[0x30, 0x02, 0x05, 0x01], 2),             // an element cut by its container
        ];
        for (der, offset) in cases {
            let error = check(der).unwrap_err();
            assert!(
                matches!(error, CertificateError::NotDer(at, _) if at == offset),
                "{der:02x?}: {error}"
            );
        }
        check(&[0x30, 0x04, 0x30, 0x00, 0x05, 0x00]).unwrap();
        check(&[0x30, 0x00]).unwrap();
    }

    #[test]
    fn depth_is_bounded() {
        let mut der = vec![];
        for _ in 0..60 {
            der.splice(0..0, [0x30, u8::try_from(der.len()).unwrap()]);
        }
        assert_eq!(check(&der), Err(CertificateError::NestedTooDeep));
    }
}
