//! The NIF of certjid: Erlang terms in, the core's answer, Erlang terms out. The Erlang side,
//! with the documentation of each function, is `erlang/certjid_nif.erl`.
//!
//! Whatever checks signatures, or may take a millisecond, runs on the dirty schedulers. A panic
//! becomes an Erlang error.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use certjid_core::certificate::Certificate;
use certjid_core::encoding;
use certjid_core::jid::Jid;
use certjid_core::policy::{Modules, Options, Policy};
use rustler::{Binary, Env, ResourceArc, Term};

use crate::creds::{Creds, Verified};
use crate::crls::Crls;
use crate::requests::{Items, Listener, Request};
use crate::resources::{PendingResource, PolicyResource};
use crate::terms::{Credentials, Fault, Identity, LoadError, Offer, Outcome, SaslOutcome, Warning};

mod creds;
mod crls;
mod names;
mod requests;
mod resources;
mod terms;

rustler::init!("certjid_nif");

/// Goes on with a login.
#[rustler::nif(schedule = "DirtyCpu")]
fn answer(pending: ResourceArc<PendingResource>, said: requests::Answer<'_>) -> Outcome {
    let answer = requests::answer(&said);
    pending.0.clone().answered(answer).into()
}

#[rustler::nif(schedule = "DirtyCpu")]
fn chain(input: Binary<'_>) -> Result<Vec<terms::Bytes>, String> {
    #[cfg(feature = "test-panic")]
    panic_if_asked(&input);
    let chain = encoding::chain(&input).map_err(|error| error.to_string())?;
    Ok(chain.into_iter().map(terms::Bytes).collect())
}

#[rustler::nif(schedule = "DirtyCpu")]
fn decide(policy: ResourceArc<PolicyResource>, request: Request<'_>, now: i64) -> Outcome {
    match request.decode() {
        Ok(request) => policy.0.authenticate(&request, now).into(),
        Err(message) => Outcome::Invalid(message),
    }
}

#[rustler::nif]
fn identity(der: Binary<'_>) -> Result<Identity, String> {
    read_identity(&der)
}

/// The same for large certificates, of which a hundred names take a good part of a millisecond.
#[rustler::nif(schedule = "DirtyCpu")]
fn identity_dirty(der: Binary<'_>) -> Result<Identity, String> {
    read_identity(&der)
}

/// Reads no file, but asks the file system about each.
#[rustler::nif(schedule = "DirtyIo")]
fn is_current(policy: ResourceArc<PolicyResource>) -> bool {
    policy.0.is_current()
}

#[rustler::nif]
fn jid(text: Binary<'_>) -> Result<(String, String, String), String> {
    #[cfg(feature = "test-panic")]
    panic_if_asked(&text);
    Jid::parse(&text)
        .map(|jid| (jid.local, jid.domain, jid.resource))
        .map_err(|error| error.to_string())
}

#[rustler::nif(schedule = "DirtyIo")]
fn load(path: Binary<'_>, crls: Crls) -> Result<ResourceArc<PolicyResource>, Vec<LoadError>> {
    let path = Path::new(OsStr::from_bytes(&path));
    let options = Options {
        modules: Modules::Called,
        crls: crls.into(),
    };
    Policy::load(path, options)
        .map(|policy| ResourceArc::new(PolicyResource(policy)))
        .map_err(|errors| errors.faults.into_iter().map(LoadError::from).collect())
}

/// The listeners of whose certificates `verify_creds` takes one, by their paths in the file.
#[rustler::nif]
fn certificate_listeners(policy: ResourceArc<PolicyResource>) -> Vec<String> {
    let listeners = policy.0.certificate_listeners();
    listeners.map(|listener| listener.path.clone()).collect()
}

#[rustler::nif]
fn login_names<'a>(env: Env<'a>, der: Binary<'a>) -> Term<'a> {
    names::login_names(env, &der)
}

/// The same for large certificates.
#[rustler::nif(schedule = "DirtyCpu")]
fn login_names_dirty<'a>(env: Env<'a>, der: Binary<'a>) -> Term<'a> {
    names::login_names(env, &der)
}

#[rustler::nif(schedule = "DirtyCpu")]
fn mechanisms(
    policy: ResourceArc<PolicyResource>,
    request: Request<'_>,
    now: i64,
) -> Result<Offer, String> {
    let request = request.decode()?;
    Ok(policy.0.mechanisms(&request, now).into())
}

#[rustler::nif(schedule = "DirtyCpu")]
fn sasl_decide(credentials: Credentials<'_>) -> SaslOutcome {
    credentials.decide()
}

#[rustler::nif]
fn tls_options(
    policy: ResourceArc<PolicyResource>,
    listener: Listener<'_>,
) -> Result<terms::Tls, String> {
    let listener = listener.decode();
    let known = policy.0.config().listener(&listener);
    known
        .and_then(|listener| listener.tls.as_ref())
        .map(terms::Tls::from)
        .ok_or_else(|| format!("the configuration lacks {listener}, or a tls section there"))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn verify_chain(
    policy: ResourceArc<PolicyResource>,
    listener: Listener<'_>,
    chain: Items<Binary<'_>>,
    now: i64,
) -> Result<(), Vec<Fault>> {
    let chain = requests::bytes(&chain.0);
    let verdict = policy.0.verify_chain(&listener.decode(), &chain, now);
    verdict.map_err(|faults| faults.into_iter().map(Fault::from).collect())
}

#[rustler::nif(schedule = "DirtyCpu")]
fn verify_creds(policy: ResourceArc<PolicyResource>, creds: Creds<'_>, now: i64) -> Verified {
    creds.verify(&policy.0, now)
}

#[rustler::nif(schedule = "DirtyCpu")]
fn warnings(policy: ResourceArc<PolicyResource>) -> Vec<Warning> {
    policy.0.warnings().into_iter().map(Warning::from).collect()
}

fn read_identity(der: &[u8]) -> Result<Identity, String> {
    Certificate::from_der(der)
        .map(|certificate| Identity::from(&certificate))
        .map_err(|error| error.to_string())
}

#[cfg(feature = "test-panic")]
fn panic_if_asked(input: &[u8]) {
    if input == b"test-panic" {
        // As a panic does, but without its message: the test asks some hundred times.
        std::panic::resume_unwind(Box::new("a test asked for it"));
    }
}
