//! The client certificate as a proxy that ends TLS passes it on in HTTP headers.
//!
//! Whoever reaches the server without the proxy can write such headers too, and one that the
//! proxy adds to instead of replacing it arrives twice. So a header must say exactly one thing in
//! exactly the form of that proxy: everything else is refused, nothing is repaired. The chain is
//! as untrusted as any other: [`crate::verify`] judges it.
//!
//! ```
//! # use certjid_core::certificate::forwarded::{Forwarded, Proxy};
//! let header = |value: &[u8]| Forwarded {
//!     proxy: Proxy::Rfc9440,
//!     certificate: vec![value.to_vec()],
//!     chain: vec![],
//! };
//! assert_eq!(header(b":MAA=:").certificates()?, [[0x30, 0x00]]);
//! assert!(header(b":MAA=:, :MAA=:").certificates().is_err());
//! # Ok::<(), certjid_core::certificate::forwarded::ForwardedError>(())
//! ```

use core::fmt;
use core::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode;

use super::element::{self, Element};
use crate::reason::Reason;

use super::encoding::{MAX_CERTIFICATE, MAX_CHAIN, SEQUENCE};

mod xfcc;

#[cfg(test)]
mod tests;

/// The proxy whose form a header has.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Proxy {
    /// Envoy's `X-Forwarded-Client-Cert` of one element, with `Cert` or `Chain`.
    Envoy,
    /// HAProxy's `%[ssl_c_der,base64]`, and `%[ssl_c_chain_der,base64]` for the chain.
    Haproxy,
    /// nginx's `$ssl_client_escaped_cert`, which has no chain.
    Nginx,
    /// `Client-Cert`, and `Client-Cert-Chain` for the chain (RFC 9440).
    Rfc9440,
}

impl Proxy {
    /// The name by which settings and requests know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Envoy => "envoy",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::Rfc9440 => "rfc9440",
        }
    }

    /// All of them.
    pub const ALL: [Self; 4] = [Self::Envoy, Self::Haproxy, Self::Nginx, Self::Rfc9440];
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Proxy {
    type Err = UnknownProxy;

    fn from_str(name: &str) -> Result<Self, UnknownProxy> {
        Self::ALL
            .into_iter()
            .find(|proxy| proxy.as_str() == name)
            .ok_or(UnknownProxy)
    }
}

/// A name that no [`Proxy`] has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownProxy;

impl fmt::Display for UnknownProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the proxies are envoy, haproxy, nginx and rfc9440")
    }
}

impl std::error::Error for UnknownProxy {}

/// What a server found in the headers of a request, each value as it stood there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Forwarded {
    /// The form.
    pub proxy: Proxy,
    /// The values of the header that has the client's certificate; empty where it is absent.
    pub certificate: Vec<Vec<u8>>,
    /// The values of the header that has the certificates of its issuers; empty where it is
    /// absent.
    pub chain: Vec<Vec<u8>>,
}

impl Forwarded {
    /// The client's certificates in DER, leaf first; none where it sent none, for which proxies
    /// leave the header out or empty.
    ///
    /// # Errors
    /// Where the headers are not exactly what the proxy writes.
    pub fn certificates(&self) -> Result<Vec<Vec<u8>>, ForwardedError> {
        let leaf = single(&self.certificate)?;
        let issuers = single(&self.chain)?;
        if issuers.is_some() && matches!(self.proxy, Proxy::Envoy | Proxy::Nginx) {
            return Err(ForwardedError::Unexpected(
                "this proxy has no header of its own for the chain",
            ));
        }
        let Some(leaf) = leaf else {
            return match issuers {
                None => Ok(Vec::new()),
                Some(_) => Err(ForwardedError::Unexpected(
                    "there is a chain without the client's certificate",
                )),
            };
        };
        let chain = match self.proxy {
            Proxy::Envoy => xfcc::certificates(leaf)?,
            Proxy::Haproxy => haproxy(leaf, issuers)?,
            Proxy::Nginx => vec![one(escaped_pem(leaf)?)?],
            Proxy::Rfc9440 => rfc9440(leaf, issuers)?,
        };
        if chain.len() > MAX_CHAIN {
            return Err(ForwardedError::Malformed("more certificates than allowed"));
        }
        for der in &chain {
            if der.starts_with(b"-----BEGIN") {
                return Err(PEM);
            }
            let is_sequence = der.first() == Some(&SEQUENCE);
            if !is_sequence || der.len() > MAX_CERTIFICATE || element::check(der).is_err() {
                return Err(ForwardedError::Malformed(
                    "what it holds is no certificate in DER",
                ));
            }
        }
        Ok(chain)
    }
}

/// The value of a header that may stand there once. An empty one says as much as none.
fn single(values: &[Vec<u8>]) -> Result<Option<&[u8]>, ForwardedError> {
    match values {
        [] => Ok(None),
        [value] => Ok(Some(value.trim_ascii()).filter(|value| !value.is_empty())),
        _ => Err(ForwardedError::Doubled),
    }
}

fn haproxy(leaf: &[u8], issuers: Option<&[u8]>) -> Result<Vec<Vec<u8>>, ForwardedError> {
    let mut chain = vec![base64(leaf)?];
    let issuers = issuers.map(base64).transpose()?.unwrap_or_default();
    let mut rest = issuers.as_slice();
    while !rest.is_empty() {
        let element = Element::take(&mut rest)
            .map_err(|_| ForwardedError::Malformed("the chain is not DER after DER"))?;
        chain.push(element.raw.to_vec());
    }
    Ok(chain)
}

fn rfc9440(leaf: &[u8], issuers: Option<&[u8]>) -> Result<Vec<Vec<u8>>, ForwardedError> {
    let item = |item: &[u8]| {
        let base64_text = item
            .trim_ascii()
            .strip_prefix(b":")
            .and_then(|rest| rest.strip_suffix(b":"))
            .ok_or_else(|| pem_or("this is not base64 between colons", item))?;
        base64(base64_text)
    };
    if leaf.contains(&b',') {
        return Err(ForwardedError::Doubled);
    }
    let issuers = issuers
        .into_iter()
        .flat_map(|list| list.split(|&byte| byte == b','));
    core::iter::once(leaf).chain(issuers).map(item).collect()
}

/// Base64 as the proxies write it: padded, in one piece.
fn base64(text: &[u8]) -> Result<Vec<u8>, ForwardedError> {
    if text.contains(&b',') {
        return Err(ForwardedError::Doubled);
    }
    STANDARD
        .decode(text)
        .map_err(|_| pem_or("this is not base64", text))
}

fn pem_or(what: &'static str, text: &[u8]) -> ForwardedError {
    if text.trim_ascii().starts_with(b"-----BEGIN") {
        PEM
    } else {
        ForwardedError::Malformed(what)
    }
}

/// PEM with percent escapes: certificates, and nothing around them.
fn escaped_pem(text: &[u8]) -> Result<Vec<Vec<u8>>, ForwardedError> {
    // Two values that somebody has joined: there is no comma in PEM.
    if text.contains(&b',') {
        return Err(ForwardedError::Doubled);
    }
    let malformed = ForwardedError::Malformed("this is not PEM with percent escapes");
    // Line ends and spaces are escaped, and a `%` that is left has escaped nothing.
    let pem: Vec<u8> = percent_decode(text).collect();
    if pem.contains(&b'%') || text.iter().any(|byte| !byte.is_ascii_graphic()) {
        return Err(malformed);
    }
    pem_blocks(&pem).ok_or(malformed)
}

/// Certificates in PEM, at least one and nothing else. [`super::encoding`] passes over what stands between.
fn pem_blocks(mut rest: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut certificates = Vec::new();
    while !rest.is_empty() {
        let block = rest.strip_prefix(BEGIN)?;
        let end = block.windows(END.len()).position(|window| window == END)?;
        let lines = block[..end].split(|&byte| byte == b'\n' || byte == b'\r');
        certificates.push(STANDARD.decode(lines.collect::<Vec<_>>().concat()).ok()?);
        rest = block[end + END.len()..].trim_ascii_start();
    }
    Some(certificates).filter(|certificates| !certificates.is_empty())
}

/// The only one of several that a form allows one of.
fn one(certificates: Vec<Vec<u8>>) -> Result<Vec<u8>, ForwardedError> {
    match <[Vec<u8>; 1]>::try_from(certificates) {
        Ok([der]) => Ok(der),
        Err(_) => Err(ForwardedError::Doubled),
    }
}

/// Why headers are refused.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ForwardedError {
    /// There are two values where the proxy writes one.
    Doubled,
    /// It is not in the form of that proxy.
    Malformed(&'static str),
    /// A header that the proxy does not write.
    Unexpected(&'static str),
}

impl ForwardedError {
    /// The reason of the refusal.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Doubled => Reason::ForwardedDoubled,
            Self::Malformed(_) => Reason::ForwardedMalformed,
            Self::Unexpected(_) => Reason::ForwardedUnexpected,
        }
    }
}

impl fmt::Display for ForwardedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Doubled => f.write_str(
                "there are two values where the proxy writes one: the client has sent the header \
                 itself, and the proxy does not replace it",
            ),
            Self::Malformed(what) | Self::Unexpected(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ForwardedError {}

const PEM: ForwardedError = ForwardedError::Malformed("this is PEM where DER is due");

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";
