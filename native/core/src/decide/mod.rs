//! Decides logins: a policy and a request in, and one [`Outcome`] out, with what was tried.
//!
//! Where an Erlang module or a service has to be asked, the outcome is the question: a
//! [`Pending`] login, which goes on with the answer.

use crate::certificate::ClientCertificate;
use crate::config::{Auth, Listener};
use crate::jid;
use crate::message::quote;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::sasl::{Attempt, Credentials, Rules, initial_response};
use crate::trail::{MAX_NOTES, Trail};

mod callback;
mod connection;
mod login;
mod methods;
mod modules;
mod outcome;
mod request;

pub use crate::reason::Refused;
pub use crate::sasl::ModuleAnswer;
pub use callback::Creds;
pub use login::Pending;
pub use methods::{AtMethod, MethodAnswer, MethodQuestion};
pub use modules::{AtModule, ModuleQuestion};
pub use outcome::{Allowed, Decided, Offer, Outcome};
pub use request::{Authzid, Request};

use login::Login;
use modules::Names;

impl Policy {
    /// Whether EXTERNAL is to be offered on a connection (RFC 6120 section 6.3.4), at `now` in
    /// Unix seconds. The authorization identity of the request is not looked at.
    pub fn mechanisms(&self, request: &Request, now: i64) -> Offer {
        let mut trail = Trail::default();
        let refused = match self.scope(request) {
            Ok(scope) => self.certificate(&scope, request, now, &mut trail).err(),
            Err(refused) => Some(refused),
        };
        match refused {
            None => Offer {
                refused: None,
                message: "EXTERNAL is offered".to_owned(),
            },
            Some(refused) => Offer {
                refused: Some(refused.reason),
                message: refused.explained(),
            },
        }
    }

    /// Decides a login, at `now` in Unix seconds, where only the method `pki` is served: what a
    /// NIF has. It may ask a module, but no method.
    pub fn authenticate(&self, request: &Request, now: i64) -> Outcome {
        self.begin(request, now).without_services()
    }

    /// Decides a login, at `now` in Unix seconds, as far as nobody has to be asked. Who can
    /// reach the services that `http` and `ldap` name (the sidecar) asks them.
    pub fn begin(&self, request: &Request, now: i64) -> Outcome {
        let mut trail = Trail::default();
        self.identify(request, now, &mut trail)
            .unwrap_or_else(|refused| Outcome::Refused(Refused { trail, ..refused }))
    }

    fn identify(&self, request: &Request, now: i64, trail: &mut Trail) -> Result<Outcome, Refused> {
        let scope = self.scope(request)?;
        let authzid = decode(&request.authzid)?;
        let certificate = self.certificate(&scope, request, now, trail)?;
        note_names(&certificate, trail);

        let rules = Rules {
            kinds: &scope.auth.sasl_external,
            prefix: &scope.auth.prefix,
            suffix: &scope.auth.suffix,
            host: &scope.host,
        };
        let credentials = Credentials {
            common_name: certificate.common_name(),
            xmpp_addrs: certificate.xmpp_addrs(),
            authzid: authzid.as_deref(),
        };
        let mut attempt = Attempt::default();
        let verdict = attempt.decide(&rules, &credentials, trail);
        let login = Login {
            host: scope.host.clone(),
            host_type: request.host_type.clone(),
            certificate: certificate.der().to_owned(),
            methods: methods::of(scope.auth, scope.listener),
            refused: methods::none_allowed(scope.listener),
            trail: core::mem::take(trail),
        };
        let names = || Names::new(scope.auth, &credentials);
        Ok(login.go_on(verdict, attempt, names))
    }

    /// What the configuration says where the client knocks, if EXTERNAL is a mechanism there.
    fn scope(&self, request: &Request) -> Result<Scope<'_>, Refused> {
        let host = jid::nameprep(&request.host).map_err(|error| {
            let host = quote(&request.host);
            Refused::new(
                Reason::HostUnknown,
                format!("{host} is not a host: {error}"),
            )
        })?;
        let auth = self
            .config()
            .auth(&host, request.host_type.as_deref())
            .ok_or_else(|| {
                let known = self.config().hosts.iter().map(String::as_str);
                let hint = jid::hint_of_other_form(&host, known);
                // As it was sent: nameprep hides from `quote` what must not be shown.
                let host = quote(&request.host);
                let message = match &request.host_type {
                    Some(host_type) => format!(
                        "{host} is not among general.hosts, nor {} among general.host_types{hint}",
                        quote(host_type)
                    ),
                    None => format!("{host} is not among general.hosts{hint}"),
                };
                Refused::new(Reason::HostUnknown, message)
            })?;
        let listener = self.config().listener(&request.listener).ok_or_else(|| {
            Refused::new(
                Reason::ListenerUnknown,
                format!("the configuration lacks {}", request.listener),
            )
        })?;

        if !auth.has_external() {
            return Err(Refused::new(
                Reason::ExternalNotConfigured,
                format!("{}.sasl_mechanisms does not list \"external\"", auth.path),
            ));
        }
        methods::check_any(auth)?;
        Ok(Scope {
            host,
            auth,
            listener,
        })
    }

    /// The client's certificate, if the listener's verify mode accepts it.
    fn certificate<'a>(
        &self,
        scope: &Scope<'_>,
        request: &'a Request,
        now: i64,
        trail: &mut Trail,
    ) -> Result<ClientCertificate<'a>, Refused> {
        let judged = connection::check(self, scope.listener, request, &[], now);
        match &judged {
            Ok(certificate) => {
                let message = connection::accepted(certificate, scope.listener);
                trail.push("certificate", "ok", message);
            }
            Err(refused) => {
                trail.push("certificate", refused.condition.as_str(), &refused.message);
            }
        }
        if connection::is_swapped(&judged, &request.chain) {
            trail.push(
                "certificate",
                "note",
                "the first certificate is the CA that issued the second: the chain is swapped, \
                 and must begin with the client's own",
            );
        }
        judged
    }
}

/// Where a login takes place.
struct Scope<'a> {
    host: String,
    auth: &'a Auth,
    listener: &'a Listener,
}

/// Says which names of the certificate do not count.
fn note_names(certificate: &ClientCertificate<'_>, trail: &mut Trail) {
    let (skipped, more) = certificate.skipped(MAX_NOTES);
    let notes = skipped.iter().map(|skipped| {
        let value = quote(&skipped.value);
        format!("{} {value} {}", skipped.kind, skipped.reason)
    });
    trail.notes("certificate", notes, more);
    if certificate.has_further_common_names() {
        let message = "the subject has several common names, of which the first alone counts";
        trail.push("certificate", "note", message);
    }
}

fn decode(authzid: &Authzid) -> Result<Option<Vec<u8>>, Refused> {
    match authzid {
        Authzid::Absent => Ok(None),
        Authzid::Decoded(bytes) => Ok(Some(bytes.clone()).filter(|bytes| !bytes.is_empty())),
        Authzid::InitialResponse(text) => initial_response::decode(text).map_err(|_| {
            Refused::new(
                Reason::MalformedBase64,
                "the initial response is base64 that ends too early",
            )
        }),
    }
}
