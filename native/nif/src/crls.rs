//! CRLs: what `certjid:load/2` is told about missing and stale ones, and why one revoked.

use certjid_core::verify::{CrlPolicy, Missing, Stale};
use rustler::{Encoder, Env, ErlOption, NifMap, NifUnitEnum, Term};

use crate::terms::Named;

/// The options of `certjid:load/2`.
#[derive(NifMap)]
#[rustler(decode)]
pub struct Crls {
    missing_crl: OnCrl,
    stale_crl: OnCrl,
}

#[derive(NifUnitEnum)]
#[rustler(decode)]
enum OnCrl {
    Allow,
    Refuse,
}

impl From<Crls> for CrlPolicy {
    fn from(crls: Crls) -> Self {
        Self {
            missing: match crls.missing_crl {
                OnCrl::Allow => Missing::Allow,
                OnCrl::Refuse => Missing::Refuse,
            },
            stale: match crls.stale_crl {
                OnCrl::Allow => Stale::Allow,
                OnCrl::Refuse => Stale::Refuse,
            },
        }
    }
}

/// `keyCompromise` and its like, or `undefined`.
pub struct Revocation(ErlOption<Named>);

impl From<Option<&'static str>> for Revocation {
    fn from(reason: Option<&'static str>) -> Self {
        Self(reason.map(Named).into())
    }
}

impl Encoder for Revocation {
    fn encode<'a>(&self, env: Env<'a>) -> Term<'a> {
        self.0.encode(env)
    }
}
