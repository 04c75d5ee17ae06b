//! RFC 9440: `Client-Cert` is one byte sequence of RFC 8941, `Client-Cert-Chain` a list of them.

use super::{HeaderFault, base64, pem_or};

pub(super) fn certificates(
    leaf: &[u8],
    issuers: Option<&[u8]>,
) -> Result<Vec<Vec<u8>>, HeaderFault> {
    if leaf.contains(&b',') {
        return Err(HeaderFault::Doubled("Client-Cert holds several values"));
    }
    let issuers = issuers
        .into_iter()
        .flat_map(|list| list.split(|&byte| byte == b','));
    core::iter::once(leaf)
        .chain(issuers)
        .map(byte_sequence)
        .collect()
}

fn byte_sequence(item: &[u8]) -> Result<Vec<u8>, HeaderFault> {
    let text = item
        .trim_ascii()
        .strip_prefix(b":")
        .and_then(|rest| rest.strip_suffix(b":"))
        .ok_or_else(|| pem_or("this is not base64 between colons", item))?;
    base64(text)
}
