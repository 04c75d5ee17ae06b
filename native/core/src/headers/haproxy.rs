//! HAProxy: base64 of DER, and base64 of DER after DER.

use super::{HeaderFault, base64};
use crate::der::Reader;

pub(super) fn certificates(
    leaf: &[u8],
    issuers: Option<&[u8]>,
) -> Result<Vec<Vec<u8>>, HeaderFault> {
    let mut chain = vec![base64(leaf)?];
    let issuers = issuers.map(base64).transpose()?.unwrap_or_default();
    let mut rest = Reader::new(issuers.as_slice());
    while !rest.is_empty() {
        let element = rest
            .any()
            .map_err(|_| HeaderFault::Malformed("the chain is not DER after DER"))?;
        chain.push(element.raw.to_vec());
    }
    Ok(chain)
}
