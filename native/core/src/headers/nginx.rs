//! nginx: PEM with percent escapes, in which Envoy writes certificates too.

use percent_encoding::percent_decode;

use super::HeaderFault;
use crate::pem;

pub(super) fn certificates(text: &[u8]) -> Result<Vec<Vec<u8>>, HeaderFault> {
    Ok(vec![one(escaped_pem(text)?)?])
}

/// Certificates, at least one, and nothing around them.
pub(super) fn escaped_pem(text: &[u8]) -> Result<Vec<Vec<u8>>, HeaderFault> {
    // There is no comma in PEM.
    if text.contains(&b',') {
        return Err(HeaderFault::Doubled("several values are joined by a comma"));
    }
    if text.starts_with(b"-----BEGIN ") {
        return Err(HeaderFault::Malformed("this is PEM without escapes"));
    }
    let malformed = HeaderFault::Malformed("this is not PEM with percent escapes");
    // Line ends and blanks are escaped, and a `%` that is left has escaped nothing.
    let decoded: Vec<u8> = percent_decode(text).collect();
    if decoded.contains(&b'%') || !text.iter().all(u8::is_ascii_graphic) {
        return Err(malformed);
    }
    match pem::certificates(&decoded).and_then(pem::Contents::not_empty) {
        Ok(contents) if contents.others.is_empty() && !contents.has_text => Ok(contents.ders()),
        _ => Err(malformed),
    }
}

/// The only one of several that a form allows one of.
pub(super) fn one(certificates: Vec<Vec<u8>>) -> Result<Vec<u8>, HeaderFault> {
    match <[Vec<u8>; 1]>::try_from(certificates) {
        Ok([der]) => Ok(der),
        Err(_) => Err(HeaderFault::Doubled("the value holds several certificates")),
    }
}
