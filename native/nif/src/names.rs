//! The names that decide on a login. This makes no map, which would take longer than reading them.

use std::borrow::Cow;

use certjid_core::certificate::LoginFields;
use rustler::types::atom;
use rustler::{Binary, Encoder as _, Env, Term};

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

/// What Erlang keeps on the heap of a process.
const MAX_COPIED: usize = 64;
