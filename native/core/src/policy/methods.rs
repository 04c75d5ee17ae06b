//! The entries of `auth.methods`, which have the last word on a login.

use alloc::collections::VecDeque;

use super::request::{Allowed, Outcome, Refused};
use crate::config::{Auth, Listener, is_certificate_method};
use crate::reason::{Condition, Reason};
use crate::sasl::Step;

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

/// Refuses EXTERNAL where no method of the host can serve it.
pub(super) fn check_any(auth: &Auth) -> Result<(), Refused> {
    if auth
        .methods
        .iter()
        .any(|method| is_certificate_method(method))
    {
        return Ok(());
    }
    Err(Refused::new(
        Condition::InvalidMechanism,
        Reason::NoMethod,
        format!(
            "none of {}.methods ({}) can serve EXTERNAL: pki, http and ldap can",
            auth.path,
            auth.methods.join(", ")
        ),
    ))
}

/// A login whose user name is known, and that a service has to accept.
///
/// The methods are asked in the configured order, as far as the listener allows them, and the
/// first that accepts decides. A service that does not answer is no refusal, unless another
/// method accepts.
#[derive(Clone, Debug)]
pub struct Login {
    /// The outcome, should a method accept; the trail until now.
    allowed: Allowed,
    /// The outcome, should none accept.
    failed: Refused,
    host: String,
    host_type: Option<String>,
    certificate: Vec<u8>,
    /// The methods that are left, each with its word in the trail where it is skipped. The first
    /// is the one to ask.
    methods: VecDeque<Method>,
}

/// How far a login is decided.
#[derive(Clone, Debug)]
pub enum Progress {
    /// A service has to be asked.
    Asking(Box<Login>),
    /// There is nothing more to do.
    Decided(Outcome),
}

#[derive(Clone, Debug)]
struct Method {
    name: String,
    skipped: Option<String>,
}

impl Login {
    /// Begins with the first method.
    pub(super) fn begin(
        allowed: Allowed,
        auth: &Auth,
        listener: &Listener,
        question: &MethodQuestion<'_>,
    ) -> Progress {
        let allows = |method: &String| {
            listener
                .allowed_auth_methods
                .as_ref()
                .is_none_or(|allowed| allowed.contains(method))
        };
        let method = |name: &String| Method {
            name: name.clone(),
            skipped: if !allows(name) {
                Some(format!(
                    "{}.allowed_auth_methods does not list it",
                    listener.path
                ))
            } else if !is_certificate_method(name) {
                Some("it can't serve EXTERNAL".to_owned())
            } else {
                None
            },
        };
        Self {
            allowed,
            failed: Refused::new(
                Condition::NotAuthorized,
                Reason::NoMethod,
                format!(
                    "{}.allowed_auth_methods leaves no method that can serve EXTERNAL",
                    listener.path
                ),
            ),
            host: question.host.to_owned(),
            host_type: question.host_type.map(str::to_owned),
            certificate: question.certificate.to_owned(),
            methods: auth.methods.iter().map(method).collect(),
        }
        .next()
    }

    /// What is to be asked now.
    pub fn question(&self) -> MethodQuestion<'_> {
        MethodQuestion {
            method: self.methods.front().map_or("", |method| &method.name),
            username: &self.allowed.username,
            host: &self.host,
            host_type: self.host_type.as_deref(),
            certificate: &self.certificate,
        }
    }

    /// Goes on with the answer to the question.
    pub fn answered(mut self, answer: MethodAnswer) -> Progress {
        let method = self.methods.pop_front();
        let method = method.map(|method| method.name).unwrap_or_default();
        let (condition, reason, message) = match answer {
            MethodAnswer::Accepted(message) => return self.accepted(method, message),
            MethodAnswer::Refused(message) => {
                (Condition::NotAuthorized, Reason::MethodRefused, message)
            }
            MethodAnswer::Unavailable(message) => (
                Condition::TemporaryAuthFailure,
                Reason::MethodUnavailable,
                message,
            ),
        };
        self.note(&method, condition.as_str(), message.as_str());
        if self.failed.condition != Condition::TemporaryAuthFailure {
            self.failed = Refused::new(condition, reason, format!("{method}: {message}"));
        }
        self.next()
    }

    fn next(mut self) -> Progress {
        while let Some(method) = self.methods.front() {
            if method.skipped.is_none() && method.name != "pki" {
                return Progress::Asking(Box::new(self));
            }
            let Some(Method { name, skipped }) = self.methods.pop_front() else {
                break;
            };
            match skipped {
                Some(why) => self.note(&name, "skipped", why),
                None => return self.accepted(name, "it accepts every user of a certificate"),
            }
        }
        Progress::Decided(Outcome::Refused(Refused {
            trail: self.allowed.trail,
            ..self.failed
        }))
    }

    fn accepted(mut self, method: String, message: impl Into<String>) -> Progress {
        self.note(&method, "ok", message);
        Progress::Decided(Outcome::Allowed(Allowed {
            method,
            ..self.allowed
        }))
    }

    fn note(&mut self, method: &str, outcome: &'static str, message: impl Into<String>) {
        self.allowed.trail.push(Step::new(method, outcome, message));
    }
}
