//! The listeners that stand behind proxies, and what their headers are worth.

use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;

use certjid_core::config::{Config, ListenerRef};
use certjid_core::decide::{Refused, Request};
use certjid_core::headers::Proxy;
use certjid_core::reason::Reason;
use serde::Deserialize;

use crate::protocol::Login;

/// A listener that stands behind a proxy, `LISTENER=PROXY` in the settings.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct TrustedProxy {
    /// The listener.
    pub listener: ListenerRef,
    /// The form of the headers that count there.
    pub proxy: Proxy,
}

impl FromStr for TrustedProxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (listener, proxy) = text
            .split_once('=')
            .ok_or_else(|| format!("{text:?} is not LISTENER=PROXY, such as http=nginx"))?;
        Ok(Self {
            listener: match listener.parse() {
                Ok(port) => ListenerRef::Port(port),
                Err(_) => ListenerRef::Name(listener.to_owned()),
            },
            proxy: proxy
                .parse()
                .map_err(|error| format!("{text:?}: {error}"))?,
        })
    }
}

impl TryFrom<String> for TrustedProxy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.listener {
            ListenerRef::Name(name) => write!(f, "{name}={}", self.proxy),
            ListenerRef::Port(port) => write!(f, "{port}={}", self.proxy),
        }
    }
}

/// The request to decide, with the chain that a proxy passed on where there is one. Headers count
/// only where the settings say so: elsewhere the client may have written them.
pub(super) fn complete<'a>(
    login: &'a Login,
    trusted: &[TrustedProxy],
    config: &Config,
) -> Result<Cow<'a, Request>, Refused> {
    let Some(forwarded) = &login.forwarded else {
        return Ok(Cow::Borrowed(&login.request));
    };
    let listener = config.listener(&login.request.listener);
    let is_trusted = trusted.iter().any(|known| {
        known.proxy == forwarded.proxy && config.listener(&known.listener) == listener
    });
    if listener.is_none() || !is_trusted {
        return Err(refused(
            Reason::ForwardedNotTrusted,
            &format!(
                "no header of a proxy in the form \"{}\" counts on this listener: see \
                 --trust-forwarded of certjid serve",
                forwarded.proxy
            ),
        ));
    }
    match forwarded.certificates() {
        Ok(chain) => Ok(Cow::Owned(Request {
            chain,
            ..login.request.clone()
        })),
        Err(error) => Err(refused(error.reason(), &error.to_string())),
    }
}

fn refused(reason: Reason, message: &str) -> Refused {
    let mut refused = Refused::new(reason, message);
    let condition = refused.condition.as_str();
    refused.trail.push("forwarded", condition, message);
    refused
}
