//! The entries of `auth.methods`, which have the last word on a login.

use alloc::collections::VecDeque;

use super::login::Login;
use super::{Allowed, Outcome, Pending};
use crate::config::{Auth, Listener, is_certificate_method};
use crate::reason::{Condition, Reason, Refused};
use crate::sasl::User;

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
    if auth.has_certificate_method() {
        return Ok(());
    }
    Err(Refused::new(
        Reason::NoMethod,
        format!(
            "none of {}.methods ({}) can serve EXTERNAL: pki, http and ldap can",
            auth.path,
            auth.methods.join(", ")
        ),
    ))
}

/// A login at one of the methods, whose user name is known.
///
/// The methods are asked in the configured order, as far as the listener allows them, and the
/// first that accepts decides. A service that does not answer is no refusal, unless another
/// method accepts.
#[derive(Clone, Debug)]
pub struct AtMethod {
    user: User,
}

/// An entry of `auth.methods`.
#[derive(Clone, Debug)]
pub(super) struct Method {
    name: String,
    /// The word in the trail where it is skipped.
    skipped: Option<String>,
}

/// The methods of a host, as a listener allows them.
pub(super) fn of(auth: &Auth, listener: &Listener) -> VecDeque<Method> {
    let method = |name: &String| Method {
        name: name.clone(),
        skipped: if !listener.allows(name) {
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
    auth.methods.iter().map(method).collect()
}

/// The refusal where the listener allows none of them.
pub(super) fn none_allowed(listener: &Listener) -> Refused {
    Refused::new(
        Reason::NoMethod,
        format!(
            "{}.allowed_auth_methods leaves no method that can serve EXTERNAL",
            listener.path
        ),
    )
    .told(Condition::NotAuthorized)
}

impl Pending<AtMethod> {
    /// What is to be asked.
    pub fn question(&self) -> MethodQuestion<'_> {
        let login = &self.login;
        MethodQuestion {
            method: login.methods.front().map_or("", |method| &method.name),
            username: &self.stage.user.local,
            host: &login.host,
            host_type: login.host_type.as_deref(),
            certificate: &login.certificate,
        }
    }

    /// Goes on with the answer.
    pub fn answered(self, answer: MethodAnswer) -> Outcome {
        let Self { mut login, stage } = self;
        let method = login.methods.pop_front();
        let method = method.map(|method| method.name).unwrap_or_default();
        let (reason, message) = match answer {
            MethodAnswer::Accepted(message) => return login.accept(stage.user, method, &message),
            MethodAnswer::Refused(message) => (Reason::MethodRefused, message),
            MethodAnswer::Unavailable(message) => (Reason::MethodUnavailable, message),
        };
        let refused = Refused::new(reason, format!("{method}: {message}"));
        login
            .trail
            .push(&method, refused.condition.as_str(), message);
        if refused.reason.rank() >= login.refused.reason.rank() {
            login.refused = refused;
        }
        login.ask_methods(stage.user)
    }

    /// Goes on where nobody can ask the service.
    pub fn unserved(self) -> Outcome {
        let method = self.question().method;
        let message = format!("the method {method} is not served here: ask the sidecar");
        self.answered(MethodAnswer::Unavailable(message))
    }
}

impl Login {
    /// Asks the methods that are left whether the user may log in.
    pub(super) fn ask_methods(mut self, user: User) -> Outcome {
        while let Some(method) = self.methods.front() {
            if method.skipped.is_none() && method.name != "pki" {
                return Outcome::AskMethod(Box::new(Pending {
                    login: self,
                    stage: AtMethod { user },
                }));
            }
            let Some(Method { name, skipped }) = self.methods.pop_front() else {
                break;
            };
            match skipped {
                Some(why) => self.trail.push(&name, "skipped", why),
                None => return self.accept(user, name, "it accepts every user of a certificate"),
            }
        }
        Outcome::Refused(Refused {
            trail: self.trail,
            ..self.refused
        })
    }

    fn accept(mut self, user: User, method: String, message: &str) -> Outcome {
        self.trail.push(&method, "ok", message);
        Outcome::Allowed(Allowed {
            jid: format!("{}@{}", user.local, self.host),
            username: user.local,
            method,
            source: user.source,
            kind: user.kind.to_string(),
            trail: self.trail,
        })
    }
}
