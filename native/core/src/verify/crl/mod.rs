//! Certificate revocation lists (RFC 5280 section 5).
//!
//! A list that the issuer of a certificate signed and that names its serial number refuses it,
//! whatever the list is for. What a list is for decides only whether a certificate's status is
//! known from it.

mod error;
mod list;
mod scope;
mod status;

pub use error::CrlError;
pub use list::Crl;
pub use status::{CrlPolicy, Missing, Stale};
pub(super) use status::{Link, check};
