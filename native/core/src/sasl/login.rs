use core::cell::OnceCell;

use super::{Credentials, Rules};
use crate::certificate::XmppAddr;
use crate::jid::{Jid, JidError};

/// What the kinds look at, each JID of it parsed once, and only where a kind asks for it.
pub(super) struct Login<'a> {
    pub(super) rules: &'a Rules<'a>,
    pub(super) common_name: Option<&'a str>,
    pub(super) xmpp_addrs: &'a [XmppAddr<'a>],
    /// Never empty.
    pub(super) authzid: Option<&'a [u8]>,
    authzid_jid: OnceCell<Result<Jid, JidError>>,
    xmpp_addr_jids: OnceCell<Result<Vec<Jid>, TooLong>>,
}

/// The greatest length of all xmppAddrs together of a certificate that are not ASCII, in bytes, that
/// `certjid_verification` reads: to prepare them takes some 100 ns a byte.
pub const MAX_NON_ASCII: usize = 8 * 1024;

/// The length of all xmppAddrs together that are not ASCII, in bytes, above [`MAX_NON_ASCII`].
#[derive(Clone, Copy, Debug)]
pub(super) struct TooLong(pub(super) usize);

impl<'a> Login<'a> {
    pub(super) fn new(rules: &'a Rules<'a>, credentials: &Credentials<'a>) -> Self {
        Self {
            rules,
            common_name: credentials.common_name,
            xmpp_addrs: credentials.xmpp_addrs,
            authzid: credentials.authzid.filter(|authzid| !authzid.is_empty()),
            authzid_jid: OnceCell::new(),
            xmpp_addr_jids: OnceCell::new(),
        }
    }

    /// The JID that an authzid is.
    pub(super) fn parse_authzid(&self, authzid: &[u8]) -> Result<&Jid, &JidError> {
        let parsed = self.authzid_jid.get_or_init(|| Jid::parse(authzid));
        parsed.as_ref()
    }

    /// The xmppAddrs that are JIDs.
    pub(super) fn xmpp_addr_jids(&self) -> Result<&[Jid], TooLong> {
        let jids = self.xmpp_addr_jids.get_or_init(|| {
            let texts = || self.xmpp_addrs.iter().filter_map(XmppAddr::text);
            let costly = texts().filter(|text| !text.is_ascii());
            let length = costly.map(str::len).sum();
            if length > MAX_NON_ASCII {
                return Err(TooLong(length));
            }
            let jids = texts().filter_map(|text| Jid::parse(text.as_bytes()).ok());
            Ok(jids.collect())
        });
        match jids {
            Ok(jids) => Ok(jids),
            Err(too_long) => Err(*too_long),
        }
    }
}
