//! The names that decide on a login. This makes no map, which would take longer than reading them.

use certjid_core::certificate::ClientCertificate;
use rustler::types::atom;
use rustler::{Binary, Encoder as _, Env, NewBinary, Term};

/// `{ok, CommonName, XmppAddrs}` or `{error, Message}`. Every id-on-xmppAddr entry is among them; one
/// that is not text is the empty text, which names nobody.
pub fn login_names<'a>(env: Env<'a>, der: &Binary<'a>) -> Term<'a> {
    let read = match ClientCertificate::from_der(der) {
        Ok(read) => read,
        Err(error) => return (atom::error(), error.to_string()).encode(env),
    };
    let common_name = match read.common_name() {
        Some(name) => part(env, der, name),
        None => atom::undefined().encode(env),
    };
    let texts = read.xmpp_addrs().iter();
    let texts = texts.map(|address| address.text().unwrap_or_default());
    let xmpp_addrs: Vec<_> = texts.map(|text| part(env, der, text)).collect();
    (atom::ok(), common_name, xmpp_addrs).encode(env)
}

/// A text of a certificate. A short one is copied, so that it does not keep the certificate.
fn part<'a>(env: Env<'a>, der: &Binary<'a>, text: &str) -> Term<'a> {
    let offset = text.as_ptr().addr().wrapping_sub(der.as_ptr().addr());
    // One that had to be decoded is not a part of the certificate.
    let is_part = offset < der.len();
    let shared = (is_part && text.len() > MAX_COPIED)
        .then(|| der.make_subbinary(offset, text.len()).ok())
        .flatten();
    match shared {
        Some(shared) => shared.into(),
        None => {
            // On the heap of the process where it is short, which `encode` never does.
            let mut copy = NewBinary::new(env, text.len());
            copy.as_mut_slice().copy_from_slice(text.as_bytes());
            copy.into()
        }
    }
}

/// What Erlang keeps on the heap of a process.
const MAX_COPIED: usize = 64;
