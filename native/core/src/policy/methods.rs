//! The entries of `auth.methods`, which have the last word on a login.

use super::request::Refused;
use crate::config::{Auth, Listener};
use crate::sasl::{Condition, Step};

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
/// allows.
pub(super) fn accept(
    auth: &Auth,
    listener: &Listener,
    trail: &mut Vec<Step>,
) -> Result<String, Refused> {
    let mut last = Refused::new(
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
        } else if method == "pki" {
            trail.push(Step::new(
                method,
                "ok",
                "it accepts every user of a certificate",
            ));
            return Ok(method.clone());
        } else if serves_external(method) {
            last = Refused::new(
                Condition::TemporaryAuthFailure,
                "method_not_available",
                format!("the method {method} is not served by this version of certjid"),
            );
            trail.push(Step::new(
                method,
                last.condition.as_str(),
                last.message.as_str(),
            ));
        } else {
            trail.push(Step::new(method, "skipped", "it can't serve EXTERNAL"));
        }
    }
    Err(last)
}

fn serves_external(method: &str) -> bool {
    matches!(method, "http" | "ldap" | "pki")
}
