//! The entries of `auth.methods`, which have the last word on a login.

use super::request::Refused;
use crate::config::{Auth, Listener};
use crate::sasl::{Condition, Step};

/// The services that the methods `http` and `ldap` ask. Whoever can reach them (the sidecar)
/// implements it.
pub trait Backends {
    /// Asks the service of `question.method`, within the time-outs of its pool.
    fn ask(&self, question: &MethodQuestion<'_>) -> MethodAnswer;
}

/// What a method is asked.
#[derive(Clone, Copy, Debug)]
pub struct MethodQuestion<'a> {
    /// `http` or `ldap`.
    pub method: &'a str,
    /// The prepared local part of the user.
    pub username: &'a str,
    /// The prepared host.
    pub host: &'a str,
    /// The host type, where the host is a dynamic domain.
    pub host_type: Option<&'a str>,
    /// The client's certificate in DER.
    pub certificate: &'a [u8],
}

/// What a method says, with a sentence for the operator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MethodAnswer {
    /// The user may log in.
    Accepted(String),
    /// The user may not.
    Refused(String),
    /// Nobody knows: the service did not answer as it should.
    Unavailable(String),
}

/// No services: what a NIF has.
pub(super) struct NoBackends;

impl Backends for NoBackends {
    fn ask(&self, question: &MethodQuestion<'_>) -> MethodAnswer {
        MethodAnswer::Unavailable(format!(
            "the method {} is not served here: ask the sidecar",
            question.method
        ))
    }
}

/// Refuses EXTERNAL where no method of the host can serve it.
pub(super) fn check_any(auth: &Auth) -> Result<(), Refused> {
    if auth.methods.iter().any(|method| serves_external(method)) {
        return Ok(());
    }
    Err(Refused::new(
        Condition::InvalidMechanism,
        "no_method",
        format!(
            "none of {}.methods ({}) can serve EXTERNAL: pki, http and ldap can",
            auth.path,
            auth.methods.join(", ")
        ),
    ))
}

/// The first method that accepts the user, in the configured order, of those that the listener
/// allows. A service that does not answer is no refusal, unless another method accepts.
pub(super) fn accept(
    auth: &Auth,
    listener: &Listener,
    question: &MethodQuestion<'_>,
    backends: &dyn Backends,
    trail: &mut Vec<Step>,
) -> Result<String, Refused> {
    let mut failed = Refused::new(
        Condition::NotAuthorized,
        "no_method",
        format!(
            "{}.allowed_auth_methods leaves no method that can serve EXTERNAL",
            listener.path
        ),
    );
    for method in &auth.methods {
        let allowed = listener
            .allowed_auth_methods
            .as_ref()
            .is_none_or(|allowed| allowed.contains(method));
        if !allowed {
            let message = format!("{}.allowed_auth_methods does not list it", listener.path);
            trail.push(Step::new(method, "skipped", message));
            continue;
        }
        if !serves_external(method) {
            trail.push(Step::new(method, "skipped", "it can't serve EXTERNAL"));
            continue;
        }
        let answer = match method.as_str() {
            "pki" => MethodAnswer::Accepted("it accepts every user of a certificate".to_owned()),
            _ => backends.ask(&MethodQuestion {
                method,
                ..*question
            }),
        };
        let (condition, reason, message) = match answer {
            MethodAnswer::Accepted(message) => {
                trail.push(Step::new(method, "ok", message));
                return Ok(method.clone());
            }
            MethodAnswer::Refused(message) => (Condition::NotAuthorized, "method_refused", message),
            MethodAnswer::Unavailable(message) => (
                Condition::TemporaryAuthFailure,
                "method_unavailable",
                message,
            ),
        };
        trail.push(Step::new(method, condition.as_str(), message.as_str()));
        if failed.condition != Condition::TemporaryAuthFailure {
            failed = Refused::new(condition, reason, format!("{method}: {message}"));
        }
    }
    Err(failed)
}

fn serves_external(method: &str) -> bool {
    matches!(method, "http" | "ldap" | "pki")
}
