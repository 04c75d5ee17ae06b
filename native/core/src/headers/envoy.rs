//! Envoy's `X-Forwarded-Client-Cert`: elements with commas between them, each of `Key=Value` pairs
//! with semicolons, values with double quotes where they need them.

use super::HeaderFault;
use super::nginx::{escaped_pem, one};

/// The certificates of the only element, leaf first: those of `Chain`, which has the leaf too, or
/// the one of `Cert`. Other keys say nothing that the certificates don't.
pub(super) fn certificates(header: &[u8]) -> Result<Vec<Vec<u8>>, HeaderFault> {
    let (mut cert, mut chain) = (None, None);
    let mut rest = header;
    loop {
        let (key, value) = take_pair(&mut rest)?;
        let known = match key.to_ascii_lowercase().as_slice() {
            b"cert" => Some(&mut cert),
            b"chain" => Some(&mut chain),
            _ => None,
        };
        if let Some(slot) = known
            && slot.replace(escaped_pem(&value)?).is_some()
        {
            return Err(HeaderFault::Doubled(SEVERAL));
        }
        match rest.split_first() {
            None => break,
            Some((b';', more)) => rest = more,
            // An element for each proxy: only the last is of the one in front of this server.
            Some((b',', _)) => return Err(HeaderFault::Doubled(SEVERAL)),
            Some(_) => return Err(MALFORMED),
        }
    }
    match (cert.map(one).transpose()?, chain) {
        (Some(leaf), None) => Ok(vec![leaf]),
        (None, Some(chain)) => Ok(chain),
        (Some(leaf), Some(chain)) if chain.first() == Some(&leaf) => Ok(chain),
        (Some(_), Some(_)) => Err(HeaderFault::Malformed("Chain does not begin with Cert")),
        (None, None) => Err(HeaderFault::Malformed(
            "this has neither the Cert nor the Chain of X-Forwarded-Client-Cert",
        )),
    }
}

/// Takes a key and its value off, up to the next separator.
fn take_pair<'a>(rest: &mut &'a [u8]) -> Result<(&'a [u8], Vec<u8>), HeaderFault> {
    let equals = rest
        .iter()
        .position(|&byte| byte == b'=')
        .ok_or(MALFORMED)?;
    let (key, value) = (&rest[..equals], &rest[equals + 1..]);
    if !key.iter().all(u8::is_ascii_alphabetic) {
        return Err(MALFORMED);
    }
    let Some(quoted) = value.strip_prefix(b"\"") else {
        let end = value.iter().position(|byte| b";,".contains(byte));
        let (value, after) = value.split_at(end.unwrap_or(value.len()));
        *rest = after;
        return Ok((key, value.to_vec()));
    };
    let mut unquoted = Vec::new();
    let mut bytes = quoted.iter();
    loop {
        match bytes.next().ok_or(MALFORMED)? {
            b'"' => break,
            b'\\' => unquoted.push(*bytes.next().ok_or(MALFORMED)?),
            &byte => unquoted.push(byte),
        }
    }
    *rest = bytes.as_slice();
    Ok((key, unquoted))
}

const MALFORMED: HeaderFault = HeaderFault::Malformed("this is not an X-Forwarded-Client-Cert");

const SEVERAL: &str = "X-Forwarded-Client-Cert has several elements, or one key twice";
