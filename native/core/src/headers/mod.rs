//! The client certificate as a proxy that ends TLS passes it on in HTTP headers.
//!
//! Whoever reaches the server without the proxy can write such headers too, and one that the
//! proxy adds to instead of replacing it arrives twice. So a header must say exactly one thing in
//! exactly the form of that proxy: everything else is refused, nothing is repaired. The chain is
//! as untrusted as any other: [`crate::verify`] judges it.
//!
//! ```
//! # use certjid_core::headers::{Forwarded, Proxy};
//! let header = |value: &[u8]| Forwarded {
//!     proxy: Proxy::Rfc9440,
//!     certificate: vec![value.to_vec()],
//!     chain: vec![],
//! };
//! assert_eq!(header(b":MAA=:").certificates()?, [[0x30, 0x00]]);
//! assert!(header(b":MAA=:, :MAA=:").certificates().is_err());
//! # Ok::<(), certjid_core::headers::HeaderError>(())
//! ```

use core::fmt;
use core::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::certificate::{MAX_CERTIFICATE, MAX_CHAIN};
use crate::der;

mod envoy;
mod error;
mod haproxy;
mod nginx;
mod rfc9440;

#[cfg(test)]
mod tests;

pub use error::{HeaderError, HeaderFault};

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

    /// What it writes into the header of the certificate, as the end of a sentence.
    fn form(self) -> &'static str {
        match self {
            Self::Envoy => "one element of X-Forwarded-Client-Cert, with Cert or Chain",
            Self::Haproxy => "one certificate, base64 of DER",
            Self::Nginx => "one certificate, PEM with percent escapes",
            Self::Rfc9440 => "one certificate, base64 of DER between colons",
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
    pub fn certificates(&self) -> Result<Vec<Vec<u8>>, HeaderError> {
        self.read().map_err(|fault| HeaderError {
            proxy: self.proxy,
            fault,
        })
    }

    fn read(&self) -> Result<Vec<Vec<u8>>, HeaderFault> {
        let leaf = single(&self.certificate)
            .ok_or(HeaderFault::Doubled("the header has several values"))?;
        let issuers = single(&self.chain).ok_or(HeaderFault::Doubled(
            "the header of the chain has several values",
        ))?;
        if issuers.is_some() && matches!(self.proxy, Proxy::Envoy | Proxy::Nginx) {
            return Err(HeaderFault::Unexpected(
                "this proxy has no header of its own for the chain",
            ));
        }
        let Some(leaf) = leaf else {
            return match issuers {
                None => Ok(Vec::new()),
                Some(_) => Err(HeaderFault::Unexpected(
                    "there is a chain without the client's certificate",
                )),
            };
        };
        let chain = match self.proxy {
            Proxy::Envoy => envoy::certificates(leaf)?,
            Proxy::Haproxy => haproxy::certificates(leaf, issuers)?,
            Proxy::Nginx => nginx::certificates(leaf)?,
            Proxy::Rfc9440 => rfc9440::certificates(leaf, issuers)?,
        };
        if chain.len() > MAX_CHAIN {
            return Err(HeaderFault::Malformed(
                "there are more certificates than allowed",
            ));
        }
        chain.iter().try_for_each(|der| check(der))?;
        Ok(chain)
    }
}

/// The value of a header that may stand there once; None where there are several. An empty one
/// says as much as none.
fn single(values: &[Vec<u8>]) -> Option<Option<&[u8]>> {
    match values {
        [] => Some(None),
        [value] => Some(Some(value.trim_ascii()).filter(|value| !value.is_empty())),
        _ => None,
    }
}

/// What can't be a certificate in DER is refused with the header, not judged as a certificate.
fn check(der: &[u8]) -> Result<(), HeaderFault> {
    if der.starts_with(b"-----BEGIN") {
        return Err(PEM);
    }
    let is_sequence = der.first() == Some(&SEQUENCE);
    if !is_sequence || der.len() > MAX_CERTIFICATE || der::check(der).is_err() {
        return Err(HeaderFault::Malformed(
            "what it holds is not a certificate in DER",
        ));
    }
    Ok(())
}

/// Base64 as the proxies write it: padded, in one piece.
fn base64(text: &[u8]) -> Result<Vec<u8>, HeaderFault> {
    if text.contains(&b',') {
        return Err(HeaderFault::Doubled("several values are joined by a comma"));
    }
    STANDARD
        .decode(text)
        .map_err(|_| pem_or("this is not base64", text))
}

fn pem_or(what: &'static str, text: &[u8]) -> HeaderFault {
    match text.trim_ascii().starts_with(b"-----BEGIN") {
        true => PEM,
        false => HeaderFault::Malformed(what),
    }
}

const PEM: HeaderFault = HeaderFault::Malformed("this is PEM where DER is due");

const SEQUENCE: u8 = 0x30;
