//! The Erlang modules that `auth.sasl_external` names.

use super::{ModuleAnswer, Outcome, Pending};
use crate::certificate::XmppAddr;
use crate::config::Auth;
use crate::sasl::{Attempt, Credentials, Kind, Rules};

/// The credentials that an Erlang module is asked about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ModuleQuestion {
    /// The module.
    pub module: String,
    /// The prepared host.
    pub host: String,
    /// The first common name.
    pub common_name: Option<String>,
    /// All id-on-xmppAddr entries in order; one that is not text is the empty text, which names
    /// nobody.
    pub xmpp_addrs: Vec<String>,
    /// The decoded authorization identity.
    pub authzid: Option<Vec<u8>>,
}

/// A login at one of the modules.
#[derive(Clone, Debug)]
pub struct AtModule {
    pub(super) module: String,
    pub(super) attempt: Attempt,
    pub(super) names: Names,
}

/// The names of a login, and the rules that make a user of them.
#[derive(Clone, Debug)]
pub(super) struct Names {
    kinds: Vec<Kind>,
    prefix: String,
    suffix: String,
    common_name: Option<String>,
    xmpp_addrs: Vec<XmppAddr<'static>>,
    authzid: Option<Vec<u8>>,
}

impl Names {
    pub(super) fn new(auth: &Auth, credentials: &Credentials<'_>) -> Self {
        let entries = credentials.xmpp_addrs.iter();
        Self {
            kinds: auth.sasl_external.clone(),
            prefix: auth.prefix.clone(),
            suffix: auth.suffix.clone(),
            common_name: credentials.common_name.map(str::to_owned),
            xmpp_addrs: entries.map(XmppAddr::to_static).collect(),
            authzid: credentials.authzid.map(<[u8]>::to_vec),
        }
    }
}

impl Pending<AtModule> {
    /// What is to be asked.
    pub fn question(&self) -> ModuleQuestion {
        let names = &self.stage.names;
        let text = |entry: &XmppAddr<'_>| entry.text().unwrap_or_default().to_owned();
        ModuleQuestion {
            module: self.stage.module.clone(),
            host: self.login.host.clone(),
            common_name: names.common_name.clone(),
            xmpp_addrs: names.xmpp_addrs.iter().map(text).collect(),
            authzid: names.authzid.clone(),
        }
    }

    /// Goes on with the answer.
    pub fn answered(self, answer: ModuleAnswer) -> Outcome {
        let Self { mut login, stage } = self;
        let AtModule {
            mut attempt, names, ..
        } = stage;
        let rules = Rules {
            kinds: &names.kinds,
            prefix: &names.prefix,
            suffix: &names.suffix,
            host: &login.host,
        };
        let credentials = Credentials {
            common_name: names.common_name.as_deref(),
            xmpp_addrs: &names.xmpp_addrs,
            authzid: names.authzid.as_deref(),
        };
        let verdict = attempt.answered(answer, &rules, &credentials, &mut login.trail);
        login.go_on(verdict, attempt, || names)
    }
}
