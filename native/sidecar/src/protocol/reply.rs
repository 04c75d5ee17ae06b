use certjid_core::reason::Reason;
use certjid_core::{policy, sasl};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::message::Id;
use super::{VERSION, etf};
use crate::metrics::ServiceHealth;

/// The reply to `authenticate`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Decision {
    /// Whether the client is let in.
    pub allowed: bool,
    /// The bare JID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jid: Option<String>,
    /// The prepared local part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The entry of `auth.methods` that accepted the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where the user name was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The entry of `sasl_external` that found it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What the client is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The cause for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The cause for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether the server is to close the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disconnect: Option<bool>,
    /// What was tried, in order.
    pub trail: Vec<Step>,
}

impl From<policy::Outcome> for Decision {
    fn from(outcome: policy::Outcome) -> Self {
        let steps = |trail: Vec<sasl::Step>| trail.into_iter().map(Step::from).collect();
        match outcome {
            policy::Outcome::Allowed(allowed) => Self {
                allowed: true,
                jid: Some(allowed.jid),
                username: Some(allowed.username),
                method: Some(allowed.method),
                source: Some(allowed.source.to_owned()),
                kind: Some(allowed.kind),
                trail: steps(allowed.trail),
                ..Self::default()
            },
            policy::Outcome::Refused(refused) => Self {
                condition: Some(refused.condition.to_string()),
                reason: Some(refused.reason.to_string()),
                message: Some(shortened(refused.message)),
                disconnect: Some(refused.disconnect),
                trail: steps(refused.trail),
                ..Self::default()
            },
            // A policy that is loaded with `Modules::Refused` has no module to ask.
            policy::Outcome::AskModule(question) => Self {
                condition: Some(sasl::Condition::NotAuthorized.to_string()),
                reason: Some(Reason::ModuleUnavailable.to_string()),
                message: Some(format!(
                    "no Erlang runs here to ask the module {}",
                    question.module
                )),
                disconnect: Some(false),
                ..Self::default()
            },
        }
    }
}

/// One step of a decision.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Step {
    /// What was tried.
    pub what: String,
    /// `ok`, `note`, `skipped`, or the SASL condition.
    pub outcome: String,
    /// A sentence.
    pub message: String,
}

impl From<sasl::Step> for Step {
    fn from(step: sasl::Step) -> Self {
        Self {
            what: step.what,
            outcome: step.outcome,
            message: shortened(step.message),
        }
    }
}

/// The reply to `mechanisms`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Offer {
    /// Whether EXTERNAL is to be offered.
    pub external: bool,
    /// The same as a list of mechanisms.
    pub mechanisms: Vec<String>,
    /// `offered`, or the cause for programs.
    pub reason: String,
    /// The cause for the operator.
    pub message: String,
}

impl From<policy::Offer> for Offer {
    fn from(offer: policy::Offer) -> Self {
        Self {
            external: offer.external(),
            mechanisms: offer
                .external()
                .then(|| "EXTERNAL".to_owned())
                .into_iter()
                .collect(),
            reason: offer.code().to_owned(),
            message: shortened(offer.message),
        }
    }
}

/// The reply to `status`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Status {
    /// certjid's own version.
    pub release: String,
    /// The configuration file.
    pub config: String,
    /// When the policy in use was loaded, in Unix seconds.
    pub loaded_at: i64,
    /// Seconds since the start.
    pub uptime: u64,
    /// Logins that were allowed since the start.
    pub allowed: u64,
    /// Logins that were refused.
    pub refused: u64,
    /// Those that were allowed, by method.
    pub methods: Vec<Count>,
    /// Those that were refused, by reason.
    pub reasons: Vec<Count>,
    /// The services behind http and ldap that have been asked.
    pub services: Vec<PoolStatus>,
    /// Certificates that logged in during the last seven days and expire within thirty.
    pub expiring: usize,
    /// Requests that could not be understood.
    pub errors: u64,
    /// Connections that are open.
    pub connections: u64,
    /// Why the last reload kept the old policy; null where it did not.
    pub reload_error: Option<String>,
    /// The process.
    pub pid: u32,
}

/// How often something was, since the start.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Count {
    /// What.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// How the service of a pool does.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PoolStatus {
    /// The TOML path of the pool.
    pub pool: String,
    /// How it does.
    #[serde(flatten)]
    pub health: ServiceHealth,
}

/// Encodes a reply in the format of its id.
pub fn encode(id: Id, reply: &impl Serialize) -> Vec<u8> {
    match id {
        Id::Etf(id) => {
            let mut json = serde_json::to_value(reply).expect(REPLY);
            json["version"] = VERSION.into();
            etf::encode(id, json)
        }
        Id::Json(id) => {
            // What all replies have is added to the object, which is never empty, at its end.
            let mut bytes = serde_json::to_vec(reply).expect(REPLY);
            bytes.pop();
            bytes.extend(format!(",\"version\":{VERSION},\"id\":{id}}}").into_bytes());
            bytes
        }
    }
}

/// Encodes the reply to a request that is not answered.
pub fn refuse(id: Id, error: Reason, message: &str) -> Vec<u8> {
    let reply: Json = json!({ "error": error.as_str(), "message": shortened(message.to_owned()) });
    encode(id, &reply)
}

/// Messages quote what the client sent; a reply must fit into a frame all the same.
fn shortened(mut message: String) -> String {
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        message.push('…');
    }
    message
}

/// The greatest length of a message, in bytes.
const MAX_MESSAGE: usize = 4096;

const REPLY: &str = "a reply is an object of plain values";
