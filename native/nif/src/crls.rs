//! What `certjid:load/2` is told about missing and stale CRLs.

use certjid_core::verify::{CrlPolicy, Missing, Stale};
use rustler::{NifMap, NifUnitEnum};

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
