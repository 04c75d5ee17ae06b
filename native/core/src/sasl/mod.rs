//! SASL EXTERNAL (RFC 4422 appendix A, [XEP-0178]): from a certificate's names and the
//! authorization identity that the client sends to a user name.
//!
//! MongooseIM's option `auth.sasl_external` lists the [`Kind`]s to try. The first that finds a
//! user decides; if none does, the client is told the condition of the last one. Where
//! MongooseIM's process crashes (on a malformed JID), the login is refused and no further kind
//! is tried.
//!
//! `certjid_verification` is certjid's own kind, XEP-0178 as written:
//!
//! 1. Only xmppAddr fields of this host count, compared after stringprep; duplicates are one.
//! 2. One of them and no authzid: that JID. An authzid equal to one of them: that JID. Several
//!    and no authzid, or an authzid equal to none: `invalid-authzid`.
//! 3. No xmppAddr at all: the common name with prefix and suffix, if it is a valid local part;
//!    an authzid must then equal the resulting JID, else `invalid-authzid`.
//! 4. xmppAddr fields, but none of this host: `not-authorized`, whatever the common name says.
//!
//! ```
//! use certjid_core::sasl::{self, Credentials, Kind, Rules};
//!
//! let rules = Rules { kinds: &[Kind::Standard], prefix: "", suffix: "", host: "localhost" };
//! let addrs = ["Alice@localhost".to_owned()];
//! let alice = Credentials { xmpp_addrs: &addrs, ..Credentials::default() };
//! let decision = sasl::decide(&rules, &alice, &|_| None);
//! assert!(matches!(decision.verdict, sasl::Verdict::Accepted(found) if found.local == "alice"));
//! ```
//!
//! [XEP-0178]: https://xmpp.org/extensions/xep-0178.html

use crate::jid::{self, JidError};
use crate::reason::Reason;

mod certjid_verification;
pub mod initial_response;
mod kind;
mod mongooseim;

pub use crate::reason::Condition;
pub use kind::Kind;

/// What `auth.sasl_external` and its neighbours say for one host.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// `auth.sasl_external`, in order.
    pub kinds: &'a [Kind],
    /// `auth.sasl_external_common_name.prefix`.
    pub prefix: &'a str,
    /// `auth.sasl_external_common_name.suffix`.
    pub suffix: &'a str,
    /// The host after nameprep.
    pub host: &'a str,
}

/// What a client presents.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// The certificate's first common name.
    pub common_name: Option<&'a str>,
    /// The certificate's usable xmppAddr fields, in order.
    pub xmpp_addrs: &'a [String],
    /// Its other xmppAddr fields, those that are no text: not UTF-8, or with control characters.
    /// They name nobody, but the certificate does not count as one without xmppAddr.
    pub unusable_xmpp_addrs: usize,
    /// The decoded authorization identity; empty is absent.
    pub authzid: Option<&'a [u8]>,
}

/// The outcome of all kinds, and how it came about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// The outcome.
    pub verdict: Verdict,
    /// One step for each kind that was tried.
    pub trail: Vec<Step>,
}

/// What the kinds find.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// A user.
    Accepted(Accepted),
    /// The name of an Erlang module that must answer first.
    AskModule(String),
    /// No user.
    Rejected(Rejected),
}

/// A user that a kind found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Accepted {
    /// The prepared local part, never empty.
    pub local: String,
    /// The entry of `sasl_external`.
    pub kind: Kind,
    /// Where the name stood: `xmppAddr`, `common_name`, `authzid` or `module`.
    pub source: &'static str,
}

/// Why there is no user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejected {
    /// What the client is told.
    pub condition: Condition,
    /// The cause.
    pub reason: Reason,
    /// The cause for the operator, as a sentence.
    pub message: String,
}

/// One step of a decision, for the operator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// What was tried: `certificate`, an entry of `sasl_external`, or a method.
    pub what: String,
    /// `ok`, `note`, `skipped`, or the SASL condition.
    pub outcome: String,
    /// A sentence.
    pub message: String,
}

impl Step {
    /// A step with its three parts.
    pub fn new(what: &str, outcome: &str, message: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            outcome: outcome.to_owned(),
            message: message.into(),
        }
    }
}

/// What an Erlang module's `verify_creds/1` says: the user name, or a SASL condition.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ModuleAnswer {
    /// `{error, Condition}`, or a crash, which counts as `not-authorized`.
    Error(Condition),
    /// `{ok, UserName}`.
    Ok(String),
}

/// Tries the kinds in their order. `ask` gives the answer of an Erlang module, or None where it
/// has not been asked yet.
pub fn decide(
    rules: &Rules<'_>,
    credentials: &Credentials<'_>,
    ask: &dyn Fn(&str) -> Option<ModuleAnswer>,
) -> Decision {
    let credentials = Credentials {
        authzid: credentials.authzid.filter(|authzid| !authzid.is_empty()),
        ..*credentials
    };
    let mut trail = Vec::with_capacity(rules.kinds.len());
    let mut last = Rejected {
        condition: Condition::NotAuthorized,
        reason: Reason::NoVerificationKind,
        message: "sasl_external is empty, so that no certificate can log in".to_owned(),
    };
    for kind in rules.kinds {
        let found = match kind {
            Kind::AuthId => mongooseim::auth_id(rules, &credentials),
            Kind::CertjidVerification => certjid_verification::verify(rules, &credentials),
            Kind::CommonName => mongooseim::common_name(rules, &credentials),
            Kind::DemoVerification => mongooseim::demo(rules, &credentials),
            Kind::Standard => mongooseim::standard(rules, &credentials),
            Kind::Module(name) => match ask(name) {
                Some(answer) => ask_module(name, answer),
                None => {
                    let verdict = Verdict::AskModule(name.clone());
                    return Decision { verdict, trail };
                }
            },
        };
        let (rejected, further) = match found.and_then(|found| found.prepare(kind)) {
            Ok(accepted) => {
                let message = format!(
                    "{} names {}@{}",
                    source_name(accepted.source),
                    accepted.local,
                    rules.host
                );
                trail.push(Step::new(kind.as_str(), "ok", message));
                return Decision {
                    verdict: Verdict::Accepted(accepted),
                    trail,
                };
            }
            Err(Failure::Next(rejected)) => (rejected, true),
            Err(Failure::Last(rejected)) => (rejected, false),
        };
        trail.push(Step::new(
            kind.as_str(),
            rejected.condition.as_str(),
            rejected.message.as_str(),
        ));
        last = rejected;
        if !further {
            break;
        }
    }
    Decision {
        verdict: Verdict::Rejected(last),
        trail,
    }
}

/// A user name as a kind finds it.
struct Found {
    name: String,
    source: &'static str,
}

impl Found {
    /// Prepares the name. One that makes no local part ends the login: MongooseIM too takes the
    /// kind's success for the answer and refuses the user name afterwards.
    fn prepare(self, kind: &Kind) -> Result<Accepted, Failure> {
        let source = source_name(self.source);
        let unusable = |message| {
            Failure::Last(Rejected {
                condition: Condition::NotAuthorized,
                reason: Reason::InvalidUsername,
                message,
            })
        };
        match jid::nodeprep(&self.name) {
            Ok(local) if local.is_empty() => {
                Err(unusable(format!("{source} gives an empty user name")))
            }
            Ok(local) => Ok(Accepted {
                local,
                kind: kind.clone(),
                source: self.source,
            }),
            Err(error) => Err(unusable(format!(
                "{source} gives the user name {:?}, which is no valid local part: {error}",
                self.name
            ))),
        }
    }
}

/// Why a kind finds no user, and whether the next one is tried.
enum Failure {
    /// MongooseIM would crash, or refuse the user afterwards: nothing else is tried.
    Last(Rejected),
    /// The next kind is tried.
    Next(Rejected),
}

impl Failure {
    fn next(condition: Condition, reason: Reason, message: impl Into<String>) -> Self {
        Self::Next(Rejected {
            condition,
            reason,
            message: message.into(),
        })
    }

    /// The authzid is no JID, and the kind reads it.
    fn malformed_authzid(authzid: &[u8], error: &JidError) -> Self {
        Self::Last(Rejected {
            condition: Condition::InvalidAuthzid,
            reason: Reason::MalformedAuthzid,
            message: format!(
                "the authorization identity {} is no JID: {error}",
                quote(authzid)
            ),
        })
    }

    /// An xmppAddr is no JID, and the kind reads it.
    fn malformed_xmpp_addr(address: &str, error: &JidError) -> Self {
        Self::Last(Rejected {
            condition: Condition::NotAuthorized,
            reason: Reason::MalformedXmppAddr,
            message: format!("the certificate's xmppAddr {address:?} is no JID: {error}"),
        })
    }

    /// The certificate's only xmppAddr is no text.
    fn unusable_xmpp_addr() -> Self {
        Self::Last(Rejected {
            condition: Condition::NotAuthorized,
            reason: Reason::MalformedXmppAddr,
            message: "the certificate's only xmppAddr is no text, and so no JID".to_owned(),
        })
    }
}

fn ask_module(name: &str, answer: ModuleAnswer) -> Result<Found, Failure> {
    match answer {
        ModuleAnswer::Ok(name) => Ok(Found {
            name,
            source: "module",
        }),
        ModuleAnswer::Error(condition) => Err(Failure::next(
            condition,
            Reason::ModuleRefused,
            format!("the Erlang module {name} refuses the credentials with {condition}"),
        )),
    }
}

/// The source of a name as the subject of a sentence.
fn source_name(source: &str) -> &'static str {
    match source {
        "authzid" => "the authorization identity",
        "common_name" => "the common name",
        "module" => "the Erlang module",
        _ => "the xmppAddr",
    }
}

/// Bytes from the network, for people to read.
fn quote(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("\"{}\"", bytes.escape_ascii()),
    }
}
