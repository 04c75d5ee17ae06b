//! The login of MongooseIM's callback, `certjid_verification:verify_creds/1`.

use certjid_core::decide;
use certjid_core::policy::Policy;
use rustler::{Binary, ErlOption, NifMap, NifTaggedEnum};

use crate::requests::text;
use crate::terms::Refused;

/// `{ok, UserName}`, `{error, Map}` or `{invalid, Message}`.
#[derive(NifTaggedEnum)]
#[rustler(encode)]
pub enum Verified {
    Error(Refused),
    Invalid(String),
    Ok(String),
}

/// What the callback is handed. All but the certificate and the authorization identity is UTF-8.
#[derive(NifMap)]
#[rustler(decode)]
pub struct Creds<'a> {
    der_cert: Binary<'a>,
    host: Binary<'a>,
    prefix: Binary<'a>,
    suffix: Binary<'a>,
    authzid: ErlOption<Binary<'a>>,
}

impl Creds<'_> {
    pub fn verify(&self, policy: &Policy, now: i64) -> Verified {
        match self.decode().map(|creds| policy.verify_creds(&creds, now)) {
            Ok(Ok(username)) => Verified::Ok(username),
            Ok(Err(refused)) => Verified::Error(refused.into()),
            Err(message) => Verified::Invalid(message),
        }
    }

    fn decode(&self) -> Result<decide::Creds<'_>, String> {
        Ok(decide::Creds {
            certificate: &self.der_cert,
            host: text("the host", &self.host)?,
            prefix: text("the prefix", &self.prefix)?,
            suffix: text("the suffix", &self.suffix)?,
            authzid: self.authzid.as_ref().as_ref().map(Binary::as_slice),
        })
    }
}
