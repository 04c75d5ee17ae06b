//! What is done about missing and stale CRLs: options of certjid, since MongooseIM checks none.

use certjid_core::verify::{CrlPolicy, Missing, Stale};
use clap::ValueEnum;
use serde::Deserialize;

/// The value of `--missing-crl` and `--stale-crl`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OnCrl {
    /// The certificates are accepted, unless a CRL revokes them.
    Allow,
    /// The certificates are refused.
    Refuse,
}

/// The policy of the options, with the defaults for those that are not given.
pub(super) fn policy(missing: Option<OnCrl>, stale: Option<OnCrl>) -> CrlPolicy {
    let defaults = CrlPolicy::default();
    CrlPolicy {
        missing: match missing {
            Some(OnCrl::Allow) => Missing::Allow,
            Some(OnCrl::Refuse) => Missing::Refuse,
            None => defaults.missing,
        },
        stale: match stale {
            Some(OnCrl::Allow) => Stale::Allow,
            Some(OnCrl::Refuse) => Stale::Refuse,
            None => defaults.stale,
        },
    }
}
