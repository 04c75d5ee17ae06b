//! The names that decide on a login: out of a certificate, and to a user name. These two functions
//! make no maps, for they are called at each login and take less time than a map does.

use std::borrow::Cow;

use certjid_core::certificate::LoginFields;
use certjid_core::sasl::{Credentials, Kind, Rules, Verdict, decide};
use rustler::types::atom;
use rustler::{Binary, Encoder as _, Env, ErlOption, NifTuple, Term};

use crate::requests::Items;

/// `{ok, CommonName, XmppAddrs}` or `{error, Message}`.
pub fn login_names<'a>(env: Env<'a>, der: &Binary<'a>) -> Term<'a> {
    match LoginFields::from_der(der) {
        Ok(names) => {
            let common_name = match names.common_name {
                Some(name) => part(env, der, name),
                None => atom::undefined().encode(env),
            };
            let xmpp_addrs = names.xmpp_addrs.into_iter();
            let xmpp_addrs: Vec<_> = xmpp_addrs.map(|addr| part(env, der, addr)).collect();
            (atom::ok(), common_name, xmpp_addrs).encode(env)
        }
        Err(error) => (atom::error(), error.to_string()).encode(env),
    }
}

/// A text of a certificate. A short one is copied, so that it does not keep the certificate.
fn part<'a>(env: Env<'a>, der: &Binary<'a>, text: Cow<'_, str>) -> Term<'a> {
    let shared = match &text {
        Cow::Borrowed(text) if text.len() > MAX_COPIED => {
            let offset = text.as_ptr().addr() - der.as_ptr().addr();
            der.make_subbinary(offset, text.len()).ok()
        }
        _ => None,
    };
    match shared {
        Some(shared) => shared.into(),
        None => text.encode(env),
    }
}

/// `{Host, Prefix, Suffix}`, all in UTF-8.
#[derive(NifTuple)]
#[rustler(decode)]
pub struct Host<'a> {
    host: &'a str,
    prefix: &'a str,
    suffix: &'a str,
}

/// `{CommonName, XmppAddrs, Authzid}`. A common name that is no binary in UTF-8 is none, and such
/// an xmppAddr names nobody.
#[derive(NifTuple)]
#[rustler(decode)]
pub struct Names<'a> {
    common_name: Term<'a>,
    xmpp_addrs: Items<Term<'a>>,
    authzid: ErlOption<Binary<'a>>,
}

impl<'a> Names<'a> {
    /// `{ok, UserName}` or `{error, Condition, Reason, Message}`, by the rules of
    /// `certjid_verification`.
    pub fn verify(&self, env: Env<'a>, host: &Host<'a>) -> Term<'a> {
        let rules = Rules {
            kinds: &[Kind::CertjidVerification],
            prefix: host.prefix,
            suffix: host.suffix,
            host: host.host,
        };
        let xmpp_addrs: Vec<String> = self
            .xmpp_addrs
            .0
            .iter()
            .filter_map(|addr| addr.decode().ok())
            .collect();
        let credentials = Credentials {
            common_name: self.common_name.decode().ok(),
            xmpp_addrs: &xmpp_addrs,
            unusable_xmpp_addrs: self.xmpp_addrs.0.len() - xmpp_addrs.len(),
            authzid: self.authzid.as_ref().as_ref().map(Binary::as_slice),
        };
        match decide(&rules, &credentials, &|_| None).verdict {
            Verdict::Accepted(accepted) => (atom::ok(), accepted.local).encode(env),
            Verdict::Rejected(rejected) => (
                atom::error(),
                rejected.condition.as_str(),
                rejected.reason.as_str(),
                rejected.message,
            )
                .encode(env),
            // There is none among the kinds.
            Verdict::AskModule(module) => (atom::error(), module).encode(env),
        }
    }
}

/// What Erlang keeps on the heap of a process.
const MAX_COPIED: usize = 64;
