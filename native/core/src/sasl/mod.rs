//! SASL EXTERNAL (RFC 4422 appendix A, [XEP-0178]): from a certificate's names and the
//! authorization identity that the client sends to a user name.
//!
//! MongooseIM's option `auth.sasl_external` lists the [`Kind`]s to try. The first that finds a
//! user decides; if none does, the client is told the condition of the last one, and the operator
//! the cause that tells most ([`Refused`]). Where MongooseIM's process crashes (on a malformed
//! JID), the login is refused and no further kind is tried.
//!
//! `certjid_verification` is certjid's own kind, XEP-0178 as written:
//!
//! 1. Only xmppAddr fields of this host count, compared after stringprep; duplicates are one.
//! 2. One of them and no authzid: that JID. An authzid equal to one of them: that JID. Several
//!    and no authzid, or an authzid equal to none: `invalid-authzid`. An authzid with a resource
//!    counts as its bare JID, unless the xmppAddr has another resource.
//! 3. No xmppAddr at all, not even one that can't be read: the common name with prefix and
//!    suffix, if it is a valid local part; an authzid must then equal the resulting JID, otherwise
//!    `invalid-authzid`.
//! 4. xmppAddr fields, but none of this host: `not-authorized`, whatever the common name says.
//!
//! ```
//! use certjid_core::certificate::XmppAddr;
//! use certjid_core::sasl::{self, Credentials, Kind, Rules};
//!
//! let rules = Rules { kinds: &[Kind::Standard], prefix: "", suffix: "", host: "localhost" };
//! let addrs = [XmppAddr::Text("Alice@localhost".into())];
//! let alice = Credentials { xmpp_addrs: &addrs, ..Credentials::default() };
//! let (verdict, _) = sasl::decide(&rules, &alice);
//! assert!(matches!(verdict, sasl::Verdict::User(user) if user.local == "alice"));
//! ```
//!
//! [XEP-0178]: https://xmpp.org/extensions/xep-0178.html

use crate::certificate::XmppAddr;
use crate::jid::{self, JidError};
use crate::message::quote;
use crate::reason::{Reason, Refused};
use crate::trail::Trail;

mod certjid_verification;
pub mod initial_response;
mod kind;
mod login;
mod mongooseim;

pub use crate::reason::Condition;
pub use kind::Kind;
pub use login::MAX_NON_ASCII;

use login::Login;

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
    /// All of its id-on-xmppAddr entries in order, usable or not.
    pub xmpp_addrs: &'a [XmppAddr<'a>],
    /// The decoded authorization identity; empty is absent.
    pub authzid: Option<&'a [u8]>,
}

/// A user that a kind found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The prepared local part, never empty.
    pub local: String,
    /// The entry of `sasl_external`.
    pub kind: Kind,
    /// Where the name stood: `xmppAddr`, `common_name`, `authzid` or `module`.
    pub source: &'static str,
}

/// What the kinds find.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The name of an Erlang module that has to answer first: [`Attempt::answered`].
    AskModule(String),
    /// No user. The trail is empty.
    Refused(Refused),
    /// A user.
    User(User),
}

/// What an Erlang module's `verify_creds/1` says: the user name, or a SASL condition.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ModuleAnswer {
    /// `{error, Condition}`, or a crash, which counts as `not-authorized`.
    Error(Condition),
    /// `{ok, UserName}`.
    Ok(String),
    /// There is no Erlang to ask it.
    Unavailable,
}

/// Tries the kinds in their order, as far as no module has to answer. The trail has one step for
/// each kind that was tried.
pub fn decide(rules: &Rules<'_>, credentials: &Credentials<'_>) -> (Verdict, Trail) {
    let mut trail = Trail::default();
    let verdict = Attempt::default().decide(rules, credentials, &mut trail);
    (verdict, trail)
}

/// How far the kinds of one login have been tried. Rules and credentials have to be the same each
/// time.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// The kinds that have refused.
    tried: usize,
    refused: Option<Refused>,
}

impl Attempt {
    /// Tries the kinds that are left.
    pub fn decide(
        &mut self,
        rules: &Rules<'_>,
        credentials: &Credentials<'_>,
        trail: &mut Trail,
    ) -> Verdict {
        let login = Login::new(rules, credentials);
        while let Some(kind) = rules.kinds.get(self.tried) {
            let found = match kind {
                Kind::AuthId => mongooseim::auth_id(&login),
                Kind::CertjidVerification => certjid_verification::verify(&login),
                Kind::CommonName => mongooseim::common_name(&login),
                Kind::DemoVerification => mongooseim::demo(&login),
                Kind::Standard => mongooseim::standard(&login),
                Kind::Module(name) => return Verdict::AskModule(name.clone()),
            };
            if let Some(verdict) = self.conclude(rules, kind, found, trail) {
                return verdict;
            }
        }
        let refused = self.refused.take().unwrap_or_else(|| {
            Refused::new(
                Reason::NoVerificationKind,
                "sasl_external is empty, so that no certificate can log in",
            )
        });
        Verdict::Refused(refused)
    }

    /// Goes on with the answer of the module that has to be asked.
    pub fn answered(
        &mut self,
        answer: ModuleAnswer,
        rules: &Rules<'_>,
        credentials: &Credentials<'_>,
        trail: &mut Trail,
    ) -> Verdict {
        if let Some(kind @ Kind::Module(name)) = rules.kinds.get(self.tried) {
            let found = module(name, answer);
            if let Some(verdict) = self.conclude(rules, kind, found, trail) {
                return verdict;
            }
        }
        self.decide(rules, credentials, trail)
    }

    /// Notes what a kind found; None where the next one is to be tried.
    fn conclude(
        &mut self,
        rules: &Rules<'_>,
        kind: &Kind,
        found: Result<Found, Failure>,
        trail: &mut Trail,
    ) -> Option<Verdict> {
        self.tried += 1;
        let (refused, is_last) = match found.and_then(|found| found.prepare(kind)) {
            Ok(user) => {
                let source = source_name(user.source);
                let jid = format!("{}@{}", user.local, rules.host);
                trail.push(kind.as_str(), "ok", format!("{source} names {jid}"));
                return Some(Verdict::User(user));
            }
            Err(Failure::Last(refused)) => (refused, true),
            Err(Failure::Next(refused)) => (refused, false),
        };
        trail.push(kind.as_str(), refused.condition.as_str(), &refused.message);
        let refused = match self.refused.take() {
            Some(earlier) => earlier.then(refused),
            None => refused,
        };
        if is_last {
            return Some(Verdict::Refused(refused));
        }
        self.refused = Some(refused);
        None
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
    fn prepare(self, kind: &Kind) -> Result<User, Failure> {
        let source = source_name(self.source);
        let unusable =
            |message: String| Failure::Last(Refused::new(Reason::InvalidUsername, message));
        match jid::nodeprep(&self.name) {
            Ok(local) if local.is_empty() => {
                Err(unusable(format!("{source} gives an empty user name")))
            }
            Ok(local) => Ok(User {
                local,
                kind: kind.clone(),
                source: self.source,
            }),
            Err(error) => Err(unusable(format!(
                "{source} gives the user name {}, which is not a valid local part: {error}",
                quote(&self.name)
            ))),
        }
    }
}

/// Why a kind finds no user, and whether the next one is tried.
enum Failure {
    /// MongooseIM would crash, or refuse the user afterwards: nothing else is tried.
    Last(Refused),
    /// The next kind is tried.
    Next(Refused),
}

impl Failure {
    fn next(reason: Reason, message: impl AsRef<str>) -> Self {
        Self::Next(Refused::new(reason, message))
    }

    /// The authzid is not a JID, and the kind reads it.
    fn malformed_authzid(authzid: &[u8], error: &JidError) -> Self {
        let authzid = quote(authzid);
        Self::Last(Refused::new(
            Reason::MalformedAuthzid,
            format!("the authorization identity {authzid} is not a JID: {error}"),
        ))
    }

    /// An xmppAddr is not a JID, and the kind reads it.
    fn malformed_xmpp_addr(address: &str, error: &JidError) -> Self {
        let address = quote(address);
        Self::Last(Refused::new(
            Reason::MalformedXmppAddr,
            format!("the certificate's xmppAddr {address} is not a JID: {error}"),
        ))
    }
}

fn module(name: &str, answer: ModuleAnswer) -> Result<Found, Failure> {
    match answer {
        ModuleAnswer::Ok(name) => Ok(Found {
            name,
            source: "module",
        }),
        ModuleAnswer::Error(condition) => {
            let message =
                format!("the Erlang module {name} refuses the credentials with {condition}");
            Err(Failure::Next(
                Refused::new(Reason::ModuleRefused, message).told(condition),
            ))
        }
        ModuleAnswer::Unavailable => Err(Failure::next(
            Reason::ModuleUnavailable,
            format!("no Erlang runs here to ask the module {name}"),
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
