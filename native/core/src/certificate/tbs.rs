use super::element::Element;

/// The fields of a tbsCertificate (RFC 5280 section 4.1.2) as they stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tbs<'a> {
    pub(crate) serial: Element<'a>,
    /// The algorithm that the issuer says it signs with.
    pub(crate) signature: Element<'a>,
    pub(crate) issuer: Element<'a>,
    pub(crate) validity: Element<'a>,
    pub(crate) subject: Element<'a>,
    pub(crate) public_key: Element<'a>,
    /// The extensions' sequence, inside of its explicit tag.
    pub(crate) extensions: Option<&'a [u8]>,
}

impl<'a> Tbs<'a> {
    /// Takes the fields apart; None where one is missing.
    pub(crate) fn parse(tbs: &'a [u8]) -> Option<Self> {
        let mut outer = tbs;
        let mut fields = Element::take(&mut outer).ok()?.value;
        let first = Element::take(&mut fields).ok()?;
        // Absent in version 1.
        let serial = if first.tag == VERSION {
            Element::take(&mut fields).ok()?
        } else {
            first
        };
        let mut next = || Element::take(&mut fields).ok();
        let (signature, issuer, validity) = (next()?, next()?, next()?);
        let (subject, public_key) = (next()?, next()?);
        let mut extensions = None;
        while let Some(element) = next() {
            if element.tag == EXTENSIONS {
                extensions = Some(element.value);
            }
        }
        Some(Self {
            serial,
            signature,
            issuer,
            validity,
            subject,
            public_key,
            extensions,
        })
    }
}

const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
