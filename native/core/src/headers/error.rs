use core::fmt;

use super::Proxy;
use crate::reason::Reason;

/// Why the headers of a proxy are refused. It holds nothing of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderError {
    /// Whose form is due.
    pub proxy: Proxy,
    /// What is wrong.
    pub fault: HeaderFault,
}

/// What is wrong with headers, as a sentence without its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HeaderFault {
    /// There is more than one value or certificate where the proxy writes one.
    Doubled(&'static str),
    /// It is not in the form of that proxy.
    Malformed(&'static str),
    /// A header that the proxy does not write.
    Unexpected(&'static str),
}

impl HeaderError {
    /// The reason of the refusal.
    pub fn reason(&self) -> Reason {
        match self.fault {
            HeaderFault::Doubled(_) => Reason::ForwardedDoubled,
            HeaderFault::Malformed(_) => Reason::ForwardedMalformed,
            HeaderFault::Unexpected(_) => Reason::ForwardedUnexpected,
        }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (proxy, form) = (self.proxy, self.proxy.form());
        match self.fault {
            HeaderFault::Doubled(what) => write!(
                f,
                "{what}; with {proxy:?} it is {form}. The proxy adds to a header that came with \
                 the request, or it writes another form, such as a whole chain",
                proxy = proxy.as_str()
            ),
            HeaderFault::Malformed(what) => {
                write!(f, "{what}; with {:?} it is {form}", proxy.as_str())
            }
            HeaderFault::Unexpected(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for HeaderError {}
