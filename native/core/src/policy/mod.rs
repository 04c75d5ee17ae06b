//! One configuration file with all that it names, ready to decide logins. What the NIF, the
//! sidecar and the command line call.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::certificate::presented::Presented;
use crate::config::{Auth, Config, ConfigErrors, Listener, ListenerRef, Warning};
use crate::jid;
use crate::reason::{Condition, Reason};
use crate::sasl::{self, Credentials, Rules, Step, Verdict, initial_response};
use crate::verify::{self, Fault};

mod ca_facts;
mod ca_file;
mod callback;
mod connection;
mod files;
mod load;
mod methods;
mod request;
mod server_key;

pub use callback::Creds;
pub use files::{Seen, look};
pub use load::{Modules, Options};
pub use methods::{Login, MethodAnswer, MethodQuestion, Progress};
pub use request::{Allowed, Authzid, ModuleQuestion, Offer, Outcome, Refused, Request};

use load::Trusts;

/// A loaded configuration: immutable, and shared by all threads.
#[derive(Debug)]
pub struct Policy {
    config: Config,
    trusts: Trusts,
    warnings: Vec<Warning>,
    seen: Vec<Seen>,
}

impl Policy {
    /// Reads the configuration file, and the CA files and CRLs that its listeners name.
    ///
    /// # Errors
    /// Every fault of the file, and every file that it names and that can't be used.
    pub fn load(path: &Path, options: impl Into<Options>) -> Result<Self, ConfigErrors> {
        Self::load_at(path, options, now())
    }

    /// As [`load`](Self::load); the warnings are those of the time `now`, in Unix seconds.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_at(
        path: &Path,
        options: impl Into<Options>,
        now: i64,
    ) -> Result<Self, ConfigErrors> {
        load::load(path, options.into(), now)
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What is to be said of the configuration and of the files that it names.
    pub fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }

    /// Judges a chain as the listener's `verify_mode` has it, at `now` in Unix seconds.
    ///
    /// # Errors
    /// All faults that are known, the one that counts first.
    pub fn verify_chain(
        &self,
        listener: &ListenerRef,
        chain: &[Vec<u8>],
        now: i64,
    ) -> Result<(), Vec<Fault>> {
        let tls = self
            .config
            .listener(listener)
            .and_then(|listener| listener.tls.as_ref());
        let Some(tls) = tls else {
            return Err(vec![Fault {
                reason: Reason::UnknownCa,
                position: 0,
                message: format!(
                    "the configuration lacks {listener}, or TLS there: no CA is trusted"
                ),
                revocation: None,
            }]);
        };
        verify::verify(chain, tls.verify_mode, self.trusts.of(tls), now)
    }

    /// Whether EXTERNAL is to be offered on a connection (RFC 6120 section 6.3.4), at `now` in
    /// Unix seconds. The authorization identity of the request is not looked at.
    pub fn mechanisms(&self, request: &Request, now: i64) -> Offer {
        let mut trail = Vec::new();
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
                message: refused.message,
            },
        }
    }

    /// Decides a login, at `now` in Unix seconds, where only the method `pki` is served: what a
    /// NIF has.
    pub fn authenticate(&self, request: &Request, now: i64) -> Outcome {
        let mut progress = self.begin(request, now);
        loop {
            let login = match progress {
                Progress::Asking(login) => login,
                Progress::Decided(outcome) => return outcome,
            };
            let message = format!(
                "the method {} is not served here: ask the sidecar",
                login.question().method
            );
            progress = login.answered(MethodAnswer::Unavailable(message));
        }
    }

    /// Decides a login, at `now` in Unix seconds, as far as no service has to be asked. Whoever
    /// can reach the services that `http` and `ldap` name (the sidecar) asks them.
    pub fn begin(&self, request: &Request, now: i64) -> Progress {
        let mut trail = Vec::new();
        self.identify(request, now, &mut trail)
            .unwrap_or_else(|refused| {
                Progress::Decided(Outcome::Refused(Refused { trail, ..refused }))
            })
    }

    fn identify(
        &self,
        request: &Request,
        now: i64,
        trail: &mut Vec<Step>,
    ) -> Result<Progress, Refused> {
        let scope = self.scope(request)?;
        let authzid = decode(&request.authzid)?;
        let certificate = self.certificate(&scope, request, now, trail)?;
        for skipped in &certificate.skipped {
            let message = format!("{} {:?} {}", skipped.kind, skipped.value, skipped.reason);
            trail.push(Step::new("certificate", "note", message));
        }

        let decision = sasl::decide(
            &Rules {
                kinds: &scope.auth.sasl_external,
                prefix: &scope.auth.prefix,
                suffix: &scope.auth.suffix,
                host: &scope.host,
            },
            &Credentials {
                common_name: certificate.common_name.as_deref(),
                xmpp_addrs: &certificate.xmpp_addrs,
                unusable_xmpp_addrs: certificate.unusable_xmpp_addrs,
                authzid: authzid.as_deref(),
            },
            &|module| request.answers.get(module).cloned(),
        );
        trail.extend(decision.trail);
        match decision.verdict {
            Verdict::Accepted(accepted) => {
                let question = MethodQuestion {
                    method: "",
                    username: &accepted.local,
                    host: &scope.host,
                    host_type: request.host_type.as_deref(),
                    certificate: certificate.der,
                };
                let allowed = Allowed {
                    jid: format!("{}@{}", accepted.local, scope.host),
                    username: accepted.local.clone(),
                    method: String::new(),
                    source: accepted.source,
                    kind: accepted.kind.to_string(),
                    trail: core::mem::take(trail),
                };
                Ok(Login::begin(allowed, scope.auth, scope.listener, &question))
            }
            Verdict::AskModule(module) => {
                Ok(Progress::Decided(Outcome::AskModule(ModuleQuestion {
                    module,
                    host: scope.host,
                    common_name: certificate.common_name,
                    xmpp_addrs: certificate.xmpp_addrs,
                    authzid,
                })))
            }
            Verdict::Rejected(rejected) => Err(Refused::new(
                rejected.condition,
                rejected.reason,
                rejected.message,
            )),
        }
    }

    /// What the configuration says where the client knocks, if EXTERNAL is a mechanism there.
    fn scope(&self, request: &Request) -> Result<Scope<'_>, Refused> {
        let unknown = |reason, message| Refused::new(Condition::NotAuthorized, reason, message);
        let host = jid::nameprep(&request.host).map_err(|error| {
            unknown(
                Reason::HostUnknown,
                format!("{:?} is no host: {error}", request.host),
            )
        })?;
        let auth = self
            .config
            .auth(&host, request.host_type.as_deref())
            .ok_or_else(|| {
                let message = match &request.host_type {
                    Some(host_type) => format!(
                        "{host:?} is not among general.hosts, nor {host_type:?} among \
                     general.host_types"
                    ),
                    None => format!("{host:?} is not among general.hosts"),
                };
                unknown(Reason::HostUnknown, message)
            })?;
        let listener = self.config.listener(&request.listener).ok_or_else(|| {
            unknown(
                Reason::ListenerUnknown,
                format!("the configuration lacks {}", request.listener),
            )
        })?;

        if !auth.has_external() {
            return Err(Refused::new(
                Condition::InvalidMechanism,
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
        trail: &mut Vec<Step>,
    ) -> Result<Presented<'a>, Refused> {
        let judged = connection::check(scope.listener, request, &self.trusts, now);
        let (outcome, message) = match &judged {
            Ok(certificate) => ("ok", connection::accepted(certificate, scope.listener)),
            Err(refused) => (refused.condition.as_str(), refused.message.clone()),
        };
        trail.push(Step::new("certificate", outcome, message));
        if connection::is_swapped(&request.chain) {
            trail.push(Step::new(
                "certificate",
                "note",
                "the first certificate is the CA that issued the second: the chain is swapped, \
                 and must begin with the client's own",
            ));
        }
        judged
    }
}

/// The present time in Unix seconds.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// Where a login takes place.
struct Scope<'a> {
    host: String,
    auth: &'a Auth,
    listener: &'a Listener,
}

fn decode(authzid: &Authzid) -> Result<Option<Vec<u8>>, Refused> {
    match authzid {
        Authzid::Absent => Ok(None),
        Authzid::Decoded(bytes) => Ok(Some(bytes.clone()).filter(|bytes| !bytes.is_empty())),
        Authzid::InitialResponse(text) => initial_response::decode(text).map_err(|_| {
            Refused::new(
                Condition::IncorrectEncoding,
                Reason::MalformedBase64,
                "the initial response is not base64",
            )
        }),
    }
}
