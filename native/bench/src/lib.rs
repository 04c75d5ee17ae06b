//! The floor under certjid's NIF: it gives the terms that `certjid_nif:login_names/1` gives, and
//! reads nothing to get them.

use std::sync::RwLock;

use rustler::{Atom, Binary, Encoder as _, Env, Term};

rustler::init!("certjid_bench_floor");

mod atoms {
    rustler::atoms! { ok }
}

static NAMES: RwLock<(String, Vec<String>)> = RwLock::new((String::new(), Vec::new()));

/// Sets what `login_names` gives.
#[rustler::nif]
fn set(common_name: String, xmpp_addrs: Vec<String>) -> Atom {
    *NAMES.write().expect("no holder of the lock panics") = (common_name, xmpp_addrs);
    atoms::ok()
}

#[rustler::nif]
fn login_names<'a>(env: Env<'a>, _der: Binary<'a>) -> Term<'a> {
    let names = NAMES.read().expect("no holder of the lock panics");
    (atoms::ok(), &names.0, &names.1).encode(env)
}
