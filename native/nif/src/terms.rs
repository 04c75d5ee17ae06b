//! The terms that Erlang gets. Maps have the field names as atom keys; a field that is absent is the
//! atom `undefined`.

use std::fmt::Display;
use std::path::PathBuf;

use certjid_core::certificate::{self, Certificate, XmppAddr};
use certjid_core::config::{self, ConfigError};
use certjid_core::reason::Reason;
use certjid_core::sasl::{self, Kind, Rules, Verdict};
use certjid_core::trail::{self, Trail};
use certjid_core::{decide, verify};
use rustler::types::atom::{self, Atom};
use rustler::{
    Binary, Encoder, Env, ErlOption, NewBinary, NifMap, NifTaggedEnum, ResourceArc, Term,
};

use crate::requests::Items;
use crate::resources::PendingResource;

/// Bytes that become a binary rather than a list.
pub struct Bytes(pub Vec<u8>);

impl Encoder for Bytes {
    fn encode<'a>(&self, env: Env<'a>) -> Term<'a> {
        let mut binary = NewBinary::new(env, self.0.len());
        binary.as_mut_slice().copy_from_slice(&self.0);
        binary.into()
    }
}

/// Bytes that may be absent.
pub struct OptionalBytes(ErlOption<Bytes>);

impl From<Option<Vec<u8>>> for OptionalBytes {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        Self(bytes.map(Bytes).into())
    }
}

/// `{ok, Map}`, `{error, Map}`, `{ask, Map, Pending}` or `{invalid, Message}`.
#[derive(NifTaggedEnum)]
#[rustler(encode)]
pub enum Outcome {
    Ask(Question, ResourceArc<PendingResource>),
    Error(Refused),
    Invalid(String),
    Ok(Allowed),
}

impl From<decide::Outcome> for Outcome {
    fn from(outcome: decide::Outcome) -> Self {
        match outcome {
            decide::Outcome::Allowed(allowed) => Self::Ok(allowed.into()),
            decide::Outcome::AskMethod(login) => login.unserved().into(),
            decide::Outcome::AskModule(login) => {
                let question = login.question().into();
                Self::Ask(question, ResourceArc::new(PendingResource(*login)))
            }
            decide::Outcome::Refused(refused) => Self::Error(refused.into()),
        }
    }
}

/// The fields of a login alone, for MongooseIM's callback: `certjid_nif:sasl_decide/1`.
#[derive(NifMap)]
#[rustler(decode)]
pub struct Credentials<'a> {
    kinds: Items<String>,
    prefix: String,
    suffix: String,
    host: String,
    common_name: ErlOption<String>,
    xmpp_addrs: Items<String>,
    authzid: ErlOption<Binary<'a>>,
}

impl Credentials<'_> {
    pub fn decide(&self) -> SaslOutcome {
        let Ok(kinds) = self
            .kinds
            .0
            .iter()
            .map(|kind| kind.parse())
            .collect::<Result<Vec<Kind>, _>>();
        let rules = Rules {
            kinds: &kinds,
            prefix: &self.prefix,
            suffix: &self.suffix,
            host: &self.host,
        };
        let text = |text: &String| XmppAddr::Text(text.clone().into());
        let xmpp_addrs: Vec<XmppAddr<'_>> = self.xmpp_addrs.0.iter().map(text).collect();
        let credentials = sasl::Credentials {
            common_name: self.common_name.as_deref(),
            xmpp_addrs: &xmpp_addrs,
            authzid: self.authzid.as_ref().as_ref().map(Binary::as_slice),
        };
        let (verdict, trail) = sasl::decide(&rules, &credentials);
        match verdict {
            Verdict::User(user) => SaslOutcome::Ok(User {
                username: user.local,
                source: user.source.to_owned(),
                kind: user.kind.into(),
                trail: trail.into(),
            }),
            Verdict::AskModule(module) => SaslOutcome::Ask(module),
            Verdict::Refused(refused) => {
                SaslOutcome::Error(decide::Refused { trail, ..refused }.into())
            }
        }
    }
}

/// `{ok, Map}`, `{error, Map}` or `{ask, Module}`.
#[derive(NifTaggedEnum)]
#[rustler(encode)]
pub enum SaslOutcome {
    Ask(String),
    Error(Refused),
    Ok(User),
}

/// A value that becomes a binary by its `Display`.
pub struct Shown(String);

impl<T: Display> From<T> for Shown {
    fn from(value: T) -> Self {
        Self(value.to_string())
    }
}

/// A path, with replacement characters where it is not UTF-8.
pub struct FilePath(String);

impl From<PathBuf> for FilePath {
    fn from(path: PathBuf) -> Self {
        Self(path.to_string_lossy().into_owned())
    }
}

/// A line; 0 is absent.
pub struct Line(ErlOption<usize>);

impl From<usize> for Line {
    fn from(line: usize) -> Self {
        Self(Some(line).filter(|&line| line > 0).into())
    }
}

/// `keyCompromise` and its like, or `undefined`.
pub struct Revocation(ErlOption<Named>);

impl From<Option<&'static str>> for Revocation {
    fn from(reason: Option<&'static str>) -> Self {
        Self(reason.map(Named).into())
    }
}

/// Types that are encoded as what they hold.
macro_rules! transparent {
    ($($name:ident)*) => {
        $(impl Encoder for $name {
            fn encode<'a>(&self, env: Env<'a>) -> Term<'a> {
                self.0.encode(env)
            }
        })*
    };
}

transparent! { FilePath Line OptionalBytes Revocation Shown }

/// A name that becomes an atom, of which there are but few.
pub struct Named(pub &'static str);

impl From<Reason> for Named {
    fn from(reason: Reason) -> Self {
        Self(reason.as_str())
    }
}

impl Encoder for Named {
    fn encode<'a>(&self, env: Env<'a>) -> Term<'a> {
        Atom::from_str(env, self.0)
            .unwrap_or_else(|_| atom::undefined())
            .encode(env)
    }
}

/// A list of the core's values as a list of maps.
pub struct List<T>(Vec<T>);

impl<A, B: From<A>> From<Vec<A>> for List<B> {
    fn from(values: Vec<A>) -> Self {
        Self(values.into_iter().map(B::from).collect())
    }
}

impl From<Trail> for List<Step> {
    fn from(trail: Trail) -> Self {
        Vec::from(trail).into()
    }
}

impl<T: Encoder> Encoder for List<T> {
    fn encode<'a>(&self, env: Env<'a>) -> Term<'a> {
        self.0.encode(env)
    }
}

/// Structs that become maps, each made of the core's type with the same fields, if one is named.
macro_rules! maps {
    ($($name:ident $(from $core:ty)? { $($field:ident: $type:ty,)* })*) => {
        $(
            #[derive(NifMap)]
            #[rustler(encode)]
            pub struct $name { $($field: $type,)* }

            maps!(@from $name ($($core)?) $($field)*);
        )*
    };
    (@from $name:ident () $($field:ident)*) => {};
    (@from $name:ident ($core:ty) $($field:ident)*) => {
        impl From<$core> for $name {
            fn from(core: $core) -> Self {
                Self { $($field: core.$field.into(),)* }
            }
        }
    };
}

maps! {
    Allowed from decide::Allowed {
        username: String,
        jid: String,
        method: String,
        source: String,
        kind: String,
        trail: List<Step>,
    }
    Fault from verify::Fault {
        reason: Named,
        position: usize,
        message: String,
        revocation: Revocation,
    }
    Identity {
        common_name: ErlOption<String>,
        xmpp_addrs: Vec<String>,
        dns_names: Vec<String>,
        names: List<Name>,
        skipped: List<Skipped>,
        not_before: i64,
        not_after: i64,
        fingerprint: String,
        serial: String,
        issuer: String,
        subject: String,
        version: u8,
        key: String,
    }
    LoadError from ConfigError {
        file: FilePath,
        line: Line,
        path: String,
        message: String,
    }
    Name from certificate::Name { kind: String, encoding: String, value: String, }
    Offer { external: bool, reason: Shown, message: String, }
    Question from decide::ModuleQuestion {
        module: String,
        host: String,
        common_name: ErlOption<String>,
        xmpp_addrs: Vec<String>,
        authzid: OptionalBytes,
    }
    Refused {
        condition: Shown,
        reason: Shown,
        message: String,
        disconnect: bool,
        trail: List<Step>,
    }
    Skipped from certificate::Skipped { kind: String, value: String, reason: String, }
    Step from trail::Step { what: String, outcome: String, message: String, }
    Tls {
        verify_mode: Named,
        disconnect_on_failure: bool,
        certfile: ErlOption<FilePath>,
        keyfile: ErlOption<FilePath>,
        password: ErlOption<String>,
        cacertfile: ErlOption<FilePath>,
        ciphers: ErlOption<String>,
        versions: ErlOption<Vec<String>>,
    }
    User { username: String, source: String, kind: Shown, trail: List<Step>, }
    Warning from config::Warning { line: Line, path: String, message: String, }
}

impl From<&Certificate> for Identity {
    fn from(certificate: &Certificate) -> Self {
        let common_name = certificate.common_name().map(str::to_owned);
        Self {
            common_name: common_name.into(),
            xmpp_addrs: certificate.xmpp_addrs().to_vec(),
            dns_names: certificate.dns_names().map(str::to_owned).collect(),
            names: certificate.names().to_vec().into(),
            skipped: certificate.skipped().to_vec().into(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            fingerprint: certificate.fingerprint_hex(),
            serial: certificate.serial().to_owned(),
            issuer: certificate.issuer().to_owned(),
            subject: certificate.subject().to_owned(),
            version: certificate.version(),
            key: certificate.key().to_owned(),
        }
    }
}

impl From<decide::Refused> for Refused {
    fn from(refused: decide::Refused) -> Self {
        Self {
            condition: refused.condition.into(),
            reason: refused.reason.into(),
            message: refused.explained(),
            disconnect: refused.disconnect,
            trail: refused.trail.into(),
        }
    }
}

impl From<decide::Offer> for Offer {
    fn from(offer: decide::Offer) -> Self {
        Self {
            external: offer.external(),
            reason: offer.code().into(),
            message: offer.message,
        }
    }
}

impl From<&config::Tls> for Tls {
    fn from(tls: &config::Tls) -> Self {
        let path = |path: &Option<PathBuf>| path.clone().map(FilePath::from).into();
        let password = tls.password.as_ref();
        Self {
            verify_mode: Named(tls.verify_mode.as_str()),
            disconnect_on_failure: tls.disconnect_on_failure,
            certfile: path(&tls.certfile),
            keyfile: path(&tls.keyfile),
            password: password.map(|secret| secret.expose().to_owned()).into(),
            cacertfile: path(&tls.cacertfile),
            ciphers: tls.ciphers.clone().into(),
            versions: tls.versions.clone().into(),
        }
    }
}
